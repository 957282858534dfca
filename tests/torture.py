"""Runs killed anywhere, again and again, over a venue that goes on selling: ``python -m tests.torture --kills 200``.

Two warehouses are given the same sales, step by step. One is run by ``boxoffice run`` as a process of its own that is
killed (SIGKILL) at seeded moments of load, transform and publish; the other is never disturbed. A reader keeps the
published file open all the while. In the end both must be equal, table by table, and the reader must never have seen
anything half done. ``--power-loss`` keeps the first one on a file system of its own which is put back, at each kill,
to what had reached the disk by then (Linux, as root).
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines import run
from pipelines.sandbox.ticket_tailor_api import TicketTailorApi
from pipelines.sandbox.ticketor_webhooks import write_broken, write_webhooks
from pipelines.sandbox.venue import Venue
from pipelines.settings import ROOT, BoxOffice, Settings, Site
from tests.operations import same
from tests.operations.disk import Disk

HOUR = 3600
# what every run reads whatever the hour, and how far back: with less, what one of the two warehouses reads again and
# when would hang on the clock, and so would the moment at which it first sees a refund
LISTS = ("orders", "events", "issued_tickets")
FAR_BACK = 10 * 365 * 24 * HOUR

# the lines (standard error) at which a run enters a step
STEPS = {"load": None, "transform": "building and testing", "publish": "publishing", "record": "published "}


@dataclasses.dataclass(frozen=True)
class Kill:
    """A moment of a run: this part of the time that a step usually takes, after its beginning."""

    step: str
    part: float


@dataclasses.dataclass
class Ran:
    """A run that ended or was killed: its exit code, the step it had come to, and what it said."""

    code: int
    step: str
    lines: list[str]


class Torture:
    """The two warehouses and what they are given."""

    def __init__(self, folder: Path, seed: int, *, power_loss: bool = False) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.venues = [
            Venue(seed * 10 + number, orders=60, days=20, account=f"sandbox_{name}", time_zone=zone)
            for number, (name, zone) in enumerate((("north", "Europe/London"), ("south", "America/Los_Angeles")))
        ]
        self.api = TicketTailorApi({f"sk_{venue.seed}": venue for venue in self.venues})
        self.now = self.venues[0].end
        self.disk = Disk(folder / "disk", 512 * 2**20) if power_loss else None
        self.steps: list[dt.datetime] = []
        self.undisturbed_steps: list[dt.datetime] = []
        self.seconds = {"load": 4.0, "transform": 15.0, "publish": 0.5, "record": 0.2}
        self.kills: Counter[str] = Counter()
        self.whole_runs = 0

    def settings(self, name: str) -> Settings:
        return Settings(
            data_dir=self.folder / name / "data" if name == "undisturbed" or not self.disk else self.disk.root / "data",
            sites=tuple(
                Site(venue.account, str(self.folder / "buffer" / venue.account), venue.time_zone)
                for venue in self.venues
            ),
            box_offices=tuple(
                BoxOffice(
                    venue.account,
                    f"sk_{venue.seed}",
                    self.api.url,
                    venue.time_zone,
                    lists=LISTS,
                    reread_seconds=FAR_BACK,
                )
                for venue in self.venues
            ),
        )

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """The API answers, the disk is there; both are gone afterwards."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.api)
            if self.disk:
                stack.enter_context(self.disk)
            yield

    def begin(self) -> None:
        """A first run, of which the undisturbed warehouse is a copy: from here on each goes its own way."""
        self._give(None)
        first = self.run()
        assert first.code == 0, first.lines
        disturbed, undisturbed = self.settings("disturbed"), self.settings("undisturbed")
        shutil.copytree(disturbed.data_dir, undisturbed.data_dir)
        self.undisturbed_steps = list(self.steps)

    def go_on(self) -> None:
        """Half a day or so passes in the venues; the undisturbed warehouse reads what is new."""
        since, self.now = self.now, self.now + self.chance.randrange(3, 15) * HOUR
        self._give(since)
        self.undisturbed_steps.append(dt.datetime.now(dt.UTC))
        loaded = run.load_only(self.settings("undisturbed"), echo=lambda _line: None)
        assert loaded.outcome in ("done", "idle"), loaded

    def _give(self, since: int | None) -> None:
        self.steps.append(dt.datetime.now(dt.UTC))
        self.api.now = self.now
        for venue, site in zip(self.venues, self.settings("disturbed").sites, strict=True):
            write_webhooks(venue, site.buffer, since=since, until=self.now)
        if self.chance.random() < 0.2:
            write_broken(self.venues[0], self.settings("disturbed").sites[0].buffer, at=self.now, kinds=("truncated",))

    def run(self, kill: Kill | None = None) -> Ran:
        """One `boxoffice run` of the disturbed warehouse, killed there if it gets so far."""
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "run", "--log-format", "json"],
            cwd=ROOT,
            env=self._environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        lines: list[str] = []
        step, entered = "load", started
        killer: threading.Timer | None = None

        def plan(at: str) -> threading.Timer | None:
            if not kill or kill.step != at:
                return None
            timer = threading.Timer(kill.part * self.seconds[at], os.killpg, (process.pid, signal.SIGKILL))
            timer.start()
            return timer

        killer = plan("load")
        for line in process.stderr or ():
            lines.append(json.loads(line)["message"] if line.startswith("{") else line)
            reached = [name for name, start in STEPS.items() if start and lines[-1].startswith(start)]
            if reached and reached[0] != step:
                self._learn(step, time.monotonic() - entered)
                step, entered = reached[0], time.monotonic()
                if killer:
                    killer.cancel()
                killer = plan(step)
        code = process.wait()
        if killer:
            killer.cancel()
        if code == -signal.SIGKILL:
            self.kills[step] += 1
            if self.disk:
                self.disk.lose_power()
        elif code == 0:
            self.whole_runs += 1
        return Ran(code, step, lines)

    def _learn(self, step: str, seconds: float) -> None:
        self.seconds[step] = (self.seconds[step] + seconds) / 2

    def _environment(self) -> dict[str, str]:
        settings = self.settings("disturbed")
        told = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "BOXOFFICE_DATA_DIR": str(settings.data_dir)}
        for site in settings.sites:
            told |= _told("TICKETOR__SITES", site.name, buffer=site.buffer, time_zone=site.time_zone)
        for office in settings.box_offices:
            told |= _told(
                "TICKET_TAILOR__BOX_OFFICES",
                office.name,
                api_key=office.api_key,
                base_url=office.base_url,
                time_zone=office.time_zone,
                lists=",".join(LISTS),
                reread_seconds=office.reread_seconds,
            )
        return told

    def suffer(self, kills: list[Kill]) -> None:
        """One run for each kill; the venues go on selling once a run has loaded what there was."""
        for kill in kills:
            self.go_on_if_loaded(self.run(kill))

    def go_on_if_loaded(self, ran: Ran) -> None:
        assert ran.code in (0, -signal.SIGKILL), "\n".join(ran.lines)
        if ran.step != "load" or ran.code == 0:
            self.go_on()

    def differences(self) -> list[str]:
        """Both finish their work; then what differs between them, in words."""
        last = self.run()
        if last.code != 0:
            return [f"the last run failed: {last.lines}"]
        disturbed, undisturbed = self.settings("disturbed"), self.settings("undisturbed")
        built = run.run(undisturbed, echo=lambda _line: None)
        if built.outcome not in ("done", "idle"):
            return [f"the undisturbed run failed: {built}"]
        return same.raw(disturbed.warehouse, undisturbed.warehouse, self.steps, self.undisturbed_steps) + same.marts(
            disturbed.published, undisturbed.published, self.steps, self.undisturbed_steps
        )

    @contextlib.contextmanager
    def reader(self) -> Iterator[dict[str, Any]]:
        """A reader in a process of its own; what it found stands in the dictionary afterwards."""
        found: dict[str, Any] = {}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.operations.reader", str(self.settings("disturbed").published), "1"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield found
        finally:
            told, _ = process.communicate()
            found |= json.loads(told) if told else {"looks": 0, "published": 0, "wrong": ["the reader itself failed"]}


