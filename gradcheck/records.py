"""The frozen values that travel through a run.  Read this module first.

A run goes one way and nothing flows back::

    strategy --Point--> subject --Observation--+
       |                                       +--> judge --Verdict--> record --> report
       +------Point--> oracles --Estimates-----+

Every value here is immutable and all but free of behaviour.  Arguments of a user's function are trees (dicts,
lists, dataclasses) in general; inside gradcheck they are always a flat tuple of arrays, the *leaves*,
each with a *path* such as ``x``, ``params['W'][0]`` that findings name.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Number = float | complex

FORMAT = 2
"""Version of the record format.  A reader refuses a file of a version that is not among ``READABLE`` and says so."""

READABLE = (1, 2)
"""Versions of the record format that can be read: 2 only adds fields, and what an older file does not have is left at its default."""


class Severity(enum.StrEnum):
    """How bad a finding is.  Only the first three make a result not ok."""

    WRONG = "wrong"
    CONTRACT = "contract"
    CONFLICT = "conflict"
    INACCURATE = "inaccurate"
    CONVENTION = "convention"
    INCONCLUSIVE = "inconclusive"
    OUTSIDE = "outside"
    DECLARED = "declared"

    @property
    def fails(self) -> bool:
        """Whether a finding of this severity makes the result not ok."""
        return self in (Severity.WRONG, Severity.CONTRACT, Severity.CONFLICT)


class Status(enum.StrEnum):
    """The three answers of a check."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Verdict(enum.Enum):
    """What was found out, as a sentence.  The value IS the message."""

    RIGHT = "Every entry that was looked at is the derivative, within the stated bound."
    INACCURATE = "The formula is right, but digits are lost where rounding alone would keep them."
    CONVENTION = "At a kink the answer is a convention: no generalised derivative, but one choice per primitive."
    SURROGATE = "The gradient differs from the derivative, as its declared intent says."
    WRONG = "The gradient is not the derivative of the forward."
    CONTRACT = "The values may be right, but the way they are handed over breaks the contract."
    CONFLICT = "Two oracles exclude each other: neither the gradient nor the truth can be trusted here."
    STOCHASTIC = "The forward draws random numbers that could not be rewound, so no derivative is defined."
    UNDECIDED = "No oracle's bound is small enough to decide."
    OUTSIDE = "The forward is not differentiable at the points that were looked at."
    EMPTY = "There is no differentiable entry to decide."
    STOPPED = "The check was stopped before everything was looked at."
    UNSUPPORTED = "The subject does not implement this operator."
    REFUTED = "As printed the formula is refuted, as mended it is accepted: both as expected."
    UNREFUTED = (
        "A formula known to be wrong is not refuted, or its mended form not accepted, or their relation is another."
    )

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a gradient is looked at.

    ``inputs`` are all leaves of all arguments, in order; ``cotangents`` one array per output;
    ``tangents`` one array per differentiable leaf, or None.  ``origin`` says why the point was chosen.
    """

    inputs: tuple[Array, ...]
    cotangents: tuple[Array, ...]
    tangents: tuple[Array, ...] | None = None
    origin: str = "the given point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception as data: type name, message, and the place in the user's code where it was raised."""

    kind: str
    message: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a subject answered at one point, and what it did to what it was given.

    ``gradients`` has one entry per differentiable leaf; an entry is None where the subject gave None.
    ``breaches`` are (code, leaf path, message) triples of the contract; values are judged apart from them.
    """

    outputs: tuple[Array, ...] = ()
    gradients: tuple[Array | None, ...] = ()
    jvp: tuple[Array, ...] | None = None
    failure: Failure | None = None
    breaches: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Derivatives along D directions of an m-vector-valued function, each WITH its bound.

    Shapes are (D, m).  ``bound`` is an absolute error bound, inf where the oracle cannot say.
    ``witnesses`` are further (value, bound) pairs by which the same oracle corroborates itself (two
    step ladders, for instance); a value counts as excluded only if all of them exclude it.  ``jump`` is the
    right slope minus the left slope, with its own bound: a kink where it is not 0.  ``scale`` is the natural
    scale min over rho of max|f|/rho of Cauchy's inequality.  ``kind`` holds one ``Local`` code per entry.
    ``certified`` says that the bound is a theorem about this input, not an estimate.
    """

    method: str
    value: Array
    bound: Array
    scale: Array
    kind: Array
    jump: Array | None = None
    jump_bound: Array | None = None
    witnesses: tuple[tuple[Array, Array], ...] = ()
    evaluations: int = 0
    certified: bool = False


