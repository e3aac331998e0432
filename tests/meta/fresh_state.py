"""State, memory, randomness, declared surrogates, forward mode, cotangents mishandled."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.pairs import normal, twins


class Dropout:
    """Keeps about two thirds of the entries; the mask is drawn by a generator of its own."""

    redraws = False

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.mask: Any = None

    def draw(self, x: Any) -> Any:
        return (self.rng.random(x.shape) < 2 / 3) * 1.5

    def forward(self, x: Any) -> Any:
        self.mask = self.draw(x)
        return x * self.mask

    def backward(self, g: Any) -> Any:
        return g * (self.draw(g) if self.redraws else self.mask)


class DropoutRedrawn(Dropout):
    redraws = True


class DropoutUnscaled(Dropout):
    def backward(self, g: Any) -> Any:
        return g * (self.mask > 0)


class Linear:
    """A layer with parameters as arguments that keeps what the backward needs."""

    def forward(self, x: Any, w: Any) -> Any:
        self.x, self.w = x.copy(), w.copy()
        return x @ w

    def backward(self, g: Any) -> Any:
        return g @ self.w.T, self.x.T @ g


class LinearAccumulating(Linear):
    def __init__(self) -> None:
        self.dw: Any = 0.0

    def backward(self, g: Any) -> Any:
        self.dw = self.dw + self.x.T @ g
        return g @ self.w.T, self.dw


class LinearFirstKept(Linear):
    def forward(self, x: Any, w: Any) -> Any:
        if not hasattr(self, "x"):
            self.x = x.copy()
        self.w = w.copy()
        return x @ w


class LinearSpoilt(Linear):
    def backward(self, g: Any) -> Any:
        dw = self.x.T @ g
        self.x *= 0.5
        return g @ self.w.T, dw


class Scaled:
    """Returns its gradient in a buffer that is written anew by each call; the caller gets a copy."""

    shares = False

    def __init__(self) -> None:
        self.buffer = np.zeros(4)

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return x**3

    def backward(self, g: Any) -> Any:
        np.multiply(3 * self.x**2, g, out=self.buffer)
        return self.buffer if self.shares else self.buffer.copy()


class ScaledShared(Scaled):
    shares = True


class Running:
    """Batch statistics in the forward; the running mean is kept but not used."""

    uses_running = False

    def __init__(self) -> None:
        self.mean: Any = 0.0

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return (x - x.mean(0)) ** 2

    def backward(self, g: Any) -> Any:
        c = 2 * g * (self.x - (self.mean if self.uses_running else self.x.mean(0)))
        return c - c.mean(0)


class RunningUsed(Running):
    uses_running = True


MEMO: dict[Any, Any] = {}


def remembered(by_value: bool) -> Any:
    store: dict[Any, Any] = {}

    def vjp(g: Any, x: Any) -> Any:
        key = x.tobytes() if by_value else x.shape
        if key not in store:
            store[key] = np.cos(x)
        return g * store[key]

    return vjp


class Remembered:
    """Keeps the slope of each input that it has seen, by the bytes of the input."""

    by_value = True

    def __init__(self) -> None:
        self.vjp = remembered(self.by_value)

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return np.sin(x)

    def backward(self, g: Any) -> Any:
        return self.vjp(g, self.x)


class RememberedByShape(Remembered):
    by_value = False


def in_place(g: Any, x: Any) -> Any:
    g = np.asarray(g)
    g *= 2 * x
    return g


def noisy() -> Any:
    rng = np.random.default_rng(0)
    return lambda g, x: g * 2 * x * (1 + 1e-6 * rng.normal(size=x.shape))


class Noisy:
    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return x * x

    def __init__(self) -> None:
        self.vjp = noisy()

    def backward(self, g: Any) -> Any:
        return self.vjp(g, self.x)


def spoil(x: Any) -> Any:
    x = np.asarray(x)
    x[x < 0] = 0
    return x * 1.0


def by_memory(g: Any, x: Any) -> Any:
    return (g.ravel(order="K") * np.exp(x).ravel(order="K")).reshape(x.shape)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_back(g: Any, x: Any) -> Any:
    p = softmax(x)
    return p * (g - g @ p)


def softmax_push(t: Any, x: Any) -> Any:
    p = softmax(x)
    return p * (t[0] - t[0] @ p)


def half_round(x: Any) -> Any:
    return np.round(2 * x) / 2


def stop_back(g: Any, x: Any, through: bool = False) -> Any:
    return g * (2 * x if through else x)


def product_back(g: Any, x: Any, y: Any) -> Any:
    return g * y, g * x


def through(how: Any) -> Any:
    """A backward of x**2 that does something to its cotangent first."""
    return lambda g, x: 2 * x * how(g)


X = normal(1, 4)
SQUARE = {
    "rectified": through(lambda g: np.maximum(g, 0)),
    "clipped_at_five": through(lambda g: np.clip(g, -5, 5)),
    "squared": through(lambda g: g * np.abs(g)),
    "normalised": through(lambda g: g / np.maximum(np.abs(g).max(initial=0), 1)),
    "mean_taken": through(lambda g: np.full_like(g, g.mean())),
    "ignored": through(np.ones_like),
    "first_only": through(lambda g: np.full_like(g, g[0])),
    "turned_round": through(lambda g: g[::-1]),
    "tiny_dropped": through(lambda g: np.where(np.abs(g) < 1e-3, 0, g)),
    "nothing_over_nothing": through(lambda g: g * (g.sum() / g.sum()) if g.any() else g * np.nan),
}

CASES = (
    *twins(
        "state: dropout with its own generator",
        "stale state",
        None,
        Dropout,
        (normal(2, 6),),
        hard=True,
        options={"stateful": True},
        mask_drawn_again=DropoutRedrawn,
        scale_forgotten=DropoutUnscaled,
    ),
    *twins(
        "state: linear layer that keeps its inputs",
        "stale state",
        None,
        Linear,
        (normal(3, 2, 3), normal(4, 3, 2)),
        options={"stateful": True},
        accumulates=LinearAccumulating,
        first_input_kept=LinearFirstKept,
        spoils_what_it_saved=LinearSpoilt,
        unseen="*",
    ),
    *twins(
        "state: gradient from a buffer",
        "aliasing",
        None,
        Scaled,
        (X,),
        hard=True,
        options={"stateful": True},
        buffer_handed_out=ScaledShared,
        unseen="*",
        severity="contract",
    ),
    *twins(
        "state: centred squares with a running mean",
        "stale state",
        None,
        Running,
        (normal(5, 4, 2),),
        options={"stateful": True},
        running_mean_used=RunningUsed,
    ),
    *twins(
        "state: remembered slopes",
        "stale state",
        None,
        Remembered,
        (normal(6, 4),),
        hard=True,
        options={"stateful": True},
        by_shape=RememberedByShape,
        unseen="*",
    ),
    *twins(
        "state: squares without memory",
        "determinism",
        lambda x: x * x,
        lambda g, x: 2 * g * x,
        (X,),
        cotangent_overwritten=in_place,
        noise_of_a_millionth=Noisy,
        nothing_given=lambda g, x: None,
        a_list=lambda g, x: [list(2 * g * x), 1, 2],
        unseen="cotangent_overwritten noise_of_a_millionth",
    ),
    *twins(
        "state: rectifier that leaves its input",
        "mutation",
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (x > 0),
        (normal(7, 5),),
        hard=True,
        input_overwritten=(spoil, lambda g, x: g * (x > 0)),
        unseen="input_overwritten",
    ),
    *twins(
        "state: exponentials of a matrix",
        "layout",
        np.exp,
        lambda g, x: g * np.exp(x),
        (normal(8, 2, 3),),
        unseen="*",
        order_in_memory=by_memory,
    ),
    *twins(
        "state: squares, cotangent as it comes",
        "cotangent mishandled",
        lambda x: x * x,
        lambda g, x: 2 * x * g,
        (normal(9, 4),),
        unseen=" ".join(k for k in SQUARE if k != "tiny_dropped") + " tiny_dropped",
        **SQUARE,
    ),
    *twins(
        "state: sum that hands on its cotangent",
        "aliasing",
        lambda x, y: x + y,
        lambda g, x, y: (g, g),
        (normal(10, 3), normal(11, 3)),
        hard=True,
        minus=lambda g, x, y: (g, -g),
    ),
    *twins(
        "state: views of the cotangent",
        "layout",
        lambda x: x.T[::-1],
        lambda g, x: g[::-1].T,
        (normal(12, 2, 3),),
        hard=True,
        other_axis=lambda g, x: g[:, ::-1].T,
        unseen="*",
    ),
    *twins(
        "state: sum with an expanded answer",
        "layout",
        lambda x: x.sum(0),
        lambda g, x: np.broadcast_to(g, x.shape),
        (normal(13, 3, 3),),
        hard=True,
        wrong_way=lambda g, x: np.broadcast_to(g[:, None], x.shape),
        unseen="*",
    ),
    *twins(
        "state: the same output twice",
        "graph accumulation",
        lambda x: ((y := np.sin(x)), y),
        lambda g, x: (g[0] + g[1]) * np.cos(x),
        (normal(14, 3),),
        hard=True,
        second_lost=lambda g, x: g[0] * np.cos(x),
        difference=lambda g, x: 2 * g[0] * np.cos(x),
        unseen="difference",
    ),
    *twins(
        "state: rounding, straight through",
        "intent",
        half_round,
        lambda g, x: 1.0 * g,
        (normal(15, 4),),
        hard=True,
        options={"intent": lambda x: x * 1.0},
        twice=lambda g, x: 2.0 * g,
        clipped=lambda g, x: g * (np.abs(x) < 1),
    ),
    *twins(
        "state: one factor held constant on purpose",
        "intent",
        lambda x: x * x,
        stop_back,
        (normal(16, 4),),
        hard=True,
        options={"intent": "the second factor is held constant"},
        wrong_shape=lambda g, x: np.append(g * x, 0.0),
    ),
    *twins(
        "state: a product of equal leaves",
        "operands swapped",
        lambda x, y: x * y,
        product_back,
        (np.ones(3), np.ones(3)),
        swapped=lambda g, x, y: (g * x, g * y),
    ),
    *twins(
        "state: forward mode of a softmax",
        "forward mode",
        softmax,
        softmax_back,
        (normal(17, 4),),
        options={"jvp": softmax_push},
        backward_off=lambda g, x: softmax_back(g, x) + 0.01 * g.sum() * softmax(x),
    ),
    *twins(
        "state: forward mode of a softmax, turned",
        "forward mode",
        softmax,
        softmax_back,
        (normal(18, 4),),
        unseen="backward_as_well",
        backward_as_well=lambda g, x: softmax_back(g, x) * (1 + softmax(x)),
        options={"jvp": softmax_push},
    ),
)
