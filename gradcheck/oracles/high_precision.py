"""One derivative at 50 digits by mpmath: what confirms, or contradicts, that an answer is wrong.

The text of the definition is run once on a tape, as for balls, and its values are differenced: no derivative formula of the table is
trusted, and no other library.  There is no proved bound; two steps of very different size say how many digits are right.

Next to a kink there are several branches: each is traced apart, and differentiated by reverse accumulation in mpmath.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.records import Array

DIGITS = 50
"""Decimal digits that are asked for, and shown."""

BITS = 170
"""Of a number with so many digits: 50 / log10(2) = 166.1, and four to round."""

STEPS = (190, 420, 1200)
"""A difference steps by 2^-k of the entry's size; what it leaves out is 2^-2k of the curvature over that size, and rounding at
``2 k + BITS`` bits takes less.  The later steps are for functions whose own length is far below that of the point."""

BRANCHES = 24
"""Random directions in which the branches beside a kink are sought: of two branches with half of the directions each, one is
overlooked once in eight million."""

METHOD = "mpmath, differences of the definition's values"
ONE_SIDED = "mpmath, differences of the definition's values to either side of the kink"
BESIDE = "mpmath, the branches of the definition beside the kink"


@dataclass(frozen=True, slots=True)
class Exact:
    """The derivative for one entry, as mpf: one number where the definition is smooth, else the least and the largest of its branches'
    or, where no comparison makes the kink, the slopes to either side.

    ``digits`` are right as far as two steps agree.  ``gradients`` (K, N) are those of the branches, packed and rounded to float64.
    """

    values: tuple[Any, ...]
    digits: int
    method: str
    gradients: Array | None = None


def derivative(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    wrt: Sequence[int],
    cotangents: Sequence[Array],
    outputs: Sequence[Array],
    place: tuple[int, tuple[int, ...]],
    *,
    kwargs: Mapping[str, Any],
    limit: int,
    rng: np.random.Generator,
) -> Exact | str:
    """That of sum_k <g_k, f_k> by one entry, ``place`` = (argument, index); or why there is none.

    ``wrt`` are the arguments that are differentiated, ``outputs`` what the function gives in floating point: a trace that gives others
    is of another function.  ``limit``: operations on single numbers after which a text is too long.
    """
    from gradcheck.numbers.agreement import agrees
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.numbers.tracing import trace

    traced = [k for k, x in enumerate(arguments) if k in wrt or (isinstance(x, np.ndarray) and x.dtype.kind == "f")]
    inputs = tuple(np.asarray(arguments[k], np.float64) for k in traced)
    weights = [np.asarray(g, np.float64) for g in cotangents]
    options: dict[str, Any] = {"kwargs": dict(kwargs), "wrt": traced, "limit": limit}
    try:
        with np.errstate(all="ignore"):
            made = trace(function, list(arguments), **options)
            if not agrees(made, inputs, outputs[0] if made.single else tuple(outputs)):
                return "the traced text does not give the values that the definition gives"
            position = traced.index(place[0])
            if not made.ties:
                return _difference(made.program, inputs, weights, position, place[1])
            programs = []
            for _ in range(BRANCHES):
                ways = [
                    rng.normal(size=x.shape) if k in wrt else np.zeros(x.shape)
                    for k, x in zip(traced, inputs, strict=True)
                ]
                beside = trace(function, list(arguments), direction=ways, **options)
                programs += [beside.program] if not beside.ties else []
    except NumbersError as error:
        return str(error)
    return _branches(programs, inputs, weights, [traced.index(k) for k in wrt], position, place[1])


def value(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    outputs: Sequence[Array],
    entry: int,
    *,
    kwargs: Mapping[str, Any],
    limit: int,
) -> Exact | str:
    """The function's own value: that of one entry of its packed outputs; or why there is none."""
    from gradcheck.numbers.agreement import agrees
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.numbers.mpfloats import MPField
    from gradcheck.numbers.tracing import trace

    traced = [k for k, x in enumerate(arguments) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    inputs = tuple(np.asarray(arguments[k], np.float64) for k in traced)
    try:
        with np.errstate(all="ignore"):
            made = trace(function, list(arguments), kwargs=dict(kwargs), wrt=traced, limit=limit)
            if not agrees(made, inputs, outputs[0] if made.single else tuple(outputs)):
                return "the traced text does not give the values that the definition gives"
        found = []
        for bits in (BITS + 64, 4 * BITS):
            field = MPField(bits)
            rows = made.program.evaluate(field, [field.constants(x.ravel()) for x in inputs])
            found.append(np.concatenate([row.ravel() for row in rows])[entry])
    except NumbersError as error:
        return str(error)
    return _settled([found], "mpmath, the definition's value") or "mpmath gives no number there"


def shown(number: Any) -> str:
    """In decimal, with all its digits."""
    import mpmath

    return str(mpmath.nstr(number, DIGITS, strip_zeros=True))


def _difference(
    program: Any, inputs: Sequence[Array], cotangents: Sequence[Array], position: int, index: tuple[int, ...]
) -> Exact | str:
    flat = int(np.ravel_multi_index(index, inputs[position].shape)) if index else 0
    entry = float(inputs[position].ravel()[flat])
    size = int(np.frexp(entry)[1]) if entry else 0
    sides = []
    for k in STEPS:
        sides.append(
            [_slopes(program, inputs, cotangents, position, flat, size - s, 2 * s + BITS) for s in (k, k + 40)]
        )
        found = _settled([_middle(sides[-1])], METHOD)
        if found is not None and found.digits == DIGITS:  # of the middle, which a kink has, too
            break
    # A root has a kink without comparing anything: then the slopes to either side differ, however short the step.
    (rough, fine) = (abs(right - left) for left, right in sides[-1])
    if fine > rough / 2**20 and fine > max(map(abs, sides[-1][1])) / 2**60:
        ends = [_settled([[step[side] for step in sides[-1]]], ONE_SIDED) for side in (0, 1)]
        known = [end for end in ends if end is not None]
        if len(known) == 2:
            low, high = sorted(end.values[0] for end in known)
            return Exact((low, high), min(end.digits for end in known), ONE_SIDED)
    return _settled([_middle(each) for each in sides], METHOD) or "mpmath gives no number there"


def _middle(sides: Sequence[tuple[Any, Any]]) -> list[Any]:
    return [(left + right) / 2 for left, right in sides]


def _slopes(
    program: Any,
    inputs: Sequence[Array],
    cotangents: Sequence[Array],
    position: int,
    flat: int,
    exponent: int,
    bits: int,
) -> tuple[Any, Any]:
    """(phi(x) - phi(x - h)) / h and (phi(x + h) - phi(x)) / h along one entry, h = 2^exponent, at so many bits."""
    from gradcheck.numbers.mpfloats import MPField, context

    own, field = context(bits), MPField(bits)
    phi = []
    for sign in (-1, 0, 1):
        moved = [field.constants(x.ravel()) for x in inputs]
        moved[position][flat] = moved[position][flat] + own.ldexp(own.mpf(sign), exponent)
        rows = program.evaluate(field, moved)
        terms = [
            own.mpf(float(g)) * y
            for row, weights in zip(rows, cotangents, strict=True)
            for g, y in zip(weights.ravel(), row.ravel(), strict=True)
            if g != 0
        ]
        phi.append(own.fsum(terms))
    return own.ldexp(phi[1] - phi[0], -exponent), own.ldexp(phi[2] - phi[1], -exponent)


def _settled(pairs: Sequence[Sequence[Any]], method: str) -> Exact | None:
    """The second of the pair that agrees best, with the digits to which it agrees."""
    from gradcheck.numbers.mpfloats import context

    own, best = context(BITS), None
    for rough, fine in pairs:
        if not (own.isfinite(rough) and own.isfinite(fine)):
            continue
        gap = abs(own.mpf(rough) - own.mpf(fine))
        if abs(fine) <= own.ldexp(abs(rough), -60):  # a zero: what is left falls as the step squared, by 2^80
            fine, digits = own.mpf(0), DIGITS
        elif gap == 0:
            digits = DIGITS
        else:
            digits = int(min(DIGITS, max(0, own.floor(-own.log10(gap / abs(fine))))))
        if best is None or digits > best.digits:
            best = Exact((own.mpf(fine),), digits, method)
    return best


def _branches(
    programs: Sequence[Any],
    inputs: Sequence[Array],
    cotangents: Sequence[Array],
    active: Sequence[int],
    position: int,
    index: tuple[int, ...],
) -> Exact | str:
    from gradcheck.numbers.truth import high_precision_gradient

    values, rows = [], []
    for program in programs:
        every = high_precision_gradient(program, inputs, cotangents, bits=BITS)
        row = np.concatenate([np.asarray(every[k], float).ravel() for k in active])
        if np.all(np.isfinite(row)):
            rows.append(row)
            values.append(every[position][index])
    if not rows:
        return "no branch beside the kink has a derivative"
    ends = tuple(dict.fromkeys((min(values), max(values))))
    return Exact(ends, DIGITS, BESIDE, np.unique(np.stack(rows), axis=0))
