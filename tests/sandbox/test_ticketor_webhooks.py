"""Webhook files: the vendor's shapes, every layout the same deliveries, nothing lost between two calls."""

import base64
import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.catalogue import DAY
from sandbox.ticketor import Ticketor
from sandbox.ticketor_items import TICKS
from sandbox.ticketor_json import amount, time
from sandbox.ticketor_webhooks import BROKEN, LAYOUTS, body, write_broken, write_webhooks
from sandbox.venue import Venue

# Every key of the vendor's documentation, by object.
PERSON = {"Id", "FirstName", "LastName", "Email", "Phone"}
ADDRESS = {"FirstName", "LastName", "AddressLine1", "AddressLine2", "City", "State", "Zipcode", "Country", "Phone"}
ADDRESS |= {"CellPhone"}
USER = PERSON | {"SignupDate", "Mobile", "MailingListPermission", "SMSPermission"}
INVOICE = {"Id", "Date", "InvoiceType", "RelatedInvoiceId", "ReturnStatus", "Referrer", "Notes", "Amount"}
INVOICE |= {"PlatformFee", "Buyer", "Agent", "Shipping", "WillCall", "ProductsCount", "TicketsCount"}
AMOUNT = {"Total", "Currency", "ServiceCharge", "Tax", "Tip", "Discount", "PromotionId", "PromotionCode"}
FEES = {"Fee", "TicketProtectionFee", "AdFee", "PaymentProcessingFee", "DeliveryFee"}
TICKET = {"Id", "InvoiceId", "Status", "Section", "Row", "Seat", "BuyPrice", "SellPrice", "ServiceCharge"}
TICKET |= {"PriceLevelName", "Barcode", "ExpirationDate", "LastScannedAt", "DeliveryMethod", "Event", "Buyer"}
PRODUCT = {"Id", "InvoiceId", "Product", "Amount", "ReturnedAmount", "UnitPrice", "Discount", "Tax", "options"}
PRODUCT |= {"IsRecurringPurchase", "RecursInDays", "DeliveryMethodId", "DeliveryMethod", "DeliveryFee", "OrderStatus"}
PRODUCT |= {"Buyer"}
PAYMENT = {"Id", "ChargeMethod", "Amount", "Currency", "PaymentType", "InvoiceId", "Description", "Date", "Card"}
PAYMENT |= {"DeductedAmountByPlatform", "BillingAddress", "Success", "CashRegisterId", "Buyer"}
PAYMENT |= {"PaymentProcessorEventOrganizerId"}
CARD = {"CardNumber", "DueDate", "CardHolderName", "ExpirationMonth", "ExpirationYear"}
EVENT = {"EventId", "EventName", "EventDate"}


def check_ticket(one: dict[str, Any]) -> None:
    assert set(one) == TICKET and set(one["Event"]) == EVENT and set(one["Buyer"]) == PERSON
    assert round(one["BuyPrice"] + one["ServiceCharge"] - one["SellPrice"], 6) == 0


def check_product(one: dict[str, Any]) -> None:
    assert set(one) == PRODUCT and set(one["Product"]) == {"ProductId", "ProductName"}


def check_payment(one: dict[str, Any]) -> None:
    assert set(one) == PAYMENT and set(one["Buyer"]) == PERSON
    assert one["Card"] is None or (set(one["Card"]) == CARD and set(one["BillingAddress"]) == ADDRESS)


def check_invoice(one: dict[str, Any], details: bool) -> None:
    lists = {"Payments", "Tickets", "Products"}
    assert set(one) == (INVOICE | lists if details else INVOICE)
    assert set(one["Amount"]) == AMOUNT and set(one["PlatformFee"]) == FEES
    assert set(one["Buyer"]) == set(one["Agent"]) == PERSON
    assert set(one["Shipping"]) == {"Status", "Date", "Carrier", "TrackingNo", "Address"}
    assert set(one["Shipping"]["Address"]) == ADDRESS | {"Notes"}
    assert set(one["WillCall"]) == {"Status", "Date"}
    for name, check in (("Payments", check_payment), ("Tickets", check_ticket), ("Products", check_product)):
        for child in one.get(name, []):
            check(child)


@pytest.mark.parametrize("seed", range(4))
def test_every_payload_has_the_documented_keys_and_no_other(seed: int) -> None:
    venue = Venue(seed)
    for one in Ticketor(venue).deliveries(None, venue.end):
        payload = json.loads(body(venue, one))
        if one.webhook == "user":
            assert set(payload) == USER
        elif one.webhook.startswith("invoice"):
            check_invoice(payload, details=one.webhook == "invoice_with_details")
        else:
            {"ticket": check_ticket, "product": check_product, "payment": check_payment}[one.webhook](payload)


def test_amounts_and_times_are_written_as_the_vendor_writes_them() -> None:
    assert [amount(2500, 2), amount(2375, 2), amount(-15, 2), amount(900, 0), amount(7250, 3)] == [
        25,
        23.75,
        -0.15,
        900,
        7.25,
    ]
    assert isinstance(amount(2500, 2), int)
    second = 1_391_442_828 * TICKS
    assert time(second) == "2014-02-03T15:53:48Z"
    assert time(second + 2_970_000) == "2014-02-03T15:53:48.297Z"
    assert time(second + 1) == "2014-02-03T15:53:48.0000001Z"


def test_an_event_is_told_in_local_time_by_name_and_in_utc_by_date() -> None:
    venue = Venue(1)  # London, summer time from 30 March 2025
    tickets = [one for one in Ticketor(venue).deliveries(None, venue.end) if one.webhook == "ticket"]
    events = [json.loads(body(venue, one))["Event"] for one in tickets]
    assert all(event["EventName"].endswith("M ") for event in events)
    summer = next(event for event in events if event["EventDate"] > "2025-04-01")
    hour = int(summer["EventDate"][11:13])
    assert f"{(hour + 1) % 12 or 12:02d}:" in summer["EventName"]


