"""Worker processes: each checks one operator at a time, so that what a subject does to its process ends with it.

A subject may print, hang, exit, or take its process down.  In a worker, what is printed goes to a file; the time limit
stops it softly from inside (``engine.containment``), and where it does not react the parent kills the process and starts
another; a process that died is a finding.  Whatever happens, the parent gets one record per task; only a process that
cannot even load gradcheck ends the run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from gradcheck.errors import RecordError, UsageError
from gradcheck.records import Finding, Record, Severity, Status, Verdict

GRACE = 10.0
"""Seconds between the time limit and the end of a process that did not react to it."""

PRINTED = 65_536
"""Characters of a subject's output that are kept per operator: the last ones."""

ENDED = ("GC124", "GC125")
"""Findings that say how a check ended before its time."""

READY = b"ready"
"""What a process says when it has loaded gradcheck."""

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""One thread per process: the processes share the processors, and sums must not depend on how they are divided."""


@dataclass(frozen=True, slots=True)
class Task:
    """One operator or exhibit of one subject; ``load`` is the name by which ``subjects.load`` finds it, ``name`` its own."""

    load: str
    name: str
    operator: str
    profile: str
    seed: int
    limit: float | None


@dataclass(frozen=True, slots=True)
class Done:
    """The record of a task, and what the code under test printed meanwhile."""

    record: Record
    printed: str


def check(task: Task, kept: Path | None = None) -> Record:
    """Check one operator, or one exhibit, of one subject, in this process; ``kept`` is the file of its journal."""
    from gradcheck import catalogue, subjects
    from gradcheck.engine.exhibits import check_exhibit
    from gradcheck.engine.verify import verify_operator

    tested = subjects.load(task.load)
    if kept is not None:
        from gradcheck.cli import journal

        tested = journal.Journalled(tested, journal.Journal(kept))
    options: Any = {"profile": task.profile, "seed": task.seed, "limit": task.limit}
    if task.operator in catalogue.operators():
        record = verify_operator(tested, catalogue.operator(task.operator), **options)
    else:
        record = check_exhibit(tested, task.operator, **options)
    record = replace(record, subject=task.name)  # a subject may call itself otherwise from one time to the next
    if kept is not None:
        record = _with_last_call(record, kept)
    # The page's snippet has to load the subject by the name it was asked for.
    return record if task.load == task.name else replace(record, claim={**record.claim, "load": task.load})


def _with_last_call(record: Record, kept: Path) -> Record:
    """The record with the call that was being made when the process ended or its time was over."""
    from gradcheck.cli import journal

    if not any(finding.code in ENDED for finding in record.findings):
        return record
    call = journal.last_call(kept)
    ended = [journal.with_call(finding, call) if finding.code in ENDED else finding for finding in record.findings]
    return replace(record, findings=tuple(ended))


def checked(tasks: Sequence[Task], jobs: int, scratch: Path) -> Generator[Done]:
    """The records of the tasks as they are ready, from so many processes; ``scratch`` is a directory for their output."""
    waiting = deque(tasks)
    with contextlib.ExitStack() as stack:
        workers = [_Worker(scratch / str(k)) for k in range(min(jobs, len(tasks)))]
        for worker in workers:
            stack.callback(worker.stop)
        for worker in workers:
            worker.begin(waiting.popleft())
        while busy := [worker for worker in workers if worker.task is not None]:
            left = min(worker.left for worker in busy)
            wait([handle for worker in busy for handle in worker.handles], timeout=max(0.0, left))
            for worker in busy:
                done = worker.result()
                if done is None:
                    continue
                if waiting:
                    worker.begin(waiting.popleft())
                yield done


class _Worker:
    """The parent's side of one process."""

    def __init__(self, output: Path) -> None:
        self.output, self.read = output, 0
        self.kept = output.with_suffix(".journal")
        self.task: Task | None = None
        self.begun = 0.0
        self.ready = False
        self.process: Any = None
        self.connection: Connection[Any, Any]

    def begin(self, task: Task) -> None:
        """Give the process its next task; start one if there is none."""
        if self.process is None:
            self._start()
        self.task, self.begun = task, time.monotonic()
        with contextlib.suppress(OSError):  # it died meanwhile: ``result`` says so
            self.connection.send(task)

    def _start(self) -> None:
        # spawn, not fork: forking a process with threads (BLAS, progress bar) may deadlock.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, str(self.output), str(self.kept)))
        self.ready = False
        with _single_threaded():
            process.start()
        self.process = process  # not before: what could not be started cannot be stopped
        theirs.close()

    @property
    def handles(self) -> list[Any]:
        """What becomes ready when there is something to see."""
        return [self.connection, self.process.sentinel]

    @property
    def left(self) -> float:
        """Seconds until the process is killed."""
        assert self.task is not None
        return float("inf") if self.task.limit is None else self.begun + self.task.limit + GRACE - time.monotonic()

    def result(self) -> Done | None:
        """What came of the task, if it is over: its record, or a record of how the process ended.

        Raises UsageError for a process that ended before it could begin.
        """
        assert self.task is not None
        record: Record | None = None
        closed = False
        try:
            if self.connection.poll():
                content = self.connection.recv_bytes()
                if content == READY:
                    self.ready, self.begun = True, time.monotonic()
                    return None
                record = _decoded(content)
        except (EOFError, OSError):
            closed = True
        if record is None:
            alive = self.process.is_alive()  # before the second look: what has ended can say no more
            if not closed and (self.connection.poll() or (alive and self.left > 0)):
                return None
            if closed and self.left > 0:
                self.process.join(1.0)  # it is about to end
            late = self.left <= 0
            self.stop()
            printed = self._printed()
            last = (printed.strip().splitlines() or [""])[-1]
            if not self.ready:
                raise UsageError(f"a worker process cannot be started ({last or 'it said nothing'}); mend that first")
            record = killed(self.task) if late else died(self.task, self.code, last)
            record = _with_last_call(record, self.kept)
        else:
            printed = self._printed()
        self.task = None
        return Done(record, printed)

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.code = self.process.exitcode
            self.connection.close()
            self.process = None

    code: int | None = None

    def _printed(self) -> str:
        try:
            with open(self.output, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self.read, size - PRINTED))
                text, self.read = file.read(), size
        except OSError:
            return ""
        return text.decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def _single_threaded() -> Generator[None]:
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update({name: value or "1" for name, value in before.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]


def died(task: Task, code: int | None, last: str) -> Record:
    """The record of an operator whose process ended by itself; ``last`` is the last line that it wrote."""
    how = f"was ended by {_signal(-code)}" if code is not None and code < 0 else f"exited with code {code}"
    words = f', after "{last[:300]}"' if last else ""
    finding = Finding(
        code="GC125",
        severity=Severity.CONTRACT,
        argument="*",
        message=f"the process in which the subject ran {how}{words}; nothing else is known of this operator",
    )
    return _without_more(task, finding, Verdict.CONTRACT, Status.FAIL)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def killed(task: Task) -> Record:
    """The record of an operator that did not react to its time limit."""
    from gradcheck.engine.verify import stop_finding

    finding = stop_finding(task.limit or 0.0, "in code that did not react, so that its process had to be ended")
    return _without_more(task, finding, Verdict.STOPPED, Status.INCONCLUSIVE)


def _without_more(task: Task, finding: Finding, verdict: Verdict, status: Status) -> Record:
    from gradcheck import catalogue
    from gradcheck.engine.definition import words

    known = catalogue.operators()  # an exhibit is not among them
    claim = dict(words(known[task.operator])) if task.operator in known else {"exhibit": task.operator}
    return Record(
        operator=task.operator,
        subject=task.name,
        verdict=verdict,
        status=status,
        findings=(finding,),
        untested=("everything: the check did not come to its end",),
        claim=claim if task.load == task.name else {**claim, "load": task.load},
        seed=task.seed,
    )


def _work(connection: Connection[Any, Any], output: str, kept: str) -> None:
    """The life of a worker process: tasks in, records out, everything else to the output file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    _divert(output)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    import gradcheck.engine.verify  # what fails here is gradcheck's or the installation's, and no subject's

    connection.send_bytes(READY)
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            record = check(task, Path(kept))
        except Exception as error:
            traceback.print_exc()
            record = _without_more(
                task, gradcheck.engine.verify.own_failure(error), Verdict.STOPPED, Status.INCONCLUSIVE
            )
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send_bytes(line(record))


def _divert(output: str) -> None:
    """Both output streams to the file, also for what is not written through Python; input is empty."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(here, there)
    os.close(file)
    os.close(nothing)


def _leave_with(sentinel: int) -> None:
    """A parent that was killed leaves no worker behind, whatever it is doing."""
    wait([sentinel])
    os._exit(1)


def line(record: Record) -> bytes:
    """The record as its line of the records file, without what has no exact form in one (a user's objects)."""
    from gradcheck.records_io import encode_line

    try:
        return encode_line(record)
    except RecordError:
        return encode_line(replace(record, findings=tuple(map(_plain, record.findings))))


def _decoded(content: bytes) -> Record:
    from gradcheck.records_io import decode_line

    record = decode_line(content)
    assert isinstance(record, Record)
    return record


def _plain(finding: Finding) -> Finding:
    from gradcheck.records_io import encode_line

    for candidate in (finding, replace(finding, kwargs={}), replace(finding, kwargs={}, point=None)):
        lone = Record(operator="", subject="", verdict=Verdict.WRONG, status=Status.FAIL, findings=(candidate,))
        with contextlib.suppress(RecordError):
            encode_line(lone)
            return candidate
    return replace(finding, kwargs={}, point=None, got=None, expected=None, bound=None)
