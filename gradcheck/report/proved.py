"""The section of a page that says what is proved: of whose rule, for which inputs, by which tool, on which assumptions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradcheck import claims_io
from gradcheck.claims_io import Every, Found, Graphs, Proof
from gradcheck.records import Record
from gradcheck.report import text
from gradcheck.report.limits import Limits

FOLDER = "proofs"
"""Beside the pages: where ``gradcheck prove`` writes its certificates unless another directory is named."""

REFERENCE = "reference"
"""The subject whose rules are put to the provers."""

_LOADED = (REFERENCE, f"isolated:{REFERENCE}")

_PROVERS = {
    "algebra": "Computer algebra",
    "smt": "An SMT solver",
    "residues": "Exact arithmetic modulo a prime at random points",
}
UNFOLDED = 3
"""Claims that are proved, of one prover, which are seen at once: those of operators on arrays differ in the shapes alone."""

_BADGES = {"proved": "pass", "proved up to a bound": "pass", "refuted": "fail"}

_SCOPE = "Said of definition and rule as functions of real numbers; how they round is judged in the sections above."


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
    """The whole section.  ``own`` says whether the rule that was proved is the one that the page is about."""

    own: bool
    lead: str
    command: str = ""
    scope: str = ""
    groups: tuple[Group, ...] = ()
    head: tuple[str, ...] = ()
    body: tuple[tuple[str, ...], ...] = ()
    caption: str = ""
    texts: tuple[str, ...] = ()
    left: int = 0
    notes: tuple[str, ...] = ()


def find(record: Record, directory: Path) -> Found:
    """What the certificates in the directory say of the operator of a record, or of the algorithm for any graph."""
    return claims_io.find(directory, record.operator, graphs=_of_graph(record))


def view(record: Record, found: Found, limits: Limits) -> Proved:
    """The section of the page of a record."""

    def short(words: str) -> str:
        return text.clip(words, limits.said)

    notes = tuple(map(short, found.problems[: limits.items]))
    if record.claim.get("exhibit"):
        return _of_exhibit(record, found.graphs, notes, short)
    own = record.subject == REFERENCE and record.claim.get("load", record.subject) in _LOADED
    name = short(record.operator)
    if not own:
        lead = (
            "Nothing was proved of this implementation: gradcheck prove reads the rules of the reference subject alone."
        )
        if found.proofs:
            lead += f" Of the reference subject's rule of {name}, which is not the one that this page checks: {_counted(found.proofs)}."
        return Proved(own=False, lead=lead, notes=notes)
    if not found.proofs and not found.every:
        lead = "Nothing was proved" + (" that could be read" if notes else "")
        return Proved(own=True, lead=f"{lead}; run", command=f"gradcheck prove {name}", notes=notes)
    shown = found.proofs[: limits.findings]
    counted = _counted(found.proofs) if found.proofs else "nothing, for all reals or for arrays"
    return Proved(
        own=True,
        lead=f"Of the rule that this page checks, the reference subject's rule of {name}: {counted}.",
        scope=_SCOPE if found.proofs else "",
        groups=tuple(_groups(shown, short)),
        head=_HEAD if found.every else (),
        body=tuple(_measured(one, short) for one in found.every[: limits.items]),
        caption=_caption(found.every, short),
        texts=_texts((*found.proofs, *found.every), short),
        left=len(found.proofs) - len(shown),
        notes=notes,
    )


def _counted(proofs: Sequence[Proof]) -> str:
    results = Counter[str](proof.result for proof in proofs)
    known = (result for result in ("refuted", "proved", "proved up to a bound", "proved in part", "unknown"))
    said = ", ".join(f"{results[result]} {result}" for result in known if results[result])
    return f"{_claims(len(proofs))}, {said}"


def _claims(count: int) -> str:
    return f"{count} claim{'s' * (count != 1)}"


def _groups(proofs: Sequence[Proof], short: Callable[[str], str]) -> Iterable[Group]:
    groups: dict[tuple[object, ...], list[Proof]] = {}
    for proof in proofs:
        groups.setdefault((proof.prover, proof.tool, proof.assumed), []).append(proof)
    for members in groups.values():
        one = members[0]
        likewise = [proof for proof in members if proof.result == "proved" and not proof.excluded][UNFOLDED:]
        folded = likewise if len(likewise) > 1 else []
        yield Group(
            title=_PROVERS[one.prover],
            tool=short(one.tool),
            assumed=tuple(map(short, one.assumed)),
            first=tuple(_statement(proof, short) for proof in members if not any(proof is other for other in folded)),
            more=tuple(_statement(proof, short) for proof in folded),
        )


def _statement(proof: Proof, short: Callable[[str], str]) -> Statement:
    given = text.parameters(proof.params)
    chance = "" if proof.chance is None else f"2^{proof.chance:.0f}"
    nothing = f"Nothing is claimed of {proof.inputs}{f', {given}' if given else ''}."
    return Statement(
        result=proof.result,
        badge=_BADGES.get(proof.result, "inconclusive"),
        said=short(f"{proof.statement.rstrip('.')}." if proof.statement else nothing),
        reason=short(proof.reason),
        excluded=short("; ".join(dict.fromkeys(proof.excluded))),
        chance="" if chance and f"probability {chance} " in proof.statement else chance,
    )


_HEAD = (
    *("type", "parameters", "judged", "ties left out", "without a derivative", "undecided"),
    *("not correctly rounded", "worst (ulp)", "at"),
)
"""Of the table of all 16-bit numbers."""


def _measured(one: Every, short: Callable[[str], str]) -> tuple[str, ...]:
    given = text.parameters(one.params) or "none"
    if one.unread:
        return ("-", short(given), short(f"not read: {one.unread}"), *("-",) * 6)
    counts = (one.judged, one.kinks, one.without, one.undecided, one.wrong)
    worst = (f"{one.worst:.4g}", f"{one.where!r}") if one.wrong else ("-", "-")
    return (short(one.dtype), short(given), *(f"{count:,}" for count in counts), *worst)


def _caption(every: Sequence[Every], short: Callable[[str], str]) -> str:
    tools = short("; ".join(dict.fromkeys(one.tool for one in every)))
    return f"The rule run on every number of a 16-bit type, against its correctly rounded derivative ({tools})"


def _texts(claims: Iterable[Proof | Every], short: Callable[[str], str]) -> tuple[str, ...]:
    """What was proved has these texts; several where the files are of different days."""
    said = (", ".join(f"{kind} {digest[:16]}" for kind, digest in sorted(claim.texts.items())) for claim in claims)
    return tuple(map(short, dict.fromkeys(said)))[:3]


def _of_graph(record: Record) -> bool:
    return record.graph is not None and bool(record.claim.get("exhibit"))


def _of_exhibit(record: Record, graphs: Graphs | None, notes: tuple[str, ...], short: Callable[[str], str]) -> Proved:
    """Of a network itself nothing is proved; of reverse accumulation, the algorithm for any graph, there may be proofs."""
    own = record.subject == REFERENCE and record.claim.get("load", record.subject) in _LOADED
    if not (own and _of_graph(record)):
        return Proved(
            own=own, lead="Nothing was proved: no prover reads what a subject brings of its own.", notes=notes
        )
    if graphs is None:
        lead = "Nothing was proved of this network's own backward pass, or of reverse accumulation on graphs; for the latter run"
        return Proved(own=True, lead=lead, command="gradcheck prove --graphs", notes=notes)
    refuted = sum(bool(one.failing) for one in graphs.claims)
    lead = (
        "Nothing was proved of this network's own backward pass. Of the reference networks' general algorithm, "
        f"{short(graphs.name)}: {_claims(len(graphs.claims))}, {len(graphs.claims) - refuted} proved by enumeration, {refuted} refuted."
    )
    return Proved(
        own=True,
        lead=lead,
        scope="The partial derivatives of single operations are taken as given, and nothing is said of larger graphs.",
        head=("result", "of what", "cases"),
        body=tuple(
            (f"refuted at {short(one.failing)}" if one.failing else "proved", short(one.what), f"{one.count:,}")
            for one in graphs.claims
        ),
        caption=f"Compared case by case with the sum over all paths, on the code that runs ({short(graphs.tool)})",
        texts=(short(", ".join(f"{kind} {digest[:16]}" for kind, digest in sorted(graphs.texts.items()))),),
        notes=notes,
    )
