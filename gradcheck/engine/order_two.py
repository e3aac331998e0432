"""Order two of one example: the subject's vjp is itself differentiated, and held against second derivatives of the definition.

A vjp whose values are right may still have a wrong derivative, as one that is patched at single points has: only its own text
shows that.  Three roads, the sharpest that can be gone:

* the text of the vjp and that of the definition, both in jets over balls (``Place.gaps``);
* where no trace reads the vjp's text, differences of the vjp against the definition's jets;
* where none reads the definition, the symmetry of the vjp's derivative, by differences.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck.claim import Example, Kind, Operator
from gradcheck.engine.definition import with_findings
from gradcheck.engine.second_order import Gaps, KinkError, NoDerivativeError, Place, UnreadError
from gradcheck.records import SECOND, SECOND_OPEN, Array, Finding, Point, Record, Severity
from gradcheck.strategies.sets import settle
from gradcheck.subjects.protocol import Implementation

ORDERS = "derivatives of order "
FIRST_ALONE = f"{ORDERS}two and higher"

UNSTATED = f"{FIRST_ALONE}: the subject states no text of its vjp that could be differentiated"

JETS, DIFFERENCES, SYMMETRY = (
    "second-order jets in balls",
    "differences of the vjp against jets",
    "symmetry of the Hessian",
)


@dataclass
class OrderTwo:
    """What came of it."""

    counts: Counter[str] = field(default_factory=Counter)
    oracles: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    misread: bool = False
    """No trace reads the text at an ordinary point: then none is trusted at a steep one, where it cannot be told apart."""

    def added(self, record: Record) -> Record:
        """The record of the example with all of it; what it said of the orders that were not tested is mended."""
        untested = [text for text in record.untested if text != FIRST_ALONE]
        untested.append(f"{ORDERS}three and higher" if self.counts[SECOND] else FIRST_ALONE)
        untested += [f"order two at some points: {reason}" for reason in self.reasons]
        record = replace(
            record,
            counts=Counter(record.counts) + self.counts,
            oracles=Counter(record.oracles) + self.oracles,
            untested=tuple(untested),
        )
        return with_findings(record, self.findings)


def order_two(
    operator: Operator,
    example: Example,
    inputs: Sequence[Any],
    implementation: Implementation,
    seed: int,
    *,
    special: bool,
) -> OrderTwo:
    """Second derivatives at the given inputs, and with ``special`` also at the record's special values.

    The implementation states its ``vjp_text``.  Inputs are float64, or are no numbers of which a derivative is taken.
    """
    made = OrderTwo()
    origins = places(operator, inputs) if special else iter([("the given point", inputs)])
    for number, (origin, values) in enumerate(origins):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            _look(made, operator, example, [np.array(v) for v in values], implementation, seed + number, origin)
        if made.findings:
            break
    return made


def places(operator: Operator, inputs: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The given point, and each special value at the first entry of each argument in turn."""
    yield "the given point", inputs
    for value in operator.special:
        for leaf, given in enumerate(inputs):
            within = operator.domain.of(leaf)
            if np.asarray(given).dtype.kind == "f" and np.size(given) and within.kind is Kind.REALS:
                changed = [np.array(x) for x in inputs]
                changed[leaf].flat[0] = settle(np.asarray(value), np.empty(()), within)
                yield f"one entry of argument {leaf} at {value:g}", changed


def _look(
    made: OrderTwo,
    operator: Operator,
    example: Example,
    values: list[Array],
    implementation: Implementation,
    seed: int,
    origin: str,
) -> None:
    assert implementation.vjp_text is not None
    try:
        place = Place.of(operator, example, values, seed)
        method, message, numbers = _compared(place, implementation, made)
    except KinkError as error:
        made.reasons[str(error)] += 1
        return
    except NoDerivativeError as error:
        made.counts[SECOND_OPEN] += 1
        made.reasons[str(error)] += 1
        return
    except (UnreadError, np.linalg.LinAlgError) as error:
        made.counts[SECOND_OPEN] += 1
        made.reasons[f"{type(error).__name__.removesuffix('Error')}: {error}".splitlines()[0]] += 1
        return
    made.counts[SECOND] += 1
    made.oracles[method] += 1
    if message:
        point = Point(inputs=tuple(values), cotangents=(place.cotangent,), origin=f"order two, {origin}")
        got, expected, bound = numbers
        made.findings.append(
            Finding(
                code="GC132",
                severity=Severity.WRONG,
                argument="vjp",
                message=message,
                got=got,
                expected=expected,
                bound=bound,
                point=point,
                evidence=f"{method}, along two tangents of small integers",
                where=implementation.where,
            )
        )


def _compared(
    place: Place, implementation: Implementation, made: OrderTwo
) -> tuple[str, str, tuple[float, float, float]]:
    """The road, what is wrong (nothing: ""), and got, expected and the bound."""
    text, vjp = implementation.vjp_text, implementation.vjp
    assert text is not None
    gaps = None
    if not made.misread:
        try:
            gaps = place.gaps(text, vjp)
        except UnreadError:
            made.misread = True
    if gaps is not None:
        numbers = gaps.got, gaps.expected, gaps.bound
        if gaps.worst <= 1:
            return JETS, "", numbers
        return JETS, _which(gaps), numbers
    try:
        expected, scale, _, _ = place.truth()
    except UnreadError:
        (one, first), (other, second) = place.slopes(vjp)
        bound = first + second
        wrong = "" if abs(one - other) <= bound else "the vjp's own derivative is not symmetric"
        return SYMMETRY, wrong, (one, other, bound)
    got, bound = place.slope_of(vjp, place.u, place.v)
    bound += place.literals(scale)
    wrong = (
        "" if abs(got - expected) <= bound else "differences of the vjp are not the second derivative of the operator"
    )
    return DIFFERENCES, wrong, (got, expected, bound)


def _which(gaps: Gaps) -> str:
    """What is wrong, in words."""
    if max(gaps.forwards, gaps.backwards) <= 1 < gaps.adjoint:
        return "the vjp of the vjp is not the jvp: its part for the cotangent breaks the adjoint identity"
    if max(gaps.forwards, gaps.backwards) <= 1 < gaps.exactly:
        return "the vjp takes a branch of its own at this very point, whose derivative is not that of the operator's gradient"
    return "the vjp's own derivative is not the second derivative of the operator"
