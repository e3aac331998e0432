"""What ``gradcheck run --format`` writes, from the records file that the run left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gradcheck import machine_formats
from gradcheck.records_io import read


def write(form: str, records: Path, output: Path | None) -> None:
    """To ``output``, or to standard output; ``github`` also adds to the job summary where GitHub asks for one."""
    run = read(records)
    content = machine_formats.FORMATS[form](run).encode("utf-8", "backslashreplace")
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    if form == "github" and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(machine_formats.markdown(run.records))
