"""`boxoffice journal`: files that accounting programs take, to the cent and to the byte.

The golden files in tests/report/journal are of a journal that is written down here. What Xero and QuickBooks accept is
what their own pages say: help.xero.com/uk/ManualJournalsImport, and "Import journal entries" of
quickbooks.intuit.com/learn-support.
"""

import csv
import dataclasses
import datetime as dt
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from boxoffice.cli import main
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.report.journal import FORMATS, journal
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

GOLDEN = Path(__file__).with_name("journal")
MONTH = dt.date(2026, 10, 1)
# posting: code, name, tax code
ACCOUNTS = {
    "receivable": ("1100", "Box office control", None),
    "clearing": ("1210", "Bank:Stripe", None),
    "unearned": ("2100", "Tickets for performances to come", None),
    "output_tax": ("2200", "VAT on sales", None),
    "tickets": ("4000", "=Ticket sales", "Zero Rated Income"),
}
# platform, account, currency, day, event, debited, credited, amount
PAIRS = [
    ("ticketor", "arena", "GBP", 3, "hamlet", "receivable", "unearned", "100"),
    ("ticketor", "arena", "GBP", 3, "hamlet", "receivable", "output_tax", "20"),
    ("ticketor", "arena", "GBP", 3, None, "clearing", "receivable", "120"),
    ("ticketor", "arena", "GBP", 20, "hamlet", "unearned", "tickets", "100"),
    ("ticketor", "arena", "GBP", 20, "lear", "unearned", "tickets", "7.5"),
    ("ticketor", "arena", "JPY", 5, "lear", "receivable", "unearned", "3300"),
    ("ticketor", "arena", "KWD", 6, "lear", "receivable", "unearned", "7.25"),
    ("ticket_tailor", "box, office", "GBP", 31, None, "receivable", "unearned", "0.01"),
    ("ticket_tailor", "box, office", "GBP", 31, None, "clearing", "receivable", "0.01"),
    # an order of September that came late, and one that was taken back again
    ("ticketor", "arena", "GBP", -5, "hamlet", "receivable", "unearned", "24"),
    ("ticketor", "arena", "GBP", 9, "hamlet", "receivable", "unearned", "12"),
    ("ticketor", "arena", "GBP", 9, "hamlet", "receivable", "unearned", "-12"),
]


