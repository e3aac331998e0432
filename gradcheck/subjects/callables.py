"""Users' own functions and objects as subjects: how they are called, and what they are seen to do.

Nothing raised here leaves as an exception of the run: a backward pass that raises is an ``Observation`` with a ``Failure``.
"""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck import trees
from gradcheck.claim import REALS, Domain
from gradcheck.errors import UsageError
from gradcheck.records import Array, Failure, Observation
from gradcheck.subjects.protocol import Implementation

CAUGHT = (Exception, SystemExit, RecursionError)
"""What a user's function may raise without ending the run; an interrupt from the keyboard still does."""

EVERYWHERE = Domain()

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An implementation together with the structure of its arguments: calls it on flat leaves.

    ``leaves`` are those of the given point; ``active`` the numbers of the leaves that are differentiated;
    ``owners`` the argument that each leaf belongs to.
    """

    implementation: Implementation
    arguments: tuple[Any, ...]
    leaves: tuple[Any, ...]
    paths: tuple[str, ...]
    owners: tuple[int, ...]
    active: tuple[int, ...]
    kwargs: Mapping[str, Any]
    domain: Domain = EVERYWHERE
    cotangent_only: bool = False
    plain: bool = False
    """No argument is a tree: the leaves are the arguments."""

    def build(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments with these leaves in the place of the given ones."""
        if self.plain:
            return tuple(leaves)
        values = iter(leaves)
        return tuple(trees.rebuild(argument, values) for argument in self.arguments)

    def forward(self, leaves: Sequence[Any], function: Callable[..., Any] | None = None) -> tuple[Array, ...]:
        """Outputs as a tuple of arrays; raises what the forward raises."""
        value = (function or self.implementation.forward)(*self.build(leaves), **self.kwargs)
        if isinstance(value, np.ndarray):
            return (value,)
        return tuple(np.asarray(leaf) for _, leaf in trees.leaves(value))

    def vjp(self, cotangents: tuple[Array, ...], leaves: Sequence[Any], single: bool) -> Observation:
        """The backward pass at these leaves.  ``single``: the forward gave one array and not a tuple."""
        try:
            answer = self.pull(cotangents, leaves, single)
        except CAUGHT as error:
            return Observation(failure=describe_failure(error))
        return self.sort_gradients(answer)

    def pull(self, cotangents: Sequence[Any], leaves: Sequence[Any], single: bool) -> Any:
        """What the backward pass returns; raises what it raises."""
        arguments = self.build(leaves)
        if self.implementation.stateful:
            self.implementation.forward(*arguments, **self.kwargs)
        cotangent = cotangents[0] if single else tuple(cotangents)
        if self.cotangent_only:
            return self.implementation.vjp(cotangent)
        return self.implementation.vjp(cotangent, *arguments, **self.kwargs)

    def jvp(self, tangents: tuple[Array, ...], leaves: Sequence[Any]) -> tuple[Array, ...] | Failure:
        """Output tangents, one per output; or the exception as data."""
        assert self.implementation.jvp is not None
        arguments = self.build(leaves)
        values = iter(tangents)
        given = [next(values) if k in self.active else None for k in range(len(self.leaves))]
        per_argument = []
        owned = {self.owners[k] for k in self.active}
        filled = iter(given)
        for number, argument in enumerate(self.arguments):
            tangent = trees.rebuild(argument, filled)
            if number in owned:
                per_argument.append(tangent)
        try:
            answer = self.implementation.jvp(tuple(per_argument), *arguments, **self.kwargs)
        except CAUGHT as error:
            return describe_failure(error)
        return tuple(np.asarray(leaf) for _, leaf in trees.leaves(answer))

    def sort_gradients(self, answer: Any) -> Observation:
        """One gradient per active leaf out of whatever the backward pass returned, with the breaches of form."""
        parts = self.parts(answer)
        if parts is None:
            got = f"{len(answer)} gradients" if isinstance(answer, (tuple, list)) else f"one {type(answer).__name__}"
            names = ", ".join(self.paths[k] for k in self.active)
            owners = {self.owners[k] for k in self.active}
            return Observation(
                breaches=(
                    (
                        "GC201",
                        names,
                        f"the vjp returned {got} for {len(owners)} differentiable arguments; "
                        f"return a tuple with one gradient for each of: {names}",
                    ),
                )
            )
        found: dict[int, Any] = {}
        for owner, part in zip(sorted({self.owners[k] for k in self.active}), parts, strict=True):
            numbers = [k for k, o in enumerate(self.owners) if o == owner]
            found.update(zip(numbers, trees.aligned(self.arguments[owner], part), strict=True))
        gradients: list[Array | None] = []
        breaches: list[tuple[str, str, str]] = []
        for k in self.active:
            gradient, breach = self._one(k, found[k])
            gradients.append(gradient)
            breaches += [breach] if breach else []
        return Observation(gradients=tuple(gradients), breaches=tuple(breaches))

    def parts(self, answer: Any) -> list[Any] | None:
        """What the backward pass returned for each argument that is differentiated; None where their number cannot be."""
        owners = sorted({self.owners[k] for k in self.active})
        expected = len(owners)
        if expected == 1 and not (isinstance(answer, (tuple, list)) and len(answer) in (1, len(self.arguments))):
            return [answer]
        if expected == 1 and len(answer) == 1 and _same_form(self.arguments[owners[0]], answer):
            return [answer]
        if isinstance(answer, (tuple, list)) and len(answer) == expected:
            return list(answer)
        if isinstance(answer, (tuple, list)) and len(answer) == len(self.arguments):
            return [answer[k] for k in owners]
        return None

    def _one(self, k: int, value: Any) -> tuple[Array | None, tuple[str, str, str] | None]:
        path, leaf = self.paths[k], np.asarray(self.leaves[k])
        if value is None or value is trees.MISSING:
            return None, ("GC202", path, f"the vjp gave None for {path}; a gradient of zeros must be an array of zeros")
        try:
            gradient = np.asarray(value)
        except (TypeError, ValueError):
            gradient = np.empty((), dtype=object)
        if not trees.is_float(gradient) and gradient.dtype.kind not in "biu":
            return None, ("GC204", path, f"the gradient of {path} is a {type(value).__name__}, not an array of numbers")
        if gradient.shape != leaf.shape:
            return None, (
                "GC203",
                path,
                f"the gradient of {path} has shape {gradient.shape}; it must have {leaf.shape}",
            )
        if gradient.dtype != leaf.dtype and not isinstance(self.leaves[k], float):
            return gradient, ("GC204", path, f"the gradient of {path} is {gradient.dtype}; it must be {leaf.dtype}")
        return gradient, None


