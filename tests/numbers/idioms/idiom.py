"""What an idiom is, and the draws from which its inputs are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Idiom:
    """A user's function and one point of its domain.

    Float inputs are differentiable; integer ones are labels, indices or counts, and boolean ones are masks.
    """

    name: str
    family: str
    f: Callable[..., Any]
    inputs: tuple[Array, ...]


def normal(seed: int, *shape: int) -> Array:
    """Standard normal draws, rounded to three decimals so that a failure can be read."""
    return np.asarray(np.random.default_rng(seed).normal(size=shape).round(3))


def uniform(seed: int, low: float, high: float, *shape: int) -> Array:
    """Uniform draws, rounded to three decimals."""
    return np.asarray(np.random.default_rng(seed).uniform(low, high, size=shape).round(3))


def positive_definite(seed: int, n: int) -> Array:
    """A symmetric matrix whose eigenvalues are at least one."""
    a = normal(seed, n, n)
    return np.asarray(a @ a.T / n + np.eye(n))
