"""Every kind of Ticketor sale the venue knows, and what follows from it.

``WHEEL`` is the fixed order of the first 60; those that take time come first. ``days`` bounds how long after the sale a
story's last webhook may arrive.
"""

import dataclasses
from collections.abc import Callable

from pipelines.sandbox.catalogue import DAY, DONATION, GIFT_CARD, MEMBERSHIP, MUG, PROGRAMME, person
from pipelines.sandbox.ticketor_items import AGENTS
from pipelines.sandbox.ticketor_story import Teller

Build = Callable[[Teller], None]
CHARGES = {"GBP": 125, "JPY": 100, "KWD": 250}


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    build: Build
    currency: str = "GBP"
    days: int = 1


CASES: dict[str, Case] = {}


def case(name: str, currency: str = "GBP", days: int = 1) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES[name] = Case(build, currency, days)
        return build

    return register


# --- what follows later -----------------------------------------------------------------------------------------------


@case("unpaid_then_paid", days=30)
def _unpaid_then_paid(t: Teller) -> None:
    """An invoice sent out, and a New Payment three weeks later."""
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[0]), 0, t.draw.between(1, 3)))
    t.tell_invoice(invoice)
    paid = t.after(21)
    t.tell("payment", t.payment(invoice, invoice.total, at=paid, type="Check", method=None, card=None), paid + 9)


@case("unpaid")
def _unpaid(t: Teller) -> None:
    t.tell_invoice(t.close(t.tickets(t.invoice(agent=AGENTS[0]), 0, t.draw.between(1, 3))))


@case("partly_paid")
def _partly_paid(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[1]), 0, 2))
    t.tell_invoice(t.pay(invoice, t.payment(invoice, invoice.total // 3, type="Cash", method=None, card=None)))


@case("return", days=30)
def _return(t: Teller) -> None:
    sale = t.sale(charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), sale.total, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, sale.total)))


@case("return_with_fee", days=30)
def _return_with_fee(t: Teller) -> None:
    """The venue keeps five a ticket: the refund is less than the price."""
    sale = t.sale(level=t.draw.below(2), charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    amount = sale.total - 500 * len(sale.tickets)
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), amount, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, amount)))


@case("return_to_credit", days=30)
def _return_to_credit(t: Teller) -> None:
    """Returned to store credit: no payment moves money."""
    sale = t.sale()
    t.tell_invoice(sale)
    t.tell_invoice(t.give_back(sale, t.after(t.draw.between(1, 20)), sale.total, tickets=sale.tickets))


@case("partial_return", days=30)
def _partial_return(t: Teller) -> None:
    sale = t.sale(quantity=3, charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    gone = sale.tickets[t.draw.below(3)]
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), gone.sell, tickets=(gone,))
    if t.draw.chance(50):  # the platform may write the returned ticket under the return's own number
        back = dataclasses.replace(
            back, tickets=tuple(dataclasses.replace(one, invoice=back.id) for one in back.tickets)
        )
    t.tell_invoice(t.pay(back, t.refund(back, gone.sell)))


@case("exchange", days=30)
def _exchange(t: Teller) -> None:
    """Cheaper seats given up for better ones: the invoice's total is the difference."""
    sale = t.sale(level=2, quantity=2)
    t.tell_invoice(sale)
    at = t.after(t.draw.between(1, 9))
    fresh = t.tickets(t.invoice(at, type="Exchange", related=sale.id), 0, 2)
    given_up = tuple(dataclasses.replace(one, status="exchanged") for one in sale.tickets)
    difference = sum(one.sell for one in fresh.tickets) - sum(one.sell for one in given_up)
    fresh = dataclasses.replace(t.close(fresh), tickets=fresh.tickets + given_up, total=difference)
    t.tell_invoice(t.pay(fresh))


