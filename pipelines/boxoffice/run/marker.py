"""The marker ``clean``: the published file is up to date with raw, the models and the settings.

It is removed before anything changes and written after publishing, and it names the files that it is about: so after a
kill, a `dbt build` by hand, an edited model or a restored warehouse the next run builds everything again.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from boxoffice.settings import DBT_PROJECT, PACKAGE, Settings


def read(settings: Settings) -> dict[str, Any]:
    """The marker's content if it matches the current files; otherwise nothing."""
    try:
        marker = json.loads(settings.clean_marker.read_text())
        return marker if marker["files"] == _fingerprint(settings) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write(settings: Settings, **more: Any) -> None:
    """Records that everything is built and published from the current files."""
    fresh = settings.clean_marker.with_suffix(".new")
    fresh.write_text(json.dumps({"files": _fingerprint(settings), **more}))
    fresh.replace(settings.clean_marker)


def was_changed_outside(settings: Settings) -> bool:
    """Whether the warehouse is not the one of the marker, although no run has changed it.

    A `dbt build` by hand, an update, a restored file: incremental tables may then hold anything.
    """
    try:
        marked = json.loads(settings.clean_marker.read_text())["files"]["warehouse"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return marked != _stamp(settings.warehouse)


def require_full_build(settings: Settings) -> None:
    """Makes the next run build everything from raw: raw was changed other than by a load."""
    settings.clean_marker.write_text("{}")


def remove(settings: Settings) -> None:
    """Before anything is touched. Where the warehouse ``was_changed_outside`` the marker stays until a build has made
    everything from raw, despite kills."""
    if not was_changed_outside(settings):
        forget(settings)


def forget(settings: Settings) -> None:
    settings.clean_marker.unlink(missing_ok=True)


def _fingerprint(settings: Settings) -> dict[str, str]:
    project = hashlib.blake2b(digest_size=16)
    paths = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    for folder in ("models", "macros", "seeds", "tests/data"):
        paths += sorted(path for path in (DBT_PROJECT / folder).rglob("*") if path.is_file())
    # an upgrade of ours may build or publish differently
    paths += sorted(PACKAGE.rglob("*.py"))
    for path in paths:
        project.update(f"{path} {_stamp(path)}\n".encode())
    return {
        "project": project.hexdigest(),
        "warehouse": _stamp(settings.warehouse),
        "published": _stamp(settings.published),
        "person_key": _stamp(settings.person_key_file),
    }


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_ino} {stat.st_size} {stat.st_mtime_ns}"
