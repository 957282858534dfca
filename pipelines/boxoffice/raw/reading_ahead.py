"""Reads a buffer's next tables while dlt loads the last ones: in a process of its own, or a thread where none is safe.

Both reading and dlt need Python's one lock, so two threads would take turns. The tables come in files without a name:
a kill leaves none behind.
"""

import contextlib
import mmap
import multiprocessing
import os
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from boxoffice import forking
from boxoffice.errors import Problem

AHEAD = 6  # tables that wait to be taken, at most: those of a package, and one


@contextlib.contextmanager
def reading_ahead(
    tables: Iterator[tuple[pa.Table, bool]], report: Callable[[], Any], folder: Path | None
) -> Iterator[Iterator[tuple[pa.Table, Any]]]:
    """The tables, each of which comes with whether it is the last. That one has beside it what ``report`` gives where
    they are read, the others None. ``folder`` holds what waits to be taken (None: the system's for temporary files).

    Raises what reading raises, and Problem when the process ends before its work.
    """
    ours, theirs = multiprocessing.Pipe()
    work = (tables, report, folder, theirs)
    process = None
    if forking.can_fork():
        process = forking.child(_read, *work)
        theirs.close()
    else:
        thread = threading.Thread(target=_read, args=work, name="files", daemon=True)
        thread.start()
    try:
        yield _arriving(ours)
    finally:
        ours.close()
        if process:
            process.kill()
            process.join()
        else:
            thread.join()
            theirs.close()


def _arriving(reader: Connection) -> Iterator[tuple[pa.Table, Any]]:
    is_last = False
    while not is_last:
        try:
            came = reader.recv()
        except EOFError:
            raise Problem(
                "The process that reads the files has ended before they were read: perhaps the system was short of "
                "memory. What was loaded stays; the next run reads the rest."
            ) from None
        if isinstance(came, BaseException):
            raise came
        is_last, report = came
        handle = reduction.recv_handle(reader)
        try:
            written = mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(handle)
        yield pa.ipc.open_stream(pa.py_buffer(written)).read_all(), report
        with contextlib.suppress(BrokenPipeError):  # of one that has read all there is
            reader.send_bytes(b"taken")


def _read(
    tables: Iterator[tuple[pa.Table, bool]], report: Callable[[], Any], folder: Path | None, taker: Connection
) -> None:
    waiting, is_last = 0, False
    with contextlib.suppress(EOFError, OSError):  # the load has ended
        try:
            while not is_last:
                table, is_last = next(tables)
                while waiting == AHEAD or taker.poll():
                    taker.recv_bytes()
                    waiting -= 1
                with tempfile.TemporaryFile(dir=folder) as file:
                    with pa.ipc.new_stream(file, table.schema) as stream:
                        stream.write_table(table)
                    file.flush()
                    del table
                    taker.send((is_last, report() if is_last else None))
                    reduction.send_handle(taker, file.fileno(), None)
                waiting += 1
        except BaseException as error:
            error.add_note(f"Where files are read:\n{traceback.format_exc()}")
            taker.send(error)
