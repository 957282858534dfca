"""Ready files for the schedulers people have: printed, never installed by us."""

import shlex
import sys
from pathlib import Path

from pipelines.settings import ROOT


def cron(minutes: int = 15) -> str:
    """A line for `crontab -e`."""
    command = f"cd {shlex.quote(str(ROOT))} && {shlex.quote(str(_boxoffice()))} run"
    when = f"*/{minutes} * * * *" if minutes < 60 else f"7 */{minutes // 60} * * *"
    return (
        f"# boxoffice, every {minutes} minutes; a run with nothing new costs a fraction of a second, two never meet\n"
        f"# keys stand in .dlt/secrets.toml, or as NAME=value lines above this one\n"
        f"{when}  {command} >> data/logs/cron.log 2>&1\n"
    )


def systemd(minutes: int = 15) -> str:
    """A service and its timer, for a user's own systemd (~/.config/systemd/user) or the system's."""
    return f"""\
# ~/.config/systemd/user/boxoffice.service
[Unit]
Description=Boxoffice: load what is new, build and publish the marts
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={ROOT}
ExecStart={_boxoffice()} run
# another run under way is no failure
SuccessExitStatus=75
# keys stand in .dlt/secrets.toml, or here: EnvironmentFile=%h/.config/boxoffice.env

# ~/.config/systemd/user/boxoffice.timer
[Unit]
Description=Boxoffice every {minutes} minutes

[Timer]
OnCalendar=*:0/{minutes}
Persistent=true
RandomizedDelaySec=30

[Install]
WantedBy=timers.target

# then: systemctl --user enable --now boxoffice.timer; loginctl enable-linger
"""


def github_actions(minutes: int = 15) -> str:
    """A workflow for a repository that holds this checkout; the warehouse travels from run to run as a cache."""
    return f"""\
# .github/workflows/boxoffice.yml
name: boxoffice
on:
  schedule:
    - cron: "*/{max(minutes, 5)} * * * *"
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
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - uses: actions/cache@v4
        with:
          path: data
          key: boxoffice-${{{{ github.run_id }}}}
          restore-keys: boxoffice-
      - run: make .venv/.run
      - run: .venv/bin/boxoffice run
        env:
          TICKET_TAILOR_API_KEY: ${{{{ secrets.TICKET_TAILOR_API_KEY }}}}
          TICKETOR_BUFFER: ${{{{ vars.TICKETOR_BUFFER }}}}
          BOXOFFICE_TIME_ZONE: ${{{{ vars.BOXOFFICE_TIME_ZONE }}}}
"""


def _boxoffice() -> Path:
    return Path(sys.prefix) / "bin" / "boxoffice"


FORMS = {"cron": cron, "systemd": systemd, "github-actions": github_actions}
