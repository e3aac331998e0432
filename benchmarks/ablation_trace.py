"""Parts of gradcheck that can be turned off, and for which cases that can change anything.

A ``Part`` names an attribute and what stands in for it while the part is off; the product itself has no switches.

Pruning.  A check is a deterministic function of case and seed.  While the baseline runs, each part's stand-in runs beside the
original (only beside it: its answer is dropped).  Where both always agree, the run without the part is the same run, bit for
bit, so that case cannot change.  Where they differ, the *scope* is noted: the point that was looked at, or the check that
ran there; what differs before any point is looked at has the empty scope, that is everywhere.

* A right case can be refused only if the stand-in differed somewhere.
* A wrong case can slip through only if the stand-in differed in the scope of EVERY finding that makes it fail: a finding of
  another scope is made without the part.  (Turning a part off also shifts the random numbers that are drawn later, so such
  a finding might vanish by chance; that would be no merit of the part, and is not counted.)

A part that only filters (points by origin, findings by code) needs no stand-in: its scopes and codes are known.
``--exhaustive`` runs every part on every case of its side instead.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from unittest import mock

import numpy as np

import gradcheck
from benchmarks.running import OverTimeError, quiet_and_bounded
from gradcheck.records import Finding, Status
from tests.meta.case import Case

CATCH, ACCEPT, BOTH = "catch", "accept", "both"

Depends = Callable[[str, str], bool]
"""Whether a finding of this scope and code depends on a part."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One row of the table of parts.

    ``target`` is ``module:attribute``, ``module:Class.method`` or ``module:TABLE[key]``.  Off means one of: the function
    ``instead`` of it; its result passed through ``after(result, *args)``; its arguments through ``before(*args)``; the
    ``value`` of a constant; or the key removed from its table.
    """

    name: str
    kind: str
    serves: str
    target: str
    instead: Callable[..., Any] | None = None
    after: Callable[..., Any] | None = None
    before: Callable[..., tuple[Any, ...]] | None = None
    value: Any = None
    depends: Depends | None = None
    scope: str | None = None
    """Where its findings are said to be, if not where it runs."""
    kept: str = ""
    """Why it stays although no case needs it."""
    effects: bool = False
    """It works by what it changes, not by what it gives: wherever it is called, its stand-in does otherwise."""

    @property
    def shadowed(self) -> bool:
        """Whether a stand-in can run beside the original."""
        return self.depends is None and any(f is not None for f in (self.instead, self.after, self.before))

    def off(self, original: Any) -> Any:
        """What stands in the place of the original."""
        if self.instead is not None:
            return self.instead
        if self.after is not None:
            after = self.after
            return lambda *a, **k: after(original(*a, **k), *a, **k)
        if self.before is not None:
            before = self.before
            return lambda *a, **k: original(*before(*a), **k)
        return self.value

    def differs(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the stand-in would have done otherwise than the original, which gave ``result``."""
        if self.effects:
            return True
        try:
            if self.before is not None:
                return not same(self.before(*args), args)
            other = self.instead(*args, **kwargs) if self.instead else self.after(result, *args, **kwargs)  # type: ignore[misc]  # one of two
            return not same(other, result)
        except Exception:  # then the two do differ
            return True


def locate(target: str) -> tuple[Any, str, str | None]:
    """(owner, attribute, key or None) of a target; raises LookupError if it does not exist."""
    module, _, path = target.partition(":")
    found = re.fullmatch(r"([\w.]+)(?:\[(.+)\])?", path)
    try:
        owner: Any = import_module(module)
        *outer, last = found[1].split(".")  # type: ignore[index]  # a tuple here
        for name in outer:
            owner = getattr(owner, name)
        table = getattr(owner, last)
        key = found[2]  # type: ignore[index]  # a tuple here
        if key is not None and key not in table:
            raise KeyError(key)
    except (ImportError, AttributeError, KeyError, TypeError) as error:
        raise LookupError(f"{target}: no such attribute ({error!r})") from error
    return owner, last, key


@contextlib.contextmanager
def replaced(target: str, make: Callable[[Any], Any], *, remove: bool = False) -> Iterator[None]:
    """The target is ``make(original)`` for a while, or absent from its table."""
    owner, name, key = locate(target)
    if key is None:
        with mock.patch.object(owner, name, make(getattr(owner, name))):
            yield
    elif remove:
        with mock.patch.dict(getattr(owner, name)):
            del getattr(owner, name)[key]
            yield
    else:
        with mock.patch.dict(getattr(owner, name), {key: make(getattr(owner, name)[key])}):
            yield


def turned_off(part: Part) -> contextlib.AbstractContextManager[None]:
    """The part is off for a while."""
    empty = all(f is None for f in (part.instead, part.after, part.before, part.value))
    return replaced(part.target, part.off, remove=empty)


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal bit for bit, down to their leaves; what cannot be compared is not the same."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b) or (isinstance(a, (float, np.floating)) and a != a and b != b)


LOOK = "gradcheck.engine.looker:Looker.at"
MERGE = "gradcheck.engine.findings:merge"
SMALLER = "gradcheck.engine.findings:smaller"