def published(folder: Path, pairs: list[tuple] = PAIRS, *, closed: bool = True) -> Settings:
    """A published file that holds the journal of these pairs, and nothing else but two events."""
    settings = Settings(folder)
    with duckdb.connect(str(settings.published)) as db:
        db.execute("create schema marts")
        db.execute("set schema = 'marts'")
        db.execute(
            "create table dim_events as from (values ('hamlet', 'Hamlet'), ('lear', null)) as t(event_key, production)"
        )
        db.execute(
            "create table fct_journal (state varchar, posted_on date, month date, origin_on date, platform varchar, "
            "account varchar, currency varchar, posting varchar, code varchar, account_name varchar, tax_code varchar, "
            "event_key varchar, amount decimal(18, 4), closed_month date)"
        )
        for platform, account, currency, day, event, debited, credited, amount in pairs:
            origin = MONTH + dt.timedelta(day - 1)
            posted = max(origin, MONTH)
            for posting, signed in ((debited, Decimal(amount)), (credited, -Decimal(amount))):
                db.execute(
                    f"insert into fct_journal values ({', '.join('?' * 14)})",
                    [
                        *("closed" if closed else "open", posted, MONTH, origin, platform, account, currency, posting),
                        *(*ACCOUNTS[posting], event, signed, MONTH if closed else None),
                    ],
                )
    return settings


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published(tmp_path_factory.mktemp("october"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def signed(row: dict[str, str]) -> Decimal:
    """The amount of a line of any format, debits positive."""
    if "*Amount" in row:
        return Decimal(row["*Amount"])
    debit, credit = (row.get(name, row.get(f"*{name.title()}s")) for name in ("debit", "credit"))
    assert bool(debit) != bool(credit) and "-" not in debit + credit
    return Decimal(debit or 0) - Decimal(credit or 0)


@pytest.mark.parametrize("by", ["month", "day"])
@pytest.mark.parametrize("form", FORMATS)
def test_the_golden_files(october: Settings, tmp_path: Path, form: str, by: str) -> None:
    """Made again by hand where a change is wanted: copy what this test writes."""
    written = journal(october, "2026-10", form, tmp_path, by=by)
    golden = GOLDEN / by / form
    assert {path.name for path in golden.iterdir()} == {one.path.name for one in written}
    for one in written:
        assert one.path.read_bytes() == (golden / one.path.name).read_bytes(), one.path.name
        assert bool(one.note) == ("JPY" in one.path.name or "KWD" in one.path.name) * (form != "csv")


@pytest.mark.parametrize("form", FORMATS)
def test_read_back_they_are_the_journal(october: Settings, tmp_path: Path, form: str) -> None:
    """Of each account and currency the same balances; one currency a file, each file and each journal balanced."""
    name = {"csv": "code", "xero": "*AccountCode", "quickbooks": "*AccountName"}[form]
    group = {"csv": ["journal_no"], "xero": ["*Narration", "*Date"], "quickbooks": ["*JournalNo"]}[form]
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in journal(october, "2026-10", form, tmp_path, by="day"):
        currency = re.search("-(JPY|KWD)", one.path.name)
        sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for row in table(one.path):
            sums[tuple(row[column] for column in group)] += signed(row)
            found[row[name].removeprefix("'"), currency[1] if currency else "GBP"] += signed(row)
        assert sums and not any(sums.values())
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for _, _, currency, _, _, debited, credited, amount in PAIRS:
        for posting, sign in ((debited, 1), (credited, -1)):
            expected[ACCOUNTS[posting][form == "quickbooks"], currency] += sign * Decimal(amount)
    assert {key: amount for key, amount in found.items() if amount} == {
        key: amount for key, amount in expected.items() if amount
    }


def test_what_xero_says_of_its_template(tmp_path: Path) -> None:
    """Up to 300 lines in a file and no journal cut; date, account code, tax rate and narration on every line."""
    accounts = [
        ("ticketor", f"arena {number:02}", "GBP", 3, "hamlet", "receivable", "unearned", "1") for number in range(150)
    ]
    settings = published(tmp_path, accounts)
    written = journal(settings, "2026-10", "xero", tmp_path / "out")
    assert [one.path.name for one in written] == [f"boxoffice-journal-2026-10-xero-{n}-of-2.csv" for n in (1, 2)]
    assert sorted((tmp_path / "out").iterdir()) == sorted(one.path for one in written)
    journals: dict[tuple[str, str], set[Path]] = defaultdict(set)
    for one in written:
        assert len(one.path.read_text().splitlines()) <= 300
        for row in table(one.path):
            assert re.fullmatch(r"\d\d/\d\d/\d{4}", row["*Date"]) and re.fullmatch(r"\d+", row["*AccountCode"])
            assert row["*TaxRate"] and re.fullmatch(r"-?\d+\.\d\d", row["*Amount"]) and Decimal(row["*Amount"])
            assert (row["TrackingName1"], row["TrackingOption1"]) in {("Production", "Hamlet"), ("", "")}
            journals[row["*Narration"], row["*Date"]].add(one.path)
    assert len(journals) == 150 and all(len(files) == 1 for files in journals.values())


def test_a_journal_that_is_longer_than_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "xero", dataclasses.replace(FORMATS["xero"], longest=4))
    settings = published(tmp_path)
    with pytest.raises(Problem, match="takes 4 in a file"):
        journal(settings, "2026-10", "xero", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_quickbooks_says_of_its_import(october: Settings, tmp_path: Path) -> None:
    """Account names and not numbers, a journal number of at most 21 characters, one of debit and credit, above 0."""
    for one in journal(october, "2026-10", "quickbooks", tmp_path):
        dates: dict[str, set[str]] = defaultdict(set)
        for row in table(one.path):
            assert re.fullmatch(r"BX-2026-10-\d+", row["*JournalNo"]) and len(row["*JournalNo"]) <= 21
            assert row["*AccountName"].removeprefix("'") in {name for _, name, _ in ACCOUNTS.values()}
            assert signed(row) and row["Currency"] in one.path.name + "GBP"
            dates[row["*JournalNo"]].add(row["*JournalDate"])
        assert all(len(days) == 1 for days in dates.values())


def test_each_currency_has_its_decimals(october: Settings, tmp_path: Path) -> None:
    for currency, number in (("", r"-?\d+\.\d\d"), ("-JPY", r"-?\d+"), ("-KWD", r"-?\d+\.\d{3}")):
        journal(october, "2026-10", "xero", tmp_path)
        for row in table(tmp_path / f"boxoffice-journal-2026-10-xero{currency}.csv"):
            assert re.fullmatch(number, row["*Amount"])
    (one, *others) = journal(october, "2026-10", "xero", tmp_path, base="JPY")
    assert table(one.path)[0]["*Amount"] == "3300" and table(one.path)[0]["*TaxRate"] == "Tax Exempt"
    assert [other.path.name[-7:] for other in others] == ["GBP.csv", "KWD.csv"]


def test_a_month_that_is_not_closed_is_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, closed=False)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())

    def call(*arguments: str) -> tuple[int, str]:
        said = CliRunner().invoke(main, ["journal", *arguments])
        return said.exit_code, said.output

    assert call("2026-10", "--format", "xero") == (
        2,
        "2026-10 is not closed: its journal may still change. Close it first (boxoffice close 2026-10), or write it as "
        "it is now with --draft.\n",
    )
    assert call("2026-13")[0] == 2 and call("2026-10", "--draft", "--base", "pounds")[0] == 2
    code, said = call("2026-09", "--draft")
    assert code == 1 and said.startswith("Nothing is posted in 2026-09. The journal from 2026-10 to 2026-10")
    assert sorted(tmp_path.iterdir()) == before
    code, said = call("2026-10", "--format", "quickbooks", "--draft")
    assert code == 0 and said.splitlines()[0] == "boxoffice-journal-2026-10-draft-quickbooks.csv"
    assert "base currency, GBP: boxoffice-journal-2026-10-draft-quickbooks-JPY.csv is in another." in said


