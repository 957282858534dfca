"""What is due: which lists, which intervals of them, and why. The look, and the plan of a load.

``created_at`` never moves when an order is refunded, cancelled or edited, and there is no ``updated_at``; an order may
be listed after a newer one. So what has been read is stored as intervals (coverage), and read again: the last two hours
by every run, the last week once an hour, the last 90 days once a day (settings). Whatever was never read is due too.
All intervals go back from the newest created_at ever covered, which is the platform's clock; ours only counts the
hours.
"""

import collections
import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from boxoffice.errors import Problem
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor import state
from boxoffice.ticket_tailor.api import Client
from boxoffice.ticket_tailor.endpoints import ENDPOINTS, Endpoint, chosen
from boxoffice.ticket_tailor.errors import KeyRefused, Offline, SameBoxOffice
from boxoffice.ticket_tailor.intervals import OPEN, Interval, Intervals, minus, union
from boxoffice.ticket_tailor.packages import TABLES, Gathering, Package
from boxoffice.ticket_tailor.pages import Document
from boxoffice.ticket_tailor.progress import Progress
from boxoffice.ticket_tailor.reading import Came, Cut, Depth, Done, Failed, Happening, Read, Unreadable, follow
from boxoffice.ticket_tailor.workers import WorkerPool

HOUR, DAY = 3600, 86400

# A schedule of once an hour starts a few seconds early as often as late.
EARLY = 0.9
# What was read in the last twenty-fourth of its period is not read again: an interrupted re-read goes on.
SPARED = 1 / 24

# Rows that wait for more are loaded when nothing came for so long (seconds): a pause may take half an hour.
PATIENCE = 10.0


# A re-read: how far back, how often (seconds).
REREADS = {"week": HOUR, "quarter": DAY}


def held_reads(box_office: BoxOffice, warehouse: Path, now: dt.datetime) -> state.Reads:
    """What has been read of the box office: ever, and lately enough for each re-read. What was read in the future, by a
    clock set back since, may be long ago."""
    ages = {"ever": (dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC))}
    for kind, period in REREADS.items():
        ages[kind] = (now - dt.timedelta(seconds=period * EARLY), now)
        ages[f"{kind} spared"] = (now - dt.timedelta(seconds=period * SPARED), now)
    return state.reads(warehouse, box_office.name, ages)


def due(
    box_office: BoxOffice,
    held: state.Reads,
    now: dt.datetime,
    *,
    full: bool = False,
    span: Interval | None = None,
) -> list[Read]:
    """What has to be read now (UTC), what every run reads first.

    ``span``: only what was created in it (unix seconds, half-open), whether held or not.
    """
    lists = chosen(box_office.lists)
    refused = unreadable(held)
    if span:
        asked = [each for each in lists if each.filter or each.name == "events"]
        return [Read(each, "window", *span, part=not each.filter) for each in asked]
    if full:
        return [Read(each, "full" if each.filter else "walk") for each in lists]

    reads: list[Read] = []
    for each in lists:
        tried = {kind: moment for (name, kind), moment in held.last.items() if name == each.name}
        within_the_hour = bool(tried) and _ago(max(tried.values()), now) < HOUR * EARLY
        # what has to be read is asked for by every run until it is
        each_run = each.each_run or (each.name in refused and is_needed(each, held))
        if each.name in refused and within_the_hour and not each_run:
            continue
        if each.filter:
            spans = {age: found for (name, age), found in held.spans.items() if name == each.name}
            reads += _spans_due(each, spans, box_office, int(now.timestamp()), each_run=each_run)
        elif each_run or not within_the_hour:
            reads.append(Read(each, "walk"))
    return sorted(reads, key=lambda read: (not read.list.each_run, -read.end))


def unreadable(held: state.Reads) -> set[str]:
    """The lists that the platform refused when they were asked for last."""
    last: dict[str, tuple[dt.datetime, str]] = {}
    for (name, kind), moment in held.last.items():
        last[name] = max(last.get(name, (moment, "")), (moment, kind))
    return {name for name, (_, kind) in last.items() if kind == "unreadable"}


def is_needed(each: Endpoint, held: state.Reads) -> bool:
    """Whether a run fails when the platform refuses this list: everything depends on it, or it was read before. Any
    other belongs to a feature that the box office has never had."""
    return each.each_run or any(name == each.name and kind != "unreadable" for name, kind in held.last)


def _ago(moment: dt.datetime, now: dt.datetime) -> float:
    """Seconds since then; a moment in the future is long ago, or a clock that was set back would stop all reading."""
    return (now - moment).total_seconds() if moment <= now else float("inf")


