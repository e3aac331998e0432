"""The process protocol: honest peers in four languages, and hostile ones, none of which takes the host down."""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gradcheck.catalogue import operator
from gradcheck.cli import execute
from gradcheck.engine.verify import verify_operator
from gradcheck.errors import UsageError
from gradcheck.records import Status
from gradcheck.subjects import load, wire
from gradcheck.subjects.peers import Peer, configured, isolated
from gradcheck.subjects.process import PeerCrash, PeerDesync, PeerError, PeerProtocol, PeerRaised, PeerTimeout

EXAMPLES = Path(__file__).parents[2] / "examples" / "peers"
X = np.array([0.5, -1.25, 2.0])


def built(language, tmp_path):
    """The command of an example, built where it has to be; skipped where its tool is not there."""
    tool = {"c": "cc", "rs": "rustc", "js": "node", "py": sys.executable}[language]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    source, out = str(EXAMPLES / f"peer.{language}"), str(tmp_path / "peer")
    if language == "c":
        subprocess.run([tool, "-Wall", "-Werror", source, "-lm", "-o", out], check=True)
    elif language == "rs":
        subprocess.run([tool, "--edition", "2021", "-O", "-D", "warnings", source, "-o", out], check=True)
    return [out] if language in ("c", "rs") else [tool, source]


@pytest.mark.parametrize("language", ["c", "rs", "js", "py"])
def test_examples(language, tmp_path, capfd):
    command = built(language, tmp_path)
    assert len((EXAMPLES / f"peer.{language}").read_text().splitlines()) <= 60
    assert execute(["peer", "check", "--", *command]) == 0, capfd.readouterr().out
    peer = Peer(command)
    name = "sin" if language == "py" else "exp"
    made = peer.implementation(name, {})
    assert np.allclose(made.forward(X), getattr(np, name)(X), rtol=4 * np.finfo(float).eps, atol=0)  # two libms
    record = verify_operator(peer, operator(name), profile="quick")
    assert record.status is Status.PASS, record.findings
    peer.host.close()


PRELUDE = """
import json, os, sys, time
def send(i, **k): print(json.dumps({"jsonrpc": "2.0", "id": i, **k}), flush=True)
T = {"dtype": "float64", "shape": [3], "hex": ["0x1p+0"] * 3}
for line in sys.stdin:
    r = json.loads(line); i = r["id"]; m = r["method"]
    if m == "initialize":
        send(i, result={"name": "hostile", "version": "0", "operators": ["sin"], "dtypes": ["float64"], "encoding": "hex"})
        continue
"""