def test_what_cannot_be_booked_is_not_written(tmp_path: Path) -> None:
    settings = published(tmp_path)
    changes = {
        "out of balance by -0.0100": "update fct_journal set amount = amount + 0.01 where posting = 'output_tax'",
        "No account for output_tax": "update fct_journal set code = null where posting = 'output_tax'",
        "adds up to nothing": "update fct_journal set amount = 0",
    }
    for said, change in changes.items():
        with duckdb.connect(str(settings.published)) as db:
            db.execute("set schema = 'marts'")
            db.execute("create or replace table before as from fct_journal")
            db.execute(change)
        with pytest.raises(Problem, match=said.replace("-0.0100", "-?0.01")):
            journal(settings, "2026-10", "xero", tmp_path / "out")
        with duckdb.connect(str(settings.published)) as db:
            db.execute("set schema = 'marts'")
            db.execute("create or replace table fct_journal as from before")
    assert not (tmp_path / "out").exists()


def test_names_from_outside(tmp_path: Path) -> None:
    """An account that a spreadsheet would run, and currencies that are no code: text, and no part of a path."""
    evil = [
        ("ticketor", "=1+1", currency, 3, None, "receivable", "unearned", "1") for currency in ("GBP", "../a", "../b")
    ]
    settings = published(tmp_path, [*evil, *evil[:1]])
    written = journal(settings, "2026-10", "csv", tmp_path / "out")
    assert [one.path.name for one in written] == [
        f"boxoffice-journal-2026-10{end}.csv" for end in ("", "-unknown-1", "-unknown-2")
    ]
    assert {row["account"] for one in written for row in table(one.path)} == {"'=1+1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxoffice.duckdb", "out"]


def test_the_demo_month_by_month(demo: Settings, tmp_path: Path) -> None:
    """Whatever a venue has sold: the files of all months together are the published journal, account by account."""
    with open_published(demo) as db:
        months = db.execute(
            "select distinct strftime(month, '%Y-%m') as month from fct_journal order by all"
        ).fetchall()
        expected = db.execute(
            "select currency, account_name, sum(amount) from fct_journal group by all having sum(amount) <> 0"
        ).fetchall()
    assert len(months) > 3 and len(expected) > 30
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (month,) in months:
        for one in journal(demo, month, "quickbooks", tmp_path, draft=True):
            sums: dict[str, Decimal] = defaultdict(Decimal)
            for row in table(one.path):
                sums[row["*JournalNo"]] += signed(row)
                found[row["Currency"], row["*AccountName"]] += signed(row)
            assert sums and not any(sums.values())
    assert {key: amount for key, amount in found.items() if amount} == {row[:2]: row[2] for row in expected}


def test_no_month(october: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="is not a month"):
        journal(october, "2026-1", "csv", tmp_path)
