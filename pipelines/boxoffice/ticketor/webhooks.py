"""Which of Ticketor's six webhooks a record is, and whether it can be trusted; or why not.

A payload carries no type. Each of the six has keys that no other has (vendor's page "Ticketor API and Integration
Documentation", section Webhooks); common to all is only ``Id``. Strong marks alone decide, so that a field which the
vendor adds to another webhook one day breaks nothing. What a document means is none of our business here.
"""

import functools
import re
from typing import Any

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument, Shape

USER, INVOICE, DETAILS, TICKET, PRODUCT, PAYMENT = (
    "user",
    "invoice",
    "invoice_with_details",
    "ticket",
    "product",
    "payment",
)

# A family is hit when one of its marks is a key, whatever the value.
MARKS = {
    **dict.fromkeys(("SignupDate", "MailingListPermission", "SMSPermission"), USER),
    **dict.fromkeys(("InvoiceType", "RelatedInvoiceId", "PlatformFee", "TicketsCount", "ProductsCount"), INVOICE),
    **dict.fromkeys(("Event", "Barcode", "SellPrice"), TICKET),
    **dict.fromkeys(("Product", "UnitPrice", "ReturnedAmount"), PRODUCT),
    **dict.fromkeys(("ChargeMethod", "PaymentType", "DeductedAmountByPlatform"), PAYMENT),
}
LISTS = ("Payments", "Tickets", "Products")
_TELLING = frozenset((*MARKS, *LISTS))
_KEYS = re.compile(rb'"([A-Za-z]{1,40})"\s*:')
_FIRST_ID = re.compile(rb'\s*\{\s*"Id"\s*:\s*"?(\d{1,19})"?\s*,')

_PERSON = Shape(ids=("Id",))
_TICKET_FIELDS: dict[str, Any] = {
    "money": ("BuyPrice", "SellPrice", "ServiceCharge"),
    "objects": {"Event": Shape(ids=("EventId",)), "Buyer": _PERSON},
}
_PRODUCT_FIELDS: dict[str, Any] = {
    "money": ("UnitPrice", "Discount", "Tax", "DeliveryFee"),
    "quantities": ("Amount", "ReturnedAmount"),
    "objects": {"Product": Shape(ids=("ProductId",)), "Buyer": _PERSON},
}
_PAYMENT_FIELDS: dict[str, Any] = {
    "money": ("Amount", "DeductedAmountByPlatform"),
    "objects": {"Card": Shape(), "BillingAddress": Shape(), "Buyer": _PERSON},
}
_PAYMENT_IDS = ("CashRegisterId", "PaymentProcessorEventOrganizerId")
_INVOICE_FIELDS: dict[str, Any] = {
    "keys": ("Id",),
    "ids": ("RelatedInvoiceId",),
    "objects": {
        "Amount": Shape(
            ids=("PromotionId",),
            money=("Total", "ServiceCharge", "Tax", "Tip", "Discount"),
        ),
        "PlatformFee": Shape(money=("Fee", "TicketProtectionFee", "AdFee", "PaymentProcessingFee", "DeliveryFee")),
        "Buyer": _PERSON,
        "Agent": _PERSON,
        "Shipping": Shape(objects={"Address": Shape()}),
        "WillCall": Shape(),
    },
    "required": ("Amount",),
}

# Within an invoice an item may leave its InvoiceId out: it is the invoice's.
SHAPES = {
    USER: Shape(keys=("Id",)),
    INVOICE: Shape(**_INVOICE_FIELDS),
    DETAILS: Shape(
        **_INVOICE_FIELDS,
        lists={
            "Payments": Shape(keys=("Id",), ids=("InvoiceId", *_PAYMENT_IDS), **_PAYMENT_FIELDS),
            "Tickets": Shape(keys=("Id",), ids=("InvoiceId",), **_TICKET_FIELDS),
            "Products": Shape(keys=("Id",), ids=("InvoiceId", "DeliveryMethodId"), **_PRODUCT_FIELDS),
        },
    ),
    TICKET: Shape(keys=("Id", "InvoiceId"), **_TICKET_FIELDS),
    PRODUCT: Shape(keys=("Id", "InvoiceId"), ids=("DeliveryMethodId",), **_PRODUCT_FIELDS),
    PAYMENT: Shape(keys=("Id", "InvoiceId"), ids=_PAYMENT_IDS, **_PAYMENT_FIELDS),
}


def recognise(document: Any) -> str:
    """The webhook a document came by, by its keys alone. Raises InvalidDocument when it is none of six, or two."""
    if type(document) is not dict:
        raise InvalidDocument("no known shape: not an object")
    # no platform's object has so many keys: what has them is not kept
    recognise_keys = _recognise_keys if len(document) <= 200 else _recognise_keys.__wrapped__
    return recognise_keys(tuple(document))


@functools.lru_cache(maxsize=1024)  # a platform writes its keys in one order: few sets of them are ever seen
def _recognise_keys(keys: tuple[str, ...]) -> str:
    families = {MARKS[key] for key in keys if key in MARKS}
    if not families:
        raise InvalidDocument("no known shape")
    if len(families) > 1:
        raise InvalidDocument(f"two shapes: {' and '.join(sorted(families))}")
    (family,) = families
    if family == INVOICE and not set(LISTS).isdisjoint(keys):
        return DETAILS
    return family


def glimpse(raw: bytes, document: Any) -> tuple[str | None, int | None]:
    """What a refused record seems to be: its webhook and Id as far as they can be read, so that one sent whole
    later can be known for the same. ``document`` is what became of it, an InvalidDocument where it cannot be read."""
    if type(document) is dict:
        names, given = _TELLING.intersection(document), document.get("Id")
    else:
        names = {name for match in _KEYS.finditer(raw) if (name := match[1].decode()) in _TELLING}
        match = _FIRST_ID.match(raw)
        given = match[1].decode() if match else None
    families = {MARKS[name] for name in names if name in MARKS}
    webhook = None
    if INVOICE in families:
        webhook = INVOICE if set(LISTS).isdisjoint(names) else DETAILS
    elif len(families) == 1:
        (webhook,) = families
    try:
        return webhook, validation.whole_number(given)
    except InvalidDocument:
        return webhook, None


def check(document: Any) -> tuple[str, int]:
    """The webhook and the payload's own Id. Raises InvalidDocument for a document that cannot be loaded as it is."""
    webhook = recognise(document)
    if not SHAPES[webhook].passes(document):
        validation.guard(document, SHAPES[webhook])
    payload_id = int(document["Id"])
    if payload_id == 0 and webhook in (INVOICE, DETAILS):  # nothing would distinguish it from another one
        raise InvalidDocument("id is 0, which is none: Id")
    return webhook, payload_id
