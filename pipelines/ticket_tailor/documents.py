"""A page's bytes to documents: each object's text, id, time of creation and hash, or why it cannot be read. Pure."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from pipelines import door

ANYTHING = door.Shape()


class Document(NamedTuple):
    """One object of a list. ``created_at`` is unix seconds, None where the list has none; ``text`` is its JSON."""

    id: str
    created_at: int | None
    text: str
    hash: str


class Misread(NamedTuple):
    """An object that the door refused: its id where one can be seen, why, and its bytes."""

    id: str | None
    reason: str
    raw: bytes


class NotAPage(Exception):
    """The bytes are no ``{"data": [...]}``: cut short, or something else altogether."""


def read_page(body: bytes, page_size: int, shape: door.Shape = ANYTHING) -> tuple[list[Document], list[Misread], bool]:
    """Documents, refused objects, and whether the list goes on after this page.

    A page that is good as a whole costs one parse. In any other each object passes the door by itself, so that one
    that is refused takes none of the others with it. Raises NotAPage.
    """
    try:
        page = orjson.loads(body)
        whole = not door.is_suspect(body, page)
    except ValueError:
        page, whole = None, False
    if whole:
        data = page.get("data") if type(page) is dict else None
        objects: Iterator[tuple[Any, bytes]] = ((item, orjson.dumps(item)) for item in _listed(data))
        links, count = page.get("links") if type(page) is dict else None, len(_listed(data))
    else:
        slices, links = _slices(body)
        objects, count = ((None, raw) for raw in slices), len(slices)

    documents, misread = [], []
    for item, raw in objects:
        try:
            if item is None:
                item = door.parse(raw)
                text = door.dumps(item)
            else:
                text = raw
            door.guard(item, shape)
            documents.append(_document(item, text))
        except door.Refused as refused:
            misread.append(Misread(_id_of(raw), refused.reason, raw))
    has_more = bool(links.get("next")) if isinstance(links, dict) else count >= page_size
    return documents, misread, has_more


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
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 53:
        return None
    return int(value)


def _document(item: dict[str, Any], text: bytes) -> Document:
    key = item.get("id")
    if type(key) is int:
        key = str(key)
    if type(key) is not str or not key:
        raise door.Refused("id is missing: id")
    return Document(key, created_at(item), text.decode(), hashlib.blake2b(text, digest_size=16).hexdigest())


def _listed(data: Any) -> list[Any]:
    if type(data) is not list:
        raise NotAPage('an answer that is no {"data": [...]}')
    return data


def _id_of(raw: bytes) -> str | None:
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
