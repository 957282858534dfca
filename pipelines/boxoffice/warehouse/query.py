"""Questions in SQL to the published file: what they may reach, and how answers are printed."""

import contextlib
import io
import os
import shutil
import sys
import threading
from collections.abc import Iterator

import duckdb

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.settings import Settings
from boxoffice.terminal import echo
from boxoffice.warehouse.spreadsheet import write_csv


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection with schema marts in front. Raises Problem when nothing has been published yet, or what
    was is no database any more."""
    if not settings.published.exists():
        raise Problem(f"{settings.published} does not exist: nothing has been published yet. First: boxoffice run")
    try:
        db = duckdb.connect(str(settings.published), read_only=True)
    except duckdb.Error as error:
        raise Problem(f"{error}\n{settings.published} is made anew by: boxoffice transform") from None
    db.execute("set TimeZone = 'UTC'")
    db.execute("set schema = 'marts'")
    return db


def ask(settings: Settings, query: str, form: str, *, raw: bool = False, files: bool = False) -> None:
    """Prints the answer as ``form``: table, csv or json. ``raw`` leaves out what keeps CSV safe in a spreadsheet.

    The query reaches no file, extension or network unless ``files``, and in no case Python's variables.
    Raises Problem with what DuckDB says of a query it cannot run.
    """
    if not sys.stdout:
        raise Problem("Standard output is closed: there is nowhere to write the answer.")
    with open_published(settings) as db, _standard_output() as name:
        try:
            db.execute("set python_enable_replacements = false")
            if not files:
                db.execute(f"set allowed_paths = ['{name}']")
                db.execute("set enable_external_access = false")
            *before, last = _statements(db, query)
            for statement in before:
                db.execute(statement)
            answer = db.sql(last)
            if answer is None:
                return
            if form == "table":
                table = io.StringIO()
                with contextlib.redirect_stdout(table):
                    answer.show(max_width=_width(), max_rows=1000)
                echo(table.getvalue(), nl=False)
            elif form == "csv" and not raw:
                write_csv(db, answer, name)
            else:
                options = "format csv, header" if form == "csv" else "format json, array"
                answer.query("answer", f"copy (from answer) to '{name}' ({options}, use_tmp_file false)")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            tables = 'boxoffice sql "show tables"; columns: boxoffice sql "describe fct_orders"'
            raise Problem(f"{error}\nWhat there is: {tables}") from None
        except duckdb.PermissionException as error:
            raise Problem(f"{error}\nA query may read and write files only with --files.") from None
        except duckdb.Error as error:
            raise Problem(str(error)) from None


def _statements(db: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """What there is to run: any settings, then the one question. Raises ConfigProblem where that is not so."""
    statements = db.extract_statements(query)
    if not statements:
        raise ConfigProblem('There is no question. For example: boxoffice sql "from rpt_daily_sales limit 10"')
    if any(statement.type == duckdb.StatementType.SELECT for statement in statements[:-1]):
        raise ConfigProblem(
            f"These are {len(statements)} statements, of which one answer would be shown: ask one by one."
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
