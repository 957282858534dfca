"""The Ticket Tailor half of the venue: which order is made when, and the tickets that belong to no order.

``tailor_json`` shows what is here as the platform's API does; the ledger reads it here and never that document.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sandbox import tailor_cases
from sandbox.catalogue import DAY, HOUR, SCANNED_PERCENT, Event, Person
from sandbox.draw import Draw
from sandbox.tailor_order import FIRST_TICKET, LOOSE, TICKET_LAG, TICKETS_AN_ORDER, Order
from sandbox.venue import TAILOR, Change, Venue


def make_order(venue: Venue, index: int) -> Order:
    """Order ``index`` of the venue: a pure function of the two."""
    draw = Draw(TAILOR + " order", venue.seed, index)
    case = venue.case(TAILOR, index, draw, tailor_cases)
    rule = tailor_cases.CASES[case]
    created = venue.created(TAILOR, index)
    event = None
    if not rule.store_only:
        event = venue.pick_event(TAILOR, draw, created, rule.currency, soon=index % 5 == 2, index=index)
    order = Order(
        index=index,
        case=case,
        created=created,
        listed=created + venue.listing_delay(index),
        event=event,
        buyer=venue.buyer(TAILOR, draw, index),
        currency=event.currency if event else rule.currency,
    )
    if draw.chance(15):
        order.referral = draw.pick(("newsletter", "poster", "partner-site"))
    rule.build(order, draw)
    if event is not None:
        order.changes = [venue.in_time(change, created, event, n) for n, change in enumerate(order.changes)]
    if index in venue.extra:
        order.changes.extend(venue.extra[index])
    if event is not None and event.called_off_at is not None:
        _give_back(order, event.called_off_at, draw)
    elif event is not None and venue.is_scanned(index):
        _scan(order, event, draw)
    if order.changes:
        order.changes.sort(key=lambda change: change.at)
    order.seal()
    return order


def _scan(order: Order, event: Event, draw: Draw) -> None:
    """Doors open three quarters of an hour before the show; somebody of every seventh such order leaves early."""
    doors = event.given_at - 2700
    for seat in order.seats:
        if draw.chance(SCANNED_PERCENT):
            order.changes.append(Change(doors + draw.below(2600), "scan", amount=1, ticket=seat.number))
    if order.index % 35 == 2 and order.seats:
        order.changes.append(Change(doors + 5400, "scan", amount=-1, ticket=order.seats[0].number))


def _give_back(order: Order, called_off_at: int, draw: Draw) -> None:
    """The event is called off: within three days the order is cancelled, and all that was paid goes back."""
    if order.created < called_off_at and not order.changes and not order.pending:
        at = called_off_at + HOUR + draw.below(3 * DAY)
        order.changes.append(Change(at, "cancel"))
        if order.charged:
            order.changes.append(Change(at + 40, "refund", order.charged))


class LooseTicket(NamedTuple):
    """A ticket issued through the API or a dashboard import: in no order."""

    index: int
    id: str
    created: int
    event: Event
    level: int
    source: str
    voided_at: int | None
    buyer: Person


def has_loose_ticket(index: int) -> bool:
    return index % 23 == 6


def make_loose_ticket(venue: Venue, index: int) -> LooseTicket:
    """The ticket without an order that was issued at the moment of order ``index``."""
    draw = Draw(TAILOR + " loose", venue.seed, index)
    created = venue.created(TAILOR, index) + TICKET_LAG
    event = venue.pick_event(TAILOR, draw, created, index=index)
    return LooseTicket(
        index=index,
        id=f"it_{FIRST_TICKET + index * TICKETS_AN_ORDER + LOOSE}",
        created=created,
        event=event,
        level=draw.below(3),
        source=("api", "dashboard_import")[index // 23 % 2],
        voided_at=created + 7200 if index % 46 == 29 else None,
        buyer=venue.buyer(TAILOR, draw, index),
    )


class Tailor:
    """The Ticket Tailor half of a venue."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def order(self, index: int) -> Order:
        return make_order(self.venue, index)

    def orders(self, now: int) -> Iterator[Order]:
        """Every order listed by ``now``, oldest first."""
        for index in range(self.venue.made_before(TAILOR, now + 1)):
            if self.venue.created(TAILOR, index) + self.venue.listing_delay(index) <= now:
                yield make_order(self.venue, index)

    def loose_tickets(self, now: int) -> Iterator[LooseTicket]:
        """Every ticket without an order issued by ``now``, oldest first."""
        for index in range(self.venue.made_before(TAILOR, now - TICKET_LAG + 1)):
            if has_loose_ticket(index):
                yield make_loose_ticket(self.venue, index)
