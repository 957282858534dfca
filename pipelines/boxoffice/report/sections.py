"""The sections of the report about sales and people: numbers from ``figures`` as text, tables and charts in HTML."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from boxoffice.report import charts, coming, formatting, page
from boxoffice.report.coming import Links
from boxoffice.report.figures import NO_CURRENCY, Comparison, Figures, Part, Period
from boxoffice.report.page import Column
from boxoffice.report.performances import Performance

_BASES = {
    "platform": "the platform reports the day",
    "first_seen": "the day is when we saw them appear",
    "before_first_load": "already there when we first met the order, so on the order’s own day",
}
_SOON = 21  # days: a performance that is behind and so near needs attention
_NEARLY_FULL = Decimal("0.95")


def attention(figures: Figures, warnings: Sequence[str], links: Links) -> Markup:
    """What someone should look at or do something about, the most urgent first; ``warnings`` are about the data."""
    found = figures.performances.coming
    soon = [one for one in found if one.days_left is not None and one.days_left <= _SOON and not one.is_full]
    behind = sorted(
        (one for one in soon if one.pace and one.pace.verdict == "behind"),
        key=lambda one: one.pace.now - one.pace.usual if one.pace else 0,
    )
    unsold = [one for one in soon if not one.in_the_house and one not in behind]
    full = [one for one in found if one.capacity and one.in_the_house >= one.capacity * _NEARLY_FULL]
    items: list[Markup] = [escape(warning) for warning in warnings]
    items += _few(
        figures.performances.called_off,
        links,
        "is called off with tickets not given back",
        "are called off with tickets not given back",
        lambda one: f"{formatting.plural(one.in_the_house, 'ticket')}, {_when(one)}",
    )
    items += _few(behind, links, "is behind", "are behind", lambda one: f"{_short_of(one)}, {_when(one)}")
    items += _few(unsold, links, "has not sold a ticket", "have not sold a ticket", _when)
    items += _few(
        full,
        links,
        "is sold out or nearly so",
        "are sold out or nearly so",
        lambda one: f"{coming.of(one.in_the_house, one.capacity)}, {_when(one)}",
    )
    refused = figures.refused_lately()
    if refused:
        items.append(
            page.tag("a", f"{formatting.plural(refused, 'record')} of the last two weeks", href="#refused")
            + " could not be read, so something may be missing."
        )
    if not items:
        return page.paragraph("Nothing needs attention.", "fine")
    return page.tag("ul", *(page.tag("li", item) for item in items), kind="attention")


def _few(
    found: Sequence[Performance], links: Links, one: str, many: str, about: Callable[[Performance], str]
) -> list[Markup]:
    """One line for the performances of a sort: the first three by name, the others by their number."""
    if not found:
        return []
    named = []
    for performance in found[:3]:
        name = page.name(formatting.event_name(performance.name))
        if performance.show_key in links:
            name = page.tag("a", name, href=links[performance.show_key])
        named.append(name + f" ({about(performance)})")
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    subject = f"{formatting.plural(len(found), 'performance')} {one if len(found) == 1 else many}: "
    return [escape(subject) + Markup("; ").join(named) + more + "."]


def _short_of(one: Performance) -> str:
    return f"{formatting.count(one.pace.now)} tickets, {one.pace.basis} {one.pace.usual:,.0f}" if one.pace else ""


def _when(one: Performance) -> str:
    return formatting.day(one.starts_on, year=False, weekday=True)


def last_week(figures: Figures) -> list[page.Table]:
    """Last week beside the week before and the same week a year ago, a table for each large currency."""
    return [_comparison(figures.week(), currency) for currency in figures.main]


def _comparison(comparison: Comparison, currency: str) -> page.Table:
    """A period, the one before, and a year before, as far as these are known."""
    unit = comparison.name
    shown = [0, *(number for number in (1, 2) if comparison.known[number])]
    heads = (f"Last {unit}", f"{unit.capitalize()} before", f"Same {unit} a year ago")
    columns = [Column("", number=False)]
    columns += [
        Column(escape(heads[number]) + page.small(_period(comparison.periods[number], unit))) for number in shown
    ]
    against = {
        number: name
        for number, name in ((1, f"on the {unit} before"), (2, "on a year ago"))
        if number in shown and comparison.whole[number]
    }
    notes = {number: "in part" for number in shown if number and not comparison.whole[number]}
    lines = _measures([comparison.values[currency][number] for number in shown], currency, shown, against, notes)
    return page.Table(page.bold(heads[0]) + f", {_name(currency)}", columns, lines, "head")


def _measures(
    values: Sequence[dict[str, Any]],
    currency: str,
    shown: Sequence[int],
    against: dict[int, str],
    notes: dict[int, str],
) -> list[list[Markup]]:
    """A row a measure. The first column is the present: below its number is how it differs from the others."""

    def average(one: dict[str, Any]) -> Decimal | None:
        return Decimal(one["ticket_sales"]) / int(one["tickets_sold"]) if one["tickets_sold"] else None

    kept = [
        ("Tickets sold", [one["tickets_sold"] for one in values], lambda value: formatting.count(int(value))),
        ("Sales", [one["gross_sales"] for one in values], lambda value: _amount(value, currency)),
        ("Average ticket", [average(one) for one in values], lambda value: formatting.average(value, currency)),
        ("Refunds", [one["refunds"] for one in values], lambda value: _amount(value, currency)),
        ("Sales less refunds and credit", [one["net_sales"] for one in values], lambda value: _amount(value, currency)),
    ]
    lines = []
    for name, numbers, write in kept:
        line = [escape(name)]
        for place, number in enumerate(numbers):
            cell = escape(write(number))
            if name == "Refunds" and values[place]["gross_sales"] > 0:
                cell += page.small(f"{formatting.percent(number / values[place]['gross_sales'])} of sales")
            elif not place and number is not None:
                for other, on in against.items():
                    past = numbers[shown.index(other)]
                    if difference := formatting.change(number, past):
                        cell += page.small(f"{difference} {on}")
            if place and shown[place] in notes:
                cell += page.small(notes[shown[place]])
            line.append(cell)
        lines.append(line)
    return lines


def cautions(figures: Figures, comparison: Comparison) -> list[str]:
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


def _amount(value: Decimal | int | None, currency: str) -> str:
    return formatting.amount(None if value is None else Decimal(value), currency)


def _name(currency: str) -> str:
    return "no currency" if currency == NO_CURRENCY else currency


def season(figures: Figures) -> Markup:
    """The season or year to date, the last month, and the months as a chart, for each large currency."""
    found, month = figures.season(), figures.month()
    parts = []
    for number, currency in enumerate(figures.main, start=1):
        parts.append(page.table(*_to_date(found.kind, found.parts, currency)))
        parts.append(_by_month(figures, currency, number))
        parts.append(page.table(*_comparison(month, currency)))
    parts += [page.paragraph(note, "note") for note in cautions(figures, month)]
    return page.lines(parts)


def _to_date(kind: str, parts: Sequence[Part], currency: str) -> page.Table:
    nothing = dict.fromkeys(("tickets_sold", "gross_sales", "refunds", "net_sales", "ticket_sales"), Decimal(0))
    values = [part.values.get(currency, nothing) for part in parts]
    against = {1: f"on {parts[1].name}"} if len(parts) > 1 else {}
    lines = [
        [escape("Performances given"), *(escape(formatting.count(part.given)) for part in parts)],
        [escape("How full they were"), *(escape(formatting.percent(part.full)) for part in parts)],
        *_measures(values, currency, range(len(parts)), against, {}),
    ]
    heads = ("to date", "up to the same point")
    columns = [Column("", number=False)]
    columns += [Column(page.name(part.name) + page.small(head)) for part, head in zip(parts, heads, strict=False)]
    return page.Table(page.bold(f"{kind.capitalize()} to date") + f", {_name(currency)}", columns, lines, "head")


def _by_account(figures: Figures, found: Sequence[Any], day: str) -> dict[str, dict[dt.date, Decimal]]:
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


def _by_month(figures: Figures, currency: str, number: int) -> Markup:
    found = figures.months(currency)
    if not found:
        return Markup("")
    months = [found[0].month]
    while months[-1] < figures.today.replace(day=1):
        months.append((months[-1] + dt.timedelta(31)).replace(day=1))
    sales = _by_account(figures, found, "month")
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


def best_sellers(figures: Figures, links: Links) -> Markup:
    """The performances that sold most lately, for each large currency."""
    several = []
    for currency in figures.main:
        found = figures.best_sellers(currency, figures.recent)
        named = figures.performances.named([row.show_key for row in found])
        lines = []
        for row in found:
            one = named[row.show_key]
            full = coming.of(one.in_the_house, one.capacity)
            lines.append(
                [
                    coming.performance(figures, one, links),
                    _amount(row.gross_sales, currency),
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
        caption = page.bold("Best sellers") + f", {_span(figures.recent)}"
        several.append(page.table(caption, columns, lines) if lines else "")
    return page.lines(several) or page.paragraph("Nothing was sold in these weeks.")


def _span(period: Period) -> str:
    return formatting.span(period.first, period.last)


def sales(figures: Figures, currency: str, number: int) -> Markup:
    """Day by day, where it was sold, and what was given back, in one currency, the ``number``-th of the report's."""
    recent = figures.recent
    days = figures.days(currency, recent)
    if not days:
        return page.paragraph(f"Nothing was sold in {_name(currency)}, {_span(recent)}.")
    return page.lines(
        [
            _by_day(figures, currency, number, days),
            _by_channel(figures, currency, recent),
            _refunds(figures, currency, number, recent),
        ]
    )


