"""The public names are stable: users and benchmarks depend on them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradcheck

NAMES = (
    "check",
    "check_grad",
    "assert_gradients",
    "verify",
    "Domain",
    "interval",
    "REALS",
    "POSITIVE",
    "NONNEGATIVE",
    "SYMMETRIC",
    "POSITIVE_DEFINITE",
    "SIMPLEX",
    "FIXED",
    "GradientError",
    "UsageError",
    "Severity",
    "Status",
    "Verdict",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_public(name: str) -> None:
    assert hasattr(gradcheck, name)


@pytest.mark.parametrize("name", ["check", "assert_gradients"])
def test_options_are_keyword_only(name: str) -> None:
    parameters = inspect.signature(getattr(gradcheck, name)).parameters
    assert list(parameters)[:3] == ["forward", "vjp", "inputs"]
    rest = list(parameters.values())[3:]
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in rest)


@pytest.mark.parametrize("option", ["jvp", "wrt", "kwargs", "domain", "stateful", "profile", "seed"])
def test_check_has_the_documented_options(option: str) -> None:
    assert option in inspect.signature(gradcheck.check).parameters


@pytest.mark.parametrize("name", ["ok", "status", "verdict", "findings", "certificate", "untested"])
def test_a_result_has_the_documented_attributes(name: str) -> None:
    result = gradcheck.check(lambda x: x * x, lambda g, x: 2 * g * x, (3.0,), profile="quick")
    assert hasattr(result, name)
    assert result.ok
    assert "PASS" in str(result)


def test_the_errors_are_what_their_users_catch() -> None:
    assert issubclass(gradcheck.GradientError, AssertionError)
    assert issubclass(gradcheck.UsageError, ValueError)


def test_the_public_module_does_not_import_what_only_pages_need() -> None:
    heavy = (
        "import gradcheck, sys; print([m for m in ('matplotlib', 'jinja2', 'rich', 'cyclopts') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert done.stdout.strip() == "[]"


def test_inputs_without_a_float_are_an_error_of_use() -> None:
    with pytest.raises(gradcheck.UsageError, match=r"inputs: .*astype"):
        gradcheck.check(lambda x: 2 * x, lambda g, x: 2 * g, (np.arange(3),))


def test_keyword_arguments_travel_with_the_findings() -> None:
    result = gradcheck.check(lambda x, *, s: s * x, lambda g, x, *, s: g, (np.ones(2),), kwargs={"s": 3.0})
    assert not result.ok and all(f.kwargs == {"s": 3.0} for f in result.findings)
