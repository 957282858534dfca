"""What is written for people, onto a disk that is full or may not be written: one sentence, and nothing left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxoffice.settings import Settings
from tests.operations.disk import small_disk
from tests.report.test_export import MONTH

VERBS = {
    "report": ["report", "--out", "{}/boxoffice.html"],
    "xlsx": ["export", "--month", MONTH, "--out", "{}"],
    "csv": ["export", "--month", MONTH, "--format", "csv", "--out", "{}"],
    "new folder": ["export", "--month", MONTH, "--format", "csv", "--out", "{}/new"],
    "backup": ["backup", "{}/kept.tar.gz"],
}


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    with small_disk("1m") as folder:
        yield folder


def call(demo: Settings, disk: Path, verb: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", *(part.format(disk) for part in VERBS[verb])],
        env={"PATH": os.environ["PATH"], "BOXOFFICE_DATA_DIR": str(demo.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "room", [pytest.param(0, marks=pytest.mark.house), 40, pytest.param(120, marks=pytest.mark.house)]
)
def test_a_disk_that_is_full(demo: Settings, disk: Path, verb: str, room: int) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(bytes((1024 - 8 - room) * 1024))
    before = sorted(disk.iterdir())
    refused = call(demo, disk, verb)
    assert refused.returncode == 1
    assert "No space left on device" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert sorted(disk.iterdir()) == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_that_cannot_be_written(demo: Settings, disk: Path, verb: str) -> None:
    (disk / "ballast").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        refused = call(demo, disk, verb)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert list(disk.iterdir()) == []
