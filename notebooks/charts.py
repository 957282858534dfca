"""What the notebooks share: the published tables as data frames, and charts that say what they show.

    import charts
    charts.start()
    charts.ask("from rpt_daily_sales limit 3")

The notebooks read the published file of ``BOXOFFICE_DATA_DIR`` (default ``data``), schema marts, and write nothing.
Money comes as floats in major units, good for a chart: sums that must be right to the cent are asked for in SQL.
"""

import datetime as dt
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipelines"))

from boxoffice.report import formatting
from boxoffice.report.charts import LIGHT
from boxoffice.settings import load_settings
from boxoffice.warehouse.query import open_published

# an account has the same one in every chart, as in the report; what is no account has another
ACCOUNTS = [LIGHT["s1"], LIGHT["s2"], "#c2577f", "#a5a04a"]
COLOURS = [LIGHT["s3"], LIGHT["s4"], LIGHT["s5"], "#6d7fcc", "#b0764a"]
INK, SOFT, LINE, BAD = (LIGHT[name] for name in ("ink", "soft", "line", "bad"))
ALL = "#4aa3b5"  # of all accounts, of all people
NOT_KNOWN = "#c3ccd3"
# and what has a meaning of its own has it everywhere
MEANS = {
    "gross sales": ALL,
    "people": ALL,
    "refunds": BAD,
    "new": LIGHT["s3"],
    "returning": LIGHT["s4"],
    "paid": LIGHT["s3"],
    "comps": LIGHT["s5"],
    "reserved": "#c9a227",
    "came": LIGHT["s3"],
    "yes": LIGHT["s3"],
    "no": BAD,
    **dict.fromkeys(("did not come", "unknown", "free", "other"), NOT_KNOWN),
}
NO_CURRENCY = "XXX"

event_name = formatting.event_name
platform_name = formatting.platform
_db: duckdb.DuckDBPyConnection | None = None


def start() -> None:
    """Opens the published file, sets the charts' look, and tells what is here. Call it again after a run."""
    global _db
    _db = open_published(load_settings(os.environ))
    plt.rcParams.update(
        {
            "figure.figsize": (9.5, 3.6),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "text.color": INK,
            "axes.prop_cycle": plt.cycler(color=[ALL, *COLOURS]),
            "text.parse_math": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlesize": 11.5,
            "axes.titlepad": 12,
            "axes.labelcolor": SOFT,
            "axes.spines.left": False,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.edgecolor": SOFT,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            "grid.color": LINE,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
            "ytick.left": False,
            "legend.frameon": False,
            "svg.fonttype": "none",
        }
    )
    until = ask("select least(data_until, published_at) as until from run_info")["until"].iloc[0]
    lines = [f"Data until {until:%Y-%m-%d %H:%M} UTC."]
    for account in ask("select * from dim_accounts order by platform, account").itertuples():
        begins = f"sales from {account.history_from:%Y-%m-%d}" if pd.notna(account.history_from) else "no sale yet"
        zone = account.reporting_zone if pd.notna(account.time_zone) else "UTC (no time zone is set)"
        lines.append(f"- {account_names()[account.platform, account.account]}: {begins}, days of {zone}")
    say("\n".join(lines))


def ask(query: str, *values: Any) -> pd.DataFrame:
    """The answer to a question in SQL; ``$1``, ``$2`` … stand for ``values``."""
    if _db is None:
        start()
    return _db.execute(query, list(values)).df()


def begins() -> dt.date | None:
    """The first local day of which the data speak."""
    found = ask("select min(timezone(reporting_zone, history_from))::date as day from dim_accounts")["day"].iloc[0]
    return pd.Timestamp(found).date() if pd.notna(found) else None


def today() -> dt.date:
    """The local day on which the data end. It is not over, so nothing compares it with whole days."""
    zone, until = ask(
        "select coalesce(max_by(reporting_zone, last_record_at), 'UTC') as zone, "
        "(select least(data_until, published_at) from run_info) as until from dim_accounts"
    ).iloc[0]
    return until.tz_convert(ZoneInfo(zone)).date()


def currencies() -> list[str]:
    """The currencies something was sold in, the one with the most orders first."""
    found = ask(
        "select currency from rpt_daily_sales group by currency order by currency = $1, sum(orders) desc", NO_CURRENCY
    )
    return found["currency"].tolist()


