"""Which pages are drawn already: by a digest of all that a page is made of, kept beside the pages.

It covers the record, everything else that the page shows, and the text of this package with the versions of what it draws with.  So a
page is left alone only if drawing it would give the same bytes; a digest that differs for another reason costs a drawing and no more.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import pickle
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

FILE = ".drawn.json"
"""Page to [digest of what it is made of, digest of its bytes]."""


class Drawn:
    """The pages in a directory as they were drawn last; what is not known is drawn."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self.now: dict[str, list[str]] = {}
        self.before = _read(self.path)

    def has(self, page: str, made_of: Any) -> bool:
        """Whether the file of this name is what drawing would give."""
        known, digest = self.before.get(page), _digest(made_of)
        if known is None or not digest or known[0] != digest or known[1] != _of_file(self.path.parent / page):
            return False
        self.now[page] = known
        return True

    def keep(self, page: str, made_of: Any) -> None:
        """The page has been drawn."""
        self.now[page] = [_digest(made_of), _of_file(self.path.parent / page)]

    def save(self) -> None:
        """For the next time; if it cannot be written all pages are drawn then."""
        content = json.dumps(self.now, sort_keys=True)
        with contextlib.suppress(OSError):
            if self.now != self.before:
                self.path.write_text(content, encoding="utf-8")


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pages = found.items() if isinstance(found, dict) else ()
    return {page: pair for page, pair in pages if isinstance(pair, list) and len(pair) == 2}


def _of_file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _digest(made_of: Any) -> str:
    """Empty, and equal to none, for what cannot be pickled: parameters may be objects of the user's."""
    try:
        return hashlib.sha256(_code() + pickle.dumps(made_of)).hexdigest()
    except Exception:
        return ""


@functools.cache
def _code() -> bytes:
    """Of the text of this package, and of the versions of what formats numbers and fills templates."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256(sys.version.encode())
    for name in ("numpy", "jinja2", "markupsafe"):
        digest.update(metadata.version(name).encode())
    for path in sorted((*package.glob("*.py"), *package.glob("report/*.py"), *package.glob("report/templates/*"))):
        digest.update(path.read_bytes())
    return digest.digest()
