"""Gradients whose numbers may be right, handed over in a way that breaks the contract."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.pairs import normal, twins

X = normal(1, 5)
M = normal(2, 3, 4)
W = normal(3, 4, 2)
B = normal(4, 2)


# --- shape ---------------------------------------------------------------------------------------------------


def triple_sum(x: Any) -> Any:
    return 3 * x.sum()


def linear(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def scaled(x: Any, a: Any) -> Any:
    return a * np.sin(x)


def first_column(x: Any) -> Any:
    return 2 * x[:, 0]


def first_column_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[:, 0] = 2 * g
    return d


SHAPES = (
    *twins(
        "sum of thrice x", "shape", triple_sum, lambda g, x: np.full_like(x, 3) * g, (X,),
        unseen="*", severity="contract",
        scalar_for_array=lambda g, x: 3 * g,
        column_for_vector=lambda g, x: np.full((x.size, 1), 3.0) * g,
        row_for_vector=lambda g, x: np.full((1, x.size), 3.0) * g,
        size_one_for_array=lambda g, x: np.atleast_1d(3.0 * g),
        square_for_vector=lambda g, x: np.full((x.size, x.size), 3.0) * g,
    ),
    *twins(
        "linear layer", "shape", linear, lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(0)), (M, W, B),
        unseen="kept_dimension_of_bias added_dimension_of_weight", severity="contract",
        kept_dimension_of_bias=lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(0, keepdims=True)),
        added_dimension_of_weight=lambda g, x, w, b: (g @ w.T, (x.T @ g)[None], g.sum(0)),
        bias_not_summed=lambda g, x, w, b: (g @ w.T, x.T @ g, g),
        flat_weight=lambda g, x, w, b: (g @ w.T, (x.T @ g).ravel(), g.sum(0)),
        bias_missing=lambda g, x, w, b: (g @ w.T, x.T @ g),
        bias_none=lambda g, x, w, b: (g @ w.T, x.T @ g, None),
        only_input=lambda g, x, w, b: g @ w.T,
        nothing=lambda g, x, w, b: None,
        one_too_many=lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(0), g),
    ),
    *twins(
        "amplitude", "shape", scaled, lambda g, x, a: (g * a * np.cos(x), (g * np.sin(x)).sum()), (X, np.array(1.5)),
        unseen="amplitude_of_size_one", severity="contract",
        amplitude_not_summed=lambda g, x, a: (g * a * np.cos(x), g * np.sin(x)),
        amplitude_of_size_one=lambda g, x, a: (g * a * np.cos(x), (g * np.sin(x)).sum(keepdims=True)),
    ),
    *twins(
        "first column", "shape", first_column, first_column_vjp, (M,), severity="contract",
        only_the_column=lambda g, x: 2 * g[:, None],
    ),
)  # fmt: skip


# --- number type and finiteness ------------------------------------------------------------------------------


def tanh(x: Any) -> Any:
    return np.tanh(x)


def tanh_vjp(g: Any, x: Any) -> Any:
    e = np.exp(-2 * np.abs(x))
    return g * 4 * e / (1 + e) ** 2


def square(x: Any) -> Any:
    return x * x


def signed_square(x: Any) -> Any:
    return x * np.abs(x)


def signed_square_from_quotient(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return g * 2 * x * x / np.abs(x)


def uninitialised_last(g: Any, x: Any) -> Any:
    d = np.full_like(x, np.nan)
    d[:-1] = (2 * g * x)[:-1]
    return d


TYPES = (
    *twins(
        "tanh", "dtype", tanh, tanh_vjp, (X,), unseen="*", severity="contract",
        complex_for_real=lambda g, x: tanh_vjp(g, x) + 0j,
        object_array=lambda g, x: tanh_vjp(g, x).astype(object),
        float32_for_float64=lambda g, x: tanh_vjp(g, x).astype(np.float32),
        long_double=lambda g, x: tanh_vjp(g, x).astype(np.longdouble),
    ),
    *twins(
        "tanh in float32", "dtype", tanh, lambda g, x: g * (1 - np.tanh(x)) * (1 + np.tanh(x)), (X.astype(np.float32),),
        unseen="float64_for_float32", severity="contract",
        float64_for_float32=lambda g, x: tanh_vjp(g.astype(np.float64), x.astype(np.float64)),
        float16_for_float32=lambda g, x: tanh_vjp(g, x).astype(np.float16),
    ),
    *twins(
        "thrice", "dtype", lambda x: 3 * x, lambda g, x: 3 * g, (X,), unseen="integer",
        integer=lambda g, x: (3 * g).astype(np.int64),
        boolean=lambda g, x: g > 0,
    ),
    *twins(
        "signed square", "nan", signed_square, lambda g, x: 2 * g * np.abs(x), (X,), unseen="nan_at_zero",
        nan_at_zero=signed_square_from_quotient,
        nan_everywhere=lambda g, x: np.full_like(x, np.nan),
    ),
    *twins(
        "square", "nan", square, lambda g, x: 2 * g * x, (X,),
        uninitialised_last_entry=uninitialised_last,
        infinite=lambda g, x: np.full_like(x, np.inf),
    ),
)  # fmt: skip


# --- mutation and aliasing -----------------------------------------------------------------------------------


def cube(x: Any) -> Any:
    return x * x * x


def cube_spoils_input(g: Any, x: Any) -> Any:
    x *= x
    return 3 * g * x


def cube_spoils_cotangent(g: Any, x: Any) -> Any:
    g *= 3 * x * x
    return g


def cube_spoils_cotangent_quietly(g: Any, x: Any) -> Any:
    d = 3 * x * x * g
    np.maximum(g, 0, out=g)
    return d


def cube_borrows_cotangent(g: Any, x: Any) -> Any:
    g *= 2
    d = 1.5 * g * x * x
    g /= 2
    return d


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_in_place(x: Any) -> Any:
    x -= x.max()
    e = np.exp(x)
    return e / e.sum()


def softmax_vjp(g: Any, x: Any) -> Any:
    s = softmax(x)
    return s * (g - (s * g).sum())


def in_one_buffer() -> Any:
    """A backward that writes every answer into the array of the first one of that shape."""
    buffers: dict[tuple[int, ...], Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        out = buffers.setdefault(x.shape, np.empty_like(x))
        np.multiply(g, 3 * x * x, out=out)
        return out

    return vjp


def accumulating() -> Any:
    grads: dict[tuple[int, ...], Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        grads[x.shape] = grads.get(x.shape, 0) + 3 * g * x * x
        return grads[x.shape]

    return vjp


def remembering_by_shape() -> Any:
    seen: dict[tuple[int, ...], Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        return g * seen.setdefault(x.shape, 3 * x * x)

    return vjp


class Cube:
    """A right layer with state, and the base of wrong ones."""

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return cube(x)

    def backward(self, g: Any) -> Any:
        return 3 * g * self.x**2


class CubeSpoilsState(Cube):
    def backward(self, g: Any) -> Any:
        self.x *= self.x
        return 3 * g * self.x


class CubeConsumesState(Cube):
    def backward(self, g: Any) -> Any:
        x, self.x = self.x, np.zeros_like(self.x)
        return 3 * g * x**2


class CubeAccumulates(Cube):
    grad: Any = 0.0

    def backward(self, g: Any) -> Any:
        self.grad = self.grad + 3 * g * self.x**2
        return self.grad


class CubeKeepsFirst(Cube):
    def forward(self, x: Any) -> Any:
        if getattr(self, "x", x[..., :0]).shape != x.shape:
            self.x = x.copy()
        return cube(x)


class CubeOneBuffer(Cube):
    def backward(self, g: Any) -> Any:
        if not hasattr(self, "out") or self.out.shape != g.shape:
            self.out = np.empty_like(g)
        np.multiply(3 * g, self.x**2, out=self.out)
        return self.out


class CubeOutputBuffer(Cube):
    def forward(self, x: Any) -> Any:
        super().forward(x)
        if not hasattr(self, "y") or self.y.shape != x.shape:
            self.y = np.empty_like(x)
        np.power(x, 3, out=self.y)
        return self.y


class CubeDeclaredStateless(Cube):
    def backward(self, g: Any, x: Any) -> Any:
        return 3 * g * self.x**2


class OnTheClass:
    """State on the class, shared by every instance: the last forward of anybody counts."""

    saved: Any = None

    def forward(self, x: Any) -> Any:
        OnTheClass.saved = x.copy()
        return cube(x)

    def backward(self, g: Any, x: Any) -> Any:
        return 3 * g * OnTheClass.saved**2


MEMORY: tuple[Case, ...] = (
    *twins(
        "cube", "mutation", cube, lambda g, x: 3 * g * x * x, (X,), unseen="*", severity="contract",
        input_squared_in_place=cube_spoils_input,
        cotangent_multiplied_in_place=cube_spoils_cotangent,
        cotangent_rectified_afterwards=cube_spoils_cotangent_quietly,
        cotangent_borrowed_and_restored=cube_borrows_cotangent,
    ),
    *twins(
        "softmax of a vector", "mutation", softmax, softmax_vjp, (X,), unseen="*", severity="contract",
        forward_shifts_its_input=(softmax_in_place, softmax_vjp),
    ),
    *twins(
        "cube layer", "state", None, Cube, (X,), unseen="*", options={"stateful": True},
        saved_input_squared_in_place=CubeSpoilsState,
        second_backward_is_zero=CubeConsumesState,
        gradient_accumulates=CubeAccumulates,
        first_input_kept=CubeKeepsFirst,
        answers_share_one_buffer=CubeOneBuffer,
        outputs_share_one_buffer=CubeOutputBuffer,
    ),
)  # fmt: skip


# --- closures with state, each made afresh -------------------------------------------------------------------


def _fresh(name: str, group: str, vjp_maker: Any) -> Case:
    return Case(
        name=name, group=group, make=lambda: (cube, vjp_maker()), inputs=(X,), ok=False, twin="cube", invisible=True
    )


CLOSURES = (
    _fresh("cube: answers share one buffer", "aliasing", in_one_buffer),
    _fresh("cube: gradient accumulates over calls", "state", accumulating),
    _fresh("cube: derivative remembered by shape", "state", remembering_by_shape),
    *twins(
        "cube, nothing saved", "state", cube, lambda g, x: 3 * g * x**2, (M,), unseen="*",
        uses_last_forward_though_stateless=CubeDeclaredStateless,
        state_on_the_class=OnTheClass,
    ),
)  # fmt: skip


# --- determinism, memory layout, exceptions ------------------------------------------------------------------

BLUR = np.random.default_rng(5)


def dot(x: Any, y: Any) -> Any:
    return (x * y).sum(-1)


def dot_vjp(g: Any, x: Any, y: Any) -> Any:
    return g[..., None] * y, g[..., None] * x


def total_sine(x: Any, a: Any) -> Any:
    return np.sin(x) * a


def in_random_order(g: Any, x: Any, a: Any) -> Any:
    terms = g * np.sin(x)
    return g * a * np.cos(x), np.asarray(np.cumsum(BLUR.permutation(terms))[-1])


def flat(x: Any) -> Any:
    return np.sin(x).ravel()


def into_a_copy(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d.ravel()[:] = g * np.cos(x).ravel()
    return d


def refuse_negative_strides(g: Any, x: Any) -> Any:
    if any(s < 0 for s in (*g.strides, *x.strides)):
        raise ValueError("at least one stride is negative")
    return g.reshape(x.shape) * np.cos(x)


def need_contiguous(g: Any, x: Any) -> Any:
    return (g.view(np.uint64).view(np.float64)).reshape(x.shape) * np.cos(np.frombuffer(x.data).reshape(x.shape))


def make_writable(g: Any, x: Any) -> Any:
    if not (g.flags.writeable and x.flags.writeable):
        raise ValueError("buffer source array is read-only")
    return g.reshape(x.shape) * np.cos(x)


def sine(x: Any) -> Any:
    return np.sin(x)


def sine_vjp(g: Any, x: Any) -> Any:
    return g * np.cos(x)


def raising(test: Any, error: type[BaseException]) -> Any:
    """A right backward of the sine that raises where the test of (g, x) holds."""

    def vjp(g: Any, x: Any) -> Any:
        if test(g, x):
            raise error("not supported")
        return sine_vjp(g, x)

    return vjp


def printing(g: Any, x: Any) -> Any:
    print("backward", x.shape)
    print("backward", g.shape, file=sys.stderr)
    return sine_vjp(g, x)


HANDLING = (
    *twins(
        "product of rows", "determinism", dot, dot_vjp, (M, M[:, ::-1].copy()), unseen="*",
        noisy_in_the_ninth_digit=lambda g, x, y: tuple(d * (1 + 1e-9 * BLUR.normal()) for d in dot_vjp(g, x, y)),
    ),
    *twins(
        "amplitude of 999 sines", "determinism", total_sine,
        lambda g, x, a: (g * a * np.cos(x), (g * np.sin(x)).sum()), (normal(6, 999), np.array(0.7)),
        unseen="*", severity="contract",
        summed_in_random_order=in_random_order,
    ),
    *twins(
        "flattened sine", "layout", flat, lambda g, x: g.reshape(x.shape) * np.cos(x), (M,), unseen="*",
        order_k=lambda g, x: (g * np.cos(x.ravel("K"))).reshape(x.shape),
        order_a=lambda g, x: (g * np.cos(x).flatten("A")).reshape(x.shape),
        written_into_a_copy=into_a_copy,
        refuses_negative_strides=refuse_negative_strides,
        needs_contiguous_memory=need_contiguous,
        needs_writable_memory=make_writable,
    ),
    *twins(
        "sine", "exception", sine, sine_vjp, (X,), severity="contract",
        unseen="not_for_zero not_for_zero_cotangent not_for_large_input exits_for_equal_entries",
        not_for_zero=raising(lambda g, x: (x == 0).any(), ZeroDivisionError),
        not_for_zero_cotangent=raising(lambda g, x: not g.any(), ValueError),
        not_for_negative_input=raising(lambda g, x: (x < 0).any(), ValueError),
        not_for_large_input=raising(lambda g, x: (abs(x) > 50).any(), OverflowError),
        exits=raising(lambda g, x: True, SystemExit),
        exits_for_equal_entries=raising(lambda g, x: (x == x[0]).all(), SystemExit),
        not_implemented=raising(lambda g, x: True, NotImplementedError),
    ),
    *twins("sine that prints", "exception", sine, printing, (X,)),
    *twins("sine by a transposed view", "layout", sine, lambda g, x: (g.T * np.cos(x.T)).T, (M,)),
    *twins("sine in column order", "layout", sine, lambda g, x: np.asfortranarray(g * np.cos(x)), (M,)),
    *twins("sine in a list", "shape", sine, lambda g, x: (g * np.cos(x),), (M,)),
)  # fmt: skip


CASES: tuple[Case, ...] = (*SHAPES, *TYPES, *MEMORY, *CLOSURES, *HANDLING)
