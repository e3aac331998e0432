"""Reverse mode for programs: numbers that write down what is done with them.

A program of arithmetic is a list of lines v_i = f_i(earlier v): Wengert's list.  Running it on ``Variable``s appends to
a tape, for every line, the numbers j of what it read and the partials c_ij = d v_i / d v_j, and no more:

    v_7 = v_3 v_5     is written as     columns 3, 5     partials v_5, v_3

So the tape is Bauer's matrix C (see ``path_sums``) in compressed sparse rows, and in Rojas's words it holds the left
half of every node.  Reading it from the end, once,

    vbar_j <- vbar_j + vbar_i c_ij        for every (j, c_ij) in line i

solves (I - C)^T vbar = seed by back substitution.  The whole cost is one multiplication and one addition an edge, and
one line of memory a vertex; loops and branches of the program leave no trace but the lines that were run.

Where ``graph`` keeps operations, names and shapes so that a computation can be looked at, drawn, checked and
differentiated as a graph, a tape keeps numbers only, and is the faster for it.

Sources: R. E. Wengert, A simple automatic derivative evaluation program, Communications of the ACM 7 (1964) 463-464;
S. Linnainmaa, Taylor expansion of the accumulated rounding error, BIT 16 (1976) 146-160; R. Rojas, Neural Networks
(1996), section 7.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_nets.generic import Activation, Value, ones_like, zeros_like


class Tape:
    """The matrix C in compressed sparse rows: row i is the entries from ends[i - 1] to ends[i]."""

    __slots__ = ("columns", "ends", "partials")

    def __init__(self) -> None:
        self.columns: list[int] = []
        self.partials: list[Value] = []
        self.ends: list[int] = []

    def row(self, i: int) -> list[tuple[int, Value]]:
        """The numbers that line i read, with the partials; a number that was read twice is there twice."""
        entries = slice(self.ends[i - 1] if i else 0, self.ends[i])
        return list(zip(self.columns[entries], self.partials[entries], strict=True))


class Variable:
    """A scalar with its place on a tape.  Plain numbers may stand beside it: they are constants."""

    __slots__ = ("index", "tape", "value")

    def __init__(
        self, value: Value, tape: Tape, columns: tuple[int, ...] = (), partials: tuple[Value, ...] = ()
    ) -> None:
        self.value = value
        self.tape = tape
        self.index = len(tape.ends)
        tape.columns += columns
        tape.partials += partials
        tape.ends.append(len(tape.columns))

    def _of_one(self, value: Value, slope: Value) -> Variable:
        return Variable(value, self.tape, (self.index,), (slope,))

    def _of_two(self, other: Variable, value: Value, slope: Value, other_slope: Value) -> Variable:
        if other.tape is not self.tape:
            raise TypeError("an operation on variables of two tapes, on which their numbers mean different lines")
        return Variable(value, self.tape, (self.index, other.index), (slope, other_slope))

    def apply(self, activation: Activation) -> Variable:
        """f(x) for any function that is given with its derivative."""
        return self._of_one(activation.function(self.value), activation.derivative(self.value))

    def __add__(self, other: Any) -> Variable:
        if isinstance(other, Variable):
            return self._of_two(other, self.value + other.value, 1, 1)
        return self._of_one(self.value + other, 1)

    def __sub__(self, other: Any) -> Variable:
        if isinstance(other, Variable):
            return self._of_two(other, self.value - other.value, 1, -1)
        return self._of_one(self.value - other, 1)

    def __rsub__(self, other: Any) -> Variable:
        return self._of_one(other - self.value, -1)

    def __mul__(self, other: Any) -> Variable:
        if isinstance(other, Variable):
            return self._of_two(other, self.value * other.value, other.value, self.value)
        return self._of_one(self.value * other, other)

    def __truediv__(self, other: Any) -> Variable:
        if isinstance(other, Variable):
            quotient = self.value / other.value
            return self._of_two(other, quotient, 1 / other.value, -quotient / other.value)
        return self._of_one(self.value / other, ones_like(self.value) / other)

    def __rtruediv__(self, other: Any) -> Variable:
        quotient = other / self.value
        return self._of_one(quotient, -quotient / self.value)

    def __neg__(self) -> Variable:
        return self._of_one(-self.value, -1)

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > (other.value if isinstance(other, Variable) else other))

    __radd__, __rmul__ = __add__, __mul__


def adjoints(output: Variable) -> list[Value]:
    """The derivatives of ``output`` by every line of its tape up to its own; None for what it does not depend on.

    What was not reached passes nothing on: 0 times a partial that is infinite would be nan.
    """
    columns, partials, ends = output.tape.columns, output.tape.partials, output.tape.ends
    bars: list[Value] = [None] * (output.index + 1)
    bars[output.index] = ones_like(output.value)
    for i in range(output.index, -1, -1):
        bar = bars[i]
        if bar is not None:
            for entry in range(ends[i - 1] if i else 0, ends[i]):
                j = columns[entry]
                before, contribution = bars[j], bar * partials[entry]
                bars[j] = contribution if before is None else before + contribution
    return bars


def value_and_gradient(program: Callable[..., Variable], *inputs: Value) -> tuple[Value, list[Value]]:
    """The value of a program of scalars and its derivative by every input."""
    tape = Tape()
    variables = [Variable(value, tape) for value in inputs]
    output = program(*variables)
    if not isinstance(output, Variable) or output.tape is not tape:
        raise TypeError(f"the program must give a scalar computed from its inputs, not {output!r}")
    bars = adjoints(output)[: len(inputs)]
    bars += [None] * (len(inputs) - len(bars))  # inputs that come after an input given back as it is
    slopes = [zeros_like(x) if bar is None else bar for x, bar in zip(inputs, bars, strict=True)]
    return output.value, slopes
