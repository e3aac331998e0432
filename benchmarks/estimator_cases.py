"""Functions with known derivatives: in NumPy, and in mpmath for the truth at 50 digits, with the points to differentiate at.

A derivative is taken in mpmath by a central difference with step 1e-24 of the point at 100 digits: its relative truncation
error, about 1e-48 times f'''x^2 / f', and its rounding, 1e-76, are nothing beside 1e-16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import mpmath as mp
import numpy as np


@dataclass(frozen=True)
class Case:
    """One function at one point.  ``smooth`` float64 cases count for the accuracy that is promised."""

    name: str
    numpy: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    x: float
    smooth: bool = True

    def truth(self) -> float:
        """The derivative at x, correctly rounded for all purposes here."""
        with mp.workdps(100):
            x = mp.mpf(self.x)
            h = mp.mpf(10) ** -24 * (abs(x) if x else 1)
            return float((self.exact(x + h) - self.exact(x - h)) / (2 * h))


def _float32(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.asarray(f(np.asarray(x, dtype=np.float32)), dtype=np.float32).astype(np.float64)


EVERYWHERE = (-30.0, -3.7, -1.0, -0.1, 1e-3, 0.5, 2.3, 11.0)
MODERATE = (-4.2, -1.3, -0.3, 0.02, 0.7, 1.9, 5.1)
POSITIVE = (1e-6, 1e-3, 0.04, 0.6, 1.0, 3.3, 40.0, 1e4)
INSIDE = (-0.97, -0.6, -0.1, 0.01, 0.35, 0.8)

TABLE: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any], tuple[float, ...]], ...] = (
    ("sin", np.sin, mp.sin, EVERYWHERE),
    ("cos", np.cos, mp.cos, EVERYWHERE),
    ("tan", np.tan, mp.tan, (-1.2, -0.4, 0.1, 0.9, 1.5)),
    ("exp", np.exp, mp.exp, EVERYWHERE),
    ("expm1", np.expm1, mp.expm1, (-8.0, -0.5, 1e-6, 0.1, 3.0)),
    ("log", np.log, mp.log, POSITIVE),
    ("log1p", np.log1p, mp.log1p, (-0.999, -0.5, 1e-8, 0.3, 7.0, 1e3)),
    ("sqrt", np.sqrt, mp.sqrt, (1e-8, *POSITIVE)),
    ("cbrt", np.cbrt, mp.cbrt, POSITIVE),
    ("tanh", np.tanh, mp.tanh, MODERATE),
    ("sinh", np.sinh, mp.sinh, MODERATE),
    ("cosh", np.cosh, mp.cosh, MODERATE),
    ("arctan", np.arctan, mp.atan, EVERYWHERE),
    ("arcsin", np.arcsin, mp.asin, INSIDE),
    ("arccos", np.arccos, mp.acos, INSIDE),
    ("arcsinh", np.arcsinh, mp.asinh, EVERYWHERE),
    ("arctanh", np.arctanh, mp.atanh, INSIDE),
    ("1/x", lambda x: 1 / x, lambda x: 1 / x, (-5.0, -1e-7, 1e-7, 1e-3, 0.8, 1e5)),
    ("1/x^2", lambda x: 1 / x**2, lambda x: 1 / x**2, POSITIVE),
    ("x^2", lambda x: x * x, lambda x: x * x, (-1e6, -2.0, 1e-20, 0.3, 1e10)),
    ("x^3", lambda x: x**3, lambda x: x**3, (-7.0, 1e-5, 0.9, 1e4)),
    ("x^10", lambda x: x**10, lambda x: x**10, (-2.0, 0.3, 1.7, 30.0)),
    ("x^1.5", lambda x: x**1.5, lambda x: x ** mp.mpf(1.5), POSITIVE),
    ("x^x", lambda x: x**x, lambda x: x**x, (0.01, 0.9, 2.5, 9.0)),
    ("2x", lambda x: 2 * x, lambda x: 2 * x, (1e-20, 1.0, 1e10, 1e200)),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), lambda x: 1 / (1 + mp.exp(-x)), MODERATE),
    ("softplus", lambda x: np.logaddexp(0, x), lambda x: mp.log1p(mp.exp(x)), MODERATE),
    ("silu", lambda x: x / (1 + np.exp(-x)), lambda x: x / (1 + mp.exp(-x)), MODERATE),
    ("gauss", lambda x: np.exp(-x * x), lambda x: mp.exp(-x * x), MODERATE),
    ("runge", lambda x: 1 / (1 + 25 * x * x), lambda x: 1 / (1 + 25 * x * x), MODERATE),
    ("sinc", lambda x: np.sin(x) / x, lambda x: mp.sin(x) / x, MODERATE),
    ("sin 1000x", lambda x: np.sin(1000 * x), lambda x: mp.sin(1000 * x), (-0.3, 0.01, 1.0, 2.5)),
    ("sin x^2", lambda x: np.sin(x * x), lambda x: mp.sin(x * x), MODERATE),
    ("sin 1/x", lambda x: np.sin(1 / x), lambda x: mp.sin(1 / x), (0.02, 0.1, 0.5)),
    ("exp 100x", lambda x: np.exp(100 * x), lambda x: mp.exp(100 * x), (-1.0, 1e-3, 0.3, 1.0)),
    ("exp sin", lambda x: np.exp(np.sin(x)), lambda x: mp.exp(mp.sin(x)), MODERATE),
    ("log cosh", lambda x: np.log(np.cosh(x)), lambda x: mp.log(mp.cosh(x)), MODERATE),
    ("x log x", lambda x: x * np.log(x), lambda x: x * mp.log(x), POSITIVE),
    ("sqrt(1+x^2)", lambda x: np.sqrt(1 + x * x), lambda x: mp.sqrt(1 + x * x), EVERYWHERE),
    ("polynomial", lambda x: ((x - 3) * x + 2) * x - 7, lambda x: ((x - 3) * x + 2) * x - 7, EVERYWHERE),
    ("narrow gauss", lambda x: np.exp(-((50 * x) ** 2)), lambda x: mp.exp(-((50 * x) ** 2)), (-0.03, 0.004, 0.02)),
    ("1 + x/1000", lambda x: 1 + x / 1000, lambda x: 1 + x / 1000, (0.1, 1.0, 50.0)),
)

HARD: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any], tuple[float, ...]], ...] = (
    ("x^3 at its root", lambda x: x**3, lambda x: x**3, (0.0,)),
    ("1e8 + sin", lambda x: 1e8 + np.sin(x), mp.sin, (0.4, 1.0, 2.0)),
    ("(1e8 + sin) - 1e8", lambda x: (1e8 + np.sin(x)) - 1e8, mp.sin, (0.4, 1.0, 2.0)),
    ("sin in float32", _float32(np.sin), mp.sin, (0.3, 1.0, 2.9)),
    ("exp in float32", _float32(np.exp), mp.exp, (-2.0, 0.1, 1.3)),
    ("tanh, saturated", np.tanh, mp.tanh, (8.0, 20.0)),
    ("cos near 0", np.cos, mp.cos, (1e-20, 0.0)),
    ("relu beside 0", lambda x: np.maximum(x, 0), lambda x: max(x, mp.mpf(0)), (1e-5, -1e-5)),
    ("|x - 1|", lambda x: np.abs(x - 1), lambda x: abs(x - 1), (1.00001, 0.9, 1.001)),
)


def committed() -> Iterator[Case]:
    """All pairs of the tables."""
    for table, smooth in ((TABLE, True), (HARD, False)):
        for name, numpy, exact, points in table:
            for x in points:
                yield Case(name, numpy, exact, x, smooth)


def fresh(count: int, seed: int) -> Iterator[Case]:
    """Pairs drawn anew: a f(k x), sums, products and compositions of the table's functions at random points.

    A pair is left out only where its value or derivative is not a finite normal number, or where the derivative changes by
    more than a thousandth from one float64 to the next, so that no evaluation at float64 inputs can know it.
    """
    rng = np.random.default_rng(seed)
    rows = [row for row in TABLE if row[0] not in ("2x", "x^x")]
    made = 0
    while made < count:
        (n1, f1, e1, p1), (n2, f2, e2, _) = (rows[int(k)] for k in rng.integers(len(rows), size=2))
        x = float(rng.choice(p1) * (1 + 0.2 * rng.uniform(-1, 1)))
        a, k = (float(10 ** rng.uniform(-1, 1)) for _ in range(2))
        case = _compose(int(rng.integers(4)), (n1, f1, e1), (n2, f2, e2), a, k, x)
        with np.errstate(all="ignore"), mp.workdps(30):
            try:
                value = case.exact(mp.mpf(x))
                good = mp.im(value) == 0 and np.isfinite(case.numpy(np.array([x]))).all()
                slope = case.truth() if good else np.nan
                beside = replace(case, x=float(np.nextafter(x, np.inf))).truth() if good else np.nan
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                continue
        if good and 1e-300 < abs(slope) < 1e300 and abs(beside - slope) < 1e-3 * abs(slope):
            made += 1
            yield case


def _compose(
    how: int,
    one: tuple[str, Callable[[Any], Any], Callable[[Any], Any]],
    two: tuple[str, Callable[[Any], Any], Callable[[Any], Any]],
    a: float,
    k: float,
    x: float,
) -> Case:
    (n1, f1, e1), (n2, f2, e2) = one, two
    ma, mk = mp.mpf(a), mp.mpf(k)
    if how == 0:
        return Case(f"{a:.3g} {n1}({k:.3g}x)", lambda t: a * f1(k * t), lambda t: ma * e1(mk * t), x)
    if how == 1:
        return Case(f"{n1} + {a:.3g} {n2}", lambda t: f1(t) + a * f2(t), lambda t: e1(t) + ma * e2(t), x)
    if how == 2:
        return Case(f"{n1} * {n2}({k:.3g}x)", lambda t: f1(t) * f2(k * t), lambda t: e1(t) * e2(mk * t), x)
    return Case(f"{n2}(1 + {n1}^2 / {a:.3g})", lambda t: f2(1 + f1(t) ** 2 / a), lambda t: e2(1 + e1(t) ** 2 / ma), x)
