"""The contract of a backward pass, apart from its values: memory, state, determinism, layout, linearity.

Each check is a function of a ``Bench`` in the table ``CHECKS``; removing a key switches the check off.  The user's code
always gets fresh copies.  Bits are compared only where the same call is made twice; elsewhere rounding is allowed for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck import flat, trees
from gradcheck.engine.bench import Bench, Gradients, changed, copy, copy_tree, wide
from gradcheck.engine.linearity import check_linearity
from gradcheck.records import Array, Finding, Observation
from gradcheck.subjects.callables import Call


def describe(seen: Observation) -> str:
    """What was raised, in words."""
    return f"{seen.failure.kind}: {seen.failure.message}" if seen.failure is not None else ""


def _overwritten(
    bench: Bench, code: str, by: str, names: Sequence[str], pairs: Sequence[tuple[Any, Any]]
) -> list[Finding]:
    """A finding per array that is not what it was; ``pairs`` are (as it is now, pristine)."""
    out = []
    for name, (now, before) in zip(names, pairs, strict=True):
        if not isinstance(before, np.ndarray) or now.tobytes() == before.tobytes():
            continue
        bad = changed(now, before) if now.shape == before.shape else np.ones(before.shape, dtype=bool)
        message = f"the {by} changes {name} in place; work on a copy, or use an operator that makes a new array"
        out.append(bench.finding(code, name, message, wrong_entries=int(bad.sum()), entries=int(bad.size)))
    return out


def check_forward_input(bench: Bench) -> list[Finding]:
    """GC207: the forward must leave its inputs as they are."""
    leaves = bench.fresh()
    bench.forward(leaves)
    return _overwritten(bench, "GC207", "forward", bench.call.paths, list(zip(leaves, bench.leaves, strict=True)))


def check_vjp_input(bench: Bench) -> list[Finding]:
    """GC205: the vjp must leave the inputs and the arrays among the keyword arguments as they are."""
    leaves, _, kwargs = bench.given
    found = _overwritten(bench, "GC205", "vjp", bench.call.paths, list(zip(leaves, bench.leaves, strict=True)))
    if bench.call.implementation.stateful:  # the forward ran on the same arrays, and may be the one to blame
        blamed = {f.argument for f in bench.found if f.code == "GC207"}
        found = [f for f in found if f.argument not in blamed]
    for name, value in kwargs.items():
        paths, now = zip(*trees.leaves(value, name), strict=True) if list(trees.leaves(value)) else ((), ())
        before = [leaf for _, leaf in trees.leaves(bench.call.kwargs[name])]
        found += _overwritten(bench, "GC205", "vjp", paths, list(zip(now, map(copy, before), strict=True)))
    return found


def check_cotangent(bench: Bench) -> list[Finding]:
    """GC206: the vjp must leave the cotangent as it is."""
    names = ["cotangent"] if bench.single else [f"cotangent[{k}]" for k in range(len(bench.cotangents))]
    return _overwritten(bench, "GC206", "vjp", names, list(zip(bench.given[1], bench.cotangents, strict=True)))


def check_repeat(bench: Bench) -> list[Finding]:
    """GC210: equal calls in a row answer equal bits.  Answers that grow by equal steps accumulate: GC209."""
    answers = [bench.gradients]
    for _ in range(2):  # two more: a sum in random order often falls on the same bits once
        seen = bench.ask()
        if seen.failure is not None:
            bench.unstable = True
            message = f"an equal second call of the vjp raises {describe(seen)}; keep no state between calls"
            return [bench.finding("GC209", bench.names, message, where=seen.failure.where)]
        answers.append(seen.gradients)
    random = "two equal calls of the vjp give different bits; fix the order of summation, draw no random numbers"
    found = bench.compare("GC210", random, answers[1], answers[0]) or bench.compare(
        "GC210", random, answers[2], answers[1]
    )
    if not found:
        return []
    bench.unstable = True
    if bench.call.implementation.stateful and _random_forward(bench):  # its gradient must be random, too
        return []
    first, second, third = (flat.pack([g for g in a if g is not None]) for a in answers)
    slack = np.concatenate([a.reshape(-1).repeat(2 if v.dtype.kind == "c" else 1) for a, v in _given(bench)])
    with np.errstate(all="ignore"):
        steps, again = second - first, third - second
        large = np.any(np.abs(steps) > 64 * slack)  # otherwise the steps are rounding, and agree by being small
        slack = slack + 8 * np.finfo(float).eps * (np.abs(first) + np.abs(third))
        if large and np.all(np.abs(again - steps) <= 4 * slack):
            message = "the gradient accumulates: each equal call adds the same again; start from zeros in every call"
        elif large and np.array_equal(second, third, equal_nan=True):
            message = "the second of equal calls answers otherwise than the first; keep no state between calls"
        else:
            return found
    return [replace(f, code="GC209", message=message) for f in found]


def _random_forward(bench: Bench) -> bool:
    first = [np.array(y) for y in bench.forward(bench.fresh()) or ()]
    second = bench.forward(bench.fresh()) or ()
    return any(changed(b, a).any() for a, b in zip(first, second, strict=False))


def _given(bench: Bench) -> list[tuple[Array, Array]]:
    return [(a, v) for a, v in zip(bench.allowance(), bench.gradients, strict=False) if v is not None]


def check_state(bench: Bench) -> list[Finding]:
    """GC209: calls at another point leave no trace, and a second backward after one forward answers the same."""
    if bench.unstable:
        return []
    call = bench.call
    leaves, cotangents = bench.elsewhere()
    bench.forward(bench.fresh(leaves))
    bench.ask(bench.fresh(leaves), bench.fresh(cotangents))
    message = "the vjp answers otherwise after a call at another point; clear the state, or keep none"
    found = _again(bench, message, bench.ask())
    if not found and not call.implementation.stateful:
        bench.forward(bench.fresh(leaves))
        message = "the vjp uses what the last forward saved, not its inputs; use these, or declare stateful=True"
        found = _again(bench, message, bench.ask())
    if found:
        bench.unstable = True
    elif call.implementation.stateful:
        bench.ask()
        second = bench.ask(bare=True)
        if second.failure is None:  # to refuse a second backward is honest
            message = "a second backward after one forward answers otherwise; leave what was saved as it is, or raise"
            found = bench.compare("GC209", message, second.gradients, bench.gradients)
    return found


def _again(bench: Bench, message: str, seen: Observation) -> list[Finding]:
    if seen.failure is not None:
        return [bench.finding("GC209", bench.names, f"{message} ({describe(seen)})")]
    found = bench.compare("GC209", message, seen.gradients, bench.gradients)
    if found and not bench.compare("GC209", message, seen.gradients, bench.gradients, bench.allowance()):
        message = "equal calls of the vjp give different bits, within rounding; fix the order of summation"
        found = [replace(f, code="GC210", message=message) for f in found]
    return found


def check_aliasing(bench: Bench) -> list[Finding]:
    """GC208: later calls must not change what was returned, nor the caller's writing into it change later calls."""
    leaves, cotangents = bench.elsewhere()
    outputs = bench.forward(bench.fresh()) or ()
    before = [np.array(y) for y in outputs]
    seen = bench.ask(raw=True)
    kept = tuple(None if g is None else np.array(g) for g in seen.gradients)
    bench.ask(bench.fresh(leaves), bench.fresh(cotangents))
    bench.forward(bench.fresh(leaves))
    message = "a later call overwrites the gradient that was returned before; return a new array from each call"
    found = bench.compare("GC208", message, seen.gradients, kept)
    for number, (now, then) in enumerate(zip(outputs, before, strict=True)):
        bad = changed(now, then)
        if bad.any():
            text = "a later call overwrites the output of an earlier forward; return a new array from each call"
            name = f"output[{number}]"
            found.append(bench.finding("GC208", name, text, wrong_entries=int(bad.sum()), entries=int(bad.size)))
    if found or bench.unstable:
        return found
    mine = [
        (g, k)
        for g, k in zip(seen.gradients, kept, strict=True)
        if g is not None and k is not None and g.flags.writeable
    ]
    for g, _ in mine:
        g[...] = 77  # any other number
    after = bench.ask()
    for g, k in mine:
        g[...] = k  # it may be an array of the user's own
    if after.failure is not None:
        return []
    message = "writing into the returned gradient changes the next answer: it is the vjp's own array; return a copy"
    return bench.compare("GC208", message, after.gradients, bench.gradients)


