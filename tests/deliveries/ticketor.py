"""Ticketor's six webhooks in any order, shape and state that its page and the fact sheet leave room for.

A sequence is a list of messages, each a payload (or bytes that are none), the moment it was received, the way it is
wrapped, and the file and round it comes in. Messages of one file stand in it in this order.
"""

import base64
import copy
import datetime as dt
import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.deliveries.sequences import ROUNDS, Sequence, base_of

Payload = dict[str, Any]
START = dt.datetime(2025, 2, 1, 9, tzinfo=dt.UTC)
ABSENT = "(absent)"

# Shapes that can be left out while something they trigger is being mended: see `make fuzz`.
SHAPES = (
    "far dates",
    "zero payment ids",
    "odd blanks",
    "equal times",
    "garbage",
    "moved items",
    "huge amounts",
    "huge prices",
    "doubled items",
    "reused invoice ids",
    "copied files",
    "growing files",
    "huge ids",
    "colliding ids",
    "other types",
)

MARKS = {
    "user": ("SignupDate", "MailingListPermission", "SMSPermission"),
    "invoice": ("InvoiceType", "RelatedInvoiceId", "PlatformFee", "TicketsCount", "ProductsCount"),
    "ticket": ("Event", "Barcode", "SellPrice"),
    "product": ("Product", "UnitPrice", "ReturnedAmount"),
    "payment": ("ChargeMethod", "PaymentType", "DeductedAmountByPlatform"),
}
MARKS["details"] = MARKS["invoice"]
LISTS = {"ticket": "Tickets", "product": "Products", "payment": "Payments"}

MONEY = {
    *("Total", "ServiceCharge", "Tax", "Tip", "Discount", "Fee", "TicketProtectionFee", "AdFee", "DeliveryFee"),
    *("PaymentProcessingFee", "BuyPrice", "SellPrice", "UnitPrice", "DeductedAmountByPlatform"),
}
DATES = {"Date", "SignupDate", "EventDate", "ExpirationDate", "LastScannedAt"}
BOOLEANS = {"Success", "IsRecurringPurchase", "MailingListPermission", "SMSPermission"}
COUNTS = {"ProductsCount", "TicketsCount", "RecursInDays"}
IDS = {"PromotionId", "EventId", "ProductId", "DeliveryMethodId", "CashRegisterId", "PaymentProcessorEventOrganizerId"}
OBJECTS = {"Buyer", "Agent", "Shipping", "WillCall", "Event", "Product", "Card", "BillingAddress", "PlatformFee"}
WORDS: dict[str, list[Any]] = {
    "InvoiceType": [
        *("Sale", "sale", "SALE", " Sale ", "Return", "return", "Refund", "Exchange", "EXCHANGE", "Void", "Voided"),
        *("Cancelled", "Cancellation", "ReturnExchange", "Renewal", "Venta", "", None, ABSENT),
    ],
    "ReturnStatus": [
        *("NotReturned", "notreturned", "Returned", "PartiallyReturned", "Partially Returned", "FullyReturned"),
        *("Exchanged", "Voided", "", None, ABSENT),
    ],
    "Status": [
        *("sold", "Sold", "SOLD", "returned", "Returned", "reserved", "voided", "void", "exchanged", "available"),
        *("cancelled", "", None, ABSENT, 0, "1"),
    ],
    "ChargeMethod": [
        *("PRIOR_AUTH_CAPTURE", "AUTH_CAPTURE", "AUTH_ONLY", "CAPTURE_ONLY", "CREDIT", "VOID", "credit", "void"),
        *("Cash", "prior_auth_capture", "REFUND", "", None, ABSENT),
    ],
    "PaymentType": [
        *("Visa", "MasterCard", "Cash", "cash", "Check", "Gift Card", "GiftCard", "Store Credit", "StoreCredit"),
        *("PayPal", "Comp", "Other", "", None, ABSENT),
    ],
    "Currency": ["USD", "EUR", "JPY", "KWD", "usd", " USD", "Usd", "", None, ABSENT, "XXX", "US$"],
    "OrderStatus": ["Completed", "completed", "Cancelled", "Returned", "Pending", "", None, ABSENT],
    "Seat": [1, 242, "GA", "A12", "", None, 0, "012", ABSENT],
    "Row": ["A", "1", "", None, ABSENT],
    "Email": ["a@b.example", "A@B.Example", "", None, ABSENT, "not an address"],
}


