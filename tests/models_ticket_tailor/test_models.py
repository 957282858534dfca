"""From the documents to the unified shape: orders by hand, and the same tables however many loads brought them."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from boxoffice.settings import ROOT
from tests.dbt import dbt
from tests.models_ticket_tailor import cases, raw


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of three loads, built after the first and after the last."""
    folder = tmp_path_factory.mktemp("grown")
    first, *later = cases.loads()
    for loads in ([first], later):
        raw.make(folder / "data", loads)
        raw.build(folder / "data", folder / "target")
    return folder


@pytest.fixture(scope="module")
def db(grown: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(grown / "data" / "warehouse.duckdb"), read_only=True) as opened:
        opened.execute("set schema = 'intermediate'")
        opened.execute("set TimeZone = 'UTC'")
        yield opened


def money(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


LEDGER: dict[str, list[tuple[str, str | None, str]]] = {
    "or_three": [("ticket", None, "3.00"), ("ticket", None, "3.00"), ("ticket", None, "3.00")],
    "or_bundle": [("ticket", None, "22.50"), ("ticket", None, "7.50")],
    "or_grows": [
        ("donation", None, "5.00"),
        ("refund", "donation", "-1.00"),
        ("refund", "donation", "-4.00"),
        ("refund", "ticket", "-4.00"),
        ("refund", "ticket", "-16.00"),
        ("ticket", None, "10.00"),
        ("ticket", None, "10.00"),
    ],
    "or_pending": [("ticket", None, "10.00")],
    "or_unpaid": [("ticket", None, "10.00")],
    "or_void": [("refund", "ticket", "-10.00"), ("ticket", None, "10.00"), ("ticket", None, "10.00")],
    "or_credit": [("credited", "ticket", "-10.00"), ("ticket", None, "10.00")],
    "or_voucher": [("ticket", None, "10.00")],
    "or_promotion": [("ticket", None, "7.00")],
    "or_yen": [("refund", "ticket", "-1001"), ("ticket", None, "1001"), ("ticket", None, "1000")],
    "or_dinar": [("ticket", None, "5.001"), ("ticket", None, "5.000")],
    "or_fee": [
        ("buyer_fee", None, "0.75"),
        ("buyer_fee", None, "0.75"),
        ("ticket", None, "10"),
        ("ticket", None, "10"),
    ],
    "or_tax": [("tax", None, "2.00"), ("ticket", None, "10.00")],
    "or_comp": [("ticket", None, "0.00")],
    "or_free": [("ticket", None, "0.00")],
    "or_nameless": [("donation", None, "5.00")],
    "or_nameless_too": [("donation", None, "5.00")],
    "or_then_voucher": [("credited", "ticket", "-5.00"), ("refund", "ticket", "-5.00"), ("ticket", None, "10.00")],
    "or_told_twice": [("credited", "ticket", "-10.00"), ("refund", "ticket", "-10.00"), ("ticket", None, "10.00")],
    "or_card": [("gift_card", None, "50.00"), ("ticket", None, "10.00")],
    "or_free_bundle": [("ticket", None, "0.00")],
    "or_deposit": [("ticket", None, "20.00")],
    "or_edited": [("refund", "ticket", "-10.00"), ("ticket", None, "5.00"), ("ticket", None, "5.00")],
    "or_sent": [("refund", "ticket", "-5.00"), ("ticket", None, "10.00")],
    "or_shuffled": [("refund", "ticket", "-3.00"), ("refund", "ticket", "-3.00"), ("ticket", None, "10.00")],
    "or_near": [("refund", "ticket", "-4.00"), ("ticket", None, "10.00")],
    "or_resent": [("refund", "ticket", "-2.00"), ("refund", "ticket", "2.00"), ("ticket", None, "10.00")],
    "or_unread": [("ticket", None, "10.00")],
}


def test_the_ledger_of_each_order(db: duckdb.DuckDBPyConnection) -> None:
    found: dict[str, list[tuple[str, str | None, Decimal]]] = {}
    for order, *row in db.execute(
        "select order_id, line_kind, refund_of, amount from int_ticket_tailor__order_lines "
        "order by order_id, line_kind, refund_of, booked_at, length(line_id), line_id"
    ).fetchall():
        found.setdefault(order, []).append(tuple(row))
    assert found == {
        order: [(kind, of, Decimal(amount)) for kind, of, amount in rows] for order, rows in LEDGER.items()
    }


def test_what_each_order_charged_and_whether_it_counts(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute("select order_id, status, is_booked, total_amount from int_ticket_tailor__orders").fetchall()
    told = {order: (status, booked, amount) for order, status, booked, amount in rows}
    assert told["or_pending"] == ("completed", True, Decimal(10))
    assert told["or_unpaid"] == ("cancelled", False, Decimal(10))
    assert told["or_void"] == ("completed", True, Decimal(20))
    assert told["or_credit"] == ("cancelled", True, Decimal(10))
    assert told["or_voucher"] == ("completed", True, Decimal(10))
    assert told["or_promotion"] == ("completed", True, Decimal(7))
    assert told["or_dinar"] == ("completed", True, Decimal("10.001"))
    assert told["or_free"] == ("completed", True, Decimal(0))
    assert told["or_bare"] == ("unknown", False, None)


def test_payments(db: duckdb.DuckDBPyConnection) -> None:
    def of(order: str) -> list[tuple[Any, ...]]:
        return db.execute(
            "select kind, amount, credit_amount, strftime(paid_at, '%Y-%m-%d'), paid_at_basis "
            "from int_ticket_tailor__payments where order_id = ? order by paid_at, kind",
            [order],
        ).fetchall()

    day = "2026-01-01"
    assert of("or_grows") == [
        ("capture", *money("25", "0"), day, "platform"),
        ("refund", *money("-5", "0"), "2026-01-03", "first_seen"),
        ("refund", *money("-20", "0"), "2026-01-04", "first_seen"),
    ]
    assert of("or_yen") == [
        ("capture", *money("2001", "0"), day, "platform"),
        ("refund", *money("-1001", "0"), day, "before_first_load"),
    ]
    assert of("or_credit") == [
        ("capture", *money("10", "0"), day, "platform"),
        ("credit_issued", *money("0", "10"), "2026-01-03", "first_seen"),
    ]
    assert of("or_voucher") == [
        ("capture", *money("4", "0"), day, "platform"),
        ("credit_redeemed", *money("0", "6"), day, "platform"),
    ]
    assert of("or_pending") == [("capture", *money("10", "0"), "2026-01-03", "first_seen")]
    assert of("or_deposit") == [
        ("capture", *money("5", "0"), day, "platform"),
        ("capture", *money("7", "0"), "2026-01-03", "first_seen"),
        ("capture", *money("-7", "0"), "2026-01-04", "first_seen"),
    ]
    assert of("or_then_voucher") == [
        ("capture", *money("10", "0"), day, "platform"),
        ("refund", *money("-5", "0"), "2026-01-03", "first_seen"),
        ("credit_issued", *money("0", "5"), "2026-01-04", "first_seen"),
    ]
    assert of("or_unpaid") == of("or_comp") == of("or_free") == []


def test_tickets(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "select ticket_id, status, admission_kind, price, price_paid from int_ticket_tailor__tickets"
    ).fetchall()
    told = {ticket: tuple(row) for ticket, *row in rows}
    assert len(rows) == len(told) == 36  # each copy in an order is the ticket of the list
    assert told["it_1"] == ("sold", "import", None, None)
    assert told["it_31"] == ("sold", "paid", *money("3", "3"))
    assert told["it_51"] == ("returned", "paid", *money("10", "10"))
    assert told["it_71"] == ("voided", "paid", *money("10", "10"))
    assert told["it_82"] == ("voided", "paid", *money("10", "10"))
    assert told["it_91"] == ("voided", "paid", *money("10", "10"))
    assert told["it_131"] == ("sold", "paid", *money("10", "10.75"))
    assert told["it_141"] == ("sold", "paid", *money("10", "12"))
    assert told["it_151"] == ("sold", "comp", *money("0", "0"))
    assert told["it_161"] == ("sold", "free_event", *money("0", "0"))
    assert told["it_211"] == ("sold", "paid", *money("10", "10"))
    assert told["it_221"] == ("sold", "bundle", *money("0", "0"))
    scanned = "select ticket_id from int_ticket_tailor__tickets where scanned_at is not null order by all"
    assert db.execute(scanned).fetchall() == [("it_41",), ("it_42",)]


def test_when_a_ticket_stopped_being_valid(db: duckdb.DuckDBPyConnection) -> None:
    """As the platform says, else the look that first saw the ticket voided, or its order cancelled."""
    rows = db.execute(
        "select ticket_id, strftime(voided_at, '%Y-%m-%d') from int_ticket_tailor__tickets where voided_at is not null"
    ).fetchall()
    assert dict(rows) == {
        "it_51": "2026-01-04",
        "it_52": "2026-01-04",
        "it_71": "2026-01-03",
        "it_82": "2026-01-02",
        "it_91": "2026-01-03",
        "it_191": "2026-01-04",
        "it_301": "2026-01-02",
    }


def test_product_sales(db: duckdb.DuckDBPyConnection) -> None:
    """Each has an id that no other order of the box office has, lines without one too."""
    rows = db.execute("select product_sale_id, kind, line_amount from int_ticket_tailor__product_sales").fetchall()
    assert sorted(rows) == [
        ("li_212", "gift_card", Decimal(50)),
        # other orders have a line of that id
        ("or_grows:li_2:2", "donation", Decimal(5)),
        ("or_nameless:line:1", "donation", Decimal(5)),
        ("or_nameless_too:line:1", "donation", Decimal(5)),
    ]


def test_webhooks_and_reads_are_one_history(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "select order_id, amount, strftime(paid_at, '%Y-%m-%d %H:%M:%S') from int_ticket_tailor__payments "
        "where kind = 'refund' and order_id in ('or_sent', 'or_shuffled', 'or_near', 'or_resent') order by all"
    ).fetchall()
    assert rows == [
        ("or_near", Decimal(-4), "2026-01-04 08:00:00"),
        ("or_resent", Decimal(-2), "2026-01-02 10:00:00"),
        ("or_resent", Decimal(2), "2026-01-02 11:00:00"),
        ("or_sent", Decimal(-5), "2026-01-02 09:30:07"),
        ("or_shuffled", Decimal(-3), "2026-01-02 10:00:00"),
        ("or_shuffled", Decimal(-3), "2026-01-02 10:00:00"),
    ]
    # a document equal to the one before is none
    versions = db.execute(
        "select order_id, count(*) from last_build.int_ticket_tailor__order_versions "
        "where order_id in ('or_sent', 'or_shuffled', 'or_near', 'or_resent') group by all order by all"
    ).fetchall()
    assert versions == [("or_near", 3), ("or_resent", 3), ("or_sent", 3), ("or_shuffled", 3)]
    tickets = "select ticket_id, status, voided_at from int_ticket_tailor__tickets where order_id in "
    sent = db.execute(f"{tickets} ('or_sent', 'or_near') order by all").fetchall()
    assert [(ticket, status) for ticket, status, _ in sent] == [("it_301", "returned"), ("it_303", "sold")]
    assert f"{sent[0][2]:%Y-%m-%d %H:%M:%S}" == "2026-01-02 09:30:07"


def test_webhooks_that_were_refused(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute("select file, position, reason from int_ticket_tailor__refused").fetchall()
    assert rows == [("a.jsonl", 1, "for good")]


def test_what_the_platform_contradicts(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "select order_id, identity, difference, in_words from int_ticket_tailor__conflicts where identity in "
        "('refund and credit <= paid', 'total = total before the refund') order by all"
    ).fetchall()
    assert rows == [
        (
            "or_edited",
            "total = total before the refund",
            Decimal(-10),
            "Its total was lowered from 20.00 GBP to 10.00 GBP without a void line, and 10.00 GBP was given back: "
            "sales less refunds may be too low by 10.00 GBP.",
        ),
        (
            "or_told_twice",
            "refund and credit <= paid",
            Decimal(10),
            "10.00 GBP was given back as money and 10.00 GBP as credit, together more than the 10.00 GBP that was "
            "paid: one of them may be the other, reported twice.",
        ),
    ]


def test_no_document_leaves_out_what_the_marts_must_have(db: duckdb.DuckDBPyConnection) -> None:
    """A NULL there would stop every build: the columns that a mart passes on from here and that may not be NULL."""
    looked_at = 0
    for name in ("orders", "tickets", "product_sales", "payments", "order_lines", "order_changes"):
        mart = yaml.safe_load((ROOT / f"models/marts/fct_{name}.yml").read_text())["models"][0]
        must = {each["name"] for each in mart["columns"] if {"type": "not_null"} in each.get("constraints", [])}
        told = db.table(f"int_ticket_tailor__{name}")
        for column in must & set(told.columns):
            assert told.filter(f"{column} is null").fetchall() == [], (name, column)
            looked_at += 1
    assert looked_at > 30


def test_changes(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "select order_id, what, before, after from int_ticket_tailor__order_changes where order_id in "
        "('or_unpaid', 'or_void') order by all"
    ).fetchall()
    assert rows == [
        ("or_unpaid", "status", "pending", "cancelled"),
        ("or_void", "refund", "0.0000", "10.0000"),
        ("or_void", "ticket status", "it_82: valid", "it_82: voided"),
        ("or_void", "total", "20.0000", "10.0000"),
    ]


def test_a_ticket_type_taken_off_no_longer_counts(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute("select event_id, capacity from int_ticket_tailor__events").fetchall()
    assert rows == [("ev_1", 37)]


def test_one_load_or_three_the_same_tables(grown: Path, tmp_path: Path) -> None:
    once = [seen for load in cases.loads() for seen in load]
    raw.make(tmp_path / "data", [list(reversed([seen for seen in once if seen.list != "events"]))])
    # of an event raw holds the newest version only
    raw.make(tmp_path / "data", [[seen for seen in once if seen.list == "events"]])
    raw.build(tmp_path / "data", tmp_path / "target")
    fresh, built = raw.tables(tmp_path / "data"), raw.tables(grown / "data")
    assert fresh.keys() == built.keys() and len(built) > 20
    assert {name: rows for name, rows in built.items() if rows != fresh[name]} == {}


def test_a_value_that_is_in_no_column_is_found(grown: Path, tmp_path: Path) -> None:
    """Of the newest load, also in a list of a document."""
    shutil.copytree(grown / "data", tmp_path / "data")
    dbt(tmp_path / "data", tmp_path / "target", "compile", "--select", "shapes_are_read")
    [finding] = (tmp_path / "target" / "compiled").rglob("shapes_are_read.sql")
    with duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb")) as db:
        assert db.execute(finding.read_text()).fetchall() == []
        db.execute("update staging.stg_ticket_tailor__orders set buyer_email = null")
        db.execute("update staging.stg_ticket_tailor__order_tickets set status = null")
        [(emails, statuses)] = db.execute(
            "select count(nullif(document ->> '$.buyer_details.email', '')), "
            "count(nullif(document ->> '$.issued_tickets[0].status', '')) from raw_ticket_tailor.orders "
            "where _dlt_load_id = (select max(_dlt_load_id) from raw_ticket_tailor.orders)"
        ).fetchall()
        assert sorted(db.execute(finding.read_text()).fetchall()) == [
            ("stg_ticket_tailor__order_tickets", "status", statuses),
            ("stg_ticket_tailor__orders", "buyer_email", emails),
        ]
        assert emails > 0 and statuses > 0
