"""The report's charts as inline SVG: drawn by matplotlib, coloured by the page.

matplotlib is imported when something is drawn: the other verbs do without it, and it may be absent. Colours leave here
as CSS variables, so that one drawing serves light, dark and paper; text stays text, in the page's own font. Each bar
carries its value as a ``<title>``, which a browser shows under the pointer without any script.
"""

import dataclasses
import datetime as dt
import io
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from boxoffice.errors import Problem
from boxoffice.report import formatting
from boxoffice.terminal import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, NARROW = 720, 343  # pixels: a page's column, and a phone of 375 less its margins

# Told apart by people who see few colours; the page's variables have the same names.
LIGHT = {
    "ink": "#1f2933",
    "soft": "#5b6770",
    "line": "#dde3e8",
    "s1": "#1f6fb2",
    "s2": "#d9822b",
    "s3": "#3a8f6f",
    "s4": "#8a5fb0",
    "s5": "#7f6a52",
    "bad": "#b3353f",
}
DARK = {
    "ink": "#e8ecef",
    "soft": "#a3afb9",
    "line": "#36414b",
    "s1": "#64a9e4",
    "s2": "#f0a45c",
    "s3": "#6cc3a1",
    "s4": "#bf9be0",
    "s5": "#c2aa8d",
    "bad": "#ef7f86",
}
# what matplotlib is given for each, to be found again in its SVG
_STAND_IN = {name: f"#0000{number:02x}" for number, name in enumerate(LIGHT, start=1)}
_SERIES = ("s1", "s2", "s3", "s4", "s5")
COLOURS = len(_SERIES)

NEEDS_MATPLOTLIB = (
    "The report's charts need matplotlib, which is not installed here. "
    "Once: .venv/bin/python -m pip install '.[report]'"
)


@dataclasses.dataclass(frozen=True)
class Curve:
    """One coming event: (days left, tickets) as sold, what is usual, and how many days are left now."""

    title: str
    under_title: str
    points: list[tuple[int, int]]
    usual: list[tuple[int, float]]
    days_left: int


def series_colour(number: int) -> str:
    """The CSS variable's name for the n-th series, from 0."""
    return _SERIES[number % len(_SERIES)]


def both_widths(draw: Callable[[int], "Figure"], name: str, label: str) -> Markup:
    """The drawing twice, for a page and for a phone; the style sheet shows one. ``label`` is its text for the blind."""
    try:
        import matplotlib
    except ImportError:
        raise Problem(NEEDS_MATPLOTLIB) from None
    # text is drawn as it is: `$` in the name of an event begins no formula
    settings = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "text.parse_math": False}
    drawn = []
    for width, kind in ((WIDE, "wide"), (NARROW, "narrow")):
        with matplotlib.rc_context(settings):
            drawn.append(_inline(draw(width), f"{name}-{kind}", kind, label))
    return Markup("\n").join(drawn)


def sales_by_day(
    width: int,
    days: Sequence[dt.date],
    sales: dict[str, dict[dt.date, Decimal]],
    refunds: dict[dt.date, Decimal],
    year_before: dict[dt.date, Decimal],
    currency: str,
) -> "Figure":
    """Bars of gross sales by account, refunds below the line, and the mean of the year before as a line."""
    figure, (axes,) = _figure(width, 230 if width == WIDE else 210)
    numbers = range(len(days))
    base = [0.0] * len(days)
    for colour, (name, by_day) in enumerate(sales.items()):
        heights = [float(by_day.get(day, 0)) for day in days]
        # a day may be negative (an exchange): it stands below the line, not inside the other account's bar
        bottoms = [low if height > 0 else 0.0 for low, height in zip(base, heights, strict=True)]
        bars = axes.bar(numbers, heights, 0.8, bottoms, color=_STAND_IN[series_colour(colour)], linewidth=0)
        _tips(
            bars,
            [
                f"{formatting.day(day, weekday=True)}, {name}: {formatting.money(by_day.get(day), currency)}"
                for day in days
            ],
        )
        base = [low + max(height, 0) for low, height in zip(base, heights, strict=True)]
    if any(refunds.values()):
        bars = axes.bar(
            numbers, [-float(refunds.get(day, 0)) for day in days], 0.8, color=_STAND_IN["bad"], linewidth=0
        )
        _tips(
            bars,
            [
                f"{formatting.day(day, weekday=True)}, refunds: {formatting.money(refunds.get(day), currency)}"
                for day in days
            ],
        )
    if year_before:
        axes.plot(numbers, [float(year_before[day]) for day in days], color=_STAND_IN["ink"], linewidth=1.4, alpha=0.75)
    mondays = [number for number, day in enumerate(days) if day.isoweekday() == 1]
    mondays = mondays[:: 1 if width == WIDE else 2]
    axes.set_xticks(mondays, [formatting.day(days[number], year=False) for number in mondays])
    axes.set_xlim(-0.7, len(days) - 0.3)
    axes.axhline(0, color=_STAND_IN["soft"], linewidth=0.8)
    _thousands(axes)
    return figure


