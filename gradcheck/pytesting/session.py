"""A pytest run as a whole: records of all tests, whatever process they ran in, and what is written of them at the end."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradcheck.pytesting.known import Known
    from gradcheck.records import Record

PEERS = ("numpy", "scipy", "hypothesis", "ml_dtypes")
COLLECTED = "gradcheck_collected"


@dataclass(slots=True)
class Session:
    """One process's view of the run: collects, and in the controller writes."""

    config: pytest.Config
    directory: Path | None
    known: Known | None
    pin: bool
    kept: dict[tuple[str, str], tuple[Record, bool]] = field(default_factory=dict)
    """(test, name of the record) to the record, and whether it was asserted."""
    failed: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, config: pytest.Config, directory: Path | None, file: Path | None, pin: bool) -> Session:
        """A session that hears of every report.  Raises UsageError for a file of known failures that cannot be read."""
        found = None
        if file is not None:
            from gradcheck.pytesting import known  # NumPy comes with it: not where there is nothing to read

            found = known.read(file, absent=pin)
        session = cls(config, directory, found, pin)
        config.pluginmanager.register(session, "gradcheck-session")
        return session

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes: no worker of pytest-xdist."""
        return not hasattr(self.config, "workerinput")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All tests that there are, also those that will be deselected."""
        self.collected.update(item.nodeid for item in items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist ended: it has collected what the controller has not."""
        self.collected.update(getattr(node, "workeroutput", {}).get(COLLECTED, ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Records of a test, and how it ended."""
        if not self.writes:
            return
        for item in getattr(report, "gradcheck", ()):
            from gradcheck.records_io import decode_line

            record: Any = decode_line(item["record"].encode())
            self.kept[item["test"], record.operator] = record, item["asserted"]
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when == "call" and (report.passed or hasattr(report, "wasxfail")):
            self.passed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what is to be written; a stale entry among the known failures fails the run."""
        if not self.writes:
            self.config.workeroutput[COLLECTED] = sorted(self.collected)  # type: ignore[attr-defined]  # xdist's
            return
        if self.config.getoption("collectonly"):
            return
        kept = [(test, *self.kept[test, name]) for test, name in sorted(self.kept, key=_order)]
        records = [record for _, record, _ in kept]
        if self.directory is not None and not records:
            self.said.append(f"no gradient was checked, and nothing is written into {self.directory}")
        elif self.directory is not None:
            try:
                self._report(records, self.directory)
            except OSError as error:
                self.said.append(f"--gradcheck-report {self.directory}: it cannot be written to ({error})")
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.known is not None and self.known.path is not None:
            self._known(session, [(test, record) for test, record, asserted in kept if asserted], self.known)
        if not records:
            return
        from gradcheck import machine_formats

        if os.environ.get("GITHUB_ACTIONS"):
            wrong = [record for test, record, asserted in kept if asserted and test in self.failed]
            self.said += machine_formats.commands(wrong)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(summary, "a", encoding="utf-8") as file:
                file.write(machine_formats.markdown(records))

    def _known(self, session: pytest.Session, asserted: list[tuple[str, Record]], listed: Known) -> None:
        """Write the failures into the file of known ones, or say which of those in it are stale."""
        from gradcheck.pytesting import known

        assert listed.path is not None
        gone = {entry.test for entry in listed.entries if self._gone(entry.test)}
        if self.pin:
            count = known.write(listed.path, asserted, listed, self.passed | self.failed, gone)
            self.said.append(f"{count} failure{'s' * (count != 1)} pinned in {listed.path}")
            return
        made = {(test, known.call_of(record, test)) for test, record in asserted}
        stale = known.stale(listed, made, self.passed, gone)
        self.said += stale
        if stale and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _gone(self, test: str) -> bool:
        """Whether there is no such test any more, as far as this run can tell: single tests were not asked for."""
        file = test.partition("::")[0]
        if not (self.config.rootpath / file).exists():
            return True
        whole = not any("::" in argument for argument in self.config.args)
        return whole and file in {name.partition("::")[0] for name in self.collected} and test not in self.collected

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What was written, and what is stale; annotations stand at the beginning of their lines."""
        if self.said and self.writes:
            terminalreporter.section("gradcheck")
            for line in self.said:
                terminalreporter.write_line(line)

    def _report(self, records: list[Record], directory: Path) -> None:
        """Records and pages; the same tests give the same bytes, in one process or in several."""
        import hashlib
        import platform
        from importlib import metadata

        from gradcheck import report
        from gradcheck.cli import version
        from gradcheck.cli.workers import line
        from gradcheck.pytest_plugin import SETTINGS
        from gradcheck.records import Footer, Header, Status
        from gradcheck.records_io import Writer, read
        from gradcheck.report import history

        settings = self.config.stash[SETTINGS]
        digest = hashlib.sha256(b"".join(map(line, records))).hexdigest()
        header = Header(
            run=digest[:8],
            planned=tuple((record.subject, record.operator) for record in records),
            profile=self.config.getoption("--gradcheck-profile") or settings.profile or "default",
            seed=self.config.getoption("--gradcheck-seed") or settings.seed or 0,
            versions={"gradcheck": version(), "python": platform.python_version()}
            | {name: metadata.version(name) for name in (*PEERS, "pytest")},
            environment={"platform": platform.system(), "machine": platform.machine(), "byteorder": sys.byteorder},
            command="pytest",
        )
        history.remember(directory / "records.jsonl")
        with Writer(directory / "records.jsonl") as writer:
            writer.header(header)
            for record in records:
                writer.record(record)
            failed = sum(record.status is not Status.PASS for record in records)
            writer.footer(Footer(records=len(records), failed=failed, seconds=0.0))
        index = report.build(read(directory / "records.jsonl"), directory)[0]
        self.said.append(f"pages  {index}")


def _order(key: tuple[str, str]) -> tuple[str, int]:
    """By test, then by the number of the call, which stands behind its name."""
    test, name = key
    return test, int(name.removeprefix(test).removeprefix(" #") or 1)