def daily(figures: Figures, currency: str) -> tuple[list[dt.date], dict, dict, dict]:
    """Days, gross sales by account, refunds, and the mean of a year before: what the chart by day is drawn of."""
    recent = figures.recent
    days = figures.days(currency, recent)
    every_day = [recent.first + dt.timedelta(after) for after in range((recent.last - recent.first).days + 1)]
    refunds: dict[dt.date, Decimal] = {}
    for row in days:
        refunds[row.sales_on] = refunds.get(row.sales_on, Decimal(0)) + row.refunds
    return every_day, _by_account(figures, days, "sales_on"), refunds, figures.mean_a_year_before(currency, every_day)


def _by_day(figures: Figures, currency: str, number: int, days: Sequence[Any]) -> Markup:
    every_day, sales, refunds, before = daily(figures, currency)
    gross, back = sum(row.gross_sales for row in days), sum(refunds.values())
    title = f"Sales by day, {currency}, {_span(figures.recent)}"
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
    found = figures.channels(currency, recent)
    whole = sum((row.gross_sales for row in found if row.gross_sales > 0), Decimal(0))
    if not found or not whole:
        return Markup("")
    lines = [
        [
            escape(figures.name(row)) + page.small("where is not known" if row.channel == "unknown" else row.channel),
            page.share_bar(float(row.gross_sales / whole), _amount(row.gross_sales, currency))
            + page.small(formatting.percent(row.gross_sales / whole)),
            formatting.count(row.orders),
            formatting.count(row.tickets_sold),
        ]
        for row in found
    ]
    caption = page.bold("Where it was sold") + f", {_span(recent)}"
    columns = (Column("", number=False), Column(f"Sales, {currency}"), Column("Orders"), Column("Tickets"))
    return page.table(caption, columns, lines)


