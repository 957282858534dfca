"""`boxoffice payouts load`: exports of payment processors into raw, then the tables that are made of them."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from boxoffice.errors import ConfigProblem
from boxoffice.payouts import exports
from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded
from boxoffice.run import run
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

HELD = f"select row_id, content from raw_payouts.transactions where {contents.complete('raw_payouts')}"


@dataclasses.dataclass
class Compared:
    """What a load did: its run and, if that succeeded, how many rows of ``rpt_payouts`` have which outcome."""

    result: run.RunResult
    outcomes: dict[str, int]


def load(
    settings: Settings, files: Sequence[Path], *, echo: run.Echo, days: exports.DayOrder | None = None
) -> Compared:
    """Loads the rows of these exports that are new or changed, builds what depends on them, and publishes.

    Rows that cannot be trusted are refused and kept. The order of files and loading them again make no
    difference; a later call replaces the transactions of an earlier one. Raises ConfigProblem, with nothing loaded,
    where nothing is published yet, and for a file that cannot be read or is not a known export.
    """
    if not settings.published.exists():
        raise ConfigProblem("Nothing is published yet: there are no payments to compare with. First: boxoffice run")
    rows = _read(files, days, echo)
    result = run.load_beside(settings, "payouts", lambda result: _land(settings, rows, result), echo=echo)
    if result.error:
        return Compared(result, {})
    with open_published(settings) as db:
        found = db.execute("select outcome, count(*) from rpt_payouts group by all order by all").fetchall()
    return Compared(result, dict(found))


def _read(files: Sequence[Path], days: exports.DayOrder | None, echo: run.Echo) -> list[exports.Row]:
    rows = []
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ConfigProblem(f"{file} cannot be read: {error.strerror}. Nothing was loaded.") from None
        title, found = exports.read(content, file.name, days)
        echo(f"{file.name}: {title}, {len(found):,} rows")
        rows += found
        if missing := sum(row.kind == "refund" and row.reference is None for row in found):
            echo(
                f"{file.name}: {missing:,} refunds do not say which charge they are of. Stripe's itemized reports do, "
                "downloaded with the column charge_id; without it they cannot be compared"
            )
    return exports.once(rows)


def _land(settings: Settings, rows: list[exports.Row], result: run.RunResult) -> bool:
    held = dict(contents.rows(settings.warehouse, HELD))
    news = [row for row in rows if held.get(row.row_id) != row.content]
    made = pipeline.open_pipeline(settings, "payouts", "files", finished := Loaded())
    if news:
        from boxoffice.payouts.source import payouts_source

        pipeline.load_package(settings, made, payouts_source(news, dt.datetime.now(dt.UTC)), len(news))
    for processor in sorted({row.processor for row in rows}):
        of_it = [row for row in news if row.processor == processor]
        refused = sum(row.reason is not None for row in of_it)
        loaded = {"transactions": len(of_it) - refused} if of_it else {}
        result.accounts.append(run.AccountResult(processor, "payouts", loaded, refused))
    return bool(news) or finished.finished_earlier
