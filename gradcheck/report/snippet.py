"""Python source that reproduces a finding when it is pasted into an interpreter.

Nothing that the code under test chose (names, messages, parameters) is copied as source: strings are literals, comments
are single lines, and a name is imported only if it is made of identifiers.
"""

from __future__ import annotations

import base64
import keyword
import math
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from gradcheck.records import Array, Finding, Point, Record
from gradcheck.report import text

GIVEN = "given"
"""The subject of a record made by ``gradcheck.check`` of a user's own functions."""

_WRITTEN_OUT = 256
"""Arrays of more entries are written as base64: they would be unreadable anyway."""

_CENTRAL = """\
definition = catalogue.operator({operator}).definition


def slope(leaf, index):  # a central difference of the definition, in float64, for comparison
    h = 2.0**-17 * max(1.0, abs(float(inputs[leaf][index])))  # about the cube root of the rounding unit
    values = []
    for step in (h, -h):
        moved = [np.array(x, dtype=np.float64) if x.dtype.kind != "c" and leaf_is_float(x) else x for x in inputs]
        moved[leaf][index] += step
        outputs = definition(*moved, **params)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        values.append(sum(float(np.sum(np.asarray(g, np.float64) * y)) for g, y in zip(cotangents, outputs)))
    return (values[0] - values[1]) / (2 * h)


def leaf_is_float(x):
    return x.dtype.kind == "f" or x.dtype.name == "bfloat16"


for leaf, x in enumerate(inputs):
    if leaf_is_float(x):
        slopes = [slope(leaf, index) for index in np.ndindex(x.shape)]
        print("central differences, input", leaf, np.array(slopes).reshape(x.shape))
"""


def snippet(record: Record, finding: Finding) -> str:
    """Source that repeats ``finding``: the exact inputs, the call, and what was expected.  Empty without a point."""
    if finding.point is None:
        return ""
    lines = [f"# {text.clean(finding.code)} {text.clean(record.operator)}: {text.place(finding)}"]
    lines += ["import base64"] if _needs_base64(finding) else []
    lines += ["import ml_dtypes"] if _needs_ml_dtypes(finding.point) else []
    lines += ["import numpy as np"]
    body = _given if record.subject == GIVEN else _subject
    lines += body(record, finding, finding.point)
    return "\n".join(lines) + "\n"


def _subject(record: Record, finding: Finding, point: Point) -> list[str]:
    small = sum(values.size for values in point.inputs) <= text.SHOWN_IN_FULL
    real = all(values.dtype.kind != "c" for values in (*point.inputs, *point.cotangents))
    central = small and real
    subject, operator = literal(record.claim.get("load", record.subject)), literal(record.operator)
    lines = [
        *(["from gradcheck import catalogue"] if central else []),
        "from gradcheck.subjects import load",
        "",
        f"params = {literal(dict(finding.kwargs))}",
        *_tuple("inputs", point.inputs),
        *_tuple("cotangents", point.cotangents),
        "",
        f"impl = load({subject}).implementation({operator}, params)",
        "outputs = impl.forward(*inputs, **params)",
        "cotangent = cotangents if isinstance(outputs, tuple) else cotangents[0]",
        'print("got", impl.vjp(cotangent, *inputs, **params))',
        _expectation(finding),
    ]
    return lines + (["", *_CENTRAL.format(operator=operator).splitlines()] if central else [])


def _given(record: Record, finding: Finding, point: Point) -> list[str]:
    imports, names = [], []
    for role in ("forward", "vjp"):
        line, name = _import(record.claim.get(role, ""), role)
        imports.append(line)
        names.append(name)
    return [
        "import gradcheck",
        *dict.fromkeys(imports),
        "",
        "# The arrays of your arguments, in order; put them back into their containers if the arguments are trees.",
        *_tuple("inputs", point.inputs),
        f"kwargs = {literal(dict(finding.kwargs))}",
        f"result = gradcheck.check({names[0]}, {names[1]}, inputs, kwargs=kwargs, seed={int(record.seed)})",
        "print(result)",
        _expectation(finding),
    ]


def _import(reference: str, role: str) -> tuple[str, str]:
    """The import line and the expression for ``module:qualified.name``; a comment where it cannot be imported."""
    module, _, name = reference.partition(":")
    parts = [*module.split("."), *name.split(".")]
    importable = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts) and parts[0] != "__main__"
    if not importable:
        return f"# Paste your {role} here, under the name {role}.", role
    return f"from {module} import {name.split('.')[0]}", name


def _expectation(finding: Finding) -> str:
    if finding.got is None and finding.expected is None:
        return f"# {text.clean(finding.message)}"
    bound = "" if finding.bound is None else f" within {text.short(finding.bound)}"
    where = text.place(finding)
    return f"# at {where}: got {text.number(finding.got)}, expected {text.number(finding.expected)}{bound}"


def _tuple(name: str, arrays: tuple[Array, ...]) -> list[str]:
    return [f"{name} = (", *(f"    {literal(values)}," for values in arrays), ")"]


def literal(value: Any) -> str:
    """Source of an expression that evaluates to ``value``, bit for bit (the payload of a NaN apart)."""
    match value:
        case np.ndarray():
            return _array(value)
        case np.generic():
            return _array(np.asarray(value)) + "[()]"
        case str():
            return ascii(str(value))
        case bool() | None:
            return repr(value)
        case int():
            return repr(int(value))
        case float():
            return _float(float(value))
        case complex():
            return f"complex({_float(value.real)}, {_float(value.imag)})"
        case tuple():
            return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case slice():
            return f"slice({literal(value.start)}, {literal(value.stop)}, {literal(value.step)})"
        case Mapping():
            return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
        case _ if value is ...:
            return "..."
        case _:
            return ascii(f"not a plain value: {value!r}")


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _array(values: Array) -> str:
    values = values.astype(values.dtype.newbyteorder("="))
    dtype = f"ml_dtypes.{values.dtype.name}" if _foreign(values) else ascii(values.dtype.name)
    if values.dtype.kind == "U":
        dtype = ascii(values.dtype.str)
    if values.size == 0:
        return f"np.zeros({values.shape!r}, {dtype})"
    if _packed(values):
        data = base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
        return f'np.frombuffer(base64.b64decode("{data}"), {dtype}).reshape({values.shape!r}).copy()'
    exact = values.astype(np.float64) if _foreign(values) else values
    return f"np.array({literal(exact.tolist())}, dtype={dtype})"


def _packed(values: Array) -> bool:
    """Whether an array is written as base64: it is large, or its numbers are wider than a Python float."""
    return values.size > _WRITTEN_OUT or values.dtype.name in ("longdouble", "float128", "complex256", "float96")


def _foreign(values: Array) -> bool:
    return values.dtype.kind == "V" and hasattr(ml_dtypes, values.dtype.name)


def _arrays(point: Point) -> tuple[Array, ...]:
    return (*point.inputs, *point.cotangents)


def _needs_base64(finding: Finding) -> bool:
    arrays = [value for value in finding.kwargs.values() if isinstance(value, np.ndarray)]
    return any(_packed(values) for values in (*arrays, *(_arrays(finding.point) if finding.point else ())))


def _needs_ml_dtypes(point: Point) -> bool:
    return any(_foreign(values) for values in _arrays(point))
