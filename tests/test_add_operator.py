"""The README says how to add an operator: its snippets are put into a copy of the packages, and its commands run there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECTION = re.search(
    r"^## How to add an operator\n(.*?)^## ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
)
assert SECTION
RECORD, RULE = re.findall(r"```python\n(.*?)```", SECTION[1], re.DOTALL)
[CONSOLE] = re.findall(r"```console\n(.*?)```", SECTION[1], re.DOTALL)
LIST, WITNESSES, RUN = (line.removeprefix("$ ") for line in CONSOLE.splitlines())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the tests of the catalogue, without caches."""
    for name in ("gradcheck", "reference_nets", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def add(copy: Path, record: str = RECORD, rule: str = RULE) -> None:
    """Do what the section says: the record into ``OPERATORS``, the rule to the end of the file."""
    family = copy / "gradcheck" / "catalogue" / "elementwise.py"
    before, opening, after = family.read_text().partition("OPERATORS = (\n")
    assert opening
    family.write_text(before + opening + record + after)
    rules = copy / "reference_nets" / "rules" / "elementwise.py"
    rules.write_text(f"{rules.read_text()}\n\n{rule}")


def command(copy: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A command of the section, in the copy and with its packages."""
    program, *arguments = shlex.split(text)
    module = ["-m", "gradcheck"] if program == "gradcheck" else []
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    line = [sys.executable, *module, *arguments, *options]
    return subprocess.run(line, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def test_the_operator_of_the_readme_is_explained_confirmed_and_passes(copy: Path) -> None:
    assert command(copy, LIST).returncode == 4  # not known before
    add(copy)
    listed = command(copy, LIST)
    assert listed.returncode == 0, listed.stderr
    assert "DLMF table 4.17.1" in listed.stdout and "in snake" in listed.stdout
    confirmed = command(copy, WITNESSES, "-p", "no:cacheprovider")
    assert confirmed.returncode == 0, confirmed.stdout
    assert re.search(r"[1-9]\d* passed", confirmed.stdout)
    ran = command(copy, RUN, "--jobs", "1")
    assert ran.returncode == 0, ran.stdout
    assert (copy / "reports" / "index.html").exists()


def test_a_wrong_rule_of_it_is_refused(copy: Path) -> None:
    wrong = RULE.replace("2 * x", "x")
    assert wrong != RULE
    add(copy, rule=wrong)
    ran = command(copy, RUN, "--jobs", "1", "--profile", "quick")
    assert ran.returncode == 1 and "snake" in ran.stdout, ran.stdout


def test_a_definition_that_its_witnesses_do_not_confirm_is_refused(copy: Path) -> None:
    wrong = RECORD.replace("np.sin(x)", "np.cos(x)")
    assert wrong != RECORD
    add(copy, record=wrong)
    confirmed = command(copy, WITNESSES, "-p", "no:cacheprovider")
    assert confirmed.returncode == 1 and "failed" in confirmed.stdout, confirmed.stdout