@case("resold", days=30)
def _resold(t: Teller) -> None:
    """A returned ticket is sold again, to somebody else, under the same ticket Id."""
    sale = t.sale(quantity=1)
    t.tell_invoice(sale)
    back = t.give_back(sale, t.after(2), sale.total, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, sale.total)))
    other = person((t.buyer.number + 1) % t.venue.people)
    again = t.invoice(t.after(5), buyer=other)
    ticket = dataclasses.replace(sale.tickets[0], invoice=again.id, buyer=other)
    t.tell_invoice(t.pay(t.close(again, tickets=(ticket,))))


@case("failed_then_paid")
def _failed_then_paid(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    failed = t.payment(invoice, invoice.total, "failed", success=False, description="Declined")
    t.tell_invoice(t.pay(invoice, failed, t.payment(invoice, invoice.total)))


@case("same_payment_fails_then_works", days=2)
def _same_payment(t: Teller) -> None:
    """One payment Id: first told as failed, then as successful."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    good = t.payment(invoice, invoice.total)
    bad = dataclasses.replace(good, success=False, kind="failed")
    t.tell_invoice(t.pay(invoice, bad))
    t.tell("payment", good, t.after(1, 3600))


@case("authorised_then_captured", days=3)
def _authorised(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    hold = t.payment(invoice, invoice.total, "authorisation", method="AUTH_ONLY")
    t.tell_invoice(t.pay(invoice, hold))
    at = t.after(1)
    t.tell("payment", t.payment(invoice, invoice.total, at=at, method="PRIOR_AUTH_CAPTURE"), at + 5)


@case("voided_payment")
def _voided_payment(t: Teller) -> None:
    """The first card's hold is let go, the second card pays."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 2))
    hold = t.payment(invoice, invoice.total, "authorisation", method="AUTH_ONLY")
    let_go = t.payment(invoice, invoice.total, "void", method="VOID")
    t.tell_invoice(t.pay(invoice, hold, let_go, t.payment(invoice, invoice.total)))


@case("late_invoice", days=3)
def _late_invoice(t: Teller) -> None:
    """The tickets and the payment are told of at once, the invoice a day later."""
    sale = t.sale()
    for ticket in sale.tickets:
        t.tell("ticket", ticket, sale.unix + t.draw.between(2, 9))
    t.tell("payment", sale.payments[0], sale.unix + 10)
    t.tell("invoice_with_details", sale, t.after(1))


@case("orphan_ticket")
def _orphan_ticket(t: Teller) -> None:
    """The invoice is never told of."""
    sale = t.sale(quantity=1)
    t.tell("ticket", sale.tickets[0], sale.unix + 4)


@case("late_user")
def _late_user(t: Teller) -> None:
    sale = t.sale()
    t.tell("invoice_with_details", sale, sale.unix + 6)
    t.tell_user(sale.buyer, sale.unix + 1790)


@case("redelivered", days=4)
def _redelivered(t: Teller) -> None:
    """The same webhook three times over."""
    sale = t.sale(charge=CHARGES["GBP"])
    for at in (sale.unix + 7, sale.unix + 3700, t.after(2)):
        t.tell("invoice_with_details", sale, at)


@case("plain_after_details", days=3)
def _plain_after_details(t: Teller) -> None:
    """A plain invoice after its details: the items stay."""
    sale = t.product_sale_with_tickets()
    t.tell("invoice_with_details", sale, sale.unix + 5)
    t.tell("invoice", sale, t.after(1))


@case("plain_only")
def _plain_only(t: Teller) -> None:
    """Without the details webhook: a plain invoice and its items; payments unknown."""
    sale = t.product_sale_with_tickets()
    for ticket in sale.tickets:
        t.tell("ticket", ticket, sale.unix + t.draw.between(2, 9))
    for line in sale.products:
        t.tell("product", line, sale.unix + 11)
    t.tell("invoice", sale, sale.unix + 12)


@case("plain_alone")
def _plain_alone(t: Teller) -> None:
    """A plain invoice and nothing else: what was sold is not known."""
    sale = t.sale()
    t.tell("invoice", sale, sale.unix + 5)


@case("scanned", days=60)
def _scanned(t: Teller) -> None:
    """Told of again after the show with its scan, then an older version once more."""
    sale = t.sale(quantity=2)
    t.tell("invoice_with_details", sale, sale.unix + 5)
    show = t.event.moved_start
    for n, ticket in enumerate(sale.tickets):
        t.tell("ticket", dataclasses.replace(ticket, scanned_at=show - 900 - 60 * n), show + 60 * n)
    t.tell("ticket", sale.tickets[0], show + 7200)


@case("return_then_replay", days=30)
def _return_then_replay(t: Teller) -> None:
    """After the return the first webhook comes once more: returned stays returned."""
    sale = t.sale(quantity=2)
    t.tell("invoice_with_details", sale, sale.unix + 5)
    back = t.give_back(sale, t.after(3), sale.total, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, sale.total)))
    t.tell("invoice_with_details", sale, t.after(6))
    t.tell("ticket", sale.tickets[0], t.after(7))


