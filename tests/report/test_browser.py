"""The pages in a real browser: filters and order in the address, links, no network, accessibility, hostile names, one file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcheck.records import Correction, Record, finding_id
from gradcheck.records_io import Run
from gradcheck.report import build, single_file
from tests.report import sample
from tests.report.test_proved import claim, unknown, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: the pages are not looked at in a browser")

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra test: pip install -e .[test]")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs the extra test: pip install -e .[test]"
)

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

EVIL = "</script><script>document.title='caught'</script>\x1b\x00\ud800\"'`&<img src=x onerror=\"document.title='caught'\">\n../x"


def correction() -> Correction:
    return Correction(
        number="L1",
        printed="y = x",
        right="y = 2 x",
        relation="printed = right / 2",
        refuted=True,
        accepted=True,
        printed_verdict="The gradient is not the derivative of the forward.",
        right_verdict="It holds.",
        off=1.0,
        unexplained=0.0,
        arithmetic="rationals",
    )


def run() -> Run:
    thread = replace(sample.network(), operator="thread:L1", graph=None, correction=correction())
    records = (*sample.records(), sample.network(), thread)
    whole = sample.run()
    assert whole.footer is not None
    planned = tuple((record.subject, record.operator) for record in records)
    footer = replace(whole.footer, records=len(records))
    return Run(header=sample.header(planned), records=records, footer=footer)


def earlier() -> Run:
    """An earlier run in which matmul was right, sigmoid worse by a factor of a thousand, and sort wrong."""
    now = run()
    samples = replace(sample.ulps(), errors=1000 * sample.ulps().errors)

    def before(record: Record) -> Record:
        if record.operator == "sort":
            return replace(sample.failing(), operator="sort", subject="reference")
        if record.subject == "autograd":
            return sample.passing(record.operator, "autograd")
        return replace(record, ulps=(samples,)) if record.operator == "sigmoid" else record

    return replace(now, header=replace(now.header, run="01d"), records=tuple(map(before, now.records)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pages")
    open_claim = unknown() | {"params": {"axis": 0}}
    write(directory / "proofs", claim(), open_claim, claim(result="proved in part", reason="x < 0: it is wide"), {})
    build(run(), directory, previous=earlier())
    return directory


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)  # milliseconds; a page is there at once, the machine may be busy
    page.requests, page.problems = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    yield page
    assert not page.problems
    assert all(url.startswith(("file://", "data:")) for url in page.requests), page.requests
    context.close()


def wait(condition: Callable[[], bool]) -> None:
    """Until the condition holds; ten seconds are enough for a script that takes a millisecond."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def shown(tab: Any) -> list[str]:
    rows = tab.locator("#operators tbody tr:visible")
    return [" ".join(row.locator("th, td").nth(k).inner_text() for k in (2, 1)) for row in rows.all()]


def test_the_index_filters_and_keeps_that_in_the_address(tab: Any, pages: Path) -> None:
    tab.goto((pages / "index.html").as_uri())
    assert len(shown(tab)) == len(run().records)
    tab.keyboard.press("/")
    tab.keyboard.type("matmul autograd")
    assert shown(tab) == ["autograd matmul"]
    assert tab.url.endswith("#q=matmul+autograd")
    tab.reload()
    assert shown(tab) == ["autograd matmul"]
    assert tab.locator("#filter").input_value() == "matmul autograd"
    assert tab.locator("#count").inner_text() == f"1 of {len(run().records)} shown"
    tab.locator("#filter").press("Escape")
    assert len(shown(tab)) == len(run().records)
    tab.get_by_role("checkbox", name="pass").uncheck()
    assert set(shown(tab)) == {"autograd matmul", "reference sort"}
    tab.get_by_role("checkbox", name="inconclusive").uncheck()
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert shown(tab) == ["autograd matmul"]
    tab.get_by_role("button", name="Show all").click()
    wait(lambda: tab.evaluate("location.hash") == "")
    assert len(shown(tab)) == len(run().records)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject:autograd", {"autograd matmul", "autograd sigmoid"}),
        ("operator:matmul -subject:autograd", {"reference matmul"}),
        ("finding:gc901", {"reference sort"}),
        ("status:fail transpose", {"autograd matmul"}),
        ("-pass -fail", {"reference sort"}),
        ("net:fan", {"reference net:fan-out"}),
        ("subject:nobody", set()),
    ],
)
def test_the_filter_knows_columns_and_what_must_not_be(tab: Any, pages: Path, query: str, found: set[str]) -> None:
    tab.goto((pages / "index.html").as_uri())
    tab.locator("#filter").fill(query)
    assert set(shown(tab)) == found


