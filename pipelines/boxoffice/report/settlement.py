"""The numbers of a settlement: what one event, or all events of a show, took, line by line to what is due."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from boxoffice.errors import ConfigProblem
from boxoffice.report import formatting
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import rows

LEAVE_OUT = {"fees": "the platforms' fees", "buyer_fees": "fees paid by buyers", "donations": "donations"}
Amounts = tuple[Decimal | None, ...]  # one an event, None where it is not known

_SALES = ("ticket", "product", "membership")
_TAKINGS = {
    "buyer_fee": "Fees paid by buyers, net of refunds",
    "donation": "Donations, net of refunds",
    "tip": "Tips",
    "delivery": "Delivery",
    "discount": "Discounts on the whole order",
}
_BESIDE = {
    "tax": "Tax on top of prices, net of refunds",
    "gift_card": "Gift cards and vouchers sold",
    "unexplained": "Not explained by the platform's own numbers",
}
_LEFT_OUT_AS = {"buyer_fee": "buyer_fees", "donation": "donations"}
_PARTS_OF_FEES = {
    "ticketing": "The platform's own fee",
    "protection": "Ticket protection",
    "ad": "Advertising",
    "processing": "Payment processing",
    "delivery": "Delivery by the platform",
}
_ADMISSION = {
    "paid": "",
    "free_event": "free",
    "comp": "comp, at its list price",
    "import": "imported, without an order",
}


@dataclasses.dataclass(frozen=True)
class Tickets:
    """Tickets of one type and price before discounts: how many, how many came back of them, what they were sold for."""

    event: Any  # None of all of them together
    what: str
    price: Decimal | None
    tickets: int
    returned: int
    discounts: Decimal | None
    amount: Decimal | None


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the settlement. A ``result`` is the sum of all lines before it that are none."""

    what: str
    amounts: Amounts
    result: bool = False

    @property
    def together(self) -> Decimal | None:
        return _sum(self.amounts)


@dataclasses.dataclass(frozen=True)
class Section:
    """All of one currency. ``beside`` is in no sum of ``lines``; ``notes`` say what the numbers leave out."""

    currency: str
    tickets: list[Tickets]
    lines: list[Line]
    beside: list[Line]
    notes: list[str]


def find(db: duckdb.DuckDBPyConnection, wanted: str) -> list[Any]:
    """The event, or all events of the show, that ``wanted`` names: see ``settle``. Raises ConfigProblem with what is
    near where it names none, and with the candidates where it names several."""
    found = rows(
        db,
        "select * from dim_events where $1 in (event_key, event_id, platform || '/' || account || '/' || event_id) "
        "or (show_key <> event_key and $1 in (show_key, show_name)) order by starts_at, platform, account, event_id",
        wanted,
    )
    if found and len({event.show_key for event in found}) == 1:
        return found
    if found:
        raise ConfigProblem(f"{len(found)} events have the id {wanted}. Give one of:{_listed(found)}")
    near = rows(
        db,
        """
        select *, greatest(
            jaro_winkler_similarity(event_id, $1),
            jaro_winkler_similarity(lower(coalesce(event_name, '')), lower($1)),
            jaro_winkler_similarity(lower(coalesce(show_name, '')), lower($1)),
            if(contains(lower(event_name), lower($1)), 1, 0)
        ) as likeness
        from dim_events where likeness > 0.7
        order by likeness desc, abs(starts_on - (select published_at::date from run_info)), platform, account, event_id
        limit 5
        """,
        wanted,
    )
    how = f" The nearest:{_listed(near)}" if near else " Take the platform's own id of the event, as in dim_events."
    raise ConfigProblem(f"No event has the id or key {wanted!r}, and no show in seeds/shows.csv this name.{how}")


def _listed(events: Iterable[Any]) -> str:
    return "".join(
        f"\n  boxoffice settle {event.platform}/{event.account}/{event.event_id}"
        f"    {formatting.event_name(event.event_name)}, {formatting.day(event.starts_on)}"
        for event in events
    )


