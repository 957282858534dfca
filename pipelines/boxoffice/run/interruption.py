"""Ctrl-C (SIGINT) and SIGTERM while a run is under way.

Either raises Interrupted. dbt and dlt catch it, and report a failure of their own or go on: hence Python also writes
each signal into a pipe, which ``check`` reads between the steps.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The run was stopped by a signal; ``exit_code`` is what a shell expects of a process that this signal ended."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted. Nothing is lost: the next run finishes what this one began.")
        self.exit_code = 128 + number


_pipe: int | None = None
_received: list[int] = []


def check() -> None:
    """Raises Interrupted if a signal has come since ``noticed`` began, even if it was caught."""
    if _pipe is None:
        return
    with contextlib.suppress(BlockingIOError):
        _received.extend(number for number in os.read(_pipe, 512) if number in SIGNALS)
    if _received:
        raise Interrupted(_received[0])


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Both signals raise Interrupted at once, or at the end where that was caught. One that is ignored stays so."""
    global _pipe
    if _pipe is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _pipe, written = os.pipe()
    os.set_blocking(_pipe, False)
    os.set_blocking(written, False)
    before_written = signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _raise)
    try:
        yield
        check()
    finally:
        signal.set_wakeup_fd(before_written)
        for number in SIGNALS:
            signal.signal(number, before[number])
        os.close(_pipe)
        os.close(written)
        _pipe = None
        _received.clear()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """For what must not be interrupted: a signal that arrives meanwhile takes effect afterwards."""
    if _pipe is None:
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        if before[number] is _raise:
            signal.signal(number, _note)
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, before[number])


def _raise(number: int, _frame: Any) -> None:
    raise Interrupted(number)


def _note(_number: int, _frame: Any) -> None:
    pass
