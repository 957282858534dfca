"""What else can come between: a full disk, a folder that cannot be written, somebody in the warehouse, a second run."""

import datetime as dt
import fcntl
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from boxoffice.run import backup, marker, run, run_log
from boxoffice.settings import ROOT, Settings
from sandbox import ledger
from tests.operations import same
from tests.operations.disk import fill, held_open, small_disk
from tests.operations.house import House


def quiet(_line: str) -> None:
    pass


# how many, and what they come to
SALES = {"orders": "total_as_given", "tickets": "price", "product_sales": "line_amount", "payments": "amount"}


def published_sales(settings: Settings) -> list[tuple[str, str, int, object]]:
    with duckdb.connect(str(settings.published), read_only=True) as db:
        return db.execute(
            " union all ".join(
                f"select platform, '{what}', count(*), sum({amount}) from marts.fct_{what} group by all"
                for what, amount in SALES.items()
            )
            + " order by all"
        ).fetchall()


def true_sales(house: House) -> list[tuple[str, str, int, object]]:
    """What the venue's own books say at this moment."""
    [venue] = house.venues
    books = [
        ledger.ticket_tailor(venue, [ledger.Look(now, dt.datetime.now(dt.UTC)) for now in (venue.end, house.now)]),
        ledger.ticketor(venue, house.now),
    ]
    return sorted(
        (one.platform, what, len(rows := getattr(one, what)), sum(getattr(row, amount) or 0 for row in rows))
        for one in books
        for what, amount in SALES.items()
    )


