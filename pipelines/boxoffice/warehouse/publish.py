"""The readers' copy: the marts of the warehouse as one file, put in place by one rename.

Whoever has the old file open keeps reading it whole; whoever opens it next gets the new one whole. The warehouse
itself is locked while it is written, and a reader who held it open would stop the next run: so no one reads the
warehouse.

What is published costs what changed: the last file is copied by the file system, and the rows that differ are replaced
in the copy. Builds note which those are (macros/touched.sql). Where that is not known, or the file is not the one that
was put in place last, every mart is copied into a new file.
"""

import contextlib
import datetime as dt
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import duckdb

from boxoffice.atomic_file import put_in_place
from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse import set_aside

# what DuckDB 1.2 writes: older clients (DBeaver, Metabase, a notebook not updated in a year) open it
STORAGE_VERSION = "v1.2.0"
# replaced rows leave gaps in the file: copied whole once it is larger, by these, than it was after the last whole copy
GROWS_TO, SLACK = 1.5, 16 * 2**20
# with a larger part of all orders touched, a whole copy costs less than to look for their rows
LARGEST_PART = 1 / 8
# both headers of a DuckDB file, one of which changes with every edit
HEADERS = 3 * 4096
# ahead of a build only a file is copied that takes a while, and where there is room for this many: the build needs some
AHEAD_FROM, ROOM_FOR = 64 * 2**20, 4
COPIED_AT_ONCE = 64 * 2**20
# what is published beside the marts
ADDED = ("run_info", "orders_set_aside")


class Published(NamedTuple):
    """``tables`` counts them; ``missing`` is a sentence on the orders that they lack, None where they lack none.

    ``in_proportion`` is whether only rows that differ were written; ``not_ours`` whether the file that was there is
    not the one that was put in place last.
    """

    tables: int
    missing: str | None
    in_proportion: bool = False
    not_ours: bool = False


class _Last(NamedTuple):
    """The file that was published last, and its size after the last whole copy."""

    stamp: str
    whole_size: int


class CopyAhead:
    """A copy of the published file that is made while a build goes on: of a large one, that takes seconds.

    What cannot be copied, or changes meanwhile, ``publish`` copies itself. A build that fails needs no copy.
    """

    def __init__(self, settings: Settings) -> None:
        self.source, self.target = settings.published, _fresh(settings)
        self._of: str | None = None
        self._is_needed = True
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError):
            size = self.source.stat().st_size
            if AHEAD_FROM <= size <= shutil.disk_usage(self.source.parent).free // ROOM_FOR:
                self._thread.start()
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed:
            self._is_needed = False
            self.stamp()
            self._of = None
            self.target.unlink(missing_ok=True)

    def stamp(self) -> str | None:
        """Of the file that was copied, once that has ended. None where nothing was."""
        if self._thread.ident:
            self._thread.join()
        return self._of

    def _copy(self) -> None:
        with contextlib.suppress(OSError):
            stamp = _stamp(self.source)
            self.target.unlink(missing_ok=True)
            if _copy_file(self.source, self.target, lambda: self._is_needed):
                self._of = stamp


