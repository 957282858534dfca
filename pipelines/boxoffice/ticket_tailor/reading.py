"""One read: a list, or a span of it, page by page. Says what came and, at the end, what has been read whole."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from boxoffice.errors import Problem
from boxoffice.ticket_tailor.api import Client, Page
from boxoffice.ticket_tailor.endpoints import ENDPOINTS, Endpoint
from boxoffice.ticket_tailor.errors import RequestRefused
from boxoffice.ticket_tailor.intervals import OPEN, Interval
from boxoffice.ticket_tailor.pages import Document

# A span that is longer than this many pages is cut into windows that can be read side by side...
PAGES_BEFORE_CUTTING = 10
# ...of about this many pages, as far as the pages read so far show.
PAGES_PER_WINDOW = 10
# Seconds. A span shorter than this is read to its end, however much it holds (on-sale mornings); windows are half of it
# at least.
SHORTEST_CUT = 4 * 3600


@dataclass(frozen=True)
class Read:
    """What is to be read of a list.

    kind     why, as coverage has it: recent, week, quarter, full, window, walk
    start    unix seconds of created_at, inclusive; ``end`` exclusive, spans.OPEN when it has no end
    part     whether only what was created in the span is wanted of a list that cannot be filtered
    """

    list: Endpoint
    kind: str
    start: int = 0
    end: int = OPEN
    part: bool = False


@dataclass(frozen=True)
class Came:
    """A page of a read."""

    read: Read
    page: Page


@dataclass(frozen=True)
class Cut:
    """The read is too long for one: its rest as windows, newest first, for the workers."""

    read: Read
    windows: list[Read]


@dataclass(frozen=True)
class Done:
    """The read's end.

    covered  the span that was read whole; None for lists without a filter
    ids      all that is listed there; None when that is not known, or is not to be concluded from one read
    """

    read: Read
    covered: Interval | None
    ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Unreadable:
    """The platform does not let this key read this list."""

    read: Read
    reason: str


@dataclass(frozen=True)
class Failed:
    """The read failed before its end; the other lists continue."""

    read: Read
    problem: Problem


Happening = Came | Cut | Done | Unreadable | Failed


class Depth:
    """How far down a list pages have come."""

    def __init__(self) -> None:
        self.rows = 0
        self.newest: int | None = None
        self.oldest: int | None = None
        self._falling = True

    def add(self, page: Page) -> None:
        self.rows += len(page.documents)
        times = [document.created_at for document in page.documents if document.created_at is not None]
        if times:
            falling = all(above >= below for above, below in itertools.pairwise(times))
            self._falling = self._falling and falling and (self.oldest is None or times[0] <= self.oldest)
            self.newest = max(times) if self.newest is None else max(self.newest, *times)
            self.oldest = min(times) if self.oldest is None else min(self.oldest, *times)

    def covered(self, read: Read, slack: int) -> Interval | None:
        """What a read that ends here has read whole: nothing unless the list came newest first, and never the lowest
        ``slack`` seconds, since it may be sorted by something that is only near created_at."""
        if not self._falling or self.oldest is None:
            return None
        span = (max(self.oldest + slack, read.start), read.end if read.end < OPEN else self.newest + 1)
        return span if span[0] < span[1] else None


def follow(client: Client, read: Read, slack: int) -> Iterator[Happening]:
    """Reads it. Raises KeyRefused, and Problem when the list cannot be read to its end."""
    try:
        if read.list.filter:
            yield from _span(client, read, slack)
        elif read.list.parent:
            yield from _children(client, read)
        else:
            yield from _whole(client, read)
    except RequestRefused as refused:
        if refused.status not in (403, 404):
            raise
        client.check_key(refused.status)
        yield Unreadable(read, str(refused))


def _span(client: Client, read: Read, slack: int) -> Iterator[Happening]:
    depth = Depth()
    ids: set[str] | None = set() if read.kind == "full" else None
    for pages, page in enumerate(client.pages(read.list.path, _filters(read), read.list.shape), start=1):
        yield Came(read, page)
        depth.add(page)
        ids = _listed(ids, page)
        if page.has_more and pages >= PAGES_BEFORE_CUTTING and depth.oldest is not None:
            covered = depth.covered(read, slack)
            rest = replace(read, end=covered[0]) if covered else read
            windows = _cut(client, rest, depth)
            # a list that is sorted by something else may have shown all of the span already: no cut makes it less
            if windows and windows != [read]:
                yield Cut(read, windows)
                yield Done(read, covered, frozenset(ids) if ids else None)
                return
    # up to the newest seen and no further, since the platform's clock is not ours; of nothing at all, the first second
    top = read.end if read.end < OPEN else max(1 if depth.newest is None else depth.newest + 1, read.start)
    yield Done(read, (read.start, top), frozenset(ids) if ids is not None else None)


def _filters(read: Read) -> dict[str, int]:
    filters = {f"{read.list.filter}.gte": read.start} if read.start > 0 else {}
    return filters | ({f"{read.list.filter}.lt": read.end} if read.end < OPEN else {})


def _cut(client: Client, rest: Read, depth: Depth) -> list[Read]:
    """The rest of a span as windows, newest first; none when it is too short to be cut.

    How far back it goes is asked with a few requests for one row, each twice as far back as the one before.
    """
    top = rest.end if rest.end < OPEN else depth.newest + 1
    if top - rest.start < SHORTEST_CUT:
        return []
    seconds = depth.newest - depth.oldest + 1
    start = min(depth.oldest, top)
    while start > rest.start:
        start, seconds = max(start - seconds, rest.start), seconds * 2
        below = replace(rest, end=start)
        if start == rest.start or not client.page(rest.list.path, {**_filters(below), "limit": 1}).ids:
            break
    rows_per_window = PAGES_PER_WINDOW * 100
    length = max((depth.newest - depth.oldest + 1) * rows_per_window // depth.rows, SHORTEST_CUT // 2)
    # one row a second apart or one a month: never more windows than can be reported
    length = max(length, (top - start) // 1000)
    windows, end = [], rest.end
    for edge in range(top - length, start, -length):
        windows.append(replace(rest, start=edge, end=end))
        end = edge
    windows.append(replace(rest, start=start, end=end))
    if start > rest.start:
        windows.append(replace(rest, end=start))
    return windows


def _whole(client: Client, read: Read) -> Iterator[Happening]:
    ids: set[str] | None = None if read.part else set()
    for page in client.pages(read.list.path, shape=read.list.shape):
        ids = _listed(ids, page)
        if read.part:
            page = replace(page, documents=[each for each in page.documents if _in_span(each, read)])
        yield Came(read, page)
    yield Done(read, None, frozenset(ids) if ids is not None else None)


def _children(client: Client, read: Read) -> Iterator[Happening]:
    """The objects of every parent; a parent that has gone since it was listed has none."""
    ids: set[str] | None = set()
    readable, refusal = False, None
    for parents in client.pages(ENDPOINTS[read.list.parent].path):
        for parent in parents.ids:
            try:
                for page in client.pages(read.list.path.format(parent=parent), shape=read.list.shape):
                    readable = True
                    ids = _listed(ids, page)
                    yield Came(read, page)
            except RequestRefused as refused:
                if refused.status not in (403, 404):
                    raise
                refusal = refused
                if refused.status == 403 and not readable:
                    break
    if refusal and not readable:
        raise refusal
    yield Done(read, None, frozenset(ids) if ids is not None else None)


def _listed(ids: set[str] | None, page: Page) -> set[str] | None:
    """All ids so far; None once an object came whose id cannot be seen: then nothing can be said to be missing."""
    if ids is None or any(other.id is None for other in page.misread):
        return None
    ids.update(page.ids)
    return ids


def _in_span(document: Document, read: Read) -> bool:
    return document.created_at is not None and read.start <= document.created_at < read.end
