"""Reverse mode for programs: numbers that write down what is done with them.

A program of arithmetic is a list of lines v_i = f_i(earlier v): Wengert's list.  Running it on ``Variable``s appends to
a tape, for every line, the numbers j of what it read and the partials c_ij = d v_i / d v_j, and no more:

    v_7 = v_3 v_5     is written as     (3, v_5, 5, v_3)

So the tape is Bauer's matrix C row by row (see ``path_sums``), and in Rojas's words it holds the left half of every
node.  Reading it from the end, once,

    vbar_j <- vbar_j + vbar_i c_ij        for every (j, c_ij) in line i

solves (I - C)^T vbar = seed by back substitution.  Once the partials are there, the cost is one multiplication and one
addition an edge, and one line of memory a vertex; loops and branches of the program leave no trace but the lines that
were run.  (Partials are formed whether they will be needed or not, and the two of x / y take three operations.  The
bound of ``counting``, five times the value, is met by ``backprop`` and not here, where x / y costs seven in all.)

Where ``graph`` keeps operations, names and shapes so that a computation can be looked at, drawn, checked and
differentiated as a graph, a tape keeps numbers only, and is the faster for it.

Sources: R. E. Wengert, A simple automatic derivative evaluation program, Communications of the ACM 7 (1964) 463-464;
S. Linnainmaa, Taylor expansion of the accumulated rounding error, BIT 16 (1976) 146-160; R. Rojas, Neural Networks
(1996), section 7.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reference_nets.generic import Activation, Value, ones_like, zeros_like

Line = tuple[Any, ...]
"""(), or (j, c_ij), or (j, c_ij, k, c_ik): what line i read, each with the partial.  It may have read j = k twice."""


class Variable:
    """A scalar with its place on a tape.  Plain numbers may stand beside it: they are constants."""

    __slots__ = ("index", "tape", "value")

    def __init__(self, value: Value, tape: list[Line], line: Line = ()) -> None:
        self.value = value
        self.tape = tape
        self.index = len(tape)
        tape.append(line)

    def _of_one(self, value: Value, slope: Value) -> Variable:
        if isinstance(value, np.ndarray):
            raise TypeError("a variable of a tape is a scalar; meet the entries of an array one by one")
        return Variable(value, self.tape, (self.index, slope))

    def _of_two(self, other: Variable, value: Value, slope: Value, other_slope: Value) -> Variable:
        if other.tape is not self.tape:
            raise TypeError("an operation on variables of two tapes, on which their numbers mean different lines")
        return Variable(value, self.tape, (self.index, slope, other.index, other_slope))

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
    bars: list[Value] = [None] * (output.index + 1)
    bars[output.index] = ones_like(output.value)
    for i in range(output.index, -1, -1):
        bar = bars[i]
        line = output.tape[i]
        if bar is None or not line:
            continue
        if len(line) == 2:
            j, partial = line
        else:
            j, partial, k, partial_k = line
            bars[k] = bar * partial_k if bars[k] is None else bars[k] + bar * partial_k
        bars[j] = bar * partial if bars[j] is None else bars[j] + bar * partial
    return bars


def value_and_gradient(program: Callable[..., Variable], *inputs: Value) -> tuple[Value, list[Value]]:
    """The value of a program of scalars and its derivative by every input."""
    tape: list[Line] = []
    variables = [Variable(value, tape) for value in inputs]
    output = program(*variables)
    if not isinstance(output, Variable) or output.tape is not tape:
        raise TypeError(f"the program must give a scalar computed from its inputs, not {output!r}")
    bars = adjoints(output)[: len(inputs)]
    bars += [None] * (len(inputs) - len(bars))  # inputs that come after an input given back as it is
    slopes = [zeros_like(x) if bar is None else bar for x, bar in zip(inputs, bars, strict=True)]
    return output.value, slopes
