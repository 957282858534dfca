"""What raw already holds: duckdb only, read only. The look and the sources both ask it.

Each function opens the warehouse and closes it before it returns, so that dlt can open the file for writing in the same
process right after. A warehouse, schema or table that does not exist yet holds nothing. A row counts only when the load
that brought it is complete: `_dlt_loads` has its id with status 0.
"""

import contextlib
import datetime as dt
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


def _rows(warehouse: Path, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with reading(warehouse) as db:
        if db is None:
            return []
        try:
            return db.execute(query, parameters).fetchall()
        except duckdb.CatalogException:
            return []


def ticket_tailor_spans(
    warehouse: Path, box_office: str, ages: dict[str, dt.datetime]
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """What has been read of each list: {(list, age): spans [start, end) of created_at in unix seconds}, for each of
    ``ages`` the spans read at that moment or later. Sorted, and what touches is one."""
    query = """
        with spans as (
            select list, age, created_from, created_to,
                max(created_to) over (
                    partition by list, age order by created_from, created_to
                    rows between unbounded preceding and 1 preceding
                ) as reached
            from raw_ticket_tailor.coverage
            inner join (select unnest($names) as age, unnest($moments) as moment) on read_at >= moment
            where box_office = $box_office and created_from < created_to
                and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
        ),
        islands as (
            select *, count(*) filter (where reached is null or created_from > reached) over (
                partition by list, age order by created_from, created_to rows unbounded preceding
            ) as island
            from spans
        )
        select list, age, min(created_from), max(created_to) from islands group by list, age, island order by all
    """
    parameters = {"names": list(ages), "moments": list(ages.values()), "box_office": box_office}
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, age, start, end in _rows(warehouse, query, parameters):
        found.setdefault((name, age), []).append((start, end))
    return found


def ticket_tailor_last_reads(warehouse: Path, box_office: str) -> dict[tuple[str, str], dt.datetime]:
    """When each list was last read in each way: {(list, kind): UTC}."""
    query = """
        select list, kind, max(read_at) from raw_ticket_tailor.coverage
        where box_office = $box_office
            and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
        group by all
    """
    rows = _rows(warehouse, query, {"box_office": box_office})
    return {(name, kind): read_at for name, kind, read_at in rows}


def ticket_tailor_newest(
    warehouse: Path, box_office: str, name: str, ids: list[str]
) -> dict[str, tuple[str, dt.datetime, dt.datetime | None]]:
    """The newest version held of each of these ids of a list: (document_hash, fetched_at, missing_since), in UTC."""
    query = f"""
        select id, arg_max((document_hash, missing_since), fetched_at), max(fetched_at)
        from raw_ticket_tailor."{name}"
        where box_office = $box_office and id in (select unnest($ids))
            and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
        group by id
    """
    rows = _rows(warehouse, query, {"box_office": box_office, "ids": ids})
    return {each: (newest[0], fetched_at, newest[1]) for each, newest, fetched_at in rows}


def ticket_tailor_listed(warehouse: Path, box_office: str, name: str, span: tuple[int, int] | None) -> set[str]:
    """The ids of a list that are not marked missing; only those created in ``span`` (unix seconds) if it is given."""
    query = f"""
        select id from raw_ticket_tailor."{name}"
        where box_office = $box_office and ($first is null or created_at between $first and $last)
            and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
        group by id
        having arg_max(missing_since is null, fetched_at)
    """
    first, last = (span[0], span[1] - 1) if span else (None, None)
    rows = _rows(warehouse, query, {"box_office": box_office, "first": first, "last": last})
    return {key for (key,) in rows}


def ticket_tailor_rows(
    warehouse: Path, box_office: str, name: str, ids: list[str]
) -> list[tuple[str, str, int | None, str, str, dt.datetime]]:
    """The newest version held of each of these ids, whole: (version_id, id, created_at, document, document_hash,
    fetched_at)."""
    query = f"""
        select version_id, id, created_at, document, document_hash, fetched_at
        from raw_ticket_tailor."{name}"
        where box_office = $box_office and id in (select unnest($ids))
            and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
        qualify row_number() over (partition by id order by fetched_at desc) = 1
        order by id
    """
    return _rows(warehouse, query, {"box_office": box_office, "ids": ids})


def ticket_tailor_tables(warehouse: Path) -> set[str]:
    """The tables that raw_ticket_tailor has."""
    query = "select table_name from duckdb_tables() where schema_name = 'raw_ticket_tailor'"
    return {name for (name,) in _rows(warehouse, query, {})}


def ticket_tailor_newest_created_at(warehouse: Path, name: str) -> int | None:
    """The newest created_at (unix seconds) in a list's table, of whatever box office and load."""
    rows = _rows(warehouse, f'select max(created_at) from raw_ticket_tailor."{name}"', {})
    return rows[0][0] if rows else None


def ticket_tailor_refused(warehouse: Path, refused_ids: list[str]) -> set[str]:
    """Which of these refused objects raw holds already."""
    query = """
        select refused_id from raw_ticket_tailor.refused
        where refused_id in (select unnest($refused_ids))
            and _dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)
    """
    return {key for (key,) in _rows(warehouse, query, {"refused_ids": refused_ids})}
