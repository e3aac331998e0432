"""``gradcheck.verify`` in this process: types, limits, containment, and one record out of many examples."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import catalogue
from gradcheck.engine.containment import Expired, contained, limited
from gradcheck.engine.merging import GRAVEST, Part, merge
from gradcheck.errors import UsageError
from gradcheck.records import Finding, Point, Record, Severity, Status, Verdict
from tests import user_subjects
from tests.user_subjects import Reference, Wrong, with_vjp


def test_all_types_are_swept_where_the_subject_has_them() -> None:
    record = gradcheck.verify(Reference(), "take", profile="quick").records[0]
    rows = [row.dtype for row in record.coverage]
    assert rows.count("float64") == len(catalogue.operator("take").examples)
    assert [rows.count(name) for name in ("float32", "float16", "bfloat16")] == [2, 2, 2]
    assert all(row.counts["right"] for row in record.coverage if "0" not in row.shapes)
    shapes = {row.shapes for row in record.coverage if row.dtype != "float64"}
    assert len(shapes) > 2  # not the same two examples in every type

    class Single(Reference):
        def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
            return dtype == np.float32

    record = gradcheck.verify(Single(), "take", profile="quick").records[0]
    assert {row.dtype for row in record.coverage} == {"float32"}
    assert record.status is Status.PASS


def test_an_error_in_bfloat16_alone_is_found() -> None:
    class Narrow(Reference):
        changes: Mapping[str, Any] = {"tanh": with_vjp(user_subjects.narrow_sign)}

    record = gradcheck.verify(Narrow(), "tanh", profile="quick").records[0]
    assert record.status is Status.FAIL
    wrong = {row.dtype: row.counts["wrong"] for row in record.coverage}
    assert wrong["bfloat16"] > 0
    assert [wrong[name] for name in ("float64", "float32", "float16")] == [0, 0, 0]
    assert {f.point.inputs[0].dtype.name for f in record.findings if f.severity.fails and f.point} == {"bfloat16"}


@pytest.mark.parametrize("place", [0, 7, -1])
def test_every_special_value_of_a_long_list_is_visited(place: int) -> None:
    """A rule that is wrong at one of fifteen values only, wherever that stands in the list."""
    value = catalogue.operator("arctan").special[place]

    class Patched(Reference):
        changes: Mapping[str, Any] = {"arctan": with_vjp(user_subjects.nan_at(value))}

        def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
            return dtype == np.float64

    assert gradcheck.verify(Patched(), "arctan").records[0].status is Status.FAIL


def test_a_limit_keeps_what_was_found_before_it() -> None:
    class Slow(Reference):
        """Right at first; from the third example on it hangs."""

        calls: Mapping[str, int] = {}

        def implementation(self, operator: str, params: Mapping[str, Any]) -> Any:
            self.calls = {**self.calls, operator: self.calls.get(operator, 0) + 1}
            made = super().implementation(operator, params)
            assert made is not None
            return made if self.calls[operator] < 3 else replace(made, vjp=user_subjects.spins(made.vjp))

    begun = time.monotonic()
    record = gradcheck.verify(Slow(), "softplus", profile="quick", limit=6.0).records[0]
    assert time.monotonic() - begun < 60
    assert (record.status, record.verdict) == (Status.INCONCLUSIVE, Verdict.STOPPED)
    assert record.counts["right"] > 0 and len(record.coverage) == 2
    [finding] = [f for f in record.findings if f.code == "GC124"]
    assert "stopped after 6 s, at user_subjects.py" in finding.message and "in wrong" in finding.message
    assert "what was to come after the check was stopped" in record.untested


def test_a_failure_before_the_limit_stays_a_failure() -> None:
    class Both(Reference):
        number = 0

        def implementation(self, operator: str, params: Mapping[str, Any]) -> Any:
            self.number += 1
            made = super().implementation(operator, params)
            assert made is not None
            change = user_subjects.doubled if self.number == 1 else user_subjects.spins
            return replace(made, vjp=change(made.vjp))

    record = gradcheck.verify(Both(), "softplus", profile="quick", limit=6.0).records[0]
    assert (record.status, record.verdict) == (Status.FAIL, Verdict.WRONG)
    assert {"GC101", "GC124"} <= {f.code for f in record.findings}


def test_the_alarm_is_gone_after_the_limit() -> None:
    with pytest.raises(Expired), limited(0.05):
        while True:
            pass
    with limited(0.2):
        pass
    time.sleep(0.3)  # an alarm that is still set would end the process


def test_an_interrupt_that_is_swallowed_comes_again() -> None:
    swallowed = 0
    with pytest.raises(Expired), limited(0.05):
        while True:
            try:
                time.sleep(5)
            except Expired:
                swallowed += 1
                if swallowed > 1:
                    raise
    assert swallowed == 2


def test_an_interrupt_waits_for_callbacks_of_the_collector() -> None:
    def slow(phase: str, info: dict[str, int]) -> None:
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass

    gc.callbacks.append(slow)
    try:
        with pytest.raises(Expired), limited(0.05):
            gc.collect()  # what is raised in a callback is printed as "ignored", a warning, and forgotten
            while True:
                pass
    finally:
        gc.callbacks.remove(slow)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_finaliser_that_hangs_is_ended_and_then_what_it_interrupted() -> None:
    class Hangs:
        def __del__(self) -> None:
            while True:
                pass

    with pytest.raises(Expired), limited(0.05):
        Hangs()
        while True:
            pass


def test_an_error_of_gradcheck_itself_is_not_put_on_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError("out of luck")

    monkeypatch.setattr("gradcheck.engine.verify.examine", broken)
    found = gradcheck.verify(Reference(), "tanh", profile="quick").records[0]
    assert (found.status, found.verdict) == (Status.INCONCLUSIVE, Verdict.STOPPED)
    [finding] = found.findings
    assert (
        finding.code == "GC126" and "gradcheck itself raised IndexError: out of luck (test_verify.py" in finding.message
    )


def test_an_interrupt_from_the_keyboard_is_the_users() -> None:
    class Stops(Reference):
        changes: Mapping[str, Any] = {"tanh": user_subjects.raising(KeyboardInterrupt)}

    with pytest.raises(KeyboardInterrupt):
        gradcheck.verify(Stops(), "tanh", profile="quick")


def test_what_a_subject_changes_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDDLED", raising=False)
    numbers, plain = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]  # a tuple
    before = (np.geterr(), np.get_printoptions(), os.getcwd(), sys.stdout, list(warnings.filters))
    record = gradcheck.verify(user_subjects.Hostile(), "sigmoid", profile="quick").records[0]
    assert record.status is Status.PASS
    assert (np.geterr(), np.get_printoptions(), os.getcwd(), sys.stdout, list(warnings.filters)) == before
    assert np.random.get_state()[1].tolist() == numbers and random.getstate() == plain  # type: ignore[index]  # the legacy state is a tuple
    assert "MEDDLED" not in os.environ


def test_containment_restores_after_an_exception() -> None:
    depth = sys.getrecursionlimit()
    with pytest.raises(ZeroDivisionError), contained():
        sys.setrecursionlimit(depth + 50)
        raise ZeroDivisionError
    assert sys.getrecursionlimit() == depth


def test_containment_restores_precisions_and_signal_handlers() -> None:
    mpmath, flint = pytest.importorskip("mpmath"), pytest.importorskip("flint")
    before = (mpmath.mp.prec, flint.ctx.prec, signal.getsignal(signal.SIGUSR1))
    with contained():
        mpmath.mp.prec, flint.ctx.prec = 11, 17
        signal.signal(signal.SIGUSR1, lambda *_: None)
    assert (mpmath.mp.prec, flint.ctx.prec, signal.getsignal(signal.SIGUSR1)) == before


def test_the_catalogue_survives_a_subject_that_overwrites_its_arguments() -> None:
    before = [np.array(e.shapes[1]) for e in catalogue.operator("take").examples]
    gradcheck.verify(user_subjects.Hostile(), "take", profile="quick")
    assert all(map(np.array_equal, before, [e.shapes[1] for e in catalogue.operator("take").examples]))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"limit": 0.0}, "limit"),
        ({"limit": float("nan")}, "limit"),
        ({"profile": "heroic"}, "heroic"),
        ({"operators": "sotfmax"}, "softmax"),
    ],
)
def test_wrong_usage_is_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        gradcheck.verify(Reference(), **options)


@pytest.mark.parametrize("change", [{"name": ""}, {"version": 1}, {"supports": None}])
def test_an_object_that_does_not_keep_the_protocol_is_refused(change: dict[str, Any]) -> None:
    subject = Reference()
    for field, value in change.items():
        setattr(subject, field, value)
    with pytest.raises(UsageError, match=next(iter(change))):
        gradcheck.verify(subject, "tanh")


def record(verdict: Verdict, status: Status, *findings: Finding) -> Record:
    return Record(operator="tanh", subject="s", verdict=verdict, status=status, findings=findings)


def merged(*records: Record) -> Record:
    operator = catalogue.operator("tanh")
    parts = [Part(r, operator.examples[0], ((),), "float64") for r in records]
    return merge("s", operator, parts, 0)


def test_the_gravest_verdict_speaks_for_all() -> None:
    assert set(GRAVEST) == set(Verdict)
    empty, right = record(Verdict.EMPTY, Status.PASS), record(Verdict.RIGHT, Status.PASS)
    lost, wrong = record(Verdict.INACCURATE, Status.PASS), record(Verdict.WRONG, Status.FAIL)
    open_ = record(Verdict.UNDECIDED, Status.INCONCLUSIVE)
    assert merged(empty, right).verdict is Verdict.RIGHT
    assert merged(right, lost, empty).verdict is Verdict.INACCURATE
    assert (merged(right, open_, lost).verdict, merged(right, open_).status) == (Verdict.UNDECIDED, Status.INCONCLUSIVE)
    assert merged(open_, record(Verdict.CONTRACT, Status.FAIL), wrong).verdict is Verdict.WRONG


def test_the_smallest_counterexample_is_kept_and_an_empty_one_shows_least() -> None:
    def finding(size: int) -> Finding:
        point = Point(inputs=(np.ones(size),), cotangents=(np.ones(size),))
        return Finding(code="GC101", severity=Severity.WRONG, argument="x", message=str(size), point=point)

    fails = [record(Verdict.WRONG, Status.FAIL, finding(size)) for size in (3, 0, 2)]
    [kept] = merged(*fails).findings
    assert kept.message == "2"
    assert "found in 3 combinations" in kept.evidence


def test_a_forward_of_another_function_is_found() -> None:
    found = gradcheck.verify(Wrong(), "take", profile="quick").records[0]
    assert found.verdict is Verdict.WRONG
    assert "GC120" in {f.code for f in found.findings}


def test_the_table_of_a_run_counts_what_the_records_hold() -> None:
    from gradcheck.cli.telling import HEAD, tried

    found = gradcheck.verify("reference", "square", profile="quick").records[0]
    head, row = tried([found, record(Verdict.UNSUPPORTED, Status.INCONCLUSIVE)])
    assert head.split()[:6] == [name.split()[0] for name in HEAD[1:7]]
    assert row.split()[:3] == ["reference", "square", str(found.counts["points"])]
    assert row.split()[3] == str(len({c.shapes for c in found.coverage}))
    assert row.split()[6] == "2"
    first_alone = replace(found, counts={k: v for k, v in found.counts.items() if k != "points of order two"})
    assert tried([first_alone])[1].split()[6] == "1"
    assert tried([]) == []
