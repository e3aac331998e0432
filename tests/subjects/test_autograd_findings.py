"""What gradcheck says is wrong in the autograd package is recomputed here with mpmath at 50 digits, without gradcheck's oracles."""

from __future__ import annotations

from functools import reduce
from operator import mul

import mpmath
import numpy as np
import pytest

import gradcheck
from gradcheck.records import Finding, Severity
from gradcheck.subjects import load

pytest.importorskip("autograd")


def along(values: list[list[mpmath.mpf]], kind: str) -> list[mpmath.mpf]:
    """Products or Euclidean norms of the groups."""
    if kind == "prod":
        return [reduce(mul, group, mpmath.mpf(1)) for group in values]
    return [mpmath.sqrt(sum(v * v for v in group)) for group in values]


def slopes(finding: Finding, kind: str) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Right and left derivative of <g, f(x)> in the entry of the finding, by one-sided differences in 50 digits."""
    assert finding.point is not None and finding.index is not None
    x, g = finding.point.inputs[0].astype(float), finding.point.cotangents[0].astype(float)
    axis = finding.kwargs.get("axis")
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    size = int(np.prod([x.shape[a] for a in axes], dtype=int))

    def value(t: mpmath.mpf) -> mpmath.mpf:
        exact = np.array([mpmath.mpf(float(v)) for v in x.ravel()], dtype=object).reshape(x.shape)
        exact[finding.index] = exact[finding.index] + t
        groups = exact.transpose(kept + axes).reshape(-1, size).tolist()
        return sum(mpmath.mpf(float(w)) * f for w, f in zip(np.ravel(g), along(groups, kind), strict=True))

    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -25
        here = value(mpmath.mpf(0))
        return (value(h) - here) / h, (here - value(-h)) / h


@pytest.mark.parametrize("name", ["prod", "norm"])
def test_a_gradient_that_is_not_finite_has_a_finite_truth(name: str) -> None:
    record = gradcheck.verify("autograd", name).records[0]
    wrong = [f for f in record.findings if f.severity is Severity.WRONG]
    assert wrong, f"autograd's {name} is no longer found wrong: take it off this list"
    for finding in wrong:
        right, left = slopes(finding, name)
        assert mpmath.isfinite(right) and mpmath.isfinite(left)
        assert not np.isfinite(finding.got) or not min(left, right) - 1 <= finding.got <= max(left, right) + 1


@pytest.mark.parametrize("name", ["where", "solve"])
def test_an_exception_is_raised_by_autograd_itself(name: str) -> None:
    record = gradcheck.verify("autograd", name).records[0]
    wrong = [f for f in record.findings if f.code == "GC109"]
    assert wrong
    implementation = load("autograd").implementation(name, dict(wrong[0].kwargs))
    point = wrong[0].point
    assert implementation is not None and point is not None
    assert np.all(np.isfinite(implementation.forward(*point.inputs, **wrong[0].kwargs)))
    with pytest.raises(Exception, match=r"."):
        implementation.vjp(point.cotangents[0], *point.inputs, **wrong[0].kwargs)
