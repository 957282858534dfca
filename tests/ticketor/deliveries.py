"""Made-up webhook payloads of the six shapes, the ways they end up in files, and what raw makes of such files."""

import base64
import datetime as dt
import gzip
import json
import os
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from boxoffice.raw import reading
from boxoffice.settings import Site
from boxoffice.ticketor import buffer

Payload = dict[str, Any]
NOW = dt.datetime.now(dt.UTC)
OLD = 1_700_000_000  # unix seconds: long settled


def person(rng: random.Random) -> Payload:
    return {
        "Id": rng.randint(1, 99_999),
        "FirstName": rng.choice(
            ["Ada", " Zoë", "O'Neil", "李", "Line\u2028Sep", "Next\u0085Line", 'Quo"te', "}{", "\\"]
        ),
        "LastName": rng.choice(["Low", "Müller", "", "{[", "tab\there"]),
        "Email": f"Guest{rng.randint(1, 999)}@Example.org",
        "Phone": f"0{rng.randint(10**8, 10**9)}",
    }


def user(rng: random.Random, number: int) -> Payload:
    return {
        **person(rng),
        "Id": number,
        "SignupDate": "2023-11-03T22:11:58.9951297Z",
        "Mobile": "",
        "MailingListPermission": rng.random() < 0.5,
        "SMSPermission": False,
    }


def ticket(rng: random.Random, number: int) -> Payload:
    return {
        "Id": number,
        "InvoiceId": rng.randint(1, 10**6),
        "Status": "sold",
        "Section": "Balcony",
        "Row": "A",
        "Seat": rng.choice([1, 242, "GA", "", None]),
        "BuyPrice": 23.75,
        "SellPrice": 25,
        "ServiceCharge": 1.25,
        "PriceLevelName": "",
        "Barcode": f"00{number}",
        "ExpirationDate": "2200-01-01T08:00:00Z",
        "LastScannedAt": None,
        "DeliveryMethod": "Direct",
        "Event": {"EventId": 257, "EventName": "A Concert - May 31, 2020 ", "EventDate": "2020-06-01T03:00:00Z"},
        "Buyer": rng.choice([person(rng), None]),
    }


def product(rng: random.Random, number: int) -> Payload:
    return {
        "Id": number,
        "InvoiceId": rng.randint(1, 10**6),
        "Product": {"ProductId": 10099, "ProductName": "T Shirt"},
        "Amount": rng.choice([1, 2, 0.5]),
        "ReturnedAmount": 0,
        "UnitPrice": 5,
        "Discount": 0,
        "Tax": 0.35,
        "options": "",
        "IsRecurringPurchase": False,
        "RecursInDays": 0,
        "DeliveryMethodId": 70,
        "DeliveryMethod": "Direct",
        "DeliveryFee": 0,
        "OrderStatus": "Completed",
        "Buyer": person(rng),
    }


def payment(rng: random.Random, number: int) -> Payload:
    return {
        "Id": number,
        "ChargeMethod": "PRIOR_AUTH_CAPTURE",
        "Amount": rng.choice([1, 25.5, -3]),
        "Currency": "USD",
        "PaymentType": "Visa",
        "InvoiceId": rng.randint(1, 10**6),
        "Description": "1 tickets",
        "Date": "2014-04-11T13:34:17.53Z",
        "Card": rng.choice([None, {"CardNumber": "1111", "DueDate": None, "ExpirationYear": 2035}]),
        "DeductedAmountByPlatform": 0,
        "BillingAddress": {"FirstName": "Ada", "Zipcode": "00000"},
        "Success": True,
        "CashRegisterId": 0,
        "PaymentProcessorEventOrganizerId": 0,
        "Buyer": person(rng),
    }


def invoice(rng: random.Random, number: int) -> Payload:
    return {
        "Id": number,
        "Date": "2014-02-03T15:53:48.297Z",
        "InvoiceType": "Sale",
        "RelatedInvoiceId": 0,
        "ReturnStatus": "NotReturned",
        "Referrer": "",
        "Notes": rng.choice(["", "two\nlines", "a }{ b", '"Tickets":[', "<b>html</b>"]),
        "Amount": {"Total": 26.25, "Currency": "USD", "ServiceCharge": 0, "Tax": 0, "Tip": 0, "Discount": 0},
        "PlatformFee": {"Fee": 0.03, "TicketProtectionFee": 0, "AdFee": -0.1},
        "Buyer": person(rng),
        "Agent": person(rng),
        "Shipping": {"Status": "0", "Date": None, "Address": {"City": "City", "Zipcode": "00000"}},
        "WillCall": {"Status": "0", "Date": None},
        "ProductsCount": 0,
        "TicketsCount": 1,
    }


