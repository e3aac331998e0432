"""What was looked at: by type and class of shapes, and combination by combination."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gradcheck.records import SECOND, SECOND_OPEN, Coverage, Record
from gradcheck.report import text
from gradcheck.report.limits import Limits
from gradcheck.report.views import Table

COUNTS = ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside", "contract")
ENTRIES = ("right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
"""The counts that are of judged entries; the others count points, evaluations and calls."""

TRIED = ("points", "shapes", "parameters", "types", "orders", "inconclusive", "decided by")
"""What ``tried`` counts, in its order."""

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


def tried(records: Sequence[Record]) -> tuple[str, ...]:
    """How much was looked at, as in ``TRIED``; different shapes and parameters of each operator are counted by themselves."""
    rows = [(record.operator, row) for record in records for row in record.coverage]
    counts, oracles = Counter[str](), Counter[str]()
    for record in records:
        counts.update(record.counts)
        oracles.update(record.oracles)
    entries = sum(counts[key] for key in ENTRIES)
    return (
        str(counts["points"]),
        str(len({(name, row.shapes) for name, row in rows})),
        str(len({(name, row.parameters) for name, row in rows})),
        str(len({row.dtype for _, row in rows})),
        "2" if counts[SECOND] else "1",
        f"{counts['inconclusive'] / entries:.2%}" if entries else "-",
        ", ".join(f"{name} {count}" for name, count in oracles.most_common() if count) or "none",
    )


def facts(record: Record) -> tuple[tuple[str, str], ...]:
    """What was tried of one operator, in words; nothing where nothing was."""
    if not record.coverage:
        return ()
    points, shapes, parameters, _, _, share, oracles = tried([record])
    second, open_ = (record.counts.get(key, 0) for key in (SECOND, SECOND_OPEN))
    two = f"1, and 2 at {second:,} of {second + open_:,} points" if second else "1"
    types = ", ".join(dict.fromkeys(_name(row.dtype) for row in record.coverage))
    return (
        ("points", f"{int(points):,}"),
        ("shapes", _combinations(shapes)),
        ("parameters", _combinations(parameters)),
        ("types", types),
        ("orders", two),
        ("inconclusive", share if share == "-" else f"{share} of the entries"),
        ("decided by", text.clip(oracles, 400)),
    )


def _combinations(number: str) -> str:
    return f"{number} combination{'s' * (number != '1')}"


def by_subject(records: Sequence[Record]) -> Table:
    """What was tried of all operators of each subject that were looked at."""
    names = dict.fromkeys(record.subject for record in records if record.coverage)
    body = []
    for name in names:
        own = [record for record in records if record.subject == name and record.coverage]
        second, open_ = (sum(record.counts.get(key, 0) for record in own) for key in (SECOND, SECOND_OPEN))
        *numbers, _, share, oracles = tried(own)
        counted = (f"{int(number):,}" for number in (str(len(own)), *numbers))
        two = f"{second:,} of {second + open_:,}" if second + open_ else "-"
        body.append((_name(name), text.clip(oracles, 400), *counted, two, share))
    return Table(
        head=("subject", "decided by", "operators", *TRIED[:4], "of order two", "inconclusive"), body=tuple(body)
    )


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
