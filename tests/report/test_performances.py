"""Performances over both platforms and how they sell, on a published file of a few rows that are known by heart."""

import datetime as dt
from collections.abc import Sequence

import duckdb
import pytest

from boxoffice.report.performances import Pace, Performances

TODAY = dt.date(2026, 11, 30)

SCHEMA = """
create table dim_events (
    event_key text, platform text, account text, event_id text, show_key text, production text, season text,
    event_name text, venue text, starts_on date, starts_local timestamp, capacity bigint, capacity_basis text,
    target bigint, missing_since timestamptz, is_called_off boolean default false
);
create table rpt_event_sales (
    event_key text, tickets_sold bigint, comps bigint, tickets_returned bigint, last_day date
);
create table rpt_sales_curve (
    show_key text, days_left bigint, sales_on date, tickets_sold bigint, comps bigint, tickets_returned bigint
);
create table dim_accounts (platform text, account text, reporting_zone text, history_from timestamptz);
insert into dim_accounts values
    ('ticketor', 'hall', 'Europe/London', '2024-01-01'), ('ticket_tailor', 'hall', 'Europe/London', '2024-01-01');
"""


@pytest.fixture
def db() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(SCHEMA)
    return connection


def event(
    db: duckdb.DuckDBPyConnection,
    name: str | None,
    in_days: int | None,
    sales: Sequence[tuple[int, int]] = (),
    platform: str = "ticket_tailor",
    **more: object,
) -> str:
    """An event ``in_days`` from today, which sold as many tickets so many days before it; returns its key."""
    number = db.execute("select count(*) from dim_events").fetchone()[0]
    starts_on = None if in_days is None else TODAY + dt.timedelta(in_days)
    given = {
        "event_key": f"event{number}", "show_key": f"show{number}", "event_id": f"ev_{number}", "account": "hall",
        "platform": platform, "event_name": name, "starts_on": starts_on, **more,
    }  # fmt: skip
    marks = ", ".join("?" * len(given))
    db.execute(f"insert into dim_events ({', '.join(given)}) values ({marks})", list(given.values()))
    for days_left, tickets in sales:
        sales_on = starts_on - dt.timedelta(days_left) if starts_on else TODAY
        db.execute("insert into rpt_event_sales values (?, ?, 0, 0, ?)", [given["event_key"], tickets, sales_on])
        if starts_on:
            curve = [given["show_key"], days_left, sales_on, tickets]
            db.execute("insert into rpt_sales_curve values (?, ?, ?, ?, 0, 0)", curve)
    return str(given["show_key"])


def test_both_halves_are_one_performance(db: duckdb.DuckDBPyConnection) -> None:
    event(db, "Hamlet", 5, [(9, 20)], show_key="hamlet", capacity=100, capacity_basis="shows seed", target=90)
    event(
        db, "Hamlet - Saturday December 5, 2026 at 07:30 PM", 5, [(6, 13)], "ticketor", show_key="hamlet",
        capacity=100, capacity_basis="shows seed",
    )  # fmt: skip
    [one] = Performances(db, TODAY).coming
    assert (one.name, one.in_the_house, one.capacity, one.target) == ("Hamlet", 33, 100, 90)
    assert [(half.platform, half.in_the_house) for half in one.halves] == [("ticket_tailor", 20), ("ticketor", 13)]
    assert (one.days_left, one.last_week, one.is_full) == (5, 33, False)


def test_a_capacity_is_known_if_that_of_each_half_is(db: duckdb.DuckDBPyConnection) -> None:
    for show, capacities in {"both": (60, 40), "one": (60, None)}.items():
        for platform, capacity in zip(("ticketor", "ticket_tailor"), capacities, strict=True):
            event(db, show, 5, [(9, 1)], platform, show_key=show, capacity=capacity, capacity_basis="theirs")
    assert {one.show_key: one.capacity for one in Performances(db, TODAY).coming} == {"both": 100, "one": None}


def test_what_is_listed_as_coming(db: duckdb.DuckDBPyConnection) -> None:
    event(db, "undated, sold lately", None, [(0, 3)])
    event(db, "far, unsold", 60)
    event(db, "far, sold", 60, [(70, 1)])
    event(db, "near, unsold", 3)
    event(db, "near, gone from the list", 3, [(9, 5)], missing_since=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    event(db, "over", -1, [(9, 5)])
    event(db, "called off", 3, [(9, 5)], is_called_off=True)
    event(db, None, 0, [(9, 5)])
    performances = Performances(db, TODAY)
    assert [one.name for one in performances.coming] == [None, "near, unsold", "far, sold", "undated, sold lately"]
    assert performances.not_listed() == 1
    assert [one.name for one in performances.called_off] == ["called off"]
    assert performances.coming[-1].days_left is None and performances.coming[-1].pace is None


def test_the_pace_is_that_of_the_previous_run_up_to_yesterday(db: duckdb.DuckDBPyConnection) -> None:
    for in_days, early, late in ((-200, 10, 50), (-199, 30, 50), (-198, 12, 50)):
        event(db, "Hamlet, in spring", in_days, [(20, early), (10, late)], production="Hamlet")
    event(db, "Hamlet", -2, [(20, 99)], production="Hamlet")  # of this run: counts where there is no earlier one
    show = event(db, "Hamlet", 15, [(20, 40), (16, 2), (15, 500)], production="Hamlet")  # 500 sold today
    pace = Performances(db, TODAY).named([show])[show].pace
    assert pace is not None
    assert (pace.basis, pace.now, pace.usual, len(pace.references)) == ("previous run", 42, 12.0, 3)
    assert pace.verdict == "ahead"


def test_without_a_previous_run_it_is_this_run_and_else_what_is_usual(db: duckdb.DuckDBPyConnection) -> None:
    for in_days, tickets in ((-30, 10), (-20, 20), (-10, 60)):
        event(db, f"Talk {in_days}", in_days, [(5, tickets)])
    event(db, "Revue", -7, [(5, 33)])
    event(db, "elsewhere", -7, [(5, 900)], "ticketor")
    this_run, usual = event(db, "Revue", 4, [(5, 30)]), event(db, "Debut", 4, [(5, 5)])
    alone = event(db, "Alone", 4, [(5, 5)], "ticketor")
    found = Performances(db, TODAY).named([this_run, usual, alone])
    assert found[this_run].pace == Pace("this run so far", 30, 33.0, ["show3"])
    assert found[this_run].pace.verdict == "level"
    assert found[usual].pace[:3] == ("usual here", 5, 26.5)  # the median of 10, 20, 33, 60, and not of elsewhere
    assert found[usual].pace.verdict == "behind"
    assert found[alone].pace is None  # one performance makes nothing usual


def test_a_performance_whose_sales_began_before_the_data_is_no_measure(db: duckdb.DuckDBPyConnection) -> None:
    event(db, "Hamlet", -2, [(1, 9)])
    show = event(db, "Hamlet", 9, [(12, 8)])
    db.execute("update dim_accounts set history_from = ?", [TODAY - dt.timedelta(8)])
    assert Performances(db, TODAY).named([show])[show].pace is None


@pytest.mark.parametrize(
    ("now", "usual", "verdict"),
    [(4, 1, ""), (5, 1, "ahead"), (5, 2.5, "level"), (0, 5, "behind"), (95, 100, "level"), (89, 100, "behind")],
)
def test_chance_is_no_verdict(now: int, usual: float, verdict: str) -> None:
    assert Pace("usual here", now, usual, []).verdict == verdict
