"""``gradcheck replay``: one case again from its record, reproduced, changed or not, and also after a crash or a hang."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import catalogue, cli, records_io
from gradcheck.cli import journal, replaying, workers
from gradcheck.engine.exhibits import check_exhibit
from gradcheck.engine.verify import verify_operator
from gradcheck.errors import UsageError
from gradcheck.records import Correction, Finding, Record, finding_id
from gradcheck.replay import CHANGED, NOT_REPRODUCED, REPRODUCED, at_point, replay
from gradcheck.subjects import load
from gradcheck.subjects.protocol import Exhibit
from tests import user_subjects

NAMED = "tanh,abs,log,multiply,softmax,take,where,prod"
HOSTILE = "max,power,prod,relu"


class Tripled(user_subjects.Reference):
    """The same operators, wrong in another way."""

    changes: Mapping[str, user_subjects.Change] = {
        "tanh": user_subjects.with_vjp(lambda vjp: lambda g, *x, **k: tuple(3 * v for v in vjp(g, *x, **k))),
        "abs": user_subjects.with_vjp(user_subjects.nothing),
    }


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wrong")
    command = ["run", "tests.user_subjects:Wrong", "--operators", NAMED, "--profile", "quick", "--out", str(out)]
    assert cli.execute(command) == cli.NOT_OK
    return out / "records.jsonl"


def cases(file: Path) -> list[tuple[Record, Finding]]:
    return [(r, f) for r in records_io.read(file).records for f in r.findings if f.severity.fails]


def test_every_finding_is_reproduced_from_its_record(wrong: Path) -> None:
    found = cases(wrong)
    assert {f.code for _, f in found} >= {"GC101", "GC102", "GC110", "GC120", "GC202", "GC206", "GC208", "GC301"}
    for record, finding in found:
        outcome = replay(user_subjects.Wrong(), record, finding)
        assert outcome.word == REPRODUCED, (record.operator, finding.code, outcome)
        if finding.code in ("GC101", "GC102", "GC120"):
            assert outcome.about == "bit for bit"


def test_what_other_draws_showed_is_looked_for_by_the_whole_check(wrong: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law over several cotangents may hold for those drawn at the point again, where something else fails."""
    [(record, finding)] = [(r, f) for r, f in cases(wrong) if (r.operator, f.code) == ("abs", "GC110")]
    monkeypatch.setattr("gradcheck.replay.at_point", lambda *a: [f for f in at_point(*a) if f.code != "GC110"])
    outcome = replay(user_subjects.Wrong(), record, finding, profile="quick")
    assert (outcome.word, "by the whole check" in outcome.about) == (REPRODUCED, True)


@pytest.mark.parametrize("profile", ["quick", "default"])
def test_findings_of_exhibits_are_reproduced_in_every_profile(profile: str) -> None:
    """The network is wrong; the printed formula is, too, which its record holds apart."""
    subject = Exhibitor()
    for name in subject.exhibits():
        record = check_exhibit(subject, name, profile=profile, seed=1)
        [finding] = [f for f in replaying.findings_of(record) if f.severity.fails]
        assert replay(subject, record, finding).about == "bit for bit"
        subject.wrong = False
        assert replay(subject, record, finding).word == NOT_REPRODUCED
        subject.wrong = True
        gone = replace(record, operator="net:gone", claim={**record.claim, "exhibit": "net:gone"})
        with pytest.raises(UsageError, match="has no exhibit 'net:gone' any more"):
            replay(subject, gone, finding)


class Exhibitor(user_subjects.Reference):
    """A network that is wrong, and a formula that was printed wrong, unless they are mended."""

    wrong = True

    def exhibits(self) -> Mapping[str, Callable[[], Exhibit]]:
        pair = cube, cube_vjp if self.wrong else right_cube_vjp
        right = Exhibit(forward=cube, vjp=right_cube_vjp, inputs=(np.array([1.5, -2.0]),), wrt=(0,), words={})
        correction = Correction(number="P1", printed="2 x^2", right="3 x^2", relation="two thirds", unexplained=0.0)
        return {
            "net:cube": lambda: replace(right, vjp=pair[1]),
            "thread:P1": lambda: replace(right, correction=correction, printed=pair),
        }


