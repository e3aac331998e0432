"""Forwards that draw random numbers: find their generators and rewind them before each call, so that a derivative is defined."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Implementation


def _reachable(function: Any, kwargs: Mapping[str, Any]) -> Iterator[Any]:
    yield from kwargs.values()
    owner = getattr(function, "__self__", None)
    if owner is not None:
        yield from vars(owner).values() if hasattr(owner, "__dict__") else ()
    plain = getattr(function, "__func__", function)
    for cell in getattr(plain, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue
    code = getattr(plain, "__code__", None)
    if code is not None:
        yield from (plain.__globals__[name] for name in code.co_names if name in plain.__globals__)


def generators(functions: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
    """The numpy generators that these functions can reach through arguments, closures, globals and their own object."""
    found: dict[int, Any] = {}
    for function in functions:
        for value in _reachable(function, kwargs):
            if isinstance(value, (np.random.Generator, np.random.RandomState)):
                found[id(value)] = value
    return list(found.values())


def draws(implementation: Implementation, kwargs: Mapping[str, Any], call: Callable[[], Any]) -> bool:
    """Whether ``call``, which runs the forward once, leaves a generator in another state: its values may be equal by chance."""
    sources = generators((implementation.forward, implementation.vjp), kwargs)
    before = [_state(s) for s in sources], _state(np.random)
    call()
    return before != ([_state(s) for s in sources], _state(np.random))


def _state(source: Any) -> str:
    """The state of a generator, as something that can be compared."""
    if isinstance(source, np.random.Generator):
        return _text(source.bit_generator.state)
    return _text(source.get_state(legacy=False))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return repr({k: _text(v) for k, v in value.items()})
    return value.tobytes().hex() if isinstance(value, np.ndarray) else repr(value)


def rewound(implementation: Implementation, kwargs: Mapping[str, Any]) -> Implementation:
    """The implementation with every reachable generator, and NumPy's global one, rewound before each call of the forward.

    A vjp that is a function of its arguments is rewound, too; a stateful one keeps what its forward drew.
    """
    sources = generators((implementation.forward, implementation.vjp), kwargs)
    fixed = [
        copy.deepcopy(s.bit_generator.state if isinstance(s, np.random.Generator) else s.get_state()) for s in sources
    ]
    legacy = np.random.get_state()

    def rewind() -> None:
        np.random.set_state(legacy)
        for source, state in zip(sources, fixed, strict=True):
            if isinstance(source, np.random.Generator):
                source.bit_generator.state = state
            else:
                source.set_state(state)

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **keywords: Any) -> Any:
            rewind()
            return function(*args, **keywords)

        return wrapped

    vjp = implementation.vjp if implementation.stateful else wrap(implementation.vjp)
    return replace(implementation, forward=wrap(implementation.forward), vjp=vjp)
