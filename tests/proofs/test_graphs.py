"""The enumeration of graphs and programs accepts the code that runs, and refutes each wrong sweep on some small one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sympy")
pytest.importorskip("z3")

from gradcheck.cli import NOT_OK, OK, _console, proving
from gradcheck.proofs.graphs import (
    Model,
    Polynomial,
    all_graphs,
    all_modulo,
    all_programs,
    indeterminate,
    labelled_graphs,
    ordered_graphs,
    polynomial,
    sums_over_paths,
)
from reference_nets import backprop, operations, wrong_graphs
from reference_nets.graph import Graph, Operation, Vertex
from tests.reference_nets.wrong_sweeps import SLIPS, vjp_with_a_slip


def model(vjp: Callable[..., Any]) -> Model:
    return Model(Operation, Vertex, Graph, vjp, (operations.add, operations.subtract, operations.multiply))


RIGHT = model(backprop.vjp)

SINGLE = "only the first output is pulled back"
"""No vertex here has two outputs."""


def test_reverse_accumulation_is_the_sum_over_paths() -> None:
    for size in range(1, 6):
        assert all_graphs(RIGHT, size, ordered=True).failing == ""
    for size in range(1, 5):
        assert all_graphs(RIGHT, size, ordered=False).failing == ""
    for operations_, inputs in ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2)):
        assert all_programs(RIGHT, operations_, inputs).failing == ""


def refuted(wrong: Callable[..., Any]) -> set[str]:
    def vjp(graph: Any, values: Any, seeds: Any, of: Any) -> Any:
        """Where a sweep gives the adjoints of the sources alone, the others are right ones."""
        return {
            name: v
            for name, v in (backprop.vjp(graph, values, seeds, of) | wrong(graph, values, seeds)).items()
            if name in of
        }

    found = set()
    if any(all_graphs(model(vjp), size, ordered=True).failing for size in (2, 3, 4)):
        found.add("graphs")
    if any(all_programs(model(vjp), n, 2).failing for n in (1, 2)):
        found.add("programs")
    return found


@pytest.mark.parametrize("slip", [slip for slip in SLIPS if slip != SINGLE])
def test_each_slip_of_the_sweep_is_refuted(slip: str) -> None:
    found = refuted(vjp_with_a_slip(slip))
    assert found
    if slip == "parents are a set":
        assert found == {"programs"}  # no vertex of the graphs reads a variable twice


NOT_HERE = {"G5": "the number 0 for a zero of another type is equal to it"}


@pytest.mark.parametrize("trap", wrong_graphs.TRAPS)
def test_each_misreading_of_the_textbook_is_refuted(trap: str) -> None:
    assert bool(refuted(wrong_graphs.TRAPS[trap])) == (trap not in NOT_HERE)


def test_graphs_modulo_a_prime_are_all_of_them_and_a_sample_of_seven_vertices_is_right() -> None:
    for size in range(1, 6):
        shown = all_modulo(RIGHT, size)
        assert (shown.failing, shown.count) == ("", 2 ** (size * (size - 1) // 2))
    sample = all_modulo(RIGHT, 7, only=[*range(0, 2**21, 2**21 // 499), 2**21 - 1])
    assert sample.failing == "" and sample.what.startswith("501 of the 2097152 ordered graphs of 7 vertices")
    assert "2^-58" in sample.what


@pytest.mark.parametrize("slip", [slip for slip in SLIPS if slip not in (SINGLE, "parents are a set")])
def test_each_slip_is_refuted_modulo_a_prime_where_it_is_by_polynomials(slip: str) -> None:
    def vjp(graph: Any, values: Any, seeds: Any, of: Any) -> Any:
        return {
            name: v
            for name, v in (
                backprop.vjp(graph, values, seeds, of) | vjp_with_a_slip(slip)(graph, values, seeds)
            ).items()
            if name in of
        }

    for size in (2, 3, 4):
        by_polynomials, modulo = all_graphs(model(vjp), size, ordered=True), all_modulo(model(vjp), size)
        assert bool(by_polynomials.failing) == bool(modulo.failing)


def test_the_enumerations_have_the_known_counts() -> None:
    assert [sum(1 for _ in ordered_graphs(n)) for n in range(1, 6)] == [1, 2, 8, 64, 1024]
    assert [sum(1 for _ in labelled_graphs(n)) for n in range(1, 5)] == [1, 3, 25, 543]
    assert [all_programs(RIGHT, n, 2).count for n in (1, 2)] == [10, 210]


def test_the_definition_by_hand() -> None:
    """A diamond: a to b, a to c, both to d."""
    parents = ((), (0,), (0,), (1, 2))
    adjoints = sums_over_paths(parents, ordered=True)

    def w(i: int, j: int) -> Polynomial:
        return indeterminate(4 * i + j)

    assert adjoints["d"] == w(3, 3)
    below = {k: w(k, k) + w(k, 3) * w(3, 3) for k in (1, 2)}
    assert adjoints["a"] == w(0, 0) + w(0, 1) * below[1] + w(0, 2) * below[2]


def test_formal_derivatives() -> None:
    x, y = indeterminate(0), indeterminate(1)
    assert (x * x * y - 3 * y + 7).slope(0) == 2 * x * y
    assert (x * x * y - 3 * y + 7).slope(1) == x * x - 3
    assert polynomial(5).slope(0) == 0 and x - x == 0


def test_the_command_writes_what_was_enumerated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    tasks = [("ordered", 3, 0), ("labelled", 3, 0), ("programs", 2, 1)]
    assert proving.graphs(_console(), tmp_path, jobs=1, tasks=tasks) == OK
    assert "proved: all labelled graphs of 3 vertices" in capsys.readouterr().out
    record = json.loads((tmp_path / "graphs" / "reverse_accumulation.json").read_text())
    assert [row["count"] for row in record["claims"]] == [8, 25, 30]
    slip = vjp_with_a_slip("overwritten instead of added")
    monkeypatch.setattr(backprop, "vjp", lambda graph, values, seeds, of: slip(graph, values, seeds))
    assert proving.graphs(_console(), tmp_path, jobs=1, tasks=tasks) == NOT_OK
    assert "REFUTED at parents" in capsys.readouterr().out
