"""What gradcheck says is wrong in the autograd package, each finding recomputed with mpmath at 50 digits, without gradcheck's oracles.

The findings come from a run over the whole catalogue.  One that is not in ``KNOWN`` fails here until somebody has recomputed it
and put it on the list; one that is on the list and is no longer found fails, too.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

from gradcheck import catalogue
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Finding, Point, Record
from gradcheck.report import snippet
from gradcheck.subjects import load

KNOWN: dict[str, set[tuple[str, str]]] = {
    # off by 1e-7 of itself where rows differ in size by 1e10
    "pinv": {("wrong", "x0")},
    # det A times the inverse, which a singular matrix does not have; its derivative is the adjugate
    "det": {("contract", "x0")},
    # the square of the divisor overflows float32 at 1e20
    "divide": {("wrong", "x1")},
    # a repeated letter cannot be given back
    "einsum": {("contract", "x, y")},
    # of more than two axes it is another function's
    "kron": {("wrong", "x0"), ("wrong", "x1")},
    # 0/0 where all is zero; the norm is a cone there, and 0 is a subgradient
    "norm": {("wrong", "x")},
    # gradients of operands without axes, or with more than one, are not summed
    "outer": {("contract", "x0, x1")},
    # by way of where
    "prelu": {("contract", "x, slope")},
    # the product over the entry: 0/0 at a zero
    "prod": {("wrong", "x0")},
    # of one number, a tuple of shifts, three copies of three axes, negative axes
    "repeat": {("contract", "x")},
    "roll": {("contract", "x")},
    "tile": {("contract", "x0")},
    "transpose": {("contract", "x")},
    # 0/0 at 0, where it is smooth
    "sinc": {("wrong", "x0")},
    # gradients of broadcast operands are not summed
    "solve": {("contract", "x0, x1")},
    # 0/0 where all are equal: a cone
    "std": {("wrong", "x")},
    # nor here, where an axis of size 1 meets one of size 0
    "where": {("contract", "x1, x2")},
}
"""(severity, argument) of every finding that is wrong or a breach of contract, per operator."""

Exact = Any
Definition = Callable[..., Sequence[Exact]]


def grouped(x: Any, axis: Any) -> Any:
    """The entries of an object array in one row per group that is reduced."""
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    size = int(np.prod([x.shape[a] for a in axes], dtype=int))
    return x.transpose(kept + axes).reshape(-1, size).tolist()


def exact_prod(x: Any, *, axis: Any = None, keepdims: bool = False) -> Sequence[Exact]:
    return [functools.reduce(lambda a, b: a * b, row, mpmath.mpf(1)) for row in grouped(x, axis)]


def exact_norm(x: Any, *, axis: Any = None, keepdims: bool = False) -> Sequence[Exact]:
    return [mpmath.sqrt(sum(v * v for v in row)) for row in grouped(x, axis)]


def exact_sigmoid(x: Any) -> Sequence[Exact]:
    return [1 / (1 + mpmath.exp(-v)) for v in x.ravel()]


def exact_kron(x: Any, y: Any) -> Sequence[Exact]:
    axes = max(x.ndim, y.ndim)
    x, y = (v.reshape((1,) * (axes - v.ndim) + v.shape) for v in (x, y))
    shape = tuple(a * b for a, b in zip(x.shape, y.shape, strict=True))
    return [
        x[tuple(i // n for i, n in zip(k, y.shape, strict=True))]
        * y[tuple(i % n for i, n in zip(k, y.shape, strict=True))]
        for k in np.ndindex(shape)
    ]


def exact_std(x: Any, *, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Sequence[Exact]:
    rows = [(row, sum(row) / len(row)) for row in grouped(x, axis)]
    return [mpmath.sqrt(sum((v - mean) ** 2 for v in row) / (len(row) - ddof)) for row, mean in rows]


def exact_divide(x: Any, y: Any) -> Sequence[Exact]:
    return list(np.ravel(x / y))


def exact_sinc(x: Any) -> Sequence[Exact]:
    return [mpmath.sincpi(v) for v in x.ravel()]


def exact_pinv(x: Any, **params: Any) -> Sequence[Exact]:
    """A^T (A A^T)^-1 of a wide matrix of full rank, and the transpose of that of a tall one."""
    a = mpmath.matrix(x.tolist())
    wide = a.T * (a * a.T) ** -1 if a.rows <= a.cols else (a.T * a) ** -1 * a.T
    return [wide[i, k] for i in range(wide.rows) for k in range(wide.cols)]


EXACT: dict[str, Definition] = {
    "pinv": exact_pinv,
    **{"kron": exact_kron, "std": exact_std, "sinc": exact_sinc, "divide": exact_divide},
    **{"prod": exact_prod, "norm": exact_norm, "sigmoid": exact_sigmoid},
}
"""Definitions on arrays of mpmath numbers, written for this test; packed outputs."""


@functools.cache
def found(name: str) -> Record:
    return verify_operator(load("autograd"), catalogue.operator(name))


def failing(name: str) -> list[Finding]:
    return [finding for finding in found(name).findings if finding.severity.fails]


def slopes(name: str, finding: Finding) -> tuple[Exact, Exact]:
    """Right and left derivative of <g, f(x)> in the entry of the finding, by one-sided differences in 50 digits."""
    assert finding.point is not None and finding.index is not None and finding.leaf is not None
    given, leaf, index = finding.point.inputs, finding.leaf, finding.index

    def number(v: Any) -> Exact:
        return mpmath.mpf(float(v))  # exact: every type here embeds in float64

    def value(t: Exact) -> Exact:
        inputs = [np.array([number(v) for v in x.ravel()], dtype=object).reshape(x.shape) for x in given]
        inputs[leaf][index] = inputs[leaf][index] + t
        outputs = EXACT[name](*inputs, **finding.kwargs)
        assert finding.point is not None
        weights = np.concatenate([np.ravel(g) for g in finding.point.cotangents])
        return sum((number(w) * f for w, f in zip(weights, outputs, strict=True)), mpmath.mpf(0))

    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -25 * max(1, abs(number(given[leaf][index])))
        here = value(mpmath.mpf(0))
        return (value(h) - here) / h, (here - value(-h)) / h


@pytest.mark.parametrize("name", catalogue.operators())
def test_what_is_found_is_what_was_recomputed(name: str) -> None:
    seen = {(finding.severity.value, finding.argument) for finding in failing(name)}
    assert seen == KNOWN.get(name, set()), [str(f.message) for f in failing(name)]


@pytest.mark.parametrize("name", KNOWN)
def test_every_finding_stands_at_50_digits_or_is_an_exception_of_autograd_itself(name: str) -> None:
    for finding in failing(name):
        if finding.code == "GC109":
            autograd_raises(name, finding)
            continue
        right, left = slopes(name, finding)
        low, high = min(left, right), max(left, right)
        assert mpmath.isfinite(low) and mpmath.isfinite(high)
        assert finding.got is not None and finding.expected is not None
        # 2^-40: the differences above err by about 1e-25 of the second derivative; one part in 10^12 is no error of theirs.
        slack = mpmath.mpf(2) ** -40 * (abs(low) + abs(high))
        assert low - slack <= finding.expected <= high + slack
        assert not np.isfinite(finding.got) or not low - slack <= finding.got <= high + slack


def autograd_raises(name: str, finding: Finding) -> None:
    """The forward has a finite value, and autograd's own vjp of it raises, called without anything of gradcheck between."""
    from autograd import make_vjp

    point = finding.point
    implementation = load("autograd").implementation(name, dict(finding.kwargs))
    assert implementation is not None and point is not None
    assert np.all(np.isfinite(implementation.forward(*point.inputs, **finding.kwargs)))
    active = tuple(k for k, x in enumerate(point.inputs) if x.dtype.kind == "f")
    pull, _ = make_vjp(implementation.forward, active)(*point.inputs, **finding.kwargs)
    with pytest.raises((ValueError, TypeError, AssertionError)):
        pull(point.cotangents[0])


@pytest.mark.parametrize("name", KNOWN)
def test_the_snippet_of_every_finding_reproduces_it_as_pasted(name: str) -> None:
    for finding in failing(name):
        source = snippet(found(name), finding)
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "reproduced", source + done.stdout


def test_the_slopes_are_those_of_school() -> None:
    """The recomputation itself, against derivatives that are written down: of x y z in y, and of 1/(1 + e^-x)."""
    finding = replace(
        next(f for f in failing("prod") if f.index is not None),
        point=Point(inputs=(np.array([3.0, 0.0, -5.0]),), cotangents=(np.array(2.0),)),
        index=(1,),
        leaf=0,
        kwargs={},
    )
    for slope in slopes("prod", finding):
        assert abs(slope + 30) < 1e-20
    finding = replace(finding, point=Point(inputs=(np.array(0.0),), cotangents=(np.array(2.0),)), index=())
    for slope in slopes("sigmoid", finding):
        assert abs(slope - 0.5) < 1e-20
    right, left = slopes("norm", replace(finding, kwargs={"axis": None}))  # a kink: the two differ
    assert abs(right - 2) < 1e-20 and abs(left + 2) < 1e-20
