"""Gradients of the reference networks beside those of other tools: ``python -m benchmarks.networks``.

1. The gradient of a 784-128-128-10 tanh network by all its weights, batch 256, float64, quadratic cost.
2. Value and gradient of one program of 10^5 scalar operations, and how time and memory grow from 10^3 to 10^6.

Every tool runs in a process of its own, with one thread, and they take turns, so that what disturbs the machine disturbs
all of them.  Times are the processor's, of all threads of a process: what else runs on the machine takes none of it.
A tool that an interpreter lacks can be run by another: ``--python torch=/path/to/python``.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Task = Callable[[], list[float]]
"""One run, which gives some numbers by which the tools can be compared."""

# 1. The layered network -----------------------------------------------------------------------------------------------

WIDTHS, BATCH = (784, 128, 128, 10), 256


def network() -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(a, b)) / a**0.5, 0.1 * rng.normal(size=b)) for a, b in pairwise(WIDTHS)]
    return layers, rng.normal(size=(BATCH, WIDTHS[0])), rng.normal(size=(BATCH, WIDTHS[-1]))


def _few(gradients: Sequence[Any]) -> list[float]:
    return [float(np.sum(np.asarray(part) ** 2)) for part in gradients]


def network_here() -> Task:
    from reference_nets import generic, mlp

    arrays, x, y = network()
    layers = tuple(mlp.Layer(w, b) for w, b in arrays)
    activations = (generic.hyperbolic_tangent(),) * len(layers)
    return lambda: [part for layer in mlp.gradient(layers, activations, mlp.quadratic, x, y) for part in layer]


def products_alone() -> Task:
    """The matrix products of the gradient in NumPy and nothing else: no code on NumPy's BLAS can be faster."""
    layers, x, y = network()
    values, deltas = [x, y[:, :1] * np.ones(WIDTHS[1]), y[:, :1] * np.ones(WIDTHS[2])], []

    def task() -> list[float]:
        deltas[:] = [a @ w for a, (w, _) in zip(values, layers, strict=True)]
        products = [a.T @ d for a, d in zip(values, deltas, strict=True)]
        products += [d @ w.T for d, (w, _) in zip(deltas[1:], layers[1:], strict=True)]
        return []  # not a gradient: nothing to compare

    return task


def _cost(numpy: Any, x: Any, y: Any) -> Callable[[Any], Any]:
    def cost(layers: Any) -> Any:
        a = x
        for w, b in layers:
            a = numpy.tanh(a @ w + b)
        return ((a - y) ** 2).sum() / (2 * BATCH)

    return cost


def network_autograd() -> Task:
    import autograd

    layers, x, y = network()
    gradient = autograd.grad(_cost(autograd.numpy, x, y))
    return lambda: [part for layer in gradient(layers) for part in layer]


def network_torch() -> Task:
    import torch

    torch.set_num_threads(1)
    arrays, x, y = network()
    layers = [tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in arrays]
    flat = [part for layer in layers for part in layer]
    cost = _cost(torch, torch.tensor(x), torch.tensor(y))
    return lambda: list(torch.autograd.grad(cost(layers), flat))


def network_jax() -> Task:
    import jax

    jax.config.update("jax_enable_x64", True)
    layers, x, y = network()
    gradient = jax.jit(jax.grad(_cost(jax.numpy, x, y)))
    return lambda: [part.block_until_ready() for layer in gradient(layers) for part in layer]


# 2. The scalar program ------------------------------------------------------------------------------------------------

INPUTS = 10
Instruction = tuple[str, int, Any]
"""("+" or "*", a, b), ("scale", a, number) or ("relu", a, None), where a and b are numbers of earlier results."""


WINDOW = 1_000


def instructions(size: int) -> list[Instruction]:
    """A random program of that many operations or a few more, in which every result matters to the last.

    One operand is the oldest result that nobody has read, the other any of the last thousand; what grows or shrinks is
    scaled back by a power of 2.  So the depth grows with the size, and a long program reads no farther back than a short
    one: it is not the caches of the machine that are measured.
    """
    rng = random.Random(size)
    values, program, unread = list(_inputs()), [], list(range(INPUTS))[::-1]

    def append(instruction: Instruction) -> None:
        program.append(instruction)
        values.append(_apply(instruction, values))

    while len(program) < size or len(unread) > 1:
        a = unread.pop()
        ending = len(program) >= size - len(unread)
        b = unread.pop() if ending and unread else max(0, len(values) - 1 - rng.randrange(WINDOW))
        append(("+", a, b) if ending or rng.random() < 0.6 else ("*", a, b))
        if not 0.25 < abs(values[-1]) < 2:
            append(("scale", len(values) - 1, 2.0 ** -math.frexp(values[-1])[1]))
        elif values[-1] > 0 and not ending:
            append(("relu", len(values) - 1, None))
        unread.insert(0, len(values) - 1)
    return program


def _inputs() -> list[float]:
    return [0.3 + 0.05 * k for k in range(INPUTS)]


