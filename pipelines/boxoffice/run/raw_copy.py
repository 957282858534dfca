"""Copies raw, table by table: from the warehouse as far as it can be read, or from a backup without trusting it."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.errors import Problem
from boxoffice.raw import closes, pipeline
from boxoffice.raw.pipeline import NEW_FILE
from boxoffice.run import backup_file
from boxoffice.settings import Settings

# dlt's and our own records of what has been read: wrong for a dataset that is incomplete
NOTES = ("coverage", "folders", "_dlt_version", "_dlt_pipeline_state")

# what a backup may contain, which anyone may have written: these schemas, and columns of these types
SCHEMAS = {"raw_ticketor", "raw_ticket_tailor", "raw_boxoffice", "raw_closes", "raw_payouts"}
TYPES = {"VARCHAR", "BIGINT", "BLOB", "BOOLEAN", "DOUBLE", "TIMESTAMP WITH TIME ZONE"}
# dlt's own tables, which name modules that it would import: it creates them again
NAME_CODE = {"_dlt_version", "_dlt_pipeline_state"}

RAW_TABLES = """
    select schema_name, table_name, sql from duckdb_tables()
    where schema_name like 'raw\\_%' escape '\\' and schema_name not like '%\\_staging' escape '\\'
    order by all
"""


@dataclasses.dataclass
class Copied:
    """The row count of each raw table that was copied, and for each damaged one the reason."""

    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)


def copy_raw(settings: Settings, target: Path) -> Copied:
    """Copies raw, table by table with types and constraints; reading every value of it is also the test of the file.

    Raises Problem while another process writes the warehouse, and when ``target`` cannot be written.
    """
    copied, tables = Copied(), []
    if settings.warehouse.exists():
        settings.warehouse.open("rb").close()  # a file without permission is not a damaged one
        try:
            tables = _read(settings, RAW_TABLES)
        except (pipeline.Unreadable, duckdb.Error) as error:
            copied.damaged["everything"] = first_line(error)
    try:
        for schema, name, sql in tables:
            _copy_table(settings, target, schema, name, sql, copied)
        _drop_untrue(target, copied)
    except duckdb.Error as error:
        raise Problem(
            f"Raw could not be copied into {settings.data_dir}: {first_line(error)}\n"
            "Nothing was changed. If the disk is full, free some space and call this again."
        ) from None
    return copied


def _copy_table(settings: Settings, target: Path, schema: str, name: str, sql: str, copied: Copied) -> None:
    # each table has its own attachment: after a damaged block an attachment fails for good
    with duckdb.connect(str(target), config=NEW_FILE) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"create schema if not exists {schema}")
        db.execute(sql)
        try:
            db.execute(f"attach '{quoted(settings.warehouse)}' as warehouse (read_only)")
            [(rows,)] = db.execute(f'insert into {schema}."{name}" from warehouse.{schema}."{name}"').fetchall()
        except duckdb.Error:
            try:
                _read(settings, f'select max(hash(it)) from {schema}."{name}" as it')
            except (pipeline.Unreadable, duckdb.Error) as error:
                copied.damaged[f"{schema}.{name}"] = first_line(error)
                return
            raise
        copied.rows[f"{schema}.{name}"] = rows


def _read(settings: Settings, query: str) -> list[Any]:
    with pipeline.open_warehouse(settings, read_only=True) as db:
        return db.execute(query).fetchall()


def _drop_untrue(target: Path, copied: Copied) -> None:
    """Drops from an incomplete dataset the records of what has been read; all of it if its list of complete loads is
    lost."""
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
        db.execute("checkpoint")  # closing the file would not report a failed write


def drop_closes(target: Path) -> None:
    """Drops the closed months, which a rebuild restores from their own copies."""
    with duckdb.connect(str(target), config=NEW_FILE) as db:
        db.execute(f"drop schema {closes.SCHEMA} cascade")
        db.execute("checkpoint")


def copy_plain_tables(source: Path, given: Path, target: Path, expected: dict[str, int]) -> None:
    """Copies raw from a database that anyone may have written, and executes nothing in it: copies only rows of tables
    with plain columns, into tables created here. Raises Problem if the database holds anything else."""
    try:
        with duckdb.connect(str(target), config=NEW_FILE) as db:
            db.execute("set TimeZone = 'UTC'")
            db.execute(f"attach '{quoted(given)}' as given (read_only)")
            db.execute("set enable_external_access = false")
            rows = {}
            for schema, name, sql in db.execute(
                "select schema_name, table_name, sql from duckdb_tables() where database_name = 'given' order by all"
            ).fetchall():
                rows[f"{schema}.{name}"] = _copy_plain_table(db, schema, name, sql)
            if rows != expected:
                raise ValueError(
                    f"{min({*rows.items()} ^ {*expected.items()})[0]} has another number of rows than expected"
                )
            for table in rows:
                if table.partition(".")[2] in NAME_CODE:
                    db.execute(f"delete from {table}")
            db.execute("checkpoint")
    except backup_file.UNREADABLE as error:
        raise backup_file.refused(source, error) from None


def _copy_plain_table(db: duckdb.DuckDBPyConnection, schema: str, name: str, sql: str) -> int:
    columns = db.execute(
        "select column_name, data_type, is_nullable from duckdb_columns() where database_name = 'given' "
        "and schema_name = ? and table_name = ? order by column_index",
        [schema, name],
    ).fetchall()
    if schema not in SCHEMAS or not all(
        re.fullmatch(r"\w+", each) for each in (name, *(column[0] for column in columns))
    ):
        raise ValueError(f"{schema}.{name} is not a table of Boxoffice")
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
    # by name, so that a generated column is not computed
    names = ", ".join(f'"{column}"' for column, _, _ in columns)
    [(rows,)] = db.execute(f'insert into {schema}."{name}" select {names} from given.{schema}."{name}"').fetchall()
    return rows


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def quoted(path: Path) -> str:
    """A path for an SQL string."""
    return str(path).replace("'", "''")
