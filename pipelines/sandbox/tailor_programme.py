"""The lists that a venue keeps beside its orders, as Ticket Tailor's API shows them: events, products, vouchers …"""

import functools
from typing import Any

from sandbox.catalogue import BUNDLE_LEVELS, BUNDLE_NAME, DAY, LEVELS, MUG, PROGRAMME, TITLES, VENUE_NAME, Event, person
from sandbox.draw import Draw
from sandbox.tailor import Tailor
from sandbox.tailor_goods import bundle_number, ticket_type_number
from sandbox.tailor_json import Json, event_id, moment, series_id
from sandbox.tailor_order import state_at
from sandbox.venue import TAILOR, Venue

COUNT_UP_TO = 50_000  # beyond, the counters of events are estimates: counting would take minutes


class Programme:
    """Everything about the venue that is no order, ticket or check-in, as of a moment."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.zone = venue.zone
        self._counted: tuple[int, dict[int, list[int]]] = (-1, {})

    # --- events and series ---

    def events(self, now: int) -> list[Json]:
        """Every performance sold on Ticket Tailor and announced by ``now``, newest first; plus one that vanishes."""
        counted = self._counters(now)
        found = [
            self._event(event, now, counted.get(event.index, [0, 0, 0]))
            for event in map(self.venue.event, range(self.venue.events_shown(now)))
            if event.on_tailor
        ]
        # A draft that is deleted half-way through: the API then simply no longer lists it.
        if self.venue.opens <= now < self.venue.opens + self.venue.days * DAY // 2:
            draft = {**found[0], "id": "ev_5999999", "status": "draft", "created_at": self.venue.opens}
            found.insert(0, draft | {"total_issued_tickets": 0, "total_orders": 0, "revenue": 0})
        return sorted(found, key=lambda one: (one["created_at"], one["id"]), reverse=True)

    def _event(self, event: Event, now: int, counted: list[int]) -> Json:
        start = event.start_at(now)
        over = start <= now
        url = f"https://tickets.example.org/{event_id(event)}"
        return {
            "object": "event",
            "id": event_id(event),
            "access_code": None,
            "available_status": None if over else "Tickets available",
            "bundles": [self._bundle(event)],
            "call_to_action": "Buy tickets",
            "checkout_url": url,
            "chk": f"{event.index:04x}",
            "created_at": event.created,
            "currency": event.currency.lower(),
            "description": f"<p>{event.title} at {VENUE_NAME}.</p>" if event.index % 4 else None,
            "end": moment(start + event.end - event.start, self.zone),
            "event_series_id": series_id(event.series),
            "hidden": "false",
            "images": {"header": "", "thumbnail": ""},
            "max_tickets_sold_per_occurrence": sum(event.seats) if event.index % 5 else None,
            "name": event.title,
            "online_event": "false",
            "online_link": None,
            "override_id": None,
            "payment_methods": [],
            "private": "false",
            "revenue": counted[2],
            "sales_tax_label": None,
            "sales_tax_percentage": None,
            "sales_tax_treatment": "exclusive",
            "show_map": "true",
            "start": moment(start, self.zone),
            "status": "sales_closed" if over else "published",
            "ticket_groups": [],
            "ticket_types": [self._ticket_type(event, level, counted[3:]) for level in range(len(LEVELS))],
            "tickets_available": "false" if over else "true",
            "tickets_available_at": None,
            "tickets_available_at_message": None,
            "tickets_unavailable_at": "",
            "tickets_unavailable_at_message": None,
            "timezone": self.venue.time_zone,
            "total_holds": 0,
            "total_issued_tickets": counted[1],
            "total_orders": counted[0],
            "transaction_fee_fixed_amount": None,
            "transaction_fee_percentage": None,
            "unavailable": "true" if over else "false",
            "unavailable_status": "Sales have ended" if over else None,
            "url": url,
            "venue": {"country": "GB", "name": VENUE_NAME, "postal_code": "ZZ1 1ZZ"},
            "voucher_ids": ["vo_4001"],
            "waitlist_active": "no_tickets_available",
            "waitlist_call_to_action": None,
            "waitlist_confirmation_message": None,
            "waitlist_event_page_text": None,
        }

    def _ticket_type(self, event: Event, level: int, issued: list[int]) -> Json:
        taken = issued[level] if issued else 0
        return {
            "object": "ticket_type",
            "id": f"tt_{ticket_type_number(event.series, level)}",
            "access_code": None,
            "booking_fee": 0,
            "description": None,
            "discounts": [],
            "group_id": None,
            "has_overrides": "false",
            "max_per_order": 20,
            "min_per_order": 1,
            "name": LEVELS[level],
            "override_id": None,
            "price": event.prices[level],
            "quantity": max(0, event.seats[level] - taken),
            "quantity_held": 0,
            "quantity_in_baskets": 0,
            "quantity_issued": taken,
            "quantity_total": event.seats[level],
            "sort_order": level,
            "status": "on_sale",
            "type": "GA",
        }

    def _bundle(self, event: Event) -> Json:
        types = [
            {"id": f"tt_{ticket_type_number(event.series, level)}", "quantity": BUNDLE_LEVELS.count(level)}
            for level in sorted(set(BUNDLE_LEVELS))
        ]
        return {
            "id": f"bu_{bundle_number(event.series)}",
            "access_code": None,
            "booking_fee": 0,
            "description": None,
            "name": BUNDLE_NAME,
            "price": event.bundle_price,
            "products": [],
            "status": "ON_SALE",
            "ticket_types": types,
        }

    def _counters(self, now: int) -> dict[int, list[int]]:
        """By event: orders not cancelled, valid tickets, revenue (totals of completed orders), tickets by level.

        What the platform's counters take in is not documented; refunds are not taken off here.
        """
        if self._counted[0] == now:
            return self._counted[1]
        found: dict[int, list[int]] = {}
        if self.venue.made_before(TAILOR, now + 1) <= COUNT_UP_TO:
            for order in Tailor(self.venue).orders(now):
                if order.event is None:
                    continue
                state = state_at(order, now)
                counts = found.setdefault(order.event.index, [0] * (3 + len(LEVELS)))
                voided = {ticket for ticket, _ in state.voided}
                counts[0] += state.status in ("completed", "pending")
                if state.status == "completed":
                    lowered = sum(amount for _, amount in state.void_lines) if order.void_lowers_total else 0
                    counts[2] += order.charged - lowered
                for seat in order.seats:
                    if seat.number not in voided:
                        counts[1] += 1
                        counts[3 + seat.level] += 1
            for loose in Tailor(self.venue).loose_tickets(now):
                if loose.voided_at is None or loose.voided_at > now:
                    counts = found.setdefault(loose.event.index, [0] * (3 + len(LEVELS)))
                    counts[1] += 1
                    counts[3 + loose.level] += 1
        self._counted = (now, found)
        return found

    def series(self, now: int) -> list[Json]:
        """The titles, oldest first: unlike every other list (so the vendor's own tool says)."""
        shown = [event for event in map(self.venue.event, range(self.venue.events_shown(now))) if event.on_tailor]
        found = []
        for series in range(len(TITLES)):
            events = [event for event in shown if event.series == series]
            if not events:
                continue
            upcoming = [event for event in events if event.start_at(now) > now]
            found.append(
                {
                    "object": "event_series",
                    "id": series_id(series),
                    "access_code": None,
                    "bundles": [self._bundle(events[0])],
                    "created_at": self.venue.opens - 200 * DAY + series * DAY,
                    "currency": events[0].currency.lower(),
                    "default_max_tickets_sold_per_occurrence": sum(events[0].seats),
                    "default_ticket_groups": [],
                    "default_ticket_types": [self._ticket_type(events[0], level, []) for level in range(len(LEVELS))],
                    "description": None,
                    "name": TITLES[series],
                    "next_occurrence_date": moment(upcoming[0].start_at(now), self.zone) if upcoming else None,
                    "private": "false",
                    "status": "published",
                    "timezone": self.venue.time_zone,
                    "total_occurrences": len(events),
                    "upcoming_occurrences": len(upcoming),
                    "venue": {"country": "GB", "name": VENUE_NAME, "postal_code": "ZZ1 1ZZ"},
                }
            )
        return found

    def series_events(self, series: str, now: int) -> list[Json]:
        """The performances of one series: leaner objects, without name, status and created_at."""
        keep = ("object", "id", "event_series_id", "start", "end", "url")
        return [{key: one[key] for key in keep} for one in self.events(now) if one["event_series_id"] == series]

    # --- the small lists ---

    @functools.cached_property
    def products(self) -> list[Json]:
        made = self.venue.opens - 30 * DAY
        return [
            {
                "object": "product",
                "id": f"pr_{thing.number}",
                "booking_fee": 0,
                "created_at": moment(made + thing.number, self.zone),
                "currency": "GBP",
                "description": None,
                "event_series_ids": None,
                "fulfilment_reference_id": None,
                "fulfilment_type": None,
                "image": None,
                "instructions": None,
                "issued_count": 0,
                "linked_to_all_event_series": "false",
                "name": thing.name,
                "price": thing.prices["GBP"],
                "quantity": None,
                "quantity_per_event_occurrence": None,
                "sell_in_store": "true",
                "status": "ON_SALE",
                "updated_at": moment(made + thing.number, self.zone),
                "variant": None,
            }
            for thing in (PROGRAMME, MUG)
        ]

    @functools.cached_property
    def discounts(self) -> list[Json]:
        return [
            {
                "object": "discount",
                "id": "di_3001",
                "booking_fee_amount": None,
                "booking_fee_percentage": None,
                "code": "EARLY",
                "expires": None,
                "face_value_amount": 500,
                "face_value_percentage": None,
                "max_redemptions": None,
                "name": "Early bird",
                "products": [],
                "ticket_types": [f"tt_{ticket_type_number(0, level)}" for level in range(3)],
                "times_redeemed": 0,
                "type": "fixed_amount",
            }
        ]

    @functools.cached_property
    def vouchers(self) -> list[Json]:
        return [
            {
                "object": "voucher",
                "id": f"vo_{number}",
                "available_codes": 3,
                "currency": "gbp",
                "event_series_ids": [],
                "expiry": moment(self.venue.end + 365 * DAY, self.zone),
                "interval": None,
                "name": name,
                "partial_redemption": "true",
                "total_codes": 3,
                "type": kind,
                "usable_on_any_event": "true",
                "value": 1000,
            }
            for number, name, kind in ((4002, "Gift card", "GIFT"), (4001, "Quay", "PROMO"))
        ]

    def voucher_codes(self, voucher: str) -> list[Json]:
        return [
            {
                "object": "voucher_code",
                "id": f"vc_{voucher.removeprefix('vo_')}{number}",
                "code": f"{voucher[-4:]}-{number}{number}",
                "expiry": None,
                "used": None,
                "value": 1000,
                "voucher_id": voucher,
            }
            for number in (3, 2, 1)
        ]

    @functools.cached_property
    def holds(self) -> list[Json]:
        found = []
        for number in (3, 2, 1):
            at = moment(self.venue.opens + number * DAY, self.zone)
            event = self.venue.held_event(number)
            found.append(
                {
                    "object": "hold",
                    "id": f"ho_{100 + number}",
                    "created_at": at,
                    "event_id": event_id(event),
                    "note": f"Hold {number}",
                    "quantities": [{"quantity": number, "ticket_type_id": f"tt_{ticket_type_number(event.series, 0)}"}],
                    "total_on_hold": number,
                    "update_at": at,
                }
            )
        return found

    @functools.cached_property
    def membership_types(self) -> list[Json]:
        return [
            {
                "object": "membership_type",
                "id": "mt_90003",
                "description": None,
                "name": "Friend of the hall",
                "price": 4000,
                "status": "ON_SALE",
            }
        ]

    @functools.cached_property
    def issued_memberships(self) -> list[Json]:
        found = []
        for number in (3, 2, 1):
            holder = person(number)
            issued = self.venue.opens + number * 3 * DAY
            found.append(
                {
                    "object": "issued_membership",
                    "id": f"im_{500 + number}",
                    "email": holder.email,
                    "first_name": holder.first,
                    "is_valid": "true",
                    "issue_date": moment(issued, self.zone),
                    "last_name": holder.last,
                    "membership_type_id": "mt_90003",
                    "redemption_collection": [],
                    "valid_from": moment(issued, self.zone),
                    "valid_to": moment(issued + 365 * DAY, self.zone),
                    "voided_at": None,
                }
            )
        return found

    def waitlist(self, series: str) -> list[Json]:
        number = int(series.removeprefix("es_"))
        draw = Draw("waitlist", self.venue.seed, number)
        found: list[dict[str, Any]] = []
        for n in range(draw.below(3), 0, -1):
            who = person(draw.below(self.venue.people))
            found.append(
                {
                    "object": "waitlist_signup",
                    "id": f"ws_{number}{n}",
                    "created_at": moment(self.venue.opens + n * DAY, self.zone),
                    "email": who.email,
                    "event_id": event_id(self.venue.awaited_event((number - 300_000) % len(TITLES))),
                    "name": f"{who.first} {who.last}",
                    "notified_at": None,
                }
            )
        return found
