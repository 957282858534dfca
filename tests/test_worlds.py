"""The marts against the truth: made-up venues whose ledger was written by other hands in another language.

One warehouse, built once: every venue is two of its accounts. ``--worlds 100`` for more of them.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from sandbox import journal, tailor_cases, ticketor_cases
from sandbox.ledger import Books, Measures
from sandbox.tailor import Tailor
from sandbox.ticketor import Ticketor
from tests.worlds import Worlds, cents, rows

WHERE = "where platform = ? and account = ?"


@pytest.fixture(scope="module")
def books(worlds: Worlds) -> list[Books]:
    return worlds.books()


@pytest.fixture(scope="module")
def db(worlds: Worlds) -> Iterator[duckdb.DuckDBPyConnection]:
    with worlds.open() as opened:
        yield opened


def differences(found: dict, expected: dict) -> dict:
    """What is on one side only, or not the same: key, found, expected."""
    return {
        key: (found.get(key, "not in the marts"), expected.get(key, "not in the ledger"))
        for key in sorted({*found, *expected}, key=str)
        if found.get(key) != expected.get(key)
    }


def compare(db: duckdb.DuckDBPyConnection, books: list[Books], query: str, expected, key_length: int) -> None:
    """Every account's rows of ``query`` against ``expected(books)``: the first columns are the key, the rest agree."""
    told = {}
    for account in books:
        found = {row[:key_length]: tuple(map(plain, row[key_length:])) for row in rows(db, query, account)}
        truth = {row[:key_length]: tuple(map(plain, row[key_length:])) for row in expected(account)}
        for key, difference in differences(found, truth).items():
            told[account.platform, account.account, *key] = difference
    assert not told, "\n".join(f"{key}: {found} should be {wanted}" for key, (found, wanted) in list(told.items())[:25])


def plain(value: object) -> object:
    return cents(value) if isinstance(value, Decimal) else value


def test_every_venue_has_every_case(worlds: Worlds) -> None:
    for venue in worlds.venues:
        assert {order.case for order in Tailor(venue).orders(venue.end)} == set(tailor_cases.CASES)
        assert {Ticketor(venue).story(index).case for index in range(venue.orders)} == set(ticketor_cases.CASES)


def test_the_ledger_itself_adds_up(books: list[Books]) -> None:
    assert [problem for account in books for problem in account.problems()] == []
    assert all(account.orders and account.tickets and account.payments for account in books)


def test_the_ledger_as_double_entry_adds_up(books: list[Books]) -> None:
    """Pairs that balance; buyers owe what the ledger says they do; money and fees are those of the reports."""
    postings = set()
    for account in books:
        entries, settlements = list(journal.entries(account)), account.settlements()
        by_day, owed, reported = (defaultdict(Decimal) for _ in range(3))
        for entry in entries:
            by_day[entry.day, entry.currency, entry.order_id, entry.event_id if not entry.order_id else None] += (
                entry.amount
            )
            if entry.posting in ("receivable", "receivable_unknown"):
                owed[entry.order_id] += entry.amount
            elif entry.posting in ("clearing", "platform_fees_owed"):
                reported[entry.day, entry.currency, entry.posting] += entry.amount
        assert not any(by_day.values())
        for order in account.orders:
            if order.is_booked and not order.is_return and order.payments_known:
                assert owed[order.order_id] == settlements[order.order_id].balance_due, order.order_id
        for (day, currency), sums in account.by_day().items():
            assert reported[day, currency, "clearing"] == sums.receipts
            assert -reported[day, currency, "platform_fees_owed"] == (sums.platform_fees or 0)
        postings |= {entry.posting for entry in entries if entry.amount}
    assert postings >= {*journal.INCOME.values(), "unearned", "receivable_unknown", "processing_fees"}


def test_orders(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select order_id, order_type, is_booked, channel, ordered_at, currency, total_amount, total_as_given
        from fct_orders {WHERE}
        """,
        lambda account: [
            (
                o.order_id,
                o.order_type,
                o.is_booked,
                o.channel,
                o.ordered_at,
                o.currency,
                o.total_amount,
                o.total_as_given,
            )
            for o in account.orders
        ],
        1,
    )


def test_order_statuses(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    told = {
        (account.platform, account.account, order.order_id): (found[order.order_id], order.status)
        for account in books
        for found in [dict(rows(db, f"select order_id, status from fct_orders {WHERE}", account))]
        for order in account.orders
        if order.status is not None and found[order.order_id] != order.status
    }
    assert not told


def test_what_was_paid_and_is_owed(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select order_id, paid_amount, refunded_amount, credit_redeemed_amount, credit_issued_amount, balance_due,
            platform_fee_amount
        from fct_orders {WHERE}
        """,
        lambda account: [
            (o.order_id, *settled, o.platform_fee)
            for settlements in [account.settlements()]
            for o in account.orders
            for settled in [settlements[o.order_id]]
        ],
        1,
    )


