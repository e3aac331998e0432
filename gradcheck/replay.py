"""One counterexample again, from its record alone: the same bytes are handed to the same code, and its answer is judged anew.

Nothing is searched.  *Reproduced*: the same finding, and where it is about an entry the same bits there.  *Changed*: the
case still fails, but otherwise than it did.  *Not reproduced*: the case is as it should be.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import FIXED, Domain, Operator
from gradcheck.engine import contract, findings, forward_mode
from gradcheck.engine.certify import Certifier
from gradcheck.engine.definition import forward_findings
from gradcheck.engine.forward import grain, widen
from gradcheck.engine.looker import Looker
from gradcheck.engine.profiles import PROFILES
from gradcheck.errors import UsageError
from gradcheck.records import Array, Finding, Number, Point, Record, Severity, finding_id
from gradcheck.subjects.callables import Call, arrange, describe_failure, recognise
from gradcheck.subjects.protocol import Implementation, Subject, exhibits_of

REPRODUCED, CHANGED, NOT_REPRODUCED = "reproduced", "changed", "not reproduced"

OF_THE_POINT = ("GC101", "GC102", "GC103", "GC105", "GC106", "GC107", "GC108", "GC120")
"""Findings whose number is of one call at the point; the numbers of others come from further draws, too."""

STOPS = ("GC124", "GC125")
"""Findings whose point is a call that did not return: making it again is all that there is to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the three words, and what was seen, in words."""

    word: str
    about: str


def replay(subject: Subject, record: Record, finding: Finding, *, profile: str = "default") -> Outcome:
    """The case of ``finding`` again, with the subject that was tested.  Raises UsageError where it cannot be made again.

    ``profile`` is that of the run; it counts where no single point shows the finding, and the whole check is made again.
    """
    from gradcheck import catalogue

    exhibit = bool(record.claim.get("exhibit")) or record.operator not in catalogue.operators()
    if finding.point is None:
        return _whole(subject, record, finding, profile)
    try:
        if exhibit:
            made = _exhibited(subject, record, finding)
        else:
            made = _implemented(subject, record, finding)
        if made is None:
            return _whole(subject, record, finding, profile)
        if finding.code in STOPS:
            return _called(made[0].implementation, finding)
        outcome = compare(finding, at_point(made[0], finding, made[1]))
    except _Gone as error:
        raise UsageError(str(error)) from None
    except BaseException as error:  # of the subject, which may raise what it likes
        raised = describe_failure(error)
        same = finding.code in ("GC121", "GC123") and raised.kind in finding.message
        return Outcome(REPRODUCED if same else CHANGED, f"{raised.kind}: {raised.message}")
    elsewhere = finding.index is None if outcome.word == NOT_REPRODUCED else finding.code not in OF_THE_POINT
    if outcome.word != REPRODUCED and elsewhere:
        return _whole(subject, record, finding, profile)  # it shows in several calls only, or at other points
    return outcome


class _Gone(Exception):  # noqa: N818  # never leaves this module
    """The subject does not have any more what was tested."""


Made = tuple[Call, Callable[..., Any] | None]
"""A call, and the forward whose derivative is meant where that is not its own."""


def _implemented(subject: Subject, record: Record, finding: Finding) -> Made | None:
    """The subject's implementation of the operator, at the stored case; None where it is no ``Implementation``."""
    from gradcheck import catalogue

    assert finding.point is not None
    operator, params = catalogue.operator(record.operator), dict(finding.kwargs)
    implementation = subject.implementation(operator.name, params)
    if implementation is None:
        raise _Gone(f"{subject.name} has no {operator.name} with these parameters any more; nothing can be replayed")
    if not isinstance(implementation, Implementation):
        return None
    call = arrange(implementation, finding.point.inputs, kwargs=params, domain=_domain(operator, finding.point))
    return call, operator.definition


