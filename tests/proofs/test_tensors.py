"""The prover for arrays: exact adjoints at small shapes; wrong rules differ, or divide by what may vanish, or compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sympy")
pytest.importorskip("z3")

from gradcheck import catalogue
from gradcheck.claim import REALS, Set
from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.operations import TABLE
from gradcheck.proofs.residues import P, Residues, number
from gradcheck.proofs.setting import ALMOST, PROVED, REFUTED, UNKNOWN
from gradcheck.proofs.tensors import VANISHES, Shown, prove
from reference_nets.rules import RULES
from tests.meta.all_cases import CASES
from tests.meta.case import Case

MULTILINEAR = (
    *("matmul", "dot", "tensordot", "outer", "inner", "vdot", "kron", "cross", "bilinear", "linear"),
    *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "convolve", "grouped_conv2d"),
    *("sum", "mean", "cumsum", "trace", "diagonal", "transpose", "reshape", "concatenate", "stack", "roll", "flip"),
    *("pad_constant", "pad_edge", "pad_reflect", "pad_wrap", "take", "gather", "scatter_add", "index_put", "where"),
    *("upsample_linear1d", "upsample_bilinear2d", "unfold", "segment_sum"),
)
OTHERS = (
    "prod",
    "cumprod",
    "var",
    "sum_of_squares",
    "matrix_power",
    "mse",
    "softmax",
    "softmin",
    "attention",
    "rms_norm",
)
ALMOST_EVERYWHERE = ("layer_norm", "batch_norm", "group_norm", "instance_norm")

ELSEWHERE = {"jvp", "intent", "stateful", "order", "wrt", "like"}
"""Options of cases whose mistake is not in the vjp of their own forward."""

LARGEST = 60
"""Numbers among the inputs."""

RIGHT_FOR_REALS = {
    # overflow
    "tanh/difference-of-hyperbolic-squares",
    "logaddexp/quotient-of-exponentials",
    "special: sum of exponentials in a ratio: overflow",
    "scalar: logaddexp: overflow",
    "scalar: silu: overflow",
    "softmax/unshifted-in-the-backward",
    "logsumexp/unshifted-in-the-backward",
    "types: softmax in half precision: overflow at twelve",
    "scalar: log_softmax, axis 0: overflow",
    "scalar: logmeanexp, axis 1: overflow",
    "scalar: cross_entropy, smoothing 0.1: overflow",
    "alone: log of a sum of exponentials: largest of all but the first",
    "alone: tanh, looked at quickly: by exponentials",
    "loss: logsumexp over a mask: overflow",
    # the width of the result
    "sine of a vector: single precision",
    "sine in float32: wide answer",
    "sine in float16: wide answer",
    "mixed float32 and float64 product: first widened",
    "mixed float32 and float64 product: both narrowed",
    "types: single and double together: promoted",
    "types: single and double together: rounded to half",
    # an argument is written to
    "cube: input squared in place",
    "cube: cotangent multiplied in place",
    "cube: cotangent borrowed and restored",
    "state: squares without memory: cotangent overwritten",
    "softmax of a vector: forward shifts its input",
    "alone: softmax: input shifted if writeable",
    # how memory is laid out
    "flattened sine: order k",
    "flattened sine: order a",
    "flattened sine: written into a copy",
    "flattened sine: refuses negative strides",
    "flattened sine: needs writable memory",
    "state: exponentials of a matrix: order in memory",
    "alone: sine: needs a writeable buffer",
    "alone: sine: neighbours assumed side by side",
    "alone: sine: one slope for a broadcast cotangent",
}
"""The numbers are right for all reals, and this prover knows nothing else: each is named, so that no other one slips in with them."""

WRONG_ON_A_NULL_SET = {
    "alone: exponential with a sentinel: nothing at the edge",
    "alone: length of all but nothing: too long",
    "cumprod/division-by-each-factor",
    "determinant/inverse-of-a-singular-matrix",
    "distance/zero-over-zero-at-equal-arguments",
    "divide/output-over-numerator",
    "hypot/zero-over-zero",
    "kink: length of zeros, a unit vector: quarter too long",
    "linear: determinant where it vanishes: by the inverse",
    "multiply/output-over-operand",
    "norm/zero-over-zero",
    "place: length of a vector of zeros: not a number",
    "place: length of a vector of zeros: too long",
    "power/by-logarithm-of-the-base",
    "power/exponent-zero-times-infinity",
    "prod/division-by-each-factor",
    "scalar: hypot: nothing over nothing",
    "scalar: std, axis 1, ddof 1: nothing over nothing",
    "special: length of a point: nothing over nothing",
}
"""Right for all reals but where something vanishes, and so it is said: each is named, for the same reason."""


@pytest.mark.parametrize("name", [*MULTILINEAR, *OTHERS])
def test_the_reference_rule_is_proved_at_every_example(name: str) -> None:
    operator = catalogue.operator(name)
    for example in operator.examples:
        sets = [operator.domain.of(k) for k in range(len(example.shapes))]
        shown = prove(operator.definition, RULES[name], example.shapes, sets, example.params)
        assert shown.result == PROVED, (example, shown.reason)
        assert shown.chance < -100  # log2; a degree of some dozens over 2^127


@pytest.mark.parametrize("name", ALMOST_EVERYWHERE)
def test_a_rule_that_compares_a_variance_with_0_is_proved_where_that_does_not_vanish(name: str) -> None:
    operator = catalogue.operator(name)
    for example in operator.examples:
        sets = [operator.domain.of(k) for k in range(len(example.shapes))]
        shown = prove(operator.definition, RULES[name], example.shapes, sets, example.params)
        assert shown.result in (PROVED, ALMOST), (example, shown.reason)
        assert (shown.result == ALMOST) == (VANISHES in shown.assumptions)
        assert shown.chance < -90


def scope(case: Case) -> bool:
    plain = all(isinstance(x, np.ndarray | float | int) for x in case.inputs)
    return plain and not ELSEWHERE & set(case.options) and 0 < sum(np.size(x) for x in case.inputs) <= LARGEST


def shown_of(case: Case) -> Shown:
    domain = case.options.get("domain", REALS)
    shapes = [np.shape(x) if np.asarray(x).dtype.kind == "f" else x for x in case.inputs]
    sets = [domain if isinstance(domain, Set) else domain.of(k) for k in range(len(shapes))]
    try:
        return prove(*case.make(), shapes, sets, dict(case.options.get("kwargs", {})))
    except (Exception, SystemExit) as error:  # some wrong rules raise anything, or leave
        return Shown(UNKNOWN, f"{type(error).__name__}: {error}")


@cache
def results() -> dict[str, tuple[bool, Shown]]:
    return {case.name: (case.ok, shown_of(case)) for case in filter(scope, CASES)}


def wrong() -> Iterator[tuple[str, Shown]]:
    return ((name, found) for name, (right, found) in results().items() if not right)


def test_no_wrong_rule_is_proved(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(found.result for _, found in wrong())
    record_property("wrong rules by result", dict(counts))
    print(f"tensor prover, wrong rules: {dict(counts)}, of which right for all reals {len(RIGHT_FOR_REALS)}")
    assert {name for name, found in wrong() if found.result == PROVED} == RIGHT_FOR_REALS
    almost = {name for name, found in wrong() if found.result == ALMOST}
    print(f"wrong rules that are right but on a set of measure zero, and said to be: {sorted(almost)}")
    assert almost == WRONG_ON_A_NULL_SET


def test_most_wrong_rules_are_refuted() -> None:
    counts = Counter(found.result for _, found in wrong())
    assert counts[REFUTED] > counts[UNKNOWN]


def test_no_right_rule_is_refuted() -> None:
    refuted = [name for name, (right, found) in results().items() if right and found.result == REFUTED]
    assert not refuted


def matmul(x: Any, y: Any) -> Any:
    return x @ y


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x, y: (g @ y.T, x.T @ g * (1 + 2.0**-20)),
        lambda g, x, y: (g @ y, x.T @ g),
        lambda g, x, y: (g @ y.T, g.T @ x),
        lambda g, x, y: (g @ y.T + 2.0**-20 * np.prod(y), x.T @ g),
    ],
    ids=["a factor", "not transposed", "transposed", "a small term"],
)
def test_a_wrong_rule_of_the_product_is_refuted(rule: Callable[..., Any]) -> None:
    assert prove(matmul, rule, [(2, 2), (2, 2)], [REALS, REALS]).result == REFUTED
    assert prove(matmul, RULES["matmul"], [(2, 2), (2, 2)], [REALS, REALS]).result == PROVED


def test_an_error_too_small_for_the_balls_is_seen_by_the_residues() -> None:
    def rule(g: Any, x: Any, y: Any) -> Any:
        return g @ y.T, x.T @ g * (1 + 2.0**-40)

    assert prove(matmul, rule, [(2, 2), (2, 2)], [REALS, REALS]).result == UNKNOWN


def cube(x: Any) -> Any:
    return x**3


def test_what_compares_or_takes_a_logarithm_of_more_is_declined() -> None:
    for rule in (
        lambda g, x: (g * np.where(x > 1e9, 0, 3 * x**2),),
        lambda g, x: (g * np.where(x > 0, 3 * x**2, 3 * x * x),),
        lambda g, x: (g * 3 * np.exp(2 * np.log(x)),),
        lambda g, x: (g * 3 * np.sqrt(x) ** 4,),
    ):
        assert prove(cube, rule, [(2,)], [REALS]).result == UNKNOWN
    assert prove(cube, lambda g, x: (g * 3 * x * x,), [(2,)], [REALS]).result == PROVED


def test_what_divides_by_more_or_compares_a_square_with_0_is_right_almost_everywhere() -> None:
    for rule in (
        lambda g, x: (g * 3 * x**3 / x,),
        lambda g, x: (g * np.where(x * x > 0, 3 * x**2, 17),),
        lambda g, x: (g * np.where(0 < x * x + np.sum(x * x), 3 * x**2, 17),),
        lambda g, x: (g * 3 * np.sqrt(x**2) ** 2,),
    ):
        shown = prove(cube, rule, [(2,)], [REALS])
        assert shown.result == ALMOST and shown.assumptions == (VANISHES,)
    wrong = prove(cube, lambda g, x: (g * np.where(x * x > 0, 3 * x**2 + 2.0**-40, 17),), [(2,)], [REALS])
    assert wrong.result == UNKNOWN


def test_what_is_always_equal_may_be_compared() -> None:
    """The variance of one number is 0, whatever the number."""

    def rule(x: Any) -> Any:
        return np.where((x - x) * x > 0, 7, 3 * x**2)

    assert prove(cube, lambda g, x: (g * rule(x),), [(2,)], [REALS]).result in (PROVED, ALMOST)
    assert prove(cube, lambda g, x: (g * np.where(x > x[::-1], 3 * x**2, 3 * x**2),), [(1,)], [REALS]).result == PROVED


def test_the_place_of_the_largest_entry_may_serve_to_take_off_what_is_there_and_for_nothing_else() -> None:
    def taken(factor: float) -> Callable[..., Any]:
        def vjp(g: Any, x: Any) -> Any:
            where = np.argmax(x, axis=0, keepdims=True)
            s = softmax(x)
            h = g - np.take_along_axis(g, where, axis=0)
            return (s * (h - factor * np.sum(h * s)),)

        return vjp

    def named(g: Any, x: Any) -> Any:
        s = softmax(x)
        return (s * (g - np.sum(g * s)) + 0 * x * (np.arange(len(x)) == np.argmax(x, axis=0, keepdims=True)),)

    def picked(g: Any, x: Any) -> Any:
        s = softmax(x)
        h = g - g[np.argmax(x, axis=0)]
        return (s * (h - np.sum(h * s)),)

    assert prove(softmax, taken(1.0), [(3,)], [REALS]).result == PROVED
    assert prove(softmax, taken(1 + 2.0**-40), [(3,)], [REALS]).result == UNKNOWN
    assert prove(softmax, named, [(3,)], [REALS]).result == UNKNOWN
    assert prove(softmax, picked, [(3,)], [REALS]).result == UNKNOWN


def test_a_mask_of_minus_infinity_is_0_after_exp_and_nothing_else() -> None:
    mask = np.array([True, False, True])

    def masked(x: Any) -> Any:
        powers = np.exp(np.where(mask, x, -np.inf))
        return powers / np.sum(powers)

    def rule(g: Any, x: Any) -> Any:
        s = masked(x)
        return (s * (g - np.sum(g * s)),)

    assert prove(masked, rule, [(3,)], [REALS]).result == PROVED
    assert prove(masked, lambda g, x: (rule(g, x)[0] + x * ~mask,), [(3,)], [REALS]).result == REFUTED


def test_roots_of_squares_are_not_free_in_sign() -> None:
    """|x + y| at a point where x + y is a square modulo p looks like x + y."""

    def length(x: Any) -> Any:
        return np.sqrt((x[0] + x[1]) ** 2) * np.sqrt(np.sum(x * x) + 1)

    def rule(g: Any, x: Any) -> Any:
        total, root = x[0] + x[1], np.sqrt(np.sum(x * x) + 1)
        return (g * (np.ones(2) * root + total * x / root),)  # right where the total is positive

    assert prove(length, rule, [(2,)], [REALS]).result not in (PROVED, ALMOST)


def test_a_root_of_nothing_and_a_function_of_minus_infinity_are_declined_and_break_nothing() -> None:
    assert prove(lambda x: x**3 + np.sqrt(x - x), RULES["square"], [(2,)], [REALS]).result in (REFUTED, UNKNOWN)
    field = Residues(3)
    assert field._root(field.element(0.0)) == 0
    for name in ("mul", "neg", "sqrt", "log", "erf"):
        with pytest.raises(Unsupported):
            field.function(TABLE[name], None)(*[field.element(-np.inf)] * (2 if name == "mul" else 1))


def test_the_modulus_is_a_prime_of_which_small_primes_are_squares() -> None:
    flint = pytest.importorskip("flint")
    assert flint.fmpz(P).is_prime() and P % 4 == 3
    assert all(pow(q, (P - 1) // 2, P) == 1 for q in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))


def test_the_wrong_sign_of_a_root_is_not_let_through() -> None:
    def length(x: Any) -> Any:
        return np.sqrt(np.sum(x * x) + 1)

    def rule(sign: float) -> Callable[..., Any]:
        return lambda g, x: (g * sign * x / np.sqrt(np.sum(x * x) + 1),)

    assert prove(length, rule(1.0), [(3,)], [REALS]).result == PROVED
    assert prove(length, rule(-1.0), [(3,)], [REALS]).result == REFUTED


def softmax(x: Any) -> Any:
    powers = np.exp(x - np.max(x))
    return powers / np.sum(powers)


def test_a_maximum_that_is_only_taken_off_is_no_comparison() -> None:
    def rule(leak: float) -> Callable[..., Any]:
        def vjp(g: Any, x: Any) -> Any:
            s = softmax(x)
            return (s * (g - np.sum(g * s)) + leak * np.max(x),)

        return vjp

    assert prove(softmax, rule(0.0), [(3,)], [REALS]).result == PROVED
    assert prove(softmax, rule(1.0), [(3,)], [REALS]).result == REFUTED
    assert prove(softmax, rule(2.0**-40), [(3,)], [REALS]).result == UNKNOWN


def test_a_maximum_on_which_the_value_depends_is_a_comparison() -> None:
    """With the maximum held still its slope would be 0."""

    def scaled(x: Any) -> Any:
        return x * 0 + np.max(x)

    assert prove(scaled, lambda g, x: (0 * g,), [(3,)], [REALS]).result == REFUTED
    right = prove(scaled, lambda g, x: (np.sum(g) * (x == np.max(x)),), [(3,)], [REALS])
    assert right.result == UNKNOWN and "compares" in right.reason


def test_a_trace_that_is_not_the_run_proves_nothing() -> None:
    """The tracer knows no views of einsum's result; what is written through one is lost to it."""

    def rule(g: Any, x: Any) -> Any:
        out = np.zeros_like(x)
        np.einsum("ii->i", out)[...] = g
        return (out,)

    assert prove(lambda x: np.trace(x) + 0 * x[0], rule, [(2, 2)], [REALS]).result != PROVED


def test_residues_know_exponentials_of_sums_and_roots_of_squares_and_nothing_false() -> None:
    field = Residues(3)
    x, y = field.of_sign(1.0), field.of_sign(1.0)
    exp, root = field._exp, field._root
    assert exp(x + y) == exp(x) * exp(y) and exp(x - x) == 1 and exp(x + x) == exp(x) * exp(x)
    assert exp(x * y) != exp(x) * exp(y) and exp(x * x) != exp(x) * exp(x)
    assert root(x * x) == x and root(x * x) != -x and root(field.of_sign(1.0) * number(x.form[x.value] * 1)).value < P
