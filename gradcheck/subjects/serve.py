"""The peer's side of the process protocol for a Python subject: ``python -m gradcheck.subjects.serve NAME``."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from io import BufferedReader
from typing import BinaryIO

import msgspec
import numpy as np

from gradcheck import catalogue
from gradcheck.claim import Example
from gradcheck.subjects import load, wire
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Subject


def serve(subject: Subject, lines: BufferedReader, out: BinaryIO) -> None:
    """Answer line by line until the input ends or ``shutdown`` is asked."""
    encoding = "b64"
    for text in lines:
        request = msgspec.json.decode(text, type=wire.Request)
        raw = [np.empty(size, np.uint8) for size in wire.lengths(request.params.tensors(), sys.maxsize)]
        if any(lines.readinto(buffer.data) < buffer.size for buffer in raw):
            return
        if "raw" in request.params.encodings:
            encoding = "raw"
        behind: list[wire.Bytes] = []
        try:
            answer = _answer(subject, request, iter(raw), encoding, behind)
            response = wire.Response(request.id, result=answer)
            if answer is None:
                response.error = wire.Error(wire.UNSUPPORTED, f"no {request.method} of {request.params.operator!r}")
        except Exception as error:
            behind = []
            data = traceback.format_exc()[-4000:]
            response = wire.Response(
                request.id, error=wire.Error(wire.RAISED, f"{type(error).__name__}: {error}"[:4000], data)
            )
        out.write(wire.line(response))
        for buffer in behind:
            out.write(buffer.data)
        out.flush()
        if request.method == "shutdown":
            return


def _answer(
    subject: Subject, request: wire.Request, raw: Iterator[wire.Bytes], encoding: str, behind: list[wire.Bytes]
) -> wire.Answer | None:
    asked = request.params
    if request.method == "initialize":
        return _about(subject, encoding)
    if request.method == "shutdown":
        return wire.Answer()
    params = wire.tuples(asked.params)
    if request.method == "supports":
        if asked.dtype:
            return wire.Answer(supports=subject.supports(asked.operator, np.dtype(asked.dtype)))
        made = subject.implementation(asked.operator, params)
        return wire.Answer(supports=made is not None and (asked.method != "jvp" or made.jvp is not None))
    inputs = [wire.array(t, raw) for t in asked.inputs]
    cotangents = tuple(wire.array(t, raw) for t in asked.cotangents)
    if request.method == "program":
        language = _language(subject)
        if language is None or asked.program is None or not language.has(asked.program):
            return None
        value, gradients = language.gradients(asked.program, inputs, cotangents)
        outputs = wire.tensors(value, encoding, behind)
        return wire.Answer(outputs=outputs, gradients=wire.tensors(gradients, encoding, behind))
    made = subject.implementation(asked.operator, params)
    if made is None or request.method not in ("forward", "vjp", "jvp"):
        return None
    if request.method == "jvp":
        if made.jvp is None:
            return None
        moved = made.jvp(tuple(wire.array(t, raw) for t in asked.tangents), *inputs, **params)
        return wire.Answer(tangents=wire.tensors(moved if isinstance(moved, tuple) else (moved,), encoding, behind))
    if request.method == "forward":
        value = made.forward(*inputs, **params)
        return wire.Answer(outputs=wire.tensors(value if isinstance(value, tuple) else (value,), encoding, behind))
    if made.stateful:
        made.forward(*inputs, **params)
    answer = made.vjp(cotangents if len(cotangents) > 1 else cotangents[0], *inputs, **params)
    return wire.Answer(gradients=wire.tensors(answer if isinstance(answer, tuple) else (answer,), encoding, behind))


def _about(subject: Subject, encoding: str) -> wire.Answer:
    types = ("float64", "float32", "float16", "bfloat16")
    language = _language(subject)
    return wire.Answer(
        name=subject.name,
        version=subject.version,
        operators=[n for n in catalogue.operators() if any(subject.supports(n, np.dtype(d)) for d in types)],
        dtypes=[d for d in types if any(subject.supports(n, np.dtype(d)) for n in catalogue.operators())],
        encoding=encoding,
        operations=[] if language is None else list(language.words),
        manners=["once"] if language is None else list(language.manners),
        jvp=[name for name, each in catalogue.operators().items() if _forward_mode(subject, name, each.examples)],
        supports=True,
    )


def _forward_mode(subject: Subject, name: str, examples: Sequence[Example]) -> bool:
    """Whether there is a jvp for some example's parameters: for others ``supports`` is asked."""
    made = (subject.implementation(name, dict(example.params)) for example in examples)
    return any(each is not None and each.jvp is not None for each in made)


def _language(subject: Subject) -> Language | None:
    method = getattr(subject, "language", None)
    return method() if callable(method) else None


if __name__ == "__main__":
    wires = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the subject prints is no line of the protocol
    serve(load(sys.argv[1]), open(0, "rb"), wires)