HOSTILE = {
    "segfault": ("os.kill(os.getpid(), 11)", PeerCrash, "SIGSEGV"),
    "abort": ("print('last words', file=sys.stderr, flush=True); os.abort()", PeerCrash, "SIGABRT"),
    "exit": ("os._exit(3)", PeerCrash, "exit code 3"),
    "half a line": ("sys.stdout.write('{\"jsonr'); sys.stdout.flush(); os._exit(0)", PeerCrash, "within a line"),
    "loop": ("\n    while True: pass", PeerTimeout, "no answer"),
    "ten gigabytes": ("x = bytearray(10 * 2**30)", PeerCrash, "MemoryError"),
    "noise": ("print('hello, I am a debug line', flush=True)", PeerProtocol, "log to stderr"),
    "oversized": ("sys.stdout.write('x' * 2**21); sys.stdout.flush(); time.sleep(9)", PeerProtocol, "more than"),
    "reordered": ("send(i + 1, result={'outputs': [T]})", PeerDesync, "question"),
    "nothing": ("send(i)", PeerProtocol, "neither"),
    "wrong shape": ("send(i, result={'outputs': [{**T, 'shape': [7]}]})", PeerProtocol, "do not fill"),
    "a huge shape": ("send(i, result={'outputs': [{**T, 'shape': [2**40, 2**40]}]})", PeerProtocol, "do not fill"),
    "JSON numbers": ("send(i, result={'outputs': [1.0, 2.0]})", PeerProtocol, "no answer"),
    "long exception": ("send(i, error={'code': -32000, 'message': 'E' * 2**20})", PeerRaised, "EEE"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_peers_are_named(name):
    body, kind, says = HOSTILE[name]
    command = [sys.executable, "-c", PRELUDE + "    " + body]
    peer = Peer(command, timeout=2.0, memory=2**31, longest=2**20 if name == "oversized" else 2**24)
    made = peer.implementation("sin", {})
    with pytest.raises(kind, match=says) as caught:
        made.forward(X)
    assert len(str(caught.value)) < 4000
    with pytest.raises(PeerError):  # it is started again, and fails again
        made.forward(X)
    peer.host.close()


@pytest.mark.parametrize("name", ["segfault", "noise", "reordered", "long exception"])
def test_a_hostile_peer_fails_its_own_operator_and_the_run_goes_on(name):
    peer = Peer([sys.executable, "-c", PRELUDE + "    " + HOSTILE[name][0]], timeout=2.0)
    record = verify_operator(peer, operator("sin"), profile="quick")
    assert record.status is Status.FAIL and "Peer" in " ".join(f.message for f in record.findings)
    assert verify_operator(load("reference"), operator("sin"), profile="quick").status is Status.PASS
    peer.host.close()


def spoilt(old, new):
    """The example in Python with one piece of its text in another form."""
    text = (EXAMPLES / "peer.py").read_text()
    assert text.count(old) == 1
    return [sys.executable, "-c", text.replace(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("tangents[0])", "tangents[0])", set()),
        ("tangents[0])", "inputs[0])", {"GC301"}),  # wrong tangents, and right gradients
        ("tangents[0])", "tangents[1])", {"GC301"}),  # it raises
        (', "jvp": about["operators"]}', "}", set()),  # not listed, not asked: whether it is right or wrong
    ],
)
def test_forward_mode_of_a_peer_is_judged(old, new, codes):
    peer = Peer(spoilt(old, new))
    record = verify_operator(peer, operator("sin"))
    assert {f.code for f in record.findings if f.severity.fails} == codes, record.findings
    peer.host.close()


def test_peer_check_asks_forward_mode_too(capfd):
    wrong = spoilt('"tangents": jvp(params["operator"], params["inputs"], params["tangents"])', '"tangents": []')
    assert execute(["peer", "check", "--", *wrong]) == 1
    assert "problem  sin: the tangent of the output has shape (0,)" in capfd.readouterr().out


def test_an_isolated_subject_has_the_forward_mode_that_it_has_here():
    peer, here = isolated("reference"), load("reference")
    inputs, tangents = (np.ones((2, 3)), np.eye(3)), (np.full((2, 3), 0.5), np.arange(9.0).reshape(3, 3))
    theirs, ours = peer.implementation("matmul", {}), here.implementation("matmul", {})
    assert np.array_equal(theirs.jvp(tangents, *inputs), ours.jvp(tangents, *inputs))
    assert here.implementation("prod", {}).jvp is None is peer.implementation("prod", {}).jvp
    peer.host.close()


def test_floods_of_nan_are_wrong():
    nan = "send(i, result={'outputs' if m == 'forward' else 'gradients': [{**r['params']['inputs'][0], "
    nan += "'hex': ['nan'] * len(r['params']['inputs'][0]['hex'])}]})"
    peer = Peer([sys.executable, "-c", PRELUDE + "    " + nan])
    assert verify_operator(peer, operator("sin"), profile="quick").status is Status.FAIL
    peer.host.close()


def test_ten_restarts_and_no_more():
    peer = Peer([sys.executable, "-c", PRELUDE + "    os._exit(1)"])
    for _ in range(15):
        with pytest.raises(PeerCrash):
            peer.implementation("sin", {}).forward(X)
    assert peer.host.starts == 11


SLEEPER = """
say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$1" "$2"; }
read line; say 1 '{"name":"sleeper","version":"0","operators":["sin"],"dtypes":["float64"]}'
sleep 600 & wait
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_kills_leave_no_zombie_and_no_file(monkeypatch, tmp_path):
    """A thousand peers in a row that answer once, start a child, and are killed in the middle of a question."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others write to the shared one
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    gc.collect()
    handles, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(1000):
        peer = Peer(["sh", "-c", SLEEPER])
        group, peer.host.timeout = peer.host._process.pid, 0.002
        with pytest.raises(PeerTimeout):
            peer.implementation("sin", {}).forward(X)
        with pytest.raises(ProcessLookupError):  # killed, and waited for
            os.kill(group, 0)
    gc.collect()
    with contextlib.suppress(ChildProcessError):  # no child at all
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)  # none that has ended and was not waited for
    assert not os.listdir(tmp_path)
    assert len(os.listdir("/proc/self/fd")) <= handles + 8  # the last threads may still be closing theirs
    assert threading.active_count() <= threads + 8
    mine = [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x00600" in _read(p)]
    assert not [p for p in mine if "\nState:\tZ" not in (p.parent / "status").read_text()]


def _read(path):
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def test_a_peer_that_ends_at_once_leaves_nothing():
    for _ in range(20):
        with pytest.raises(UsageError, match="PeerCrash"):
            Peer(["true"])
    with contextlib.suppress(ChildProcessError):
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)


def test_an_isolated_subject_answers_the_same_bits_and_keeps_its_noise_to_itself():
    peer, here = isolated("reference"), load("reference")
    for name in ("matmul", "softmax"):
        inputs = (np.ones((2, 3)), np.ones((3, 2))) if name == "matmul" else (X,)
        theirs, ours = peer.implementation(name, {}), here.implementation(name, {})
        value = ours.forward(*inputs)
        assert np.array_equal(theirs.forward(*inputs), value)
        pairs = zip(theirs.vjp(value, *inputs), ours.vjp(value, *inputs), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    peer.host.close()


def test_an_isolated_subject_that_takes_too_much_memory_fails_alone(tmp_path, capfd):
    """Ten gigabytes in each forward, of two that it may have: its operator fails with the reason, and the next one is right."""
    options = ["--profile", "quick", "--jobs", "1", "--out", str(tmp_path), "--isolate", "--memory", "2"]
    assert execute(["run", "tests.user_subjects:Greedy", "--operators", "exp,sin", *options]) == 1
    told = capfd.readouterr().out
    assert "FAIL         greedy exp" in told and "pass         greedy sin" in told
    assert "MemoryError" in told or "SIGKILL" in told


def test_a_limit_of_memory_needs_a_process_of_its_own(capfd):
    assert execute(["run", "reference", "--operators", "exp", "--memory", "2"]) == 4
    assert "add --isolate" in capfd.readouterr().err


def test_a_peer_of_pyproject(tmp_path):
    text = (
        f"[tool.gradcheck.peers.mine]\ncommand = [{sys.executable!r}, {str(EXAMPLES / 'peer.py')!r}]\ntimeout = 5.0\n"
    )
    (tmp_path / "pyproject.toml").write_text(text)
    peer = configured("mine", tmp_path)
    assert peer.name == "python-example" and peer.host.timeout == 5.0
    peer.host.close()
    with pytest.raises(UsageError, match="it has mine"):
        configured("yours", tmp_path)


def test_a_peer_is_looked_for_upwards_and_runs_where_its_file_is(tmp_path, monkeypatch):
    """From two directories below, past a file without a table of ours; the command is relative to the file that names it."""
    below = tmp_path / "package" / "deep"
    below.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.gradcheck.peers.mine]\ncommand = [{sys.executable!r}, "./own_peer.py"]\n'
    )
    (tmp_path / "own_peer.py").write_text((EXAMPLES / "peer.py").read_text())
    (tmp_path / "package" / "pyproject.toml").write_text('[project]\nname = "of-another-tool"\n')
    monkeypatch.chdir(below)
    for peer in (load("peer:mine"), configured("mine", below)):
        assert peer.name == "python-example"
        peer.host.close()
    (below / "pyproject.toml").write_text("[tool.gradcheck.peers.other]\ncommand = 'true'\n")
    with pytest.raises(UsageError, match=r"deep/pyproject.toml has no .*peers.mine\]; it has other"):
        configured("mine")


