"""Expressions of computer algebra as a number system: a program is replayed on symbols and becomes a formula.

What the text divides by, takes a logarithm or a root of is noted: where it vanishes the formula need not be the function.  A float64
literal is read exactly, or, where it is the double nearest to a small fraction or to a product of pi, ln 2, ln 10 and roots of small
integers, as that number; each such reading is an assumption of what is proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy
from numpy.typing import NDArray

from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.field import Array, ObjectField, unsupported
from gradcheck.numbers.operations import Operation

SHORT = 26
"""Bits of a literal that is surely meant as it stands: of the doubles nearest to 1/10, ln 2, .. none has so few."""

DENOMINATOR = 10**6
"""Largest denominator of the fraction that a long literal may stand for; two such fractions are never one double."""

Expression = Any

BASES = {
    "1": 1.0,
    "pi": math.pi,
    "sqrt(pi)": math.sqrt(math.pi),
    "log(2)": math.log(2.0),
    "log(10)": math.log(10.0),
    "sqrt(2)": math.sqrt(2.0),
    "sqrt(2*pi)": math.sqrt(2 * math.pi),
    "sqrt(2/pi)": math.sqrt(2 / math.pi),
}
"""Irrational numbers of formulae, and 1."""


@lru_cache(maxsize=1024)
def literal(value: float) -> tuple[Expression, str]:
    """A literal as a number, and the reading as an assumption in words, empty where it is exact."""
    if not math.isfinite(value):
        raise Unsupported(f"the number {value}", "expressions")
    exact = Fraction(value)
    if exact.numerator.bit_length() <= SHORT:
        return sympy.Rational(exact.numerator, exact.denominator), ""
    for name, base in BASES.items():
        for meant, near in ((sympy.sympify(name), value / base), (1 / sympy.sympify(name), value * base)):
            ratio = Fraction(near).limit_denominator(DENOMINATOR if name == "1" else 64)
            if ratio.numerator and abs(float(ratio) - near) <= 4 * math.ulp(near):
                read = meant * sympy.Rational(ratio.numerator, ratio.denominator)
                return read, f"{value!r} is read as {read}, which is within 4 ulp of it"
    return sympy.Rational(exact.numerator, exact.denominator), ""


def _cylinder(family: Callable[..., Any]) -> Callable[[Any, int], Any]:
    """J and Y of integer order through those of orders 0 and 1 (DLMF 10.4.1, 10.6.1)."""

    def function(x: Any, n: int) -> Any:
        n = int(n)
        if n < 0:
            return (-1) ** n * function(x, -n)
        return family(n, x) if n < 2 else 2 * (n - 1) / x * function(x, n - 1) - function(x, n - 2)

    return function


def _bessel_i(x: Any, n: int) -> Any:
    """DLMF 10.27.1, 10.29.1."""
    n = abs(int(n))
    return sympy.besseli(n, x) if n < 2 else _bessel_i(x, n - 2) - 2 * (n - 1) / x * _bessel_i(x, n - 1)


def _bessel_k(x: Any, n: int) -> Any:
    """DLMF 10.27.3, 10.29.1."""
    n = abs(int(n))
    return sympy.besselk(n, x) if n < 2 else _bessel_k(x, n - 2) + 2 * (n - 1) / x * _bessel_k(x, n - 1)


def _sinc(x: Any, n: int) -> Any:
    if n == 0:
        return sympy.sin(x) / x
    if n == 1:
        return 3 * (sympy.sin(x) / x - sympy.cos(x)) / x**2
    raise Unsupported(f"sinc of order {n}", "expressions")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "div": lambda a, b: a / b,
    "powi": lambda x, n: x ** int(n),
    "powr": lambda x, n: x ** literal(n)[0],
    "pow": lambda a, b: a**b,
    "sqrt": sympy.sqrt,
    "cbrt": lambda x: x ** sympy.Rational(1, 3),
    "exp": sympy.exp,
    "expm1": lambda x: sympy.exp(x) - 1,
    "log": sympy.log,
    "log1p": lambda x: sympy.log(1 + x),
    "expit": lambda x: 1 / (1 + sympy.exp(-x)),
    "log_expit": lambda x: -sympy.log(1 + sympy.exp(-x)),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "atan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "sech": lambda x: 1 / sympy.cosh(x),
    "asinh": sympy.asinh,
    "acosh": sympy.acosh,
    "atanh": sympy.atanh,
    "sinc": _sinc,
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "erfi": sympy.erfi,
    "erfinv": sympy.erfinv,
    "erfcinv": sympy.erfcinv,
    "gamma": sympy.gamma,
    "lgamma": sympy.loggamma,
    "digamma": lambda x: sympy.polygamma(0, x),
    "polygamma": lambda x, n: sympy.polygamma(int(n), x),
    "bessel_j": lambda x, n: sympy.besselj(int(n), x),
    "bessel_y": lambda x, n: sympy.bessely(int(n), x),
    "bessel_i": lambda x, n: sympy.besseli(int(n), x),
    "bessel_k": lambda x, n: sympy.besselk(int(n), x),
    "lambertw": sympy.LambertW,
    "expi": sympy.Ei,
}
"""The operations of the tape; ``add``, ``sub``, ``mul`` and ``neg`` are Python's."""

