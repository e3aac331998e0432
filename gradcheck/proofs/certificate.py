"""Write the tape of one run as a Coq file in which Coq recomputes the gradient.

A run over scalars leaves a tape: which variables each operation read, which it assigned, and the partial of each output
with respect to each input slot.  ``certificate`` writes it, with the adjoints that the run claims, as exact rationals.
Compiling the file is the check: Coq recomputes the adjoints by the algorithm that ``proofs/Operations.v`` proves
correct, and compares.  A wrong adjoint does not compile.

A claim over the rationals is exact.  A claim in floating point comes with a bound: |claimed - exact| <= bound, where
"exact" is the derivative for the partials AS RECORDED.  The partials themselves are taken as given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from gradcheck.errors import UsageError

Number = int | float | Fraction
"""Floats stand for the dyadic rationals that they are."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a tape, linearised: ``partials[j][k]`` is d outputs[j] / d inputs[k]."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    partials: tuple[tuple[Number, ...], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """An adjoint that a run reports, and how far from the exact one it may be."""

    adjoint: Number
    bound: Number = 0


class _Operation(Protocol):
    @property
    def jvp(self) -> Callable[[Any, Any, Any], tuple[Any, ...]]: ...


class _Vertex(Protocol):
    @property
    def operation(self) -> _Operation: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...


class _Graph(Protocol):
    @property
    def vertices(self) -> Sequence[_Vertex]: ...
    @property
    def order(self) -> tuple[int, ...]: ...


def tape(graph: _Graph, values: Mapping[str, Any]) -> tuple[Step, ...]:
    """The tape of a graph of scalar operations at ``values``, in the order in which they were computed.

    ``graph`` is one of ``reference_nets.graph``, or anything of its form.  The partials with respect to slot k are the
    operation's own jvp of the tangents (0, .., 1, .., 0), in the number type of the values.
    """
    steps = []
    for number in graph.order:
        vertex = graph.vertices[number]
        x = tuple(values[name] for name in vertex.inputs)
        y = tuple(values[name] for name in vertex.outputs)
        units = [tuple(type(v)(int(i == k)) for i, v in enumerate(x)) for k in range(len(x))]
        columns = [vertex.operation.jvp(x, y, unit) for unit in units]
        rows = tuple(tuple(column[j] for column in columns) for j in range(len(y)))
        steps.append(Step(vertex.inputs, vertex.outputs, rows))
    return tuple(steps)


def certificate(
    sources: Iterable[str], steps: Iterable[Step], seeds: Mapping[str, Number], claims: Mapping[str, Claim]
) -> str:
    """A Coq file that compiles if and only if the tape is valid and every claim holds.

    ``steps`` stand in the order in which they were computed; ``seeds`` are the cotangents (of any variables, mostly 1
    for one output); ``claims`` the adjoints reported, of sources or of any other variable.
    """
    if not claims:
        raise UsageError("claims is empty: a certificate of nothing would be accepted; give at least one adjoint")
    program = [_step(number, step) for number, step in enumerate(steps)]
    claimed = [
        f"({_name(name)}, {_rational(claim.adjoint, f'claims[{name!r}]')}, "
        f"{_rational(claim.bound, f'the bound of claims[{name!r}]')})"
        for name, claim in claims.items()
    ]
    seeded = [f"({_name(name)}, {_rational(seed, f'seeds[{name!r}]')})" for name, seed in seeds.items()]
    return _FILE.format(
        sources=_several((_name(name) for name in sources), "string"),
        program=_several(program, "vertex"),
        seeds=_several(seeded, "string * Q"),
        claims=_several(claimed, "string * Q * Q"),
    )


_FILE = """\
(* Written by gradcheck.  That this file compiles is the check. *)

Require Import List String QArith Qcanon.
From GradCheck Require Import Operations Certificate.
Import ListNotations.
Open Scope string_scope.

Definition sources {sources}.

Definition program {program}.

Definition seeds {seeds}.

(* variable, claimed adjoint, bound *)
Definition claims {claims}.

(* Coq recomputes the adjoints. *)
Example certificate : check sources program seeds claims = true.
Proof. vm_compute. reflexivity. Qed.

(* What that means. *)
Definition meaning := check_sound sources program seeds claims certificate.
"""


def _step(number: int, step: Step) -> str:
    rows, columns = len(step.outputs), len(step.inputs)
    if len(step.partials) != rows or any(len(row) != columns for row in step.partials):
        shape = [len(row) for row in step.partials]
        raise UsageError(
            f"steps[{number}].partials must have a row for each of the {rows} outputs "
            f"with an entry for each of the {columns} inputs; its rows have {shape} entries"
        )
    place = f"steps[{number}].partials"
    matrix = (_inline(_rational(p, f"{place}[{j}]") for p in row) for j, row in enumerate(step.partials))
    names = (_inline(map(_name, names)) for names in (step.inputs, step.outputs))
    return f"operation {' '.join(names)} {_inline(matrix)}"


def _rational(number: Number, place: str) -> str:
    """A literal of Coq's rationals.  Floats are written exactly; infinities and nan have no rational."""
    try:
        numerator, denominator = number.as_integer_ratio()  # int, Fraction, float and every float type of numpy
    except AttributeError as error:
        raise UsageError(f"{place} is {number!r}; give an int, a float or a Fraction") from error
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{place} is {number}, which is no rational number: a certificate needs finite ones"
        ) from error
    return f"({numerator} # {denominator})"


def _name(name: str) -> str:
    """A string of Coq, in which a quote is doubled; there are no other escapes."""
    if "\0" in name:
        raise UsageError(f"the name {name!r} has a null character, which Coq's strings cannot write")
    return '"' + name.replace('"', '""') + '"'


def _inline(entries: Iterable[str]) -> str:
    return "[" + "; ".join(entries) + "]"


def _several(entries: Iterable[str], kind: str) -> str:
    """``: list kind := [..]`` with one entry a line, of which there may be none."""
    listed = ";\n  ".join(entries)
    return f": list ({kind}) := [\n  {listed}\n]%Q" if listed else f": list ({kind}) := []"
