"""Removes what would accumulate in the data folder over the years, after every run that did something."""

import contextlib
import os
import shutil
from pathlib import Path

from boxoffice.atomic_file import put_in_place
from boxoffice.settings import Settings

# Completed packages that dlt's folder keeps of each account: enough to see what the last runs loaded.
PACKAGES_KEPT = 3
# Bytes. Beyond these a log is cut to its newer half: about a year of runs every quarter of an hour, a long enough past.
RUNS_KEPT = 32 * 2**20
LOG_KEPT = 4 * 2**20


def tidy(settings: Settings) -> None:
    """Removes what no later run reads. Only call while holding the lock: to another run it may be in use."""
    for pipeline in _folders(settings.dlt_dir / "pipelines"):
        prune_packages(pipeline)
    # what DuckDB spilled to the disk; a kill leaves it there
    for spilled in (settings.warehouse, settings.published.with_name(f".{settings.published.name}.new")):
        shutil.rmtree(f"{spilled}.tmp", ignore_errors=True)
    # raw and the secret, where a backup, restore or rebuild was killed
    for verb in ("backup", "restore", "rebuild"):
        for folder in settings.data_dir.glob(f".{verb}-*"):
            shutil.rmtree(folder, ignore_errors=True)
    keep_newer_half(settings.runs_file, RUNS_KEPT)
    for log in ("errors.log", "cron.log"):
        keep_newer_half(settings.logs / log, LOG_KEPT)


def prune_packages(pipeline: Path) -> None:
    """Old completed packages of one dlt pipeline, and the unfinished extracts of killed runs, which hold people's data
    and which dlt would never look at again: each extract has a folder of its own."""
    loaded = sorted(_folders(pipeline / "load" / "loaded"), key=lambda package: package.name)
    for package in loaded[:-PACKAGES_KEPT]:
        shutil.rmtree(package, ignore_errors=True)
    for extract in _folders(pipeline / "normalize"):
        if extract.name != "extracted":
            shutil.rmtree(extract, ignore_errors=True)


def keep_newer_half(path: Path, limit: int) -> None:
    """Cuts a file of lines to the newer half of ``limit`` bytes once it is longer than that, in one rename."""
    with contextlib.suppress(FileNotFoundError):
        if (size := path.stat().st_size) <= limit:
            return
        with path.open("rb") as file:
            file.seek(size - limit // 2)
            file.readline()
            kept = file.read()
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(kept)
        put_in_place(fresh, path)


def _folders(parent: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir()]
    except FileNotFoundError:
        return []
