"""The commands that read the published file."""

import datetime as dt
import sys
from pathlib import Path

import click

from boxoffice.cli.common import settings
from boxoffice.errors import ConfigProblem
from boxoffice.terminal import echo


@click.command()
@click.option(
    "--runs", "count", type=click.IntRange(min=1), default=5, show_default=True, help="How many runs to show."
)
def status(count: int) -> None:
    """Show the last runs, how fresh each account is, and what was refused. Exits 1 when something needs attention.

    \b
    boxoffice status
    boxoffice status --runs 20
    """
    from boxoffice.cli.show_status import show
    from boxoffice.run import status as statuses

    found = statuses.status(settings(), count)
    show(found)
    sys.exit(0 if found.well else 1)


@click.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "xlsx", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the answer to this file.")
@click.option(
    "--raw", is_flag=True, help="CSV: leave out the ' that keeps a spreadsheet from running a text as a formula."
)
@click.option(
    "--files", is_flag=True, help="Let the query read and write files and load extensions, with your permissions."
)
def sql(query: str | None, form: str, out: Path | None, raw: bool, files: bool) -> None:
    """Query the published tables; marts is the default schema. Without QUERY it is read from standard input. A query
    cannot change the published file, and cannot reach other files unless --files is given. The answer is printed or
    written to --out. The table format shows amounts with the decimals of the currency beside them.

    \b
    boxoffice sql "from rpt_daily_sales order by sales_on desc limit 10"
    boxoffice sql "describe fct_tickets"
    boxoffice sql --format csv "from fct_payments" > payments.csv
    boxoffice sql --format xlsx --out payments.xlsx "from fct_payments"
    boxoffice sql --format parquet --out orders.parquet "from fct_orders"
    boxoffice sql --files "copy (from fct_orders) to 'orders' (format parquet, partition_by (platform))"
    """
    from boxoffice.warehouse.query import ask

    if query is None:
        query = sys.stdin.read()
    if not query.strip():
        raise ConfigProblem('The query is empty. To list the tables: boxoffice sql "show tables"')
    ask(settings(), query, form, out, raw=raw, files=files)


@click.command()
@click.option(
    "--out",
    default="boxoffice.html",
    show_default=True,
    help="The file; or a folder, ending in /, for an overview with a page for each event.",
)
@click.option("--event", help="A page for one event: its id, or a part of its name.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Show sales from this day on instead of the last eight weeks."
)
@click.option("--currency", help="Only this currency, such as GBP.")
@click.option(
    "--mail", is_flag=True, help="Send the overview to the addresses in [boxoffice.mail] instead of writing a file."
)
@click.option(
    "--weekly", is_flag=True, help="With --mail, for a schedule: skip addresses it was already sent to this week."
)
@click.pass_context
def report(
    ctx: click.Context,
    out: str,
    event: str | None,
    since: dt.datetime | None,
    currency: str | None,
    mail: bool,
    weekly: bool,
) -> None:
    """Write the overview as one HTML file to open or to send; it needs no scripts and no internet.

    \b
    boxoffice report
    boxoffice report --out /srv/www/                   an overview with a page for each event
    boxoffice report --event "Paper Sea"
    boxoffice report --since 2026-09-01 --currency GBP
    boxoffice report --mail
    """
    chosen = {"since": since and since.date(), "currency": currency and currency.upper()}
    if not mail:
        from boxoffice.atomic_file import require_place
        from boxoffice.report import report as reports

        if weekly:
            raise click.UsageError("--weekly needs --mail.")
        folder = out.endswith("/") or Path(out).is_dir()
        if not folder:
            require_place(Path(out))
        echo(reports.report(settings(), Path(out), event=event, folder=folder, **chosen))
        return
    from boxoffice.report import mail as mails

    if event or ctx.get_parameter_source("out") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--mail sends the overview: it cannot be combined with --event or --out.")
    sent = mails.send(settings(), weekly=weekly, **chosen)
    echo(f"sent to {', '.join(sent.to)}" if sent.to or sent.refused else "already sent this week")
    for address, why in sent.refused.items():
        echo(f"{address} was refused: {why}", err=True)
    sys.exit(1 if sent.refused else 0)


