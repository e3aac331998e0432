"""Which faults in the reference rules does ``verify`` catch?  Each is made in memory, one at a time, and looked for.

``python -m benchmarks.mutation [--only PATTERN] [--seconds N] [--state FILE] [--workers N]``

A mutant is killed if the verification of some operator whose rule uses the function *fails*; an undecided one survives.
Survivors that are equivalent stand in ``mutation_equivalents.txt`` with a reason; any other makes the exit code 1.
``--seconds`` ends the run early, ``--state`` keeps what is done and goes on from there; a run that is cut off makes the exit
code 1 too, as its share is of a part only.
"""

from __future__ import annotations

import argparse
import contextlib
import dis
import fnmatch
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any
from unittest import mock

import numpy as np

import gradcheck
from benchmarks.mutation_kinds import Mutant, mutants_of
from benchmarks.running import spread
from gradcheck.catalogue import FAMILIES, operators
from gradcheck.engine import verify
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Record, Status
from gradcheck.subjects import load
from reference_nets import rules
from reference_nets.rules import JVPS, RULES

EQUIVALENTS = Path(__file__).with_name("mutation_equivalents.txt")
PLACE = str(Path(rules.__file__).parent)
LIMIT = 60.0
"""Seconds per operator: over ten times the slowest of them unchanged, so that only a rule that hangs reaches it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one mutant: ``by`` is the operator that failed, or empty."""

    mutant: Mutant
    by: str
    note: str = ""


def reached(function: Any, seen: dict[int, FunctionType] | None = None) -> dict[int, FunctionType]:
    """All functions of the rules that a rule can call: by global name or from its closure.

    The attribute of ``np.log`` is no global name: it does not reach a rule that is called ``log``.
    """
    seen = {} if seen is None else seen
    if isinstance(function, (tuple, list)):
        for part in function:
            reached(part, seen)
    if not isinstance(function, FunctionType) or id(function) in seen:
        return seen
    if not function.__code__.co_filename.startswith(PLACE):
        return seen
    seen[id(function)] = function
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # the cell is empty
            reached(cell.cell_contents, seen)
    for name in _names(function.__code__):
        reached(function.__globals__.get(name), seen)
    return seen