@case("refund_on_sale", days=30)
def _refund_on_sale(t: Teller) -> None:
    """Part of the price goes back as a payment on the sale itself; the tickets stay."""
    sale = t.sale(level=0, charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    at = t.after(t.draw.between(1, 9))
    t.tell("payment", t.payment(sale, -sale.total // 4, "refund", at=at, method="CREDIT"), at + 5)


@case("refund_only", days=30)
def _refund_only(t: Teller) -> None:
    """A return invoice that names no items."""
    sale = t.sale(level=0, charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    amount = sale.total // 2 + 1
    back = t.give_back(sale, t.after(4), amount)
    t.tell_invoice(t.pay(back, t.refund(back, amount)))


@case("return_unrelated", days=30)
def _return_unrelated(t: Teller) -> None:
    """A return that names neither items nor a sale."""
    sale = t.sale(level=1)
    t.tell_invoice(sale)
    back = dataclasses.replace(t.give_back(sale, t.after(4), 700), related=0)
    t.tell_invoice(t.pay(back, t.refund(back, 700)))


@case("return_told_plainly", days=30)
def _return_told_plainly(t: Teller) -> None:
    """Only the plain webhook of a return: its payments are not known."""
    sale = t.sale(level=1, charge=CHARGES["GBP"])
    t.tell_invoice(sale)
    back = t.give_back(sale, t.after(5), sale.total)
    t.tell("invoice", back, back.unix + 5)


@case("void_invoice", days=10)
def _void_invoice(t: Teller) -> None:
    sale = t.sale(quantity=2)
    t.tell_invoice(sale)
    back = dataclasses.replace(t.give_back(sale, t.after(1), sale.total, tickets=sale.tickets), type="Void")
    t.tell_invoice(t.pay(back, t.refund(back, sale.total)))


@case("product_return", days=30)
def _product_return(t: Teller) -> None:
    sale = t.product_sale_with_tickets()
    t.tell_invoice(sale)
    line = sale.products[0]
    back = t.give_back(sale, t.after(6), line.line)
    back = dataclasses.replace(back, products=(dataclasses.replace(line, returned=line.quantity),))
    t.tell_invoice(t.pay(back, t.refund(back, line.line)))


@case("jpy_return", currency="JPY", days=30)
def _jpy_return(t: Teller) -> None:
    sale = t.sale(charge=CHARGES["JPY"])
    t.tell_invoice(sale)
    amount = sale.total - 333
    back = t.give_back(sale, t.after(3), amount, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, amount)))


@case("kwd_return", currency="KWD", days=30)
def _kwd_return(t: Teller) -> None:
    sale = t.sale(charge=CHARGES["KWD"])
    t.tell_invoice(sale)
    amount = sale.total - 333
    back = t.give_back(sale, t.after(3), amount, tickets=sale.tickets)
    t.tell_invoice(t.pay(back, t.refund(back, amount)))


# --- what is sold and stays -------------------------------------------------------------------------------------------


@case("tickets")
def _tickets(t: Teller) -> None:
    t.tell_invoice(t.sale())


@case("tickets_with_charge")
def _tickets_with_charge(t: Teller) -> None:
    t.tell_invoice(t.sale(charge=CHARGES["GBP"]))


@case("charge_unsaid")
def _charge_unsaid(t: Teller) -> None:
    """Charges on the tickets, none on the invoice, as in the vendor's own example."""
    t.tell_invoice(dataclasses.replace(t.sale(charge=CHARGES["GBP"]), service_charge=0))


@case("tickets_and_product")
def _tickets_and_product(t: Teller) -> None:
    t.tell_invoice(t.product_sale_with_tickets())


@case("donation")
def _donation(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.product(t.invoice(), DONATION, t.draw.between(1, 3)))))


