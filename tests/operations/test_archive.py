"""`boxoffice archive`: fewer files, the same warehouse."""

import datetime as dt
import gzip
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.run import archive as archives
from boxoffice.run import run
from boxoffice.settings import Settings, Site
from sandbox.ticketor_webhooks import write_broken, write_webhooks
from sandbox.venue import Venue
from tests.operations.disk import fill, small_disk

VENUE = Venue(5, orders=60, days=40, account="sandbox_hall")
END = dt.datetime.fromtimestamp(VENUE.end, dt.UTC)
MONTH = dt.timedelta(days=30)
LAYOUTS = ("json", "gzip", "envelope_base64", "jsonl", "jsonl_gzip", "array")


def quiet(_line: str) -> None:
    pass


def settings_of(folder: Path, data: str = "data") -> Settings:
    return Settings(folder / data, sites=(Site(VENUE.account, str(folder / "buffer"), "Europe/London"),))


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A buffer in many layouts, with refused files in it, and raw with all of it."""
    folder = tmp_path_factory.mktemp("archive")
    for layout in LAYOUTS:
        write_webhooks(VENUE, folder / "buffer" / layout, layout=layout)
    write_broken(VENUE, folder / "buffer" / "json", at=VENUE.end - 35 * 86_400)
    nameless = folder / "buffer" / "json" / "no text \udcff.json"
    nameless.write_bytes(b'{"Id": "neither"}')
    an_hour_ago = time.time() - 3600  # or it would wait as a file that is still being written
    os.utime(nameless, (an_hour_ago, an_hour_ago))
    assert run.load_only(settings_of(folder), echo=quiet).outcome == "done"
    return folder


@pytest.fixture
def loaded(loaded_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(loaded_once, tmp_path / "copy")
    return tmp_path / "copy"


def pack(folder: Path, **more: Any) -> archives.Packed:
    [packed] = archives.archive(settings_of(folder), MONTH, echo=quiet, now=more.pop("now", END), **more)
    return packed


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder / "buffer"))
        for path in (folder / "buffer").rglob("*")
        if path.is_file() and "_archive" not in path.parts
    }


def records(settings: Settings) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        return db.execute("select * exclude (_dlt_load_id) from raw_ticketor.records order by all").fetchall()


def test_a_rebuild_from_the_archive_is_the_same(loaded: Path) -> None:
    settings = settings_of(loaded)
    held, before = records(settings), files(loaded)
    packed = pack(loaded)
    gone = before - files(loaded)
    assert packed.files == len(gone) > 100
    assert packed.bytes_after < packed.bytes_before / 3
    assert packed.left == []
    archived = sorted(path.name for path in (loaded / "buffer" / "_archive").iterdir())
    assert len(archived) < 15
    assert max(archived) == f"{END - MONTH:%Y-%m-%d}.jsonl.gz" or max(archived) < f"{END - MONTH:%Y-%m-%d}"

    # nothing new for the warehouse that read the files
    result = run.load_only(settings, echo=quiet)
    assert (result.outcome, records(settings)) == ("idle", held)

    fresh = settings_of(loaded, "fresh")
    assert run.load_only(fresh, echo=quiet).outcome == "done"
    assert records(fresh) == held


def test_what_was_refused_or_is_young_stays(loaded: Path) -> None:
    pack(loaded)
    with duckdb.connect(str(settings_of(loaded).warehouse), read_only=True) as db:
        staying = db.execute(
            "select distinct file from raw_ticketor.records where outcome <> 'loaded' or received_at >= ?",
            [END - MONTH],
        ).fetchall()
    assert files(loaded) == {file.replace("\\xff", "\udcff") for (file,) in staying}


def test_a_line_keeps_what_the_file_was(loaded: Path) -> None:
    held = {(row[10], row[11], row[0]) for row in records(settings_of(loaded))}
    original = {name: (loaded / "buffer" / name).read_bytes() for name in files(loaded)}
    times = {name: (loaded / "buffer" / name).stat().st_mtime_ns for name in original}
    pack(loaded)
    for path in sorted((loaded / "buffer" / "_archive").iterdir()):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            envelope = json.loads(line)
            content = original[envelope["file"]]
            assert (envelope["site"], envelope["size"]) == (VENUE.account, len(content))
            assert envelope["mtime_ns"] == times[envelope["file"]]
            assert envelope["received_at"][:10] == path.name[:10]
            assert envelope.get("text") in (None, content.decode(errors="replace"))
            assert {(envelope["file"], position, key) for position, key in envelope["records"]} <= held


def test_a_file_that_lies_in_both_places_counts_once(loaded: Path) -> None:
    """What a kill between writing the archive and removing the files leaves."""
    shutil.copytree(loaded / "buffer", loaded / "kept")
    held = records(settings_of(loaded))
    pack(loaded)
    packed_once = sorted((path.name, path.read_bytes()) for path in (loaded / "buffer" / "_archive").iterdir())
    shutil.copytree(loaded / "kept", loaded / "buffer", dirs_exist_ok=True)
    fresh = settings_of(loaded, "fresh")
    run.load_only(fresh, echo=quiet)
    assert records(fresh) == held

    pack(loaded)
    assert sorted((path.name, path.read_bytes()) for path in (loaded / "buffer" / "_archive").iterdir()) == packed_once


def test_a_day_that_is_packed_twice_keeps_what_it_held(loaded: Path) -> None:
    held = records(settings_of(loaded))
    pack(loaded, now=END - dt.timedelta(hours=31))
    pack(loaded, now=END - dt.timedelta(hours=13))
    fresh = settings_of(loaded, "fresh")
    run.load_only(fresh, echo=quiet)
    assert records(fresh) == held


def test_a_warehouse_put_back_from_before_reads_the_archive(loaded: Path) -> None:
    shutil.rmtree(loaded / "data")
    late = loaded / "late"
    shutil.move(loaded / "buffer" / "json", late)
    settings = settings_of(loaded)
    run.load_only(settings, echo=quiet)
    shutil.copytree(settings.data_dir, loaded / "old_data")
    shutil.move(late, loaded / "buffer" / "json")
    run.load_only(settings, echo=quiet)
    held = records(settings)
    assert pack(loaded).files > 100

    shutil.rmtree(settings.data_dir)
    shutil.move(loaded / "old_data", settings.data_dir)
    assert records(settings) != held
    run.load_only(settings, echo=quiet)
    assert records(settings) == held


def test_what_raw_does_not_hold_is_not_packed(loaded: Path) -> None:
    """A record that raw has lost, a file that has changed since: both stay where they are."""
    oldest = sorted((loaded / "buffer" / "json").rglob("*.json"))[:4]
    changed, grown, lost, never = (str(path.relative_to(loaded / "buffer")) for path in oldest)
    with (loaded / "buffer" / changed).open("a") as file:
        file.write(" ")
    os.utime(loaded / "buffer" / grown)
    with duckdb.connect(str(settings_of(loaded).warehouse)) as db:
        db.execute("update raw_ticketor.records set record_id = 'other' where file = ?", [lost])
        db.execute("delete from raw_ticketor.records where file = ?", [never])
    packed = pack(loaded)
    assert {changed, grown, lost, never} <= files(loaded)
    assert packed.left == [f"{lost}: does not yield the records that raw holds of it"]


def test_a_damaged_archive_stops_everything_before_a_file_is_gone(loaded: Path) -> None:
    folder = loaded / "buffer" / "_archive"
    folder.mkdir()
    [oldest] = {min(path.name[:8] for path in (loaded / "buffer" / "json").rglob("2*T*.json"))}
    damaged = folder / f"{oldest[:4]}-{oldest[4:6]}-{oldest[6:]}.jsonl.gz"
    damaged.write_bytes(gzip.compress(b'{"file": "a"}\n')[:-4])
    before = files(loaded)
    with pytest.raises(Problem, match="No file of that day was removed"):
        pack(loaded)
    assert files(loaded) == before
    assert [path.name for path in folder.iterdir()] == [damaged.name]
    result = run.load_only(settings_of(loaded, "fresh"), echo=quiet)
    assert "an archive is damaged" in result.accounts[0].messages[0]


def test_an_archive_is_as_private_as_what_it_holds(loaded: Path) -> None:
    buffer = loaded / "buffer"
    for path in buffer.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    pack(loaded, now=END - dt.timedelta(hours=31))
    archives_before = {path.name for path in (buffer / "_archive").iterdir()}
    assert {path.stat().st_mode & 0o777 for path in (buffer / "_archive").iterdir()} == {0o644}
    for path in buffer.rglob("*.json"):
        path.chmod(0o600)
    pack(loaded)
    added = {
        path.stat().st_mode & 0o777 for path in (buffer / "_archive").iterdir() if path.name not in archives_before
    }
    assert added == {0o600}


def test_a_buffer_that_cannot_be_written(loaded: Path) -> None:
    with small_disk("64m") as disk:
        shutil.copytree(loaded, disk / "copy")
        shutil.copytree(loaded / "data", loaded / "other")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        settings = Settings(
            loaded / "other", sites=(Site(VENUE.account, str(disk / "copy" / "buffer"), "Europe/London"),)
        )
        with pytest.raises(Problem, match=r"cannot be written: .*Read-only file system"):
            archives.archive(settings, MONTH, echo=quiet, now=END)


def test_a_buffer_on_a_full_disk_stays_as_it_is(loaded: Path) -> None:
    with small_disk("64m") as disk:
        shutil.copytree(loaded, disk / "copy")
        shutil.copytree(loaded / "data", loaded / "other")
        fill(disk)
        before = sorted(disk.rglob("*"))
        settings = Settings(
            loaded / "other", sites=(Site(VENUE.account, str(disk / "copy" / "buffer"), "Europe/London"),)
        )
        with pytest.raises(Problem, match=r"cannot be written: .*No space left"):
            archives.archive(settings, MONTH, echo=quiet, now=END)
        assert sorted(disk.rglob("*")) == before


def test_no_site_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="No Ticketor site"):
        archives.archive(Settings(tmp_path / "data"), MONTH, echo=quiet)


def test_folders_that_are_empty_go_when_they_are_old(loaded: Path) -> None:
    folders = [path for path in (loaded / "buffer" / "json").iterdir() if path.is_dir()]
    for path in folders:
        os.utime(path, (1, 1))
    young = sorted(folders)[0]
    os.utime(young)
    pack(loaded)
    left = {path.name for path in (loaded / "buffer" / "json").iterdir() if path.is_dir() and not any(path.iterdir())}
    assert left == {young.name}
