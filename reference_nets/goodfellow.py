"""The algorithms of section 6.5 of Goodfellow, Bengio and Courville, Deep Learning (2016), on graphs of variables.

The vertices are variables u, each with the operation f that computes it from its parents, in order and with
repetition; a vertex that is read twice, by two vertices or by one, is a parent twice.

Algorithm 6.1, forward propagation: visit the variables so that parents come first; u_i = f_i(parents of u_i).

Algorithm 6.2, table-filling back-propagation for scalars: with n the number of the output,

    table[n] = 1,      table[j] = sum over i, and over the slots of i that read j, of table[i] * d u_i / d u_j

The sum visits every edge once.  The table is what makes this cheap: k diamonds in a row have 2^k paths and 2k edges.

Algorithms 6.5 and 6.6, the general form for tensors: build_grad(V) adds, for every consumer C of V, what
op.bprop(inputs, X, G) gives, the transposed Jacobian of C's operation by the input X, applied to the gradient G at C.
Three readings of the page matter (each of the other readings is an error, see ``wrong_graphs``):

* bprop treats all its inputs as distinct even if they are one variable.  X is therefore a slot, not a variable, and
  mul(x, x) is asked twice, once for each.
* The gradient is computed in the graph pruned to what lies between the targets and z, but the inputs handed to bprop
  are those of the whole graph: d(w x)/dw needs x though nothing is differentiated by x.
* A target that z does not depend on is in no pruned graph; its gradient is the zero of its own space.

Given numbers these compute numbers (symbol-to-number); given symbols they give a graph (symbol-to-symbol), which can
be differentiated again.  The book writes build_grad as a recursion; here a list of what is still to do stands for the
call stack, so that the depth of the graph is not limited by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from reference_nets import operations
from reference_nets.generic import Value, ones_like, zeros_like
from reference_nets.graph import Graph, GraphError, Values, Vertex, ancestors
from reference_nets.graph_models import VariableGraph, variable_graph
from reference_nets.symbols import Drawing

Assignment = Mapping[str, Value]


def forward_propagation(graph: VariableGraph, inputs: Assignment) -> dict[str, Value]:
    """Algorithm 6.1: the value of every variable."""
    if set(inputs) != set(graph.folded.sources):
        raise GraphError(f"values are needed for {sorted(graph.folded.sources)}, but came for {sorted(inputs)}")
    u = dict(inputs)
    for number in graph.folded.order:
        vertex = graph.folded.vertices[number]
        parents = tuple(u[name] for name in vertex.inputs)
        (u[vertex.outputs[0]],) = vertex.operation.evaluate(*parents)
    return u


def table_filling(graph: VariableGraph, u: Assignment, output: str) -> dict[str, Value]:
    """Algorithm 6.2: d output / d u_j for every scalar variable u_j, from their values u."""
    folded, table = graph.folded, {name: zeros_like(value) for name, value in u.items()}
    partials = {vertex.outputs[0]: _partials(graph, number, u) for number, vertex in enumerate(folded.vertices)}
    table[output] = ones_like(u[output])
    later_first = [folded.vertices[number].outputs[0] for number in reversed(folded.order)] + list(folded.sources)
    for j in later_first:
        for number, slot in folded.readers[j]:
            i = folded.vertices[number].outputs[0]
            table[j] = table[j] + table[i] * partials[i][slot]
    return table


def _partials(graph: VariableGraph, number: int, u: Assignment) -> Values:
    """The partials d u_i / d (slot k) of one scalar vertex, for all its slots."""
    vertex = graph.folded.vertices[number]
    value = u[vertex.outputs[0]]
    if np.shape(value) != ():
        raise GraphError(
            f"'{vertex}' has shape {np.shape(value)}; the table is for scalars, build_gradients for tensors"
        )
    return vertex.operation.vjp(tuple(u[name] for name in vertex.inputs), (value,), (ones_like(value),))


def build_gradients(
    graph: VariableGraph, u: Assignment, z: str, targets: Iterable[str], seed: Value | None = None
) -> dict[str, Value]:
    """Algorithm 6.5: the gradients of z, or of the sum of seed * z, by the targets.

    Without a seed z must be a scalar.  ``u`` holds numbers, arrays or symbols, and so does what comes out.
    """
    targets = tuple(targets)
    for name in (z, *targets):
        if name not in u:
            raise GraphError(f"{name} is not a variable of the graph")
    if seed is None:
        (seed,) = operations.one(u[z])
    elif np.shape(seed) != np.shape(u[z]):
        raise GraphError(f"the seed has shape {np.shape(seed)}, but {z} has shape {np.shape(u[z])}")
    between = ancestors(graph.folded, [z]) & _descendants(graph.folded, targets)
    table: dict[str, Value] = {z: seed}
    asked: dict[int, Values] = {}
    for target in targets:
        _build_grad(target, graph.folded, between, u, table, asked)
    return {target: table[target] for target in targets}


def _build_grad(
    target: str, graph: Graph, between: set[str], u: Assignment, table: dict[str, Value], asked: dict[int, Values]
) -> None:
    """Algorithm 6.6: put the gradient by ``target`` into the table, and whatever it needs before it."""
    to_do = [target]
    while to_do:
        v = to_do[-1]
        consumers = [
            (number, slot) for number, slot in graph.readers[v] if graph.vertices[number].outputs[0] in between
        ]
        needed = {number: graph.vertices[number].outputs[0] for number, _ in consumers}
        unknown = [c for c in needed.values() if c not in table]
        if v not in table and unknown:
            to_do.extend(unknown)
            continue
        to_do.pop()
        if v in table:
            continue
        for number, c in needed.items():
            if number not in asked:
                asked[number] = _bprop(graph.vertices[number], u, table[c])
        gradient = None
        for number, slot in consumers:
            g = asked[number][slot]
            gradient = g if gradient is None else gradient + g
        table[v] = zeros_like(u[v]) if gradient is None else gradient


def _bprop(vertex: Vertex, u: Assignment, gradient: Value) -> Values:
    """op.bprop(inputs, X, G) for every slot X at once, since the slots share their work."""
    inputs = tuple(u[name] for name in vertex.inputs)  # of the whole graph, not of the pruned one
    return vertex.operation.vjp(inputs, (u[vertex.outputs[0]],), (gradient,))


def _descendants(graph: Graph, names: Iterable[str]) -> set[str]:
    found = set(names)
    for number in graph.order:
        vertex = graph.vertices[number]
        if not found.isdisjoint(vertex.inputs):
            found.update(vertex.outputs)
    return found


def symbol_to_symbol(graph: VariableGraph, z: str, targets: Iterable[str]) -> tuple[VariableGraph, dict[str, str]]:
    """The graph with the gradient of the scalar z in it, and the name of the variable dz/dx for every target x."""
    drawing = Drawing(graph.folded)
    symbols = {name: drawing.variable(name) for name in graph.folded.variables}
    gradients = build_gradients(graph, symbols, z, targets)
    return variable_graph(drawing.graph()), {name: symbol.name for name, symbol in gradients.items()}
