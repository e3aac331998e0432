"""More wrong rules of catalogue operators: one in the formula, and one that only a zero or a large entry shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from reference_nets.rules import RULES
from tests.meta.case import Case
from tests.meta.catalogue_rules import lost_at_zero, lost_from_far
from tests.meta.pairs import normal
from tests.meta.spoilt import IN, PART, P, Q, X, Y, over, right, scaled, whole

A, B = normal(41, 3, 3), normal(42, 3, 3)
SOLVABLE = normal(43, 3, 3) + 5 * np.eye(3)
LOWER = np.tril(SOLVABLE)
IMAGE, KERNEL = normal(44, 1, 2, 4, 4), normal(45, 2, 2, 2, 2)
SIGNAL, TAPS = normal(46, 1, 2, 6), normal(47, 2, 2, 3)
ROWS, SCALE, SHIFT = normal(48, 4, 3), np.array([0.8, -1.2, 1.7]), np.array([0.1, 0.4, -0.3])
MEAN, VARIANCE = np.array([0.2, -0.5, 0.9]), np.array([0.7, 1.9, 1.2])
LABELS, MASK = np.array([0, 2, 1, 0]), np.array([True, False, True, False])


def far(name: str, *inputs: Any, params: dict[str, Any] | None = None, **wrong: Any) -> tuple[Case, ...]:
    """Beside the wrong ones that are given: the gradient of the first argument is clipped beyond 50."""
    return whole(name, *inputs, params=params, of="second", lost_far_out=lost_from_far(name), **wrong)


def zero(name: str, *inputs: Any, params: dict[str, Any] | None = None, **wrong: Any) -> tuple[Case, ...]:
    """Beside the wrong ones that are given: no gradient for the entries of the first argument that are 0."""
    return whole(name, *inputs, params=params, of="second", lost_at_zero=lost_at_zero(name), **wrong)


def constant_statistics(g: Any, x: Any, scale: Any, shift: Any, axes: Any) -> Any:
    root = np.sqrt(np.var(x, axis=axes, keepdims=True) + 1e-5)
    z = (x - np.mean(x, axis=axes, keepdims=True)) / root
    return g * scale / root, (g * z).sum(0), g.sum(0)


def overwritten(g: Any, x: Any, indices: Any) -> tuple[Any]:
    gradient = np.zeros_like(x)
    gradient[indices] = g
    return (gradient,)


def gaussian(x: Any) -> Any:
    return special.ndtr(x)


ENTRYWISE = (
    *far("abs", X, identity=lambda g, x: (g,)),
    *far("add", X, Y),
    *far("subtract", X, Y),
    *far("multiply", X, Y, swapped=lambda g, x, y: (g * x, g * y)),
    *far("divide", X, Y, square=lambda g, x, y: (g / y, -g * x / y)),
    *far("lerp", P, Q, IN),
    *far("log", P, constant=lambda g, x: (g,)),
    *far("maximum", X, Y, halves=lambda g, x, y: (g / 2, g / 2)),
    *far("where", MASK, X, Y, swapped=lambda g, m, x, y: (np.where(m, 0, g), np.where(m, g, 0))),
    *far("relu", X, identity=lambda g, x: (g,)),
    *far("softplus", X, constant=lambda g, x: (g,)),
    *far("power", P, Q, exponent=lambda g, x, y: (g * x ** (y - 1), g * x**y * np.log(x))),
    *far("hurwitz_zeta", P, params={"s": 3.0}),
    *zero("sigmoid", X, itself=lambda g, x: (g * special.expit(x),)),
    *zero("tanh", X, square=lambda g, x: (g * (1 - x * x),)),
    *zero("gelu", X, density=lambda g, x: (g * gaussian(x),)),
)

REDUCTIONS = (
    *far("sum", X, mean=lambda g, x: (np.full(x.shape, g / x.size),)),
    *far("mean", X),
    *far("sum_of_squares", X),
    *far("max", X, all_of_them=lambda g, x: (np.full(x.shape, g),)),
    *far("cumsum", X, not_reversed=lambda g, x: (np.cumsum(g),)),
    *zero("prod", X, undivided=lambda g, x: (np.full(x.shape, g * np.prod(x)),)),
    *whole(
        "prod",
        X,
        of="third",
        nothing_over_nothing=lambda g, x: (g * np.prod(x) / np.where(x == 0, 1, x),),
    ),
    *whole(
        "cumprod",
        X,
        of="second",
        sums=lambda g, x: (np.cumsum(g[::-1])[::-1],),
        nothing_over_nothing=lambda g, x: (np.cumsum((g * np.cumprod(x))[::-1])[::-1] / np.where(x == 0, 1, x),),
    ),
    *whole(
        "norm",
        X,
        of="second",
        undivided=lambda g, x: (g * x,),
        clipped=lambda g, x: (g * x / np.maximum(np.linalg.norm(x), 0.5),),
    ),
    *zero("logsumexp", X, uniform=lambda g, x: (np.full(x.shape, g / x.size),)),
    *zero("var", X, half=scaled("var", 0.5)),
    *far("trace", A),
    *far("diagonal", A),
    *far("take", X, np.array([0, 2, 0]), overwritten=overwritten),
    *far("repeat", X, params={"repeats": 2}),
    *far("slice", X, params={"start": 1, "stop": 4}),
    *far("embedding", ROWS, np.array([0, 2, 2])),
    *far("scatter_add", ROWS, np.array([0, 2, 0]), normal(49, 3, 3)),
)

MATRICES = (
    *zero("matmul", A, B, untransposed=lambda g, a, b: (g @ b, a @ g)),
    *zero("inv", SOLVABLE, untransposed=lambda g, a: (-np.linalg.inv(a) @ g @ np.linalg.inv(a),)),
    *zero(
        "solve",
        SOLVABLE,
        X[:3],
        untransposed=lambda g, a, b: (-np.outer(np.linalg.solve(a, g), np.linalg.solve(a, b)), np.linalg.solve(a, g)),
    ),
    *whole(
        "triangular_solve",
        LOWER,
        X[:3],
        params={"lower": True},
        of="second",
        lost_at_zero=lost_at_zero("triangular_solve", 1),
    ),
    *far("einsum", A, B, params={"equation": "ij,jk->ik"}),
    *far("bilinear", normal(50, 2, 3), normal(51, 2, 3, 2), normal(52, 2, 2)),
    *far("fft", X, Y),
    *far("ifft", X, Y),
    *far("irfft", X[:3], Y[:3], params={"n": 4}),
)

LAYERS = (
    *far("conv1d", SIGNAL, TAPS),
    *far("conv2d", IMAGE, KERNEL, flipped=lambda g, x, k: right("conv2d", g, x, k[..., ::-1, ::-1])),
    *far("avg_pool1d", SIGNAL, params={"size": 2}),
    *far("avg_pool2d", A, params={"size": (2, 2)}, sum=scaled("avg_pool2d", 4.0)),
    *far("adaptive_avg_pool1d", SIGNAL, params={"size": 3}),
    *far(
        "max_pool1d",
        X,
        params={"size": 2},
        average=lambda g, x, size: (np.convolve(g, [0.5, 0.5]),),
    ),
    *far("upsample_linear1d", X, params={"size": 7}),
    *zero("softmax", X, diagonal=lambda g, x: (g * special.softmax(x) * (1 - special.softmax(x)),)),
    *zero("layer_norm", ROWS, SCALE, SHIFT, constant=lambda g, x, a, b: constant_statistics(g, x, a, b, -1)),
    *zero("batch_norm", ROWS, SCALE, SHIFT, constant=lambda g, x, a, b: constant_statistics(g, x, a, b, 0)),
    *zero("instance_norm", normal(53, 2, 3, 4), SCALE, SHIFT),
    *far("batch_norm_inference", ROWS, SCALE, SHIFT, MEAN, VARIANCE),
    *zero("rms_norm", ROWS, SCALE),
    *zero("weight_norm", ROWS, normal(54, 4)),
    *zero(
        "gru_cell", normal(55, 2, 2), normal(56, 2, 2), normal(57, 6, 2), normal(58, 6, 2), normal(59, 6), normal(60, 6)
    ),
    *zero(
        "lstm_cell",
        normal(61, 2, 2),
        normal(62, 2, 2),
        normal(63, 2, 2),
        normal(64, 8, 2),
        normal(65, 8, 2),
        normal(66, 8),
    ),
)

LOSSES = (
    *far("mse", X, Y),
    *far("huber", X, Y, quadratic=lambda g, x, y: (g * (x - y) / x.size, g * (y - x) / x.size)),
    *far("nll", -np.abs(ROWS), LABELS),
    *far("kl_divergence", -P, PART),
    *zero(
        "softmax_cross_entropy",
        ROWS,
        LABELS,
        no_label=lambda g, x, labels: (over(g) * special.softmax(x, axis=-1) / len(x),),
    ),
)

CASES = ENTRYWISE + REDUCTIONS + MATRICES + LAYERS + LOSSES

assert all(case.name.removeprefix("scalar: ").split(" ")[0].rstrip(",") in RULES for case in CASES)
