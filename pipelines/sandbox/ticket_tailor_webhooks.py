"""The venue's Ticket Tailor webhooks, as a receiver leaves them in files.

One for each order, ticket and event that is new, and for each change of an order or ticket; scans have none, on the
platform neither. Whether there is one for a refund is not documented: here there is. ``created_at`` is to the second,
slashes are escaped, the signature is over the very bytes, and a retry is signed again.
"""

import datetime
import hashlib
import hmac
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from sandbox.tailor import Tailor
from sandbox.tailor_json import event_id
from sandbox.tailor_lists import Lists
from sandbox.tailor_order import TICKET_LAG
from sandbox.venue import Venue

SECRET = "whsec_sandbox"


class Sent(NamedTuple):
    """A webhook: when it is sent (unix seconds), and its body."""

    at: int
    event: str
    body: bytes


class Delivery(NamedTuple):
    """One delivery of a webhook: when it is received (unix seconds), and what."""

    at: float
    webhook: Sent


def webhooks(venue: Venue, since: int, until: int) -> Iterator[Sent]:
    """What the platform sends after ``since`` and up to ``until`` (unix seconds), in order."""
    lists = Lists(venue)
    happened = sorted(set(_happened(venue, since, until)))
    for number, (at, event, name, wanted) in enumerate(happened):
        document = lists.get(name, wanted, at)
        if document is not None:
            webhook = {
                # rises with time, and is no one else's
                "id": f"wh_{at * 1000 + number % 1000}",
                "created_at": f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d %H:%M:%S}",
                "event": event,
                "resource_url": f"https://api.tickettailor.com/v1/{name}/{wanted}",
                "payload": document,
            }
            yield Sent(at, event, orjson.dumps(webhook).replace(b"/", rb"\/"))


def _happened(venue: Venue, since: int, until: int) -> Iterator[tuple[int, str, str, str]]:
    """(moment, event, list, id) of everything that is new or changes."""

    def each(event: str, name: str, wanted: str, moments: Iterable[int]) -> Iterator[tuple[int, str, str, str]]:
        for number, at in enumerate(sorted(set(moments))):
            if since < at <= until:
                yield at, f"{event}.{'UPDATED' if number else 'CREATED'}", name, wanted

    tailor = Tailor(venue)
    for order in tailor.orders(until):
        changes = [max(change.at, order.listed) for change in order.changes if change.what != "scan"]
        yield from each("ORDER", "orders", order.id, [order.listed, *changes])
        issued = max(order.created + TICKET_LAG, order.listed)
        for seat in order.seats:
            moments = [issued, *(at for at in changes if at > issued)]
            yield from each("ISSUED_TICKET", "issued_tickets", order.ticket_id(seat.number), moments)
    for ticket in tailor.loose_tickets(until):
        moments = [ticket.created] + ([ticket.voided_at] if ticket.voided_at else [])
        yield from each("ISSUED_TICKET", "issued_tickets", ticket.id, moments)
    for index in range(venue.events_shown(until)):
        event = venue.event(index)
        yield from each("EVENT", "events", event_id(event), [event.created])


def deliveries(
    sent: Iterable[Sent], chance: random.Random, *, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0
) -> list[Delivery]:
    """How they arrive: some never, some twice, some up to 72 hours late; each fraction from 0 to 1. In their order of
    arrival, which is not the order in which they were sent."""
    found = []
    for one in sent:
        if chance.random() < lost:
            continue
        times = 2 if chance.random() < doubled else 1
        for _ in range(times):
            delay = chance.uniform(0, 72 * 3600) if chance.random() < late else chance.uniform(0.2, 1.9)
            found.append(Delivery(one.at + delay, one))
    return sorted(found, key=lambda delivery: delivery.at)


def signature(body: bytes, at: int, secret: str = SECRET) -> str:
    """The header `Tickettailor-Webhook-Signature` of a body sent at a moment (unix seconds)."""
    return f"t={at},v1={hmac.new(secret.encode(), str(at).encode() + body, hashlib.sha256).hexdigest()}"


def envelope(delivery: Delivery, sequence: int = 1, secret: str = SECRET) -> dict[str, Any]:
    """What a receiver keeps of a delivery."""
    received = datetime.datetime.fromtimestamp(delivery.at, datetime.UTC)
    body = delivery.webhook.body
    return {
        "received_at": f"{received:%Y-%m-%dT%H:%M:%S.%fZ}",
        "sequence": sequence,
        "hint": None,
        "content_type": "application/json",
        "encoding": "text",
        "body": body.decode(),
        "sha256": hashlib.sha256(body).hexdigest(),
        "signature": signature(body, int(delivery.at), secret),
    }


def write(some: Iterable[Delivery], buffer: Path | str, *, together: int = 20, secret: str = SECRET) -> int:
    """Writes deliveries as a receiver does, ``together`` in a file; returns how many files that were."""
    root, some = Path(buffer), list(some)
    root.mkdir(parents=True, exist_ok=True)
    files = 0
    for start in range(0, len(some), together):
        part = some[start : start + together]
        first = datetime.datetime.fromtimestamp(part[0].at, datetime.UTC)
        path = root / f"{first:%Y-%m-%d}" / f"{first:%H%M%S.%f}-1-{start}.jsonl"
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f".{path.name}.part")
        lines = (orjson.dumps(envelope(one, number, secret)) for number, one in enumerate(part))
        fresh.write_bytes(b"".join(line + b"\n" for line in lines))
        fresh.rename(path)
        files += 1
    return files
