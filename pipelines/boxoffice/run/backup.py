"""`boxoffice backup`, `restore` and `rebuild`.

What cannot be rebuilt is raw and the secret behind ``person_key``: a backup holds these two (and runs.jsonl), and
everything else is built from them. Raw is copied table by table, so a backup has no space that updates and deletes have
freed. The Ticketor buffer is not in it, but raw holds the bytes of every record that was loaded.
"""

import contextlib
import dataclasses
import datetime as dt
import filecmp
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.atomic_file import put_in_place, require_place, whole
from boxoffice.errors import Problem
from boxoffice.raw import closes
from boxoffice.run import backup_file, lock, marker, raw_copy, run
from boxoffice.run.backup_file import KEY, RAW, RUNS
from boxoffice.settings import Settings

Echo = Callable[[str], None]

# The tables whose rows are compared after a rebuild, with the key that every rebuild reproduces.
FACTS = {
    "fct_orders": "order_key",
    "fct_tickets": "ticket_key",
    "fct_product_sales": "product_sale_key",
    "fct_payments": "payment_key",
    "fct_order_changes": "order_change_key",
    "dim_events": "event_key",
    "dim_customers": "customer_key",
    "fct_balance_transactions": "balance_transaction_key",
}
# the columns that say whose rows they are, if not platform and account
OWNERS = {"fct_balance_transactions": "processor, 'payouts'"}


@dataclasses.dataclass
class Rebuilt:
    """What a restore or rebuild did: the run that built the marts, and messages for the user."""

    result: run.RunResult
    messages: list[str]


def backup(settings: Settings, target: Path, *, echo: Echo, now: dt.datetime | None = None) -> dict[str, Any]:
    """Writes everything that cannot be rebuilt to one file (tar, gzip) that only its owner can read.

    Replaces an older backup of that name, once the new one has been read back. Returns its manifest. Raises Busy while
    a run is under way, and Problem when there is nothing to back up, raw is damaged, or another file has that name.
    """
    require_place(target)
    if target.exists() and not backup_file.is_backup(target):
        raise Problem(f"{target} exists and is not a backup of Boxoffice. Nothing was written: choose another name.")
    if not settings.warehouse.exists():
        raise Problem(f"{settings.warehouse} does not exist: there is nothing to back up yet. First: boxoffice run")
    lock.make_data_dir(settings, echo)
    with (
        lock.privately(),
        lock.lock(settings),
        tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".backup-") as folder,
    ):
        raw = Path(folder) / RAW
        copied = raw_copy.copy_raw(settings, raw)
        if copied.damaged:
            raise Problem(f"Raw is damaged: {_listed(copied.damaged)}\nNothing was written. First: boxoffice rebuild")
        kept = {RAW: raw, KEY: settings.person_key_file, RUNS: settings.runs_file}
        kept = {name: path for name, path in kept.items() if path.exists()}
        manifest = {
            "boxoffice": version("boxoffice"),
            "duckdb": duckdb.__version__,
            "made_at": (now or dt.datetime.now(dt.UTC)).isoformat(),
            "files": {
                name: {"size": path.stat().st_size, "sha256": backup_file.sha256(path)} for name, path in kept.items()
            },
            "rows": copied.rows,
        }
        try:
            with whole(target, 0o600) as file:
                backup_file.write(file, manifest, kept)
                file.seek(0)
                backup_file.read(file, target)
        except OSError as error:
            raise Problem(
                f"{target} could not be written: {error.strerror}. An older backup is kept; choose another place."
            ) from None
    echo(f"{target}: {sum(copied.rows.values()):,} rows of raw, {target.stat().st_size:,} bytes")
    return manifest


def restore(settings: Settings, source: Path, *, echo: Echo, replace: bool = False) -> Rebuilt:
    """Restores a backup, then builds and publishes. The next run loads what is newer.

    With ``replace`` an existing warehouse is moved aside, and so is a different person.key. Raises Problem, and changes
    nothing, if there is a warehouse without ``replace``, or if the file is not a complete backup.
    """
    if settings.warehouse.exists() and not replace:
        raise Problem(
            f"{settings.data_dir} already holds a warehouse. Nothing was changed.\n"
            "Move it aside with --replace, or set BOXOFFICE_DATA_DIR to another folder."
        )
    messages: list[str] = []

    @contextlib.contextmanager
    def put_back(_result: run.RunResult) -> Iterator[bool]:
        with (
            source.open("rb") as file,
            tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as name,
        ):
            folder = Path(name)
            manifest = backup_file.read(file, source, folder)
            echo(
                f"{source}: a backup of {manifest['made_at'][:16]} UTC, {sum(manifest['rows'].values()):,} rows of raw"
            )
            raw = folder / "checked.duckdb"
            raw_copy.copy_plain_tables(source, folder / RAW, raw, manifest["rows"])
            if settings.warehouse.exists():
                messages.append(_move_aside(settings.warehouse, "before-restore"))
            # before raw: without a key the next run would create another one
            if (folder / KEY).exists():
                if settings.person_key_file.exists() and not filecmp.cmp(folder / KEY, settings.person_key_file, False):
                    messages.append(_move_aside(settings.person_key_file, "before-restore"))
                put_in_place(folder / KEY, settings.person_key_file)
            if (folder / RUNS).exists() and not settings.runs_file.exists():
                put_in_place(folder / RUNS, settings.runs_file)
            _place(settings, raw, lacks=False)
            messages.extend(closes.put_back(settings, settings.published))
        yield False

    return Rebuilt(run.rebuild(settings, "restore", put_back, echo=echo), messages)


