"""Inputs that broke us, as reported by people who do this work with other tools: what they are and what must come out.

One warehouse and a few runs. Each case is an account of its own: files in a buffer, or lists of a small API.
"""

import dataclasses
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.run import run
from boxoffice.run.accounts import Account
from boxoffice.run.run import _load as load
from boxoffice.settings import BoxOffice, Settings, Site
from tests.dbt import dbt
from tests.test_touched import copy_raw, marts
from tests.ticket_tailor.scripted import Asked, Scripted, page

Json = dict[str, Any]
RUNS = 4
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

# The vendors' own examples (test_examples.py).
EXAMPLES = Path(__file__).parent / "fixtures"
EXAMPLE = json.loads((EXAMPLES / "ticket_tailor" / "order.json").read_text())
ZONES |= dict.fromkeys(("examples", "examples_tt"), "America/Los_Angeles")
FILES["examples"] = [[path.read_bytes() for path in sorted((EXAMPLES / "ticketor").iterdir())]]
LISTS["examples_tt"] = [{"orders": [EXAMPLE], "issued_tickets": EXAMPLE["issued_tickets"]}]

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
                issued_tickets=[issued(number, number, status=blank.format("valid"))],
            )
            for number, blank in enumerate(BLANKS, 1)
        ],
        "issued_tickets": [
            issued(number, number, status=blank.format("valid"), description=blank.format("Adult"))
            for number, blank in enumerate(BLANKS, 1)
        ],
    }
]


# News of an item whose invoice has not come, or comes last.
FILES["waiting"] = [
    [
        product(1, 100),
        product(1, 100, ReturnedAmount=1),
        ticket(2, 101, 12),
        ticket(2, 101, 12, Status="returned"),
        payment(3, 102, 20, Success=False),
        payment(3, 102, 20),
        # one product sale that changes under an invoice, and is then told of another
        product(4, 103),
        product(4, 103, ReturnedAmount=1),
        product(4, 104, ReturnedAmount=1),
        payment(5, 105, -9, ChargeMethod="CREDIT"),
        details(106, -7, ticket(6, 107, 7, Status="returned"), InvoiceType="Return", RelatedInvoiceId=107),
        payment(8, 108, 8),
        payment(8, 108, 9, Currency="EUR"),
        payment(9, 108, 9, Currency="USD"),
        product(10, 109),
    ],
    [product(1, 100, ReturnedAmount=1, OrderStatus="Shipped"), ticket(2, 101, 12, Event={"EventId": 9})],
    [details(100, 5, product(1, 100), payment(11, 100, 5))],
]
LISTS["waiting_tt"] = [
    {"orders": [], "issued_tickets": [issued(1, 1), issued(2, 1)]},
    {"orders": [], "issued_tickets": [issued(1, 1, status="voided"), issued(2, 1, "ev_2")]},
]

# A message that came before, byte for byte or in another spelling, at once or in a later run.
SAID = details(1, 40, ticket(1, 1, 40), payment(1, 1, 40))
FILES["again"] = [
    [
        SAID,
        invoice(1, 30),
        SAID,
        ticket(1, 1, 30),
        ticket(2, 2, 10),
        ticket(2, 2, 12),
        ticket(2, 2, 10),
        product(3, 3, 5),
        product(3, 3, 6),
        json.dumps(product(3, 3, "5.00")).encode(),
        payment(4, 4, 20),
        payment(4, 4, 25),
        json.dumps(dict(reversed(payment(4, 4, 20.0).items()))).encode(),
        user(12, "old@example.org"),
        user(12, "new@example.org"),
        user(12, "old@example.org"),
        # a second invoice that says the same of another number
        invoice(5, 40),
        invoice(6, 40),
    ],
    [SAID, invoice(7, 50), product(3, 3, 5), user(12, "old@example.org")],
    [invoice(7, 60), invoice(7, 50), json.dumps(SAID, indent=1).encode()],
]

# The beginning of a message that is held whole, and of one that never came whole.
WHOLE, LOST = (json.dumps(details(number, 20, payment(number, number, 20))).encode() for number in (1, 2))
FILES["cut"] = [[WHOLE, LOST[:300]], [WHOLE[:300]]]

