"""What Stripe and PayPal would export of the venue's payments: their fees, payouts, and when a refund was really given.

Made from what the venue sold, never from the documents it sends. Stripe's file has the charges of both platforms:
those of Ticketor, which reports no charge id, have one that no document names.
"""

import csv
import dataclasses
import datetime
import io
from collections.abc import Iterator
from decimal import Decimal

from sandbox.catalogue import DIGITS
from sandbox.ledger_rows import moment, money
from sandbox.tailor import Tailor
from sandbox.tailor_json import transaction
from sandbox.tailor_order import Order, State, state_at
from sandbox.ticketor import Ticketor
from sandbox.ticketor_items import Invoice, Payment
from sandbox.venue import Venue

CARDS = ("Visa", "MasterCard", "Amex")
TICKS = 10_000_000  # a second
STRIPE = (
    *("balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net"),
    *("reporting_category", "source_id", "description", "customer_facing_amount", "customer_facing_currency"),
    *("automatic_payout_id", "automatic_payout_effective_at_utc", "charge_id"),
)
PAYPAL = (
    *("Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net", "From Email Address"),
    *("To Email Address", "Transaction ID", "Item Title", "Reference Txn ID", "Balance", "Balance Impact"),
)


@dataclasses.dataclass(frozen=True)
class Movement:
    """Money that a processor moved, in minor units; ``amount`` is negative for a refund. ``at``: unix seconds."""

    platform: str
    processor: str
    reference: str
    number: int
    amount: int
    currency: str
    at: int

    @property
    def fee(self) -> int:
        """1.5 % and twenty; what was taken is not given back."""
        return self.amount * 15 // 1000 + 20 if self.amount > 0 else 0

    @property
    def payout(self) -> datetime.date:
        """The Monday after its week."""
        day = moment(self.at).date()
        return day + datetime.timedelta(days=7 - day.weekday())

    def major(self, minor: int) -> Decimal:
        return money(minor, DIGITS[self.currency])


def movements(venue: Venue, now: int) -> list[Movement]:
    """All that the processors moved up to ``now`` (unix seconds), in order."""
    found = [*_of_ticket_tailor(venue, now), *_of_ticketor(venue, now)]
    return sorted(found, key=lambda one: (one.at, one.reference, one.number))


def stripe(moved: list[Movement]) -> str:
    """The itemized payout reconciliation report of what Stripe moved."""
    rows = []
    for one in moved:
        if one.processor != "stripe":
            continue
        kind = "charge" if one.amount > 0 else "refund"
        created, number = f"{moment(one.at):%Y-%m-%d %H:%M:%S}", f"{one.reference.removeprefix('ch_')}{one.number}"
        payout = f"{one.payout} 00:00:00"
        gross, fee, currency = one.major(one.amount), one.major(one.fee), one.currency.lower()
        rows.append(
            (
                *(f"txn_{number}", created, payout, currency, gross, fee, gross - fee, kind),
                *(one.reference if one.amount > 0 else f"re_{number}", "", gross, currency),
                *(f"po_{one.payout:%Y%m%d}", payout, one.reference),
            )
        )
    return _csv(STRIPE, rows)


def paypal(moved: list[Movement]) -> str:
    """The activity download of what PayPal moved, as an account in the United States has it."""
    rows = []
    for one in moved:
        if one.processor != "paypal":
            continue
        at = moment(one.at) - datetime.timedelta(hours=7)
        gross, fee = one.major(one.amount), -one.major(one.fee)
        kind, reference = "Express Checkout Payment", ""
        if one.amount < 0:
            kind, reference = "Payment Refund", one.reference
        rows.append(
            (
                *(f"{at:%m/%d/%Y}", f"{at:%H:%M:%S}", "PDT", "A Buyer", kind, "Completed", one.currency),
                *(f"{gross:,}", f"{fee:,}", f"{gross + fee:,}", "", ""),
                one.reference if one.amount > 0 else f"{one.reference}-{one.number}",
                *("Tickets", reference, "", "Credit" if one.amount > 0 else "Debit"),
            )
        )
    return _csv(PAYPAL, rows)


def _of_ticket_tailor(venue: Venue, now: int) -> Iterator[Movement]:
    for sale in Tailor(venue).orders(now):
        if sale.paid_with not in ("stripe", "paypal"):
            continue
        paid = refunded = number = 0
        for at in sorted({sale.created, *(change.at for change in sale.changes if change.at <= now)}):
            state = state_at(sale, at)
            for amount in (state.paid - paid, refunded - _money_back(state)):
                if amount:
                    yield _tailor_movement(sale, number, amount, at)
                    number += 1
            paid, refunded = state.paid, _money_back(state)


def _tailor_movement(sale: Order, number: int, amount: int, at: int) -> Movement:
    return Movement("ticket_tailor", sale.paid_with, transaction(sale), number, amount, sale.currency, at)


def _money_back(state: State) -> int:
    if not state.voucher:
        return state.refunded
    return max(state.refunded - state.credited, 0) if state.credited > 0 else 0


def _of_ticketor(venue: Venue, now: int) -> Iterator[Movement]:
    payments: dict[int, Payment] = {}
    for delivery in Ticketor(venue).deliveries(None, now):
        if isinstance(delivery.item, Payment):
            payments[delivery.item.id] = delivery.item
        elif isinstance(delivery.item, Invoice):
            payments |= {payment.id: payment for payment in delivery.item.payments}
    for one in payments.values():
        if one.success and one.type in CARDS and one.kind in ("capture", "refund"):
            amount = abs(one.amount) if one.kind == "capture" else -abs(one.amount)
            yield Movement("ticketor", "stripe", f"ch_tk{one.id}", 0, amount, one.currency, one.date // TICKS)


def _csv(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