# --- one case ------------------------------------------------------------------------------------------------


def run(case: Case, seed: int | None) -> Any:
    """The result of one case, without shrinking: that makes findings smaller, finds none, and takes most of the time."""
    forward, vjp = case.make()
    with replaced(SMALLER, lambda original: lambda call, finding, *rest: finding):
        return gradcheck.check(forward, vjp, case.inputs, **{"seed": seed, **case.options})


def outcome(case: Case, seed: int | None) -> str:
    """``pass``, ``fail``, ``inconclusive``, or the name of what was raised."""
    try:
        with quiet_and_bounded():
            return str(run(case, seed).status.value)
    except KeyboardInterrupt:
        raise
    except OverTimeError:
        return "over time"
    except BaseException as error:  # a case may raise SystemExit; an ablated engine may raise anything
        return type(error).__name__


@dataclass
class Trace:
    """What one case's baseline showed: its status, the (scope, code) of each failing finding, where parts did something."""

    status: str = ""
    findings: list[tuple[str, str]] = field(default_factory=list)
    marks: dict[str, set[str]] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=set)

    def may_change(self, part: Part, right: bool) -> bool:
        """Whether turning the part off can change the decision of this case."""
        if part.depends is not None:
            hits = [part.depends(scope, code) for scope, code in self.findings]
            return bool(self.findings) and all(hits)
        if not part.shadowed:
            return True
        marks = self.marks.get(part.name, set())
        if right or "" in marks:
            return bool(marks)
        return bool(self.findings) and all(any(_within(s, m) for m in marks) for s, _ in self.findings)


def _within(scope: str, mark: str) -> bool:
    return scope == mark or scope.startswith(f"{mark}|")


GIVEN = "the given point"


class _Recorder:
    """Follows one baseline run."""

    def __init__(self) -> None:
        self.trace, self.scope, self.open = Trace(), "", True
        self.raw: list[Finding] | None = None
        self.made_in: dict[int, str] = {}

    def shadow(self, parts: Sequence[Part]) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            @functools.wraps(original)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                if self.open:
                    for part in parts:
                        marks = self.trace.marks.setdefault(part.name, set())
                        scope = self.scope if part.scope is None else part.scope
                        if scope not in marks and part.differs(result, args, kwargs):
                            marks.add(scope)
                return result

            return wrapped

        return make

    def look(self, original: Any) -> Any:
        @functools.wraps(original)
        def wrapped(looker: Any, leaves: Any, origin: str, *args: Any, **kwargs: Any) -> Any:
            if self.open:
                self.scope = origin
                self.trace.scopes.add(origin)
            return original(looker, leaves, origin, *args, **kwargs)

        return wrapped

    def check(self, name: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            @functools.wraps(original)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                before, self.scope = self.scope, f"{self.scope}|{name}"
                try:
                    found = original(*args, **kwargs)
                finally:
                    self.scope, inner = before, self.scope
                for finding in found:
                    self.made_in.setdefault(id(finding), inner)
                return found

            return wrapped

        return make

    def merge(self, original: Any) -> Any:
        @functools.wraps(original)
        def wrapped(findings: Sequence[Finding]) -> Any:
            if self.raw is None:  # what is merged later has been shrunk
                self.raw, self.open = list(findings), False
            return original(findings)

        return wrapped


def trace(case: Case, seed: int | None, parts: Sequence[Part], checks: dict[str, str]) -> Trace:
    """The baseline of one case, with the parts' stand-ins beside it; ``checks`` are scope names and the targets that open them."""
    recorder = _Recorder()
    targets: dict[str, list[Part]] = {}
    for part in parts:
        if part.shadowed:
            targets.setdefault(part.target, []).append(part)
    with contextlib.ExitStack() as stack:
        for target, those in targets.items():
            stack.enter_context(replaced(target, recorder.shadow(those)))
        for name, target in checks.items():
            stack.enter_context(replaced(target, recorder.check(name)))
        stack.enter_context(replaced(LOOK, recorder.look))
        stack.enter_context(replaced(MERGE, recorder.merge))
        try:
            with quiet_and_bounded():
                result = run(case, seed)
        except OverTimeError:
            recorder.trace.status = "over time"
            return recorder.trace
        except Exception as error:
            recorder.trace.status = type(error).__name__
            return recorder.trace
    found = recorder.raw if recorder.raw is not None else list(result.findings)
    # What a check finds after the merger keeps its identity.
    found = found + [f for f in result.findings if id(f) in recorder.made_in and not any(f is g for g in found)]
    made = recorder.trace
    made.status = str(result.status.value)
    made.findings = [
        (recorder.made_in.get(id(f), f.point.origin if f.point else GIVEN), f.code) for f in found if f.severity.fails
    ]
    if result.status is Status.INCONCLUSIVE:
        made.findings = [(GIVEN, "undecided")]
    elif result.status is Status.FAIL and not made.findings:
        raise RuntimeError(f"{case.name}: it fails by a finding that did not pass through {MERGE}")
    return made
