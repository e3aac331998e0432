"""The order in which special points are proposed: which edit, of which arguments, when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from gradcheck import trees
from gradcheck.claim import Kind
from gradcheck.flat import least
from gradcheck.records import Array
from gradcheck.strategies import edits, sets
from gradcheck.strategies.edits import Edit
from gradcheck.subjects.callables import Call

COUNTS = {"quick": 4, "default": 60, "thorough": 300}
"""Points per profile."""

Made = tuple[str, dict[int, Array]]
Item = Callable[[], Made | None]


class Plan:
    """The order in which points are proposed."""

    def __init__(self, call: Call, rng: np.random.Generator, special: Sequence[float]) -> None:
        self.call, self.rng = call, rng
        self.special = [float(s) for s in special if math.isfinite(s)]
        self.numbers = [
            k
            for k in call.active
            if np.size(call.leaves[k]) and trees.is_float(call.leaves[k]) and call.domain.of(k).kind is not Kind.FIXED
        ]
        self.structured = [k for k in self.numbers if call.domain.of(k).kind in sets.STRUCTURED]
        self.free = [k for k in self.numbers if k not in self.structured]
        self.given = {k: sets.wide(call.leaves[k]).reshape(-1) for k in self.numbers}
        self.decks = {k: edits.Deck(rng) for k in self.free}
        alone = [(k,) for k in self.free]
        self.targets = [tuple(self.free), *alone] if len(alone) > 1 else alone

    def items(self, count: int) -> Iterator[Item]:
        """Proposals without end: the quick ones, the planned families interleaved evenly, then random ones."""
        yield from self._first()
        room = count - COUNTS["quick"]
        if room > 0 and self.free:
            yield from self._interleaved(room)
        while True:
            yield partial(self.redraw, edits.around, "re-drawn around the given values")
            yield partial(self.redraw, edits.normal, "a normal draw")
            for target in self.targets:
                yield partial(self.sweep, target)

    def _first(self) -> list[Item]:
        every = tuple(self.free)
        sign = float(self.rng.choice([-1.0, 1.0]))
        large = "magnitudes up to 800 in both signs"
        return [
            # Both at once: a short run has no room for each.
            partial(self.redraw, edits.around_with_zero, "re-drawn around the given values, with one zero"),
            lambda: self.edit(every, large, edits.band(0.5, 2.9, sign)),
            lambda: self.edit(every, "a tie", dict(edits.KINDS)["a tie"]),
            lambda: self.edit(every, large, edits.band(0.5, 2.9, -sign)),
            partial(self.redraw, edits.around, "re-drawn around the given values"),
            lambda: self.edit(every, "one zero", edits.put(0.0)),
            lambda: self.edit(every, "permuted, signs flipped", lambda v, rng: -rng.permutation(v)),
            lambda: self.edit(every, "all zeros", edits.put(0.0, None)),
        ]

    def _interleaved(self, room: int) -> list[Item]:
        """Each family spread evenly over the run, so that a run cut short has seen some of each."""
        smallest = min(self.given[k].size for k in self.free)
        whole = math.ceil(edits.CELLS / smallest)  # so many sweeps of all arguments at once visit every stratum of each
        alone = sum(math.ceil(edits.CELLS / self.given[k].size) for k in self.free) if len(self.targets) > 1 else 0
        sweeps: list[Item] = [lambda: self.sweep(self.targets[0]) for _ in range(whole)]
        for target in self.targets[1:]:
            n = math.ceil(edits.CELLS / self.given[target[0]].size)
            sweeps += [partial(self.sweep, target) for _ in range(n)]
        swept = sweeps[: max(whole, min(whole + alone, room // 3))]
        others = room - len(swept)
        pointed = self._pointed()[: max(others // 4, min(2 * len(self.special), others // 2))]
        extremes = self._extremes()[: (others - len(pointed)) * 2 // 5]
        kinds = self._kinds()[: others - len(pointed) - len(extremes)]
        placed = [((i + 0.5) / len(f), item) for f in (kinds, swept, extremes, pointed) for i, item in enumerate(f)]
        return [item for _, item in sorted(placed, key=lambda pair: pair[0])]

    def _kinds(self) -> list[Item]:
        """Every kind at every target; the target changes from one to the next: an early stop has seen all kinds."""
        made: list[Item] = []
        count = len(self.targets)
        pairs = self._pairs()
        for turn in range(count):
            for number, (name, edit) in enumerate(edits.KINDS):
                target = self.targets[(number + turn) % count]
                made.append(partial(self.edit, target, name, edit))
            made[1:1] = pairs if turn == 0 else []
        # Matrices have special forms of their own; they come among the first of the kinds.
        for place, item in enumerate(self._matrices()):
            made.insert(2 + 3 * place, item)
        for low in (2.0, -4.0, 1.0, 3.5, -8.0, -2.0, 0.0, -6.0):
            name = f"every magnitude from 1e{low:g} to 1e{low + 0.5:g}"
            made += [partial(self.edit, t, name, edits.band(low, low + 0.5)) for t in self.targets]
        return made

    def _matrices(self) -> list[Item]:
        """Special forms of the leaves with two axes: every form at some leaf, then at the others."""
        leaves = [k for k in self.free if np.ndim(self.call.leaves[k]) >= 2]
        made: list[Item] = []
        for turn in range(len(leaves)):
            for number, (name, edit) in enumerate(edits.MATRICES):
                k = leaves[(number + turn) % len(leaves)]
                made.append(partial(self.edit, (k,), name, edit(np.shape(self.call.leaves[k]))))
        return made[:10]  # with more matrices than two, the others take turns

    def _pairs(self) -> list[Item]:
        made: list[Item] = []
        for a, first in enumerate(self.free):
            for second in self.free[a + 1 :]:
                if np.shape(self.call.leaves[first]) == np.shape(self.call.leaves[second]):
                    made.append(partial(self.same, first, second, False))
                    made.append(partial(self.same, first, second, True))
        return made[:8]  # more arguments of one shape than four or five would crowd out all else

    def _extremes(self) -> list[Item]:
        made: list[tuple[str, Edit]] = []
        for number, value in enumerate(edits.EXTREMES):
            x = value if number % 2 else -value
            made += [
                (f"one entry at {x:g}", edits.put(x)),
                (f"half of the entries at +-{value:g}", edits.put_half(value)),
            ]
            made += [(f"one entry at {-x:g}", edits.put(-x))]
        count = len(self.targets)
        # Arguments alone come before all of them together: two extremes at once may hide each other.
        turns = [(t, k) for t in range(count) for k in range(len(made))]
        return [partial(self.edit, self.targets[(k + t + 1) % count], *made[k]) for t, k in turns]

    def _pointed(self) -> list[Item]:
        """Special values, ends of the domain, and subnormal numbers."""
        made: list[Item] = []
        for number, value in enumerate(self.special):
            target, every = self.targets[-1 - number % len(self.targets)], self.targets[0]
            made.append(self._put(target, "one entry at", value))
            made.append(self._put(every, "all entries at", value, None))
        for k in self.free:
            within = self.call.domain.of(k)
            for end, inwards in ((within.low, 1.0), (within.high, -1.0)):
                if within.kind is not Kind.REALS or not math.isfinite(end):
                    continue
                if within.closed:
                    made.append(self._put((k,), "one entry at the bound", end))
                    made.append(self._put((k,), "all at the bound", end, None))
                near = min(1.0, within.high - within.low) * inwards
                for u in (-3.0, -8.0, -1.0):
                    x = end + near * 10.0**u
                    made.append(self._put((k,), "one entry near a bound,", x))
        for k in self.free:
            tiny = least(np.asarray(self.call.leaves[k]).dtype)
            made.append(self._put((k,), "one entry at the subnormal", tiny))
            made.append(self._put((k,), "one entry at the subnormal", -tiny))
        return made

    def _put(self, target: tuple[int, ...], words: str, value: float, count: int | None = 1) -> Item:
        return partial(self.edit, target, f"{words} {value:.9g}", edits.put(value, count))

    def edit(self, target: tuple[int, ...], name: str, edit: Edit) -> Made | None:
        """The given values with the edit applied to the target leaves to which it applies."""
        new = {k: edit(self.given[k], self.rng) for k in target}
        changed = {k: v for k, v in new.items() if v is not None}
        return (f"{name} in {self._names(tuple(changed))}", changed) if changed else None

    def redraw(self, edit: Edit, name: str) -> Made:
        """All leaves edited; those of structured sets drawn afresh."""
        made = self.edit(tuple(self.free), name, edit)
        changed = made[1] if made else {}
        changed |= {k: sets.draw(self.call.leaves[k], self.call.domain.of(k), self.rng) for k in self.structured}
        return f"{name} in {self._names(tuple(changed))}", changed

    def sweep(self, target: tuple[int, ...]) -> Made:
        """One stratum of the magnitudes for each entry."""
        changed = {k: self.decks[k].deal(self.given[k]) for k in target}
        return f"magnitudes from 1e-8 to 2e4 in {self._names(target)}", changed

    def same(self, first: int, second: int, single: bool) -> Made:
        """The second leaf made equal to the first, in one entry or in all."""
        new = self.given[second].copy()
        source = self.given[first].astype(new.dtype) if new.dtype.kind == "c" else self.given[first].real
        chosen = self.rng.integers(new.size) if single else slice(None)
        new[chosen] = source[chosen]
        names = f"{self.call.paths[second]} equal to {self.call.paths[first]}"
        return names + (" in one entry" if single else ""), {second: new}

    def _names(self, target: tuple[int, ...]) -> str:
        if len(target) > 1 and len(target) == len(self.numbers):
            return "every argument"
        return ", ".join(self.call.paths[k] for k in target)
