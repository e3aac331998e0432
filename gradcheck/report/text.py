"""Numbers and arrays as text: exact, short, and harmless whatever names the code under test chose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from gradcheck.records import Array, Finding, Number, Record, Severity

SHOWN_IN_FULL = 64
"""An array of more entries is abridged: eight rows of eight fill half a screen."""

_ORDER = {severity: rank for rank, severity in enumerate(Severity)}


def clean(text: str) -> str:
    """``text`` on one line, control characters and lone surrogates escaped: safe for a terminal and for a comment."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def visible(text: str) -> str:
    """``text`` with its lines and tabs, everything else that is unprintable as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else clean(c) for c in text)


def clip(text: str, limit: int = 600) -> str:
    """At most ``limit`` characters of ``text``, and how many more there are; the records file has them all."""
    text = str(text)
    return (
        text if len(text) <= limit else f"{text[:limit]}\N{HORIZONTAL ELLIPSIS} ({len(text) - limit:,} more characters)"
    )


def number(value: Number | None) -> str:
    """The shortest text that reads back as the same number; a dash for None."""
    if value is None:
        return "-"
    if isinstance(value, complex):
        return f"{value.real!r}{'' if math.copysign(1, value.imag) < 0 else '+'}{value.imag!r}j"
    return repr(float(value))


def short(value: float | None) -> str:
    """Three digits, for bounds and errors, whose leading digits alone mean anything; a dash for None."""
    return "-" if value is None else f"{value:.3g}"


def place(finding: Finding) -> str:
    """The argument and the entry a finding is about: ``W[0, 2]``; ``x[()]`` never occurs."""
    name = clean(clip(finding.argument, 200))
    return f"{name}[{', '.join(map(str, finding.index))}]" if finding.index else name


def array(values: Array, *, width: int = 88) -> str:
    """An array as nested lists, every digit that matters; abridged when it has more than ``SHOWN_IN_FULL`` entries."""
    if values.dtype.kind == "V" and hasattr(ml_dtypes, values.dtype.name):
        values = values.astype(np.float32)  # exact: every narrow format embeds in float32
    if values.size == 0:
        return f"[] (empty, shape {values.shape})"
    return np.array2string(
        values, separator=", ", floatmode="unique", threshold=SHOWN_IN_FULL, edgeitems=3, max_line_width=width
    )


def parameters(kwargs: Mapping[str, Any]) -> str:
    """Keyword arguments on one line."""
    return ", ".join(f"{clean(clip(key, 60))}={clean(clip(repr(value), 300))}" for key, value in kwargs.items())


def by_weight(record: Record) -> list[Finding]:
    """The findings, the gravest first, and among equals the one with the smallest counterexample."""

    def size(finding: Finding) -> float:
        return sum(values.size for values in finding.point.inputs) if finding.point else math.inf

    return sorted(record.findings, key=lambda finding: (_ORDER[finding.severity], size(finding)))


def confirmation(finding: Finding) -> str:
    """What a second computation says of a wrong finding, in words; empty where there was none."""
    made = finding.confirmation
    if made is None:
        return ""
    if not made.values:
        return made.method
    side = "" if made.refutes else "; NOT what the finding says"
    return f"{' to '.join(made.values)}, {made.digits} digits by {made.method}{side}"


def ulps(finding: Finding) -> float | None:
    """|got - expected| in units of the last place of ``expected``, in the type of the case; None if there is no number.

    The unit is 2^floor(log2 |expected|) times the machine epsilon, and at least the smallest subnormal.
    """
    if finding.got is None or finding.expected is None:
        return None
    error = abs(finding.got - finding.expected)
    if not math.isfinite(error):
        return math.inf
    floats = [a.dtype for a in (finding.point.inputs if finding.point else ()) if _is_inexact(a)]
    return in_ulps(error, abs(finding.expected), floats[0] if floats else np.dtype(np.float64))


def in_ulps(error: float, size: float, dtype: Any) -> float:
    """``error`` in units of the last place of a number of that size in that type; inf where that is beyond the largest float."""
    limits: Any = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]  # has no types
    exponent = math.frexp(size)[1] - 1 if size else -(2**30)
    unit = math.ldexp(float(limits.eps), exponent) if exponent > -1022 else 0.0
    return error / max(unit, float(limits.smallest_subnormal))


def _is_inexact(values: Array) -> bool:
    return values.dtype.kind in "fc" or (values.dtype.kind == "V" and hasattr(ml_dtypes, values.dtype.name))
