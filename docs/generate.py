"""Write ``docs/reference`` from docstrings, options and tables of the code: ``python -m docs.generate [DIRECTORY]``."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradcheck
from gradcheck import cli, config, pytest_plugin, records
from gradcheck.claim import Example, Kink, Operator, Set, Witness
from gradcheck.cli import peers
from gradcheck.codes import CODES
from gradcheck.subjects import protocol

HOME = Path(__file__).parent / "reference"
MADE = "<!-- made by python -m docs.generate from the code; edit the docstrings instead -->\n"

COMMANDS: dict[str, Callable[..., Any]] = {
    "run": cli.run,
    "list": cli.list_,
    "report": cli.report,
    "replay": cli.replay,
    "diff": cli.diff,
    "prove": cli.prove,
    "demo": cli.demo,
    "peer check": peers.check,
    "peer schema": peers.schema,
    "completion": cli.completion,
    "version": cli.version_,
}

OPTIONS = {"list_": "list", "format_": "--format", "id_": "ID"}

CLAIMS = (Set, Example, Witness, Kink, Operator, protocol.Implementation, protocol.Subject, protocol.Exhibit)


def main(directory: Path) -> None:
    """All pages."""
    directory.mkdir(parents=True, exist_ok=True)
    pages = {
        "python.md": python(),
        "command-line.md": command_line(),
        "pytest.md": plugin(),
        "settings.md": settings(),
        "outcomes.md": outcomes(),
    }
    for name, lines in pages.items():
        (directory / name).write_text(MADE + "\n".join(lines).rstrip() + "\n", encoding="utf-8")


def python() -> Iterator[str]:
    """The public names, and the records by which operators and subjects are declared."""
    yield "# Python\n\nWhat `import gradcheck` offers, and the values by which operators and subjects are declared.\n"
    for name in gradcheck.__all__:
        value = getattr(gradcheck, name)
        if isinstance(value, Set):
            yield f"## `gradcheck.{name}`\n\nA `Set`: {value.describe()}.\n"
        else:
            yield from entry(f"gradcheck.{name}", value)
    yield "# Declarations\n"
    for value in CLAIMS:
        yield from entry(f"{value.__module__}.{value.__name__}", value)


def entry(name: str, value: Any) -> Iterator[str]:
    """One name: signature, docstring, members."""
    yield f"## `{name}`\n"
    if inspect.isfunction(value):
        yield f"    {value.__name__}{signature(value)}\n"
    elif dataclasses.is_dataclass(value) and not getattr(value, "_is_protocol", False):
        fields = ", ".join(field.name for field in dataclasses.fields(value))
        yield f"    {value.__name__}({fields})\n"
    yield prose(value) + "\n"
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield "Members: " + ", ".join(f"`{member.name}`" for member in value) + ". See [outcomes](outcomes.md).\n"
    elif isinstance(value, type):
        for member, function in vars(value).items():
            found = function.fget if isinstance(function, property) else function
            if member.startswith("_") or not inspect.isfunction(found):
                continue
            shown = member if isinstance(function, property) else f"{member}{signature(found)}"
            yield f"- `{shown}`: {' '.join(prose(found).split())}"
        yield ""


def signature(function: Callable[..., Any]) -> str:
    """Names and defaults; types stand in the docstring where they matter."""
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(parameters))


def prose(value: Any) -> str:
    """The docstring as Markdown: code in single backticks."""
    text = inspect.getdoc(value) or ""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def command_line() -> Iterator[str]:
    """Every command with its arguments and options."""
    yield "# Command line\n\nExit codes: 0 all is well, 1 some gradient is not ok (`diff`: something is newly wrong), 2 interrupted,"
    yield "3 not reproduced (`replay`), 4 wrong usage. `gradcheck COMMAND --help` says the same as this page.\n"
    for name, function in COMMANDS.items():
        about, described = sections(function)
        positional = [OPTIONS.get(p, p).upper() for p, kind in kinds(function).items() if kind != "option"]
        yield f"## `gradcheck {' '.join([name, *positional])}`\n"
        yield about + "\n"
        for parameter, words in described.items():
            kind = kinds(function)[parameter]
            shown = OPTIONS.get(parameter, parameter).upper() if kind != "option" else option(parameter)
            yield f"- `{shown}`: {words}"
        yield ""


def option(parameter: str) -> str:
    """A parameter as it is written on the command line."""
    return OPTIONS.get(parameter, "--" + parameter.replace("_", "-"))


def kinds(function: Callable[..., Any]) -> dict[str, str]:
    """Which parameters are options, and which are given by their place."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = inspect.signature(function).parameters.values()
    return {p.name: "option" if p.kind is keyword else "place" for p in parameters}


