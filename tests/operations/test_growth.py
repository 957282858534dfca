"""What runs leave behind does not pile up."""

import datetime as dt
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import duckdb
import pytest

from boxoffice.run import cleanup, run
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor import coverage
from boxoffice.ticket_tailor.planning import due, held_reads
from tests.operations.house import House


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.house
@pytest.mark.parametrize("runs", [8, 20])
def test_many_runs_leave_no_more_than_half_of_them(house: House, runs: int) -> None:
    """dlt keeps every package it ever loaded, and a killed extract for ever: people's data, in many small files."""
    settings = house.settings()
    killed = settings.dlt_dir / "pipelines" / "ticketor_sandbox_north" / "normalize" / "0a1b2c3d"
    (killed / "new").mkdir(parents=True)
    left, sizes = [], []
    for number in range(runs):
        house.go_on(24)
        assert run.load_only(settings, echo=lambda _line: None).outcome == "done"
        if number in (runs // 2 - 1, runs - 1):
            left.append(files(settings.dlt_dir))
            sizes.append(settings.warehouse.stat().st_size)
    assert left[1] <= left[0] + 6  # a schema file comes into a package only when it has changed
    assert sizes[1] <= sizes[0] + 4 * 2**20
    assert not killed.exists()
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        staged = db.execute(
            "select sum(estimated_size) from duckdb_tables() "
            "where schema_name like '%_staging' and table_name not like '_dlt%'"
        ).fetchall()
    assert staged == [(0,)]


@pytest.mark.parametrize(("limit", "kept"), [(10_000, 100), (1_000, 5)])
def test_logs_keep_their_newer_half(tmp_path: Path, limit: int, kept: int) -> None:
    path = tmp_path / "runs.jsonl"
    lines = [f'{{"run": {number:03d}, "padding": "{"x" * 65}"}}\n' for number in range(100)]
    assert len(lines[0]) == 93
    path.write_text("".join(lines))
    cleanup.keep_newer_half(path, limit)
    assert path.read_text() == "".join(lines[-kept:])


def test_what_a_killed_build_put_aside_is_removed(house: House) -> None:
    settings = house.settings()
    spilled = settings.data_dir / "warehouse.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(bytes(1000))
    house.go_on(12)
    run.load_only(settings, echo=lambda _line: None)
    assert not spilled.exists()


# What a year of runs every half hour writes of a box office: reads of each list, every so many minutes, so far back.
YEAR_OF_READS = """
    insert into raw_ticket_tailor.coverage
    select md5(concat_ws(' ', name, kind, ended)), $office, name, kind,
        case when kind = 'walk' then 0 else ended - back end, ended, to_timestamp(ended),
        (select max(_dlt_load_id) from raw_ticket_tailor.coverage)
    from (values
        ('orders', 'recent', 30, 7200), ('issued_tickets', 'recent', 30, 7200), ('events', 'walk', 30, 0),
        ('orders', 'week', 60, 604800), ('issued_tickets', 'week', 60, 604800),
        ('orders', 'quarter', 1440, 7776000), ('issued_tickets', 'quarter', 1440, 7776000), ('holds', 'walk', 60, 0),
        ('vouchers', 'unreadable', 60, 0)
    ) as reads (name, kind, minutes, back),
    lateral (
        select unnest(range(cast(epoch($now) as bigint) - 365 * 86400, cast(epoch($now) as bigint), minutes * 60))
            as ended
    )
    -- a week when nothing ran
    where ended not between cast(epoch($now) as bigint) - 200 * 86400 and cast(epoch($now) as bigint) - 193 * 86400
"""


def test_a_year_of_reads_leaves_as_much_as_a_few_days(house: House) -> None:
    """What has been read is kept by the run; what is asked of it later is the same as if all of it were still there."""
    settings = house.settings()
    office = settings.box_offices[0]
    now = dt.datetime.now(dt.UTC)
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute(YEAR_OF_READS, {"office": office.name, "now": now})
        db.execute(
            # a stretch far from all others, with a hole before it; and one of a load that was never finished
            """
            insert into raw_ticket_tailor.coverage
            select id, $office, 'orders', 'window', epoch($now)::bigint + 864000, epoch($now)::bigint + until,
                $now - interval 300 days, load_id
            from (
                select 'far' as id, 900000 as until, max(_dlt_load_id) as load_id from raw_ticket_tailor.coverage
                union all
                select 'unfinished', 990000, '9'
            )
            """,
            {"office": office.name, "now": now},
        )
        db.execute(
            "insert into raw_ticket_tailor._dlt_pipeline_state "
            "select * exclude (day) replace (version - day as version, '1' || day as _dlt_load_id) "
            "from raw_ticket_tailor._dlt_pipeline_state, range(1, 366) as days (day)"
        )
    everything = settings.data_dir / "everything.duckdb"
    shutil.copyfile(settings.warehouse, everything)
    house.go_on(12)
    for _ in range(2):
        run.load_only(settings, echo=lambda _line: None)
    with duckdb.connect(str(settings.warehouse)) as db:
        [(left,)] = db.execute("select count(*) from raw_ticket_tailor.coverage").fetchall()
        assert left < 1_500
        [(states,)] = db.execute("select count(*) from raw_ticket_tailor._dlt_pipeline_state").fetchall()
        assert states <= coverage.STATES_KEPT + 2
        assert db.execute(
            "select count(*) from raw_ticket_tailor.coverage where coverage_id = 'unfinished'"
        ).fetchall() == [(1,)]
        # what the two runs read, into the copy that was never tidied
        db.execute(f"attach '{everything}' as everything")
        db.execute(
            "insert into everything.raw_ticket_tailor.coverage "
            "from raw_ticket_tailor.coverage "
            "where kind <> 'joined' "
            "and coverage_id not in (from everything.raw_ticket_tailor.coverage select coverage_id)"
        )
        db.execute(
            "insert into everything.raw_ticket_tailor._dlt_loads "
            "from raw_ticket_tailor._dlt_loads "
            "where load_id not in (from everything.raw_ticket_tailor._dlt_loads select load_id)"
        )
        [(all_rows,)] = db.execute("select count(*) from everything.raw_ticket_tailor.coverage").fetchall()
        assert all_rows > 60_000
    every_list = BoxOffice(office.name, office.api_key, office.base_url)
    for later in (0, 1200, 3 * 3600, 26 * 3600, 100 * 86400, -3600):
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=later)
        held, full = (held_reads(every_list, path, moment) for path in (settings.warehouse, everything))
        assert held.spans == full.spans
        assert {key: at for key, at in held.last.items() if key[1] != "joined"} == full.last
        plan = due(every_list, full, moment)
        assert plan
        assert due(every_list, held, moment) == plan


class Dying:
    """A connection whose process is killed at one of its statements."""

    def __init__(self, path: Path, at: int) -> None:
        self.db, self.left = duckdb.connect(str(path)), at

    def execute(self, *asked: object) -> duckdb.DuckDBPyConnection:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return self.db.execute(*asked)


def join_and_die(path: Path, box_office: str, before: dt.datetime, at: int) -> None:
    coverage.join_coverage(Dying(path, at), box_office, before)  # type: ignore[arg-type]


@pytest.mark.house
def test_a_kill_while_coverage_is_joined_loses_no_read(house: House) -> None:
    settings = house.settings()
    office = settings.box_offices[0]
    now = dt.datetime.now(dt.UTC)
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute(YEAR_OF_READS, {"office": office.name, "now": now})
    before = now - dt.timedelta(days=2)
    held = held_reads(office, settings.warehouse, now)
    spawn = multiprocessing.get_context("spawn")
    for at in range(100):
        killed = settings.data_dir / "killed.duckdb"
        shutil.copyfile(settings.warehouse, killed)
        child = spawn.Process(target=join_and_die, args=(killed, office.name, before, at))
        child.start()
        child.join()
        assert held_reads(office, killed, now).spans == held.spans
        killed.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
    assert at > 5
