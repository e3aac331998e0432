"""Catalogue names to functions of PyTorch.  A function that torch has is named; one that it lacks is not composed here."""

from __future__ import annotations

from typing import Any

from gradcheck.subjects.mapped import Function, Table

SAME = """abs arccos arccosh arcsin arcsinh arctan arctan2 arctanh cos cosh sin sinh tan tanh exp exp2 expm1 log log10
log1p log2 negative reciprocal rsqrt sqrt square sigmoid sign sinc add subtract multiply divide fmod remainder hypot
logaddexp logaddexp2 maximum minimum matmul addcdiv addcmul where kron inner tril triu lerp"""
"""Names that torch uses, too, and with the same arguments."""

SPECIAL = """erf erfc erfcx erfinv entr log_ndtr ndtr ndtri logit xlogy xlog1py digamma gammaln"""

NEURAL = """relu relu6 celu elu selu silu gelu mish softplus hardsigmoid hardswish softsign linear"""

WIDE = frozenset(
    """bessel_i1 bessel_i1e cholesky det eigh eigvalsh erfcx fft fft2 ifft irfft rfft hurwitz_zeta inv log_ndtr logabsdet
    lstsq matrix_power median ndtri pinv qr solve svdvals triangular_solve""".split()
)
"""Not there, or not on the CPU, in 16 bits."""


def table() -> Table:
    """The whole table."""
    import torch
    from torch.nn import functional

    functions: dict[str, Function] = {
        **{name: getattr(torch, name) for name in SAME.split()},
        **{name: getattr(torch.special, name) for name in SPECIAL.split()},
        **{name: getattr(functional, name) for name in NEURAL.split()},
        **_elementwise(torch, functional),
        **_reductions(torch),
        **_losses(torch, functional),
        **_layers(torch, functional),
        **_shaping(torch, functional),
        **_linear_algebra(torch),
    }
    lacks: dict[str, Any] = {
        "reshape": lambda p: p.get("order", "C") != "C",
        "slice": lambda p: p.get("step", 1) < 0,
        "prod": lambda p: isinstance(p.get("axis"), tuple),
        "embedding": lambda p: p.get("padding_index") is not None,  # torch keeps the row, and stops its gradient
    }
    return Table(functions=functions, lacks=lacks, wide=WIDE)


def _elementwise(torch: Any, F: Any) -> dict[str, Function]:
    return {
        "power": torch.pow,
        "broadcast_to": lambda x, *, shape: torch.broadcast_to(x, shape),
        "outer": lambda x, y: torch.outer(x.reshape(-1), y.reshape(-1)),
        "trigamma": lambda x: torch.polygamma(1, x),
        "bessel_i0": torch.special.i0,
        "bessel_i0e": torch.special.i0e,
        "bessel_i1": torch.special.i1,
        "bessel_i1e": torch.special.i1e,
        "hurwitz_zeta": lambda x, *, s=2.0: torch.special.zeta(torch.full_like(x, s), x),
        "gammainc": lambda x, *, a=1.0: torch.special.gammainc(torch.full_like(x, a), x),
        "gammaincc": lambda x, *, a=1.0: torch.special.gammaincc(torch.full_like(x, a), x),
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "scaled_softplus": lambda x, *, beta=1.0: F.softplus(x, beta),
        "leaky_relu": lambda x, *, slope=0.01: F.leaky_relu(x, slope),
        "log_sigmoid": F.logsigmoid,
        "hardtanh": lambda x, *, low=-1.0, high=1.0: F.hardtanh(x, low, high),
        "hardshrink": lambda x, *, threshold=0.5: F.hardshrink(x, threshold),
        "softshrink": lambda x, *, threshold=0.5: F.softshrink(x, threshold),
        "softmax": lambda x, *, axis=-1: torch.softmax(x, axis),
        "log_softmax": lambda x, *, axis=-1: torch.log_softmax(x, axis),
        "softmin": lambda x, *, axis=-1: F.softmin(x, axis),
        "glu": lambda x, *, axis=-1: F.glu(x, axis),
        "clip": torch.clamp,
        "masked_fill": lambda x, mask, *, value: torch.masked_fill(x, mask, value),
    }


