"""Errors that are told to a person: what happened, what was kept, what to do next."""

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
