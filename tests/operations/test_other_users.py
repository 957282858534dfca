"""Shared machines: another user reads nothing, and gets nothing into what we write or put back."""

import datetime as dt
import errno
import fcntl
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.errors import Problem
from boxoffice.report.export import export
from boxoffice.report.report import report
from boxoffice.run import archive, backup, backup_file, lock, run
from boxoffice.settings import Settings
from tests.operations.house import House
from tests.report.test_export import month_of
from tests.test_cli import boxoffice

SOMEONE = 65534  # the uid of `nobody`
if os.geteuid():
    pytest.skip("only root can play two users", allow_module_level=True)


def quiet(_line: str) -> None:
    pass


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everyone may write to; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="boxoffice-shared-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def built(first_house: House, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse and what was published of it. Not to be written to."""
    folder = tmp_path_factory.mktemp("built")
    for name in ("warehouse.duckdb", "boxoffice.duckdb", "person.key"):
        shutil.copy(first_house.folder / "first_data" / name, folder)
    return Settings(folder)


def can_read(path: Path) -> bool:
    return (
        subprocess.run(["cat", path], user=SOMEONE, group=SOMEONE, extra_groups=[], capture_output=True).returncode == 0
    )


def plant(folder: Path, name: str, victim: Path | None = None) -> None:
    """What another user puts in our way: a link to a file of ours, or a file of theirs."""
    if victim:
        (folder / name).symlink_to(victim)
    else:
        (folder / name).write_text("theirs")
        (folder / name).chmod(0o666)
    os.chown(folder / name, SOMEONE, SOMEONE, follow_symlinks=False)


def test_a_folder_that_was_there_before_is_closed_to_others(shared: Path) -> None:
    data, buffer = shared / "data", shared / "buffer"
    buffer.mkdir()
    data.mkdir(mode=0o755)
    (data / "boxoffice.duckdb").write_text("names")
    (data / "boxoffice.duckdb").chmod(0o444)
    assert can_read(data / "boxoffice.duckdb")
    shares = Settings(data, published_mode=0o444)
    lock.make_data_dir(shares, lambda line: pytest.fail(line))
    os.chown(data, SOMEONE, SOMEONE)
    lock.make_data_dir(Settings(data), lambda line: pytest.fail(line))  # not ours to close
    os.chown(data, 0, 0)
    assert can_read(data / "boxoffice.duckdb")

    ran = boxoffice(shared, "load", TICKETOR_BUFFER=str(buffer))
    assert f"{data} was open to other users of this machine (mode 755)" in ran.stderr
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert not can_read(data / "boxoffice.duckdb")
    assert "open to other users" not in boxoffice(shared, "load", TICKETOR_BUFFER=str(buffer)).stderr


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    lock.make_data_dir(Settings(tmp_path / "data"), quiet)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(Problem, match=r"has no locks.*a folder on a local disk"),
        lock.lock(Settings(tmp_path / "data")),
    ):
        pass


def test_names_that_another_user_took_are_not_written_through(built: Settings, shared: Path) -> None:
    settings, victim = built, shared / "victim"
    month = month_of(settings)
    workbook = f"boxoffice-{month}.xlsx"
    victim.write_text("ours")
    for name in ("r.html", workbook, "b.tar.gz"):
        plant(shared, name, victim)
        plant(shared, f".{name}.part", victim if name == "r.html" else None)
    before = os.umask(0o022)
    try:
        report(settings, shared / "r.html")
        export(settings, month, "xlsx", shared)
        (shared / "b.tar.gz").unlink()  # a link to what is no backup is refused
        backup.backup(settings, shared / "b.tar.gz", echo=quiet)
    finally:
        os.umask(before)
    assert victim.read_text() == "ours"
    modes = {"r.html": 0o644, workbook: 0o644, "b.tar.gz": 0o600}
    for name, mode in modes.items():
        written = (shared / name).lstat()
        assert (written.st_uid, oct(written.st_mode)) == (0, oct(stat.S_IFREG | mode)), name
    assert not can_read(shared / "b.tar.gz")
    others = {path.name for path in shared.iterdir()} - set(modes) - {"victim", *(f".{name}.part" for name in modes)}
    assert others == set()


