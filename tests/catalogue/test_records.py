"""Every record of the catalogue is complete, evaluates, and names no implementation."""

import ast
import inspect
import pathlib
import re
import types

import numpy as np
import pytest

from gradcheck import catalogue
from gradcheck.catalogue import FAMILIES, collect, operator, operators, select
from gradcheck.claim import Kind, Operator, Set
from gradcheck.errors import UsageError
from tests.catalogue.drawn_inputs import draw

SOURCES = sorted(pathlib.Path(catalogue.__file__).parent.glob("*.py"))
FRAMEWORKS = re.compile(r"\b(torch|pytorch|jax|tensorflow|keras|autograd|theano|mxnet|tinygrad|flax|paddle)\b", re.I)
REAL_ONLY = set(
    """arctan2 betaln bessel_i0 bessel_i0e bessel_i1 bessel_i1e bessel_j0 bessel_j1 bessel_y0 bessel_y1 cbrt erfcx
    erfinv fmod gammainc gammaincc gammaln hurwitz_zeta hypot logaddexp logaddexp2 logcumsumexp ndtri remainder trigamma
    """.split()
)
EXAMPLES = [(o.name, k) for o in operators().values() for k in range(len(o.examples))]


def test_all_families_have_operators():
    assert len(operators()) >= 25
    assert len({o.family for o in operators().values()}) == len(FAMILIES) >= 10
    assert list(operators()) == sorted(operators())


@pytest.mark.parametrize("name", operators())
def test_every_field_is_filled(name):
    record = operators()[name]
    assert record.name == name
    for text in (record.family, record.signature, record.formula, record.citation):
        assert text.strip()
    assert "->" in record.signature
    assert record.witnesses and all(w.source for w in record.witnesses)
    assert len(record.examples) >= 2 and len(record.special) >= 4
    assert len(record.domain.sets) in (1, len(record.examples[0].shapes))
    assert all(len(e.shapes) == len(record.examples[0].shapes) for e in record.examples)
    if name in ("abs", "relu", "max", "maximum", "norm", "max_pool1d", "huber"):
        assert record.kinks


@pytest.mark.parametrize("name", operators())
def test_arrays_are_fixed_arguments(name):
    """Indices, masks and labels are arrays in every example, and FIXED in the domain; all others are shapes."""
    record = operators()[name]
    for example in record.examples:
        for leaf, shape in enumerate(example.shapes):
            is_fixed = record.domain.of(leaf).kind is Kind.FIXED
            assert isinstance(shape, np.ndarray) == is_fixed
            assert not is_fixed or shape.dtype.kind in "ib"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("name", "k"), EXAMPLES)
def test_examples_evaluate_and_keep_their_type(name, k, dtype):
    record = operators()[name]
    inputs = draw(record, record.examples[k], dtype)
    before = [np.array(x) for x in inputs]
    value = np.asarray(record.definition(*inputs, **record.examples[k].params))
    assert value.dtype == dtype
    assert np.all(np.isfinite(value))
    assert all(np.array_equal(a, b) for a, b in zip(before, inputs, strict=True))


@pytest.mark.parametrize(("name", "k"), EXAMPLES)
def test_definitions_continue_to_complex_numbers(name, k):
    """f(x + i 0) has the value f(x): no conjugate, modulus or cast to reals on the way.

    Both runs round differently, within what the witnesses allow.  A function that NumPy or SciPy has for real numbers only
    raises a TypeError: it never takes the real part in silence.
    """
    record = operators()[name]
    inputs = draw(record, record.examples[k], np.float64)
    raised = [x.astype(complex) if x.dtype.kind == "f" else x for x in inputs]
    real = np.asarray(record.definition(*inputs, **record.examples[k].params))
    try:
        value = np.asarray(record.definition(*raised, **record.examples[k].params))
    except TypeError:
        assert name in REAL_ONLY
        return
    assert value.dtype == complex and name not in REAL_ONLY
    scale = np.max(np.abs(real), initial=0.0)
    assert np.all(np.abs(value - real) <= (8 + sum(x.size for x in inputs)) * np.finfo(float).eps * scale)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_no_framework_is_named(path):
    assert not FRAMEWORKS.search(path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_a_record_is_short(path):
    """One declarative record of at most 15 lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Operator":
            assert node.end_lineno - node.lineno + 1 <= 15, f"{path.name}:{node.lineno}"


def test_a_name_used_twice_is_refused():
    record = operators()["log"]
    families = [types.SimpleNamespace(OPERATORS=(record,), __name__=n) for n in ("first", "second")]
    with pytest.raises(ValueError, match="second"):
        collect(families)


def test_operator_suggests_the_closest_name():
    assert operator("logsumexp").name == "logsumexp"
    with pytest.raises(UsageError, match="'logsumexp'"):
        operator("logsumexq")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("max_pool*", ["max_pool1d", "max_pool2d"]),
        ("log, abs", ["abs", "log"]),
        (["log", "abs,log"], ["abs", "log"]),
        ("*", list(operators())),
    ],
)
def test_select(pattern, names):
    assert [o.name for o in select(pattern)] == names


@pytest.mark.parametrize("pattern", ["nothing*", "log,nothing", "", [], ","])
def test_select_nothing_is_an_error(pattern):
    with pytest.raises(UsageError):
        select(pattern)


def test_operator_is_a_value():
    assert isinstance(operators()["log"], Operator)
    with pytest.raises(AttributeError):
        operators()["log"].name = "other"
    with pytest.raises(TypeError):
        operators()["other"] = operators()["log"]
    assert isinstance(operators()["log"].domain.of(0), Set)


def test_parameters_are_keyword_only():
    """So that a parameter can never be taken for an array argument."""
    for record in operators().values():
        if record.definition.__module__.startswith("gradcheck"):
            kinds = [p.kind for p in inspect.signature(record.definition).parameters.values()]
            assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) == len(record.examples[0].shapes)
