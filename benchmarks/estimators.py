"""Our finite differences beside other packages: ``python -m benchmarks.estimators [seed ...]``.

For each tool: on how many pairs it states a finite error; in what share of these (%) the true error lies within the stated
one; true and stated relative errors (median, 95th percentile); evaluations (largest, median); seconds.  Stated errors of
other tools may be meant as standard deviations.  Every tool runs with its defaults; one not installed is said to be missing.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import mpmath as mp
import numpy as np

from benchmarks.estimator_cases import Case, committed, fresh
from gradcheck.oracles.finite_difference import line_derivatives

UNIT = 2.0**-53
Tool = Callable[[Callable[[Any], Any], float], tuple[float, float]]


class Counted:
    """A function of arrays of any shape that counts the points at which it was evaluated."""

    def __init__(self, f: Callable[[Any], Any]) -> None:
        """Count from 0."""
        self.f, self.count = f, 0

    def __call__(self, x: Any) -> Any:
        """The value; counts every entry of x."""
        x = np.asarray(x, dtype=np.float64)
        self.count += x.size
        return self.f(x)


def ours(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """gradcheck."""
    e = line_derivatives(f, np.array([x]), np.ones((1, 1)), noise_floor=UNIT)
    return float(e.value[0, 0]), float(e.bound[0, 0])


def with_numdifftools(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """numdifftools.Derivative with its own error estimate."""
    found = import_module("numdifftools").Derivative(f, full_output=True)(x)
    # Up to 0.9 a pair of the value and its details, later one record of both.
    value, details = (found.estimate, found) if hasattr(found, "estimate") else found
    return float(np.ravel(value)[0]), float(np.ravel(details.error_estimate)[0])


def with_jacobi(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """jacobi.jacobi with its own error estimate."""
    value, error = import_module("jacobi").jacobi(f, x)
    return float(np.ravel(value)[0]), float(np.ravel(error)[0])


def with_fdm(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """fdm.central_fdm of order 5; it states no error."""
    value = import_module("fdm").central_fdm(order=5, deriv=1)(lambda t: float(np.ravel(f(t))[0]), x)
    return float(value), float("nan")


def with_scipy(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """scipy.differentiate.derivative with its own error estimate."""
    found = import_module("scipy.differentiate").derivative(f, x)
    return float(found.df), float(found.error)


TOOLS: dict[str, tuple[str, Tool]] = {
    "gradcheck": ("gradcheck", ours),
    "numdifftools": ("numdifftools", with_numdifftools),
    "jacobi": ("jacobi", with_jacobi),
    "fdm": ("fdm", with_fdm),
    "scipy": ("scipy.differentiate", with_scipy),
}


@dataclass
class Tally:
    """What one tool did on many pairs; errors are relative to the truth, or absolute where that is 0."""

    true: list[float] = field(default_factory=list)
    stated: list[float] = field(default_factory=list)
    evaluations: list[int] = field(default_factory=list)
    seconds: float = 0.0
    misses: list[tuple[Case, float, float, float]] = field(default_factory=list)
    undecided: list[Case] = field(default_factory=list)

    def row(self, name: str) -> str:
        """One line of the table."""
        true, stated = self.true, self.stated
        claims = np.count_nonzero(np.isfinite(stated))
        within = f"{100 * (1 - len(self.misses) / claims):6.2f}" if claims else "     -"
        bounds = [f"{_quantile(stated, q):.0e}" if claims else "-" for q in (0.5, 0.95)]
        return (
            f"{name:13s} {len(true):6d} {claims:6d} {within} {_quantile(true, 0.5):9.0e} {_quantile(true, 0.95):9.0e} "
            f"{bounds[0]:>9s} {bounds[1]:>9s} {max(self.evaluations):5d} {int(np.median(self.evaluations)):6d} "
            f"{self.seconds:8.2f}"
        )


def _quantile(errors: Sequence[float], q: float) -> float:
    """The lower q-quantile, where no answer counts as infinite."""
    a = np.asarray(errors)
    return float(np.sort(np.where(np.isnan(a), np.inf, a))[int(q * (a.size - 1))])


def measure(tool: Tool, cases: Sequence[Case], truths: Sequence[float]) -> Tally:
    """Run one tool on all pairs.  No answer counts as an infinite error, with no bound stated."""
    tally = Tally()
    for case, truth in zip(cases, truths, strict=True):
        counted = Counted(case.numpy)
        start = time.perf_counter()
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value, bound = tool(counted, case.x)
            except Exception:  # a tool that raises gives no answer here
                value, bound = float("nan"), float("inf")
        tally.seconds += time.perf_counter() - start
        error = abs(value - truth)
        unit = abs(truth) or 1.0
        tally.true.append(error / unit)
        tally.stated.append(bound / unit)
        tally.evaluations.append(counted.count)
        if not np.isfinite(bound):
            tally.undecided.append(case)
        # Half an ulp of the truth, which was rounded to float64 to be compared.
        elif not error <= bound + UNIT * abs(truth):
            tally.misses.append((case, value, truth, bound))
    return tally


def reason(case: Case, miss: float = np.inf) -> str:
    """Why ours missed by so much, or stated no bound (inf), found out by experiment.

    The forward is replaced by one that is rounded once, instead of at each operation.  If its bound holds, the rounding
    inside the forward has hidden the derivative; by how many ulp its values err is measured.  If not, the function is
    faster than the steps: the shortest step is looked for in which the exact slope, less its parabola, turns round at
    least eight times, by as much as the miss.
    """
    points: list[float] = []

    def rounded_once(x: Any) -> Any:
        points.append(float(np.ravel(x)[0]))
        return np.array([_exact(case, points[-1])])

    truth = case.truth()
    with np.errstate(all="ignore"):
        value, bound = ours(rounded_once, case.x)
        if np.isfinite(bound) and abs(value - truth) <= bound + UNIT * abs(truth):
            exact = np.array([_exact(case, p) for p in points])
            ours_is = np.array([float(np.ravel(case.numpy(np.array([p])))[0]) for p in points])
            unit = np.spacing(np.maximum(np.abs(exact), np.finfo(np.float64).smallest_normal))
            ulps = np.nanmax(np.abs(ours_is - exact) / unit)
            return f"rounding inside the forward: its values err by up to {ulps:.0e} ulp; rounded once, the bound holds"
    grid = np.arange(-100, 101) / 100
    for step in sorted({abs(p - case.x) for p in points} - {0.0}):
        with mp.workdps(60):  # between the float64 numbers, too
            slopes = np.array([replace(case, x=mp.mpf(case.x) + mp.mpf(step) * mp.mpf(t)).truth() for t in grid])
        if not np.all(np.isfinite(slopes)):
            continue
        waves = slopes - np.polynomial.Polynomial.fit(grid, slopes, 2)(grid)
        turns, swing = int(np.count_nonzero(np.diff(np.sign(np.diff(waves))))), float(np.ptp(waves))
        # 2^-40: the slopes were rounded to float64, and a parabola was fitted to them.
        if turns >= 8 and swing >= max(miss if np.isfinite(miss) else 0.0, 2.0**-40 * np.max(np.abs(slopes))):
            part = swing / (abs(truth) or 1.0)
            return (
                f"faster than the steps: within {step:.0e} of x the slope turns {turns} times, by {part:.0e} of itself"
            )
    return "unexplained"


def _exact(case: Case, x: float) -> float:
    """The function's value rounded once; NaN where it is not defined."""
    with mp.workdps(50):
        try:
            value = case.exact(mp.mpf(x))
            return float(value) if mp.im(value) == 0 else float("nan")
        except (ValueError, ZeroDivisionError, OverflowError, TypeError):
            return float("nan")