class Settlement:
    """Asked of one open connection; ``events`` is what ``find`` found, ``without`` what of LEAVE_OUT to leave out."""

    def __init__(self, db: duckdb.DuckDBPyConnection, events: Sequence[Any], without: Collection[str]) -> None:
        self.db, self.events, self.without = db, events, without
        self.keys = [event.event_key for event in events]
        self._ledger = self._ask(
            """
            select
                event_key, coalesce(currency, $2) as currency, line_kind, coalesce(refund_of, line_kind) as kind,
                sum(amount) as amount,
                case when count(*) = count(tax_amount) then sum(tax_amount) end as tax,
                coalesce(sum(amount) filter (where ticket_key is null), 0) as without_ticket
            from fct_order_lines where event_key in (select unnest($1)) and booked_on is not null group by all
            """
        )
        parts = ", ".join(f"sum({part}_fee_amount) as {part}" for part in _PARTS_OF_FEES)
        self._orders = self._ask(
            f"""
            select
                event_key, coalesce(currency, $2) as currency, sum(platform_fee_amount) as fees, {parts},
                count(*) filter (where platform_fee_amount is null) as without_fees,
                count(*) filter (where not payments_known) as without_payments,
                coalesce(sum(balance_due) filter (where balance_due > 0), 0) as owed,
                coalesce(-sum(balance_due) filter (where balance_due < 0), 0) as to_give_back,
                coalesce(sum(credit_redeemed_amount), 0) as spent
            from fct_orders where event_key in (select unnest($1)) and is_booked group by all
            """
        )
        self._several = self._ask(
            """
            select
                lines.event_key, coalesce(orders.currency, $2) as currency,
                string_agg(distinct orders.order_id, ', ' order by orders.order_id) as ids
            from fct_order_lines as lines
            inner join fct_orders as orders on lines.order_key = orders.order_key
            where lines.event_key in (select unnest($1)) and lines.booked_on is not null
                and lines.event_key is distinct from orders.event_key
            group by all
            """
        )
        tickets = self._ask(
            """
            select
                tickets.event_key, coalesce(tickets.currency, $2) as currency, tickets.admission_kind,
                coalesce(tickets.ticket_type, 'Ticket') as ticket_type,
                case
                    when tickets.admission_kind in ('comp', 'import') then tickets.list_price
                    else tickets.price + coalesce(tickets.discount_amount, 0)
                end as price,
                coalesce(orders.is_booked, false) as is_booked,
                tickets.order_key is not null and orders.order_key is null as is_waiting, count(*) as tickets,
                count(*) filter (where tickets.status in ('returned', 'voided', 'exchanged')) as returned,
                count(*) filter (where tickets.status = 'reserved') as reserved,
                sum(tickets.price) as amount, coalesce(sum(tickets.discount_amount), 0) as discounts
            from fct_tickets as tickets
            left join fct_orders as orders on tickets.order_key = orders.order_key
            where tickets.event_key in (select unnest($1))
            group by all order by ticket_type, price desc nulls last, admission_kind
            """
        )
        self._tickets = [row for row in tickets if not row.is_waiting]
        # tickets whose order has not come: in no number
        self.waiting = sum(row.tickets for row in tickets if row.is_waiting)

    def state(self) -> str:
        """Whether what was booked may still change."""
        [found] = rows(
            self.db,
            """
            select max(booked_on) as booked, (select last_day(max(closed_month)) from fct_journal) as closed
            from fct_order_lines where event_key in (select unnest($1))
            """,
            self.keys,
        )
        if not found.booked:
            return "Nothing is booked."
        booked = f"Booked until {formatting.day(found.booked)}"
        if not found.closed:
            return f"{booked}; no month is closed yet, so all of it may still change."
        closed = f"months are closed until {formatting.day(found.closed)}"
        return f"{booked}; {closed}" + (
            "." if found.booked <= found.closed else ", and what is later may still change."
        )

    def sections(self) -> list[Section]:
        """One for each currency; none where nothing was sold."""
        return [
            Section(
                currency,
                _with_total(list(self._ticket_rows(currency))),
                list(self._lines(currency)),
                [line for line in self._beside(currency) if any(line.amounts)],
                list(self._notes(currency)),
            )
            for currency in sorted({row.currency for row in (*self._ledger, *self._orders, *self._tickets)})
        ]

    def _ask(self, query: str) -> list[Any]:
        return rows(self.db, query, self.keys, NO_CURRENCY)

    def _ticket_rows(self, currency: str) -> Iterator[Tickets]:
        for event in self.events:
            for row in self._tickets:
                how = _ADMISSION.get(row.admission_kind, row.admission_kind)
                if (row.event_key, row.currency) == (event.event_key, currency) and (
                    row.is_booked or row.admission_kind == "import"
                ):
                    what = f"{row.ticket_type} ({how})" if how else row.ticket_type
                    amounts = (None, None) if row.admission_kind == "import" else (row.discounts, row.amount)
                    yield Tickets(event, what, row.price, row.tickets, row.returned, *amounts)

    def _by_event(self, found: Iterable[Any], currency: str, value: Callable[[Any], Decimal | None]) -> Amounts:
        found = [row for row in found if row.currency == currency]
        return tuple(_sum(value(row) for row in found if row.event_key == key) for key in self.keys)

    def _amounts(self, currency: str, kinds: Collection[str], *lines: str, what: str = "amount") -> Amounts:
        """The ledger's lines of these kinds and those that gave such back, or of these only the ``lines``."""
        chosen = [row for row in self._ledger if row.kind in kinds and (not lines or row.line_kind in lines)]
        return self._by_event(chosen, currency, lambda row: getattr(row, what))

    def _lines(self, currency: str) -> Iterator[Line]:
        due = tuple(Decimal(0) for _ in self.keys)

        def line(what: str, amounts: Amounts) -> Iterator[Line]:
            nonlocal due
            due = _added(due, amounts)
            if any(amount != 0 for amount in amounts):
                yield Line(what, amounts)

        yield from line("Tickets", self._amounts(currency, ["ticket"], "ticket"))
        goods = ("product", "membership")
        yield from line("Products and memberships sold with them", self._amounts(currency, goods, *goods))
        yield Line("Gross sales", due, True)
        yield from line("Refunded", self._amounts(currency, _SALES, "refund"))
        yield from line("Given back as credit", self._amounts(currency, _SALES, "credited"))
        yield Line("Net sales", due, True)
        tax = self._amounts(currency, _SALES, what="tax")
        yield from line("Tax inside these prices", _negative(tax))
        if any(amount != 0 for amount in tax):
            yield Line("Net sales without tax", due, True)
        for kind, name in self._kinds().items():
            if _LEFT_OUT_AS.get(kind) not in self.without:
                yield from line(name, self._amounts(currency, [kind]))
        if "fees" in self.without:
            yield Line("Net due", due, True)
            return
        yield Line("Net due before the platforms' fees", due, True)
        if any(row.without_fees for row in self._orders if row.currency == currency):
            fees = self._by_event(self._orders, currency, lambda row: None if row.without_fees else -row.fees)
            yield from line("The platforms' fees", fees)
        else:
            for part, name in _PARTS_OF_FEES.items():
                part_of_fees = self._by_event(
                    self._orders, currency, lambda row, part=part: -(getattr(row, part) or Decimal(0))
                )
                yield from line(name, part_of_fees)
        yield Line("Net due", due, True)

    def _kinds(self) -> dict[str, str]:
        """What else counts as taken, by its name; a kind that Boxoffice will know one day by the ledger's."""
        others = {row.kind for row in self._ledger} - {*_SALES, *_TAKINGS, *_BESIDE}
        return _TAKINGS | {kind: kind for kind in sorted(others)}

    def _beside(self, currency: str) -> Iterator[Line]:
        exchanged = [row for row in self._ledger if row.line_kind == "ticket"]
        dearer = self._by_event(exchanged, currency, lambda row: row.without_ticket)
        yield Line("Exchanges for dearer or cheaper tickets, in Tickets above", dearer)
        for kind, name in _BESIDE.items():
            yield Line(name, self._amounts(currency, [kind]))
        yield Line("Not paid by buyers yet", self._by_event(self._orders, currency, lambda row: row.owed))
        yield Line("Refunds still due to buyers", self._by_event(self._orders, currency, lambda row: row.to_give_back))
        spent = self._by_event(self._orders, currency, lambda row: row.spent)
        yield Line("Paid with gift cards, vouchers and credit", spent)

    def _notes(self, currency: str) -> Iterator[str]:
        for event in self.events:
            name = f"{formatting.platform(event.platform)} {event.account}"

            def of_event(found: list[Any], event: Any = event) -> Iterator[Any]:
                return (row for row in found if (row.event_key, row.currency) == (event.event_key, currency))

            if any(row.tax is None and row.kind in _SALES for row in of_event(self._ledger)):
                yield f"{name}: how much tax is inside some of the prices is not known."
            for row in of_event(self._orders):
                if row.without_fees and "fees" not in self.without:
                    orders = formatting.plural(row.without_fees, "order")
                    yield f"{name}: what the platform charges the venue for {orders} is not known."
                if row.without_payments:
                    orders = formatting.plural(row.without_payments, "order")
                    yield f"{name}: what was paid for {orders} is not known."
            for row in of_event(self._several):
                yield (
                    f"{name}: of orders over several events ({row.ids}) the tickets are here; their fees, and what is "
                    "owed of them, are not."
                )
            if held := sum(row.reserved for row in of_event(self._tickets)):
                yield f"{name}: {formatting.plural(held, 'ticket')} held for unpaid orders; in no number here."
            if event.platform == "ticketor" and "donations" not in self.without:
                yield f"{name}: Ticketor reports a donation without its event, so none is here."


def _with_total(found: list[Tickets]) -> list[Tickets]:
    """With a last row for all that were sold or given; imported tickets are in the house, and neither."""
    counted = [row for row in found if row.amount is not None]
    if len(counted) < 2:
        return found
    total = Tickets(
        None,
        "Together" if counted == found else "Together, without imported tickets",
        None,
        sum(row.tickets for row in counted),
        sum(row.returned for row in counted),
        _sum(row.discounts for row in counted),
        _sum(row.amount for row in counted),
    )
    return [*found, total]


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    amounts = list(amounts)
    return None if None in amounts else sum(amounts, Decimal(0))


def _added(one: Amounts, other: Amounts) -> Amounts:
    return tuple(map(_sum, zip(one, other, strict=True)))


def _negative(amounts: Amounts) -> Amounts:
    return tuple(None if amount is None else -amount for amount in amounts)
