"""Records as JSON lines: one header, one line per record, one footer.

The form, chosen so that a reader in any language gets back exactly what was written:

* ``{"type": "header", ...}``, then ``{"type": "record", ...}`` for every (subject, operator), in the order in which
  they were finished, then ``{"type": "footer", ...}``.
* An array is ``{"$array": {"dtype", "shape", "b64"}}``: its bytes, little-endian, C order; bfloat16 and its kin by
  name.
* An array of objects, which only keyword arguments may be, is ``{"$objects": {"shape", "items"}}``.
* A float that is not finite is ``{"$float": "nan"}``; a complex number ``{"$complex": [re, im]}`` of two hexadecimal
  floats; an integer beyond 64 bits ``{"$int": "..."}``; tuples, slices and odd mappings have such tags too.
  JSON's null and NaN never occur: a field that is None is left out, None inside a value is ``{"$none": true}``.
* An enumeration member is its name, so that its sentence may be reworded.

Every line is flushed and synced before the next piece of work starts.  A run that was killed therefore leaves a file
of whole lines and at most one torn line at its end; ``read`` says so and keeps the rest.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import functools
import math
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import ml_dtypes
import msgspec
import numpy as np

from gradcheck.errors import RecordError
from gradcheck.records import READABLE, Array, Footer, Header, Record

_LINES: dict[str, type[Header] | type[Record] | type[Footer]] = {"header": Header, "record": Record, "footer": Footer}
_WORD = 2**63  # integers beyond 64 bits are written as text: many JSON readers cut them off


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a records file holds, the records in the order of the plan.

    ``problems`` are sentences, one per thing that is not as it should be.
    """

    header: Header
    records: tuple[Record, ...]
    footer: Footer | None = None
    problems: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """The (subject, operator) pairs that were planned and have no record."""
        there = {(record.subject, record.operator) for record in self.records}
        return tuple(pair for pair in self.header.planned if pair not in there)

    @property
    def complete(self) -> bool:
        """Whether the run reached its end: it has a footer, and a record of everything that was planned."""
        return self.footer is not None and not self.missing


