"""The readers' copy: whole, described, one rename; whoever holds the old one is left alone."""

import datetime as dt
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse.publish import publish

NOW = dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path)
    build(made, price="10.1000")
    return made


def build(settings: Settings, price: str) -> None:
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute(
            f"""
            create schema if not exists marts; create schema if not exists staging;
            create or replace table marts.dim_accounts (account varchar not null, last_record_at timestamptz);
            insert into marts.dim_accounts values ('a', '2026-08-31 10:00:00+00'), ('b', null);
            create or replace table marts.fct_tickets (ticket_key varchar not null, price decimal(18, 4));
            insert into marts.fct_tickets values ('k', {price});
            comment on table marts.fct_tickets is 'It''s a ticket';
            comment on column marts.fct_tickets.price is 'Price; "after" discounts';
            create or replace view marts.dear as (select ticket_key, price from marts.fct_tickets where price > 1);
            comment on view marts.dear is 'It''s dear';
            comment on column marts.dear.price is 'Price';
            create or replace table staging.secret as select 'buyer@example.com' as email;
            """
        )


def read(settings: Settings, query: str) -> list[tuple]:
    with duckdb.connect(str(settings.published), read_only=True) as db:
        return db.execute(query).fetchall()


def test_marts_with_types_constraints_and_comments_and_nothing_else(settings: Settings) -> None:
    assert publish(settings, NOW)[:2] == (3, None)
    tables = "select schema_name, table_name, comment from duckdb_tables() where table_name <> 'orders_set_aside'"
    assert read(settings, f"{tables} order by all") == [
        ("marts", "dim_accounts", None),
        ("marts", "fct_tickets", "It's a ticket"),
        ("marts", "run_info", "Grain: one row. When these tables were published."),
    ]
    columns = (
        "select column_name, data_type, is_nullable, comment from duckdb_columns() where table_name = 'fct_tickets'"
    )
    assert read(settings, columns) == [
        ("ticket_key", "VARCHAR", False, None),
        ("price", "DECIMAL(18,4)", True, 'Price; "after" discounts'),
    ]
    [(view, comment)] = read(settings, "select view_name, comment from duckdb_views() where schema_name = 'marts'")
    assert (view, comment) == ("dear", "It's dear")
    assert read(settings, columns.replace("fct_tickets", "dear"))[1] == ("price", "DECIMAL(18,4)", True, "Price")
    assert read(settings, "select count(*) from marts.dear") == read(
        settings, "select count(*) from marts.fct_tickets where price > 1"
    )
    times = "select epoch(published_at)::bigint, epoch(data_until)::bigint from marts.run_info"
    newest = dt.datetime(2026, 8, 31, 10, tzinfo=dt.UTC)
    assert read(settings, times) == [(int(NOW.timestamp()), int(newest.timestamp()))]
    assert b"buyer@example.com" not in settings.published.read_bytes()


def test_the_file_is_read_only_and_opens_in_a_duckdb_of_2025(settings: Settings) -> None:
    publish(settings, NOW)
    assert stat.S_IMODE(settings.published.stat().st_mode) == 0o400
    # the version number that DuckDB 1.2 writes, at byte 12 of the main header (duckdb's storage_info.hpp)
    assert settings.published.read_bytes()[8:12] == b"DUCK"
    assert int.from_bytes(settings.published.read_bytes()[12:20], "little") == 65


def test_a_reader_keeps_what_it_opened_and_the_next_one_sees_the_new(settings: Settings) -> None:
    publish(settings, NOW)
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import duckdb
db = duckdb.connect({str(settings.published)!r}, read_only=True)
print(db.execute('select price from marts.fct_tickets').fetchone(), flush=True)
input()
print(db.execute('select price from marts.fct_tickets').fetchone(), flush=True)
""",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "10.1000" in reader.stdout.readline()
    build(settings, price="20")
    publish(settings, NOW)
    assert read(settings, "select price::varchar from marts.fct_tickets") == [("20.0000",)]
    told, _ = reader.communicate("\n", timeout=60)
    assert "10.1000" in told


def test_a_log_left_by_somebody_elses_client_is_not_replayed(settings: Settings) -> None:
    """A client killed while it wrote into the old file leaves a log that DuckDB would apply to the new file."""
    publish(settings, NOW)
    settings.published.chmod(0o644)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"""
import duckdb, os, signal
db = duckdb.connect({str(settings.published)!r})
db.execute("insert into marts.fct_tickets values ('intruder', 1)")
os.kill(os.getpid(), signal.SIGKILL)
""",
        ],
        check=False,
    )
    assert killed.returncode == -9
    assert settings.published.with_name("boxoffice.duckdb.wal").exists()
    publish(settings, NOW)
    assert read(settings, "select ticket_key from marts.fct_tickets") == [("k",)]


def test_room_is_asked_for_the_marts_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What raw and the models need beside them is no part of what is published."""
    publish(settings, NOW)
    with settings.warehouse.open("ab") as file:
        file.truncate(200 * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("usage", (), {"free": 50 * 2**20})())
    publish(settings, NOW)
    settings.published.unlink()
    with pytest.raises(Problem, match="50 MB are free"):
        publish(settings, NOW)


def test_no_room_is_said_before_anything_is_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(settings, NOW)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("usage", (), {"free": 2**20})())
    with pytest.raises(Problem, match="1 MB are free"):
        publish(settings, NOW)
    assert read(settings, "select count(*) from marts.fct_tickets") == [(1,)]
    assert {path.name for path in settings.data_dir.iterdir()} == {"warehouse.duckdb", "boxoffice.duckdb"}
