"""What the demo prints: first answers from the published tables, and on later days what the day has changed."""

import dataclasses
import datetime
import re
import shlex
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from boxoffice import terminal
from boxoffice.raw import closes
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from sandbox.catalogue import DIGITS

QUESTIONS = {
    "How do the weeks compare, platform by platform?": (
        "select week_starts_on, platform, currency, sum(gross_sales) as gross, sum(refunds) as refunds "
        "from rpt_daily_sales join dim_dates on sales_on = date_day group by all order by all"
    ),
    "Who buys on both platforms, and for how much?": (
        "select person_key[:8] as person, currency, count(distinct order_key) as orders, sum(total_amount) as charged "
        "from fct_orders where is_booked group by all having count(distinct platform) = 2 order by all desc limit 10"
    ),
    "Which orders do the platforms' own numbers not explain?": (
        "select platform, order_id, in_words, difference, currency from rpt_reconciliation order by all limit 10"
    ),
}

_SALES = """
    select platform, currency, sum(orders), sum(tickets_sold), sum(gross_sales), sum(refunds), sum(net_sales),
        sum(buyer_fees)
    from rpt_daily_sales group by all order by currency, platform
"""
_EVENTS = """
    select platform, event_name, starts_on, currency, sum(tickets_sold), sum(gross_sales)
    from rpt_event_sales where event_key is not null and currency = ?
    group by all order by sum(gross_sales) desc, event_name limit 5
"""
_REFUNDS = """
    select platform, currency, date_basis, count(distinct order_key), -sum(amount)
    from fct_order_lines where line_kind = 'refund' group by all order by currency, platform, date_basis
"""
_REFUSED = "select file, reason from refused_records order by file, position limit 12"
_TIMES = {0: "not at all", 1: "once", 2: "twice"}
_BASES = {
    "platform": "by the platform",
    "first_seen": "when we first saw it",
    "before_first_load": "before our first look",
}


@dataclasses.dataclass
class News:
    """What the days between two calls brought that one would miss among the sales: ids of invoices, whose webhook came
    ``again``, which were ``paid_late`` or ``delivered_late``, and events that were ``moved``, with their day before."""

    again: list[str]
    paid_late: list[str]
    delivered_late: list[str]
    moved: dict[str, datetime.date]


@dataclasses.dataclass
class Snapshot:
    """What the published tables held at one moment: enough to see what a day has changed."""

    orders: set[str]
    refunds: set[str]
    scanned: set[str]
    given_up: set[str]
    changes: set[str]

    @classmethod
    def of(cls, settings: Settings) -> "Snapshot":
        """As published now; empty when nothing is."""
        if not settings.published.exists():
            return cls(set(), set(), set(), set(), set())
        with open_published(settings) as db:

            def keys(query: str) -> set[str]:
                return {row[0] for row in db.execute(query).fetchall()}

            return cls(
                keys("select order_key from fct_orders"),
                keys("select payment_key from fct_payments where kind = 'refund'"),
                keys("select ticket_key from fct_tickets where scanned_at is not null"),
                keys("select ticket_key from fct_tickets where status in ('returned', 'voided', 'exchanged')"),
                keys("select order_change_key from fct_order_changes"),
            )


def first_answers(out: Console, settings: Settings) -> None:
    """Sales, best-selling events, refunds, and what was refused and why."""
    with open_published(settings) as db:
        _show(
            out,
            "Sales by platform and currency",
            ("platform", "currency", *_right("orders tickets gross refunds net buyer-fees")),
            db.execute(_SALES).fetchall(),
        )
        _show(
            out,
            "Best-selling events in GBP",
            ("platform", "event", "on", "currency", *_right("tickets gross")),
            db.execute(_EVENTS, ["GBP"]).fetchall(),
        )
        refunds = [(*row[:2], _BASES.get(row[2], row[2]), *row[3:]) for row in db.execute(_REFUNDS).fetchall()]
        headers = ("platform", "currency", "dated", *_right("orders refunds"))
        _show(out, "Refunds", headers, refunds)
        refused = db.execute(_REFUSED).fetchall()
        _show(out, "Refused: kept in raw, loaded into nothing", ("file", "why"), refused)


