"""Python source that reproduces a finding when it is pasted into an interpreter.

Its last line prints ``reproduced`` or ``not reproduced``.  Nothing that the code under test chose (names, messages,
parameters) is copied as source: strings are literals, comments are single lines, and a name is imported only if it is made
of identifiers.  Of an adapter of this package the record has the source, which the run wrote: whoever pastes from a records file of
strangers runs what they put there.
"""

from __future__ import annotations

import keyword
import math

from gradcheck.records import ALONE, Finding, Point, Record
from gradcheck.report import text
from gradcheck.report.endings import ENDED, source
from gradcheck.report.literals import foreign, literal, packed, walk

GIVEN = "given"
"""The subject of a record made by ``gradcheck.check`` of a user's own functions."""

ONE_CALL = ("GC101", "GC102", "GC103", "GC105", "GC106", "GC107", "GC110")
"""Findings about an entry of the answer to one call."""

STATE = ("GC208", "GC209", "GC210")
"""Findings by which one call shows nothing: its answer depends on other calls."""

_CENTRAL = """\
definition = {definition}


def slope(leaf, index):  # a central difference, in float64, for comparison
    h = 2.0**-17 * max(1.0, abs(float(inputs[leaf][index])))  # about the cube root of the rounding unit
    values = []
    for step in (h, -h):
        moved = [np.array(x, dtype=np.float64) if is_float(x) else x for x in inputs]
        moved[leaf][index] += step
        try:
            outputs = definition(*moved, **params)
        except Exception:
            return np.nan
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        values.append(sum(float(np.sum(np.asarray(g, np.float64) * y)) for g, y in zip(cotangents, outputs)))
    return (values[0] - values[1]) / (2 * h)


def is_float(x):
    return x.dtype.kind == "f" or x.dtype.name == "bfloat16"


for leaf, x in enumerate(inputs):
    if is_float(x):
        with np.errstate(all="ignore"):
            slopes = [slope(leaf, index) for index in np.ndindex(x.shape)]
        print("central differences, input", leaf, np.array(slopes).reshape(x.shape))
"""


def snippet(record: Record, finding: Finding) -> str:
    """Source that repeats ``finding``: the exact inputs, the call, and what was expected.

    Empty without a point, unless the finding is that the check did not come to its end.
    """
    lines = [f"# {text.clean(finding.code)} {text.clean(record.operator)}: {text.place(finding)}"]
    if finding.code in ENDED and record.subject != GIVEN:
        return "\n".join([*lines, *source(record, finding), _expectation(finding), _OUTCOME]) + "\n"
    if finding.point is None:
        return ""
    values = [value for item in (_arrays(finding.point), dict(finding.kwargs)) for value in walk(item)]
    lines += ["import base64"] if any(map(packed, values)) else []
    lines += ["import ml_dtypes"] if any(map(foreign, values)) else []
    lines += ["import numpy as np"]
    body = _given if record.subject == GIVEN else _subject
    lines += body(record, finding, finding.point)
    return "\n".join(lines) + "\n"


def _subject(record: Record, finding: Finding, point: Point) -> list[str]:
    """For an implementation of a catalogue operator: the call itself where one call shows it, else the whole check.

    The call is made without this package where the record has the source for that.
    """
    load, operator = literal(record.claim.get("load", record.subject)), literal(record.operator)
    if record.claim.get("exhibit"):  # it is in no catalogue: the subject has the functions and the inputs
        return [
            "from gradcheck.engine.exhibits import check_exhibit",
            "from gradcheck.subjects import load",
            "",
            f"record = check_exhibit(load({load}), {operator}, seed={record.seed})",
            f"reproduced = {literal(finding.code)} in [found.code for found in record.findings]",
            'print("got", record.verdict)',
            _expectation(finding),
            _OUTCOME,
        ]
    head = [f"params = {literal(dict(finding.kwargs))}", *_tuple("inputs", point.inputs)]
    made = f"impl = load({load}).implementation({operator}, params)"
    catalogue = ["from gradcheck import catalogue", "from gradcheck.subjects import load", ""]
    alone = record.claim.get(ALONE, "")
    source = ["", alone] if alone else ["", made, "forward, vjp = impl.forward, impl.vjp"]
    if finding.code == "GC120" and alone and finding.index is not None:
        return [*head, *source, *_value(finding), _expectation(finding), _OUTCOME]
    if finding.code == "GC120":
        return [*catalogue, *head, "", made, *_forward(operator), _expectation(finding)]
    shown = point.cotangents and not any(other.code in STATE for other in record.findings)
    cotangents = _tuple("cotangents", point.cotangents)
    if shown and finding.code == "GC109":
        imports = [] if alone else catalogue[1:]
        return [*imports, *head, *cotangents, *source, *_raises(), _expectation(finding), _OUTCOME]
    if not (shown and finding.code in ONE_CALL and finding.index is not None and finding.expected is not None):
        imports = ["import gradcheck", *catalogue[1:]]
        return [*imports, *head, "", *_checked(made, operator, finding, record), _expectation(finding), _OUTCOME]
    small = sum(values.size for values in point.inputs) <= text.SHOWN_IN_FULL
    real = all(values.dtype.kind != "c" for values in (*point.inputs, *point.cotangents))
    definition = "forward" if alone else f"catalogue.operator({operator}).definition"
    central = _CENTRAL.format(definition=definition).splitlines() if small and real else []
    return [
        *([] if alone else catalogue if central else catalogue[1:]),
        *head,
        *cotangents,
        *source,
        'with np.errstate(all="ignore"):',
        "    outputs = forward(*inputs, **params)",
        "    cotangent = cotangents if isinstance(outputs, tuple) else cotangents[0]",
        "    answer = vjp(cotangent, *inputs, **params)",
        "gradients = answer if isinstance(answer, (tuple, list)) else (answer,)",
        'print("got", answer)',
        *(["", *central] if central else []),
        _expectation(finding),
        *_comparison(finding, point),
        _OUTCOME,
    ]


