"""The parts from which ``ticketor_cases`` builds each kind of sale and its webhooks."""

import dataclasses
from collections.abc import Callable

from sandbox.catalogue import DAY, DIGITS, MUG, SCANNED_PERCENT, Event, Person, Product
from sandbox.draw import Draw
from sandbox.ticketor_items import (
    FIRST_INVOICE,
    FIRST_PAYMENT,
    FIRST_PRODUCT_SALE,
    FIRST_TICKET,
    INVOICES_A_STORY,
    ITEMS_A_STORY,
    TICKS,
    Delivery,
    Invoice,
    Payment,
    ProductSale,
    Story,
    Ticket,
    User,
)
from sandbox.venue import TICKETOR, Venue, before_show

SECTIONS = ("Stalls Left", "Circle Right", "Gallery", "Studio")
CHARGES = {"GBP": 125, "JPY": 100, "KWD": 250}  # service charge a ticket, in minor units


class StoryBuilder:
    """Builds one story. Moments are unix seconds; ``story.deliveries`` is in order of arrival once ``done``."""

    def __init__(self, venue: Venue, story: Story, draw: Draw, currency: str) -> None:
        self.venue, self.story, self.draw = venue, story, draw
        self.created = venue.created(TICKETOR, story.index)
        soon = story.index % 5 == 2
        self.event = venue.pick_event(TICKETOR, draw, self.created, currency, soon=soon, index=story.index)
        self.currency = self.event.currency
        self.buyer: Person | None = venue.buyer(TICKETOR, draw, story.index)
        self._invoices = self._tickets = self._products = self._payments = 0

    # --- items ---

    def invoice(self, at: int | None = None, **values: object) -> Invoice:
        """An empty invoice, made ``at`` (default: when the story begins)."""
        number = FIRST_INVOICE + self.story.index * INVOICES_A_STORY + self._invoices
        self._invoices += 1
        values.setdefault("buyer", self.buyer)
        if self.draw.chance(20):
            values.setdefault("referrer", "https://blog.example.org/tonight")
        return Invoice(number, self.ticks(self.created if at is None else at), self.currency, **values)

    def ticks(self, second: int) -> int:
        """A moment within ``second``, written with anything from no to seven decimals."""
        decimals = self.draw.below(8)
        return second * TICKS + self.draw.below(10**decimals) * 10 ** (7 - decimals)

    def ticket(
        self, invoice: Invoice, level: int, charge: int = 0, event: Event | None = None, **values: object
    ) -> Ticket:
        event = event or self.event
        number = FIRST_TICKET + self.story.index * ITEMS_A_STORY + self._tickets
        self._tickets += 1
        values.setdefault("buy", event.prices[level])
        values.setdefault("seat", number % 40 + 1)
        values.setdefault("row", "ABCDEFGH"[number // 40 % 8])
        return Ticket(
            id=number,
            invoice=invoice.id,
            event=event,
            level=level,
            charge=charge,
            section=SECTIONS[level],
            barcode=f"0{number * 7919 % 10**11:011d}",
            buyer=invoice.buyer,
            delivery=("Will-Call (Venue pickup)", "E-ticket")[number % 2],
            **values,
        )

    def tickets(self, invoice: Invoice, level: int, quantity: int, charge: int = 0, **values: object) -> Invoice:
        made = tuple(self.ticket(invoice, level, charge, **values) for _ in range(quantity))
        return dataclasses.replace(invoice, tickets=invoice.tickets + made)

    def product(self, invoice: Invoice, thing: Product, quantity: int = 1, **values: int) -> Invoice:
        number = FIRST_PRODUCT_SALE + self.story.index * ITEMS_A_STORY + self._products
        self._products += 1
        price = thing.prices[invoice.currency]
        made = ProductSale(
            number, invoice.id, thing, quantity, price, invoice.buyer, DIGITS[invoice.currency], **values
        )
        return dataclasses.replace(invoice, products=(*invoice.products, made))

    def close(self, invoice: Invoice, **values: object) -> Invoice:
        """Works out the total, and the service charge that the platform writes on the invoice."""
        invoice = dataclasses.replace(invoice, **values)
        tickets, products = invoice.own_tickets, invoice.own_products
        total = sum(ticket.sell for ticket in tickets)
        total += sum(sale.line + sale.delivery_fee for sale in products)
        total += (invoice.tax or sum(sale.tax for sale in products)) + invoice.tip
        total += invoice.extra_charge + invoice.left_over - invoice.discount
        charges = sum(ticket.charge for ticket in tickets)
        return dataclasses.replace(
            invoice,
            total=total,
            service_charge=invoice.extra_charge or charges,
            fee=total * 3 // 100,
            processing_fee=total * 2 // 100,
        )

    def payment(
        self, invoice: Invoice, amount: int, kind: str = "capture", *, at: int | None = None, **values: object
    ) -> Payment:
        number = FIRST_PAYMENT + self.story.index * ITEMS_A_STORY + self._payments
        self._payments += 1
        values.setdefault("method", "AUTH_CAPTURE")
        values.setdefault("type", self.draw.pick(("Visa", "MasterCard", "Amex")))
        date = invoice.date + TICKS if at is None else self.ticks(at)
        return Payment(
            id=number,
            invoice=invoice.id,
            kind=kind,
            amount=amount,
            currency=invoice.currency,
            date=date,
            buyer=invoice.buyer,
            **values,
        )

    def pay(self, invoice: Invoice, *payments: Payment) -> Invoice:
        """Adds payments; none given: one by card for the whole total."""
        added = payments or ((self.payment(invoice, invoice.total),) if invoice.total else ())
        return dataclasses.replace(invoice, payments=invoice.payments + added)

    def sale(self, level: int | None = None, quantity: int | None = None, charge: int = 0) -> Invoice:
        """A plain sale: tickets of one level, paid by card."""
        level = self.draw.below(3) if level is None else level
        quantity = quantity or self.draw.between(1, 4)
        return self.pay(self.close(self.tickets(self.invoice(), level, quantity, charge)))

    def product_sale_with_tickets(self) -> Invoice:
        """Tickets and two mugs, paid by card."""
        invoice = self.tickets(self.invoice(), self.draw.below(3), self.draw.between(1, 3))
        return self.pay(self.close(self.product(invoice, MUG, 2)))

    def give_back(
        self, sale: Invoice, at: int, amount: int, *, tickets: tuple[Ticket, ...] = (), **values: object
    ) -> Invoice:
        """A return of ``tickets`` for ``amount``, written with either sign: the platform's is not known."""
        sign = self.draw.pick((-1, 1))
        invoice = self.invoice(at, type="Return", related=sale.id, return_status="Returned", buyer=sale.buyer)
        returned = tuple(dataclasses.replace(ticket, status="returned") for ticket in tickets)
        fee = -(amount * 3 // 100)
        return dataclasses.replace(invoice, tickets=returned, total=sign * amount, fee=fee, **values)

    def return_whole(self, at: int) -> None:
        """Returns the story's first sale, every ticket of it, for its whole price."""
        sale = next(one.item for one in self.story.deliveries if isinstance(one.item, Invoice))
        back = self.give_back(sale, at, sale.total, tickets=sale.own_tickets)
        self.send_invoice(self.pay(back, self.refund(back, sale.total)))

    def refund(self, invoice: Invoice, amount: int, *, at: int | None = None) -> Payment:
        """Money going back: the platform may say so by CREDIT or by a minus sign."""
        if self.draw.chance(50):
            return self.payment(invoice, amount, "refund", at=at, method="CREDIT")
        return self.payment(invoice, -amount, "refund", at=at)

    # --- webhooks ---

    def send(self, webhook: str, item: User | Invoice | Ticket | ProductSale | Payment, at: int) -> None:
        """A webhook that arrives within the second ``at``."""
        number = len(self.story.deliveries)
        micros = at * 1_000_000 + (number * 16_001 + self.draw.below(16_000)) % 1_000_000
        self.story.deliveries.append(Delivery(micros, self.story.index, number, webhook, item))

    def send_invoice(self, invoice: Invoice, at: int | None = None) -> None:
        """The details webhook; for every fourth story every other webhook of the same sale too, in no order."""
        at = invoice.unix + self.draw.between(2, 20) if at is None else at
        if self.story.index % 4 == 1:
            parts = [("ticket", one) for one in invoice.tickets] + [("product", one) for one in invoice.products]
            parts += [("payment", one) for one in invoice.payments] + [("invoice", invoice)]
            for webhook, item in parts:
                self.send(webhook, item, at + self.draw.below(60))
        self.send("invoice_with_details", invoice, at)
        if self.story.index % 3 == 0 and invoice.buyer and invoice.type == "Sale":
            self.send_user(invoice.buyer, at + self.draw.below(1800))

    def send_user(self, who: Person, at: int) -> None:
        """Sign-ups are sent up to half an hour late."""
        agreed = who.mailing if self.draw.chance(70) else not who.mailing
        self.send("user", User(who, self.ticks(at - self.draw.between(10, 1800)), agreed, who.sms), at)

    def after(self, days: int, spread: int = DAY) -> int:
        """A moment ``days`` after the story began, and up to ``spread`` seconds more."""
        at = self.created + days * DAY + self.draw.below(spread)
        return self.before_show(at, days) if self.venue.scans_all else at

    def before_show(self, at: int, days: int) -> int:
        """That moment, or one in the last hours before the curtain rises: ``days`` keeps what follows in its order."""
        return before_show(at, self.created, self.event, days)

    def scan(self) -> None:
        """Most of the tickets are scanned in the last half hour; a webhook reports each."""
        seats = {}
        for one in self.story.deliveries:
            items = one.item.tickets if isinstance(one.item, Invoice) else (one.item,)
            seats |= {item.id: item for item in items if isinstance(item, Ticket)}
        for ticket in seats.values():
            if self.draw.chance(SCANNED_PERCENT):
                at = ticket.event.given_at - self.draw.between(60, 2400)
                self.send("ticket", dataclasses.replace(ticket, scanned_at=at), at + 2)


Build = Callable[[StoryBuilder], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A kind of sale: how it is built, its currency, and for how many days webhooks may follow."""

    build: Build
    currency: str = "GBP"
    days: int = 1


class Cases(dict[str, Case]):
    """Kinds of sales by name; called as a decorator, it registers the function below."""

    def __call__(self, name: str, currency: str = "GBP", days: int = 1) -> Callable[[Build], Build]:
        def register(build: Build) -> Build:
            self[name] = Case(build, currency, days)
            return build

        return register
