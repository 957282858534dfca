"""The sections of the report that compare periods: last week, the season, and currencies with few sales."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from boxoffice.report import comparisons, formatting, page, sales
from boxoffice.report.comparisons import Comparison, Part
from boxoffice.report.figures import Figures, Period
from boxoffice.report.page import Column


def last_week(figures: Figures) -> list[page.Table]:
    """Last week beside the week before and the same week a year ago, a table for each large currency."""
    return [_comparison(comparisons.week(figures), currency) for currency in figures.main]


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
    return page.Table(page.bold(heads[0]) + f", {formatting.currency_name(currency)}", columns, lines, "head")


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
        ("Sales", [one["gross_sales"] for one in values], lambda value: formatting.amount(value, currency)),
        ("Average ticket", [average(one) for one in values], lambda value: formatting.average(value, currency)),
        ("Refunds", [one["refunds"] for one in values], lambda value: formatting.amount(value, currency)),
        (
            "Sales less refunds and credit",
            [one["net_sales"] for one in values],
            lambda value: formatting.amount(value, currency),
        ),
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
    return f"{period.first:%B %Y}" if unit == "month" else str(period)


def season(figures: Figures) -> Markup:
    """The season or year to date, the last month, and the months as a chart, for each large currency."""
    found, month = comparisons.season(figures), comparisons.month(figures)
    parts = []
    for number, currency in enumerate(figures.main, start=1):
        parts.append(page.table(*_to_date(found.kind, found.parts, currency)))
        parts.append(sales.by_month(figures, currency, number))
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
    return page.Table(
        page.bold(f"{kind.capitalize()} to date") + f", {formatting.currency_name(currency)}", columns, lines, "head"
    )


def other_currencies(figures: Figures) -> Markup:
    """The currencies in which little is sold, a line each."""
    week, recent = comparisons.week(figures), figures.recent
    totals = comparisons.totals(figures, recent)
    lines = []
    for currency in figures.small:
        now, before, _ = week.values[currency]
        lately = totals.get(currency)
        gross = lately["gross_sales"] if lately else Decimal(0)
        refunds = lately["refunds"] if lately else Decimal(0)
        share = f"{formatting.percent(refunds / gross)} of sales" if gross > 0 else ""
        lines.append(
            [
                escape(formatting.currency_name(currency)),
                escape(formatting.count(int(now["tickets_sold"]))),
                escape(formatting.amount(now["gross_sales"], currency))
                + (
                    page.small(f"before: {formatting.amount(before['gross_sales'], currency)}") if week.known[1] else ""
                ),
                escape(formatting.amount(gross, currency)),
                escape(formatting.amount(refunds, currency)) + (page.small(share) if share else ""),
            ]
        )
    columns = (
        Column("", number=False),
        Column("Tickets last week"),
        Column("Sales last week"),
        Column(escape("Sales") + page.small(recent)),
        Column("Refunds"),
    )
    return page.table(page.bold("Each by itself, never added up"), columns, lines)
