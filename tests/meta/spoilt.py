"""Cases from the catalogue: the forward is its definition, the right rule that of the reference networks, the wrong ones spoilt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcheck.catalogue import operators
from reference_nets.rules import RULES
from tests.meta.case import Case
from tests.meta.pairs import twins

Wrong = Any
"""For a case of ``entry``: partial derivatives as a function of the inputs; or (where, value): the right ones but there."""


def called(function: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    return function(*inputs, **params) if callable(function) else function


def right(name: str, g: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
    return RULES[name](g, *inputs, **params)


def entry(
    name: str, *inputs: Any, group: str = "wrong formula", params: Mapping[str, Any] | None = None, **wrong: Wrong
) -> tuple[Case, ...]:
    """Operators that act entry by entry on inputs of one shape."""

    def vjp(spoilt: Wrong) -> Callable[..., Any]:
        def wrong_vjp(g: Any, *xs: Any, **p: Any) -> tuple[Any, ...]:
            with np.errstate(all="ignore"):
                if not isinstance(spoilt, tuple):
                    slopes = called(spoilt, xs, p)
                    return tuple(g * s for s in (slopes if isinstance(slopes, tuple) else (slopes,)))
                there, value = called(spoilt[0], xs, p), called(spoilt[1], xs, p)
                values = value if isinstance(value, tuple) else (value,) * len(xs)
                return tuple(np.where(there, g * v, r) for v, r in zip(values, right(name, g, *xs, **p), strict=True))

        return wrong_vjp

    return _cases(name, inputs, group, params, "", {key: vjp(w) for key, w in wrong.items()})


def whole(
    name: str,
    *inputs: Any,
    group: str = "wrong formula",
    params: Mapping[str, Any] | None = None,
    of: str = "",
    **wrong: Any,
) -> tuple[Case, ...]:
    """Any operator: the wrong ones are backward functions.  ``of`` tells cases of one operator apart."""
    return _cases(name, inputs, group, params, of, wrong)


def _cases(
    name: str, inputs: tuple[Any, ...], group: str, params: Mapping[str, Any] | None, of: str, wrong: Mapping[str, Any]
) -> tuple[Case, ...]:
    record = operators()[name]
    options: dict[str, Any] = {"domain": record.domain}
    if params:
        options["kwargs"] = dict(params)
    title = f"scalar: {name}{of and ' of '}{of}" + "".join(f", {k} {v}" for k, v in (params or {}).items())
    spoilt: dict[str, Any] = {key: quiet(vjp) for key, vjp in wrong.items()}
    return twins(title, group, record.definition, RULES[name], inputs, options=options, **spoilt)


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its warnings off: an overflow is part of what is wrong."""

    def inner(*arguments: Any, **params: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments, **params)

    return inner


def scaled(name: str, factor: Any, **instead: Any) -> Callable[..., Any]:
    """The right rule times a factor (one per gradient, if a tuple), and with other parameters."""

    def vjp(g: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
        gradients = right(name, g, *inputs, **{**params, **instead})
        factors = factor if isinstance(factor, tuple) else (factor,) * len(gradients)
        return tuple(f * gradient for f, gradient in zip(factors, gradients, strict=True))

    return vjp


def over(g: Any, axis: int = -1) -> Any:
    return np.expand_dims(g, axis)


X = np.array([0.7, -1.3, 2.1, -0.4])
Y = np.array([1.6, 0.9, -0.8, -2.2])
P = np.array([0.7, 1.3, 2.1])
Q = np.array([1.9, 0.6, 0.3])
IN = np.array([0.3, -0.6, 0.15])
PART = np.array([0.3, 0.6, 0.15])
SIDES = np.array([1, -1, 1, -1])


def density(x: Any) -> Any:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
