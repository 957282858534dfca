"""The verbs that read what was published."""

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
    """Tell the last runs, how fresh each account is, and what was refused. Exits 1 when something wants a person.

    \b
    boxoffice status
    boxoffice status --runs 20
    """
    from boxoffice.cli.show_status import show
    from boxoffice.run import status as statuses

    told = statuses.status(settings(), count)
    show(told)
    sys.exit(0 if told.well else 1)


@click.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "xlsx", "parquet"]),
    default="table",
    show_default=True,
)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write, whole or not at all.")
@click.option("--raw", is_flag=True, help="CSV: text as it is, without the ' that keeps a spreadsheet from running it.")
@click.option("--files", is_flag=True, help="Let the query read and write files and load extensions, as you may.")
def sql(query: str | None, form: str, out: Path | None, raw: bool, files: bool) -> None:
    """Ask the published tables (schema marts is the default). Without a QUERY it is read from standard input. The query
    cannot change the published file, and without --files no other: it reads what was published, and its answer is
    printed or written to --out. A table shows amounts with the decimals of the currency beside them.

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
        raise ConfigProblem('The query is empty. What there is to ask: boxoffice sql "show tables"')
    ask(settings(), query, form, out, raw=raw, files=files)


@click.command()
@click.option(
    "--out",
    default="boxoffice.html",
    show_default=True,
    help="The file; or a folder, with a / at its end: then each event has a page too.",
)
@click.option("--event", help="A page for one event: its id, or a part of its name.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Where sales begin, instead of eight weeks ago.")
@click.option("--currency", help="Only this one, such as GBP.")
@click.option("--mail", is_flag=True, help="Send the overview to whom [boxoffice.mail] names; no file is written.")
@click.option("--weekly", is_flag=True, help="With --mail: only to whom it was not sent in this week, for a schedule.")
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
    """Draw the overview as one HTML file, to open or to send: no script in it, nothing fetched from elsewhere.

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
            raise click.UsageError("--weekly is for --mail.")
        folder = out.endswith("/") or Path(out).is_dir()
        if not folder:
            require_place(Path(out))
        echo(reports.report(settings(), Path(out), event=event, folder=folder, **chosen))
        return
    from boxoffice.report import mail as mails

    if event or ctx.get_parameter_source("out") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--mail sends the overview: without --event and --out.")
    sent = mails.send(settings(), weekly=weekly, **chosen)
    echo(f"sent to {', '.join(sent.to)}" if sent.to or sent.refused else "sent already in this week")
    for address, why in sent.refused.items():
        echo(f"{address} was refused: {why}", err=True)
    sys.exit(1 if sent.refused else 0)


@click.command()
@click.argument("order")
def explain(order: str) -> None:
    """Tell all about one order on one screen: lines, tickets, payments, changes, what does not add up.

    \b
    boxoffice explain or_81117157
    boxoffice explain 26657
    """
    from boxoffice.report import explain as explains

    echo(explains.explain(settings(), order))


@click.command()
@click.option("--month", required=True, help="Such as 2026-09.")
@click.option("--format", "form", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder.")
def export(month: str, form: str, out: Path) -> None:
    """Write a month's reports and ledger as a bookkeeper opens them.

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
    "--by", type=click.Choice(["month", "day"]), default="month", show_default=True, help="A journal for each."
)
@click.option("--draft", is_flag=True, help="Also a month that is not closed, as it is now; its files' names say so.")
@click.option(
    "--base", help="The accounting program's currency; others are in files of their own. Default: most rows'."
)
@click.option("--out", type=click.Path(path_type=Path), default=".", show_default=True, help="The folder.")
def journal(month: str, form: str, by: str, draft: bool, base: str | None, out: Path) -> None:
    """Write a month's journal for an accounting program: double entry, with accounts from seeds/chart_of_accounts.csv.

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
@click.option("--without", default="", callback=_left_out, help="Leave out fees, buyer_fees or donations, or several.")
@click.option("--format", "form", type=click.Choice(["html", "csv"]), default="html", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="The file. Default: settlement-EVENT in this folder.")
def settle(event: str, without: list[str], form: str, out: Path | None) -> None:
    """Settle one event on one page for a guest company: tickets by type and price, refunds, tax, fees, what is due.
    EVENT is the platform's id or event_key, or a show of seeds/shows.csv, then all its events together.

    \b
    boxoffice settle ev_5001
    boxoffice settle "Hamlet 2026-06-05 20:00" --without fees,donations --out hamlet.html
    boxoffice settle 150106 --format csv
    """
    from boxoffice.report import settle as settlements

    echo(settlements.settle(settings(), event, form, out, without))


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where it listens; by default a free port.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def explore(port: int, no_browser: bool) -> None:
    """Open a page in the browser to look and filter: by event, dates, account and currency, from season to price level,
    with charts; what is shown can be saved as a workbook or CSV. Read only, for you alone, and without the internet.

    \b
    boxoffice explore
    boxoffice explore --port 8100 --no-browser
    """
    from boxoffice.report import explore as explores

    explores.explore(settings(), port, browser=not no_browser, say=echo)


@click.group()
def shows() -> None:
    """Find events of the two platforms that are one show, for the seed that people edit: seeds/shows.csv.

    \b
    boxoffice shows suggest
    """


@shows.command()
def suggest() -> None:
    """Print rows for seeds/shows.csv: pairs of events that start at the same moment and have similar names. The rows go
    to standard output, why they are proposed to standard error; nothing is written.

    \b
    boxoffice shows suggest                          look first
    boxoffice shows suggest >> seeds/shows.csv       take them all, then edit
    """
    from boxoffice.report import shows as found

    suggestions = found.suggest(settings())
    for suggestion in suggestions:
        echo(suggestion.why, err=True)
        for line in suggestion.lines:
            echo(line)
    echo(f"{len(suggestions)} shows proposed", err=True)
