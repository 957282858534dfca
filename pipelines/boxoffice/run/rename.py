"""`boxoffice rename-account`: another name for an account that raw holds."""

import datetime as dt
import shutil
from collections.abc import Callable

from boxoffice.errors import ConfigProblem
from boxoffice.raw import corrections, lookups, pipeline
from boxoffice.run import lock, marker
from boxoffice.settings import Settings, check_name


def rename_account(settings: Settings, platform: str, old: str, new: str, *, echo: Callable[[str], None]) -> None:
    """Renames an account in raw; the next run builds and publishes everything again.

    Raises ConfigProblem when raw holds nothing of it, or the settings still know it, and Busy while a run is under way.
    """
    check_name(f"{platform} {new}", new)
    configured = {site.name for site in settings.sites}
    if platform == "ticket_tailor":
        configured = {office.name for office in settings.box_offices}
    if old in configured:
        raise ConfigProblem(
            f"{platform} {old} is still configured, so the next run would load it again. Nothing was renamed. "
            "Rename or remove it in the settings first."
        )
    if not settings.warehouse.exists():
        raise ConfigProblem(f"{settings.warehouse} does not exist: there is nothing to rename yet.")
    lock.make_data_dir(settings)
    with lock.privately(), lock.lock(settings):
        names = lookups.held_names(settings.warehouse, platform)
        if old not in names or old == new:
            held = ", ".join(sorted(names)) or "none"
            raise ConfigProblem(f"Raw holds no {platform} {old} to rename to {new}. It holds: {held}.")
        if (pending := settings.dlt_dir / "pipelines" / f"{platform}_{old}").exists():
            pipeline.pipeline(settings, platform, old, pipeline.Loaded())  # loads what an earlier run has left
        marker.require_full_build(settings)
        with pipeline.opened(settings) as db:
            db.execute("set TimeZone = 'UTC'")
            rows = corrections.rename(db, platform, old, new, dt.datetime.now(dt.UTC))
        shutil.rmtree(pending, ignore_errors=True)
    echo(f"{platform} {old} is {new} now: {rows:,} rows of raw. To build and publish: boxoffice run")
