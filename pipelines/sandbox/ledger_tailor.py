"""The ledger of a venue's Ticket Tailor half."""

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence

from sandbox.catalogue import LEVELS
from sandbox.ledger_rows import (
    BEFORE_FIRST_LOAD,
    FIRST_SEEN,
    GIVEN_BACK,
    PLATFORM,
    Line,
    Look,
    Order,
    Payment,
    ProductSale,
    Ticket,
    moment,
    money,
    share_out,
)
from sandbox.tailor import Tailor
from sandbox.tailor_json import event_id
from sandbox.tailor_order import FIRST_TICKET, TICKETS_AN_ORDER, State, state_at
from sandbox.tailor_order import Order as Sale
from sandbox.venue import Venue

DISCOUNTABLE = ("ticket", "product", "membership")


@dataclasses.dataclass(slots=True)
class _Entry:
    """Something sold on an order, in minor units."""

    id: str
    kind: str
    goods: int
    fee: int = 0
    discount: int = 0
    tax: int = 0
    seat: int | None = None
    line: int | None = None

    @property
    def amount(self) -> int:
        return self.goods - self.discount


class TailorBooks:
    """The rows; see ``ledger.ticket_tailor``."""

    def __init__(self, venue: Venue, looks: Sequence[Look]) -> None:
        self.orders: list[Order] = []
        self.tickets: list[Ticket] = []
        self.product_sales: list[ProductSale] = []
        self.payments: list[Payment] = []
        self.lines: list[Line] = []
        self.starts: dict[str, datetime.datetime] = {}
        tailor = Tailor(venue)
        last = looks[-1]
        for sale in tailor.orders(last.now):
            seen = _seen(sale, looks)
            if seen:
                self._add(sale, seen, last.now)
                if sale.event:  # the list of events is read whole each time
                    self.starts[event_id(sale.event)] = moment(sale.event.start_at(last.now))
        for loose in tailor.loose_tickets(last.now):
            voided = loose.voided_at is not None and loose.voided_at <= last.now
            self.tickets.append(
                Ticket(
                    ticket_id=loose.id,
                    order_id=None,
                    event_id=event_id(loose.event),
                    status="voided" if voided else "sold",
                    admission_kind="import",
                    ticket_type=LEVELS[loose.level],
                    list_price=money(loose.event.prices[loose.level], loose.event.digits),
                    price=None,
                    service_charge=None,
                    price_paid=None,
                    discount_amount=None,
                    currency=loose.event.currency,
                    sold_at=moment(loose.created),
                    scanned_at=None,
                    voided_at=moment(loose.voided_at) if voided else None,
                )
            )

    def _add(self, sale: Sale, seen: list[tuple[State, datetime.datetime]], now: int) -> None:
        states = [state for state, _ in seen]
        latest = states[-1]
        booked = any(state.status == "completed" or state.paid > 0 for state in states)
        cancelled = latest.status == sale.cancelled_word
        lowered = sum(amount for _, amount in latest.void_lines) if sale.void_lowers_total else 0
        ordered = moment(sale.created)
        self.orders.append(
            Order(
                order_id=sale.id,
                related_order_id=None,
                order_type="sale",
                status="cancelled" if cancelled else latest.status,
                is_booked=booked,
                channel="staff" if sale.paid_with == "operator" else "online",
                ordered_at=ordered,
                customer=sale.buyer.email,
                currency=sale.currency,
                total_amount=money(sale.charged + _spent(sale), sale.digits),
                total_as_given=money(sale.charged - lowered, sale.digits),
            )
        )
        entries = _entries(sale)
        lines = list(self._sold_lines(sale, entries, ordered if booked else None))
        self.lines.extend(lines)
        self._payments(sale, seen, entries)
        refunded = _money_back(latest)
        for entry in entries:
            if entry.seat is not None:
                self._ticket(sale, entry, latest, booked, refunded, now)
            elif entry.line is not None:
                self._product_sale(sale, entry)

    def _sold_lines(self, sale: Sale, entries: list[_Entry], booked_at: datetime.datetime | None) -> Iterator[Line]:
        event = event_id(sale.event) if sale.event else None

        def line(kind: str, amount: int, tax: int | None, ticket: str | None = None) -> Line:
            value, inside = money(amount, sale.digits), None if tax is None else money(tax, sale.digits)
            return Line(sale.id, kind, None, event, ticket, value, sale.currency, booked_at, PLATFORM, inside)

        for entry in entries:
            yield line(entry.kind, entry.amount, _tax_inside(sale, entry), entry.id if entry.seat is not None else None)
        for kind, amount in _other_amounts(sale, entries):
            yield line(kind, amount, amount if kind == "tax" else None)

    def _payments(self, sale: Sale, seen: list[tuple[State, datetime.datetime]], entries: list[_Entry]) -> None:
        ordered = moment(sale.created)
        paid = 0
        for number, (state, at) in enumerate(seen):
            # an old document never says what was paid: it was never seen unpaid
            when, basis = (ordered, PLATFORM) if number == 0 or sale.old_shape else (at, FIRST_SEEN)
            if state.paid > paid:
                self._pay(
                    sale, None if paid else f"{sale.id}:capture", "capture", state.paid - paid, 0, when, basis, number
                )
                paid = state.paid
        for number, line in enumerate(sale.lines):
            if line.meaning == "voucher":
                self._pay(sale, None, "credit_redeemed", 0, -line.total, ordered, PLATFORM, number)
        returned = credited = 0
        back: dict[str, int] = defaultdict(int)
        for number, (state, at) in enumerate(seen):
            when, basis = (ordered, BEFORE_FIRST_LOAD) if number == 0 else (at, FIRST_SEEN)
            if delta := _money_back(state) - returned:
                self._pay(sale, None, "refund", -delta, 0, when, basis, number)
                self._give_back(sale, "refund", entries, delta, when, basis, back)
            if delta := _credit_back(state) - credited:
                self._pay(sale, None, "credit_issued", 0, delta, when, basis, number)
                self._give_back(sale, "credit_issued", entries, delta, when, basis, back)
            returned, credited = _money_back(state), _credit_back(state)

    def _pay(
        self,
        sale: Sale,
        name: str | None,
        kind: str,
        amount: int,
        credit: int,
        at: datetime.datetime,
        basis: str,
        number: int,
    ) -> None:
        self.payments.append(
            Payment(
                name,
                sale.id,
                at,
                basis,
                kind,
                money(amount, sale.digits),
                money(credit, sale.digits),
                sale.currency,
                number,
            )
        )

    def _give_back(
        self,
        sale: Sale,
        how: str,
        entries: list[_Entry],
        amount: int,
        at: datetime.datetime,
        basis: str,
        back: dict[str, int],
    ) -> None:
        """``back`` is what was given back of each kind before: the tax inside follows the whole of it."""
        by_kind: dict[str, int] = defaultdict(int)
        taxes: dict[str, int | None] = {"tax": sale.tax}
        for entry in entries:
            by_kind[entry.kind] += entry.amount
            tax, before = _tax_inside(sale, entry), taxes.get(entry.kind, 0)
            taxes[entry.kind] = None if tax is None or before is None else before + tax
        for kind, value in _other_amounts(sale, entries):
            by_kind[kind] += value
        kinds = sorted(kind for kind, value in by_kind.items() if value > 0)
        event = event_id(sale.event) if sale.event else None
        for kind, share in zip(kinds, share_out(amount, [by_kind[kind] for kind in kinds]), strict=True):
            if share:
                value = money(-share, sale.digits)
                tax = taxes.get(kind)
                if tax is not None:
                    before, back[kind] = back[kind], back[kind] + share
                    tax = money(tax * before // by_kind[kind] - tax * back[kind] // by_kind[kind], sale.digits)
                line = Line(sale.id, GIVEN_BACK[how], kind, event, None, value, sale.currency, at, basis, tax)
                self.lines.append(line)

    def _ticket(self, sale: Sale, entry: _Entry, state: State, booked: bool, refunded: int, now: int) -> None:
        seat = sale.seats[entry.seat]
        cancelled = state.status == sale.cancelled_word
        voids = dict(state.voided)
        status = "sold"
        if entry.seat in voids or cancelled:
            whole = 0 < sale.charged <= refunded
            status = "returned" if whole or (cancelled and refunded > 0) else "voided"
        elif not booked and state.status == "pending":
            status = "reserved"
        list_price = None if sale.old_shape else seat.list_price
        if entry.amount > 0:
            kind = "paid"
        elif list_price:
            kind = "comp"
        else:
            kind = "free_event" if list_price == 0 else "unknown"
        tax_on_top = entry.tax if sale.tax_treatment == "exclusive" else 0
        scans = [at for ticket, at, amount in state_at(sale, now).scans if ticket == entry.seat and amount > 0]
        digits = sale.digits
        self.tickets.append(
            Ticket(
                ticket_id=entry.id,
                order_id=sale.id,
                event_id=event_id(sale.event),
                status=status,
                admission_kind=kind,
                ticket_type=LEVELS[seat.level],
                list_price=None if list_price is None else money(list_price, digits),
                price=money(entry.amount, digits),
                service_charge=money(entry.fee, digits),
                price_paid=money(entry.amount + entry.fee + tax_on_top, digits),
                discount_amount=money(entry.discount, digits),
                currency=sale.currency,
                sold_at=moment(sale.created),
                scanned_at=moment(max(scans)) if scans else None,
                voided_at=moment(voids[entry.seat]) if entry.seat in voids else None,
                tax_amount=money(entry.tax, digits),
            )
        )

    def _product_sale(self, sale: Sale, entry: _Entry) -> None:
        line = sale.lines[entry.line]
        self.product_sales.append(
            ProductSale(
                product_sale_id=entry.id,
                order_id=sale.id,
                product_id=line.item,
                kind="merchandise" if line.meaning == "product" else line.meaning,
                quantity=line.quantity,
                returned_quantity=None,
                unit_price=money(line.value, sale.digits),
                line_amount=money(entry.amount, sale.digits),
                currency=sale.currency,
            )
        )


def _seen(sale: Sale, looks: Sequence[Look]) -> list[tuple[State, datetime.datetime]]:
    """The versions of an order that the looks brought: its state and when it was fetched, without repeats."""
    found: list[tuple[State, datetime.datetime]] = []
    for look in looks:
        if sale.listed > look.now or (look.since is not None and sale.created < look.since):
            continue
        state = state_at(sale, look.now)
        if not found or found[-1][0] != state:
            found.append((state, look.at))
    return found


def _money_back(state: State) -> int:
    if not state.voucher:
        return state.refunded
    return max(state.refunded - state.credited, 0) if state.credited > 0 else 0


def _credit_back(state: State) -> int:
    if state.credited > 0:
        return state.credited
    return state.refunded if state.voucher else 0


def _tax_inside(sale: Sale, entry: _Entry) -> int | None:
    """Tax inside the price of something sold; None for what has none of its own."""
    if entry.kind not in DISCOUNTABLE:
        return None
    return entry.tax if sale.tax_treatment == "inclusive" else 0


def _spent(sale: Sale) -> int:
    """What vouchers paid of it: its total was lowered by that."""
    return -sum(line.total for line in sale.lines if line.meaning == "voucher")


def _discount(sale: Sale) -> int:
    return -sum(line.total for line in sale.lines if line.meaning in ("discount", "promotion"))


def _entries(sale: Sale) -> list[_Entry]:
    """Tickets, products, memberships and donations with their share of discounts, fees and tax."""
    entries: list[_Entry] = []
    for number, line in enumerate(sale.lines):
        if line.meaning in ("ticket", "bundle"):
            weights = [1] * len(line.tickets)
            if line.meaning == "bundle" and not sale.old_shape:
                weights = [sale.seats[ticket].list_price for ticket in line.tickets]
            goods, fees = share_out(line.goods, weights), share_out(line.fee, weights)
            for ticket, share, fee in zip(line.tickets, goods, fees, strict=True):
                entries.append(_Entry(sale.ticket_id(ticket), "ticket", share, fee, seat=ticket))
        elif line.meaning in ("product", "membership", "donation", "gift_card"):
            name = f"li_{FIRST_TICKET + sale.index * TICKETS_AN_ORDER + number}"
            entries.append(_Entry(name, line.meaning, line.goods, line.fee, line=number))
    entries.sort(key=lambda entry: (len(entry.id), entry.id))
    discount = _discount(sale)
    weights = [entry.goods if entry.kind in DISCOUNTABLE else 0 for entry in entries]
    for entry, share in zip(entries, share_out(min(discount, sum(weights)), weights), strict=True):
        entry.discount = share
    weights = [entry.amount if entry.kind in DISCOUNTABLE else 0 for entry in entries]
    for entry, share in zip(entries, share_out(sale.tax, weights), strict=True):
        entry.tax = share
    return entries


def _other_amounts(sale: Sale, entries: list[_Entry]) -> list[tuple[str, int]]:
    """What else the order's total is made of: fees, tax on top, discount that nothing could take."""
    found = [("buyer_fee", entry.fee) for entry in entries if entry.fee]
    found += [("buyer_fee", line.total) for line in sale.lines if line.meaning == "charge"]
    if sale.tax and sale.tax_treatment == "exclusive":
        found.append(("tax", sale.tax))
    discount = _discount(sale)
    if left := discount - sum(entry.discount for entry in entries):
        found.append(("discount", -left))
    return found
