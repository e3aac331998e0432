"""Every snippet of ``docs`` is executed, every link leads somewhere, and the reference is what the docstrings say.

``python -m tests.test_docs [PAGE ...]`` writes the present outputs into the pages.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import documents
from tests.documents import DOCS, ROOT, Place, agrees, blocks, commands, pages

REFRESH = "python -m tests.test_docs writes the present output"


def follow(page: Path, place: Place) -> list[tuple[documents.Command, str]]:
    """Do the page, and give its commands with what they printed.  Raises AssertionError for what does not run as it says."""
    done = []
    for match in blocks(page):
        if match["mark"] in ("file", "more"):
            place.write(match["value"], match["text"], more=match["mark"] == "more")
        elif match["language"] == "python":
            code, printed = place.python(match["text"])
            assert code == 0 and not printed, f"{page.name}:\n{match['text']}\n{printed}"
        elif match["language"] == "console":
            for command in commands(match):
                code, printed = place.run(command.line)
                wanted = command.code if command.code >= 0 else 0
                assert code == wanted, f"{page.name}: `{command.line}` ends with {code}, not {wanted}:\n{printed}"
                done.append((command, printed))
    return done


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    for command, printed in follow(page, Place(tmp_path)):
        assert agrees(command.shown, printed), f"{REFRESH}; `{command.line}` printed:\n{printed}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_is_of_a_kind_that_is_executed(page: Path) -> None:
    """Python and console blocks run; a file is used by a command after it; nothing else is fenced."""
    text = page.read_text()
    assert text.count("\n```") == 2 * len(list(blocks(page))), "a fenced block that is not understood"
    for match in blocks(page):
        assert match["language"] in ("python", "console") or match["mark"] in ("file", "more"), match["text"]
    named = [(match["value"], match.start()) for match in blocks(page) if match["mark"] in ("file", "more")]
    for name, start in named:
        word = re.compile(rf"\b{re.escape(Path(name.removesuffix('.py')).name)}\b")
        rest = [match["text"] for match in blocks(page) if match.start() != start]
        used = any(map(word.search, rest)) or name == "pyproject.toml" or name.startswith("test_")
        assert used, f"{name} is written and not used"


def links() -> list[tuple[Path, str]]:
    found = []
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        found += [(page, target) for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))]
    return found


@pytest.mark.parametrize(("page", "target"), links(), ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    if re.match(r"https?://", target):
        return  # there is no network in a test
    name, _, anchor = target.partition("#")
    path = (page.parent / name).resolve() if name else page
    assert path.exists(), f"{page.name}: {target}"
    if anchor:
        titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        slugs = [re.sub(r"[^\w -]", "", title.replace("`", "").lower()).replace(" ", "-") for title in titles]
        assert anchor in slugs, f"{page.name}: {target}; there are {slugs}"


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.generate", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in (DOCS / "reference").iterdir()}
    assert made == kept, "python -m docs.generate writes it anew"
    assert len(made) >= 4


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n...\nc\n", "a\nb\nb\nc\n", True),
        ("a\n...\nc\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nb\n", True),
        ("...\nc\n", "a\nc\n", True),
        ("a\n", "a\nb\n", False),
        ("  looked at      2 points\n", "  looked at      31 points\n", True),
        ("  looked at      2 points\n", "  looked at      2 lines\n", False),
        ("x[0]   got 1.0   bound 1e-3\n", "x[0]   got 1.0   bound 2e-3\n", True),
        ("x[0]   got 1.0   bound 1e-3\n", "x[0]   got 2.0   bound 1e-3\n", False),
        ("", "", True),
        ("", "noise\n", False),
    ],
)
def test_the_comparison_sees_what_is_another_text(shown: str, printed: str, same: bool) -> None:
    assert agrees(shown, printed) is same


def refresh(page: Path) -> None:
    """Write the present outputs into the page; ``...`` at an output's end keeps what stands before it as it is, if it agrees."""
    with tempfile.TemporaryDirectory() as directory:
        done = follow(page, Place(Path(directory)))
    text = page.read_text()
    for command, printed in reversed(done):
        if not agrees(command.shown, printed):
            text = text[: command.start] + printed.rstrip() + "\n" * bool(printed.strip()) + text[command.end :]
    page.write_text(text)


if __name__ == "__main__":
    for chosen in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        refresh(chosen)
