"""Every input of a 16-bit type: the rule's result against the true derivative, rounded once.

The truth is the derivative of the definition in certified balls, at as many bits as its rounding takes; a table of it is kept in the user's
cache directory under a hash of the definition's text, and made anew when the text changes.  In float16 the rule runs in float16.  In
bfloat16, which NumPy does not know, it runs in float32 on bfloat16 inputs and is rounded once.

Rounding in two steps is right if the first one rounds to odd: Boldo, Melquiond, Emulation of FMA and correctly rounded sums:
proved algorithms using rounding to odd, IEEE Trans. Computers 57 (2008), theorem 1.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from gradcheck.claim import Set
from gradcheck.fingerprints import fingerprint
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError, Undecided
from gradcheck.numbers.exact import Rationals
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.numbers.truth import certified
from gradcheck.proofs.reading import Text, Watched
from gradcheck.proofs.vocabulary import widened

TYPES: dict[str, Any] = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
RUNS_IN: dict[str, Any] = {"float16": np.float16, "bfloat16": np.float32}
SMALLEST = {"float16": -24, "bfloat16": -133}
DIGITS = {"float16": 11, "bfloat16": 8}
"""Exponent of the smallest positive number, and bits of the significand."""

PRECISIONS = (128, 256, 512, 1024)

FORMAT = "3"
"""Part of every key: tables of another form are not read."""

DECIDED, OUTSIDE, KINK, NO_VALUE, UNDECIDED = range(5)
"""What is known of an input: its derivative; it is not in the domain; the text has a tie there; no derivative; its rounding is open."""


@dataclass(frozen=True, slots=True)
class Table:
    """For each of the 65536 bit patterns: the state, the derivative in float64 (nearest), and in the type (rounded once)."""

    state: NDArray[np.uint8]
    value: NDArray[np.float64]
    rounded: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Every:
    """How a rule does on every input of a type; ``undecided`` inputs are judged by nothing."""

    dtype: str
    judged: int
    kinks: int
    undecided: int
    without: int
    """Inputs at which the definition has no derivative, or one that no ball can hold, such as exp(1e38)."""
    wrong: int
    """Results that are not the correctly rounded derivative."""
    worst: float
    """Largest error in units in the last place of the derivative; inf where the rule has no finite number and the truth has."""
    where: float


def truth(definition: Text, one: Set, dtype: str, params: Mapping[str, Any], directory: Path | None = None) -> Table:
    """The table of one definition, from the cache or made now; ``NumbersError`` where the text cannot be read."""
    key = "|".join((FORMAT, dtype, fingerprint(definition), one.describe(), repr(sorted(params.items()))))
    path = (directory or cache()) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    kept = _load(path)
    if kept is not None:
        return kept
    with widened(symbolic=False):
        made = _make(definition, one, dtype, params)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(aside, state=made.state, value=made.value, rounded=made.rounded)
    aside.replace(path)  # whole or not at all
    return made


def numbers(dtype: str) -> NDArray[np.float64]:
    """The 65536 numbers of a type, in the order of their bit patterns."""
    with np.errstate(invalid="ignore"):  # some patterns are signalling nans
        every_one: NDArray[np.float64] = np.arange(65536, dtype=np.uint16).view(TYPES[dtype]).astype(np.float64)
    return every_one


def cache() -> Path:
    """Where tables are kept: under XDG_CACHE_HOME, by default ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gradcheck" / "truth"


