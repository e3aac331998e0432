"""The command line: a thin shell over the engine.

Exit codes, the same as pytest's where they mean the same: 0 all is well, 1 some gradient is not ok, 2 interrupted,
3 not reproduced (``replay`` alone), 4 wrong usage.

Heavy modules are imported by the command that needs them, so that ``--help`` is instant.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import cyclopts
from cyclopts import App, Parameter, Token

from gradcheck.errors import RecordError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

OK, NOT_OK, INTERRUPTED, WRONG_USAGE = 0, 1, 2, 4

RECORDS = "records.jsonl"
"""The records file in the directory of a run."""

Profile = Literal["quick", "default", "thorough"]
Shell = Literal["bash", "zsh", "fish"]
Format = Literal["json", "junit", "github", "sarif"]


def version() -> str:
    """The installed version of gradcheck."""
    from importlib import metadata

    try:
        return metadata.version("gradcheck")
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return "0+source"


app = App(
    name="gradcheck",
    help="Is this the derivative of that, and how do you know?",
    help_epilogue="First steps: `gradcheck demo`, then `gradcheck run YOUR_MODULE:YOUR_SUBJECT`. Exit codes: 0 all is well, 1 some "
    "gradient is not ok, 2 interrupted, 3 not reproduced, 4 wrong usage.",
    version=version,
    result_action="return_value",
)


def _whole(kind: object, tokens: Sequence[Token]) -> int:
    """An integer, as it is written: 0.5 processes are not rounded to none."""
    return int(tokens[0].value)


Whole = Parameter(converter=_whole)

Switch = Annotated[bool, Parameter(negative=(), show_default=False)]
"""An option that is given or not."""


@app.command
def run(
    subjects: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,
    /,
    *,
    operators: str | None = None,
    profile: Profile | None = None,
    seed: Annotated[int | None, Whole] = None,
    out: Path | None = None,
    resume: Switch = False,
    jobs: Annotated[int | None, Whole] = None,
    time_limit: float | None = None,
    isolate: bool | None = None,
    memory: float | None = None,
    format_: Annotated[Format | None, Parameter(name="--format")] = None,
    format_output: Path | None = None,
) -> int:
    """Check implementations against the catalogue, write records and pages.

    What is not said here is taken from GRADCHECK_* in the environment (GRADCHECK_PROFILE, GRADCHECK_TIME_LIMIT), or
    else from [tool.gradcheck] in pyproject.toml (profile, time-limit), or else is as stated.

    Example: gradcheck run autograd mine.ops:Backend --operators 'log*,softmax' --profile quick

    Parameters
    ----------
    subjects
        Implementations under test; none means the project's own reference networks and rules.
    operators
        Shell-style patterns of operator names, separated by commas; also of what a subject brings of its own,
        such as net:* and thread:* of the reference subject.  Default: all.
    profile
        How much is looked at: quick, default or thorough.  Default: default.
    seed
        Seed of every random draw; the same seed repeats the run.  Default 0.
    out
        Directory for records.jsonl and the pages.  Default: reports.
    resume
        Continue the records file in OUT that an earlier run left incomplete.
    jobs
        Worker processes; 0 takes one per processor.  Default: 0.
    time_limit
        Seconds per operator, after which it is stopped and recorded as such; 0 for no limit.
        Default 120, 600 or 7200, by profile.
    isolate
        Ask each subject in a process of its own, which it cannot take the run down with.
    memory
        Gibibytes of address space that the process of a subject may take, with --isolate; 0 for no limit.  Default: 0.
    format_
        Also write the result for machines: json, junit, github (annotations) or sarif (2.1.0).  On standard output, and
        then what people read is on standard error.
    format_output
        File for that instead of standard output.
    """
    from gradcheck import config
    from gradcheck.cli import peers, running

    if jobs is not None and jobs < 0:
        raise UsageError(f"--jobs {jobs}: give a number of processes, or 0 for one per processor")
    if seed is not None and seed < 0:
        raise UsageError(f"--seed {seed}: give an integer that is not negative")
    if time_limit is not None and not 0 <= time_limit < config.LONGEST:
        raise UsageError(f"--time-limit {time_limit:g}: give a number of seconds, or 0 for no limit")
    if memory is not None and not 0 <= memory < config.LARGEST:
        raise UsageError(f"--memory {memory:g}: give a number of gibibytes, or 0 for no limit")
    settings = config.load()
    _find_subjects()
    names = subjects or list(settings.subjects or ["reference"])
    alone = _first(isolate, settings.isolate, False)
    if memory and not alone:
        raise UsageError(f"--memory {memory:g}: only a process of its own can be limited; add --isolate")
    out = _first(out, settings.out, Path("reports"))
    request = running.Request(
        subjects=peers.isolating(names, _first(memory, settings.memory, 0.0)) if alone else names,
        operators=_first(operators, settings.operators, "*"),
        profile=_first(profile, settings.profile, None),
        seed=_first(seed, settings.seed, None),
        out=out,
        resume=resume,
        jobs=_first(jobs, settings.jobs, 0),
        limit=_first(time_limit, settings.time_limit, None),
        settings=settings.sources,
    )
    chosen = _first(format_, settings.format, None)
    if format_output is not None and chosen is None:
        raise UsageError(f"--format-output {format_output}: name a --format, one of {', '.join(config.FORMATS)}")
    with _writing(out):
        code = running.run(request, version(), _console(stderr=chosen is not None and format_output is None))
    if chosen is not None:
        from gradcheck.cli.machines import write

        with _writing(format_output or Path("-"), "--format-output"):
            write(chosen, out / RECORDS, format_output)
    return code


def _first(*values: Any) -> Any:
    """The first that is said: option, environment or file, default."""
    return next((value for value in values if value is not None), None)


def _find_subjects() -> None:
    """A subject of one's own is found from where one stands, as by `python -m`."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


