"""The array operators against other people's code: NumPy's and SciPy's own functions at random numbers."""

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.ndimage
import scipy.signal
import scipy.special

from gradcheck.catalogue import operator

U = np.finfo(float).eps / 2


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def parts(z):
    return np.stack([z.real, z.imag])


A, TALL, IMAGE = draw(1, 3, 3), draw(2, 4, 2), draw(3, 5, 4)
SYMMETRIC, DEFINITE = A + A.T, A @ A.T + np.eye(3)
RE, IM = draw(4, 2, 6), draw(5, 2, 6)
X, KERNEL = draw(6, 2, 4, 7), draw(7, 6, 2, 3)
VALUES = draw(8, 4)
POINTS = np.random.default_rng(9).uniform(0.1, 2.9, size=(6, 2))


def signed_qr(a):
    q, r = np.linalg.qr(a)
    signs = np.sign(np.diag(r))
    return np.concatenate((q * signs, r * signs[:, None]))


def grouped(x, kernel):
    """Two groups, dilation 2, by SciPy's correlation with a kernel that has zeros in its gaps."""
    gapped = np.zeros((6, 2, 5))
    gapped[..., ::2] = kernel
    return np.stack(
        [
            [
                sum(scipy.signal.correlate(x[n, 2 * (o // 3) + c], gapped[o, c], "valid") for c in range(2))
                for o in range(6)
            ]
            for n in range(2)
        ]
    )


def max_by_filter(x):
    """Windows of 3 x 3, every second one, with -inf outside."""
    return scipy.ndimage.maximum_filter(x, 3, mode="constant", cval=-np.inf)[::2, ::2]


PEERS = {
    "cholesky": ((DEFINITE,), {}, np.linalg.cholesky),
    "qr": ((TALL,), {}, signed_qr),
    "sqrtm": ((DEFINITE,), {}, scipy.linalg.sqrtm),
    "polar": ((TALL,), {}, lambda a: scipy.linalg.polar(a)[0]),
    "spectral_projector": ((SYMMETRIC,), {"k": 1}, lambda a, k: np.outer(*[np.linalg.eigh(a)[1][:, 0]] * 2)),
    "expm": ((A,), {}, scipy.linalg.expm),
    "pinv": ((TALL,), {}, np.linalg.pinv),
    "lstsq": ((TALL, VALUES), {}, lambda a, b: np.linalg.lstsq(a, b)[0]),
    "logabsdet": ((A,), {}, lambda a: np.linalg.slogdet(a)[1]),
    "triangular_solve": (
        (A + 3 * np.eye(3), VALUES[:3]),
        {"lower": True},
        lambda a, b, lower: scipy.linalg.solve_triangular(a, b, lower=lower),
    ),
    "mahalanobis": (
        (A[0], A[1], DEFINITE),
        {},
        lambda x, y, s: np.linalg.norm(scipy.linalg.solve_triangular(np.linalg.cholesky(s), x - y, lower=True)),
    ),
    "fft": ((RE, IM), {"norm": "ortho"}, lambda a, b, norm: parts(np.fft.fft(a + 1j * b, norm=norm))),
    "ifft": ((RE, IM), {}, lambda a, b: parts(np.fft.ifft(a + 1j * b))),
    "rfft": ((RE,), {}, lambda a: parts(np.fft.rfft(a))),
    "irfft": ((RE[:, :4], IM[:, :4]), {"n": 6}, lambda a, b, n: np.fft.irfft(a + 1j * b, n)),
    "fft2": ((RE, IM), {}, lambda a, b: parts(np.fft.fft2(a + 1j * b))),
    "dct": ((RE,), {}, scipy.fft.dct),
    "convolve": ((VALUES, A[0]), {"mode": "same"}, np.convolve),
    "conv1d": ((X, KERNEL), {"groups": 2, "dilation": 2}, lambda x, k, groups, dilation: grouped(x, k)),
    "conv_transpose2d": (
        (IMAGE[None, None], A[None, None]),
        {},
        lambda x, k: scipy.signal.convolve2d(x[0, 0], k[0, 0])[None, None],
    ),
    "conv3d": (
        (draw(10, 1, 1, 3, 4, 3), draw(11, 1, 1, 2, 2, 3)),
        {},
        lambda x, k: scipy.signal.correlate(x[0, 0], k[0, 0], "valid", "direct")[None, None],
    ),
    "max_pool2d": ((IMAGE,), {"size": (3, 3), "stride": (2, 2), "padding": 1}, lambda x, **_: max_by_filter(x)),
    "avg_pool1d": (
        (RE,),
        {"size": 3, "padding": 1},
        lambda x, **_: scipy.ndimage.uniform_filter1d(x, 3, mode="constant"),
    ),
    "interp": ((RE, VALUES), {"knots": (-1.0, -0.5, 0.5, 2.0)}, lambda x, v, knots: np.interp(x, knots, v)),
    "grid_sample": (
        (IMAGE[None], POINTS),
        {},
        lambda x, p: scipy.ndimage.map_coordinates(x[0], p.T, order=1, mode="grid-constant")[None],
    ),
    "upsample_bilinear2d": (
        (IMAGE,),
        {"size": (9, 7), "align_corners": True},
        lambda x, size, align_corners: scipy.ndimage.zoom(x, (9 / 5, 7 / 4), order=1),
    ),
    "attention": (
        (A, A.T, IMAGE[:3], np.tri(3, dtype=bool)),
        {},
        lambda q, k, v, mask: scipy.special.softmax(q @ k.T / np.sqrt(3) + np.where(mask, 0, -np.inf), axis=1) @ v,
    ),
}


def allowed(name, inputs, value):
    """Every entry of the inputs enters with a few roundings; a matrix's error grows with its condition number squared."""
    matrices = [x for x in inputs if x.ndim == 2 and name in ("pinv", "lstsq", "qr", "polar", "sqrtm", "logabsdet")]
    condition = max((np.linalg.cond(x) ** 2 for x in (*matrices, np.eye(2))), default=1.0)
    return 32 * sum(x.size for x in inputs) * condition * U * np.max(np.abs(value))


@pytest.mark.parametrize("name", PEERS)
def test_a_definition_agrees_with_the_library(name):
    inputs, params, peer = PEERS[name]
    value = operator(name).definition(*inputs, **params)
    expected = peer(*inputs, **params)
    assert np.shape(value) == np.shape(expected)
    assert np.max(np.abs(value - expected)) <= allowed(name, inputs, expected)


@pytest.mark.parametrize("name", PEERS)
def test_the_comparison_tells_another_function(name):
    """One entry off by a billionth of the largest is told apart."""
    inputs, params, peer = PEERS[name]
    expected = peer(*inputs, **params)
    assert 1e-9 * np.max(np.abs(expected)) > allowed(name, inputs, expected)


@pytest.mark.parametrize(
    ("name", "inputs", "params", "product"),
    [
        ("cholesky", (DEFINITE,), {}, lambda y: y @ y.T - DEFINITE),
        ("qr", (TALL,), {}, lambda y: y[:4] @ y[4:] - TALL),
        ("eigh", (SYMMETRIC,), {}, lambda y: SYMMETRIC @ y[1:] - y[1:] * y[0]),
        ("polar", (TALL,), {}, lambda y: y.T @ y - np.eye(2)),
        ("spectral_projector", (SYMMETRIC,), {"k": 2}, lambda y: y @ y - y),
        ("sqrtm", (DEFINITE,), {}, lambda y: y @ y - DEFINITE),
    ],
)
def test_a_decomposition_multiplies_back(name, inputs, params, product):
    """Each is a handful of products of three rows: 64 roundings of numbers up to the largest eigenvalue, and a margin
    for the condition of what was inverted on the way.
    """
    value = operator(name).definition(*inputs, **params)
    size = np.linalg.cond(inputs[0]) * (1 + np.linalg.norm(inputs[0]))
    assert np.max(np.abs(product(value))) <= 64 * U * size
    moved = np.array(value)
    moved[-1, -1] += 1e-6
    assert np.max(np.abs(product(moved))) > 64 * U * size


def test_gauges_are_fixed():
    """Signs and order do not depend on the library: positive diagonals, first rows without minus, ascending values."""
    for seed in range(20):
        a = draw(seed, 3, 3)
        assert np.all(np.diag(operator("qr").definition(a)[3:]) > 0)
        values = operator("eigh").definition(a + a.T)
        assert np.all(np.diff(values[0]) > 0) and np.all(values[1] > 0)
