"""Signals and images by hand: convolutions, transforms, warps, splines, differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Domain, interval
from tests.meta.pairs import normal, twins


def conv(x: Any, w: Any, stride: int = 2, pad: int = 1, dilation: int = 1) -> Any:
    """Cross-correlation of rows x (channels, length) with w (out, channels, width)."""
    p = np.pad(x, ((0, 0), (pad, pad)))
    reach = dilation * (w.shape[2] - 1) + 1
    starts = range(0, p.shape[1] - reach + 1, stride)
    return np.stack([np.einsum("ck,ock->o", p[:, s : s + reach : dilation], w) for s in starts], -1)


def conv_back(
    g: Any, x: Any, w: Any, stride: int = 2, pad: int = 1, dilation: int = 1, fault: str = ""
) -> tuple[Any, Any]:
    p = np.pad(x, ((0, 0), (pad, pad)))
    reach = dilation * (w.shape[2] - 1) + 1
    dp, dw = np.zeros_like(p), np.zeros_like(w)
    kernel = w[:, :, ::-1] if fault == "flipped" else w
    for i in range(g.shape[1]):
        s = slice(i * stride, i * stride + reach, dilation)
        piece = np.einsum("o,ock->ck", g[:, i], kernel)
        dp[:, s] = piece if fault == "overwritten" else dp[:, s] + piece
        dw += np.einsum("o,ck->ock", g[:, i], p[:, s])
    cut = 0 if fault == "crop" else pad
    return dp[:, cut : cut + x.shape[1]], dw


def transposed(x: Any, w: Any) -> Any:
    """Upsampling by two with a kernel of width three: overlapping pieces are added."""
    out = np.zeros(2 * len(x) + 1)
    for k in range(len(x)):
        out[2 * k : 2 * k + 3] += x[k] * w
    return out


def transposed_back(g: Any, x: Any, w: Any, stride: int = 2) -> Any:
    pieces = np.stack([g[stride * k : stride * k + 3] for k in range(len(x))])
    return pieces @ w, pieces.T @ x


def circular(x: Any, h: Any) -> Any:
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(h), n=len(x))


def circular_back(g: Any, x: Any, h: Any, conj: bool = True) -> Any:
    f = np.fft.rfft(g)
    a, b = np.fft.rfft(x), np.fft.rfft(h)
    if conj:
        a, b = a.conj(), b.conj()
    return np.fft.irfft(f * b, n=len(x)), np.fft.irfft(f * a, n=len(x))


def power_spectrum(x: Any) -> Any:
    return np.abs(np.fft.rfft(x)) ** 2


def power_back(g: Any, x: Any, half: bool = True) -> Any:
    n, f = len(x), np.fft.rfft(x) * g
    if half:
        full = np.zeros(n, complex)
        full[: len(f)] = f
        return 2 * n * np.fft.ifft(full).real
    return 2 * n * np.fft.irfft(f, n=n)


def warp(image: Any, at: Any) -> Any:
    """Bilinear samples of an image at (row, column) places inside it."""
    h, w = image.shape
    r, c = np.clip(at[:, 0], 0, h - 1), np.clip(at[:, 1], 0, w - 1)
    i, j = np.minimum(r.astype(int), h - 2), np.minimum(c.astype(int), w - 2)
    u, v = r - i, c - j
    top = (1 - v) * image[i, j] + v * image[i, j + 1]
    return (1 - u) * top + u * ((1 - v) * image[i + 1, j] + v * image[i + 1, j + 1])


def warp_back(g: Any, image: Any, at: Any, fault: str = "") -> Any:
    h, w = image.shape
    r, c = np.clip(at[:, 0], 0, h - 1), np.clip(at[:, 1], 0, w - 1)
    i, j = np.minimum(r.astype(int), h - 2), np.minimum(c.astype(int), w - 2)
    u, v = r - i, c - j
    out = np.zeros_like(image)
    for a, b, k in ((0, 0, (1 - u) * (1 - v)), (0, 1, (1 - u) * v), (1, 0, u * (1 - v)), (1, 1, u * v)):
        if fault == "buffered":
            out[i + a, j + b] += g * k
        else:
            np.add.at(out, (i + a, j + b), g * k)
    dr = (1 - v) * (image[i + 1, j] - image[i, j]) + v * (image[i + 1, j + 1] - image[i, j + 1])
    dc = (1 - u) * (image[i, j + 1] - image[i, j]) + u * (image[i + 1, j + 1] - image[i + 1, j])
    inside = (at >= 0) & (at <= [h - 1, w - 1])
    d = g[:, None] * np.stack([dc, dr] if fault == "axes" else [dr, dc], -1)
    return out, d if fault == "outside" else d * inside


def catmull(p: Any, t: Any) -> Any:
    """The cubic through p[1] and p[2] with slopes from the neighbours."""
    a = 2 * p[1]
    b = p[2] - p[0]
    c = 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    d = -p[0] + 3 * p[1] - 3 * p[2] + p[3]
    return 0.5 * (a + t * (b + t * (c + t * d)))


def catmull_back(g: Any, p: Any, t: Any, last: float = 1.0) -> Any:
    b = p[2] - p[0]
    c = 2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]
    d = -p[0] + 3 * p[1] - 3 * p[2] + p[3]
    basis = np.stack(
        [
            -t + 2 * t**2 - t**3,
            2 - 5 * t**2 + 3 * t**3,
            t + 4 * t**2 - 3 * t**3,
            -(t**2) + last * t**3,
        ]
    )
    return 0.5 * basis @ g, 0.5 * g * (b + t * (2 * c + 3 * t * d))


def variation(x: Any) -> Any:
    return np.abs(np.diff(x, axis=0)).sum() + np.abs(np.diff(x, axis=1)).sum()


def variation_back(g: Any, x: Any, both: bool = True, tie: float = 0.0) -> Any:
    out = np.zeros_like(x)
    for axis in (0, 1) if both else (0,):
        d = np.diff(x, axis=axis)
        s = g * np.where(d == 0, tie, np.sign(d))
        one, other = [slice(None)] * 2, [slice(None)] * 2
        one[axis], other[axis] = slice(1, None), slice(None, -1)
        out[tuple(one)] += s
        out[tuple(other)] -= s
    return out


def smooth_variation(x: Any) -> Any:
    return np.sqrt(np.diff(x) ** 2 + 1e-12).sum()


def smooth_variation_back(g: Any, x: Any, eps: float = 1e-12) -> Any:
    d = np.diff(x)
    with np.errstate(all="ignore"):
        s = g * d / np.sqrt(d * d + eps)
    return np.append(0, s) - np.append(s, 0)


def upsample_back(g: Any, x: Any, how: str = "sum") -> Any:
    blocks = g.reshape(x.shape[0], 2, x.shape[1], 2)
    return blocks.sum((1, 3)) if how == "sum" else blocks.mean((1, 3))


def reflect_pad(x: Any) -> Any:
    return np.pad(x, (2, 1), mode="reflect")


def reflect_pad_back(g: Any, x: Any, edge: bool = False, right: bool = True) -> Any:
    d = g[2:-1].copy()
    d[[1, 0] if edge else [2, 1]] += g[:2]
    if right:
        d[-2] += g[-1]
    return d


def autocorrelation(x: Any) -> Any:
    return np.stack([x[: len(x) - k] @ x[k:] for k in range(3)])


def autocorrelation_back(g: Any, x: Any, lead: bool = True) -> Any:
    out = np.zeros_like(x)
    for k in range(3):
        out[: len(x) - k] += g[k] * x[k:]
        if lead:
            out[k:] += g[k] * x[: len(x) - k]
        elif k == 0:
            out += g[0] * x
    return out


def unit_phase(z: Any) -> Any:
    return z / np.abs(z)


def unit_phase_back(g: Any, z: Any, radial: bool = True) -> Any:
    r = np.abs(z)
    u = z / r
    return (g - u * np.real(np.conj(u) * g)) / r if radial else g / r


def mean_filter(x: Any) -> Any:
    n = np.convolve(np.ones(len(x)), np.ones(3), "same")
    return np.convolve(x, np.ones(3), "same") / n


def mean_filter_back(g: Any, x: Any, before: bool = True) -> Any:
    n = np.convolve(np.ones(len(x)), np.ones(3), "same")
    return np.convolve(g / n, np.ones(3), "same") if before else np.convolve(g, np.ones(3), "same") / n


IMAGE = normal(70, 3, 4)
PLACES = np.array([[0.4, 0.6], [0.7, 0.2], [1.5, 2.5]])
FLAT = np.array([[1.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
STRIDED = (normal(71, 2, 6), normal(72, 3, 2, 3))

CASES = (
    *twins(
        "signal: strided convolution with a remainder",
        "repeated index overwritten",
        conv,
        conv_back,
        STRIDED,
        overwritten=lambda g, x, w: conv_back(g, x, w, fault="overwritten"),
        flipped=lambda g, x, w: conv_back(g, x, w, fault="flipped"),
        padding_not_cut=lambda g, x, w: conv_back(g, x, w, fault="crop"),
    ),
    *twins(
        "signal: dilated convolution",
        "parameters",
        conv,
        conv_back,
        (normal(73, 1, 9), normal(74, 2, 1, 3)),
        options={"kwargs": {"stride": 1, "pad": 2, "dilation": 2}},
        dilation_forgotten=lambda g, x, w, stride, pad, dilation: conv_back(
            np.pad(g, ((0, 0), (0, 2))), x, w, stride, pad, 1
        ),
    ),
    *twins(
        "signal: transposed convolution",
        "wrong stride",
        transposed,
        transposed_back,
        (normal(75, 3), normal(76, 3)),
        unseen="*",
        stride_one=lambda g, x, w: transposed_back(g, x, w, 1),
    ),
    *twins(
        "signal: circular convolution by transforms",
        "conjugate missing",
        circular,
        circular_back,
        (normal(77, 6), normal(78, 6)),
        unseen="*",
        not_conjugated=lambda g, x, h: circular_back(g, x, h, False),
    ),
    *twins(
        "signal: power spectrum",
        "constant factor",
        power_spectrum,
        power_back,
        (normal(79, 6),),
        inner_terms_twice=lambda g, x: power_back(g, x, False),
    ),
    *twins(
        "signal: samples of an image",
        "repeated index overwritten",
        warp,
        warp_back,
        (IMAGE, PLACES),
        buffered=lambda g, image, at: warp_back(g, image, at, "buffered"),
        axes_swapped=lambda g, image, at: warp_back(g, image, at, "axes"),
        slope_outside=lambda g, image, at: warp_back(g, image, at, "outside"),
        hard=True,
        unseen="axes_swapped",
    ),
    *twins(
        "signal: cubic between points",
        "constant factor",
        catmull,
        catmull_back,
        (normal(80, 4), np.array([0.0, 0.25, 0.9])),
        last_basis=lambda g, p, t: catmull_back(g, p, t, 0.5),
        options={"domain": Domain((interval(-100, 100), interval(0, 1)))},
    ),
    *twins(
        "signal: total variation of a flat image",
        "ties and selection",
        variation,
        variation_back,
        (FLAT,),
        hard=True,
        rows_only=lambda g, x: variation_back(g, x, False),
        two_at_ties=lambda g, x: variation_back(g, x, tie=2.0),
        unseen="two_at_ties",
    ),
    *twins(
        "signal: smoothed variation of a constant",
        "epsilon forgotten",
        smooth_variation,
        smooth_variation_back,
        (np.array([1.0, 1.0, 2.0, 2.0]),),
        hard=True,
        unseen="*",
        epsilon_forgotten=lambda g, x: smooth_variation_back(g, x, 0.0),
    ),
    *twins(
        "signal: pixels doubled",
        "mean for sum",
        lambda x: x.repeat(2, 0).repeat(2, 1),
        upsample_back,
        (normal(81, 2, 3),),
        mean=lambda g, x: upsample_back(g, x, "mean"),
    ),
    *twins(
        "signal: padding by reflection",
        "indexing",
        reflect_pad,
        reflect_pad_back,
        (normal(82, 5),),
        edge_repeated=lambda g, x: reflect_pad_back(g, x, True),
        right_forgotten=lambda g, x: reflect_pad_back(g, x, right=False),
    ),
    *twins(
        "signal: autocorrelation",
        "one path lost",
        autocorrelation,
        autocorrelation_back,
        (normal(83, 5),),
        lagging_factor_constant=lambda g, x: autocorrelation_back(g, x, False),
    ),
    *twins(
        "signal: phase of complex numbers",
        "only one part",
        unit_phase,
        unit_phase_back,
        (normal(84, 3) + 1j * normal(85, 3),),
        modulus_constant=lambda g, z: unit_phase_back(g, z, False),
    ),
    *twins(
        "signal: mean filter with short ends",
        "transpose missing",
        mean_filter,
        mean_filter_back,
        (normal(86, 5),),
        divided_after=lambda g, x: mean_filter_back(g, x, False),
    ),
)
