"""Ticket Tailor into DuckDB, beside the floor and the rivals. Ratios are what counts: all are measured in one go.

    python -m benchmarks.ticket_tailor_load                       # 20,000 orders, 3 runs of each, about 3 minutes
    python -m benchmarks.ticket_tailor_load --orders 100000 --repeat 1

1. orders a second without latency. The floor is a bare loop of requests and orjson that keeps nothing; the rival is
   dlt's own rest_api source with nested tables (parquet); it and we load into DuckDB.
2. the first load of everything when an answer takes a quarter of a second, beside reading page after page. That takes
   as long for every page, so of it 200 pages are measured and the rest is reckoned.
3. requests of a run that finds nothing new.

Where our time goes is shown by its two halves, each alone: our reading, to nowhere; and what dlt and DuckDB take to
land rows that are ready.

Each contender is a process of its own; imports are not counted, since they do not grow with the orders.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measuring import PATIENCE, contender, header, median, row, section, spent, times
from benchmarks.tape import KEY

LATENCY = 0.25
PAGES_RECKONED_FROM = 200


def bare(url: str, _folder: Path) -> Iterator[int]:
    """The floor: every page fetched and parsed, one after the other, nothing kept."""
    import orjson
    import requests

    session = requests.Session()
    session.auth = (KEY, "")
    params: dict[str, Any] = {"limit": 100}
    yield 0
    count = 0
    while True:
        page = orjson.loads(session.get(f"{url}/v1/orders", params=params).content)
        count += len(page["data"])
        if not page["links"]["next"]:
            break
        params["starting_after"] = page["data"][-1]["id"]
    yield count


def ours(url: str, folder: Path) -> Iterator[int]:
    """Boxoffice's first load, then a look that finds nothing new: the requests it takes."""
    from boxoffice.raw import pipeline
    from boxoffice.raw.account import Loaded, Reading
    from boxoffice.settings import BoxOffice, Settings
    from boxoffice.ticket_tailor.account import TicketTailorAccount

    settings = Settings(folder / "data")
    settings.data_dir.mkdir()
    office = BoxOffice("main", KEY, url, lists=("orders", "issued_tickets", "events"))
    pipeline.open_pipeline(settings, "ticket_tailor", "main", Loaded())
    import pyarrow  # noqa: F401
    from dlt.sources.helpers import requests  # noqa: F401

    loaded = Loaded()
    yield 0
    TicketTailorAccount(settings, office).load(Reading(), loaded, lambda _line: None)
    yield loaded.rows["orders"]
    look = TicketTailorAccount(settings, office).look(Reading())
    assert not look.due
    yield look.requests


def reading(url: str, folder: Path) -> Iterator[int]:
    """Our half before dlt: pages read side by side, checked, hashed, made rows."""
    plan = _plan(url, folder)
    yield 0
    yield sum(len(package.rows.get("orders", [])) for package in plan.packages())


def landing(url: str, folder: Path) -> Iterator[int]:
    """The other half: rows that are ready into DuckDB, through dlt."""
    from boxoffice.raw import pipeline
    from boxoffice.raw.account import Loaded
    from boxoffice.settings import Settings

    settings = Settings(folder / "data")
    settings.data_dir.mkdir()
    plan = _plan(url, folder)
    packages = list(plan.packages())
    made = pipeline.open_pipeline(settings, "ticket_tailor", "main", Loaded())
    from boxoffice.ticket_tailor.source import ticket_tailor_source

    yield 0
    count = 0
    while packages:
        package = packages.pop(0)
        rows = len(package.rows.get("orders", []))
        pipeline.load_package(settings, made, ticket_tailor_source(plan.box_office, package), rows)
        count += rows
    yield count


def _plan(url: str, folder: Path) -> Any:
    import datetime as dt

    from boxoffice.settings import BoxOffice
    from boxoffice.ticket_tailor import api, planning

    office = BoxOffice("main", KEY, url, lists=("orders",))
    return planning.look(office, api.Client(url, KEY), folder / "no.duckdb", dt.datetime.now(dt.UTC))


