"""The venue's Ticketor webhooks as files, in the layouts that receivers and cloud services leave behind.

The usual layout is one file a delivery, ``2025-03-14/20250314T193005.123456Z_invoice_with_details_4711.json``: the
folder is the day of receipt (UTC), the name has the time of arrival. A file appears whole, under its name, in one move,
and carries the time of receipt as its own.
"""

import base64
import datetime
import gzip
import os
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from sandbox.ticketor import MICROS, Ticketor
from sandbox.ticketor_items import FIRST_INVOICE, Delivery
from sandbox.ticketor_json import payload
from sandbox.venue import Venue

# One file a delivery, but jsonl, array, concatenated and documents: one file a day.
LAYOUTS = (
    "json",
    "indented",
    "gzip",
    "envelope",
    "envelope_text",
    "envelope_base64",
    "unnamed",
    "jsonl",
    "jsonl_gzip",
    "jsonl_envelope",
    "array",
    "concatenated",
    "documents",
)
_BY_DAY = ("jsonl", "jsonl_gzip", "jsonl_envelope", "array", "concatenated", "documents")


def write_webhooks(
    venue: Venue,
    buffer: Path | str,
    *,
    since: int | None = None,
    until: int | None = None,
    layout: str = "json",
    webhooks: Iterable[str] | None = None,
) -> int:
    """Writes what arrived after ``since`` (None: ever) and up to ``until`` (default ``venue.end``; unix seconds).

    Writing the same span again replaces the same files with the same bytes; a file of one day is always written whole,
    so that it grows. ``webhooks`` keeps only some of the six. Returns how many files were written.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout should be one of {', '.join(LAYOUTS)}")
    root = Path(buffer)
    root.mkdir(parents=True, exist_ok=True)
    if layout in _BY_DAY and since is not None:
        since -= since % 86_400 + 1
    deliveries = Ticketor(venue).deliveries(since, venue.end if until is None else until)
    if webhooks is not None:
        wanted = set(webhooks)
        deliveries = (one for one in deliveries if one.webhook in wanted)
    written = 0
    if layout in _BY_DAY:
        for _, group in groupby(deliveries, key=lambda one: one.at // (86_400 * MICROS)):
            same_day = list(group)
            name, content = _day_file(venue, same_day, layout)
            put(root / name, content, same_day[-1].at)
            written += 1
        return written
    for delivery in deliveries:
        name, content = _one_file(venue, delivery, layout)
        put(root / name, content, delivery.at)
        written += 1
    return written


def body(venue: Venue, delivery: Delivery) -> bytes:
    """One webhook's body, as the platform posts it."""
    return orjson.dumps(payload(venue, delivery))


def receipt(micros: int) -> datetime.datetime:
    """Microseconds since 1970 as a point in time, UTC."""
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=micros)


def put(path: Path, content: bytes, micros: int) -> None:
    """Writes a file in one move. Its own time is that of receipt, or a minute ago if that lies in the future."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    stamp = min(micros * 1000, time.time_ns() - 60 * 10**9)
    os.utime(part, ns=(stamp, stamp))
    part.rename(path)


def file_name(delivery: Delivery, suffix: str = ".json", *, hint: bool = True) -> str:
    """Folder and name of a delivery's own file."""
    at = receipt(delivery.at)
    webhook = f"_{delivery.webhook}" if hint else ""
    return f"{at:%Y-%m-%d}/{at:%Y%m%dT%H%M%S.%f}Z{webhook}_{delivery.story * 32 + delivery.number}{suffix}"


def _one_file(venue: Venue, delivery: Delivery, layout: str) -> tuple[str, bytes]:
    content = body(venue, delivery)
    if layout == "indented":
        return file_name(delivery), orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2)
    if layout == "gzip":
        return file_name(delivery, ".json.gz"), gzip.compress(content, mtime=0)
    if layout == "unnamed":  # nothing in the name: only the file's own time shows when it came
        return f"{receipt(delivery.at):%Y-%m-%d}/{delivery.story * 32 + delivery.number:09d}", content
    if layout.startswith("envelope"):
        return file_name(delivery, hint=False), orjson.dumps(envelope(venue, delivery, layout))
    return file_name(delivery), content


def envelope(venue: Venue, delivery: Delivery, layout: str = "envelope") -> dict[str, Any]:
    """The delivery in a receiver's envelope, its body an object, a text or base64."""
    shapes: dict[str, Callable[[bytes], Any]] = {
        "envelope_text": bytes.decode,
        "envelope_base64": lambda content: base64.b64encode(content).decode(),
    }
    return {
        "received_at": f"{receipt(delivery.at):%Y-%m-%dT%H:%M:%S.%f}Z",
        "headers": {"content-type": "application/json"},
        "body": shapes.get(layout, orjson.Fragment)(body(venue, delivery)),
        "isBase64Encoded": layout == "envelope_base64",
    }


def _day_file(venue: Venue, deliveries: list[Delivery], layout: str) -> tuple[str, bytes]:
    day = f"{receipt(deliveries[0].at):%Y-%m-%d}"
    if layout == "jsonl_envelope":
        bodies = [orjson.dumps(envelope(venue, one)) for one in deliveries]
    else:
        bodies = [body(venue, one) for one in deliveries]
    if layout == "array":
        return f"{day}.json", b"[" + b",".join(bodies) + b"]"
    if layout == "concatenated":
        return day, b"".join(bodies)
    if layout == "documents":
        return f"{day}.json", b"\n".join(orjson.dumps(orjson.loads(one), option=orjson.OPT_INDENT_2) for one in bodies)
    lines = b"\n".join(bodies) + b"\n"
    return (f"{day}.jsonl.gz", gzip.compress(lines, mtime=0)) if layout == "jsonl_gzip" else (f"{day}.jsonl", lines)


BROKEN = ("truncated", "html", "empty", "two_shapes", "nan", "repeated_key", "not_utf8", "lone_surrogate")


def write_broken(
    venue: Venue, buffer: Path | str, *, at: int | None = None, kinds: Iterable[str] = BROKEN
) -> dict[str, Path]:
    """Puts files that cannot be loaded among the good ones, received ``at`` (unix seconds); returns them by kind.

    None of them is a broken copy of a webhook that arrives whole as well.
    """
    micros = (venue.end if at is None else at) * MICROS
    good = orjson.dumps(payload(venue, Ticketor(venue).story(0).deliveries[0]) | {"Id": FIRST_INVOICE - 1})
    contents = {
        "truncated": good[: len(good) * 2 // 3],
        "html": b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
        "empty": b"",
        "two_shapes": good[:-1] + b',"Barcode":"1","SellPrice":1}',
        "nan": b'{"Id":1,"InvoiceId":2,"Barcode":"1","SellPrice":NaN,"BuyPrice":1}',
        "repeated_key": good[:-1] + b',"Id":1}',
        "not_utf8": good[:-1] + b',"Extra":"\xff\xfe"}',
        "lone_surrogate": good[:-1] + b',"Extra":"\\ud800"}',
    }
    stamp = receipt(micros)
    written = {}
    for number, kind in enumerate(kinds):
        path = Path(buffer) / f"{stamp:%Y-%m-%d}" / f"{stamp:%Y%m%dT%H%M%S.%f}Z_none_{number}.json"
        put(path, contents[kind], micros)
        written[kind] = path
    return written
