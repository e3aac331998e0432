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


@dataclass(frozen=True, slots=True)
class Run:
    """What a certificate is written of: one run of a program, and the gradient that reverse accumulation gave."""

    sources: tuple[str, ...]
    steps: tuple[Step, ...]
    seeds: Mapping[str, Number]
    claims: Mapping[str, Claim]


def from_run(program: Callable[..., Any], inputs: Sequence[Number]) -> Run:
    """Run a program of single numbers on the tape of ``reference_nets.tape`` and claim the derivatives by its inputs.

    Fractions are claimed exactly, float64 numbers up to ``rounding_bounds``.  A program that gives no number computed from its inputs is a
    ``TypeError``.
    """
    from reference_nets.tape import Line, Variable, adjoints

    lines: list[Line] = []
    variables = [Variable(value, lines) for value in inputs]
    output = program(*variables)
    if not isinstance(output, Variable) or output.tape is not lines:
        raise TypeError(f"the program must give a number computed from its inputs, and gave {output!r}")
    names = [f"x{k}" if k < len(inputs) else f"v{k}" for k in range(len(lines))]
    steps = tuple(
        Step(tuple(names[j] for j in line[::2]), (names[k],), (tuple(line[1::2]),))
        for k, line in enumerate(lines)
        if line
    )
    bars = adjoints(output)[: len(inputs)]
    bars += [None] * (len(inputs) - len(bars))
    seeds: dict[str, Number] = {names[output.index]: 1}
    exact = all(isinstance(value, int | Fraction) for value in inputs)
    bounds = {} if exact else rounding_bounds(steps, seeds)
    sources = tuple(names[: len(inputs)])
    claims = {
        name: Claim(0 if bar is None else bar, bounds.get(name, 0)) for name, bar in zip(sources, bars, strict=True)
    }
    return Run(sources, steps, seeds, claims)


def rounding_bounds(steps: Sequence[Step], seeds: Mapping[str, Number]) -> dict[str, Fraction]:
    """How far float64 adjoints may be from the exact ones of the partials as recorded, for every variable that is reached.

    An adjoint is a sum over paths.  On its way each product meets one multiplication per step and one addition per reader of each variable
    at most, n in all, so that the error is at most gamma_n = n u / (1 - n u) times the same sum with all partials made positive, if
    nothing underflows (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1).  That sum is formed in fractions.
    """
    positive = {name: abs(Fraction(seed)) for name, seed in seeds.items()}
    for step in reversed(steps):
        for output, row in zip(step.outputs, step.partials, strict=True):
            for name, partial in zip(step.inputs, row, strict=True):
                share = abs(Fraction(*partial.as_integer_ratio())) * positive.get(output, Fraction(0))
                positive[name] = positive.get(name, Fraction(0)) + share
    roundings = 2 * sum(len(step.inputs) for step in steps) * Fraction(1, 2**53)
    return {name: roundings / (1 - roundings) * total for name, total in positive.items()}


def certificate(
    sources: Iterable[str], steps: Iterable[Step], seeds: Mapping[str, Number], claims: Mapping[str, Claim]
) -> str:
    """A Coq file that compiles if and only if the tape is valid and every claim holds.

    ``steps`` stand in the order in which they were computed; ``seeds`` are the cotangents (of any variables, mostly 1
    for one output); ``claims`` the adjoints reported, of sources or of any other variable.
    """
    if not claims:
        raise UsageError("claims is empty: a certificate of nothing would be accepted; give at least one adjoint")
    sources, steps = tuple(sources), tuple(steps)
    number = _Numbers()
    read = [number[name] for name in sources]
    program = [_step(place, step, number) for place, step in enumerate(steps)]
    seeded = [f"({number[name]}, {_rational(seed, f'seeds[{name!r}]')})" for name, seed in seeds.items()]
    claimed = [
        f"({number[name]}, {_rational(claim.adjoint, f'claims[{name!r}]')}, "
        f"{_rational(claim.bound, f'the bound of claims[{name!r}]')})"
        for name, claim in claims.items()
    ]
    return _FILE.format(
        names=_several(map(_quoted, number), "string"),
        sources=_several(read, "name"),
        program=_several(program, "operation"),
        seeds=_several(seeded, "name * Q"),
        claims=_several(claimed, "name * Q * Q"),
    )


_FILE = """\
(* Written by gradcheck.  That this file compiles is the check. *)

Require Import List String QArith.
From GradCheck Require Import Certificate.
Import ListNotations.
Open Scope Q_scope.

(* Variables are numbered in this order, from 1; the names are for the reader. *)
Definition names {names}.

Definition sources {sources}.

(* inputs, outputs, a row of partials for each output *)
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


class _Numbers(dict[str, str]):
    """A number for each name, from 1, in the order in which they are first met."""

    def __missing__(self, name: str) -> str:
        self[name] = f"{len(self) + 1}%positive"
        return self[name]


def _step(place: int, step: Step, number: _Numbers) -> str:
    rows, columns = len(step.outputs), len(step.inputs)
    if len(step.partials) != rows or any(len(row) != columns for row in step.partials):
        shape = [len(row) for row in step.partials]
        raise UsageError(
            f"steps[{place}].partials must have a row for each of the {rows} outputs "
            f"with an entry for each of the {columns} inputs; its rows have {shape} entries"
        )
    where = f"steps[{place}].partials"
    matrix = (_inline(_rational(p, f"{where}[{j}]") for p in row) for j, row in enumerate(step.partials))
    names = (_inline(number[name] for name in side) for side in (step.inputs, step.outputs))
    return f"Op {' '.join(names)} {_inline(matrix)}"


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


def _quoted(name: str) -> str:
    """A string of Coq, in which a quote is doubled; there are no other escapes."""
    if "\0" in name:
        raise UsageError(f"the name {name!r} has a null character, which Coq's strings cannot write")
    return '"' + name.replace('"', '""') + '"'


def _inline(entries: Iterable[str]) -> str:
    return "[" + "; ".join(entries) + "]"


def _several(entries: Iterable[str], kind: str) -> str:
    """``: list kind := [..]`` with one entry a line, of which there may be none."""
    scope = "%string" if kind == "string" else ""
    listed = ";\n  ".join(entry + scope for entry in entries)
    return f": list ({kind}) := [\n  {listed}\n]" if listed else f": list ({kind}) := []"
