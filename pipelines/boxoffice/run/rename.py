"""`boxoffice rename-account`: another name for an account that raw holds."""

import datetime as dt
import shutil
from collections.abc import Callable

import duckdb

from boxoffice.errors import ConfigProblem
from boxoffice.raw import closes, contents, corrections, pipeline
from boxoffice.raw.account import Loaded
from boxoffice.run import lock, marker
from boxoffice.setting_values import check_name
from boxoffice.settings import Settings
from boxoffice.ticket_tailor import corrections as ticket_tailor
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticketor import corrections as ticketor


def rename_account(settings: Settings, platform: str, old: str, new: str, *, echo: Callable[[str], None]) -> None:
    """Renames an account in raw; the next run builds and publishes everything again.

    Raises ConfigProblem when raw holds nothing of it, the settings still know it or a month is closed, and Busy while a
    run is under way.
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
    lock.make_data_dir(settings, echo)
    with lock.privately(), lock.lock(settings):
        names = contents.held_names(settings.warehouse, platform)
        if old not in names or old == new:
            held = ", ".join(sorted(names)) or "none"
            raise ConfigProblem(f"Raw holds no {platform} {old} to rename to {new}. It holds: {held}.")
        if months := [close.month for close in closes.in_force(closes.held(settings))]:
            raise ConfigProblem(
                f"What was frozen when a month was closed ({', '.join(months)}) names the account. Nothing was "
                f"renamed. Keep {old} in the settings; or reopen these months first, the newest first: "
                f'boxoffice close --reopen {months[-1]} --because "renamed"'
            )
        if (pending := settings.dlt_dir / "pipelines" / f"{platform}_{old}").exists():
            pipeline.open_pipeline(settings, platform, old, Loaded())  # loads what an earlier run has left
        marker.require_full_build(settings)
        with pipeline.open_warehouse(settings) as db:
            db.execute("set TimeZone = 'UTC'")
            rows = rename(db, platform, old, new, dt.datetime.now(dt.UTC))
        shutil.rmtree(pending, ignore_errors=True)
    echo(f"{platform} {old} is now {new}: {rows:,} rows of raw. To build and publish: boxoffice run")


def rename(db: duckdb.DuckDBPyConnection, platform: str, old: str, new: str, now: dt.datetime) -> int:
    """Gives all that raw holds of an account another name; returns how many rows that were.

    Where raw holds the same under the new name too, it is held once afterwards.
    """
    schema = f"raw_{platform}"
    column = corrections.ACCOUNT[schema]
    tables = corrections.tables(db, schema)
    db.execute("begin")
    load_id = corrections.new_load(db, schema, now)
    if platform == "ticketor":
        ticketor.rename_records(db, old, new)
    elif "refused" in tables:
        ticket_tailor.rename_refused(db, old, new)
    renamed = 0
    for name in sorted(tables):
        [(rows,)] = db.execute(
            f"""update {schema}."{name}" set {column} = $new, _dlt_load_id = '{load_id}' where {column} = $old""",
            {"new": new, "old": old},
        ).fetchall()
        renamed += rows
    if "folders" in tables:
        # every folder is listed once more
        db.execute(f"delete from {schema}.folders where {column} = ?", [new])
    for name in tables & ENDPOINTS.keys():
        ticket_tailor.remove_repeated(db, f'{schema}."{name}"', new, latest_only=ENDPOINTS[name].keeps == "latest")
    if contents.accounts_exist(db):
        db.execute("delete from raw_boxoffice.accounts where platform = ? and account = ?", [platform, old])
    db.execute("commit")
    return renamed
