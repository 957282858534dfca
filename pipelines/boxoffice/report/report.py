"""`boxoffice report`: the overview as one HTML file that a manager opens, prints or receives by mail."""

import contextlib
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import duckdb

from boxoffice.atomic_file import whole
from boxoffice.errors import Problem
from boxoffice.report import (
    attention,
    audience,
    behind,
    coming,
    comparison_tables,
    comparisons,
    events,
    formatting,
    page,
    sales,
)
from boxoffice.report.coming import Links
from boxoffice.report.figures import Figures
from boxoffice.run.status import CLOCKS_DIFFER
from boxoffice.settings import Settings
from boxoffice.warehouse import set_aside
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import open_published

_IN_SHORT = {
    "attention": "Attention",
    "coming": "Coming",
    "season": "Season",
    "unknown-currencies": "Unknown currencies",
    "reconciliation": "Does not add up",
    "refused": "Not read",
    "sources": "Sources",
    "meanings": "Meanings",
}


def report(
    settings: Settings,
    out: Path,
    *,
    event: str | None = None,
    since: dt.date | None = None,
    currency: str | None = None,
    folder: bool = False,
) -> Path:
    """Writes the overview of what is published to ``out``, or the page of the ``event``, and returns the path.

    ``folder`` makes ``out`` a folder: the overview is its index.html and links to a page for each performance that it
    names. ``since`` is where charts and tables begin that otherwise have eight weeks, ``currency`` the only one shown.
    Each file is written whole or not at all; the same published file gives the same bytes. Raises Problem when nothing
    is published, there is no such event or currency, matplotlib is missing, or ``out`` cannot be written.
    """
    with open_published(settings) as db:
        figures = figures_of(db, since, currency)
        one = events.find(figures, event) if event else None
        name = events.file_name(one) if one else "index.html"
        target = out / name if folder else out
        links = events.links(figures) if folder and not one else {}
        with _written(target) as file:  # before anything is drawn: what cannot be written is known in a moment
            file.write(events.document(figures, one) if one else overview(figures, set_aside.in_words(db), links))
        for show_key, linked in figures.performances.named(list(links)).items():
            with _written(out / links[show_key]) as file:
                file.write(events.document(figures, linked, home="../index.html"))
    return target


@contextlib.contextmanager
def _written(target: Path) -> Iterator[TextIO]:
    """The file, whole or not at all. Raises Problem where it cannot be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole(target) as file:
            text = io.TextIOWrapper(file, "utf-8", newline="\n")
            yield text
            text.flush()
            text.detach()
    except OSError as error:
        raise Problem(f"{target} cannot be written: {error.strerror}. Give another place with --out.") from None


def figures_of(db: duckdb.DuckDBPyConnection, since: dt.date | None = None, currency: str | None = None) -> Figures:
    """The numbers, as far as they are asked for. Raises Problem for a currency in which nothing was ever sold."""
    figures = Figures(db, currency, since)
    if since and since >= figures.today:
        raise Problem(f"Nothing is known since {since}: the data end on {formatting.day(figures.today)}.")
    if currency and not figures.currencies:
        known = ", ".join(figures.every_currency) or "none"
        raise Problem(f"Nothing was sold in {currency}. Currencies that something was sold in: {known}.")
    return figures


def overview(figures: Figures, missing: str | None, links: Links) -> str:
    """The page for a manager: what needs attention, last week, what is to come; then the season; then the rest."""
    week = comparisons.week(figures)
    last_week = [page.table(*table) for table in comparison_tables.last_week(figures)]
    last_week += [page.paragraph(note, "note") for note in comparison_tables.cautions(figures, week)]
    if not figures.main:
        last_week = [page.paragraph("Nothing has been sold yet.")]
    parts: list[tuple[str, str, str]] = [
        ("attention", "Needs attention", attention.section(figures, warnings(figures, missing), links)),
        ("last-week", "Last week", page.lines(last_week)),
        ("coming", "Coming events", coming.section(figures, links)),
    ]
    if figures.main:
        parts += [
            ("season", "Season to date", comparison_tables.season(figures)),
            ("best-sellers", "Best sellers", sales.best_sellers(figures, links)),
        ]
    for number, currency in enumerate(figures.main, start=1):
        title = "Sales without a currency" if currency == NO_CURRENCY else f"Sales in {currency}"
        parts.append((f"sales-{number}", title, sales.section(figures, currency, number)))
    parts.append(("people", "Audience", audience.section(figures, links)))
    if figures.small:
        parts.append(("other-currencies", "Other currencies", comparison_tables.other_currencies(figures)))
    if unknown := behind.unknown_currencies(figures):
        parts.append(("unknown-currencies", "Sales in unknown currencies", unknown))
    parts += [
        ("reconciliation", "What does not add up", behind.does_not_add_up(figures)),
        ("refused", "What could not be read", behind.not_read(figures)),
        ("sources", "Where this comes from", behind.sources(figures)),
        ("meanings", "What the numbers mean", behind.meanings(figures)),
    ]
    title = f"Box office, week of {week.periods[0]}"
    links_to = [page.tag("li", page.tag("a", _IN_SHORT.get(part[0], part[1]), href=f"#{part[0]}")) for part in parts]
    header = [
        page.tag("h1", title),
        page.paragraph(as_of(figures)),
        page.tag("nav", page.tag("ul", *links_to), **{"aria-label": "Sections"}),
    ]
    body = page.lines(page.section(*part) for part in parts)
    return page.document(title, page.lines(header), body, page.paragraph(published(figures)))


def as_of(figures: Figures) -> str:
    """Until when the data go."""
    data_until = formatting.moment(figures.data_until, figures.zone) if figures.data_until else "no data yet"
    return f"Data until {data_until} ({figures.zone.key}). Amounts of two currencies are never added up."


def published(figures: Figures) -> str:
    """When and by whom the page's numbers were made."""
    return (
        f"Published {formatting.moment(figures.published_at, figures.zone)} ({figures.zone.key}). "
        "Made by Boxoffice from its published tables; nothing in this page is loaded from elsewhere."
    )


def warnings(figures: Figures, missing: str | None) -> list[str]:
    """What is wrong with the data as a whole: orders that are ``missing``, and accounts as ``_silence`` says."""
    return [*([missing] if missing else []), *_silence(figures)]


def _silence(figures: Figures) -> list[str]:
    """A warning where an account ends more than two days before the others: its days below are not whole. Another where
    its newest record is dated later than these tables: it is unknown whether that account ends."""
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
    found = []
    if ahead:
        found.append(f"The newest record is dated after this was published, so a clock is wrong: {'; '.join(ahead)}.")
    if quiet:
        found.append(f"Nothing new has come from {'; '.join(quiet)}.")
    return found
