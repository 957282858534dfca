"""The commands of a month's end."""

import sys
from typing import Any

import click

from boxoffice.cli.common import ProgressLog, settings
from boxoffice.errors import ConfigProblem
from boxoffice.terminal import console, echo, table


@click.command()
@click.argument("month", required=False)
@click.option("--check", is_flag=True, help="Report what prevents the close and what it would freeze; change nothing.")
@click.option("--silent", metavar="NAME", multiple=True, help="A Ticketor site that is expected to have sent nothing.")
@click.option(
    "--accept", is_flag=True, help="Close with payments that belong to no order, or to one in another currency."
)
@click.option("--list", "listing", is_flag=True, help="List the closed months, and what has come to light since.")
@click.option("--reopen", metavar="MONTH", help="Reopen the newest closed month.")
@click.option("--because", metavar="TEXT", default="", help="The reason for reopening a month.")
def close(
    month: str | None,
    check: bool,
    silent: tuple[str, ...],
    accept: bool,
    listing: bool,
    reopen: str | None,
    because: str,
) -> None:
    """Freeze a month: its postings never change, and whatever comes later is posted in the first open month.

    Loads all accounts first. The first close also freezes all earlier months.

    \b
    boxoffice close 2026-10 --check
    boxoffice close 2026-10
    boxoffice close --list
    boxoffice close --reopen 2026-10 --because "VAT rate wrong"
    """
    from boxoffice.month import close as closes

    if [bool(month), listing, bool(reopen)].count(True) != 1:
        raise ConfigProblem("Give one of these: a month such as 2026-10, --list, --reopen MONTH. Nothing was closed.")
    log = ProgressLog()
    if listing:
        _show_list(settings(), closes)
    elif reopen:
        reopened = closes.reopen(settings(), reopen, because, echo=log)
        log.summary(reopened.result)
        if not reopened.result.exit_code:
            echo(f"{reopen} is open again. Its postings follow what is known now, until it is closed.")
        sys.exit(reopened.result.exit_code)
    elif check:
        checked = closes.check(settings(), month, silent=silent, accept=accept)
        show(checked)
        echo(f"{checked.rows:,} postings would be frozen, as of the last run.")
        sys.exit(1 if checked.stops else 0)
    else:
        closed = closes.close(settings(), month, silent=silent, accept=accept, echo=log)
        log.summary(closed.result)
        if not closed.close:
            echo(f"{month} was not closed.", err=True)
        else:
            show(closed.checked)
            echo(f"{month} is closed: {closed.close.rows:,} postings, sealed by {closed.close.sha256}")
        sys.exit(closed.result.exit_code)


def show(checked: Any) -> None:
    """Prints what a check found, and the balances."""
    from boxoffice.report.formatting import amount

    for title, sentences in (
        ("Prevents the close", checked.stops),
        ("Accepted", checked.accepted),
        ("Still open (does not prevent the close)", checked.open_items),
    ):
        if sentences:
            echo(f"{title}:")
            for sentence in sentences:
                echo(f"  {sentence}")
    table(
        console(),
        f"Balances of {checked.month}, debit positive",
        ["account", "code", "name", "currency", ">before", ">in the month", ">at its end"],
        [
            (
                f"{row.platform} {row.account}",
                row.code or "none",
                row.account_name or row.posting,
                row.currency,
                amount(row.before, row.currency),
                amount(row.moved, row.currency),
                amount(row.after, row.currency),
            )
            for row in checked.balances
        ],
    )


def _show_list(of: Any, closes: Any) -> None:
    from boxoffice.report.formatting import amount

    with closes.open_published(of) as db:
        listed = closes.closes.published(db)
        if not listed:
            echo("No month is closed. The first: boxoffice close 2026-10")
            return
        current = {one.number for one in closes.closes.in_force(listed)}
        table(
            console(),
            "Closes (UTC)",
            ["month", "what", "when", ">postings", "seal", "because…"],
            [
                (
                    one.month,
                    "closed" if one.number in current else "closed, then reopened" if one.sha256 else "reopened",
                    f"{one.done_at:%Y-%m-%d %H:%M}",
                    f"{one.rows:,}" if one.sha256 else "",
                    (one.sha256 or "")[:12],
                    one.because or "",
                )
                for one in listed
            ],
        )
        echo("")
        later = closes.later_news(db)
        if later:
            table(
                console(),
                "What has come to light since, posted on the first open day",
                ["belongs to", "why", ">orders and events", "currency", ">debits"],
                [
                    (one.month, one.why, f"{one.items:,}", one.currency, amount(one.amount, one.currency))
                    for one in later
                ],
            )
            echo('Each of them: boxoffice sql "from rpt_adjustments"')
        else:
            echo("Nothing has come to light since.")
        for name, event_id, released_on, now in closes.moved_events(db):
            echo(
                f"{name} ({event_id}) was released on {released_on}, in a closed month, and "
                f"{f'is on {now}' if now else 'has no date'} now: nothing was moved."
            )
