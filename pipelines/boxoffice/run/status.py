"""The status: the last runs, how fresh each account is, what was refused.

Reads runs.jsonl and the published file.
"""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.receiver import refusals
from boxoffice.run import run_log
from boxoffice.settings import Settings
from boxoffice.terminal import duration
from boxoffice.warehouse.query import open_published

NO_RUN_AFTER = dt.timedelta(days=1)
# two clocks never agree exactly
CLOCKS_DIFFER = dt.timedelta(minutes=5)
# a record that cannot be delivered again must not need attention for ever; it stays in refused_records
REFUSED_LATELY = dt.timedelta(days=14)
LOOKED_BACK = 50  # runs


@dataclasses.dataclass
class Status:
    """``needs_attention`` is empty when all is well; ``notes`` are for information."""

    runs: list[dict[str, Any]]
    accounts: list[tuple[Any, ...]]
    refused: list[tuple[Any, ...]]
    published_at: dt.datetime | None
    needs_attention: list[str]
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def well(self) -> bool:
        return not self.needs_attention


def status(settings: Settings, count: int, now: dt.datetime | None = None) -> Status:
    """The status at ``now``, with the last ``count`` runs. Never opens the warehouse, so it works during a run."""
    now = now or dt.datetime.now(dt.UTC)
    runs = run_log.last_runs(settings, max(count, LOOKED_BACK))
    found = Status(runs[:count], [], [], None, [])
    # an interrupted run neither failed nor repaired anything
    ended = [run for run in runs if run["outcome"] != "interrupted"]
    if runs and runs[0]["outcome"] == "interrupted":
        found.notes.append(
            f"The last {runs[0]['verb']} was interrupted {runs[0]['ended_at'][:16]} UTC; the next one finishes it."
        )
    if not ended:
        found.needs_attention.append(
            "No run has ended yet. Next: boxoffice run" if runs else "No run yet. First: boxoffice run"
        )
    else:
        last = ended[0]
        for run in _decisive(ended):
            found.needs_attention += _failures(run)
            found.notes += _messages(run)
        if last.get("on_failure"):
            found.needs_attention.append(last["on_failure"])
        age = now - dt.datetime.fromisoformat(last["ended_at"])
        if age > NO_RUN_AFTER:
            found.needs_attention.append(
                f"The last run ended {last['ended_at'][:16]} UTC: is the schedule still active?"
            )
        if age < -CLOCKS_DIFFER:
            found.needs_attention.append(
                f"The last run ended {last['ended_at'][:16]} UTC, and it is {minute(now)} now: the clock of this "
                "machine was ahead then or is behind now."
            )
    if settings.published.exists():
        with open_published(settings) as db:
            [(found.published_at,)] = db.execute("select published_at from run_info").fetchall()
            found.accounts = db.execute(
                "select platform, account, last_record_at, time_zone from dim_accounts order by all"
            ).fetchall()
            found.refused = db.execute(
                "select platform, account, reason, count(*), max(refused_at), count(*) filter (refused_at > $1) "
                "from refused_records group by all order by count(*) desc",
                [now - REFUSED_LATELY],
            ).fetchall()
            found.needs_attention += [message for *_, message in out_of_time(settings, db, now)]
            [(findings,)] = db.execute("select count(*) from rpt_reconciliation").fetchall()
            if findings:
                found.notes.append(
                    f'{findings:,} things do not add up. Which, and why: boxoffice sql "from rpt_reconciliation"'
                )
    found.needs_attention += [text for *_, text in not_received(settings, now - REFUSED_LATELY)]
    found.notes += _newest_webhooks(settings, runs, now)
    published = {(platform, account) for platform, account, *_ in found.accounts}
    configured = [("ticketor", one) for one in settings.sites] + [
        ("ticket_tailor", one) for one in settings.box_offices
    ]
    found.accounts += [
        (platform, one.name, None, one.time_zone)
        for platform, one in configured
        if (platform, one.name) not in published
    ]
    if lately := sum(row[5] for row in found.refused):
        found.needs_attention.append(
            f"{lately:,} records of the last {REFUSED_LATELY.days} days were refused and have not been delivered "
            'correctly since. Which, and why: boxoffice sql "from refused_records"'
        )
    return found


