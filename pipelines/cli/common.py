"""What several verbs need: settings, progress, a run's summary and exit code, a time as people write it."""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from pipelines.settings import Settings, load_settings


def settings() -> Settings:
    return load_settings(os.environ)


def echo(form: str = "text") -> Callable[[str], None]:
    """Progress and logs go to standard error: for a person, or one JSON object a line for a machine."""

    def text(line: str) -> None:
        click.echo(f"{click.style(time.strftime('%H:%M:%S'), dim=True)}  {line}", err=True)

    def as_json(line: str) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        click.echo(json.dumps({"at": now, "message": line}), err=True)

    return as_json if form == "json" else text


def summary(result: Any, echo: Callable[[str], None]) -> None:
    for account in result.accounts:
        rows = ", ".join(f"{count:,} {table}" for table, count in account.news.items()) or "nothing new"
        echo(f"{account.platform} {account.account}: {account.error or rows}")
        for line in account.told:
            echo(f"{account.platform} {account.account}: {line}")
    if result.error:
        echo(result.error)
    echo(f"{result.outcome} in {(result.ended_at - result.started_at).total_seconds():.1f} s")


def finish(result: Any, echo: Callable[[str], None]) -> None:
    """The run's summary, and its exit code."""
    summary(result, echo)
    sys.exit(result.exit_code)


def seconds(text: str, option: str = "--every") -> int:
    """90s, 15m, 1h, 30d as seconds."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    if not unit or not text[:-1].isdigit() or not int(text[:-1]):
        raise click.BadParameter(f"{text!r}: give a time such as 90s, 15m, 1h or 30d.", param_hint=option)
    return int(text[:-1]) * unit
