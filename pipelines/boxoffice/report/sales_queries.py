"""Sales and refunds of the report by day, week, month, channel and performance, in one currency.

Money is Decimal in major units; days are those of the accounts' reporting zones.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from boxoffice.report.figures import Figures, Period
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import rows


def months(figures: Figures, currency: str, how_many: int = 14) -> list[Any]:
    """Gross sales by month and account, the current month among them up to yesterday."""
    first = figures.today.replace(day=1)
    for _ in range(how_many - 1):
        first = (first - dt.timedelta(1)).replace(day=1)
    return rows(
        figures.db,
        "select date_trunc('month', sales_on)::date as month, platform, account, sum(gross_sales) as gross_sales "
        "from rpt_daily_sales where currency = ? and sales_on >= ? and sales_on < ? group by all order by all",
        currency,
        first,
        figures.today,
    )


def days(figures: Figures, currency: str, period: Period) -> list[Any]:
    """Gross sales and refunds of each account and day with any, in one currency."""
    return rows(
        figures.db,
        "select sales_on, platform, account, gross_sales, refunds from rpt_daily_sales "
        "where currency = ? and sales_on between ? and ? order by all",
        currency,
        period.first,
        period.last,
    )


def mean_a_year_before(figures: Figures, currency: str, days: Sequence[dt.date]) -> dict[dt.date, Decimal]:
    """Mean gross sales of the seven days to the same weekday 52 weeks before, by day.

    Empty unless the data reach back to all of them.
    """
    first = days[0] - dt.timedelta(364 + 6)
    if figures.begins is None or figures.begins > first:
        return {}
    found = {
        row.sales_on: row.gross_sales
        for row in rows(
            figures.db,
            "select sales_on, sum(gross_sales) as gross_sales from rpt_daily_sales "
            "where currency = ? and sales_on between ? and ? group by all",
            currency,
            first,
            days[-1] - dt.timedelta(364),
        )
    }
    week = [dt.timedelta(364 + number) for number in range(7)]
    return {day: sum((found.get(day - back, Decimal(0)) for back in week), Decimal(0)) / 7 for day in days}


def channels(figures: Figures, currency: str, period: Period) -> list[Any]:
    """Gross sales, orders and tickets by account and channel, the largest first."""
    return rows(
        figures.db,
        """
        with ledger as (
            select order_key, sum(amount) as gross_sales
            from fct_order_lines
            where booked_on between $2 and $3 and coalesce(currency, $4) = $1
                and line_kind in ('ticket', 'product', 'membership')
            group by all
        ),
        tickets as (
            select order_key, count(*) as how_many
            from fct_tickets where admission_kind <> 'comp' group by all
        )
        select
            orders.platform, orders.account, orders.channel,
            coalesce(sum(ledger.gross_sales), 0) as gross_sales,
            count(*) filter (where orders.order_type not in ('return', 'refund', 'void')) as orders,
            coalesce(sum(tickets.how_many), 0)::bigint as tickets_sold
        from fct_orders as orders
        inner join ledger on orders.order_key = ledger.order_key
        left join tickets on orders.order_key = tickets.order_key
        group by all
        order by gross_sales desc, orders.platform, orders.account, orders.channel
        """,
        currency,
        period.first,
        period.last,
        NO_CURRENCY,
    )


def best_sellers(figures: Figures, currency: str, period: Period, limit: int = 10) -> list[Any]:
    """The performances with the highest gross sales of the period, over both platforms."""
    return rows(
        figures.performances.db,
        """
        select
            halves.show_key, sum(days.gross_sales) as gross_sales, sum(days.tickets_sold)::bigint as tickets_sold,
            list({'platform': halves.platform, 'account': halves.account, 'gross_sales': days.gross_sales}
                order by halves.platform, halves.account) as halves
        from (
            select event_key, sum(gross_sales) as gross_sales, sum(tickets_sold) as tickets_sold
            from rpt_daily_event_sales where currency = ? and sales_on between ? and ? group by all
        ) as days
        inner join halves on days.event_key = halves.event_key
        group by halves.show_key
        having sum(days.gross_sales) > 0
        order by gross_sales desc, halves.show_key
        limit ?
        """,
        currency,
        period.first,
        period.last,
        limit,
    )


def refunds_by_week(figures: Figures, currency: str, weeks: int = 26) -> list[tuple[dt.date, Decimal, Decimal]]:
    """Monday, refunds and gross sales of the last weeks that are over and were known from their Monday on."""
    end = _monday(figures.today)
    first = end - dt.timedelta(7 * weeks)
    if figures.begins:
        first = max(first, _monday(figures.begins + dt.timedelta(6)))
    found = {
        row.week: (row.refunds, row.gross_sales)
        for row in rows(
            figures.db,
            "select date_trunc('week', sales_on)::date as week, sum(refunds) as refunds, "
            "sum(gross_sales) as gross_sales from rpt_daily_sales "
            "where currency = ? and sales_on >= ? and sales_on < ? group by all",
            currency,
            first,
            end,
        )
    }
    mondays = [first + dt.timedelta(7 * number) for number in range(max((end - first).days // 7, 0))]
    return [(monday, *found.get(monday, (Decimal(0), Decimal(0)))) for monday in mondays]


def refunds_by_event(figures: Figures, currency: str, period: Period, limit: int = 5) -> list[Any]:
    """Where the refunds of a period went, by performance; None is what belongs to none."""
    return rows(
        figures.performances.db,
        "select halves.show_key, sum(refunds) as refunds, sum(tickets_returned)::bigint as tickets_returned "
        "from rpt_daily_event_sales as days left join halves on days.event_key = halves.event_key "
        "where days.currency = ? and sales_on between ? and ? "
        "group by all having sum(refunds) > 0 order by refunds desc, halves.show_key limit ?",
        currency,
        period.first,
        period.last,
        limit,
    )


def refund_days_known(figures: Figures, currency: str, period: Period) -> dict[str, Decimal]:
    """Refunds of a period by how their day is known."""
    found = rows(
        figures.db,
        "select paid_at_basis, sum(-amount) as refunds from fct_payments where kind = 'refund' "
        "and coalesce(currency, $4) = $1 and paid_on between $2 and $3 "
        "group by all having sum(-amount) > 0 order by all",
        currency,
        period.first,
        period.last,
        NO_CURRENCY,
    )
    return {row.paid_at_basis: row.refunds for row in found}


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(day.isoweekday() - 1)
