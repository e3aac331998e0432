"""Data for the pictures of a page: a V-curve, and errors in ulp against the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.engine.answers import fresh
from gradcheck.engine.forward import Forward
from gradcheck.engine.looker import Looker
from gradcheck.engine.truth import truth
from gradcheck.flat import pack, roundoff
from gradcheck.oracles.finite_difference import v_curve
from gradcheck.records import Array, Curve, Local, UlpSamples
from gradcheck.strategies.directions import cotangent
from gradcheck.subjects.callables import CAUGHT, Call

SAMPLES = 48


def curve_of(call: Call, definition: Callable[..., Any]) -> Curve | None:
    """The V-curve of the first entry at the call's own point, against the best truth there is."""
    with np.errstate(all="ignore"):
        owner = Forward.at(call, definition, call.leaves, wide=True)
        if owner is None or owner.layout.total == 0:
            return None
        x = pack([call.leaves[k] for k in call.active])
        g = pack(cotangent(owner.outputs(x), np.random.default_rng(0)))
        d = np.zeros(x.size)
        d[0] = 1.0
        t = truth(owner, x, g, d[None])
        if t.kind[0] != Local.SMOOTH:
            return None
        return v_curve(lambda v: np.array([owner(v) @ g]), x, d, 0, float(t.value[0]))


def ulps_of(call: Call, definition: Callable[..., Any], rng: np.random.Generator) -> tuple[UlpSamples, ...]:
    """Errors of the first gradient entry in ulp of the truth, at inputs whose first entry sweeps magnitudes of both signs."""
    looker = Looker(call, definition, True, True, rng)
    found: list[tuple[float, float, float]] = []
    sweep = np.concatenate([s * 10.0 ** rng.uniform(-6, 2.5, SAMPLES // 2) for s in (-1.0, 1.0)])
    with np.errstate(all="ignore"):
        for value in sweep:
            sample = _sample(call, definition, looker, float(value))
            if sample is not None:
                found.append(sample)
    if not found:
        return ()
    a: Array = np.array(sorted(found))
    return (UlpSamples(dtype="float64", inputs=a[:, 0], errors=a[:, 1], bounds=a[:, 2]),)


def _sample(
    call: Call, definition: Callable[..., Any], looker: Looker, value: float
) -> tuple[float, float, float] | None:
    where = call.domain.of(call.active[0])
    if not where.low < value < where.high:
        return None
    leaves = fresh(call.leaves)
    leaves[call.active[0]].flat[0] = value
    owner = Forward.at(call, definition, leaves, wide=True)
    if owner is None:
        return None
    try:
        outputs = call.implementation.forward(*call.build(fresh(leaves)), **call.kwargs)
    except CAUGHT:
        return None
    looker.single = not isinstance(outputs, (tuple, list))
    x = pack([leaves[k] for k in call.active])
    g = cotangent(tuple(np.asarray(o) for o in ((outputs,) if looker.single else outputs)), np.random.default_rng(1))
    seen = call.vjp(g, leaves, looker.single)
    if seen.failure is not None or not seen.gradients:
        return None
    d = np.zeros((1, x.size))
    d[0, 0] = 1.0
    t = truth(owner, x, pack(g), d)
    answer = float(looker.answers.fill(seen, owner.layout)[0])
    if t.kind[0] != Local.SMOOTH or not np.isfinite(t.bound[0]) or not np.isfinite(answer):
        return None
    ulp = 2 * roundoff(np.dtype(np.float64)) * max(abs(float(t.value[0])), np.finfo(float).tiny)
    return value, abs(answer - float(t.value[0])) / ulp, float(t.bound[0]) / ulp