def _exhibited(subject: Subject, record: Record, finding: Finding) -> Made | None:
    """The functions of an exhibit; the printed ones for the counterexample against a printed formula."""
    known = exhibits_of(subject)
    if record.operator not in known:
        raise _Gone(f"{subject.name} has no exhibit {record.operator!r} any more; nothing can be replayed")
    exhibit = known[record.operator]()
    shown = record.correction.counterexample if record.correction is not None else None
    against = shown is not None and finding_id(record, shown) == finding_id(record, finding)
    pair = exhibit.printed if against else (exhibit.forward, exhibit.vjp)
    if pair is None or pair[0] is None or pair[1] is None:
        return None
    implementation = Implementation(forward=pair[0], vjp=pair[1])
    call = arrange(implementation, exhibit.inputs, wrt=exhibit.wrt, domain=exhibit.domain)
    return call, exhibit.intent if against else None


def replay_given(record: Record, finding: Finding) -> Outcome:
    """The case of functions that were given to ``check``, imported by the names that the record has of them.

    Raises UsageError for what cannot be imported, or does not take the stored arrays as they are (trees of arguments).
    """
    functions = [_imported(record.claim.get(role, ""), role) for role in ("forward", "vjp")]
    if finding.point is None:
        raise UsageError("this finding has no counterexample; make the same call with the same seed")
    try:
        implementation = recognise(functions[0], functions[1], None, False)
        call = arrange(implementation, finding.point.inputs, kwargs=dict(finding.kwargs))
        found = at_point(call, finding)
    except Exception as error:
        raise UsageError(
            f"the functions do not take the stored arrays as they are ({type(error).__name__}: {error}); "
            "put them back into their containers with the snippet of the page"
        ) from error
    return compare(finding, found)


def _imported(reference: str, role: str) -> Any:
    """The function that ``module:qualified.name`` names."""
    module, _, name = reference.partition(":")
    try:
        if not module or module == "__main__" or "<" in name:
            raise ImportError("it is defined in a script, in a function, or without a name")
        return functools.reduce(getattr, name.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the {role} {reference!r} cannot be imported ({error}); make the same call with the same seed, "
            "or paste the snippet of its page"
        ) from error


def at_point(call: Call, finding: Finding, meant: Callable[..., Any] | None = None) -> list[Finding]:
    """All that is found at the point of ``finding``: the entries judged, the form, the contract, the jvp and the forward.

    ``meant`` is the forward whose derivative is asked for, if that is not the call's own.
    """
    point = finding.point
    assert point is not None
    call = _at(call, point)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        value = call.implementation.forward(*call.build([_copy(v) for v in call.leaves]), **call.kwargs)
        single = not isinstance(value, (tuple, list))
        rng, profile = np.random.default_rng(0), PROFILES["default"]
        claim = call.implementation.forward if meant is None else meant
        made = widen(call, claim), rng, grain(call, claim, rng)
        looker = Looker(call, claim, single, *made, certifier=Certifier.of(call, claim, single=single))
        found = [] if meant is None else forward_findings(call, meant)
        if not point.cotangents:
            return found
        look = looker.at(
            call.leaves,
            point.origin,
            short=0,
            full=True,
            whole=profile.whole,
            probes=profile.probes,
            g=point.cotangents,
        )
        if look is None:
            return found
        found = [*found, *findings.of_look(call, look)]
        for code, path, message in look.observation.breaches:
            found.append(Finding(code=code, severity=Severity.CONTRACT, argument=path, message=message, point=point))
        if look.observation.failure is None and look.observation.gradients:
            unknown = np.full(look.layout.total, np.nan)
            truth = (
                look.truth.magnitude
                if look.truth is not None and look.truth.magnitude.shape == unknown.shape
                else unknown
            )
            found += contract.inspect_contract(call, point.cotangents, single, truth, rng)
            found += forward_mode.inspect(call, looker, look)
            found = [_with_bits(call, f, finding, look.observation.gradients) for f in found]
    return found


def compare(finding: Finding, found: list[Finding]) -> Outcome:
    """What was found at the point now, against what was found there then."""
    same = [f for f in found if f.code == finding.code and f.argument == finding.argument]
    failing = [f for f in found if f.severity.fails]
    if not same and not (finding.severity.fails and failing):
        return Outcome(NOT_REPRODUCED, "nothing of the kind is found at this point any more")
    if not same:
        now = failing[0]
        return Outcome(CHANGED, f"now {now.code} {now.argument}: {now.message}")
    now = next((f for f in same if f.index == finding.index), same[0])
    if finding.index is None or finding.code not in OF_THE_POINT:
        return Outcome(REPRODUCED, now.message)
    if _bits(now.got) == _bits(finding.got):
        return Outcome(REPRODUCED, "bit for bit")
    where = f"{finding.argument}[{', '.join(map(str, finding.index))}]" if finding.index else finding.argument
    return Outcome(CHANGED, f"{where} is {now.got!r} now, and was {finding.got!r}")


