"""What several verbs need: settings, progress, a run's summary and exit code, a time as people write it."""

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
from boxoffice.errors import ConfigProblem, Problem, in_words
from boxoffice.settings import Settings, duration, load_settings


class Verbs(click.Group):
    """Prints what went wrong as its message alone and exits with its code."""

    def invoke(self, ctx: click.Context) -> Any:
        sys.excepthook = lambda *error: terminal.echo("".join(traceback.format_exception(*error)), err=True, nl=False)
        try:
            result = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()  # here, and not as the interpreter ends, is a reader missed that has gone
            return result
        except click.ClickException as error:  # click prints it, with what was typed, or what a shell made of `*`
            error.message = terminal.shown(error.message)
            raise
        except KeyboardInterrupt as stopped:
            _last_words(str(stopped) or "Interrupted.")
            ctx.exit(getattr(stopped, "exit_code", 128 + signal.SIGINT))
        except Exception as error:
            problem = _problem(error)
            _last_words(str(problem))
            ctx.exit(problem.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each verb with its whole first sentence, which click would cut at one line."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.get_short_help_str(limit=500)) for name, verb in self.commands.items()])


def _last_words(line: str) -> None:
    tell = Teller()
    if tell.form == "json":
        tell(line)
    else:
        terminal.echo(line, err=True, fg="red")


def _problem(error: Exception) -> Problem:
    """What a disk or a database said of a file, and what to do next. Raises whatever else was not foreseen."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        return Problem(in_words(error))
    duckdb = sys.modules.get("duckdb")
    if duckdb and isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return Problem(
            f"{error}\nIf another version of Boxoffice published these tables: `boxoffice run` or "
            "`boxoffice transform` makes them again."
        )
    if duckdb and isinstance(error, duckdb.Error):
        return Problem(
            f"{error}\nIf a file is damaged: boxoffice.duckdb is made anew by `boxoffice transform`, warehouse.duckdb "
            "by `boxoffice restore` or `boxoffice rebuild`."
        )
    raise error


def settings(verb: str = "") -> Settings:
    """What is wrong with them on_failure is told too, for a ``verb`` that a scheduler calls."""
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


# before the verb or, with those that a scheduler calls, behind it
LOG_FORMAT = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    callback=_keep_form,
    expose_value=False,
    help="Progress and errors as text, or as one JSON object a line.",
)


class Teller:
    """Progress and logs go to standard error: for a person, or one JSON object a line for a machine."""

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
        """What a run did, account by account; the last line says how it went."""
        if self.form == "text" and any(account.news for account in result.accounts):
            self._table(result.accounts)
        # a failure was told when it happened; at the end of a long run it is told again
        failures = [f"{account.platform} {account.account}: {account.error}" for account in result.accounts]
        just_told = set(self.lines) if len(self.lines) <= len(failures) + 1 else set()
        for account in result.accounts:
            name = f"{account.platform} {account.account}"
            if self.form == "json" or account.error:
                line = f"{name}: {account.error or account.news_in_words}"
                if line not in just_told:
                    self(line)
            for line in account.messages:
                self(f"{name}: {line}")
        for line in (result.error, result.set_aside, result.on_failure):
            if line:
                self(line)
        took = max(0.0, (result.ended_at - result.started_at).total_seconds())
        self(f"{result.outcome} in {took:.1f} s" + ("; more by: boxoffice status" if result.exit_code else ""))

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
                    account.news_in_words,
                )
                for account in accounts
            ],
        )


def finish(result: Any, tell: Teller) -> None:
    """The run's summary, and its exit code."""
    tell.summary(result)
    sys.exit(result.exit_code)


def seconds(text: str, option: str = "--every") -> int:
    """90s, 15m, 1h, 30d as seconds."""
    try:
        return int(duration(text).total_seconds())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
