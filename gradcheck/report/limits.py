"""How much of a record a page shows, so that it stays a page: everything left out is counted, and the records file has it."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST = 400_000
"""Bytes of a page at most: it opens at once, also over a slow line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Rows, marks and characters of each part of a page; ``said`` is of a statement that was proved, which is worth its length."""

    findings: int = 60
    rows: int = 150
    nodes: int = 400
    drawn: int = 80
    marks: int = 1500
    words: int = 600
    said: int = 3000
    source: int = 20_000
    items: int = 40
    pictures: bool = True


FULL = Limits()

LEAN = Limits(findings=15, rows=30, nodes=40, drawn=40, marks=200, words=200, said=400, source=4_000, items=12)
"""For a page that is too large with ``FULL``; such a page says so."""

BARE = Limits(pictures=False)
"""For the index, which shows no pictures: they are most of the work."""
