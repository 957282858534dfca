"""A webhook of Ticket Tailor, out of what a receiver wrapped around it: which object of which list, as it was when.

A receiver writes an envelope a line: ``{"received_at", "body", "encoding", "sha256", "signature", …}``. A line may also
be the webhook itself, ``{"id", "created_at", "event", "resource_url", "payload"}``, which has no signature then.
``payload`` is the object as its list shows it; ``resource_url`` is never asked for. ``created_at`` is UTC and names no
zone (Ticket Tailor's documentation of webhooks; a captured one agrees to the second with its ticket's unix time).
"""

import base64
import binascii
import datetime as dt
import hashlib
from typing import Any, NamedTuple

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument
from boxoffice.ticket_tailor import pages
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.pages import Document
from boxoffice.ticket_tailor.signature import signed_at

# What an event's name begins with, and the list that shows such objects. Of a new kind the webhook is kept whole.
LISTS = {
    "ORDER": "orders",
    "ISSUED_TICKET": "issued_tickets",
    "EVENT": "events",
    "WAITLIST_SIGNUP": "waitlist_signups",
    "ISSUED_MEMBERSHIP": "issued_memberships",
}
# As the receiver: clocks differ, and a webhook from the future would count as the newest for as long.
LATEST = dt.timedelta(minutes=5)

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Envelope(NamedTuple):
    """The body of a delivery as it came, when it was received (UTC), and the text of its signature's header."""

    body: bytes
    received_at: dt.datetime | None
    signature: str


class Webhook(NamedTuple):
    """``list`` is None for an event of a new kind, whose ``document`` is all of it. ``sent_at`` is its created_at."""

    id: str
    event: str
    sent_at: dt.datetime
    list: str | None
    document: Document


def is_envelope(document: Any) -> bool:
    return type(document) is dict and "body" in document


def is_webhook(document: Any) -> bool:
    return type(document) is dict and "event" in document and "payload" in document


def unwrap(raw: bytes, document: Any) -> Envelope:
    """What a line holds. Raises InvalidDocument for an envelope that does not hold what its receiver got."""
    if not is_envelope(document):
        return Envelope(raw, None, "")
    body, encoding = document["body"], document.get("encoding") or "text"
    if type(body) is not str or encoding not in ("text", "base64"):
        raise InvalidDocument("no known envelope: its body is no text, or of an unknown encoding")
    try:
        content = body.encode() if encoding == "text" else base64.b64decode(body, validate=True)
    except binascii.Error:
        raise InvalidDocument("no known envelope: its body is not base64") from None
    if document.get("sha256") not in (None, hashlib.sha256(content).hexdigest()):
        raise InvalidDocument("the body is not the one that was received: its sha256 is another")
    return Envelope(content, _moment(document.get("received_at")), str(document.get("signature") or ""))


def read(envelope: Envelope, secrets: tuple[str, ...], now: dt.datetime) -> Webhook:
    """The webhook in an envelope. ``secrets``, if any, are those that it must be signed with one of.

    Raises InvalidDocument, with a reason that quotes nothing of it.
    """
    if secrets and signed_at(envelope.signature, envelope.body, secrets) is None:
        raise InvalidDocument("the signature is not one of this box office's webhook_secret")
    webhook = validation.parse(envelope.body)
    if not is_webhook(webhook):
        raise InvalidDocument("no webhook: it has no event or no payload")
    event, seconds = webhook["event"], pages.created_at(webhook)
    if type(event) is not str or not event:
        raise InvalidDocument("no webhook: its event is no text")
    if seconds is None:
        raise InvalidDocument("no webhook: its created_at is no time")
    sent_at = _from_seconds(seconds)
    if sent_at > now + LATEST:
        raise InvalidDocument("its created_at is in the future")
    name = LISTS.get(event.partition(".")[0].upper())
    document = pages.document_of(webhook, validation.dumps(webhook))  # also sees that it has an id
    key = document.id
    if name:
        payload = webhook["payload"]
        validation.guard(payload, ENDPOINTS[name].shape)
        document = pages.document_of(payload, validation.dumps(payload))
    return Webhook(key, event, sent_at, name, document)


def glimpse(body: bytes) -> tuple[str | None, str | None]:
    """The list and the id of a webhook that cannot be read, if they can be seen at all."""
    try:
        webhook = validation.parse(body)
        name = LISTS.get(str(webhook["event"]).partition(".")[0])
        return name, pages.id_of(validation.dumps(webhook["payload"]))
    except (InvalidDocument, TypeError, KeyError):
        return None, None


def _moment(value: Any) -> dt.datetime | None:
    """ISO text as a time, UTC where it names no zone; None for anything else."""
    try:
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _from_seconds(seconds: int) -> dt.datetime:
    try:
        return _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        raise InvalidDocument("no webhook: its created_at is no time") from None
