"""Ticketor sales that are sent once: what is sold, how it is paid, what the invoice adds and takes off."""

import dataclasses

from sandbox.catalogue import DONATION, GIFT_CARD, MEMBERSHIP, MUG, PROGRAMME
from sandbox.ticketor_items import AGENTS
from sandbox.ticketor_story import CHARGES, Cases, StoryBuilder
from sandbox.venue import TICKETOR

case = Cases()


@case("tickets")
def _tickets(t: StoryBuilder) -> None:
    t.send_invoice(t.sale())


@case("tickets_with_charge")
def _tickets_with_charge(t: StoryBuilder) -> None:
    t.send_invoice(t.sale(charge=CHARGES["GBP"]))


@case("charge_unsaid")
def _charge_unsaid(t: StoryBuilder) -> None:
    """Charges on the tickets, none on the invoice, as in the vendor's own example."""
    t.send_invoice(dataclasses.replace(t.sale(charge=CHARGES["GBP"]), service_charge=0))


@case("tickets_and_product")
def _tickets_and_product(t: StoryBuilder) -> None:
    t.send_invoice(t.product_sale_with_tickets())


@case("donation")
def _donation(t: StoryBuilder) -> None:
    t.send_invoice(t.pay(t.close(t.product(t.invoice(), DONATION, t.draw.between(1, 3)))))


@case("gift_card_sold", days=40)
def _gift_card_sold(t: StoryBuilder) -> None:
    """Sold in one month, and most of it spent in another."""
    t.send_invoice(t.pay(t.close(t.product(t.invoice(), GIFT_CARD))))
    at = t.after(35)
    event = t.venue.pick_event(TICKETOR, t.draw, at, t.currency)
    ticket = t.close(t.tickets(t.invoice(at), 2, 1, event=event))
    paid = t.payment(ticket, ticket.total, "credit_redeemed", type="Gift Card", method=None, card=None)
    t.send_invoice(t.pay(ticket, paid))


@case("membership")
def _membership(t: StoryBuilder) -> None:
    t.send_invoice(t.pay(t.close(t.product(t.invoice(), MEMBERSHIP))))


@case("paid_by_gift_card")
def _paid_by_gift_card(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 1))
    paid = t.payment(invoice, invoice.total, "credit_redeemed", type="Gift Card", method=None, card=None)
    t.send_invoice(t.pay(invoice, paid))


@case("paid_by_store_credit")
def _paid_by_store_credit(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 1))
    paid = t.payment(invoice, invoice.total, "credit_redeemed", type="Store Credit", method=None, card=None)
    t.send_invoice(t.pay(invoice, paid))


