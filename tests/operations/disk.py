"""Disks that lose their power or are full, and a file that somebody else holds."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest


class Disk:
    """A file system in a file, mounted at ``root``. Linux, as root; ``available`` tells.

    What a program wrote and nobody has flushed is in the mounted file system's memory and not yet in the file. Losing
    power is hence: keep the file as it is, forget the mount, mount the file again (ext4 replays its journal).
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.root = folder / "mount"
        self._generation = 0

    @staticmethod
    def available() -> bool:
        """Whether this machine lets us mount."""
        return (
            shutil.which("mkfs.ext4") is not None
            and Path("/dev/loop-control").exists()
            and subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
        )

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(self.size)
        _call("mkfs.ext4", "-q", "-F", self._image)
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        _call("umount", "--lazy", self.root)

    def lose_power(self) -> None:
        """What had not reached the disk is gone."""
        old = self._image
        self._generation += 1
        # the image is read while it is mounted: what the mounted file system still holds in memory is not in it
        _call("cp", "--sparse=always", old, self._image)
        _call("umount", "--lazy", self.root)
        old.unlink()
        self._mount()

    @property
    def _image(self) -> Path:
        return self.folder / f"image-{self._generation}"

    def _mount(self) -> None:
        _call("mount", "-o", "loop", self._image, self.root)


def _call(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system in memory of so much room. Linux, as root."""
    if not Disk.available():
        pytest.skip("needs Linux and root")
    folder = Path(subprocess.run(["mktemp", "--directory"], capture_output=True, text=True, check=True).stdout.strip())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(disk: Path) -> None:
    """Writes ``ballast`` until nothing more fits."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        for size in (2**16, 2**12):
            with contextlib.suppress(OSError):
                while ballast.write(bytes(size)) == size:
                    pass


@contextlib.contextmanager
def held_open(path: Path, *, read_only: bool = False) -> Iterator[int]:
    """A DuckDB file open in another process, whose number this is."""
    code = (
        f"import duckdb, sys; db = duckdb.connect({str(path)!r}, read_only={read_only}); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    try:
        yield holder.pid
    finally:
        holder.communicate()
