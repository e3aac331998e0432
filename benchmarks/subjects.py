"""What the adapters and the process protocol cost.  Run ``python -m benchmarks.subjects``.

In process: a forward through the adapter against the framework's own call on the same arrays, in microseconds; what the
adapter adds is the conversion of arrays and the call.  Peers: a forward of ten numbers in milliseconds, and of a million
against the same bytes copied through a pipe to ``cat`` and back.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.subjects import load
from gradcheck.subjects.peers import isolated

CALL, ROUND, TIMES = 50e-6, 0.5e-3, 4.0
"""What is promised: seconds added to a call, seconds for ten numbers, and the ratio to the copy."""


def best(function: Callable[[], Any], repeats: int, rounds: int = 7) -> float:
    """Seconds of one call: the best mean of several rounds, since other processes can only add."""
    function()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(repeats):
            function()
        times.append((time.perf_counter() - begun) / repeats)
    return min(times)


def own_call(name: str, x: Any) -> Callable[[], Any]:
    """The framework's own sine, from array to array."""
    if name == "torch":
        import torch

        return lambda: torch.sin(torch.from_numpy(x)).numpy()
    if name == "jax":
        import jax

        def run() -> Any:
            with jax.enable_x64(True):
                return np.asarray(jax.numpy.sin(jax.numpy.array(x)))

        return run
    import autograd.numpy as anp

    return lambda: anp.sin(x)


def through_pipe(data: bytes) -> float:
    """Seconds to send bytes to ``cat`` and read them back."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin and process.stdout

        def send() -> None:
            left = memoryview(data)
            while left:
                left = left[os.write(process.stdin.fileno(), left) :]  # type: ignore[union-attr]  # a pipe, above

        def once() -> None:
            writer = threading.Thread(target=send)
            writer.start()
            size = 0
            while size < len(data):
                size += len(os.read(process.stdout.fileno(), 2**20))  # type: ignore[union-attr]  # as above
            writer.join()

        seconds = best(once, 1)
        process.stdin.close()
        return seconds


def main() -> None:
    x = np.linspace(-1, 1, 10)
    for name in ("torch", "jax", "autograd"):
        if importlib.util.find_spec(name) is None:
            print(f"{name:<10} is not installed")
            continue
        made = load(name).implementation("sin", {})
        assert made is not None
        ours, theirs = best(functools.partial(made.forward, x), 300), best(own_call(name, x), 300)
        added = ours - theirs
        print(f"{name:<10} {theirs * 1e6:7.1f} us  adapter adds {added * 1e6:6.1f} us  {verdict(added <= CALL)}")
    peer = isolated("reference")
    made = peer.implementation("square", {})
    assert made is not None
    small = best(functools.partial(made.forward, x), 100)
    print(f"peer, 10 numbers       {small * 1e3:7.3f} ms  {verdict(small <= ROUND)}")
    large = np.random.default_rng(0).normal(size=10**6)
    ours, copy = best(functools.partial(made.forward, large), 1), through_pipe(large.tobytes())
    print(f"peer, 10^6 numbers     {ours * 1e3:7.1f} ms, pipe {copy * 1e3:6.1f} ms: {ours / copy:5.1f} times  ", end="")
    print(verdict(ours <= TIMES * copy))
    peer.host.close()


def verdict(kept: bool) -> str:
    return "as promised" if kept else "MORE THAN PROMISED"


if __name__ == "__main__":
    main()
