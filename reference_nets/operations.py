"""A few operations to put at the vertices of a graph, each with its derivative in both directions.

Operations of two inputs work entry by entry on inputs of EQUAL shape (nothing is broadcast); ``matmul`` and ``split``
say their shapes.  x, y, c, t are the tuples of inputs, outputs, cotangents and tangents; x1, x2 their entries.
"""

from __future__ import annotations

import numpy as np

from reference_nets.generic import Activation, Value, cube, hyperbolic_tangent, square
from reference_nets.graph import GraphError, Operation

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
divide = Operation(
    "div",
    2,
    1,
    evaluate=lambda x1, x2: (x1 / x2,),
    vjp=lambda x, y, c: (c[0] / x[1], -c[0] * y[0] / x[1]),
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

total = Operation(
    "total",
    1,
    1,
    evaluate=lambda x1: (np.sum(x1),),
    vjp=lambda x, y, c: (np.broadcast_to(c[0], np.shape(x[0])),),
    jvp=lambda x, y, t: (np.sum(t[0]),),
)
"""The sum of all entries."""


def _halves(x1: Value) -> tuple[Value, Value]:
    if len(x1) % 2:
        raise GraphError(f"split needs an even number of rows, not {len(x1)}")
    return x1[: len(x1) // 2], x1[len(x1) // 2 :]


split = Operation(
    "split",
    1,
    2,
    evaluate=_halves,
    vjp=lambda x, y, c: (np.concatenate(c),),
    jvp=lambda x, y, t: _halves(t[0]),
)
"""The first and the second half of the rows, as two outputs."""


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
tanh = entrywise(hyperbolic_tangent())
sin = entrywise(Activation("sin", np.sin, np.cos))
cos = entrywise(Activation("cos", np.cos, lambda z: -np.sin(z)))
exp = entrywise(Activation("exp", np.exp, np.exp))
