"""Source that repeats what did not come back: a call that hangs or takes its process down, in a process of its own.

The case is the source of another program, which the pasted one starts, watches and ends; the clock begins to run when that has
loaded everything and is about to make the call.
"""

from __future__ import annotations

import re

from gradcheck.records import Finding, Point, Record
from gradcheck.report.literals import foreign, literal, packed, walk

ENDED = ("GC124", "GC125")
"""Findings about a call, or else a whole check, that did not come to its end."""

LONGEST = 60.0
"""Seconds for one call at most, as ``gradcheck replay`` gives it: the limit of a run is for thousands of calls."""

_STARTED = """\
import signal
import subprocess
import sys

{case}

with subprocess.Popen([sys.executable, "-c", case], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:
    child.stdout.readline()  # everything is loaded, and the clock begins to run
    try:
        child.wait(timeout={limit})
        code, returned = child.returncode, child.stdout.read()
    except subprocess.TimeoutExpired:
        child.kill()
        code, returned = None, ""
if returned:
    said = returned.strip()
elif code is None:
    said = "it did not return within {limit} s"
elif code < 0:
    said = "was ended by " + (signal.Signals(-code).name if -code in list(signal.Signals) else "signal " + str(-code))
else:
    said = "exited with code " + str(code)
print("got", said)
"""

_HEAD = """\
import os

answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the subject prints is no answer
"""

_TAIL = """\
print("loaded", file=answer, flush=True)
try:
    {call}
except Exception as error:
    print("it raises", type(error).__name__, file=answer, flush=True)
else:
    print("it returns", file=answer, flush=True)
"""


def source(record: Record, finding: Finding) -> list[str]:
    """The lines of the program; its last ones set ``reproduced``."""
    limit, found = _limit(finding), _how(finding.message)
    inside = _whole(record) if finding.point is None or record.claim.get("exhibit") else _call(record, finding)
    started = _STARTED.format(case=_text("case", inside), limit=literal(limit))
    if finding.code == "GC124":
        outcome = "not returned and code is None"
    elif found:
        outcome = f"said == {literal(found)}"
    else:
        outcome = "not returned and code is not None"
    return [*started.splitlines(), f"reproduced = {outcome}"]


def _limit(finding: Finding) -> float:
    """The limit that was reached, as the finding says it; for a single call no more than ``LONGEST``."""
    said = re.match(r"stopped after ([0-9.e+]{1,12}) s", finding.message)
    try:
        seconds = float(said[1]) if said else LONGEST
    except ValueError:
        seconds = LONGEST
    return seconds if finding.point is None and 0 < seconds < 1e9 else max(1.0, min(LONGEST, seconds))


def _how(message: str) -> str:
    """How the process ended, as the finding says it; empty where it does not."""
    said = re.search(r"ran (was ended by (?:SIG[A-Z0-9]+|signal \d+)|exited with code -?\d+)", message)
    return said[1] if said else ""


def _call(record: Record, finding: Finding) -> list[str]:
    """The one call that was on record."""
    point = finding.point
    assert point is not None
    values = [value for item in (_arrays(point), dict(finding.kwargs)) for value in walk(item)]
    load, operator = literal(record.claim.get("load", record.subject)), literal(record.operator)
    given = point.tangents if point.tangents is not None else point.cotangents
    if point.tangents is not None:
        call = "impl.jvp(given, *inputs, **params)"
    elif point.cotangents:
        call = "impl.vjp(given if len(given) > 1 else given[0], *inputs, **params)"
    else:
        call = "impl.forward(*inputs, **params)"
    first = ["if impl.stateful:", "    impl.forward(*map(np.array, inputs), **params)"] if point.cotangents else []
    return [
        *_HEAD.splitlines(),
        *(["import base64"] if any(map(packed, values)) else []),
        *(["import ml_dtypes"] if any(map(foreign, values)) else []),
        "import numpy as np",
        "from gradcheck.subjects import load",
        "",
        f"params = {literal(dict(finding.kwargs))}",
        f"inputs = ({''.join(f'{literal(value)}, ' for value in point.inputs)})",
        f"given = ({''.join(f'{literal(value)}, ' for value in given)})",
        f"impl = load({load}).implementation({operator}, params)",
        *first,
        *_TAIL.format(call=call).splitlines(),
    ]


def _whole(record: Record) -> list[str]:
    """The whole check, where no call is on record: it ended before the first one, or in one too large to be kept."""
    load, operator = literal(record.claim.get("load", record.subject)), literal(record.operator)
    if record.claim.get("exhibit"):
        imports = ["from gradcheck.engine.exhibits import check_exhibit"]
        call = f"check_exhibit(subject, {operator}, seed={int(record.seed)})"
    else:
        imports = ["from gradcheck import catalogue", "from gradcheck.engine.verify import verify_operator"]
        call = f"verify_operator(subject, catalogue.operator({operator}), seed={int(record.seed)})"
    return [
        *_HEAD.splitlines(),
        *imports,
        "from gradcheck.subjects import load",
        "",
        f"subject = load({load})",
        *_TAIL.format(call=call).splitlines(),
    ]


def _arrays(point: Point) -> tuple[object, ...]:
    return (*point.inputs, *point.cotangents, *(point.tangents or ()))


def _text(name: str, lines: list[str]) -> str:
    """An assignment of the lines to a name, as a text of several lines that nothing in them can end."""
    plain = "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{name} = """\n{plain}\n"""'
