"""Inputs that broke us, as reported by people who do this work with other tools: what they are and what must come out.

One warehouse and a few runs. Each case is an account of its own: files in a buffer, or lists of a small API.
"""

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import run
from pipelines.settings import BoxOffice, Settings, Site
from tests.test_touched import fresh, marts
from tests.ticket_tailor.scripted import Asked, Scripted, page

Json = dict[str, Any]
RUNS = 3
START = 1_767_261_600  # 2026-01-01 10:00 UTC, when the first file is written; then one a minute
SOLD = 1_767_250_800  # 2026-01-01 07:00 UTC


# Ticketor: a payload as on the vendor's page, with the fields that matter here.


def invoice(number: int, total: Any, date: str = "2026-01-01T08:00:00Z", **more: Any) -> Json:
    amount = {"Total": total, "Currency": "USD", "ServiceCharge": 0, "Tax": 0, "Tip": 0, "Discount": 0}
    return {
        "Id": number,
        "Date": date,
        "InvoiceType": "Sale",
        "RelatedInvoiceId": 0,
        "ReturnStatus": "NotReturned",
        "Amount": amount,
        "Buyer": person(11),
        "Agent": person(11),
    } | more


def details(number: int, total: Any, *items: Json, **more: Any) -> Json:
    lists: Json = {"Tickets": [], "Products": [], "Payments": []}
    for item in items:
        lists["Payments" if "ChargeMethod" in item else "Products" if "UnitPrice" in item else "Tickets"].append(item)
    counts = {"TicketsCount": len(lists["Tickets"]), "ProductsCount": len(lists["Products"])}
    return invoice(number, total) | counts | lists | more


def person(number: int, email: str | None = None) -> Json:
    address = f"guest{number}@example.org" if email is None else email
    return {"Id": number, "FirstName": "Ada", "LastName": f"Low{number}", "Email": address, "Phone": ""}


def ticket(number: int, order: int, price: Any = 10, **more: Any) -> Json:
    return {
        "Id": number,
        "InvoiceId": order,
        "Status": "sold",
        "Section": "A",
        "Row": "1",
        "Seat": str(number),
        "BuyPrice": price,
        "SellPrice": price,
        "ServiceCharge": 0,
        "PriceLevelName": "Adult",
        "Barcode": f"{order}-{number}",
        "ExpirationDate": "2200-01-01T08:00:00Z",
        "LastScannedAt": None,
        "Event": {"EventId": 5, "EventName": "Show", "EventDate": "2026-02-01T19:00:00Z"},
        "Buyer": person(11),
    } | more


def product(number: int, order: int, price: Any = 5, **more: Any) -> Json:
    item = {"ProductId": 7, "ProductName": "T Shirt"}
    amounts = {"Amount": 1, "ReturnedAmount": 0, "UnitPrice": price, "Discount": 0, "Tax": 0, "DeliveryFee": 0}
    return {"Id": number, "InvoiceId": order, "Product": item, "Buyer": person(11)} | amounts | more


def payment(number: int, order: int, amount: Any, date: str = "2026-01-01T08:00:00Z", **more: Any) -> Json:
    return {
        "Id": number,
        "InvoiceId": order,
        "ChargeMethod": "AUTH_CAPTURE",
        "PaymentType": "Cash",
        "Amount": amount,
        "Currency": "USD",
        "Date": date,
        "Success": True,
        "DeductedAmountByPlatform": 0,
        "Buyer": person(11),
    } | more


def user(number: int, email: str) -> Json:
    consents = {"SignupDate": "2025-12-01T08:00:00Z", "MailingListPermission": True, "SMSPermission": False}
    return person(number, email) | consents


# Ticket Tailor: an order as in real answers, with the fields that matter here.


def order(number: int, *lines: Json, created_at: int = SOLD, event: str = "ev_1", **more: Any) -> Json:
    total = sum(line["total"] for line in lines)
    return {
        "id": f"or_{number}",
        "created_at": created_at,
        "status": "completed",
        "buyer_details": {"email": "guest11@example.org", "name": "Ada Low11"},
        "currency": {"base_multiplier": 100, "code": "gbp"},
        "event_summary": {"id": event, "event_id": event, "name": "Show", "start_date": {"unix": SOLD + 8_640_000}},
        "line_items": list(lines),
        "issued_tickets": [],
        "payment_method": {"type": "stripe"},
        "tax": 0,
        "total": total,
        "total_paid": total,
        "refund_amount": 0,
        "credited_out_amount": 0,
        "txn_id": f"ch_{number}",
    } | more


def line(number: int, kind: str | None, item: str | None, total: int, quantity: int = 1) -> Json:
    value = total // quantity
    return {"id": f"li_{number}", "type": kind, "item_id": item, "quantity": quantity, "value": value, "total": total}


