"""The made-up venue: its clock, its programme, and which order was made when.

Order ``i`` of a platform, and all that ever happens to it, is a pure function of (seed, i). Its moment of creation
rises with ``i``, so "the orders between two moments" is arithmetic, and nothing has to be held in memory.
"""

import dataclasses
import datetime
import functools
from types import ModuleType
from typing import ClassVar
from zoneinfo import ZoneInfo

from sandbox.catalogue import DAY, HOUR, WINDOW, Event, Person, make_event, person, platforms_and_currency
from sandbox.draw import Draw, scatter

DEFAULT_END = 1_748_736_000  # 2025-06-01 00:00 UTC: summer time, so that local days differ from UTC's
CASES = 60  # the first orders of each platform hold every case once; a world of 60 has them all
SPECIAL_EVERY, SPECIAL = 7, 3  # later, one order in seven is any of the cases; the others are plain sales
TAILOR = "tailor"
TICKETOR = "ticketor"


@dataclasses.dataclass(frozen=True)
class Change:
    """Something that happens to an order at a moment (unix seconds); see ``tailor.py`` for the kinds and ``amount``."""

    at: int
    what: str
    amount: int = 0
    ticket: int = 0


def before_show(at: int, created: int, event: Event, number: int) -> int:
    """``at``, or what happens to an order is pulled into the last hours before its performance; ``number`` keeps what
    happens to one order in its order (minutes)."""
    return at if at < event.given_at - HOUR else max(created, event.given_at - 3 * HOUR) + number * 60


