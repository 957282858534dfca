"""Which of the six a payload is, by its keys alone; and the reasons to refuse one."""

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from boxoffice.raw.validation import InvalidDocument
from boxoffice.ticketor import webhooks
from tests.ticketor import deliveries as d


@pytest.mark.parametrize("webhook", d.MAKERS)
def test_each_webhook_is_recognised(webhook: str) -> None:
    payload = d.MAKERS[webhook](random.Random(1), 2**63 - 1)
    assert webhooks.check(payload) == (webhook, 2**63 - 1)


@pytest.mark.parametrize("webhook", d.MAKERS)
def test_any_one_mark_is_enough(webhook: str) -> None:
    family = webhooks.INVOICE if webhook == webhooks.DETAILS else webhook
    for mark in (mark for mark, of in webhooks.MARKS.items() if of == family):
        assert webhooks.recognise({"Id": 1, mark: None}) == family


@pytest.mark.parametrize("name", webhooks.LISTS)
@pytest.mark.parametrize("value", [None, [], [{"Id": 1}]])
def test_an_invoice_with_any_list_has_details(name: str, value: Any) -> None:
    payload = d.invoice(random.Random(1), 5) | {name: value}
    assert webhooks.check(payload)[0] == webhooks.DETAILS


def test_unknown_keys_and_values_break_nothing() -> None:
    for webhook, make in d.MAKERS.items():
        payload = make(random.Random(2), 5) | {"Currency": "XYZ", "Tax": [1], "New": {"Id": "x"}, "Status": 9}
        if webhook in (webhooks.PRODUCT,):
            del payload["Tax"]
        assert webhooks.check(payload)[0] == webhook


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"Id": 1}, "no known shape"),
        ({}, "no known shape"),
        ([], "no known shape: not an object"),
        ("pong", "no known shape: not an object"),
        (None, "no known shape: not an object"),
        ({"Id": 1, "FirstName": "Ada", "LastName": "", "Email": "", "Phone": ""}, "no known shape"),
        ({"Id": 1, "Barcode": "1", "SignupDate": None}, "two shapes: ticket and user"),
        ({"Id": 1, "InvoiceType": "Sale", "UnitPrice": 1}, "two shapes: invoice and product"),
        ({"Id": 1, "InvoiceType": "Sale"}, "not an object: Amount"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": 5}, "not an object: Amount"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": {}, "Tickets": {}}, "not a list: Tickets"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": {}, "Tickets": [None]}, "not an object: Tickets[0]"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": {}, "Tickets": [{"Seat": 1}]}, "id is missing: Tickets[0].Id"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": {"Total": "a"}}, "money is not a number: Amount.Total"),
        ({"Id": 1, "InvoiceType": "Sale", "Amount": {}, "Buyer": "Ada"}, "not an object: Buyer"),
        ({"Id": 1, "Barcode": "5"}, "id is missing: InvoiceId"),
        ({"Id": 1, "InvoiceId": 2, "UnitPrice": 1, "Amount": {}}, "quantity is not a number: Amount"),
        (
            {"Id": 1, "InvoiceId": 2, "PaymentType": "", "Amount": 1e11},
            "money does not fit 11 digits before the point: Amount",
        ),
    ],
)
def test_refused_payloads(document: Any, told: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        webhooks.check(document)
    assert refused.value.reason == told


def test_items_may_leave_their_invoice_out() -> None:
    payload = d.details(random.Random(7), 5)
    payload["Tickets"] = [d.ticket(random.Random(1), 1)]
    del payload["Tickets"][0]["InvoiceId"]
    assert webhooks.check(payload)[0] == webhooks.DETAILS


def test_the_folder_is_a_hint_that_is_reported_when_wrong(tmp_path: Path) -> None:
    item = d.compact(d.ticket(random.Random(1), 1)).encode()
    names = [
        "tickets/a",
        "payments/b",
        "New Ticket Sale/c",
        "webhook=user/2024/d",
        "2024/05/e",
        "Invoices with Details/f",
    ]
    found = d.read(tmp_path, dict.fromkeys(names, item))
    assert {row["file"]: row["reason"] for row in found} == {
        "tickets/a": None,
        "New Ticket Sale/c": None,
        "2024/05/e": None,
        "payments/b": "the folder says payment",
        "webhook=user/2024/d": "the folder says user",
        "Invoices with Details/f": "the folder says invoice_with_details",
    }
    assert {row["webhook"] for row in found} == {"ticket"}


def test_both_invoices_may_share_a_folder(tmp_path: Path) -> None:
    items = [d.invoice(random.Random(1), 1), d.details(random.Random(1), 2)]
    found = d.read(tmp_path, {f"invoices/{n}": d.compact(item).encode() for n, item in enumerate(items)})
    assert [row["reason"] for row in found] == [None, None]


def test_a_refused_record_keeps_its_bytes(tmp_path: Path) -> None:
    raw = d.compact(d.invoice(random.Random(1), 1)).encode()[:-1] + b',"Notes":"\xff"}'
    (row,) = d.read(tmp_path, {"a": raw})
    assert (row["outcome"], row["raw"], row["document"]) == ("refused", raw, None)
    assert row["reason"].startswith("not UTF-8 at byte")


@pytest.mark.parametrize("webhook", d.MAKERS)
def test_what_a_cut_record_was_is_told_as_far_as_it_can_be(tmp_path: Path, webhook: str) -> None:
    raw = d.compact(d.MAKERS[webhook](random.Random(12), 99)).encode()
    (row,) = d.read(tmp_path, {"a": raw[:-3]})
    assert (row["outcome"], row["webhook"], row["payload_id"]) == ("refused", webhook, 99)
    (row,) = d.read(tmp_path, {"a": b'{"Id":9'})
    assert (row["outcome"], row["webhook"], row["payload_id"]) == ("refused", None, None)


def test_checks_change_nothing() -> None:
    payload = d.details(random.Random(3), 5)
    before = copy.deepcopy(payload)
    webhooks.check(payload)
    assert payload == before
