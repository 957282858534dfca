"""The verbs: parse, dispatch, print, exit code; nothing else.

Exit codes: 0 all went well (also when nothing was new) · 1 something failed and was told · 2 the call or the settings
make no sense, nothing was run · 75 another run is under way.
"""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipelines.errors import ConfigProblem, Problem
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


def _echo(form: str = "text") -> Callable[[str], None]:
    """Progress and logs go to standard error: for a person, or one JSON object a line for a machine."""

    def text(line: str) -> None:
        click.echo(f"{click.style(time.strftime('%H:%M:%S'), dim=True)}  {line}", err=True)

    def as_json(line: str) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        click.echo(json.dumps({"at": now, "message": line}), err=True)

    return as_json if form == "json" else text


def _options(since: str | None, until: str | None, **others: Any) -> dict[str, Any]:
    """Moments as a person gives them, as the span of created_at that they mean."""
    if not since and not until:
        return others
    from pipelines.ticket_tailor import verbs

    return {"span": verbs.span(since, until), **others}


def _reading(command: Any) -> Any:
    """The options that say what to read, the same for run and load."""
    for option in (
        click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True),
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
@click.option("--every", metavar="TIME", help="Stay and run again and again, for example every 15m; stops on Ctrl-C.")
@_reading
def run(every: str | None, log_format: str, **reading: Any) -> None:
    """Load what is new, build and test the marts, publish them.

    Made to be called by a schedule: costs next to nothing when nothing is new, and finishes what a killed run left.

    \b
    boxoffice run
    boxoffice run --full
    boxoffice run --every 15m
    boxoffice schedule cron          a line for your crontab
    """
    from pipelines import run as runs

    echo = _echo(log_format)
    if every:
        pause = _seconds(every)
        while True:
            started = time.monotonic()
            try:
                _summary(runs.run(_settings(), echo=echo, **_options(**reading)), echo)
            except Problem as problem:
                echo(str(problem))
            time.sleep(max(0.0, pause - (time.monotonic() - started)))
    _finish(runs.run(_settings(), echo=echo, **_options(**reading)), echo)


@main.command()
@_reading
def load(log_format: str, **reading: Any) -> None:
    """Load what is new into raw; the marts stay as they are.

    \b
    boxoffice load
    boxoffice load --since 2026-01-01 --until 2026-02-01
    """
    from pipelines import run as runs

    echo = _echo(log_format)
    _finish(runs.load_only(_settings(), echo=echo, **_options(**reading)), echo)


@main.command()
def transform() -> None:
    """Build, test and publish the marts from what raw holds; asks no platform.

    \b
    boxoffice transform          after a change to a model or a seed
    """
    from pipelines import run as runs

    echo = _echo()
    _finish(runs.transform_only(_settings(), echo=echo), echo)


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


ACCOUNT = click.option("--account", help="Which one, when several are configured.")


@main.command()
@click.argument("order_id", required=False)
@click.option("--created-at", metavar="DATE", help="Created on this day, or in this second.")
@click.option("--after", metavar="DATE", help="Created after it.")
@click.option("--on-or-after", metavar="DATE", help="Created on it or after.")
@click.option("--before", metavar="DATE", help="Created before it.")
@click.option("--on-or-before", metavar="DATE", help="Created on it or before.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the newest.")
@ACCOUNT
def orders(order_id: str | None, account: str | None, **filters: Any) -> None:
    """Ask Ticket Tailor for its orders, or for one: JSON, one a line, straight from the API; nothing is loaded.

    \b
    boxoffice orders --on-or-after 2026-09-01 --before 2026-10-01
    boxoffice orders --limit 5
    boxoffice orders or_81117157
    """
    from pipelines.ticket_tailor import verbs

    client, zone = _client(account)
    found = [verbs.get_order(client, order_id)] if order_id else verbs.list_orders(client, zone=zone, **filters)
    _print_json(found)


@main.command()
@click.argument("event_id", required=False)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@ACCOUNT
def events(event_id: str | None, limit: int | None, account: str | None) -> None:
    """Ask Ticket Tailor for its events, or for one: JSON, one a line, straight from the API; nothing is loaded.

    \b
    boxoffice events --limit 10
    boxoffice events ev_8865698
    """
    from pipelines.ticket_tailor import verbs

    client, _ = _client(account)
    _print_json([verbs.get_event(client, event_id)] if event_id else verbs.list_events(client, limit=limit))


def _pairs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r}: give NAME=VALUE.")
    return dict(value.split("=", 1) for value in values)


@main.command()
@click.argument("platform", type=click.Choice(["ticket-tailor", "ticketor"]))
@click.argument("method", type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.option("--header", "headers", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--query", "query", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--body", help="Sent as it is; the header Content-Type says what it is.")
@ACCOUNT
def call(platform: str, method: str, path: str, account: str | None, **request: Any) -> None:
    """Make any call to a platform's API and print its answer. The key or password is added; nothing is loaded.

    \b
    boxoffice call ticket-tailor GET /v1/events --query limit=2
    boxoffice call ticketor GET webhooks
    """
    if platform == "ticketor":
        from pipelines.ticketor import client as ticketor

        answer = ticketor.call(_chosen(_settings().sites, account, "Ticketor site"), method, path, **request)
        status, text = answer.status_code, answer.text
    else:
        answer = _client(account)[0].call(method, path, **request)
        status = answer.status
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, indent=2, ensure_ascii=False)
    click.echo(text)
    if status >= 400:
        click.echo(f"{method.upper()} {path}: {status}", err=True)
        sys.exit(1)