def issued(number: int, of: int | None, event: str = "ev_1", kind: str = "tt_1", **more: Any) -> Json:
    return {
        "id": f"it_{number}",
        "order_id": of and f"or_{of}",
        "event_id": event,
        "ticket_type_id": kind,
        "description": "Adult",
        "status": "valid",
        "created_at": SOLD + 10,
        "listed_price": 1000,
        "listed_currency": {"base_multiplier": 100, "code": "gbp"},
        "source": "checkout",
    } | more


def event(name: str, start: Any = SOLD + 8_640_000) -> Json:
    zone = {"timezone": "Pacific/Auckland", "currency": "gbp", "status": "published"}
    return {"id": name, "created_at": SOLD, "name": "Show", "start": {"unix": start}, "end": {"unix": start}} | zone


# What comes, by account: one list a run.

FILES: dict[str, list[list[Json | bytes]]] = {}
LISTS: dict[str, list[dict[str, list[Json]]]] = {}
ZONES: dict[str, str] = {}

# Dates that no reader can hold.
NEVER = "9999-12-31T23:59:59.9999999Z"
ZONES["never"] = "Pacific/Auckland"
FILES["never"] = [
    [
        details(
            1,
            30,
            ticket(1, 1, ExpirationDate=NEVER, LastScannedAt=NEVER),
            ticket(2, 1, Event={"EventId": 6, "EventName": "Never", "EventDate": NEVER}),
            ticket(3, 1, Event={"EventId": 7, "EventName": "Long ago", "EventDate": "0001-12-31T23:00:00+01:00"}),
            payment(1, 1, 30, NEVER),
            Date=NEVER,
        ),
        details(2, 10, ticket(4, 2, Event={"EventId": 8, "EventName": "Older", "EventDate": "0000-01-01"})),
        user(12, "guest12@example.org") | {"SignupDate": "infinity"},
    ]
]
ZONES["never_tt"] = "Pacific/Auckland"
LISTS["never_tt"] = [
    {
        "orders": [
            order(1, line(1, "ticket", "tt_1", 1000), created_at=253_402_300_799, refund_amount=400),
            order(2, line(2, "ticket", "tt_1", 1000), event="ev_2"),
        ],
        "issued_tickets": [
            issued(number, 2, "ev_2", created_at=253_402_300_799, voided_at=NEVER) for number in range(1, 9)
        ],
        "events": [event("ev_1", 253_402_300_799), event("ev_2", "0001-01-01T00:00:00Z")],
    }
]

# Blanks of every kind round text.
BLANKS = ["{}", "\t{}", "{}\r\n", "\u00a0{}", "\u200b{}", "{}\ufeff", "\u2028{}\u3000", "\u202a{}\u202c"]
FILES["blanks"] = [
    [
        details(
            number,
            10,
            ticket(
                number,
                number,
                Status=blank.format("sold"),
                Section=blank.format("A"),
                PriceLevelName=blank.format("Adult"),
                Barcode=blank.format("b"),
                Buyer=person(100 + number, blank.format("one@example.org")),
            ),
            payment(number, number, 10, PaymentType=blank.format("Cash"), Currency=blank.format("usd")),
            InvoiceType=blank.format("Sale"),
            Buyer=person(100 + number, blank.format("one@example.org")),
        )
        for number, blank in enumerate(BLANKS, 1)
    ]
]
LISTS["blanks_tt"] = [
    {
        "orders": [
            order(
                number,
                line(number, blank.format("ticket"), "tt_1", 1000),
                status=blank.format("completed"),
                currency={"base_multiplier": 100, "code": blank.format("gbp")},
                txn_id=blank.format("--"),
                buyer_details={"email": blank.format("One@example.org"), "name": blank.format("Ada")},
            )
            for number, blank in enumerate(BLANKS, 1)
        ],
        "issued_tickets": [
            issued(number, number, status=blank.format("valid"), description=blank.format("Adult"))
            for number, blank in enumerate(BLANKS, 1)
        ],
    }
]


