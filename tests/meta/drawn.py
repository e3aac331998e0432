"""Two cases from one forward: the wrong backward that must be caught, and the right one that must be accepted.

Inputs are drawn from a seed that the name gives, so that a case is one call of ``pair`` and nothing else.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.claim import Domain, Kind, Set
from tests.meta.case import Case

Function = Callable[..., Any]


def pair(
    name: str,
    group: str,
    forward: Function,
    right: Function,
    wrong: Function,
    *shapes: Any,
    invisible: bool = False,
    severity: str = "",
    **options: Any,
) -> tuple[Case, Case]:
    """The wrong case ``name`` and its twin ``name/right``; ``shapes`` and ``domain`` say what ``draw`` draws.

    Further keyword arguments are passed on to ``check``.
    """
    inputs = draw(shapes, options.get("domain"), np.random.default_rng(zlib.crc32(name.encode())))
    twin = f"{name}/right"
    common: dict[str, Any] = {"group": group, "inputs": inputs, "options": options}
    caught: dict[str, Any] = {"ok": False, "invisible": invisible, "severity": severity}
    return (
        Case(name=name, make=lambda: (forward, wrong), twin=twin, **caught, **common),
        Case(name=twin, make=lambda: (forward, right), twin=name, ok=True, **common),
    )


def draw(shapes: tuple[Any, ...], domain: Domain | None, rng: np.random.Generator) -> tuple[Any, ...]:
    """Ordinary inputs: each shape is filled with numbers of its set, each array is passed as it is."""
    domain = domain or Domain()
    return tuple(draw_one(s, domain.of(i), rng) if isinstance(s, tuple) else s for i, s in enumerate(shapes))


def draw_one(shape: tuple[int, ...], where: Set, rng: np.random.Generator) -> Any:
    """Standard normal numbers, moved into the set: absolute values on a half-line, uniform on a bounded interval."""
    if math.isfinite(where.low) and math.isfinite(where.high):
        return np.asarray(rng.uniform(where.low, where.high, shape))
    normal = np.asarray(rng.standard_normal(shape))
    if where.kind is Kind.POSITIVE_DEFINITE:
        return normal @ np.swapaxes(normal, -1, -2) + shape[-1] * np.eye(shape[-1])
    if where.kind is Kind.SYMMETRIC:
        return normal + np.swapaxes(normal, -1, -2)
    return where.low + np.abs(normal) if math.isfinite(where.low) else normal


def seen_by_differences(case: Case, seed: int = 0) -> bool:
    """Whether central differences at one random normal point, with an all-ones cotangent, refute the case.

    The customary test: step 1e-6, and 1e-5 both absolute and relative; it defines ``Case.invisible``.
    """
    forward, vjp = case.make()
    kwargs = case.options.get("kwargs", {})
    shapes = tuple(np.shape(x) if np.asarray(x).dtype.kind == "f" else x for x in case.inputs)
    inputs = draw(shapes, case.options.get("domain"), np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        out = forward(*inputs, **kwargs)
        ones = tuple(np.ones_like(o) for o in out) if isinstance(out, tuple) else np.ones_like(out)
        answers = vjp(ones, *inputs, **kwargs)
        answers = answers if isinstance(answers, tuple) else (answers,)
        floats = [i for i, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f"]
        return any(_refuted(forward, inputs, kwargs, i, v) for i, v in zip(floats, answers, strict=True))


def _refuted(forward: Function, inputs: tuple[Any, ...], kwargs: dict[str, Any], which: int, answer: Any) -> bool:
    """Whether some entry of argument ``which`` differs from its central difference, or cannot be compared."""
    step, tolerance = 1e-6, 1e-5
    x = inputs[which]
    if answer is None or np.shape(answer) != x.shape:
        return True

    def total(moved: Any) -> Any:
        out = forward(*inputs[:which], moved, *inputs[which + 1 :], **kwargs)
        return sum(np.sum(o) for o in out) if isinstance(out, tuple) else np.sum(out)

    slopes = np.empty(x.size)
    for k in range(x.size):
        move = np.zeros(x.size)
        move[k] = step
        slopes[k] = (total(x + move.reshape(x.shape)) - total(x - move.reshape(x.shape))) / (2 * step)
    return not np.allclose(np.ravel(answer), slopes, rtol=tolerance, atol=tolerance)
