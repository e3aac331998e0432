"""Gradients close to a kink: taking them, and what the set of them shows."""

from __future__ import annotations

import numpy as np

from gradcheck.engine.forward import Forward, ends
from gradcheck.engine.screen import jacobian
from gradcheck.engine.truth import truth
from gradcheck.oracles.imaginary import sizes
from gradcheck.records import Array, Local

NEAR = 2.0**-26
"""Distance of the points close by, relative to each coordinate's own size: curvature moves their gradients by about as much, and a
difference inside that distance keeps the other half of the digits."""


VAGUE = 2.0**-10
"""Gradients whose error exceeds this part of the largest entry say nothing."""

SMALLEST = 2.0**-1000
"""Gradients this small count as zero."""

JITTER = 2.0**-12
"""How far a steered direction is turned so that nothing stays tied; NEAR times this is still 2^14 ulp of each coordinate."""


def leaps(owner: Forward, x: Array, g: Array, rows: Array, rng: np.random.Generator, *, jump: bool) -> bool:
    """Whether g . f does not approach its value at x, or (unless ``jump``) does so more slowly than any slope would let it.

    On a way of a sixteenth a jump changes as much, a square root by a quarter, and a function with slopes by a sixteenth.
    """
    sampler = Sampler(owner, x, g, rows)
    values = owner(x)
    here, part = float(values @ g), 0.7 if jump else 0.24
    noise = 2.0**10 * owner.noise_floor * float(np.abs(values) @ np.abs(g))

    def leap(w: Array) -> bool:
        step = sampler.step(sampler.clamp(w))
        far, near = (abs(float(owner(x + way * step) @ g) - here) for way in (1.0, 1 / 16))
        return bool(near > max(part * far, noise))

    directions = rng.normal(size=(3, len(rows)))
    return sum(leap(w) or leap(-w) for w in directions) >= 2  # to either side; once may be a kink crossed far out


class Sampler:
    """Gradients of g . f along the rows (n, N), at points close to x; by imaginary steps where the forward takes them."""

    def __init__(self, owner: Forward, x: Array, g: Array, rows: Array) -> None:
        """Nothing is evaluated yet."""
        self.owner, self.g, self.rows = owner, g, rows
        self.x, self.inwards = ends(owner.call, owner.layout, x, rows)
        self.size = np.minimum(sizes(self.x, rows), 2.0**60)
        self.cheap = owner.analytic and owner.confirmed

    def step(self, w: Array) -> Array:
        """The way to the point in direction w, in all coordinates."""
        return np.asarray((NEAR * self.size * w) @ self.rows)

    def clamp(self, w: Array) -> Array:
        """The direction, turned into the domain where it would leave it, with no entry at rest."""
        top = float(np.max(np.abs(w), initial=0.0))
        w = w / top if top > 0 else np.ones(w.size)
        w = np.where(w == 0, JITTER, w)
        return np.where(self.inwards != 0, self.inwards * np.abs(w), w)

    def gradient(self, w: Array) -> tuple[Array, Array, Array, Array] | None:
        """(gradient, its error, sum of its terms' sizes, number of terms) at x + NEAR size w; None where it is not smooth.

        The gradient changes by about NEAR over that distance if the function's own length is the point's; that length may be a
        sixteenth of it.
        """
        point = self.x + self.step(w)
        if self.cheap:
            each = jacobian(self.owner, point, self.rows)
            if each is None:
                return None
            value, terms = each @ self.g, np.count_nonzero(each != 0, axis=1)
            magnitude, bound = np.abs(each) @ np.abs(self.g), np.zeros(len(each))
        else:
            reach = NEAR * self.size / 4
            there = truth(self.owner, point, self.g, self.rows, reach=reach, sharp=False)
            if np.any(there.kind != Local.SMOOTH):
                return None
            value, bound, magnitude, terms = there.value, there.bound, there.magnitude, there.terms
        # An entry that is less than a thousandth of the others is hardly a length of the function: it counts as that.
        length = np.maximum(self.size, 2.0**-10 * np.max(self.size))
        error = bound + 16 * NEAR * np.maximum(magnitude, float(np.max(np.abs(value) * self.size)) / length)
        if not (np.all(np.isfinite(value)) and np.all(np.isfinite(error))):
            return None
        return value, error, magnitude, terms


