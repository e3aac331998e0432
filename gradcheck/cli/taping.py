"""``gradcheck prove --tape``: one run of a program is written down, and its gradient recomputed by Coq."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck.cli import NOT_OK, OK
from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


def tape(console: Console, target: str, at: str, output: Path) -> int:
    """Run ``target``, ``module:function`` of single numbers, at the numbers ``at`` on the reference networks' tape.

    ``output/tapes/FUNCTION.v`` gets every operation of the run with its partials, and the gradient that reverse accumulation gave; Coq
    recomputes it where coqc is there.  Numbers such as 2/3 are run in fractions and claimed exactly, others in float64 and claimed up to a
    bound on the rounding of the sweep.
    """
    from gradcheck.proofs.certificate import certificate, from_run
    from gradcheck.proofs.coq import why_skipped, workspace

    function, inputs = _loaded(target), _numbers(at)
    try:
        run = from_run(function, inputs)
    except Exception as error:  # whatever the code under test raises
        raise UsageError(f"--tape {target}: running it at {at} raises {type(error).__name__}: {error}") from error
    text = certificate(run.sources, run.steps, run.seeds, run.claims)
    path = output / "tapes" / f"{target.rpartition('.')[2].replace(':', '_')}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    slopes = ", ".join(f"{float(run.claims[name].adjoint)!r}" for name in run.sources)
    console.print(f"{len(run.steps)} operations; gradient {slopes}; certificate in {path}", markup=False)
    reason = why_skipped()
    if reason:
        console.print(f"{reason}\nNothing was proved.")
        return OK
    with workspace() as there:
        compiled = there.compile("Run", text)
    said = f"proved: Coq recomputes the gradient from the tape, {compiled.seconds:.1f} s"
    console.print(said if compiled.ok else f"REFUSED {path}: {compiled.message}", markup=False)
    return OK if compiled.ok else NOT_OK


def _loaded(target: str) -> Callable[..., Any]:
    module, colon, attribute = target.partition(":")
    if not (module and colon and attribute):
        raise UsageError(f"--tape {target}: give package.module:function")
    try:
        found = functools.reduce(getattr, attribute.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise UsageError(f"--tape {target}: {error}; check that it can be imported from here") from error
    if not callable(found):
        raise UsageError(f"--tape {target}: it is no function of numbers")
    function: Callable[..., Any] = found
    return function


def _numbers(at: str) -> list[Any]:
    """Numbers between commas: all fractions or whole numbers, or all float64 numbers."""
    words = [word.strip() for word in at.split(",")]
    try:
        if all("." not in word and "e" not in word.lower() for word in words):
            return [Fraction(word) for word in words]
        numbers = [float(word) for word in words]
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--at {at}: {error}; give numbers between commas, such as 0.5,-2.25 or 1/2,-9/4") from error
    if not all(map(math.isfinite, numbers)):
        raise UsageError(f"--at {at}: the numbers must be finite")
    return numbers
