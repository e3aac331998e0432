"""Which idioms trace, by name; what a trace says is the float forward's value and slope, so that none became plain floats unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcheck.numbers.agreement import agrees, rounding_bound
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.numbers.truth import certified_gradient
from tests.numbers.idioms import IDIOMS, Idiom
from tests.numbers.idioms.idiom import Array
from tests.numbers.test_idioms_run import flat, leaves

STOPPED = {
    "low pass by fft": "numpy.fft.rfft",
    "principal component by eigh": "numpy.linalg.eigh",
    "nuclear norm by svd": "numpy.linalg.svd",
    "option price by math": "float()",
    "weights through json": "json.dumps",
    "friction factor by brentq": "float()",
    "cosmic distance by quad": "float()",
    "natural spline of scipy": "scipy.interpolate._cubic.__init__",
    "inverse square root by bits": "ndarray.view",
}
"""The idioms that do not trace, and the call that stops each."""

TRACED = [idiom for idiom in IDIOMS if idiom.name not in STOPPED]


def told_apart(found: Trace) -> float:
    """A relative error of the largest entry that must be seen: differences keep two thirds of the digits, and a quarter must count."""
    return 2 * found.unit ** (1 / 4)


def test_at_least_ninety_of_a_hundred_trace() -> None:
    assert len(IDIOMS) == 100
    assert len(TRACED) >= 90
    assert STOPPED.keys() <= {idiom.name for idiom in IDIOMS}


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_the_list_of_those_that_do_not_trace_is_true(idiom: Idiom) -> None:
    try:
        trace(idiom.f, idiom.inputs)
        call = None
    except Untraceable as error:
        call = error.call
        assert str(error).startswith(f"{call} stopped the trace: ")
    assert call == STOPPED.get(idiom.name)


def floats(idiom: Idiom) -> list[Array]:
    return [a for a in idiom.inputs if a.dtype == np.float64]


@pytest.mark.parametrize("idiom", TRACED, ids=lambda idiom: idiom.name)
def test_a_traces_value_is_the_float_forwards(idiom: Idiom) -> None:
    found, value = trace(idiom.f, idiom.inputs), idiom.f(*idiom.inputs)
    assert found.single == (not isinstance(value, tuple))
    assert agrees(found, floats(idiom), value)
    largest = np.max(np.abs(flat(value)))
    off = tuple(np.asarray(v) + told_apart(found) * largest for v in leaves(value))
    assert not agrees(found, floats(idiom), off[0] if found.single else off)


def weights(found: Trace) -> list[Array]:
    return [np.cos(1.0 + np.arange(ids.size)).reshape(ids.shape) for ids in found.program.outputs]


def beside(idiom: Idiom, k: int, entry: int, step: float) -> Array:
    """The outputs where one entry of one input is moved."""
    inputs = [a.copy() for a in idiom.inputs]
    inputs[k].flat[entry] += step
    return flat(idiom.f(*inputs))


def differences(idiom: Idiom, found: Trace) -> list[tuple[Array, Array]]:
    """Of each float input the central differences of <g, f> with the step h, and how far these may be from the derivative.

    What is left of Taylor's series begins with h^2/6 phi'''; the difference with the step 2h is off by four times that, so that the two
    lie three such terms apart: their distance bounds one term and leaves room for those of higher order.  Rounding: the trace's bound
    for each value, twice over 2h; and as much again for the distance, with half of it for the step 2h.
    """
    g = np.concatenate([w.ravel() for w in weights(found)])
    noise = np.concatenate([b.ravel() for b in rounding_bound(found, floats(idiom))])
    out = []
    for k, a in enumerate(idiom.inputs):
        if a.dtype != np.float64:
            continue
        # A third of the digits: where truncation and rounding are of one size.
        h = 2.0 ** np.round(np.log2(found.unit) / 3 + np.log2(np.max(np.abs(a))))
        near, wide = (
            np.array([g @ (beside(idiom, k, i, s) - beside(idiom, k, i, -s)) / (2 * s) for i in range(a.size)])
            for s in (h, 2 * h)
        )
        out.append((near, np.abs(wide - near) + 2.5 * (np.abs(g) @ noise) / h))
    return out


def gradient(idiom: Idiom, found: Trace) -> list[Array]:
    certificates = certified_gradient(found.program, floats(idiom), weights(found))
    for c in certificates:
        assert np.all(c.bound <= 2.0**-60 * np.max(np.abs(c.value)))
    return [c.value.ravel() for c in certificates]


def outside(slopes: list[Array], known: list[tuple[Array, Array]]) -> list[Any]:
    return [
        (s, near, bound)
        for s, (near, bound) in zip(slopes, known, strict=True)
        if not np.all(np.abs(s - near) <= bound)
    ]


@pytest.mark.parametrize("idiom", TRACED, ids=lambda idiom: idiom.name)
def test_a_certified_gradient_is_the_slope_of_the_float_forward(idiom: Idiom) -> None:
    found = trace(idiom.f, idiom.inputs)
    slopes, known = gradient(idiom, found), differences(idiom, found)
    assert outside(slopes, known) == []
    for k, slope in enumerate(slopes):
        largest = np.argmax(np.abs(slope))
        assert slope[largest] != 0
        wrong = [s.copy() for s in slopes]
        wrong[k][largest] *= 1 + told_apart(found)
        assert outside(wrong, known), (idiom.name, k, known[k][1][largest] / slope[largest])
