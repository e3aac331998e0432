"""From records to what a person reads: pages, terminal text, snippets.  Everything here is made from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.report.snippet import snippet as snippet
from gradcheck.report.terminal import describe as describe

if TYPE_CHECKING:
    from gradcheck.records_io import Run


def build(run: Run, out_dir: Path) -> list[Path]:
    """Write ``index.html`` and one page per (subject, operator) into ``out_dir``; the paths, the index first."""
    from gradcheck.report.render import build as write  # pictures and templates are heavy; terminal text needs neither

    return write(run, out_dir)
