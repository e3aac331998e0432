"""Expressions of computer algebra as a number system: a program is replayed on symbols and becomes a formula.

What the text divides by, takes a logarithm or a root of is noted: where it vanishes the formula need not be the function.  A float64
literal is read exactly, or, where it is the double nearest to a small fraction, to a product of pi, ln 2, ln 10 and roots of
small integers, or to the logarithm of a small fraction or of one times the root of pi, as that number; each such reading is an
assumption of what is proved.
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

LARGEST_LOG = 20.0
"""Logarithms up to here are recognised: beyond e^20 fractions of denominators up to 64 lie closer than float64 can tell."""

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
    for name in ("1", "sqrt(pi)") if abs(value) < LARGEST_LOG else ():  # logarithms of gamma at whole and half numbers
        ratio = Fraction(math.exp(value) / BASES[name]).limit_denominator(64)
        if ratio > 0 and abs(math.log(ratio * BASES[name]) - value) <= 4 * math.ulp(value):
            read = sympy.log(sympy.sympify(name) * sympy.Rational(ratio.numerator, ratio.denominator))
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


class Whole(sympy.Function):  # type: ignore[misc]  # sympy is untyped
    """The largest whole number up to a real one, of which no more is known than that it is whole; its derivative is 0 where it has one."""

    is_integer = True
    nargs = 1

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """Whole terms come out; what is left is rounded if it is a fraction."""
        whole = [term for term in sympy.Add.make_args(argument) if term.is_integer]
        rest = argument - sympy.Add(*whole)
        if rest.is_Rational:
            return sympy.Add(*whole) + sympy.floor(rest)
        return sympy.Add(*whole) + cls(rest) if whole else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Constant between jumps."""
        return sympy.Integer(0)


class LogAbsGamma(sympy.Function):  # type: ignore[misc]  # sympy is untyped
    """ln |gamma(x)| of real x, whose derivative is digamma on either side of 0 (DLMF 5.2.2)."""

    is_extended_real = True
    nargs = 1

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """At the poles there is no value."""
        return sympy.zoo if argument.is_integer and argument.is_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Any:
        """gamma' / gamma."""
        return sympy.polygamma(0, self.args[0])


class Confluent(sympy.Function):  # type: ignore[misc]  # sympy is untyped
    """0F1(; n; z) of whole n from 1 on, which is entire; ``normalised`` writes it by Bessel functions."""

    nargs = 2

    @classmethod
    def eval(cls, order: Any, argument: Any) -> Any:
        """1 at 0."""
        return sympy.Integer(1) if argument.is_zero else None

    def fdiff(self, argindex: int = 1) -> Any:
        """DLMF 16.3.1."""
        order, argument = self.args
        if argindex != 2:
            raise sympy.ArgumentIndexError(self, argindex)
        return Confluent(order + 1, argument) / order


def _confluent(order: Any, argument: Any) -> Any:
    """DLMF 10.39.9 at z = w^2/4, both sides of which are even in w; only where w is found."""
    root = sympy.sqrt(sympy.factor(4 * argument)).replace(sympy.Abs, lambda w: w)
    if root.atoms(sympy.Pow) and not root.is_polynomial():
        return Confluent(order, argument)
    return sympy.factorial(order - 1) * (root / 2) ** (1 - order) * _bessel_i(root, order - 1)


def _hurwitz(x: Any, s: float) -> Any:
    """DLMF 25.11.12 for whole s from 2 on."""
    if s == int(s) and s >= 2:
        n = int(s)
        return sympy.Integer(-1) ** n * sympy.polygamma(n - 1, x) / sympy.factorial(n - 1)
    return sympy.zeta(literal(s)[0], x)


def _lower(x: Any, a: float) -> Any:
    order = literal(a)[0]
    return sympy.lowergamma(order, x) / sympy.gamma(order)


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
    "whole": Whole,
    "hurwitz": _hurwitz,
    "gamma_p": _lower,
    "gamma_q": lambda x, a: 1 - _lower(x, a),
    "hyp0f1": lambda x, b: Confluent(int(b), x),
    "log_abs_gamma": LogAbsGamma,
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
    "hurwitz": lambda x, s: x,
    "gamma_p": lambda x, a: x,
    "gamma_q": lambda x, a: x,
    "log_abs_gamma": lambda x: 1 / sympy.gamma(x),
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
    """Bessel functions of orders 0 and 1 alone: derivatives bring in others; polygamma of x and not of 1 - x."""
    expression = expression.replace(Confluent, _confluent)
    for family, function in ORDERS.items():
        expression = expression.replace(family, lambda n, x, f=function: f(x, n))
    if expression.has(sympy.polygamma):
        expression = expression.replace(sympy.polygamma, _reflected)
    return unwound(expression) if expression.has(Whole) else expression


def _reflected(n: Any, x: Any) -> Any:
    """DLMF 5.15.6, 5.5.4."""
    other = sympy.expand(1 - x)
    if not (other.is_Symbol and n.is_Integer):
        return sympy.polygamma(n, x)
    slope = sympy.pi * sympy.diff(sympy.cos(sympy.pi * other) / sympy.sin(sympy.pi * other), other, int(n))
    return (-1) ** n * (sympy.polygamma(n, other) + slope)


def unwound(expression: Expression) -> Expression:
    """Sine and cosine without whole multiples of pi in their arguments (DLMF 4.21.31 to 4.21.33)."""
    for function in (sympy.sin, sympy.cos):
        expression = expression.replace(function, lambda x, f=function: _unwound(f, x))
    return expression


def _unwound(function: Any, x: Any) -> Any:
    turns = [term for term in sympy.Add.make_args(sympy.expand(x)) if (term / sympy.pi).is_integer]
    rest = sympy.expand(x - sympy.Add(*turns))
    sign = sympy.Integer(1)
    for term in turns:
        half = term / sympy.pi
        if not (half / 2).is_integer:
            sign *= sympy.Integer(-1) ** half
    return sign * function(rest)


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
        *(sympy.LambertW, sympy.Ei, sympy.zeta, sympy.lowergamma, Whole, LogAbsGamma, Confluent),
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