# 0 is no Id.
TWO = details(3, 50, ticket(0, 3, 25), ticket(0, 3, 25, Seat="2"), payment(0, 3, 20), payment(0, 3, 30))
FILES["no_id"] = [
    [
        details(1, 40, payment(0, 1, 40)),
        details(2, 60, payment(0, 2, 60)),
        TWO,
        TWO | {"ReturnStatus": "Returned"},
        # by themselves: the same as listed, one more, and one of an invoice that lists none
        payment(0, 2, 60),
        payment(0, 2, 5, "2026-01-02T08:00:00Z"),
        payment(0, 4, 7),
        details(5, 15, product(0, 5, 5), product(0, 5, 10, Product={"ProductId": 8, "ProductName": "Mug"})),
        details(6, 5, product(0, 6, 5), payment(77, 6, 2), payment(0, 6, 3)),
        product(0, 6, 5, ReturnedAmount=1),
        # a number that is none
        details(0, 99, payment(98, 0, 99)),
    ],
    [details(6, 5, product(0, 6, 5), payment(0, 6, 3), payment(77, 6, 2)), payment(0, 4, 7, Success=False)],
    [invoice(4, 7), payment(0, 6, 3)],
]

# Many items without an Id in one invoice: what is made of each may hold no other, or a build runs out of memory.
MANY = 3000
TICKETS = [ticket(0, 1, 1, Seat=str(seat)) for seat in range(MANY)]
FILES["many"] = [[details(1, MANY, *TICKETS, *(payment(0, 1, 1) for _ in range(MANY)))]]

# The largest amounts that are let in, in sums and products.
MOST = 99_999_999_999
HUGE = {"Total": MOST, "Currency": "USD", "ServiceCharge": MOST, "Tax": MOST, "Tip": MOST, "Discount": MOST}
FEES = dict.fromkeys(("Fee", "TicketProtectionFee", "AdFee", "PaymentProcessingFee", "DeliveryFee"), MOST)
HUGE_ITEMS = [
    product(1, 1, -12345678901.25),
    product(2, 1, 10_000_000, Amount=1000),
    product(3, 1, MOST, Amount=MOST, Tax=MOST, DeliveryFee=MOST, Discount=MOST),
    product(4, 1, MOST, Amount=3),
]
HUGE_TICKETS = [
    ticket(1, 2, MOST, ServiceCharge=MOST),
    ticket(2, 2, MOST, Event={"EventId": 6, "EventName": "Other", "EventDate": "2026-03-01T19:00:00Z"}),
]
FILES["huge"] = [
    [
        product(9, 9, -12345678901.25),
        details(1, MOST, *HUGE_ITEMS, payment(1, 1, MOST), TicketsCount=2**62, ProductsCount=-(2**63) + 1),
        details(2, MOST, *HUGE_TICKETS, payment(2, 2, MOST), Amount=HUGE, PlatformFee=FEES),
        # more of them than one amount can hold, in lines, payments and fees
        details(3, MOST, *(ticket(number, 3, MOST) for number in range(1010)), payment(3, 3, MOST)),
        *(details(number, MOST, payment(number, number, MOST), PlatformFee=FEES) for number in range(2000, 3001)),
        details(4, 5, product(5, 4, 5), payment(4, 4, 5)),
    ],
    [
        details(
            5,
            MOST,
            *(item | {"Amount": 1} for item in HUGE_ITEMS),
            payment(5, 5, -MOST, ChargeMethod="CREDIT"),
            InvoiceType="Return",
            RelatedInvoiceId=1,
        ),
        details(
            6,
            MOST,
            *HUGE_TICKETS,
            payment(6, 6, -MOST, ChargeMethod="CREDIT"),
            InvoiceType="Return",
            RelatedInvoiceId=2,
        ),
        details(7, 1, ticket(1, 2, MOST), ticket(9, 7, 1), InvoiceType="Exchange", RelatedInvoiceId=2),
    ],
]
JPY = {"base_multiplier": 1, "code": "jpy"}
HUGE_TICKET = issued(1, 2, "ev_2", listed_price=MOST, listed_currency=JPY)
LISTS["huge_tt"] = [
    {
        "orders": [
            order(
                1,
                line(1, "ticket", "tt_1", MOST) | {"quantity": 3, "value": MOST, "booking_fee": MOST},
                line(2, "product", "pr_1", MOST) | {"quantity": MOST, "value": MOST, "booking_fee": MOST},
                line(3, "discount", None, -MOST),
                currency=JPY,
                total=MOST,
                tax=MOST,
                refund_amount=MOST,
                credited_out_amount=MOST,
            ),
            order(
                2,
                *(line(number, "bundle", "bu_1", MOST) for number in range(10, 1011)),
                currency=JPY,
                total=MOST,
                total_paid=MOST,
                event="ev_2",
                issued_tickets=[HUGE_TICKET],
            ),
            order(3, line(4, "product", "pr_1", 500)),
        ],
        "issued_tickets": [HUGE_TICKET],
    }
]


