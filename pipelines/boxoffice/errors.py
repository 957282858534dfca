"""Errors that are told to a person: what happened, what was kept, what to do next."""

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxoffice.settings import Settings


class Problem(Exception):
    """A failure told in words for a person; the command line prints them alone and exits with ``exit_code``."""

    exit_code = 1


class ConfigProblem(Problem):
    """The settings cannot be run as they stand. ``settings`` is what of them is needed to tell on_failure, if that
    can be read."""

    exit_code = 2
    settings: "Settings | None" = None


class Busy(Problem):
    """Another run holds the lock (75 is EX_TEMPFAIL of sysexits.h: try again later), ``hangs``: for too long."""

    exit_code = 75
    hangs = False


def in_words(error: OSError) -> str:
    """What a file system said of a file, and what to do about it."""
    what = f"{error.filename}: {error.strerror}." if error.filename else f"{error}."
    if error.filename and error.errno in (errno.EACCES, errno.EPERM):
        what += (
            " Give it to the user who runs Boxoffice (`sudo boxoffice run` may have taken it), or choose another place "
            "(of what Boxoffice itself writes: BOXOFFICE_DATA_DIR)."
        )
    elif error.filename and error.errno == errno.EROFS:
        what += " Its disk can only be read: choose another place."
    return what
