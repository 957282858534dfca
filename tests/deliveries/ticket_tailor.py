"""Ticket Tailor's lists as a box office may show them between any two reads, also in ways nobody has documented.

A sequence is one state a round: the objects of each list, whole. What a state says of an order need not follow from
what the state before said.
"""

import copy
import datetime as dt
import random
from collections.abc import Callable
from typing import Any

from tests.deliveries.sequences import ROUNDS, Sequence, base_of

Object = dict[str, Any]
State = dict[str, list[Object]]

START = dt.datetime(2025, 2, 1, 9, tzinfo=dt.UTC)
LISTS = (
    *("orders", "events", "issued_tickets", "event_series", "check_ins", "products", "discounts", "vouchers"),
    *("voucher_codes", "holds", "membership_types", "issued_memberships", "waitlist_signups"),
)
SHAPES = (
    "gone orders",
    "replaced tickets",
    "changed currency",
    "changed event",
    "moved tickets",
    "lines removed",
    "refund reversed",
    "far dates",
    "odd multipliers",
    "odd blanks",
    "huge amounts",
    "negative amounts",
    "add-ons",
    "other types",
    "line ids",
)
ABSENT = "(absent)"
MONEY = ("subtotal", "tax", "total", "total_paid", "refund_amount", "credited_out_amount")


