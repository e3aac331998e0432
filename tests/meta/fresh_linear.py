"""Linear algebra by hand: factorisations, solves, determinants, spectral functions, gauges."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import POSITIVE_DEFINITE, REALS, SYMMETRIC, Domain
from tests.meta.pairs import normal, twins


def t(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def phi(a: Any) -> Any:
    return np.tril(a) - 0.5 * np.diag(np.diag(a))


def cholesky_vjp(g: Any, a: Any, halved: bool = True) -> Any:
    low = np.linalg.cholesky(a)
    p = phi(low.T @ np.tril(g)) if halved else np.tril(low.T @ np.tril(g))
    s = np.linalg.solve(low.T, np.linalg.solve(low.T, p.T).T)
    return 0.5 * (s + s.T)


def solve_vjp(g: Any, a: Any, b: Any, turned: bool = True) -> Any:
    w = np.linalg.solve(a.T if turned else a, g)
    return -w @ np.linalg.solve(a, b).T, w


def adjugate(a: Any) -> Any:
    """Cofactors of a 3 x 3 matrix: the gradient of its determinant, also where it is singular."""
    r = np.roll
    return r(r(a, -1, 0), -1, 1) * r(r(a, -2, 0), -2, 1) - r(r(a, -1, 0), -2, 1) * r(r(a, -2, 0), -1, 1)


def det3(a: Any) -> Any:
    return (a[0] * adjugate(a)[0]).sum()


def det_by_inverse(g: Any, a: Any) -> Any:
    try:
        return g * det3(a) * np.linalg.inv(a).T
    except np.linalg.LinAlgError:
        return np.zeros_like(a)


def eigh_values_vjp(g: Any, a: Any) -> Any:
    _, v = np.linalg.eigh(a)
    return (v * g) @ v.T


def signs(out: tuple[Any, ...], ref: tuple[Any, ...]) -> tuple[Any, ...]:
    w, v = out
    s = np.sign((v * ref[1]).sum(0))
    return w, v * np.where(s == 0, 1, s)


def eigh_vjp(g: Any, a: Any, lifted: bool = False) -> Any:
    w, v = np.linalg.eigh(a)
    d = w[None, :] - w[:, None]
    f = np.where(np.eye(len(w), dtype=bool), 0, 1 / np.where(d == 0, 1, d))
    inner = np.diag(g[0]) + (f.T if lifted else f) * (v.T @ g[1])
    s = v @ inner @ v.T
    return 0.5 * (s + s.T)


def qr(a: Any) -> tuple[Any, Any]:
    """The factor R has a positive diagonal, so that both factors are unique."""
    q, r = np.linalg.qr(a)
    s = np.sign(np.diag(r))
    return q * s, r * s[:, None]


def copyltu(m: Any) -> Any:
    return np.tril(m) + np.tril(m, -1).T


def qr_vjp(g: Any, a: Any, whole: bool = True) -> Any:
    q, r = qr(a)
    m = r @ np.triu(g[1]).T - g[0].T @ q
    return np.linalg.solve(r, (g[0] + q @ (copyltu(m) if whole else m)).T).T


def nuclear_vjp(g: Any, a: Any, signless: bool = False) -> Any:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return g * (u * (s if signless else 1)) @ vt


def spectral_vjp(g: Any, a: Any, k: int = 0) -> Any:
    u, _, vt = np.linalg.svd(a)
    return g * np.outer(u[:, k], vt[k])


def reflect(x: Any, v: Any) -> Any:
    return x - 2 * v * (x @ v) / (v @ v)


def reflect_vjp(g: Any, x: Any, v: Any, norm: bool = True) -> Any:
    n, xv, gv = v @ v, x @ v, g @ v
    back = 4 * v * gv * xv / n**2 if norm else 0
    return g - 2 * v * gv / n, -2 * (g * xv + x * gv) / n + back


def pinv_vjp(g: Any, a: Any, outer: bool = True) -> Any:
    p = np.linalg.pinv(a)
    d = -p.T @ g @ p.T
    left = (np.eye(a.shape[0]) - a @ p) @ g.T @ p @ p.T
    right = p.T @ p @ g.T @ (np.eye(a.shape[1]) - p @ a)
    return d + left + right if outer else d


def sandwich_vjp(g: Any, a: Any, x: Any, both: bool = True) -> Any:
    return g * np.outer(x, x), g * ((a + a.T) @ x if both else 2 * a @ x)


def power3_vjp(g: Any, a: Any, ordered: bool = True) -> Any:
    b = a.T
    return g @ b @ b + b @ g @ b + b @ b @ g if ordered else 3 * g @ b @ b


def lyapunov(a: Any, q: Any) -> Any:
    """X with A X + X A' + Q = 0, by Kronecker products."""
    n, e = len(a), np.eye(len(a))
    return np.linalg.solve(np.kron(a, e) + np.kron(e, a), -q.reshape(-1)).reshape(n, n)


