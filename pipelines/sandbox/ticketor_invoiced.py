"""Ticketor sales on an invoice that is paid by cheque later: school groups, and what is paid after its month."""

from sandbox.ticketor_items import AGENTS
from sandbox.ticketor_story import Cases, StoryBuilder

case = Cases()


@case("school_group", days=30)
def _school_group(t: StoryBuilder) -> None:
    """A class and its teacher, booked at the box office; the school pays within a month, and before it comes."""
    invoice = t.close(t.tickets(t.tickets(t.invoice(agent=AGENTS[0]), 2, t.draw.between(9, 14)), 2, 1, buy=0))
    t.send_invoice(invoice)
    paid = t.after(t.draw.between(9, 28))
    t.send("payment", t.payment(invoice, invoice.total, at=paid, type="Check", method=None, card=None), paid + 9)


@case("paid_late", days=1)
def _paid_late(t: StoryBuilder) -> None:
    """Tickets handed out on an invoice, which is paid when the venue's ``paid_late`` says so."""
    invoice = t.close(t.tickets(t.invoice(agent=AGENTS[1]), t.draw.below(3), t.draw.between(2, 6)))
    t.send_invoice(invoice)
    at = t.venue.paid_late[t.story.index]
    t.send("payment", t.payment(invoice, invoice.total, at=at, type="Check", method=None, card=None), at + 9)