CRITICAL: dict[str, Callable[..., Any]] = {
    "div": lambda a, b: b,
    "powr": lambda x, n: x,
    "pow": lambda a, b: a,
    "sqrt": lambda x: x,
    "cbrt": lambda x: x,
    "log": lambda x: x,
    "log1p": lambda x: 1 + x,
    "tan": sympy.cos,
    "asin": lambda x: 1 - x**2,
    "acos": lambda x: 1 - x**2,
    "atanh": lambda x: 1 - x**2,
    "acosh": lambda x: x - 1,
    "atan2": lambda a, b: a**2 + b**2,
    "sinc": lambda x, n: x,
    "erfinv": lambda x: 1 - x**2,
    "erfcinv": lambda x: x * (2 - x),
    "gamma": lambda x: 1 / sympy.gamma(x),
    "lgamma": lambda x: 1 / sympy.gamma(x),
    "digamma": lambda x: 1 / sympy.gamma(x),
    "polygamma": lambda x, n: 1 / sympy.gamma(x),
    "bessel_y": lambda x, n: x,
    "bessel_k": lambda x, n: x,
    "lambertw": lambda x: x + sympy.exp(-1),
    "expi": lambda x: x,
}
"""What must not vanish for an operation to be analytic and its formula to be the function."""


class Expressions(ObjectField):
    """Expressions in real symbols.  ``critical`` and ``readings`` grow while a program is replayed."""

    name = "the expressions of computer algebra"

    def __init__(self) -> None:
        self.critical: dict[Expression, None] = {}
        self.readings: dict[str, None] = {}

    def element(self, value: float) -> Expression:
        """The number for which a literal stands."""
        number, reading = literal(float(value))
        if reading:
            self.readings[reading] = None
        return number

    def pi(self) -> Array:
        """The symbol."""
        raise Unsupported("pi", self.name, "formulae of the table are not replayed in it")

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """sympy's function, after a note of where it is not analytic."""
        bare, extra = FUNCTIONS.get(operation.name), () if parameter is None else (parameter,)
        if bare is None:
            raise unsupported(self, operation)
        watched = CRITICAL.get(operation.name)
        if operation.name == "powi" and parameter is not None and parameter < 0:
            watched = _first

        if operation.name == "powr" and parameter is not None:
            self.element(parameter)  # notes how the exponent is read

        def noted(*x: Any) -> Any:
            if watched is not None and (expression := watched(*x, *extra)).free_symbols:
                self.critical[expression] = None
            return bare(*x, *extra)

        return noted


def _first(x: Any, *_: Any) -> Any:
    return x


ORDERS = {
    sympy.besselj: _cylinder(sympy.besselj),
    sympy.bessely: _cylinder(sympy.bessely),
    sympy.besseli: _bessel_i,
    sympy.besselk: _bessel_k,
}


def normalised(expression: Expression) -> Expression:
    """Bessel functions of orders 0 and 1 alone: derivatives bring in others."""
    for family, function in ORDERS.items():
        expression = expression.replace(family, lambda n, x, f=function: f(x, n))
    return expression


def formulas(values: NDArray[Any]) -> list[Expression]:
    """The entries of an array of expressions."""
    return [sympy.sympify(value) for value in values.flat]


def to_tree(expression: Expression) -> Any:
    """An expression as nested lists of names and arguments: data, which nothing evaluates."""
    if isinstance(expression, sympy.Symbol):
        sign = "positive" if expression.is_positive else "negative" if expression.is_negative else "real"
        return ["Symbol", expression.name, sign]
    if isinstance(expression, sympy.Rational):
        return ["Rational", str(expression.p), str(expression.q)]
    return [type(expression).__name__, *(to_tree(argument) for argument in expression.args)]


KNOWN = {
    kind.__name__: kind
    for kind in (
        *(sympy.Add, sympy.Mul, sympy.Pow, sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.tan),
        *(sympy.asin, sympy.acos, sympy.atan, sympy.atan2, sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh),
        *(sympy.acosh, sympy.atanh, sympy.erf, sympy.erfc, sympy.erfi, sympy.erfinv, sympy.erfcinv, sympy.gamma),
        *(sympy.loggamma, sympy.polygamma, sympy.besselj, sympy.bessely, sympy.besseli, sympy.besselk),
        *(sympy.LambertW, sympy.Ei),
    )
}
NUMBERS = {"Pi": sympy.pi, "Exp1": sympy.E}


def from_tree(tree: Any) -> Expression:
    """The expression again; what is not known here is a ``ValueError``."""
    if not (isinstance(tree, list | tuple) and tree and isinstance(tree[0], str)):
        raise ValueError(f"{tree!r} is no formula: it must be a list that begins with a name")
    head, *rest = tree
    if head == "Symbol" and len(rest) == 2 and rest[1] in ("positive", "negative", "real"):
        return sympy.Symbol(str(rest[0]), **{rest[1]: True})
    if head == "Rational":
        return sympy.Rational(int(rest[0]), int(rest[1]))
    if head in NUMBERS:
        return NUMBERS[head]
    if head not in KNOWN:
        raise ValueError(f"a formula has the function {head!r}, which is not known here")
    return KNOWN[head](*(from_tree(argument) for argument in rest))
