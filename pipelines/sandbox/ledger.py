"""The truth about a made-up venue, in plain Python: what the warehouse should say about it, to the cent.

Computed from what the venue meant to sell (``tailor_order``, ``ticketor_items``), never from the documents it sends,
and sharing nothing with the models: two independent readings of the same rules can be compared.

    books = ledger.ticketor(venue, now)
    books = ledger.ticket_tailor(venue, [Look(now, fetched_at), …])

Rows carry the columns of the unified shape that the rules determine; money is Decimal in major units, times are aware
datetimes in UTC. ``Books.lines`` has the ``unexplained`` lines too.
"""

import dataclasses
import datetime
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.ledger_rows import (
    GIVEN_BACK,
    PARTS_OF_FEES,
    Line,
    Look,
    Measures,
    Order,
    Payment,
    ProductSale,
    Settlement,
    Ticket,
)
from sandbox.ledger_tailor import TailorBooks
from sandbox.ledger_ticketor import TicketorBooks
from sandbox.venue import Venue

__all__ = [
    "Books",
    "Line",
    "Look",
    "Measures",
    "Order",
    "Payment",
    "ProductSale",
    "Settlement",
    "Ticket",
    "ticket_tailor",
    "ticketor",
]

ZERO = Decimal(0)


@dataclasses.dataclass
class Books:
    """Everything the ledger says about one account."""

    platform: str
    account: str
    time_zone: str
    orders: list[Order]
    tickets: list[Ticket]
    product_sales: list[ProductSale]
    payments: list[Payment]
    lines: list[Line]
    starts: dict[str, datetime.datetime]  # when each event begins, as last known

    def by_day(self) -> dict[tuple[datetime.date, str], Measures]:
        """The measures of each local day of the account and currency. What is not booked is in none."""
        zone = ZoneInfo(self.time_zone)
        return self._measures(lambda at, _event, currency: (at.astimezone(zone).date(), currency))

    def by_event(self) -> dict[tuple[str | None, str], Measures]:
        """The measures of each event and currency; None for what belongs to no event. Payments and orders have none."""
        return self._measures(lambda _at, event, currency: (event, currency), of_orders=False)

    def totals(self) -> dict[str, Measures]:
        """The measures by currency."""
        return self._measures(lambda _at, _event, currency: currency)

    def _measures(self, key: Callable[..., Any], *, of_orders: bool = True) -> dict[Any, Measures]:
        """The measures by ``key(moment, event, currency)``."""
        names = (
            () if self.platform == "ticket_tailor" else ("platform_fees", *(f"{part}_fees" for part in PARTS_OF_FEES))
        )
        found: dict[Any, Measures] = defaultdict(lambda: Measures(**dict.fromkeys(names, ZERO)))
        for line in self.lines:
            if line.booked_at is not None:
                found[key(line.booked_at, line.event_id, line.currency)].add(line)
        for payment in self.payments if of_orders else ():
            if payment.amount:
                found[key(payment.paid_at, None, payment.currency)].receipts += payment.amount
        for order in self.orders if of_orders else ():
            if order.is_booked:
                found[key(order.ordered_at, None, order.currency)].add_order(order)
        for count, ticket, at in self._admissions():
            found[key(at, ticket.event_id, ticket.currency)].count(count)
        return dict(found)

    def _admissions(self) -> Iterator[tuple[str, Ticket, datetime.datetime]]:
        """Which counts each ticket is in, and when. One whose order has not come is in none."""
        booked = {order.order_id: order.is_booked for order in self.orders}
        for ticket in self.tickets:
            if ticket.status == "reserved":
                yield "tickets_reserved", ticket, ticket.sold_at
            if ticket.order_id is None:
                yield "tickets_imported", ticket, ticket.sold_at
            elif booked.get(ticket.order_id):
                yield "comps" if ticket.admission_kind == "comp" else "tickets_sold", ticket, ticket.sold_at
                if ticket.status in ("returned", "voided", "exchanged"):
                    yield "tickets_returned", ticket, ticket.voided_at or ticket.sold_at

    def settlements(self) -> dict[str, Settlement]:
        """What was paid, given back and is still owed, order by order."""
        moved: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
        for payment in self.payments:
            moved[payment.order_id, payment.kind] += payment.amount + payment.credit_amount
        found = {}
        for order in self.orders:
            paid, back, redeemed, issued = (
                moved[order.order_id, kind] for kind in ("capture", "refund", "credit_redeemed", "credit_issued")
            )
            owed = order.total_amount - paid - redeemed
            if not order.is_booked and (order.is_return or order.status == "cancelled"):
                owed = ZERO
            elif order.is_return:
                owed = order.total_amount - back + issued
            known = order.payments_known
            found[order.order_id] = Settlement(paid, -back, redeemed, issued, owed) if known else Settlement()
        return found

    def amounts(self) -> dict[tuple[str, str, str | None], Decimal]:
        """Ledger amounts by order, kind and what a refund gives back: how two ledgers are compared."""
        found: dict[tuple[str, str, str | None], Decimal] = defaultdict(lambda: ZERO)
        for line in self.lines:
            found[line.order_id, line.line_kind, line.refund_of] += line.amount
        return {key: amount for key, amount in found.items() if amount}

    def taxes(self) -> dict[tuple[str, str, str | None], Decimal | None]:
        """Tax inside the amounts of ``amounts``; None where it is not known of all lines."""
        found: dict[tuple[str, str, str | None], Decimal | None] = defaultdict(lambda: ZERO)
        for line in self.lines:
            key = line.order_id, line.line_kind, line.refund_of
            found[key] = None if line.tax is None or found[key] is None else found[key] + line.tax
        return {key: found[key] for key in self.amounts()}

    def problems(self) -> list[str]:
        """Identities that do not hold; none, ever. Worded for a failing test."""
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        given_back: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
        returns = {order.order_id for order in self.orders if order.is_return}
        for line in self.lines:
            is_back = line.line_kind in GIVEN_BACK.values()
            if is_back:
                given_back[line.order_id, line.line_kind] += line.amount
            if not is_back or line.order_id in returns:
                sums[line.order_id] += line.amount
        found = [
            f"{order.order_id}: lines {sums[order.order_id]}, total {order.total_amount}"
            for order in self.orders
            if sums[order.order_id] != order.total_amount
        ]
        for name, rows in (("order", self.orders), ("ticket", self.tickets), ("payment", self.payments)):
            counted = Counter(row.key for row in rows)
            found += [f"{name} {key} {count} times" for key, count in counted.items() if count > 1]
        paid_back: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
        for payment in self.payments:
            if payment.kind in GIVEN_BACK:
                paid_back[payment.order_id, GIVEN_BACK[payment.kind]] += payment.amount - payment.credit_amount
        found += [
            f"{order}: {kind} lines {given_back[order, kind]}, payments {amount}"
            for (order, kind), amount in paid_back.items()
            if given_back[order, kind] != amount
        ]
        return found


def ticketor(venue: Venue, now: int | None = None, webhooks: Iterable[str] | None = None) -> Books:
    """What the webhooks that arrived by ``now`` (unix seconds; default the venue's ``end``) make known.

    ``webhooks``: only these of the six were subscribed to.
    """
    books = TicketorBooks(venue, venue.end if now is None else now, webhooks)
    return _books("ticketor", venue, books)


def ticket_tailor(venue: Venue, looks: Sequence[Look]) -> Books:
    """What the API showed to a pipeline that looked at these moments, earliest first."""
    return _books("ticket_tailor", venue, TailorBooks(venue, looks))


def _books(platform: str, venue: Venue, books: TailorBooks | TicketorBooks) -> Books:
    return Books(
        platform,
        venue.account,
        venue.time_zone,
        books.orders,
        books.tickets,
        books.product_sales,
        books.payments,
        books.lines,
        books.starts,
    )
