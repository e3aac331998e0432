"""Whole programs: right engines agree with exact arithmetic, and each classic error is caught by a program of its own."""

import importlib.util
import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from gradcheck.cli import execute
from gradcheck.engine.exhibits import check_exhibit
from gradcheck.records import Severity, Status
from gradcheck.subjects import load, program_languages, programs
from gradcheck.subjects.programs import NAMED, OPERATIONS, Program, Step, drawn
from gradcheck.subjects.protocol import exhibits_of
from tests.subjects.drawn_programs import programs as whole_programs
from tests.subjects.wrong_engines import FAULTS
from tests.subjects.wrong_engines import language as tape

FRAMEWORKS = ("torch", "jax", "autograd", "mygrad", "micrograd", "tinygrad")
SLOW = {"tinygrad": 5, "jax": 15}
"""Examples where each new program is compiled, or interpreted."""


def spoken(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    load(name)
    return getattr(program_languages, f"{name}_language")()


def agrees(language, case):
    """Bit for bit: all numbers are integers that a double holds."""
    program, leaves, cotangents, outputs, gradients = case
    floats = [[np.array(x, dtype=float) for x in parts] for parts in (leaves, cotangents)]
    got, slopes = language.gradients(program, *floats)
    return all(map(np.array_equal, got, outputs)) and all(map(np.array_equal, slopes, gradients))


def subject(language):
    return SimpleNamespace(
        name="tape",
        version="1",
        implementation=lambda operator, params: None,
        supports=lambda operator, dtype: False,
        exhibits=lambda: programs.exhibits(language),
    )


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_frameworks_agree_with_exact_arithmetic(name):
    language = spoken(name)

    @settings(max_examples=SLOW.get(name, 60), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(whole_programs(language.manners))
    def holds(case):
        assert agrees(language, case), str(case[0])

    holds()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(whole_programs(tape().manners))
def test_the_right_tape_agrees_with_exact_arithmetic(case):
    assert agrees(tape(), case), str(case[0])


@pytest.mark.parametrize("fault", FAULTS)
def test_random_programs_find_each_fault(fault):
    language = tape(fault)
    options = settings(
        max_examples=200, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    case = find(whole_programs(language.manners), lambda c: not agrees(language, c), settings=options)
    assert agrees(tape(), case)


def test_nothing_is_found_in_the_right_tape():
    options = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    with pytest.raises(NoSuchExample):
        find(whole_programs(tape().manners), lambda c: not agrees(tape(), c), settings=options)


CAUGHT_BY = {
    "overwrites": "fan-out",
    "numbers are used again": "diamonds",
    "breadth first": "shortcuts",
    "parents are a set": "same-twice",
    "adjoints share a buffer": "shared-cotangent",
    "writing through a view is lost": "in-place",
    "a view keeps the old values": "in-place",
    "adjoints stay from the last backward": "backward-twice",
    "saved arrays are freed": "backward-twice",
    "the second output is forgotten": "unused",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_refuses_each_fault_by_the_program_written_for_it(fault):
    name = f"program:{CAUGHT_BY[fault]}"
    record = check_exhibit(subject(tape(fault)), name, profile="quick")
    assert record.status is Status.FAIL and any(f.severity is Severity.WRONG for f in record.findings)
    assert check_exhibit(subject(tape()), name, profile="quick").status is Status.PASS


@pytest.mark.parametrize("name", ["fan-out", "in-place", "two-losses", "smooth-1", "forward-views", "second-in-place"])
@pytest.mark.parametrize("framework", ["torch", "autograd", "mygrad"])
def test_a_run_passes_the_frameworks(framework, name):
    language = spoken(framework)
    lacks = {"mygrad": ("two-losses", "forward-views", "second-in-place"), "autograd": ("forward-views",)}
    if name in lacks.get(framework, ()):
        assert not language.has(NAMED[name])  # mygrad's graph is gone after one backward
        return
    record = check_exhibit(load(framework), f"program:{name}", profile="quick")
    assert record.status is Status.PASS, record.findings


def test_micrograd_adds_in_the_order_of_a_set_and_is_right_otherwise():
    spoken("micrograd")
    record = check_exhibit(load("micrograd"), "program:random-3", profile="quick")
    assert {f.code for f in record.findings} <= {"GC210"}


def test_a_slope_that_is_held_constant_shows_at_second_order_alone():
    spoken("torch")
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0].detach()

    language = program_languages.torch_language()
    language.words["square"] = Square.apply
    record = check_exhibit(subject(language), "program:second-order", profile="quick")
    assert record.status is Status.FAIL and any(f.severity is Severity.WRONG for f in record.findings)
    assert check_exhibit(subject(language), "program:fan-out", profile="quick").status is Status.PASS


def test_a_wrong_forward_mode_is_refused():
    spoken("torch")
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x**2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.x = inputs[0]
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def jvp(ctx, t):
            return ctx.saved_tensors[0] * t  # the factor 2 is lost

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.x

        generate_vmap_rule = True

    language = program_languages.torch_language()
    language.words["square"] = Square.apply
    record = check_exhibit(subject(language), "program:forward-mode", profile="quick")
    assert any(f.severity is Severity.WRONG and f.got is not None for f in record.findings), record.findings
    assert check_exhibit(subject(language), "program:fan-out", profile="quick").status is Status.PASS


def test_a_second_backward_of_micrograd_is_no_second_answer():
    """What its language leaves out: y = 2 (x x), where the inner node keeps the adjoint of the first pass."""
    spoken("micrograd")
    from micrograd.engine import Value

    x = Value(3.0)
    y = x * x * 2
    y.backward()
    first, x.grad = x.grad, 0
    y.backward()
    assert first == 12 and x.grad == 24


def test_all_that_is_claimed_is_in_a_run(tmp_path, capfd):
    if importlib.util.find_spec("autograd") is None:
        pytest.skip("autograd is not installed")
    options = ["--operators", "program:fan-out,program:unused", "--profile", "quick", "--jobs", "1"]
    assert execute(["run", "autograd", *options, "--out", str(tmp_path)]) == 0, capfd.readouterr().out
    assert "2 checks" in capfd.readouterr().out


def test_exhibits_are_the_same_in_every_run():
    assert {n: str(p) for n, p in programs.named().items()} == {n: str(p) for n, p in programs.named().items()}
    mine = sum(tape().has(program) for program in NAMED.values())
    assert len(exhibits_of(subject(tape()))) == mine + 2 * programs.DRAWN and mine >= len(NAMED) - 5
    assert any(len(set(s.reads)) < len(s.reads) for p in programs.named().values() for s in p.steps)


def test_another_value_is_no_slope_of_this_one():
    """A framework that computes another program is told so, though its gradient were right."""
    right = tape()
    shifted = programs.Language(
        right.words,
        right.manners,
        lambda p, x, g: ([y + 1 for y in right.gradients(p, x, g)[0]], right.gradients(p, x, g)[1]),
    )
    record = check_exhibit(subject(shifted), "program:fan-out", profile="quick")
    assert record.status is Status.FAIL and "has the value" in record.findings[0].message


@pytest.mark.parametrize(
    ("steps", "outputs", "manner", "says"),
    [
        ((Step("add", (0, 1)),), (1,), "once", "give numbers from 0 to 0"),
        ((Step("sin", (0, 0)),), (1,), "once", "of 2 variables"),
        ((Step("gone", (0,)),), (1,), "once", "no operation"),
        ((Step("sin", (0,)),), (2,), "once", "no variables"),
        ((Step("sin", (0,)),), (1,), "thrice", "none of once"),
    ],
)
def test_what_is_no_program_is_refused(steps, outputs, manner, says):
    with pytest.raises(ValueError, match=says):
        Program(1, steps, outputs, manner)


def test_draws_use_every_operation():
    drawn_steps = [s for seed in range(60) for s in drawn(random.Random(seed), tuple(OPERATIONS)).steps]
    assert {s.operation for s in drawn_steps} == set(OPERATIONS)
