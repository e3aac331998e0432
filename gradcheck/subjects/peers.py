"""Subjects in processes of their own: peers in any language, and Python subjects that are isolated."""

from __future__ import annotations

import shlex
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradcheck import config
from gradcheck.errors import UsageError
from gradcheck.subjects import wire
from gradcheck.subjects.mapped import active
from gradcheck.subjects.process import Host, PeerError, PeerProtocol
from gradcheck.subjects.programs import OPERATIONS, Language, Program
from gradcheck.subjects.protocol import Implementation


class Peer:
    """A peer as a subject.  Raises UsageError where it cannot even say its name."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        self.host = Host(command, **options)
        weakref.finalize(self, self.host.close)
        try:
            about = self.host.start()
        except PeerError as error:
            raise UsageError(f"peer {shlex.join(command)}: {type(error).__name__}: {error}") from error
        self.name, self.version = about.name, about.version or "unknown"
        self._operators, self._dtypes = frozenset(about.operators), frozenset(about.dtypes)
        self._forward_mode = frozenset(about.jvp)
        if not self.name:
            raise UsageError(f"peer {shlex.join(command)}: initialize gave no name")

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """Forward, vjp and, where it lists that, jvp by questions to the peer.

        None where it does not list the operator, or says so if asked.
        """
        if operator not in self._operators or not self._says(wire.Asked(operator=operator, params=wire.plain(params))):
            return None

        def forward(*inputs: Any, **given: Any) -> Any:
            asked = wire.Asked(operator=operator, params=wire.plain(given))
            return self._one_or_more(self._found("forward", asked, inputs)[0])

        def vjp(cotangent: Any, *inputs: Any, **given: Any) -> Any:
            cotangents = cotangent if isinstance(cotangent, tuple) else (cotangent,)
            asked = wire.Asked(operator=operator, params=wire.plain(given))
            found = self._found("vjp", asked, inputs, cotangents)[1]
            if len(found) != len(active(inputs)):
                raise PeerProtocol(f"{len(found)} gradients for {len(active(inputs))} inputs of floating type")
            return found

        def jvp(tangents: Any, *inputs: Any, **given: Any) -> Any:
            asked = wire.Asked(operator=operator, params=wire.plain(given))
            return self._one_or_more(self._found("jvp", asked, inputs, tangents=tangents)[2])

        moves = operator in self._forward_mode and self._says(
            wire.Asked(operator=operator, params=wire.plain(params), method="jvp")
        )
        return Implementation(forward=forward, vjp=vjp, jvp=jvp if moves else None, where=f"peer {self.name}")

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """What the peer said of itself."""
        name = np.dtype(dtype).name
        return (
            operator in self._operators
            and name in self._dtypes
            and self._says(wire.Asked(operator=operator, dtype=name))
        )

    def language(self) -> Language:
        """Whole programs, of the operations that the peer has."""
        about = self.host.about
        own = {name: word for name, word in OPERATIONS.items() if name in about.operations}
        return Language(own, tuple(about.manners), self._gradients)

    def _gradients(
        self, program: Program, leaves: Sequence[Any], cotangents: Sequence[Any]
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        outputs, gradients, _ = self._found("program", wire.Asked(program=program), leaves, cotangents)
        if len(outputs) != len(program.outputs) or len(gradients) != program.leaves:
            raise PeerProtocol(
                f"{len(outputs)} outputs and {len(gradients)} gradients of a program that has {len(program.outputs)} "
                f"and {program.leaves} leaves"
            )
        return outputs, gradients

    def _says(self, asked: wire.Asked) -> bool:
        """What the peer answers to ``supports``; one that has no such method has what it listed."""
        return not self.host.about.supports or self.host.ask("supports", asked)[0].supports

    def _found(
        self,
        method: str,
        asked: wire.Asked,
        inputs: Sequence[Any],
        cotangents: Sequence[Any] = (),
        tangents: Sequence[Any] = (),
    ) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """The outputs, the gradients and the tangents that the peer answers, those that are due by the method."""
        encoding = self.host.start().encoding
        behind: list[wire.Bytes] = []
        asked.inputs = wire.tensors(inputs, encoding, behind)
        asked.cotangents = wire.tensors(cotangents, encoding, behind)
        asked.tangents = wire.tensors(tangents, encoding, behind)
        answer, raw = self.host.ask(method, asked, behind)
        left = iter(raw)
        outputs = self._arrays(answer.outputs, "outputs", left, due=method in ("forward", "program"))
        gradients = self._arrays(answer.gradients, "gradients", left, due=method in ("vjp", "program"))
        return outputs, gradients, self._arrays(answer.tangents, "tangents", left, due=method == "jvp")

    @staticmethod
    def _arrays(
        given: list[wire.Tensor] | None, what: str, left: Iterator[wire.Bytes], *, due: bool
    ) -> tuple[Any, ...]:
        if given is None and due:
            raise PeerProtocol(f"the answer has no {what}")
        try:
            return tuple(wire.array(each, left) for each in given or ())
        except ValueError as error:
            raise PeerProtocol(f"{what}: {error}") from error

    @staticmethod
    def _one_or_more(values: tuple[Any, ...]) -> Any:
        return values[0] if len(values) == 1 else values


def configured(name: str, directory: Path | None = None) -> Peer:
    """The peer of ``[tool.gradcheck.peers.NAME]``: ``command``, and ``timeout``, ``memory`` if given.

    The table is looked for as every setting is, in ``directory`` (default: the working directory) and above it; the command
    runs in the directory of the file that names it.
    """
    path, peers = config.peers(directory)
    if path is None:
        raise UsageError(
            f"peer:{name}: no pyproject.toml in {directory or Path.cwd()} or above it has [tool.gradcheck]; "
            f"give [tool.gradcheck.peers.{name}] with a command"
        )
    if name not in peers:
        raise UsageError(
            f"peer:{name}: {path} has no [tool.gradcheck.peers.{name}]; it has {', '.join(peers) or 'none'}"
        )
    where = f"{path}: [tool.gradcheck.peers.{name}]"
    options = dict(peers[name]) if isinstance(peers[name], dict) else {}
    command = options.pop("command", None)
    command = shlex.split(command) if isinstance(command, str) else command
    if not command or not isinstance(command, list) or set(options) - {"timeout", "memory"}:
        raise UsageError(f"{where}: give command, and timeout (seconds) or memory (bytes) if you like")
    if not all(isinstance(word, str) for word in command):
        raise UsageError(f"{where} command = {command!r}: give a text, or a list of texts")
    for key, value in options.items():
        if not isinstance(value, (int, float) if key == "timeout" else int) or isinstance(value, bool) or not value > 0:
            raise UsageError(f"{where} {key} = {value!r}: give a number of {_UNITS[key]}")
    return Peer(command, directory=path.parent, **options)


_UNITS = {"timeout": "seconds", "memory": "bytes"}


def isolated(name: str, **options: Any) -> Peer:
    """The Python subject of that name in a process of its own; ``BYTES:NAME`` limits its address space."""
    limit, colon, rest = name.partition(":")
    if colon and limit.isdecimal():  # no name of a module
        name, options = rest, {"memory": int(limit), **options}
    return Peer([sys.executable, "-m", "gradcheck.subjects.serve", name], **options)
