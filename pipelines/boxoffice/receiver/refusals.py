"""Deliveries that the receiver could not keep although their token was valid: recorded in the buffer.

Ticketor documents no second attempt, so of a site each of these may be a sale that no one else knows of. One line of
``.refused-deliveries.jsonl`` counts all that were refused for the same reason within a second.
"""

import contextlib
import datetime as dt
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import orjson

FILE = ".refused-deliveries.jsonl"


class Refusal(NamedTuple):
    """Deliveries refused with one HTTP status, ``size`` bytes in all as far as they came; ``at`` is the first one's
    time (UTC)."""

    at: dt.datetime
    status: int
    reason: str
    deliveries: int
    size: int


def lines(found: Iterable[Refusal]) -> bytes:
    """Refusals as JSON Lines."""
    return b"".join(orjson.dumps({**one._asdict(), "at": f"{one.at:%Y-%m-%dT%H:%M:%S.%f}Z"}) + b"\n" for one in found)


def append(buffer: Path, text: bytes) -> None:
    """Adds lines to a buffer's file, on the disk when this returns. Raises OSError, and then has added nothing."""
    file = os.open(buffer / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o640)
    try:
        size = os.fstat(file).st_size
        try:
            if os.write(file, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)  # they are recorded later, and once
            raise
    finally:
        os.close(file)


def read(buffer: Path, since: dt.datetime) -> list[Refusal]:
    """What was refused after ``since``, oldest first; nothing where no receiver has refused anything."""
    try:
        text = (buffer / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):  # cut off by a loss of power
            fields = orjson.loads(line)
            refusal = Refusal(**{**fields, "at": dt.datetime.fromisoformat(fields["at"])})
            if refusal.at > since:
                found.append(refusal)
    return found
