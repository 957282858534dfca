"""Closed months: what was frozen, and when. Rows of ``raw_closes``, and the same in ``data/closes`` as files.

``raw_closes.closes`` has one row per close or reopening, ``raw_closes.lines`` what a close froze. Both are only ever
added to. A close is one dlt load, so after a kill it is there whole or does not count (``contents.complete``); whoever
closes again takes its number and replaces what is left of it. The seal is the SHA-256 of the lines as text, so the
table, the file of the month and the published rows can be compared with it.
"""

import contextlib
import csv
import datetime as dt
import gzip
import hashlib
import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from boxoffice.atomic_file import whole
from boxoffice.errors import Problem
from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded
from boxoffice.settings import Settings

Echo = Callable[[str], None]

SCHEMA = "raw_closes"
CLOSED, REOPENED = "closed", "reopened"

# What a line is made of, in the order of the file. All text: a restore takes plain types alone, and amounts are exact.
LINE = (
    *("posted_on", "origin_on", "platform", "account", "currency", "posting", "code", "account_name", "tax_code"),
    *("rule", "order_id", "event_key", "amount"),
)
# a line as it is sealed: every value quoted, so that the text depends on no CSV writer
AS_TEXT = " || ',' || ".join(f"""'"' || replace(coalesce({name}, ''), '"', '""') || '"'""" for name in LINE)
HEADER = ",".join(f'"{name}"' for name in LINE)
LINES_AT_ONCE = 100_000
NO_LINES = f"(select {', '.join(f'cast(null as varchar) as {name}' for name in LINE)} limit 0)"


class Close(NamedTuple):
    """One row of ``closes``: a month (such as 2026-10) that was closed, or reopened.

    ``number`` counts them from 1. ``done_at`` is UTC. ``because`` is why a month was reopened. ``rows`` and ``sha256``
    are of what was frozen. ``published_until`` is JSON: for each account when its newest record had been received
    (UTC). ``accepted`` is JSON: a sentence for each thing that was open. ``boxoffice`` is the version that closed.
    """

    number: int
    action: str
    month: str
    done_at: dt.datetime
    because: str | None
    rows: int
    sha256: str | None
    published_until: str
    accepted: str
    boxoffice: str


def all_of(db: duckdb.DuckDBPyConnection | None) -> list[Close]:
    """Every close and reopening that raw holds, in their order."""
    query = f"select {', '.join(Close._fields)} from {SCHEMA}.closes where {contents.complete(SCHEMA)} order by number"
    return [Close(*row) for row in contents.ask(db, query)]


def in_force(closes: Iterable[Close]) -> list[Close]:
    """The closes of the months that are closed now, in the order of the months."""
    newest = {close.month: close for close in closes}
    return sorted((close for close in newest.values() if close.action == CLOSED), key=lambda close: close.month)


def held(settings: Settings) -> list[Close]:
    """Every close and reopening of the warehouse."""
    with contents.reading(settings.warehouse) as db:
        return all_of(db)


def moved_by_rules(db: duckdb.DuckDBPyConnection) -> str | None:
    """A sentence on what closed months would have now by other seeds, settings or another version, from a published
    file; None where that is nothing."""
    found = contents.ask(
        db,
        "select count(distinct coalesce(order_key, event_key, '')), currency, sum(amount) filter (amount > 0) "
        "from marts.rpt_adjustments where why = 'rules' group by all order by all",
    )
    if not found:
        return None
    sums = ", ".join(f"{amount} {currency} in {items:,} orders and events" for items, currency, amount in found)
    return (
        f"closed months would have other postings now: {sums}. A seed, a setting, a date or the version of Boxoffice "
        "has changed. They stay as they are; the difference is posted on the first open day. Each: boxoffice sql "
        """"from rpt_adjustments where why = 'rules'\""""
    )


def lines_of(close: Close) -> str:
    """The rows of a close in raw, as a subquery."""
    return f"(from {SCHEMA}.lines where number = {close.number} and {contents.complete(SCHEMA)})"


def published_lines_of(month: str) -> str:
    """The rows of a closed month in a published file, as a subquery."""
    columns = ", ".join(f"cast({name} as varchar) as {name}" for name in LINE)
    return f"(select {columns} from marts.fct_journal where closed_month = date '{month}-01')"


