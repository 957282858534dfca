"""Access to a buffer, a local folder or a bucket: lists files and reads bytes, whatever they mean."""

import contextlib
import datetime as dt
import errno
import os
import re
import stat
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from boxoffice.errors import Problem

WHOLE = 8 * 2**20  # bytes: a file up to this size is read at once, a larger one in pieces of it
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
RACY_NS = 2_000_000_000  # a folder that changed within 2 s may change again without its time moving
NOT_REMEMBERED = -1
BUCKET_BATCH_FILES, BUCKET_BATCH_BYTES = 256, 16 * 2**20
RECENT_DAYS = 3

# what `boxoffice receive` names a file, which it puts in place whole: no one is still writing it
_WHOLE_NAME = re.compile(r"(?:.*/)?\d{6}\.\d{6}-[0-9a-f]{8}-\d+\.jsonl")
_DAY = re.compile(r"20\d\d(?:[-_.]?[01]\d(?:[-_.]?[0-3]\d)?)?(?:[T_-]\d\d)?")


class Listing:
    """Files by column: paths within the buffer, sizes in bytes, modification times in ns since 1970."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.sizes = array("q")
        self.times = array("q")
        self.real: dict[str, str] = {}  # the path as the file system has it, where that is no text
        self.folders: dict[str, int] = {}  # folders listed, and the time to remember each by
        self.messages: list[str] = []
        self.unreadable: list[str] = []  # folders, and why
        self.young = 0  # files that may still be written: left to the next run
        self.links = 0  # not followed

    def add(self, path: str, size: int, mtime_ns: int) -> None:
        if not path.isascii() and not is_text(path):
            real, path = path, path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            self.real[path] = real
        self.paths.append(path)
        self.sizes.append(size)
        try:
            self.times.append(mtime_ns)
        except OverflowError:
            self.times.append(bounded(mtime_ns))

    def __len__(self) -> int:
        return len(self.paths)


class Content(NamedTuple):
    """A file that is being read: as it was when it was opened. ``whole`` is None for a large one."""

    size: int
    mtime_ns: int
    whole: bytes | None
    chunks: Callable[[], Iterable[bytes]]


class NotYet(Exception):
    """The file is gone: left to the next run."""


class Young(NotYet):
    """The file may still be written."""


def bounded(mtime_ns: int) -> int:
    """A file's time as a BIGINT holds it: file systems go beyond the year 2262."""
    return max(min(mtime_ns, 2**63 - 1), -(2**63))


