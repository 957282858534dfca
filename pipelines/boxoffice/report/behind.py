"""The end of the report: what to know of the data behind its numbers."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from boxoffice.report import formatting, page, quality_queries
from boxoffice.report.comparisons import MEASURES
from boxoffice.report.figures import Figures
from boxoffice.report.page import Column

_MEASURE_NAMES = {
    "tickets_sold": "Tickets sold",
    "gross_sales": "Sales",
    "refunds": "Refunds",
    "net_sales": "Sales less refunds and credit",
}


def unknown_currencies(figures: Figures) -> Markup:
    """What a platform gives as a currency and is none: each by itself, without charts, and only the first of many."""
    found = quality_queries.unknown_currencies(figures)
    if not found:
        return Markup("")
    said = (
        "What the platform gives as a currency is no code of three letters. Nothing is added up across these rows; "
        "the orders are in rpt_reconciliation as “currency is known”."
    )
    rows = [
        [
            row.currency[:60],
            formatting.amount(row.gross_sales, row.currency),
            formatting.amount(row.refunds, row.currency),
            formatting.count(row.tickets_sold),
        ]
        for row in found
    ]
    columns = (Column("As given", number=False), Column("Sales"), Column("Refunds"), Column("Tickets"))
    table = page.table(page.bold("Unknown currencies") + ", over all time", columns, rows)
    more = found[0].how_many - len(found)
    rest = page.paragraph(f"{formatting.plural(more, 'further text')} of this sort.", "note") if more else ""
    return page.paragraph(said) + table + rest


def does_not_add_up(figures: Figures) -> Markup:
    found = quality_queries.findings(figures)
    orders = quality_queries.orders(figures)
    if not found:
        return page.paragraph(f"Everything adds up: {formatting.plural(orders, 'order')}, nothing to report.")
    lines = [
        [
            escape(row.identity) + page.small(f"{formatting.platform(row.platform)}. {row.gravest}"),
            formatting.count(row.how_many),
            formatting.money(row.at_stake, row.currency) if row.currency else "–",
        ]
        for row in found
    ]
    columns = (
        Column("What should be equal, and the gravest case", number=False),
        Column("Times"),
        Column("At stake"),
    )
    doubt = quality_queries.orders_in_doubt(figures)
    said = (
        f"{formatting.count(doubt)} of {formatting.plural(orders, 'order')} "
        f"({formatting.percent(Decimal(doubt) / max(orders, 1))}) "
        "have amounts that the platform’s own figures do not explain. They are in the numbers above."
    )
    ask = page.tag("code", "boxoffice explain ORDER") + " shows one of them in full; the table is rpt_reconciliation."
    table = page.table(page.bold("To look into"), columns, lines)
    return page.paragraph(said) + table + page.paragraph(ask, "note")


def not_read(figures: Figures) -> Markup:
    found = quality_queries.refused(figures)
    if not found:
        return page.paragraph("Nothing: every record that came was read.")
    lines = [
        [
            escape(row.reason)
            + page.small(f"{figures.name(row)}, {formatting.moment(row.newest, figures.zone)}: {row.file}"),
            formatting.count(row.how_many),
        ]
        for row in found
    ]
    columns = (Column("Why, and the newest", number=False), Column("Records"))
    total = sum(row.how_many for row in found)
    said = (
        f"{formatting.plural(total, 'record')} could not be read and {'has' if total == 1 else 'have'} not been "
        "delivered whole since. The bytes are kept; delivered again whole, they leave this list."
    )
    return page.paragraph(said) + page.table(page.bold("Refused records"), columns, lines)


def sources(figures: Figures) -> Markup:
    lines = []
    for account in figures.accounts:
        zone = ZoneInfo(account.reporting_zone)
        unknown = [
            name
            for name, knows in (
                ("platform fees", account.knows_fees),
                ("later scans", account.knows_scans),
                ("every later return", account.knows_returns),
                ("capacities", account.knows_capacity),
            )
            if not knows
        ]
        days = account.reporting_zone
        if not account.time_zone:
            proposed = f"; probably {account.time_zone_proposed}" if account.time_zone_proposed else ""
            days = f"UTC: no time zone is set{proposed}"
        lines.append(
            [
                escape(figures.name(account)) + page.small(f"days of {days}"),
                formatting.day(account.history_from_day) if account.history_from_day else "no sale yet",
                formatting.moment(account.last_record_at, zone) if account.last_record_at else "nothing yet",
                ", ".join(unknown) or "–",
            ]
        )
    columns = (
        Column("Account", number=False),
        Column("Data from", number=False),
        Column("Newest record", number=False),
        Column("Does not report", number=False),
    )
    return page.table(page.bold("Accounts"), columns, lines)


def meanings(figures: Figures) -> Markup:
    found = quality_queries.meanings(figures, MEASURES)
    return page.tag(
        "dl", *(page.tag("dt", _MEASURE_NAMES[name]) + page.tag("dd", text) for name, text in found.items())
    )