@case("split")
def _split(t: StoryBuilder) -> None:
    """A gift card for part of it, a card for the rest."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(2), 2))
    part = t.payment(invoice, 1000, "credit_redeemed", type="Gift Card", method=None, card=None)
    t.send_invoice(t.pay(invoice, part, t.payment(invoice, invoice.total - 1000)))


@case("discount")
def _discount(t: StoryBuilder) -> None:
    invoice = t.tickets(t.invoice(promotion="EARLY"), t.draw.below(2), 2)
    invoice = dataclasses.replace(invoice, discount=500, discount_written_negative=t.draw.chance(50))
    t.send_invoice(t.pay(t.close(invoice)))


@case("discount_uneven")
def _discount_uneven(t: StoryBuilder) -> None:
    """Three tickets, a programme and a discount that none of them divides."""
    invoice = t.product(t.tickets(t.invoice(promotion="THREE"), 2, 3), PROGRAMME)
    t.send_invoice(t.pay(t.close(invoice, discount=1000 + t.draw.below(30))))


@case("discount_beyond_goods")
def _discount_beyond_goods(t: StoryBuilder) -> None:
    """A discount of more than its programme costs: the rest of it can only be off the donation."""
    invoice = t.product(t.product(t.invoice(promotion="EARLY"), PROGRAMME), DONATION)
    t.send_invoice(t.pay(t.close(invoice, discount=700)))


@case("charge_on_invoice")
def _charge_on_invoice(t: StoryBuilder) -> None:
    """A service charge on the invoice and none on its tickets."""
    t.send_invoice(t.pay(t.close(t.tickets(t.invoice(), t.draw.below(3), 2), extra_charge=350)))


@case("charge_on_both")
def _charge_on_both(t: StoryBuilder) -> None:
    """A charge on each ticket, a discount, and another charge on the invoice."""
    invoice = t.tickets(t.invoice(promotion="EARLY"), t.draw.below(2), 3, CHARGES["GBP"])
    t.send_invoice(t.pay(t.close(invoice, extra_charge=499, discount=700)))


@case("tip")
def _tip(t: StoryBuilder) -> None:
    t.send_invoice(t.pay(t.close(t.tickets(t.invoice(), t.draw.below(3), 2), tip=250)))


@case("tax")
def _tax(t: StoryBuilder) -> None:
    invoice = t.tickets(t.invoice(), t.draw.below(3), 2)
    t.send_invoice(t.pay(t.close(invoice, tax=sum(one.buy for one in invoice.tickets) * 20 // 100)))


@case("product_tax")
def _product_tax(t: StoryBuilder) -> None:
    """Tax and delivery are on the product's line only."""
    t.send_invoice(t.pay(t.close(t.product(t.invoice(), MUG, 2, tax=360, delivery_fee=495, discount=100))))


@case("ad_fee")
def _ad_fee(t: StoryBuilder) -> None:
    """The platform pays the venue for showing advertisements."""
    t.send_invoice(dataclasses.replace(t.sale(), ad_fee=-15, protection_fee=-5))


@case("anonymous")
def _anonymous(t: StoryBuilder) -> None:
    """Sold at the counter to no one in particular, for cash."""
    t.buyer = None
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[0]), t.draw.below(3), t.draw.between(1, 3)))
    t.send_invoice(t.pay(invoice, t.payment(invoice, invoice.total, type="Cash", method=None, card=None, register=3)))


@case("agent")
def _agent(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[1]), t.draw.below(3), t.draw.between(1, 3)))
    t.send_invoice(t.pay(invoice))


@case("jpy_discount", currency="JPY")
def _jpy_discount(t: StoryBuilder) -> None:
    t.send_invoice(t.pay(t.close(t.tickets(t.invoice(promotion="EARLY"), 0, 3), discount=1000)))


@case("kwd_discount", currency="KWD")
def _kwd_discount(t: StoryBuilder) -> None:
    t.send_invoice(t.pay(t.close(t.tickets(t.invoice(promotion="EARLY"), 0, 3), discount=1000)))


@case("general_admission")
def _general_admission(t: StoryBuilder) -> None:
    """Seats that are text, nothing, or not there."""
    invoice = t.invoice()
    seats = ("GA-12", None, "", 7)
    made = tuple(t.ticket(invoice, 1, seat=seat, row=None if seat is None else "1") for seat in seats)
    t.send_invoice(t.pay(t.close(dataclasses.replace(invoice, tickets=made))))


@case("comp")
def _comp(t: StoryBuilder) -> None:
    """One ticket paid, one given: the list price is what others of its level pay."""
    invoice = t.tickets(t.tickets(t.invoice(), 0, 1), 0, 1, buy=0)
    t.send_invoice(t.pay(t.close(invoice)))


@case("free_event")
def _free_event(t: StoryBuilder) -> None:
    t.send_invoice(t.close(t.tickets(t.invoice(), 3, t.draw.between(1, 3))))


@case("unexplained")
def _unexplained(t: StoryBuilder) -> None:
    """A total that the invoice's own numbers do not explain."""
    invoice = t.tickets(t.invoice(), t.draw.below(3), 2)
    t.send_invoice(t.pay(t.close(invoice, left_over=299)))
