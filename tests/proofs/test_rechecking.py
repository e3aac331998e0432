"""Every kind of record that a run writes is checked again, and a spoilt one is refused with what is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sympy")
pytest.importorskip("z3")

from gradcheck import catalogue
from gradcheck.cli import NOT_OK, OK, _console, execute, proving
from gradcheck.proofs import claims, intervals
from gradcheck.proofs import sweep as sweeping
from reference_nets import backprop
from reference_nets.rules import RULES
from tests.reference_nets.wrong_sweeps import vjp_with_a_slip

BLOCK = 0x3F80


def written(kind: str, output: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small record of a kind."""
    if kind == "boxes":
        assert execute(["prove", "abs", "--box", "-1", "2", "--eps", "1e-9", "--output", str(output)]) == OK
        return output / "boxes" / "abs.json"
    if kind == "graphs":
        tasks = [("ordered", 3, 0), ("labelled", 3, 0), ("modulo", 4, 0), ("programs", 2, 1)]
        assert proving.graphs(_console(), output, jobs=1, tasks=tasks) == OK
        return output / "graphs" / "reverse_accumulation.json"
    if kind == "exhaustive":
        monkeypatch.setenv("XDG_CACHE_HOME", str(output / "cache"))
        assert execute(["prove", "--exhaustive", "relu", "--output", str(output)]) == OK
        return output / "exhaustive" / "relu.json"
    square = catalogue.operator("square")
    path = output / "float32" / "square-0.json"
    about = {"name": "square", "tool": "here"}
    sweeping.sweep(
        square.definition, RULES["square"], square.domain.of(0), {}, path, about=about, first=BLOCK, last=BLOCK + 2
    )
    return path


def counted_wrong(record: Any) -> None:
    record[0]["wrong"] += 1


def more(record: Any) -> None:
    record["judged"] += 1


def more_in_both(record: Any) -> None:
    record["judged"] += 1
    record["parts"][0]["judged"] += 1


SPOILT: dict[str, list[tuple[Callable[[Any], Any], str]]] = {
    "boxes": [
        (lambda rows: rows[0]["claim"].update(eps=-1.0), "do not show the claim"),
        (lambda rows: rows[0]["pieces"].pop(), "not the interval"),
        (lambda rows: rows[0].update({"except": []}), "not the interval"),
        (lambda rows: rows[0]["pieces"][0].update(interval=[-0.5, 0.0]), "not the interval"),
        (lambda rows: rows[0]["pieces"][0].update(rule=rows[0]["pieces"][1]["rule"]), "do not show the claim"),
        (lambda rows: rows[0]["pieces"][0].update(rule=None), "cannot be run"),
        (lambda rows: rows[0]["pieces"][0]["rule"]["steps"][0].__setitem__(0, "eval"), "not known here"),
        (lambda rows: rows[0]["texts"].update(rule="0"), "a text has changed"),
        (lambda rows: rows[0].pop("pieces"), "cannot be run"),
        (lambda rows: rows[0].update(boxes=1), "another boxes"),
    ],
    "graphs": [
        (lambda one: one["claims"][0].update(count=9), "another count"),
        (lambda one: one["claims"][0].update(what="all graphs"), "another what"),
        (lambda one: one["claims"][0].update(task=["every", 3, 0]), "no kind of graphs"),
        (lambda one: one["texts"].update(vjp="0"), "has changed"),
        (lambda one: one["claims"][0].pop("task"), "no record of this kind"),
    ],
    "exhaustive": [(counted_wrong, "another wrong"), (lambda rows: rows.pop(), "a fresh run 2")],
    "float32": [
        (more, "do not add up"),
        (more_in_both, "other counts"),
        (lambda one: one.update(next=one["next"] + 64), "not the blocks"),
        (lambda one: one["about"]["texts"].update(rule="0"), "a text has changed"),
        (lambda one: one.pop("parts"), "no record of this kind"),
    ],
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_record_is_accepted_and_a_spoilt_one_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(kind, tmp_path, monkeypatch)
    capsys.readouterr()
    assert execute(["prove", "--recheck", str(tmp_path)]) == OK
    assert "1 files checked again, 0 refused" in capsys.readouterr().out
    whole = path.read_text()
    for spoil, said in SPOILT[kind]:
        record = json.loads(whole)
        spoil(record)
        path.write_text(json.dumps(record))
        assert execute(["prove", "--recheck", str(tmp_path)]) == NOT_OK, said
        out = " ".join(capsys.readouterr().out.split())
        assert said in out and f"REFUSED {kind}/" in out


def test_a_record_of_boxes_speaks_for_itself(tmp_path: Path) -> None:
    """The programs in it show the claim, without the texts: also that of a rule that stands nowhere."""
    made = intervals.on_interval(catalogue.operator("square"), lambda g, x: (g * (x + x),), {}, (-1.0, 3.0), 2.0**-20)
    record = json.loads(json.dumps(made))
    assert record["result"] == "proved" and list(intervals.problems(record)) == []
    record["bound"] = -1.0
    assert any("do not show the claim" in said for said in intervals.problems(record))


def test_graphs_are_run_and_not_only_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that has become wrong, and looks the same to the fingerprint, is refused all the same."""
    path = written("graphs", tmp_path, monkeypatch)
    slip = vjp_with_a_slip("overwritten instead of added")
    monkeypatch.setattr(backprop, "vjp", lambda graph, values, seeds, of: slip(graph, values, seeds))
    record = json.loads(path.read_text())
    from gradcheck.fingerprints import fingerprint

    record["texts"]["vjp"] = fingerprint(backprop.vjp)
    path.write_text(json.dumps(record))
    assert execute(["prove", "--recheck", str(tmp_path)]) == NOT_OK


def test_what_is_proved_up_to_a_bound_is_shown_by_the_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = catalogue.operator("erf")

    def rule(end: float) -> Callable[..., Any]:
        return lambda g, x: (g * 2 / np.sqrt(np.pi) * np.exp(-(np.clip(x, -end, end) ** 2)),)

    record = json.loads(json.dumps(asdict(claims.claim(operator, rule(40.0), {}))))
    assert record["result"] == "proved up to a bound"
    tails = [k for k, branch in enumerate(record["branches"]) if branch["result"] == "proved up to a bound"]
    assert len(tails) == 2 and not any(list(claims._boxes(record["branches"][k])) for k in tails)
    inner = next(b for b in record["branches"] if b["open"] and not b["boxes"])
    assert list(claims._boxes(inner))  # it has no boxes to look at
    spoilt = dict(record["branches"][tails[0]])
    spoilt["boxes"] = {**spoilt["boxes"], "interval": ["-0x1.0p+5", "0x1.0p+5"]}  # beyond where the tail is constant
    assert list(claims._boxes(spoilt))
