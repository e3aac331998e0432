"""The graph that a program of arithmetic draws as it runs: every node with its two halves and its adjoint.

Run on ``Drawn`` numbers, a program leaves the tape of ``tape``, and beside it what each line computed.  A node stores,
in Rojas's words,

    right half   o, its value
    left half    d o / d o_j for each of its inputs: for a unit the one number f'(s)

and reverse accumulation adds what he calls the collected traffic, the derivative of the output by o.  Sums of sums are
drawn as one node: additions whose result is read by one other addition, and by nothing else, are taken into that one.
What the output does not depend on is not drawn, nor are a product with the number 0 or 1 and a sum with the number 0.

Source: R. Rojas, Neural Networks (1996), sections 7.2.2 and 7.2.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, hyperbolic_tangent, logistic
from reference_nets.losses import binary_cross_entropy, cross_entropy
from reference_nets.networks.records import Kit
from reference_nets.tape import Line, Variable, adjoints

SUM = "+"
"""The name of a node that adds, whatever the signs of its terms are."""
TIMES = "\N{MULTIPLICATION SIGN}"


class Drawn(Variable):
    """A variable of a tape that also says what computed it, in a list beside the tape."""

    __slots__ = ("log",)

    def __init__(self, value: Value, tape: list[Line], log: list[tuple[str, Value]], name: str) -> None:
        super().__init__(value, tape)
        self.log = log
        log.append((name, value))

    def _named(self, name: str, result: Variable) -> Drawn:
        """The last line of the tape, with its name."""
        line = self.tape.pop()
        drawn = Drawn(result.value, self.tape, self.log, name)
        self.tape[-1] = line
        return drawn

    def apply(self, activation: Activation) -> Drawn:
        """One node: o = f(s) to the right, f'(s) to the left."""
        return self._named(activation.name, super().apply(activation))

    def __add__(self, other: Any) -> Drawn:
        if _is(other, 0):
            return self
        return self._named(SUM if isinstance(other, Variable) else _shift(other), super().__add__(other))

    def __sub__(self, other: Any) -> Drawn:
        return self._named(SUM if isinstance(other, Variable) else _shift(-other), super().__sub__(other))

    def __rsub__(self, other: Any) -> Drawn:
        return self._named(f"{_short(other)} - o", super().__rsub__(other))

    def __mul__(self, other: Any) -> Any:
        if _is(other, 0):
            return 0.0  # a number, of which nothing is to be drawn
        if _is(other, 1):
            return self
        return self._named(TIMES if isinstance(other, Variable) else f"{TIMES} {_short(other)}", super().__mul__(other))

    def __truediv__(self, other: Any) -> Drawn:
        return self._named("/" if isinstance(other, Variable) else f"/ {_short(other)}", super().__truediv__(other))

    def __rtruediv__(self, other: Any) -> Drawn:
        return self._named(f"{_short(other)} / o", super().__rtruediv__(other))

    def __neg__(self) -> Drawn:
        return self._named("-", super().__neg__())

    def __ge__(self, other: Any) -> bool:  # NumPy's max of objects asks this
        return bool(self.value >= (other.value if isinstance(other, Variable) else other))

    __radd__, __rmul__ = __add__, __mul__


class DrawnNode(NamedTuple):
    """One node: what it is, its two halves, its adjoint, and which nodes it reads (by number, one per left label)."""

    name: str
    value: Value
    adjoint: Value
    inputs: tuple[int, ...] = ()
    left: tuple[Value, ...] = ()
    """One partial derivative for each of ``inputs``, in their order."""


def _entrywise(activation: Activation) -> Callable[[Value], Value]:
    """The function for arrays that hold drawn and plain numbers."""
    one = np.frompyfunc(lambda z: z.apply(activation) if isinstance(z, Drawn) else activation.function(z), 1, 1)
    return lambda z: one(z)


_exp = _entrywise(Activation("exp", np.exp, np.exp))
_log = _entrywise(Activation("log", np.log, lambda z: 1 / z))
_tanh = hyperbolic_tangent(_entrywise(hyperbolic_tangent()))


def _sigmoid() -> Activation:
    inside = logistic(_exp)
    floats = logistic()
    one = Activation("sigmoid", floats.function, floats.derivative)
    return Activation("sigmoid", _entrywise(one), inside.derivative, inside.second)


DRAWING = Kit("drawn numbers", _sigmoid(), _tanh, cross_entropy(_exp, _log), binary_cross_entropy(_log))
"""The kit that draws: an activation is one node with o to the right and f' to the left."""


def draw(
    forward: Callable[..., Value], names: Sequence[str], inputs: Sequence[Value], differentiated: int, cotangent: Value
) -> tuple[DrawnNode, ...]:
    """The graph of <cotangent, forward(inputs)>, from the inputs to the output, which is the last node.

    The first ``differentiated`` inputs become nodes, entry by entry; the others, and numbers of the program, stay
    constants, which are not drawn.
    """
    tape: list[Line] = []
    log: list[tuple[str, Value]] = []
    lifted: list[Value] = []
    for place, (name, value) in enumerate(zip(names, inputs, strict=True)):
        entries = np.empty(np.shape(value), dtype=object)
        for index in np.ndindex(entries.shape):
            number = float(value[index])
            label = f"{name}{list(index)}" if index else name
            entries[index] = Drawn(number, tape, log, label) if place < differentiated else number
        lifted.append(entries if entries.shape else entries[()])
    outputs = np.ravel(np.asarray(forward(*lifted), dtype=object))
    weights = np.ravel(np.asarray(cotangent, dtype=float))
    output = outputs[0] if len(outputs) == 1 and weights[0] == 1 else (outputs * weights).sum()
    if not isinstance(output, Drawn):
        raise TypeError("the output does not depend on any input that is differentiated")
    return _folded(output)


def _folded(output: Drawn) -> tuple[DrawnNode, ...]:
    """The nodes that the output depends on, sums of sums as one node, numbered anew."""
    bars = adjoints(output)
    lines: dict[int, list[tuple[int, Value]]] = {}
    for i in range(output.index, -1, -1):
        if bars[i] is not None:
            lines[i] = list(zip(output.tape[i][::2], output.tape[i][1::2], strict=True))
    readers = Counter(j for line in lines.values() for j, _ in line)
    for i in sorted(lines):  # what a sum takes in has been folded before
        if output.log[i][0] == SUM:
            terms: list[tuple[int, Value]] = []
            for j, partial in lines[i]:
                if output.log[j][0] == SUM and readers[j] == 1:
                    terms += [(k, partial * inner) for k, inner in lines.pop(j)]
                else:
                    terms.append((j, partial))
            lines[i] = terms
    number = {i: place for place, i in enumerate(sorted(lines))}
    return tuple(
        DrawnNode(
            output.log[i][0],
            output.log[i][1],
            bars[i],
            tuple(number[j] for j, _ in lines[i]),
            tuple(partial for _, partial in lines[i]),
        )
        for i in sorted(lines)
    )


def _is(other: Any, number: int) -> bool:
    return not isinstance(other, Variable) and bool(other == number)


def _shift(number: Any) -> str:
    return f"{'-' if number < 0 else SUM} {_short(abs(number))}"


def _short(number: Any) -> str:
    return f"{float(number):.3g}"
