"""Exceptions, and the story of a run told by who raises what.

1. ``gradcheck.check`` looks at its own arguments first.  What cannot be checked at all (inputs that are not arrays, a
   ``wrt`` that names nothing, a forward that raises at the user's own point) is a ``UsageError``: it names the
   argument and the mend.  Nothing has been judged yet.
2. From then on nothing that the code under test does raises out of the run: an exception in a backward pass is a
   finding, an exception in a forward at a point of our own choosing means that the point lies outside its domain.
3. ``gradcheck.assert_gradients`` alone turns a finished, failed result into a ``GradientError``.
4. Reading records back raises ``RecordError`` with the number of the line that cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.engine.result import Result


class UsageError(ValueError):
    """gradcheck was called in a way that cannot be checked; the message names the argument and the mend."""


class GradientError(AssertionError):
    """A gradient is not the derivative.  ``result`` holds the whole evidence."""

    def __init__(self, result: Result) -> None:
        super().__init__(str(result))
        self.result = result


class RecordError(ValueError):
    """A records file cannot be read; the message names file, line and what is wrong with it."""