# A ticket's own document and the copy in its order do not say the same. First the one changes, then the other.
def of_order(number: int, **more: Any) -> Json:
    return issued(number, 1) | more


def copies(*tickets: Json, **more: Any) -> Json:
    copied = [of_order(number, description="Copy") for number in range(1, 5)]
    lines = line(1, "ticket", "tt_1", 4000, 4)
    return {
        "orders": [order(1, lines, issued_tickets=copied, **more)],
        "issued_tickets": list(tickets),
    }


OWN: Json = {"order_id": "or_9", "event_id": "ev_2", "listed_price": 700, "description": "Own"}
OTHERS = [of_order(3, order_id=None), of_order(4)]
LISTS["copies"] = [
    copies(of_order(1, **OWN), of_order(2), *OTHERS),
    copies(of_order(1, **OWN), of_order(2, **OWN), *OTHERS),
    # what its own list has no more is as its order has it
    copies(of_order(1, **OWN), of_order(2, **OWN), OTHERS[0], referral_tag="changed"),
]

# What a full read no longer lists.
LISTS["gone"] = [
    {
        "orders": [
            order(1, line(1, "ticket", "tt_1", 2000, 2), refund_amount=500),
            order(2, line(2, "ticket", "tt_1", 2000, 2), issued_tickets=[issued(3, 2), issued(4, 2)]),
            order(3, line(3, "ticket", "tt_1", 3000, 3)),
        ],
        "issued_tickets": [issued(number, (number + 1) // 2) for number in range(1, 7)] + [issued(7, 3)],
        "events": [event("ev_1"), event("ev_2")],
    },
    {
        "orders": [
            order(
                2,
                line(2, "ticket", "tt_1", 2000, 2),
                event="ev_2",
                issued_tickets=[issued(8, 2, "ev_2"), issued(9, 2, "ev_2")],
            ),
            order(3, line(3, "ticket", "tt_1", 3000, 3)),
        ],
        "issued_tickets": [issued(8, 2, "ev_2"), issued(9, 2, "ev_2"), issued(5, 3), issued(6, 3)],
        "events": [event("ev_1"), event("ev_2")],
    },
]

# A number that was used again.
FILES["numbers"] = [
    [
        details(6, 20, ticket(1, 6, 20), payment(1, 6, 20, "2024-03-01T08:00:00Z"), Date="2024-03-01T08:00:00Z"),
        # only another time of day, and other items
        details(7, 10, ticket(3, 7, 10)),
        details(7, 20, ticket(3, 7, 10), ticket(4, 7, 10), Date="2026-01-01T20:00:00Z"),
    ],
    [
        details(
            6,
            40,
            ticket(2, 6, 40),
            payment(2, 6, 40, "2026-01-01T08:00:00Z"),
            Buyer=person(12),
        )
    ],
]

# Every kind of line that clients have met.
KINDS = [
    ("ticket", "tt_1", 1000, "ticket"),
    ("bundle", "bu_1", 1500, "ticket"),
    ("product", "pr_1", 700, "product"),
    ("add_on", "ao_1", 1000, "product"),
    ("transaction_charge", "ao_2", 1200, "product"),
    ("add-on", None, 130, "product"),
    ("gift_card", None, 900, "gift_card"),
    ("fee", None, 110, "buyer_fee"),
    ("transaction_charge", None, 120, "buyer_fee"),
    ("donation", None, 300, "donation"),
    ("membership", "mt_1", 400, "membership"),
    ("tax", None, 50, "tax"),
]
LISTS["lines"] = [
    {
        "orders": [
            order(1, *(line(place, kind, item, total) for place, (kind, item, total, _) in enumerate(KINDS, 1))),
            order(2, line(21, "ticket", "tt_1", 1000), line(22, "add_on", "ao_1", 1000)),
            order(3, line(31, "product", "pr_1", 1000), line(32, "discount", None, -200)),
        ]
    }
]
# lines of two orders may have one id, which is seen when the second one comes
LISTS["lines"].append({"orders": [*LISTS["lines"][0]["orders"], order(4, line(31, "product", "pr_1", 500))]})

# News that touch no order, alone in the last run: an event's new name, and a person.
FILES["news"] = [[details(1, 10, ticket(1, 1))], [], [], [user(77, "new@example.org")]]
SHOWN = {"events": [event("ev_1")], "orders": [order(1, line(1, "ticket", "tt_1", 1000))]}
LISTS["news_tt"] = [SHOWN, SHOWN, SHOWN, SHOWN | {"events": [event("ev_1") | {"name": "Operetta"}]}]


def put_file(path: Path, payload: Json | bytes, written_at: int = START) -> None:
    path.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    os.utime(path, (written_at,) * 2)


class House:
    """All accounts, the published file of each run, and the page sizes that the API was asked for."""

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
                    BoxOffice(
                        name,
                        f"sk_{number}_{name}",
                        f"{api.url}/{name}",
                        ZONES.get(name),
                        lists=("orders", "issued_tickets", "events"),
                    )
                    for number, name in enumerate(LISTS)
                ),
            )
            for self.now in range(RUNS):
                for name, runs in FILES.items():
                    self._write(name, runs)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(run, "_load", self._load_news)
                    self.outcomes.append(run.run(self.settings, echo=lambda _line: None, full=True))
                assert self.outcomes[-1].error is None, self.outcomes[-1].error
                shutil.copyfile(self.settings.published, self.folder / f"{self.now}.duckdb")
            self.limits = {asked.params.get("limit") for asked in api.asked}

    def _load_news(self, settings: Settings, result: run.RunResult, due: list[Account], *more: Any) -> Any:
        """Leaves out the accounts with no news: to load them takes most of a run, and brings nothing."""
        runs = FILES | LISTS
        return load(settings, result, [account for account in due if self.now < len(runs[account.name])], *more)

    def _write(self, name: str, runs: list[list[Json | bytes]]) -> None:
        folder = self.folder / "buffers" / name
        folder.mkdir(parents=True, exist_ok=True)
        before = sum(len(each) for each in runs[: self.now])
        for place, payload in enumerate(runs[self.now] if self.now < len(runs) else [], before):
            put_file(folder / f"{place:03}.json", payload, START + 60 * place)

    def _answer(self, asked: Asked) -> Json:
        _, name, _, table, *_ = asked.path.split("/")
        runs = LISTS[name]
        found = runs[min(self.now, len(runs) - 1)].get(table, [])
        # no two box offices have an order of one id and one second: that would be one box office under two names
        later = list(LISTS).index(name)
        found = [one | {"created_at": one["created_at"] + later} for one in found]
        first, last = int(asked.params.get("created_at.gte", 0)), int(asked.params.get("created_at.lt", 1 << 62))
        return page(*sorted((one for one in found if first <= one["created_at"] < last), key=lambda one: one["id"]))

    def ask(self, query: str, *values: Any, run: int = RUNS - 1) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / f"{run}.duckdb"), read_only=True) as db:
            db.execute("set schema = 'marts'")
            db.execute("set TimeZone = 'UTC'")
            return db.execute(query, list(values)).fetchall()


