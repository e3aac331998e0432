"""Formulas of the catalogue as MathML: ``y = sum_k e^x_k / (1 + |x|)``, mathematics typed on a line, with words between.

The notation: juxtaposition multiplies, ``_`` and ``^`` bind to what follows them (in parentheses where it is more than one sign or
name), ``/`` divides the product before it by the one factor after it, a name directly before a parenthesis is a function, and
what is neither a letter, a Greek name nor a known function is a word.  A formula that does not fit is shown as the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup, escape

from gradcheck.report.text import visible

_TOKEN = re.compile(
    r"\s*(\d+(?:\.\d+)?|[A-Za-z]{3,}\d[a-z]\w*|[A-Za-z]{3,}(?:-[a-z]{2,})+|[A-Za-z]+|\.{2,}|<=|>=|!=|->|[-+*/=<>(),;:^_|'!.&\[\]~])",
    re.ASCII,
)

_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon eta theta kappa lambda mu nu pi rho sigma tau phi psi omega Phi Gamma Sigma infinity".split(),
        "αβγδεηθκλμνπρστφψωΦΓΣ∞",
        strict=True,
    )
)
_FUNCTIONS = frozenset(
    "sin cos tan arcsin arccos arctan sinh cosh tanh ln log exp erf erfc erfcx max min floor ceil trunc sign det diag Re Im "
    "mod softmax concat attention onehot sech".split()
)
_NAMES = frozenset(
    "loss mean var variance target prediction scale shift margin bias threshold slope low high label value offset size stride "
    "padding step before index gain base ddof dilation kernel weights axes".split()
)
_SHORT_WORDS = frozenset("of or if is as to in by at no an on it".split())
_LARGE = {"sum": "∑", "product": "∏"}
_SIGNS = {"-": "−", "*": "⋅", ".": "⋅", "<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "...": "…", "~": "∼"}
_OPERATORS = frozenset(["+", "-", "*", "=", "<", ">", "<=", ">=", "!=", "->", ",", ";", ":", ".", "~"])
_THIN = '<mspace width="0.17em"/>'


class _NotAFormulaError(Exception):
    """The text does not fit the notation."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    spaced: bool
    """Whether there is a blank before it."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A piece of a row: its kind (operand, function, sign or word), its MathML, and the same without its own parentheses."""

    kind: str
    markup: str
    bare: str = ""
    long: bool = False
    """A name of several letters, which needs a space beside another name."""


def formula(text: str) -> Markup:
    """The formula as an inline ``math`` element that carries its own text, or as escaped text where it does not fit."""
    text = visible(text)
    try:
        row = _Reader(_tokens(text)).whole()
    except (_NotAFormulaError, RecursionError):
        return Markup(f'<span class="mono">{escape(text)}</span>')
    row = re.sub("\u00a0</mtext><mo>([,;:)])", r"</mtext><mo>\1", row)
    row = re.sub("(^<mrow>|<mo>\\(</mo><mrow>)<mtext>\u00a0", r"\1<mtext>", row)
    if not re.search("<m[no]>|<mi>.</mi>", row):  # nothing but words
        return Markup(escape(text))
    annotation = f'<annotation encoding="text/plain">{escape(text)}</annotation>'
    return Markup(f'<math displaystyle="true"><semantics>{row}{annotation}</semantics></math>')


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _NotAFormulaError(text)
        token = match.group().strip()
        found.append(_Token(token, text[place].isspace()))
        place = match.end()
    if not found:
        raise _NotAFormulaError(text)
    return found