def test_an_event_that_is_put_off_carries_two_dates() -> None:
    dates: dict[int, set[str]] = {}
    venue = Venue(1, orders=400)
    for one in Ticketor(venue).deliveries(None, venue.end):
        for ticket in json.loads(body(venue, one)).get("Tickets", []):
            dates.setdefault(ticket["Event"]["EventId"], set()).add(ticket["Event"]["EventDate"])
    assert max(map(len, dates.values())) == 2


# --- files ------------------------------------------------------------------------------------------------------------


def read(path: Path) -> list[Any]:
    """The payloads of a file, whatever its layout; written apart from the code that writes them."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    decoder, text, found = json.JSONDecoder(), content.decode(), []
    while text := text.lstrip():
        one, end = decoder.raw_decode(text)
        text = text[end:]
        found += one if isinstance(one, list) else [one]
    return [open_envelope(one) for one in found]


def open_envelope(one: dict[str, Any]) -> dict[str, Any]:
    if "body" not in one:
        return one
    inside = one["body"]
    if one["isBase64Encoded"]:
        inside = base64.b64decode(inside)
    return inside if isinstance(inside, dict) else json.loads(inside)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_holds_the_same_deliveries_in_order(layout: str, tmp_path: Path) -> None:
    venue = Venue(3)
    expected = [json.loads(body(venue, one)) for one in Ticketor(venue).deliveries(None, venue.end)]
    count = write_webhooks(venue, tmp_path, layout=layout)
    written = files(tmp_path)
    assert len(written) == count
    found = [payload for path in written for payload in read(path)]
    if layout == "unnamed":  # the names of a day follow no clock
        found.sort(key=json.dumps)
        expected.sort(key=json.dumps)
    assert found == expected


def test_the_usual_layout_names_day_receipt_and_webhook(tmp_path: Path) -> None:
    venue = Venue(3)
    write_webhooks(venue, tmp_path)
    deliveries = list(Ticketor(venue).deliveries(None, venue.end))
    for path, delivery in zip(files(tmp_path), deliveries, strict=True):
        at = dt.datetime.fromtimestamp(delivery.at // 1_000_000, dt.UTC)
        stamp, _, rest = path.name.partition("Z_")
        assert path.parent.name == f"{at:%Y-%m-%d}"
        assert dt.datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%S.%f%z") - at < dt.timedelta(seconds=1)
        assert rest.rpartition("_")[0] == delivery.webhook
        assert abs(path.stat().st_mtime_ns - delivery.at * 1000) < 1_000


@pytest.mark.parametrize("layout", ["json", "jsonl", "array"])
def test_day_after_day_is_the_same_as_all_at_once(layout: str, tmp_path: Path) -> None:
    venue = Venue(4)
    moments = [venue.end - n * DAY - 4_321 for n in range(95, -1, -5)] + [venue.end]
    before = None
    for moment in moments:
        write_webhooks(venue, tmp_path / "daily", since=before, until=moment, layout=layout)
        before = moment
    write_webhooks(venue, tmp_path / "once", layout=layout)
    daily = {path.relative_to(tmp_path / "daily"): path.read_bytes() for path in files(tmp_path / "daily")}
    assert daily == {path.relative_to(tmp_path / "once"): path.read_bytes() for path in files(tmp_path / "once")}


def test_written_again_nothing_changes_and_no_part_is_left(tmp_path: Path) -> None:
    venue = Venue(3)
    write_webhooks(venue, tmp_path)
    before = {path: path.read_bytes() for path in files(tmp_path)}
    write_webhooks(venue, tmp_path)
    assert {path: path.read_bytes() for path in files(tmp_path)} == before
    assert not [path for path in before if path.name.startswith(".")]


def test_files_from_the_future_look_ripe(tmp_path: Path) -> None:
    tomorrow = int(dt.datetime.now(dt.UTC).timestamp()) + DAY
    write_webhooks(Venue(1, end=tomorrow), tmp_path)
    now = dt.datetime.now(dt.UTC).timestamp()
    assert max(path.stat().st_mtime for path in files(tmp_path)) <= now - 59


def test_only_some_webhooks(tmp_path: Path) -> None:
    venue = Venue(3)
    write_webhooks(venue, tmp_path, webhooks=["user", "invoice_with_details"])
    kinds = {path.name.partition("Z_")[2].rpartition("_")[0] for path in files(tmp_path)}
    assert kinds == {"user", "invoice_with_details"}


def test_unknown_layout() -> None:
    with pytest.raises(ValueError, match="layout"):
        write_webhooks(Venue(1), "nowhere", layout="parquet")


def test_broken_files_are_broken(tmp_path: Path) -> None:
    written = write_broken(Venue(1), tmp_path)
    assert set(written) == set(BROKEN)
    contents = {kind: path.read_bytes() for kind, path in written.items()}
    assert contents["empty"] == b""
    for kind in ("truncated", "html", "not_utf8"):
        with pytest.raises(ValueError, match=r"."):
            json.loads(contents[kind].decode())
    assert {"Barcode", "InvoiceType"} <= set(json.loads(contents["two_shapes"]))
    assert json.loads(contents["nan"])["SellPrice"] != json.loads(contents["nan"])["SellPrice"]
    assert contents["repeated_key"].count(b'"Id":') > json.dumps(json.loads(contents["repeated_key"])).count('"Id":')
    assert "\ud800" in json.loads(contents["lone_surrogate"])["Extra"]
