"""Ticketor sales from which something follows, or whose webhooks come late, twice or not at all."""

import dataclasses

from sandbox.catalogue import person
from sandbox.ticketor_items import AGENTS
from sandbox.ticketor_story import CHARGES, Cases, StoryBuilder
from sandbox.venue import TICKETOR

case = Cases()


@case("unpaid_then_paid", days=30)
def _unpaid_then_paid(t: StoryBuilder) -> None:
    """An invoice sent out, and a New Payment three weeks later."""
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[0]), 0, t.draw.between(1, 3)))
    t.send_invoice(invoice)
    paid = t.after(21)
    t.send("payment", t.payment(invoice, invoice.total, at=paid, type="Check", method=None, card=None), paid + 9)


@case("unpaid", days=10)
def _unpaid(t: StoryBuilder) -> None:
    """No one pays; often the invoice is taken back, and nothing is given back."""
    sale = t.close(t.tickets(t.invoice(agent=AGENTS[0]), 0, t.draw.between(1, 3)))
    t.send_invoice(sale)
    way = t.draw.pick(("left", "listed", "plain"))
    if way == "left":
        return
    tickets = sale.tickets if way == "listed" else ()
    back = dataclasses.replace(t.give_back(sale, t.after(1), sale.total, tickets=tickets), type="Cancellation")
    t.send("invoice_with_details" if way == "listed" else "invoice", back, back.unix + 5)


@case("partly_paid")
def _partly_paid(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[1]), 0, 2))
    t.send_invoice(t.pay(invoice, t.payment(invoice, invoice.total // 3, type="Cash", method=None, card=None)))


@case("return", days=30)
def _return(t: StoryBuilder) -> None:
    sale = t.sale(charge=CHARGES["GBP"])
    t.send_invoice(sale)
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), sale.total, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))


@case("return_with_fee", days=40)
def _return_with_fee(t: StoryBuilder) -> None:
    """The venue keeps five a ticket: the refund is less than the price, and often comes weeks after the return."""
    sale = t.sale(level=t.draw.below(2), charge=CHARGES["GBP"])
    t.send_invoice(sale)
    amount = sale.total - 500 * len(sale.tickets)
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), amount, tickets=sale.tickets)
    if t.draw.chance(50):
        t.send_invoice(back)
        paid = t.after(35)
        t.send("payment", t.refund(back, amount, at=paid), paid + 5)
    else:
        t.send_invoice(t.pay(back, t.refund(back, amount)))


@case("return_to_credit", days=30)
def _return_to_credit(t: StoryBuilder) -> None:
    """Returned to store credit: no payment moves money, and often none is listed."""
    sale = t.sale()
    t.send_invoice(sale)
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), sale.total, tickets=sale.tickets)
    if t.draw.chance(30):
        credit = t.payment(back, sale.total, "credit_issued", type="Store Credit", method="CREDIT", card=None)
        back = t.pay(back, credit)
    t.send_invoice(back)


@case("return_promised", days=30)
def _return_promised(t: StoryBuilder) -> None:
    """The return is reported, and the money follows five days later: in a small world, after its last minute."""
    sale = t.sale()
    t.send_invoice(sale)
    back = t.give_back(sale, t.after(1), sale.total, tickets=sale.tickets)
    t.send_invoice(back)
    at = t.after(6)
    t.send("payment", t.payment(back, -sale.total, "refund", at=at), at + 5)


@case("tax_refunded", days=30)
def _tax_refunded(t: StoryBuilder) -> None:
    """A taxed sale given back, by its items or as a whole."""
    invoice = t.tickets(t.invoice(), t.draw.below(3), 2)
    sale = t.pay(t.close(invoice, tax=sum(one.buy for one in invoice.tickets) * 20 // 100))
    t.send_invoice(sale)
    tickets = sale.tickets if t.draw.chance(50) else ()
    back = t.give_back(sale, t.after(t.draw.between(1, 9)), sale.total, tickets=tickets)
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))


@case("partial_return", days=30)
def _partial_return(t: StoryBuilder) -> None:
    sale = t.sale(quantity=3, charge=CHARGES["GBP"])
    t.send_invoice(sale)
    gone = sale.tickets[t.draw.below(3)]
    back = t.give_back(sale, t.after(t.draw.between(1, 20)), gone.sell, tickets=(gone,))
    if t.draw.chance(50):  # the platform may write the returned ticket under the return's own number
        back = dataclasses.replace(
            back, tickets=tuple(dataclasses.replace(one, invoice=back.id) for one in back.tickets)
        )
    t.send_invoice(t.pay(back, t.refund(back, gone.sell)))