def publish(settings: Settings, now: dt.datetime, ahead: CopyAhead | None = None) -> Published:
    """Publishes schema ``marts``, with types, constraints and comments, and ``run_info`` and ``orders_set_aside``.

    ``ahead`` is a copy that was begun before, of the file that is still there or of an earlier one.
    """
    target, fresh = settings.published, _fresh(settings)
    copied = ahead.stamp() if ahead else None
    for leftover in (_wal(fresh),) if copied else (fresh, _wal(fresh)):
        leftover.unlink(missing_ok=True)
    if not copied:
        _check_space(settings)
    with duckdb.connect(":memory:") as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{_quoted(settings.warehouse)}' as warehouse")
        last = _last(db)
        is_ours = last is not None and last.stamp == _stamp(target)
        in_proportion = last is not None and is_ours and _copy_and_replace(db, target, fresh, last, copied)
        if not in_proportion:
            fresh.unlink(missing_ok=True)
            _attach(db, fresh)
            _copy_marts(db)
        [(tables,)] = db.execute(
            "select count(*) from information_schema.tables "
            "where table_catalog = 'warehouse' and table_schema = 'marts'"
        ).fetchall()
        _add_run_info(db, now)
        _publish_set_aside(db)
        missing = set_aside.in_words(db)
        db.execute("commit")
        db.execute("use memory")
        db.execute("detach published")
        fresh.chmod(settings.published_mode)
        # a reader's client may have left a log beside the old file; DuckDB would replay it onto the new one
        _wal(target).unlink(missing_ok=True)
        put_in_place(fresh, target)
        _note(db, _Last(_stamp(target), last.whole_size if last and in_proportion else target.stat().st_size))
    return Published(tables, missing, in_proportion, last is not None and not is_ours)


def _attach(db: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    db.execute(f"attach '{_quoted(fresh)}' as published (storage_version '{STORAGE_VERSION}')")
    db.execute("use published")
    # in one transaction: each statement on its own would be written through to the disk
    db.execute("begin")


def _copy_marts(db: duckdb.DuckDBPyConnection) -> None:
    """Every mart, into an empty file: tables with their rows, views by their text, which names no catalog."""
    db.execute("create schema published.marts")
    described: dict[str, list[str]] = {}
    for name, column, comment in db.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = 'warehouse' "
        "and schema_name = 'marts' and comment is not null"
    ).fetchall():
        statement = f'comment on column published.marts."{name}"."{column}" is {_text(comment)}'
        described.setdefault(name, []).append(statement)
    for name, sql, comment in db.execute(
        "select table_name, sql, comment from duckdb_tables() where database_name = 'warehouse' "
        "and schema_name = 'marts' order by table_name"
    ).fetchall():
        db.execute(sql.replace("CREATE TABLE warehouse.marts.", "CREATE TABLE published.marts.", 1))
        comments = [f'comment on table published.marts."{name}" is {_text(comment)}'] if comment else []
        # before the rows: each writes the table's entry again, which takes twice as long once there are rows
        db.execute("; ".join([*comments, *described.get(name, [])]))
        db.execute(f'insert into published.marts."{name}" from warehouse.marts."{name}"')
    for name, sql, comment in db.execute(
        "select view_name, sql, comment from duckdb_views() where database_name = 'warehouse' "
        "and schema_name = 'marts' order by view_name"
    ).fetchall():
        db.execute(sql)
        comments = [f'comment on view published.marts."{name}" is {_text(comment)}'] if comment else []
        db.execute("; ".join([*comments, *described.get(name, [])]))


def _copy_and_replace(
    db: duckdb.DuckDBPyConnection, target: Path, fresh: Path, last: _Last, copied: str | None
) -> bool:
    """Copies the last published file and replaces the rows that differ. False where only a whole copy is sure to do."""
    conditions = _touched_rows(db)
    if conditions is None or target.stat().st_size > GROWS_TO * last.whole_size + SLACK:
        return False
    if copied != last.stamp:
        _copy_file(target, fresh)
    fresh.chmod(0o600)
    # DuckDB tries FSST for half a millisecond a column, however few its rows: the next whole copy uses it
    db.execute("set global disabled_compression_methods = 'fsst'")
    _attach(db, fresh)
    if _described(db, "warehouse") == _described(db, "published"):
        for name in _marts(db, "warehouse"):
            ours, theirs = f'published.marts."{name}"', f'warehouse.marts."{name}"'
            if condition := conditions.get(name):
                db.execute(f"delete from {ours} where {condition}")
                # looked for by their keys alone and then read by their place: of a wide table that costs a third
                rows = f"select rowid from {theirs} where {condition}"
                db.execute(f"insert into {ours} from {theirs} where rowid in ({rows})")
            else:
                _replace_what_differs(db, name)
        if _counts(db, "warehouse") == _counts(db, "published"):
            return True
    db.execute("rollback")
    db.execute("use memory")
    db.execute("detach published")
    db.execute("reset global disabled_compression_methods")
    return False


