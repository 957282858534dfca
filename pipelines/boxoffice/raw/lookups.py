"""What raw already holds: duckdb only, read only. The look and the sources both ask it.

Each function opens the warehouse and closes it before it returns, so that dlt can open the file for writing in the same
process right after. A warehouse, schema or table that does not exist yet holds nothing. A row counts only when the load
that brought it is complete: `_dlt_loads` has its id with status 0.
"""

import contextlib
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from boxoffice.errors import Problem

# Ids are handed over as one text: binding a list of 19,000 takes DuckDB 1.6 s, this 0.07.
_AMONG_IDS = "(select unnest(from_json($ids, '[\"VARCHAR\"]')))"


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


def accounts(warehouse: Path) -> dict[tuple[str, str], str | None]:
    """The time zone of each (platform, account) as raw has it from the settings."""
    with reading(warehouse) as db:
        if db is None:
            return {}
        try:
            rows = db.execute(
                # what a clock that was ahead has dated is written again
                "select platform, account, time_zone from raw_boxoffice.accounts where configured_at <= ?",
                [dt.datetime.now(dt.UTC)],
            ).fetchall()
        except duckdb.CatalogException:
            return {}
    return {(platform, account): zone for platform, account, zone in rows}


def accounts_exist(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether raw has its copy of the settings."""
    query = "select count(*) from duckdb_tables() where schema_name = 'raw_boxoffice' and table_name = 'accounts'"
    return db.execute(query).fetchall() == [(1,)]


def held_names(warehouse: Path, platform: str) -> set[str]:
    """The accounts of a platform that raw holds anything of."""
    table, column = {"ticketor": ("records", "site"), "ticket_tailor": ("coverage", "box_office")}[platform]
    return {name for (name,) in _rows(warehouse, f"select distinct {column} from raw_{platform}.{table}")}


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
            if _ask(db, f"select 1 from {schema}.{table} where {late} limit 1", asked):
                return True
    return False


def ticketor_elsewhere(
    warehouse: Path, site: str, paths: list[str], sizes: Sequence[int], mtimes_ns: Sequence[int]
) -> dict[str, tuple[int, int]]:
    """Which other sites raw holds these files of, where it holds none of this site: how many there are by path and
    size, and how many of these by their time too."""
    import pyarrow as pa

    with reading(warehouse) as db:
        if db is None or _ask(db, "select 1 from raw_ticketor.records where site = $site limit 1", {"site": site}):
            return {}
        columns = {"file": pa.array(paths, pa.string()), "size": pa.array(sizes), "mtime_ns": pa.array(mtimes_ns)}
        db.register("listing", pa.table(columns))
        query = """
            select site, count(distinct file), count(distinct file) filter (file_mtime_ns = mtime_ns)
            from raw_ticketor.records
            inner join listing using (file)
            where position = 0 and file_size = size and size > 0 group by site
        """
        return {name: (same, exactly) for name, same, exactly in _ask(db, query, {})}


def ticket_tailor_elsewhere(
    warehouse: Path, box_office: str, name: str, created_at: Mapping[str, int | None]
) -> dict[str, int]:
    """Which other box offices raw holds these objects of a list of, and how many: the same id, created in the same
    second."""
    query = f"""
        select held.box_office, count(distinct held.id) from raw_ticket_tailor."{name}" as held
        inner join (
            select unnest(from_json($ids, '["VARCHAR"]')) as id, unnest(from_json($times, '["BIGINT"]')) as created_at
        ) as seen on held.id = seen.id and held.created_at = seen.created_at
        where held.box_office <> $box_office and {_COMPLETE} group by all
    """
    asked = {"ids": json.dumps(list(created_at)), "times": json.dumps(list(created_at.values()))}
    with reading(warehouse) as db:
        return dict(_ask(db, query, {**asked, "box_office": box_office}))


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


def ticketor_unread(
    warehouse: Path, site: str, paths: list[str], sizes: Sequence[int], mtimes_ns: Sequence[int]
) -> list[tuple[int, bool]]:
    """Which of these files raw has no whole reading of at this size and time: their numbers in the lists, and whether
    it has one at another. (A file's first record is written last, so it stands for the whole file.)"""
    import pyarrow as pa

    query = """
        with held as (
            select file, file_size, file_mtime_ns from raw_ticketor.records
            where site = ? and position = 0
                and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
        )
        select listing.number, listing.file in (select held.file from held)
        from listing
        anti join held
            on listing.file = held.file and listing.size = held.file_size and listing.mtime_ns = held.file_mtime_ns
        order by listing.number
    """
    listing = pa.table(
        {
            "number": pa.array(range(len(paths)), pa.int64()),
            "file": pa.array(paths, pa.string()),
            "size": pa.array(sizes, pa.int64()),
            "mtime_ns": pa.array(mtimes_ns, pa.int64()),
        }
    )
    with reading(warehouse) as db:
        if db is None:
            return [(number, False) for number in range(len(paths))]
        db.register("listing", listing)
        return db.execute(query, [site]).fetchall()


def ticketor_recent(warehouse: Path, site: str, since_ns: int, limit: int) -> dict[str, set[tuple[int, int]]]:
    """Files that may be growing: the newest by modification time, and the newest of those with several records.

    For each the (size, modification time in ns) it was read at.
    """
    query = """
        with recent as (
            select file, position, file_size, file_mtime_ns from raw_ticketor.records
            where site = $site and position <= 1 and file_mtime_ns >= $since
                and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
        ),
        chosen as (
            (select file from recent where position = 0 order by file_mtime_ns desc limit $limit)
            union
            (select file from recent where position = 1 order by file_mtime_ns desc limit $limit)
        )
        select file, file_size, file_mtime_ns from recent where position = 0 and file in (select file from chosen)
    """
    readings: dict[str, set[tuple[int, int]]] = {}
    for file, size, mtime_ns in _rows(warehouse, query, {"site": site, "since": since_ns, "limit": limit}):
        readings.setdefault(file, set()).add((size, mtime_ns))
    return readings


def ticketor_known(warehouse: Path, site: str, files: list[str]) -> dict[str, tuple[int, str]]:
    """The records raw holds of these files: record_id to (received_at in microseconds since 1970, its basis)."""
    if not files:
        return {}
    query = f"""
        select record_id, epoch_us(received_at), received_at_basis from raw_ticketor.records
        where site = $site and file in {_AMONG_IDS}
            and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
    """
    rows = _rows(warehouse, query, {"site": site, "ids": json.dumps(files)})
    return {record_id: (moment, basis) for record_id, moment, basis in rows}


def ticketor_archivable(warehouse: Path, site: str, before: dt.datetime) -> list[tuple[str, int, int, dt.datetime]]:
    """The files that have been read whole and loaded without a refusal, all of it received before this moment (UTC):
    path within the buffer, size, modification time in ns since 1970, and when the first record was received."""
    query = """
        select
            file,
            arg_max(file_size, (_dlt_load_id, file_mtime_ns, file_size)) filter (where position = 0),
            arg_max(file_mtime_ns, (_dlt_load_id, file_mtime_ns, file_size)) filter (where position = 0),
            min(received_at)
        from raw_ticketor.records
        where site = ? and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
        group by file
        having bool_and(outcome = 'loaded') and bool_or(position = 0) and max(received_at) < ?
        order by min(received_at), file
    """
    return _rows(warehouse, query, [site, before])


def ticketor_record_ids(warehouse: Path, site: str, files: list[str]) -> set[tuple[str, int, str]]:
    """The records raw holds of these files: (file, position, record_id)."""
    query = f"""
        select file, position, record_id from raw_ticketor.records
        where site = $site and file in {_AMONG_IDS}
            and _dlt_load_id in (select load_id from raw_ticketor._dlt_loads where status = 0)
    """
    return set(_rows(warehouse, query, {"site": site, "ids": json.dumps(files)}))


def _rows(warehouse: Path, query: str, parameters: list[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with reading(warehouse) as db:
        if db is None:
            return []
        try:
            return db.execute(query, parameters).fetchall()
        except duckdb.CatalogException:
            return []


# Ticket Tailor. Opening the file costs more than asking, so each of these asks all that its caller needs at once.

_COMPLETE = "_dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)"


class TicketTailorReads(NamedTuple):
    """What has been read of a box office.

    spans   {(list, age): spans [start, end) of created_at in unix seconds, sorted, what touches made one}
    last    {(list, kind): when last, UTC}
    tables  the tables that raw_ticket_tailor has
    rows    how many rows say so
    """

    spans: dict[tuple[str, str], list[tuple[int, int]]]
    last: dict[tuple[str, str], dt.datetime]
    tables: set[str]
    rows: int = 0


def ticket_tailor_reads(
    warehouse: Path, box_office: str, ages: Mapping[str, tuple[dt.datetime, dt.datetime]]
) -> TicketTailorReads:
    """What has been read, and when: for each of ``ages`` the spans read between its two moments (UTC, inclusive)."""
    spans = f"""
        with spans as (
            select list, age, created_from, created_to,
                max(created_to) over (
                    partition by list, age order by created_from, created_to
                    rows between unbounded preceding and 1 preceding
                ) as reached
            from raw_ticket_tailor.coverage
            inner join (select unnest($names) as age, unnest($since) as since, unnest($until) as until)
                on read_at between since and until
            where box_office = $box_office and created_from < created_to and {_COMPLETE}
        ),
        islands as (
            -- a count with a filter would take time by the square of the rows here, which grow with every run
            select *, sum(cast(reached is null or created_from > reached as int)) over (
                partition by list, age order by created_from, created_to rows unbounded preceding
            ) as island
            from spans
        )
        select list, age, min(created_from), max(created_to) from islands group by list, age, island order by all
    """
    last = f"""
        select list, kind, max(read_at), count(*) from raw_ticket_tailor.coverage
        where box_office = $box_office and {_COMPLETE} group by all
    """
    since, until = zip(*ages.values(), strict=True)
    moments = {"names": list(ages), "since": list(since), "until": list(until), "box_office": box_office}
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    with reading(warehouse) as db:
        for name, age, start, end in _ask(db, spans, moments):
            found.setdefault((name, age), []).append((start, end))
        kinds = _ask(db, last, {"box_office": box_office})
        reads = {(name, kind): read_at for name, kind, read_at, _ in kinds}
        return TicketTailorReads(found, reads, _tables(db), sum(count for *_, count in kinds))


class TicketTailorHeld(NamedTuple):
    """What raw holds of what was asked for.

    newest      {list: {id: (document_hash, fetched_at, missing_since, version_id)}} of the newest versions
    listed      for each span asked for, the ids created there that are not marked missing
    refused     the refused objects that are held
    created_at  {list: the newest created_at in the table, of whatever box office and load}
    """

    newest: dict[str, dict[str, tuple[str, dt.datetime, dt.datetime | None, str]]]
    listed: list[set[str]]
    refused: set[str]
    created_at: dict[str, int]


def ticket_tailor_held(
    warehouse: Path,
    box_office: str,
    ids: Mapping[str, list[str]],
    spans: Sequence[tuple[str, tuple[int, int] | None]] = (),
    refused_ids: Sequence[str] = (),
) -> TicketTailorHeld:
    """The newest versions held of the ``ids`` of each list, what is listed in each (list, span of created_at; None: the
    whole list), and which of the refused objects are held."""
    held = TicketTailorHeld({}, [], set(), {})
    with reading(warehouse) as db:
        for name, wanted in ids.items():
            newest = f"""
                select id, arg_max((document_hash, missing_since, version_id), fetched_at), max(fetched_at)
                from raw_ticket_tailor."{name}"
                where box_office = $box_office and id in {_AMONG_IDS} and {_COMPLETE} group by id
            """
            rows = _ask(db, newest, {"box_office": box_office, "ids": json.dumps(wanted)})
            held.newest[name] = {
                key: (hash_, fetched_at, missing_since, version_id)
                for key, (hash_, missing_since, version_id), fetched_at in rows
            }
            for (created_at,) in _ask(db, f'select max(created_at) from raw_ticket_tailor."{name}"', {}):
                held.created_at[name] = created_at or 0
        for name, span in spans:
            listed = f"""
                select id from raw_ticket_tailor."{name}"
                where box_office = $box_office and ($first is null or created_at between $first and $last)
                    and {_COMPLETE}
                group by id having arg_max(missing_since is null, fetched_at)
            """
            first, last = (span[0], span[1] - 1) if span else (None, None)
            rows = _ask(db, listed, {"box_office": box_office, "first": first, "last": last})
            held.listed.append({key for (key,) in rows})
        if refused_ids:
            refused = f"""
                select refused_id from raw_ticket_tailor.refused
                where refused_id in {_AMONG_IDS} and {_COMPLETE}
            """
            held.refused.update(key for (key,) in _ask(db, refused, {"ids": json.dumps(list(refused_ids))}))
    return held


def ticket_tailor_versions(
    warehouse: Path, box_office: str, name: str, ids: list[str]
) -> list[tuple[str, str, int | None, str, str, dt.datetime]]:
    """The newest version held of each of these ids, whole: (version_id, id, created_at, document, document_hash,
    fetched_at)."""
    query = f"""
        select version_id, id, created_at, document, document_hash, fetched_at
        from raw_ticket_tailor."{name}"
        where box_office = $box_office and id in {_AMONG_IDS} and {_COMPLETE}
        qualify row_number() over (partition by id order by fetched_at desc) = 1
        order by id
    """
    with reading(warehouse) as db:
        return _ask(db, query, {"box_office": box_office, "ids": json.dumps(ids)})


def ticket_tailor_tables(warehouse: Path) -> set[str]:
    """The tables that raw_ticket_tailor has."""
    with reading(warehouse) as db:
        return _tables(db)


def _tables(db: duckdb.DuckDBPyConnection | None) -> set[str]:
    rows = _ask(db, "select table_name from duckdb_tables() where schema_name = 'raw_ticket_tailor'", {})
    return {name for (name,) in rows}


def _ask(db: duckdb.DuckDBPyConnection | None, query: str, parameters: dict[str, Any]) -> list[Any]:
    try:
        return db.execute(query, parameters).fetchall() if db else []
    except duckdb.CatalogException:
        return []
