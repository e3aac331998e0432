"""The tools that are compared, each as a function that tells whether it refuses a case of tests/meta.

Each peer runs at its own default tolerances, at the inputs of the case.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck import trees
from gradcheck.claim import Kind
from gradcheck.subjects.callables import Call, arrange, recognise
from tests.meta.case import Case
from tests.meta.drawn import draw_one

DENSE = 50_000_000
"""Entries of the largest Jacobian that torch's slow mode is asked to build (it builds two, of 8 bytes an entry)."""


class NotApplicableError(Exception):
    """The tool has no way to be asked this question."""


# --- a case as a plain function of arrays --------------------------------------------------------------------


@dataclass
class Flat:
    """A case as ``forward(leaves) -> outputs`` and ``vjp(cotangents, leaves) -> gradients``, all lists of arrays.

    The gradients are handed on as the implementation gave them: shape, type and aliasing are the peer's to judge.
    """

    call: Call
    single: bool = True

    @property
    def leaves(self) -> list[Any]:
        return [np.array(self.call.leaves[k]) for k in self.call.active]

    def _arguments(self, active: Sequence[Any]) -> tuple[Any, ...]:
        leaves = list(self.call.leaves)
        for k, leaf in zip(self.call.active, active, strict=True):
            leaves[k] = leaf
        return self.call.build(leaves)

    def forward(self, active: Sequence[Any]) -> list[Any]:
        value = self.call.implementation.forward(*self._arguments(active), **self.call.kwargs)
        self.single = not isinstance(value, (tuple, list))
        return [np.asarray(v) for v in ([value] if self.single else value)]

    def vjp(self, cotangents: Sequence[Any], active: Sequence[Any]) -> list[Any]:
        arguments = self._arguments(active)
        cotangent = cotangents[0] if self.single else tuple(cotangents)
        if self.call.implementation.stateful:
            self.call.implementation.forward(*arguments, **self.call.kwargs)
        alone = self.call.cotangent_only
        more, kwargs = ((), {}) if alone else (arguments, self.call.kwargs)
        answer = self.call.implementation.vjp(cotangent, *more, **kwargs)
        gradients = [leaf for _, leaf in trees.leaves(answer)]
        if len(gradients) != len(self.call.active):
            raise ValueError(f"{len(gradients)} gradients for {len(self.call.active)} arguments")
        return gradients


def flatten(case: Case) -> Flat:
    """A fresh implementation of the case, on copies of its inputs."""
    forward, vjp = case.make()
    options = {key: case.options.get(key) for key in ("wrt", "kwargs", "domain")}
    implementation = recognise(forward, vjp, None, bool(case.options.get("stateful")))
    return Flat(arrange(implementation, copy.deepcopy(case.inputs), **options))


def flatten_for_peer(case: Case, dtypes: str) -> Flat:
    """The same, for a peer that takes these number types; raises NotApplicableError where the peer cannot be asked."""
    flat = flatten(case)
    if "jvp" in case.options or "intent" in case.options:
        raise NotApplicableError
    if any(flat.call.domain.of(k).kind is not Kind.REALS for k in flat.call.active):
        raise NotApplicableError
    if not flat.leaves or any(leaf.dtype.char not in dtypes for leaf in flat.leaves):
        raise NotApplicableError
    return flat


# --- the tools: each tells whether it refuses the case -------------------------------------------------------


def with_gradcheck(case: Case, seed: int, profile: str = "default") -> bool:
    import gradcheck

    forward, vjp = case.make()
    options = {"profile": profile, **case.options, "seed": seed}
    return not gradcheck.check(forward, vjp, copy.deepcopy(case.inputs), **options).ok


def textbook(case: Case, seed: int) -> bool:
    """Central differences of the sum of all outputs, step 1e-6, tolerance 1e-5, at one random normal point.

    This is the check that ``Case.invisible`` speaks of.  Shapes are compared as ``numpy.allclose`` does.
    """
    flat, rng = flatten(case), np.random.default_rng(seed)
    step, tolerance = 1e-6, 1e-5  # those of the customary recipe
    active = [_normal_point(leaf, flat, k, rng) for k, leaf in zip(flat.call.active, flat.leaves, strict=True)]
    ones = [np.ones_like(out) for out in flat.forward([leaf.copy() for leaf in active])]
    gradients = flat.vjp(ones, [leaf.copy() for leaf in active])

    def slope(which: int, entry: int, direction: complex) -> float:
        totals = []
        for signed in (step * direction, -step * direction):
            moved = [leaf.copy() for leaf in active]
            moved[which] = moved[which].astype(np.result_type(moved[which], np.float64))
            moved[which].reshape(-1)[entry] += signed
            totals.append(sum(np.sum(out).real for out in flat.forward(moved)))
        return float((totals[0] - totals[1]) / (2 * step))

    for which, (leaf, gradient) in enumerate(zip(active, gradients, strict=True)):
        expected = np.array([slope(which, entry, 1.0) for entry in range(leaf.size)])
        if np.iscomplexobj(leaf):
            expected = expected + 1j * np.array([slope(which, entry, 1j) for entry in range(leaf.size)])
        if not np.allclose(np.asarray(gradient), expected.reshape(leaf.shape), rtol=tolerance, atol=tolerance):
            return True
    return False


