"""Answers as sheets of a workbook: numbers as numbers, dates as dates, text as text that no spreadsheet runs."""

import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.errors import Problem
from boxoffice.warehouse.currencies import decimals

EXCEL_ROWS = 1_048_576  # of one sheet, its header included
EXCEL_DIGITS = 15  # of a number
EXCEL_LETTERS = 32_767  # of a cell
BATCH = 10_000
NEEDS_XLSXWRITER = (
    "A workbook needs xlsxwriter, which is not installed here. Once: .venv/bin/python -m pip install '.[report]'\n"
    "CSV files need nothing more: --format csv."
)


class Workbook:
    """A workbook at ``path``, written as its rows come: memory stays small however many. ``file`` is xlsxwriter's,
    ``head`` its format of a header. Raises Problem where xlsxwriter is not installed."""

    def __init__(self, path: Path) -> None:
        try:
            import xlsxwriter
        except ImportError:
            raise Problem(NEEDS_XLSXWRITER) from None
        # constant_memory: each row is on disk before the next one is asked for
        options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False}
        self.file = xlsxwriter.Workbook(str(path), options)
        self.head = self.file.add_format({"bold": True, "bottom": 1})
        # by decimals: those of the currency, more where an amount has more
        self._money = [self.file.add_format({"num_format": f"#,##0.{'0' * places}".rstrip(".")}) for places in range(5)]
        self._count = self.file.add_format({"num_format": "#,##0"})
        self._day = self.file.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self.file.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def add(
        self,
        name: str,
        answer: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation,
        headings: list[str] | None = None,
    ) -> None:
        """A sheet, continued on further ones where the answer is longer than a sheet can be. Times are in UTC.
        Raises Problem for a text that is longer than a cell can be."""
        names = headings or headers(answer)
        columns = [name for name, *_ in answer.description]
        currency = columns.index("currency") if "currency" in columns else None
        widths = [max(11, min(len(name) + 2, 24)) for name in names]
        for column, (called, kind, *_) in enumerate(answer.description):
            if called in {"event_name", "in_words"}:
                widths[column] = 60 if called == "in_words" else 36
            elif "TIME" in str(kind).upper():
                widths[column] = 20
            elif called.endswith("_id"):
                widths[column] = 18
        page, row, number = None, EXCEL_ROWS, 0
        for values in _batches(answer):
            if row == EXCEL_ROWS:
                number += 1
                page, row = self.page(name if number == 1 else f"{name} {number}", names, widths), 1
            places = decimals(values[currency] if currency is not None else None)
            for column, value in enumerate(values):
                self._write(page, row, column, value, names[column], places)
            row += 1
        if page is None:
            self.page(name, names, widths)
        else:
            page.autofilter(0, 0, row - 1, len(names) - 1)

    def close(self) -> None:
        """Writes the file. Raises OSError where it cannot be."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self.file.close()
        except FileCreateError as error:
            raise error.args[0] from None

    def _write(self, page: Any, row: int, column: int, value: Any, called: str, places: int) -> None:
        if value is None:
            return
        if isinstance(value, dt.date) and value.year >= 1900:  # Excel's calendar begins there
            if isinstance(value, dt.datetime):
                page.write_datetime(row, column, value.replace(tzinfo=None), self._moment)
            else:
                page.write_datetime(row, column, value, self._day)
        elif isinstance(value, bool):
            page.write_boolean(row, column, value)
        elif isinstance(value, int | Decimal | float) and _is_held(value):
            page.write_number(row, column, value, self._format(value, places))
        elif len(text := str(value)) > EXCEL_LETTERS:
            raise Problem(
                f"A cell of a workbook holds {EXCEL_LETTERS:,} letters, and {called} has {len(text):,} in row {row}. "
                "CSV, JSON and Parquet hold it whole; or leave the column out."
            )
        else:
            page.write_string(row, column, text)

    def _format(self, value: int | Decimal | float, places: int) -> Any:
        if isinstance(value, Decimal):
            return self._money[min(4, max(places, -int(value.normalize().as_tuple().exponent)))]
        return self._count if isinstance(value, int) else None

    def page(self, name: str, names: list[str], widths: list[int]) -> Any:
        """An empty sheet with its header, which stays in view."""
        page = self.file.add_worksheet(name)
        page.freeze_panes(1, 0)
        for column, (header, width) in enumerate(zip(names, widths, strict=True)):
            page.set_column(column, column, width)
            page.write_string(0, column, header, self.head)
        return page


def headers(answer: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation) -> list[str]:
    """The names of an answer's columns, times with their zone."""
    return [f"{name} (UTC)" if name.endswith("_at") else name for name, *_ in answer.description]


def _is_held(number: int | Decimal | float) -> bool:
    """Whether a spreadsheet shows the number as it is: it has floats, and keeps 15 digits of them."""
    if isinstance(number, float):
        return math.isfinite(number)
    return len(Decimal(number).normalize().as_tuple().digits) <= EXCEL_DIGITS


def _batches(answer: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation) -> Iterator[tuple[Any, ...]]:
    while batch := answer.fetchmany(BATCH):
        yield from batch
