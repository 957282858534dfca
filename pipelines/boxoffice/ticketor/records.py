"""From the bytes of a buffer file to rows of raw: every record in it, loaded or refused."""

import datetime as dt
import functools
import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from boxoffice.raw import validation
from boxoffice.raw.planning import Known
from boxoffice.raw.reading import EMPTY, KEPT_BYTES, LOADED, REFUSED, REFUSED_BYTE
from boxoffice.raw.validation import InvalidDocument
from boxoffice.settings import FileBounds
from boxoffice.ticketor import envelopes, splitter, webhooks
from boxoffice.ticketor.tables import Rows

FROM_ENVELOPE, FROM_NAME, FROM_FILE = "envelope", "file name", "file time"
NO_RECORDS = "no records"

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
# A time is set apart in a name: the same digits within a hash are none.
_ISO_IN_NAME = re.compile(
    r"(?<![A-Za-z0-9])(20\d\d)-?(\d\d)-?(\d\d)[T_ -]?(\d\d)[-:_.]?(\d\d)[-:_.]?(\d\d)"
    r"(?:[.,_]?(\d{1,9})(?!\d)|-(\d{3})(?=Z|\W|_|$)|(?!\d))Z?(?![A-Za-z0-9])"
)
_EPOCH_IN_NAME = re.compile(r"(?<![A-Za-z0-9])(1\d{9}|1\d{12}|1\d{15}|1\d{18})(?![A-Za-z0-9])")

# How far a name's time may be from the file's own (microseconds). A file is named before it is closed, so that only two
# clocks that differ put the name later; a name in a zone east of UTC, which nothing shows, is an hour later at least.
# It may be much earlier, since copies are dated by their copying. Date and time in full are not there by chance; a bare
# number may be an id, and nearly all of those are a year off.
_NAMED_LATER = 5 * 60 * 10**6
_NUMBER_EARLIER = 366 * 86_400 * 10**6
_YEAR_2000 = 946_684_800 * 10**6  # where a file's own time is not known it is near zero

# What a folder may be called that holds one kind of webhook; it is a hint, and reported when it is wrong.
_FOLDERS = {
    "user": (webhooks.USER,),
    "newuser": (webhooks.USER,),
    "invoice": (webhooks.INVOICE, webhooks.DETAILS),
    "newinvoice": (webhooks.INVOICE, webhooks.DETAILS),
    "newinvoicesale": (webhooks.INVOICE, webhooks.DETAILS),
    "invoicewithdetail": (webhooks.DETAILS,),
    "newinvoicewithdetail": (webhooks.DETAILS,),
    "newinvoicesaleswithdetail": (webhooks.DETAILS,),
    "ticket": (webhooks.TICKET,),
    "ticketsale": (webhooks.TICKET,),
    "newticketsale": (webhooks.TICKET,),
    "product": (webhooks.PRODUCT,),
    "productsale": (webhooks.PRODUCT,),
    "merchandise": (webhooks.PRODUCT,),
    "donation": (webhooks.PRODUCT,),
    "newmerchandisesaleordonation": (webhooks.PRODUCT,),
    "payment": (webhooks.PAYMENT,),
    "newpaymentreceived": (webhooks.PAYMENT,),
}


def record_id_of(site: str, path: str, position: int, raw: bytes) -> str:
    """A record's key, the same whenever its file is read."""
    return hashlib.blake2b(
        b"%b\x1f%d\x1f%b" % (f"{site}\x1f{path}".encode(), position, raw), digest_size=16
    ).hexdigest()


