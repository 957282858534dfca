"""Runs killed anywhere, again and again, over venues that go on selling: ``python -m tests.torture --kills 200``.

Two warehouses are given the same sales, step by step. One is run by ``boxoffice run`` as a process of its own that is
killed (SIGKILL) at seeded moments of load, transform and publish, and now and then something is left lying in its way;
the other is never disturbed. A reader keeps the published file open all the while. In the end both must be equal, table
by table, and the reader must never have seen anything half done. ``--power-loss`` keeps the first one on a file system
of its own which falls back, at each kill, to what had reached the disk by then (Linux, as root).
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

from boxoffice.run import run
from boxoffice.settings import ROOT
from sandbox.ticketor_webhooks import write_broken
from tests.operations import same
from tests.operations.disk import Disk
from tests.operations.house import House

# The lines on standard error with which a run enters a step; ``record`` is what comes after publishing.
STEPS = {"transform": "building and testing", "publish": "publishing", "record": "published "}


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

    def __init__(self, folder: Path, seed: int, names: tuple[str, ...] = ("north", "south"), power_loss: bool = False):
        self.chance = random.Random(seed)
        self.house = House(folder, seed, names)
        self.disk = Disk(folder / "disk", 512 * 2**20) if power_loss else None
        self.settings = self.house.settings((self.disk.root if self.disk else folder) / "data")
        self.undisturbed = self.house.settings(folder / "undisturbed")
        self.steps: list[dt.datetime] = []
        self.undisturbed_steps: list[dt.datetime] = []
        self.seconds = {"load": 4.0, "transform": 10.0, "publish": 0.5, "record": 0.2}
        self.kills: Counter[str] = Counter()
        self.whole_runs = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """The API answers, the disk is there; both are gone afterwards."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.house.api)
            if self.disk:
                stack.enter_context(self.disk)
            yield

    def begin(self, after_first: Path | None = None) -> None:
        """A first run, of which the undisturbed warehouse is a copy: from here on each goes its own way.

        ``after_first``: the folder of a house of the same venues whose first run was made already.
        """
        self.steps.append(dt.datetime.now(dt.UTC))
        if after_first:
            shutil.copytree(after_first / "data", self.settings.data_dir)
            shutil.copytree(after_first / "buffer", self.house.folder / "buffer")
            self.house.api.now = self.house.now
        else:
            self.house.open_doors()
            first = self.run()
            assert first.code == 0, first.lines
        shutil.copytree(self.settings.data_dir, self.undisturbed.data_dir)
        # what was copied is not what a run writes with care: the power fails after it has reached the disk
        os.sync()
        self.undisturbed_steps = list(self.steps)

    def go_on(self) -> None:
        """Some hours pass in the venues; the undisturbed warehouse reads what is new."""
        self.steps.append(dt.datetime.now(dt.UTC))
        self.house.go_on(self.chance.randrange(3, 15))
        if self.chance.random() < 0.2:
            venue = self.house.venues[0]
            write_broken(venue, self.house.buffer(venue), at=self.house.now, kinds=("truncated",))
        self.undisturbed_steps.append(dt.datetime.now(dt.UTC))
        loaded = run.load_only(self.undisturbed, echo=lambda _line: None)
        assert loaded.outcome in ("done", "idle"), loaded

    def run(self, kill: Kill | None = None, *, program: tuple[str, str] = ("-m", "boxoffice.cli")) -> Ran:
        """One `boxoffice run`, killed if it gets so far; ``program`` is another one that calls it."""
        process = subprocess.Popen(
            [sys.executable, *program, "run", "--log-format", "json"],
            cwd=ROOT,
            env=self.house.environment(self.settings),
            stderr=subprocess.PIPE,
            text=True,
        )
        lines: list[str] = []
        step, entered = "load", time.monotonic()
        killer = self._killer(process, kill, step)
        for line in process.stderr or ():
            lines.append(json.loads(line)["message"] if line.startswith("{") else line)
            reached = next((name for name, start in STEPS.items() if lines[-1].startswith(start)), step)
            if reached != step:
                self.seconds[step] = time.monotonic() - entered
                step, entered = reached, time.monotonic()
                killer.cancel()
                killer = self._killer(process, kill, step)
        code = process.wait()
        killer.cancel()
        if code == -signal.SIGKILL:
            self.kills[step] += 1
            if self.disk:
                self.disk.lose_power()
        self.whole_runs += code == 0
        return Ran(code, step, lines)

    def _killer(self, process: subprocess.Popen[str], kill: Kill | None, step: str) -> threading.Timer:
        killer = threading.Timer(kill.part * self.seconds[step] if kill else 0, process.kill)
        if kill and kill.step == step:
            killer.start()
        return killer

    def suffer(self, kill: Kill) -> None:
        """A run that is killed there; the venues go on selling once a run has loaded what there was."""
        if self.chance.random() < 0.3:
            self._litter()
        ran = self.run(kill)
        assert ran.code in (0, -signal.SIGKILL), "\n".join(ran.lines)
        if ran.step != "load" or ran.code == 0:
            self.go_on()

    def _litter(self) -> None:
        """What other programs, people and earlier kills leave lying in a data folder."""
        folder = self.settings.data_dir
        (folder / "lock").write_text("99999999")
        (folder / ".boxoffice.duckdb.new").write_bytes(b"half a file")
        (folder / ".boxoffice.duckdb.new.wal").write_bytes(b"its log")
        (folder / "clean.new").write_text("{")
        with (folder / "runs.jsonl").open("a") as runs:
            runs.write('{"verb": "run", "started')

    def differences(self) -> list[str]:
        """Both finish their work; then what differs between them, in words."""
        last = self.run()
        if last.code != 0:
            return [f"the last run failed: {last.lines}"]
        built = run.run(self.undisturbed, echo=lambda _line: None)
        if built.outcome not in ("done", "idle"):
            return [f"the undisturbed run failed: {built}"]
        moments = self.steps, self.undisturbed_steps
        return same.raw(self.settings.warehouse, self.undisturbed.warehouse, *moments) + same.marts(
            self.settings.published, self.undisturbed.published, *moments
        )

    @contextlib.contextmanager
    def reader(self) -> Iterator[dict[str, Any]]:
        """A reader in a process of its own; what it found stands in the dictionary afterwards.

        Nobody reads where the power fails: the reader's would fail too.
        """
        found: dict[str, Any] = {"looks": 0, "published": 0, "wrong": []}
        if self.disk:
            yield found
            return
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.operations.reader", str(self.settings.published), "1"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield found
        finally:
            told, _ = process.communicate()
            found |= json.loads(told) if told else {"wrong": ["the reader itself failed"]}

    def draw(self, shares: dict[str, int]) -> Kill:
        """A kill in one of these steps, in these proportions, and sometimes a little beyond its usual end."""
        [step] = self.chance.choices(list(shares), list(shares.values()))
        return Kill(step, self.chance.uniform(0, 1.15))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power-loss", action="store_true")
    parser.add_argument("--keep", type=Path, help="keep everything in this folder")
    asked = parser.parse_args()
    if asked.power_loss and not Disk.available():
        sys.exit("Not done: losing power needs Linux, root and mkfs.ext4, for a file system of its own.")
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture")))
        folder.mkdir(parents=True, exist_ok=True)
        torture = Torture(folder, asked.seed, power_loss=asked.power_loss)
        stack.enter_context(torture.open())
        torture.begin()
        with torture.reader() as read:
            while torture.kills.total() < asked.kills:
                torture.suffer(torture.draw({"load": 5, "transform": 3, "publish": 2, "record": 1}))
                sys.stderr.write(f"\r{torture.kills.total()} kills, {len(torture.steps)} steps of sales ")
            told = torture.differences()
        told += [f"reader: {wrong}" for wrong in read["wrong"]]
        kills = ", ".join(f"{count} in {step}" for step, count in sorted(torture.kills.items()))
        sys.stdout.write("\n".join(["", *told, ""]))
        sys.stdout.write(
            f"seed {asked.seed}{', power lost' if asked.power_loss else ''}: {torture.kills.total()} kills ({kills}), "
            f"{torture.whole_runs} whole runs, {len(torture.steps)} steps of sales, "
            f"{read['looks']} looks by the reader at {read['published']} published files, "
            f"{time.monotonic() - started:.0f} s: {f'{len(told)} differences' if told else 'no difference'}\n"
        )
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
