"""Errors of Ticket Tailor's API, and their messages."""

import requests
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, ProxyError, SSLError

from boxoffice.errors import Problem
from boxoffice.raw.answers import Endless, Unreadable

# in Ticket Tailor's dashboard; its API documentation says that keys are in the settings of a box office
WHERE_KEYS_ARE = "Box office settings > API > Generate a new key"


class KeyRefused(Problem):
    """The key is not accepted: nothing can be read from this box office."""


class Offline(Problem):
    """Nothing has answered at the platform's address."""


class RequestRefused(Problem):
    """The platform understood the request and will not answer it (a status of 400 to 499 other than 401 and 429)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SameBoxOffice(Problem):
    """The orders (or tickets) that came are held as those of ``other``: two names of one box office."""

    def __init__(self, box_office: str, other: str, count: int, name: str) -> None:
        super().__init__(
            f"Box office {box_office} is the one that raw holds as {other}: {count:,} of its {name} are the same."
        )
        self.other = other


class Fault(Exception):
    """An answer that may be right the next time; not before ``wait`` seconds."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def key_refused(status: int) -> KeyRefused:
    return KeyRefused(
        f"Ticket Tailor refuses the API key (status {status}). What was loaded before is kept.\n"
        f"Check the key of this box office (in its dashboard: {WHERE_KEYS_ARE}; keys look like sk_…), put the right "
        "one into .dlt/secrets.toml or TICKET_TAILOR_API_KEY, and run again."
    )


def too_long(seconds: float) -> Problem:
    return Problem(
        f"Ticket Tailor asks for a pause of {minutes(seconds)}, longer than a run waits. What was read before is "
        "kept; the next run goes on from there."
    )


def minutes(seconds: float) -> str:
    if seconds > 86_400:
        return "more than a day"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def describe(fault: Exception) -> str:
    """A fault without the request it carries."""
    if isinstance(fault, Fault | Endless | Unreadable):
        return str(fault)
    if isinstance(fault, requests.Timeout):
        return "no answer in time"
    if isinstance(fault, requests.exceptions.SSLError):
        return "its TLS certificate could not be verified"
    reason = _reason(fault)
    if isinstance(reason, NameResolutionError):
        return "its name could not be looked up"
    if isinstance(reason, NewConnectionError):
        return "the connection failed (nothing answers there)"
    return f"the connection failed ({type(fault).__name__})"


def is_nobody_there(fault: Exception) -> bool:
    """Whether there was not even a connection."""
    return isinstance(_reason(fault), NewConnectionError | ConnectTimeoutError | ProxyError | SSLError)


def _reason(fault: Exception) -> object:
    """What urllib3 says, below requests' own exception."""
    return getattr(fault.args[0], "reason", None) if fault.args else None
