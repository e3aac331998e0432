"""Which prover is asked about which operator, what it claims in words, and how its records are checked again from the file alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import z3

from gradcheck.claim import Operator
from gradcheck.proofs import smt, tensors
from gradcheck.proofs.algebra import Shown
from gradcheck.proofs.claims import Claim, claim, entrywise, stated
from gradcheck.proofs.reading import Text
from gradcheck.proofs.residues import NAME
from gradcheck.proofs.setting import ALMOST, PROVED, REFUTED, UNKNOWN
from gradcheck.proofs.vocabulary import widened

OTHER_SEED = 4711
"""Of the points at which a record is checked again."""

LEAST = -20.0
"""log2 of the chance of error that a record may leave when it is checked again."""


def by_smt(operator: Operator, rule: Text, params: Mapping[str, Any]) -> Claim:
    """A claim about single numbers, by z3."""
    count = len(operator.examples[0].shapes)
    start = time.perf_counter()
    shown = smt.prove(operator.definition, rule, [()] * count, [operator.domain.of(k) for k in range(count)], params)
    found = stated(operator, rule, params, Shown(shown.result, shown.branches, shown.assumptions, shown.reason))
    return replace(found, prover="smt", tool=smt.tool(), seconds=time.perf_counter() - start)


def by_residues(operator: Operator, rule: Text, example: int) -> Claim:
    """A claim about arrays of the shapes of one example."""
    one = operator.examples[example]
    sets = [operator.domain.of(k) for k in range(len(one.shapes))]
    start = time.perf_counter()
    shown = tensors.prove(operator.definition, rule, one.shapes, sets, one.params)
    params = {name: _plain(value) for name, value in one.params.items()}
    found = stated(operator, rule, params, Shown(shown.result, (), shown.assumptions, shown.reason))
    shapes = ", ".join(_shape(shape) for shape in one.shapes)
    inputs = f"all real arrays of the shapes {shapes}, in the domain ({operator.domain.describe()})"
    found_at_all = shown.result in (PROVED, ALMOST)
    vanishing = f", and at which {tensors.VANISHES}," if shown.result == ALMOST else ","
    statement = (
        f"For {inputs}{''.join(f', {k} = {v}' for k, v in params.items())}, at which no divisor and no logarithm's argument of the "
        f"definition vanishes{vanishing} the rule of {operator.name} is the adjoint of the derivative of its definition; "
        f"a wrong rule would pass with probability 2^{shown.chance:.0f} at most"
    )
    return replace(
        found,
        prover="residues",
        tool=f"{NAME}, numpy {np.__version__}",
        seconds=time.perf_counter() - start,
        inputs=inputs,
        statement=statement if found_at_all else "",
        example=example,
        chance=shown.chance if found_at_all else None,
        evidence=shown.pair.data() if shown.pair is not None else None,
    )


def _shape(shape: Any) -> str:
    return str(shape) if isinstance(shape, tuple) else f"{np.shape(shape)} (given)"


def _plain(value: Any) -> Any:
    """A parameter as JSON has it, or in words."""
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def with_entries(operator: Operator) -> list[int]:
    """The examples that have an entry at all: of an empty array everything is true."""
    return [k for k, one in enumerate(operator.examples) if one.shapes and all(np.size(_ones(s)) for s in one.shapes)]


def _ones(shape: Any) -> Any:
    return np.ones(shape) if isinstance(shape, tuple) else shape


def beyond_algebra(operator: Operator, rule: Text, params: list[dict[str, Any]]) -> list[Claim]:
    """What the SMT solver says of an entrywise operator, where it says anything, and residues of another one."""
    if entrywise(operator):
        return [one for one in (by_smt(operator, rule, p) for p in params) if one.result in (PROVED, REFUTED)]
    return [by_residues(operator, rule, k) for k in with_entries(operator)]


def alone(record: Mapping[str, Any]) -> Iterator[str]:
    """Why a record does not hold, from what it holds itself."""
    if record["prover"] == "smt" and record["result"] == PROVED:
        for branch in record["branches"]:
            if branch["result"] == PROVED:
                yield from _unsatisfiable(branch)
    if record["prover"] == "residues" and record["result"] in (PROVED, ALMOST):
        notes: dict[str, None] = {}
        try:
            with widened(symbolic=False):
                chance = tensors.identical(tensors.pair_from(record["evidence"]), OTHER_SEED, notes)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            yield f"its programs cannot be run ({type(error).__name__}: {error})"
            return
        if isinstance(chance, str) or chance > LEAST:
            yield f"its programs are not equal at other points: {chance}"
        if tensors.VANISHES in notes and record["result"] != ALMOST:
            yield f"it is shown only where {tensors.VANISHES}"


def _unsatisfiable(branch: Mapping[str, Any]) -> Iterator[str]:
    try:
        (text,) = branch["formulas"]
        solver = z3.Solver()
        solver.set("timeout", 2 * smt.MILLISECONDS)
        solver.from_string(text)
        answer = solver.check()
    except (ValueError, z3.Z3Exception) as error:
        yield f"{branch['where']}: no question to z3 ({error})"
        return
    if answer != z3.unsat or not solver.assertions():
        yield f"{branch['where']}: z3 does not refute that they differ"


def afresh(record: Mapping[str, Any], operator: Operator, rule: Text) -> Claim:
    """The claim proved anew from the texts of today."""
    if record["prover"] == "smt":
        return by_smt(operator, rule, record["params"])
    if record["prover"] == "residues":
        if not 0 <= record["example"] < len(operator.examples):
            return stated(operator, rule, record["params"], Shown(UNKNOWN, ()))
        return by_residues(operator, rule, record["example"])
    return claim(operator, rule, record["params"])
