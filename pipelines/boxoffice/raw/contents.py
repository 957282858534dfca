"""Queries of what raw already holds: duckdb only, read only. Used by runs and both platforms.

Each function opens the warehouse and closes it before it returns, so that dlt can open the file for writing in the same
process right after. A warehouse, schema or table that does not exist yet holds nothing.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.errors import Problem

# Ids are handed over as one text: binding a list of 19,000 takes DuckDB 1.6 s, this 0.07.
AMONG_IDS = "(select unnest(from_json($ids, '[\"VARCHAR\"]')))"


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
        # a table that is not there yet is not there: no variable of ours that has its name is meant
        db.execute("set python_enable_replacements = false")
        db.execute("set TimeZone = 'UTC'")
        yield db
    finally:
        db.close()


def rows(warehouse: Path, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The answer to one query; opening the file costs more than most of them."""
    with reading(warehouse) as db:
        return ask(db, query, parameters)


def ask(
    db: duckdb.DuckDBPyConnection | None, query: str, parameters: dict[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """The answer; nothing where a table is not there yet."""
    try:
        return db.execute(query, parameters).fetchall() if db else []
    except duckdb.CatalogException:
        return []


def complete(schema: str) -> str:
    """The SQL condition for rows whose load is complete: only these count."""
    return f"_dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0)"


def tables(db: duckdb.DuckDBPyConnection | None, schema: str) -> set[str]:
    """The tables that a schema of raw has."""
    query = "select table_name from duckdb_tables() where schema_name = $schema"
    return {name for (name,) in ask(db, query, {"schema": schema})}


def accounts(warehouse: Path) -> dict[tuple[str, str], str | None]:
    """The time zone of each (platform, account) as raw has it from the settings."""
    # what a clock that was ahead has dated is written again
    query = "select platform, account, time_zone from raw_boxoffice.accounts where configured_at <= $now"
    held = rows(warehouse, query, {"now": dt.datetime.now(dt.UTC)})
    return {(platform, account): zone for platform, account, zone in held}


def accounts_exist(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether raw has its copy of the settings."""
    query = "select count(*) from duckdb_tables() where schema_name = 'raw_boxoffice' and table_name = 'accounts'"
    return db.execute(query).fetchall() == [(1,)]


def held_names(warehouse: Path, platform: str) -> set[str]:
    """The accounts of a platform that raw holds anything of."""
    table, column = {"ticketor": ("records", "site"), "ticket_tailor": ("coverage", "box_office")}[platform]
    return {name for (name,) in rows(warehouse, f"select distinct {column} from raw_{platform}.{table}")}


def from_the_future(schema: str, moment: str) -> str:
    """The condition on rows whose ``moment`` is later than $now (UTC), or that a load brought whose clock was ahead."""
    ahead = f"select load_id from {schema}._dlt_loads where try_cast(load_id as double) > epoch($now)"
    return f"({moment} > $now or _dlt_load_id in ({ahead}))"


def is_ahead(warehouse: Path, platform: str, account: str, now: dt.datetime) -> bool:
    """Whether raw holds anything of an account that is dated later than now (UTC)."""
    schema, column, moments = f"raw_{platform}", "site", {"records": "received_at"}
    if platform == "ticket_tailor":
        column, moments = "box_office", {"coverage": "read_at", "orders": "fetched_at", "issued_tickets": "fetched_at"}
    asked = {"account": account, "now": now}
    with reading(warehouse) as db:
        for table, moment in moments.items():
            late = f"{column} = $account and {from_the_future(schema, moment)}"
            if ask(db, f"select 1 from {schema}.{table} where {late} limit 1", asked):
                return True
    return False
