"""Keeping and getting back: `boxoffice backup`, `restore` and `rebuild`.

All that cannot be made again is raw, and the secret behind ``person_key``: a backup holds these two (and runs.jsonl),
everything else is built from them. Raw is copied table by table, so a backup is also free of what updates and deletes
have left in the file. The Ticketor buffer is not in it; but raw holds the bytes of every record that was loaded.
"""

import contextlib
import dataclasses
import datetime as dt
import filecmp
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from boxoffice.atomic_file import put_in_place, require_place, whole
from boxoffice.errors import Problem
from boxoffice.raw import closes, pipeline
from boxoffice.raw.pipeline import NEW_FILE
from boxoffice.run import disk, lock, marker, run
from boxoffice.settings import Settings

Echo = Callable[[str], None]

RAW, KEY, RUNS, MANIFEST = "raw.duckdb", "person.key", "runs.jsonl", "manifest.json"

# dlt's and our own notes on what has been read: of a dataset that is not whole they would be untrue
NOTES = ("coverage", "folders", "_dlt_version", "_dlt_pipeline_state")

# what reading a file that is no backup, or no whole one, may raise
UNREADABLE = (
    *(tarfile.TarError, zlib.error, OSError, EOFError, duckdb.Error),
    *(ValueError, KeyError, TypeError, AttributeError, RecursionError),
)

# what a restore takes from a file that anyone may have written: these schemas, and columns of these types
SCHEMAS = {"raw_ticketor", "raw_ticket_tailor", "raw_boxoffice", "raw_closes", "raw_payouts"}
TYPES = {"VARCHAR", "BIGINT", "BLOB", "BOOLEAN", "DOUBLE", "TIMESTAMP WITH TIME ZONE"}
# dlt's own notes, which name modules that it would import: it makes them again
NAME_CODE = {"_dlt_version", "_dlt_pipeline_state"}
# bytes: a head of ours is a tenth of it, and tarfile searches heads in a time that grows with their square
PIECE = 2**13
# bytes: for heads and the manifest, which has a line for each table
BESIDE_FILES = 2**17

RAW_TABLES = """
    select schema_name, table_name, sql from duckdb_tables()
    where schema_name like 'raw\\_%' escape '\\' and schema_name not like '%\\_staging' escape '\\'
    order by all
"""

# What people would miss, by the key that stays the same in every rebuild.
FACTS = {
    "fct_orders": "order_key",
    "fct_tickets": "ticket_key",
    "fct_product_sales": "product_sale_key",
    "fct_payments": "payment_key",
    "fct_order_changes": "order_change_key",
    "dim_events": "event_key",
    "dim_customers": "customer_key",
    "fct_balance_transactions": "balance_transaction_key",
}
# whose rows they are, where that is no account
OWNERS = {"fct_balance_transactions": "processor, 'payouts'"}


@dataclasses.dataclass
class Copied:
    """Rows of each raw table that could be copied, and of each other one why not."""

    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Rebuilt:
    """What a restore or rebuild did: the run that built the marts, and messages for the user."""

    result: run.RunResult
    messages: list[str]


def backup(settings: Settings, target: Path, *, echo: Echo, now: dt.datetime | None = None) -> dict[str, Any]:
    """Writes all that cannot be made again into one file (tar, gzip), readable for its owner alone.

    Replaces an older backup of that name, once the new one has been read back. Returns its manifest. Raises Busy while
    a run is under way, and Problem when there is nothing to keep, raw is damaged, or something else has that name.
    """
    require_place(target)
    if target.exists() and not _is_backup(target):
        raise Problem(f"{target} is there already and is no backup of ours. Nothing was written: choose another name.")
    if not settings.warehouse.exists():
        raise Problem(f"{settings.warehouse} does not exist: there is nothing to keep yet. First: boxoffice run")
    lock.make_data_dir(settings, echo)
    with (
        lock.privately(),
        lock.lock(settings),
        tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".backup-") as folder,
    ):
        raw = Path(folder) / RAW
        copied = copy_raw(settings, raw)
        if copied.damaged:
            raise Problem(f"Raw is damaged: {_listed(copied.damaged)}\nNothing was written. First: boxoffice rebuild")
        kept = {RAW: raw, KEY: settings.person_key_file, RUNS: settings.runs_file}
        kept = {name: path for name, path in kept.items() if path.exists()}
        manifest = {
            "boxoffice": version("boxoffice"),
            "duckdb": duckdb.__version__,
            "made_at": (now or dt.datetime.now(dt.UTC)).isoformat(),
            "files": {name: {"size": path.stat().st_size, "sha256": _sha256(path)} for name, path in kept.items()},
            "rows": copied.rows,
        }
        try:
            with whole(target, 0o600) as file:
                _write(file, manifest, kept)
                file.seek(0)
                _read_backup(file, target)
        except OSError as error:
            raise Problem(
                f"{target} could not be written: {error.strerror}. An older backup stays; give another place."
            ) from None
    echo(f"{target}: {sum(copied.rows.values()):,} rows of raw, {target.stat().st_size:,} bytes")
    return manifest


