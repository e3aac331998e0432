"""Wrong rules of the catalogue's layers: normalisation, convolution, pooling, recurrence, attention, resampling, Fourier."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules import RULES as R
from tests.meta.catalogue_rules import lost_at_zero, lost_from_far, wrong_rules
from tests.meta.pairs import normal


def _first(name: str, edit: Any) -> Any:
    """The rule with its first gradient replaced by ``edit(g, *inputs, **params)``."""
    return lambda g, *inputs, **params: (edit(g, *inputs, **params), *R[name](g, *inputs, **params)[1:])


def _part(name: str, k: int, edit: Any) -> Any:
    """The rule with ``edit`` applied to gradient number k."""

    def rule(g: Any, *inputs: Any, **params: Any) -> Any:
        gradients = list(R[name](g, *inputs, **params))
        gradients[k] = edit(gradients[k])
        return tuple(gradients)

    return rule


def _lrn_unmirrored(g: Any, x: Any, size: int, alpha: float, beta: float, bias: float) -> Any:
    """The window that a channel sees taken for the one from which it is seen: they differ for an even size."""
    before, after = (size - 1) // 2, size // 2
    squares = np.pad(x * x, ((0, 0), (before, after)))
    d = bias + alpha * sum(squares[:, i : i + x.shape[1]] for i in range(size))
    weights = np.pad(g * x / d ** (beta + 1), ((0, 0), (before, after)))
    return g / d**beta - 2 * alpha * beta * x * sum(weights[:, i : i + x.shape[1]] for i in range(size))


def _all_largest(g: Any, x: Any, size: Any) -> Any:
    gradient = np.zeros_like(x)
    for k in range(g.shape[0]):
        for m in range(g.shape[1]):
            window = x[k : k + size[0], m : m + size[1]]
            gradient[k : k + size[0], m : m + size[1]] += g[k, m] * (window == window.max())
    return gradient


def _rnn_truncated(g: Any, x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    """Through one step of time alone."""
    states = [h]
    for seen in x:
        states.append(np.tanh(seen @ w.T + states[-1] @ u.T + b))
    parts = [R["rnn_cell"](g[t], x[t], states[t], w, u, b) for t in range(len(x))]
    return np.stack([p[0] for p in parts]), parts[0][1], *(sum(p[k] for p in parts) for k in (2, 3, 4))


def _interp_outside(g: Any, x: Any, v: Any, knots: Any) -> Any:
    """The slope of the last piece continued beyond the ends."""
    at = np.array(knots)
    left = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
    return g * (v[left + 1] - v[left]) / (at[left + 1] - at[left]), R["interp"](g, x, v, knots=knots)[1]


def _attention_unmasked(g: Any, q: Any, k: Any, v: Any, mask: Any) -> Any:
    return R["attention"](g, q, k, v, np.ones_like(mask))


X, ROW = normal(1, 2, 4), normal(2, 4)
PER_CHANNEL = (normal(3, 2, 2, 3), normal(4, 2), normal(5, 2))

NORMALISATION = (
    *wrong_rules(
        "batch_norm_inference",
        (*PER_CHANNEL, normal(6, 2), np.array([0.5, 2.0])),
        as_in_training=lambda g, x, s, b, m, v: (
            R["batch_norm"](g, x, s, b)[0],
            *R["batch_norm_inference"](g, x, s, b, m, v)[1:],
        ),
        variance_constant=_part("batch_norm_inference", 4, lambda part: 0 * part),
        sign_of_the_mean=_part("batch_norm_inference", 3, lambda part: -part),
    ),
    *wrong_rules(
        "group_norm",
        (normal(7, 2, 4, 2), normal(8, 4), normal(9, 4)),
        {"groups": 2},
        channels_by_themselves=_first("group_norm", lambda g, x, s, b, groups: R["instance_norm"](g, x, s, b)[0]),
        all_channels_together=_first("group_norm", lambda g, x, s, b, groups: R["group_norm"](g, x, s, b, groups=1)[0]),
    ),
    *wrong_rules(
        "instance_norm",
        PER_CHANNEL,
        unseen="over_the_batch",
        over_the_batch=_first("instance_norm", lambda g, x, s, b: R["batch_norm"](g, x, s, b)[0]),
        statistics_constant=_first(
            "instance_norm", lambda g, x, s, b: g * s[:, None] / np.sqrt(x.var(axis=2, keepdims=True) + 1e-5)
        ),
    ),
    *wrong_rules(
        "rms_norm",
        (X, ROW),
        unseen="epsilon_forgotten",
        mean_taken_out=_first("rms_norm", lambda g, x, s: R["layer_norm"](g, x, s, s)[0]),
        root_constant=_first("rms_norm", lambda g, x, s: g * s / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6)),
        epsilon_forgotten=_first("rms_norm", lambda g, x, s: R["rms_norm"](g, x, s, epsilon=0.0)[0]),
    ),
    *wrong_rules(
        "l2_normalise",
        (X,),
        {"epsilon": 0.5},
        unseen="epsilon_never_divides",
        length_constant=lambda g, x, epsilon: g / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), epsilon),
        epsilon_never_divides=lambda g, x, epsilon: R["l2_normalise"](g, x, epsilon=1e-300),
        all_rows_together=lambda g, x, epsilon: R["l2_normalise"](g.reshape(-1), x.reshape(-1), epsilon=epsilon)[
            0
        ].reshape(x.shape),
    ),
    *wrong_rules(
        "local_response_norm",
        (normal(10, 2, 4),),
        {"size": 2, "alpha": 1.0, "beta": 0.75, "bias": 1.0},
        window_not_turned=_lrn_unmirrored,
        exponent_forgotten=lambda g, x, **p: R["local_response_norm"](g, x, **(p | {"beta": 1.0})),
    ),
    *wrong_rules(
        "weight_norm",
        (normal(11, 2, 3), normal(12, 2)),
        length_constant=_first(
            "weight_norm", lambda g, v, gain: gain[:, None] * g / np.linalg.norm(v, axis=-1)[:, None]
        ),
        gain_forgotten=_first("weight_norm", lambda g, v, gain: R["weight_norm"](g, v, np.ones(2))[0]),
    ),
)

SIGNAL, KERNEL = normal(13, 1, 2, 5), normal(14, 2, 2, 2)

CONVOLUTION = (
    *wrong_rules(
        "conv1d",
        (SIGNAL, KERNEL),
        {"dilation": 2},
        kernel_not_turned=_first("conv1d", lambda g, x, k, dilation: R["conv1d"](g, x, k[..., ::-1], dilation=2)[0]),
        dilation_forgotten=_first(
            "conv1d", lambda g, x, k, dilation: np.pad(R["conv1d"](g, x[..., :4], k)[0], ((0, 0), (0, 0), (0, 1)))
        ),
    ),
    *wrong_rules(
        "grouped_conv2d",
        (normal(15, 1, 2, 3, 3), normal(16, 2, 1, 2, 2)),
        {"groups": 2},
        unseen="groups_exchanged",
        groups_exchanged=lambda g, x, k, groups: R["grouped_conv2d"](g[:, ::-1], x, k, groups=2),
        kernel_turned_by_half=_part("grouped_conv2d", 1, lambda part: part[..., ::-1, ::-1]),
    ),
    *wrong_rules(
        "conv3d",
        (normal(17, 1, 1, 2, 2, 2), normal(18, 1, 1, 1, 2, 2)),
        axes_exchanged=_part("conv3d", 1, lambda part: np.swapaxes(part, -1, -2)),
        last_place_alone=_part("conv3d", 1, lambda part: part * (np.arange(2) == 1)),
    ),
    *wrong_rules(
        "conv_transpose1d",
        (normal(19, 1, 2, 3), normal(20, 2, 2, 2)),
        {"stride": 2, "padding": 1},
        channels_exchanged=_part("conv_transpose1d", 1, lambda part: np.swapaxes(part, 0, 1)),
        kernel_turned=_part("conv_transpose1d", 1, lambda part: part[..., ::-1]),
        input_turned=_part("conv_transpose1d", 0, lambda part: part[..., ::-1]),
    ),
    *wrong_rules(
        "conv_transpose2d",
        (normal(21, 1, 1, 2, 2), normal(22, 1, 1, 2, 2)),
        {"stride": (2, 1)},
        unseen="axes_exchanged kernel_turned",
        axes_exchanged=_part("conv_transpose2d", 0, lambda part: np.swapaxes(part, -1, -2)),
        kernel_turned=_part("conv_transpose2d", 1, lambda part: part[..., ::-1]),
    ),
    *wrong_rules(
        "convolve",
        (normal(23, 4), normal(24, 3)),
        {"mode": "same"},
        unseen="shifted_by_one lost_at_zero",
        as_correlation=lambda g, x, y, mode: (
            R["convolve"](g, x, y[::-1], mode=mode)[0],
            R["convolve"](g, x[::-1], y, mode=mode)[1],
        ),
        shifted_by_one=lambda g, x, y, mode: R["convolve"](np.roll(g, 1), x, y, mode=mode),
        lost_at_zero=lost_at_zero("convolve", 1),
    ),
)

POOLING = (
    *wrong_rules(
        "max_pool2d",
        (normal(25, 3, 3),),
        {"size": (2, 2)},
        unseen="each_of_the_largest",
        each_of_the_largest=_all_largest,
        windows_overwrite=lambda g, x, size: np.where(R["max_pool2d"](g, x, size=size)[0] != 0, g.max(), 0),
    ),
    *wrong_rules(
        "avg_pool1d",
        (normal(26, 5),),
        {"size": 3, "padding": 1},
        padding_not_counted=lambda g, x, size, padding: R["avg_pool1d"](
            g * np.array([1.5, 1, 1, 1, 1.5]), x, size=3, padding=1
        ),
        sum=lambda g, x, size, padding: 3 * R["avg_pool1d"](g, x, size=3, padding=1)[0],
    ),
    *wrong_rules(
        "adaptive_avg_pool1d",
        (normal(27, 5),),
        {"size": 3},
        windows_of_equal_size=lambda g, x, size: np.array([g[0] / 2, g[0] / 2, g[1] / 2, g[1] / 2, g[2]]),
        divided_by_the_length=lambda g, x, size: R["adaptive_avg_pool1d"](g * np.array([2, 3, 2]) * 3 / 5, x, size=3),
    ),
    *wrong_rules(
        "adaptive_avg_pool2d",
        (normal(28, 3, 3),),
        {"size": (2, 3)},
        unseen="rows_reversed",
        sizes_exchanged=lambda g, x, size: R["adaptive_avg_pool2d"](g.T, x, size=(3, 2)),
        rows_reversed=lambda g, x, size: R["adaptive_avg_pool2d"](g[::-1], x, size=size),
    ),
    *wrong_rules(
        "adaptive_max_pool1d",
        (normal(29, 5),),
        {"size": 3},
        only_positive_maxima=lambda g, x, size: np.where(x > 0, R["adaptive_max_pool1d"](g, x, size=3)[0], 0),
        mean=lambda g, x, size: R["adaptive_avg_pool1d"](g, x, size=3),
    ),
    *wrong_rules(
        "lp_pool1d",
        (np.abs(normal(30, 5)) + 0.1,),
        {"p": 3.0, "size": 2, "stride": 2},
        unseen="lost_from_far",
        exponent_of_the_square=lambda g, x, p, size, stride: R["lp_pool1d"](g, x, p=2.0, size=2, stride=2),
        factor_p=lambda g, x, p, size, stride: p * R["lp_pool1d"](g, x, p=p, size=2, stride=2)[0],
        lost_from_far=lost_from_far("lp_pool1d"),
    ),
)

CELL = (normal(31, 2, 2), normal(32, 2, 2), normal(33, 2, 2), normal(34, 2, 2), normal(35, 2))
LSTM = (normal(36, 2, 2), normal(37, 2, 1), normal(38, 2, 1), normal(39, 4, 2), normal(40, 4, 1), normal(41, 4))
GRU = (normal(42, 2, 2), normal(43, 2, 1), normal(44, 3, 2), normal(45, 3, 1), normal(46, 3), normal(47, 3))

RECURRENT = (
    *wrong_rules(
        "rnn_cell",
        CELL,
        unseen="clipped",
        recurrent_transposed=_part("rnn_cell", 3, lambda part: part.T),
        slope_forgotten=lambda g, x, h, w, u, b: (g @ w, g @ u, g.T @ x, g.T @ h, g.sum(axis=0)),
        clipped=lambda g, *inputs: tuple(np.clip(part, -5, 5) for part in R["rnn_cell"](g, *inputs)),
    ),
    *wrong_rules(
        "rnn",
        (normal(48, 3, 1, 2), normal(49, 1, 2), normal(50, 2, 2), normal(51, 2, 2), normal(52, 2)),
        truncated=_rnn_truncated,
        order_of_time=_part("rnn", 0, lambda part: part[::-1]),
    ),
    *wrong_rules(
        "lstm_cell",
        LSTM,
        output_gate_alone=_part("lstm_cell", 3, lambda part: part * np.array([[0], [0], [0], [1]])),
        memory_gets_all=_part("lstm_cell", 2, lambda part: 2 * part),
        gates_in_another_order=_part("lstm_cell", 5, lambda part: part[[1, 0, 2, 3]]),
    ),
    *wrong_rules(
        "gru_cell",
        GRU,
        kept_state_forgotten=lambda g, x, h, w, u, b, c: (
            R["gru_cell"](g, x, h, w, u, b, c)[0],
            R["gru_cell"](g, x, h, w, u, b, c)[1] - g / (1 + np.exp(-(x @ w[1] + h @ u[1] + b[1] + c[1])))[:, None],
            *R["gru_cell"](g, x, h, w, u, b, c)[2:],
        ),
        inner_bias_as_the_outer=lambda g, *inputs: (*R["gru_cell"](g, *inputs)[:5], R["gru_cell"](g, *inputs)[4]),
    ),
)

MASK = np.tri(3, dtype=bool)

ATTENTION = (
    *wrong_rules(
        "attention",
        (normal(53, 3, 2), normal(54, 3, 2), normal(55, 3, 2), MASK),
        mask_forgotten=_attention_unmasked,
        scale_forgotten=_part("attention", 1, lambda part: part * np.sqrt(2)),
        keys_and_queries_exchanged=lambda g, q, k, v, mask: (
            *R["attention"](g, q, k, v, mask)[1::-1],
            R["attention"](g, q, k, v, mask)[2],
        ),
    ),
    *wrong_rules(
        "multi_head_attention",
        (normal(56, 2, 2), *(normal(57 + k, 2, 2) for k in range(4))),
        {"heads": 2},
        one_head=lambda g, *inputs, heads: R["multi_head_attention"](g, *inputs, heads=1),
        output_transposed=_part("multi_head_attention", 4, lambda part: part.T),
        values_alone=lambda g, x, wq, wk, wv, wo, heads: (
            R["multi_head_attention"](g, x, 0 * wq, 0 * wk, wv, wo, heads=2)[0],
            *R["multi_head_attention"](g, x, wq, wk, wv, wo, heads=2)[1:],
        ),
    ),
    *wrong_rules(
        "rotary_embedding",
        (normal(61, 3, 4),),
        mirrored=lambda g, x: R["rotary_embedding"](g, x, offset=0)[0] * np.array([1, -1, 1, -1]),
        not_turned=lambda g, x: g,
        base_forgotten=lambda g, x: R["rotary_embedding"](g, x, base=1.0),
    ),
)

RESAMPLING = (
    *wrong_rules(
        "upsample_nearest2d",
        (normal(62, 2, 2),),
        {"size": (3, 3)},
        ceiling=lambda g, x, size: R["upsample_nearest2d"](g[::-1, ::-1], x[::-1, ::-1], size=size)[0][::-1, ::-1],
        one_copy=lambda g, x, size: g[::2, ::2],
    ),
    *wrong_rules(
        "upsample_linear1d",
        (normal(63, 3),),
        {"size": 5, "align_corners": True},
        corners_not_aligned=lambda g, x, size, align_corners: R["upsample_linear1d"](g, x, size=5),
        nearest=lambda g, x, size, align_corners: np.array([g[0] + g[1], g[2] + g[3], g[4]]),
    ),
    *wrong_rules(
        "upsample_bilinear2d",
        (normal(64, 2, 2),),
        {"size": (4, 3)},
        unseen="corners_aligned transposed",
        corners_aligned=lambda g, x, size: R["upsample_bilinear2d"](g, x, size=size, align_corners=True),
        transposed=lambda g, x, size: R["upsample_bilinear2d"](g, x, size=size)[0].T,
    ),
    *wrong_rules(
        "interp",
        (normal(65, 3), normal(66, 3)),
        {"knots": (-2.0, 0.0, 3.0)},
        unseen="continued_beyond_the_ends",
        continued_beyond_the_ends=_interp_outside,
        width_forgotten=_first("interp", lambda g, x, v, knots: R["interp"](g, x, v, knots=(-1.0, 0.0, 1.0))[0]),
        duplicates_overwritten=_part("interp", 1, lambda part: np.sign(part)),
    ),
    *wrong_rules(
        "grid_sample",
        (normal(67, 1, 3, 3), np.array([[0.3, 1.6], [1.2, 0.7]])),
        unseen="lost_far_from_the_image",
        rows_and_columns_exchanged=_part("grid_sample", 1, lambda part: part[:, ::-1]),
        nearest_pixel=_part("grid_sample", 0, lambda part: np.where(np.abs(part) < np.max(np.abs(part)), 0, part)),
        lost_far_from_the_image=_part("grid_sample", 1, lambda part: np.clip(part, -3, 3)),
    ),
)

WAVE = (normal(68, 4), normal(69, 4))

FOURIER = (
    *wrong_rules(
        "fft",
        WAVE,
        {"norm": "ortho"},
        not_conjugated=lambda g, a, b, norm: R["fft"](g * np.array([[1], [-1]]), a, b, norm=norm),
        unscaled=lambda g, a, b, norm: R["fft"](g, a, b),
    ),
    *wrong_rules(
        "ifft",
        WAVE,
        sign_of_the_imaginary=lambda g, a, b: (R["ifft"](g, a, b)[0], -R["ifft"](g, a, b)[1]),
        without_the_length=lambda g, a, b: tuple(4 * part for part in R["ifft"](g, a, b)),
    ),
    *wrong_rules(
        "rfft",
        (normal(70, 5),),
        as_the_inverse=lambda g, x: 5 * np.fft.irfft(g[0] + 1j * g[1], 5),
        conjugate=lambda g, x: R["rfft"](g * np.array([[1], [-1]]), x),
    ),
    *wrong_rules(
        "irfft",
        (normal(71, 3), normal(72, 3)),
        {"n": 4},
        unseen="conjugates_forgotten last_term_twice",
        conjugates_forgotten=lambda g, a, b, n: (np.fft.rfft(g).real / 4, np.fft.rfft(g).imag / 4),
        last_term_twice=lambda g, a, b, n: (
            R["irfft"](g, a, b, n=n)[0] * np.array([1, 1, 2]),
            R["irfft"](g, a, b, n=n)[1],
        ),
    ),
    *wrong_rules(
        "fft2",
        (normal(73, 2, 3), normal(74, 2, 3)),
        last_axis_alone=lambda g, a, b: R["fft"](g, a, b),
        inverse_scaled=lambda g, a, b: tuple(part / 6 for part in R["fft2"](g, a, b)),
    ),
    *wrong_rules(
        "dct",
        (normal(75, 4),),
        unseen="lost_from_far",
        first_term_once=lambda g, x: R["dct"](g, x)[0] - g[:1],
        own_adjoint=lambda g, x: np.array([R["dct"](e, x)[0] @ g for e in np.eye(4)]),
        lost_from_far=lost_from_far("dct"),
    ),
)

CASES = (*NORMALISATION, *CONVOLUTION, *POOLING, *RECURRENT, *ATTENTION, *RESAMPLING, *FOURIER)
