"""Every float32 number: the rule's result against an enclosure of the true derivative, as a long sweep that can be resumed.

The 2^32 bit patterns fall into blocks of 2^16 consecutive ones, all of one sign and nearly one size.  On a block the derivative is a Taylor
polynomial with a certified remainder, from jets of the definition's program in balls; NumPy evaluates it in float64 for all numbers of the
block at once, and the rounding of that evaluation is bounded beforehand.  A block on which the bound is too wide, or on which a comparison
of the text is not the same everywhere, is halved, at last to single numbers.

Source of the bound: Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., 2002), section 5.1 (Horner's rule).
"""

from __future__ import annotations

import json
import math
import random
import time
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from gradcheck.claim import Set
from gradcheck.fingerprints import fingerprint
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError
from gradcheck.numbers.jets import JetField
from gradcheck.numbers.program import program
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.proofs.reading import Text, Watched
from gradcheck.proofs.vocabulary import widened

BLOCK = 1 << 16
BLOCKS = 1 << 16

ORDER = 6
"""Of the remainder: within a block x moves by 2^-8 of itself at most, and 2^-48 / 6! is far below the 2^-24 of float32."""

BITS = 192

ROUNDING = 16 * 2.0**-53
"""gamma_12 of Horner's rule of degree 5, and the coefficients' own rounding, in units of the sum of their sizes."""

WIDEST = 2.0**-4
"""Units in the last place of float32 that an enclosure may be wide; beyond, the block is halved."""

EDGES = (0.5, 1.0, 2.0, 4.0, 16.0, 256.0)
"""Of the histogram of errors, in units in the last place."""

PART = 64
"""Blocks that are counted together: four million numbers, a second or less."""

SAMPLE = 8
"""Parts that are run again when a sweep is checked."""

COUNTS = ("judged", "outside", "kinks", "undecided", "without", "infinite")

EVERY_SECONDS = 5.0
"""Between two writings of the state."""


