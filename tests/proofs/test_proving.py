"""``gradcheck prove --coq``: accepts what is closed, refuses what assumes or does not compile, says why it skips."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradcheck.cli import NOT_OK, OK, WRONG_USAGE, _console, execute, proving
from gradcheck.proofs import coq

CLOSED = "Theorem one : 1 = 1.\nProof. reflexivity. Qed.\n"
ASSUMED = "Axiom given : 1 = 2.\nTheorem one : 1 = 2.\nProof. exact given. Qed.\n"
FALSE = "Theorem one : 1 = 2.\nProof. reflexivity. Qed.\n"


@pytest.fixture
def needs_coq() -> None:
    reason = coq.why_skipped()
    if reason:
        pytest.skip(reason)


@pytest.mark.usefixtures("needs_coq")
@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        (CLOSED, OK, "proved Small: 1 theorems, assuming nothing"),
        (ASSUMED, NOT_OK, "REFUSED Small.one assumes"),
        (FALSE, NOT_OK, "REFUSED Small:"),
    ],
    ids=["closed", "assumes an axiom", "false"],
)
def test_prove_accepts_only_what_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, code: int, said: str
) -> None:
    (tmp_path / "_CoqProject").write_text("Small.v\n")
    (tmp_path / "Small.v").write_text(source)
    assert proving.coq(_console(), tmp_path) == code
    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("needs_coq")
def test_the_command_proves_every_file_of_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["prove", "--coq"]) == OK
    out = capsys.readouterr().out
    assert "REFUSED" not in out
    assert all(f"proved {name}: " in out for name in coq.STATED)


def test_where_coqc_is_absent_the_reason_is_printed_and_nothing_is_proved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(coq, "find_coqc", lambda: None)
    assert execute(["prove", "--coq"]) == OK
    out = capsys.readouterr().out
    assert "coqc is not installed" in out and "Nothing was proved." in out and "proved Backprop" not in out


def test_rules_are_proved_written_and_checked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sympy")
    assert proving.prove(_console(), ["tanh", "relu", "fmod"], tmp_path, jobs=1) == OK
    out = capsys.readouterr().out
    assert "3 scalar operators: proved 3; proved for all reals 100 %" in out
    assert "1 of them proved by SMT as well" in out
    assert execute(["prove", "--recheck", str(tmp_path)]) == OK
    assert "3 files checked again, 0 refused" in capsys.readouterr().out


def claims_of(tmp_path: Path, name: str) -> tuple[Path, dict[str, Any]]:
    assert proving.prove(_console(), [name], tmp_path, jobs=1) == OK
    path = tmp_path / f"{name}.json"
    return path, json.loads(path.read_text())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda claim: claim["branches"].pop(), "another branches"),
        (
            lambda claim: claim["branches"][0].update(formulas=[["Symbol", "x", "real"], ["Symbol", "g", "real"]]),
            "branch",
        ),
        (lambda claim: claim["branches"][0].update(formulas=[["open", ["Rational", "1", "1"]]]), "not known here"),
        (lambda claim: claim["texts"].update(rule="0"), "a text has changed"),
        (lambda claim: claim.update(statement="for all complex numbers"), "another statement"),
    ],
    ids=["a branch left out", "another definition", "a call in a formula", "another text", "a wider statement"],
)
def test_a_spoilt_certificate_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Any], Any], said: str
) -> None:
    pytest.importorskip("sympy")
    path, content = claims_of(tmp_path, "tanh")
    spoil(content["claims"][0])
    path.write_text(json.dumps(content))
    assert execute(["prove", "--recheck", str(tmp_path)]) == NOT_OK
    assert said in capsys.readouterr().out


def test_what_takes_too_long_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sympy")
    assert proving.prove(_console(), ["erfcx"], tmp_path, limit=0.2, jobs=1) == OK
    assert "no answer within 0.2 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--exhaustive", "matmul"], "acts entry by entry"),
        (["tanh", "--coq"], "take none"),
        (["--time-limit", "0"], "give a number of seconds"),
        (["--recheck", "/nowhere"], "there is no claim in it"),
    ],
)
def test_wrong_usage_names_the_mend(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["prove", *arguments]) == WRONG_USAGE
    assert said in capsys.readouterr().err


def test_every_input_is_run_and_the_figures_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sympy")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert execute(["prove", "--exhaustive", "relu", "--output", str(tmp_path)]) == OK
    out = capsys.readouterr().out
    assert "relu float16: 63486 inputs, 2 ties left out, 0 not correctly rounded" in out
    assert "1 of 1 unary operators" in out
    rows = json.loads((tmp_path / "exhaustive" / "relu.json").read_text())
    assert [(row["dtype"], row["judged"], row["wrong"]) for row in rows] == [
        ("float16", 63486, 0),
        ("bfloat16", 65278, 0),
    ]
    assert execute(["prove", "--exhaustive", "multiply"]) == WRONG_USAGE
    assert "single argument" in capsys.readouterr().err


def test_a_subject_is_run_on_every_number_whatever_it_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sympy")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mine = "tests.user_subjects:SixteenBits"
    arguments = [
        "prove",
        "--exhaustive",
        "relu,square,softsign,negative,exp",
        "--output",
        str(tmp_path),
        "--subject",
        mine,
    ]
    assert execute([*arguments, "--time-limit", "0.5"]) == OK
    out = capsys.readouterr().out
    assert "sixteen relu float16: 63486 inputs, 2 ties left out, 0 not correctly rounded\n" in out
    assert "sixteen relu bfloat16" not in out, "it has no bfloat16"
    assert "sixteen square float16: 63488 inputs, 1 not correctly rounded, worst 256 ulp at 3.0\n" in out
    assert "sixteen softsign float16: not measured, it raises ValueError: [no]\n" in out
    assert "sixteen negative float16: not measured, no answer within 0.5 s\n" in out
    assert "sixteen exp: not there\n" in out
    assert "2 of 5 unary operators" in out
    directory = tmp_path / "exhaustive" / "tests-user_subjects-SixteenBits"
    (row,) = json.loads((directory / "square.json").read_text())
    assert (row["subject"], row["version"], row["judged"], row["wrong"]) == ("sixteen", "1", 63488, 1)
    assert {path.stem for path in directory.iterdir()} == {"negative", "softsign", "relu", "square"}
    for name in ("negative", "softsign", "relu"):
        (directory / f"{name}.json").unlink()
    assert execute(["prove", "--recheck", str(tmp_path)]) == WRONG_USAGE
    assert (
        "left out: what was measured of tests-user_subjects-SixteenBits; --subject NAME checks it"
        in capsys.readouterr().out
    )
    assert execute(["prove", "--recheck", str(tmp_path), "--subject", mine]) == OK
    (directory / "square.json").write_text(json.dumps([{**row, "wrong": 0}]))
    assert execute(["prove", "--recheck", str(tmp_path), "--subject", mine]) == NOT_OK
    assert "a fresh run has another wrong than the record" in capsys.readouterr().out
    assert execute(["prove", "relu", "--subject", mine]) == WRONG_USAGE
    assert "give it with --exhaustive" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["tanh"], ["--exhaustive", "tanh"], ["--recheck", "."]])
def test_without_sympy_the_mend_is_named(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.split(".")[:2] == ["gradcheck", "proofs"] or name == "sympy"]:
        if name != "gradcheck.proofs" and not name.endswith(".coq"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sympy", None)
    monkeypatch.chdir(tmp_path)
    assert execute(["prove", *arguments]) == WRONG_USAGE
    assert "pip install 'gradcheck[proofs]'" in capsys.readouterr().err