def _apply(instruction: Instruction, values: Sequence[Any], relu: Callable[[Any], Any] = lambda v: v * (v > 0)) -> Any:
    kind, a, b = instruction
    if kind == "+":
        return values[a] + values[b]
    if kind == "*":
        return values[a] * values[b]
    return relu(values[a]) if kind == "relu" else values[a] * b


def run(program: list[Instruction], inputs: Sequence[Any], relu: Callable[[Any], Any]) -> Any:
    """The program on numbers of any kind; every tool runs this."""
    values = list(inputs)
    append = values.append
    for kind, a, b in program:
        if kind == "+":
            append(values[a] + values[b])
        elif kind == "*":
            append(values[a] * values[b])
        elif kind == "scale":
            append(values[a] * b)
        else:
            append(relu(values[a]))
    return values[-1]


def scalar_plain(size: int) -> Task:
    program = instructions(size)
    return lambda: [run(program, _inputs(), lambda v: v * (v > 0))]


def scalar_tape(size: int) -> Task:
    from reference_nets.tape import value_and_gradient

    program = instructions(size)

    def task() -> list[float]:
        value, slopes = value_and_gradient(lambda *x: run(program, x, lambda v: v * (v > 0)), *_inputs())
        return [value, *slopes]

    return task


def scalar_graph(size: int, *, anew: bool = True) -> Task:
    """The port hypergraph, built anew in every run or once before all of them."""
    from reference_nets import backprop, generic, operations
    from reference_nets.graph import Graph, Vertex

    program = instructions(size)
    relu = operations.entrywise(generic.relu)
    table = {"+": operations.add, "*": operations.multiply, "relu": relu}
    names = [f"x{k}" for k in range(INPUTS)] + [f"v{k}" for k in range(len(program))]

    def build() -> Graph:
        vertices = []
        for output, (kind, a, b) in zip(names[INPUTS:], program, strict=True):
            read = (names[a], names[b]) if kind in "+*" else (names[a],)
            vertices.append(Vertex(operations.scaled(b) if kind == "scale" else table[kind], read, (output,)))
        return Graph(tuple(names[:INPUTS]), tuple(vertices))

    built = build()

    def task() -> list[float]:
        graph = build() if anew else built
        values = backprop.evaluate(graph, dict(zip(graph.sources, _inputs(), strict=True)))
        bars = backprop.vjp(graph, values, {names[-1]: 1.0})
        return [values[names[-1]], *bars.values()]

    return task


def scalar_graph_built(size: int) -> Task:
    return scalar_graph(size, anew=False)


def scalar_micrograd(size: int) -> Task:
    from micrograd.engine import Value

    program = instructions(size)

    def task() -> list[float]:
        inputs = [Value(x) for x in _inputs()]
        output = run(program, inputs, Value.relu)
        output.backward()
        return [output.data, *(x.grad for x in inputs)]

    return task


def scalar_torch(size: int) -> Task:
    import torch

    torch.set_num_threads(1)
    program = instructions(size)

    def task() -> list[float]:
        inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in _inputs()]
        output = run(program, inputs, torch.relu)
        return [v.item() for v in (output, *torch.autograd.grad(output, inputs))]

    return task


SCALAR = 100_000
TASKS: dict[str, dict[str, Callable[[], Task]]] = {
    "network": {
        "here": network_here,
        "autograd": network_autograd,
        "torch": network_torch,
        "jax": network_jax,
        "matrix products alone": products_alone,
    },
    "scalar": {
        "here": lambda: scalar_tape(SCALAR),
        "here, graph": lambda: scalar_graph(SCALAR),
        "here, graph built before": lambda: scalar_graph_built(SCALAR),
        "micrograd": lambda: scalar_micrograd(SCALAR),
        "torch": lambda: scalar_torch(SCALAR),
        "no gradient": lambda: scalar_plain(SCALAR),
    },
}
REPETITIONS = {"network": 5, "scalar": 1}
"""Runs in a row that one turn of a tool takes; a run of the network is short."""

# Processes that take turns --------------------------------------------------------------------------------------------


def work(part: str, tool: str) -> None:
    """A worker: for every line on its input one turn, answered by the seconds of a run and its numbers.

    The line says whether Python's collector of cyclic garbage is on meanwhile.
    """
    try:
        task = TASKS[part][tool]()
        task()  # compilers compile, caches fill
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        gc.collect()
        (gc.enable if line.strip() == "collecting" else gc.disable)()
        start = time.process_time()
        for _ in range(REPETITIONS[part]):
            numbers = task()
        seconds = (time.process_time() - start) / REPETITIONS[part]
        print(json.dumps({"seconds": seconds, "numbers": _few(numbers) if part == "network" else numbers}), flush=True)


ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")} | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
}
"""NumPy's libraries, PyTorch and JAX read these when they start."""