def _refunds(figures: Figures, currency: str, number: int, recent: Period) -> Markup:
    by_week = figures.refunds_by_week(currency)
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
    bases = figures.refund_days_known(currency, recent)
    known = "; ".join(
        f"{formatting.money(value, currency)}: {_BASES.get(basis, basis)}" for basis, value in bases.items()
    )
    note = f"Of {_span(recent)}: {known}." if known else ""
    parts = [page.figure(title, drawing, note=note)]
    found = figures.refunds_by_event(currency, recent)
    if found:
        named = figures.performances.named([row.show_key for row in found if row.show_key])
        lines = [
            [
                coming.performance(figures, named[row.show_key]) if row.show_key else "No performance",
                _amount(row.refunds, currency),
                formatting.count(row.tickets_returned),
            ]
            for row in found
        ]
        columns = (Column("Performance", number=False), Column(f"Refunds, {currency}"), Column("Tickets given back"))
        parts.append(page.table(page.bold("Most refunded") + f", {_span(recent)}", columns, lines))
    return page.lines(parts)


def people(figures: Figures, links: Links) -> Markup:
    """Who bought, for the first time or again, and who did not come."""
    recent = figures.recent
    days = (recent.last - recent.first).days + 1
    periods = [period for period in (recent, recent.back(days)) if figures.begins and figures.begins <= period.last]
    found = [figures.buyers(period) for period in periods]
    parts = []
    if found and found[0].fresh + found[0].returning:
        lines = [
            [name, *(_of_buyers(row, getattr(row, kind)) for row in found)]
            for name, kind in (("Bought for the first time", "fresh"), ("Had bought before", "returning"))
        ]
        heads = ("These weeks", "As many days before")
        columns = [Column("", number=False)]
        columns += [
            Column(escape(head) + page.small(_span(period))) for head, period in zip(heads, periods, strict=False)
        ]
        parts.append(page.table(page.bold("Buyers"), columns, lines, "head"))
        if figures.begins:
            unnamed = formatting.plural(found[0].unnamed, "order")
            parts.append(
                page.paragraph(
                    f"As far as is known: the data begin on {formatting.day(figures.begins)}. {unnamed} of these weeks "
                    f"{'names' if found[0].unnamed == 1 else 'name'} no buyer.",
                    "note",
                )
            )
    came = figures.attendance(recent)
    if came:
        named = figures.performances.named([row.show_key for row in came])
        lines = [
            [
                coming.performance(figures, named[row.show_key], links),
                formatting.count(row.tickets),
                formatting.count(row.scanned),
                formatting.percent((row.tickets - row.scanned) / row.tickets),
            ]
            for row in came
        ]
        columns = (Column("Performance", number=False), Column("Tickets"), Column("Scanned"), Column("Did not come"))
        caption = page.bold("Who came") + " to the last performances; where tickets are scanned and the scans reported"
        parts.append(page.table(caption, columns, lines))
    waiting = figures.waiting_lists()
    if waiting:
        named = figures.performances.named([row.show_key for row in waiting])
        lines = [
            [coming.performance(figures, named[row.show_key], links), formatting.count(row.signups)] for row in waiting
        ]
        columns = (Column("Performance", number=False), Column("Entries"))
        parts.append(page.table(page.bold("Waiting lists") + " of coming performances", columns, lines))
    return page.lines(parts) or page.paragraph("Nothing is known of buyers yet.")