def filed_lines_of(path: Path) -> str:
    """The rows of a month's file, as a subquery."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in LINE)
    name = str(path).replace("'", "''")
    return (
        f"(from read_csv('{name}', columns = {{{columns}}}, auto_detect = false, header = true, "
        """delim = ',', quote = '"', escape = '"', nullstr = ''))"""
    )


def seal(db: duckdb.DuckDBPyConnection, rows: str) -> str:
    """The SHA-256 of rows as they are in a month's file; ``rows`` is a subquery with the columns of LINE."""
    digest = hashlib.sha256()
    for line in _texts(db, rows):
        digest.update(line)
    return digest.hexdigest()


def _texts(db: duckdb.DuckDBPyConnection, rows: str) -> Iterator[bytes]:
    """The lines of a month's file, in their order: its header, then the rows sorted."""
    yield f"{HEADER}\n".encode()
    found = db.execute(f"select {AS_TEXT} as line from {rows} order by line")
    while batch := found.fetchmany(LINES_AT_ONCE):
        yield "".join(f"{line}\n" for (line,) in batch).encode()


def require_whole(settings: Settings) -> None:
    """Raises Problem where raw does not hold what was sealed when a month was closed."""
    with contents.reading(settings.warehouse) as db:
        for close in in_force(all_of(db)):
            if db and seal(db, lines_of(close)) != close.sha256:
                raise Problem(
                    f"The seal of {close.month} is broken: raw no longer holds what was sealed when it was closed. "
                    f"Nothing was built, and {settings.published.name} stays as it is. `boxoffice rebuild` restores "
                    f"the month from {file_of(settings, close.month)}, or from what is published."
                )


# writing


def has_tables(settings: Settings) -> bool:
    with contents.reading(settings.warehouse) as db:
        return {"closes", "lines", "_dlt_loads"} <= contents.tables(db, SCHEMA)


def make_tables(settings: Settings) -> None:
    """The models read both tables: until a month is closed they exist and are empty."""
    if has_tables(settings):
        return
    with duckdb.connect() as db:
        _load(settings, [], db, NO_LINES)


