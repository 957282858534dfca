"""`boxoffice journal`: a month's journal as files that an accounting program imports, from the published fct_journal.

Columns and rules are those of Xero's manual journal template and of Intuit's sample file for journal entries;
docs/accounting.md links to them.
"""

import csv
import dataclasses
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import duckdb

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.report import formatting
from boxoffice.report.export import all_or_none, days_of
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published, rows
from boxoffice.warehouse.spreadsheet import safe

_TRACKED = [  # income and expenses: programs report no others by production
    *("tickets", "discounts", "products", "memberships", "buyer_fees", "delivery", "donations"),
    *("platform_fees", "protection_fees", "ad_fees", "processing_fees", "delivery_fees"),
]
# the rate that computes no tax, as Xero names it in the country of the base currency; "Tax Exempt" everywhere else
_NO_TAX = {"GBP": "No VAT", "ZAR": "No VAT", "AUD": "BAS Excluded", "NZD": "No GST"}


@dataclasses.dataclass(frozen=True)
class Journal:
    """What becomes one journal of the accounting program: of one account, currency and day, and balanced on its own."""

    number: str
    narration: str
    day: dt.date
    lines: list[Any]

    @property
    def currency(self) -> str:
        return self.lines[0].currency


@dataclasses.dataclass(frozen=True)
class Format:
    """The format of an accounting program. A line is a sum by code, name and ``by``."""

    header: list[str]
    row: Callable[[Journal, Any, str], list[Any]]
    by: tuple[str, ...] = ()
    longest: int | None = None  # lines of a file
    encoding: str = "utf-8"
    program: str = ""


@dataclasses.dataclass(frozen=True)
class Written:
    """A file, and what whoever imports it must know; empty where that is nothing."""

    path: Path
    note: str


def _debit_and_credit(line: Any) -> tuple[Decimal | None, Decimal | None]:
    amount = formatting.plain(abs(line.amount), line.currency)
    return (amount, None) if line.amount > 0 else (None, amount)


def _csv_row(journal: Journal, line: Any, _base: str) -> list[Any]:
    return [
        journal.number,
        journal.day.isoformat(),
        line.platform,
        line.account,
        line.currency,
        "adjustment" if line.adjusts else "",
        line.posting,
        line.code,
        line.account_name,
        line.tax_code,
        line.production,
        *_debit_and_credit(line),
    ]


def _xero_row(journal: Journal, line: Any, base: str) -> list[Any]:
    amount = formatting.plain(line.amount, line.currency)
    rate = line.tax_code or _NO_TAX.get(base, "Tax Exempt")
    tracking = ["Production", line.production] if line.production else ["", ""]
    day = f"{journal.day:%d/%m/%Y}"
    return [journal.narration, day, line.account_name, line.code, rate, amount, *tracking, "", ""]


def _quickbooks_row(journal: Journal, line: Any, _base: str) -> list[Any]:
    amounts, day = _debit_and_credit(line), f"{journal.day:%d/%m/%Y}"
    return [journal.number, day, line.account_name, *amounts, journal.narration, "", line.currency, "", ""]


