"""Earlier runs: a records file is kept before another run takes its place, and the last one is what a page is compared with.

``history/<when it was last written, in UTC>-<digest of its bytes>.jsonl``, beside the pages.  The files are the records files themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from gradcheck.errors import RecordError
from gradcheck.records_io import Run, read

FOLDER = "history"

KEPT = 20
"""Runs that are kept: some weeks of nightly ones, at a few megabytes each."""

_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}\.jsonl")


def remember(path: Path, *, kept: int = KEPT) -> Path | None:
    """Copy the records file at ``path`` into the history beside it, to be called before it is overwritten; where the copy is.

    None where there is nothing to keep: no file, or one without a whole first line.  Equal files are kept once, and the oldest beyond
    ``kept`` are removed.  Raises OSError where the folder cannot be written.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if b"\n" not in content:
        return None
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256(content).hexdigest()[:12]
    known = next((other for other in files(path.parent) if other.stem.endswith(digest)), None)
    if known is not None:
        return known
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    copy = folder / f"{written:%Y%m%dT%H%M%SZ}-{digest}.jsonl"
    partial = copy.with_suffix(".part")  # a copy that is cut short never has the name of a whole one
    partial.write_bytes(content)
    shutil.copystat(path, partial)
    partial.replace(copy)
    for old in files(path.parent)[max(1, kept) :]:
        old.unlink(missing_ok=True)
    return copy


def files(directory: Path) -> list[Path]:
    """The runs that were kept beside the pages in ``directory``, the newest first."""
    folder = directory / FOLDER
    names = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(names, reverse=True)


def previous(directory: Path, run: Run) -> Run | None:
    """The newest earlier run that has a (subject, operator) in common with ``run``; files that cannot be read are passed over."""
    wanted = set(run.header.planned)
    for path in files(directory):
        with contextlib.suppress(RecordError):
            found = read(path)
            if found.header.run != run.header.run and wanted & set(found.header.planned):
                return found
    return None