@click.command()
@click.argument("order")
def explain(order: str) -> None:
    """Show everything about one order: lines, tickets, payments, changes, and what does not add up.

    \b
    boxoffice explain or_81117157
    boxoffice explain 26657
    """
    from boxoffice.report import explain as explains

    echo(explains.explain(settings(), order))


@click.command()
@click.option("--month", required=True, help="Such as 2026-09.")
@click.option("--format", "form", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder to write to.")
def export(month: str, form: str, out: Path) -> None:
    """Write a month's reports and ledger as a workbook or CSV files for a bookkeeper.

    \b
    boxoffice export --month 2026-09
    boxoffice export --month 2026-09 --format csv --out september
    """
    from boxoffice.report import export as exports

    for path in exports.export(settings(), month, form, out):
        echo(path)


@click.command()
@click.argument("month")
@click.option("--format", "form", type=click.Choice(["csv", "xero", "quickbooks"]), default="csv", show_default=True)
@click.option(
    "--by",
    type=click.Choice(["month", "day"]),
    default="month",
    show_default=True,
    help="One journal for each month or day.",
)
@click.option("--draft", is_flag=True, help="Allow a month that is not closed; the file names then say draft.")
@click.option(
    "--base",
    help="The base currency of the accounting program; others get files of their own. Default: the most frequent.",
)
@click.option("--out", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder to write to.")
def journal(month: str, form: str, by: str, draft: bool, base: str | None, out: Path) -> None:
    """Write a month's double-entry journal for an accounting program, with codes of seeds/chart_of_accounts.csv.

    \b
    boxoffice journal 2026-10 --format xero
    boxoffice journal 2026-10 --format quickbooks --by day --out october
    boxoffice journal 2026-11 --draft
    """
    from boxoffice.report import journal as journals

    for written in journals.journal(settings(), month, form, out, by=by, draft=draft, base=base):
        echo(written.path)
        if written.note:
            echo(written.note, err=True)


def _left_out(_ctx: click.Context, _option: click.Parameter, names: str) -> list[str]:
    from boxoffice.report.settlement import LEAVE_OUT

    chosen = [name.strip().replace("-", "_") for name in names.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in LEAVE_OUT]:
        raise click.BadParameter(f"{', '.join(unknown)}: not among {', '.join(LEAVE_OUT)}.")
    return chosen


@click.command()
@click.argument("event")
@click.option(
    "--without",
    default="",
    callback=_left_out,
    help="Leave out fees, buyer_fees, donations, or several, separated by commas.",
)
@click.option("--format", "form", type=click.Choice(["html", "csv"]), default="html", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write. Default: settlement-EVENT in the working directory.",
)
def settle(event: str, without: list[str], form: str, out: Path | None) -> None:
    """Write a one-page settlement of an event for a guest company: tickets by type and price, refunds, tax, fees, and
    the amount due. EVENT is the platform's id, an event_key, or a show of seeds/shows.csv, to settle all its events.

    \b
    boxoffice settle ev_5001
    boxoffice settle "Hamlet 2026-06-05 20:00" --without fees,donations --out hamlet.html
    boxoffice settle 150106 --format csv
    """
    from boxoffice.report import settle as settlements

    echo(settlements.settle(settings(), event, form, out, without))


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port to listen on; by default any free one."
)
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
def explore(port: int, no_browser: bool) -> None:
    """Explore sales in the browser: filter by event, dates, account and currency, drill down from season to price
    level, and save the result as a workbook or CSV. Read only, for this machine alone, and offline.

    \b
    boxoffice explore
    boxoffice explore --port 8100 --no-browser
    """
    from boxoffice.report import explore as explores

    explores.explore(settings(), port, browser=not no_browser, say=echo)


@click.group()
def shows() -> None:
    """Find events on the two platforms that are the same show, for seeds/shows.csv.

    \b
    boxoffice shows suggest
    """


@shows.command()
def suggest() -> None:
    """Print suggested rows for seeds/shows.csv: pairs of events that start at the same time and have similar names.
    Rows go to standard output, the reasons for them to standard error; no file is changed.

    \b
    boxoffice shows suggest                          review them first
    boxoffice shows suggest >> seeds/shows.csv       append all of them, then edit
    """
    from boxoffice.report import shows as found

    suggestions = found.suggest(settings())
    for suggestion in suggestions:
        echo(suggestion.why, err=True)
        for line in suggestion.lines:
            echo(line)
    echo(f"{len(suggestions)} shows suggested", err=True)
