"""Children of a run, made by forking: they begin with all that it has imported and read."""

import ctypes
import os
import signal
from pathlib import Path

import duckdb

PR_SET_PDEATHSIG = 1  # prctl(2)


def can_fork() -> bool:
    """Not on macOS, whose own frameworks do not survive it; nor with a thread, or where none can be counted: a child
    would have none of them, and their locks as they were."""
    # the connection that DuckDB opens where it is imported has a thread
    duckdb.default_connection().close()
    try:
        return len([*Path("/proc/self/task").iterdir()]) == 1
    except OSError:
        return False


def end_with(parent_id: int) -> None:
    """To be called first in a child: the kernel ends it with its parent, whose lock it would hold. Ctrl-C reaches both,
    and the parent decides what becomes of it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
