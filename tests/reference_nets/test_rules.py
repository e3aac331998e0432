"""Every rule is the derivative of its definition, on every example, and keeps its digits where formulae lose them."""

import mpmath
import numpy as np
import pytest

from gradcheck.catalogue import operators
from gradcheck.claim import Kind
from gradcheck.engine.definition import draw as member
from gradcheck.oracles.finite_difference import line_derivatives
from gradcheck.strategies.sets import settle
from reference_nets.rules import JVPS, RULES

U = np.finfo(float).eps / 2
CASES = [(o.name, k) for o in operators().values() for k in range(len(o.examples))]


class Line:
    """One example at random inputs with a random cotangent and a tangent of signs."""

    def __init__(self, name, k):
        record = operators()[name]
        self.rng = np.random.default_rng(k)
        self.name, self.params, self.definition = name, record.examples[k].params, record.definition
        shapes = record.examples[k].shapes
        self.inputs = [s if isinstance(s, np.ndarray) else self.fill(record, leaf, s) for leaf, s in enumerate(shapes)]
        self.active = [leaf for leaf, s in enumerate(shapes) if not isinstance(s, np.ndarray)]
        self.value = np.asarray(self.definition(*self.inputs, **self.params))
        self.cotangent = np.asarray(self.rng.normal(size=self.value.shape))
        self.tangents = tuple(self.tangent(record.domain.of(leaf), self.inputs[leaf].shape) for leaf in self.active)

    def fill(self, record, leaf, shape):
        within = record.domain.of(leaf)
        if within.kind is not Kind.REALS:
            return member(within, shape, self.rng)
        values = self.rng.uniform(0.5, 1.5, size=shape)
        if record.domain.of(leaf).low < 0:
            values = values * self.rng.choice([-1.0, 1.0], size=shape)
        if record.name in ("inv", "solve") and leaf == 0:
            values = values + 2 * shape[-1] * np.eye(shape[-1])  # condition number below 10
        return settle(values, np.empty(shape), record.domain.of(leaf))

    def tangent(self, within, shape):
        signs = self.rng.choice([-1.0, 1.0], size=shape)
        if within.kind in (Kind.SYMMETRIC, Kind.POSITIVE_DEFINITE):
            return np.tril(signs) + np.swapaxes(np.tril(signs, -1), -1, -2)
        return signs

    def gradients(self):
        return RULES[self.name](self.cotangent, *self.inputs, **self.params)

    def along(self, flat):
        """The definition of the flattened differentiable inputs, flattened."""
        inputs, start = list(self.inputs), 0
        for leaf in self.active:
            size = inputs[leaf].size
            inputs[leaf] = flat[start : start + size].reshape(inputs[leaf].shape)
            start += size
        return np.ravel(self.definition(*inputs, **self.params))

    def slope(self):
        """Outcome of the oracle for ``g . f'(x) t``, and its bound."""
        x = np.concatenate([np.ravel(self.inputs[leaf]) for leaf in self.active])
        t = np.concatenate([np.ravel(part) for part in self.tangents])
        # A value takes at most one rounding per entry that enters it, and a few more for elementary functions.
        answer = line_derivatives(self.along, x, t[None, :], noise_floor=(4 + x.size) * U)
        g = np.ravel(self.cotangent)
        return float(answer.value[0] @ g), float(answer.bound[0] @ np.abs(g))

    def gap(self, gradients):
        """Distance between ``<gradient, t>`` and the oracle, in units of what is allowed: at most 1 if it is right."""
        expected, bound = self.slope()
        terms = np.concatenate([np.ravel(a * b) for a, b in zip(gradients, self.tangents, strict=True)])
        # Each term was rounded less than 32 times in its rule; summing adds one rounding per term.
        rounding = (32 + terms.size) * U * np.sum(np.abs(terms))
        return abs(float(np.sum(terms)) - expected) / (bound + rounding + np.finfo(float).tiny)


def test_every_operator_has_a_rule():
    assert set(RULES) == set(operators())
    assert set(JVPS) <= set(RULES)
    linear_and_entrywise = "sum cumsum take where matmul conv2d avg_pool2d multiply divide power log abs maximum tanh"
    assert set(f"{linear_and_entrywise} sigmoid relu softplus gelu".split()) <= set(JVPS)


