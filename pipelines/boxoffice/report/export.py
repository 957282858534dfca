"""`boxoffice export`: one month as a bookkeeper opens it, a workbook or CSV files, from the published tables."""

import codecs
import contextlib
import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import duckdb

from boxoffice.atomic_file import put_in_place
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.report import month as months
from boxoffice.report.month import Sheet
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from boxoffice.warehouse.spreadsheet import write_csv
from boxoffice.warehouse.workbook import Workbook

_MEASURES = [
    *("gross_sales", "refunds", "refunds_of_sales", "refunds_of_fees", "refunds_of_donations", "refunds_of_tax"),
    *("refunds_of_other", "credited", "credited_of_sales", "net_sales", "buyer_fees", "tips"),
    *(
        "donations",
        "tax",
        "tax_inside",
        "delivery",
        "gift_cards",
        "discounts",
        "unexplained",
        "charged_total",
        "receipts",
    ),
    *("platform_fees", "net_after_fees"),
    *("tickets_sold", "comps", "tickets_imported", "tickets_returned", "orders", "orders_without_fees"),
]
# what is not known of one day is not known of the month; platform_fees are the sum of those that are known
_UNKNOWN_STAYS = {"net_after_fees", "tax_inside"}
KNOWN_HEADINGS = ("What", "Where", "How it is")


def _summed() -> str:
    return ", ".join(
        f"case when count({name}) = count(*) then sum({name}) end as {name}"
        if name in _UNKNOWN_STAYS
        else f"sum({name}) as {name}"
        for name in _MEASURES
    )


SHEETS = (
    Sheet(
        "Month",
        "The month by account and currency: what every other sheet adds up to.",
        f"select platform, account, currency, {_summed()} from rpt_daily_sales "
        "where sales_on between $1 and $2 group by all order by platform, account, currency",
    ),
    Sheet(
        "Days",
        "The month by local day, account and currency.",
        f"select sales_on, platform, account, currency, {', '.join(_MEASURES)} from rpt_daily_sales "
        "where sales_on between $1 and $2 order by sales_on, platform, account, currency",
    ),
    Sheet(
        "Events",
        "The month by event: what was booked within it, not what the event sold in all. Without a name: no event.",
        f"select days.platform, days.account, days.event_id, days.event_name, events.starts_on, days.currency, "
        f"{_summed()} from rpt_daily_event_sales as days "
        "left join (select event_key, starts_on from dim_events) as events on days.event_key = events.event_key "
        "where sales_on between $1 and $2 group by days.platform, days.account, days.event_id, days.event_name, "
        "events.starts_on, days.currency, days.event_key "
        "order by events.starts_on nulls last, days.event_name, days.platform, days.account, days.currency, "
        "days.event_key",
    ),
    *months.SHEETS,
    Sheet(
        "Ledger",
        "Every line booked in the month, signed: its sums are the reports.",
        "select lines.booked_on, lines.platform, lines.account, lines.order_id, lines.line_kind, lines.refund_of, "
        "events.event_id, events.event_name, events.starts_on, lines.amount, lines.tax_amount, lines.currency, "
        "lines.date_basis, orders.status as order_status, lines.booked_at, lines.order_key, lines.line_id "
        "from fct_order_lines as lines "
        "left join dim_events as events on lines.event_key = events.event_key "
        "left join fct_orders as orders on lines.order_key = orders.order_key "
        "where lines.booked_on between $1 and $2 "
        "order by lines.booked_on, lines.platform, lines.account, lines.order_id, lines.line_id",
    ),
    Sheet(
        "Payments",
        "Every movement of money of the month, and attempts and credit, with amount 0: receipts are its sum.",
        "select paid_on, platform, account, order_id, payment_id, kind, method, amount, credit_amount, currency, "
        "platform_deduction, processor_reference, paid_at_basis, cash_register_id, paid_at, order_key "
        "from fct_payments where paid_on between $1 and $2 order by paid_on, platform, account, order_id, payment_id",
    ),
    Sheet(
        "Payouts",
        "What Stripe and PayPal moved in the month, by the exports that were loaded, beside the payments.",
        "select coalesce(processed_on, paid_on) as day, processor, kind, outcome, platform, account, order_id, "
        "gross, fee, net, currency, payout_on, payout_id, paid_on, paid_amount, paid_currency, difference, in_words, "
        "charged_amount, charged_currency, processor_reference, transaction_id, matched_by, payment_id, "
        "order_key from rpt_payouts where coalesce(processed_on, paid_on) between $1 and $2 "
        "order by day, processor, created_at, transaction_id, payment_id",
        if_any=True,
    ),
    Sheet(
        "Orders",
        "Orders that count as sold, and returns, made in the month.",
        "select booked_on, platform, account, order_id, order_type, status, channel, total_amount, "
        "service_charge_amount, tax_amount, tax_basis, discount_amount, paid_amount, refunded_amount, "
        "credit_redeemed_amount, credit_issued_amount, balance_due, platform_fee_amount, ticketing_fee_amount, "
        "protection_fee_amount, ad_fee_amount, processing_fee_amount, delivery_fee_amount, currency, promotion_code, "
        "tickets_count, products_count, related_order_id, processor_reference, ordered_at, order_key "
        "from fct_orders where is_booked and booked_on between $1 and $2 "
        "order by booked_on, platform, account, order_id",
    ),
    Sheet(
        "Journal",
        "Double entry by day and account of the chart, debit positive: what a closed month has here stays for good.",
        "select posted_on, platform, account, currency, code, account_name, posting, tax_code, state, "
        "sum(amount) as amount from fct_journal where posted_on between $1 and $2 "
        "group by all having sum(amount) <> 0 order by posted_on, platform, account, currency, code, posting, state, "
        "account_name, tax_code",
    ),
    Sheet(
        "Adjustments",
        "What came to light of earlier months once they were closed, posted in this month: part of the journal.",
        "select journal.origin_on, journal.posted_on, journal.platform, journal.account, journal.order_id, "
        "events.event_id, events.event_name, journal.code, journal.account_name, journal.posting, journal.currency, "
        "journal.amount, causes.why, causes.in_words, journal.order_key from fct_journal as journal "
        "left join dim_events as events on journal.event_key = events.event_key "
        "left join (select distinct order_key, event_key, origin_month, currency, why, in_words from rpt_adjustments) "
        "as causes on journal.order_key is not distinct from causes.order_key "
        "and coalesce(journal.order_key, journal.event_key, '') = coalesce(causes.order_key, causes.event_key, '') "
        "and case journal.state when 'adjustment' then journal.currency end = causes.currency "
        "and date_trunc('month', journal.origin_on) = causes.origin_month "
        "where journal.posted_on between $1 and $2 and journal.origin_on < $1 "
        "and journal.posted_on <> journal.origin_on "
        "order by journal.origin_on, journal.platform, journal.account, journal.order_id, journal.event_key, "
        "journal.rule, journal.posting, journal.code, journal.currency",
    ),
    Sheet(
        "Does not add up",
        "Identities that orders made in the month fail, and those of orders that have not come.",
        "select findings.platform, findings.account, findings.order_id, findings.identity, findings.difference, "
        "findings.currency, findings.in_words, orders.booked_on, findings.order_key "
        "from rpt_reconciliation as findings "
        "left join fct_orders as orders on findings.order_key = orders.order_key "
        "where findings.order_key is not null "
        "and (orders.order_key is null or coalesce(orders.booked_on, orders.ordered_on) between $1 and $2) "
        "order by findings.platform, findings.account, findings.order_id, findings.identity, findings.in_words",
    ),
)