def test_a_second_run_leaves_at_once(house: House, tmp_path: Path) -> None:
    """As does whatever else needs the warehouse, and nothing is written."""
    settings = house.settings()
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    before = {path: path.stat().st_mtime_ns for path in [kept, *settings.data_dir.iterdir()] if path.is_file()}
    with (settings.data_dir / "lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for verb in ("run", f"backup {kept}", f"restore {kept} --replace", "rebuild", "archive"):
            second = house.boxoffice(settings, *verb.split())
            assert (second.returncode, "Another run is under way" in second.stderr) == (75, True), second.stderr
    assert {path: path.stat().st_mtime_ns for path in [kept, *settings.data_dir.iterdir()] if path.is_file()} == before


def test_the_lock_of_a_killed_run_is_no_obstacle(house: House) -> None:
    settings = house.settings()
    (settings.data_dir / "lock").write_text("4242424")
    ran = house.boxoffice(settings, "run")
    assert (ran.returncode, "idle" in ran.stderr) == (0, True), ran.stderr


def test_a_warehouse_held_by_another_process(house: House, tmp_path: Path) -> None:
    """It is said who holds it; nothing is lost, and the next load brings everything."""
    settings, undisturbed = house.settings(), house.settings(tmp_path / "undisturbed")
    shutil.copytree(settings.data_dir, undisturbed.data_dir)
    house.go_on(24)
    before = published_sales(settings)
    with held_open(settings.warehouse, read_only=True) as pid:
        refused = house.boxoffice(settings, "run")
    assert refused.returncode == 1
    assert f"PID {pid}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert published_sales(settings) == before

    began = [dt.datetime.now(dt.UTC)]
    for each in (settings, undisturbed):
        assert run.load_only(each, echo=quiet).outcome == "done"
    assert same.raw(settings.warehouse, undisturbed.warehouse, began, began) == []


@pytest.mark.house
def test_a_disk_that_fills_while_loading(house: House) -> None:
    """No file may grow beyond a megabyte, whoever writes it: what a full disk or a quota does to a run."""
    settings = house.settings()
    house.go_on(24)
    full = house.boxoffice(
        settings, "run", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    )
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "File too large" in full.stderr

    result = run.run(settings, echo=quiet)
    assert (result.outcome, result.published) == ("done", True), result.error
    assert published_sales(settings) == true_sales(house)


@pytest.mark.house
def test_a_disk_that_is_full(house: House) -> None:
    """Published tables stay as they were, it is said in the same sentence each time, and each run is remembered."""
    with small_disk("256m") as disk:
        settings = house.settings(disk / "data")
        shutil.copytree(house.settings().data_dir, settings.data_dir)
        settings.runs_file.unlink()
        assert house.boxoffice(settings, "load").returncode == 0
        before = settings.published.read_bytes()
        fill(disk)
        house.go_on(24)
        # more lines than the blocks that the disk has given to runs.jsonl already
        told = []
        for times in range(1, 8):
            full = house.boxoffice(settings, "run")
            assert full.returncode == 1
            [line] = full.stderr.splitlines()
            told.append(line)
            assert line.startswith(f"No space left on the disk of {settings.data_dir}: 0 MB are free")
            lines = run_log.last_runs(settings, 20)
            assert [(one["outcome"], one["error"]) for one in lines[:-1]] == [("failed", line)] * times
            assert len(settings.runs_file.read_text().splitlines()) == len(lines), "no line was cut short"
            fill(disk)
        assert len(set(told)) == 1
        asked = house.boxoffice(settings, "status")
        assert asked.returncode == 1
        assert f"! The last run failed: {told[0]}" in asked.stdout
        assert settings.published.read_bytes() == before

        (disk / "ballast").unlink()
        result = run.run(settings, echo=quiet)
        assert (result.outcome, result.published) == ("done", True), result
        assert published_sales(settings) == true_sales(house)


@pytest.mark.house
def test_a_disk_that_fills_while_dbt_builds(house: House) -> None:
    with small_disk("256m") as disk:
        settings = house.settings(disk / "data")
        shutil.copytree(house.settings().data_dir, settings.data_dir)
        house.go_on(24)
        running = subprocess.Popen(
            [sys.executable, "-m", "boxoffice.cli", "run"],
            cwd=ROOT,
            env=house.environment(settings),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stderr
        lines = []
        for line in running.stderr:
            lines.append(line)
            if "building and testing" in line:
                fill(disk)
        assert running.wait() == 1
        assert sum("No space left" in line for line in lines) == 1
        assert not any("dbt" in line for line in lines), lines
        [line] = run_log.last_runs(settings, 1)
        assert line["error"].startswith("No space left on the disk")


def test_a_data_folder_that_cannot_be_written(house: House) -> None:
    with small_disk("64m") as disk:
        settings = house.settings(disk / "data")
        settings.data_dir.mkdir()
        shutil.copy(house.settings().published, settings.published)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refused = house.boxoffice(settings, "run")
        assert refused.returncode == 1
        assert "cannot be written" in refused.stderr
        assert "Traceback" not in refused.stderr
        asked = house.boxoffice(settings, "sql", "from run_info")
        assert (asked.returncode, "data_until" in asked.stdout) == (0, True), asked.stderr


@pytest.mark.parametrize("touched", ["warehouse", "published", "person_key_file"])
def test_what_other_hands_did_sends_the_next_run_down_the_whole_path(house: House, touched: str) -> None:
    """A bare `dbt build`, a file put back from a backup: the marker is true of the very files it was written for."""
    settings = house.settings()
    assert marker.read(settings)
    path: Path = getattr(settings, touched)
    path.chmod(0o600)
    os.utime(path)
    assert marker.read(settings) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", "1", "{}", '{"files": null}', '{"files": []}'])
def test_a_marker_that_says_nothing_is_no_marker(house: House, content: str) -> None:
    settings = house.settings()
    settings.clean_marker.write_text(content)
    assert marker.read(settings) == {}
    assert marker.was_changed_outside(settings)


def later(settings: Settings, hours: int) -> None:
    """As if the last run had been made by a clock that was so far ahead."""
    swept_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    marker.write(settings, swept_at=swept_at.isoformat(), unbuilt=[])


def test_a_clock_set_back_does_not_stop_the_daily_sweep(house: House) -> None:
    settings = house.settings()
    folder = Path(settings.sites[0].buffer)
    newest = max(path for path in folder.rglob("*.json"))
    unseen = newest.with_name("0_late.json")
    os.utime(newest.parent, (1, 1))  # old enough to be remembered
    run.load_only(settings, echo=quiet)
    later(settings, hours=0)
    shutil.copy(newest, unseen)
    os.utime(unseen, (1, 1))
    os.utime(newest.parent, (1, 1))  # a folder whose time tells nothing
    assert run.run(settings, echo=quiet).outcome == "idle"
    later(settings, hours=48)
    assert run.load_only(settings, echo=quiet).accounts[0].news == {"records": 1}


def test_a_run_after_another_that_was_cut_short_is_still_told(house: House) -> None:
    settings = house.settings()
    with settings.runs_file.open("a") as runs:
        runs.write('{"verb": "run", "start')
    run.run(settings, echo=quiet)
    assert [one["outcome"] for one in run_log.last_runs(settings, 2)] == ["idle", "done"]


def test_an_empty_person_key_is_not_taken_for_the_secret(house: House) -> None:
    settings = house.settings()
    before = settings.published.read_bytes()
    settings.person_key_file.write_text("")
    refused = house.boxoffice(settings, "run")
    assert refused.returncode == 1
    assert "person.key is empty" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert settings.published.read_bytes() == before
