"""Whole programs in one description that every framework can build: what no single operator shows, they do.

A program is a list of steps on vectors of ``LENGTH`` numbers.  Each step reads variables by number: the leaves come
first, then the steps in order.  A variable may be read by many steps (fan-out), twice by one (op(x, x)), by two that
meet again (a diamond), or by none; it may be seen through a view, and be changed in place.  ``OPERATIONS`` says in NumPy
what each step means, without views that are written to, so that this text is the claim against which a framework's
gradient is judged.

A framework is a ``Language``: a word of its own for each operation, and its way to the gradients.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Exhibit

LENGTH = 4
"""Entries of every variable: two by two, so that it can be transposed."""

HALF = LENGTH // 2

Word = Callable[..., Any]

MANNERS = {
    "once": "one backward pass over all outputs",
    "twice": "the same backward pass twice over one graph",
    "apart": "one backward pass for each output over one graph",
    "again": "the program built twice on the same leaves, a backward pass each",
    "forward": "forward mode: the derivatives of all outputs along each entry of the leaves",
    "second": "the gradient of the derivative along a fixed direction: a backward pass through a backward pass",
}
"""How the gradient is asked for; of all but the last the answer is the same."""


def words(joined: Word, *, sin: Word | None = None, tanh: Word | None = None, **own: Word) -> dict[str, Word]:
    """A word for each operation, out of what most array packages share; ``own`` are a framework's other ones.

    ``joined(x, y)`` lays one behind the other.  Without ``sin`` and ``tanh`` the programs are polynomials.
    """
    plain: dict[str, Word] = {
        "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y,
        "multiply": lambda x, y: x * y,
        "negative": lambda x: -x,
        "square": lambda x: x**2,
        "reversed": lambda x: x[::-1],
        "transposed": lambda x: x.reshape(2, HALF).T.reshape(LENGTH),
        "spliced": lambda x, y: joined(x[:HALF], y[HALF:]),
        "led": lambda x, y: x[:1] * y,
        "totalled": lambda x, y: y * x.sum(),  # in this order: y has many entries, and it knows what to do
        "increased": lambda x, y: x + y,
        "scaled_ahead": lambda x, y: joined(x[:HALF] * y[:HALF], x[HALF:]),
        "watched": lambda x, y: (x + y)[::-1],
    }
    smooth = {name: word for name, word in (("sin", sin), ("tanh", tanh)) if word is not None}
    return {**plain, **smooth, **own}


OPERATIONS = words(
    lambda x, y: np.concatenate((x, y)), sin=np.sin, tanh=np.tanh, totalled=lambda x, y: np.sum(x, keepdims=True) * y
)
"""What the operations mean.

