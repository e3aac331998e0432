"""Programs that Hypothesis draws, with integers in their leaves, and their gradients without any rounding."""

import functools

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from gradcheck.subjects.programs import ARITY, DIRECTION, LENGTH, OPERATIONS, POLYNOMIAL, Program, Step, dual
from reference_nets.backprop import evaluate, vjp
from reference_nets.symbols import Drawing

EXACT = 2**53
"""Integers up to here are doubles, and sums and products of them that stay below are exact."""


WORDS = {**OPERATIONS, "square": lambda x: x * x}
"""A symbol has no powers."""


@st.composite
def programs(draw, manners):
    """A polynomial program, integer leaves and cotangents, and the outputs and gradients in integers.

    A program in which some number on the way, forwards or backwards, could be too large for a double is not used: the
    magnitudes are those of the program without signs, twice over for the manners that add two passes.
    """
    leaves = draw(st.integers(1, 4))
    back = st.integers(0, 15)  # how far back a step reads: shrinking draws it nearer, and drops steps
    lines = draw(st.lists(st.tuples(st.sampled_from(POLYNOMIAL), back, back), min_size=1, max_size=12))
    steps = tuple(
        Step(name, tuple(number - 1 - k % number for k in reads[: ARITY[name]]))
        for number, (name, *reads) in enumerate(lines, start=leaves)
    )
    outputs = draw(st.lists(back, min_size=1, max_size=3))
    last = leaves + len(steps) - 1
    given = tuple(last - k % len(steps) for k in outputs)
    program = Program(leaves, steps, given, draw(st.sampled_from(manners)))
    small = st.lists(st.integers(-3, 3), min_size=LENGTH, max_size=LENGTH)
    leaves = draw(st.lists(small, min_size=program.leaves, max_size=program.leaves))
    cotangents = draw(st.lists(small, min_size=len(program.outputs), max_size=len(program.outputs)))
    unsigned = [[[abs(v) for v in part] for part in parts] for parts in (leaves, cotangents)]
    assume(_largest(program, *unsigned) < EXACT)
    return program, leaves, cotangents, *solved(program, leaves, cotangents)


def whole(entries):
    """An array of Python's integers, which never round."""
    return np.array(entries, dtype=object)


def _graph(program, operations):
    drawing = Drawing()
    symbols = [whole([drawing.source(f"x{k}_{i}") for i in range(LENGTH)]) for k in range(program.leaves)]
    return drawing, [[entry.name for entry in output] for output in program.run(operations, symbols)]


def _tangents(drawing, program, words=WORDS, direction=DIRECTION):
    """The names of the tangents of the outputs along a direction, drawn into the same graph."""
    leaves = [whole([drawing.variable(f"x{k}_{i}") for i in range(LENGTH)]) for k in range(program.leaves)]
    # A tangent is a symbol, too: the number times 0 x + 1.
    pairs = program.run(
        {name: functools.partial(dual, name, language=words) for name in words},
        [(x, (x * 0 + 1) * whole([int(d) for d in direction])) for x in leaves],
    )
    return [[entry.name for entry in tangent] for _, tangent in pairs]


def _seeds(names, cotangents):
    seeds = {}
    for output, given in zip(names, cotangents, strict=True):
        for name, g in zip(output, given, strict=True):
            seeds[name] = seeds.get(name, 0) + g
    return seeds


def solved(program, leaves, cotangents):
    """Outputs and gradients in integers: the graph of the scalars, differentiated by ``reference_nets``."""
    drawing, names = _graph(program, WORDS)
    claimed = names
    if program.manner == "second":
        claimed = _tangents(drawing, program)
    graph = drawing.graph()
    values = evaluate(graph, {f"x{k}_{i}": v for k, part in enumerate(leaves) for i, v in enumerate(part)})
    bars = vjp(graph, values, _seeds(claimed, cotangents))
    outputs = [[values[name] for name in output] for output in names]
    return outputs, [[bars[f"x{k}_{i}"] for i in range(LENGTH)] for k in range(program.leaves)]


def _largest(program, leaves, cotangents):
    """The largest number in the program without signs, forwards and backwards."""
    unsigned = {**WORDS, "subtract": lambda x, y: x + y, "negative": lambda x: x}
    drawing, names = _graph(program, unsigned)
    if program.manner == "second":
        names = _tangents(drawing, program, unsigned, [abs(d) for d in DIRECTION])
    graph = drawing.graph()
    values = evaluate(graph, {f"x{k}_{i}": v for k, part in enumerate(leaves) for i, v in enumerate(part)})
    bars = vjp(graph, values, _seeds(names, cotangents), of=graph.variables)
    return 2 * max(*values.values(), *bars.values())
