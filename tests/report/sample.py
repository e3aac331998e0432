"""Hand-made records of every kind of outcome, for the tests of what people read."""

from __future__ import annotations

import numpy as np

from gradcheck.records import (
    Coverage,
    Curve,
    Dataflow,
    Finding,
    Footer,
    Header,
    Jacobian,
    Node,
    Point,
    Record,
    Severity,
    Status,
    UlpSamples,
    Verdict,
)
from gradcheck.records_io import Run

PLANNED = (
    ("reference", "matmul"),
    ("reference", "sigmoid"),
    ("reference", "sort"),
    ("reference", "relu"),
    ("autograd", "matmul"),
    ("autograd", "sigmoid"),
)


def header(planned: tuple[tuple[str, str], ...] = PLANNED) -> Header:
    return Header(
        run="7f3a91c0",
        planned=planned,
        profile="default",
        seed=7,
        versions={"gradcheck": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "subject autograd": "1.9.1"},
        environment={"platform": "Linux", "machine": "x86_64", "byteorder": "little"},
        command="gradcheck run reference autograd",
    )


def counts(right: int, **others: int) -> dict[str, int]:
    zero = dict.fromkeys(
        ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside", "contract"), 0
    )
    return zero | {"points": right // 6, "right": right} | others


def curve(order: int = 2) -> Curve:
    steps = 10.0 ** np.arange(-13, 0, 0.5)
    truncation, rounding = steps**2 / 6, 1e-16 / steps
    errors = truncation + rounding * (1 + 0.5 * np.sin(7 * np.arange(steps.size)))
    halved = 0.0625 * 0.5 ** np.arange(40)
    noise = np.full(halved.size, 2e-16)
    return Curve(
        steps=steps,
        errors=errors,
        truncation=truncation,
        rounding=rounding,
        chosen=1e-5,
        entry="A[0, 1]",
        remainder_steps=halved,
        remainders=0.7 * halved**order + noise * np.abs(np.sin(5 * np.arange(halved.size))),
        remainder_noise=noise,
    )


def ulps(dtype: str = "float64") -> UlpSamples:
    t = np.linspace(-60, 60, 900)
    inputs = np.sinh(t / 6)
    errors = np.abs(np.sin(37 * t)) * np.where(np.abs(inputs) > 15, 40 * np.abs(inputs) / 15, 0.6)
    bits = np.where(np.arange(t.size) % 9 == 0, 0, 128)
    bounds = np.where(bits, 2.0**-8, 0.02)
    return UlpSamples(
        dtype=dtype,
        inputs=inputs,
        errors=errors,
        bounds=bounds,
        bits=bits,
        radii=bounds * 2.0**-53,
        method="finite differences",
    )


def jacobian() -> Jacobian:
    """Of y = A B for 2 x 2 matrices, by A, with the transpose of B missing."""
    b = np.array([[0.0, 0.5], [1.0, 0.1]])
    got, expected = np.kron(np.eye(2), b), np.kron(np.eye(2), b.T)
    return Jacobian(
        rows=("y[0, 0]", "y[0, 1]", "y[1, 0]", "y[1, 1]"),
        columns=("A[0, 0]", "A[0, 1]", "A[1, 0]", "A[1, 1]"),
        got=got,
        expected=expected,
        bounds=np.full(got.shape, 2.0**-60),
        wrong=got != expected,
        bits=np.full(got.shape, 128),
        dtype="float64",
        origin="shrunk from 5 x 5",
    )


def network() -> Record:
    """z = x + x^2 as a graph, whose input is read three times."""
    nodes = (
        Node(operation="x", value=3.0, adjoint=7.0),
        Node(operation="*", value=9.0, adjoint=1.0, inputs=(0, 0), left=(3.0, 3.0)),
        Node(operation="+", value=12.0, adjoint=1.0, inputs=(0, 1), left=(1.0, 1.0)),
    )
    return Record(
        operator="net:fan-out",
        subject="reference",
        verdict=Verdict.RIGHT,
        status=Status.PASS,
        counts=counts(12),
        claim={"formula": "z = x + x^2", "exhibit": "net:fan-out", "text:vjp": "ef" * 32},
        graph=Dataflow(nodes=nodes, about="inputs x ()"),
    )


def failing() -> Record:
    point = Point(
        inputs=(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.1]])),
        cotangents=(np.array([[1.0, 0.0], [0.0, 0.0]]),),
        origin="shrunk from 5 x 5",
    )
    wrong = Finding(
        code="GC101",
        severity=Severity.WRONG,
        argument="A",
        index=(0, 1),
        got=0.0,
        expected=1.0,
        bound=3.2e-15,
        message="The gradient of A is not the derivative at 1 of 4 entries.",
        point=point,
        cause="the transpose of the other operand is missing",
        wrong_entries=1,
        entries=4,
        evidence="dA equals G @ B in 120 of 120 failing cases; B is right.",
        where="my_ops.py:41 in matmul_backward",
    )
    contract = Finding(
        code="GC301", severity=Severity.CONTRACT, argument="B", message="The backward pass wrote into its cotangent."
    )
    return Record(
        operator="matmul",
        subject="autograd",
        verdict=Verdict.WRONG,
        status=Status.FAIL,
        findings=(wrong, contract),
        counts=counts(4210, wrong=120, contract=2),
        coverage=(
            Coverage(parameters="", shapes="(3, 4), (4, 2)", dtype="float64", counts=counts(3000, wrong=80)),
            Coverage(parameters="", shapes="(4,), (4, 2)", dtype="float32", counts=counts(1210, wrong=40, contract=2)),
        ),
        curve=curve(order=1),
        jacobian=jacobian(),
        certificate="Would have caught any single-entry error of at least 4.1e-11 in B.",
        untested=("second derivatives", "bfloat16"),
        oracles={"finite differences": 4100, "complex step": 230},
        claim=claim("matmul", "y_ij = sum_k a_ik b_kj", "(m,k),(k,n)->(m,n)", "linear algebra"),
        seed=123,
        seconds=1.734,
    )