def add(settings: Settings, close: Close, db: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Adds one close, with the rows that it freezes, or one reopening, as one load.

    ``rows`` is a subquery of ``db``, which is not the warehouse, with the columns of LINE.
    """
    _load(settings, [close], db, rows)


def _load(settings: Settings, closes: list[Close], db: duckdb.DuckDBPyConnection, rows: str) -> None:
    import pyarrow as pa

    # what a killed close has left is never finished: its month is not closed, and is frozen as it is by then
    shutil.rmtree(settings.dlt_dir / "pipelines" / "closes_months", ignore_errors=True)
    made = pipeline.open_pipeline(settings, "closes", "months", Loaded())
    import dlt

    number = max((close.number for close in closes), default=0)
    frozen = db.execute(f"select cast({number} as bigint) as number, {', '.join(LINE)} from {rows}").fetch_arrow_table()
    key = pa.field("number", pa.int64(), nullable=False)
    frozen = frozen.cast(pa.schema([key, *(pa.field(name, pa.string()) for name in LINE)]))
    types = {int: pa.int64(), dt.datetime: pa.timestamp("us", tz="UTC")}
    kinds = {name: types.get(kind, pa.string()) for name, kind in Close.__annotations__.items() if name != "number"}
    shape = pa.schema([key, *(pa.field(name, kind) for name, kind in kinds.items())])
    table = pa.Table.from_pylist([close._asdict() for close in closes], schema=shape)
    # replaces what a killed close has left under this number
    merge: Any = {"disposition": "merge", "strategy": "delete-insert"}

    @dlt.source(name="closes")
    def source() -> Any:
        yield dlt.resource([frozen], name="lines", merge_key="number", write_disposition=merge)
        yield dlt.resource([table], name="closes", primary_key="number", write_disposition=merge)

    pipeline.load_package(settings, made, source(), frozen.num_rows)


# files


def folder(settings: Settings) -> Path:
    """The folder with a file for each closed month."""
    return settings.data_dir / "closes"


def file_of(settings: Settings, month: str) -> Path:
    """A closed month's lines, as compressed CSV."""
    return folder(settings) / f"{month}.csv.gz"


def register(settings: Settings) -> Path:
    """All closes and reopenings, as CSV."""
    return folder(settings) / "closes.csv"


def write_files(settings: Settings) -> list[str]:
    """Writes the files that ``data/closes`` lacks, and removes those of months that were reopened.

    A file that differs from what was sealed is moved aside and written again. Returns messages for the user.
    """
    messages = []
    with contents.reading(settings.warehouse) as db:
        closes = all_of(db)
        if not closes or db is None:
            return []
        folder(settings).mkdir(mode=0o700, exist_ok=True)
        known = {close.sha256 for close in closes}
        for close in in_force(closes):
            path = file_of(settings, close.month)
            found = _seal_of_file(path)
            if found == close.sha256:
                continue
            if path.exists() and found not in known:  # otherwise it is from an earlier close, which was reopened
                aside = path.with_name(f"{path.name}.damaged-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}")
                path.rename(aside)
                messages.append(
                    f"{path} is not what was sealed when {close.month} was closed: it is {aside.name} now, and was "
                    "written again from raw, which holds what was sealed."
                )
            with whole(path, 0o600) as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                for text in _texts(db, lines_of(close)):
                    packed.write(text)
        for month in {close.month for close in closes} - {close.month for close in in_force(closes)}:
            file_of(settings, month).unlink(missing_ok=True)
    text = _register_text(closes)
    with contextlib.suppress(OSError):
        if register(settings).read_bytes() == text:
            return messages
    with whole(register(settings), 0o600) as file:
        file.write(text)
    return messages


def _register_text(closes: Iterable[Close]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Close._fields)
    for close in closes:
        writer.writerow(close._replace(done_at=close.done_at.astimezone(dt.UTC).isoformat()))
    return text.getvalue().encode()


def read_register(settings: Settings) -> list[Close]:
    """The closes and reopenings that ``data/closes`` knows; none where it has no register that can be read."""
    try:
        with register(settings).open(encoding="utf-8", newline="") as file:
            return [_close(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []


def _close(row: dict[str, Any]) -> Close:
    made = Close(**{name: row[name] or None for name in Close._fields})
    return made._replace(
        number=int(row["number"]), rows=int(row["rows"]), done_at=dt.datetime.fromisoformat(row["done_at"])
    )


def _seal_of_file(path: Path) -> str | None:
    """None where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with gzip.open(path, "rb") as file:
            while part := file.read(2**20):
                digest.update(part)
    except (OSError, EOFError, ValueError):
        return None
    return digest.hexdigest()


# putting back


def put_back(settings: Settings, before: Path) -> list[str]:
    """Gives a warehouse that was put in place the closes that it lacks, from ``data/closes`` or else from ``before``,
    the file published before. A month of which no whole copy is left is open again, and so are those after it.

    Returns messages for the user.
    """
    make_tables(settings)
    messages, whole_lines = [], True
    with _published_or_nothing(before) as db:
        raw = held(settings)
        known = {close.number: close for close in (*published(db), *read_register(settings), *raw)}
        closes = [known[number] for number in sorted(known)]
        current = in_force(closes)
        for close in closes:
            if close not in raw and close not in current:
                add(settings, close, db, NO_LINES)
        for close in current:
            if close in raw and _is_sealed(settings.warehouse, lines_of(close), close):
                continue
            file = file_of(settings, close.month)
            if _seal_of_file(file) == close.sha256:
                add(settings, close, db, filed_lines_of(file))
                messages.append(f"{close.month}, which was closed, was restored from {file}.")
            elif _is_sealed(before, published_lines_of(close.month), close):
                add(settings, close, db, published_lines_of(close.month))
                messages.append(f"{close.month}, which was closed, was restored from the published tables.")
            else:
                whole_lines = False
            if not whole_lines:
                number = max(known) + 1
                known[number] = close._replace(
                    number=number, action=REOPENED, because="no whole copy of what was frozen is left", sha256=None
                )
                add(settings, known[number], db, NO_LINES)
                messages.append(
                    f"{close.month} is open again: of this month, or of one before it, no copy is left that is as it "
                    "was sealed. With a backup: boxoffice restore FILE --replace. Else: boxoffice close it again."
                )
    return [*messages, *write_files(settings)]


@contextlib.contextmanager
def _published_or_nothing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, or a database that holds nothing where it cannot be read."""
    try:
        db = duckdb.connect(str(path), read_only=True) if path.exists() else duckdb.connect()
    except duckdb.Error:
        db = duckdb.connect()
    with db:
        db.execute("set TimeZone = 'UTC'")
        yield db


def published(db: duckdb.DuckDBPyConnection) -> list[Close]:
    """Every close and reopening that a published file has; none of an earlier release."""
    columns = ", ".join(Close._fields).replace("month", "strftime(month, '%Y-%m')")
    try:
        return [Close(*row) for row in contents.ask(db, f"select {columns} from marts.rpt_closes order by number")]
    except duckdb.Error:
        return []


def _is_sealed(path: Path, rows: str, close: Close) -> bool:
    """Whether the rows of a database are those that a close froze; not where they cannot be read."""
    try:
        with duckdb.connect(str(path), read_only=True) as db:
            return seal(db, rows) == close.sha256
    except duckdb.Error:
        return False