_OUTCOME = 'print("reproduced" if reproduced else "not reproduced")'


def _comparison(finding: Finding, point: Point) -> list[str]:
    """Whether the entry is as far off as it was."""
    assert finding.index is not None
    index = literal(tuple(int(k) for k in finding.index))
    if finding.leaf is not None:
        number = sum(_is_float(values) for values in point.inputs[: finding.leaf])
        entries = f"[gradients[{number}]]"
    else:
        entries = f"[g for g in gradients if np.ndim(g) == {len(finding.index)}]"
    return [f"reproduced = any({_off(f'complex(np.asarray(g)[{index}])', finding)} for g in {entries})"]


def _is_float(values: object) -> bool:
    kind = getattr(values, "dtype", None)
    return kind is not None and (kind.kind in "fc" or foreign(values))


def _value(finding: Finding) -> list[str]:
    """An entry of the forward's value, of all outputs one after the other, beside what it should be."""
    assert finding.index is not None
    return [
        'with np.errstate(all="ignore"):',
        "    outputs = forward(*inputs, **params)",
        "outputs = outputs if isinstance(outputs, tuple) else (outputs,)",
        'print("got", outputs)',
        f"got = complex(np.concatenate([np.ravel(y) for y in outputs])[{int(finding.index[0])}])",
        f"reproduced = {_off('got', finding)}",
    ]


def _off(value: str, finding: Finding) -> str:
    """Whether it is still off by at least half as much as it was: another machine rounds otherwise."""
    got, expected = finding.got, finding.expected
    assert got is not None and expected is not None
    if math.isfinite(abs(got)) and math.isfinite(abs(expected)):
        return f"not abs({value} - {literal(expected)}) < {literal(abs(got - expected) / 2)}"
    return f"not np.isfinite({value})"


def _forward(operator: str) -> list[str]:
    return [
        'with np.errstate(all="ignore"):',
        "    got = impl.forward(*inputs, **params)",
        f"    expected = catalogue.operator({operator}).definition(*inputs, **params)",
        'print("got", got)',
        'print("expected", expected)',
        "got, expected = np.asarray(got), np.asarray(expected)",
        "u = np.finfo(np.float64 if expected.dtype.kind not in 'fc' else expected.dtype).eps",
        "slack = np.sqrt(u) * np.max(np.abs(expected), initial=0)",
        "reproduced = got.shape != expected.shape or not np.all(np.abs(got - expected) <= slack)",
        _OUTCOME,
    ]


def _raises() -> list[str]:
    return [
        "outputs = forward(*inputs, **params)",
        "cotangent = cotangents if isinstance(outputs, tuple) else cotangents[0]",
        "try:",
        "    vjp(cotangent, *inputs, **params)",
        "    reproduced = False",
        "except (Exception, SystemExit) as error:",
        '    print("raised", type(error).__name__, error)',
        "    reproduced = True",
    ]


def _checked(made: str, operator: str, finding: Finding, record: Record) -> list[str]:
    """The whole check, for what shows in several calls only."""
    code = literal(finding.code)
    return [
        "try:",
        f"    {made}",
        f"    result = gradcheck.check(impl, None, inputs, kwargs=params, like={operator}, seed={int(record.seed)})",
        "    print(result)",
        f"    reproduced = any(f.code == {code} for f in result.findings)",
        "except BaseException as error:",
        '    print("raised", type(error).__name__, error)',
        f"    reproduced = {code} in ('GC121', 'GC123')  # the finding is that it raises",
    ]


def _given(record: Record, finding: Finding, point: Point) -> list[str]:
    imports, names = [], []
    for role in ("forward", "vjp"):
        line, name = _import(record.claim.get(role, ""), role)
        imports.append(line)
        names.append(name)
    return [
        "import gradcheck",
        *dict.fromkeys(imports),
        "",
        "# The arrays of your arguments, in order; put them back into their containers if the arguments are trees.",
        *_tuple("inputs", point.inputs),
        f"kwargs = {literal(dict(finding.kwargs))}",
        f"result = gradcheck.check({names[0]}, {names[1]}, inputs, kwargs=kwargs, seed={int(record.seed)})",
        "print(result)",
        _expectation(finding),
        f"reproduced = any(f.code == {literal(finding.code)} for f in result.findings)",
        _OUTCOME,
    ]


def _import(reference: str, role: str) -> tuple[str, str]:
    """The import line and the expression for ``module:qualified.name``; a comment where it cannot be imported."""
    module, _, name = reference.partition(":")
    parts = [*module.split("."), *name.split(".")]
    importable = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts) and parts[0] != "__main__"
    if not importable:
        return f"# Paste your {role} here, under the name {role}.", role
    return f"from {module} import {name.split('.')[0]}", name


def _expectation(finding: Finding) -> str:
    if finding.got is None and finding.expected is None:
        return f"# {text.clean(finding.message)}"
    bound = "" if finding.bound is None else f" within {text.short(finding.bound)}"
    where = text.place(finding)
    return f"# at {where}: got {text.number(finding.got)}, expected {text.number(finding.expected)}{bound}"


def _arrays(point: Point) -> tuple[object, ...]:
    return (*point.inputs, *point.cotangents)


def _tuple(name: str, arrays: tuple[object, ...]) -> list[str]:
    return [f"{name} = (", *(f"    {literal(values)}," for values in arrays), ")"]
