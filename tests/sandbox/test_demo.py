"""``make demo``: two days of it, printed and equal to the ledger; and a folder that is not the demo's is left alone."""

import dataclasses
import datetime as dt
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from rich.console import Console

from boxoffice.errors import Problem
from sandbox import demo as demos
from sandbox import ledger
from sandbox.catalogue import DAY
from sandbox.demo_report import QUESTIONS
from sandbox.tailor import make_order
from sandbox.ticketor import Ticketor
from sandbox.ticketor_items import Invoice

ROOT = Path(__file__).resolve().parents[2]
OPENED = dt.datetime(2025, 5, 23, 2, tzinfo=dt.UTC)  # a Friday with a show in the evening
ORDERS = 500  # on each platform, a quarter of what `make demo` opens with: every kind of news is among them


class Day(NamedTuple):
    """What one call of the demo printed, left and should have left."""

    printed: str
    state: demos.State
    published: list[tuple[Any, ...]]
    reports: list[tuple[Any, ...]]
    books: list[ledger.Books]
    answers: dict[str, int]


def one_day(folder: Path) -> Day:
    out = io.StringIO()
    state = demos.demo({"BOXOFFICE_DATA_DIR": str(folder)}, Console(file=out, width=140))
    venue = demos.venue_of(state)
    looks = [ledger.Look(now, dt.datetime.fromtimestamp(now, dt.UTC)) for now in state.looks]
    with duckdb.connect(str(folder / "boxoffice.duckdb"), read_only=True) as db:
        db.execute("set schema = 'marts'")
        lines = db.execute(
            "select platform, order_id, line_kind, refund_of, sum(amount) from fct_order_lines group by all "
            "having sum(amount) <> 0"
        ).fetchall()
        reports = db.execute(
            "select platform, sales_on, currency, gross_sales, refunds, net_sales, charged_total, receipts "
            "from rpt_daily_sales"
        ).fetchall()
        answers = {question: len(db.execute(query).fetchall()) for question, query in QUESTIONS.items()}
    books = [ledger.ticketor(venue, state.now), ledger.ticket_tailor(venue, looks)]
    return Day(out.getvalue(), state, lines, reports, books, answers)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Day]]:
    folder = tmp_path_factory.mktemp("demo") / "data"
    state = folder / "sandbox" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"end": int(OPENED.timestamp()), "orders": ORDERS}))
    before = dict(os.environ)
    yield [one_day(folder), one_day(folder)]
    os.environ.clear()
    os.environ.update(before)


def test_marts_equal_the_ledger_to_the_cent_on_both_days(days: list[Day]) -> None:
    for day in days:
        truth = {(books.platform, *key): amount for books in day.books for key, amount in books.amounts().items()}
        assert {row[:4]: row[4] for row in day.published} == truth
        expected = {
            (books.platform, on, currency): (
                *(sums.gross_sales, sums.refunds, sums.net_sales, sums.charged_total, sums.receipts),
            )
            for books in day.books
            for (on, currency), sums in books.by_day().items()
        }
        assert {row[:3]: row[3:] for row in day.reports if any(row[3:])} == {
            key: sums for key, sums in expected.items() if any(sums)
        }


def test_first_answers(days: list[Day]) -> None:
    printed = days[0].printed
    for title in ("Sales by platform and currency", "Best-selling events", "Refunds", "Refused"):
        assert title in printed
    assert "sandbox_hall" in printed and "boxoffice.duckdb" in printed
    assert printed.count("boxoffice sql ") == 3
    assert "_none_0.json" in printed and "truncated" in printed
    sales = {row[:3]: row[3] for row in days[0].reports}
    gross = sum(amount for (platform, _, code), amount in sales.items() if (platform, code) == ("ticketor", "GBP"))
    assert f"{gross:,.2f}" in printed
    assert min(days[0].answers.values()) > 0, "each of the three questions has an answer"


def test_the_second_day_shows_what_came_through(days: list[Day]) -> None:
    first, second = days
    assert (first.state.day, second.state.day) == (0, 1)
    assert second.state.now == first.state.now + DAY
    assert "What the day brought" not in first.printed
    printed = second.printed.partition("What the day brought")[2]
    venue = demos.venue_of(second.state)
    refunded = f"or_{10_000_000 + next(iter(venue.extra))}"
    returned = f"{400_001 + 8 * next(iter(venue.returns))}"
    twice = f"{400_000 + 8 * next(iter(venue.redelivered))}"
    refunds = printed.partition("New refunds")[2].partition("Tickets scanned")[0]
    assert refunded in refunds and "when we first saw it" in refunds and returned in refunds
    assert f"The webhook of invoice {twice} came a second time; the invoice counts once." in printed
    assert "Tickets scanned\nplatform" in printed and "New orders\nplatform" in printed
    assert "returned" in printed.partition("Tickets returned")[2]
    news = demos.news_since(venue, first.state.now, second.state.now)
    over = printed.partition("News of months that are over")[2].partition("Where that leaves")[0]
    assert re.search(rf"paid now +invoice {news.paid_late[0]} ", over)
    assert re.search(rf"webhook arrived now +invoice {news.delivered_late[0]} ", over)
    assert re.search(r"moved to 2025-05-\d\d +[A-Z].* 2025-0[34]-\d\d ", over)
    old = dt.datetime.fromtimestamp(venue.created("tailor", next(iter(venue.extra))), dt.UTC)
    assert dt.datetime.fromtimestamp(second.state.now, dt.UTC) - old > dt.timedelta(days=30)