class Pieces:
    """The gradients that were seen (K, n) and the directions in which they lie; more of them on request."""

    def __init__(self, sampler: Sampler, rng: np.random.Generator) -> None:
        """Nothing is sampled yet."""
        n = len(sampler.rows)
        self.sampler, self.rng = sampler, rng
        self.values, self.directions, self.magnitudes = (np.empty((0, n)) for _ in range(3))
        self.random = np.empty(0, bool)
        self.errors, self.terms = np.zeros(n), np.ones(n)
        self.enough, self.more = (24, 12) if sampler.cheap else (12, 6)
        self.failed = 0

    @property
    def count(self) -> int:
        """Number of gradients seen."""
        return len(self.values)

    def draw(self, coordinate: int | None = None, value: float = 0.0) -> bool:
        """A gradient in a random direction, one coordinate of which may be given; False where none was found."""
        for _ in range(3):
            w = self.rng.normal(size=self.errors.size)
            if coordinate is not None:
                w[coordinate] = value
            if self._keep(self.sampler.clamp(w), coordinate is None):
                return True
            self.failed += 1
            if self.failed > 24:
                return False
        return False

    def pair(self) -> None:
        """Gradients in a random direction and the opposite one, so that every coordinate is seen on either side."""
        w = self.rng.normal(size=self.errors.size)
        for signed in (w, -w):
            self._keep(self.sampler.clamp(signed), True)

    def matching(self, v: Array) -> Array:
        """A direction that takes each coordinate to the side on which its gradient was closer to ``v``."""
        above = self.directions > 0
        count = np.maximum(np.count_nonzero(above, axis=0), 1), np.maximum(np.count_nonzero(~above, axis=0), 1)
        right = np.sum(np.where(above, self.values, 0.0), axis=0) / count[0]
        left = np.sum(np.where(above, 0.0, self.values), axis=0) / count[1]
        return np.where(np.abs(right - v) < np.abs(left - v), 1.0, -1.0)

    def look(self, w: Array) -> bool:
        """A gradient in direction ``w``, or near it where that line keeps a tie."""
        top = float(np.max(np.abs(w), initial=0.0))
        if not top > 0:
            return False
        # A little: breaks ties among the entries of w, and leaves the extreme point of a ball to six digits.
        w = w / top
        jitter = JITTER * self.rng.uniform(-1, 1, w.size)
        return self._keep(self.sampler.clamp(w + jitter), False) or self._keep(self.sampler.clamp(w - jitter), False)

    def take(self, w: Array) -> bool:
        """The gradient in exactly this direction."""
        return self._keep(self.sampler.clamp(w), False)

    def _keep(self, w: Array, at_random: bool) -> bool:
        seen = self.sampler.gradient(w)
        if seen is None:
            return False
        value, error, magnitude, terms = seen
        if np.any(error > VAGUE * max(float(np.max(np.abs(value), initial=0.0)), SMALLEST)):
            return False  # one vague gradient would blur all of them
        self.values = np.vstack([self.values, value])
        self.magnitudes = np.vstack([self.magnitudes, magnitude])
        self.directions = np.vstack([self.directions, w])
        self.random = np.append(self.random, at_random)
        self.errors, self.terms = np.maximum(self.errors, error), np.maximum(self.terms, terms)
        return True

    def curvature(self) -> Array:
        """Sign with which each gradient entry follows its own coordinate: 1 where convex, -1 where concave."""
        rest = self.values - np.mean(self.values, axis=0)
        return np.asarray(np.sign(np.sum(rest * self.directions, axis=0)))

    def by_own_sign(self, noise: Array) -> Array:
        """Whether each entry of the gradient is a function of the sign of its own coordinate."""
        out = np.zeros(noise.size, bool)
        for i in range(noise.size):
            above = self.directions[:, i] > 0
            if np.count_nonzero(above) < 4 or np.count_nonzero(~above) < 4:
                continue
            out[i] = np.ptp(self.values[above, i]) <= noise[i] and np.ptp(self.values[~above, i]) <= noise[i]
        return out

    def groups(self, coordinates: Array, noise: Array) -> list[Array]:
        """The coordinates, parted into those whose gradients jump together when a facet is crossed."""
        n = noise.size
        label = np.arange(n)
        for i in coordinates:
            base = self.rng.normal(size=n)
            before = None
            for far in np.linspace(-4.0, 4.0, 7):
                w = base.copy()
                w[i] = far
                if not self._keep(self.sampler.clamp(w), False):
                    continue  # beside a facet; the next one is held against the last, and may have crossed two of them
                if before is not None:
                    jump = np.flatnonzero(np.abs(self.values[-1] - before) > noise)
                    if jump.size:
                        label[np.isin(label, label[jump])] = label[jump[0]]
                before = self.values[-1]
        parts = [coordinates[label[coordinates] == name] for name in np.unique(label[coordinates])]
        return self._together(parts, noise)

    def _together(self, parts: list[Array], noise: Array) -> list[Array]:
        """The parts, joined where one of them does not stay as it is while another takes a different piece.

        If the set is a product, a direction that is one sample's in a part and another's elsewhere gives the pieces of both.
        """
        changed = True
        while changed and len(parts) > 1:
            changed = False
            for part in parts:
                others = np.setdiff1d(np.concatenate(parts), part)
                for _ in range(4):
                    one, other = self.rng.integers(self.count, size=2)
                    w = self.directions[one].copy()
                    w[part] = self.directions[other][part]
                    if not self._keep(self.sampler.clamp(w), False):
                        continue
                    got = self.values[-1]
                    same = np.abs(got - self.values[one]) <= 2 * noise
                    if np.any(np.abs(got - self.values[other])[part] > 2 * noise[part]):
                        joined = parts  # it follows something outside of itself
                    elif not np.all(same[others]):
                        joined = [part, *(p for p in parts if p is not part and not np.all(same[p]))]
                    else:
                        continue
                    parts = [p for p in parts if not any(p is q for q in joined)] + [np.concatenate(joined)]
                    changed = True
                    break
                if changed:
                    break
        return parts

    def saturated(self, group: Array, noise: Array) -> bool:
        """Whether every piece that random directions met was met twice: what was not met has little chance to exist."""
        seen = self.values[self.random][:, group]
        if len(seen) < self.enough:
            return False
        same = np.all(np.abs(seen[:, None] - seen[None]) <= 2 * noise[group], axis=2)
        return bool(np.all(np.count_nonzero(same, axis=1) >= 2))

    def support(self, group: Array, gap: Array) -> tuple[float, float, float] | None:
        """(left slope, right slope, their error) of g . f along ``gap``: for a convex function the least and the largest <s, gap>.

        None where differences do not tell.
        """
        sampler = self.sampler
        top = float(np.max(np.abs(gap), initial=0.0))
        if not top > 0:
            return None
        direction = (gap / top) @ sampler.rows[group]
        seen = truth(sampler.owner, sampler.x, sampler.g, direction[None], sharp=False)
        if not np.isfinite(seen.bound[0]) or seen.kind[0] in (Local.OUTSIDE, Local.UNDECIDED, Local.ONE_SIDED):
            return None
        right, left = seen.value[0] + seen.jump[0] / 2, seen.value[0] - seen.jump[0] / 2
        error = float(seen.bound[0] + seen.jump_bound[0]) * top
        return float(min(left, right)) * top, float(max(left, right)) * top, error

    def one_sign(self, group: Array, noise: Array) -> bool:
        """Whether all that was seen fits a function that is convex, or one that is concave, in these coordinates.

        For a convex function <s(w), w> is the largest of all <s, w>, s seen; then the extreme in each direction is known.
        """
        seen, w = self.values[:, group], self.directions[:, group] * self.sampler.size[group]
        products = w @ seen.T
        own = np.diagonal(products)
        slack = np.abs(w) @ noise * 2
        return bool(np.all(np.max(products, axis=1) <= own + slack) or np.all(np.min(products, axis=1) >= own - slack))


def nearest(points: Array, v: Array, part: Array | None = None, whole: Array | None = None) -> Array:
    """The point of the convex hull of ``points`` (K, n) nearest to ``v`` (nonnegative least squares with a heavy sum row).

    With ``part`` and ``whole`` the result is ``whole`` with these coordinates replaced.
    """
    from scipy.optimize import nnls  # late: scipy is slow to import and few functions have kinks

    scale = max(float(np.max(np.abs(points - v), initial=0.0)), np.finfo(float).tiny)
    heavy = 2.0**20  # weighs the constraint so that its residue is below 2^-40 of the distance
    system = np.vstack([(points - v).T / scale, np.full((1, len(points)), heavy)])
    weights, _ = nnls(system, np.concatenate([np.zeros(len(v)), [heavy]]))
    total = weights.sum()
    found = np.asarray(weights @ points / total) if total > 0 else points[0]
    if part is None or whole is None:
        return found
    out = whole.copy()
    out[part] = found
    return out
