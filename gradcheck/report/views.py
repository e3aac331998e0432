"""What a page shows, as frozen values of text that a template only has to lay out."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from gradcheck.report import thread
from gradcheck.report.difference import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A labelled array of a counterexample."""

    label: str
    kind: str
    text: str
    abridged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding, as a row of a table; ``anchor`` is its name, empty for one that equals an earlier one."""

    name: str
    anchor: str
    code: str
    severity: str
    place: str
    got: str
    expected: str
    bound: str
    ulps: str
    message: str
    cause: str
    entries: str
    evidence: str
    where: str
    confirmation: str
    """What a second computation gave, in words; empty where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The smallest counterexample."""

    finding: Row
    origin: str
    arrays: tuple[Named, ...]
    parameters: str
    snippet: str
    replay: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of text: head and body, and what was left out of it."""

    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A table with its caption, of numbers from a column on."""

    caption: str
    table: Table
    numeric_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One claim: what is stated, or of which inputs nothing is, and why."""

    result: str
    badge: str
    said: str
    reason: str
    excluded: str
    chance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Claims of one prover on the same assumptions; ``more`` are folded away, and all of them proved."""

    title: str
    tool: str
    assumed: tuple[str, ...]
    first: tuple[Statement, ...]
    more: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The section of what is proved.  ``own`` says whether the rule that was proved is the one that the page is about.

    ``stale`` says how much of it was proved of other texts than those checked, and ``again`` by which command it is mended.
    """

    own: bool
    lead: str
    command: str = ""
    stale: str = ""
    again: tuple[str, ...] = ()
    scope: str = ""
    groups: tuple[Group, ...] = ()
    measured: tuple[Measured, ...] = ()
    texts: tuple[str, ...] = ()
    left: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with everything it needs to be understood, seen or unseen."""

    name: str
    title: str
    about: str
    reading: str
    svg: str
    numbers: Table
    label: str = ""
    wide: bool = False
    """Whether it scrolls sideways instead of shrinking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One (subject, operator): all that its page shows, in reading order."""

    file: str
    subject: str
    operator: str
    status: str
    failed: bool
    verdict: str
    cause: str
    change: Pair | None
    case: Case | None
    findings: tuple[Row, ...]
    unlisted: int
    jacobian: Picture | None
    curves: tuple[Picture, ...]
    ulps: tuple[tuple[str, tuple[Picture, ...]], ...]
    """(type and its largest error, scatter and histogram) for each type that was sampled."""
    graph: Picture | None
    certified: Table
    certificate: str
    proved: Proved
    tried: tuple[tuple[str, str], ...]
    coverage: Table
    combinations: Table
    claim: tuple[tuple[str, str], ...]
    untested: tuple[str, ...]
    oracles: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    formula: Markup
    citation: str
    family: str
    codes: tuple[str, ...]
    right: int
    inconclusive: int
    seconds: str
    seed: int
    repro: str
    worst: tuple[tuple[str, str], ...]
    """(type, worst error in ulp) for each type that was sampled; not a number where none exceeds the bound of its truth."""
    entry: thread.Entry | None = None
    lean: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject in the summary of the index."""

    name: str
    total: int
    passed: int
    failed: int
    open: int
    findings: int
    absent: int
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since an earlier run: (heading, the pairs with the file of their page)."""

    old: str
    conditions: tuple[str, ...]
    groups: tuple[tuple[str, tuple[tuple[Pair, str], ...]], ...]
    same: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """All that the index shows.  ``board`` has one row per operator and one cell per subject."""

    pages: tuple[Page, ...]
    subjects: tuple[Subject, ...]
    board: tuple[tuple[str, tuple[Page | None, ...]], ...]
    run: tuple[tuple[str, str], ...]
    tried: Table
    """One row per subject: how much was looked at."""
    incomplete: bool
    missing: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    changes: Changes | None = None
    exhibits: bool = False
    """Whether some record is of something that is in no catalogue."""
