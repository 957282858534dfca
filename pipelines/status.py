"""How things stand: the last runs, how fresh each account is, what was refused.

Reads runs.jsonl and the published file.
"""

import dataclasses
import datetime as dt
from typing import Any

import duckdb

from pipelines import bookkeeping
from pipelines.ask import open_published
from pipelines.settings import Settings

NO_RUN_AFTER = dt.timedelta(days=1)
# one that nobody can deliver again must not want a person for ever; it stays in refused_records
REFUSED_LATELY = dt.timedelta(days=14)
LOOKED_BACK = 50  # runs


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
    runs = bookkeeping.last_runs(settings, max(count, LOOKED_BACK))
    told = Status(runs[:count], [], [], None, [])
    if not runs:
        told.wants.append("No run yet. First: boxoffice run")
    else:
        last = runs[0]
        for run in _standing(runs):
            if run["outcome"] == "failed":
                told.wants.append(f"The last {run['verb']} failed: {_why(run)}")
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
                "select platform, account, reason, count(*), max(refused_at), count(*) filter (refused_at > $1) "
                "from refused_records group by all order by count(*) desc",
                [now - REFUSED_LATELY],
            ).fetchall()
            told.wants += [words for _, _, words in silent(settings, db, now)]
    if lately := sum(row[5] for row in told.refused):
        told.wants.append(
            f"{lately:,} records of the last {REFUSED_LATELY.days} days were refused and have not been delivered whole "
            'since. Which, and why: boxoffice sql "from refused_records"'
        )
    return told


def _standing(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs that say how things stand, newest first: the last of each verb, back to the last that did everything.

    A transform that went well does not mend a load that failed.
    """
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run["verb"], run)
        if "run" in found or {"load", "transform"} <= found.keys():
            break
    return list(found.values())


def silent(settings: Settings, db: duckdb.DuckDBPyConnection, now: dt.datetime) -> list[tuple[str, str, str]]:
    """The accounts that have told nothing for longer than their ``quiet_after``: platform, account, and in words.

    Of an account that is configured no more nobody expects anything.
    """
    patience = {("ticketor", site.name): site.quiet_after for site in settings.sites}
    patience |= {("ticket_tailor", office.name): office.quiet_after for office in settings.box_offices}
    found = []
    for platform, account, last_at, since in db.execute(
        "select platform, account, last_record_at, coalesce(last_record_at, configured_at) "
        "from dim_accounts order by all"
    ).fetchall():
        if since and (platform, account) in patience and now - since > patience[platform, account]:
            days, hours = divmod(int((now - since).total_seconds()) // 3600, 24)
            age = f"{days} days" if days > 1 else f"{days * 24 + hours} hours"
            ever = f"for {age}" if last_at else f"since it was set up {age} ago"
            found.append((platform, account, f"{platform} {account} has told nothing {ever}."))
    return found


def _why(run: dict[str, Any]) -> str:
    errors = [run["error"]] if run["error"] else []
    errors += [run["set_aside"]] if run.get("set_aside") else []
    errors += [f"{one['platform']} {one['account']}: {one['error']}" for one in run["accounts"] if one["error"]]
    return "; ".join(errors)


def show(told: Status, now: dt.datetime | None = None) -> None:
    """Prints it for a person: colour on a terminal only."""
    from pipelines import terminal

    now = now or dt.datetime.now(dt.UTC)
    out = terminal.console()

    def ago(at: dt.datetime | None) -> str:
        return f"{terminal.duration((now - at).total_seconds())} ago" if at else "never"

    def table(title: str, headers: list[str], rows: list[list[str]]) -> None:
        if rows:
            terminal.table(out, title, headers, rows)
            out.print()

    table(
        "Last runs (UTC)",
        ["started", "what", "outcome", ">seconds", ">new rows", ">refused", ">requests"],
        [
            [
                run["started_at"][:19],
                run["verb"],
                run["outcome"],
                f"{_seconds(run):.1f}",
                f"{sum(sum(one['news'].values()) for one in run['accounts']):,}",
                # a run of an earlier version did not write down how many
                f"{sum(one.get('refused', 0) for one in run['accounts']):,}",
                f"{sum(one['requests'] for one in run['accounts']):,}",
            ]
            for run in told.runs
        ],
    )
    table(
        f"Accounts, as published {_minute(told.published_at)} UTC",
        ["account", "newest record (UTC)", "that is", "time zone"],
        [
            [f"{platform} {account}", _minute(at), ago(at), zone or "not set: UTC"]
            for platform, account, at, zone in told.accounts
        ],
    )
    table(
        "Refused, and not delivered whole since",
        [">records", f">in {REFUSED_LATELY.days} days", "newest (UTC)", "account", "why…"],
        [
            [f"{count:,}", f"{lately:,}", _minute(newest), f"{platform} {account}", why]
            for platform, account, why, count, newest, lately in told.refused
        ],
    )
    for want in told.wants:
        out.print(f"! {want}", style="yellow", markup=False, soft_wrap=True)
    if told.well:
        out.print("All is well.", style="green")


def _seconds(run: dict[str, Any]) -> float:
    return (dt.datetime.fromisoformat(run["ended_at"]) - dt.datetime.fromisoformat(run["started_at"])).total_seconds()


def _minute(at: dt.datetime | None) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") if at else "never"