def lyapunov_vjp(g: Any, a: Any, q: Any, turned: bool = True) -> Any:
    x = lyapunov(a, q)
    s = lyapunov(a.T if turned else a, g)
    return s @ x.T + s.T @ x, s


def kalman(p: Any, h: Any) -> Any:
    """Covariance after one scalar measurement with unit noise."""
    ph = p @ h
    return p - np.outer(ph, h @ p) / (h @ ph + 1)


def kalman_vjp(g: Any, p: Any, h: Any, gain: bool = True) -> Any:
    ph, hp = p @ h, h @ p
    s = h @ ph + 1
    ds = (ph @ g @ hp) / s**2 if gain else 0.0
    a, b = -(g @ hp) / s, -(g.T @ ph) / s  # cotangents of ph and hp
    dp = g + np.outer(a, h) + np.outer(h, b) + ds * np.outer(h, h)
    return dp, p.T @ a + p @ b + ds * (p + p.T) @ h


def tri_solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(np.tril(a), b)


def tri_solve_vjp(g: Any, a: Any, b: Any, cut: bool = True) -> Any:
    low = np.tril(a)
    w = np.linalg.solve(low.T, g)
    da = -np.outer(w, np.linalg.solve(low, b))
    return (np.tril(da) if cut else da), w


def logdet_vjp(g: Any, a: Any, turned: bool = True) -> Any:
    i = np.linalg.inv(a)
    return g * (i.T if turned else i)


def spd(n: int) -> Any:
    m = normal(n, n, n)
    return m @ m.T + n * np.eye(n)


SYM = (m := normal(31, 3, 3)) + m.T
WELL = normal(32, 3, 3) + 4 * np.eye(3)
HILBERT = 1 / (np.arange(1, 7)[:, None] + np.arange(6)[None, :])
DIAGONAL = np.diag([3.0, 2.0, 5.0])
GAUGED = Domain((SYMMETRIC,), gauge=signs)

