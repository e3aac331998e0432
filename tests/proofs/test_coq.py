"""The Coq proofs compile and assume only what is stated; whatever assumes more, or claims what is wrong, is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gradcheck.errors import UsageError
from gradcheck.proofs import coq
from gradcheck.proofs.coq import PROOFS, REALS, STATED, Workspace

BUDGET = 90.0
"""Seconds for compiling everything, as promised in the README; about 10 were measured."""


def source(file: str) -> str:
    return (PROOFS / f"{file}.v").read_text(encoding="utf-8")


# What is proved -------------------------------------------------------------------------------------------------------


def test_every_file_compiles_within_the_budget(built: Workspace) -> None:
    assert [file.name for file in built.files] == list(STATED)
    assert [file.message for file in built.files if not file.ok] == []
    assert sum(file.seconds for file in built.files) < BUDGET


@pytest.mark.parametrize("file", STATED)
def test_the_theorems_assume_what_is_stated_and_no_more(built: Workspace, file: str) -> None:
    audit = coq.audit(built, file, coq.theorems_in(source(file)))
    assert len(audit.theorems) >= 2  # no file is empty
    assert audit.unstated == ()
    assert set(audit.assumptions) == STATED[file]  # nor is anything stated that is not used


@pytest.mark.parametrize("file", STATED)
def test_every_theorem_has_a_sentence_before_it(file: str) -> None:
    lines = source(file).splitlines()
    stated = [number for number, line in enumerate(lines) if line.startswith("Theorem ")]
    assert [lines[number] for number in stated if not lines[number - 1].endswith("*)")] == []


def test_the_readme_names_the_files_and_theorems_that_there_are() -> None:
    text = (PROOFS / "README.md").read_text(encoding="utf-8")
    theorems = {name for file in STATED for name in coq.theorems_in(source(file))}
    code = set(re.findall(r"`([^`]+)`", text))
    assert {f"{file}.v" for file in STATED} <= code
    named = {name for name in code if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)}
    assert len(named) >= 10
    assert named <= theorems
    assert {axiom.split(" : ")[0] for axiom in REALS} <= code
    assert len(text.splitlines()) <= 60


# What is refused ------------------------------------------------------------------------------------------------------


ACCEPTED = "Theorem honest : 1 + 1 = 2. Proof. reflexivity. Qed.\n"
CHEATS = {
    "axiom": ("Axiom cheat : 1 = 2. Theorem claim : 1 = 2. Proof. exact cheat. Qed.\n", "cheat"),
    "admitted": ("Theorem claim : 1 = 2. Proof. Admitted.\n", "claim"),
    "parameter": (
        "Parameter anything : forall P : Prop, P. Theorem claim : 1 = 2. Proof. apply anything. Qed.\n",
        "any",
    ),
    "no guard": (
        "Unset Guard Checking. Fixpoint loop (n : nat) : 1 = 2 := loop n. Set Guard Checking. "
        "Theorem claim : 1 = 2. Proof. exact (loop 0). Qed.\n",
        "loop",
    ),
    "real axioms where none are stated": (
        "Require Import Reals. Theorem claim : (forall x, x + 0 = x)%R. Proof. exact Rplus_0_r. Qed.\n",
        "sig_forall_dec",
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_theorem_that_assumes_more_is_refused_by_name(built: Workspace, cheat: str) -> None:
    text, axiom = CHEATS[cheat]
    assert built.compile("Cheat", ACCEPTED + text).ok  # coqc alone lets it pass
    audit = coq.audit(built, "Cheat", ["honest", "claim"])
    assert {theorem for theorem, _ in audit.unstated} == {"claim"}
    assert any(axiom in assumption for _, assumption in audit.unstated)


def test_an_axiom_under_the_name_of_a_stated_one_is_refused(built: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(coq.STATED, "Spoof", REALS)
    spoof = "Module Classical_Prop. Axiom classic : 1 = 2. End Classical_Prop.\n"
    assert built.compile("Spoof", f"{spoof}Theorem claim : 1 = 2. Proof. exact Classical_Prop.classic. Qed.\n").ok
    assert coq.audit(built, "Spoof", ["claim"]).unstated
    real = "Require Import Classical.\nTheorem claim : forall P, P \\/ ~ P. Proof. exact classic. Qed.\n"
    assert built.compile("Spoof", real).ok
    assert coq.audit(built, "Spoof", ["claim"]).unstated == ()


def test_its_honest_twin_is_accepted(built: Workspace) -> None:
    assert built.compile("Honest", ACCEPTED).ok
    assert coq.audit(built, "Honest", ["honest"]) == coq.Audit("Honest", ("honest",), (), ())


def test_a_theorem_that_does_not_exist_is_not_accepted(built: Workspace) -> None:
    assert coq.audit(built, "Operations", ["no_such_theorem"]).unstated


POSITIVE = """\
From GradCheck Require Import Operations Wrong.
Require Import List ZArith.
Theorem claim : {property} {algorithm}.
Proof.
{proof}
Qed.
"""
ALGORITHMS = {
    "overwriting": ("reverse_accumulation_is_accepted", "overwriting"),
    "forwards": ("reverse_accumulation_is_accepted", "forwards"),
    "as_a_set": ("reverse_accumulation_is_accepted", "as_a_set"),
    "train_early": ("training_is_accepted", "train_early"),
}


def positive(theorem: str, algorithm: str | None = None) -> str:
    """The statement and proof of an accepted theorem of Wrong.v, about another algorithm."""
    match = re.search(rf"Theorem {theorem} : (\w+) (\w+)\.\s*Proof\.\n(.*?)\nQed\.", source("Wrong"), re.DOTALL)
    assert match
    return POSITIVE.format(property=match[1], algorithm=algorithm or match[2], proof=match[3])


@pytest.mark.parametrize("theorem", ["reverse_accumulation_is_accepted", "training_is_accepted"])
def test_the_positive_statement_compiles_for_the_right_algorithm(built: Workspace, theorem: str) -> None:
    assert built.compile("Claim", positive(theorem)).message == ""


@pytest.mark.parametrize("wrong", ALGORITHMS)
def test_the_positive_statement_does_not_compile_for_a_wrong_algorithm(built: Workspace, wrong: str) -> None:
    compiled = built.compile("Claim", positive(*ALGORITHMS[wrong]))
    assert not compiled.ok
    line = int(re.findall(r"line (\d+)", compiled.message)[-1])
    assert line > POSITIVE.splitlines().index("Proof.")  # the statement was understood; its proof fails


SLOTS = "(combine (seq 0 (length (inputs o))) (inputs o))"
MUTANTS = {
    "overwrites": (
        "add_each s (inputs o) 0%nat (pull o s).\n\nDefinition backward",
        "fold_right (fun kx e y => if eqb y (snd kx) then pull o s (fst kx) else e y) s "
        f"{SLOTS}.\n\nDefinition backward",
        "scatter_is_transposed_advance",
    ),
    "visits in forward order": (
        "fold_right scatter s P.",
        "fold_left (fun s o => scatter o s) P s.",
        "adjoint_identity",
    ),
    "takes the inputs as a set": (
        "add_each s (inputs o) 0%nat (pull o s).\n\nDefinition backward",
        "fold_right (fun kx e => if existsb (eqb (snd kx)) (firstn (fst kx) (inputs o)) then e "
        f"else add e (snd kx) (pull o s (fst kx))) s {SLOTS}.\n\nDefinition backward",
        "scatter_is_transposed_advance",
    ),
    "reads the partials of the transposed place": (
        "partial o j k * s y) 0%nat (outputs o)",
        "partial o k j * s y) 0%nat (outputs o)",
        "scatter_is_transposed_advance",
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_proof_itself_fails_for_an_algorithm_that(built: Workspace, mutant: str) -> None:
    """The definition in Operations.v is made wrong, and nothing else is changed: the definitions are still accepted,
    and the first lemma that fails is one that says what the algorithm does."""
    old, new, lemma = MUTANTS[mutant]
    text = source("Operations")
    assert text.count(old) == 1
    compiled = built.compile("Mutant", text.replace(old, new).replace("Operations.", "Mutant."))
    assert not compiled.ok
    line = int(re.findall(r"line (\d+)", compiled.message)[0])
    before = text.replace(old, new).splitlines()[:line]
    assert re.findall(r"^(?:Lemma|Theorem) (\w+)", "\n".join(before), re.MULTILINE)[-1] == lemma


def test_the_unchanged_text_compiles_under_the_mutants_name(built: Workspace) -> None:
    assert built.compile("Mutant", source("Operations").replace("Operations.", "Mutant.")).ok


# The Python around it -------------------------------------------------------------------------------------------------


def test_without_coqc_the_run_is_skipped_with_the_mend_and_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    report = coq.check_proofs()
    assert str(report) == "skipped: coqc is not installed, apt-get install coq libcoq-coquelicot"
    assert not report.ok
    with pytest.raises(UsageError, match="apt-get install"), coq.workspace():
        pass


def test_a_broken_file_is_reported_with_its_line(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / "_CoqProject").write_text("-Q . GradCheck\nGood.v\nBad.v\nLater.v\n")
    (tmp_path / "Good.v").write_text(ACCEPTED)
    (tmp_path / "Bad.v").write_text("\nTheorem claim : 1 = 2. Proof. reflexivity. Qed.\n")
    (tmp_path / "Later.v").write_text(ACCEPTED)
    report = coq.check_proofs(tmp_path)
    assert not report.ok
    assert [file.name for file in report.files] == ["Good", "Bad"]
    assert [audit.file for audit in report.audits] == ["Good"]
    assert 'REFUSED Bad: File "./Bad.v", line 2' in str(report)


def test_the_twin_without_the_broken_file_is_accepted(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / "_CoqProject").write_text("Good.v\n")
    (tmp_path / "Good.v").write_text(ACCEPTED)
    report = coq.check_proofs(tmp_path)
    assert report.ok
    assert "proved Good: 1 theorems, assuming nothing" in str(report)


def test_a_file_that_assumes_more_is_not_called_proved(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / "_CoqProject").write_text("Cheat.v\n")
    (tmp_path / "Cheat.v").write_text(ACCEPTED.replace("Proof", "\nProof") + "\n" + CHEATS["admitted"][0])
    report = coq.check_proofs(tmp_path)
    assert not report.ok
    assert "REFUSED Cheat.claim assumes Cheat.claim : 1 = 2" in str(report)
    assert "proved" not in str(report)


def test_files_without_theorems_are_not_ok(built: Workspace, tmp_path: Path) -> None:
    (tmp_path / "_CoqProject").write_text("Empty.v\n")
    (tmp_path / "Empty.v").write_text("Definition two := 2.\n")
    assert not coq.check_proofs(tmp_path).ok


def test_an_endless_proof_ends_as_a_failure(built: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coq, "LIMIT", 2.0)  # seconds; the proof would never end
    compiled = built.compile("Endless", "Goal True. repeat (assert True by exact I). Qed.\n")
    assert (compiled.ok, compiled.message) == (False, "no answer within 2 s")


def test_a_directory_without_a_project_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="checkout of the sources"):
        coq.in_order(tmp_path)


def test_a_file_that_is_not_in_the_project_is_named(tmp_path: Path) -> None:
    (tmp_path / "_CoqProject").write_text("A.v\n")
    (tmp_path / "A.v").touch()
    assert coq.in_order(tmp_path) == ["A"]
    (tmp_path / "Forgotten.v").touch()
    with pytest.raises(UsageError, match="Forgotten"):
        coq.in_order(tmp_path)


def test_a_name_that_is_no_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.\./x'"):
        Workspace(tmp_path / "coqc", tmp_path, ()).compile("../x", "")


def test_theorems_in_comments_do_not_count() -> None:
    text = '(* Theorem no : (* Theorem nor : *) "*)" Theorem neither *)\nTheorem yes : True.\nExample too : True.\n'
    assert coq.theorems_in(text) == ["yes", "too"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Closed under the global context\n", ()),
        ("Axioms:\na.b : forall P : Prop,\n  P\nc\n  : nat\n", ("a.b : forall P : Prop, P", "c : nat")),
        ("Axioms:\n! odd\n", ("! odd",)),
        ("Axioms:\n", None),
        ("Axioms:\n  indented\n", None),
        ("", ("not understood: ",)),
        ("Closed under the global context\nAxioms:\nx : False\n", None),
        ("Section Variables:\nx : nat\n", None),
    ],
)
def test_what_print_assumptions_says_is_read_and_nothing_is_passed_over(
    said: str, names: tuple[str, ...] | None
) -> None:
    parsed = coq.parse_assumptions(said)
    if names is None:
        assert len(parsed) == 1 and parsed[0].startswith("not understood")
    else:
        assert parsed == names
