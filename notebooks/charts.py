"""What the notebooks share: the published tables as data frames, and charts that say what they show.

    import charts
    charts.start()
    charts.ask("from rpt_daily_sales limit 3")

The notebooks read the published file of ``BOXOFFICE_DATA_DIR`` (default ``data``), schema marts, and write nothing.
Money comes as floats in major units, good for a chart: sums that must be right to the cent are asked for in SQL.
"""

import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipelines"))

from boxoffice.report import formatting
from boxoffice.report.charts import LIGHT
from boxoffice.settings import load_settings
from boxoffice.warehouse.query import open_published

COLOURS = [*(LIGHT[name] for name in ("s1", "s2", "s3", "s4", "s5")), "#c2577f", "#4aa3b5", "#a5a04a"]
INK, SOFT, LINE, BAD = (LIGHT[name] for name in ("ink", "soft", "line", "bad"))
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
            "axes.prop_cycle": plt.cycler(color=COLOURS),
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
    pd.options.display.float_format = "{:,.2f}".format
    pd.options.display.max_rows = 100
    pd.options.display.max_colwidth = 120
    until = ask("select least(data_until, published_at) as until from run_info")["until"].iloc[0]
    lines = [f"Data until {until:%Y-%m-%d %H:%M} UTC."]
    for account in ask("select * from dim_accounts order by platform, account").itertuples():
        begins = f"sales from {account.history_from:%Y-%m-%d}" if pd.notna(account.history_from) else "no sale yet"
        zone = account.reporting_zone if pd.notna(account.time_zone) else "UTC (no time zone is set)"
        lines.append(f"- {account_name(account.platform, account.account)}: {begins}, days of {zone}")
    say("\n".join(lines))


def ask(query: str, *values: Any) -> pd.DataFrame:
    """The answer to a question in SQL; ``$1``, ``$2`` … stand for ``values``."""
    if _db is None:
        start()
    return _db.execute(query, list(values)).df()


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


def account_name(platform: str, account: str) -> str:
    """An account as a person calls it."""
    return formatting.platform(platform) if account == "main" else f"{formatting.platform(platform)} · {account}"


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its platform and account as one column ``sold_through``, in their place."""
    names = [account_name(*pair) for pair in zip(frame["platform"], frame["account"], strict=True)]
    place = frame.columns.get_loc("platform")
    rest = frame.drop(columns=["platform", "account"])
    rest.insert(place, "sold_through", pd.Series(names, index=frame.index, dtype=str))
    return rest


def day(value: Any) -> str:
    """A day of a data frame, ``7 Nov 2026``."""
    return formatting.day(pd.Timestamp(value).date()) if pd.notna(value) else formatting.day(None)


def wide(frame: pd.DataFrame, index: str, columns: str, values: str) -> pd.DataFrame:
    """One column for each of ``columns``, 0 where there is nothing."""
    return frame.pivot_table(index=index, columns=columns, values=values, aggfunc="sum", fill_value=0).astype(float)


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
    """Bars, one a row of the frame, its columns on top of each other; below 0 they hang."""
    if frame.empty:
        return nothing(title)
    made = axes(title, unit)
    places = range(len(frame))
    up, down = [0.0] * len(frame), [0.0] * len(frame)
    for column in frame.columns:
        heights = frame[column].tolist()
        bottoms = [high if height >= 0 else low for height, high, low in zip(heights, up, down, strict=True)]
        made.bar(places, heights, width, bottoms, label=str(column), color=_colour(column, frame.columns))
        up = [high + max(height, 0) for high, height in zip(up, heights, strict=True)]
        down = [low + min(height, 0) for low, height in zip(down, heights, strict=True)]
    made.axhline(0, color=SOFT, linewidth=0.8)
    _label_places(made, frame.index)
    if len(frame.columns) > 1:
        below(made)
    return made


def below(made: Axes) -> None:
    """The legend below the chart, as many to a line as fit."""
    handles, labels = made.get_legend_handles_labels()
    longest = max((len(label) for label in labels), default=1)
    made.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0, -0.12), ncols=max(1, min(5, 100 // (longest + 6)))
    )


def lying(values: pd.Series, title: str, unit: str, texts: Sequence[str] | None = None) -> Axes | None:
    """Bars that lie, the first on top, for things with names; ``texts`` stand at their ends."""
    if values.empty:
        return nothing(title)
    made = plt.subplots(figsize=(9.5, 0.9 + 0.34 * len(values)))[1]
    made.set_title(title)
    made.set_xlabel(unit)
    places = range(len(values) - 1, -1, -1)
    bars = made.barh(places, values.astype(float), 0.72, color=COLOURS[0])
    made.set_yticks(places, [formatting.event_name(str(name), 64) for name in values.index])
    made.bar_label(bars, texts or [f"{value:,.0f}" for value in values], padding=4, color=SOFT)
    made.margins(x=0.16)
    made.grid(axis="x")
    made.grid(visible=False, axis="y")
    made.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    return made


def as_percent(made: Axes) -> None:
    """The vertical axis in percent, of shares from 0 to 1."""
    made.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _colour(column: Any, columns: pd.Index) -> str:
    return BAD if str(column) == "refunds" else COLOURS[list(columns).index(column) % len(COLOURS)]


def _label_places(made: Axes, index: pd.Index) -> None:
    """About a dozen labels below the bars."""
    step = -(-len(index) // 13)
    shown = range(0, len(index), step)
    made.set_xticks(shown, [_label(index[place]) for place in shown])
    made.set_xlim(-0.7, len(index) - 0.3)


def _label(value: Any) -> str:
    return formatting.day(pd.Timestamp(value).date(), year=False) if isinstance(value, dt.date) else str(value)
