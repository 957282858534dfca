"""The commands that load, build and publish, and schedule that."""

import gc
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from boxoffice.cli.common import LOG_FORMAT, ProgressLog, finish, seconds, settings
from boxoffice.errors import Problem
from boxoffice.terminal import echo

if TYPE_CHECKING:
    from boxoffice.run.resident import Forked


def _options(since: str | None, until: str | None, **others: Any) -> dict[str, Any]:
    """--since and --until as the interval of created_at that they mean."""
    if not since and not until:
        return others
    from boxoffice.ticket_tailor import queries

    return {"span": queries.span(since, until), **others}


def _reading(command: Any) -> Any:
    """The options that say what to read, the same for run and load."""
    for option in (
        LOG_FORMAT,
        click.option("--full", is_flag=True, help="Read everything again from the beginning."),
        click.option(
            "--since", metavar="DATE", help="Ticket Tailor: only what was created on or after this day (UTC)."
        ),
        click.option("--until", metavar="DATE", help="Ticket Tailor: only what was created before this day (UTC)."),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            help="Ticket Tailor: read at most this many orders now; later runs read the rest.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--every",
    metavar="TIME",
    help="Keep running: at this interval, such as 15m, and whenever a webhook arrives; Ctrl-C stops.",
)
@_reading
def run(every: str | None, **reading: Any) -> None:
    """Load what is new, build and test the marts, publish them.

    Meant to be scheduled: it takes a fraction of a second when nothing is new, and finishes what a killed run left.

    \b
    boxoffice run
    boxoffice run --full
    boxoffice run --every 15m
    boxoffice schedule cron          a line for your crontab
    """
    from boxoffice.run import resident
    from boxoffice.run import run as runs
    from boxoffice.run import watch as watches
    from boxoffice.warehouse import dbt_project

    log = ProgressLog()
    if every:
        pause, watch = seconds(every), watches.Watch()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        text = dbt_project.text_of_program()
        while True:
            started, soon = time.monotonic(), pause
            try:
                configured = settings("run")
                watch.begin(configured)
                looked = runs.run(configured, echo=log, only_look=True, **_options(**reading))
                if looked.outcome == "due":
                    if dbt_project.text_of_program() != text:
                        resident.begin_again()
                    _wait_for(_run_in_a_child(), log)
                else:
                    log.summary(looked)
                    if any(account.waiting for account in looked.accounts):
                        buffers = [*configured.sites, *configured.box_offices]
                        soon = min(pause, max(each.settle_seconds for each in buffers))
            except Problem as problem:
                log(str(problem))
            took = time.monotonic() - started
            # however often it is woken, it rests for a third of the time
            watch.wait(soon - took, rest=took / 2)
    # what dbt makes lives until the process ends: looking for cycles in it takes a twentieth of a small run
    gc.set_threshold(10_000_000)
    finish(runs.run(settings("run"), echo=log, **_options(**reading)), log)


def _run_in_a_child() -> "subprocess.Popen[bytes] | Forked":
    """Runs once in a child process, so that the memory and sockets that dlt and dbt leak with each build end with it.

    The child has our own arguments, without ``--every``.
    """
    from boxoffice.run import resident

    if resident.prepare(settings("run")):
        boxoffice = click.get_current_context().find_root().command
        return resident.Forked(lambda: boxoffice.main([*sys.argv[1:], "--every", ""], prog_name="boxoffice"))
    return subprocess.Popen([sys.executable, *sys.orig_argv[1:], "--every", ""])


def _wait_for(child: "subprocess.Popen[bytes] | Forked", log: Callable[[str], None]) -> None:
    """Ctrl-C in a terminal reaches the child without us, SIGTERM does not."""
    from boxoffice.run.lock import HANGS_AFTER

    try:
        code = child.wait(HANGS_AFTER.total_seconds())
        if code < 0:
            log(f"The run was ended by signal {-code}; the next one finishes it.")
    except subprocess.TimeoutExpired:
        return  # the looks that follow find the lock held, and report to on_failure that it hangs
    except KeyboardInterrupt:
        child.wait()
        sys.exit(128 + signal.SIGINT)  # the child has printed why
    except SystemExit:
        child.terminate()
        child.wait()
        raise


@click.command()
@_reading
def load(**reading: Any) -> None:
    """Load what is new into raw; the marts stay as they are.

    \b
    boxoffice load
    boxoffice load --since 2026-01-01 --until 2026-02-01
    """
    from boxoffice.run import run as runs

    log = ProgressLog()
    finish(runs.load_only(settings("load"), echo=log, **_options(**reading)), log)


@click.command()
@LOG_FORMAT
def transform() -> None:
    """Build, test and publish the marts from what raw holds; no platform is called.

    \b
    boxoffice transform          after a change to a model or a seed
    """
    from boxoffice.run import run as runs

    log = ProgressLog()
    finish(runs.transform_only(settings("transform"), echo=log), log)


@click.command()
@click.argument("form", type=click.Choice(["cron", "systemd", "github-actions"]))
@click.option("--minutes", type=click.IntRange(min=1, max=720), default=15, show_default=True, help="How often.")
@click.option(
    "--report", type=click.Choice(["weekly"]), help="Also mail the report on Mondays, as set in [boxoffice.mail]."
)
def schedule(form: str, minutes: int, report: str | None) -> None:
    """Print a ready-made file for a scheduler; nothing is installed.

    \b
    boxoffice schedule cron
    boxoffice schedule systemd --minutes 30
    boxoffice schedule cron --report weekly
    boxoffice schedule github-actions > .github/workflows/boxoffice.yml
    """
    from boxoffice.run import schedule as schedules

    echo(schedules.FORMS[form](settings(), minutes, report), nl=False)
