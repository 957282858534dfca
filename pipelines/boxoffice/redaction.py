"""Removes secrets from texts that are shown, stored or sent: a platform may echo what it was sent."""

import base64
import functools
import string
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MARK = "…"
# So many characters of a secret in a row are a part of it and no chance; a secret that is shorter is looked for whole,
# unless it is a mere syllable.
A_PART, A_SYLLABLE = 8, 3

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def without(value: Any, secrets: Sequence[str]) -> Any:
    """``value`` with every secret or part of one replaced, also in its lists and objects.

    Found in plain text, in a URL, in hexadecimal and in base64, alone or with something around it, in upper or lower
    case.
    """
    if isinstance(value, dict):
        return {key: without(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without(each, secrets) for each in value]
    if not isinstance(value, str):
        return value
    parts = _parts(tuple(secrets))
    lowered = value.translate(_LOWER)
    hidden = bytearray(len(value))
    for length in {len(part) for part in parts}:
        for place in range(len(value) - length + 1):
            if lowered[place : place + length] in parts:
                hidden[place : place + length] = b"\1" * length
    if not any(hidden):
        return value
    return "".join(
        value[place] if not hides else MARK * (not place or not hidden[place - 1]) for place, hides in enumerate(hidden)
    )


def of_addresses(addresses: str) -> list[str]:
    """What is secret in addresses that notifications are sent to: passwords, and the tokens that many services have in
    the place of a host, a user, a path or a query. What looks like a name or a word is not."""
    found = []
    for address in addresses.split():
        try:
            parts = urlsplit(address)
        except ValueError:
            continue
        if not parts.netloc:
            continue
        found += [unquote(parts.password)] if parts.password else []
        places = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
        places += [] if "." in (parts.hostname or "") else [parts.netloc.rpartition("@")[2]]
        places += [] if parts.scheme.startswith("mailto") else [parts.username or ""]
        found += [unquote(place) for place in places if _looks_like_a_token(place)]
    return found


def _looks_like_a_token(text: str) -> bool:
    return len(text) >= A_PART and any(letter.isdigit() for letter in text)


@functools.lru_cache(maxsize=16)
def _parts(secrets: tuple[str, ...]) -> frozenset[str]:
    spelled = {spelling.translate(_LOWER) for secret in secrets for spelling in _spellings(secret)}
    return frozenset(
        spelling[place : place + A_PART]
        for spelling in spelled
        if len(spelling) > A_SYLLABLE
        for place in range(max(len(spelling) - A_PART, 0) + 1)
    )


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, quote(secret, safe=""), quote_plus(secret), raw.hex())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # where it begins among what is encoded with it decides on all letters
            encoded = encode(b"\0" * before + raw).decode()
            if not before:
                yield encoded
            encoded = encoded.rstrip("=")
            # the first and last of these also hold bits of what is around it
            yield encoded[-(-before * 8 // 6) : len(encoded) - ((before + len(raw)) % 3 > 0)]
