"""The rows of the ledger, and how amounts are shared out."""

import dataclasses
import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

SALES_KINDS = ("ticket", "product", "membership")
MEASURE_OF_KIND = {
    **dict.fromkeys(SALES_KINDS, "gross_sales"),
    "buyer_fee": "buyer_fees",
    "tip": "tips",
    "donation": "donations",
    "tax": "tax",
    "delivery": "delivery",
    "gift_card": "gift_cards",
    "discount": "discounts",
    "unexplained": "unexplained",
}
REFUNDS_OF = {
    **dict.fromkeys(SALES_KINDS, "refunds_of_sales"),
    "buyer_fee": "refunds_of_fees",
    "donation": "refunds_of_donations",
    "tax": "refunds_of_tax",
}
GIVEN_BACK = {"refund": "refund", "credit_issued": "credited"}  # the kind of line of each kind of payment back
PARTS_OF_FEES = ("ticketing", "protection", "ad", "processing", "delivery")
BEFORE_FIRST_LOAD, FIRST_SEEN, PLATFORM = "before_first_load", "first_seen", "platform"


class Look(NamedTuple):
    """A moment at which the pipeline read Ticket Tailor.

    ``now`` is the venue's moment (unix seconds), ``at`` when the pipeline says it fetched what it saw, and ``since``
    how far back it read (``created_at``, unix seconds; None: everything).
    """

    now: int
    at: datetime.datetime
    since: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    order_id: str
    related_order_id: str | None
    order_type: str
    status: str | None  # None where the rules leave it open
    is_booked: bool
    channel: str
    ordered_at: datetime.datetime
    customer: str | None  # Ticketor: the buyer's Id; Ticket Tailor: the normalised e-mail
    currency: str
    total_amount: Decimal
    total_as_given: Decimal
    is_return: bool = False
    payments_known: bool = True
    fees: dict[str, Decimal] | None = None  # what the venue owes the platform, by part; None where it reports none

    @property
    def key(self) -> str:
        return self.order_id

    @property
    def platform_fee(self) -> Decimal | None:
        return None if self.fees is None else sum(self.fees.values(), Decimal(0))


@dataclasses.dataclass(frozen=True, slots=True)
class Ticket:
    ticket_id: str
    order_id: str | None
    event_id: str
    status: str
    admission_kind: str
    ticket_type: str | None
    list_price: Decimal | None
    price: Decimal | None
    service_charge: Decimal | None
    price_paid: Decimal | None
    discount_amount: Decimal | None
    currency: str | None
    sold_at: datetime.datetime | None
    scanned_at: datetime.datetime | None
    voided_at: datetime.datetime | None = None
    tax_amount: Decimal | None = None

    @property
    def key(self) -> tuple[str | None, str]:
        return self.order_id, self.ticket_id


@dataclasses.dataclass(frozen=True, slots=True)
class ProductSale:
    product_sale_id: str
    order_id: str
    product_id: str | None
    kind: str
    quantity: int
    returned_quantity: int | None
    unit_price: Decimal
    line_amount: Decimal
    currency: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Payment:
    payment_id: str | None  # None where the rules do not name it
    order_id: str
    paid_at: datetime.datetime
    paid_at_basis: str
    kind: str
    amount: Decimal
    credit_amount: Decimal
    currency: str
    number: int = 0  # distinguishes the movements of one order that have no id

    @property
    def key(self) -> tuple[str, str | None, str, int]:
        return self.order_id, self.payment_id, self.kind, self.number


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    order_id: str
    line_kind: str
    refund_of: str | None
    event_id: str | None
    ticket_id: str | None
    amount: Decimal
    currency: str
    booked_at: datetime.datetime | None
    date_basis: str = PLATFORM
    tax: Decimal | None = None  # inside the amount


class Settlement(NamedTuple):
    """What came of an order's total; all None where its payments are not known."""

    paid: Decimal | None = None
    refunded: Decimal | None = None
    credit_redeemed: Decimal | None = None
    credit_issued: Decimal | None = None
    balance_due: Decimal | None = None


