"""Right formulas in a wrong order: what goes wrong when computing a gradient and changing the weights are mixed up.

O1 and O3 are about Rojas's matrix form (``rojas_layers``), O2 is about ``recurrent``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_nets import recurrent, rojas_layers
from reference_nets.generic import Activation, Value
from reference_nets.thread.records import Array, Formula, Gradients, Jacobian, Rule

RATE = 1
"""The rate of the early changes of weights; any other rate gives a smaller or larger error of the same kind."""


def _layers(patterns: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """(M1, M2, x, t): extended matrices of widths 2, 3, 2."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        M1, M2 = rng.uniform(-1, 1, (3, 3)), rng.uniform(0.25, 1, (4, 2))
        return M1, M2, rng.uniform(0.5, 1, (patterns, 2)), rng.uniform(2, 3, (patterns, 2))

    return draw


def _steps(count: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """(W, o(0), x, targets) of 3 units over so many steps."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        W, start = rng.uniform(0.25, 1, (3, 3)), rng.uniform(0.25, 1, 3)
        return W, start, rng.uniform(-0.5, 0.5, (count, 3)), rng.uniform(2, 3, (count, 3))

    return draw


def order_formulas(f: Activation) -> tuple[Formula, ...]:
    """O1 to O3, for any activation."""

    def error(M1: Value, M2: Value, x: Value, t: Value) -> Value:
        return rojas_layers.error((M1, M2), (f, f), x, t)

    def slopes(M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        return rojas_layers.gradient((M1, M2), (f, f), x, t)

    def scaled(g: Value, gradients: Gradients) -> Gradients:
        return tuple(g * part for part in gradients)

    def early(g: Value, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        """Pattern by pattern: M2 is changed as soon as its correction is known, and delta^1 is computed with the new."""
        by_M1, by_M2 = 0 * M1, 0 * M2
        for pattern, target in zip(x, t, strict=True):
            labels = rojas_layers.feed_forward((M1, M2), (f, f), pattern)
            delta2 = labels.slopes[1] * (labels.outputs[2] - target)
            correction = np.outer(rojas_layers.extend(labels.outputs[1]), delta2)
            changed = M2 - RATE * correction
            delta1 = labels.slopes[0] * (changed[:-1] @ delta2)
            by_M1 = by_M1 + np.outer(rojas_layers.extend(pattern), delta1)
            by_M2 = by_M2 + correction
        return scaled(g, (by_M1, by_M2))

    def o1(J: Jacobian, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        """Column j of dE/dM1 is o^0 delta^1_j, and loses rate |delta^2|^2 o^1_j f'(s^1_j) per pattern, times (o^0, 1)."""
        by_M1, by_M2 = J(M1, M2, x, t)
        for pattern, target in zip(x, t, strict=True):
            one = J(M1, M2, pattern[None], target[None])[1][0]
            delta2 = one[-1]  # the correction of the biases
            labels = rojas_layers.feed_forward((M1, M2), (f, f), pattern)
            lost = RATE * (delta2 * delta2).sum() * labels.outputs[1] * labels.slopes[0]
            by_M1 = by_M1 - np.outer(rojas_layers.extend(pattern), lost)
        return by_M1, by_M2

    def one_after_the_other(g: Value, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        (M1_new, M2_new), _ = rojas_layers.learn((M1, M2), (f, f), x, t, rate=RATE, rounds=1, online=True)
        return scaled(g, ((M1 - M1_new) / RATE, (M2 - M2_new) / RATE))

    def o3(J: Jacobian, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        """The gradient of each pattern's error, at the weights that the patterns before have left."""
        total, at = (0 * M1[None], 0 * M2[None]), (M1, M2)
        for pattern, target in zip(x, t, strict=True):
            rows = J(*at, pattern[None], target[None])
            total = (total[0] + rows[0], total[1] + rows[1])
            at = (at[0] - RATE * rows[0][0], at[1] - RATE * rows[1][0])
        return total

    def through_time(W: Value, start: Value, x: Value, t: Value) -> Value:
        return recurrent.error(W, start, x, t, f)

    def all_uses(g: Value, W: Value, start: Value, x: Value, t: Value) -> Gradients:
        return scaled(g, tuple(recurrent.gradient(W, start, x, t, f))[:1])

    def last_use(g: Value, W: Value, start: Value, x: Value, t: Value) -> Gradients:
        run = recurrent.forward(W, start, x, f)
        delta = f.derivative(run.sums[-1]) * (run.outputs[-1] - t[-1])
        return (g * np.outer(run.outputs[-2], delta),)

    def o2(J: Jacobian, W: Value, start: Value, x: Value, t: Value) -> Gradients:
        """One step of its own, that starts where the steps before have led."""
        before = recurrent.forward(W, start, x, f).outputs[-2]
        return J(W, before, x[-1:], t[-1:])

    mended = Rule(error, lambda g, *inputs: scaled(g, slopes(*inputs)))
    return (
        Formula(
            id="O1",
            printed="correct W2, then compute delta^1 = D_1 W2 delta^2 with it",
            right="compute all deltas, then correct all weights",
            relation="right - printed = rate |delta^2|^2 o^1_j f'(s^1_j) (o^0, 1) in column j of dE/dW1; dE/dW2 is right",
            inputs=("M1", "M2", "x", "t"),
            differentiated=2,
            claimed=Rule(error, early),
            mended=mended,
            predicted=o1,
            example=_layers(2),
        ),
        Formula(
            id="O2",
            printed="dE/dw_ij = o_i(T-1) delta_j(T): the weight's last use",
            right="dE/dw_ij = sum over t of o_i(t-1) delta_j(t): all its uses",
            relation="printed = the gradient of the last step alone, begun where the steps before have led",
            inputs=("W", "start", "x", "t"),
            differentiated=1,
            claimed=Rule(through_time, last_use),
            mended=Rule(through_time, all_uses),
            predicted=o2,
            example=_steps(4),
            hidden=_steps(1),
            hidden_when="T = 1",
        ),
        Formula(
            id="O3",
            printed="the corrections of one round of online learning, divided by the rate, as the gradient of E",
            right="the sum of the corrections of all patterns, all at the same weights",
            relation="printed = the sum of the patterns' gradients, each at the weights that the ones before have left",
            inputs=("M1", "M2", "x", "t"),
            differentiated=2,
            claimed=Rule(error, one_after_the_other),
            mended=mended,
            predicted=o3,
            example=_layers(3),
            hidden=_layers(1),
            hidden_when="N = 1",
        ),
    )