def _normal_point(leaf: Any, flat: Flat, k: int, rng: np.random.Generator) -> Any:
    where = flat.call.domain.of(k)
    if where.kind is not Kind.REALS:
        return leaf
    drawn = draw_one(leaf.shape, where, rng)
    if np.iscomplexobj(leaf):
        drawn = drawn + 1j * draw_one(leaf.shape, where, rng)
    return np.asarray(drawn).astype(leaf.dtype)


def torch_slow(case: Case, seed: int, *, fast: bool = False) -> bool:
    import torch
    from torch.autograd.gradcheck import GradcheckError

    torch.set_num_threads(1)

    flat = flatten_for_peer(case, "dD")
    entries = sum(x.size for x in flat.leaves) * sum(out.size for out in flat.forward(flat.leaves))
    if not fast and entries > DENSE:
        raise MemoryError(f"two Jacobians of {entries:.1e} entries")

    def tensor(array: Any) -> Any:
        array = np.asarray(array)
        return torch.as_tensor(
            array if array.flags.c_contiguous and array.flags.writeable else np.array(array, order="C")
        )

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            outputs = [tensor(out) for out in flat.forward([t.detach().numpy() for t in tensors])]
            return outputs[0] if flat.single else tuple(outputs)

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            cotangents = tuple(g.detach().resolve_conj().numpy() for g in cotangents)
            gradients = flat.vjp(cotangents, [t.detach().numpy() for t in ctx.saved_tensors])
            return tuple(None if d is None else tensor(d) for d in gradients)

    torch.manual_seed(seed)
    try:
        torch.autograd.gradcheck(Wrapped.apply, tuple(tensor(x).requires_grad_() for x in flat.leaves), fast_mode=fast)
    except GradcheckError:
        return True
    return False


def torch_fast(case: Case, seed: int) -> bool:
    return torch_slow(case, seed, fast=True)


def conjugated(flat: Flat, cotangents: Sequence[Any], active: Sequence[Any]) -> list[Any]:
    """The vjp in the convention of autograd and JAX, where a holomorphic rule is linear and not conjugate in f'."""
    given = [np.conj(g) if np.iscomplexobj(g) else g for g in cotangents]
    return [np.conj(d) if np.iscomplexobj(d) else d for d in flat.vjp(given, active)]


def autograd_check(case: Case, seed: int) -> bool:
    from autograd.extend import defvjp_argnums, primitive
    from autograd.test_util import check_grads

    flat = flatten_for_peer(case, "dD")

    @primitive
    def wrapped(*leaves: Any) -> Any:
        outputs = flat.forward(leaves)
        return outputs[0] if flat.single else tuple(outputs)

    def rule(argnums: Any, answer: Any, leaves: Any, kwargs: Any) -> Any:
        def vjp(g: Any) -> Any:
            gradients = conjugated(flat, [g] if flat.single else list(g), leaves)
            return tuple(gradients[k] for k in argnums)

        return vjp

    defvjp_argnums(wrapped, rule)
    np.random.seed(seed)  # the peer draws from the global generator
    try:
        every = tuple(range(len(flat.leaves)))  # its default is the first argument alone
        check_grads(wrapped, every, modes=["rev"], order=1)(*flat.leaves)
    except AssertionError:
        return True
    return False


def jax_check(case: Case, seed: int) -> bool:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    flat = flatten_for_peer(case, "dD")

    def shapes(arrays: Sequence[Any]) -> Any:
        return [jax.ShapeDtypeStruct(np.shape(a), np.asarray(a).dtype) for a in arrays]

    leaves = flat.leaves
    outputs, inputs = shapes(flat.forward(flat.leaves)), shapes(leaves)

    @jax.custom_vjp
    def wrapped(*args: Any) -> Any:
        return jax.pure_callback(lambda *a: flat.forward([np.array(x) for x in a]), outputs, *args)

    def backward(args: Any, cotangents: Any) -> Any:
        def call(g: Any, a: Any) -> Any:
            return [np.asarray(d) for d in conjugated(flat, [np.array(x) for x in g], [np.array(x) for x in a])]

        return tuple(jax.pure_callback(call, inputs, cotangents, args))

    wrapped.defvjp(lambda *args: (wrapped(*args), args), backward)
    np.random.seed(seed)  # the peer draws from the global generator
    try:
        check_grads(wrapped, tuple(leaves), order=1, modes=["rev"])
    except AssertionError:
        return True
    return False


TOOLS: dict[str, tuple[str, Callable[[Case, int], bool]]] = {
    "gradcheck": ("gradcheck", with_gradcheck),
    "torch-slow": ("torch", torch_slow),
    "torch-fast": ("torch", torch_fast),
    "autograd": ("autograd", autograd_check),
    "jax": ("jax", jax_check),
    "textbook": ("numpy", textbook),
}
"""Name of each tool, with the package that it needs."""