def difference(out: Console, before: Snapshot, settings: Settings, news: News) -> None:
    """What came through since ``before``."""
    after = Snapshot.of(settings)
    with open_published(settings) as db:
        new = _chosen(db, "fct_orders", "order_key", after.orders - before.orders)
        rows = db.execute(
            f"select platform, currency, order_type, count(*), sum(total_amount) from {new} group by all order by all"
        ).fetchall()
        _show(out, "New orders", ("platform", "currency", "type", *_right("orders charged")), rows)
        refunds = _chosen(db, "fct_payments", "payment_key", after.refunds - before.refunds)
        rows = db.execute(
            f"select platform, r.order_id, ordered_on, paid_on, paid_at_basis, r.currency, -amount from {refunds} as r "
            "left join (select order_key, ordered_on from fct_orders) using (order_key) order by all"
        ).fetchall()
        rows = [(*row[:4], _BASES.get(row[4], row[4]), *row[5:]) for row in rows]
        headers = ("platform", "order", "ordered", "refunded", "dated", "currency", *_right("amount"))
        _show(out, "New refunds", headers, rows)
        for title, keys in (
            ("Tickets scanned", after.scanned - before.scanned),
            ("Tickets returned, voided or exchanged", after.given_up - before.given_up),
        ):
            chosen = _chosen(db, "fct_tickets", "ticket_key", keys)
            rows = db.execute(
                f"select platform, event_name, t.status, count(*) from {chosen} as t "
                "left join (select event_key, event_name from dim_events) using (event_key) group by all order by all"
            ).fetchall()
            _show(out, title, ("platform", "event", "status now", *_right("tickets")), rows)
        changes = _chosen(db, "fct_order_changes", "order_change_key", after.changes - before.changes)
        rows = db.execute(
            f"select platform, what, before, after, count(*) from {changes} group by all order by all limit 12"
        ).fetchall()
        rows = [(*row[:2], _plain(row[2]), _plain(row[3]), row[4]) for row in rows]
        _show(out, "Orders that have changed", ("platform", "what", "before", "after", *_right("orders")), rows)
        _of_months_that_are_over(out, db, news)
        rows = db.execute(
            "select strftime(origin_month, '%Y-%m'), platform, coalesce(order_id, event_id), why, in_words, "
            "adjustments.currency, sum(amount) filter (amount > 0) from rpt_adjustments as adjustments "
            "left join (select event_key, event_id from dim_events) using (event_key) "
            "group by all order by all limit 12"
        ).fetchall()
        if rows or closes.in_force(closes.published(db)):
            headers = ("belongs to", "platform", "order or event", "why", "cause…", "currency", *_right("debits"))
            _show(out, "What has come to light of closed months", headers, rows)
        for invoice in news.again:
            found = db.execute("select count(*) from fct_orders where order_id = ?", [invoice]).fetchone()[0]
            out.print(f"\nThe webhook of invoice {invoice} came a second time; the invoice counts {_TIMES[found]}.")


def _of_months_that_are_over(out: Console, db: duckdb.DuckDBPyConnection, news: News) -> None:
    """What changes figures that someone may have written down already."""
    rows = [
        (what, f"invoice {row[0]}", *row[1:])
        for what, invoices in (("paid now", news.paid_late), ("webhook arrived now", news.delivered_late))
        for row in db.execute(
            "select order_id, ordered_on, currency, total_amount from fct_orders where order_id in (select unnest(?))",
            [invoices],
        ).fetchall()
    ]
    rows += [
        (f"moved to {starts_on}", name, news.moved[event], currency, None)
        for event, name, starts_on, currency in db.execute(
            "select event_id, event_name, starts_on, currency from dim_events where event_id in (select unnest(?))",
            [list(news.moved)],
        ).fetchall()
    ]
    _show(out, "News of months that are over", ("what", "which", "of", "currency", *_right("amount")), rows)


def farewell(out: Console, settings: Settings) -> None:
    """Where the file is and what to ask it."""
    out.print(f"\n[bold]{settings.published}[/bold] holds the tables, read only. Three questions to try:")
    for question, query in QUESTIONS.items():
        out.print(f"\n  [bold]{question}[/bold]")
        out.print(f"  {command(settings)} sql {shlex.quote(query)}", soft_wrap=True)
    out.print("\nType [bold]make demo[/bold] again and a day passes.")


def command(settings: Settings) -> str:
    """How to call ``boxoffice`` from here on this data folder."""
    beside = Path(sys.executable).parent / "boxoffice"
    name = str(beside) if beside.exists() else "boxoffice"
    name = name.removeprefix(f"{Path.cwd()}/")
    usual = settings.data_dir == Path.cwd() / "data"
    return name if usual else f"BOXOFFICE_DATA_DIR={shlex.quote(str(settings.data_dir))} {name}"


def _chosen(db: duckdb.DuckDBPyConnection, table: str, key: str, keys: set[str]) -> str:
    """The rows of ``table`` with these keys, as something to select from."""
    db.execute(f"create or replace temp table chosen_{table} as select unnest(?::varchar[]) as {key}", [sorted(keys)])
    return f"(select * from {table} semi join chosen_{table} using ({key}))"


def _right(names: str) -> list[str]:
    """The headers of columns of numbers."""
    return [f">{name.replace('-', ' ')}" for name in names.split()]


def _show(out: Console, title: str, headers: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        out.print(f"\n[bold]{title}[/bold]: none")
        return
    digits = [DIGITS.get(row[headers.index("currency")], 2) if "currency" in headers else 2 for row in rows]
    out.print()
    cells = [[_text(value, places) for value in row] for row, places in zip(rows, digits, strict=True)]
    terminal.table(out, title, headers, cells)


def _plain(value: str | None) -> str | None:
    """Text of the history, where amounts carry four decimals: only those that say something."""
    return value.rstrip("0").rstrip(".") if value and re.fullmatch(r"-?\d+\.\d{4}", value) else value


def _text(value: Any, digits: int) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
