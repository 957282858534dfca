"""The commands that keep what cannot be rebuilt, and restore it."""

import datetime as dt
from pathlib import Path
from typing import Any

import click

from boxoffice.cli.common import ProgressLog, finish, seconds, settings


@click.command()
@click.option(
    "--older-than", metavar="TIME", default="30d", show_default=True, help="Pack files received longer ago than this."
)
def archive(older_than: str) -> None:
    """Pack a Ticketor buffer's many small files into one compressed file a day; what raw does not hold whole stays.

    \b
    boxoffice archive
    boxoffice archive --older-than 90d
    """
    from boxoffice.run import archive as archives

    log = ProgressLog()
    age = dt.timedelta(seconds=seconds(older_than, "--older-than"))
    for packed in archives.archive(settings(), age, echo=log):
        for line in packed.left:
            log(f"ticketor {packed.site}: left as it is: {line}")


@click.command("rename-account", context_settings={"token_normalize_func": lambda token: token.replace("_", "-")})
@click.argument("platform", type=click.Choice(["ticketor", "ticket-tailor"]))
@click.argument("old")
@click.argument("new")
def rename_account(platform: str, old: str, new: str) -> None:
    """Rename an account in raw, after it was renamed in the settings; the next run builds everything from nothing.

    \b
    boxoffice rename-account ticket-tailor main studio     the key was in TICKET_TAILOR_API_KEY before
    boxoffice rename-account ticketor main arena           the folder was in TICKETOR_BUFFER before
    """
    from boxoffice.run import rename

    rename.rename_account(settings(), platform.replace("-", "_"), old, new, echo=ProgressLog())


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Back up what cannot be rebuilt, raw and the secret behind person_key, to one file that only its owner can read.

    \b
    boxoffice backup /mnt/backups/boxoffice.tar.gz
    """
    from boxoffice.run import backup as backups

    backups.backup(settings(), file, echo=ProgressLog())


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Move an existing warehouse aside.")
def restore(file: Path, replace: bool) -> None:
    """Restore a backup, build and publish; the next run loads what is newer.

    \b
    boxoffice restore /mnt/backups/boxoffice.tar.gz
    """
    from boxoffice.run import backup as backups

    log = ProgressLog()
    _rebuilt(backups.restore(settings(), file, echo=log, replace=replace), log)


@click.command()
def rebuild() -> None:
    """Rebuild the warehouse from raw, or else from buffer, archive and API, and report what could not be recovered.

    \b
    boxoffice rebuild
    """
    from boxoffice.run import backup as backups

    log = ProgressLog()
    _rebuilt(backups.rebuild(settings(), echo=log), log)


def _rebuilt(rebuilt: Any, log: ProgressLog) -> None:
    for line in rebuilt.messages:
        log(line)
    finish(rebuilt.result, log)