@dataclasses.dataclass(frozen=True, eq=False)
class Venue:
    """A venue that has sold ``orders`` orders on each platform by ``end``, over the ``days`` before it.

    It goes on selling at the same pace after ``end``. Look at it "as of" any moment: an order is in the state of then.

    Args:
        seed: everything follows from it.
        orders: orders a platform up to ``end``, 10 to 10 million; every case is present from 60.
        days: how long the venue has been selling by ``end``.
        end: unix seconds UTC.
        account: what the account is called (``sandbox…`` for the kinds of its products to be known on Ticketor).
        time_zone: of its place.
        late: some orders are listed later than they were made (40 minutes, or 3 days).
        extra: further happenings on Ticket Tailor, by order index: a test's own refunds at its own moments.
        returns: on Ticketor, the moment (unix seconds) at which a sale is returned whole, by index.
        redelivered: on Ticketor, the moment at which a sale's first webhook comes once more, by index.
        paid_late: on Ticketor, the moment at which an invoice is paid that was open until then, by index.
        delivered_late: on Ticketor, the moment at which all webhooks of a sale arrive, by index.
        listed_late: on Ticket Tailor, the moment from which an order is listed, by index.
        moved: the moment from which the platforms show another date for an event, and that date, by its index.
        called_off: the moment at which an event is called off, by its index.
        sells_after_shows: tickets are exchanged and sold again even when their show is over, as in release 0.1.0.
    """

    seed: int
    orders: int = 60
    days: int = 90
    end: int = DEFAULT_END
    account: str = "sandbox_hall"
    time_zone: str = "Europe/London"
    late: bool = True
    extra: dict[int, tuple[Change, ...]] = dataclasses.field(default_factory=dict)
    returns: dict[int, int] = dataclasses.field(default_factory=dict)
    redelivered: dict[int, int] = dataclasses.field(default_factory=dict)
    paid_late: dict[int, int] = dataclasses.field(default_factory=dict)
    delivered_late: dict[int, int] = dataclasses.field(default_factory=dict)
    listed_late: dict[int, int] = dataclasses.field(default_factory=dict)
    moved: dict[int, tuple[int, int]] = dataclasses.field(default_factory=dict)
    called_off: dict[int, int] = dataclasses.field(default_factory=dict)
    sells_after_shows: bool = False

    scans_all: ClassVar[bool] = False  # or one order in five, and Ticketor's scans are a case of their own
    scanned_within: ClassVar[int] = 0  # seconds from any sale to its scans on Ticketor

    @property
    def opens(self) -> int:
        """The moment from which orders come in (unix seconds)."""
        return self.end - self.days * DAY

    @property
    def people(self) -> int:
        """How many people ever buy: fewer than orders, so that some come again and some buy on both platforms."""
        return max(20, self.orders * 3 // 5)

    def created(self, platform: str, index: int) -> int:
        """When order ``index`` was made (unix seconds). Rises with ``index``; some orders share a second."""
        if index % 10 == 4:
            index -= 1  # a tie with the one before
        span = self.days * DAY
        jitter = scatter(self.seed if platform == TAILOR else ~self.seed, index) % span * 4 // 5
        return self.end - span + (index * span + jitter) // self.orders

    def buyer(self, platform: str, draw: Draw, index: int) -> Person:
        """Whoever makes order ``index`` on ``platform``."""
        return person(draw.below(self.people))

    def case(self, platform: str, index: int, draw: Draw, cases: ModuleType) -> str:
        """Which of a platform's ``cases`` an order is: each once among the first ``CASES``; then mostly plain sales."""
        if index < CASES:
            return cases.WHEEL[index]
        return draw.pick(cases.ORDINARY if self.is_ordinary(index) else cases.WHEEL)

    def is_scanned(self, index: int) -> bool:
        """Whether the tickets of a Ticket Tailor order are scanned."""
        return index % 5 == 2

    def in_time(self, change: Change, created: int, event: Event, number: int) -> Change:
        """What happens to a Ticket Tailor order; it may happen after the show."""
        return change

    def is_ordinary(self, index: int) -> bool:
        """Whether order ``index`` is one of the plain sales that make up most of a large venue."""
        return index >= CASES and index % SPECIAL_EVERY != SPECIAL

    def made_before(self, platform: str, moment: int) -> int:
        """How many orders were made before ``moment``: the index of the first that was not."""
        span = self.days * DAY
        guess = max(0, (moment - self.opens) * self.orders // span)
        while guess > 0 and self.created(platform, guess - 1) >= moment:
            guess -= 1
        while self.created(platform, guess) < moment:
            guess += 1
        return guess

    def listing_delay(self, index: int) -> int:
        """Seconds until order ``index`` can be seen on Ticket Tailor: mostly none, sometimes newer ones come first."""
        if index in self.listed_late:
            return max(0, self.listed_late[index] - self.created(TAILOR, index))
        if self.late and index % 41 == 17:
            return 40 * 60
        if self.late and index % 97 == 33:
            return 3 * DAY
        return 0

    @functools.cached_property
    def event_gap(self) -> int:
        """Days from one matinee and evening to the next."""
        return max(1, min(5, self.days * 20 // self.orders))

    @functools.cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @functools.cached_property
    def _events(self) -> dict[int, Event]:
        return {}

    def event(self, index: int) -> Event:
        """Performance ``index``; 0 is the first after the venue opened."""
        found = self._events.get(index)
        if found is None:
            first = datetime.datetime.fromtimestamp(self.opens, self.zone).date()
            day = first + datetime.timedelta(days=1 + index // 2 * self.event_gap)
            midnight = datetime.datetime.combine(day, datetime.time(), self.zone)
            found = self._events[index] = self._as_it_came(make_event(index, int(midnight.timestamp())))
        return found

    def _as_it_came(self, event: Event) -> Event:
        """The event, moved or called off if it was."""
        if event.index in self.moved:
            at, start = self.moved[event.index]
            event = dataclasses.replace(event, moved_at=at, moved_start=start)
        return dataclasses.replace(event, called_off_at=self.called_off.get(event.index, event.called_off_at))

    def on_sale(self, index: int) -> tuple[int, int]:
        """From when to when (unix seconds) there may be orders for performance ``index``: it is one of six."""
        start = self.event(index).start
        return start - (9 * self.event_gap + 2) * DAY, start

    def held_event(self, number: int) -> Event:
        """The event of which seats are kept back under hold ``number`` (1 to 3)."""
        return self.event(6 * number)

    def awaited_event(self, series: int) -> Event:
        """The event for which people of that title's waiting list wait."""
        return self.event(series)

    def next_event(self, moment: int) -> int:
        """The first performance that begins more than an hour after ``moment``."""
        moment = (moment // HOUR + 2) * HOUR
        found = max(0, 2 * ((moment - self.opens) // DAY // self.event_gap - 2))
        while self.event(found).start <= moment:
            found += 1
        return found

    def pick_event(
        self,
        platform: str,
        draw: Draw,
        moment: int,
        currency: str = "GBP",
        *,
        soon: bool = False,
        index: int | None = None,
    ) -> Event:
        """One of the next six performances sold on ``platform`` in ``currency`` (the very next one if ``soon``).

        ``index`` is the order that it is for.
        """
        fitting = self._fitting.get((platform, moment // HOUR, currency))
        if fitting is None:
            first = self.next_event(moment)
            sold = 0 if platform == TAILOR else 1
            shows = ((number, platforms_and_currency(number)) for number in range(first, first + WINDOW))
            found = [self.event(number) for number, show in shows if show[sold] and show[2] == currency]
            fitting = [one for one in found if one.called_off_at is None or moment < one.called_off_at] or found
            self._fitting[platform, moment // HOUR, currency] = fitting
        return fitting[0] if soon else draw.pick(fitting)

    @functools.cached_property
    def _fitting(self) -> dict[tuple[str, int, str], list[Event]]:
        return {}

    def events_shown(self, now: int) -> int:
        """How many performances have been announced by ``now``."""
        count = max(0, 2 * ((now - self.opens) // DAY // self.event_gap))
        while self.event(count).created <= now:
            count += 1
        return count
