"""Keeps a small warehouse of this release, so that the next one must open, run and rebuild it.

    python -m tests.operations.upgrade        # tests/fixtures/upgrade/<version>.tar.xz

The people in it are the sandbox's. What an earlier release published lies beside its warehouse: that is what must be
found again. Made once a release, and not made again to please a test.
"""

import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb

from boxoffice.run import run
from boxoffice.settings import ROOT, Settings
from tests.operations.house import House

KEPT = Path(__file__).parents[1] / "fixtures" / "upgrade"
# What an upgrade finds in a data folder; what is made anew by every run (dbt's target, logs) tells nothing.
PARTS = ("warehouse.duckdb", "boxoffice.duckdb", "person.key", "runs.jsonl", "clean", "dlt")


def house_of(folder: Path) -> House:
    """The venue that is kept, with every case: the same in every release, if the sandbox makes it up the same way."""
    return House(folder, seed=8, orders=60, as_before=True)


def make(target: Path) -> None:
    """Two runs, so that there is history, and its files in one archive."""
    with tempfile.TemporaryDirectory() as folder:
        house = house_of(Path(folder))
        with house.api:
            house.open_doors()
            settings = house.settings()
            run.run(settings, echo=lambda _line: None)
            house.go_on(48)
            run.run(settings, echo=lambda _line: None)
        compact(settings)
        for state in settings.dlt_dir.glob("pipelines/*/state.json"):
            anywhere = state.read_text().replace(str(ROOT), "/srv/boxoffice").replace(folder, "/srv")
            state.write_text(anywhere)
        with tarfile.open(target, "w:xz") as archive:
            for part in PARTS:
                archive.add(settings.data_dir / part, part, filter=_worth_keeping)


def _worth_keeping(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Not what dlt keeps for people to read, in which this machine's folders are named."""
    if entry.name.endswith("/trace.pickle") or "/load/loaded/" in entry.name:
        return None
    entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, "", ""
    return entry


def compact(settings: Settings) -> None:
    """The warehouse without the room that replaced tables have left in it: a quarter of its size."""
    fresh = settings.data_dir / "compact.duckdb"
    with duckdb.connect() as db:
        db.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        db.execute(f"attach '{fresh}' as fresh")
        db.execute("copy from database warehouse to fresh")
    fresh.replace(settings.warehouse)


if __name__ == "__main__":
    KEPT.mkdir(parents=True, exist_ok=True)
    make(KEPT / f"{version('boxoffice')}.tar.xz")
