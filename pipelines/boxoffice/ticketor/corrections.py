"""Corrections of what raw holds of a Ticketor site, in place."""

import datetime as dt

import duckdb

from boxoffice.raw import corrections
from boxoffice.ticketor.records import record_id_of


def set_right(db: duckdb.DuckDBPyConnection, site: str, now: dt.datetime) -> None:
    """Dates back what raw holds of a site from the future, to just before ``now`` (UTC), in the same order.

    A clock was ahead and has been set back, or a sender's was. When it really was is unknown; it was not later.
    """
    db.execute("begin")
    load_id = corrections.new_load(db, "raw_ticketor", now)
    columns = ("record_id", "received_at", "(file, position)")
    corrections.date_back(db, "raw_ticketor.records", columns, {"account": site, "now": now}, load_id)
    db.execute("commit")


def rename_records(db: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """A record is known by its site too: without its new key it would come again once its file has grown."""
    db.execute("create or replace temp table new_names (old varchar, new varchar)")
    for batch in corrections.batches(
        db,
        "select record_id, file, position, coalesce(encode(document), raw) from raw_ticketor.records where site = ?",
        old,
    ):
        found = [(key, record_id_of(new, file, position, raw or b"")) for key, file, position, raw in batch]
        db.executemany("insert into new_names values (?, ?)", found)
    db.execute(
        "delete from raw_ticketor.records where site = ? and record_id in (select new_names.new from new_names)", [new]
    )
    db.execute(
        "update raw_ticketor.records set record_id = new_names.new from new_names "
        "where record_id = new_names.old and site = ?",
        [old],
    )
    db.execute("drop table new_names")
