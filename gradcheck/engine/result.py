"""What ``check`` returns: a record, seen as an answer."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck.errors import GradientError
from gradcheck.records import Finding, Record, Status, Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one check; ``str(result)`` is the terminal text."""

    record: Record

    @property
    def ok(self) -> bool:
        """False when a finding is wrong, contract or conflict, or an argument has no decided entry at the given point."""
        return self.record.status is Status.PASS

    @property
    def status(self) -> Status:
        """``pass``, ``fail`` or ``inconclusive``."""
        return self.record.status

    @property
    def verdict(self) -> Verdict:
        """What was found out; its ``str`` is a sentence."""
        return self.record.verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is not as it should be, worst first."""
        return self.record.findings

    @property
    def certificate(self) -> str:
        """The smallest single-entry error that the probes actually used would have caught, per argument."""
        return self.record.certificate

    @property
    def untested(self) -> tuple[str, ...]:
        """What was not looked at; said on every pass, too."""
        return self.record.untested

    @property
    def recognised(self) -> str:
        """What the code under test was taken for, in words."""
        return self.record.claim.get("recognised", "")

    @property
    def seed(self) -> int:
        """The seed that repeats this check."""
        return self.record.seed

    def raise_for_failure(self) -> None:
        """Raise ``GradientError`` if the result is not ok."""
        if not self.ok:
            raise GradientError(self)

    def __str__(self) -> str:
        from gradcheck.report.terminal import describe

        return describe(self.record)