def account_names() -> dict[tuple[str, str], str]:
    """What a person calls each account, in the order of their colours: its platform, with its own name where the
    platform has several."""
    known = ask("select platform, account from dim_accounts order by platform, account")
    several = known["platform"].duplicated(keep=False)
    return {
        (platform, account): formatting.platform(platform) + f" · {account}" * is_one_of_several
        for platform, account, is_one_of_several in zip(known["platform"], known["account"], several, strict=True)
    }


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its platform and account as one column ``sold_through``, in their place."""
    known = account_names()
    names = [known.get(pair, " ".join(pair)) for pair in zip(frame["platform"], frame["account"], strict=True)]
    place = frame.columns.get_loc("platform")
    rest = frame.drop(columns=["platform", "account"])
    rest.insert(place, "sold_through", pd.Series(names, index=frame.index, dtype=str))
    return rest


def day(value: Any) -> str:
    """A day of a data frame, ``7 Nov 2026``."""
    return formatting.day(pd.Timestamp(value).date()) if pd.notna(value) else formatting.day(None)


def moment(value: Any) -> str:
    """A point in time of a data frame, ``7 Nov 2026, 19:30``."""
    return formatting.moment(pd.Timestamp(value).to_pydatetime()) if pd.notna(value) else formatting.day(None)


def wide(frame: pd.DataFrame, index: str, columns: str, values: str) -> pd.DataFrame:
    """One column for each of ``columns``, 0 where there is nothing."""
    return frame.pivot_table(index=index, columns=columns, values=values, aggfunc="sum", fill_value=0)


def words(name: Any) -> str:
    """The name of a column as words; what is no such name, as it is."""
    return str(name).replace("_", " ") if re.fullmatch(r"[a-z_]+", str(name)) else str(name)


def table(frame: pd.DataFrame, currency: str | None = None) -> None:
    """The frame below the cell: names as words, whole numbers whole, money with the decimals of ``currency``, shares
    (columns that end in %) without, an en dash where a value is not known, months that are not whole marked."""
    if frame.empty:
        return
    plt.show()  # the chart above it
    shown = frame.rename(columns=words, index=lambda label: _marked(words(label)))
    shown.index.name = shown.columns.name = None
    places = formatting.decimals(currency)
    for place, name in enumerate(shown.columns):
        column = shown.iloc[:, place]
        if pd.api.types.is_float_dtype(column) or column.map(lambda value: isinstance(value, float)).any():
            whole = 0 if name.endswith("%") else places
            written = [
                f"{round(value, whole) + 0.0:,.{whole}f}" if isinstance(value, float) and value == value else value
                for value in column
            ]
        elif pd.api.types.is_integer_dtype(column):
            written = [f"{value:,}" if pd.notna(value) else value for value in column]
        elif pd.api.types.is_datetime64_any_dtype(column):
            written = [
                f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00") if pd.notna(value) else value for value in column
            ]
        else:
            written = list(column)
        texts = [
            "–" if value is None or value is pd.NA or value is pd.NaT or value != value else str(value)
            for value in written
        ]
        shown.isetitem(place, pd.Series(texts, index=shown.index, dtype=object))
    style = "<style>.boxoffice th, .boxoffice td {white-space: nowrap; text-align: right}</style>"
    numbered = isinstance(frame.index, pd.RangeIndex)
    with pd.option_context("display.max_colwidth", None):
        html = shown.to_html(index=not numbered, max_rows=100, classes="boxoffice", border=0, notebook=True)
    display({"text/html": style + html, "text/plain": shown.to_string(index=not numbered)}, raw=True)


def say(markdown: str) -> None:
    """A sentence below the cell."""
    display(Markdown(markdown))


def nothing(what: str) -> None:
    """Says that there is nothing to draw, where a chart would stand."""
    say(f"*Nothing to show: {what}.*")


def axes(title: str, unit: str, *, height: float = 3.6, width: float = 9.5) -> Axes:
    """An empty chart. ``unit`` is what the numbers are: a currency, tickets, people."""
    made = plt.subplots(figsize=(width, height))[1]
    made.set_title(title)
    made.set_ylabel(unit)
    made.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))
    return made


def stacked(frame: pd.DataFrame, title: str, unit: str, *, width: float = 0.8) -> Axes | None:
    """Bars, one a row of the frame, its columns on top of each other; below 0 they hang. Months that are not whole are
    pale."""
    if frame.empty:
        return nothing(title)
    partial = [_is_partial(value) for value in frame.index]
    made = axes(title + " (pale: a part of the month)" * any(partial), unit)
    if all(pd.api.types.is_integer_dtype(kind) for kind in frame.dtypes):
        made.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    places = range(len(frame))
    up, down = [0.0] * len(frame), [0.0] * len(frame)
    for column, colour in colours(frame.columns).items():
        heights = frame[column].astype(float).tolist()
        bottoms = [high if height >= 0 else low for height, high, low in zip(heights, up, down, strict=True)]
        bars = made.bar(places, heights, width, bottoms, label=words(column), color=colour)
        for bar, is_partial in zip(bars, partial, strict=True):
            bar.set_alpha(0.4 if is_partial else 1)
        up = [high + max(height, 0) for high, height in zip(up, heights, strict=True)]
        down = [low + min(height, 0) for low, height in zip(down, heights, strict=True)]
    made.axhline(0, color=SOFT, linewidth=0.8)
    _label_places(made, frame.index)
    if len(frame.columns) > 1:
        below(made, [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in colours(frame.columns).values()])
    return made


def below(made: Axes, handles: Sequence[Any] = ()) -> None:
    """The legend below the chart, as many to a line as fit; ``handles`` in place of the series' own."""
    own, labels = made.get_legend_handles_labels()
    longest = max((len(label) for label in labels), default=1)
    made.legend(
        [*handles, *own[len(handles) :]],
        labels,
        loc="upper left",
        bbox_to_anchor=(0, -0.12),
        ncols=max(1, min(5, 100 // (longest + 6))),
    )


def lying(
    values: pd.Series, title: str, unit: str, texts: Sequence[str] | None = None, colour: str = ALL
) -> Axes | None:
    """Bars that lie, the first on top, for things with names; ``texts`` are written at their ends."""
    if values.empty:
        return nothing(title)
    made = plt.subplots(figsize=(9.5, 0.9 + 0.34 * len(values)))[1]
    made.set_title(title)
    made.set_xlabel(unit)
    places = range(len(values) - 1, -1, -1)
    bars = made.barh(places, values.astype(float), 0.72, color=colour)
    made.set_yticks(places, [formatting.event_name(str(name), 64) for name in values.index])
    made.bar_label(bars, texts or [f"{value:,.0f}" for value in values], padding=4, color=SOFT)
    made.margins(x=0.16)
    if pd.api.types.is_integer_dtype(values):
        whole_numbers(made)
    made.grid(axis="x")
    made.grid(visible=False, axis="y")
    made.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    return made


def parts(values: dict[str, int], title: str, unit: str) -> Axes | None:
    """One bar of which each value is a part, with its name and number on it."""
    if not sum(values.values()):
        return nothing(title)
    made = plt.subplots(figsize=(9.5, 1.5))[1]
    made.set_title(title)
    begins = 0
    for (name, value), colour in zip(values.items(), colours(list(values)).values(), strict=True):
        if not value:
            continue
        made.barh(0, value, 0.6, begins, color=colour, label=f"{name}: {value:,} {unit}")
        begins += value
    made.set_xticks([])
    made.set_yticks([])
    made.set_xlim(0, begins)
    made.grid(visible=False)
    below(made)
    return made


def waterfall(values: pd.Series, title: str, unit: str) -> Axes:
    """From the first value to the last, which are wholes, by the steps between them."""
    made = axes(title, unit)
    level = 0.0
    last = len(values) - 1
    for place, value in enumerate(values):
        is_whole = place in (0, last)
        bottom = 0.0 if is_whole else level
        colour = ALL if is_whole else BAD if value < 0 else COLOURS[0]
        made.bar(place, value, 0.7, bottom, color=colour)
        top = max(bottom, bottom + value)
        made.annotate(
            f"{value:,.0f}", (place, top), (0, 3), textcoords="offset points", ha="center", color=SOFT, size=9
        )
        level = value if is_whole else level + value
    made.margins(y=0.1)
    # next to what was charged the steps would be lines
    steps = values.iloc[1:-1].abs().sum()
    lowest = values.iloc[[0, -1]].min() - steps
    if lowest > 0 and steps < lowest / 4:
        made.set_ylim(bottom=lowest - steps)
        made.set_ylabel(f"{unit}, from {lowest - steps:,.0f}")
    made.set_xticks(range(len(values)), [words(name).replace(" ", "\n", 1) for name in values.index])
    return made


def as_percent(made: Axes) -> None:
    """The vertical axis in percent, of shares from 0 to 1."""
    made.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def whole_numbers(made: Axes) -> None:
    """Ticks of the horizontal axis at whole numbers: no day, and no ticket, is half."""
    made.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def colours(names: Sequence[Any]) -> dict[Any, Any]:
    """A colour for each series: of what it means, of its account (paler for each further channel of it), or of none."""
    of_account = {name: ACCOUNTS[place % len(ACCOUNTS)] for place, name in enumerate(account_names().values())}
    rest, seen = iter(COLOURS * (len(names) // len(COLOURS) + 1)), Counter()
    found: dict[Any, Any] = {}
    for name in names:
        text = words(name)
        account = text if text in of_account else text.rpartition(", ")[0]
        if account in of_account:
            red, green, blue = to_rgb(of_account[account])
            pale = min(0.3 * seen[account], 0.75)
            found[name] = tuple(part + (1 - part) * pale for part in (red, green, blue))
            seen[account] += 1
        else:
            found[name] = MEANS.get(text) or next(rest)
    return found


def _is_partial(label: Any) -> bool:
    """Of a month such as 2026-11: the data begin within it, or it is not over."""
    if not re.fullmatch(r"\d{4}-\d{2}", str(label)):
        return False
    first = dt.date.fromisoformat(f"{label}-01")
    return first < (begins() or first) or (first + dt.timedelta(31)).replace(day=1) > today()


def _marked(label: Any) -> Any:
    return f"{label} (a part)" if _is_partial(label) else label


def _label_places(made: Axes, index: pd.Index) -> None:
    """About a dozen labels below the bars."""
    step = -(-len(index) // 13)
    shown = range(0, len(index), step)
    made.set_xticks(shown, [_label(index[place]) for place in shown])
    made.set_xlim(-0.7, len(index) - 0.3)


def _label(value: Any) -> str:
    return formatting.day(pd.Timestamp(value).date(), year=False) if isinstance(value, dt.date) else str(value)