@dataclass(slots=True)
class State:
    """What is known so far: ``next`` block, counts of inputs, and the largest error that is certain."""

    key: str
    next: int = 0
    judged: int = 0
    outside: int = 0
    kinks: int = 0
    undecided: int = 0
    without: int = 0
    errors: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    """Numbers of errors up to each edge, certainly, and beyond the last."""
    infinite: int = 0
    """Results that are no finite number where the derivative is one of float32."""
    worst: float = 0.0
    where: float = 0.0
    seconds: float = 0.0
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The same counts for each run of ``PART`` blocks, so that a sample of them can be checked again."""
    about: dict[str, Any] = field(default_factory=dict)
    """What is said of the sweep where it is shown: name, texts, params, tool, blocks, edges; it does not decide where to go on."""

    def sentence(self) -> str:
        """For a person."""
        shown = ", ".join(f"{n} within {e:g}" for n, e in zip(self.errors, EDGES, strict=False) if n)
        rest = {"kinks": "ties left out", "without": "without a derivative", "undecided": "undecided"}
        left = "".join(f", {getattr(self, key)} {words}" for key, words in rest.items() if getattr(self, key))
        beyond = f", {self.errors[-1]} beyond {EDGES[-1]:g}" if self.errors[-1] else ""
        lost = f", {self.infinite} results lost to overflow or nan" if self.infinite else ""
        worst = f"; worst {self.worst:.4g} ulp at {self.where!r}" if self.worst else ""
        return f"{self.judged} inputs judged{left}; ulp: {shown}{beyond}{lost}{worst}"


def sweep(
    definition: Text,
    rule: Text,
    one: Set,
    params: Mapping[str, Any],
    path: Path,
    *,
    about: Mapping[str, Any] = types.MappingProxyType({}),
    first: int = 0,
    last: int = BLOCKS,
    tell: Callable[[State], None] = lambda state: None,
) -> State:
    """All float32 numbers of the blocks ``first`` to ``last``, from where the state in ``path`` left off.

    ``about`` is kept beside the counts: the name of the operator and the tool, for those who show them.
    """
    texts = {"definition": fingerprint(definition), "rule": fingerprint(rule)}
    key = f"{'|'.join(texts.values())}|{one.describe()}|{sorted(params.items())}|{first}:{last}|2"
    state = _load(path, key) or State(key, first)
    state.about = {**about, "texts": texts, "params": dict(params), "blocks": [first, last, BLOCKS], "edges": EDGES}
    if state.next == last:
        _save(path, state)
    saved = start = time.perf_counter()
    before = state.seconds
    with widened(symbolic=False), np.errstate(all="ignore"):
        while state.next < last:
            if not state.parts or state.next % PART == 0:
                state.parts.append(_tally(State("", state.next)) | {"first": state.next})
            found = _visited(definition, rule, one, params, state.next, state.next + 1)
            state.next += 1
            total, part = _tally(state), state.parts[-1]
            for name, value in _sum(total, found).items():
                setattr(state, name, value)
            state.parts[-1] = _sum(part, found) | {"first": part["first"]}
            state.seconds = before + time.perf_counter() - start
            if time.perf_counter() - saved > EVERY_SECONDS or state.next == last:
                _save(path, state)
                saved = time.perf_counter()
                tell(state)
    return state


def _visited(
    definition: Text, rule: Text, one: Set, params: Mapping[str, Any], first: int, last: int
) -> dict[str, Any]:
    found = State("")
    for block in range(first, last):
        _block(definition, rule, one, params, block * BLOCK, BLOCK, found)
    return _tally(found)


def _tally(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in (*COUNTS, "errors", "worst", "where")}


def _sum(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    larger = two if two["worst"] > one["worst"] else one
    return {
        **{name: one[name] + two[name] for name in COUNTS},
        "errors": [a + b for a, b in zip(one["errors"], two["errors"], strict=True)],
        "worst": larger["worst"],
        "where": larger["where"],
    }


def problems(
    record: Mapping[str, Any], definition: Text, rule: Text, one: Set, params: Mapping[str, Any]
) -> Iterator[str]:
    """Why a sweep's record is not accepted: its parts do not add up, or one of ``SAMPLE`` drawn now has other counts.

    A record with one false part in n is let through with probability 1 - SAMPLE / n: the whole is checked by the sweep alone.
    """
    first, last, _ = record["about"]["blocks"]
    ends = [part["first"] for part in record["parts"]] + [record["next"]]
    if list(ends[:-1]) != [first, *range((first // PART + 1) * PART, record["next"], PART)][: len(ends) - 1] or not (
        first < record["next"] <= last
    ):
        yield "its parts are not the blocks that it says"
        return
    total = _tally(State(""))
    for part in record["parts"]:
        total = _sum(total, part)
    if total != {name: record[name] for name in total}:
        yield "its parts do not add up to its counts"
    numbers = range(len(record["parts"]))
    drawn = random.SystemRandom().sample(numbers, min(SAMPLE, len(numbers)))
    with widened(symbolic=False), np.errstate(all="ignore"):
        for number in sorted(drawn):
            found = _visited(definition, rule, one, params, ends[number], ends[number + 1])
            if found | {"first": ends[number]} != record["parts"][number]:
                yield f"blocks {ends[number]} to {ends[number + 1]}: a fresh run has other counts than the record"


def _load(path: Path, key: str) -> State | None:
    try:
        found = State(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # absent, or spoilt: begun anew
        return None
    return found if found.key == key else None


def _save(path: Path, state: State) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(state)), encoding="utf-8")
    aside.replace(path)


def _block(
    definition: Text, rule: Text, one: Set, params: Mapping[str, Any], start: int, size: int, state: State
) -> None:
    x = np.arange(start, start + size, dtype=np.uint32).view(np.float32)
    wide = x.astype(np.float64)
    inside = (wide > one.low) & (wide < one.high) | (one.closed & ((wide == one.low) | (wide == one.high)))
    inside &= np.isfinite(wide)
    if not inside.all():
        if not inside.any():
            state.outside += size
            return
        _halves(definition, rule, one, params, start, size, state)
        return
    low, high = float(wide.min()), float(wide.max())
    found = _polynomial(definition, params, low, high)
    if isinstance(found, str) and size == 1:
        setattr(state, found, getattr(state, found) + 1)
        return
    if isinstance(found, str):
        _halves(definition, rule, one, params, start, size, state)
        return
    coefficients, middle, scale, rest = found
    truth = np.full(size, coefficients[-1])
    t = (wide - middle) / scale
    for c in reversed(coefficients[:-1]):
        truth = truth * t + c
    bound = rest + ROUNDING * sum(map(abs, coefficients)) + 2.0**-1070  # subnormal roundings
    ulp = _ulp(truth)
    if size > 1 and np.any(bound > WIDEST * ulp):
        _halves(definition, rule, one, params, start, size, state)
        return
    _judge(rule, params, x, truth, bound, ulp, state)


def _halves(
    definition: Text, rule: Text, one: Set, params: Mapping[str, Any], start: int, size: int, state: State
) -> None:
    for begin in (start, start + size // 2):
        _block(definition, rule, one, params, begin, size // 2, state)


def _ulp(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit in the last place of float32 at each value."""
    return np.asarray(np.ldexp(1.0, np.clip(np.frexp(value)[1] - 24, -149, 104)), np.float64)


