"""What a run costs when nothing is new, when one sale is, and as history grows; publishing beside a bare copy.

    python -m benchmarks.runs                                # 10,000, 100,000 and a million invoices: an hour
    python -m benchmarks.runs --invoices 10000 --repeat 3

A figure is the median wall time of a process of its own, imports included, unless it says otherwise. One Ticketor site,
so that no network is in it; a box office of its own stands first, its API on loopback. Trust the
ratios, not the seconds.

import dlt: what a process pays that merely imports the library; a run with nothing new should cost no more.
dbt build: the same project in a fresh process (without its unit tests, which a run leaves out too), with all of raw
already in place; a run with one new sale also loads, publishes and records.
bare copy: every mart into an empty file of the same format by `create table as`, without constraints and comments, put
in place and synced as the published file is. It and publishing everything take turns in one process; publishing one
sale is what the runs with one new sale took for it.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ticketor_load import OLD, invoice

ROOT = Path(__file__).resolve().parent.parent
LINES_A_FILE = 5_000

KEPT_ALIVE = """
import json, os, time
from boxoffice.run import run
from boxoffice.settings import load_settings
seconds = []
for _ in range(20):
    start = time.perf_counter()
    assert run.run(load_settings(os.environ), echo=print).outcome == "idle"
    seconds.append(time.perf_counter() - start)
print(json.dumps(sorted(seconds)[10]))
"""
PUBLISH = """
import datetime as dt, json, os, time
import duckdb
from boxoffice.warehouse import publish
from boxoffice.atomic_file import put_in_place
from boxoffice.settings import load_settings
settings = load_settings(os.environ)
copy, target = settings.data_dir / "copy.new", settings.data_dir / "copy.duckdb"
def bare_copy():
    with duckdb.connect(":memory:") as db:
        db.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        db.execute(f"attach '{copy}' as copy (storage_version '{publish.STORAGE_VERSION}')")
        db.execute("use copy")
        marts = "from duckdb_tables() select table_name where database_name = 'warehouse' and schema_name = 'marts'"
        for (name,) in db.execute(marts).fetchall():
            db.execute(f'create table "{name}" as from warehouse.marts."{name}"')
    put_in_place(copy, target)
def publish_all():
    settings.published.unlink()
    publish.publish(settings, dt.datetime.now(dt.UTC))
def seconds(work):
    start, before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - before
