"""A few operations to put at the vertices of a graph, each with its derivative in both directions.

Operations of two inputs work entry by entry on inputs of EQUAL shape (nothing is broadcast), except where shapes are
said.  x, y, c, t are the tuples of inputs, outputs, cotangents and tangents; x1, x2 their entries.

The derivatives are written with ``+ - * / @ .T`` and with operations of this table alone.  The table is therefore
closed under differentiation: given symbols in the place of numbers, a derivative is a piece of graph, which can be
differentiated again.

No vjp costs more than five times its operation, the additions that collect what it sends back included; this is what
the cheap gradient principle rests on (Baur and Strassen, The complexity of partial derivatives, Theoretical Computer
Science 22 (1983) 317-330).  It is why ``divide`` divides once and ``tanh`` reads its own output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, cube, ones_like, square, zeros_like
from reference_nets.graph import GraphError, Operation, Values

negative = Operation("neg", 1, 1, lambda x1: (-x1,), lambda x, y, c: (-c[0],), lambda x, y, t: (-t[0],))

add = Operation(
    "add",
    2,
    1,
    evaluate=lambda x1, x2: (x1 + x2,),
    vjp=lambda x, y, c: (c[0], c[0]),
    jvp=lambda x, y, t: (t[0] + t[1],),
)
subtract = Operation(
    "sub",
    2,
    1,
    evaluate=lambda x1, x2: (x1 - x2,),
    vjp=lambda x, y, c: (c[0], -c[0]),
    jvp=lambda x, y, t: (t[0] - t[1],),
)
multiply = Operation(
    "mul",
    2,
    1,
    evaluate=lambda x1, x2: (x1 * x2,),
    vjp=lambda x, y, c: (c[0] * x[1], c[0] * x[0]),
    jvp=lambda x, y, t: (t[0] * x[1] + x[0] * t[1],),
)


def _divide_vjp(x: Values, y: Values, c: Values) -> Values:
    quotient = c[0] / x[1]
    return quotient, -quotient * y[0]


divide = Operation(
    "div",
    2,
    1,
    evaluate=lambda x1, x2: (x1 / x2,),
    vjp=_divide_vjp,
    jvp=lambda x, y, t: ((t[0] - y[0] * t[1]) / x[1],),
)
sum_and_product = Operation(
    "sum_and_product",
    2,
    2,
    evaluate=lambda x1, x2: (x1 + x2, x1 * x2),
    vjp=lambda x, y, c: (c[0] + c[1] * x[1], c[0] + c[1] * x[0]),
    jvp=lambda x, y, t: (t[0] + t[1], t[0] * x[1] + x[0] * t[1]),
)
"""Two outputs, x1 + x2 and x1 x2: their cotangents meet in both inputs."""

matmul = Operation(
    "matmul",
    2,
    1,
    evaluate=lambda x1, x2: (x1 @ x2,),
    vjp=lambda x, y, c: (c[0] @ x[1].T, x[0].T @ c[0]),
    jvp=lambda x, y, t: (t[0] @ x[1] + x[0] @ t[1],),
)
"""X1 of shape (p, q) times X2 of shape (q, r)."""

transpose = Operation("transpose", 1, 1, lambda x1: (x1.T,), lambda x, y, c: (c[0].T,), lambda x, y, t: (t[0].T,))

total: Operation = Operation(
    "total",
    1,
    1,
    evaluate=lambda x1: (np.sum(x1),),
    vjp=lambda x, y, c: spread(c[0], x[0]),
    jvp=lambda x, y, t: total(t[0]),
)
"""The sum of all entries."""

spread: Operation = Operation(
    "spread",
    2,
    1,
    evaluate=lambda x1, x2: (np.broadcast_to(x1, np.shape(x2))[()],),
    vjp=lambda x, y, c: (total(c[0])[0], zeros_like(x[1])),
    jvp=lambda x, y, t: spread(t[0], x[1]),
)
"""The scalar x1 in every entry of an array of the shape of x2."""


def _halves(x1: Value) -> tuple[Value, Value]:
    if len(x1) % 2:
        raise GraphError(f"split needs an even number of rows, not {len(x1)}")
    return x1[: len(x1) // 2], x1[len(x1) // 2 :]


split: Operation = Operation(
    "split",
    1,
    2,
    evaluate=_halves,
    vjp=lambda x, y, c: joined(*c),
    jvp=lambda x, y, t: split(t[0]),
)
"""The first and the second half of the rows, as two outputs."""

joined: Operation = Operation(
    "joined",
    2,
    1,
    evaluate=lambda x1, x2: (np.concatenate((x1, x2)),),
    vjp=lambda x, y, c: split(c[0]),
    jvp=lambda x, y, t: joined(*t),
)
"""As many rows from x1 as from x2."""

# Operations of one input, where a number stands in a formula ----------------------------------------------------------


def scaled(k: Value) -> Operation:
    """x -> k x for a number k."""
    return Operation(f"{k}*", 1, 1, lambda x1: (x1 * k,), lambda x, y, c: (c[0] * k,), lambda x, y, t: (t[0] * k,))


def shifted(k: Value) -> Operation:
    """x -> x + k for a number k."""
    return Operation(f"{k}+", 1, 1, lambda x1: (x1 + k,), lambda x, y, c: (c[0],), lambda x, y, t: (t[0],))


def divided(k: Value) -> Operation:
    """x -> x / k for a number k."""
    return Operation(f"/{k}", 1, 1, lambda x1: (x1 / k,), lambda x, y, c: (c[0] / k,), lambda x, y, t: (t[0] / k,))


def over(k: Value) -> Operation:
    """x -> k / x for a number k."""
    return Operation(
        f"{k}/",
        1,
        1,
        evaluate=lambda x1: (k / x1,),
        vjp=lambda x, y, c: (-c[0] * y[0] / x[0],),
        jvp=lambda x, y, t: (-t[0] * y[0] / x[0],),
    )


positive = Operation(
    "positive",
    1,
    1,
    evaluate=lambda x1: (x1 > 0,),
    vjp=lambda x, y, c: (zeros_like(x[0]),),
    jvp=lambda x, y, t: (zeros_like(t[0]),),
)
"""1[x > 0], of slope 0 wherever it has one; ``relu`` is x 1[x > 0]."""


def _one(x1: Value) -> Values:
    if np.shape(x1) != ():
        raise GraphError(f"only a scalar has a gradient, not an output of shape {np.shape(x1)}: give it a seed")
    return (ones_like(x1),)


one = Operation("one", 1, 1, _one, lambda x, y, c: (zeros_like(x[0]),), lambda x, y, t: (zeros_like(t[0]),))
"""The number 1 beside a scalar x, from which reverse accumulation starts.  An x that is no scalar is refused."""


def constant(value: Value, name: str = "constant") -> Operation:
    """The operation without inputs that gives ``value``."""
    return Operation(name, 0, 1, lambda: (value,), lambda x, y, c: (), lambda x, y, t: (y[0] * 0,))


def entrywise(activation: Activation) -> Operation:
    """An activation as an operation of one input; for functions that are not rational, this is where they come in."""
    return Operation(
        activation.name,
        1,
        1,
        evaluate=lambda x1: (activation.function(x1),),
        vjp=lambda x, y, c: (c[0] * activation.derivative(x[0]),),
        jvp=lambda x, y, t: (activation.derivative(x[0]) * t[0],),
    )


squared = entrywise(square)
cubed = entrywise(cube)


class Elementary(NamedTuple):
    """The elementary functions as operations, each entry by entry."""

    exp: Operation
    log: Operation
    tanh: Operation
    sin: Operation
    cos: Operation


def elementary(
    exp: Callable[[Value], Value] = np.exp,
    log: Callable[[Value], Value] = np.log,
    tanh: Callable[[Value], Value] = np.tanh,
    sin: Callable[[Value], Value] = np.sin,
    cos: Callable[[Value], Value] = np.cos,
) -> Elementary:
    """The elementary functions of one number type; the derivative of each is written with the others.

    exp' = exp, log' = 1/x, tanh' = (1 - tanh)(1 + tanh), sin' = cos, cos' = -sin.
    """

    def operation(name: str, function: Callable[[Value], Value], slope: Callable[[Value, Value], Value]) -> Operation:
        return Operation(
            name,
            1,
            1,
            evaluate=lambda x1: (function(x1),),
            vjp=lambda x, y, c: (c[0] * slope(x[0], y[0]),),
            jvp=lambda x, y, t: (t[0] * slope(x[0], y[0]),),
        )

    sine: Operation = operation("sin", sin, lambda x, y: cosine(x)[0])
    cosine: Operation = operation("cos", cos, lambda x, y: -sine(x)[0])
    return Elementary(
        exp=operation("exp", exp, lambda x, y: y),
        log=operation("log", log, lambda x, y: 1 / x),
        tanh=operation("tanh", tanh, lambda x, y: (1 - y) * (1 + y)),
        sin=sine,
        cos=cosine,
    )


exp, log, tanh, sin, cos = elementary()
