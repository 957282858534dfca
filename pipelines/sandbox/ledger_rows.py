"""The rows of the ledger, and how amounts are shared out."""

import dataclasses
import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

SALES_KINDS = ("ticket", "product", "membership")
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

    @property
    def key(self) -> str:
        return self.order_id


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
    number: int = 0  # tells apart the movements of one order that have no id

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


@dataclasses.dataclass(slots=True)
class Measures:
    """Sums over booked lines, and the money received."""

    gross_sales: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    refunded_sales: Decimal = Decimal(0)
    buyer_fees: Decimal = Decimal(0)
    charged_total: Decimal = Decimal(0)
    receipts: Decimal = Decimal(0)

    def add(self, line: Line) -> None:
        if line.line_kind == "refund":
            self.refunds -= line.amount
            if line.refund_of in SALES_KINDS:
                self.refunded_sales -= line.amount
            return
        self.charged_total += line.amount
        if line.line_kind in SALES_KINDS:
            self.gross_sales += line.amount
        if line.line_kind == "buyer_fee":
            self.buyer_fees += line.amount

    @property
    def net_sales(self) -> Decimal:
        return self.gross_sales - self.refunded_sales


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
