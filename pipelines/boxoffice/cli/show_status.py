"""Prints what ``run/status.py`` has found, as tables."""

import datetime as dt
from typing import Any

from boxoffice import terminal
from boxoffice.run.status import CLOCKS_DIFFER, REFUSED_LATELY, Status, minute


def show(status: Status, now: dt.datetime | None = None) -> None:
    """Prints the status; ``now`` is for tests. Colour on a terminal only."""
    now = now or dt.datetime.now(dt.UTC)
    out = terminal.console()

    def ago(at: dt.datetime | None) -> str:
        if not at:
            return "never"
        ahead = (at - now).total_seconds()
        if at - now > CLOCKS_DIFFER:
            return f"{terminal.duration(ahead)} in the future"
        return f"{terminal.duration(max(0.0, -ahead))} ago"

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
                # earlier versions did not record it
                f"{sum(one.get('refused', 0) for one in run['accounts']):,}",
                f"{sum(one['requests'] for one in run['accounts']):,}",
            ]
            for run in status.runs
        ],
    )
    table(
        f"Accounts, as published {minute(status.published_at)} UTC" if status.published_at else "Accounts",
        ["account", "newest record (UTC)", "that is", "time zone"],
        [
            [f"{platform} {account}", minute(at), ago(at), zone or "not set: UTC"]
            for platform, account, at, zone in status.accounts
        ],
    )
    table(
        "Refused, and not delivered correctly since",
        [">records", f">in {REFUSED_LATELY.days} days", "newest (UTC)", "account", "why…"],
        [
            [f"{count:,}", f"{lately:,}", minute(newest), f"{platform} {account}", why]
            for platform, account, why, count, newest, lately in status.refused
        ],
    )
    for mark, style, lines in (("!", "yellow", status.needs_attention), ("-", "", status.notes)):
        for line in lines:
            indented = terminal.shown(line).strip().replace("\n", "\n  ")
            out.print(f"{mark} {indented}", style=style, markup=False, soft_wrap=True)
    if status.well:
        out.print("All is well.", style="green")


def _seconds(run: dict[str, Any]) -> float:
    took = dt.datetime.fromisoformat(run["ended_at"]) - dt.datetime.fromisoformat(run["started_at"])
    return max(0.0, took.total_seconds())  # a clock may have been set meanwhile
