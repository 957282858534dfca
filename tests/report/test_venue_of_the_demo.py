"""The demo's venue, as its published file shows it: would one go there?"""

import duckdb
import pytest

from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

# One row a performance, over both platforms: the hall is one, and Ticket Tailor knows its seats.
PERFORMANCES = """
    select
        events.starts_at, any_value(events.starts_on) as starts_on, max(events.capacity) as capacity,
        any_value(regexp_replace(events.event_name, ' - \\w+day .*', '')) as title,
        sum(sales.tickets_sold + sales.comps - sales.tickets_returned) as taken
    from dim_events as events join rpt_event_sales as sales using (event_key)
    where events.starts_at < (select data_until from run_info)
    group by events.starts_at
"""


@pytest.fixture(scope="module")
def db(demo: Settings) -> duckdb.DuckDBPyConnection:
    with open_published(demo) as published:
        yield published


def one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[float, ...]:
    return db.execute(query).fetchone()


def test_sixty_performances_in_fourteen_months_and_titles_come_back(db: duckdb.DuckDBPyConnection) -> None:
    count, days = one(db, f"select count(*), max(starts_on) - min(starts_on) from ({PERFORMANCES})")
    assert 55 <= count <= 75 and days > 365
    sold_over, in_pounds = one(
        db,
        "select max(ordered_on) - min(ordered_on), avg((currency = 'GBP')::int) from fct_orders where is_booked",
    )
    assert 410 <= sold_over <= 430 and 0.9 < in_pounds < 1
    titles = db.execute(
        f"select title, count(*), max(starts_on) - min(starts_on) as apart from ({PERFORMANCES}) group by title"
    ).fetchall()
    assert 8 <= len(titles) <= 12
    assert sum(apart > 100 for _, _, apart in titles) >= 6


def test_some_are_sold_out_some_are_not_and_none_is_oversold(db: duckdb.DuckDBPyConnection) -> None:
    full = [
        row[0] for row in db.execute(f"select taken / capacity from ({PERFORMANCES}) where capacity > 0").fetchall()
    ]
    assert all(0 <= share <= 1 for share in full)
    assert sum(share > 0.94 for share in full) >= 6 and sum(share < 0.25 for share in full) >= 3
    assert 0.45 < sum(full) / len(full) < 0.8


def test_people_buy_weeks_ahead_and_in_the_last_days_and_never_after_the_show(db: duckdb.DuckDBPyConnection) -> None:
    longest, early, late, after = one(
        db,
        """
        select max(ahead), avg((ahead >= 28)::int), avg((ahead < 7)::int), count(*) filter (sold_at > starts_at)
        from (
            select starts_on - sold_at::date as ahead, sold_at, starts_at
            from fct_tickets join dim_events using (event_key)
            where starts_at < (select data_until from run_info)
        )
        """,
    )
    assert 42 <= longest <= 80  # a long run goes on sale as a whole
    assert 0.2 < early < 0.6 and 0.15 < late < 0.5
    assert after == 0


def test_people_buy_in_the_evening_and_sleep_at_night(db: duckdb.DuckDBPyConnection) -> None:
    night, evening, busiest = one(
        db,
        "select avg((hour between 1 and 5)::int), avg((hour between 18 and 22)::int), mode(hour) from ("
        "select hour(timezone('Europe/London', ordered_at)) as hour from fct_orders)",
    )
    assert night < 0.02 and evening > 0.35 and busiest in (19, 20, 21)


def test_most_tickets_are_scanned(db: duckdb.DuckDBPyConnection) -> None:
    (share,) = one(
        db,
        "select avg((scanned_at is not null)::int) from fct_tickets join dim_events using (event_key) "
        f"where fct_tickets.status = 'sold' and starts_at in (select starts_at from ({PERFORMANCES}))",
    )
    assert 0.78 < share < 0.88


def test_people_come_again_and_mostly_buy_in_one_place(db: duckdb.DuckDBPyConnection) -> None:
    again, both = one(
        db,
        "select avg((orders > 1)::int), avg((platforms > 1)::int) from ("
        "select count(*) as orders, count(distinct platform) as platforms from fct_orders "
        "where person_key is not null and is_booked group by person_key)",
    )
    assert 0.25 < again < 0.75 and 0 < both < 0.1


def test_one_show_was_moved_and_one_called_off(db: duckdb.DuckDBPyConnection) -> None:
    moved = db.execute("select distinct starts_at from dim_events where dates_seen > 1").fetchall()
    assert len(moved) == 1
    called_off = f"select starts_at from ({PERFORMANCES}) where taken = 0"
    assert len(db.execute(called_off).fetchall()) == 1
    (scans,) = one(
        db,
        "select count(scanned_at) from fct_tickets join dim_events using (event_key) "
        f"where starts_at in ({called_off})",
    )
    assert scans == 0


def test_no_moment_lies_after_the_newest_record(db: duckdb.DuckDBPyConnection) -> None:
    for table, columns in {
        "fct_orders": ("ordered_at", "first_seen_at"),
        "fct_tickets": ("sold_at", "scanned_at", "voided_at"),
        "fct_payments": ("paid_at",),
        "fct_order_lines": ("booked_at",),
        "dim_accounts": ("last_record_at",),
    }.items():
        for column in columns:
            late = f"select count(*) from {table} where {column} > (select data_until from run_info)"
            assert one(db, late) == (0,), (table, column)