def export(settings: Settings, month: str, form: Literal["xlsx", "csv"], out: Path) -> list[Path]:
    """Writes the month's reports and ledger; returns what was written.

    ``month`` is ``YYYY-MM``; its days are the local days of each account. ``out`` is a folder. ``xlsx`` writes one
    workbook into it, a sheet a report, with numbers and dates that are numbers and dates; ``csv`` one file a report.
    Times are UTC. Rows pass through in batches, so memory stays small however long the month. All files appear, whole,
    or none, and the same published file gives the same bytes. Raises ConfigProblem for what is no month, and
    Problem when the published tables do not reach it or ``out`` cannot be written.
    """
    first, last = days_of(month)
    with open_published(settings) as db:
        notes, known = _notes(db, first, last), months.read_first(db, first, last)
        with all_or_none(out) as folder:
            if form == "xlsx":
                written = [_workbook(db, folder / f"boxoffice-{month}.xlsx", first, last, known, notes)]
            else:
                written = _csv_files(db, folder, month, first, last, known, notes)
    return [out / path.name for path in written]


def _sheets(db: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> list[Sheet]:
    return [
        sheet
        for sheet in SHEETS
        if not sheet.if_any or db.execute(f"from ({sheet.query}) limit 1", [first, last]).fetchone()
    ]


def days_of(month: str) -> tuple[dt.date, dt.date]:
    """First and last day of ``YYYY-MM``. Raises ConfigProblem for what is no month."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month.startswith("0000"):
        raise ConfigProblem(f"{month!r} is not a month. Write it as 2026-09.")
    first = dt.date.fromisoformat(f"{month}-01")
    return first, (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)


def _notes(db: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> list[tuple[str, str]]:
    """What a reader must know beside the numbers: (name, words)."""
    begins, ends = db.execute("select min(sales_on), max(sales_on) from rpt_daily_sales").fetchone()
    if begins is None:
        raise Problem(
            "Nothing has been sold yet: there is no month to export. How fresh each account is: boxoffice status"
        )
    data_until, published_at = db.execute("select data_until, published_at from run_info").fetchone()
    until = min(data_until or published_at, published_at)  # a clock that is ahead dates records in the future
    if last < begins or first > max(ends, until.date()):
        raise Problem(
            f"The published tables reach from {begins} to {ends}: {first:%Y-%m} is not among them. "
            "Give another with --month."
        )
    notes = [
        ("Month", f"{first} to {last}, local days of each account"),
        ("Data until", f"{until:%Y-%m-%d %H:%M} UTC"),
        ("Published", f"{published_at:%Y-%m-%d %H:%M} UTC"),
        ("Money", "in major units of the currency beside it; never add two currencies up"),
        ("Empty cell", "not known"),
    ]
    for done_at, sha256 in db.execute(
        "select done_at, sha256 from rpt_closes where is_in_force and month = $1", [first]
    ).fetchall():
        notes.insert(
            0, ("The month is closed", f"since {done_at:%Y-%m-%d %H:%M} UTC; its journal is sealed by {sha256}")
        )
    if until.date() <= last:
        notes.insert(0, ("The month is not over", "these numbers will still grow"))
    if begins > first:
        notes.insert(0, ("The month is not whole", f"the data begin on {begins}"))
    for platform, account, zone, time_zone in db.execute(
        "select platform, account, reporting_zone, time_zone from dim_accounts order by platform, account"
    ).fetchall():
        notes.append((f"Days of {platform} {account}", zone if time_zone else "UTC: no time zone is set"))
    notes += [(f"Sheet {sheet.name}", sheet.says) for sheet in _sheets(db, first, last)]
    notes += db.execute(
        "select column_name, comment from duckdb_columns() where schema_name = 'marts' "
        "and table_name = 'rpt_daily_sales' and list_contains($1, column_name) "
        "order by list_position($1, column_name)",
        [_MEASURES],
    ).fetchall()
    return notes


def _csv_files(
    db: duckdb.DuckDBPyConnection,
    out: Path,
    month: str,
    first: dt.date,
    last: dt.date,
    known: list[tuple[str, str, str]],
    notes: list[tuple[str, str]],
) -> list[Path]:
    def file(name: str, answer: duckdb.DuckDBPyRelation, headings: list[str]) -> Path:
        path = out / f"boxoffice-{month}-{name.lower().replace(' ', '-')}.csv"
        _csv_file(db, answer, headings, path)
        return path

    def table(name: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(f"unnest(${number}) as c{number}" for number in range(1, len(columns) + 1))
        return file(name, db.sql(f"select {values}", params=columns), list(headings))

    paths = [table("Read first", KNOWN_HEADINGS, known)]
    for sheet in _sheets(db, first, last):
        answer = db.sql(sheet.query, params=[first, last])
        paths.append(file(sheet.name, answer, [sheet.heading(name) for name in answer.columns]))
    return [*paths, table("Notes", ("what", "means"), notes)]


def _csv_file(db: duckdb.DuckDBPyConnection, answer: duckdb.DuckDBPyRelation, headings: list[str], path: Path) -> None:
    rows = path.with_name("rows.csv")
    options = ", new_line '\\r\\n', timestampformat '%Y-%m-%d %H:%M:%S'"
    write_csv(db, answer, str(rows).replace("'", "''"), headings, options, in_currency=True)
    with rows.open("rb") as written, path.open("wb") as file:
        file.write(codecs.BOM_UTF8)  # or Excel takes UTF-8 for something else
        shutil.copyfileobj(written, file)


def _workbook(
    db: duckdb.DuckDBPyConnection,
    path: Path,
    first: dt.date,
    last: dt.date,
    known: list[tuple[str, str, str]],
    notes: list[tuple[str, str]],
) -> Path:
    published_at = db.execute("select published_at from run_info").fetchone()[0].replace(tzinfo=None, microsecond=0)
    book = Workbook(path)
    book.file.set_properties({"title": f"Box office {first:%B %Y}", "created": published_at})
    wrapped = book.file.add_format({"text_wrap": True, "valign": "top"})
    page = book.page("Read first", list(KNOWN_HEADINGS), [46, 34, 100])
    for row, values in enumerate(known, 1):
        for column, value in enumerate(values):
            page.write_string(row, column, value, wrapped)
    for sheet in _sheets(db, first, last):
        answer = db.execute(sheet.query, [first, last])
        book.add(sheet.name, answer, [sheet.heading(name) for name, *_ in answer.description])
    page = book.file.add_worksheet("Notes")
    page.set_column(0, 0, 28)
    page.set_column(1, 1, 110, wrapped)
    for number, (name, meaning) in enumerate(notes):
        page.write_string(number, 0, name, book.head)
        page.write_string(number, 1, meaning)
    book.close()
    return path


@contextlib.contextmanager
def all_or_none(out: Path) -> Iterator[Path]:
    """A folder to write in; what it holds at the end moves to ``out``. Raises Problem where that cannot be written."""
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".boxoffice-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
            for path in Path(folder).glob("boxoffice-*"):
                put_in_place(path, out / path.name)
            made = False
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", error)
        raise Problem(f"{out} cannot be written: {reason}. Give another folder with --out.") from None
    finally:
        if made:
            with contextlib.suppress(OSError):
                out.rmdir()
