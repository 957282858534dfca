"""While dlt loads, a process of its own reads on: all of it arrives, and it ends whatever becomes of either."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boxoffice.ticketor import buffer
from tests.ticketor import deliveries as d
from tests.ticketor.conftest import Venue

READ = """
import errno, fcntl, os, signal, sys, tempfile, time
from pathlib import Path
from boxoffice.errors import Problem
from boxoffice.raw import pipeline, planning
from boxoffice.settings import Settings, Site
from boxoffice.ticketor import buffer

folder, what = Path(sys.argv[1]), sys.argv[2]
pipeline.configure_dlt(Settings(folder / "data"))
planning.TABLE_RECORDS, planning.PACKAGE_TABLES = 10, 2
os.register_at_fork(after_in_parent=lambda: print("forked"))
plan = buffer.plan(Site("arena", str(folder / "buffer"), settle_seconds=50), folder / "data" / "none.duckdb")
from boxoffice.raw import validation

def slowly(raw, attempt=validation.attempt):
    time.sleep(0.2)
    return attempt(raw)

def full(**options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

if what == "young":
    (folder / "buffer" / "z.json").write_text("{}")
if what == "no memory":
    os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGKILL))
if what == "disk full":
    tempfile.TemporaryFile = full
if what in ("killed", "interrupted"):
    os.register_at_fork(after_in_child=lambda: setattr(validation, "attempt", slowly))
with (folder / "lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        for package in plan.packages():
            print(package.records.num_rows, package.folders, flush=True)
        print(plan.waiting)
    except (Problem, OSError) as error:
        print(type(error).__name__, error, *error.__notes__ if hasattr(error, "__notes__") else ())
"""


def put(venue: Venue) -> None:
    (venue.folder / "data").mkdir()
    venue.put("a.jsonl", d.LAYOUTS["lines"](d.payloads(55)))
    venue.put("z.json", d.user(random.Random(1), 1))


def start(venue: Venue, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", READ, str(venue.folder), what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_all_of_it_arrives_with_what_was_seen_on_the_way(venue: Venue) -> None:
    put(venue)
    said, failed = start(venue, "young").communicate()
    assert not failed
    forked, first, *middle, last, waiting = said.splitlines()
    assert [forked, first, *middle] == ["forked", "20 {}", "20 None"]
    # the file that has changed since it was listed is left to the next run, and so its folder is not remembered
    assert last == "15 {'': -1}" and "1 file is younger than 50 s" in waiting
    assert [*(venue.folder / "data").iterdir()] == []


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("no memory", "Problem The process that reads the files has ended"),
        ("disk full", "OSError [Errno 28] No space left on device Where files are read:\nTraceback"),
    ],
)
def test_what_goes_wrong_there_is_raised_here(venue: Venue, what: str, why: str) -> None:
    put(venue)
    said, failed = start(venue, what).communicate()
    assert not failed
    assert said.startswith(f"forked\n{why}")


@pytest.mark.parametrize("signals", [signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_run_whose_lock_it_has(venue: Venue, signals: signal.Signals) -> None:
    put(venue)
    running = start(venue, "killed")
    assert running.stdout is not None
    assert running.stdout.readline() == "forked\n"
    time.sleep(0.3)  # it reads by now, and takes eight seconds
    if signals == signal.SIGINT:
        os.killpg(running.pid, signals)  # as a terminal sends it: to both
    else:
        running.kill()
    began = time.monotonic()
    with (venue.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert time.monotonic() - began < 1.5
    _, failed = running.communicate()
    assert failed.count("Traceback") == (signals == signal.SIGINT)


def test_a_thread_reads_where_no_process_may(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.forking.can_fork", lambda: False)
    monkeypatch.setattr("boxoffice.raw.reading.TABLE_RECORDS", 10)
    monkeypatch.setattr("boxoffice.raw.planning.PACKAGE_TABLES", 2)
    put(venue)
    packages = buffer.plan(venue.site, Path(venue.folder / "data" / "none.duckdb")).packages()
    assert [package.records.num_rows for package in packages if package.records] == [20, 20, 16]
