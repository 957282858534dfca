"""Keeping and getting back, end to end: backup, restore, rebuild."""

import dataclasses
import datetime as dt
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from boxoffice.errors import Problem
from boxoffice.run import archive, backup, run
from boxoffice.settings import ROOT, Settings
from tests.operations import same
from tests.operations.disk import held_open, small_disk
from tests.operations.house import House


def quiet(_line: str) -> None:
    pass


def damage(warehouse: Path, table: str) -> None:
    """Bytes of a table overwritten, as a bad disk does."""
    with duckdb.connect(str(warehouse)) as db:
        db.execute("checkpoint")
        blocks = db.execute(
            f"select distinct block_id from pragma_storage_info('{table}') "
            "where column_name = 'document' and block_id >= 0"
        ).fetchall()
    assert blocks
    with warehouse.open("r+b") as file:
        for (block,) in blocks:
            file.seek(3 * 4096 + block * 262_144 + 1000)
            file.write(b"\x5a" * 4096)


@pytest.mark.parametrize("builds", [False, pytest.param(True, marks=pytest.mark.house)])
def test_a_backup_put_back_is_the_same(
    house: House, tmp_path: Path, copy_of_first: Path, monkeypatch: pytest.MonkeyPatch, builds: bool
) -> None:
    """Raw, row by row, and the secret behind every person_key; with ``builds`` what is published of them too."""
    settings = house.settings()
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        [(versions,)] = db.execute("select count(*) from raw_ticket_tailor.orders").fetchall()
    kept = tmp_path / "boxoffice.tar.gz"
    manifest = backup.backup(settings, kept, echo=quiet)
    assert manifest["rows"]["raw_ticket_tailor.orders"] == versions
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.stat().st_size < settings.warehouse.stat().st_size / 10
    assert [path.name for path in settings.data_dir.iterdir() if path.name.startswith(".")] == []

    shutil.rmtree(settings.data_dir)
    built: list[Settings] = []
    if not builds:
        monkeypatch.setattr(run, "_build", lambda settings, *_: built.append(settings))
    restored = backup.restore(settings, kept, echo=quiet)
    assert (restored.result.error, restored.messages) == (None, [])
    if builds:
        assert restored.result.outcome == "done"
        assert same.marts(copy_of_first, settings.published) == []
    else:
        assert built == [settings]
        assert same.raw(copy_of_first.with_name("warehouse.duckdb"), settings.warehouse) == []
        secret = settings.person_key_file.read_text()
        assert secret == copy_of_first.with_name("person.key").read_text()

    # the next run goes on from there: what came since, and nothing twice
    house.go_on(24)
    other = house.settings(tmp_path / "other")
    shutil.copytree(copy_of_first.parent, other.data_dir)
    for each in (settings, other):
        assert run.load_only(each, echo=quiet).outcome == "done"
    began = [dt.datetime.now(dt.UTC) - dt.timedelta(days=1)]
    assert same.raw(settings.warehouse, other.warehouse, began, began) == []


