"""Subjects as users might write them: wrong in many ways, or a danger to the process that runs them."""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from gradcheck.subjects import load
from gradcheck.subjects.protocol import Implementation

Function = Callable[..., Any]
Change = Callable[[Implementation], Implementation]


def with_vjp(make: Callable[[Function], Function]) -> Change:
    """The reference implementation with another backward."""
    return lambda right: replace(right, vjp=make(right.vjp))


class Reference:
    """The reference rules, changed for some operators."""

    name, version = "mine", "1.0"
    changes: Mapping[str, Change] = {}

    def __init__(self) -> None:
        self.reference = load("reference")

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return self.reference.supports(operator, dtype)

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        right = self.reference.implementation(operator, params)
        change = self.changes.get(operator)
        return right if right is None or change is None else change(right)


def doubled(vjp: Function) -> Function:
    return lambda g, *x, **k: tuple(2 * v for v in vjp(g, *x, **k))


def narrow_sign(vjp: Function) -> Function:
    return lambda g, x, **k: tuple(-v if x.dtype == ml_dtypes.bfloat16 else v for v in vjp(g, x, **k))


def nan_at_zero(vjp: Function) -> Function:
    return lambda g, *x, **k: tuple(np.where(np.prod(x[0]) == 0, np.nan, v).astype(v.dtype) for v in vjp(g, *x, **k))


def nan_at(value: float) -> Callable[[Function], Function]:
    """NaN for the entry that is this number."""
    return lambda vjp: lambda g, x, **k: tuple(np.where(x == value, np.nan, v).astype(v.dtype) for v in vjp(g, x, **k))


def first_only(vjp: Function) -> Function:
    return lambda g, *x, **k: (vjp(g, *x, **k)[0], *(np.zeros_like(v) for v in vjp(g, *x, **k)[1:]))


def writes_cotangent(vjp: Function) -> Function:
    def wrong(g: Any, *x: Any, **k: Any) -> Any:
        out = vjp(g, *x, **k)
        g *= 0
        return out

    return wrong


def raises_when_empty(vjp: Function) -> Function:
    def wrong(g: Any, *x: Any, **k: Any) -> Any:
        if x[0].size == 0:
            raise ValueError("nothing to do")
        return vjp(g, *x, **k)

    return wrong


def flat(vjp: Function) -> Function:
    return lambda g, *x, **k: tuple(v.reshape(-1, 1) for v in vjp(g, *x, **k))


def nothing(vjp: Function) -> Function:
    return lambda g, *x, **k: (None,) * len(vjp(g, *x, **k))


def rectified(vjp: Function) -> Function:
    return lambda g, *x, **k: vjp(np.maximum(g, 0), *x, **k)


def wide(vjp: Function) -> Function:
    return lambda g, *x, **k: tuple(v.astype(np.float64) for v in vjp(g, *x, **k))


def counting(vjp: Function) -> Function:
    calls = [0]

    def wrong(g: Any, *x: Any, **k: Any) -> Any:
        calls[0] += 1
        return tuple(calls[0] * v for v in vjp(g, *x, **k))

    return wrong


def one_buffer(vjp: Function) -> Function:
    kept: dict[Any, Any] = {}

    def wrong(g: Any, *x: Any, **k: Any) -> Any:
        out = vjp(g, *x, **k)
        for number, v in enumerate(out):
            kept.setdefault((number, v.shape, v.dtype.name), np.empty_like(v))[...] = v
        return tuple(kept[number, v.shape, v.dtype.name] for number, v in enumerate(out))

    return wrong


def another_forward(right: Implementation) -> Implementation:
    return replace(right, forward=lambda *x, **k: right.forward(*x, **k) + np.asarray(1, x[0].dtype))


def jvp_doubled(right: Implementation) -> Implementation:
    assert right.jvp is not None
    jvp = right.jvp
    return replace(right, jvp=lambda t, *x, **k: 2 * jvp(t, *x, **k))


class Wrong(Reference):
    """Every operator named here is wrong in a way of its own."""

    changes: Mapping[str, Change] = {
        "tanh": with_vjp(doubled),
        "softplus": with_vjp(narrow_sign),
        "prod": with_vjp(nan_at_zero),
        "matmul": with_vjp(first_only),
        "log": with_vjp(writes_cotangent),
        "sum": with_vjp(raises_when_empty),
        "cumsum": with_vjp(flat),
        "where": with_vjp(nothing),
        "abs": with_vjp(rectified),
        "sigmoid": with_vjp(wide),
        "gelu": with_vjp(counting),
        "multiply": with_vjp(one_buffer),
        "take": another_forward,
        "softmax": jvp_doubled,
    }