@pytest.mark.parametrize(("name", "k"), CASES)
def test_rule_is_the_derivative(name, k):
    line = Line(name, k)
    gradients = line.gradients()
    assert [g.shape for g in gradients] == [line.inputs[leaf].shape for leaf in line.active]
    assert all(g.dtype == np.float64 for g in gradients)
    if line.value.size and sum(g.size for g in gradients):
        assert line.gap(gradients) <= 1


@pytest.mark.parametrize("name", operators())
def test_a_wrong_gradient_is_seen(name):
    """The comparison above is not vacuous: one entry that is off by a millionth of the largest is refused."""
    lines = (Line(name, k) for k in range(len(operators()[name].examples)))
    line = next(line for line in lines if line.value.size and sum(line.inputs[leaf].size for leaf in line.active) > 1)
    gradients = line.gradients()
    assert line.gap(gradients) <= 1
    largest = max(np.max(np.abs(g)) for g in gradients) or 1.0  # a sign has no slope at all
    for leaf in range(len(gradients)):
        wrong = [np.array(g) for g in gradients]
        wrong[leaf].flat[-1] += 1e-6 * largest
        assert line.gap(wrong) > 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("name", "k"), CASES)
def test_rule_keeps_shape_and_type(name, k, dtype):
    line = Line(name, k)
    inputs = [x.astype(dtype) if leaf in line.active else x for leaf, x in enumerate(line.inputs)]
    before = [np.array(x) for x in inputs]
    cotangent = np.asarray(line.cotangent, dtype=dtype)
    narrow = RULES[name](cotangent, *inputs, **line.params)
    assert [(g.shape, g.dtype) for g in narrow] == [(inputs[leaf].shape, dtype) for leaf in line.active]
    assert all(np.all(np.isfinite(g)) for g in narrow)
    assert all(np.array_equal(a, b) for a, b in zip(before, inputs, strict=True))
    assert np.array_equal(cotangent, np.asarray(line.cotangent, dtype=dtype))


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, k in CASES if name in JVPS])
def test_forward_rule_is_the_adjoint(name, k):
    """``<g, J t> = <J^T g, t>``, up to the roundings of both sums and of 32 operations per term."""
    line = Line(name, k)
    forward = np.asarray(JVPS[name](line.tangents, *line.inputs, **line.params))
    assert forward.shape == line.value.shape
    left = np.ravel(forward * line.cotangent)
    right = np.concatenate([np.ravel(g * t) for g, t in zip(line.gradients(), line.tangents, strict=True)])
    size = np.sum(np.abs(left)) + np.sum(np.abs(right))
    assert abs(np.sum(left) - np.sum(right)) <= (32 + left.size + right.size) * U * size


EXACT = {
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "sigmoid": lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2,
    "softplus": lambda x: 1 / (1 + mpmath.exp(-x)),
    "gelu": lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x),
}


@pytest.mark.parametrize("x", [0.0, 1e-8, 0.3, 1.0, 5.0, 20.0, 36.0, 100.0, 800.0])
@pytest.mark.parametrize("name", EXACT)
def test_activations_keep_their_digits(name, x):
    """An exponential of y errs by |y| u relatively, and here y is at most 2|x|, or x^2 / 2 for the normal density."""
    for point in (x, -x):
        with mpmath.workdps(60):
            exact = float(EXACT[name](mpmath.mpf(point)))
        (got,) = RULES[name](np.ones(()), np.asarray(point))
        exponent = x * x if name == "gelu" else 2 * x
        assert abs(got - exact) <= (16 + exponent) * 2 * U * abs(exact) + np.finfo(float).tiny


def test_softmax_keeps_its_digits_when_saturated():
    x, g = np.array([0.0, -50.0, -60.0]), np.array([0.3, -1.7, 2.2])
    with mpmath.workdps(60):
        powers = [mpmath.exp(mpmath.mpf(v)) for v in x]
        s = [p / mpmath.fsum(powers) for p in powers]
        mean = mpmath.fsum(a * mpmath.mpf(b) for a, b in zip(s, g, strict=True))
        exact = np.array([float(a * (mpmath.mpf(b) - mean)) for a, b in zip(s, g, strict=True)])
    (got,) = RULES["softmax"](g, x)
    assert np.all(np.abs(got - exact) <= 64 * U * np.abs(exact))  # exponents up to 60 err by 60 u


