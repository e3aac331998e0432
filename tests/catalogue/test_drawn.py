"""Shapes and parameters that Hypothesis draws from the record: the rules hold there too, and what is drawn is what the record claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gradcheck.catalogue import operators
from gradcheck.claim import Example, Set, interval
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Status
from gradcheck.strategies.examples import Seeded, examples_of, fits, further, redrawn, tried_values
from gradcheck.subjects import load
from gradcheck.subjects.protocol import Implementation
from tests.catalogue.drawn_inputs import draw
from tests.catalogue.second_order import NoDerivativeError, Place, first_gap, rule_of
from tests.catalogue.test_order_two import BY_JETS

JUDGED = sorted(set(operators()) - set(BY_JETS))
"""Operators whose rule no trace reads: the judge looks at them."""

QUIET = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def place(name: str, example: Example) -> Place:
    """An ordinary point of the example."""
    return Place.of(operators()[name], example, draw(operators()[name], example, np.float64, seed=3), seed=4)


@pytest.mark.parametrize("name", BY_JETS)
def test_a_rule_holds_on_drawn_shapes_and_parameters(name: str) -> None:
    """To first and second order in balls, and to half of the digits in float64; how well it is rounded is asked by ``verify``."""
    looked_at = 0

    @settings(QUIET, max_examples=5)
    @given(examples_of(operators()[name]))
    def check(example: Example) -> None:
        nonlocal looked_at
        if any(0 in shape for shape in example.shapes if isinstance(shape, tuple)):
            return
        at = place(name, example)
        try:
            first, rest = first_gap(at, rule_of(name)), at.gaps(rule_of(name))
        except NoDerivativeError:
            return
        looked_at += 1
        assert first <= 1 and rest.worst <= 1, (example.shapes, example.params, first, rest)

    check()
    assert looked_at


class Backward:
    """The reference without forward rules, and without what it exhibits beside the catalogue."""

    name, version = "backward", "1"

    def implementation(self, operator: str, params: Any) -> Implementation | None:
        """That of the reference, in reverse mode alone."""
        made = load("reference").implementation(operator, params)
        return None if made is None else replace(made, jvp=None)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """All that the reference has."""
        return load("reference").supports(operator, dtype)


@pytest.mark.parametrize("name", JUDGED)
def test_the_judge_passes_a_rule_on_drawn_shapes_and_parameters(name: str) -> None:
    @settings(QUIET, max_examples=3)
    @given(examples_of(operators()[name]))
    def check(example: Example) -> None:
        record = verify_operator(Backward(), replace(operators()[name], examples=(example,)), profile="quick")
        assert record.status is not Status.FAIL, record.findings

    check()


def examples(name: str, count: int, seed: int) -> Iterator[Example]:
    """Drawn examples that fit and are not empty."""
    operator = operators()[name]
    for example in further(operator, count, seed).examples[len(operator.examples) :]:
        if all(0 not in shape for shape in example.shapes if isinstance(shape, tuple)):
            yield example


def spoilt(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The last entry of the first gradient is off by a ten-thousandth, or a ten-thousandth where it is small."""

    def twin(g: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
        first, *others = rule(g, *inputs, **params)
        first = np.array(first)
        first.flat[-1] += 1e-4 * max(1.0, float(np.max(np.abs(first))))
        return (first, *others)

    return twin


@pytest.mark.parametrize("name", BY_JETS)
def test_one_wrong_entry_is_seen_on_a_drawn_example(name: str) -> None:
    for example in examples(name, 6, seed=1):
        at = place(name, example)
        try:
            right = first_gap(at, rule_of(name))
        except NoDerivativeError:
            continue
        assert right <= 1 < first_gap(at, spoilt(rule_of(name)))
        return
    pytest.fail("none of six drawn examples decides")


@pytest.mark.parametrize("name", operators())
def test_draws_fit_and_differ(name: str) -> None:
    """A quarter of what is drawn fits, it has several shapes, and every number among the parameters several values."""
    operator, chooser = operators()[name], Seeded(np.random.default_rng(2))
    drawn = [e for e in (redrawn(operator, chooser) for _ in range(60)) if fits(operator, e)]
    assert len(drawn) >= 15
    assert len({str([np.shape(s) if isinstance(s, np.ndarray) else s for s in e.shapes]) for e in drawn}) >= 3
    for parameter, values in tried_values(operator).items():
        seen = {repr(e.params[parameter]) for e in drawn if parameter in e.params}
        assert len(seen) >= min(2, len(set(map(repr, values)))), parameter
        stated = operator.parameters.get(parameter)
        base = set(map(repr, values))
        if isinstance(stated, Set):
            assert all(stated.low <= e.params[parameter] <= stated.high for e in drawn if parameter in e.params)
        elif stated is not None:
            assert seen <= base | set(map(repr, stated))


def test_axes_of_one_letter_have_one_size_and_repeated_axes_stay_one() -> None:
    chooser = Seeded(np.random.default_rng(3))
    for _ in range(50):
        query, key, value, mask = redrawn(operators()["attention"], chooser).shapes
        assert query[-1] == key[-1] and key[-2] == value[-2]
        assert np.shape(mask) == (query[-2], key[-2])  # the mask is passed as it is, and so are its sizes
        gate_input, state, *weights = redrawn(operators()["gru_cell"], chooser).shapes
        assert weights[1] == (3 * state[-1], state[-1]) and weights[0][1] == gate_input[-1]
        x, y = redrawn(operators()["add"], chooser).shapes
        np.broadcast_shapes(x, y)


def test_a_parameter_that_the_record_states_is_drawn_from_its_set() -> None:
    stated = replace(operators()["leaky_relu"], parameters={"slope": interval(5.0, 6.0)})
    chooser = Seeded(np.random.default_rng(4))
    slopes: set[Any] = {redrawn(stated, chooser).params.get("slope") for _ in range(40)}
    assert any(slope is not None and 5 <= slope <= 6 for slope in slopes)
    tried = {None, *tried_values(stated)["slope"]}
    assert all(slope in tried or 5 <= slope <= 6 for slope in slopes)


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("matmul", Example(((2, 3), (2, 3)))),
        ("cholesky", Example(((2, 3),))),
        ("segment_sum", Example(((2,), np.array([0, 4])), {"segments": 3})),
        ("einsum", Example(((2, 1), (1, 3)), {"equation": "ij,ij->"})),
        ("inv", Example(((2, 3),))),
        ("batch_norm", Example(((2, 3), (2,), (3,)))),
    ],
)
def test_what_does_not_fit_is_refused(name: str, example: Example) -> None:
    assert not fits(operators()[name], example)
    assert all(fits(operators()[name], e) for e in operators()[name].examples)


def test_further_examples_are_the_same_for_the_same_seed() -> None:
    one, other = (further(operators()["conv1d"], 3, seed=s).examples for s in (5, 5))
    assert [(e.shapes, e.params) for e in one] == [(e.shapes, e.params) for e in other]
    assert len(one) == len(operators()["conv1d"].examples) + 3
    assert str(further(operators()["conv1d"], 3, seed=6).examples) != str(one)
