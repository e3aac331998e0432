"""One hundred forwards as users of NumPy write them: the corpus on which tracing is measured.

The functions are chosen for what people write, and none is marked as easy or hard to trace.
"""

from __future__ import annotations

from tests.numbers.idioms import (
    algebra,
    arrays,
    buffers,
    elementwise,
    geometry,
    layers,
    losses,
    recurrences,
    strange,
)
from tests.numbers.idioms.idiom import Idiom as Idiom

IDIOMS: tuple[Idiom, ...] = (
    *elementwise.IDIOMS,
    *buffers.IDIOMS,
    *algebra.IDIOMS,
    *losses.IDIOMS,
    *layers.IDIOMS,
    *recurrences.IDIOMS,
    *geometry.IDIOMS,
    *arrays.IDIOMS,
    *strange.IDIOMS,
)
