"""Records of the provers: checked again from the file alone, refused when spoilt, and read as plain data for a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sympy")
pytest.importorskip("z3")

from gradcheck import catalogue
from gradcheck.cli import NOT_OK, OK, _console, execute, proving
from gradcheck.proofs.claims import for_operator, read_claims
from gradcheck.proofs.provers import alone, with_entries


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("proofs")
    assert proving.prove(_console(), ["relu", "dot", "erf"], directory, jobs=1) == OK
    return directory


def test_what_is_written_is_accepted_again(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["prove", "--recheck", str(written)]) == OK
    assert "3 files checked again, 0 refused" in capsys.readouterr().out


def test_a_page_gets_plain_data(written: Path) -> None:
    by_prover = {row["prover"]: row for row in for_operator(written, "relu")}
    assert by_prover.keys() == {"algebra", "smt"}
    assert by_prover["smt"]["tool"].startswith("z3 ") and "z3 answers rightly" in by_prover["smt"]["assumed"]
    assert by_prover["algebra"]["excluded"] == ["x = 0"] and by_prover["algebra"]["chance"] is None
    rows = for_operator(written, "dot")
    assert len(rows) == len(with_entries(catalogue.operator("dot")))
    assert all(row["result"] == "proved" and 0 < row["chance"] < 2.0**-100 for row in rows)
    assert all("(given)" in row["inputs"] or "(" in row["inputs"] for row in rows)
    (erf,) = for_operator(written, "erf")
    assert erf["result"] == "proved" and erf["prover"] == "algebra"
    assert for_operator(written, "nothing") == []
    assert json.loads(json.dumps(rows)) == rows


def other_output(record: dict[str, Any]) -> None:
    record["evidence"]["rule"]["outputs"][0].reverse()


SPOILT: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "a program": ("dot", other_output, "not equal at other points"),
    "an operation": ("dot", lambda r: r["evidence"]["rule"]["steps"][0].__setitem__(0, "system"), "cannot be run"),
    "no programs": ("dot", lambda r: r.update(evidence=None), "cannot be run"),
    "a wider statement": ("dot", lambda r: r.update(inputs="all arrays"), "another inputs"),
    "a question to z3": ("relu", lambda r: r["branches"][-1].update(formulas=["(assert true)"]), "z3 does not refute"),
    "no question": ("relu", lambda r: r["branches"][-1].update(formulas=[""]), "z3 does not refute"),
}


@pytest.mark.parametrize("flaw", SPOILT)
def test_a_spoilt_record_is_refused(
    flaw: str, written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, spoil, said = SPOILT[flaw]
    content = json.loads((written / f"{name}.json").read_text())
    record = next(one for one in content["claims"] if one["prover"] != "algebra")
    if name == "relu":
        record["branches"].sort(key=lambda b: b["result"] == "proved")
    elif isinstance(record["evidence"], dict):
        record = next(r for r in content["claims"] if len(r["evidence"]["rule"]["outputs"][0]) > 1)
    spoil(record)
    (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert execute(["prove", "--recheck", str(tmp_path)]) == NOT_OK
    assert said in capsys.readouterr().out


def test_the_file_alone_is_enough(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither catalogue nor rules nor the tracer are asked."""
    monkeypatch.setattr(catalogue, "operator", None)
    monkeypatch.setattr("gradcheck.numbers.tracing._trace", None)
    for name in ("relu", "dot"):
        records = read_claims(written / f"{name}.json")
        assert records and not [said for record in records for said in alone(record)]
