"""What is due: which lists, which spans of them, and why. The look, and the plan of a load.

``created_at`` never moves when an order is refunded, cancelled or edited, and there is no ``updated_at``; an order may
be listed after a newer one. So what has been read is kept as spans (coverage), and read again: the last two hours by
every run, the last week once an hour, the last 90 days once a day (settings). Whatever was never read is due too. All
spans go back from the newest created_at ever covered, which is the platform's clock; ours only counts the hours.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import register
from pipelines.errors import Problem
from pipelines.settings import BoxOffice
from pipelines.ticket_tailor.client import Client
from pipelines.ticket_tailor.crew import WORKERS, Crew
from pipelines.ticket_tailor.lists import List, chosen
from pipelines.ticket_tailor.packages import TABLES, Gathering, Package
from pipelines.ticket_tailor.reading import Happening, Read, Unreadable, follow
from pipelines.ticket_tailor.spans import OPEN, Spans, minus, union

HOUR, DAY = 3600, 86400

# A schedule of once an hour starts a few seconds early as often as late.
EARLY = 0.9
# What was read in the last twenty-fourth of its period is not read again: an interrupted re-read goes on.
SPARED = 1 / 24

# Rows that wait for more are loaded when nothing came for so long (seconds): a pause may take half an hour.
PATIENCE = 10.0


def due(
    box_office: BoxOffice, warehouse: Path, now: dt.datetime, *, full: bool = False, span: tuple[int, int] | None = None
) -> list[Read]:
    """What has to be read now, the light and the new first.

    ``span``: only what was created in it (unix seconds, half-open), whether held or not.
    """
    lists = chosen(box_office.lists)
    if span:
        return [
            Read(each, "window", *span, part=not each.filter) for each in lists if each.filter or each.name == "events"
        ]
    if full:
        return [Read(each, "full" if each.filter else "walk") for each in lists]
    rereads = {
        "week": (box_office.reread_hourly_days * DAY, HOUR),
        "quarter": (box_office.reread_daily_days * DAY, DAY),
    }
    ages = {"ever": dt.datetime.min.replace(tzinfo=dt.UTC)}
    for kind, (_, period) in rereads.items():
        ages[kind] = now - dt.timedelta(seconds=period * EARLY)
        ages[f"{kind} spared"] = now - dt.timedelta(seconds=period * SPARED)
    covered = register.ticket_tailor_spans(warehouse, box_office.name, ages)
    last = register.ticket_tailor_last_reads(warehouse, box_office.name)

    reads = []
    for each in lists:
        if each.filter:
            held = {age: covered.get((each.name, age), []) for age in ages}
            tried = last.get((each.name, "unreadable"))
            if held["ever"] or not tried or _ago(tried, now) >= HOUR * EARLY:
                reads += _spans_due(each, held, rereads, box_office.reread_seconds, int(now.timestamp()))
        else:
            tried = {kind: last[each.name, kind] for kind in ("walk", "unreadable") if (each.name, kind) in last}
            kind = max(tried, key=tried.__getitem__, default=None)
            if not kind or (each.each_run and kind == "walk") or _ago(tried[kind], now) >= HOUR * EARLY:
                reads.append(Read(each, "walk"))
    return sorted(reads, key=lambda read: (not read.list.each_run, -read.end))


def _ago(moment: dt.datetime, now: dt.datetime) -> float:
    """Seconds since then; a moment in the future is long ago, lest a clock set back stops all reading."""
    return (now - moment).total_seconds() if moment <= now else float("inf")


def _spans_due(
    each: List, held: dict[str, Spans], rereads: dict[str, tuple[int, int]], reread_seconds: int, now: int
) -> list[Read]:
    ever = held["ever"]
    top = ever[-1][1] if ever else 0
    back_from = min(top, now)
    wanted: list[tuple[str, tuple[int, int]]] = [("recent", (max(back_from - reread_seconds, 0), OPEN))]
    for kind, (reach, _) in rereads.items():
        whole = (max(back_from - reach, 0), top)
        if minus([whole], held[kind]):
            wanted += [(kind, span) for span in minus([whole], held[f"{kind} spared"])]
    wanted += [("window", span) for span in minus([(0, top)], ever)]
    reads = []
    for start, end in union(span for _, span in wanted):
        # the last reason named is the one that reaches furthest back
        kind = [kind for kind, span in wanted if start <= span[0] and span[1] <= end][-1]
        reads.append(Read(each, kind if ever else "window", start, end))
    return reads


@dataclass
class Plan:
    """What a load has to do, and what came of it.

    ``told`` fills while ``packages`` is gone through: what a person should know.
    """

    box_office: BoxOffice
    client: Client
    warehouse: Path
    now: dt.datetime
    reads: list[Read]
    is_empty: bool = False
    told: list[str] = field(default_factory=list)
    _begun: dict[Read, tuple[list[Happening], Iterator[Happening]]] = field(default_factory=dict, repr=False)
    _split_off: Callable[[Read], None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._split_off = self.reads.append

    @property
    def requests(self) -> int:
        return self.client.asked

    def packages(self) -> Iterator[Package]:
        """The packages to load, one after the other: take the next one when the last is in the warehouse.

        Raises Problem after the packages of what could still be read.
        """
        if self.is_empty:
            return
        missing = set(TABLES) - register.ticket_tailor_tables(self.warehouse)
        crew = Crew(self._follow, WORKERS)
        gathering = Gathering(self.box_office.name, self.warehouse, self.now)
        self._split_off = crew.add
        problem = None
        try:
            for happening in crew.happenings(self.reads, PATIENCE):
                if happening is not None:
                    gathering.add(happening)
                    self._tell(happening)
                if happening is None or gathering.is_full:
                    yield from self._load(gathering, missing)
        except Problem as told:
            problem = told
        yield from self._load(gathering, missing)
        if problem:
            raise problem

    def _load(self, gathering: Gathering, missing: set[str]) -> Iterator[Package]:
        package = gathering.package()
        if package or missing:
            package.missing_tables = set(missing)
            missing.clear()
            yield package

    def _follow(self, read: Read) -> Iterator[Happening]:
        """A read from its beginning, though the look may have begun it."""
        happened, rest = self._begun.pop(read, None) or ([], self._start(read))
        yield from happened
        yield from rest

    def _start(self, read: Read) -> Iterator[Happening]:
        return follow(self.client, read, lambda other: self._split_off(other), self.box_office.reread_seconds)

    def _tell(self, happening: Happening) -> None:
        if isinstance(happening, Unreadable):
            self.told.append(f"the list {happening.read.list.name} cannot be read: {happening.reason}")

    def _begin(self, read: Read) -> bool:
        """Whether a read brings anything new. It stops at the first page that does, to be gone on with."""
        happened, rest = self._begun[read] = ([], self._start(read))
        for happening in rest:
            happened.append(happening)
            gathering = Gathering(self.box_office.name, self.warehouse, self.now)
            gathering.add(happening)
            if isinstance(happening, Unreadable) or gathering.package().has_news:
                return True
        return False


def look(
    box_office: BoxOffice,
    client: Client,
    warehouse: Path,
    now: dt.datetime,
    *,
    full: bool = False,
    span: tuple[int, int] | None = None,
    limit: int | None = None,
) -> Plan:
    """What is due now (UTC).

    When nothing is due but what every run reads, it is read here and compared with what is held; the plan is empty
    when it is all known. What was read is not asked for again by the plan's packages.
    """
    reads = due(box_office, warehouse, now, full=full, span=span)
    plan = Plan(box_office, client, warehouse, now, reads)
    light = all(read.kind == "recent" or (read.list.each_run and read.kind == "walk") for read in reads)
    if light and register.ticket_tailor_tables(warehouse).issuperset(TABLES):
        plan.is_empty = not any(plan._begin(read) for read in list(reads))
    return plan
