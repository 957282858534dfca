"""What was read, compared with what raw holds, as rows to land: a row only for a new version."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import register
from pipelines.ticket_tailor.documents import Document
from pipelines.ticket_tailor.lists import LISTS
from pipelines.ticket_tailor.reading import Came, Done, Happening, Unreadable

# Loaded at once: well within 1 GB of memory, and enough that dlt's fixed cost of a package is small beside it.
ROWS_PER_PACKAGE = 20_000
BYTES_PER_PACKAGE = 48_000_000

# What raw_ticket_tailor is made of.
TABLES = (*LISTS, "refused", "coverage")

Row = tuple[str, str, str, int | None, str, str, dt.datetime, dt.datetime | None]
RefusedRow = tuple[str, str, str, str | None, str, bytes, dt.datetime]
CoverageRow = tuple[str, str, str, str, int, int, dt.datetime]


@dataclass
class Package:
    """Rows for raw, by table, in the order of raw's columns.

    ``reach`` is how far behind the newest created_at ever landed the rows of a list go, in seconds: the lag without
    which dlt's incremental would drop them. ``missing_tables`` are to be made even if nothing is in them.
    """

    box_office: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    coverage: list[CoverageRow] = field(default_factory=list)
    reach: dict[str, int] = field(default_factory=dict)
    missing_tables: set[str] = field(default_factory=set)
    new: dict[str, int] = field(default_factory=dict)

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

    def __init__(self, box_office: str, warehouse: Path, now: dt.datetime) -> None:
        self.box_office = box_office
        self.warehouse = warehouse
        self.now = now
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
        """What is news of everything added so far, and begins anew. The warehouse is asked now and not before: an
        earlier package of the same run may have been loaded meanwhile."""
        package = Package(self.box_office)
        happened, self._happened, self.documents, self.bytes = self._happened, [], 0, 0
        for name in {each.read.list.name for each in happened}:
            self._rows(package, name, [each for each in happened if each.read.list.name == name])
        self._refused(package, happened)
        for each in happened:
            self._coverage(package, each)
        newest = int(self.now.timestamp())
        for name, rows in package.rows.items():
            times = [row[3] for row in rows if row[3] is not None]
            held = register.ticket_tailor_newest_created_at(self.warehouse, name)
            package.reach[name] = max(newest, held or 0, *times, 0) - min(times, default=newest) + 1
        return package

    def _rows(self, package: Package, name: str, happened: list[Happening]) -> None:
        pages = sorted((each.page for each in happened if isinstance(each, Came)), key=lambda page: page.fetched_at)
        latest_only = LISTS[name].keeps == "latest"
        ids = [document.id for page in pages for document in page.documents]
        held = register.ticket_tailor_newest(self.warehouse, self.box_office, name, ids) if ids else {}
        rows: dict[str, Row] = {}
        for page in pages:
            for document in page.documents:
                hash_, fetched_at, missing_since = held.get(document.id, (None, None, None))
                if fetched_at and fetched_at > page.fetched_at:
                    continue
                same = hash_ == document.hash
                if same and missing_since is None:
                    continue
                if hash_ is None:
                    package.new[name] = package.new.get(name, 0) + 1
                # listed again as it was: the version held loses its mark, and keeps its time
                row = self._row(document, fetched_at if same else page.fetched_at, latest_only)
                rows[row[0]] = row
                held[document.id] = (document.hash, row[6], None)
        for end in happened:
            if not isinstance(end, Done) or end.ids is None:
                continue
            listed = register.ticket_tailor_listed(self.warehouse, self.box_office, name, end.covered)
            gone = sorted(listed - end.ids)
            lost = register.ticket_tailor_rows(self.warehouse, self.box_office, name, gone) if gone else []
            for version, key, created_at, text, hash_, fetched_at in lost:
                rows[version] = (version, self.box_office, key, created_at, text, hash_, fetched_at, self.now)
        if rows:
            package.rows[name] = list(rows.values())

    def _row(self, document: Document, fetched_at: dt.datetime, latest_only: bool) -> Row:
        version = (document.id,) if latest_only else (document.id, document.hash, fetched_at.isoformat())
        return (
            key_of(self.box_office, *version),
            self.box_office,
            document.id,
            document.created_at,
            document.text,
            document.hash,
            fetched_at,
            None,
        )

    def _refused(self, package: Package, happened: list[Happening]) -> None:
        found: dict[str, RefusedRow] = {}
        for each in happened:
            for other in each.page.misread if isinstance(each, Came) else ():
                name = each.read.list.name
                key = key_of(self.box_office, name, hashlib.blake2b(other.raw).hexdigest())
                found.setdefault(
                    key, (key, self.box_office, name, other.id, other.reason, other.raw, each.page.fetched_at)
                )
        held = register.ticket_tailor_refused(self.warehouse, list(found)) if found else set()
        package.refused = [row for key, row in found.items() if key not in held]

    def _coverage(self, package: Package, each: Happening) -> None:
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
