"""Wrong rules of the array operators of the catalogue: shapes, copies, parts of matrices, indices, order."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules import RULES as R
from tests.meta.catalogue_rules import lost_at_a_tie, lost_at_zero, lost_from_far, wrong_rules
from tests.meta.pairs import normal

CUBE = normal(1, 2, 2, 2)
SQUARE = normal(2, 3, 3)


def _edge_once(g: Any, x: Any, widths: Any) -> Any:
    """What stands outside is forgotten: the inner part alone."""
    return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))]


def _overwritten(g: Any, x: Any, indices: Any) -> Any:
    gradient = np.zeros_like(x)
    gradient[indices] = g
    return gradient


def _unfold_overwritten(g: Any, x: Any, size: int, step: int) -> Any:
    gradient = np.zeros_like(x)
    for k in range(g.shape[-2]):
        gradient[..., k * step : k * step + size] = g[..., k, :]
    return gradient


def _tied_maxima(g: Any, x: Any, labels: Any, segments: int) -> Any:
    """All of the largest entries get the whole cotangent."""
    return np.stack([g[i] * (row == np.max(x[labels == i], axis=0)) for row, i in zip(x, labels, strict=True)])


def _sort_of_values(g: Any, x: Any, **params: Any) -> Any:
    """The cotangents of equal entries land on the first of them alone."""
    ordered = np.sort(x)
    return np.where(np.searchsorted(ordered, x) < np.searchsorted(ordered, x, side="right") - 1, 0, R["sort"](g, x)[0])


SHAPING = (
    *wrong_rules(
        "reshape",
        (normal(3, 2, 3),),
        {"shape": (3, 2), "order": "F"},
        unseen="order_forgotten transposed lost_at_zero",
        order_forgotten=lambda g, x, shape, order: np.reshape(g, x.shape),
        transposed=lambda g, x, shape, order: g.T,
        lost_at_zero=lost_at_zero("reshape"),
    ),
    *wrong_rules(
        "transpose",
        (CUBE,),
        {"axes": (1, 2, 0)},
        unseen="same_permutation reversed_axes lost_from_far",
        same_permutation=lambda g, x, axes: np.transpose(g, axes),
        reversed_axes=lambda g, x, axes: np.transpose(g),
        lost_from_far=lost_from_far("transpose"),
    ),
    *wrong_rules(
        "swapaxes",
        (CUBE,),
        {"first": 0, "second": -1},
        unseen="not_swapped negative_axis_taken_for_the_second lost_at_zero",
        not_swapped=lambda g, x, first, second: g,
        negative_axis_taken_for_the_second=lambda g, x, first, second: np.swapaxes(g, first, 1),
        lost_at_zero=lost_at_zero("swapaxes"),
    ),
    *wrong_rules(
        "moveaxis",
        (CUBE,),
        {"source": 0, "destination": 2},
        unseen="same_way swapped",
        same_way=lambda g, x, source, destination: np.moveaxis(g, source, destination),
        swapped=lambda g, x, source, destination: np.swapaxes(g, source, destination),
    ),
    *wrong_rules(
        "flip",
        (CUBE,),
        {"axis": (0, 2)},
        unseen="all_axes first_axis_only lost_at_a_tie",
        all_axes=lambda g, x, axis: np.flip(g),
        first_axis_only=lambda g, x, axis: np.flip(g, axis[0]),
        lost_at_a_tie=lost_at_a_tie("flip"),
    ),
    *wrong_rules(
        "roll",
        (normal(4, 2, 3),),
        {"shift": 4, "axis": 1},
        unseen="same_direction flattened",
        same_direction=lambda g, x, shift, axis: np.roll(g, shift, axis),
        flattened=lambda g, x, shift, axis: np.roll(g, -shift),
    ),
    *wrong_rules(
        "rot90",
        (normal(5, 2, 2),),
        {"turns": 5},
        unseen="same_way half_turn",
        same_way=lambda g, x, turns: np.rot90(g, turns),
        half_turn=lambda g, x, turns: np.rot90(g, 2),
    ),
    *wrong_rules(
        "concatenate",
        (normal(6, 3), normal(7, 3)),
        unseen="parts_swapped both_from_the_front lost_at_zero_in_the_second",
        parts_swapped=lambda g, x, y: (g[3:], g[:3]),
        both_from_the_front=lambda g, x, y: (g[:3], g[:3]),
        lost_at_zero_in_the_second=lost_at_zero("concatenate", 1),
    ),
    *wrong_rules(
        "stack",
        (normal(8, 2), normal(9, 2)),
        {"axis": 1},
        unseen="along_the_first_axis both_first",
        along_the_first_axis=lambda g, x, y, axis: (g[0], g[1]),
        both_first=lambda g, x, y, axis: (g[:, 0], g[:, 0]),
    ),
    *wrong_rules(
        "pixel_shuffle",
        (normal(10, 1, 4, 1, 2),),
        {"factor": 2},
        unseen="channels_in_the_other_order only_reshaped",
        channels_in_the_other_order=lambda g, x, factor: np.reshape(
            np.transpose(np.reshape(g, (1, 1, 1, 2, 2, 2)), (0, 1, 5, 3, 2, 4)), x.shape
        ),
        only_reshaped=lambda g, x, factor: np.reshape(g, x.shape),
    ),
)

EXTENSION = (
    *wrong_rules(
        "pad_constant",
        (normal(11, 4),),
        {"widths": ((1, 2),), "value": 1.0},
        unseen="widths_swapped lost_at_the_value",
        widths_swapped=lambda g, x, widths, value: g[2:6],
        padding_added=lambda g, x, widths, value: g[1:5] + np.array([g[0], 0, 0, g[5]]),
        lost_at_the_value=lambda g, x, widths, value: np.where(x == value, 0, g[1:5]),
    ),
    *wrong_rules(
        "pad_edge",
        (normal(12, 3),),
        {"widths": ((1, 2),)},
        copies_forgotten=_edge_once,
        widths_swapped=lambda g, x, widths: R["pad_edge"](g, x, widths=((2, 1),)),
    ),
    *wrong_rules(
        "pad_reflect",
        (normal(13, 3),),
        {"widths": ((2, 1),)},
        copies_forgotten=_edge_once,
        edge_doubled=lambda g, x, widths: np.array([g[2] + g[1], g[3] + g[0] + g[5], g[4]]),
    ),
    *wrong_rules(
        "pad_wrap",
        (normal(14, 2),),
        {"widths": ((3, 2),)},
        copies_forgotten=_edge_once,
        one_period_alone=lambda g, x, widths: g[3:5] + g[1:3] + g[5:7],
    ),
    *wrong_rules(
        "repeat",
        (normal(15, 3),),
        {"repeats": (2, 0, 3)},
        first_copy_alone=lambda g, x, repeats: np.array([g[0], 0, g[2]]),
        mean_of_the_copies=lambda g, x, repeats: R["repeat"](g, x, repeats=repeats)[0] / np.maximum(repeats, 1),
    ),
    *wrong_rules(
        "tile",
        (normal(16, 3),),
        {"reps": 2},
        unseen="as_repeat lost_at_a_tie",
        as_repeat=lambda g, x, reps: np.sum(np.reshape(g, (3, 2)), axis=1),
        last_copy_alone=lambda g, x, reps: g[3:],
        lost_at_a_tie=lost_at_a_tie("tile"),
    ),
    *wrong_rules(
        "broadcast_to",
        (normal(17, 2, 1),),
        {"shape": (2, 2)},
        unseen="along_the_other_axis",
        along_the_other_axis=lambda g, x, shape: np.reshape(np.sum(g, axis=0), x.shape),
        mean=lambda g, x, shape: np.mean(g, axis=1, keepdims=True),
    ),
    *wrong_rules(
        "unfold",
        (normal(18, 6),),
        {"size": 3, "step": 2},
        overwritten=_unfold_overwritten,
        step_forgotten=lambda g, x, size, step: np.concatenate((R["unfold"](g, x[:4], size=3, step=1)[0], [0, 0])),
    ),
)

PARTS = (
    *wrong_rules(
        "triu",
        (SQUARE,),
        {"k": 1},
        unseen="by_the_values",
        diagonal_kept=lambda g, x, k: np.triu(g),
        lower_part=lambda g, x, k: np.tril(g, -k),
        by_the_values=lambda g, x, k: np.where(np.triu(x, k) != 0, g, 0),
    ),
    *wrong_rules(
        "tril",
        (SQUARE,),
        {"k": -1},
        unseen="by_the_values",
        diagonal_kept=lambda g, x, k: np.tril(g),
        everything=lambda g, x, k: g,
        by_the_values=lambda g, x, k: np.where(np.tril(x, k) != 0, g, 0),
    ),
    *wrong_rules(
        "diag",
        (normal(19, 3),),
        {"k": -1},
        unseen="other_side main_diagonal",
        other_side=lambda g, x, k: np.diagonal(g, 1).copy(),
        main_diagonal=lambda g, x, k: np.diagonal(g)[:3].copy(),
    ),
    *wrong_rules(
        "diagonal",
        (SQUARE,),
        {"offset": 1},
        other_side=lambda g, x, offset: np.diag(g, -1),
        everything=lambda g, x, offset: np.diag(g, 1) + np.diag(g, -1),
    ),
    *wrong_rules(
        "trace",
        (SQUARE,),
        {"offset": -1},
        main_diagonal=lambda g, x, offset: g * np.eye(3),
        everywhere=lambda g, x, offset: g * np.ones((3, 3)),
        other_side=lambda g, x, offset: g * np.eye(3, k=1),
    ),
)

TWICE = np.array([0, 2, 2, 1, 2])

INDEXING = (
    *wrong_rules(
        "slice",
        (normal(20, 6),),
        {"start": None, "stop": None, "step": -2},
        unseen="forwards",
        forwards=lambda g, x, start, stop, step: np.array([0, g[0], 0, g[1], 0, g[2]]),
        step_from_the_front=lambda g, x, start, stop, step: np.array([g[2], 0, g[1], 0, g[0], 0]),
    ),
    *wrong_rules(
        "gather",
        (normal(21, 2, 3), np.array([[2, 2, 0], [1, -1, 2]])),
        {"axis": 1},
        overwritten=lambda g, x, i, axis: np.stack([_overwritten(a, b, j) for a, b, j in zip(g, x, i, strict=True)]),
        negative_index_lost=lambda g, x, i, axis: R["gather"](np.where(i < 0, 0, g), x, i, axis=axis),
    ),
    *wrong_rules(
        "scatter",
        (normal(22, 2, 3), np.array([[2, 0], [1, 2]]), normal(23, 2, 2)),
        {"axis": 1},
        unseen="values_in_order lost_at_zero",
        replaced_kept=lambda g, x, i, v, axis: (g, R["scatter"](g, x, i, v, axis=axis)[1]),
        values_in_order=lambda g, x, i, v, axis: (R["scatter"](g, x, i, v, axis=axis)[0], g[:, :2]),
        lost_at_zero=lost_at_zero("scatter", 1),
    ),
    *wrong_rules(
        "scatter_add",
        (normal(24, 4), TWICE, normal(25, 5)),
        first_of_the_duplicates=lambda g, x, i, v: (g, np.array([g[0], g[2], 0, g[1], 0])),
        touched_get_nothing=lambda g, x, i, v: (np.where(np.isin(np.arange(4), i), 0, g), g[i]),
    ),
    *wrong_rules(
        "index_put",
        (normal(26, 3, 3), np.array([0, 1, 2]), np.array([2, 0, 1]), normal(27, 3)),
        rows_and_columns_swapped=lambda g, x, r, c, v: R["index_put"](g, x, c, r, v),
        replaced_kept=lambda g, x, r, c, v: (g, g[r, c]),
        whole_rows=lambda g, x, r, c, v: (0 * g, g[r, c]),
    ),
    *wrong_rules(
        "embedding",
        (normal(28, 3, 2), np.array([1, 0, 1, 2])),
        {"padding_index": 0},
        padding_row_too=lambda g, w, i, padding_index: R["embedding"](g, w, i),
        overwritten=lambda g, w, i, padding_index: np.array([[0, 0], g[2], g[3]]),
        mean_of_the_uses=lambda g, w, i, padding_index: np.array([[0, 0], (g[0] + g[2]) / 2, g[3]]),
    ),
    *wrong_rules(
        "masked_fill",
        (normal(29, 2, 3), np.array([True, False, False])),
        {"value": 1.0},
        unseen="mask_from_the_values",
        mask_turned=lambda g, x, mask, value: np.where(mask, g, 0),
        mask_from_the_values=lambda g, x, mask, value: np.where(np.where(mask, value, x) == value, 0, g),
    ),
    *wrong_rules(
        "compress",
        (normal(30, 4), np.array([True, False, True, True])),
        unseen="in_reverse lost_at_zero",
        at_the_front=lambda g, x, mask: np.concatenate((g, [0.0])),
        in_reverse=lambda g, x, mask: np.array([g[2], 0, g[1], g[0]]),
        lost_at_zero=lost_at_zero("compress"),
    ),
    *wrong_rules(
        "pick",
        (normal(31, 3, 3), np.array([0, 2, -1])),
        row_of_the_label=lambda g, x, labels: R["pick"](g, x, labels)[0].T,
        negative_label_lost=lambda g, x, labels: R["pick"](np.where(labels < 0, 0, g), x, labels),
    ),
)

SORTING = (
    *wrong_rules(
        "sort",
        (normal(32, 5),),
        unseen="permutation_not_inverted not_permuted ties_on_the_last_alone",
        permutation_not_inverted=lambda g, x: g[np.argsort(x)],
        not_permuted=lambda g, x: g,
        ties_on_the_last_alone=_sort_of_values,
    ),
    *wrong_rules(
        "topk",
        (normal(33, 5),),
        {"k": 2},
        unseen="smallest_first all_that_reach_the_least twice_at_a_tie",
        smallest_first=lambda g, x, k: R["topk"](g[::-1], x, k=k),
        all_that_reach_the_least=lambda g, x, k: np.where(x >= np.sort(x)[-k], np.max(g) + 0 * x, 0),
        twice_at_a_tie=lambda g, x, k: np.sum(g[:, None] * (x == np.sort(x)[:-3:-1, None]), axis=0),
    ),
    *wrong_rules(
        "segment_sum",
        (normal(34, 5), TWICE),
        {"segments": 3},
        unseen="in_order_of_the_rows",
        mean=lambda g, x, labels, segments: R["segment_mean"](g, x, labels, segments=segments),
        in_order_of_the_rows=lambda g, x, labels, segments: g[np.sort(labels)],
    ),
    *wrong_rules(
        "segment_mean",
        (normal(35, 5), TWICE),
        {"segments": 3},
        unseen="zeros_do_not_count",
        sum=lambda g, x, labels, segments: g[labels],
        over_all_rows=lambda g, x, labels, segments: g[labels] / 5,
        zeros_do_not_count=lost_at_zero("segment_mean"),
    ),
    *wrong_rules(
        "segment_max",
        (normal(36, 5), TWICE),
        {"segments": 3},
        unseen="whole_cotangent_to_each_at_a_tie",
        whole_cotangent_to_each_at_a_tie=_tied_maxima,
        only_positive_maxima=lambda g, x, labels, segments: np.where(
            x > 0, R["segment_max"](g, x, labels, segments=segments)[0], 0
        ),
    ),
)

CASES = (*SHAPING, *EXTENSION, *PARTS, *INDEXING, *SORTING)
