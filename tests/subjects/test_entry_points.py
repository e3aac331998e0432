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


def test_one_that_is_really_installed(tmp_path, monkeypatch):
    (tmp_path / "theirs_backend.py").write_text(
        "class Theirs:\n    name, version = 'theirs', '2'\n    def implementation(self, operator, params): return None\n"
        "    def supports(self, operator, dtype): return False\n"
    )
    about = tmp_path / "theirs-2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 2\n")
    (about / "entry_points.txt").write_text("[gradcheck.subjects]\ntheirs = theirs_backend:Theirs\n")
    assert "theirs" not in subjects.known()
    monkeypatch.syspath_prepend(tmp_path)
    assert "theirs" in subjects.known() and subjects.load("theirs").version == "2"
