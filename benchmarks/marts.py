"""What one per cent more costs in SQL, as a share of a full build: the seconds that dbt's nodes took, its start apart.

    python -m benchmarks.marts [--orders 20000] [--keep FOLDER]

A small made-up venue is loaded for real; its rows in raw are then copied a hundred times with ids of their own, four
copies to a season of the same events and buyers. The full build is of a hundred copies, the one per cent is one more.
What the second build makes is compared with a fresh build of the same rows, table by table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parent.parent
COPIES, COPIES_A_SEASON = 100, 4
# ids of what is sold are a copy's own, those of what is on sale a season's
TICKETOR = r"""
    replace(
        regexp_replace(
            regexp_replace(document, '"(Id|InvoiceId|RelatedInvoiceId)":([1-9][0-9]*)', '"\1":\2' || copy, 'g'),
            '"EventId":([1-9][0-9]*)', '"EventId":\1' || season, 'g'
        ),
        '@', '+' || season || '@'
    )
"""
TICKET_TAILOR = r"""
    replace(
        regexp_replace(
            regexp_replace(document, '"(or|it|li|ci)_([0-9]+)"', '"\1_\2' || copy || '"', 'g'),
            '"(ev|es)_([0-9]+)"', '"\1_\2' || season || '"', 'g'
        ),
        '@', '+' || season || '@'
    )
"""
OF_NO_VERSION = ("coverage", "refused", "folders", "webhooks", "_dlt_loads")
OF_A_SEASON = ("events", "event_series", "products", "discounts", "vouchers", "voucher_codes", "membership_types")


def load_seed(folder: Path, orders: int) -> None:
    """The venue whose rows are copied: ``orders`` on each platform, met at two moments so that they have a history."""
    from boxoffice.run import run
    from boxoffice.settings import BoxOffice, Settings, Site
    from sandbox.ticket_tailor_api import TicketTailorApi
    from sandbox.ticketor_webhooks import write_webhooks
    from sandbox.venue import Venue

    venue = Venue(1, orders=orders)
    with TicketTailorApi({"sk_1": venue}, budget=1_000_000) as api:
        settings = Settings(
            folder,
            sites=(Site(venue.account, str(folder / "webhooks"), venue.time_zone, settle_seconds=0),),
            box_offices=(BoxOffice(venue.account, "sk_1", api.url, venue.time_zone),),
        )
        since = None
        for api.now in (venue.end - 9 * 86_400, venue.end):
            write_webhooks(venue, folder / "webhooks", since=since, until=api.now)
            since = api.now
            assert run.load_only(settings, echo=lambda _line: None, full=True).outcome == "done"


def copy_rows(seed: Path, warehouse: Path, copies: range) -> None:
    """Adds these copies of every row in the seed's raw tables."""
    from boxoffice.raw.pipeline import NEW_FILE

    # as a run makes it; a file that is there stays what it is
    with duckdb.connect(str(warehouse), config=NEW_FILE) as db:
        db.execute(f"attach '{seed}' as seed (read_only)")
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'seed' "
            "and schema_name like 'raw_%' and schema_name not like '%_staging' "
            "and (table_name = '_dlt_loads' or table_name not like '_dlt%')"
        ).fetchall()
        for schema, table in tables:
            db.execute(f"create schema if not exists {schema}")
            db.execute(f'create table if not exists {schema}."{table}" as from seed.{schema}."{table}" limit 0')
            rows = f'seed.{schema}."{table}"'
            own = "" if table not in OF_A_SEASON else f"where number % {COPIES_A_SEASON} = 0 or number = {copies[0]}"
            numbered = f"""
                {rows} cross join (
                    select
                        number,
                        format('{{:03d}}', number) as copy,
                        format('{{:02d}}', number // {COPIES_A_SEASON}) as season
                    from range({copies.start}, {copies.stop}) as copies (number)
                    {own}
                )
            """
            if schema == "raw_ticketor" and table == "records":
                changed = f"""
                    md5(record_id || copy) as record_id,
                    try_cast(payload_id || copy as bigint) as payload_id,
                    {TICKETOR} as document,
                    copy || '/' || file as file,
                    _dlt_load_id || copy as _dlt_load_id
                """
            elif schema == "raw_ticket_tailor" and table not in OF_NO_VERSION:
                suffix = "season" if table in ("events", "event_series") else "copy"
                key = "season" if table == "events" else "copy"
                changed = f"""
                    md5(version_id || {key}) as version_id,
                    {"id" if table in ("products", "discounts") else f"id || {suffix}"} as id,
                    {TICKET_TAILOR} as document,
                    md5(document_hash || {suffix}) as document_hash,
                    _dlt_load_id || copy as _dlt_load_id
                """
            elif copies.start == 0:
                db.execute(f'insert into {schema}."{table}" from {rows}')
                continue
            else:
                continue
            if table == "events":
                db.execute(
                    f"delete from {schema}.{table} where version_id in (select version_id from "
                    f"(select {changed} from {numbered}))"
                )
            db.execute(
                f'insert into {schema}."{table}" by name select * exclude (number, copy, season) replace ({changed}) '
                f"from {numbered}"
            )