def restore(settings: Settings, source: Path, *, echo: Echo, replace: bool = False) -> Rebuilt:
    """Puts a backup back, then builds and publishes. What came since is loaded by the next run.

    A warehouse that is there is put aside with ``replace``, as is another person.key, and is otherwise a Problem, as is
    a file that is no whole backup: nothing is touched then.
    """
    if settings.warehouse.exists() and not replace:
        raise Problem(
            f"{settings.data_dir} holds a warehouse already. Nothing was touched.\n"
            "With --replace it is put aside; or set BOXOFFICE_DATA_DIR to another folder."
        )
    told: list[str] = []

    @contextlib.contextmanager
    def put_back(_result: run.RunResult) -> Iterator[bool]:
        with (
            source.open("rb") as file,
            tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as name,
        ):
            folder = Path(name)
            manifest = _read_backup(file, source, folder)
            echo(
                f"{source}: a backup of {manifest['made_at'][:16]} UTC, {sum(manifest['rows'].values()):,} rows of raw"
            )
            raw = folder / "checked.duckdb"
            _copy_plain_tables(source, folder / RAW, raw, manifest["rows"])
            if settings.warehouse.exists():
                told.append(_put_aside(settings.warehouse, "before-restore"))
            # before raw: with no key there the next run would make another one
            if (folder / KEY).exists():
                if settings.person_key_file.exists() and not filecmp.cmp(folder / KEY, settings.person_key_file, False):
                    told.append(_put_aside(settings.person_key_file, "before-restore"))
                put_in_place(folder / KEY, settings.person_key_file)
            if (folder / RUNS).exists() and not settings.runs_file.exists():
                put_in_place(folder / RUNS, settings.runs_file)
            _place(settings, raw, lacks=False)
            told.extend(closes.put_back(settings, settings.published))
        yield False

    return Rebuilt(run.rebuild(settings, "restore", put_back, echo=echo), told)


def rebuild(settings: Settings, *, echo: Echo) -> Rebuilt:
    """Makes the warehouse and the published file again from what is kept.

    Raw as far as it can be read; for what cannot, the buffer, its archive and the API are read from the beginning.
    Tells what could not be got back, judged by the tables published before.
    """
    told: list[str] = []

    @contextlib.contextmanager
    def put_back(result: run.RunResult) -> Iterator[bool]:
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".rebuild-") as folder:
            before, fresh = Path(folder) / "before.duckdb", Path(folder) / RAW
            if settings.published.exists():
                _link(settings.published, before)
            copied = copy_raw(settings, fresh)
            # closed months are in no buffer and no API
            damaged = {table for table in copied.damaged if not table.startswith(f"{closes.SCHEMA}.")}
            # an earlier rebuild may not have come to its end
            lacks = bool(damaged) or not copied.rows or settings.rebuilding.exists()
            if len(damaged) < len(copied.damaged):
                _drop_closes(fresh)
            if copied.rows:
                echo(f"raw: {sum(copied.rows.values()):,} rows of {len(copied.rows)} tables are whole")
            if lacks:
                settings.require_accounts()
                echo("reading the buffers, their archives and the APIs from the beginning")
            if copied.damaged:
                aside = _put_aside(settings.warehouse, "damaged")
                told.append(f"Damaged in raw: {_listed(copied.damaged)}\n{aside}")
            _place(settings, fresh, lacks=lacks)
            told.extend(closes.put_back(settings, before))
            yield lacks
            if result.published:
                told.extend(_missing(before, settings.published))

    return Rebuilt(run.rebuild(settings, "rebuild", put_back, echo=echo), told)


