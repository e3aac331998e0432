"""Data for the pictures of a page: a V-curve with the Taylor remainder, and errors in ulp against the input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np

from gradcheck import trees
from gradcheck.engine.answers import Answers, fresh
from gradcheck.engine.certify import Certifier
from gradcheck.engine.forward import Forward, basis, limits
from gradcheck.engine.truth import truth
from gradcheck.flat import pack
from gradcheck.oracles.ball import METHOD
from gradcheck.oracles.finite_difference import v_curve
from gradcheck.oracles.imaginary import sizes
from gradcheck.records import Array, Curve, Local, UlpSamples
from gradcheck.strategies.directions import cotangent, signs
from gradcheck.subjects.callables import CAUGHT, Call

SAMPLES = 48
"""Inputs of a sweep in float64; a narrow type gets half of them."""

STEPS = 40
"""Steps of the Taylor remainder, each half the one before: from where the function moves to where rounding is all there is."""


def curve_of(call: Call, definition: Callable[..., Any]) -> Curve | None:
    """The V-curve of the first entry at the call's own point, against the best truth there is, and the Taylor remainder there."""
    with np.errstate(all="ignore"):
        owner = Forward.at(call, definition, call.leaves, wide=True)
        if owner is None or owner.layout.total == 0:
            return None
        x = pack([call.leaves[k] for k in call.active])
        outputs = owner.outputs(x)
        cotangents = cotangent(outputs, np.random.default_rng(0))
        g = pack(cotangents)
        d = np.zeros(x.size)
        d[0] = 1.0
        t = truth(owner, x, g, d[None])
        if t.kind[0] != Local.SMOOTH:
            return None
        curve = v_curve(lambda v: np.array([owner(v) @ g]), x, d, 0, float(t.value[0]))
        leaf, index = owner.layout.locate(0)
        name = call.paths[call.active[leaf]]
        curve = replace(curve, entry=f"{name}[{', '.join(map(str, index))}]" if index else name)
        return _with_remainders(curve, owner, x, cotangents)


def _with_remainders(curve: Curve, owner: Forward, x: Array, cotangents: tuple[Array, ...]) -> Curve:
    """The curve with the Taylor remainder of the subject's gradient along a direction that moves every entry."""
    call, g = owner.call, pack(cotangents)
    answers = Answers(call, _single(call, owner.leaves), np.random.default_rng(0))
    seen = answers.observe(owner.leaves, cotangents)
    if seen.failure is not None or not seen.gradients:
        return curve
    rows = basis(call, owner.layout)
    d = signs(len(rows), np.random.default_rng(2)) * sizes(x, rows) @ rows
    slope = float(answers.fill(seen, owner.layout) @ d)
    _, high = limits(call, owner.layout, x, d[None])
    # A sixteenth of each entry's size: inside the domain, and where the second-order term leads.
    steps = min(0.0625, float(high[0]) / 2) * 2.0 ** -np.arange(STEPS)
    here = float(owner(x) @ g)
    values = np.array([float(owner(x + h * d) @ g) for h in steps])
    noise = 2.0**-53 * (abs(here) + np.abs(values) + steps * abs(slope))
    return replace(
        curve, remainder_steps=steps, remainders=np.abs(values - here - steps * slope), remainder_noise=noise
    )