@app.command(name="list")
def list_(name: str = "*", /) -> int:
    """List the operators of the catalogue, one a line, or explain one of them.

    Examples: gradcheck list 'conv*,*pool*'; gradcheck list softmax

    Parameters
    ----------
    name
        An operator, to explain it; or shell-style patterns, separated by commas, to list what matches.
    """
    from gradcheck.cli.listing import listing

    console = _console()
    console.print("\n".join(listing(name, header=console.is_terminal)))
    return OK


@app.command
def report(file: Path, /, *, out: Path | None = None, single_file: Switch = False) -> int:
    """Build the pages from a records file again, complete or not.

    Example: gradcheck report reports/records.jsonl --out /tmp/pages

    Parameters
    ----------
    file
        The records file of a run.
    out
        Directory for the pages; default the directory of FILE.
    single_file
        Write everything into one file, report.html in that directory, that can be sent around, instead of pages.
    """
    from gradcheck.cli import running
    from gradcheck.records_io import read

    directory = file.parent if out is None else out
    found = read(file)
    console = _console()
    for problem in found.problems:
        console.print(f"problem  {problem}")
    if not found.complete:
        console.print(f"The run is incomplete: {len(found.missing)} of {len(found.header.planned)} pairs are missing.")
    with _writing(directory):
        running.close(found, directory, console, single=single_file)
    return OK


@app.command
def replay(
    id_: Annotated[str, Parameter(name="ID")], /, *, records: Path | None = None, time_limit: float = 60.0
) -> int:
    """Run the counterexample of one finding again, bit for bit, from its record alone.

    The subject is loaded anew, in a process of its own.  Exit code 0: reproduced.  1: changed, the case still fails but
    otherwise.  3: not reproduced.  4: there is no such finding, or the subject cannot be loaded.

    Example: gradcheck replay 7f3a91

    Parameters
    ----------
    id_
        The name of the finding, 12 hexadecimal digits, as it stands on its page; a beginning is enough if it is unique.
    records
        The records file that has it.  Default: records.jsonl in reports, or in the directory that the settings name.
    time_limit
        Seconds until the case is stopped; 0 for no limit.
    """
    from gradcheck import config
    from gradcheck.cli import replaying

    if not 0 <= time_limit < config.LONGEST:
        raise UsageError(f"--time-limit {time_limit:g}: give a number of seconds, or 0 for no limit")
    _find_subjects()
    file = records or (config.load().out or Path("reports")) / RECORDS
    return replaying.replay(id_, file, time_limit, _console())


