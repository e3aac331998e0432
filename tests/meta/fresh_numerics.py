"""Solvers, recursions and scientific losses: forwards that iterate, integrate or run over time, differentiated as practitioners do."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.sparse
from scipy.special import logsumexp, ndtr, softmax

from gradcheck.claim import Domain, Set
from tests.meta.alone_certified import opaque
from tests.meta.pairs import normal, twins

SPARSE_MATRIX = scipy.sparse.random(9, 6, density=0.4, random_state=3, format="csr")

SPARSE = twins(
    "numerics: sparse matrix times vector", "linear algebra", lambda x: SPARSE_MATRIX @ x,
    lambda g, x: SPARSE_MATRIX.T @ g, (normal(301, 6),),
    sizes=lambda g, x: abs(SPARSE_MATRIX).T @ g * 0.999,
)  # fmt: skip

TIMES = np.linspace(0.0, 1.0, 5)


def decay(k: Any) -> Any:
    return scipy.integrate.odeint(lambda y, t: -k * y, 1.0, TIMES, rtol=1e-10, atol=1e-12)[:, 0]


DECAY = twins(
    "numerics: decay, integrated", "rounding", decay, lambda g, k: np.asarray(-(g * TIMES * np.exp(-k * TIMES)).sum()),
    (np.array(0.8),), hard=True, options={"domain": Domain((Set(low=-20.0, high=20.0),))},
    factor_forgotten=lambda g, k: np.asarray(-(g * np.exp(-k * TIMES)).sum()),
)  # fmt: skip


def integral(a: Any) -> Any:
    return np.array(scipy.integrate.quad(lambda t: np.exp(-a * t * t), 0, 1, epsabs=1e-13)[0])


def integral_vjp(g: Any, a: Any) -> Any:
    return np.array(-g * scipy.integrate.quad(lambda t: t * t * np.exp(-a * t * t), 0, 1, epsabs=1e-13)[0])


INTEGRAL = twins(
    "numerics: integral with a parameter", "rounding", integral, integral_vjp, (np.array(1.4),), hard=True,
    options={"domain": Domain((Set(low=-20.0, high=20.0),))},
    a_thousandth_off=lambda g, a: integral_vjp(g, a) * 1.001,
)  # fmt: skip


def root(a: Any) -> Any:
    return np.array(scipy.optimize.brentq(lambda m: m + np.exp(m) - a, -60, 60, xtol=1e-14))


ROOT = twins(
    "numerics: root of an equation", "rounding", root, lambda g, a: np.array(g / (1 + np.exp(root(a)))),
    (np.array(3.0),), hard=True, options={"domain": Domain((Set(low=-50.0, high=50.0),))},
    one_forgotten=lambda g, a: np.array(g / np.exp(root(a))),
)  # fmt: skip

WEIGHTS = 0.15 * normal(302, 4, 4)


def equilibrium(x: Any) -> Any:
    z = np.zeros(4)
    for _ in range(500):
        after = np.tanh(WEIGHTS @ z + x)
        if np.abs(after - z).max() < 1e-14:
            break
        z = after
    return after


def equilibrium_vjp(g: Any, x: Any, *, transposed: bool = True, steps: bool = True) -> Any:
    slope = 1 - equilibrium(x) ** 2
    matrix = np.eye(4) - slope[:, None] * WEIGHTS * steps
    return slope * np.linalg.solve(matrix.T if transposed else matrix, g)


EQUILIBRIUM = twins(
    "numerics: equilibrium of a layer, iterated", "rounding", equilibrium, equilibrium_vjp, (normal(303, 4),), hard=True,
    transpose_missing=lambda g, x: equilibrium_vjp(g, x, transposed=False),
    one_step=lambda g, x: equilibrium_vjp(g, x, steps=False),
)  # fmt: skip


def cross_matrix(w: Any) -> Any:
    return np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])


def rotated(w: Any, v: Any) -> Any:
    angle = np.sqrt(w @ w)
    if angle < 1e-12:
        return v + np.cross(w, v)
    axis = w / angle
    return v * np.cos(angle) + np.cross(axis, v) * np.sin(angle) + axis * (axis @ v) * (1 - np.cos(angle))


def rotated_vjp(g: Any, w: Any, v: Any, *, sign: float = -1.0, at_zero: float = 1.0) -> Any:
    """Through the matrix exponential and the right Jacobian of the rotation group."""
    angle, turn, cross = np.sqrt(w @ w), scipy.linalg.expm(cross_matrix(w)), cross_matrix(w)
    if angle < 1e-12:
        return at_zero * np.cross(v, g), turn.T @ g
    right = (
        np.eye(3) + sign * (1 - np.cos(angle)) / angle**2 * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
    )
    return (-turn @ cross_matrix(v) @ right).T @ g, turn.T @ g


ROTATED = twins(
    "numerics: rotation by another way", "rounding", rotated, rotated_vjp,
    (np.array([6.0, -5.0, 8.0]), np.array([1.0, 2.0, -1.0])), hard=True,
    options={"domain": Domain((Set(low=-10.0, high=10.0), Set()))},
    left_jacobian=lambda g, w, v: rotated_vjp(g, w, v, sign=1.0),
)  # fmt: skip

NO_ROTATION = twins(
    "numerics: rotation by nothing", "division by a zero operand", rotated, rotated_vjp,
    (np.zeros(3), np.array([1.0, 2.0, -1.0])), options={"domain": Domain((Set(low=-10.0, high=10.0), Set()))},
    zero_at_zero=lambda g, w, v: rotated_vjp(g, w, v, at_zero=0.0),
)  # fmt: skip


def chain(step: Any, seen: Any) -> Any:
    ahead = seen[0]
    for row in seen[1:]:
        ahead = logsumexp(ahead[:, None] + step, axis=0) + row
    return logsumexp(ahead)


def chain_vjp(g: Any, step: Any, seen: Any) -> Any:
    """Forward and backward sums over the hidden states (Rabiner 1989, eqs. 20, 25, 37)."""
    ahead, behind = [seen[0]], [np.zeros(len(step))]
    for row in seen[1:]:
        ahead.append(logsumexp(ahead[-1][:, None] + step, axis=0) + row)
    for row in seen[:0:-1]:
        behind.insert(0, logsumexp(step + row + behind[0], axis=1))
    total = logsumexp(ahead[-1])
    pairs = [a[:, None] + step + row + b for a, row, b in zip(ahead[:-1], seen[1:], behind[1:], strict=True)]
    states = np.exp(np.array(ahead) + np.array(behind) - total)
    return g * sum(np.exp(pair - total) for pair in pairs), g * states


CHAIN = twins(
    "numerics: hidden Markov chain", "graph accumulation", chain, chain_vjp, (normal(304, 2, 2), normal(305, 4, 2)),
    transposed=lambda g, step, seen: (chain_vjp(g, step, seen)[0].T, chain_vjp(g, step, seen)[1]),
    last_by_half=lambda g, step, seen: (
        chain_vjp(g, step, seen)[0], chain_vjp(g, step, seen)[1] * np.r_[np.ones(3), 0.5][:, None]
    ),
)  # fmt: skip


def best_path(step: Any, seen: Any) -> Any:
    score = seen[0]
    for row in seen[1:]:
        score = (score[:, None] + step).max(0) + row
    return score.max()


def best_path_vjp(g: Any, step: Any, seen: Any) -> Any:
    score, origins = seen[0], []
    for row in seen[1:]:
        reached = score[:, None] + step
        origins.append(reached.argmax(0))
        score = reached.max(0) + row
    state = score.argmax()
    in_step, in_seen = np.zeros_like(step), np.zeros_like(seen)
    for t in range(len(seen) - 1, 0, -1):
        in_seen[t, state] += g
        before = origins[t - 1][state]
        in_step[before, state] += g
        state = before
    in_seen[0, state] += g
    return in_step, in_seen


BEST_PATH = twins(
    "numerics: best path", "repeated index", best_path, best_path_vjp, (normal(306, 2, 2), normal(307, 6, 2)),
    each_step_once=lambda g, step, seen: (
        np.clip(best_path_vjp(g, step, seen)[0], -abs(g), abs(g)), best_path_vjp(g, step, seen)[1]
    ),
)  # fmt: skip

BLANKED = (0, 1, 0, 2, 0)
"""The labels 1 and 2 with blanks around them."""


def skips(s: int) -> bool:
    return s >= 2 and BLANKED[s] != 0 and BLANKED[s] != BLANKED[s - 2]


def labelling(logs: Any) -> Any:
    """Connectionist temporal classification (Graves et al. 2006, eqs. 6-8), in logarithms."""
    ahead = np.full(5, -np.inf)
    ahead[:2] = logs[0, list(BLANKED[:2])]
    for row in logs[1:]:
        after = ahead.copy()
        after[1:] = np.logaddexp(after[1:], ahead[:-1])
        for s in filter(skips, range(5)):
            after[s] = np.logaddexp(after[s], ahead[s - 2])
        ahead = after + row[list(BLANKED)]
    return -np.logaddexp(ahead[-1], ahead[-2])


def labelling_vjp(g: Any, logs: Any, *, skipping: bool = True) -> Any:
    """Graves et al. 2006, eqs. 9-15."""
    frames = len(logs)
    ahead, behind = np.full((frames, 5), -np.inf), np.full((frames, 5), -np.inf)
    ahead[0, :2] = logs[0, list(BLANKED[:2])]
    for t in range(1, frames):
        for s in range(5):
            ways = [ahead[t - 1, k] for k in (s, s - 1, s - 2) if k >= 0 and (k > s - 2 or skips(s))]
            ahead[t, s] = logsumexp(ways) + logs[t, BLANKED[s]]
    behind[-1, -2:] = 0
    for t in range(frames - 2, -1, -1):
        for s in range(5):
            onward = [k for k in (s, s + 1, s + 2) if k < 5 and (k < s + 2 or (skips(k) and skipping))]
            behind[t, s] = logsumexp([behind[t + 1, k] + logs[t + 1, BLANKED[k]] for k in onward])
    total = np.logaddexp(ahead[-1, -1], ahead[-1, -2])
    out = np.zeros_like(logs)
    np.add.at(out, (slice(None), list(BLANKED)), -np.exp(ahead + behind - total))
    return g * out


LABELLING = twins(
    "numerics: labelling without alignment", "graph accumulation", labelling, labelling_vjp,
    (np.log(softmax(normal(308, 4, 3), axis=1)),), options={"domain": Domain((Set(low=-100.0, high=0.0),))},
    skips_forgotten=lambda g, logs: labelling_vjp(g, logs, skipping=False),
)  # fmt: skip


def overlap(box: Any, other: Any) -> Any:
    width = np.maximum(np.minimum(box[2], other[2]) - np.maximum(box[0], other[0]), 0)
    height = np.maximum(np.minimum(box[3], other[3]) - np.maximum(box[1], other[1]), 0)
    both = width * height
    return both / ((box[2] - box[0]) * (box[3] - box[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both)


def overlap_vjp(g: Any, box: Any, other: Any, *, apart: bool = True, union: bool = True) -> Any:
    width, height = (max(min(box[k + 2], other[k + 2]) - max(box[k], other[k]), 0) for k in (0, 1))
    both = width * height
    rest = (box[2] - box[0]) * (box[3] - box[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both
    inner = np.array([-height * (box[0] > other[0]), -width * (box[1] > other[1]),
                      height * (box[2] < other[2]), width * (box[3] < other[3])])  # fmt: skip
    if apart and not (width > 0 and height > 0):
        inner = np.zeros(4)
    area = np.array([box[1] - box[3], box[0] - box[2], box[3] - box[1], box[2] - box[0]])
    return g * ((rest + both * union) * inner - both * area) / rest**2


OVERLAP = twins(
    "numerics: overlap of boxes", "wrong formula", overlap, overlap_vjp,
    (np.array([0.0, 0.0, 2.0, 2.5]), np.array([1.0, 0.5, 3.0, 3.0])), options={"wrt": (0,)},
    union_held=lambda g, box, other: overlap_vjp(g, box, other, union=False),
)  # fmt: skip


def nearest_mixture(z: Any) -> Any:
    """Sparsemax (Martins & Astudillo 2016): the nearest point of the simplex."""
    falling = np.sort(z)[::-1]
    sums = np.cumsum(falling)
    count = np.arange(1, len(z) + 1)
    kept = np.max(count[1 + count * falling > sums])
    return np.maximum(z - (sums[kept - 1] - 1) / kept, 0)


def nearest_mixture_vjp(g: Any, z: Any) -> Any:
    kept = nearest_mixture(z) > 0
    return kept * (g - g[kept].mean())


MIXTURE = twins(
    "numerics: nearest mixture", "only part of a mask", nearest_mixture, nearest_mixture_vjp, (normal(309, 6),),
    mean_over_all=lambda g, z: (nearest_mixture(z) > 0) * (g - g.mean()),
    mask_forgotten=lambda g, z: g - g[nearest_mixture(z) > 0].mean(),
)  # fmt: skip


def option(price: Any, strike: Any, spread: Any, years: Any) -> Any:
    """The call of Black and Scholes (1973, eq. 13) without interest."""
    d = (np.log(price / strike) + spread**2 * years / 2) / (spread * np.sqrt(years))
    return price * ndtr(d) - strike * ndtr(d - spread * np.sqrt(years))


def option_vjp(g: Any, price: Any, strike: Any, spread: Any, years: Any, *, at: float = 0.0) -> Any:
    move = spread * np.sqrt(years)
    d = (np.log(price / strike) + spread**2 * years / 2) / move
    density = np.exp(-((d - at * move) ** 2) / 2) / np.sqrt(2 * np.pi)
    vega = g * price * density * np.sqrt(years)
    return g * ndtr(d), -g * ndtr(d - move), vega, vega * spread / (2 * years)


MARKET = Domain((Set(low=1.0, high=1e3), Set(low=1.0, high=1e3), Set(low=0.01, high=2.0), Set(low=0.01, high=10.0)))

OPTION = twins(
    "numerics: price of an option", "activation derivative at the wrong argument", option, option_vjp,
    (np.array([100.0, 90.0]), np.array([100.0, 105.0]), np.array([0.2, 0.3]), np.array([1.0, 0.5])),
    options={"domain": MARKET},
    density_of_the_other=lambda g, *market: option_vjp(g, *market, at=1.0),
)  # fmt: skip


def swing(angle: Any, speed: Any) -> Any:
    for _ in range(30):
        speed = speed - 0.05 * np.sin(angle)
        angle = angle + 0.1 * speed
        speed = speed - 0.05 * np.sin(angle)
    return angle, speed


def swing_vjp(g: Any, angle: Any, speed: Any, *, earlier: bool = False) -> Any:
    in_angle, in_speed = g
    passed = []
    for _ in range(30):
        before = angle
        speed = speed - 0.05 * np.sin(angle)
        angle = angle + 0.1 * speed
        speed = speed - 0.05 * np.sin(angle)
        passed.append((before, before if earlier else angle))
    for before, after in reversed(passed):
        in_angle = in_angle - 0.05 * np.cos(after) * in_speed
        in_speed = in_speed + 0.1 * in_angle
        in_angle = in_angle - 0.05 * np.cos(before) * in_speed
    return in_angle, in_speed


SWING = twins(
    "numerics: pendulum by leaps", "stale state", swing, swing_vjp, (np.array([0.5, 1.0]), np.array([0.1, -0.3])),
    angle_of_before=lambda g, angle, speed: swing_vjp(g, angle, speed, earlier=True),
)  # fmt: skip


def certainty(x: Any) -> Any:
    """One over the variance after a measurement: where noise is tiny, floating point has 0 for what is left of it, 1 - k."""
    noise = np.exp(x)
    k = 1 / (1 + noise)
    return 1 / ((1 - k) + noise)


def certainty_vjp(g: Any, x: Any, through_gain: float = 1.0) -> Any:
    noise = np.exp(x)
    k = 1 / (1 + noise)
    variance = (1 - k) + noise
    return -g / variance * (1 + through_gain * k * k) * (noise / variance)


CERTAINTY = twins(
    "numerics: certainty after a measurement", "rounding", certainty, certainty_vjp,
    (np.array([-283.6, 0.4, -1.2]),), hard=True, options={"domain": Domain((Set(low=-600.0, high=600.0),))},
    gain_is_a_constant=lambda g, x: certainty_vjp(g, x, 0.0),
)  # fmt: skip


def attraction(p: Any) -> Any:
    """Of points to one another, and each to itself, which is nothing: softened as in simulations."""
    away = p[None] - p[:, None]
    far = (away * away).sum(-1) + p.dtype.type(0.01)
    return (away * (far**-1.5)[..., None]).sum(1)


def attraction_vjp(g: Any, p: Any, power: float = 1.5) -> Any:
    """What each point does to itself is added at one place and subtracted at another: rounding of it is left over."""
    away = p[None] - p[:, None]
    far = (away * away).sum(-1) + p.dtype.type(0.01)
    weighed = (g[:, None] * away).sum(-1)
    in_away = g[:, None] * (far**-1.5)[..., None] - 2 * power * away * (weighed * far**-2.5)[..., None]
    return in_away.sum(0) - in_away.sum(1)


ATTRACTION = twins(
    "numerics: attraction of points, the backward pass out of sight", "rounding", attraction,
    opaque(attraction_vjp), (normal(310, 4, 3).astype(np.float32),), hard=True,
    power_of_another_law=opaque(lambda g, p: attraction_vjp(g, p, 1.4)),
)  # fmt: skip

CASES = (
    *SPARSE,
    *DECAY,
    *INTEGRAL,
    *ROOT,
    *EQUILIBRIUM,
    *ROTATED,
    *NO_ROTATION,
    *CHAIN,
    *BEST_PATH,
    *LABELLING,
    *OVERLAP,
    *MIXTURE,
    *OPTION,
    *SWING,
    *CERTAINTY,
    *ATTRACTION,
)
