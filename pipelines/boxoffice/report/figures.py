"""The numbers of the report, asked of the published tables. Nothing here draws or formats.

The same file always gives the same numbers: time ends at ``data_until``, when the newest record reached us, and not at
the moment somebody asks. Money is Decimal in major units; days are those of the accounts' reporting zones.
"""

import dataclasses
import datetime as dt
from collections import Counter, namedtuple
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from boxoffice.report import formatting

RECENT_DAYS = 56
MEASURES = ("gross_sales", "refunds", "net_sales", "receipts", "tickets_sold")
NO_CURRENCY = "XXX"
IS_CODE = "regexp_full_match(currency, '[A-Z]{3}')"  # what else a platform sends as a currency may be any text


@dataclasses.dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: dt.date
    last: dt.date

    def back(self, days: int) -> "Period":
        return Period(self.first - dt.timedelta(days), self.last - dt.timedelta(days))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A period, the one before, and the one a year before.

    ``known`` says which of them the data can speak of, ``begins`` where the data begin; ``whole`` is false where an
    account's history begins within the period; ``mixed`` are the accounts whose history begins after the first day of
    a period that the data speak of.
    """

    name: str
    periods: tuple[Period, Period, Period]
    begins: dt.date | None
    known: tuple[bool, bool, bool]
    whole: tuple[bool, bool, bool]
    mixed: tuple[Any, ...]
    values: dict[str, tuple[dict[str, Decimal | int], ...]]


def rows(db: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[Any]:
    """The answer as named tuples."""
    answer = db.execute(query, values)
    row = namedtuple("row", [column[0] for column in answer.description])
    return [row(*found) for found in answer.fetchall()]


class Figures:
    """Everything the report asks, of one open connection.

    ``today`` is the local day on which the data end: it is not over, so no period contains it.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self.db = db
        info = rows(db, "select published_at, data_until from run_info")[0]
        self.published_at: dt.datetime = info.published_at
        # a clock that is ahead dates records in the future
        self.data_until: dt.datetime | None = info.data_until and min(info.data_until, info.published_at)
        self.accounts = rows(
            db,
            "select *, timezone(reporting_zone, history_from)::date as history_from_day from dim_accounts "
            "order by platform, account",
        )
        # the first local day that any account has anything of
        self.begins: dt.date | None = min(
            (account.history_from_day for account in self.accounts if account.history_from_day), default=None
        )
        of_platform = Counter(account.platform for account in self.accounts)
        self._names = {
            (account.platform, account.account): formatting.platform(account.platform)
            if of_platform[account.platform] == 1
            else f"{formatting.platform(account.platform)} · {account.account}"
            for account in self.accounts
        }
        newest = max(
            (account for account in self.accounts if account.last_record_at),
            key=lambda account: account.last_record_at,
            default=None,
        )
        self.zone = ZoneInfo(newest.reporting_zone if newest else "UTC")
        self.today: dt.date = (self.data_until or self.published_at).astimezone(self.zone).date()
        self.currencies: list[str] = [
            row.currency
            for row in rows(
                db,
                f"select currency from rpt_daily_sales where {IS_CODE} group by currency "
                "order by currency = ?, sum(orders) desc, currency",
                NO_CURRENCY,
            )
        ]

    def name(self, row: Any) -> str:
        """An account as a person calls it: by its platform, and by its own name where the platform has several."""
        return self._names.get((row.platform, row.account), f"{formatting.platform(row.platform)} · {row.account}")

    @property
    def recent(self) -> Period:
        """The last eight weeks' complete days."""
        return Period(self.today - dt.timedelta(RECENT_DAYS), self.today - dt.timedelta(1))

    def week(self) -> Comparison:
        """The last complete week, Monday to Sunday; a year before is 52 weeks before, so that the weekdays match."""
        last = self.today - dt.timedelta(self.today.isoweekday())
        this = Period(last - dt.timedelta(6), last)
        return self._compare("week", (this, this.back(7), this.back(364)))

    def month(self) -> Comparison:
        """The last complete calendar month."""
        this = _month_before(self.today)
        year_before = Period(_same_month(this.first, -1), _month_end(_same_month(this.first, -1)))
        return self._compare("month", (this, _month_before(this.first), year_before))

    def _compare(self, name: str, periods: tuple[Period, Period, Period]) -> Comparison:
        accounts = [account for account in self.accounts if account.history_from_day]
        known = tuple(self.begins is not None and self.begins <= period.last for period in periods)
        whole = tuple(
            not any(period.first < account.history_from_day <= period.last for account in accounts)
            for period in periods
        )
        mixed = tuple(
            account
            for account in accounts
            if any(
                is_known and account.history_from_day > period.first
                for period, is_known in zip(periods, known, strict=True)
            )
        )
        measures = ", ".join(f"sum({measure}) as {measure}" for measure in MEASURES)
        values: dict[str, tuple[dict[str, Decimal | int], ...]] = {}
        for currency in self.currencies:
            found = [
                rows(
                    self.db,
                    f"select {measures} from rpt_daily_sales where currency = ? and sales_on between ? and ?",
                    currency,
                    period.first,
                    period.last,
                )[0]
                for period in periods
            ]
            values[currency] = tuple({measure: getattr(row, measure) or 0 for measure in MEASURES} for row in found)
        return Comparison(name, periods, self.begins, known, whole, mixed, values)

    def days(self, currency: str, period: Period) -> list[Any]:
        """Gross sales and refunds of each account and day with any, in one currency."""
        return rows(
            self.db,
            "select sales_on, platform, account, gross_sales, refunds from rpt_daily_sales "
            "where currency = ? and sales_on between ? and ? order by all",
            currency,
            period.first,
            period.last,
        )

    def mean_a_year_before(self, currency: str, days: Sequence[dt.date]) -> dict[dt.date, Decimal]:
        """Mean gross sales of the seven days to the same weekday 52 weeks before, by day.

        Empty unless the data reach back to all of them.
        """
        first = days[0] - dt.timedelta(364 + 6)
        if self.begins is None or self.begins > first:
            return {}
        found = {
            row.sales_on: row.gross_sales
            for row in rows(
                self.db,
                "select sales_on, sum(gross_sales) as gross_sales from rpt_daily_sales "
                "where currency = ? and sales_on between ? and ? group by all",
                currency,
                first,
                days[-1] - dt.timedelta(364),
            )
        }
        week = [dt.timedelta(364 + number) for number in range(7)]
        return {day: sum((found.get(day - back, Decimal(0)) for back in week), Decimal(0)) / 7 for day in days}

    def channels(self, currency: str, period: Period) -> list[Any]:
        """Gross sales, orders and tickets by account and channel, the largest first."""
        return rows(
            self.db,
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

    def best_events(self, currency: str, period: Period, limit: int = 10) -> list[Any]:
        """The events with the highest gross sales of the period, with how full they are by now."""
        return rows(
            self.db,
            """
            select
                events.event_name, events.starts_on, events.platform, events.account,
                sum(days.gross_sales) as gross_sales, sum(days.tickets_sold)::bigint as tickets_sold,
                any_value(totals.tickets_sold + totals.comps - totals.tickets_returned) as in_the_house,
                any_value(events.capacity) as capacity, any_value(totals.sell_through) as sell_through
            from rpt_daily_event_sales as days
            inner join dim_events as events on days.event_key = events.event_key
            left join rpt_event_sales as totals
                on days.event_key = totals.event_key and days.currency = totals.currency
            where days.currency = ? and days.sales_on between ? and ?
            group by days.event_key, events.event_name, events.starts_on, events.platform, events.account
            having sum(days.gross_sales) > 0
            order by gross_sales desc, events.starts_on, days.event_key
            limit ?
            """,
            currency,
            period.first,
            period.last,
            limit,
        )

    def refunds_by_week(self, currency: str, weeks: int = 26) -> list[tuple[dt.date, Decimal]]:
        """Monday and refunds of each of the last complete weeks, as far as the data reach back; 0 without any."""
        end = _monday(self.today)
        first = end - dt.timedelta(7 * weeks)
        if self.begins:
            first = max(first, _monday(self.begins))
        found = {
            row.week: row.refunds
            for row in rows(
                self.db,
                "select date_trunc('week', sales_on)::date as week, sum(refunds) as refunds from rpt_daily_sales "
                "where currency = ? and sales_on >= ? and sales_on < ? group by all",
                currency,
                first,
                end,
            )
        }
        mondays = [first + dt.timedelta(7 * number) for number in range(max((end - first).days // 7, 0))]
        return [(monday, found.get(monday, Decimal(0))) for monday in mondays]

    def refunds_by_event(self, currency: str, period: Period, limit: int = 5) -> list[Any]:
        """Where the refunds of a period went, by event; no event last."""
        return rows(
            self.db,
            "select any_value(event_name) as event_name, any_value(events.starts_on) as starts_on, "
            "event_key, sum(refunds) as refunds, sum(tickets_returned)::bigint as tickets_returned "
            "from rpt_daily_event_sales left join dim_events as events using (event_key, event_name) "
            "where rpt_daily_event_sales.currency = ? and sales_on between ? and ? "
            "group by event_key having sum(refunds) > 0 order by refunds desc, event_key limit ?",
            currency,
            period.first,
            period.last,
            limit,
        )

    def refund_days_known(self, currency: str, period: Period) -> dict[str, Decimal]:
        """Refunds of a period by how their day is known."""
        found = rows(
            self.db,
            "select paid_at_basis, sum(-amount) as refunds from fct_payments where kind = 'refund' "
            "and coalesce(currency, $4) = $1 and paid_on between $2 and $3 "
            "group by all having sum(-amount) > 0 order by all",
            currency,
            period.first,
            period.last,
            NO_CURRENCY,
        )
        return {row.paid_at_basis: row.refunds for row in found}

    def unknown_currencies(self, limit: int = 20) -> list[Any]:
        """Sales over all time by each text that is no currency code, those of most orders first, and how many there are
        beyond ``limit``."""
        return rows(
            self.db,
            "select currency, sum(gross_sales) as gross_sales, sum(refunds) as refunds, "
            "sum(tickets_sold)::bigint as tickets_sold, count(*) over () as how_many "
            f"from rpt_daily_sales where not {IS_CODE} group by currency order by sum(orders) desc, currency limit ?",
            limit,
        )

    def findings(self) -> list[Any]:
        """What does not reconcile, by identity and currency: how many, at stake, and the gravest one in words."""
        return rows(
            self.db,
            """
            select
                platform, identity, currency, count(*) as how_many,
                sum(abs(difference)) filter (where currency is not null) as at_stake,
                arg_max(coalesce('Order ' || order_id || ': ', '') || in_words, abs(coalesce(difference, 0)))
                    as gravest
            from rpt_reconciliation
            group by all
            order by at_stake desc nulls last, how_many desc, identity, platform
            """,
        )

    def orders(self) -> int:
        """How many orders there are in all."""
        return rows(self.db, "select count(*) as how_many from fct_orders")[0].how_many

    def orders_in_doubt(self) -> int:
        """How many of them fail an identity."""
        return rows(
            self.db,
            "select count(distinct order_key) as how_many from rpt_reconciliation "
            "inner join fct_orders using (order_key)",
        )[0].how_many

    def refused(self) -> list[Any]:
        """Records that were refused, by account and reason, the newest first."""
        return rows(
            self.db,
            "select platform, account, reason, count(*) as how_many, max(refused_at) as newest, "
            "max_by(file, refused_at) as file from refused_records group by all "
            "order by newest desc, platform, account, reason",
        )

    def meanings(self, names: Sequence[str]) -> dict[str, str]:
        """What the columns of the daily report mean, as the file itself says it."""
        found = rows(
            self.db,
            "select column_name, comment from duckdb_columns() where schema_name = 'marts' "
            "and table_name = 'rpt_daily_sales' and comment is not null",
        )
        comments = {row.column_name: row.comment for row in found}
        return {name: comments[name] for name in names if name in comments}


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(day.isoweekday() - 1)


def _month_before(day: dt.date) -> Period:
    last = day.replace(day=1) - dt.timedelta(1)
    return Period(last.replace(day=1), last)


def _same_month(first: dt.date, years: int) -> dt.date:
    return first.replace(year=first.year + years)


def _month_end(first: dt.date) -> dt.date:
    return (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
