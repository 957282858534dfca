"""The readers' copy: the marts of the warehouse as one file, put in place by one rename.

Whoever has the old file open keeps reading it whole; whoever opens it next gets the new one whole. The warehouse
itself is locked while it is written, and a reader who held it open would stop the next run: so nobody reads the
warehouse.
"""

import datetime as dt
import shutil
from pathlib import Path
from typing import NamedTuple

import duckdb

from boxoffice.atomic_file import put_in_place
from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse import set_aside

# what DuckDB 1.2 writes: older clients (DBeaver, Metabase, a notebook not updated in a year) open it
STORAGE_VERSION = "v1.2.0"


class Published(NamedTuple):
    """``tables`` counts them; ``missing`` is a sentence on the orders that they lack, None where they lack none."""

    tables: int
    missing: str | None


def publish(settings: Settings, now: dt.datetime) -> Published:
    """Copies schema ``marts``, with types, constraints and comments, and adds ``run_info`` and ``orders_set_aside``."""
    target = settings.published
    fresh = target.with_name(f".{target.name}.new")
    for leftover in (fresh, _wal(fresh)):
        leftover.unlink(missing_ok=True)
    _check_space(settings)
    with duckdb.connect(":memory:") as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{_quoted(settings.warehouse)}' as warehouse (read_only)")
        db.execute(f"attach '{_quoted(fresh)}' as published (storage_version '{STORAGE_VERSION}')")
        # in one transaction: each statement on its own would be written through to the disk
        db.execute("begin")
        db.execute("create schema published.marts")
        tables = db.execute(
            "select table_name, sql, comment from duckdb_tables() where database_name = 'warehouse' "
            "and schema_name = 'marts' order by table_name"
        ).fetchall()
        described: dict[str, list[str]] = {}
        for name, column, comment in db.execute(
            "select table_name, column_name, comment from duckdb_columns() where database_name = 'warehouse' "
            "and schema_name = 'marts' and comment is not null"
        ).fetchall():
            words = f'comment on column published.marts."{name}"."{column}" is {_text(comment)}'
            described.setdefault(name, []).append(words)
        db.execute("use published")
        for name, sql, comment in tables:
            db.execute(sql.replace("CREATE TABLE warehouse.marts.", "CREATE TABLE published.marts.", 1))
            words = [f'comment on table published.marts."{name}" is {_text(comment)}'] if comment else []
            # before the rows: each makes the table's entry anew, which takes twice as long once there are rows
            db.execute("; ".join([*words, *described.get(name, [])]))
            db.execute(f'insert into published.marts."{name}" from warehouse.marts."{name}"')
        db.execute("create table published.marts.run_info (published_at timestamptz not null, data_until timestamptz)")
        db.execute(
            "insert into published.marts.run_info select ?, max(last_record_at) from published.marts.dim_accounts",
            [now],
        )
        db.execute("comment on table published.marts.run_info is 'Grain: one row. When these tables were published.'")
        db.execute(
            "comment on column published.marts.run_info.data_until is "
            "'When the newest record in these tables reached us (UTC).'"
        )
        _publish_set_aside(db)
        missing = set_aside.in_words(db)
        db.execute("commit")
        db.execute("use memory")
        db.execute("detach published")
    fresh.chmod(settings.published_mode)
    # a reader's client may have left a log beside the old file; DuckDB would replay it onto the new one
    _wal(target).unlink(missing_ok=True)
    put_in_place(fresh, target)
    return Published(len(tables), missing)


def _publish_set_aside(db: duckdb.DuckDBPyConnection) -> None:
    """What is missing from all other tables, and why."""
    db.execute(
        "create table published.marts.orders_set_aside (platform varchar not null, account varchar not null, "
        "order_id varchar not null, order_key varchar not null, proof varchar not null, explanation varchar not null)"
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
    for column, words in comments.items():
        db.execute(f'comment on column published.marts.orders_set_aside."{column}" is {_text(words)}')


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


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
