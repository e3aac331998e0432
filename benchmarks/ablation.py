"""Which part of gradcheck is needed for what: each is turned off, alone, over tests/meta.

``python -m benchmarks.ablation [--only PART] [--seeds N] [--enough N] [--exhaustive] [--workers N]``

A check, strategy or oracle matters if without it a wrong case *slips*: it passes, or it is called undecided where it was
refused.  A part that guards against false alarms matters if without it a right case is no longer passed.  The matrix has
a line per part; what never matters is listed at its end, to be removed from the product, and makes the exit code 1, unless the
table says why it is kept.

Only those cases run again for which the part can make a difference; ``ablation_trace`` says why that is sound.
``parts`` of the matrix: *cases*, how many ran again; *passed* and *undecided*, the wrong cases that slip; *refused*, the right
cases; then their classes and one by name.  A number with a plus is where counting stopped (``--enough``).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.ablation_parts import PARTS, SCOPES
from benchmarks.ablation_trace import ACCEPT, CATCH, GIVEN, Part, Trace, locate, outcome, trace, turned_off
from benchmarks.running import alone, spread
from tests.meta.all_cases import CASES
from tests.meta.case import Case

KILLED = "kills its process"

Key = tuple[int, int | None]
"""(number of the case, seed)."""


CHUNK = 12
"""Cases of one part that a worker runs in a row: about four seconds, so that both workers end together."""

Job = tuple[int, list[Key]]
"""(number of the part, cases)."""


@dataclass
class Row:
    """What happened without one part."""

    number: int
    planned: int = 0
    asked: int = 0
    passed: list[Key] = field(default_factory=list)
    undecided: list[Key] = field(default_factory=list)
    refused: list[Key] = field(default_factory=list)
    broken: list[tuple[Key, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def part(self) -> Part:
        """The part that was off."""
        return PARTS[self.number]

    @property
    def changed(self) -> list[Key]:
        """The cases that show that the part matters, most telling first."""
        return self.passed + self.undecided + self.refused

    def add(self, other: Row) -> None:
        """What happened for further cases."""
        for name in ("asked", "passed", "undecided", "refused", "broken", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def baseline(job: tuple[Key, list[int]]) -> tuple[Key, Trace]:
    """The job of a worker: one case with everything on, and the stand-ins of these parts beside it."""
    key, numbers = job
    return key, trace(CASES[key[0]], key[1], [PARTS[k] for k in numbers], SCOPES)


def without(job: Job) -> Row:
    """The job of a worker: one part off, over these cases."""
    number, keys = job
    row, start = Row(number), time.perf_counter()
    with turned_off(row.part):
        for key in keys:
            case, row.asked = CASES[key[0]], row.asked + 1
            status = outcome(case, key[1])
            if status not in ("pass", "fail", "inconclusive"):
                row.broken.append((key, status))
            elif case.ok and status != "pass":
                row.refused.append(key)
            elif not case.ok and status != "fail":
                (row.passed if status == "pass" else row.undecided).append(key)
    row.seconds = time.perf_counter() - start
    return row


def fatal(job: tuple[Key, list[int]]) -> tuple[Key, Trace]:
    """What is said of a case that takes its process down."""
    return job[0], Trace(status=KILLED)


def one_by_one(job: Job) -> Row:
    """Each case of the job in a process of its own: one of them takes its process down without the part."""
    number, keys = job
    row = Row(number)
    for key in keys:
        killed = Row(number, asked=1, broken=[(key, KILLED)])
        row.add(alone(without, (number, [key]), lambda _, killed=killed: killed))
    return row


def chunks(rows: Mapping[int, Row], planned: Mapping[int, list[Key]], enough: int) -> Iterator[Job]:
    """A first chunk of every part, then a second, and so on; none for parts that have mattered often enough."""
    for start in range(0, max(map(len, planned.values()), default=0), CHUNK):
        for number, keys in planned.items():
            if keys[start : start + CHUNK] and len(rows[number].changed) < enough:
                yield number, keys[start : start + CHUNK]


def sides(part: Part, case: Case, status: str) -> bool:
    """Whether the part serves the side of this case, and its baseline leaves something to lose."""
    if case.ok:
        return part.serves != CATCH and status == "pass"
    return part.serves != ACCEPT and status == "fail"


def candidates(part: Part, traces: dict[Key, Trace], exhaustive: bool) -> list[Key]:
    """The cases that may change without the part; first those that were written for one part, then what is hard to accept."""
    found = [
        (not CASES[key[0]].name.startswith("alone: "), not CASES[key[0]].hard, key)
        for key, made in traces.items()
        if sides(part, CASES[key[0]], made.status) and (exhaustive or made.may_change(part, CASES[key[0]].ok))
    ]
    return [key for *_, key in sorted(found)]


def uncovered(traces: dict[Key, Trace]) -> list[str]:
    """Origins of points and codes of findings that no row of the table turns off: the table has fallen behind."""
    by_itself = [p for p in PARTS if p.depends is not None and p.name != "points: all of them"]
    origins = {s for made in traces.values() for s in made.scopes} - {GIVEN}
    alone = [f"origin {o!r}" for o in sorted(origins) if not any(p.depends(o, "") for p in by_itself if p.depends)]
    codes = {c for made in traces.values() for s, c in made.findings if "|" not in s} - {"undecided"}
    return alone + [f"code {c}" for c in sorted(codes) if not any(p.depends("", c) for p in by_itself if p.depends)]


def show(row: Row) -> str:
    """One line of the matrix."""
    more = "+" if row.asked < row.planned else ""
    groups = Counter(CASES[k].group for k, _ in row.changed).most_common(3)
    classes = ", ".join(f"{group} {n}" for group, n in groups)
    never = row.part.kept or "never matters" if row.asked == row.planned else f"only {row.asked} were run"
    which = f'{classes}; e.g. "{CASES[row.changed[0][0]].name}"' if row.changed else never
    counts = " ".join(f"{len(n):>5}{more:1}" for n in (row.passed, row.undecided, row.refused))
    return f"{row.part.name:47} {row.part.serves:6} {row.planned:5} {counts} {row.seconds:6.1f}  {which}"


HEAD = f"{'turned off':47} {'serves':6} {'cases':>5} {'pass':>5}  {'undec':>5}  {'refus':>5}  {'sec':>6}  which"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default="", metavar="PART", help="only parts whose name contains this")
    parser.add_argument(
        "--kinds", default="check,strategy,oracle,judge", help="only these kinds of parts (all of them)"
    )
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases whose name or group contains this")
    parser.add_argument(
        "--seeds", type=int, default=0, help="seeds 0 to N-1, instead of the inputs' own, as in the tests"
    )
    parser.add_argument("--enough", type=int, default=20, help="cases after which a part is known to matter (20)")
    parser.add_argument("--exhaustive", action="store_true", help="run every part on every case, and count them all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="list the parts and their targets")
    return parser.parse_args(arguments)


def progress(text: str, end: str = "") -> None:
    print(f"\r{text:79}", end=end, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    kinds = options.kinds.split(",")
    chosen = [k for k, part in enumerate(PARTS) if options.only in part.name and part.kind in kinds]
    for part in PARTS:
        locate(part.target)
    if options.list:
        print(
            *(f"{PARTS[k].kind:8} {PARTS[k].serves:6} {PARTS[k].name:47} {PARTS[k].target}" for k in chosen), sep="\n"
        )
        return 0
    start = time.perf_counter()
    seeds: list[int | None] = list(range(options.seeds)) or [None]
    served = {PARTS[k].serves for k in chosen}
    keys = [
        (k, s)
        for k, c in enumerate(CASES)
        for s in seeds
        if (options.cases in c.name or options.cases in c.group) and served - {CATCH if c.ok else ACCEPT}
    ]
    traces: dict[Key, Trace] = {}
    for key, made in spread(baseline, [(key, chosen) for key in keys], options.workers, fatal):
        traces[key] = made
        if len(traces) % 20 == 0:
            progress(f"baseline: {len(traces)} of {len(keys)}")
    progress("")
    if behind := uncovered(traces):
        print("the table of parts has fallen behind; no part turns off:", *behind, sep="\n  ")
    for (k, _), made in traces.items():
        if made.status == KILLED:
            print(f"{KILLED}: {CASES[k].name}")
    bad = [key for key, made in traces.items() if (made.status == "pass") != CASES[key[0]].ok]
    weak = sum(made.status == "inconclusive" and not CASES[k].ok for (k, _), made in traces.items())
    print(f"{len(keys)} runs of {len(CASES)} cases in {time.perf_counter() - start:.0f} s; {len(bad)} decided otherwise "
          f"than meant and {weak} wrong ones only undecided: these are left out\n{HEAD}")  # fmt: skip
    enough = 10**9 if options.exhaustive else options.enough
    planned = {k: candidates(PARTS[k], traces, options.exhaustive) for k in chosen}
    rows = {k: Row(k, planned=len(keys)) for k, keys in planned.items()}
    most = sum(map(len, planned.values()))
    interrupted = False
    try:
        for row in spread(without, chunks(rows, planned, enough), options.workers, one_by_one):
            rows[row.number].add(row)
            progress(f"parts: {sum(r.asked for r in rows.values())} of at most {most} runs, last {row.part.name}")
    except KeyboardInterrupt:
        interrupted = True  # what is known by now is worth its line
    progress("")
    print("", *(show(rows[k]) for k in sorted(rows)), sep="\n")
    for k in sorted(rows):
        if rows[k].broken:
            names = Counter(status for _, status in rows[k].broken)
            print(f"without {PARTS[k].name}: {dict(names)}, e.g. {CASES[rows[k].broken[0][0][0]].name}")
    idle = [k for k in sorted(rows) if not rows[k].changed and rows[k].asked == rows[k].planned]
    never = [k for k in idle if not PARTS[k].kept]
    open_still = [k for k in sorted(rows) if not rows[k].changed and rows[k].asked < rows[k].planned]
    matter = sum(bool(row.changed) for row in rows.values())
    print(f"\n{matter} of {len(rows)} parts matter; {time.perf_counter() - start:.0f} s")
    for words, numbers in (("never matters", never), ("interrupted before it mattered", open_still)):
        if numbers:
            print(f"{words}:", *(PARTS[k].name for k in numbers), sep="\n  ")
    return 2 if behind or interrupted else int(bool(never))


if __name__ == "__main__":
    sys.exit(main())
