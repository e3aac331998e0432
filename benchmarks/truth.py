"""What certified derivatives cost: ``python -m benchmarks.truth [seed]``.

Each scalar operator of the catalogue with one argument: microseconds per entry for the trace of a batch and for its certificate at 128
bits, float64 numbers made of it included; the largest relative radius.  Beside it in the same run: jets over mpmath's numbers of as many
bits, ``mpmath.diff``, and flint called by hand for a derivative that somebody worked out (the tests compare it with the certificate).
What is promised is seconds, and machines differ: on a slow one it is scaled by what flint takes for one derivative, and where flint alone
takes as long, by that.  Then a tanh perceptron of 8-16-16-1 units: the gradient to its 433 weights in reverse and from values alone.
Exit code 1 where a promise is broken.  How the roads agree over the whole range is the subject of ``benchmarks.overlap``.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import acb, arb

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
TANH, UNITS = "tanh", 20.0
"""On a slow machine an entry may take so many times what flint takes for the derivative of tanh by hand: the same 15 microseconds where
that takes 0.75.  Chosen: a text of a dozen operations, forward and back."""
FLINT = 3.0
"""Times what flint takes by hand, where that alone is a third of ENTRY and more: the trace needs the function's value beside its
derivative, and float64 numbers are made of the balls."""


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
    alone = [op for op in operators().values() if op.family in ENTRYWISE and len(op.examples[0].shapes) == 1]
    return [op for op in alone if "n" not in op.signature]  # softmax and its like sum over an axis


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

with Balls(BITS).working():
    PI, ROOT_PI, ROOT_TWO, ROOT_TWO_PI = arb.pi(), arb.pi().sqrt(), arb(2).sqrt(), (2 * arb.pi()).sqrt()
TWO_ROOT_TWO_OVER_PI, CUBIC = arb(2 * math.sqrt(2 / math.pi)), arb(0.044715)


def _logistic(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def _polygamma(n: int) -> Callable[[arb], arb]:
    return lambda x: acb.polygamma(acb(x), n).real


def _mish(x: arb) -> arb:
    e = x.exp()
    part = (e.log1p()).tanh()
    return part + x * (1 - part * part) * e / (1 + e)


def _gelu_tanh(x: arb) -> arb:
    inner = TWO_ROOT_TWO_OVER_PI * (1 + 3 * CUBIC * x * x)
    s = _logistic(TWO_ROOT_TWO_OVER_PI * (x + CUBIC * x * x * x))
    return s + x * s * (1 - s) * inner


def _sinc(x: arb) -> arb:
    y = PI * x
    return (y.cos() - y.sinc()) / x


BY_HAND: dict[str, Callable[[arb], arb]] = {
    "arccos": lambda x: -(1 - x * x).rsqrt(),
    "arccosh": lambda x: (x * x - 1).rsqrt(),
    "arcsin": lambda x: (1 - x * x).rsqrt(),
    "arcsinh": lambda x: (1 + x * x).rsqrt(),
    "arctan": lambda x: 1 / (1 + x * x),
    "arctanh": lambda x: 1 / (1 - x * x),
    "bessel_i0": lambda x: x.bessel_i(arb(1)),
    "bessel_i1": lambda x: x.bessel_i(arb(0)) - x.bessel_i(arb(1)) / x,
    "bessel_i0e": lambda x: (-abs(x)).exp() * (x.bessel_i(arb(1)) - x.sgn() * x.bessel_i(arb(0))),
    "bessel_i1e": lambda x: (-abs(x)).exp() * (x.bessel_i(arb(0)) - (1 / x + x.sgn()) * x.bessel_i(arb(1))),
    "bessel_j0": lambda x: -x.bessel_j(arb(1)),
    "bessel_j1": lambda x: x.bessel_j(arb(0)) - x.bessel_j(arb(1)) / x,
    "bessel_y0": lambda x: -x.bessel_y(arb(1)),
    "bessel_y1": lambda x: x.bessel_y(arb(0)) - x.bessel_y(arb(1)) / x,
    "cos": lambda x: -x.sin(),
    "cosh": lambda x: x.sinh(),
    "digamma": _polygamma(1),
    "entr": lambda x: -x.log() - 1,
    "erf": lambda x: 2 * (-x * x).exp() / ROOT_PI,
    "erfc": lambda x: -2 * (-x * x).exp() / ROOT_PI,
    "erfcx": lambda x: 2 * x * (x * x).exp() * x.erfc() - 2 / ROOT_PI,
    "erfinv": lambda x: ROOT_PI * (x.erfinv() ** 2).exp() / 2,
    "exp": lambda x: x.exp(),
    "expm1": lambda x: x.exp(),
    "gammaln": lambda x: x.digamma(),
    "gelu": lambda x: (-x / ROOT).erfc() / 2 + x * (-x * x / (ROOT * ROOT)).exp() / (ROOT * ROOT_PI),
    "gelu_tanh": _gelu_tanh,
    "log": lambda x: 1 / x,
    "log1mexp": lambda x: 1 / x.expm1(),
    "log1p": lambda x: 1 / (1 + x),
    "log_ndtr": lambda x: 2 * (-x * x / 2).exp() / ((-x / ROOT_TWO).erfc() * ROOT_TWO_PI),
    "log_sigmoid": lambda x: _logistic(-x),
    "logit": lambda x: 1 / (x * (1 - x)),
    "mish": _mish,
    "ndtr": lambda x: (-x * x / 2).exp() / ROOT_TWO_PI,
    "ndtri": lambda x: ROOT_TWO_PI * ((2 * x - 1).erfinv() ** 2).exp(),
    "reciprocal": lambda x: -1 / (x * x),
    "rsqrt": lambda x: -(x.rsqrt() ** 3) / 2,
    "scaled_softplus": _logistic,
    "sigmoid": lambda x: 1 / (2 + x.exp() + (-x).exp()),
    "sin": lambda x: x.cos(),
    "sinc": _sinc,
    "sinh": lambda x: x.cosh(),
    "softplus": _logistic,
    "sqrt": lambda x: x.rsqrt() / 2,
    "tan": lambda x: x.sec() ** 2,
    "tanh": lambda x: x.sech() ** 2,
    "trigamma": _polygamma(2),
}
"""Derivatives as a person writes them, one number at a time, with no float64 number made of the ball."""


def by_hand(f: Callable[[arb], arb], x: Floats) -> list[arb]:
    """The list of balls."""
    with Balls(BITS).working():
        return [f(arb(v)) for v in x.tolist()]


def _by_hand_seconds(name: str, x: Floats) -> float:
    """Seconds an entry."""
    return _shortest(lambda: by_hand(BY_HAND[name], x))[0] / x.size


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
    """The largest bound of an entry that is a float64 number, relative to it."""
    with np.errstate(invalid="ignore"):  # inf / inf, of derivatives beyond float64
        parts = [np.divide(c.bound, np.abs(c.value), out=c.bound.copy(), where=c.value != 0) for c in certificates]
    return max(float(np.max(part[~np.isinf(c.value)])) for part, c in zip(parts, certificates, strict=True))


def scalar_operators(rng: np.random.Generator) -> bool:
    """The table of operators.  Returns whether each entry costs at most what is promised."""
    unit = _by_hand_seconds(TANH, rng.normal(size=BATCH))
    most = max(ENTRY, UNITS * unit)
    print(
        f"catalogue's scalar operators, {BATCH} entries, {BITS} bits; microseconds an entry, ratios to trace + certificate\n"
        f"promised are {1e6 * ENTRY:.0f}, or {UNITS:.0f} times the {1e6 * unit:.2f} that the derivative of tanh takes by hand, "
        f"or {FLINT:.0f} times flint by hand, whichever is most"
    )
    print(
        f"{'operator':15s} {'draw':7s} {'trace':>6s} {'certificate':>11s} {'together':>8s} {'radius':>8s} "
        f"{'mp jets':>8s} {'':>6s} {'mp.diff':>8s} {'':>6s} {'by hand':>8s} {'':>6s}"
    )
    over, absolute, count = [], 0, 0
    for op in unary():
        for draw, x in draws(op, rng).items():
            try:
                one = trace(op.definition, [x])
            except NumbersError as error:
                print(f"{op.name:15s} {draw:7s} not traced: {error}")
                continue
            if one.program.outputs[0].size != BATCH:
                continue  # another argument comes before this one
            tracing, found = _shortest(lambda op=op, x=x: trace(op.definition, [x]))
            certifying, (answer,) = _shortest(
                lambda found=found, x=x: certified_gradient(found.program, [x], [np.ones(BATCH)], bits=BITS)
            )
            together = (tracing + certifying) / BATCH
            others, why = [mpmath_jets(op, x[:FEW])[0] / FEW, mpmath_diff(op, x[:SINGLE])], []
            if op.name in BY_HAND:
                others.append(_by_hand_seconds(op.name, x))
            count += 1
            absolute += together > ENTRY
            if together > max([most, *(FLINT * flint for flint in others[2:])]):
                why.append("takes longer than promised")
            if answer.bits != BITS or not np.all(np.isfinite(answer.bound) | np.isinf(answer.value)):
                why.append(f"is not certified at {BITS} bits everywhere")
            over += [f"{op.name}, {draw}, {w}" for w in why]
            beside = " ".join(f"{1e6 * s:8.2f} {s / together:5.1f}x" for s in others)
            print(
                f"{op.name:15s} {draw:7s} {1e6 * tracing / BATCH:6.2f} {1e6 * certifying / BATCH:11.2f} "
                f"{1e6 * together:8.2f} {radius([answer]):8.0e} {beside}"
            )
    print(f"{count - absolute} of {count} within {1e6 * ENTRY:.0f} microseconds on this machine as it is")
    print(f"promised: {'BROKEN: ' + '; '.join(over) if over else 'kept'}")
    return not over


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
