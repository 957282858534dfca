"""The sections of the report about sales and refunds in one currency: by month, day, channel and performance."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from boxoffice.report import charts, coming, formatting, page, sales_queries
from boxoffice.report.coming import Links
from boxoffice.report.figures import Figures, Period
from boxoffice.report.page import Column

_BASES = {
    "platform": "the platform reports the day",
    "first_seen": "the day is when we saw them appear",
    "before_first_load": "already there when we first met the order, so on the order’s own day",
}


def section(figures: Figures, currency: str, number: int) -> Markup:
    """Day by day, where it was sold, and what was given back, in one currency, the ``number``-th of the report's."""
    recent = figures.recent
    days = sales_queries.days(figures, currency, recent)
    if not days:
        return page.paragraph(f"Nothing was sold in {formatting.currency_name(currency)}, {recent}.")
    return page.lines(
        [
            _by_day(figures, currency, number, days),
            _by_channel(figures, currency, recent),
            _refunds(figures, currency, number, recent),
        ]
    )


def best_sellers(figures: Figures, links: Links) -> Markup:
    """The performances that sold most lately, for each large currency."""
    several = []
    for currency in figures.main:
        found = sales_queries.best_sellers(figures, currency, figures.recent)
        named = figures.performances.named([row.show_key for row in found])
        lines = []
        for row in found:
            one = named[row.show_key]
            full = coming.of(one.in_the_house, one.capacity)
            lines.append(
                [
                    coming.performance(figures, one, links),
                    formatting.amount(row.gross_sales, currency),
                    formatting.count(row.tickets_sold),
                    page.share_bar(one.in_the_house / one.capacity, full) if one.capacity else full,
                ]
            )
        columns = (
            Column("Performance", number=False),
            Column(f"Sales, {currency}"),
            Column("Tickets sold"),
            Column("In the house by now"),
        )
        caption = page.bold("Best sellers") + f", {figures.recent}"
        several.append(page.table(caption, columns, lines) if lines else "")
    return page.lines(several) or page.paragraph("Nothing was sold in these weeks.")


def by_month(figures: Figures, currency: str, number: int) -> Markup:
    found = sales_queries.months(figures, currency)
    if not found:
        return Markup("")
    months = [found[0].month]
    while months[-1] < figures.today.replace(day=1):
        months.append((months[-1] + dt.timedelta(31)).replace(day=1))
    sales = by_account(figures, found, "month")
    begins = {account.history_from_day for account in figures.accounts if account.history_from_day}
    unfinished = {figures.today.replace(day=1), *(day.replace(day=1) for day in begins if day.day > 1)}
    title = f"Sales by month, {currency}"
    total = sum((row.gross_sales for row in found), Decimal(0))
    drawing = charts.both_widths(
        lambda width: charts.sales_by_month(width, months, sales, unfinished, currency),
        f"months-{number}",
        f"{title}. Bars, one a month: {formatting.money(total, currency)} in all.",
    )
    return page.figure(
        title, drawing, [*keys(sales, {}, {}), ("pale", "a month that is not over, or not known in full")]
    )


def _by_day(figures: Figures, currency: str, number: int, days: Sequence[Any]) -> Markup:
    every_day, sales, refunds, before = daily(figures, currency)
    gross, back = sum(row.gross_sales for row in days), sum(refunds.values())
    title = f"Sales by day, {currency}, {figures.recent}"
    label = (
        f"Bars, one a day: sales of {formatting.money(gross, currency)} in all, "
        f"refunds of {formatting.money(back, currency)} below the line."
    )
    drawing = charts.both_widths(
        lambda width: charts.sales_by_day(width, every_day, sales, refunds, before, currency),
        f"days-{number}",
        f"{title}. {label}",
    )
    return page.figure(title, drawing, keys(sales, refunds, before))


