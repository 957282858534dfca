"""Questions in SQL to the published file, read only."""

import duckdb

from pipelines.errors import Problem
from pipelines.settings import Settings


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


def ask(settings: Settings, query: str, form: str) -> None:
    """Prints the answer as ``form``: table, csv or json.

    Raises Problem with what DuckDB says of a query it cannot run.
    """
    with open_published(settings) as db:
        try:
            answer = db.sql(query)
            if answer is None:
                return
            if form == "table":
                answer.show(max_width=_width(), max_rows=1000)
            else:
                options = "format csv, header" if form == "csv" else "format json, array"
                db.sql(f"copy (from answer) to '/dev/stdout' ({options})")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            tables = 'boxoffice sql "show tables"; columns: boxoffice sql "describe fct_orders"'
            raise Problem(f"{error}\nWhat there is: {tables}") from None
        except duckdb.Error as error:
            raise Problem(str(error)) from None


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((200, 50)).columns
