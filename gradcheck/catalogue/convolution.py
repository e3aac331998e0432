"""Sliding inner products."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

Pair = tuple[int, int]
Triple = tuple[int, int, int]


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


def _convolve(
    x: Array, kernel: Array, stride: tuple[int, ...], padding: tuple[Pair, ...], dilation: tuple[int, ...], groups: int
) -> Array:
    """Any number of axes; the channels are cut into groups, each with the share of the kernel that makes its outputs."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    places, axes = kernel.shape[2:], range(len(stride))
    sizes = tuple((padded.shape[2 + k] - dilation[k] * (places[k] - 1) - 1) // stride[k] + 1 for k in axes)
    split = np.reshape(kernel, (groups, kernel.shape[0] // groups, kernel.shape[1], *places))
    total = 0
    for place in np.ndindex(*places):
        first = [place[k] * dilation[k] for k in axes]
        window = tuple(slice(first[k], first[k] + (sizes[k] - 1) * stride[k] + 1, stride[k]) for k in axes)
        seen = np.reshape(
            padded[(slice(None), slice(None), *window)], (x.shape[0], groups, kernel.shape[1], math.prod(sizes))
        )
        total = total + np.matmul(split[(slice(None), slice(None), slice(None), *place)], seen)
    return np.reshape(total, (x.shape[0], kernel.shape[0], *sizes))


def conv1d(
    x: Array, kernel: Array, *, stride: int = 1, padding: Pair = (0, 0), dilation: int = 1, groups: int = 1
) -> Array:
    """``x`` is (batch, channels in, length), ``kernel`` (channels out, channels in / groups, length)."""
    return _convolve(x, kernel, (stride,), (padding,), (dilation,), groups)


def grouped_conv2d(
    x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: int = 0, dilation: Pair = (1, 1), groups: int = 1
) -> Array:
    """``conv2d`` with gaps in the kernel and the channels in groups (each channel its own: depthwise)."""
    return _convolve(x, kernel, stride, ((padding, padding),) * 2, dilation, groups)


def conv3d(x: Array, kernel: Array, *, stride: Triple = (1, 1, 1), padding: int = 0) -> Array:
    """``x`` is (batch, channels in, depth, height, width)."""
    return _convolve(x, kernel, stride, ((padding, padding),) * 3, (1, 1, 1), 1)


def conv_transpose1d(x: Array, kernel: Array, *, stride: int = 1, padding: int = 0, extra: int = 0) -> Array:
    """Each entry adds a kernel, (channels in, channels out, length), at its place; ``padding`` is cut off both ends."""
    length = (x.shape[2] - 1) * stride + kernel.shape[2] + extra
    total = np.zeros((x.shape[0], kernel.shape[1], length), dtype=np.result_type(x, kernel))
    for i in range(x.shape[2]):
        place = slice(i * stride, i * stride + kernel.shape[2])
        mixed = np.matmul(x[:, :, i], np.reshape(kernel, (kernel.shape[0], -1)))
        total[:, :, place] = total[:, :, place] + np.reshape(mixed, (-1, *kernel.shape[1:]))
    return total[:, :, padding : length - padding]


def conv_transpose2d(x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: int = 0) -> Array:
    """Each pixel adds a kernel, (channels in, channels out, r, s), at its place; ``padding`` is cut off all sides."""
    height = (x.shape[2] - 1) * stride[0] + kernel.shape[2]
    width = (x.shape[3] - 1) * stride[1] + kernel.shape[3]
    total = np.zeros((x.shape[0], kernel.shape[1], height, width), dtype=np.result_type(x, kernel))
    for i, j in np.ndindex(x.shape[2], x.shape[3]):
        rows = slice(i * stride[0], i * stride[0] + kernel.shape[2])
        columns = slice(j * stride[1], j * stride[1] + kernel.shape[3])
        mixed = np.matmul(x[:, :, i, j], np.reshape(kernel, (kernel.shape[0], -1)))
        total[:, :, rows, columns] = total[:, :, rows, columns] + np.reshape(mixed, (-1, *kernel.shape[1:]))
    return total[:, :, padding : height - padding, padding : width - padding]


def convolve(x: Array, y: Array, *, mode: str = "full") -> Array:
    """The product of two polynomials, all of it, the middle of the longer one's length, or where both overlap whole."""
    n, m = x.shape[0], y.shape[0]
    total = np.zeros(n + m - 1, dtype=np.result_type(x, y))
    for i in range(n):
        total[i : i + m] = total[i : i + m] + x[i] * y
    if mode == "full":
        return total
    cut = (min(n, m) - 1) // 2 if mode == "same" else min(n, m) - 1
    return total[cut : cut + (max(n, m) if mode == "same" else max(n, m) - min(n, m) + 1)]


IMAGE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)

CONV2D_EXAMPLES = (
    Example(((2, 2, 4, 3), (3, 2, 2, 2))),
    Example(((1, 1, 1, 1), (1, 1, 1, 1))),
    Example(((1, 2, 5, 4), (1, 2, 3, 1)), {"stride": (2, 1)}),
    Example(((1, 2, 5, 6), (2, 2, 2, 3)), {"stride": (2, 2), "padding": ((1, 1), (0, 0))}),
    Example(((1, 1, 3, 3), (2, 1, 3, 3)), {"padding": ((0, 2), (1, 0))}),
    Example(((1, 1, 7, 4), (1, 1, 2, 1)), {"stride": (3, 2)}),
    Example(((0, 1, 3, 3), (2, 1, 2, 2))),
    Example(((1, 1, 2, 5), (1, 1, 1, 2)), {"stride": (1, 3)}),
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

CONV1D_EXAMPLES = (
    Example(((2, 2, 5), (3, 2, 2))),
    Example(((1, 1, 7), (1, 1, 2)), {"stride": 3}),
    Example(((1, 2, 5), (2, 2, 3)), {"padding": (2, 0), "stride": 2}),
    Example(((1, 1, 6), (2, 1, 2)), {"dilation": 3}),
    Example(((1, 4, 3), (2, 2, 2)), {"groups": 2}),
    Example(((1, 2, 4), (4, 1, 2)), {"groups": 2, "padding": (0, 1), "dilation": 2}),
    Example(((1, 1, 1), (1, 1, 1))),
    Example(((0, 1, 3), (1, 1, 2))),
)

GROUPED_CONV2D_EXAMPLES = (
    Example(((1, 4, 3, 3), (2, 2, 2, 2)), {"groups": 2}),
    Example(((1, 2, 4, 5), (2, 1, 2, 2)), {"groups": 2, "dilation": (1, 2), "stride": (2, 1)}),
    Example(((2, 3, 2, 2), (3, 1, 1, 2)), {"groups": 3, "padding": 1}),
    Example(((1, 1, 5, 3), (1, 1, 2, 2)), {"dilation": (3, 2)}),
    Example(((1, 1, 2, 2), (1, 1, 1, 1)), {"stride": (2, 2)}),
)

CONV3D_EXAMPLES = (
    Example(((1, 1, 2, 3, 2), (1, 1, 2, 2, 1))),
    Example(((1, 2, 2, 2, 3), (2, 2, 1, 1, 2)), {"stride": (1, 2, 1)}),
    Example(((1, 1, 1, 2, 2), (1, 1, 3, 2, 2)), {"padding": 1, "stride": (1, 2, 3)}),
    Example(((2, 1, 1, 1, 2), (1, 1, 1, 1, 1))),
)

TRANSPOSE1D_EXAMPLES = (
    Example(((1, 2, 3), (2, 2, 2)), {"stride": 2}),
    Example(((2, 1, 4), (1, 2, 3))),
    Example(((1, 2, 2), (2, 1, 4)), {"stride": 2, "padding": 1}),
    Example(((1, 1, 3), (1, 1, 1)), {"stride": 3, "extra": 2}),
    Example(((1, 1, 1), (1, 1, 1))),
)

TRANSPOSE2D_EXAMPLES = (
    Example(((1, 2, 2, 2), (2, 1, 2, 2)), {"stride": (2, 1)}),
    Example(((2, 1, 2, 3), (1, 2, 2, 1))),
    Example(((1, 1, 2, 2), (1, 1, 3, 3)), {"stride": (2, 2), "padding": 1}),
    Example(((1, 1, 1, 2), (1, 1, 1, 1)), {"stride": (1, 3)}),
)

CONVOLVE_EXAMPLES = (
    Example(((4,), (3,))),
    Example(((2,), (5,)), {"mode": "same"}),
    Example(((5,), (2,)), {"mode": "valid"}),
    Example(((3,), (3,)), {"mode": "valid"}),
    Example(((4,), (4,)), {"mode": "same"}),
    Example(((1,), (3,))),
)

CONV1D_WITNESSES = (
    Witness(
        (np.arange(5.0).reshape(1, 1, 5) ** 2, np.array([[[1.0, -2.0, 1.0]]])), np.full((1, 1, 3), 2.0), "(k^2)'' = 2"
    ),
    Witness(
        (np.arange(1.0, 7.0).reshape(1, 2, 3), np.array([[[1.0, 1.0]], [[1.0, -1.0]]])),
        np.array([[[4.0], [-2.0]]]),
        "1 + 3 and 4 - 6",
        {"groups": 2, "dilation": 2},
    ),
)

GROUPED_WITNESSES = (
    Witness(
        (np.concatenate([IMAGE, -IMAGE], axis=1), np.array([[[[1.0, 1.0], [1.0, 1.0]]], [[[0.0, 0.0], [0.0, 2.0]]]])),
        np.array([[[[20.0]], [[-18.0]]]]),
        "sum of a square's corners; twice the last of the other",
        {"groups": 2, "dilation": (2, 2)},
    ),
)

CONV3D_WITNESSES = (
    Witness(
        (np.arange(1.0, 9.0).reshape(1, 1, 2, 2, 2), np.ones((1, 1, 2, 2, 1))),
        np.array([[[[[16.0, 20.0]]]]]),
        "1 + 3 + 5 + 7 and 2 + 4 + 6 + 8",
    ),
)

TRANSPOSE1D_WITNESSES = (
    Witness(
        (np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])),
        np.array([[[1.0, 10.0, 102.0, 20.0, 200.0]]]),
        "overlapping copies",
        {"stride": 2},
    ),
)

TRANSPOSE2D_WITNESSES = (
    Witness(
        (np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])),
        np.array([[[[1.0, 12.0, 20.0], [100.0, 1200.0, 2000.0]]]]),
        "overlapping copies",
    ),
)

