"""From records to what a person reads: pages, terminal text, snippets.  Everything here is made from records,
and from the certificates of provers beside them, alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.report.snippet import snippet as snippet
from gradcheck.report.terminal import describe as describe

if TYPE_CHECKING:
    from gradcheck.records_io import Run


def build(run: Run, out_dir: Path, *, previous: Run | None = None) -> list[Path]:
    """Write ``index.html`` and one page per (subject, operator) into ``out_dir``; the paths, the index first.

    What changed is said since ``previous``, or else since the last earlier run that is kept in ``out_dir/history``; what is
    proved is read from the certificates in ``out_dir/proofs``.
    """
    from gradcheck.report.render import build as write  # templates are heavy; terminal text does not need them

    return write(run, out_dir, previous=previous)


def single_file(run: Run, path: Path, *, previous: Run | None = None) -> Path:
    """Write the whole report as one file that needs nothing else."""
    from gradcheck.report.render import single_file as write

    return write(run, path, previous=previous)
