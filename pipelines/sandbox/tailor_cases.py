"""Every kind of Ticket Tailor order the venue knows: what is bought, what it costs, what happens to it later.

Each case fills an order's lines, seats and changes. ``WHEEL`` is the fixed order of the first 60; those that take time
come first, so that even the smallest world shows how they end.
"""

import dataclasses
from collections.abc import Callable

from pipelines.sandbox.catalogue import BUNDLE_LEVELS, BUNDLE_NAME, DAY, LEVELS, MEMBERSHIP, MUG, PROGRAMME, Product
from pipelines.sandbox.draw import Draw
from pipelines.sandbox.tailor_order import Line, Order, Seat
from pipelines.sandbox.venue import Change

Build = Callable[[Order, Draw], None]
HOUR = 3600
FULL_PRICE = (0, 1, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    build: Build
    currency: str = "GBP"
    store_only: bool = False


CASES: dict[str, Case] = {}


def case(name: str, **rule: str | bool) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES[name] = Case(build, **rule)  # type: ignore[arg-type]
        return build

    return register


# --- what can be bought -----------------------------------------------------------------------------------------------


def tickets(order: Order, level: int, quantity: int) -> Line:
    event, seats = order.event, order.seats
    value = event.prices[level]
    numbers = tuple(range(len(seats), len(seats) + quantity))
    for number in numbers:
        seats.append(Seat(number, level, value))
    item = f"tt_{ticket_type_number(event.series, level)}"
    total = value * quantity
    line = Line("ticket", item, LEVELS[level], quantity, value, total, total, tickets=numbers)
    order.lines.append(line)
    return line


def bundle(order: Order) -> None:
    event = order.event
    first = len(order.seats)
    order.seats.extend(Seat(first + n, level, event.prices[level]) for n, level in enumerate(BUNDLE_LEVELS))
    price = event.bundle_price
    order.lines.append(
        Line(
            "bundle",
            f"bu_{bundle_number(event.series)}",
            BUNDLE_NAME,
            1,
            price,
            price,
            price,
            tickets=tuple(range(first, first + len(BUNDLE_LEVELS))),
        )
    )


def product(order: Order, thing: Product, quantity: int = 1) -> None:
    price = thing.prices[order.currency]
    meaning = "membership" if thing is MEMBERSHIP else "product"
    prefix = "mt" if thing is MEMBERSHIP else "pr"
    order.lines.append(
        Line(meaning, f"{prefix}_{thing.number}", thing.name, quantity, price, price * quantity, price * quantity)
    )


def donation(order: Order, amount: int) -> None:
    order.lines.append(Line("donation", None, "Donation", 1, amount, amount, amount))


def charge(order: Order, amount: int) -> None:
    order.lines.append(Line("charge", None, "Transaction fee", 1, amount, amount, amount))


def less(order: Order, meaning: str, amount: int) -> None:
    """A line that takes ``amount`` off: a discount code (``discount``) or a voucher spent (``voucher``)."""
    item, text = ("di_3001", "Discount: EARLY") if meaning == "discount" else ("vo_4001", "Voucher: QUAY-77")
    order.lines.append(Line(meaning, item, text, 1, -amount, -amount, -amount))


def fee(line: Line, amount: int, *, inside: bool, per_ticket: bool = True) -> None:
    line.fee_given = amount
    line.fee = amount * line.quantity if per_ticket else amount
    line.fee_inside = inside
    if inside:
        line.total += line.fee


def ticket_type_number(series: int, level: int) -> int:
    return 500_000 + series * 10 + level


def bundle_number(series: int) -> int:
    return 700_000 + series


def free(order: Order) -> None:
    order.paid_with = "no_cost"


def later(order: Order, at: int, what: str, amount: int = 0, ticket: int = 0) -> int:
    """Something that happens ``at`` seconds after the order was made; returns the moment, to go on from."""
    order.changes.append(Change(order.created + at, what, amount, ticket))
    return at


# --- what happens afterwards ------------------------------------------------------------------------------------------


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


# --- what is sold and stays -------------------------------------------------------------------------------------------


@case("plain")
def _plain(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))


@case("two_types")
def _two_types(order: Order, draw: Draw) -> None:
    tickets(order, draw.below(2), draw.between(1, 3))
    tickets(order, 2, draw.between(1, 3))


@case("bundle")
def _bundle(order: Order, draw: Draw) -> None:
    bundle(order)
    if draw.chance(50):
        less(order, "discount", 333)


@case("bundle_and_tickets")
def _bundle_and_tickets(order: Order, draw: Draw) -> None:
    """Single tickets of a type that is also in the bundle."""
    tickets(order, 0, draw.between(1, 2))
    bundle(order)


@case("discount_amount")
def _discount_amount(order: Order, draw: Draw) -> None:
    tickets(order, draw.below(2), draw.between(1, 4))
    less(order, "discount", 500)


