"""``gradcheck prove``: what holds for all inputs and all graphs."""

from __future__ import annotations

import json
import math
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck import catalogue
from gradcheck.cli import NOT_OK, OK
from gradcheck.errors import UsageError
from gradcheck.proofs.coq import PROOFS, check_proofs

if TYPE_CHECKING:
    from rich.console import Console

    from gradcheck.claim import Operator
    from gradcheck.proofs.boxes import Bounds
    from gradcheck.proofs.claims import Claim

LIMIT = 15.0
"""Seconds for one operator: ten times what the slowest that is proved takes, and the whole catalogue stays within minutes."""

JOBS = 2


def coq(console: Console, directory: Path = PROOFS) -> int:
    """Compile the Coq theorems and print what each file rests on.

    A run that is skipped proves nothing and says so, with the reason; it is no failure, as a skipped test is none.
    """
    report = check_proofs(directory)
    console.print(str(report))
    if report.skipped:
        console.print("Nothing was proved.")
        return OK
    return OK if report.ok else NOT_OK


def needs_sympy() -> None:
    """Say what to install where computer algebra or the solver is absent."""
    try:
        import sympy  # noqa: F401  asks whether there
        import z3  # noqa: F401  asks whether there
    except ImportError as error:
        raise UsageError("prove needs sympy and z3: pip install 'gradcheck[proofs]'") from error


def selected(names: Sequence[str]) -> list[Operator]:
    """The entrywise operators among those that the patterns name."""
    from gradcheck.proofs.claims import entrywise

    found = [operator for operator in catalogue.select(names or ["*"]) if entrywise(operator)]
    if not found:
        raise UsageError(f"prove {' '.join(names)}: none of these acts entry by entry on real numbers")
    return found


def prove(console: Console, names: Sequence[str], output: Path, limit: float = LIMIT, jobs: int = JOBS) -> int:
    """Prove rules, of entrywise operators for all reals and of others at small shapes; write a file for each and print the table."""
    needs_sympy()
    from gradcheck.proofs.claims import entrywise, write

    operators = catalogue.select(names or ["*"])
    scalar, arrays, solved = Counter[str](), Counter[str](), 0
    width = max(len(operator.name) for operator in operators)
    start = time.perf_counter()
    for operator, claims in zip(operators, in_order(_claims, [(o.name, limit) for o in operators], jobs), strict=True):
        write(claims, output)
        seconds = f"{sum(claim.seconds for claim in claims):>6.2f} s"
        if entrywise(operator):
            line, result = _scalar_line(claims, seconds)
            scalar[result] += 1
            solved += any(claim.prover == "smt" for claim in claims)
        else:
            line, result = _array_line(claims, seconds)
            arrays[result] += 1
        console.print(f"{operator.name:<{width}}  {result:<20}  {line}".rstrip())
    taken = time.perf_counter() - start
    if scalar:
        console.print(_share(scalar, taken))
        console.print(f"{solved} of them proved by SMT as well")
    if arrays:
        console.print(
            f"{sum(arrays.values())} operators on arrays: {_said(arrays)} (of the shapes of their examples), {taken:.0f} s"
        )
    console.print(f"certificates in {output}")
    return NOT_OK if scalar["refuted"] + arrays["refuted"] else OK


def _scalar_line(claims: Sequence[Claim], seconds: str) -> tuple[str, str]:
    own = [claim for claim in claims if claim.prover == "algebra"]
    worst = _worst([*own, *(claim for claim in claims if claim.result == "refuted")])
    branches = sum(len(claim.branches) for claim in own)
    also = "smt " if len(own) < len(claims) else "    "
    return f"{_how(own):<9}  {branches:>4} branches  {also} {seconds}  {worst.reason}", worst.result


def _array_line(claims: Sequence[Claim], seconds: str) -> tuple[str, str]:
    results = Counter(claim.result for claim in claims)
    almost = results["proved almost everywhere"]
    proved = results["proved"] + almost
    reason = next((claim.reason for claim in claims if claim.reason), "")
    result = (
        "refuted"
        if results["refuted"]
        else "unknown"
        if not proved
        else "proved in part"
        if proved < len(claims)
        else "proved almost everywhere"
        if almost
        else "proved"
    )
    return f"{proved:>2} of {len(claims):>2} shapes          {seconds}  {reason}", result


def _said(results: Counter[str]) -> str:
    return ", ".join(f"{result} {count}" for result, count in results.most_common())


