"""The sections of the report: numbers from ``figures`` in words, tables and charts, as HTML."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from boxoffice.report import charts, formatting, page, upcoming_events
from boxoffice.report.figures import MEASURES, NO_CURRENCY, Comparison, Figures, Period
from boxoffice.report.page import Column

CURVE_DAYS = (7, 14, 30, 60, 120)  # how far back a curve may reach: the least that shows where sales begin
_MEASURE_NAMES = {
    "gross_sales": "Gross sales",
    "refunds": "Refunds",
    "net_sales": "Net sales",
    "receipts": "Receipts",
    "tickets_sold": "Tickets sold",
}
_BASES = {
    "platform": "the platform tells the day",
    "first_seen": "the day is when we saw them appear",
    "before_first_load": "already there when we first met the order, so on the order’s own day",
}


def sales(figures: Figures, currency: str, number: int, week: Comparison, month: Comparison) -> Markup:
    """All about the sales in one currency, the ``number``-th of the report's."""
    name = "no currency" if currency == NO_CURRENCY else currency
    parts = [_comparison(comparison, currency) for comparison in (week, month)]
    notes = [note for comparison in (week, month) for note in _cautions(figures, comparison)]
    parts += [page.paragraph(note, "note") for note in dict.fromkeys(notes)]
    recent = figures.recent
    days = figures.days(currency, recent)
    if not days:
        parts.append(page.paragraph(f"Nothing moved in {name} in the eight weeks to {formatting.day(recent.last)}."))
        return page.lines(parts)
    parts += [
        _by_day(figures, currency, number, days),
        _by_channel(figures, currency, recent),
        _best_events(figures, currency, recent),
        _refunds(figures, currency, number, recent),
    ]
    return page.lines(parts)


def _comparison(comparison: Comparison, currency: str) -> Markup:
    """The headline: five measures of a period, the one before, and a year before, as far as these are known."""
    unit = comparison.name
    title = f"Last complete {unit}"
    values = comparison.values[currency]
    if not any(value[measure] for value in values for measure in MEASURES):
        return page.paragraph(page.bold(title) + f" ({_period(comparison.periods[0], unit)}): no sales, nor before.")
    shown = [0, *(number for number in (1, 2) if comparison.known[number])]
    heads = (f"This {unit}", f"{unit.capitalize()} before", "Year before")
    columns = [Column("", number=False)]
    columns += [
        Column(escape(heads[number]) + page.small(_period(comparison.periods[number], unit))) for number in shown
    ]
    whole = any(abs(value[measure]) >= 100_000 for value in values for measure in MEASURES)
    lines = []
    for measure in MEASURES:
        cells = [_MEASURE_NAMES[measure]]
        for number in shown:
            value = values[number][measure]
            cell = escape(
                formatting.count(int(value)) if measure == "tickets_sold" else _amount(value, currency, whole)
            )
            if number:
                is_whole = comparison.whole[number]
                difference = formatting.change(values[0][measure], value) if is_whole else "in part"
                cell += page.small(difference) if difference else ""
            cells.append(cell)
        lines.append(cells)
    caption = page.bold(title) + f", {currency}"
    if len(shown) > 1:
        caption += f". Below a past number: how this {unit} differs from it."
    return page.table(caption, columns, lines, "head")


def _cautions(figures: Figures, comparison: Comparison) -> list[str]:
    """What keeps a comparison from being one of like with like."""
    found = []
    if not all(comparison.known):
        begins = (
            f"Nothing is known from before {formatting.day(comparison.begins)}" if comparison.begins else "No sales yet"
        )
        found.append(f"{begins}.")
    if comparison.mixed:
        names = " and ".join(figures.name(account) for account in comparison.mixed)
        verb = "begins" if len(comparison.mixed) == 1 else "begin"
        found.append(
            f"Not like with like: the data of {names} {verb} within the days that this {comparison.name} is "
            "compared with."
        )
    return found


def _period(period: Period, unit: str) -> str:
    return f"{period.first:%B %Y}" if unit == "month" else formatting.span(period.first, period.last)


def _amount(value: Decimal | int | None, currency: str, whole: bool = False) -> str:
    return formatting.amount(None if value is None else Decimal(value), currency, whole=whole)


