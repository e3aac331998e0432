"""The proofs are compiled once for all tests of this directory; where Coq is absent the tests say so and are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gradcheck.proofs.coq import Workspace, why_skipped, workspace


@pytest.fixture(scope="session")
def built() -> Iterator[Workspace]:
    reason = why_skipped()
    if reason:
        pytest.skip(reason)
    with workspace() as there:
        yield there
