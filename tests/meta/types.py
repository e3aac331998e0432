"""Number types, complex numbers, trees, chosen arguments, and arrays of unusual size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from tests.meta.case import Case
from tests.meta.pairs import normal, twins

X = normal(41, 6)
M = normal(42, 4, 3)
W = normal(43, 3, 2)
Z = normal(44, 4) + 1j * normal(45, 4)
V = normal(46, 4) + 1j * normal(47, 4)
A = normal(48, 3, 3) + 1j * normal(49, 3, 3)


# --- short floats: the answer has the type of the input, and the digits that this type can carry -------------


def sine(x: Any) -> Any:
    return np.sin(x)


def widened(g: Any, x: Any, slope: Any) -> Any:
    """g slope(x), computed in float32 and rounded once."""
    return (g.astype(np.float32) * slope(x.astype(np.float32))).astype(x.dtype)


def mean_square(x: Any) -> Any:
    return np.mean(x.astype(np.float64) ** 2).astype(x.dtype)


def short(dtype: Any, name: str) -> tuple[Case, ...]:
    return twins(
        f"sine in {name}", "dtype", sine, lambda g, x: widened(g, x, np.cos), (X.astype(dtype),),
        unseen="wide_answer",
        wide_answer=lambda g, x: g.astype(np.float64) * np.cos(x.astype(np.float64)),
        sign=lambda g, x: widened(g, x, lambda y: -np.cos(y)),
        five_per_cent_off=lambda g, x: widened(g, x, lambda y: np.float32(1.05) * np.cos(y)),
        short_series=lambda g, x: widened(g, x, lambda y: 1 - y * y / 2),
    )  # fmt: skip


def matmul_wide(g: Any, a: Any, b: Any) -> Any:
    wide = g.astype(np.float64)
    return (wide @ b.astype(np.float64).T).astype(a.dtype), (a.astype(np.float64).T @ wide).astype(b.dtype)


SHORT = (
    *short(np.float32, "float32"),
    *short(np.float16, "float16"),
    *short(ml_dtypes.bfloat16, "bfloat16"),
    *twins(
        "matrix product in float32", "dtype", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g),
        (M.astype(np.float32), W.astype(np.float32)),
        through_float16=lambda g, a, b: ((g.astype(np.float16) @ b.astype(np.float16).T).astype(np.float32), a.T @ g),
        second_not_transposed=lambda g, a, b: (g @ b.T, (g.T @ a)[:, ::-1].T.copy()),
    ),
    *twins(
        "mixed float32 and float64 product", "dtype", lambda a, b: a.astype(np.float64) @ b, matmul_wide,
        (M.astype(np.float32), W),
        first_widened=lambda g, a, b: (g @ b.T, a.astype(np.float64).T @ g),
        both_narrowed=lambda g, a, b: (matmul_wide(g, a, b)[0], matmul_wide(g, a, b)[1].astype(np.float32)),
        unseen="first_widened both_narrowed",
    ),
    *twins(
        "mean square in float16", "dtype", mean_square, lambda g, x: widened(g, x,
        lambda y: 2 * y / np.float32(y.size)),
        (normal(50, 8).astype(np.float16),),
        count_forgotten=lambda g, x: widened(g, x, lambda y: 2 * y),
    ),
)  # fmt: skip


# --- complex numbers: the adjoint under Re<., .> -------------------------------------------------------------


def energy(z: Any) -> Any:
    return z.real**2 + z.imag**2


def spiral(x: Any) -> Any:
    return np.exp(1j * x)


COMPLEX = (
    *twins(
        "complex cube", "conjugate", lambda z: z**3, lambda g, z: g * np.conj(3 * z * z), (Z,),
        conjugate_missing=lambda g, z: g * 3 * z * z,
        real_part=lambda g, z: (g * np.conj(3 * z * z)).real + 0j,
        real_dtype=lambda g, z: (g * np.conj(3 * z * z)).real,
        answer_conjugated=lambda g, z: np.conj(g) * 3 * z * z,
    ),
    *twins(
        "complex sine", "conjugate", sine, lambda g, z: g * np.conj(np.cos(z)), (Z,),
        conjugate_missing=lambda g, z: g * np.cos(z),
    ),
    *twins(
        "complex product", "conjugate", lambda z, w: z * w, lambda g, z, w: (g * np.conj(w), g * np.conj(z)), (Z, V),
        conjugate_missing=lambda g, z, w: (g * w, g * z),
        conjugate_missing_in_second=lambda g, z, w: (g * np.conj(w), g * z),
    ),
    *twins(
        "complex matrix product", "conjugate", lambda a, b: a @ b,
        lambda g, a, b: (g @ b.conj().T, a.conj().T @ g), (A, A.T + 1),
        transpose_for_adjoint=lambda g, a, b: (g @ b.T, a.T @ g),
        adjoint_for_conjugate=lambda g, a, b: (g @ b.conj(), a.conj() @ g),
    ),
    *twins(
        "energy", "conjugate", energy, lambda g, z: g * 2 * z, (Z,),
        half=lambda g, z: g * z,
        conjugated=lambda g, z: g * 2 * np.conj(z),
        real_part_only=lambda g, z: g * 2 * z.real + 0j,
    ),
    *twins(
        "conjugate", "conjugate", lambda z: np.conj(z), lambda g, z: np.conj(g), (Z,), unseen="conjugate_missing",
        conjugate_missing=lambda g, z: g.copy(),
        sign=lambda g, z: -np.conj(g),
    ),
    *twins(
        "real part", "conjugate", lambda z: z.real.copy(), lambda g, z: g + 0j, (Z,),
        real_dtype=lambda g, z: g.copy(),
        half=lambda g, z: g / 2 + 0j,
        unseen="real_dtype",
    ),
    *twins(
        "imaginary part", "conjugate", lambda z: z.imag.copy(), lambda g, z: 1j * g, (Z,),
        sign=lambda g, z: -1j * g,
        as_real_part=lambda g, z: g + 0j,
    ),
    *twins(
        "spiral of a real angle", "conjugate", spiral, lambda g, x: (g * np.conj(1j * np.exp(1j * x))).real, (X,),
        complex_answer=lambda g, x: g * np.conj(1j * np.exp(1j * x)),
        conjugate_missing=lambda g, x: (g * 1j * np.exp(1j * x)).real,
        imaginary_cotangent_dropped=lambda g, x: (g.real * np.conj(1j * np.exp(1j * x))).real,
        unseen="conjugate_missing imaginary_cotangent_dropped",
    ),
    *twins(
        "single precision complex square", "dtype", lambda z: z * z, lambda g, z: g * np.conj(2 * z),
        (Z.astype(np.complex64),),
        double_answer=lambda g, z: (g * np.conj(2 * z)).astype(np.complex128),
        conjugate_missing=lambda g, z: g * 2 * z,
        unseen="double_answer",
    ),
)  # fmt: skip


# --- trees of arguments and of outputs -----------------------------------------------------------------------


@dataclass
class Layer:
    weight: Any
    bias: Any


def dictionary(p: Any, x: Any) -> Any:
    return np.sin(x @ p["w"] + p["b"])


def dictionary_vjp(g: Any, p: Any, x: Any) -> Any:
    delta = g * np.cos(x @ p["w"] + p["b"])
    return {"w": x.T @ delta, "b": delta.sum(0)}, delta @ p["w"].T


def _with(tree: Any, key: str, change: Any) -> Any:
    return {**tree, key: change(tree[key])}


def edited_dictionary(key: str, change: Any) -> Any:
    def vjp(g: Any, p: Any, x: Any) -> Any:
        dp, dx = dictionary_vjp(g, p, x)
        return _with(dp, key, change), dx

    return vjp


def chain(weights: Any, x: Any) -> Any:
    for w in weights:
        x = np.sin(x) * w
    return x


def chain_vjp(g: Any, weights: Any, x: Any) -> Any:
    saved = [x]
    for w in weights:
        saved.append(np.sin(saved[-1]) * w)
    dw = []
    for w, y in zip(weights[::-1], saved[-2::-1], strict=True):
        dw.append(g * np.sin(y))
        g = g * w * np.cos(y)
    return dw[::-1], g


def layer(p: Any, x: Any) -> Any:
    return x @ p.weight + p.bias


def layer_vjp(g: Any, p: Any, x: Any) -> Any:
    return Layer(weight=x.T @ g, bias=g.sum(0)), g @ p.weight.T


PARAMETERS = {"w": W, "b": normal(51, 2)}

TREES = (
    *twins(
        "dictionary of parameters", "trees", dictionary, dictionary_vjp, (PARAMETERS, M),
        bias_none=edited_dictionary("b", lambda d: None),
        bias_negated=edited_dictionary("b", lambda d: -d),
        bias_of_shape_one_by_two=edited_dictionary("b", lambda d: d[None]),
        weight_halved=edited_dictionary("w", lambda d: d / 2),
        key_missing=lambda g, p, x: ({"w": dictionary_vjp(g, p, x)[0]["w"]}, dictionary_vjp(g, p, x)[1]),
        unseen="bias_of_shape_one_by_two",
    ),
    *twins(
        "list of weights", "trees", chain, chain_vjp, ([normal(52, 6), normal(53, 6), normal(54, 6)], X),
        reversed=lambda g, weights, x: (chain_vjp(g, weights, x)[0][::-1], chain_vjp(g, weights, x)[1]),
        last_missing=lambda g, weights, x: (chain_vjp(g, weights, x)[0][:-1], chain_vjp(g, weights, x)[1]),
    ),
    *twins(
        "dataclass of parameters", "trees", layer, layer_vjp, (Layer(W, normal(55, 2)), M),
        bias_averaged=lambda g, p, x: (Layer(weight=x.T @ g, bias=g.mean(0)), g @ p.weight.T),
    ),
    *twins(
        "outputs of two shapes", "trees", lambda x: (x.sum(0), np.sin(x)),
        lambda g, x: g[0] + g[1] * np.cos(x), (M,),
        small_output_ignored=lambda g, x: g[1] * np.cos(x),
        first_broadcast_wrong=lambda g, x: g[0].mean() + g[1] * np.cos(x),
        unseen="first_broadcast_wrong",
    ),
    *twins(
        "three outputs, one unused", "trees", lambda x: (x * x, np.zeros(2), np.cos(x)),
        lambda g, x: 2 * g[0] * x - g[2] * np.sin(x), (X,),
        unused_one_counted=lambda g, x: 2 * g[0] * x - g[2] * np.sin(x) + g[1].sum(),
    ),
)  # fmt: skip


# --- chosen arguments, keyword arguments, integers and masks -------------------------------------------------


def power(x: Any, exponent: Any) -> Any:
    return x**exponent


def affine(x: Any, a: Any, b: Any) -> Any:
    return a * np.sin(x) + b


def shifted(x: Any, *, scale: float = 1.0, axis: int = 0) -> Any:
    return scale * (x - x.mean(axis, keepdims=True))


def shifted_vjp(g: Any, x: Any, *, scale: float = 1.0, axis: int = 0) -> Any:
    return scale * (g - g.mean(axis, keepdims=True))


ARGUMENTS = (
    *twins(
        "first argument only", "wrt", affine, lambda g, x, a, b: g * a * np.cos(x), (X, X + 1, X - 1),
        options={"wrt": (0,)},
        argument_of_other=lambda g, x, a, b: g * np.sin(x),
    ),
    *twins(
        "last two arguments", "wrt", affine, lambda g, x, a, b: (g * np.sin(x), g * 1.0), (X, X + 1, X - 1),
        options={"wrt": (1, 2)},
        swapped=lambda g, x, a, b: (g * 1.0, g * np.sin(x)),
        one_missing=lambda g, x, a, b: g * np.sin(x),
    ),
    *twins(
        "scaled centring by keyword", "kwargs", shifted, shifted_vjp, (M,),
        options={"kwargs": {"scale": 3.0, "axis": -1}},
        keywords_ignored=lambda g, x, *, scale, axis: shifted_vjp(g, x),
        scale_squared=lambda g, x, *, scale, axis: scale * shifted_vjp(g, x, scale=scale, axis=axis),
        axis_ignored=lambda g, x, *, scale, axis: shifted_vjp(g, x, scale=scale),
        unseen="keywords_ignored scale_squared axis_ignored",
    ),
    *twins(
        "integer exponent", "integers", power, lambda g, x, n: g * n * x ** (n - 1), (X, np.array(3)),
        exponent_not_lowered=lambda g, x, n: g * n * x**n,
        factor_missing=lambda g, x, n: g * x ** (n - 1),
    ),
    *twins(
        "integer scale of each row", "integers", lambda x, n: x * n[:, None], lambda g, x, n: g * n[:, None],
        (M, np.array([1, -2, 0, 3])),
        along_wrong_axis=lambda g, x, n: g * n[:3],
        sign_lost=lambda g, x, n: g * abs(n)[:, None],
    ),
    *twins(
        "boolean mask", "mask", lambda x, keep: np.sin(x) * keep, lambda g, x, keep: g * np.cos(x) * keep,
        (X, np.array([True, False, True, True, False, True])),
        mask_forgotten=lambda g, x, keep: g * np.cos(x),
        mask_inverted=lambda g, x, keep: g * np.cos(x) * ~keep,
    ),
    *twins(
        "selected entries", "mask", lambda x, keep: x[keep] ** 2, lambda g, x, keep: _put(2 * g * x[keep], keep),
        (X, np.array([True, False, True, True, False, True])),
        packed_to_the_front=lambda g, x, keep: np.append(2 * g * x[keep], np.zeros((~keep).sum())),
    ),
)  # fmt: skip


def _put(values: Any, keep: Any) -> Any:
    out = np.zeros(keep.shape)
    out[keep] = values
    return out


# --- sizes nothing, one, and no dimension at all -------------------------------------------------------------

SIZES = (
    *twins("empty array", "size", sine, lambda g, x: g * np.cos(x), (np.zeros((0, 3)),)),
    *twins(
        "empty beside full", "size", lambda x, y: np.concatenate([x, np.sin(y)]),
        lambda g, x, y: (g[: len(x)], g[len(x) :] * np.cos(y)), (np.zeros(0), X),
        full_one_negated=lambda g, x, y: (g[: len(x)], -g[len(x) :] * np.cos(y)),
        unseen="shape_of_empty_one",
        shape_of_empty_one=lambda g, x, y: (np.zeros(1), g[len(x) :] * np.cos(y)),
    ),
    *twins(
        "no dimension", "size", sine, lambda g, x: g * np.cos(x), (np.array(0.3),),
        one_dimension=lambda g, x: np.atleast_1d(g * np.cos(x)),
        negated=lambda g, x: -g * np.cos(x),
        unseen="one_dimension",
    ),
    *twins(
        "python float", "size", lambda x: x * x, lambda g, x: 2 * x * g, (1.7,),
        halved=lambda g, x: x * g,
    ),
    *twins(
        "size one on each axis", "size", lambda x: x.sum(1) * 2,
        lambda g, x: np.broadcast_to(2 * g[:, None], x.shape) * 1.0,
        (normal(56, 1, 1, 1),),
        squeezed=lambda g, x: (2 * g).squeeze(),
        unseen="squeezed",
    ),
    *twins(
        "row against column", "broadcast", lambda x, y: x[None] * y[:, None],
        lambda g, x, y: ((g * y[:, None]).sum(0), (g * x).sum(1)), (X, normal(57, 6)),
        axes_swapped=lambda g, x, y: ((g.T * y[:, None]).sum(0), (g.T * x).sum(1)),
        averaged=lambda g, x, y: ((g * y[:, None]).mean(0), (g * x).mean(1)),
        unseen="axes_swapped",
    ),
)  # fmt: skip

CASES: tuple[Case, ...] = (*SHORT, *COMPLEX, *TREES, *ARGUMENTS, *SIZES)