@case("exchange", days=30)
def _exchange(t: StoryBuilder) -> None:
    """Cheaper seats given up for better ones, often at another event: the invoice's total is the difference."""
    sale = t.sale(level=2, quantity=2)
    t.send_invoice(sale)
    days = t.draw.between(1, 9)
    at, on_sale_at = t.after(days), t.created
    if not t.venue.sells_after_shows:
        at = on_sale_at = t.before_show(at, days)
    other = t.venue.pick_event(TICKETOR, t.draw, on_sale_at, t.currency)
    event = other if other.prices[0] > t.event.prices[2] else t.event
    fresh = t.tickets(t.invoice(at, type="Exchange", related=sale.id), 0, 2, event=event)
    given_up = tuple(dataclasses.replace(one, status="exchanged") for one in sale.tickets)
    difference = sum(one.sell for one in fresh.tickets) - sum(one.sell for one in given_up)
    fresh = dataclasses.replace(t.close(fresh), tickets=fresh.tickets + given_up, total=difference)
    t.send_invoice(t.pay(fresh))


@case("resold", days=30)
def _resold(t: StoryBuilder) -> None:
    """A returned ticket is sold again, to somebody else, under the same ticket Id."""
    sale = t.sale(quantity=1)
    t.send_invoice(sale)
    at = t.after(2)
    at = at if t.venue.sells_after_shows else t.before_show(at, 2)
    back = t.give_back(sale, at, sale.total, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))
    other = person((t.buyer.number + 1) % t.venue.people)
    at = t.after(5)
    again = t.invoice(at if t.venue.sells_after_shows else t.before_show(at, 5), buyer=other)
    ticket = dataclasses.replace(sale.tickets[0], invoice=again.id, buyer=other)
    t.send_invoice(t.pay(t.close(again, tickets=(ticket,))))


@case("failed_then_paid")
def _failed_then_paid(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    failed = t.payment(invoice, invoice.total, "failed", success=False, description="Declined")
    t.send_invoice(t.pay(invoice, failed, t.payment(invoice, invoice.total)))


@case("same_payment_fails_then_works", days=2)
def _same_payment(t: StoryBuilder) -> None:
    """One payment Id: first sent as failed, then as successful."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    good = t.payment(invoice, invoice.total)
    bad = dataclasses.replace(good, success=False, kind="failed")
    t.send_invoice(t.pay(invoice, bad))
    t.send("payment", good, t.after(1, 3600))


@case("authorised_then_captured", days=3)
def _authorised(t: StoryBuilder) -> None:
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), t.draw.between(1, 3)))
    hold = t.payment(invoice, invoice.total, "authorisation", method="AUTH_ONLY")
    t.send_invoice(t.pay(invoice, hold))
    at = t.after(1)
    t.send("payment", t.payment(invoice, invoice.total, at=at, method="PRIOR_AUTH_CAPTURE"), at + 5)


@case("voided_payment")
def _voided_payment(t: StoryBuilder) -> None:
    """The first card's hold is let go, the second card pays."""
    invoice = t.close(t.tickets(t.invoice(), t.draw.below(3), 2))
    hold = t.payment(invoice, invoice.total, "authorisation", method="AUTH_ONLY")
    let_go = t.payment(invoice, invoice.total, "void", method="VOID")
    t.send_invoice(t.pay(invoice, hold, let_go, t.payment(invoice, invoice.total)))


@case("late_invoice", days=3)
def _late_invoice(t: StoryBuilder) -> None:
    """The tickets and the payment are sent at once, the invoice a day later."""
    sale = t.sale()
    for ticket in sale.tickets:
        t.send("ticket", ticket, sale.unix + t.draw.between(2, 9))
    t.send("payment", sale.payments[0], sale.unix + 10)
    t.send("invoice_with_details", sale, t.after(1))


@case("orphan_ticket")
def _orphan_ticket(t: StoryBuilder) -> None:
    """The invoice is never sent."""
    sale = t.sale(quantity=1)
    t.send("ticket", sale.tickets[0], sale.unix + 4)


@case("late_user")
def _late_user(t: StoryBuilder) -> None:
    sale = t.sale()
    t.send("invoice_with_details", sale, sale.unix + 6)
    t.send_user(sale.buyer, sale.unix + 1790)


@case("redelivered", days=4)
def _redelivered(t: StoryBuilder) -> None:
    """The same webhook three times over."""
    sale = t.sale(charge=CHARGES["GBP"])
    for at in (sale.unix + 7, sale.unix + 3700, t.after(2)):
        t.send("invoice_with_details", sale, at)


@case("plain_after_details", days=3)
def _plain_after_details(t: StoryBuilder) -> None:
    """A plain invoice after its details: the items stay."""
    sale = t.product_sale_with_tickets()
    t.send("invoice_with_details", sale, sale.unix + 5)
    t.send("invoice", sale, t.after(1))


@case("plain_only")
def _plain_only(t: StoryBuilder) -> None:
    """Without the details webhook: a plain invoice and its items; payments unknown."""
    sale = t.product_sale_with_tickets()
    for ticket in sale.tickets:
        t.send("ticket", ticket, sale.unix + t.draw.between(2, 9))
    for line in sale.products:
        t.send("product", line, sale.unix + 11)
    t.send("invoice", sale, sale.unix + 12)


@case("plain_alone")
def _plain_alone(t: StoryBuilder) -> None:
    """A plain invoice and nothing else: what was sold is not known."""
    sale = t.sale()
    t.send("invoice", sale, sale.unix + 5)


@case("scanned", days=60)
def _scanned(t: StoryBuilder) -> None:
    """Sent again after the show with its scan, then an older version once more."""
    sale = t.sale(quantity=2)
    t.send("invoice_with_details", sale, sale.unix + 5)
    show = t.event.given_at
    for n, ticket in enumerate(sale.tickets):
        t.send("ticket", dataclasses.replace(ticket, scanned_at=show - 900 - 60 * n), show + 60 * n)
    t.send("ticket", sale.tickets[0], show + 7200)


@case("return_then_replay", days=30)
def _return_then_replay(t: StoryBuilder) -> None:
    """After the return the first webhook comes once more: returned stays returned."""
    sale = t.sale(quantity=2)
    t.send("invoice_with_details", sale, sale.unix + 5)
    back = t.give_back(sale, t.after(3), sale.total, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))
    t.send("invoice_with_details", sale, t.after(6))
    t.send("ticket", sale.tickets[0], t.after(7))