def test_the_index_sorts_by_every_column_and_says_so(tab: Any, pages: Path) -> None:
    tab.goto((pages / "index.html").as_uri())
    tab.get_by_role("button", name="Right").click()
    heading = tab.locator("th[data-key=right]")
    assert heading.get_attribute("aria-sort") == "ascending"
    counts = [
        int(v)
        for v in tab.locator("#operators tbody tr td:nth-child(7)").evaluate_all("a => a.map(x => x.dataset.value)")
    ]
    assert counts == sorted(counts) and len(set(counts)) > 2
    tab.get_by_role("button", name="Right").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert tab.url.endswith("#sort=-right")
    address = tab.url
    tab.goto("about:blank")
    tab.goto(address)
    assert tab.locator("th[data-key=right]").get_attribute("aria-sort") == "descending"
    assert shown(tab)[0].endswith("matmul")
    tab.get_by_role("button", name="Status").click()
    assert shown(tab)[:2] == ["autograd matmul", "reference sort"]
    assert tab.locator("th[aria-sort=none]").count() == tab.locator("th[data-key]").count() - 1


def test_the_index_can_be_used_by_keys_alone(tab: Any, pages: Path) -> None:
    tab.goto((pages / "index.html").as_uri())
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    tab.keyboard.press("j")
    for key, place in (
        ("Enter", "autograd--sigmoid.html"),
        ("k", "autograd--matmul.html"),
        ("j", "autograd--sigmoid.html"),
        ("u", "index.html"),
    ):
        tab.keyboard.press(key)
        tab.wait_for_url(f"**/{place}")


def test_what_changed_is_named_and_can_be_shown_alone(tab: Any, pages: Path) -> None:
    tab.goto((pages / "index.html").as_uri())
    section = tab.locator("section[aria-labelledby=changes]")
    assert section.locator("h3").all_inner_texts() == ["Newly wrong (1)", "Another verdict (1)", "Changed digits (1)"]
    tab.get_by_role("checkbox", name="changed only").check()
    assert set(shown(tab)) == {"autograd matmul", "reference sort", "reference sigmoid"}
    assert tab.url.endswith("#changed=1")
    section.get_by_role("link", name="autograd matmul").click()
    assert "Since run 01d: newly wrong; pass before, fail now" in tab.locator("section.verdict").inner_text()


def test_every_link_of_every_page_leads_somewhere(tab: Any, pages: Path) -> None:
    for path in sorted(pages.glob("*.html")):
        tab.goto(path.as_uri())
        for link in tab.locator("a[href]").evaluate_all("a => a.map(x => x.getAttribute('href'))"):
            name, _, anchor = link.partition("#")
            target = pages / (name or path.name)
            assert target.parent == pages and target.is_file(), link
            assert not anchor or f'id="{anchor}"' in target.read_text(), link
    assert tab.requests


def test_a_finding_has_its_place_on_the_page(tab: Any, pages: Path) -> None:
    record = sample.failing()
    name = finding_id(record, record.findings[0])
    tab.goto(f"{(pages / 'autograd--matmul.html').as_uri()}#{name}")
    assert tab.locator(f"[id='{name}']").is_visible()
    assert tab.locator("#replay").inner_text() == f"gradcheck replay {name}"
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy the command").click()
    tab.get_by_text("Copied").or_(tab.get_by_text("Selected")).wait_for()
    assert name in tab.evaluate("navigator.clipboard.readText().catch(() => getSelection().toString())")