class Writer:
    """Writes one run to ``path``, a line at a time; a context manager.

    ``append=True`` continues a file that was cut short: a torn last line is removed first.
    Raises OSError if the file cannot be written and RecordError if a value has no exact form (an object of a class of the user's).
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if append:
            _mend_tail(self.path)
        self._file: BinaryIO = open(self.path, "ab" if append else "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def header(self, header: Header) -> None:
        """Write the first line."""
        self._line(header)

    def record(self, record: Record) -> None:
        """Write one record; it is on the disk when this returns."""
        self._line(record)

    def footer(self, footer: Footer) -> None:
        """Write the last line: the run is complete."""
        self._line(footer)

    def _line(self, value: Header | Record | Footer) -> None:
        self._file.write(encode_line(value))
        self._file.flush()
        os.fsync(self._file.fileno())


def encode_line(value: Header | Record | Footer) -> bytes:
    """One line of a records file, with its newline.  Equal values give equal bytes."""
    return msgspec.json.encode({"type": type(value).__name__.lower(), **_pack(value, type(value))}) + b"\n"


def decode_line(line: bytes) -> Header | Record | Footer:
    """The value of one line.  Raises ValueError with the reason where there is none."""
    try:
        tree = msgspec.json.decode(line)
        if not isinstance(tree, dict) or tree.get("type") not in _LINES:
            raise ValueError("it is not an object with the type header, record or footer")
        kind = tree.pop("type")
        if kind == "header" and tree.get("format") not in READABLE:
            raise _ForeignFormatError(tree.get("format"))
        value: Header | Record | Footer = _unpack(tree, _LINES[kind])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON ({error})") from error
    except (KeyError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return value


class _ForeignFormatError(ValueError):
    """A header of another format version; its argument is that version."""


def read(path: str | os.PathLike[str]) -> Run:
    """Read a records file.

    A torn last line, a missing footer, corrupt lines and a footer whose count differs become ``problems``; so does a header that cannot
    be read, if a record can.  Raises RecordError only where nothing can be kept: no file, no readable line, a format of another version.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})") from error
    problems: list[str] = []
    header: Header | Record | Footer | None = None
    try:
        header = decode_line(lines[0])
        if not isinstance(header, Header):
            raise ValueError(f"the first line is of type {type(header).__name__.lower()}")
    except _ForeignFormatError as error:
        raise RecordError(
            f"{path}:1: records of format {error.args[0]!r}; this version reads formats {', '.join(map(str, READABLE))}"
        ) from error
    except ValueError as error:
        problems.append(f"line 1 is no header: {error}")
        header = None
    records: list[Record] = []
    footer: Footer | None = None
    for number, line in enumerate(lines[1:], start=2):
        torn = number == len(lines)  # the last line has no newline after it
        if not line and torn:
            continue
        try:
            value = decode_line(line)
            if isinstance(value, Record):
                _coherent(value)
        except ValueError as error:
            cut = f"line {number}, the last one, is cut off"
            problems.append(cut if torn else f"line {number} cannot be read and is left out: {error}")
            continue
        if isinstance(value, Record):
            records.append(value)
            footer = None  # a resumed run goes on after an earlier end
        elif isinstance(value, Footer):
            footer = value
        else:
            problems.append(f"line {number} is a second header and is left out")
    if header is None and not records:
        raise RecordError(f"{path}:1: no header: {problems[0]}; is it the records.jsonl of a run?")
    if not isinstance(header, Header):
        pairs = tuple(dict.fromkeys((record.subject, record.operator) for record in records))
        header = Header(run="unknown", planned=pairs, profile="unknown", seed=0, versions={}, environment={})
    problems += _account(header, records, footer)
    place = {pair: number for number, pair in enumerate(header.planned)}
    records.sort(key=lambda record: place.get((record.subject, record.operator), len(place)))
    return Run(header=header, records=tuple(records), footer=footer, problems=tuple(problems))


def _account(header: Header, records: list[Record], footer: Footer | None) -> list[str]:
    """What does not add up between header, records and footer, as sentences."""
    problems = []
    pairs = [(record.subject, record.operator) for record in records]
    for subject, operator in dict.fromkeys(pair for pair in pairs if pairs.count(pair) > 1):
        problems.append(f"{subject} {operator} is recorded more than once")
    if footer is None:
        left = len(set(header.planned) - set(pairs))
        planned = f"{len(header.planned)} planned (subject, operator) pairs"
        problems.append(f"the run was cut short: {left} of {planned} are missing")
    elif footer.records != len(records):
        problems.append(f"the footer counts {footer.records} records, the file holds {len(records)}")
    return problems


def _mend_tail(path: Path) -> None:
    """Make the file end with a whole line: a last line without its newline is ended if it is whole, else removed."""
    if not path.exists():
        return
    content = path.read_bytes()
    head, newline, tail = content.rpartition(b"\n")
    if not tail:
        return
    try:
        decode_line(tail)
        mended = content + b"\n"
    except ValueError:
        mended = head + newline
    with open(path, "r+b") as file:
        file.truncate(min(len(content), len(mended)))  # growing it would fill it with NUL
        file.seek(0, os.SEEK_END)
        file.write(mended[file.tell() :])


