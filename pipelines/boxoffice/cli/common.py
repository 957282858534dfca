"""What several commands need: settings, progress, a run's summary and exit code, parsing of durations."""

import datetime as dt
import errno
import json
import os
import signal
import sys
import time
import traceback
from typing import Any

import click

from boxoffice import terminal
from boxoffice.errors import ConfigProblem, Problem, os_error_message
from boxoffice.setting_values import duration
from boxoffice.settings import Settings, load_settings


class CommandGroup(click.Group):
    """Prints an error as its message alone, without a traceback, and exits with its code."""

    def invoke(self, ctx: click.Context) -> Any:
        sys.excepthook = lambda *error: terminal.echo("".join(traceback.format_exception(*error)), err=True, nl=False)
        try:
            result = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()  # a closed pipe has to fail here, not while the interpreter exits
            return result
        except click.ClickException as error:  # click prints it, with what the user typed in it
            error.message = terminal.shown(error.message)
            raise
        except KeyboardInterrupt as stopped:
            _report_failure(str(stopped) or "Interrupted.")
            ctx.exit(getattr(stopped, "exit_code", 128 + signal.SIGINT))
        except Exception as error:
            problem = _problem(error)
            _report_failure(str(problem))
            ctx.exit(problem.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with its whole first sentence, which click would cut at one line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=500)) for name, command in self.commands.items()]
            )


def _report_failure(line: str) -> None:
    log = ProgressLog()
    if log.form == "json":
        log(line)
    else:
        terminal.echo(line, err=True, fg="red")


def _problem(error: Exception) -> Problem:
    """An error of the file system or of DuckDB as a Problem that says what to do next. Reraises any other error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        return Problem(os_error_message(error))
    duckdb = sys.modules.get("duckdb")
    if duckdb and isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return Problem(
            f"{error}\nIf another version of Boxoffice published these tables: `boxoffice run` or "
            "`boxoffice transform` builds them again."
        )
    if duckdb and isinstance(error, duckdb.Error):
        return Problem(
            f"{error}\nIf a file is damaged: `boxoffice transform` builds boxoffice.duckdb again, and warehouse.duckdb "
            "comes back with `boxoffice restore` or `boxoffice rebuild`."
        )
    raise error


def settings(verb: str = "") -> Settings:
    """Reads the settings. If they are invalid, on_failure is called too, for a ``verb`` that a scheduler runs."""
    try:
        return load_settings(os.environ)
    except ConfigProblem as problem:
        if verb and problem.settings:
            from boxoffice.run import run

            run.refused(problem.settings, verb, problem)
        raise


def _keep_form(ctx: click.Context, _parameter: click.Parameter, form: str | None) -> None:
    if form:
        ctx.meta[__name__] = form


# accepted before the command or, for those that a scheduler runs, after it
LOG_FORMAT = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    callback=_keep_form,
    expose_value=False,
    help="Progress and errors as text, or as one JSON object a line.",
)


class ProgressLog:
    """Writes progress and errors to standard error: as text, or as one JSON object a line."""

    def __init__(self) -> None:
        self.form = click.get_current_context().meta.get(__name__, "text")
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if self.form == "json":
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            terminal.echo(json.dumps({"at": now, "message": line}), err=True)
        else:
            terminal.echo(line, err=True, before=click.style(time.strftime("%H:%M:%S"), dim=True) + "  ")

    def summary(self, result: Any) -> None:
        """Prints what a run did, account by account; the last line is the outcome."""
        if self.form == "text" and any(account.news for account in result.accounts):
            self._table(result.accounts)
        # a failure was printed when it happened; after a long run it is printed again
        failures = [f"{account.platform} {account.account}: {account.error}" for account in result.accounts]
        just_printed = set(self.lines) if len(self.lines) <= len(failures) + 1 else set()
        for account in result.accounts:
            name = f"{account.platform} {account.account}"
            if self.form == "json" or account.error:
                line = f"{name}: {account.error or account.news_text}"
                if line not in just_printed:
                    self(line)
            for line in account.messages:
                self(f"{name}: {line}")
        for line in (result.error, result.set_aside, result.on_failure):
            if line:
                self(line)
        took = max(0.0, (result.ended_at - result.started_at).total_seconds())
        self(f"{result.outcome} in {took:.1f} s" + ("; for details: boxoffice status" if result.exit_code else ""))

    def _table(self, accounts: list[Any]) -> None:
        terminal.table(
            terminal.console(stderr=True),
            "",
            ["account", "outcome", ">refused", ">seconds", "new…"],
            [
                (
                    f"{account.platform} {account.account}",
                    "failed" if account.error else "loaded" if account.news else "nothing new",
                    f"{account.refused:,}",
                    f"{account.seconds:.1f}",
                    account.news_text,
                )
                for account in accounts
            ],
        )


def finish(result: Any, log: ProgressLog) -> None:
    """Prints the summary of a run and exits with its code."""
    log.summary(result)
    sys.exit(result.exit_code)


def seconds(text: str, option: str = "--every") -> int:
    """A duration such as 90s, 15m, 1h or 30d, in seconds."""
    try:
        return int(duration(text).total_seconds())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
