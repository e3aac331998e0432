"""The whole Jacobian of a small case, entry by entry: what the vjp gives, what the truth is, and what the judge says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engine.certify import Certifier
from gradcheck.engine.forward import widen
from gradcheck.engine.judge import Judgement
from gradcheck.engine.looker import GLARING, Looker
from gradcheck.engine.pictures import unit_in_last_place
from gradcheck.flat import Layout
from gradcheck.oracles.ball import Enclosure
from gradcheck.records import Array, Jacobian, Local
from gradcheck.subjects.callables import CAUGHT, Call

ROWS, COLUMNS = 12, 16
"""Outputs and entries of the inputs at most: a table of more is not read, and each row costs a vjp and a truth."""


def jacobian_of(
    call: Call,
    definition: Callable[..., Any],
    leaves: Sequence[Any],
    origin: str,
    rng: np.random.Generator,
    *,
    failing: bool = False,
) -> Jacobian | None:
    """The Jacobian at these leaves, by one-hot cotangents; None where it is too large, complex or not along free coordinates.

    ``failing``: the gradient was found wrong at this point; then an entry that the judge leaves open is wrong, too, where the answer misses
    the estimate by far more than the estimate's bound and than rounding.
    """
    layout = Layout.of([leaves[k] for k in call.active])
    kinds = {np.asarray(leaves[k]).dtype.kind for k in call.active}
    if not 0 < layout.total <= COLUMNS or "c" in kinds:
        return None
    with np.errstate(all="ignore"):
        try:
            value = call.implementation.forward(*call.build([np.array(leaf) for leaf in leaves]), **call.kwargs)
        except CAUGHT:
            return None
        single = not isinstance(value, (tuple, list))
        outputs = tuple(np.asarray(part) for part in ((value,) if single else value))
        count = sum(part.size for part in outputs)
        if not 0 < count <= ROWS or any(part.dtype.kind == "c" for part in outputs):
            return None
        looker = Looker(
            call,
            definition,
            single,
            widen(call, definition),
            rng,
            certifier=Certifier.of(call, definition, single=single),
        )
        looks = [_row(looker, leaves, outputs, j, failing) for j in range(count)]
    if any(row is None for row in looks):
        return None
    got, expected, bounds, wrong, bits, errors = (
        np.stack(column) for column in zip(*(row[0] for row in looks if row), strict=True)
    )
    return Jacobian(
        rows=tuple(_names([f"y{n}" if len(outputs) > 1 else "y" for n in range(len(outputs))], outputs)),
        columns=tuple(_names([call.paths[k] for k in call.active], [np.asarray(leaves[k]) for k in call.active])),
        got=got,
        expected=expected,
        bounds=bounds,
        wrong=wrong,
        bits=bits,
        errors=errors,
        dtype=max(layout.dtypes, key=lambda dtype: -dtype.itemsize).name,
        origin=origin,
        method=", ".join(dict.fromkeys(row[1] for row in looks if row and row[1])),
    )


def _row(
    looker: Looker, leaves: Sequence[Any], outputs: tuple[Array, ...], j: int, failing: bool
) -> tuple[tuple[Array, ...], str] | None:
    """(got, expected, bounds, wrong, bits, errors in ulp) along the inputs for output j, and the oracle that estimated.

    None where nothing can be said.
    """
    hot = np.zeros(sum(part.size for part in outputs))
    hot[j] = 1.0
    starts = np.cumsum([part.size for part in outputs])[:-1]
    g = tuple(
        piece.reshape(part.shape).astype(part.dtype) for piece, part in zip(np.split(hot, starts), outputs, strict=True)
    )
    look = looker.at(leaves, "one-hot cotangents", whole=COLUMNS, probes=0, short=COLUMNS, g=g)
    if look is None or look.truth is None or look.judgement is None or look.basis is None:
        return None
    if look.basis.shape != (look.layout.total,) * 2 or not np.array_equal(look.basis, np.eye(look.layout.total)):
        return None  # on a constrained set entries do not move alone
    known = look.truth
    value, bound, bits = known.value.copy(), known.bound.copy(), np.zeros(known.value.size, np.int64)
    rest = np.zeros(value.size)
    enclosed = looker.certifier.at(leaves, g) if looker.certifier is not None else None
    if enclosed is not None:
        better = np.isfinite(enclosed.value) & (known.kind != Local.KINK)
        value, bound = np.where(better, enclosed.value, value), np.where(better, enclosed.bound, bound)
        bits = np.where(better, enclosed.bits, 0)
        rest = np.where(better, _rest(enclosed, g), 0.0)
    blank = np.isin(known.kind, (Local.OUTSIDE, Local.UNDECIDED)) & (bits == 0)
    value, bound = np.where(blank, np.nan, value), np.where(blank, np.inf, bound)
    wrong = look.judgement == Judgement.WRONG
    if failing:
        error = np.abs(look.answer - value)
        clear = error > 16 * bound + GLARING * (np.abs(value) + np.abs(look.answer))
        wrong |= (look.judgement == Judgement.INCONCLUSIVE) & clear
    off = np.abs(look.answer - value - rest)
    units = [unit_in_last_place(float(v), dtype) for v, dtype in zip(value, _per_entry(look.layout), strict=True)]
    return (look.answer.copy(), value, bound, wrong, bits, off / units), "" if np.all(bits > 0) else known.method


def _rest(enclosed: Enclosure, g: tuple[Array, ...]) -> Array:
    """What the midpoints have beyond the floats next to them, (n,)."""
    from gradcheck.numbers.truth import certified_gradient

    every = certified_gradient(enclosed.program, enclosed.inputs, [np.asarray(part, np.float64) for part in g])
    return np.concatenate([np.ravel(every[k].rest) for k in enclosed.active])


def _per_entry(layout: Layout) -> list[np.dtype[Any]]:
    """The type of each entry of the packed gradient."""
    return [dtype for dtype, size in zip(layout.dtypes, layout.sizes, strict=True) for _ in range(size)]


def _names(names: Sequence[str], arrays: Sequence[Array]) -> list[str]:
    """A name for each entry: ``W[0, 1]``, and ``x`` where there is but one."""
    return [
        f"{name}[{', '.join(map(str, index))}]" if index else name
        for name, array in zip(names, arrays, strict=True)
        for index in np.ndindex(array.shape)
    ]