def _coherent(record: Record) -> None:
    """Raise ValueError for a record whose parts do not fit each other: whoever shows it may rely on them."""
    for what, mapping, kind in (
        ("counts", record.counts, int),
        ("oracles", record.oracles, int),
        ("claim", record.claim, str),
    ):
        _plain(what, mapping, kind)
    for row in record.coverage:
        _plain("counts of the coverage", row.counts, int)
    if (curve := record.curve) is not None:
        _alike("curve", curve.steps, curve.errors, curve.truncation, curve.rounding)
        _alike("remainders of the curve", curve.remainder_steps, curve.remainders, curve.remainder_noise)
    for samples in record.ulps:
        _alike("samples", samples.inputs, samples.errors, samples.bounds, samples.bits, samples.radii)
    if (found := record.jacobian) is not None:
        _alike("Jacobian", found.got, found.expected, found.bounds, found.wrong, found.bits)
        if found.got.shape != (len(found.rows), len(found.columns)):
            raise ValueError(
                f"a Jacobian of shape {found.got.shape} with {len(found.rows)} rows and {len(found.columns)} columns"
            )
    for number, node in enumerate(record.graph.nodes if record.graph is not None else ()):
        if not all(0 <= j < number for j in node.inputs):
            raise ValueError(f"node {number} of the graph reads {node.inputs}; a node reads only nodes before it")


def _plain(what: str, mapping: Mapping[Any, Any], kind: type) -> None:
    for key, value in mapping.items():
        if not isinstance(key, str) or not isinstance(value, kind):
            raise ValueError(f"{what} hold {key!r:.40}: {value!r:.40}, where {kind.__name__} belongs")


