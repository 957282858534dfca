"""The verbs: parse, dispatch, print, exit code; nothing else.

Exit codes: 0 all went well (also when nothing was new) · 1 something failed and was told · 2 the call or the settings
make no sense, nothing was run · 75 another run is under way.
"""

import os
import sys
import time
from typing import Any

import click

from pipelines.errors import Problem
from pipelines.settings import Settings, load_settings


class Verbs(click.Group):
    """Prints a Problem as its message alone and exits with its code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            click.secho(str(problem), err=True, fg="red")
            ctx.exit(problem.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="boxoffice")
def main() -> None:
    """Ticketor and Ticket Tailor into one DuckDB warehouse that an analyst and a bookkeeper can trust.

    \b
    make demo                                         look around with made-up sales
    TICKET_TAILOR_API_KEY=… boxoffice run             load, build, publish what is new
    boxoffice sql "from rpt_daily_sales limit 10"     ask
    """


def _settings() -> Settings:
    return load_settings(os.environ)


def _echo(line: str) -> None:
    click.echo(f"{click.style(time.strftime('%H:%M:%S'), dim=True)}  {line}", err=True)


def _reading(command: Any) -> Any:
    """The options that say what to read, the same for run and load."""
    for option in (
        click.option("--full", is_flag=True, help="Read everything from the beginning, whatever is held."),
        click.option(
            "--since", metavar="DATE", help="Ticket Tailor: only what was created on or after this day (UTC)."
        ),
        click.option("--until", metavar="DATE", help="Ticket Tailor: only what was created before this day (UTC)."),
        click.option(
            "--limit", type=click.IntRange(min=1), help="Ticket Tailor: at most so many orders now, the rest later."
        ),
    ):
        command = option(command)
    return command


@main.command()
@_reading
def run(**reading: Any) -> None:
    """Load what is new, build and test the marts, publish them.

    Made to be called by a schedule: costs next to nothing when nothing is new, and finishes what a killed run left.

    \b
    boxoffice run
    boxoffice run --full
    */15 * * * *  cd /srv/boxoffice && .venv/bin/boxoffice run      (crontab)
    """
    from pipelines import run as runs

    _finish(runs.run(_settings(), echo=_echo, **reading))


@main.command()
@_reading
def load(**reading: Any) -> None:
    """Load what is new into raw; the marts stay as they are.

    \b
    boxoffice load
    boxoffice load --since 2026-01-01 --until 2026-02-01
    """
    from pipelines import run as runs

    _finish(runs.load_only(_settings(), echo=_echo, **reading))


@main.command()
def transform() -> None:
    """Build, test and publish the marts from what raw holds; asks no platform.

    \b
    boxoffice transform          after a change to a model or a seed
    """
    from pipelines import run as runs

    _finish(runs.transform_only(_settings(), echo=_echo))


@main.command()
@click.option(
    "--runs", "count", type=click.IntRange(min=1), default=5, show_default=True, help="How many runs to show."
)
def status(count: int) -> None:
    """Tell the last runs, how fresh each account is, and what was refused. Exits 1 when something wants a person.

    \b
    boxoffice status
    boxoffice status --runs 20
    """
    from pipelines import status as statuses

    told = statuses.status(_settings(), count)
    statuses.show(told)
    sys.exit(0 if told.well else 1)


@main.command()
@click.argument("query", required=False)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def sql(query: str | None, form: str) -> None:
    """Ask the published tables (read only; schema marts is the default). Without a QUERY it is read from standard
    input.

    \b
    boxoffice sql "from rpt_daily_sales order by sales_on desc limit 10"
    boxoffice sql "describe fct_tickets"
    boxoffice sql --format csv "from fct_payments" > payments.csv
    """
    from pipelines import ask

    ask.ask(_settings(), query or sys.stdin.read(), form)


def _finish(result: Any) -> None:
    """The run's summary, and its exit code."""
    for account in result.accounts:
        rows = ", ".join(f"{count:,} {table}" for table, count in account.rows.items() if count) or "nothing new"
        _echo(f"{account.platform} {account.account}: {account.error or rows}")
        for line in account.told:
            _echo(f"{account.platform} {account.account}: {line}")
    if result.error:
        click.secho(result.error, err=True, fg="red")
    seconds = (result.ended_at - result.started_at).total_seconds()
    _echo(f"{result.outcome} in {seconds:.1f} s")
    sys.exit(result.exit_code)
