"""Views to files: one self-contained page per (subject, operator) and an index.  The same run gives the same bytes.

Only what changed is drawn again: see ``drawn``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gradcheck.claims_io import Found
from gradcheck.records import Record
from gradcheck.records_io import Run
from gradcheck.report import drawn, history, overview, proved, summarise, text, thread
from gradcheck.report.difference import Difference, between
from gradcheck.report.limits import BARE, FULL, LARGEST, LEAN
from gradcheck.report.views import Page

_LONGEST = 60  # of each half of a file name: 255 bytes are the limit of common file systems

INDEX = "index.html"

THREAD = "thread.html"
"""The page that collects the formulas; no page of an operator can have its name, which has no dashes."""


def build(run: Run, out_dir: Path, *, previous: Run | None = None) -> list[Path]:
    """Write ``index.html``, ``thread.html`` if there are formulas, and a page per record; the paths, the index first.

    Pages say what changed since ``previous``, or else since the last earlier run in the history beside them, and what is
    proved by the certificates in ``out_dir/proofs``.  Files that would not change are left alone.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    before = history.previous(out_dir, run) if previous is None else previous
    report = _Report.of(run, before, out_dir / proved.FOLDER)
    known, paths = drawn.Drawn(out_dir), []
    for name, made_of, content in report.pages("base.html"):
        paths.append(out_dir / name)
        if not known.has(name, made_of):
            _write(out_dir / name, content())
            known.keep(name, made_of)
    known.save()
    return paths


def single_file(run: Run, path: Path, *, previous: Run | None = None) -> Path:
    """Write the whole report as one file, to be sent or attached: the index, and each page behind its link.

    What changed is said only since ``previous``: the file stands alone.  Certificates are looked for in ``proofs`` beside it.
    """
    report = _Report.of(run, previous, path.parent / proved.FOLDER)
    pages = [(name, Markup(content())) for name, _, content in report.pages("bare.html")]
    names = [page.subject for page in report.views]
    values = {"pages": pages, "subjects": list(dict.fromkeys(names))}
    path.parent.mkdir(parents=True, exist_ok=True)
    return _write(path, report.environment.get_template("single.html").render(**values))


@dataclass(frozen=True, slots=True)
class _Report:
    """A run with its views, without pictures, ready to be rendered."""

    run: Run
    records: tuple[Record, ...]
    found: tuple[Found, ...]
    views: tuple[Page, ...]
    collected: tuple[thread.Entry, ...]
    difference: Difference | None
    environment: Environment

    @classmethod
    def of(cls, run: Run, before: Run | None, proofs: Path) -> _Report:
        records = tuple(sorted(run.records, key=lambda record: (record.subject, record.operator)))
        names = file_names((record.subject, record.operator) for record in records)
        difference = None if before is None else between(before, run)
        pairs = {} if difference is None else {(pair.subject, pair.operator): pair for pair in difference.pairs}
        found = tuple(proved.find(record, proofs) for record in records)
        views = tuple(
            summarise.page(record, run.header, name, pairs.get((record.subject, record.operator)), of, BARE)
            for record, name, of in zip(records, names, found, strict=True)
        )
        collected = thread.entries(zip(records, names, strict=True))
        return cls(run, records, found, views, collected, difference, _environment())

    def pages(self, layout: str) -> Iterator[tuple[str, Any, Callable[[], str]]]:
        """(file name, all that it is made of, what draws it) of each page, the index first."""
        view = overview.index(self.run, self.views, self.difference)
        shared: dict[str, object] = {"layout": layout, "thread": self.collected}
        values = {"view": view, "previous": self.difference and self.difference.old, **shared}
        yield INDEX, values, functools.partial(self._filled, INDEX, values)
        if self.collected:
            values = {"entries": self.collected, "layout": layout}
            yield THREAD, values, functools.partial(self._filled, THREAD, values)
        for number, (page, record) in enumerate(zip(self.views, self.records, strict=True)):
            before, after = self.views[number - 1] if number else None, (*self.views, None)[number + 1]
            values = shared | {
                "before": before,
                "after": after,
                "about": [e for e in self.collected if (e.subject, e.network) == (record.subject, record.operator)],
                "previous": self.difference and self.difference.old,
                "of_reference": self._of_reference(record),
            }
            # Of its neighbours a page shows the names, and of the formulas whether there are any.
            near = [view and (view.file, view.subject, view.operator) for view in (before, after)]
            made_of = (record, self.run.header, page, near, values["about"], values["previous"], values["of_reference"])
            of = (made_of, bool(self.collected), layout, self.found[number])
            yield page.file, of, functools.partial(self._page, number, values)

    def _filled(self, template: str, values: dict[str, Any]) -> str:
        return self.environment.get_template(template).render(**values)

    def _page(self, number: int, values: dict[str, Any]) -> str:
        page, record, found = self.views[number], self.records[number], self.found[number]
        for limits in (FULL, LEAN):
            view = summarise.page(record, self.run.header, page.file, page.change, found, limits)
            content = self._filled("operator.html", {"page": view, **values})
            if len(content.encode("utf-8", "backslashreplace")) <= LARGEST:
                break
        return content

    def _of_reference(self, record: Record) -> str:
        """File of the page about the reference subject's rule of the same operator, whose proofs it has; empty if there is none."""
        names = (
            page.file
            for page, one in zip(self.views, self.records, strict=True)
            if (one.subject, one.operator) == (proved.REFERENCE, record.operator)
        )
        return next(names, "")


def file_names(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """A safe, distinct file name for each (subject, operator), the same for the same sequence of pairs.

    Letters, digits, ``_`` and ``-`` only, so no name leaves the directory; names that would be equal, also where a file
    system ignores case, are numbered.
    """
    taken: set[str] = set()
    names = []
    for pair in pairs:
        stem = "--".join(re.sub(r"[^A-Za-z0-9_]+", "-", part)[:_LONGEST].strip("-") or "unnamed" for part in pair)
        name, number = stem, 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.lower())
        names.append(f"{name}.html")
    return names


def _write(path: Path, content: str) -> Path:
    """Write the page, unless the file holds it already."""
    # A lone surrogate in a name has no UTF-8 form; it is shown as its escape.
    data = content.encode("utf-8", "backslashreplace")
    if not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
        path.write_bytes(data)
    return path


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gradcheck.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loader = environment.loader
    assert loader is not None
    for name in ("style.css", "index.js", "page.js", "single.js"):  # our own files, inlined as they are
        environment.globals[name.replace(".", "_")] = Markup(loader.get_source(environment, name)[0])
    environment.filters["svg"] = Markup  # only pictures pass through it, which escape what they write
    environment.filters["rows"] = _rows
    environment.filters["shown"] = lambda words: text.visible(text.clip(words))
    environment.finalize = _visible
    return environment


def _rows(body: Sequence[Sequence[str]], numeric_from: int) -> Markup:
    """The rows of a table, with numbers from that column on: a page has thousands of cells, and a template is slow at each."""
    made = []
    for row in body:
        cells = str(escape("\x00".join(map(text.visible, row)))).split("\x00")  # what is visible holds no \x00
        numbers = ["num zero" if cell == "0" else "num" for cell in cells[numeric_from:]]
        parts = [f"<td>{cell}</td>" for cell in cells[:numeric_from]]
        parts += [f'<td class="{kind}">{cell}</td>' for kind, cell in zip(numbers, cells[numeric_from:], strict=True)]
        made.append(f"<tr>{''.join(parts)}</tr>")
    return Markup("\n".join(made))


def _visible(value: object) -> object:
    """Text with unprintable characters as escapes: a browser would drop or misread them."""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