def _spans_due(
    each: Endpoint, held: dict[str, Intervals], box_office: BoxOffice, now: int, *, each_run: bool
) -> list[Read]:
    """The spans of one list, each with the reason that reaches furthest back."""
    ever = held.get("ever")
    if not ever:
        return [Read(each, "window")]
    top = ever[-1][1]
    back_from = min(top, now)
    wanted: list[tuple[str, Interval]] = []
    if each_run:
        wanted.append(("recent", (max(back_from - box_office.reread_seconds, 0), OPEN)))
    for kind, days in (("week", box_office.reread_hourly_days), ("quarter", box_office.reread_daily_days)):
        start = max(back_from - days * DAY, 0)
        if minus([(start, top)], held.get(kind, [])):
            whole = (start, top if each_run else OPEN)
            wanted += [(kind, span) for span in minus([whole], held.get(f"{kind} spared", []))]
    wanted += [("window", span) for span in minus([(0, top)], ever)]
    reads = []
    for start, end in union(span for _, span in wanted):
        kinds = [kind for kind, span in wanted if start <= span[0] and span[1] <= end]
        reads.append(Read(each, kinds[-1], start, end))
    return reads


@dataclass
class Plan:
    """What a load has to do, and what came of it.

    ``messages`` for the user fill up while ``packages`` is iterated; so does ``missing``, which counts by
    list what the platform no longer shows. ``limit``: at most so many orders, and tickets, that are new or changed;
    what it leaves stays due.
    """

    box_office: BoxOffice
    client: Client
    warehouse: Path
    now: dt.datetime
    held: state.Reads
    reads: list[Read]
    limit: int | None = None
    is_empty: bool = False
    messages: list[str] = field(default_factory=list)
    missing: collections.Counter[str] = field(default_factory=collections.Counter)
    _refused: dict[str, str] = field(default_factory=dict, repr=False)
    _begun: dict[Read, tuple[list[Happening], Iterator[Happening]]] = field(default_factory=dict, repr=False)

    @property
    def requests(self) -> int:
        return self.client.asked

    @property
    def asked_since(self) -> dt.datetime:
        """Of what was read before, no one asks any more when that was (UTC)."""
        return self.now - dt.timedelta(seconds=2 * max(REREADS.values()))

    def packages(self, progress: Callable[[str], None] = lambda _line: None) -> Iterator[Package]:
        """The packages to load, one after the other: take the next one when the last is in the warehouse.

        ``progress`` gets a line whenever something arrives, and every ten seconds while nothing does. Raises Problem
        after the packages of all that could be read.
        """
        if self.is_empty:
            return
        missing = set(TABLES) - self.held.tables
        gathering = Gathering(self.box_office.name, self.warehouse, self.now, self.client.clock)
        so_far = Progress(self.client)
        problems: list[Problem] = []
        try:
            for happening in self._happenings():
                if isinstance(happening, Failed):
                    problems.append(happening.problem)
                elif happening:
                    gathering.add(happening)
                    so_far.add(happening)
                    self._report(happening)
                progress(str(so_far))
                if happening is None or gathering.is_full:
                    yield from self._load(gathering, missing)
        except KeyRefused as refused:
            problems.insert(0, refused)
        yield from self._load(gathering, missing)
        if self.missing:
            gone = ", ".join(f"{count:,} {name}" for name, count in self.missing.items())
            self.messages.append(f"no longer listed by Ticket Tailor, kept and marked missing_since: {gone}")
        if self._refused:
            problems.append(self._lists_refused())
        if problems and (isinstance(problems[0], KeyRefused) or len(problems) == 1):
            raise problems[0]
        if problems:
            raise Problem("\n".join(map(str, problems)))

    def _lists_refused(self) -> Problem:
        # they came in the order of the threads; the list of parents is refused for their children too
        refused = [name for name in ENDPOINTS if name in self._refused]
        names, reasons = ", ".join(refused), " ".join(dict.fromkeys(self._refused[name] for name in refused))
        lists = f"the list {names}" if len(self._refused) == 1 else f"the lists {names}"
        return Problem(
            f"Ticket Tailor does not let {lists} be read. {reasons} What was read before is kept, the other lists were "
            "read, and every run asks again.\n"
            "Check base_url and what this key may read. To stop reading a list, leave it out of `lists` in "
            f"[ticket_tailor.box_offices.{self.box_office.name}]."
        )

    def _happenings(self) -> Iterator[Happening | None]:
        if self.limit:
            return self._limited(self.limit)
        return WorkerPool(self._follow).happenings(self.reads, PATIENCE)

    def _limited(self, limit: int) -> Iterator[Happening]:
        """One read after the other, newest first, each list only until it has brought ``limit`` rows that are news."""
        waiting, left = collections.deque(self.reads), collections.Counter()
        while waiting:
            read = waiting.popleft()
            name = read.list.name
            if left.setdefault(name, limit) == 0:
                continue
            try:
                for happening in self._bounded(read, left) if read.list.filter else self._follow(read):
                    if isinstance(happening, Cut):
                        waiting.extendleft(reversed(happening.windows))
                    yield happening
            except KeyRefused:
                raise
            except Problem as problem:
                left[name] = 0
                yield Failed(read, problem)

    def _bounded(self, read: Read, left: dict[str, int]) -> Iterator[Happening]:
        """A read that ends with the last row that may still come; ``left`` counts them down."""
        name, depth = read.list.name, Depth()
        for happening in self._follow(read):
            if not isinstance(happening, Came):
                yield happening
                continue
            news = self._news(happening)
            documents = _until(happening.page.documents, news, left[name])
            left[name] -= len(news.intersection(document.id for document in documents))
            page = replace(happening.page, documents=documents)
            depth.add(page)
            yield Came(read, page)
            if not left[name]:
                yield Done(read, depth.covered(read, self.box_office.reread_seconds))
                self.messages.append(
                    f"{name}: {self.limit} came, as many as asked for; what is left comes with the next run"
                )
                return

    def _load(self, gathering: Gathering, missing: set[str]) -> Iterator[Package]:
        package = gathering.package()
        if package or missing:
            package.missing_tables = set(missing)
            missing.clear()
            self.missing.update(package.missing)
            yield package

    def _follow(self, read: Read) -> Iterator[Happening]:
        """A read from its beginning, though the look may have begun it."""
        happened, rest = self._begun.pop(read, None) or ([], self._start(read))
        yield from happened
        yield from rest

    def _start(self, read: Read) -> Iterator[Happening]:
        return follow(self.client, read, self.box_office.reread_seconds)

    def _report(self, happening: Happening) -> None:
        """A list that cannot be read is a failure where it has to be; otherwise it is reported when that is new."""
        if isinstance(happening, Unreadable):
            name = happening.read.list.name
            if is_needed(happening.read.list, self.held):
                self._refused[name] = happening.reason
            elif (name, "unreadable") not in self.held.last:
                self.messages.append(f"the list {name} is left out: {happening.reason}")

    def _news(self, happening: Happening) -> set[str]:
        """The ids that are new or changed in it."""
        gathering = Gathering(self.box_office.name, self.warehouse, self.now, self.client.clock)
        gathering.add(happening)
        package = gathering.package()
        return {row[2] for rows in package.rows.values() for row in rows} | {row[0] for row in package.refused}

    def _begin(self, read: Read, pages: int | None = None) -> bool:
        """Whether a read brings anything new, in its first ``pages`` (None: all). It stops at the first page that does,
        to be gone on with. A list that fails is begun again with the others: it must not keep them from being read."""
        happened, rest = self._begun[read] = ([], self._start(read))
        try:
            for happening in itertools.islice(rest, pages):
                happened.append(happening)
                if isinstance(happening, Unreadable | Cut) or self._news(happening):
                    return True
        except (KeyRefused, Offline, SameBoxOffice):
            raise
        except Problem:
            del self._begun[read]
            return True
        return False


def look(
    box_office: BoxOffice,
    client: Client,
    warehouse: Path,
    now: dt.datetime,
    *,
    full: bool = False,
    span: Interval | None = None,
    limit: int | None = None,
) -> Plan:
    """What is due now (UTC).

    When nothing is due but what every run reads, it is read here and compared with what is held; the plan is empty
    when it is all known. What was read is not asked for again by the plan's packages. Raises KeyRefused, Offline, and
    Problem.
    """
    held = held_reads(box_office, warehouse, now)
    reads = due(box_office, held, now, full=full, span=span)
    plan = Plan(box_office, client, warehouse, now, held, reads, limit)
    light = all(read.kind == "recent" or (read.list.each_run and read.kind == "walk") for read in plan.reads)
    if light and held.tables.issuperset(TABLES):
        plan.is_empty = not any(plan._begin(read) for read in plan.reads)
    elif plan.reads:
        # one page before all threads: a key that is refused is asked for once
        plan._begin(plan.reads[0], pages=1)
    return plan


def _until(documents: list[Document], news: set[str], left: int) -> list[Document]:
    """The documents down to the last one that may still come."""
    for number, document in enumerate(documents):
        left -= document.id in news
        if not left:
            return documents[: number + 1]
    return documents
