"""The labelling algorithm is right on every network, and no node needs more than its neighbours."""

from __future__ import annotations

import gc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import b_diagrams, extended_network, generic, rojas_layers, training
from reference_nets.b_diagrams import Connection, Diagram, DiagramError, LocalityError, Place, Wire, product, unit
from tests.reference_nets.exact_numbers import (
    Dual,
    all_fractions,
    assert_caught,
    exact_search,
    random_rationals,
    rationals,
    slope,
)

UNITS = tuple(unit(f) for f in (generic.identity, generic.square, generic.bump))


@st.composite
def diagrams(draw):
    """(nodes, connections, values of the inputs, output): fan-out, parallel wires, products, dead ends."""
    names = [f"x{k}" for k in range(draw(st.integers(1, 3)))]
    nodes, connections = dict.fromkeys(names), []
    values = dict(zip(names, draw(rationals(len(names))), strict=True))
    for number in range(draw(st.integers(1, 5))):
        primitive = draw(st.sampled_from((*UNITS, product)))
        count = 2 if primitive is product else draw(st.integers(1, 3))
        starts = [draw(st.sampled_from(list(nodes))) for _ in range(count)]
        weights = draw(rationals(count))
        connections += [Connection(s, f"n{number}", w) for s, w in zip(starts, weights, strict=True)]
        nodes[f"n{number}"] = primitive
    output = draw(st.sampled_from([name for name in nodes if nodes[name] is not None]))
    return nodes, draw(st.permutations(connections)), values, output


def output_of(nodes, connections, values, output):
    diagram = Diagram(nodes, connections)
    diagram.feed_forward(values)
    return diagram.places[output].right


def formal_derivatives(nodes, connections, values, output):
    """By every input and every weight, with dual numbers: forward evaluation alone, once per derivative."""
    by_inputs = {
        name: slope(output_of(nodes, connections, values | {name: Dual(value, Fraction(1))}, output))
        for name, value in values.items()
    }
    by_weights = []
    for k, wire in enumerate(connections):
        moved = [*connections]
        moved[k] = wire._replace(weight=Dual(wire.weight, Fraction(1)))
        by_weights.append(slope(output_of(nodes, moved, values, output)))
    return by_inputs, by_weights


@exact_search
@given(diagrams())
def test_what_is_collected_is_the_derivative_on_every_network(problem):
    """Proposition 11, and dE/dw_ij = o_i delta_j for every wire."""
    nodes, connections, values, output = problem
    diagram = Diagram(nodes, connections)
    diagram.feed_forward(values)
    diagram.backpropagate(output)
    by_inputs, by_weights = formal_derivatives(*problem)
    collected = {name: diagram.places[name].collected for name in values}
    assert collected == by_inputs
    assert [wire.slope for wire in diagram.wires] == by_weights
    assert all_fractions([*collected.values(), *(wire.slope for wire in diagram.wires)])


# Wrong twins of the step backwards ------------------------------------------------------------------------------------


def last_arrival_only(here, fed=None):
    """Traffic is overwritten instead of added."""
    total = generic.zeros_like(here.right) if fed is None else fed
    for wire in here.outgoing:
        total = wire.weight * wire.backward
    send(here, total)


def without_weight(here, fed=None):
    total = generic.zeros_like(here.right) if fed is None else fed
    send(here, total + sum(wire.backward for wire in here.outgoing))


def first_partial_for_all(here, fed=None):
    """One left label for a product, which needs two."""
    total = generic.zeros_like(here.right) if fed is None else fed
    total = total + sum(wire.weight * wire.backward for wire in here.outgoing)
    here.collected = total
    for wire in here.incoming:
        wire.backward = total * here.left[0]


right_step = b_diagrams.step_backward


def nothing_fed(here, fed=None):
    right_step(here)


def send(here, total):
    here.collected = total
    labels = here.left * len(here.incoming) if len(here.left) == 1 else here.left
    for wire, label in zip(here.incoming, labels, strict=True):
        wire.backward = total * label


@pytest.mark.parametrize("step", [last_arrival_only, without_weight, first_partial_for_all, nothing_fed])
def test_wrong_steps_are_caught(step, monkeypatch):
    monkeypatch.setattr(b_diagrams, "step_backward", step)

    def is_wrong(problem):
        nodes, connections, values, output = problem
        diagram = Diagram(nodes, connections)
        diagram.feed_forward(values)
        diagram.backpropagate(output)
        return {name: diagram.places[name].collected for name in values} != formal_derivatives(*problem)[0]

    assert_caught(diagrams(), is_wrong)


