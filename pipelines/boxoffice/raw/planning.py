"""What is new in an account's buffer, and the loads it makes. Imports no dlt, so that an idle run can look cheaply.

There is no high-water mark on times or names, so a file may come late, under an old or a future time, be renamed,
rewritten or still grow. A file is new unless raw holds a whole reading of it at its present size and time. Which files
to ask about: those in folders whose own time has moved; those read in the last days, for one may have grown without its
folder noticing; and at a sweep, once a day, all of them.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from boxoffice.errors import Problem
from boxoffice.raw.file_state import HeldFiles
from boxoffice.raw.file_store import NOT_REMEMBERED, Bucket, Listing, LocalFolder, NotYet, Young
from boxoffice.settings import BoxOffice, FileBounds, Site

if TYPE_CHECKING:
    import pyarrow as pa


# So many tables make a whole row group of DuckDB, 122,880 rows. Smaller ones are joined when the warehouse is next
# closed: all of raw would be written once more, and without the compression of a large load.
PACKAGE_TABLES = 5
TABLE_RECORDS = 122_880 // PACKAGE_TABLES
TABLE_BYTES = 80 * 2**20
GROWING_DAYS = 2
GROWING_FILES = 1_000
WORTH_REMEMBERING = 2_000  # files listed for nothing: from here on a load that only remembers folders pays
_DAY_NS = 86_400 * 10**9

# record_id -> (received_at in microseconds since 1970, its basis), for what raw holds already
Known = Mapping[str, tuple[int, str]]


class Files(Protocol):
    """What a platform's buffers hold, and where raw holds it. Its modules of rows are imported when files are read.

    owner   how messages call an account
    held    raw's table of records
    """

    owner: str
    held: HeldFiles

    def store(self, folder: LocalFolder) -> Any:
        """A local buffer, with whatever else holds files of it."""

    def rows(self, account: str) -> Any:
        """No rows yet: an object with a length, a ``size`` in bytes, and ``table()``."""

    def reader(self, rows: Any, path: str, size: int, mtime_ns: int, known: Known, bounds: FileBounds) -> Any:
        """Reads one file into the rows: see ``ticketor/records.py``."""


@dataclass
class Package:
    """One load, to be loaded once: some rows, and in the last one the folders to remember (None: none yet)."""

    records: "pa.Table | None" = None
    folders: dict[str, int] | None = field(default_factory=dict)


@dataclass
class Plan:
    """What an account's buffer holds that raw does not.

    ``messages`` are for the user, about the buffer. ``unreadable`` and ``young`` fill up while the packages are
    made: files (and folders) that could not be read, and how many may still be written; the next run tries both again.
    """

    files: Files
    account: Site | BoxOffice
    warehouse: Path
    store: Any
    new: Listing
    read_before: list[str]
    folders: dict[str, int]
    listed: int
    first: bool
    young: int = 0
    messages: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def twin(self, configured: set[str]) -> str | None:
        """The account, not ``configured`` any more, that raw holds these files of, while it holds none of this one's.

        Path, size and time are proof; where copying has changed the times, so is half of all files.
        """
        if not len(self.new):
            return None
        held = self.files.held
        found = held.elsewhere(self.warehouse, self.account.name, self.new.paths, self.new.sizes, self.new.times)
        same = {
            name: files
            for name, (files, exactly) in found.items()
            if name not in configured and (exactly or files * 2 >= len(self.new))
        }
        return max(same, key=lambda name: same[name]) if same else None

    @property
    def waiting(self) -> list[str]:
        """A sentence, that files are too young to be read; empty where none is."""
        files = "1 file is" if self.young == 1 else f"{self.young:,} files are"
        return [f"{files} younger than {self.account.settle_seconds:g} s: left to the next run"] if self.young else []

    @property
    def unreadable_problem(self) -> Problem | None:
        """What could not be read, as a Problem; None if everything could."""
        if not self.unreadable:
            return None
        if len(self.unreadable) == 1:
            return Problem(
                f"A file or folder could not be read: {self.unreadable[0]}. All others are loaded; this one is tried "
                "again by every run."
            )
        return Problem(
            f"{len(self.unreadable)} files or folders could not be read, for example {self.unreadable[0]}. "
            "All others are loaded; these are tried again by every run."
        )

    @property
    def is_empty(self) -> bool:
        """Whether a load would bring nothing new."""
        remembers = self.folders and self.listed >= WORTH_REMEMBERING
        return not len(self.new) and not self.first and not remembers and not self.unreadable

    def packages(self) -> Iterator[Package]:
        """The loads, each small enough for some gigabyte of memory; while one is loaded the next is read.

        Asks the register before the first and not again, so that the warehouse can be written meanwhile.
        """
        if not len(self.new):
            if self.folders or self.first:
                yield Package(folders=self.folders)
            return
        import pyarrow as pa

        from boxoffice.raw import reading
        from boxoffice.raw.reading_ahead import reading_ahead

        known = self.files.held.known(self.warehouse, self.account.name, self.read_before)
        made = reading.tables(self.files, self.account, self.store, self.new, known, self._cannot_read)
        first, is_last = next(made)
        if is_last:
            yield Package(first, self.folders)
            return
        folders: dict[str, int] | None = {}  # the first load makes both tables
        tables: list[pa.Table] = []
        data_dir = self.warehouse.parent if self.warehouse.parent.is_dir() else None
        with reading_ahead(made, self._seen, data_dir) as rest:
            arriving = itertools.chain([(first, None)], rest)
            del first
            for table, seen in arriving:
                tables.append(table)
                if seen:
                    self.folders, self.unreadable, self.young = seen
                if seen or len(tables) == PACKAGE_TABLES:
                    package = Package(pa.concat_tables(tables), self.folders if seen else folders)
                    tables, table = [], None  # a load takes enough memory without them
                    yield package
                    folders = None

    def _seen(self) -> tuple[dict[str, int], list[str], int]:
        """What reading has changed of this plan."""
        return self.folders, self.unreadable, self.young

    def _cannot_read(self, path: str, error: Exception) -> None:
        """The file stays new, and so its folder must be listed again."""
        self.folders[path.rpartition("/")[0]] = NOT_REMEMBERED
        if isinstance(error, Young):
            self.young += 1
        elif not isinstance(error, NotYet):
            self.unreadable.append(f"{path}: {getattr(error, 'strerror', None) or error}")


def plan(files: Files, account: Site | BoxOffice, warehouse: Path, *, sweep: bool = False) -> Plan:
    """What is new in the account's buffer. ``sweep`` asks about every file, also in folders that have not changed.

    Raises Problem when the buffer is not there or cannot be listed.
    """
    now_ns = time.time_ns()
    in_bucket = "://" in account.buffer and not account.buffer.startswith("file://")
    root, owner = account.buffer.removeprefix("file://"), f"{files.owner} {account.name}"
    if in_bucket:
        store = Bucket(owner, root)
    else:
        store = files.store(LocalFolder(owner, root, account.settle_seconds, account.follow_links))
    first = not files.held.tables_exist(warehouse)
    held = {} if first else files.held.folders(warehouse, account.name)
    in_bucket_first = in_bucket and not held
    listing = store.look(held, now_ns, sweep=sweep or in_bucket_first)
    if in_bucket:
        listing.folders[""] = NOT_REMEMBERED  # only says that a first listing is behind us
    elif not first and not sweep:
        _add_grown(
            listing,
            store,
            files.held.recent(warehouse, account.name, now_ns - GROWING_DAYS * _DAY_NS, GROWING_FILES),
            now_ns,
            account.settle_seconds,
        )
    new, read_before = listing, []
    if not first and len(listing):
        new = Listing()
        new.real = listing.real
        for number, before in files.held.unread(warehouse, account.name, listing.paths, listing.sizes, listing.times):
            new.add(listing.paths[number], listing.sizes[number], listing.times[number])
            if before:
                read_before.append(listing.paths[number])
    return Plan(
        files,
        account,
        warehouse,
        store,
        new,
        read_before,
        folders={folder: mtime for folder, mtime in listing.folders.items() if _is_news(held, folder, mtime)},
        listed=len(listing),
        first=first,
        young=listing.young,
        messages=listing.messages,
        unreadable=listing.unreadable,
    )


def _is_news(held: Mapping[str, int], folder: str, mtime_ns: int) -> bool:
    return folder not in held if mtime_ns == NOT_REMEMBERED else held.get(folder) != mtime_ns


def _add_grown(
    listing: Listing, store: Any, recent: Mapping[str, set[tuple[int, int]]], now_ns: int, settle_seconds: float
) -> None:
    """Adds the files that changed in place, which their folder's time does not show."""
    for path, readings in recent.items():
        if path.rpartition("/")[0] in listing.folders:
            continue
        found = store.stat(path)
        if found and found not in readings:
            if abs(now_ns - found[1]) < settle_seconds * 1e9:
                listing.young += 1
            else:
                listing.add(path, *found)
