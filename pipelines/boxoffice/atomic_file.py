"""Files that must outlive a loss of power."""

import os
from pathlib import Path


def put_in_place(fresh: Path, target: Path) -> None:
    """Moves ``fresh`` to ``target`` on the same disk, so that whatever happens there is one of the two, and whole.

    Without the first sync a file can be there and empty once the power is back; without the second the move is undone.
    """
    _sync(fresh)
    fresh.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