def _told(table: str, account: str, **values: object) -> dict[str, str]:
    return {f"{table}__{account.upper()}__{key.upper()}": str(value) for key, value in values.items()}


def plan(count: int, chance: random.Random, shares: dict[str, int]) -> list[Kill]:
    """So many kills, of each step in these proportions and a little beyond its usual end."""
    steps = list(shares)
    return [Kill(step, chance.uniform(0, 1.15)) for step in chance.choices(steps, [shares[s] for s in steps], k=count)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power-loss", action="store_true")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder")
    asked = parser.parse_args()
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture")))
        folder.mkdir(parents=True, exist_ok=True)
        torture = Torture(folder, asked.seed, power_loss=asked.power_loss)
        stack.enter_context(torture.open())
        torture.begin()
        # with the power gone, the reader's own file is gone too
        with contextlib.nullcontext({}) if asked.power_loss else torture.reader() as read:
            while torture.kills.total() < asked.kills:
                [kill] = plan(1, torture.chance, {"load": 5, "transform": 3, "publish": 2, "record": 1})
                torture.go_on_if_loaded(torture.run(kill))
                done = torture.kills.total()
                sys.stderr.write(f"\r{done} of {asked.kills} kills, {len(torture.steps)} steps of sales ")
            told = torture.differences()
        told += [f"reader: {wrong}" for wrong in read.get("wrong", [])]
        sys.stderr.write("\n")
        for line in told:
            sys.stdout.write(f"{line}\n")
        kills = ", ".join(f"{count} in {step}" for step, count in torture.kills.items())
        sys.stdout.write(
            f"seed {asked.seed}: {torture.kills.total()} kills ({kills}), {torture.whole_runs} whole runs, "
            f"{len(torture.steps)} steps of sales, {read.get('looks', 0)} looks by the reader "
            f"at {read.get('published', 0)} published files, {time.monotonic() - started:.0f} s: "
            f"{f'{len(told)} differences' if told else 'no difference'}\n"
        )
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
