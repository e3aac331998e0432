"""What gradcheck found wrong in released frameworks, each shown by the framework alone and recomputed by mpmath at 50 digits.

A framework that mends one of these fails here: take the line off, and thank them.
"""

import mpmath
import numpy as np
import pytest


def exact(function, *x, digits=50):
    """A derivative by mpmath at 50 digits."""
    with mpmath.workdps(digits):
        return +function(*map(mpmath.mpf, x))


def off(got, want):
    """Relative error."""
    return float(abs(mpmath.mpf(float(got)) - want) / abs(want))


def torch_slope(function, *x, dtype="float64"):
    torch = pytest.importorskip("torch")
    inputs = [torch.tensor(v, dtype=getattr(torch, dtype), requires_grad=True) for v in x]
    function(torch, *inputs).backward()
    return [float(v.grad) for v in inputs]


ROUNDING = 1000 * 2.0**-53
"""A thousand roundings: what is off by more is no rounding."""


def test_digamma_of_torch_has_nine_digits():
    x = 0.9509197766621432
    (got,) = torch_slope(lambda t, v: t.special.digamma(v), x)
    assert off(got, exact(lambda v: mpmath.psi(1, v), x)) > 1e-10 > ROUNDING


def test_hardsigmoid_of_torch_has_a_sixth_in_single_precision():
    (got,) = torch_slope(lambda t, v: t.nn.functional.hardsigmoid(v), -0.5)
    assert got == float(np.float32(1 / 6)) and off(got, mpmath.mpf(1) / 6) > 1e-9


def test_clamp_of_torch_loses_the_cotangent_between_equal_limits():
    """The value is the limit, so the slopes in both limits add up to 1; torch gives none."""
    _, low, high = torch_slope(lambda t, v, a, b: t.clamp(v, a, b), -1.0, 0.5, 0.5)
    with mpmath.workdps(50):
        h = mpmath.mpf(2) ** -60
        along = (min(max(-1, 0.5 + h), 0.5 + h) - min(max(-1, mpmath.mpf(0.5)), mpmath.mpf(0.5))) / h
    assert along == 1 and low + high != 1


def test_clamp_of_torch_raises_where_it_broadcasts():
    torch = pytest.importorskip("torch")
    x, low, high = (torch.ones(s, dtype=torch.float64, requires_grad=True) for s in ((1,), (2, 1), (1, 3)))
    value = torch.clamp(x, low, high).sum()
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        value.backward()


def test_matrix_exp_of_torch_is_not_linear_in_its_cotangent():
    torch = pytest.importorskip("torch")
    x = torch.tensor([[0.35575519497811814]], dtype=torch.float64, requires_grad=True)
    (got,) = torch.autograd.grad(torch.linalg.matrix_exp(x), x, torch.tensor([[1946157056.0]], dtype=torch.float64))
    want = exact(lambda v: 1946157056 * mpmath.exp(v), x.item())
    assert off(got, want) > 1e-8 > ROUNDING


@pytest.mark.parametrize("function", ["gammainc", "gammaincc"])
def test_incomplete_gamma_of_torch_is_nan_at_zero(function):
    (got,) = torch_slope(lambda t, v: getattr(t.special, function)(t.ones_like(v), v), 0.0)
    assert np.isnan(got) and exact(lambda v: mpmath.exp(-v), 0.0) == 1


@pytest.mark.parametrize(("x", "want"), [(479.75, lambda v: 1 / mpmath.sqrt(v * v - 1))])
def test_arccosh_of_torch_vanishes_in_half_precision(x, want):
    (got,) = torch_slope(lambda t, v: t.arccosh(v), x, dtype="float16")
    assert got == 0 and exact(want, x) > 2.0**-10


def test_arctan2_of_torch_vanishes_in_half_precision():
    got, _ = torch_slope(lambda t, y, x: t.arctan2(y, x), -15.7734375, -399.25, dtype="float16")
    assert got == 0 and abs(exact(lambda y, x: x / (x * x + y * y), -15.7734375, -399.25)) > 2.0**-10


def test_softplus_of_torch_is_straight_from_twenty():
    (got,) = torch_slope(lambda t, v: t.nn.functional.softplus(v), 20.5)
    assert got == 1 and off(got, exact(lambda v: 1 / (1 + mpmath.exp(-v)), 20.5)) > 1e-10 > ROUNDING


