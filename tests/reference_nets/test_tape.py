"""Numbers that write down what is done with them give the gradient that the graph of the same program gives."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from reference_nets import backprop, generic, operations, path_sums
from reference_nets.tape import Variable, adjoints, value_and_gradient
from tests.reference_nets.exact_numbers import all_fractions, assert_caught, exact_search, lift, rationals, slope
from tests.reference_nets.finite_differences import DIGITS, central_difference, mp_exp
from tests.reference_nets.random_graphs import SCALAR, graphs

single = tuple(operation for operation in SCALAR if operation.outputs == 1)


def as_program(graph, z):
    """A graph as a program: the same operations on whatever numbers it is given."""

    def program(*inputs):
        values = dict(zip(graph.sources, inputs, strict=True))
        for number in graph.order:
            vertex = graph.vertices[number]
            values.update(
                zip(vertex.outputs, vertex.operation.evaluate(*(values[v] for v in vertex.inputs)), strict=True)
            )
        return values[z]

    return program


@st.composite
def programs(draw):
    """(graph, z, inputs): z is no constant, which has no place on a tape."""
    graph = draw(graphs(table=(*single, operations.sum_and_product)))
    moving = set(graph.sources)
    for number in graph.order:
        vertex = graph.vertices[number]
        if not moving.isdisjoint(vertex.inputs):
            moving.update(vertex.outputs)
    z = draw(st.sampled_from([name for name in graph.variables if name in moving]))
    return graph, z, {name: draw(rationals())[()] for name in graph.sources}


@exact_search
@given(programs())
def test_the_tape_gives_what_the_graph_gives(problem):
    graph, z, inputs = problem
    value, slopes = value_and_gradient(as_program(graph, z), *inputs.values())
    assert value == backprop.evaluate(graph, inputs)[z]
    assert dict(zip(graph.sources, slopes, strict=True)) == backprop.gradient(graph, inputs, z)
    assert all_fractions(slopes)


def entries(line):
    return zip(line[::2], line[1::2], strict=True)


@exact_search
@given(programs())
def test_the_tape_is_the_matrix_of_partials(problem):
    """Line by line the tape is C, and its reading is back substitution with I - C."""
    graph, z, inputs = problem
    tape = []
    output = as_program(graph, z)(*(Variable(value, tape) for value in inputs.values()))
    size = len(tape)
    rows = [{} for _ in range(size)]
    for i, row in enumerate(rows):
        for j, partial in entries(tape[i]):
            row[j] = row.get(j, 0) + partial
    linear = path_sums.LinearGraph(tuple(map(str, range(size))), tuple(rows))
    seeds = [Fraction(int(i == output.index)) for i in range(size)]
    expected = path_sums.back_substitution(linear, seeds)
    got = adjoints(output)
    assert [0 if bar is None else bar for bar in got] == expected[: len(got)]


def test_reading_the_tape_from_the_beginning_is_caught():
    """The wrong twin: lines in forward order pass on before they have received."""

    def wrong(problem):
        graph, z, inputs = problem
        tape = []
        output = as_program(graph, z)(*(Variable(value, tape) for value in inputs.values()))
        bars = [Fraction(int(i == output.index)) for i in range(len(tape))]
        for i in range(len(bars)):
            for j, partial in entries(tape[i]):
                bars[j] += bars[i] * partial
        return bars[: len(inputs)] != value_and_gradient(as_program(graph, z), *inputs.values())[1]

    assert_caught(programs(), wrong)


EXPRESSIONS = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: -x * x,
    lambda x, y: x + 3, lambda x, y: 3 + x, lambda x, y: x - 3, lambda x, y: 3 - x, lambda x, y: x * 3,
    lambda x, y: 3 * x, lambda x, y: x / 3, lambda x, y: 3 / x, lambda x, y: (x > y) * x, lambda x, y: (x > 1) * y,
    lambda x, y: x * x * x / (x + y * y) - y / (1 - x),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXPRESSIONS)))
def test_every_way_to_write_arithmetic(number):
    """Each operator, with a number on either side, against dual numbers."""
    expression, x, y = EXPRESSIONS[number], Fraction(7, 4), Fraction(3, 5)
    assert value_and_gradient(expression, x, y) == (
        expression(x, y),
        [slope(expression(lift(x, one), lift(y, 1 - one))) for one in (Fraction(1), Fraction(0))],
    )


def test_a_program_of_all_operators_by_the_checker():
    """In floats, at points of the checker's choosing; half of the gradient is refused."""

    def program(x, y):
        return x * x * x / (3 + x * x + y * y) - (2 - y) / (4 + x * x) + 0.5 * x * y

    def forward(x, y):
        return np.asarray(program(float(x), float(y)))

    def vjp(cotangent, x, y):
        _, slopes = value_and_gradient(program, float(x), float(y))
        return tuple(np.asarray(cotangent * slope) for slope in slopes)

    inputs = (np.array(1.75), np.array(0.75))
    assert gradcheck.check(forward, vjp, inputs, seed=0).ok
    assert not gradcheck.check(forward, lambda *a: tuple(0.5 * slope for slope in vjp(*a)), inputs, seed=0).ok


def test_a_function_given_with_its_derivative():
    sigmoid = generic.logistic(mp_exp)
    with mpmath.workdps(DIGITS):
        x = mpmath.mpf(2) / 7
        _, (got,) = value_and_gradient(lambda v: (v * v).apply(sigmoid) / v, x)
        expected, bound = central_difference(lambda t: 1 / (1 + mpmath.exp(-((x + t) ** 2))) / (x + t))
        assert abs(got - expected) <= bound < 1e-25


def test_loops_and_branches_leave_only_the_lines_that_were_run():
    def newton(a):
        """The square root of a; its slope is 1 / (2 sqrt(a)), whatever path the iteration took."""
        x = a if a > 1 else 1 + a * 0
        for _ in range(7):
            x = (x + a / x) / 2
        return x

    for a in (4.0, 0.25):
        value, (slope,) = value_and_gradient(newton, a)
        # seven steps from within a factor 4 of the root leave an error of rounding alone, and of its slope likewise;
        # the last step takes about ten operations of 2^-53 each
        assert abs(value - a**0.5) <= 10 * 2.0**-53 * a**0.5
        assert abs(slope - 0.5 / a**0.5) <= 10 * 2.0**-53 * 0.5 / a**0.5


def test_what_was_not_reached_passes_nothing_on():
    root = generic.Activation("root", np.sqrt, lambda z: np.inf)

    def program(x, idle):
        x.apply(root)
        return x * x

    assert value_and_gradient(program, 0.0, 5.0) == (0.0, [0.0, 0.0])


def test_an_input_given_back_as_it_is():
    assert value_and_gradient(lambda x, y, z: y, 1.0, 2.0, 3.0) == (2.0, [0.0, 1.0, 0.0])


def test_a_million_lines_deep():
    n = 1_000_000

    def program(x):
        for _ in range(n):
            x = -x
        return x

    assert value_and_gradient(program, 2.0) == (2.0, [1.0])


def test_what_is_no_scalar_of_the_program_is_refused():
    stranger = Variable(1.0, [])
    for output in (1.0, stranger):
        with pytest.raises(TypeError, match="must give a scalar computed from its inputs"):
            value_and_gradient(lambda x, output=output: output, 2.0)
    with pytest.raises(TypeError, match="meet the entries of an array one by one"):
        value_and_gradient(lambda x: x * np.ones(2), 2.0)
    with pytest.raises(TypeError, match="of two tapes"):
        value_and_gradient(lambda x: x * stranger, 2.0)