def _share(results: Counter[str], seconds: float) -> str:
    total = sum(results.values())
    exact, near = (100 * results[one] / total for one in ("proved", "proved up to a bound"))
    share = f"proved for all reals {exact:.0f} %, up to a bound {near:.0f} % more"
    return f"{total} scalar operators: {_said(results)}; {share}, {seconds:.0f} s"


def _worst(claims: Sequence[Claim]) -> Claim:
    order = ("refuted", "unknown", "proved in part", "proved up to a bound", "proved")
    return min(claims, key=lambda claim: order.index(claim.result))


def _how(claims: Sequence[Claim]) -> str:
    """By cases where the space of inputs is cut."""
    return "cases" if any(len(claim.branches) > 1 for claim in claims) else "direct"


GRAPHS = (
    *(("ordered", n, 0) for n in range(1, 7)),
    *(("labelled", n, 0) for n in range(1, 6)),
    *(("programs", n, 1) for n in range(1, 5)),
    *(("programs", n, 2) for n in range(1, 5)),
)
"""What is enumerated: kind, size, and the number of inputs of programs."""


SEVEN = ("modulo", 7, 0)
"""Two million graphs, at one random point each: some minutes."""


def graphs(console: Console, output: Path, jobs: int = JOBS, tasks: Sequence[tuple[str, int, int]] = GRAPHS) -> int:
    """Run the reference networks' reverse accumulation on all small graphs and all short programs."""
    needs_sympy()
    from gradcheck.fingerprints import fingerprint
    from reference_nets.backprop import vjp

    rows, start = list[dict[str, Any]](), time.perf_counter()
    for found in in_order(run_enumeration, tasks, jobs):
        rows.append(found)
        said = f"REFUTED at {found['failing']}" if found["failing"] else "proved"
        console.print(f"{said}: {found['what']} ({found['count']} cases)")
    directory = output / "graphs"
    directory.mkdir(parents=True, exist_ok=True)
    record = {
        "name": "reverse accumulation",
        "texts": {"vjp": fingerprint(vjp)},
        "tool": "exact integers of Python",
        "claims": rows,
    }
    (directory / "reverse_accumulation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    wrong = sum(bool(row["failing"]) for row in rows)
    total = sum(row["count"] for row in rows)
    console.print(
        f"{total} graphs and programs, {wrong} of {len(rows)} claims refuted, {time.perf_counter() - start:.0f} s"
    )
    return NOT_OK if wrong else OK


def run_enumeration(task: tuple[str, int, int]) -> dict[str, Any]:
    """All graphs or programs of one kind and size, with the code that runs; ``task`` is kept, to be run again."""
    from gradcheck.proofs.graphs import Model, all_graphs, all_modulo, all_programs
    from reference_nets import backprop, operations
    from reference_nets.graph import Graph, Operation, Vertex

    kind, size, inputs = task
    arithmetic = (operations.add, operations.subtract, operations.multiply)
    model = Model(Operation, Vertex, Graph, backprop.vjp, arithmetic)
    if kind == "programs":
        found = all_programs(model, size, inputs)
    elif kind == "modulo":
        found = all_modulo(model, size)
    elif kind in ("ordered", "labelled"):
        found = all_graphs(model, size, ordered=kind == "ordered")
    else:
        raise UsageError(f"{kind!r} is no kind of graphs: ordered, labelled, modulo or programs")
    return {**asdict(found), "task": list(task)}


def float32(console: Console, name: str, output: Path) -> int:
    """Sweep all 2^32 float32 inputs of a unary operator's rule; a state file in the output directory lets it go on where it stopped."""
    needs_sympy()
    from gradcheck.proofs import sweep
    from gradcheck.proofs.claims import choices, tool
    from reference_nets.rules import RULES

    (operator,) = selected([name])[:1]
    if len(operator.examples[0].shapes) != 1:
        raise UsageError(f"prove --float32 {name}: it has more than a single argument")
    for number, params in enumerate(choices(operator)):
        title = operator.name + "".join(f", {k} {v}" for k, v in params.items())

        def tell(state: sweep.State, title: str = title) -> None:
            share = state.next / sweep.BLOCKS
            left = state.seconds * (1 - share) / share / 60 if share else 0.0
            console.print(f"{title}: {100 * share:.2f} %, about {left:.0f} min left; {state.sentence()}")

        path = output / "float32" / f"{operator.name}-{number}.json"
        about = {"name": operator.name, "tool": tool()}
        domain = operator.domain.of(0)
        state = sweep.sweep(operator.definition, RULES[operator.name], domain, params, path, about=about, tell=tell)
        console.print(
            f"{title}, all float32 numbers: {state.sentence()}, {state.outside} outside the domain or no finite numbers"
        )
    return OK


def box_claim(
    box: tuple[float, float] | None, eps: float | None, above: float | None, below: float | None
) -> float | Bounds | None:
    """What is to be proved on a box; ``UsageError`` where that is not said, or said of none."""
    bounded = above is not None or below is not None
    if box is None:
        if bounded or eps is not None:
            raise UsageError("prove: --eps, --above and --below speak of a --box; give it")
        return None
    if (eps is not None) == bounded:
        raise UsageError("prove --box: give either --eps, or --above and --below, or one of these two")
    if eps is not None:
        if not 0 <= eps < math.inf:
            raise UsageError(f"--eps {eps:g}: give a finite number from 0 on")
        return eps
    from gradcheck.proofs.boxes import Bounds

    ends = [end for end in (above, below) if end is not None]
    if not all(map(math.isfinite, ends)):
        raise UsageError("prove --box: --above and --below must be finite; leave one out that claims nothing")
    return Bounds(-math.inf if above is None else above, math.inf if below is None else below, strict_low=True)


def box(
    console: Console, names: Sequence[str], output: Path, interval: tuple[float, float], claim: float | Bounds
) -> int:
    """Taylor models on an interval: the rule is within ``claim`` of the derivative, or the derivative within its bounds."""
    needs_sympy()
    from gradcheck.proofs.claims import choices
    from gradcheck.proofs.intervals import on_interval
    from reference_nets.rules import RULES

    said = f"|rule - derivative| <= {claim:g}" if isinstance(claim, float) else f"derivative {claim.sentence()}"
    results, directory = list[str](), output / "boxes"
    directory.mkdir(parents=True, exist_ok=True)
    for operator in selected(names):
        if len(operator.examples[0].shapes) != 1:
            raise UsageError(f"prove --box: {operator.name} has more than a single argument")
        rows = [on_interval(operator, RULES[operator.name], each, interval, claim) for each in choices(operator)]
        for row in rows:
            title = operator.name + "".join(f", {k} {v}" for k, v in row["params"].items())
            where = f" in {list(row['failing'])}: {row['found']}" if row["failing"] else f" {row['found']}".rstrip()
            but = f" except at {', '.join(f'{cut:g}' for cut in row['except'])}" if row["except"] else ""
            held = f"{said} on [{interval[0]:g}, {interval[1]:g}]{but}"
            console.print(f"{row['result']}: {title}: {held}, {row['boxes']} boxes{where}", markup=False)
            results.append(row["result"])
        (directory / f"{operator.name}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return OK if set(results) == {"proved"} else NOT_OK


def in_order(function: Callable[[Any], Any], tasks: Sequence[Any], jobs: int) -> Iterator[Any]:
    """In order, each in one of ``jobs`` processes; in this one if that is the only one."""
    if jobs == 1 or len(tasks) == 1:
        yield from map(function, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, tasks)


def _claims(task: tuple[str, float]) -> list[Claim]:
    """The claims of one operator: for each choice of its parameters, by each prover, or for each shape."""
    from gradcheck.proofs.algebra import Shown
    from gradcheck.proofs.claims import choices, claim, entrywise, stated
    from gradcheck.proofs.provers import beyond_algebra
    from gradcheck.proofs.setting import UNKNOWN
    from reference_nets.rules import RULES

    name, limit = task
    operator, rule = catalogue.operator(name), RULES[name]
    claims = []
    for params in choices(operator) if entrywise(operator) else ():
        start = time.perf_counter()
        try:
            with limited(limit):
                found = claim(operator, rule, params)
        except TimeoutError:
            found = stated(operator, rule, params, Shown(UNKNOWN, (), (), f"no answer within {limit:g} s"))
        claims.append(replace(found, seconds=time.perf_counter() - start))
    return claims + beyond_algebra(operator, rule, choices(operator))


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises ``TimeoutError`` in the block after some seconds of the processor's time, so that a busy machine ends nothing.

    In the main thread of a process only.
    """

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)  # again, should somebody catch it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
