"""What went wrong without a word before: told by the run, by its exit code, by status and by on_failure."""

import base64
import json
import os
import time
from pathlib import Path

import duckdb
import pytest

from tests.operations.house import House
from tests.ticket_tailor.scripted import Ledger, Reply, order
from tests.ticketor import deliveries as d

SALE = {
    "Id": 501,
    "Date": "2026-01-05T12:00:00Z",
    "InvoiceType": "Sale",
    "Amount": {"Total": 0, "Currency": "GBP"},
    "Buyer": {"Id": 7, "FirstName": "Ada", "LastName": "Low", "Email": "ada@example.org"},
}


def invoice(number: int, total: str) -> str:
    """With the very digits of its total."""
    return json.dumps(SALE | {"Id": number}).replace('"Total": 0', f'"Total": {total}')


class Desk(House):
    """One box office and one buffer, which a test fills by hand."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = folder, ledger
        self.told = folder / "told.jsonl"

    def environment(self, settings: None = None, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "BOXOFFICE_DATA_DIR": str(self.folder / "data"),
            "BOXOFFICE__ON_FAILURE": f"tee -a {self.told}",
            "TICKETOR_BUFFER": str(self.folder / "buffer"),
            "TICKET_TAILOR_API_KEY": self.ledger.key,
            "TICKET_TAILOR_BASE_URL": self.ledger.url,
            **more,
        }

    def run(self, *verb: str) -> tuple[int, str]:
        done = self.boxoffice(None, *(verb or ("run",)))
        return done.returncode, done.stdout + done.stderr

    def ask(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.folder / "data" / "boxoffice.duckdb"), read_only=True) as db:
            db.execute("set TimeZone = 'UTC'; use marts")
            return db.execute(sql).fetchall()

    def raw(self, sql: str, *, write: bool = False) -> list[tuple]:
        with duckdb.connect(str(self.folder / "data" / "warehouse.duckdb"), read_only=not write) as db:
            return db.execute(sql).fetchall()


@pytest.mark.house
def test_from_the_first_delivery_to_the_last_refusal(tmp_path: Path) -> None:
    now = int(time.time())
    buffer = tmp_path / "buffer"
    noisy = order(
        1, now - 900_000, status="completed", currency={"code": "gbp"}, total=3029.9999999999995, total_paid=3030
    )
    with Ledger(noisy, now=now) as ledger:
        desk = Desk(tmp_path, ledger)
        # a double's noise, inside what people put between
        bus = {
            "Type": "Notification",
            "Timestamp": "2026-01-05T12:00:07Z",
            "Message": invoice(501, "30.299999999999997"),
        }
        d.put(buffer, "sqs.json", d.compact({"Records": [{"messageId": "m", "body": json.dumps(bus)}]}).encode())
        pushed = {"message": {"data": base64.b64encode(invoice(502, "5").encode()).decode()}, "subscription": "s"}
        d.put(buffer, "3f2a1714557600bd.json", json.dumps(pushed).encode(), now - 40 * 86_400)
        d.put(buffer, "young.json", invoice(503, "7").encode(), time.time() + 3)
        code, said = desk.run()
        assert code == 0 and "ticketor main: 1 file is younger than 5 s: left to the next run" in said, said
        assert desk.ask("select order_id, cast(total_amount as varchar) from fct_orders order by all") == [
            ("501", "30.3000"),
            ("502", "5.0000"),
            ("or_1", "30.3000"),
        ]
        assert (
            '"Total": 30.299999999999997'
            in desk.raw("select document from raw_ticketor.records where payload_id = 501")[0][0]
        )
        received = dict(desk.raw("select payload_id, epoch(received_at)::bigint from raw_ticketor.records"))
        assert received == {501: 1767614407, 502: now - 40 * 86_400}

        # a list that was read before is refused, the others go on
        ledger.broken, ledger.refusal = "/v1/orders", Reply(b"<html>not here</html>", 404)
        os.utime(buffer / "young.json", (now - 60, now - 60))
        code, said = desk.run()
        assert code == 1 and "does not let the list orders be read" in said, said
        assert ("503",) in desk.ask("select order_id from fct_orders")
        assert desk.run()[0] == 1
        code, said = desk.run("status")
        assert code == 1 and "does not let the list orders be read" in said
        assert desk.told.read_text().count("does not let the list orders be read") >= 1
        ledger.broken = None
        ledger.orders.append(order(2, now, status="completed", currency={"code": "gbp"}, total=100, total_paid=100))
        code, said = desk.run()
        assert code == 0, said
        assert ("or_2",) in desk.ask("select order_id from fct_orders")
        assert desk.run("status")[0] == 0

        # the accounts get names of their own
        named = {
            "TICKETOR_BUFFER": "",
            "TICKET_TAILOR_API_KEY": "",
            "TICKETOR__SITES__ARENA__BUFFER": str(buffer),
            "TICKET_TAILOR__BOX_OFFICES__STUDIO__API_KEY": ledger.key,
        }
        sums = "select count(*), sum(amount) from fct_order_lines"
        before = desk.ask(sums)
        desk.environment = lambda _settings=None: {**Desk.environment(desk), **named}
        code, said = desk.run()
        assert code == 1 and desk.ask(sums) == before, said
        for command in ("rename-account ticketor main arena", "rename-account ticket-tailor main studio"):
            assert f"boxoffice {command}" in said
            code, done = desk.run(*command.split())
            assert code == 0 and "boxoffice run" in done, done
        ledger.orders.append(order(3, now + 1, status="completed", currency={"code": "gbp"}, total=100, total_paid=100))
        code, said = desk.run()
        assert code == 0, said
        assert desk.ask("select distinct account from fct_orders order by all") == [("arena",), ("studio",)]
        assert desk.ask("select account from dim_accounts order by all") == [("arena",), ("studio",)]
        assert desk.ask("select count(*) from fct_orders") == [(6,)] and desk.ask(sums)[0][1] == before[0][1] + 1

        # a clock that was two days ahead, until now
        later = "interval 2 days"
        desk.raw(
            f"update raw_ticket_tailor.orders set fetched_at = fetched_at + {later};"
            f"update raw_ticketor.records set received_at = now() + {later}",
            write=True,
        )
        assert desk.run("transform")[0] == 0
        assert desk.ask("select count(*) from dim_accounts where last_record_at > now()") == [(2,)]
        code, said = desk.run()
        assert code == 0, said
        assert desk.ask("select count(*) from dim_accounts where last_record_at > now()") == [(0,)]
        assert desk.ask("select count(*) from fct_orders where first_seen_at > now()") == [(0,)]
        assert "idle" in desk.run()[1]
