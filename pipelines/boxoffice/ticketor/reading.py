"""The files of a plan, read into Arrow tables of bounded size."""

import time
from collections.abc import Callable, Iterator

import pyarrow as pa

from boxoffice.ticketor import gzip_stream
from boxoffice.ticketor.file_store import Bucket, Content, Listing, LocalFolder
from boxoffice.ticketor.planning import PACKAGE_BYTES, PACKAGE_RECORDS
from boxoffice.ticketor.records import KEPT_BYTES, REFUSED, FileReader, Known
from boxoffice.ticketor.tables import Rows


def tables(
    site: str,
    store: LocalFolder | Bucket,
    listing: Listing,
    known: Known,
    cannot_read: Callable[[str, Exception], None],
) -> Iterator[tuple[pa.Table, bool]]:
    """The rows of the listed files, in tables of about 25,000 records or 80 MB; with each, whether it is the last.

    A file may span tables. ``cannot_read`` is told the files that gave no content, and why.
    """
    rows = Rows(site)
    for path, content in store.read(listing, time.time_ns):
        if isinstance(content, Exception):
            cannot_read(path, content)
            continue
        if _is_full(rows):
            yield rows.table(), False
            rows = Rows(site)
        reader = FileReader(rows, path, content.size, content.mtime_ns, known)
        whole = content.whole
        if whole is None or whole.startswith(gzip_stream.MAGIC) or not reader.whole(whole):
            try:
                for _ in _read(reader, content):
                    if _is_full(rows):
                        yield rows.table(), False
                        rows = reader.rows = Rows(site)
            except Exception as error:  # its first record is not written: raw does not know the file as read
                cannot_read(path, error)
                continue
        reader.finish()
    yield rows.table(), True


def _is_full(rows: Rows) -> bool:
    return rows.size >= PACKAGE_BYTES or len(rows) >= PACKAGE_RECORDS


def _read(reader: FileReader, content: Content) -> Iterator[None]:
    start = content.whole[:2] if content.whole is not None else next(iter(content.chunks()), b"")[:2]
    if start != gzip_stream.MAGIC:
        yield from reader.stream(content.chunks())
        return
    condition = gzip_stream.condition(content.chunks())
    if condition == gzip_stream.DAMAGED:
        reader.refuse(next(iter(content.chunks()), b"")[:KEPT_BYTES], "damaged gzip file")
        return
    yield from reader.stream(gzip_stream.Inflating(content.chunks()).pieces())
    if condition == gzip_stream.FOLLOWED:
        reader.refuse(b"", "not JSON: something follows the end of a gzip file")
    elif condition == gzip_stream.CUT and reader.last_outcome != REFUSED:
        reader.refuse(b"", "truncated: the gzip file breaks off")
