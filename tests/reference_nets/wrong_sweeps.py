"""The reverse sweep in its simplest form with one slip, and the measure by which a slip shows."""

from __future__ import annotations

from reference_nets import backprop


def adjoint_gap(vjp, problem):
    """The problem's <seeds, J d> - <J^T seeds, d>."""
    return backprop.adjoint_gap(*problem, reverse=vjp)


def vjp_with_a_slip(slip):
    """The reverse sweep in its simplest form, with one slip."""

    def vjp(graph, values, seeds):
        adjoints = {name: value * 0 for name, value in values.items()} | seeds
        order = graph.order if slip == "vertices are visited in forward order" else graph.order[::-1]
        for number in order:
            vertex = graph.vertices[number]
            operation = vertex.operation
            x, y, c = (tuple(d[v] for v in names) for d, names in _slots(vertex, values, adjoints))
            if slip == "only the first output is pulled back":
                c = (c[0], *(0 * later for later in c[1:]))
            contributions = operation.vjp(x, y, c)
            if slip == "the seed of an inner variable is dropped":
                for name in vertex.inputs:
                    if name in seeds and name not in graph.sources:
                        adjoints[name] = adjoints[name] - seeds[name]
            pairs = list(zip(vertex.inputs, contributions, strict=True))
            if slip == "parents are a set":
                pairs = list(dict(pairs).items())
            for name, contribution in pairs:
                if slip == "overwritten instead of added":
                    adjoints[name] = contribution
                else:
                    adjoints[name] = adjoints[name] + contribution
        return adjoints

    return vjp


def _slots(vertex, values, adjoints):
    return (values, vertex.inputs), (values, vertex.outputs), (adjoints, vertex.outputs)


SLIPS = [
    "vertices are visited in forward order",
    "only the first output is pulled back",
    "the seed of an inner variable is dropped",
    "parents are a set",
    "overwritten instead of added",
]
