"""Whether an expression is zero for all values of its symbols.  Yes is a proof (it trusts sympy); anything else says nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import sympy

LARGEST = 250
"""Operations beyond which an expression is left alone: the dear steps take minutes there.  Rules of the catalogue have up to about 100."""


def is_zero(expression: Any) -> bool:
    """Tries from cheap to dear; the answer counts only if an expression literally becomes 0."""
    if sympy.count_ops(expression) > LARGEST:
        return False
    return any(step(expression) == 0 for step in _steps())


def _steps() -> Iterator[Callable[[Any], Any]]:
    yield sympy.expand
    yield _algebraic
    yield lambda e: _algebraic(sympy.expand(e))
    yield sympy.simplify
    yield lambda e: _algebraic(sympy.expand_func(e))
    yield lambda e: sympy.simplify(sympy.expand_log(sympy.expand_func(e), force=False))


def _algebraic(expression: Any) -> Any:
    """Hyperbolic functions by exponentials, these by powers of independent positive variables; then a quotient of polynomials."""
    plain = sympy.expand_trig(expression).rewrite(_HYPERBOLIC, sympy.exp)
    plain = plain.replace(sympy.exp, lambda x: sympy.exp(sympy.expand(x)))
    plain = sympy.expand(plain, power_exp=True, power_base=True, mul=False, multinomial=False, log=False, basic=False)
    plain = plain.replace(sympy.erfc, lambda x: 1 - sympy.erf(x))
    powers = sorted(plain.atoms(sympy.exp), key=sympy.default_sort_key)
    swapped: dict[Any, Any] = {}
    bases: dict[Any, Any] = {}
    for power in powers:
        coefficient, kernel = power.args[0].as_coeff_Mul()
        if not coefficient.is_Rational:
            continue
        bases.setdefault(kernel, []).append((power, coefficient))
    for number, (_, found) in enumerate(bases.items()):
        scale = math.lcm(*(int(c.q) for _, c in found))
        variable = sympy.Symbol(f"e{number}", positive=True)
        swapped |= {power: variable ** (c * scale) for power, c in found}
    return sympy.cancel(sympy.together(plain.xreplace(swapped)))


_HYPERBOLIC = (sympy.sinh, sympy.cosh, sympy.tanh)
