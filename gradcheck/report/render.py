"""Views to files: one self-contained page per (subject, operator) and an index.  The same run gives the same bytes.

A page is drawn in milliseconds, so each is drawn anew and compared: only what changed is written, and no digest can go stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradcheck.records_io import Run
from gradcheck.report import summarise, text, thread

_LONGEST = 60  # of each half of a file name: 255 bytes are the limit of common file systems

THREAD = "thread.html"
"""The page that collects the formulas; no page of an operator can have its name, which has no dashes."""


def build(run: Run, out_dir: Path) -> list[Path]:
    """Write ``index.html``, ``thread.html`` if there are formulas, and a page per record; the paths, the index first."""
    out_dir.mkdir(parents=True, exist_ok=True)
    records = sorted(run.records, key=lambda record: (record.subject, record.operator))
    names = file_names((record.subject, record.operator) for record in records)
    pages = [summarise.page(record, run.header, name) for record, name in zip(records, names, strict=True)]
    collected = thread.entries(zip(records, names, strict=True))
    environment = _environment()
    view = summarise.index(run, pages)
    written = [_write(out_dir / "index.html", environment, "index.html", view=view, thread=collected)]
    if collected:
        written.append(_write(out_dir / THREAD, environment, THREAD, entries=collected))
    template = "operator.html"
    for number, page in enumerate(pages):
        neighbours: dict[str, object] = {
            "before": pages[number - 1] if number else None,
            "after": (*pages, None)[number + 1],
        }
        about = [e for e in collected if (e.subject, e.network) == (page.subject, page.operator)]
        written.append(
            _write(out_dir / page.file, environment, template, page=page, thread=collected, about=about, **neighbours)
        )
    return written


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


def _write(path: Path, environment: Environment, template: str, **values: object) -> Path:
    content = environment.get_template(template).render(**values)
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
    for name in ("style.css", "index.js", "page.js"):  # our own files, inlined as they are
        environment.globals[name.replace(".", "_")] = Markup(loader.get_source(environment, name)[0])
    environment.filters["svg"] = Markup  # only pictures pass through it, which escape what they write
    environment.filters["clean"] = text.clean
    return environment
