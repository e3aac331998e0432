"""Values as Python source that evaluates to them, bit for bit."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from gradcheck.records import Array

_WRITTEN_OUT = 256
"""Arrays of more entries are written as base64: they would be unreadable anyway."""


def literal(value: Any) -> str:
    """Source of an expression that evaluates to ``value``, bit for bit (the payload of a NaN apart).

    Needs the names np, base64 where ``packed`` says so, and ml_dtypes where ``foreign`` does.
    """
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


def walk(value: Any) -> Iterator[Any]:
    """Every value in a nest of containers, arrays of objects among them."""
    yield value
    match value:
        case Mapping():
            children: Any = [*value.keys(), *value.values()]
        case list() | tuple():
            children = value
        case np.ndarray() if value.dtype == object:
            children = list(value.ravel())
        case slice():
            children = (value.start, value.stop, value.step)
        case _:
            return
    for child in children:
        yield from walk(child)


def packed(value: Any) -> bool:
    """Whether an array is written as base64: it is large, or its numbers are wider than a Python float."""
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype == object:
        return False
    return value.size > _WRITTEN_OUT or value.dtype.name in ("longdouble", "float128", "complex256", "float96")


def foreign(value: Any) -> bool:
    """Whether an array is of a type that only ml_dtypes knows."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return False
    return value.dtype.kind == "V" and hasattr(ml_dtypes, value.dtype.name)


def _float(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value!r}")'


def _array(values: Array) -> str:
    if values.dtype == object:
        items = f"[{', '.join(map(literal, values.ravel()))}]"
        return f"np.fromiter({items}, dtype=object, count={values.size}).reshape({values.shape!r})"
    values = values.astype(values.dtype.newbyteorder("="))
    dtype = f"ml_dtypes.{values.dtype.name}" if foreign(values) else ascii(values.dtype.name)
    if values.dtype.kind == "U":
        dtype = ascii(values.dtype.str)
    if values.size == 0:
        return f"np.zeros({values.shape!r}, {dtype})"
    if packed(values):
        data = base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
        return f'np.frombuffer(base64.b64decode("{data}"), {dtype}).reshape({values.shape!r}).copy()'
    exact = values.astype(np.float64) if foreign(values) else values
    return f"np.array({literal(exact.tolist())}, dtype={dtype})"
