"""Keeping and getting back, end to end: backup, restore, rebuild."""

import datetime as dt
import re
import shutil
import stat
import tarfile
from pathlib import Path

import duckdb
import pytest

from pipelines import archive, backup, run
from pipelines.errors import Problem
from tests.operations import same
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


def test_a_backup_put_back_is_the_same(house: House, tmp_path: Path, copy_of_first: Path) -> None:
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
    restored = backup.restore(settings, kept, echo=quiet)
    assert (restored.result.outcome, restored.told) == ("done", [])
    assert same.marts(copy_of_first, settings.published) == []

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
    for broken in (content[: len(content) // 2], content[:-200] + bytes(200), b"", b"PK\x03\x04"):
        kept.write_bytes(broken)
        with pytest.raises(Problem, match="is no whole backup"):
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
    with pytest.raises(Problem, match="is no file of ours"):
        backup.restore(house.settings(), evil, echo=quiet, replace=True)


def test_nothing_is_overwritten_by_mistake(house: House, tmp_path: Path) -> None:
    settings = house.settings()
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    with pytest.raises(Problem, match="is no backup of ours"):
        backup.backup(settings, letter, echo=quiet)
    assert letter.read_text() == "dear"
    kept = tmp_path / "boxoffice.tar.gz"
    backup.backup(settings, kept, echo=quiet)
    backup.backup(settings, kept, echo=quiet)
    with pytest.raises(Problem, match="holds a warehouse already"):
        backup.restore(settings, kept, echo=quiet)


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
    assert rebuilt.told == ["Everything that was published before is there."]
    assert house.api.count() == asked
    assert same.marts(copy_of_first, settings.published) == []


def test_rebuild_from_buffer_archive_and_api(house: House, copy_of_first: Path) -> None:
    """Raw is damaged, a part of the buffer is archived, and a webhook's file is gone for good."""
    settings = house.settings()
    moment = dt.datetime.fromtimestamp(house.now, dt.UTC)
    [packed] = archive.archive(settings, dt.timedelta(days=10), echo=quiet, now=moment)
    assert packed.files > 20
    left = sorted(Path(settings.sites[0].buffer).glob("2*/*invoice_with_details*.json"))
    left[len(left) // 2].unlink()
    damage(settings.warehouse, "raw_ticketor.records")
    damage(settings.warehouse, "raw_ticket_tailor.orders")

    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    rebuilt = backup.rebuild(settings, echo=quiet)
    assert rebuilt.result.outcome == "done", rebuilt
    assert re.match(r"Damaged in raw: \n  raw_ticket_tailor.orders: .*\n  raw_ticketor.records: ", rebuilt.told[0])
    assert (settings.data_dir / "warehouse.duckdb.damaged").exists()
    assert any(
        re.fullmatch(r"ticketor sandbox_north: 1 rows of fct_orders are not there", line) for line in rebuilt.told
    )
    assert not any(line.startswith("ticket_tailor") for line in rebuilt.told)
    differing = {line.split(":")[0] for line in same.marts(copy_of_first, settings.published, [before], [before])}
    with duckdb.connect(str(settings.published), read_only=True) as db:
        assert "dim_events" not in differing
        assert db.execute("select count(*) from marts.fct_orders where platform = 'ticket_tailor'").fetchall() == [
            (len({order for (order,) in raw_orders(settings.warehouse)}),)
        ]


def raw_orders(warehouse: Path) -> list[tuple[str]]:
    with duckdb.connect(str(warehouse), read_only=True) as db:
        return db.execute("select id from raw_ticket_tailor.orders").fetchall()
