"""Certificates of provers, read from the files that ``gradcheck prove --output`` writes: plain data, without any prover.

One file for each operator, and others for what was run on every 16-bit or 32-bit number and for graphs, where these were asked for:
``NAME.json``, ``exhaustive/NAME.json``, ``exhaustive/SUBJECT/NAME.json``, ``float32/NAME-K.json`` for its choice K of parameters,
``graphs/reverse_accumulation.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from gradcheck.errors import UsageError

T = TypeVar("T")

SCHEMA = 2

TRACED = "a text has no branch that the tracer does not see"
TRUSTED = {
    "algebra": (TRACED, "sympy differentiates and simplifies rightly"),
    "smt": (TRACED, "z3 answers rightly", "the derivatives of products, quotients and roots"),
    "residues": (TRACED, "the derivatives of single operations", "points are drawn independently of the rule"),
}
"""What each prover takes for granted, apart from readings of literals and functions."""

SILENT = ("excluded", "kink", "unknown")
"""Results of a branch of which nothing is said."""

LARGEST = 1 << 25
"""Bytes of a file that is still read: a thousand times the largest that the provers write."""


class Place(msgspec.Struct, frozen=True):
    """A part of the domain, and what came of it."""

    where: str
    result: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of a file: what is said of one operator, of which inputs, by which tool, on which assumptions."""

    name: str
    params: dict[str, Any]
    statement: str
    result: Literal[
        "proved", "proved almost everywhere", "proved in part", "proved up to a bound", "refuted", "unknown"
    ]
    reason: str
    assumptions: tuple[str, ...]
    texts: dict[str, str]
    tool: str
    prover: Literal["algebra", "smt", "residues"]
    inputs: str
    branches: tuple[Place, ...]
    chance: float | None
    """log2 of the probability that a wrong rule is taken for right; None where there is none."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the prover takes for granted, and what this claim does."""
        return (*TRUSTED[self.prover], *self.assumptions)

    @property
    def excluded(self) -> tuple[str, ...]:
        """Places of which nothing is said."""
        return tuple(branch.where for branch in self.branches if branch.result in SILENT)


