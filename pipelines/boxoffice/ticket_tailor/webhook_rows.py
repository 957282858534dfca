"""From the bytes of a file in a box office's buffer to rows of ``raw_ticket_tailor.webhooks``, loaded or refused."""

import datetime as dt
import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from boxoffice.raw import validation
from boxoffice.raw.planning import Known
from boxoffice.raw.reading import EMPTY, KEPT_BYTES, LOADED, REFUSED
from boxoffice.raw.validation import InvalidDocument
from boxoffice.settings import FileBounds
from boxoffice.ticket_tailor import webhooks
from boxoffice.ticket_tailor.packages import key_of
from boxoffice.ticket_tailor.webhooks import Envelope

FROM_ENVELOPE, FROM_FILE = "envelope", "file time"

_TIME = pa.timestamp("us", tz="UTC")
WEBHOOKS = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("box_office", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("webhook_id", pa.string()),
        pa.field("event", pa.string()),
        pa.field("list", pa.string()),
        pa.field("id", pa.string()),
        pa.field("version_id", pa.string()),
        pa.field("created_at", pa.int64()),
        pa.field("document", pa.string()),
        pa.field("document_hash", pa.string()),
        pa.field("raw", pa.binary()),
        pa.field("sent_at", _TIME),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("received_at_basis", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("file_size", pa.int64(), nullable=False),
        pa.field("file_mtime_ns", pa.int64(), nullable=False),
    ]
)


class Rows:
    """Rows on their way to raw. ``size`` counts the bytes of their documents."""

    def __init__(self, box_office: str) -> None:
        self.box_office = box_office
        self.size = 0
        self.rows: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: dict[str, Any]) -> None:
        self.size += len(row.get("document") or row.get("raw") or b"")
        self.rows.append({"box_office": self.box_office, **row})

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, schema=WEBHOOKS)


class FileReader:
    """Turns one file into rows. Its first record is written last: raw then knows a file only once it was read whole."""

    def __init__(
        self,
        rows: Rows,
        secrets: tuple[str, ...],
        path: str,
        size: int,
        mtime_ns: int,
        known: Known,
        bounds: FileBounds,
    ) -> None:
        self.rows, self.secrets, self.path, self.known = rows, secrets, path, known
        # base64 makes a body a third longer, and the envelope holds it
        self.longest, self.max_refused = 2 * bounds.max_record_mb << 20, bounds.max_refused
        self.refused = 0
        self.file = {"file": path, "file_size": size, "file_mtime_ns": mtime_ns}
        self.now = dt.datetime.now(dt.UTC)
        self.file_time = dt.datetime.fromtimestamp(min(max(mtime_ns / 1e9, 0), time.time()), dt.UTC)
        self.position = 0
        self.last_outcome = EMPTY
        self.first: dict[str, Any] | None = None

    def whole(self, content: bytes) -> bool:
        """Reads a file that holds one webhook or envelope, over several lines maybe; False when it is anything else."""
        document = validation.attempt(content)
        if not (webhooks.is_envelope(document) or webhooks.is_webhook(document)):
            return False
        self._read(content.strip(), document)
        return True

    def stream(self, chunks: Iterable[bytes]) -> Iterator[None]:
        """Reads lines; pauses before each, so that the rows can be taken away when they are many."""
        for line in _lines(chunks, self.longest):
            yield
            if len(line) > self.longest:
                self.refuse(line, f"longer than {self.longest} bytes (twice max_record_mb)")
            else:
                try:
                    self._read(line, validation.parse(line))
                except InvalidDocument as refused:
                    self.refuse(line, refused.reason)
        if self.position == 0:
            self._add(b"", EMPTY, reason=EMPTY)

    def refuse(self, raw: bytes, reason: str, **seen: Any) -> None:
        """Keeps a piece of the file that is no webhook, or none that may be loaded; of many only the number."""
        self.refused += 1
        if self.refused > self.max_refused:
            self.position += 1  # so that the others are where they would be without the bound
            self.last_outcome = REFUSED
            return
        if len(raw) > KEPT_BYTES:
            reason += f" (the first {KEPT_BYTES} bytes are kept)"
        self._add(raw, REFUSED, reason=reason, raw=raw[:KEPT_BYTES], **seen)

    def finish(self) -> None:
        """Says that the file has been read to its end."""
        if self.refused > self.max_refused:
            more = self.refused - self.max_refused
            self._add(b"", REFUSED, f"and {more:,} more of this file; max_refused is {self.max_refused:,}")
        if self.first is not None:
            self.rows.add(self.first)
            self.first = None

    def _read(self, raw: bytes, document: Any) -> None:
        envelope = Envelope(raw, None, "")
        try:
            envelope = webhooks.unwrap(raw, document)
            webhook = webhooks.read(envelope, self.secrets, self.now)
        except InvalidDocument as refused:
            name, key = webhooks.glimpse(envelope.body)
            self.refuse(raw, refused.reason, list=name, id=key, received_at=envelope.received_at)
            return
        except MemoryError:
            raise
        except Exception as error:  # a defect of ours costs one record, and none of the others
            self.refuse(raw, f"could not be read: {type(error).__name__}")
            return
        seen = webhook.document
        self._add(
            raw,
            LOADED,
            webhook_id=webhook.id,
            event=webhook.event,
            list=webhook.list,
            id=seen.id,
            # the same for every delivery of a webhook: one version, however often it comes
            version_id=key_of(self.rows.box_office, "webhook", webhook.id, seen.id, seen.hash),
            created_at=seen.created_at,
            document=seen.text.decode(),
            document_hash=seen.hash,
            sent_at=webhook.sent_at,
            received_at=envelope.received_at,
        )

    def _add(
        self,
        content: bytes,
        outcome: str,
        reason: str | None = None,
        received_at: dt.datetime | None = None,
        **row: Any,
    ) -> None:
        position = self.position
        self.position += 1
        self.last_outcome = outcome
        record_id = key_of(self.rows.box_office, self.path, position, hashlib.blake2b(content).hexdigest())
        moment, basis = self.file_time, FROM_FILE
        if received_at is not None and received_at <= self.now:  # nothing was received later than now
            moment, basis = received_at, FROM_ENVELOPE
        if record_id in self.known:
            if position and outcome == LOADED:
                return
            microseconds, basis = self.known[record_id]
            moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=microseconds)
        row |= {"record_id": record_id, "outcome": outcome, "reason": reason, "position": position}
        row |= {"received_at": moment, "received_at_basis": basis, **self.file}
        if position == 0:
            self.first = row
        else:
            self.rows.add(row)


def _lines(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The lines that are not blank, without what ends them. One that is too long comes as far as it was looked at."""
    rest, skipping = bytearray(), False
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        if whole:
            if not skipping and (line := bytes(rest + whole[0]).strip()):
                yield line
            yield from filter(None, map(bytes.strip, whole[1:]))
            rest, skipping = bytearray(), False
        if not skipping:
            rest += last
            if len(rest) > longest:
                yield bytes(rest)
                rest, skipping = bytearray(), True
    if not skipping and rest.strip():
        yield bytes(rest).strip()
