"""Webhooks in the shapes of Ticketor's documentation: all keys of its page, with its quirks.

Whole amounts are written as integers and others with their decimals; times end in Z and have 0 to 7 decimals; event and
buyer names carry stray spaces; nothing says which webhook a payload is.
"""

import datetime
from typing import Any

from sandbox.catalogue import LEVELS, Event, Person
from sandbox.ticketor_items import FIRST_PERSON, TICKS, Agent, Delivery, Invoice, Payment, ProductSale, Ticket, User
from sandbox.venue import Venue

Json = dict[str, Any]
FIRST_EVENT = 150_000
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_LEVEL_NAMES = (*LEVELS[:3], "")  # the free level has no name
_ADDRESS_KEYS = (
    "FirstName",
    "LastName",
    "AddressLine1",
    "AddressLine2",
    "City",
    "State",
    "Zipcode",
    "Country",
    "Phone",
    "CellPhone",
)


def payload(venue: Venue, delivery: Delivery) -> Json:
    """The body of one webhook."""
    item, now = delivery.item, delivery.at // 1_000_000
    if isinstance(item, User):
        return user(item)
    if isinstance(item, Ticket):
        return ticket(venue, item, now)
    if isinstance(item, ProductSale):
        return product_sale(item)
    if isinstance(item, Payment):
        return payment(item)
    return invoice(venue, item, now, details=delivery.webhook == "invoice_with_details")


def amount(minor: int, digits: int) -> int | float:
    """Minor units as the vendor writes money: 25, 23.75."""
    whole, rest = divmod(minor, 10**digits)
    return minor / 10**digits if rest else whole