def _of_buyers(row: Any, number: int) -> Markup:
    both = row.fresh + row.returning
    return escape(formatting.count(number)) + (page.small(formatting.percent(number / both)) if both else "")


def other_currencies(figures: Figures) -> Markup:
    """The currencies in which little is sold, a line each."""
    week, recent = figures.week(), figures.recent
    totals = figures.totals(recent)
    lines = []
    for currency in figures.small:
        now, before, _ = week.values[currency]
        lately = totals.get(currency)
        gross = lately["gross_sales"] if lately else Decimal(0)
        refunds = lately["refunds"] if lately else Decimal(0)
        share = f"{formatting.percent(refunds / gross)} of sales" if gross > 0 else ""
        lines.append(
            [
                escape(_name(currency)),
                escape(formatting.count(int(now["tickets_sold"]))),
                escape(_amount(now["gross_sales"], currency))
                + (page.small(f"before: {_amount(before['gross_sales'], currency)}") if week.known[1] else ""),
                escape(_amount(gross, currency)),
                escape(_amount(refunds, currency)) + (page.small(share) if share else ""),
            ]
        )
    columns = (
        Column("", number=False),
        Column("Tickets last week"),
        Column("Sales last week"),
        Column(escape("Sales") + page.small(_span(recent))),
        Column("Refunds"),
    )
    return page.table(page.bold("Each by itself, never added up"), columns, lines)
