"""Runs a text once on traced arrays: what comes out is a program, with the comparisons that led to it.

The program is the real function that the text denotes on the branch that was taken: literals and inputs are exact, casts among floats
are the identity.  Where the text compares numbers that are equal the branch is noted as a tie; to see the branches around it, trace again
with a ``direction``.
"""

from __future__ import annotations

import linecache
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.numbers import compounds, functions, linalg, products, sorting
from gradcheck.numbers.array import STATE, Traced, constants, lift, wrap
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError, Undecided, Untraceable
from gradcheck.numbers.field import LOCK, Floats, Ordered
from gradcheck.numbers.operations import TABLE
from gradcheck.numbers.patching import library, package, replaced, stand_in
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tape import Decision, Tape

REGISTERED = (compounds, functions, linalg, products, sorting)
"""Modules that fill the tables of handlers when they are imported."""

PRECISIONS = (128, 256, 512)
"""At which a trace is tried, in bits, until its comparisons are decided."""

NEARBY = -200
"""Exponent of the step along a ``direction``, relative to the smallest entry: far below what float64 numbers differ by."""

LIMIT = 2_000_000
"""Operations on single numbers that a trace may take: about a second, and 200 MB of balls."""


@dataclass(frozen=True)
class Trace:
    """``value``: the outputs, rounded to float64; ``single``: the text returned one array and not a tuple.

    ``decisions`` are all comparisons, ``ties`` those of equal numbers of which one depends on the inputs; ``unit`` the unit roundoff of the
    narrowest type that the text casts to, ``notes`` what else was taken for the real function.
    """

    program: Program
    value: tuple[Floats, ...]
    single: bool
    decisions: tuple[Decision, ...]
    ties: tuple[Decision, ...]
    notes: tuple[str, ...]
    unit: float
    tape: Tape


def trace(
    text: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    field: Ordered | None = None,
    kwargs: dict[str, Any] | None = None,
    wrt: Sequence[int] | None = None,
    direction: Sequence[Any] | None = None,
    limit: int = LIMIT,
) -> Trace:
    """The program of ``text(*inputs, **kwargs)`` at these inputs.

    Traced are the inputs of floats, or those that ``wrt`` names by position; integers and bools stay plain arrays.  ``field`` decides
    comparisons, by default balls of 128, 256 and at last 512 bits.  ``direction``: one array for each traced input; the text then runs at
    x + 2^-200 direction (times the size of the smallest entry, if that is less than one), in balls of 512 bits or more, and takes the
    branch that lies there.  A text of more than ``limit`` operations on single numbers is not traced.

    Raises ``Untraceable``, which names the call that stopped it, or ``Undecided``, a comparison that no precision decides.
    """
    step, bits = _step(inputs)
    fields = (
        [field] if field is not None else [Balls(bits)] if direction is not None else [Balls(b) for b in PRECISIONS]
    )
    undecided: Undecided | None = None
    for one in fields:
        try:
            return _trace(text, inputs, Tape(one, limit=limit), kwargs or {}, wrt, direction, step)
        except Undecided as error:
            undecided = error
    assert undecided is not None
    raise undecided


def _step(inputs: Sequence[Any]) -> tuple[int, int]:
    """The exponent of the step along a direction, below the smallest entry, and the bits that hold it beside the largest."""
    low, high = 0, 0
    for x in inputs:
        plain = np.asarray(x)
        if plain.dtype.kind == "f" and plain.size:
            exponents = np.frexp(plain[plain != 0].astype(np.float64))[1]
            low, high = min([low, *exponents.tolist()]), max([high, *exponents.tolist()])
    return low + NEARBY, max(PRECISIONS[-1], high - low - NEARBY + 256)


