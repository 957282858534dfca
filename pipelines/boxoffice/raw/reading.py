"""The files of a plan, read into Arrow tables of bounded size."""

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from boxoffice.raw import gzip_stream
from boxoffice.raw.file_store import Bucket, Content, Listing, LocalFolder
from boxoffice.raw.planning import TABLE_BYTES, TABLE_RECORDS, Files, Known
from boxoffice.settings import BoxOffice, FileBounds, Site

LOADED, REFUSED, EMPTY = "loaded", "refused", "empty file"
# Kept of a refused record (its file has all of it): enough for an invoice of some sixty tickets. DuckDB rewrites
# 122,880 rows at once: with a megabyte of each kept, 300 of a megabyte took 1.0 GB; with this a thousand take 0.4 GB.
KEPT_BYTES = 2**16
REFUSED_BYTE = 8  # bytes of memory that a load takes for each of them


def tables(
    files: Files,
    account: Site | BoxOffice,
    store: LocalFolder | Bucket,
    listing: Listing,
    known: Known,
    cannot_read: Callable[[str, Exception], None],
) -> Iterator[tuple[pa.Table, bool]]:
    """The rows of the listed files, in tables of about 25,000 records or 80 MB; with each, whether it is the last.

    A file may span tables. ``cannot_read`` is called with each file that gave no content, and why.
    """
    rows = files.rows(account.name)
    for path, content in store.read(listing, time.time_ns):
        if isinstance(content, Exception):
            cannot_read(path, content)
            continue
        if _is_full(rows):
            yield rows.table(), False
            rows = files.rows(account.name)
        reader = files.reader(rows, path, content.size, content.mtime_ns, known, account)
        whole = content.whole
        if whole is None or whole.startswith(gzip_stream.MAGIC) or not reader.whole(whole):
            try:
                for _ in read_file(reader, content, account):
                    if _is_full(rows):
                        yield rows.table(), False
                        rows = reader.rows = files.rows(account.name)
            except Exception as error:  # its first record is not written: raw does not know the file as read
                cannot_read(path, error)
                continue
        reader.finish()
    yield rows.table(), True


def folders_schema(column: str) -> pa.Schema:
    """Raw's table of folders; ``column`` names the account."""
    return pa.schema(
        [
            pa.field("folder_id", pa.string(), nullable=False),
            pa.field(column, pa.string(), nullable=False),
            pa.field("folder", pa.string(), nullable=False),
            pa.field("mtime_ns", pa.int64(), nullable=False),
            pa.field("listed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        ]
    )


def folders_table(column: str, account: str, folders: Mapping[str, int], listed_at: dt.datetime) -> pa.Table:
    """The folders of an account that need no listing while their modification time (ns) is this."""
    rows = [
        {
            "folder_id": hashlib.blake2b(f"{account}\x1f{folder}".encode(), digest_size=16).hexdigest(),
            column: account,
            "folder": folder,
            "mtime_ns": mtime_ns,
            "listed_at": listed_at,
        }
        for folder, mtime_ns in folders.items()
    ]
    return pa.Table.from_pylist(rows, schema=folders_schema(column))


def _is_full(rows: Any) -> bool:
    return rows.size >= TABLE_BYTES or len(rows) >= TABLE_RECORDS


def read_file(reader: Any, content: Content, bounds: FileBounds) -> Iterator[None]:
    """Reads one file, plain or gzip, with a reader of the platform's; pauses before each document."""
    if content.size > bounds.max_file_mb << 20:
        reason = f"file is larger than {bounds.max_file_mb} MB and was not read: raise max_file_mb, then touch the file"
        reader.refuse(b"", reason)
        return
    start = content.whole[:2] if content.whole is not None else next(iter(content.chunks()), b"")[:2]
    if start != gzip_stream.MAGIC:
        yield from reader.stream(content.chunks())
        return
    most = bounds.inflated_bytes(content.size)
    condition = gzip_stream.condition(content.chunks(), most)
    if condition in (gzip_stream.DAMAGED, gzip_stream.UNFOLDS):
        reason = "damaged gzip file"
        if condition == gzip_stream.UNFOLDS:
            reason = f"gzip file unfolds too far: to more than {most >> 20} MB (max_inflated_mb, max_inflation)"
        reader.refuse(next(iter(content.chunks()), b"")[:KEPT_BYTES], reason)
        return
    yield from reader.stream(gzip_stream.Inflating(content.chunks(), most).pieces())
    if condition == gzip_stream.FOLLOWED:
        reader.refuse(b"", "not JSON: something follows the end of a gzip file")
    elif condition == gzip_stream.CUT and reader.last_outcome != REFUSED:
        reader.refuse(b"", "truncated: the gzip file breaks off")
