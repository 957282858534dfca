"""Corrections of raw, in place, that both platforms need.

What is corrected gets a load of its own, so that the models read it again. Only call while holding the run's lock.
"""

import datetime as dt
from collections.abc import Iterator

import duckdb

from boxoffice.raw import contents

# How the tables of a platform name the account
ACCOUNT = {"raw_ticketor": "site", "raw_ticket_tailor": "box_office"}
BATCH = 10_000


def date_back(
    db: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[str, str, str],
    asked: dict[str, object],
    load_id: str,
) -> None:
    """Dates the rows of a table that are from the future back to just before $now, a microsecond apart, so that one
    version still comes after the other. ``table`` is quoted and has its schema; ``columns`` are key, moment, order."""
    key, moment, order = columns
    schema = table.partition(".")[0]
    db.execute(
        f"""
        update {table} as held
        set {moment} = dated.moment, _dlt_load_id = '{load_id}'
        from (
            select
                {key},
                case
                    when {moment} > $now
                        then $now - to_microseconds(row_number() over (order by {moment} desc, {order} desc))
                    else {moment}
                end as moment
            from {table}
            where {ACCOUNT[schema]} = $account and {contents.from_the_future(schema, moment)}
        ) as dated
        where held.{key} = dated.{key}
        """,
        asked,
    )


def batches(db: duckdb.DuckDBPyConnection, query: str, account: str) -> Iterator[list[tuple]]:
    asked = db.cursor()
    asked.execute(query, [account])
    while batch := asked.fetchmany(BATCH):
        yield batch


def new_load(db: duckdb.DuckDBPyConnection, schema: str, now: dt.datetime) -> str:
    """A complete load of the schema, for what is changed now."""
    load_id = f"{now.timestamp():.6f}"
    db.execute(
        f"insert into {schema}._dlt_loads by name "
        f"select * replace ('{load_id}' as load_id, 0 as status) from {schema}._dlt_loads order by load_id limit 1"
    )
    return load_id


def tables(db: duckdb.DuckDBPyConnection, schema: str) -> set[str]:
    """The tables whose rows belong to accounts."""
    return {
        name
        for (name,) in db.execute(
            "select distinct table_name from duckdb_columns() "
            "where schema_name = ? and column_name in ('site', 'box_office')",
            [schema],
        ).fetchall()
    }
