"""Estimates of slopes put together from parts: directions turned round, rows from two sources, complex values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.records import Array, Estimate, Local


def nothing_moves(shape: tuple[int, int]) -> Estimate:
    """Of a function without outputs, or along no direction: exactly 0."""
    zero = np.zeros(shape)
    kind = np.full(shape, int(Local.SMOOTH))
    return Estimate(
        method="finite differences",
        value=zero,
        bound=zero,
        scale=zero,
        kind=kind,
        jump=zero,
        jump_bound=zero,
        evaluations=1,
    )


def without(e: Estimate, lost: Array) -> Estimate:
    """The same, undecided at the entries ``lost`` (D, m)."""
    return replace(
        e,
        value=np.where(lost, np.nan, e.value),
        bound=np.where(lost, np.inf, e.bound),
        kind=np.where(lost, int(Local.UNDECIDED), e.kind),
        witnesses=tuple((np.where(lost, np.nan, t), np.where(lost, np.inf, b)) for t, b in e.witnesses),
    )


def flip(e: Estimate, sign: Array) -> Estimate:
    """Slopes along -d, read as slopes along d."""
    s = sign[:, None]
    return replace(e, value=e.value * s, witnesses=tuple((t * s, b) for t, b in e.witnesses))


def merge(a: Estimate, b: Estimate, order: Array) -> Estimate:
    """Rows of two estimates in a common order; one without a jump has the jump 0, unknown."""

    def rows(p: Array, q: Array) -> Array:
        return np.concatenate([p, q])[order]

    def jumps(e: Estimate) -> tuple[Array, Array]:
        if e.jump is None or e.jump_bound is None:
            return np.zeros_like(e.value), np.full(e.bound.shape, np.inf)
        return e.jump, e.jump_bound

    pairs = zip(a.witnesses, b.witnesses, strict=False)
    return Estimate(
        method=a.method,
        value=rows(a.value, b.value),
        bound=rows(a.bound, b.bound),
        scale=rows(a.scale, b.scale),
        kind=rows(a.kind, b.kind),
        jump=rows(jumps(a)[0], jumps(b)[0]),
        jump_bound=rows(jumps(a)[1], jumps(b)[1]),
        witnesses=tuple((rows(p[0], q[0]), rows(p[1], q[1])) for p, q in pairs),
        evaluations=a.evaluations + b.evaluations,
    )


def as_complex(e: Estimate) -> Estimate:
    """Real parts (the first m columns) and imaginary parts joined; the bounds are combined as lengths."""
    m = e.value.shape[1] // 2

    def join(a: Array) -> Array:
        return a[:, :m] + 1j * a[:, m:]

    def length(a: Array) -> Array:
        return np.hypot(a[:, :m], a[:, m:])

    # Codes by how much they spoil an entry that has one good and one bad part.
    rank = {Local.SMOOTH: 0, Local.ONE_SIDED: 1, Local.KINK: 2, Local.UNDECIDED: 3, Local.OUTSIDE: 4}
    ranks = np.array([rank[code] for code in Local])
    kind = np.where(ranks[e.kind[:, :m]] >= ranks[e.kind[:, m:]], e.kind[:, :m], e.kind[:, m:])
    return replace(
        e,
        value=join(e.value),
        bound=length(e.bound),
        scale=length(e.scale),
        kind=kind,
        jump=None if e.jump is None else join(e.jump),
        jump_bound=None if e.jump_bound is None else length(e.jump_bound),
        witnesses=tuple((join(t), length(b)) for t, b in e.witnesses),
    )
