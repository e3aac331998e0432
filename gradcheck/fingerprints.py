"""Whether two texts of code are the same: what was proved of one is said of no other."""

from __future__ import annotations

import hashlib
import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

Text = Callable[..., Any]

PREFIX = "text:"
"""Before the name of a text among the words of a record's claim; its value is the fingerprint of what was checked."""


def fingerprint(text: Text) -> str:
    """A SHA-256, in hexadecimal, of the source of a function and of what it refers to, as far as these are functions and numbers.

    It follows names of the function's own module and package, not into libraries, whose versions are told elsewhere.  The same
    in every process.
    """
    digest = hashlib.sha256()
    _describe(text, digest, set())
    return digest.hexdigest()


def words(**texts: Text | None) -> dict[str, str]:
    """The fingerprints of named texts, as words of a record's claim; those that are None are left out."""
    return {f"{PREFIX}{name}": fingerprint(text) for name, text in texts.items() if text is not None}


def _describe(text: Any, digest: Any, seen: set[int]) -> None:
    if id(text) in seen:
        return
    seen.add(id(text))
    code = getattr(text, "__code__", None)
    if code is None:
        named = callable(text) and hasattr(text, "__name__")
        said = f"{type(text).__name__}:{text.__name__}" if named else repr(text)
        digest.update(re.sub(r" at 0x[0-9a-f]+", "", said).encode())  # an address is another in every process
        return
    try:
        digest.update(inspect.getsource(text).encode())
    except OSError:
        digest.update(code.co_code)
    for cell in text.__closure__ or ():
        _describe(cell.cell_contents, digest, seen)
    for value in (*(text.__defaults__ or ()), *(text.__kwdefaults__ or {}).values()):
        if callable(value):  # a number is in the source
            _describe(value, digest, seen)
    for other in _named(code, text.__globals__):
        _describe(other, digest, seen)


def _named(code: types.CodeType, known: dict[str, Any]) -> Iterator[Any]:
    """What the code refers to by name, and the functions inside it; of a module of its own package, what may be meant of it."""
    package = str(known.get("__name__", "")).partition(".")[0]
    for name in code.co_names:
        other = known.get(name)
        if isinstance(other, types.ModuleType):
            if other.__name__.partition(".")[0] == package:
                meant = (vars(other).get(attribute) for attribute in code.co_names)
                yield from (one for one in meant if one is not None and not isinstance(one, types.ModuleType))
        elif other is not None:
            yield other
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _named(constant, known)