@case("refund_on_sale", days=30)
def _refund_on_sale(t: StoryBuilder) -> None:
    """Part of the price goes back as a payment on the sale itself; the tickets stay."""
    sale = t.sale(level=0, charge=CHARGES["GBP"])
    t.send_invoice(sale)
    at = t.after(t.draw.between(1, 9))
    t.send("payment", t.payment(sale, -sale.total // 4, "refund", at=at, method="CREDIT"), at + 5)


@case("refund_only", days=30)
def _refund_only(t: StoryBuilder) -> None:
    """A return invoice that names no items."""
    sale = t.sale(level=0, charge=CHARGES["GBP"])
    t.send_invoice(sale)
    amount = sale.total // 2 + 1
    back = t.give_back(sale, t.after(4), amount)
    t.send_invoice(t.pay(back, t.refund(back, amount)))


@case("return_unrelated", days=30)
def _return_unrelated(t: StoryBuilder) -> None:
    """A return that names neither items nor a sale."""
    sale = t.sale(level=1)
    t.send_invoice(sale)
    back = dataclasses.replace(t.give_back(sale, t.after(4), 700), related=0)
    t.send_invoice(t.pay(back, t.refund(back, 700)))


@case("return_told_plainly", days=30)
def _return_told_plainly(t: StoryBuilder) -> None:
    """Only the plain webhook of a return: its payments are not known."""
    sale = t.sale(level=1, charge=CHARGES["GBP"])
    t.send_invoice(sale)
    back = t.give_back(sale, t.after(5), sale.total)
    t.send("invoice", back, back.unix + 5)
    if t.draw.chance(50):  # the money may be sent all the same, as a payment of the sale
        t.send("payment", dataclasses.replace(t.refund(back, sale.total - 1), invoice=sale.id), back.unix + 60)


@case("void_invoice", days=10)
def _void_invoice(t: StoryBuilder) -> None:
    sale = t.sale(quantity=2)
    t.send_invoice(sale)
    back = dataclasses.replace(t.give_back(sale, t.after(1), sale.total, tickets=sale.tickets), type="Void")
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))


@case("product_return", days=30)
def _product_return(t: StoryBuilder) -> None:
    sale = t.product_sale_with_tickets()
    t.send_invoice(sale)
    line = sale.products[0]
    back = t.give_back(sale, t.after(6), line.line)
    back = dataclasses.replace(back, products=(dataclasses.replace(line, returned=line.quantity),))
    t.send_invoice(t.pay(back, t.refund(back, line.line)))


@case("jpy_return", currency="JPY", days=30)
def _jpy_return(t: StoryBuilder) -> None:
    sale = t.sale(charge=CHARGES["JPY"])
    t.send_invoice(sale)
    amount = sale.total - 333
    back = t.give_back(sale, t.after(3), amount, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, amount)))


@case("kwd_return", currency="KWD", days=30)
def _kwd_return(t: StoryBuilder) -> None:
    sale = t.sale(charge=CHARGES["KWD"])
    t.send_invoice(sale)
    amount = sale.total - 333
    back = t.give_back(sale, t.after(3), amount, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, amount)))


@case("return_of_unknown_sale", days=30)
def _return_of_unknown_sale(t: StoryBuilder) -> None:
    """Sold before the webhook was switched on: all that is known of the sale is what the return lists."""
    sale = t.sale(quantity=2, charge=CHARGES["GBP"])
    back = t.give_back(sale, t.after(6), sale.total, tickets=sale.tickets)
    t.send_invoice(t.pay(back, t.refund(back, sale.total)))