``reversed`` and ``transposed`` look at x otherwise; ``spliced`` has the first half of x and the second of y; ``led`` is
y times the first entry of x, ``totalled`` y times the sum of x.  In a framework that has it, three happen in place, on a
copy of x: ``increased`` adds y to it, ``scaled_ahead`` multiplies its first half, through a view, by that of y, and
``watched`` adds y after a reversed view was taken, and gives that view.
"""

ARITY = {
    name: 1 if name in ("negative", "square", "reversed", "transposed", "sin", "tanh") else 2 for name in OPERATIONS
}

POLYNOMIAL = tuple(name for name in OPERATIONS if name not in ("sin", "tanh"))


DIRECTION = (1.0, -2.0, 3.0, -1.0)
"""Of the second order: the tangent of every leaf.  Small integers, so that nothing rounds where the rest is exact."""


def dual(operation: str, *pairs: tuple[Any, Any], language: Mapping[str, Word] = OPERATIONS) -> tuple[Any, Any]:
    """(value, tangent) of one step: linear steps act on both alike, and of a product each factor moves in turn."""
    values, tangents = zip(*pairs, strict=True)
    word = language[operation]
    x, y = values[0], values[-1]
    dx, dy = tangents[0], tangents[-1]
    if operation == "square":
        return x * x, 2 * x * dx
    if operation == "sin":
        return np.sin(x), np.cos(x) * dx
    if operation == "tanh":
        return np.tanh(x), (1 - np.tanh(x)) * (1 + np.tanh(x)) * dx
    if operation == "scaled_ahead":
        return word(x, y), np.concatenate((dx[:HALF] * y[:HALF] + x[:HALF] * dy[:HALF], dx[HALF:]))
    if operation in ("multiply", "led", "totalled"):
        return word(x, y), word(dx, y) + word(x, dy)
    return word(*values), word(*tangents)


DUAL: Mapping[str, Word] = {name: functools.partial(dual, name) for name in OPERATIONS}
"""The words of forward mode, by hand in NumPy: that text is the claim of the second order."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, and the numbers of the variables that it reads."""

    operation: str
    reads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """``outputs`` are numbers of variables, with repetition; ``manner`` is one of ``MANNERS``.

    Raises ValueError for a step that reads what is not there yet, and for a name that is not known.
    """

    leaves: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    manner: str = "once"

    def __post_init__(self) -> None:
        for number, step in enumerate(self.steps, start=self.leaves):
            if len(step.reads) != ARITY.get(step.operation, -1):
                raise ValueError(f"v{number}: no operation {step.operation!r} of {len(step.reads)} variables")
            if not all(0 <= read < number for read in step.reads):
                raise ValueError(f"v{number} reads {step.reads}; give numbers from 0 to {number - 1}")
        if not self.outputs or not all(0 <= k < self.leaves + len(self.steps) for k in self.outputs):
            raise ValueError(f"outputs: {self.outputs} are no variables of the program")
        if self.manner not in MANNERS:
            raise ValueError(f"manner: {self.manner!r} is none of {', '.join(MANNERS)}")

    def __str__(self) -> str:
        lines = [
            f"v{number} = {step.operation}({', '.join(f'v{k}' for k in step.reads)})"
            for number, step in enumerate(self.steps, start=self.leaves)
        ]
        leaves = ", ".join(f"v{k}" for k in range(self.leaves))
        return f"given {leaves}; {'; '.join(lines)}; give {', '.join(f'v{k}' for k in self.outputs)}"

    def run(self, language: Mapping[str, Word], leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs, with the words of a language."""
        variables = list(leaves)
        for step in self.steps:
            variables.append(language[step.operation](*(variables[k] for k in step.reads)))
        return tuple(variables[k] for k in self.outputs)


@dataclass(frozen=True, slots=True)
class Language:
    """A framework's words, its manners of asking, and its gradients.

    ``gradients(program, leaves, cotangents)`` takes arrays and gives (outputs, one gradient per leaf) in arrays.
    """

    words: Mapping[str, Word]
    manners: tuple[str, ...]
    gradients: Callable[[Program, Sequence[Any], Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]]

    def has(self, program: Program) -> bool:
        """Whether the framework can say this."""
        return program.manner in self.manners and all(step.operation in self.words for step in program.steps)


def drawn(rng: random.Random, operations: Sequence[str], manners: Sequence[str] = ("once",)) -> Program:
    """A random program: up to four leaves, twelve steps and three outputs; late variables are read the most.

    Variables that nobody reads stay: they are the dead ends and unused outputs.
    """
    leaves = rng.randint(1, 4)
    steps: list[Step] = []
    for number in range(leaves, leaves + rng.randint(1, 12)):
        operation = rng.choice(list(operations))
        first = rng.choice((rng.randrange(number), max(0, number - rng.randint(1, 3))))
        second = rng.choice((first, rng.randrange(number)))
        steps.append(Step(operation, (first, second)[: ARITY[operation]]))
    count = leaves + len(steps)
    outputs = [count - 1, *(rng.randrange(leaves, count) for _ in range(rng.randint(0, 2)))]
    return Program(leaves, tuple(steps), tuple(outputs), rng.choice(list(manners)))


def _written(leaves: int, text: str, outputs: tuple[int, ...], manner: str = "once") -> Program:
    """A program from words: ``"multiply 0 0, add 1 0"``."""
    lines = (line.split() for line in text.split(","))
    steps = tuple(Step(operation, tuple(map(int, reads))) for operation, *reads in lines)
    return Program(leaves, steps, outputs, manner)


_SHARED = "multiply 0 1, square 2, add 2 0, multiply 3 4"

_VIEWS = "reversed 0, transposed 1, spliced 0 2, led 2 3, multiply 4 5, totalled 0 6, reversed 7"

_IN_PLACE = "square 0, increased 2 1, scaled_ahead 3 0, watched 4 2, increased 2 2, scaled_ahead 6 6, add 5 7"

NAMED = {
    "fan-out": _written(1, "square 0, negative 0, add 0 1, multiply 0 2, add 3 4, add 5 0", (6,)),
    "same-twice": _written(1, "multiply 0 0, add 1 1, subtract 2 0, multiply 3 3, subtract 4 4, add 4 5", (6,)),
    "diamonds": _written(
        2,
        "add 0 1, multiply 0 1, add 2 3, add 4 0, multiply 4 1, subtract 5 6, add 7 0, negative 7, multiply 8 9",
        (10,),
    ),
    "shortcuts": _written(1, "square 0, multiply 1 1, negative 2, multiply 3 1, add 1 4, multiply 5 2", (6,)),
    "views": _written(2, f"{_VIEWS}, add 7 8", (9,)),
    "in-place": _written(2, _IN_PLACE, (8,)),
    "shared-cotangent": _written(2, "add 0 1, add 2 0, add 2 3, add 1 4, add 5 3", (6,)),
    "unused": _written(3, "square 0, multiply 0 1, reversed 3, add 4 3", (3, 4)),
    "output-twice": _written(1, "square 0, multiply 0 1", (2, 2, 1)),
    "backward-twice": _written(2, _SHARED, (5,), "twice"),
    "two-losses": _written(2, _SHARED, (5, 2, 3), "apart"),
    "built-again": _written(2, _SHARED, (5,), "again"),
    "forward-mode": _written(2, _SHARED, (5, 2), "forward"),
    "forward-views": _written(2, f"{_VIEWS}, scaled_ahead 8 2, watched 9 0", (10,), "forward"),
    "second-order": _written(2, f"{_SHARED}, multiply 5 0", (6,), "second"),
    "second-views": _written(2, _VIEWS, (8, 7), "second"),
    "second-in-place": _written(2, _IN_PLACE, (8,), "second"),
}
"""Programs written for one error each."""

DRAWN = 6
"""Random programs of each kind, the same in every framework."""


def named() -> dict[str, Program]:
    """All programs of a run: those that were written, then polynomials and smooth ones that were drawn."""
    found = {f"program:{name}": program for name, program in NAMED.items()}
    for kind, operations in (("random", POLYNOMIAL), ("smooth", tuple(OPERATIONS))):
        for seed in range(DRAWN):
            found[f"program:{kind}-{seed}"] = drawn(random.Random(f"{kind} {seed}"), operations)
    return found


def exhibits(language: Language) -> Mapping[str, Callable[[], Exhibit]]:
    """The programs that the framework can say, each as the pair of NumPy's value and the framework's gradient."""
    return {name: functools.partial(exhibit, p, language) for name, p in named().items() if language.has(p)}


def exhibit(program: Program, language: Language) -> Exhibit:
    """The claim is that the framework's gradient is the derivative of the program as NumPy has it."""
    inputs = tuple(np.random.default_rng(program.leaves).uniform(-1.5, 1.5, size=(program.leaves, LENGTH)))

    def forward(*leaves: Any) -> Any:
        if program.manner == "second":
            pairs = program.run(DUAL, [(x, np.array(DIRECTION)) for x in leaves])
            outputs = tuple(tangent for _, tangent in pairs)
        else:
            outputs = program.run(OPERATIONS, leaves)
        return outputs[0] if len(outputs) == 1 else outputs

    def vjp(cotangent: Any, *leaves: Any) -> tuple[Any, ...]:
        cotangents = cotangent if isinstance(cotangent, tuple) else (cotangent,)
        outputs, gradients = language.gradients(program, leaves, cotangents)
        _refuse_other_value(program, leaves, outputs)
        return tuple(gradients)

    about = {"family": "programs", "formula": str(program), "definition": MANNERS[program.manner]}
    return Exhibit(forward=forward, vjp=vjp, inputs=inputs, wrt=tuple(range(program.leaves)), words=about)


def _refuse_other_value(program: Program, leaves: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Raises ArithmeticError where the framework's value is that of another program: half of the digits are off."""
    with np.errstate(all="ignore"):
        wanted = program.run(OPERATIONS, leaves)
        for number, (got, want) in enumerate(zip(outputs, wanted, strict=True)):
            # Cancellation costs digits; what is left of the largest number on the way has to agree.
            scale = np.max(np.abs(program.run({**OPERATIONS, **_MAGNITUDES}, [np.abs(x) for x in leaves])[number]))
            slack = float(np.finfo(np.float64).eps) ** 0.5 * scale
            if not np.isfinite(scale):
                continue
            if np.shape(got) != want.shape or not np.all(np.abs(np.asarray(got) - want) <= slack):
                raise ArithmeticError(f"output {number} has the value {got!r}; it is {want!r} of: {program}")


_MAGNITUDES: Mapping[str, Word] = {
    "subtract": lambda x, y: x + y,
    "negative": lambda x: x,
    "sin": lambda x: x,
    "tanh": lambda x: x,
}
"""Words that bound the absolute value of each variable, from those of the leaves."""
