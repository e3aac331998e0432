"""Which wrong gradients are caught, which right ones refused, and in what time: gradcheck beside its peers, over tests/meta.

``python -m benchmarks.detection [--seeds N] [--only PATTERN] [--tools a,b] [--invisible] [--workers N] [--failures] [--certified]``

Each peer runs at its own default tolerances, at the inputs of the case.  A peer that raises anything but its own
report of a mismatch *cannot run* that case: that is never counted as caught.  A case is *not applicable* to a peer that
has no way to be told what the case declares (a set of matrices, a surrogate, a jvp) or does not take its number type.

How to read it.  The cases were written to be hard for checkers, so the counts are no rates of everyday code.  *Cannot run*
is often loud: torch and autograd stop with an error of their own at a gradient of the wrong shape or type, and a user would
see that; a missing gradient is stopped by the adapter before any peer sees it.  The tools therefore answer
different sets of cases, and only the second table, of the cases that every tool answered, compares like with like.

Seconds are those of the clock, with one thread, in one process unless ``--workers`` says otherwise, imports left out; beside them
the seconds of the processor, which another process on the same core does not lengthen.  The noise of the machine is measured and
printed first.  The last lines are of *small* cases (``SMALL``), for the promises of the profiles.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np

from benchmarks.peers import TOOLS, NotApplicableError, with_gradcheck
from benchmarks.running import LIMIT, OverTimeError, machine_noise, quiet_and_bounded, spread
from tests.meta.all_cases import CASES
from tests.meta.case import Case

CAUGHT, ACCEPTED, CANNOT_RUN, NOT_APPLICABLE = "caught", "accepted", "cannot run", "not applicable"

SMALL = 8
"""Float64 entries, of all arguments together, up to which a case counts as small; it has no other arguments."""

PROMISES = {"quick": "15 ms in the median", "default": "0.25 s in the median, 2 s at the 95th percentile"}
"""What a check of a small function is meant to take."""

Key = tuple[int, int]
"""(number of the case, seed)."""


Seconds = tuple[float, float]
"""Of the clock, and of the processor."""


def clocks() -> Seconds:
    """Both clocks now."""
    return time.perf_counter(), time.process_time()


def since(start: Seconds) -> Seconds:
    """What both clocks say has passed."""
    wall, cpu = clocks()
    return wall - start[0], cpu - start[1]


def ask(job: tuple[str, Key]) -> tuple[Key, str, Seconds, str]:
    """What the tool says of the case, in how many seconds, and the error that kept it from running."""
    name, key = job
    start, why = clocks(), ""
    try:
        with quiet_and_bounded(LIMIT):
            answer = CAUGHT if TOOLS[name][1](CASES[key[0]], key[1]) else ACCEPTED
    except NotApplicableError:
        answer = NOT_APPLICABLE
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a case may raise SystemExit
        answer, why = CANNOT_RUN, f"{type(error).__name__}: {error}"[:100]
    return key, answer, since(start), why


def killed(job: tuple[str, Key]) -> tuple[Key, str, Seconds, str]:
    """What is said of a job that took its process down."""
    return job[1], CANNOT_RUN, (np.nan, np.nan), "it kills its process"


@dataclass
class Tally:
    """Answers of one tool, by (case, seed), with the seconds they took and what kept it from running."""

    answers: dict[Key, tuple[str, Seconds, str]] = field(default_factory=dict)

    def answered(self) -> set[Key]:
        """The runs in which the tool gave an answer."""
        return {key for key, (answer, *_) in self.answers.items() if answer in (CAUGHT, ACCEPTED)}

    def failures(self) -> list[str]:
        """Cases decided otherwise than a perfect checker would, with how often, and the reason."""
        found: Counter[tuple[str, int, str]] = Counter()
        runs: Counter[int] = Counter(number for number, _ in self.answers)
        for (number, _), (answer, _, why) in self.answers.items():
            if answer != (ACCEPTED if CASES[number].ok else CAUGHT):
                kind = "refused" if answer == CAUGHT else "missed" if answer == ACCEPTED else answer
                found[kind, number, why] += 1
        return [
            f"{kind:14} {n:3} of {runs[number]:3} seeds  {CASES[number].name}  {why}".rstrip()
            for (kind, number, why), n in sorted(found.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
        ]

    def row(self, name: str, among: set[Key] | None = None) -> str:
        """A line of the table; ``among`` restricts it to these runs."""
        rows = [(key, *row) for key, row in self.answers.items() if among is None or key in among]
        decided = [row for row in rows if row[1] in (CAUGHT, ACCEPTED)]
        wrong, right = ([row[1] for row in decided if CASES[row[0][0]].ok is side] for side in (False, True))
        missing = [sum(row[1] == kind for row in rows) for kind in (CANNOT_RUN, NOT_APPLICABLE)]
        taken = np.array([row[2] for row in decided] or [(np.nan, np.nan)])
        (median, cpu), (late, cpu_late) = np.percentile(taken, [50, 95], axis=0)
        return (
            f"{name:11} {wrong.count(CAUGHT):6} of {len(wrong):6} {right.count(CAUGHT):6} of {len(right):6}"
            f" {missing[0]:10} {missing[1]:14} {median:9.4f} {late:9.4f} {cpu:9.4f} {cpu_late:9.4f}"
        )


HEAD = f"{'tool':11} {'wrong caught':>16} {'right refused':>16} {'cannot run':>10} {'not applicable':>14}"
HEAD += f" {'median s':>9} {'p95 s':>9} {'cpu med.':>9} {'cpu p95':>9}"


def selected(pattern: str, invisible: bool) -> list[int]:
    """The cases whose name or group fits the pattern; with ``invisible``, those and their right twins."""
    fits = [any(fnmatch.fnmatch(text, f"*{pattern}*") for text in (c.name, c.group)) for c in CASES]
    twins = {c.twin for c, ok in zip(CASES, fits, strict=True) if ok and c.invisible}
    return [
        k
        for k, (c, ok) in enumerate(zip(CASES, fits, strict=True))
        if ok and (not invisible or c.invisible or c.name in twins)
    ]


def small(case: Case) -> bool:
    """Whether it is a plain function of at most SMALL numbers, all of them float64."""
    arrays = [x for x in case.inputs if isinstance(x, np.ndarray)]
    plain = len(arrays) == len(case.inputs) and all(x.dtype == np.float64 for x in arrays)
    return plain and 0 < sum(x.size for x in arrays) <= SMALL


def seconds(case: Case, profile: str) -> Seconds:
    """The median of three checks with a fixed seed."""
    taken = []
    for _ in range(3):
        start = clocks()
        # One that is refused as a question that cannot be asked takes its time, too.
        with contextlib.suppress(Exception, OverTimeError), quiet_and_bounded(LIMIT):
            with_gradcheck(case, 0, profile)
        taken.append(since(start))
    wall, cpu = np.median(taken, axis=0)
    return float(wall), float(cpu)


def profile_lines(numbers: Iterable[int], profiles: Sequence[str]) -> Iterable[str]:
    """Times of the profiles on the small cases, wrong and right apart: a wrong one is also shrunk and explained."""
    chosen = [CASES[k] for k in numbers if small(CASES[k])]
    yield f"small: {len(chosen)} cases of NumPy arrays with at most {SMALL} entries in all, float64; median of three runs each"
    for profile in profiles:
        for side, word in ((True, "right"), (False, "wrong")):
            taken = [seconds(case, profile) for case in chosen if case.ok is side]
            if taken:
                (median, cpu), (late, cpu_late) = 1e3 * np.percentile(taken, [50, 95], axis=0)
                promise = f"  (meant: {PROMISES[profile]})" if profile in PROMISES else ""
                yield (
                    f"{profile:11} {word}: median {median:7.1f} ms, 95th percentile {late:7.1f} ms;"
                    f" of the processor {cpu:7.1f} and {cpu_late:7.1f} ms{promise}"
                )


def certified(number: int) -> bool | None:
    """Whether the wrong value of this case is reported against certified truth; None where its forward cannot be traced.

    Traceable: an enclosure exists at the given point, or at the point of the finding.
    """
    import gradcheck
    from gradcheck.engine.certify import Certifier
    from gradcheck.oracles.ball import METHOD
    from gradcheck.subjects.callables import arrange, recognise

    case = CASES[number]
    options = dict(case.options)
    with contextlib.suppress(Exception, OverTimeError), quiet_and_bounded(LIMIT):
        forward, vjp = case.make()
        found = [f for f in gradcheck.check(forward, vjp, case.inputs, seed=0, **options).findings if f.code == "GC101"]
        if not found:
            return None
        if any(f.evidence.startswith(METHOD) for f in found):
            return True
        made = recognise(forward, vjp, None, options.get("stateful", False))
        call = arrange(made, case.inputs, wrt=options.get("wrt"), kwargs=options.get("kwargs"), domain=None)
        ones = tuple(np.ones(np.shape(y)) for y in call.forward(call.leaves))
        points = [call.leaves, *(f.point.inputs for f in found if f.point is not None)]
        enclosed = [Certifier.of(call, made.forward).at(point, ones) is not None for point in points]
        return False if any(enclosed) else None
    return None


def certified_line(numbers: Iterable[int], workers: int) -> str:
    """The share of wrong values, on functions that can be traced, that certified truth refutes."""
    answers = list(spread(certified, [k for k in numbers if not CASES[k].ok], workers, lambda _: None))
    traced = [a for a in answers if a is not None]
    return (
        f"certified: {sum(traced)} of {len(traced)} wrong values on functions that can be traced"
        f" ({100 * sum(traced) / max(1, len(traced)):.1f} %); {len(answers) - len(traced)} others"
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=1, help="run everything with this many seeds (default 1)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="only cases whose name or group contains this")
    parser.add_argument("--tools", default=",".join(TOOLS), help=f"comma-separated, of {', '.join(TOOLS)}")
    parser.add_argument("--invisible", action="store_true", help="only invisible cases and their twins")
    parser.add_argument(
        "--failures", action="store_true", help="list the failures of every tool, not of gradcheck alone"
    )
    parser.add_argument(
        "--workers",
        type=int,
        help="processes; times are then less exact (default: 1, and 2 if there are several seeds)",
    )
    parser.add_argument("--certified", action="store_true", help="print the share of verdicts that are certified")
    parser.add_argument(
        "--profiles",
        default="quick",
        help="profiles to time on small cases, comma-separated; empty: none (default quick)",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.tools.split(",")) - set(TOOLS):
        parser.error(f"unknown tools: {', '.join(sorted(unknown))}")
    options.workers = options.workers or (2 if options.seeds > 1 else 1)
    return options


def tally(name: str, numbers: Sequence[int], seeds: int, workers: int) -> Tally:
    """All the answers of one tool; a first one is not counted, as it pays for the imports."""
    made = Tally()
    ask((name, (numbers[0], 0)))
    jobs = [(name, (number, seed)) for number in numbers for seed in range(seeds)]
    for done, (key, *answer) in enumerate(spread(ask, jobs, workers, killed)):
        made.answers[key] = (answer[0], answer[1], answer[2])
        if sys.stderr.isatty() and done % 50 == 0:
            print(f"\r{name}: {done} of {len(jobs)} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    numbers = selected(options.only, options.invisible)
    if not numbers:
        print("no such case")
        return 4
    cases = [CASES[k] for k in numbers]
    wrong = sum(not c.ok for c in cases)
    print(f"{wrong} wrong ({sum(c.invisible for c in cases)} invisible) and {len(cases) - wrong} right "
          f"({sum(c.hard for c in cases)} hard), seeds 0 to {options.seeds - 1}; {options.workers} of "
          f"{os.cpu_count()} cores, one thread each\n{machine_noise()}\n\n{HEAD}")  # fmt: skip
    tallies: dict[str, Tally] = {}
    for name in options.tools.split(","):
        package = TOOLS[name][0]
        if find_spec(package) is None:
            print(f"{name:11} absent: {package} is not installed")
            continue
        tallies[name] = tally(name, numbers, options.seeds, options.workers)
        print(tallies[name].row(name), flush=True)
    if len(tallies) > 1:
        shared = set.intersection(*(made.answered() for made in tallies.values()))
        print(f"\namong the {len(shared)} that every tool answered\n{HEAD}")
        print(*(made.row(name, shared) for name, made in tallies.items()), sep="\n")
    for name, made in tallies.items():
        if name == "gradcheck" or options.failures:
            failures = made.failures()
            print(f"\n{name}: {len(failures)} decided otherwise", *failures, sep="\n  ", flush=True)
    if options.profiles and "gradcheck" in tallies:
        print("", *profile_lines(numbers, options.profiles.split(",")), sep="\n")
    if options.certified:
        print("", certified_line(numbers, options.workers), sep="\n")
    return int(bool(tallies.get("gradcheck", Tally()).failures()))


if __name__ == "__main__":
    sys.exit(main())