def test_a_file_is_its_owners_alone_until_it_is_whole(
    built: Settings, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, write = [], backup_file.write

    def look(file: Any, *more: Any) -> None:
        write(file, *more)
        found = os.fstat(file.fileno())
        seen.append((found.st_uid, stat.S_IMODE(found.st_mode), can_read(Path(file.name))))
        raise KeyboardInterrupt

    monkeypatch.setattr(backup_file, "write", look)
    before = os.umask(0)
    try:
        with pytest.raises(KeyboardInterrupt):
            backup.backup(built, shared / "b.tar.gz", echo=quiet)
    finally:
        os.umask(before)
    assert seen == [(0, 0o600, False)]
    assert list(shared.iterdir()) == []


def test_an_archive_is_not_written_through_a_name_that_was_taken(house: House, shared: Path) -> None:
    settings, victim = house.settings(), shared / "victim"
    victim.write_text("ours")
    folder = Path(settings.sites[0].buffer) / "_archive"
    folder.mkdir()
    days = {path.parent.name for path in folder.parent.glob("2*/*.json")}
    for day in days:
        plant(folder, f".{day}.jsonl.gz.part", victim)
    moment = dt.datetime.fromtimestamp(house.now, dt.UTC)
    [packed] = archive.archive(settings, dt.timedelta(days=10), echo=quiet, now=moment)
    assert packed.files > 20
    assert victim.read_text() == "ours"
    assert {path.stat().st_mode & 0o777 for path in folder.glob("2*.gz")} == {0o644}


# ---------------------------------------------------------------------------------------- backups that others wrote


@pytest.fixture(scope="module")
def kept(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "boxoffice.tar.gz"
    backup.backup(built, path, echo=quiet)
    return path


def altered(kept: Path, sql: str = "", count: bool = True, **manifest: Any) -> Path:
    """A backup in which ``sql`` was run, with a manifest that fits its files and, if it shall ``count``, its tables."""
    folder = kept.parent / "unpacked"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(kept) as tar:
        tar.extractall(folder, filter="data")
    told = json.loads((folder / "manifest.json").read_text())
    raw = folder / "raw.duckdb"
    if sql:
        with duckdb.connect(str(raw)) as db:
            db.execute(sql)
            tables = db.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            if count:
                told["rows"] = {
                    f"{schema}.{name}": db.execute(f'select count(*) from {schema}."{name}"').fetchone()[0]
                    for schema, name in tables
                }
        told["files"]["raw.duckdb"] = {"size": raw.stat().st_size, "sha256": backup_file.sha256(raw)}
    (folder / "manifest.json").write_text(json.dumps(told | manifest))
    evil = kept.with_name("evil.tar.gz")
    with tarfile.open(evil, "w:gz", compresslevel=1) as tar:
        for name in ("manifest.json", *told["files"]):
            tar.add(folder / name, name)
    return evil


SECRET = "select * from read_text('/etc/hostname')"
PUT_INTO = {
    "a view": f"alter table raw_ticketor.records rename to kept; create view raw_ticketor.records as {SECRET}",
    "a computed column": (
        "create or replace table raw_ticketor.folders(a varchar, b varchar generated always as (upper(a)))"
    ),
    "a default": "alter table raw_ticketor.folders alter listed_at set default now()",
    "a check": "create or replace table raw_ticketor.folders(a varchar check (length(a) > 0))",
    "another type": "create or replace table raw_ticketor.folders(a struct(b varchar))",
    "another schema": "create schema raw_other; create table raw_other.records(a varchar)",
    "another name": 'create table raw_ticketor."a; b"(a varchar)',
}


def refused(folder: Path, evil: Path, match: str) -> None:
    settings = Settings(folder / "data")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Problem, match=match) as problem:
        patch.setattr(run, "_build", lambda *_: pytest.fail("it was put back"))
        backup.restore(settings, evil, echo=quiet)
    assert "Nothing was changed" in str(problem.value)
    kept = {"lock", "logs", "reserve", "runs.jsonl", "told.json"}
    assert {path.name for path in settings.data_dir.iterdir()} <= kept


@pytest.mark.parametrize("what", PUT_INTO)
def test_nothing_but_rows_is_taken_from_a_backup(kept: Path, tmp_path: Path, what: str) -> None:
    refused(tmp_path, altered(kept, PUT_INTO[what], count=what != "a view"), "is not a complete backup: ValueError")


@pytest.mark.parametrize(
    ("manifest", "match"),
    [
        ({"rows": 5}, "AttributeError"),
        ({"rows": {"raw_ticketor.records": "many"}}, "not as a backup writes it"),
        ({"rows": {}}, "another number of rows"),
        ({"made_at": "\x1b]0;PWN\x07"}, "Invalid isoformat"),
        ({"files": []}, "TypeError|ValueError|AttributeError"),
        ({"files": {"raw.duckdb": {"size": 2**60, "sha256": "0"}}}, "No space left"),
        ({"files": {"raw.duckdb": {"size": 1, "sha256": "0"}}}, "not what its manifest says"),
        ({"files": {"raw.duckdb": {"size": -1, "sha256": "0"}}}, "not as a backup writes it"),
        ({"files": {"../x": {"size": 1, "sha256": "0"}}}, "not a file of a backup"),
    ],
)
def test_a_manifest_is_believed_in_nothing(kept: Path, tmp_path: Path, manifest: dict[str, Any], match: str) -> None:
    refused(tmp_path, altered(kept, **manifest), match)


def test_a_backup_inflates_to_no_more_than_it_says(kept: Path, tmp_path: Path) -> None:
    """Heads of entries are read into memory before anything can be known of them; and entries come once."""

    def twice(tar: tarfile.TarFile, content: dict[str, bytes]) -> None:
        for name in [*content, "raw.duckdb"]:
            add(tar, name, content[name])

    def long_head(tar: tarfile.TarFile, content: dict[str, bytes]) -> None:
        add(tar, "manifest.json", content["manifest.json"], pax_headers={"comment": "0" * 300_000_000})

    def endless_heads(tar: tarfile.TarFile, content: dict[str, bytes]) -> None:
        for _ in range(50):
            head = tarfile.TarInfo("head").create_pax_global_header({"comment": "0" * 900_000})
            tar.fileobj.write(head)

    def a_device(tar: tarfile.TarFile, content: dict[str, bytes]) -> None:
        add(tar, "manifest.json", content["manifest.json"])
        add(tar, "raw.duckdb", b"", type=tarfile.FIFOTYPE)

    with tarfile.open(kept) as tar:
        content = {entry.name: tar.extractfile(entry).read() for entry in tar}
    evil = kept.with_name("evil.tar.gz")
    for write in (twice, long_head, endless_heads, a_device):
        with tarfile.open(evil, "w:gz", compresslevel=1) as tar:
            write(tar, content)
        refused(tmp_path, evil, "is not a complete backup")


def add(tar: tarfile.TarFile, name: str, content: bytes, **head: Any) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in head.items():
        setattr(entry, key, value)
    tar.addfile(entry, io.BytesIO(content))
