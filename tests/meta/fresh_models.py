"""Models by hand: dynamic programmes, likelihoods, implicit functions, geometry, constrained arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, special

from gradcheck import POSITIVE_DEFINITE, REALS, SIMPLEX, SYMMETRIC, Domain, interval
from tests.meta.fresh_special import quiet
from tests.meta.pairs import normal, twins


def soft_min(a: Any, axis: int = 0) -> Any:
    m = a.min(axis)
    return m - np.log(np.exp(m - a).sum(axis))


def dtw(d: Any) -> Any:
    """Cost of the soft best path through a table, from corner to corner."""
    return dtw_table(d)[-1, -1]


def dtw_table(d: Any) -> Any:
    n, m = d.shape
    r = np.full((n + 1, m + 1), 1e30)
    r[0, 0] = 0
    for i in range(n):
        for j in range(m):
            r[i + 1, j + 1] = d[i, j] + soft_min(np.stack([r[i, j], r[i, j + 1], r[i + 1, j]]))
    return r


def dtw_back(g: Any, d: Any, hard: bool = False) -> Any:
    r, (n, m) = dtw_table(d), d.shape
    e = np.zeros((n + 1, m + 1))
    e[n, m] = g
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            before = np.stack([r[i - 1, j - 1], r[i - 1, j], r[i, j - 1]])
            w = special.softmax(-before)
            w = np.eye(3)[before.argmin()] if hard else w
            for (a, b), k in zip(((i - 1, j - 1), (i - 1, j), (i, j - 1)), w, strict=True):
                e[a, b] += e[i, j] * k
    return e[1:, 1:]


def markov(log_t: Any, log_e: Any) -> Any:
    """Log likelihood of a hidden chain: transitions log_t, emissions log_e of each time."""
    a = log_e[0]
    for row in log_e[1:]:
        a = special.logsumexp(a[:, None] + log_t, axis=0) + row
    return special.logsumexp(a)


def markov_back(g: Any, log_t: Any, log_e: Any, pairs: bool = True) -> Any:
    forward = [log_e[0]]
    for row in log_e[1:]:
        forward.append(special.logsumexp(forward[-1][:, None] + log_t, axis=0) + row)
    p = special.softmax(forward[-1])
    dt, de = np.zeros_like(log_t), np.zeros_like(log_e)
    for k in range(len(log_e) - 1, -1, -1):
        de[k] = p
        if k:
            step = special.softmax(forward[k - 1][:, None] + log_t, axis=0) * p
            dt = dt + (step if pairs else np.outer(step.sum(1), p))
            p = step.sum(1)
    return g * dt, g * de


def mvn(y: Any, s: Any) -> Any:
    return 0.5 * (y @ np.linalg.solve(s, y) + np.linalg.slogdet(s)[1])


def mvn_back(g: Any, y: Any, s: Any, det: bool = True) -> Any:
    a = np.linalg.solve(s, y)
    i = np.linalg.inv(s) if det else 0 * s
    return g * a, 0.5 * g * (i - np.outer(a, a))


def kernel(x: Any, log_scale: Any) -> Any:
    d = x[:, None] - x[None, :]
    return np.exp(-0.5 * (d * np.exp(-log_scale)) ** 2)


def kernel_back(g: Any, x: Any, log_scale: Any, both: bool = True) -> Any:
    d = x[:, None] - x[None, :]
    k, q = kernel(x, log_scale), np.exp(-2 * log_scale)
    w = -g * k * d * q
    return w.sum(1) - (w.sum(0) if both else 0), (g * k * d * d * q).sum()


def equilibrium(x: Any, w: Any) -> Any:
    """The fixed point z = tanh(w z / 4 + x)."""
    z = np.zeros_like(x)
    for _ in range(200):
        z = np.tanh(0.25 * w @ z + x)
    return z


def equilibrium_back(g: Any, x: Any, w: Any, steps: str = "all") -> Any:
    z = equilibrium(x, w)
    s = (1 - z) * (1 + z)
    u = np.linalg.solve(np.eye(len(x)) - 0.25 * w.T * s, g) if steps == "all" else g
    return s * u, 0.25 * np.outer(s * u, z)


def shoelace(p: Any) -> Any:
    q = np.roll(p, -1, 0)
    return 0.5 * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()


def shoelace_back(g: Any, p: Any, cyclic: bool = True) -> Any:
    q, r = np.roll(p, -1, 0), np.roll(p, 1, 0)
    if not cyclic:
        q, r = np.append(p[1:], 0 * p[:1], 0), np.append(0 * p[:1], p[:-1], 0)
    return 0.5 * g * np.stack([q[:, 1] - r[:, 1], r[:, 0] - q[:, 0]], 1)


def triangle_normal(p: Any) -> Any:
    n = np.cross(p[1] - p[0], p[2] - p[0])
    return n / np.sqrt(n @ n)


def triangle_normal_back(g: Any, p: Any, unit: bool = True) -> Any:
    a, b = p[1] - p[0], p[2] - p[0]
    n = np.cross(a, b)
    r = np.sqrt(n @ n)
    d = (g - n * (n @ g) / r**2) / r if unit else g / r
    da, db = np.cross(b, d), np.cross(d, a)
    return np.stack([-da - db, da, db])


def correlation(x: Any, y: Any) -> Any:
    a, b = x - x.mean(), y - y.mean()
    return (a @ b) / np.sqrt((a @ a) * (b @ b))


def correlation_back(g: Any, x: Any, y: Any, centred: bool = True) -> Any:
    a, b = x - x.mean(), y - y.mean()
    n, m = np.sqrt(a @ a), np.sqrt(b @ b)
    r = (a @ b) / (n * m)
    da, db = (b / m - r * a / n) / n, (a / n - r * b / m) / m
    return (g * da, g * db) if centred else (g * (da + r / n), g * (db + r / m))


def spread_back(g: Any, x: Any, ddof: int) -> Any:
    return 2 * g * (x - x.mean()) / (len(x) - ddof)


def sharpe(w: Any, mu: Any, c: Any) -> Any:
    return (w @ mu) / np.sqrt(w @ c @ w + 1e-4)


def sharpe_back(g: Any, w: Any, mu: Any, c: Any, both: bool = True) -> Any:
    v = w @ c @ w + 1e-4
    r, k = np.sqrt(v), (w @ mu) / v**1.5
    slope = 0.5 * (c + c.T) @ w if both else 0.5 * c @ w
    return g * (mu / r - k * slope), g * w / r, -0.5 * g * k * np.outer(w, w)


def rank_two(w: Any) -> Any:
    return w.T @ w


def static_power(x: Any, n: int) -> Any:
    return x**n


def page_rank(a: Any) -> Any:
    """Stationary weights of a damped walk along the columns of softmax(a)."""
    p, n = special.softmax(a, axis=0), len(a)
    return np.linalg.solve(np.eye(n) - 0.85 * p, np.full(n, 0.15 / n))


def page_rank_back(g: Any, a: Any, turned: bool = True) -> Any:
    p, n = special.softmax(a, axis=0), len(a)
    m = np.eye(n) - 0.85 * p
    dp = 0.85 * np.outer(np.linalg.solve(m.T if turned else m, g), page_rank(a))
    return p * (dp - (p * dp).sum(0))


def with_spare(x: Any) -> tuple[Any, Any, Any]:
    return np.sin(x), np.ones(2), np.floor(0 * x)


def bradley(s: Any, i: Any, j: Any) -> Any:
    return np.logaddexp(0, s[j] - s[i]).sum()


def bradley_back(g: Any, s: Any, i: Any, j: Any, summed: bool = True) -> Any:
    w, out = -g * special.expit(s[j] - s[i]), np.zeros_like(s)
    if summed:
        np.add.at(out, i, w)
        np.subtract.at(out, j, w)
    else:
        out[i] += w
        out[j] -= w
    return out


P = np.array([0.2, 0.3, 0.5])
S = normal(1, 3, 3) @ normal(1, 3, 3).T + 3 * np.eye(3)
A = normal(2, 3, 3)
SQUARES = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]])

CASES = (
    *twins(
        "model: soft warping of time",
        "ties and selection",
        dtw,
        dtw_back,
        (np.abs(normal(3, 3, 3)),),
        best_path_only=lambda g, d: dtw_back(g, d, True),
        options={"domain": interval(-100, 100)},
        hard=True,
    ),
    *twins(
        "model: hidden chain",
        "indexing",
        markov,
        markov_back,
        (normal(4, 3, 3), normal(5, 4, 3)),
        pairs_as_if_independent=lambda g, t, e: markov_back(g, t, e, False),
        hard=True,
    ),
    *twins(
        "model: gaussian likelihood",
        "one path lost",
        mvn,
        mvn_back,
        (normal(6, 3), S),
        determinant_lost=lambda g, y, s: mvn_back(g, y, s, False),
        options={"domain": Domain((REALS, POSITIVE_DEFINITE))},
        hard=True,
    ),
    *twins(
        "model: kernel with a log scale",
        "fan-out lost",
        kernel,
        kernel_back,
        (normal(7, 4), np.array(0.2)),
        second_place_lost=lambda g, x, s: kernel_back(g, x, s, False),
        options={"domain": interval(-8, 8)},
    ),
    *twins(
        "model: equilibrium of a layer",
        "truncated through time",
        equilibrium,
        equilibrium_back,
        (normal(8, 3), normal(9, 3, 3)),
        one_step=lambda g, x, w: equilibrium_back(g, x, w, "one"),
        options={"domain": interval(-1, 1)},
        hard=True,
    ),
    *twins(
        "model: area of a polygon",
        "indexing",
        shoelace,
        shoelace_back,
        (SQUARES,),
        last_edge_open=lambda g, p: shoelace_back(g, p, False),
        turned=lambda g, p: -shoelace_back(g, p),
    ),
    *twins(
        "model: normal of a triangle",
        "statistic held constant",
        triangle_normal,
        triangle_normal_back,
        (normal(10, 3, 3),),
        length_constant=lambda g, p: triangle_normal_back(g, p, False),
        hard=True,
    ),
    *twins(
        "model: correlation",
        "statistic held constant",
        correlation,
        correlation_back,
        (normal(11, 5), normal(12, 5)),
        mean_constant=lambda g, x, y: correlation_back(g, x, y, False),
        hard=True,
    ),
    *twins(
        "model: unbiased variance",
        "Bessel",
        lambda x: x.var(ddof=1),
        lambda g, x: spread_back(g, x, 1),
        (normal(13, 5),),
        biased=lambda g, x: spread_back(g, x, 0),
        mean_constant=lambda g, x: spread_back(g, x, 1) + 0.01 * g,
    ),
    *twins(
        "model: return over risk",
        "constant factor",
        sharpe,
        sharpe_back,
        (np.array([0.3, 0.3, 0.4]), normal(14, 3), S),
        half_of_the_square=lambda g, w, mu, c: sharpe_back(g, w, mu, c, False),
        options={"domain": Domain((REALS, REALS, POSITIVE_DEFINITE))},
        hard=True,
    ),
    *twins(
        "model: gram matrix",
        "cotangent mishandled",
        rank_two,
        lambda g, w: w @ (g + g.T),
        (normal(15, 2, 3),),
        unseen="*",
        twice=lambda g, w: 2 * w @ g,
        transposed_only=lambda g, w: 2 * w @ g.T,
    ),
    *twins(
        "model: power nought",
        "values",
        static_power,
        lambda g, x, n: g * (n * x ** (n - 1) if n else 0 * x),
        (np.array([0.5, 0.0, -2.0]),),
        hard=True,
        unseen="*",
        nothing_times_infinity=quiet(lambda g, x, n: g * n * x ** (n - 1.0)),
        options={"kwargs": {"n": 0}},
    ),
    *twins(
        "model: walk on a graph",
        "transpose missing",
        page_rank,
        page_rank_back,
        (normal(16, 4, 4),),
        transpose_lost=lambda g, a: page_rank_back(g, a, False),
        hard=True,
    ),
    *twins(
        "model: entropy on the simplex",
        "domain",
        lambda p: -special.xlogy(p, p).sum(-1),
        quiet(lambda g, p: -g * np.log(p)),
        (P,),
        options={"domain": SIMPLEX},
        hard=True,
        sign=quiet(lambda g, p: g * np.log(p)),
        linear=lambda g, p: g * (1 - p),
    ),
    *twins(
        "model: quadratic form, upper triangle of the answer",
        "domain",
        lambda a: np.array([1.0, -2.0, 0.5]) @ a @ np.array([1.0, -2.0, 0.5]),
        lambda g, a: g * (2 * np.triu(o := np.outer((v := np.array([1.0, -2.0, 0.5])), v)) - np.diag(np.diag(o))),
        (A + A.T,),
        options={"domain": SYMMETRIC},
        hard=True,
        diagonal_twice=lambda g, a: g * 2 * np.triu(np.outer((v := np.array([1.0, -2.0, 0.5])), v)),
        not_doubled=lambda g, a: g * np.triu(np.outer((v := np.array([1.0, -2.0, 0.5])), v)),
    ),
    *twins(
        "model: matrix exponential",
        "transpose missing",
        linalg.expm,
        lambda g, a: linalg.expm_frechet(a.T, g, compute_expm=False),
        (0.5 * A,),
        transpose_lost=lambda g, a: linalg.expm_frechet(a, g, compute_expm=False),
        as_if_commuting=lambda g, a: g @ linalg.expm(a).T,
        options={"domain": interval(-3, 3)},
        hard=True,
    ),
    *twins(
        "model: outputs that nobody needs",
        "unused outputs",
        with_spare,
        lambda g, x: g[0] * np.cos(x),
        (normal(17, 3),),
        hard=True,
        spare_counted=lambda g, x: g[0] * np.cos(x) + g[1].sum(),
    ),
    *twins(
        "model: games between players",
        "repeated index overwritten",
        bradley,
        bradley_back,
        (normal(18, 4), np.array([0, 0, 1, 3]), np.array([1, 2, 2, 2])),
        buffered=lambda g, s, i, j: bradley_back(g, s, i, j, False),
        hard=True,
    ),
    *twins(
        "model: scalar for an array",
        "shapes",
        lambda x: 2.5 * x,
        lambda g, x: 2.5 * g,
        (normal(19, 3),),
        one_number=lambda g, x: np.float64(2.5 * g.sum()),
        one_column=lambda g, x: (2.5 * g)[:, None],
        constant_of_the_shape=lambda g, x: np.full_like(x, 2.5),
        unseen="constant_of_the_shape",
    ),
)
