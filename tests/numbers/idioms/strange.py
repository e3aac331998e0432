# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Transforms, spectra, solvers, scalars of Python, text, narrow types and bits."""

from __future__ import annotations

import json
import math

import numpy as np
import scipy.linalg
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from tests.numbers.idioms.idiom import Idiom, normal, positive_definite, uniform


def lowpass(x):
    X = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x))
    X *= np.exp(-((f / 0.2) ** 2))
    return np.fft.irfft(X, n=len(x))


def explained_variance(X):
    Xc = X - X.mean(axis=0)
    cov = Xc.T @ Xc / (len(X) - 1)
    w, V = np.linalg.eigh(cov)
    scores = Xc @ V[:, -1]
    return w[::-1] / w.sum(), scores**2


def nuclear_norm(A):
    s = np.linalg.svd(A, compute_uv=False)
    return s.sum() + 0.1 * s.max()


def black_scholes(p):
    """One option, with plain floats."""
    S, K, sigma = (float(v) for v in p)
    T, r = 0.5, 0.02
    d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
    d2 = d1 - sigma * math.sqrt(T)
    N = lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2)))  # noqa: E731 -- users do
    return S * N(d1) - K * math.exp(-r * T) * N(d2)


def through_json(x, scale):
    blob = json.dumps({"weights": x.tolist(), "scale": scale.item()})
    cfg = json.loads(blob)
    w = np.array(cfg["weights"])
    return np.tanh(w * cfg["scale"]).sum(axis=0)


def friction_factor(Re, rough):
    """Colebrook equation, one root per Reynolds number."""
    f = []
    for re in Re:
        f.append(brentq(lambda y, re=re: y + 2 * np.log10(rough / 3.7 + 2.51 * y / re), 1.0, 20.0, xtol=1e-13))
    return 1 / np.array(f) ** 2


def luminosity_distance(z, omega_m):
    E = lambda zz: np.sqrt(omega_m * (1 + zz) ** 3 + 1 - omega_m)  # noqa: E731 -- users do
    dc = np.array([quad(lambda zz: 1 / E(zz), 0, zi)[0] for zi in z])
    return (1 + z) * dc


def spline_track(y, s):
    knots = np.arange(len(y), dtype=float)
    cs = CubicSpline(knots, y, bc_type="natural")
    return cs(s) + 0.1 * cs(s, 1) ** 2


def single_precision_matmul(x, W):
    x32 = x.astype(np.float32)
    W32 = W.astype(np.float32)
    return np.maximum(x32 @ W32, 0).astype(np.float64)


def fast_inverse_sqrt(x):
    i = x.view(np.int64)
    i = 0x5FE6EB50C7B537A9 - (i >> 1)
    y = i.view(np.float64)
    for _ in range(2):
        y = y * (1.5 - 0.5 * x * y * y)
    return y


def whiten(X, cov):
    c, low = scipy.linalg.cho_factor(cov, lower=True)
    half = scipy.linalg.solve_triangular(np.tril(c), X.T, lower=low)
    return (half**2).sum(axis=0)


IDIOMS = (
    Idiom("low pass by fft", "strange", lowpass, (normal(240, 6),)),
    Idiom("principal component by eigh", "strange", explained_variance, (normal(241, 6, 3),)),
    Idiom("nuclear norm by svd", "strange", nuclear_norm, (normal(242, 3, 4),)),
    Idiom("option price by math", "strange", black_scholes, (np.array([1.1, 0.95, 0.3]),)),
    Idiom("weights through json", "strange", through_json, (normal(243, 3, 2), uniform(244, 0.5, 1))),
    Idiom(
        "friction factor by brentq",
        "strange",
        friction_factor,
        (uniform(245, 4e3, 9e3, 3), np.array(0.01)),
    ),
    Idiom("cosmic distance by quad", "strange", luminosity_distance, (uniform(246, 0.2, 2, 3), uniform(247, 0.2, 0.4))),
    Idiom("natural spline of scipy", "strange", spline_track, (normal(248, 5), uniform(249, 0, 4, 4))),
    Idiom("product in float32", "strange", single_precision_matmul, (normal(250, 3, 4), normal(251, 4, 2))),
    Idiom("inverse square root by bits", "strange", fast_inverse_sqrt, (uniform(252, 0.6, 3, 5),)),
    Idiom("whitening by cho_factor", "strange", whiten, (normal(253, 4, 3), positive_definite(254, 3))),
)
