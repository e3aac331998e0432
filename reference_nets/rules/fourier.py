"""Rules of Fourier transforms.  The adjoint of a transform is the one with the opposite sign of the exponent."""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from reference_nets.rules._shapes import Array, wide


def _complex(parts: Array) -> Array:
    both = wide(parts)
    result: Array = both[0] + 1j * both[1]
    return result


def _parts(z: Array, like: Array) -> tuple[Array, Array]:
    return z.real.astype(like.dtype), z.imag.astype(like.dtype)


def fft(g: Array, real: Array, imaginary: Array, *, norm: str = "backward") -> tuple[Array, Array]:
    """``n ifft(g)``: ifft has the opposite sign, and divides by n."""
    factor = math.sqrt(real.shape[-1]) if norm == "ortho" else real.shape[-1]
    return _parts(factor * np.fft.ifft(_complex(g)), real)


def ifft(g: Array, real: Array, imaginary: Array) -> tuple[Array, Array]:
    """``fft(g) / n``."""
    return _parts(np.fft.fft(_complex(g)) / real.shape[-1], real)


def rfft(g: Array, x: Array) -> tuple[Array]:
    """The half that was not given out has no cotangent: the real part of ``n ifft`` of g and zeros."""
    n = x.shape[-1]
    return ((n * np.fft.ifft(_complex(g), n).real).astype(x.dtype),)


def irfft(g: Array, real: Array, imaginary: Array, *, n: int) -> tuple[Array, Array]:
    """``rfft(g) / n``, twice for all terms that stand for their conjugates too; the ends' imaginary parts get 0."""
    k = np.arange(n // 2 + 1)
    end = 2 * k % n == 0
    z = np.fft.rfft(wide(g)) * (np.where(end, 1, 2) / n)
    return z.real.astype(real.dtype), np.where(end, 0, z.imag).astype(imaginary.dtype)


def fft2(g: Array, real: Array, imaginary: Array) -> tuple[Array, Array]:
    """``m n ifft2(g)``."""
    return _parts(real.shape[-1] * real.shape[-2] * np.fft.ifft2(_complex(g)), real)


def dct(g: Array, x: Array) -> tuple[Array]:
    """The transposed matrix is the transform of type III, which takes its first term only once."""
    g = wide(g)
    if x.size == 0:
        return (np.zeros_like(x),)
    return ((scipy.fft.dct(g, type=3) + g[..., :1]).astype(x.dtype),)


def dct_jvp(tangents: tuple[Array], x: Array) -> Array:
    """The transform of the tangent."""
    if x.size == 0:
        return np.zeros_like(x)
    result: Array = scipy.fft.dct(wide(tangents[0]), type=2)
    return result.astype(x.dtype)


RULES = {"fft": fft, "ifft": ifft, "rfft": rfft, "irfft": irfft, "fft2": fft2, "dct": dct}
JVPS = {"dct": dct_jvp}
