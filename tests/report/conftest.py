"""The demo as it was opened on 2 June 2025, once for all tests here; and what little a new venue has."""

import datetime as dt
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from boxoffice.settings import Settings
from sandbox import demo as demos
from tests import once
from tests.report import browser

OPENED = dt.datetime(2025, 6, 2, 8, tzinfo=dt.UTC)  # a Monday
EVERYTHING = "BOXOFFICE_TEST_EVERYTHING"


def missing(what: str, cure: str) -> None:
    """Leaves a test out where a tool is not installed, but not where everything is to be tested."""
    if os.environ.get(EVERYTHING):
        pytest.fail(f"{what} is missing: {cure}")
    pytest.skip(f"{what} is missing: {cure}")


@pytest.fixture(scope="session")
def demo() -> Settings:
    """The published file of the demo, as a reader saw it when it was opened. Not to be written to."""
    return Settings(once.made("demo", lambda folder: open_demo(folder / "data")) / "data")


@pytest.fixture
def copy(demo: Settings, tmp_path: Path) -> Settings:
    """The demo's published file, to be changed."""
    return copied(demo, tmp_path / "data")


@pytest.fixture
def pounds(copy: Settings) -> Settings:
    """The demo with its sales in pounds alone, to be changed: what has one currency is drawn in half the time."""
    with opened(copy) as db:
        for table in ("rpt_daily_sales", "rpt_daily_event_sales"):
            db.execute(f"delete from {table} where currency <> 'GBP'")
    return copy


@pytest.fixture(scope="session")
def thin(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One account, one plain order of its own day: no refund, no product, no fee, nothing that does not add up."""
    settings = copied(demo, tmp_path_factory.mktemp("thin") / "data")
    with opened(settings) as db:
        order_key, event_key, day, amount, tickets = db.execute(
            """
            select order_key, orders.event_key, ordered_on, total_amount, count(*)
            from fct_orders as orders inner join fct_tickets as tickets using (order_key)
            where orders.platform = 'ticket_tailor' and orders.currency = 'GBP' and orders.status = 'completed'
                and total_amount > 0 and products_count = 0 and refunded_amount = 0
                and not exists (from fct_order_lines as lines
                    where lines.order_key = orders.order_key and line_kind <> 'ticket')
            group by all order by ordered_on desc, order_key limit 1
            """
        ).fetchone()
        for (table,) in db.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall():
            columns = {name for name, *_ in db.execute(f"describe {table}").fetchall()}
            if table in {
                "dim_events",
                "rpt_event_sales",
                "rpt_event_totals",
                "rpt_sales_curve",
                "rpt_daily_event_sales",
            }:
                db.execute(f"delete from {table} where event_key is distinct from $1", [event_key])
            elif table.startswith("fct_") and "order_key" in columns and table != "fct_order_changes":
                db.execute(f"delete from {table} where order_key is distinct from $1", [order_key])
            elif table in {
                "fct_order_changes",
                "fct_product_sales",
                "dim_products",
                "refused_records",
                "rpt_reconciliation",
            }:
                db.execute(f"delete from {table}")
            elif "platform" in columns:
                db.execute(f"delete from {table} where platform <> 'ticket_tailor'")
        db.execute("delete from dim_customers where customer_key not in (select customer_key from fct_orders)")
        db.execute("delete from dim_dates where date_day <> $1", [day])
        db.execute("delete from rpt_daily_sales where sales_on <> $1 or currency <> 'GBP'", [day])
        for table in ("rpt_daily_sales", "rpt_daily_event_sales", "rpt_event_sales", "rpt_sales_curve"):
            columns = [name for name, kind, *_ in db.execute(f"describe {table}").fetchall() if kind in _MEASURES]
            # one row is left of each, and it says what this order alone would have made it say
            db.execute(f"delete from {table} where rowid <> (select min(rowid) from {table})")
            for name in columns:
                if name.startswith(("gross", "net_sales", "charged", "receipts")):
                    value = amount
                elif name.startswith("tickets_sold"):
                    value = tickets
                elif name in {"orders", "orders_without_fees"}:
                    value = 1
                elif name in {"platform_fees", "net_after_fees", "capacity", "days_left", "sell_through"}:
                    continue
                else:
                    value = 0
                db.execute(f"update {table} set {name} = $1", [value])
    return settings


@pytest.fixture(scope="session")
def empty(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One account, connected a minute ago, of which nothing has come."""
    settings = copied(demo, tmp_path_factory.mktemp("empty") / "data")
    with opened(settings) as db:
        for (table,) in db.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall():
            if table not in {"run_info", "dim_accounts"}:
                db.execute(f"delete from {table}")
        db.execute("delete from dim_accounts where platform <> 'ticketor'")
        db.execute("update dim_accounts set last_record_at = null, history_from = null, time_zone = null")
        db.execute("update dim_accounts set reporting_zone = 'UTC'")
        db.execute("update run_info set data_until = null")
    return settings


@pytest.fixture(scope="session")
def chromium() -> Iterator[browser.Browser]:
    path = browser.find()
    if not path:
        missing("Chromium", "tests/report/chromium.sh installs it")
    with browser.chromium(path) as running:
        yield running


_MEASURES = {"DECIMAL(18,4)", "BIGINT"}


def open_demo(folder: Path) -> Settings:
    """Opens the demo at ``OPENED`` in a new folder, published then."""
    state = folder / "sandbox" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"seed": demos.SEED, "end": int(OPENED.timestamp())}))
    before = dict(os.environ)
    try:
        demos.demo({"BOXOFFICE_DATA_DIR": str(folder)}, Console(file=io.StringIO()))
    finally:
        os.environ.clear()
        os.environ.update(before)
    settings = Settings(folder)
    settings.published.chmod(0o600)
    with opened(settings) as db:
        db.execute("update run_info set published_at = $1 + interval 20 seconds", [OPENED])
    settings.published.chmod(0o400)
    return settings


def copied(settings: Settings, folder: Path) -> Settings:
    """A published file of its own in ``folder``, which can be written to."""
    folder.mkdir(parents=True)
    copy = Settings(folder)
    shutil.copy(settings.published, copy.published)
    copy.published.chmod(0o600)
    return copy


def opened(settings: Settings) -> duckdb.DuckDBPyConnection:
    """The published file, for a test to write to."""
    db = duckdb.connect(str(settings.published))
    db.execute("set TimeZone = 'UTC'")
    db.execute("set schema = 'marts'")
    return db