@pytest.fixture
def house(cases: House) -> House:
    return cases


def test_every_run_publishes(house: House) -> None:
    assert [(outcome.published, outcome.exit_code, outcome.error) for outcome in house.outcomes] == (
        [(True, 0, None)] * RUNS
    )


def test_what_grew_is_what_a_bare_dbt_build_makes_at_once(house: House, tmp_path: Path) -> None:
    """And the unit tests hold, which a run leaves out; and no query takes time with the square of the rows."""
    copy_raw(house.settings.data_dir, tmp_path / "fresh")
    assert "Finished running node unit_test." in dbt(tmp_path / "fresh", tmp_path / "target", "build")
    assert marts(house.settings.data_dir) == marts(tmp_path / "fresh")
    # one side of these has the rows of a seed, the accounts or the marts
    of_few_rows = ["dim_accounts", "fct_order_lines", "int_ticket_tailor__line_classes", "structure"]
    assert joins_without_an_equality(tmp_path / "fresh" / "warehouse.duckdb", tmp_path / "target") == of_few_rows


def joins_without_an_equality(warehouse: Path, target: Path) -> list[str]:
    """The nodes that compare each row of one side of a join with each of the other.

    DuckDB does so for a LEFT JOIN with a condition on its left side alone, or on an expression of both sides.
    """
    found = []
    with duckdb.connect(str(warehouse), read_only=True) as db:
        for path in (target / "compiled").rglob("*.sql"):
            # a unit test is in a folder named for its yml
            of_unit_test = any(parent.suffix == ".yml" for parent in path.parents)
            if not of_unit_test and (query := path.read_text().strip().rstrip(";")):
                [(_, plan)] = db.execute(f"explain (format json) {query}").fetchall()
                found += [path.stem] * plan.count("BLOCKWISE_NL_JOIN")
    return sorted(found)


