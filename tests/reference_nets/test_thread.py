"""The thread's formulas: the checker refuses each as printed and accepts each as mended, and each relation is measured."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import gradcheck
from reference_nets import backprop, generic, operations, thread
from reference_nets.b_diagrams import Connection, Diagram, unit
from reference_nets.graph import Graph, Vertex
from reference_nets.graph_models import operation_graph
from reference_nets.networks import NETWORKS, RATIONALS
from tests.reference_nets.exact_numbers import assert_caught, exact_search, exactly, random_rationals
from tests.reference_nets.number_systems import AGREED, DIGITS, MPMATH, to_mp
from tests.reference_nets.random_graphs import graphs

FORMULAS = thread.formulas()
NUMBERS = "P1 P2 P3 P4 P6 P7 P8 P9 P11 L1 L2 L3 O1 O2 O3".split()
HIDDEN = [number for number, formula in FORMULAS.items() if formula.hidden]
ABOUT_THE_SIGMOID = {"P1", "P3"}


def options(formula):
    meant = {"intent": formula.mended.forward} if formula.definition else {}
    return {"wrt": tuple(range(formula.differentiated)), "seed": 1} | meant


def floating(rule):
    return lambda *inputs: np.asarray(rule.forward(*inputs)), rule.vjp


def test_every_formula_has_its_record():
    assert sorted(FORMULAS) == sorted(NUMBERS)
    assert set(thread.STATEMENTS) == {"P13"}
    for formula in FORMULAS.values():
        assert formula.printed and formula.right and formula.relation
        assert (formula.hidden is None) == (formula.hidden_when == "")


@pytest.mark.parametrize("number", NUMBERS)
def test_as_printed_it_is_refused_and_as_mended_accepted(number):
    formula = FORMULAS[number]
    inputs = formula.example(np.random.default_rng(1))
    printed = gradcheck.check(*floating(formula.claimed), inputs, **options(formula))
    mended = gradcheck.check(*floating(formula.mended), inputs, **options(formula))
    assert printed.verdict is gradcheck.Verdict.WRONG, printed
    assert mended.verdict is gradcheck.Verdict.RIGHT, mended


def test_the_printed_sigmoid_is_consistent_in_itself_but_is_not_the_sigmoid():
    """P1 alone is a change of sign of w and b; only with P3 does a gradient become wrong."""
    formula, (z,) = FORMULAS["P1"], FORMULAS["P1"].example(np.random.default_rng(1))
    assert gradcheck.check(*floating(formula.claimed), (z,)).ok
    assert not gradcheck.check(*floating(formula.claimed), (z,), like="sigmoid").ok
    assert gradcheck.check(*floating(formula.mended), (z,), like="sigmoid").ok
    with mpmath.workdps(DIGITS):
        exact, z = thread.formulas(MP_EXP)["P1"], to_mp(z)
        assert max(abs(exact.claimed.forward(z) + exact.mended.forward(z) - 1)) <= AGREED


MP_EXP = np.frompyfunc(mpmath.exp, 1, 1)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_relation_is_as_stated(number):
    """Between Jacobians in 70 digits: printed = predicted from the truth, and not = the truth."""
    with mpmath.workdps(DIGITS):
        formula = thread.formulas(MP_EXP)[number]
        inputs = tuple(to_mp(part) for part in formula.example(np.random.default_rng(2)))
        found = thread.measure(formula, *inputs)
        assert found.unexplained <= AGREED < found.off


@pytest.mark.parametrize("number", NUMBERS)
def test_the_truth_of_a_record_is_the_truth(number):
    """``expected`` is held against mpmath.diff of the function that is meant, entry by entry."""
    with mpmath.workdps(DIGITS):
        formula = thread.formulas(MP_EXP)[number]
        inputs = tuple(to_mp(part) for part in formula.example(np.random.default_rng(3)))
        meant = formula.mended.forward if formula.definition else formula.claimed.forward
        truth = thread.jacobian(meant, formula.expected)(*inputs)
        for place, rows in enumerate(truth):
            start = np.asarray(inputs[place], dtype=object)
            for index in np.ndindex(start.shape):

                def moved(t, place=place, index=index, start=start):
                    array = start.copy()
                    array[index] = t
                    return np.ravel(meant(*inputs[:place], array[()], *inputs[place + 1 :]))

                for k in range(len(rows)):
                    wanted = mpmath.diff(lambda t, k=k: moved(t)[k], start[index])
                    assert abs(rows[(k, *index)] - wanted) <= AGREED


@pytest.mark.parametrize("number", [number for number in NUMBERS if number not in ABOUT_THE_SIGMOID])
def test_the_relation_is_exact_in_rationals(number):
    # Several steps one upon the other multiply the digits by the degree each time: low degrees for those.
    sigma = {"O1": generic.square, "O2": generic.square, "O3": generic.identity}.get(number, RATIONALS.sigmoid)
    formula = thread.formulas(sigma=sigma)[number]

    @exact_search
    @given(st.integers(0, 2**32))
    def holds(seed):
        shapes = [np.shape(part) for part in formula.example(np.random.default_rng(0))]
        inputs = tuple(random_rationals(seed + k, *shape) for k, shape in enumerate(shapes))
        inputs = tuple(part + (part == 0) * Fraction(1, 2) for part in inputs)  # two relations divide by an input
        try:
            found = thread.measure(formula, *inputs)
        except ZeroDivisionError:  # rules divide by nothing that can be 0; a ratio has no value where its divisor is 0
            reject()
        assert found.unexplained == 0

    holds()


@pytest.mark.parametrize("number", HIDDEN)
def test_where_an_error_is_hidden_the_two_are_equal(number):
    """Why the examples have N >= 2, b != 0 and patterns that vary."""
    formula = thread.formulas(sigma=RATIONALS.sigmoid)[number]
    inputs = tuple(exactly(part) for part in formula.hidden(np.random.default_rng(4)))
    assert thread.measure(formula, *inputs).off == 0


# The relations in the plain words of the table, each measured once more by hand ---------------------------------------


def ratios(number, argument=0):
    """printed / right, entry by entry of the Jacobian by one argument, and the inputs; over rationals if it can be."""
    exact = number not in ABOUT_THE_SIGMOID
    formula = thread.formulas(sigma=RATIONALS.sigmoid)[number] if exact else FORMULAS[number]
    inputs = formula.example(np.random.default_rng(5))
    inputs = tuple(exactly(part) for part in inputs) if exact else inputs
    return thread.measure(formula, *inputs).ratio(argument), inputs


def test_the_ratio_of_p1_and_p3_is_minus_one():
    for number in ("P1", "P3"):
        (z,) = FORMULAS[number].example(np.random.default_rng(5))
        found = thread.measure(FORMULAS[number], z)
        assert (np.diag(found.printed[0]) == -np.diag(found.expected[0])).all()


def test_the_ratio_of_p4_and_p6_is_the_number_of_patterns():
    assert (ratios("P6")[0] == 4).all()
    assert ratios("P4")[0].tolist() == [[4, 0, 0, 0]]


def test_the_ratio_of_p8_is_one_over_x():
    found, (_, _, x) = ratios("P8")
    assert (found * x == 1).all()


def test_the_ratio_of_p2_and_p7_is_that_of_two_slopes():
    slope = generic.bump.derivative
    for number, top, bottom in (("P2", 0, 1), ("P7", 1, 0)):
        found, (w, b, x) = ratios(number)
        expected = slope(x @ w + top * b) / slope(x @ w + bottom * b)
        assert (found == expected[:, None]).all()


def test_the_ratio_of_p9_is_one_and_nothing():
    assert (ratios("P9", argument=0)[0] == 1).all() and (ratios("P9", argument=1)[0] == 0).all()


def test_the_ratio_of_l1_is_one_over_the_activity_below():
    found, (W1, _, _, x) = ratios("L1", argument=1)
    assert (found * generic.bump.function(W1 @ x) == 1).all()


def test_a_relation_that_is_not_so_is_not_found():
    """The twin of the measurements: with the relation of another formula, the printed one is not predicted."""
    formulas = thread.formulas(sigma=RATIONALS.sigmoid)
    inputs = tuple(exactly(part) for part in formulas["P6"].example(np.random.default_rng(6)))
    twin = dataclasses.replace(formulas["P6"], predicted=formulas["P4"].predicted)
    assert thread.measure(twin, *inputs).unexplained != 0


# P13: a sentence about graphs -----------------------------------------------------------------------------------------


P13 = thread.STATEMENTS["P13"]


def vertices_and_edges(graph):
    drawn = operation_graph(graph)
    return range(len(drawn.operations)), [(start, end) for start, _, end, _ in drawn.edges]


@exact_search
@given(graphs())
def test_edges_join_vertices_in_every_graph(graph):
    assert P13.mended(*vertices_and_edges(graph))


def test_vertices_do_not_join_edges():
    assert_caught(graphs(), lambda graph: not P13.claimed(*vertices_and_edges(graph)))
    product = Graph(
        ("x",), (Vertex(operations.multiply, ("x", "x"), ("y",)), Vertex(operations.negative, ("y",), ("z",)))
    )
    assert backprop.evaluate(product, {"x": 3})["z"] == -9
    assert P13.mended(*vertices_and_edges(product)) and not P13.claimed(*vertices_and_edges(product))


def test_the_sentence_tells_a_picture_that_is_no_graph():
    """An edge that ends at an edge is refused by the right sentence; the printed one holds in a ring, by accident."""
    assert not P13.mended(["a", "b"], [("a", "b"), ("a", ("a", "b"))])
    ring = ["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")]
    assert P13.mended(*ring) and P13.claimed(*ring)


def test_the_sentence_holds_for_rojas_diagrams():
    nodes = {"x": None} | dict.fromkeys("abc", unit(generic.square))
    diagram = Diagram(nodes, [Connection(*pair, 1) for pair in ("xa", "ab", "bc", "xb")])
    wires = [(wire.start, wire.end) for wire in diagram.wires]
    assert P13.mended(diagram.places, wires) and not P13.claimed(diagram.places, wires)


def test_the_right_rules_are_the_networks_themselves():
    """The mended unit cost and the networks' table agree: the records do not carry formulas of their own."""
    rng = np.random.default_rng(7)
    inputs = FORMULAS["P9"].example(rng)
    forward, vjp = NETWORKS["sigmoid unit"].build(MPMATH)
    with mpmath.workdps(DIGITS):
        mended, lifted = thread.formulas(MP_EXP)["P9"].mended, tuple(to_mp(part) for part in inputs)
        assert mended.forward(*lifted) == forward(*lifted)
        assert all(np.all(a == b) for a, b in zip(mended.vjp(1, *lifted), vjp(1, *lifted), strict=True))
