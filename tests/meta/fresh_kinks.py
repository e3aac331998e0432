"""Kinks whose sets of generalised derivatives are balls or faces of them, and medians: extreme answers are right, too."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import SYMMETRIC
from tests.meta.pairs import normal, twins


def length(x: Any) -> Any:
    return np.sqrt((x * x).sum())


def length_back(g: Any, x: Any, size: float = 1.0) -> Any:
    n = length(x)
    return g * (x / n if n > 0 else size * np.array([0.6, 0.0, -0.8]))


def apart(x: Any, y: Any) -> Any:
    return length(x - y)


def apart_back(g: Any, x: Any, y: Any, sign: float = -1.0) -> Any:
    d = length_back(g, x - y)
    return d, sign * d


def spectral(a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False)[0]


def spectral_back(g: Any, a: Any, how: str = "first") -> Any:
    u, s, vt = np.linalg.svd(a)
    top = s == s[0]
    if how == "first":
        return g * np.outer(u[:, 0], vt[0])
    return g * (u * top) @ vt / (top.sum() if how == "mean" else 1)


def nuclear(a: Any) -> Any:
    return np.linalg.svd(a, compute_uv=False).sum()


def nuclear_back(g: Any, a: Any, whole: float = 1.0) -> Any:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return g * (u * np.where(s > 1e-12 * s[0], 1, whole)) @ vt


def nuclear_or_nothing(g: Any, a: Any, at_zero: float = 0.0) -> Any:
    return nuclear_back(g, a) * (1.0 if a.any() else at_zero)


def top_eigenvalue_back(g: Any, a: Any, how: str = "first") -> Any:
    w, v = np.linalg.eigh(a)
    top = w == w[-1]
    return g * (v * (top if how == "all" else np.eye(len(w))[-1])) @ v.T


def middle_back(g: Any, x: Any, weight: float = 1.0) -> Any:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")[len(x) // 2]] = g * weight
    return out


def sorted_back(g: Any, x: Any, shared: str = "order") -> Any:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")] = g
    if shared == "order":
        return out
    same = x[:, None] == x[None, :]
    return same @ out / (same.sum(1) if shared == "mean" else 1)


def upper(x: Any) -> Any:
    return np.maximum(x, x * x)


def upper_back(g: Any, x: Any, tie: float = 1.5) -> Any:
    slope = np.where((x > 0) & (x < 1), 1.0, 2 * x)
    return g * np.where(x == 1, tie, np.where(x == 0, 0.25, slope))


ROOM = normal(1, 3)
RANK_ONE = np.outer([1.0, 2.0, -1.0], [0.5, 1.0])

CASES = (
    *twins(
        "kink: length of zeros, a unit vector",
        "kinks",
        length,
        length_back,
        (np.zeros(3),),
        hard=True,
        unseen="*",
        quarter_too_long=lambda g, x: length_back(g, x, 1.25),
    ),
    *twins(
        "kink: distance of equal points",
        "kinks",
        apart,
        apart_back,
        (ROOM, ROOM.copy()),
        hard=True,
        sign=lambda g, x, y: apart_back(g, x, y, 1.0),
    ),
    *twins(
        "kink: spectral norm of the identity",
        "double-counted ties",
        spectral,
        spectral_back,
        (np.eye(3),),
        hard=True,
        unseen="*",
        every_value=lambda g, a: spectral_back(g, a, "all"),
    ),
    *twins(
        "kink: spectral norm of the identity, mean of all",
        "double-counted ties",
        spectral,
        lambda g, a: spectral_back(g, a, "mean"),
        (np.eye(3),),
        hard=True,
        unseen="*",
        all_of_all=lambda g, a: spectral_back(g, a, "all"),
    ),
    *twins(
        "kink: nuclear norm of rank one",
        "kinks",
        nuclear,
        nuclear_back,
        (RANK_ONE,),
        hard=True,
        unseen="*",
        beyond_the_ball=lambda g, a: nuclear_back(g, a, 1.5),
    ),
    *twins(
        "kink: nuclear norm of zeros",
        "kinks",
        nuclear,
        nuclear_or_nothing,
        (np.zeros((3, 2)),),
        hard=True,
        unseen="*",
        beyond_the_ball=lambda g, a: nuclear_or_nothing(g, a, 1.5),
    ),
    *twins(
        "kink: largest eigenvalue, repeated",
        "double-counted ties",
        lambda a: np.linalg.eigvalsh(a)[-1],
        top_eigenvalue_back,
        (np.diag([2.0, 2.0, 1.0]),),
        hard=True,
        unseen="*",
        both_whole=lambda g, a: top_eigenvalue_back(g, a, "all"),
        options={"domain": SYMMETRIC},
    ),
    *twins(
        "kink: median of equal numbers",
        "ties and selection",
        np.median,
        middle_back,
        (np.full(5, 0.7),),
        hard=True,
        twice=lambda g, x: middle_back(g, x, 2.0 if np.ptp(x) == 0 else 1.0),
        unseen="*",
    ),
    *twins(
        "kink: sorted numbers, some equal",
        "double-counted ties",
        np.sort,
        sorted_back,
        (np.array([1.0, 0.0, 1.0, 2.0]),),
        hard=True,
        unseen="*",
        shared_by_sum=lambda g, x: sorted_back(g, x, "sum"),
    ),
    *twins(
        "kink: sorted numbers, ties shared",
        "double-counted ties",
        np.sort,
        lambda g, x: sorted_back(g, x, "mean"),
        (np.array([1.0, 0.0, 1.0, 2.0]),),
        hard=True,
        unseen="*",
        ties_by_sum=lambda g, x: sorted_back(g, x, "sum"),
    ),
    *twins(
        "kink: larger of x and its square",
        "kinks",
        upper,
        upper_back,
        (np.array([1.0, 0.0, 0.5, -2.0]),),
        hard=True,
        unseen="*",
        beyond=lambda g, x: upper_back(g, x, 2.5),
    ),
)