def time(ticks: int) -> str:
    """A moment as .NET writes it: trailing zeros of the seven decimals are cut."""
    seconds, part = divmod(ticks, TICKS)
    text = (_EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{part:07d}".rstrip("0") + "Z" if part else text + "Z"


def person_id(person: Person | None) -> int:
    """The platform's Id of a person; 0 is no one."""
    return FIRST_PERSON + person.number if person else 0


def event_id(event: Event) -> int:
    return FIRST_EVENT + event.index


def _person(person: Person | Agent | None) -> Json:
    if person is None:
        return {"Id": 0, "FirstName": "", "LastName": "", "Email": "", "Phone": ""}
    if isinstance(person, Agent):
        return {
            "Id": person.id,
            "FirstName": person.first,
            "LastName": person.last,
            "Email": person.email,
            "Phone": "",
        }
    return {
        "Id": person_id(person),
        "FirstName": person.first,
        "LastName": person.last,
        "Email": person.email_on_ticketor(),
        "Phone": person.phone,
    }


def user(item: User) -> Json:
    who = item.person
    return {
        "Id": person_id(who),
        "SignupDate": time(item.signed_up),
        "FirstName": who.first,
        "LastName": who.last,
        "Email": who.email_on_ticketor(),
        "Phone": who.phone,
        "Mobile": who.phone,
        "MailingListPermission": item.mailing,
        "SMSPermission": item.sms,
    }


def event(venue: Venue, item: Event, now: int) -> Json:
    """The event as announced at ``now``: its name spells the local time, its date is UTC."""
    start = item.start_at(now)
    local = datetime.datetime.fromtimestamp(start, venue.zone)
    return {
        "EventId": event_id(item),
        "EventName": f"{item.title} - {local:%A %B} {local.day}, {local:%Y at %I:%M %p} ",
        "EventDate": time(start * TICKS),
    }


def ticket(venue: Venue, item: Ticket, now: int) -> Json:
    digits = item.event.digits
    return {
        "Id": item.id,
        "InvoiceId": item.invoice,
        "Status": item.status,
        "Section": item.section,
        "Row": item.row,
        "Seat": item.seat,
        "BuyPrice": amount(item.buy, digits),
        "SellPrice": amount(item.sell, digits),
        "ServiceCharge": amount(item.charge, digits),
        "PriceLevelName": _LEVEL_NAMES[item.level],
        "Barcode": item.barcode,
        "ExpirationDate": "2200-01-01T08:00:00Z",
        "LastScannedAt": None if item.scanned_at is None else time(item.scanned_at * TICKS),
        "DeliveryMethod": item.delivery,
        "Event": event(venue, item.event, now),
        "Buyer": _person(item.buyer),
    }


def product_sale(item: ProductSale) -> Json:
    digits = item.digits
    return {
        "Id": item.id,
        "InvoiceId": item.invoice,
        "Product": {"ProductId": item.product.number, "ProductName": item.product.name},
        "Amount": item.quantity,
        "ReturnedAmount": item.returned,
        "UnitPrice": amount(item.unit_price, digits),
        "Discount": amount(item.discount, digits),
        "Tax": amount(item.tax, digits),
        "DeliveryFee": amount(item.delivery_fee, digits),
        "options": "",
        "IsRecurringPurchase": False,
        "RecursInDays": 0,
        "DeliveryMethodId": 70,
        "DeliveryMethod": "Direct",
        "OrderStatus": "Completed",
        "Buyer": _person(item.buyer),
    }


def payment(item: Payment) -> Json:
    digits = {"JPY": 0, "KWD": 3}.get(item.currency, 2)
    who = item.buyer
    card = None
    if item.card is not None:
        card = {
            "CardNumber": item.card,
            "DueDate": None,
            "CardHolderName": f"{who.first} {who.last}" if who else "",
            "ExpirationMonth": 1,
            "ExpirationYear": 2030,
        }
    buyer = _person(who)
    if who:
        buyer |= {"FirstName": f" {who.first}", "LastName": f" {who.last}"}
    return {
        "Id": item.id,
        "ChargeMethod": item.method,
        "Amount": amount(item.amount, digits),
        "Currency": item.currency,
        "PaymentType": item.type,
        "InvoiceId": item.invoice,
        "Description": item.description,
        "Date": time(item.date),
        "Card": card,
        "DeductedAmountByPlatform": amount(item.deducted, digits),
        "BillingAddress": dict.fromkeys(_ADDRESS_KEYS, "") if card else None,
        "Success": item.success,
        "CashRegisterId": item.register,
        "PaymentProcessorEventOrganizerId": 0,
        "Buyer": buyer,
    }


def invoice(venue: Venue, item: Invoice, now: int, *, details: bool) -> Json:
    digits = item.digits
    body: Json = {
        "Id": item.id,
        "Date": time(item.date),
        "InvoiceType": item.type,
        "RelatedInvoiceId": item.related,
        "ReturnStatus": item.return_status,
        "Referrer": item.referrer,
        "Notes": item.notes,
        "Amount": {
            "Total": amount(item.total, digits),
            "Currency": item.currency,
            "ServiceCharge": amount(item.service_charge, digits),
            "Tax": amount(item.tax, digits),
            "Tip": amount(item.tip, digits),
            "Discount": amount(-item.discount if item.discount_written_negative else item.discount, digits),
            "PromotionId": 55 if item.promotion else 0,
            "PromotionCode": item.promotion,
        },
        "PlatformFee": {
            "Fee": amount(item.fee, digits),
            "TicketProtectionFee": amount(item.protection_fee, digits),
            "AdFee": amount(item.ad_fee, digits),
            "PaymentProcessingFee": amount(item.processing_fee, digits),
            "DeliveryFee": 0,
        },
        "Buyer": _person(item.buyer),
        "Agent": _person(item.agent or item.buyer),
        "Shipping": {
            "Status": "0",
            "Date": None,
            "Carrier": "",
            "TrackingNo": "",
            "Address": dict.fromkeys((*_ADDRESS_KEYS, "Notes"), ""),
        },
        "WillCall": {"Status": "0", "Date": None},
        "ProductsCount": len(item.products),
        "TicketsCount": len(item.tickets),
    }
    if details:
        body["Payments"] = [payment(one) for one in item.payments]
        body["Tickets"] = [ticket(venue, one, now) for one in item.tickets]
        body["Products"] = [product_sale(one) for one in item.products]
    return body
