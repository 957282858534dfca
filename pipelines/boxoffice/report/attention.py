"""The section of the report about what needs attention."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from markupsafe import Markup, escape

from boxoffice.report import coming, formatting, page, quality_queries
from boxoffice.report.coming import Links
from boxoffice.report.figures import Figures
from boxoffice.report.performances import Performance

_SOON = 21  # days: a performance that is behind and so near needs attention
_NEARLY_FULL = Decimal("0.95")


def section(figures: Figures, warnings: Sequence[str], links: Links) -> Markup:
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
    refused = quality_queries.refused_lately(figures)
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