def _chosen(accounts: Any, name: str | None, what: str) -> Any:
    """The account that is meant: by its name, or the only one there is."""
    named = [account for account in accounts if name in (None, account.name)]
    if len(named) != 1:
        names = ", ".join(account.name for account in accounts) or "none"
        raise ConfigProblem(f"Which {what}? Configured: {names}. Say it with --account.")
    return named[0]


def _client(account: str | None) -> Any:
    """A client of one box office, and the zone its dates are meant in."""
    from zoneinfo import ZoneInfo

    from pipelines.ticket_tailor.client import Client

    office = _chosen(_settings().box_offices, account, "box office")
    return Client(office.base_url, office.api_key), ZoneInfo(office.time_zone or "UTC")


def _print_json(found: Any) -> None:
    for each in found:
        click.echo(json.dumps(each, ensure_ascii=False))


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default="boxoffice.html", show_default=True, help="The file.")
def report(out: Path) -> None:
    """Draw the overview as one HTML file, to open or to send: no script in it, nothing fetched from elsewhere.

    \b
    boxoffice report
    boxoffice report --out /srv/www/monday.html
    """
    from pipelines.explore import report as reports

    click.echo(reports.report(_settings(), out))


@main.command()
@click.argument("order")
def explain(order: str) -> None:
    """Tell all about one order on one screen: lines, tickets, payments, changes, what does not add up.

    \b
    boxoffice explain or_81117157
    boxoffice explain 26657
    """
    from pipelines.explore import explain as explains

    click.echo(explains.explain(_settings(), order))


@main.command()
@click.option("--month", required=True, help="Such as 2026-09.")
@click.option("--format", "form", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder.")
def export(month: str, form: str, out: Path) -> None:
    """Write a month's reports and ledger as a bookkeeper opens them.

    \b
    boxoffice export --month 2026-09
    boxoffice export --month 2026-09 --format csv --out september
    """
    from pipelines.explore import export as exports

    for path in exports.export(_settings(), month, form, out):
        click.echo(path)


@main.command()
@click.option("--older-than", metavar="TIME", default="30d", show_default=True, help="By time of receipt.")
def archive(older_than: str) -> None:
    """Pack a Ticketor buffer's many small files into one compressed file a day; what raw does not hold whole stays.

    \b
    boxoffice archive
    boxoffice archive --older-than 90d
    """
    from pipelines import archive as archives

    echo = _echo()
    age = dt.timedelta(seconds=_seconds(older_than, "--older-than"))
    for packed in archives.archive(_settings(), age, echo=echo):
        for line in packed.left:
            echo(f"ticketor {packed.site}: left as it is: {line}")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Keep all that cannot be made again, raw and the secret behind person_key, in one file for its owner alone.

    \b
    boxoffice backup /mnt/backups/boxoffice.tar.gz
    """
    from pipelines import backup as backups

    backups.backup(_settings(), file, echo=_echo())


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Move aside a warehouse that is there.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup back, build and publish; the next run loads what came since.

    \b
    boxoffice restore /mnt/backups/boxoffice.tar.gz
    """
    from pipelines import backup as backups

    echo = _echo()
    _rebuilt(backups.restore(_settings(), file, echo=echo, replace=replace), echo)


@main.command()
def rebuild() -> None:
    """Make the warehouse again from what is kept: raw, else buffer, archive and API; tell what could not be got back.

    \b
    boxoffice rebuild
    """
    from pipelines import backup as backups

    echo = _echo()
    _rebuilt(backups.rebuild(_settings(), echo=echo), echo)


def _rebuilt(rebuilt: Any, echo: Callable[[str], None]) -> None:
    for line in rebuilt.told:
        echo(line)
    _finish(rebuilt.result, echo)


@main.command()
@click.argument("form", type=click.Choice(["cron", "systemd", "github-actions"]))
@click.option("--minutes", type=click.IntRange(min=1, max=720), default=15, show_default=True, help="How often.")
def schedule(form: str, minutes: int) -> None:
    """Print a ready file for a scheduler; nothing is installed.

    \b
    boxoffice schedule cron
    boxoffice schedule systemd --minutes 30
    boxoffice schedule github-actions > .github/workflows/boxoffice.yml
    """
    from pipelines import schedule as schedules

    click.echo(schedules.FORMS[form](minutes), nl=False)


def _summary(result: Any, echo: Callable[[str], None]) -> None:
    for account in result.accounts:
        rows = ", ".join(f"{count:,} {table}" for table, count in account.news.items()) or "nothing new"
        echo(f"{account.platform} {account.account}: {account.error or rows}")
        for line in account.told:
            echo(f"{account.platform} {account.account}: {line}")
    if result.error:
        echo(result.error)
    echo(f"{result.outcome} in {(result.ended_at - result.started_at).total_seconds():.1f} s")


def _finish(result: Any, echo: Callable[[str], None]) -> None:
    """The run's summary, and its exit code."""
    _summary(result, echo)
    sys.exit(result.exit_code)


def _seconds(text: str, option: str = "--every") -> int:
    """90s, 15m, 1h, 30d as seconds."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if not unit or not text[:-1].isdigit() or not int(text[:-1]):
        raise click.BadParameter(f"{text!r}: give a time such as 90s, 15m, 1h or 30d.", param_hint=option)
    return int(text[:-1]) * unit


if __name__ == "__main__":
    main()
