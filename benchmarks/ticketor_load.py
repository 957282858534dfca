"""What it costs to load Ticketor's buffer files, side by side with a floor and with what one would write instead.

    python benchmarks/ticketor_load.py                    # 100,000 files, a million small ones, some minutes
    python benchmarks/ticketor_load.py --files 5000 --many 20000 --compare 2000 --repeat 1

Every figure is the wall time and the peak memory of a process of its own, imports included; what is compared runs
interleaved, and the median counts. Trust the ratios, not the seconds.

floor: a bare loop that lists, reads, parses with orjson, hashes, and inserts once into DuckDB through Arrow.
nested tables: dlt's `filesystem` source that yields documents, which dlt unpacks into child tables (parquet).
read_json: DuckDB's own reader over the folder; needs about 1 MB a file, so it gets fewer files.
"""

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES_A_FOLDER = 3_000
READ_JSON_BYTES_A_FILE = 1_000_000
OLD = 1_700_000_000


def invoice(number: int, rng: random.Random) -> dict[str, Any]:
    """An invoice with details, about 3 kB."""
    person = {
        "Id": rng.randint(1, 99_999),
        "FirstName": "Ada",
        "LastName": "Example",
        "Email": f"guest{rng.randint(1, 99_999)}@example.org",
        "Phone": "0123456789",
    }
    address = {name: f"{name} here" for name in ("FirstName", "LastName", "AddressLine1", "City", "State", "Zipcode")}
    tickets = [
        {
            "Id": number * 10 + seat,
            "InvoiceId": number,
            "Status": "sold",
            "Section": "Balcony Right",
            "Row": "A",
            "Seat": rng.randint(1, 300),
            "BuyPrice": 23.75,
            "SellPrice": 25,
            "ServiceCharge": 1.25,
            "PriceLevelName": "",
            "Barcode": str(rng.randint(10**8, 10**12)),
            "ExpirationDate": "2200-01-01T08:00:00Z",
            "LastScannedAt": None,
            "DeliveryMethod": "Will-Call (Venue pickup)",
            "Event": {"EventId": 257, "EventName": "A Night of Songs ", "EventDate": "2027-12-17T18:01:00Z"},
            "Buyer": person,
        }
        for seat in range(rng.choice((1, 2, 2, 3, 4)))
    ]
    payment = {
        "Id": number,
        "ChargeMethod": "PRIOR_AUTH_CAPTURE",
        "Amount": 25 * len(tickets),
        "Currency": "USD",
        "PaymentType": "Visa",
        "InvoiceId": number,
        "Description": "tickets",
        "Date": "2026-04-11T13:34:17.53Z",
        "Card": {"CardNumber": "1111", "DueDate": None, "CardHolderName": "Ada Example", "ExpirationYear": 2035},
        "DeductedAmountByPlatform": 0,
        "BillingAddress": address,
        "Success": True,
        "CashRegisterId": 0,
        "PaymentProcessorEventOrganizerId": 0,
        "Buyer": person,
    }
    return {
        "Id": number,
        "Date": "2026-02-03T15:53:48.297Z",
        "InvoiceType": "Sale",
        "RelatedInvoiceId": 0,
        "ReturnStatus": "NotReturned",
        "Referrer": "",
        "Notes": "",
        "Amount": {
            "Total": 25 * len(tickets),
            "Currency": "USD",
            "ServiceCharge": 0,
            "Tax": 0,
            "Tip": 0,
            "Discount": 0,
        },
        "PlatformFee": {"Fee": 0.03, "TicketProtectionFee": 0, "AdFee": 0, "PaymentProcessingFee": 0},
        "Buyer": person,
        "Agent": person,
        "Shipping": {"Status": "0", "Date": None, "Carrier": "", "TrackingNo": "", "Address": address},
        "WillCall": {"Status": "0", "Date": None},
        "ProductsCount": 0,
        "TicketsCount": len(tickets),
        "Payments": [payment],
        "Tickets": tickets,
        "Products": [],
    }


def small(number: int, rng: random.Random) -> dict[str, Any]:
    """A new user, about 200 bytes."""
    return {
        "Id": number,
        "SignupDate": "2026-02-03T15:53:48Z",
        "FirstName": "Ada",
        "Email": f"{rng.random()}@example.org",
    }


def write_files(folder: Path, count: int, make: Callable[[int, random.Random], dict[str, Any]]) -> None:
    rng = random.Random(1)
    for number in range(count):
        place = folder / f"{number // FILES_A_FOLDER:05}"
        if number % FILES_A_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{number}.json").write_text(json.dumps(make(number + 1, rng), separators=(",", ":")))
    for place in [folder, *folder.iterdir()]:
        os.utime(place, (OLD, OLD))


