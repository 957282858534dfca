"""Children of a run, made by forking: they begin with all that it has imported and read."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb

PR_SET_PDEATHSIG = 1  # prctl(2)
STOPS = (signal.SIGINT, signal.SIGTERM)


def can_fork() -> bool:
    """Not on macOS, whose own frameworks do not survive it; nor with a thread, or where none can be counted: a child
    would have none of them, and their locks as they were."""
    # the connection that DuckDB opens where it is imported has a thread
    duckdb.default_connection().close()
    try:
        return len([*Path("/proc/self/task").iterdir()]) == 1
    except OSError:
        return False


def child(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Begins ``work`` in a child, which the kernel ends with this process.

    Ctrl-C reaches both, and this process decides what becomes of the child.
    """
    # until the child has said what signals mean to it, they mean to it what they mean here
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        process = multiprocessing.get_context("fork").Process(
            target=_begin, args=(os.getpid(), mask, work, *arguments), daemon=True
        )
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return process


def _begin(parent: int, mask: set[signal.Signals], work: Callable[..., None], *arguments: Any) -> None:
    # otherwise it would go on, and hold the lock of a run that is gone
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    work(*arguments)
