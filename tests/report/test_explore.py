"""`boxoffice explore`: what it counts, that it opens for its user alone, and the page in a real browser."""

import contextlib
import csv
import datetime as dt
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from boxoffice.report import drilldown
from boxoffice.report.drilldown import Choice, Options
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from tests.report.browser import Browser, Page
from tests.report.conftest import copied, opened

HOSTILE = "<img src=x onerror=document.title='PWN'> $x^2$ **b** http://127.0.0.1:9/a.png, all"
ABROAD = "عرض المساء 夜の公演 🎭"

# all elements, those inside shadow roots too
DEEP = """
window.deep = (root = document, found = []) => {
    for (const one of root.querySelectorAll('*')) {
        found.push(one)
        if (one.shadowRoot) deep(one.shadowRoot, found)
    }
    return found
}
window.texts = tag => deep().filter(one => one.tagName === tag).map(one => one.innerText)
"""


@pytest.fixture(scope="module")
def venue(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo with two seasons, a performance on both platforms, one without a date, and names from outside."""
    settings = copied(demo, tmp_path_factory.mktemp("explore") / "data")
    with opened(settings) as db:
        names = [
            name
            for (name,) in db.execute(
                "select distinct tailor.event_name from dim_events as tailor "
                "inner join dim_events as ticketor on tailor.starts_at = ticketor.starts_at "
                "and starts_with(ticketor.event_name, tailor.event_name) "
                "inner join rpt_event_sales as sales on sales.event_key = tailor.event_key "
                "where (tailor.platform, ticketor.platform, sales.currency) = ('ticket_tailor', 'ticketor', 'GBP') "
                "order by all"
            ).fetchall()
        ]
        db.execute("update dim_events set event_name = $1 where starts_with(event_name, $2)", [HOSTILE, names[0]])
        db.execute("update dim_events set event_name = $1 where starts_with(event_name, $2)", [ABROAD, names[1]])
        db.execute("update dim_events set season = if(day(starts_on) % 2 = 0, '2024/25', '2025/26')")
        db.execute(
            "update dim_events set starts_on = null, starts_at = null, starts_local = null, season = null "
            "where event_key = (select min(event_key) from rpt_event_sales where event_name = $1)",
            [names[2]],
        )
        (shared,) = db.execute(
            "select [a.event_key, b.event_key] from dim_events as a inner join dim_events as b using (starts_at) "
            "where a.platform < b.platform and a.starts_on < '2025-06-01' and a.event_name = $1 and b.event_name = $1 "
            "order by all limit 1",
            [HOSTILE],
        ).fetchone()
        db.execute("update dim_events set show_key = $1[1] where list_contains($1, event_key)", [shared])
    settings.published.chmod(0o400)
    return settings


@pytest.fixture(scope="module")
def offered(venue: Settings) -> Options:
    return drilldown.options(venue)


def choice(offered: Options, currency: str = "GBP", **narrowed: Any) -> Choice:
    whole = {"first": offered.begins, "last": offered.today, "today": offered.today, "accounts": offered.accounts}
    return Choice(currency, **whole | narrowed)


def asked(settings: Settings, query: str, *values: Any) -> Any:
    with open_published(settings) as db:
        return db.execute(query, list(values)).fetchone()


def gross(shown: Any, currency: str = "GBP") -> Decimal:
    return sum(shown[f"Gross, {currency}"].to_pylist(), Decimal(0))


@pytest.mark.parametrize("currency", ["GBP", "JPY", "KWD"])
def test_every_level_adds_up_to_what_was_sold_in_one_currency(venue: Settings, offered: Options, currency: str) -> None:
    """From seasons down to price levels, what belongs to no event and to no season included."""
    assert currency in offered.currencies
    tickets, sold = asked(
        venue, "select sum(tickets_sold), sum(gross_sales) from rpt_daily_sales where currency = $1", currency
    )
    seasons, keys = drilldown.table(venue, choice(offered, currency))
    assert seasons.column_names[0] == "Season"
    assert (sum(seasons["Tickets"].to_pylist()), gross(seasons, currency)) == (tickets, sold)
    checked = set()
    for season_gross, season in zip(seasons[f"Gross, {currency}"].to_pylist(), keys.values(), strict=True):
        shows, show_keys = drilldown.table(venue, choice(offered, currency, season=season))
        assert (shows.column_names[0], gross(shows, currency)) == ("Show", season_gross)
        show_gross, show = max(zip(shows[f"Gross, {currency}"].to_pylist(), show_keys.values(), strict=True))
        narrowed = {"season": season, "show": show}
        performances, performance_keys = drilldown.table(venue, choice(offered, currency, **narrowed))
        assert (performances.column_names[0], gross(performances, currency)) == ("Performance", show_gross)
        found = zip(performances[f"Gross, {currency}"].to_pylist(), performance_keys.values(), strict=True)
        performance_gross, key = max(found)
        levels, none = drilldown.table(venue, choice(offered, currency, performance=key, **narrowed))
        assert (levels.column_names[0], gross(levels, currency), none) == ("Price level", performance_gross, {})
        checked |= {levels.column_names[0], season}
    assert len(checked) >= 3


def test_what_is_chosen_is_what_is_counted(venue: Settings, offered: Options) -> None:
    name, (platform, account) = next(iter(offered.accounts.items()))
    first, last = offered.begins + dt.timedelta(20), offered.begins + dt.timedelta(40)
    shown, _ = drilldown.table(venue, choice(offered, accounts={name: (platform, account)}, first=first, last=last))
    sales = (
        "from rpt_daily_sales where currency = 'GBP' and platform = $1 and account = $2 and sales_on between $3 and $4"
    )
    assert gross(shown) == asked(venue, f"select sum(gross_sales) {sales}", platform, account, first, last)[0] > 0
    grain, bars = drilldown.over_time(venue, choice(offered, first=first, last=last))
    assert (grain, len(bars)) == ("day", 21 * len(offered.accounts))
    assert gross(drilldown.table(venue, choice(offered, first=first, last=last))[0]) == sum(bar.gross for bar in bars)
    coming, past = (gross(drilldown.table(venue, choice(offered, when=when))[0]) for when in ("coming", "past"))
    assert 0 < coming < past < gross(drilldown.table(venue, choice(offered))[0])


def test_a_part_of_a_week_is_marked(venue: Settings, offered: Options) -> None:
    grain, bars = drilldown.over_time(venue, choice(offered))
    assert grain == "week"
    partial = {bar.begins for bar in bars if not bar.whole}
    # today, a Monday, is not over
    assert partial == {offered.today} | ({bars[0].begins} if offered.begins.weekday() else set())


def test_a_performance_of_two_platforms_is_one(venue: Settings, offered: Options) -> None:
    [shared] = asked(
        venue, "select show_key from dim_events where event_name = $1 group by all having count(*) > 1", HOSTILE
    )
    [one] = [each for each in offered.performances if each.key == shared]
    curve = drilldown.curves(venue, one, offered.today)[shared]
    in_the_house = asked(
        venue,
        "select sum(tickets_sold + comps - tickets_returned) from rpt_event_sales where show_key = $1 or event_key in "
        "(select event_key from dim_events where show_key = $1)",
        shared,
    )[0]
    assert (curve[-1], min(left for left, _ in curve)) == ((0, in_the_house), 0)
    assert "(" not in one.label.removeprefix(HOSTILE)
    labels = [each.label for each in offered.performances]
    assert len(set(labels)) == len(labels)
    assert any(label.endswith(", no date") for label in labels)


def test_where_there_is_next_to_nothing(thin: Settings, empty: Settings) -> None:
    little = drilldown.options(thin)
    shown, _ = drilldown.table(thin, choice(little))
    assert shown.num_rows == 1
    assert drilldown.over_time(thin, choice(little))[1]
    assert drilldown.options(empty).currencies == []


def test_several_pages_may_ask_at_once(venue: Settings, offered: Options) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(drilldown.options, [venue] * 8)) == [offered] * 8


def test_files_hold_what_is_shown_and_a_spreadsheet_runs_nothing_of_it(venue: Settings, offered: Options) -> None:
    shown, _ = drilldown.table(venue, choice(offered, season="2024/25"))
    formula = '=HYPERLINK("http://127.0.0.1:9/")'
    shown = shown.set_column(0, "Show", [[formula, *shown["Show"].to_pylist()[1:]]])
    rows = list(csv.DictReader(io.StringIO(drilldown.as_csv(shown).decode("utf-8-sig"))))
    assert [row["Gross, GBP"] for row in rows] == [str(value) for value in shown["Gross, GBP"].to_pylist()]
    assert rows[0]["Show"] == "'" + formula
    book = openpyxl.load_workbook(io.BytesIO(drilldown.as_workbook(shown, [("Currency", "GBP")])))
    cell = book["Shown"]["A2"]
    assert (cell.value, cell.data_type) == (formula, "s")
    assert [cell.value for cell in book["Shown"]["F"][1:]] == pytest.approx(
        [float(value) for value in shown["Gross, GBP"].to_pylist()]
    )
    assert book["About"]["B1"].value == "GBP"


@contextlib.contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address that `boxoffice explore` prints; Ctrl-C ends it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TICKET", "BOXOFFICE_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "boxoffice.cli", "explore", "--no-browser"],
        env={**environ, "BOXOFFICE_DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert (process.returncode, complaints) == (0, "")


def status(address: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def until(page: Page, expression: str, seconds: float = 40) -> Any:
    """The first value of the expression that is true."""
    give_up = time.monotonic() + seconds
    while not (value := page.ask(expression)):
        assert time.monotonic() < give_up, (expression, page.ask("document.body.innerText"))
        time.sleep(0.1)
    return value


def choose(page: Page, label: str, option: str) -> None:
    """An option of one of the browser's own menus."""
    page.ask(
        f"""(() => {{
            const menu = deep().find(one => one.tagName === 'SELECT'
                && Array.from(one.options).some(option => option.innerText === {json.dumps(option)})
                && one.getRootNode().textContent.includes({json.dumps(label)}))
            menu.value = Array.from(menu.options).find(option => option.innerText === {json.dumps(option)}).value
            menu.dispatchEvent(new Event('change', {{bubbles: true}}))
        }})()"""
    )


def test_the_page_in_a_browser(venue: Settings, offered: Options, chromium: Browser, tmp_path: Path) -> None:
    whole = drilldown.table(venue, choice(offered))[0]
    with served(venue) as address:
        origin = address.partition("/?")[0]
        # another user of the machine has no token; another page of the browser has another name or origin
        assert status(address, "/") == 303
        assert status(address, "/api/kernel/instantiate") in (401, 403, 405)
        assert status(address, "/?" + address.partition("?")[2], Host="evil.example") == 403
        assert status(address, "/?" + address.partition("?")[2], Origin="http://127.0.0.1:1") == 403

        page = chromium.page()
        page.resize(1280, 1600)
        page.open(address)
        page.ask(DEEP)
        until(page, f"document.body.innerText.includes('{gross(whole):,} GBP')")
        until(page, "texts('TD').includes('2025/26')")
        assert "access_token" not in page.ask("location.href")

        # a row is gone into: the season's shows, names from outside as they are
        page.ask("deep().find(one => one.tagName === 'TR' && one.innerText.includes('2024/25'))"
                 ".querySelector('button').click()")  # fmt: skip
        shows, _ = drilldown.table(venue, choice(offered, season="2024/25"))
        until(page, f"texts('TD').includes({json.dumps(HOSTILE)}) && texts('TD').includes({json.dumps(ABROAD)})")
        assert f"{gross(shows):,} GBP" in page.ask("document.body.innerText")
        # the same in a menu and in a chart
        assert page.ask("deep().filter(one => one.tagName === 'IMG' && one.src.includes('a.png')).length") == 0

        # one currency at a time
        choose(page, "Currency", "JPY")
        yen = drilldown.table(venue, choice(offered, "JPY", season="2024/25"))[0]
        until(page, f"document.body.innerText.includes('{gross(yen, 'JPY'):,} JPY')")
        until(page, "!texts('TH').some(text => text.includes('GBP'))")
        choose(page, "Currency", "GBP")
        until(page, f"document.body.innerText.includes('{gross(shows):,} GBP')")

        # what is shown is saved
        page.browser.send(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": False}
        )
        page.ask("deep().find(one => ['A', 'BUTTON'].includes(one.tagName) && one.innerText.trim() === 'CSV').click()")
        saved = tmp_path / "boxoffice.csv"
        wait(saved.exists)
        assert saved.read_bytes() == drilldown.as_csv(shows)

        # a run publishes while the page is open
        before = gross(drilldown.table(venue, choice(offered, season="2024/25", when="past"))[0])
        with opened(copied(venue, tmp_path / "next")) as db:
            db.execute("update rpt_daily_event_sales set gross_sales = gross_sales * 2")
        (tmp_path / "next" / "boxoffice.duckdb").replace(venue.published)
        choose(page, "Performances", "past")
        past = drilldown.table(venue, choice(offered, season="2024/25", when="past"))[0]
        assert gross(past) == 2 * before
        until(page, f"document.body.innerText.includes('{gross(past):,} GBP')")

        # down to the price levels, in which a curve is drawn
        page.ask(f"deep().find(one => one.tagName === 'TR' && one.innerText.includes({json.dumps(ABROAD)}))"
                 ".querySelector('button').click()")  # fmt: skip
        until(page, "texts('TH').some(text => text.trim() === 'Performance')")
        page.ask("deep().filter(one => one.tagName === 'TR')[1].querySelector('button').click()")
        until(page, "texts('TH').some(text => text.includes('Price level'))")
        until(page, "deep().filter(one => one.tagName === 'CANVAS' || one.classList.contains('marks')).length >= 2")

        assert page.ask("document.title") == "Box office"
        assert [
            one for one in page.requests if not one.startswith((origin, f"ws://{origin[7:]}", "data:", "blob:"))
        ] == []

        # nor could anything be
        page.ask("addEventListener('securitypolicyviolation', event => { window.refused = event.blockedURI })")
        page.ask("fetch('http://127.0.0.1:9/').catch(() => {}); 0")
        until(page, "window.refused")

        page.resize(390, 844, mobile=True)
        until(page, "document.documentElement.scrollWidth <= 390")


def wait(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_without_its_packages_it_says_what_to_install(demo: Settings) -> None:
    code = "import sys; sys.modules['marimo'] = None; from boxoffice.cli import main; main(['explore'])"
    environ = os.environ | {"BOXOFFICE_DATA_DIR": str(demo.data_dir)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "-m pip install --constraint constraints.txt '.[explore]'" in done.stderr
