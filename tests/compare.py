# ruff: noqa: T201
"""Whether two published files are equal, and whether this code publishes what other code published of the same raw.

    python -m tests.compare old.duckdb new.duckdb
    python -m tests.compare keep FOLDER      before a change: venues, the demo over three days, the kept warehouse
    python -m tests.compare check FOLDER     after it: the same raw, built at once and in three steps

Everything after raw is a function of raw, so a change that is to change no result must print `equal` for each.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from boxoffice.run import backup
from boxoffice.settings import Settings
from boxoffice.warehouse.build import transform
from boxoffice.warehouse.publish import publish
from tests import worlds
from tests.operations.upgrade import KEPT, house_of

STEPS = 3
# when it was published is the one thing that may differ
NOT_COMPARED = "run_info"


def differences(old: Path, new: Path) -> Iterator[str]:
    """What differs between two published files: tables, types, constraints, comments, and rows counted both ways."""
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        for name, path in (("old", old), ("new", new)):
            db.execute(f"attach '{path}' as {name} (read_only)")
        for what, query in {
            "table": "select table_name, comment from duckdb_tables()",
            "view": "select view_name, comment, sql from duckdb_views()",
            "column": "select table_name, column_index, column_name, data_type, is_nullable, column_default, comment "
            "from duckdb_columns()",
            "constraint": "select table_name, constraint_type, constraint_text from duckdb_constraints()",
        }.items():
            sides = [f"{query} where database_name = '{name}' and schema_name = 'marts'" for name in ("old", "new")]
            for sign, (one, other) in (("-", sides), ("+", sides[::-1])):
                for row in db.execute(f"{one} except all {other} order by all").fetchall():
                    yield f"{sign} {what} {row}"
        for (table,) in db.execute(
            "select table_name from duckdb_tables() where database_name = 'old' and table_name in "
            "(select table_name from duckdb_tables() where database_name = 'new') order by all"
        ).fetchall():
            if table == NOT_COMPARED or same_rows(db, f"from old.marts.{table}", f"from new.marts.{table}"):
                continue
            for sign, one, other in (("-", "old", "new"), ("+", "new", "old")):
                gone = db.execute(f"from {one}.marts.{table} except all from {other}.marts.{table}").fetchall()
                if gone:
                    yield f"{sign} {len(gone):,} rows of {table}, such as {gone[0]}"


def same_rows(db: duckdb.DuckDBPyConnection, one: str, other: str) -> bool:
    """Whether two queries have the same rows, in whatever order: by hashes, a fifth of the time of `except all`."""
    summed = "select count(*), sum(hash(rows)) from ({}) as rows"
    return db.execute(summed.format(one)).fetchall() == db.execute(summed.format(other)).fetchall()


def keep(folder: Path) -> None:
    """Makes the data folders that ``check`` compares with."""
    worlds.make(folder / "worlds", 6)
    for _day in range(STEPS):
        subprocess.run(
            [sys.executable, "-m", "sandbox", "demo"],
            env=os.environ | {"BOXOFFICE_DATA_DIR": str(folder / "demo" / "data")},
            check=True,
            capture_output=True,
        )
    for release in KEPT.glob("*.tar.xz"):
        house = house_of(folder / f"release {release.name.removesuffix('.tar.xz')}")
        with tarfile.open(release) as archive:
            archive.extractall(house.settings().data_dir)
        backup.rebuild(house.settings(), echo=lambda _line: None)


def check(folder: Path) -> bool:
    """Builds from the raw of each kept folder, at once and in steps, and prints what differs."""
    equal = True
    for kept in sorted(folder.glob("*/data")):
        for steps in (1, STEPS):
            with tempfile.TemporaryDirectory() as scratch:
                settings = Settings(data_dir=Path(scratch))
                shutil.copyfile(kept / "person.key", settings.person_key_file)
                for step in range(1, steps + 1):
                    _load(kept / "warehouse.duckdb", settings.warehouse, step, steps)
                    transform(settings, lambda _line: None)
                publish(settings, datetime.now(UTC))
                found = list(differences(kept / "boxoffice.duckdb", settings.published))
                print(f"{kept.parent.name}, {steps} build{'s' if steps > 1 else ''}: {'equal' if not found else ''}")
                print("".join(f"  {line[:400]}\n" for line in found), end="", flush=True)
                equal = equal and not found
    return equal


def _load(kept: Path, warehouse: Path, step: int, steps: int) -> None:
    """Copies the raw rows of the first ``step`` of ``steps`` parts of the loads."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute(f"attach '{kept}' as kept (read_only)")
        tables = db.execute(
            "select schema_name, table_name, bool_or(column_name = '_dlt_load_id') from duckdb_columns() "
            "where database_name = 'kept' and schema_name like 'raw_%' "
            "and schema_name not like '%_staging' group by all"
        ).fetchall()
        loaded = " union ".join(
            f"select _dlt_load_id as load_id from kept.{schema}.{table}"
            for schema, table, has_loads in tables
            if has_loads
        )
        db.execute(
            f"create temp table part as select load_id, ntile({steps}) over (order by load_id) as part from ({loaded})"
        )
        for schema, table, has_loads in tables:
            rows = f"from kept.{schema}.{table} as rows" + (
                f" semi join (from part where part <= {step}) as part on rows._dlt_load_id = part.load_id"
                if has_loads
                else ""
            )
            db.execute(f"create schema if not exists {schema}")
            db.execute(f"create table if not exists {schema}.{table} as {rows} limit 0")
            db.execute(f"insert into {schema}.{table} {rows} except all from {schema}.{table}")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["keep", folder]:
            keep(Path(folder))
            return 0
        case ["check", folder]:
            return 0 if check(Path(folder)) else 1
        case [old, new]:
            found = list(differences(Path(old), Path(new)))
            print("\n".join(found) or "equal")
            return 1 if found else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