def _touched_rows(db: duckdb.DuckDBPyConnection) -> dict[str, str] | None:
    """By mart, the condition on the rows that builds replaced since the last publication. None where that is most."""
    [(touched, orders)] = db.execute(
        "select (select count(*) from warehouse.intermediate.unpublished_orders where name = 'fct_orders'), "
        "(select count(*) from warehouse.marts.fct_orders)"
    ).fetchall()
    conditions: dict[str, str] = {}
    for name, touched_by, touched_always in db.execute(
        "select distinct name, touched_by, touched_always from warehouse.intermediate.unpublished_marts"
    ).fetchall():
        if touched_by is None or name in conditions or touched > LARGEST_PART * orders:
            return None
        # column by column: DuckDB takes twice as long to compare them as one row
        conditions[name] = (
            f"{f'{touched_always} or ' if touched_always else ''}({touched_by}) in "
            "(select platform, account, touched_key from warehouse.intermediate.unpublished_orders "
            f"where name = {_text(name)})"
        )
    return conditions


def _replace_what_differs(db: duckdb.DuckDBPyConnection, name: str) -> None:
    """Of a mart that is created in each build: most of its rows are as they were."""
    for side in ("published", "warehouse"):
        db.execute(
            f"create or replace temp table {side}_rows as "
            f'select rowid as place, hash(*columns(*)) as hashed from {side}.marts."{name}"'
        )
    rows = "(select place from {}_rows where hashed not in (select hashed from {}_rows))"
    gone, come = rows.format("published", "warehouse"), rows.format("warehouse", "published")
    db.execute(f'delete from published.marts."{name}" where rowid in {gone}')
    db.execute(f'insert into published.marts."{name}" from warehouse.marts."{name}" where rowid in {come}')


def _marts(db: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    return [
        name
        for (name,) in db.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts' "
            "and table_name not in ? order by table_name",
            [database, ADDED],
        ).fetchall()
    ]


def _described(db: duckdb.DuckDBPyConnection, database: str) -> list[tuple]:
    """All that a mart is beside its rows."""
    return db.execute(
        "select table_name, replace(sql, 'TABLE ' || database_name || '.', 'TABLE '), comment, null "
        "from duckdb_tables() "
        "where database_name = $database and schema_name = 'marts' and table_name not in $added "
        "union all "
        "select view_name, sql, comment, null from duckdb_views() "
        "where database_name = $database and schema_name = 'marts' "
        "union all "
        "select table_name, column_name, comment, column_index from duckdb_columns() "
        "where database_name = $database and schema_name = 'marts' and table_name not in $added order by all",
        {"database": database, "added": ADDED},
    ).fetchall()


def _counts(db: duckdb.DuckDBPyConnection, database: str) -> list[tuple]:
    return db.execute(
        " union all ".join(
            f'select {_text(name)}, count(*) from {database}.marts."{name}"' for name in _marts(db, database)
        )
        + " order by all"
    ).fetchall()


def _last(db: duckdb.DuckDBPyConnection) -> _Last | None:
    """None where nothing has been published, or by an earlier release."""
    with contextlib.suppress(duckdb.CatalogException):
        if found := db.execute("select stamp, whole_size from warehouse.intermediate.published").fetchone():
            return _Last(*found)
    return None


def _note(db: duckdb.DuckDBPyConnection, last: _Last) -> None:
    """Notes in the warehouse what was put in place; until then, the file that is there is not the one that is known."""
    with contextlib.suppress(duckdb.CatalogException):  # tables that no build of ours made
        db.execute("begin")
        db.execute("delete from warehouse.intermediate.unpublished_orders")
        db.execute("delete from warehouse.intermediate.unpublished_marts")
        db.execute("create or replace table warehouse.intermediate.published (stamp varchar, whole_size bigint)")
        db.execute("insert into warehouse.intermediate.published values (?, ?)", last)
        db.execute("commit")


