"""Ready-made files for common schedulers: printed, never installed."""

import shlex
import sys
from pathlib import Path

from boxoffice.errors import ConfigProblem
from boxoffice.settings import ROOT, Settings

# Past the hour, for what runs every few hours: on the hour everyone else's jobs run.
MINUTE = 7
# The report by mail is tried in each of these hours until the server has accepted this week's: on Mondays, or once the
# machine or the server is up again.
HOURS = (7, 22)
MAIL = "report --mail --weekly"
MAILED = "the report by mail, once a week: on Monday, or as soon after it as the mail server takes it"


def cron(settings: Settings, minutes: int = 15, report: str | None = None) -> str:
    """A line for `crontab -e`, and another for the ``report`` by mail."""
    log = settings.logs / "cron.log"

    def command(verb: str) -> str:
        return (
            f"umask 077 && mkdir -p {shlex.quote(str(log.parent))} && cd {shlex.quote(str(ROOT))} && "
            f"BOXOFFICE_DATA_DIR={shlex.quote(str(settings.data_dir))} {shlex.quote(str(_boxoffice()))} {verb} "
            f">> {shlex.quote(str(log))} 2>&1"
        )

    weekly = f"# {MAILED}\n{MINUTE} {HOURS[0]}-{HOURS[1]} * * *  {command(MAIL)}\n" if report else ""
    return (
        f"# boxoffice, {_often(minutes)}; a run with nothing new costs a fraction of a second, two never meet\n"
        f"# keys are in .dlt/secrets.toml, or as NAME=value lines above this one\n"
        f"{_cron_time(minutes)}  {command('run')}\n{weekly}"
    )


def systemd(settings: Settings, minutes: int = 15, report: str | None = None) -> str:
    """A service and its timer, for a user's own systemd (~/.config/systemd/user) or the system's; both also for the
    ``report`` by mail."""
    _require_even(minutes)
    when = f"*:0/{minutes}" if minutes < 60 else f"00/{minutes // 60}:{MINUTE:02d}"
    weekly = (
        f"""
# ~/.config/systemd/user/boxoffice-report.service
[Unit]
Description=Boxoffice: the report by mail
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={ROOT}
Environment={_quoted(f"BOXOFFICE_DATA_DIR={settings.data_dir}")}
ExecStart={_quoted(str(_boxoffice()))} {MAIL}
UMask=0077

# ~/.config/systemd/user/boxoffice-report.timer
[Unit]
Description={MAILED}

[Timer]
OnCalendar=*-*-* {HOURS[0]:02d}..{HOURS[1]}:{MINUTE:02d}:00

[Install]
WantedBy=timers.target
"""
        if report
        else ""
    )
    also = " boxoffice-report.timer" if report else ""
    return f"""\
# ~/.config/systemd/user/boxoffice.service
[Unit]
Description=Boxoffice: load what is new, build and publish the marts
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={ROOT}
Environment={_quoted(f"BOXOFFICE_DATA_DIR={settings.data_dir}")}
ExecStart={_quoted(str(_boxoffice()))} run
UMask=0077
# another run under way is no failure
SuccessExitStatus=75
# keys are in .dlt/secrets.toml, or here: EnvironmentFile=%h/.config/boxoffice.env

# ~/.config/systemd/user/boxoffice.timer
[Unit]
Description=Boxoffice {_often(minutes)}

[Timer]
OnCalendar={when}
Persistent=true
RandomizedDelaySec=30

[Install]
WantedBy=timers.target
{weekly}
# then: systemctl --user enable --now boxoffice.timer{also}; loginctl enable-linger
"""


def github_actions(_settings: Settings, minutes: int = 15, report: str | None = None) -> str:
    """A workflow for a repository that holds this checkout; the warehouse travels from run to run as a cache. It has a
    step for the ``report`` by mail."""
    weekly = (
        f"""
      # {MAILED}; host, sender, to and user are in .dlt/config.toml
      - run: .venv/bin/boxoffice {MAIL}
        env:
          BOXOFFICE__MAIL__PASSWORD: ${{{{ secrets.BOXOFFICE_MAIL_PASSWORD }}}}"""
        if report
        else ""
    )
    return f"""\
# .github/workflows/boxoffice.yml, in a private repository: the cache holds people's names and addresses.
# GitHub drops a cache that was not used for a week, and Ticket Tailor's history cannot be read again:
# keep a `boxoffice backup` elsewhere.
# A checkout is new to each run, so each installs and builds everything: minutes, whether anything is new or not.
name: boxoffice
on:
  schedule:
    - cron: "{_cron_time(max(minutes, 5))}"
  workflow_dispatch:
concurrency:
  group: boxoffice
  cancel-in-progress: false
permissions:
  contents: read
jobs:
  run:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    env:
      BOXOFFICE_DATA_DIR: data
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - uses: actions/cache/restore@v4
        with:
          path: data
          key: boxoffice-${{{{ github.run_id }}}}
          restore-keys: boxoffice-
      - run: make .venv/.run
      # what reads a bucket, the only Ticketor buffer that can be reached from here
      - run: .venv/bin/python -m pip install --require-hashes --constraint constraints-hashed.txt s3fs
      - run: .venv/bin/boxoffice run
        env:
          TICKET_TAILOR_API_KEY: ${{{{ secrets.TICKET_TAILOR_API_KEY }}}}
          TICKETOR_BUFFER: ${{{{ vars.TICKETOR_BUFFER }}}}
          AWS_ACCESS_KEY_ID: ${{{{ secrets.AWS_ACCESS_KEY_ID }}}}
          AWS_SECRET_ACCESS_KEY: ${{{{ secrets.AWS_SECRET_ACCESS_KEY }}}}
          BOXOFFICE_TIME_ZONE: ${{{{ vars.BOXOFFICE_TIME_ZONE }}}}{weekly}
      # also after a run that failed: what it did load is kept
      - uses: actions/cache/save@v4
        if: always()
        with:
          path: data
          key: boxoffice-${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
"""


def _cron_time(minutes: int) -> str:
    _require_even(minutes)
    return f"*/{minutes} * * * *" if minutes < 60 else f"{MINUTE} */{minutes // 60} * * *"


def _require_even(minutes: int) -> None:
    """Raises ConfigProblem for an interval that cron cannot express: 45 minutes would restart at the full hour."""
    if (60 % minutes) if minutes < 60 else (24 * 60 % minutes or minutes % 60):
        raise ConfigProblem(
            f"Every {minutes} minutes is not possible. Choose a divisor of an hour (5, 10, 15, 20, 30) or whole "
            "hours that make a day (60, 120, 180, 240, 360, 480, 720)."
        )


def _often(minutes: int) -> str:
    return f"every {minutes} minutes" if minutes < 60 else f"every {minutes // 60} h"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _boxoffice() -> Path:
    return Path(sys.prefix) / "bin" / "boxoffice"


FORMS = {"cron": cron, "systemd": systemd, "github-actions": github_actions}