CONVOLVE_WITNESSES = (
    Witness((np.array([1.0, 2.0, 1.0]), np.array([1.0, 1.0])), np.array([1.0, 3.0, 3.0, 1.0]), "binomial coefficients"),
    Witness((np.array([1.0, 2.0, 1.0]), np.array([1.0, 1.0])), np.array([3.0, 3.0]), "the middle", {"mode": "valid"}),
    Witness(
        (np.array([1.0, 2.0, 1.0]), np.array([1.0, 1.0])), np.array([1.0, 3.0, 3.0]), "the front", {"mode": "same"}
    ),
)

SPECIAL = (0.0, 1.0, -1.0, 1e4)
TRANSPOSED = "Dumoulin, Visin, A guide to convolution arithmetic, arXiv:1603.07285, chapter 4"

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
    Operator(
        name="conv1d",
        family="convolution",
        signature="(n,c,l),(o,c/groups,r)->(n,o,m)",
        definition=conv1d,
        examples=CONV1D_EXAMPLES,
        formula="y_nop = sum over c of the group, i of padded x_(n, c, p stride + i dilation) kernel_oci",
        citation="Yu, Koltun, Multi-Scale Context Aggregation by Dilated Convolutions, arXiv:1511.07122, equation 2",
        witnesses=CONV1D_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="grouped_conv2d",
        family="convolution",
        signature="(n,c,h,w),(o,c/groups,r,s)->(n,o,p,q)",
        definition=grouped_conv2d,
        examples=GROUPED_CONV2D_EXAMPLES,
        formula="as conv2d, summed over the channels of the group, with x read every dilation-th entry",
        citation="Xie et al., Aggregated Residual Transformations, arXiv:1611.05431, section 3.3",
        witnesses=GROUPED_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="conv3d",
        family="convolution",
        signature="(n,c,d,h,w),(o,c,q,r,s)->(n,o,a,b,e)",
        definition=conv3d,
        examples=CONV3D_EXAMPLES,
        formula="y = sum over channels and the places of the kernel, as conv2d with one axis more",
        citation="Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, arXiv:1412.0767, section 3",
        witnesses=CONV3D_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="conv_transpose1d",
        family="convolution",
        signature="(n,c,l),(c,o,r)->(n,o,m)",
        definition=conv_transpose1d,
        examples=TRANSPOSE1D_EXAMPLES,
        formula="y_(n, o, i stride + r) = sum of x_nci kernel_cor: the adjoint of conv1d by x",
        citation=TRANSPOSED,
        witnesses=TRANSPOSE1D_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="conv_transpose2d",
        family="convolution",
        signature="(n,c,h,w),(c,o,r,s)->(n,o,p,q)",
        definition=conv_transpose2d,
        examples=TRANSPOSE2D_EXAMPLES,
        formula="y_(n, o, i stride_1 + r, j stride_2 + s) = sum of x_ncij kernel_cors: the adjoint of conv2d by x",
        citation=TRANSPOSED,
        witnesses=TRANSPOSE2D_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="convolve",
        family="convolution",
        signature="(n),(m)->(k)",
        definition=convolve,
        examples=CONVOLVE_EXAMPLES,
        formula="z_k = sum over i + j = k of x_i y_j",
        citation="Knuth, The Art of Computer Programming, volume 2, section 4.6.4",
        witnesses=CONVOLVE_WITNESSES,
        special=SPECIAL,
    ),
)