def details(rng: random.Random, number: int) -> Payload:
    return {
        **invoice(rng, number),
        "Payments": [payment(rng, number * 10 + k) | {"InvoiceId": number} for k in range(rng.randint(0, 2))],
        "Tickets": [ticket(rng, number * 10 + k) | {"InvoiceId": number} for k in range(rng.randint(0, 3))],
        "Products": rng.choice([[], None, [product(rng, number) | {"InvoiceId": number}]]),
    }


MAKERS: dict[str, Callable[[random.Random, int], Payload]] = {
    "user": user,
    "invoice": invoice,
    "invoice_with_details": details,
    "ticket": ticket,
    "product": product,
    "payment": payment,
}


def payloads(count: int, seed: int = 0, first: int = 1) -> list[Payload]:
    """``count`` payloads of all six kinds, numbered from ``first``."""
    rng = random.Random(seed)
    return [MAKERS[rng.choice(list(MAKERS))](rng, number) for number in range(first, first + count)]


def compact(payload: Any, *, ascii_only: bool = False) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=ascii_only)


# Each layout: many payloads to the bytes of one file.
LAYOUTS: dict[str, Callable[[list[Payload]], bytes]] = {
    "lines": lambda items: "".join(compact(item) + "\n" for item in items).encode(),
    "lines with blanks": lambda items: "\n\n".join(json.dumps(item) + "  " for item in items).encode(),
    "lines ending in CRLF": lambda items: "\r\n".join(compact(item, ascii_only=True) for item in items).encode(),
    "lines ending in commas": lambda items: ",\n".join(compact(item) for item in items).encode(),
    "back to back": lambda items: "".join(compact(item) for item in items).encode(),
    "back to back, indented": lambda items: "".join(json.dumps(item, indent=2) for item in items).encode(),
    "indented": lambda items: "\n".join(json.dumps(item, indent=4, ensure_ascii=False) for item in items).encode(),
    "indented by nothing": lambda items: "\n".join(json.dumps(item, indent=0) for item in items).encode(),
    "list": lambda items: compact(items).encode(),
    "indented list": lambda items: json.dumps(items, indent=1).encode(),
    "list, an element a line": lambda items: ("[" + ",\n".join(map(compact, items)) + "]").encode(),
    "a list a line": lambda items: "\n".join(compact([item]) for item in items).encode(),
    "byte order mark": lambda items: b"\xef\xbb\xbf" + "\n".join(map(compact, items)).encode(),
    "gzip": lambda items: gzip.compress("\n".join(map(compact, items)).encode()),
    "gzip of many members": lambda items: b"".join(gzip.compress(compact(item).encode()) for item in items),
    "gzip of a list": lambda items: gzip.compress(compact(items).encode()),
    "envelopes, body as object": lambda items: "\n".join(
        compact({"headers": {"a": "b"}, "body": item, "received_at": "2024-05-01T10:00:00Z"}) for item in items
    ).encode(),
    "envelopes, body as text": lambda items: "\n".join(
        compact({"body": json.dumps(item, indent=2), "requestContext": {"timeEpoch": 1714557600123}}) for item in items
    ).encode(),
    "envelopes, body in base64": lambda items: "\n".join(
        compact({"body": base64.b64encode(compact(item).encode()).decode(), "isBase64Encoded": True}) for item in items
    ).encode(),
    "requests": lambda items: json.dumps(
        {"endpoint": "x", "requests": [{"id": 1, "method": "POST", "body": compact(item)} for item in items]}, indent=2
    ).encode(),
    "event type and payload": lambda items: "\n".join(
        compact({"eventType": "ticketor", "payload": item}) for item in items
    ).encode(),
}


def put(folder: Path, name: str, content: bytes, mtime: float = OLD) -> Path:
    """Writes a buffer file with a time of its own, and makes its folders look settled."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def rows(folder: Path, settle_seconds: float = 0, **bounds: int) -> list[dict[str, Any]]:
    """The rows that a first load of this buffer makes."""
    site = Site("main", str(folder), settle_seconds=settle_seconds, **bounds)
    plan = buffer.plan(site, folder / "none.duckdb")
    problems: list[tuple[str, Exception]] = []
    made = reading.tables(
        buffer.FILES, site, plan.store, plan.new, {}, lambda path, error: problems.append((path, error))
    )
    found = [row for table, _ in made for row in table.to_pylist()]
    assert not problems, problems
    return sorted(found, key=lambda row: (row["file"], row["position"]))


def read(folder: Path, files: Mapping[str, bytes], **bounds: int) -> list[dict[str, Any]]:
    """The rows made of these files."""
    for name, content in files.items():
        put(folder, name, content)
    return rows(folder, **bounds)


def documents(found: Iterable[Mapping[str, Any]]) -> list[Payload]:
    """The loaded documents among some rows, parsed."""
    return [json.loads(row["document"]) for row in found if row["outcome"] == "loaded"]


def as_set(items: Iterable[Any]) -> set[str]:
    return {json.dumps(item, sort_keys=True) for item in items}
