"""A page's bytes to documents: each object's text, id, time of creation and hash, or why it cannot be read. Pure."""

import datetime as dt
import hashlib
import json
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from boxoffice.raw import validation

ANYTHING = validation.Shape()


class Document(NamedTuple):
    """One object of a list. ``created_at`` is unix seconds, None where the list has none; ``text`` is JSON in UTF-8."""

    id: str
    created_at: int | None
    text: bytes
    hash: str


class Misread(NamedTuple):
    """An object that validation refused: its id where one can be seen, why, and its bytes."""

    id: str | None
    reason: str
    raw: bytes


class NotAPage(Exception):
    """The bytes are no ``{"data": [...]}``: cut short, or something else altogether."""


def read_page(
    body: bytes, page_size: int, shape: validation.Shape = ANYTHING
) -> tuple[list[Document], list[Misread], bool]:
    """Documents, refused objects, and whether the list goes on after this page.

    A page that is good as a whole costs one parse. In any other each object is validated by itself, so that one
    that is refused takes none of the others with it. Raises NotAPage.
    """
    try:
        page = orjson.loads(body)
        items, links = _listed(page), page.get("links")
        texts = [orjson.dumps(item) for item in items]
        items = items if _is_faithful(body, page, texts) else None
    except (ValueError, TypeError):  # no JSON; nested deeper than orjson writes
        items = None
    if items is None:
        texts, links = _slices(body)

    documents, misread = [], []
    for number, text in enumerate(texts):
        try:
            if items is None:
                item = validation.parse(text)
                validation.guard(item, shape)
                documents.append(document_of(item, validation.dumps(item)))
            else:
                if not shape.passes(items[number]):
                    validation.guard(items[number], shape)
                documents.append(document_of(items[number], text))
        except validation.InvalidDocument as refused:
            misread.append(Misread(id_of(text), refused.reason, text))
    has_more = bool(links.get("next")) if isinstance(links, dict) else len(texts) >= page_size
    return documents, misread, has_more


def _is_faithful(body: bytes, page: dict[str, Any], texts: list[bytes]) -> bool:
    """Whether what orjson made of the page, written again as ``texts``, has lost no repeated key and no digit.

    No false all-clear: a member that was dropped took a colon with it, and an escaped colon (``\\u003a``), which might
    even that out, is looked for; numbers of more digits than a double holds are looked for as well.
    """
    if _has_long_number(body):
        return False
    written = orjson.dumps({**page, "data": [orjson.Fragment(text) for text in texts]})
    return written == body or (b"\\u003" not in body and written.count(b":") == body.count(b":"))


def _has_long_number(body: bytes) -> bool:
    """Whether a JSON number has 16 digits or more. Within a text, such as a payment's id, digits are but characters."""
    digits = body.translate(validation.DIGITS_ONLY)
    place = digits.find(validation.LONG_NUMBER)
    while place >= 0:
        if body[max(place - 99, 0) : place].rstrip(b"- \t\r\n")[-1:] in (b":", b",", b"["):
            return True
        place = digits.find(validation.LONG_NUMBER, digits.find(b" ", place))
    return False


def created_at(item: dict[str, Any]) -> int | None:
    """Unix seconds, from the four ways in which the lists write it: a number (orders, tickets, events, check-ins), an
    object with ``unix`` (products, holds, waitlist), ISO text (memberships), not at all (discounts, vouchers)."""
    value = item.get("created_at")
    if isinstance(value, dict):
        value = value["unix"] if value.get("unix") is not None else value.get("iso")
    if isinstance(value, str):
        if value.isdecimal():
            value = int(value)
        else:
            try:
                moment = dt.datetime.fromisoformat(value)
                value = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
            except (ValueError, OverflowError):
                return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not abs(value) < 1 << 53:
        return None
    return int(value)


def document_of(item: dict[str, Any], text: bytes) -> Document:
    key = item.get("id")
    if type(key) is int:
        key = str(key)
    if type(key) is not str or not key:
        raise validation.InvalidDocument("id is missing: id")
    # a copy, since orjson gives out bytes in a buffer several times their size: measured, 280 MB for 61 MB of orders
    kept = bytes(memoryview(text))
    return Document(key, created_at(item), kept, _hash(kept))


def _hash(text: bytes) -> str:
    """In pieces: for longer ones hashlib lets go of Python's lock, which among a dozen threads costs as much again."""
    found = hashlib.blake2b(text[:2047], digest_size=16)
    for start in range(2047, len(text), 2047):
        found.update(text[start : start + 2047])
    return found.hexdigest()


def _listed(page: Any) -> list[Any]:
    if type(page) is not dict or type(page.get("data")) is not list:
        raise NotAPage('an answer that is no {"data": [...]}')
    return page["data"]


def id_of(raw: bytes) -> str | None:
    """The id of an object that cannot be read whole, if it can be seen at all."""
    try:
        key = json.loads(raw.decode(errors="replace"))["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    key = str(key) if isinstance(key, str | int) and not isinstance(key, bool) else ""
    return key if key and key.isprintable() and key.isascii() else None


_decode = json.JSONDecoder().raw_decode
_BLANK = " \t\r\n"


def _slices(body: bytes) -> tuple[list[bytes], Any]:
    """The bytes of each item of ``data``, and ``links``, by a lenient walk over the page's own members.

    Bytes that are not UTF-8 come out as they went in. Raises NotAPage.
    """
    text = body.decode("utf-8", "surrogateescape")
    members: dict[str, Any] = {}
    slices: list[bytes] | None = None
    try:
        place = _expect(text, 0, "{")
        while text[place] != "}":
            key, place = _decode(text, place)
            place = _expect(text, place, ":")
            if key == "data" and text[place] == "[":
                slices, place = _items(text, place)
            else:
                members[key], place = _decode(text, place)
            place = _skip(text, place)
            if text[place] == ",":
                place = _skip(text, place + 1)
        if _skip(text, place + 1) != len(text):
            raise NotAPage("an answer with something after its JSON")
    except (ValueError, IndexError, TypeError, RecursionError):
        raise NotAPage("an answer that is no whole JSON") from None
    if slices is None:
        raise NotAPage('an answer that is no {"data": [...]}')
    return slices, members.get("links")


def _items(text: str, place: int) -> tuple[list[bytes], int]:
    found = []
    place = _expect(text, place, "[")
    while text[place] != "]":
        _, end = _decode(text, place)
        found.append(text[place:end].encode("utf-8", "surrogateescape"))
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return found, place + 1


def _expect(text: str, place: int, character: str) -> int:
    place = _skip(text, place)
    if text[place] != character:
        raise ValueError
    return _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANK:
        place += 1
    return place
