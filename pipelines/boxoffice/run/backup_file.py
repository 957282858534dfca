"""The file of a backup: a tar in gzip, its manifest first. Written, and read without trusting whoever wrote it."""

import datetime as dt
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from boxoffice.errors import Problem
from boxoffice.run import disk

RAW, KEY, RUNS, MANIFEST = "raw.duckdb", "person.key", "runs.jsonl", "manifest.json"

# what reading a file that is not a backup, or not a complete one, may raise
UNREADABLE = (
    *(tarfile.TarError, zlib.error, OSError, EOFError, duckdb.Error),
    *(ValueError, KeyError, TypeError, AttributeError, RecursionError),
)

# bytes: a tar header of ours is a tenth of it, and tarfile searches headers in a time that grows with their square
PIECE = 2**13
# bytes: for tar headers and the manifest, which has a line for each table
BESIDE_FILES = 2**17


def write(file: BinaryIO, manifest: dict[str, Any], files: dict[str, Path]) -> None:
    """Writes the manifest, then the files under their names."""
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar:
        content = json.dumps(manifest, indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(content), 0o600
        tar.addfile(entry, io.BytesIO(content))
        for name, path in files.items():
            tar.add(path, name, filter=_private)


def _private(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o600, 0, 0, "", ""
    return entry


class _Inflated(gzip.GzipFile):
    """The inflated content of a backup, up to ``limit`` bytes."""

    limit = BESIDE_FILES

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= PIECE or self.tell() > self.limit:
            raise tarfile.ReadError("it inflates to more than its manifest says")
        return super().read(size)

    def content(self, entry: tarfile.TarInfo) -> Iterator[bytes]:
        """The bytes of a file, piece by piece."""
        self.seek(entry.offset_data)
        for left in range(entry.size, 0, -PIECE):
            part = self.read(min(left, PIECE))
            if len(part) < min(left, PIECE):
                raise EOFError("it ends too early")
            yield part


def is_backup(path: Path) -> bool:
    """Whether a file begins as a backup does."""
    try:
        with path.open("rb") as file, tarfile.open(fileobj=_Inflated(fileobj=file), mode="r:") as tar:
            first = tar.next()
            return first is not None and first.name == MANIFEST
    except UNREADABLE:
        return False


def read(file: BinaryIO, source: Path, folder: Path | None = None) -> dict[str, Any]:
    """Reads a backup once, to its end, and returns its manifest; its files are written to ``folder``.

    Raises Problem if it is incomplete, is not as ``write`` writes it, or does not fit in ``folder``.
    """
    inflated = _Inflated(fileobj=file)
    try:
        with tarfile.open(fileobj=inflated, mode="r:") as tar:
            if (first := tar.next()) is None or first.name != MANIFEST:
                raise ValueError("it does not begin with a manifest")
            manifest = _checked(json.loads(b"".join(inflated.content(first))))
            expected = dict(manifest["files"])
            size = sum(file["size"] for file in expected.values())
            if folder:
                _require_room(source, folder, size + expected[RAW]["size"])  # raw is copied once more
            inflated.limit += size
            while entry := tar.next():
                found = (entry.type, entry.size)
                if entry.name not in expected or found != (tarfile.REGTYPE, expected[entry.name]["size"]):
                    raise ValueError(f"{entry.name!r} is not what its manifest says")
                digest = hashlib.sha256()
                path = folder / entry.name if folder else Path(os.devnull)
                with path.open("wb") as unpacked:
                    for part in inflated.content(entry):
                        digest.update(part)
                        unpacked.write(part)
                if digest.hexdigest() != expected.pop(entry.name)["sha256"]:
                    raise ValueError(f"{entry.name} is not what was written")
            if expected:
                raise ValueError(f"{min(expected)} is missing")
            while inflated.read(PIECE):  # what gzip checks is at its end
                pass
    except UNREADABLE as error:
        raise refused(source, error) from None
    return manifest


def _checked(manifest: Any) -> dict[str, Any]:
    """The manifest, if it is as ``write`` writes it. Raises one of ``UNREADABLE`` if it is not."""
    dt.datetime.fromisoformat(manifest["made_at"])
    if strange := set(manifest["files"]) - {RAW, KEY, RUNS}:  # or a backup could write anywhere
        raise ValueError(f"{min(strange)!r} is not a file of a backup")
    numbers = [*(file["size"] for file in manifest["files"].values()), *manifest["rows"].values()]
    if RAW not in manifest["files"] or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("its manifest is not as a backup writes it")
    return manifest


def _require_room(source: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Problem(
            f"No space left for {source} in {folder.parent}: it needs {needed / 2**20:,.1f} MB, and "
            f"{free / 2**20:,.1f} MB are free. Nothing was changed."
        )


def refused(source: Path, error: BaseException) -> Problem:
    """The Problem for an error while a backup was read."""
    if disk.is_full(error):
        return Problem(f"No space left to unpack {source}. Nothing was changed.")
    return Problem(
        f"{source} is not a complete backup: {type(error).__name__} {error}\nNothing was changed: use another."
    )


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