class Local(enum.IntEnum):
    """How a function behaves along a line through the point, as far as an oracle can tell."""

    SMOOTH = 0
    KINK = 1
    OUTSIDE = 2
    UNDECIDED = 3
    ONE_SIDED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A second computation of what a wrong finding is about, which shares no formula and no library with the first.

    ``values`` are decimal numbers of ``digits`` right digits: the derivative (or value) of the definition for the finding's entry; two
    next to a kink, the least and the largest of the branches that meet there; none where there is none, and then ``method`` says
    why.  ``refutes``: they show that the answer is wrong.
    """

    method: str
    values: tuple[str, ...] = ()
    digits: int = 0
    refutes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, or that could not be decided.

    ``code`` is stable (``GC101``); ``argument`` is the path of the leaf, ``index`` the entry in it (None if the
    finding is about the whole leaf); ``got``, ``expected`` and ``bound`` belong to that entry;
    ``point`` is the smallest counterexample found.  ``cause`` is "unexplained" until a diagnosis names one.
    """

    code: str
    severity: Severity
    argument: str
    message: str
    index: tuple[int, ...] | None = None
    got: Number | None = None
    expected: Number | None = None
    bound: float | None = None
    point: Point | None = None
    cause: str = "unexplained"
    wrong_entries: int = 0
    entries: int = 0
    evidence: str = ""
    where: str = ""
    """``file:line in function`` of the backward function, where it is known."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments (parameters) of the case the finding belongs to; plain values only."""
    leaf: int | None = None
    """Which of the point's inputs ``argument`` is, where that is known."""
    confirmation: Confirmation | None = None
    """Of a wrong finding about a catalogue operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Data of a V-curve: error of a plain difference against the step, and what explains it.

    ``remainders`` are |phi(x + h d) - phi(x) - h <v, d>| for the steps h of ``remainder_steps``, with phi = sum_k <g_k, f_k>
    of the definition, d a direction that moves every entry, and v the subject's gradient; ``remainder_noise`` is what rounding makes
    of each.  For the derivative they fall as h^2, for a wrong v as h (N. Boumal, An Introduction to Optimization on Smooth Manifolds,
    section 4.8).
    """

    steps: Array
    errors: Array
    truncation: Array
    rounding: Array
    chosen: float
    entry: str
    remainder_steps: Array | None = None
    remainders: Array | None = None
    remainder_noise: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UlpSamples:
    """Error of single gradient entries, in ulp of the truth, against one input entry.

    The largest is a lower bound of the maximum over all inputs: it was searched for, not proved.
    ``bounds`` is the truth's own bound in ulp: errors under it are not resolved.
    ``bits`` is the precision of the certified balls that gave the truth of each sample, 0 where it was only estimated, by ``method``:
    the error of a sample with bits is certified to within its bound.  ``radii`` are the bounds in absolute terms.
    An ulp is 2^e times the machine epsilon, with 2^e <= |truth| < 2^(e+1), and at least the smallest subnormal.
    """

    dtype: str
    inputs: Array
    errors: Array
    bounds: Array
    bits: Array | None = None
    radii: Array | None = None
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jacobian:
    """The whole Jacobian at one point: (m, n) arrays, entry (j, i) the derivative of output j by entry i of the inputs.

    ``got`` is what the vjp answers to one-hot cotangents, nan where it gives nothing; ``expected`` the truth with its ``bounds``,
    nan where there is none.  ``bits`` is the precision of the certified balls, 0 where the truth is estimated.
    ``errors`` are in ulp of the truth itself and not of its nearest float, where they were computed.
    ``wrong`` says which entries are judged wrong.  ``rows`` and ``columns`` name outputs and inputs.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    got: Array
    expected: Array
    bounds: Array
    wrong: Array
    bits: Array
    dtype: str
    origin: str = ""
    method: str = ""
    errors: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One row of what was tried: a combination of parameters, shapes and type, with its counts.

    ``counts`` has the keys points, right, wrong, inaccurate, convention, inconclusive, outside, contract.
    """

    parameters: str
    shapes: str
    dtype: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a computation, in the two halves of Rojas's B-diagrams.

    ``value`` is the right half, o; ``left`` the left half, one partial derivative for each node of ``inputs`` (their
    numbers); ``adjoint`` the derivative of the graph's output by o.
    """

    operation: str
    value: float
    adjoint: float
    inputs: tuple[int, ...] = ()
    left: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataflow:
    """The graph of a computation at one point.  A node reads only nodes before it; the last is the output."""

    nodes: tuple[Node, ...]
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One entry of a Jacobian: as the printed formula has it, as it should be, and as their relation predicts."""

    entry: str
    printed: float
    right: float
    predicted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A formula that was printed wrong, beside the right one, and what was found of both.

    ``printed_verdict`` and ``right_verdict`` are sentences.  ``off`` is the largest |printed - right| over the entries
    of the Jacobian, ``unexplained`` the largest |printed - predicted by the relation|, computed in ``arithmetic``;
    None where there is no Jacobian.  ``network`` names the record of the network it is about, if there is one;
    ``counterexample`` is the gravest finding against the printed formula.
    """

    number: str
    printed: str
    right: str
    relation: str
    network: str = ""
    refuted: bool = False
    accepted: bool = False
    printed_verdict: str = ""
    right_verdict: str = ""
    counterexample: Finding | None = None
    off: float | None = None
    unexplained: float | None = None
    arithmetic: str = ""
    measured: tuple[Measured, ...] = ()
    hidden_when: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the printed formula is refuted, the right one accepted, and the relation between them as stated."""
        return self.refuted and self.accepted and self.unexplained in (None, 0)


