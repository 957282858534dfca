"""The made-up venue: its clock, its programme, and which order was made when.

Order ``i`` of a platform, and all that ever happens to it, is a pure function of (seed, i). Its moment of creation
rises with ``i``, so "the orders between two moments" is arithmetic, and nothing has to be held in memory.
"""

import dataclasses
import datetime
import functools
from zoneinfo import ZoneInfo

from sandbox.catalogue import DAY, HOUR, WINDOW, Event, make_event, platforms_and_currency
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
        time_zone: where it stands.
        late: some orders are listed later than they were made (40 minutes, or 3 days).
        extra: further happenings on Ticket Tailor, by order index: a test's own refunds at its own moments.
        returns: on Ticketor, the moment (unix seconds) at which a sale is returned whole, by index.
        redelivered: on Ticketor, the moment at which a sale's first webhook comes once more, by index.
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

    @staticmethod
    def is_ordinary(index: int) -> bool:
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
            found = self._events[index] = make_event(index, int(midnight.timestamp()))
        return found

    def next_event(self, moment: int) -> int:
        """The first performance that begins more than an hour after ``moment``."""
        moment = (moment // HOUR + 2) * HOUR
        found = max(0, 2 * ((moment - self.opens) // DAY // self.event_gap - 2))
        while self.event(found).start <= moment:
            found += 1
        return found

    def pick_event(self, platform: str, draw: Draw, moment: int, currency: str = "GBP", soon: bool = False) -> Event:
        """One of the next six performances sold on ``platform`` in ``currency`` (the very next one if ``soon``)."""
        fitting = self._fitting.get((platform, moment // HOUR, currency))
        if fitting is None:
            first = self.next_event(moment)
            sold = 0 if platform == TAILOR else 1
            shows = ((index, platforms_and_currency(index)) for index in range(first, first + WINDOW))
            fitting = [self.event(index) for index, show in shows if show[sold] and show[2] == currency]
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
