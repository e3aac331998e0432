"""Every idiom is a function fit to be measured: quiet, pure, repeatable, real, and dependent on each input."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.numbers.idioms import IDIOMS, Idiom
from tests.numbers.idioms.idiom import Array, normal

STEP = 2.0**-10
"""Relative to the largest entry of an input: a smooth idiom turns little within it, and its change is far above noise."""
COARSEST = 2.0**-24
"""The unit roundoff of float32, the narrowest arithmetic in the corpus."""
NOISE = 2.0**-40
"""Relative to the largest output: the iterations of the corpus stop at corrections of 1e-12 at most."""
STAIRCASES = {"product in float32"}
"""Their second differences show the steps of their arithmetic, whatever the function is."""


def leaves(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


def flat(out: Any) -> Array:
    return np.concatenate([np.ravel(leaf) for leaf in leaves(out)])


def frozen(value: Any) -> Any:
    """Numbers and containers as something that can be compared; whatever else is None."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, dict):
        return tuple((repr(k), frozen(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return tuple(frozen(v) for v in value)
    return value if isinstance(value, bool | int | float | complex | str) else None


def plain(idiom: Idiom) -> Callable[..., Any]:
    """The function beneath np.vectorize."""
    return idiom.f.pyfunc if isinstance(idiom.f, np.vectorize) else idiom.f


def surroundings(idiom: Idiom) -> Any:
    """What a call could change and must not: inputs, NumPy's settings, names of the module, cells of the closure."""
    f = plain(idiom)
    cells = [cell.cell_contents for cell in f.__closure__ or ()]
    names = {k: v for k, v in vars(sys.modules[f.__module__]).items() if not k.startswith("__")}
    settings = (np.geterr(), np.get_printoptions(), np.random.get_state(legacy=False))
    return frozen([idiom.inputs, *settings, names, cells])


def text(idiom: Idiom) -> list[str]:
    """The lines of the function, or of the factory that made it."""
    f = plain(idiom)
    outermost = getattr(sys.modules[f.__module__], f.__qualname__.split(".")[0])
    source: Any = outermost.pyfunc if isinstance(outermost, np.vectorize) else outermost
    return inspect.getsource(source).rstrip().splitlines()


def moved(idiom: Idiom, k: int, step: float) -> Array:
    """The outputs where input k is moved by step along a fixed direction of the size of its largest entry."""
    inputs = [a.copy() for a in idiom.inputs]
    direction = np.random.default_rng(k).normal(size=inputs[k].shape)
    inputs[k] = inputs[k] + step * np.max(np.abs(inputs[k])) * direction
    return flat(idiom.f(*inputs))


def faults(idiom: Idiom) -> list[str]:
    """What makes an idiom unfit for the corpus, each fault in a few words."""
    before = surroundings(idiom)
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        try:
            first = idiom.f(*idiom.inputs)
            found = [] if surroundings(idiom) == before else ["changes its surroundings"]
            second = idiom.f(*idiom.inputs)
        except Warning as w:
            return [f"warns: {w}"]
    if not all(isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype == np.float64) for a in leaves(first)):
        return [*found, "returns other than float64"]
    if not np.isfinite(flat(first)).all():
        return [*found, "is not finite"]
    if frozen(leaves(first)) != frozen(leaves(second)):
        return [*found, "differs over two calls"]
    here, scale = flat(first), max(1.0, np.max(np.abs(flat(first))))
    for k, a in enumerate(idiom.inputs):
        if a.dtype != np.float64:
            continue
        change = moved(idiom, k, STEP) - moved(idiom, k, -STEP)
        if np.max(np.abs(change)) < 16 * COARSEST * scale:  # 16: well above the few roundings of both ends
            found.append(f"does not depend on input {k}")
        wide, narrow = (np.abs(moved(idiom, k, h) - 2 * here + moved(idiom, k, -h)) for h in (STEP, STEP / 4))
        # A quarter of the step leaves a sixteenth where the function is smooth, and a quarter at a kink.
        if idiom.name not in STAIRCASES and np.any(narrow > wide / 8 + NOISE * scale):
            found.append(f"has a kink along input {k}")
    return found


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_an_idiom_is_fit_to_be_measured(idiom: Idiom) -> None:
    assert faults(idiom) == []


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_inputs_are_small_and_plain(idiom: Idiom) -> None:
    assert any(a.dtype == np.float64 for a in idiom.inputs)
    for a in idiom.inputs:
        assert type(a) is np.ndarray
        assert a.dtype in (np.float64, np.int64, np.bool_)
        assert max(a.shape, default=1) <= 8
        assert np.isfinite(a).all()
        assert a.flags.writeable


def test_there_are_one_hundred_different_functions() -> None:
    assert len(IDIOMS) == 100
    for key in (lambda i: i.name, plain, lambda i: "\n".join(text(i))):
        assert [k for k, n in Counter(map(key, IDIOMS)).items() if n > 1] == []


def test_texts_are_short() -> None:
    assert {idiom.name: len(text(idiom)) for idiom in IDIOMS if not 3 <= len(text(idiom)) <= 25} == {}


def test_a_staircase_is_excused_for_nothing_else() -> None:
    excused = [idiom for idiom in IDIOMS if idiom.name in STAIRCASES]
    assert len(excused) == len(STAIRCASES)
    for idiom in excused:
        found = faults(replace(idiom, name="unexcused"))
        assert found and all(fault.startswith("has a kink") for fault in found)


COUNTED: list[float] = []


def writes_input(x: Any) -> Any:
    x += 1
    return x * 2


def writes_global(x: Any) -> Any:
    COUNTED.append(0.0)
    return 2 * x


def leaves_setting(x: Any) -> Any:
    np.seterr(under="warn" if np.geterr()["under"] == "ignore" else "ignore")
    return 2 * x


def draws_from_global(x: Any) -> Any:
    return x + 0 * np.random.random()


def ignores_second(x: Any, y: Any) -> Any:
    return x + 0 * y


def makes_counter() -> Callable[[Any], Any]:
    calls = [0]

    def f(x: Any) -> Any:
        calls[0] += 1
        return 2 * x

    return f


X = normal(0, 3)

WRONG = [
    (writes_input, "changes its surroundings"),
    (writes_global, "changes its surroundings"),
    (leaves_setting, "changes its surroundings"),
    (draws_from_global, "changes its surroundings"),
    (makes_counter(), "changes its surroundings"),
    (lambda x: x + np.random.default_rng().random(), "differs over two calls"),
    (lambda x: np.log(-np.abs(x)), "warns: invalid value encountered in log"),
    (lambda x: x.astype(np.float32), "returns other than float64"),
    (lambda x: int(x[0] > 0), "returns other than float64"),
    (lambda x: list(x), "returns other than float64"),
    (lambda x: (x, x + np.inf), "is not finite"),
    (lambda x: np.sign(x), "does not depend on input 0"),
    (lambda x: np.abs(x - X), "has a kink along input 0"),
    (lambda x: np.where(x > X, x + 1, x), "has a kink along input 0"),
]


@pytest.mark.parametrize(("f", "fault"), WRONG)
def test_an_unfit_function_is_refused(f: Callable[..., Any], fault: str) -> None:
    with np.errstate():
        assert fault in faults(Idiom("wrong", "wrong", f, (X.copy(),)))


def test_an_input_without_effect_is_named() -> None:
    assert faults(Idiom("wrong", "wrong", ignores_second, (X, X + 1))) == ["does not depend on input 1"]


def test_a_right_twin_has_no_fault() -> None:
    assert faults(Idiom("right", "right", lambda x, y: (x * y, float(x[0])), (X, X + 1))) == []
