"""What raw already holds: duckdb only, read only. The look and the sources both ask it.

Each function opens the warehouse and closes it before it returns, so that dlt can open the file for writing in the same
process right after. A warehouse, schema or table that does not exist yet holds nothing. A row counts only when the load
that brought it is complete: `_dlt_loads` has its id with status 0.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
