"""Payloads out of what a receiver wrapped around them, and the time it received them.

A wrapper is an object without an ``Id`` that holds its content under one of a few keys, as object, list, JSON text or
base64, in any depth: ``{body, headers, received_at}``, also as API Gateway hands it on (``requestContext.timeEpoch``,
``isBase64Encoded``); ``{requests: [...]}`` of such; ``{eventType, payload}``; what queues and event buses put around it
(SQS, SNS, Kinesis, EventBridge, CloudEvents, Event Grid, Pub/Sub). Beside these: a form body, whose fields may be a
payload or hold one (``payload=``), and the flattened keys that Zapier makes (``Amount__Total``), put back where that is
safe.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument
from boxoffice.ticketor import splitter, webhooks

DEEPEST = 8  # wrappers within wrappers
BODY_KEYS = ("body", "payload", "requests")
# The first of these that holds content; a text is content only where it looks like it, since `message` and `detail` are
# what people call a sentence too.
BUS_KEYS = ("Records", "records", "Message", "detail", "data", "data_base64", "message", "Sns", "kinesis")
TIME_KEYS = (
    *("received_at", "receivedAt", "timestamp", "Timestamp", "time", "eventTime", "publishTime", "publish_time"),
    "approximateArrivalTimestamp",
)
# Where the time is an object deeper
TIME_PATHS = (("requestContext", "timeEpoch"), ("attributes", "SentTimestamp"))
_OBJECTS = frozenset(
    ("Amount", "PlatformFee", "Buyer", "Agent", "Shipping", "WillCall", "Event", "Product", "Card", "BillingAddress")
)
_LISTS = frozenset(webhooks.LISTS)
_REQUESTS = re.compile(rb'"(?:requests|[Rr]ecords)"\s*:\s*(?=\[)')
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_YEAR_2000_S, _YEAR_2200_S = 946_684_800, 7_258_118_400


class Payload(NamedTuple):
    """A payload, its own bytes, and when its envelope says it was received."""

    raw: bytes
    document: Any  # or an InvalidDocument
    received_at: dt.datetime | None


def unwrap(raw: bytes, document: Any, received_at: dt.datetime | None = None, depth: int = 0) -> Iterator[Payload]:
    """The payloads in one document of a buffer file. What is no wrapper is a payload itself."""
    if isinstance(document, splitter.Form):
        document = validation.outcome(_from_form, raw)
        if is_wrapper(document) and depth < DEEPEST:
            yield from unwrap(validation.dumps(document), document, received_at, depth + 1)
        else:
            yield _put_back(raw, document, received_at)
    elif isinstance(document, InvalidDocument):
        match = _REQUESTS.search(raw) if depth == 0 else None
        if match is None:
            yield Payload(raw, document, received_at)
            return
        for piece, element in splitter.elements(raw, match.end(), kind_of):
            yield from unwrap(piece, element, received_at, depth + 1)
    elif type(document) is str and depth < DEEPEST:
        yield from _text(document.encode(), received_at, depth)
    elif is_wrapper(document) and depth < DEEPEST:
        received_at = _received_at(document) or received_at
        for key in _content_keys(document):
            yield from _body(raw, key, document, received_at, depth)
    elif type(document) is dict and is_flattened(document):
        yield _put_back(raw, document, received_at)
    else:
        yield Payload(raw, document, received_at)


def is_flattened(document: dict[str, Any]) -> bool:
    """Whether a payload has keys such as Zapier makes: ``Amount__Total``, ``Tickets[]Id``."""
    keys = " ".join(document)
    if "__" not in keys and "[]" not in keys:
        return False
    firsts = {key: key.partition("__")[0].partition("[")[0] for key in document}
    return any(first != key and (first in _OBJECTS or first in _LISTS) for key, first in firsts.items())


def is_wrapper(document: Any) -> bool:
    """Every payload has an Id, no wrapper has one."""
    return type(document) is dict and "Id" not in document and bool(_content_keys(document))


def _content_keys(document: dict[str, Any]) -> list[str]:
    """The keys of a wrapper under which its content is."""
    return [key for key in BODY_KEYS if key in document] or [
        key for key in BUS_KEYS if key in document and _is_content(document[key])
    ][:1]


def _is_content(value: Any) -> bool:
    if type(value) is not str:
        return type(value) in (dict, list)
    content = value.encode()
    return _looks_like_json(content) or _looks_like_json(_from_base64(content, sure=False))


def _looks_like_json(content: bytes) -> bool:
    return content.lstrip()[:1] in (b"{", b"[")


def kind_of(document: Any) -> str | None:
    """The webhook of a document that can be loaded, "wrapper" for a wrapper, None for anything else."""
    if type(document) is not dict:
        return None
    if is_wrapper(document):
        return "wrapper"
    try:
        return webhooks.check(document)[0]
    except InvalidDocument:
        return None


def _body(
    raw: bytes, key: str, wrapper: dict[str, Any], received_at: dt.datetime | None, depth: int
) -> Iterator[Payload]:
    body = wrapper[key]
    if body is None or body == "":
        yield Payload(raw, InvalidDocument("no known shape: the envelope is empty"), received_at)
    elif type(body) is str:
        content = body.encode()
        encoded = wrapper.get("isBase64Encoded") is True or "base64" in (
            wrapper.get("body_encoding"),
            wrapper.get("encoding"),
        )
        if encoded or not _looks_like_json(content):
            content = _from_base64(content, sure=encoded)
        yield from _text(content, received_at, depth)
    elif type(body) is list:
        for piece, member in splitter.members(_member_bytes(raw, key, body), body):
            yield from unwrap(piece, member, received_at, depth + 1)
    else:
        yield from unwrap(_member_bytes(raw, key, body), body, received_at, depth + 1)


def _text(content: bytes, received_at: dt.datetime | None, depth: int) -> Iterator[Payload]:
    for piece, document in splitter.documents([content], kind_of):
        yield from unwrap(piece, document, received_at, depth + 1)


def _member_bytes(raw: bytes, key: str, value: Any) -> bytes:
    """A member of a wrapper as it was sent; written again, value for value, where it cannot be found."""
    return splitter.member(raw, key) or validation.dumps(value)


def _put_back(raw: bytes, document: Any, received_at: dt.datetime | None) -> Payload:
    """A payload whose flattened keys are put back, in bytes of our own; as it came where that is not safe."""
    if not isinstance(document, InvalidDocument):
        document = validation.outcome(_unflatten, document)
    written = document if isinstance(document, InvalidDocument) else validation.outcome(validation.dumps, document)
    if isinstance(written, InvalidDocument):
        return Payload(raw, written, received_at)
    return Payload(written, document, received_at)


def _from_base64(content: bytes, sure: bool) -> bytes:
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content
    return decoded if sure or _looks_like_json(decoded) else content


def _received_at(wrapper: dict[str, Any]) -> dt.datetime | None:
    deeper = ((wrapper.get(key), inner) for key, inner in TIME_PATHS)
    candidates = [value.get(inner) for value, inner in deeper if type(value) is dict]
    for candidate in (*candidates, *map(wrapper.get, TIME_KEYS)):
        if (moment := parse_time(candidate)) is not None:
            return moment
    return None


def parse_time(value: Any) -> dt.datetime | None:
    """A point in time from ISO text (UTC where it names no zone), or seconds, ms, us or ns since 1970; else None."""
    if type(value) is str:
        if re.fullmatch(r"\d{10,19}(\.\d+)?", value):
            value = float(value) if "." in value else int(value)
        else:
            try:
                moment = dt.datetime.fromisoformat(value.strip())
            except ValueError:
                return None
            moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment
            try:
                return moment.astimezone(dt.UTC) if 2000 <= moment.year < 2200 else None
            except OverflowError:
                return None
    if type(value) not in (int, float):
        return None
    for scale in (1, 10**3, 10**6, 10**9):
        if _YEAR_2000_S <= value / scale < _YEAR_2200_S:
            microseconds = value * 10**6 // scale if type(value) is int else round(value / scale * 10**6)
            return _EPOCH + dt.timedelta(microseconds=microseconds)
    return None


def _from_form(raw: bytes) -> dict[str, Any]:
    """A form body: every value is text, nothing is an empty text."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise InvalidDocument("not JSON, nor a form that can be read") from None
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if fields.setdefault(key, value) != value:
            raise InvalidDocument("repeated key with different values, in a form")
    return {key: value if value != "" else None for key, value in fields.items()}


def _unflatten(document: dict[str, Any]) -> dict[str, Any]:
    """Puts ``Amount__Total`` back as ``Amount: {Total}``; a list that was flattened cannot be put back."""
    rebuilt: dict[str, Any] = {}
    for key, value in document.items():
        first, *others = key.split("__")
        if first.partition("[")[0] in _LISTS and (others or "[" in key or type(value) is str):
            raise InvalidDocument(
                f"a list joined into text cannot be told apart: {first.partition('[')[0]} "
                "(let Zapier forward the raw body, or use the webhooks for single tickets, products and payments)"
            )
        if first not in _OBJECTS:
            others, first = [], key
        target = rebuilt
        for name in ([first, *others])[:-1]:
            inner = target.setdefault(name, {})
            if inner is None or inner == "":
                inner = target[name] = {}
            if type(inner) is not dict:
                raise InvalidDocument(f"two values for one key: {first}")
            target = inner
        last = others[-1] if others else first
        if last in target and not (value is None or value == ""):
            raise InvalidDocument(f"two values for one key: {first}")
        target.setdefault(last, value)
    return rebuilt