def test_a_backup_that_is_not_whole_touches_nothing(house: House, tmp_path: Path) -> None:
    settings = house.settings()
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    content = kept.read_bytes()
    before = settings.warehouse.read_bytes()
    for broken in (
        content[: len(content) // 2],
        content[:-200] + bytes(200),
        content[:9999] + bytes(99) + content[9999 + 99 :],
        b"",
        b"PK\x03\x04",
    ):
        kept.write_bytes(broken)
        with pytest.raises(Problem, match="is not a complete backup"):
            backup.restore(settings, kept, echo=quiet, replace=True)
    assert settings.warehouse.read_bytes() == before


def test_a_backup_that_holds_other_names_is_refused(house: House, tmp_path: Path) -> None:
    kept, evil = tmp_path / "boxoffice.tar.gz", tmp_path / "evil.tar.gz"
    backup.backup(house.settings(), kept, echo=quiet)
    with tarfile.open(kept) as tar, tarfile.open(evil, "w:gz") as other:
        for entry in tar.getmembers():
            held = tar.extractfile(entry)
            assert held
            content = held.read().replace(b'"person.key"', b'"../key"    ') if entry.name == "manifest.json" else None
            if content is None:
                held.seek(0)
                other.addfile(entry, held)
            else:
                entry.size = len(content)
                import io

                other.addfile(entry, io.BytesIO(content))
    with pytest.raises(Problem, match="is not a file of a backup"):
        backup.restore(house.settings(), evil, echo=quiet, replace=True)


@pytest.mark.house
def test_a_warehouse_held_by_another_process_is_not_damaged(house: House, tmp_path: Path) -> None:
    settings = house.settings()
    before = settings.warehouse.read_bytes()
    with held_open(settings.warehouse) as pid:
        refused = house.boxoffice(settings, "backup", str(tmp_path / "boxoffice.tar.gz"))
        with pytest.raises(Problem, match=f"PID {pid}"):
            backup.rebuild(settings, echo=quiet)
    assert refused.returncode == 1
    assert f"PID {pid}" in refused.stderr
    assert "rebuild" not in refused.stderr
    assert list(tmp_path.iterdir()) == []
    assert settings.warehouse.read_bytes() == before
    with held_open(settings.warehouse, read_only=True):
        backup.backup(settings, tmp_path / "boxoffice.tar.gz", echo=quiet)


def test_a_disk_that_is_full_is_no_damage(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever room there is: all of it, or nothing and a word about the room."""
    monkeypatch.setattr(run, "_build", lambda *_: None)
    outcomes = set()
    for kilobytes in (2500, 4700, 16000):
        with small_disk("64m") as disk:
            settings = house.settings(disk / "data")
            shutil.copytree(house.settings().data_dir, settings.data_dir)
            before = settings.warehouse.read_bytes()
            (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - kilobytes * 1024))
            for call in (keep, rebuild):
                try:
                    call(settings, tmp_path / "kept")
                    outcomes.add((call.__name__, "done"))
                except Problem as problem:
                    outcomes.add((call.__name__, "refused"))
                    assert "o space left" in str(problem)
                    assert settings.warehouse.read_bytes() == before
                assert not any(path.name.startswith(("warehouse.duckdb.", ".")) for path in settings.data_dir.iterdir())
    assert outcomes == {(name, how) for name in ("keep", "rebuild") for how in ("done", "refused")}


def keep(settings: Settings, kept: Path) -> None:
    backup.backup(settings, kept, echo=quiet)
    assert backup.restore(settings, kept, echo=quiet, replace=True).result.error is None
    for aside in settings.data_dir.glob("*.before-restore-*"):
        aside.unlink()


def rebuild(settings: Settings, _kept: Path) -> None:
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        held = db.execute("select * from raw_ticketor.records order by all").fetchall()
    assert backup.rebuild(settings, echo=quiet).result.error is None
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        assert db.execute("select * from raw_ticketor.records order by all").fetchall() == held


@pytest.mark.house
def test_what_is_put_aside_stays(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often, and under names that are told; all of it for its owner alone."""
    monkeypatch.setattr(run, "_build", lambda *_: None)
    settings = house.settings()
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    settings.person_key_file.write_text("another secret")
    expected = {settings.warehouse.read_bytes(): 1, b"another secret": 1}
    told = backup.restore(settings, kept, echo=quiet, replace=True).messages
    expected[settings.warehouse.read_bytes()] = 1
    time.sleep(1)  # the names tell seconds
    told += backup.restore(settings, kept, echo=quiet, replace=True).messages
    time.sleep(1)
    for _ in range(2):
        damage(settings.warehouse, "raw_ticketor.records")
        expected[settings.warehouse.read_bytes()] = 1
        told += backup.rebuild(settings, echo=quiet).messages
        time.sleep(1)
    aside = [
        path for path in settings.data_dir.iterdir() if re.search(r"\.(before-restore|damaged)-\d{8}T\d{6}Z", path.name)
    ]
    assert Counter(path.read_bytes() for path in aside) == expected
    assert all(str(path) in "".join(told) for path in aside)
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert [path.name for path in [*files, kept] if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("verb", ["restore", pytest.param("rebuild", marks=pytest.mark.house)])
def test_there_is_a_warehouse_at_every_moment(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """What a kill just before raw is put in place leaves is the warehouse that was there."""
    settings = house.settings()
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    damage(settings.warehouse, "raw_ticketor.records")
    before = settings.warehouse.read_bytes()

    def killed(_fresh: Path, target: Path) -> None:
        if target == settings.warehouse:
            raise KeyboardInterrupt

    monkeypatch.setattr(backup, "put_in_place", killed)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(settings, kept, echo=quiet, replace=True) if verb == "restore" else backup.rebuild(
            settings, echo=quiet
        )
    assert settings.warehouse.read_bytes() == before


def test_a_warehouse_that_is_gone_is_not_begun_anew(
    house: House, copy_of_first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = house.settings()
    settings.warehouse.unlink()
    published = settings.published.read_bytes()
    for verb in ("run", "load"):
        refused = house.boxoffice(settings, verb)
        assert refused.returncode == 1
        assert "is gone" in refused.stderr
        assert "boxoffice restore" in refused.stderr
    assert not settings.warehouse.exists()
    assert settings.published.read_bytes() == published

    monkeypatch.setattr(run, "_build", lambda *_: None)
    assert backup.rebuild(settings, echo=quiet).result.error is None
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute(f"attach '{copy_of_first.with_name('warehouse.duckdb')}' as first (read_only)")
        for table in ("raw_ticketor.records", "raw_ticket_tailor.orders"):
            [(here, there)] = db.execute(
                f"select (select count(*) from {table}), count(*) from first.{table}"
            ).fetchall()
            assert here == there


@pytest.mark.house
def test_a_published_file_that_is_damaged_does_not_stop_a_rebuild(
    house: House, copy_of_first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = house.settings()
    settings.published.unlink()
    settings.published.write_bytes(b"no database")

    def publish(_settings: Settings, result: run.RunResult, *_: object) -> None:
        settings.published.unlink()
        shutil.copyfile(copy_of_first, settings.published)
        result.published = True

    monkeypatch.setattr(run, "_build", publish)
    [told] = backup.rebuild(settings, echo=quiet).messages
    assert "nothing can be compared" in told


KILLED = """
import os, signal
from boxoffice.run import backup
def killed(*_, **_named): os.kill(os.getpid(), signal.SIGKILL)
backup.backup_file.write = backup._place = killed
from boxoffice.cli import main
main(prog_name="boxoffice")
"""


@pytest.mark.house
def test_what_killed_ones_leave_is_removed(house: House, tmp_path: Path) -> None:
    settings = house.settings()
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    for call in (["backup", str(kept)], ["restore", str(kept), "--replace"], ["rebuild"]):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *call], cwd=ROOT, env=house.environment(settings), check=False
        )
        assert killed.returncode == -9
    left = [path for path in settings.data_dir.glob(".*") if (path / "raw.duckdb").exists()]
    assert {path.name.partition("-")[0] for path in left} == {".backup", ".restore", ".rebuild"}
    assert all((path / "raw.duckdb").stat().st_mode & 0o077 == 0 for path in left)
    house.go_on(12)
    assert run.load_only(settings, echo=quiet).outcome == "done"
    assert [path.name for path in left if path.exists()] == []


def test_nothing_is_overwritten_by_mistake(house: House, tmp_path: Path) -> None:
    settings = house.settings()
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    with pytest.raises(Problem, match="is not a backup of Boxoffice"):
        backup.backup(settings, letter, echo=quiet)
    assert letter.read_text() == "dear"
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    backup.backup(settings, kept, echo=quiet)
    with pytest.raises(Problem, match="already holds a warehouse"):
        backup.restore(settings, kept, echo=quiet)


@pytest.mark.house
def test_rebuild_from_raw_that_is_whole(house: House, copy_of_first: Path) -> None:
    """Everything after raw, and dlt's own folder, can go: nobody is asked for anything."""
    settings = house.settings()
    with duckdb.connect(str(settings.warehouse)) as db:
        for schema in ("staging", "intermediate", "marts"):
            db.execute(f"drop schema {schema} cascade")
    shutil.rmtree(settings.dlt_dir)
    asked = house.api.count()
    rebuilt = backup.rebuild(settings, echo=quiet)
    assert rebuilt.result.outcome == "done", rebuilt
    assert rebuilt.messages == ["Everything that was published before is there again."]
    assert house.api.count() == asked
    assert same.marts(copy_of_first, settings.published) == []


def test_rebuild_from_buffer_archive_and_api(house: House, copy_of_first: Path) -> None:
    """Raw is damaged, a part of the buffer is archived, a webhook's file is gone for good, and the API refuses us at
    first: what people read stays until all has been read."""
    settings = house.settings()
    moment = dt.datetime.fromtimestamp(house.now, dt.UTC)
    [packed] = archive.archive(settings, dt.timedelta(days=10), echo=quiet, now=moment)
    assert packed.files > 20
    left = sorted(Path(settings.sites[0].buffer).glob("2*/*invoice_with_details*.json"))
    left[len(left) // 2].unlink()
    damage(settings.warehouse, "raw_ticketor.records")
    damage(settings.warehouse, "raw_ticket_tailor.orders")

    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    damaged, published = settings.warehouse.read_bytes(), settings.published.read_bytes()
    [office] = settings.box_offices
    refused = dataclasses.replace(settings, box_offices=(dataclasses.replace(office, api_key="sk_other"),))
    first = backup.rebuild(refused, echo=quiet)
    assert first.result.exit_code == 1
    assert "Nothing was built or published" in (first.result.error or "")
    assert re.match(r"Damaged in raw: \n  raw_ticket_tailor.orders: .*\n  raw_ticketor.records: ", first.messages[0])
    [aside] = settings.data_dir.glob("warehouse.duckdb.damaged-*")
    assert aside.name in first.messages[0]
    assert aside.read_bytes() == damaged
    for call in (run.run, run.transform_only):
        assert call(refused, echo=quiet).exit_code == 1
    assert settings.published.read_bytes() == published

    rebuilt = backup.rebuild(settings, echo=quiet)
    assert rebuilt.result.outcome == "done", rebuilt
    assert any(
        re.fullmatch(r"ticketor sandbox_north: 1 rows of fct_orders are missing", line) for line in rebuilt.messages
    )
    assert not any(line.startswith("ticket_tailor") for line in rebuilt.messages)
    differing = {line.split(":")[0] for line in same.marts(copy_of_first, settings.published, [before], [before])}
    with duckdb.connect(str(settings.published), read_only=True) as db:
        assert "dim_events" not in differing
        assert db.execute("select count(*) from marts.fct_orders where platform = 'ticket_tailor'").fetchall() == [
            (len({order for (order,) in raw_orders(settings.warehouse)}),)
        ]


def raw_orders(warehouse: Path) -> list[tuple[str]]:
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return db.execute("select id from raw_ticket_tailor.orders").fetchall()
