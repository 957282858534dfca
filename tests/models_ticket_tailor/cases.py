"""Orders by hand, as Ticket Tailor's API shows them: one for each thing that a sale can be."""

from typing import Any

from tests.models_ticket_tailor.raw import Json, Seen

MADE = 1_767_225_600  # 2026-01-01 00:00 UTC
FIRST, SECOND, THIRD = "2026-01-02 08:00:00+00", "2026-01-03 08:00:00+00", "2026-01-04 08:00:00+00"


def line(number: int, item: str | None, total: int, quantity: int = 1, kind: str = "ticket", fee: int = 0) -> Json:
    """A line of ``quantity`` pieces; ``total`` is theirs, and so is the fee when it is not 0."""
    value = (total - fee * quantity) // quantity
    return {
        "object": "line_item",
        "id": f"li_{number}",
        "type": kind,
        "item_id": item,
        "quantity": quantity,
        "value": value,
        "total": total,
        "booking_fee": fee,
    }


def ticket(number: int, order: str | None, kind: str = "tt_1", listed: int | None = 1000, **other: Any) -> Json:
    return {
        "object": "issued_ticket",
        "id": f"it_{number}",
        "order_id": order,
        "event_id": "ev_1",
        "ticket_type_id": kind,
        "description": "Stalls",
        "status": "valid",
        "voided_at": None,
        "created_at": MADE + 9,
        "checked_in": "false",
        "source": "checkout",
        "listed_price": listed,
        "listed_currency": {"base_multiplier": 100, "code": "gbp"},
        "email": "ann@example.com",
    } | other


def refusals() -> list[Seen]:
    """Webhooks that were refused: one for good, one whose file was written again, one that came whole later."""
    hold, at = {"id": "ho_1"}, "2026-01-04 09:00:00+00"
    return [
        Seen("holds", hold, at, "wh_20", reason="for good", place=("a.jsonl", 1, 50)),
        Seen("holds", hold, at, "wh_21", reason="gone from its file", place=("a.jsonl", 1, 40)),
        Seen("orders", {"id": "or_late"}, at, "wh_22", reason="delivered whole since", place=("b.jsonl", 0, 10)),
        Seen("vouchers", {"id": "vo_1"}, at, "wh_23", place=("a.jsonl", 0, 50)),
        Seen("orders", {"id": "or_late"}, "2026-01-04 10:00:00+00", "wh_24", place=("c.jsonl", 0, 10)),
    ]


def order(name: str, total: int, lines: list[Json], tickets: list[Json], **other: Any) -> Json:
    return {
        "object": "order",
        "id": name,
        "created_at": MADE,
        "status": "completed",
        "buyer_details": {"email": "Ann@example.com", "first_name": "Ann", "last_name": "Lee", "name": "Ann Lee"},
        "currency": {"base_multiplier": 100, "code": "gbp"},
        "event_summary": {"id": "ev_1", "event_id": "ev_1", "name": "Night", "start_date": {"unix": MADE + 8_640_000}},
        "line_items": lines,
        "issued_tickets": tickets,
        "payment_method": {"type": "stripe"},
        "txn_id": "ch_1",
        "total": total,
        "total_paid": total,
        "tax": 0,
        "tax_treatment": "inclusive",
        "refund_amount": 0,
        "credited_out_amount": 0,
        "refunded_voucher_id": None,
    } | other


def event(*types: tuple[str, int]) -> Json:
    return {
        "object": "event",
        "id": "ev_1",
        "created_at": MADE,
        "name": "Night",
        "start": {"unix": MADE + 8_640_000},
        "currency": "gbp",
        "ticket_types": [{"id": kind, "name": kind, "price": 1000, "quantity_total": total} for kind, total in types],
    }