def _load(path: Path) -> Table | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            table = Table(file["state"], file["value"], file["rounded"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # absent, or spoilt: made anew
        return None
    whole = all(a.shape == (65536,) for a in (table.state, table.value, table.rounded))
    return table if whole else None


def _make(definition: Text, one: Set, dtype: str, params: Mapping[str, Any]) -> Table:
    inputs = numbers(dtype)
    state = np.full(65536, OUTSIDE, np.uint8)
    value, rounded = np.full(65536, np.nan), np.zeros(65536, np.uint16)
    inside = (inputs > one.low) & (inputs < one.high)
    if one.closed:
        inside |= (inputs == one.low) | (inputs == one.high)
    todo = np.flatnonzero(inside & np.isfinite(inputs))
    state[todo] = UNDECIDED
    while todo.size:
        try:
            first = trace(definition, [np.array(inputs[todo[0]])], kwargs=dict(params), field=Watched(PRECISIONS[-1]))
        except Undecided:  # no precision says which branch this input takes; at a pole there is none
            with np.errstate(all="ignore"):
                finite = np.all(np.isfinite(definition(inputs[todo[0]], **params)))
            state[todo[0]] = UNDECIDED if finite else NO_VALUE
            todo = todo[1:]
            continue
        same = _same_branch(first, inputs[todo])
        same[0] = True
        now, todo = todo[same], todo[~same]
        if first.ties:
            state[now] = KINK
            continue
        for bits in PRECISIONS:
            state[now], value[now], rounded[now] = _slopes(first.program, inputs[now], dtype, bits)
            now = now[state[now] == UNDECIDED]
            if not now.size:
                break
        state[now], value[now], rounded[now] = _fractions(first.program, inputs[now], dtype)
    return Table(state, value, rounded)


def _same_branch(first: Trace, inputs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which inputs certainly decide every comparison as the trace did."""
    asked = [ids for decision in first.decisions for ids in (decision.left, decision.right)]
    same = np.ones(inputs.size, bool)
    if not asked:
        return same
    balls = Balls(PRECISIONS[-1])
    with balls.working():
        values = program(first.tape, first.program.inputs, asked).evaluate(balls, [balls.constants(inputs[:, None])])
        for k, decision in enumerate(first.decisions):
            left, right = (np.broadcast_to(v, (inputs.size, v.shape[-1])) for v in values[2 * k : 2 * k + 2])
            same &= (balls.compare(left, right) == decision.order.ravel()).all(axis=-1)
    return same


def _slopes(
    branch: Program, inputs: NDArray[np.float64], dtype: str, bits: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.uint16]]:
    balls = Balls(bits)
    with balls.working():
        given, ones = balls.constants(inputs[:, None]), balls.constants(np.ones((inputs.size, 1)))
        (slopes,) = branch.gradient(balls, [given], [ones])
        found = certified(np.broadcast_to(slopes, (inputs.size, 1)), (inputs.size,), bits)
    sticky = np.where(np.abs(found.rest) > found.bound, np.sign(found.rest), 0.0)
    exact = (found.rest == 0) & (found.bound == 0)
    low, high = (_rounded(_odd(found.value, np.full(inputs.size, s)), dtype) for s in (-1.0, 1.0))
    rounded = _rounded(_odd(found.value, sticky), dtype)
    zero = (low & 0x7FFF == 0) & (high & 0x7FFF == 0)  # of either sign
    known = exact | (sticky != 0) | (low == high) | zero | np.isinf(found.value)  # beyond float64 is beyond the type
    # A ball that is wider than a float64 is known decides nothing, wherever its middle lies.
    known &= ~(found.bound > np.spacing(np.abs(found.value)))
    lost = np.isnan(found.value) if bits == PRECISIONS[-1] else np.zeros(inputs.size, bool)
    state = np.where(lost, NO_VALUE, np.where(known & ~np.isnan(found.value), DECIDED, UNDECIDED))
    return state.astype(np.uint8), found.value, rounded


def _fractions(
    branch: Program, inputs: NDArray[np.float64], dtype: str
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.uint16]]:
    """What no ball decides: derivatives that lie halfway between two numbers of the type, which fractions know exactly."""
    state, value, rounded = (
        np.full(inputs.size, UNDECIDED, np.uint8),
        np.zeros(inputs.size),
        np.zeros(inputs.size, np.uint16),
    )
    exact = Rationals()
    try:
        (slopes,) = branch.gradient(
            exact, [exact.constants(inputs[:, None])], [exact.constants(np.ones((inputs.size, 1)))]
        )
    except (NumbersError, ZeroDivisionError):
        return state, value, rounded
    value = exact.nearest(slopes.ravel())
    side = exact.compare(slopes.ravel(), exact.constants(value)).astype(float)
    return np.full(inputs.size, DECIDED, np.uint8), value, _rounded(_odd(value, side), dtype)


def _odd(value: NDArray[np.float64], side: NDArray[np.float64]) -> NDArray[np.float64]:
    """value + side * (something smaller than half an ulp), rounded to odd in float64."""
    even = (value.view(np.uint64) & 1) == 0
    with np.errstate(all="ignore"):
        moved = np.nextafter(value, np.copysign(np.inf, side))
    return np.where(even & (side != 0) & np.isfinite(value), moved, value)


def _rounded(value: NDArray[np.float64], dtype: str) -> NDArray[np.uint16]:
    """A float64 number in the type, once: to bfloat16 by way of float32 rounded to odd."""
    with np.errstate(all="ignore"):
        if dtype == "float16":
            return value.astype(np.float16).view(np.uint16)
        near = value.astype(np.float32)
        over = np.isinf(near) & np.isfinite(value)
        near[over] = np.copysign(np.finfo(np.float32).max, value[over]).astype(np.float32)  # odd, and rounds to inf
        rest = value - near.astype(np.float64)
        even = (near.view(np.uint32) & 1) == 0
        moved = np.nextafter(near, np.copysign(np.float32(np.inf), rest).astype(np.float32))
        odd = np.where(even & (rest != 0), moved, near)
        return np.asarray(odd.astype(TYPES[dtype])).view(np.uint16)


Slopes = Callable[[NDArray[Any]], Any]
"""What is run: numbers of a type to the gradient there, with a cotangent of one, as an array of their shape."""


def slopes_of(rule: Text, dtype: str, params: Mapping[str, Any]) -> Slopes:
    """A reference rule, in a type in which NumPy computes."""

    def slopes(inputs: NDArray[Any]) -> Any:
        x = inputs.astype(RUNS_IN[dtype])
        (given,) = rule(np.ones_like(x), x, **params)
        return given

    return slopes


def every(slopes: Slopes, table: Table, dtype: str) -> Every:
    """``slopes`` on all inputs whose derivative is known; raises what it raises, and ``ValueError`` for an answer that does not fit."""
    patterns = np.flatnonzero(table.state == DECIDED).astype(np.uint16)
    inputs = patterns.view(TYPES[dtype])
    with np.errstate(all="ignore"):
        given = np.broadcast_to(np.asarray(slopes(inputs.copy())), inputs.shape)
        result = given.astype(TYPES[dtype]).astype(np.float64)
    wanted = table.rounded[patterns].view(TYPES[dtype]).astype(np.float64)
    value = table.value[patterns]
    right = result == wanted
    with np.errstate(all="ignore"):
        exponent = np.maximum(np.frexp(value)[1] - DIGITS[dtype], SMALLEST[dtype])
        ulps = np.where(right, 0.0, np.abs(result - value) / np.ldexp(1.0, exponent))
    ulps = np.where(np.isnan(ulps), np.inf, ulps)
    place = int(np.argmax(ulps)) if ulps.size else 0
    return Every(
        dtype,
        int(patterns.size),
        int(np.sum(table.state == KINK)),
        int(np.sum(table.state == UNDECIDED)),
        int(np.sum(table.state == NO_VALUE)),
        int(np.sum(~right)),
        float(ulps[place]) if ulps.size else 0.0,
        float(inputs[place]) if ulps.size else np.nan,
    )
