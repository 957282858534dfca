"""`boxoffice archive`: a Ticketor buffer's many small files as one compressed file a day, in the same buffer.

Only what raw holds whole and without a refusal is packed. A file is removed after its archive has been written to the
disk, read again from there, and found to hold exactly the bytes of the file, which yield exactly the records in raw.
The format of an archive is described in ``ticketor/archive_format.py``.
"""

import contextlib
import dataclasses
import datetime as dt
import gzip
import itertools
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from boxoffice.atomic_file import whole
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw import reading
from boxoffice.raw.file_store import Content, Listing, bounded
from boxoffice.run import lock
from boxoffice.settings import Settings, Site
from boxoffice.ticketor import archive_format, state
from boxoffice.ticketor.archive_format import Key, Member
from boxoffice.ticketor.buffer import FILES

Echo = Callable[[str], None]
Records = dict[str, list[tuple[int, str]]]  # by path: position and record_id

LARGE = 64 * 2**20  # bytes: a file beyond this is not a small file, and is left as it is


@dataclasses.dataclass
class Packed:
    """What was packed of one site: files, their bytes before and after, and messages about what had to be left."""

    site: str
    files: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    left: list[str] = dataclasses.field(default_factory=list)


def archive(
    settings: Settings, older_than: dt.timedelta, *, echo: Echo, now: dt.datetime | None = None
) -> list[Packed]:
    """Packs the files of every site that were received longer ago than that, by day of receipt (UTC).

    Raises Busy while a run is under way, and Problem when a buffer cannot be written or an archive does not hold what
    it should: no file has been removed then whose archive is not whole.
    """
    if not settings.sites:
        raise ConfigProblem("No Ticketor site is configured, so there is no buffer to archive.")
    before = (now or dt.datetime.now(dt.UTC)) - older_than
    lock.make_data_dir(settings, echo)
    done = []
    with lock.lock(settings):
        for site in settings.sites:
            packed = Packed(site.name)
            done.append(packed)
            if "://" in site.buffer.removeprefix("file://"):
                packed.left.append("a bucket: use its own lifecycle rules instead")
                continue
            found = state.archivable(settings.warehouse, site.name, before)
            for day, files in itertools.groupby(found, key=lambda file: file[3].astimezone(dt.UTC).date()):
                try:
                    _Day(settings, site, day, before, packed).pack({file[:3]: file[3] for file in files})
                except OSError as error:
                    raise Problem(
                        f"The buffer of {site.name} cannot be written: {error}. Nothing is lost: a file goes only once "
                        "its archive is whole. Let the user who runs Boxoffice write there, and call this again."
                    ) from None
            echo(f"ticketor {site.name}: {packed.files:,} files packed")
    return done


class _Day:
    """One archive: what it held, and what is added to it."""

    def __init__(self, settings: Settings, site: Site, day: dt.date, before: dt.datetime, packed: Packed) -> None:
        self.settings, self.site, self.before, self.packed = settings, site, before, packed
        self.root = Path(site.buffer.removeprefix("file://"))
        self.target = self.root / archive_format.FOLDER / f"{day}{archive_format.SUFFIX}"
        self.mode = 0o666  # and no more than any file in it has

    def pack(self, received: dict[Key, dt.datetime]) -> None:
        """Packs those of the files that still lie in the buffer as raw knows them."""
        there = {member.key: member for key in received if (member := self._read(key))}
        if not there:
            return
        ids = state.record_ids(self.settings.warehouse, self.site.name, [path for path, _, _ in there])
        records: Records = {}
        for path, made in _records(self.site, list(there.values())).items():
            if made and all((path, *record) in ids for record in made):
                records[path] = made
            else:
                self.packed.left.append(f"{path}: does not yield the records that raw holds of it")
        there = {key: member for key, member in there.items() if member.path in records}
        if not records:
            return
        self.target.parent.mkdir(stat.S_IMODE(self.root.stat().st_mode), exist_ok=True)
        size_before = 0
        if self.target.exists():
            size_before = self.target.stat().st_size
            self.mode &= self.target.stat().st_mode
        try:
            with whole(self.target, self.mode) as raw:
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
                    for line in self._kept(there):
                        file.write(line)
                    for key, member in there.items():
                        received_at = received[key].isoformat()
                        file.write(archive_format.line(member, self.site.name, received_at, records[member.path]))
                raw.flush()
                self._verify(Path(raw.name), there, records)
        except archive_format.Damaged as damaged:
            raise Problem(
                f"{damaged}\nNo file of that day was removed. Restore that archive from a copy, or move it away."
            ) from None
        finally:
            with contextlib.suppress(OSError):
                self.target.parent.rmdir()  # where nothing could be written into it
        self.packed.bytes_after += self.target.stat().st_size - size_before
        self._remove(list(there))

    def _read(self, key: Key) -> Member | None:
        """A file as raw holds it; None if it is gone, has changed, or cannot be read."""
        path = self.root / key[0]
        if key[1] > LARGE:
            return None
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            found = path.stat()
            if (found.st_size, bounded(found.st_mtime_ns)) == key[1:] and len(content) == key[1]:
                self.mode &= found.st_mode
                return Member(*key, content)
        return None

    def _kept(self, packed_now: dict[Key, Member]) -> Iterator[bytes]:
        """The lines that the day's archive holds already."""
        if self.target.exists():
            for member, line in archive_format.lines(self.target):
                if member.key not in packed_now:
                    yield line

    def _verify(self, fresh: Path, there: dict[Key, Member], records: Records) -> None:
        """Reads the archive back from the disk, to its end. Raises Damaged."""
        found = {member.key: member for member in archive_format.members(fresh) if member.key in there}
        if found != there or _records(self.site, list(found.values())) != records:
            raise archive_format.Damaged(f"{self.target}, read back, does not hold what was written")

    def _remove(self, keys: list[Key]) -> None:
        """The files that are packed, and the folders that they leave empty. A folder into which something was put
        lately is left: whoever does so may be about to put something more."""
        folders: dict[Path, int] = {}
        for path, _, _ in keys:
            for folder in list(Path(path).parents)[:-1]:
                folders.setdefault(folder, (self.root / folder).stat().st_mtime_ns)
        for key in keys:
            if self._read(key):
                (self.root / key[0]).unlink()
                self.packed.files += 1
                self.packed.bytes_before += key[1]
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            if folders[folder] < self.before.timestamp() * 1e9:
                with contextlib.suppress(OSError):
                    (self.root / folder).rmdir()


def _records(site: Site, members: list[Member]) -> Records:
    """The records that files make."""
    made: Records = {member.path: [] for member in members}
    for table, _ in reading.tables(FILES, site, _Given(members), Listing(), {}, lambda _path, _error: None):
        columns = (table[name].to_pylist() for name in ("file", "position", "record_id"))
        for path, position, record_id in zip(*columns, strict=True):
            made[path].append((position, record_id))
    return {path: sorted(records) for path, records in made.items()}


class _Given:
    """A buffer of these files and no others."""

    def __init__(self, members: list[Member]) -> None:
        self.members = members

    def read(self, _listing: Listing, _now_ns: Callable[[], int]) -> Iterator[tuple[str, Content | Exception]]:
        for member in self.members:
            yield member.path, archive_format.content(member)
