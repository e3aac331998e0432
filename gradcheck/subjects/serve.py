"""The peer's side of the process protocol for a Python subject: ``python -m gradcheck.subjects.serve NAME``."""

from __future__ import annotations

import os
import sys
import traceback
from typing import BinaryIO

import msgspec
import numpy as np

from gradcheck import catalogue
from gradcheck.subjects import load, wire
from gradcheck.subjects.protocol import Subject


def serve(subject: Subject, lines: BinaryIO, out: BinaryIO) -> None:
    """Answer line by line until the input ends or ``shutdown`` is asked."""
    for text in lines:
        request = msgspec.json.decode(text, type=wire.Request)
        try:
            answer = _answer(subject, request)
            response = wire.Response(request.id, result=answer)
            if answer is None:
                response.error = wire.Error(wire.UNSUPPORTED, f"no {request.method} of {request.params.operator!r}")
        except Exception as error:
            data = traceback.format_exc()[-4000:]
            response = wire.Response(
                request.id, error=wire.Error(wire.RAISED, f"{type(error).__name__}: {error}"[:4000], data)
            )
        out.write(wire.line(response))
        out.flush()
        if request.method == "shutdown":
            return


def _answer(subject: Subject, request: wire.Request) -> wire.Answer | None:
    asked = request.params
    if request.method == "initialize":
        types = [d for d in ("float64", "float32", "float16", "bfloat16") if subject.supports("add", np.dtype(d))]
        names = [n for n in catalogue.operators() if subject.supports(n, np.dtype(float))]
        return wire.Answer(name=subject.name, version=subject.version, operators=names, dtypes=types or ["float64"])
    if request.method == "shutdown":
        return wire.Answer()
    params = wire.tuples(asked.params)
    made = subject.implementation(asked.operator, params)
    if made is None or request.method not in ("forward", "vjp"):
        return None
    inputs = [wire.array(t) for t in asked.inputs]
    if request.method == "forward":
        value = made.forward(*inputs, **params)
        return wire.Answer(outputs=wire.tensors(value if isinstance(value, tuple) else (value,)))
    cotangents = tuple(wire.array(t) for t in asked.cotangents)
    if made.stateful:
        made.forward(*inputs, **params)
    answer = made.vjp(cotangents if len(cotangents) > 1 else cotangents[0], *inputs, **params)
    return wire.Answer(gradients=wire.tensors(answer if isinstance(answer, tuple) else (answer,)))


if __name__ == "__main__":
    wires = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the subject prints is no line of the protocol
    serve(load(sys.argv[1]), sys.stdin.buffer, wires)