def _names(code: CodeType) -> Iterator[str]:
    yield from (step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL")
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


@cache
def users() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The operators by file and outermost function that their rules use."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in operators():
        for function in reached((RULES.get(name), JVPS.get(name))).values():
            code = function.__code__
            outer = code.co_qualname.split(".")[0]
            names = found.setdefault((code.co_filename, outer), [])
            if name not in names:
                names.append(name)
    return {key: tuple(names) for key, names in found.items()}


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code object and all within it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from codes(part)


@contextlib.contextmanager
def applied(mutant: Mutant, names: Sequence[str]) -> Iterator[None]:
    """The rules of these operators with the mutant in place; the functions get their own code back at the end."""
    new = {code.co_qualname: code for code in codes(compile(mutant.tree, mutant.file, "exec"))}
    reachable = reached(tuple(table.get(name) for name in names for table in (RULES, JVPS)))
    old: list[tuple[FunctionType, CodeType]] = []
    try:
        for function in reachable.values():
            code = function.__code__
            outer = code.co_qualname.split(".")[0]
            if code.co_filename == mutant.file and outer == mutant.function:
                changed = new[code.co_qualname]
                if changed.co_freevars != code.co_freevars:  # a lambda that uses a name of its closure no more
                    raise ClosureError(", ".join(sorted(set(code.co_freevars) - set(changed.co_freevars))))
                old.append((function, code))
                function.__code__ = changed
        yield
    finally:
        for function, code in old:
            function.__code__ = code


class ClosureError(Exception):
    """The mutant needs other variables of its closure than the function has: it cannot be put in place."""


class FailedError(Exception):
    """One example failed, and the operator with it: the others can change nothing."""


class _UntilFailure(verify._Verification):
    """Pictures decide nothing, and take two thirds of the time; nor does what comes after a failure."""

    def checked(self, *arguments: Any) -> Record | None:
        record = super().checked(*arguments)
        if record is not None and record.status is Status.FAIL:
            raise FailedError
        return record

    def draw(self, call: Any) -> None:
        """None."""


def _status(name: str, one: int | None, profile: str) -> Status:
    """What comes of the operator, or of one of its examples alone."""
    operator = operators()[name]
    if one is not None:
        operator = replace(operator, examples=(operator.examples[one],))
    try:
        with mock.patch.object(verify, "_Verification", _UntilFailure):
            return verify_operator(load("reference"), operator, profile=profile, limit=LIMIT).status
    except FailedError:
        return Status.FAIL


_unchanged = cache(_status)
"""The same before any change: a failure says something of the mutant only where the operator passes without it."""


@cache
def _telling(name: str) -> int | None:
    """The first example with an input of two entries or more, which sees most faults."""
    examples = enumerate(operators()[name].examples)
    return next(
        (k for k, e in examples if all(np.size(np.empty(s)) > 1 for s in e.shapes if isinstance(s, tuple))), None
    )


STAGES = (("quick", True), ("quick", False), ("default", False))
"""Profile, and whether one example is enough: most faults are seen at once, and cost a tenth so."""


FEW = 12
"""Operators that are looked at in all stages; more than a hundred share the rule for broadcasting."""


def judged(mutant: Mutant, names: Sequence[str], stages: Sequence[tuple[str, bool]] = STAGES) -> Answer:
    """Each stage over the first operators, the cheapest first, then over the others; the first failure ends it.

    The others, which only what all rules share has, are not looked at in the last stage.
    """
    notes: list[str] = []
    for stage, some in [(s, names[:FEW]) for s in stages] + [(s, names[FEW:]) for s in stages[:2]]:
        profile, alone = stage
        for name in some:
            one = _telling(name) if alone else None
            try:
                with applied(mutant, names):
                    status = _status(name, one, profile)
            except ClosureError as error:
                return Answer(mutant, "", f"not put in place: {error} would be unused")
            if status is Status.FAIL and _unchanged(name, one, profile) is Status.PASS:
                return Answer(mutant, name)
            if status is not Status.PASS and not alone:
                what = "undecided" if status is not Status.FAIL else "does not pass unchanged"
                notes.append(f"{name} {what} ({profile})")
    return Answer(mutant, "", "; ".join(notes))


def equivalents(text: str) -> dict[str, str]:
    """Reasons by mutant, from lines ``mutant | reason``.  ValueError for a line without a reason."""
    table = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, _, reason = line.rpartition(" | ")
        if not key.strip() or not reason.strip():
            raise ValueError(f"line {number}: {line!r}; write `mutant | why it is equivalent`")
        table[key.strip()] = reason.strip()
    return table


def report(answers: Sequence[Answer], reasons: Mapping[str, str], say: Callable[[str], object] = print) -> bool:
    """Print the survivors, and the shares of all mutants and of those that are not equivalent; whether each survivor has its reason.

    No reason is taken for a killed mutant."""
    total, killed = Counter[str](), Counter[str]()
    for answer in answers:
        total[answer.mutant.kind] += 1
        killed[answer.mutant.kind] += bool(answer.by)
    ok = bool(answers)
    for answer in sorted((a for a in answers if not a.by), key=lambda a: (a.mutant.file, a.mutant.line)):
        mutant, reason = answer.mutant, reasons.get(answer.mutant.key)
        ok &= reason is not None
        note = f"  ({answer.note})" if answer.note else ""
        say(f"{Path(mutant.file).name}:{mutant.line}  {mutant.key}{note}: {reason or 'SURVIVES WITHOUT A REASON'}")
    for answer in answers:
        if answer.by and answer.mutant.key in reasons:
            ok = False
            say(f"{answer.mutant.key}: called equivalent, but {answer.by} fails with it")
    for kind in sorted(total):
        say(f"{kind:<14} {killed[kind]:>5} of {total[kind]:<5} killed")
    equivalent = sum(not answer.by and answer.mutant.key in reasons for answer in answers)
    for name, number in (("all", total.total()), ("not equivalent", total.total() - equivalent)):
        share = 100 * killed.total() / max(1, number)
        say(f"{name:<14} {killed.total():>5} of {number:<5} killed, {share:.1f} %")
    return ok


def collected(pattern: str) -> list[tuple[Mutant, tuple[str, ...]]]:
    """Mutants of the functions that operators of this pattern use, with those operators."""
    jobs = []
    for path in sorted(Path(PLACE).glob("*.py")):
        for mutant in mutants_of(path.read_text(encoding="utf-8"), str(path)):
            names = [n for n in users().get((mutant.file, mutant.function), ()) if fnmatch.fnmatchcase(n, pattern)]
            if names:
                jobs.append((mutant, tuple(names)))
    return sorted(jobs, key=lambda job: len(job[1]) > FEW)


@cache
def source(names: tuple[str, ...]) -> str:
    """Fingerprint of the rules and records of these operators and of the judge: an answer to other text is none to this."""
    texts = {Path(__file__), Path(__file__).with_name("mutation_kinds.py"), *_judge()}
    for family in FAMILIES:
        if any(record.name in names for record in family.OPERATORS):
            texts |= _with_imports(Path(str(family.__file__)))
    for function in reached(tuple(table.get(name) for name in names for table in (RULES, JVPS))).values():
        texts |= _with_imports(Path(function.__code__.co_filename))
    digest = hashlib.sha256()
    for path in sorted(texts):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _judge() -> frozenset[Path]:
    root = Path(gradcheck.__file__).parent
    used = "engine", "numbers", "oracles", "strategies", "subjects"
    return frozenset(path for part in used for path in (root / part).rglob("*.py")) | set(root.glob("*.py"))


@cache
def _with_imports(path: Path) -> frozenset[Path]:
    """The file, and the files of its own directory that it imports, at any depth."""
    names = re.findall(r"^from [\w.]+\.(\w+) import", path.read_text(encoding="utf-8"), re.MULTILINE)
    beside = (path.with_name(f"{name}.py") for name in names)
    return frozenset({path}).union(*(_with_imports(other) for other in beside if other.exists() and other != path))


def _known(state: Path | None) -> dict[tuple[str, str], tuple[str, str]]:
    if state is None or not state.exists():
        return {}
    rows = [json.loads(line) for line in state.read_text(encoding="utf-8").splitlines()]
    return {(row["job"], row["source"]): (row["by"], row["note"]) for row in rows}


def _work(job: tuple[Mutant, tuple[str, ...]]) -> Answer:
    return judged(*job)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 if all was looked at and each survivor is explained."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="*", help="pattern of operator names")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no mutant after so long")
    parser.add_argument("--state", type=Path, help="file of what is done, to go on from")
    parser.add_argument("--workers", type=int, default=2, choices=(1, 2))
    options = parser.parse_args(arguments)
    os.nice(10)
    begun, known = time.monotonic(), _known(options.state)
    jobs = collected(options.only)
    if not jobs:
        parser.error(f"--only {options.only}: no rule of such an operator has anything to change")
    label = {job[0].key: (f"{job[0].key} @ {','.join(job[1])}", source(job[1])) for job in jobs}
    answers = [Answer(m, *known[label[m.key]]) for m, _ in jobs if label[m.key] in known]
    left = [job for job in jobs if label[job[0].key] not in known]
    timely = (job for job in left if time.monotonic() - begun < options.seconds)
    for answer in spread(_work, timely, options.workers, lambda job: Answer(job[0], "killed its process")):
        answers.append(answer)
        if options.state is not None:
            job, text = label[answer.mutant.key]
            row = {"job": job, "by": answer.by, "note": answer.note, "source": text}
            with options.state.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    ok = report(answers, equivalents(EQUIVALENTS.read_text(encoding="utf-8")))
    print(f"{len(answers)} of {len(jobs)} mutants looked at, {time.monotonic() - begun:.0f} s")
    return 0 if ok and len(answers) == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
