"""What several verbs need: settings, progress, a run's summary and exit code, a time as people write it."""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from pipelines.settings import Settings, duration, load_settings


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
    for line in (result.error, result.on_failure):
        if line:
            echo(line)
    echo(f"{result.outcome} in {(result.ended_at - result.started_at).total_seconds():.1f} s")


def finish(result: Any, echo: Callable[[str], None]) -> None:
    """The run's summary, and its exit code."""
    summary(result, echo)
    sys.exit(result.exit_code)


def seconds(text: str, option: str = "--every") -> int:
    """90s, 15m, 1h, 30d as seconds."""
    try:
        return int(duration(text).total_seconds())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