def _trace(
    text: Callable[..., Any],
    inputs: Sequence[Any],
    tape: Tape,
    kwargs: dict[str, Any],
    wrt: Sequence[int] | None,
    direction: Sequence[Any] | None,
    step: int,
) -> Trace:
    field = tape.ordered
    with LOCK:
        if STATE.tape is not None:
            raise Untraceable("gradcheck.numbers.tracing.trace", "the text traces another one")
        with field.working():
            STATE.tape, STATE.thread, STATE.depth = tape, threading.get_ident(), 0
            try:
                with STATE.inside():
                    given, places = _arguments(inputs, wrt, direction, step, tape)
                with replaced(text):
                    result = stand_in(text)(*given, **kwargs)
                if tape.stopped is not None:
                    raise tape.stopped
                with STATE.inside():
                    outputs, single = _outputs(result)
            except NumbersError:
                raise
            except Exception as error:
                raise _foreign(error, text) from error
            finally:
                STATE.tape = None
            value = tuple(field.nearest(tape.values[ids.ravel()]).reshape(ids.shape) for ids in outputs)
    made = program(tape, places, outputs)
    return Trace(
        made, value, single, tuple(tape.decisions), tuple(tape.ties), tuple(dict.fromkeys(tape.notes)), tape.unit, tape
    )


def _arguments(
    inputs: Sequence[Any], wrt: Sequence[int] | None, direction: Sequence[Any] | None, step: int, tape: Tape
) -> tuple[list[Any], list[Any]]:
    given: list[Any] = []
    places: list[Any] = []
    for position, x in enumerate(inputs):
        plain = np.asarray(x)
        real = plain.dtype.kind == "f" or plain.dtype.name == "bfloat16"
        if plain.dtype.kind == "c":
            raise Untraceable(f"input {position}", "complex numbers are not traced")
        if not real:
            given.append(plain.copy() if isinstance(x, np.ndarray) else x)
            continue
        values = plain.astype(np.float64)
        if not np.all(np.isfinite(values)) or np.any(values.astype(plain.dtype) != plain):
            raise Untraceable(f"input {position}", "a number that is not finite or has more than 53 bits")
        if wrt is not None and position not in wrt:
            given.append(constants(values))
            continue
        elements = tape.ordered.constants(values.ravel())
        if direction is not None:
            w = tape.ordered.constants(np.asarray(direction[len(places)], float).ravel())
            elements = elements + w * tape.ordered.apply(
                TABLE["powi"], (tape.ordered.constants(np.full(1, 2.0)),), step
            )
        ids = tape.input(elements).reshape(values.shape)
        places.append(ids.copy())
        given.append(wrap(ids))
    return given, places


def _outputs(result: Any) -> tuple[list[Any], bool]:
    many = isinstance(result, tuple | list) and any(isinstance(r, Traced | np.ndarray) for r in result)
    results = list(result) if many else [result]
    for r in results:
        if isinstance(r, dict) or r is None:
            raise Untraceable("the return value", f"a {type(r).__name__} is not an array or a tuple of arrays")
    return [lift(r, "the return value").copy() for r in results], not many


def _foreign(error: Exception, text: Any) -> Untraceable:
    """An exception of NumPy or the text itself: named after the line of the text from which it came."""
    own = package(getattr(text, "__module__", None) or type(text).__module__)
    frames: list[types.FrameType] = []
    lines: list[int] = []
    step = error.__traceback__
    while step is not None:
        frames.append(step.tb_frame)
        lines.append(step.tb_lineno)
        step = step.tb_next
    for k in range(len(frames) - 1, -1, -1):
        module = frames[k].f_globals.get("__name__", "")
        if module.startswith("gradcheck.numbers") or library(module, own):
            continue
        if k + 1 < len(frames):
            callee = frames[k + 1]
            call = f"{callee.f_globals.get('__name__', '')}.{callee.f_code.co_name}"
            if call.startswith("gradcheck.numbers"):
                call = linecache.getline(frames[k].f_code.co_filename, lines[k]).strip() or call
        else:
            call = linecache.getline(frames[k].f_code.co_filename, lines[k]).strip() or frames[k].f_code.co_name
        return Untraceable(call, f"{type(error).__name__}: {error}")
    return Untraceable("the text", f"{type(error).__name__}: {error}")
