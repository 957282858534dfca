"""The vendors' own examples, as their pages show them, through the whole pipeline: files and HTTP in, tables out.

Sources: Ticketor's help page "API and Integration Documentation" (the six payloads); the Ticket Tailor order follows a
capture of August 2026 with the names replaced.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from tests import once

FIXTURES = Path(__file__).parent / "fixtures"
ORDER = json.loads((FIXTURES / "ticket_tailor" / "order.json").read_text())


class OneOrder(BaseHTTPRequestHandler):
    """A box office with one order: every list but two is empty."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.asked.append(self.path)
        data = {"/v1/orders": [ORDER], "/v1/issued_tickets": ORDER["issued_tickets"]}.get(url.path, [])
        if "starting_after" in parse_qs(url.query):
            data = []
        body = json.dumps({"data": data, "links": {"next": None, "previous": None}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("examples")
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneOrder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    buffer = folder / "buffer"
    buffer.mkdir()
    for example in (FIXTURES / "ticketor").iterdir():
        (buffer / example.name).write_bytes(example.read_bytes())
        os.utime(buffer / example.name, (1_790_000_000, 1_790_000_000))
    once.parsed(folder / "data" / "dbt", folder / "data")
    ran = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "run"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "BOXOFFICE_DATA_DIR": str(folder / "data"),
            "TICKETOR_BUFFER": str(buffer),
            "TICKET_TAILOR_API_KEY": "sk_example",
            "TICKET_TAILOR_BASE_URL": f"http://127.0.0.1:{server.server_port}",
            "BOXOFFICE_TIME_ZONE": "America/Los_Angeles",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    assert ran.returncode == 0, ran.stderr
    with duckdb.connect(str(folder / "data" / "boxoffice.duckdb"), read_only=True) as db:
        db.execute("set schema = 'marts'")
        yield db


def rows(marts: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, ...]]:
    """As text: a decimal shows its places, a NULL is None."""
    return [tuple(None if value is None else str(value) for value in row) for row in marts.execute(query).fetchall()]


def test_all_pages_are_asked_for_with_our_own_filters(marts: duckdb.DuckDBPyConnection) -> None:
    orders = [parse_qs(urlsplit(path).query) for path in OneOrder.asked if path.startswith("/v1/orders")]
    assert orders
    assert all(query["limit"] == ["100"] for query in orders)


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
