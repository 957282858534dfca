"""What runs leave behind beside the data: the lock, the marker ``clean``, and a line of runs.jsonl for each.

The marker says that the published file is all that raw, the models and the settings make. It is removed before
anything is touched and written after publishing, and it names the files it speaks of: so a kill, a `dbt build` by
hand, an edited model or a warehouse put back from a backup all send the next run down the whole path.
"""

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boxoffice.errors import Busy, Problem
from boxoffice.settings import DBT_PROJECT, PACKAGE, Settings
from boxoffice.terminal import duration

# even a first run of many years does not take so long
HANGS_AFTER = dt.timedelta(hours=6)
# Bytes. With less left on the disk nothing is begun.
ROOM = 16 * 2**20
# For the lines of some hundred runs on a full disk, which take so much at a time.
RESERVE, RESERVE_PART = 2**18, 2**14


def make_data_dir(settings: Settings) -> None:
    """The folder of everything Boxoffice writes, for its owner alone.

    Raises Problem where it cannot be made or written.
    """
    try:
        if not settings.data_dir.exists():
            settings.data_dir.mkdir(parents=True, mode=0o700)
        settings.logs.mkdir(exist_ok=True)
        probe = settings.data_dir / ".writable"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            if not disk_is_full(error):  # which the run says, and writes down
                raise
        os.close(os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600))
        _keep_reserve(settings)
    except OSError as error:
        if disk_is_full(error):
            raise full_disk(settings) from None
        raise Problem(
            f"{error.filename} cannot be written: {error.strerror}. Nothing was run. Give {settings.data_dir} and all "
            "in it to the user who runs Boxoffice (`sudo boxoffice run` may have taken it), or set BOXOFFICE_DATA_DIR "
            "to another folder."
        ) from None


def disk_is_full(error: BaseException) -> bool:
    """Whether that is what an error says, in whichever library's words."""
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def full_disk(settings: Settings) -> Problem:
    folder = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    return Problem(
        f"No space left on the disk of {settings.data_dir}: {free // 2**20:,} MB are free, and nothing is begun with "
        f"less than {ROOM // 2**20}. What was loaded and published before is kept. Free some space and run again: that "
        "run finishes what is missing."
    )


def require_room(settings: Settings) -> None:
    """Raises Problem where the disk is full, before anything is begun that could not be finished."""
    if shutil.disk_usage(settings.data_dir).free < ROOM:
        raise full_disk(settings)


def _keep_reserve(settings: Settings) -> None:
    size = settings.reserve.stat().st_size if settings.reserve.exists() else 0
    if size < RESERVE and shutil.disk_usage(settings.data_dir).free > ROOM:
        with privately():
            settings.reserve.write_bytes(bytes(RESERVE))


@contextlib.contextmanager
def privately() -> Iterator[None]:
    """Whatever is written meanwhile, by dlt and DuckDB too, is for its owner alone, in whatever folder it lies."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Held by one process at a time and gone with it, however it ends. Raises Busy when another one holds it."""
    with (settings.data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder, since = file.read().strip() or "another process", os.fstat(file.fileno()).st_mtime
            age = max(0.0, time.time() - since)
            busy = Busy(f"Another run is under way in {settings.data_dir} (process {holder}). Left to it.")
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


def read_marker(settings: Settings) -> dict[str, Any]:
    """What the marker holds when it is true of the files as they are now; otherwise nothing."""
    try:
        marker = json.loads(settings.clean_marker.read_text())
        return marker if marker["files"] == _fingerprint(settings) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_marker(settings: Settings, **more: Any) -> None:
    """Says that everything is built and published, as of the files as they are now."""
    fresh = settings.clean_marker.with_suffix(".new")
    fresh.write_text(json.dumps({"files": _fingerprint(settings), **more}))
    fresh.replace(settings.clean_marker)


def other_hands(settings: Settings) -> bool:
    """Whether the warehouse is no longer the one the marker speaks of, though no run has been at it.

    A `dbt build` by hand, an update, a file put back: tables that grow may then hold anything.
    """
    try:
        marked = json.loads(settings.clean_marker.read_text())["files"]["warehouse"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return marked != _stamp(settings.warehouse)


def want_a_new_start(settings: Settings) -> None:
    """Makes the next run build everything from raw, as after ``other_hands``: raw was changed beside the loads."""
    settings.clean_marker.write_text("{}")


def remove_marker(settings: Settings) -> None:
    """Before anything is touched. After ``other_hands`` it stays until what they did is made good, despite kills."""
    if not other_hands(settings):
        forget_marker(settings)


def forget_marker(settings: Settings) -> None:
    settings.clean_marker.unlink(missing_ok=True)


def _fingerprint(settings: Settings) -> dict[str, str]:
    project = hashlib.blake2b(digest_size=16)
    paths = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests/data"):
        paths += sorted(path for path in (DBT_PROJECT / folder).rglob("*") if path.is_file())
    # an upgrade of ours may build or publish differently
    paths += sorted(PACKAGE.rglob("*.py"))
    for path in paths:
        project.update(f"{path} {_stamp(path)}\n".encode())
    return {
        "project": project.hexdigest(),
        "warehouse": _stamp(settings.warehouse),
        "published": _stamp(settings.published),
        "person_key": _stamp(settings.person_key_file),
    }


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"


def record(settings: Settings, line: dict[str, Any]) -> None:
    """Appends one run to runs.jsonl, in one write, on a line of its own even if a kill cut the one before short.

    Where the disk is full it takes its room from the reserve.
    """
    with settings.runs_file.open("a+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        cut_short = file.read(1) not in (b"", b"\n")
        text = b"\n" * cut_short + json.dumps(line, default=str).encode() + b"\n"
        while True:
            try:
                if file.write(text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError as error:
                file.truncate(end)
                if not disk_is_full(error) or not _give_way(settings):
                    raise
            else:
                return


def _give_way(settings: Settings) -> bool:
    """Gives a part of the reserve back to the disk, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        if size := settings.reserve.stat().st_size:
            os.truncate(settings.reserve, max(0, size - RESERVE_PART))
            return True
    return False


def last_runs(settings: Settings, count: int) -> list[dict[str, Any]]:
    """The newest runs, newest first; a line cut short by a kill is passed over."""
    try:
        with settings.runs_file.open("rb") as file:
            file.seek(0, os.SEEK_END)
            # lines are about a kilobyte: far more than enough for the few that are asked for
            file.seek(max(0, file.tell() - count * 16_384))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    runs = []
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            runs.append(json.loads(line))
        if len(runs) == count:
            break
    return runs