class Every(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, or the vjp of a subject, on every number of a 16-bit type; where nothing came of it there is only ``unread``, the reason."""

    name: str
    texts: dict[str, str]
    tool: str
    params: dict[str, Any]
    subject: str = ""
    version: str = ""
    unread: str = ""
    dtype: str = ""
    judged: int = 0
    kinks: int = 0
    undecided: int = 0
    without: int = 0
    wrong: int = 0
    worst: float = 0.0
    where: float = 0.0


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep is of."""

    name: str
    texts: dict[str, str]
    params: dict[str, Any]
    tool: str
    blocks: tuple[int, int, int]
    """The first block, the one after the last, and how many blocks all numbers of the type are."""
    edges: tuple[float, ...]
    """Of the histogram of errors, in units in the last place."""


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """A rule on the float32 numbers up to block ``next``: counts, and the largest error that is certain."""

    next: int
    judged: int
    outside: int
    kinks: int
    undecided: int
    without: int
    errors: tuple[int, ...]
    infinite: int
    worst: float
    where: float
    about: About

    @property
    def name(self) -> str:
        """Of the operator."""
        return self.about.name

    @property
    def texts(self) -> dict[str, str]:
        """Fingerprints of what was run."""
        return self.about.texts

    @property
    def tool(self) -> str:
        """That enclosed the derivatives."""
        return self.about.tool

    @property
    def share(self) -> float:
        """Of all numbers of the type, how many were visited."""
        first, _, count = self.about.blocks
        return (self.next - first) / count


class Cases(msgspec.Struct, frozen=True):
    """Reverse accumulation on ``count`` enumerated graphs or programs; ``failing`` is the first that is wrong, or empty."""

    what: str
    count: int
    failing: str


class Graphs(msgspec.Struct, frozen=True):
    """What was enumerated of an algorithm that runs on graphs."""

    name: str
    texts: dict[str, str]
    tool: str
    claims: tuple[Cases, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All that the files of a directory say of one operator; ``problems`` are of what could not be read."""

    proofs: tuple[Proof, ...] = ()
    every: tuple[Every, ...] = ()
    swept: tuple[Swept, ...] = ()
    graphs: Graphs | None = None
    problems: tuple[str, ...] = ()


def folder(subject: str) -> str:
    """The folder of what was measured of a subject, from the name under which it is loaded: letters, digits, ``_`` and ``-`` only."""
    plain = re.sub(r"^isolated:(\d+:)?", "", subject)  # the same code in another process
    return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-") or "unnamed"


def find(directory: Path, name: str, *, graphs: bool = False, subject: str | None = None) -> Found:
    """What the files in ``directory`` say of the operator ``name``, and with ``graphs`` of reverse accumulation.

    What was run on every number is that of the reference rule, or of ``subject``.

    Never raises: a file, or a claim in it, that is not as it should be is named among the problems, and the rest is read.
    """
    problems: list[str] = []

    def kept(path: Path, kind: type[T], rows: Callable[[Any, Path], list[Any]]) -> list[T]:
        try:
            content = rows(_content(path), path) if path.is_file() else []
        except UsageError as error:
            problems.append(str(error))
            return []
        found = []
        for number, row in enumerate(content):
            try:
                found.append(_converted(row, kind, name))
            except ValueError as error:
                problems.append(f"{path}: claim {number + 1} cannot be read: {error}")
        return found

    named = (
        re.fullmatch(r"\w+", name, re.ASCII) is not None
    )  # what is no name of an operator is no name of a file, either
    proofs = kept(directory / f"{name}.json", Proof, _claims) if named else []
    measured = directory / "exhaustive" / (folder(subject) if subject else "")
    every = kept(measured / f"{name}.json", Every, _listed) if named else []
    sweeps = (
        sorted(directory.glob(f"float32/{name}-*.json"), key=lambda path: (len(path.name), path.name)) if named else []
    )
    swept = [one for path in sweeps for one in kept(path, Swept, lambda state, path: [_state(state, path)])]
    of_graphs = kept(directory / "graphs" / "reverse_accumulation.json", Graphs, lambda one, _: [one]) if graphs else []
    return Found(
        proofs=tuple(proofs),
        every=tuple(every),
        swept=tuple(swept),
        graphs=of_graphs[0] if of_graphs else None,
        problems=tuple(problem.replace(f"{directory}/", "") for problem in problems),
    )


def for_operator(directory: Path, name: str) -> list[dict[str, Any]]:
    """What is proved of an operator by the files in a directory, as plain data; empty where there is no file.

    Each row: ``result``, ``what`` (a sentence; empty if nothing is claimed), ``inputs`` (of which it is said), ``params``, ``prover``,
    ``tool`` (with version), ``assumed`` (a list of sentences), ``chance`` (the probability of error, a float, or None), ``reason`` (why
    nothing, or not all, is claimed) and ``excluded`` (places of which nothing is said).  A file that is none of claims is a ``UsageError``.
    """
    path = directory / f"{name}.json"
    if not path.is_file():
        return []
    rows = []
    for number, one in enumerate(read_claims(path)):
        try:
            proof = _converted(one, Proof, name)
        except ValueError as error:
            raise UsageError(f"{path}: claim {number + 1} cannot be read: {error}; prove again") from error
        rows.append(
            {
                "result": proof.result,
                "what": proof.statement,
                "inputs": proof.inputs,
                "params": proof.params,
                "prover": proof.prover,
                "tool": proof.tool,
                "assumed": list(proof.assumed),
                "chance": None if proof.chance is None else 2.0**proof.chance,
                "reason": proof.reason,
                "excluded": list(proof.excluded),
            }
        )
    return rows


def read_claims(path: Path) -> list[dict[str, Any]]:
    """The claims of a file; what is no such file is a ``UsageError``."""
    return _claims(_content(path), path)


def _content(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} has more than {LARGEST:,} bytes: no prover writes that much")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _no_claims(path, error) from error


def _claims(content: Any, path: Path) -> list[dict[str, Any]]:
    if not (isinstance(content, Mapping) and "schema" in content and isinstance(content.get("claims"), list)):
        raise _no_claims(path, "it has no schema and list of claims")
    if content["schema"] != SCHEMA:
        raise UsageError(f"{path} has schema {content['schema']!r}; this version reads {SCHEMA}: prove again")
    found: list[dict[str, Any]] = content["claims"]
    return found


def _listed(content: Any, path: Path) -> list[Any]:
    if not isinstance(content, list):
        raise UsageError(f"{path} is no list of measurements; write it with gradcheck prove --exhaustive --output")
    return content


def _state(content: Any, path: Path) -> Any:
    if isinstance(content, Mapping) and "key" in content and not content.get("about"):
        raise UsageError(
            f"{path} does not say what was swept; gradcheck prove --float32 goes on with it, and adds that"
        )
    return content


def _no_claims(path: Path, why: object) -> UsageError:
    return UsageError(f"{path} is no file of claims ({why}); write it with gradcheck prove --output")


def _converted(row: Any, kind: type[T], name: str) -> T:
    """The row as that kind; a ``ValueError`` says what is wrong with it, also where it contradicts itself."""
    made = msgspec.convert(row, kind)
    if isinstance(made, Proof | Every | Swept) and made.name != name:
        raise ValueError(f"it is about {made.name!r}, in the file of {name}")
    if isinstance(made, Swept):
        first, last, count = made.about.blocks
        if not 0 <= first <= made.next <= last <= count or first >= last:
            raise ValueError(f"it is at block {made.next} of {first} to {last}, of {count}")
        if len(made.errors) != len(made.about.edges) + 1:
            raise ValueError(f"it has {len(made.errors)} counts of errors between {len(made.about.edges)} edges")
    if isinstance(made, Proof):
        claimed = made.result.startswith("proved")
        if claimed != bool(made.statement):
            raise ValueError(f"its result is {made.result!r}, and it states {made.statement or 'nothing'!r}")
        if made.chance is not None and not made.chance <= 0:
            raise ValueError(f"its chance of error is 2^{made.chance:g}, and no probability")
    return made
