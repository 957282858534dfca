"""What raw already holds: duckdb only, read only. The look and the sources both ask it.

Each function opens the warehouse and closes it before it returns, so that dlt can open the file for writing in the same
process right after. A warehouse, schema or table that does not exist yet holds nothing. A row counts only when the load
that brought it is complete: `_dlt_loads` has its id with status 0.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import Problem


@contextlib.contextmanager
def reading(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection, or None where no warehouse is yet. Raises Problem while another process writes it."""
    if not warehouse.exists():
        yield None
        return
    try:
        db = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.IOException as error:
        raise Problem(
            f"The warehouse cannot be opened: {error}\nNothing was changed; run again once it is free."
        ) from None
    try:
        db.execute("set TimeZone = 'UTC'")
        yield db
    finally:
        db.close()


def accounts(warehouse: Path) -> dict[tuple[str, str], str | None]:
    """The time zone of each (platform, account) as raw has it from the settings."""
    with reading(warehouse) as db:
        if db is None:
            return {}
        try:
            rows = db.execute("select platform, account, time_zone from raw_boxoffice.accounts").fetchall()
        except duckdb.CatalogException:
            return {}
    return {(platform, account): zone for platform, account, zone in rows}


def ticketor_tables_exist(warehouse: Path) -> bool:
    """Whether a first load has made raw_ticketor's tables."""
    return bool(_rows(warehouse, "select count(*) from raw_ticketor.records where false"))


def ticketor_folders(warehouse: Path, site: str) -> dict[str, int]:
    """The folders that need no listing as long as their modification time (ns since 1970) is this."""
    return dict(
        _rows(
            warehouse,
            """
            select folder, mtime_ns from raw_ticketor.folders
            where site = ? and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
            """,
            [site],
        )
    )


def ticketor_files(warehouse: Path, site: str) -> set[tuple[str, int, int]]:
    """The files that have been read: (path within the buffer, size, modification time in ns since 1970)."""
    return set(
        _rows(
            warehouse,
            """
            select file, file_size, file_mtime_ns from raw_ticketor.records
            where
                site = ? and position = 0
                and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
            """,
            [site],
        )
    )


def _rows(warehouse: Path, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with reading(warehouse) as db:
        if db is None:
            return []
        try:
            return db.execute(query, parameters).fetchall()
        except duckdb.CatalogException:
            return []