def copy_raw(settings: Settings, target: Path) -> Copied:
    """Copies raw, table by table with types and constraints; reading every value of it is also the test of the file.

    Raises Problem while another process writes the warehouse, and when ``target`` cannot be written.
    """
    copied, tables = Copied(), []
    if settings.warehouse.exists():
        settings.warehouse.open("rb").close()  # what we may not read is not damaged
        try:
            tables = _read(settings, RAW_TABLES)
        except (pipeline.Unreadable, duckdb.Error) as error:
            copied.damaged["everything"] = _first_line(error)
    try:
        for schema, name, sql in tables:
            _copy_table(settings, target, schema, name, sql, copied)
        _drop_untrue(target, copied)
    except duckdb.Error as error:
        raise Problem(
            f"Raw could not be copied into {settings.data_dir}: {_first_line(error)}\n"
            "Nothing was changed. If the disk is full, free some space and call this again."
        ) from None
    return copied


def _copy_table(settings: Settings, target: Path, schema: str, name: str, sql: str, copied: Copied) -> None:
    # an attachment of its own: one that has met a damaged block answers nothing more
    with duckdb.connect(str(target), config=NEW_FILE) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"create schema if not exists {schema}")
        db.execute(sql)
        try:
            db.execute(f"attach '{_quoted(settings.warehouse)}' as warehouse (read_only)")
            [(rows,)] = db.execute(f'insert into {schema}."{name}" from warehouse.{schema}."{name}"').fetchall()
        except duckdb.Error:
            try:
                _read(settings, f'select max(hash(it)) from {schema}."{name}" as it')
            except (pipeline.Unreadable, duckdb.Error) as error:
                copied.damaged[f"{schema}.{name}"] = _first_line(error)
                return
            raise
        copied.rows[f"{schema}.{name}"] = rows


def _read(settings: Settings, query: str) -> list[Any]:
    with pipeline.open_warehouse(settings, read_only=True) as db:
        return db.execute(query).fetchall()


def _drop_untrue(target: Path, copied: Copied) -> None:
    """Of a dataset that is not whole: the notes on what has been read, and all of it where it is not known any more
    which loads were complete."""
    with duckdb.connect(str(target), config=NEW_FILE) as db:
        for schema in {table.partition(".")[0] for table in copied.damaged}:
            loads_known = f"{schema}._dlt_loads" in copied.rows
            for table in [table for table in copied.rows if table.startswith(f"{schema}.")]:
                if not loads_known or table.partition(".")[2] in NOTES:
                    del copied.rows[table]
            for (table,) in db.execute(
                "select table_name from duckdb_tables() where schema_name = ?", [schema]
            ).fetchall():
                if f"{schema}.{table}" not in copied.rows:
                    db.execute(f'drop table {schema}."{table}"')
        db.execute("checkpoint")  # closing would not say that it could not write all of it


def _drop_closes(target: Path) -> None:
    with duckdb.connect(str(target), config=NEW_FILE) as db:
        db.execute(f"drop schema {closes.SCHEMA} cascade")
        db.execute("checkpoint")


def _place(settings: Settings, raw: Path, *, lacks: bool) -> None:
    """This raw becomes the warehouse, in one rename. dlt's own folder knows of the other one: it is made again from
    raw. Where raw lacks anything, nothing is published until it has been read."""
    marker.remove(settings)
    settings.rebuilding.touch()
    shutil.rmtree(settings.dlt_dir, ignore_errors=True)
    _wal(settings.warehouse).unlink(missing_ok=True)
    put_in_place(raw, settings.warehouse)
    if not lacks:
        settings.rebuilding.unlink()


def _put_aside(path: Path, why: str) -> str:
    """Gives a file a second name, under which it stays when another takes its place. Returns that in words."""
    aside = path.with_name(f"{path.name}.{why}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}")
    _link(path, aside)
    if _wal(path).exists():
        _link(_wal(path), _wal(aside))
    return f"The {path.name} that was there is {aside} now."


