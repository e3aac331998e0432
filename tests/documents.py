"""Documents that run: files and commands of a Markdown page are taken out of it, and what it prints is held against the page.

A page is done in a directory of its own, from top to bottom:

* ``<!-- file: NAME -->`` before a fenced block writes it to NAME; a block that has been written before is added to its end
  with ``<!-- more: NAME -->``;
* a ``python`` block without a name is run as a file, with nothing printed that the page does not show;
* in a ``console`` block each line with ``$`` is a command; what stands under it is its output, and ``...`` alone on a line any number of
  lines.  ``<!-- exit: N -->`` before the block says with which code its last command ends (default 0).

Numbers that depend on how much was looked at, on versions or on the clock are replaced before the comparison.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

BLOCK = re.compile(
    r"(?:<!-- (?P<mark>file|more|exit): (?P<value>\S+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LANGUAGES = ("python", "console", "toml", "yaml", "json", "text", "sh")
COUNTED = ("evidence", "looked at", "decided by", "certificate", "not tested", "seed")
"""Lines of the terminal text whose numbers depend on how much was looked at."""

STARTUP = """\
import os, sys
sys.path.insert(0, os.getcwd())
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page: where its output stands in the page, and with which exit code it ends."""

    line: str
    shown: str
    start: int
    end: int
    code: int


def pages() -> list[Path]:
    """Every page of the documentation that is written by hand."""
    return sorted(path for path in DOCS.rglob("*.md") if "reference" not in path.relative_to(DOCS).parts)


def blocks(page: Path) -> Iterator[re.Match[str]]:
    """The fenced blocks of a page, in order."""
    return BLOCK.finditer(page.read_text())


def commands(match: re.Match[str]) -> list[Command]:
    """The commands of a console block with the outputs that stand under them."""
    code = int(match["value"]) if match["mark"] == "exit" else 0
    starts = [found.start() for found in re.finditer(r"^\$ ", match["text"], re.MULTILINE)]
    ends = [*starts[1:], len(match["text"])]
    found = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        line, _, shown = match["text"][start:end].partition("\n")
        offset = match.start("text") + start + len(line) + 1
        last = number == len(starts) - 1
        found.append(Command(line[2:], shown, offset, offset + len(shown), code if last else -1))
    return found


class Place:
    """A directory in which a page is done, with ``gradcheck``, ``python`` and ``pytest`` of this tree."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "page"
        self.directory.mkdir()
        tools = directory / "bin"
        tools.mkdir()
        installed = any(point.value == "gradcheck.pytest_plugin" for point in metadata.entry_points(group="pytest11"))
        plugin = "" if installed else " -p gradcheck.pytest_plugin"
        wrapped = {"python": "", "gradcheck": " -m gradcheck", "pytest": f" -m pytest -p no:cacheprovider{plugin}"}
        for name, module in wrapped.items():
            path = tools / name
            path.write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')
            path.chmod(0o755)
        # pytest does not shorten its summary where CI or BUILD_NUMBER is set; a page shows what a person sees.
        foreign = ("GRADCHECK", "GITHUB", "PYTEST", "CI", "BUILD_NUMBER")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        self.environment = kept | {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "120",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def write(self, name: str, text: str, *, more: bool) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() + "\n\n" if more else "") + text)

    def run(self, line: str) -> tuple[int, str]:
        """Exit code and output, both streams together."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout.replace(str(self.directory), "/home/you/project")

    def python(self, text: str) -> tuple[int, str]:
        (self.directory / "snippet.py").write_text(text)
        return self.run("python snippet.py")


def masked(text: str) -> str:
    """The text without what depends on the amount of work, on the last digits of sums, on versions and on the clock."""
    lines, counted = [], False
    for line in text.rstrip().splitlines():
        if line.lstrip("E ").startswith(COUNTED):
            counted = True
        elif not line.lstrip("E").startswith("          "):
            counted = False
        line = re.sub(r"bound \S+", "bound #", line)
        line = re.sub(r"(\d\.\d\d%)  .*", r"\1  #", line)  # which oracles decided hangs on the processor's exp
        line = re.sub(r"\b\d+\.\d+ ?s\b", "# s", line)
        line = re.sub(r"\b[0-9a-f]{8}\b(?=\s*$)", "#", line)  # the name of a run
        line = re.sub(r"(gradcheck|pytest|Python|hypothesis|python|xdist|pluggy)[ -]\d[\w.]*", r"\1 #", line)
        if counted:
            line = re.sub(r"\d[\d.e+-]*", "#", line)
            line = re.sub(r"#( point| evaluation)s?\b", r"#\1", line)
        lines.append(line.rstrip())
    return "\n".join(lines)


def agrees(shown: str, printed: str) -> bool:
    """Whether what was printed is what the page shows; ``...`` alone on a line stands for any lines."""
    parts = [re.escape(masked(part)) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    pattern = r"(?:.*\n)*?".join(part + ("\n" if part else "") for part in parts)
    return re.fullmatch(pattern + r"\n*", masked(printed) + "\n") is not None
