"""The double entry that a venue's ledger makes: what the published journal should say, to the cent.

Written from the rules of posting alone and sharing nothing with the models, as the ledger is. Debits are positive.
Receivable is what buyers owe. Tickets and what is sold with them are unearned until the day of the performance; tax
and everything else count on the day they are sold.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sandbox.ledger import Books
from sandbox.ledger_rows import GIVEN_BACK

INCOME = {
    "ticket": "tickets",
    "buyer_fee": "buyer_fees",
    "discount": "discounts",
    "product": "products",
    "membership": "memberships",
    "delivery": "delivery",
    "donation": "donations",
    "gift_card": "stored_value",
    "tip": "tips",
    "tax": "output_tax",
    "unexplained": "unexplained",
}
EARNED_AT_THE_PERFORMANCE = {"tickets", "buyer_fees", "discounts"}
EXPENSES = {
    "ticketing": "platform_fees",
    "protection": "protection_fees",
    "ad": "ad_fees",
    "processing": "processing_fees",
    "delivery": "delivery_fees",
}


class Entry(NamedTuple):
    """One side of a pair. ``order_id`` is None for what an event releases."""

    day: datetime.date
    currency: str
    posting: str
    amount: Decimal
    order_id: str | None
    event_id: str | None


def balances(books: Books) -> dict[tuple[datetime.date, str, str], Decimal]:
    """The movements of an account by local day, currency and posting; those that are 0 are left out."""
    return _summed(((entry.day, entry.currency, entry.posting), entry.amount) for entry in entries(books))


def unearned(books: Books) -> dict[tuple[datetime.date, str, str], Decimal]:
    """What of an account is deferred and released, by local day, event and currency."""
    return _summed(
        ((entry.day, entry.event_id, entry.currency), entry.amount)
        for entry in entries(books)
        if entry.posting == "unearned"
    )


def _summed(amounts: Iterable[tuple[Any, Decimal]]) -> dict[Any, Decimal]:
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for key, amount in amounts:
        found[key] += amount
    return {key: amount for key, amount in found.items() if amount}


def entries(books: Books) -> Iterator[Entry]:
    """All entries of an account: of each order, and of each event once it was given."""
    zone = ZoneInfo(books.time_zone)
    given_on = {event: start.astimezone(zone).date() for event, start in books.starts.items()}
    for entry in (*_of_lines(books, zone), *_of_payments(books, zone), *_of_fees(books, zone)):
        if entry.posting not in EARNED_AT_THE_PERFORMANCE or entry.event_id is None:
            yield entry
            continue
        unearned = entry._replace(posting="unearned")
        yield unearned
        if entry.event_id in given_on:
            day = max(entry.day, given_on[entry.event_id])
            yield unearned._replace(day=day, amount=-entry.amount, order_id=None)
            yield entry._replace(day=day, order_id=None)


def _of_lines(books: Books, zone: ZoneInfo) -> Iterator[Entry]:
    """What was sold is owed by the buyer; what was given back is owed no more."""
    receivable = {
        order.order_id: "receivable" if order.payments_known else "receivable_unknown" for order in books.orders
    }
    for line in books.lines:
        if line.booked_at is None:
            continue
        entry = Entry(
            line.booked_at.astimezone(zone).date(), line.currency, "", line.amount, line.order_id, line.event_id
        )
        kind = line.refund_of if line.line_kind in GIVEN_BACK.values() else line.line_kind
        tax = Decimal(0) if kind == "tax" else line.tax or Decimal(0)
        yield entry._replace(posting=receivable[line.order_id])
        yield entry._replace(posting=INCOME[kind], amount=tax - line.amount)
        yield entry._replace(posting="output_tax", amount=-tax)


def _of_payments(books: Books, zone: ZoneInfo) -> Iterator[Entry]:
    """Money goes through a clearing account, credit through what is owed to holders of cards and vouchers."""
    currencies = {order.order_id: order.currency for order in books.orders}
    for payment in books.payments:
        expected = currencies.get(payment.order_id)
        owed = "no_order" if expected is None else "receivable" if expected == payment.currency else "other_currency"
        credit = payment.credit_amount * {"credit_redeemed": 1, "credit_issued": -1}.get(payment.kind, 0)
        day = payment.paid_at.astimezone(zone).date()
        for posting, amount in (("clearing", payment.amount), ("stored_value", credit)):
            entry = Entry(day, payment.currency, posting, amount, payment.order_id, None)
            yield entry
            yield entry._replace(posting=owed, amount=-amount)


def _of_fees(books: Books, zone: ZoneInfo) -> Iterator[Entry]:
    """What the platform charges the venue for an order that counts as sold; nothing where it reports no fee."""
    for order in books.orders:
        for part, fee in (order.fees or {}).items() if order.is_booked else ():
            day = order.ordered_at.astimezone(zone).date()
            entry = Entry(day, order.currency, EXPENSES[part], fee, order.order_id, None)
            yield entry
            yield entry._replace(posting="platform_fees_owed", amount=-fee)