def write_lines(folder: Path, count: int) -> None:
    rng = random.Random(1)
    folder.mkdir(parents=True)
    with (folder / "all.jsonl").open("w") as file:
        for number in range(count):
            file.write(json.dumps(invoice(number + 1, rng), separators=(",", ":")) + "\n")


# --- what is measured: each runs in a process of its own -------------------------------------------------------------


def floor(buffer: Path, work: Path) -> None:
    import hashlib

    import duckdb
    import orjson
    import pyarrow as pa

    hashes, ids, names, documents = [], [], [], []
    waiting = [str(buffer)]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            if entry.is_dir():
                waiting.append(entry.path)
                continue
            content = Path(entry.path).read_bytes()
            for raw in content.split(b"\n") if entry.name.endswith(".jsonl") else (content,):
                if raw:
                    ids.append(orjson.loads(raw)["Id"])
                    hashes.append(hashlib.blake2b(raw, digest_size=16).hexdigest())
                    names.append(entry.name)
                    documents.append(raw)
    rows = pa.table({"hash": hashes, "id": ids, "file": names, "document": pa.array(documents, pa.string())})
    with duckdb.connect(str(work / "floor.duckdb")) as db:
        db.register("rows", rows)
        db.execute("create table documents as from rows")


def account(buffer: Path, work: Path) -> Any:
    sys.path.insert(0, str(ROOT))
    from pipelines import load
    from pipelines.settings import Settings, Site

    site = Site("bench", str(buffer), settle_seconds=0)
    return load, load.TicketorAccount(Settings(work / "data", sites=(site,)), site)


def ours(buffer: Path, work: Path) -> None:
    (work / "data").mkdir(exist_ok=True)
    load, site = account(buffer, work)
    loaded = load.Loaded()
    site.load(load.Reading(), loaded, lambda line: None)
    print(json.dumps({"rows": loaded.rows.get("records", 0)}))


def look(buffer: Path, work: Path) -> None:
    load, site = account(buffer, work)
    start = time.perf_counter()
    due = site.look(load.Reading()).due
    print(json.dumps({"due": due, "inner": time.perf_counter() - start}))


def sweep(buffer: Path, work: Path) -> None:
    load, site = account(buffer, work)
    print(json.dumps({"due": site.look(load.Reading(sweep=True)).due}))


def nested_tables(buffer: Path, work: Path) -> None:
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(work / "dlt")}
    import dlt
    import orjson
    from dlt.sources.filesystem import filesystem, read_jsonl

    @dlt.transformer
    def documents(items: Any) -> Any:
        for item in items:
            yield orjson.loads(item.read_bytes())

    lines = any(buffer.glob("*.jsonl"))
    found = filesystem(bucket_url=buffer.as_uri(), file_glob="**/*.jsonl" if lines else "**/*.json")
    resource_ = (found | (read_jsonl() if lines else documents)).with_name("invoices")
    pipeline = dlt.pipeline(
        "nested", destination=dlt.destinations.duckdb(str(work / "nested.duckdb")), dataset_name="raw"
    )
    pipeline.run(resource_, loader_file_format="parquet")


def read_json(buffer: Path, work: Path) -> None:
    import duckdb

    with duckdb.connect(str(work / "read_json.duckdb")) as db:
        db.execute(f"create table documents as from read_json('{buffer}/*/*.json')")


MEASURED = {f.__name__: f for f in (floor, ours, look, sweep, nested_tables, read_json)}