def prints(vjp: Function) -> Function:
    def noisy(g: Any, *x: Any, **k: Any) -> Any:
        print("a line from the subject")
        os.write(1, b"bytes past Python\n")
        sys.stderr.write("and an error\n")
        return vjp(g, *x, **k)

    return noisy


class OddError(BaseException):
    """No Exception, as those by which test runners and frameworks stop a test."""


def raising(make: Callable[[], BaseException]) -> Change:
    def wrong(*_: Any, **__: Any) -> Any:
        raise make()

    return with_vjp(lambda vjp: wrong)


def deep(vjp: Function) -> Function:
    return lambda *x, **k: deep(vjp)(*x, **k)


def spins(vjp: Function) -> Function:
    def wrong(*_: Any, **__: Any) -> Any:
        while True:
            pass

    return wrong


def clings(vjp: Function) -> Function:
    def wrong(*_: Any, **__: Any) -> Any:
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue

    return wrong


def aborts(vjp: Function) -> Function:
    return lambda *x, **k: os.abort()


def leaves(right: Implementation) -> Implementation:
    sys.stderr.write("I am leaving\n")
    sys.stderr.flush()
    os._exit(7)


def meddles(vjp: Function) -> Function:
    """Changes whatever is global; the answer is right."""

    def right(g: Any, *x: Any, **k: Any) -> Any:
        np.seterr(all="raise")
        np.random.seed(0)
        random.seed(0)
        warnings.simplefilter("error")
        os.environ["MEDDLED"] = "yes"
        os.chdir("/")
        np.set_printoptions(precision=1)
        sys.stdout = None  # type: ignore[assignment]  # some do
        with np.errstate(all="ignore"):
            return vjp(g, *x, **k)

    return right


def overwrites(vjp: Function) -> Function:
    """Overwrites the indices that it is given."""

    def wrong(g: Any, x: Any, indices: Any, **k: Any) -> Any:
        out = vjp(g, x, indices, **k)
        indices[...] = 0
        return out

    return wrong


def no_implementation(right: Implementation) -> Implementation:
    raise ValueError("not today")


def not_an_implementation(right: Implementation) -> Any:
    return 5


def odd_place(right: Implementation) -> Implementation:
    """Says where it is by something that is no text."""
    return replace(right, where=object())  # type: ignore[arg-type]  # that is the point


class Hostile(Reference):
    """Every operator named here does something to the process."""

    name = "hostile"
    changes: Mapping[str, Change] = {
        "abs": with_vjp(prints),
        "log": raising(lambda: SystemExit(3)),
        "tanh": raising(KeyboardInterrupt),
        "cumsum": raising(lambda: OddError("odd")),
        "sum": with_vjp(deep),
        "prod": with_vjp(spins),
        "relu": with_vjp(clings),
        "max": with_vjp(aborts),
        "power": leaves,
        "sigmoid": with_vjp(meddles),
        "take": with_vjp(overwrites),
        "var": no_implementation,
        "where": not_an_implementation,
        "cumprod": odd_place,
    }

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return dtype == np.float64


class Fickle(Reference):
    """Calls itself otherwise each time it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"fickle {os.getpid()} {random.random()}"


def off_at_three(vjp: Function) -> Function:
    """Of a square: 5 for 6 at one number."""

    def changed(g: Any, x: Any, **params: Any) -> Any:
        (right,) = vjp(g, x, **params)
        return (np.where(x == 3, 5 * g, right).astype(right.dtype),)

    return changed


def refuses(vjp: Function) -> Function:
    """Raises what looks like markup."""

    def changed(*_: Any, **__: Any) -> Any:
        raise ValueError("[no]")

    return changed


class SixteenBits(Reference):
    """In float16 alone, and without exp; one operator is right, one off at one number, one raises, one does not end."""

    name, version = "sixteen", "1"
    changes: Mapping[str, Change] = {
        "square": with_vjp(off_at_three),
        "softsign": with_vjp(refuses),
        "negative": with_vjp(spins),
    }

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return operator != "exp" and dtype == np.float16


class Greedy:
    """An exponential that asks for ten gigabytes on the way, and a sine that does not."""

    name, version = "greedy", "1"

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return operator in ("exp", "sin") and dtype == np.float64

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        if operator == "exp":
            return Implementation(
                forward=lambda x: np.exp(x) + 0 * np.ones(10 * 2**27)[0], vjp=lambda g, x: g * np.exp(x)
            )
        return Implementation(forward=np.sin, vjp=lambda g, x: g * np.cos(x))