@case("gift_card_sold")
def _gift_card_sold(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.product(t.invoice(), GIFT_CARD))))


@case("membership")
def _membership(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.product(t.invoice(), MEMBERSHIP))))


@case("paid_by_gift_card")
def _paid_by_gift_card(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 1))
    paid = t.payment(invoice, invoice.total, "credit_redeemed", type="Gift Card", method=None, card=None)
    t.tell_invoice(t.pay(invoice, paid))


@case("paid_by_store_credit")
def _paid_by_store_credit(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 1))
    paid = t.payment(invoice, invoice.total, "credit_redeemed", type="Store Credit", method=None, card=None)
    t.tell_invoice(t.pay(invoice, paid))


@case("split")
def _split(t: Teller) -> None:
    """A gift card for part of it, a card for the rest."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(2), 2))
    part = t.payment(invoice, 1000, "credit_redeemed", type="Gift Card", method=None, card=None)
    t.tell_invoice(t.pay(invoice, part, t.payment(invoice, invoice.total - 1000)))


@case("discount")
def _discount(t: Teller) -> None:
    invoice = t.tickets(t.invoice(promotion="EARLY"), t.draw.below(2), 2)
    invoice = dataclasses.replace(invoice, discount=500, discount_written_negative=t.draw.chance(50))
    t.tell_invoice(t.pay(t.close(invoice)))


@case("discount_uneven")
def _discount_uneven(t: Teller) -> None:
    """Three tickets, a programme and a discount that none of them divides."""
    invoice = t.product(t.tickets(t.invoice(promotion="THREE"), 2, 3), PROGRAMME)
    t.tell_invoice(t.pay(t.close(invoice, discount=1000 + t.draw.below(30))))


@case("charge_on_invoice")
def _charge_on_invoice(t: Teller) -> None:
    """A service charge on the invoice and none on its tickets."""
    t.tell_invoice(t.pay(t.close(t.tickets(t.invoice(), t.draw.below(3), 2), extra_charge=350)))


@case("charge_on_both")
def _charge_on_both(t: Teller) -> None:
    """A charge on each ticket, a discount, and another charge on the invoice."""
    invoice = t.tickets(t.invoice(promotion="EARLY"), t.draw.below(2), 3, CHARGES["GBP"])
    t.tell_invoice(t.pay(t.close(invoice, extra_charge=499, discount=700)))


@case("tip")
def _tip(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.tickets(t.invoice(), t.draw.below(3), 2), tip=250)))


@case("tax")
def _tax(t: Teller) -> None:
    invoice = t.tickets(t.invoice(), t.draw.below(3), 2)
    t.tell_invoice(t.pay(t.close(invoice, tax=sum(one.buy for one in invoice.tickets) * 20 // 100)))


@case("product_tax")
def _product_tax(t: Teller) -> None:
    """Tax and delivery stand on the product's line only."""
    t.tell_invoice(t.pay(t.close(t.product(t.invoice(), MUG, 2, tax=360, delivery_fee=495, discount=100))))