def is_text(path: str) -> bool:
    """Whether a path can be written as UTF-8; the bytes of a file name may be anything."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_finished(name: str) -> bool:
    """Whether a name is that of a file which its writer has finished."""
    return not name.startswith((".", "_")) and not name.endswith(UNFINISHED)


class LocalFolder:
    """A buffer in a folder of this machine. ``owner`` is how messages name its account.

    No link leads out of it, whoever creates one and whenever; with ``follow_links``, only links to what belongs to
    this user or to root.
    """

    def __init__(self, owner: str, root: str, settle_seconds: float, follow_links: bool) -> None:
        self.owner, self.root, self.follow_links = owner, root, follow_links
        self.settle_ns = int(settle_seconds * 1e9)

    def look(self, held: Mapping[str, int], now_ns: int, *, sweep: bool) -> Listing:
        """The files of every folder whose time is not the one held. Raises Problem when the buffer is not there."""
        listing = Listing()
        children: dict[str, list[str]] = {}
        for folder in held:
            if folder:
                children.setdefault(folder.rpartition("/")[0], []).append(folder)
        seen: set[tuple[int, int]] = set()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                found = self._stat(folder, self.follow_links or not folder)
                if not stat.S_ISDIR(found.st_mode):
                    if not folder:
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                    continue
                if (found.st_dev, found.st_ino) in seen:
                    continue
                seen.add((found.st_dev, found.st_ino))
                mtime_ns = bounded(found.st_mtime_ns)
                if held.get(folder) == mtime_ns and not sweep:
                    waiting += children.get(folder, [])
                    continue
                complete, inner = self._list_one(folder, listing, now_ns)
            except OSError as error:
                if not folder:
                    raise self._problem(error) from None
                if not isinstance(error, FileNotFoundError):
                    listing.unreadable.append(f"{folder}: {error.strerror}")
                    if is_text(folder):  # or it would not be asked for again while its parent stays as it is
                        listing.folders[folder] = NOT_REMEMBERED
                continue
            waiting += inner
            if is_text(folder):
                settled = complete and mtime_ns < now_ns - RACY_NS and all(map(is_text, inner))
                listing.folders[folder] = mtime_ns if settled else NOT_REMEMBERED
        if listing.links:
            links = "1 link is" if listing.links == 1 else f"{listing.links:,} links are"
            listing.messages.append(
                f"{links} not followed: what lies outside the buffer is not read. Move the files into it, or set "
                "follow_links for this site, which reads what belongs to this user or to root."
            )
        return listing

    def _list_one(self, folder: str, listing: Listing, now_ns: int) -> tuple[bool, list[str]]:
        complete, inner = True, []
        prefix = f"{folder}/" if folder else ""
        with _Opener(self) as opener, os.scandir(opener.enter(folder)) as entries:
            for entry in entries:
                name = entry.name
                if not is_finished(name):
                    continue
                try:
                    if entry.is_symlink() and not (self.follow_links and _is_ours(entry.stat())):
                        complete = False  # so that each run reports it again
                        listing.links += 1
                        continue
                    if entry.is_dir():
                        inner.append(prefix + name)
                        continue
                    found = entry.stat()
                except FileNotFoundError:
                    continue
                if not stat.S_ISREG(found.st_mode):
                    continue
                if abs(now_ns - found.st_mtime_ns) < self.settle_ns and not _WHOLE_NAME.fullmatch(name):
                    complete = False
                    listing.young += 1
                    continue
                listing.add(prefix + name, found.st_size, found.st_mtime_ns)
        return complete, inner

    def _stat(self, path: str, follow: bool) -> os.stat_result:
        return os.stat(os.path.join(self.root, path), follow_symlinks=follow)  # noqa: PTH116, PTH118

    def stat(self, path: str) -> tuple[int, int] | None:
        """Size and time of a file; None when it is gone."""
        with contextlib.suppress(OSError):
            found = self._stat(path, self.follow_links)
            return found.st_size, bounded(found.st_mtime_ns)
        return None

    def read(self, listing: Listing, now_ns: Callable[[], int]) -> Iterator[tuple[str, Content | Exception]]:
        """Each file of a listing with what is in it, or why it cannot be read."""
        with _Opener(self) as opener:
            yield from self._read(listing, now_ns, opener)

    def _read(
        self, listing: Listing, now_ns: Callable[[], int], opener: "_Opener"
    ) -> Iterator[tuple[str, Content | Exception]]:
        for path in listing.paths:
            try:
                handle = opener.open(listing.real.get(path, path))
            except OSError as error:
                yield path, NotYet() if error.errno in _GONE else error
                continue
            try:
                found = os.fstat(handle)
                mtime_ns = bounded(found.st_mtime_ns)
                if not stat.S_ISREG(found.st_mode):
                    yield path, NotYet()
                elif abs(now_ns() - mtime_ns) < self.settle_ns and not _WHOLE_NAME.fullmatch(path):
                    yield path, Young()
                elif found.st_size > WHOLE:
                    yield path, Content(found.st_size, mtime_ns, None, _pieces(handle, found.st_size))
                else:
                    whole = os.read(handle, found.st_size)
                    if len(whole) < found.st_size:  # it was cut while we read, or a read came back short
                        whole += b"".join(_pieces(handle, found.st_size - len(whole), len(whole))())
                    yield path, Content(found.st_size, mtime_ns, whole, lambda whole=whole: (whole,))
            except OSError as error:
                yield path, error
            finally:
                os.close(handle)

    def _problem(self, error: OSError) -> Problem:
        reason = "there is no folder" if isinstance(error, FileNotFoundError) else f"{error.strerror}:"
        return Problem(
            f"{self.owner}: {reason} {self.root}\n"
            "Nothing was read from it, and nothing that was loaded before is lost.\n"
            "Create or mount it, give this user the right to read it, or correct the `buffer` setting."
        )


# What a file or folder that has been listed is meanwhile: not there, or a link or something else in its place.
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)


class _Opener:
    """Opens files and folders of a buffer from folder to folder, so that no part of a path is a link; keeps the folder
    that it opened last."""

    def __init__(self, buffer: LocalFolder) -> None:
        self.buffer = buffer
        self.folder: str | None = None
        self.handle = -1

    def __enter__(self) -> "_Opener":
        return self

    def __exit__(self, *_: object) -> None:
        if self.folder is not None:
            os.close(self.handle)
            self.folder = None

    def enter(self, folder: str) -> int:
        """A descriptor of a folder; it is closed with the next one."""
        if folder != self.folder:
            self.__exit__()
            handle = os.open(self.buffer.root, os.O_RDONLY | os.O_DIRECTORY)
            for name in folder.split("/") if folder else ():
                try:
                    inner = self._open(name, os.O_DIRECTORY, handle)
                finally:
                    os.close(handle)
                handle = inner
            self.folder, self.handle = folder, handle
        return self.handle

    def open(self, path: str) -> int:
        """A descriptor of a file, for the caller to close."""
        folder, _, name = path.rpartition("/")
        return self._open(name, 0, self.enter(folder))

    def _open(self, name: str, flags: int, folder: int) -> int:
        flags |= os.O_RDONLY | os.O_NONBLOCK  # a FIFO in a file's place would be waited for
        try:
            return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            if not self.buffer.follow_links or error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
        handle = os.open(name, flags, dir_fd=folder)
        if not _is_ours(os.fstat(handle)):
            os.close(handle)
            raise PermissionError(errno.EACCES, "a link to what belongs to another user")
        return handle


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid in (0, os.geteuid())


def _pieces(handle: int, size: int, start: int = 0) -> Callable[[], Iterator[bytes]]:
    """Reads a file up to the size it had when it was opened: what is appended meanwhile is for the next run."""

    def pieces() -> Iterator[bytes]:
        position, end = start, start + size
        while position < end and (piece := os.pread(handle, min(WHOLE, end - position), position)):
            position += len(piece)
            yield piece

    return pieces


class Bucket:
    """A buffer under an address that fsspec knows, such as ``s3://bucket/prefix``.

    Buckets have no folder times. Folders that are named by a day are listed for the last days, all others each time.
    """

    def __init__(self, owner: str, address: str) -> None:
        import fsspec

        self.owner, self.address = owner, address
        try:
            self.files, self.root = fsspec.core.url_to_fs(address, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise Problem(
                f"{owner}: the address {address} cannot be used: {error}\n"
                "Nothing was read from it. Buckets need a package of their own, for s3:// it is s3fs: "
                f"{sys.executable} -m pip install --constraint constraints.txt s3fs"
            ) from None
        self.root = self.root.rstrip("/")

    def look(self, held: Mapping[str, int], now_ns: int, *, sweep: bool) -> Listing:
        """The files under the last days' folders; under all folders at a sweep, and as long as nothing is held."""
        del held
        listing = Listing()
        oldest = dt.datetime.fromtimestamp(now_ns / 1e9, dt.UTC).date() - dt.timedelta(days=RECENT_DAYS)
        waiting = [self.root]
        try:
            self.files.invalidate_cache()
            while waiting:
                folder = waiting.pop()
                for info in self._entries(folder):
                    path = info["name"].rstrip("/")
                    relative = path[len(self.root) :].lstrip("/")
                    if not relative or path == folder or not is_finished(relative.rpartition("/")[2]):
                        continue
                    if info["type"] != "directory":
                        listing.add(relative, int(info.get("size") or 0), _mtime_ns(info))
                    elif sweep or _may_be_recent(relative, oldest):
                        waiting.append(path)
        except Exception as error:
            raise Problem(
                f"{self.owner}: {self.address} cannot be listed: {_first_line(error)}\n"
                "Nothing was read from it, and nothing that was loaded before is lost.\n"
                "Check the address, the network and the credentials (for s3:// those that the AWS tools use)."
            ) from None
        return listing

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        try:
            return self.files.ls(folder, detail=True)
        except FileNotFoundError:
            if folder == self.root and "/" in folder:
                self.files.ls(folder.partition("/")[0])  # raises when there is no such bucket either
            return []  # a bucket has no empty folders: nothing has come yet

    def stat(self, path: str) -> tuple[int, int] | None:
        """None: a bucket is listed afresh each time."""
        del path
        return None

    def read(self, listing: Listing, now_ns: Callable[[], int]) -> Iterator[tuple[str, Content | Exception]]:
        """Each file of a listing with what is in it, or why it cannot be read. Small ones come many at a time."""
        del now_ns
        batch: list[int] = []
        size = 0
        for number in range(len(listing)):
            if listing.sizes[number] > WHOLE:
                path = listing.paths[number]
                yield path, Content(listing.sizes[number], listing.times[number], None, self._pieces(path))
                continue
            batch.append(number)
            size += listing.sizes[number]
            if len(batch) >= BUCKET_BATCH_FILES or size >= BUCKET_BATCH_BYTES:
                yield from self._read_batch(listing, batch)
                batch, size = [], 0
        yield from self._read_batch(listing, batch)

    def _read_batch(self, listing: Listing, batch: Iterable[int]) -> Iterator[tuple[str, Content | Exception]]:
        paths = {f"{self.root}/{listing.paths[number]}": number for number in batch}
        contents: dict[str, Any] = {}
        if paths:
            contents = self.files.cat(list(paths), on_error="return")
        for full, number in paths.items():
            content = contents.get(full, FileNotFoundError())
            if isinstance(content, FileNotFoundError):
                yield listing.paths[number], NotYet()
            elif isinstance(content, Exception):
                yield listing.paths[number], content
            else:
                whole = bytes(content)
                yield (
                    listing.paths[number],
                    Content(listing.sizes[number], listing.times[number], whole, lambda whole=whole: (whole,)),
                )

    def _pieces(self, path: str) -> Callable[[], Iterator[bytes]]:
        def pieces() -> Iterator[bytes]:
            with self.files.open(f"{self.root}/{path}", "rb", block_size=WHOLE, cache_type="readahead") as file:
                while piece := file.read(WHOLE):
                    yield piece

        return pieces


def _may_be_recent(path: str, oldest: dt.date) -> bool:
    """Whether a folder may hold files of the last days: 2026/11/21, 2026-11-21, year=2026/month=11/day=21, 20261121."""
    digits = ""
    for name in path.split("/"):
        name = name.rpartition("=")[2]
        if not digits and _DAY.fullmatch(name):
            digits = re.sub(r"\D", "", name)[:8]
        elif digits and len(digits) < 8 and re.fullmatch(r"\d\d", name):
            digits += name
        elif digits:
            break
    return digits >= oldest.strftime("%Y%m%d")[: len(digits)]


def _mtime_ns(info: Mapping[str, Any]) -> int:
    for key in ("LastModified", "mtime", "last_modified", "updated", "modified", "created"):
        value = info.get(key)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = dt.datetime.fromisoformat(value)
        if isinstance(value, dt.datetime):
            value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return (value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
        if isinstance(value, (int, float)):
            return int(value * 1e9)
    return 0


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