def _with_bits(call: Call, now: Finding, then: Finding, gradients: tuple[Array | None, ...]) -> Finding:
    """``now`` at the entry that ``then`` is about: which of several wrong entries is named is of no account."""
    if (
        (now.code, now.argument) != (then.code, then.argument)
        or then.index is None
        or now.code not in ("GC101", "GC102")
    ):
        return now
    if now.index == then.index and _bits(now.got) == _bits(then.got):
        return now
    paths = [call.paths[k] for k in call.active]
    gradient = gradients[paths.index(now.argument)] if now.argument in paths else None
    try:
        value = None if gradient is None else complex(gradient[then.index])
    except IndexError:
        return now
    return now if value is None else replace(now, index=then.index, got=value if value.imag else value.real)


def _bits(value: Number | None) -> str:
    """The number, exactly; any NaN is NaN."""
    if value is None:
        return ""
    number = complex(value)
    return f"{number.real.hex()} {number.imag.hex()}"


def _at(call: Call, point: Point) -> Call:
    """The call with the leaves of the point in the place of its own."""
    if len(point.inputs) != len(call.leaves):
        raise UsageError(f"the stored case has {len(point.inputs)} arrays, the arguments have {len(call.leaves)}")
    leaves = tuple(
        new if isinstance(old, np.ndarray) or np.ndim(new) else new.dtype.type(new)
        for old, new in zip(call.leaves, point.inputs, strict=True)
    )
    return replace(call, leaves=leaves, arguments=call.build(leaves))


def _copy(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value


def _domain(operator: Operator, point: Point) -> Domain:
    """The operator's domain for these inputs; what is no float in them is fixed."""
    sets = tuple(
        operator.domain.of(k) if len(operator.domain.sets) == 1 or k < len(operator.domain.sets) else FIXED
        for k in range(len(point.inputs))
    )
    return Domain(
        tuple(s if x.dtype.kind in "fcV" else FIXED for s, x in zip(sets, point.inputs, strict=True)),
        operator.domain.gauge,
    )


def _called(implementation: Implementation, finding: Finding) -> Outcome:
    """The call that did not return, once more; that it does is all that this can say from inside."""
    point = finding.point
    assert point is not None
    params = dict(finding.kwargs)
    inputs: tuple[Any, ...] = tuple(map(np.array, point.inputs))
    given = tuple(map(np.array, point.tangents if point.tangents is not None else point.cotangents))
    method: Callable[..., Any]
    if point.tangents is not None and implementation.jvp is not None:
        method, inputs = implementation.jvp, (given, *inputs)
    elif point.cotangents:
        method, inputs = implementation.vjp, (given if len(given) > 1 else given[0], *inputs)
    else:
        method = implementation.forward
    try:
        if implementation.stateful and point.cotangents:
            implementation.forward(*map(np.array, point.inputs), **params)
        method(*inputs, **params)
    except Exception as error:
        return Outcome(CHANGED, f"{point.origin} raises {type(error).__name__}: {error}")
    return Outcome(NOT_REPRODUCED, "the call returns now")


def _whole(subject: Subject, record: Record, finding: Finding, profile: str) -> Outcome:
    """The whole check, for what no single point shows."""
    from gradcheck import catalogue
    from gradcheck.engine.exhibits import check_exhibit
    from gradcheck.engine.verify import verify_operator

    if record.operator in catalogue.operators():
        again = verify_operator(subject, catalogue.operator(record.operator), profile=profile, seed=record.seed)
    else:
        again = check_exhibit(subject, record.operator, profile=profile, seed=record.seed)
    outcome = compare(finding, list(again.findings))
    return replace(outcome, about=f"{outcome.about} (by the whole check of {record.operator})")
