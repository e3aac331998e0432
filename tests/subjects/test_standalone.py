"""What ran is written out as source that needs the framework alone, and does what the adapter does."""

import builtins
import importlib.util
import warnings

import numpy as np
import pytest

from gradcheck import catalogue
from gradcheck.engine.definition import fill
from gradcheck.subjects import load
from gradcheck.subjects.standalone import standalone

FRAMEWORKS = {"autograd": 1, "torch": 1, "mygrad": 1, "micrograd": 1, "jax": 7, "jax-jit": 19, "tinygrad": 5}
"""Each of how many operators is run: some take seconds to compile.  The source of all is made."""


def without_gradcheck(source):
    """The names that the source defines where this package cannot be imported."""

    def imported(name, *more):
        if name.partition(".")[0] == "gradcheck":
            raise ImportError("there is no gradcheck here")
        return __import__(name, *more)

    names = {"__builtins__": {**vars(builtins), "__import__": imported}, "np": np}
    exec(source, names)
    return names


def flat(values):
    return values if isinstance(values, (tuple, list)) else (values,)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_source_does_what_the_adapter_does(framework):
    if importlib.util.find_spec(framework.partition("-")[0]) is None:
        pytest.skip(f"{framework} is not installed here; .ci/frameworks runs this")
    subject = load(framework)
    tried = 0
    for number, operator in enumerate(catalogue.operators().values()):
        example = operator.examples[0]
        params = dict(example.params)
        made = subject.implementation(operator.name, params)
        dtype = next((d for d in ("float64", "float32") if subject.supports(operator.name, np.dtype(d))), None)
        if made is None or dtype is None:
            continue
        source = standalone(made.forward, made.vjp)
        assert source and "gradcheck" not in source, operator.name
        if number % FRAMEWORKS[framework]:
            continue
        alone = without_gradcheck(source)
        inputs, _ = fill(example, operator.domain, dtype, np.random.default_rng(number))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the framework's
            value = made.forward(*inputs, **params)
            cotangents = tuple(np.ones_like(y) for y in flat(value))
            cotangent = cotangents if isinstance(value, tuple) else cotangents[0]
            assert_same(value, alone["forward"](*inputs, **params), operator.name)
            right = made.vjp(cotangent, *inputs, **params)
            assert_same(right, alone["vjp"](cotangent, *inputs, **params), operator.name)
        tried += 1
    assert tried >= 10


def assert_same(expected, got, name):
    """Equal to half of the digits.

    Not bit for bit: a linear-algebra library may add in another order where the same numbers lie elsewhere in memory
    (torch's lstsq moved by 12 ulp), and an ill-conditioned example multiplies that.  Another function than the
    adapter's differs in the leading digits.
    """
    assert len(flat(expected)) == len(flat(got)), name
    for one, other in zip(flat(expected), flat(got), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.dtype == other.dtype and one.shape == other.shape, name
        half = np.sqrt(np.finfo(one.dtype).eps) if one.dtype.kind in "fc" else 0
        largest = np.max(np.abs(one[np.isfinite(one)]), initial=0)
        np.testing.assert_allclose(other, one, rtol=half, atol=half * largest, err_msg=name)


def test_what_cannot_be_written_out_is_left():
    """State in a closure, a function of others, and a name that comes later."""
    reference = load("reference").implementation("tanh", {})
    counted = []

    def kept(g, x):
        counted.append(x)
        return g

    assert standalone(kept, kept) == ""
    assert standalone(np.tanh, np.tanh) == ""
    assert standalone(reference.forward, object()) == ""


def test_the_names_of_two_functions_are_kept_apart():
    """Adapters are closures, of which each calls what it wraps ``function``."""
    made = load("autograd").implementation("softmax", {"axis": 0})
    other = load("autograd").implementation("mse", {})
    x, y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2))
    for implementation, inputs, params in ((made, (x,), {"axis": 0}), (other, (x, y), {})):
        alone = without_gradcheck(standalone(implementation.forward, implementation.vjp))
        value = implementation.forward(*inputs, **params)
        assert_same(value, alone["forward"](*inputs, **params), "")
        answer = alone["vjp"](np.ones_like(value), *inputs, **params)
        assert_same(implementation.vjp(np.ones_like(value), *inputs, **params), answer, "")
