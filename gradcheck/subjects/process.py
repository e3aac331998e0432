"""The host's side of the process protocol: a peer that is started, asked, watched, and ended whatever it does.

What can go wrong has a name each: the peer does not answer in time (``PeerTimeout``), its process ends (``PeerCrash``), a
line is none of the protocol (``PeerProtocol``), an answer belongs to another question (``PeerDesync``), it raises (``PeerRaised``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from gradcheck.subjects import wire
from gradcheck.subjects.channel import Channel, Ended

RESTARTS = 10
"""Times that a peer which failed is started anew; after that every question fails at once."""

LONGEST = 512 * 2**20
"""Bytes of one line, and of what follows it: 40 million doubles."""


class PeerError(Exception):
    """A peer did not do what the protocol asks."""


class PeerTimeout(PeerError):  # noqa: N818  # a verdict's name
    """No answer in time."""


class PeerCrash(PeerError):  # noqa: N818  # a verdict's name
    """The process ended."""


class PeerProtocol(PeerError):  # noqa: N818  # a verdict's name
    """What is no answer."""


class PeerDesync(PeerError):  # noqa: N818  # a verdict's name
    """The answer to another question."""


class PeerRaised(PeerError):  # noqa: N818  # a verdict's name
    """The peer raised, and said so."""


class PeerUnsupported(PeerError):  # noqa: N818  # a verdict's name
    """The peer does not have this, and said so."""


class Host:
    """One peer.  ``memory`` limits its address space in bytes; ``journal`` is a file that gets each question before it is sent;
    ``directory`` is where the command runs, by default here."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = 60.0,
        memory: int | None = None,
        journal: Path | None = None,
        longest: int = LONGEST,
        directory: Path | None = None,
    ) -> None:
        self.command, self.timeout, self.memory, self.journal = list(command), timeout, memory, journal
        self.longest, self.directory, self.starts, self._id = longest, directory, 0, 0
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._tail: deque[bytes] = deque(maxlen=64)
        self.about = wire.Answer()

    def ask(
        self, method: str, asked: wire.Asked, behind: Sequence[wire.Bytes] = ()
    ) -> tuple[wire.Answer, list[wire.Bytes]]:
        """The answer to one question, and its raw bytes.  ``behind`` are the raw bytes of the question.

        Raises PeerError; after any but the last two kinds the process is ended.
        """
        if self._process is None:
            self._start()
        return self._ask(method, asked, behind)

    def start(self) -> wire.Answer:
        """What the peer says of itself; starts it if it does not run."""
        if self._process is None:
            self._start()
        return self.about

    def close(self) -> None:
        """End the process and all that it started, and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream and stream.close()

    def _start(self) -> None:
        if self.starts > RESTARTS:
            raise PeerCrash(f"the peer failed {self.starts} times and is not started again: {' '.join(self.command)}")
        self.starts += 1
        self._tail.clear()
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                cwd=self.directory,
            )
        except OSError as error:
            raise PeerCrash(f"{self.command[0]}: it cannot be started ({error})") from error
        if self.memory is not None:
            import resource

            resource.prlimit(process.pid, resource.RLIMIT_AS, (self.memory, self.memory))
        assert process.stdin and process.stdout and process.stderr
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, AttributeError):  # where pipes can be wider, large arrays are faster
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)
        self._process = process
        self._channel = Channel(process.stdout.fileno(), process.stdin.fileno())
        threading.Thread(target=_drain, args=(process.stderr, self._tail), daemon=True).start()
        self.about = wire.Answer()
        asked = wire.Asked(protocol=wire.PROTOCOL, encodings=list(wire.ENCODINGS))
        about, _ = self._ask("initialize", asked, ())
        if about.encoding not in wire.ENCODINGS:
            self.close()
            raise PeerProtocol(f"initialize: encoding {about.encoding!r:.80} is none of {', '.join(wire.ENCODINGS)}")
        self.about = about

    def _ask(
        self, method: str, asked: wire.Asked, behind: Sequence[wire.Bytes]
    ) -> tuple[wire.Answer, list[wire.Bytes]]:
        self._id += 1
        parts: list[bytes | memoryview] = [wire.line(wire.Request(self._id, method, asked))]
        parts += [each.data for each in behind]
        if self.journal is not None:
            with open(self.journal, "ab") as file:
                file.writelines(parts)
        try:
            response, raw = self._exchange(parts)
        except BaseException:
            self.close()
            raise
        if response.error is not None:
            kind = PeerUnsupported if response.error.code == wire.UNSUPPORTED else PeerRaised
            raise kind(f"{response.error.message[:1000]}\n{response.error.data[-1000:]}".strip())
        assert response.result is not None
        return response.result, raw

    def _exchange(self, parts: Sequence[bytes | memoryview]) -> tuple[wire.Response, list[wire.Bytes]]:
        """Send one question and read its answer, both at once: a peer may answer before it has read everything."""
        channel = self._channel
        assert channel is not None
        deadline = time.monotonic() + self.timeout
        self._refuse(channel.stray(), "before it was asked")
        channel.send(parts)
        try:
            response = self._response(channel.line(deadline, self.longest))
            sizes = wire.lengths(response.result.tensors() if response.result else (), self.longest)
            if sizes and self.about.encoding != "raw":
                raise PeerProtocol("the answer has raw bytes, and initialize did not ask for that encoding")
            raw: list[wire.Bytes] = [np.empty(size, np.uint8) for size in sizes]
            for buffer in raw:
                channel.fill(buffer, deadline)
            channel.finish(deadline)
        except TimeoutError as error:
            raise PeerTimeout(f"no answer within {self.timeout:g} s{error}") from None
        except Ended as error:
            raise self._ended(error.begun) from None
        except ValueError as error:
            raise PeerProtocol(f"the peer wrote what is no answer: {error}") from None
        except MemoryError:
            raise PeerProtocol("the peer announced more raw bytes than there is memory for") from None
        self._refuse(channel.stray(), "behind its answer")
        return response, raw

    def _response(self, got: bytes) -> wire.Response:
        try:
            response = msgspec.json.decode(got, type=wire.Response)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PeerProtocol(
                f"the peer wrote a line that is no answer ({error}): {got[:200]!r}; log to stderr, not to stdout"
            ) from None
        if response.id != self._id:
            raise PeerDesync(f"the peer answered question {response.id} where {self._id} was asked")
        if response.error is None and response.result is None:
            raise PeerProtocol(f"the answer has neither result nor error: {got[:200]!r}")
        return response

    def _refuse(self, stray: bytes, when: str) -> None:
        if stray:
            raise PeerProtocol(f"the peer wrote {when}: {stray[:200]!r}; log to stderr, not to stdout")

    def _ended(self, begun: bytes) -> PeerCrash:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return PeerCrash("the peer closed its stdout and runs on")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        time.sleep(0.01)  # the last words may still be on their way
        said = b"".join(self._tail)[-500:].decode(errors="replace").strip()
        cut = f"; it broke off within a line: {begun[:100]!r}" if begun else ""
        return PeerCrash(f"the peer ended with {how}{cut}{'; its last words: ' + said if said else ''}")


def _drain(stream: object, tail: deque[bytes]) -> None:
    with stream:  # type: ignore[attr-defined]  # a raw stream
        while piece := stream.read(1024):  # type: ignore[attr-defined]  # as above
            tail.append(piece)
