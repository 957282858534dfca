"""Corrections of raw, in place: times from a clock that was ahead, and the name of an account.

What is corrected gets a load of its own, so that the models read it again. Each is one transaction; only call while
holding the run's lock.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator

import duckdb

from boxoffice.raw import lookups
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.packages import key_of
from boxoffice.ticketor.records import record_id_of

# How the tables of a platform name the account
ACCOUNT = {"ticketor": "site", "ticket_tailor": "box_office"}
BATCH = 10_000


def set_right(db: duckdb.DuckDBPyConnection, platform: str, account: str, now: dt.datetime) -> None:
    """Dates back what raw holds of an account from the future, to just before ``now`` (UTC), in the same order.

    A clock was ahead and has been set back, or a sender's was. When it really was is unknown; it was not later.
    """
    asked = {"account": account, "now": now}
    schema = f"raw_{platform}"
    tables = _tables(db, schema)
    db.execute("begin")
    load_id = _new_load(db, schema, now)
    if platform == "ticketor":
        _date_back(db, platform, "records", ("record_id", "received_at", "(file, position)"), asked, load_id)
    for name in sorted(tables & {*ENDPOINTS, "refused"}):
        if name != "refused":
            late = (
                f"missing_since = $now, _dlt_load_id = '{load_id}' where box_office = $account and missing_since > $now"
            )
            db.execute(f'update {schema}."{name}" set {late}', asked)
        key = "refused_id" if name == "refused" else "version_id"
        _date_back(db, platform, name, (key, "fetched_at", key), asked, load_id)
    if "coverage" in tables:
        # of no time that could be taken for lately
        dated = f"read_at = to_timestamp(0), _dlt_load_id = '{load_id}'"
        late = lookups.from_the_future(schema, "read_at")
        db.execute(f"update {schema}.coverage set {dated} where box_office = $account and {late}", asked)
    db.execute("commit")


def _date_back(
    db: duckdb.DuckDBPyConnection,
    platform: str,
    table: str,
    columns: tuple[str, str, str],
    asked: dict[str, object],
    load_id: str,
) -> None:
    """A microsecond apart, so that one version still comes after the other."""
    key, moment, order = columns
    schema = f"raw_{platform}"
    db.execute(
        f"""
        update {schema}."{table}" as held
        set {moment} = dated.moment, _dlt_load_id = '{load_id}'
        from (
            select
                {key},
                case
                    when {moment} > $now
                        then $now - to_microseconds(row_number() over (order by {moment} desc, {order} desc))
                    else {moment}
                end as moment
            from {schema}."{table}"
            where {ACCOUNT[platform]} = $account and {lookups.from_the_future(schema, moment)}
        ) as dated
        where held.{key} = dated.{key}
        """,
        asked,
    )


def rename(db: duckdb.DuckDBPyConnection, platform: str, old: str, new: str, now: dt.datetime) -> int:
    """Gives all that raw holds of an account another name; returns how many rows that were.

    Where raw holds the same under the new name too, it is held once afterwards.
    """
    schema, column = f"raw_{platform}", ACCOUNT[platform]
    tables = _tables(db, schema)
    db.execute("begin")
    load_id = _new_load(db, schema, now)
    if platform == "ticketor":
        _rename_records(db, old, new)
    elif "refused" in tables:
        _rename_refused(db, old, new)
    renamed = 0
    for name in sorted(tables):
        [(rows,)] = db.execute(
            f"""update {schema}."{name}" set {column} = $new, _dlt_load_id = '{load_id}' where {column} = $old""",
            {"new": new, "old": old},
        ).fetchall()
        renamed += rows
    if platform == "ticketor":
        # every folder is listed once more
        db.execute(f"delete from {schema}.folders where site = ?", [new])
    for name in tables & ENDPOINTS.keys():
        _once(db, f'{schema}."{name}"', new, latest_only=ENDPOINTS[name].keeps == "latest")
    if lookups.accounts_exist(db):
        db.execute("delete from raw_boxoffice.accounts where platform = ? and account = ?", [platform, old])
    db.execute("commit")
    return renamed


def _rename_records(db: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """A record is known by its site too: without its new key it would come again once its file has grown."""
    db.execute("create or replace temp table new_names (old varchar, new varchar)")
    for batch in _batches(
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


def _rename_refused(db: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    query = "select refused_id, list, raw from raw_ticket_tailor.refused where box_office = ?"
    for batch in _batches(db, query, old):
        for held, name, raw in batch:
            key = key_of(new, name, hashlib.blake2b(raw or b"").hexdigest())
            db.execute("delete from raw_ticket_tailor.refused where refused_id = ?", [key])
            db.execute("update raw_ticket_tailor.refused set refused_id = ? where refused_id = ?", [key, held])


def _batches(db: duckdb.DuckDBPyConnection, query: str, account: str) -> Iterator[list[tuple]]:
    asked = db.cursor()
    asked.execute(query, [account])
    while batch := asked.fetchmany(BATCH):
        yield batch


def _once(db: duckdb.DuckDBPyConnection, table: str, account: str, *, latest_only: bool) -> None:
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


def _new_load(db: duckdb.DuckDBPyConnection, schema: str, now: dt.datetime) -> str:
    """A complete load of the schema, for what is changed now."""
    load_id = f"{now.timestamp():.6f}"
    db.execute(
        f"insert into {schema}._dlt_loads by name "
        f"select * replace ('{load_id}' as load_id, 0 as status) from {schema}._dlt_loads order by load_id limit 1"
    )
    return load_id


def _tables(db: duckdb.DuckDBPyConnection, schema: str) -> set[str]:
    """The tables whose rows belong to accounts."""
    return {
        name
        for (name,) in db.execute(
            "select distinct table_name from duckdb_columns() "
            "where schema_name = ? and column_name in ('site', 'box_office')",
            [schema],
        ).fetchall()
    }
