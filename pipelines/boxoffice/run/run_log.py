"""runs.jsonl: a line for each run."""

import contextlib
import errno
import json
import os
from typing import Any

from boxoffice import redaction
from boxoffice.run import disk
from boxoffice.settings import Settings


def record(settings: Settings, line: dict[str, Any]) -> None:
    """Appends one run to runs.jsonl, in one write, on a line of its own even if a kill cut the one before short.

    Where the disk is full it takes its room from the reserve.
    """
    with settings.runs_file.open("a+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        cut_short = file.read(1) not in (b"", b"\n")
        line = redaction.without(line, settings.secrets)
        text = b"\n" * cut_short + json.dumps(line, default=str).encode() + b"\n"
        while True:
            try:
                if file.write(text) < len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError as error:
                file.truncate(end)
                if not disk.is_full(error) or not disk.give_way(settings):
                    raise
            else:
                return


def last_runs(settings: Settings, count: int) -> list[dict[str, Any]]:
    """The newest runs, newest first; a line cut short by a kill is passed over."""
    try:
        with settings.runs_file.open("rb") as file:
            file.seek(0, os.SEEK_END)
            # lines are about a kilobyte: far more than enough for the few that are asked for
            file.seek(max(0, file.tell() - count * 16_384))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    runs = []
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            runs.append(json.loads(line))
        if len(runs) == count:
            break
    return runs
