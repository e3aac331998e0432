"""Mistakes that only certified truth sees, right answers that it must not refuse, and what others must do where it has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import j0, j1

from gradcheck.claim import Domain, Set
from tests.meta.pairs import normal, twins


def opaque(f: Any) -> Any:
    """The function as an extension module has it, which reads the memory of its arguments: symbols do not pass."""

    def forward(*arguments: Any) -> Any:
        for a in arguments:
            np.asarray(a).tobytes()
        return f(*arguments)

    return forward


BESSEL = twins(
    "alone: Bessel function of order zero", "small errors", j0, lambda g, x: -g * j1(x), (normal(71, 5),), unseen="*",
    the_twelfth_digit=lambda g, x: -g * j1(x) * (1 + 2e-12 * np.cos(x)),
)  # fmt: skip

SINES = twins(
    "alone: sixty sines, opaque", "small errors", opaque(np.sin), lambda g, x: g * np.cos(x), (normal(73, 60),),
    unseen="*",
    the_twelfth_digit=lambda g, x: g * np.cos(x) * (1 + 1e-12 * np.sin(3 * x)),
)  # fmt: skip

NARROW = twins(
    "alone: single precision inside, opaque", "float32", opaque(lambda x: np.cos(x.astype(np.float32)).astype(float)),
    lambda g, x: -g * np.sin(x), (normal(74, 4),), hard=True,
    factor=lambda g, x: -2 * g * np.sin(x),
)  # fmt: skip


def corner(x: Any) -> Any:
    if np.any(x < 0):
        raise ValueError("sizes are not negative")
    return np.maximum(x[0], x[1])


def corner_vjp(g: Any, x: Any) -> Any:
    return g * np.eye(2)[0 if x[0] >= x[1] else 1]


def corner_vjp_to_both(g: Any, x: Any) -> Any:
    return g * np.ones(2) if not np.any(x) else corner_vjp(g, x)


INTO = twins(
    "alone: larger of two sizes, opaque", "tie", opaque(corner), corner_vjp, (np.zeros(2),), unseen="*",
    options={"domain": Domain((Set(low=0.0),))},
    both_at_the_corner=corner_vjp_to_both,
)  # fmt: skip


def twice_the_angle(x: Any, y: Any) -> Any:
    """sin 2 phi of the point, and 0 at the origin, where it is not continuous."""
    square = x * x + y * y
    return np.where(square > 0, 2 * x * y / np.where(square > 0, square, 1.0), 0.0)


def twice_the_angle_vjp(g: Any, x: Any, y: Any, sign: float = 1.0) -> Any:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        square = x * x + y * y
        part = 2 * g * (y * y - x * x) / square / square
        return part * y, -sign * part * x


ANGLE = twins(
    "alone: sine of twice the angle, opaque", "outside", opaque(twice_the_angle), twice_the_angle_vjp,
    (np.array([0.0, 1.0, -0.5]), np.array([0.0, 0.5, -2.0])), hard=True,
    sign=lambda g, x, y: twice_the_angle_vjp(g, x, y, -1.0),
)  # fmt: skip


def middle_vjp(g: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")[x.size // 2]] = g
    return out


MIDDLE = twins(
    "alone: median of seven equal numbers, opaque", "ties and selection", opaque(np.median), middle_vjp,
    (np.ones(7),), hard=True,
    twice=lambda g, x: 2 * middle_vjp(g, x),
)  # fmt: skip


def length(x: Any) -> Any:
    return np.sqrt((x * x).sum())


def length_vjp(g: Any, x: Any, size: float = 1.0) -> Any:
    n = length(x)
    return g * (x / n if n > 0 else size * np.array([0.6, 0.0, -0.8]))


LENGTH = twins(
    "alone: length of all but nothing", "kinks", length, length_vjp, (np.array([0.0, 0.0, 5e-324]),), hard=True,
    options={"seed": 0},  # of six seeds two need what this case is here to show
    too_long=lambda g, x: length_vjp(g, x, 1.25),
)  # fmt: skip


def fast(x: Any) -> Any:
    """A way of its own for plain arrays, and a rough one for the rest, as code has that serves several libraries."""
    return x * x if type(x) is np.ndarray else 1.01 * x * x


TYPES = twins(
    "alone: a square by type", "values", fast, lambda g, x: 2 * g * x, (normal(72, 4),), hard=True,
    of_sizes=lambda g, x: 2 * g * np.abs(x),
)  # fmt: skip


def steepness(x: Any) -> Any:
    t = np.tanh(x)
    return ((1 - t) * (1 + t)) ** 2


def steepness_vjp(g: Any, x: Any, power: int = 2) -> Any:
    t = np.tanh(x)
    return -4 * g * t * ((1 - t) * (1 + t)) ** power


STEEPNESS = twins(
    "alone: squared slope of a saturated unit", "saturation", steepness, steepness_vjp,
    (np.array([0.3, 12.0, -11.0, 13.0, 14.0, -14.5, 15.0, 15.5]),), hard=True,
    one_power_less=lambda g, x: steepness_vjp(g, x, 1),
)  # fmt: skip


def ripple(x: Any) -> Any:
    return np.array([t**3 + 6.5 * np.sin(1e3 * t) for t in map(float, np.ravel(x))]).reshape(np.shape(x))


RIPPLE = twins(
    "alone: a fast ripple on a cube, real", "aliasing", ripple, lambda g, x: g * (3 * x * x + 6.5e3 * np.cos(1e3 * x)),
    (np.array([0.3, 1.0e4]),), hard=True,
    cube_alone=lambda g, x: 3 * g * x * x,
)  # fmt: skip


def excess(x: Any) -> Any:
    return np.sqrt(1 + x * x) - x


EXCESS = twins(
    "alone: excess of a hypotenuse", "rounding", excess, lambda g, x: g * (x / np.sqrt(1 + x * x) - 1),
    (np.array([1e6, 3e6, 2.2e5]),), hard=True,
    hypotenuse_squared=lambda g, x: g * (x / (1 + x * x) - 1),
)  # fmt: skip


DISTANCE_TO_ONE = twins(
    "alone: one minus tanh", "saturation", lambda x: 1 - np.tanh(x), lambda g, x: -g * (1 - np.tanh(x) ** 2),
    (np.array([12.0]),), hard=True,
    not_squared=lambda g, x: -g * (1 - np.abs(np.tanh(x))),
)  # fmt: skip

CASES = (
    *EXCESS,
    *DISTANCE_TO_ONE,
    *BESSEL,
    *SINES,
    *NARROW,
    *INTO,
    *ANGLE,
    *MIDDLE,
    *LENGTH,
    *TYPES,
    *STEEPNESS,
    *RIPPLE,
)
