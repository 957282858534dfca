"""The report in a real browser: charts drawn, nothing fetched, nothing said on the console, readable on a phone."""

import json
from pathlib import Path

import pytest

from boxoffice.report.report import report
from boxoffice.settings import Settings
from tests.report.browser import Browser, Page
from tests.report.conftest import opened

TOO_WIDE = """
Array.from(document.querySelectorAll('body *'))
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map(one => one.tagName + ' ' + one.textContent.slice(0, 50))
"""
BARS = """
Array.from(document.querySelectorAll('figure')).map(figure => {
    const shown = Array.from(figure.querySelectorAll('svg')).filter(svg => svg.getBoundingClientRect().width > 0)
    const drawn = shown.flatMap(svg => Array.from(svg.querySelectorAll('path')))
        .filter(path => { const box = path.getBoundingClientRect(); return box.width > 1 && box.height > 1 })
    return [figure.querySelector('figcaption').textContent, shown.map(svg => svg.className.baseVal), drawn.length]
})
"""
SMALLEST = """
Math.min(...Array.from(document.querySelectorAll('svg text, td, th, small, p, li, dd'))
    .filter(one => one.getBoundingClientRect().width > 0)
    .map(one => parseFloat(getComputedStyle(one).fontSize)
        * (one.ownerSVGElement ? one.ownerSVGElement.getBoundingClientRect().width
            / one.ownerSVGElement.viewBox.baseVal.width : 1)))
"""
OUTLINE = """
Array.from(document.querySelectorAll('*'))
    .map(one => [one.tagName, one.id.replace(/-p[0-9a-f]{10}$/, ''), ...one.getAttributeNames()].join(' '))
"""
# the contrast, as WCAG counts it, of every text against what is behind it
CONTRAST = """
(() => {
    const part = value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    const light = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number)
        return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue)
    }
    const paper = light(getComputedStyle(document.body).backgroundColor)
    const words = document.querySelectorAll('svg text, td, th, small, p, li a, figcaption, caption, dd, .bar')
    return Math.min(...Array.from(words).map(one => {
        const style = getComputedStyle(one), ink = light(one.ownerSVGElement ? style.fill : style.color)
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
    }))
})()
"""


@pytest.fixture(scope="module")
def address(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(demo, tmp_path_factory.mktemp("browser") / "overview.html").as_uri()


@pytest.fixture
def page(chromium: Browser) -> Page:
    return chromium.page()


@pytest.mark.parametrize(("width", "kind"), [(1000, "wide"), (375, "narrow"), (320, "narrow")])
def test_charts_are_drawn_and_nothing_sticks_out(page: Page, address: str, width: int, kind: str) -> None:
    page.resize(width, 800)
    page.open(address)
    assert page.ask("document.documentElement.scrollWidth") == width
    assert page.ask(TOO_WIDE) == []
    figures = page.ask(BARS)
    assert len(figures) >= 4
    for title, shown, drawn in figures:
        assert (title, shown) == (title, [kind])
        assert drawn >= 2, title
    assert page.ask(SMALLEST) >= (10 if width >= 375 else 8.5)
    assert page.complaints == []
    assert page.requests == [address]


def test_enormous_amounts_leave_the_page_in_its_place(page: Page, pounds: Settings, tmp_path: Path) -> None:
    with opened(pounds) as db:
        for table in ("rpt_daily_sales", "rpt_daily_event_sales"):
            db.execute(f"update {table} set gross_sales = gross_sales * 1000000, refunds = refunds * 1000000")
        db.execute("update dim_events set event_name = repeat('Wagner', 40)")
    page.resize(375, 800)
    page.open(report(pounds, tmp_path / "large.html").as_uri())
    assert page.ask("document.documentElement.scrollWidth") == 375


def test_what_comes_from_outside_adds_no_element_and_leads_nowhere(
    page: Page, pounds: Settings, tmp_path: Path
) -> None:
    """Every field of free text, the currency among them: the elements of the page are those that harmless text has."""
    outlines = []
    for name, text in (
        ("harmless", "COINS"),
        ("refresh", '"><META HTTP-EQUIV=REFRESH CONTENT=0;URL=//127.0.0.1:9>'),
        ("script", "</title></style></svg><script>document.title='PWN'</script><H1 ID=PWN><BASE HREF=//127.0.0.1:9>"),
    ):
        with opened(pounds) as db:
            db.execute("update dim_events set event_name = $1", [text])
            db.execute("update refused_records set file = $1, reason = $1", [text])
            db.execute("update rpt_reconciliation set in_words = $1, identity = $1", [text])
            db.execute("update fct_orders set channel = $1", [text])
            db.execute("update dim_accounts set time_zone = null, time_zone_proposed = $1", [text])
            for table in ("rpt_daily_sales", "rpt_daily_event_sales", "rpt_event_sales"):
                key = "event_key" if table == "rpt_event_sales" else f"{table.removeprefix('rpt_')}_key"
                db.execute(f"update {table} set currency = $1 where {key} in (select min({key}) from {table})", [text])
        written = report(pounds, tmp_path / f"{name}.html").as_uri()
        page.requests.clear()
        page.open(written)
        assert page.ask("location.href") == written
        assert page.requests == [written]
        assert page.ask("document.title").startswith("Box office, week of")
        assert page.ask("document.body.textContent.includes(" + json.dumps(text[:50]) + ")")
        outlines.append(page.ask(OUTLINE))
    assert len(outlines[0]) > 500
    for outline in outlines[1:]:
        assert outline == outlines[0]
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_the_light_and_in_the_dark(page: Page, address: str, scheme: str) -> None:
    page.media(scheme=scheme)
    page.open(address)
    paper = page.ask("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 27, 32)"}[scheme]
    assert page.ask(CONTRAST) >= 4.5


def test_on_paper_it_is_light_and_without_links(page: Page, address: str) -> None:
    page.media("print", "dark")
    page.open(address)
    assert page.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.ask("getComputedStyle(document.body).color") == "rgb(31, 41, 51)"
    assert page.ask(BARS)[0][1] == ["wide"]


def test_the_checks_would_find_fault(page: Page, tmp_path: Path) -> None:
    """A page that fetches, complains and sticks out is caught by the same questions."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<!doctype html><meta name="viewport" content="width=device-width"><body><p style="width:900px">wide</p>'
        '<img src="missing.png"><script>console.error("no")</script>'
    )
    page.resize(375, 800)
    page.open(path.as_uri())
    assert page.ask(TOO_WIDE) == ["P wide"]
    assert len(page.complaints) >= 1
    assert [request.rsplit("/", 1)[1] for request in page.requests] == ["bad.html", "missing.png"]
