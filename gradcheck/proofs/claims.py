"""Claims about catalogue operators: made by a prover, written to small files, and checked again from them.

A file holds the statement, the assumptions, and each branch with its formulas as data.  ``recheck`` differentiates these formulas anew,
and then proves the operator again from the texts as they are now: a record that says more than that proof is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import sympy

from gradcheck.claim import Operator
from gradcheck.claims_io import SCHEMA
from gradcheck.claims_io import TRUSTED as TRUSTED
from gradcheck.claims_io import for_operator as for_operator
from gradcheck.claims_io import read_claims as read_claims
from gradcheck.fingerprints import fingerprint
from gradcheck.proofs.algebra import Shown, bounded_again, prove
from gradcheck.proofs.reading import Text
from gradcheck.proofs.setting import BOUNDED, EXCLUDED, KINK, PROVED, REFUTED, UNKNOWN, Branch, G
from gradcheck.proofs.symbols import from_tree, normalised
from gradcheck.proofs.vocabulary import widened
from gradcheck.proofs.zero import is_zero

FAMILIES = (
    *("elementwise", "arithmetic", "exponential", "trigonometric", "special", "bessel"),
    *("comparison", "activations", "rectifiers", "gates"),
)
"""Families of operators that act entry by entry."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of one operator with one choice of parameters, and what it rests on."""

    name: str
    family: str
    params: Mapping[str, Any]
    domain: str
    statement: str
    result: str
    reason: str
    assumptions: tuple[str, ...]
    texts: Mapping[str, str]
    tool: str
    branches: tuple[Branch, ...]
    seconds: float = 0.0
    prover: str = "algebra"
    """algebra, smt or residues."""
    inputs: str = "all single real numbers of the domain"
    example: int = -1
    """Number of the catalogue's example whose shapes these are."""
    chance: float | None = None
    """log2 of the probability that a wrong rule is taken for right; None where there is none."""
    evidence: Mapping[str, Any] | None = None


def entrywise(operator: Operator) -> bool:
    """Whether it acts entry by entry on real numbers, so that single numbers are all there is to prove."""
    core = operator.signature.replace("...", "").replace("(", "").replace(")", "").replace(",", "").replace("->", "")
    return operator.family in FAMILIES and not core.strip()


def choices(operator: Operator) -> list[dict[str, Any]]:
    """The distinct parameters of its examples; a claim is made for each."""
    found: list[dict[str, Any]] = []
    for example in operator.examples:
        if dict(example.params) not in found:
            found.append(dict(example.params))
    return found


def tool() -> str:
    """Name and version of what is trusted."""
    return f"sympy {sympy.__version__}, python-flint {metadata.version('python-flint')}"


def claim(operator: Operator, rule: Text, params: Mapping[str, Any]) -> Claim:
    """Prove, or try to."""
    count = len(operator.examples[0].shapes)
    shown = prove(operator.definition, rule, [operator.domain.of(k) for k in range(count)], params)
    return stated(operator, rule, params, shown)


def stated(operator: Operator, rule: Text, params: Mapping[str, Any], shown: Shown) -> Claim:
    """What was shown, with the words and the hashes."""
    given = "".join(f", {k} = {v}" for k, v in params.items())
    outside = [branch.where for branch in shown.branches if branch.result in (EXCLUDED, KINK, UNKNOWN)]
    bounded = [f"; where {branch.where} it {branch.how}" for branch in shown.branches if branch.result == BOUNDED]
    statement = (
        f"For all single real numbers of the domain ({operator.domain.describe()}){given}, the rule of {operator.name} is the cotangent "
        "times the derivative of its definition"
        + (f", except where {' or where '.join(outside)}" if outside else "")
        + "".join(bounded)
    )
    return Claim(
        name=operator.name,
        family=operator.family,
        params=dict(params),
        domain=operator.domain.describe(),
        statement=statement if shown.result not in (REFUTED, UNKNOWN) else "",
        result=shown.result,
        reason=shown.reason,
        assumptions=shown.assumptions,
        texts={"definition": fingerprint(operator.definition), "rule": fingerprint(rule)},
        tool=tool(),
        branches=shown.branches,
    )


def write(claims: Sequence[Claim], directory: Path) -> Path:
    """One file for one operator."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{claims[0].name}.json"
    content = {"schema": SCHEMA, "claims": [asdict(one) for one in claims]}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
    return path


def problems(record: Mapping[str, Any], operator: Operator, rule: Text) -> Iterator[str]:
    """Why a recorded claim is not accepted; nothing if it is."""
    from gradcheck.proofs.provers import afresh, alone  # they build on claims

    now = {"definition": fingerprint(operator.definition), "rule": fingerprint(rule)}
    if record["texts"] != now:
        yield "a text has changed since: prove it again"
    for branch in record["branches"]:
        if record["prover"] == "algebra" and branch["result"] == PROVED and branch["open"]:
            yield from _formulas(branch)
        if record["prover"] == "algebra" and branch["result"] == BOUNDED:
            yield from _boxes(branch)
    yield from alone(record)
    fresh = json.loads(json.dumps(asdict(afresh(record, operator, rule))))
    if record["prover"] == "smt":  # points and the order of terms are z3's choice
        record, fresh = (
            {**one, "branches": [[b["where"], b["result"]] for b in one["branches"]]} for one in (record, fresh)
        )
    for name in ("result", "statement", "assumptions", "branches", "inputs", "evidence"):
        if fresh[name] != record[name]:
            yield f"a fresh proof has another {name} than the record"


def _boxes(branch: Mapping[str, Any]) -> Iterator[str]:
    """Whether the recorded programs keep the bound on the recorded interval."""
    try:
        with widened():
            against = bounded_again(branch["boxes"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        against = f"its programs cannot be run ({type(error).__name__}: {error})"
    if against:
        yield f"{branch['where']}: {against}"


def _formulas(branch: Mapping[str, Any]) -> Iterator[str]:
    """Whether the rule's formulas are the derivatives of the definition's, from the record alone."""
    try:
        value, *rules = (from_tree(tree) for tree in branch["formulas"])
    except (ValueError, TypeError) as error:
        yield f"{branch['where']}: {error}"
        return
    symbols = {s.name: s for s in value.free_symbols.union(*(r.free_symbols for r in rules)) if s != G}
    names = ("x", "y", "z", "u", "v", "w")[: len(rules)]
    for name, rule in zip(names, rules, strict=True):
        slope = sympy.diff(value, symbols[name]) if name in symbols else sympy.Integer(0)
        if not is_zero(normalised(rule - G * slope)):
            yield f"{branch['where']}: the recorded rule by {name} is not the derivative of the recorded definition"