@case("discount_uneven")
def _discount_uneven(order: Order, draw: Draw) -> None:
    """Two types and a programme under one code: shares that do not divide."""
    tickets(order, 0, draw.between(1, 2))
    tickets(order, 2, 3)
    product(order, PROGRAMME)
    less(order, "discount", order.goods * draw.pick((7, 10, 15)) // 100 + 1)


@case("three_for_ten")
def _three_for_ten(order: Order, draw: Draw) -> None:
    tickets(order, 2, 3)
    less(order, "discount", order.goods - 1000)


@case("voucher")
def _voucher(order: Order, draw: Draw) -> None:
    tickets(order, draw.below(2), draw.between(1, 3))
    less(order, "voucher", draw.pick((500, 1000, 1333)))


@case("voucher_covers")
def _voucher_covers(order: Order, draw: Draw) -> None:
    """A voucher that pays for everything: no money moves."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 2))
    less(order, "voucher", order.charged)
    free(order)


@case("donation")
def _donation(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 2))
    donation(order, draw.pick((300, 500, 1234)))


@case("product")
def _product(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 2))
    product(order, MUG, draw.between(1, 3))


@case("transaction_charge")
def _transaction_charge(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))
    charge(order, draw.pick((75, 150, 199)))


@case("tax_line")
def _tax_line(order: Order, draw: Draw) -> None:
    """Tax on top, with a line of its own."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.tax = order.goods * 20 // 100
    order.tax_has_line = True
    order.lines.append(Line("tax", None, "VAT", 1, order.tax, order.tax, order.tax))


@case("tax_without_line")
def _tax_without_line(order: Order, draw: Draw) -> None:
    """Tax on top that stands in the order only."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.tax = order.goods * 20 // 100


@case("tax_inclusive")
def _tax_inclusive(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 3))
    order.tax_treatment = "inclusive"
    order.tax = order.charged * 20 // 120


@case("fee_inside")
def _fee_inside(order: Order, draw: Draw) -> None:
    fee(tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4)), draw.pick((75, 125)), inside=True)


@case("fee_on_top")
def _fee_on_top(order: Order, draw: Draw) -> None:
    fee(tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4)), draw.pick((75, 125)), inside=False)


@case("fee_per_line")
def _fee_per_line(order: Order, draw: Draw) -> None:
    """One booking fee for the line, which three tickets cannot share evenly."""
    fee(tickets(order, draw.pick(FULL_PRICE), 3), 200, inside=draw.chance(50), per_ticket=False)


@case("free_event")
def _free_event(order: Order, draw: Draw) -> None:
    tickets(order, 3, draw.between(1, 4))
    free(order)


@case("comp")
def _comp(order: Order, draw: Draw) -> None:
    """A code that takes off all of it."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 2))
    less(order, "discount", order.goods)
    free(order)


@case("comp_with_fee")
def _comp_with_fee(order: Order, draw: Draw) -> None:
    """A code that takes off the tickets' price; the booking fee is still paid."""
    fee(tickets(order, draw.pick(FULL_PRICE), draw.between(1, 2)), 125, inside=True)
    less(order, "discount", order.goods)


@case("jpy", currency="JPY")
def _jpy(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))


@case("jpy_discount", currency="JPY")
def _jpy_discount(order: Order, draw: Draw) -> None:
    tickets(order, 0, 3)
    less(order, "discount", 1000)


@case("kwd", currency="KWD")
def _kwd(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))


@case("kwd_bundle", currency="KWD")
def _kwd_bundle(order: Order, draw: Draw) -> None:
    bundle(order)
    charge(order, 125)


@case("mixed")
def _mixed(order: Order, draw: Draw) -> None:
    """A bit of everything."""
    fee(tickets(order, draw.below(2), draw.between(1, 3)), 75, inside=True)
    tickets(order, 2, draw.between(1, 2))
    product(order, MUG)
    less(order, "discount", order.goods // 7)
    donation(order, 250)
    charge(order, 150)


@case("store_only", store_only=True)
def _store_only(order: Order, draw: Draw) -> None:
    """Merchandise alone: no event, no tickets."""
    product(order, MUG, draw.between(1, 2))
    product(order, PROGRAMME)


@case("membership", store_only=True)
def _membership(order: Order, draw: Draw) -> None:
    product(order, MEMBERSHIP)


@case("old_shape")
def _old_shape(order: Order, draw: Draw) -> None:
    """An order as the API showed it years ago: fewer fields, and line amounts as text."""
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))
    order.old_shape = True


@case("staff")
def _staff(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))
    order.paid_with = "operator"


@case("paypal")
def _paypal(order: Order, draw: Draw) -> None:
    tickets(order, draw.pick(FULL_PRICE), draw.between(1, 4))
    order.paid_with = "paypal"


_CHANGING = """
    pending_completed refund_two_steps plain pending_cancelled refund_full_cancelled
    refund_over_kinds cancelled_unrefunded plain refund_credit voided
    canceled_refunded refund_credit_unsaid two_types refund_full_completed voided_total_stays
    jpy_refund refund_part_credit plain kwd_refund pending
"""
_STAYING = """
    bundle bundle_and_tickets plain discount_amount discount_uneven
    voucher voucher_covers product donation transaction_charge
    tax_line tax_without_line plain tax_inclusive fee_inside
    fee_on_top fee_per_line two_types free_event comp
    comp_with_fee jpy discount_amount jpy_discount kwd
    kwd_bundle mixed three_for_ten store_only membership
    old_shape staff plain paypal three_for_ten
    mixed bundle plain donation discount_uneven
"""
WHEEL = tuple((_CHANGING + _STAYING).split())
ORDINARY = ("plain", "plain", "plain", "two_types", "transaction_charge", "fee_inside", "donation", "discount_amount")
