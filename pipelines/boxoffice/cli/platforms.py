"""The commands that query a platform directly; nothing is loaded."""

import json
import sys
from typing import Any

import click

from boxoffice import redaction
from boxoffice.cli.common import ProgressLog, settings
from boxoffice.errors import ConfigProblem
from boxoffice.terminal import echo

ACCOUNT = click.option("--account", help="The account, if several are configured.")


@click.command()
@click.argument("order_id", required=False)
@click.option("--created-at", metavar="DATE", help="Created on this day, or at this second.")
@click.option("--after", metavar="DATE", help="Created after it.")
@click.option("--on-or-after", metavar="DATE", help="Created on it or after.")
@click.option("--before", metavar="DATE", help="Created before it.")
@click.option("--on-or-before", metavar="DATE", help="Created on it or before.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many, newest first.")
@ACCOUNT
def orders(order_id: str | None, account: str | None, **filters: Any) -> None:
    """Print Ticket Tailor's orders, or one order, from its API as one JSON object a line; nothing is loaded.

    \b
    boxoffice orders --on-or-after 2026-09-01 --before 2026-10-01
    boxoffice orders --limit 5
    boxoffice orders or_81117157
    """
    from boxoffice.ticket_tailor import queries

    client, zone = _client(account)
    found = [queries.get_order(client, order_id)] if order_id else queries.list_orders(client, zone=zone, **filters)
    _print_json(found)


@click.command()
@click.argument("event_id", required=False)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many.")
@ACCOUNT
def events(event_id: str | None, limit: int | None, account: str | None) -> None:
    """Print Ticket Tailor's events, or one event, from its API as one JSON object a line; nothing is loaded.

    \b
    boxoffice events --limit 10
    boxoffice events ev_8865698
    """
    from boxoffice.ticket_tailor import queries

    client, _ = _client(account)
    _print_json([queries.get_event(client, event_id)] if event_id else queries.list_events(client, limit=limit))


def _pairs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r}: give NAME=VALUE.")
    return dict(value.split("=", 1) for value in values)


@click.command()
@click.argument("platform", type=click.Choice(["ticket-tailor", "ticketor"]))
@click.argument("method", type=click.Choice(["GET", "POST", "PUT", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.option("--header", "headers", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--query", "query", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--body", help="Sent unchanged; set its Content-Type with --header.")
@ACCOUNT
def call(platform: str, method: str, path: str, account: str | None, **request: Any) -> None:
    """Call any endpoint of a platform's API and print the response. Credentials are added; nothing is loaded.

    \b
    boxoffice call ticket-tailor GET /v1/events --query limit=2
    boxoffice call ticketor GET webhooks
    """
    if platform == "ticketor":
        from boxoffice.ticketor import api as ticketor

        answer = ticketor.call(_chosen(settings().sites, account, "Ticketor site"), method, path, **request)
        status, text = answer.status_code, answer.text
    else:
        answer = _client(account)[0].call(method, path, **request)
        status = answer.status
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, indent=2, ensure_ascii=False)
    echo(redaction.without(text, settings().secrets))
    if status >= 400:
        echo(f"{method.upper()} {path}: {status}", err=True)
        sys.exit(1)


def _chosen(accounts: Any, name: str | None, what: str) -> Any:
    """The account of this name, or the only one that is configured."""
    if not accounts:
        variable = "TICKETOR_BUFFER" if "Ticketor" in what else "TICKET_TAILOR_API_KEY"
        raise ConfigProblem(f"No {what} is configured. Set {variable}, or call: boxoffice init")
    named = [account for account in accounts if name in (None, account.name)]
    if len(named) != 1:
        names = ", ".join(account.name for account in accounts)
        raise ConfigProblem(f"Which {what}? Configured: {names}. Name it with --account.")
    return named[0]


def _client(account: str | None) -> Any:
    """A client of one box office, and the time zone of its dates."""
    from zoneinfo import ZoneInfo

    from boxoffice.ticket_tailor.api import Client

    office = _chosen(settings().box_offices, account, "box office")
    return Client(office.base_url, office.api_key, echo=ProgressLog()), ZoneInfo(office.time_zone or "UTC")


def _print_json(found: Any) -> None:
    for each in found:
        echo(json.dumps(each, ensure_ascii=False))
