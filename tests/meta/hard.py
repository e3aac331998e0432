"""Right implementations that careless checkers refuse, beside some small mistakes in the same places."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import special

from gradcheck.claim import POSITIVE, POSITIVE_DEFINITE, SIMPLEX, SYMMETRIC, Domain, interval
from tests.meta.case import Case
from tests.meta.pairs import normal, twins
from tests.meta.stable import sigmoid, softplus

hard = partial(twins, hard=True)
X = normal(61, 5)
M = normal(62, 3, 4)
ZERO = np.zeros(4)
F32, F16 = np.float32, np.float16


def on(where: Any) -> dict[str, Any]:
    return {"domain": Domain((where,))}


def slope(derivative: Any) -> Any:
    """The backward pass of an elementwise function with this derivative."""
    return lambda g, x: g * derivative(x)


# --- magnitude: steps below one ulp, noise of large values, scales side by side ------------------------------

SCALES = np.array([1e-12, 1.0, 1e12])
RATE = np.array([1e-9, 1e-3, 1.0, 1e3, 1e9])


def lorentz(x: Any) -> Any:
    return 1 / (1 + 1e6 * x * x)


def expanded(x: Any) -> Any:
    return ((((x - 5) * x + 10) * x - 10) * x + 5) * x - 1


def expanded_slope(x: Any) -> Any:
    return (((5 * x - 20) * x + 30) * x - 20) * x + 5


MAGNITUDE = (
    *hard("square at 1e10", "large x", lambda x: x * x, slope(lambda x: 2 * x), (1e10 + 1e9 * X,),
          unseen="one_ppm_off", one_ppm_off=slope(lambda x: 2.000002 * x)),
    *hard("offset 1e9 plus sine", "large offset", lambda x: 1e9 + np.sin(x), slope(np.cos), (X,),
          one_in_thousand_off=slope(lambda x: 0.999 * np.cos(x))),
    *hard("sine of 1000 x", "curvature", lambda x: np.sin(1000 * x), slope(lambda x: 1000 * np.cos(1000 * x)), (X,),
          rate_off_by_one=slope(lambda x: 999 * np.cos(1000 * x))),
    *hard("exp of 100 x", "curvature", lambda x: np.exp(100 * x), slope(lambda x: 100 * np.exp(100 * x)), (X / 5,)),
    *hard("exp at -800", "underflow", np.exp, slope(np.exp), (np.full(3, -800.0),)),
    *hard("cube at zero", "stationary", lambda x: x**3, slope(lambda x: 3 * x * x), (ZERO,),
          slope_of_square=slope(lambda x: 3 * x)),
    *hard("seventh power at zero", "stationary", lambda x: x**7, slope(lambda x: 7 * x**6), (ZERO,)),
    *hard("huge beside tiny", "scales", lambda x: SCALES * np.sin(x), slope(lambda x: SCALES * np.cos(x)), (X[:3],),
          sign_of_the_tiny_one=slope(lambda x: SCALES * np.cos(x) * [-1, 1, 1])),
    *hard("sum of rates", "scales", lambda x: (RATE * np.sin(x)).sum(), slope(lambda x: RATE * np.cos(x)), (X,),
          smallest_lost=slope(lambda x: RATE * np.cos(x) * (RATE > 1e-6))),
    *hard("values of 1e-200", "scales", lambda x: 1e-200 * np.sin(x), slope(lambda x: 1e-200 * np.cos(x)), (X,),
          unseen="sign", sign=slope(lambda x: -1e-200 * np.cos(x))),
    *hard("values of 1e200", "scales", lambda x: 1e200 * np.sin(x), slope(lambda x: 1e200 * np.cos(x)), (X,)),
    *hard("offset removed", "large offset", lambda x: (x - 1e8) ** 2, slope(lambda x: 2 * (x - 1e8)), (1e8 + X,)),
    *hard("variance at 1e8", "large offset", np.var, lambda g, x: g * 2 * (x - x.mean()) / x.size, (1e8 + X,)),
    *hard("narrow peak", "curvature", lorentz, slope(lambda x: -2e6 * x * lorentz(x) ** 2), (X / 100,)),
    *hard("narrow bell", "curvature", lambda x: np.exp(-1e4 * x * x), slope(lambda x: -2e4 * x * np.exp(-1e4 * x * x)),
          (X / 50,)),
    *hard("steep tanh", "curvature", lambda x: np.tanh(1000 * x),
          slope(lambda x: 4000 * np.exp(-2000 * abs(x)) / (1 + np.exp(-2000 * abs(x))) ** 2), (X / 500,)),
    *hard("chirp", "curvature", lambda x: np.cos(x * x), slope(lambda x: -2 * x * np.sin(x * x)), (100 + X,)),
    *hard("expanded fifth power near one", "cancellation", expanded, slope(expanded_slope), (1 + 1e-3 * X,)),
    *hard("sine squared plus cosine squared", "cancellation", lambda x: np.sin(x) ** 2 + np.cos(x) ** 2,
          lambda g, x: 0 * g, (X,)),
    *hard("smoothed absolute value", "curvature", lambda x: np.sqrt(x * x + 1e-20),
          slope(lambda x: x / np.sqrt(x * x + 1e-20)),
          (X,)),
    *hard("constant", "stationary", lambda x: np.full(3, 2.0), lambda g, x: np.zeros_like(x), (X,)),
)  # fmt: skip


# --- short floats, and float32 inside a float64 function -----------------------------------------------------


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g: Any, x: Any) -> Any:
    s = softmax(x)
    return s * (g - (s * g).sum(-1, keepdims=True))


def logsumexp(x: Any) -> Any:
    top = x.max(-1, keepdims=True)
    return np.log(np.exp(x - top).sum(-1)) + top[..., 0]


def logsumexp_vjp(g: Any, x: Any) -> Any:
    return g[..., None] * softmax(x)


def through_float32(x: Any) -> Any:
    return np.sin(x.astype(F32)).astype(np.float64)


SHORT = (
    *hard("sine in single precision", "float32", np.sin, slope(np.cos), (X.astype(F32),),
          one_per_cent_off=slope(lambda x: F32(1.01) * np.cos(x))),
    *hard("softmax in single precision", "float32", softmax, softmax_vjp, (M.astype(F32),)),
    *hard("logsumexp in single precision", "float32", logsumexp, logsumexp_vjp, (M.astype(F32),)),
    *hard("product in single precision", "float32", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g),
          (normal(63, 4, 40).astype(F32), normal(64, 40, 3).astype(F32))),
    *hard("sine in half precision", "float16", np.sin, slope(np.cos), (X.astype(F16),)),
    *hard("tripled in half precision", "float16", lambda x: 3 * x, lambda g, x: 3 * g, (X.astype(F16),),
          doubled=lambda g, x: 2 * g),
    *hard("mean in single precision", "float32", lambda x: x.mean(dtype=F32),
          lambda g, x: np.full_like(x, g / F32(x.size)),
          (normal(65, 1000).astype(F32),)),
    *hard("float32 inside float64", "float32", through_float32, slope(np.cos), (X,),
          two_per_cent_off=slope(lambda x: 1.02 * np.cos(x))),
)  # fmt: skip


# --- kinks: every valid choice -------------------------------------------------------------------------------


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def at_zero(value: float, left: float = 0.0, right: float = 1.0) -> Any:
    """left for negative x, right for positive x, the value at zero."""
    return slope(lambda x: np.where(x > 0, right, np.where(x < 0, left, value)))


def shared(g: Any, x: Any) -> Any:
    tied = x == x.max()
    return g * tied / tied.sum()


def first(g: Any, x: Any) -> Any:
    return g * (np.arange(x.size) == x.argmax())


def last(g: Any, x: Any) -> Any:
    return first(g, x[::-1])[::-1]


def larger(share: float) -> Any:
    def vjp(g: Any, x: Any, y: Any) -> Any:
        left = np.where(x == y, share, x > y)
        return g * left, g * (1 - left)

    return vjp


def hinge(x: Any) -> Any:
    return np.maximum(0, 1 - x)


def hinge_vjp(at_one: float) -> Any:
    return slope(lambda x: np.where(x < 1, -1.0, np.where(x > 1, 0.0, at_one)))


def clip_vjp(at_bound: float) -> Any:
    return slope(lambda x: np.where(abs(x) < 1, 1.0, np.where(abs(x) > 1, 0.0, at_bound)))


def order_vjp(kind: Any) -> Any:
    def vjp(g: Any, x: Any) -> Any:
        d = np.empty_like(x)
        d[np.argsort(x, kind=kind)] = g
        return d

    return vjp


TIED, BOUNDS = np.array([2.0, 3.0, 3.0, -1.0]), np.array([-1.0, 0.3, 1.0, 2.0])
EIGHT = np.zeros(8)

KINKS = (
    *hard("relu of zeros giving 0", "kink", relu, at_zero(0.0), (EIGHT,), unseen="*",
          two=at_zero(2.0), negative=at_zero(-0.5),
          nan=at_zero(np.nan)),
    *hard("relu of zeros giving one half", "kink", relu, at_zero(0.5), (EIGHT,), slope_two=at_zero(0.5, right=2.0)),
    *hard("relu of zeros giving 1", "kink", relu, at_zero(1.0), (EIGHT,)),
    *hard("absolute value of zeros giving 0", "kink", np.abs, slope(np.sign), (ZERO,), unseen="*",
          beyond=at_zero(1.5, left=-1.0)),
    *hard("absolute value of zeros giving 1", "kink", np.abs, at_zero(1.0, left=-1.0), (ZERO,)),
    *hard("absolute value of zeros giving a third", "kink", np.abs, at_zero(1 / 3, left=-1.0), (ZERO,)),
    *hard("leaky relu of zeros", "kink", lambda x: np.where(x > 0, x, 0.1 * x), at_zero(0.1, left=0.1), (ZERO,)),
    *hard("maximum with ties shared", "tie", np.max, shared, (TIED,), unseen="*",
          each_in_full=lambda g, x: g * (x == x.max()),
          none=lambda g, x: g * (x == x.max()) * ((x == x.max()).sum() == 1)),
    *hard("maximum with first of ties", "tie", np.max, first, (TIED,)),
    *hard("maximum with last of ties", "tie", np.max, last, (TIED,)),
    *hard("larger of two equal ones, halves", "tie", np.maximum, larger(0.5), (X, X.copy()), unseen="*",
          both=lambda g, x, y:
          (g * (x >= y), g * (y >= x))),
    *hard("larger of two equal ones, first", "tie", np.maximum, larger(1.0), (X, X.copy())),
    *hard("hinge at one giving 0", "kink", hinge, hinge_vjp(0.0), (np.ones(3),), unseen="*",
          positive=hinge_vjp(1.0)),
    *hard("hinge at one giving -1", "kink", hinge, hinge_vjp(-1.0), (np.ones(3),)),
    *hard("clip at bounds giving 1", "kink", lambda x: np.clip(x, -1, 1), clip_vjp(1.0), (BOUNDS,), unseen="*",
          minus_one=clip_vjp(-1.0)),
    *hard("clip at bounds giving 0", "kink", lambda x: np.clip(x, -1, 1), clip_vjp(0.0), (BOUNDS,)),
    *hard("sort of ties, stable", "tie", np.sort, order_vjp("stable"), (TIED,)),
    *hard("length of the zero pair", "kink", lambda x, y: np.sqrt(x * x + y * y),
          lambda g, x, y: tuple(g * a / np.where(np.hypot(x, y) > 0, np.hypot(x, y), 1) for a in (x, y)),
          (np.array([0.0, 3.0]), np.array([0.0, 4.0]))),
    *hard("elu at zero", "kink", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
          slope(lambda x: np.exp(np.minimum(x, 0))), (ZERO,)),
    *hard("x times |x| at zero", "kink", lambda x: x * np.abs(x), slope(lambda x: 2 * np.abs(x)), (ZERO,)),
    *hard("softsign at zero", "kink", lambda x: x / (1 + np.abs(x)), slope(lambda x: (1 + np.abs(x)) ** -2), (ZERO,)),
)  # fmt: skip


# --- edges of domains ----------------------------------------------------------------------------------------

OPEN_UNIT = interval(-1, 1, closed=False)
NEAR_ONE = np.array([-0.999999, 0.5, 0.99999999])


def root_of_product(x: Any) -> Any:
    return np.sqrt((1 - x) * (1 + x))


EDGES = (
    *hard("logarithm at 1e-6", "domain edge", np.log, lambda g, x: g / x, (np.array([1e-6, 2e-6, 1.0]),),
          options=on(interval(1e-100)), unseen="*", with_epsilon=lambda g, x: g / (x + 1e-8)),
    *hard("root near zero", "domain edge", np.sqrt, lambda g, x: g / (2 * np.sqrt(x)), (np.array([1e-12, 1e-6, 1.0]),),
          options=on(POSITIVE)),
    *hard("arcsine near one", "domain edge", np.arcsin, lambda g, x: g / root_of_product(x), (NEAR_ONE,),
          options=on(OPEN_UNIT), sign=lambda g, x: -g / root_of_product(x)),
    *hard("arccosine near one", "domain edge", np.arccos, lambda g, x: -g / root_of_product(x), (NEAR_ONE,),
          options=on(OPEN_UNIT)),
    *hard("artanh near one", "domain edge", np.arctanh, lambda g, x: g / ((1 - x) * (1 + x)), (NEAR_ONE,),
          options=on(OPEN_UNIT)),
    *hard("half circle", "domain edge", root_of_product, lambda g, x: -g * x / root_of_product(x), (NEAR_ONE,),
          options=on(OPEN_UNIT)),
    *hard("log1p near -1", "domain edge", np.log1p, lambda g, x: g / (1 + x), (np.array([-0.9999999, 1e-12, 3.0]),),
          options=on(interval(-1, closed=False))),
    *hard("x log x", "domain edge", lambda x: x * np.log(x), lambda g, x: g * (np.log(x) + 1),
          (np.array([1e-9, 0.1, 3.0]),),
          options=on(POSITIVE), one_forgotten=lambda g, x: g * np.log(x)),
    *hard("arcosh near one", "domain edge", np.arccosh, lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
          (np.array([1 + 1e-9, 2.0]),), options=on(interval(1, closed=False))),
    *hard("reciprocal of small numbers", "domain edge", lambda x: 1 / x, lambda g, x: -g / x / x,
          (np.array([1e-8, 1e8]),),
          options=on(interval(1e-50))),
    *hard("tangent near its pole", "domain edge", np.tan, lambda g, x: g * (1 + np.tan(x) ** 2),
          (np.array([1.57, -1.5707]),),
          options=on(interval(-1.5707, 1.5707))),
    *hard("log gamma near zero", "domain edge", special.gammaln, lambda g, x: g * special.digamma(x),
          (np.array([1e-5, 1.0, 40.0]),), options=on(interval(1e-50))),
    *hard("power five halves at zero", "domain edge", lambda x: x**2.5, lambda g, x: g * 2.5 * x**1.5,
          (np.array([0, 1e-8, 2]),),
          options=on(interval(0))),
)  # fmt: skip


# --- saturated, written so that nothing overflows ------------------------------------------------------------

WIDE = np.array([[800.0, -800.0, 0.0], [-800.0, -799.0, -801.0], [1.0, 2.0, 800.0]])
SATURATED = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])


def length(x: Any) -> Any:
    top = np.abs(x).max()
    return top * np.sqrt(((x / top) ** 2).sum()) if top else np.abs(x).sum()


def length_vjp(g: Any, x: Any) -> Any:
    top = np.abs(x).max()
    return g * (x / top) / np.sqrt(((x / top) ** 2).sum()) if top else np.zeros_like(x)


def unguarded_length_vjp(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return g * x / length(x)


def product_vjp(g: Any, x: Any) -> Any:
    before, after = np.cumprod(np.append(1, x[:-1])), np.cumprod(np.append(1, x[:0:-1]))[::-1]
    return g * before * after


STABLE = (
    *hard("softmax at 800", "saturation", softmax, softmax_vjp, (WIDE,)),
    *hard("logsumexp at 800", "saturation", logsumexp, logsumexp_vjp, (WIDE,), not_normalised=lambda g, x:
          g[..., None] * np.exp(x - x.max(-1, keepdims=True))),
    *hard("sigmoid at 800", "saturation", sigmoid, slope(lambda x: sigmoid(x) * sigmoid(-x)), (SATURATED,)),
    *hard("softplus at 800", "saturation", softplus, slope(sigmoid), (SATURATED,)),
    *hard("logaddexp at 800", "saturation", np.logaddexp, lambda g, x, y: (g * sigmoid(x - y), g * sigmoid(y - x)),
          (SATURATED, SATURATED[::-1].copy())),
    *hard("error function at 40", "saturation", special.erf, slope(lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
          (np.array([-40.0, 0.0, 3.0, 40.0]),)),
    *hard("length of the zero vector", "kink", length, length_vjp, (ZERO,),
          unseen="*", nan_at_zero=unguarded_length_vjp),
    *hard("product with a zero", "zeros", np.prod, product_vjp, (np.array([2.0, 0.0, -3.0]),),
          unseen="*", by_division=lambda g, x: g * np.prod(x) / np.where(x == 0, 1, x)),
)  # fmt: skip


# --- ill-conditioned matrices, and sets in which only some directions exist ----------------------------------

HILBERT = 1 / (np.arange(1.0, 7.0)[:, None] + np.arange(6.0))
SPD = on(POSITIVE_DEFINITE)
COVARIANCE = M @ M.T + np.eye(3)


def symmetrised(a: Any) -> Any:
    return (a + a.T) / 2


def inverse_vjp(g: Any, a: Any) -> Any:
    inverse = np.linalg.inv(a)
    return -inverse.T @ g @ inverse.T


def solve_vjp(g: Any, a: Any, b: Any) -> Any:
    back = np.linalg.solve(a.T, g)
    return -np.outer(back, np.linalg.solve(a, b)), back


def eigenvalue_energy(a: Any) -> Any:
    return (np.linalg.eigvalsh(a) ** 2).sum()


SETS = (
    *hard("inverse of a Hilbert matrix", "conditioning", np.linalg.inv, inverse_vjp, (HILBERT,), options=SPD,
          sign=lambda g, a: -inverse_vjp(g, a)),
    *hard("solving with a Hilbert matrix", "conditioning", np.linalg.solve, lambda g, a, b: solve_vjp(g, a, b)[1],
          (HILBERT, np.ones(6)), options={"wrt": (1,)}),
    *hard("log-determinant, symmetrised", "symmetric", lambda a: np.linalg.slogdet(a)[1],
          lambda g, a: g * symmetrised(np.linalg.inv(a)), (COVARIANCE,), options=SPD,
          diagonal_only=lambda g, a: g * np.diag(np.diag(np.linalg.inv(a)))),
    *hard("log-determinant in the lower triangle", "symmetric", lambda a: np.linalg.slogdet(a)[1],
          lambda g, a: g * (2 * np.tril(np.linalg.inv(a)) - np.diag(np.diag(np.linalg.inv(a)))), (COVARIANCE,),
          options=SPD),
    *hard("inverse of a covariance, symmetrised", "symmetric", np.linalg.inv,
          lambda g, a: symmetrised(inverse_vjp(g, a)),
          (COVARIANCE,), options=SPD),
    *hard("energy of eigenvalues", "symmetric", eigenvalue_energy, lambda g, a: 2 * g * symmetrised(a),
          (symmetrised(normal(66, 3, 3)),), options=on(SYMMETRIC), factor=lambda g, a: g * symmetrised(a)),
    *hard("purity on the simplex, projected", "simplex", lambda p: (p * p).sum(), lambda g, p: 2 * g * (p - p.mean()),
          (softmax(X),), options=on(SIMPLEX), factor=lambda g, p: g * (p - p.mean())),
    *hard("purity on the simplex, not projected", "simplex", lambda p: (p * p).sum(), lambda g, p: 2 * g * p,
          (softmax(X),), options=on(SIMPLEX)),
)  # fmt: skip


# --- many entries, views, state, chance, steps, declared surrogates ------------------------------------------

MANY = normal(67, 100_000)


def one_wrong(x: Any) -> Any:
    d = np.cos(x)
    d[x.size // 3] *= 0.5
    return d


class Dense:
    """Weights held in the layer, input saved by the forward pass."""

    weight = normal(68, 4, 2)

    def forward(self, x: Any) -> Any:
        self.x = x
        return np.sin(x @ self.weight)

    def backward(self, g: Any) -> Any:
        return (g * np.cos(self.x @ self.weight)) @ self.weight.T


class Dropout:
    """A new mask at each forward pass, from the layer's own generator."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(69)

    def forward(self, x: Any) -> Any:
        self.mask = self.rng.random(x.shape) < 0.7
        return x * self.mask / 0.7

    def backward(self, g: Any) -> Any:
        return g * self.mask / 0.7


