"""Residues modulo a prime as a number system in which functions are indeterminates: an identity that is false is seen to be, almost surely.

An element is the value, at a random point, of a rational function of the inputs and of indeterminates: one for exp of each atom (an input,
or a product that is no multiple of one thing), one for each other function of each argument.  exp turns sums into products, and nothing
else is known of these functions but their derivatives and r^2 = x of a root r.  So what is equal here is equal as a formula; equality by
chance has probability at most degree / p at a point.  Degrees are carried along.  Of the two roots the one is taken that is a square
itself.  The positive root of a square x^2 is that one if x is a square: inputs are drawn so, and for sums it is left to chance.

Source: Schwartz, Fast probabilistic algorithms for verification of polynomial identities, J. ACM 27 (1980), lemma 1.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.field import Array, ObjectField
from gradcheck.numbers.operations import Operation
from gradcheck.proofs.symbols import literal

P = 2**127 - 1713849
"""The largest prime below 2^127 modulo which -1 is no square and all primes up to 37 are squares.

p = 3 mod 4, so that a root is the power (p + 1) / 4; and the constants of which operators take roots have some.
"""

NAME = "residues modulo 2^127 - 1713849"

PARTS = 24
"""exp of an atom is the power PARTS of its indeterminate, so that halves, thirds and eighths of it are powers too."""

TERMS = 64
"""Atoms of a linear form; a longer one is an atom itself."""

ENTIRE = frozenset({"sin", "cos", "atan", "asinh", "erf", "erfi", "bessel_j", "bessel_i", "sinc", "exp"})
"""Analytic on all reals; of other functions whose argument is not known to be positive, the places where they are not stay open."""

Form = dict[int, Fraction]


class NoRoot(Exception):  # noqa: N818  it is a state
    """At this point something is no square: another point is drawn."""


class Residue:
    """``value`` mod p; ``form``: the element as a combination of atoms; degrees of numerator and denominator.

    ``sign``: 2 where the real function is known to be positive, 1 where it is known not to be negative, else 0.
    """

    __array_ufunc__ = None
    __slots__ = ("bottom", "form", "sign", "top", "value")

    def __init__(self, value: int, form: Form | None, top: int = 1, bottom: int = 0, sign: int = 0) -> None:
        self.value, self.top, self.bottom, self.sign = value % P, top, bottom, sign
        self.form = {self.value: Fraction(1)} if form is None or len(form) > TERMS else form

    def __add__(self, other: Residue | int) -> Residue:
        if isinstance(other, int):
            other = number(Fraction(other))
        if isinstance(other, Nothing):
            return other
        form = dict(self.form)
        for atom, c in other.form.items():
            total = form.get(atom, Fraction(0)) + c
            if total:
                form[atom] = total
            else:
                form.pop(atom, None)
        top = max(self.top + other.bottom, other.top + self.bottom)
        sign = max(self.sign, other.sign) if self.sign and other.sign else 0
        return Residue(self.value + other.value, form, top, self.bottom + other.bottom, sign)

    def __neg__(self) -> Residue:
        return Residue(-self.value, {a: -c for a, c in self.form.items()}, self.top, self.bottom)

    def __sub__(self, other: Residue | int) -> Residue:
        return self + -other

    def __mul__(self, other: Residue | int) -> Residue:
        if isinstance(other, int):
            other = number(Fraction(other))
        sign = min(self.sign, other.sign) or int(self.value == other.value)
        value, degrees = self.value * other.value, (self.top + other.top, self.bottom + other.bottom, sign)
        for one, two in ((self, other), (other, self)):
            if not one.form.keys() - {CONSTANT}:
                c = one.form.get(CONSTANT, Fraction(0))
                return Residue(value, {a: c * d for a, d in two.form.items() if c}, *degrees)
        return Residue(value, None, *degrees)

    __rmul__ = __mul__

    def __radd__(self, other: int) -> Residue:
        return number(Fraction(other)) + self

    def __rsub__(self, other: int) -> Residue:
        return number(Fraction(other)) - self

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Residue) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def inverse(self) -> Residue:
        """Of 0 there is none: the point is a bad one."""
        if not self.value:
            raise NoRoot
        if not self.form.keys() - {CONSTANT}:
            c = 1 / self.form[CONSTANT]
            return number(c)
        return Residue(pow(self.value, -1, P), None, self.bottom, self.top, self.sign)


class Nothing(Residue):
    """Minus infinity, of which a mask is made: what is added to it is lost, and exp makes 0 of it."""

    def __init__(self) -> None:
        super().__init__(0, {})

    def __add__(self, other: Residue | int) -> Residue:
        return self

    __radd__ = __add__

    def _refused(self, *_: Any) -> Any:
        raise Unsupported("another operation than a sum or exp, of minus infinity,", "residues")

    __mul__ = __rmul__ = __neg__ = __rsub__ = inverse = _refused

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nothing)

    __hash__ = Residue.__hash__


CONSTANT = -1
"""The atom of numbers: no residue is negative."""


def number(value: Fraction) -> Residue:
    """A fraction, of degree 0."""
    form = {CONSTANT: value} if value else {}
    sign = 2 if value > 0 else 0 if value < 0 else 1
    return Residue(value.numerator * pow(value.denominator, -1, P), form, 0, 0, sign)


class Residues(ObjectField):
    """At one random point, drawn from ``seed``; equal arguments have equal functions."""

    name = NAME

    def __init__(self, seed: int, *, dummies: int | None = None) -> None:
        """With ``dummies``, what is no square gets a random number in the place of a root, drawn from that seed: see ``squares``."""
        self.draw = random.Random(seed)
        self.dummies = None if dummies is None else random.Random(dummies)
        self.squares: dict[int, bool] = {}
        """What has a root, in the order of the first time, and whether it is a square."""
        self.known: dict[Any, Residue] = {}
        self.readings: dict[str, None] = {}
        self.poles: set[int] = set()
        self.branch_points: set[int] = set()
        self.heavy: set[int] = (
            set()
        )  # what may be negative, and has a root, a logarithm or a function that is not entire

    def fresh(self) -> Residue:
        """An indeterminate at the point."""
        return Residue(self.draw.randrange(1, P), None)

    def of_sign(self, sign: float) -> Residue:
        """One that is a square if the sign is not -1, and else is none: so the root of x^2 is |x|, as -1 is no square."""
        value = pow(self.draw.randrange(1, P), 2, P)
        return Residue(-value if sign < 0 else value, None)

    def element(self, value: float) -> Residue:
        """The number for which a literal stands; irrational ones are indeterminates."""
        if value == -math.inf:
            return Nothing()
        meant, reading = literal(float(value))
        if reading:
            self.readings[reading] = None
        if meant.is_Rational:
            return number(Fraction(int(meant.p), int(meant.q)))
        return self._irrational(meant)

    def _irrational(self, meant: Any) -> Residue:
        """A product of a fraction and powers of constants, each an indeterminate; roots of fractions are roots."""
        total = number(Fraction(1))
        for factor, power in meant.as_powers_dict().items():
            if factor.is_Rational and power.is_Integer:
                base = number(Fraction(int(factor.p), int(factor.q)))
            elif factor.is_Rational and (2 * power).is_Integer:
                base, power = self._root(number(Fraction(int(factor.p), int(factor.q)))), 2 * power
            elif power.is_Integer:
                base = self._memo("constant", str(factor))
            elif (2 * power).is_Integer:
                base, power = self._root(self._memo("constant", str(factor))), 2 * power
            else:
                raise Unsupported(f"the number {meant}", self.name)
            total = total * _power(base, int(power))
        return total

    def pi(self) -> Array:
        """An indeterminate."""
        out = self.zeros((1,))
        out[0] = self._memo("constant", "pi")
        return out

    def _memo(self, *key: Any) -> Residue:
        if key not in self.known:
            self.known[key] = self.fresh()
        return self.known[key]

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """Rational operations, exp and what is made of it, roots; anything else is an indeterminate of its arguments."""
        name = operation.name
        found = self._function(name, parameter)
        if name in ("add", "sub", "exp", "expm1"):
            return found

        def finite(*x: Any) -> Any:
            if any(isinstance(one, Nothing) for one in x):
                raise Unsupported(f"{name} of minus infinity", self.name)
            return found(*x)

        return finite

    def _function(self, name: str, parameter: float | None) -> Callable[..., Any]:
        if name == "div":
            return lambda a, b: a * self._inverse(b)
        if name == "powi" and parameter is not None:
            return lambda x: _power(x if parameter >= 0 else self._inverse(x), abs(int(parameter)))
        made = getattr(self, f"_{name}", None)
        if made is not None and parameter is None:
            found: Callable[..., Any] = made
            return found
        return lambda *x: self._unknown(name, parameter, x)

    def _unknown(self, name: str, parameter: float | None, x: tuple[Residue, ...]) -> Residue:
        if name not in ENTIRE:
            self.branch_points |= {one.value for one in x if one.sign < 2}
            self.heavy |= {one.value for one in x if one.sign < 2}
        return self._memo(name, parameter, *(one.value for one in x))

    def _inverse(self, x: Residue) -> Residue:
        """Notes what may vanish."""
        if x.sign < 2 and x.form.keys() - {CONSTANT}:
            self.poles.add(x.value)
        return x.inverse()

    def _exp(self, x: Residue) -> Residue:
        if isinstance(x, Nothing):
            return number(Fraction(0))
        total = number(Fraction(1))
        for atom, c in x.form.items():
            power = c * PARTS
            base = self._memo("exp", atom) if power.denominator == 1 else self._memo("exp", atom, c)
            total = total * _power(base, int(power) if power.denominator == 1 else 1)
        total.sign = 2
        return total

    def _expm1(self, x: Residue) -> Residue:
        return self._exp(x) - number(Fraction(1))

    def _expit(self, x: Residue) -> Residue:
        return (number(Fraction(1)) + self._exp(-x)).inverse()

    def _log_expit(self, x: Residue) -> Residue:
        return self._log(self._expit(x))

    def _cosh(self, x: Residue) -> Residue:
        return (self._exp(x) + self._exp(-x)) * number(Fraction(1, 2))

    def _sinh(self, x: Residue) -> Residue:
        return (self._exp(x) - self._exp(-x)) * number(Fraction(1, 2))

    def _tanh(self, x: Residue) -> Residue:
        return self._sinh(x) * self._cosh(x).inverse()

    def _sech(self, x: Residue) -> Residue:
        return self._cosh(x).inverse()

    def _log(self, x: Residue) -> Residue:
        if x.sign < 2:
            self.poles.add(x.value)
        if not x.sign:
            self.heavy.add(x.value)
        return self._memo("log", x.value)

    def _log1p(self, x: Residue) -> Residue:
        return self._log(x + number(Fraction(1)))

    def _erfc(self, x: Residue) -> Residue:
        return number(Fraction(1)) - self._memo("erf", None, x.value)

    def _shift(self, x: Residue) -> Residue:
        """Any number at all."""
        return self._memo("shift", x.value)

    def _sqrt(self, x: Residue) -> Residue:
        return self._root(x)

    def _root(self, x: Residue) -> Residue:
        """Of a number that may vanish the root has no derivative there."""
        root = pow(x.value, (P + 1) // 4, P)
        square = root * root % P == x.value
        if not square and self.dummies is None:
            raise NoRoot
        if not square and self.dummies is not None:
            root = self.known.setdefault(("dummy", x.value), Residue(self.dummies.randrange(1, P), None)).value
        if x.form.keys() - {CONSTANT}:
            self.squares.setdefault(x.value, square)
        else:
            root = _number_root(x.form[CONSTANT], root) if x.form else 0
        if x.sign < 2:
            self.branch_points.add(x.value)
        if not x.sign:
            self.heavy.add(x.value)
        return Residue(root, None, 2 * x.top + 1, 2 * x.bottom, max(x.sign, 1))


def _number_root(value: Fraction, root: int) -> int:
    """The product of the roots of the primes, which has the same sign however the number is written; else ``root``."""
    total = 1
    for prime, power in sympy.factorrat(sympy.Rational(value.numerator, value.denominator)).items():
        half, odd = divmod(power, 2)
        own = pow(int(prime), (P + 1) // 4, P)
        if odd and own * own % P != prime % P:
            return root
        total = total * pow(int(prime), half, P) * (own if odd else 1) % P
    return total


def _power(x: Residue, n: int) -> Residue:
    total, base = number(Fraction(1)), x if n >= 0 else x.inverse()
    for bit in bin(abs(n))[2:]:
        total = total * total
        if bit == "1":
            total = total * base
    return total
