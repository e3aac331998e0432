"""What certified derivatives cost: ``python -m benchmarks.truth [seed]``.

Each scalar operator of the catalogue with one argument: microseconds per entry for the trace of a batch and for its certificate at 128
bits, float64 numbers made of it included; the largest relative radius.  Beside it in the same run: jets over mpmath's numbers of as many
bits, ``mpmath.diff``, and flint called by hand for a derivative that somebody worked out.  Then a tanh perceptron of 8-16-16-1 units: the
gradient to its 433 weights in reverse and from values alone.  Exit code 1 where a promise is broken.  How the roads agree over the whole
range is the subject of ``benchmarks.overlap``.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb

from benchmarks.running import machine_noise
from gradcheck.catalogue import operators
from gradcheck.claim import Operator
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError
from gradcheck.numbers.field import Floats
from gradcheck.numbers.jets import JetField
from gradcheck.numbers.mpfloats import MPField
from gradcheck.numbers.tracing import trace
from gradcheck.numbers.truth import Certified, certified_difference, certified_gradient, high_precision_difference

BITS = 128
BATCH = 2000
"""Entries of a batch: what a call costs by itself is then a hundredth of the whole."""
FEW = 100
"""Entries for jets over mpmath's numbers."""
SINGLE = 10
"""Points for mpmath.diff, which takes one at a time."""
REPEATS = 7
"""The shortest time of so many counts: the machine's noise only adds."""

ENTRY = 15e-6
GRADIENT, DIFFERENCE = 10e-3, 0.5
"""Promised seconds: an entry of an operator; 433 weights in reverse, and from values alone."""