def build(folder: Path) -> Counter[str]:
    """`dbt build` in a process of its own: the seconds that the statements of each node took, by its name."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.marts", "--build", folder],
        cwd=ROOT,
        env=os.environ | {"BOXOFFICE_DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Counter(json.loads(ended.stdout.splitlines()[-1]))


def build_here(folder: Path) -> None:
    from dbt.cli.main import dbtRunner

    seconds: Counter[str] = Counter()

    def on_event(event: Any) -> None:
        if event.info.name == "SQLQueryStatus":
            # model.boxoffice.fct_orders, test.boxoffice.not_null_fct_orders_order_key.1a2b3c
            kind, _, name = (event.data.node_info.unique_id or "run.boxoffice.start and end").split(".")[:3]
            seconds[f"{kind}.{name}"] += event.data.elapsed

    command = ["--quiet", "--log-level-file=none", "--no-write-json", "build", "--exclude-resource-type=unit_test"]
    command += [f"--project-dir={ROOT}", f"--profiles-dir={ROOT}", f"--target-path={folder}/target"]
    result = dbtRunner(callbacks=[on_event]).invoke([*command, f"--log-path={folder}"])
    if not result.success:
        sys.exit(f"dbt failed: {result.exception}")
    print(json.dumps(seconds))


def compare(folder: Path, fresh: Path) -> bool:
    """Whether all tables of the marts are the same in both."""
    same = True
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as db:
        db.execute(f"attach '{fresh / 'warehouse.duckdb'}' as fresh (read_only)")
        tables = [
            name
            for (name,) in db.execute(
                "select table_name from duckdb_tables() where database_name = 'fresh' and schema_name = 'marts'"
            ).fetchall()
        ]
        for name in tables:
            [(more, less)] = db.execute(
                f"select (select count(*) from (from marts.{name} except all from fresh.marts.{name})), "
                f"(select count(*) from (from fresh.marts.{name} except all from marts.{name}))"
            ).fetchall()
            if more or less:
                same = False
                print(f"{name}: {more} rows only in the one that grew, {less} only in the fresh one")
    print(f"{len(tables)} tables of the marts compared: {'the same' if same else 'NOT the same'}")
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20_000, help="orders on each platform before the one per cent")
    parser.add_argument("--keep", type=Path, help="a folder to work in, and to leave")
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build_here(options.build)
        return
    with tempfile.TemporaryDirectory() as passing:
        folder = options.keep or Path(passing)
        for name in ("seed", "grown", "fresh"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("grown", "fresh"):
            (folder / name / "person.key").write_text("benchmark")
        seed = folder / "seed" / "warehouse.duckdb"
        if not seed.exists():
            load_seed(folder / "seed", options.orders // COPIES)
        copy_rows(seed, folder / "grown" / "warehouse.duckdb", range(COPIES))
        full = build(folder / "grown")
        print(f"full build of {options.orders:,} orders a platform: {full.total():.1f} s", flush=True)
        copy_rows(seed, folder / "grown" / "warehouse.duckdb", range(COPIES, COPIES + 1))
        more = build(folder / "grown")
        for kind in ("run", "seed", "model", "test"):
            times = [sum(t for name, t in found.items() if name.startswith(kind)) for found in (full, more)]
            print(f"{kind:<60} {times[0]:>9.2f} {times[1]:>9.2f} {times[1] / times[0]:>6.3f}")
        for name, seconds in more.most_common(options.top):
            print(f"{name:<60} {full[name]:>9.2f} {seconds:>9.2f}")
        print(f"{'all':<60} {full.total():>9.2f} {more.total():>9.2f} {more.total() / full.total():>6.3f}")
        copy_rows(seed, folder / "fresh" / "warehouse.duckdb", range(COPIES + 1))
        build(folder / "fresh")
        sys.exit(not compare(folder / "grown", folder / "fresh"))


if __name__ == "__main__":
    main()
