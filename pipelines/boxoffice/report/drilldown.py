"""Sales by season, show, performance and price level, as the page of `boxoffice explore` asks for them.

Each question opens the published file again: a run replaces it by a rename, and the next answer is of the new one.
Money is Decimal in major units of one currency; days are those of the accounts' reporting zones.
"""

import codecs
import contextlib
import dataclasses
import datetime as dt
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa

from boxoffice.report import formatting
from boxoffice.report.figures import Figures
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published, rows
from boxoffice.warehouse.spreadsheet import write_csv

_WITHOUT = {"Season": "No season", "Show": "Sold without an event", "Performance": "Sold without an event"}
When = Literal["all", "coming", "past"]
_GRAINS = (("day", 62), ("week", 560), ("month", 10**6))  # each up to so many days: about 80 bars at most

# One row per event, and one for what belongs to none (memberships, most merchandise), whose names are ''.
_EVENTS = """
create temp table events as
with performances as (
    select
        show_key,
        coalesce(max(season), '') as season,
        min(coalesce(production, event_name, 'Event without a name')) as title,
        min(starts_on) as starts_on,
        min(starts_local) as starts_local,
        list_sort(list(distinct platform || ' ' || account)) as accounts,
        -- two accounts that sell one performance have a share each, unless the seed says what the house holds
        coalesce(
            max(capacity) filter (where capacity_basis = 'shows seed'), case when count(*) = 1 then max(capacity) end
        ) as capacity
    from dim_events
    group by all
)
select dim_events.event_key, performances.*
from dim_events inner join performances using (show_key)
union all
select null, '', '', '', null, null, null, null
"""
_CHOSEN = """
create temp table chosen as
select * from events
where ($1 is null or season = $1) and ($2 is null or title = $2) and ($3 is null or show_key = $3)
    and case $4 when 'coming' then starts_on >= $5 when 'past' then starts_on < $5 else true end
"""
_SALES = """
create temp table sales as
select days.*, chosen.* exclude (event_key)
from rpt_daily_event_sales as days
inner join chosen on days.event_key is not distinct from chosen.event_key
where days.currency = $1 and days.sales_on between $2 and $3
    and list_contains($4, days.platform || ' ' || days.account)
"""
# what is coming and has sold nothing is an answer too
_BY_PERFORMANCE = """
with sold as (
    select
        show_key, sum(tickets_sold) as tickets, sum(comps) as comps, sum(tickets_returned) as returned,
        sum(gross_sales) as gross, sum(refunds) as refunds, sum(net_sales) as net
    from sales group by all
),

house as (
    select events.show_key, sum(totals.tickets_sold + totals.comps - totals.tickets_returned) as in_the_house
    from rpt_event_sales as totals inner join events on totals.event_key = events.event_key
    group by all
),

performances as (
    select distinct chosen.* exclude (event_key), sold.* exclude (show_key), house.in_the_house
    from chosen
    left join sold on chosen.show_key = sold.show_key
    left join house on chosen.show_key = house.show_key
    where sold.show_key is not null or chosen.starts_on >= $1
)

select
    {name} as key,
    any_value(title) as title,
    min(starts_local) as starts_local,
    count(*) filter (where show_key <> '') as performances,
    {measures},
    -- as full as all are together, if it is known of each how many it can hold
    case when count(capacity) = count(*) then sum(in_the_house)::double / nullif(sum(capacity), 0) end as full
from performances
group by {name}
order by {order}, key
"""
_BY_PRICE_LEVEL = """
select
    coalesce(
        tickets.ticket_type, if(lines.line_kind = 'ticket', 'Tickets without a price level', 'Merchandise, memberships')
    ) as key,
    count(distinct lines.ticket_key)::bigint as tickets,
    min(lines.amount) filter (where lines.ticket_key is not null) as lowest,
    max(lines.amount) filter (where lines.ticket_key is not null) as highest,
    sum(lines.amount) as gross
from fct_order_lines as lines
inner join chosen on lines.event_key is not distinct from chosen.event_key
left join fct_tickets as tickets on lines.ticket_key = tickets.ticket_key
where coalesce(lines.currency, 'XXX') = $1 and lines.booked_on between $2 and $3
    and list_contains($4, lines.platform || ' ' || lines.account)
    and lines.line_kind in ('ticket', 'product', 'membership')
group by all
order by gross desc, key
"""


class Performance(NamedTuple):
    """One performance, whichever accounts sell it; ``season`` is '' where the seed shows names none."""

    season: str
    show: str
    key: str
    label: str


