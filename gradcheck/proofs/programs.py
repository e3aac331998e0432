"""Programs as plain data, to be kept in a record and run again without the text and the tracer that made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcheck.numbers.operations import TABLE
from gradcheck.numbers.program import Program, Step


def to_data(text: Program) -> dict[str, Any]:
    """As JSON; numbers are written exactly."""
    steps = [
        [step.name, step.places.tolist(), [ids.tolist() for ids in step.operands], step.parameter, list(step.moving)]
        for step in text.steps
    ]
    inputs, outputs = ([ids.ravel().tolist() for ids in rows] for rows in (text.inputs, text.outputs))
    constants = [text.constants[0].tolist(), [float(x).hex() for x in text.constants[1]]]
    return {"size": text.size, "inputs": inputs, "outputs": outputs, "steps": steps, "constants": constants}


def from_data(data: Mapping[str, Any]) -> Program:
    """The program again; what is no such data is a ``ValueError``, ``KeyError``, ``IndexError`` or ``TypeError``."""

    def ids(row: Any) -> Any:
        return np.asarray(row, np.int64)

    steps = []
    for name, places, operands, parameter, moving in data["steps"]:
        if name not in TABLE and name not in ("sum", "dot"):
            raise ValueError(f"a program has the operation {name!r}, which is not known here")
        steps.append(Step(name, ids(places), tuple(map(ids, operands)), parameter, tuple(map(bool, moving))))
    inputs, outputs = (tuple(map(ids, data[side])) for side in ("inputs", "outputs"))
    constants = (ids(data["constants"][0]), np.array([float.fromhex(x) for x in data["constants"][1]], np.float64))
    return Program(int(data["size"]), inputs, outputs, tuple(steps), constants)
