"""What a reader of the failing sample's page reads, word by word.

When the wording is meant to change: delete the gold file, run this test, and read what it wrote before committing it.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gradcheck.report import build
from tests.report import sample

GOLD = Path(__file__).parent / "gold"

BLOCKS = {
    "p",
    "h1",
    "h2",
    "h3",
    "li",
    "tr",
    "dt",
    "dd",
    "summary",
    "pre",
    "caption",
    "figcaption",
    "section",
    "div",
    "nav",
}
SILENT = {"style", "script", "svg", "annotation"}  # pictures have their numbers in tables


class Reading(HTMLParser):
    """The text of a page, one block a line, cells divided by bars."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.text += "\n" if tag in BLOCKS else " | " if tag in ("td", "th") else ""

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT
        self.text += "\n" if tag in BLOCKS else ""

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data

    @property
    def lines(self) -> list[str]:
        lines = (re.sub(r"\s+", " ", line).strip() for line in self.text.splitlines())
        return [line for line in lines if line]


@pytest.mark.parametrize("name", ["autograd--matmul", "index"])
def test_the_text_of_a_page_is_the_one_that_was_read_and_approved(tmp_path: Path, name: str) -> None:
    build(sample.run(), tmp_path)
    found = "\n".join(Reading((tmp_path / f"{name}.html").read_text()).lines) + "\n"
    gold = GOLD / f"{name}.txt"
    if not gold.exists():
        gold.parent.mkdir(exist_ok=True)
        gold.write_text(found, encoding="utf-8")
        pytest.fail(f"{gold} was not there and has been written: read it, and run the test again")
    assert found == gold.read_text(encoding="utf-8")
