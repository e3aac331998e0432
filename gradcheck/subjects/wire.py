"""The process protocol, version 1: JSON-RPC 2.0, one object a line.  What the lines hold, and how arrays travel.

docs/peer-protocol.md states it for those who write a peer; ``schema()`` is the same as JSON Schema.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes  # noqa: F401  # registers bfloat16
import msgspec
import numpy as np

PROTOCOL = 1

DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "bool")


class Tensor(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An array in C order: ``b64`` holds its bytes, little-endian; or ``hex`` one C99 hexadecimal float per entry."""

    dtype: str
    shape: tuple[int, ...]
    b64: str | None = None
    hex: list[str] | None = None


class Asked(msgspec.Struct, omit_defaults=True):
    """What a method is asked: ``protocol`` by initialize, the rest by forward and vjp."""

    protocol: int = 0
    operator: str = ""
    inputs: list[Tensor] = []
    params: dict[str, Any] = {}
    cotangents: list[Tensor] = []


class Request(msgspec.Struct, omit_defaults=True):
    """One line from host to peer."""

    id: int
    method: str
    params: Asked
    jsonrpc: str = ""


class Answer(msgspec.Struct, omit_defaults=True):
    """``outputs`` of forward, ``gradients`` of vjp (one per float input); the rest of initialize."""

    outputs: list[Tensor] | None = None
    gradients: list[Tensor] | None = None
    name: str = ""
    version: str = ""
    operators: list[str] = []
    dtypes: list[str] = []
    encoding: str = "b64"
    """How the peer wants its tensors: ``b64`` or ``hex``; it may answer in either."""


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


def tensor(value: Any, encoding: str = "b64") -> Tensor:
    """An array as it travels."""
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"arrays of {array.dtype} do not travel; of {', '.join(DTYPES)} they do")
    name = array.dtype.name
    if encoding == "hex":
        return Tensor(name, array.shape, hex=[float(v).hex() for v in array.ravel()])
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return Tensor(name, array.shape, b64=binascii.b2a_base64(little.tobytes(), newline=False).decode())


def array(given: Tensor) -> np.ndarray[Any, Any]:
    """The array that a tensor holds.  Raises ValueError for one that is not sound."""
    if given.dtype not in DTYPES:
        raise ValueError(f"dtype {given.dtype!r} is none of {', '.join(DTYPES)}")
    if any(n < 0 for n in given.shape):
        raise ValueError(f"shape {given.shape} has a negative length")
    kind = np.dtype(given.dtype)
    if given.hex is not None:
        flat = np.array([float.fromhex(v) for v in given.hex]).astype(kind)
    elif given.b64 is not None:
        raw = binascii.a2b_base64(given.b64, strict_mode=True)
        if len(raw) % kind.itemsize:
            raise ValueError(f"{len(raw)} bytes are no whole number of {given.dtype}")
        flat = np.frombuffer(raw, dtype=kind.newbyteorder("<")).astype(kind)
    else:
        raise ValueError("a tensor has neither b64 nor hex")
    if flat.size != int(np.prod(given.shape, dtype=object)):
        raise ValueError(f"{flat.size} entries do not fill the shape {list(given.shape)}")
    return flat.reshape(given.shape)


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


def tensors(values: Sequence[Any], encoding: str = "b64") -> list[Tensor]:
    """Several arrays."""
    return [tensor(v, encoding) for v in values]
