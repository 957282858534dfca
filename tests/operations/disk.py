"""A disk that can lose its power: ext4 in a file, of which only what has been written through survives."""

import shutil
import subprocess
from pathlib import Path
from typing import Self


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
