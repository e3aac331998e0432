"""The parts of gradcheck, one row each: what it is, which side it serves, and how it is turned off.  Checks and strategies.

``catch``: without it a wrong case is to slip through; ``accept``: without it a right case is to be refused.  A row stands
or falls with the attribute that it names; a name that is gone stops the benchmark at its start.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.ablation_oracles import ENGINE, JUDGE, ORACLES, constant
from benchmarks.ablation_trace import ACCEPT, CATCH, GIVEN, Part
from gradcheck.engine import contract
from gradcheck.engine.probes import Probe, probe
from gradcheck.strategies import edits

SCOPES = {f"check: {key}": f"{ENGINE}.contract:CHECKS[{key}]" for key in contract.CHECKS} | {
    "forward mode": f"{ENGINE}.forward_mode:inspect",
    "second order": f"{ENGINE}.forward_mode:symmetric_second_order",
    "definition": f"{ENGINE}.verify:forward_findings",
}
"""Checks beside the looks: their findings depend on what they do themselves, and on the given look."""


def nothing(*args: Any, **kwargs: Any) -> list[Any]:
    """No findings."""
    return []


# --- checks --------------------------------------------------------------------------------------------------

CODES = {
    "GC101": "the value is not the derivative",
    "GC102": "the value is not finite",
    "GC109": "the vjp raises",
    "GC201": "number of gradients",
    "GC202": "None for a gradient",
    "GC203": "shape of a gradient",
    "GC204": "dtype of a gradient",
    "GC302": "shape of the jvp",
}
"""Findings that no check of their own makes: they are dropped before they are merged.

