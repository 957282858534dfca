"""One account's buffer: each commit becomes a JSON Lines file that is whole or not there, whatever happens.

``2026-11-27/223000.123456-9f1c02ab-17.jsonl`` has one envelope a line. The folder is the day (UTC), the name says when
the commit was written, by which process and which of its commits it was; nothing of a request is in a name.
"""

import base64
import contextlib
import datetime as dt
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import orjson

from boxoffice.errors import Problem
from boxoffice.receiver import refusals

# Given back when the disk is full: some twenty thousand deliveries, and room to record what is refused after them.
RESERVE, RESERVE_FOR_REFUSALS = 64 * 2**20, 2**20
REFUSALS_PART = 2**14
# no JSON and no form has one; in an envelope each would take six bytes
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))


class Delivery(NamedTuple):
    """One request as it came. ``signature`` is the text of Ticket Tailor's header, None of Ticketor."""

    received_at: dt.datetime
    sequence: int
    hint: str | None
    content_type: str | None
    body: bytes
    sha256: str
    signature: str | None = None


def envelope(delivery: Delivery) -> bytes:
    """The line of a file that keeps a delivery: its body as text, or in base64 where it is not plain UTF-8."""
    encoding, body = "text", None
    if len(delivery.body.translate(None, _CONTROLS)) == len(delivery.body):
        with contextlib.suppress(UnicodeDecodeError):
            body = delivery.body.decode()
    if body is None:
        encoding, body = "base64", base64.b64encode(delivery.body).decode()
    line = {
        "received_at": delivery.received_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "sequence": delivery.sequence,
        "hint": delivery.hint,
        "content_type": delivery.content_type,
        "encoding": encoding,
        "body": body,
        "sha256": delivery.sha256,
    }
    if delivery.signature is not None:
        line["signature"] = delivery.signature
    return orjson.dumps(line) + b"\n"


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota has no room left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class Buffer:
    """The folder of one account. Its methods are called by one thread at a time; several processes may share it."""

    def __init__(self, folder: Path, min_free: int) -> None:
        """Makes the folder where it is missing, readable by its group. Raises Problem where it cannot be written."""
        self.folder, self._min_free = folder, min_free
        self._reserve = folder / ".reserve"
        self._process, self._commits = secrets.token_hex(4), 0
        self._synced_day = ""
        try:
            if missing := [each for each in (folder, *folder.parents) if not each.exists()]:
                folder.mkdir(parents=True)
                with contextlib.suppress(PermissionError):  # systemd's RestrictSUIDSGID
                    folder.chmod(0o2750)  # what is made inside belongs to the same group
                for each in missing:
                    _sync(each.parent)
            self.probe()
            self.fill_reserve()
        except OSError as error:
            if not is_full(error):
                raise Problem(
                    f"{error.filename or folder} cannot be written: {error.strerror}. Nothing was started. Give the "
                    f"buffer {folder} to the user who runs the receiver."
                ) from None

    def write(self, deliveries: Iterable[Delivery]) -> bool:
        """Makes one file of the deliveries, on the disk when this returns; True if that took the reserve.

        Raises OSError where they may not be: what was written of the file is then given up.
        """
        content = b"".join(map(envelope, deliveries))
        try:
            self._write(content)
        except OSError as error:
            if not is_full(error) or not self._give_way(RESERVE_FOR_REFUSALS):
                raise
            self._write(content)
            return True
        return False

    def record(self, found: Iterable[refusals.Refusal]) -> None:
        """Appends what was refused. Raises OSError where that cannot be kept."""
        lines = refusals.lines(found)
        try:
            refusals.append(self.folder, lines)
        except OSError as error:
            size = self._reserve_size()
            if not is_full(error) or not self._give_way(max(0, size - REFUSALS_PART)):
                raise
            refusals.append(self.folder, lines)

    def probe(self) -> None:
        """Raises OSError where nothing can be written and synced."""
        probe = self.folder / f".{self._process}.part"
        file = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            os.write(file, b"x")
            os.fsync(file)
        finally:
            os.close(file)
            probe.unlink()

    def is_low(self) -> bool:
        """Whether the disk has less room than it should: 5 % of it, or ``min_free`` if that is less."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize < min(self._min_free, disk.f_blocks * disk.f_frsize // 20)

    def free(self) -> int:
        """Bytes left on the disk."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def fill_reserve(self) -> None:
        """Takes the reserve from the disk, where it is missing and there is room. Raises OSError."""
        if self._reserve_size() >= RESERVE or self.is_low() or self.free() < 2 * RESERVE:
            return
        with open(self._reserve, "wb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, 0o600)) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, RESERVE)
            else:
                file.write(bytes(RESERVE))

    def _reserve_size(self) -> int:
        try:
            return self._reserve.stat().st_size
        except FileNotFoundError:
            return 0

    def _give_way(self, keep: int) -> bool:
        """Frees the reserve, all but so many bytes; False if there is no more than that."""
        if self._reserve_size() <= keep:
            return False
        os.truncate(self._reserve, keep)
        return True

    def _write(self, content: bytes) -> None:
        now = dt.datetime.now(dt.UTC)
        self._commits += 1
        name = f"{now:%H%M%S.%f}-{self._process}-{self._commits}.jsonl"
        part = f".{name}.part"
        day = self._open_day(f"{now:%Y-%m-%d}")
        try:
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640, dir_fd=day)
            try:
                try:
                    _write_all(file, content)
                    os.fsync(file)
                finally:
                    os.close(file)
                os.rename(part, name, src_dir_fd=day, dst_dir_fd=day)
            except OSError:
                # after a failed fsync the kernel considers its pages clean: a second fsync would succeed wrongly
                with contextlib.suppress(OSError):
                    os.unlink(part, dir_fd=day)
                raise
            os.fsync(day)
        finally:
            os.close(day)

    def _open_day(self, day: str) -> int:
        path = self.folder / day
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            self._synced_day = ""
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o750)
            descriptor = os.open(path, flags)
        # once a day, also for a folder that is there: another process may have made it a moment ago
        if self._synced_day != day:
            try:
                _sync(self.folder)
            except OSError:
                os.close(descriptor)
                raise
            self._synced_day = day
        return descriptor


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
