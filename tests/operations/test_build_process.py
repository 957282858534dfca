"""The process that builds beside the load: what becomes of a run when one of the two is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from boxoffice.errors import Busy
from boxoffice.run import lock, run_log
from boxoffice.settings import ROOT, Settings
from boxoffice.warehouse import dbt_project
from tests.operations.house import House
from tests.operations.test_disturbed import published_sales, true_sales

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="elsewhere the run builds by itself")


class Building:
    """`boxoffice run` while its child builds; ``child`` is the child's number."""

    def __init__(self, house: House, settings: Settings) -> None:
        self.stderr = house.folder / "stderr"
        self.called = settings.data_dir / "called"
        nodes = dbt_log(settings).count(" OK ")
        with self.stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "boxoffice.cli", "run"],
                cwd=ROOT,
                env=house.environment(settings) | {"BOXOFFICE__ON_FAILURE": f"touch '{self.called}'"},
                stderr=stderr,
            )
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_until(lambda: dbt_log(settings).count(" OK ") > nodes + 10)
        [self.child] = map(int, children.read_text().split())


def dbt_log(settings: Settings) -> str:
    return (settings.logs / "dbt.log").read_text()


def wait_until(reached: Callable[[], bool]) -> None:
    for _ in range(6000):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError("not reached in a minute")


def is_free(settings: Settings) -> bool:
    """Whether all processes of a run have ended: the lock is theirs together."""
    try:
        with lock.lock(settings):
            return True
    except Busy:
        return False


def test_killed_while_it_builds(house: House) -> None:
    settings = house.settings()
    house.go_on(24)
    before = settings.published.read_bytes()

    lost = Building(house, settings)
    os.kill(lost.child, signal.SIGKILL)
    assert lost.process.wait(60) == 1
    told = lost.stderr.read_text()
    assert "signal 9 ended it, as Linux does where memory runs out" in told
    assert "Raw holds all that was loaded" in told and "Traceback" not in told
    [line] = run_log.last_runs(settings, 1)
    assert line["outcome"] == "failed" and "signal 9 ended it" in line["error"]
    assert lost.called.exists()
    assert settings.published.read_bytes() == before

    # what is kept of the project can be lost; it is then made again
    kept = [dbt_project.parsed_file(settings), dbt_project.templates_file(settings)]
    for file in kept:
        file.write_bytes(b"half a file")
    orphan = Building(house, settings)
    orphan.process.kill()
    orphan.process.wait()
    finished = dbt_log(settings).count("Finished running")
    wait_until(lambda: is_free(settings))
    assert dbt_log(settings).count("Finished running") == finished
    assert settings.published.read_bytes() == before

    Building(house, settings).process.wait(60)
    assert [line["outcome"] for line in run_log.last_runs(settings, 1)] == ["done"]
    assert all(file.stat().st_size > 10**5 for file in kept)
    assert published_sales(settings) == true_sales(house)
