"""The public calls: ``check``, ``check_grad``, ``assert_gradients``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.claim import Domain, Operator, Set
from gradcheck.engine.examine import Case, examine
from gradcheck.engine.profiles import profile_named
from gradcheck.engine.result import Result
from gradcheck.errors import UsageError
from gradcheck.subjects.callables import arrange, dotted, name_of, place, recognise
from gradcheck.subjects.frameworks import described


def check(
    forward: Any,
    vjp: Any,
    inputs: Any,
    *,
    jvp: Callable[..., Any] | None = None,
    wrt: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    domain: Domain | Set | None = None,
    like: str | Operator | None = None,
    stateful: bool = False,
    order: int = 1,
    intent: str | Callable[..., Any] | None = None,
    profile: str = "default",
    seed: int | None = None,
) -> Result:
    """Is ``vjp`` the derivative of ``forward``, at the given inputs and at points around them?

    ``forward(*inputs, **kwargs)`` gives an array or a tuple of arrays; ``vjp(cotangent, *inputs, **kwargs)`` one gradient per
    differentiable input, of its shape and dtype (``cotangent`` is a tuple where the output is one).  An object with
    ``forward`` and ``backward`` is given as ``check(layer, None, inputs)``; so are a torch ``autograd.Function`` or
    ``nn.Module`` and functions of JAX and autograd, which differentiate themselves (``result.recognised`` says what was seen).
    Inputs may be trees of arrays.

    ``wrt`` names or numbers the arguments to differentiate (default: all of floating or complex type; a complex gradient is
    the adjoint under Re<.,.>).  ``domain`` says where the forward is differentiable.  ``like`` names an operator of the catalogue
    that the forward claims to be.  ``order=2`` also asks for the symmetry of second derivatives.  ``intent``
    declares a deliberate surrogate: a sentence (differences are reported and do not fail), or the function whose derivative is meant.

    Never raises for a wrong gradient; raises ``UsageError`` if the call itself cannot be checked.
    """
    chosen = profile_named(profile)
    if order not in (1, 2):
        raise UsageError(f"order: {order!r} is not supported; give 1 or 2")
    if seed is not None and (not isinstance(seed, (int, np.integer)) or seed < 0):
        raise UsageError(f"seed: {seed!r} is not a non-negative integer")
    implementation = recognise(forward, vjp, jvp, stateful)
    operator = _operator(like)
    where = Domain((domain,)) if isinstance(domain, Set) else domain or (operator.domain if operator else None)
    call = arrange(implementation, inputs, wrt=wrt, kwargs=kwargs, domain=where)
    if not call.active and wrt is None:
        raise UsageError(
            "inputs: none of them is a floating-point array, so there is nothing to differentiate; "
            "convert those that are meant with .astype(float)"
        )
    claim = intent if callable(intent) else operator.definition if operator else None
    case = Case(
        call=call,
        name=name_of(forward),
        claim=claim,
        special=tuple(operator.special) if operator else (),
        intent=intent if isinstance(intent, str) else "",
        order=order,
        words={
            "forward": dotted(implementation.forward),
            "vjp": dotted(implementation.vjp),
            "recognised": described(forward, vjp),
        },
    )
    record = examine(case, chosen, None if seed is None else int(seed))
    if call.kwargs:
        record = replace(record, findings=tuple(replace(f, kwargs=dict(call.kwargs)) for f in record.findings))
    if operator is not None:
        from gradcheck.engine.verify import forward_findings, with_findings

        record = with_findings(record, forward_findings(call, operator.definition))
    return Result(record)


def _operator(like: str | Operator | None) -> Operator | None:
    if like is None or isinstance(like, Operator):
        return like
    from gradcheck.catalogue import operator

    return operator(like)


def assert_gradients(forward: Any, vjp: Any, inputs: Any, **options: Any) -> None:
    """As ``check``; raises ``GradientError``, an ``AssertionError``, whose text is the finding, if the result is not ok."""
    check(forward, vjp, inputs, **options).raise_for_failure()


def check_grad(loss: Callable[..., Any], grad: Callable[..., Any], x: Any, *args: Any, **options: Any) -> Result:
    """Is ``grad(x, *args)`` the gradient of the scalar ``loss(x, *args)`` with respect to ``x``?

    Options are those of ``check``; further ``args`` are passed on and not differentiated.
    """
    if not callable(loss) or not callable(grad):
        raise UsageError("check_grad takes two functions: loss(x) with a scalar value, and grad(x)")
    value = np.asarray(loss(x, *args))
    if value.size != 1:
        raise UsageError(
            f"loss: its value has shape {value.shape}, and must be one number; use check with a vjp for arrays"
        )

    def vjp(cotangent: Any, *inputs: Any, **kwargs: Any) -> Any:
        from gradcheck import trees

        answer = grad(*inputs, **kwargs)
        factor = np.reshape(cotangent, ())
        scaled = (np.multiply(leaf, factor).astype(np.asarray(leaf).dtype) for _, leaf in trees.leaves(answer))
        return (trees.rebuild(answer, scaled),)

    from gradcheck.subjects.protocol import Implementation

    implementation = Implementation(forward=loss, vjp=vjp, where=place(grad))
    options.setdefault("wrt", 0)
    result = check(implementation, None, (x, *args), **options)
    return Result(replace(result.record, operator=name_of(loss)))
