"""The vendors' own examples, as their pages show them, through the whole pipeline: files and HTTP in, tables out.

Sources: Ticketor's help page "API and Integration Documentation" (the six payloads); the Ticket Tailor order follows a
capture of August 2026 with the names replaced.
"""

import duckdb
import pytest

from tests.test_cases import RUNS, House

OURS = ("examples", "examples_tt")


@pytest.fixture(scope="module")
def marts(cases: House) -> duckdb.DuckDBPyConnection:
    """What is published of the accounts that the examples are of."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    db.execute(f"attach '{cases.folder / f'{RUNS - 1}.duckdb'}' as cases (read_only)")
    for (table,) in db.execute(
        "select table_name from duckdb_columns() where database_name = 'cases' and column_name = 'account'"
    ).fetchall():
        db.execute(f"create view {table} as from cases.marts.{table} where account in {OURS}")
    return db


def rows(marts: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, ...]]:
    """As text: a decimal shows its places, a NULL is None."""
    return [tuple(None if value is None else str(value) for value in row) for row in marts.execute(query).fetchall()]


def test_all_pages_are_asked_for_with_our_own_size(cases: House) -> None:
    assert cases.limits == {"100"}


def test_ticketor_orders(marts: duckdb.DuckDBPyConnection) -> None:
    """The details are newer or equal: 908515 and 29951 are invoices that never came, known by their items alone."""
    assert rows(
        marts,
        """
        select order_id, order_type, total_amount, currency, ordered_at, ordered_on, platform_fee_amount, tickets_count
        from fct_orders where platform = 'ticketor'
        """,
    ) == [("26657", "sale", "1.0000", "USD", "2014-02-03 15:53:48.297000+00:00", "2014-02-03", "0.0300", "2")]


def test_ticketor_tickets(marts: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        marts,
        """
        select ticket_id, order_id, event_id, section, seat_row, seat, ticket_type, price, service_charge, price_paid,
            status
        from fct_tickets where platform = 'ticketor' order by ticket_id
        """,
    ) == [
        ("32785", "26657", "257", "Balcony Right", "A", "242", None, "23.7500", "1.2500", "25.0000", "sold"),
        ("5997121", "26657", "154112", "a", "1", "1", "VIP", "10.0000", "0.0000", "10.0000", "sold"),
    ]


def test_ticketor_products_payments_and_people(marts: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        marts, "select product_sale_id, quantity, unit_price, kind from fct_product_sales where platform = 'ticketor'"
    ) == [("13778", "1.0000", "5.0000", "merchandise")]
    assert rows(
        marts, "select payment_id, amount, currency, kind, method from fct_payments where platform = 'ticketor'"
    ) == [("16404", "1.0000", "USD", "capture", "Visa")]
    assert rows(
        marts,
        "select email, accepts_sms, signed_up_at "
        "from dim_customers where platform = 'ticketor' and customer_id = '123'",
    ) == [("test@email.com", "True", "2023-11-03 22:11:58.995129+00:00")]


def test_ticketor_what_does_not_add_up_is_shown(marts: duckdb.DuckDBPyConnection) -> None:
    [(total, lines)] = rows(
        marts,
        """
        select any_value(total_amount), sum(amount)
        from fct_orders join fct_order_lines as lines using (order_key) where lines.order_id = '26657'
        """,
    )
    assert total == lines == "1.0000"
    assert rows(marts, "select count(*) > 0 from fct_order_lines where line_kind = 'unexplained'") == [("True",)]
    assert rows(marts, "select count(*) > 0 from rpt_reconciliation where order_id = '26657'") == [("True",)]


def test_ticket_tailor_order(marts: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        marts,
        """
        select order_id, status, total_amount, currency, ordered_at, processor_reference
        from fct_orders where platform = 'ticket_tailor'
        """,
    ) == [("or_81117157", "completed", "0.0000", "USD", "2026-08-13 18:21:47+00:00", None)]
    assert rows(
        marts,
        """
        select ticket_id, order_id, event_id, ticket_type, list_price, price, status, admission_kind
        from fct_tickets where platform = 'ticket_tailor'
        """,
    ) == [("it_133139350", "or_81117157", "ev_8865698", None, "0.0000", "0.0000", "sold", "free_event")]
    assert rows(marts, "select count(*) from fct_payments where platform = 'ticket_tailor'") == [("0",)]
