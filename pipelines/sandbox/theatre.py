"""A theatre that could be one: what it puts on over fourteen months, and who buys when. The demo's venue.

What is on follows from the calendar: a run every third week, a Christmas show, a guest every fourth, nothing in August;
a title comes back after half a year. Of the performances before ``end`` one is moved and one called off.

How much is sold in each hour is the sum over all performances of their demand: a hump when sales open, another in the
last days, evenings and lunch hours. Order ``i`` is made where the i-th of so many equal parts of that sum lies, for one
of the performances that people ask for then and that have seats.
"""

import bisect
import dataclasses
import datetime
import functools
import itertools
from types import ModuleType
from typing import ClassVar, NamedTuple

from sandbox.catalogue import DAY, DIGITS, HOUR, TITLES, Event, Person, person, prices_of
from sandbox.draw import Draw, scatter
from sandbox.venue import TAILOR, TICKETOR, Change, Venue, before_show

# How many of a hundred seats a title fills on a usual evening, and where it is sold: a run stays on its platforms, so
# that it can be compared with the one before.
BOTH, TAILOR_ONLY, TICKETOR_ONLY = (True, True), (True, False), (False, True)
REPERTOIRE = (
    ("The Lantern Parade", 74, BOTH),
    ("Night Bus to Avalon", 150, TAILOR_ONLY),  # more people ask than there are seats
    ("Salt & Thunder", 60, BOTH),
    ("Tin Whistle Tales", 82, TICKETOR_ONLY),
    ("Giants of the Fen", 24, BOTH),  # a flop
    ("Moth Orchestra", 66, TAILOR_ONLY),
    ("The Paper Sea", 78, BOTH),
    ("The Glass Gardener", 64, TICKETOR_ONLY),
)
CHRISTMAS = "A Clockwork Winter"
GUESTS = (("Rosehip Quartet", "JPY"), ("Café Solaire", "KWD"))  # in the studio, and paid in their own money
MONTHS = (85, 90, 95, 95, 90, 85, 75, 0, 95, 105, 105, 110)  # percent, January first; nothing in August
# days from a run's Monday to a performance, hour it begins, how full it is (percent of a usual evening)
NIGHTS = ((4, 19.5, 102), (5, 19.5, 116), (12, 14.5, 76))
SEATS = 220  # of a hall that sells 2,000 orders on each platform
STUDIO = 4  # the hall has so many times its seats
LEVEL_SHARES = (36, 31, 27, 6)  # of the hall's seats, percent
HOUSE_SEATS = 2  # of a hundred: never sold

PRESALE = 3  # days before everyone else, for members
ON_SALE_HUMP = (60, 24, 14, 90, 48, 30, 20, 15)  # the presale, then everyone
LAST_DAYS = (70, 66, 58, 48, 40, 34, 30, 26, 22, 19, 17, 15, 13, 12)  # the day itself first
EVERY_DAY = 9
FIRST_NIGHT = 2  # times as many in the last two days
WEEKDAYS = (104, 96, 94, 98, 108, 92, 108)  # percent, Monday first
HOURS = (3, 1, 0, 0, 0, 0, 1, 4, 8, 11, 13, 13, 21, 19, 11, 9, 10, 12, 16, 27, 33, 29, 17, 7)
OPENS_AT = 10  # o'clock, on the day that sales begin

FIRST_SHOW = 36 * DAY  # after the venue opened
BEYOND = 45 * DAY  # seconds after ``end`` that the venue goes on selling
ANNOUNCED = 80 * DAY  # before the performance
CALLED_OFF, MOVED = 150 * DAY, 75 * DAY  # before ``end``: the performances nearest to these moments
SPECIAL_EVERY, SPECIAL = 9, 4  # one order in nine is any of the cases, in turn
REGULARS = 9  # percent of the people, who buy again and again
ON_BOTH = 6  # percent of the people who buy on either platform


class Plan(NamedTuple):
    """Of one platform's orders, by index: when each is made (unix seconds), for which performance (None: for none);
    and the performances for which someone came too late."""

    moments: list[int]
    events: list[int | None]
    sold_out: set[int]


class Hour(NamedTuple):
    """An hour in which people buy: the demand up to it and in it, and the performances asked for."""

    start: int
    before: int
    demand: int
    asked: list[tuple[Event, int]]


