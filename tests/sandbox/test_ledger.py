"""The ledger is right by itself: it adds up, it agrees with what the platforms show, and with sums done by hand."""

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import orjson
import pytest

from sandbox import ledger
from sandbox.catalogue import DAY
from sandbox.ledger_rows import PARTS_OF_FEES, Look, money, share_out
from sandbox.tailor import Tailor
from sandbox.tailor_goods import GIFT_CARD
from sandbox.tailor_json import event_id, order_document
from sandbox.tailor_order import state_at
from sandbox.ticketor import Ticketor
from sandbox.ticketor_items import Invoice
from sandbox.ticketor_webhooks import body
from sandbox.venue import TAILOR, Change, Venue
from tests.worlds import CALLED_OFF, LATE, MOVED, eventful

SEEDS = range(12)
WALL = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def looks(venue: Venue, count: int = 1, every: int = 9 * DAY) -> list[Look]:
    return [Look(venue.end - n * every, WALL - dt.timedelta(seconds=n)) for n in range(count - 1, -1, -1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_order_is_the_sum_of_its_lines(seed: int) -> None:
    venue = Venue(seed)
    assert ledger.ticketor(venue).problems() == []
    assert ledger.ticket_tailor(venue, looks(venue)).problems() == []
    assert ledger.ticket_tailor(venue, looks(venue, 9)).problems() == []
    for moment in range(venue.opens, venue.end, 11 * DAY):
        assert ledger.ticketor(venue, moment).problems() == []


def test_a_ledger_that_does_not_add_up_is_told() -> None:
    venue = Venue(1)
    books = ledger.ticketor(venue)
    books.lines[0] = dataclasses.replace(books.lines[0], amount=books.lines[0].amount + 1)
    books.payments.append(next(payment for payment in books.payments if payment.kind == "refund"))
    # a line, a payment that is there twice, and what it gave back
    assert len(books.problems()) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_days_events_and_totals_agree(seed: int) -> None:
    venue = Venue(seed, time_zone="America/Los_Angeles")
    for books in (ledger.ticketor(venue), ledger.ticket_tailor(venue, looks(venue, 4))):
        for currency, total in books.totals().items():
            days = [one for (_, code), one in books.by_day().items() if code == currency]
            events = [one for (_, code), one in books.by_event().items() if code == currency]
            of_orders = {"receipts", "orders", "orders_without_fees", "platform_fees"}
            of_orders |= {f"{part}_fees" for part in PARTS_OF_FEES}
            for measure in (field.name for field in dataclasses.fields(total)):
                if getattr(total, measure) is None:
                    assert {getattr(one, measure) for one in days} == {None}
                    continue
                assert sum(getattr(one, measure) for one in days) == getattr(total, measure)
                if measure not in of_orders:
                    assert sum(getattr(one, measure) for one in events) == getattr(total, measure)


def test_days_are_the_accounts_own() -> None:
    here, there = Venue(1, time_zone="Pacific/Auckland"), Venue(1, time_zone="America/Los_Angeles")
    assert set(ledger.ticketor(here).by_day()) != set(ledger.ticketor(there).by_day())


# --- against what the platforms show: the documents, read by a simpler eye --------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_ticket_tailor_documents_say_the_same(seed: int) -> None:
    venue = Venue(seed)
    books = {order.order_id: order for order in ledger.ticket_tailor(venue, looks(venue)).orders}
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for payment in ledger.ticket_tailor(venue, looks(venue)).payments:
        paid[payment.order_id] += payment.amount
    shown = 0
    for order in Tailor(venue).orders(venue.end):
        raw = order_document(venue, order, state_at(order, venue.end), venue.end)
        document = json.loads(orjson.dumps(raw))
        multiplier = document["currency"]["base_multiplier"]
        truth = books[document["id"]]
        lines = sum(int(line["total"]) for line in document["line_items"] if line["type"] != "void")
        inside = [
            line for line in document["line_items"] if int(line["total"]) != line["quantity"] * int(line["value"])
        ]
        on_top = 0 if inside else sum(line["booking_fee"] * line["quantity"] for line in document["line_items"])
        once = 0 if inside else sum(line["booking_fee"] for line in document["line_items"])
        has_tax_line = any(line["type"] == "tax" for line in document["line_items"])
        tax = document["tax"] if document["tax_treatment"] == "exclusive" and not has_tax_line else 0
        # a voucher that somebody paid for pays, and its line lowers no price
        spent = -sum(int(line["total"]) for line in document["line_items"] if line["item_id"] == GIFT_CARD)
        spent = max(spent, 0)
        assert truth.total_amount * multiplier - spent in {lines + tax + on_top, lines + tax + once}
        assert truth.total_as_given * multiplier == document["total"]
        if "total_paid" in document and not document["refunded_voucher_id"]:
            assert paid[document["id"]] * multiplier == document["total_paid"] - document["refund_amount"]
        shown += 1
    assert shown == len(books)


@pytest.mark.parametrize("seed", SEEDS)
def test_ticketor_documents_say_the_same(seed: int) -> None:
    venue = Venue(seed)
    books = ledger.ticketor(venue)
    invoices: dict[str, dict[str, Any]] = {}
    payments: dict[str, dict[str, Any]] = {}
    for one in Ticketor(venue).deliveries(None, venue.end):
        payload = json.loads(body(venue, one), parse_float=Decimal)
        if one.webhook.startswith("invoice"):
            invoices[str(payload["Id"])] = payload
        found = payload.get("Payments", []) + ([payload] if one.webhook == "payment" else [])
        payments |= {str(payment["Id"]): payment for payment in found}
    assert {order.order_id for order in books.orders} == set(invoices)
    for order in books.orders:
        assert order.total_as_given == invoices[order.order_id]["Amount"]["Total"]
        assert order.currency == invoices[order.order_id]["Amount"]["Currency"]
    named = {payment.payment_id: payment for payment in books.payments if payment.payment_id in payments}
    assert set(named) == set(payments)
    for number, payment in payments.items():
        truth = named[number]
        assert abs(payment["Amount"]) == abs(truth.amount) + truth.credit_amount or not truth.amount
        assert truth.kind == "failed" if not payment["Success"] else truth.kind != "failed"


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (1000, [1, 1, 1], [334, 333, 333]),
        (-1000, [1, 1, 1], [-334, -333, -333]),
        (100, [2400, 2400, 950, 950], [36, 36, 14, 14]),
        (10, [1, 2, 3], [2, 3, 5]),
        (5, [0, 0], [0, 0]),
        (0, [3, 4], [0, 0]),
        (7, [0, 1, 0], [0, 7, 0]),
    ],
)
def test_shares(amount: int, weights: list[int], shares: list[int]) -> None:
    assert share_out(amount, weights) == shares
    assert sum(shares) in (amount, 0)


