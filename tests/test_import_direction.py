"""Imports go one way: records <- claim <- {numbers ... oracles} <- engine <- shells.  Read from the source, not run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MIDDLE = {"numbers", "catalogue", "strategies", "subjects", "oracles"}

BASE = {"records", "claim", "errors", "trees", "flat", "fingerprints"}
ALLOWED: dict[str, set[str]] = {
    "records": set(),
    "errors": set(),
    "codes": set(),
    "fingerprints": set(),
    "config": {"errors"},
    "trees": {"errors", "records"},
    "flat": {"records"},
    "claim": {"records", "errors"},
    "records_io": {"records", "errors"},
    "numbers": BASE,
    "claims_io": {"errors"},
    "proofs": BASE | {"numbers", "claims_io"},
    "catalogue": BASE | {"numbers"},
    "strategies": BASE | {"numbers", "subjects"},
    "subjects": BASE | {"catalogue", "config"},
    "oracles": BASE | {"numbers"},
    "report": {"records", "records_io", "claims_io", "errors", "fingerprints"},
    "engine": BASE | MIDDLE,
    "diagnosis": BASE | MIDDLE,
}
SHELLS = {"cli", "machine_formats", "replay", "pytesting", "pytest_plugin", "__main__", "__init__"}
"""Shells may import everything."""

LATE = {
    ("engine", "report"): "str(result) is the terminal text",
    ("subjects", "reference_nets"): "the project's own networks are a subject",
    ("proofs", "reference_nets"): "a run is written down on their tape",
}
"""Imports inside functions that are meant to go the other way, each with its reason."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> list[tuple[str, bool]]:
    """(absolute module name, whether it is imported when the module is) of every import that runs."""
    found = []

    def visit(node: ast.AST, late: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return  # never executed
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(node, ast.Import):
            found.extend((alias.name, not late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "gradcheck" else [module]
            found.extend((name, not late) for name in names)
        for child in ast.iter_child_nodes(node):
            visit(child, late)

    visit(ast.parse(path.read_text()), False)
    return found


def part(path: Path) -> str:
    inside = path.relative_to(ROOT / "gradcheck").parts[0]
    return inside.removesuffix(".py")


@pytest.mark.parametrize("path", modules("gradcheck"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_comes_before_it(path: Path) -> None:
    here = part(path)
    if here in SHELLS:
        return
    assert here in ALLOWED, f"{here} is new: say in this test what it may import"
    for name, _ in imported(path):
        pieces = name.split(".")
        if pieces[0] != "gradcheck" or len(pieces) == 1:
            continue
        there = pieces[1]
        assert there in ALLOWED[here] | {here} or (here, there) in LATE, f"{here} imports {name}"


@pytest.mark.parametrize("pair", sorted(LATE))
def test_an_import_against_the_direction_is_inside_a_function(pair: tuple[str, str]) -> None:
    here, there = pair
    for path in modules("gradcheck"):
        if part(path) == here and there in ALLOWED:
            at_import = [name for name, early in imported(path) if early and name.startswith(f"gradcheck.{there}")]
            assert not at_import, f"{path} imports {at_import} when it is imported"


@pytest.mark.parametrize("path", modules("reference_nets"), ids=lambda path: path.name)
def test_the_reference_networks_know_nothing_of_gradcheck(path: Path) -> None:
    assert not [name for name, _ in imported(path) if name.split(".")[0] == "gradcheck"]


def test_no_module_is_over_500_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("gradcheck", "reference_nets")
        for path in modules(package)
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert not long
