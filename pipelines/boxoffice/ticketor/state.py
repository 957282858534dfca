"""What raw already holds of Ticketor beside what ``raw/file_state.py`` asks: what can be archived, and its records."""

import datetime as dt
import json
from pathlib import Path

from boxoffice.raw import contents

_COMPLETE = contents.complete("raw_ticketor")


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