@dataclasses.dataclass(frozen=True, eq=False)
class Theatre(Venue):
    """A venue that has sold ``orders`` orders on each platform by ``end``; the size of its hall follows from that."""

    days: int = 420

    scans_all: ClassVar[bool] = True
    scanned_within: ClassVar[int] = ANNOUNCED + 8 * DAY  # one is moved by a week

    # --- what is on ---

    @functools.cached_property
    def programme(self) -> list[Event]:
        """Every performance, by the day it was announced for."""
        first, last = self.opens + FIRST_SHOW, self.end + BEYOND + 70 * DAY
        monday = datetime.datetime.fromtimestamp(first, self.zone).date()
        monday -= datetime.timedelta(monday.weekday())
        shows = []
        while self._midnight(monday) < last:
            shows += [show for show in self._week(monday) if show[0] >= first]
            monday += datetime.timedelta(7)
        found = [self._event(index, *show) for index, show in enumerate(sorted(shows))]
        past = [one for one in found if one.currency == "GBP" and one.given_at < self.end - 30 * DAY]
        off = min(past, key=lambda one: abs(one.given_at - self.end + CALLED_OFF))
        moved = min(past, key=lambda one: abs(one.given_at - self.end + MOVED))
        found[off.index] = dataclasses.replace(off, called_off_at=off.start - 9 * DAY)
        at = moved.start + 7 * DAY
        found[moved.index] = dataclasses.replace(moved, moved_at=moved.start - 12 * DAY, moved_start=at, given_at=at)
        return [self._as_it_came(one) for one in found]

    def _week(self, monday: datetime.date) -> list[tuple[int, int, str, int, tuple[bool, bool], str]]:
        """The performances of a week: start, start of its run, title, percent of the seats asked for, platforms,
        currency."""
        week, shows = monday.toordinal() // 7, []
        if monday.month == 12 and monday.day < 19:
            run = monday - datetime.timedelta(7 * ((monday.day - 1) // 7))
            shows += self._run(monday, run, CHRISTMAS, 76, BOTH)
        elif week % 3 == 0 and MONTHS[monday.month - 1]:
            title, fill, platforms = REPERTOIRE[week // 3 % len(REPERTOIRE)]
            shows += self._run(monday, monday, title, fill, platforms)
        if week % 4 == 2 and MONTHS[monday.month - 1] and (monday.month, monday.day) < (12, 19):
            title, currency = GUESTS[week // 4 % len(GUESTS)]
            at = self._midnight(monday + datetime.timedelta(2)) + 20 * HOUR
            shows.append((at, at, title, 13, BOTH, currency))
        return shows

    def _run(
        self, monday: datetime.date, run: datetime.date, title: str, fill: int, platforms: tuple[bool, bool]
    ) -> list[tuple[int, int, str, int, tuple[bool, bool], str]]:
        first = self._midnight(run + datetime.timedelta(NIGHTS[0][0])) + int(NIGHTS[0][1] * HOUR)
        fill = fill * MONTHS[monday.month - 1] // 100
        return [
            (
                self._midnight(monday + datetime.timedelta(days)) + int(hour * HOUR),
                first,
                title,
                fill * night // 100 * (92 + scatter(self.seed, monday.toordinal() + days) % 17) // 100,
                platforms,
                "GBP",
            )
            for days, hour, night in NIGHTS
        ]

    def _event(
        self, index: int, start: int, run: int, title: str, fill: int, platforms: tuple[bool, bool], currency: str
    ) -> Event:
        series = TITLES.index(title)
        hall = max(20, SEATS * self.orders // 2000)
        self._demand[index] = (run, hall * fill // 100)
        seats = hall if currency == "GBP" else hall // STUDIO
        return Event(
            index=index,
            series=series,
            title=title,
            start=start,
            end=start + 2 * HOUR + 15 * 60,
            created=start - ANNOUNCED,
            currency=currency,
            digits=DIGITS[currency],
            on_tailor=platforms[0],
            on_ticketor=platforms[1],
            prices=prices_of(series, currency),
            moved_at=None,
            moved_start=start,
            given_at=start,
            seats=tuple(seats * share // 100 for share in LEVEL_SHARES),
        )

    @functools.cached_property
    def _demand(self) -> dict[int, tuple[int, int]]:
        """By performance: when its run begins, and how many seats are asked for on all platforms."""
        return {}

    def _midnight(self, day: datetime.date) -> int:
        return int(datetime.datetime.combine(day, datetime.time(), self.zone).timestamp())

    def event(self, index: int) -> Event:
        return self.programme[index]

    def events_shown(self, now: int) -> int:
        return bisect.bisect_right(self.programme, now, key=lambda one: one.created)

    def on_sale(self, index: int) -> tuple[int, int]:
        event = self.event(index)
        return event.created, event.given_at

    def held_event(self, number: int) -> Event:
        """One of the next on Ticket Tailor."""
        return [one for one in self.programme if one.on_tailor and one.given_at > self.end][number]

    def awaited_event(self, series: int) -> Event:
        """The last of that title that is sold out, or else the next or last one."""
        known = [one for one in self.programme if one.series == series and one.on_tailor and one.created <= self.end]
        return next((one for one in reversed(known) if one.index in self._plans[TAILOR].sold_out), known[-1])

    # --- who buys when ---

    def _share(self, event: Event, platform: str) -> int:
        """The percent of a performance's seats that are sold on ``platform``."""
        on = event.on_tailor if platform == TAILOR else event.on_ticketor
        return on * (50 if event.on_tailor and event.on_ticketor else 100)

    @functools.cached_property
    def _sales(self) -> list[tuple[Event, int, int, int]]:
        """Every performance with the days (midnights) on which its sales begin and it is given, and what its days of
        sale pull together."""
        first, found = self._day_of(self.opens), []
        for event in self.programme:
            run = self._demand[event.index][0]
            opens = max(first, self._day_of(self._day_of(run) - (49 + run // DAY % 8) * DAY + DAY // 2))
            curtain = self._day_of(event.given_at)
            days = round((curtain - opens) / DAY)
            found.append((event, opens, curtain, sum(_pull(since, days - since) for since in range(days + 1))))
        return found

    def _asked(self, platform: str, midnight: int, weekday: int) -> list[tuple[Event, int, int]]:
        """How much each performance is asked for on a day (millionths of a seat), and from when that day."""
        found = []
        for event, opens, curtain, whole in self._sales:
            share = self._share(event, platform)
            if not opens <= midnight <= curtain or not share or (event.called_off_at or curtain + 1) <= midnight:
                continue
            since, left = round((midnight - opens) / DAY), round((curtain - midnight) / DAY)
            run, seats = self._demand[event.index]
            pull = _pull(since, left) * (FIRST_NIGHT if run == event.start and left < 3 else 1)
            from_when = midnight + (OPENS_AT * HOUR if since in (0, PRESALE) else 0)
            found.append((event, 10_000 * seats * share * pull // whole * WEEKDAYS[weekday] // 100, from_when))
        return found

    def _hours(self, platform: str) -> list[Hour]:
        """Every hour with any demand, from the first day to the last that is planned."""
        day = datetime.datetime.fromtimestamp(self.opens, self.zone).date()
        hours, demand = [], 0
        while (midnight := self._midnight(day)) < self.end + BEYOND:
            asked = self._asked(platform, midnight, day.weekday())
            day += datetime.timedelta(1)
            for hour in range(min(24, (self._midnight(day) - midnight) // HOUR)):
                start = midnight + hour * HOUR
                now = [(one, seats) for one, seats, since in asked if since <= start <= one.given_at - 2 * HOUR]
                weight = HOURS[hour] * sum(seats for _, seats in now)
                if weight and start >= self.opens:
                    hours.append(Hour(start, demand, weight, now))
                    demand += weight
        return hours

    def _day_of(self, moment: int) -> int:
        """The midnight before."""
        return self._midnight(datetime.datetime.fromtimestamp(moment, self.zone).date())

    @functools.cached_property
    def _plans(self) -> dict[str, Plan]:
        """The same for every venue that opened so, whatever happens to it later: made once."""
        key = (self.seed, self.orders, self.days, self.end, self.time_zone)
        if key not in _PLANS:
            if len(_PLANS) > 4:
                _PLANS.clear()
            _PLANS[key] = {platform: Plan([], [], set()) for platform in (TAILOR, TICKETOR)}
            for platform in (TAILOR, TICKETOR):
                self._fill(platform, _PLANS[key][platform])
        return _PLANS[key]

    def _fill(self, platform: str, plan: Plan) -> None:
        hours = self._hours(platform)
        last = hours[bisect.bisect_left(hours, self.end, key=lambda one: one.start) - 1]
        by_end = last.before + last.demand * min(HOUR, self.end - last.start) // HOUR
        free = {
            one.index: sum(one.seats) * self._share(one, platform) * (100 - HOUSE_SEATS) // 10_000
            for one in self.programme
        }
        befores = [hour.before for hour in hours]
        salt = self.seed if platform == TAILOR else ~self.seed
        for index in range(self.orders * 2):
            drawn = index - 1 if index % 10 == 4 else index  # a tie with the one before
            at = (drawn * by_end + scatter(salt, drawn) % by_end * 4 // 5) // self.orders
            if at >= hours[-1].before + hours[-1].demand:
                return
            hour = hours[bisect.bisect_right(befores, at) - 1]
            plan.moments.append(hour.start + (at - hour.before) * HOUR // hour.demand)
            plan.events.append(None)
            asked = dict(hour.asked)
            while asked:
                sums = list(itertools.accumulate(asked.values()))
                event = list(asked)[bisect.bisect_right(sums, scatter(salt, ~index) % sums[-1])]
                plan.events[index] = event.index
                wanted = self._seats(platform, index)
                if wanted <= free[event.index]:
                    free[event.index] -= wanted
                    break
                plan.sold_out.add(event.index)
                plan.events[index] = None
                del asked[event]

    def _seats(self, platform: str, index: int) -> int:
        """How many seats an order takes."""
        from sandbox import tailor, ticketor, ticketor_items

        if platform == TAILOR:
            return len(tailor.make_order(self, index).seats) + tailor.has_loose_ticket(index)
        tickets = set()
        for one in ticketor.make_story(self, index).deliveries:
            items = one.item.tickets if isinstance(one.item, ticketor_items.Invoice) else (one.item,)
            tickets |= {item.id for item in items if isinstance(item, ticketor_items.Ticket)}
        return len(tickets)

    def _planned(self, platform: str, index: int) -> Event | None:
        event = self._plans[platform].events[index]
        return None if event is None else self.event(event)

    def created(self, platform: str, index: int) -> int:
        return self._plans[platform].moments[index]

    def made_before(self, platform: str, moment: int) -> int:
        return bisect.bisect_left(self._plans[platform].moments, moment)

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
        """The one that order ``index`` is planned for; without it, one that is on sale then and has seats."""
        if index is not None and (planned := self._planned(platform, index)):
            return planned
        fitting = [
            event
            for event, opens, *_ in self._sales
            if opens <= moment < event.given_at - 2 * HOUR
            and event.currency == currency
            and event.called_off_at is None
            and self._share(event, platform)
            and not self._is_crowded(event)
        ]
        later = [event for event in self.programme if event.given_at > moment and event.currency == currency]
        return draw.pick(fitting) if fitting else later[0]

    def _is_crowded(self, event: Event) -> bool:
        return self._demand[event.index][1] > sum(event.seats) * 9 // 10

    def case(self, platform: str, index: int, draw: Draw, cases: ModuleType) -> str:
        """Mostly plain sales; nothing special where a house is full or where all is given back."""
        event = self._planned(platform, index)
        if event is None:
            return "store_only" if platform == TAILOR else "donation"
        if event.currency != "GBP" and draw.chance(15):
            return draw.pick([name for name, case in cases.CASES.items() if case.currency == event.currency])
        if event.currency != "GBP" or event.called_off_at is not None or self._is_crowded(event):
            return "plain" if platform == TAILOR else "tickets"
        if index % SPECIAL_EVERY == SPECIAL:
            special = [name for name in cases.WHEEL if cases.CASES[name].currency == "GBP"]
            return special[index // SPECIAL_EVERY % len(special)]
        matinee = datetime.datetime.fromtimestamp(event.start, self.zone).hour < 17
        if platform == TICKETOR and matinee and event.given_at - self.created(platform, index) > 21 * DAY:
            return draw.pick(("school_group", *cases.ORDINARY))
        return draw.pick(cases.ORDINARY)

    def buyer(self, platform: str, draw: Draw, index: int) -> Person:
        """Members while only they may buy; regulars often; whoever else. Few buy on both platforms."""
        event, moment = self._plans[platform].events[index], self.created(platform, index)
        members = event is not None and moment < self._sales[event][1] + PRESALE * DAY
        regulars = self.people * REGULARS // 100
        number = draw.below(regulars if members or draw.chance(25) else self.people)
        return person(number if platform == TAILOR or number % 100 < ON_BOTH else number + self.people)

    def is_scanned(self, index: int) -> bool:
        return True

    def is_ordinary(self, index: int) -> bool:
        """None is reported within a day: its scans follow."""
        return False

    def in_time(self, change: Change, created: int, event: Event, number: int) -> Change:
        """Nothing is cancelled, voided or given back once the show is over."""
        return dataclasses.replace(change, at=before_show(change.at, created, event, number))


_PLANS: dict[tuple[int, int, int, int, str], dict[str, Plan]] = {}


def _pull(since: int, left: int) -> int:
    """How much people buy ``since`` so many days after sales began and ``left`` days before the performance."""
    pull = EVERY_DAY + (ON_SALE_HUMP[since] if since < len(ON_SALE_HUMP) else 0)
    return pull + (LAST_DAYS[left] if left < len(LAST_DAYS) else 0)