@app.command
def diff(old: Path, new: Path | None = None, /) -> int:
    """Say what changed from one run to another: newly wrong, newly right, changed digits, what came and what went.

    Exit code 1 if something is newly wrong.  Examples: gradcheck diff reports; gradcheck diff main/records.jsonl reports

    Parameters
    ----------
    old
        Records file of the earlier run, or its directory; the only one that is named is compared with the run before it,
        which `gradcheck run` keeps in history beside the pages.
    new
        Records file of the later run, or its directory.
    """
    from gradcheck.cli import diffing

    return diffing.diff(old, new, _console())


@app.command
def completion(shell: Shell, /) -> int:
    """Print the completion script for a shell: commands, options and their choices.

    bash: gradcheck completion bash > ~/.local/share/bash-completion/completions/gradcheck.  zsh: gradcheck completion zsh >
    a directory of fpath, as _gradcheck.  fish: gradcheck completion fish > ~/.config/fish/completions/gradcheck.fish.

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    print(app.generate_completion(prog_name="gradcheck", shell=shell), end="")
    return OK


@app.command
def demo(*, out: Path = Path("reports/demo")) -> int:
    """Two minutes for a new user: plant well-known mistakes into the reference rules, find them, and write the report.

    Takes less than half a minute.  Exit code 0 if every mistake was found.

    Parameters
    ----------
    out
        Directory for records.jsonl and the pages.
    """
    from gradcheck.cli import demonstration

    with _writing(out):
        return demonstration.demo(out, version(), _console())


@contextlib.contextmanager
def _writing(out: Path, option: str = "--out") -> Iterator[None]:
    """A file that cannot be written is a matter of the option that named its directory."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        mend = "name another directory" if option == "--out" else "name another file"
        raise UsageError(f"{option} {out}: it cannot be written to ({what}); {mend}") from error


