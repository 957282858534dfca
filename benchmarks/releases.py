"""A run of this code beside the same run of an earlier commit: processor and wall seconds, and the ratio of both.

    python -m benchmarks.releases                                        # 10,000 invoices
    python -m benchmarks.releases --invoices 1000000 --repeat 1          # half an hour
    python -m benchmarks.releases --commit 72c11bc --invoices 10000

Both read the same invoices from buffers of their own, take turns, and run with the same libraries: the earlier code
from a git worktree that is removed at the end. Trust the ratios, not the seconds.

one new sale: a buffer file with one invoice more, `boxoffice run` in a fresh process.
run --every: the same, in a process that stays; only its own code has one worth comparing with the earlier `run`.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.runs import ROOT, Venue

# the module that is the command, in the earlier tree and in this one
COMMANDS = {"earlier": "pipelines.cli", "now": "boxoffice.cli"}
WAIT = 300  # seconds for a resident process to publish


class Cost(NamedTuple):
    """Seconds of a process and its children, and the most MB that they had together."""

    wall: float
    cpu: float
    peak_mb: int


class Side:
    """One of the two: a venue of its own, and the tree whose code runs it."""

    def __init__(self, name: str, tree: Path, folder: Path) -> None:
        self.module, self.tree = COMMANDS[name], tree
        self.venue = Venue(folder / name)
        self.venue.environment |= {"PYTHONPATH": str(tree)}

    @property
    def runs(self) -> list[dict]:
        return [json.loads(line) for line in (self.venue.data / "runs.jsonl").read_text().splitlines()]

    def run(self) -> Cost:
        """One `run` of a fresh process, that must have published."""
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(
            [sys.executable, "-m", self.module, "run"],
            cwd=self.tree,
            env=self.venue.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        peak = threading.Thread(target=_follow, args=(process.pid, megabytes := [0]))
        peak.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - start
        process.wait()
        peak.join()
        assert self.runs[-1]["outcome"] == "done", self.runs[-1]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall, cpu, max(megabytes))

    def resident(self, sales: int) -> list[float]:
        """Wall seconds from a new sale to the end of its run, in one process that stays, without the time it sleeps."""
        process = subprocess.Popen(
            [sys.executable, "-m", self.module, "run", "--every", "1s"],
            cwd=self.tree,
            env=self.venue.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        taken = []
        try:
            for _ in range(sales):
                time.sleep(10)
                before = len(self.runs)
                self.venue.sell(1)
                deadline = time.monotonic() + WAIT
                while not (done := [each for each in self.runs[before:] if each["outcome"] == "done"]):
                    assert process.poll() is None and time.monotonic() < deadline
                    time.sleep(0.2)
                taken.append(sum(done[-1]["seconds"].values()))
        finally:
            process.terminate()
            process.wait()
        return taken


def _follow(process: int, megabytes: list[int]) -> None:
    """What a process and its children have in memory, every tenth of a second until it ends. Linux only.

    Pages that they share count in each.
    """
    page = resource.getpagesize()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{process}/cmdline").read_bytes():
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            pages = 0
            for each in (process, *children):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
            megabytes.append(pages * page // 2**20)
            time.sleep(0.1)


def row(what: str, earlier: float, now: float, goal: str = "") -> None:
    print(f"| {what} | {earlier:.1f} | {now:.1f} | {now / earlier:.2f} | {goal} |", flush=True)


def compare(invoices: int, repeat: int, tree: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="releases-bench-") as folder:
        sides = [Side("earlier", tree, Path(folder)), Side("now", ROOT, Path(folder))]
        print(f"| **{invoices:,} invoices** | | | | |")
        first, one = [], [[], []]
        for side in sides:
            side.venue.sell(invoices)
            first.append(side.run())
        row("first run, wall", first[0].wall, first[1].wall)
        row("first run, processor", first[0].cpu, first[1].cpu)
        row("first run, MB at its peak", first[0].peak_mb, first[1].peak_mb)
        for turn in range(repeat + 1):
            for side, costs in zip(sides, one, strict=True):
                side.venue.sell(1)
                cost = side.run()
                if turn:  # the first parses what the first run has left, and is not counted
                    costs.append(cost)
        walls = [statistics.median(cost.wall for cost in costs) for costs in one]
        row("one new sale, wall", *walls, "0.45 at 10,000, 0.33 at a million")
        row("one new sale, processor", *(statistics.median(cost.cpu for cost in costs) for costs in one))
        row("one new sale, `run --every`", walls[0], statistics.median(sides[1].resident(repeat)), "0.3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", default="72c11bc")
    parser.add_argument("--invoices", type=int, nargs="+", default=[10_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="releases-tree-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), options.commit], check=True)
        try:
            print(f"| what | {options.commit} | now | ratio | goal |\n|---|---|---|---|---|", flush=True)
            for invoices in options.invoices:
                compare(invoices, options.repeat, tree)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


if __name__ == "__main__":
    main()
