"""Sliding inner products."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

Pair = tuple[int, int]


def conv2d(x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: tuple[Pair, Pair] = ((0, 0), (0, 0))) -> Array:
    """``x`` is (batch, channels in, h, w), ``kernel`` (channels out, channels in, r, s); summed over the kernel."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    rows, columns = kernel.shape[2:]
    height, width = (padded.shape[2] - rows) // stride[0] + 1, (padded.shape[3] - columns) // stride[1] + 1
    total = 0
    for i in range(rows):
        for j in range(columns):
            seen = padded[:, :, i : i + height * stride[0] : stride[0], j : j + width * stride[1] : stride[1]][
                :, :, :height, :width
            ]
            flat = np.reshape(seen, (*seen.shape[:2], height * width))
            total = total + np.matmul(kernel[:, :, i, j], flat)
    return np.reshape(total, (x.shape[0], kernel.shape[0], height, width))


IMAGE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)

CONV2D_EXAMPLES = (
    Example(((2, 2, 4, 3), (3, 2, 2, 2))),
    Example(((1, 1, 1, 1), (1, 1, 1, 1))),
    Example(((1, 2, 5, 4), (1, 2, 3, 1)), {"stride": (2, 1)}),
    Example(((1, 2, 5, 6), (2, 2, 2, 3)), {"stride": (2, 2), "padding": ((1, 1), (0, 0))}),
    Example(((1, 1, 3, 3), (2, 1, 3, 3)), {"padding": ((0, 2), (1, 0))}),
    Example(((1, 1, 7, 4), (1, 1, 2, 1)), {"stride": (3, 2)}),
    Example(((0, 1, 3, 3), (2, 1, 2, 2))),
)

CONV2D_WITNESSES = (
    Witness(
        (IMAGE, np.array([[[[1.0, 0.0], [0.0, -2.0]]]])),
        np.array([[[[-9.0, -10.0], [-12.0, -13.0]]]]),
        "x_ij - 2 x_(i+1,j+1)",
    ),
    Witness(
        (IMAGE, np.ones((1, 1, 3, 3))),
        np.array([[[[12.0, 16.0], [24.0, 28.0]]]]),
        "sums of a square's corners",
        {"stride": (2, 2), "padding": ((1, 1), (1, 1))},
    ),
)

OPERATORS = (
    Operator(
        name="conv2d",
        family="convolution",
        signature="(n,c,h,w),(o,c,r,s)->(n,o,p,q)",
        definition=conv2d,
        examples=CONV2D_EXAMPLES,
        formula="y_nopq = sum over c, i, j of padded x_(n, c, p stride_1 + i, q stride_2 + j) kernel_ocij",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 9.6",
        witnesses=CONV2D_WITNESSES,
        special=(0.0, 1.0, -1.0, 1e4),
    ),
)
