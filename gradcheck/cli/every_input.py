"""``gradcheck prove --exhaustive``: rules, or a subject's vjps, on every float16 and bfloat16 number."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradcheck import catalogue
from gradcheck.claims_io import folder
from gradcheck.cli import OK
from gradcheck.cli.proving import JOBS, LIMIT, in_order, needs_sympy, selected
from gradcheck.engine.containment import Expired, contained, limited
from gradcheck.errors import UsageError
from gradcheck.subjects.callables import CAUGHT, arrange, describe_failure

if TYPE_CHECKING:
    from rich.console import Console

    from gradcheck.claim import Operator
    from gradcheck.proofs.exhaustive import Slopes
    from gradcheck.subjects.protocol import Subject

T = TypeVar("T")

FOLDER = "exhaustive"
"""In the output directory: the files of the reference rules, and a folder for each other subject."""


def exhaustive(
    console: Console,
    names: Sequence[str],
    output: Path,
    subject: str | None = None,
    limit: float = LIMIT,
    jobs: int = JOBS,
) -> int:
    """Run the rules of unary operators, or a subject's vjps, on every float16 and bfloat16 number, and print how each does.

    A measurement and no verdict: a vjp may be accurate and not correctly rounded.
    """
    needs_sympy()
    operators = [operator for operator in selected(names) if len(operator.examples[0].shapes) == 1]
    if not operators:
        raise UsageError(f"prove --exhaustive {' '.join(names)}: none of these has a single argument")
    directory, who = output / FOLDER, ""
    if subject is not None:
        directory, who = directory / folder(subject), f"{_subject(subject).name} "
    done, start = 0, time.perf_counter()
    directory.mkdir(parents=True, exist_ok=True)
    tasks = [operator.name for operator in operators]
    run = functools.partial(every_number, subject=subject, limit=limit)
    for name, found in zip(tasks, in_order(run, tasks, jobs), strict=True):
        path = directory / f"{name}.json"
        if found:
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        else:  # a subject need not have all of them; what an earlier version of it had is no more
            path.unlink(missing_ok=True)
            console.print(f"{who}{name}: not there", markup=False)
        done += any("unread" not in one for one in found)
        for one in found:
            console.print(who + _sentence(name, one), markup=False)
    seconds = time.perf_counter() - start
    console.print(f"every input of float16 and bfloat16: {done} of {len(operators)} unary operators, {seconds:.0f} s")
    return OK


def every_number(
    name: str, tables: Path | None = None, subject: str | None = None, limit: float = LIMIT
) -> list[dict[str, Any]]:
    """One record for each choice of parameters and each type; true values are kept in ``tables``, by default the cache.

    Of a subject the types and parameters that it has; ``limit`` is in seconds for each of its answers.
    """
    from gradcheck.fingerprints import fingerprint
    from gradcheck.proofs.claims import choices, tool
    from reference_nets.rules import RULES

    operator, found = catalogue.operator(name), list[dict[str, Any]]()
    texts = {"definition": fingerprint(operator.definition)}
    if subject is None:
        texts["rule"] = fingerprint(RULES[name])
        about: dict[str, Any] = {"name": name, "texts": texts, "tool": tool()}
    else:
        tested = _subject(subject)
        about = {"name": name, "texts": texts, "tool": tool(), "subject": tested.name, "version": tested.version}
    for params in choices(operator):
        if subject is None:
            rows = _rows(operator, params, tables, _of_rule(name, params))
        else:
            rows = _rows(operator, params, tables, _of_subject(tested, name, params, limit))
        found += [{**about, "params": params, **row} for row in rows]
    return found


def _rows(
    operator: Operator, params: Mapping[str, Any], tables: Path | None, slopes: Callable[[str], Slopes | None]
) -> Iterator[dict[str, Any]]:
    """A row for each type in which there are slopes: figures, or why there are none."""
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.proofs.exhaustive import TYPES, every, truth

    for dtype in TYPES:
        try:
            run = slopes(dtype)
            if run is not None:
                yield asdict(
                    every(run, truth(operator.definition, operator.domain.of(0), dtype, params, tables), dtype)
                )
        except NumbersError as error:
            yield {"unread": str(error)}
            return
        except _NoAnswerError as error:
            yield {"dtype": dtype, "unread": str(error)}


class _NoAnswerError(Exception):
    """A subject raised, did not end, or gave no gradient; the message says so."""


def _of_rule(name: str, params: Mapping[str, Any]) -> Callable[[str], Slopes]:
    from gradcheck.proofs.exhaustive import slopes_of
    from reference_nets.rules import RULES

    return lambda dtype: slopes_of(RULES[name], dtype, params)


def _of_subject(tested: Subject, name: str, params: Mapping[str, Any], limit: float) -> Callable[[str], Slopes | None]:
    """All numbers of a type in one call, as one array of that type; None for a type that the subject does not have."""

    def there(dtype: str) -> bool:
        return tested.implementation(name, dict(params)) is not None and tested.supports(name, np.dtype(dtype))

    def asked(inputs: NDArray[Any]) -> NDArray[Any]:
        made = tested.implementation(name, dict(params))
        if made is None:
            raise _NoAnswerError("it has no implementation when asked again")
        seen = arrange(made, (inputs,), kwargs=dict(params)).vjp((np.ones_like(inputs),), (inputs,), single=True)
        if seen.failure is not None:
            raise _NoAnswerError(f"it raises {seen.failure.kind}: {seen.failure.message}")
        if seen.breaches:
            raise _NoAnswerError(seen.breaches[0][2])
        if seen.gradients[0] is None or seen.gradients[0].shape != inputs.shape:
            raise _NoAnswerError("it gives no gradient of the shape of the input")
        return seen.gradients[0]

    def of_type(dtype: str) -> Slopes | None:
        return functools.partial(_guarded, limit, asked) if _guarded(limit, there, dtype) else None

    return of_type


def _guarded(limit: float, function: Callable[[Any], T], given: Any) -> T:
    """``function(given)``, in which a subject's code runs: what it does to the process is undone, and ``_NoAnswerError`` if it has none."""
    try:
        with contained(), limited(limit):
            return function(given)
    except Expired:
        raise _NoAnswerError(f"no answer within {limit:g} s") from None
    except _NoAnswerError:
        raise
    except CAUGHT as error:
        failure = describe_failure(error)
        raise _NoAnswerError(f"it raises {failure.kind}: {failure.message}") from error


@functools.cache
def _subject(name: str) -> Subject:
    """Loaded once in a process: a peer is a process of its own."""
    from gradcheck.subjects import load

    return load(name)


def _sentence(name: str, one: Mapping[str, Any]) -> str:
    title = " ".join((name + "".join(f", {k} {v}" for k, v in one["params"].items()), one.get("dtype", ""))).strip()
    if "unread" in one:
        return f"{title}: not measured, {one['unread']}"
    reasons = {"kinks": "ties left out", "without": "without a derivative", "undecided": "undecided"}
    rest = "".join(f", {one[key]} {words}" for key, words in reasons.items() if one[key])
    worst = f", worst {one['worst']:.4g} ulp at {one['where']!r}" if one["wrong"] else ""
    return f"{title}: {one['judged']} inputs{rest}, {one['wrong']} not correctly rounded{worst}"
