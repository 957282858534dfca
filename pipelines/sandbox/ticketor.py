"""The Ticketor half of the venue: its stories, and the webhooks of all of them in order of arrival."""

import heapq
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain

from sandbox import ticketor_cases
from sandbox.catalogue import DAY, HOUR
from sandbox.draw import Draw
from sandbox.ticketor_items import Delivery, Story
from sandbox.ticketor_story import StoryBuilder
from sandbox.venue import TICKETOR, Venue

MICROS = 1_000_000


def make_story(venue: Venue, index: int) -> Story:
    """Sale ``index`` and all that follows from it: a pure function of the two."""
    draw = _draw(venue, index)
    case = _case_of(venue, index, draw)
    rule = ticketor_cases.KNOWN[case]
    story = Story(index, case)
    builder = StoryBuilder(venue, story, draw, rule.currency)
    rule.build(builder)
    called_off_at = builder.event.called_off_at
    if called_off_at is not None and case in ticketor_cases.GIVEN_BACK_WHOLE:
        builder.return_whole(called_off_at + HOUR + draw.below(3 * DAY))
    elif venue.scans_all and called_off_at is None and index not in venue.returns and case in ticketor_cases.SCANNED:
        builder.scan()
    if index in venue.returns:
        builder.return_whole(venue.returns[index])
    if index in venue.redelivered:
        first = min(story.deliveries)
        builder.send(first.webhook, first.item, venue.redelivered[index])
    if index in venue.delivered_late:
        at = venue.delivered_late[index] * MICROS
        story.deliveries = [one._replace(at=max(one.at, at + one.number)) for one in story.deliveries]
    story.deliveries.sort()
    return story


def _case_of(venue: Venue, index: int, draw: Draw) -> str:
    if index in venue.paid_late:
        return "paid_late"
    return venue.case(TICKETOR, index, draw, ticketor_cases)


class Ticketor:
    """The Ticketor half of a venue."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def story(self, index: int) -> Story:
        return make_story(self.venue, index)

    def deliveries(self, since: int | None, until: int) -> Iterator[Delivery]:
        """The webhooks that arrived after ``since`` (None: ever) and up to ``until`` (unix seconds), in order.

        Holds three numbers for each webhook still to come of the stories begun, whatever the size of the venue.
        """
        venue = self.venue
        # a plain sale is sent within a day; of the older ones only the others may still have webhooks to send
        recent = 0 if since is None else venue.made_before(TICKETOR, since - 2 * DAY)
        longest = max(ticketor_cases.LONGEST, venue.scanned_within)
        oldest = 0 if since is None else venue.made_before(TICKETOR, since - longest)
        extra = venue.returns.keys() | venue.redelivered.keys() | venue.paid_late.keys() | venue.delivered_late.keys()
        specials = (index for index in range(oldest, recent) if not venue.is_ordinary(index))
        older = sorted({index for index in extra if index < recent}.union(specials))
        after = -1 if since is None else (since + 1) * MICROS
        end = (until + 1) * MICROS
        story = lru_cache(maxsize=4096)(self.story)
        waiting: list[tuple[int, int, int]] = []
        for index in chain(older, range(recent, venue.made_before(TICKETOR, until + 1))):
            created = venue.created(TICKETOR, index)
            while waiting and waiting[0][0] < created * MICROS:
                yield _delivery(story, heapq.heappop(waiting))
            days = (self._days(index) + 1) * DAY
            if since is not None and index not in extra and created + max(days, venue.scanned_within) < since:
                continue
            for one in story(index).deliveries:
                if after <= one.at < end:
                    heapq.heappush(waiting, (one.at, index, one.number))
        while waiting:
            yield _delivery(story, heapq.heappop(waiting))

    def _days(self, index: int) -> int:
        """How long the webhooks of a story may go on, without making the story."""
        return ticketor_cases.KNOWN[_case_of(self.venue, index, _draw(self.venue, index))].days


def _draw(venue: Venue, index: int) -> Draw:
    return Draw(TICKETOR + " story", venue.seed, index)


def _delivery(story: Callable[[int], Story], waiting: tuple[int, int, int]) -> Delivery:
    _, index, number = waiting
    return next(one for one in story(index).deliveries if one.number == number)
