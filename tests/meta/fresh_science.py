"""Formulae of physics, geometry and finance with their derivatives by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradcheck import Domain, interval
from tests.meta.pairs import normal, twins


def haversine(a: Any, b: Any) -> Any:
    """Distance on the unit sphere of (latitude, longitude) a and b, in radians."""
    s = np.sin((b[0] - a[0]) / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * np.sin((b[1] - a[1]) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(s))


def haversine_back(g: Any, a: Any, b: Any, cosines: bool = True) -> Any:
    d, e = b[0] - a[0], b[1] - a[1]
    q = np.sin(e / 2) ** 2
    s = np.sin(d / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * q
    k = g / np.sqrt(s * (1 - s))
    da = -0.5 * np.sin(d) - (np.sin(a[0]) * np.cos(b[0]) * q if cosines else 0)
    db = 0.5 * np.sin(d) - (np.cos(a[0]) * np.sin(b[0]) * q if cosines else 0)
    de = 0.5 * np.cos(a[0]) * np.cos(b[0]) * np.sin(e)
    return np.stack([k * da, -k * de]), np.stack([k * db, k * de])


def rotate(q: Any, v: Any) -> Any:
    """The vector v turned by the quaternion q = (w, u), which need not have length one."""
    w, u = q[0], q[1:]
    c = 2 * np.cross(u, v)
    return v + (w * c + np.cross(u, c)) / (q @ q)


def rotate_back(g: Any, q: Any, v: Any, length: bool = True, order: bool = True) -> Any:
    w, u, n = q[0], q[1:], q @ q
    c = 2 * np.cross(u, v)
    r = w * c + np.cross(u, c)
    h = g / n
    dc = w * h + np.cross(h, u)
    du = np.cross(c, h) + 2 * np.cross(v, dc)
    dv = g + 2 * (np.cross(dc, u) if order else np.cross(u, dc))
    dq = np.append(h @ c, du) - (2 * q * (g @ r) / n**2 if length else 0)
    return dq, dv


def d1d2(s: Any, k: Any, v: Any, t: Any) -> Any:
    root = v * np.sqrt(t)
    d = np.log(s / k) / root + 0.5 * root
    return d, d - root


def call_price(s: Any, k: Any, v: Any, t: Any) -> Any:
    a, b = d1d2(s, k, v, t)
    return s * special.ndtr(a) - k * special.ndtr(b)


def bell(x: Any) -> Any:
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def call_back(g: Any, s: Any, k: Any, v: Any, t: Any, fault: str = "") -> Any:
    a, b = d1d2(s, k, v, t)
    vega = s * bell(b if fault == "vega" else a) * np.sqrt(t)
    theta = s * bell(a) * v / (np.sqrt(t) if fault == "theta" else 2 * np.sqrt(t))
    return g * special.ndtr(a), -g * special.ndtr(b), g * vega, g * theta


def ising(s: Any, j: Any, h: Any) -> Any:
    return -0.5 * s @ j @ s - h @ s


def lennard_jones(x: Any) -> Any:
    d = x[:, None] - x[None, :]
    r2 = (d * d).sum(-1) + np.eye(len(x))
    i6 = 1 / r2**3
    return 2 * ((i6 * i6 - i6) * (1 - np.eye(len(x)))).sum()


def lennard_jones_back(g: Any, x: Any, both: bool = True, power: int = 12) -> Any:
    d = x[:, None] - x[None, :]
    r2 = (d * d).sum(-1) + np.eye(len(x))
    i6 = 1 / r2**3
    w = (-power * i6 * i6 + 6 * i6) / r2 * (1 - np.eye(len(x)))
    return g * (4 if both else 2) * (w[..., None] * d).sum(1)


def kepler(m: Any, e: Any) -> Any:
    """The eccentric anomaly E with E - e sin E = m."""
    x = m + e * np.sin(m)
    for _ in range(50):
        x = x - (x - e * np.sin(x) - m) / (1 - e * np.cos(x))
    return x


def kepler_back(g: Any, m: Any, e: Any, at_root: bool = True) -> Any:
    x = kepler(m, e)
    d = 1 - e * np.cos(x)
    return g / d, (g * np.sin(x if at_root else m) / d).sum()


def planck(x: Any) -> Any:
    return x**3 / np.expm1(x)


def planck_back(g: Any, x: Any) -> Any:
    return g * x * x * (3 - x / -np.expm1(-x)) / np.expm1(x)


def planck_naive(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        e = np.exp(x)
        return g * (3 * x * x * (e - 1) - x**3 * e) / (e - 1) ** 2


def dihedral(p: Any) -> Any:
    a, b, c = np.diff(p, axis=0)
    m, n = np.cross(a, b), np.cross(b, c)
    return np.arctan2(np.sqrt(b @ b) * (a @ n), m @ n)


def dihedral_back(g: Any, p: Any, middle: bool = True) -> Any:
    a, b, c = np.diff(p, axis=0)
    m, n = np.cross(a, b), np.cross(b, c)
    nb = np.sqrt(b @ b)
    da, dc = nb * m / (m @ m), nb * n / (n @ n)
    db = -(a @ b) / (nb * (m @ m)) * m - (b @ c) / (nb * (n @ n)) * n if middle else 0 * b
    d = g * np.stack([da, db, dc])
    return np.concatenate([-d[:1], d[:-1] - d[1:], d[-1:]])


def spring(x: Any, rest: Any) -> Any:
    d = np.diff(x, axis=0)
    return 0.5 * ((np.sqrt((d * d).sum(-1)) - rest) ** 2).sum()


def spring_back(g: Any, x: Any, rest: Any, strain: bool = True) -> Any:
    d = np.diff(x, axis=0)
    r = np.sqrt((d * d).sum(-1, keepdims=True))
    with np.errstate(all="ignore"):
        f = g * (d - rest[:, None] * np.where(r > 0, d / r, 0)) if strain else g * d
    dx = np.zeros_like(x)
    dx[1:] += f
    dx[:-1] -= f
    return dx, g * (rest - r[:, 0])


def gravity(x: Any, m: Any) -> Any:
    d = x[:, None] - x[None, :]
    return -0.5 * (np.outer(m, m) / np.sqrt((d * d).sum(-1) + 0.01)).sum()


def gravity_back(g: Any, x: Any, m: Any, softened: bool = True, doubled: bool = False) -> Any:
    d = x[:, None] - x[None, :]
    r2 = (d * d).sum(-1) + 0.01
    bare = r2 if softened else r2 - 0.01 * (1 - np.eye(len(x)))
    w = np.outer(m, m) / bare**1.5
    return g * (w[..., None] * d).sum(1), -g * (1 / np.sqrt(r2)) @ m * (2 if doubled else 1)


def langevin(x: Any) -> Any:
    """Coth x - 1/x, by its series near 0."""
    small = np.abs(x) < 0.3
    y = np.where(small, 1.0, x)
    q = x * x
    series = x * (1 / 3 - q * (1 / 45 - q * (2 / 945 - q * (1 / 4725 - q * (2 / 93555 - q * 1382 / 638512875)))))
    return np.where(small, series, 1 / np.tanh(y) - 1 / y)


def langevin_back(g: Any, x: Any, near: bool = True) -> Any:
    q, small = x * x, np.abs(x) < 0.3
    y = np.where(small, 1.0, x)
    terms = (1 / 15, 2 / 189, 1 / 675, 2 / 10395, 1382 * 11 / 638512875)
    series = 1 / 3 - q * (terms[0] - q * (terms[1] - q * (terms[2] - q * (terms[3] - q * terms[4]))))
    with np.errstate(over="ignore"):
        far = 1 / y**2 - 1 / np.sinh(np.clip(y, -700, 700)) ** 2
        if not near:
            return g * np.where(x == 0, 0, 1 / np.where(x == 0, 1, x) ** 2 - 1 / np.sinh(np.where(x == 0, 1, x)) ** 2)
    return g * np.where(small, series, far)


def bond(y: Any, c: Any) -> Any:
    k = np.arange(1, len(c) + 1)
    return (c * (1 + y) ** -k).sum()


def michaelis(s: Any, v: Any, k: Any) -> Any:
    return v * s / (k + s)


def nernst(a: Any, b: Any) -> Any:
    return 25.7 * np.log10(a / b)


ORBIT = {"domain": Domain((interval(-10, 10), interval(0, 0.8)))}
MARKET = {"domain": interval(0.2, 3)}
POINTS = np.array([[0.0, 0.0, 0.0], [1.5, 0.1, 0.0], [0.2, 1.3, 0.4]])
CHAIN = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.1], [1.2, 1.0, 0.0], [2.0, 1.1, 0.9]])
J = (m := normal(60, 4, 4)) + m.T
SPREAD = {"domain": interval(-2, 2)}

CASES = (
    *twins(
        "science: distance on the sphere",
        "one path lost",
        haversine,
        haversine_back,
        (np.array([0.3, 0.2]), np.array([0.9, 1.4])),
        options={"domain": Domain((interval(0.1, 0.6), interval(0.7, 1.5)))},
        cosines_constant=lambda g, a, b: haversine_back(g, a, b, False),
    ),
    *twins(
        "science: rotation by a quaternion of length one",
        "statistic held constant",
        rotate,
        rotate_back,
        (np.array([0.5, 0.5, -0.5, 0.5]), normal(61, 3)),
        length_constant=lambda g, q, v: rotate_back(g, q, v, length=False),
        cross_turned_round=lambda g, q, v: rotate_back(g, q, v, order=False),
    ),
    *twins(
        "science: price of a call",
        "wrong argument",
        call_price,
        call_back,
        (np.array([1.0, 1.2]), np.array([1.1, 1.0]), np.array([0.3, 0.4]), np.array([0.5, 1.0])),
        vega_at_the_other=lambda g, *a: call_back(g, *a, fault="vega"),
        theta_doubled=lambda g, *a: call_back(g, *a, fault="theta"),
        options=MARKET,
        hard=True,
    ),
    *twins(
        "science: energy of spins, symmetric couplings",
        "transpose missing",
        ising,
        lambda g, s, j, h: (-g * (0.5 * (j + j.T) @ s + h), -0.5 * g * np.outer(s, s), -g * s),
        (np.array([1.0, -1.0, 1.0, 1.0]), J, normal(62, 4)),
        assumed_symmetric=lambda g, s, j, h: (-g * (j @ s + h), -0.5 * g * np.outer(s, s), -g * s),
        half_lost=lambda g, s, j, h: (-g * (0.5 * (j + j.T) @ s + h), -g * np.outer(s, s), -g * s),
    ),
    *twins(
        "science: atoms",
        "constant factor",
        lennard_jones,
        lennard_jones_back,
        (POINTS,),
        pairs_once=lambda g, x: lennard_jones_back(g, x, False),
        repulsion_power=lambda g, x: lennard_jones_back(g, x, power=13),
        hard=True,
        options={"domain": interval(-3, 3)},
    ),
    *twins(
        "science: equation of Kepler",
        "activation derivative at the wrong argument",
        kepler,
        kepler_back,
        (normal(63, 3), np.array(0.4)),
        sine_of_the_mean=lambda g, m, e: kepler_back(g, m, e, False),
        options=ORBIT,
    ),
    *twins(
        "science: radiation",
        "overflow",
        planck,
        planck_back,
        (np.array([0.5, 2.0, 5.0]),),
        unseen="*",
        hard=True,
        overflow=planck_naive,
        options={"domain": interval(0.01, 2000)},
    ),
    *twins(
        "science: dihedral angle",
        "one path lost",
        dihedral,
        dihedral_back,
        (CHAIN,),
        axis_constant=lambda g, p: dihedral_back(g, p, False),
        sign=lambda g, p: -dihedral_back(g, p),
    ),
    *twins(
        "science: springs at rest",
        "values",
        spring,
        spring_back,
        (np.cumsum([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], 0), np.array([5.0, 1.0])),
        rest_forgotten=lambda g, x, rest: spring_back(g, x, rest, False),
    ),
    *twins(
        "science: gravity of soft masses",
        "constant factor",
        gravity,
        gravity_back,
        (normal(64, 3, 2), np.array([1.0, 2.0, 0.5])),
        epsilon_forgotten=lambda g, x, m: gravity_back(g, x, m, False),
        mass_doubled=lambda g, x, m: gravity_back(g, x, m, doubled=True),
    ),
    *twins(
        "science: function of Langevin",
        "removable singularity",
        langevin,
        langevin_back,
        (np.array([0.5, -2.0, 3.0, 0.0]),),
        zero_at_zero=lambda g, x: langevin_back(g, x, False),
        hard=True,
        options={"domain": interval(-500, 500)},
    ),
    *twins(
        "science: yield of a bond",
        "missing factor",
        bond,
        lambda g, y, c: (
            -g * (c * (k := np.arange(1, len(c) + 1)) * (1 + y) ** (-k - 1.0)).sum(),
            g * (1 + y) ** -k,
        ),
        (np.array(0.05), np.array([5.0, 5.0, 105.0])),
        power_not_lowered=lambda g, y, c: (
            -g * (c * (k := np.arange(1, len(c) + 1)) * (1 + y) ** (-1.0 * k)).sum(),
            g * (1 + y) ** -k,
        ),
        time_forgotten=lambda g, y, c: (
            -g * (c * (1 + y) ** (-(k := np.arange(1, len(c) + 1)) - 1.0)).sum(),
            g * (1 + y) ** -k,
        ),
        options={"domain": Domain((interval(0, 1), interval(-200, 200)))},
    ),
    *twins(
        "science: enzyme",
        "sum over a broadcast axis missing",
        michaelis,
        lambda g, s, v, k: (
            g * v * k / (k + s) ** 2,
            np.sum(g * s / (k + s)),
            np.sum(-g * v * s / (k + s) ** 2),
        ),
        (np.array([0.5, 1.0, 4.0]), np.array(2.0), np.array(0.7)),
        mean_for_sum=lambda g, s, v, k: (
            g * v * k / (k + s) ** 2,
            np.mean(g * s / (k + s)),
            np.sum(-g * v * s / (k + s) ** 2),
        ),
        options={"domain": interval(0.1, 50)},
    ),
    *twins(
        "science: potential of a membrane",
        "constant factor",
        nernst,
        lambda g, a, b: (25.7 * g / (a * np.log(10)), -25.7 * g / (b * np.log(10))),
        (np.array([140.0, 10.0]), np.array([5.0, 145.0])),
        natural_logarithm=lambda g, a, b: (25.7 * g / a, -25.7 * g / b),
        options={"domain": interval(1e-6, 1e6)},
    ),
)
