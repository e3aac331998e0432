"""Subjects in processes of their own: peers in any language, and Python subjects that are isolated."""

from __future__ import annotations

import shlex
import sys
import tomllib
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
    """The peer of ``[tool.gradcheck.peers.NAME]`` in pyproject.toml: ``command``, and ``timeout``, ``memory`` if given."""
    path = (directory or Path.cwd()) / "pyproject.toml"
    try:
        peers = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("gradcheck", {}).get("peers", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"peer:{name}: {path} cannot be read ({error})") from error
    if name not in peers:
        raise UsageError(
            f"peer:{name}: {path} has no [tool.gradcheck.peers.{name}]; it has {', '.join(peers) or 'none'}"
        )
    options = dict(peers[name])
    command = options.pop("command", None)
    command = shlex.split(command) if isinstance(command, str) else command
    if not command or set(options) - {"timeout", "memory"}:
        raise UsageError(
            f"[tool.gradcheck.peers.{name}]: give command, and timeout (seconds) or memory (bytes) if you like"
        )
    return Peer(command, **options)


def isolated(name: str, **options: Any) -> Peer:
    """The Python subject of that name in a process of its own."""
    return Peer([sys.executable, "-m", "gradcheck.subjects.serve", name], **options)
