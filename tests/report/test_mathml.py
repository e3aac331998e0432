"""Formulas as MathML: precedence, indices, words; what does not fit is shown as text, and nothing is markup by accident."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck import catalogue
from gradcheck.report.mathml import formula
from reference_nets.networks import NETWORKS


def shape(text: str) -> str:
    """The formula without rows and spaces: fractions as (a)/(b), scripts as a_b^c."""
    match = re.search("<semantics>(.*)<annotation", formula(text))
    assert match, text
    return _shape(ElementTree.fromstring(f"<mrow>{match.group(1)}</mrow>"))


def _shape(element: ElementTree.Element) -> str:
    parts = [_shape(child) for child in element]
    match element.tag:
        case "mrow":
            return "".join(parts)
        case "mfrac":
            return f"({parts[0]})/({parts[1]})"
        case "msub":
            return f"{parts[0]}_{{{parts[1]}}}"
        case "msup":
            return f"{parts[0]}^{{{parts[1]}}}"
        case "msubsup":
            return f"{parts[0]}_{{{parts[1]}}}^{{{parts[2]}}}"
        case "msqrt":
            return f"root({''.join(parts)})"
        case "mtext":
            return f"'{(element.text or '').strip(chr(160))}'"
        case _:
            return (element.text or "").replace("\u2061", "").strip()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("y = x / (1 + e^-x)", "y=(x)/(1+e^{−x})"),
        ("y_i = e^x_i / sum_j e^x_j", "y_{i}=(e^{x_{i}})/(∑_{j}e^{x_{j}})"),
        ("z = x y / (|x| |y|)", "z=(xy)/(|x||y|)"),
        ("y = sin x / cos x", "y=(sinx)/(cosx)"),
        ("loss = -a + b / c d", "loss=−a+(b)/(c)d"),
        ("y = (x - mean) / sqrt(var + epsilon) * scale", "y=(x−mean)/(root(var+ε))⋅scale"),
        ("z = log_2(2^x + 2^y)", "z=log_{2}(2^{x}+2^{y})"),
        ("y_i = x_min(max(i - b, 0), n - 1)", "y_{i}=x_{min(max(i−b,0),n−1)}"),
        ("(y_2i, y_2i+1)", "(y_{2i},y_{2i+1})"),
        ("y = x_i + 1", "y=x_{i}+1"),
        ("h' = tanh(W x)", "h^{′}=tanh(Wx)"),
        ("Y = A^2 / 2! + A^-1", "Y=(A^{2})/(2!)+A^{−1}"),
        ("y = max(1 - x, 0)^2", "y=max(1−x,0)^{2}"),
        ("y = ln |gamma(x)|", "y=ln|γ(x)|"),
        ("y = x if x >= 0, else a non-negative one", "y=x'if'x≥0,'else a non-negative one'"),
        ("as conv2d with s = 2", "'as conv2d with's=2"),
    ],
)
def test_the_structure_is_the_one_that_is_meant(text: str, meaning: str) -> None:
    assert shape(text) == meaning


@pytest.mark.parametrize(
    "text", ["(-pi, pi]", "x = (", "a b)", "x ^", "/ 2", "x_", "é = 1", "f(x", "|x", "a^b^", "(" * 5000]
)
def test_what_does_not_fit_is_shown_as_the_text_it_is(text: str) -> None:
    assert "<math" not in formula(text)
    assert formula(text) == f'<span class="mono">{text}</span>'


def test_words_alone_are_words() -> None:
    assert formula("the mean over a window") == "the mean over a window"


@given(st.text(max_size=40) | st.text("xy_^/|()<>&'\"!.,- sum12", max_size=30))
def test_no_text_becomes_markup(text: str) -> None:
    made = formula(text)
    tags = set(re.findall("<(/?[a-z]+)", made))
    known = {"math", "semantics", "annotation", "span", "mrow", "mi", "mn", "mo", "mtext", "mspace"}
    known |= {"mfrac", "msub", "msup", "msubsup", "msqrt"}
    assert {tag.removeprefix("/") for tag in tags} <= known


def test_nearly_every_formula_of_the_catalogue_is_mathematics() -> None:
    texts = [catalogue.operator(name).formula for name in catalogue.operators()]
    left = [text for text in texts if "<math" not in formula(text)]
    # An interval that is open on one side only, and formulas in words.
    assert len(left) <= 3, left


def test_the_formulas_of_the_networks_are_mathematics() -> None:
    assert [name for name, case in NETWORKS.items() if "<math" not in formula(case.formula)] == []
