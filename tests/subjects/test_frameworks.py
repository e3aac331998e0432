"""Every name that an adapter maps is the catalogue's operator, at every example; what it leaves out is counted."""

import importlib.util

import ml_dtypes
import numpy as np
import pytest

from gradcheck.catalogue import operators
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Verdict
from gradcheck.subjects import known, load
from tests.catalogue.drawn_inputs import draw

LEAST = {"torch": 120, "jax": 120, "autograd": 70, "tinygrad": 40, "mygrad": 40, "micrograd": 15}
"""How many names each adapter has at the least; a framework of sums, products and relu cannot have many."""

BROKEN = {("expm", "float16"), ("expm", "bfloat16")}
"""torch's matrix exponential is not finite in 16 bits: a finding, and not a wrong mapping."""

FAST = ("torch", "autograd", "mygrad", "micrograd")


def subject(name):
    package = name
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return load(name)


def differences(tested, operator, dtype):
    """Every example at which the forward is not the definition, to half of the digits: is it the same function?"""
    found = []
    for k, example in enumerate(operator.examples):
        made = tested.implementation(operator.name, dict(example.params))
        if made is None:
            continue
        inputs = [x.astype(dtype) if x.dtype.kind == "f" else x for x in draw(operator, example, np.float64, seed=k)]
        wide = [x.astype(np.float64) if x.dtype == dtype else x for x in inputs]
        want = np.asarray(operator.definition(*wide, **example.params))
        got = made.forward(*inputs, **example.params)
        info = ml_dtypes.finfo(dtype)
        # Half of the digits, and what underflows is lost.
        slack = float(info.eps) ** 0.5 * np.max(np.abs(want), initial=0.0) + float(info.tiny)
        if got.shape != want.shape or got.dtype != dtype or not np.all(np.abs(got.astype(float) - want) <= slack):
            found.append((k, got, want))
    return found


@pytest.mark.parametrize("name", LEAST)
def test_enough_names(name):
    tested = subject(name)
    mapped = [o for o in operators() if tested.supports(o, np.dtype(float))]
    assert len(mapped) >= LEAST[name]
    assert not tested.supports("no such operator", np.dtype(float))
    assert tested.implementation("no such operator", {}) is None


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")  # torch's, of an empty axis
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", FAST)
def test_every_mapped_name_is_the_operator(name, dtype):
    tested = subject(name)
    kind = np.dtype(dtype)
    names = [o for o in operators() if tested.supports(o, kind) and (o, dtype) not in BROKEN]
    wrong = {o: d for o in names if (d := differences(tested, operators()[o], kind))}
    assert not wrong


@pytest.mark.parametrize("name", [o for o in operators() if o[0] in "adlps"])
def test_jax_is_the_operator(name):
    tested = subject("jax")
    if tested.supports(name, np.dtype(float)):
        assert not differences(tested, operators()[name], np.dtype(float))


@pytest.mark.parametrize("name", ["add", "sigmoid", "softmax", "matmul", "sum", "transpose"])
def test_tinygrad_is_the_operator(name):
    assert not differences(subject("tinygrad"), operators()[name], np.dtype(float))


def test_a_mapping_that_lies_is_caught():
    class Liar:
        def implementation(self, operator, params):
            return load("reference").implementation("cos", params)

    assert differences(Liar(), operators()["sin"], np.dtype(float))
    assert not differences(load("reference"), operators()["sin"], np.dtype(float))


@pytest.mark.parametrize("name", FAST)
def test_what_is_not_mapped_is_counted(name):
    tested = subject(name)
    missing = next(o for o in operators().values() if not tested.supports(o.name, np.dtype(float)))
    record = verify_operator(tested, missing, profile="quick")
    assert record.verdict is Verdict.UNSUPPORTED and record.subject == name


@pytest.mark.parametrize("name", LEAST)
def test_gradients_have_shape_and_type_of_the_inputs(name):
    tested = subject(name)
    for operator in ("add", "matmul", "relu"):
        for example in operators()[operator].examples[:3]:
            made = tested.implementation(operator, {})
            inputs = draw(operators()[operator], example, np.float64)
            value = made.forward(*inputs)
            gradients = made.vjp(np.ones_like(value), *inputs)
            assert [(g.shape, g.dtype) for g in gradients] == [(x.shape, x.dtype) for x in inputs]
            # Powers of two scale without rounding, but micrograd adds in the order of a set: a rounding for each term.
            twice = made.vjp(2 * np.ones_like(value), *inputs)
            for g, t in zip(gradients, twice, strict=True):
                assert np.all(np.abs(2 * g - t) <= 16 * np.finfo(float).eps * np.max(np.abs(t), initial=0.0))
                assert np.any(t) or not np.any(g)


def test_known_lists_them():
    assert set(LEAST) | {"reference", "jax-jit"} <= set(known())


def test_jax_compiled_is_jax():
    made = subject("jax").implementation("multiply", {})
    x, y = np.array([2.0]), np.array([3.0])
    compiled = load("jax-jit").implementation("multiply", {})
    assert np.array_equal(compiled.vjp(np.array([1.0]), x, y), made.vjp(np.array([1.0]), x, y))
    assert np.array_equal(compiled.forward(x, y), np.array([6.0]))


def test_jax_keeps_the_setting_of_others():
    subject("jax")
    import jax

    before = jax.config.jax_enable_x64
    assert load("jax").implementation("sin", {}).forward(np.array(1.0)).dtype == np.float64
    assert jax.config.jax_enable_x64 == before


def test_no_half_precision_is_asked_of_normalisations_that_are_composed_here():
    """The squares of 300 overflow in float16; a library computes them in float32, and torch, which has its own, is asked."""
    composed, own = subject("jax"), subject("torch")
    for name in ("layer_norm", "batch_norm", "instance_norm", "rms_norm", "batch_norm_inference"):
        assert composed.supports(name, np.dtype("float32")) and not composed.supports(name, np.dtype("float16"))
        assert name == "batch_norm_inference" or own.supports(name, np.dtype("float16"))
