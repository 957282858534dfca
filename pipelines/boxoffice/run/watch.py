"""Ends the pause of `run --every` when a file appears in a buffer: a sale does not wait for the interval.

Linux sends a signal when a file is made in a folder or moved into it (F_NOTIFY, fcntl(2)). It needs no agreement with
whoever writes the buffer, who may be another user or program, and no thread, which a process that forks must not have.
Elsewhere, and in folders of other machines, only the interval ends a pause.
"""

import contextlib
import datetime as dt
import fcntl
import os
import select
import signal
import time
from pathlib import Path

from boxoffice.settings import Settings

# Seconds in which what belongs to one sale arrives.
GATHER = 1.0
_IS_LINUX = hasattr(fcntl, "F_NOTIFY")


class Watch:
    """The folders that new files appear in: each local buffer, and its folder of the day (`2026-11-27`, UTC)."""

    def __init__(self) -> None:
        self._open: list[int] = []
        self._noticed, self._notes = os.pipe()
        os.set_blocking(self._noticed, False)
        os.set_blocking(self._notes, False)
        if _IS_LINUX:
            # a handler and not a mask: threads that others have started take the signal too, and would end the process
            signal.signal(signal.SIGIO, self._note)
            signal.siginterrupt(signal.SIGIO, False)

    def begin(self, settings: Settings) -> None:
        """Notices from now on what appears in the buffers of the settings."""
        while self._open:
            os.close(self._open.pop())
        if not _IS_LINUX:
            return
        today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
        for account in (*settings.sites, *settings.box_offices):
            address = account.buffer.removeprefix("file://")
            if not address or "://" in address:
                continue
            for folder in (Path(address), Path(address) / today):
                with contextlib.suppress(OSError):  # the run reports what is wrong with a buffer
                    self._open.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
                    fcntl.fcntl(self._open[-1], fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_RENAME | fcntl.DN_MULTISHOT)

    def wait(self, seconds: float, rest: float) -> None:
        """Waits so many seconds, or until something has appeared, but at least ``rest`` if that is less."""
        until = time.monotonic() + seconds
        if select.select([self._noticed], [], [], max(0.0, seconds))[0]:
            time.sleep(max(0.0, min(max(rest, GATHER), until - time.monotonic())))
            os.read(self._noticed, select.PIPE_BUF * 16)

    def _note(self, *_: object) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full of unread signals
            os.write(self._notes, b".")
