"""Errors that are told to a person: what happened, what was kept, what to do next."""


class Problem(Exception):
    """A failure told in words for a person; the command line prints them alone and exits with ``exit_code``."""

    exit_code = 1


class ConfigProblem(Problem):
    """The settings cannot be run as they stand."""

    exit_code = 2


class Busy(Problem):
    """Another run holds the lock (75 is EX_TEMPFAIL of sysexits.h: try again later)."""

    exit_code = 75
