"""Order two: second derivatives of a definition and of its rule, by roads that share nothing but the table of numbers.

With a cotangent g and tangents u, v of the inputs, all from the text of the definition in jets over balls, the truth is
``v . H u`` with H the Hessian of ``<g, f>``.  The text of the *rule* gives the same number twice: forwards, as the derivative of
``<v, vjp(g, x)>`` along u, and backwards, as the vjp of the vjp; and that vjp's part for g must be ``J v``, the adjoint identity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.claim import Example, Kind, Operator, Set
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError
from gradcheck.numbers.jets import JetField
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.oracles.finite_difference import line_derivatives
from gradcheck.records import Array, Local

BALLS = Balls(512)

LITERALS = 2.0**-36
"""Texts write pi and roots as float64 literals, off by 2^-53; 17 bits are left for how often and how steeply they enter."""

U = 2.0**-53

SELECTIONS = frozenset(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"))
"""Comparisons whose answer is a Boolean, the same one whoever differentiates the text."""

FARTHER = 2**50
"""The second place beside a point is so much farther away than the first, which is 2^-200: a limit changes by nothing
that is seen, a power of the distance, or its logarithm, by much."""


@dataclass(frozen=True)
class Gaps:
    """Distances from the truth, in units of what is allowed: each at most 1 if the rule is right to second order."""

    forwards: float
    backwards: float
    adjoint: float
    exactly: float
    """That of the branch which the text takes exactly at the point, where it compares equal numbers; else 0."""
    flat: bool
    """Whether the Hessian along these tangents is exactly zero."""
    got: float
    """The rule's second derivative along the tangents, by that road that lies farthest from the truth."""
    expected: float
    bound: float

    @property
    def worst(self) -> float:
        """The largest; nan is no number and therefore no small one."""
        return float(np.max(np.nan_to_num((self.forwards, self.backwards, self.adjoint, self.exactly), nan=np.inf)))


class NoDerivativeError(Exception):
    """The definition has no second derivative at the point that balls can hold, or none was found; the text says which."""


class KinkError(NoDerivativeError):
    """The definition has no second derivative at the point: its limits from different sides differ."""


class UnreadError(Exception):
    """The text of the definition or of the rule cannot be traced."""


