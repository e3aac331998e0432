"""``gradcheck prove --tape``: one run is written as a certificate that Coq accepts, and one with another gradient is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from gradcheck.cli import NOT_OK, OK, WRONG_USAGE, execute
from gradcheck.proofs import certificate, coq
from gradcheck.proofs.coq import Workspace

HERE = "tests.proofs.test_taping"


def chain(x, w):
    h = x
    for _ in range(5):
        h = h * w - x
    return h * h / (1 + x * x)


def first(x, y):
    return x


def fails(x):
    raise ValueError("no such number")


def test_fractions_are_claimed_exactly_and_floats_up_to_a_bound_that_they_keep() -> None:
    exact = certificate.from_run(chain, [Fraction(1, 8), Fraction(-3, 4)])
    rounded = certificate.from_run(chain, [0.125, -0.75])
    for name in ("x0", "x1"):
        assert exact.claims[name].bound == 0
        truth, said = exact.claims[name].adjoint, rounded.claims[name]
        assert 0 < said.bound < 1e-13 * abs(truth)
        assert (
            abs(Fraction(said.adjoint) - truth) <= said.bound + abs(truth) * 2**-48
        )  # the partials are rounded as well
    assert [claim.adjoint for claim in certificate.from_run(first, [2.0, 3.0]).claims.values()] == [1, 0]


@pytest.mark.parametrize("at", ["0.1,-0.7", "1/10,-7/10"])
def test_coq_recomputes_the_gradient_of_a_run_and_refuses_another(at: str, built: Workspace) -> None:
    inputs = [Fraction(one) if "/" in one else float(one) for one in at.split(",")]
    run = certificate.from_run(chain, inputs)
    assert built.compile("Run", certificate.certificate(run.sources, run.steps, run.seeds, run.claims)).ok
    claim = run.claims["x1"]
    off = replace(claim, adjoint=Fraction(claim.adjoint) + 2 * Fraction(claim.bound) + Fraction(1, 10**30))
    wrong = certificate.certificate(run.sources, run.steps, run.seeds, {**run.claims, "x1": off})
    assert not built.compile("Run", wrong).ok


def test_the_command_writes_the_file_and_says_what_coq_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["prove", "--tape", f"{HERE}:chain", "--at", "1/2,-2", "--output", str(tmp_path)]
    reason = coq.why_skipped()
    assert execute(command) == OK
    out = capsys.readouterr().out
    assert ("Nothing was proved." if reason else "proved: Coq recomputes") in out
    (file,) = (tmp_path / "tapes").iterdir()
    assert "Example certificate : check sources program seeds claims = true." in file.read_text()
    monkeypatch.setattr(coq, "why_skipped", lambda: "skipped: coqc is not installed")
    assert execute(command) == OK
    assert "Nothing was proved." in capsys.readouterr().out


@pytest.mark.usefixtures("built")
def test_a_gradient_that_coq_does_not_find_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = certificate.from_run

    def wrong(program, inputs):
        run = right(program, inputs)
        return replace(run, claims={**run.claims, "x0": certificate.Claim(Fraction(7))})

    monkeypatch.setattr(certificate, "from_run", wrong)
    assert execute(["prove", "--tape", f"{HERE}:first", "--at", "1,2", "--output", str(tmp_path)]) == NOT_OK
    assert "REFUSED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tape", f"{HERE}:chain"], "--tape and --at go together"),
        (["--tape", HERE, "--at", "1"], "give package.module:function"),
        (["--tape", f"{HERE}:nothing", "--at", "1"], "check that it can be imported"),
        (["--tape", f"{HERE}:HERE", "--at", "1"], "no function of numbers"),
        (["--tape", f"{HERE}:chain", "--at", "1,two"], "give numbers between commas"),
        (["--tape", f"{HERE}:chain", "--at", "1.0,inf"], "must be finite"),
        (["--tape", f"{HERE}:chain", "--at", "1/0,1"], "give numbers between commas"),
        (["--tape", f"{HERE}:fails", "--at", "1"], "raises ValueError: no such number"),
        (["--tape", f"{HERE}:chain", "--at", "1"], "raises TypeError"),
        (["--vertices", "7"], "give 6 or 7, with --graphs"),
        (["--graphs", "--vertices", "9"], "give 6 or 7"),
    ],
)
def test_wrong_usage_names_the_mend(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["prove", *arguments, "--output", str(tmp_path)]) == WRONG_USAGE
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err)
