"""``gradcheck peer``: what helps those who write a peer in another language."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import cyclopts
import numpy as np
from cyclopts import Parameter

from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from gradcheck.subjects.protocol import Exhibit

app = cyclopts.App(name="peer", help="Peers: subjects in other processes and languages.")


@app.command
def check(*command: Annotated[str, Parameter(allow_leading_hyphen=True)], timeout: float = 60.0) -> int:
    """Start a peer, and ask it a forward, a vjp and, where listed, a jvp of every operator, and each program that it can say.

    Does it keep the protocol?

    Parameters
    ----------
    command
        The command that starts the peer, after --.
    timeout
        Seconds for each answer.
    """
    from gradcheck.subjects.peers import Peer

    if not command:
        raise UsageError("peer check: give the command that starts the peer, after --")
    from gradcheck.subjects.protocol import exhibits_of

    peer = Peer(command, timeout=timeout)
    programs = exhibits_of(peer)
    about = peer.host.about
    print(f"{peer.name} {peer.version}  {len(about.operators)} operators  {', '.join(about.dtypes)}  {about.encoding}")
    try:
        problems = [problem for name in about.operators if (problem := _problem(peer, name))]
        unsaid = [problem for name, make in programs.items() if (problem := _unsaid(name, make()))]
    finally:
        peer.host.close()
    for problem in (*problems, *unsaid):
        print(f"problem  {problem}")
    print(f"{len(about.operators) - len(problems)} of {len(about.operators)} operators answer as the protocol asks")
    if about.operations:
        print(f"{len(programs) - len(unsaid)} of {len(programs)} programs answer as the protocol asks")
    return 1 if problems or unsaid else 0


@app.command
def schema() -> int:
    """Print the JSON Schema of the protocol's lines."""
    from gradcheck.subjects import wire

    json.dump(wire.schema(), sys.stdout, indent=1, sort_keys=True)
    print()
    return 0


def isolating(names: Sequence[str], memory: float = 0.0) -> list[str]:
    """The same subjects, each in a process of its own, of so many gibibytes at most if that is not 0; a peer has one already."""
    limit = f"{int(memory * 2**30)}:" if memory else ""
    return [name if name.startswith("peer:") else f"isolated:{limit}{name}" for name in names]


def _unsaid(name: str, exhibit: Exhibit) -> str:
    from gradcheck.subjects.process import PeerError

    assert exhibit.forward is not None and exhibit.vjp is not None
    try:
        value = exhibit.forward(*exhibit.inputs)
        cotangents = tuple(map(np.ones_like, value)) if isinstance(value, tuple) else np.ones_like(value)
        gradients = exhibit.vjp(cotangents, *exhibit.inputs)
    except (PeerError, ArithmeticError) as error:
        return f"{name}: {type(error).__name__}: {error}"
    for k, (x, g) in enumerate(zip(exhibit.inputs, gradients, strict=True)):
        if g.shape != x.shape:
            return f"{name}: the gradient of leaf {k} has shape {g.shape}; it must have {x.shape}"
    return ""


def _problem(peer: object, name: str) -> str:
    from gradcheck import catalogue
    from gradcheck.engine.definition import fill
    from gradcheck.subjects.mapped import active
    from gradcheck.subjects.peers import Peer
    from gradcheck.subjects.process import PeerError

    assert isinstance(peer, Peer)
    if name not in catalogue.operators():
        return f"{name}: no operator of the catalogue has this name; see `gradcheck list`"
    operator = catalogue.operator(name)
    example = operator.examples[0]
    inputs, _ = fill(example, operator.domain, peer.host.about.dtypes[0], np.random.default_rng(0))
    made = peer.implementation(name, example.params)
    assert made is not None
    try:
        value = np.asarray(made.forward(*inputs, **example.params))
        gradients = made.vjp(np.ones_like(value), *inputs, **example.params)
        tangents = tuple(np.ones_like(inputs[k]) for k in active(inputs))
        moved = None if made.jvp is None else np.asarray(made.jvp(tangents, *inputs, **example.params))
    except PeerError as error:
        return f"{name}: {type(error).__name__}: {error}"
    want = np.asarray(operator.definition(*inputs, **example.params))
    if value.shape != want.shape:
        return f"{name}: the output has shape {value.shape}; it must have {want.shape}"
    for k, g in zip(active(inputs), gradients, strict=True):
        if g.shape != inputs[k].shape:
            return f"{name}: the gradient of input {k} has shape {g.shape}; it must have {inputs[k].shape}"
    if moved is not None and moved.shape != value.shape:
        return f"{name}: the tangent of the output has shape {moved.shape}; it must have {value.shape}"
    return ""
