"""Buffer files that `boxoffice archive` has packed: read as if each still lay where it was.

An archive is ``_archive/<day>.jsonl.gz`` within the buffer (a receiver's files never start with an underscore), one
line for each file of that day of receipt (UTC):

    {"site": …, "file": …, "size": …, "mtime_ns": …, "received_at": …, "records": [[position, record_id], …],
     "text": …}

``text`` is what the file held, or ``base64`` where that is not UTF-8. Path, size, time and bytes are the file's own,
and rows are made of nothing else: so every record keeps its ``record_id``, its position and its time of receipt.
"""

import base64
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from boxoffice.raw.file_store import WHOLE, Content, Listing, LocalFolder, bounded

LONGEST_LINE = 256 * 2**20  # bytes; the files that are packed have 64 MB at most, and base64 a third more
FOLDER = "_archive"
SUFFIX = ".jsonl.gz"

Key = tuple[str, int, int]


class Member(NamedTuple):
    """A packed file: path within the buffer, size in bytes, modification time in ns since 1970, and what it held."""

    path: str
    size: int
    mtime_ns: int
    content: bytes

    @property
    def key(self) -> Key:
        return self.path, self.size, self.mtime_ns


class Damaged(Exception):
    """An archive that cannot be read to its end."""


def line(member: Member, site: str, received_at: str, records: list[tuple[int, str]]) -> bytes:
    """A member as a line of an archive."""
    envelope: dict[str, Any] = {
        "site": site,
        "file": member.path,
        "size": member.size,
        "mtime_ns": member.mtime_ns,
        "received_at": received_at,
        "records": records,
    }
    try:
        envelope["text"] = member.content.decode()
    except UnicodeDecodeError:
        envelope["base64"] = base64.b64encode(member.content).decode()
    return orjson.dumps(envelope) + b"\n"


def members(archive: Path) -> Iterator[Member]:
    """What an archive holds. Raises Damaged after what could still be read."""
    for member, _ in lines(archive):
        yield member


def lines(archive: Path) -> Iterator[tuple[Member, bytes]]:
    """The members of an archive, each with its line. Raises Damaged after what could still be read."""
    try:
        with (
            os.fdopen(os.open(archive, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as raw_file,
            gzip.open(raw_file) as file,
        ):
            while raw := file.readline(LONGEST_LINE):
                yield _member(orjson.loads(raw)), raw
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise Damaged(f"{archive}: {type(error).__name__} {error}") from None


def _member(envelope: dict[str, Any]) -> Member:
    """Raises ValueError, KeyError, TypeError or AttributeError for what `archive` has not written."""
    content = envelope["text"].encode() if "text" in envelope else base64.b64decode(envelope["base64"])
    path, size, mtime_ns = envelope["file"], envelope["size"], envelope["mtime_ns"]
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("a path that leads out of the buffer")
    if size != len(content) or type(mtime_ns) is not int or mtime_ns != bounded(mtime_ns):
        raise ValueError("a size or time that is not the file's")
    return Member(path, size, mtime_ns, content)


class WithArchive:
    """A local buffer together with its archive: lists and reads both.

    An archive is opened only when raw does not remember it as it is now, which is after it was written and after raw
    was lost or put back.
    """

    def __init__(self, folder: LocalFolder) -> None:
        self.folder = folder
        self._packed: dict[Key, Path] = {}

    def look(self, held: Mapping[str, int], now_ns: int, *, sweep: bool) -> Listing:
        """The files of folders and archives whose time is not the one held."""
        loose = {folder: mtime for folder, mtime in held.items() if folder.partition("/")[0] != FOLDER}
        listing = self.folder.look(loose, now_ns, sweep=sweep)
        archive = Path(self.folder.root) / FOLDER
        if archive.is_symlink():
            return listing
        try:
            entries = [
                entry
                for entry in os.scandir(archive)
                if entry.name.endswith(SUFFIX)
                and not entry.name.startswith(".")
                and entry.is_file(follow_symlinks=False)
            ]
        except FileNotFoundError:
            return listing
        there = set(zip(listing.paths, listing.sizes, listing.times, strict=True))
        for entry in sorted(entries, key=lambda entry: entry.name):
            name, mtime_ns = f"{FOLDER}/{entry.name}", entry.stat().st_mtime_ns
            if held.get(name) == mtime_ns:
                continue
            try:
                for member in members(Path(entry.path)):
                    # a kill while archiving leaves a file in both places
                    if member.key not in there:
                        self._packed[member.key] = Path(entry.path)
                        listing.add(*member.key)
                listing.folders[name] = mtime_ns
            except Damaged as damaged:
                listing.messages.append(
                    f"{self.folder.owner}: an archive is damaged; what could be read of it is loaded. {damaged}"
                )
        return listing

    def stat(self, path: str) -> tuple[int, int] | None:
        """Size and time of a file that is not packed; None when it is gone."""
        return self.folder.stat(path)

    def read(self, listing: Listing, now_ns: Callable[[], int]) -> Iterator[tuple[str, Content | Exception]]:
        """Each file of a listing with what is in it, or why it cannot be read."""
        loose, packed = Listing(), set()
        loose.real = listing.real
        for key in zip(listing.paths, listing.sizes, listing.times, strict=True):
            if key in self._packed:
                packed.add(key)
            else:
                loose.add(*key)
        for archive in sorted({self._packed[key] for key in packed}):
            try:
                for member in members(archive):
                    if member.key in packed:
                        packed.remove(member.key)
                        yield member.path, content(member)
            except Damaged:
                continue
        for path, _, _ in sorted(packed):
            yield path, Damaged("the archive that holds it is damaged")
        yield from self.folder.read(loose, now_ns)


def content(member: Member) -> Content:
    """A member as a reader of files takes it."""
    held = member.content
    return Content(member.size, member.mtime_ns, held if len(held) <= WHOLE else None, lambda: (held,))