def test_confident_classifier_keeps_its_digits():
    """The label's entry is p - 1; with p = 1 - e^-50 the difference would be exactly 0."""
    (got,) = RULES["softmax_cross_entropy"](np.ones(()), np.array([[0.0, -50.0]]), np.array([0]))
    assert np.all(np.abs(got - np.exp(-50.0) * np.array([-1.0, 1.0])) <= 64 * U * np.exp(-50.0))


@pytest.mark.parametrize("zeros", [[], [0], [2], [0, 3], [1, 2], [0, 1, 2, 3]])
def test_products_with_zeros(zeros):
    """Small integers: every product is exact, so the rules must equal the slow definition of the derivative."""
    x, g = np.array([2.0, 3.0, -1.0, 5.0]), np.array([1.0, -2.0, 4.0, 3.0])
    x[zeros] = 0.0
    jacobian = np.array([[np.prod(np.delete(x[: i + 1], k)) if k <= i else 0.0 for k in range(4)] for i in range(4)])
    assert np.array_equal(RULES["prod"](np.asarray(7.0), x)[0], 7.0 * jacobian[-1])
    assert np.array_equal(RULES["cumprod"](g, x)[0], g @ jacobian)


def test_kinks_get_a_generalised_derivative():
    assert np.array_equal(RULES["abs"](np.ones(2), np.array([0.0, -0.0]))[0], [0.0, 0.0])
    assert np.array_equal(RULES["relu"](np.ones(2), np.array([0.0, -0.0]))[0], [0.0, 0.0])
    assert np.array_equal(RULES["norm"](np.ones(()), np.zeros(3))[0], np.zeros(3))
    in_x, in_y = RULES["maximum"](np.array([3.0, -4.0]), np.array([1.0, 0.0]), np.array([1.0, -0.0]))
    assert np.array_equal(in_x + in_y, [3.0, -4.0]) and np.array_equal(in_x, in_y)
    (shared,) = RULES["max"](np.asarray(6.0), np.array([1.0, 5.0, 5.0, 5.0]))
    assert np.array_equal(shared, [0.0, 2.0, 2.0, 2.0])
    (pooled,) = RULES["max_pool1d"](np.array([2.0, 4.0]), np.array([1.0, 1.0, 1.0]), size=2)
    assert np.array_equal(pooled, [1.0, 3.0, 2.0])


def test_more_ties_than_float16_can_count():
    (shared,) = RULES["max"](np.asarray(1.0, dtype=np.float16), np.zeros(70_000, dtype=np.float16))
    assert np.all(shared == np.float16(1 / 70_000)) and shared[0] > 0


def test_power_at_its_edges():
    x, y = np.array([0.0, 0.0, 0.0, 2.0, 1e-300]), np.array([2.0, 1.0, 0.0, 0.0, 1.0])
    in_x, in_y = RULES["power"](np.ones(5), x, y)
    assert np.array_equal(in_x, [0.0, 1.0, 0.0, 0.0, 1.0])
    assert np.array_equal(in_y[:3], [0.0, 0.0, 0.0]) and in_y[3] == np.log(2.0)


def test_norm_survives_what_its_squares_do_not():
    for scale in (1e-200, 1e200):
        (unit,) = RULES["norm"](np.ones(()), scale * np.array([3.0, 4.0]))
        assert np.all(np.abs(unit - [0.6, 0.8]) <= 8 * U)  # two quotients, two squares, a sum, a root


def test_take_adds_up_duplicates():
    (gradient,) = RULES["take"](np.array([1.0, 2.0, 4.0]), np.zeros(3), np.array([0, 0, -1]))
    assert np.array_equal(gradient, [3.0, 0.0, 4.0])


def test_where_does_not_multiply():
    in_x, in_y = RULES["where"](np.array([np.inf, 1.0]), np.array([True, False]), np.zeros(2), np.zeros(2))
    assert np.array_equal(in_x, [np.inf, 0.0]) and np.array_equal(in_y, [0.0, 1.0])


def test_a_direction_whose_length_overflows_has_a_gradient():
    g, direction, gain = np.array([1.0, -2.0, 0.5]), np.full(3, 1.7e308), np.array(1.7e308)
    in_direction, along = RULES["weight_norm"](g, direction, gain)
    unit = 1 / np.sqrt(3.0)
    # Six roundoffs: a quotient, a root, a sum of three and the products around them.
    assert along == pytest.approx(np.sum(g) * unit, rel=6 * 2.0**-52)
    assert in_direction == pytest.approx((g - np.sum(g) / 3) * unit, rel=6 * 2.0**-52)
