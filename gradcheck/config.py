"""Settings of the command line and of the pytest plugin: ``[tool.gradcheck]``, then ``GRADCHECK_*``, then the options.

``pyproject.toml`` is looked for in the working directory and above it; the first that has a ``[tool.gradcheck]`` counts, and
paths in it are relative to its directory.  An environment variable is the key in capitals: ``time-limit`` is
``GRADCHECK_TIME_LIMIT``, a list is separated by commas.  What is written nearer to the run wins: an option wins over the
environment, which wins over the file.  A key that is not known is an error that names its place and the nearest known one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradcheck.errors import UsageError

PREFIX = "GRADCHECK_"
PROFILES = ("quick", "default", "thorough")
FORMATS = ("json", "junit", "github", "sarif")
LONGEST = 1e9
"""Seconds; a timer overflows beyond that."""

LARGEST = 2.0**32
"""Gibibytes; a limit of the system has 63 bits of bytes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What file and environment say; None where neither says anything."""

    subjects: tuple[str, ...] | None = None
    operators: str | None = None
    profile: str | None = None
    seed: int | None = None
    out: Path | None = None
    jobs: int | None = None
    time_limit: float | None = None
    isolate: bool | None = None
    memory: float | None = None
    format: str | None = None
    report: Path | None = None
    known: Path | None = None
    sources: tuple[str, ...] = ()
    """The file and the variables that were read; a run says so."""


class _Bad(ValueError):  # noqa: N818  # never leaves this module
    """A value that a key cannot have; the message says what it can."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Bad("give a text that is not empty")
    return value


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise _Bad("give a list of texts")
    names = tuple(part.strip() for part in parts if part.strip())
    if not names:
        raise _Bad("give at least one")
    return names


def _whole(value: object) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise _Bad("give an integer that is not negative")
    return number


def _amount(unit: str, most: float) -> Callable[[object], float]:
    def amount(value: object) -> float:
        try:
            number = float(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if not isinstance(number, (int, float)) or isinstance(number, bool) or not 0 <= number < most:
            raise _Bad(f"give a number of {unit}, or 0 for no limit")
        return float(number)

    return amount


def _flag(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    found = words.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _Bad("give true or false")
    return found


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def chosen(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise _Bad(f"choose one of {', '.join(choices)}{_near(str(value), choices)}")
        return value

    return chosen


def _path(value: object) -> Path:
    return Path(_text(value))


KEYS: Mapping[str, Callable[[object], Any]] = {
    "subjects": _names,
    "operators": lambda value: ",".join(_names(value)),
    "profile": _one_of(PROFILES),
    "seed": _whole,
    "out": _path,
    "jobs": _whole,
    "time-limit": _amount("seconds", LONGEST),
    "isolate": _flag,
    "memory": _amount("gibibytes", LARGEST),
    "format": _one_of(FORMATS),
    "report": _path,
    "known": _path,
}
"""Each key with what makes its value of what was written."""

TABLES = ("peers",)
"""Keys of the file alone, read where they are needed."""

HELP: Mapping[str, str] = {
    "subjects": "implementations under test, for `gradcheck run` without any",
    "operators": "patterns of operator names",
    "profile": "how much is looked at: quick, default or thorough",
    "seed": "seed of every random draw",
    "out": "directory for the records and pages of `gradcheck run`",
    "jobs": "worker processes; 0 takes one per processor",
    "time-limit": "seconds per operator; 0 for no limit",
    "isolate": "ask each subject in a process of its own",
    "memory": "gibibytes of address space for the process of an isolated subject; 0 for no limit",
    "format": "machine output of `gradcheck run`: json, junit, github or sarif",
    "report": "directory for the records and pages of a pytest run",
    "known": "file of known failures of a pytest run",
}
"""What each key is for; `docs.generate` prints it."""


def load(directory: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that hold in ``directory`` (default: the working directory).  Raises UsageError for what is not known."""
    found: dict[str, Any] = {}
    sources: list[str] = []
    place = directory or Path.cwd()
    path, table = _table(place)
    if path is not None:
        sources.append(str(path))
        for key, value in table.items():
            if key in TABLES:
                continue
            parsed = _parsed(f"{path}: [tool.gradcheck] {key}", key, value, (*KEYS, *TABLES))
            found[key] = path.parent / parsed if isinstance(parsed, Path) else parsed
    for name, text in sorted((os.environ if environment is None else environment).items()):
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower().replace("_", "-")
        found[key] = _parsed(f"environment variable {name}", key, text, tuple(KEYS), _variable)
        sources.append(name)
    return Settings(**{key.replace("-", "_"): value for key, value in found.items()}, sources=tuple(sources))


def peers(directory: Path | None = None) -> tuple[Path | None, Mapping[str, Any]]:
    """``[tool.gradcheck.peers]`` of the file that holds in ``directory``, and that file; None where there is no file."""
    path, table = _table(directory or Path.cwd())
    found = table.get("peers", {})
    if not isinstance(found, dict):
        raise UsageError(f"{path}: [tool.gradcheck.peers] is not a table")
    return path, found


def _parsed(where: str, key: str, value: object, known: tuple[str, ...], spelt: Callable[[str], str] = str) -> Any:
    if key not in KEYS:
        near = _near(spelt(key), tuple(map(spelt, known)))
        raise UsageError(f"{where} is not known{near or '; known are ' + ', '.join(map(spelt, known))}")
    try:
        return KEYS[key](value)
    except _Bad as error:
        raise UsageError(f"{where} = {value!r}: {error}") from None


def _variable(key: str) -> str:
    return PREFIX + key.upper().replace("-", "_")


def _near(word: str, known: tuple[str, ...]) -> str:
    import difflib  # 6 ms that only an error costs

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _table(directory: Path) -> tuple[Path | None, Mapping[str, Any]]:
    """The nearest ``[tool.gradcheck]`` and its file; a file without one does not end the search."""
    for parent in (directory.resolve(), *directory.resolve().parents):
        path = parent / "pyproject.toml"
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if b"gradcheck" not in content:  # not worth parsing, and none of our business if it is not TOML
            continue
        try:
            tool = tomllib.loads(content.decode()).get("tool", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: it is not TOML ({error})") from None
        table = tool.get("gradcheck") if isinstance(tool, dict) else None
        if table is None:
            continue
        if not isinstance(table, dict):
            raise UsageError(f"{path}: [tool.gradcheck] is not a table")
        return path, table
    return None, {}