def test_a_peer_without_any_file_says_what_to_give(tmp_path):
    with pytest.raises(UsageError, match=r"peer:mine: no pyproject.toml in .* give \[tool.gradcheck.peers.mine\]"):
        configured("mine", tmp_path)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("timeout = 3", "give command"),
        ("command = []", "give command"),
        ("command = 3", "give command"),
        ("command = ['a', 3]", "give a text, or a list of texts"),
        ("command = 'a'\nspeed = 3", "give command, and timeout"),
        ("command = 'a'\ntimeout = 'long'", "timeout = 'long': give a number of seconds"),
        ("command = 'a'\ntimeout = 0", "timeout = 0: give a number of seconds"),
        ("command = 'a'\nmemory = true", "memory = True: give a number of bytes"),
    ],
)
def test_what_a_peers_table_has_wrong_is_named_with_its_file(table, says, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f"[tool.gradcheck.peers.mine]\n{table}\n")
    with pytest.raises(UsageError) as caught:
        configured("mine", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'pyproject.toml'}: [tool.gradcheck.peers.mine]")
    assert says in str(caught.value)


@pytest.mark.parametrize("encoding", ["b64", "hex"])
@pytest.mark.parametrize("dtype", wire.DTYPES)
def test_tensors_travel_unchanged(dtype, encoding):
    values = np.array([[0.0, -0.0, 1.5], [np.inf, -2.0, np.nan]])
    given = (values > 0 if dtype == "bool" else np.nan_to_num(values, posinf=7)).astype(dtype)
    given = values.astype(dtype) if "float" in dtype else given
    back = wire.array(wire.tensor(given, encoding))
    assert back.dtype == given.dtype and back.tobytes() == given.tobytes()