def _newest_webhooks(settings: Settings, runs: list[dict[str, Any]], now: dt.datetime) -> list[str]:
    """How fresh the webhooks of each box office with a buffer are; a failed run may not have recorded it."""
    lines = []
    for office in settings.box_offices:
        if not office.buffer:
            continue
        known = (
            one.get("newest_webhook")
            for run in runs
            for one in run["accounts"]
            if (one["platform"], one["account"]) == ("ticket_tailor", office.name)
        )
        newest = next((dt.datetime.fromisoformat(at) for at in known if at), None)
        age = f" ({duration((now - newest).total_seconds())} ago)" if newest and newest <= now else ""
        lines.append(
            f"ticket_tailor {office.name}: its newest webhook was received {minute(newest)} UTC{age}"
            if newest
            else f"ticket_tailor {office.name}: no webhook has been loaded from {office.buffer} yet"
        )
    return lines


def _decisive(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs that decide the status, newest first: the last of each verb, back to the last that did everything.

    A successful transform does not repair a failed load.
    """
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run["verb"], run)
        if "run" in found or {"load", "transform"} <= found.keys():
            break
    return list(found.values())


def out_of_time(settings: Settings, db: duckdb.DuckDBPyConnection, now: dt.datetime) -> list[tuple[str, str, str, str]]:
    """Kind, platform, account and message of each silent or early account: ``quiet`` ones have sent nothing for longer
    than their ``quiet_after``, the newest record of ``ahead`` ones is dated in the future.

    Accounts that are no longer configured are left out.
    """
    patience = {("ticketor", site.name): site.quiet_after for site in settings.sites}
    patience |= {("ticket_tailor", office.name): office.quiet_after for office in settings.box_offices}
    found = []
    for platform, account, last_at, since in db.execute(
        "select platform, account, last_record_at, coalesce(last_record_at, configured_at) "
        "from dim_accounts order by all"
    ).fetchall():
        if not since or (platform, account) not in patience:
            continue
        if since - now > CLOCKS_DIFFER:
            message = (
                f"{platform} {account}: its newest record is dated {minute(since)} UTC, and it is {minute(now)} now. "
                "The sender's clock was ahead or this machine's is behind; until then it is unknown whether this "
                "account is silent."
            )
            found.append(("ahead", platform, account, message))
        elif now - since > patience[platform, account]:
            days, hours = divmod(int((now - since).total_seconds()) // 3600, 24)
            age = f"{days} days" if days > 1 else f"{days * 24 + hours} hours"
            ever = f"for {age}" if last_at else f"since it was set up {age} ago"
            found.append(("quiet", platform, account, f"{platform} {account} has sent nothing {ever}."))
    return found


def not_received(settings: Settings, since: dt.datetime) -> list[tuple[str, str, str]]:
    """Platform, account and message of each account whose webhooks the receiver could not keep after ``since``."""
    found = []
    accounts = [("ticketor", one.name, one.buffer) for one in settings.sites]
    accounts += [("ticket_tailor", one.name, one.buffer) for one in settings.box_offices]
    for platform, account, buffer in accounts:
        address = buffer.removeprefix("file://")
        if not address or "://" in address:
            continue
        try:
            refused = refusals.read(Path(address), since)
        except OSError as error:
            found.append(
                (platform, account, f"{platform} {account}: the receiver's {error.filename}: {error.strerror}")
            )
            continue
        if not refused:
            continue
        count, newest = sum(one.deliveries for one in refused), max(refused)
        text = f"{platform} {account}: the receiver, {minute(newest.at)} UTC: {newest.reason}."
        if count:
            text = (
                f"{platform} {account}: the receiver did not keep {count:,} deliveries since {minute(refused[0].at)} "
                f"UTC, the newest {minute(newest.at)} ({newest.status}: {newest.reason}). What the platform does not "
                f"send again is missing: compare with its own list of sales. Each is in {address}/{refusals.FILE}."
            )
        found.append((platform, account, text))
    return found


def _failures(run: dict[str, Any]) -> list[str]:
    if run["outcome"] != "failed":
        return []
    failures = [f"The last {run['verb']} failed: {run['error']}"] if run["error"] else []
    failures += [run["set_aside"]] if run.get("set_aside") else []
    return failures + [
        f"The last {run['verb']} failed for {one['platform']} {one['account']}: {one['error']}"
        for one in run["accounts"]
        if one["error"]
    ]


def _messages(run: dict[str, Any]) -> list[str]:
    """What a run reported about its accounts that is not a failure, such as files left to the next run."""
    return [
        f"{one['platform']} {one['account']}: {line}"
        for one in run["accounts"]
        # told: its name in earlier versions
        for line in one.get("messages", one.get("told", ()))
    ]


def minute(at: dt.datetime | None) -> str:
    """A time in UTC, to the minute."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M") if at else "never"
