"""Certified truth where the forward can be traced: sharper than any difference, and it decides alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.engine.answers import CLOSE_BY, Slopes
from gradcheck.engine.judge import Truth, allowance, judge
from gradcheck.engine.own_text import in_real_numbers
from gradcheck.engine.probes import Probe
from gradcheck.flat import roundoff
from gradcheck.oracles.ball import METHOD, Enclosure, enclose
from gradcheck.records import Array, Local
from gradcheck.subjects.callables import CAUGHT, Call

OPERATIONS = 20_000
"""Operations on single numbers up to which a text is traced: some twenty milliseconds."""

CROSSED = 64
"""Coordinates up to which a wrong answer is looked at by a second road, at a millisecond each."""

SMOOTHLY = (Local.SMOOTH, Local.ONE_SIDED, Local.UNDECIDED)
"""Kinds of places whose truth an enclosure replaces; next to a kink the hull of the pieces decides, which allows for rounding."""


@dataclass(slots=True)
class Certifier:
    """Encloses derivatives of ``claim`` as long as its text can be traced; ``reason`` says why not.

    ``blurred``: the enclosure at the last point, where the forward lost its values to its own rounding or to an overflow.
    """

    call: Call
    claim: Callable[..., Any]
    single: bool = True
    reason: str = ""
    hopeless: bool = False
    crossed: bool = False
    blurred: Enclosure | None = None

    @classmethod
    def of(cls, call: Call, claim: Callable[..., Any], *, single: bool = True) -> Certifier:
        """For this call, or a certifier that never answers.  ``single``: the forward gives one array and not a tuple."""
        made = cls(call, claim, single)
        kinds = {np.asarray(call.leaves[k]).dtype.kind for k in call.active}
        if not call.plain:
            made._stop("its arguments are trees")
        elif "c" in kinds:
            made._stop("its arguments are complex")
        elif call.domain.gauge is not None:
            made._stop("its outputs are known up to a gauge")
        return made

    def _stop(self, reason: str) -> None:
        self.reason, self.hopeless = reason, True

    def at(self, leaves: Sequence[Any], cotangents: tuple[Array, ...]) -> Enclosure | None:
        """The enclosure at these leaves; None where there is none that decides."""
        self.blurred = None
        if self.hopeless:
            return None
        call = self.call
        try:
            overflows: list[int] = []
            with np.errstate(over="call", call=lambda _, flag: overflows.append(flag)):
                outputs = call.forward(_copies(leaves), self.claim)
            found = enclose(
                self.claim,
                call.build(_copies(leaves)),
                call.active,
                cotangents,
                outputs,
                kwargs=call.kwargs,
                limit=OPERATIONS,
                overflowed=bool(overflows),
            )
            call.forward(_copies(leaves), self.claim)  # a forward that keeps its inputs is to keep real ones
        except CAUGHT as error:
            found = f"{type(error).__name__}: {error}"
        if isinstance(found, str):
            self.reason = self.reason or found
            return None
        if found.blurred:
            self.reason = self.reason or "the forward's own rounding or overflow is as large as its values"
            self.blurred = found
            return None
        return found

    def sharpen(self, known: Truth, rows: Array, found: Enclosure | None) -> Truth | None:
        """The truth with enclosures in the place of estimates; None where none is to be had."""
        if found is None:
            return None
        value, bound = rows @ found.value, np.abs(rows) @ found.bound
        better = np.isfinite(value) & np.isfinite(bound) & np.isin(known.kind, SMOOTHLY)
        if not better.any():
            return None
        # Where the truth is zero, by cancellation or as nothing depends on an entry, the other entries are the scale.
        largest = float(np.max(np.abs(found.value), initial=0.0, where=np.isfinite(found.value)))
        vanishes = better & (np.abs(value) <= bound)
        return replace(
            known,
            scale=np.where(vanishes, np.fmax(known.scale, largest), known.scale),
            value=np.where(better, value, known.value),
            bound=np.where(better, bound, known.bound),
            low=np.where(better, value - bound, known.low),
            high=np.where(better, value + bound, known.high),
            kind=np.where(better, int(Local.SMOOTH), known.kind),
            magnitude=np.where(better, np.fmax(known.magnitude, np.abs(value)), known.magnitude),
            conflict=known.conflict & ~better,
            flat=np.where(better, 0.0, known.flat),
            method=f"{METHOD}, {found.bits} bits",
            certified=bool(better.all()),
        )

    def movement(
        self, found: Enclosure, rows: Array, cotangents: tuple[Array, ...], u: float, rng: np.random.Generator
    ) -> Array:
        """k, as ``conditioning.movement`` has it: three times the largest movement of the truth in six draws, along each row.

        The text's rounded constants move, too: x^(1/3) of 1e-60 is another number by 70 roundoffs if the exponent is.
        """
        most = np.zeros(len(rows))
        for _ in range(6):
            moved, turned = _moved(found, cotangents, u, rng)
            change = np.abs(rows @ (found.with_other_constants(u, rng).nearby(moved, turned) - found.value))
            most = np.fmax(most, np.where(np.isfinite(change), change, 0.0))
        return 3 * most

    def honest(
        self,
        found: Enclosure,
        rows: Array,
        answer: Array,
        leaves: Sequence[Any],
        cotangents: tuple[Array, ...],
        magnitude: Array,
        dtype: np.dtype[Any],
        rng: np.random.Generator,
    ) -> Array:
        """How far an honest answer in numbers of type ``dtype`` may be from the truth, along each row: what it excuses is inaccurate.

        Two roads: rounding of the derivative of the forward's text, and rounding of the answer's own text, where that is the
        derivative in real numbers.  ``magnitude`` are the sums A of the sizes of the answer's terms.
        """
        error = np.abs(answer - rows @ found.value)
        most = self._of_the_forward(found, rows, cotangents, error, magnitude, dtype, rng)
        if np.all(error <= most):
            return most
        return np.fmax(most, self._of_the_answer(found, rows, answer, leaves, cotangents, dtype))

    def _of_the_forward(
        self,
        found: Enclosure,
        rows: Array,
        cotangents: tuple[Array, ...],
        error: Array,
        magnitude: Array,
        dtype: np.dtype[Any],
        rng: np.random.Generator,
    ) -> Array:
        """How far reverse accumulation of the forward's text is from the truth, along each row.

        The largest error at the point and, with each result of the forward sweep changed in its last place, at nine places close by:
        what is exact in one order of the operations is not in another.  A text that subtracts nearly equal numbers has no
        backward pass that is better; the answer may be four times worse, as another order of the same operations may be (chosen, not
        derived).  ``error`` is what the answer is off by: it ends early where that is far larger.
        """
        most = np.zeros(len(rows))
        for count, by in enumerate((0.0, *(max(CLOSE_BY[0], roundoff(dtype)),) * 9)):
            # Five more draws do not make four times their largest of it.
            if count == 5 and np.all((error > 256 * most) & (most > 0)):
                break
            moved, turned = _moved(found, cotangents, by, rng)
            scatter = (roundoff(dtype), rng) if count else None
            off = np.abs(rows @ (found.in_floats(dtype, moved, turned, scatter) - found.nearby(moved, turned)))
            most = np.fmax(most, np.where(np.isfinite(off), off, 0.0))
        # Entries share what precedes them and its errors, and only by luck is one spared; what has no digit left speaks for itself alone.
        share = np.divide(most, magnitude, out=np.zeros_like(most), where=magnitude > 0)
        common = float(np.max(share, initial=0.0, where=share <= 2.0**-10))
        return np.asarray(4 * np.fmax(most, common * magnitude))

    def _of_the_answer(
        self,
        found: Enclosure,
        rows: Array,
        answer: Array,
        leaves: Sequence[Any],
        cotangents: tuple[Array, ...],
        dtype: np.dtype[Any],
    ) -> Array:
        """The answer's error along each row, where rounding of its own text explains half of it and more; else 0.

        Half is chosen: what a wrong formula adds to a rounding error as large as itself shows at other points, and not here.
        """
        error = np.abs(answer - rows @ found.value)
        own = in_real_numbers(self.call, _copies(leaves), cotangents, self.single, dtype, OPERATIONS)
        if own is None:
            return np.zeros(len(rows))
        exact, bound, rounding = rows @ own[0], np.abs(rows) @ own[1], np.abs(rows) @ own[2]
        explained = np.abs(exact - rows @ found.value) <= bound + np.abs(rows) @ found.bound + error / 2
        explained &= np.isfinite(rounding) & (np.abs(answer - exact) <= bound + rounding)
        return np.where(explained, error, 0.0)

    def judged(
        self,
        found: Enclosure,
        rows: Array,
        answer: Array,
        leaves: Sequence[Any],
        cotangents: tuple[Array, ...],
        dtype: np.dtype[Any],
        unit: tuple[float, float],
        rng: np.random.Generator,
    ) -> tuple[Truth, Array, Array]:
        """Truth, judgement and allowance of the answer along each row, by the enclosure alone; nothing is asked of the forward.

        ``unit``: unit roundoff and least subnormal of the answer's type.
        """
        known = Truth.of(
            rows @ found.value, np.abs(rows) @ found.bound, Local.SMOOTH, f"{METHOD}, {found.bits} bits", certified=True
        )
        k = self.movement(found, rows, cotangents, unit[0], rng)
        honest = self.honest(found, rows, answer, leaves, cotangents, known.magnitude, dtype, rng)
        return known, judge(answer, known, *unit, movement=k, honest=honest), allowance(known, *unit, k)

    def contradicted(self, found: Enclosure, rows: Array, cotangents: tuple[Array, ...]) -> Array:
        """Rows on which values alone exclude the enclosure: a derivative formula of the table, or flint, is wrong there.

        Asked once a check, where an answer is about to be called wrong, and of few coordinates: it takes a millisecond for each.
        """
        if self.crossed or rows.shape[1] > CROSSED:
            return np.zeros(len(rows), bool)
        self.crossed = True
        value, bound = found.from_values(cotangents)
        gap, reach = np.abs(rows @ (value - found.value)), np.abs(rows) @ (bound + found.bound)
        clash = np.asarray(np.isfinite(reach) & (gap > reach))
        if clash.any():
            self._stop("values alone exclude them")
        return clash

    def confirm(
        self,
        found: tuple[tuple[int, Probe], ...],
        answer: Array,
        leaves: Sequence[Any],
        cotangents: tuple[Array, ...],
        dtype: np.dtype[Any],
        rng: np.random.Generator,
    ) -> tuple[tuple[int, Probe], ...]:
        """What probes found wrong, with enclosures for estimates.

        A difference named an entry because it saw an error beyond its own bound: where there is none of that size, it erred itself.
        Nor is an answer named that is as good as an automatic derivative (``honest``), be it of a text whose values are blurred.
        """
        known = self.at(leaves, cotangents) or self.blurred
        if known is None:
            return found
        out = []
        for leaf, probe in found:
            entries = [k for k, _, _ in probe.wrong]
            if entries and np.all(np.isfinite(known.bound[entries])):
                apart = [
                    k
                    for k, _, b in probe.wrong
                    if not np.abs(answer[k] - known.value[k])
                    <= max(float(known.bound[k]), b / 2 if np.isfinite(b) else 0.0)
                ]
                rows, size = np.eye(answer.size)[apart], np.abs(known.value[apart])
                error = np.abs(answer - known.value)[apart]
                honest = self.honest(known, rows, answer[apart], leaves, cotangents, size, dtype, rng)
                apart = [k for k, e, h in zip(apart, error, honest, strict=True) if not e <= h]
                wrong = tuple((k, float(known.value[k]), float(known.bound[k])) for k in apart)
                probe = replace(probe, wrong=wrong, method=f"{METHOD}, {known.bits} bits; named by probes")
            out.append((leaf, probe))
        return tuple(out)


def _moved(
    found: Enclosure, cotangents: Sequence[Array], by: float, rng: np.random.Generator
) -> tuple[list[Array], list[Array]]:
    """Inputs and cotangents with each number changed by the relative amounts 2 ``by`` and ``by``, of random sign."""
    moved = [x * (1 + 2 * by * rng.choice((-1.0, 1.0), size=x.shape)) for x in found.inputs]
    turned = [np.asarray(g, np.float64) * (1 + by * rng.choice((-1.0, 1.0), size=np.shape(g))) for g in cotangents]
    return moved, turned


def along(found: Enclosure, rows: Array) -> Slopes:
    """Certified derivatives along the rows, close by."""
    return lambda moved, cotangents: rows @ found.beside(moved, cotangents)


def _copies(leaves: Sequence[Any]) -> list[Any]:
    return [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
