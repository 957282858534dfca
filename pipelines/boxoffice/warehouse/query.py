"""SQL queries of the published file: what they may reach, and how answers are printed."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.atomic_file import put_in_place
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.settings import Settings
from boxoffice.terminal import echo
from boxoffice.warehouse import currencies
from boxoffice.warehouse.spreadsheet import write_csv
from boxoffice.warehouse.workbook import Workbook


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection with schema marts in front. Raises Problem if nothing has been published yet, or
    the file is damaged."""
    if not settings.published.exists():
        raise Problem(f"{settings.published} does not exist: nothing has been published yet. First: boxoffice run")
    try:
        db = duckdb.connect(str(settings.published), read_only=True)
    except duckdb.Error as error:
        raise Problem(f"{error}\n{settings.published} is built again by: boxoffice transform") from None
    db.execute("set TimeZone = 'UTC'")
    db.execute("set schema = 'marts'")
    return db


def rows(db: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[Any]:
    """The answer as named tuples."""
    answer = db.execute(query, values)
    row = namedtuple("row", [column[0] for column in answer.description])
    return [row(*found) for found in answer.fetchall()]


def ask(
    settings: Settings, query: str, form: str, out: Path | None = None, *, raw: bool = False, files: bool = False
) -> None:
    """Prints the answer as ``form``: table, csv, json, xlsx or parquet, or writes it to the file ``out``, completely or
    not at all. ``raw`` leaves out what keeps CSV safe in a spreadsheet.

    The query reaches no other file, extension or network unless ``files``, and in no case Python's variables.
    Raises ConfigProblem where ``out`` and ``form`` do not go together, Problem with what DuckDB says of a query that it
    cannot run, and where ``out`` cannot be written.
    """
    if out is None:
        if form in ("xlsx", "parquet"):
            raise ConfigProblem(f"{form} cannot be printed: name a file with --out.")
        if not sys.stdout:
            raise Problem("Standard output is closed: there is nowhere to write the answer.")
        place = _standard_output()
    else:
        if form == "table":
            raise ConfigProblem("--out takes csv, json, xlsx or parquet: name one with --format.")
        if out.exists() and not out.is_file():
            raise ConfigProblem(f"{out} is not a file that could be replaced. Give another with --out.")
        place = _file(out)
    with open_published(settings) as db, place as name:
        try:
            db.execute("set python_enable_replacements = false")
            if not files:
                db.execute("set allowed_paths = [$1]", [name])
                db.execute("set enable_external_access = false")
            *before, last = _statements(db, query)
            for statement in before:
                db.execute(statement)
            if (answer := db.sql(last)) is not None:
                _write(db, answer, form, name, raw=raw)
            elif out:
                raise Problem(f"This statement has no answer that could be written to {out}.")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            tables = 'boxoffice sql "show tables"; columns: boxoffice sql "describe fct_orders"'
            raise Problem(f"{error}\nTables: {tables}") from None
        except duckdb.PermissionException as error:
            raise Problem(f"{error}\nA query may read and write files only with --files.") from None
        except duckdb.Error as error:
            raise Problem(str(error)) from None


def _write(db: duckdb.DuckDBPyConnection, answer: duckdb.DuckDBPyRelation, form: str, name: str, *, raw: bool) -> None:
    if form == "table":
        table = io.StringIO()
        with contextlib.redirect_stdout(table):
            _in_currency(db, answer).show(max_width=_width(), max_rows=1000)
        echo(table.getvalue(), nl=False)
    elif form == "xlsx":
        book = Workbook(Path(name))
        book.add("Answer", answer)
        book.close()
    else:
        path = name.replace("'", "''")
        if form == "csv" and not raw:
            write_csv(db, answer, path)
        else:
            options = {"csv": "format csv, header", "json": "format json, array", "parquet": "format parquet"}[form]
            answer.query("answer", f"copy (from answer) to '{path}' ({options}, use_tmp_file false)")


@contextlib.contextmanager
def _file(out: Path) -> Iterator[str]:
    """A name to write to, in a folder beside ``out``; it becomes ``out`` at the end."""
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".boxoffice-", ignore_cleanup_errors=True) as folder:
            yield str(Path(folder) / "answer")
            put_in_place(Path(folder) / "answer", out)
    except OSError as error:
        raise Problem(f"{out} cannot be written: {error.strerror}. Give another place with --out.") from None


def _in_currency(db: duckdb.DuckDBPyConnection, answer: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The answer with the decimals of the currency beside each amount: 467.36 GBP, 2700 JPY. Amounts of currencies that
    have different numbers of them become text, since a column of numbers has one."""
    if not currencies.scale_of_amounts(answer):
        return answer
    answer.query("answer", "create temp table whole_answer as from answer")  # asked once, in its order
    answer = db.table("temp.whole_answer")
    columns = []
    for name, scale in currencies.scale_of_amounts(answer).items():
        amount = '"' + name.replace('"', '""') + '"'
        text = currencies.amount_as_text(amount, scale)
        kinds, places, width = (
            answer.filter(f"{amount} is not null")
            .aggregate(
                f"count(distinct {currencies.own_places(scale)}), max({currencies.places(amount, scale)}), "
                f"greatest(max(length({text})), {len(name)})"
            )
            .fetchone()
        )
        if kinds > 1:
            columns.append(f"lpad({text}, {width}, ' ') as {amount}")
        elif kinds == 1:
            columns.append(f"cast({amount} as decimal(38, {places})) as {amount}")
    return answer.project(f"* replace ({', '.join(columns)})") if columns else answer


def _statements(db: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """The statements to run: any settings, then one query. Raises ConfigProblem for anything else."""
    statements = db.extract_statements(query)
    if not statements:
        raise ConfigProblem('The query is empty. For example: boxoffice sql "from rpt_daily_sales limit 10"')
    if any(statement.type == duckdb.StatementType.SELECT for statement in statements[:-1]):
        raise ConfigProblem(
            f"These are {len(statements)} statements, and only one answer could be shown: run them one by one."
        )
    return [statement.query for statement in statements]


@contextlib.contextmanager
def _standard_output() -> Iterator[str]:
    """A name under which DuckDB writes to standard output.

    Not /dev/stdout, which opens it once more: a file that should grow is emptied, and a socket or another user's pipe
    cannot be opened at all. The name is of a pipe of our own, and what comes out of it goes to where output goes.
    """
    failed: list[OSError] = []
    output = sys.stdout
    ours, theirs = os.pipe()

    def pass_on() -> None:
        with os.fdopen(ours, "rb") as pipe:  # closing it makes DuckDB stop
            try:
                if output.isatty():
                    for line in io.TextIOWrapper(pipe, "utf-8", newline="\n"):
                        echo(line, nl=False)
                else:
                    shutil.copyfileobj(pipe, output.buffer)
                    output.buffer.flush()
            except OSError as error:
                failed.append(error)

    passing_on = threading.Thread(target=pass_on)
    passing_on.start()
    try:
        yield f"/dev/fd/{theirs}"
    except Problem:
        if not failed:
            raise
    finally:
        os.close(theirs)
        passing_on.join()
    if failed:
        raise failed[0]


def _width() -> int:
    return shutil.get_terminal_size((200, 50)).columns
