"""Compares what was read with raw, and makes rows to load: a row only for a new version."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from boxoffice.ticket_tailor import state
from boxoffice.ticket_tailor.api import Page
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.errors import SameBoxOffice
from boxoffice.ticket_tailor.pages import Document
from boxoffice.ticket_tailor.reading import Came, Done, Happening, Unreadable

# Loaded at once: well within 1 GB of memory, and enough that dlt's fixed cost of a package is small beside it.
ROWS_PER_PACKAGE = 20_000
BYTES_PER_PACKAGE = 64_000_000

# The least by which one version comes after another.
TICK = dt.timedelta(microseconds=1)

# What raw_ticket_tailor is made of.
TABLES = (*ENDPOINTS, "refused", "coverage", "webhooks", "folders")

# A webhook within this of a read does not count, since their clocks are two: as tt_merged in macros/ticket_tailor.sql.
NEAR = dt.timedelta(seconds=5)

# Lists whose ids the platform gives once in all box offices: who shares one is the same.
OWN = {"orders", "issued_tickets"}

Row = tuple[str, str, str, int | None, str | bytes, str, dt.datetime, dt.datetime | None]
RefusedRow = tuple[str, str, str, str | None, str, bytes, dt.datetime]
Held = tuple[str, dt.datetime, dt.datetime | None, str]
Sent = tuple[str, dt.datetime]
CoverageRow = tuple[str, str, str, str, int, int, dt.datetime]


@dataclass
class Package:
    """Rows for raw, by table, in the order of raw's columns.

    ``reach`` is how far behind the newest created_at ever landed the rows of a list go, in seconds: the lag without
    which dlt's incremental would drop them. ``missing_tables`` are to be made even if nothing is in them. ``missing``
    counts what is marked as no longer listed.
    """

    box_office: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    coverage: list[CoverageRow] = field(default_factory=list)
    reach: dict[str, int] = field(default_factory=dict)
    missing_tables: set[str] = field(default_factory=set)
    new: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    @property
    def has_news(self) -> bool:
        """Whether it holds more than the fact that something was read."""
        return bool(self.rows or self.refused)

    def __bool__(self) -> bool:
        return self.has_news or bool(self.coverage)


def key_of(*parts: object) -> str:
    """A key made of its parts, the same in every run."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