def loads() -> list[list[Seen]]:
    """Three loads: what was there when we began, and what changed later."""
    three = [ticket(n, "or_three") for n in (31, 32, 33)]
    bundle = [ticket(41, "or_bundle", "tt_1", 3000), ticket(42, "or_bundle", "tt_2", 1000)]
    grows = [ticket(51, "or_grows"), ticket(52, "or_grows")]
    pending = [ticket(61, "or_pending")]
    unpaid = [ticket(71, "or_unpaid")]
    void = [ticket(81, "or_void"), ticket(82, "or_void")]
    voided = [void[0], void[1] | {"status": "voided", "voided_at": MADE + 90_000}]
    credit = [ticket(91, "or_credit")]
    spent = [ticket(101, "or_voucher")]
    promoted = [ticket(251, "or_promotion")]
    yen = [ticket(111, "or_yen", listed=None), ticket(112, "or_yen", listed=None)]
    dinar = [ticket(121, "or_dinar", listed=None), ticket(122, "or_dinar", listed=None)]
    fee = [ticket(131, "or_fee"), ticket(132, "or_fee")]
    tax = [ticket(141, "or_tax")]
    comp = [ticket(151, "or_comp")]
    free = [ticket(161, "or_free", listed=0)]
    nameless = [line(1, None, 500, kind="donation") | {"id": None}]
    edited = [ticket(231, "or_edited"), ticket(232, "or_edited")]
    first = [
        order("or_three", 900, [line(1, "tt_1", 1000, 3), line(2, "di_1", -100, kind="gift_card")], three),
        order("or_bundle", 3000, [line(1, "bu_1", 3000, kind="bundle")], bundle),
        order("or_grows", 2500, [line(1, "tt_1", 2000, 2), line(2, None, 500, kind="donation")], grows),
        order("or_pending", 1000, [line(1, "tt_1", 1000)], pending, status="pending", total_paid=0),
        order("or_unpaid", 1000, [line(1, "tt_1", 1000)], unpaid, status="pending", total_paid=0),
        order("or_void", 2000, [line(1, "tt_1", 2000, 2)], void),
        order("or_credit", 1000, [line(1, "tt_1", 1000)], credit),
        # what kind of voucher it is is only known with the last load
        order("or_promotion", 700, [line(1, "tt_1", 1000), line(2, "vo_2", -300, kind="gift_card")], promoted),
        order("or_voucher", 400, [line(1, "tt_1", 1000), line(2, "vo_1", -600, kind="gift_card")], spent),
        order(
            "or_yen",
            2001,
            [line(1, "tt_1", 2001, 2)],
            yen,
            currency={"base_multiplier": 1, "code": "jpy"},
            refund_amount=1001,
        ),
        order(
            "or_dinar", 10_001, [line(1, "tt_1", 10_001, 2)], dinar, currency={"base_multiplier": 1000, "code": "kwd"}
        ),
        order("or_fee", 2150, [line(1, "tt_1", 2150, 2, fee=75)], fee),
        order("or_tax", 1200, [line(1, "tt_1", 1000)], tax, tax=200, tax_treatment="exclusive"),
        order("or_comp", 0, [line(1, "tt_1", 1000), line(2, "di_1", -1000, kind="gift_card")], comp, txn_id="--"),
        order("or_free", 0, [line(1, "tt_1", 0)], free, txn_id="--", payment_method={"type": "no_cost"}),
        order("or_nameless", 500, nameless, []),
        order("or_nameless_too", 500, nameless, []),
        {"object": "order", "id": "or_bare", "created_at": MADE},
        order("or_then_voucher", 1000, [line(1, "tt_1", 1000)], [ticket(191, "or_then_voucher")]),
        order("or_told_twice", 1000, [line(1, "tt_1", 1000)], [ticket(201, "or_told_twice")]),
        order(
            "or_card", 6000, [line(1, "tt_1", 1000), line(212, None, 5000, kind="gift_card")], [ticket(211, "or_card")]
        ),
        order("or_free_bundle", 0, [line(1, "bu_1", 0, kind="bundle")], [ticket(221, "or_free_bundle")]),
        order("or_edited", 2000, [line(1, "tt_1", 2000, 2)], edited),
        order("or_deposit", 2000, [line(1, "tt_1", 2000)], [ticket(241, "or_deposit")], total_paid=500),
        *(
            order(name, 1000, [line(1, "tt_1", 1000)], [ticket(number, name)])
            for number, name in enumerate(("or_sent", "or_shuffled", "or_near", "or_resent"), start=301)
        ),
    ]
    by_name = {each["id"]: each for each in first}
    second = [
        first[2] | {"refund_amount": 500},
        first[3] | {"status": "completed", "total_paid": 1000},
        first[4] | {"status": "canceled"},
        first[5]
        | {"total": 1000, "line_items": [*first[5]["line_items"], line(2, None, -1000, kind="void")]}
        | {"issued_tickets": voided, "refund_amount": 1000},
        first[6] | {"status": "cancelled", "refund_amount": 1000, "refunded_voucher_id": "vo_9"},
        by_name["or_then_voucher"] | {"refund_amount": 500},
        by_name["or_deposit"] | {"total_paid": 1200},
        by_name["or_told_twice"] | {"refund_amount": 1000, "credited_out_amount": 1000},
        by_name["or_edited"] | {"total": 1000, "line_items": [line(1, "tt_1", 1000)], "refund_amount": 1000},
    ]
    third = [
        second[0] | {"refund_amount": 2500, "status": "cancelled"},
        by_name["or_then_voucher"] | {"refund_amount": 1000, "refunded_voucher_id": "vo_9", "status": "cancelled"},
        by_name["or_deposit"],
    ]
    sent, shuffled, near, resent = (by_name[f"or_{name}"] for name in ("sent", "shuffled", "near", "resent"))
    second += [sent | {"refund_amount": 500}, near | {"referral_tag": "poster"}]
    third += [
        sent | {"refund_amount": 500, "status": "cancelled"},
        shuffled | {"refund_amount": 600},
        near | {"refund_amount": 400},
    ]
    unread = order("or_unread", 1000, [line(1, "tt_1", 1000)], [ticket(311, "or_unread")])
    stale = near | {"refund_amount": 400, "issued_tickets": [ticket(312, "or_near")]}
    copies = [each for one in first for each in one.get("issued_tickets", [])]
    return [
        [
            *(Seen("orders", each, FIRST) for each in first),
            *(Seen("issued_tickets", each, FIRST) for each in copies),
            Seen("issued_tickets", ticket(1, None, source="dashboard_import", email="bob@example.com"), FIRST),
            Seen("events", event(("tt_1", 100), ("tt_2", 50)), FIRST),
            Seen("discounts", {"object": "discount", "id": "di_1", "code": "EARLY"}, FIRST),
        ],
        [
            *(Seen("orders", each, SECOND) for each in second),
            Seen("issued_tickets", voided[1], SECOND),
            # a ticket type is taken off
            Seen("events", event(("tt_1", 100)), SECOND),
            # what the next read shows too
            Seen("orders", sent | {"refund_amount": 500}, "2026-01-02 09:30:07+00", "wh_1"),
            # the later one comes first; both are of one second, and later by their number
            Seen("orders", shuffled | {"refund_amount": 600}, "2026-01-02 10:00:00+00", "wh_10"),
            # sent 3 s before a read that does not show it: the read counts
            Seen("orders", stale, "2026-01-03 07:59:57+00", "wh_4"),
            Seen("orders", resent | {"refund_amount": 0}, "2026-01-02 11:00:00+00", "wh_6"),
            Seen("orders", resent | {"refund_amount": 200}, "2026-01-02 10:00:00+00", "wh_5"),
            Seen("orders", unread, "2026-01-02 12:00:00+00", "wh_7"),
            Seen("orders", unread | {"refund_amount": 1000}, "2026-01-02 12:00:00+00", "wh_8", "ORDER.DELETED"),
            # an event that was changed after it had been read, and one before
            Seen("events", event(("tt_1", 30), ("tt_2", 7)), "2026-01-03 09:00:00+00", "wh_11"),
            Seen("events", event(("tt_1", 1)), "2026-01-03 07:00:00+00", "wh_12"),
        ],
        [
            *(Seen("orders", each, THIRD) for each in third),
            Seen("orders", shuffled | {"refund_amount": 300}, "2026-01-02 10:00:00+00", "wh_9"),
            # a webhook that comes again, though what it shows has changed since
            Seen("orders", resent | {"refund_amount": 200}, "2026-01-03 12:00:00+00", "wh_5"),
            Seen("issued_tickets", ticket(301, "or_sent", status="voided"), "2026-01-02 09:30:07+00", "wh_2"),
            *refusals(),
            *(Seen("issued_tickets", each | {"status": "voided"}, THIRD) for each in grows),
            Seen(
                "check_ins", {"id": "ci_1", "issued_ticket_id": "it_41", "check_in_at": MADE + 99, "quantity": 1}, THIRD
            ),
            Seen("vouchers", {"object": "voucher", "id": "vo_2", "type": "PROMO"}, THIRD),
            Seen("check_ins", {"id": "ci_2", "issued_ticket_id": "it_42", "check_in_at": MADE + 99}, THIRD),
        ],
    ]
