"""Ticket Tailor into DuckDB, beside the floor and the rivals. Ratios are what counts: all are measured in one go.

    python -m benchmarks.ticket_tailor_load [--orders 20000]

1. orders a second without latency: ours (to DuckDB) / a bare loop of requests and orjson (to nowhere) / dlt's own
   rest_api source with nested tables (to DuckDB)
2. the first load of everything when an answer takes a quarter of a second: ours / page after page
3. requests of a run that finds nothing new

Each contender is a process of its own; imports are not counted, since they do not grow with the orders.
"""

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.tape import KEY

LATENCY = 0.25


def bare(url: str, folder: Path) -> int:
    """The floor: every page fetched and parsed, one after the other, nothing kept."""
    import orjson
    import requests

    session = requests.Session()
    session.auth = (KEY, "")
    params: dict[str, Any] = {"limit": 100}
    yield
    count = 0
    while True:
        page = orjson.loads(session.get(f"{url}/v1/orders", params=params).content)
        count += len(page["data"])
        if not page["links"]["next"]:
            break
        params["starting_after"] = page["data"][-1]["id"]
    yield count


def ours(url: str, folder: Path) -> int:
    """Boxoffice's first load of the orders, then a run with nothing new."""
    from pipelines import load
    from pipelines.settings import BoxOffice, Settings
    from pipelines.ticket_tailor import reads
    from pipelines.ticket_tailor.client import Client

    settings = Settings(folder / "data")
    office = BoxOffice("main", KEY, url, lists=("orders", "issued_tickets", "events"))
    made = load.pipeline(settings, "ticket_tailor", "main", load.Loaded())
    from pipelines.ticket_tailor.source import ticket_tailor_source

    yield
    now = dt.datetime.now(dt.UTC)
    plan = reads.look(office, Client(url, KEY), settings.warehouse, now)
    count = 0
    for package in plan.packages():
        made.run(ticket_tailor_source(office, package), loader_file_format="parquet")
        count += len(package.rows.get("orders", []))
    yield count
    idle = reads.look(office, Client(url, KEY), settings.warehouse, now + dt.timedelta(minutes=5))
    assert idle.is_empty
    yield idle.requests


def rest_api(url: str, folder: Path) -> int:
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
    yield
    made.run(source, loader_file_format="parquet")
    with made.sql_client() as sql:
        yield sql.execute_sql("select count(*) from orders")[0][0]


CONTENDERS = {"bare": bare, "ours": ours, "rest_api": rest_api}


def contend(name: str, url: str) -> None:
    """One contender, in this process: prints what it counted and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        steps = CONTENDERS[name](url, Path(folder))
        next(steps)
        start = time.perf_counter()
        count = next(steps)
        seconds = time.perf_counter() - start
        print(json.dumps({"orders": count, "seconds": seconds, "idle_requests": next(steps, None)}))


def measured(name: str, orders: int, latency: float = 0.0) -> dict[str, Any]:
    """One contender in a process of its own, against a tape of its own."""
    command = [sys.executable, "-m"]
    tape = subprocess.Popen(
        [*command, "benchmarks.tape", "--orders", str(orders), "--latency", str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = tape.stdout.readline().strip()
        ran = subprocess.run(
            [*command, "benchmarks.ticket_tailor_load", "--contender", name, "--url", url],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        tape.terminate()
        tape.wait()
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["orders"] == orders, (name, result)
    return result


def measure(orders: int) -> dict[str, float]:
    """All figures; prints them as they come."""
    figures: dict[str, float] = {}
    fast = {name: measured(name, orders) for name in ("bare", "ours", "rest_api")}
    for name, result in fast.items():
        figures[f"{name}, orders a second"] = orders / result["seconds"]
        print(
            f"{name:<10} {orders / result['seconds']:>10,.0f} orders a second ({result['seconds']:.1f} s)", flush=True
        )
    figures["ours / bare"] = fast["bare"]["seconds"] / fast["ours"]["seconds"]
    figures["ours / rest_api"] = fast["rest_api"]["seconds"] / fast["ours"]["seconds"]
    figures["idle requests"] = fast["ours"]["idle_requests"]
    slow = {name: measured(name, orders, LATENCY) for name in ("bare", "ours")}
    for name, result in slow.items():
        print(f"{name:<10} {result['seconds']:>10.1f} s with {LATENCY} s an answer", flush=True)
    figures["with latency, ours / page after page"] = slow["bare"]["seconds"] / slow["ours"]["seconds"]
    for name in ("ours / bare", "ours / rest_api", "with latency, ours / page after page"):
        print(f"{name:<40} {figures[name]:.2f}")
    print(f"{'requests with nothing new':<40} {figures['idle requests']:.0f} (orders, issued tickets, events)")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        contend(options.contender, options.url)
    else:
        measure(options.orders)


if __name__ == "__main__":
    main()
