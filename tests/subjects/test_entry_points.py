"""Subjects of other packages are found by the entry-point group, and nothing of them is imported before its turn."""

from importlib import metadata

import pytest

from gradcheck import subjects
from gradcheck.errors import UsageError


@pytest.fixture
def installed(monkeypatch):
    def points(*, group):
        value = "tests.subjects.test_load:Mine"
        return [
            metadata.EntryPoint(n, v, group) for n, v in (("theirs", value), ("torch", value), ("gone", "no_such:x"))
        ]

    monkeypatch.setattr(metadata, "entry_points", points)


def test_found_by_their_name(installed):
    assert "theirs" in subjects.known() and "gone" in subjects.known()
    assert subjects.load("theirs").name == "mine"


def test_a_name_of_ours_stays_ours(installed):
    assert subjects._known()["torch"].startswith("gradcheck.subjects.")


def test_one_that_cannot_be_imported_says_so(installed):
    with pytest.raises(UsageError, match="no_such"):
        subjects.load("gone")
