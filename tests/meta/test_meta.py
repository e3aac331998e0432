"""Wrong implementations are caught, right ones are accepted."""

from __future__ import annotations

import pytest

import gradcheck
from tests.meta.all_cases import CASES
from tests.meta.case import Case


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
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
