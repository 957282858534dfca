"""Two warehouses, compared table by table: what differs, in words."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import duckdb

from tests.compare import same_rows

# Keys that are made of the moment at which we saw something: their rows are compared by their other columns.
KEYS_OF_MOMENTS = {"fct_order_changes": ["order_change_key"]}
# Sums by day: nothing is comparable on days of ours once the two have seen the same thing on different ones.
BY_DAY = ("rpt_daily_sales", "rpt_daily_event_sales", "rpt_sales_curve", "dim_dates")


def marts(
    one: Path, other: Path, steps: Sequence[dt.datetime] = (), other_steps: Sequence[dt.datetime] = ()
) -> list[str]:
    """How two published files differ, except for ``run_info``; empty when they do not.

    ``steps`` are the moments (UTC, rising) at which each of the two was given more to read. A time from the first one
    on is a time of ours, such as when a document was fetched: of it only the step counts. Earlier ones are the
    platforms' and must be equal.
    """
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{one}' as one (read_only)")
        db.execute(f"attach '{other}' as other (read_only)")
        tables = _tables(db, "one"), _tables(db, "other")
        if tables[0] != tables[1]:
            return [f"tables: {sorted(tables[0] ^ tables[1])} on one side only"]
        told = []
        for name in sorted(tables[0] - {"run_info"}):
            columns = db.execute(
                "select column_name, data_type from duckdb_columns() where database_name = 'one' "
                "and schema_name = 'marts' and table_name = ? order by column_index",
                [name],
            ).fetchall()
            skipped = KEYS_OF_MOMENTS.get(name, []) if steps else []
            kept = [(column, kind) for column, kind in columns if column not in skipped]
            queries = [
                f'select {", ".join(_comparable(*each, moments) for each in kept)} from {side}.marts."{name}"'
                + _where(name, kept, [*steps, *other_steps])
                for side, moments in (("one", steps), ("other", other_steps))
            ]
            told += _difference(db, name, *queries)
    return told


def raw(
    one: Path, other: Path, steps: Sequence[dt.datetime] = (), other_steps: Sequence[dt.datetime] = ()
) -> list[str]:
    """How the documents of two warehouses differ: every version, by the step at which it was fetched."""
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{one}' as one (read_only)")
        db.execute(f"attach '{other}' as other (read_only)")
        told = []
        for side in ("one", "other"):
            for platform in ("ticketor", "ticket_tailor"):
                [(unfinished,)] = db.execute(
                    f"select count(*) from {side}.raw_{platform}._dlt_loads where status <> 0"
                ).fetchall()
                told += [f"{side}: {unfinished} loads of {platform} are not complete"] if unfinished else []
        told += _difference(
            db,
            "raw_ticketor.records",
            *(f"select * exclude (_dlt_load_id) from {side}.raw_ticketor.records" for side in ("one", "other")),
        )
        lists = db.execute(
            "select table_name from duckdb_columns() where database_name = 'one' "
            "and schema_name = 'raw_ticket_tailor' and column_name = 'missing_since'"
        ).fetchall()
        for (name,) in lists:
            queries = [
                f"select box_office, id, created_at, document, "
                f"{_comparable('fetched_at', 'TIMESTAMP WITH TIME ZONE', moments)}, "
                f'missing_since is null from {side}.raw_ticket_tailor."{name}"'
                for side, moments in (("one", steps), ("other", other_steps))
            ]
            told += _difference(db, f"raw_ticket_tailor.{name}", *queries)
    return told


def _tables(db: duckdb.DuckDBPyConnection, side: str) -> set[str]:
    rows = db.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts'", [side]
    ).fetchall()
    return {name for (name,) in rows}


def _comparable(column: str, kind: str, steps: Sequence[dt.datetime]) -> str:
    if not steps:
        return f'"{column}"'
    first = f"timestamptz '{steps[0].isoformat()}'"
    if kind.startswith("TIMESTAMP"):
        moments = ", ".join(f"timestamptz '{moment.isoformat()}'" for moment in steps)
        nth = f"len(list_filter([{moments}], lambda moment: moment <= {column}))"
        return f"case when {column} >= {first} then 'step ' || {nth} else cast({column} as varchar) end as {column}"
    if kind == "DATE":
        return f"case when {column} < cast({first} as date) - 1 then {column} end as {column}"
    return f'"{column}"'


def _where(name: str, columns: list[tuple[str, str]], steps: Sequence[dt.datetime]) -> str:
    """On days of ours nothing can be told apart: sums by day are compared up to the day before the first."""
    if not steps or name not in BY_DAY or min(steps).date() == dt.datetime.now(dt.UTC).date():
        return ""
    day = next(column for column, kind in columns if kind == "DATE")
    return f" where {day} < date '{min(steps).date()}' - 1"


def _difference(db: duckdb.DuckDBPyConnection, name: str, query: str, other: str) -> list[str]:
    told: list[str] = []
    if same_rows(db, query, other):
        return told
    for words, left, right in (("only in the first", query, other), ("only in the second", other, query)):
        rows = db.execute(f"from (({left}) except all ({right}))").fetchall()
        if rows:
            told.append(f"{name}: {len(rows)} rows {words}, for example {rows[0]}")
    return told
