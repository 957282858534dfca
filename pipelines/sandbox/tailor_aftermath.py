"""Ticket Tailor orders to which something happens later: paid late, cancelled, refunded, voided."""

from sandbox.catalogue import DAY, HOUR
from sandbox.draw import Draw
from sandbox.tailor_goods import FULL_PRICE, Cases, bundle, charge, donation, fee, later, tickets
from sandbox.tailor_order import Order

case = Cases()


@case("pending_completed")
def _pending_completed(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.pending, order.paid_with = True, "offline"
    later(order, draw.between(1, 4) * DAY + draw.below(DAY), "complete")


@case("pending_cancelled")
def _pending_cancelled(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.pending, order.paid_with = True, "offline"
    later(order, draw.between(1, 4) * DAY + draw.below(DAY), "cancel")


@case("pending")
def _pending(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.pending, order.paid_with = True, "offline"


@case("refund_two_steps")
def _refund_two_steps(order: Order, draw: Draw) -> None:
    tickets(order, draw.below(2), draw.between(2, 4))
    first = order.charged // draw.between(3, 5) + draw.below(3)
    at = later(order, draw.between(1, 5) * DAY + draw.below(DAY), "refund", first)
    later(order, at + draw.between(2, 9) * DAY + draw.below(DAY), "refund", first + order.charged // 3)


@case("refund_full_cancelled")
def _refund_full_cancelled(order: Order, draw: Draw) -> None:
    line = tickets(order, draw.below(2), draw.between(1, 4))
    fee(line, 125, inside=True)
    at = later(order, draw.between(1, 9) * DAY + draw.below(DAY), "cancel")
    later(order, at + 40, "refund", order.charged)


@case("cancelled_unrefunded")
def _cancelled_unrefunded(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))
    order.tickets_voided_on_cancel = draw.chance(50)
    later(order, draw.between(1, 9) * DAY, "cancel")


@case("refund_credit")
def _refund_credit(order: Order, draw: Draw) -> None:
    """Cancelled, and the whole value given back as a voucher."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    at = later(order, draw.between(1, 9) * DAY, "cancel")
    later(order, at + 30, "refund", order.charged)
    later(order, at + 30, "credit", order.charged)


@case("refund_credit_unsaid")
def _refund_credit_unsaid(order: Order, draw: Draw) -> None:
    """As before, but the platform names the voucher and no credited_out_amount."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    at = later(order, draw.between(1, 9) * DAY, "cancel")
    later(order, at + 30, "refund", order.charged)
    later(order, at + 30, "credit", 0)


@case("refund_part_credit")
def _refund_part_credit(order: Order, draw: Draw) -> None:
    """Given back half as money, half as a voucher."""
    tickets(order, 0, draw.between(2, 3))
    at = later(order, draw.between(1, 9) * DAY, "refund", order.charged)
    later(order, at, "credit", order.charged // 2 + 1)


@case("voided")
def _voided(order: Order, draw: Draw) -> None:
    """One ticket voided: a void line lowers the total, and its price goes back a little later."""
    line = tickets(order, draw.below(2), draw.between(2, 4))
    number = draw.below(line.quantity)
    at = later(order, draw.between(1, 9) * DAY, "void", line.value, number)
    later(order, at + 5 * HOUR, "refund", line.value)


@case("voided_total_stays")
def _voided_total_stays(order: Order, draw: Draw) -> None:
    """One ticket voided without money going back, and the order's total stays."""
    line = tickets(order, draw.below(2), draw.between(2, 4))
    order.void_lowers_total = False
    later(order, draw.between(1, 9) * DAY, "void", line.value, draw.below(line.quantity))


@case("canceled_refunded")
def _canceled_refunded(order: Order, draw: Draw) -> None:
    """The other spelling, and half the price given back."""
    tickets(order, draw.below(2), draw.between(1, 3))
    order.cancelled_word = "canceled"
    at = later(order, draw.between(1, 9) * DAY, "cancel")
    later(order, at + 60, "refund", order.charged // 2)


@case("refund_full_completed")
def _refund_full_completed(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    later(order, draw.between(1, 20) * DAY, "refund", order.charged)


@case("refund_over_kinds")
def _refund_over_kinds(order: Order, draw: Draw) -> None:
    """A bundle, a donation and a fee, refunded in two parts that do not divide."""
    bundle(order)
    donation(order, 500 + draw.below(7))
    charge(order, 199)
    at = later(order, draw.between(1, 6) * DAY, "refund", 1001 + draw.below(50))
    later(order, at + 3 * DAY, "refund", order.charged)


@case("tax_refunded")
def _tax_refunded(order: Order, draw: Draw) -> None:
    """Tax on top, and part of the order given back, then all of it."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(2, 3))
    order.tax = order.goods * 20 // 100
    at = later(order, draw.between(1, 9) * DAY, "refund", order.charged // 3)
    later(order, at + draw.between(5, 20) * DAY, "refund", order.charged)


@case("tax_inclusive_refunded")
def _tax_inclusive_refunded(order: Order, draw: Draw) -> None:
    """Tax inside the prices of some of what is given back, in parts that do not divide."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.tax_treatment = "inclusive"
    order.tax = order.charged * 20 // 120
    charge(order, 199)
    at = later(order, draw.between(1, 9) * DAY, "refund", order.charged // 3 + 1)
    later(order, at + draw.between(5, 20) * DAY, "refund", order.charged)


@case("jpy_refund", currency="JPY")
def _jpy_refund(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), 3)
    charge(order, 101)
    later(order, draw.between(1, 9) * DAY, "refund", order.charged // 3)


@case("kwd_refund", currency="KWD")
def _kwd_refund(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), 3)
    donation(order, 1001)
    later(order, draw.between(1, 9) * DAY, "refund", order.charged // 3)
