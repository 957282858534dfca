"""What it costs to load Ticketor's buffer files, side by side with a floor and with what one would write instead.

    python -m benchmarks.ticketor_load                    # 100,000 files, a million small ones: about 20 minutes
    python -m benchmarks.ticketor_load --files 5000 --many 20000 --compare 2000 --repeat 1        # one or two

Every figure is the wall time and the peak memory of a process of its own, imports included; what is compared runs
interleaved, and the median counts. Trust the ratios, not the seconds. Who takes longer than five minutes is stopped.

floor: a bare loop that lists, reads, parses with orjson, hashes, and inserts once into DuckDB through Arrow.
nested tables: dlt's `filesystem` source that yields documents, which dlt unpacks into child tables (parquet).
read_json: DuckDB's own reader over the folder; as it comes it needs 1 to 2 MB a file, so it gets fewer files. It is
measured as well with preserve_insertion_order off, which a user would have to know of.
"""

import argparse
import json
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measuring import contender, header, median, row, section, spent, times

FILES_A_FOLDER = 3_000
READ_JSON_BYTES_A_FILE = 2_000_000
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
    """One a minute until now: what came in the last days is looked at more closely than the rest."""
    rng, now = random.Random(1), int(time.time())
    for number in range(count):
        place = folder / f"{number // FILES_A_FOLDER:05}"
        if number % FILES_A_FOLDER == 0:
            place.mkdir(parents=True)
        file = place / f"{number}.json"
        file.write_text(json.dumps(make(number + 1, rng), separators=(",", ":")))
        os.utime(file, (received := now - 60 * (count - number), received))
    for place in [folder, *folder.iterdir()]:
        os.utime(place, (OLD, OLD))


def write_invoices(folder: Path, count: int) -> None:
    write_files(folder, count, invoice)


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
    from boxoffice.settings import Settings, Site
    from boxoffice.ticketor.account import TicketorAccount

    site = Site("bench", str(buffer), settle_seconds=0)
    return TicketorAccount(Settings(work / "data", sites=(site,)), site)


def ours(buffer: Path, work: Path) -> None:
    from boxoffice.raw.account import Loaded, Reading

    (work / "data").mkdir(exist_ok=True)
    site = account(buffer, work)
    loaded = Loaded()
    site.load(Reading(), loaded, lambda line: None)
    print(json.dumps({"rows": loaded.rows.get("records", 0)}))


def look(buffer: Path, work: Path) -> None:
    from boxoffice.raw.account import Reading

    site = account(buffer, work)
    start = time.perf_counter()
    due = site.look(Reading()).due
    print(json.dumps({"due": due, "inner": time.perf_counter() - start}))


def sweep(buffer: Path, work: Path) -> None:
    from boxoffice.raw.account import Reading

    site = account(buffer, work)
    print(json.dumps({"due": site.look(Reading(sweep=True)).due}))


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


def read_json(buffer: Path, work: Path, setting: str = "") -> None:
    import duckdb

    with duckdb.connect(str(work / "read_json.duckdb")) as db:
        db.execute(setting)
        db.execute(f"create table documents as from read_json('{buffer}/*/*.json')")


def read_json_in_any_order(buffer: Path, work: Path) -> None:
    read_json(buffer, work, "set preserve_insertion_order = false")


MEASURED = {f.__name__: f for f in (floor, ours, look, sweep, nested_tables, read_json, read_json_in_any_order)}


def run(name: str, buffer: Path, work: Path) -> dict[str, Any]:
    """Runs one of the above: what it took and what it printed."""
    return contender(["-m", "benchmarks.ticketor_load", "--one", name, str(buffer), str(work)])


def compare(folder: Path, buffer: Path, names: list[str], repeat: int) -> dict[str, dict[str, Any]]:
    """Medians of interleaved runs, each into an empty folder."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                found[name].append(run(name, buffer, Path(work)))
    return {name: median(runs) for name, runs in found.items()}


def told(what: str, found: dict[str, Any], ratio: str = "", goal: str = "") -> None:
    if "gave_up" in found:
        what += f": {found['gave_up']}"
    row(what, found, ratio, goal)


def loads(folder: Path, count: int, compared: int, repeat: int) -> None:
    """Small files and the same as JSON Lines, beside the floor and dlt's own way; DuckDB's reader on fewer."""
    for layout, write in (("files of 3 kB", write_invoices), ("records as JSON Lines", write_lines)):
        section(f"{count:,} {layout}")
        buffer = folder / "buffer"
        write(buffer, count)
        rivals = ["nested_tables"] if write is write_invoices else []
        one = compare(folder, buffer, ["floor", "ours", *rivals], repeat)
        told("floor", one["floor"])
        told("ours", one["ours"], f"{times(one['ours'], one['floor'])} x floor", "at most 2; 1 GB")
        if rivals:
            nested = one["nested_tables"]
            told("dlt, nested tables", nested, f"{times(nested, one['ours'])} x ours", "at least 6")
        shutil.rmtree(buffer)

    compared = min(compared, available_bytes() // READ_JSON_BYTES_A_FILE)
    section(f"{compared:,} files of 3 kB")
    write_invoices(folder / "fewer", compared)
    one = compare(folder, folder / "fewer", ["ours", "read_json", "read_json_in_any_order"], 1)
    told("ours", one["ours"])
    told("DuckDB read_json", one["read_json"], f"{times(one['read_json'], one['ours'])} x ours", "at least 10")
    tuned = one["read_json_in_any_order"]
    told("the same in any order", tuned, f"{times(tuned, one['ours'])} x ours")
    shutil.rmtree(folder / "fewer")


def available_bytes() -> int:
    """Memory that may be used without swapping; where it is not told, half of what there is."""
    if (meminfo := Path("/proc/meminfo")).exists():
        return int(re.search(r"MemAvailable:\s+(\d+)", meminfo.read_text())[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def nothing_new(folder: Path, few: int, many: int, repeat: int) -> None:
    """A look at a buffer in which nothing is new; one new file among many; a sweep."""
    looks: dict[int, dict[str, Any]] = {}
    for count in (few, many):
        section(f"{count:,} files of 200 bytes")
        buffer, work = folder / f"few-{count}", folder / f"work-{count}"
        work.mkdir()
        write_files(buffer, count, small)
        first = run("ours", buffer, work)
        assert first.get("gave_up") or first["rows"] == count, first
        told("ours, first load", first, "", "1.5 GB" if count == many else "")
        if first.get("gave_up"):
            return
        looks[count] = median([run("look", buffer, work) for _ in range(max(5, repeat))])
        ratio = f"{times(looks[count], looks[few])} x that of {few:,}"
        told("nothing new", looks[count], ratio, "at most 1.5" if count == many else "")
        (buffer / "00000" / "new.json").write_text(json.dumps(small(count + 1, random.Random(2))))
        os.utime(buffer / "00000" / "new.json", (OLD, OLD))
        one = run("ours", buffer, work)
        assert one["rows"] == 1, one
        told("one new file", one)
        told("a sweep that finds nothing", run("sweep", buffer, work))
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
        print(json.dumps(spent()))
        return
    header()
    with tempfile.TemporaryDirectory(prefix="ticketor-bench-") as folder:
        if arguments.only != "nothing_new":
            loads(Path(folder), arguments.files, arguments.compare, arguments.repeat)
        if arguments.only != "loads":
            nothing_new(Path(folder), min(arguments.few, arguments.many), arguments.many, arguments.repeat)


if __name__ == "__main__":
    main()