class FileReader:
    """Turns one file into rows. Its first record is written last: raw then knows a file only once it was read whole."""

    def __init__(self, rows: Rows, path: str, size: int, mtime_ns: int, known: Known, bounds: FileBounds) -> None:
        self.rows, self.path, self.size, self.mtime_ns, self.known = rows, path, size, mtime_ns, known
        self.longest, self.max_refused = bounds.max_record_mb << 20, bounds.max_refused
        self.position = 0
        self.refused = 0
        self.blank = True
        self.last_outcome = EMPTY
        self.expected, self.hint = _folder_hint(path.rpartition("/")[0])
        self.now = time.time_ns() // 1000
        self.received_at, self.basis = _time_of_file(path, mtime_ns, self.now)
        self.first: tuple[Any, ...] | None = None

    def whole(self, content: bytes) -> bool:
        """Reads a file that holds one payload and nothing else; False when it is anything else."""
        content = content.strip(b" \t\r\n")
        document = validation.attempt(content)
        if type(document) is not dict or "Id" not in document or envelopes.is_flattened(document):
            return False
        self._payload(content, document, None)
        return True

    def stream(self, chunks: Iterable[bytes]) -> Iterator[None]:
        """Reads any layout; pauses before each document, so that the rows can be taken away when they are many."""
        for raw, document in splitter.documents(self._watched(chunks), envelopes.kind_of, self.longest):
            yield
            if type(document) is dict and "Id" in document and not envelopes.is_flattened(document):
                self._payload(raw, document, None)
                continue
            try:
                for payload in envelopes.unwrap(raw, document):
                    self._payload(*payload)
            except InvalidDocument as refused:
                self._payload(raw, InvalidDocument(refused.reason), None)
            except MemoryError:
                raise
            except Exception as error:  # a defect of ours costs one record, and none of the others
                self._payload(raw, splitter.could_not_be_read(error), None)
        if self.position == 0:
            self._add(b"", EMPTY, reason=EMPTY if self.blank else NO_RECORDS)

    def _watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self.blank and chunk:
                self.blank = chunk.isspace()
            yield chunk

    def refuse(self, raw: bytes, reason: str) -> None:
        """A piece of the file that holds no document at all."""
        self._add(raw[:KEPT_BYTES], REFUSED, reason=reason)

    def _payload(self, raw: bytes, document: Any, received_at: dt.datetime | None) -> None:
        if len(raw) > self.longest:
            document = InvalidDocument(f"longer than {self.longest >> 20} MB, which is max_record_mb")
        # not raised again: it would keep itself alive, and all it holds
        if isinstance(document, InvalidDocument):
            self._refused(raw, document, document.reason, received_at)
            return
        try:
            webhook, payload_id = webhooks.check(document)
        except InvalidDocument as refused:
            self._refused(raw, document, refused.reason, received_at)
        else:
            note = None if self.expected is None or webhook in self.expected else f"the folder says {self.hint}"
            self._add(raw, LOADED, note, webhook, payload_id, received_at)

    def _refused(self, raw: bytes, document: Any, reason: str, received_at: dt.datetime | None) -> None:
        self.refused += 1
        if self.refused > self.max_refused:
            self.position += 1  # so that the others are where they would be without the bound
            self.last_outcome = REFUSED
            return
        if len(raw) > KEPT_BYTES:
            reason += f" (of {len(raw)} bytes the first {KEPT_BYTES} are kept)"
        webhook_seen, id_seen = webhooks.glimpse(raw, document)
        self._add(raw[:KEPT_BYTES], REFUSED, reason, webhook_seen, id_seen, received_at)

    def _add(
        self,
        raw: bytes,
        outcome: str,
        reason: str | None = None,
        webhook: str | None = None,
        payload_id: int | None = None,
        received_at: dt.datetime | None = None,
    ) -> None:
        position = self.position
        self.position += 1
        self.last_outcome = outcome
        record_id = record_id_of(self.rows.site, self.path, position, raw)
        moment, basis = self.received_at, self.basis
        if received_at is not None:
            stated = (received_at - _EPOCH) // _MICROSECOND
            if stated <= self.now:  # nothing was received later than now, whatever a clock said
                moment, basis = stated, FROM_ENVELOPE
        if self.known and record_id in self.known:
            if position and outcome == LOADED:
                return
            moment, basis = self.known[record_id]
        row = (record_id, raw, outcome, reason, webhook, payload_id, moment, basis, position)
        if position == 0:
            self.first = row
        else:
            self._append(*row)

    def finish(self) -> None:
        """Says that the file has been read to its end."""
        if self.refused > self.max_refused:
            more = self.refused - self.max_refused
            self._add(b"", REFUSED, f"and {more:,} more of this file; max_refused is {self.max_refused:,}")
        if self.first is not None:
            self._append(*self.first)
            self.first = None

    def _append(
        self,
        record_id: str,
        raw: bytes,
        outcome: str,
        reason: str | None,
        webhook: str | None,
        payload_id: int | None,
        moment: int,
        basis: str,
        position: int,
    ) -> None:
        rows = self.rows
        loaded = outcome == LOADED
        rows.size += len(raw) * (1 if loaded else REFUSED_BYTE)
        rows.record_id.append(record_id)
        rows.outcome.append(outcome)
        rows.reason.append(reason)
        rows.webhook.append(webhook)
        rows.payload_id.append(payload_id)
        rows.document.append(raw if loaded else None)
        rows.raw.append(None if loaded else raw)
        rows.received_at.append(moment)
        rows.received_at_basis.append(basis)
        rows.file.append(self.path)
        rows.position.append(position)
        rows.file_size.append(self.size)
        rows.file_mtime_ns.append(self.mtime_ns)


@functools.lru_cache(maxsize=4096)
def _folder_hint(folder: str) -> tuple[tuple[str, ...] | None, str]:
    """The webhooks that the nearest folder with a meaningful name denotes, and that name."""
    for name in reversed(folder.split("/")):
        words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name.rpartition("=")[2])
        word = "".join(part.lower().rstrip("s") for part in words)
        if word in _FOLDERS:
            return _FOLDERS[word], _FOLDERS[word][-1] if len(_FOLDERS[word]) == 1 else webhooks.INVOICE
    return None, ""


def time_in_name(name: str, own: int, now: int) -> int | None:
    """Microseconds since 1970 from a file's name: an ISO time in any of its spellings (UTC), or s, ms, us or ns.

    None where there is none, or none that agrees with the file's ``own`` time; never later than ``now``.
    """
    latest = min(own + _NAMED_LATER, now) if own >= _YEAR_2000 else now
    match = _ISO_IN_NAME.search(name)
    if match:
        *parts, fraction, thousandths = match.groups()
        try:
            moment = dt.datetime(*map(int, parts), tzinfo=dt.UTC)  # type: ignore[misc, arg-type]
        except ValueError:
            pass
        else:
            digits = (fraction or thousandths or "")[:6]
            named = (moment - _EPOCH) // _MICROSECOND + int(digits.ljust(6, "0"))
            return named if named <= latest else None
    match = _EPOCH_IN_NAME.search(name)
    if match:
        named = int(match.group()[:16].ljust(16, "0"))
        if own < _YEAR_2000 or own - _NUMBER_EARLIER <= named:
            return named if named <= latest else None
    return None


def _time_of_file(path: str, mtime_ns: int, now: int) -> tuple[int, str]:
    own = min(max(mtime_ns // 1000, 0), now)
    named = time_in_name(path.rpartition("/")[2], own, now)
    return (own, FROM_FILE) if named is None else (named, FROM_NAME)