def of_case(books: ledger.Books, venue: Venue, case: str) -> tuple[Any, list[Any], list[Any]]:
    """The order of a Ticket Tailor case, its tickets and its payments."""
    name = next(order.id for order in Tailor(venue).orders(venue.end) if order.case == case)
    return (
        next(one for one in books.orders if one.order_id == name),
        [one for one in books.tickets if one.order_id == name],
        [one for one in books.payments if one.order_id == name],
    )


@pytest.fixture(scope="module")
def world() -> tuple[Venue, ledger.Books]:
    venue = Venue(1)
    return venue, ledger.ticket_tailor(venue, looks(venue))


def test_three_tickets_for_ten(world: tuple[Venue, ledger.Books]) -> None:
    order, tickets, _ = of_case(world[1], world[0], "three_for_ten")
    assert order.total_amount == 10
    whole = tickets[0].list_price * 3
    assert sum(ticket.discount_amount for ticket in tickets) == whole - 10
    # the odd cents of the discount go to the first tickets, which are the cheaper for it
    assert [ticket.price for ticket in tickets] == [Decimal("3.33"), Decimal("3.33"), Decimal("3.34")]


def test_comp_free_and_reserved(world: tuple[Venue, ledger.Books]) -> None:
    for case, kind, status in (
        ("comp", "comp", "sold"),
        ("free_event", "free_event", "sold"),
        ("pending", "paid", "reserved"),
        ("pending_cancelled", "paid", "voided"),
        ("refund_full_cancelled", "paid", "returned"),
        ("cancelled_unrefunded", "paid", "voided"),
    ):
        order, tickets, _ = of_case(world[1], world[0], case)
        assert {(ticket.admission_kind, ticket.status) for ticket in tickets} == {(kind, status)}, case
        assert order.is_booked is not case.startswith("pending"), case