def tangent(within: Set, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Small signed integers, along which the set extends: symmetric matrices, sums of zero."""
    t = rng.choice((-1.0, 1.0), size=shape) * rng.integers(1, 4, size=shape)
    if within.kind in (Kind.SYMMETRIC, Kind.POSITIVE_DEFINITE):
        return np.asarray(np.tril(t) + np.swapaxes(np.tril(t, -1), -1, -2))
    if within.kind is Kind.SIMPLEX:
        t[..., 0] = -t[..., 1:].sum(axis=-1)
    return np.asarray(t)


@dataclass(frozen=True)
class Place:
    """An operator at one point, with a cotangent and two tangents for each differentiable input."""

    operator: Operator
    example: Example
    inputs: tuple[Array, ...]
    cotangent: Array
    u: tuple[Array, ...]
    v: tuple[Array, ...]

    @classmethod
    def of(cls, operator: Operator, example: Example, inputs: Sequence[Any], seed: int = 0) -> Place:
        """With cotangent and tangents drawn from a seed."""
        rng, given = np.random.default_rng(seed), tuple(map(np.asarray, inputs))
        output = np.asarray(operator.definition(*given, **example.params))
        g = rng.choice((-1.0, 1.0), size=output.shape) * rng.integers(1, 4, size=output.shape)
        sets = [(operator.domain.of(k), x.shape) for k, x in enumerate(given) if x.dtype.kind == "f"]
        u, v = (tuple(tangent(*one, rng) for one in sets) for _ in range(2))
        return cls(operator, example, given, np.asarray(g), u, v)

    @property
    def moving(self) -> list[Array]:
        """The differentiable inputs."""
        return [x for x in self.inputs if x.dtype.kind == "f"]

    @property
    def steepness(self) -> float:
        """By how much a tangent of ours changes an entry, relative to its size: derivatives of x^p grow by this factor."""
        ratios = [np.abs(t[x != 0] / x[x != 0]) for x, t in zip(self.moving, self.u, strict=True)]
        return max((float(np.max(r, initial=0.0)) for r in ratios), default=0.0)

    def truth(self) -> tuple[float, float, Array, float]:
        """``v . H u`` and the sum of the sizes of its terms; ``J v`` and its size.  All of the definition's own text.

        Where the text compares equal numbers, or divides by zero, they are the limits along the tangents, from both sides.
        """
        read = self.read(self.operator.definition, list(self.inputs))
        if not read.ties:
            try:
                return self._second(read, BALLS, [BALLS.constants(x.ravel()) for x in self.moving]).numbers
            except NoDerivativeError:
                pass
        return self._limit().numbers

    def _limit(self) -> _Second:
        """The limit along u from the right, if it is that from the left and those along v, at two distances."""
        found = []
        for along in (self.u, self.v):
            for sign in (1.0, -1.0):
                read, field, places = self._beside(self.operator.definition, list(self.inputs), along, sign)
                found += [self._second(read, field, x) for x in places]
        first = found[0]
        if not all(first.near(other) for other in found[1:]):
            raise KinkError("there is none, as limits from different sides differ")
        return first

    def _beside(
        self, text: Callable[..., Any], inputs: list[Any], along: Sequence[Array], sign: float = 1.0
    ) -> tuple[Trace, Balls, list[list[Any]]]:
        """The text beside the point, with more bits, and two places on its branch: that of the trace, and one farther away."""
        fixed = [np.zeros_like(x) for x in inputs[: len(inputs) - len(self.inputs)]]
        read = self.read(text, inputs, [*fixed, *(sign * t for t in along)])
        assert isinstance(read.tape.ordered, Balls)
        assert read.program.traced is not None
        field, values = Balls(2 * read.tape.ordered.bits), read.program.traced[1]
        with field.working():
            near = [values[ids.ravel()] for ids in read.program.inputs]
            at = [field.constants(np.ravel(x)) for x in inputs if np.asarray(x).dtype.kind == "f"]
            farther = [x + (y - x) * FARTHER for x, y in zip(at, near, strict=True)]
        return read, field, [near, farther]

    def _second(self, read: Trace, field: Balls, at: list[Any]) -> _Second:
        """The definition's derivatives at a place of the branch that was read."""
        jets = JetField(field)
        with field.working():
            along_u, along_v = (
                [jets.variable(x, field.constants(t.ravel())) for x, t in zip(at, tangents, strict=True)]
                for tangents in (self.u, self.v)
            )
            slopes = read.program.gradient(jets, along_u, [jets.constants(self.cotangent.ravel())])
            second, terms = dot([s.parts[1] for s in slopes], self.v)
            first = dot([s.parts[0] for s in slopes], self.v)[1]
            gradient = np.array([_number(ball) for s in slopes for ball in s.parts[0]])
            (pushed,) = read.program.evaluate(jets, along_v)
            jv = np.array([_number(ball) for ball in pushed.parts[1]])
            values = np.array([_number(ball) for ball in pushed.parts[0]])
        value = float(np.abs(self.cotangent.ravel()) @ np.abs(values))
        scale = terms + first * self.steepness + value * self.steepness * self.steepness
        if not np.isfinite(scale):
            raise NoDerivativeError("its terms lie beyond float64")
        size = np.max(np.abs(jv), initial=0.0) + np.max(np.abs(values), initial=0.0) * self.steepness
        return _Second(second, float(scale), jv, float(size), gradient)

    def gaps(self, rule: Callable[..., Any], called: Callable[..., Any] | None = None) -> Gaps:
        """The rule's own text to second order; ``UnreadError`` where it cannot be traced.

        ``called`` is the function whose text it is said to be, if that is another one: it has to have the same values.
        """
        second, scale, jv, size = self.truth()
        still = [np.zeros_like(self.cotangent), *self.u]  # on the branch that lies along u
        read = self.read(rule, [self.cotangent, *self.inputs], still)
        self._same(read, called or rule)
        try:
            forwards, backwards, of_g = self._twice(read, BALLS, [BALLS.constants(x.ravel()) for x in self.moving])
        except NoDerivativeError:  # 0 / 0, as in a quotient that has a limit
            read, field, places = self._beside(rule, [self.cotangent, *self.inputs], self.u)
            forwards, backwards, of_g = self._twice(read, field, places[0][1:])
        adjoint = of_g - jv
        allowed, adjoint_allowed = (LITERALS * s + np.finfo(float).tiny for s in (scale, size))
        gap = float(np.max(np.abs(adjoint), initial=0.0))
        roads = (forwards, backwards, *self._exactly(rule))
        return Gaps(
            abs(forwards - second) / allowed,
            abs(backwards - second) / allowed,
            gap / adjoint_allowed if np.isfinite(gap) else np.inf,
            max((abs(value - second) / allowed for value in roads[2:]), default=0.0),
            second == 0 and scale == 0,
            max(roads, key=lambda value: abs(value - second)),
            second,
            allowed,
        )

    def _exactly(self, rule: Callable[..., Any]) -> tuple[float, ...]:
        """The rule's second derivative on the branch that it takes at the point and nowhere beside it; nothing without one.

        A framework that differentiates ``where(x == 0, 1, sin(x) / x)`` takes the branch of the constant.  Of ``abs`` and ``maximum``
        frameworks have conventions of their own where they tie, so that nothing is said there.
        """
        read = self.read(rule, [self.cotangent, *self.inputs])
        if not read.ties or any(tie.call not in SELECTIONS for tie in read.ties):
            return ()
        try:
            return self._twice(read, BALLS, [BALLS.constants(x.ravel()) for x in self.moving])[:2]
        except NoDerivativeError:
            return ()

    def _twice(self, read: Trace, field: Balls, at: list[Any]) -> tuple[float, float, Array]:
        """The derivative of the rule that was read, forwards along u and backwards, and its part for the cotangent."""
        jets, g = JetField(field), field.constants(self.cotangent.ravel())
        with field.working():
            along = [jets.variable(x, field.constants(t.ravel())) for x, t in zip(at, self.u, strict=True)]
            moved = read.program.evaluate(jets, [jets.constant(g), *along])
            forwards, _ = dot([m.parts[1] for m in moved], self.v)
            given = [g, *at]
            of_g, *back = read.program.gradient(field, given, [field.constants(v.ravel()) for v in self.v])
            backwards, _ = dot(back, self.u)
            return forwards, backwards, np.array([_number(ball) for ball in of_g])

    def gap_by_differences(self, rule: Callable[..., Any]) -> float:
        """The rule in float64 along u, by differences with their bound, against the definition's jets."""
        second, scale, _, _ = self.truth()
        value, bound = self.slope_of(rule, self.u, self.v)
        return abs(value - second) / (bound + self.literals(scale))

    def asymmetry(self, rule: Callable[..., Any]) -> float:
        """``v . D_u vjp - u . D_v vjp`` by differences, in units of their bounds: 0 for the vjp of any function."""
        (one, first), (other, second) = self.slopes(rule)
        return abs(one - other) / (first + second)

    def slopes(self, rule: Callable[..., Any]) -> tuple[tuple[float, float], tuple[float, float]]:
        """``v . D_u vjp`` and ``u . D_v vjp``, each with its bound."""
        return self.slope_of(rule, self.u, self.v), self.slope_of(rule, self.v, self.u)

    @staticmethod
    def literals(scale: float) -> float:
        """What the literals of a text may do to a number whose terms have this size."""
        return LITERALS * scale

    def slope_of(
        self, rule: Callable[..., Any], along: Sequence[Array], weights: Sequence[Array]
    ) -> tuple[float, float]:
        """The derivative of ``<weights, vjp(g, x)>`` along a tangent, and its bound; one that is not smooth is no answer."""
        x = np.concatenate([x.ravel() for x in self.moving])
        t = np.concatenate([t.ravel() for t in along])
        w = np.concatenate([w.ravel() for w in weights])

        def gradient(flat: Array) -> Array:
            inputs, start = list(self.inputs), 0
            for k, one in enumerate(inputs):
                if one.dtype.kind == "f":
                    inputs[k] = flat[start : start + one.size].reshape(one.shape)
                    start += one.size
            return np.concatenate([np.ravel(p) for p in rule(self.cotangent, *inputs, **self.example.params)])

        found = line_derivatives(gradient, x, t[None, :], noise_floor=(32 + x.size) * U)
        if np.any(found.kind != Local.SMOOTH):
            raise NoDerivativeError("differences see no smooth function here")
        return float(found.value[0] @ w), float(found.bound[0] @ np.abs(w))

    def read(self, text: Callable[..., Any], inputs: list[Any], direction: Any = None) -> Trace:
        """The text as a program; ``UnreadError`` where it cannot be traced."""
        field = None if direction is not None else BALLS
        try:
            return trace(text, inputs, kwargs=dict(self.example.params), field=field, direction=direction)
        except NumbersError as error:
            raise UnreadError(str(error)) from error

    def _same(self, read: Trace, rule: Callable[..., Any]) -> None:
        """A text that was read wrongly, as one that writes into a view, has other values than it computes."""
        with np.errstate(all="ignore"):
            computed = rule(self.cotangent, *self.inputs, **self.example.params)
            value = np.max(np.abs(self.operator.definition(*self.inputs, **self.example.params)), initial=0.0)
        natural = np.max(np.abs(self.cotangent), initial=0.0) * value * self.steepness
        for mine, theirs in zip(read.value, computed, strict=True):
            mine, theirs = (a[np.isfinite(theirs)] for a in (mine, theirs))
            size = np.max(np.abs(theirs), initial=0.0) + natural
            # Is it the same function?  The trace is 2^-200 away, and a derivative there may be that much more than 0.
            if not np.all(np.abs(mine - theirs) <= 2.0**-20 * size + 2.0**-150):
                raise UnreadError("the trace has other values than the text")


@dataclass(frozen=True)
class _Second:
    """What ``truth`` gives, and the gradient of ``<g, f>``."""

    second: float
    scale: float
    jv: Array
    size: float
    gradient: Array

    @property
    def numbers(self) -> tuple[float, float, Array, float]:
        """What ``truth`` gives."""
        return self.second, self.scale, self.jv, self.size

    def near(self, other: _Second) -> bool:
        """Whether both are one limit, as far as a rule is held against it."""
        steepest = np.max(np.abs(self.gradient), initial=0.0)
        pairs = (
            (self.second, other.second, self.scale),
            (self.jv, other.jv, self.size),
            (self.gradient, other.gradient, steepest),
        )
        return all(bool(np.all(np.abs(a - b) <= LITERALS * s + np.finfo(float).tiny)) for a, b, s in pairs)


def _number(ball: Any) -> float:
    """The middle of a ball that is narrow; a wide one, or one without an end, is no derivative."""
    if not ball.is_finite() or (ball.rel_accuracy_bits() < 60 and not ball.contains(0)):
        raise NoDerivativeError("a ball is too wide, or has no end")
    return float(ball)


def dot(parts: Sequence[Any], weights: Sequence[Array]) -> tuple[float, float]:
    """The sum of products, and of their sizes."""
    pairs = [(b, w) for p, ws in zip(parts, weights, strict=True) for b, w in zip(p, ws.ravel().tolist(), strict=True)]
    total = sum((b * w for b, w in pairs if w), start=BALLS.constants(np.zeros(1))[0])
    return _number(total), float(sum(abs(_number(b)) * abs(w) for b, w in pairs))