def test_the_published_schema_is_the_one_in_use():
    published = (Path(__file__).parents[2] / "docs" / "peer-protocol.schema.json").read_bytes()
    assert msgspec.json.decode(published) == msgspec.json.decode(msgspec.json.encode(wire.schema()))


def test_journalled_before_it_is_sent(tmp_path):
    journal = tmp_path / "journal"
    peer = Peer([sys.executable, "-c", PRELUDE + "    os._exit(1)"], journal=journal)
    with pytest.raises(PeerCrash):
        peer.implementation("sin", {}).forward(X)
    last = msgspec.json.decode(journal.read_bytes().splitlines()[-1], type=wire.Request)
    assert last.method == "forward" and np.array_equal(wire.array(last.params.inputs[0]), X)


def test_a_run_of_an_isolated_subject_and_of_a_peer(tmp_path, monkeypatch, capfd):
    text = f"[tool.gradcheck.peers.mine]\ncommand = [{sys.executable!r}, {str(EXAMPLES / 'peer.py')!r}]\n"
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    options = ["--operators", "sin", "--profile", "quick", "--jobs", "1", "--out", str(tmp_path / "out")]
    assert execute(["run", "peer:mine", *options]) == 0, capfd.readouterr().out
    assert "python-example  1 operators, 1 ok" in capfd.readouterr().out
    assert execute(["run", "reference", "--isolate", *options]) == 0, capfd.readouterr().out
    assert "reference  1 operators, 1 ok" in capfd.readouterr().out
