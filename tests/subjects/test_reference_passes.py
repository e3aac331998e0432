"""The project's own rules against the whole catalogue: what ``gradcheck run`` must find is nothing."""

from __future__ import annotations

import pytest

from gradcheck import catalogue
from gradcheck.cli.running import DECIDED, ENTRIES
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Status
from gradcheck.subjects import load


@pytest.mark.parametrize("name", catalogue.operators())
def test_a_rule_passes_in_every_type_with_next_to_nothing_undecided(name: str) -> None:
    record = verify_operator(load("reference"), catalogue.operator(name))
    failing = [f"{f.code} {f.argument} {f.got} {f.expected} {f.message}" for f in record.findings if f.severity.fails]
    assert record.status is Status.PASS, failing
    assert {row.dtype for row in record.coverage} == {"float64", "float32", "float16", "bfloat16"}
    decided = sum(record.counts.get(key, 0) for key in DECIDED)
    assert decided > 0
    # Two per cent of the run as a whole is the promise; at a kink of many ties a single operator may have a little more.
    assert record.counts.get("inconclusive", 0) <= 0.05 * sum(record.counts.get(key, 0) for key in ENTRIES)
    assert record.curve is not None
