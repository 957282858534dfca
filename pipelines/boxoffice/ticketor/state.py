"""What raw already holds of Ticketor: which files have been read, and which records they made."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

from boxoffice.raw import contents

_COMPLETE = contents.complete("raw_ticketor")


def elsewhere(
    warehouse: Path, site: str, paths: list[str], sizes: Sequence[int], mtimes_ns: Sequence[int]
) -> dict[str, tuple[int, int]]:
    """Which other sites raw holds these files of, where it holds none of this site: how many there are by path and
    size, and how many of these by their time too."""
    import pyarrow as pa

    with contents.reading(warehouse) as db:
        any_of_this = "select 1 from raw_ticketor.records where site = $site limit 1"
        if db is None or contents.ask(db, any_of_this, {"site": site}):
            return {}
        columns = {"file": pa.array(paths, pa.string()), "size": pa.array(sizes), "mtime_ns": pa.array(mtimes_ns)}
        db.register("listing", pa.table(columns))
        query = """
            select site, count(distinct file), count(distinct file) filter (file_mtime_ns = mtime_ns)
            from raw_ticketor.records
            inner join listing using (file)
            where position = 0 and file_size = size and size > 0 group by site
        """
        return {name: (same, exactly) for name, same, exactly in contents.ask(db, query, {})}


def tables_exist(warehouse: Path) -> bool:
    """Whether a first load has made raw_ticketor's tables."""
    return bool(contents.rows(warehouse, "select count(*) from raw_ticketor.records where false"))


def folders(warehouse: Path, site: str) -> dict[str, int]:
    """The folders that need no listing as long as their modification time (ns since 1970) is this."""
    return dict(
        contents.rows(
            warehouse,
            f"select folder, mtime_ns from raw_ticketor.folders where site = $site and {_COMPLETE}",
            {"site": site},
        )
    )


def unread(
    warehouse: Path, site: str, paths: list[str], sizes: Sequence[int], mtimes_ns: Sequence[int]
) -> list[tuple[int, bool]]:
    """Which of these files raw has no whole reading of at this size and time: their numbers in the lists, and whether
    it has one at another. (A file's first record is written last, so it vouches for the whole file.)"""
    import pyarrow as pa

    query = f"""
        with held as (
            select file, file_size, file_mtime_ns from raw_ticketor.records
            where site = $site and position = 0 and {_COMPLETE}
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
    with contents.reading(warehouse) as db:
        if db is None:
            return [(number, False) for number in range(len(paths))]
        db.register("listing", listing)
        return db.execute(query, {"site": site}).fetchall()


def recent(warehouse: Path, site: str, since_ns: int, limit: int) -> dict[str, set[tuple[int, int]]]:
    """Files that may be growing: the newest by modification time, and the newest of those with several records.

    For each the (size, modification time in ns) it was read at.
    """
    query = f"""
        with recent as (
            select file, position, file_size, file_mtime_ns from raw_ticketor.records
            where site = $site and position <= 1 and file_mtime_ns >= $since and {_COMPLETE}
        ),
        chosen as (
            (select file from recent where position = 0 order by file_mtime_ns desc limit $limit)
            union
            (select file from recent where position = 1 order by file_mtime_ns desc limit $limit)
        )
        select file, file_size, file_mtime_ns from recent where position = 0 and file in (select file from chosen)
    """
    readings: dict[str, set[tuple[int, int]]] = {}
    for file, size, mtime_ns in contents.rows(warehouse, query, {"site": site, "since": since_ns, "limit": limit}):
        readings.setdefault(file, set()).add((size, mtime_ns))
    return readings


def known(warehouse: Path, site: str, files: list[str]) -> dict[str, tuple[int, str]]:
    """The records raw holds of these files: record_id to (received_at in microseconds since 1970, its basis)."""
    if not files:
        return {}
    query = f"""
        select record_id, epoch_us(received_at), received_at_basis from raw_ticketor.records
        where site = $site and file in {contents.AMONG_IDS} and {_COMPLETE}
    """
    rows = contents.rows(warehouse, query, {"site": site, "ids": json.dumps(files)})
    return {record_id: (moment, basis) for record_id, moment, basis in rows}


def archivable(warehouse: Path, site: str, before: dt.datetime) -> list[tuple[str, int, int, dt.datetime]]:
    """The files that have been read whole and loaded without a refusal, all of it received before this moment (UTC):
    path within the buffer, size, modification time in ns since 1970, and when the first record was received."""
    query = f"""
        select
            file,
            arg_max(file_size, (_dlt_load_id, file_mtime_ns, file_size)) filter (where position = 0),
            arg_max(file_mtime_ns, (_dlt_load_id, file_mtime_ns, file_size)) filter (where position = 0),
            min(received_at)
        from raw_ticketor.records
        where site = $site and {_COMPLETE}
        group by file
        having bool_and(outcome = 'loaded') and bool_or(position = 0) and max(received_at) < $before
        order by min(received_at), file
    """
    return contents.rows(warehouse, query, {"site": site, "before": before})


def record_ids(warehouse: Path, site: str, files: list[str]) -> set[tuple[str, int, str]]:
    """The records raw holds of these files: (file, position, record_id)."""
    query = f"""
        select file, position, record_id from raw_ticketor.records
        where site = $site and file in {contents.AMONG_IDS} and {_COMPLETE}
    """
    return set(contents.rows(warehouse, query, {"site": site, "ids": json.dumps(files)}))
