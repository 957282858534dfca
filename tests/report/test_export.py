"""`boxoffice export`: the workbook and the CSV files hold the month, to the cent, as numbers and dates."""

import csv
import datetime as dt
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.report import export as exports
from boxoffice.report.export import export
from boxoffice.settings import Settings
from boxoffice.warehouse import workbook
from boxoffice.warehouse.query import open_published
from tests.report.conftest import copied, opened

MONTH = "2025-03"


def sheets_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    book = openpyxl.load_workbook(path)
    found = {}
    for sheet in book:
        head, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def month_of(settings: Settings) -> str:
    """The first month that anything was sold in."""
    with open_published(settings) as db:
        return db.execute("select strftime(min(sales_on), '%Y-%m') from rpt_daily_sales").fetchone()[0]


def csv_of(paths: list[Path], name: str) -> list[dict[str, str]]:
    (path,) = [path for path in paths if path.stem.endswith(name)]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def book(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    (path,) = export(demo, MONTH, "xlsx", tmp_path_factory.mktemp("xlsx"))
    assert path.name == f"boxoffice-{MONTH}.xlsx"
    return sheets_of(path)


def summed(rows: list[dict[str, Any]], name: str) -> dict[tuple[str, str, str], Decimal]:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["platform"], row["account"], row["currency"]] += Decimal(str(row[name] or 0))
    return {key: amount for key, amount in sums.items() if amount}


def test_every_sheet_makes_the_same_month(book: dict[str, list[dict[str, Any]]], demo: Settings) -> None:
    with open_published(demo) as db:
        found = db.execute(
            "select platform, account, currency, sum(charged_total), sum(refunds), sum(receipts) from rpt_daily_sales "
            "where sales_on between '2025-03-01' and '2025-03-31' group by all"
        ).fetchall()
    for place, measure in ((3, "charged_total"), (4, "refunds"), (5, "receipts")):
        expected = {row[:3]: row[place] for row in found if row[place]}
        assert expected
        for sheet in ("Month", "Days", "Events"):
            assert summed(book[sheet], measure) == expected, (sheet, measure)
    charged = [row for row in book["Ledger"] if row["line_kind"] not in ("refund", "credited")]
    assert summed(charged, "amount") == summed(book["Month"], "charged_total")
    for kind, measure in (("refund", "refunds"), ("credited", "credited")):
        back = summed([row for row in book["Ledger"] if row["line_kind"] == kind], "amount")
        assert back and back == {key: -amount for key, amount in summed(book["Month"], measure).items()}
    assert summed(book["Payments"], "amount") == summed(book["Month"], "receipts")
    assert sum(row["tickets_sold"] for row in book["Events"]) == sum(row["tickets_sold"] for row in book["Month"])


MONTH_SHEETS = ["Balances", "Deferred", "Receivables", "Stored value", "Tax", "Refunds", "Fees"]


def test_the_month_is_ready_to_be_closed(book: dict[str, list[dict[str, Any]]], demo: Settings) -> None:
    assert next(iter(book)) == "Read first" and set(MONTH_SHEETS) <= set(book)
    rows, totals = {}, {}
    for name in MONTH_SHEETS:
        assert all(heading[0].isupper() and "_" not in heading for heading in book[name][0])
        rows[name] = [row for row in book[name] if row["Platform"] != "Total" and row["Currency"]]
        totals[name] = [row for row in book[name] if row["Platform"] == "Total"]
        assert rows[name] and totals[name]
    for name, column, by in (
        ("Balances", "Debits", ["Currency"]),
        ("Deferred", "Closing", ["Currency"]),
        ("Receivables", "Due", ["Kind", "Currency"]),
        ("Tax", "Tax", ["Currency"]),
        ("Refunds", "Refunds", ["Currency"]),
        ("Fees", "Amount", ["Part", "Currency"]),
    ):
        sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for row in rows[name]:
            sums[tuple(row[each] for each in by)] += Decimal(str(row[column]))
        assert sums == {tuple(row[each] for each in by): Decimal(str(row[column])) for row in totals[name]}, name
    # what is not known of one is not known of all
    assert all(row["Closing"] is None and row["Spent"] is not None for row in book["Stored value"])
    assert all(row["Debits"] == row["Credits"] for row in totals["Balances"])
    tailor = [row for row in book["Fees"] if row["Platform"] == "ticket_tailor"]
    assert [(row["Part"], row["Amount"]) for row in tailor] == [(None, None)]
    with open_published(demo) as db:
        [(refunds,)] = db.execute(
            "select sum(refunds) from rpt_daily_sales where sales_on between '2025-03-01' and '2025-03-31' "
            "and currency = 'GBP'"
        ).fetchall()
    assert [Decimal(str(row["Refunds"])) for row in totals["Refunds"] if row["Currency"] == "GBP"] == [refunds]