def test_credit_is_not_money(world: tuple[Venue, ledger.Books]) -> None:
    for case in ("refund_credit", "refund_credit_unsaid"):
        order, _, payments = of_case(world[1], world[0], case)
        assert [(one.kind, one.amount, one.credit_amount) for one in payments] == [
            ("capture", order.total_amount, 0),
            ("credit_issued", 0, order.total_amount),
        ]
    order, _, payments = of_case(world[1], world[0], "refund_part_credit")
    back = {one.kind: (one.amount, one.credit_amount) for one in payments}
    assert -back["refund"][0] + back["credit_issued"][1] == order.total_amount


def test_a_void_moves_a_seat_and_the_total_stays_what_was_charged(world: tuple[Venue, ledger.Books]) -> None:
    order, tickets, _ = of_case(world[1], world[0], "voided")
    assert sorted(ticket.status for ticket in tickets)[-1] == "voided"
    assert order.total_amount - order.total_as_given == tickets[0].price
    assert sum(ticket.price for ticket in tickets) == order.total_amount


def test_each_growth_of_a_refund_is_dated_by_the_look_that_saw_it() -> None:
    end = Venue(1).end
    venue = Venue(1, extra={2: (Change(end - 6 * DAY, "refund", 100), Change(end - 2 * DAY, "refund", 250))})
    order = Tailor(venue).order(2)
    first, second, third = WALL, WALL + dt.timedelta(days=3), WALL + dt.timedelta(days=9)

    def refunds(*moments: Look) -> list[tuple[Decimal, str, dt.datetime]]:
        payments = ledger.ticket_tailor(venue, moments).payments
        mine = [one for one in payments if one.order_id == order.id and one.kind == "refund"]
        return [(one.amount, one.paid_at_basis, one.paid_at) for one in mine]

    made = dt.datetime.fromtimestamp(order.created, dt.UTC)
    assert refunds(Look(end, first)) == [(Decimal("-2.50"), "before_first_load", made)]
    assert refunds(Look(end - 9 * DAY, first), Look(end, third)) == [(Decimal("-2.50"), "first_seen", third)]
    assert refunds(Look(end - 9 * DAY, first), Look(end - 4 * DAY, second), Look(end, third)) == [
        (Decimal("-1.00"), "first_seen", second),
        (Decimal("-1.50"), "first_seen", third),
    ]
    assert refunds(Look(end - 4 * DAY, first), Look(end, third, since=end - DAY)) == [
        (Decimal("-1.00"), "before_first_load", made),
    ]


def test_what_is_not_told_is_not_known() -> None:
    venue = Venue(1)
    everything = ledger.ticketor(venue)
    plain = ledger.ticketor(venue, webhooks=["invoice"])
    assert plain.problems() == []
    assert plain.tickets == [] and plain.payments == []
    assert {line.line_kind for line in plain.lines} <= {"unexplained", "tip", "tax", "buyer_fee", "refund", "discount"}
    assert len(plain.orders) < len(everything.orders)
    assert all(order.is_booked for order in plain.orders)


