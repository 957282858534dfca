"""What the venue sells through Ticketor, as the venue means it: invoices, tickets, products, payments, people.

Amounts are whole minor units of the invoice's currency. A ``Delivery`` is one webhook: an item as it stood when it was
sent. ``ticketor_json`` writes it in the vendor's shape; the ledger reads the item and never that document.
"""

import dataclasses
from typing import NamedTuple

from sandbox.catalogue import DIGITS, Event, Person, Product

FIRST_INVOICE = 400_000
INVOICES_A_STORY = 8  # ids: invoice r of story i is FIRST_INVOICE + 8 i + r
FIRST_TICKET = 3_000_000
FIRST_PRODUCT_SALE = 900_000
FIRST_PAYMENT = 700_000
ITEMS_A_STORY = 16
FIRST_PERSON = 50_000
TICKS = 10_000_000  # a second in the platform's hundred-nanosecond ticks


class Agent(NamedTuple):
    """A member of the venue's staff who sells at the counter."""

    id: int
    first: str
    last: str
    email: str


AGENTS = (
    Agent(71, "Pat", "Example", "pat@staff.example.org"),
    Agent(72, "Robin", "Example", "robin@staff.example.org"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket on an invoice. ``buy`` is its price, ``charge`` the service charge on it; both are in its SellPrice."""

    id: int
    invoice: int
    event: Event
    level: int
    buy: int
    charge: int
    section: str
    row: str | None
    seat: int | str | None
    barcode: str
    buyer: Person | None
    status: str = "sold"
    scanned_at: int | None = None
    delivery: str = "Will-Call (Venue pickup)"

    @property
    def sell(self) -> int:
        return self.buy + self.charge


@dataclasses.dataclass(frozen=True, slots=True)
class ProductSale:
    """A line of merchandise, donation, gift card or membership. Discount, tax and delivery are for the whole line."""

    id: int
    invoice: int
    product: Product
    quantity: int
    unit_price: int
    buyer: Person | None
    digits: int
    discount: int = 0
    tax: int = 0
    delivery_fee: int = 0
    returned: int = 0

    @property
    def line(self) -> int:
        return self.quantity * self.unit_price - self.discount


@dataclasses.dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to move money. ``kind`` is what it was (as in the marts), ``amount`` what the platform writes."""

    id: int
    invoice: int
    kind: str
    method: str | None
    type: str
    amount: int
    currency: str
    date: int  # ticks since 1970
    buyer: Person | None
    success: bool = True
    card: str | None = "1111"
    deducted: int = 0
    register: int = 0
    description: str = "Tickets"

    @property
    def gives_back(self) -> bool:
        return self.kind in ("refund", "credit_issued")


@dataclasses.dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice with its items.

    ``items`` of a return or an exchange name the sale's own tickets (their ``invoice`` is another one). The platform
    writes ``total``, ``service_charge``, ``discount`` …; what is meant beside them: ``extra_charge`` is a charge on the
    whole invoice, ``left_over`` what the platform's numbers do not explain.
    """

    id: int
    date: int  # ticks since 1970
    currency: str
    buyer: Person | None
    agent: Agent | None = None
    type: str = "Sale"
    related: int = 0
    return_status: str = "NotReturned"
    tickets: tuple[Ticket, ...] = ()
    products: tuple[ProductSale, ...] = ()
    payments: tuple[Payment, ...] = ()
    total: int = 0
    service_charge: int = 0
    tax: int = 0
    tip: int = 0
    discount: int = 0
    discount_written_negative: bool = False
    promotion: str = ""
    fee: int = 0
    protection_fee: int = 0
    ad_fee: int = 0
    processing_fee: int = 0
    extra_charge: int = 0
    left_over: int = 0
    notes: str = ""
    referrer: str = ""

    @property
    def digits(self) -> int:
        return DIGITS[self.currency]

    @property
    def unix(self) -> int:
        return self.date // TICKS

    @property
    def own_tickets(self) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in self.tickets if ticket.invoice == self.id)

    @property
    def own_products(self) -> tuple[ProductSale, ...]:
        return tuple(sale for sale in self.products if sale.invoice == self.id)

    @property
    def is_return(self) -> bool:
        return self.type.lower() not in ("sale", "exchange")


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Somebody who signed up."""

    person: Person
    signed_up: int  # ticks since 1970
    mailing: bool
    sms: bool


class Delivery(NamedTuple):
    """One webhook. ``at`` is when it arrived, in microseconds since 1970; (``story``, ``number``) names it."""

    at: int
    story: int
    number: int
    webhook: str
    item: User | Invoice | Ticket | ProductSale | Payment


@dataclasses.dataclass(slots=True)
class Story:
    """A sale and all that follows from it: its invoices and their webhooks, in order of arrival."""

    index: int
    case: str
    deliveries: list[Delivery] = dataclasses.field(default_factory=list)