@case("ad_fee")
def _ad_fee(t: Teller) -> None:
    """The platform pays the venue for showing advertisements."""
    t.tell_invoice(dataclasses.replace(t.sale(), ad_fee=-15, protection_fee=-5))


@case("anonymous")
def _anonymous(t: Teller) -> None:
    """Sold at the counter to nobody in particular, for cash."""
    t.buyer = None
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[0]), t.draw.below(3), t.draw.between(1, 3)))
    t.tell_invoice(t.pay(invoice, t.payment(invoice, invoice.total, type="Cash", method=None, card=None, register=3)))


@case("agent")
def _agent(t: Teller) -> None:
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[1]), t.draw.below(3), t.draw.between(1, 3)))
    t.tell_invoice(t.pay(invoice))


@case("jpy", currency="JPY")
def _jpy(t: Teller) -> None:
    t.tell_invoice(t.sale(charge=CHARGES["JPY"]))


@case("jpy_discount", currency="JPY")
def _jpy_discount(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.tickets(t.invoice(promotion="EARLY"), 0, 3), discount=1000)))


@case("kwd", currency="KWD")
def _kwd(t: Teller) -> None:
    t.tell_invoice(t.sale())


@case("kwd_discount", currency="KWD")
def _kwd_discount(t: Teller) -> None:
    t.tell_invoice(t.pay(t.close(t.tickets(t.invoice(promotion="EARLY"), 0, 3), discount=1000)))


@case("general_admission")
def _general_admission(t: Teller) -> None:
    """Seats that are text, nothing, or not there."""
    invoice = t.invoice()
    seats = ("GA-12", None, "", 7)
    made = tuple(t.ticket(invoice, 1, seat=seat, row=None if seat is None else "1") for seat in seats)
    t.tell_invoice(t.pay(t.close(dataclasses.replace(invoice, tickets=made))))


@case("comp")
def _comp(t: Teller) -> None:
    """One ticket paid, one given: the list price is what others of its level pay."""
    invoice = t.tickets(t.tickets(t.invoice(), 0, 1), 0, 1, buy=0)
    t.tell_invoice(t.pay(t.close(invoice)))


@case("free_event")
def _free_event(t: Teller) -> None:
    t.tell_invoice(t.close(t.tickets(t.invoice(), 3, t.draw.between(1, 3))))


@case("unexplained")
def _unexplained(t: Teller) -> None:
    """A total that the invoice's own numbers do not explain."""
    invoice = t.tickets(t.invoice(), t.draw.below(3), 2)
    t.tell_invoice(t.pay(t.close(invoice, left_over=299)))


_CHANGING = """
    unpaid_then_paid scanned return return_with_fee return_to_credit
    partial_return exchange tickets resold same_payment_fails_then_works
    authorised_then_captured late_invoice redelivered plain_after_details return_then_replay
    refund_on_sale refund_only return_unrelated return_told_plainly void_invoice
    product_return jpy_return kwd_return plain_only plain_alone
"""
_STAYING = """
    tickets unpaid partly_paid failed_then_paid voided_payment
    orphan_ticket late_user tickets_with_charge charge_unsaid tickets_and_product
    donation gift_card_sold membership paid_by_gift_card paid_by_store_credit
    split discount discount_uneven charge_on_invoice charge_on_both
    tip tax product_tax ad_fee anonymous
    agent jpy jpy_discount kwd kwd_discount
    general_admission comp free_event unexplained tickets
"""
WHEEL = tuple((_CHANGING + _STAYING).split())
ORDINARY = (
    "tickets",
    "tickets",
    "tickets",
    "tickets_with_charge",
    "tickets_and_product",
    "discount",
    "agent",
    "donation",
)
LONGEST = max(case.days for case in CASES.values()) * DAY + DAY
