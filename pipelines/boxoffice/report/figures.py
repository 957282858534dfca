"""The numbers of the report, asked of the published tables. Nothing here draws or formats.

The same file always gives the same numbers: time ends at ``data_until``, when the newest record reached us, and not at
the moment somebody asks. Money is Decimal in major units; days are those of the accounts' reporting zones.
"""

import dataclasses
import datetime as dt
import functools
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb

from boxoffice.report import formatting
from boxoffice.report.performances import Performances
from boxoffice.warehouse.query import rows

RECENT_DAYS = 56
MEASURES = ("tickets_sold", "gross_sales", "refunds", "net_sales")
MAIN_SHARE = 0.1  # a currency of so many of the last year's orders has charts of its own; at most MAIN_CURRENCIES have
MAIN_CURRENCIES = 3
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

    ``values`` are those of each period by currency: ``MEASURES``, and ``ticket_sales``, what tickets alone brought.
    """

    name: str
    periods: tuple[Period, Period, Period]
    begins: dt.date | None
    known: tuple[bool, bool, bool]
    whole: tuple[bool, bool, bool]
    mixed: tuple[Any, ...]
    values: dict[str, tuple[dict[str, Decimal | int], ...]]


class Part(NamedTuple):
    """A season or year up to a day: its name, the measures by currency, performances given, and how full they were."""

    name: str
    values: dict[str, dict[str, Decimal | int]]
    given: int
    full: Decimal | None


class Season(NamedTuple):
    """The season or year to date; a second part where the one before can be known."""

    kind: str
    parts: list[Part]


class Figures:
    """Everything the report asks, of one open connection.

    ``today`` is the local day on which the data end: it is not over, so no period contains it. ``currency`` leaves out
    all others; ``since`` is where ``recent`` begins, eight weeks before its end if it is None.
    """

    def __init__(
        self, db: duckdb.DuckDBPyConnection, currency: str | None = None, since: dt.date | None = None
    ) -> None:
        self.db = db
        self.since = since
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
        found = rows(
            db,
            "select currency, sum(orders) filter (sales_on >= $1 - 365) as lately from rpt_daily_sales "
            f"where {IS_CODE} group by currency order by currency = $2, sum(orders) desc, currency",
            self.today,
            NO_CURRENCY,
        )
        self.every_currency: list[str] = [row.currency for row in found]
        self.currencies = [one for one in self.every_currency if currency in (None, one)]
        of_all = sum(row.lately or 0 for row in found)
        large = [row.currency for row in found if (row.lately or 0) >= max(of_all * MAIN_SHARE, 1)]
        self.main = [one for one in self.currencies if one in large][:MAIN_CURRENCIES] or self.currencies[:1]
        self.small = [one for one in self.currencies if one not in self.main]

    @functools.cached_property
    def performances(self) -> Performances:
        """Performances over all accounts. Their tables are made at the first call: what reads them asks its ``db``."""
        return Performances(self.db, self.today)

    def name(self, row: Any) -> str:
        """An account as a person calls it: by its platform, and by its own name where the platform has several."""
        return self._names.get((row.platform, row.account), f"{formatting.platform(row.platform)} · {row.account}")

    @property
    def recent(self) -> Period:
        """The last eight weeks' complete days, or those since the day that was asked for."""
        last = self.today - dt.timedelta(1)
        return Period(min(self.since or self.today - dt.timedelta(RECENT_DAYS), last), last)

    def week(self) -> Comparison:
        """The last complete week, Monday to Sunday; a year before is 52 weeks before, so that the weekdays match."""
        last = self.today - dt.timedelta(self.today.isoweekday())
        this = Period(last - dt.timedelta(6), last)
        return self._compare("week", (this, this.back(7), this.back(364)))

    def month(self) -> Comparison:
        """The last complete calendar month."""
        this = _month_before(self.today)
        year_before = Period(_years_back(this.first, 1), _month_end(_years_back(this.first, 1)))
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
        found = [self.totals(period) for period in periods]
        nothing = dict.fromkeys((*MEASURES, "ticket_sales"), Decimal(0))
        values = {currency: tuple(one.get(currency, nothing) for one in found) for currency in self.currencies}
        return Comparison(name, periods, self.begins, known, whole, mixed, values)

    def totals(self, period: Period) -> dict[str, dict[str, Decimal | int]]:
        """The measures of a period, by currency."""
        found = rows(
            self.db,
            f"""
            with sold as (
                select currency, {", ".join(f"sum({measure}) as {measure}" for measure in MEASURES)}
                from rpt_daily_sales where sales_on between $1 and $2 group by all
            ),
            tickets as (
                select coalesce(currency, $3) as currency, sum(amount) as ticket_sales
                from fct_order_lines where line_kind = 'ticket' and booked_on between $1 and $2 group by all
            )
            select sold.*, coalesce(tickets.ticket_sales, 0) as ticket_sales
            from sold left join tickets on sold.currency = tickets.currency
            """,
            period.first,
            period.last,
            NO_CURRENCY,
        )
        return {row.currency: {name: getattr(row, name) for name in (*MEASURES, "ticket_sales")} for row in found}

    def season(self) -> "Season":
        """The season to date, by the seed ``shows``, or else the calendar year; with the one before up to the same
        point, both without the day that is not over."""
        seasons = rows(
            self.performances.db,
            "select season, min(starts_on) as first, max(starts_on) as last from performances "
            "where season is not null and starts_on is not null group by all order by first desc, season",
        )
        begun = [row for row in seasons if row.first <= self.today]
        if not begun:
            first, yesterday = self.today.replace(month=1, day=1), self.today - dt.timedelta(1)
            periods = [Period(_years_back(first, years), _years_back(yesterday, years)) for years in (0, 1)]
            parts = [
                Part(str(period.first.year), self.totals(period), *self._given(period, None)) for period in periods
            ]
            known = self.begins is not None and self.begins <= periods[1].first
            return Season("year", parts[: 1 + known])
        parts = []
        for row in begun[:2]:
            until = self.today - (begun[0].first - row.first)
            period = Period(row.first, until - dt.timedelta(1))
            parts.append(Part(row.season, self._season_totals(row.season, until), *self._given(period, row.season)))
        known = self.begins is not None and len(begun) > 1 and self.begins < begun[1].first
        return Season("season", parts[: 1 + known])

    def _season_totals(self, season: str, until: dt.date) -> dict[str, dict[str, Decimal | int]]:
        found = rows(
            self.performances.db,
            f"""
            with events as (select event_key from halves where season = $1),
            sold as (
                select currency, {", ".join(f"sum({measure}) as {measure}" for measure in MEASURES)}
                from rpt_daily_event_sales where sales_on < $2 and event_key in (from events) group by all
            ),
            tickets as (
                select coalesce(currency, $3) as currency, sum(amount) as ticket_sales from fct_order_lines
                where line_kind = 'ticket' and booked_on < $2 and event_key in (from events) group by all
            )
            select sold.*, coalesce(tickets.ticket_sales, 0) as ticket_sales
            from sold left join tickets on sold.currency = tickets.currency
            """,
            season,
            until,
            NO_CURRENCY,
        )
        return {row.currency: {name: getattr(row, name) for name in (*MEASURES, "ticket_sales")} for row in found}

    def _given(self, period: Period, season: str | None) -> tuple[int, Decimal | None]:
        """Performances given in a period, and how full those were of which the capacity is known."""
        [found] = rows(
            self.performances.db,
            "select count(*) as given, sum(in_the_house) filter (capacity > 0) / nullif(sum(capacity), 0) as full "
            "from performances where starts_on between $1 and $2 and in_the_house > 0 and $3 in (season, '')",
            period.first,
            period.last,
            season or "",
        )
        return found.given, found.full

    def months(self, currency: str, how_many: int = 14) -> list[Any]:
        """Gross sales by month and account, the current month among them up to yesterday."""
        first = self.today.replace(day=1)
        for _ in range(how_many - 1):
            first = (first - dt.timedelta(1)).replace(day=1)
        return rows(
            self.db,
            "select date_trunc('month', sales_on)::date as month, platform, account, sum(gross_sales) as gross_sales "
            "from rpt_daily_sales where currency = ? and sales_on >= ? and sales_on < ? group by all order by all",
            currency,
            first,
            self.today,
        )

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

    def best_sellers(self, currency: str, period: Period, limit: int = 10) -> list[Any]:
        """The performances with the highest gross sales of the period, over both platforms."""
        return rows(
            self.performances.db,
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

    def refunds_by_week(self, currency: str, weeks: int = 26) -> list[tuple[dt.date, Decimal, Decimal]]:
        """Monday, refunds and gross sales of the last weeks that are over and were known from their Monday on."""
        end = _monday(self.today)
        first = end - dt.timedelta(7 * weeks)
        if self.begins:
            first = max(first, _monday(self.begins + dt.timedelta(6)))
        found = {
            row.week: (row.refunds, row.gross_sales)
            for row in rows(
                self.db,
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

    def refunds_by_event(self, currency: str, period: Period, limit: int = 5) -> list[Any]:
        """Where the refunds of a period went, by performance; None is what belongs to none."""
        return rows(
            self.performances.db,
            "select halves.show_key, sum(refunds) as refunds, sum(tickets_returned)::bigint as tickets_returned "
            "from rpt_daily_event_sales as days left join halves on days.event_key = halves.event_key "
            "where days.currency = ? and sales_on between ? and ? "
            "group by all having sum(refunds) > 0 order by refunds desc, halves.show_key limit ?",
            currency,
            period.first,
            period.last,
            limit,
        )

    def buyers(self, period: Period) -> Any:
        """People who bought in a period: ``fresh`` for the first time that we know of, ``returning``, and booked orders
        that name no person."""
        return rows(
            self.db,
            """
            with sales as (
                select person_key, ordered_on, min(ordered_on) over (partition by person_key) as first_on
                from fct_orders where is_booked and order_type = 'sale'
            )
            select
                count(distinct person_key) filter (first_on >= $1) as fresh,
                count(distinct person_key) filter (first_on < $1) as returning,
                count(*) filter (person_key is null) as unnamed
            from sales where ordered_on between $1 and $2
            """,
            period.first,
            period.last,
        )[0]

    def attendance(self, period: Period, limit: int = 8) -> list[Any]:
        """Performances given in a period, the last first: tickets that were valid, and how many of them were scanned.

        Only where scans are known and any ticket was scanned: a house that scans none knows nothing of who came.
        """
        return rows(
            self.performances.db,
            """
            select halves.show_key, count(*) as tickets, count(tickets.scanned_at) as scanned
            from fct_tickets as tickets
            inner join halves on tickets.event_key = halves.event_key
            inner join dim_accounts as accounts
                on tickets.platform = accounts.platform and tickets.account = accounts.account
            where tickets.status = 'sold' and accounts.knows_scans and halves.starts_on between $1 and $2
            group by halves.show_key
            having count(tickets.scanned_at) > 0
            order by max(halves.starts_local) desc, halves.show_key
            limit $3
            """,
            period.first,
            period.last,
            limit,
        )

    def waiting_lists(self) -> list[Any]:
        """Coming performances with a waiting list, the next first: entries still listed (Ticket Tailor)."""
        return rows(
            self.performances.db,
            """
            select halves.show_key, count(*) as signups
            from fct_waitlist_signups as signups
            inner join halves on signups.event_key = halves.event_key
            where halves.starts_on >= $1 and signups.missing_since is null
            group by halves.show_key
            order by min(halves.starts_on), halves.show_key
            """,
            self.today,
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

    def refused_lately(self) -> int:
        """How many records of the last two weeks were refused and have not been delivered whole since."""
        [found] = rows(
            self.db,
            "select count(*) as how_many from refused_records where refused_at > $1::timestamptz - interval 14 day",
            self.published_at,
        )
        return found.how_many

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


def _years_back(day: dt.date, years: int) -> dt.date:
    """The same day so many years before; 28 February for the 29th."""
    return day.replace(year=day.year - years, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _month_end(first: dt.date) -> dt.date:
    return (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
