"""The commands: parse, dispatch, print, exit code; nothing else.

Exit codes: 0 success (also when nothing was new) · 1 something failed, and the output says what · 2 the call or the
settings are invalid, nothing was run · 75 another run is under way · 130 Ctrl-C, 143 SIGTERM.
"""

import atexit
import gc

import click

from boxoffice.cli import maintenance, month, payouts, platforms, receiving, reports, runs, setup
from boxoffice.cli.common import LOG_FORMAT, CommandGroup
from boxoffice.terminal import echo


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="boxoffice")
@LOG_FORMAT
def main() -> None:
    """Load Ticketor and Ticket Tailor into one DuckDB warehouse that an analyst and a bookkeeper can trust.

    \b
    make demo                                         look around with made-up sales (in a checkout)
    TICKET_TAILOR_API_KEY=… boxoffice run             load, build and publish what is new
    boxoffice sql "from rpt_daily_sales limit 10"     query the published tables
    """
    # an interpreter that ends looks for cycles in all that it holds: of a run, a second for nothing
    atexit.register(gc.freeze)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script for Tab completion of commands and options in a shell; nothing is installed.

    \b
    eval "$(boxoffice completion bash)"          in ~/.bashrc
    eval "$(boxoffice completion zsh)"           in ~/.zshrc
    boxoffice completion fish | source           in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    echo(get_completion_class(shell)(ctx.find_root().command, {}, "boxoffice", "_BOXOFFICE_COMPLETE").source())


for command in (
    setup.init,
    setup.check,
    runs.run,
    runs.load,
    runs.transform,
    receiving.receive,
    reports.status,
    reports.sql,
    platforms.orders,
    platforms.events,
    platforms.call,
    reports.report,
    reports.explore,
    reports.explain,
    reports.export,
    month.close,
    reports.journal,
    reports.settle,
    reports.shows,
    payouts.payouts,
    maintenance.archive,
    maintenance.backup,
    maintenance.restore,
    maintenance.rebuild,
    maintenance.rename_account,
    runs.schedule,
    completion,
):
    main.add_command(command)
