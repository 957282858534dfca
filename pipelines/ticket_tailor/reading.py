"""One read: a list, or a span of it, page by page. Says what came and, at the end, what has been read whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipelines.ticket_tailor.client import Client, KeyRefused, Page, Refused, key_refused
from pipelines.ticket_tailor.documents import Document
from pipelines.ticket_tailor.lists import LISTS, List
from pipelines.ticket_tailor.spans import OPEN

# A span that is longer than this many pages is cut into windows that can be read side by side...
PAGES_BEFORE_CUTTING = 20
# ...of about this many pages, as far as the pages read so far can tell.
PAGES_PER_WINDOW = 10
# A window shorter than this is read to its end, however much it holds: on-sale mornings.
SHORTEST_CUT = 4 * 3600


@dataclass(frozen=True)
class Read:
    """What is to be read of a list.

    kind     why, as coverage has it: recent, week, quarter, full, window, walk
    start    unix seconds of created_at, inclusive; ``end`` exclusive, spans.OPEN when it has no end
    part     whether only what was created in the span is wanted of a list that cannot be filtered
    """

    list: List
    kind: str
    start: int = 0
    end: int = OPEN
    part: bool = False

    def __str__(self) -> str:
        return f"{self.list.name} ({self.kind})"


@dataclass(frozen=True)
class Came:
    """A page of a read."""

    read: Read
    page: Page


@dataclass(frozen=True)
class Done:
    """The read's end. ``covered`` is the span that was read whole; of a list read from end to end ``ids`` is all it
    lists, None when that cannot be told."""

    read: Read
    covered: tuple[int, int] | None
    ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Unreadable:
    """The platform does not let this key read this list."""

    read: Read
    reason: str


Happening = Came | Done | Unreadable
More = Callable[[Read], None]


def follow(client: Client, read: Read, more: More, slack: int) -> Iterator[Happening]:
    """Reads it, and hands to ``more`` what it leaves to others because there is too much for one.

    ``slack`` seconds above the oldest row seen are never counted as read when a read is cut there: lists are sorted by
    something near created_at, not surely by it. Raises KeyRefused and Problem; Refused only for a single span.
    """
    try:
        if read.list.filter:
            yield from _span(client, read, more, slack)
        elif read.list.parent:
            yield from _children(client, read)
        else:
            yield from _whole(client, read)
    except Refused as refused:
        if refused.status not in (403, 404):
            raise
        _check_key(client)
        yield Unreadable(read, str(refused))


def _check_key(client: Client) -> None:
    """A key that is wrong is answered 403 everywhere; one that has read something in this run is right."""
    if client.answered:
        return
    try:
        client.get("/v1/ping")
    except Refused as refused:
        if refused.status in (401, 403):
            raise key_refused(refused.status) from None


def _span(client: Client, read: Read, more: More, slack: int) -> Iterator[Happening]:
    name = read.list.filter
    params = {f"{name}.gte": read.start} if read.start > 0 else {}
    if read.end < OPEN:
        params[f"{name}.lt"] = read.end
    newest, oldest, falling = None, None, True
    rows = pages = 0
    for page in client.pages(read.list.path, params, read.list.shape):
        yield Came(read, page)
        pages, rows = pages + 1, rows + len(page.documents)
        times = [document.created_at for document in page.documents if document.created_at is not None]
        if times:
            falling = falling and times == sorted(times, reverse=True) and (oldest is None or times[0] <= oldest)
            newest = max(times) if newest is None else max(newest, *times)
            oldest = min(times) if oldest is None else min(oldest, *times)
        if page.has_more and pages >= PAGES_BEFORE_CUTTING and oldest is not None:
            floor = oldest + slack if falling else None
            rest = replace(read, end=floor) if floor else read
            if windows := _cut(client, rest, newest, oldest, rows):
                for window in windows:
                    more(window)
                top = min(newest + 1, read.end)
                yield Done(read, (floor, top) if floor and floor < top else None)
                return
    # up to the newest seen and no further: the platform's clock is not ours. Of nothing at all, the first second
    seen = max(newest + 1 if newest is not None else 1, read.start)
    yield Done(read, (read.start, read.end if read.end < OPEN else seen))


def _cut(client: Client, rest: Read, newest: int, oldest: int, rows: int) -> list[Read]:
    """The rest of a span as windows, newest first; none when it is too short to be cut.

    How far back it goes is asked with a few requests for one row, each twice as far back as the one before.
    """
    top = rest.end if rest.end < OPEN else newest + 1
    seconds_per_page = max((newest - oldest + 1) * 100 / max(rows, 1), 1.0)
    if top - rest.start < SHORTEST_CUT or rest.start >= oldest:
        return []
    start, step = oldest, max(newest - oldest + 1, int(seconds_per_page * PAGES_PER_WINDOW))
    while start > rest.start:
        probe = max(start - step, rest.start)
        params = {f"{rest.list.filter}.lt": probe, "limit": 1}
        if rest.start > 0:
            params[f"{rest.list.filter}.gte"] = rest.start
        start, step = probe, step * 2
        if probe == rest.start or not client.page(rest.list.path, params, rest.list.shape).ids:
            break
    length = max(int(seconds_per_page * PAGES_PER_WINDOW), (top - start) // 500, SHORTEST_CUT // 2)
    windows = []
    end = rest.end
    at = top
    while at > start:
        at = max(at - length, start)
        windows.append(replace(rest, start=at, end=end))
        end = at
    if start > rest.start:
        windows.append(replace(rest, start=rest.start, end=start))
    return windows


def _whole(client: Client, read: Read) -> Iterator[Happening]:
    ids: set[str] | None = set()
    for page in client.pages(read.list.path, shape=read.list.shape):
        if ids is not None:
            ids = None if any(other.id is None for other in page.misread) else ids | set(page.ids)
        if read.part:
            page = replace(page, documents=[each for each in page.documents if _in_span(each, read)])
        yield Came(read, page)
    yield Done(read, None, frozenset(ids) if ids is not None and not read.part else None)


def _children(client: Client, read: Read) -> Iterator[Happening]:
    """The objects of every parent; a parent that has gone since it was listed has none."""
    ids: set[str] | None = set()
    refused, answered = None, 0
    for parents in client.pages(LISTS[read.list.parent].path):
        for parent in parents.ids:
            try:
                for page in client.pages(read.list.path.format(parent=parent), shape=read.list.shape):
                    if ids is not None:
                        ids = None if any(other.id is None for other in page.misread) else ids | set(page.ids)
                    answered += 1
                    yield Came(read, page)
            except KeyRefused:
                raise
            except Refused as one:
                if one.status not in (403, 404):
                    raise
                refused = one
                if one.status == 403 and not answered:
                    raise
    if refused and not answered:
        raise refused
    yield Done(read, None, frozenset(ids) if ids is not None else None)


def _in_span(document: Document, read: Read) -> bool:
    return document.created_at is not None and read.start <= document.created_at < read.end
