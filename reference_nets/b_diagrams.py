"""Backpropagation as the labelling of a graph by nodes that know their neighbours only: Rojas's B-diagrams.

Every node has two halves.  Its RIGHT half stores its output o, its LEFT half the derivative of o by what came in:

* a unit adds up what comes in, s_j = sum_i w_ij o_i; right o_j = f_j(s_j), left the one number f_j'(s_j);
* a node that combines its inputs otherwise, as a product does, stores one partial derivative per incoming wire.

A wire multiplies what passes by its weight, in both directions.  The labelling algorithm:

  forward    every node that has heard from all its incoming wires computes and stores both halves, then sends o;
  backward   the constant 1 is fed into the output node.  Every node that has heard from all its outgoing wires ADDS
             what arrived, multiplies by its left label (by the partial of the wire, if it stores several) and sends
             the product into its incoming wires.

What is collected at an input node is then the derivative of the output by that input, for every feed-forward network
(proposition 11; by induction on the nodes: a node multiplies as the chain rule does in a composition, and a fan-out
adds). For learning, dE/dw_ij = o_i delta_j, where delta_j is what node j sends into the wire: both ends of the wire
have been told to it, so a wire corrects its own weight, w_ij <- w_ij - gamma o_i delta_j.

LOCALITY is enforced.  ``step_forward`` and ``step_backward``, the whole of the algorithm, are handed a ``Place``: the
halves of one node, and the near ends of its own wires.  From there no other node can be reached; asking for a wire that
a node does not have is a ``LocalityError``.  The rest is a clock that starts a node once its messages are complete.

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), sections 7.2.2 to 7.2.4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from reference_nets.generic import Activation, Value, ones_like, zeros_like


class DiagramError(ValueError):
    """What is wrong with a network, or with what was handed to it."""


class LocalityError(LookupError):
    """A node asked for something that is not at one of its own wires."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """What a node computes of its inputs, in the order of its wires: (o, the left label or labels)."""

    name: str
    labels: Callable[[tuple[Value, ...]], tuple[Value, tuple[Value, ...]]]
    wires: int | None = None
    """How many wires it needs; None for any number."""


def unit(activation: Activation) -> Primitive:
    """A node that adds up its inputs and applies an activation: one left label for all wires."""

    def labels(inputs: tuple[Value, ...]) -> tuple[Value, tuple[Value, ...]]:
        s = inputs[0]
        for value in inputs[1:]:
            s = s + value
        return activation.function(s), (activation.derivative(s),)

    return Primitive(activation.name, labels)


product = Primitive("product", lambda inputs: (inputs[0] * inputs[1], (inputs[1], inputs[0])), wires=2)
"""A node of two wires that multiplies; each wire has a partial of its own."""


@dataclass(slots=True)
class Wire:
    """An edge with its weight, and the two messages under way, as they were sent in: o forward, delta backward."""

    start: str
    end: str
    weight: Value
    fixed: bool = False
    forward: Value | None = None
    backward: Value | None = None

    @property
    def slope(self) -> Value:
        """dE/dw_ij = o_i delta_j: both factors have passed through this wire."""
        if self.forward is None or self.backward is None:
            raise DiagramError(f"the wire {self.start} -> {self.end} has not been run in both directions yet")
        return self.forward * self.backward

    def correct(self, rate: Value) -> None:
        """w <- w - rate dE/dw, unless the weight is fixed."""
        if not self.fixed:
            self.weight = self.weight - rate * self.slope


@dataclass(slots=True)
class Place:
    """All that one node can reach: its two halves, its collected traffic, and the near ends of its own wires."""

    name: str
    primitive: Primitive | None
    """None for an input node: its right half is given from outside."""
    incoming: list[Wire] = field(default_factory=list)
    outgoing: list[Wire] = field(default_factory=list)
    right: Value | None = None
    left: tuple[Value, ...] = ()
    collected: Value | None = None

    def wire(self, neighbour: str) -> Wire:
        """The wire to or from a neighbour; a ``LocalityError`` if there is none."""
        for wire in (*self.incoming, *self.outgoing):
            if neighbour in (wire.start, wire.end) and neighbour != self.name:
                return wire
        raise LocalityError(f"node {self.name} has no wire to {neighbour}; a node reaches its neighbours only")

    @property
    def error(self) -> Value:
        """The back-propagated error delta of a unit: the collected traffic times the left label."""
        if self.collected is None or len(self.left) != 1:
            raise DiagramError(f"node {self.name} has no single back-propagated error: run backwards, and ask a unit")
        return self.collected * self.left[0]


def step_forward(here: Place) -> None:
    """Label both halves from what came in, and send the output into every outgoing wire."""
    if here.primitive is not None:
        arrived = tuple(wire.weight * wire.forward for wire in here.incoming)
        here.right, here.left = here.primitive.labels(arrived)
    here.collected = None
    for wire in here.outgoing:
        wire.forward, wire.backward = here.right, None  # what came back belonged to older values


def step_backward(here: Place, fed: Value | None = None) -> None:
    """Add up what came back (and what is fed in), and send it, times the left label, into every incoming wire."""
    total = zeros_like(here.right) if fed is None else fed
    for wire in here.outgoing:
        total = total + wire.weight * wire.backward
    here.collected = total
    labels = here.left * len(here.incoming) if len(here.left) == 1 else here.left
    for wire, label in zip(here.incoming, labels, strict=True):
        wire.backward = total * label


class Connection(NamedTuple):
    """One edge of a network to be built; a fixed weight is not learnt."""

    start: str
    end: str
    weight: Value
    fixed: bool = False


class Diagram:
    """A network of nodes and wires, and the clock that starts the nodes.

    ``nodes`` maps names to what they compute, None for inputs.  The wires of a node come in the order of
    ``connections``; two nodes may be joined by several.
    """

    def __init__(self, nodes: Mapping[str, Primitive | None], connections: Iterable[Connection]) -> None:
        self.places = {name: Place(name, primitive) for name, primitive in nodes.items()}
        self.wires: list[Wire] = []
        for start, end, weight, fixed in connections:
            for name in (start, end):
                if name not in self.places:
                    raise DiagramError(f"the connection {start} -> {end} names {name}, which is not a node")
            wire = Wire(start, end, weight, fixed)
            self.wires.append(wire)
            self.places[start].outgoing.append(wire)
            self.places[end].incoming.append(wire)
        for place in self.places.values():
            if (place.primitive is None) == bool(place.incoming):
                kind = "an input, but wires lead to it" if place.incoming else "no input, but no wire leads to it"
                raise DiagramError(f"node {place.name} is {kind}")
            if place.primitive is not None and place.primitive.wires not in (None, len(place.incoming)):
                raise DiagramError(
                    f"node {place.name} has {len(place.incoming)} incoming wires, "
                    f"but {place.primitive.name} takes {place.primitive.wires}"
                )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The nodes whose values are given from outside."""
        return tuple(name for name, place in self.places.items() if place.primitive is None)

    def feed_forward(self, values: Mapping[str, Value]) -> None:
        """Label all nodes, from one value per input."""
        if set(values) != set(self.inputs):
            raise DiagramError(f"values are needed for the inputs {sorted(self.inputs)}, but came for {sorted(values)}")
        for name, value in values.items():
            self.places[name].right = value
        self._clock(
            step_forward,
            waiting={name: len(place.incoming) for name, place in self.places.items()},
            told=lambda place: [wire.end for wire in place.outgoing],
        )

    def backpropagate(self, output: str) -> None:
        """Feed the constant 1 into the output node and run the network backwards; ``collected`` is then dF/do everywhere."""
        if output not in self.places:
            raise DiagramError(f"{output} is not a node")
        if self.places[output].right is None:
            raise DiagramError("backpropagate before feed_forward: the left halves are not labelled yet")

        def step(here: Place) -> None:
            step_backward(here, fed=ones_like(here.right) if here.name == output else None)

        self._clock(
            step,
            waiting={name: len(place.outgoing) for name, place in self.places.items()},
            told=lambda place: [wire.start for wire in place.incoming],
        )

    def correct(self, rate: Value) -> None:
        """Every wire corrects its weight, after all messages have passed."""
        for wire in self.wires:
            wire.correct(rate)

    def _clock(
        self, step: Callable[[Place], None], waiting: dict[str, int], told: Callable[[Place], list[str]]
    ) -> None:
        """Start each node as soon as its last message has come; a node on a cycle never is."""
        ready = deque(name for name, count in waiting.items() if count == 0)
        started = 0
        while ready:
            place = self.places[ready.popleft()]
            step(place)
            started += 1
            for name in told(place):
                waiting[name] -= 1
                if waiting[name] == 0:
                    ready.append(name)
        if started < len(self.places):
            raise DiagramError(f"these nodes wait for each other: {sorted(n for n, count in waiting.items() if count)}")
