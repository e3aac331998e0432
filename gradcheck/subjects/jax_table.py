"""Catalogue names to functions of JAX; a few are composed of its functions as its own libraries of layers do."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.subjects import composed
from gradcheck.subjects.composed import embedding
from gradcheck.subjects.mapped import Function, Table

NUMPY = """abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh broadcast_to cbrt concatenate convolve cos
cosh cross cumprod cumsum divide dot exp exp2 expm1 flip fmod hypot inner interp kron log log10 log1p log2 logaddexp
logaddexp2 matmul max maximum mean min minimum moveaxis multiply negative outer power prod ptp reciprocal remainder
roll sign sin sinc sinh sqrt square std subtract sum take tan tanh tensordot tile transpose var vdot where diag tril triu
median reshape stack"""
"""Names that jax.numpy uses, too."""

NEURAL = """celu elu gelu glu leaky_relu log_sigmoid log_softmax mish relu relu6 selu sigmoid silu softmax softplus
log1mexp logsumexp logmeanexp"""

SPECIAL = (
    """betaln digamma entr erf erfc erfcx erfinv gammaln kl_div log_ndtr logit ndtr ndtri rel_entr xlog1py xlogy"""
)

WIDE = frozenset(
    """cholesky det eigh eigvalsh expm fft fft2 ifft inv irfft logabsdet lstsq matrix_power pinv qr rfft solve svdvals
    triangular_solve dct hurwitz_zeta interp log_ndtr ndtr ndtri""".split()
)


def table() -> Table:
    """The whole table."""
    import jax
    from jax import lax, nn
    from jax import numpy as jnp
    from jax.scipy import special

    functions: dict[str, Function] = {
        **composed.table(jnp, special),
        **{name: getattr(jnp, name) for name in NUMPY.split()},
        **{name: getattr(nn, name) for name in NEURAL.split()},
        **{name: getattr(special, name) for name in SPECIAL.split()},
        **_elementwise(jnp, nn, lax, special),
        **_scans(jnp, lax),
        **_arrays(jax, jnp),
        **_linear_algebra(jax, jnp),
    }
    return Table(functions=functions, wide=WIDE | composed.NORMALISATIONS)


def _elementwise(jnp: Any, nn: Any, lax: Any, special: Any) -> dict[str, Function]:
    return {
        "average": lambda x, weights, *, axis=-1: jnp.average(x, axis, weights),
        "repeat": lambda x, *, repeats, axis=None: jnp.repeat(x, np.asarray(repeats), axis),
        "rsqrt": lax.rsqrt,
        "trigamma": lambda x: special.polygamma(1, x),
        "bessel_i0": special.i0,
        "bessel_i0e": special.i0e,
        "bessel_i1": special.i1,
        "bessel_i1e": special.i1e,
        "hurwitz_zeta": lambda x, *, s=2.0: special.zeta(s, x),
        "gammainc": lambda x, *, a=1.0: special.gammainc(jnp.asarray(a, x.dtype), x),
        "gammaincc": lambda x, *, a=1.0: special.gammaincc(jnp.asarray(a, x.dtype), x),
        "gelu": lambda x: nn.gelu(x, approximate=False),
        "gelu_tanh": lambda x: nn.gelu(x, approximate=True),
        "leaky_relu": lambda x, *, slope=0.01: nn.leaky_relu(x, slope),
        "hardsigmoid": nn.hard_sigmoid,
        "hardswish": nn.hard_swish,
        "softsign": nn.soft_sign,
        "clip": lambda x, low, high: jnp.clip(x, low, high),
        "max": lambda x, *, axis=None, keepdims=False: jnp.max(x, axis, keepdims=keepdims),
        "min": lambda x, *, axis=None, keepdims=False: jnp.min(x, axis, keepdims=keepdims),
        "interp": lambda x, v, *, knots: jnp.interp(x, jnp.asarray(knots, x.dtype), v),
        "norm": lambda x, *, axis=None, keepdims=False: jnp.linalg.norm(
            x.reshape(-1) if axis is None else x, axis=axis, keepdims=keepdims
        ),
    }


def _scans(jnp: Any, lax: Any) -> dict[str, Function]:
    def scan(function: Function) -> Function:
        def scanned(x: Any, *, axis: Any = None) -> Any:
            return function(jnp.ravel(x), 0) if axis is None else function(x, axis % x.ndim)

        return scanned

    return {
        "cummax": scan(lax.cummax),
        "cummin": scan(lax.cummin),
        "logcumsumexp": scan(lax.cumlogsumexp),
        "sort": lambda x, *, axis=-1, descending=False: jnp.sort(x, axis, descending=descending),
        "topk": lambda x, *, k, axis=-1: jnp.moveaxis(lax.top_k(jnp.moveaxis(x, axis, -1), k)[0], -1, axis),
    }


def _arrays(jax: Any, jnp: Any) -> dict[str, Function]:
    lax = jax.lax

    def convolution(dimensions: int) -> Function:
        def value(x: Any, kernel: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
            def each(p: Any) -> Any:
                return (p,) * dimensions if isinstance(p, int) else p

            pairs = [(p, p) for p in each(padding)] if isinstance(padding, int) else padding
            pairs = [padding] if dimensions == 1 and not isinstance(padding, int) else pairs
            return lax.conv_general_dilated(
                x, kernel, each(stride), pairs, rhs_dilation=each(dilation), feature_group_count=groups
            )

        return value

    def pad(mode: str) -> Function:
        return lambda x, *, widths: jnp.pad(x, widths, mode)

    def scatter(x: Any, i: Any, v: Any, *, axis: int) -> Any:
        return jnp.put_along_axis(x, i, v, axis, inplace=False)

    return {
        "conv1d": convolution(1),
        "conv2d": convolution(2),
        "conv3d": convolution(3),
        "grouped_conv2d": convolution(2),
        "pad_constant": lambda x, *, widths, value=0.0: jnp.pad(x, widths, constant_values=value),
        "pad_edge": pad("edge"),
        "pad_reflect": pad("reflect"),
        "pad_wrap": pad("wrap"),
        "stack": lambda x, y, *, axis=0: jnp.stack((x, y), axis),
        "concatenate": lambda x, y, *, axis=0: jnp.concatenate((x, y), axis),
        "reshape": lambda x, *, shape, order="C": jnp.reshape(x, shape, order=order),
        "diagonal": lambda x, *, offset=0, first=0, second=1: jnp.diagonal(x, offset, first, second),
        "trace": lambda x, *, offset=0, first=0, second=1: jnp.trace(x, offset, first, second),
        "rot90": lambda x, *, turns=1, axes=(0, 1): jnp.rot90(x, turns, axes),
        "swapaxes": lambda x, *, first, second: jnp.swapaxes(x, first, second),
        "transpose": lambda x, *, axes=None: jnp.transpose(x, axes),
        "gather": lambda x, i, *, axis: jnp.take_along_axis(x, i, axis),
        "scatter": scatter,
        "scatter_add": lambda x, i, v: x.at[i].add(v),
        "index_put": lambda x, r, c, v: x.at[r, c].set(v),
        "embedding": lambda w, i, *, padding_index=None: embedding(jnp, w, i, padding_index),
        "segment_sum": lambda x, labels, *, segments: jax.ops.segment_sum(x, labels, segments),
        "segment_max": lambda x, labels, *, segments: jax.ops.segment_max(x, labels, segments),
        "take": lambda x, i, *, axis=None: jnp.take(x, i, axis),
    }


def _linear_algebra(jax: Any, jnp: Any) -> dict[str, Function]:
    linalg, dense = jnp.linalg, jax.scipy.linalg

    def solve(a: Any, b: Any) -> Any:
        return linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else linalg.solve(a, b)

    def triangular(
        a: Any, b: Any, *, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
    ) -> Any:
        return dense.solve_triangular(a, b, trans=int(transposed), lower=lower, unit_diagonal=unit_diagonal)

    def eigh(a: Any) -> Any:
        values, vectors = linalg.eigh(a)
        return jnp.concatenate((values[..., None, :], vectors * jnp.sign(vectors[..., :1, :])), -2)

    def qr(a: Any) -> Any:
        q, r = linalg.qr(a)
        signs = jnp.sign(jnp.diagonal(r, 0, -2, -1))
        return jnp.concatenate((q * signs[..., None, :], r * signs[..., None]), -2)

    def parts(z: Any) -> Any:
        return jnp.stack((z.real, z.imag))

    return {
        **{name: getattr(linalg, name) for name in ("inv", "det", "cholesky", "eigvalsh", "pinv")},
        "svdvals": lambda a: linalg.svd(a, compute_uv=False),
        "solve": solve,
        "expm": dense.expm,
        "eigh": eigh,
        "qr": qr,
        "logabsdet": lambda a: linalg.slogdet(a).logabsdet,
        "matrix_power": lambda a, *, n: linalg.matrix_power(a, n),
        "lstsq": lambda a, b: linalg.lstsq(a, b)[0],
        "triangular_solve": triangular,
        "einsum": lambda x, y, *, equation: jnp.einsum(equation, x, y),
        "fft": lambda re, im, *, norm="backward": parts(jnp.fft.fft(jax.lax.complex(re, im), norm=norm)),
        "ifft": lambda re, im: parts(jnp.fft.ifft(jax.lax.complex(re, im))),
        "fft2": lambda re, im: parts(jnp.fft.fft2(jax.lax.complex(re, im))),
        "rfft": lambda x: parts(jnp.fft.rfft(x)),
        "irfft": lambda re, im, *, n: jnp.fft.irfft(jax.lax.complex(re, im), n),
        "dct": lambda x: jax.scipy.fft.dct(x, axis=-1),
    }
