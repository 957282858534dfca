"""The section of the report about the audience."""

from typing import Any

from markupsafe import Markup, escape

from boxoffice.report import audience_queries, coming, formatting, page
from boxoffice.report.coming import Links
from boxoffice.report.figures import Figures
from boxoffice.report.page import Column


def section(figures: Figures, links: Links) -> Markup:
    """Who bought, for the first time or again, and who did not come."""
    recent = figures.recent
    days = (recent.last - recent.first).days + 1
    periods = [period for period in (recent, recent.back(days)) if figures.begins and figures.begins <= period.last]
    found = [audience_queries.buyers(figures, period) for period in periods]
    parts = []
    if found and found[0].fresh + found[0].returning:
        lines = [
            [name, *(_of_buyers(row, getattr(row, kind)) for row in found)]
            for name, kind in (("Bought for the first time", "fresh"), ("Had bought before", "returning"))
        ]
        heads = ("These weeks", "As many days before")
        columns = [Column("", number=False)]
        columns += [Column(escape(head) + page.small(period)) for head, period in zip(heads, periods, strict=False)]
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
    came = audience_queries.attendance(figures, recent)
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
    waiting = audience_queries.waiting_lists(figures)
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
