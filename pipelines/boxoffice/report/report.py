"""`boxoffice report`: the overview as one HTML file that a manager opens, prints or receives by mail."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

from markupsafe import Markup

from boxoffice.atomic_file import whole
from boxoffice.errors import Problem
from boxoffice.report import formatting, page, sections
from boxoffice.report.figures import NO_CURRENCY, Comparison, Figures
from boxoffice.run.status import CLOCKS_DIFFER
from boxoffice.settings import Settings
from boxoffice.warehouse import set_aside
from boxoffice.warehouse.query import open_published


def report(settings: Settings, out: Path) -> Path:
    """Writes the overview of what is published to ``out``, whole or not at all, and returns its path.

    The same published file gives the same bytes. Raises Problem when nothing is published, matplotlib is missing, or
    ``out`` cannot be written.
    """
    with open_published(settings) as db:
        content = _document(Figures(db), set_aside.in_words(db))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole(out) as file:
            file.write(content.encode())
    except OSError as error:
        raise Problem(f"{out} cannot be written: {error.strerror}. Give another place with --out.") from None
    return out


def _document(figures: Figures, missing: str | None) -> str:
    parts: list[tuple[str, str, str, Markup]] = []  # id, title, what a link to it says, content
    week, month = figures.week(), figures.month()
    for number, currency in enumerate(figures.currencies, start=1):
        title = "Sales without a currency" if currency == NO_CURRENCY else f"Sales in {currency}"
        parts.append((f"sales-{number}", title, currency, sections.sales(figures, currency, number, week, month)))
    if unknown := sections.unknown_currencies(figures):
        parts.append(("unknown-currencies", "Sales in unknown currencies", "Unknown currencies", unknown))
    if not parts:
        parts.append(("sales", "Sales", "Sales", page.paragraph("Nothing has been sold yet.")))
    parts += [
        ("upcoming", "Coming events", "Coming events", sections.upcoming(figures)),
        ("reconciliation", "What does not add up", "Does not add up", sections.does_not_add_up(figures)),
        ("refused", "What could not be read", "Not read", sections.not_read(figures)),
        ("sources", "Where this comes from", "Sources", sections.sources(figures)),
        ("meanings", "What the numbers mean", "Meanings", sections.meanings(figures)),
    ]
    links = [page.tag("li", page.tag("a", name, href=f"#{identity}")) for identity, _, name, _ in parts]
    week_name = formatting.span(week.periods[0].first, week.periods[0].last)
    data_until = formatting.moment(figures.data_until, figures.zone) if figures.data_until else "no data yet"
    header = [
        page.tag("h1", f"Box office, week of {week_name}"),
        page.paragraph(missing, "warn") if missing else "",
        page.paragraph(f"Data until {data_until} ({figures.zone.key}). Amounts of two currencies are never added up."),
        _lead(figures, week),
        *_silence(figures),
        page.tag("nav", page.tag("ul", *links), **{"aria-label": "Sections"}),
    ]
    footer = page.paragraph(
        f"Published {formatting.moment(figures.published_at, figures.zone)} ({figures.zone.key}). "
        "Made by Boxoffice from its published tables; nothing in this page is loaded from elsewhere."
    )
    body = page.lines(page.section(identity, title, content) for identity, title, _, content in parts)
    return page.document(f"Box office, week of {week_name}", Markup("").join(header), body, footer)


def _lead(figures: Figures, week: Comparison) -> Markup:
    """The week in a sentence, for the currency that most orders are in."""
    if not figures.currencies:
        return Markup("")
    currency = figures.currencies[0]
    now, before, year_before = (value for value in week.values[currency])
    differences = [
        f"{difference} on {against}"
        for value, whole, against in (
            (before, week.whole[1], "the week before"),
            (year_before, week.whole[2], "the year before"),
        )
        if whole and (difference := formatting.change(now["gross_sales"], value["gross_sales"]))
    ]
    compared = f" ({', '.join(differences)})" if differences else ""
    return page.paragraph(
        page.bold(formatting.money(Decimal(now["gross_sales"]), currency))
        + f" gross{compared}, {formatting.plural(int(now['tickets_sold']), 'ticket')} sold, "
        + f"{formatting.money(Decimal(now['refunds']), currency)} refunded.",
        "lead",
    )


def _silence(figures: Figures) -> list[Markup]:
    """A warning where an account ends more than two days before the others: its days below are not whole. Another where
    its newest record is dated later than these tables: of that account nobody can see whether it ends."""
    if not figures.data_until:
        return []
    ahead = [
        f"{figures.name(account)} ({formatting.moment(account.last_record_at, figures.zone)})"
        for account in figures.accounts
        if account.last_record_at and account.last_record_at - figures.published_at > CLOCKS_DIFFER
    ]
    quiet = [
        f"{figures.name(account)} since {formatting.day(account.last_record_at.astimezone(figures.zone).date())}"
        for account in figures.accounts
        if account.last_record_at and figures.data_until - account.last_record_at > dt.timedelta(days=2)
    ]
    warnings = []
    if ahead:
        warnings.append(
            f"The newest record is dated after this was published, so a clock is wrong: {'; '.join(ahead)}."
        )
    if quiet:
        warnings.append(f"Nothing new has come from {'; '.join(quiet)}.")
    return [page.paragraph(warning, "warn") for warning in warnings]
