"""Linearity of the vjp in its cotangent: the one property that needs no truth to be tested.

v(g) = g J is linear over the reals, whatever J is.  So v(0) = 0, v(2^k g) = 2^k v(g) and v(a g1 + b g2) = a v(g1) + b v(g2),
all within rounding.  Powers of two scale without rounding, so that large and small cotangents are tried without widening
anything; what ignores, squares or clips its cotangent fails.  (Signs need no law of their own: the sum has both.)
"""

from __future__ import annotations

import numpy as np

from gradcheck import flat
from gradcheck.engine.bench import Bench, wide
from gradcheck.records import Array, Finding, Severity

CODE = "GC110"


def check_linearity(bench: Bench) -> list[Finding]:
    """GC110: the answer must be linear in the cotangent.  The first identity that is broken is reported."""
    if bench.unstable:  # answers that change by themselves say nothing about linearity
        return []
    for factor in _factors(bench):
        scaled = _combine(bench.cotangents, factor)
        found = _compare(bench, _name(factor), scaled, bench.gradients, factor, abs(factor))
        if found:
            return found
    return _sum(bench)


def _factors(bench: Bench) -> list[float]:
    """0 and powers of two: as far as the narrowest dtype goes without leaving its normal numbers by much.

    2^30 g is still far from overflow in float64, 2^20 g in float32 and bfloat16 (2^127); float16 ends at 2^16.
    """
    dtypes = [g.dtype for g in bench.cotangents] + [np.asarray(bench.leaves[k]).dtype for k in bench.call.active]
    top = min((flat.largest(d) for d in dtypes if d.kind not in "biu"), default=1.0)
    near, far = (10, 30) if top > 1e300 else (6, 20) if top > 1e30 else (2, 4)
    powers = (near, -near, far, -far) if bench.thorough else (far, -far)
    return [0.0, *(2.0**k for k in powers)]


def _name(factor: float) -> str:
    if factor == 0:
        return "vjp(0) = 0"
    power = int(np.log2(factor))
    return f"vjp(2^{power} g) = 2^{power} vjp(g)"


def _combine(
    first: tuple[Array, ...], a: float, second: tuple[Array, ...] | None = None, b: float = 0.0
) -> tuple[Array, ...]:
    """a first + b second, rounded once to the dtype of each cotangent."""
    out = []
    for k, g in enumerate(first):
        value = a * wide(g) if second is None else a * wide(g) + b * wide(second[k])
        with np.errstate(all="ignore"):
            out.append(np.asarray(value).astype(g.dtype))
    return tuple(out)


def _compare(
    bench: Bench, law: str, cotangents: tuple[Array, ...], base: tuple[Array | None, ...], factor: float, weight: float
) -> list[Finding]:
    """Findings where the answer to ``cotangents`` is not factor times ``base``; ``weight`` scales the allowance."""
    seen = bench.ask(cotangents=bench.fresh(cotangents))
    if seen.failure is not None:
        failure = seen.failure
        message = f"the vjp raises {failure.kind} for another cotangent ({law}): {failure.message}; answer them all"
        return [bench.finding(CODE, bench.names, message, cotangents=cotangents, where=failure.where)]
    expected: list[Array | None] = []
    got: list[Array | None] = []
    for v, w in zip(base, seen.gradients, strict=False):
        if v is None or w is None:
            expected.append(None)
            got.append(None)
            continue
        # Entries that overflow by being scaled, or had no finite value to begin with, say nothing.
        target, answer = factor * wide(v), wide(w)
        lost = ~np.isfinite(wide(v)) | ~np.isfinite(target) | ((weight > 1) & ~np.isfinite(answer))
        expected.append(np.where(lost, 0, target))
        got.append(np.where(lost, 0, answer))
    message = f"the vjp is not linear in the cotangent: {law} fails; let the cotangent be a factor of each term, once"

    def broken(allowed: list[Array]) -> list[Finding]:
        return bench.compare(
            CODE,
            message,
            tuple(got),
            tuple(expected),
            allowed,
            severity=Severity.WRONG,
            cotangents=cotangents,
        )

    allowed = _allowed(bench, base, factor, weight)
    if not broken(allowed):
        return []
    noise = _noise(bench)
    return broken([one + NOISES * max(weight, abs(factor)) * n for one, n in zip(allowed, noise, strict=False)])