class House:
    """All accounts, and the published file of each run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0
        self.outcomes: list[run.RunResult] = []

    def play(self) -> None:
        with Scripted(self._answer) as api:
            self.settings = Settings(
                self.folder / "data",
                sites=tuple(
                    Site(name, str(self.folder / "buffers" / name), ZONES.get(name), settle_seconds=0) for name in FILES
                ),
                box_offices=tuple(
                    BoxOffice(name, f"sk_{number}_{name}", f"{api.url}/{name}", ZONES.get(name))
                    for number, name in enumerate(LISTS)
                ),
            )
            for self.now in range(RUNS):
                for name, runs in FILES.items():
                    self._write(name, runs)
                self.outcomes.append(run.run(self.settings, echo=lambda _line: None, full=True))
                shutil.copyfile(self.settings.published, self.folder / f"{self.now}.duckdb")

    def _write(self, name: str, runs: list[list[Json | bytes]]) -> None:
        folder = self.folder / "buffers" / name
        folder.mkdir(parents=True, exist_ok=True)
        before = sum(len(each) for each in runs[: self.now])
        for place, payload in enumerate(runs[self.now] if self.now < len(runs) else [], before):
            path = folder / f"{place:03}.json"
            path.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
            os.utime(path, (START + 60 * place,) * 2)

    def _answer(self, asked: Asked) -> Json:
        _, name, _, table, *_ = asked.path.split("/")
        runs = LISTS[name]
        found = runs[min(self.now, len(runs) - 1)].get(table, [])
        first, last = int(asked.params.get("created_at.gte", 0)), int(asked.params.get("created_at.lt", 1 << 62))
        return page(*sorted((one for one in found if first <= one["created_at"] < last), key=lambda one: one["id"]))

    def ask(self, query: str, *values: Any, run: int = RUNS - 1) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / f"{run}.duckdb"), read_only=True) as db:
            db.execute("set schema = 'marts'")
            db.execute("set TimeZone = 'UTC'")
            return db.execute(query, list(values)).fetchall()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("cases"))
    made.play()
    yield made


def test_every_run_publishes(house: House) -> None:
    assert [(outcome.published, outcome.exit_code, outcome.error) for outcome in house.outcomes] == (
        [(True, 0, None)] * RUNS
    )


def test_what_grew_is_what_is_built_at_once(house: House, tmp_path: Path) -> None:
    assert marts(house.settings.data_dir) == fresh(house.settings.data_dir, tmp_path / "fresh")


def test_dates_that_no_reader_can_hold(house: House) -> None:
    """They are NULL, the rest of the record goes on; and every table can be read to its last row."""
    assert house.ask(
        "select event_id, starts_on::varchar, starts_local from dim_events where account = 'never' order by all"
    ) == [
        ("5", "2026-02-02", dt.datetime(2026, 2, 2, 8)),
        ("6", None, None),
        ("7", None, None),
        ("8", None, None),
    ]
    assert house.ask(
        "select order_id, ordered_at, booked_on::varchar, paid_amount from fct_orders where account = 'never' order by 1"
    )[0] == ("1", None, "2026-01-01", 30)
    # the day it was seen
    [(ordered_at, booked_on, status)] = house.ask(
        "select ordered_at, booked_on = timezone('Pacific/Auckland', first_seen_at)::date, status from fct_orders "
        "where account = 'never_tt' and order_id = 'or_1'"
    )
    assert (ordered_at, booked_on, status) == (None, True, "completed")
    assert house.ask("select distinct voided_at, sold_at from fct_tickets where account = 'never_tt'") == [
        (None, house.ask(f"select to_timestamp({SOLD})")[0][0])
    ]
    for (table,) in house.ask("select table_name from duckdb_tables() where schema_name = 'marts'"):
        house.ask(f"from {table}")
    assert "values_are_read" in house.outcomes[0].warned
    assert house.ask(
        "select order_id, in_words from rpt_reconciliation "
        "where account = 'never_tt' and identity = 'every value can be read' and order_id = 'or_1'"
    ) == [("or_1", "Values that stand in it and cannot be read count as unknown: created_at.")]


def test_a_ticket_that_expires_in_2200_is_read(house: House) -> None:
    with duckdb.connect(str(house.settings.warehouse), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        found = db.execute(
            "select ticket_id, expires_at::varchar, unread_values from staging.stg_ticketor__tickets "
            "where account = 'never' and ticket_id in ('1', '2') order by 1"
        ).fetchall()
    assert found == [
        ("1", None, "ExpirationDate LastScannedAt"),
        ("2", "2200-01-01 08:00:00+00", "Event.EventDate"),
    ]


def test_blanks_round_text_make_no_other_text(house: House) -> None:
    assert house.ask(
        "select count(distinct person_key), count(distinct customer_key) from dim_customers "
        "where account = 'blanks' and customer_id like '10_'"
    ) == [(1, len(BLANKS))]
    assert house.ask(
        "select count(distinct person_key) from dim_customers "
        "where account in ('blanks', 'blanks_tt') and email ilike 'one@%'"
    ) == [(1,)]
    assert house.ask(
        "select distinct status, section, ticket_type, currency from fct_tickets where account = 'blanks'"
    ) == [("sold", "A", "Adult", "USD")]
    assert house.ask("select distinct method, currency from fct_payments where account = 'blanks'") == [("Cash", "USD")]
    assert house.ask(
        "select distinct status, currency, processor_reference, order_type from fct_orders where account = 'blanks_tt'"
    ) == [("completed", "GBP", None, "sale")]
    assert house.ask("select distinct order_type from fct_orders where account = 'blanks'") == [("sale",)]
    assert house.ask("select distinct status, ticket_type from fct_tickets where account = 'blanks_tt'") == [
        ("sold", "Adult")
    ]
    assert house.ask("select * from rpt_reconciliation where account in ('blanks', 'blanks_tt')") == []