def _by_day(figures: Figures, currency: str, number: int, days: Sequence[Any]) -> Markup:
    recent = figures.recent
    every_day = [recent.first + dt.timedelta(after) for after in range((recent.last - recent.first).days + 1)]
    # an account keeps its colour in every currency, so the accounts' own order is the order of the bars; where there
    # are more of them than colours, the last ones share one
    names = {figures.name(account): figures.name(account) for account in figures.accounts}
    if len(names) > charts.COLOURS:
        names.update(dict.fromkeys(list(names)[charts.COLOURS - 1 :], "all others"))
    sales: dict[str, dict[dt.date, Decimal]] = {name: {} for name in names.values()}
    refunds: dict[dt.date, Decimal] = {}
    for row in days:
        of_account = sales[names[figures.name(row)]]
        of_account[row.sales_on] = of_account.get(row.sales_on, Decimal(0)) + row.gross_sales
        refunds[row.sales_on] = refunds.get(row.sales_on, Decimal(0)) + row.refunds
    before = figures.mean_a_year_before(currency, every_day)
    keys = [(charts.series_colour(place), name) for place, name in enumerate(sales) if sales[name]]
    if any(refunds.values()):
        keys.append(("bad", "refunds"))
    if before:
        keys.append(("ink", "a year before, mean of 7 days"))
    gross, back = sum(row.gross_sales for row in days), sum(refunds.values())
    title = f"Gross sales by day, {currency}, {formatting.span(recent.first, recent.last)}"
    label = (
        f"Bars, one a day: gross sales of {formatting.money(gross, currency)} in all, "
        f"refunds of {formatting.money(back, currency)} below the line."
    )
    drawing = charts.both_widths(
        lambda width: charts.sales_by_day(width, every_day, sales, refunds, before, currency),
        f"days-{number}",
        f"{title}. {label}",
    )
    return page.figure(title, drawing, keys)


def _by_channel(figures: Figures, currency: str, recent: Period) -> Markup:
    found = figures.channels(currency, recent)
    whole = sum((row.gross_sales for row in found if row.gross_sales > 0), Decimal(0))
    if not found or not whole:
        return Markup("")
    lines = [
        [
            escape(figures.name(row)) + page.small("channel not told" if row.channel == "unknown" else row.channel),
            page.share_bar(float(row.gross_sales / whole), _amount(row.gross_sales, currency))
            + page.small(formatting.percent(row.gross_sales / whole)),
            formatting.count(row.orders),
            formatting.count(row.tickets_sold),
        ]
        for row in found
    ]
    caption = page.bold("By platform and channel") + f", {formatting.span(recent.first, recent.last)}"
    columns = (
        Column("", number=False),
        Column(f"Gross, {currency}"),
        Column("Orders"),
        Column("Tickets"),
    )
    return page.table(caption, columns, lines)


def _best_events(figures: Figures, currency: str, recent: Period) -> Markup:
    found = figures.best_events(currency, recent)
    if not found:
        return Markup("")
    several = len(figures.accounts) > 1
    lines = [
        [
            escape(formatting.event_name(row.event_name))
            + page.small(formatting.day(row.starts_on) + (f" · {figures.name(row)}" if several else "")),
            _amount(row.gross_sales, currency),
            formatting.count(row.tickets_sold),
            page.share_bar(float(row.sell_through), formatting.percent(row.sell_through))
            if row.sell_through is not None
            else f"{formatting.count(row.in_the_house)} of ?",
        ]
        for row in found
    ]
    caption = (
        page.bold("Best events")
        + f" by gross sales of {formatting.span(recent.first, recent.last)}; how full, over all time"
    )
    columns = (Column("Event", number=False), Column(f"Gross, {currency}"), Column("Tickets"), Column("How full"))
    return page.table(caption, columns, lines)


def _refunds(figures: Figures, currency: str, number: int, recent: Period) -> Markup:
    by_week = figures.refunds_by_week(currency)
    if not any(amount for _, amount in by_week):
        return page.paragraph(f"No refunds in {currency} in the last complete weeks.", "note")
    title = f"Refunds by week, {currency}, the last {formatting.plural(len(by_week), 'complete week')}"
    total = sum(amount for _, amount in by_week)
    drawing = charts.both_widths(
        lambda width: charts.refunds_by_week(width, by_week, currency),
        f"refunds-{number}",
        f"{title}. Bars, one a week: {formatting.money(total, currency)} in all.",
    )
    bases = figures.refund_days_known(currency, recent)
    known = "; ".join(
        f"{formatting.money(value, currency)}: {_BASES.get(basis, basis)}" for basis, value in bases.items()
    )
    note = f"Of the last eight weeks: {known}." if known else ""
    parts = [page.figure(title, drawing, note=note)]
    events = figures.refunds_by_event(currency, recent)
    if events:
        lines = [
            [
                escape(formatting.event_name(row.event_name)) + page.small(formatting.day(row.starts_on))
                if row.event_key
                else "No event",
                _amount(row.refunds, currency),
                formatting.count(row.tickets_returned),
            ]
            for row in events
        ]
        caption = page.bold("Most refunded") + f", {formatting.span(recent.first, recent.last)}"
        columns = (Column("Event", number=False), Column(f"Refunds, {currency}"), Column("Tickets given back"))
        parts.append(page.table(caption, columns, lines))
    return page.lines(parts)