def test_tickets(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select order_id, ticket_id, event_id, status, admission_kind, ticket_type, list_price, price, service_charge,
            price_paid, discount_amount, tax_amount, currency, sold_at, scanned_at, voided_at
        from fct_tickets {WHERE}
        """,
        lambda account: [
            (
                t.order_id,
                t.ticket_id,
                t.event_id,
                t.status,
                t.admission_kind,
                t.ticket_type,
                t.list_price,
                t.price,
                t.service_charge,
                t.price_paid,
                t.discount_amount,
                t.tax_amount,
                t.currency,
                t.sold_at,
                t.scanned_at,
                t.voided_at,
            )
            for t in account.tickets
        ],
        2,
    )


def test_product_sales(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select product_sale_id, order_id, product_id, kind, quantity, returned_quantity, unit_price, line_amount,
            currency
        from fct_product_sales {WHERE}
        """,
        lambda account: [
            (
                p.product_sale_id,
                p.order_id,
                p.product_id,
                p.kind,
                Decimal(p.quantity),
                None if p.returned_quantity is None else Decimal(p.returned_quantity),
                p.unit_price,
                p.line_amount,
                p.currency,
            )
            for p in account.product_sales
        ],
        1,
    )


def test_payments(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    """Movements that the platform gives no id are told apart by what they are; only their day is ours to know."""
    compare(
        db,
        books,
        f"""
        select order_id, kind, amount, credit_amount, row_number() over (
                partition by order_id, kind, amount, credit_amount order by paid_at, payment_id
            ) as number, currency, paid_at_basis,
            case when paid_at_basis <> 'first_seen' then paid_at end
        from fct_payments {WHERE}
        """,
        lambda account: numbered(
            [
                (
                    p.order_id,
                    p.kind,
                    plain(p.amount),
                    plain(p.credit_amount),
                    p.currency,
                    p.paid_at_basis,
                    p.paid_at if p.paid_at_basis != "first_seen" else None,
                )
                for p in sorted(account.payments, key=lambda p: (p.paid_at, p.payment_id or "", p.number))
            ]
        ),
        5,
    )


def numbered(payments: list[tuple]) -> list[tuple]:
    counts: dict[tuple, int] = {}
    told_apart = []
    for payment in payments:
        counts[payment[:4]] = counts.get(payment[:4], 0) + 1
        told_apart.append((*payment[:4], counts[payment[:4]], *payment[4:]))
    return told_apart


def test_payment_ids_that_the_platform_gives(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    for account in books:
        found = {row[0] for row in rows(db, f"select payment_id from fct_payments {WHERE}", account)}
        assert {payment.payment_id for payment in account.payments if payment.payment_id} <= found


def test_the_ledger_lines(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select order_id, line_kind, refund_of, sum(amount)
        from fct_order_lines {WHERE} group by all having sum(amount) <> 0
        """,
        lambda account: [(*key, amount) for key, amount in account.amounts().items()],
        3,
    )


def test_the_tax_inside_the_ledger_lines(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select order_id, line_kind, refund_of, case when count(*) = count(tax_amount) then sum(tax_amount) end
        from fct_order_lines {WHERE} group by all having sum(amount) <> 0
        """,
        lambda account: [(*key, tax) for key, tax in account.taxes().items()],
        3,
    )


def test_a_line_for_each_ticket(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select tickets.order_id, tickets.ticket_id, sum(lines.amount)
        from fct_order_lines as lines join fct_tickets as tickets using (ticket_key)
        {WHERE.replace("platform", "lines.platform").replace("account", "lines.account")} and line_kind = 'ticket'
        group by all having sum(lines.amount) <> 0
        """,
        lambda account: [
            (line.order_id, line.ticket_id, line.amount)
            for line in account.lines
            if line.line_kind == "ticket" and line.ticket_id and line.amount
        ],
        2,
    )


AMOUNTS = [
    *("gross_sales", "refunds", "refunds_of_sales", "refunds_of_fees", "refunds_of_donations", "refunds_of_tax"),
    *("refunds_of_other", "credited", "credited_of_sales", "net_sales"),
    *(
        "buyer_fees",
        "tips",
        "donations",
        "tax",
        "tax_inside",
        "delivery",
        "gift_cards",
        "discounts",
        "unexplained",
        "charged_total",
    ),
]
COUNTS = ["tickets_sold", "comps", "tickets_imported", "tickets_returned"]
FEES = ["ticketing_fees", "protection_fees", "ad_fees", "processing_fees", "delivery_fees"]
OF_ORDERS = ["receipts", "platform_fees", "net_after_fees", "orders", "orders_without_fees"]


def measures(of: dict[tuple, Measures], names: list[str]) -> list[tuple]:
    """The rows that the ledger knows; what is nothing at all is in no report, or in a row of zeros."""
    told = [(*key, *(getattr(sums, name) for name in names)) for key, sums in of.items()]
    return [row for row in told if any(row[2:])]


def test_the_venues_have_everything(books: list[Books]) -> None:
    """No measure is compared with nothing but zeros."""
    for name in [*AMOUNTS, *COUNTS, *OF_ORDERS, "tickets_reserved"]:
        assert any(getattr(sums, name) for account in books for sums in account.totals().values()), name


def test_daily_sales(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    names = [*AMOUNTS, *COUNTS, *OF_ORDERS, *FEES]
    compare(
        db,
        books,
        f"select sales_on, currency, {', '.join(names)} from rpt_daily_sales {WHERE}",
        lambda account: measures(account.by_day(), names),
        2,
    )


def test_event_sales(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    names = [*AMOUNTS, *COUNTS, "tickets_reserved"]
    compare(
        db,
        books,
        f"""
        select event_id, currency, {", ".join(names)} from rpt_event_sales {WHERE}
            and ({", ".join(names)}) <> ({", ".join("0" for _ in names)})
        """,
        lambda account: measures(account.by_event(), names),
        2,
    )


def test_the_journal(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select posted_on, currency, posting, sum(amount)
        from fct_journal {WHERE} group by all having sum(amount) <> 0
        """,
        lambda account: [(*key, amount) for key, amount in journal.balances(account).items()],
        3,
    )


def test_what_each_event_has_not_earned_yet(db: duckdb.DuckDBPyConnection, books: list[Books]) -> None:
    compare(
        db,
        books,
        f"""
        select posted_on, event_id, journal.currency, sum(amount)
        from (from fct_journal {WHERE} and posting = 'unearned') as journal left join dim_events using (event_key)
        group by all having sum(amount) <> 0
        """,
        lambda account: [(*key, amount) for key, amount in journal.unearned(account).items()],
        3,
    )


@pytest.mark.house  # `make test` does it once a row of each kind has been added: tests/test_touched.py
def test_a_fresh_build_of_the_same_raw_is_the_same(worlds: Worlds, db: duckdb.DuckDBPyConnection) -> None:
    """Everything after raw is a function of raw: what grew in two runs equals what is built at once."""
    from dataclasses import replace

    from boxoffice.run import run

    fresh = replace(worlds.settings, data_dir=worlds.settings.data_dir.with_name("fresh"))
    fresh.data_dir.mkdir()
    fresh.person_key_file.write_bytes(worlds.settings.person_key_file.read_bytes())
    with duckdb.connect() as copy:
        copy.execute(f"attach '{worlds.settings.warehouse}' as grown (read_only)")
        copy.execute(f"attach '{fresh.warehouse}' as fresh")
        tables = copy.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'grown' and schema_name like 'raw_%' and schema_name not like '%_staging'"
        ).fetchall()
        for schema, table in tables:
            copy.execute(f"create schema if not exists fresh.{schema}")
            copy.execute(f'create table fresh.{schema}."{table}" as from grown.{schema}."{table}"')
    assert run.transform_only(fresh, echo=lambda _line: None).outcome == "done"
    db.execute(f"attach '{fresh.published}' as fresh (read_only)")
    names = [
        name
        for (name,) in db.execute("select table_name from duckdb_tables() where database_name = 'boxoffice'").fetchall()
    ]
    assert len(names) > 15
    for name in names:
        if name != "run_info":
            [(extra, missing)] = db.execute(
                f"select (select count(*) from (from {name} except all from fresh.marts.{name})), "
                f"(select count(*) from (from fresh.marts.{name} except all from {name}))"
            ).fetchall()
            assert (name, extra, missing) == (name, 0, 0)
