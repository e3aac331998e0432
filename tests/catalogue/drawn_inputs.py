"""Inputs of an operator's examples, drawn within its domain."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.claim import Example, Kind, Operator
from gradcheck.engine.definition import draw as member
from gradcheck.strategies.sets import settle


def draw(operator: Operator, example: Example, dtype: Any, seed: int = 0) -> list[Any]:
    """Entries of the sets of the domain for shapes, arrays as they are; matrices to invert get a dominant diagonal."""
    rng = np.random.default_rng(seed)
    inputs: list[Any] = []
    for leaf, shape in enumerate(example.shapes):
        if isinstance(shape, np.ndarray):
            inputs.append(shape)
            continue
        within = operator.domain.of(leaf)
        if within.kind is not Kind.REALS:
            inputs.append(member(within, shape, rng).astype(dtype))
            continue
        values = rng.uniform(0.5, 1.5, size=shape)
        if operator.domain.of(leaf).low < 0:
            values = values * rng.choice([-1.0, 1.0], size=shape)
        if operator.name in ("inv", "solve") and leaf == 0:
            values = values + 2 * shape[-1] * np.eye(shape[-1])
        inputs.append(settle(values, np.empty(shape, dtype), operator.domain.of(leaf)))
    return inputs
