"""What the benchmarks share: contenders in processes of their own, rows of a table with the goal beside the figure."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Seconds. A rival that takes longer is stopped, and its row says so.
PATIENCE = 300.0


def contender(command: list[str], patience: float = PATIENCE) -> dict[str, Any]:
    """Runs one in a process of its own: ``seconds``, imports included, and all that it printed as JSON objects.

    ``gave_up`` says so when it took longer than ``patience`` seconds or more memory than there is. Raises SystemExit
    when it failed otherwise.
    """
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, timeout=patience, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"seconds": patience, "gave_up": f"after {patience:.0f} s"}
    found: dict[str, Any] = {"seconds": time.perf_counter() - start}
    if "OutOfMemory" in done.stderr:
        return found | {"gave_up": "out of memory"}
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found


def spent() -> dict[str, float]:
    """The most memory that this process has held, and the seconds of processor that it and its children have used."""
    used, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    megabytes = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {"megabytes": megabytes, "processor": sum(each.ru_utime + each.ru_stime for each in (used, children))}


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of every figure its median; of what is no figure, the first."""
    return {
        name: statistics.median(run[name] for run in runs) if isinstance(value, float) else value
        for name, value in runs[0].items()
    }


def header(title: str = "") -> None:
    """Begins a table. On a machine that does other things as well, its second column is the one to trust."""
    print("| what | seconds | of processor | peak memory | ratio | goal |\n|---|---:|---:|---:|---:|---|")
    if title:
        section(title)


def section(title: str) -> None:
    print(f"| **{title}** | | | | | |", flush=True)


def row(what: str, found: Mapping[str, Any], ratio: str = "", goal: str = "") -> None:
    """A line of the table; what was not measured is left blank."""
    seconds, processor = (f"{found[name]:.2f}" if name in found else "" for name in ("seconds", "processor"))
    memory = f"{found['megabytes']:,.0f} MB" if "megabytes" in found else ""
    print(f"| {what} | {seconds} | {processor} | {memory} | {ratio} | {goal} |", flush=True)


def times(slow: Mapping[str, Any], fast: Mapping[str, Any]) -> str:
    """How many times as long one took as the other; at least so many when it was stopped."""
    return f"{'more than ' if slow.get('gave_up') else ''}{slow['seconds'] / fast['seconds']:.2f}"