def test_new_lines_are_the_days_own(days: list[Day]) -> None:
    first, second = ({row[:4]: row[4] for row in day.published} for day in days)
    assert {key: second[key] for key in first} == first, "yesterday's amounts stand"
    assert sum(Decimal(1) for key in second if key not in first) > 5


@pytest.mark.parametrize("hour", [0, 9, 18])
def test_every_day_brings_each_kind_of_news_at_whatever_hour_it_is_typed(hour: int) -> None:
    for day in range(1, demos.AHEAD + 1):
        state = demos.State(end=1_790_000_000 // DAY * DAY + hour * 3600, day=day)
        venue, since, now = demos.venue_of(state), state.now - DAY, state.now
        made = range(venue.made_before("tailor", since), venue.made_before("tailor", now))
        assert any(make_order(venue, index).created > since for index in made)
        changes = [change for index in venue.extra for change in make_order(venue, index).changes]
        assert any(change.what == "refund" for change in changes if since < change.at <= now)
        told = list(Ticketor(venue).deliveries(since, now))
        invoices = [one for one in told if one.webhook == "invoice_with_details"]
        assert {"Sale", "Return"} <= {one.item.type for one in invoices}
        assert any(since - one.item.unix > DAY for one in invoices if one.item.type == "Sale"), "told once more"


@pytest.mark.parametrize("hour", [0, 18])
def test_every_day_brings_news_of_a_month_that_is_over(hour: int) -> None:
    state = demos.State(end=1_790_000_000 // DAY * DAY + hour * 3600)
    for day in range(1, demos.AHEAD + 1):
        venue, since, now = demos.venue_of(state), state.end + (day - 1) * DAY, state.end + day * DAY
        month = dt.datetime.fromtimestamp(now - 9 * 3600, venue.zone).replace(day=1, hour=0, minute=0, second=0)
        news = demos.news_since(venue, since, now)
        assert (len(news.paid_late), len(news.delivered_late), len(news.moved), len(news.again)) == (1, 1, 1, 1)
        assert all(day < month.date() for day in news.moved.values())
        told = {one.item.id: one for one in Ticketor(venue).deliveries(since, now) if isinstance(one.item, Invoice)}
        late = told[int(*news.delivered_late)].item
        assert late.unix < month.timestamp()
        heard = {
            one.item.id: one.item for one in Ticketor(venue).deliveries(None, since) if hasattr(one.item, "payments")
        }
        assert late.id not in heard
        open_until_now = heard[int(*news.paid_late)]
        assert open_until_now.unix < month.timestamp() and not open_until_now.payments


def test_a_week_day_by_day_brings_every_webhook_of_the_week() -> None:
    """Also the scans of what was sold eighty days before, for the last performance of the long run at Christmas."""
    state = demos.State(end=int(dt.datetime(2024, 12, 26, 2, tzinfo=dt.UTC).timestamp()))
    ticketor = Ticketor(demos.venue_of(state))
    days = [state.end + day * DAY for day in range(demos.AHEAD + 1)]
    came = [(one.story, one.number) for day in days[1:] for one in ticketor.deliveries(day - DAY, day)]
    whole = {(one.story, one.number) for one in ticketor.deliveries(None, days[-1])}
    before = {(one.story, one.number) for one in ticketor.deliveries(None, days[0])}
    assert sorted(came) == sorted(whole - before)


def test_a_day_that_lies_in_the_future_does_not_pass(tmp_path: Path) -> None:
    state = demos.State(end=int(dt.datetime.now(dt.UTC).timestamp()) - DAY // 2, day=0)
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "state.json").write_text(json.dumps(dataclasses.asdict(state)))
    with pytest.raises(Problem, match=r"would lie in the future\. Nothing was run"):
        demos.demo({"BOXOFFICE_DATA_DIR": str(tmp_path)}, Console(file=io.StringIO()))
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox"]


def test_the_demo_of_an_earlier_release_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "state.json").write_text(
        '{"end": 1748851200, "day": 0, "looks": [{"now": 1, "fetched": 2}]}'
    )
    with pytest.raises(Problem, match="demo of an earlier release"):
        demos.demo({"BOXOFFICE_DATA_DIR": str(tmp_path)}, Console(file=io.StringIO()))


# --- a folder that is not the demo's ----------------------------------------------------------------------------------


def test_a_warehouse_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(b"somebody's")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "demo"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BOXOFFICE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not the demo's" in done.stderr and "BOXOFFICE_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]
    assert warehouse.read_bytes() == b"somebody's"


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "state.json").write_text('{"seed": 7, "da')
    with pytest.raises(Problem, match=r"state\.json cannot be read"):
        demos.demo({"BOXOFFICE_DATA_DIR": str(tmp_path)}, Console(file=io.StringIO()))


def test_a_run_that_fails_is_told_and_the_day_comes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from boxoffice.run import run as runs

    class Failed:
        exit_code, error, accounts = 1, "the disk is full", ()

    monkeypatch.setattr(runs, "run", lambda *_args, **_options: Failed)
    for _ in range(2):
        with pytest.raises(Problem, match="the disk is full"):
            demos.demo({"BOXOFFICE_DATA_DIR": str(tmp_path)}, Console(file=io.StringIO()), orders=500)
        assert json.loads((tmp_path / "sandbox" / "state.json").read_text())["day"] == -1


@pytest.mark.parametrize("verb", [[], ["demo"], ["serve"], ["webhooks"]])
def test_help_shows_an_example(verb: list[str]) -> None:
    command = [sys.executable, "-m", "sandbox", *verb, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Example" in done.stdout or not verb
