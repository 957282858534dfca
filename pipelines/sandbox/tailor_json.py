"""Orders, tickets and check-ins as Ticket Tailor's API shows them (shapes of 2026, seen in public captures).

Booleans are the strings "true" and "false", amounts whole minor units, ``created_at`` unix seconds.
"""

import datetime
import functools
from typing import Any

import orjson

from sandbox.catalogue import DIGITS, LEVELS, VENUE_NAME, Event, Person
from sandbox.tailor import LooseTicket
from sandbox.tailor_goods import ticket_type_number
from sandbox.tailor_order import FIRST_TICKET, TICKET_LAG, TICKETS_AN_ORDER, Order, State
from sandbox.venue import Venue

Json = dict[str, Any]

_LINE_TYPES = {
    "ticket": "ticket",
    "bundle": "bundle",
    "product": "product",
    "membership": "membership",
    "donation": "donation",
    "charge": "transaction_charge",
    "tax": "tax",
    "gift_card": "gift_card",
    "discount": "gift_card",
    "promotion": "gift_card",
    "voucher": "gift_card",
}
_MULTIPLIERS = {code: 10**digits for code, digits in DIGITS.items()}
_CURRENCIES = {
    code: orjson.Fragment(orjson.dumps({"base_multiplier": multiplier, "code": code.lower()}))
    for code, multiplier in _MULTIPLIERS.items()
}
_NO_METHOD = {
    "additional_stripe_payment_methods": [],
    "external_id": None,
    "id": None,
    "instructions": None,
    "lead_time_before_event": None,
    "name": None,
}
_METHODS = {
    kind: orjson.Fragment(orjson.dumps({**_NO_METHOD, "id": number, "name": name, "type": kind}))
    for kind, number, name in (
        ("stripe", "pm_101", "Card"),
        ("paypal", "pm_102", "PayPal"),
        ("offline", "pm_103", "Bank transfer"),
        ("operator", "pm_104", "Box office"),
        ("no_cost", None, None),
    )
}


def event_id(event: Event) -> str:
    return f"ev_{6_000_000 + event.index}"


def series_id(series: int) -> str:
    return f"es_{300_000 + series}"


def moment(unix: int, zone: datetime.tzinfo) -> Json:
    """The platform's date object; its ``timezone`` is an offset, not a name."""
    local = datetime.datetime.fromtimestamp(unix, zone)
    iso = local.isoformat(timespec="seconds")
    return {
        "date": f"{local:%Y-%m-%d}",
        "formatted": f"{local:%a} {local.day} {local:%b %Y %H:%M}",
        "iso": iso,
        "time": f"{local:%H:%M}",
        "timezone": iso[-6:],
        "unix": unix,
    }


@functools.lru_cache(maxsize=2048)
def _event_summary(venue: Venue, event: Event, start: int) -> orjson.Fragment:
    zone = venue.zone
    return orjson.Fragment(
        orjson.dumps(
            {
                "id": event_id(event),
                "event_id": event_id(event),
                "event_series_id": series_id(event.series),
                "name": event.title,
                "start_date": moment(start, zone),
                "end_date": moment(start + event.end - event.start, zone),
                "venue": {"country": "GB", "name": VENUE_NAME, "postal_code": "ZZ1 1ZZ"},
            }
        )
    )


def order_document(venue: Venue, order: Order, state: State, now: int) -> Json:
    """The order in ``state``; ``now`` decides whether its event has been postponed by then."""
    buyer = order.buyer
    lines = [_line(order, n) for n in range(len(order.lines))]
    lowered = 0
    for ticket, amount in state.void_lines:
        lines.append(_void_line(order, ticket, amount))
        lowered += amount
    total = order.charged - (lowered if order.void_lowers_total else 0)
    summary = None
    if order.event is not None:
        summary = _event_summary(venue, order.event, order.event.start_at(now))
    cancelled = state.status == order.cancelled_word
    document = {
        "object": "order",
        "id": order.id,
        "created_at": order.created,
        "status": state.status,
        "status_message": "The buyer cannot come (by Pat Example)" if cancelled else None,
        "buyer_details": _buyer(buyer),
        "currency": _CURRENCIES[order.currency],
        "event_summary": summary,
        "line_items": lines,
        "issued_tickets": ticket_documents(order, state),
        "payment_method": _METHODS[order.paid_with],
        "marketing_opt_in": "true" if buyer.mailing else None,
        "meta_data": [],
        "notes": None,
        "referral_tag": order.referral,
        "refund_amount": state.refunded,
        "refunded_voucher_id": f"vo_{9_000_000 + order.index}" if state.voucher else None,
        "credited_out_amount": state.credited,
        "sold_products": None,
        "subtotal": order.goods,
        "tax": order.tax,
        "tax_treatment": order.tax_treatment,
        "total": total,
        "total_paid": state.paid,
        "txn_id": transaction(order),
    }
    if order.old_shape:
        for newer in ("total_paid", "credited_out_amount", "refunded_voucher_id", "sold_products", "notes"):
            del document[newer]
        for line in lines:
            line["value"], line["total"] = str(line["value"]), str(line["total"])
    return document


def _buyer(buyer: Person) -> Json:
    return {
        "address": {"address_1": None, "address_2": None, "address_3": None, "postal_code": None},
        "custom_questions": [],
        "email": buyer.email,
        "first_name": buyer.first,
        "last_name": buyer.last,
        "name": f"{buyer.first} {buyer.last}",
        "phone": buyer.phone or None,
    }


