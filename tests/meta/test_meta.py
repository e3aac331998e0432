"""Wrong implementations are caught, right ones are accepted.

``KNOWN_GAPS`` names the cases that gradcheck does not decide rightly yet, each with what stands in the way.  The list can only shrink: a
case on it that is decided rightly fails, too.
"""

from __future__ import annotations

import pytest

import gradcheck
from tests.meta.all_cases import CASES
from tests.meta.case import Case
from tests.meta.known_gaps import KNOWN_GAPS


def marked(case: Case) -> object:
    gap = KNOWN_GAPS.get(case.name)
    marks = [pytest.mark.xfail(reason=gap, strict=True)] if gap else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [marked(case) for case in CASES])
def test_the_case_is_decided_rightly(case: Case) -> None:
    forward, vjp = case.make()
    result = gradcheck.check(forward, vjp, case.inputs, **case.options)
    assert result.ok == case.ok, str(result)
    if case.severity and not case.ok:
        assert case.severity in {finding.severity.value for finding in result.findings}


def test_there_are_enough_cases() -> None:
    wrong = [case for case in CASES if not case.ok]
    assert len(wrong) >= 200 and sum(case.invisible for case in wrong) >= 60
    assert len(CASES) - len(wrong) >= 200 and sum(case.hard for case in CASES) >= 60


def test_each_gap_names_a_case() -> None:
    assert set(KNOWN_GAPS) <= {case.name for case in CASES}
