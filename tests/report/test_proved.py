"""The section "proved": whose rule, exactly what, by which tool, on which assumptions; and files that are not as they should be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradcheck import catalogue, claims_io, fingerprints
from gradcheck.errors import UsageError
from gradcheck.records import Record, Status, Verdict
from gradcheck.report import build, single_file
from tests.report import sample
from tests.report.test_gold import Reading

ROOT = Path(__file__).parent.parent.parent


def claim(name: str = "sigmoid", **changes: Any) -> dict[str, Any]:
    """A claim as the provers write it."""
    made = {
        "name": name,
        "family": "activations",
        "params": {},
        "domain": "all reals",
        "statement": f"For all single real numbers, the rule of {name} is the derivative of its definition",
        "result": "proved",
        "reason": "",
        "assumptions": ["0.5 is read as 1/2"],
        "texts": {"definition": "ab" * 32, "rule": "cd" * 32},
        "tool": "sympy 1.14.0, python-flint 0.9.0",
        "branches": [{"where": "x = 0", "result": "kink", "how": "", "point": None, "open": False, "formulas": []}],
        "seconds": 0.3,
        "prover": "algebra",
        "inputs": "all single real numbers of the domain",
        "example": -1,
        "chance": None,
        "evidence": None,
    }
    assert changes.keys() <= made.keys()
    return made | changes


def unknown(name: str = "sigmoid") -> dict[str, Any]:
    return claim(name, statement="", result="unknown", reason="no answer within 15 s", branches=[])


def write(directory: Path, *claims: dict[str, Any], name: str = "sigmoid", schema: int = claims_io.SCHEMA) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"schema": schema, "claims": claims}), encoding="utf-8")
    return path


def section(page: Path) -> str:
    """What the section says, as it is read."""
    (found,) = re.findall(r'<section aria-labelledby="proved">.*?</section>', page.read_text(), re.DOTALL)
    return " ".join(" ".join(Reading(found).lines).split())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "pages"


def pages(out: Path, *records: Record) -> dict[str, Path]:
    run = replace(sample.run(), records=records) if records else sample.run()
    return {path.stem: path for path in build(run, out)}


def test_a_claim_is_shown_with_all_that_it_rests_on(out: Path) -> None:
    by_points = claim(
        prover="residues", tool="residues modulo 2^127 - 1, numpy 2.4.6", chance=-125.0, branches=[], assumptions=[]
    )
    write(out / "proofs", claim(), by_points)
    said = section(pages(out)["reference--sigmoid"])
    assert "the rule that this page checks, the reference subject's rule of sigmoid: 2 claims, 2 proved" in said
    assert "For all single real numbers, the rule of sigmoid is the derivative of its definition." in said
    assert "Computer algebra Tool: sympy 1.14.0, python-flint 0.9.0." in said
    assert "sympy differentiates and simplifies rightly; 0.5 is read as 1/2" in said
    assert "Of these places nothing is said: x = 0" in said
    assert "residues modulo 2^127 - 1, numpy 2.4.6" in said and "at most 2^-125" in said
    assert "definition abababababababab, rule cdcdcdcdcdcdcdcd" in said and "gradcheck prove --recheck" in said


def test_without_certificates_nothing_was_proved(out: Path) -> None:
    for name, page in pages(out).items():
        if name != "index":
            assert section(page).startswith("Proved Nothing was proved"), name
    assert "Nothing was proved; run gradcheck prove relu." in section(out / "reference--relu.html")


def test_what_is_unknown_is_shown_as_such_with_its_reason(out: Path) -> None:
    write(out / "proofs", unknown())
    page = pages(out)["reference--sigmoid"]
    said = section(page)
    assert "1 claim, 1 unknown" in said and "Why not: no answer within 15 s." in said
    assert "Nothing is claimed of all single real numbers of the domain." in said
    assert 'badge inconclusive"' in page.read_text() and "claim, 1 proved" not in said


def test_of_many_claims_only_proved_ones_are_folded_away(out: Path) -> None:
    many = [claim(statement=f"Claim number {k} holds", branches=[]) for k in range(7)]
    write(out / "proofs", *many, unknown(), claim(result="proved in part", statement="The last one holds"))
    page = pages(out)["reference--sigmoid"]
    assert "4 more that are proved likewise" in section(page)
    folded = page.read_text().split('id="proved"')[1].split("<details>")[1].split("</details>")[0]
    assert folded.count("<li>") == 4 and "unknown" not in folded and "The last one" not in folded
    assert all(f"Claim number {k} holds." in section(page) for k in range(7))


def test_a_refuted_rule_is_no_pass(out: Path) -> None:
    write(out / "proofs", claim(statement="", result="refuted", reason="x < 0: the rule gives 1.0"))
    page = pages(out)["reference--sigmoid"]
    assert "1 claim, 1 refuted" in section(page) and "the rule gives 1.0" in section(page)
    assert re.search(r'badge fail"><svg.*?</svg>refuted<', page.read_text())


def test_a_proof_is_of_the_reference_rule_alone(out: Path) -> None:
    write(out / "proofs", claim())
    impostor = replace(sample.passing(), claim={**sample.passing().claim, "load": "mine:Subject"})
    same = replace(sample.passing(), claim={**sample.passing().claim, "load": "isolated:2147483648:reference"})
    found = pages(out)
    other = section(found["autograd--sigmoid"])
    assert other.startswith("Proved Nothing was proved of this implementation")
    assert "which is not the one that this page checks, there is 1 claim." in other
    assert 'href="reference--sigmoid.html#proved"' in found["autograd--sigmoid"].read_text()
    assert "badge" not in re.split('id="proved"', found["autograd--sigmoid"].read_text())[1].split("</section>")[0]
    assert section(pages(out, impostor)["reference--sigmoid"]).startswith("Proved Nothing was proved of this")
    assert "the rule that this page checks" in section(pages(out, same)["reference--sigmoid"])


def to_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOILT: dict[str, Callable[[Path], Any]] = {
    "cut short": lambda path: path.write_text(path.read_text()[:-40]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "empty": lambda path: path.write_text(""),
    "another schema": lambda path: write(path.parent, claim(), schema=99),
    "a list": lambda path: path.write_text("[1, 2]"),
    "nested too deeply": lambda path: path.write_text("[" * 200_000),
    "a directory": to_a_directory,
    "too large": lambda path: os.truncate(path, claims_io.LARGEST + 1),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_file_is_named_and_the_rest_is_shown(out: Path, how: str) -> None:
    SPOILT[how](write(out / "proofs", claim()))
    write(out / "proofs", claim("relu"), name="relu")
    found = pages(out)
    said = section(found["reference--sigmoid"])
    assert "Nothing was proved" in said
    if how != "a directory":  # that is no file, and so none that is spoilt
        assert "Nothing was proved that could be read" in said and "sigmoid.json" in said
        assert str(out) not in said, "the bytes of a page do not depend on where it lies"
    assert "1 claim, 1 proved" in section(found["reference--relu"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"result": "certain"}, "Invalid enum value 'certain'"),
        ({"statement": ""}, "it states 'nothing'"),
        ({"result": "unknown"}, "its result is 'unknown'"),
        ({"prover": "an oracle"}, "Invalid enum value 'an oracle'"),
        ({"chance": 3.0}, "no probability"),
        ({"chance": "small"}, "$.chance"),
        ({"tool": None}, "$.tool"),
        ({"name": "relu"}, "it is about 'relu'"),
        ({"branches": [1]}, "$.branches[0]"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else None,
)
def test_a_spoilt_claim_is_named_and_its_neighbour_shown(out: Path, changes: dict[str, Any], why: str) -> None:
    write(out / "proofs", claim() | changes, claim(statement="The neighbour holds"))
    said = section(pages(out)["reference--sigmoid"])
    assert "sigmoid.json: claim 1 cannot be read" in said and why in said
    assert "1 claim, 1 proved" in said and "The neighbour holds." in said
    with pytest.raises(UsageError, match="claim 1 cannot be read"):
        claims_io.for_operator(out / "proofs", "sigmoid")


def test_hostile_claims_are_text_and_leave_a_page_a_page(out: Path) -> None:
    evil = "</section><script>alert(1)</script><img src=x>\x1b\u202e" + "a long word " * 200
    one = claim(statement=evil, reason=evil, assumptions=[evil], tool=evil, texts={evil: evil}, inputs=evil)
    one |= {"params": {evil: evil}, "branches": [{"where": evil, "result": "kink"}] * 50}
    write(out / "proofs", *[one | {"tool": f"{evil}{k}"} for k in range(100)], claim("x" * 10_000))
    page = pages(out)["reference--sigmoid"]
    text = page.read_text()
    assert page.stat().st_size <= 400_000
    assert "<script>alert" not in text and "<img" not in text and "&lt;script&gt;alert" in text
    assert "\x1b" not in text and "more claims are in the certificates" in text


@pytest.mark.parametrize("name", ["../secret", "..", "a/b", "", "\x00", "con.d"])
def test_a_name_reads_no_file_elsewhere(tmp_path: Path, name: str) -> None:
    write(tmp_path, claim(name="secret", statement="a secret"), name="secret")
    (tmp_path / "pages" / "proofs" / "a").mkdir(parents=True)
    found = claims_io.find(tmp_path / "pages" / "proofs", name)
    assert found == claims_io.Found()


def test_certificates_change_their_own_page_alone_and_the_same_ones_give_the_same_bytes(tmp_path: Path) -> None:
    out, other = tmp_path / "a", tmp_path / "b"
    before = {name: path.read_bytes() for name, path in pages(out).items()}
    for place in (out, other):
        write(place / "proofs", claim())
    after = {name: path.read_bytes() for name, path in pages(out).items()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"reference--sigmoid", "autograd--sigmoid"}
    assert after == {name: path.read_bytes() for name, path in pages(other).items()}
    assert b"1 claim, 1 proved" in single_file(sample.run(), out / "one.html").read_bytes()
    assert b"1 claim, 1 proved" not in single_file(sample.run(), tmp_path / "one.html").read_bytes()


def test_every_16_bit_number_is_a_measurement(out: Path) -> None:
    texts, tool = {"definition": "ab" * 32, "rule": "cd" * 32}, "sympy 1.14.0, python-flint 0.9.0"
    about: dict[str, Any] = {"name": "sigmoid", "texts": texts, "tool": tool, "params": {}}
    counts = {"judged": 63488, "kinks": 1, "undecided": 0, "without": 0, "wrong": 2, "worst": 0.51, "where": 0.125}
    (out / "proofs" / "exhaustive").mkdir(parents=True)
    rows = [about | {"dtype": "float16"} | counts, about | {"unread": "sorting: its branches are not followed"}]
    (out / "proofs" / "exhaustive" / "sigmoid.json").write_text(json.dumps(rows))
    said = section(pages(out)["reference--sigmoid"])
    assert "nothing, for all reals or for arrays" in said
    assert "float16 | none | yes | 63,488 | 1 | 0 | 0 | 2 | 0.51 | 0.125" in said and tool in said
    assert "gradcheck prove --recheck" in said
    assert "not measured: sorting: its branches are not followed" in said


def test_what_was_measured_of_a_subject_is_on_its_page_and_on_no_other(out: Path) -> None:
    about: dict[str, Any] = {"name": "sigmoid", "texts": {"definition": "ab" * 32}, "tool": "flint", "params": {}}
    about |= {"subject": "autograd", "version": "1.8.0"}
    counts = {"judged": 63488, "kinks": 1, "undecided": 0, "without": 0, "wrong": 7, "worst": 3.5, "where": 0.125}
    (out / "proofs" / "exhaustive" / "autograd").mkdir(parents=True)
    rows = [
        about | {"dtype": "float16"} | counts,
        about | {"dtype": "bfloat16", "unread": "it raises TypeError: <b>no</b>"},
        about | {"dtype": "float16", "subject": "auto:grad"} | counts | {"worst": 4.5},
    ]
    (out / "proofs" / "exhaustive" / "autograd" / "sigmoid.json").write_text(json.dumps(rows))
    made = pages(out)
    said = section(made["autograd--sigmoid"])
    assert "Nothing was proved of this implementation" in said and "It was measured on every number of a type." in said
    assert "autograd 1.8.0 run on every number of a 16-bit type" in said
    assert "float16 | none | yes | 63,488 | 1 | 0 | 0 | 7 | 3.5 | 0.125" in said
    assert "bfloat16 | none | not measured: it raises TypeError: <b>no</b>" in said
    assert "4.5" not in said, "another subject whose folder has the same name"
    assert "3.5" not in section(made["reference--sigmoid"])


def test_a_network_has_the_proofs_of_the_algorithm_and_says_that_they_are_not_its_own(out: Path) -> None:
    assert "run gradcheck prove --graphs" in section(pages(out, sample.network())["reference--net-fan-out"])
    row = {"what": "all ordered graphs of 3 vertices", "count": 8, "failing": ""}
    wrong = {"what": "all ordered graphs of 4 vertices", "count": 5, "failing": "parents ((), (0,))"}
    content = {"name": "reverse accumulation", "texts": {"vjp": "ef" * 32}, "tool": "exact integers of Python"}
    (out / "proofs" / "graphs").mkdir(parents=True)
    path = out / "proofs" / "graphs" / "reverse_accumulation.json"
    path.write_text(json.dumps(content | {"claims": [row, wrong]}))
    said = section(pages(out, sample.network())["reference--net-fan-out"])
    assert "Nothing was proved of this network's own backward pass." in said
    assert "2 claims, 1 proved by enumeration, 1 refuted" in said
    assert "proved | all ordered graphs of 3 vertices | 8" in said and "refuted at parents ((), (0,))" in said
    assert "exact integers of Python" in said
    other = replace(sample.network(), subject="mine")
    assert "Nothing was proved: no prover reads" in section(pages(out, other)["mine--net-fan-out"])


def other(record: Record, **texts: str) -> Record:
    """The record, made with other texts; with none of that name where one is empty."""
    claim = {**record.claim, **{f"{fingerprints.PREFIX}{name}": digest for name, digest in texts.items()}}
    return replace(record, claim={key: value for key, value in claim.items() if value})


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"rule": "00" * 32}, "the rule has changed since"),
        ({"definition": "00" * 32}, "the definition has changed since"),
        ({"definition": "00" * 32, "rule": "11" * 32}, "the definition and the rule have changed since"),
        ({"rule": ""}, "the record does not say which rule it checked"),
    ],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_what_was_proved_of_another_text_is_stale_and_no_proof(out: Path, texts: dict[str, str], why: str) -> None:
    write(out / "proofs", *[claim(statement=f"Claim number {k} holds", branches=[]) for k in range(5)], unknown())
    page = pages(out, other(sample.passing(), **texts))["reference--sigmoid"]
    said = section(page)
    assert f"6 of 6 claims and measurements are not known to hold of what this page checks: {why}." in said
    assert "Prove again: gradcheck prove sigmoid." in said
    assert "6 claims, 5 stale: proved, 1 stale: unknown." in said
    proofs = page.read_text().split('id="proved"')[1].split("</section>")[0]
    assert "badge pass" not in proofs and proofs.count('badge inconclusive"') == 6
    assert "likewise" not in said, "what is stale is not folded away among what is proved"
    assert "stale" not in section(pages(out, sample.passing())["reference--sigmoid"])


def test_a_stale_claim_does_not_hide_behind_a_fresh_one(out: Path) -> None:
    write(out / "proofs", claim(), claim(texts={"definition": "ab" * 32, "rule": "00" * 32}))
    said = section(pages(out)["reference--sigmoid"])
    assert "2 claims, 1 proved, 1 stale: proved." in said and "1 of 2 claims and measurements" in said


def test_measurements_and_enumerations_are_stale_as_well(out: Path) -> None:
    about: dict[str, Any] = {"name": "sigmoid", "texts": {"definition": "ab" * 32, "rule": "00" * 32}, "params": {}}
    counts = {"judged": 63488, "kinks": 1, "undecided": 0, "without": 0, "wrong": 0, "worst": 0.0, "where": 0.0}
    (out / "proofs" / "exhaustive").mkdir(parents=True)
    rows = [about | {"tool": "flint", "dtype": "float16"} | counts]
    (out / "proofs" / "exhaustive" / "sigmoid.json").write_text(json.dumps(rows))
    swept(out, texts={"definition": "00" * 32, "rule": "cd" * 32})
    said = section(pages(out)["reference--sigmoid"])
    assert "float16 | none | no: the rule has changed since | 63,488" in said
    assert "all | alpha=0.5 | no: the definition has changed since | 1,000" in said
    assert "2 of 2 claims and measurements" in said
    assert "Prove again: gradcheck prove --exhaustive sigmoid, gradcheck prove --float32 sigmoid." in said
    (out / "proofs" / "graphs").mkdir()
    content = {"name": "reverse accumulation", "texts": {"vjp": "00" * 32}, "tool": "exact integers of Python"}
    row = {"what": "all ordered graphs of 3 vertices", "count": 8, "failing": ""}
    (out / "proofs" / "graphs" / "reverse_accumulation.json").write_text(json.dumps(content | {"claims": [row]}))
    said = section(pages(out, sample.network())["reference--net-fan-out"])
    assert "1 claim, all of them stale." in said and "stale: proved | all ordered graphs" in said
    assert "the vjp has changed since. Prove again: gradcheck prove --graphs." in said


def swept(out: Path, number: int = 0, **about: Any) -> None:
    """A sweep of all float32 numbers, as the prover leaves it."""
    directory = out / "proofs" / "float32"
    directory.mkdir(parents=True, exist_ok=True)
    of = {
        "name": "sigmoid",
        "texts": {"definition": "ab" * 32, "rule": "cd" * 32},
        "params": {"alpha": 0.5},
        "tool": "python-flint 0.9.0",
        "blocks": [0, 10, 10],
        "edges": [0.5, 1.0],
    }
    state = {"key": "k", "next": 10, "judged": 1000, "outside": 3, "kinks": 1, "undecided": 2, "without": 4}
    state |= {"errors": [900, 80, 20], "infinite": 5, "worst": 1.7, "where": -0.25, "seconds": 9.5}
    changes = {key: about.pop(key) for key in ("next", "errors") if key in about}
    content = state | changes | {"about": of | about if about.get("name", "") is not None else {}}
    (directory / f"sigmoid-{number}.json").write_text(json.dumps(content))


def test_every_float32_number_is_a_measurement(out: Path) -> None:
    swept(out)
    swept(out, 1, params={}, blocks=[0, 40, 40])
    said = section(pages(out)["reference--sigmoid"])
    assert "The rule run on float32 numbers of the domain" in said and "python-flint 0.9.0" in said
    assert "all | alpha=0.5 | yes | 1,000 | 1 | 4 | 2 | 900 | 80 | 20 | 5 | 1.7 | -0.25" in said
    assert "25.00% of all | none | yes | 1,000" in said, "a sweep that goes on says how far it is"
    assert "to 0.5 ulp | to 1 ulp | above" in said


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": None}, "does not say what was swept; gradcheck prove --float32 goes on with it"),
        ({"name": "relu"}, "it is about 'relu'"),
        ({"next": 11}, "it is at block 11 of 0 to 10, of 10"),
        ({"errors": [1]}, "it has 1 counts of errors between 2 edges"),
        ({"blocks": [3, 3, 10]}, "it is at block 10 of 3 to 3, of 10"),
        ({"blocks": [0, 20, 15]}, "it is at block 10 of 0 to 20, of 15"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else None,
)
def test_a_spoilt_sweep_is_named(out: Path, changes: dict[str, Any], why: str) -> None:
    swept(out, **changes)
    said = section(pages(out)["reference--sigmoid"])
    assert "Nothing was proved that could be read" in said and why in said and "float32/sigmoid-0.json" in said


def test_the_pages_need_no_prover(out: Path) -> None:
    write(out / "proofs", claim())
    source = (
        "import sys, pathlib; from gradcheck.report import build; from tests.report import sample\n"
        f"build(sample.run(), pathlib.Path({str(out)!r}))\n"
        "print(sorted({'sympy', 'z3', 'gradcheck.proofs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout == "[]\n", done.stderr
    assert "1 claim, 1 proved" in section(out / "reference--sigmoid.html")


def test_what_the_provers_write_is_what_the_page_says(out: Path) -> None:
    pytest.importorskip("sympy")
    pytest.importorskip("z3")
    from gradcheck.cli import OK, _console, every_input, proving
    from gradcheck.engine.definition import words
    from gradcheck.proofs import setting, sweep
    from reference_nets import backprop
    from reference_nets.rules import RULES

    assert (setting.EXCLUDED, setting.KINK, setting.UNKNOWN) == claims_io.SILENT
    assert proving.prove(_console(), ["relu", "dot"], out / "proofs", jobs=1) == OK
    assert every_input.exhaustive(_console(), ["relu"], out / "proofs", jobs=1) == OK
    path, relu = out / "proofs" / "float32" / "relu-0.json", catalogue.operator("relu")
    about = {"name": "relu", "tool": "flint"}
    state = sweep.sweep(
        relu.definition, RULES["relu"], relu.domain.of(0), {}, path, about=about, first=16256, last=16258
    )
    tasks = [("ordered", 3, 0)]
    assert proving.graphs(_console(), out / "proofs", jobs=1, tasks=tasks) == OK
    found = claims_io.find(out / "proofs", "relu", graphs=True)
    assert (
        not found.problems
        and found.graphs is not None
        and {one.dtype for one in found.every}
        == {
            "float16",
            "bfloat16",
        }
    )
    dot = replace(sample.passing("dot"), verdict=Verdict.RIGHT, status=Status.PASS)
    records = (
        replace(
            record,
            claim={
                **record.claim,
                **words(catalogue.operator(record.operator)),
                **fingerprints.words(rule=RULES[record.operator]),
            },
        )
        for record in (sample.passing("relu"), dot)
    )
    network = replace(sample.network(), claim={**sample.network().claim, **fingerprints.words(vjp=backprop.vjp)})
    made = pages(out, *records, network)
    said = section(made["reference--relu"])
    assert "2 claims, 2 proved" in said and "except where x = 0" in said and "z3 answers rightly" in said
    assert (
        "stale" not in said
        and f"0.00% of all | none | yes | {state.judged:,} | 0 | 0 | 0 | {state.judged:,} | 0" in said
    )
    assert "stale" not in section(made["reference--dot"]) + section(made["reference--net-fan-out"])
    for row in claims_io.for_operator(out / "proofs", "dot"):
        assert f"{row['what']}." in section(made["reference--dot"])
    assert "1 claims, 1 proved by enumeration" not in section(made["reference--net-fan-out"])
    assert "1 claim, 1 proved by enumeration" in section(made["reference--net-fan-out"])
