"""Order two of every operator: the vjp of the vjp against second-order jets of the definition, forward against reverse."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import pytest

from gradcheck.catalogue import operators
from gradcheck.claim import Example, Kind, Operator
from gradcheck.strategies.sets import settle
from tests.catalogue.drawn_inputs import draw
from tests.catalogue.second_order import NoDerivativeError, Place, UnreadError, rule_of

BY_DIFFERENCES = frozenset(
    """bessel_i0e bessel_i1e betaln dct digamma fft fft2 ifft irfft lstsq pinv polar qr rfft sqrtm trigamma""".split()
)
"""The rule calls compiled code that no trace reads (LAPACK, FFT, zeta, hyp1f1): it is run in float64."""

BY_SYMMETRY = frozenset("eigh eigvalsh spectral_projector svdvals".split())
"""No trace reads the definition (LAPACK): the derivative of the vjp is held against its transpose, which is the Hessian's own."""

BY_MPMATH: dict[str, Callable[..., Any]] = {
    "gammainc": lambda x, a=1.0: mpmath.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda x, a=1.0: mpmath.gammainc(a, x, mpmath.inf, regularized=True),
    "hurwitz_zeta": lambda x, s=2.0: mpmath.zeta(s, x),
}
"""No trace reads the definition: another library's text of the same function, differentiated twice at 40 digits."""

BY_JETS = [n for n in operators() if n not in BY_DIFFERENCES | BY_SYMMETRY and n not in BY_MPMATH]


def points(operator: Operator, example: Example, seed: int) -> Iterator[list[Any]]:
    """One ordinary point, and each special value at the first entry of each argument in turn."""
    plain = draw(operator, example, np.float64, seed)
    yield plain
    for value in operator.special:
        for leaf, shape in enumerate(example.shapes):
            if isinstance(shape, tuple) and operator.domain.of(leaf).kind is Kind.REALS:
                inputs = [np.array(x) for x in plain]
                inputs[leaf].flat[0] = settle(np.asarray(value), np.empty(()), operator.domain.of(leaf))
                yield inputs


def full(operator: Operator) -> list[Example]:
    """The examples that have an entry of each argument."""
    return [e for e in operator.examples if all(0 not in s for s in e.shapes if isinstance(s, tuple))]


def places(name: str, *, special: bool = True) -> Iterator[Place]:
    """Every example at an ordinary point, and one of several entries at the special values."""
    operator = operators()[name]
    examples = full(operator)
    most = max(range(len(examples)), key=lambda k: (min(len(examples), 3) > k, -k))  # an early one: small
    for k, example in enumerate(examples):
        for number, inputs in enumerate(points(operator, example, k)):
            if number and not (special and k == most):
                break
            with np.errstate(all="ignore"), contextlib.suppress(np.linalg.LinAlgError):  # a zero made a matrix singular
                yield Place.of(operator, example, inputs, seed=number)


@pytest.mark.parametrize("name", BY_JETS)
def test_the_vjp_of_the_vjp_is_the_second_derivative(name: str) -> None:
    decided = 0
    for place in places(name):
        try:
            gaps = place.gaps(rule_of(name))
        except NoDerivativeError:
            continue
        decided += 1
        assert gaps.worst <= 1, (place.example.params, place.inputs, gaps)
    assert decided >= len(full(operators()[name])), "an ordinary point has a second derivative"


