"""`boxoffice explain`: every line, payment, change and finding of an order, and nobody's name."""

import re
from decimal import Decimal

import pytest

from boxoffice.errors import Problem
from boxoffice.report import formatting
from boxoffice.report.explain import explain
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from tests.report.conftest import opened


def test_every_kind_of_order_is_told_whole(demo: Settings) -> None:
    """One order of each kind that the demo knows: no amount of it is left out, and its lines make its total."""
    with open_published(demo) as db:
        orders = db.execute(
            """
            select any_value(order_id order by order_id), any_value(order_key order by order_id) from (
                select orders.*, (select string_agg(distinct lines.line_kind, ' ' order by lines.line_kind)
                    from fct_order_lines as lines where lines.order_key = orders.order_key) as kinds
                from fct_orders as orders
            ) group by platform, order_type, status, channel, kinds
            """
        ).fetchall()
        assert len(orders) > 40
        for order_id, order_key in orders:
            told = explain(demo, order_key)
            assert told.startswith(f"Order {order_id} · ")
            expected = db.execute(
                "select amount, currency from fct_order_lines where order_key = $1 union all "
                "select amount, currency from fct_payments where order_key = $1 and amount <> 0 union all "
                "select total_amount, currency from fct_orders where order_key = $1 "
                "and order_key in (select order_key from fct_order_lines)",
                [order_key],
            ).fetchall()
            shown = re.findall(r"^  .{20} *(−?[\d,.]+)(?:  |$)", told, re.MULTILINE)
            for amount, currency in expected:
                assert formatting.amount(amount, currency) in shown, (order_id, amount, told)
            assert "and not the total" not in told
            findings = db.execute(
                "select identity from rpt_reconciliation where order_key = $1", [order_key]
            ).fetchall()
            for (identity,) in findings:
                assert f"  {identity}: " in told
            assert ("every identity we check holds" in told) == (not findings)


def test_a_refund_is_told_with_its_day_or_why_there_is_none(demo: Settings) -> None:
    with open_published(demo) as db:
        order_id, amount = db.execute(
            "select order_id, amount from fct_payments where kind = 'refund' and platform = 'ticket_tailor' "
            "and currency = 'GBP' order by order_id limit 1"
        ).fetchone()
    told = explain(demo, order_id)
    assert f"{formatting.amount(-amount, 'GBP')} GBP went back." in told
    assert "there when we first met the order; its real day is not known" in told


def test_returns_and_exchanges_name_each_other(demo: Settings) -> None:
    with open_published(demo) as db:
        returned, original = db.execute(
            "select order_id, related_order_id from fct_orders where order_type = 'return' "
            "and related_order_key in (select order_key from fct_orders) order by order_id limit 1"
        ).fetchone()
        exchange = db.execute(
            "select order_id from fct_orders where order_type = 'exchange' order by order_id limit 1"
        ).fetchone()[0]
    assert f"It refers to order {original}: a sale" in explain(demo, returned)
    assert f"To it refers order {returned}: a return" in explain(demo, original)
    assert "what the tickets given up were worth" in explain(demo, exchange)


def test_an_order_that_nobody_paid_is_told_as_such(demo: Settings) -> None:
    with open_published(demo) as db:
        order_id = db.execute(
            "select order_id from fct_orders where not is_booked and status = 'pending' order by order_id limit 1"
        ).fetchone()[0]
    assert "its tickets are reserved, and it is in no report" in " ".join(explain(demo, order_id).split())


def test_nobody_is_named(demo: Settings) -> None:
    with open_published(demo) as db:
        for order_key, *people in db.execute(
            "select order_key, email, phone, full_name, last_name from fct_orders inner join dim_customers "
            "using (customer_key) using sample 25 rows (reservoir, 1)"
        ).fetchall():
            told = explain(demo, order_key).lower()
            assert not [name for name in people if name and name.lower() in told]


def test_what_changed_is_told_in_its_order(copy: Settings) -> None:
    with opened(copy) as db:
        order_key = db.execute("select min(order_key) from fct_orders").fetchone()[0]
        db.execute("delete from fct_order_changes where order_key = $1", [order_key])
        for what, at in (("status", "2025-05-02 10:00:00+00"), ("total", "2025-05-01 10:00:00+00")):
            db.execute(
                "insert into fct_order_changes by name select $2 || $3 as order_change_key, platform, account, "
                "order_key, order_id, $2 as what, 'old' as before, null as after, $3::timestamptz as first_seen_at, "
                "$3::timestamptz::date as first_seen_on from fct_orders where order_key = $1",
                [order_key, what, at],
            )
    told = explain(copy, order_key)
    assert told.index("1 May 2025, 11:00   total: old → nothing") < told.index("2 May 2025, 11:00   status: old")


def test_an_id_of_two_accounts_asks_which(copy: Settings) -> None:
    with opened(copy) as db:
        order_id = db.execute("select min(order_id) from fct_orders where platform = 'ticketor'").fetchone()[0]
        db.execute(
            "update fct_orders set order_id = $1 where order_key = "
            "(select min(order_key) from fct_orders where platform = 'ticket_tailor')",
            [order_id],
        )
    with pytest.raises(Problem, match=f"2 orders have the id {order_id}. Give one of:") as told:
        explain(copy, order_id)
    each = re.findall(r"boxoffice explain (\S+)", str(told.value))
    assert each == [f"ticket_tailor/sandbox_hall/{order_id}", f"ticketor/sandbox_hall/{order_id}"]
    for way in each:
        assert explain(copy, way).startswith(f"Order {order_id} · ")


def test_an_order_that_has_not_come_is_told_with_what_has(demo: Settings) -> None:
    with open_published(demo) as db:
        order_id = db.execute("select order_id from rpt_reconciliation where identity = 'order is here'").fetchone()[0]
    with pytest.raises(Problem, match="It has not come; of it are here"):
        explain(demo, order_id)


@pytest.mark.parametrize("wanted", ["or_1000000", "nonsense", "'; drop table x", ""])
def test_an_order_that_does_not_exist(demo: Settings, wanted: str) -> None:
    with pytest.raises(Problem, match="No order has the id or key") as told:
        explain(demo, wanted)
    assert ("The closest:\n  ticket_tailor/sandbox_hall/or_1000" in str(told.value)) == (wanted == "or_1000000")


def test_an_unpublished_venue_is_told_what_to_do(tmp_path: object) -> None:
    with pytest.raises(Problem, match="boxoffice run"):
        explain(Settings(tmp_path), "1")


def test_amounts_are_exact(copy: Settings) -> None:
    """What the platform gives with four decimals is shown with four."""
    with opened(copy) as db:
        key, order_key = db.execute(
            "select order_line_key, order_key from fct_order_lines where line_kind = 'ticket' and currency = 'GBP' "
            "order by all limit 1"
        ).fetchone()
        db.execute("update fct_order_lines set amount = $2 where order_line_key = $1", [key, Decimal("12.3456")])
    told = explain(copy, order_key)
    assert "12.3456" in told
    assert "and not the total of" in told
