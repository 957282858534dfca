"""Files that appear complete or not at all, and that survive a loss of power."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from boxoffice.errors import Problem


@contextlib.contextmanager
def whole(target: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file to write (and read back) that becomes ``target`` at the end, with this ``mode`` or what the umask leaves.

    Until then it is next to it, readable by its owner alone, under a name that no other user of the folder can have
    taken before. If anything fails it is removed, and ``target`` stays as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".boxoffice-")
    fresh = Path(name)
    try:
        with open(fresh, "w+b", opener=lambda _name, _flags: descriptor) as file:
            yield file
            file.flush()
            os.fchmod(descriptor, 0o666 & ~_umask() if mode is None else mode)
            os.fsync(descriptor)
        fresh.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    _sync(target.parent)


def require_place(target: Path) -> None:
    """Raises Problem if no file of this name can be created, before anything takes long."""
    folder = target.parent.absolute()
    if not os.access(folder, os.F_OK):
        reason = f"there is no folder {folder}"
    elif target.is_dir():
        reason = "it is a folder"
    else:
        try:
            with tempfile.TemporaryFile(dir=folder):
                return
        except OSError as error:
            reason = f"{folder}: {error.strerror}"
    raise Problem(f"{target} cannot be written: {reason}. Nothing was done; choose another place.")


def put_in_place(fresh: Path, target: Path) -> None:
    """Moves ``fresh`` to ``target`` on the same disk, so that whatever happens there is one of the two, and whole.

    Without the first sync a file can be there and empty once the power is back; without the second the move is undone.
    """
    _sync(fresh)
    fresh.replace(target)
    _sync(target.parent)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