def rebuild(settings: Settings, *, echo: Echo) -> Rebuilt:
    """Rebuilds the warehouse and the published file.

    Keeps raw as far as it can be read; for the rest, the buffer, its archive and the API are read from the beginning.
    The result's messages say which published rows could not be recovered.
    """
    messages: list[str] = []

    @contextlib.contextmanager
    def put_back(result: run.RunResult) -> Iterator[bool]:
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".rebuild-") as folder:
            before, fresh = Path(folder) / "before.duckdb", Path(folder) / RAW
            if settings.published.exists():
                _link(settings.published, before)
            copied = raw_copy.copy_raw(settings, fresh)
            # closed months are in no buffer and no API
            damaged = {table for table in copied.damaged if not table.startswith(f"{closes.SCHEMA}.")}
            # an earlier rebuild may not have finished
            lacks = bool(damaged) or not copied.rows or settings.rebuilding.exists()
            if len(damaged) < len(copied.damaged):
                raw_copy.drop_closes(fresh)
            if copied.rows:
                echo(f"raw: {sum(copied.rows.values()):,} rows of {len(copied.rows)} tables are intact")
            if lacks:
                settings.require_accounts()
                echo("reading the buffers, their archives and the APIs from the beginning")
            if copied.damaged:
                aside = _move_aside(settings.warehouse, "damaged")
                messages.append(f"Damaged in raw: {_listed(copied.damaged)}\n{aside}")
            _place(settings, fresh, lacks=lacks)
            messages.extend(closes.put_back(settings, before))
            yield lacks
            if result.published:
                messages.extend(_missing(before, settings.published))

    return Rebuilt(run.rebuild(settings, "rebuild", put_back, echo=echo), messages)


def _place(settings: Settings, raw: Path, *, lacks: bool) -> None:
    """Makes this raw the warehouse, in one rename. dlt's own folder belongs to the previous one: dlt restores it from
    raw. If raw ``lacks`` anything, nothing is published until it has been read."""
    marker.remove(settings)
    settings.rebuilding.touch()
    shutil.rmtree(settings.dlt_dir, ignore_errors=True)
    _wal(settings.warehouse).unlink(missing_ok=True)
    put_in_place(raw, settings.warehouse)
    if not lacks:
        settings.rebuilding.unlink()


def _move_aside(path: Path, why: str) -> str:
    """Gives a file a second name, under which it is kept when another takes its place. Returns a message about it."""
    aside = path.with_name(f"{path.name}.{why}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}")
    _link(path, aside)
    if _wal(path).exists():
        _link(_wal(path), _wal(aside))
    return f"The previous {path.name} was moved to {aside}."


def _link(path: Path, other: Path) -> None:
    try:
        other.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # a file system that has no links
        shutil.copyfile(path, other)


def _missing(before: Path, published: Path) -> list[str]:
    """Messages about rows that were published before and are not now."""
    if not before.exists():
        return ["Nothing was published before, so it is unknown whether anything is missing."]
    messages = []
    with duckdb.connect() as db:
        try:
            db.execute(f"attach '{raw_copy.quoted(before)}' as before (read_only)")
        except duckdb.Error as error:
            return [
                f"What was published before cannot be read, so nothing can be compared: {raw_copy.first_line(error)}"
            ]
        db.execute(f"attach '{raw_copy.quoted(published)}' as after (read_only)")
        known = "select table_name from duckdb_tables() where database_name = 'before'"
        held = {name for (name,) in db.execute(known).fetchall()}
        for table, key in FACTS.items():
            if table in OWNERS and table not in held:
                continue  # an earlier release published none
            try:
                rows = db.execute(
                    f"select {OWNERS.get(table, 'platform, account')}, count(*) from before.marts.{table} "
                    f"anti join after.marts.{table} using ({key}) group by all order by all"
                ).fetchall()
            except duckdb.Error as error:
                messages.append(
                    f"{table}: cannot be compared with what was published before: {raw_copy.first_line(error)}"
                )
                continue
            messages += [
                f"{platform} {account}: {count:,} rows of {table} are missing" for platform, account, count in rows
            ]
    if messages:
        messages.append(
            "Not recovered: what a platform's API no longer returns, when we first saw a change, and webhooks whose "
            "files are gone. Exports of payment processors can be loaded again: boxoffice payouts load. With a backup: "
            "boxoffice restore FILE --replace"
        )
    return messages or ["Everything that was published before is there again."]


def _listed(damaged: dict[str, str]) -> str:
    return "".join(f"\n  {table}: {reason}" for table, reason in damaged.items())


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")
