"""From the bytes of a buffer file to the rows of raw: every record in it, loaded or refused."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from pipelines import door
from pipelines.door import Refused
from pipelines.ticketor import payloads

LOADED, REFUSED, EMPTY = "loaded", "refused", "empty file"
FROM_ENVELOPE, FROM_NAME, FROM_FILE = "envelope", "file name", "file time"


def rows(site: str, file: Any, content: bytes, file_time: dt.datetime) -> Iterator[dict[str, Any]]:
    """One row for each record of a file, without the columns that dlt adds."""
    base = {
        "site": site,
        "file": file.path,
        "file_size": file.size,
        "file_mtime_ns": file.mtime_ns,
        "received_at": file_time,
        "received_at_basis": FROM_FILE,
    }
    if not content.strip():
        yield base | _row(base, 0, b"", EMPTY, reason="empty file")
        return
    try:
        orjson.loads(content)
        pieces = [content.strip()]
    except ValueError:
        pieces = [line.strip() for line in content.split(b"\n") if line.strip()]
    for position, piece in enumerate(pieces):
        try:
            webhook, payload_id = payloads.check(door.parse(piece))
        except Refused as refused:
            yield base | _row(base, position, piece, REFUSED, reason=refused.reason)
        else:
            yield base | _row(base, position, piece, LOADED, webhook=webhook, payload_id=payload_id)


def _row(
    base: dict[str, Any],
    position: int,
    raw: bytes,
    outcome: str,
    reason: str | None = None,
    webhook: str | None = None,
    payload_id: int | None = None,
) -> dict[str, Any]:
    identity = hashlib.blake2b(f"{base['site']}\x1f{base['file']}\x1f{position}\x1f".encode(), digest_size=16)
    identity.update(raw)
    return {
        "record_id": identity.hexdigest(),
        "outcome": outcome,
        "reason": reason,
        "webhook": webhook,
        "payload_id": payload_id,
        "document": raw.decode() if outcome == LOADED else None,
        "raw": raw if outcome == REFUSED else None,
        "position": position,
    }
