"""``gradcheck prove --coq``: accepts what is closed, refuses what assumes or does not compile, says why it skips."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck.cli import NOT_OK, OK, _console, execute, proving
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
