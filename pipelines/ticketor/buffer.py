"""Which buffer files are new: local folders and buckets alike. Imports no dlt, so that an idle run can look cheaply.

There is no high-water mark on times or names: what decides is what raw holds. A file is new unless raw has a complete
reading of it at its present size and modification time; then it is read again, and only what is new in it is loaded.
"""

import contextlib
import dataclasses
import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pipelines import register
from pipelines.errors import Problem
from pipelines.settings import Site

UNFINISHED_NAMES = (".part", ".tmp", ".crdownload")
RACY_NS = 2_000_000_000  # a folder that changed within 2 s may change again without its time moving
PACKAGE_FILES = 20_000
PACKAGE_BYTES = 64 * 2**20


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the buffer. ``path`` is relative to the buffer, ``size`` in bytes, ``mtime_ns`` since 1970 UTC."""

    path: str
    size: int
    mtime_ns: int


@dataclasses.dataclass
class Package:
    """What one load takes: files to read, and the folder times to remember once they are in."""

    root: str
    files: list[File]
    unreadable: list[str]
    folders: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Plan:
    """What a site's buffer holds that raw does not."""

    root: str
    files: list[File]
    folders: dict[str, int]
    first: bool
    told: list[str] = dataclasses.field(default_factory=list)
    unreadable: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether a load would bring nothing."""
        return not self.files and not self.first

    def packages(self) -> Iterator[Package]:
        """Loads small enough for a gigabyte of memory; the last one remembers the folders."""
        files: list[File] = []
        size = 0
        for file in self.files:
            files.append(file)
            size += file.size
            if len(files) >= PACKAGE_FILES or size >= PACKAGE_BYTES:
                yield Package(self.root, files, self.unreadable)
                files, size = [], 0
        if files or self.folders or self.first:
            yield Package(self.root, files, self.unreadable, self.folders)


def plan(site: Site, warehouse: Path, *, sweep: bool = False) -> Plan:
    """What is new in the site's buffer. ``sweep`` lists every folder, also those that have not changed.

    Raises Problem when the buffer is not there or cannot be read.
    """
    root = site.buffer
    if not Path(root).is_dir():
        raise Problem(
            f"Ticketor site {site.name}: there is no folder {root}.\n"
            "Nothing was loaded from it, nothing that was loaded before is lost.\n"
            "Create it, mount it, or correct the site's buffer setting."
        )
    held = {} if sweep else register.ticketor_folders(warehouse, site.name)
    now_ns = time.time_ns()
    files: list[File] = []
    folders: dict[str, int] = {}
    for folder, _, _ in os.walk(root):
        relative = os.path.relpath(folder, root)
        folder_time = Path(folder).stat().st_mtime_ns
        if held.get(relative) == folder_time:
            continue
        waiting = False
        for entry in os.scandir(folder):
            if not entry.is_file() or entry.name.startswith((".", "_")) or entry.name.endswith(UNFINISHED_NAMES):
                continue
            stat = entry.stat()
            if abs(now_ns - stat.st_mtime_ns) < site.settle_seconds * 1e9:
                waiting = True
                continue
            files.append(File(os.path.normpath(f"{relative}/{entry.name}"), stat.st_size, stat.st_mtime_ns))
        if not waiting and folder_time < now_ns - RACY_NS:
            folders[relative] = folder_time
    known = register.ticketor_files(warehouse, site.name)
    return Plan(
        root,
        sorted((f for f in files if (f.path, f.size, f.mtime_ns) not in known), key=lambda f: f.path),
        folders,
        first=not register.ticketor_tables_exist(warehouse),
    )


def read(package: Package) -> Iterator[tuple[File, bytes]]:
    """The bytes of each file; one that cannot be read is named in ``unreadable`` and tried again by the next run."""
    for file in package.files:
        try:
            yield file, (Path(package.root) / file.path).read_bytes()
        except OSError as error:
            package.unreadable.append(f"{file.path}: {error.strerror}")


def utc(ns: int) -> dt.datetime:
    """A point in time from nanoseconds since 1970, cut to microseconds."""
    with contextlib.suppress(OverflowError, ValueError):
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=ns // 1000)
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
