"""What a subject may do besides being wrong: lie about what it has, and change what belongs to all.

Crashes, loops, noise and broken frames of peers are in ``test_peers`` and ``test_raw_frames``, those of subjects in a worker
in ``tests/test_workers``.
"""

import importlib.util
import os
import random
import signal
import sys

import flint
import mpmath
import numpy as np
import pytest

from gradcheck.catalogue import operator
from gradcheck.cli import execute
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Severity, Status, Verdict
from gradcheck.subjects import load
from gradcheck.subjects.peers import Peer
from gradcheck.subjects.protocol import Implementation

PEER = """
import json, math, sys
def answer(m, p):
    if m == "initialize":
        return {"name": "liar", "version": "0", "operators": ["sin"], "dtypes": ["float64"], "encoding": "hex", **ABOUT}
    x = p["inputs"][0] if "inputs" in p else None
    value = x and [float.fromhex(v) for v in x["hex"]]
    if m == "vjp":
        g = [float.fromhex(v) for v in p["cotangents"][0]["hex"]]
        value = [a * math.cos(v) for a, v in zip(g, value)]
    elif m == "forward":
        value = [math.sin(v) for v in value]
    out = x and {**x, "hex": [v.hex() for v in value]}
    BODY
    return {"outputs" if m == "forward" else "gradients": [out]}
for line in sys.stdin:
    r = json.loads(line)
    try:
        reply = {"result": answer(r["method"], r["params"])}
    except LookupError:
        reply = {"error": {"code": -32601, "message": "that I do not have"}}
    print(json.dumps({"jsonrpc": "2.0", "id": r["id"], **reply}), flush=True)
"""


def judged(body="pass", about="{}"):
    peer = Peer([sys.executable, "-c", PEER.replace("ABOUT", about).replace("BODY", body)], timeout=10.0)
    record = verify_operator(peer, operator("sin"), profile="quick")
    peer.host.close()
    return record


def test_the_peer_that_does_not_lie_passes():
    assert judged().status is Status.PASS


@pytest.mark.parametrize(
    ("body", "about", "says"),
    [
        ("raise LookupError", "{}", "PeerUnsupported"),
        ("if m == 'vjp': raise LookupError", "{}", "that I do not have"),
        ("if x['dtype'] != 'float64': raise LookupError", "{'dtypes': ['float64', 'float32']}", "that I do not have"),
        ("out = {**x, 'shape': [len(value), 1]}", "{}", "shape"),
        ("if m == 'vjp': out = {**out, 'shape': [1, len(value)]}", "{}", "shape"),
        ("if m == 'vjp': out = {**out, 'dtype': 'float32'}", "{}", "float32"),
        ("if m == 'vjp': return {'gradients': []}", "{}", "0 gradients for 1 inputs"),
        ("if m == 'vjp': return {'gradients': [out, out]}", "{}", "2 gradients for 1 inputs"),
        ("out = {**out, 'hex': ['nan'] * len(value)}", "{}", "not finite"),
        ("if m == 'vjp': out = {**out, 'hex': ['nan'] * len(value)}", "{}", "nan"),
    ],
)
def test_lies_are_findings(body, about, says):
    record = judged(body, about)
    text = str(record.findings)
    assert record.status is Status.FAIL and says in text, text


def test_what_is_not_supported_is_no_failure_of_who_says_so():
    """The twin of the third lie: it says so when it is asked."""
    body = "if m == 'supports': return {'supports': p.get('dtype') != 'float32'}"
    about = "{'dtypes': ['float64', 'float32'], 'supports': True}"
    record = judged(f"{body}\n    if x['dtype'] != 'float64': raise LookupError", about)
    assert record.status is Status.PASS, record.findings
    nothing = judged("if m == 'supports': return {'supports': False}", about)
    assert nothing.verdict is Verdict.UNSUPPORTED


def test_a_peer_of_an_operator_that_nobody_knows(capfd):
    script = PEER.replace("ABOUT", "{'operators': ['sinus']}").replace("BODY", "pass")
    assert execute(["peer", "check", "--", sys.executable, "-c", script]) == 1
    assert "sinus: no operator of the catalogue has this name" in capfd.readouterr().out


class Meddling:
    """A sine that changes everything that a process has in common, in both directions; ``factor`` makes it wrong."""

    name, version = "meddling", "1"

    def __init__(self, factor):
        self.factor = factor

    def supports(self, operator, dtype):
        return operator == "sin" and dtype == np.float64

    def implementation(self, operator, params):
        return Implementation(forward=self.forward, vjp=self.vjp)

    def forward(self, x):
        self.meddle()
        with np.errstate(all="ignore"):
            return np.sin(x)

    def vjp(self, g, x):
        self.meddle()
        with np.errstate(all="ignore"):
            return self.factor * g * np.cos(x)

    def meddle(self):
        os.chdir("/")
        os.environ["OMP_NUM_THREADS"] = "many"
        np.seterr(all="raise")
        np.random.seed(0)
        random.seed(0)
        mpmath.mp.prec = 10
        flint.ctx.prec = 10
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@pytest.mark.parametrize(("factor", "status"), [(1, Status.PASS), (1 + 2.0**-40, Status.FAIL)])
def test_the_truth_does_not_move_with_what_a_subject_changes(factor, status):
    """Ten bits of precision, left behind by each call, would excuse an error of 2^-40, or refuse what is right."""

    def state():
        numbers = np.geterr(), mpmath.mp.prec, flint.ctx.prec, random.getstate(), np.random.get_state()[1].tolist()
        return *numbers, signal.getsignal(signal.SIGTERM), os.getcwd(), dict(os.environ)

    before = state()
    record = verify_operator(Meddling(factor), operator("sin"), profile="quick")
    assert record.status is status, record.findings
    assert before == state()
    assert verify_operator(load("reference"), operator("sin"), profile="quick").status is Status.PASS


def test_another_default_type_of_torch_ends_with_its_operator():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    import torch

    class Narrowing(Meddling):
        def meddle(self):
            torch.set_default_dtype(torch.float16)
            torch.set_grad_enabled(False)

    assert verify_operator(Narrowing(1), operator("sin"), profile="quick").status is Status.PASS
    assert torch.get_default_dtype() is torch.float32 and torch.is_grad_enabled()
    assert verify_operator(load("torch"), operator("sigmoid"), profile="quick").status is Status.PASS


def test_another_default_type_of_jax_ends_with_its_operator():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    import jax

    before = jax.config.jax_enable_x64

    class Narrowing(Meddling):
        def meddle(self):
            jax.config.update("jax_enable_x64", not before)

    assert verify_operator(Narrowing(1), operator("sin"), profile="quick").status is Status.PASS
    assert jax.config.jax_enable_x64 == before
    record = verify_operator(load("jax"), operator("sin"), profile="quick")
    assert not any(f.severity is Severity.WRONG for f in record.findings)
