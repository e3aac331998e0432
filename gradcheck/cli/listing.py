"""``gradcheck list``: the catalogue in columns, one line per operator, and the whole claim of one of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcheck import catalogue
from gradcheck.claim import Example, Operator, Set

LONG = 120
"""Characters of a value; of longer ones the middle is left out."""
COLUMNS = ("family", "name", "shapes", "domain", "kinks", "formula")
LABEL = 11
"""Width of the labels of an explanation: the longest of them and a space."""


def listing(name: str, *, header: bool) -> list[str]:
    """The lines of ``gradcheck list NAME``: one exact name is explained, a pattern (``*?[``, comma) filters.

    Without ``header`` there is one line per operator and nothing else, for ``wc -l`` and ``grep``.
    """
    if name in catalogue.operators():
        return list(explained(catalogue.operator(name)))
    if not any(mark in name for mark in "*?[,"):
        catalogue.operator(name)  # raises, and suggests the closest name
    return table(catalogue.select(name), header=header)


def table(operators: Sequence[Operator], *, header: bool = False) -> list[str]:
    """One line per operator; columns are at least two spaces apart, and the widest text, the formula, is last."""
    rows = [_row(operator) for operator in operators]
    if header:
        rows.insert(0, COLUMNS)
    widths = [max(len(row[k]) for row in rows) for k in range(len(COLUMNS))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(operator: Operator) -> tuple[str, ...]:
    kinks = "; ".join(kink.where for kink in operator.kinks) or "-"
    fields = (operator.family, operator.name, operator.signature, operator.domain.describe(), kinks, operator.formula)
    return tuple(" ".join(text.split()) for text in fields)


def explained(operator: Operator) -> Iterator[str]:
    """The claim of one operator, a labelled line for each part of its record, and where its rule stands."""
    yield operator.name
    yield _line("family", operator.family)
    yield _line("formula", operator.formula)
    yield _line("signature", operator.signature)
    yield _line("domain", operator.domain.describe())
    for kink in operator.kinks:
        yield _line("kink", f"{kink.where}: accepts {kink.accepts}")
    if operator.special:
        yield _line("special", ", ".join(f"{float(value):g}" for value in operator.special))
    for parameter, text in _parameters(operator).items():
        yield _line("parameter", f"{parameter}: {text}")
    for example in operator.examples:
        yield _line("example", called(example))
    for witness in operator.witnesses:
        inputs = ", ".join(_value(x) for x in witness.inputs)
        yield _line("witness", f"({_with(inputs, witness.params)}) -> {_value(witness.output)}, from {witness.source}")
    yield _line("citation", operator.citation)
    yield _line("rule", _rule(operator))


def called(example: Example) -> str:
    """An example as a call: a shape stands for numbers to be drawn, ``array(...)`` for itself."""
    inputs = ", ".join(
        str(shape) if isinstance(shape, tuple) else f"array({_value(shape)})" for shape in example.shapes
    )
    return _with(inputs, example.params)


def _with(inputs: str, params: Mapping[str, Any]) -> str:
    return ", ".join(part for part in (inputs, *(f"{name}={_value(x)}" for name, x in params.items())) if part)


def _parameters(operator: Operator) -> dict[str, str]:
    """Default and tried values of each parameter, in the order of the examples."""
    tried: dict[str, list[str]] = {}
    for params in [part.params for part in operator.examples] + [part.params for part in operator.witnesses]:
        for name, value in params.items():
            values = tried.setdefault(name, [])
            if _value(value) not in values:
                values.append(_value(value))
    defaults = _defaults(operator)
    return {
        name: (f"default {_value(defaults[name])}, " if name in defaults else "")
        + ", ".join(("tried", *values)).replace("tried,", "tried", 1)
        + (f"; in {_stated(operator.parameters[name])}" if name in operator.parameters else "")
        for name, values in tried.items()
    }


def _stated(values: Set | Sequence[Any]) -> str:
    """What the record says that a parameter may be."""
    return values.describe() if isinstance(values, Set) else ", ".join(map(_value, values))


def _defaults(operator: Operator) -> dict[str, Any]:
    try:
        parameters = inspect.signature(operator.definition).parameters.values()
    except ValueError:  # a ufunc of NumPy or SciPy tells no signature
        return {}
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def _rule(operator: Operator) -> str:
    from gradcheck.subjects import load

    implementation = load("reference").implementation(operator.name, operator.examples[0].params)
    return "the reference has none" if implementation is None else implementation.where


def _value(x: Any) -> str:
    """A value on one line, every digit that float64 needs; long arrays are cut in the middle."""
    if isinstance(x, tuple):
        return f"({', '.join(map(_value, x))}{',' if len(x) == 1 else ''})"
    if isinstance(x, np.ndarray | np.generic):
        text = str(np.asarray(x).tolist())
        return text if len(text) <= LONG else f"{text[: LONG // 2]} ... {text[-LONG // 4 :]}"
    return getattr(x, "__name__", None) or repr(x)


def _line(label: str, text: str) -> str:
    return f"  {label:<{LABEL}}{' '.join(text.split())}"