def sections(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The text of a command's docstring, and the words for each of its parameters."""
    about, _, listed = prose(function).partition("\nParameters\n----------\n")
    described: dict[str, list[str]] = {}
    name = ""
    for line in listed.splitlines():
        if line and not line[0].isspace():
            name = line.strip()
        elif line.strip():
            described.setdefault(name, []).append(line.strip())
    return about.strip(), {key: " ".join(" ".join(words).split()) for key, words in described.items()}


class Options:
    """Stands in for pytest's parser, and keeps what is added to it."""

    def __init__(self) -> None:
        self.added: list[tuple[str, dict[str, Any]]] = []

    def getgroup(self, *_: str) -> Options:
        """The only group."""
        return self

    def addoption(self, name: str, **about: Any) -> None:
        """Keep it."""
        self.added.append((name, about))


def plugin() -> Iterator[str]:
    """Fixture, marker and options."""
    options: Any = Options()
    pytest_plugin.pytest_addoption(options)
    yield f"# pytest\n\n{prose(pytest_plugin)}\n\n## The fixture `gradcheck`\n\n{prose(pytest_plugin.gradcheck_fixture)}\n"
    yield f"{prose(pytest_plugin.Checker)}\n"
    yield f"- `gradcheck{signature(pytest_plugin.Checker.__call__)}`: {' '.join(prose(pytest_plugin.Checker.__call__).split())}"
    yield f"- `gradcheck.check{signature(pytest_plugin.Checker.check)}`: {' '.join(prose(pytest_plugin.Checker.check).split())}\n"
    yield "## The marker\n\n`@pytest.mark.gradcheck(profile=..., seed=..., ...)`: keyword arguments for the fixture of this test.\n"
    yield "## Options\n"
    for name, about in options.added:
        value = about.get("metavar") or ("|".join(about["choices"]) if "choices" in about else "")
        optional = "[=" + value + "]" if about.get("nargs") == "?" else f"={value}" if value else ""
        yield f"- `{name}{optional}`: {about['help']}"
    yield "\n## Properties in a JUnit file\n"
    yield "`gradcheck.verdict`, `gradcheck.seed`, `gradcheck.backward` (file and line) of each check of a test, and a"
    yield "`gradcheck.finding` for each finding that fails: code, entry and name."


def settings() -> Iterator[str]:
    """Keys, variables, and how they rank."""
    yield f"# Settings\n\n{prose(config)}\n"
    yield "| key of `[tool.gradcheck]` | variable | meaning |\n|---|---|---|"
    for key in config.KEYS:
        yield f"| `{key}` | `{config.PREFIX}{key.upper().replace('-', '_')}` | {config.HELP[key]} |"
    yield "\n`[tool.gradcheck.peers.NAME]` has `command`, `timeout` and `memory` of a [peer](../peer-protocol.md)."


def outcomes() -> Iterator[str]:
    """Verdicts, severities, statuses and codes."""
    yield "# Outcomes\n\n## Status\n"
    yield prose(records.Status) + "\n"
    yield from (f"- `{status.value}`" for status in records.Status)
    yield "\n## Verdicts\n\n| name | sentence |\n|---|---|"
    yield from (f"| `{verdict.name}` | {verdict.value} |" for verdict in records.Verdict)
    yield f"\n## Severities\n\n{prose(records.Severity)}\n"
    yield from (f"- `{severity.value}`{': fails' if severity.fails else ''}" for severity in records.Severity)
    yield "\n## Codes of findings\n\n| code | meaning |\n|---|---|"
    yield from (f"| `{code}` | {sentence} |" for code, sentence in CODES.items())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME)
