"""What runs leave behind beside the data: the lock, the marker ``clean``, and a line of runs.jsonl for each.

The marker says that the published file is all that raw, the models and the settings make. It is removed before
anything is touched and written after publishing, and it names the files it speaks of: so a kill, a `dbt build` by
hand, an edited model or a warehouse put back from a backup all send the next run down the whole path.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import Busy, Problem
from pipelines.settings import ROOT, Settings
from pipelines.terminal import duration

# even a first run of many years does not take so long
HANGS_AFTER = dt.timedelta(hours=6)


def make_data_dir(settings: Settings) -> None:
    """The folder of everything Boxoffice writes, for its owner alone.

    Raises Problem where it cannot be made or written.
    """
    try:
        if not settings.data_dir.exists():
            settings.data_dir.mkdir(parents=True, mode=0o700)
        settings.logs.mkdir(exist_ok=True)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink()
        os.close(os.open(settings.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise Problem(
            f"{error.filename} cannot be written: {error.strerror}. Nothing was run. Give {settings.data_dir} and all "
            "in it to the user who runs Boxoffice (`sudo boxoffice run` may have taken it), or set BOXOFFICE_DATA_DIR "
            "to another folder."
        ) from None


@contextlib.contextmanager
def privately() -> Iterator[None]:
    """Whatever is written meanwhile, by dlt and DuckDB too, is for its owner alone, in whatever folder it lies."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def lock(settings: Settings) -> Iterator[None]:
    """Held by one process at a time and gone with it, however it ends. Raises Busy when another one holds it."""
    with (settings.data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder, since = file.read().strip() or "another process", os.fstat(file.fileno()).st_mtime
            age = max(0.0, time.time() - since)
            busy = Busy(f"Another run is under way in {settings.data_dir} (process {holder}). Left to it.")
            if age > HANGS_AFTER.total_seconds():
                busy = Busy(
                    f"Another run has been under way in {settings.data_dir} for {duration(age)} (process {holder}). "
                    "If it hangs, end it: the next run finishes what it left."
                )
                busy.hangs = True
            raise busy from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def read_marker(settings: Settings) -> dict[str, Any]:
    """What the marker holds when it is true of the files as they are now; otherwise nothing."""
    try:
        marker = json.loads(settings.clean_marker.read_text())
        return marker if marker["files"] == _fingerprint(settings) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_marker(settings: Settings, **more: Any) -> None:
    """Says that everything is built and published, as of the files as they are now."""
    fresh = settings.clean_marker.with_suffix(".new")
    fresh.write_text(json.dumps({"files": _fingerprint(settings), **more}))
    fresh.replace(settings.clean_marker)


def other_hands(settings: Settings) -> bool:
    """Whether the warehouse is no longer the one the marker speaks of, though no run has been at it.

    A `dbt build` by hand, an update, a file put back: tables that grow may then hold anything.
    """
    try:
        marked = json.loads(settings.clean_marker.read_text())["files"]["warehouse"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return marked != _stamp(settings.warehouse)


def want_a_new_start(settings: Settings) -> None:
    """Makes the next run build everything anew, as after ``other_hands``: raw was changed beside the loads."""
    settings.clean_marker.write_text("{}")


def remove_marker(settings: Settings) -> None:
    """Before anything is touched. After ``other_hands`` it stays until what they did is made good, despite kills."""
    if not other_hands(settings):
        forget_marker(settings)


def forget_marker(settings: Settings) -> None:
    settings.clean_marker.unlink(missing_ok=True)


def _fingerprint(settings: Settings) -> dict[str, str]:
    project = hashlib.blake2b(digest_size=16)
    paths = [ROOT / "dbt_project.yml", ROOT / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests/data"):
        paths += sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())
    # an upgrade of ours may build or publish differently
    paths += sorted((ROOT / "pipelines").glob("*.py"))
    for path in paths:
        project.update(f"{path} {_stamp(path)}\n".encode())
    return {
        "project": project.hexdigest(),
        "warehouse": _stamp(settings.warehouse),
        "published": _stamp(settings.published),
        "person_key": _stamp(settings.person_key_file),
    }


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"


def record(settings: Settings, line: dict[str, Any]) -> None:
    """Appends one run to runs.jsonl, in one write, on a line of its own even if a kill cut the one before short."""
    with settings.runs_file.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        cut_short = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * cut_short + json.dumps(line, default=str).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


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
