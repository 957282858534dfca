"""What `run --every` keeps between runs: dlt and dbt imported, and the dbt project parsed.

Each run is a child that begins with all of it and takes with it what it leaves behind. The parent has no thread when it
forks: a child would have none of them, and their locks as they were.
"""

import atexit
import gc
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from boxoffice import forking
from boxoffice.raw import pipeline
from boxoffice.run import lock
from boxoffice.settings import Settings
from boxoffice.warehouse import dbt_project

POLL = 0.02  # seconds
# what a run with news imports, which takes it seconds; of dlt and dbt also what they import only when they work
NEEDED = (
    "boxoffice.ticket_tailor.source",
    "boxoffice.ticketor.source",
    "boxoffice.warehouse.publish",
    "dbt.task.build",
    "dlt.common.libs.pyarrow",
    "dlt.destinations.impl.duckdb.duck",
    "dlt.sources.helpers.requests",
)


class Forked:
    """A child that does ``work``, and ends with the code that this exits with."""

    def __init__(self, work: Callable[[], Any]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            self._work(work)

    def _work(self, work: Callable[[], Any]) -> None:
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            # whatever it raises, the child never goes on as its parent
            try:
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or less than 0: the signal that ended it. Raises subprocess.TimeoutExpired."""
        give_up = time.monotonic() + timeout if timeout is not None else None
        while self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                break
            if give_up is not None and time.monotonic() > give_up:
                raise subprocess.TimeoutExpired("boxoffice run", timeout or 0)
            time.sleep(POLL)
        return self.returncode

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)


def prepare(settings: Settings) -> bool:
    """Imports what a run needs and parses the project, where that is not done. False where a child would be unsafe."""
    if not dbt_project.is_parsed():
        pipeline.configure_dlt(settings)
        for module in NEEDED:
            importlib.import_module(module)
        with lock.privately():
            dbt_project.keep_parsed(settings)
            dbt_project.warm_up(settings)
        dbt_project.compile_macros()
        gc.collect()
        gc.freeze()
    return forking.can_fork()


def begin_again() -> None:
    """As what is installed now."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # of a watch: until the new program has its own handler
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