# Locality -------------------------------------------------------------------------------------------------------------


def chain():
    """x -> a -> b -> c, and x -> c."""
    nodes = {"x": None} | dict.fromkeys("abc", unit(generic.square))
    return Diagram(nodes, [Connection(*pair, Fraction(2)) for pair in ("xa", "ab", "bc", "xc")])


def reachable(start):
    """Everything that can be reached from an object through its attributes, classes and modules left out."""
    seen, todo = {id(start): start}, [start]
    while todo:
        for found in gc.get_referents(todo.pop()):
            if id(found) not in seen and not isinstance(found, type) and not callable(found):
                seen[id(found)] = found
                todo.append(found)
    return list(seen.values())


def test_from_a_place_no_other_place_can_be_reached():
    """The steps are handed a place alone, and all that can be reached from it is its own wires."""
    diagram = chain()
    diagram.feed_forward({"x": Fraction(3)})
    for place in diagram.places.values():
        found = reachable(place)
        assert [p for p in found if isinstance(p, Place)] == [place]
        wires = [w for w in found if isinstance(w, Wire)]
        assert all(place.name in (wire.start, wire.end) for wire in wires)
        assert len(wires) == len(place.incoming) + len(place.outgoing)


def test_the_walk_finds_a_place_that_is_not_local():
    """The twin of the test above: a place that holds a reference to another is found out."""
    diagram = chain()
    diagram.places["a"].left = (diagram.places["c"],)
    assert any(p is diagram.places["c"] for p in reachable(diagram.places["a"]))


def test_the_steps_see_nothing_but_the_place():
    """No global, no closure: what they name is the zero of a number type and functions of the language."""
    for step in (b_diagrams.step_forward, b_diagrams.step_backward):
        assert step.__closure__ is None
        named = set(step.__code__.co_names) & set(vars(b_diagrams))
        assert named <= {"zeros_like"}


def test_asking_for_a_node_that_is_no_neighbour_is_an_error():
    diagram = chain()
    assert diagram.places["a"].wire("b").end == "b" and diagram.places["a"].wire("x").start == "x"
    with pytest.raises(LocalityError, match="node a has no wire to c; a node reaches its neighbours only"):
        diagram.places["a"].wire("c")
    with pytest.raises(LocalityError):
        diagram.places["a"].wire("a")


def test_a_step_that_reaches_too_far_stops_the_run(monkeypatch):
    monkeypatch.setattr(b_diagrams, "step_forward", lambda here: here.wire("c"))
    with pytest.raises(LocalityError):
        chain().feed_forward({"x": Fraction(1)})


# Labels, errors, learning ---------------------------------------------------------------------------------------------


def test_both_halves_and_the_error_of_every_node():
    """x = 3: a = (2 * 3)^2, b = (2 a)^2, c = (2 b + 2 x)^2, with the derivatives 2 s on the left."""
    diagram = chain()
    diagram.feed_forward({"x": Fraction(3)})
    diagram.backpropagate("c")
    a, b, c = (diagram.places[name] for name in "abc")
    assert (a.right, b.right, c.right) == (36, 72**2, (2 * 72**2 + 6) ** 2)
    assert (a.left, b.left, c.left) == ((12,), (144,), (2 * (2 * 72**2 + 6),))
    assert c.error == c.left[0] and b.error == 2 * c.error * 144 and a.error == 2 * b.error * 12
    assert diagram.places["x"].collected == 2 * a.error + 2 * c.error


def layered_problem(kind):
    matrices = random_rationals(1, 3, 2) / 9, random_rationals(2, 3, 2) / 9
    x, t = (random_rationals(seed, 2, 2) / 9 for seed in (3, 4))
    if kind is float:
        matrices, x, t = tuple(m.astype(float) for m in matrices), x.astype(float), t.astype(float)
    return matrices, (generic.square, generic.identity), x, t


def as_diagram(matrices, activations, x, t):
    one = x[0, 0] * 0 + 1
    outputs = extended_network.layer_names((2, 2, 2))[-1]
    diagram = extended_network.extended(*extended_network.layered(matrices, activations), outputs, one=one)
    patterns = [
        {extended_network.ONE: one}
        | {f"x{k}": v for k, v in enumerate(row)}
        | {extended_network.target(name): v for name, v in zip(outputs, target, strict=True)}
        for row, target in zip(x, t, strict=True)
    ]
    return diagram, patterns


def weights_of(diagram):
    return [wire.weight for wire in diagram.wires if not wire.fixed]


