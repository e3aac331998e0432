"""``gradcheck prove``: what holds for all inputs and all graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.cli import NOT_OK, OK
from gradcheck.proofs.coq import PROOFS, check_proofs

if TYPE_CHECKING:
    from rich.console import Console


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