@dataclasses.dataclass(slots=True)
class Measures:
    """Sums over booked lines, the money received, and counts of tickets and orders, named as in the reports.

    ``platform_fees`` and their parts are None on a platform that reports none. By event there are no receipts, fees and
    orders: what an order over several events paid belongs to none of them.
    """

    gross_sales: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    refunds_of_sales: Decimal = Decimal(0)
    refunds_of_fees: Decimal = Decimal(0)
    refunds_of_donations: Decimal = Decimal(0)
    refunds_of_tax: Decimal = Decimal(0)
    refunds_of_other: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    credited_of_sales: Decimal = Decimal(0)
    buyer_fees: Decimal = Decimal(0)
    tips: Decimal = Decimal(0)
    donations: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    known_tax_inside: Decimal = Decimal(0)
    sales_without_tax: int = 0
    delivery: Decimal = Decimal(0)
    gift_cards: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    unexplained: Decimal = Decimal(0)
    charged_total: Decimal = Decimal(0)
    receipts: Decimal = Decimal(0)
    platform_fees: Decimal | None = None
    ticketing_fees: Decimal | None = None
    protection_fees: Decimal | None = None
    ad_fees: Decimal | None = None
    processing_fees: Decimal | None = None
    delivery_fees: Decimal | None = None
    tickets_sold: int = 0
    comps: int = 0
    tickets_imported: int = 0
    tickets_returned: int = 0
    tickets_reserved: int = 0
    orders: int = 0
    orders_without_fees: int = 0

    def add(self, line: Line) -> None:
        if line.line_kind in GIVEN_BACK.values():
            names = ["refunds", REFUNDS_OF.get(line.refund_of, "refunds_of_other")]
            if line.line_kind == "credited":
                names = ["credited", "credited_of_sales"] if line.refund_of in SALES_KINDS else ["credited"]
            for name in names:
                setattr(self, name, getattr(self, name) - line.amount)
            return
        self.charged_total += line.amount
        if line.line_kind in SALES_KINDS:
            self.known_tax_inside += line.tax or 0
            self.sales_without_tax += line.tax is None
        measure = MEASURE_OF_KIND[line.line_kind]
        setattr(self, measure, getattr(self, measure) + line.amount)

    def add_order(self, order: Order) -> None:
        self.orders += not order.is_return
        if order.fees is None:
            self.orders_without_fees += 1
            return
        for part, fee in order.fees.items():
            self.platform_fees = (self.platform_fees or 0) + fee
            setattr(self, f"{part}_fees", (getattr(self, f"{part}_fees") or 0) + fee)

    def count(self, name: str) -> None:
        setattr(self, name, getattr(self, name) + 1)

    @property
    def net_sales(self) -> Decimal:
        return self.gross_sales - self.refunds_of_sales - self.credited_of_sales

    @property
    def tax_inside(self) -> Decimal | None:
        return None if self.sales_without_tax else self.known_tax_inside

    @property
    def net_after_fees(self) -> Decimal | None:
        return None if self.platform_fees is None or self.orders_without_fees else self.net_sales - self.platform_fees


def money(minor: int, digits: int) -> Decimal:
    """Minor units in major units, exactly."""
    return Decimal(minor).scaleb(-digits)


def moment(unix: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(unix, datetime.UTC)


def share_out(amount: int, weights: Sequence[int]) -> list[int]:
    """``amount`` in proportion to ``weights``, in whole units that add up to it; all zero when the weights are.

    What rounding down leaves goes to the largest remainders, equal ones in their order.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    sign = -1 if amount < 0 else 1
    shares = [abs(amount) * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(abs(amount) * weights[n] % whole), n))
    for n in order[: abs(amount) - sum(shares)]:
        shares[n] += 1
    return [sign * share for share in shares]