def test_what_is_proved_is_seen_with_what_it_rests_on(tab: Any, pages: Path) -> None:
    tab.goto(f"{(pages / 'reference--sigmoid.html').as_uri()}#proved")
    section = tab.locator("section[aria-labelledby=proved]")
    assert section.locator("ul.claims .badge").all_inner_texts() == ["proved", "unknown", "proved in part"]
    assert "sympy 1.14.0" in section.inner_text() and "no answer within 15 s" in section.inner_text()
    assert "claim 4 cannot be read" in section.locator(".note").inner_text()
    tab.goto((pages / "autograd--sigmoid.html").as_uri())
    tab.get_by_role("link", name="What is proved of the reference subject's rule").click()
    tab.wait_for_url("**/reference--sigmoid.html#proved")


def test_wrong_entries_are_hatched_and_no_other(tab: Any, pages: Path) -> None:
    tab.goto((pages / "autograd--matmul.html").as_uri())
    wrong = int(np.count_nonzero(sample.jacobian().wrong))
    got, reference, error = (
        tab.locator(f"svg[aria-labelledby=jacobian-{name}]") for name in ("got", "reference", "error")
    )
    assert got.locator(".hatch").count() == error.locator(".hatch").count() == wrong > 0
    assert reference.locator(".hatch").count() == 0
    assert got.locator(".cell").count() == 16