def rest_api(url: str, folder: Path) -> Iterator[int]:
    """dlt's declarative source, nested lists as tables of their own, the fastest loader format it has for them."""
    import os

    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    from dlt.sources.rest_api import rest_api_source

    made = dlt.pipeline(
        "rival",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "rival.duckdb")),
        dataset_name="raw",
    )
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "http_basic", "username": KEY, "password": ""},
                # links.next carries the cursor alone and would lose limit=100
                "paginator": {"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "starting_after"},
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [
                {
                    "name": "orders",
                    "endpoint": {
                        "path": "/v1/orders",
                        "params": {"limit": 100, "created_at.gte": "{incremental.start_value}"},
                        "data_selector": "data",
                        "incremental": {"cursor_path": "created_at", "initial_value": 0},
                    },
                }
            ],
        }
    )
    yield 0
    made.run(source, loader_file_format="parquet")
    with made.sql_client() as sql:
        yield sql.execute_sql("select count(*) from orders")[0][0]


CONTENDERS = {each.__name__: each for each in (bare, ours, reading, landing, rest_api)}


def contend(name: str, url: str) -> None:
    """One contender, in this process: prints what it counted, how long it took and how much memory."""
    with tempfile.TemporaryDirectory() as folder:
        steps = CONTENDERS[name](url, Path(folder))
        next(steps)
        start, processor = time.perf_counter(), time.process_time()
        count = next(steps)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        figures = spent() | {"orders": count, "seconds": seconds, "processor": processor}
        print(json.dumps({**figures, "idle_requests": next(steps, None)}))


def measured(name: str, orders: int, latency: float = 0.0) -> dict[str, Any]:
    """One contender in a process of its own, against a tape of its own."""
    tape = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tape", "--orders", str(orders), "--latency", str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = tape.stdout.readline().strip()
        result = contender(["-m", "benchmarks.ticket_tailor_load", "--contender", name, "--url", url])
    finally:
        tape.terminate()
        tape.wait()
    assert result.get("gave_up") or result["orders"] == orders, (name, result)
    return result


def interleaved(names: tuple[str, ...], orders: int, repeat: int) -> dict[str, dict[str, Any]]:
    """Medians of runs that take turns, so that all have the same quiet and the same noise."""
    runs = [{name: measured(name, orders) for name in names} for _ in range(repeat)]
    return {name: median([run[name] for run in runs]) for name in names}


def measure(orders: int, repeat: int) -> None:
    """All figures, printed as they come."""
    header(f"{orders:,} orders, no latency")
    fast = interleaved(("bare", "ours"), orders, repeat)
    fast |= {name: measured(name, orders) for name in ("reading", "landing", "rest_api")}
    shown = {
        "bare": "bare loop, to nowhere",
        "ours": "ours, to DuckDB",
        "reading": "its reading alone",
        "landing": "its landing alone, by dlt and DuckDB",
        "rest_api": "dlt's rest_api, nested tables",
    }
    for name, what in shown.items():
        found, ratio, goal = fast[name], "", ""
        if name == "ours":
            ratio, goal = f"{times(fast['bare'], found)} of the bare loop's speed", "at least 0.5"
        if name in ("reading", "landing"):
            ratio = f"{times(found, fast['bare'])} x the bare loop"
        if name == "rest_api":
            ratio, goal = f"{times(found, fast['ours'])} x ours", "at least 3"
        end = found.get("gave_up") or f"{orders / found['seconds']:,.0f} a second"
        row(f"{what}: {end}", found, ratio, goal)

    section(f"{orders:,} orders, {LATENCY} s an answer")
    pages = -(-orders // 100)
    some = min(pages, PAGES_RECKONED_FROM)
    slow = {"seconds": measured("bare", some * 100, LATENCY)["seconds"] / some * pages}
    row("page after page" + (f", from {some} pages" if some < pages else ""), slow)
    found = measured("ours", orders, LATENCY)
    row("ours", found, f"{times(slow, found)} times faster", "at least 5; 1 GB")

    section("requests with nothing new")
    row(f"orders, issued tickets, events: {fast['ours']['idle_requests']}", {}, goal="3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of the floor and of ours; the median counts")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        contend(options.contender, options.url)
    else:
        print(f"A contender that takes longer than {PATIENCE:.0f} s is stopped.\n")
        measure(options.orders, options.repeat)


if __name__ == "__main__":
    main()
