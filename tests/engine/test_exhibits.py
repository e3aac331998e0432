"""Exhibits: a formula known to be wrong passes only if it is refuted, and its mended form accepted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradcheck.engine.exhibits import check_exhibit
from gradcheck.errors import UsageError
from gradcheck.records import Record, Status, Verdict
from gradcheck.records_io import decode_line, encode_line
from gradcheck.subjects import load
from gradcheck.subjects.protocol import Exhibit, exhibits_of
from reference_nets import thread
from reference_nets.networks import NETWORKS


def subject(**exhibits: Exhibit) -> Any:
    return SimpleNamespace(
        name="s", version="1", exhibits=lambda: {name: lambda e=e: e for name, e in exhibits.items()}
    )


def checked(exhibit: Exhibit) -> Record:
    return check_exhibit(subject(it=exhibit), "it", profile="quick", seed=0)


def example(number: str) -> Exhibit:
    return exhibits_of(load("reference"))[f"thread:{number}"]()


def test_there_is_one_for_every_network_and_every_formula() -> None:
    names = list(exhibits_of(load("reference")))
    assert len(names) == len(set(names)) == len(NETWORKS) + len(thread.formulas()) + len(thread.STATEMENTS)
    assert all(name.startswith(("net:", "thread:")) for name in names)
    corrections = {number: example(number).correction for number in thread.formulas()}
    assert all(correction and correction.network in names for correction in corrections.values())


def test_a_subject_without_exhibits_has_none() -> None:
    plain: Any = SimpleNamespace(name="s", version="1")
    assert exhibits_of(plain) == {}
    with pytest.raises(UsageError, match="s has no exhibit 'it'; it has none"):
        check_exhibit(plain, "it")


@pytest.mark.parametrize("number", ["P1", "P6", "L1", "P13"])
def test_a_printed_formula_that_is_refuted_is_a_pass(number: str) -> None:
    record = checked(example(number))
    assert (record.status, record.verdict) == (Status.PASS, Verdict.REFUTED)
    found = record.correction
    assert found is not None and found.as_expected and found.refuted and found.accepted
    assert not [f for f in record.findings if f.severity.fails]
    if number != "P13":
        assert found.off is not None and found.off > 0 and found.unexplained == 0
        assert found.counterexample is not None and found.counterexample.got != found.counterexample.expected


def test_a_printed_formula_that_is_right_is_a_failure() -> None:
    exhibit = example("P6")
    assert exhibit.forward is not None and exhibit.vjp is not None
    record = checked(replace(exhibit, printed=(exhibit.forward, exhibit.vjp)))
    assert (record.status, record.verdict) == (Status.FAIL, Verdict.UNREFUTED)
    assert [f.code for f in record.findings if f.severity.fails] == ["GC131"]
    assert "expected to be refuted" in record.findings[0].message


def test_a_mended_formula_that_is_wrong_is_a_failure() -> None:
    exhibit = example("P6")
    assert exhibit.printed is not None
    record = checked(replace(exhibit, forward=exhibit.printed[0], vjp=exhibit.printed[1]))
    assert record.status is Status.FAIL
    assert record.correction is not None and record.correction.refuted and not record.correction.accepted


def test_another_relation_than_stated_is_a_failure() -> None:
    exhibit = example("P6")
    assert exhibit.correction is not None
    smallest = np.nextafter(0.0, 1.0)
    record = checked(replace(exhibit, correction=replace(exhibit.correction, unexplained=float(smallest))))
    assert record.status is Status.FAIL
    assert "unexplained, in exact rationals" in record.findings[0].message


@pytest.mark.parametrize("said", [(True, True), (False, False)])
def test_a_sentence_that_does_not_come_out_as_expected_is_a_failure(said: tuple[bool, bool]) -> None:
    printed, right = said
    record = checked(replace(example("P13"), holds=(lambda: printed, lambda: right)))
    assert record.status is Status.FAIL


def test_a_network_is_drawn_and_a_wrong_one_refused() -> None:
    exhibit = exhibits_of(load("reference"))["net:two-hidden-layers"]()
    record = checked(exhibit)
    assert record.status is Status.PASS and record.verdict is Verdict.RIGHT
    assert record.graph is not None and "sigmoid" in {node.operation for node in record.graph.nodes}
    right = exhibit.vjp
    assert right is not None
    wrong = checked(replace(exhibit, vjp=lambda *args: tuple(1.001 * part for part in right(*args))))
    assert wrong.status is Status.FAIL and wrong.verdict is Verdict.WRONG


def test_what_is_drawn_and_measured_survives_the_records_file() -> None:
    for name in ("net:products-and-fan-out", "thread:P6"):
        record = check_exhibit(load("reference"), name, profile="quick")
        again = decode_line(encode_line(record))
        assert isinstance(again, Record)
        assert again.graph == record.graph
        assert encode_line(again) == encode_line(record)


def test_a_record_from_before_there_were_graphs_is_read() -> None:
    line = b'{"type":"record","operator":"o","subject":"s","verdict":"RIGHT","status":"PASS"}\n'
    record = decode_line(line)
    assert isinstance(record, Record) and record.graph is None and record.correction is None


def test_a_stopped_check_keeps_the_formula_and_is_not_a_pass() -> None:
    exhibit = example("P6")

    def endless(*_: Any) -> Any:
        while True:
            pass

    record = check_exhibit(subject(it=replace(exhibit, forward=endless)), "it", limit=0.5)
    assert (record.status, record.verdict) == (Status.INCONCLUSIVE, Verdict.STOPPED)
    assert record.correction is not None and not record.correction.as_expected


def test_a_network_has_certified_pictures_and_a_wrong_one_shows_where() -> None:
    exhibit = exhibits_of(load("reference"))["net:products-and-fan-out"]()
    right = checked(exhibit)
    assert right.curve is not None and right.curve.remainders is not None
    assert right.jacobian is not None and not right.jacobian.wrong.any() and np.all(right.jacobian.bits > 0)
    assert [samples.dtype for samples in right.ulps] == ["float64"]

    def last_lost(g: Any, v: Any) -> Any:
        assert exhibit.vjp is not None
        (answer,) = exhibit.vjp(g, v)
        return (answer * np.array([1.0, 1.0, 0.0]),)

    wrong = checked(replace(exhibit, vjp=last_lost))
    assert wrong.status is Status.FAIL
    assert wrong.jacobian is not None
    assert wrong.jacobian.wrong.tolist() == [[False, False, True]]
