"""Every check of the contract has wrong implementations that it catches, and right twins that pass."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import gradcheck
from gradcheck.engine import contract
from gradcheck.engine.contract import CHECKS, inspect_contract
from gradcheck.records import Severity
from gradcheck.subjects.callables import arrange, recognise

RNG = np.random.default_rng(11)
X = RNG.normal(size=5)
M = RNG.normal(size=(3, 4))
W = RNG.normal(size=(4, 2))
Z = M + 1j * RNG.normal(size=(3, 4))


def inspect(
    forward: Any, vjp: Any, *inputs: Any, stateful: bool = False, magnitude: Any = None, seed: int = 3, **kwargs: Any
) -> Any:
    implementation = recognise(forward, vjp, None, stateful)
    call = arrange(implementation, tuple(np.copy(x) if isinstance(x, np.ndarray) else x for x in inputs), kwargs=kwargs)
    value = implementation.forward(*(np.copy(x) if isinstance(x, np.ndarray) else x for x in inputs), **kwargs)
    single = not isinstance(value, tuple)
    rng = np.random.default_rng(seed)

    def draw(y: Any) -> Any:
        y = np.asarray(y)
        g = rng.normal(size=y.shape) + (1j * rng.normal(size=y.shape) if y.dtype.kind == "c" else 0)
        return np.asarray(g).astype(y.dtype)

    n = sum(np.size(call.leaves[k]) * (2 if np.iscomplexobj(call.leaves[k]) else 1) for k in call.active)
    A = np.full(n, np.nan) if magnitude is None else magnitude
    return inspect_contract(call, tuple(draw(y) for y in ((value,) if single else value)), single, A, rng)


def codes(*args: Any, **kwargs: Any) -> set[str]:
    return {f.code for f in inspect(*args, **kwargs)}


def cube(x: Any) -> Any:
    return x * x * x


def cube_vjp(g: Any, x: Any) -> Any:
    return 3 * g * x * x


def broadcast_add_vjp(g: Any, x: Any, b: Any) -> Any:
    return g, g.sum(0)


class Cube:
    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return cube(x)

    def backward(self, g: Any) -> Any:
        return 3 * g * self.x**2


def sum_in_float16(g: Any, x: Any) -> Any:
    return g * np.cos(x)


RIGHT = {
    "cube": (cube, cube_vjp, X),
    "identity that returns the cotangent": (lambda x: x, lambda g, x: g, X),
    "reshape to a view": (lambda x: x.reshape(4, 3), lambda g, x: g.reshape(x.shape), M),
    "transposed view": (lambda x: x.T, lambda g, x: g.T, M),
    "product returning views of the inputs": (lambda x, y: x * y, lambda g, x, y: (g * y, g * x), M, M + 1),
    "matrix product": (lambda x, w: x @ w, lambda g, x, w: (g @ w.T, x.T @ g), M, W),
    "long matrix product": (
        lambda x, w: x @ w, lambda g, x, w: (g @ w.T, x.T @ g), RNG.normal(size=(7, 300)),
        RNG.normal(size=(300, 5)),
    ),
    "inverse": (
        np.linalg.inv, lambda g, x: -(np.linalg.inv(x).T @ g @ np.linalg.inv(x).T), np.vander(np.arange(1.0, 8)),
    ),
    "row sums": (lambda x: x.sum(1), lambda g, x: np.broadcast_to(g[:, None], x.shape), M),
    "broadcasting add": (lambda x, b: x + b, broadcast_add_vjp, M, M[0]),
    "float16": (np.sin, sum_in_float16, M.astype(np.float16)),
    "float16 long dot": (
        lambda x, y: np.asarray(x @ y), lambda g, x, y: (g * y, g * x), *RNG.normal(size=(2, 400)).astype(np.float16)
    ),
    "bfloat16": (lambda x: x * x, lambda g, x: g * x + g * x, M.astype(ml_dtypes.bfloat16)),
    "float32 exp": (np.exp, lambda g, x: g * np.exp(x), RNG.normal(size=(9, 33)).astype(np.float32)),
    "float64 exp and tanh": (
        lambda x: np.tanh(np.exp(x)), lambda g, x: g * np.exp(x) / np.cosh(np.exp(x)) ** 2, RNG.normal(size=(9, 33))
    ),
    "complex": (lambda z: z * z, lambda g, z: g * np.conj(2 * z), Z),
    "tuple of outputs": (lambda x: (np.sin(x), x.sum()), lambda g, x: g[0] * np.cos(x) + g[1], M),
    "0-d": (np.sin, lambda g, x: g * np.cos(x), np.array(0.3)),
    "Python float": (lambda x, a: a * x, lambda g, x, a: (g * a, np.sum(g * x)), X, 0.7),
    "empty": (cube, cube_vjp, np.zeros((0, 3))),
    "gather": (
        lambda x, i: x[i],
        lambda g, x, i: np.bincount(i, g, minlength=x.size).astype(x.dtype), X, np.array([0, 2, 2, 4])
    ),
    "infinite slope": (np.sqrt, lambda g, x: g * 0.5 / np.sqrt(x), np.array([0.0, 1.0, 4.0])),
    "zeros": (cube, cube_vjp, np.zeros(4)),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_implementations_have_no_finding(name: str) -> None:
    forward, vjp, *inputs = RIGHT[name]
    assert [(f.code, f.message) for f in inspect(forward, vjp, *inputs)] == []


def test_right_stateful_class_has_no_finding() -> None:
    layer = Cube()
    assert codes(layer.forward, layer.backward, M, stateful=True) == set()
    assert codes(Cube, None, M) == set()


def test_second_backward_may_be_refused() -> None:
    class Once(Cube):
        def backward(self, g: Any) -> Any:
            x = self.x
            del self.x
            return 3 * g * x**2

    assert codes(Once, None, M) == set()


def test_layer_with_a_random_forward_is_not_blamed_for_its_gradient() -> None:
    class Dropout:
        rng = np.random.default_rng(0)

        def forward(self, x: Any) -> Any:
            self.mask = self.rng.random(x.shape) < 0.5
            return x * self.mask

        def backward(self, g: Any) -> Any:
            return g * self.mask

    assert codes(Dropout, None, M) == set()


def test_failing_call_has_no_finding() -> None:
    assert inspect(cube, lambda g, x: 1 / 0, X) == []


def test_memoised_copies_are_fine() -> None:
    cache: dict[bytes, Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        return g * cache.setdefault(x.tobytes(), 3 * x * x)

    assert codes(cube, vjp, X) == set()


# --- wrong ones ------------------------------------------------------------------------------------


def spoil_input(g: Any, x: Any) -> Any:
    x *= x
    return 3 * g * x


def spoil_cotangent(g: Any, x: Any) -> Any:
    g *= 3 * x * x
    return g


def rectify_cotangent_afterwards(g: Any, x: Any) -> Any:
    d = 3 * x * x * g
    np.maximum(g, 0, out=g)
    return d


def borrow_cotangent(g: Any, x: Any) -> Any:
    g *= 2
    d = 1.5 * g * x * x
    g /= 2
    return d


def borrow_input(g: Any, x: Any) -> Any:
    x *= 2
    d = 0.75 * g * x * x
    x /= 2
    return d


def in_place_forward(x: Any) -> Any:
    x -= x.max()
    return np.exp(x)


def one_buffer() -> Any:
    buffers: dict[Any, Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        return np.multiply(g, 3 * x * x, out=buffers.setdefault(x.shape, np.empty_like(x)))

    return vjp


def accumulating(in_place: bool) -> Any:
    grads: dict[Any, Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        total = grads.setdefault(x.shape, np.zeros_like(x))
        if in_place:
            total += cube_vjp(g, x)
        else:
            grads[x.shape] = total = total + cube_vjp(g, x)
        return total

    return vjp


def own_constant() -> Any:
    ones = np.ones(X.shape)
    return lambda g, x: np.multiply(ones, g, out=ones) if g.ndim else ones


def noisy(size: float) -> Any:
    rng = np.random.default_rng(0)
    return lambda g, x: cube_vjp(g, x) * (1 + size * rng.normal(size=x.shape))


def random_order(g: Any, x: Any, a: Any, rng: Any = np.random.default_rng(5)) -> Any:  # noqa: B008  # one stream
    return g * a * np.cos(x), np.asarray(np.cumsum(rng.permutation(g * np.sin(x)))[-1])


def flat_sine(x: Any) -> Any:
    return np.sin(x).ravel()


def into_a_copy(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d.ravel()[:] = g * np.cos(x).ravel()
    return d


def refuse_negative(g: Any, x: Any) -> Any:
    if any(s < 0 for s in (*g.strides, *x.strides)):
        raise ValueError("negative stride")
    return g.reshape(x.shape) * np.cos(x)


def refuse_broadcast(g: Any, x: Any) -> Any:
    if 0 in g.strides:
        raise ValueError("stride 0")
    return cube_vjp(g, x)


def by_memory(g: Any, x: Any) -> Any:
    return np.ndarray(g.shape, g.dtype, g.data.obj if g.base is None else g.base) * 3 * x * x


class SpoilsState(Cube):
    def backward(self, g: Any) -> Any:
        self.x *= self.x
        return 3 * g * self.x


class ConsumesState(Cube):
    def backward(self, g: Any) -> Any:
        x, self.x = self.x, np.zeros_like(self.x)
        return 3 * g * x**2


class Accumulates(Cube):
    grad: Any = 0.0

    def backward(self, g: Any) -> Any:
        self.grad = self.grad + 3 * g * self.x**2
        return self.grad


class OutputBuffer(Cube):
    def forward(self, x: Any) -> Any:
        super().forward(x)
        if getattr(self, "y", x[..., :0]).shape != x.shape:
            self.y = np.empty_like(x)
        self.y[...] = cube(x)
        return self.y


class SpoilsSavedInput(Cube):
    def forward(self, x: Any) -> Any:
        self.x = x
        return cube(x)

    def backward(self, g: Any) -> Any:
        self.x *= self.x
        return 3 * g * self.x


class StateOfLastForward(Cube):
    def backward(self, g: Any, x: Any) -> Any:  # type: ignore[override]  # takes the input, too
        return 3 * g * self.x**2


def raising(test: Any) -> Any:
    def vjp(g: Any, x: Any) -> Any:
        if test(g):
            raise ValueError("not supported")
        return cube_vjp(g, x)

    return vjp


WRONG = {
    "input spoiled": ("GC205", cube, spoil_input, X),
    "cotangent spoiled": ("GC206", cube, spoil_cotangent, X),
    "cotangent rectified afterwards": ("GC206", cube, rectify_cotangent_afterwards, X),
    "forward in place": ("GC207", in_place_forward, lambda g, x: g * np.exp(x - x.max()), X),
    "one buffer": ("GC208", cube, one_buffer(), X),
    "accumulates": ("GC209", cube, accumulating(False), X),
    "accumulates in place": ("GC209", cube, accumulating(True), X),
    "noise in the ninth digit": ("GC210", cube, noisy(1e-9), X),
    "large noise": ("GC210", cube, noisy(1.0), X),
    "random order": ("GC210", lambda x, a: np.sin(x) * a, random_order, RNG.normal(size=999), np.array(0.7)),
    "order K": ("GC211", flat_sine, lambda g, x: (g * np.cos(x.ravel("K"))).reshape(x.shape), M),
    "order A": ("GC211", flat_sine, lambda g, x: (g * np.cos(x).flatten("A")).reshape(x.shape), M),
    "written into a copy": ("GC211", flat_sine, into_a_copy, M),
    "negative strides refused": ("GC211", flat_sine, refuse_negative, M),
    "broadcast refused": ("GC211", cube, refuse_broadcast, X),
    "read by memory": ("GC211", cube, by_memory, X),
    "cotangent borrowed": ("GC212", cube, borrow_cotangent, X),
    "input borrowed": ("GC212", cube, borrow_input, X),
    "cotangent ignored": ("GC110", cube, lambda g, x: 3 * x * x, X),
    "cotangent squared": ("GC110", cube, lambda g, x: 3 * g * g * x * x, X),
    "cotangent clipped": ("GC110", cube, lambda g, x: 3 * np.clip(g, -5, 5) * x * x, X),
    "cotangent clipped far": ("GC110", cube, lambda g, x: 3 * np.clip(g, -1e8, 1e8) * x * x, X),
    "cotangent rectified": ("GC110", cube, lambda g, x: 3 * np.maximum(g, 0) * x * x, X),
    "absolute cotangent": ("GC110", cube, lambda g, x: 3 * np.abs(g) * x * x, X),
    "small cotangent dropped": ("GC110", cube, lambda g, x: 3 * np.where(np.abs(g) < 1e-8, 0, g) * x * x, X),
    "cotangent normalised": ("GC110", cube, lambda g, x: 3 * g / np.linalg.norm(g) * x * x, X),
    "odd and homogeneous, not additive": (
        "GC110", lambda x: x * 1.0, lambda g, x: np.cbrt(g**3 + np.roll(g, 1) ** 3), X
    ),
    "constant added": ("GC110", cube, lambda g, x: cube_vjp(g, x) + 1e-9, X),
    "clipped in float32": ("GC110", cube, lambda g, x: 3 * np.clip(g, -9, 9) * x * x, X.astype(np.float32)),
    "ignored in float16": ("GC110", cube, lambda g, x: 3 * x * x, X.astype(np.float16)),
    "ignored in complex": ("GC110", lambda z: z * z, lambda g, z: np.conj(2 * z), Z),
    "second of two cotangents squared": (
        "GC110", lambda x: (np.sin(x), x.sum()), lambda g, x: g[0] * np.cos(x) + g[1] ** 2, M
    ),
    "zero cotangent refused": ("GC110", cube, raising(lambda g: not g.any()), X),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_implementations_are_caught(name: str) -> None:
    code, forward, vjp, *inputs = WRONG[name]
    found = inspect(forward, vjp, *inputs)
    assert code in {f.code for f in found}, [(f.code, f.message) for f in found]
    for f in found:
        assert f.point is not None and f.message and f.argument
        assert f.severity is (Severity.WRONG if f.code == "GC110" and "raises" not in f.message else Severity.CONTRACT)


def one_number_normalised(x):
    deviation = x - x.mean(-1, keepdims=True)
    return deviation / np.sqrt((deviation * deviation).mean(-1, keepdims=True) + 1e-5)


def by_parts_that_cancel(extra):
    """Its derivative is 0, out of terms of some hundreds: only their rounding is left, in another way for each cotangent."""

    def vjp(g, x):
        terms = g / np.sqrt(1e-5)
        return 3.3 * terms - 2.3 * terms - 1.0 * terms + extra(g)

    return vjp


COLUMN = RNG.normal(size=(40, 1))


def test_rounding_of_what_cancels_is_linear_enough() -> None:
    for seed in range(5):
        given = COLUMN + seed
        assert not inspect(one_number_normalised, by_parts_that_cancel(lambda g: 0.0), given)
    for extra in (np.abs, lambda g: 1e-10 * np.abs(g), lambda g: 1e-9):
        found = inspect(one_number_normalised, by_parts_that_cancel(extra), COLUMN)
        assert "GC110" in {f.code for f in found}


def test_one_number_is_tried_with_cotangents_of_both_signs() -> None:
    for change in (lambda g: np.maximum(g, 0), lambda g: np.minimum(g, 0), np.abs):
        for seed in range(8):
            found = inspect(cube, lambda g, x, change=change: cube_vjp(change(g), x), X[:1], seed=seed)
            assert "GC110" in {f.code for f in found}, (change, seed)


STATEFUL = {
    "saved input squared": ("GC209", SpoilsState),
    "state consumed": ("GC209", ConsumesState),
    "accumulates": ("GC209", Accumulates),
    "outputs share a buffer": ("GC208", OutputBuffer),
    "saved view of the input spoiled": ("GC205", SpoilsSavedInput),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_wrong_stateful_classes_are_caught(name: str) -> None:
    code, layer = STATEFUL[name]
    assert code in codes(layer, None, M)


def test_last_forward_used_though_declared_stateless() -> None:
    layer = StateOfLastForward()
    assert "GC209" in codes(layer.forward, layer.backward, M)
    assert codes(layer.forward, layer.backward, M, stateful=True) == set()


def test_array_among_keyword_arguments_is_watched() -> None:
    def vjp(g: Any, x: Any, *, scale: Any) -> Any:
        d = g * scale
        scale += 1
        return d

    found = inspect(lambda x, *, scale: x * scale, vjp, X, scale=np.ones(5))
    assert ("GC205", "scale") in {(f.code, f.argument) for f in found}
    frozen = np.ones(5)
    frozen.flags.writeable = False
    assert inspect(lambda x, *, scale: x * scale, lambda g, x, *, scale: g * scale, X, scale=frozen) == []


def test_returned_array_of_its_own_is_caught_and_restored() -> None:
    saved = np.full(5, 2.0)

    def vjp(g: Any, x: Any) -> Any:
        return saved

    assert "GC208" in codes(lambda x: 2 * x, vjp, X)
    assert np.array_equal(saved, np.full(5, 2.0))


def test_accumulation_is_told_apart_from_randomness() -> None:
    assert codes(cube, accumulating(False), X) == {"GC209"}
    assert codes(cube, noisy(1.0), X) == {"GC210"}


def test_a_check_is_switched_off_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(cube, spoil_cotangent, X) == {"GC206"}
    monkeypatch.setattr(contract, "CHECKS", {k: v for k, v in CHECKS.items() if k != "vjp changes cotangent"})
    assert "GC206" not in codes(cube, spoil_cotangent, X)


def test_the_number_of_calls_is_bounded() -> None:
    count = 0

    def vjp(g: Any, x: Any) -> Any:
        nonlocal count
        count += 1
        return cube_vjp(g, x)

    assert codes(cube, vjp, M) == set()
    assert count <= 30


def test_the_caller_s_arrays_are_never_handed_out() -> None:
    x, before = X.copy(), X.copy()
    assert "GC205" in codes(cube, spoil_input, x)
    assert np.array_equal(x, before)


def cosine(x: Any, y: Any) -> Any:
    return np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y))


def cosine_vjp(g: Any, x: Any, y: Any) -> tuple[Any, Any]:
    n, m = np.sqrt(np.sum(x * x)), np.sqrt(np.sum(y * y))
    c = np.sum(x * y) / (n * m)
    return g * (y / (n * m)) - (g * c / n) * (x / n), g * (x / (n * m)) - (g * c / m) * (y / m)


def bent_cosine_vjp(g: Any, x: Any, y: Any) -> tuple[Any, Any]:
    bent = np.float32(1e-4) * g * g * x
    return tuple(v + bent for v in cosine_vjp(g, x, y))  # type: ignore[return-value]  # two of them


def test_terms_that_cancel_leave_their_rounding_which_is_no_law() -> None:
    """Of two numbers the cosine is 1 or -1, and its derivative 0: an honest answer is rounding alone, and linear in nothing.

    Its terms have the natural scale, |g| / |x|; below a tenth the oracles see less of it.
    A square of 1e-4 of the cotangent is far beyond their rounding, 6e-8.
    """
    for seed in range(20):
        rng = np.random.default_rng(seed)
        inputs = tuple(np.array([v], np.float32) for v in rng.uniform(0.1, 1, 2) * rng.choice((-1, 1), 2))
        for vjp, found in ((cosine_vjp, False), (bent_cosine_vjp, True)):
            result = gradcheck.check(cosine, vjp, inputs, profile="quick", seed=seed)
            assert any(f.code == "GC110" for f in result.findings) == found, (seed, str(result))
