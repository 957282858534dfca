"""A data folder that an earlier release left: this one opens it, runs, rebuilds, and loses nothing."""

import tarfile
from pathlib import Path

import duckdb
import pytest

from boxoffice.run import backup, run
from tests.operations.house import House
from tests.operations.upgrade import KEPT, house_of

# What a row of the published tables is, and what of it must not change from release to release.
FACTS = {
    "fct_orders": "order_key, order_id, order_type, ordered_at, currency, total_amount, first_seen_at",
    "fct_tickets": "ticket_key, ticket_id, order_key, price, currency, sold_at, first_seen_at",
    "fct_product_sales": "product_sale_key, order_key, kind, quantity, line_amount, currency, first_seen_at",
    "fct_order_lines": "order_line_key, order_key, line_kind, refund_of, amount, currency",
    "fct_payments": "payment_key, order_key, paid_at, kind, amount, currency, first_seen_at",
    "fct_order_changes": "order_key, what, before, after, first_seen_at",
    "dim_events": "event_key, event_id, platform, account",
    "dim_customers": "customer_key, person_key, first_seen_at",
    "rpt_daily_sales": "platform, account, sales_on, currency, gross_sales, refunds, net_sales, charged_total",
}

# What changed its meaning since: orders that credit paid, or that gave credit back, and their days.
OF_CREDIT = "select {} from before.marts.fct_payments where kind in ('credit_issued', 'credit_redeemed')"
ANOTHER_MEANING = {
    **dict.fromkeys(FACTS, f"order_key in ({OF_CREDIT.format('order_key')})"),
    **dict.fromkeys(("dim_events", "dim_customers"), "false"),
    "rpt_daily_sales": f"(platform, account, sales_on) in ({OF_CREDIT.format('(platform, account, paid_on)')})",
}


@pytest.fixture(params=sorted(KEPT.glob("*.tar.xz")), ids=lambda path: path.name.removesuffix(".tar.xz"))
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """The venue as that release knew it; what it published is kept aside."""
    house = house_of(tmp_path)
    with tarfile.open(request.param) as archive:
        # made by us, and `filter` is not there before Python 3.11.4
        archive.extractall(house.settings().data_dir)
    house.settings().published.rename(tmp_path / "before.duckdb")
    return house


def lost(house: House) -> dict[str, list[tuple[object, ...]]]:
    """The rows published then that are not published now."""
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{house.folder / 'before.duckdb'}' as before (read_only)")
        db.execute(f"attach '{house.settings().published}' as now (read_only)")
        counts = [db.execute(f"select count(*) from before.marts.{table}").fetchone() for table in FACTS]
        assert all(count for (count,) in counts), "an empty table can lose nothing"
        gone = {
            table: db.execute(
                f"select {columns} from before.marts.{table} where ({ANOTHER_MEANING[table]}) is not true "
                f"except all select {columns} from now.marts.{table}"
            ).fetchall()
            for table, columns in FACTS.items()
        }
    return {table: rows for table, rows in gone.items() if rows}


def test_a_run_goes_on_where_an_earlier_release_stopped(house: House) -> None:
    with house.api:
        house.open_doors()
        house.go_on(48)
        house.go_on(48)
        said: list[str] = []
        result = run.run(house.settings(), echo=said.append)
    assert (result.outcome, result.published) == ("done", True), result
    assert all(account.news for account in result.accounts)
    assert [line for line in said if "all tables are made from raw, once. Roughly 1" in line and "(an update, " in line]
    # sums by day grow with what came; the rest stands as it was
    assert {table: rows for table, rows in lost(house).items() if table != "rpt_daily_sales"} == {}


@pytest.mark.house
def test_a_rebuild_of_an_earlier_releases_warehouse_publishes_the_same(house: House) -> None:
    rebuilt = backup.rebuild(house.settings(), echo=lambda _line: None)
    assert rebuilt.result.outcome == "done", rebuilt
    assert lost(house) == {}