LOOKED_AT = (
    "index.html",
    "autograd--matmul.html",
    "reference--net-fan-out.html",
    "reference--sigmoid.html",
    "reference--sort.html",
    "thread.html",
    "reference--thread-L1.html",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing(browser: Any, pages: Path, name: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((pages / name).as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    results = axe.Axe().run(page)
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    context.close()
    assert results.response["passes"]
    assert results.violations_count == 0, results.generate_report()
    assert (sum(map(int, dark[4:-1].split(","))) < 200) == (scheme == "dark")


def test_axe_would_find_something(browser: Any, tmp_path: Path) -> None:
    """The same tool on a page with a faint text and a picture without a name."""
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><html><title>x</title><p style='color:#ccc'>faint</p><img src='data:,'></html>")
    page = browser.new_page()
    page.goto(bad.as_uri())
    found = {violation["id"] for violation in axe.Axe().run(page).response["violations"]}
    page.close()
    assert {"color-contrast", "image-alt", "html-has-lang"} <= found


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_no_page_is_wider_than_its_window(tab: Any, pages: Path, name: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto((pages / name).as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_a_picture_can_be_read_on_a_narrow_screen(tab: Any, pages: Path) -> None:
    """It scrolls sideways in its own region instead of shrinking; its smallest letters are as high as on a wide one."""
    heights = {}
    for width in (360, 1200):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.goto((pages / "reference--sigmoid.html").as_uri())
        measured = "all => Math.min(...all.map((text) => text.getBoundingClientRect().height))"
        heights[width] = tab.locator("svg.chart text.tick >> visible=true").evaluate_all(measured)
    assert heights[360] > 0.7 * heights[1200] > 5
    tab.set_viewport_size({"width": 360, "height": 800})
    drawn = tab.locator(".drawn").first
    assert drawn.evaluate("one => one.scrollWidth > one.clientWidth && one.tabIndex === 0")


@pytest.mark.parametrize("name", LOOKED_AT)
def test_no_printed_page_is_wider_than_its_paper(tab: Any, pages: Path, name: str) -> None:
    tab.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 dots an inch
    tab.goto((pages / name).as_uri())
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 794


def test_hostile_names_and_values_are_text(tab: Any, tmp_path: Path) -> None:
    long = EVIL + "0123456789" * 1_000_000
    finding = replace(
        sample.failing().findings[0],
        argument=EVIL,
        message=long,
        cause=EVIL,
        evidence=long,
        where=EVIL,
        code=EVIL,
        kwargs={EVIL: long},
        got=float("nan"),
        expected=complex("inf"),
        bound=float("nan"),
    )
    odd = np.array([np.nan, np.inf, -0.0, 5e-324])
    record = replace(
        sample.failing(),
        operator=f"{EVIL}/../../op",
        subject=f"../../{EVIL}",
        findings=(finding, replace(finding, point=None)),
        certificate=long,
        untested=(EVIL, long),
        oracles={EVIL: 1},
        claim={"formula": EVIL, "definition": long, "citation": long, EVIL: EVIL},
        curve=replace(sample.curve(), entry=long),
        ulps=(
            replace(sample.ulps(), dtype=EVIL, method=long, inputs=odd, errors=odd, bounds=odd, bits=None, radii=None),
        ),
        jacobian=replace(sample.jacobian(), rows=(EVIL,) * 4, columns=(long,) * 4, origin=long),
    )
    folder = tmp_path / "inside" / "pages"
    header = replace(sample.header(((EVIL, EVIL),)), command=long, environment={EVIL: long})
    whole = Run(header=header, records=(record,), problems=(long,))
    before = replace(whole, header=replace(header, run=EVIL), records=())
    written = build(whole, folder, previous=before)
    assert {path.parent for path in written} == {folder}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == sorted([*written, written[0].with_name(".drawn.json")])
    for path in [*written, single_file(whole, folder / "one.html")]:
        assert path.stat().st_size <= 400_000 or path.name == "one.html"
        tab.goto(path.as_uri())
        tab.locator("h1").first.wait_for()
        assert tab.title() != "caught"
        assert tab.locator("img").count() == 0
        assert "document.title='caught'" in tab.locator("body").inner_text()
        assert "\x1b" not in tab.content() and "\\x1b" in tab.locator("body").inner_text()


def test_one_file_holds_all_pages(tab: Any, pages: Path, tmp_path: Path) -> None:
    path = single_file(run(), tmp_path / "report.html", previous=earlier())
    assert path.read_bytes() == single_file(run(), tmp_path / "again.html", previous=earlier()).read_bytes()
    tab.goto(path.as_uri())
    assert tab.locator("h1").inner_text() == "Is this the derivative of that?"
    tab.locator("#filter").fill("matmul autograd")
    assert shown(tab) == ["autograd matmul"]
    tab.locator("#operators").get_by_role("link", name="matmul").and_(tab.locator(":visible")).click()
    assert tab.locator("h1").inner_text() == "matmul"
    assert tab.title() == "matmul (autograd): fail"
    assert tab.locator("svg.matrix").count() == 3
    tab.reload()
    assert tab.locator("h1").inner_text() == "matmul"
    tab.go_back()
    wait(lambda: tab.locator("h1").inner_text() != "matmul")
    for name in [page.name for page in pages.glob("*.html")]:
        tab.goto(f"{path.as_uri()}#/{name}")
        assert tab.locator("h1").count() == 1
    assert {url.partition("#")[0] for url in tab.requests if not url.startswith("data:")} == {path.as_uri()}


def test_a_page_prints_its_folded_tables_in_black_on_white(browser: Any, pages: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto((pages / "reference--sigmoid.html").as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.locator("details[open]").count() == page.locator("details").count() > 0
    assert not page.locator("header nav").is_visible()
    page.goto((pages / "autograd--matmul.html").as_uri())
    cut = "[...document.querySelectorAll('pre')].filter((pre) => pre.scrollHeight > pre.clientHeight + 1).length"
    assert page.evaluate(cut) == 0
    page.emulate_media(media="screen")
    assert page.evaluate(cut) > 0  # on a screen a long snippet scrolls
    page.close()
