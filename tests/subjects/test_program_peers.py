"""Whole programs in another process: an honest peer passes, and one that overwrites where a variable is read twice does not."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gradcheck.cli import execute
from gradcheck.engine.exhibits import check_exhibit
from gradcheck.records import Severity, Status
from gradcheck.subjects import programs
from gradcheck.subjects.peers import Peer, isolated
from gradcheck.subjects.process import PeerProtocol
from gradcheck.subjects.protocol import exhibits_of
from tests.subjects import wrong_engines

EXAMPLE = Path(__file__).parents[2] / "examples" / "peers" / "programs.py"
LOOP = 'adjoints[k] = FORWARD["add"](adjoints[k], g)\n    return'
KNOWN = ("add", "subtract", "multiply", "negative", "square", "reversed")


@pytest.fixture
def started():
    """Peers by their command, ended afterwards."""
    peers = []

    def start(*command, **options):
        peers.append(Peer([sys.executable, *command], **options))
        return peers[-1]

    yield start
    for peer in peers:
        peer.host.close()


def sayable():
    return [
        n for n, p in programs.named().items() if p.manner == "once" and {s.operation for s in p.steps} <= set(KNOWN)
    ]


def test_the_example_has_the_programs_of_its_operations_and_is_right(started, capfd):
    assert len(EXAMPLE.read_text().splitlines()) <= 60
    peer = started(str(EXAMPLE))
    found = exhibits_of(peer)
    assert list(found) == sayable() and len(found) >= 7
    for name in found:
        record = check_exhibit(peer, name, profile="quick")
        assert record.status is Status.PASS, record.findings
    assert execute(["peer", "check", "--", sys.executable, str(EXAMPLE)]) == 0
    assert f"{len(found)} programs" in capfd.readouterr().out


def test_a_peer_that_overwrites_at_fan_out_is_caught(started):
    text = EXAMPLE.read_text()
    assert text.count(LOOP) == 1
    peer = started("-c", text.replace(LOOP, "adjoints[k] = g\n    return"))
    record = check_exhibit(peer, "program:fan-out", profile="quick")
    assert record.status is Status.FAIL and any(f.severity is Severity.WRONG for f in record.findings)
    # Without fan-out it is as right as the other: each operator alone shows nothing.
    chain = programs.Program(2, (programs.Step("multiply", (0, 1)), programs.Step("square", (2,))), (3,))
    leaves, cotangents = (np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 0.5, 1.0, -1.0])), (np.ones(4),)
    _, (in_x, in_y) = peer.language().gradients(chain, leaves, cotangents)
    x, y = leaves
    assert np.array_equal(in_x, 2 * x * y * y) and np.array_equal(in_y, 2 * x * x * y)


@pytest.mark.parametrize("name", ["fan-out", "views", "in-place", "two-losses", "smooth-1"])
def test_an_isolated_tape_has_the_programs_that_it_has_here(name):
    right, wrong = (isolated(f"tests.subjects.wrong_engines:{which}") for which in ("Tape", "Overwriting"))
    assert list(exhibits_of(right)) == list(exhibits_of(wrong_engines.Tape()))
    record = check_exhibit(right, f"program:{name}", profile="quick")
    assert record.status is Status.PASS, record.findings
    assert check_exhibit(wrong, f"program:{name}", profile="quick").status is Status.FAIL
    right.host.close()
    wrong.host.close()


def test_a_run_of_an_isolated_subject_has_its_programs(tmp_path, capfd):
    options = [
        "--isolate",
        "--operators",
        "program:fan-out",
        "--profile",
        "quick",
        "--jobs",
        "1",
        "--out",
        str(tmp_path),
    ]
    assert execute(["run", "tests.subjects.wrong_engines:Tape", *options]) == 0, capfd.readouterr().out
    assert execute(["run", "tests.subjects.wrong_engines:Overwriting", *options]) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"outputs", "gradients"', '"outputs", "none"'), "no gradients"),
        (("adjoints[: graph", "adjoints[1: graph"), "1 outputs and 0 gradients"),
        (('in graph["outputs"]], adj', 'in graph["outputs"][1:]], adj'), "0 outputs and 1 gradients"),
    ],
)
def test_a_peer_that_leaves_something_out_is_told_so(change, says, started):
    peer = started("-c", EXAMPLE.read_text().replace(*change))
    with pytest.raises(PeerProtocol, match=says):
        peer.language().gradients(programs.NAMED["same-twice"], (np.ones(4),), (np.ones(4),))
    record = check_exhibit(peer, "program:same-twice", profile="quick")
    assert record.status is Status.FAIL and "PeerProtocol" in record.findings[0].message
    peer.host.close()


def test_a_peer_of_another_value_is_told_so(started):
    peer = started("-c", EXAMPLE.read_text().replace("[a * a for a in x]", "[a * a + 1 for a in x]"))
    record = check_exhibit(peer, "program:fan-out", profile="quick")
    assert record.status is Status.FAIL and "has the value" in record.findings[0].message