def test_nodes_that_know_their_neighbours_learn_what_the_matrices_learn():
    """Online learning, wire by wire and in matrices, from the same start: equal weights and errors, exactly."""
    problem = layered_problem(Fraction)
    diagram, patterns = as_diagram(*problem)
    curve = extended_network.learn(diagram, patterns, rate=Fraction(1, 50), rounds=2)
    matrices, expected = rojas_layers.learn(*problem, rate=Fraction(1, 50), rounds=2, online=True)
    assert curve == expected
    assert weights_of(diagram) == [entry for matrix in matrices for entry in np.ravel(matrix)]
    assert curve[2] < curve[1] < curve[0]
    assert {wire.weight for wire in diagram.wires if wire.fixed} == {1, -1}


def test_learning_a_wire_at_a_time_is_another_path():
    """The twin: each wire is corrected, then the network is run again before the next.  That is not the gradient."""
    problem = layered_problem(Fraction)
    (diagram, patterns), (twin, _) = as_diagram(*problem), as_diagram(*problem)
    extended_network.slopes(diagram, patterns[0])
    diagram.correct(Fraction(1, 50))
    for wire in twin.wires:
        extended_network.slopes(twin, patterns[0])
        wire.correct(Fraction(1, 50))
    assert weights_of(diagram) != weights_of(twin)


def test_exclusive_or_is_learnt_by_nodes():
    rng = np.random.default_rng(4)
    matrices = rng.normal(size=(3, 3)), rng.normal(size=(4, 1))
    activations = generic.symmetric_sigmoid(), generic.logistic()
    nodes, connections = extended_network.layered(matrices, activations)
    diagram = extended_network.extended(nodes, connections, ["2.0"], one=1.0)
    patterns = [
        {"1": 1.0, "x0": a, "x1": b, "t(2.0)": t} for (a, b), (t,) in zip(*training.exclusive_or(), strict=True)
    ]
    curve = extended_network.learn(diagram, patterns, rate=2.0, rounds=400)
    assert curve[-1] < curve[0] / 20


def test_a_wire_corrects_itself_only_after_both_runs():
    diagram = chain()
    diagram.feed_forward({"x": Fraction(1)})
    with pytest.raises(DiagramError, match="has not been run in both directions yet"):
        diagram.correct(Fraction(1))
    diagram.backpropagate("c")
    diagram.correct(Fraction(0))
    diagram.feed_forward({"x": Fraction(2)})
    with pytest.raises(DiagramError, match="has not been run in both directions yet"):
        diagram.correct(Fraction(1))


def test_depth_is_no_limit():
    length = 20_000
    nodes = {"n0": None} | {f"n{k + 1}": UNITS[0] for k in range(length)}
    diagram = Diagram(nodes, [Connection(f"n{k}", f"n{k + 1}", 1) for k in range(length)])
    diagram.feed_forward({"n0": 5})
    diagram.backpropagate(f"n{length}")
    assert diagram.places["n0"].collected == 1


def test_what_is_no_network_is_refused():
    add = UNITS[0]
    with pytest.raises(DiagramError, match=r"these nodes wait for each other: \['a', 'b'\]"):
        nodes = {"x": None, "a": add, "b": add}
        Diagram(nodes, [Connection(*pair, 1) for pair in ("xa", "ba", "ab")]).feed_forward({"x": 1})
    with pytest.raises(DiagramError, match="node a is no input, but no wire leads to it"):
        Diagram({"a": add}, [])
    with pytest.raises(DiagramError, match="node x is an input, but wires lead to it"):
        Diagram({"x": None, "y": None}, [Connection("y", "x", 1)])
    with pytest.raises(DiagramError, match="names z, which is not a node"):
        Diagram({"x": None}, [Connection("x", "z", 1)])
    with pytest.raises(DiagramError, match="node p has 1 incoming wires, but product takes 2"):
        Diagram({"x": None, "p": product}, [Connection("x", "p", 1)])
    with pytest.raises(DiagramError, match=r"values are needed for the inputs \['x'\], but came for \['y'\]"):
        chain().feed_forward({"y": 1})
    with pytest.raises(DiagramError, match="backpropagate before feed_forward"):
        chain().backpropagate("c")
    with pytest.raises(DiagramError, match="q is not a node"):
        chain().backpropagate("q")
    with pytest.raises(DiagramError, match="has no single back-propagated error"):
        _ = chain().places["a"].error
    with pytest.raises(DiagramError, match="the output q is not a node"):
        extended_network.extended({"x": None}, [], ["q"])
