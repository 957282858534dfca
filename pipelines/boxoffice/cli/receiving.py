"""The command that receives webhooks."""

import dataclasses
import os

import click

from boxoffice.cli.common import LOG_FORMAT, ProgressLog
from boxoffice.errors import ConfigProblem
from boxoffice.setting_values import check_name
from boxoffice.settings import load_settings


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Listen here instead of at the setting receiver.listen.")
@click.option(
    "--new-token", nargs=2, metavar="PLATFORM ACCOUNT", help="Print a new webhook address for an account, and exit."
)
@click.option(
    "--check",
    is_flag=True,
    help="Send samples to a receiver, load them into a scratch warehouse, check its marts, and exit.",
)
@LOG_FORMAT
def receive(listen: str | None, new_token: tuple[str, str] | None, check: bool) -> None:
    """Receive webhooks over HTTP and write each one to the disk before acknowledging it; Ctrl-C stops.

    It listens on loopback, behind a reverse proxy with a certificate: docs/receiver.md.

    \b
    boxoffice receive --new-token ticketor arena
    boxoffice receive --check
    boxoffice receive
    boxoffice receive --listen 127.0.0.1:9000
    """
    if new_token:
        _print_token(*new_token)
        return
    from boxoffice.receiver import server

    settings = load_settings(os.environ, receiving=True)
    if listen:
        settings = dataclasses.replace(settings, receiver=dataclasses.replace(settings.receiver, listen=listen))
    if check:
        from boxoffice.run import check_receiver

        check_receiver.check(settings, ProgressLog())
        return
    server.serve(settings, ProgressLog())


def _print_token(platform: str, account: str) -> None:
    from boxoffice.receiver import accounts

    tables = {"ticketor": "ticketor.sites", "ticket-tailor": "ticket_tailor.box_offices"}
    if platform not in tables:
        raise ConfigProblem(f"{platform} is not a platform. Give ticketor or ticket-tailor.")
    check_name(f"[{tables[platform]}.{account}]", account)
    token, sha256 = accounts.new_token()
    click.echo(
        f"The address for the webhooks of {platform} {account}, with your own host. It is a secret and is not stored: "
        f"copy it now.\n\n  https://YOUR-HOST/{platform}/{token}\n\n"
        "For .dlt/config.toml (keep an earlier token beside it until no webhook uses that one any more):\n\n"
        f'  [{tables[platform]}.{account}]\n  token_sha256 = ["{sha256}"]\n'
    )
