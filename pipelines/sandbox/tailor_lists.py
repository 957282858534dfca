"""The lists of Ticket Tailor's API over a venue: order, cursors and filters, without holding any order.

Newest first, ``event_series`` oldest first. ``starting_after`` goes on below an object, ``ending_before`` above it (and
wins when both are given). A filter that a list does not know is ignored, as is an unknown parameter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import orjson

from sandbox.tailor import has_loose_ticket, make_loose_ticket, make_order
from sandbox.tailor_json import (
    Json,
    check_in_documents,
    event_id,
    loose_ticket_document,
    order_document,
    series_id,
    ticket_documents,
)
from sandbox.tailor_order import FIRST_ORDER, FIRST_TICKET, TICKET_LAG, TICKETS_AN_ORDER, Order, state_at
from sandbox.tailor_programme import Programme
from sandbox.venue import TAILOR, Venue

DEFAULT_LIMIT = (
    10  # not documented; small, so that a client that forgets to ask for 100 shows in the number of requests
)
MAX_LIMIT = 100
FOREVER = 1 << 40
_COMPARISONS = ("", ".gt", ".gte", ".lt", ".lte")


class BadRequest(Exception):
    """The request is answered with 400 VALIDATION_ERROR."""


class UnknownCursor(Exception):
    """``starting_after`` or ``ending_before`` names nothing that is listed."""


class Page(NamedTuple):
    """Objects of a list with their ids, whether there are more below, and above."""

    data: list[Any]
    ids: list[str]
    more: bool
    before: bool


class Child(NamedTuple):
    """A ticket or a check-in of an order: how to show it, and when it came to be (unix seconds)."""

    id: str
    created: int
    show: Callable[[], Any]


def whole_number(name: str, text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise BadRequest(f"{name} should be a whole number, not {text[:40]!r}")
    return int(text)


def limit_of(params: Mapping[str, str]) -> int:
    """``limit``: 1 to 100."""
    limit = whole_number("limit", params["limit"]) if "limit" in params else DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise BadRequest(f"limit should be from 1 to {MAX_LIMIT}, not {limit}")
    return limit


def interval(params: Mapping[str, str], name: str) -> tuple[int, int]:
    """The first and the last unix second that ``name``, ``.gt``, ``.gte``, ``.lt`` and ``.lte`` together leave."""
    first, last = -FOREVER, FOREVER
    for comparison in _COMPARISONS:
        if (name + comparison) not in params:
            continue
        value = whole_number(name + comparison, params[name + comparison])
        if comparison in ("", ".gte"):
            first = max(first, value)
        if comparison in ("", ".lte"):
            last = min(last, value)
        if comparison == ".gt":
            first = max(first, value + 1)
        if comparison == ".lt":
            last = min(last, value - 1)
    return first, last


class Lists:
    """All lists of one box office. ``hidden`` ids are as if they had been deleted."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.programme = Programme(venue)
        self.hidden: set[str] = set()
        self._scanned: tuple[int, list[Json]] = (-1, [])

    def page(self, name: str, params: Mapping[str, str], now: int) -> Page:
        """One page of the list ``name`` as of ``now``. Raises BadRequest, UnknownCursor, KeyError (no such list)."""
        limit = limit_of(params)
        if name == "check_ins" and self.venue.scans_all:
            return self._small_page(self._scans(params, now), params, limit)
        walk = {"orders": self._orders, "issued_tickets": self._tickets, "check_ins": self._check_ins}.get(name)
        if walk is None:
            return self._small_page(self._small(name, params, now), params, limit)
        cursor = params.get("ending_before") or params.get("starting_after")
        upwards = bool(params.get("ending_before"))
        position = self._position(name, cursor, now) if cursor else None
        found = list(islice(walk(params, now, position, upwards), limit + 1))
        more = len(found) > limit
        ids, data = [one for one, _ in found[:limit]], [show() for _, show in found[:limit]]
        if upwards:
            return Page(data[::-1], ids[::-1], True, more)
        return Page(data, ids, more, position is not None)

    def get(self, name: str, wanted: str, now: int) -> Any:
        """One object of a list, or None."""
        if wanted in self.hidden:
            return None
        if name in ("orders", "issued_tickets", "check_ins"):
            try:
                position = self._position(name, wanted, now)
            except UnknownCursor:
                return None
            if name == "orders":
                order = make_order(self.venue, position[0])
                return order_document(self.venue, order, state_at(order, now), now)
            children = self._tickets_of if name == "issued_tickets" else self._check_ins_of
            return next((one.show() for one in children(position[0], now) if one.id == wanted), None)
        return next((one for one in self._small(name, {}, now) if one["id"] == wanted), None)

    # --- the long lists: position is (order index, number within the order) ---

    def _position(self, name: str, cursor: str, now: int) -> tuple[int, str]:
        match = re.fullmatch(r"(or|it|ci)_(\d{1,18})", cursor)
        if match and cursor not in self.hidden:
            number = int(match[2])
            if name == "orders" and match[1] == "or":
                index = number - FIRST_ORDER
            elif name == "issued_tickets" and match[1] == "it":
                index = (number - FIRST_TICKET) // TICKETS_AN_ORDER
            elif name == "check_ins" and match[1] == "ci":
                index = (number // 2 - FIRST_TICKET) // TICKETS_AN_ORDER
            else:
                index = -1
            if 0 <= index < self.venue.made_before(TAILOR, now + 1):
                created = self.venue.created(TAILOR, index)
                listed = created + self.venue.listing_delay(index) <= now
                if name != "orders" or listed:
                    return index, cursor
        raise UnknownCursor(cursor)

    def _indexes(self, first: int, last: int, now: int, start: int | None, upwards: bool) -> Iterable[int]:
        """Orders made from ``first`` to ``last`` (unix seconds, both included), beginning at order ``start``."""
        low = self.venue.made_before(TAILOR, first) if first > self.venue.opens else 0
        high = self.venue.made_before(TAILOR, min(last, now) + 1)
        if upwards:
            return range(low if start is None else max(low, start), high)
        return range((high if start is None else min(high, start + 1)) - 1, low - 1, -1)

    def _sales_window(self, params: Mapping[str, str], first: int, last: int) -> tuple[int, int]:
        """Only while an event is on sale are there orders for it: no need to walk the others."""
        match = re.fullmatch(r"ev_(\d{7,12})", params.get("event_id", ""))
        if not match or int(match[1]) < 6_000_000:
            return first, last
        on_sale, until = self.venue.on_sale(int(match[1]) - 6_000_000)
        return max(first, on_sale), min(last, until)

    def _orders(
        self, params: Mapping[str, str], now: int, position: tuple[int, str] | None, upwards: bool
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        first, last = self._sales_window(params, *interval(params, "created_at"))
        fits = _order_filter(params)
        start = position[0] if position else None
        venue = self.venue
        for index in self._indexes(first, last, now, start, upwards):
            if index == start or (self.hidden and f"or_{FIRST_ORDER + index}" in self.hidden):
                continue
            order = make_order(venue, index)
            if order.listed > now:
                continue
            state = state_at(order, now)
            if fits is None or fits(order, state):
                yield order.id, lambda order=order, state=state: order_document(venue, order, state, now)

    def _tickets_of(self, index: int, now: int) -> list[Child]:
        """The tickets issued with order ``index``, newest first."""
        found: list[Child] = []
        if has_loose_ticket(index):
            loose = make_loose_ticket(self.venue, index)
            found.append(Child(loose.id, loose.created, lambda: loose_ticket_document(loose, now)))
        order = make_order(self.venue, index)
        if order.listed <= now:
            documents = ticket_documents(order, state_at(order, now))
            ids = [order.ticket_id(seat.number) for seat in order.seats]
            created = order.created + TICKET_LAG
            shown = zip(reversed(ids), reversed(documents), strict=True)
            found.extend(Child(one, created, lambda document=document: document) for one, document in shown)
        return [one for one in found if one.created <= now and one.id not in self.hidden]

    def _check_ins_of(self, index: int, now: int) -> list[Child]:
        if not self.venue.is_scanned(index):
            return []
        order = make_order(self.venue, index)
        if order.listed > now or not order.changes or order.changes[0].at > now:
            return []
        documents = check_in_documents(order, state_at(order, now))
        shown = [Child(one["id"], one["check_in_at"], lambda one=one: one) for one in documents]
        return [one for one in shown if one.id not in self.hidden]

    def _tickets(
        self, params: Mapping[str, str], now: int, position: tuple[int, str] | None, upwards: bool
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        first, last = interval(params, "created_at")
        window = self._sales_window(params, first - TICKET_LAG, last - TICKET_LAG)
        plain = {
            name: params[name]
            for name in ("event_id", "event_series_id", "order_id", "barcode", "email", "reference", "status")
            if name in params
        }
        for key, show in self._children(self._tickets_of, *window, now, position, upwards):
            if not plain or _equals(orjson.loads(orjson.dumps(show())), plain):
                yield key, show

    def _check_ins(
        self, params: Mapping[str, str], now: int, position: tuple[int, str] | None, upwards: bool
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        first, last = interval(params, "check_in_at")
        plain = {name: params[name] for name in ("event_id", "event_series_id", "issued_ticket_id") if name in params}
        for key, show in self._children(self._check_ins_of, -FOREVER, FOREVER, now, position, upwards):
            document = show()
            if _equals(document, plain) and first <= document["check_in_at"] <= last:
                yield key, show

    def _scans(self, params: Mapping[str, str], now: int) -> list[Json]:
        """The check-ins of a venue that can be held in memory, the newest first."""
        if self._scanned[0] != now:
            made = range(self.venue.made_before(TAILOR, now + 1))
            found = [one.show() for index in made for one in self._check_ins_of(index, now)]
            self._scanned = now, sorted(found, key=lambda one: (one["check_in_at"], one["id"]), reverse=True)
        first, last = interval(params, "check_in_at")
        plain = {name: params[name] for name in ("event_id", "event_series_id", "issued_ticket_id") if name in params}
        return [one for one in self._scanned[1] if first <= one["check_in_at"] <= last and _equals(one, plain)]

    def _children(
        self,
        children_of: Callable[[int, int], list[Child]],
        first: int,
        last: int,
        now: int,
        position: tuple[int, str] | None,
        upwards: bool,
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        start = position[0] if position else None
        for index in self._indexes(first, last, now, start, upwards):
            children = children_of(index, now)
            if upwards:
                children = children[::-1]
            if index == start:
                ids = [one.id for one in children]
                if position[1] not in ids:
                    raise UnknownCursor(position[1])
                children = children[ids.index(position[1]) + 1 :]
            for one in children:
                yield one.id, one.show

    # --- the short lists ---

    def _small(self, name: str, params: Mapping[str, str], now: int) -> list[Json]:
        programme = self.programme
        child = re.fullmatch(r"(vouchers|event_series)/(\w+)/(codes|events|waitlist_signups)", name)
        if child:
            parents = {one["id"] for one in self._small(child[1], {}, now)}
            if child[2] not in parents:
                raise KeyError(name)
            if (child[1], child[3]) == ("vouchers", "codes"):
                return programme.voucher_codes(child[2])
            if (child[1], child[3]) == ("event_series", "events"):
                return programme.series_events(child[2], now)
            if (child[1], child[3]) == ("event_series", "waitlist_signups"):
                return programme.waitlist(child[2])
            raise KeyError(name)
        if name == "events":
            found = programme.events(now)
            for end in ("start", "end"):
                first, last = interval(params, f"{end}_at")
                found = [one for one in found if first <= one[end]["unix"] <= last]
            if params.get("status"):
                wanted = params["status"].split(",")
                found = [one for one in found if one["status"] in wanted]
            return [one for one in found if one["id"] not in self.hidden]
        if name == "event_series":
            found = programme.series(now)
        elif name in ("products", "discounts", "vouchers", "holds", "membership_types", "issued_memberships"):
            found = getattr(programme, name)
        else:
            raise KeyError(name)
        if name == "holds":
            for field, key in (("created_at", "created_at"), ("updated_at", "update_at")):
                first, last = interval(params, field)
                found = [one for one in found if first <= one[key]["unix"] <= last]
            if params.get("event_id"):
                found = [one for one in found if one["event_id"] == params["event_id"]]
        if name == "vouchers":
            first, last = interval(params, "expiry_date")
            found = [one for one in found if first <= one["expiry"]["unix"] <= last]
        return [one for one in found if one["id"] not in self.hidden]

    def _small_page(self, found: list[Json], params: Mapping[str, str], limit: int) -> Page:
        ids = [one["id"] for one in found]
        if before := params.get("ending_before"):
            if before not in ids:
                raise UnknownCursor(before)
            end = ids.index(before)
            start = max(0, end - limit)
            return Page(found[start:end], ids[start:end], True, start > 0)
        start = 0
        if after := params.get("starting_after"):
            if after not in ids:
                raise UnknownCursor(after)
            start = ids.index(after) + 1
        end = start + limit
        return Page(found[start:end], ids[start:end], end < len(found), start > 0)


def _equals(document: Json, wanted: Mapping[str, str]) -> bool:
    return all(document.get(name) == value for name, value in wanted.items())


def _order_filter(params: Mapping[str, str]) -> Callable[[Order, Any], bool] | None:
    """The other filters of ``/v1/orders``, or None when none is asked for."""
    tests: list[Callable[[Order, Any], bool]] = []
    if status := params.get("status"):
        wanted = {one.replace("canceled", "cancelled") for one in status.split(",")}
        tests.append(lambda order, state: state.status.replace("canceled", "cancelled") in wanted)
    if event := params.get("event_id"):
        tests.append(lambda order, state: order.event is not None and event_id(order.event) == event)
    if series := params.get("event_series_id"):
        tests.append(lambda order, state: order.event is not None and series_id(order.event.series) == series)
    if email := params.get("email"):
        tests.append(lambda order, state: order.buyer.email == email)
    if tag := params.get("referral_tag"):
        tests.append(lambda order, state: order.referral == tag)
    return (lambda order, state: all(test(order, state) for test in tests)) if tests else None
