"""What the benchmarks share: contenders in processes of their own, rows of a table with the goal beside the figure."""

import json
import math
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Seconds. A rival that takes longer is stopped, and its row says so.
PATIENCE = 300.0


def contender(command: list[str], patience: float = PATIENCE) -> dict[str, Any]:
    """Runs one in a process of its own: ``wall`` seconds, imports included, and all that it printed as JSON objects.

    ``gave_up`` says so when it took longer than ``patience`` seconds or more memory than there is. Raises SystemExit
    when it failed otherwise.
    """
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, timeout=patience, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"wall": patience, "seconds": patience, "megabytes": math.nan, "gave_up": f"after {patience:.0f} s"}
    seconds = time.perf_counter() - start
    found: dict[str, Any] = {"wall": seconds}
    if "OutOfMemory" in done.stderr:
        return {"wall": seconds, "seconds": seconds, "megabytes": math.nan, "gave_up": "out of memory"}
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of every figure its median; of what is no figure, the first."""
    return {
        name: statistics.median(run[name] for run in runs) if isinstance(value, float) else value
        for name, value in runs[0].items()
    }


def header(title: str = "") -> None:
    """Begins a table."""
    print("| what | seconds | peak memory | ratio | goal |\n|---|---:|---:|---:|---|")
    if title:
        section(title)


def section(title: str) -> None:
    print(f"| **{title}** | | | | |", flush=True)


def row(what: str, seconds: float, megabytes: float = math.nan, ratio: str = "", goal: str = "") -> None:
    """A line of the table; what was not measured (NaN) is left blank."""
    shown = "" if math.isnan(seconds) else f"{seconds:.2f}"
    memory = "" if math.isnan(megabytes) else f"{megabytes:,.0f} MB"
    print(f"| {what} | {shown} | {memory} | {ratio} | {goal} |", flush=True)


def times(slow: dict[str, Any], fast: dict[str, Any], key: str = "seconds") -> str:
    """How many times as long one took as the other; at least so many when it was stopped."""
    return f"{'more than ' if slow.get('gave_up') else ''}{slow[key] / fast[key]:.2f}"
