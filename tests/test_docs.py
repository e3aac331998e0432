"""Every snippet of ``docs`` is executed, every link leads somewhere, and the reference is what the docstrings say.

``python -m tests.test_docs [PAGE ...]`` writes the present outputs into the pages.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gradcheck import cli, config
from gradcheck.subjects import wire
from gradcheck.subjects.peers import configured
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


def named_commands() -> list[str]:
    """What stands in backticks and begins with ``gradcheck``: commands that nobody runs here, but that are to exist."""
    found = set()
    for page in [*pages(), ROOT / "README.md"]:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        found |= {" ".join(line.split()) for line in re.findall(r"`(gradcheck [a-z][^`]*)`", text)}
    return sorted(found)


@pytest.mark.parametrize("line", named_commands())
def test_a_command_that_is_named_exists(line: str) -> None:
    """Placeholders such as ``[NAME...]`` are left out, and a value stands for each argument in capitals: numbers for those of a box."""
    words = shlex.split(re.sub(r"\[[^]]*\]|\|\S+", "", line))[1:]
    if words[0] == "COMMAND":
        words[0] = "run"
    numbers = {"LO", "HI", "E", "A", "B"}
    filled = ["1" if word in numbers else "gradcheck" if word.isupper() else word for word in words]
    if "--format" in filled and filled[-1] == "--format":
        filled.append("json")
    asked = filled + (["x"] if filled[0] in ("report", "diff", "replay") and len(filled) == 1 else [])
    function, _, _ = cli.app.parse_args(asked, exit_on_error=False, print_error=False)
    assert callable(function)


def test_the_exchange_of_the_protocol_is_one() -> None:
    """Each line is read by what reads the peers' lines; the answer is the derivative of exp, at 0, times the cotangent."""
    page = (DOCS / "peer-protocol.md").read_text()
    lines = re.findall(r"^    ([<>]) (.*)$", page, re.MULTILINE)
    assert [sign for sign, _ in lines] == [">", "<"] * (len(lines) // 2) and lines
    requests = [msgspec.json.decode(line, type=wire.Request) for sign, line in lines if sign == ">"]
    answers = [msgspec.json.decode(line, type=wire.Response) for sign, line in lines if sign == "<"]
    assert [request.id for request in requests] == [answer.id for answer in answers]
    question, answer = requests[-1], answers[-1].result
    assert question.method == "vjp" and answer is not None and answer.gradients is not None
    x, g = wire.array(question.params.inputs[0]), wire.array(question.params.cotangents[0])
    assert (wire.array(answer.gradients[0]) == g * np.exp(x)).all()


def test_the_settings_of_a_peer_are_read(tmp_path: Path) -> None:
    """The table of docs/peer-protocol.md, with a peer in the place of ``./mine``."""
    page = (DOCS / "peer-protocol.md").read_text()
    table = re.search(r"^    (\[tool\.gradcheck\.peers\.mine\]\n(?:    .*\n)+)", page, re.MULTILINE)
    assert table and "./mine" in table[1]
    peer = [sys.executable, str(ROOT / "examples" / "peers" / "peer.py")]
    text = "\n".join(line.strip() for line in table[1].splitlines()).replace('["./mine"]', json.dumps(peer))
    (tmp_path / "pyproject.toml").write_text(text)
    assert config.load(tmp_path, {}).sources
    made = configured("mine", tmp_path)
    assert (made.name, made.host.timeout, made.host.memory) == ("python-example", 10.0, 2**31)
    made.host.close()


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
