"""A run's tape is recomputed by Coq: right adjoints compile, wrong ones do not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from gradcheck.errors import UsageError
from gradcheck.proofs.certificate import Claim, Step, certificate, tape
from gradcheck.proofs.coq import Workspace
from reference_nets import operations
from reference_nets.backprop import evaluate, vjp
from reference_nets.graph import Graph, Vertex

GRAPH = Graph(
    ("x", "y"),
    (
        Vertex(operations.multiply, ("s", "p"), ("z",)),  # not in order: the graph sorts them
        Vertex(operations.sum_and_product, ("x", "q"), ("s", "p")),
        Vertex(operations.multiply, ("y", "y"), ("q",)),
        Vertex(operations.subtract, ("z", "x"), ("out",)),
        Vertex(operations.negative, ("z",), ("unused",)),
    ),
)
"""Fan-out, a repeated input, two outputs, an output that leads nowhere."""

POINT = {"x": Fraction(2, 3), "y": Fraction(-5, 7)}


def exact_run() -> tuple[tuple[Step, ...], dict[str, Claim]]:
    values = evaluate(GRAPH, POINT)
    adjoints = vjp(GRAPH, values, {"out": Fraction(1)}, of=GRAPH.variables)
    return tape(GRAPH, values), {name: Claim(adjoint) for name, adjoint in adjoints.items()}


def accepted(built: Workspace, text: str) -> bool:
    """False only if the file was understood and the computation gave another answer."""
    compiled = built.compile("Run", text)
    if not compiled.ok:
        assert 'Unable to unify "true" with "false"' in compiled.message, compiled.message
    return compiled.ok


def test_the_reference_backward_pass_is_certified_at_every_variable(built: Workspace) -> None:
    steps, claims = exact_run()
    assert len(claims) == 8
    assert accepted(built, certificate(GRAPH.sources, steps, {"out": 1}, claims))


@pytest.mark.parametrize("name", ["x", "y", "q", "z", "unused"])
def test_an_adjoint_that_is_wrong_in_the_thirtieth_digit_does_not_compile(built: Workspace, name: str) -> None:
    steps, claims = exact_run()
    claims[name] = replace(claims[name], adjoint=claims[name].adjoint + Fraction(1, 10**30))
    assert not accepted(built, certificate(GRAPH.sources, steps, {"out": 1}, claims))


def test_a_wrong_partial_does_not_compile(built: Workspace) -> None:
    steps, claims = exact_run()
    (row,) = steps[0].partials
    assert steps[0].inputs == ("y", "y")
    wrong = (replace(steps[0], partials=((row[0], 0),)), *steps[1:])  # the repeated input counts once
    assert not accepted(built, certificate(GRAPH.sources, wrong, {"out": 1}, claims))


def test_other_seeds_do_not_compile(built: Workspace) -> None:
    steps, claims = exact_run()
    assert not accepted(built, certificate(GRAPH.sources, steps, {"out": 2}, claims))
    assert not accepted(built, certificate(GRAPH.sources, steps, {"out": 1, "unused": 1}, claims))


INVALID = {
    "read before it is assigned": (lambda steps: steps[::-1], {"out": 1}, {}),
    "assigned twice": (lambda steps: (*steps, replace(steps[-1])), {"out": 1}, {}),
    "a seed of no variable": (lambda steps: steps, {"out": 1, "nowhere": 0}, {}),
    "a claim about no variable": (lambda steps: steps, {"out": 1}, {"nowhere": Claim(0)}),
}


@pytest.mark.parametrize("flaw", INVALID)
def test_a_tape_that_is_no_valid_program_does_not_compile(built: Workspace, flaw: str) -> None:
    change, seeds, more = INVALID[flaw]
    steps, claims = exact_run()
    assert not accepted(built, certificate(GRAPH.sources, change(steps), seeds, claims | more))


CHAIN = Graph(
    ("x", "w"),
    tuple(
        vertex
        for n in range(20)
        for vertex in (
            Vertex(operations.multiply, (f"h{n}" if n else "x", "w"), (f"a{n}",)),
            Vertex(operations.subtract, (f"a{n}", "x"), (f"h{n + 1}",)),
        )
    ),
)
"""A recurrence h <- w h - x with the weight and the input shared by twenty steps."""


def float_run() -> tuple[tuple[Step, ...], dict[str, Claim]]:
    """Adjoints in float64, each with an a priori bound on its rounding error.

    An adjoint is a sum over paths; on its way each product meets at most one multiplication per step and one addition
    per reader of each variable, n in all, so the error is at most gamma_n = n u / (1 - n u) times the same sum with all
    partials made positive (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1).  That sum is
    taken over the rationals, so it has no rounding error of its own.
    """
    values = evaluate(CHAIN, {"x": np.float64(0.1), "w": np.float64(-0.7)})
    steps = tape(CHAIN, values)
    adjoints = vjp(CHAIN, values, {"h20": np.float64(1.0)})
    positive = {"h20": Fraction(1)}
    for step in reversed(steps):
        for j, output in enumerate(step.outputs):
            for k, name in enumerate(step.inputs):
                share = abs(Fraction(float(step.partials[j][k]))) * positive.get(output, Fraction(0))
                positive[name] = positive.get(name, Fraction(0)) + share
    n = 2 * sum(len(step.inputs) for step in steps)
    gamma = n * Fraction(1, 2**53) / (1 - n * Fraction(1, 2**53))
    return steps, {name: Claim(adjoints[name], gamma * positive[name]) for name in CHAIN.sources}


def test_a_run_in_floating_point_is_certified_up_to_its_bound(built: Workspace) -> None:
    steps, claims = float_run()
    assert accepted(built, certificate(CHAIN.sources, steps, {"h20": 1.0}, claims))


def test_the_same_run_is_not_certified_as_exact(built: Workspace) -> None:
    steps, claims = float_run()
    exact = {name: replace(claim, bound=0) for name, claim in claims.items()}
    assert not accepted(built, certificate(CHAIN.sources, steps, {"h20": 1.0}, exact))


def test_an_error_beyond_the_bound_is_refused(built: Workspace) -> None:
    steps, claims = float_run()
    claim = claims["w"]
    off = Fraction(float(claim.adjoint)) + 2 * Fraction(claim.bound)
    assert not accepted(
        built, certificate(CHAIN.sources, steps, {"h20": 1.0}, claims | {"w": replace(claim, adjoint=off)})
    )


def test_a_million_paths_are_not_walked_one_by_one(built: Workspace) -> None:
    """Twenty diamonds have 2^20 paths; Coq recomputes by reverse accumulation, which the theorem says is their sum."""
    steps = [Step((f"v{k}", f"v{k}"), (f"v{k + 1}",), ((1, 1),)) for k in range(20)]
    assert accepted(built, certificate(["v0"], steps, {"v20": 1}, {"v0": Claim(2**20)}))
    assert not accepted(built, certificate(["v0"], steps, {"v20": 1}, {"v0": Claim(2**20 - 1)}))


def test_names_are_any_strings(built: Workspace) -> None:
    odd = 'a "quoted" (* name *) \\ ∂'
    text = certificate([odd], [Step((odd,), ("y",), ((3,),))], {"y": 1}, {odd: Claim(3)})
    assert accepted(built, text)


def test_no_operations_and_no_seeds_are_a_program_too(built: Workspace) -> None:
    assert accepted(built, certificate(["x"], [], {}, {"x": Claim(0)}))
    assert accepted(built, certificate(["x"], [], {"x": Fraction(1, 3)}, {"x": Claim(Fraction(1, 3))}))
    assert not accepted(built, certificate(["x"], [], {}, {"x": Claim(1)}))


X = Step(("x",), ("y",), ((1,),))


@pytest.mark.parametrize(
    ("steps", "seeds", "claims", "message"),
    [
        ([X], {"y": 1}, {}, "claims is empty"),
        ([X], {"y": float("nan")}, {"x": Claim(1)}, r"seeds\['y'\] is nan"),
        ([X], {"y": 1}, {"x": Claim(float("inf"))}, r"claims\['x'\] is inf"),
        ([X], {"y": 1}, {"x": Claim(1, float("inf"))}, r"the bound of claims\['x'\] is inf"),
        ([X], {"y": 1}, {"x": Claim("1")}, r"give an int, a float or a Fraction"),
        ([replace(X, partials=())], {"y": 1}, {"x": Claim(1)}, r"steps\[0\].partials must have a row"),
        ([X, replace(X, partials=((1, 2),))], {"y": 1}, {"x": Claim(1)}, r"steps\[1\].partials .* have \[2\] entries"),
        ([replace(X, inputs=("\0",))], {"y": 1}, {"x": Claim(1)}, "null character"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_place(steps, seeds, claims, message) -> None:
    with pytest.raises(UsageError, match=message):
        certificate(["x"], steps, seeds, claims)
