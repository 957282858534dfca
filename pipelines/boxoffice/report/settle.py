"""`boxoffice settle`: what one event took, on one page for a guest company, from the published tables."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from boxoffice.atomic_file import whole
from boxoffice.errors import Problem
from boxoffice.report import formatting, page
from boxoffice.report.settlement import LEAVE_OUT, Line, Section, Settlement, find
from boxoffice.settings import Settings
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import open_published, rows
from boxoffice.warehouse.spreadsheet import safe

_TICKET_COLUMNS = ("Price", "Tickets", "Returned", "Discounts", "Sold for")


def settle(
    settings: Settings, event: str, form: Literal["html", "csv"], out: Path | None = None, without: Collection[str] = ()
) -> Path:
    """Writes the settlement of ``event`` to ``out``, whole or not at all, and returns its path.

    ``event`` is an event_key, a platform's id of an event, ``platform/account/id`` where two accounts use the same, or
    a show of seeds/shows.csv by its name or show_key: all its events, on both platforms. ``without`` are names of
    LEAVE_OUT. Without ``out`` the file is in the working directory. Amounts are in major units, never of two
    currencies in one sum. The same published file gives the same bytes. Raises ConfigProblem, with the nearest, when
    ``event`` is none or several, and Problem when nothing is published or ``out`` cannot be written.
    """
    with open_published(settings) as db:
        settlement = Settlement(db, find(db, event.strip()), without)
        [info] = rows(db, "select least(data_until, published_at) as until from run_info")
        sections = settlement.sections()
        about = _about(settlement, f"{info.until:%Y-%m-%d %H:%M} UTC" if info.until else "no data yet")
    content = _document(about, settlement, sections) if form == "html" else _csv(about, settlement, sections)
    path = out or Path(f"settlement-{_file_name(settlement)}.{form}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as file:
            file.write(content.encode("utf-8" if form == "html" else "utf-8-sig"))  # or Excel takes it for another
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}. Give another place with --out.") from None
    return path


def _name(settlement: Settlement) -> str:
    event, several = settlement.events[0], len(settlement.events) > 1
    return formatting.event_name(event.show_name if several else event.event_name, 200)


def _file_name(settlement: Settlement) -> str:
    """Letters, digits and hyphens: ids and names come from outside."""
    event, several = settlement.events[0], len(settlement.events) > 1
    return re.sub(r"[^A-Za-z0-9_]+", "-", event.show_name if several else event.event_id).strip("-")[:60] or "event"


def _about(settlement: Settlement, until: str) -> list[str]:
    """What is settled, a line for each event, and what of it is known."""
    lines = []
    for event in settlement.events:
        place = [
            formatting.moment(event.starts_local) if event.starts_local else "no date known",
            "called off" if event.is_called_off else None,
            f"given on {formatting.day(event.released_on)}"
            if event.released_on not in (None, event.starts_on)
            else None,
            event.venue,
            "capacity not known" if event.capacity is None else formatting.plural(event.capacity, "seat"),
            f"{formatting.platform(event.platform)} {event.account}, event {event.event_id}",
        ]
        lines.append(" · ".join(filter(None, place)))
    show = settlement.events[0]
    if len(settlement.events) == 1 and show.show_key != show.event_key:
        lines.append(f"One of the events of the show {show.show_name}.")
    promoters = sorted({event.promoter for event in settlement.events if event.promoter})
    if promoters:
        lines.insert(0, f"For {', '.join(promoters)}")
    if settlement.waiting:
        lines.append(
            f"{formatting.plural(settlement.waiting, 'ticket')} of orders that have not come are in no number here."
        )
    left_out = ", ".join(name for key, name in LEAVE_OUT.items() if key in settlement.without)
    lines.append(settlement.state())
    return [*lines, f"As at {until}." + f" Left out: {left_out}." * bool(left_out)]


def _columns(settlement: Settlement) -> list[str]:
    if len(settlement.events) == 1:
        return ["Amount"]
    return [*map(_source, settlement.events), "Together"]


def _source(event: Any) -> str:
    return f"{formatting.platform(event.platform)} {event.event_id}"


def _amounts(line: Line) -> list[Decimal | None]:
    return [*line.amounts, *([line.together] if len(line.amounts) > 1 else [])]


def _document(about: list[str], settlement: Settlement, sections: list[Section]) -> Markup:
    title = f"Settlement: {_name(settlement)}"
    header = page.lines([page.tag("h1", title), *map(page.paragraph, about)])
    body = page.lines(
        page.section(f"settlement-{number}", _title(section), page.lines(_tables(section, _columns(settlement))))
        for number, section in enumerate(sections, start=1)
    )
    footer = page.paragraph(
        "Facts, as the platforms report them: what a contract makes of them is not computed. Amounts of two currencies "
        "are never added up. Made by Boxoffice from its published tables."
    )
    return page.document(title, header, body or page.paragraph("Nothing has been sold yet."), footer)


def _title(section: Section) -> str:
    return "Without a currency" if section.currency == NO_CURRENCY else f"In {section.currency}"


def _line_tables(section: Section) -> list[tuple[str, list[Line]]]:
    tables = [("What is due", section.lines), ("In no sum above", section.beside)]
    return [table for table in tables if table[1]]


def _tables(section: Section, columns: list[str]) -> Iterator[Markup]:
    def shown(amount: Decimal | None) -> str:
        return "not known" if amount is None else formatting.amount(amount, section.currency)

    if section.tickets:
        heads = [page.Column("", False), *map(page.Column, _TICKET_COLUMNS)]
        cells = [
            [
                row.what if len(columns) == 1 or not row.event else f"{row.what}, {_source(row.event)}",
                "" if not row.event else formatting.amount(row.price, section.currency),
                formatting.count(row.tickets),
                formatting.count(row.returned),
                formatting.amount(row.discounts, section.currency),
                formatting.amount(row.amount, section.currency),
            ]
            for row in section.tickets
        ]
        cells = [
            cell if row.event else list(map(page.bold, cell)) for row, cell in zip(section.tickets, cells, strict=True)
        ]
        yield page.table("Tickets by type and price", heads, cells)
    heads = [page.Column("", False), *map(page.Column, columns)]
    for caption, lines in _line_tables(section):
        cells = [
            [page.bold(text) if line.result else text for text in (line.what, *map(shown, _amounts(line)))]
            for line in lines
        ]
        yield page.table(caption, heads, cells)
    for note in section.notes:
        yield page.paragraph(note, "note")


def _csv(about: list[str], settlement: Settlement, sections: list[Section]) -> str:
    text = io.StringIO()
    write = csv.writer(text).writerow

    def row(*values: Any) -> None:
        write([safe(value) if isinstance(value, str) else value for value in values])

    row(f"Settlement: {_name(settlement)}")
    for line in about:
        row(line)
    for section in sections:

        def plain(amount: Decimal | None, currency: str = section.currency) -> Decimal | None:
            return formatting.plain(amount, currency)

        if section.tickets:
            row()
            row(_title(section), *_TICKET_COLUMNS, "Event")
        for one in section.tickets:
            amounts = plain(one.discounts), plain(one.amount)
            event = one.event.event_id if one.event else None
            row(one.what, plain(one.price), one.tickets, one.returned, *amounts, event)
        for caption, lines in _line_tables(section):
            row()
            row(f"{_title(section)}: {caption.lower()}", *_columns(settlement))
            for line in lines:
                row(line.what, *("not known" if amount is None else plain(amount) for amount in _amounts(line)))
        for note in section.notes:
            row(note)
    return text.getvalue()