bare_copy()
taken = [
    (*seconds(bare_copy), *seconds(publish_all))
    for _ in range(TURNS)
]
target.unlink()
print(json.dumps([sorted(each)[TURNS // 2] for each in zip(*taken)]))
"""
TURNS = 5


class Venue:
    """A data folder and a buffer that go on growing."""

    def __init__(self, folder: Path) -> None:
        self.buffer, self.data = folder / "buffer", folder / "data"
        self.count = self.files = 0
        self.publishing = 0.0  # seconds, in the last run
        self.rng = random.Random(1)
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("TICKET", "BOXOFFICE", "DBT_"))
        } | {"BOXOFFICE_DATA_DIR": str(self.data), "TICKETOR_BUFFER": str(self.buffer), "BOXOFFICE_TIME_ZONE": "UTC"}

    def sell(self, count: int) -> None:
        """So many invoices more, as JSON Lines in files of a folder a day."""
        for first in range(0, count, LINES_A_FILE):
            self.files += 1
            path = self.buffer / f"day-{self.files // 100}" / f"{self.files}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                for _ in range(min(LINES_A_FILE, count - first)):
                    self.count += 1
                    file.write(json.dumps(invoice(self.count, self.rng), separators=(",", ":")) + "\n")
            for each in (path, path.parent, self.buffer):
                os.utime(each, (OLD + self.files, OLD + self.files))

    def call(self, *command: str) -> tuple[float, str]:
        """Wall seconds of a process, and the last line it printed."""
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(f"{' '.join(command)[:80]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return seconds, (done.stdout.splitlines() or [""])[-1]

    def run(self, outcome: str) -> float:
        """One `boxoffice run`, and that it did what it should."""
        seconds, _ = self.call(sys.executable, "-m", "boxoffice.cli", "run")
        told = json.loads((self.data / "runs.jsonl").read_text().splitlines()[-1])
        assert told["outcome"] == outcome, told
        self.publishing = told["seconds"].get("publish", 0.0)
        return seconds


def row(what: str, seconds: float, ratio: str = "", goal: str = "") -> None:
    print(f"| {what} | {seconds:.2f} | {ratio} | {goal} |", flush=True)


def nothing_new(venue: Venue, repeat: int) -> tuple[float, float]:
    """Median seconds of an idle run, and of a process that imports dlt; they take turns."""
    venue.run("idle")
    idle, imports = [], []
    for _ in range(max(5, repeat)):
        idle.append(venue.run("idle"))
        imports.append(venue.call(sys.executable, "-c", "import dlt")[0])
    return statistics.median(idle), statistics.median(imports)


def measure(invoices: int, repeat: int) -> None:
    """All figures of one size of history."""
    with tempfile.TemporaryDirectory(prefix="runs-bench-") as folder:
        venue = Venue(Path(folder))
        print(f"| **{invoices:,} invoices** | | | |")
        venue.sell(invoices)
        row("first run", venue.run("done"))
        nothing, dlt = nothing_new(venue, repeat)
        row('python -c "import dlt"', dlt)
        row("nothing new", nothing, f"{nothing / dlt:.2f} x import dlt", "at most 1")
        row("nothing new, in a process kept alive", json.loads(venue.call(sys.executable, "-c", KEPT_ALIVE)[1]))

        one, publishing = [], []
        for _ in range(repeat):
            venue.sell(1)
            one.append(venue.run("done"))
            publishing.append(venue.publishing)
        venue.sell(max(1, invoices // 100))
        per_cent = venue.run("done")
        dbt = str(Path(sys.executable).with_name("dbt"))
        venue.call(dbt, "--quiet", "parse")  # as a run has parsed the project before
        build = statistics.median(
            venue.call(dbt, "--quiet", "build", "--exclude-resource-type", "unit_test")[0] for _ in range(repeat)
        )
        sale = statistics.median(one)
        row("dbt build", build)
        row("one new sale", sale, f"{sale / build:.2f} x dbt build", "at most 1.3")
        row("one per cent new", per_cent, f"{per_cent / build:.2f} x dbt build")

        _, told = venue.call(sys.executable, "-c", f"TURNS = {TURNS}\n{PUBLISH}")
        copied, copied_cpu, published, published_cpu = json.loads(told)
        row("bare copy of the marts", copied)
        ratio = f"{published / copied:.2f} x bare copy (of processor {published_cpu / copied_cpu:.2f})"
        row("publish everything", published, ratio, "about 1")
        one_sale = statistics.median(publishing)
        row("publish one sale", one_sale, f"{one_sale / copied:.2f} x bare copy", "at most 0.1")


def measure_api(repeat: int) -> None:
    """A run with nothing new, of a Ticket Tailor box office whose API answers at once, on loopback."""
    from sandbox.ticket_tailor_api import TicketTailorApi
    from sandbox.venue import Venue as Sandbox

    sandbox = Sandbox(1, orders=1_000)
    with tempfile.TemporaryDirectory(prefix="runs-bench-") as folder, TicketTailorApi({"sk_1": sandbox}) as api:
        api.now = sandbox.end
        venue = Venue(Path(folder))
        del venue.environment["TICKETOR_BUFFER"]
        venue.environment |= {"TICKET_TAILOR_API_KEY": "sk_1", "TICKET_TAILOR_BASE_URL": api.url}
        venue.run("done")
        nothing, dlt = nothing_new(venue, repeat)
        print("| **a box office of 1,000 orders** | | | |")
        row("nothing new", nothing, f"{nothing / dlt:.2f} x import dlt", "at most 1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print("| what | seconds | ratio | goal |\n|---|---|---|---|", flush=True)
    measure_api(options.repeat)
    for invoices in options.invoices:
        measure(invoices, options.repeat)


if __name__ == "__main__":
    main()
