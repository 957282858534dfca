"""The ledger of a venue's Ticketor half: what the webhooks that have arrived make known, and nothing more."""

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sandbox.catalogue import DAY
from sandbox.ledger_rows import (
    GIVEN_BACK,
    PARTS_OF_FEES,
    PLATFORM,
    Line,
    Order,
    Payment,
    ProductSale,
    Ticket,
    moment,
    money,
    share_out,
)
from sandbox.ticketor import Ticketor
from sandbox.ticketor_items import TICKS, Delivery, Invoice
from sandbox.ticketor_items import Payment as Paid
from sandbox.ticketor_items import ProductSale as Sold
from sandbox.ticketor_items import Ticket as Seat
from sandbox.ticketor_json import event_id, person_id
from sandbox.venue import Venue

LINE_KINDS = {"merchandise": "product", "donation": "donation", "gift_card": "gift_card", "membership": "membership"}
ITEMS = {"ticket", *LINE_KINDS.values()}
DISCOUNTABLE = ("ticket", "product", "membership")
CREDIT_AFTER = 7 * DAY * 1_000_000  # microseconds without a payment, after which a return is known to have given credit
LEVEL_NAMES = ("Stalls", "Circle", "Child", None)  # the free level has no name there


class TicketorBooks:
    """The rows; see ``ledger.ticketor``."""

    def __init__(self, venue: Venue, now: int, webhooks: Iterable[str] | None) -> None:
        self.orders: list[Order] = []
        self.tickets: list[Ticket] = []
        self.product_sales: list[ProductSale] = []
        self.payments: list[Payment] = []
        self.lines: list[Line] = []
        self.starts: dict[str, datetime.datetime] = {}
        wanted = None if webhooks is None else set(webhooks)
        self.invoices: dict[int, Invoice] = {}
        self.detailed: set[int] = set()
        self.seats: dict[tuple[int, int], list[Seat]] = {}
        self.goods: dict[int, list[Sold]] = {}
        self.paid: dict[int, Paid] = {}
        # when each invoice was first received, and anything last, in microseconds
        self.received: dict[int, int] = {}
        self.newest = 0
        for delivery in Ticketor(venue).deliveries(None, now):
            if wanted is None or delivery.webhook in wanted:
                self._learn(delivery)
        self._read()

    # --- what is known ---

    def _learn(self, delivery: Delivery) -> None:
        item = delivery.item
        self.newest = max(self.newest, delivery.at)
        if isinstance(item, Invoice):
            self.received.setdefault(item.id, delivery.at)
            self.invoices[item.id] = item
            if delivery.webhook == "invoice_with_details":
                self.detailed.add(item.id)
                for one in (*item.tickets, *item.products, *item.payments):
                    self._learn_item(one, delivery.at)
        else:
            self._learn_item(item, delivery.at)

    def _learn_item(self, item: object, at: int) -> None:
        if isinstance(item, Seat):
            # a ticket's document has its event, as announced when it is sent
            self.starts[str(event_id(item.event))] = moment(item.event.start_at(at // 1_000_000))
            self.seats.setdefault((item.invoice, item.id), []).append(item)
        elif isinstance(item, Sold):
            self.goods.setdefault(item.id, []).append(item)
        elif isinstance(item, Paid) and not (item.id in self.paid and self.paid[item.id].success and not item.success):
            self.paid[item.id] = item

    def _read(self) -> None:
        self.payments_of: dict[int, list[Paid]] = defaultdict(list)
        for paid in self.paid.values():
            self.payments_of[paid.invoice].append(paid)
        for invoice in self.invoices.values():
            if (
                invoice.is_return
                and invoice.related
                and not any(one.gives_back for one in self.payments_of[invoice.id])
            ):
                self._take_refunds(invoice)
        self.seats_of: dict[int, list[Seat]] = defaultdict(list)
        for (invoice, _), seats in sorted(self.seats.items()):
            if not self._is_return(invoice):
                self.seats_of[invoice].append(seats[-1])
        self.goods_of: dict[int, list[Sold]] = defaultdict(list)
        for _, goods in sorted(self.goods.items()):
            self.goods_of[goods[-1].invoice].append(goods[-1])
        self.highest: dict[tuple[int, int], int] = defaultdict(int)
        for seats in self.seats_of.values():
            for seat in seats:
                key = (seat.event.index, seat.level)
                self.highest[key] = max(self.highest[key], seat.buy)
        self.returned: set[tuple[int, int]] = set()
        for seats in self.seats.values():
            for seat in seats:
                if seat.status == "returned" or self._is_return(seat.invoice):
                    sale = self.invoices[seat.invoice].related if self._is_return(seat.invoice) else seat.invoice
                    self.returned.add((sale, seat.id))
        # a seat may be sent as returned without the return: then the time is unknown
        self.returned_at: dict[tuple[int, int], int] = {}
        for invoice in self.invoices.values():
            for seat in invoice.tickets if invoice.is_return and invoice.id in self.detailed else ():
                sale = invoice.related if seat.invoice == invoice.id else seat.invoice, seat.id
                self.returned_at[sale] = min(invoice.date, self.returned_at.get(sale, invoice.date))
        self.sold_lines: dict[int, list[Line]] = {}
        for invoice in self.invoices.values():
            if not invoice.is_return:
                self._sale(invoice)
        for invoice in self.invoices.values():
            if invoice.is_return:
                self._return(invoice)
        for invoice, seats in self.seats_of.items():
            shares = self._shares(invoice)
            for seat in seats:
                self._ticket(seat, shares.get(("ticket", seat.id), 0))
        for invoice, goods in self.goods_of.items():
            shares = self._shares(invoice)
            for sold in goods:
                self._product_sale(sold, shares.get(("product", sold.id), 0))
        for paid in self.paid.values():
            self._payment(paid)

    def _is_return(self, invoice: int) -> bool:
        return invoice in self.invoices and self.invoices[invoice].is_return

    def _take_refunds(self, invoice: Invoice) -> None:
        """A return without a payment back: what went back for it is among the payments of its sale."""
        of_sale = self.payments_of[invoice.related]
        taken = [one for one in of_sale if one.gives_back and one.date // TICKS >= invoice.unix - DAY]
        self.payments_of[invoice.related] = [one for one in of_sale if one not in taken]
        for one in taken:
            self.paid[one.id] = dataclasses.replace(one, invoice=invoice.id)
            self.payments_of[invoice.id].append(self.paid[one.id])

    def _payments_known(self, invoice: Invoice) -> bool:
        return invoice.id in self.detailed or bool(self.payments_of[invoice.id])

    def _booked(self, invoice: Invoice) -> bool:
        if invoice.is_return:
            sale = self.invoices.get(invoice.related)
            return sale is None or self._booked(sale) or any(one.gives_back for one in self.payments_of[invoice.id])
        if invoice.total == 0 or not self._payments_known(invoice):
            return True
        return any(paid.kind in ("capture", "credit_redeemed") for paid in self.payments_of[invoice.id])

    def _shares(self, number: int) -> dict[tuple[str, int], int]:
        """What of the invoice's discount falls on each ticket and product, in minor units."""
        invoice = self.invoices.get(number)
        if invoice is None or not invoice.discount:
            return {}
        weights = {("ticket", seat.id): seat.buy for seat in self.seats_of[number]}
        for sold in self.goods_of[number]:
            if LINE_KINDS[sold.product.kind] in DISCOUNTABLE:
                weights["product", sold.id] = sold.line
        names = sorted(weights, key=lambda name: str(name[1]))
        discount = min(invoice.discount, sum(weights.values()))
        return dict(zip(names, share_out(discount, [weights[name] for name in names]), strict=True))

    # --- rows ---

    def _sale(self, invoice: Invoice) -> None:
        booked = self._booked(invoice)
        at = _when(invoice.date) if booked else None
        digits, shares = invoice.digits, self._shares(invoice.id)
        event = _one_event(self.seats_of[invoice.id])
        lines: list[Line] = []

        def add(kind: str, minor: int, seat: Seat | None = None) -> None:
            if minor or seat:
                where = str(event_id(seat.event)) if seat else event
                ticket = str(seat.id) if seat else None
                amount = money(minor, digits)
                # here all tax comes on top
                tax = amount if kind == "tax" else Decimal(0) if kind in ITEMS else None
                lines.append(
                    Line(str(invoice.id), kind, None, where, ticket, amount, invoice.currency, at, PLATFORM, tax)
                )

        for seat in self.seats_of[invoice.id]:
            add("ticket", seat.buy - shares.get(("ticket", seat.id), 0), seat)
            if seat.charge:
                add("buyer_fee", seat.charge, seat)
        for sold in self.goods_of[invoice.id]:
            add(LINE_KINDS[sold.product.kind], sold.line - shares.get(("product", sold.id), 0))
            add("delivery", sold.delivery_fee)
        add("tip", invoice.tip)
        add("tax", invoice.tax or sum(sold.tax for sold in self.goods_of[invoice.id]))
        add("buyer_fee", invoice.extra_charge)
        add("discount", sum(shares.values()) - invoice.discount)
        rest = money(invoice.total, digits) - sum((line.amount for line in lines), Decimal(0))
        kind = "ticket" if invoice.type == "Exchange" else "unexplained"
        if rest:
            where = event
            if kind == "ticket" and invoice.id in self.detailed:
                where = _one_event([seat for seat in invoice.tickets if seat.invoice != invoice.id])
            tax = Decimal(0) if kind == "ticket" else None
            lines.append(Line(str(invoice.id), kind, None, where, None, rest, invoice.currency, at, PLATFORM, tax))
        self.sold_lines[invoice.id] = lines
        self.lines.extend(lines)
        for paid in self.payments_of[invoice.id]:
            if paid.gives_back:
                self._give_back(invoice, paid.kind, -abs(paid.amount), _by_kind(lines), _when(paid.date), event)
        self._order(invoice, booked)

    def _return(self, invoice: Invoice) -> None:
        total = -abs(invoice.total)
        seats = [seat for seat in invoice.tickets if invoice.id in self.detailed]
        event = _one_event(seats or self.seats_of[invoice.related])
        weights: dict[str, int] = defaultdict(int)
        for seat in seats:
            weights["ticket"] += seat.buy
            weights["buyer_fee"] += seat.charge
        for sold in invoice.products if invoice.id in self.detailed else ():
            weights[LINE_KINDS[sold.product.kind]] += sold.returned * sold.unit_price
        if not sum(weights.values()):
            weights = _by_kind(self.sold_lines.get(invoice.related, []))
        back = [paid for paid in self.payments_of[invoice.id] if paid.gives_back]
        at = _when(invoice.date)
        digits, name = invoice.digits, str(invoice.id)
        before = len(self.lines)
        booked = self._booked(invoice)
        if back:
            for paid in back:
                self._give_back(invoice, paid.kind, -abs(paid.amount), weights, _when(paid.date), event)
        elif not booked:
            pass
        elif not self._payments_known(invoice):
            self._give_back(invoice, "refund", total, weights, at, event)
        elif total and self.newest - self.received[invoice.id] >= CREDIT_AFTER:
            self._give_back(invoice, "credit_issued", total, weights, at, event)
            self.payments.append(
                Payment(
                    f"{name}:credit",
                    name,
                    at,
                    PLATFORM,
                    "credit_issued",
                    Decimal(0),
                    money(-total, digits),
                    invoice.currency,
                )
            )
        rest = money(total, digits) - sum((line.amount for line in self.lines[before:]), Decimal(0))
        if rest:
            self.lines.append(Line(name, "unexplained", None, event, None, rest, invoice.currency, None))
        self._order(invoice, booked)

    def _give_back(
        self, invoice: Invoice, how: str, minor: int, weights: dict[str, int], at: datetime.datetime, event: str | None
    ) -> None:
        kinds = sorted(kind for kind, weight in weights.items() if weight > 0)
        shares = share_out(minor, [weights[kind] for kind in kinds])
        sale = self.sold_lines.get(invoice.related if invoice.is_return else invoice.id, [])
        sold = {line.line_kind for line in sale} & ITEMS
        for kind, share in zip(kinds, shares, strict=True) if kinds else [("unexplained", minor)]:
            if share:
                amount = money(share, invoice.digits)
                tax = amount if kind == "tax" else Decimal(0) if kind in sold else None
                line = Line(
                    str(invoice.id), GIVEN_BACK[how], kind, event, None, amount, invoice.currency, at, PLATFORM, tax
                )
                self.lines.append(line)

    def _order(self, invoice: Invoice, booked: bool) -> None:
        total = money(invoice.total, invoice.digits)
        staff = invoice.agent is not None
        self.orders.append(
            Order(
                order_id=str(invoice.id),
                related_order_id=str(invoice.related) if invoice.related else None,
                order_type=invoice.type.lower(),
                status=None if invoice.is_return else self._status(invoice, booked),
                is_booked=booked,
                channel="staff" if staff else "online",
                ordered_at=_when(invoice.date),
                customer=str(person_id(invoice.buyer)) if invoice.buyer else None,
                currency=invoice.currency,
                total_amount=-abs(total) if invoice.is_return else total,
                total_as_given=total,
                is_return=invoice.is_return,
                payments_known=self._payments_known(invoice),
                fees={
                    part: money(fee, invoice.digits)
                    for part, fee in zip(
                        PARTS_OF_FEES,
                        (invoice.fee, invoice.protection_fee, invoice.ad_fee, invoice.processing_fee, 0),
                        strict=True,
                    )
                },
            )
        )

    def _status(self, invoice: Invoice, booked: bool) -> str:
        if not booked:
            returns = [one for one in self.invoices.values() if one.is_return and one.related == invoice.id]
            given_up = sum(abs(one.total) for one in returns if not self._booked(one))
            return "cancelled" if given_up >= invoice.total else "unpaid"
        gone = [(invoice.id, seat.id) in self.returned for seat in self.seats_of[invoice.id]]
        gone += [sold.returned >= sold.quantity for sold in self.goods_of[invoice.id]]
        if any(gone):
            return "returned" if all(gone) else "partly_returned"
        kinds = ("capture", "credit_redeemed")
        paid = sum(one.amount for one in self.payments_of[invoice.id] if one.kind in kinds)
        short = self._payments_known(invoice) and paid < invoice.total
        return "partly_paid" if short else "completed"

    def _ticket(self, seat: Seat, discount: int) -> None:
        versions = self.seats[seat.invoice, seat.id]
        invoice = self.invoices.get(seat.invoice)
        statuses = {version.status for version in versions}
        if (seat.invoice, seat.id) in self.returned:
            status = "returned"
        elif "exchanged" in statuses:
            status = "exchanged"
        elif invoice is not None and not self._booked(invoice):
            status = "voided" if self._status(invoice, False) == "cancelled" else "reserved"
        else:
            status = "sold"
        digits = seat.event.digits
        listed = seat.buy or self.highest[seat.event.index, seat.level]
        scans = [version.scanned_at for version in versions if version.scanned_at is not None]
        self.tickets.append(
            Ticket(
                ticket_id=str(seat.id),
                order_id=str(seat.invoice),
                event_id=str(event_id(seat.event)),
                status=status,
                admission_kind="paid" if seat.sell > 0 else "comp" if listed else "free_event",
                ticket_type=LEVEL_NAMES[seat.level],
                list_price=money(listed, digits) if listed else None,
                price=money(seat.buy - discount, digits),
                service_charge=money(seat.charge, digits),
                price_paid=money(seat.sell, digits),
                discount_amount=money(discount, digits),
                currency=invoice.currency if invoice else None,
                sold_at=_when(invoice.date) if invoice else None,
                scanned_at=moment(max(scans)) if scans else None,
                voided_at=_when(back) if (back := self.returned_at.get((seat.invoice, seat.id))) else None,
            )
        )

    def _product_sale(self, sold: Sold, discount: int) -> None:
        invoice = self.invoices.get(sold.invoice)
        self.product_sales.append(
            ProductSale(
                product_sale_id=str(sold.id),
                order_id=str(sold.invoice),
                product_id=str(sold.product.number),
                kind=sold.product.kind,
                quantity=sold.quantity,
                returned_quantity=max(version.returned for version in self.goods[sold.id]),
                unit_price=money(sold.unit_price, sold.digits),
                line_amount=money(sold.line - discount, sold.digits),
                currency=invoice.currency if invoice else None,
            )
        )

    def _payment(self, paid: Paid) -> None:
        digits = {"JPY": 0, "KWD": 3}.get(paid.currency, 2)
        signed = {"capture": paid.amount, "refund": -abs(paid.amount)}.get(paid.kind, 0)
        credit = abs(paid.amount) if paid.kind in ("credit_redeemed", "credit_issued") else 0
        self.payments.append(
            Payment(
                str(paid.id),
                str(paid.invoice),
                _when(paid.date),
                PLATFORM,
                paid.kind,
                money(signed, digits),
                money(credit, digits),
                paid.currency,
            )
        )


def _when(ticks: int) -> datetime.datetime:
    """Hundred-nanosecond ticks as a point in time, cut to microseconds."""
    return moment(ticks // TICKS) + datetime.timedelta(microseconds=ticks % TICKS // 10)


def _one_event(seats: Sequence[Seat]) -> str | None:
    """The event of an invoice whose tickets are all for one."""
    events = {str(event_id(seat.event)) for seat in seats}
    return events.pop() if len(events) == 1 else None


def _by_kind(lines: Iterable[Line]) -> dict[str, int]:
    """Amounts by kind, in ten-thousandths: only their proportion matters."""
    found: dict[str, int] = defaultdict(int)
    for line in lines:
        found[line.line_kind] += int(line.amount.scaleb(4))
    return found