def test_a_subject_that_raises_is_reproduced_and_another_exception_is_a_change() -> None:
    record = verify_operator(user_subjects.Hostile(), catalogue.operator("var"), profile="quick")
    [finding] = record.findings
    assert finding.code == "GC123"
    assert replay(user_subjects.Hostile(), record, finding).word == REPRODUCED
    other = replace(finding, message=finding.message.replace("ValueError", "TypeError"))
    assert replay(user_subjects.Hostile(), record, other).word == CHANGED
    assert replay(load("reference"), record, finding).word == NOT_REPRODUCED
    record = verify_operator(user_subjects.Hostile(), catalogue.operator("where"), profile="quick")
    assert replay(user_subjects.Hostile(), record, record.findings[0]).word == REPRODUCED


def test_the_right_implementation_does_not_reproduce(wrong: Path) -> None:
    for record, finding in cases(wrong):
        outcome = replay(load("reference"), record, finding)
        assert outcome.word == NOT_REPRODUCED, (record.operator, finding.code, outcome)


def test_what_fails_otherwise_is_changed(wrong: Path) -> None:
    found = {(r.operator, f.code): (r, f) for r, f in cases(wrong)}
    number = replay(Tripled(), *found["tanh", "GC101"])
    assert number.word == CHANGED and " now, and was " in number.about
    kind = replay(Tripled(), *found["abs", "GC101"])
    assert kind.word == CHANGED and kind.about.startswith("now GC202")