class Maker:
    """Draws one sequence: a first state, then what happened to it before each later round."""

    def __init__(self, chance: random.Random, number: int, without: frozenset[str] = frozenset(), plain: bool = False):
        self.chance, self.number, self.without, self.plain = chance, number, without, plain
        self.base = base_of(number)
        self.names = iter(range(1, 800))
        self.currency = chance.choice([("gbp", 100), ("usd", 100), ("eur", 100), ("jpy", 1)])
        if not plain and "odd multipliers" not in without:
            self.currency = chance.choice([self.currency] * 4 + [("kwd", 1000), ("gbp", 1), ("huf", 100), ("jpy", 100)])

    def maybe(self, chance: float) -> bool:
        return self.chance.random() < chance

    def allows(self, shape: str) -> bool:
        return shape not in self.without and not self.plain

    def id(self, prefix: str) -> str:
        return f"{prefix}_{self.base + next(self.names)}"

    def unix(self, most: int = 10**7) -> int:
        return int(START.timestamp()) + self.chance.randrange(most)

    def created(self, unix: int) -> Any:
        """One of the four ways to write a time."""
        moment = dt.datetime.fromtimestamp(unix, dt.UTC)
        whole = {
            "date": f"{moment:%Y-%m-%d}",
            "formatted": f"{moment:%a %d %b %Y %I:%M %p}",
            "iso": moment.isoformat(),
            "time": f"{moment:%H:%M}",
            "timezone": "+00:00",
            "unix": unix,
        }
        return self.chance.choice([unix, whole, moment.isoformat(), str(unix), None])

    def moment(self, unix: int) -> Object:
        moment = dt.datetime.fromtimestamp(unix, dt.UTC)
        return {
            "date": f"{moment:%Y-%m-%d}",
            "formatted": f"{moment:%a %d %b %Y %I:%M %p}",
            "iso": moment.isoformat(),
            "time": f"{moment:%H:%M}",
            "timezone": "+00:00",
            "unix": unix,
        }

    # what there is

    def event(self) -> Object:
        start = self.unix()
        return {
            "object": "event",
            "id": self.id("ev"),
            "event_series_id": f"es_{self.base + 800}",
            "name": f"Show {self.base}",
            "description": None,
            "status": self.chance.choice(["published", "draft", "sales_closed"]),
            "created_at": self.unix(),
            "start": self.moment(start),
            "end": self.moment(start + 7200),
            "timezone": self.chance.choice(["Europe/London", "America/New_York", "Asia/Kathmandu"]),
            "currency": self.currency[0],
            "venue": {"name": "Hall", "postal_code": None, "country": "GB"},
            "private": "false",
            "hidden": "false",
            "tickets_available": "true",
            "ticket_types": [
                {
                    "id": f"tt_{self.base + 810 + index}",
                    "name": ["Adult", "Child"][index],
                    "price": 1000,
                    "booking_fee": 0,
                    "status": "on_sale",
                    "type": "paid",
                    "quantity": 40,
                    "quantity_total": 40,
                    "quantity_issued": 1,
                    "quantity_held": 0,
                }
                for index in range(2)
            ],
            "ticket_groups": [],
            "bundles": [],
            "payment_methods": [],
            "total_holds": 0,
            "total_issued_tickets": self.chance.randrange(5),
            "total_orders": self.chance.randrange(5),
            "revenue": self.chance.randrange(5000),
            "max_tickets_sold_per_occurrence": self.chance.choice([None, 100]),
            "url": "https://example.org",
        }

    def ticket(self, order: str | None, event: Object, price: int) -> Object:
        unix = self.unix()
        return {
            "object": "issued_ticket",
            "id": self.id("it"),
            "order_id": order,
            "event_id": event["id"],
            "event_series_id": event["event_series_id"],
            "ticket_type_id": event["ticket_types"][self.chance.randrange(2)]["id"],
            "add_on_id": None,
            "description": "Adult",
            "status": "valid",
            "voided_at": None,
            "created_at": unix,
            "updated_at": unix,
            "checked_in": "false",
            "source": "checkout" if order else self.chance.choice(["api", "dashboard_import"]),
            "listed_price": price,
            "listed_currency": {"base_multiplier": self.currency[1], "code": self.currency[0]},
            "full_name": None,
            "first_name": None,
            "last_name": None,
            "email": f"guest{self.base}@example.org",
            "custom_questions": [],
            "barcode": f"0{self.base}",
            "group_ticket_barcode": None,
            "reference": None,
            "reservation": self.chance.choice([None, "23-3", "B-7"]),
        }

    def line(self, kind: str, item: str | None, quantity: int, value: int, fee: int = 0) -> Object:
        return {
            "object": "line_item",
            "id": self.id("li"),
            "type": kind,
            "item_id": item,
            "description": kind,
            "quantity": quantity,
            "value": value,
            "total": quantity * value,
            "booking_fee": fee,
            "store_id": None,
        }

    def order(self, event: Object) -> tuple[Object, list[Object]]:
        number, unix = self.id("or"), self.unix()
        tickets, lines = [], []
        for _ in range(self.chance.choice([0, 1, 1, 1, 2])):
            count, price = self.chance.choice([1, 1, 2]), self.chance.choice([0, 1000, 2550, 999])
            fresh = [self.ticket(number, event, price) for _ in range(count)]
            for each in fresh:
                each["ticket_type_id"] = fresh[0]["ticket_type_id"]
            tickets += fresh
            lines.append(self.line("ticket", fresh[0]["ticket_type_id"], count, price))
        extras = [
            ("product", f"pr_{self.base + 820}", 500),
            ("transaction_charge", None, 75),
            ("tax", None, 120),
            ("gift_card", None, -300),
            ("donation", None, 1000),
            ("bundle", f"bu_{self.base + 830}", 1500),
            ("void", None, -100),
            ("something", None, 42),
            *([("add_on", f"ao_{self.base + 840}", 1000)] if self.allows("add-ons") else []),
        ]
        for kind, item, value in self.chance.sample(extras, self.chance.choice([0, 0, 1, 2])):
            if not self.plain or kind in ("product", "transaction_charge", "donation"):
                lines.append(self.line(kind, item, 1, value))
        total = sum(each["total"] for each in lines)
        payment = self.chance.choice(["stripe", "stripe", "paypal", "offline", "no_cost", "operator", "square"])
        if self.plain:
            payment = "stripe" if total else "no_cost"
        return {
            "object": "order",
            "id": number,
            "created_at": unix,
            "status": "completed" if self.plain else self.chance.choice(["completed", "completed", "pending"]),
            "status_message": None,
            "buyer_details": {
                "address": {"address_1": None, "address_2": None, "address_3": None, "postal_code": None},
                "custom_questions": [],
                "email": f"Guest{self.base}@Example.org",
                "first_name": "Ada",
                "last_name": "Low",
                "name": "Ada Low",
                "phone": None,
            },
            "currency": {"base_multiplier": self.currency[1], "code": self.currency[0]},
            "event_summary": self.summary(event),
            "issued_tickets": copy.deepcopy(tickets),
            "line_items": lines,
            "sold_products": None,
            "payment_method": {
                "external_id": None,
                "id": None if payment == "no_cost" else f"pm_{self.base + 850}",
                "instructions": None,
                "name": None if payment == "no_cost" else payment.title(),
                "type": payment,
            },
            "txn_id": "--" if payment == "no_cost" else f"ch_{self.base}",
            "subtotal": total,
            "tax": 0,
            "total": total,
            "total_paid": total,
            "tax_treatment": "exclusive",
            "refund_amount": 0,
            "credited_out_amount": 0,
            "refunded_voucher_id": None,
            "referral_tag": None,
            "meta_data": [],
            "marketing_opt_in": None,
            "notes": None,
        }, tickets

    def summary(self, event: Object) -> Object:
        return {
            "id": event["id"],
            "event_id": event["id"],
            "event_series_id": event["event_series_id"],
            "name": event["name"],
            "start_date": event["start"],
            "end_date": event["end"],
            "venue": event["venue"],
        }

    def first(self) -> State:
        state: State = {name: [] for name in LISTS}
        state["events"] = [self.event() for _ in range(1 if self.plain else self.chance.choice([1, 2]))]
        for _ in range(self.chance.choice([1, 1, 2])):
            order, tickets = self.order(self.chance.choice(state["events"]))
            state["orders"].append(order)
            state["issued_tickets"] += tickets
        if self.plain:
            return state
        if self.maybe(0.2):
            state["issued_tickets"].append(self.ticket(None, state["events"][0], 1000))
        if self.maybe(0.4):
            self._side_lists(state)
        for _ in range(self.chance.choice([0, 0, 1, 3])):
            self.change(state)
        return state

    def _side_lists(self, state: State) -> None:
        created, event = self.unix(), state["events"][0]
        if self.maybe(0.5):
            state["event_series"].append(
                {
                    "object": "event_series",
                    "id": event["event_series_id"],
                    "name": event["name"],
                    "created_at": self.created(created),
                    "status": "published",
                    "currency": self.currency[0],
                    "total_occurrences": 1,
                    "default_ticket_types": event["ticket_types"],
                }
            )
            if self.maybe(0.5):
                state["waitlist_signups"].append(
                    {
                        "id": self.id("ws"),
                        "parent": event["event_series_id"],
                        "event_id": event["id"],
                        "email": "waiting@example.org",
                        "created_at": self.created(created),
                    }
                )
        for ticket in state["issued_tickets"]:
            if self.maybe(0.5):
                state["check_ins"].append(
                    {
                        "object": "check_in",
                        "id": self.id("ci"),
                        "event_id": ticket["event_id"],
                        "event_series_id": ticket["event_series_id"],
                        "issued_ticket_id": ticket["id"],
                        "check_in_at": created,
                        "created_at": created,
                        "quantity": self.chance.choice([1, 1, -1]),
                    }
                )
        currency = self.chance.choice([self.currency[0].upper(), self.currency[0], None])
        state["products"].append(
            {
                "object": "product",
                "id": f"pr_{self.base + 820}",
                "name": "Mug",
                "price": self.chance.choice([500, None, 0]),
                "booking_fee": 0,
                "currency": currency,
                "status": self.chance.choice(["ON_SALE", "hidden", None]),
                "quantity": None,
                "issued_count": 1,
                "sell_in_store": "true",
                "fulfilment_type": self.chance.choice([None, "ISSUED_MEMBERSHIP"]),
                "created_at": self.created(created),
            }
        )
        voucher = self.id("vo")
        state["vouchers"].append(
            {
                "object": "voucher",
                "id": voucher,
                "name": "Gift",
                "type": self.chance.choice(["PROMO", "GIFT", "refund"]),
                "value": 1000,
                "currency": currency,
                "total_codes": 1,
                "expiry": None,
            }
        )
        state["voucher_codes"].append(
            {"id": self.id("vc"), "parent": voucher, "code": "ABC", "voucher_id": voucher, "value": 1000, "used": None}
        )
        state["holds"].append(
            {
                "object": "hold",
                "id": self.id("ho"),
                "event_id": event["id"],
                "created_at": self.created(created),
                "update_at": self.created(created),
                "note": "",
                "total_on_hold": 2,
                "quantities": [{"ticket_type_id": event["ticket_types"][0]["id"], "quantity": 2}],
            }
        )
        state["discounts"].append(
            {
                "object": "discount",
                "id": self.id("di"),
                "code": "TEN",
                "type": "percentage",
                "face_value_percentage": 10,
            }
        )
        kind = self.id("mt")
        state["membership_types"].append({"object": "membership_type", "id": kind, "name": "Friend", "price": 100})
        state["issued_memberships"].append(
            {
                "object": "issued_membership",
                "id": self.id("im"),
                "membership_type_id": kind,
                "issue_date": self.moment(created),
                "is_valid": "true",
                "voided_at": None,
            }
        )

    # what happens

    def change(self, state: State) -> None:
        """One thing that happens to the state, documented or not."""
        changes: list[tuple[str, Callable[[State], None]]] = [
            ("", self._status),
            ("", self._refund),
            ("", self._pay),
            ("", self._void),
            ("", self._event_counter),
            ("", self._field),
            ("", self._line),
            ("gone orders", self._gone),
            ("replaced tickets", self._replace),
            ("changed currency", self._currency),
            ("changed event", self._other_event),
            ("moved tickets", self._move),
            ("lines removed", self._lines_removed),
            ("negative amounts", self._negative),
            ("line ids", self._line_ids),
        ]
        shape, change = self.chance.choice(changes)
        if (not shape or self.allows(shape)) and (state["orders"] or change in (self._event_counter,)):
            change(state)

    def _order(self, state: State) -> Object:
        return self.chance.choice(state["orders"])

    def _status(self, state: State) -> None:
        self._order(state)["status"] = self.chance.choice(
            ["completed", "pending", "cancelled", "canceled", "Completed", "refunded", "CANCELLED ", "", None, "failed"]
        )

    def _refund(self, state: State) -> None:
        order = self._order(state)
        total = order["total"] if type(order.get("total")) is int else 0
        amounts = [total, total // 2, min(100, total), total + 50]
        if self.allows("refund reversed"):
            amounts.append(0)
        order["refund_amount"] = self.chance.choice(amounts)
        if self.maybe(0.2):
            order["credited_out_amount"] = self.chance.choice([total, 100])
            order["refunded_voucher_id"] = self.chance.choice([None, f"vo_{self.base + 860}"])
        if self.maybe(0.3):
            order["status"] = "cancelled"

    def _pay(self, state: State) -> None:
        order = self._order(state)
        total = order["total"] if type(order.get("total")) is int else 0
        order["total_paid"] = self.chance.choice([0, total, total // 2, total + 100, None])
        order["payment_method"] = self.chance.choice(
            [{**(order.get("payment_method") or {}), "type": kind} for kind in ("stripe", "offline", None, "bitcoin")]
            + [None]
        )

    def _copies(self, state: State, ticket: str) -> list[Object]:
        """A ticket wherever it stands: in its list and in orders; now and then only in one of the two."""
        copies = [each for each in state["issued_tickets"] if each["id"] == ticket]
        nested = [each for order in state["orders"] for each in order.get("issued_tickets") or []]
        return copies + [each for each in nested if each["id"] == ticket and self.maybe(0.85)]

    def _void(self, state: State) -> None:
        if not state["issued_tickets"]:
            return
        chosen = self.chance.choice(state["issued_tickets"])["id"]
        status = self.chance.choice(["voided", "void", "valid", "Voided", "VALID", "transferred", "", None])
        voided_at = self.chance.choice([self.unix(), None, 0, "", str(self.unix())])
        for each in self._copies(state, chosen):
            each["status"], each["voided_at"] = status, voided_at
            each["checked_in"] = self.chance.choice(["true", "false", True, False, None])
        if self.maybe(0.3):
            order = self._order(state)
            if order.get("line_items"):
                line = self.line("void", order["line_items"][0].get("item_id"), 1, -1000)
                order["line_items"].append(line)
                if type(order.get("total")) is int and self.maybe(0.7):
                    order["total"] -= 1000

    def _event_counter(self, state: State) -> None:
        if not state["events"]:
            return
        event = self.chance.choice(state["events"])
        what = self.chance.choice(["name", "total_orders", "status", "start", "gone", "timezone", "currency"])
        if what == "gone":
            state["events"].remove(event)
        elif what == "start":
            later = self.unix(2 * 10**7)
            event["start"] = self.moment(later)
            if self.allows("far dates") and self.maybe(0.2):
                event["start"] = self.chance.choice(
                    [{**self.moment(0), "unix": 253402300799, "iso": "9999-12-31T23:59:59+00:00"}, None, ""]
                )
        else:
            event[what] = {
                "name": f"Renamed {self.base}",
                "total_orders": self.chance.choice([7, None, "3"]),
                "status": self.chance.choice(["published", "close_sales", "Deleted", None]),
                "timezone": self.chance.choice(["Europe/Paris", "Mars/Base", None, ""]),
                "currency": self.chance.choice(["usd", "USD", None]),
            }[what]

    def _field(self, state: State) -> None:
        """A field of an order, a line or a ticket is absent, null, empty, of another type or in another case."""
        order = self._order(state)
        parts = [order, *(order.get("line_items") or []), *(order.get("issued_tickets") or [])]
        parts += [each for each in state["issued_tickets"] if self.maybe(0.5)]
        target = self.chance.choice(parts)
        name = self.chance.choice([key for key in target if key not in ("id", "object")])
        old = target[name]
        values: list[Any] = [None, ABSENT]
        if name == "created_at":
            values = [self.created(old) if type(old) is int else old, old]
            if self.allows("far dates"):
                values += [253402300799, -1, 0, 10**12]
        elif name in ("issued_tickets", "line_items", "meta_data", "custom_questions"):
            values += [[]]
        elif name in ("currency", "listed_currency"):
            values += [{"code": "GBP", "base_multiplier": 100}, {"code": "gbp", "base_multiplier": "100"}, {}]
            if self.allows("odd multipliers"):
                values += [{"code": "gbp"}, {"code": "jpy", "base_multiplier": 0}, {"code": None, "base_multiplier": 1}]
        elif type(old) is int:
            values += [str(old), 0, float(old), ""]
            if self.allows("huge amounts") and name in (*MONEY, "value", "listed_price"):
                values += [99999999999]
        elif isinstance(old, str):
            values += ["", old.upper(), f" {old} "]
            if self.allows("other types"):
                values += [5, True, {"a": "b"}, ["a", 1]]
            if self.allows("odd blanks"):
                values += [f"\u200b{old}\t", f"{old}\u00a0"]
        elif isinstance(old, dict):
            values += [{}]
        value = self.chance.choice(values)
        if value is ABSENT:
            del target[name]
        else:
            target[name] = value

    def _line(self, state: State) -> None:
        order = self._order(state)
        lines = order.get("line_items") or []
        if lines and self.maybe(0.5):
            line = self.chance.choice(lines)
            line["total"] = self.chance.choice([0, 100, line.get("total"), 5000])
        elif isinstance(order.get("line_items"), list):
            kind = self.chance.choice(["donation", "transaction_charge", "gift_card", "refund", "tax", "ticket"])
            order["line_items"].append(self.line(kind, None, 1, self.chance.choice([-500, 0, 250])))
            if self.maybe(0.5) and type(order.get("total")) is int:
                order["total"] += order["line_items"][-1]["total"]

    def _gone(self, state: State) -> None:
        what = self.chance.choice(["order", "order and tickets", "tickets", "one ticket"])
        order = self._order(state)
        if what.startswith("order"):
            state["orders"].remove(order)
        if "tickets" in what:
            state["issued_tickets"] = [each for each in state["issued_tickets"] if each.get("order_id") != order["id"]]
        if what == "one ticket" and state["issued_tickets"]:
            gone = state["issued_tickets"].pop(self.chance.randrange(len(state["issued_tickets"])))
            if self.maybe(0.7) and order.get("issued_tickets"):
                order["issued_tickets"] = [each for each in order["issued_tickets"] if each["id"] != gone["id"]]

    def _replace(self, state: State) -> None:
        order = self._order(state)
        if not state["events"]:
            return
        fresh = [self.ticket(order["id"], self.chance.choice(state["events"]), 1000) for _ in range(2)]
        state["issued_tickets"] = [each for each in state["issued_tickets"] if each.get("order_id") != order["id"]]
        state["issued_tickets"] += fresh
        order["issued_tickets"] = copy.deepcopy(fresh)

    def _currency(self, state: State) -> None:
        code, multiplier = self.chance.choice([("usd", 100), ("jpy", 1), ("kwd", 1000), ("EUR", 100)])
        self._order(state)["currency"] = {"base_multiplier": multiplier, "code": code}

    def _other_event(self, state: State) -> None:
        order = self._order(state)
        other = self.event()
        if self.maybe(0.7):
            state["events"].append(other)
        order["event_summary"] = self.chance.choice([self.summary(other), None])
        if self.maybe(0.6):
            for each in order.get("issued_tickets") or []:
                for ticket in self._copies(state, each["id"]):
                    ticket["event_id"] = other["id"]

    def _move(self, state: State) -> None:
        if not state["issued_tickets"]:
            return
        ticket, order = self.chance.choice(state["issued_tickets"]), self._order(state)
        target = self.chance.choice([order["id"], None, f"or_{self.base + 870}"])
        for each in self._copies(state, ticket["id"]):
            each["order_id"] = target
        if self.maybe(0.5) and target == order["id"]:
            for each in state["orders"]:
                if each.get("issued_tickets"):
                    each["issued_tickets"] = [one for one in each["issued_tickets"] if one["id"] != ticket["id"]]
            order["issued_tickets"] = [*(order.get("issued_tickets") or []), copy.deepcopy(ticket)]

    def _lines_removed(self, state: State) -> None:
        order = self._order(state)
        if order.get("line_items"):
            order["line_items"].pop(self.chance.randrange(len(order["line_items"])))

    def _line_ids(self, state: State) -> None:
        """Lines and copies of tickets without an id, or with one that another has."""
        order = self._order(state)
        name = self.chance.choice(["line_items", "issued_tickets"])
        if order.get(name):
            each = self.chance.choice(order[name])
            each["id"] = self.chance.choice([None, "", order[name][0]["id"]])
            if self.maybe(0.3):
                order[name].append(copy.deepcopy(each))

    def _negative(self, state: State) -> None:
        order = self._order(state)
        name = self.chance.choice(MONEY)
        order[name] = self.chance.choice([-100, -1])

    # rounds

    def sequence(self) -> Sequence:
        states = [self.first()]
        original = states[0]
        for _ in range(ROUNDS - 1):
            state = copy.deepcopy(states[-1])
            if self.plain:
                self._refund_more(state)
            elif self.maybe(0.15):
                state = copy.deepcopy(original)  # gone and back, reversed
            else:
                for _ in range(self.chance.choice([0, 1, 1, 2, 4])):
                    self.change(state)
            states.append(state)
        if not self.plain and self.maybe(0.15):
            states[0] = {name: [] for name in LISTS}
        return {"platform": "ticket_tailor", "number": self.number, "plain": self.plain, "states": states}

    def _refund_more(self, state: State) -> None:
        for order in state["orders"]:
            left = order["total_paid"] - order["refund_amount"]
            if left > 0 and self.maybe(0.4):
                order["refund_amount"] += self.chance.choice([left, min(left, 100)])


def expected(sequence: Sequence) -> dict[str, tuple[str, float, float]]:
    """Of a plain sequence: each order's currency, total and receipts, from its last state."""
    return {
        order["id"]: (
            order["currency"]["code"].upper(),
            order["total"] / order["currency"]["base_multiplier"],
            (order["total_paid"] - order["refund_amount"]) / order["currency"]["base_multiplier"],
        )
        for order in sequence["states"][-1]["orders"]
    }