def test_dates_that_no_reader_can_hold(house: House) -> None:
    """They are NULL, the rest of the record goes on; and every table can be read to its last row."""
    assert house.ask(
        "select event_id, starts_on::varchar, starts_local::varchar from dim_events "
        "where account = 'never' order by all"
    ) == [
        ("5", "2026-02-02", "2026-02-02 08:00:00"),
        ("6", None, None),
        ("7", None, None),
        ("8", None, None),
    ]
    assert house.ask(
        "select order_id, ordered_at, booked_on::varchar, paid_amount from fct_orders "
        "where account = 'never' order by 1"
    )[0] == ("1", None, "2026-01-01", 30)
    # the day it was seen
    [(ordered_at, booked_on, status)] = house.ask(
        "select ordered_at, booked_on = timezone('Pacific/Auckland', first_seen_at)::date, status from fct_orders "
        "where account = 'never_tt' and order_id = 'or_1'"
    )
    assert (ordered_at, booked_on, status) == (None, True, "completed")
    assert house.ask("select distinct voided_at, sold_at from fct_tickets where account = 'never_tt'") == [
        (None, house.ask(f"select to_timestamp({SOLD + list(LISTS).index('never_tt')})")[0][0])
    ]
    for (table,) in house.ask("select table_name from information_schema.tables where table_schema = 'marts'"):
        house.ask(f"from {table}")
    assert "values_are_read" in house.outcomes[0].warned
    assert house.ask(
        "select order_id, in_words from rpt_reconciliation "
        "where account = 'never_tt' and identity = 'every value can be read' and order_id = 'or_1'"
    ) == [("or_1", "Values in it that cannot be read count as unknown: created_at.")]