def test_the_command_line_repeats_by_a_beginning_of_the_name(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, finding = next(pair for pair in cases(wrong) if pair[0].operator == "tanh")
    name = finding_id(record, finding)
    assert cli.execute(["replay", name[:8], "--records", str(wrong), "--time-limit", "600"]) == cli.OK
    out = capsys.readouterr().out
    assert f"{name}  mine tanh  GC101 x0" in out and out.splitlines()[-1] == "reproduced  bit for bit"


def test_a_name_that_is_not_there_lists_near_ones(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, finding = cases(wrong)[0]
    name = finding_id(record, finding)
    typo = name[:5] + ("0" if name[5] != "0" else "1") + name[6:]
    assert cli.execute(["replay", typo, "--records", str(wrong)]) == cli.WRONG_USAGE
    assert name in capsys.readouterr().err
    names = sorted(finding_id(r, f) for r in records_io.read(wrong).records for f in r.findings)
    with pytest.raises(
        UsageError, match=f"{len(names)} findings .* begin so: .*; and {len(names) - 5} more; give more"
    ):
        replaying.find("", wrong)
    assert cli.execute(["replay", name, "--records", str(wrong.parent / "no.jsonl")]) == cli.WRONG_USAGE


def cube(x: Any) -> Any:
    return x**3


def cube_vjp(g: Any, x: Any) -> Any:
    return 2 * g * x**2


def by_name(params: Any, x: Any) -> Any:
    return params["w"] * x


def by_name_vjp(g: Any, params: Any, x: Any) -> Any:
    return {"w": g * params["w"]}, g * params["w"]


def given(forward: Callable[..., Any], vjp: Callable[..., Any], inputs: Any) -> Record:
    """The record as it comes back from a records file."""
    record = records_io.decode_line(
        records_io.encode_line(gradcheck.check(forward, vjp, inputs, profile="quick").record)
    )
    assert isinstance(record, Record)
    return record


def test_functions_that_can_be_imported_are_made_again() -> None:
    record = given(cube, cube_vjp, (np.array([1.0, -2.0]),))
    outcome = replaying.outcome_of(record, record.findings[0], 600.0)
    assert (outcome.word, outcome.about) == (REPRODUCED, "bit for bit")
    for name, word in (("right_cube_vjp", NOT_REPRODUCED), ("other_cube_vjp", CHANGED)):
        other = replace(record, claim={**record.claim, "vjp": f"tests.test_replay:{name}"})
        assert replaying.outcome_of(other, other.findings[0], 600.0).word == word


def right_cube_vjp(g: Any, x: Any) -> Any:
    return 3 * g * x**2


def other_cube_vjp(g: Any, x: Any) -> Any:
    return 5 * g * x**2


def test_functions_that_cannot_be_imported_or_take_trees_are_named() -> None:
    record = given(lambda x: x**3, cube_vjp, (np.array([1.0, -2.0]),))
    with pytest.raises(UsageError, match=r"the forward 'tests.test_replay:.*<lambda>' cannot be imported .* same seed"):
        replaying.outcome_of(record, record.findings[0], 600.0)
    record = given(by_name, by_name_vjp, ({"w": np.array([2.0])}, np.array([3.0])))
    with pytest.raises(UsageError, match="do not take the stored arrays as they are"):
        replaying.outcome_of(record, record.findings[0], 600.0)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hostile")
    command = ["run", "tests.user_subjects:Hostile", "--operators", HOSTILE, "--profile", "quick"]
    assert cli.execute([*command, "--time-limit", "5", "--out", str(out)]) == cli.NOT_OK
    return out / "records.jsonl"


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("max", "the process was ended by SIGABRT"),
        ("power", "the process exited with code 7"),
        ("prod", "it did not return within 5 s"),
        ("relu", "it did not return within 5 s"),
    ],
)
def test_a_crash_and_a_hang_are_repeated(
    operator: str, says: str, hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [(record, finding)] = [(r, r.findings[0]) for r in records_io.read(hostile).records if r.operator == operator]
    name = finding_id(record, finding)
    limit = "5" if "return" in says else "600"  # a crash takes as long as it takes
    assert cli.execute(["replay", name, "--records", str(hostile), "--time-limit", limit]) == cli.OK
    assert f"reproduced  {says}" in capsys.readouterr().out


def test_a_call_that_did_not_return_has_its_arguments(hostile: Path) -> None:
    points = {r.operator: r.findings[0].point for r in records_io.read(hostile).records}
    assert points.pop("power") is None  # it left before there was a call
    for operator, point in points.items():
        assert point is not None and point.inputs and point.cotangents, operator
        assert point.origin == "the call of vjp during which it happened"


def test_a_crash_that_is_mended_is_not_reproduced(hostile: Path) -> None:
    found = {r.operator: (r, r.findings[0]) for r in records_io.read(hostile).records}
    assert replay(load("reference"), *found["max"]).word == NOT_REPRODUCED
    record, finding = found["max"]
    other = replace(finding, message=finding.message.replace("SIGABRT", "SIGSEGV"))
    assert replaying.outcome_of(record, other, 600.0).word == CHANGED


def test_a_journal_keeps_the_call_that_is_being_made_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept = journal.Journal(path)
    x = np.array([[1.5, -0.0]], dtype=np.float32)

    def vjp(g: Any, x: Any, **params: Any) -> Any:
        return journal.last_call(path)

    made = journal.Journalled(One(vjp), kept).implementation("anything", {"axis": (0, 1)})
    assert made is not None
    found = made.vjp(2 * x, x, axis=(0, 1))
    assert found.kwargs == {"axis": (0, 1)}
    assert found.point.inputs[0].tobytes() == x.tobytes() and found.point.inputs[0].dtype == x.dtype
    assert found.point.cotangents[0].tobytes() == (2 * x).tobytes()
    assert journal.last_call(path) is None


def test_a_call_too_large_for_the_journal_is_made_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    made = journal.Journalled(One(lambda g, x: journal.last_call(path)), journal.Journal(path))
    large = np.zeros(journal.SIZE // 8)
    implementation = made.implementation("anything", {})
    assert implementation is not None and implementation.vjp(large, large) is None
    path.write_bytes(b"\xff" * 100)
    assert journal.last_call(path) is None


class One:
    """A subject of one vjp."""

    name, version = "one", "1"

    def __init__(self, vjp: Callable[..., Any]) -> None:
        self.vjp = vjp

    def supports(self, operator: str, dtype: Any) -> bool:
        return True

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Any:
        from gradcheck.subjects.protocol import Implementation

        return Implementation(forward=lambda x, **k: x, vjp=self.vjp)


def test_what_a_replayed_subject_prints_is_not_taken_for_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = workers.Task("tests.user_subjects:Wrong", "mine", "tanh", "quick", 0, None)
    record = workers.check(task)
    record = replace(record, claim={**record.claim, "load": "tests.test_replay:Noisy"})
    outcome = replaying.outcome_of(record, record.findings[0], 600.0)
    assert outcome.word == REPRODUCED
    assert not re.search("noise", capsys.readouterr().out)


class Noisy(user_subjects.Wrong):
    """Prints while it is made."""

    def __init__(self) -> None:
        super().__init__()
        print("noise")
        sys.stdout.flush()
