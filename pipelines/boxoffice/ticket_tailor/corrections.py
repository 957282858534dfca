"""Corrections of what raw holds of a box office, in place."""

import datetime as dt
import hashlib

import duckdb

from boxoffice.raw import contents, corrections
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.packages import key_of


def set_right(db: duckdb.DuckDBPyConnection, box_office: str, now: dt.datetime) -> None:
    """As that of Ticketor: dates back what raw holds of a box office from the future."""
    asked = {"account": box_office, "now": now}
    schema = "raw_ticket_tailor"
    tables = corrections.tables(db, schema)
    db.execute("begin")
    load_id = corrections.new_load(db, schema, now)
    for name in sorted(tables & {*ENDPOINTS, "refused"}):
        if name != "refused":
            late = (
                f"missing_since = $now, _dlt_load_id = '{load_id}' where box_office = $account and missing_since > $now"
            )
            db.execute(f'update {schema}."{name}" set {late}', asked)
        key = "refused_id" if name == "refused" else "version_id"
        corrections.date_back(db, f'{schema}."{name}"', (key, "fetched_at", key), asked, load_id)
    if "coverage" in tables:
        # of no time that could be taken for lately
        dated = f"read_at = to_timestamp(0), _dlt_load_id = '{load_id}'"
        late = contents.from_the_future(schema, "read_at")
        db.execute(f"update {schema}.coverage set {dated} where box_office = $account and {late}", asked)
    db.execute("commit")


def rename_refused(db: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    query = "select refused_id, list, raw from raw_ticket_tailor.refused where box_office = ?"
    for batch in corrections.batches(db, query, old):
        for held, name, raw in batch:
            key = key_of(new, name, hashlib.blake2b(raw or b"").hexdigest())
            db.execute("delete from raw_ticket_tailor.refused where refused_id = ?", [key])
            db.execute("update raw_ticket_tailor.refused set refused_id = ? where refused_id = ?", [key, held])


def remove_repeated(db: duckdb.DuckDBPyConnection, table: str, account: str, *, latest_only: bool) -> None:
    """Of what was held under two names: a version that is no change of the one before goes."""
    condition = (
        "row_number() over (partition by id order by fetched_at desc) > 1"
        if latest_only
        else "document_hash = lag(document_hash) over versions and missing_since is null "
        "and lag(missing_since) over versions is null"
    )
    window = "" if latest_only else "window versions as (partition by id order by fetched_at, version_id)"
    db.execute(
        f"delete from {table} where version_id in "
        f"(select version_id from {table} where box_office = ? {window} qualify {condition})",
        [account],
    )
