"""The schedule is optimal and counted, and what it computes is bit for bit what storing everything computes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, operations
from reference_nets.checkpointing import beta, fewest_steps, jump, reverse
from reference_nets.graph import Graph, Vertex
from tests.reference_nets.exact_numbers import exact_search

LONGEST, MOST = 80, 9


@cache
def optimum(length, places):
    """t(l, s) by its definition: the best of all first jumps."""
    if length == 1:
        return 0
    if places == 1:
        return length * (length - 1) // 2
    return min(k + optimum(length - k, places - 1) + optimum(k, places) for k in range(1, length))


SIZES = [(length, places) for length in range(1, LONGEST + 1) for places in range(1, MOST + 1)]


def test_the_closed_formula_is_the_optimum():
    assert all(fewest_steps(*size) == optimum(*size) for size in SIZES)


def test_the_jump_is_one_that_attains_it():
    for length, places in SIZES:
        if length > 1 and places > 1:
            k = jump(length, places)
            assert 0 < k < length
            assert optimum(length, places) == k + optimum(length - k, places - 1) + optimum(k, places)


def trace(length, places):
    """A run on states that are their own numbers; every pull is told the state that it needs."""
    calls = []

    def pull(k, state, cotangent):
        assert state == k
        calls.append(k)
        return cotangent + 1

    reversal = reverse(lambda k, state: state + 1, pull, 0, length, places, 0)
    assert calls == list(reversed(range(length))) and reversal.cotangent == length
    return reversal


def test_the_steps_run_are_those_of_the_formula_and_the_places_are_kept():
    for size in SIZES:
        reversal = trace(*size)
        assert reversal.steps == fewest_steps(*size)
        assert reversal.most_stored <= size[1]


def test_ten_places_reverse_a_long_chain():
    """184 756 = beta(10, 10) steps, the number in the docstring, each run 10 times but for beta(11, 9) savings."""
    assert beta(10, 10) == 184_756
    reversal = trace(10_000, 10)
    assert reversal.steps == fewest_steps(10_000, 10) < 10 * 10_000 and reversal.most_stored == 10


def evenly_spaced(length, places):
    """The wrong twin: states stored at equal distances, and every state run anew from the one before it."""
    apart = -(-length // places)
    return sum(places_before % apart for places_before in range(length)) + (length - 1) // apart * apart


def test_equal_distances_are_right_but_not_optimal():
    assert all(evenly_spaced(*size) >= fewest_steps(*size) for size in SIZES)
    assert evenly_spaced(60, 4) > fewest_steps(60, 4)


# A recurrent network with a weight matrix used in every step ----------------------------------------------------------

STEP = Graph(
    ("w", "h"),
    (
        Vertex(operations.matmul, ("w", "h"), ("a",)),
        Vertex(operations.tanh, ("a",), ("b",)),
        Vertex(operations.multiply, ("b", "h"), ("c",)),
        Vertex(operations.add, ("b", "c"), ("next",)),
    ),
)


def recurrent(w):
    """h -> tanh(w h) (1 + h) as a step and its pull; a cotangent is (hbar, wbar so far)."""

    def step(k, h):
        return backprop.evaluate(STEP, {"w": w, "h": h})["next"]

    def pull(k, h, cotangent):
        hbar, wbar = cotangent
        bars = backprop.vjp(STEP, backprop.evaluate(STEP, {"w": w, "h": h}), {"next": hbar})
        return bars["h"], wbar + bars["w"]

    return step, pull


def store_all(step, pull, state, length, cotangent):
    states = [state]
    for k in range(length):
        states.append(step(k, states[-1]))
    for k in reversed(range(length)):
        cotangent = pull(k, states[k], cotangent)
    return cotangent


def unrolled(length):
    """The same chain as one graph, in which w is read by every step."""
    vertices = []
    for k in range(length):
        names = {"w": "w", "h": f"h{k}", "next": f"h{k + 1}"} | {name: f"{name}{k}" for name in "abc"}
        vertices += [
            Vertex(v.operation, tuple(map(names.get, v.inputs)), (names[v.outputs[0]],)) for v in STEP.vertices
        ]
    return Graph(("w", "h0"), tuple(vertices))


@exact_search
@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32))
def test_bit_for_bit_the_gradient_of_storing_everything(length, places, seed):
    rng = np.random.default_rng(seed)
    w, h, bar = rng.normal(size=(3, 3)) / 2, rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    step, pull = recurrent(w)
    hbar, wbar = reverse(step, pull, h, length, places, (bar, np.zeros_like(w))).cotangent
    expected = store_all(step, pull, h, length, (bar, np.zeros_like(w)))
    assert (hbar.tobytes(), wbar.tobytes()) == tuple(part.tobytes() for part in expected)
    graph = unrolled(length)
    bars = backprop.vjp(graph, backprop.evaluate(graph, {"w": w, "h0": h}), {f"h{length}": bar})
    # + 0.0: a sum that starts from zeros has no -0
    assert (hbar + 0.0).tobytes() == (bars["h0"] + 0.0).tobytes()
    assert wbar.tobytes() == (bars["w"] + 0.0).tobytes()


def test_a_state_that_a_step_overwrites_is_not_the_same_number():
    """Why a step must leave its state as it is: the stored state is the one that would be changed."""

    def careless(k, h):
        h *= 1.5
        return h

    def pull(k, h, cotangent):
        return cotangent * h

    def run(step):
        return reverse(step, pull, np.array([1.25]), 6, 3, np.array([1.0])).cotangent

    assert run(careless) != run(lambda k, h: h * 1.5)


def test_what_cannot_be_is_refused():
    for length, places in ((0, 1), (1, 0)):
        with pytest.raises(
            ValueError, match=rf"a chain of {length} steps and {places} places: both must be at least 1"
        ):
            reverse(lambda k, x: x, lambda k, x, c: c, 0, length, places, 0)
