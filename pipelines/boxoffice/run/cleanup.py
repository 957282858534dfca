"""What would pile up over the years, kept small: in the data folder after every run that did something, in raw with
the load that finds it."""

import contextlib
import datetime as dt
import os
import shutil
from pathlib import Path

import duckdb

from boxoffice.atomic_file import put_in_place
from boxoffice.settings import Settings
from boxoffice.ticket_tailor.intervals import union

# Completed packages that dlt's folder keeps of each account: enough to see what the last runs loaded.
PACKAGES_KEPT = 3
# Bytes. Beyond these a log is cut to its newer half: about a year of runs every quarter of an hour, a long enough past.
RUNS_KEPT = 32 * 2**20
LOG_KEPT = 4 * 2**20
# Rows of a box office's coverage. With more, old ones are joined; the last two days, which never are, have about 1,000.
COVERAGE_KEPT = 10_000
# What dlt notes in raw of a pipeline's cursors, half a kilobyte for each load that moved one. It reads the newest.
STATES_KEPT = 100


def tidy(settings: Settings) -> None:
    """Removes what nobody will ask for again. Only call while holding the lock: to another run it may be in use."""
    for pipeline in _folders(settings.dlt_dir / "pipelines"):
        prune_packages(pipeline)
    # what DuckDB put aside on disk while it sorted; a kill leaves it there
    for spilled in (settings.warehouse, settings.published.with_name(f".{settings.published.name}.new")):
        shutil.rmtree(f"{spilled}.tmp", ignore_errors=True)
    # raw and the secret, where a backup, restore or rebuild was killed
    for verb in ("backup", "restore", "rebuild"):
        for folder in settings.data_dir.glob(f".{verb}-*"):
            shutil.rmtree(folder, ignore_errors=True)
    keep_newer_half(settings.runs_file, RUNS_KEPT)
    for log in ("errors.log", "cron.log"):
        keep_newer_half(settings.logs / log, LOG_KEPT)


def prune_packages(pipeline: Path) -> None:
    """Old completed packages of one dlt pipeline, and the unfinished extracts of killed runs, which hold people's data
    and which dlt would never look at again: each extract has a folder of its own."""
    loaded = sorted(_folders(pipeline / "load" / "loaded"), key=lambda package: package.name)
    for package in loaded[:-PACKAGES_KEPT]:
        shutil.rmtree(package, ignore_errors=True)
    for extract in _folders(pipeline / "normalize"):
        if extract.name != "extracted":
            shutil.rmtree(extract, ignore_errors=True)


def keep_newer_half(path: Path, limit: int) -> None:
    """Cuts a file of lines to the newer half of ``limit`` bytes once it is longer than that, in one rename."""
    with contextlib.suppress(FileNotFoundError):
        if (size := path.stat().st_size) <= limit:
            return
        with path.open("rb") as file:
            file.seek(size - limit // 2)
            file.readline()
            kept = file.read()
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(kept)
        put_in_place(fresh, path)


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir()]
    except FileNotFoundError:
        return []


def join_coverage(db: duckdb.DuckDBPyConnection, box_office: str, before: dt.datetime) -> None:
    """Joins what coverage tells of reads before that moment (UTC), of which nobody asks any more when they were.

    They become one row a list and span; only the newest of each kind stays as it is, and what a load that is not
    complete has brought. Of dlt's states of the pipeline the newest are kept. In one transaction.
    """
    complete = "_dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)"
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