def test_a_ticket_that_expires_in_2200_is_read(house: House) -> None:
    with duckdb.connect(str(house.settings.warehouse), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        found = db.execute(
            "select ticket_id, expires_at::varchar, unreadable from staging.stg_ticketor__tickets "
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


def test_news_of_an_item_whose_order_has_not_come(house: House) -> None:
    """Published, kept under the order's key, and reported until the order comes."""
    waiting = "from rpt_reconciliation where account = $1 and identity = 'order is here'"
    assert house.ask(f"select order_id, difference, currency {waiting} order by order_id::int", "waiting", run=1) == [
        ("100", 1, None),
        ("101", 1, None),
        ("102", 20, "USD"),
        ("103", 0, None),
        ("104", 1, None),
        ("105", -9, "USD"),
        ("107", 1, None),
        ("108", 2, None),
        ("109", 1, None),
    ]
    assert house.ask(f"select count(*) {waiting} and order_id = '100'", "waiting") == [(0,)]
    assert house.ask(
        "select order_id, what, before, after from fct_order_changes "
        "where account = 'waiting' order by order_id::int, 2"
    ) == [
        ("100", "returned quantity", "1: 0.0000", "1: 1.0000"),
        ("101", "ticket event", "2: 5", "2: 9"),
        ("101", "ticket status", "2: sold", "2: returned"),
        ("102", "payment success", "3: false", "3: true"),
        ("103", "returned quantity", "4: 0.0000", "4: 1.0000"),
    ]
    assert house.ask(
        "select what, left(after, 4), orders.order_key from fct_order_changes as changes "
        "left join fct_orders as orders using (order_key) where changes.account = 'waiting_tt' order by all"
    ) == [("ticket event", "it_2", None), ("ticket status", "it_1", None)]
    assert house.ask(f"select order_id, difference, currency {waiting}", "waiting_tt") == [("or_1", 2, None)]


def test_an_amount_has_its_currency_and_a_count_has_none(house: House) -> None:
    assert house.ask(
        "select order_id, difference, currency from rpt_reconciliation "
        "where account = 'waiting' and order_id in ('102', '109') and identity = 'order is here' order by 1"
    ) == [("102", 20, "USD"), ("109", 1, None)]
    assert house.ask("select * from rpt_reconciliation where difference is null and currency is not null") == []


def test_a_message_delivered_twice_keeps_its_first_time(house: House) -> None:
    of = "where account = 'again' and order_id"
    assert house.ask(f"select order_id, total_amount from fct_orders {of} in ('1', '5', '6', '7') order by 1") == [
        ("1", 30),
        ("5", 40),
        ("6", 40),
        ("7", 60),
    ]
    assert house.ask(f"select total_amount from fct_orders {of} = '7'", run=1) == [(50,)]
    assert house.ask(f"select ticket_id, price_paid from fct_tickets {of} in ('1', '2') order by 1") == [
        ("1", 30),
        ("2", 12),
    ]
    assert house.ask(f"select unit_price from fct_product_sales {of} = '3'") == [(6,)]
    assert house.ask(f"select amount from fct_payments {of} = '4'") == [(25,)]
    assert house.ask("select email from dim_customers where account = 'again' and customer_id = '12'") == [
        ("new@example.org",)
    ]
    assert house.ask(f"select before, after from fct_order_changes {of} = '1' and what = 'total'") == [
        ("40.0000", "30.0000")
    ]


def test_what_has_no_id_is_told_apart_by_its_invoice_and_its_place(house: House) -> None:
    payments = (
        "select order_id, list(amount order by amount, payment_id), count(distinct payment_key) from fct_payments "
        "where account = 'no_id' group by all order by all"
    )
    expected = [("1", [40], 1), ("2", [5, 60], 2), ("3", [20, 30], 2), ("4", [7], 1), ("6", [2, 3], 2)]
    assert house.ask(payments) == expected
    assert house.ask(payments, run=0) == expected
    keys = "select payment_key, amount from fct_payments where account = 'no_id' and order_id <= '3' order by 1"
    assert house.ask(keys, run=0) == house.ask(keys)
    assert house.ask("select order_id, paid_amount from fct_orders where account = 'no_id' order by 1") == [
        ("1", 40),
        ("2", 65),
        ("3", 50),
        ("4", 7),
        ("5", 0),
        ("6", 5),
    ]
    assert house.ask("select seat, price_paid from fct_tickets where account = 'no_id' order by 1") == [
        ("0", 25),
        ("2", 25),
    ]
    assert house.ask(
        "select order_id, line_amount, returned_quantity from fct_product_sales where account = 'no_id' order by all"
    ) == [("5", 5, 0), ("5", 10, 0), ("6", 5, 1)]
    assert house.ask("select reason from refused_records where account = 'no_id'") == [("id is 0, which is none: Id",)]


def test_an_invoice_with_many_items_without_an_id_has_them_all(house: House) -> None:
    for table, item in (("fct_tickets", "ticket"), ("fct_payments", "payment")):
        [(rows, keys, numbers)] = house.ask(
            f"select count(*), count(distinct {item}_key), list_sort(list(split_part({item}_id, ':', 2)::int)) "
            f"from {table} where account = 'many'",
            run=0,
        )
        assert (rows, keys, numbers) == (MANY, MANY, list(range(1, MANY + 1)))
    assert house.ask("select paid_amount, tickets_count from fct_orders where account = 'many'") == [(MANY, MANY)]


def test_the_beginning_of_what_is_held_whole_is_nothing_lost(house: House) -> None:
    refused = "select file, reason like 'truncated%' from refused_records where account = 'cut'"
    assert len(house.ask(refused, run=0)) == 1
    assert house.ask(refused) == house.ask(refused, run=0)
    assert house.ask("select order_id from fct_orders where account = 'cut'") == [("1",)]


def test_what_a_full_read_no_longer_lists(house: House) -> None:
    """An order stays in the sums and is reported; a ticket that another one replaced leaves the house."""
    found = "from rpt_reconciliation where account = 'gone' and identity in ($1)"
    assert house.ask(f"select order_id, difference, currency {found}", "order is still listed") == [("or_1", 15, "GBP")]
    assert house.ask(f"select order_id, difference, currency {found} order by 1", "tickets are still listed") == [
        ("or_2", 2, None),
        ("or_3", 1, None),
    ]
    assert house.ask("select count(*) from rpt_reconciliation where identity like '%still listed'", run=0) == [(0,)]
    assert house.ask("select ticket_id, status, price from fct_tickets where account = 'gone' order by 1") == [
        ("it_1", "sold", 10),
        ("it_2", "sold", 10),
        ("it_3", "voided", None),
        ("it_4", "voided", None),
        ("it_5", "sold", 10),
        ("it_6", "sold", 10),
        ("it_7", "sold", 10),
        ("it_8", "sold", 10),
        ("it_9", "sold", 10),
    ]
    assert house.ask(
        "select event_id, tickets_sold + comps - tickets_returned, gross_sales from rpt_event_sales "
        "where account = 'gone' order by 1"
    ) == [("ev_1", 5, 50), ("ev_2", 2, 20)]
    assert house.ask("select count(*) from fct_tickets where account = 'gone' and voided_at is not null") == [(2,)]


def test_a_number_that_was_used_again(house: House) -> None:
    assert house.ask(
        'select order_id, "left", "right", difference, currency, in_words[:26] from rpt_reconciliation '
        "where account = 'numbers' and identity = 'number is used once'"
    ) == [("6", "2024-03-01", "2026-01-01", 20, "USD", "This number was used again")]
    assert house.ask(
        "select count(*) from rpt_reconciliation where account = 'numbers' and identity = 'number is used once'", run=0
    ) == [(0,)]


def test_the_largest_amounts_stop_nothing(house: House) -> None:
    assert house.ask(
        "select product_sale_id, line_amount from fct_product_sales where account = 'huge' order by 1", run=0
    ) == [
        ("1", Decimal("-12345678901.25")),
        ("2", 10**10),
        ("3", None),
        ("4", 3 * MOST),
        ("5", 5),
        ("9", Decimal("-12345678901.25")),
    ]
    of = "from fct_order_lines where account = $1"
    # every order but the one whose lines are too far from its total makes its total, whatever else it has to explain
    assert house.ask(
        f"select order_id, sum(amount) {of} and order_id in ('1', '2', '4') group by 1 order by 1", "huge", run=0
    ) == [
        ("1", MOST),
        ("2", MOST),
        ("4", 5),
    ]
    assert house.ask(f"select order_id, sum(amount) {of} and refund_of is null group by 1 order by 1", "huge_tt") == [
        ("or_1", MOST),
        ("or_2", MOST),
        ("or_3", 5),
    ]
    far = "from rpt_reconciliation where account = $1 and identity = 'lines = total' and order_id not like '2___'"
    assert house.ask(f'select order_id, "left", difference {far} order by 1', "huge") == [
        ("1", "397654321094.7500", Decimal("-297654321095.75")),
        ("2", "299999999997.0000", -2 * MOST),
        ("3", "100999999998990.0000", None),
        ("3000", "0.0000", MOST),
    ]
    assert house.ask(f"select order_id, difference {far}", "huge_tt") == [("or_2", MOST)]
    # a sum that is too large is unknown, the others are not
    assert house.ask(
        "select sum(gross_sales), sum(receipts) from rpt_daily_sales where account = 'huge_tt' and currency = 'GBP'"
    ) == [(5, 5)]
    assert house.ask(
        "select gross_sales, net_sales, refunds, charged_total, tips, platform_fees, tickets_sold from rpt_daily_sales "
        "where account = 'huge'"
    ) == [(None, None, 2 * MOST, None, MOST, None, 1012)]
    assert house.ask(
        "select event_id, gross_sales, refunds, net_sales from rpt_event_sales where account = 'huge' order by 1"
    ) == [
        ("5", None, Decimal("49999999999.5"), None),
        ("6", Decimal("49999999999.5"), Decimal("49999999999.5"), 0),
        (None, Decimal("297654321100.75"), MOST, Decimal("197654321101.75")),
    ]


def test_the_ticket_s_own_document_wins_while_it_is_listed(house: House) -> None:
    query = (
        "select ticket_id, order_id, event_id, list_price, ticket_type from fct_tickets "
        "where account = 'copies' order by 1"
    )
    own = ("or_9", "ev_2", 7, "Own")
    for now in range(RUNS):
        assert house.ask(query, run=now) == [
            ("it_1", *own),
            ("it_2", *(own if now else ("or_1", "ev_1", 10, "Adult"))),
            ("it_3", "or_1", "ev_1", 10, "Adult"),
            ("it_4", "or_1", "ev_1", 10, "Adult" if now < 2 else "Copy"),
        ]


def test_every_kind_of_line(house: House) -> None:
    assert house.ask(
        "select line_kind, sum(amount) from fct_order_lines where account = 'lines' and order_id = 'or_1' "
        "group by all order by 1"
    ) == sorted(
        {kind: Decimal(sum(total for *_, total, of in KINDS if of == kind)) / 100 for *_, kind in KINDS}.items()
    )
    assert house.ask(
        "select order_id, product_id, kind, line_amount from fct_product_sales "
        "where account = 'lines' and kind = 'add_on' order by all"
    ) == [("or_1", "ao_1", "add_on", 10), ("or_1", "ao_2", "add_on", 12), ("or_2", "ao_1", "add_on", 10)]
    assert house.ask(
        "select order_id, sum(amount) from fct_order_lines where account = 'lines' group by all order by 1"
    )[1:] == [("or_2", 20), ("or_3", 8), ("or_4", 5)]
    assert house.ask(
        "select count(*), count(distinct product_sale_key) from fct_product_sales "
        "where account = 'lines' and order_id in ('or_3', 'or_4')"
    ) == [(2, 2)]
    assert house.ask("select * from rpt_reconciliation where account = 'lines' and identity = 'lines = total'") == []


def test_news_of_an_event_and_a_person_alone_are_published(house: House) -> None:
    name = "select event_name from dim_events where account = 'news_tt'"
    assert [house.ask(name, run=now) for now in range(RUNS)] == [[("Show",)]] * (RUNS - 1) + [[("Operetta",)]]
    address = "select email from dim_customers where account = 'news' and customer_id = '77'"
    assert house.ask(address, run=RUNS - 2) == []
    assert house.ask(address) == [("new@example.org",)]
    news = [sum(account.news.values()) for account in house.outcomes[-1].accounts if account.news]
    assert news == [1, 1], "of each platform nothing else came"


def outcomes(settings: Settings) -> tuple[int, str | None]:
    result = run.run(settings, echo=lambda _line: None)
    return result.exit_code, result.error


def published(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as db:
        db.execute("set schema = 'marts'")
        return db.execute(query).fetchall()


@pytest.mark.house
def test_news_of_an_event_or_a_person_by_itself_are_published(tmp_path: Path) -> None:
    """Ticket Tailor beside a site of which nothing comes, or by itself before; then the site beside a box office."""
    name = "Show"

    def answer(asked: Asked) -> Json:
        match asked.path.rpartition("/")[2]:
            case "events":
                return page(event("ev_1") | {"name": name})
            case "orders":
                return page(order(1, line(1, "ticket", "tt_1", 1000)))
        return page()

    with Scripted(answer) as api:
        alone = Settings(tmp_path / "data", box_offices=(BoxOffice("studio", "sk_1", api.url),))
        site = Site("arena", str(tmp_path / "buffer"), settle_seconds=0)
        both = dataclasses.replace(alone, sites=(site,))
        (tmp_path / "buffer").mkdir()
        put_file(tmp_path / "buffer" / "1.json", details(1, 10, ticket(1, 1)))
        for name, settings in [("Revue", alone), ("Opera", alone), ("Ballet", both), ("Circus", both)]:
            assert outcomes(settings) == (0, None)
            assert published(settings, "select event_name from dim_events where platform = 'ticket_tailor'") == [
                (name,)
            ]
