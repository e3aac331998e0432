"""A small tape over NumPy's arrays, right, and with one classic error at a time."""

import numpy as np

from gradcheck.subjects.programs import HALF, LENGTH, Language, words

FAULTS = (
    "overwrites",
    "numbers are used again",
    "breadth first",
    "parents are a set",
    "adjoints share a buffer",
    "writing through a view is lost",
    "a view keeps the old values",
    "adjoints stay from the last backward",
    "saved arrays are freed",
    "the second output is forgotten",
)


class Node:
    """An array on the tape: its parents, each with the function that pulls a cotangent back to it."""

    count = 0

    def __init__(self, value, links=()):
        self.value, self.links, self.grad, self.freed = value, list(links), None, False
        Node.count += 1
        self.number = Node.count

    def __add__(self, other):
        return Node(self.value + other.value, [(self, lambda g: g), (other, lambda g: g)])

    def __sub__(self, other):
        return Node(self.value - other.value, [(self, lambda g: g), (other, lambda g: -g)])

    def __neg__(self):
        return Node(-self.value, [(self, lambda g: -g)])

    def __mul__(self, other):
        return Node(
            self.value * other.value,
            [
                (self, lambda g: _to(g * other.value, self.value)),
                (other, lambda g: _to(g * self.value, other.value)),
            ],
        )

    def __pow__(self, two):
        assert two == 2
        return Node(self.value**2, [(self, lambda g: 2 * g * self.value)])

    def __getitem__(self, key):
        def back(g):
            whole = np.zeros_like(self.value)
            whole[key] = g
            return whole

        return Node(self.value[key], [(self, back)])

    def linear(self, there, back):
        return Node(there(self.value), [(self, back)])

    def sum(self):
        return self.linear(lambda v: np.sum(v, keepdims=True), lambda g: np.broadcast_to(g, LENGTH))

    def reshape(self, *shape):
        return self.linear(lambda v: v.reshape(*shape), lambda g: g.reshape(self.value.shape))

    @property
    def T(self):  # NumPy's name
        return self.linear(lambda v: v.T, lambda g: g.T)


def _to(g, value):
    """The sum over what was spread: a vector of one entry beside a vector."""
    return np.sum(g, keepdims=True) if g.shape != value.shape else g


def joined(x, y):
    k = len(x.value)
    return Node(np.concatenate((x.value, y.value)), [(x, lambda g: g[:k]), (y, lambda g: g[k:])])


def sin(x):
    return Node(np.sin(x.value), [(x, lambda g: g * np.cos(x.value))])


def tanh(x):
    y = np.tanh(x.value)
    return Node(y, [(x, lambda g: g * (1 - y) * (1 + y))])


def _order(root, fault):
    """Nodes before their parents: by number, which grows; or wrongly."""
    seen, stack = {}, [root]
    while stack:
        node = stack.pop(0)
        if id(node) not in seen:
            seen[id(node)] = node
            stack += [parent for parent, _ in node.links]
    nodes = list(seen.values())
    if fault == "breadth first":
        return nodes
    key = (lambda n: n.number % 5) if fault == "numbers are used again" else (lambda n: n.number)
    return [root, *(n for n in sorted(nodes, key=key, reverse=True) if n is not root)]


def backward(root, seed, fault):
    """Add the adjoints into ``grad`` of the leaves, those without links."""
    order = _order(root, fault)
    if fault != "adjoints stay from the last backward":
        for node in order:
            if node.links:
                node.grad = None
    root.grad = seed
    for node in order:
        if node.grad is None or (node.freed and fault == "saved arrays are freed"):
            continue
        links = node.links
        if fault == "parents are a set":
            links = {id(parent): (parent, pull) for parent, pull in links}.values()
        for parent, pull in links:
            contribution = pull(node.grad)
            if parent.grad is None or fault == "overwrites":
                parent.grad = contribution if fault == "adjoints share a buffer" else np.array(contribution)
            elif fault == "adjoints share a buffer" and parent.grad.flags.writeable:
                parent.grad += contribution
            else:
                parent.grad = parent.grad + contribution
        node.freed = bool(node.links)


def language(fault=""):
    """The words of the tape; with a fault, the one that it touches is wrong."""

    def scaled_ahead(x, y):
        scaled = joined(x[:HALF] * y[:HALF], x[HALF:])
        if fault == "writing through a view is lost":  # the value is right, and the tape knows nothing of it
            return Node(scaled.value, [(x, lambda g: g)])
        return scaled

    def watched(x, y):
        changed = (x + y)[::-1]
        return Node(changed.value, x[::-1].links) if fault == "a view keeps the old values" else changed

    own = words(joined, sin=sin, tanh=tanh, scaled_ahead=scaled_ahead, watched=watched)

    def gradients(program, leaves, cotangents):
        made = [Node(np.array(x)) for x in leaves]
        twice = program.manner in ("twice", "again")
        for _ in range(1 + (program.manner == "again")):
            outputs = program.run(own, made)
            pairs = list(zip(outputs, cotangents, strict=True))
            if fault == "the second output is forgotten":
                pairs = pairs[:1]
            losses = [y * Node(np.array(g)) for y, g in pairs]
            whole = losses[0]
            for loss in losses[1:]:
                whole = whole + loss
            for loss in losses if program.manner == "apart" else [whole]:
                for _ in range(1 + (program.manner == "twice")):
                    backward(loss, np.ones(LENGTH), fault)
        grads = [np.zeros(LENGTH) if x.grad is None else x.grad / (2 if twice else 1) for x in made]
        return [np.array(y.value) for y in outputs], grads

    return Language(own, ("once", "twice", "apart", "again"), gradients)


class Tape:
    """The tape as a subject: ``tests.subjects.wrong_engines:Tape``."""

    name, version, fault = "tape", "1", ""

    def implementation(self, operator, params):
        return None

    def supports(self, operator, dtype):
        return False

    def language(self):
        return language(self.fault)


class Overwriting(Tape):
    fault = "overwrites"