def _frozen(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    for a in arrays:
        if isinstance(a, np.ndarray):
            a.flags.writeable = False
    return arrays


def check_read_only(bench: Bench) -> list[Finding]:
    """GC212: read-only inputs and cotangents are to be accepted."""
    if bench.has("GC205", "GC206", "GC207"):
        return []
    seen = bench.ask(_frozen(bench.fresh()), _frozen(bench.fresh(bench.cotangents)))
    if seen.failure is None:
        return []
    inputs = bench.ask(_frozen(bench.fresh())).failure is not None
    cotangent = bench.ask(cotangents=_frozen(bench.fresh(bench.cotangents))).failure is not None
    which = (
        "cotangent" if cotangent and not inputs else "inputs" if inputs and not cotangent else "inputs and cotangent"
    )
    message = (
        f"the vjp raises where the {which} cannot be written to: {seen.failure.message}; "
        "it likely writes into them: work on a copy"
    )
    return [
        bench.finding("GC212", "cotangent" if which == "cotangent" else bench.names, message, where=seen.failure.where)
    ]


def _every_second(a: Array) -> Array:
    spread = np.repeat(a, 2, axis=-1)
    spread[..., 1::2] = 0
    return spread[..., ::2]


LAYOUTS: dict[str, tuple[int, Callable[[Array], Array]]] = {
    "in column (Fortran) order": (2, np.asfortranarray),
    "with negative strides": (1, lambda a: np.flip(np.flip(a).copy())),
    "as every second element of a larger array": (1, _every_second),
}
"""How an array may lie in memory: the dimensions that it needs for it, and a function that lays it so."""


def check_layout(bench: Bench) -> list[Finding]:
    """GC211: the answer depends on the values of inputs and cotangent, not on how they lie in memory."""
    if bench.unstable:
        return []
    found: list[Finding] = []
    for name, (dimensions, lay) in LAYOUTS.items():

        def laid(
            arrays: tuple[Any, ...], lay: Callable[[Array], Array] = lay, least: int = dimensions
        ) -> tuple[Any, ...] | None:
            fits = [isinstance(a, np.ndarray) and a.ndim >= least for a in arrays]
            return tuple(lay(a) if ok else a for a, ok in zip(arrays, fits, strict=True)) if any(fits) else None

        leaves, cotangents = laid(bench.fresh()), laid(bench.fresh(bench.cotangents))
        found += _laid(bench, f"the inputs lie {name}", leaves, None) if leaves else []
        found += _laid(bench, f"the cotangent lies {name}", None, cotangents) if cotangents else []
    return found + _broadcast(bench)


def _laid(
    bench: Bench, name: str, leaves: tuple[Any, ...] | None, cotangents: tuple[Array, ...] | None
) -> list[Finding]:
    seen = bench.ask(leaves, cotangents)
    return _unlike(bench, name, seen, bench.gradients)


def _unlike(
    bench: Bench, name: str, seen: Observation, expected: Gradients, weight: float = 1.0, **more: Any
) -> list[Finding]:
    if seen.failure is not None:
        message = f"the vjp raises where {name}: {seen.failure.message}; it likely needs numpy.ascontiguousarray"
        return [bench.finding("GC211", bench.names, message, where=seen.failure.where, origin=name, **more)]
    message = f"the vjp answers otherwise where {name}; index and reshape by meaning, not by order in memory"
    return bench.compare("GC211", message, seen.gradients, expected, bench.allowance(weight), origin=name, **more)


def _broadcast(bench: Bench) -> list[Finding]:
    """A cotangent with stride 0, as the gradient of a sum has, against the same numbers written out."""
    if not any(g.size > 1 for g in bench.cotangents) or bench.has("GC205", "GC206", "GC212"):
        return []  # such a view is read-only
    values = [g.reshape(-1)[:1].reshape(()) if g.size else g for g in bench.cotangents]
    views = tuple(np.broadcast_to(v, g.shape) for v, g in zip(values, bench.cotangents, strict=True))
    dense = bench.ask(cotangents=tuple(np.array(v, order="C") for v in views))
    if dense.failure is not None:
        return []
    # Its terms are |v / g_j| times those of the point at the most.
    sizes = [(np.abs(wide(v)).max(initial=0.0), np.abs(wide(g))) for v, g in zip(values, bench.cotangents, strict=True)]
    weight = max([1.0, *(float((v / s[s > 0]).max(initial=1.0)) for v, s in sizes)])
    return _unlike(
        bench,
        "the cotangent is a broadcast view (stride 0)",
        bench.ask(cotangents=views),
        dense.gradients,
        weight,
        cotangents=views,
    )


CHECKS: dict[str, Callable[[Bench], list[Finding]]] = {
    "forward changes input": check_forward_input,
    "vjp changes input": check_vjp_input,
    "vjp changes cotangent": check_cotangent,
    "determinism": check_repeat,
    "state": check_state,
    "aliasing": check_aliasing,
    "read-only": check_read_only,
    "layout": check_layout,
    "linearity": check_linearity,
}
"""Name and function of each check, in the order in which they run: later ones trust what earlier ones found sound."""


def inspect_contract(
    call: Call,
    cotangents: tuple[Array, ...],
    single: bool,
    magnitude: Array,
    rng: Any,
    *,
    thorough: bool = True,
    scale: Array | None = None,
) -> list[Finding]:
    """All findings of the contract at the leaves of ``call``; none if the call itself fails there.

    ``magnitude``: (n,) A_i = sum_j |g_j J_ji| per packed coordinate of the active leaves, not finite where unknown.
    ``scale``: (n,) the natural scale N_i of the judge, where it is known.  ``thorough`` tries more powers of two.
    """
    leaves = tuple(copy(leaf) for leaf in call.leaves)
    pristine = tuple(np.array(g, order="C") for g in cotangents)
    call = replace(call, kwargs={k: copy_tree(v) for k, v in call.kwargs.items()})
    bench = Bench(call, leaves, pristine, single, magnitude, rng, thorough, scale=scale)
    with np.errstate(all="ignore"):
        bench.forward(bench.fresh())  # a vjp that leans on the last forward is to lean on this one
        bench.given = (bench.fresh(), bench.fresh(pristine), {k: copy_tree(v) for k, v in call.kwargs.items()})
        seen = bench.ask(bench.given[0], bench.given[1], kwargs=bench.given[2])
        if seen.failure is not None:
            return []
        bench.gradients = seen.gradients
        for check in CHECKS.values():
            bench.found += check(bench)
    return bench.found