def _shortest(run: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """The shortest time and the last result.  Seconds of this process: what else runs on the machine does not count."""
    seconds, result = [], None
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        seconds.append(time.process_time() - start)
    return min(seconds), result


ENTRYWISE = ("elementwise", "activations", "arithmetic", "exponential", "trigonometric", "special", "bessel", "gates")


def unary() -> list[Operator]:
    """Operators of one argument that act on each entry by itself."""
    return [op for op in operators().values() if op.family in ENTRYWISE and len(op.examples[0].shapes) == 1]


def draws(op: Operator, rng: np.random.Generator) -> dict[str, Floats]:
    """Numbers of the domain: standard normal ones, and some of every size from 2^-30 to 2^10; even and near its lower end if bounded."""
    near, exponent = rng.normal(size=BATCH), rng.uniform(-30, 10, size=BATCH)
    low, high = op.domain.of(0).low, op.domain.of(0).high
    if np.isfinite(high) and np.isfinite(low):
        part = rng.uniform(0.0, 1.0, size=BATCH)
        return {"normal": low + (high - low) * part, "wide": low + (high - low) * part * 2.0 ** (exponent - 10)}
    signs = rng.choice([-1.0, 1.0], size=BATCH)
    wide = 2.0**exponent
    if np.isfinite(low):
        return {"normal": low + np.abs(near), "wide": low + wide}
    return {"normal": near, "wide": signs * wide}


ROOT = arb(math.sqrt(2.0))
"""The constant of the catalogue's text, which is a float64 number: another function than with the root of 2, a part in 2^53 away."""

BY_HAND: dict[str, Callable[[arb], arb]] = {
    "log": lambda x: 1 / x,
    "sigmoid": lambda x: 1 / (2 + x.exp() + (-x).exp()),
    "softplus": lambda x: 1 / (1 + (-x).exp()),
    "tanh": lambda x: x.sech() ** 2,
    "gelu": lambda x: (-x / ROOT).erfc() / 2 + x * (-x * x / (ROOT * ROOT)).exp() / (ROOT * arb.pi().sqrt()),
}
"""Derivatives as a person writes them, one number at a time, with no float64 number made of the ball."""


def by_hand(f: Callable[[arb], arb], x: Floats) -> list[arb]:
    """The list of balls."""
    with Balls(BITS).working():
        return [f(arb(v)) for v in x.tolist()]


def mpmath_jets(op: Operator, x: Floats) -> Any:
    """A jet along the direction of ones: all entries' derivatives at once, as they do not depend on each other."""
    replayed, base = trace(op.definition, [x]).program, MPField(BITS)
    jets = JetField(base)

    def run() -> Any:
        given = jets.variable(base.constants(x), base.constants(np.ones(x.size)))
        return replayed.evaluate(jets, [given])[0].parts[1]

    return _shortest(run, 3)


def mpmath_diff(op: Operator, x: Floats) -> float:
    """Seconds for a point, of ``mpmath.diff`` on the operator's program."""
    seconds = 0.0
    for v in x:
        point = [np.array([v])]
        replayed = trace(op.definition, point).program
        start = time.process_time()
        high_precision_difference(replayed, point, [np.ones(1)], bits=BITS)
        seconds += time.process_time() - start
    return seconds / x.size


def radius(certificates: Sequence[Certified]) -> float:
    """The largest bound of an entry, relative to it."""
    return max(
        float(np.max(np.divide(c.bound, np.abs(c.value), out=c.bound.copy(), where=c.value != 0))) for c in certificates
    )


def scalar_operators(rng: np.random.Generator) -> bool:
    """The table of operators.  Returns whether each entry costs at most what is promised."""
    print(
        f"catalogue's scalar operators, {BATCH} entries, {BITS} bits; microseconds an entry, ratios to trace + certificate"
    )
    print(
        f"{'operator':9s} {'draw':7s} {'trace':>6s} {'certificate':>11s} {'together':>8s} {'radius':>8s} "
        f"{'mp jets':>8s} {'':>6s} {'mp.diff':>8s} {'':>6s} {'by hand':>8s} {'':>6s}"
    )
    slowest, sharp = (0.0, ""), True
    for op in unary():
        for draw, x in draws(op, rng).items():
            try:
                one = trace(op.definition, [x])
            except NumbersError as error:
                print(f"{op.name:9s} {draw:7s} not traced: {error}")
                continue
            if one.program.outputs[0].size != BATCH:
                continue  # another argument comes before this one
            tracing, found = _shortest(lambda op=op, x=x: trace(op.definition, [x]))
            certifying, answer = _shortest(
                lambda found=found, x=x: certified_gradient(found.program, [x], [np.ones(BATCH)], bits=BITS)
            )
            together = (tracing + certifying) / BATCH
            slowest = max(slowest, (together, f"{op.name}, {draw}"))
            sharp &= bool(np.all(np.isfinite(answer[0].bound))) and answer[0].bits == BITS
            others = [mpmath_jets(op, x[:FEW])[0] / FEW, mpmath_diff(op, x[:SINGLE])]
            if op.name in BY_HAND:
                others.append(_shortest(lambda op=op, x=x: by_hand(BY_HAND[op.name], x))[0] / BATCH)
            beside = " ".join(f"{1e6 * s:8.2f} {s / together:5.1f}x" for s in others)
            print(
                f"{op.name:9s} {draw:7s} {1e6 * tracing / BATCH:6.2f} {1e6 * certifying / BATCH:11.2f} "
                f"{1e6 * together:8.2f} {radius(answer):8.0e} {beside}"
            )
    kept = slowest[0] <= ENTRY and sharp
    print(f"slowest: {slowest[1]}, {1e6 * slowest[0]:.2f} microseconds an entry")
    print(
        f"promised (at most {1e6 * ENTRY:.0f} microseconds, certified at {BITS} bits everywhere): {'kept' if kept else 'BROKEN'}"
    )
    return kept


def perceptron(W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    """8-16-16-1 units with tanh."""
    return np.tanh(W3 @ np.tanh(W2 @ np.tanh(W1 @ np.linspace(-1, 1, 8) + b1) + b2) + b3)


def _weights(rng: np.random.Generator) -> list[Floats]:
    return [rng.normal(size=shape) for shape in ((16, 8), 16, (16, 16), 16, (1, 16), 1)]


def overlap(a: Sequence[Certified], b: Sequence[Certified]) -> bool:
    """Whether the two intervals meet at each entry."""
    with Balls(512).working():
        for one, other in zip(a, b, strict=True):
            for i in np.ndindex(one.value.shape):
                gap = arb(one.value[i]) + arb(one.rest[i]) - arb(other.value[i]) - arb(other.rest[i])
                if not abs(gap) <= arb(one.bound[i]) + arb(other.bound[i]):
                    return False
    return True


def network(rng: np.random.Generator) -> bool:
    """The lines of the perceptron.  Returns whether the promises are kept."""
    one = [np.ones(1)]
    weights = _weights(rng)
    count = sum(w.size for w in weights)
    tracing, found = _shortest(lambda: trace(perceptron, weights))
    # Other weights than the traced ones, whose values the program still knows.
    batch = [_weights(rng) for _ in range(20)]
    reverse, gradients = _shortest(lambda: [certified_gradient(found.program, w, one) for w in batch], 3)
    reverse /= len(batch)
    values, differences = _shortest(lambda: certified_difference(found.program, batch[0], one), 3)
    field = MPField(BITS)
    mp_reverse, _ = _shortest(
        lambda: found.program.gradient(
            field, [field.constants(w.ravel()) for w in batch[0]], [field.constants(np.ones(1))]
        ),
        3,
    )
    print(f"\ntanh perceptron of 8-16-16-1 units, {count} weights; milliseconds a gradient")
    print(f"  trace                       {1e3 * tracing:8.2f}")
    print(
        f"  certified, in reverse       {1e3 * reverse:8.2f}  radius {max(map(radius, gradients)):.0e}, of {len(batch)} draws"
    )
    print(f"  certified, values alone     {1e3 * values:8.2f}  radius {radius(differences):.0e}")
    print(f"  mpmath in reverse           {1e3 * mp_reverse:8.2f}  no radius")
    met = overlap(gradients[0], differences)
    print(f"  the two certified gradients {'overlap at each weight' if met else 'EXCLUDE EACH OTHER'}")
    kept = count == 433 and reverse <= GRADIENT and values <= DIFFERENCE and met
    print(
        f"promised (in reverse {1e3 * GRADIENT:.0f} ms, values alone {1e3 * DIFFERENCE:.0f} ms): {'kept' if kept else 'BROKEN'}"
    )
    return kept


def main(seed: int) -> int:
    """Print both tables.  Returns 1 if what is promised does not hold."""
    print(f"seed {seed}; {machine_noise()}")
    rng = np.random.default_rng(seed)
    kept = scalar_operators(rng)
    return 0 if network(rng) and kept else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else int(np.random.SeedSequence().generate_state(1)[0])))