class File(NamedTuple):
    """A file of the buffer: where, what, when; how many records it holds and how many of them have to be let in."""

    path: str
    content: bytes
    mtime: float | None  # None: that of writing it, as a file that grows has
    records: int
    must: int


class Maker:
    """Draws one sequence. ``chance`` may be any source of chance, Hypothesis's too."""

    def __init__(self, chance: random.Random, number: int, without: frozenset[str] = frozenset(), plain: bool = False):
        self.chance, self.number, self.without, self.plain = chance, number, without, plain
        self.huge = self.allows("huge ids") and self.maybe(0.04)
        self.base = base_of(number, self.huge)
        self.colliding = self.allows("colliding ids") and self.maybe(0.15)
        self.names: dict[str, Iterator[int]] = {}

    # what was sold

    def id(self, kind: str = "") -> int:
        """A new number; where they collide, an invoice, a ticket, a product and a payment all begin with the first."""
        kind = kind if self.colliding else ""
        return self.base + next(self.names.setdefault(kind, iter(range(1, 750))))

    def maybe(self, chance: float) -> bool:
        return self.chance.random() < chance

    def allows(self, shape: str) -> bool:
        return shape not in self.without and not self.plain

    def money(self, most: int = 100) -> Any:
        cents = self.chance.choice([0, 0, 500, 1000, 2500, self.chance.randrange(most * 100)])
        return cents // 100 if cents % 100 == 0 else cents / 100

    def date(self, around: int) -> str:
        moment = START + dt.timedelta(seconds=around)
        digits = self.chance.choice(["", ".5", ".297", ".9951297"])
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"

    def person(self) -> Payload:
        number = self.base + 900 + self.chance.randrange(3)
        return {
            "Id": number,
            "FirstName": self.chance.choice(["Ada", " Zoë", "李", ""]),
            "LastName": self.chance.choice(["Low", "Müller", ""]),
            "Email": self.chance.choice([f"Guest{number}@Example.org", f"guest{number}@example.org", ""]),
            "Phone": f"0{number}",
        }

    def ticket(self, invoice: int) -> Payload:
        price, charge = self.money(), self.chance.choice([0, 0, 1.25, 2])
        event = self.base + 800 + self.chance.randrange(2)
        return {
            "Id": self.id("ticket"),
            "InvoiceId": invoice,
            "Status": "sold",
            "Section": "Balcony",
            "Row": "A",
            "Seat": self.chance.choice([1, 242, "GA"]),
            "BuyPrice": price,
            "SellPrice": round(price + charge, 2),
            "ServiceCharge": charge,
            "PriceLevelName": self.chance.choice(["", "VIP"]),
            "Barcode": f"00{self.base}",
            "ExpirationDate": "2200-01-01T08:00:00Z",
            "LastScannedAt": None,
            "DeliveryMethod": "Direct",
            "Event": {"EventId": event, "EventName": f"Concert {event} ", "EventDate": "2025-06-01T03:00:00Z"},
            "Buyer": self.person(),
        }

    def product(self, invoice: int) -> Payload:
        product = self.base + 850 + self.chance.randrange(2)
        return {
            "Id": self.id("product"),
            "InvoiceId": invoice,
            "Product": {"ProductId": product, "ProductName": f"Shirt {product}"},
            "Amount": self.chance.choice([1, 1, 2, 3]),
            "ReturnedAmount": 0,
            "UnitPrice": self.money(),
            "Discount": 0 if self.plain else self.chance.choice([0, 0, 1]),
            "Tax": 0 if self.plain else self.chance.choice([0, 0, 0.35]),
            "options": "",
            "IsRecurringPurchase": False,
            "RecursInDays": 0,
            "DeliveryMethodId": 70,
            "DeliveryMethod": "Direct",
            "DeliveryFee": 0 if self.plain else self.chance.choice([0, 0, 3]),
            "OrderStatus": "Completed",
            "Buyer": self.person(),
        }

    def payment(self, invoice: int, amount: Any, currency: str) -> Payload:
        return {
            "Id": 0 if self.allows("zero payment ids") and self.maybe(0.05) else self.id("payment"),
            "ChargeMethod": "PRIOR_AUTH_CAPTURE",
            "Amount": amount,
            "Currency": currency,
            "PaymentType": "Visa",
            "InvoiceId": invoice,
            "Description": "tickets",
            "Date": self.date(self.chance.randrange(10**6)),
            "Card": self.chance.choice([None, {"CardNumber": "1111", "DueDate": None, "CardHolderName": "Ada Low"}]),
            "DeductedAmountByPlatform": 0,
            "BillingAddress": self.chance.choice([None, {"FirstName": "Ada", "City": "London", "Zipcode": "00000"}]),
            "Success": True,
            "CashRegisterId": 0,
            "PaymentProcessorEventOrganizerId": 0,
            "Buyer": self.person(),
        }

    def invoice(self, kind: str = "Sale", related: int = 0) -> Payload:
        """An invoice with its details, whose amounts add up."""
        number = self.id()
        currency = self.chance.choice(["USD", "USD", "EUR", "GBP", "JPY"])
        tickets = [self.ticket(number) for _ in range(self.chance.choice([0, 1, 1, 2, 3]))]
        products = [self.product(number) for _ in range(self.chance.choice([0, 0, 1, 2]))]
        tax, tip, discount = (0, 0, 0) if self.plain else (self.chance.choice([0, 0, 1.5]) for _ in range(3))
        total = sum(each["SellPrice"] for each in tickets) + tax + tip - discount
        for each in products:
            total += each["Amount"] * each["UnitPrice"] + each["Tax"] + each["DeliveryFee"] - each["Discount"]
        total = round(total, 2)
        payments = []
        if total and self.maybe(0.85):
            parts = [total] if self.maybe(0.7) else [round(total - 1, 2), 1]
            payments = [self.payment(number, part, currency) for part in parts if part]
        person = self.person()
        return {
            "Id": number,
            "Date": self.date(self.chance.randrange(10**6)),
            "InvoiceType": kind,
            "RelatedInvoiceId": related,
            "ReturnStatus": "NotReturned",
            "Referrer": "",
            "Notes": self.chance.choice(["", "two\nlines", "a }{ b"]),
            "Amount": {
                "Total": total,
                "Currency": currency,
                "ServiceCharge": 0,
                "Tax": tax,
                "Tip": tip,
                "Discount": discount,
                "PromotionId": 0,
                "PromotionCode": "",
            },
            "PlatformFee": {
                "Fee": self.chance.choice([0, 0.03, 1]),
                "TicketProtectionFee": 0,
                "AdFee": 0,
                "PaymentProcessingFee": 0,
                "DeliveryFee": 0,
            },
            "Buyer": person,
            "Agent": person if self.maybe(0.5) else self.person(),
            "Shipping": {"Status": "0", "Date": None, "Carrier": "", "TrackingNo": "", "Address": {"City": "City"}},
            "WillCall": {"Status": "0", "Date": None},
            "ProductsCount": len(products),
            "TicketsCount": len(tickets),
            "Payments": payments,
            "Tickets": tickets,
            "Products": products,
        }

    def aftermath(self, original: Payload) -> Payload:
        """A return, void or exchange of an invoice, in one of the ways nobody has written down."""
        kind = self.chance.choice(["Return", "Refund", "Exchange", "Void", "return", "Sale", "Anything"])
        after = self.invoice(kind, original["Id"])
        after["Amount"]["Currency"] = original["Amount"]["Currency"]
        given_back = self.chance.choice(["none", "same", "copies", "new"])
        sign = self.chance.choice([1, -1])
        if given_back == "none":
            after["Tickets"], after["Products"] = [], []
        elif given_back != "new":
            for name in ("Tickets", "Products"):
                after[name] = copy.deepcopy([each for each in original[name] if self.maybe(0.7)])
                for each in after[name]:
                    each["InvoiceId"] = after["Id"] if given_back == "copies" else original["Id"]
                    if "Status" in each:
                        each["Status"] = self.chance.choice(["returned", "sold", "voided", "Returned"])
                    else:
                        each["ReturnedAmount"] = self.chance.choice([0, 1, each["Amount"]])
        total = self.chance.choice([original["Amount"]["Total"], self.money(), 0])
        after["Amount"]["Total"] = sign * total
        if self.maybe(0.6):
            payment = self.payment(after["Id"], self.chance.choice([1, -1]) * total, original["Amount"]["Currency"])
            payment["ChargeMethod"] = self.chance.choice(["CREDIT", "VOID", "PRIOR_AUTH_CAPTURE", None])
            payment["PaymentType"] = self.chance.choice(["Visa", "Store Credit", "Cash"])
            after["Payments"] = [payment]
        else:
            after["Payments"] = []
        return after

    # how it is told

    def sequence(self) -> Sequence:
        invoices = [self.invoice() for _ in range(self.chance.choice([1, 1, 1, 2, 3]))]
        if not self.plain:
            for _ in range(self.chance.choice([0, 0, 1, 2, 3])):
                invoices.append(self.aftermath(self.chance.choice(invoices)))
            for _ in range(self.chance.choice([0, 0, 0, 1, 2])):
                self._entangle(invoices)
        told: list[tuple[str, Payload]] = []
        for invoice in invoices:
            told += self._records(invoice)
        if self.maybe(0.3):
            told.append(("user", self.user()))
        self.chance.shuffle(told)
        if not self.plain and len(told) > 1 and self.maybe(0.3):
            told = told[: self.chance.randrange(1, len(told))]
        messages = [self._message(kind, payload) for kind, payload in told]
        moments = sorted(self.chance.sample(range(10**7), len(messages)))
        for at, message in zip(moments, messages, strict=True):
            message["at"] = at
        if messages and self.allows("equal times") and self.maybe(0.1):
            messages[-1]["at"] = messages[0]["at"]
        messages += [  # once more, byte for byte
            {**copy.deepcopy(message), "at": message["at"] + self.chance.randrange(10**6, 10**7)}
            for message in messages
            if self.maybe(0.08)
        ]
        if self.allows("garbage") and self.maybe(0.1):
            messages.append(self._garbage())
        messages.sort(key=lambda message: message["at"])
        self._into_files(messages)
        about = {"platform": "ticketor", "number": self.number, "plain": self.plain, "huge": self.huge}
        return {**about, "messages": messages}

    def user(self) -> Payload:
        return {
            **self.person(),
            "SignupDate": self.date(self.chance.randrange(10**6)),
            "Mobile": "",
            "MailingListPermission": self.maybe(0.5),
            "SMSPermission": self.maybe(0.5),
        }

    def _entangle(self, invoices: list[Payload]) -> None:
        """One number on two invoices, an item under another invoice, an order that returns itself."""
        one, other = self.chance.choice(invoices), self.chance.choice(invoices)
        what = self.chance.choice(["items", "related", "number", "payment", "parent"])
        if what == "related":
            one["RelatedInvoiceId"] = self.chance.choice([one["Id"], other["Id"], self.base + 777, -5])
        elif what == "number" and self.allows("reused invoice ids"):
            again = self.invoice()
            again["Id"] = one["Id"]
            for name in LISTS.values():
                for each in again[name]:
                    each["InvoiceId"] = one["Id"]
            invoices.append(again)
        elif self.allows("moved items"):
            for name in LISTS.values():
                for each in list(one[name]):
                    moved = copy.deepcopy(each)
                    moved["InvoiceId"] = self.chance.choice([other["Id"], one["Id"], self.base + 778])
                    if what == "parent" or (what == "payment") == (name == "Payments"):
                        other[name].append(moved)

    def _records(self, invoice: Payload) -> Iterator[tuple[str, Payload]]:
        """The records in which an invoice and its items may come, some of them in several versions."""
        plain = {key: value for key, value in invoice.items() if key not in LISTS.values()}
        forms: list[tuple[str, Payload]] = []
        if self.maybe(0.8):
            forms.append(("details", invoice))
        if self.maybe(0.35):
            forms.append(("invoice", plain))
        for kind, name in LISTS.items():
            forms += [(kind, item) for item in invoice[name] if self.maybe(0.45)]
        if self.plain and not any(kind in ("details", "invoice") for kind, _ in forms):
            forms.append(("details", invoice))
        for kind, payload in forms:
            for version in range(self.chance.choice([1, 1, 1, 2, 3])):
                told = copy.deepcopy(payload)
                if version or self.maybe(0.25):
                    self._later(kind, told)
                yield kind, told

    def _later(self, kind: str, payload: Payload) -> None:
        """Another version: what may change in the life of a sale, forwards or back."""
        if kind in ("invoice", "details") and self.maybe(0.7):
            payload["Amount"]["Total"] = self.money()
            if not self.plain:
                payload["ReturnStatus"] = self.chance.choice(WORDS["ReturnStatus"][:4])
        if kind == "details" and not self.plain:
            name = self.chance.choice(list(LISTS.values()))
            if payload[name] and self.maybe(0.5):
                payload[name].pop(self.chance.randrange(len(payload[name])))
            elif payload[name] and self.allows("doubled items") and self.maybe(0.3):
                twin = copy.deepcopy(self.chance.choice(payload[name]))
                self._later({"Tickets": "ticket", "Products": "product", "Payments": "payment"}[name], twin)
                payload[name].append(twin)
            elif self.maybe(0.3):
                payload[name] = self.chance.choice([None, []])
        if kind == "ticket":
            if not self.plain:
                payload["Status"] = self.chance.choice(WORDS["Status"][:8])
            payload["LastScannedAt"] = self.chance.choice([None, self.date(10**6), self.date(2 * 10**6)])
            if self.maybe(0.4):
                payload["BuyPrice"] = self.money()
                payload["SellPrice"] = round(payload["BuyPrice"] + (payload["ServiceCharge"] or 0), 2)
        if kind == "product":
            payload["ReturnedAmount"] = self.chance.choice([0, 1, payload["Amount"]])
            if self.maybe(0.4):
                payload["UnitPrice"] = self.money()
        if kind == "payment" and not self.plain:
            payload["Success"] = self.chance.choice([True, False])
            if self.maybe(0.4):
                payload["Amount"] = self.money()
                payload["ChargeMethod"] = self.chance.choice(WORDS["ChargeMethod"][:6])

    def _message(self, kind: str, payload: Payload) -> dict[str, Any]:
        message: dict[str, Any] = {"kind": kind, "payload": payload, "must": True, "form": "json"}
        if not self.plain:
            marks_gone = 0
            for _ in range(self.chance.choice([0, 0, 0, 1, 1, 2, 3, 6])):
                path = self.chance.choice(list(leaves(payload)))
                sure, gone = self._mutate(payload, path)
                message["must"] &= sure
                marks_gone += gone and path[0] in MARKS[kind]
            if marks_gone > 1:
                message["must"] = False
            if self.maybe(0.05):
                payload["zap_meta_human_now"] = "now"  # a Zap adds keys of its own
            if "options" in payload and self.maybe(0.05):
                payload["Options"] = payload.pop("options")
        if kind != "details":
            # the numbers of a form are texts: whether one repeats what came as JSON is nobody's to say
            message["form"] = self.chance.choice(["json"] * 8 + ["flat", "flat" if self.plain else "form"])
        return message

    def _mutate(self, payload: Payload, path: tuple[Any, ...]) -> tuple[bool, bool]:
        """Gives a field another value that the sheet leaves room for; whether the record has to be let in all the same,
        and whether the key went away."""
        parent: Any = payload
        for step in path[:-1]:
            parent = parent[step]
        name, old = path[-1], parent[path[-1]]
        parent_name = next((step for step in reversed(path[:-1]) if isinstance(step, str)), "")
        required = parent_name == "Amount" and name in ("Total", "Currency")
        value, sure = self._other(name, old, parent_name)
        if value is ABSENT:
            del parent[name]
            return sure and not required, len(path) == 1
        parent[name] = value
        return sure and not (required and not isinstance(value, int | float)), False

    def _other(self, name: Any, old: Any, parent: str) -> tuple[Any, bool]:
        pick = self.chance.choice
        if name in ("Id", "InvoiceId", "RelatedInvoiceId") and parent not in ("Buyer", "Agent"):
            if name == "RelatedInvoiceId":
                return pick([None, 0, "0", "", self.base + 779, str(old), ABSENT]), False
            return pick([str(old), str(old), float(old) if isinstance(old, int) else old]), False
        if name == "Id":
            return pick([0, None, str(old), self.base + 900]), False
        if name in IDS:
            return pick([0, None, str(old), ABSENT]), False
        if name == "Amount" and not isinstance(old, dict):
            huge = "huge prices" if isinstance(old, int) and old < 4 else "huge amounts"  # pieces, most likely
            values = [0, -1, 1.5, str(old), None, ABSENT, *([12345678901.25] if self.allows(huge) else [])]
            value = pick(values)
            return value, isinstance(value, int | float)
        if name in MONEY or name == "ReturnedAmount":
            values = [0, -1, -12.5, 0.0001, "23.75", str(old), None, ABSENT, "", "1e2", " 5 ", "1,000.00", "$5"]
            of_product = name in ("UnitPrice", "ReturnedAmount") or (
                name in ("Discount", "Tax", "DeliveryFee") and parent not in ("Amount", "PlatformFee")
            )
            if self.allows("huge prices" if of_product else "huge amounts"):
                values += [99999999999, -12345678901.25]
            value = pick(values)
            return value, isinstance(value, int | float)
        if name in DATES:
            values: list[Any] = [
                *(None, "", ABSENT, "0001-01-01T00:00:00", "2025-03-30T01:30:00", "2025-03-30T01:30:00+05:45"),
                *("2025-02-03T15:53:48.2971234Z", "2025-02-03", "3/14/2025 8:00 PM", "soon", "2019-12-31T23:59:59Z"),
                *("1969-07-20T20:17:00Z", "2199-12-31T23:59:59.9999999Z"),
            ]
            if self.allows("far dates"):
                values += ["9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999", "0001-01-01T00:00:00Z"]
            return pick(values), True
        if name in BOOLEANS:
            return pick([True, False, "true", "True", "False", "false", None, ABSENT, 1, 0, "yes", ""]), True
        if name in COUNTS:
            return pick([0, 1, 7, -1, "2", None, ABSENT, ""]), False
        if name in WORDS:
            return pick(WORDS[name]), True
        if name in OBJECTS:
            return pick([None, ABSENT, {}, *(["a text", []] if self.allows("other types") else [])]), False
        if name in LISTS.values():
            return pick([None, [], ABSENT]), True
        if isinstance(old, str):
            values = [None, "", ABSENT, f" {old} ", old.upper(), old * 3, "line\u2028sep", "a\r\nb"]
            if self.allows("odd blanks"):
                values += [f"\u200b{old}\t", f"\ufeff{old}\r\n", f"{old}\u00a0"]
            if self.allows("other types"):
                values += [5, True, 1.5, {"a": "b"}, ["a", 1]]
            value = pick(values)
            return value, value is None or isinstance(value, str)
        return old, True

    def _garbage(self) -> dict[str, Any]:
        raw = self.chance.choice(
            [
                '{"Id": ' + str(self.id()) + ', "InvoiceType": "Sale", "Amou',
                "<html><body>502 Bad Gateway</body></html>",
                f'{{"Id": {self.id()}, "SignupDate": null, "X": NaN}}',
                '{"ping": true}',
                f'{{"Id": {self.id()}, "Event": null, "UnitPrice": 1, "InvoiceId": 5}}',
            ]
        )
        return {"kind": "garbage", "raw": raw, "must": False, "at": self.chance.randrange(10**7), "form": "json"}

    def _into_files(self, messages: list[dict[str, Any]]) -> None:
        """Which file each message stands in, how it is wrapped, and in which round it comes, one way and the other."""
        number = 0
        in_order = self.maybe(0.4)
        rounds = sorted(self.chance.randrange(ROUNDS) for _ in messages) if in_order else None
        position = 0
        while position < len(messages):
            size = self.chance.choice([1, 1, 1, 1, 2, 3])
            group = messages[position : position + size]
            if any(each["kind"] == "garbage" for each in group):
                size, group = 1, messages[position : position + 1]
            layout = "single"
            if len(group) > 1:
                layout = self.chance.choice(["lines", "crlf", "array", "joined", "indented", "requests"])
            file = {
                "name": number,
                "layout": layout,
                "gzip": self.maybe(0.1),
                "folder": self.chance.choice(["", "", "day", "day", "invoices", "payment"]),
                "dated": self.maybe(0.5),
                "round": rounds[position] if rounds else self.chance.randrange(ROUNDS),
                "other_round": self.chance.randrange(2),
                "copied": self.allows("copied files") and self.maybe(0.05),
                "grows": self.allows("growing files") and self.maybe(0.3),
            }
            for each in group:
                wraps = ["object", "text", "base64", "gateway", "event"]
                if not self.plain or len(group) == 1:
                    wraps += ["bare", "bare"]
                each["wrap"] = "object" if layout == "requests" else self.chance.choice(wraps)
                if each["kind"] == "garbage":
                    each["wrap"] = "bare"
                if each["form"] == "form" and layout not in ("single", "lines", "crlf") and each["wrap"] == "bare":
                    each["form"] = "json"
                if each["form"] == "form" and each["wrap"] in ("object", "event"):
                    each["form"] = "json" if each["wrap"] == "object" and layout == "requests" else "form"
                each["file"] = file
            if any(each["wrap"] == "bare" for each in group):
                latest = max(each["at"] for each in group)
                for each in group:
                    if each["wrap"] == "bare":
                        each["at"] = latest  # the file's time is all there is
            number += 1
            position += len(group)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of a payload that can be given another value: of fields, objects and lists."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict):
            yield (*path, key)
        if isinstance(inner, dict | list):
            yield from leaves(inner, (*path, key))


