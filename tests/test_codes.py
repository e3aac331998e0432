"""Every code that a finding can have is explained, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gradcheck.codes import CODES

PACKAGE = Path(__file__).parent.parent / "gradcheck"


def test_the_codes_in_the_source_are_those_that_are_explained() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if path.name != "codes.py"]
    used = {code for path in sources for code in re.findall(r'"(GC\d{3})"', path.read_text())}
    assert used == set(CODES)


def test_a_sentence_is_one() -> None:
    for code, sentence in CODES.items():
        assert re.fullmatch(r"(?:[A-Z]|gradcheck)[^.]*\.", sentence), code
    assert len(set(CODES.values())) == len(CODES)
