"""Errors whose message is for the user: what happened, what was kept, what to do next."""

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxoffice.settings import Settings


class Problem(Exception):
    """A failure; the command line prints its message without a traceback and exits with ``exit_code``."""

    exit_code = 1


class ConfigProblem(Problem):
    """The settings or the call are invalid. ``settings`` has what is needed to call on_failure, if that can be read."""

    exit_code = 2
    settings: "Settings | None" = None


class Busy(Problem):
    """Another run holds the lock (75 is EX_TEMPFAIL of sysexits.h: try again later). ``hangs``: for too long."""

    exit_code = 75
    hangs = False


def os_error_message(error: OSError) -> str:
    """An error of the file system, and what to do about it."""
    what = f"{error.filename}: {error.strerror}." if error.filename else f"{error}."
    if error.filename and error.errno in (errno.EACCES, errno.EPERM):
        what += (
            " Give it to the user who runs Boxoffice (`sudo boxoffice run` may have taken it), or choose another place "
            "(of what Boxoffice itself writes: BOXOFFICE_DATA_DIR)."
        )
    elif error.filename and error.errno == errno.EROFS:
        what += " Its file system is read-only: choose another place."
    return what