def claim(name: str, formula: str, signature: str, family: str) -> dict[str, str]:
    return {
        "formula": formula,
        "signature": signature,
        "family": family,
        "citation": "Golub and Van Loan, Matrix Computations, section 1.1",
        "domain": "all reals",
        "kinks": "none",
        "definition": f"def {name}(a, b):  # {'a line that is wider than a page, ' * 9}\n    return a @ b\n",
        "text:definition": "ab" * 32,
        "text:rule": "cd" * 32,
    }


def passing(operator: str = "sigmoid", subject: str = "reference") -> Record:
    return Record(
        operator=operator,
        subject=subject,
        verdict=Verdict.RIGHT,
        status=Status.PASS,
        counts=counts(3600, inconclusive=4),
        coverage=(Coverage(parameters="axis=-1", shapes="(3,)", dtype="float64", counts=counts(3600, inconclusive=4)),),
        curve=curve(),
        ulps=(ulps(), ulps("float32")),
        certificate="Would have caught any single-entry error of at least 2.3e-12.",
        untested=("second derivatives",),
        oracles={"finite differences": 3600},
        claim=claim(operator, "y = 1 / (1 + e^-x)", "(...)->(...)", "activations"),
        seed=7,
        seconds=0.41,
    )


def open_() -> Record:
    finding = Finding(
        code="GC901",
        severity=Severity.INCONCLUSIVE,
        argument="x",
        index=(2,),
        got=1.0,
        expected=0.99,
        bound=0.5,
        message="The bound of every oracle is too large to decide.",
        point=Point(inputs=(np.array([1e30, 2.0, np.nan], np.float32),), cotangents=(np.ones(3, np.float32),)),
        kwargs={"axis": -1},
    )
    return Record(
        operator="sort",
        subject="reference",
        verdict=Verdict.UNDECIDED,
        status=Status.INCONCLUSIVE,
        findings=(finding,),
        counts=counts(12, inconclusive=300),
        seed=7,
    )


def records() -> tuple[Record, ...]:
    return (
        passing("matmul"),
        passing(),
        open_(),
        passing("relu"),
        failing(),
        passing(subject="autograd"),
    )


def run(*, cut: bool = False) -> Run:
    found = records()[:4] if cut else records()
    footer = None if cut else Footer(records=len(found), failed=1, seconds=3.0)
    problems = ("the run was cut short: 2 of 6 planned (subject, operator) pairs are missing",) if cut else ()
    return Run(header=header(), records=found, footer=footer, problems=problems)
