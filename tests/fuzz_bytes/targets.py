"""What must hold of any bytes: in a buffer file, and in an answer of Ticket Tailor's API."""

import time
from collections.abc import Callable, Iterator

import orjson

from boxoffice.raw import reading
from boxoffice.raw.file_store import Content
from boxoffice.raw.validation import InvalidDocument
from boxoffice.settings import Site
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.pages import NotAPage, created_at, read_page
from boxoffice.ticketor import webhooks
from boxoffice.ticketor.records import EMPTY, LOADED, REFUSED, FileReader
from boxoffice.ticketor.tables import Rows

GOOD = b'{"Id":5,"SignupDate":"2023-11-03T22:11:58Z","Email":"ada@example.org"}'
WINDOWS = (17, 64, 400, 2**20)  # bytes that are read at once
SITE = Site("fuzz", "/nowhere", max_record_mb=1, max_refused=50)
# Processor seconds for so few bytes: what takes longer is not linear in them.
SECONDS = 5.0


def buffer(data: bytes) -> None:
    """The first byte chooses how much is read at once, and whether a whole record comes before in a line of its own."""
    if not data:
        return
    window, goes_before = WINDOWS[data[0] % 4], data[0] & 4
    content = data[1:]
    if goes_before:
        content = GOOD + b"\n" + content
    began = time.process_time()
    rows = _read(content, window)
    assert time.process_time() - began < SECONDS, "it takes too long"
    assert len(rows), "a file leaves a trace"
    assert sorted(rows.position) == sorted(set(rows.position)) and 0 in rows.position
    assert len(set(rows.record_id)) == len(rows)
    for outcome, document, raw, reason in zip(rows.outcome, rows.document, rows.raw, rows.reason, strict=True):
        if outcome == LOADED:
            assert raw is None
            webhooks.check(orjson.loads(document))
        else:
            assert outcome in (REFUSED, EMPTY) and reason and raw is not None and document is None
            assert not reason.startswith("could not be read"), reason
            reason.encode()
    assert rows.outcome.count(REFUSED) <= SITE.max_refused + 1
    if goes_before:
        assert GOOD in rows.document, "what follows harms a record that has a line of its own"


def _read(content: bytes, window: int) -> Rows:
    def chunks() -> Iterator[bytes]:
        for place in range(0, len(content), window):
            yield content[place : place + window]

    rows = Rows(SITE.name)
    reader = FileReader(rows, "file", len(content), 0, {}, SITE)
    whole = content if window > len(content) else None
    if whole is None or whole.startswith(b"\x1f\x8b") or not reader.whole(whole):
        for _ in reading.read_file(reader, Content(len(content), 0, whole, chunks), SITE):
            pass
    reader.finish()
    return rows


LISTS = tuple(ENDPOINTS.values())


def page(data: bytes) -> None:
    """The first byte chooses the list."""
    if not data:
        return
    began = time.process_time()
    try:
        documents, misread, has_more = read_page(data[1:], 100, LISTS[data[0] % len(LISTS)].shape)
    except NotAPage as no_page:
        assert str(no_page)
    else:
        assert isinstance(has_more, bool)
        for document in documents:
            item = orjson.loads(document.text)
            assert str(item["id"]) == document.id and len(document.hash) == 32
            assert document.created_at == created_at(item)
        for other in misread:
            assert other.reason and isinstance(other.raw, bytes)
            assert not isinstance(other.reason, InvalidDocument)
    assert time.process_time() - began < SECONDS, "it takes too long"


TARGETS: dict[str, Callable[[bytes], None]] = {"buffer": buffer, "page": page}