def _link(path: Path, other: Path) -> None:
    try:
        other.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # a file system that has no links
        shutil.copyfile(path, other)


def _missing(before: Path, published: Path) -> list[str]:
    """What was published before and is not now."""
    if not before.exists():
        return ["Nothing was published before, so it cannot be told whether anything is missing."]
    told = []
    with duckdb.connect() as db:
        try:
            db.execute(f"attach '{_quoted(before)}' as before (read_only)")
        except duckdb.Error as error:
            return [f"What was published before cannot be read, so nothing can be compared: {_first_line(error)}"]
        db.execute(f"attach '{_quoted(published)}' as after (read_only)")
        known = "select table_name from duckdb_tables() where database_name = 'before'"
        held = {name for (name,) in db.execute(known).fetchall()}
        for table, key in FACTS.items():
            if table in OWNERS and table not in held:
                continue  # an earlier release published none
            try:
                rows = db.execute(
                    f"select {OWNERS.get(table, 'platform, account')}, count(*) from before.marts.{table} "
                    f"anti join after.marts.{table} using ({key}) group by all order by all"
                ).fetchall()
            except duckdb.Error as error:
                told.append(f"{table}: cannot be compared with what was published before: {_first_line(error)}")
                continue
            told += [
                f"{platform} {account}: {count:,} rows of {table} are not there" for platform, account, count in rows
            ]
    if told:
        told.append(
            "Not got back: what a platform's API no longer shows, when we first saw a change, and webhooks of which no "
            "file is left. Exports of payment processors can be loaded again: boxoffice payouts load. With a backup: "
            "boxoffice restore FILE --replace"
        )
    return told or ["Everything that was published before is there."]