class DropoutOfOther(Dropout):
    """The mask of the backward pass is drawn anew."""

    def backward(self, g: Any) -> Any:
        return g * (self.rng.random(g.shape) < 0.7) / 0.7


class Running(Dense):
    """Keeps statistics of what it has seen, which its output does not depend on."""

    seen: Any = 0.0

    def forward(self, x: Any) -> Any:
        self.seen = 0.9 * self.seen + 0.1 * x.mean()
        return super().forward(x)


def noisy(x: Any) -> Any:
    return np.sin(x) + np.random.default_rng(70).normal(size=x.shape)


STATE, STE = {"stateful": True}, {"intent": "straight-through"}

VARIOUS = (
    *hard("sine of 10,000 entries", "large n", np.sin, slope(np.cos),
          (MANY[:10_000],), one_entry_halved=slope(one_wrong)),
    *hard("sine of 100,000 entries", "large n", np.sin, slope(np.cos), (MANY,), one_entry_halved=slope(one_wrong)),
    *hard("mean of squares of 100,000", "large n", lambda x: (x * x).mean(), lambda g, x: g * 2 * x / x.size, (MANY,)),
    *hard("identity", "views", lambda x: x.copy(), lambda g, x: g, (X,)),
    *hard("identity, the input itself", "views", lambda x: x, lambda g, x: g, (X,)),
    *hard("reshaped view", "views", lambda x: x.reshape(-1), lambda g, x: g.reshape(x.shape), (M,)),
    *hard("transposed view", "views", lambda x: x.T, lambda g, x: g.T, (M,)),
    *hard("sum by a broadcast view", "views", np.sum, lambda g, x: np.broadcast_to(g, x.shape), (M,)),
    *hard("sum of two, one cotangent for both", "views", np.add, lambda g, x, y: (g, g), (X, X + 1)),
    *hard("dense layer object", "state", None, Dense, (M,), options=STATE),
    *hard("layer with running statistics", "state", None, Running, (M,), options=STATE),
    *hard("dropout", "chance", None, Dropout, (normal(71, 8),), options=STATE, mask_drawn_anew=DropoutOfOther),
    *hard("noise of a fixed seed", "chance", noisy, slope(np.cos), (X,)),
    *hard("floor", "steps", np.floor, lambda g, x: np.zeros_like(x), (X,), passed_through=lambda g, x: g.copy()),
    *hard("sign", "steps", np.sign, lambda g, x: np.zeros_like(x), (X,), passed_through=lambda g, x: g.copy()),
    *hard("comparison", "steps", lambda x: (x > 0.1) * 1.0, lambda g, x: np.zeros_like(x), (X,)),
    *hard("sawtooth", "steps", lambda x: x - np.floor(x), lambda g, x: g.copy(), (X,)),
    *hard("rounding, straight through", "declared", np.round, lambda g, x: g.copy(), (X,), options=STE),
    *hard("sign, straight through", "declared", np.sign, lambda g, x: g * (np.abs(x) <= 1), (X,), options=STE),
)  # fmt: skip

WHOLE = tuple(
    Case(name=f"{layer.__name__} passed as an object", group="state", make=lambda layer=layer: (layer(), None),
         inputs=(M,), ok=True, hard=True)
    for layer in (Dense, Running)
)  # fmt: skip

CASES: tuple[Case, ...] = (*MAGNITUDE, *SHORT, *KINKS, *EDGES, *STABLE, *SETS, *VARIOUS, *WHOLE)
