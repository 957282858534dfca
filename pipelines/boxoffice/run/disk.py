"""Space on the disk: nothing starts without it, and a run on a full disk can still be recorded."""

import contextlib
import errno
import os
import shutil

from boxoffice.errors import Problem
from boxoffice.settings import Settings

# Bytes. With less free on the disk nothing starts.
ROOM = 16 * 2**20
# For the lines of some hundred runs on a full disk, which take so much at a time.
RESERVE, RESERVE_PART = 2**18, 2**14


def is_full(error: BaseException) -> bool:
    """Whether an error, of any library, means that the disk is full."""
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT))


def problem(settings: Settings) -> Problem:
    folder = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    return Problem(
        f"No space left on the disk of {settings.data_dir}: {free // 2**20:,} MB are free, and nothing starts with "
        f"less than {ROOM // 2**20}. What was loaded and published before is kept. Free some space and run again: that "
        "run finishes what is missing."
    )


def require_room(settings: Settings) -> None:
    """Raises Problem if the disk is full, before anything starts that could not be finished."""
    if shutil.disk_usage(settings.data_dir).free < ROOM:
        raise problem(settings)


def keep_reserve(settings: Settings) -> None:
    size = settings.reserve.stat().st_size if settings.reserve.exists() else 0
    if size < RESERVE and shutil.disk_usage(settings.data_dir).free > ROOM:
        with open(settings.reserve, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(bytes(RESERVE))


def give_way(settings: Settings) -> bool:
    """Frees a part of the reserve, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        if size := settings.reserve.stat().st_size:
            os.truncate(settings.reserve, max(0, size - RESERVE_PART))
            return True
    return False
