"""The report's charts: drawn by matplotlib, as inline SVG that the page colours, or as pictures for a mail.

matplotlib is imported when something is drawn: the other commands work without it. Colours are written as CSS
variables, so that one drawing serves light, dark and paper; text stays text, in the page's own font. Each bar
carries its value as a ``<title>``, which a browser shows under the pointer without any script.
"""

import contextlib
import dataclasses
import datetime as dt
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
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

# Distinguishable with colour blindness; the page's variables have the same names.
LIGHT = {
    "ink": "#1f2933",
    "soft": "#5b6770",
    "line": "#dde3e8",
    "paper": "#ffffff",
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
    "paper": "#151b20",
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
UNFINISHED = 0.4  # how solid a bar is whose period is not over, or not known from its beginning
_palette: ContextVar[dict[str, str]] = ContextVar("palette", default=_STAND_IN)

NEEDS_MATPLOTLIB = (
    "The report's charts need matplotlib, which is not installed here. "
    "Once: .venv/bin/python -m pip install '.[report]'"
)


@dataclasses.dataclass(frozen=True)
class Curve:
    """One performance: (days left, tickets) as sold, those of the ones before, and how many days are left now."""

    title: str
    under_title: str
    points: list[tuple[int, int]]
    usual: list[tuple[int, float]]
    days_left: int
    capacity: int | None = None
    target: int | None = None


def series_colour(number: int) -> str:
    """The CSS variable's name for the n-th series, from 0."""
    return _SERIES[number % len(_SERIES)]


def both_widths(draw: Callable[[int], "Figure"], name: str, label: str) -> Markup:
    """The drawing twice, for a page and for a phone; the style sheet shows one. ``label`` is its text for the blind."""
    drawn = []
    for width, kind in ((WIDE, "wide"), (NARROW, "narrow")):
        with _drawing(name):
            drawn.append(_inline(draw(width), f"{name}-{kind}", kind, label))
    return Markup("\n").join(drawn)


def picture(draw: Callable[[int], "Figure"]) -> bytes:
    """The drawing as a PNG on white, at twice its size, for programs that show no SVG."""
    buffer = io.BytesIO()
    before = _palette.set(LIGHT)
    try:
        with _drawing("picture"):
            draw(WIDE).savefig(buffer, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    finally:
        _palette.reset(before)
    return buffer.getvalue()


@contextlib.contextmanager
def _drawing(name: str) -> Iterator[None]:
    """matplotlib's settings. Raises Problem where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        raise Problem(NEEDS_MATPLOTLIB) from None
    # text is drawn as it is: `$` in the name of an event begins no formula
    settings = {"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "text.parse_math": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # a browser has the letters that matplotlib's font lacks
        warnings.filterwarnings("ignore", "Glyph .* missing from font|Matplotlib currently does not support")
        yield


def _colour(name: str) -> str:
    return _palette.get()[name]


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
        # a day may be negative (an exchange): it goes below the line, not inside the other account's bar
        bottoms = [low if height > 0 else 0.0 for low, height in zip(base, heights, strict=True)]
        bars = axes.bar(numbers, heights, 0.8, bottoms, color=_colour(series_colour(colour)), linewidth=0)
        _tips(
            bars,
            [
                f"{formatting.day(day, weekday=True)}, {name}: {formatting.money(by_day.get(day), currency)}"
                for day in days
            ],
        )
        base = [low + max(height, 0) for low, height in zip(base, heights, strict=True)]
    if any(refunds.values()):
        bars = axes.bar(numbers, [-float(refunds.get(day, 0)) for day in days], 0.8, color=_colour("bad"), linewidth=0)
        _tips(
            bars,
            [
                f"{formatting.day(day, weekday=True)}, refunds: {formatting.money(refunds.get(day), currency)}"
                for day in days
            ],
        )
    if year_before:
        # a margin of paper, for most of the line is in front of bars
        for colour, line_width in (("paper", 3.6), ("ink", 1.5)):
            axes.plot(numbers, [float(year_before[day]) for day in days], color=_colour(colour), linewidth=line_width)
    mondays = [number for number, day in enumerate(days) if day.isoweekday() == 1]
    mondays = mondays[:: max(1, round(len(mondays) / (9 if width == WIDE else 4)))]
    axes.set_xticks(mondays, [formatting.day(days[number], year=False) for number in mondays])
    axes.set_xlim(-0.7, len(days) - 0.3)
    axes.axhline(0, color=_colour("soft"), linewidth=0.8)
    _thousands(axes)
    return figure


def sales_by_month(
    width: int,
    months: Sequence[dt.date],
    sales: dict[str, dict[dt.date, Decimal]],
    unfinished: set[dt.date],
    currency: str,
) -> "Figure":
    """Bars of gross sales by account; those of ``unfinished`` months are pale."""
    figure, (axes,) = _figure(width, 190)
    base = [0.0] * len(months)
    for colour, (name, by_month) in enumerate(sales.items()):
        heights = [max(float(by_month.get(month, 0)), 0.0) for month in months]
        bars = axes.bar(range(len(months)), heights, 0.75, base, color=_colour(series_colour(colour)), linewidth=0)
        for bar, month in zip(bars, months, strict=True):
            bar.set_alpha(UNFINISHED if month in unfinished else 1)
        _tips(
            bars,
            [
                f"{month:%B %Y}{' in part' if month in unfinished else ''}, {name}: "
                f"{formatting.money(by_month.get(month), currency)}"
                for month in months
            ],
        )
        base = [low + height for low, height in zip(base, heights, strict=True)]
    labelled = range(len(months) - 1, -1, -1 if width == WIDE or len(months) < 8 else -2)
    axes.set_xticks(list(labelled), [f"{months[number]:%b}\n{months[number]:%Y}" for number in labelled])
    axes.set_xlim(-0.7, len(months) - 0.3)
    axes.axhline(0, color=_colour("soft"), linewidth=0.8)
    _thousands(axes)
    return figure


def refunds_by_week(width: int, weeks: Sequence[tuple[dt.date, Decimal, Decimal]], currency: str) -> "Figure":
    """Bars of refunds as a share of the week's gross sales."""
    figure, (axes,) = _figure(width, 130)
    shares = [float(refunds / gross) * 100 if gross > 0 else 0.0 for _, refunds, gross in weeks]
    bars = axes.bar(range(len(weeks)), shares, 0.75, color=_colour("bad"), linewidth=0)
    _tips(
        bars,
        [
            f"Week of {formatting.day(monday)}: {formatting.money(refunds, currency)} of "
            f"{formatting.money(gross, currency)}"
            for monday, refunds, gross in weeks
        ],
    )
    labelled = range(0, len(weeks), 4 if width == WIDE else 8)
    axes.set_xticks(labelled, [formatting.day(weeks[number][0], year=False) for number in labelled])
    axes.set_xlim(-0.7, len(weeks) - 0.3)
    # an ordinary week should not fill the picture
    axes.set_ylim(0, max(10.0, max(shares) * 1.08))
    axes.axhline(0, color=_colour("soft"), linewidth=0.8)
    _thousands(axes, 4, " %")
    return figure


def curves(width: int, events: Sequence[Curve], days: int, height: int = 150) -> "Figure":
    """A small panel a performance: tickets in the house against the days left, beside those of the ones before and the
    capacity. One panel alone is ``height`` pixels high and as wide as the page."""
    columns = min(4 if width == WIDE else 2, len(events))
    lines = -(-len(events) // columns)
    figure, panels = _figure(width, height * lines, lines, columns)
    letters = int(width / columns / 7.4)
    for axes, event in zip(panels, events, strict=False):
        if event.usual:
            axes.plot(*zip(*event.usual, strict=True), color=_colour("soft"), linewidth=1.2, linestyle=(0, (4, 2)))
        points = [(max(left, 0), tickets) for left, tickets in event.points if left <= days]
        before = [tickets for left, tickets in event.points if left > days]
        now = event.points[-1][1] if event.points else 0
        points = [(days, before[-1] if before else 0), *points, (min(max(event.days_left, 0), days), now)]
        axes.plot(*zip(*points, strict=True), color=_colour("s1"), linewidth=2, drawstyle="steps-post", clip_on=False)
        axes.plot(*points[-1], "o", color=_colour("s1"), markersize=5, clip_on=False)
        axes.set_xlim(days, 0)
        highest = max([*(tickets for _, tickets in points), *(tickets for _, tickets in event.usual)])
        for limit, colour in ((event.capacity, "soft"), (event.target, "s3")):
            if limit:
                axes.axhline(limit, color=_colour(colour), linewidth=1)
                highest = max(highest, limit)
        axes.set_ylim(0, highest * 1.08 or 1)
        axes.set_xticks([days, days // 2, 0], [f"{days} days", str(days // 2), "0"], fontsize=10.5)
        axes.get_xticklabels()[0].set_horizontalalignment("left")
        axes.get_xticklabels()[-1].set_horizontalalignment("right")
        _thousands(axes, 3)
        if event.title:
            axes.set_title(_short(event.title, letters), loc="left", fontsize=11.5, pad=17, color=_colour("ink"))
            axes.text(0, 1.04, event.under_title, transform=axes.transAxes, fontsize=10.5, color=_colour("soft"))
    for axes in panels[len(events) :]:
        axes.set_axis_off()
    return figure


def _short(name: str, letters: int) -> str:
    """A name in the room of so many letters: those of Chinese, Japanese and Korean are two wide, as emoji are."""
    from rich.cells import cell_len, set_cell_size

    name = shown(name)
    return name if cell_len(name) <= letters else set_cell_size(name, letters - 1).rstrip() + "…"


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
        axes.grid(axis="y", color=_colour("line"), linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=11.5, labelcolor=_colour("soft"), pad=4)
    return figure, panels


def _thousands(axes: "Axes", ticks: int = 5, unit: str = "") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−") + unit))


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
    # two charts of one page must not share an id, and most ids are not referenced
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for colour, stand_in in _STAND_IN.items():
        svg = svg.replace(stand_in, f"var(--{colour})")
    # the page's font: matplotlib would ask for its own
    svg = re.sub(r"font-family: [^;\"]*(; )?", "", svg)
    svg = re.sub(r"\s+", " ", svg)
    # a hundredth of a pixel is enough, for positions and nothing else
    svg = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\d\.\d\d)\d+", r"\1", found[0]), svg)
    width, height = figure.get_size_inches() * 72
    head = Markup(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}">'
    ).format(kind, label, width, height, width, height)
    return Markup(re.sub(r"^<svg[^>]*>", lambda _: head, svg).strip())
