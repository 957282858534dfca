"""What runs leave behind does not pile up."""

from pathlib import Path

import duckdb
import pytest

from pipelines import run, tidy
from tests.operations.house import House


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_twenty_runs_leave_no_more_than_ten(house: House) -> None:
    """dlt keeps every package it ever loaded, and a killed extract for ever: people's data, in many small files."""
    settings = house.settings()
    killed = settings.dlt_dir / "pipelines" / "ticketor_sandbox_north" / "normalize" / "0a1b2c3d"
    (killed / "new").mkdir(parents=True)
    left, sizes = [], []
    for number in range(20):
        house.go_on(24)
        assert run.load_only(settings, echo=lambda _line: None).outcome == "done"
        if number in (9, 19):
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
    tidy.keep_newer_half(path, limit)
    assert path.read_text() == "".join(lines[-kept:])


def test_what_a_killed_build_put_aside_is_removed(house: House) -> None:
    settings = house.settings()
    spilled = settings.data_dir / "warehouse.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(bytes(1000))
    house.go_on(12)
    run.load_only(settings, echo=lambda _line: None)
    assert not spilled.exists()