def jax_slope(function, x, dtype="float64"):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        return float(jax.grad(lambda v: function(jax, v))(jax.numpy.asarray(x, dtype)))


def test_trigamma_of_jax_is_another_function_below_zero():
    x = -223.36370772156008
    got = jax_slope(lambda j, v: j.scipy.special.digamma(v), x)
    assert off(got, exact(lambda v: mpmath.psi(1, v), x)) > 0.5


def test_slope_of_bessel_i0_of_jax_at_zero_is_one():
    got = jax_slope(lambda j, v: j.scipy.special.i0(v), 0.0)
    assert got == 1 and exact(lambda v: mpmath.besseli(1, v), 0.0) == 0


def test_log_ndtr_of_jax_has_eight_digits():
    x = -22.398917871777968
    got = jax_slope(lambda j, v: j.scipy.special.log_ndtr(v), x)
    want = exact(lambda v: mpmath.npdf(v) / mpmath.ncdf(v), x)
    assert off(got, want) > 1e-10 > ROUNDING


def test_incomplete_gamma_of_jax_is_nan_at_zero():
    got = jax_slope(lambda j, v: j.scipy.special.gammainc(1.0, v), 0.0)
    assert np.isnan(got) and exact(lambda v: mpmath.exp(-v), 0.0) == 1


def test_arcsinh_of_jax_vanishes_in_half_precision():
    got = jax_slope(lambda j, v: j.numpy.arcsinh(v), -302.5, "float16")
    assert got == 0 and exact(lambda v: 1 / mpmath.sqrt(v * v + 1), -302.5) > 2.0**-10


@pytest.mark.filterwarnings("ignore:Conversion of an array")  # inside autograd
def test_autograd_differentiates_another_kron():
    make_vjp = pytest.importorskip("autograd").make_vjp
    import autograd.numpy as anp

    a, b = np.arange(1.0, 5.0).reshape(2, 1, 2), np.arange(5.0, 9.0).reshape(1, 2, 2)
    g = np.arange(1.0, 17.0).reshape(2, 2, 4)
    got = make_vjp(lambda x: anp.kron(x, b))(a)[0](g)
    want = np.array([np.sum(g * np.kron(e.reshape(a.shape), b)) for e in np.eye(4)]).reshape(
        a.shape
    )  # linear, integers
    assert not np.array_equal(got, want)
    assert np.array_equal(make_vjp(lambda x: anp.kron(x, b[0]))(a[:, 0])[0](g.reshape(4, 4)).shape, (2, 2))


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(("name", "want"), [("sinc", 0), ("prod", 1)])
def test_autograd_divides_by_zero(name, want):
    grad = pytest.importorskip("autograd").grad
    import autograd.numpy as anp

    smooth = {"sinc": mpmath.sincpi, "prod": lambda v: v}[name]
    with mpmath.workdps(50):
        assert abs(mpmath.diff(smooth, 0) - want) < mpmath.mpf(10) ** -20
    assert np.isnan(grad(lambda v: getattr(anp, name)(v))(0.0))


def test_mygrad_loses_the_cotangent_of_equal_arguments():
    mygrad = pytest.importorskip("mygrad")
    x = mygrad.tensor(1.5)
    mygrad.maximum(x, x).backward()
    with mpmath.workdps(50):
        h = mpmath.mpf(2) ** -60
        assert (max(1.5 + h, 1.5 + h) - max(mpmath.mpf(1.5), 1.5)) / h == 1
    assert x.grad == 0


def test_arctan_of_tinygrad_is_flat_at_zero():
    pytest.importorskip("tinygrad")
    from gradcheck.subjects import load

    load("tinygrad")  # chooses its interpreter where there is no compiler
    from tinygrad import Tensor

    x = Tensor(np.array([0.0], dtype=np.float32))
    (got,) = x.atan().sum().gradient(x)
    assert got.numpy()[0] == 0 and exact(lambda v: 1 / (1 + v * v), 0.0) == 1


