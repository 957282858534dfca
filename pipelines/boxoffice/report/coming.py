"""Performances to come, as a table and as curves: how full, and ahead of those before them or behind."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from boxoffice.report import charts, formatting, page
from boxoffice.report.figures import Figures
from boxoffice.report.page import Column
from boxoffice.report.performances import Performance

Links = Mapping[str, str]  # the address of a performance's own page, by its key; empty where there are none
CURVE_DAYS = (7, 14, 30, 60, 120, 240, 400)  # how far back a curve may reach: the least that shows where sales begin
DRAWN, DRAWN_DAYS = 8, 90  # performances with a curve, and how near they have to be
SHOWN = 15  # performances in the table before the rest of it is unfolded
_SIGNS = {"ahead": "▲", "behind": "▼", "level": "●"}


def section(figures: Figures, links: Links) -> Markup:
    """All there is to say about what is to come."""
    found = figures.performances.coming
    more = figures.performances.not_listed()
    rest = page.paragraph(f"{formatting.plural(more, 'further coming event')} without a sale so far.", "note")
    if not found:
        return page.paragraph("No event to come has sold anything yet.") + (rest if more else "")
    parts = [page.table(*table(figures, found[:SHOWN], links))]
    if further := found[SHOWN:]:
        parts.append(
            page.tag(
                "details",
                page.tag("summary", f"{formatting.plural(len(further), 'further performance')}"),
                page.table(*table(figures, further, links, "Later performances")),
            )
        )
    if drawn(figures):
        parts.append(_curves(figures))
    twice = Counter((one.name, one.starts_local) for one in found if one.name and one.starts_local)
    if any(how_many > 1 for how_many in twice.values()):
        suggest = page.tag("code", "boxoffice shows suggest")
        parts.append(
            page.paragraph(
                "Where a performance has two lines, each platform sells it as an event of its own; "
                + suggest
                + " proposes which are one.",
                "note",
            )
        )
    return page.lines([*parts, rest if more else ""])


def table(
    figures: Figures, performances: Sequence[Performance], links: Links, title: str = "The next performances"
) -> page.Table:
    """A line a performance."""
    lines = [
        [performance(figures, one, links), _sold(one), formatting.count(one.last_week), pace(one)]
        for one in performances
    ]
    columns = (
        Column("Performance", number=False),
        Column("Tickets"),
        Column("Last 7 days"),
        Column("Pace"),
    )
    caption = page.bold(title) + ". Pace: more or fewer tickets than others had as many days before, up to yesterday"
    return page.Table(caption, columns, lines)


def performance(figures: Figures, one: Performance, links: Links = {}) -> Markup:  # noqa: B006 (never written to)
    """Name, date, and what each account sold of it where there are several."""
    title = page.name(formatting.event_name(one.name))
    if one.show_key in links:
        title = page.tag("a", title, href=links[one.show_key])
    when = formatting.day(one.starts_on, weekday=True)
    if one.starts_local and one.starts_local.time() != dt.time():
        when += f", {one.starts_local:%H:%M}"
    if one.days_left is not None and one.days_left >= 0:
        when += " · today" if not one.days_left else f" · in {formatting.plural(one.days_left, 'day')}"
    halves = ""
    if len(one.halves) > 1:
        halves = page.tag(
            "details",
            page.tag("summary", "by where it is sold"),
            *(page.small(f"{figures.name(half)}: {of(half.in_the_house, half.capacity)}") for half in one.halves),
        )
    return title + page.small(when) + halves


def of(tickets: int, capacity: int | None) -> str:
    """``52 of 120``, or the tickets alone where the capacity is not known."""
    return f"{formatting.count(tickets)} of {formatting.count(capacity)}" if capacity else formatting.count(tickets)


def _sold(one: Performance) -> Markup:
    full = of(one.in_the_house, one.capacity)
    cell = page.share_bar(one.in_the_house / one.capacity, full) if one.capacity else escape(full)
    if one.target:
        share = formatting.percent(one.in_the_house / one.target)
        cell += page.small(f"{share} of the target, {formatting.count(one.target)}")
    return cell


def pace(one: Performance) -> Markup:
    """Ahead or behind, by how many tickets, and of what."""
    if one.is_full:
        return page.tag("span", "sold out", kind="ahead")
    if not one.pace:
        return escape("–")
    more = round(one.pace.now - one.pace.usual)
    by = f"{formatting.count(abs(more))} {one.pace.verdict}" if one.pace.verdict in ("ahead", "behind") else "as before"
    against = page.small(f"{one.pace.basis}: {one.pace.usual:,.0f}")
    if not one.pace.verdict:
        return escape("–") + against
    return page.tag("span", f"{_SIGNS[one.pace.verdict]} {by}", kind=one.pace.verdict) + against


def curve(figures: Figures, one: Performance, days: int) -> charts.Curve:
    """How the performance sells, for a chart that begins ``days`` before it."""
    under = f"{formatting.day(one.starts_on, year=False)} · {of(one.in_the_house, one.capacity)}"
    points = figures.performances.curve(one.show_key)
    usual = figures.performances.median_curve(one.pace.references if one.pace else [], days)
    # a hall that is far from full would press the curves to the ground
    high = 4 * max([1, *(tickets for _, tickets in points), *(tickets for _, tickets in usual)])
    return charts.Curve(
        title=formatting.event_name(one.name, 200),
        under_title=under,
        points=points,
        usual=usual,
        days_left=one.days_left or 0,
        capacity=one.capacity if one.capacity and one.capacity <= high else None,
        target=one.target if one.target and one.target <= high else None,
    )


def curve_days(figures: Figures, performances: Sequence[Performance]) -> int:
    """From how many days before the event a chart of these should begin."""
    first = [figures.performances.curve(one.show_key)[:1] for one in performances]
    earliest = max((points[0][0] for points in first if points), default=0)
    return next((days for days in CURVE_DAYS if days >= earliest), CURVE_DAYS[-1])


def legend(curves: Sequence[charts.Curve], before: str) -> list[tuple[str, str]]:
    """What the lines of these curves are."""
    keys = [("s1", "tickets sold and comps, less returns")]
    if any(one.usual for one in curves):
        keys.append(("soft", before))
    if any(one.capacity for one in curves):
        keys.append(("full", "capacity"))
    if any(one.target for one in curves):
        keys.append(("goal", "target"))
    return keys


def drawn(figures: Figures) -> list[Performance]:
    """The performances that have a curve: the next of which anything is sold."""
    dated = [one for one in figures.performances.coming if one.days_left is not None and one.days_left <= DRAWN_DAYS]
    return [one for one in dated if one.in_the_house > 0][:DRAWN]


def draw(figures: Figures, performances: Sequence[Performance]) -> tuple[list[charts.Curve], int]:
    """Their curves, and from how many days before they are drawn."""
    days = curve_days(figures, performances)
    return [curve(figures, one, days) for one in performances], days


def _curves(figures: Figures) -> Markup:
    panels, days = draw(figures, drawn(figures))
    title = f"Tickets in the house, by days left, from {days} days before"
    drawing = charts.both_widths(
        lambda width: charts.curves(width, panels, days), "curves", f"{title}. The table above has the numbers."
    )
    return page.figure(title, drawing, legend(panels, "those before it: the median"))
