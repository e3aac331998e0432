"""Tables of rules that were run on every number of a type: what came of it, and whether it was the rule that a page checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradcheck.claims_io import Every, Swept
from gradcheck.report import text
from gradcheck.report.staleness import Texts
from gradcheck.report.views import Measured, Table

_EVERY = (
    *("type", "parameters", "of these texts", "judged", "ties left out", "without a derivative", "undecided"),
    *("not correctly rounded", "worst (ulp)", "at"),
)
_COUNTS = ("judged", "ties left out", "without a derivative", "undecided")
_NUMBERS_FROM = 3  # the columns before are words


def every(found: Sequence[Every], now: Texts, limit: int, short: Callable[[str], str]) -> Measured:
    """All 16-bit numbers, against the correctly rounded derivative."""
    tools = short("; ".join(dict.fromkeys(one.tool for one in found)))
    who = short("; ".join(dict.fromkeys(f"{one.subject} {one.version}".strip() or "The rule" for one in found)))
    return Measured(
        caption=f"{who} run on every number of a 16-bit type, against the correctly rounded derivative ({tools})",
        table=Table(head=_EVERY, body=tuple(_row(one, now, short) for one in found[:limit])),
        numeric_from=_NUMBERS_FROM,
    )


def _row(one: Every, now: Texts, short: Callable[[str], str]) -> tuple[str, ...]:
    given = text.parameters(one.params) or "none"
    if one.unread:
        return (
            short(one.dtype or "-"),
            short(given),
            short(f"not measured: {one.unread}"),
            *("-",) * (len(_EVERY) - _NUMBERS_FROM),
        )
    counts = (one.judged, one.kinks, one.without, one.undecided, one.wrong)
    worst = (f"{one.worst:.4g}", f"{one.where!r}") if one.wrong else ("-", "-")
    return (short(one.dtype), short(given), now.cell(one.texts), *(f"{count:,}" for count in counts), *worst)


def swept(found: Sequence[Swept], now: Texts, limit: int, short: Callable[[str], str]) -> Measured:
    """Float32 numbers, all of them or those so far, against an enclosure of the derivative."""
    tools = short("; ".join(dict.fromkeys(one.tool for one in found)))
    edges = found[0].about.edges if found else ()
    within = tuple(f"to {edge:g} ulp" for edge in edges)
    head = ("numbers visited", "parameters", "of these texts", *_COUNTS, *within, "above", "lost", "worst (ulp)", "at")
    alike = [one for one in found if one.about.edges == edges]
    return Measured(
        caption=f"The rule run on float32 numbers of the domain, against an enclosure of its derivative ({tools}). "
        "An error counts as "
        'at most so many ulp where that is certain; "lost" are results that are no finite number though the derivative is one',
        table=Table(head=head, body=tuple(_swept_row(one, now, short) for one in alike[:limit])),
        numeric_from=_NUMBERS_FROM,
    )


def _swept_row(one: Swept, now: Texts, short: Callable[[str], str]) -> tuple[str, ...]:
    visited = "all" if one.share == 1 else f"{one.share:.2%} of all"
    given = short(text.parameters(one.about.params) or "none")
    counts = (one.judged, one.kinks, one.without, one.undecided, *one.errors, one.infinite)
    worst = (f"{one.worst:.4g}", f"{one.where!r}") if one.worst else ("-", "-")
    return (visited, given, now.cell(one.texts), *(f"{count:,}" for count in counts), *worst)