@pytest.mark.parametrize(
    ("function", "want"),
    [("asin", lambda v: 1 / mpmath.sqrt(1 - v * v)), ("acos", lambda v: -1 / mpmath.sqrt(1 - v * v))],
)
def test_arcsine_of_tinygrad_is_flat_at_zero(function, want):
    """It is composed of sign(x) times a polynomial of |x|, each of which has the slope 0 at 0."""
    pytest.importorskip("tinygrad")
    from gradcheck.subjects import load

    load("tinygrad")
    from tinygrad import Tensor

    x = Tensor(np.array([0.0], dtype=np.float32))
    (got,) = getattr(x, function)().sum().gradient(x)
    assert got.numpy()[0] == 0 and abs(exact(want, 0.0)) == 1


def test_leaky_relu_of_mygrad_has_no_slope_at_zero():
    """It gives 0, and the slopes to either side are 1 and 0.01: no weight between them gives 0.

    It is composed as max(x, 0) + slope min(x, 0), of which each has the slope 0 at 0 by a convention that is as good as any.
    """
    pytest.importorskip("mygrad")
    import mygrad
    from mygrad.nnet.activations import leaky_relu

    x = mygrad.tensor(0.0)
    leaky_relu(x, 0.01).backward()
    with mpmath.workdps(50):
        h, slope = mpmath.mpf(2) ** -60, mpmath.mpf(0.01)
        sides = {(max(d, 0) + slope * min(d, 0)) / d for d in (h, -h)}
    assert sides == {1, slope} and x.grad == 0


def test_quotient_of_jax_loses_its_denominator_in_half_precision():
    """The square of 368 is beyond half precision, and the derivative, -x / y^2, is well within its normal numbers."""
    x, y = float(np.float16(21.61)), 368.0
    got = jax_slope(lambda j, v: j.numpy.divide(j.numpy.asarray(x, v.dtype), v), y, "float16")
    want = exact(lambda a, b: -a / b**2, x, y)
    assert got == 0 and abs(want) > 2.0**-14


def test_erfcx_of_jax_has_another_sign_in_half_precision():
    """2 x erfcx(x) and 2 / sqrt(pi) cancel; the derivative itself, -1.5e-4, is well conditioned: about -erfcx(x) / x."""
    x = float(np.float16(60.62))
    got = jax_slope(lambda j, v: j.scipy.special.erfcx(v), x, "float16")
    with mpmath.workdps(50):  # exp(x^2) erfc(x) at 50 digits, and the condition of its derivative by another difference
        value = mpmath.exp(mpmath.mpf(x) ** 2) * mpmath.erfc(x)
        want = 2 * x * value - 2 / mpmath.sqrt(mpmath.pi)
        nearby = 2 * x * (1 + 2**-11) * mpmath.exp((x * (1 + 2**-11)) ** 2) * mpmath.erfc(x * (1 + 2**-11))
        moved = abs(nearby - 2 / mpmath.sqrt(mpmath.pi) - want)
    assert want < 0 < got and moved < 0.01 * abs(want)


def test_average_of_jax_loses_the_mean_in_half_precision():
    """The slope in a weight is (x_i - mean) / sum(w); the sum is squared on the way, and is beyond half precision then."""
    jax = pytest.importorskip("jax")
    x, w = (np.array(v, np.float16) for v in ((-191, -26.44, 59.3, -27.56), (24.84, 722, 9.875, 689)))
    slopes = jax.grad(lambda v: jax.numpy.average(jax.numpy.asarray(x), weights=v))(jax.numpy.asarray(w))
    with mpmath.workdps(50):
        total = mpmath.fsum(map(float, w))
        mean = mpmath.fsum(float(a) * mpmath.mpf(float(b)) for a, b in zip(x, w, strict=True)) / total
        want = (float(x[0]) - mean) / total
    assert off(slopes[0], want) > 0.1 > 100 * 2.0**-11


def test_norm_of_torch_is_nan_in_half_precision():
    """Of one number the norm is its absolute value, whatever the order; its square is beyond half precision."""
    (got,) = torch_slope(lambda t, v: t.linalg.vector_norm(v, 3.0), -761.0, dtype="float16")
    with mpmath.workdps(50):
        want = mpmath.diff(lambda v: mpmath.root(abs(v) ** 3, 3), -761)
    assert np.isnan(got) and abs(want + 1) < mpmath.mpf(10) ** -20