def body_of(message: dict[str, Any]) -> str:
    """The body that was posted."""
    if "raw" in message:
        return message["raw"]
    payload = message["payload"]
    if message["form"] == "json":
        return json.dumps(payload, ensure_ascii=False)
    flat = dict(_flattened(payload))
    if message["form"] == "flat":
        return json.dumps(flat, ensure_ascii=False)
    return urlencode({key: "" if value is None else str(value) for key, value in flat.items()})


def _flattened(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flattened(inner, f"{prefix}{key}__") if inner else [(f"{prefix}{key}", None)]
        else:
            yield f"{prefix}{key}", inner


def moment_of(at: float) -> dt.datetime:
    return START + dt.timedelta(seconds=at)


def _wrapped(message: dict[str, Any]) -> str:
    body, when = body_of(message), moment_of(message["at"]).isoformat()
    is_json = message["form"] != "form" and "raw" not in message
    inner = json.loads(body) if is_json else body
    wrap = message["wrap"]
    if wrap == "bare":
        return body
    if wrap == "object":
        envelope: dict[str, Any] = {"id": "r1", "headers": {"a": "b"}, "body": inner, "received_at": when}
    elif wrap == "text":
        envelope = {"headers": {}, "body": body, "received_at": when}
    elif wrap == "base64":
        envelope = {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True, "received_at": when}
    elif wrap == "gateway":
        epoch = round(moment_of(message["at"]).timestamp() * 1000)
        envelope = {"requestContext": {"timeEpoch": epoch}, "body": body, "isBase64Encoded": False}
    else:
        envelope = {"eventType": "invoice.created", "payload": inner, "timestamp": when}
    return json.dumps(envelope, ensure_ascii=False)


def files(sequence: Sequence) -> Iterator[tuple[dict[str, Any], File]]:
    """The files of a sequence, each with what ``messages`` say of it (its rounds). A file that grows comes twice, under
    one name: in the round before without its last line."""
    by_name: dict[int, list[dict[str, Any]]] = {}
    for message in sequence["messages"]:
        by_name.setdefault(message["file"]["name"], []).append(message)
    for name, group in by_name.items():
        file = group[0]["file"]
        whole = _file(sequence, name, file, group)
        by_envelope = all(message["wrap"] not in ("bare", None) for message in group)
        if file.get("grows") and file["layout"] == "lines" and by_envelope and len(group) > 1 and file["round"]:
            begun = _file(sequence, name, file, group[:-1])
            whole = whole._replace(mtime=None)
            yield {**file, "round": file["round"] - 1, "other_round": -1}, begun._replace(path=whole.path, mtime=None)
        yield file, whole
        if file.get("copied"):
            yield file, whole._replace(path=f"{whole.path}.copy.json")


def _file(sequence: Sequence, name: int, file: dict[str, Any], group: list[dict[str, Any]]) -> File:
    pieces = [_wrapped(message) for message in group]
    layout = file["layout"]
    joined: dict[str, Callable[[], str]] = {
        "single": lambda: "\n".join(pieces),
        "lines": lambda: "\n".join(pieces) + "\n",
        "crlf": lambda: "\r\n\r\n".join(pieces),
        "array": lambda: "[" + ", ".join(pieces) + "]",
        "joined": lambda: "".join(pieces),
        "indented": lambda: "\n".join(json.dumps(json.loads(piece), indent=2) for piece in pieces),
        "requests": lambda: '{"endpoint": "e", "requests": [' + ",".join(pieces) + "]}",
    }
    content = joined[layout]().encode()
    if file["gzip"]:
        content = gzip.compress(content, mtime=0)
    moment = moment_of(max(message["at"] for message in group))
    folder = {"": "", "day": f"{moment:%Y-%m-%d}/"}.get(file["folder"], file["folder"] + "/")
    stem = f"{base_of(sequence['number'])}-{name}"  # a huge number might be taken for a time
    if file["dated"]:
        stem = f"{moment:%Y%m%dT%H%M%S.%fZ}_{stem}"
    must = sum(message["must"] for message in group)
    return File(f"{folder}{stem}.json", content, moment.timestamp(), len(group), must)


def write(folder: Path, file: File) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    if file.mtime is not None:
        os.utime(path, (file.mtime, file.mtime))


# what plain sequences must come to


def expected(sequence: Sequence) -> dict[str, dict[Any, Any]]:
    """The rows of a plain sequence by the sheet's merge rules: latest receipt wins, an exact duplicate keeps its first
    receipt, a scan and a returned quantity never go back, a plain invoice removes nothing."""
    rows: dict[str, dict[Any, Any]] = {name: {} for name in ("orders", "tickets", "products", "payments", "paid")}
    seen: set[str] = set()
    for message in sorted(sequence["messages"], key=lambda each: each["at"]):
        payload = message["payload"]
        text = message["kind"] + json.dumps(payload, sort_keys=True)
        if text in seen:
            continue
        seen.add(text)
        kind = message["kind"]
        if kind in ("invoice", "details"):
            rows["orders"][payload["Id"]] = payload["Amount"]["Total"], payload["Amount"]["Currency"]
        for each in payload.get("Tickets", [payload] if kind == "ticket" else []):
            key = each["InvoiceId"], each["Id"]
            rows["tickets"][key] = each["SellPrice"]
        for each in payload.get("Products", [payload] if kind == "product" else []):
            returned = rows["products"].get(each["Id"], (0, 0, 0, 0))[3]
            rows["products"][each["Id"]] = (
                each["InvoiceId"],
                each["Amount"],
                each["UnitPrice"],
                max(returned, each["ReturnedAmount"]),
            )
        for each in payload.get("Payments", [payload] if kind == "payment" else []):
            rows["payments"][each["Id"]] = each["InvoiceId"], each["Amount"], each["Currency"]
    for invoice, amount, _ in rows["payments"].values():
        rows["paid"][invoice] = round(rows["paid"].get(invoice, 0) + amount, 4)
    return rows


def item_keys(sequence: Sequence) -> set[tuple[str, str]]:
    """The ids that surely have rows: of records that have to be let in, and of no invoice that may be a return, whose
    items are those of the sale it returns."""
    no_sales = {
        str(int(Decimal(str(message["payload"]["Id"]))))
        for message in sequence["messages"]
        if message["kind"] in ("invoice", "details")
        and (
            message["payload"].get("InvoiceType") not in ("Sale", "sale", "SALE")
            or message["payload"].get("RelatedInvoiceId", 0) != 0
        )
    }
    keys: set[tuple[str, str]] = set()
    for message in sequence["messages"]:
        if not message["must"]:
            continue
        kind, payload = message["kind"], message["payload"]
        if kind in ("invoice", "details"):
            keys.add(("fct_orders", str(payload["Id"])))
        elif kind in LISTS and str(payload["InvoiceId"]) not in no_sales:
            name = {"ticket": "fct_tickets", "product": "fct_product_sales", "payment": "fct_payments"}[kind]
            if payload["Id"]:
                keys.add((name, str(payload["Id"])))
    return keys
