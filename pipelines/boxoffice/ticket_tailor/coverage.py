"""Raw's notes on what has been read of a box office, kept small over the years."""

import datetime as dt

import duckdb

from boxoffice.raw import contents
from boxoffice.ticket_tailor.intervals import union

# Rows of a box office's coverage. With more, old ones are joined; the last two days, which never are, have about 1,000.
COVERAGE_KEPT = 10_000
# What dlt notes in raw of a pipeline's cursors, half a kilobyte for each load that moved one. It reads the newest.
STATES_KEPT = 100


def join_coverage(db: duckdb.DuckDBPyConnection, box_office: str, before: dt.datetime) -> None:
    """Joins what coverage says of reads before that moment (UTC), whose times are not needed any more.

    They become one row a list and span; only the newest of each kind stays as it is, and what a load that is not
    complete has brought. Of dlt's states of the pipeline the newest are kept. In one transaction.
    """
    complete = contents.complete("raw_ticket_tailor")
    old = f"box_office = $box_office and read_at < $before and {complete}"
    asked = {"box_office": box_office, "before": before}
    db.execute("begin")
    spans: dict[str, list[tuple[int, int]]] = {}
    for name, start, end in db.execute(
        f"select list, created_from, created_to from raw_ticket_tailor.coverage where {old}", asked
    ).fetchall():
        spans.setdefault(name, []).append((start, end))
    [(load_id,)] = db.execute(f"select max(_dlt_load_id) from raw_ticket_tailor.coverage where {old}", asked).fetchall()
    db.execute(
        f"""
        delete from raw_ticket_tailor.coverage
        where {old} and coverage_id not in (
            select arg_max(coverage_id, read_at) from raw_ticket_tailor.coverage
            where box_office = $box_office and kind <> 'joined' and {complete} group by list, kind
        )
        """,
        asked,
    )
    for name, some in spans.items():
        for start, end in union(some):
            # of no time that could be taken for lately, even by a clock that was set back
            db.execute(
                """
                insert into raw_ticket_tailor.coverage by name
                select md5(concat_ws(chr(31), $box_office, $name, $start, $end)) as coverage_id,
                    $box_office as box_office, $name as list, 'joined' as kind,
                    $start as created_from, $end as created_to, to_timestamp(0) as read_at, $load_id as _dlt_load_id
                """,
                {"box_office": box_office, "name": name, "start": start, "end": end, "load_id": load_id},
            )
    db.execute(
        f"""
        delete from raw_ticket_tailor._dlt_pipeline_state
        where pipeline_name = $pipeline and _dlt_load_id not in (
            select _dlt_load_id from raw_ticket_tailor._dlt_pipeline_state
            where pipeline_name = $pipeline order by _dlt_load_id desc limit {STATES_KEPT}
        )
        """,
        {"pipeline": f"ticket_tailor_{box_office}"},
    )
    db.execute("commit")