def refunds_by_week(width: int, weeks: Sequence[tuple[dt.date, Decimal]], currency: str) -> "Figure":
    """Bars of refunds, one a week."""
    figure, (axes,) = _figure(width, 150)
    bars = axes.bar(
        range(len(weeks)), [float(amount) for _, amount in weeks], 0.75, color=_STAND_IN["bad"], linewidth=0
    )
    _tips(bars, [f"Week of {formatting.day(monday)}: {formatting.money(amount, currency)}" for monday, amount in weeks])
    labelled = range(0, len(weeks), 4 if width == WIDE else 8)
    axes.set_xticks(labelled, [formatting.day(weeks[number][0], year=False) for number in labelled])
    axes.set_xlim(-0.7, len(weeks) - 0.3)
    axes.axhline(0, color=_STAND_IN["soft"], linewidth=0.8)
    _thousands(axes)
    return figure


def curves(width: int, events: Sequence[Curve], days: int) -> "Figure":
    """A small panel an event: tickets in the house against the days left, beside what is usual."""
    columns = 4 if width == WIDE else 2
    columns = min(columns, len(events))
    lines = -(-len(events) // columns)
    figure, panels = _figure(width, 150 * lines, lines, columns)
    letters = int(width / columns / 7.4)
    for axes, event in zip(panels, events, strict=False):
        if event.usual:
            axes.plot(*zip(*event.usual, strict=True), color=_STAND_IN["soft"], linewidth=1.2, linestyle=(0, (4, 2)))
        points = [point for point in event.points if point[0] <= days]
        before = [tickets for left, tickets in event.points if left > days]
        points = [(days, before[-1] if before else 0), *points, (event.days_left, event.points[-1][1])]
        axes.plot(*zip(*points, strict=True), color=_STAND_IN["s1"], linewidth=2, drawstyle="steps-post", clip_on=False)
        axes.plot(*points[-1], "o", color=_STAND_IN["s1"], markersize=5, clip_on=False)
        axes.set_xlim(days, 0)
        axes.set_ylim(0, max([points[-1][1], *(tickets for _, tickets in event.usual)]) * 1.08 or 1)
        axes.set_xticks([days, days // 2, 0], [f"{days} days", str(days // 2), "0"], fontsize=10.5)
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        _thousands(axes, 3)
        axes.set_title(
            shown(formatting.event_name(event.title, letters)),
            loc="left",
            fontsize=11.5,
            pad=17,
            color=_STAND_IN["ink"],
        )
        axes.text(0, 1.04, event.under_title, transform=axes.transAxes, fontsize=10.5, color=_STAND_IN["soft"])
    for axes in panels[len(events) :]:
        axes.set_axis_off()
    return figure


def _figure(width: int, height: int, lines: int = 1, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure measured in pixels, its axes bare but for horizontal lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.06, hspace=0.08, wspace=0.06)
    panels = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
    for axes in panels:
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_facecolor("none")
        axes.grid(axis="y", color=_STAND_IN["line"], linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=11.5, labelcolor=_STAND_IN["soft"], pad=4)
    return figure, panels


def _thousands(axes: "Axes", ticks: int = 5) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))


def _tips(bars: Any, texts: Sequence[str]) -> None:
    for bar, text in zip(bars, texts, strict=True):
        bar.set_gid(f"tip:{text}")
        bar.set_clip_on(False)
        bar.set_in_layout(False)  # inside the axes anyway, and measuring hundreds of them takes time


def _inline(figure: "Figure", name: str, kind: str, label: str) -> Markup:
    """matplotlib's SVG file as an element of a page: no header, no style sheet of its own, ids of its own."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="tip:([^"]*)">', r"<g><title>\1</title>", svg)
    svg = svg.replace("xlink:href", "href")
    # two charts of one page must not share an id, and most ids are named by nobody
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for colour, stand_in in _STAND_IN.items():
        svg = svg.replace(stand_in, f"var(--{colour})")
    # the page's font: matplotlib would ask for its own
    svg = re.sub(r"font-family: [^;\"]*(; )?", "", svg)
    svg = re.sub(r"\s+", " ", svg)
    # a hundredth of a pixel is enough, in where things stand and nowhere else
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\d\.\d\d)\d+", r"\1", found[0]), svg)
    width, height = figure.get_size_inches() * 72
    head = Markup(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}">'
    ).format(kind, label, width, height, width, height)
    return Markup(re.sub(r"^<svg[^>]*>", lambda _: head, svg).strip())