class _Reader:
    """Reads the tokens from left to right."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.place = tokens, 0

    def whole(self) -> str:
        row = self.row(lambda token: False)
        if self.place < len(self.tokens):
            raise _NotAFormulaError
        return row

    @property
    def next(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def sees(self, *texts: str) -> bool:
        token = self.next
        return token is not None and token.text in texts

    def take(self) -> _Token:
        token = self.next
        if token is None:
            raise _NotAFormulaError
        self.place += 1
        return token

    def expect(self, text: str) -> None:
        if self.take().text != text:
            raise _NotAFormulaError

    def row(self, ends: Callable[[_Token], bool]) -> str:
        """Everything up to a token that ends it."""
        items: list[_Item] = []
        while (token := self.next) is not None and not ends(token) and token.text not in (")", "]"):
            if token.text == "/":
                self.take()
                items = self.fraction(items)
            elif token.text in _OPERATORS:
                self.take()
                items.append(_Item("sign", f"<mo>{escape(_SIGNS.get(token.text, token.text))}</mo>"))
            elif self.is_word(token):
                items.append(_Item("word", self.words(ends)))
            else:
                items.append(self.factor())
        return f"<mrow>{_joined(items)}</mrow>"

    def fraction(self, items: list[_Item]) -> list[_Item]:
        """The items with the product at their end over the next factor."""
        first = len(items)
        while first and items[first - 1].kind in ("operand", "function"):
            first -= 1
        above, below = items[first:], [self.factor()]
        while below[-1].kind == "function" and self.next is not None:
            below.append(self.factor())
        if not above or (self.next is None and below[-1].kind == "function"):
            raise _NotAFormulaError
        return [*items[:first], _Item("operand", f"<mfrac>{_part(above)}{_part(below)}</mfrac>")]

    def is_word(self, token: _Token) -> bool:
        text = token.text
        if not text[0].isalpha() or text in _GREEK or text in _FUNCTIONS or text in _NAMES or text == "sqrt":
            return False
        after = self.tokens[self.place + 1] if self.place + 1 < len(self.tokens) else None
        if text in _LARGE:
            return after is not None and after.text in ("of", "over")
        if after is not None and (after.text in ("_", "^", "'") or (after.text == "(" and not after.spaced)):
            return False
        return len(text) > 2 or text in _SHORT_WORDS

    def words(self, ends: Callable[[_Token], bool]) -> str:
        found = [self.take().text]
        while (token := self.next) is not None and not ends(token) and (self.is_word(token) or self.is_article(token)):
            found.append(self.take().text)
        return f"<mtext>\u00a0{escape(' '.join(found))}\u00a0</mtext>"

    def is_article(self, token: _Token) -> bool:
        """Whether this is the word a, and not the letter: between words."""
        after = self.tokens[self.place + 1] if self.place + 1 < len(self.tokens) else None
        return token.text == "a" and after is not None and after.text[0].isalpha() and len(after.text) > 2

    def factor(self) -> _Item:
        """One thing with its indices and powers, applied to a group if that stands directly behind it; that may have powers again."""
        item = self.atom()
        markup, scripted = self.scripts(item.markup)
        token = self.next
        if token is not None and token.text == "(" and not token.spaced and item.kind != "group":
            applied = f"<mrow>{markup}<mo>\u2061</mo>{self.group().markup}</mrow>"
            return _Item("operand", self.scripts(applied)[0])
        kind = "operand" if item.kind == "group" else item.kind
        return _Item(kind, markup, "" if scripted else item.bare, item.long)

    def scripts(self, markup: str) -> tuple[str, bool]:
        """The markup with the indices, powers, primes and factorials that follow, and whether there were any."""
        below = above = ""
        begun = self.place
        while (token := self.next) is not None and token.text in ("_", "^", "'", "!"):
            self.take()
            if token.text == "!":
                markup = f"<mrow>{markup}<mo>!</mo></mrow>"
            elif token.text == "'":
                above += "<mo>′</mo>"
            elif token.text == "_" and not below:
                below = self.script(nested=False)
            elif token.text == "^":
                above += self.script(nested=True)
            else:
                raise _NotAFormulaError
        if below and above:
            markup = f"<msubsup>{markup}{below}<mrow>{above}</mrow></msubsup>"
        elif below:
            markup = f"<msub>{markup}{below}</msub>"
        elif above:
            markup = f"<msup>{markup}<mrow>{above}</mrow></msup>"
        return markup, self.place > begun

    def script(self, *, nested: bool) -> str:
        """What stands below or above: a group without its parentheses, or one name or number, with a sign and an index if above."""
        sign = ""
        if self.sees("-"):
            self.take()
            sign = "<mo>−</mo>"
        token = self.next
        if token is None:
            raise _NotAFormulaError
        if token.text == "(":
            inner = self.group().bare
        elif token.text == "|":
            inner = self.atom().markup
        else:
            function = self.take().text
            inner = self.name(function, index=not nested)
            if function[0].isdigit() and not nested:
                inner = self.run_on(inner)
            if nested and self.sees("_"):
                self.take()
                inner = f"<msub>{inner}{self.script(nested=False)}</msub>"
            elif function in _FUNCTIONS and self.sees("("):
                inner = f"<mrow>{inner}{self.group().markup}</mrow>"
        return f"<mrow>{sign}{inner}</mrow>"

    def run_on(self, number: str) -> str:
        """An index such as 2i or 2i+1, which ends at a blank."""
        parts = [number]
        while (
            (token := self.next) is not None and not token.spaced and (token.text.isalnum() or token.text in ("+", "-"))
        ):
            self.take()
            parts.append(
                f"<mo>{_SIGNS.get(token.text, token.text)}</mo>"
                if token.text in "+-"
                else self.name(token.text, index=True)
            )
        return f"<mrow>{''.join(parts)}</mrow>"

    def name(self, text: str, *, index: bool) -> str:
        if text.isalpha():
            text = _GREEK.get(text, text)
            if index and len(text) > 1 and text not in _NAMES | _FUNCTIONS:
                return (
                    "<mrow>" + "".join(f"<mi>{letter}</mi>" for letter in text) + "</mrow>"
                    if len(text) < 5
                    else f"<mi>{text}</mi>"
                )
            return f"<mi>{text}</mi>"
        if text[0].isdigit():
            return f"<mn>{text}</mn>"
        raise _NotAFormulaError

    def group(self) -> _Item:
        self.expect("(")
        inside = self.row(lambda token: False)
        self.expect(")")
        return _Item("group", f"<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>", inside)

    def atom(self) -> _Item:
        token = self.next
        if token is None:
            raise _NotAFormulaError
        if token.text == "(":
            return self.group()
        self.take()
        text = token.text
        if text == "|":
            inside = self.row(lambda other: other.text == "|")
            self.expect("|")
            return _Item("operand", f'<mrow><mo stretchy="false">|</mo>{inside}<mo stretchy="false">|</mo></mrow>')
        if text == "[":
            inside = self.row(lambda other: False)
            self.expect("]")
            return _Item("operand", f"<mrow><mo>[</mo>{inside}<mo>]</mo></mrow>")
        if text.startswith(".."):
            return _Item("operand", f"<mo>{'…' if len(text) > 2 else '‥'}</mo>")
        if text == "sqrt":
            return _Item("operand", f"<msqrt>{self.group().bare}</msqrt>")
        if text in _LARGE:
            return _Item("function", f"<mo>{_LARGE[text]}</mo>")
        if text in _FUNCTIONS:
            return _Item("function", f"<mi>{text}</mi>", long=True)
        if text == "T":
            return _Item("operand", '<mi mathvariant="normal">T</mi>')
        markup = self.name(text, index=False)
        return _Item("operand", markup, long=len(_GREEK.get(text, text)) > 1 and text.isalpha())


def _part(items: list[_Item]) -> str:
    """The upper or lower half of a fraction: a single group loses its parentheses."""
    if len(items) == 1:
        return items[0].bare or items[0].markup
    return f"<mrow>{_joined(items)}</mrow>"


def _joined(items: list[_Item]) -> str:
    """The items one after the other, with a thin space where two names would run together."""
    parts: list[str] = []
    for number, item in enumerate(items):
        before = items[number - 1] if number else None
        if before is not None and before.kind in ("operand", "function") and item.kind in ("operand", "function"):
            bracket = item.markup.startswith("<mrow><mo>(")
            parts.append(_THIN if not bracket or before.long else "")
        parts.append(item.markup)
    return "".join(parts)
