"""What the accounts of both platforms share: what a load is asked for, and what it did."""

import contextlib
import dataclasses
import datetime as dt
import gc
from collections.abc import Callable, Iterator

import duckdb

from boxoffice.raw import contents, pipeline
from boxoffice.settings import Settings

# tables that record what was read: a load with rows of no other table brought nothing new
NOTES = {"coverage", "folders"}


@dataclasses.dataclass
class Loaded:
    """What one account's load did. ``rows`` counts new rows by raw table; ``messages`` are for the user.

    ``refused`` counts the refused records among them, ``waiting`` the files that are too young to be read.
    ``finished_earlier``: a package that an earlier run had left was loaded first; its rows are not counted.
    ``set_right``: what raw held from the future was dated back. ``newest_webhook``: when the newest that raw holds was
    received (UTC), of an account whose records are not all webhooks.
    """

    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    refused: int = 0
    waiting: int = 0
    messages: list[str] = dataclasses.field(default_factory=list)
    requests: int = 0
    finished_earlier: bool = False
    set_right: bool = False
    newest_webhook: dt.datetime | None = None

    @property
    def news(self) -> dict[str, int]:
        """The rows that count as news: without those of dlt's and our own bookkeeping."""
        news = {table: count for table, count in self.rows.items() if count and table not in NOTES}
        return dict(sorted(news.items(), key=lambda each: -each[1]))

    def add(self, row_counts: dict[str, int]) -> None:
        for table, count in row_counts.items():
            if not table.startswith("_dlt"):
                self.rows[table] = self.rows.get(table, 0) + count


@dataclasses.dataclass(frozen=True)
class Reading:
    """What to read. ``sweep``: list every folder; ``full``: everything again; ``span``: created_at in unix seconds.

    ``clock`` gives the time (UTC) at which an answer came: the demo's venue has its own.
    """

    sweep: bool = False
    full: bool = False
    span: tuple[int, int] | None = None
    limit: int | None = None
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


@dataclasses.dataclass(frozen=True)
class Look:
    """Whether an account has anything to load, what finding out cost, what has to wait, and messages for the user.
    ``newest_webhook`` is as in Loaded."""

    due: bool
    requests: int = 0
    waiting: int = 0
    messages: list[str] = dataclasses.field(default_factory=list)
    newest_webhook: dt.datetime | None = None


def set_right(
    settings: Settings,
    platform: str,
    account: str,
    correct: Callable[[duckdb.DuckDBPyConnection, str, dt.datetime], None],
) -> bool:
    """Calls ``correct`` if raw holds anything of an account from the future; returns whether it does."""
    now = dt.datetime.now(dt.UTC)
    if not contents.is_ahead(settings.warehouse, platform, account, now):
        return False
    with pipeline.open_warehouse(settings) as db:
        correct(db, account, now)
    return True


@contextlib.contextmanager
def seldom_collecting() -> Iterator[None]:
    """What is parsed has no cycles: to look for them after every 700 objects takes a tenth of a load's time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