def _same_form(argument: Any, answer: Any) -> bool:
    return trees.children(argument) is not None and type(argument) is type(answer)


def describe_failure(error: BaseException) -> Failure:
    """An exception as data; ``where`` is the innermost frame outside gradcheck."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not os.path.abspath(frame.filename).startswith(PACKAGE + os.sep):
            where = f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}"
    try:
        message = str(error)
    except Exception as second:  # an exception whose own text raises is the user's code, too
        message = f"(its message raises {type(second).__name__})"
    return Failure(kind=type(error).__name__, message=message[:2000], where=where)


def place(function: Any) -> str:
    """``file:line in name`` of a Python function, or the empty string."""
    try:
        code = inspect.unwrap(function).__code__
    except (AttributeError, ValueError):
        return ""
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno} in {code.co_name}"


def dotted(function: Any) -> str:
    """``module:qualified.name`` by which a function can be imported, as text for a snippet."""
    return f"{getattr(function, '__module__', '') or ''}:{getattr(function, '__qualname__', type(function).__name__)}"


def name_of(function: Any) -> str:
    """A short name for messages."""
    return str(getattr(function, "__name__", type(function).__name__))


def recognise(forward: Any, vjp: Any, jvp: Any, stateful: bool) -> Implementation:
    """Pairs of functions, objects with ``forward`` and ``backward``, functions of frameworks; else a ``UsageError``."""
    if isinstance(forward, Implementation):
        return forward
    if vjp is None and hasattr(forward, "forward") and hasattr(forward, "backward") and not _of_torch(forward):
        if isinstance(forward, type):
            try:
                forward = forward()
            except TypeError as error:
                raise UsageError(
                    f"forward: the class {forward.__name__} needs arguments ({error}); pass an instance"
                ) from None
        return recognise(forward.forward, forward.backward, jvp, True)
    if vjp is None:
        from gradcheck.subjects.frameworks import differentiated

        found = differentiated(forward)
        if found is not None:
            return found if jvp is None else replace(found, jvp=jvp)
    if not callable(forward):
        raise UsageError(
            f"forward: expected a function, or an object with forward and backward; got {type(forward).__name__}"
        )
    if not callable(vjp):
        raise UsageError(f"vjp: expected a function vjp(cotangent, *inputs); got {type(vjp).__name__}")
    if jvp is not None and not callable(jvp):
        raise UsageError(f"jvp: expected a function jvp(tangents, *inputs) or None; got {type(jvp).__name__}")
    return Implementation(forward=forward, vjp=vjp, jvp=jvp, stateful=stateful, where=place(vjp))


def _of_torch(forward: Any) -> bool:
    from gradcheck.subjects.frameworks import named

    return named(forward).startswith("PyTorch")


def takes_cotangent_only(vjp: Callable[..., Any], count: int, kwargs: Mapping[str, Any], stateful: bool) -> bool:
    """Whether a stateful ``backward`` is to be called with the cotangent alone."""
    if not stateful:
        return False
    try:
        signature = inspect.signature(vjp)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(*range(count + 1), **kwargs)
    except TypeError:
        return True
    return any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()) and _binds_alone(signature)


def _binds_alone(signature: inspect.Signature) -> bool:
    positional = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return not positional


def arrange(
    implementation: Implementation,
    inputs: Any,
    *,
    wrt: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    domain: Domain | None = None,
) -> Call:
    """Look at the arguments, name their leaves, and find out which are differentiated."""
    arguments = inputs if isinstance(inputs, tuple) else tuple(inputs) if isinstance(inputs, list) else (inputs,)
    names = _argument_names(implementation.forward, len(arguments))
    paths: list[str] = []
    flat: list[Any] = []
    owners: list[int] = []
    for number, (name, argument) in enumerate(zip(names, arguments, strict=True)):
        for path, leaf in trees.leaves(argument, name):
            _refuse_odd_leaf(path, leaf)
            paths.append(path)
            flat.append(leaf)
            owners.append(number)
    wanted = _wanted(wrt, names, paths)
    domain = domain or Domain()
    if len(domain.sets) not in (1, len(flat)):
        raise UsageError(
            f"domain: it has {len(domain.sets)} sets for {len(flat)} leaves of the inputs; give one set for all, or one for each"
        )
    active = tuple(
        k
        for k in range(len(flat))
        if trees.is_float(flat[k]) and (wanted is None or k in wanted) and domain.of(k).kind != "fixed"
    )
    if wanted is not None and not all(trees.is_float(flat[k]) for k in wanted if paths[k] in names):
        bad = next(paths[k] for k in sorted(wanted) if paths[k] in names and not trees.is_float(flat[k]))
        raise UsageError(f"wrt: {bad} is not a floating-point array, so it has no derivative; leave it out of wrt")
    return Call(
        implementation=implementation,
        arguments=arguments,
        leaves=tuple(flat),
        paths=tuple(paths),
        owners=tuple(owners),
        active=active,
        kwargs=dict(kwargs or {}),
        plain=all(trees.children(a) is None for a in arguments),
        domain=domain if domain.sets else Domain((REALS,)),
        cotangent_only=takes_cotangent_only(implementation.vjp, len(arguments), kwargs or {}, implementation.stateful),
    )


def _refuse_odd_leaf(path: str, leaf: Any) -> None:
    if leaf is None or isinstance(leaf, (bool, int, float, complex, str)):
        return
    array = leaf if isinstance(leaf, np.ndarray) else None
    if array is None and not isinstance(leaf, np.generic):
        raise UsageError(
            f"inputs: {path} is a {type(leaf).__module__}.{type(leaf).__qualname__}, not a NumPy array; "
            "convert it with numpy.asarray(...), or wrap your functions so that they take and give NumPy arrays"
        )
    if array is not None and array.dtype.kind == "O":
        raise UsageError(f"inputs: {path} is an array of Python objects; convert it with .astype(float)")
    if trees.is_float(leaf) and not np.all(np.isfinite(np.asarray(leaf, dtype=complex))):
        raise UsageError(
            f"inputs: {path} has a value that is not finite; no derivative is defined there, give a finite point"
        )


def _argument_names(forward: Callable[..., Any], count: int) -> list[str]:
    names: list[str] = []
    try:
        for p in inspect.signature(forward).parameters.values():
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                names.append(p.name)
    except (TypeError, ValueError):
        pass
    names = names[:count]
    return names + [f"x{k}" for k in range(len(names), count)]


def _wanted(wrt: Any, names: list[str], paths: list[str]) -> set[int] | None:
    if wrt is None:
        return None
    chosen: set[int] = set()
    for item in wrt if isinstance(wrt, (tuple, list, set, frozenset)) else (wrt,):
        if isinstance(item, (int, np.integer)) and not isinstance(item, bool) and -len(names) <= item < len(names):
            root = names[int(item)]
        elif isinstance(item, str) and (item in names or item in paths):
            root = item
        else:
            raise UsageError(
                f"wrt: {item!r} names no argument; choose among {', '.join(names)} or 0 to {len(names) - 1}"
            )
        chosen |= {k for k, p in enumerate(paths) if p == root or p.startswith((root + "[", root + "."))}
    if not chosen:
        raise UsageError("wrt: it is empty, so there is nothing to check; leave it out to check every float argument")
    return chosen
