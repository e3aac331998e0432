"""Forward mode against the truth and against reverse mode, and the symmetry of second derivatives."""

from __future__ import annotations

import numpy as np

from gradcheck.engine.answers import fresh
from gradcheck.engine.forward import Forward
from gradcheck.engine.look import Look
from gradcheck.engine.looker import Looker
from gradcheck.engine.truth import estimate
from gradcheck.flat import largest, pack
from gradcheck.oracles.estimates import flip
from gradcheck.oracles.finite_difference import line_derivatives
from gradcheck.records import Array, Estimate, Failure, Finding, Local, Severity
from gradcheck.subjects.callables import Call


def inspect(call: Call, looker: Looker, given: Look) -> list[Finding]:
    """The jvp along a random tangent: each output tangent against a difference, and <g, Jd> = <J'g, d> against the vjp."""
    if call.implementation.jvp is None:
        return []
    leaves = given.point.inputs
    owner = Forward.at(call, looker.claim, leaves, looker.wide)
    if owner is None:
        return []
    x = pack([leaves[k] for k in call.active])
    d = looker.rng.choice((-1.0, 1.0), size=x.size) * looker.rng.uniform(0.5, 2.0, size=x.size)
    d = pack(owner.layout.unpack(d))
    e = estimate(owner, owner, x, d[None])
    # Both signs: a rectified tangent agrees with the right one on half of the directions.
    return _along(call, looker, given, owner, x, d, e) or _along(
        call, looker, given, owner, x, -d, flip(e, -np.ones(1))
    )


def _along(call: Call, looker: Looker, given: Look, owner: Forward, x: Array, d: Array, e: Estimate) -> list[Finding]:
    tangents = owner.layout.unpack(d)
    answer = call.jvp(tangents, fresh(given.point.inputs))
    if isinstance(answer, Failure):
        return [_finding("GC301", f"the jvp raised {answer.kind}: {answer.message} ({answer.where})", given)]
    expected_shapes = [c.shape for c in given.point.cotangents]
    if [a.shape for a in answer] != expected_shapes:
        return [
            _finding("GC302", f"the jvp gave shapes {[a.shape for a in answer]}; it must give {expected_shapes}", given)
        ]
    got = pack(answer)
    u, tiny = looker.unit(owner.layout)
    # Each output tangent is a sum of n products: the honest rounding of the judge, with the natural scale for cancellation.
    allowed = (
        e.bound[0]
        + (4 + 6 * np.sqrt(x.size)) * u * np.abs(e.value[0])
        + 8 * u * e.scale[0] * np.max(np.abs(d), initial=0.0)
        + (x.size + 1) * tiny
        + tiny / u  # smaller numbers have no relative precision to be judged by
    )
    # A tangent that overflows its own type is no wrong one.
    smooth = (e.kind[0] == Local.SMOOTH) & ~(
        np.abs(e.value[0]) > min(largest(c.dtype) for c in given.point.cotangents) / 4
    )
    wrong = smooth & np.isfinite(e.bound[0]) & ~(np.abs(got - e.value[0]) <= allowed)
    if wrong.any():
        allowed = allowed + _movement(call, looker, given, owner, x, d, e, u)
    bad = np.flatnonzero(wrong & ~(np.abs(got - e.value[0]) <= allowed))
    if bad.size:
        j = int(bad[0])
        return [
            _finding(
                "GC301",
                f"the jvp is not the directional derivative: {bad.size} of {got.size} output tangents are wrong",
                given,
                got=float(got[j]),
                expected=float(e.value[0, j]),
                bound=float(e.bound[0, j]),
                index=(j,),
            )
        ]
    return []


def _movement(
    call: Call, looker: Looker, given: Look, owner: Forward, x: Array, d: Array, e: Estimate, u: float
) -> Array:
    """What changes of inputs and tangents by a roundoff do to truth and answer: three times the most of six draws, as for the vjp.

    That of the answer counts up to the root of a roundoff of the natural scale.
    """
    truth, answer = np.zeros(e.value.shape[1]), np.zeros(e.value.shape[1])
    before = call.jvp(owner.layout.unpack(d), fresh(given.point.inputs))
    for _ in range(6):
        moved, turned = (v * (1 + 2 * u * looker.rng.choice((-1.0, 1.0), size=v.size)) for v in (x, d))
        other = estimate(owner, owner, moved, turned[None])
        truth = np.fmax(truth, np.abs(other.value[0] - e.value[0]) - other.bound[0])
        leaves = list(given.point.inputs)
        for k, part in zip(call.active, owner.layout.unpack(moved), strict=True):
            leaves[k] = part
        after = call.jvp(owner.layout.unpack(turned), fresh(leaves))
        if not isinstance(before, Failure) and not isinstance(after, Failure):
            answer = np.fmax(answer, np.abs(pack(after) - pack(before)))
    cap = np.sqrt(u) * np.where(np.isfinite(e.scale[0]), e.scale[0], 0.0)
    return np.asarray(3 * truth + np.minimum(3 * answer, cap))


def symmetric_second_order(call: Call, looker: Looker, given: Look) -> list[Finding]:
    """The derivative of the vjp is symmetric where it exists: <w, D_u v> = <u, D_w v> for random u and w."""
    owner = Forward.at(call, looker.claim, call.leaves, looker.wide)
    if owner is None or not looker.wide:
        return []
    x = pack([call.leaves[k] for k in call.active])

    def gradient(vector: Array) -> Array:
        leaves = list(call.leaves)
        for k, part in zip(call.active, owner.layout.unpack(vector), strict=True):
            leaves[k] = part
        seen = call.vjp(given.point.cotangents, leaves, looker.single)
        return looker.answers.fill(seen, owner.layout) if seen.gradients else np.full(x.size, np.nan)

    u, w = looker.rng.choice((-1.0, 1.0), size=(2, x.size))
    e = line_derivatives(gradient, x, np.stack([u, w]), noise_floor=2.0**-53)
    if np.any(e.kind != Local.SMOOTH):
        return []
    gap = float(e.value[0] @ w - e.value[1] @ u)
    allowed = float(np.sum(e.bound))
    if not abs(gap) <= allowed:
        return [
            _finding(
                "GC130",
                "the vjp's own derivative is not symmetric, so it is the gradient of no function",
                given,
                got=gap,
                expected=0.0,
                bound=allowed,
            )
        ]
    return []


def _finding(
    code: str,
    message: str,
    given: Look,
    *,
    got: float | None = None,
    expected: float | None = None,
    bound: float | None = None,
    index: tuple[int, ...] | None = None,
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WRONG,
        argument="jvp" if code.startswith("GC3") else "vjp",
        message=message,
        got=got,
        expected=expected,
        bound=bound,
        index=index,
        point=given.point,
    )