GC107 is none of them: it says that two oracles of gradcheck contradict each other, and accuses no implementation.
"""


def code(name: str, number: str) -> Part:
    return Part(
        name=f"{number} {name}",
        kind="check",
        serves=CATCH,
        target=f"{ENGINE}.findings:merge",
        before=lambda found: ([f for f in found if f.code != number],),
        depends=lambda scope, found: found == number,
    )


def check(name: str, target: str, instead: Callable[..., Any] = nothing) -> Part:
    return Part(name=name, kind="check", serves=CATCH, target=target, instead=instead)


def layout(name: str) -> Part:
    target = f"{ENGINE}.contract:LAYOUTS[{name}]"
    return Part(
        name=f"layout {name}", kind="check", serves=CATCH, target=target, depends=lambda scope, found: found == "GC211"
    )


def factors(name: str, keep: Callable[[float], bool]) -> Part:
    return Part(
        name=f"linearity: {name}",
        kind="check",
        serves=CATCH,
        target=f"{ENGINE}.linearity:_factors",
        after=lambda found, bench: [f for f in found if keep(f)],
    )


CHECKS = (
    *(code(name, number) for number, name in CODES.items()),
    *(check(f"contract: {key}", f"{ENGINE}.contract:CHECKS[{key}]") for key in contract.CHECKS),
    *(layout(key) for key in contract.LAYOUTS),
    check("layout: a broadcast cotangent", f"{ENGINE}.contract:_broadcast"),
    factors("vjp(0) = 0", lambda f: f != 0),
    factors("small powers of two", lambda f: not 0 < f < 1),
    factors("large powers of two", lambda f: not f > 1),
    check("linearity: sums", f"{ENGINE}.linearity:_sum"),
    check("forward mode", f"{ENGINE}.forward_mode:inspect"),
    check("second order", f"{ENGINE}.forward_mode:symmetric_second_order"),
    Part(
        name="forward of a claimed operator",
        kind="check",
        serves=CATCH,
        target=f"{ENGINE}.verify:forward_findings",
        instead=nothing,
        depends=lambda scope, found: scope.endswith("|definition"),
    ),
)

# --- strategies ----------------------------------------------------------------------------------------------


def points(name: str, *patterns: str) -> Part:
    """Points whose origin fits one of the patterns from its start are not proposed."""
    fits = re.compile("|".join(patterns)).match
    return Part(
        name=f"points: {name}",
        kind="strategy",
        serves=CATCH,
        target=f"{ENGINE}.examine:nearby",
        after=lambda made, *a, **k: (point for point in made if not fits(point[0])),
        depends=lambda scope, found: scope != GIVEN and bool(fits(scope)),
    )


def named(*names: str) -> str:
    """The pattern of origins of these names."""
    return f"({'|'.join(map(re.escape, names))}) in "


NUMBER = r"[-+]?[\d.]+(e[-+]?\d+)?"
EXTREME = "|".join(f"{x:g}" for x in edits.EXTREMES)

POINTS = (
    points(
        "zeros",
        named(
            "one zero",
            "two zeros",
            "all zeros",
            "one -0.0",
            "all -0.0",
            "re-drawn around the given values, with one zero",
            "one row of zeros",
        ),
    ),
    points(
        "ties",
        named("a tie", "all equal", "ones", "two equal rows", "two equal columns", "the identity"),
        ".+ equal to ",
    ),
    points("matrices of a special form", named(*(name for name, _ in edits.MATRICES))),
    points(
        "signs and order",
        named("all signs flipped", "random signs", "permuted", "permuted, signs flipped", "sorted", "sorted downwards"),
    ),
    points(
        "large values",
        "magnitudes up to 800 ",
        rf"(one entry|all entries) at -?({EXTREME}) in ",
        r"half of the entries at \+-",
    ),
    points("every magnitude", "magnitudes from ", "every magnitude from "),
    points("tiny values", named("all about 1e-20", "one of 1e-20"), "one entry at the subnormal "),
    points("re-draws", named("re-drawn around the given values", "a normal draw")),
    points("special values", rf"(one entry|all entries) at (?!-?({EXTREME}) in ){NUMBER} in ", named("one 1", "ones")),
    points("at a bound", "(one entry|all) at the bound "),
    points("near a bound", "one entry near a bound, "),
)
"""Families.  The members of one are samples of the same suspicion, and stand in for each other when a run is cut short."""


def all_ones(outputs: tuple[Any, ...], rng: Any) -> tuple[Any, ...]:
    """The cotangent of most home-made checks."""
    return tuple(np.ones_like(o, dtype=None if np.asarray(o).dtype.kind in "fcV" else float) for o in outputs)


def one_sign(made: tuple[Any, ...], *args: Any) -> tuple[Any, ...]:
    """The magnitudes of a cotangent, without the signs."""
    return tuple(np.abs(g.real) + 1j * np.abs(g.imag) if g.dtype.kind == "c" else np.abs(g) for g in made)


def strategy(name: str, serves: str, target: str, **off: Any) -> Part:
    return Part(name=name, kind="strategy", serves=serves, target=target, **off)


def probing(name: str, change: Callable[[Any], Any]) -> Callable[..., tuple[Any, ...]]:
    """The arguments of a probe with one of them changed; ValueError if it has none of that name."""
    place = list(inspect.signature(probe).parameters).index(name)
    return lambda *args: (*args[:place], change(args[place]), *args[place + 1 :])


no_excuse = constant(0.0)

STRATEGIES = (
    points("all of them", ""),
    *POINTS,
    strategy(
        "points: each entry alone at 100 and 800",
        CATCH,
        f"{ENGINE}.examine:_Examination.extremes",
        instead=constant(None),
        depends=lambda scope, found: bool(re.match(r"one entry of .+ at -?(100|800)$", scope)),
    ),
    strategy("random cotangents (all ones)", CATCH, f"{ENGINE}.looker:cotangent", instead=all_ones),
    strategy("signs of cotangents", CATCH, f"{ENGINE}.looker:cotangent", after=one_sign),
    strategy(
        "probes of large arguments",
        CATCH,
        f"{ENGINE}.looker:probe",
        instead=constant(Probe((), 0.0, True, 0, "none")),
    ),
    strategy(
        "more than one probe", CATCH, f"{ENGINE}.looker:probe", before=probing("count", lambda count: min(count, 1))
    ),
    strategy(
        "conditioning along probes", ACCEPT, f"{ENGINE}.looker:probe", before=probing("excuse", lambda _: no_excuse)
    ),
    strategy("additivity of probes", ACCEPT, f"{ENGINE}.probes:additive", instead=constant(True)),
)

PARTS: tuple[Part, ...] = (*CHECKS, *STRATEGIES, *ORACLES, *JUDGE)