def _reductions(torch: Any) -> dict[str, Function]:
    def axes(x: Any, axis: Any) -> Any:
        return tuple(range(x.ndim)) if axis is None else axis

    def over(function: Function) -> Function:
        def reduced(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
            return function(x, axes(x, axis), keepdim=keepdims) if x.ndim else function(x, (), keepdim=keepdims)

        return reduced

    def spread(function: Function) -> Function:
        def reduced(x: Any, *, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
            return function(x, axis, correction=ddof, keepdim=keepdims)

        return reduced

    def norm(order: float) -> Function:
        def reduced(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
            return torch.linalg.vector_norm(x, order, axis, keepdims)

        return reduced

    def prod(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.prod(x) if axis is None else torch.prod(x, axis, keepdims)

    def scan(function: Function) -> Function:
        def scanned(x: Any, *, axis: Any = None) -> Any:
            value = function(x.reshape(-1) if axis is None else x, 0 if axis is None else axis)
            return value if isinstance(value, torch.Tensor) else value.values

        return scanned

    def median(x: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
        return torch.quantile(x, 0.5, axis, keepdims) if x.numel() else torch.mean(x, axis, keepdims)

    return {
        **{name: over(getattr(torch, name)) for name in ("sum", "mean", "logsumexp")},
        **{name: over(getattr(torch, f"a{name}")) for name in ("max", "min")},
        **{name: spread(getattr(torch, name)) for name in ("var", "std")},
        **{name: scan(getattr(torch, name)) for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")},
        "norm": norm(2),
        "norm_1": norm(1),
        "norm_inf": norm(float("inf")),
        "norm_p": lambda x, *, order=3.0, axis=None, keepdims=False: norm(order)(x, axis=axis, keepdims=keepdims),
        "prod": prod,
        "sort": lambda x, *, axis=-1, descending=False: torch.sort(x, axis, descending).values,
        "topk": lambda x, *, k, axis=-1: torch.topk(x, k, axis).values,
        "median": median,
    }


def _losses(torch: Any, F: Any) -> dict[str, Function]:
    def loss(function: Function, **renamed: str) -> Function:
        """A loss that wants arguments of one shape."""

        def value(*inputs: Any, **params: Any) -> Any:
            return function(*torch.broadcast_tensors(*inputs), **{renamed.get(k, k): v for k, v in params.items()})

        return value

    def labelled(function: Function) -> Function:
        """A loss of labels, for which torch has the classes on axis 1."""

        def value(scores: Any, labels: Any, *, weights: Any = None, **params: Any) -> Any:
            moved = scores if scores.ndim < 3 else scores.movedim(-1, 1)
            weight = None if weights is None else torch.tensor(weights, dtype=scores.dtype)
            return function(moved, labels, weight=weight, **params)

        return value

    def with_logits(x: Any, target: Any, *, positive_weight: float = 1.0, reduction: str = "mean") -> Any:
        x, target = torch.broadcast_tensors(x, target)
        weight = torch.tensor(positive_weight, dtype=x.dtype)
        return F.binary_cross_entropy_with_logits(x, target, pos_weight=weight, reduction=reduction)

    def cross_entropy(logits: Any, labels: Any, *, smoothing: float = 0.0, **params: Any) -> Any:
        return labelled(F.cross_entropy)(logits, labels, label_smoothing=smoothing, **params)

    def kl_divergence(x: Any, target: Any, *, reduction: str = "mean") -> Any:
        terms = loss(F.kl_div)(x, target, reduction="none")  # its own mean warns that it will become another
        return terms if reduction == "none" else terms.mean() if reduction == "mean" else terms.sum()

    return {
        "mse": loss(F.mse_loss),
        "mae": loss(F.l1_loss),
        "huber": loss(F.huber_loss),
        "smooth_l1": loss(F.smooth_l1_loss),
        "bce": loss(F.binary_cross_entropy),
        "poisson_nll": loss(F.poisson_nll_loss),
        "kl_divergence": kl_divergence,
        "soft_margin": loss(F.soft_margin_loss),
        "margin_ranking": loss(F.margin_ranking_loss),
        "bce_with_logits": with_logits,
        "cross_entropy": cross_entropy,
        "softmax_cross_entropy": labelled(F.cross_entropy),
        "nll": labelled(F.nll_loss),
    }


def _layers(torch: Any, F: Any) -> dict[str, Function]:
    def batched(x: Any, dimensions: int) -> Any:
        outer = x.shape[: x.ndim - dimensions]
        return x.reshape(outer.numel(), 1, *x.shape[len(outer) :])

    def pooled(function: Function, dimensions: int) -> Function:
        """A pooling or resizing that wants axes for batch and channels; a batch may be empty, channels may not."""

        def value(x: Any, *, overhang: bool = False, size: Any, **params: Any) -> Any:
            more = {"ceil_mode": True} if overhang else {}
            inner = batched(x, dimensions)
            if "adaptive" not in function.__name__:
                params = {"stride": (1,) * dimensions, **params}
            y = function(inner, size, **params, **more)
            return y.reshape(*x.shape[: x.ndim - dimensions], *y.shape[2:])

        return value

    def instance_norm(x: Any, w: Any, b: Any, *, epsilon: float = 1e-5) -> Any:
        return torch.instance_norm(x, w, b, None, None, True, 0, epsilon, False) if x.numel() else x * 1

    def lp_pool1d(x: Any, *, p: float, size: int, stride: int = 1) -> Any:
        y = F.lp_pool1d(batched(x, 1), p, size, stride)
        return y.reshape(*x.shape[:-1], y.shape[-1])

    def padded(x: Any, padding: Any) -> Any:
        return F.pad(x, [n for pair in reversed(padding) for n in pair])

    def conv1d(x: Any, kernel: Any, *, padding: Any = (0, 0), **params: Any) -> Any:
        return F.conv1d(padded(x, (padding,)), kernel, **params)

    def conv2d(x: Any, kernel: Any, *, padding: Any = ((0, 0), (0, 0)), **params: Any) -> Any:
        return F.conv2d(padded(x, padding), kernel, **params)

    def transposed(function: Function) -> Function:
        return lambda x, k, *, extra=0, **params: function(x, k, output_padding=extra, **params)

    def resized(mode: str, dimensions: int) -> Function:
        def value(x: Any, *, size: Any, align_corners: bool | None = None) -> Any:
            inner = batched(x, dimensions)
            y = F.interpolate(inner, size, mode=mode, align_corners=align_corners)
            return y.reshape(*x.shape[: x.ndim - dimensions], *y.shape[2:])

        return value

    return {
        "layer_norm": lambda x, w, b, *, epsilon=1e-5: F.layer_norm(x, x.shape[-1:], w, b, epsilon),
        "rms_norm": lambda x, w, *, epsilon=1e-6: F.rms_norm(x, x.shape[-1:], w, epsilon),
        "batch_norm": lambda x, w, b, *, epsilon=1e-5: torch.batch_norm(x, w, b, None, None, True, 0, epsilon, False),
        "instance_norm": instance_norm,
        "group_norm": lambda x, w, b, *, groups, epsilon=1e-5: torch.group_norm(x, groups, w, b, epsilon),
        "l2_normalise": lambda x, *, axis=-1, epsilon=1e-12: F.normalize(x, dim=axis, eps=epsilon),
        "max_pool1d": pooled(F.max_pool1d, 1),
        "max_pool2d": pooled(F.max_pool2d, 2),
        "avg_pool1d": pooled(F.avg_pool1d, 1),
        "avg_pool2d": pooled(F.avg_pool2d, 2),
        "adaptive_avg_pool1d": pooled(F.adaptive_avg_pool1d, 1),
        "adaptive_avg_pool2d": pooled(F.adaptive_avg_pool2d, 2),
        "adaptive_max_pool1d": pooled(F.adaptive_max_pool1d, 1),
        "lp_pool1d": lp_pool1d,
        "conv1d": conv1d,
        "conv2d": conv2d,
        "conv3d": F.conv3d,
        "grouped_conv2d": F.conv2d,
        "conv_transpose1d": transposed(F.conv_transpose1d),
        "conv_transpose2d": transposed(F.conv_transpose2d),
        "upsample_linear1d": resized("linear", 1),
        "upsample_bilinear2d": resized("bilinear", 2),
        "upsample_nearest2d": resized("nearest", 2),
        "pixel_shuffle": lambda x, *, factor: F.pixel_shuffle(x, factor),
        "bilinear": lambda x, w, y: F.bilinear(x, y, w),
        "embedding": lambda w, i, *, padding_index=None: F.embedding(i % len(w), w),
        "attention": lambda q, k, v, mask, *, scale=None: F.scaled_dot_product_attention(q, k, v, mask, scale=scale),
        "gru_cell": lambda x, h, w, u, b, c: torch.gru_cell(x, h, w, u, b, c),
        "rnn_cell": lambda x, h, w, u, b: torch.rnn_tanh_cell(x, h, w, u, b, torch.zeros_like(b)),
        "lstm_cell": lambda x, h, c, w, u, b: torch.stack(torch.lstm_cell(x, (h, c), w, u, b, torch.zeros_like(b))),
    }


def _shaping(torch: Any, F: Any) -> dict[str, Function]:
    def concatenate(x: Any, y: Any, *, axis: Any = 0) -> Any:
        return torch.cat((x.reshape(-1), y.reshape(-1))) if axis is None else torch.cat((x, y), axis)

    def flip(x: Any, *, axis: Any = None) -> Any:
        return torch.flip(x, tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis)

    def take(x: Any, i: Any, *, axis: Any = None) -> Any:
        flat, axis = (x.reshape(-1), 0) if axis is None else (x, axis % x.ndim)
        y = torch.index_select(flat, axis, i.reshape(-1) % flat.shape[axis])
        return y.reshape((*flat.shape[:axis], *i.shape, *flat.shape[axis + 1 :]))

    def repeat(x: Any, *, repeats: Any, axis: Any = None) -> Any:
        return torch.repeat_interleave(x, torch.tensor(repeats), axis)

    def segment_sum(x: Any, labels: Any, *, segments: int) -> Any:
        return torch.zeros((segments, *x.shape[1:]), dtype=x.dtype).index_add(0, labels, x)

    def sliced(x: Any, *, start: Any, stop: Any, step: int = 1, axis: int = 0) -> Any:
        return x[(slice(None),) * (axis % x.ndim) + (slice(start, stop, step),)]

    def pad(x: Any, *, widths: Any, value: float = 0.0) -> Any:
        return F.pad(x, [n for pair in reversed(widths) for n in pair], value=value)

    def transpose(x: Any, *, axes: Any = None) -> Any:
        return torch.permute(x, tuple(reversed(range(x.ndim))) if axes is None else axes)

    return {
        "concatenate": concatenate,
        "stack": lambda x, y, *, axis=0: torch.stack((x, y), axis),
        "flip": flip,
        "moveaxis": lambda x, *, source, destination: torch.moveaxis(x, source, destination),
        "swapaxes": lambda x, *, first, second: torch.swapaxes(x, first, second),
        "reshape": lambda x, *, shape, order="C": torch.reshape(x, shape),
        "roll": lambda x, *, shift, axis=None: torch.roll(x, shift, axis),
        "rot90": lambda x, *, turns=1, axes=(0, 1): torch.rot90(x, turns, axes),
        "tile": lambda x, *, reps: torch.tile(x, (reps,) if isinstance(reps, int) else reps),
        "repeat": repeat,
        "transpose": transpose,
        "diag": lambda x, *, k=0: torch.diag(x, k),
        "diagonal": lambda x, *, offset=0, first=0, second=1: torch.diagonal(x, offset, first, second),
        "trace": lambda x, *, offset=0, first=0, second=1: torch.diagonal(x, offset, first, second).sum(-1),
        "tril": lambda x, *, k=0: torch.tril(x, k),
        "triu": lambda x, *, k=0: torch.triu(x, k),
        "unfold": lambda x, *, size, step=1: x.unfold(-1, size, step),
        "pad_constant": pad,
        "take": take,
        "gather": lambda x, i, *, axis: torch.gather(x, axis, i % x.shape[axis]),
        "scatter": lambda x, i, v, *, axis: torch.scatter(x, axis, i % x.shape[axis], v),
        "scatter_add": lambda x, i, v: torch.index_add(x, 0, i % len(x), v),
        "segment_sum": segment_sum,
        "index_put": lambda x, r, c, v: torch.index_put(x, (r, c), v),
        "compress": lambda x, mask: x[mask],
        "slice": sliced,
        "pick": lambda x, i: torch.gather(x, -1, i[..., None] % x.shape[-1])[..., 0],
    }


def _linear_algebra(torch: Any) -> dict[str, Function]:
    def solve(a: Any, b: Any) -> Any:
        return torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)

    def triangular(
        a: Any, b: Any, *, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
    ) -> Any:
        t = a.mT if transposed else a
        column = b[..., None] if b.ndim == 1 else b
        x = torch.linalg.solve_triangular(t, column, upper=lower == transposed, unitriangular=unit_diagonal)
        return x[..., 0] if b.ndim == 1 else x

    def fft(function: Function) -> Function:
        def value(real: Any, imaginary: Any, *, norm: str = "backward") -> Any:
            z = torch.complex(real, imaginary)
            y = function(z, norm=norm) if z.numel() else z * 1  # MKL refuses what is empty
            return torch.stack((y.real, y.imag))

        return value

    def rfft(x: Any) -> Any:
        y = torch.fft.rfft(x)
        return torch.stack((y.real, y.imag))

    def tensordot(x: Any, y: Any, *, axes: Any) -> Any:
        return torch.tensordot(x, y, axes)

    def eigh(a: Any) -> Any:
        values, vectors = torch.linalg.eigh(a)
        return torch.cat((values[..., None, :], vectors * torch.sign(vectors[..., :1, :])), -2)

    def qr(a: Any) -> Any:
        q, r = torch.linalg.qr(a)
        signs = torch.sign(torch.diagonal(r, 0, -2, -1))
        return torch.cat((q * signs[..., None, :], r * signs[..., None]), -2)

    linalg = torch.linalg
    return {
        **{name: getattr(linalg, name) for name in ("inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv")},
        "expm": linalg.matrix_exp,
        "logabsdet": lambda a: linalg.slogdet(a).logabsdet,
        "matrix_power": lambda a, *, n: linalg.matrix_power(a, n),
        "solve": solve,
        "lstsq": lambda a, b: linalg.lstsq(a, b[..., None] if b.ndim == 1 else b).solution.reshape(
            *a.shape[:-2], a.shape[-1], *b.shape[1:]
        ),
        "triangular_solve": triangular,
        "cross": lambda x, y: linalg.cross(*torch.broadcast_tensors(x, y)),
        "vdot": lambda x, y: torch.dot(x.reshape(-1), y.reshape(-1)),
        "tensordot": tensordot,
        "eigh": eigh,
        "qr": qr,
        "einsum": lambda x, y, *, equation: torch.einsum(equation, x, y),
        "cosine_similarity": lambda x, y: torch.nn.functional.cosine_similarity(x, y, dim=-1),
        "fft": fft(torch.fft.fft),
        "ifft": fft(torch.fft.ifft),
        "fft2": fft(torch.fft.fft2),
        "rfft": rfft,
        "irfft": lambda real, imaginary, *, n: torch.fft.irfft(torch.complex(real, imaginary), n),
    }
