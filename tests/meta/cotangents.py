"""Backward passes that mishandle the cotangent: right for all ones, wrong for what arrives in a real graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.pairs import normal, twins

X = normal(11, 6)
S = normal(12, 4, 4)
M = normal(13, 3, 5)
Z = normal(14, 4) + 1j * normal(15, 4)
TARGET = np.eye(5)[[1, 4, 1]]
KERNEL = np.array([0.5, -1.0, 2.0])


# --- elementwise ---------------------------------------------------------------------------------------------


def sine(x: Any) -> Any:
    return np.sin(x)


def normalised(g: Any, x: Any) -> Any:
    size = np.linalg.norm(g)
    return np.cos(x) * (g * np.sqrt(g.size) / size if size else g)


ELEMENTWISE = twins(
    "sine of a vector", "cotangent", sine, lambda g, x: g * np.cos(x), (X,),
    unseen="ignored averaged first_entry_only largest_only squared cubed rectified clipped_at_1 clipped_at_5 "
    "clipped_at_10 absolute sign_only reversed sorted rounded normalised half_precision single_precision tiny_flushed "
    "large_dropped result_clipped result_clipped_at_10 negative_scaled root_kept",
    ignored=lambda g, x: np.cos(x),
    averaged=lambda g, x: g.mean() * np.cos(x),
    summed=lambda g, x: g.sum() * np.cos(x),
    first_entry_only=lambda g, x: g.flat[0] * np.cos(x),
    largest_only=lambda g, x: g.max() * np.cos(x),
    squared=lambda g, x: g * g * np.cos(x),
    cubed=lambda g, x: g**3 * np.cos(x),
    rectified=lambda g, x: np.maximum(g, 0) * np.cos(x),
    clipped_at_1=lambda g, x: np.clip(g, -1, 1) * np.cos(x),
    clipped_at_5=lambda g, x: np.clip(g, -5, 5) * np.cos(x),
    clipped_at_10=lambda g, x: np.clip(g, -10, 10) * np.cos(x),
    result_clipped=lambda g, x: np.clip(g * np.cos(x), -1, 1),
    result_clipped_at_10=lambda g, x: np.clip(g * np.cos(x), -10, 10),
    absolute=lambda g, x: np.abs(g) * np.cos(x),
    sign_only=lambda g, x: np.sign(g) * np.cos(x),
    negated=lambda g, x: -g * np.cos(x),
    doubled=lambda g, x: (g + g) * np.cos(x),
    offset=lambda g, x: (g + 1) * np.cos(x),
    reversed=lambda g, x: g[::-1] * np.cos(x),
    sorted=lambda g, x: np.sort(g) * np.cos(x),
    rounded=lambda g, x: np.round(g) * np.cos(x),
    normalised=normalised,
    half_precision=lambda g, x: np.clip(g, -6e4, 6e4).astype(np.float16) * np.cos(x),
    single_precision=lambda g, x: g.astype(np.float32).astype(np.float64) * np.cos(x),
    tiny_flushed=lambda g, x: np.where(np.abs(g) < 1e-6, 0, g) * np.cos(x),
    large_dropped=lambda g, x: np.where(np.abs(g) > 1e3, 0, g) * np.cos(x),
    negative_scaled=lambda g, x: np.where(g < 0, 0.99 * g, g) * np.cos(x),
    root_kept=lambda g, x: np.sign(g) * np.sqrt(np.abs(g)) * np.cos(x),
)  # fmt: skip


# --- functions whose gradient vanishes for an all-ones cotangent: anything proportional to it passes ---------


def centre(x: Any) -> Any:
    return x - x.mean(-1, keepdims=True)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g: Any, x: Any) -> Any:
    s = softmax(x)
    return s * (g - (s * g).sum(-1, keepdims=True))


def layer_norm(x: Any) -> Any:
    return centre(x) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)


def layer_norm_vjp(g: Any, x: Any) -> Any:
    y = layer_norm(x)
    return (centre(g) - y * (g * y).mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)


BALANCED = (
    *twins(
        "centring", "cotangent", centre, lambda g, x: centre(g), (M,), unseen="zero negated doubled over_all_axes",
        zero=lambda g, x: np.zeros_like(x),
        negated=lambda g, x: -centre(g),
        doubled=lambda g, x: 2 * centre(g),
        over_all_axes=lambda g, x: g - g.mean(),
        mean_held_constant=lambda g, x: g * 1.0,
    ),
    *twins(
        "softmax of rows", "cotangent", softmax, softmax_vjp, (M,), unseen="zero negated scaled_by_rows",
        zero=lambda g, x: np.zeros_like(x),
        negated=lambda g, x: -softmax_vjp(g, x),
        scaled_by_rows=lambda g, x: softmax_vjp(g, x) / len(x),
        diagonal_only=lambda g, x: g * softmax(x) * (1 - softmax(x)),
    ),
    *twins(
        "layer norm", "cotangent", layer_norm, layer_norm_vjp, (M,), unseen="zero projection_forgotten_of_sum",
        zero=lambda g, x: np.zeros_like(x),
        projection_forgotten_of_sum=lambda g, x: centre(g) / np.sqrt(x.var(-1, keepdims=True) + 1e-3),
        statistics_held_constant=lambda g, x: g / np.sqrt(x.var(-1, keepdims=True) + 1e-3),
    ),
)  # fmt: skip


# --- reductions and scalar losses: what comes from above is taken for one ------------------------------------


def half_squared_error(y: Any) -> Any:
    return 0.5 * ((y - TARGET) ** 2).sum() / len(y)


def half_squared_error_vjp(g: Any, y: Any) -> Any:
    return g * (y - TARGET) / len(y)


def cross_entropy(x: Any) -> Any:
    shifted = x - x.max(-1, keepdims=True)
    return (np.log(np.exp(shifted).sum(-1)) - (shifted * TARGET).sum(-1)).mean()


def cross_entropy_vjp(g: Any, x: Any) -> Any:
    return g * (softmax(x) - TARGET) / len(x)


LOSSES = (
    *twins(
        "half squared error", "cotangent", half_squared_error, half_squared_error_vjp, (M,),
        unseen="upstream_ignored upstream_squared upstream_absolute",
        upstream_ignored=lambda g, y: half_squared_error_vjp(1.0, y),
        upstream_squared=lambda g, y: half_squared_error_vjp(g * g, y),
        upstream_absolute=lambda g, y: half_squared_error_vjp(abs(g), y),
        batch_not_averaged=lambda g, y: g * (y - TARGET),
    ),
    *twins(
        "cross entropy", "cotangent", cross_entropy, cross_entropy_vjp, (M,),
        unseen="upstream_ignored upstream_clipped",
        upstream_ignored=lambda g, x: cross_entropy_vjp(1.0, x),
        upstream_clipped=lambda g, x: cross_entropy_vjp(np.clip(g, -1, 1), x),
        sign=lambda g, x: -cross_entropy_vjp(g, x),
    ),
    *twins(
        "sum over columns", "cotangent", lambda x: x.sum(0), lambda g, x: np.broadcast_to(g, x.shape).copy(), (S,),
        unseen="ones first_entry_broadcast wrong_axis",
        ones=lambda g, x: np.ones_like(x),
        first_entry_broadcast=lambda g, x: np.full_like(x, g[0]),
        wrong_axis=lambda g, x: np.broadcast_to(g[:, None], x.shape).copy(),
        averaged=lambda g, x: np.broadcast_to(g, x.shape) / len(x),
    ),
)  # fmt: skip


# --- matrices and rearrangements: where the cotangent is to be put -------------------------------------------


def matmul(a: Any, b: Any) -> Any:
    return a @ b


def cyclic(x: Any) -> Any:
    return np.roll(x, 2)


def rank(x: Any) -> Any:
    return np.sort(x)


def rank_vjp(g: Any, x: Any) -> Any:
    d = np.empty_like(x)
    d[np.argsort(x, kind="stable")] = g
    return d


def convolve(x: Any) -> Any:
    return np.convolve(x, KERNEL)


PLACED = (
    *twins(
        "matrix product", "cotangent", matmul, lambda g, a, b: (g @ b.T, a.T @ g), (S, S[::-1] + 0.5),
        unseen="transposed reversed_rows",
        transposed=lambda g, a, b: (g.T @ b.T, a.T @ g.T),
        reversed_rows=lambda g, a, b: (g[::-1] @ b.T, a.T @ g),
        operand_not_transposed=lambda g, a, b: (g @ b, a.T @ g),
        operands_swapped=lambda g, a, b: (a.T @ g, g @ b.T),
    ),
    *twins(
        "square sine", "cotangent", sine, lambda g, x: g * np.cos(x), (S,), unseen="*",
        transposed=lambda g, x: g.T * np.cos(x),
        row_averaged=lambda g, x: g.mean(0) * np.cos(x),
        first_row_only=lambda g, x: g[0] * np.cos(x),
        diagonal_only=lambda g, x: np.diagonal(g) * np.cos(x),
    ),
    *twins(
        "roll", "cotangent", cyclic, lambda g, x: np.roll(g, -2), (X,), unseen="*",
        same_direction=lambda g, x: np.roll(g, 2),
        not_rolled=lambda g, x: g.copy(),
    ),
    *twins(
        "sort", "cotangent", rank, rank_vjp, (X,), unseen="*",
        not_permuted=lambda g, x: g.copy(),
        permuted_forwards=lambda g, x: g[np.argsort(x, kind="stable")],
    ),
    *twins(
        "column order reshape", "cotangent", lambda x: x.reshape(5, 3, order="F"),
        lambda g, x: g.reshape(x.shape, order="F"), (M,), unseen="*",
        reshaped_in_row_order=lambda g, x: g.reshape(x.shape),
    ),
    *twins(
        "flip", "cotangent", lambda x: x[:, ::-1], lambda g, x: g[:, ::-1], (M,), unseen="*",
        not_flipped=lambda g, x: g.copy(),
        other_axis_flipped=lambda g, x: g[::-1],
    ),
    *twins(
        "concatenation", "cotangent", lambda x, y: np.concatenate([x, y]), lambda g, x, y: (g[: len(x)], g[len(x) :]),
        (X, X[::-1].copy()), unseen="*",
        halves_swapped=lambda g, x, y: (g[len(x) :], g[: len(x)]),
        first_half_twice=lambda g, x, y: (g[: len(x)], g[: len(x)].copy()),
    ),
    *twins(
        "repeat", "cotangent", lambda x: np.repeat(x, 3), lambda g, x: g.reshape(-1, 3).sum(1), (X,), unseen="as_tile",
        as_tile=lambda g, x: g.reshape(3, -1).sum(0),
        averaged=lambda g, x: g.reshape(-1, 3).mean(1),
    ),
    *twins(
        "full convolution", "cotangent", convolve, lambda g, x: np.convolve(g, KERNEL[::-1], "valid"), (X,), unseen="*",
        kernel_flipped=lambda g, x: np.convolve(g, KERNEL, "valid"),
    ),
)  # fmt: skip


# --- several outputs, complex cotangents, a cotangent read after it was written ------------------------------


def waves(x: Any) -> Any:
    return np.sin(x), np.cos(x)


def waves_vjp(g: Any, x: Any) -> Any:
    return g[0] * np.cos(x) - g[1] * np.sin(x)


def scaled_product(x: Any, y: Any) -> Any:
    return x * y


def written_then_read(g: Any, x: Any, y: Any) -> Any:
    g = g.copy()
    dx = g
    dx *= y
    return dx, g * x


def shared_copy(g: Any, x: Any, y: Any) -> Any:
    dx = dy = g.copy()
    dx *= y
    dy *= x
    return dx, dy


SEVERAL = (
    *twins(
        "sine and cosine", "cotangent", waves, waves_vjp, (X,), unseen="swapped first_for_both averaged",
        first_only=lambda g, x: g[0] * np.cos(x),
        second_only=lambda g, x: -g[1] * np.sin(x),
        swapped=lambda g, x: waves_vjp((g[1], g[0]), x),
        first_for_both=lambda g, x: waves_vjp((g[0], g[0]), x),
        averaged=lambda g, x: (g[0] + g[1]) / 2 * (np.cos(x) - np.sin(x)),
    ),
    *twins(
        "complex square", "cotangent", lambda z: z * z, lambda g, z: g * np.conj(2 * z), (Z,),
        unseen="cotangent_conjugated real_part_only absolute",
        cotangent_conjugated=lambda g, z: np.conj(g) * np.conj(2 * z),
        real_part_only=lambda g, z: g.real * np.conj(2 * z),
        absolute=lambda g, z: np.abs(g) * np.conj(2 * z),
    ),
    *twins(
        "product of two", "cotangent", scaled_product, lambda g, x, y: (g * y, g * x), (X, X[::-1] + 2),
        written_then_read=written_then_read,
        one_copy_for_both=shared_copy,
    ),
)  # fmt: skip

CASES: tuple[Case, ...] = (*ELEMENTWISE, *BALANCED, *LOSSES, *PLACED, *SEVERAL)
