"""The call that is being made, kept outside the process that makes it, so that a crash or a hang has a counterexample.

A worker writes each call of the subject into a mapped file before it makes it, and crosses it out when it returns.  The
pages of a mapping outlive the process, however it ends; they are not synced to the disk, so not a loss of power.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import msgspec
import numpy as np

from gradcheck.engine.containment import Expired
from gradcheck.errors import RecordError
from gradcheck.records import Array, Finding, Point, Record, Severity, Status, Verdict
from gradcheck.subjects.protocol import Implementation, Subject

SIZE = 2**22
"""Bytes of a journal: a call of half a million doubles.  A larger one is not kept."""

LENGTH = 8
"""Bytes at the start that hold the length of the entry; 0 when no call is being made."""

ORIGIN = "the call of {} during which it happened"


class Journal:
    """One worker's journal, for writing."""

    def __init__(self, path: Path) -> None:
        with open(path, "w+b") as file:
            file.truncate(SIZE)
            self._map = mmap.mmap(file.fileno(), SIZE)

    @contextlib.contextmanager
    def during(self, method: str, given: Any, inputs: tuple[Any, ...], params: bytes) -> Iterator[None]:
        """While this lasts the call is on record; ``given`` are its cotangents (vjp) or tangents (jvp)."""
        vectors = given if isinstance(given, (tuple, list)) else () if given is None else (given,)
        entry = msgspec.msgpack.encode((method, params, _packed(vectors), _packed(inputs)))
        if len(entry) <= SIZE - LENGTH:
            self._map[LENGTH : LENGTH + len(entry)] = entry
            self._map[:LENGTH] = len(entry).to_bytes(LENGTH, "little")
        try:
            yield
        except Expired:  # what it was at when its time was over stays on record
            raise
        except BaseException:
            self.clear()
            raise
        self.clear()

    def clear(self) -> None:
        """No call is being made."""
        self._map[:LENGTH] = bytes(LENGTH)


def _packed(values: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Arrays as (name of the type, shape, bytes in C order): a tenth of the time of a line of a records file."""
    arrays = [np.asarray(value) for value in values]
    return [(array.dtype.name, array.shape, array.tobytes()) for array in arrays]


def _unpacked(values: Any) -> tuple[Array, ...]:
    return tuple(
        np.frombuffer(content, np.dtype(getattr(ml_dtypes, name, None) or name)).reshape(shape)
        for name, shape, content in values
    )


def _line(params: Mapping[str, Any]) -> bytes:
    """Parameters as the records file has them; nothing for those that have no form in it."""
    from gradcheck.records_io import encode_line

    finding = Finding(code="", severity=Severity.CONTRACT, argument="*", message="", kwargs=dict(params))
    lone = Record(operator="", subject="", verdict=Verdict.STOPPED, status=Status.INCONCLUSIVE, findings=(finding,))
    try:
        return encode_line(lone)
    except RecordError:
        return b""


def last_call(path: Path) -> Finding | None:
    """The call that was being made when the process ended, as a finding that has only its point and parameters."""
    from gradcheck.records_io import decode_line

    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(LENGTH), "little")
            if not 0 < length <= SIZE - LENGTH:
                return None
            method, params, vectors, inputs = msgspec.msgpack.decode(file.read(length))
        record = decode_line(params)
        given, leaves = _unpacked(vectors), _unpacked(inputs)
    except (OSError, ValueError, TypeError):  # what the subject did to the file is its own affair
        return None
    assert isinstance(record, Record)
    point = Point(
        inputs=leaves,
        cotangents=given if method == "vjp" else (),
        tangents=given if method == "jvp" else None,
        origin=ORIGIN.format(method),
    )
    return replace(record.findings[0], point=point)


def with_call(finding: Finding, call: Finding | None) -> Finding:
    """The finding with the call during which it was made, where that is known."""
    if call is None or finding.point is not None:
        return finding
    return replace(finding, point=call.point, kwargs=call.kwargs)


class Journalled:
    """A subject whose calls are on record while they last."""

    def __init__(self, subject: Subject, journal: Journal) -> None:
        self.name, self.version = subject.name, subject.version
        self.subject, self.journal = subject, journal

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """The subject's own."""
        return self.subject.supports(operator, dtype)

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The subject's own, with each call on record; what is no ``Implementation`` is for others to refuse."""
        made = self.subject.implementation(operator, params)
        if not isinstance(made, Implementation):
            return made
        line = _line(params)
        return replace(
            made,
            forward=self._kept("forward", made.forward, line),
            vjp=self._kept("vjp", made.vjp, line),
            jvp=None if made.jvp is None else self._kept("jvp", made.jvp, line),
        )

    def exhibits(self) -> Mapping[str, Any]:
        """The subject's own; their calls are not on record."""
        from gradcheck.subjects.protocol import exhibits_of

        return exhibits_of(self.subject)

    def _kept(self, method: str, function: Callable[..., Any], line: bytes) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **params: Any) -> Any:
            given, inputs = (None, arguments) if method == "forward" else (arguments[0], arguments[1:])
            with self.journal.during(method, given, inputs, line):
                return function(*arguments, **params)

        return called
