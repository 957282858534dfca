"""A run that somebody stops, by Ctrl-C or SIGTERM, wherever it is: said for what it is, no failure, and made good."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from boxoffice.run import run, run_log
from boxoffice.run.status import status
from boxoffice.settings import ROOT, Settings
from sandbox.faults import Faults
from tests.operations.house import House
from tests.operations.test_disturbed import published_sales, quiet, true_sales


class Stopped:
    """`boxoffice run`, sent a signal as soon as ``reached`` is true."""

    def __init__(
        self, house: House, settings: Settings, number: int, reached: Callable[[str], bool], verb: str
    ) -> None:
        self.called = house.folder / "called"
        told = house.folder / "stderr"
        with told.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "boxoffice.cli", verb],
                cwd=ROOT,
                env=house.environment(settings) | {"BOXOFFICE__ON_FAILURE": f"touch '{self.called}'"},
                stderr=stderr,
                # a suite that was started in the background ignores SIGINT, and so would its children
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            while not reached(told.read_text()):
                assert process.poll() is None, told.read_text()
                time.sleep(0.01)
            process.send_signal(number)
            self.code = process.wait(60)
        self.told = told.read_text()


SIGINT, SIGTERM = signal.SIGINT, signal.SIGTERM
ALL_STOPS = [
    ("looking", SIGINT),
    ("loading", SIGINT),
    ("landing", SIGTERM),
    ("building", SIGINT),
    ("building", SIGTERM),
    ("publishing", SIGINT),
]


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param([("landing", SIGTERM), ("building", SIGINT)], id="two"),
        pytest.param(ALL_STOPS, id="all", marks=pytest.mark.house),
    ],
)
def test_whatever_it_was_doing(house: House, stops: list[tuple[str, int]]) -> None:
    settings = house.settings()
    house.go_on(24)
    dbt_log = settings.logs / "dbt.log"

    def looking(_told: str) -> bool:
        return len(house.api.requests) > asked

    def loading(_told: str) -> bool:
        return not settings.clean_marker.exists()

    def landing(_told: str) -> bool:
        return bool(packages() - held)

    def packages() -> set[Path]:
        return set(settings.dlt_dir.glob("pipelines/*/load/*/*"))

    def building(told: str) -> bool:
        return "building" in told and len(re.findall(r" of \d+ (OK|PASS)", dbt_log.read_text())) > done + 20

    def publishing(told: str) -> bool:
        return "publishing" in told

    before = settings.published.read_bytes()
    steps = {each.__name__: each for each in (looking, loading, landing, building, publishing)}
    for step, number in stops:
        asked, done = len(house.api.requests), len(re.findall(r" of \d+ (OK|PASS)", dbt_log.read_text()))
        held = packages()
        house.api.faults = Faults(rate=1, kinds=("hang",)) if step == "looking" else None
        stopped = Stopped(house, settings, number, steps[step], "run")
        house.api.faults = None
        where = f"{step}: {stopped.told}"
        assert stopped.code == 128 + number, where
        assert "Interrupted. Nothing is lost" in stopped.told, where
        assert "Traceback" not in stopped.told and "failed" not in stopped.told, where
        assert not stopped.called.exists(), where
        [line] = run_log.last_runs(settings, 1)
        assert (line["outcome"], line["error"]) == ("interrupted", None), where
        assert [one["error"] for one in line["accounts"] if one["error"]] == [], where
        told = status(settings, 1)
        assert any("was interrupted" in note for note in told.notes)
        assert not any("failed" in want for want in told.needs_attention)
        assert line["published"] or settings.published.read_bytes() == before

    finished = run.run(settings, echo=quiet)
    assert finished.outcome in ("done", "idle")
    assert published_sales(settings) == true_sales(house)
    assert run.run(settings, echo=quiet).outcome == "idle"
