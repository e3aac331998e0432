"""Why a text has no reading in a number system.

A text is traced: a call that NumPy cannot hand to us stops that (``Untraceable``), and so does a comparison that the precision at
hand does not decide (``Undecided``).  A program is replayed: a field may lack one of its operations (``Unsupported``).  None of them says
anything against the text; whoever asked falls back to finite differences and quotes the message.
"""

from __future__ import annotations


class NumbersError(Exception):
    """A text cannot be read in the number system that was asked for."""


class Untraceable(NumbersError):  # noqa: N818  it is a state
    """The text left the traced arithmetic; ``call`` is what it called there."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call} stopped the trace: {reason}")
        self.call = call
        self.reason = reason


class Undecided(NumbersError):  # noqa: N818  it is a state
    """A comparison has no certain answer at this precision; ``call`` is the one that asked."""

    def __init__(self, call: str, left: str, right: str) -> None:
        super().__init__(f"{call} cannot be decided: {left} against {right}; raise the precision or move the point")
        self.call = call


class Unsupported(NumbersError):  # noqa: N818  it is a state
    """A field has no such operation."""

    def __init__(self, operation: str, field: str, reason: str = "") -> None:
        super().__init__(f"{operation} is not an operation of {field}" + (f": {reason}" if reason else ""))
        self.operation = operation
        self.field = field
