"""Fourier transforms along the last axis, in real numbers: real and imaginary parts are stacked along a new first axis."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 1e4, -1e-8)


def _waves(rows: int, n: int, dtype: np.dtype[np.generic]) -> tuple[Array, Array]:
    """Cosines and sines of 2 pi j k / n for j < rows, k < n; the product is reduced, so no angle is large."""
    turn = np.outer(np.arange(rows), np.arange(n)) % n
    angle = turn * (2 * np.pi / n)
    sine = np.where(2 * turn % n == 0, 0, np.sin(angle))  # of pi it is 0, not 1e-16
    return np.cos(angle).astype(dtype), sine.astype(dtype)


def fft(real: Array, imaginary: Array, *, norm: str = "backward") -> Array:
    """The transform of ``real + i imaginary``; with ``ortho`` divided by the root of the length."""
    n = real.shape[-1]
    cosine, sine = _waves(n, n, real.dtype)
    parts: Array = np.stack([real @ cosine + imaginary @ sine, imaginary @ cosine - real @ sine])
    scaled: Array = parts / (math.sqrt(n) if norm == "ortho" else 1.0)
    return scaled


def ifft(real: Array, imaginary: Array) -> Array:
    """The inverse of ``fft``."""
    n = real.shape[-1]
    cosine, sine = _waves(n, n, real.dtype)
    parts: Array = np.stack([real @ cosine - imaginary @ sine, imaginary @ cosine + real @ sine]) / n
    return parts


def rfft(x: Array) -> Array:
    """The first half (n // 2 + 1 terms) of the transform of real numbers: the other is its conjugate."""
    cosine, sine = _waves(x.shape[-1] // 2 + 1, x.shape[-1], x.dtype)
    return np.stack([x @ cosine.T, -(x @ sine.T)])


def irfft(real: Array, imaginary: Array, *, n: int) -> Array:
    """The ``n`` real numbers whose ``rfft`` this is; the imaginary parts of the ends that must be 0 are not looked at."""
    cosine, sine = _waves(n // 2 + 1, n, real.dtype)
    twice = np.where(np.arange(n // 2 + 1) * 2 % n == 0, 1, 2).astype(real.dtype)
    result: Array = ((real * twice) @ cosine - (imaginary * twice) @ sine) / n
    return result


def fft2(real: Array, imaginary: Array) -> Array:
    """The transform along the last two axes."""
    once = fft(real, imaginary)
    twice = fft(np.swapaxes(once[0], -1, -2), np.swapaxes(once[1], -1, -2))
    return np.swapaxes(twice, -1, -2)


def dct(x: Array) -> Array:
    """The cosine transform (type II)."""
    n = x.shape[-1]
    angle = np.outer(2 * np.arange(n) + 1, np.arange(n)) % (4 * n) * (np.pi / (2 * n))
    result: Array = 2 * (x @ np.cos(angle).astype(x.dtype))
    return result


FFT_EXAMPLES = (
    Example(((4,), (4,))),
    Example(((2, 3), (2, 3))),
    Example(((2, 5), (2, 5)), {"norm": "ortho"}),
    Example(((1,), (1,))),
    Example(((0, 2), (0, 2))),
)

IFFT_EXAMPLES = (
    Example(((4,), (4,))),
    Example(((2, 3), (2, 3))),
    Example(((1,), (1,))),
    Example(((2, 1, 2), (2, 1, 2))),
)

RFFT_EXAMPLES = (Example(((4,),)), Example(((5,),)), Example(((2, 3),)), Example(((1,),)), Example(((2, 1, 2),)))

IRFFT_EXAMPLES = (
    Example(((3,), (3,)), {"n": 4}),
    Example(((3,), (3,)), {"n": 5}),
    Example(((2, 2), (2, 2)), {"n": 2}),
    Example(((1,), (1,)), {"n": 1}),
    Example(((2, 2), (2, 2)), {"n": 3}),
)

FFT2_EXAMPLES = (
    Example(((2, 3), (2, 3))),
    Example(((2, 3, 2), (2, 3, 2))),
    Example(((1, 4), (1, 4))),
    Example(((1, 1), (1, 1))),
)

DCT_EXAMPLES = (Example(((4,),)), Example(((2, 3),)), Example(((1,),)), Example(((0, 2),)), Example(((5,),)))

ONE = np.array([0.0, 1.0, 0.0, 0.0])
"""A shifted impulse: its transform is the wave (-i)^k."""

COOLEY = "Cooley, Tukey, An algorithm for the machine calculation of complex Fourier series (1965)"

FFT_WITNESSES = (
    Witness((ONE, np.zeros(4)), np.array([[1.0, 0.0, -1.0, 0.0], [0.0, -1.0, 0.0, 1.0]]), "powers of -i"),
    Witness((np.zeros(4), ONE), np.array([[0.0, 0.5, 0.0, -0.5], [0.5, 0.0, -0.5, 0.0]]), "halved", {"norm": "ortho"}),
)

IRFFT_WITNESSES = (
    Witness((np.array([1.0, 0.0, -1.0]), np.array([9.0, -1.0, 9.0])), ONE, "powers of -i", {"n": 4}),
    Witness((np.array([3.0, 0.0]), np.array([0.0, 0.0])), np.ones(3), "a constant", {"n": 3}),
)

FFT2_WITNESSES = (
    Witness(
        (np.array([[0.0, 0.0], [0.0, 1.0]]), np.zeros((2, 2))),
        np.array([[[1.0, -1.0], [-1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]),
        "an impulse at (1, 1): (-1)^(k + l)",
    ),
)

DCT_WITNESSES = (
    Witness((np.ones(4),), np.array([8.0, 0.0, 0.0, 0.0]), "of a constant: 2 n"),
    Witness((np.array([1.0, -1.0]),), np.array([0.0, 2 * math.sqrt(2.0)]), "4 cos(pi / 4)"),
)

OPERATORS = (
    Operator(
        name="fft",
        family="fourier",
        signature="(...,n),(...,n)->(2,...,n)",
        definition=fft,
        examples=FFT_EXAMPLES,
        formula="y_k = sum_j x_j e^(-2 pi i j k / n), over sqrt(n) if ortho",
        citation=COOLEY,
        witnesses=FFT_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="ifft",
        family="fourier",
        signature="(...,n),(...,n)->(2,...,n)",
        definition=ifft,
        examples=IFFT_EXAMPLES,
        formula="x_j = 1/n sum_k y_k e^(2 pi i j k / n)",
        citation=COOLEY,
        witnesses=(
            Witness((4 * ONE, np.zeros(4)), np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]]), "powers of i"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="rfft",
        family="fourier",
        signature="(...,n)->(2,...,n//2+1)",
        definition=rfft,
        examples=RFFT_EXAMPLES,
        formula="y_k = sum_j x_j e^(-2 pi i j k / n) for k <= n / 2",
        citation=COOLEY,
        witnesses=(Witness((ONE,), np.array([[1.0, 0.0, -1.0], [0.0, -1.0, 0.0]]), "powers of -i"),),
        special=SPECIAL,
    ),
    Operator(
        name="irfft",
        family="fourier",
        signature="(...,n//2+1),(...,n//2+1)->(...,n)",
        definition=irfft,
        examples=IRFFT_EXAMPLES,
        formula="x_j = 1/n sum_k w_k Re(y_k e^(2 pi i j k / n)), w_k = 1 for k = 0 and n / 2, else 2",
        citation=COOLEY,
        witnesses=IRFFT_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="fft2",
        family="fourier",
        signature="(...,m,n),(...,m,n)->(2,...,m,n)",
        definition=fft2,
        examples=FFT2_EXAMPLES,
        formula="y_kl = sum_ij x_ij e^(-2 pi i (i k / m + j l / n))",
        citation=COOLEY,
        witnesses=FFT2_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="dct",
        family="fourier",
        signature="(...,n)->(...,n)",
        definition=dct,
        examples=DCT_EXAMPLES,
        formula="y_k = 2 sum_j x_j cos(pi k (2 j + 1) / (2 n))",
        citation="Ahmed, Natarajan, Rao, Discrete Cosine Transform, IEEE Trans. Computers 23 (1974), 90-93",
        witnesses=DCT_WITNESSES,
        special=SPECIAL,
    ),
)