def _write(file: BinaryIO, manifest: dict[str, Any], files: dict[str, Path]) -> None:
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
        told = json.dumps(manifest, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(told), 0o600
        tar.addfile(entry, io.BytesIO(told))
        for name, path in files.items():
            tar.add(path, name, filter=_private)


def _private(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o600, 0, 0, "", ""
    return entry


class _Inflated(gzip.GzipFile):
    """What a backup inflates to, as far as ``limit``."""

    limit = BESIDE_FILES

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= PIECE or self.tell() > self.limit:
            raise tarfile.ReadError("it inflates to more than it says")
        return super().read(size)

    def content(self, entry: tarfile.TarInfo) -> Iterator[bytes]:
        """The bytes of a file, piece by piece."""
        self.seek(entry.offset_data)
        for left in range(entry.size, 0, -PIECE):
            part = self.read(min(left, PIECE))
            if len(part) < min(left, PIECE):
                raise EOFError("it ends too early")
            yield part


def _is_backup(path: Path) -> bool:
    try:
        with path.open("rb") as file, tarfile.open(fileobj=_Inflated(fileobj=file), mode="r:") as tar:
            first = tar.next()
            return first is not None and first.name == MANIFEST
    except UNREADABLE:
        return False


def _read_backup(file: BinaryIO, source: Path, folder: Path | None = None) -> dict[str, Any]:
    """Reads a backup once, to its end, and returns its manifest; its files go to ``folder``.

    Raises Problem where it is not whole, or not as ``backup`` writes it, or has no room in ``folder``.
    """
    inflated = _Inflated(fileobj=file)
    try:
        with tarfile.open(fileobj=inflated, mode="r:") as tar:
            if (first := tar.next()) is None or first.name != MANIFEST:
                raise ValueError("it does not begin with a manifest")
            manifest = _checked(json.loads(b"".join(inflated.content(first))))
            expected = dict(manifest["files"])
            size = sum(file["size"] for file in expected.values())
            if folder:
                _require_room(source, folder, size + expected[RAW]["size"])  # raw is copied once more
            inflated.limit += size
            while entry := tar.next():
                found = (entry.type, entry.size)
                if entry.name not in expected or found != (tarfile.REGTYPE, expected[entry.name]["size"]):
                    raise ValueError(f"{entry.name!r} is not what its manifest says")
                digest = hashlib.sha256()
                path = folder / entry.name if folder else Path(os.devnull)
                with path.open("wb") as unpacked:
                    for part in inflated.content(entry):
                        digest.update(part)
                        unpacked.write(part)
                if digest.hexdigest() != expected.pop(entry.name)["sha256"]:
                    raise ValueError(f"{entry.name} is not what was written")
            if expected:
                raise ValueError(f"{min(expected)} is missing")
            while inflated.read(PIECE):  # what gzip checks is at its end
                pass
    except UNREADABLE as error:
        raise _refused(source, error) from None
    return manifest


def _checked(manifest: Any) -> dict[str, Any]:
    """A manifest as ``backup`` writes it. Raises ValueError, or what else using it as one raises."""
    dt.datetime.fromisoformat(manifest["made_at"])
    if strange := set(manifest["files"]) - {RAW, KEY, RUNS}:  # so that no backup writes anywhere else
        raise ValueError(f"{min(strange)!r} is no file of ours")
    numbers = [*(file["size"] for file in manifest["files"].values()), *manifest["rows"].values()]
    if RAW not in manifest["files"] or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("its manifest is not as a backup writes it")
    return manifest


def _require_room(source: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Problem(
            f"No space left for {source} in {folder.parent}: it needs {needed / 2**20:,.1f} MB, and "
            f"{free / 2**20:,.1f} MB are free. Nothing was touched."
        )


def _copy_plain_tables(source: Path, given: Path, target: Path, told: dict[str, int]) -> None:
    """Copies raw out of a database that anyone may have written, so that nothing in it is ever run: only the rows of
    tables that are plain columns, into tables of our own making. Raises Problem where there is anything else."""
    try:
        with duckdb.connect(str(target), config=NEW_FILE) as db:
            db.execute("set TimeZone = 'UTC'")
            db.execute(f"attach '{_quoted(given)}' as given (read_only)")
            db.execute("set enable_external_access = false")
            rows = {}
            for schema, name, sql in db.execute(
                "select schema_name, table_name, sql from duckdb_tables() where database_name = 'given' order by all"
            ).fetchall():
                rows[f"{schema}.{name}"] = _copy_plain_table(db, schema, name, sql)
            if rows != told:
                raise ValueError(f"{min({*rows.items()} ^ {*told.items()})[0]} does not have the rows that it should")
            for table in rows:
                if table.partition(".")[2] in NAME_CODE:
                    db.execute(f"delete from {table}")
            db.execute("checkpoint")
    except UNREADABLE as error:
        raise _refused(source, error) from None


def _copy_plain_table(db: duckdb.DuckDBPyConnection, schema: str, name: str, sql: str) -> int:
    columns = db.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() where database_name = 'given' "
        "and schema_name = ? and table_name = ? order by column_index",
        [schema, name],
    ).fetchall()
    if schema not in SCHEMAS or not all(
        re.fullmatch(r"\w+", each) for each in (name, *(column[0] for column in columns))
    ):
        raise ValueError(f"{schema}.{name} is no table of ours")
    if strange := {kind for _, kind, _ in columns} - TYPES:
        raise ValueError(f"{schema}.{name} has a column of type {min(strange)}")
    listed = ", ".join(f'"{column}" {kind}{"" if nullable else " not null"}' for column, kind, nullable in columns)
    db.execute(f"create schema if not exists {schema}")
    db.execute(f'create table {schema}."{name}" ({listed})')
    [(ours,)] = db.execute(
        "select sql from duckdb_tables() where database_name <> 'given' and schema_name = ? and table_name = ?",
        [schema, name],
    ).fetchall()
    if ours != sql:
        raise ValueError(f"{schema}.{name} is more than its columns")
    # named, or columns that are computed would be too
    names = ", ".join(f'"{column}"' for column, _, _ in columns)
    [(rows,)] = db.execute(f'insert into {schema}."{name}" select {names} from given.{schema}."{name}"').fetchall()
    return rows


def _refused(source: Path, error: BaseException) -> Problem:
    if disk.is_full(error):
        return Problem(f"No space left to unpack {source}. Nothing was touched.")
    return Problem(f"{source} is no whole backup: {type(error).__name__} {error}\nNothing was touched: take another.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed(damaged: dict[str, str]) -> str:
    return "".join(f"\n  {table}: {reason}" for table, reason in damaged.items())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
