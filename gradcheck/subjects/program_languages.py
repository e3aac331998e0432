"""The frameworks' languages of programs: their words, and how each is asked for gradients.

Where gradients are left in the leaves and added up there, two passes leave twice the gradient: half of it is given, which
is exact.  Where a function is given that pulls cotangents back, it is called twice, and the second answer is given.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.subjects.programs import DIRECTION, HALF, Language, Program, words

Arrays = Sequence[Any]


def torch_language() -> Language:
    """PyTorch: ``torch.autograd.backward`` into ``grad``; its in-place methods, on clones and through views."""
    import torch

    from gradcheck.subjects.torch_backend import array, tensor

    def scaled_ahead(x: Any, y: Any) -> Any:
        changed = x.clone()
        changed[:HALF].mul_(y[:HALF])
        return changed

    def watched(x: Any, y: Any) -> Any:
        changed = x.clone()
        view = changed.view(2, HALF)
        changed.add_(y)
        return view.reshape(-1).flip(0)

    own = words(
        lambda x, y: torch.cat((x, y)),
        sin=torch.sin,
        tanh=torch.tanh,
        reversed=lambda x: x.flip(0),
        increased=lambda x, y: x.clone().add_(y),
        scaled_ahead=scaled_ahead,
        watched=watched,
    )

    def loss(program: Program, given: list[Any], *tensors: Any) -> Any:
        return sum(torch.dot(y, g) for y, g in zip(program.run(own, tensors), given, strict=True))

    def otherwise(program: Program, tensors: list[Any], given: list[Any]) -> Any:
        value = functools.partial(loss, program, given)
        every = tuple(range(len(tensors)))
        if program.manner == "forward":
            with warnings.catch_warnings():  # torch's own, of what it imports at the first call
                warnings.simplefilter("ignore", DeprecationWarning)
                return torch.func.jacfwd(value, every)(*tensors)
        slopes = torch.autograd.grad(value(*tensors), tensors, create_graph=True, materialize_grads=True)
        along = sum(torch.dot(slope, tensor(DIRECTION)) for slope in slopes)
        if not along.requires_grad:  # the program is linear
            return [torch.zeros_like(x) for x in tensors]
        return torch.autograd.grad(along, tensors, materialize_grads=True)

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        tensors = [tensor(x).requires_grad_() for x in leaves]
        given = [tensor(g) for g in cotangents]
        if program.manner in ("forward", "second"):
            values = [array(y) for y in program.run(own, tensors)]
            return values, [array(g) for g in otherwise(program, tensors, given)]
        twice = program.manner in ("twice", "again")
        for _ in range(1 + (program.manner == "again")):
            outputs = program.run(own, tensors)
            if program.manner == "apart":
                for number, (y, g) in enumerate(zip(outputs, given, strict=True)):
                    y.backward(g, retain_graph=number < len(given) - 1)
            else:
                for left in range(program.manner == "twice", -1, -1):
                    torch.autograd.backward(outputs, given, retain_graph=bool(left))
        zeros = torch.zeros_like
        grads = [array(zeros(t) if t.grad is None else t.grad) for t in tensors]
        return [array(y) for y in outputs], [g / 2 if twice else g for g in grads]

    return Language(own, ("once", "twice", "apart", "again", "forward", "second"), gradients)


def _pulled(pull: Callable[[tuple[Any, ...]], Any], program: Program, cotangents: tuple[Any, ...]) -> Any:
    """Gradients of one function that pulls back, in the manner that is asked for."""
    if program.manner == "twice":
        pull(cotangents)
    if program.manner != "apart":
        return pull(cotangents)
    alone = [
        pull(tuple(g if k == number else 0 * g for k, g in enumerate(cotangents))) for number in range(len(cotangents))
    ]
    return [sum(parts[1:], parts[0]) for parts in zip(*alone, strict=True)]


def jax_language(*, compiled: bool = False) -> Language:
    """JAX: ``jax.vjp``, of the program as it is or compiled as a whole; ``.at`` in the place of writing."""
    import jax

    from gradcheck.subjects.jax_backend import doubles

    own = words(
        lambda x, y: jax.numpy.concatenate((x, y)),
        sin=jax.numpy.sin,
        tanh=jax.numpy.tanh,
        increased=lambda x, y: x.at[:].add(y),
        scaled_ahead=lambda x, y: x.at[:HALF].multiply(y[:HALF]),
    )

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        every = tuple(range(program.leaves))

        def whole(given: Any, *inputs: Any) -> Any:
            def loss(*x: Any) -> Any:
                return sum(jax.numpy.dot(y, g) for y, g in zip(program.run(own, x), given, strict=True))

            def along(*x: Any) -> Any:
                return sum(jax.numpy.dot(slope, jax.numpy.array(DIRECTION)) for slope in jax.grad(loss, every)(*x))

            if program.manner == "forward":
                return program.run(own, inputs), jax.jacfwd(loss, every)(*inputs)
            if program.manner == "second":
                return program.run(own, inputs), jax.grad(along, every)(*inputs)
            outputs, pull = jax.vjp(lambda *x: program.run(own, x), *inputs)
            return outputs, _pulled(pull, program, given)

        with doubles():
            made = [jax.numpy.array(x) for x in leaves]
            outputs, grads = (jax.jit(whole) if compiled else whole)(tuple(map(jax.numpy.array, cotangents)), *made)
            return [np.array(y) for y in outputs], [np.array(g) for g in grads]

    return Language(own, ("once", "twice", "apart", "forward", "second"), gradients)


def autograd_language() -> Language:
    """autograd: ``make_vjp`` of a tuple; it has no writing in place."""
    import autograd
    import autograd.numpy as anp
    from autograd.builtins import tuple as boxed

    own = words(lambda x, y: anp.concatenate((x, y)), sin=anp.sin, tanh=anp.tanh, totalled=lambda x, y: y * anp.sum(x))

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        every = tuple(range(program.leaves))

        def loss(*x: Any) -> Any:
            return sum(anp.dot(y, g) for y, g in zip(program.run(own, x), cotangents, strict=True))

        def along(*x: Any) -> Any:
            return sum(anp.dot(slope, np.array(DIRECTION)) for slope in autograd.grad(loss, every)(*x))

        if program.manner == "second":
            with warnings.catch_warnings():  # what does not depend on its input is a linear program, and no mistake
                warnings.filterwarnings("ignore", "Output seems independent of input")
                return program.run(own, leaves), [np.array(g) for g in autograd.grad(along, every)(*leaves)]
        pull, outputs = autograd.make_vjp(lambda *x: boxed(program.run(own, x)), every)(*leaves)
        return list(outputs), [np.array(g) for g in _pulled(pull, program, tuple(map(np.array, cotangents)))]

    return Language(own, ("once", "twice", "apart", "second"), gradients)


def tinygrad_language() -> Language:
    """tinygrad: ``backward`` into ``grad``."""
    from tinygrad import Tensor

    own = words(
        lambda x, y: x.cat(y),
        sin=lambda x: x.sin(),
        tanh=lambda x: x.tanh(),
        reversed=lambda x: x.flip(0),
        watched=lambda x, y: (x + y).flip(0),
    )

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        tensors = [Tensor(np.array(x)) for x in leaves]
        given = [Tensor(np.array(g)) for g in cotangents]
        twice = program.manner in ("twice", "again")
        for _ in range(1 + (program.manner == "again")):
            outputs = program.run(own, tensors)
            losses = [(y * g).sum() for y, g in zip(outputs, given, strict=True)]
            for loss in losses if program.manner == "apart" else [sum(losses[1:], losses[0])]:
                for _ in range(1 + (program.manner == "twice")):
                    loss.backward()
        grads = [np.zeros(t.shape) if t.grad is None else np.array(t.grad.numpy()) for t in tensors]
        return [y.numpy() for y in outputs], [g / 2 if twice else g for g in grads]

    return Language(own, ("once", "twice", "apart", "again"), gradients)


def mygrad_language() -> Language:
    """MyGrad: ``backward`` into ``grad``, after which the graph is gone, and anew for each graph; writing through views."""
    import mygrad

    def increased(x: Any, y: Any) -> Any:
        changed = +x
        changed += y
        return changed

    def scaled_ahead(x: Any, y: Any) -> Any:
        changed = +x
        changed[:HALF] *= y[:HALF]
        return changed

    def watched(x: Any, y: Any) -> Any:
        changed = +x
        view = changed[::-1]
        changed += y
        return view

    own = words(
        lambda x, y: mygrad.concatenate((x, y)),
        sin=mygrad.sin,
        tanh=mygrad.tanh,
        increased=increased,
        scaled_ahead=scaled_ahead,
        watched=watched,
    )

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        tensors = [mygrad.tensor(np.array(x)) for x in leaves]
        for _ in range(1 + (program.manner == "again")):
            outputs = program.run(own, tensors)
            losses = [(y * np.array(g)).sum() for y, g in zip(outputs, cotangents, strict=True)]
            sum(losses[1:], losses[0]).backward()
        grads = [np.zeros_like(t.data) if t.grad is None else np.array(t.grad) for t in tensors]
        return [np.array(y.data) for y in outputs], grads

    return Language(own, ("once", "again"), gradients)


def micrograd_language() -> Language:
    """micrograd: polynomials of scalars.

    A second ``backward`` over one graph starts from what the first left in the inner nodes, and is another number: its
    users clear all gradients or build anew, so of the manners it has two.
    """
    from gradcheck.subjects.micrograd_backend import numbers, values

    own = words(lambda x, y: np.concatenate((x, y)))

    def gradients(program: Program, leaves: Arrays, cotangents: Arrays) -> tuple[Arrays, Arrays]:
        made = values(tuple(leaves))
        for _ in range(1 + (program.manner == "again")):
            outputs = program.run(own, made)
            total: Any = 0.0
            for y, g in zip(outputs, cotangents, strict=True):
                total = total + sum(float(c) * v for c, v in zip(g, y, strict=True))
            total.backward()
        grads = [numbers(x, "grad") / (2 if program.manner == "again" else 1) for x in made]
        return [numbers(y, "data") for y in outputs], grads

    return Language(own, ("once", "again"), gradients)