NOISES = 8
"""How many times the noise that a few answers show, others may; chosen."""


def _noise(bench: Bench) -> list[float]:
    """The largest |v(c g) - c v(g)| of each leaf for some c close to 1: what the answer's own rounding does to it.

    Terms that are not seen may cancel to nothing, as in a normalisation of one number.  c moves the cotangent by 8 to 24
    roundoffs (chosen: enough that every product rounds anew): what is not linear adds no more than that share of its value, also what
    rounds its cotangent to a narrower type.
    """
    found = [0.0] * len(bench.gradients)
    narrowest = max((flat.roundoff(g.dtype) for g in bench.cotangents if g.dtype.kind not in "biu"), default=0.0)
    for j in (-3, -2, -1, 1, 2, 3):
        c = 1 + j * 8 * narrowest
        near = _combine(bench.cotangents, c)
        seen = bench.ask(cotangents=bench.fresh(near))
        if seen.failure is not None:
            continue
        for k, (v, w) in enumerate(zip(bench.gradients, seen.gradients, strict=False)):
            if v is not None and w is not None and np.shape(v) == np.shape(w):
                off = np.abs(wide(w) - c * wide(v))
                found[k] = max(found[k], float(np.max(off, initial=0.0, where=np.isfinite(off))))
    return found


def _allowed(bench: Bench, base: tuple[Array | None, ...], factor: float, weight: float) -> list[Array]:
    """What rounding may cost, with terms that cancel (either side of the law has its own), or half of the digits of the
    leaf's largest entry.

    An honest backward may cancel, and then errs by roundings of terms that are not seen; what is not linear differs by parts of its value.
    """
    out = []
    for allowed, cancelled, v, k in zip(
        bench.allowance(weight), bench.cancelled(weight), base, bench.call.active, strict=False
    ):
        size = np.zeros(()) if v is None else np.abs(factor * wide(v))
        largest = np.max(size, initial=0.0, where=np.isfinite(size))
        out.append(
            np.maximum(allowed + 2 * cancelled, np.sqrt(flat.roundoff(np.asarray(bench.leaves[k]).dtype)) * largest)
        )
    return out


def _sum(bench: Bench) -> list[Finding]:
    """v(a g1 + b g2) = a v(g1) + b v(g2), where g2 is g1 entry by entry times a number of [1/2, 2] of either sign.

    The first entry changes its sign whatever is drawn: a cotangent of one number would be of one sign else, and what
    rectifies it would be linear half of the time.  So A(g2) <= 2 A(g1), and the terms of the sum are at most (|a| + 2 |b|) A(g1).
    """
    a, b = 1.25, -0.75  # exact in every dtype, of different sign and size
    second = tuple(
        (wide(g) * bench.rng.uniform(0.5, 2, g.shape) * _signs(bench.rng, g.shape)).astype(g.dtype)
        for g in bench.cotangents
    )
    other = bench.ask(cotangents=bench.fresh(second))
    if other.failure is not None:
        return []  # reported by the other identities if the cotangent is to blame
    parts = tuple(
        None if v is None or w is None else a * wide(v) + b * wide(w)
        for v, w in zip(bench.gradients, other.gradients, strict=False)
    )
    both = _combine(bench.cotangents, a, second, b)
    law = f"vjp({a} g1 {b:+} g2) = {a} vjp(g1) {b:+} vjp(g2)"
    return _compare(bench, law, both, parts, 1.0, abs(a) + 2 * abs(b))


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """1 or -1 for each entry, -1 for the first."""
    out = np.asarray(rng.choice((-1.0, 1.0), shape))
    out.flat[:1] = -1.0
    return out
