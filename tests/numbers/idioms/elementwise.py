# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Functions of single elements: activations, masks, clipping, pieces, and special functions of physics."""

from __future__ import annotations

import numpy as np
from numpy import exp, pi, sqrt, tanh
from scipy.special import erf, j1

from tests.numbers.idioms.idiom import Idiom, normal, uniform


def relu(x):
    out = x.copy()
    out[out < 0] = 0
    return out


def leaky_relu(x, alpha=0.01):
    """Leaky ReLU."""
    return np.where(x > 0, x, alpha * x)


def elu(x, alpha=1.0):
    y = np.empty_like(x)
    neg = x <= 0
    y[~neg] = x[~neg]
    y[neg] = alpha * np.expm1(x[neg])
    return y


def stable_sigmoid(z):
    # avoid overflow: use a different formula for each sign
    pos = z >= 0
    out = np.zeros(z.shape)
    out[pos] = 1.0 / (1.0 + np.exp(-z[pos]))
    ez = np.exp(z[~pos])
    out[~pos] = ez / (1.0 + ez)
    return out


def gelu(x):
    # approximation used in GPT-2
    c = sqrt(2 / pi)
    return 0.5 * x * (1 + tanh(c * (x + 0.044715 * x**3)))


def smoothstep(x, lo=-1.0, hi=1.5):
    t = np.clip((x - lo) / (hi - lo), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def wrap_angle(theta, omega):
    dt = 0.5
    theta = theta + omega * dt
    return (theta + np.pi) % (2 * np.pi) - np.pi


def bilinear_steel(strain, E):
    """Stress of an elastic - hardening - perfectly plastic material."""
    eps_y, eps_u = 0.5, 1.2
    sy = E * eps_y
    H = 0.1 * E
    a = np.abs(strain)
    stress = np.select(
        [a < eps_y, a < eps_u],
        [E * a, sy + H * (a - eps_y)],
        default=sy + H * (eps_u - eps_y),
    )
    return np.sign(strain) * stress


def airy_pattern(theta, wavelength):
    k = 2 * np.pi / wavelength
    u = k * 1.5 * np.sin(theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        intensity = (2 * j1(u) / u) ** 2
    intensity = np.where(u == 0, 1.0, intensity)
    return intensity


def voltage_trace(t, tau, amp):
    """Response of an RC filter to a step at t=0, with Gaussian rise."""
    rise = 0.5 * (1.0 + erf(t / (0.3 * sqrt(2.0))))
    decay = np.ones_like(t)
    after = np.nonzero(t > 0)[0]
    decay[after] = exp(-t[after] / tau)
    return amp * rise * decay


IDIOMS = (
    Idiom("relu on a masked copy", "masks", relu, (normal(1, 3, 4),)),
    Idiom("leaky relu by where", "where", leaky_relu, (normal(2, 6),)),
    Idiom("elu by two masked assignments", "masks", elu, (normal(3, 4, 3),)),
    Idiom("sigmoid without overflow", "masks", stable_sigmoid, (normal(4, 5) * 3,)),
    Idiom("gelu with names imported from numpy", "activations", gelu, (normal(5, 3, 3),)),
    Idiom("smoothstep by clip", "clip", smoothstep, (normal(6, 6),)),
    Idiom("angle wrapped by remainder", "physics", wrap_angle, (normal(7, 5) * 4, normal(8, 5) * 4)),
    Idiom("stress by select", "where", bilinear_steel, (normal(9, 6), uniform(10, 1, 3))),
    Idiom("airy pattern under errstate", "physics", airy_pattern, (uniform(11, 0.1, 0.9, 5), uniform(12, 2, 3))),
    Idiom("filter response by nonzero", "masks", voltage_trace, (normal(13, 6), uniform(14, 1, 2), normal(15))),
)