def test_an_amount_has_the_decimals_of_its_currency(demo: Settings, tmp_path: Path) -> None:
    (path,) = export(demo, MONTH, "xlsx", tmp_path)
    formats = set()
    for name in ("Balances", "Month"):
        head, *rows = openpyxl.load_workbook(path)[name].iter_rows()
        names = [cell.value for cell in head]
        currency = next(place for place, name in enumerate(names) if name.lower() == "currency")
        for row in rows:
            formats |= {(row[currency].value, cell.number_format) for cell in row if isinstance(cell.value, float)}
    assert {("JPY", "#,##0"), ("GBP", "#,##0.00"), ("KWD", "#,##0.000")} <= formats
    assert not {("JPY", "#,##0.00"), ("KWD", "#,##0.00")} & formats


def test_each_account_says_whether_its_month_is_complete(demo: Settings, tmp_path: Path) -> None:
    little = copied(demo, tmp_path / "data")
    with opened(little) as db:
        # the last minute of the month in London; another account went on
        db.execute("update dim_accounts set last_record_at = '2025-03-31 22:59:00+00' where platform = 'ticketor'")
    known = csv_of(export(little, MONTH, "csv", tmp_path), "-read-first")
    complete = {row["Where"]: row["How it is"] for row in known if row["What"] == "Is March 2025 complete?"}
    assert complete["Ticketor sandbox_hall"].startswith("Not sure: its newest record is of 2025-03-31 23:59 (Europe/")
    assert complete["Ticket Tailor sandbox_hall"].startswith("Yes: its newest record is of")
    with opened(little) as db:
        db.execute("update dim_accounts set last_record_at = '2025-03-31 23:00:00+00' where platform = 'ticketor'")
    known = csv_of(export(little, MONTH, "csv", tmp_path), "-read-first")
    assert {row["How it is"][:3] for row in known if row["What"] == "Is March 2025 complete?"} == {"Yes"}
    about = {(row["What"], row["Where"]): row["How it is"] for row in known}
    assert about["The platform's own fees", "Ticket Tailor"] == "Not reported: book its invoice by hand."


def test_numbers_are_numbers_and_days_are_days(book: dict[str, list[dict[str, Any]]]) -> None:
    for row in book["Ledger"]:
        assert type(row["amount"]) in (float, int)
        assert isinstance(row["booked_on"], dt.datetime) and dt.date(2025, 3, 1) <= row["booked_on"].date()
        assert isinstance(row["booked_at (UTC)"], dt.datetime)
        assert isinstance(row["order_id"], str)  # 401512 is a name, not a number
    assert {row["platform"]: row["platform_fees"] is None for row in book["Month"]} == {
        "ticket_tailor": True,  # not known is an empty cell and not 0
        "ticketor": False,
    }