def _alike(what: str, *arrays: Array | None) -> None:
    """Real numbers, and as many in each array that is there."""
    there = [array for array in arrays if array is not None]
    if any(array.dtype.kind not in "biuf" for array in there) or len({array.shape for array in there}) > 1:
        kinds = ", ".join(f"{array.dtype} {array.shape}" for array in there)
        raise ValueError(f"the arrays of the {what} do not fit each other: {kinds}")


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _is_record_type(hint: Any) -> bool:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _bare(hint: Any) -> Any:
    """The hint without ``| None``."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        rest = [h for h in typing.get_args(hint) if h is not type(None)]
        return rest[0] if len(rest) == 1 else Any
    return hint


def _elements(hint: Any, count: int) -> list[Any]:
    """The hints of the elements of a tuple: ``tuple[X, ...]`` or ``tuple[X, Y]``."""
    inner = typing.get_args(hint)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return [inner[0]] * count
    if len(inner) != count:
        raise TypeError(f"{count} values where {len(inner)} belong")
    return list(inner)


def _pack(value: Any, hint: Any) -> Any:
    """The JSON tree of a value whose declared type is ``hint``."""
    hint = _bare(hint)
    if _is_record_type(hint):
        items = {name: (getattr(value, name), kind) for name, kind in _hints(hint).items()}
        return {name: _pack(item, kind) for name, (item, kind) in items.items() if item is not None}
    if typing.get_origin(hint) is tuple:
        return [_pack(item, kind) for item, kind in zip(value, _elements(hint, len(value)), strict=True)]
    if isinstance(value, enum.Enum):
        return value.name
    return _pack_any(value)


def _unpack(tree: Any, hint: Any) -> Any:
    """The value of a JSON tree whose declared type is ``hint``."""
    hint = _bare(hint)
    if _is_record_type(hint):
        if foreign := [name for name in tree if name not in _hints(hint)]:
            raise ValueError(f"{hint.__name__.lower()} has no field {foreign[0]!r:.40}")
        return hint(**{name: _unpack(item, _hints(hint)[name]) for name, item in tree.items()})
    if typing.get_origin(hint) is tuple:
        if not isinstance(tree, list):
            raise TypeError(f"{type(tree).__name__} where a list belongs")
        return tuple(_unpack(item, kind) for item, kind in zip(tree, _elements(hint, len(tree)), strict=True))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint[tree]
    value = _unpack_any(tree)
    wanted = {float: (float, int), int: int, str: str}.get(hint) or {np.ndarray: np.ndarray, Mapping: Mapping}.get(
        typing.get_origin(hint) or Any
    )
    if wanted is not None and not isinstance(value, wanted):  # type: ignore[arg-type]  # a dict of types
        raise TypeError(f"{type(value).__name__} where {hint} belongs")
    return value


def _pack_any(value: Any) -> Any:
    """The JSON tree of a plain value; everything that JSON would lose is an object with one ``$`` key."""
    match value:
        case bool():
            return value
        case None:
            return {"$none": True}
        case np.ndarray() if value.dtype == object:
            return {"$objects": {"shape": list(value.shape), "items": [_pack_any(item) for item in value.ravel()]}}
        case np.ndarray():
            return {"$array": _pack_array(value)}
        case np.generic():
            floating = isinstance(value, np.floating)  # longdouble's item() is a longdouble again
            return _pack_any(complex(value) if np.iscomplexobj(value) else float(value) if floating else value.item())
        case str():
            text = str(value)
            try:
                text.encode()
            except UnicodeEncodeError:  # lone surrogates, as in file names that are not UTF-8
                return {"$text": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()}
            return text
        case int():
            return int(value) if -_WORD <= value < _WORD else {"$int": str(int(value))}
        case float():
            return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
        case complex():
            return {"$complex": [value.real.hex(), value.imag.hex()]}
        case tuple():
            return {"$tuple": [_pack_any(item) for item in value]}
        case slice():
            return {"$slice": [_pack_any(item) for item in (value.start, value.stop, value.step)]}
        case types.EllipsisType():
            return {"$ellipsis": True}
        case list():
            return [_pack_any(item) for item in value]
        case Mapping():
            packed = [[_pack_any(key), _pack_any(item)] for key, item in value.items()]
            if all(isinstance(key, str) and not key.startswith("$") for key, _ in packed):
                return dict(packed)
            return {"$pairs": packed}
        case _:
            raise RecordError(f"a {type(value).__name__} has no exact form in a records file")


def _unpack_any(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_unpack_any(item) for item in tree]
    if not isinstance(tree, dict):
        if tree is None:
            raise TypeError("null, which no value is written as")
        return tree
    content: Any
    tag, content = next(iter(tree.items()), ("", None))
    match tag:
        case "$none":
            return None
        case "$array":
            return _unpack_array(content)
        case "$objects":
            items = [_unpack_any(item) for item in content["items"]]
            return np.fromiter(items, dtype=object, count=len(items)).reshape(tuple(content["shape"]))
        case "$text":
            return base64.b64decode(content, validate=True).decode("utf-8", "surrogatepass")
        case "$int":
            return int(content)
        case "$float":
            return float(content)
        case "$complex":
            return complex(float.fromhex(content[0]), float.fromhex(content[1]))
        case "$tuple":
            return tuple(_unpack_any(item) for item in content)
        case "$slice":
            return slice(*(_unpack_any(item) for item in content))
        case "$ellipsis":
            return ...
        case "$pairs":
            return {_unpack_any(key): _unpack_any(item) for key, item in content}
        case _:
            return {key: _unpack_any(item) for key, item in tree.items()}


def _pack_array(array: Array) -> dict[str, Any]:
    dtype = array.dtype.newbyteorder("<")
    foreign = dtype.kind == "V" and hasattr(ml_dtypes, dtype.name)
    if dtype.hasobject or (dtype.kind == "V" and not foreign):
        raise RecordError(f"an array of dtype {array.dtype} has no exact form in a records file")
    data = np.asarray(array, order="C") if foreign else np.asarray(array, dtype=dtype, order="C")
    return {
        "dtype": dtype.name if foreign else dtype.str,
        "shape": list(array.shape),
        "b64": base64.b64encode(data.tobytes()).decode(),
    }


def _unpack_array(tree: dict[str, Any]) -> Array:
    """The array, read-only as everything in a record is."""
    name = tree["dtype"]
    dtype = np.dtype(getattr(ml_dtypes, name) if hasattr(ml_dtypes, name) else name)
    if dtype.hasobject:
        raise TypeError("an array of objects")
    data = base64.b64decode(tree["b64"], validate=True)
    shape = tuple(tree["shape"])
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes for shape {shape} of {name}")
    array: Array = np.ndarray(shape, dtype, buffer=data)
    return array