def bent(place: Place, by: float) -> Callable[..., Any]:
    """The rule with ``by (x - x0)`` added to its answer: right at x0, and wrong in its derivative."""
    rule, at = rule_of(place.operator.name), [np.array(x) for x in place.moving]
    moving = [k for k, x in enumerate(place.inputs) if x.dtype.kind == "f"]

    def twin(g: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
        apart = [inputs[k] - x0 for k, x0 in zip(moving, at, strict=True)]
        return tuple(p + by * d for p, d in zip(rule(g, *inputs, **params), apart, strict=True))

    return twin


def ordinary(name: str) -> Place:
    """A place whose two tangents are not orthogonal, so that what ``bent`` adds is seen along them.

    Nor is its cotangent constant: the sum of eigenvalues is a trace, whose vjp is constant, and its differences are noise.
    """
    operator = operators()[name]
    example = max(full(operator), key=lambda e: sum(min(int(np.prod(s)), 12) for s in e.shapes if isinstance(s, tuple)))
    inputs = draw(operator, example, np.float64, seed=5)
    drawn = (Place.of(operator, example, inputs, seed) for seed in range(100))
    several = (p for p in drawn if p.cotangent.size == 1 or np.ptp(p.cotangent) > 0)
    return next(p for p in several if sum(float(np.sum(a * b)) for a, b in zip(p.u, p.v, strict=True)) != 0)


@pytest.mark.parametrize("name", BY_JETS)
def test_a_rule_that_is_right_to_first_order_alone_is_seen(name: str) -> None:
    place = ordinary(name)
    _, scale, _, _ = place.truth()
    assert place.gaps(rule_of(name)).worst <= 1
    assert place.gaps(bent(place, 2.0**-20 * max(1.0, scale))).worst > 1


@pytest.mark.parametrize("name", sorted(BY_DIFFERENCES))
def test_the_derivative_of_the_vjp_is_the_second_derivative(name: str) -> None:
    with pytest.raises(UnreadError):
        [p.gaps(rule_of(name)) for p in places(name, special=False)]  # else it belongs to the sharper test
    for place in places(name, special=False):
        assert place.gap_by_differences(rule_of(name)) <= 1
    place = ordinary(name)
    _, scale, _, _ = place.truth()
    assert place.gap_by_differences(bent(place, 1e-3 * max(1.0, scale))) > 1


@pytest.mark.parametrize("name", sorted(BY_SYMMETRY))
def test_the_derivative_of_the_vjp_is_symmetric(name: str) -> None:
    with pytest.raises(UnreadError):
        ordinary(name).truth()
    decided = 0
    for place in places(name, special=False):
        with contextlib.suppress(NoDerivativeError):  # differences of noise, where the vjp is constant
            assert place.asymmetry(rule_of(name)) <= 1
            decided += 1
    assert decided >= 2
    place = ordinary(name)
    rule = rule_of(name)

    def twisted(g: Any, a: Any, **params: Any) -> tuple[Any, ...]:
        """A field that is no gradient is added: one entry depends on another, which does not depend on it."""
        (p,) = rule(g, a, **params)
        p = np.array(p)
        p[..., 0, 0] += 1e-3 * a[..., 1, 1]
        return (p,)

    assert place.asymmetry(twisted) > 1


@pytest.mark.parametrize("name", sorted(BY_MPMATH))
@pytest.mark.parametrize("x", [0.3, 1.0, 2.5, 7.0])
def test_the_slope_of_the_slope_is_that_of_another_library(name: str, x: float) -> None:
    for example in full(operators()[name]):
        params = dict(example.params)
        place = Place.of(operators()[name], Example((()), params), [np.asarray(x)], seed=1)
        with mpmath.workdps(40):
            exact = float(mpmath.diff(lambda t, p=params: BY_MPMATH[name](t, **p), mpmath.mpf(x), 2))
        value, bound = place.slope_of(rule_of(name), place.u, place.v)
        wanted = exact * float(place.cotangent * place.u[0] * place.v[0])
        assert abs(value - wanted) <= bound + 2.0**-40 * abs(
            wanted
        )  # twelve digits of the difference in mpmath are kept
        wrong, _ = place.slope_of(bent(place, 1e-3 * max(1.0, abs(exact))), place.u, place.v)
        assert abs(wrong - wanted) > bound + 2.0**-40 * abs(wanted)


def test_every_operator_is_in_one_of_the_tests() -> None:
    groups = (frozenset(BY_JETS), BY_DIFFERENCES, BY_SYMMETRY, frozenset(BY_MPMATH))
    assert sum(map(len, groups)) == len(frozenset().union(*groups)) == len(operators())
    assert len(BY_JETS) >= 232


def test_a_definition_without_a_second_derivative_says_so() -> None:
    relu = operators()["relu"]
    with pytest.raises(NoDerivativeError, match="different sides"):
        Place.of(relu, relu.examples[0], [np.zeros(())]).truth()
