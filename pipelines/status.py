"""How things stand: the last runs, how fresh each account is, what was refused.

Reads runs.jsonl and the published file.
"""

import dataclasses
import datetime as dt
from typing import Any

import duckdb

from pipelines import bookkeeping
from pipelines.ask import open_published
from pipelines.settings import QUIET_AFTER, Settings

NO_RUN_AFTER = dt.timedelta(days=1)


@dataclasses.dataclass
class Status:
    """``wants`` are the things that want a person; empty when all is well."""

    runs: list[dict[str, Any]]
    accounts: list[tuple[Any, ...]]
    refused: list[tuple[Any, ...]]
    published_at: dt.datetime | None
    wants: list[str]

    @property
    def well(self) -> bool:
        return not self.wants


def status(settings: Settings, count: int, now: dt.datetime | None = None) -> Status:
    """Gathers it. Never opens the warehouse, so it can be asked while a run is under way."""
    now = now or dt.datetime.now(dt.UTC)
    told = Status(bookkeeping.last_runs(settings, count), [], [], None, [])
    if not told.runs:
        told.wants.append("No run yet. First: boxoffice run")
    else:
        last = told.runs[0]
        if last["outcome"] == "failed":
            told.wants.append(f"The last run failed: {_why(last)}")
        if last.get("on_failure"):
            told.wants.append(last["on_failure"])
        if now - dt.datetime.fromisoformat(last["ended_at"]) > NO_RUN_AFTER:
            told.wants.append(f"The last run ended {last['ended_at'][:16]} UTC: is the schedule still on?")
    if settings.published.exists():
        with open_published(settings) as db:
            [(told.published_at,)] = db.execute("select published_at from run_info").fetchall()
            told.accounts = db.execute(
                "select platform, account, last_record_at, time_zone from dim_accounts order by all"
            ).fetchall()
            told.refused = db.execute(
                "select platform, account, reason, count(*), max(refused_at), min(file) "
                "from refused_records group by all order by count(*) desc"
            ).fetchall()
            told.wants += [words for _, _, words in silent(settings, db, now)]
    if refused := sum(row[3] for row in told.refused):
        told.wants.append(
            f"{refused} records were refused and have not been delivered whole since (table refused_records)."
        )
    return told


def silent(settings: Settings, db: duckdb.DuckDBPyConnection, now: dt.datetime) -> list[tuple[str, str, str]]:
    """The accounts that have told nothing for longer than their ``quiet_after``: platform, account, and in words."""
    patience = {("ticketor", site.name): site.quiet_after for site in settings.sites}
    patience |= {("ticket_tailor", office.name): office.quiet_after for office in settings.box_offices}
    found = []
    for platform, account, last_at, since in db.execute(
        "select platform, account, last_record_at, coalesce(last_record_at, configured_at) "
        "from dim_accounts order by all"
    ).fetchall():
        if since and now - since > patience.get((platform, account), QUIET_AFTER):
            days, hours = divmod(int((now - since).total_seconds()) // 3600, 24)
            age = f"{days} days" if days > 1 else f"{days * 24 + hours} hours"
            ever = f"for {age}" if last_at else f"since it was set up {age} ago"
            found.append((platform, account, f"{platform} {account} has told nothing {ever}."))
    return found


def _why(run: dict[str, Any]) -> str:
    errors = [run["error"]] if run["error"] else []
    errors += [f"{one['platform']} {one['account']}: {one['error']}" for one in run["accounts"] if one["error"]]
    return "; ".join(errors)


def show(told: Status) -> None:
    """Prints it for a person: colour on a terminal only."""
    from rich.console import Console
    from rich.table import Table

    console = Console()

    def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
        made = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for row in rows:
            made.add_row(*row)
        console.print(made)
        console.print()

    table(
        "Last runs (UTC)",
        ["started", "what", "outcome", "seconds", "new rows", "requests"],
        [
            [
                run["started_at"][:19],
                run["verb"],
                run["outcome"],
                f"{_seconds(run):.1f}",
                f"{sum(sum(one['news'].values()) for one in run['accounts']):,}",
                f"{sum(one['requests'] for one in run['accounts']):,}",
            ]
            for run in told.runs
        ],
    )
    table(
        f"Accounts, as published {_minute(told.published_at)}",
        ["platform", "account", "newest record (UTC)", "time zone"],
        [[platform, account, _minute(at), zone or "not set: UTC"] for platform, account, at, zone in told.accounts],
    )
    if told.refused:
        table(
            "Refused",
            ["platform", "account", "why", "records", "newest", "for example"],
            [[row[0], row[1], row[2], f"{row[3]:,}", _minute(row[4]), row[5]] for row in told.refused],
        )
    for want in told.wants:
        console.print(f"! {want}", style="yellow", markup=False)
    if told.well:
        console.print("All is well.", style="green")


def _seconds(run: dict[str, Any]) -> float:
    return (dt.datetime.fromisoformat(run["ended_at"]) - dt.datetime.fromisoformat(run["started_at"])).total_seconds()


def _minute(at: dt.datetime | None) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") if at else "never"
