"""The same text, the same fingerprint; another text, or another function that it calls, another one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradcheck.fingerprints import PREFIX, fingerprint, words

ROOT = Path(__file__).parent.parent

HELPER = """
RATE = {rate}
TABLE = {{"slope": lambda x: {slope}}}

def helper(x):
    return RATE * x
"""
TEXT = """
from {package} import helpers
from {package}.helpers import helper, TABLE

def direct(x):
    return helper(x)

def inside(x):
    def loop(y):
        return helper(y)
    return loop(x)

def by_module(x):
    return helpers.helper(x)

def by_default(x, *, function=helper):
    return function(x)

def closing(function):
    return lambda x: function(x)

closed = closing(helper)

def untouched(x):
    return 2 * x
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(package: str, rate: int = 2, slope: str = "1", text: str = TEXT) -> Any:
        place = tmp_path / package
        place.mkdir()
        (place / "__init__.py").write_text("")
        (place / "helpers.py").write_text(HELPER.format(rate=rate, slope=slope))
        (place / "texts.py").write_text(text.format(package=package))
        importlib.invalidate_caches()
        for name in ("", ".helpers", ".texts"):  # of an earlier test
            sys.modules.pop(package + name, None)
        return importlib.import_module(f"{package}.texts")

    return make


@pytest.mark.parametrize("name", ["direct", "inside", "by_module", "by_default", "closed"])
def test_what_a_text_calls_belongs_to_it(made: Callable[..., Any], name: str) -> None:
    one, same, other = made("one"), made("same"), made("other", rate=3)
    assert fingerprint(getattr(one, name)) == fingerprint(getattr(same, name))
    assert fingerprint(getattr(one, name)) != fingerprint(getattr(other, name))
    assert fingerprint(one.untouched) == fingerprint(other.untouched)


def test_another_source_is_another_text(made: Callable[..., Any]) -> None:
    one, other = made("one"), made("other", text=TEXT.replace("2 * x", "2 * x + 0"))
    assert fingerprint(one.untouched) != fingerprint(other.untouched)
    assert fingerprint(one.direct) == fingerprint(other.direct)


def test_it_is_the_same_in_every_process() -> None:
    """So that a certificate of one run is compared with the records of another."""
    source = (
        "from gradcheck.catalogue import operators; from gradcheck.fingerprints import fingerprint\n"
        "from reference_nets.rules import RULES; from reference_nets.backprop import vjp\n"
        "for name, one in sorted(operators().items()): print(name, fingerprint(one.definition), fingerprint(RULES[name]))\n"
        "print(fingerprint(vjp))"
    )
    one, other = (
        subprocess.run(
            [sys.executable, "-c", source],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other
    found = [line.split()[1:] for line in one.splitlines()]
    assert len({digest for line in found for digest in line}) > len(found), "different texts have different ones"


def test_words_name_the_texts_that_there_are(made: Callable[..., Any]) -> None:
    one = made("one")
    assert words(rule=one.direct, definition=None) == {f"{PREFIX}rule": fingerprint(one.direct)}
