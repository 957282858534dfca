"""Ticket Tailor orders that stay as they were made: what is sold, with what discounts, fees and taxes."""

from sandbox.catalogue import MEMBERSHIP, MUG, PROGRAMME
from sandbox.draw import Draw
from sandbox.tailor_goods import (
    FULL_PRICE,
    Cases,
    bundle,
    charge,
    donation,
    fee,
    free,
    gift_card,
    less,
    product,
    tickets,
)
from sandbox.tailor_order import Line, Order

case = Cases()


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


@case("voucher_promotional")
def _voucher_promotional(order: Order, draw: Draw) -> None:
    """A voucher that the venue gave away: a discount by another name, sometimes of all that is bought."""
    tickets(order, draw.below(2), draw.between(1, 3))
    tickets(order, 2, 1)
    less(order, "promotion", order.goods if draw.chance(30) else draw.pick((500, 1000, 1333)))
    if not order.charged:
        free(order)


@case("gift_card_sold")
def _gift_card_sold(order: Order, draw: Draw) -> None:
    """A gift card beside a ticket; cases ``voucher`` spend one weeks later."""
    tickets(order, draw.pick(FULL_PRICE), 1)
    gift_card(order, draw.pick((2500, 5000)))


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
    """Tax on top that is in the order only."""
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
