"""The section of a page that says what is proved: of whose rule, for which inputs, by which tool, on which assumptions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gradcheck import claims_io
from gradcheck.claims_io import Every, Found, Graphs, Proof, Swept
from gradcheck.records import Record
from gradcheck.report import measured, text
from gradcheck.report.limits import Limits
from gradcheck.report.staleness import Texts
from gradcheck.report.views import Group, Measured, Proved, Statement, Table

FOLDER = "proofs"
"""Beside the pages: where ``gradcheck prove`` writes its certificates unless another directory is named."""

REFERENCE = "reference"
"""The subject whose rules are put to the provers."""

_LOADED = re.compile(rf"(isolated:(\d+:)?)?{REFERENCE}")

_PROVERS = {
    "algebra": "Computer algebra",
    "smt": "An SMT solver",
    "residues": "Exact arithmetic modulo a prime at random points",
}
UNFOLDED = 3
"""Claims that are proved, of one prover, which are seen at once: those of operators on arrays differ in the shapes alone."""

_BADGES = {"proved": "pass", "proved up to a bound": "pass", "refuted": "fail"}

_SCOPE = "Said of definition and rule as functions of real numbers; how they round is judged in the sections above."


def _loaded(record: Record) -> bool:
    return _LOADED.fullmatch(record.claim.get("load", record.subject)) is not None


def _own(record: Record) -> bool:
    return record.subject == REFERENCE and _loaded(record)


def find(record: Record, directory: Path) -> Found:
    """What the certificates in the directory say of the operator of a record, or of the algorithm for any graph."""
    subject = None if _own(record) else record.claim.get("load", record.subject)
    return claims_io.find(directory, record.operator, graphs=_of_graph(record), subject=subject)


def view(record: Record, found: Found, limits: Limits) -> Proved:
    """The section of the page of a record."""

    def short(words: str) -> str:
        return text.clip(words, limits.said)

    notes = tuple(map(short, found.problems[: limits.items]))
    if record.claim.get("exhibit"):
        return _of_exhibit(record, found.graphs, notes, short)
    name = short(record.operator)
    if not _own(record):
        lead = (
            "Nothing was proved of this implementation: gradcheck prove reads the rules of the reference subject alone."
        )
        if found.proofs:
            claims = f"there {'is' if len(found.proofs) == 1 else 'are'} {_claims(len(found.proofs))}"
            lead += f" Of the reference subject's rule of {name}, which is not the one that this page checks, {claims}."
        # Two subjects may share a folder: names under which they are loaded are shortened to what a file may be called.
        every = [one for one in found.every if one.subject == record.subject]
        if not every:
            return Proved(own=False, lead=lead, notes=notes)
        lead += " It was measured on every number of a type."
        table = measured.every(every, Texts.of(record), limits.items, short)
        return Proved(own=False, lead=lead, notes=notes, measured=(table,))
    if not (found.proofs or found.every or found.swept):
        lead = "Nothing was proved" + (" that could be read" if notes else "")
        return Proved(own=True, lead=f"{lead}; run", command=f"gradcheck prove {name}", notes=notes)
    now, shown = Texts.of(record), found.proofs[: limits.findings]
    counted = _counted(found.proofs, now) if found.proofs else "nothing, for all reals or for arrays"
    tables = [measured.every(found.every, now, limits.items, short)] if found.every else []
    tables += [measured.swept(found.swept, now, limits.items, short)] if found.swept else []
    stale, again = _stale(found, now, name)
    return Proved(
        own=True,
        lead=f"Of the rule that this page checks, the reference subject's rule of {name}: {counted}.",
        scope=_SCOPE if found.proofs else "",
        stale=stale,
        again=again,
        groups=tuple(_groups(shown, now, short)),
        measured=tuple(tables),
        texts=_texts((*found.proofs, *found.every, *found.swept), short),
        left=len(found.proofs) - len(shown),
        notes=notes,
    )


def _stale(found: Found, now: Texts, name: str) -> tuple[str, tuple[str, ...]]:
    """How much was proved or measured of other texts, and the commands that do it again."""
    options = (("", found.proofs), ("--exhaustive ", found.every), ("--float32 ", found.swept))
    everything = [(option, now.stale(one.texts)) for option, claims in options for one in claims]
    old = [(option, why) for option, why in everything if why]
    if not old:
        return "", ()
    reasons = "; ".join(dict.fromkeys(why for _, why in old))
    again = dict.fromkeys(f"gradcheck prove {option}{name}" for option, _ in old)
    return (
        f"{len(old)} of {len(everything)} claims and measurements are not known to hold of what this page checks: {reasons}.",
        tuple(again),
    )


def _result(proof: Proof, now: Texts) -> str:
    return f"stale: {proof.result}" if now.stale(proof.texts) else proof.result


def _counted(proofs: Sequence[Proof], now: Texts) -> str:
    results = Counter[str](_result(proof, now) for proof in proofs)
    known = (
        "refuted",
        "proved",
        "proved almost everywhere",
        "proved up to a bound",
        "proved in part",
        "unknown",
        *sorted(r for r in results if ":" in r),
    )
    said = ", ".join(f"{results[result]} {result}" for result in known if results[result])
    return f"{_claims(len(proofs))}, {said}"


def _claims(count: int) -> str:
    return f"{count} claim{'s' * (count != 1)}"


def _groups(proofs: Sequence[Proof], now: Texts, short: Callable[[str], str]) -> Iterable[Group]:
    groups: dict[tuple[object, ...], list[Proof]] = {}
    for proof in proofs:
        groups.setdefault((proof.prover, proof.tool, proof.assumed), []).append(proof)
    for members in groups.values():
        one = members[0]
        likewise = [proof for proof in members if _result(proof, now) == "proved" and not proof.excluded][UNFOLDED:]
        folded = likewise if len(likewise) > 1 else []
        yield Group(
            title=_PROVERS[one.prover],
            tool=short(one.tool),
            assumed=tuple(map(short, one.assumed)),
            first=tuple(
                _statement(proof, now, short) for proof in members if not any(proof is other for other in folded)
            ),
            more=tuple(_statement(proof, now, short) for proof in folded),
        )


def _statement(proof: Proof, now: Texts, short: Callable[[str], str]) -> Statement:
    given = text.parameters(proof.params)
    chance = "" if proof.chance is None else f"2^{proof.chance:.0f}"
    nothing = f"Nothing is claimed of {proof.inputs}{f', {given}' if given else ''}."
    result = _result(proof, now)
    return Statement(
        result=result,
        badge=_BADGES.get(result, "inconclusive"),
        said=short(f"{proof.statement.rstrip('.')}." if proof.statement else nothing),
        reason=short(proof.reason),
        excluded=short("; ".join(dict.fromkeys(proof.excluded))),
        chance="" if chance and f"probability {chance} " in proof.statement else chance,
    )


def _texts(claims: Iterable[Proof | Every | Swept], short: Callable[[str], str]) -> tuple[str, ...]:
    """What was proved has these texts; several where the files are of different days."""
    said = (", ".join(f"{kind} {digest[:16]}" for kind, digest in sorted(claim.texts.items())) for claim in claims)
    return tuple(map(short, dict.fromkeys(said)))[:3]


def _of_graph(record: Record) -> bool:
    return record.graph is not None and bool(record.claim.get("exhibit"))


def _of_exhibit(record: Record, graphs: Graphs | None, notes: tuple[str, ...], short: Callable[[str], str]) -> Proved:
    """Of a network itself nothing is proved; of reverse accumulation, the algorithm for any graph, there may be proofs."""
    own = record.subject == REFERENCE and _loaded(record)
    if not (own and _of_graph(record)):
        return Proved(
            own=own, lead="Nothing was proved: no prover reads what a subject brings of its own.", notes=notes
        )
    if graphs is None:
        lead = "Nothing was proved of this network's own backward pass, or of reverse accumulation on graphs; for the latter run"
        return Proved(own=True, lead=lead, command="gradcheck prove --graphs", notes=notes)
    refuted = sum(bool(one.failing) for one in graphs.claims)
    why = Texts.of(record).stale(graphs.texts)
    counted = f"{len(graphs.claims) - refuted} proved by enumeration, {refuted} refuted"
    lead = (
        "Nothing was proved of this network's own backward pass. Of the reference networks' general algorithm, "
        f"{short(graphs.name)}: {_claims(len(graphs.claims))}, {'all of them stale' if why else counted}."
    )
    head, word = ("result", "of what", "cases"), "stale: " if why else ""
    rows = (
        (
            f"{word}refuted at {short(one.failing)}" if one.failing else f"{word}proved",
            short(one.what),
            f"{one.count:,}",
        )
        for one in graphs.claims
    )
    return Proved(
        own=True,
        lead=lead,
        stale=f"These claims are not known to hold of what this page checks: {short(why)}." if why else "",
        again=("gradcheck prove --graphs",) if why else (),
        scope="The partial derivatives of single operations are taken as given, and nothing is said of larger graphs.",
        measured=(
            Measured(
                caption=f"Compared case by case with the sum over all paths, on the code that runs ({short(graphs.tool)})",
                table=Table(head=head, body=tuple(rows)),
                numeric_from=2,
            ),
        ),
        texts=(short(", ".join(f"{kind} {digest[:16]}" for kind, digest in sorted(graphs.texts.items()))),),
        notes=notes,
    )