def unknown_currencies(figures: Figures) -> Markup:
    """What a platform gives as a currency and is none: each by itself, without charts, and only the first of many."""
    found = figures.unknown_currencies()
    if not found:
        return Markup("")
    said = (
        "What the platform gives as a currency is no code of three letters. Nothing is added up across these rows; "
        "the orders are in rpt_reconciliation as “currency is known”."
    )
    rows = [
        [
            row.currency[:60],
            _amount(row.gross_sales, row.currency),
            _amount(row.refunds, row.currency),
            formatting.count(row.tickets_sold),
        ]
        for row in found
    ]
    columns = (Column("As given", number=False), Column("Gross"), Column("Refunds"), Column("Tickets"))
    table = page.table(page.bold("Unknown currencies") + ", over all time", columns, rows)
    more = found[0].how_many - len(found)
    rest = page.paragraph(f"{formatting.plural(more, 'further text')} of this sort.", "note") if more else ""
    return page.paragraph(said) + table + rest


def upcoming(figures: Figures) -> Markup:
    events = upcoming_events.upcoming(figures.db, figures.today)
    unsold = upcoming_events.unsold(figures.db, figures.today)
    rest = page.paragraph(f"{formatting.plural(unsold, 'further coming event')} without a sale so far.", "note")
    if not events:
        return page.paragraph("No event to come has sold anything yet.") + (rest if unsold else "")
    points = upcoming_events.curves(figures.db, [event.event_key for event in events])
    usual = {
        key: upcoming_events.usual_curve(figures.db, *key, before=figures.today, days=CURVE_DAYS[-1])
        for key in sorted({(event.platform, event.account) for event in events})
    }
    starts = [points[event.event_key][0][0] for event in events]
    starts += [max((left for left, tickets in curve if tickets), default=0) for curve in usual.values()]
    days = next((days for days in CURVE_DAYS if days >= max(starts)), CURVE_DAYS[-1])
    usual = {key: [point for point in curve if point[0] <= days] for key, curve in usual.items()}
    panels = [
        charts.Curve(
            title=formatting.event_name(event.event_name, 200),
            under_title=f"{formatting.day(event.starts_on, year=False)} · {formatting.count(event.in_the_house)}",
            points=points[event.event_key],
            usual=usual[event.platform, event.account],
            days_left=event.days_left,
        )
        for event in events
    ]
    title = f"Tickets in the house, by days left, from {days} days before"
    drawing = charts.both_widths(
        lambda width: charts.curves(width, panels, days), "curves", f"{title}. The table below has the numbers."
    )
    keys = [("s1", "sold and comps, less returns")]
    if any(usual.values()):
        keys.append(("soft", "usual: the median of the account’s events of the last year"))
    lines = []
    for event in events:
        at_this_point = dict(usual[event.platform, event.account]).get(event.days_left)
        full = (
            f"{formatting.count(event.in_the_house)} of {formatting.count(event.capacity) if event.capacity else '?'}"
        )
        lines.append(
            [
                escape(formatting.event_name(event.event_name))
                + page.small(f"{formatting.day(event.starts_on)} · {figures.name(event)}"),
                formatting.count(event.days_left),
                page.share_bar(event.in_the_house / event.capacity, full) if event.capacity else full,
                formatting.count(event.last_week),
                "–" if at_this_point is None else f"{at_this_point:,.0f}",
            ]
        )
    columns = (
        Column("Event", number=False),
        Column("Days left"),
        Column("In the house"),
        Column("Last 7 days"),
        Column("Usual by now"),
    )
    table = page.table(page.bold("The next events on sale") + ", tickets", columns, lines)
    return page.figure(title, drawing, keys) + table + (rest if unsold else "")


def does_not_add_up(figures: Figures) -> Markup:
    found = figures.findings()
    orders = figures.orders()
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
    doubt = figures.orders_in_doubt()
    said = (
        f"{formatting.count(doubt)} of {formatting.plural(orders, 'order')} "
        f"({formatting.percent(Decimal(doubt) / max(orders, 1))}) "
        "fail an identity. They are in the numbers above as the ledger has them; nothing is left out."
    )
    ask = page.tag("code", "boxoffice explain ORDER") + " tells one of them in full; the table is rpt_reconciliation."
    table = page.table(page.bold("Identities that fail"), columns, lines)
    return page.paragraph(said) + table + page.paragraph(ask, "note")


def not_read(figures: Figures) -> Markup:
    found = figures.refused()
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
        Column("Does not tell", number=False),
    )
    return page.table(page.bold("Accounts"), columns, lines)


def meanings(figures: Figures) -> Markup:
    found = figures.meanings(MEASURES)
    return page.tag(
        "dl", *(page.tag("dt", _MEASURE_NAMES[name]) + page.tag("dd", text) for name, text in found.items())
    )
