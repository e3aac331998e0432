"""Functions that differentiate themselves, recognised by what is loaded already: nothing is imported to find out."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Implementation

WORDS = {
    "torch.function": "PyTorch autograd.Function",
    "torch.module": "PyTorch nn.Module, differentiated by its inputs",
    "torch": "PyTorch function",
    "jax": "JAX function",
    "autograd": "autograd function",
}


def described(forward: Any, vjp: Any) -> str:
    """What is under test, in words."""
    if vjp is not None:
        return "pair of functions"
    name = named(forward)
    if name:
        return name
    if isinstance(forward, Implementation):
        return "implementation of a subject"
    return "object with forward and backward"


def named(forward: Any) -> str:
    """The words for a function of a framework; empty for anything else."""
    return WORDS.get(_kind(forward), "")


def differentiated(forward: Any) -> Implementation | None:
    """The framework's own derivative of its function, on NumPy arrays; None where no framework is recognised."""
    kind = _kind(forward)
    if not kind:
        return None
    where = f"{getattr(forward, '__module__', '')}:{getattr(forward, '__qualname__', type(forward).__name__)}"
    if kind == "jax":
        from gradcheck.subjects import jax_backend

        return Implementation(
            forward=lambda *x, **p: jax_backend.forward(forward, x, p),
            vjp=lambda g, *x, **p: jax_backend.vjp(forward, g, x, p),
            jvp=None,  # a custom_vjp has none
            where=where,
        )
    if kind == "autograd":
        from gradcheck.subjects import hips_autograd

        return Implementation(forward=forward, vjp=hips_autograd.vjp_of(forward), where=where)
    from gradcheck.subjects import torch_backend

    function = forward.apply if kind == "torch.function" else forward
    return Implementation(
        forward=lambda *x, **p: torch_backend.forward(function, x, p),
        vjp=lambda g, *x, **p: torch_backend.vjp(function, g, x, p),
        where=where,
    )


def settings() -> Callable[[], None]:
    """What puts back the settings that the frameworks loaded now have for the whole process, as they are now.

    Of PyTorch the default type, whether gradients are recorded, and the state of its generator; of JAX the width of types.
    """
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    undo: list[Callable[[], object]] = []
    if torch is not None and hasattr(torch, "set_default_dtype"):
        undo.append(functools.partial(torch.set_default_dtype, torch.get_default_dtype()))
        undo.append(functools.partial(torch.set_grad_enabled, torch.is_grad_enabled()))
        undo.append(functools.partial(torch.set_rng_state, torch.get_rng_state()))
    if jax is not None and hasattr(jax, "config"):
        undo.append(functools.partial(jax.config.update, "jax_enable_x64", jax.config.jax_enable_x64))

    def back() -> None:
        for each in undo:
            each()

    return back


def _kind(forward: Any) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "nn"):
        if isinstance(forward, torch.nn.Module):
            return "torch.module"
        if isinstance(forward, type) and issubclass(forward, torch.autograd.Function):
            return "torch.function"
    if isinstance(forward, (Implementation, np.ufunc)) or not callable(forward):
        return ""
    owners = {type(forward).__module__.partition(".")[0], str(getattr(forward, "__module__", "")).partition(".")[0]}
    for name in ("jax", "autograd", "torch"):
        if name in sys.modules and (name in owners or (name == "jax" and "jaxlib" in owners)):
            return name
    used = set(_modules(forward))
    found = [name for name in ("jax", "autograd", "torch") if name in used and name in sys.modules]
    return found[0] if len(found) == 1 else ""


def _modules(function: Any) -> Iterator[str]:
    """The first names of the modules of which a plain function's text speaks."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    closure = zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False)
    names = {name: function.__globals__[name] for name in code.co_names if name in function.__globals__}
    for name, cell in closure:
        try:
            names[name] = cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            continue
    for value in names.values():
        if isinstance(value, types.ModuleType):
            yield value.__name__.partition(".")[0]
        elif callable(value):
            yield str(getattr(value, "__module__", "") or "").partition(".")[0]
