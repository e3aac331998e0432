"""Subjects in processes of their own: peers in any language, and Python subjects that are isolated."""

from __future__ import annotations

import shlex
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradcheck import config
from gradcheck.errors import UsageError
from gradcheck.subjects import wire
from gradcheck.subjects.mapped import active
from gradcheck.subjects.process import Host, PeerError, PeerProtocol
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
        if not self.name:
            raise UsageError(f"peer {shlex.join(command)}: initialize gave no name")

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """Forward and vjp by questions to the peer; None where it does not list the operator."""
        if operator not in self._operators:
            return None

        def forward(*inputs: Any, **given: Any) -> Any:
            answer = self.host.ask("forward", self._asked(operator, inputs, given))
            return self._one_or_more(self._arrays(answer.outputs, "outputs"))

        def vjp(cotangent: Any, *inputs: Any, **given: Any) -> Any:
            cotangents = cotangent if isinstance(cotangent, tuple) else (cotangent,)
            asked = self._asked(operator, inputs, given)
            asked.cotangents = wire.tensors(cotangents, self.host.about.encoding)
            found = self._arrays(self.host.ask("vjp", asked).gradients, "gradients")
            if len(found) != len(active(inputs)):
                raise PeerProtocol(f"{len(found)} gradients for {len(active(inputs))} inputs of floating type")
            return found

        return Implementation(forward=forward, vjp=vjp, where=f"peer {self.name}")

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """What the peer said of itself."""
        return operator in self._operators and np.dtype(dtype).name in self._dtypes

    def _asked(self, operator: str, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> wire.Asked:
        encoding = self.host.about.encoding
        return wire.Asked(operator=operator, inputs=wire.tensors(inputs, encoding), params=wire.plain(params))

    def _arrays(self, given: list[wire.Tensor] | None, what: str) -> tuple[Any, ...]:
        if given is None:
            raise PeerProtocol(f"the answer has no {what}")
        try:
            return tuple(map(wire.array, given))
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
    """The Python subject of that name in a process of its own."""
    return Peer([sys.executable, "-m", "gradcheck.subjects.serve", name], **options)
