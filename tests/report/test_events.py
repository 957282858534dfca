"""A page for each event, and what is asked for with --event, --since and --currency."""

import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.errors import Problem
from boxoffice.report.report import report
from boxoffice.settings import ROOT, Settings
from tests.report.conftest import OPENED, copied, opened
from tests.report.test_report import Page, number

NAMES = ["عطيل", "牡丹亭", "Ōkami 🐺🎭", "שלום <b>&amp;"]


@pytest.fixture(scope="module")
def folder(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a venue that sells four events under names in other letters, one of them on both platforms."""
    place = tmp_path_factory.mktemp("pages")
    settings = copied(demo, place / "data")
    with opened(settings) as db:
        for table in ("rpt_daily_sales", "rpt_daily_event_sales"):
            db.execute(f"delete from {table} where currency <> 'GBP'")
        coming = db.execute(
            "select event_key, show_key, starts_on from dim_events "
            "where starts_on >= $1 and platform = 'ticket_tailor' and event_key in "
            "(select event_key from rpt_sales_curve where tickets_sold > 0) order by starts_on limit 4",
            [OPENED.date()],
        ).fetchall()
        for (key, _, _), name in zip(coming, NAMES, strict=True):
            db.execute("update dim_events set event_name = $2, production = $2 where event_key = $1", [key, name])
        [half] = db.execute(
            "select min(event_key) from rpt_sales_curve where platform = 'ticketor' and tickets_sold > 0"
        ).fetchone()
        _, show, day = coming[0]
        db.execute("update dim_events set show_key = $1, starts_on = $2 where event_key = $3", [show, day, half])
        for table in ("rpt_sales_curve", "rpt_event_sales"):
            db.execute(f"update {table} set show_key = $1 where event_key = $2", [show, half])
        db.execute(
            "delete from dim_events where starts_on >= $1 and show_key not in (select unnest($2::varchar[]))",
            [OPENED.date(), [show for _, show, _ in coming]],
        )
    # as a person calls it: what matplotlib says of letters that its font lacks would be seen here
    command = [sys.executable, "-m", "boxoffice.cli", "report", "--out", f"{place}/pages/"]
    here = os.environ | {"BOXOFFICE_DATA_DIR": str(settings.data_dir)}
    ran = subprocess.run(command, cwd=ROOT, env=here, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{place}/pages/index.html\n"
    return place


def test_the_overview_leads_to_each_event_and_back(folder: Path) -> None:
    index = folder / "pages" / "index.html"
    links = set(re.findall(r'href="(events/[^"]+)"', index.read_text()))
    assert links == {str(path.relative_to(index.parent)) for path in (folder / "pages" / "events").iterdir()}
    assert len(links) > len(NAMES)
    for link in links:
        assert re.fullmatch(r"[a-z0-9/.-]+", link)
        text = (index.parent / link).read_text()
        Page(text)
        assert 'href="../index.html"' in text


def test_names_in_any_letters_are_shown(folder: Path) -> None:
    page = Page((folder / "pages" / "index.html").read_text())
    rows = {row[0].split(" |")[0]: row for row in page.table("The next performances")[1:]}
    assert set(rows) >= set(NAMES)
    assert "Ticketor: " in rows[NAMES[0]][0] and "Ticket Tailor: " in rows[NAMES[0]][0]  # its halves, on request


def test_a_page_adds_up_its_halves(folder: Path) -> None:
    settings = Settings(folder / "data")
    path = report(settings, folder / "one.html", event="عطيل")
    page = Page(path.read_text())
    *halves, together = page.table("Tickets so far")[1:]
    assert len(halves) == 2 and together[0] == "Together"
    for place in range(1, 5):
        assert sum(number(half[place]) for half in halves) == number(together[place])
    with opened(settings) as db:
        sold, gross = db.execute(
            "select sum(tickets_sold), sum(gross_sales) from rpt_daily_event_sales where event_key in "
            "(select event_key from dim_events where show_key in "
            "(select show_key from dim_events where event_name = $1))",
            ["عطيل"],
        ).fetchone()
    weeks = page.table("Sales by week")[1:]
    assert sum(number(row[1]) for row in weeks) == sold > 0
    assert f"{gross:,.2f} GBP, of which" in page.text


def test_what_is_asked_for(folder: Path, tmp_path: Path) -> None:
    settings = Settings(folder / "data")
    with opened(settings) as db:
        event_id = db.execute("select event_id from dim_events where event_name = $1", [NAMES[1]]).fetchone()[0]
    by_id = report(settings, tmp_path, event=event_id, folder=True)
    assert by_id.parent == tmp_path and NAMES[1] in by_id.read_text()
    assert report(settings, tmp_path / "x.html", event=NAMES[1]).read_bytes() == by_id.read_bytes()
    with pytest.raises(Problem, match="There is no event “Nothing like it”"):
        report(settings, tmp_path / "x.html", event="Nothing like it")
    with pytest.raises(Problem, match="is a part of several names"):
        report(settings, tmp_path / "x.html", event="e")
    with pytest.raises(Problem, match=r"Nothing was sold in EUR\. Currencies that something was sold in: GBP"):
        report(settings, tmp_path / "x.html", currency="EUR")
    with pytest.raises(Problem, match="the data end on 2 Jun 2025"):
        report(settings, tmp_path / "x.html", since=OPENED.date())
    assert not (tmp_path / "x" / "y.html").exists()
    since = report(settings, tmp_path / "x" / "y.html", since=dt.date(2025, 5, 20), currency="GBP")
    assert "Sales by day, GBP, 20 May – 1 Jun 2025" in Page(since.read_text()).text
