"""Subjects are found by name or by import path, and what cannot be loaded says what to do."""

import sys

import ml_dtypes
import numpy as np
import pytest

from gradcheck.catalogue import operators
from gradcheck.errors import UsageError
from gradcheck.subjects import known, load
from gradcheck.subjects.protocol import Subject
from tests.catalogue.drawn_inputs import draw

THEIRS = [o for o in operators().values() if load("autograd").supports(o.name, np.dtype(float))]
PAIRS = [(o.name, k) for o in THEIRS for k in range(len(o.examples))]
# Where the package's reverse mode raises: it does not reduce a gradient to a broadcast operand's shape, ...
BROADCAST = {"where": (2, 3, 4, 5, 6), "solve": (5, 6, 7), "prelu": (3, 4, 5, 7, 8), "outer": (2, 3, 4)}
# ... and its rules do not cover all that its forward does.
PARTIAL = {"einsum": (4,), "repeat": (4,), "roll": (4,), "tile": (3,), "transpose": (2,)}
FALSE = {("kron", 4)}  # of arrays of more than two axes its derivative is another function's
REFUSED = {(name, k) for name, numbers in (BROADCAST | PARTIAL).items() for k in numbers}


class Mine:
    name, version = "mine", "1"

    def implementation(self, operator, params):
        return None

    def supports(self, operator, dtype):
        return False


class NeedsArgument(Mine):
    def __init__(self, argument):
        self.argument = argument


instance = Mine()
no_subject = object()


def inputs_of(name, k, dtype=np.float64):
    return draw(operators()[name], operators()[name].examples[k], dtype, seed=k)


def test_known_subjects_load():
    assert {"autograd", "reference"} <= set(known())
    for name in ("autograd", "reference"):
        subject = load(name)
        assert isinstance(subject, Subject) and subject.name == name and subject.version


@pytest.mark.parametrize("target", ["Mine", "instance"])
def test_import_path(target):
    assert load(f"{__name__}:{target}").name == "mine"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("refrence", "autograd, jax"),
        ("", "autograd, jax"),
        (":x", "autograd, jax"),
        ("no_such_module_here:x", "imported"),
        (f"{__name__}:missing", "missing"),
        (f"{__name__}:NeedsArgument", "instance"),
        (f"{__name__}:no_subject", "implementation"),
    ],
)
def test_what_cannot_be_loaded(name, says):
    with pytest.raises(UsageError, match=says):
        load(name)


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd", None)
    with pytest.raises(UsageError, match=r"pip install gradcheck\[autograd\]"):
        load("autograd")


def test_adapter_is_lazy(monkeypatch):
    """Importing the module does not import the package."""
    monkeypatch.setitem(sys.modules, "autograd", None)
    monkeypatch.delitem(sys.modules, "gradcheck.subjects.hips_autograd", raising=False)
    __import__("gradcheck.subjects.hips_autograd")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", operators())
def test_reference_keeps_shape_and_type(name, dtype):
    subject = load("reference")
    assert subject.supports(name, np.dtype(dtype))
    for k, example in enumerate(operators()[name].examples):
        inputs = inputs_of(name, k, dtype)
        implementation = subject.implementation(name, example.params)
        value = np.asarray(implementation.forward(*inputs, **example.params))
        gradients = implementation.vjp(np.ones_like(value), *inputs, **example.params)
        expected = [(x.shape, x.dtype) for x in inputs if x.dtype == dtype]
        assert value.dtype == dtype
        assert [(g.shape, g.dtype) for g in gradients] == expected
        if implementation.jvp is not None:
            tangents = tuple(np.ones_like(x) for x in inputs if x.dtype == dtype)
            assert implementation.jvp(tangents, *inputs, **example.params).dtype == dtype


def test_reference_knows_its_limits_and_its_source():
    subject = load("reference")
    assert subject.implementation("no such operator", {}) is None
    assert not subject.supports("log", np.dtype(complex)) and not subject.supports("nothing", np.dtype(float))
    assert subject.implementation("log", {}).where.startswith("elementwise.py:")


@pytest.mark.parametrize(("name", "k"), PAIRS)
def test_two_independent_subjects_agree(name, k):
    params = operators()[name].examples[k].params
    ours, theirs = (load(n).implementation(name, params) for n in ("reference", "autograd"))
    if theirs is None:
        assert (name == "norm" and params["keepdims"]) or (name == "repeat" and isinstance(params["repeats"], tuple))
        return
    inputs = inputs_of(name, k)
    value = ours.forward(*inputs, **params)
    cotangent = np.asarray(np.random.default_rng(99).normal(size=value.shape))
    if (name, k) in REFUSED:
        with pytest.raises((ValueError, TypeError)):
            theirs.forward(*inputs, **params)
            theirs.vjp(cotangent, *inputs, **params)
        return
    if (name, k) in FALSE:  # more than rounding, by far
        gradient = theirs.vjp(cotangent, *inputs, **params)[0]
        assert np.max(np.abs(gradient - ours.vjp(cotangent, *inputs, **params)[0])) > 0.1
        return
    # Two different orders of the same operations: n + 32 roundings, relative to the largest entry.
    u = (32 + sum(x.size for x in inputs)) * np.finfo(float).eps
    pairs = [(value, theirs.forward(*inputs, **params))]
    # The norm of an empty row is 0; it divides by it, without consequence, since no entry receives the quotient.
    with np.errstate(divide="ignore"):
        gradients = theirs.vjp(cotangent, *inputs, **params)
    pairs += list(zip(ours.vjp(cotangent, *inputs, **params), gradients, strict=True))
    for a, b in pairs:
        assert np.shape(a) == np.shape(b)
        assert np.all(np.abs(a - b) <= u * max(1.0, np.max(np.abs(a), initial=0.0)))


def test_autograd_conjugates():
    """Under Re<., .> the adjoint of x -> c x is multiplication by the conjugate of c, and not by c."""
    implementation = load("autograd").implementation("multiply", {})
    x, c, g = np.array([1 + 2j]), np.array([3 - 1j]), np.array([0.5 + 4j])
    in_x, in_c = implementation.vjp(g, x, c)
    # Dyadic numbers: products are exact.
    assert np.array_equal(in_x, np.conj(c) * g) and np.array_equal(in_c, np.conj(x) * g)


def test_autograd_knows_its_limits():
    subject = load("autograd")
    assert subject.supports("log", np.dtype(np.float32)) and not subject.supports("log", np.dtype(np.float16))
    assert subject.implementation("cumprod", {}) is None
