"""The verbs that keep what cannot be made again, and put it back."""

import datetime as dt
from pathlib import Path
from typing import Any

import click

from boxoffice.cli.common import Teller, finish, seconds, settings


@click.command()
@click.option("--older-than", metavar="TIME", default="30d", show_default=True, help="By time of receipt.")
def archive(older_than: str) -> None:
    """Pack a Ticketor buffer's many small files into one compressed file a day; what raw does not hold whole stays.

    \b
    boxoffice archive
    boxoffice archive --older-than 90d
    """
    from boxoffice.run import archive as archives

    tell = Teller()
    age = dt.timedelta(seconds=seconds(older_than, "--older-than"))
    for packed in archives.archive(settings(), age, echo=tell):
        for line in packed.left:
            tell(f"ticketor {packed.site}: left as it is: {line}")


@click.command("rename-account", context_settings={"token_normalize_func": lambda token: token.replace("_", "-")})
@click.argument("platform", type=click.Choice(["ticketor", "ticket-tailor"]))
@click.argument("old")
@click.argument("new")
def rename_account(platform: str, old: str, new: str) -> None:
    """Give all that raw holds of an account its new name, after it got one in the settings; the next run builds anew.

    \b
    boxoffice rename-account ticket-tailor main studio     the key was in TICKET_TAILOR_API_KEY before
    boxoffice rename-account ticketor main arena           the folder was in TICKETOR_BUFFER before
    """
    from boxoffice.run import rename

    rename.rename_account(settings(), platform.replace("-", "_"), old, new, echo=Teller())


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Keep all that cannot be made again, raw and the secret behind person_key, in one file for its owner alone.

    \b
    boxoffice backup /mnt/backups/boxoffice.tar.gz
    """
    from boxoffice.run import backup as backups

    backups.backup(settings(), file, echo=Teller())


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put aside a warehouse that is there.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup back, build and publish; the next run loads what came since.

    \b
    boxoffice restore /mnt/backups/boxoffice.tar.gz
    """
    from boxoffice.run import backup as backups

    tell = Teller()
    _rebuilt(backups.restore(settings(), file, echo=tell, replace=replace), tell)


@click.command()
def rebuild() -> None:
    """Make the warehouse again from what is kept: raw, else buffer, archive and API; tell what could not be got back.

    \b
    boxoffice rebuild
    """
    from boxoffice.run import backup as backups

    tell = Teller()
    _rebuilt(backups.rebuild(settings(), echo=tell), tell)


def _rebuilt(rebuilt: Any, tell: Teller) -> None:
    for line in rebuilt.messages:
        tell(line)
    finish(rebuilt.result, tell)