class Gathering:
    """Pages and ends of reads until there are enough for a package."""

    def __init__(self, box_office: str, warehouse: Path, now: dt.datetime, clock: Callable[[], dt.datetime]) -> None:
        self.box_office = box_office
        self.warehouse = warehouse
        self.now = now
        self.clock = clock
        self._happened: list[Happening] = []
        self.documents = 0
        self.bytes = 0

    def add(self, happening: Happening) -> None:
        self._happened.append(happening)
        if isinstance(happening, Came):
            self.documents += len(happening.page.documents)
            self.bytes += sum(len(document.text) for document in happening.page.documents)

    @property
    def is_full(self) -> bool:
        return self.documents >= ROWS_PER_PACKAGE or self.bytes >= BYTES_PER_PACKAGE

    def package(self) -> Package:
        """The rows that are new among everything added so far; then starts over. The warehouse is queried now and not
        before: an earlier package of the same run may have been loaded meanwhile."""
        happened, self._happened, self.documents, self.bytes = self._happened, [], 0, 0
        pages: dict[str, list[Page]] = {}
        ends: list[Done] = []
        package = Package(self.box_office)
        for each in happened:
            if isinstance(each, Came):
                pages.setdefault(each.read.list.name, []).append(each.page)
            elif isinstance(each, Done) and each.ids is not None:
                ends.append(each)
            self._cover(package, each)
        refused = self._misread(pages)
        held = state.held(
            self.warehouse,
            self.box_office,
            {name: [document.id for page in some for document in page.documents] for name, some in pages.items()},
            [(end.read.list.name, end.covered) for end in ends],
            list(refused),
            sent_before=self.now - NEAR,
        )
        package.refused = [row for key, row in refused.items() if key not in held.refused]
        for name in OWN & pages.keys():
            self._refuse_a_twin(name, pages[name], held.newest[name])
        for name, some in pages.items():
            pages_by_time = sorted(some, key=lambda page: page.fetched_at)
            self._versions(package, name, pages_by_time, held.newest[name], held.sent[name])
        for end, listed in zip(ends, held.listed, strict=True):
            self._missing(package, end.read.list.name, sorted(listed - end.ids))
        now = int(self.now.timestamp())
        for name, rows in package.rows.items():
            times = [created_at for _, _, _, created_at, *_ in rows if created_at is not None]
            package.reach[name] = max(now, held.created_at.get(name, 0), *times, 0) - min(times, default=now) + 1
        return package

    def _versions(
        self, package: Package, name: str, pages: list[Page], held: dict[str, Held], sent: dict[str, Sent]
    ) -> None:
        """Rows for what is not held as it is now. ``held`` is kept up to date, for what is on two pages.

        What has been read is compared with what had been read, as if there were no webhooks. Only where a webhook that
        was ``sent`` in between shows something else is it a version again: the object is as it was before.

        A version that is held from the future was fetched by a clock that has been set back since: what is read now
        comes after it all the same, and says so by its time.
        """
        rows: dict[str, Row] = {}
        clock = self.clock()
        for page in pages:
            for document in page.documents:
                hash_, fetched_at, missing_since, version = held.get(document.id, (None, None, None, None))
                shown, sent_at = sent.get(document.id, (None, None))
                same = hash_ == document.hash and (
                    shown in (None, hash_) or not fetched_at + NEAR < sent_at < page.fetched_at - NEAR
                )
                came_at = page.fetched_at
                if fetched_at and fetched_at > clock:
                    came_at = max(came_at, fetched_at + TICK)
                if (same and missing_since is None) or (fetched_at and fetched_at > came_at):
                    continue
                if hash_ is None:
                    package.new[name] = package.new.get(name, 0) + 1
                if same:  # listed again as it was: the version held loses its mark, and keeps its time
                    row = self._row(document, fetched_at, version)
                elif ENDPOINTS[name].keeps == "latest":
                    row = self._row(document, came_at, version or key_of(self.box_office, document.id))
                else:
                    row = self._row(document, came_at, None)
                rows[row[0]] = row
                held[document.id] = (document.hash, row[6], None, row[0])
        if rows:
            package.rows[name] = list(rows.values())

    def _refuse_a_twin(self, name: str, pages: list[Page], held: dict[str, Held]) -> None:
        """Raises SameBoxOffice where raw holds what is new here as another box office's."""
        new = {each.id: each.created_at for page in pages for each in page.documents if each.id not in held}
        if new:
            found = state.elsewhere(self.warehouse, self.box_office, name, new)
            if found:
                other = max(found, key=lambda other: found[other])
                raise SameBoxOffice(self.box_office, other, found[other], name)

    def _missing(self, package: Package, name: str, gone: list[str]) -> None:
        """What is held and no longer listed, marked with the time of this load."""
        versions = state.versions(self.warehouse, self.box_office, name, gone) if gone else []
        for version, key, created_at, text, hash_, fetched_at in versions:
            if version is None:
                is_one = ENDPOINTS[name].keeps == "latest"
                version = key_of(self.box_office, key, *([] if is_one else [hash_, fetched_at.isoformat()]))
            row = (version, self.box_office, key, created_at, text, hash_, fetched_at, self.now)
            package.rows.setdefault(name, []).append(row)
        if versions:
            package.missing[name] = package.missing.get(name, 0) + len(versions)

    def _row(self, document: Document, fetched_at: dt.datetime, version: str | None) -> Row:
        """``version`` is the key of the row that this one takes the place of; None for a version of its own."""
        return (
            version or key_of(self.box_office, document.id, document.hash, fetched_at.isoformat()),
            self.box_office,
            document.id,
            document.created_at,
            document.text,
            document.hash,
            fetched_at,
            None,
        )

    def _misread(self, pages: dict[str, list[Page]]) -> dict[str, RefusedRow]:
        """What validation refused, by its key: the same bytes are refused once, however often they are read."""
        found: dict[str, RefusedRow] = {}
        for name, some in pages.items():
            for page in some:
                for other in page.misread:
                    key = key_of(self.box_office, name, hashlib.blake2b(other.raw).hexdigest())
                    row = (key, self.box_office, name, other.id, other.reason, other.raw, page.fetched_at)
                    found.setdefault(key, row)
        return found

    def _cover(self, package: Package, each: Happening) -> None:
        name, kind = each.read.list.name, each.read.kind
        if isinstance(each, Unreadable):
            kind, span = "unreadable", (0, 0)
        elif isinstance(each, Done) and each.covered:
            span = each.covered
        elif isinstance(each, Done) and not each.read.list.filter and not each.read.part:
            span = (0, int(self.now.timestamp()) + 1)
        else:
            return
        key = key_of(self.box_office, name, kind, *span, self.now.isoformat())
        package.coverage.append((key, self.box_office, name, kind, *span, self.now))
