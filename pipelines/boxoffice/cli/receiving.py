"""The verb that takes webhooks."""

import dataclasses
import os

import click

from boxoffice.cli.common import LOG_FORMAT, Teller
from boxoffice.errors import ConfigProblem
from boxoffice.settings import check_name, load_settings


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where, instead of the setting receiver.listen.")
@click.option("--new-token", nargs=2, metavar="PLATFORM ACCOUNT", help="Print a new address of an account, and stop.")
@click.option("--check", is_flag=True, help="Follow samples from a receiver into the marts of a scratch warehouse.")
@LOG_FORMAT
def receive(listen: str | None, new_token: tuple[str, str] | None, check: bool) -> None:
    """Take webhooks over HTTP and keep each one on the disk before it is acknowledged; stops on Ctrl-C.

    It listens on loopback, for a proxy with a certificate to pass on what comes from outside: docs/receiver.md.

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

        check_receiver.check(settings, Teller())
        return
    server.serve(settings, Teller())


def _print_token(platform: str, account: str) -> None:
    from boxoffice.receiver import accounts

    tables = {"ticketor": "ticketor.sites", "ticket-tailor": "ticket_tailor.box_offices"}
    if platform not in tables:
        raise ConfigProblem(f"{platform} is no platform: it is ticketor or ticket-tailor.")
    check_name(f"[{tables[platform]}.{account}]", account)
    token, sha256 = accounts.new_token()
    click.echo(
        f"The address for the webhooks of {platform} {account}, with your own host. It is a secret, and it is kept "
        f"nowhere: paste it now.\n\n  https://YOUR-HOST/{platform}/{token}\n\n"
        "For .dlt/config.toml (beside another one, until no webhook uses that any more):\n\n"
        f'  [{tables[platform]}.{account}]\n  token_sha256 = ["{sha256}"]\n'
    )