def _line(order: Order, number: int) -> Json:
    line = order.lines[number]
    return {
        "object": "line_item",
        "id": f"li_{FIRST_TICKET + order.index * TICKETS_AN_ORDER + number}",
        "booking_fee": line.fee_given,
        "description": line.description,
        "item_id": line.item,
        "quantity": line.quantity,
        "store_id": None,
        "total": line.total,
        "type": _LINE_TYPES[line.meaning],
        "value": line.value,
    }


def _void_line(order: Order, ticket: int, amount: int) -> Json:
    seat = order.seats[ticket]
    return {
        "object": "line_item",
        "id": f"li_{FIRST_TICKET + order.index * TICKETS_AN_ORDER + 8 + ticket % 8}",
        "booking_fee": 0,
        "description": f"Voided: {LEVELS[seat.level]}",
        "item_id": None,
        "quantity": 1,
        "store_id": None,
        "total": -amount,
        "type": "void",
        "value": -amount,
    }


def transaction(order: Order) -> str:
    if order.paid_with == "stripe":
        return f"ch_{order.number:016x}"
    return f"PAY-{order.number}" if order.paid_with == "paypal" else "--"


def ticket_documents(order: Order, state: State) -> list[orjson.Fragment]:
    """The order's tickets: the same objects as in the list of issued tickets."""
    if not order.seats:
        return []
    voided = dict(state.voided)
    inside: dict[int, int] = {}
    for ticket, _, amount in state.scans:
        inside[ticket] = inside.get(ticket, 0) + amount
    created = order.created + TICKET_LAG
    first = FIRST_TICKET + order.index * TICKETS_AN_ORDER
    email = orjson.dumps(order.buyer.email)
    seated, order_number = order.index % 3 == 0, order.number
    documents = []
    for seat in order.seats:
        number = first + seat.number
        voided_at = voided.get(seat.number)
        documents.append(
            orjson.Fragment(
                _ticket_template(order.event, seat.level, order.old_shape)
                % (
                    number,
                    order_number,
                    b"valid" if voided_at is None else b"voided",
                    b"null" if voided_at is None else b"%d" % voided_at,
                    created,
                    created,
                    b"true" if inside and inside.get(seat.number, 0) > 0 else b"false",
                    email,
                    number,
                    number,
                    number,
                    b'"%d-%d"' % (seat.level + 1, seat.number + 1) if seated else b"null",
                )
            )
        )
    return documents


@functools.lru_cache(maxsize=8192)
def _ticket_template(event: Event, level: int, old_shape: bool) -> bytes:
    """A ticket's document with what differs from ticket to ticket left open: written out once, filled in many times."""
    document = {
        "object": "issued_ticket",
        "id": "it_%d",
        "order_id": "or_%d",
        "event_id": event_id(event),
        "event_series_id": series_id(event.series),
        "ticket_type_id": f"tt_{ticket_type_number(event.series, level)}",
        "add_on_id": None,
        "description": LEVELS[level],
        "status": "%b",
        "voided_at": "<%b>",
        "created_at": "<%d>",
        "updated_at": "<%d>",
        "checked_in": "%b",
        "source": "checkout",
        "listed_price": event.prices[level],
        "listed_currency": _CURRENCIES[event.currency],
        "full_name": None,
        "first_name": None,
        "last_name": None,
        "email": "<%b>",
        "custom_questions": [],
        "barcode": "Q%X",
        "barcode_url": "https://qr.example.com/b/%x",
        "qr_code_url": "https://qr.example.com/q/%x",
        "group_ticket_barcode": None,
        "reference": None,
        "reservation": "<%b>",
    }
    if old_shape:
        for newer in ("listed_price", "listed_currency", "event_series_id"):
            del document[newer]
    return orjson.dumps(document).replace(b'"<', b"").replace(b'>"', b"")


def loose_ticket_document(ticket: LooseTicket, now: int) -> Json:
    """A ticket that belongs to no order."""
    event = ticket.event
    voided = ticket.voided_at is not None and ticket.voided_at <= now
    code = ticket.id.removeprefix("it_")
    return {
        "object": "issued_ticket",
        "id": ticket.id,
        "order_id": None,
        "event_id": event_id(event),
        "event_series_id": series_id(event.series),
        "ticket_type_id": f"tt_{ticket_type_number(event.series, ticket.level)}",
        "add_on_id": None,
        "description": LEVELS[ticket.level],
        "status": "voided" if voided else "valid",
        "voided_at": ticket.voided_at if voided else None,
        "created_at": ticket.created,
        "updated_at": ticket.created,
        "checked_in": "false",
        "source": ticket.source,
        "listed_price": event.prices[ticket.level],
        "listed_currency": _CURRENCIES[event.currency],
        "full_name": f"{ticket.buyer.first} {ticket.buyer.last}",
        "first_name": ticket.buyer.first,
        "last_name": ticket.buyer.last,
        "email": ticket.buyer.email,
        "custom_questions": [],
        "barcode": f"Q{code}",
        "barcode_url": f"https://qr.example.com/b/{code}",
        "qr_code_url": f"https://qr.example.com/q/{code}",
        "group_ticket_barcode": None,
        "reference": f"import-{ticket.index}" if ticket.source == "dashboard_import" else None,
        "reservation": None,
    }


def check_in_documents(order: Order, state: State) -> list[Json]:
    """Who came in (quantity 1) and went out again (-1), newest first."""
    found = []
    for ticket, at, amount in state.scans:
        number = FIRST_TICKET + order.index * TICKETS_AN_ORDER + ticket
        found.append(
            {
                "object": "check_in",
                "id": f"ci_{2 * number + (amount < 0)}",
                "event_id": event_id(order.event),
                "event_series_id": series_id(order.event.series),
                "issued_ticket_id": f"it_{number}",
                "check_in_at": at,
                "created_at": at,
                "quantity": amount,
            }
        )
    return found[::-1]