def _polynomial(
    definition: Text, params: Mapping[str, Any], low: float, high: float
) -> tuple[list[float], float, float, float] | str:
    """Coefficients in (x - middle) / scale, and the bound of what is left; or the field of the state that counts why not."""
    middle = (low + high) / 2  # exact: both are float32 numbers of one size
    scale = 2.0 ** math.ceil(math.log2((high - low) / 2)) if high > low else 1.0
    try:
        seen = trace(definition, [np.array(middle)], kwargs=dict(params), field=Watched(BITS))
    except NumbersError:
        return "undecided"
    if seen.ties:
        return "kinks"
    base = Balls(BITS)
    with base.working():
        box = arb(middle, (high - low) / 2) if high > low else arb(middle)
        if not _one_branch(seen, base, box):
            return "undecided"
        points = np.empty((2, 1), object)
        points[0, 0], points[1, 0] = arb(middle), box
        jets = JetField(base, ORDER + 1)
        (found,) = seen.program.evaluate(jets, [jets.variable(points, base.constants(np.ones((2, 1))))])
        parts = [np.broadcast_to(part[..., 0], (2,)) for part in found.parts[1:]]
        terms = [parts[k][int(k == ORDER)] * arb(scale) ** k / math.factorial(k) for k in range(ORDER + 1)]
        if not all(term.is_finite() for term in terms):
            return "without" if high == low and not terms[0].is_finite() else "undecided"
        coefficients = [float(term) for term in terms[:-1]]
        reach = abs(terms[-1]) + sum((abs(term - c) for term, c in zip(terms, coefficients, strict=False)), arb(0))
        if high == low:
            reach = abs(terms[0] - coefficients[0])
            coefficients = coefficients[:1]
        rest = float(reach.abs_upper())
    return coefficients, middle, scale, math.nextafter(rest, math.inf)


def _one_branch(seen: Trace, base: Balls, box: Any) -> bool:
    """Whether every comparison is certain, and the same, all over the box."""
    asked = [ids for decision in seen.decisions for ids in (decision.left, decision.right)]
    if not asked:
        return True
    given = np.empty((1,), object)
    given[0] = box
    values = program(seen.tape, seen.program.inputs, asked).evaluate(base, [given])
    pairs = zip(values[::2], values[1::2], strict=True)
    return all(
        bool(np.all(base.compare(left, right) == decision.order.ravel()))
        for decision, (left, right) in zip(seen.decisions, pairs, strict=True)
    )


def _judge(
    rule: Text,
    params: Mapping[str, Any],
    x: NDArray[np.float32],
    truth: NDArray[np.float64],
    bound: float,
    ulp: NDArray[np.float64],
    state: State,
) -> None:
    (given,) = rule(np.ones_like(x), x, **params)
    result = np.broadcast_to(np.asarray(given), x.shape).astype(np.float64)
    largest = float(np.finfo(np.float32).max)
    over = (
        np.abs(truth) - bound > largest
    )  # such a derivative is no finite number of float32: infinity is as good as the largest
    finite = np.isfinite(result)
    lost = ~finite & ~over & (np.abs(truth) + bound < largest)
    error = np.where(over, 0.0, np.abs(result - truth) / ulp)
    error = np.where(over & (np.sign(result) == np.sign(truth)) & (np.abs(result) >= largest), 0.0, error)
    wide = bound / ulp
    judged = finite | over
    state.judged += int(judged.sum() + lost.sum())
    state.infinite += int(lost.sum())
    state.undecided += int((~judged & ~lost).sum())
    upper = (error + wide)[judged]
    counts = np.histogram(upper, bins=[-1.0, *EDGES, np.inf])[0]
    state.errors = [a + int(b) for a, b in zip(state.errors, counts, strict=True)]
    certain = np.where(judged, error - wide, 0.0)
    certain[lost] = np.inf
    place = int(np.argmax(certain))
    if certain[place] > state.worst:
        state.worst, state.where = float(certain[place]), float(x[place])