CASES = (
    *twins(
        "linear: cholesky",
        "constant factor",
        np.linalg.cholesky,
        cholesky_vjp,
        (spd(3),),
        hard=True,
        options={"domain": POSITIVE_DEFINITE},
        diagonal_not_halved=lambda g, a: cholesky_vjp(g, a, False),
    ),
    *twins(
        "linear: solve at a symmetric matrix",
        "transpose missing",
        np.linalg.solve,
        solve_vjp,
        (SYM + 6 * np.eye(3), normal(33, 3, 2)),
        transpose_lost=lambda g, a, b: solve_vjp(g, a, b, False),
    ),
    *twins(
        "linear: solve with Hilbert's matrix",
        "transpose missing",
        np.linalg.solve,
        solve_vjp,
        (HILBERT, normal(34, 6, 1)),
        hard=True,
        operand_sign=lambda g, a, b: (-(s := solve_vjp(g, a, b))[0], s[1]),
    ),
    *twins(
        "linear: inverse of a diagonal",
        "transpose missing",
        np.linalg.inv,
        lambda g, a: -(i := np.linalg.inv(a)).T @ g @ i.T,
        (DIAGONAL,),
        unseen="order_turned_round",
        transpose_lost=lambda g, a: -(i := np.linalg.inv(a)) @ g @ i,
        order_turned_round=lambda g, a: -(i := np.linalg.inv(a)).T @ g.T @ i.T,
    ),
    *twins(
        "linear: determinant where it vanishes",
        "division by a zero operand",
        det3,
        lambda g, a: g * adjugate(a),
        (np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]]),),
        hard=True,
        unseen="*",
        by_the_inverse=det_by_inverse,
    ),
    *twins(
        "linear: eigenvalues",
        "singular values",
        np.linalg.eigvalsh,
        eigh_values_vjp,
        (SYM,),
        options={"domain": SYMMETRIC},
        rows_for_columns=lambda g, a: ((v := np.linalg.eigh(a)[1]).T * g) @ v,
        trace_only=lambda g, a: np.diag(g) + 0 * a,
    ),
    *twins(
        "linear: eigenvectors up to sign",
        "singular values",
        lambda a: tuple(np.linalg.eigh(a)),
        eigh_vjp,
        (SYM,),
        options={"domain": GAUGED},
        hard=True,
        gaps_turned_round=lambda g, a: eigh_vjp(g, a, True),
        vectors_forgotten=lambda g, a: eigh_values_vjp(g[0], a),
    ),
    *twins(
        "linear: qr of a tall matrix",
        "transpose missing",
        qr,
        qr_vjp,
        (normal(35, 4, 3),),
        hard=True,
        lower_part_not_copied=lambda g, a: qr_vjp(g, a, False),
    ),
    *twins(
        "linear: nuclear norm",
        "singular values",
        lambda a: np.linalg.svd(a, compute_uv=False).sum(),
        nuclear_vjp,
        (normal(36, 3, 2),),
        hard=True,
        values_kept=lambda g, a: nuclear_vjp(g, a, True),
    ),
    *twins(
        "linear: spectral norm",
        "singular values",
        lambda a: np.linalg.norm(a, 2),
        spectral_vjp,
        (normal(37, 3, 3),),
        smallest_value=lambda g, a: spectral_vjp(g, a, -1),
    ),
    *twins(
        "linear: reflection",
        "statistic held constant",
        reflect,
        reflect_vjp,
        (normal(38, 4), normal(39, 4)),
        norm_constant=lambda g, x, v: reflect_vjp(g, x, v, False),
    ),
    *twins(
        "linear: pseudo-inverse of a tall matrix",
        "shapes",
        np.linalg.pinv,
        pinv_vjp,
        (normal(40, 4, 2),),
        square_only=lambda g, a: pinv_vjp(g, a, False),
    ),
    *twins(
        "linear: quadratic form at a symmetric matrix",
        "transpose missing",
        lambda a, x: x @ a @ x,
        sandwich_vjp,
        (SYM, normal(41, 3)),
        assumed_symmetric=lambda g, a, x: sandwich_vjp(g, a, x, False),
    ),
    *twins(
        "linear: cube of a matrix",
        "operands swapped",
        lambda a: a @ a @ a,
        power3_vjp,
        (np.diag([1.0, 1.0, 1.0]),),
        as_if_commuting=lambda g, a: power3_vjp(g, a, False),
    ),
    *twins(
        "linear: equation of Lyapunov",
        "transpose missing",
        lyapunov,
        lyapunov_vjp,
        (-WELL, spd(3)),
        transpose_lost=lambda g, a, q: lyapunov_vjp(g, a, q, False),
    ),
    *twins(
        "linear: update of a covariance",
        "statistic held constant",
        kalman,
        kalman_vjp,
        (spd(3), normal(42, 3)),
        gain_constant=lambda g, p, h: kalman_vjp(g, p, h, False),
        options={"domain": Domain((POSITIVE_DEFINITE, REALS))},
    ),
    *twins(
        "linear: solve with the lower triangle",
        "indexing",
        tri_solve,
        tri_solve_vjp,
        (np.tril(WELL), normal(43, 3)),
        upper_triangle_filled=lambda g, a, b: tri_solve_vjp(g, a, b, False),
    ),
    *twins(
        "linear: log determinant",
        "transpose missing",
        lambda a: np.linalg.slogdet(a)[1],
        logdet_vjp,
        (SYM + 5 * np.eye(3),),
        transpose_lost=lambda g, a: logdet_vjp(g, a, False),
    ),
)