@dataclasses.dataclass(frozen=True)
class Options:
    """What there is to choose from: currencies, the one with the most orders first; accounts by their names, in the
    order of their colours; performances, the next ones first. ``today`` is not over."""

    currencies: list[str]
    accounts: dict[str, tuple[str, str]]
    performances: list[Performance]
    begins: dt.date
    today: dt.date
    data_until: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is shown: sales from ``first`` to ``last``, both included, in one currency, through some of the accounts.

    ``season``, ``show`` and ``performance`` (its key) narrow it down; None is all of them, '' what has none.
    """

    currency: str
    first: dt.date
    last: dt.date
    today: dt.date
    accounts: dict[str, tuple[str, str]]
    when: When = "all"
    season: str | None = None
    show: str | None = None
    performance: str | None = None


class Bar(NamedTuple):
    """What one account sold in a day, week or month; ``whole`` unless the choice or the data hold a part of it only."""

    begins: dt.date
    account: str
    gross: Decimal
    whole: bool


def options(settings: Settings) -> Options:
    """What the published file offers. Raises Problem when nothing has been published."""
    with _opened(settings) as db:
        figures = Figures(db)
        return Options(
            [
                row.currency
                for row in rows(
                    db,
                    "select currency from rpt_daily_sales group by currency "
                    "order by currency = 'XXX', sum(orders) desc, currency",
                )
            ],
            {figures.name(account): (account.platform, account.account) for account in figures.accounts},
            _performances(db, figures),
            min(figures.begins or figures.today, figures.today),
            figures.today,
            formatting.moment(figures.data_until, figures.zone) if figures.data_until else "nothing has come yet",
        )


def table(settings: Settings, choice: Choice) -> tuple[pa.Table, dict[str, str]]:
    """The table with readable headings, and what its rows are called in a Choice, by their names.

    The first heading says what the rows are: Season, Show, Performance or Price level. Tickets and money are of the
    days, currency and accounts of the choice; how full a performance is, of all sales up to now.
    """
    with _chosen(settings, choice) as db:
        money = f", {choice.currency}"
        if choice.performance is not None:
            found = rows(db, _BY_PRICE_LEVEL, *_filters(choice))
            columns = {
                "Price level": [row.key for row in found],
                "Tickets": [row.tickets for row in found],
                f"Lowest{money}": [row.lowest for row in found],
                f"Highest{money}": [row.highest for row in found],
                f"Gross{money}": [row.gross for row in found],
            }
            return _arrow(columns, choice.currency), {}
        if choice.show is not None:
            level, name, order = "Performance", "show_key", "starts_local nulls last"
        elif choice.season is not None or not _has_seasons(db):
            level, name, order = "Show", "title", "gross desc nulls last"
        else:
            level, name, order = "Season", "season", "season = '', season desc"
        sums = ("tickets", "comps", "returned", "gross", "refunds", "net")
        measures = ", ".join(f"coalesce(sum({each}), 0) as {each}" for each in sums)
        found = rows(db, _BY_PERFORMANCE.format(name=name, order=order, measures=measures), choice.today)
        labels = {one.key: one.label for one in _performances(db, Figures(db))} if level == "Performance" else {}
    names = [labels.get(row.key) or row.key or _WITHOUT[level] for row in found]
    columns = {level: names}
    if level != "Performance":
        columns["Performances"] = [row.performances for row in found]
    columns |= {
        "Tickets": [int(row.tickets) for row in found],
        "Comps": [int(row.comps) for row in found],
        "Returned": [int(row.returned) for row in found],
        f"Gross{money}": [row.gross for row in found],
        f"Refunds{money}": [row.refunds for row in found],
        f"Net{money}": [row.net for row in found],
        "Full": [row.full for row in found],
    }
    return _arrow(columns, choice.currency), dict(zip(names, (row.key for row in found), strict=True))


def over_time(settings: Settings, choice: Choice) -> tuple[str, list[Bar]]:
    """Gross sales by account and day, week or month (which, is said first), 0 where there were none."""
    grain = next(grain for grain, days in _GRAINS if (choice.last - choice.first).days < days)
    with _chosen(settings, choice) as db:
        begins = Figures(db).begins or choice.first
        found = {
            (row.begins, row.platform, row.account): row.gross
            for row in rows(
                db,
                "select date_trunc($1, sales_on)::date as begins, platform, account, sum(gross_sales) as gross "
                "from sales group by all",
                grain,
            )
        }
    bars, start = [], _floor(max(choice.first, begins), grain)
    while start <= min(choice.last, choice.today):
        following = _floor(start + dt.timedelta({"day": 1, "week": 7, "month": 32}[grain]), grain)
        whole = max(choice.first, begins) <= start and following <= min(choice.last + dt.timedelta(1), choice.today)
        bars += [Bar(start, name, found.get((start, *key), Decimal(0)), whole) for name, key in choice.accounts.items()]
        start = following
    return grain, bars


def curves(settings: Settings, performance: Performance, today: dt.date) -> dict[str, list[tuple[int, int]]]:
    """(Days left, tickets in the house) of each performance of its show that had sold anything, by their keys."""
    with _opened(settings) as db:
        found: dict[str, list[tuple[int, int]]] = {}
        ends: dict[str, int] = {}
        for row in rows(
            db,
            "select events.show_key, events.starts_on, greatest(curve.days_left, 0) as remaining, "
            "sum(sum(curve.tickets_sold + curve.comps - curve.tickets_returned)) "
            "over (partition by events.show_key order by remaining desc)::bigint as tickets "
            "from rpt_sales_curve as curve inner join events on curve.event_key = events.event_key "
            "where events.title = $1 group by 1, 2, 3 order by events.show_key, remaining desc",
            performance.show,
        ):
            found.setdefault(row.show_key, []).append((row.remaining, row.tickets))
            ends[row.show_key] = max((row.starts_on - today).days, 0)
        return {key: [*points, (ends[key], points[-1][1])] for key, points in found.items()}


def as_csv(shown: pa.Table) -> bytes:
    """The table as a CSV file that a spreadsheet opens, and of which it runs nothing."""
    with duckdb.connect() as db, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shown.csv"
        write_csv(db, db.from_arrow(shown), str(path), options=", new_line '\\r\\n'")
        return codecs.BOM_UTF8 + path.read_bytes()


def as_workbook(shown: pa.Table, notes: list[tuple[str, str]]) -> bytes:
    """The table as a workbook, with what was chosen on a second sheet."""
    import xlsxwriter

    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        formats = {"Full": book.add_format({"num_format": "0%"})}
        money = book.add_format({"num_format": "#,##0.00##"})
        sheet = book.add_worksheet("Shown")
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(shown.column_names):
            column = shown.column(name)
            kind = money if pa.types.is_decimal(column.type) else formats.get(name)
            sheet.set_column(place, place, 12 if place else 48, kind)
            sheet.write_string(0, place, name, head)
            sheet.write_column(1, place, column.to_pylist())
        about = book.add_worksheet("About")
        about.set_column(0, 1, 40)
        for number, note in enumerate(notes):
            about.write_row(number, 0, note)
    return file.getvalue()


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(settings) as db:
        db.execute(_EVENTS)
        yield db


@contextlib.contextmanager
def _chosen(settings: Settings, choice: Choice) -> Iterator[duckdb.DuckDBPyConnection]:
    with _opened(settings) as db:
        db.execute(_CHOSEN, [choice.season, choice.show, choice.performance, choice.when, choice.today])
        db.execute(_SALES, _filters(choice))
        yield db


def _filters(choice: Choice) -> list[Any]:
    return [choice.currency, choice.first, choice.last, [" ".join(key) for key in choice.accounts.values()]]


def _has_seasons(db: duckdb.DuckDBPyConnection) -> bool:
    return db.execute("select count(*) > 0 from events where season <> ''").fetchone()[0]


def _performances(db: duckdb.DuckDBPyConnection, figures: Figures) -> list[Performance]:
    """The next ones first. Two that share name and time, with no row in the seed that makes them one, say who sells
    each."""
    found = rows(
        db,
        "select any_value(season) as season, any_value(title) as title, show_key, any_value(starts_local) as starts, "
        "any_value(accounts) as accounts from events where event_key is not null group by show_key, starts_on "
        "order by starts_on is null, starts_on < $1, abs(starts_on - $1), starts, title, show_key",
        figures.today,
    )
    names = {" ".join((one.platform, one.account)): figures.name(one) for one in figures.accounts}
    labels = [f"{row.title}, {formatting.moment(row.starts) if row.starts else formatting.day(None)}" for row in found]
    of_label, taken, performances = Counter(labels), set(), []
    for row, label in zip(found, labels, strict=True):
        if of_label[label] > 1:
            label += f" ({', '.join(names.get(account, account) for account in row.accounts)})"
        if label in taken:
            label += f" {row.show_key[:8]}"
        taken.add(label)
        performances.append(Performance(row.season, row.title, row.show_key, label))
    return performances


def _floor(day: dt.date, grain: str) -> dt.date:
    if grain == "week":
        return day - dt.timedelta(day.weekday())
    return day.replace(day=1) if grain == "month" else day


def _arrow(columns: dict[str, list[Any]], currency: str) -> pa.Table:
    """Money with the currency's decimals, or with more where there are more; a type where there is no row, too."""
    kinds = {"Full": pa.float64()} | dict.fromkeys(("Performances", "Tickets", "Comps", "Returned"), pa.int64())
    for name, values in columns.items():
        if name.endswith(f", {currency}"):
            digits = [-value.normalize().as_tuple().exponent for value in values if value]
            kinds[name] = pa.decimal128(38, max([formatting.decimals(currency), *digits]))
    return pa.table({name: pa.array(values, kinds.get(name, pa.string())) for name, values in columns.items()})
