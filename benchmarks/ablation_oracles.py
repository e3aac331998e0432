"""The parts of gradcheck that know the truth, and those that judge: rows of the table of ``ablation_parts``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.ablation_trace import ACCEPT, BOTH, CATCH, GIVEN, Part
from gradcheck.engine.bench import changed
from gradcheck.engine.forward import FINE
from gradcheck.engine.judge import Judgement, Truth
from gradcheck.engine.judge import judge as judgement
from gradcheck.engine.screen import Screened
from gradcheck.flat import largest
from gradcheck.oracles.estimates import without
from gradcheck.records import Estimate, Local

ENGINE, ORACLE = "gradcheck.engine", "gradcheck.oracles"
LINES, LOOKER, PIECES = f"{ENGINE}.truth:line_derivatives", f"{ENGINE}.looker", f"{ENGINE}.hull:Pieces"
EVIDENCE, JUDGED = f"{ORACLE}.evidence", f"{ENGINE}.looker:judge"
WIDE = np.dtype(np.float64)


def constant(value: Any) -> Callable[..., Any]:
    """A function of anything that gives the value."""
    return lambda *args, **kwargs: value


def zeros(found: Any, *args: Any, **kwargs: Any) -> Any:
    """Zeros in the place of what was found; what is not finite stays."""
    return np.where(np.isfinite(found), np.zeros_like(found), found)


def refuse(*args: Any, **kwargs: Any) -> Any:
    """What a forward does that takes no such argument."""
    raise TypeError


# --- oracles -------------------------------------------------------------------------------------------------


def oracle(name: str, serves: str, target: str, **off: Any) -> Part:
    return Part(name=name, kind="oracle", serves=serves, target=target, **off)


def no_edges(e: Estimate, *args: Any, **kwargs: Any) -> Estimate:
    """Differences that need both sides."""
    edge = e.kind == Local.ONE_SIDED
    return without(e, edge) if edge.any() else e


def no_kinks(e: Estimate, *args: Any, **kwargs: Any) -> Estimate:
    """What central differences say of a kink: a smooth place."""
    kink = e.kind == Local.KINK
    return replace(e, kind=np.where(kink, int(Local.SMOOTH), e.kind)) if kink.any() else e


def unlimited(found: tuple[Any, Any], *args: Any) -> tuple[Any, Any]:
    """Steps as long as one likes."""
    return np.full_like(found[0], -np.inf), np.full_like(found[1], np.inf)


def first_ladder(found: Any, *args: Any) -> Any:
    """The answer of one ladder, with its own bound."""
    (t, b), _ = found[2]
    return t, np.where(np.isfinite(b), b, np.inf), ((t, b), (t, b)), found[3]


def native(result: bool, call: Any, function: Any) -> bool:
    """Only what is given in full precision is evaluated in it."""
    return result and all(np.asarray(call.leaves[k]).dtype.char in "dD" for k in call.active)


ORACLES = (
    oracle("certified balls", BOTH, f"{ENGINE}.certify:Certifier.at", instead=constant(None)),
    oracle("imaginary steps", BOTH, f"{LOOKER}:screen", instead=constant(Screened(None, False))),
    oracle("imaginary steps on analytic arrays", BOTH, f"{ENGINE}.forward:as_analytic", instead=refuse),
    oracle("complex step", BOTH, f"{ENGINE}.truth:complex_step", instead=constant(None)),
    oracle("one-sided slopes at edges", BOTH, LINES, after=no_edges),
    oracle("slopes of either side", BOTH, f"{ENGINE}.truth:_both_sides", after=lambda e, *args: args[-1]),
    oracle("limits of the domain", ACCEPT, f"{ENGINE}.truth:limits", after=unlimited),
    oracle("tangents of the domain", ACCEPT, f"{ENGINE}.forward:_tangents", after=lambda t, where, shape, n: np.eye(n)),
    oracle("wide evaluation of narrow types", BOTH, f"{ENGINE}.examine:widen", after=native),
    oracle("grain of hidden narrow types", ACCEPT, f"{ENGINE}.examine:grain", instead=constant(FINE)),
    oracle("fixed point of the values", ACCEPT, f"{ENGINE}.forward:_quantum", instead=constant(0.0)),
    oracle("second ladder", ACCEPT, f"{ORACLE}.analysis:two_ladders", after=first_ladder),
    oracle("measured noise", ACCEPT, f"{ORACLE}.noise:sigma", after=zeros),
    oracle(
        "noise unseen at first",
        ACCEPT,
        f"{EVIDENCE}:unseen_noise",
        after=zeros,
        kept="the bound of a fast wave on a huge argument is wrong without it (tests/oracles); shorter steps shield the judge",
    ),
    oracle(
        "rounding hidden where f is flat",
        ACCEPT,
        f"{EVIDENCE}:hidden",
        after=zeros,
        kept="what 1 swallows near 0 is taken for a constant without it (tests/oracles); shorter steps shield the judge",
    ),
    oracle("stairs seen by their unit", ACCEPT, f"{EVIDENCE}:quantum", after=zeros),
    oracle(
        "stairs seen beside a slope",
        ACCEPT,
        f"{EVIDENCE}:staircase",
        after=zeros,
        kept="stairs of a hundredth get a bounded slope without it (tests/oracles); shorter steps shield the judge",
    ),
    oracle("jumps and infinite slopes", ACCEPT, f"{EVIDENCE}:diverges", after=zeros),
    oracle("slopes without a second derivative", ACCEPT, f"{EVIDENCE}:fractional", after=zeros),
    oracle("rewound generators", ACCEPT, f"{ENGINE}.examine:rewound", after=lambda made, given, kwargs: given),
)

# --- judge ---------------------------------------------------------------------------------------------------


def judge(name: str, serves: str, target: str, **off: Any) -> Part:
    return Part(name=name, kind="judge", serves=serves, target=target, **off)


def spoilt(**fields: Callable[[Truth], Any]) -> Callable[..., Any]:
    """The judgement with some fields of the truth spoilt."""

    def after(out: Any, answer: Any, truth: Truth, *rest: Any, **movements: Any) -> Any:
        made = {name: make(truth) for name, make in fields.items()}
        if all(np.array_equal(value, getattr(truth, name), equal_nan=True) for name, value in made.items()):
            return out
        return judgement(answer, replace(truth, **made), *rest, **movements)

    return after


def unsettled(found: tuple[Any, Any, Any], *args: Any) -> tuple[Any, Any, Any]:
    """A kink at which nothing is decided."""
    return (np.full_like(found[0], int(Judgement.INCONCLUSIVE)), *found[1:])


def bits_differ(bad: Any, got: Any, expected: Any, allowed: Any) -> Any:
    """Without any allowance for rounding."""
    return changed(got, expected) & (got != expected)


JUDGE = (
    judge(
        "a factor common to all entries",
        CATCH,
        f"{ENGINE}.examine:common_factor",
        instead=constant(None),
        scope=GIVEN,
    ),
    judge("kinks", BOTH, LINES, after=no_kinks),
    judge("kinks: any decision", BOTH, f"{LOOKER}:settle", after=unsettled),
    judge("kinks: steering into the hull", BOTH, f"{ENGINE}.kinks:_steer", instead=constant(False)),
    judge("kinks: refutation", CATCH, f"{ENGINE}.kinks:_refute", instead=constant(None), effects=True),
    judge(
        "kinks: by one's own sign",
        BOTH,
        f"{PIECES}.by_own_sign",
        after=zeros,
        kept="spares a minute at a kink of ninety coordinates",
    ),
    judge("kinks: groups", BOTH, f"{PIECES}.groups", after=lambda made, pieces, coordinates, noise: [coordinates]),
    judge("kinks: every piece met twice", CATCH, f"{PIECES}.saturated", instead=constant(False)),
    judge("kinks: convex or concave", CATCH, f"{PIECES}.one_sign", instead=constant(False)),
    judge("kinks: into the domain", BOTH, f"{ENGINE}.hull:ends", after=lambda found, *args: (found[0], 0 * found[1])),
    judge("kinks: conventions", ACCEPT, f"{LOOKER}:fixed_choices", instead=lambda *args: []),
    judge(
        "kinks: leaps and infinite slopes",
        ACCEPT,
        f"{ENGINE}.kinks:leaps",
        instead=constant(False),
        kept="the sweep of the catalogue needs it: qr at equal columns",
    ),
    judge("leaps along no coordinate", ACCEPT, f"{LOOKER}:leaps", instead=constant(False)),
    judge("kinks that no coordinate shows", ACCEPT, f"{LOOKER}:kinked_across", instead=constant(False)),
    judge("kinks that no line shows", BOTH, f"{ENGINE}.screen:kinked_across", instead=constant(False)),
    judge(
        "movement of the certified truth (k)",
        ACCEPT,
        f"{ENGINE}.certify:Certifier.movement",
        after=zeros,
        kept="tells right from inaccurate, both of which pass",
    ),
    judge("honest derivative of the text", ACCEPT, f"{ENGINE}.certify:Certifier._of_the_forward", after=zeros),
    judge("the answer's own text", ACCEPT, f"{ENGINE}.certify:Certifier._of_the_answer", after=zeros),
    judge("values that rounding blurs", ACCEPT, f"{LOOKER}:Looker._despite_blur", instead=lambda self, at, look: look),
    judge("subnormal numbers taken for 0", ACCEPT, f"{LOOKER}:Looker._flushed", instead=constant(None)),
    judge(
        "certified balls confirm probes",
        ACCEPT,
        f"{ENGINE}.certify:Certifier.confirm",
        instead=lambda self, found, *args: found,
        kept="says more of what is wrong: certified values for estimates",
    ),
    judge("digits of the forward", ACCEPT, f"{ORACLE}.ball:_blur", instead=constant(0.0)),
    judge("values of the trace agree", BOTH, "gradcheck.numbers.agreement:agrees", instead=constant(True)),
    judge(
        "shorter steps that contradict", ACCEPT, f"{LOOKER}:_unresolved", instead=lambda at, known, judgement: judgement
    ),
    judge("movement of the truth (k)", ACCEPT, f"{LOOKER}:movement", after=zeros),
    judge(
        "movement of the truth, short looks",
        ACCEPT,
        f"{LOOKER}:imaginary_movement",
        after=zeros,
        kept="spares the long look where the truth itself moves",
    ),
    judge("movement of the answer (W)", ACCEPT, f"{ENGINE}.answers:Answers.own_movement", after=zeros),
    judge("scatter of the answer", ACCEPT, f"{ENGINE}.answers:Answers._scatter", after=zeros),
    judge(
        "movement of constants",
        ACCEPT,
        f"{ENGINE}.forward:Forward.with_constants_moved",
        after=lambda moved, forward, *args: forward,
        kept="solving with a Hilbert matrix is refused without it, at the seed of its own inputs",
    ),
    judge("digits lost (D)", ACCEPT, f"{ENGINE}.judge:lost", after=zeros),
    judge("tolerance of the forward", ACCEPT, f"{ENGINE}.tolerance:works_to_a_tolerance", instead=constant(False)),
    judge("tiny inputs as a little away", ACCEPT, f"{ENGINE}.tolerance:as_a_little_away", after=zeros),
    judge(
        "rounding of sums",
        ACCEPT,
        JUDGED,
        after=spoilt(terms=lambda t: np.minimum(t.terms, 1)),
        kept="a sum of m terms may err by m u of them, and honest ones by the root of that: the bound is derived, not tried out",
    ),
    judge("natural scale", ACCEPT, JUDGED, after=spoilt(scale=lambda t: np.zeros_like(t.scale))),
    judge(
        "refutation by both ladders",
        ACCEPT,
        JUDGED,
        after=spoilt(low=lambda t: t.value - t.bound, high=lambda t: t.value + t.bound),
        kept="differences are no proof: an answer that one of the two ladders allows is not called wrong",
    ),
    judge("plateaus near an origin", ACCEPT, JUDGED, after=spoilt(flat=lambda t: np.zeros_like(t.flat))),
    judge("overflow of narrow types", ACCEPT, f"{LOOKER}:largest", after=lambda top, d: max(top, largest(WIDE))),
    judge("rounding in the contract", ACCEPT, f"{ENGINE}.bench:_beyond", after=bits_differ),
    judge(
        "movement in the contract",
        ACCEPT,
        f"{ENGINE}.bench:Bench.rounding",
        after=lambda made, *args: [np.zeros_like(x) for x in made],
    ),
)