SECOND, SECOND_OPEN = "points of order two", "undecided points of order two"
"""Keys of a record's counts: places at which second derivatives were compared, and those at which they could not be."""


ALONE = "alone"
"""Among the words of a record's claim: source that defines forward and vjp of a framework without this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that a run knows of one operator of one subject: one line of the records file."""

    operator: str
    subject: str
    verdict: Verdict
    status: Status
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """Those of the rows of ``coverage``, of evaluations, and ``SECOND`` and ``SECOND_OPEN``."""
    coverage: tuple[Coverage, ...] = ()
    curve: Curve | None = None
    ulps: tuple[UlpSamples, ...] = ()
    certificate: str = ""
    untested: tuple[str, ...] = ()
    oracles: Mapping[str, int] = field(default_factory=dict)
    """How many entries each oracle decided."""
    claim: Mapping[str, str] = field(default_factory=dict)
    """What is claimed, as text: definition source, formula, citation, domain, kinks, signature, family; and ``ALONE``."""
    seed: int = 0
    seconds: float = 0.0
    graph: Dataflow | None = None
    correction: Correction | None = None
    jacobian: Jacobian | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """First line of a records file: enough to know what was meant to be in it."""

    run: str
    planned: tuple[tuple[str, str], ...]
    """(subject, operator) pairs that the run set out to check."""
    profile: str
    seed: int
    versions: Mapping[str, str]
    environment: Mapping[str, str]
    command: str = ""
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """Last line of a complete records file.  Without it the run was cut short."""

    records: int
    failed: int
    seconds: float


def count_entries(arrays: tuple[Array, ...]) -> int:
    """Number of real coordinates in the leaves (a complex entry counts twice)."""
    return sum(int(np.size(a)) * (2 if np.iscomplexobj(a) else 1) for a in arrays)


def finding_id(record: Record, finding: Finding) -> str:
    """The name of a finding, 12 hexadecimal digits: anchor on its page, argument of ``gradcheck replay``.

    A hash of the subject, the operator, the code, the argument with its index, and the counterexample bit for bit (its
    inputs, cotangents, tangents and parameters); of the message where there is no counterexample.  What was found does not
    count: the same case is the same name in every run, before and after it went through a records file.
    With 48 bits, two of a thousand findings share a name with probability 2e-9.
    """
    case: list[Any] = [finding.message] if finding.point is None else []
    if finding.point is not None:
        point = finding.point
        case = [point.inputs, point.cotangents, point.tangents, dict(finding.kwargs)]
    about = [record.subject, record.operator, finding.code, finding.argument, finding.index]
    digest = hashlib.sha256()
    for part in _bits([*about, *case]):
        digest.update(part)
    return digest.hexdigest()[:12]


def _bits(value: Any) -> Iterator[bytes]:
    """Bytes that determine a plain value, each part with its kind and length; layout, byte order and number classes do not count."""
    match value:
        case np.ndarray() if value.dtype == object:
            yield f"objects {value.shape}:".encode()
            for item in value.ravel():
                yield from _bits(item)
        case np.ndarray():
            little = value.dtype.newbyteorder("<")
            name = little.name if little.kind == "V" else little.str
            yield f"array {name} {value.shape}:".encode()
            yield np.asarray(value, little, order="C").tobytes()
        case np.floating():  # the item() of a longdouble is a longdouble again
            yield from _bits(float(value))
        case np.complexfloating():
            yield from _bits(complex(value))
        case np.generic():
            yield from _bits(value.item())
        case str():
            text = str(value).encode("utf-8", "surrogatepass")
            yield f"text {len(text)}:".encode() + text
        case bool() | None:
            yield f"{value};".encode()
        case int():
            yield f"int {int(value)};".encode()
        case float():
            yield f"float {value.hex()};".encode()
        case complex():
            yield f"complex {value.real.hex()} {value.imag.hex()};".encode()
        case slice():
            yield from _bits((value.start, value.stop, value.step))
        case Mapping():
            yield f"pairs {len(value)}:".encode()
            for pair in value.items():
                yield from _bits(pair)
        case list() | tuple():
            yield f"items {len(value)}:".encode()
            for item in value:
                yield from _bits(item)
        case _:
            yield f"{type(value).__name__};".encode()
