"""The venue: the same world from the same seed, every case in the smallest one, any size without holding it."""

import os
import subprocess
import sys
import tracemalloc
from itertools import islice, pairwise

import orjson
import pytest

from sandbox import tailor_cases, ticketor_cases
from sandbox.catalogue import DAY, person
from sandbox.tailor import Tailor, make_order
from sandbox.tailor_json import order_document
from sandbox.tailor_lists import Lists
from sandbox.tailor_order import state_at
from sandbox.ticketor import Ticketor
from sandbox.ticketor_webhooks import body
from sandbox.venue import TAILOR, TICKETOR, Venue

SEEDS = range(5)


def everything(seed: int) -> list[bytes]:
    """All that both platforms ever show of a small world, as bytes."""
    venue = Venue(seed)
    lists = Lists(venue)
    shown = [
        orjson.dumps(lists.page(name, {"limit": "100"}, venue.end).data)
        for name in ("orders", "issued_tickets", "check_ins", "events", "event_series", "products", "vouchers", "holds")
    ]
    return shown + [body(venue, one) for one in Ticketor(venue).deliveries(None, venue.end)]


def test_same_seed_same_world_and_another_seed_another() -> None:
    assert everything(3) == everything(3)
    assert everything(3) != everything(4)


def test_the_world_does_not_depend_on_the_process() -> None:
    code = (
        "import hashlib; from tests.sandbox.test_venue import everything;"
        "print(hashlib.sha256(b''.join(everything(3))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone},
        ).stdout
        for hash_seed, zone in (("1", "UTC"), ("2", "America/Los_Angeles"))
    }
    assert len(digests) == 1


@pytest.mark.parametrize("orders", [60, 5_000])
@pytest.mark.parametrize("platform", [TAILOR, TICKETOR])
def test_creation_rises_with_the_index_and_some_orders_share_a_second(platform: str, orders: int) -> None:
    venue = Venue(2, orders=orders)
    created = [venue.created(platform, index) for index in range(orders)]
    assert created == sorted(created)
    assert any(one == other for one, other in pairwise(created))
    assert venue.opens <= created[0] and created[-1] < venue.end


@pytest.mark.parametrize("orders", [10, 60, 997])
def test_made_before_is_what_counting_gives(orders: int) -> None:
    venue = Venue(5, orders=orders)
    created = [venue.created(TAILOR, index) for index in range(orders + 50)]
    for moment in {venue.opens - DAY, venue.opens, venue.end, *created, *(one + 1 for one in created)}:
        if moment <= created[-1]:
            assert venue.made_before(TAILOR, moment) == sum(one < moment for one in created)


def test_ten_orders_are_enough_for_every_list() -> None:
    venue = Venue(1, orders=10, late=False)
    lists = Lists(venue)
    assert len(lists.page("orders", {"limit": "100"}, venue.end).data) == 10
    for name in ("issued_tickets", "events", "event_series", "check_ins"):
        assert lists.page(name, {"limit": "100"}, venue.end).data
    assert len({one.story for one in Ticketor(venue).deliveries(None, venue.end)}) == 10


def test_a_world_has_as_many_orders_as_asked_for_and_goes_on_after_its_end() -> None:
    venue = Venue(1, orders=200, late=False)
    assert len(list(Tailor(venue).orders(venue.end - 1))) == 200
    assert len(list(Tailor(venue).orders(venue.end + 9 * DAY - 1))) == 220


@pytest.mark.parametrize("seed", SEEDS)
def test_sixty_orders_show_every_ticket_tailor_case_to_its_end(seed: int) -> None:
    venue = Venue(seed)
    orders = list(Tailor(venue).orders(venue.end))
    assert {order.case for order in orders} == set(tailor_cases.CASES)
    for order in orders:
        late = [change for change in order.changes if change.at > venue.end and change.what != "scan"]
        assert not late, order.case
    documents = [order_document(venue, order, state_at(order, venue.end), venue.end) for order in orders]
    shown = orjson.loads(orjson.dumps(documents))
    tickets = [ticket for order in shown for ticket in order["issued_tickets"]]
    lines = [line for order in shown for line in order["line_items"]]
    assert {order["status"] for order in shown} == {"completed", "pending", "cancelled", "canceled"}
    assert {line["type"] for line in lines} >= {
        *("ticket", "bundle", "product", "membership", "donation"),
        *("transaction_charge", "tax", "gift_card", "void"),
    }
    assert {(line["item_id"] or "--")[:3] for line in lines} >= {"tt_", "bu_", "pr_", "mt_", "di_", "vo_"}
    assert {order["tax_treatment"] for order in shown if order["tax"]} == {"inclusive", "exclusive"}
    assert {order["payment_method"]["type"] for order in shown} == {
        *("stripe", "paypal", "offline", "operator", "no_cost"),
    }
    assert {order["currency"]["code"]: order["currency"]["base_multiplier"] for order in shown} == {
        "gbp": 100,
        "jpy": 1,
        "kwd": 1000,
    }
    assert {ticket["status"] for ticket in tickets} == {"valid", "voided"}
    assert any(ticket["checked_in"] == "true" for ticket in tickets)
    assert any(order["event_summary"] is None for order in shown)
    assert any(order["txn_id"] == "--" and order["total"] == 0 for order in shown)
    assert any(order["refunded_voucher_id"] and order["credited_out_amount"] for order in shown if "txn_id" in order)
    assert any(0 < order["refund_amount"] < order["total"] for order in shown)
    assert any("total_paid" not in order for order in shown)
    loose = list(Tailor(venue).loose_tickets(venue.end))
    assert {ticket.source for ticket in loose} == {"api", "dashboard_import"}