def _stamp(path: Path) -> str | None:
    """What changes with whatever happens to a file; the time of its last change of any kind cannot be set."""
    try:
        with path.open("rb") as file:
            headers = hashlib.blake2b(file.read(HEADERS), digest_size=16).hexdigest()
            stat = os.fstat(file.fileno())
    except OSError:
        return None
    return f"{STORAGE_VERSION} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {headers}"


def _copy_file(source: Path, target: Path, is_needed: Callable[[], bool] = lambda: True) -> bool:
    """By sharing the blocks where the file system can, which shutil does not ask it for. False if it was given up."""
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
        return True
    with source.open("rb") as old, target.open("wb") as new:
        left = os.fstat(old.fileno()).st_size
        while left and (copied := os.copy_file_range(old.fileno(), new.fileno(), min(left, COPIED_AT_ONCE))):
            left -= copied
            if not is_needed():
                return False
    return True


def _add_run_info(db: duckdb.DuckDBPyConnection, now: dt.datetime) -> None:
    """When these tables were published, and how new what they hold is."""
    db.execute(
        "create or replace table published.marts.run_info (published_at timestamptz not null, data_until timestamptz)"
    )
    db.execute(
        "insert into published.marts.run_info select ?, max(last_record_at) from published.marts.dim_accounts",
        [now],
    )
    db.execute("comment on table published.marts.run_info is 'Grain: one row. When these tables were published.'")
    db.execute(
        "comment on column published.marts.run_info.data_until is "
        "'When the newest record in these tables reached us (UTC).'"
    )


def _publish_set_aside(db: duckdb.DuckDBPyConnection) -> None:
    """What is missing from all other tables, and why."""
    db.execute(
        "create or replace table published.marts.orders_set_aside ("
        "platform varchar not null, account varchar not null, order_id varchar not null, "
        "order_key varchar not null, proof varchar not null, explanation varchar not null)"
    )
    # the key as macros/values.sql makes it
    if set_aside.is_there(db):
        db.execute(
            "insert into published.marts.orders_set_aside "
            "select platform, account, order_id, md5(platform || chr(31) || account || chr(31) || order_id), proof, "
            f"explanation from warehouse.{set_aside.TABLE} where is_in_force order by all"
        )
    comments = {
        "platform": "ticketor or ticket_tailor.",
        "account": "Name of the site or box office in the settings.",
        "order_id": "The order; of a Ticket Tailor ticket in no order, the ticket; empty for what names no invoice.",
        "order_key": "Key that the order would have in fct_orders.",
        "proof": "What does not hold for it; `linked`: it shares items with, or refers to, one that is named.",
        "explanation": "How it breaks the proof.",
    }
    db.execute(
        "comment on table published.marts.orders_set_aside is 'Grain: one row per order that a check of our own models "
        "names. It is in no other table, and comes back with the first run in which the check passes.'"
    )
    for column, comment in comments.items():
        db.execute(f'comment on column published.marts.orders_set_aside."{column}" is {_text(comment)}')


def _check_space(settings: Settings) -> None:
    # about as much as last time; the first time no more than all there is
    like = settings.published if settings.published.exists() else settings.warehouse
    needed = like.stat().st_size * 5 // 4 + 16 * 2**20
    free = shutil.disk_usage(settings.data_dir).free
    if free < needed:
        raise Problem(
            f"Publishing needs up to {needed // 2**20:,} MB in {settings.data_dir}, and {free // 2**20:,} MB are free. "
            "The marts are built and what was published before stays; free some space and run again."
        )


def _fresh(settings: Settings) -> Path:
    return settings.published.with_name(f".{settings.published.name}.new")


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
