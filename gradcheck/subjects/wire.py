"""The process protocol, version 1: JSON-RPC 2.0, one object a line.  What the lines hold, and how arrays travel.

An array travels inside its line, as text, or behind it, as raw bytes: those of ``inputs``, ``cotangents`` and ``tangents`` behind a
question, of ``outputs``, ``gradients`` and ``tangents`` behind an answer.  docs/peer-protocol.md states it for those who write a
peer; ``schema()`` is the same as JSON Schema.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import ml_dtypes  # noqa: F401  # registers bfloat16
import msgspec
import numpy as np

from gradcheck.subjects.programs import Program

PROTOCOL = 1

DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "bool")

ENCODINGS = ("b64", "hex", "raw")
"""What the host understands; a peer chooses one of them in its answer to initialize."""


class Tensor(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An array in C order: ``b64`` holds its bytes, little-endian; or ``hex`` one C99 hexadecimal float per entry; or they
    follow the line, ``raw`` of them."""

    dtype: str
    shape: tuple[int, ...]
    b64: str | None = None
    hex: list[str] | None = None
    raw: int | None = None


class Asked(msgspec.Struct, omit_defaults=True):
    """What a method is asked: ``protocol`` and ``encodings`` by initialize, ``program`` by program, ``dtype`` or ``method`` by supports."""

    protocol: int = 0
    encodings: list[str] = []
    operator: str = ""
    dtype: str = ""
    method: str = ""
    program: Program | None = None
    inputs: list[Tensor] = []
    params: dict[str, Any] = {}
    cotangents: list[Tensor] = []
    tangents: list[Tensor] = []

    def tensors(self) -> list[Tensor]:
        """All tensors, in the order of their raw bytes."""
        return [*self.inputs, *self.cotangents, *self.tangents]


class Request(msgspec.Struct, omit_defaults=True):
    """One line from host to peer."""

    id: int
    method: str
    params: Asked
    jsonrpc: str = ""


class Answer(msgspec.Struct, omit_defaults=True):
    """``outputs`` of forward, ``gradients`` of vjp (one per float input), both of program, ``tangents`` of jvp (one per output); the
    rest of initialize."""

    outputs: list[Tensor] | None = None
    gradients: list[Tensor] | None = None
    tangents: list[Tensor] | None = None
    name: str = ""
    version: str = ""
    operators: list[str] = []
    dtypes: list[str] = []
    encoding: str = "b64"
    """How the peer wants its tensors; it may answer in any, in ``raw`` only if it asked for that."""
    operations: list[str] = []
    """Of whole programs: those that the peer has, of ``programs.OPERATIONS``."""
    manners: list[str] = msgspec.field(default_factory=lambda: ["once"])
    """How it can be asked for the gradient of a program, of ``programs.MANNERS``."""
    jvp: list[str] = []
    """The operators of which ``jvp`` can be asked, too: forward mode."""
    supports: bool = False
    """Whether the peer answers the method of that name; and its answer."""

    def tensors(self) -> list[Tensor]:
        """All tensors, in the order of their raw bytes."""
        return [*(self.outputs or ()), *(self.gradients or ()), *(self.tangents or ())]


class Error(msgspec.Struct, omit_defaults=True):
    """An exception of the peer; code -32601 says that it does not have this, which is no failure."""

    code: int
    message: str
    data: str = ""


class Response(msgspec.Struct, omit_defaults=True):
    """One line from peer to host, with the id of its request, and either a result or an error."""

    id: int
    jsonrpc: str = ""
    result: Answer | None = None
    error: Error | None = None


UNSUPPORTED = -32601
RAISED = -32000


Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def tensor(value: Any, encoding: str = "b64", behind: list[Bytes] | None = None) -> Tensor:
    """An array as it travels; raw bytes are laid ``behind``."""
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"arrays of {array.dtype} do not travel; of {', '.join(DTYPES)} they do")
    name = array.dtype.name
    if encoding == "hex":
        return Tensor(name, array.shape, hex=[float(v).hex() for v in array.ravel()])
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    if encoding == "raw" and behind is not None:
        behind.append(np.ascontiguousarray(little).reshape(-1).view(np.uint8))
        return Tensor(name, array.shape, raw=little.nbytes)
    return Tensor(name, array.shape, b64=binascii.b2a_base64(little.tobytes(), newline=False).decode())


def array(given: Tensor, behind: Iterator[Bytes] | None = None) -> np.ndarray[Any, Any]:
    """The array that a tensor holds; raw bytes are the next of ``behind``.  Raises ValueError for one that is not sound."""
    kind = _kind(given)
    if given.raw is not None:
        if behind is None:
            raise ValueError("raw bytes are behind the line, and none were read")
        flat = next(behind).view(kind.newbyteorder("<")).astype(kind, copy=False)
    elif given.hex is not None:
        flat = np.array([float.fromhex(v) for v in given.hex]).astype(kind)
    elif given.b64 is not None:
        raw = binascii.a2b_base64(given.b64, strict_mode=True)
        if len(raw) % kind.itemsize:
            raise ValueError(f"{len(raw)} bytes are no whole number of {given.dtype}")
        flat = np.frombuffer(raw, dtype=kind.newbyteorder("<")).astype(kind)
    else:
        raise ValueError("a tensor has neither b64 nor hex nor raw")
    if flat.size != math.prod(given.shape):
        raise ValueError(f"{flat.size} entries do not fill the shape {list(given.shape)}")
    return flat.reshape(given.shape)


def lengths(given: Iterable[Tensor], most: int) -> list[int]:
    """How many raw bytes follow the line for each tensor that has some.

    Raises ValueError, before a byte of them is read, for a length that is not that of the tensor's shape and type, and for
    more than ``most`` bytes in all.
    """
    found = []
    for each in given:
        if each.raw is None:
            continue
        wanted = math.prod(each.shape) * _kind(each).itemsize
        if each.raw != wanted:
            raise ValueError(f"raw is {each.raw}, and {each.dtype} of shape {list(each.shape)} has {wanted} bytes")
        found.append(wanted)
    if sum(found) > most:
        raise ValueError(f"{sum(found)} raw bytes, of at most {most}")
    return found


def _kind(given: Tensor) -> np.dtype[Any]:
    if given.dtype not in DTYPES:
        raise ValueError(f"dtype {given.dtype!r} is none of {', '.join(DTYPES)}")
    if any(n < 0 for n in given.shape):
        raise ValueError(f"shape {given.shape} has a negative length")
    return np.dtype(given.dtype)


def line(message: Request | Response) -> bytes:
    """One line, with its end."""
    message.jsonrpc = "2.0"
    return msgspec.json.encode(message) + b"\n"


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON has them: a tuple is an array, an array is a list."""
    return {k: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in params.items()}


def tuples(value: Any) -> Any:
    """Parameters as Python has them: an array of JSON is a tuple."""
    if isinstance(value, dict):
        return {k: tuples(v) for k, v in value.items()}
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def schema() -> dict[str, Any]:
    """JSON Schema of a line in each direction."""
    refs, defs = msgspec.json.schema_components([Request, Response], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of gradcheck's peer protocol, version 1",
        "anyOf": list(refs),
        "$defs": dict(defs),
    }


def tensors(values: Sequence[Any], encoding: str = "b64", behind: list[Bytes] | None = None) -> list[Tensor]:
    """Several arrays."""
    return [tensor(v, encoding, behind) for v in values]
