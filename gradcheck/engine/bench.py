"""The bench on which one call is put for the checks of its contract: fresh arguments, comparisons, allowances.

Values are compared within (8 + 6 sqrt(m)) u A + tiny, with A_i = sum_j |g_j J_ji| over m outputs: summation in another
order moves a sum of m terms by about sqrt(m) u A, and 8 roundings belong to the factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck import flat, trees
from gradcheck.claim import Kind
from gradcheck.records import Array, Finding, Observation, Point, Severity, count_entries
from gradcheck.subjects.callables import CAUGHT, Call

Gradients = tuple[Array | None, ...]


def wide(array: Array) -> Array:
    """The numbers in float64 or complex128."""
    return np.asarray(array).astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def copy(value: Any) -> Any:
    """A fresh, contiguous, writable copy of an array; anything else as it is."""
    return np.array(value, order="C") if isinstance(value, np.ndarray) else value


def copy_tree(value: Any) -> Any:
    """The same tree with fresh copies of its arrays; a tree without arrays is kept as it is."""
    found = [leaf for _, leaf in trees.leaves(value)]
    return (
        trees.rebuild(value, iter([copy(a) for a in found])) if any(isinstance(a, np.ndarray) for a in found) else value
    )


def changed(got: Array, expected: Array) -> Array:
    """Entries whose bits differ; NaN equals NaN whatever its payload."""
    if got.dtype.kind == "c" and expected.dtype.kind == "c":
        return changed(got.real, expected.real) | changed(got.imag, expected.imag)
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return np.ones(expected.shape, dtype=bool)
    if not trees.is_float(got):
        return np.asarray(got != expected)
    same = (got == expected) & (np.signbit(got) == np.signbit(expected))
    return np.asarray(~(same | (np.isnan(got) & np.isnan(expected))))


@dataclass(slots=True)
class Bench:
    """One point of one call: pristine arguments, the first answer, and what was found so far.

    ``given`` are the copies that the first call got, as it left them.  ``scale`` is the natural scale N of the judge, per packed
    coordinate, where it is known.  ``unstable``: equal calls give different
    answers, so that comparisons between calls would blame the wrong thing.
    """

    call: Call
    leaves: tuple[Any, ...]
    cotangents: tuple[Array, ...]
    single: bool
    magnitude: Array
    rng: Any
    thorough: bool
    gradients: Gradients = ()
    given: tuple[tuple[Any, ...], tuple[Array, ...], dict[str, Any]] = ((), (), {})
    found: list[Finding] = field(default_factory=list)
    unstable: bool = False
    movement: list[Array] | None = None
    scale: Array | None = None

    @property
    def names(self) -> str:
        """The differentiated leaves."""
        return ", ".join(self.call.paths[k] for k in self.call.active)

    def has(self, *codes: str) -> bool:
        """Whether one of these codes was found already."""
        return any(f.code in codes for f in self.found)

    def fresh(self, arrays: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """Fresh copies, of the pristine leaves if nothing else is named."""
        return tuple(copy(a) for a in (self.leaves if arrays is None else arrays))

    def ask(
        self,
        leaves: tuple[Any, ...] | None = None,
        cotangents: tuple[Array, ...] | None = None,
        *,
        raw: bool = False,
        bare: bool = False,
        kwargs: dict[str, Any] | None = None,
    ) -> Observation:
        """One vjp.  ``raw``: the returned arrays themselves, not copies; ``bare``: no forward before it."""
        call = replace(
            self.call, kwargs={k: copy_tree(v) for k, v in self.call.kwargs.items()} if kwargs is None else kwargs
        )
        if bare:
            call = replace(call, implementation=replace(call.implementation, stateful=False))
        seen = call.vjp(
            self.fresh(self.cotangents) if cotangents is None else cotangents,
            self.fresh() if leaves is None else leaves,
            self.single,
        )
        return (
            seen if raw else replace(seen, gradients=tuple(None if g is None else np.array(g) for g in seen.gradients))
        )

    def forward(self, leaves: tuple[Any, ...]) -> tuple[Array, ...] | None:
        """The forward's own arrays at these leaves; None if it raised (other checks judge that)."""
        call = replace(self.call, kwargs={k: copy_tree(v) for k, v in self.call.kwargs.items()})
        try:
            return call.forward(leaves)
        except CAUGHT:
            return None

    def elsewhere(self) -> tuple[tuple[Any, ...], tuple[Array, ...]]:
        """Another point and cotangent: entries moved by 3 to 6 percent, inside the domain."""
        leaves = list(self.fresh())
        for k in self.call.active:
            leaves[k] = self._moved(k)
        cotangents = tuple(
            (wide(g) * self.rng.choice((-1.0, 1.0), g.shape) * self.rng.uniform(1.03, 1.06, g.shape)).astype(g.dtype)
            for g in self.cotangents
        )
        return tuple(leaves), cotangents

    def _moved(self, k: int) -> Any:
        x = np.asarray(self.leaves[k])
        values, home = wide(x), self.call.domain.of(k)
        if home.kind in (Kind.SYMMETRIC, Kind.POSITIVE_DEFINITE):
            moved = 1.03 * values
        elif home.kind is Kind.SIMPLEX:
            moved = np.flip(values, -1) if x.ndim else values
        else:
            size = np.abs(values)
            size = np.where(size > 0, size, np.max(size, initial=0.0) or 1.0)  # zeros move, too, and upwards
            sign = np.where(values == 0, 1.0, self.rng.choice((-1.0, 1.0), x.shape))
            step = sign * size * self.rng.uniform(0.03, 0.06, x.shape)
            moved = values + step
            if x.dtype.kind != "c":
                moved = np.where((moved <= home.low) | (moved >= home.high), values - step, moved)
        return moved.astype(x.dtype) if isinstance(self.leaves[k], np.ndarray) else x.dtype.type(moved)

    def allowance(self, weight: float = 1.0) -> list[Array]:
        """Rounding allowed per entry of each gradient, where the terms are ``weight`` times those of the point."""
        active = [np.asarray(self.leaves[k]) for k in self.call.active]
        u = max(flat.roundoff(a.dtype) for a in (*active, *self.cotangents) if trees.is_float(a))
        m = count_entries(self.cotangents)
        largest = max((float(np.max(np.abs(wide(g)), initial=0.0)) for g in self.cotangents), default=0.0) or 1.0
        out = []
        for x, span, v in zip(active, flat.Layout.of(active).spans(), self.gradients, strict=False):
            A = np.asarray(self.magnitude[span], dtype=np.float64).reshape(*x.shape, -1 if x.size else 1).sum(-1)
            if v is not None:
                size = np.abs(wide(v))
                known = np.max(size, initial=0.0, where=np.isfinite(size))
                A = np.maximum(np.where(np.isfinite(A), A, known), np.where(np.isfinite(size), size, 0.0))
            # One subnormal is lost per term, and one per cotangent, which then passes through |J| <= about A / max|g|.
            tiny = (m + 1) * flat.least(x.dtype) * (1 + A / largest)
            out.append((8 + 6 * np.sqrt(m)) * u * A * weight + tiny)
        return out

    def cancelled(self, weight: float = 1.0) -> list[Array]:
        """8 u N per entry of each gradient: what the judge takes for terms that cancelled, and calls inaccurate at most.

        Where the derivative is small, or zero, for terms of the natural scale that cancel, the answer is their rounding
        and nothing else, and of that no law can be asked.
        """
        return [
            8 * flat.roundoff(np.asarray(self.leaves[k]).dtype) * weight * terms
            for k, terms in zip(self.call.active, self.natural(), strict=True)
        ]

    def natural(self) -> list[Array]:
        """N per entry of each gradient, the natural scale of the judge; zero where it is not known."""
        active = [np.asarray(self.leaves[k]) for k in self.call.active]
        layout = flat.Layout.of(active)
        scale = np.zeros(layout.total) if self.scale is None else np.asarray(self.scale)
        scale = np.where(np.isfinite(scale), scale, 0.0)
        return [
            scale[span].reshape(*x.shape, -1 if x.size else 1).sum(-1)
            for x, span in zip(active, layout.spans(), strict=True)
        ]

    def rounding(self) -> list[Array]:
        """How far the answer moves when inputs and cotangent are moved by an ulp: three times the most of four draws.

        An ill-conditioned but honest backward amplifies the rounding of another layout as it amplifies these; the cap
        sqrt(u) of its size keeps a wrong one from excusing itself.  Where its terms cancel their natural scale N is that size: the answer
        of layer_norm over one entry is rounding alone, of terms that are 1/sqrt(eps) as large.
        """
        if self.movement is None:
            most = [np.zeros(np.shape(g)) for g in self.allowance()]
            for _ in range(4):
                leaves = list(self.fresh())
                for k in self.call.active:
                    leaves[k] = self._nudged(leaves[k])
                seen = self.ask(tuple(leaves), tuple(self._nudged(g) for g in self.cotangents))
                for total, v, w in zip(most, self.gradients, seen.gradients, strict=False):
                    if v is not None and w is not None:
                        with np.errstate(all="ignore"):
                            np.fmax(total, np.abs(wide(w) - wide(v)), out=total)
            self.movement = []
            for total, v, k, terms in zip(most, self.gradients, self.call.active, self.natural(), strict=False):
                size = np.maximum(terms, np.abs(wide(v)) if v is not None else 0.0)
                cap = np.sqrt(flat.roundoff(np.asarray(self.leaves[k]).dtype)) * np.max(
                    size, initial=0.0, where=np.isfinite(size)
                )
                self.movement.append(np.minimum(3 * total, cap))
        return self.movement

    def _nudged(self, value: Any) -> Any:
        x = np.asarray(value)
        factor = 1 + 2 * flat.roundoff(x.dtype) * self.rng.choice((-1.0, 1.0), x.shape)
        moved = (wide(x) * factor).astype(x.dtype)
        return moved if isinstance(value, np.ndarray) else x.dtype.type(moved)

    def finding(self, code: str, argument: str, message: str, **more: Any) -> Finding:
        """A finding at this point; ``leaves``, ``cotangents`` and ``origin`` say where else it was made."""
        point = Point(
            inputs=more.pop("leaves", self.leaves),
            cotangents=more.pop("cotangents", self.cotangents),
            origin=more.pop("origin", "the given point"),
        )
        where = more.pop("where", "") or self.call.implementation.where
        severity = more.pop("severity", Severity.CONTRACT)
        return Finding(
            code=code, severity=severity, argument=argument, message=message, point=point, where=where, **more
        )

    def compare(
        self,
        code: str,
        message: str,
        got: Gradients,
        expected: Gradients,
        allowed: list[Array] | None = None,
        **more: Any,
    ) -> list[Finding]:
        """One finding per leaf whose gradients differ: in their bits, or by more than what is ``allowed``."""
        out = []
        for position, (a, b) in enumerate(zip(got, expected, strict=False)):
            if a is None or b is None:
                continue
            bad = changed(a, b) if allowed is None else _beyond(a, b, allowed[position])
            if allowed is not None and bad.any():
                weight = max(
                    1.0, float(np.max(np.abs(wide(b)), initial=0.0) / (_largest(self.gradients[position]) or 1.0))
                )
                bad = _beyond(a, b, allowed[position] + weight * self.rounding()[position])
            if not bad.any():
                continue
            first = np.unravel_index(int(np.argmax(bad)), bad.shape)
            index = tuple(int(i) for i in first)
            out.append(
                self.finding(
                    code,
                    self.call.paths[self.call.active[position]],
                    message,
                    index=index,
                    got=wide(a)[index].item(),
                    expected=wide(b)[index].item(),
                    bound=None if allowed is None else float(allowed[position][index]),
                    wrong_entries=int(bad.sum()),
                    entries=int(bad.size),
                    **more,
                )
            )
        return out


def _largest(v: Array | None) -> float:
    size = np.zeros(()) if v is None else np.abs(wide(v))
    return float(np.max(size, initial=0.0, where=np.isfinite(size)))


def _beyond(got: Array, expected: Array, allowed: Array) -> Array:
    a, b = wide(got), wide(expected)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= allowed
    return np.asarray(~(near | (a == b) | (np.isnan(a) & np.isnan(b))))