@pytest.mark.parametrize("seed", SEEDS)
def test_sixty_sales_show_every_ticketor_case_to_its_end(seed: int) -> None:
    venue = Venue(seed)
    ticketor = Ticketor(venue)
    stories = [ticketor.story(index) for index in range(venue.orders)]
    assert {story.case for story in stories} == set(ticketor_cases.CASES)
    assert max(one.at for story in stories for one in story.deliveries) < (venue.end + 3 * DAY) * 1_000_000
    shown = [(one.webhook, orjson.loads(body(venue, one))) for one in ticketor.deliveries(None, venue.end)]
    invoices = [payload for webhook, payload in shown if webhook.startswith("invoice")]
    tickets = [ticket for invoice in invoices for ticket in invoice.get("Tickets", [])]
    payments = [payment for invoice in invoices for payment in invoice.get("Payments", [])]
    payments += [payload for webhook, payload in shown if webhook == "payment"]
    assert {webhook for webhook, _ in shown} == {
        *("user", "invoice", "invoice_with_details", "ticket", "product", "payment"),
    }
    types = {invoice["InvoiceType"] for invoice in invoices}
    assert types - {"Cancellation"} == {"Sale", "Return", "Exchange", "Void"}
    assert {invoice["Amount"]["Currency"] for invoice in invoices} == {"GBP", "JPY", "KWD"}
    assert {type(ticket["Seat"]) for ticket in tickets} == {int, str, type(None)}
    assert {ticket["Status"] for ticket in tickets} == {"sold", "returned", "exchanged"}
    assert {True, False} == {payment["Success"] for payment in payments}
    assert {payment["ChargeMethod"] for payment in payments} >= {
        *("AUTH_CAPTURE", "AUTH_ONLY", "PRIOR_AUTH_CAPTURE", "VOID", "CREDIT", None),
    }
    assert {payment["PaymentType"] for payment in payments} >= {"Gift Card", "Store Credit", "Cash", "Check"}
    assert any(invoice["Buyer"]["Id"] == 0 for invoice in invoices)
    assert any(invoice["PlatformFee"]["AdFee"] < 0 for invoice in invoices)
    assert any(invoice["Amount"]["Tip"] for invoice in invoices)
    assert any(payload.get("LastScannedAt") for webhook, payload in shown if webhook == "ticket")
    decimals = {len(invoice["Date"].partition(".")[2].rstrip("Z")) for invoice in invoices}
    assert len(decimals) >= 5
    sold_twice = [(ticket["Id"], ticket["InvoiceId"]) for ticket in tickets if ticket["Status"] == "sold"]
    assert len({number for number, _ in sold_twice}) < len(set(sold_twice))


def test_both_platforms_share_people_and_shows() -> None:
    venue = Venue(1)
    on_tailor = {order.buyer.email for order in Tailor(venue).orders(venue.end)}
    users = [one.item.person for one in Ticketor(venue).deliveries(None, venue.end) if one.webhook == "user"]
    assert on_tailor & {who.email for who in users}
    assert any(who.email_on_ticketor() != who.email for who in users)
    shows = [venue.event(index) for index in range(12)]
    assert any(show.on_tailor and show.on_ticketor for show in shows)


def test_everybody_is_invented() -> None:
    for number in range(500):
        assert person(number).email.partition("@")[2] in ("example.com", "example.org")


def test_ten_million_orders_take_no_memory() -> None:
    venue = Venue(1, orders=10_000_000, days=365)
    lists = Lists(venue)
    tracemalloc.start()
    try:
        middle = venue.end - 100 * DAY
        page = lists.page("orders", {"limit": "100", "created_at.lt": str(middle)}, venue.end)
        assert len(page.data) == 100 and page.more
        assert venue.created(TAILOR, 7_000_000) < int(orjson.loads(orjson.dumps(page.data))[-1]["created_at"]) < middle
        assert len(lists.page("issued_tickets", {"limit": "100"}, venue.end).data) == 100
        assert len(lists.page("check_ins", {"limit": "100"}, venue.end).data) == 100
        assert lists.page("orders", {"limit": "1", "starting_after": "or_10000001"}, venue.end).ids == ["or_10000000"]
        list(islice(Ticketor(venue).deliveries(None, venue.end), 5_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000, "bytes: something is held for every order"


def test_extra_happenings_reach_only_their_order() -> None:
    plain, changed = Venue(1), Venue(1, returns={27: Venue(1).end - DAY}, redelivered={36: Venue(1).end - 2 * DAY})
    before = set(map(_name, Ticketor(plain).deliveries(None, plain.end)))
    after = set(map(_name, Ticketor(changed).deliveries(None, plain.end)))
    assert {story for story, _ in after - before} == {27, 36} and not before - after
    recent = list(Ticketor(changed).deliveries(changed.end - 3 * DAY, changed.end))
    assert {(one.story, one.number) for one in recent} >= after - before


def _name(delivery: object) -> tuple[int, int]:
    return delivery.story, delivery.number


def test_an_order_is_the_same_whatever_was_asked_before() -> None:
    alone = make_order(Venue(9, orders=5_000), 4_321)
    venue = Venue(9, orders=5_000)
    list(Tailor(venue).orders(venue.opens + 20 * DAY))
    assert (
        order_document(venue, alone, state_at(alone, venue.end), venue.end)["line_items"]
        == (order_document(venue, make_order(venue, 4_321), state_at(alone, venue.end), venue.end)["line_items"])
    )
