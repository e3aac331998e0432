"""What was looked at: by type and class of shapes, and combination by combination."""

from __future__ import annotations

import re
from collections import Counter

from gradcheck.records import Coverage
from gradcheck.report import text
from gradcheck.report.limits import Limits
from gradcheck.report.views import Table

COUNTS = ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside", "contract")
ENTRIES = ("right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
"""The counts that are of judged entries; the others count points, evaluations and calls."""

_CLASSES = ("scalars", "vectors", "matrices", "rank 3 and more", "ranks that broadcast", "empty arrays", "other")


def shape_class(shapes: str) -> str:
    """The class of an example's shapes, as they are written in a record: ``(3,) (3,4)``."""
    found = [re.findall(r"\d+", inside) for inside in re.findall(r"\(([\d, ]*)\)", shapes)]
    if not found:
        return "other"
    if any(int(n) == 0 for shape in found for n in shape):
        return "empty arrays"
    ranks = {len(shape) for shape in found}
    if len(ranks) > 1:
        return "ranks that broadcast"
    return _CLASSES[min(ranks.pop(), 3)]


def by_class(rows: tuple[Coverage, ...]) -> Table:
    """Counts of every check, summed over type and class of shapes."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        sums.setdefault((row.dtype, shape_class(row.shapes)), Counter()).update(row.counts)
    dtypes = list(dict.fromkeys(row.dtype for row in rows))
    order = sorted(sums, key=lambda key: (dtypes.index(key[0]), _CLASSES.index(key[1])))
    body = tuple((_name(d), c, *(f"{sums[d, c][key]:,}" for key in COUNTS)) for d, c in order)
    return Table(head=("type", "shapes", *COUNTS), body=body)


def combinations(rows: tuple[Coverage, ...], limits: Limits) -> Table:
    """Each combination of parameters, shapes and type."""
    body = tuple(
        (
            text.clean(text.clip(row.parameters, 200)) or "none",
            _name(row.shapes),
            _name(row.dtype),
            *(f"{row.counts.get(key, 0):,}" for key in COUNTS),
        )
        for row in rows[: limits.rows]
    )
    left = len(rows) - len(body)
    return Table(
        head=("parameters", "shapes", "type", *COUNTS),
        body=body,
        left_out=f"{left:,} more combinations are in the records file." if left else "",
    )


def _name(words: str) -> str:
    return text.clean(text.clip(words, 120))
