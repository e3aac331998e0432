"""The formulas about two hidden layers: f = w3 . s(W2 s(W1 x)), as in ``two_layers``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_nets import two_layers
from reference_nets.generic import Activation, Value
from reference_nets.thread.records import Array, Formula, Gradients, Jacobian, Rule
from reference_nets.two_layers import Weights


def _example(rng: np.random.Generator) -> tuple[Array, ...]:
    """(W1, W2, w3, x) with as many units in both layers, which L2 and L3 need to be stated at all."""
    n, m = 3, 2
    signs = rng.choice([-1.0, 1.0], (n, n))
    return (
        rng.uniform(-1, 1, (n, m)),
        signs * rng.uniform(0.5, 1, (n, n)),
        rng.uniform(0.5, 1, n),
        rng.uniform(0.5, 1, m),
    )


def _diagonal_example(rng: np.random.Generator) -> tuple[Array, ...]:
    W1, W2, w3, x = _example(rng)
    return W1, np.diag(np.diag(W2)), w3, x


def mirrored(W: Value) -> Value:
    """The symmetric matrix with the entries of W on and above the diagonal."""
    upper = np.triu(np.ones(W.shape, dtype=int))
    return W * upper + (W * upper).T * (1 - upper)


def layer_formulas(s: Activation) -> tuple[Formula, ...]:
    """L1 to L3, for any activation."""

    def forward(W1: Value, W2: Value, w3: Value, x: Value) -> Value:
        return two_layers.forward(Weights(W1, W2, w3), x, s).f

    def right(g: Value, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        slopes, by_x = two_layers.vjp(g, Weights(W1, W2, w3), x, s)
        return (*slopes, by_x)

    def activities(W1: Value, W2: Value, w3: Value, x: Value) -> two_layers.Tape:
        return two_layers.forward(Weights(W1, W2, w3), x, s)

    def without_activity(g: Value, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        by_W1, by_W2, by_w3, by_x = right(g, W1, W2, w3, x)
        d2 = g * w3 * s.derivative(activities(W1, W2, w3, x).a2)
        return by_W1, d2[:, None] + 0 * by_W2, by_w3, by_x

    def one_path(g: Value, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        _, by_W2, by_w3, by_x = right(g, W1, W2, w3, x)
        tape = activities(W1, W2, w3, x)
        d1 = g * w3 * s.derivative(tape.a2) * np.diagonal(W2) * s.derivative(tape.a1)
        return np.outer(d1, x), by_W2, by_w3, by_x

    def symmetric(g: Value, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        by_W1, by_W2, by_w3, by_x = right(g, W1, mirrored(W2), w3, x)
        return by_W1, folded(by_W2), by_w3, by_x

    def folded(slope: Value) -> Value:
        """What a symmetric matrix passes on to its free entries: both mirror images to the upper, 0 to the lower."""
        upper = np.triu(np.ones(slope.shape[-2:], dtype=int))
        strictly = np.triu(np.ones(slope.shape[-2:], dtype=int), k=1)
        return slope * upper + np.swapaxes(slope, -1, -2) * strictly

    def l1(J: Jacobian, *inputs: Value) -> Gradients:
        by_W1, by_W2, *rest = J(*inputs)
        return by_W1, by_W2 / activities(*inputs).h1, *rest

    def l2(J: Jacobian, *inputs: Value) -> Gradients:
        """The right gradient less every path that changes lanes, i != j."""
        W1, W2, w3, x = inputs
        by_W1, *rest = J(*inputs)
        tape = activities(*inputs)
        slope1, slope2 = s.derivative(tape.a1), s.derivative(tape.a2)
        lost = 0 * by_W1
        for i in range(len(w3)):
            for j in range(len(W1)):
                for k in range(len(x)):
                    if i != j:
                        lost[0, j, k] = lost[0, j, k] + w3[i] * slope2[i] * W2[i, j] * slope1[j] * x[k]
        return by_W1 - lost, *rest

    def l3(J: Jacobian, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        by_W1, by_W2, *rest = J(W1, mirrored(W2), w3, x)
        for i in range(len(W2)):
            for j in range(i):
                by_W2[0, j, i] = by_W2[0, j, i] + by_W2[0, i, j]
                by_W2[0, i, j] = 0 * by_W2[0, i, j]
        return by_W1, by_W2, *rest

    def formula(
        number: str,
        printed: str,
        mended: str,
        relation: str,
        vjp: Callable[..., Gradients],
        predicted: Callable[..., Gradients],
        hidden: Callable[[np.random.Generator], tuple[Array, ...]] | None = None,
        hidden_when: str = "",
    ) -> Formula:
        return Formula(
            id=number,
            printed=printed,
            right=mended,
            relation=relation,
            inputs=("W1", "W2", "w3", "x"),
            differentiated=4,
            claimed=Rule(forward, vjp),
            mended=Rule(forward, right),
            predicted=predicted,
            example=_example,
            hidden=hidden,
            hidden_when=hidden_when,
        )

    return (
        formula(
            "L1",
            "dh2_i/dw2 = s'(a2_i), without the activity of the unit below",
            "dh2_i/dW2_ij = s'(a2_i) h1_j",
            "printed / right = 1 / h1_j for W2",
            without_activity,
            l1,
        ),
        formula(
            "L2",
            "df/dw1 as one product along one path",
            "df/dW1_jk = sum over ALL i of w3_i s'(a2_i) W2_ij s'(a1_j) x_k",
            "right - printed = the paths that use an entry of W2 off its diagonal",
            one_path,
            l2,
            _diagonal_example,
            "W2 is diagonal",
        ),
        formula(
            "L3",
            "W2 written with the same name for entries i, j and j, i, so that it is symmetric",
            "n2 n1 weights of their own, square or not",
            "printed = the gradient at the mirrored W2, with both mirror images added up above the diagonal and 0 below",
            symmetric,
            l3,
        ),
    )