def ulps_of(
    call: Call, definition: Callable[..., Any], rng: np.random.Generator, dtypes: Sequence[str] = ("float64",)
) -> tuple[UlpSamples, ...]:
    """Errors of the first gradient entry in ulp of the truth, at inputs whose first entry sweeps magnitudes of both signs.

    One set for each type that has samples.  The truth is certified wherever the definition can be traced; else it is estimated in float64,
    and for float64 only: its bound is too large to say anything of a narrow type's own definition.
    """
    sweep = np.concatenate([s * 10.0 ** rng.uniform(-6, 2.5, SAMPLES // 2) for s in (-1.0, 1.0)])
    made = []
    for dtype in dtypes:
        sampler = _Sampler(call, definition, np.dtype(getattr(ml_dtypes, dtype, dtype)))
        values = sweep if dtype == "float64" else sweep[::2]
        with np.errstate(all="ignore"):
            found = [sample for value in values if (sample := sampler.at(float(value))) is not None]
        if found:
            made.append(_samples(dtype, sorted(found, key=lambda sample: sample.input)))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One input, and what is known of the error there; ``bits`` is 0 where the truth is estimated by ``method``."""

    input: float
    error: float
    bound: float
    radius: float
    bits: int
    method: str


def _samples(dtype: str, found: Sequence[_Sample]) -> UlpSamples:
    inputs, errors, bounds, radii = (
        np.array(column) for column in zip(*((s.input, s.error, s.bound, s.radius) for s in found), strict=True)
    )
    methods = dict.fromkeys(s.method for s in found if not s.bits)
    return UlpSamples(
        dtype=dtype,
        inputs=inputs,
        errors=errors,
        bounds=bounds,
        bits=np.array([s.bits for s in found]),
        radii=radii,
        method=", ".join(methods),
    )


@dataclass(slots=True)
class _Sampler:
    """Compares one call's first gradient entry in one type with the truth at exactly the same numbers."""

    call: Call
    definition: Callable[..., Any]
    dtype: np.dtype[Any]
    certifier: Certifier | None = None

    def at(self, value: float) -> _Sample | None:
        """The sample with this first entry, rounded to the type; None where nothing is known or the subject does not answer."""
        call, first = self.call, self.call.active[0]
        narrow = fresh(call.leaves)
        narrow[first].flat[0] = value
        narrow = [_typed(leaf, self.dtype) for leaf in narrow]
        exact = [_typed(leaf, np.dtype(np.float64)) for leaf in narrow]
        value = float(exact[first].flat[0])
        where = call.domain.of(first)
        if not where.low < value < where.high:
            return None
        try:
            outputs = call.forward(fresh(narrow))
            single = _single(call, narrow)
        except CAUGHT:
            return None
        g = cotangent(outputs, np.random.default_rng(1))
        answers = Answers(call, single, np.random.default_rng(1))
        seen = answers.observe(narrow, g)
        owner = Forward.at(call, self.definition, exact, wide=True)
        if seen.failure is not None or not seen.gradients or owner is None:
            return None
        answer = float(answers.fill(seen, owner.layout)[0])
        if not np.isfinite(answer):
            return None
        g = tuple(np.asarray(part, np.float64) for part in g)
        return self._certified(value, answer, exact, g) or self._estimated(value, answer, owner, g)

    def _certified(self, value: float, answer: float, exact: list[Any], g: tuple[Array, ...]) -> _Sample | None:
        """With the truth as a ball: its midpoint in two floats, so that a hundredth of an ulp is resolved."""
        from gradcheck.numbers.truth import certified_gradient

        if self.certifier is None:
            self.certifier = Certifier.of(self.call, self.definition)
        enclosed = self.certifier.at(exact, g)
        if enclosed is None:
            return None
        ball = certified_gradient(enclosed.program, enclosed.inputs, g)[enclosed.active[0]]
        middle, rest, radius = (float(part.flat[0]) for part in (ball.value, ball.rest, ball.bound))
        if not math.isfinite(middle) or not math.isfinite(radius):
            return None
        unit = unit_in_last_place(middle, self.dtype)
        error = abs(answer - middle - rest)
        radius += 2.0**-52 * error + 2.0**-1074  # the two subtractions round, too
        return _Sample(value, error / unit, radius / unit, radius, ball.bits, METHOD)

    def _estimated(self, value: float, answer: float, owner: Forward, g: tuple[Array, ...]) -> _Sample | None:
        if self.dtype != np.float64:
            return None
        x = pack([owner.leaves[k] for k in self.call.active])
        d = np.zeros((1, x.size))
        d[0, 0] = 1.0
        t = truth(owner, x, pack(g), d)
        if t.kind[0] != Local.SMOOTH or not np.isfinite(t.bound[0]):
            return None
        middle, bound = float(t.value[0]), float(t.bound[0])
        unit = unit_in_last_place(middle, self.dtype)
        return _Sample(value, abs(answer - middle) / unit, bound / unit, bound, 0, t.method)


def unit_in_last_place(value: float, dtype: np.dtype[Any]) -> float:
    """2^e eps with 2^e <= |value| < 2^(e+1), and at least the smallest subnormal of the type (Muller et al., Handbook of
    Floating-Point Arithmetic, section 2.6.1)."""
    kind: Any = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]  # has no types
    eps, least = float(kind.eps), float(kind.smallest_subnormal)
    return max(math.ldexp(eps, math.frexp(value)[1] - 1), least) if value else least


def _single(call: Call, leaves: Sequence[Any]) -> bool:
    """Whether the subject's forward gives one array and not a tuple."""
    return not isinstance(call.implementation.forward(*call.build(fresh(leaves)), **call.kwargs), (tuple, list))


def _typed(leaf: Any, dtype: np.dtype[Any]) -> Any:
    """A floating array in another type; anything else as it is."""
    return leaf.astype(dtype) if isinstance(leaf, np.ndarray) and trees.is_float(leaf) else leaf
