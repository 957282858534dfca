"""Payloads out of what a receiver wrapped around them, and the time it received them.

Known wrappers: ``{body, headers, received_at}`` with the body as object, as text or in base64 (also as API Gateway
hands it on: ``requestContext.timeEpoch``, ``isBase64Encoded``); ``{requests: [...]}`` of such; ``{eventType,
payload}``; a form body; and the flattened keys that Zapier makes (``Amount__Total``), put back where that is safe.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from pipelines import door
from pipelines.door import Refused
from pipelines.ticketor import layouts, payloads

DEEPEST = 4  # wrappers within wrappers
BODY_KEYS = ("body", "payload", "requests")
TIME_KEYS = ("received_at", "receivedAt", "timestamp")
_OBJECTS = frozenset(
    ("Amount", "PlatformFee", "Buyer", "Agent", "Shipping", "WillCall", "Event", "Product", "Card", "BillingAddress")
)
_LISTS = frozenset(payloads.LISTS)
_REQUESTS = re.compile(rb'"requests"\s*:\s*(?=\[)')
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_YEAR_2000_S, _YEAR_2200_S = 946_684_800, 7_258_118_400


class Payload(NamedTuple):
    """A payload, its own bytes, and when its envelope says it was received."""

    raw: bytes
    document: Any  # or a Refused
    received_at: dt.datetime | None


def unwrap(raw: bytes, document: Any, received_at: dt.datetime | None = None, depth: int = 0) -> Iterator[Payload]:
    """The payloads in one document of a buffer file. What is no wrapper is a payload itself."""
    if isinstance(document, layouts.Form):
        document = _attempt(_from_form, raw)
        yield Payload(raw if isinstance(document, Refused) else door.dumps(document), document, received_at)
    elif isinstance(document, Refused):
        match = _REQUESTS.search(raw) if depth == 0 else None
        if match is None:
            yield Payload(raw, document, received_at)
            return
        for piece, element in layouts.elements(raw, match.end(), kind_of):
            yield from unwrap(piece, element, received_at, depth + 1)
    elif type(document) is str and depth < DEEPEST:
        yield from _text(document.encode(), received_at, depth)
    elif is_wrapper(document) and depth < DEEPEST:
        received_at = _received_at(document) or received_at
        for key in BODY_KEYS:
            if key in document:
                yield from _body(raw, key, document, received_at, depth)
    elif type(document) is dict and is_flattened(document):
        document = _attempt(_unflatten, document)
        yield Payload(raw if isinstance(document, Refused) else door.dumps(document), document, received_at)
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
    return type(document) is dict and "Id" not in document and not document.keys().isdisjoint(BODY_KEYS)


def kind_of(document: Any) -> str | None:
    """The webhook of a document that can be loaded, "wrapper" for a wrapper, None for anything else."""
    if type(document) is not dict:
        return None
    if is_wrapper(document):
        return "wrapper"
    try:
        return payloads.check(document)[0]
    except Refused:
        return None


def _body(
    raw: bytes, key: str, wrapper: dict[str, Any], received_at: dt.datetime | None, depth: int
) -> Iterator[Payload]:
    body = wrapper[key]
    if body is None or body == "":
        yield Payload(raw, Refused("no known shape: the envelope is empty"), received_at)
    elif type(body) is str:
        content = body.encode()
        encoded = wrapper.get("isBase64Encoded") is True or "base64" in (
            wrapper.get("body_encoding"),
            wrapper.get("encoding"),
        )
        if encoded or content.lstrip()[:1] not in (b"{", b"["):
            content = _from_base64(content, sure=encoded)
        yield from _text(content, received_at, depth)
    elif type(body) is list:
        for piece, member in layouts.members(_as_written(raw, key, body), body):
            yield from unwrap(piece, member, received_at, depth + 1)
    else:
        yield from unwrap(_as_written(raw, key, body), body, received_at, depth + 1)


def _text(content: bytes, received_at: dt.datetime | None, depth: int) -> Iterator[Payload]:
    for piece, document in layouts.documents([content], kind_of):
        yield from unwrap(piece, document, received_at, depth + 1)


def _as_written(raw: bytes, key: str, value: Any) -> bytes:
    """A member of a wrapper as it stands there; written anew, value for value, where it cannot be found."""
    for match in re.finditer(rb'"%s"\s*:\s*' % key.encode(), raw):
        piece = layouts.extent(raw, match.end(), len(raw))
        if piece is not None and door.attempt(piece) == value:
            return piece
    return door.dumps(value)


def _from_base64(content: bytes, sure: bool) -> bytes:
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return content
    return decoded if sure or decoded.lstrip()[:1] in (b"{", b"[") else content


def _received_at(wrapper: dict[str, Any]) -> dt.datetime | None:
    context = wrapper.get("requestContext")
    candidates = [wrapper.get(key) for key in TIME_KEYS]
    if type(context) is dict:
        candidates.insert(0, context.get("timeEpoch"))
    for candidate in candidates:
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


def _attempt(function: Callable[[Any], Any], value: Any) -> Any:
    try:
        return function(value)
    except Refused as refused:
        return refused


def _from_form(raw: bytes) -> dict[str, Any]:
    """A form body: every value is text, nothing is an empty text."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Refused("not JSON, nor a form that can be read") from None
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if fields.setdefault(key, value) != value:
            raise Refused("repeated key with different values, in a form")
    return _unflatten({key: value if value != "" else None for key, value in fields.items()})


def _unflatten(document: dict[str, Any]) -> dict[str, Any]:
    """Puts ``Amount__Total`` back as ``Amount: {Total}``; a list that was flattened cannot be put back."""
    rebuilt: dict[str, Any] = {}
    for key, value in document.items():
        first, *others = key.split("__")
        if first.partition("[")[0] in _LISTS and (others or "[" in key or type(value) is str):
            raise Refused(
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
                raise Refused(f"two values for one key: {first}")
            target = inner
        last = others[-1] if others else first
        if last in target and not (value is None or value == ""):
            raise Refused(f"two values for one key: {first}")
        target.setdefault(last, value)
    return rebuilt