def _by_channel(figures: Figures, currency: str, recent: Period) -> Markup:
    found = sales_queries.channels(figures, currency, recent)
    whole = sum((row.gross_sales for row in found if row.gross_sales > 0), Decimal(0))
    if not found or not whole:
        return Markup("")
    lines = [
        [
            escape(figures.name(row)) + page.small("where is not known" if row.channel == "unknown" else row.channel),
            page.share_bar(float(row.gross_sales / whole), formatting.amount(row.gross_sales, currency))
            + page.small(formatting.percent(row.gross_sales / whole)),
            formatting.count(row.orders),
            formatting.count(row.tickets_sold),
        ]
        for row in found
    ]
    caption = page.bold("Where it was sold") + f", {recent}"
    columns = (Column("", number=False), Column(f"Sales, {currency}"), Column("Orders"), Column("Tickets"))
    return page.table(caption, columns, lines)


def _refunds(figures: Figures, currency: str, number: int, recent: Period) -> Markup:
    by_week = sales_queries.refunds_by_week(figures, currency)
    if not any(amount for _, amount, _ in by_week):
        return page.paragraph(f"No refunds in {currency} in the last complete weeks.", "note")
    weeks = "the last complete week" if len(by_week) == 1 else f"the last {len(by_week)} complete weeks"
    title = f"Refunds as a share of sales, {currency}, {weeks}"
    total = sum(amount for _, amount, _ in by_week)
    drawing = charts.both_widths(
        lambda width: charts.refunds_by_week(width, by_week, currency),
        f"refunds-{number}",
        f"{title}. Bars, one a week: {formatting.money(total, currency)} in all.",
    )
    bases = sales_queries.refund_days_known(figures, currency, recent)
    known = "; ".join(
        f"{formatting.money(value, currency)}: {_BASES.get(basis, basis)}" for basis, value in bases.items()
    )
    note = f"Of {recent}: {known}." if known else ""
    parts = [page.figure(title, drawing, note=note)]
    found = sales_queries.refunds_by_event(figures, currency, recent)
    if found:
        named = figures.performances.named([row.show_key for row in found if row.show_key])
        lines = [
            [
                coming.performance(figures, named[row.show_key]) if row.show_key else "No performance",
                formatting.amount(row.refunds, currency),
                formatting.count(row.tickets_returned),
            ]
            for row in found
        ]
        columns = (Column("Performance", number=False), Column(f"Refunds, {currency}"), Column("Tickets given back"))
        parts.append(page.table(page.bold("Most refunded") + f", {recent}", columns, lines))
    return page.lines(parts)


def daily(figures: Figures, currency: str) -> tuple[list[dt.date], dict, dict, dict]:
    """Days, gross sales by account, refunds, and the mean of a year before: what the chart by day is drawn of."""
    recent = figures.recent
    days = sales_queries.days(figures, currency, recent)
    every_day = [recent.first + dt.timedelta(after) for after in range((recent.last - recent.first).days + 1)]
    refunds: dict[dt.date, Decimal] = {}
    for row in days:
        refunds[row.sales_on] = refunds.get(row.sales_on, Decimal(0)) + row.refunds
    return (
        every_day,
        by_account(figures, days, "sales_on"),
        refunds,
        sales_queries.mean_a_year_before(figures, currency, every_day),
    )


def by_account(figures: Figures, found: Sequence[Any], day: str) -> dict[str, dict[dt.date, Decimal]]:
    """Gross sales by account and day. An account keeps its colour in every chart, so the accounts' own order is that of
    the bars; where there are more of them than colours, the last ones share one."""
    names = {figures.name(account): figures.name(account) for account in figures.accounts}
    if len(names) > charts.COLOURS:
        names.update(dict.fromkeys(list(names)[charts.COLOURS - 1 :], "all others"))
    sales: dict[str, dict[dt.date, Decimal]] = {name: {} for name in names.values()}
    for row in found:
        of_account = sales[names[figures.name(row)]]
        of_account[getattr(row, day)] = of_account.get(getattr(row, day), Decimal(0)) + row.gross_sales
    return sales


def keys(
    sales: dict[str, dict[dt.date, Decimal]], refunds: dict[dt.date, Decimal], before: dict[dt.date, Decimal]
) -> list[tuple[str, str]]:
    """The colours of what is drawn, with its names."""
    found = [(charts.series_colour(place), name) for place, name in enumerate(sales) if sales[name]]
    found += [("bad", "refunds")] if any(refunds.values()) else []
    return found + ([("ink", "a year before, mean of 7 days")] if before else [])
