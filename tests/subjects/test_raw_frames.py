"""Raw bytes behind a line: they arrive as they are, and a length that lies is named before anything waits for it."""

import sys
import time

import numpy as np
import pytest

from gradcheck.errors import UsageError
from gradcheck.subjects import load, wire
from gradcheck.subjects.peers import Peer, isolated
from gradcheck.subjects.process import PeerCrash, PeerProtocol, PeerRaised, PeerTimeout

X = np.array([0.5, -1.25, 2.0])

PEER = """
import json, os, sys, time
def write(data): sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
def send(i, data=b"", **k): write(json.dumps({"jsonrpc": "2.0", "id": i, **k}).encode() + b"\\n" + data)
T = {"dtype": "float64", "shape": [3], "raw": 24}
def out(**k): return {"outputs": [{**T, **k}]}
while text := sys.stdin.buffer.readline():
    r = json.loads(text); i = r["id"]; m = r["method"]
    if m == "initialize":
        send(i, result={"name": "raw", "version": "0", "operators": ["sin"], "dtypes": ["float64"], "encoding": "ENCODING"})
        continue
    given = r["params"].get("inputs", []) + r["params"].get("cotangents", [])
    raw = [sys.stdin.buffer.read(t["raw"]) for t in given if "raw" in t]
"""


def peer(body, encoding="raw", **options):
    script = PEER.replace("ENCODING", encoding) + "    " + body
    return Peer([sys.executable, "-c", script], **{"timeout": 2.0, "longest": 2**20, **options})


def asked(body, encoding="raw", **options):
    made = peer(body, encoding, **options)
    try:
        return made.implementation("sin", {}).forward(X)
    finally:
        made.host.close()


def test_an_honest_answer_is_read():
    assert np.array_equal(asked("send(i, raw[0], result=out())"), X)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("send(i, raw[0][:10], result=out()); os._exit(4)", PeerCrash, "exit code 4.*10 of 24 raw bytes"),
        ("send(i, raw[0][:10], result=out()); time.sleep(60)", PeerTimeout, "10 came, of 24"),
        ("send(i, result=out())", PeerTimeout, "0 came, of 24"),
        ("send(i, raw[0], result=out(raw=23))", PeerProtocol, r"raw is 23, and float64 of shape \[3\] has 24 bytes"),
        ("send(i, raw[0], result=out(raw=-24))", PeerProtocol, "raw is -24"),
        ("send(i, raw[0], result=out(raw=2**62))", PeerProtocol, "has 24 bytes"),
        ("send(i, result=out(shape=[2**40, 2**40], raw=8 * 2**80))", PeerProtocol, "raw"),
        (
            "send(i, result=out(shape=[2**40], raw=8 * 2**40))",
            PeerProtocol,
            "8796093022208 raw bytes, of at most 1048576",
        ),
        ("send(i, raw[0], result=out(shape=[-3], raw=-24))", PeerProtocol, "negative length"),
        ("send(i, raw[0], result=out(dtype='float80'))", PeerProtocol, "float80"),
        ("send(i, raw[0], result=out(raw=24.5))", PeerProtocol, "no answer"),
        ("send(i, raw[0] + b'more', result=out())", PeerProtocol, "behind its answer: b'more'"),
        ("send(i, raw[0], error={'code': -32000, 'message': 'no'})", PeerProtocol, "behind its answer"),
        ("send(i, error={'code': -32000, 'message': 'no, thanks'})", PeerRaised, "no, thanks"),
    ],
)
def test_a_length_that_lies_is_named(body, kind, says):
    begun = time.monotonic()
    with pytest.raises(kind, match=says):
        asked(body)
    assert time.monotonic() - begun < 30  # two seconds of patience, and the start of a process on a busy machine


def test_raw_bytes_are_for_those_who_asked_for_them():
    with pytest.raises(PeerProtocol, match="did not ask"):
        asked("send(i, b'x' * 24, result=out())", encoding="hex")
    tensor = "{'dtype': 'float64', 'shape': [1], 'hex': ['0x1.8p+0']}"
    assert asked("send(i, result={'outputs': [" + tensor + "]})", encoding="raw") == 1.5  # text is always welcome


def test_an_encoding_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="'zip' is none of b64, hex, raw"):
        peer("pass", encoding="zip")


def test_what_is_written_unasked_is_seen_at_the_next_question():
    made = peer("send(i, raw[0], result=out()); time.sleep(0.05); write(b'later')")
    forward = made.implementation("sin", {}).forward
    forward(X)
    time.sleep(0.5)
    with pytest.raises(PeerProtocol, match="before it was asked: b'later'"):
        forward(X)
    made.host.close()


def test_an_answer_before_the_question_was_read_loses_nothing():
    """The rest of a large question is still written, so that the next one is understood."""
    large = np.arange(2**17, dtype=float)
    body = "send(i, b'\\0' * 24, result=out())"
    script = PEER.replace("ENCODING", "raw").replace("    given =", "    EARLY\n    given =").replace("EARLY", body)
    made = Peer([sys.executable, "-c", script], timeout=5.0, longest=2**21)
    forward = made.implementation("sin", {}).forward
    for _ in range(3):
        assert np.array_equal(forward(large), np.zeros(3))
    made.host.close()
    # The twin reads nothing more once it has answered: that is named, and waits for no one.
    script = script.replace(body, body + "; time.sleep(60)")
    made = Peer([sys.executable, "-c", script], timeout=1.0, longest=2**21)
    with pytest.raises(PeerTimeout, match="does not read the rest"):
        made.implementation("sin", {}).forward(np.zeros(2**20))
    made.host.close()


@pytest.mark.parametrize("dtype", wire.DTYPES)
def test_raw_tensors_travel_unchanged(dtype):
    values = np.array([[0.0, -0.0, 1.5], [np.inf, -2.0, np.nan]])
    given = values.astype(dtype) if "float" in dtype else np.nan_to_num(values, posinf=7).astype(dtype)
    for each in (given, given[:, ::-1], given.T, given[:0], given[0, 0]):
        behind = []
        tensor = wire.tensor(each, "raw", behind)
        assert wire.lengths([tensor], 100) == [each.nbytes]
        back = wire.array(tensor, iter(behind))
        assert back.dtype == each.dtype and back.shape == each.shape and back.tobytes() == each.tobytes()


def test_many_tensors_in_both_directions_keep_their_order():
    made, here = isolated("reference"), load("reference").implementation("where", {})
    theirs = made.implementation("where", {})
    inputs = (np.array([True, False, True]), np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    assert made.host.about.encoding == "raw"
    assert np.array_equal(theirs.forward(*inputs), here.forward(*inputs))
    for mine, other in zip(theirs.vjp(X, *inputs), here.vjp(X, *inputs), strict=True):
        assert np.array_equal(mine, other)
    made.host.close()


def test_an_array_of_a_million_is_not_turned_into_text():
    """Eight megabytes each way: text takes a third more, which is refused here, and raw bytes are not."""
    large = np.random.default_rng(0).normal(size=10**6)
    made = isolated("reference", longest=large.nbytes)
    assert np.array_equal(made.implementation("square", {}).forward(large), large**2)
    made.host.close()