def report(title: str, cases: Sequence[Case]) -> Tally:
    """Print the table of all tools on these pairs, and what gradcheck missed; returns gradcheck's tally."""
    truths = [case.truth() for case in cases]
    print(f"\n{title}: {len(cases)} pairs")
    print(
        f"{'tool':13s} {'pairs':>6s} {'stated':>6s} {'within':>6s} {'true med':>9s} {'true p95':>9s} {'bound med':>9s} {'bound p95':>9s} "
        f"{'max e':>5s} {'median':>6s} {'seconds':>8s}"
    )
    mine = Tally()
    for name, (module, tool) in TOOLS.items():
        try:
            import_module(module)
        except ImportError:
            print(f"{name:13s} missing: not installed")
            continue
        tally = measure(tool, cases, truths)
        print(tally.row(name))
        if tool is ours:
            mine = tally
    for case, value, truth, bound in mine.misses:
        print(f"  outside its bound: {case.name} at {case.x:.6g}: {value:.9g}, truth {truth:.9g}, bound {bound:.2g}")
        print(f"    {reason(case, abs(value - truth))}")
    for case in mine.undecided:
        print(f"  no bound stated: {case.name} at {case.x:.6g}")
        print(f"    {reason(case)}")
    return mine


def main(seeds: Sequence[int]) -> int:
    """Print all tables.  Returns 1 if what is promised does not hold."""
    pairs = list(committed())
    good = not (missing := [name for name, (module, _) in TOOLS.items() if find_spec(module) is None])
    for name in missing:
        print(f"{name} is not installed: the comparison is not complete (extra `bench`)")
    batches = [
        ("committed, smooth", [c for c in pairs if c.smooth]),
        ("committed, hard", [c for c in pairs if not c.smooth]),
        *((f"drawn with seed {seed}", list(fresh(200, seed))) for seed in seeds),
    ]
    for title, cases in batches:
        tally = report(title, cases)
        stated = tally.stated
        within = len(tally.misses) <= 0.01 * (len(cases) - len(tally.undecided))
        sharp = title.endswith("hard") or (_quantile(stated, 0.5) <= 1e-10 and _quantile(stated, 0.95) <= 1e-6)
        kept = within and sharp and max(tally.evaluations) <= 30
        print(
            f"  promised (99 % within, median bound 1e-10, 95 % below 1e-6, 30 evaluations): {'kept' if kept else 'BROKEN'}"
        )
        good &= bool(kept)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main([int(s) for s in sys.argv[1:]] or [int(np.random.SeedSequence().generate_state(1)[0])]))
