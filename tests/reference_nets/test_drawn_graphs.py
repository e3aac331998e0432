"""Drawn graphs with transcendental operations: finite differences in 60 digits, certified balls, the project's checker."""

from __future__ import annotations

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import gradcheck
from reference_nets import backprop, goodfellow, operations
from reference_nets.generic import bump
from reference_nets.graph_models import variable_graph
from reference_nets.symbols import gradient_graph
from tests.reference_nets.exact_numbers import assert_caught, exact_search
from tests.reference_nets.finite_differences import (
    DIGITS,
    central_difference,
    mp_cos,
    mp_exp,
    mp_log,
    mp_sin,
    mp_tanh,
)
from tests.reference_nets.random_graphs import graphs
from tests.reference_nets.wrong_sweeps import vjp_with_a_slip

RATIONAL = (
    operations.add,
    operations.subtract,
    operations.multiply,
    operations.sum_and_product,
    operations.entrywise(bump),
)
PRECISE = operations.elementary(mp_exp, mp_log, mp_tanh, mp_sin, mp_cos)
MOST = 5
"""Vertices of a drawn graph.  Doubling and squaring, five of them take a number below 2 at most to 2^16, and sines
of that still vary on a scale that is large beside the step of a difference, 1e-15."""


def smooth(elementary):
    return (*RATIONAL, elementary.tanh, elementary.sin, elementary.cos)


entries = st.integers(-8, 8).map(lambda k: k / 8)


@exact_search
@given(graphs(table=smooth(PRECISE), most_vertices=MOST), st.data())
def test_every_mode_is_within_the_bound_of_a_finite_difference(graph, data):
    """Reverse, forward, build_grad and the gradient's own graph, by one source of a drawn graph."""
    z, source = graph.variables[-1], data.draw(st.sampled_from(graph.sources))
    with mpmath.workdps(DIGITS):
        inputs = {name: mpmath.mpf(data.draw(entries)) for name in graph.sources}
        values = backprop.evaluate(graph, inputs)
        expected, bound = central_difference(
            lambda t: backprop.evaluate(graph, {**inputs, source: inputs[source] + t})[z]
        )
        drawn, derived = variable_graph(graph), gradient_graph(graph, z)
        one = mpmath.mpf(1)
        for slope in (
            backprop.gradient(graph, inputs, z)[source],
            backprop.jvp(graph, values, {source: one})[z],
            goodfellow.build_gradients(drawn, goodfellow.forward_propagation(drawn, inputs), z, [source])[source],
            backprop.evaluate(derived.graph, inputs)[derived.names[source]],
        ):
            assert abs(slope - expected) <= bound
        assert bound <= (1 + abs(expected)) * mpmath.mpf(10) ** -12  # a vacuous bound would let anything pass


@pytest.mark.parametrize("slip", ["parents are a set", "overwritten instead of added"])
def test_a_wrong_sweep_is_outside_of_the_bound(slip):
    def outside(graph):
        z, source = graph.variables[-1], graph.sources[0]
        with mpmath.workdps(DIGITS):
            inputs = {name: mpmath.mpf(k + 3) / 8 for k, name in enumerate(graph.sources)}
            values = backprop.evaluate(graph, inputs)
            expected, bound = central_difference(
                lambda t: backprop.evaluate(graph, {**inputs, source: inputs[source] + t})[z]
            )
            return abs(vjp_with_a_slip(slip)(graph, values, {z: mpmath.mpf(1)})[source] - expected) > bound

    assert_caught(graphs(table=smooth(PRECISE), most_vertices=MOST), outside)


@exact_search
@given(graphs(table=smooth(PRECISE), most_vertices=MOST), st.data())
def test_fifty_digits_lie_in_certified_balls(graph, data):
    """The same code over balls of 256 bits: each contains the true derivative, and so lies about the one in 60 digits.

    The number in 60 digits has an error of its own, a few roundings on numbers below 2^16 times their slopes: 1e-40 of
    its size is far more than it needs, and the balls themselves are narrower than that.
    """
    z = graph.variables[-1]
    names = ("exp", "log", "tanh", "sin", "cos")
    balls = dict(zip((f.name for f in PRECISE), operations.elementary(*(_method(name) for name in names)), strict=True))
    certified = type(graph)(
        graph.sources,
        tuple(type(v)(balls.get(v.operation.name, v.operation), v.inputs, v.outputs) for v in graph.vertices),
    )
    numbers = {name: data.draw(entries) for name in graph.sources}
    with mpmath.workdps(DIGITS):
        precise = backprop.gradient(graph, {name: mpmath.mpf(x) for name, x in numbers.items()}, z)
        before, flint.ctx.prec = flint.ctx.prec, 256
        try:
            enclosed = backprop.gradient(certified, {name: flint.arb(x) for name, x in numbers.items()}, z)
            for name in graph.sources:
                ball, number = enclosed[name], precise[name]
                allowed = mpmath.mpf(10) ** -40 * (1 + abs(number))
                gap = abs(ball - flint.arb(mpmath.nstr(number, DIGITS)))
                assert gap.upper() <= float(allowed) and ball.rad() <= float(allowed)
        finally:
            flint.ctx.prec = before


def _method(name):
    return lambda x: getattr(x, name)()


@settings(max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(graphs(table=smooth(operations.elementary()), most_vertices=8), st.integers(0, 2**32))
def test_the_checker_accepts_drawn_graphs_in_floats(graph, seed):
    rng, z = np.random.default_rng(seed), graph.variables[-1]
    inputs = tuple(rng.uniform(-1, 1, 3) for _ in graph.sources)

    def forward(*arrays):
        return backprop.evaluate(graph, dict(zip(graph.sources, arrays, strict=True)))[z]

    def vjp(cotangent, *arrays):
        values = backprop.evaluate(graph, dict(zip(graph.sources, arrays, strict=True)))
        return tuple(backprop.vjp(graph, values, {z: cotangent}).values())

    assert gradcheck.check(forward, vjp, inputs, seed=0).ok
