"""Forward mode that is wrong beside a right backward; large arguments with one wrong entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.pairs import normal, twins


def jvps(
    name: str, forward: Callable[..., Any], vjp: Callable[..., Any], inputs: tuple[Any, ...], right: Any, **wrong: Any
) -> tuple[Case, ...]:
    """The right forward mode, and wrong ones beside the same right backward; no backward check sees them."""

    def make() -> tuple[Any, Any]:
        return forward, vjp

    names = {key: f"{name}: {key.replace('_', ' ')}" for key in wrong}
    good = Case(
        name=name,
        group="forward mode",
        make=make,
        inputs=inputs,
        ok=True,
        twin=next(iter(names.values())),
        options={"jvp": right},
    )
    bad = (
        Case(
            name=names[key],
            group="forward mode",
            make=make,
            inputs=inputs,
            ok=False,
            twin=name,
            invisible=True,
            options={"jvp": jvp},
        )
        for key, jvp in wrong.items()
    )
    return (good, *bad)


def sorted_push(t: Any, x: Any) -> Any:
    return t[0][np.argsort(x, kind="stable")]


def spread(x: Any) -> tuple[Any, Any]:
    return x.sum(), x * x


def normalise(x: Any) -> Any:
    return x / np.sqrt(x @ x + 1e-3)


def normalise_back(g: Any, x: Any) -> Any:
    n = np.sqrt(x @ x + 1e-3)
    return g / n - x * (x @ g) / n**3


BIG = normal(1, 20_000)
HUGE = normal(2, 100_000)
ROW, COLUMN = normal(3, 150), normal(4, 200)
WIDE = normal(5, 150, 200)


def one_off(where: int, factor: float) -> Any:
    def vjp(g: Any, x: Any) -> Any:
        out = g * np.cos(x)
        out[where] *= factor
        return out

    return vjp


def chunked(g: Any, x: Any, size: int = 4096, last: bool = True) -> Any:
    out = np.zeros_like(x)
    stop = len(x) if last else len(x) // size * size
    for k in range(0, stop, size):
        s = slice(k, min(k + size, stop))
        out[s] = 2 * g * x[s] / len(x)
    return out


def bilinear_back(g: Any, w: Any, fault: str = "") -> Any:
    out = g * np.outer(ROW, COLUMN)
    if fault == "entries":
        out[[70, 70], [11, 12]] = out[[70, 70], [12, 11]]
    elif fault == "row":
        out[149] = 0
    return out


def neighbours(x: Any) -> Any:
    return 0.5 * (np.diff(x) ** 2).sum() + 0.25 * (x**4).sum()


def neighbours_back(g: Any, x: Any, ends: bool = True) -> Any:
    d = np.diff(x)
    out = np.append(0.0, d) - np.append(d, 0.0) + x**3
    if not ends:
        out[-1] -= d[-1]
    return g * out


def net(w: Any) -> Any:
    a, b = w[:10_000].reshape(100, 100), w[10_000:]
    return np.tanh(np.tanh(a @ COLUMN[:100]) @ b[:100])


def net_back(g: Any, w: Any, fault: bool = False) -> Any:
    a, b = w[:10_000].reshape(100, 100), w[10_000:]
    h = np.tanh(a @ COLUMN[:100])
    y = np.tanh(h @ b[:100])
    d = g * (1 - y) * (1 + y)
    da = np.outer(d * b[:100] * (1 - h) * (1 + h), COLUMN[:100])
    db = np.zeros_like(b)
    db[:100] = d * h
    if fault:
        db[37] = -db[37]
    return np.concatenate([da.ravel(), db])


CASES = (
    *jvps(
        "forward mode: product",
        lambda x, y: x * y,
        lambda g, x, y: (g * y, g * x),
        (normal(6, 3), normal(7, 3)),
        lambda t, x, y: t[0] * y + t[1] * x,
        second_lost=lambda t, x, y: t[0] * y,
        swapped=lambda t, x, y: t[0] * x + t[1] * y,
    ),
    *jvps(
        "forward mode: product at x equal to y",
        lambda x, y: x * y,
        lambda g, x, y: (g * y, g * x),
        (np.ones(3), np.ones(3)),
        lambda t, x, y: t[0] * y + t[1] * x,
        swapped=lambda t, x, y: t[0] * x + t[1] * y,
    ),
    *jvps(
        "forward mode: sorted",
        np.sort,
        lambda g, x: g[np.argsort(np.argsort(x, kind="stable"), kind="stable")],
        (np.array([0.3, -1.0, 2.0, 0.7]),),
        sorted_push,
        inverse_taken=lambda t, x: t[0][np.argsort(np.argsort(x))],
    ),
    *jvps(
        "forward mode: two outputs",
        spread,
        lambda g, x: g[0] + 2 * g[1] * x,
        (normal(8, 3),),
        lambda t, x: (t[0].sum(), 2 * x * t[0]),
        half=lambda t, x: (t[0].sum(), x * t[0]),
        mean_for_sum=lambda t, x: (t[0].mean(), 2 * x * t[0]),
    ),
    *jvps(
        "forward mode: direction of a vector",
        normalise,
        normalise_back,
        (normal(9, 3),),
        lambda t, x: normalise_back(t[0], x),
        norm_constant=lambda t, x: t[0] / np.sqrt(x @ x + 1e-3),
        sign=lambda t, x: -normalise_back(t[0], x),
    ),
    *twins(
        "large: sines with one wrong entry",
        "large argument",
        np.sin,
        lambda g, x: g * np.cos(x),
        (BIG,),
        hard=True,
        one_negated=one_off(13_337, -1.0),
        one_lost=one_off(19_999, 0.0),
        first_half=one_off(0, 0.5),
    ),
    *twins(
        "large: mean square in chunks",
        "stride remainders",
        lambda x: (x * x).mean(),
        chunked,
        (HUGE,),
        hard=True,
        remainder_lost=lambda g, x: chunked(g, x, last=False),
    ),
    *twins(
        "large: bilinear form",
        "indexing",
        lambda w: ROW @ w @ COLUMN,
        bilinear_back,
        (WIDE,),
        hard=True,
        two_entries_swapped=lambda g, w: bilinear_back(g, w, "entries"),
        last_row_lost=lambda g, w: bilinear_back(g, w, "row"),
    ),
    *twins(
        "large: energy of a chain",
        "indexing",
        neighbours,
        neighbours_back,
        (normal(10, 30_000),),
        hard=True,
        last_end_forgotten=lambda g, x: neighbours_back(g, x, False),
    ),
    *twins(
        "large: weights, some of them unused",
        "sign",
        net,
        net_back,
        (0.1 * normal(11, 10_500),),
        hard=True,
        one_sign=lambda g, w: net_back(g, w, True),
    ),
)
