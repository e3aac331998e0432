"""Networks learn: the error falls, and the gradient is right at the first weights and at the last."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import cbook

import gradcheck
from reference_nets import generic, losses, mlp, training
from reference_nets.training import Data


def assert_gradient_is_right(layers, activations, loss, data, penalty=None, strength=0):
    """The checker, at these very weights; every parameter is an argument of its own."""
    extra = {"penalty": penalty, "strength": strength}
    parts = tuple(part for layer in layers for part in layer)

    def shaped(parts):
        return tuple(mlp.Layer(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))

    def forward(*parts):
        return np.asarray(mlp.cost(shaped(parts), activations, loss, *data, **extra))

    def vjp(cotangent, *parts):
        slopes = mlp.gradient(shaped(parts), activations, loss, *data, **extra)
        return tuple(cotangent * part for layer in slopes for part in layer)

    def doubled_bias(cotangent, *parts):
        *right, last = vjp(cotangent, *parts)
        return (*right, 2 * last)

    result = gradcheck.check(forward, vjp, parts, seed=1, profile="quick")
    assert result.ok, result
    assert not gradcheck.check(forward, doubled_bias, parts, seed=1, profile="quick").ok


TANH, LOGISTIC = generic.hyperbolic_tangent(), generic.logistic()


@pytest.mark.parametrize("loss", [losses.quadratic, losses.binary_cross_entropy()], ids=lambda loss: loss.name)
def test_exclusive_or(loss):
    data = training.exclusive_or()
    rng = np.random.default_rng(1)
    start, activations = training.random_layers((2, 4, 1), rng), (TANH, LOGISTIC)
    assert_gradient_is_right(start, activations, loss, data)
    layers, costs = training.train(start, activations, loss, data, rate=0.5, rounds=1500, batch=4, rng=rng)
    assert costs[-1] < costs[0] / 20
    assert ((mlp.forward(layers, activations, data.x).values[-1] > 0.5) == (data.y == 1)).all()
    assert_gradient_is_right(layers, activations, loss, data)


@pytest.mark.parametrize("penalty", [None, losses.squared_weights])
def test_rings_in_small_batches(penalty):
    """Two classes that no line separates, in batches of 8; a line gets at best about two thirds right."""
    rng = np.random.default_rng(2)
    data, fresh = training.rings(96, rng), training.rings(200, rng)
    start, activations = training.random_layers((2, 8, 2), rng), (TANH, generic.identity)
    setting = activations, losses.cross_entropy()
    extra = {"penalty": penalty, "strength": 0.001}
    assert_gradient_is_right(start, *setting, Data(data.x[:8], data.y[:8]), **extra)
    layers, costs = training.train(start, *setting, data, rate=0.3, rounds=60, batch=8, rng=rng, **extra)
    assert costs[-1] < costs[0] / 5
    answers = mlp.forward(layers, activations, fresh.x).values[-1].argmax(axis=1)
    assert (answers == fresh.y.argmax(axis=1)).mean() > 0.95
    assert_gradient_is_right(layers, *setting, Data(data.x[:8], data.y[:8]), **extra)


def elevation():
    """Real data that ships with matplotlib: heights around Jacksboro, Tennessee, on every 16th point of the survey."""
    with cbook.get_sample_data("jacksboro_fault_dem.npz") as survey:
        heights = survey["elevation"][::16, ::16].astype(float)
    heights = (heights - heights.mean()) / heights.std()
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in heights.shape), indexing="ij"), axis=-1)
    return Data(places.reshape(-1, 2), heights.reshape(-1, 1))


def test_a_landscape_from_a_survey():
    """Heights have variance 1, so the cost of the best constant is 1/2; a plane explains some, the network more."""
    data = elevation()
    rng = np.random.default_rng(3)
    start, activations = training.random_layers((2, 16, 16, 1), rng), (TANH, TANH, generic.identity)
    some = Data(data.x[::50], data.y[::50])
    assert_gradient_is_right(start, activations, losses.quadratic, some)
    layers, costs = training.train(start, activations, losses.quadratic, data, rate=0.1, rounds=60, batch=16, rng=rng)
    columns = np.column_stack([data.x, np.ones(len(data.x))])
    residual = data.y - columns @ np.linalg.lstsq(columns, data.y, rcond=None)[0]
    plane = (residual**2).mean() / 2
    assert costs[-1] < 0.8 * plane < 0.4
    assert_gradient_is_right(layers, activations, losses.quadratic, some)


def test_plain_descent_is_one_batch_of_everything():
    data = training.exclusive_or()
    setting = (TANH, LOGISTIC), losses.quadratic
    start = training.random_layers((2, 2, 1), np.random.default_rng(4))
    expected, costs = mlp.train(start, *setting, *data, rate=0.5, steps=5)
    layers, curve = training.train(start, *setting, data, rate=0.5, rounds=5, batch=4, rng=np.random.default_rng(0))
    roundings = 64 * np.finfo(float).eps  # the batch is permuted, so sums of 4 are rounded otherwise, over 5 steps
    assert np.abs(np.array(curve) - costs).max() <= roundings
    assert np.abs(mlp.flatten(layers) - mlp.flatten(expected)).max() <= roundings


@pytest.mark.parametrize("penalty", [losses.squared_weights, losses.squared_parameters])
def test_a_penalty_alone_shrinks_what_it_names(penalty):
    """Without data to fit, one step of rate r and strength s multiplies by 1 - r s what the penalty names."""
    flat = losses.Loss("none", lambda a, y: 0.0, lambda a, y: 0 * a)
    start = (mlp.Layer(np.array([[2.0, -4.0]]), np.array([1.0, 3.0])),)
    x, y = np.ones((1, 1)), np.ones((1, 2))
    (layer,), costs = mlp.train(
        start, (generic.identity,), flat, x, y, rate=0.5, steps=1, penalty=penalty, strength=0.5
    )
    assert (layer.weights == 0.75 * start[0].weights).all()
    assert (layer.bias == (0.75 if penalty is losses.squared_parameters else 1) * start[0].bias).all()
    assert costs[1] < costs[0]


@given(st.integers(0, 20), st.integers(1, 7), st.integers(0, 2**32))
def test_batches_visit_every_pattern_once(count, size, seed):
    pieces = list(training.batches(count, size, np.random.default_rng(seed)))
    assert sorted(itertools.chain.from_iterable(pieces)) == list(range(count))
    assert all(len(piece) == size for piece in pieces[:-1])


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="size is 0; give batches of at least one pattern"):
        training.batches(3, 0, np.random.default_rng(0))
    layer = (mlp.Layer(np.ones((2, 3)), np.ones(3)),)
    with pytest.raises(ValueError, match=r"layer 1 .* is fed 4 numbers a pattern: give shapes \(4, m\) and \(m,\)"):
        mlp.forward(layer, (TANH,), np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"x has shape \(2,\); give a batch"):
        mlp.forward(layer, (TANH,), np.ones(2))
    with pytest.raises(ValueError, match="1 layers need as many activations, but 2 were given"):
        mlp.forward(layer, (TANH, TANH), np.ones((1, 2)))
