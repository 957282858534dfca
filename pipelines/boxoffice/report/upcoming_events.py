"""Events to come: how they sell, and how that compares with what is usual. Tickets, whatever the currency."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import duckdb

from boxoffice.report.figures import rows


def upcoming(db: duckdb.DuckDBPyConnection, today: dt.date, limit: int = 8) -> list[Any]:
    """The next events of which anything was sold, with how many are in the house and what the last week brought."""
    return rows(
        db,
        """
        with curve as (
            select
                event_key,
                sum(tickets_sold + comps - tickets_returned)::bigint as in_the_house,
                coalesce(
                    sum(tickets_sold + comps - tickets_returned) filter (where sales_on >= $1::date - 7), 0
                )::bigint as last_week
            from rpt_sales_curve
            group by all
        )
        select
            events.event_key, events.event_name, events.starts_on, events.platform, events.account,
            date_diff('day', $1::date, events.starts_on) as days_left, events.capacity,
            curve.in_the_house, curve.last_week
        from dim_events as events
        inner join curve on events.event_key = curve.event_key
        where events.starts_on >= $1::date and curve.in_the_house > 0 and events.missing_since is null
        order by events.starts_on, curve.in_the_house desc, events.event_key
        limit $2
        """,
        today,
        limit,
    )


def unsold(db: duckdb.DuckDBPyConnection, today: dt.date) -> int:
    """How many coming events have sold nothing yet."""
    return rows(
        db,
        "select count(*) as how_many from dim_events as events where starts_on >= ? and missing_since is null "
        "and not exists (select 1 from rpt_sales_curve as curve where curve.event_key = events.event_key "
        "group by all having sum(tickets_sold + comps - tickets_returned) > 0)",
        today,
    )[0].how_many


def curves(db: duckdb.DuckDBPyConnection, event_keys: Sequence[str]) -> dict[str, list[tuple[int, int]]]:
    """For each event (days left, tickets in the house), from the first sale on; currencies together."""
    found: dict[str, list[tuple[int, int]]] = {key: [] for key in event_keys}
    for row in rows(
        db,
        """
        select event_key, days_left, sum(sum(tickets_sold + comps - tickets_returned)) over (
            partition by event_key order by days_left desc
        )::bigint as in_the_house
        from rpt_sales_curve
        where event_key in (select unnest(?::varchar[]))
        group by event_key, days_left
        order by event_key, days_left desc
        """,
        list(event_keys),
    ):
        found[row.event_key].append((row.days_left, row.in_the_house))
    return found


def usual_curve(
    db: duckdb.DuckDBPyConnection, platform: str, account: str, before: dt.date, days: int
) -> list[tuple[int, float]]:
    """The median of the account's past events, (days left, tickets in the house) from ``days`` before to 0.

    Past events are those of the year up to ``before`` of which anything was sold; empty with fewer than three.
    """
    found = rows(
        db,
        """
        with past as (
            select event_key from dim_events
            where platform = $1 and account = $2 and starts_on < $3::date and starts_on >= $3::date - 365
        ),
        movements as (
            select event_key, days_left, sum(tickets_sold + comps - tickets_returned) as tickets
            from rpt_sales_curve inner join past using (event_key)
            group by all
        ),
        sold as (
            select event_key from movements group by all having sum(tickets) > 0
        ),
        grid as (
            select event_key, unnest(range(0, $4::bigint + 1)) as days_left from sold
        ),
        counted as (
            select grid.event_key, grid.days_left, coalesce(sum(movements.tickets), 0) as in_the_house
            from grid
            left join movements
                on grid.event_key = movements.event_key and movements.days_left >= grid.days_left
            group by all
        )
        select days_left, median(in_the_house) as in_the_house, count(*) as events
        from counted group by all order by days_left desc
        """,
        platform,
        account,
        before,
        days,
    )
    return [(row.days_left, float(row.in_the_house)) for row in found if row.events >= 3]