@app.command
def prove(
    names: Annotated[list[str] | None, Parameter(negative_iterable=())] = None,
    /,
    *,
    above: float | None = None,
    at: str | None = None,
    below: float | None = None,
    box: Annotated[tuple[float, float] | None, Parameter(negative=())] = None,
    coq: Switch = False,
    eps: float | None = None,
    exhaustive: Switch = False,
    float32: str | None = None,
    graphs: Switch = False,
    output: Path = Path("reports/proofs"),
    recheck: Path | None = None,
    subject: str | None = None,
    tape: str | None = None,
    time_limit: float = 15.0,
    vertices: int = 6,
) -> int:
    """Prove reference rules, of entrywise operators for all reals and of others at small shapes, or check again what was proved.

    The pages of later runs show what the certificates beside them say, and say so where a text has changed since.

    Examples: gradcheck prove 'log*,softmax'; gradcheck prove --recheck reports/proofs; gradcheck prove sigmoid --box -8 8 --above 0

    Parameters
    ----------
    names
        Operators or shell-style patterns; none means all.
    above
        With --box: prove that the derivative is greater than this all over it.
    at
        With --tape: the inputs of the run, between commas; with fractions such as 2/3,-1 the gradient is claimed exactly.
    below
        With --box: prove that the derivative is at most this all over it.
    box
        Two ends: prove on this interval, for all its points, by Taylor models; say what with --eps, or --above and --below.
    coq
        Compile the Coq theorems of a checkout instead and hold their axioms against those stated; needs coqc.
    eps
        With --box: prove that the rule is at most this far from the derivative.
    exhaustive
        Run unary operators on every float16 and bfloat16 number instead, against correctly rounded derivatives.
    float32
        Run this unary operator on every float32 number instead, a quarter of an hour for exp and more for others;
        the same command goes on where it stopped.
    graphs
        Run reverse accumulation on all small graphs and all short programs instead, with indeterminate weights.
    output
        Directory for the certificates, one JSON file per operator.
    recheck
        Check the certificates in this directory again instead.
    subject
        With --exhaustive: run the vjps of this subject (torch, mine.ops:Backend) in place of the reference rules; with --recheck: check
        what was measured of it, too.
    tape
        Run this package.module:function of single numbers --at some instead, and write its tape with its gradient as a Coq file, in which
        coqc recomputes the gradient.
    time_limit
        Seconds of the processor's time for one choice of an operator's parameters, after which it is unknown; of a subject, seconds
        for one answer.
    vertices
        With --graphs: 6, or 7 for all graphs of seven ordered vertices too, at random numbers modulo a prime, which takes minutes.
    """
    from gradcheck.cli import every_input, proving, rechecking, taping

    if not 0 < time_limit < 1e9:  # beyond that a timer overflows
        raise UsageError(f"--time-limit {time_limit:g}: give a number of seconds")
    if (names or []) and (coq or recheck or float32 or graphs or tape):
        raise UsageError(
            "prove: names choose operators to prove; --coq, --graphs, --recheck and --tape take none, and --float32 its own"
        )
    if vertices not in (6, 7) or (vertices == 7 and not graphs):
        raise UsageError(f"--vertices {vertices}: give 6 or 7, with --graphs")
    if (tape is None) != (at is None):
        raise UsageError("prove: --tape and --at go together, such as --tape package.module:function --at 0.5,2")
    if subject is not None and not exhaustive and recheck is None:
        raise UsageError(f"--subject {subject}: give it with --exhaustive, or --recheck; proofs are of reference rules")
    claim = proving.box_claim(box, eps, above, below)
    if box is not None and (coq or exhaustive or float32 or graphs or recheck or tape):
        raise UsageError("prove --box: give it without --coq, --exhaustive, --float32, --graphs, --recheck and --tape")
    if coq:
        return proving.coq(_console())
    if recheck is not None:
        return rechecking.recheck(_console(), recheck, time_limit, subject=subject)
    with _writing(output):
        if box is not None and claim is not None:
            return proving.box(_console(), names or [], output, box, claim)
        if graphs:
            tasks = (*proving.GRAPHS, *([proving.SEVEN] if vertices == 7 else []))
            return proving.graphs(_console(), output, tasks=tasks)
        if tape is not None and at is not None:
            return taping.tape(_console(), tape, at, output)
        if float32 is not None:
            return proving.float32(_console(), float32, output)
        if exhaustive:
            return every_input.exhaustive(_console(), names or [], output, subject, time_limit)
        return proving.prove(_console(), names or [], output, time_limit)


app.command(
    "gradcheck.cli.peers:app",
    name="peer",
    help="Help those who write a peer: a subject in another process or language.",
)


@app.command(name="version")
def version_() -> int:
    """Print the version."""
    print(version())
    return OK


def _console(*, stderr: bool = False) -> Console:
    from gradcheck.cli.consoles import Plain

    # Names come from the code under test: no markup in them, no highlighting, no wrapping of long lines.
    return Plain(markup=False, highlight=False, emoji=False, soft_wrap=True, stderr=stderr)


def busy(console: Console, words: str) -> contextlib.AbstractContextManager[object]:
    """Something that moves on a terminal while one step of unknown length is taken; nothing elsewhere."""
    return console.status(words) if console.is_terminal else contextlib.nullcontext()


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: exits the process."""
    sys.exit(execute(arguments))


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        result = app(arguments, exit_on_error=False, print_error=True)
    except cyclopts.CycloptsError:
        return WRONG_USAGE
    except (UsageError, RecordError) as error:
        print(f"gradcheck: {error}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:  # nobody reads on, as with `| head`
        return INTERRUPTED
    except KeyboardInterrupt:
        print("gradcheck: interrupted", file=sys.stderr)
        return INTERRUPTED
    return result if isinstance(result, int) else OK