def test_a_ticket_before_its_invoice_has_no_currency_and_gets_it() -> None:
    venue = Venue(1)
    story = next(
        story for story in map(Ticketor(venue).story, range(60)) if story.case == "late_invoice" and story.deliveries
    )
    invoice = next(one for one in story.deliveries if one.webhook == "invoice_with_details")

    def currencies(now: int) -> set[str | None]:
        return {one.currency for one in ledger.ticketor(venue, now).tickets if one.order_id == str(invoice.item.id)}

    assert currencies(invoice.at // 1_000_000 - 60) == {None}
    assert currencies(invoice.at // 1_000_000 + 60) == {"GBP"}


def test_a_ticket_sold_again_is_two_sales() -> None:
    venue = Venue(1)
    sold = defaultdict(list)
    for ticket in ledger.ticketor(venue).tickets:
        sold[ticket.ticket_id].append(ticket.status)
    assert ["returned", "sold"] in sold.values()


def test_unpaid_until_the_payment_comes() -> None:
    venue = Venue(1)
    story = next(story for story in map(Ticketor(venue).story, range(60)) if story.case == "unpaid_then_paid")
    payment = story.deliveries[-1]
    assert payment.webhook == "payment"

    def told(now: int) -> tuple[str | None, set[str], set[Any]]:
        books = ledger.ticketor(venue, now)
        name = str(payment.item.invoice)
        return (
            next(one.status for one in books.orders if one.order_id == name),
            {one.status for one in books.tickets if one.order_id == name},
            {one.booked_at is None for one in books.lines if one.order_id == name},
        )

    assert told(payment.at // 1_000_000 - 60) == ("unpaid", {"reserved"}, {True})
    assert told(payment.at // 1_000_000 + 1) == ("completed", {"sold"}, {False})


def test_what_becomes_known_of_a_month_that_is_over() -> None:
    """An event called off, one with another date after it was given, and a sale on each platform heard of late."""
    venue = eventful(Venue(2))
    late = Look(venue.created(TAILOR, LATE) + 30 * DAY, WALL)
    now = Look(venue.end, WALL + dt.timedelta(days=1))
    before, after = ledger.ticket_tailor(venue, [late]), ledger.ticket_tailor(venue, [late, now])
    listed = {order.order_id for order in after.orders} - {order.order_id for order in before.orders}
    assert f"or_{10_000_000 + LATE}" in listed
    invoice = str(400_000 + 8 * LATE)
    arrived = venue.delivered_late[LATE]
    assert invoice not in {order.order_id for order in ledger.ticketor(venue, arrived - 1).orders}
    (order,) = (order for order in ledger.ticketor(venue, arrived + 60).orders if order.order_id == invoice)
    assert order.is_booked and order.ordered_at.timestamp() < arrived - 30 * DAY

    off = venue.event(CALLED_OFF)
    sold = [order for order in Tailor(venue).orders(venue.end) if order.event is off]
    back = [order for order in sold if any(change.what == "cancel" for change in order.changes)]
    assert back and all(order.created < off.called_off_at for order in sold)
    refunded = {key: amount for key, amount in after.amounts().items() if key[1] == "refund"}
    for order in back:
        given_back = sum(amount for (order_id, *_), amount in refunded.items() if order_id == order.id)
        assert given_back == -money(order.charged, order.digits) != 0
    assert not any(seat.scanned_at for seat in after.tickets if seat.event_id == event_id(off))

    moved = venue.event(MOVED)
    at, start = venue.moved[MOVED]
    assert (moved.start_at(at - 1), moved.start_at(at)) == (moved.start, start) and at > moved.given_at


def test_nothing_is_sold_once_its_show_is_over() -> None:
    def late_sales(venue: Venue) -> list[str]:
        told = Ticketor(venue).deliveries(None, venue.end + 30 * DAY)
        invoices = {one.item.id: one.item for one in told if isinstance(one.item, Invoice) and not one.item.is_return}
        return [
            invoice.type
            for invoice in invoices.values()
            if any(invoice.unix > ticket.event.given_at for ticket in invoice.tickets)
        ]

    assert [late_sales(Venue(seed, orders=300)) for seed in range(4)] == [[]] * 4
    assert late_sales(Venue(0, orders=300, sells_after_shows=True)) != [], "as release 0.1.0 did"
