"""The data folder, for its owner alone, and the lock that lets one process at a time write it."""

import contextlib
import datetime as dt
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator

from boxoffice.errors import Busy, Problem
from boxoffice.run import disk
from boxoffice.settings import Settings
from boxoffice.terminal import duration

# even a first run of many years does not take so long
HANGS_AFTER = dt.timedelta(hours=6)


def make_data_dir(settings: Settings, echo: Callable[[str], None]) -> None:
    """The folder of everything Boxoffice writes, for its owner alone, whoever made it; unless ``published_mode`` says
    that others shall read the published file.

    Raises Problem where it cannot be made or written.
    """
    try:
        if not settings.data_dir.exists():
            settings.data_dir.mkdir(parents=True, mode=0o700)
        elif not settings.data_dir.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(settings.data_dir))
        found = settings.data_dir.stat()
        if found.st_mode & 0o077 and not settings.published_mode & 0o077 and found.st_uid == os.geteuid():
            settings.data_dir.chmod(0o700)
            echo(
                f"{settings.data_dir} was open to other users of this machine (mode {stat.S_IMODE(found.st_mode):o}): "
                "only its owner can read it now (700). To share boxoffice.duckdb set published_mode."
            )
        settings.logs.mkdir(mode=0o700, exist_ok=True)
        probe = settings.data_dir / ".writable"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            if not disk.is_full(error):  # which the run says, and writes down
                raise
        os.close(os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600))
        disk.keep_reserve(settings)
    except OSError as error:
        if disk.is_full(error):
            raise disk.problem(settings) from None
        is_denied = error.errno in (errno.EACCES, errno.EPERM)
        advice = (
            f"Give {settings.data_dir} and all in it to the user who runs Boxoffice (`sudo boxoffice run` may have "
            "taken it), or set BOXOFFICE_DATA_DIR to another folder."
        )
        raise Problem(
            f"{error.filename} cannot be written: {error.strerror}. Nothing was run. "
            + (advice if is_denied else "Set BOXOFFICE_DATA_DIR to another folder.")
        ) from None


@contextlib.contextmanager
def privately() -> Iterator[None]:
    """Whatever is written meanwhile, also by dlt and DuckDB, can be read by its owner alone, in any folder."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Held by one process at a time, and released however it ends. Raises Busy if another one holds it."""
    with (settings.data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.ENOLCK:
                raise Problem(
                    f"The file system of {settings.data_dir} has no locks, like some network drives: two runs "
                    "could overlap. Nothing was run. Set BOXOFFICE_DATA_DIR to a folder on a local disk."
                ) from None
            if not isinstance(error, BlockingIOError):
                raise
            file.seek(0)
            holder, since = file.read().strip() or "another process", os.fstat(file.fileno()).st_mtime
            age = max(0.0, time.time() - since)
            busy = Busy(f"Another run is under way in {settings.data_dir} (process {holder}). Nothing was run.")
            if age > HANGS_AFTER.total_seconds():
                busy = Busy(
                    f"Another run has been under way in {settings.data_dir} for {duration(age)} (process {holder}). "
                    "If it hangs, end it: the next run finishes what it left."
                )
                busy.hangs = True
            raise busy from None
        with contextlib.suppress(OSError):  # a full disk; the lock holds without its holder's number
            file.truncate(0)
            os.write(file.fileno(), str(os.getpid()).encode())
        yield
