"""Backward passes with a wrong formula: sign, factor, a missing term or factor, a statistic held constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck.claim import POSITIVE, POSITIVE_DEFINITE, REALS, Domain, interval
from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import logsumexp, sigmoid, softmax, softmax_vjp

SIGN = "sign"
FACTOR = "constant factor"
MISSING = "missing factor x"
ACTIVATION = "activation derivative"
DIAGONAL = "only the diagonal of a Jacobian"
STATISTIC = "statistic held constant"
TERM = "missing term"
SCAN = "scan not reversed"
MATRIX = "wrong matrix formula"
MODERATE = Domain((interval(0.5, 20.0),))


def scaled(name: str, forward: Any, slope: Any, factor: float, *shapes: Any, **options: Any) -> tuple[Case, Case]:
    """An elementwise function whose backward is off by ``factor``."""
    return pair(
        name,
        SIGN if factor == -1 else FACTOR,
        forward,
        lambda g, x: g * slope(x),
        lambda g, x: factor * g * slope(x),
        *shapes,
        **options,
    )


def dense(x: Any, w: Any, b: Any) -> Any:
    """tanh(x w + b) for rows x."""
    return np.tanh(x @ w + b)


def dense_vjp(g: Any, x: Any, w: Any, b: Any, slope: Any = None) -> Any:
    """``slope(z, y)`` is the derivative of the activation with pre-activation z and output y."""
    z = x @ w + b
    d = g * (slope or (lambda z, y: 1 / np.cosh(z) ** 2))(z, np.tanh(z))
    return d @ w.T, x.T @ d, np.sum(d, axis=0)


def dense_without_bias_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    """The bias is taken for a constant."""
    return *dense_vjp(g, x, w, b)[:2], np.zeros_like(b)


def dense_slope_without_bias_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    """The slope is taken at x w instead of x w + b."""
    return dense_vjp(g, x, w, b, lambda z, y: 1 / np.cosh(z - b) ** 2)


def two_layers_vjp(g: Any, x: Any, v: Any, w: Any, inner: Any) -> Any:
    """vjp of tanh(x v) w with the slope ``inner(h)`` of the hidden layer h."""
    h = np.tanh(x @ v)
    d = (g @ w.T) * inner(h)
    return d @ v.T, x.T @ d, h.T @ g


def standardise(x: Any) -> Any:
    """(x - mean) / sqrt(var + 0.01) over the batch, axis 0."""
    return (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 0.01)


def standardise_vjp(g: Any, x: Any, through_mean: bool = True, through_variance: bool = True) -> Any:
    """Each statistic can be held constant."""
    y, s = standardise(x), np.sqrt(np.var(x, axis=0) + 0.01)
    d = g - np.mean(g, axis=0) if through_mean else g
    return (d - y * np.mean(g * y, axis=0)) / s if through_variance else d / s


def root_mean_square_vjp(g: Any, x: Any, full: bool) -> Any:
    """vjp of x / sqrt(mean(x^2) + 0.01)."""
    s = np.sqrt(np.mean(x * x) + 0.01)
    return (g - full * x * np.mean(g * x) / s**2) / s


def log_softmax(x: Any) -> Any:
    """x - logsumexp(x) over the last axis."""
    return x - logsumexp(x)[..., None]


def leaky_sum(x: Any, decay: float) -> Any:
    """s_t = decay s_(t-1) + x_t."""
    out, state = [], 0.0 * x[0]
    for entry in x:
        state = decay * state + entry
        out.append(state)
    return np.stack(out)


def recurrent(x: Any, a: Any) -> Any:
    """The last state of s_t = tanh(a s_(t-1) + x_t)."""
    return recurrent_states(x, a)[-1]


def recurrent_states(x: Any, a: Any) -> list[Any]:
    """All states, the first of which is 0."""
    states = [0.0 * x[0]]
    for entry in x:
        states.append(np.tanh(a * states[-1] + entry))
    return states


def recurrent_vjp(g: Any, x: Any, a: Any, steps: int = 99) -> Any:
    """Through at most ``steps`` steps of time."""
    states = recurrent_states(x, a)
    dx, da = np.zeros_like(x), 0.0
    for t in range(len(x) - 1, max(len(x) - 1 - steps, -1), -1):
        g = g / np.cosh(a * states[t] + x[t]) ** 2
        dx[t] = g
        da = da + g * states[t]
        g = a * g
    return dx, da


def horner_vjp(g: Any, c: Any, x: Any, shift: int) -> Any:
    """vjp of sum c_k x^k; ``shift`` is an error of the powers in the slope."""
    k = np.arange(1, len(c))
    return g * x ** np.arange(len(c)), g * np.sum(k * c[1:] * x ** (k - 1 + shift))


def attention(q: Any, k: Any, v: Any) -> Any:
    """softmax(q k' / 2) v for keys of dimension 4."""
    return softmax(q @ k.T / 2) @ v


def attention_vjp(g: Any, q: Any, k: Any, v: Any, scale: float = 0.5) -> Any:
    """``scale`` is the factor of the scores."""
    p = softmax(q @ k.T / 2)
    d = scale * softmax_vjp(g @ v.T, p)
    return d @ k, d.T @ q, p.T @ g


def inverse_vjp(g: Any, a: Any, sign: float = -1.0, transpose: bool = True) -> Any:
    """-a^-T g a^-T."""
    b = np.linalg.inv(a)
    b = b.T if transpose else b
    return sign * b @ g @ b


def solve_vjp(g: Any, a: Any, b: Any, sign: float = -1.0) -> Any:
    """(-d x', d) with d = a^-T g and x = a^-1 b."""
    d = np.linalg.solve(a.T, g)
    return sign * np.outer(d, np.linalg.solve(a, b)), d


def convolution_vjp(g: Any, x: Any, w: Any, flip: bool) -> Any:
    """vjp of the valid cross-correlation; the input needs the kernel as a convolution flips it."""
    dx = np.convolve(g, w if flip else w[::-1], mode="full")
    return dx, np.array([x[i : i + len(g)] @ g for i in range(len(w))])


def correlate(x: Any, w: Any) -> Any:
    """sum over i of x_(k+i) w_i."""
    return sum(x[i : len(x) - len(w) + 1 + i] * w[i] for i in range(len(w)))


def trapezoid_vjp(g: Any, x: Any, ends: float) -> Any:
    """The two ends weigh a half."""
    weights = np.ones(len(x))
    weights[[0, -1]] = ends
    return g * weights * np.cos(x)


FACTORS = (
    *scaled("sin/sign", np.sin, np.cos, -1, (4,)),
    *scaled("cos/sign-of-sine-forgotten", np.cos, lambda x: -np.sin(x), -1, (2, 3)),
    *scaled("exp-of-minus-x/sign", lambda x: np.exp(-x / 8), lambda x: -np.exp(-x / 8) / 8, -1, (3,)),
    *scaled("square/factor-two-forgotten", np.square, lambda x: 2 * x, 0.5, (5,)),
    *scaled("half-square/factor-two-kept", lambda x: x * x / 2, lambda x: 1.0 * x, 2, (5,)),
    *scaled(
        "log10/natural-slope",
        lambda x: np.log10(1 + x * x),
        lambda x: 2 * x / (1 + x * x) / math.log(10),
        math.log(10),
        (4,),
    ),
    *scaled(
        "log2/multiplied-instead",
        lambda x: np.log2(1 + x * x),
        lambda x: 2 * x / (1 + x * x) / math.log(2),
        math.log(2) ** 2,
        (4,),
    ),
    *scaled("log/base-ten-slope", np.log, lambda x: 1 / x, 1 / math.log(10), (4,), domain=MODERATE),
    *scaled(
        "exp2/logarithm-of-two-forgotten",
        lambda x: np.exp2(x / 16),
        lambda x: np.exp2(x / 16) * math.log(2) / 16,
        1 / math.log(2),
        (4,),
    ),
    *scaled("sqrt/half-forgotten", np.sqrt, lambda x: 0.5 / np.sqrt(x), 2, (4,), domain=Domain((POSITIVE,))),
    *scaled("mean/length-forgotten", lambda x: np.mean(x**3), lambda x: 3 * x * x / x.size, 5, (5,)),
    *scaled("sum/divided-by-the-length", lambda x: np.sum(np.tanh(x)), lambda x: 1 / np.cosh(x) ** 2, 1 / 6, (6,)),
    *scaled(
        "sine-in-degrees/conversion-forgotten",
        lambda x: np.sin(np.pi * x / 180),
        lambda x: np.cos(np.pi * x / 180) * np.pi / 180,
        180 / np.pi,
        (4,),
    ),
    *scaled(
        "erf-like/two-over-root-pi-rounded",
        lambda x: np.arctan(x) * 2 / np.sqrt(np.pi),
        lambda x: 2 / np.sqrt(np.pi) / (1 + x * x),
        1.128 / 1.1283791670955126,
        (4,),
    ),
    *scaled(
        "softplus/inner-factor-forgotten", lambda x: np.logaddexp(0, 3 * x), lambda x: 3 * sigmoid(3 * x), 1 / 3, (4,)
    ),
)

ELEMENTWISE = (
    *pair(
        "x-exp/factor-x-forgotten",
        MISSING,
        lambda x: np.exp(-x * x),
        lambda g, x: -2 * g * x * np.exp(-x * x),
        lambda g, x: -2 * g * np.exp(-x * x),
        (4,),
    ),
    *pair(
        "x-sin/product-rule-first-term-only",
        TERM,
        lambda x: x * np.sin(x),
        lambda g, x: g * (np.sin(x) + x * np.cos(x)),
        lambda g, x: g * np.sin(x),
        (4,),
    ),
    *pair(
        "silu/second-term-forgotten",
        TERM,
        lambda x: x * sigmoid(x),
        lambda g, x: g * sigmoid(x) * (1 + x * sigmoid(-x)),
        lambda g, x: g * sigmoid(x),
        (2, 3),
    ),
    *pair(
        "residual/skip-path-lost",
        TERM,
        lambda x: x + np.tanh(x),
        lambda g, x: g * (1 + 1 / np.cosh(x) ** 2),
        lambda g, x: g / np.cosh(x) ** 2,
        (4,),
    ),
    *pair(
        "tanh/one-minus-output-without-square",
        ACTIVATION,
        np.tanh,
        lambda g, x: g / np.cosh(x) ** 2,
        lambda g, x: g * (1 - np.tanh(x)),
        (5,),
    ),
    *pair(
        "tanh/slope-at-the-input-taken-for-the-output",
        ACTIVATION,
        np.tanh,
        lambda g, x: g / np.cosh(x) ** 2,
        lambda g, x: g * (1 - x**2),
        (5,),
    ),
    *pair(
        "sigmoid/slope-formula-fed-with-the-input",
        ACTIVATION,
        sigmoid,
        lambda g, x: g * sigmoid(x) * sigmoid(-x),
        lambda g, x: g * x * (1 - x),
        (4,),
    ),
    *pair(
        "sigmoid/activation-applied-twice",
        ACTIVATION,
        sigmoid,
        lambda g, x: g * sigmoid(x) * sigmoid(-x),
        lambda g, x: g * sigmoid(sigmoid(x)) * sigmoid(-sigmoid(x)),
        (4,),
    ),
    *pair(
        "trapezoid/ends-weigh-one",
        FACTOR,
        lambda x: np.sum((np.sin(x[1:]) + np.sin(x[:-1])) / 2),
        lambda g, x: trapezoid_vjp(g, x, 0.5),
        lambda g, x: trapezoid_vjp(g, x, 1.0),
        (5,),
    ),
    *pair(
        "polynomial/power-not-lowered",
        MISSING,
        lambda c, x: np.sum(c * x ** np.arange(len(c))),
        lambda g, c, x: horner_vjp(g, c, x, 0),
        lambda g, c, x: horner_vjp(g, c, x, 1),
        (4,),
        (),
    ),
    *pair(
        "divide/sign-of-the-denominator",
        SIGN,
        np.divide,
        lambda g, x, y: (g / y, -g * x / y**2),
        lambda g, x, y: (g / y, g * x / y**2),
        (3,),
        (3,),
        domain=Domain((REALS, interval(0.5, 20.0))),
    ),
)

LAYERS = (
    *pair(
        "dense/activation-forgotten",
        ACTIVATION,
        dense,
        dense_vjp,
        lambda g, x, w, b: dense_vjp(g, x, w, b, lambda z, y: 1.0),
        (3, 2),
        (2, 3),
        (3,),
    ),
    *pair(
        "dense/slope-at-the-output-of-the-output",
        ACTIVATION,
        dense,
        dense_vjp,
        lambda g, x, w, b: dense_vjp(g, x, w, b, lambda z, y: 1 - np.tanh(y) ** 2),
        (2, 3),
        (3, 2),
        (2,),
    ),
    *pair(
        "dense/slope-without-the-bias",
        "bias forgotten",
        dense,
        dense_vjp,
        dense_slope_without_bias_vjp,
        (3, 2),
        (2, 2),
        (2,),
    ),
    *pair("dense/bias-gets-nothing", "bias forgotten", dense, dense_vjp, dense_without_bias_vjp, (2, 2), (2, 4), (4,)),
    *pair(
        "two-layers/inner-activation-forgotten",
        ACTIVATION,
        lambda x, v, w: np.tanh(x @ v) @ w,
        lambda g, x, v, w: two_layers_vjp(g, x, v, w, lambda h: 1 - h * h),
        lambda g, x, v, w: two_layers_vjp(g, x, v, w, lambda h: 1.0),
        (2, 3),
        (3, 2),
        (2, 2),
    ),
    *pair(
        "softmax/only-the-diagonal",
        DIAGONAL,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: g * softmax(x) * (1 - softmax(x)),
        (5,),
    ),
    *pair(
        "softmax/twice-as-large",
        FACTOR,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: 2 * softmax_vjp(g, softmax(x)),
        (2, 4),
        invisible=True,
    ),
    *pair(
        "softmax/sign",
        SIGN,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: -softmax_vjp(g, softmax(x)),
        (3, 3),
        invisible=True,
    ),
    *pair(
        "softmax/nothing-because-the-sum-is-constant",
        TERM,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: 0 * g,
        (4,),
        invisible=True,
    ),
    *pair(
        "log-softmax/cotangent-not-summed",
        DIAGONAL,
        log_softmax,
        lambda g, x: g - softmax(x) * np.sum(g, axis=-1, keepdims=True),
        lambda g, x: g - softmax(x) * g,
        (4,),
    ),
    *pair(
        "log-softmax/count-in-the-place-of-the-sum",
        "cotangent ignored",
        log_softmax,
        lambda g, x: g - softmax(x) * np.sum(g, axis=-1, keepdims=True),
        lambda g, x: g - softmax(x) * x.shape[-1],
        (2, 3),
        invisible=True,
    ),
    *pair(
        "temperature-softmax/temperature-forgotten",
        FACTOR,
        lambda x: softmax(x / 3),
        lambda g, x: softmax_vjp(g, softmax(x / 3)) / 3,
        lambda g, x: softmax_vjp(g, softmax(x / 3)),
        (4,),
        invisible=True,
    ),
    *pair(
        "attention/scale-forgotten",
        FACTOR,
        attention,
        attention_vjp,
        lambda g, q, k, v: attention_vjp(g, q, k, v, 1.0),
        (2, 4),
        (3, 4),
        (3, 2),
    ),
    *pair(
        "batch-norm/mean-held-constant",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: standardise_vjp(g, x, through_mean=False),
        (4, 2),
    ),
    *pair(
        "batch-norm/variance-held-constant",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: standardise_vjp(g, x, through_variance=False),
        (5, 2),
        invisible=True,
    ),
    *pair(
        "batch-norm/nothing-because-the-mean-is-zero",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: np.zeros_like(x),
        (3, 3),
        invisible=True,
    ),
    *pair(
        "rms-norm/scale-held-constant",
        STATISTIC,
        lambda x: x / np.sqrt(np.mean(x * x) + 0.01),
        lambda g, x: root_mean_square_vjp(g, x, True),
        lambda g, x: root_mean_square_vjp(g, x, False),
        (5,),
    ),
    *pair(
        "variance/bessel-in-the-backward-only",
        "Bessel",
        np.var,
        lambda g, x: 2 * g * (x - np.mean(x)) / x.size,
        lambda g, x: 2 * g * (x - np.mean(x)) / (x.size - 1),
        (6,),
    ),
    *pair(
        "variance/bessel-in-the-forward-only",
        "Bessel",
        lambda x: np.var(x, axis=0, ddof=1),
        lambda g, x: 2 * g * (x - np.mean(x, axis=0)) / (len(x) - 1),
        lambda g, x: 2 * g * (x - np.mean(x, axis=0)) / len(x),
        (5, 2),
    ),
    *pair(
        "variance/mean-held-at-zero",
        STATISTIC,
        np.var,
        lambda g, x: 2 * g * (x - np.mean(x)) / x.size,
        lambda g, x: 2 * g * x / x.size,
        (4,),
    ),
)

SCANS = (
    *pair(
        "correlation/kernel-flipped",
        "kernel flipped",
        correlate,
        lambda g, x, w: convolution_vjp(g, x, w, True),
        lambda g, x, w: convolution_vjp(g, x, w, False),
        (6,),
        (3,),
    ),
    *pair(
        "correlation/kernel-gradient-flipped",
        "kernel flipped",
        correlate,
        lambda g, x, w: convolution_vjp(g, x, w, True),
        lambda g, x, w: (convolution_vjp(g, x, w, True)[0], convolution_vjp(g, x, w, True)[1][::-1]),
        (7,),
        (3,),
    ),
    *pair(
        "cumsum/not-reversed", SCAN, np.cumsum, lambda g, x: np.cumsum(g[::-1])[::-1], lambda g, x: np.cumsum(g), (5,)
    ),
    *pair(
        "cumsum/own-entry-left-out",
        SCAN,
        np.cumsum,
        lambda g, x: np.cumsum(g[::-1])[::-1],
        lambda g, x: np.cumsum(g[::-1])[::-1] - g,
        (6,),
    ),
    *pair(
        "leaky-sum/not-reversed",
        SCAN,
        leaky_sum,
        lambda g, x, decay: leaky_sum(g[::-1], decay)[::-1],
        lambda g, x, decay: leaky_sum(g, decay),
        (5,),
        kwargs={"decay": 0.75},
    ),
    *pair(
        "recurrent/truncated-through-time",
        "truncated through time",
        recurrent,
        recurrent_vjp,
        lambda g, x, a: recurrent_vjp(g, x, a, steps=2),
        (4,),
        (),
    ),
)

INVERTIBLE = Domain((POSITIVE_DEFINITE,))

MATRICES = (
    *pair(
        "inverse/sign", SIGN, np.linalg.inv, inverse_vjp, lambda g, a: inverse_vjp(g, a, 1.0), (3, 3), domain=INVERTIBLE
    ),
    *pair(
        "inverse/only-one-factor",
        MATRIX,
        np.linalg.inv,
        inverse_vjp,
        lambda g, a: -np.linalg.inv(a).T @ g,
        (2, 2),
        domain=INVERTIBLE,
    ),
    *pair(
        "log-determinant/matrix-itself-for-its-inverse",
        MATRIX,
        lambda a: np.linalg.slogdet(a)[1],
        lambda g, a: g * np.linalg.inv(a).T,
        lambda g, a: g * a.T / np.linalg.det(a),
        (3, 3),
        domain=INVERTIBLE,
    ),
    *pair(
        "solve/sign-of-the-matrix-gradient",
        SIGN,
        np.linalg.solve,
        solve_vjp,
        lambda g, a, b: solve_vjp(g, a, b, 1.0),
        (3, 3),
        (3,),
        domain=Domain((POSITIVE_DEFINITE, REALS)),
    ),
    *pair(
        "cross/order-of-the-factors",
        SIGN,
        np.cross,
        lambda g, x, y: (np.cross(y, g), np.cross(g, x)),
        lambda g, x, y: (np.cross(g, y), np.cross(x, g)),
        (3,),
        (3,),
    ),
    *pair(
        "determinant/cofactor-sign",
        SIGN,
        lambda a: a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0],
        lambda g, a: g * np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]),
        lambda g, a: g * np.array([[a[1, 1], a[1, 0]], [a[0, 1], a[0, 0]]]),
        (2, 2),
    ),
)

CASES: tuple[Case, ...] = (*FACTORS, *ELEMENTWISE, *LAYERS, *SCANS, *MATRICES)
