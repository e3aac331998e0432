"""The README tells the truth: its example prints what it says, and its commands exist.

``python -m tests.test_readme`` writes the present output into the README.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gradcheck import catalogue, cli

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"<!-- output: (?P<name>[\w-]+) -->\n```text\n(?P<text>.*?)```\n<!-- end -->", re.DOTALL)


def printed() -> str:
    """What the first example of the README prints, run as a file of its own."""
    source = re.search(r"```python\n(import numpy.*?)```", README.read_text(), re.DOTALL)
    assert source
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "readme.py"
        path.write_text(source[1])
        return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True).stdout


def masked(text: str) -> list[str]:
    """The lines, with every number replaced that depends on how much was looked at, or on the last digits of sums.

    The case itself, its entries, got and expected are compared as they are.
    """
    head, _, tail = text.partition("  evidence")
    head = re.sub(r"bound \S+", "bound #", head)
    return [*head.splitlines(), *re.sub(r"\d[\d.e+-]*", "#", tail).splitlines()]


def test_the_example_prints_what_the_readme_says() -> None:
    [block] = BLOCK.finditer(README.read_text())
    assert masked(block["text"]) == masked(printed()), "python -m tests.test_readme writes the present output"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    parts = [part for block in blocks for line in block.splitlines() for part in line.split("&&")]
    return [part.split("#")[0].strip().removeprefix(".venv/bin/") for part in parts if "gradcheck " in part]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_readme_exists(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "gradcheck"
    function, bound, _ = cli.app.parse_args(arguments, exit_on_error=False, print_error=False)
    assert callable(function)
    if "operators" in bound.arguments:
        assert catalogue.select(bound.arguments["operators"])


def test_every_option_of_run_is_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    cli.execute(["run", "--help"])
    said = capsys.readouterr().out
    for option in ("--operators", "--profile", "--seed", "--out", "--resume", "--jobs", "--time-limit"):
        assert option in said


if __name__ == "__main__":
    text = README.read_text()
    README.write_text(BLOCK.sub(lambda m: m[0].replace(m["text"], printed()), text))
