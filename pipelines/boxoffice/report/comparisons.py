"""A week, month, season or year beside the ones before it, as numbers. Money is Decimal in major units."""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any, NamedTuple

from boxoffice.report.figures import Figures, Period
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import rows

MEASURES = ("tickets_sold", "gross_sales", "refunds", "net_sales")


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


def week(figures: Figures) -> Comparison:
    """The last complete week, Monday to Sunday; a year before is 52 weeks before, so that the weekdays match."""
    last = figures.today - dt.timedelta(figures.today.isoweekday())
    this = Period(last - dt.timedelta(6), last)
    return _compare(figures, "week", (this, this.back(7), this.back(364)))


def month(figures: Figures) -> Comparison:
    """The last complete calendar month."""
    this = _month_before(figures.today)
    year_before = Period(_years_back(this.first, 1), _month_end(_years_back(this.first, 1)))
    return _compare(figures, "month", (this, _month_before(this.first), year_before))


def _compare(figures: Figures, name: str, periods: tuple[Period, Period, Period]) -> Comparison:
    accounts = [account for account in figures.accounts if account.history_from_day]
    known = tuple(figures.begins is not None and figures.begins <= period.last for period in periods)
    whole = tuple(
        not any(period.first < account.history_from_day <= period.last for account in accounts) for period in periods
    )
    mixed = tuple(
        account
        for account in accounts
        if any(
            is_known and account.history_from_day > period.first
            for period, is_known in zip(periods, known, strict=True)
        )
    )
    found = [totals(figures, period) for period in periods]
    nothing = dict.fromkeys((*MEASURES, "ticket_sales"), Decimal(0))
    values = {currency: tuple(one.get(currency, nothing) for one in found) for currency in figures.currencies}
    return Comparison(name, periods, figures.begins, known, whole, mixed, values)


def totals(figures: Figures, period: Period) -> dict[str, dict[str, Decimal | int]]:
    """The measures of a period, by currency."""
    found = rows(
        figures.db,
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


def season(figures: Figures) -> "Season":
    """The season to date, by the seed ``shows``, or else the calendar year; with the one before up to the same
    point, both without the day that is not over."""
    seasons = rows(
        figures.performances.db,
        "select season, min(starts_on) as first, max(starts_on) as last from performances "
        "where season is not null and starts_on is not null group by all order by first desc, season",
    )
    begun = [row for row in seasons if row.first <= figures.today]
    if not begun:
        first, yesterday = figures.today.replace(month=1, day=1), figures.today - dt.timedelta(1)
        periods = [Period(_years_back(first, years), _years_back(yesterday, years)) for years in (0, 1)]
        parts = [
            Part(str(period.first.year), totals(figures, period), *_given(figures, period, None)) for period in periods
        ]
        known = figures.begins is not None and figures.begins <= periods[1].first
        return Season("year", parts[: 1 + known])
    parts = []
    for row in begun[:2]:
        until = figures.today - (begun[0].first - row.first)
        period = Period(row.first, until - dt.timedelta(1))
        parts.append(Part(row.season, _season_totals(figures, row.season, until), *_given(figures, period, row.season)))
    known = figures.begins is not None and len(begun) > 1 and figures.begins < begun[1].first
    return Season("season", parts[: 1 + known])


def _season_totals(figures: Figures, season: str, until: dt.date) -> dict[str, dict[str, Decimal | int]]:
    found = rows(
        figures.performances.db,
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


def _given(figures: Figures, period: Period, season: str | None) -> tuple[int, Decimal | None]:
    """Performances given in a period, and how full those were of which the capacity is known."""
    [found] = rows(
        figures.performances.db,
        "select count(*) as given, sum(in_the_house) filter (capacity > 0) / nullif(sum(capacity), 0) as full "
        "from performances where starts_on between $1 and $2 and in_the_house > 0 and $3 in (season, '')",
        period.first,
        period.last,
        season or "",
    )
    return found.given, found.full


def _month_before(day: dt.date) -> Period:
    last = day.replace(day=1) - dt.timedelta(1)
    return Period(last.replace(day=1), last)


def _years_back(day: dt.date, years: int) -> dt.date:
    """The same day so many years before; 28 February for the 29th."""
    return day.replace(year=day.year - years, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _month_end(first: dt.date) -> dt.date:
    return (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