FORMATS = {
    "csv": Format(
        [
            *("journal_no", "posted_on", "platform", "account", "currency", "adjustment", "posting", "code"),
            *("account_name", "tax_code", "production", "debit", "credit"),
        ],
        _csv_row,
        ("posting", "tax_code", "production"),
        encoding="utf-8-sig",  # or Excel takes UTF-8 for something else
    ),
    "xero": Format(
        [
            *("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
            *("TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2"),
        ],
        _xero_row,
        ("tax_code", "production"),
        longest=299,  # 300 with the header
        program="Xero",
    ),
    "quickbooks": Format(
        [
            *("*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits"),
            *("Description", "Name", "Currency", "Location", "Class"),
        ],
        _quickbooks_row,
        program="QuickBooks",
    ),
}


def journal(
    settings: Settings,
    month: str,
    form: Literal["csv", "xero", "quickbooks"],
    out: Path,
    *,
    by: Literal["month", "day"] = "month",
    draft: bool = False,
    base: str | None = None,
) -> list[Written]:
    """Writes the journal of ``month`` (``YYYY-MM``) into the folder ``out``; returns what was written.

    One journal for each account and currency, and one for what changed of closed months; with ``by`` ``day`` one for
    each day of it. Amounts have the decimals of their currency, debits are positive. Currencies other than ``base``
    (three letters; that of most rows without it) are in files of their own. All files appear, whole, or none, and the
    same published file gives the same bytes. Raises ConfigProblem for what is no month or currency, and for a month
    that is not closed unless it is a ``draft``; Problem when nothing is posted in it, a posting has no account,
    something does not balance, or ``out`` cannot be written.
    """
    first, _ = days_of(month)
    if base and not re.fullmatch("[A-Z]{3}", base):
        raise ConfigProblem(f"{base!r} is not a currency. Write it as GBP.")
    with open_published(settings) as db:
        most = _check(db, first, draft)
        journals = _journals(db, first, FORMATS[form], by)
    stem = "-".join(["boxoffice-journal", month, *["draft"] * draft, *[form] * (form != "csv")])
    with all_or_none(out) as folder:
        return [
            dataclasses.replace(written, path=out / written.path.name)
            for written in _write(folder / stem, FORMATS[form], journals, base or most)
        ]


def _check(db: duckdb.DuckDBPyConnection, first: dt.date, draft: bool) -> str:
    """Raises where the month cannot be written; returns the currency of most of its rows."""
    [found] = rows(
        db,
        """
        with most as (
            select currency from fct_journal where month = $1 group by currency order by count(*) desc, currency limit 1
        )

        select
            count(*) as postings, count(closed_month) as closed,
            (from most) as most,
            (select min(month) from fct_journal) as begins, (select max(month) from fct_journal) as ends,
            string_agg(distinct posting, ', ' order by posting)
                filter (where code is null or account_name is null) as without_account
        from fct_journal where month = $1
        """,
        first,
    )
    if not found.postings:
        reach = f" from {found.begins:%Y-%m} to {found.ends:%Y-%m}" if found.begins else ""
        raise Problem(f"Nothing is posted in {first:%Y-%m}. The journal{reach} is in fct_journal.")
    if found.closed < found.postings and not draft:
        raise ConfigProblem(
            f"{first:%Y-%m} is not closed: its journal may still change. Close it first (boxoffice close "
            f"{first:%Y-%m}), or write it as it is now with --draft."
        )
    if found.without_account:
        raise Problem(
            f"No account for {found.without_account}: nothing was written. Add rows to seeds/chart_of_accounts.csv, "
            "then: boxoffice transform"
        )
    return found.most


def _journals(
    db: duckdb.DuckDBPyConnection, first: dt.date, form: Format, by: Literal["month", "day"]
) -> list[Journal]:
    """The journals of the month in the order of their numbers. Raises Problem where one does not balance."""
    lines = rows(
        db,
        f"""
        with entries as (
            select fct_journal.*, if(list_contains($2, posting), events.production, null) as production
            from fct_journal
            left join dim_events as events on fct_journal.event_key = events.event_key
            where month = $1
        )

        select
            platform, account, currency, origin_on < month as adjusts,
            {"posted_on" if by == "day" else "last_day(month)"} as day,
            {", ".join(["code", "account_name", *form.by])}, sum(amount) as amount
        from entries
        group by all
        having sum(amount) <> 0
        order by all
        """,
        first,
        _TRACKED,
    )
    found = []
    for (platform, account, currency, adjusts, posted), group in groupby(lines, key=lambda line: line[:5]):
        late = ", changes of closed months" if adjusts else ""
        narration = f"Box office {first:%Y-%m}: {formatting.platform(platform)} {account}, {currency}{late}"
        found.append(Journal(f"BX-{first:%Y-%m}-{len(found) + 1}", narration, posted, list(group)))
        if difference := sum(line.amount for line in found[-1].lines):
            raise Problem(f"{narration}, {posted}: out of balance by {difference}. Nothing was written.")
    if not found:
        raise Problem(f"All that is posted in {first:%Y-%m} adds up to nothing: there is no journal to write.")
    return found


def _write(stem: Path, form: Format, journals: list[Journal], base: str) -> Iterator[Written]:
    """The files: of the base currency first, then one set for each other currency."""
    currencies = sorted({one.currency for one in journals}, key=lambda one: (one != base, one))
    unknown = 0
    for currency in currencies:
        name = stem.name
        if currency != base:
            known = re.fullmatch("[A-Z]{3}", currency)  # what else a platform sends may be any text
            unknown += not known
            name += f"-{currency if known else f'unknown-{unknown}'}"
        parts = _parts([one for one in journals if one.currency == currency], form)
        for number, part in enumerate(parts, start=1):
            path = stem.with_name(name + (f"-{number}-of-{len(parts)}" if len(parts) > 1 else "") + ".csv")
            text = io.StringIO()
            write = csv.writer(text).writerow
            write(form.header)
            for one in part:
                for line in one.lines:
                    values = form.row(one, line, base)
                    write([safe(value) if isinstance(value, str) else value for value in values])
            path.write_bytes(text.getvalue().encode(form.encoding))
            foreign = f"{form.program} takes journals in its base currency, {base}: {path.name} is in another."
            yield Written(path, foreign if form.program and currency != base else "")


def _parts(journals: list[Journal], form: Format) -> list[list[Journal]]:
    """As few files as the program takes, no journal cut in two."""
    parts: list[list[Journal]] = [[]]
    room = form.longest or 0
    for one in journals:
        if form.longest and len(one.lines) > form.longest:
            raise Problem(
                f"{one.narration}: {len(one.lines)} lines, and {form.program} takes {form.longest} in a file. "
                "Nothing was written. With --by day a journal is shorter."
            )
        room -= len(one.lines)
        if form.longest and room < 0:
            parts.append([])
            room = form.longest - len(one.lines)
        parts[-1].append(one)
    return parts