def run(name: str, buffer: Path, work: Path) -> dict[str, Any]:
    """Runs one of the above: {"seconds", "megabytes", and what it printed}."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, str(buffer), str(work)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = {"seconds": seconds}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found


class Bench:
    """Runs things in fresh folders and prints rows of a table."""

    def __init__(self, folder: Path, repeat: int) -> None:
        self.folder, self.repeat = folder, repeat
        print("| what | seconds | peak memory | ratio | goal |\n|---|---|---|---|---|", flush=True)

    def row(self, what: str, median: dict[str, float], ratio: str = "", goal: str = "") -> None:
        print(f"| {what} | {median['seconds']:.2f} | {median['megabytes']:.0f} MB | {ratio} | {goal} |", flush=True)

    def compare(self, buffer: Path, names: list[str], repeat: int | None = None) -> dict[str, dict[str, float]]:
        """Medians of interleaved runs, each into an empty folder."""
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(repeat or self.repeat):
            for name in names:
                with tempfile.TemporaryDirectory(dir=self.folder) as work:
                    found[name].append(run(name, buffer, Path(work)))
        return {name: median(runs) for name, runs in found.items()}


def median(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {
        key: statistics.median(one[key] for one in runs) for key in ("seconds", "megabytes", "inner") if key in runs[0]
    }


def loads(bench: Bench, folder: Path, count: int, compared: int) -> None:
    """Small files and the same as JSON Lines, beside the floor and dlt's own way; DuckDB's reader on fewer."""
    print(f"| **{count:,} files of 3 kB** | | | | |")
    write_files(folder / "files", count, invoice)
    one = bench.compare(folder / "files", ["floor", "ours"])
    bench.row("floor", one["floor"])
    bench.row("ours", one["ours"], f"{one['ours']['seconds'] / one['floor']['seconds']:.2f} x floor", "at most 2; 1 GB")
    nested = bench.compare(folder / "files", ["nested_tables"], repeat=1)["nested_tables"]
    bench.row("dlt, nested tables", nested, f"{nested['seconds'] / one['ours']['seconds']:.1f} x ours", "at least 6")
    shutil.rmtree(folder / "files")

    print(f"| **{count:,} records as JSON Lines** | | | | |")
    write_lines(folder / "lines", count)
    one = bench.compare(folder / "lines", ["floor", "ours"])
    bench.row("floor", one["floor"])
    bench.row("ours", one["ours"], f"{one['ours']['seconds'] / one['floor']['seconds']:.2f} x floor", "at most 2; 1 GB")
    shutil.rmtree(folder / "lines")

    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    compared = min(compared, int(free * 0.7 / READ_JSON_BYTES_A_FILE))
    print(f"| **{compared:,} files of 3 kB** | | | | |")
    write_files(folder / "fewer", compared, invoice)
    one = bench.compare(folder / "fewer", ["ours", "read_json"], repeat=1)
    bench.row("ours", one["ours"])
    bench.row(
        "DuckDB read_json",
        one["read_json"],
        f"{one['read_json']['seconds'] / one['ours']['seconds']:.1f} x ours",
        "at least 10",
    )
    shutil.rmtree(folder / "fewer")


def nothing_new(bench: Bench, folder: Path, few: int, many: int) -> None:
    """A look at a buffer in which nothing is new; one new file among many; a sweep."""
    looks: dict[int, dict[str, float]] = {}
    for count in (few, many):
        print(f"| **{count:,} files of 200 bytes** | | | | |")
        buffer, work = folder / f"few-{count}", folder / f"work-{count}"
        work.mkdir()
        write_files(buffer, count, small)
        first = run("ours", buffer, work)
        assert first["rows"] == count, first
        bench.row("ours, first load", first, "", "1.5 GB" if count == many else "")
        looks[count] = median([run("look", buffer, work) for _ in range(max(5, bench.repeat))])
        ratio = looks[count]["seconds"] / looks[few]["seconds"]
        bench.row("nothing new", looks[count], f"{ratio:.2f} x that of {few:,}", "at most 1.5" if count == many else "")
        (buffer / "00000" / "new.json").write_text(json.dumps(small(count + 1, random.Random(2))))
        os.utime(buffer / "00000" / "new.json", (OLD, OLD))
        one = run("ours", buffer, work)
        assert one["rows"] == 1, one
        bench.row("one new file", one)
        bench.row("a sweep that finds nothing", run("sweep", buffer, work))
        shutil.rmtree(buffer)
        shutil.rmtree(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="small files, and lines, to load")
    parser.add_argument("--compare", type=int, default=10_000, help="files for DuckDB's read_json")
    parser.add_argument("--few", type=int, default=10_000, help="files read before, the smaller number")
    parser.add_argument("--many", type=int, default=1_000_000, help="files read before, the larger number")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=["loads", "nothing_new"])
    parser.add_argument("--one", nargs=3, metavar=("NAME", "BUFFER", "WORK"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, buffer, work = arguments.one
        MEASURED[name](Path(buffer), Path(work))
        unit = 2**20 if sys.platform == "darwin" else 2**10
        print(json.dumps({"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}))
        return
    with tempfile.TemporaryDirectory(prefix="ticketor-bench-") as folder:
        bench = Bench(Path(folder), arguments.repeat)
        if arguments.only != "nothing_new":
            loads(bench, Path(folder), arguments.files, arguments.compare)
        if arguments.only != "loads":
            nothing_new(bench, Path(folder), min(arguments.few, arguments.many), arguments.many)


if __name__ == "__main__":
    main()
