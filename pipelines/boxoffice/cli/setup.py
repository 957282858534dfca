"""The commands to set up accounts and to check that they work."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boxoffice.cli.common import settings
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.setting_values import check_name, is_time_zone
from boxoffice.settings import (
    ROOT,
    SINGLE_ACCOUNT,
    TICKET_TAILOR_URL,
    BoxOffice,
    load_settings,
)
from boxoffice.terminal import echo

if TYPE_CHECKING:
    from boxoffice.run.check import Finding


NEXT = """\
Next:
  boxoffice check            check that everything can be reached
  boxoffice run              load, build and publish
  boxoffice schedule cron    print a crontab line that repeats the run"""


@click.command()
@click.option(
    "--api-key", metavar="KEY", help="The API key of a Ticket Tailor box office; `-` reads it from standard input."
)
@click.option("--buffer", metavar="FOLDER", help="Where Ticketor's webhooks are written: a folder, or s3://…")
@click.option("--time-zone", metavar="ZONE", help="Decides which day a sale belongs to, such as Europe/London.")
@click.option("--name", default=SINGLE_ACCOUNT, show_default=True, help="The name of the accounts in the settings.")
@click.option("--replace", is_flag=True, help="Replace different settings without asking.")
def init(api_key: str | None, buffer: str | None, time_zone: str | None, name: str, replace: bool) -> None:
    """Ask for an API key, a folder and a time zone, try each, and write them to .dlt/secrets.toml (readable by its
    owner alone) and .dlt/config.toml. Without a terminal, give them as options.

    Create an API key in Ticket Tailor's dashboard: Box office settings > API > Generate a new key.

    \b
    boxoffice init
    boxoffice init --api-key - --time-zone Europe/London < key.txt
    boxoffice init --name arena --buffer /srv/webhooks/arena
    """
    from boxoffice import settings_files

    check_name("--name", name)
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    if not asks and not api_key and not buffer:
        raise ConfigProblem("No terminal to ask on: give --api-key, --buffer or both. Nothing was written.")
    known = load_settings(os.environ, ROOT)
    zones = [each.time_zone for each in (*known.sites, *known.box_offices) if each.time_zone]
    key, zone_of_events = _api_key(sys.stdin.readline().strip() if api_key == "-" else api_key, asks, name)
    buffer = _buffer(buffer, asks, name)
    zone = _time_zone(time_zone, asks, [*zones, zone_of_events or _zone_of_machine()][0])
    if not key and not buffer:
        raise ConfigProblem("Neither a key nor a folder was given: there is nothing to set up. Nothing was written.")

    def may_replace(setting: str) -> bool:
        if replace:
            return True
        if asks:
            return click.confirm(f"{setting} is set to something else. Replace it?", err=True)
        echo(f"{setting} is set to something else, and was left as it is: --replace replaces it.", err=True)
        return False

    folder = ROOT / ".dlt"
    secrets = [(("ticket_tailor", "box_offices", name, "api_key"), key)] if key else []
    others = [(("boxoffice", "time_zone"), zone)] if zone else []
    others += [(("ticketor", "sites", name, "buffer"), buffer)] if buffer else []
    for file, chosen, mode in (("secrets.toml", secrets, 0o600), ("config.toml", others, 0o644)):
        if chosen and settings_files.write(folder / file, chosen, mode, may_replace):
            echo(f"written: {folder / file}")
    for variable in ("TICKET_TAILOR_API_KEY", "TICKETOR_BUFFER", "BOXOFFICE_TIME_ZONE"):
        if os.environ.get(variable):
            echo(f"{variable} is set in the environment and overrides the files.", err=True)
    load_settings(os.environ, ROOT)
    echo(NEXT)


def _api_key(key: str | None, asks: bool, name: str) -> tuple[str | None, str | None]:
    """A key that works, and the time zone of the newest event that it can read."""
    from boxoffice.ticket_tailor.errors import WHERE_KEYS_ARE

    given = key is not None
    while True:
        if not given and asks:
            echo(f"Ticket Tailor. In its dashboard: {WHERE_KEYS_ARE}.", err=True)
            key = click.prompt("API key (Enter: none)", default="", show_default=False, hide_input=True, err=True)
        key = (key or "").strip()
        if not key:
            return None, None
        office = BoxOffice(name, key, os.environ.get("TICKET_TAILOR_BASE_URL") or TICKET_TAILOR_URL)
        from boxoffice.run import check as checks

        if _shown(checks.box_office(office)):
            return key, checks.zone_of_events(office)
        if given or not asks:
            raise Problem("The API key does not work. Nothing was written.")


def _buffer(buffer: str | None, asks: bool, name: str) -> str | None:
    """A folder that can be read."""
    given = buffer is not None
    while True:
        if not given and asks:
            echo("Ticketor. The folder that its webhooks are written to, by `boxoffice receive` or another.", err=True)
            buffer = click.prompt("Folder (Enter: none)", default="", show_default=False, err=True)
        buffer = (buffer or "").strip()
        if not buffer:
            return None
        if "://" in buffer:
            return buffer
        folder = Path(buffer).expanduser().absolute()
        if not folder.exists() and asks and click.confirm(f"There is no folder {folder}. Make it?", err=True):
            folder.mkdir(mode=0o700, parents=True)
        if os.access(folder, os.R_OK | os.X_OK) and folder.is_dir():
            return str(folder)
        echo(f"{folder} is not a folder that can be read.", err=True)
        if given or not asks:
            raise Problem("The folder cannot be used. Nothing was written.")


def _time_zone(zone: str | None, asks: bool, proposed: str) -> str | None:
    given = zone is not None
    while True:
        if not given and asks:
            zone = click.prompt("Time zone", default=proposed, err=True)
        if not zone or is_time_zone(zone):
            return zone
        echo(f"{zone!r} is not a time zone. Write it as Europe/London or America/Los_Angeles.", err=True)
        if given or not asks:
            raise Problem("Unknown time zone. Nothing was written.")


def _zone_of_machine() -> str:
    zone = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    return zone if zone and is_time_zone(zone) else "UTC"


@click.command()
def check() -> None:
    """Check each account, the folders, the disk and the clock, and report what is wrong. Nothing is loaded or changed.

    Exits 1 when something is wrong.

    \b
    boxoffice check
    """
    from boxoffice.run import check as checks

    sys.exit(0 if _shown(checks.check(settings()), sys.stdout.isatty()) else 1)


def _shown(findings: "Iterator[Finding]", colour: bool = False) -> bool:
    """Prints findings as they come; returns whether all is well."""
    well = True
    for finding in findings:
        well = well and finding.well
        mark = click.style("ok    ", fg="green") if finding.well else click.style("wrong ", fg="red")
        echo(f"{finding.of}: {finding.text}", before=mark if colour else click.unstyle(mark))
    return well
