"""A Ticket Tailor order as the venue means it: what is bought, and what happens to it later.

Amounts are whole minor units of the order's currency, moments are unix seconds.
"""

import dataclasses
from typing import NamedTuple

from sandbox.catalogue import DIGITS, Event, Person
from sandbox.venue import Change

FIRST_ORDER = 10_000_000
FIRST_TICKET = 20_000_000
TICKETS_AN_ORDER = 16  # ids: ticket k of order i is FIRST_TICKET + 16 i + k; the last one belongs to no order
LOOSE = TICKETS_AN_ORDER - 1
NOT_GOODS = ("discount", "promotion", "voucher", "charge", "tax")
TICKET_LAG = 9  # seconds from an order to its tickets (6 to 14 seen on the platform)


@dataclasses.dataclass(slots=True)
class Line:
    """One line of an order.

    ``meaning``: ticket, bundle, product, membership, donation, gift_card, charge, tax, discount, promotion, voucher.
    ``goods`` is what the things themselves cost, ``fee`` the booking fee on them: inside the line's total, on top of
    the order, or neither. ``tickets`` are the numbers of the tickets that came with it.
    """

    meaning: str
    item: str | None
    description: str
    quantity: int
    value: int
    total: int
    goods: int
    fee_given: int = 0
    fee: int = 0
    fee_inside: bool = False
    tickets: tuple[int, ...] = ()


@dataclasses.dataclass(slots=True)
class Seat:
    """One ticket of an order: its number there, its level (of catalogue.LEVELS) and its list price."""

    number: int
    level: int
    list_price: int


@dataclasses.dataclass(slots=True)
class Order:
    """An order as it was made, and all that will happen to it."""

    index: int
    case: str
    created: int
    listed: int
    event: Event | None
    buyer: Person
    currency: str
    lines: list[Line] = dataclasses.field(default_factory=list)
    seats: list[Seat] = dataclasses.field(default_factory=list)
    changes: list[Change] = dataclasses.field(default_factory=list)
    tax: int = 0
    tax_treatment: str = "exclusive"
    tax_has_line: bool = False
    paid_with: str = "stripe"
    pending: bool = False
    void_lowers_total: bool = True
    old_shape: bool = False
    cancelled_word: str = "cancelled"
    tickets_voided_on_cancel: bool = True
    referral: str | None = None
    sealed: int | None = None

    @property
    def number(self) -> int:
        return FIRST_ORDER + self.index

    @property
    def id(self) -> str:
        return f"or_{FIRST_ORDER + self.index}"

    @property
    def charged(self) -> int:
        """What the buyer was charged for the whole order, before any void."""
        if self.sealed is not None:
            return self.sealed
        total = sum(line.total for line in self.lines)
        total += sum(line.fee for line in self.lines if not line.fee_inside)
        if self.tax_treatment == "exclusive" and not self.tax_has_line:
            total += self.tax
        return total

    def seal(self) -> None:
        """Nothing more is bought: ``charged`` need not be added up again."""
        self.sealed = self.charged

    @property
    def goods(self) -> int:
        return sum(line.goods for line in self.lines if line.meaning not in NOT_GOODS)

    @property
    def digits(self) -> int:
        """Decimals of the order's currency."""
        return DIGITS[self.currency]

    def ticket_id(self, number: int) -> str:
        return f"it_{FIRST_TICKET + self.index * TICKETS_AN_ORDER + number}"


class State(NamedTuple):
    """An order at a moment. Amounts are cumulative; ``voided`` and ``scans`` are (ticket number, moment) pairs."""

    status: str
    paid: int
    refunded: int = 0
    credited: int = 0
    voucher: bool = False
    voided: tuple[tuple[int, int], ...] = ()
    void_lines: tuple[tuple[int, int], ...] = ()
    scans: tuple[tuple[int, int, int], ...] = ()


def state_at(order: Order, now: int) -> State:
    """The order as of ``now`` (unix seconds)."""
    charged = order.charged
    if not order.changes or order.changes[0].at > now:
        return State("pending", 0) if order.pending else State("completed", charged)
    status, paid = ("pending", 0) if order.pending else ("completed", charged)
    refunded = credited = 0
    voucher = False
    voided: dict[int, int] = {}
    void_lines: list[tuple[int, int]] = []
    scans: list[tuple[int, int, int]] = []
    for change in order.changes:
        if change.at > now:
            break
        if change.what == "complete":
            status, paid = "completed", charged
        elif change.what == "cancel":
            status = order.cancelled_word
            if order.tickets_voided_on_cancel:
                for seat in order.seats:
                    voided.setdefault(seat.number, change.at)
        elif change.what == "refund":
            refunded = change.amount
        elif change.what == "credit":
            credited, voucher = change.amount, True
        elif change.what == "void":
            voided.setdefault(change.ticket, change.at)
            void_lines.append((change.ticket, change.amount))
        elif change.what == "scan" and status == "completed" and change.ticket not in voided:
            scans.append((change.ticket, change.at, change.amount))
    return State(status, paid, refunded, credited, voucher, tuple(voided.items()), tuple(void_lines), tuple(scans))