def test_csv_files_hold_what_the_workbook_holds(
    book: dict[str, list[dict[str, Any]]], demo: Settings, tmp_path: Path
) -> None:
    paths = export(demo, MONTH, "csv", tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for sheet, name in (("Month", "month"), ("Ledger", "ledger"), ("Payments", "payments"), ("Orders", "orders")):
        rows = csv_of(paths, f"-{name}")
        assert len(rows) == len(book[sheet]) > 0
        assert list(rows[0]) == list(book[sheet][0])
    assert summed(csv_of(paths, "-ledger"), "amount") == summed(book["Ledger"], "amount")
    written = {(row["currency"], len(row["amount"].partition(".")[2])) for row in csv_of(paths, "-ledger")}
    assert written == {("GBP", 2), ("JPY", 0), ("KWD", 3)}


def test_the_notes_say_what_a_reader_must_know(demo: Settings, tmp_path: Path) -> None:
    notes = {
        month: dict(map(dict.values, csv_of(export(demo, month, "csv", tmp_path), "-notes")))
        for month in ("2024-04", "2025-04", "2025-06")
    }
    assert notes["2024-04"]["The month is not whole"].startswith("the data begin on 2024-04-")
    assert "The month is not whole" not in notes["2025-04"] and "The month is not over" not in notes["2025-04"]
    assert "The month is not over" in notes["2025-06"]
    assert notes["2025-04"]["Days of ticketor sandbox_hall"] == "Europe/London"
    assert notes["2025-04"]["gross_sales"].startswith("Tickets, products and memberships at the price after discounts")


def test_a_sheet_that_is_too_long_goes_on_on_another(
    demo: Settings, book: dict[str, list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "EXCEL_ROWS", 201)
    monkeypatch.setattr(workbook, "BATCH", 64)
    (path,) = export(demo, MONTH, "xlsx", tmp_path)
    found = sheets_of(path)
    parts = [rows for name, rows in found.items() if name.startswith("Ledger")]
    assert [len(rows) for rows in parts[:-1]] == [200] * (len(parts) - 1) and len(parts) > 2
    assert [row for rows in parts for row in rows] == book["Ledger"]


def test_names_from_outside_are_no_formulas(thin: Settings, tmp_path: Path) -> None:
    little, month = copied(thin, tmp_path / "data"), month_of(thin)
    evil = '=HYPERLINK("http://example.com","x");=1+1'
    with opened(little) as db:
        db.execute("update dim_events set event_name = $1", [evil])
        db.execute("update fct_order_lines set amount = -amount")
    (path,) = export(little, month, "xlsx", tmp_path)
    head, *ledger = openpyxl.load_workbook(path)["Ledger"].iter_rows()
    place = [cell.value for cell in head].index("event_name")
    cells = [row[place] for row in ledger]
    assert {cell.data_type for cell in cells if cell.value} == {"s"}
    assert {cell.value for cell in cells if cell.value} == {evil}
    paths = export(little, month, "csv", tmp_path)
    ledger = csv_of(paths, "-ledger")
    assert {row["event_name"] for row in ledger if row["event_name"]} == {"'" + evil}
    assert all(row["amount"].startswith("-") for row in ledger)  # a number stays one
    # in quotes, or a spreadsheet whose lists are separated by semicolons would find a second cell
    for path in paths[1:-1]:
        assert all(f'"{part}"'.encode() in path.read_bytes().lower() for part in ("platform", "account"))


def test_the_same_file_gives_the_same_bytes(thin: Settings, tmp_path: Path) -> None:
    (path,) = export(thin, month_of(thin), "xlsx", tmp_path)
    once = path.read_bytes()
    while time.time() // 2 == path.stat().st_mtime // 2:  # a zip file counts in steps of two seconds
        pass
    export(thin, month_of(thin), "xlsx", tmp_path)
    assert path.read_bytes() == once


def test_a_thin_month_has_every_sheet(thin: Settings, tmp_path: Path) -> None:
    (path,) = export(thin, month_of(thin), "xlsx", tmp_path)
    found = sheets_of(path)
    sheets = [sheet.name for sheet in exports.SHEETS if not sheet.if_any]
    assert list(found) == ["Read first", *sheets, "Notes"]
    assert len(found["Month"]) == 1 and not found["Does not add up"]


@pytest.mark.parametrize("month", ["2025-13", "2025", "April", "2025-4", "0000-01", "2025-04-01"])
def test_what_is_no_month(demo: Settings, tmp_path: Path, month: str) -> None:
    with pytest.raises(ConfigProblem, match=r"is not a month\. Write it as 2026-09"):
        export(demo, month, "csv", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("month", ["2024-03", "2026-01"])
def test_a_month_that_the_data_do_not_reach(demo: Settings, tmp_path: Path, month: str) -> None:
    with pytest.raises(Problem, match=r"reach from 2024-04-\d\d to 2025-06-0[12]"):
        export(demo, month, "xlsx", tmp_path)


def test_nothing_sold_and_nowhere_to_write(demo: Settings, empty: Settings, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no month to export"):
        export(empty, MONTH, "csv", tmp_path)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(Problem, match="cannot be written"):
        export(demo, MONTH, "csv", in_the_way)