class Worker:
    def __init__(self, part: str, tool: str, python: str) -> None:
        command = [python, "-m", "benchmarks.networks", "--worker", part, tool]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD}
        )
        self.seconds: list[float] = []
        self.numbers: list[float] = []
        first = self.process.stdout.readline() if self.process.stdout else ""
        self.missing = json.loads(first).get("missing") if first else "the process ended at once"

    def turn(self, *, collecting: bool) -> None:
        assert self.process.stdin and self.process.stdout
        print("collecting" if collecting else "not", file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.seconds.append(answer["seconds"])
        self.numbers = answer["numbers"]

    def end(self) -> None:
        self.process.communicate()


def compare(part: str, rounds: int, pythons: dict[str, str], *, collecting: bool) -> None:
    """Let the tools take turns, and print the median, the least, and the median ratio to the first, taken round by round."""
    print(f"  garbage collector {'on, as Python has it' if collecting else 'off, as timeit has it'}")
    workers = {tool: Worker(part, tool, pythons.get(tool, sys.executable)) for tool in TASKS[part]}
    for tool in [tool for tool, worker in workers.items() if worker.missing]:
        print(f"  {tool:26s} not compared: {workers[tool].missing}")
        workers.pop(tool).end()
    for _ in range(rounds):
        for worker in workers.values():
            worker.turn(collecting=collecting)
    first = workers["here"]
    for tool, worker in workers.items():
        ratio = float(np.median(np.divide(worker.seconds, first.seconds)))
        print(
            f"  {tool:26s} {1e3 * float(np.median(worker.seconds)):9.2f} ms, least {1e3 * min(worker.seconds):9.2f} ms,"
            f" {ratio:6.2f} x; apart by {_apart(worker.numbers, first.numbers):.1e} of its size"
        )
        worker.end()


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    a, b = (np.asarray(numbers) for numbers in (one, other))
    n = min(len(a), len(b))  # without gradient there is a value alone, of products nothing
    if not n:
        return math.nan
    return float(np.max(np.abs(a[:n] - b[:n])) / np.max(np.abs(b[:n])))


# Growth ---------------------------------------------------------------------------------------------------------------


def growth(name: str, make: Callable[[int], Task], sizes: Sequence[int]) -> None:
    """Time and memory of a run, and the slope of their logarithms against that of the number of edges; 1 is linear.

    Processor time, without the garbage collector, which visits all objects again and again while they become more.
    """
    gc.disable()
    edges, seconds, peaks = [], [], []
    for size in sizes:
        task = make(size)
        edges.append(sum(2 if kind in "+*" else 1 for kind, *_ in instructions(size)))
        times = []
        for _ in range(max(3, min(200, 200_000 // size))):
            gc.collect()
            start = time.process_time()
            task()
            times.append(time.process_time() - start)
        seconds.append(min(times))
        gc.collect()
        tracemalloc.start()
        task()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        print(
            f"  {name:12s} {edges[-1]:9d} edges {1e3 * seconds[-1]:10.2f} ms {1e6 * seconds[-1] / edges[-1]:6.2f} us an edge"
            f" {peaks[-1] / 2**20:8.1f} MiB {peaks[-1] / edges[-1]:6.0f} bytes an edge"
        )
    gc.enable()
    slopes = [float(np.polyfit(np.log(edges), np.log(what), 1)[0]) for what in (seconds, peaks)]
    print(f"  {name:12s} slope of log time {slopes[0]:.3f}, of log memory {slopes[1]:.3f}, against log edges")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of every tool (default 15)")
    parser.add_argument("--only", choices=["network", "scalar", "growth"], help="one part alone")
    parser.add_argument(
        "--python", action="append", default=[], metavar="TOOL=PATH", help="an interpreter for one tool"
    )
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    pythons = dict(pair.split("=", 1) for pair in options.python)
    if options.only in (None, "network"):
        print(f"gradient of a {'-'.join(map(str, WIDTHS))} tanh network, batch {BATCH}, float64")
        compare("network", options.rounds, pythons, collecting=True)
    if options.only in (None, "scalar"):
        print(f"value and gradient of a program of {len(instructions(SCALAR))} scalar operations")
        for collecting in (True, False):
            compare("scalar", options.rounds, pythons, collecting=collecting)
    if options.only in (None, "growth"):
        print("growth of time and memory; the program without gradients shows what the machine itself adds")
        growing = {"no gradient": scalar_plain, "tape": scalar_tape, "graph": scalar_graph, "built": scalar_graph_built}
        for name, make in growing.items():
            growth(name, make, [1_000, 10_000, 100_000, 1_000_000])


if __name__ == "__main__":
    if "network" in sys.argv:
        main()  # in a thread of its own malloc gives memory back to the system after each array, and faults it in again
    else:
        # micrograd sorts by recursion: deep Python frames need a deep stack, and only threads can be given one
        sys.setrecursionlimit(10_000_000)
        threading.stack_size(512 * 2**20)
        thread = threading.Thread(target=main)
        thread.start()
        thread.join()
