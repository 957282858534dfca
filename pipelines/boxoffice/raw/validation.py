"""Validation: bytes in, a document or ``InvalidDocument(reason)`` out. Both platforms use it.

What passes can break neither the warehouse nor a model: it is UTF-8, strict JSON without repeated keys, NaN
or lone surrogates; its ids are whole numbers within 63 bits, its money is exact within 15 significant digits (or is off
a number of four decimals by no more than a double's noise), its lists are lists. One value that is not would block
every later load, stop every build, or silently be a wrong number.

Pure functions of bytes and objects. No reason ever quotes a value: payloads hold personal data, and reasons are shown.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson

WHOLE_NUMBER_LIMIT = 2**63  # ids are BIGINT in the warehouse
MONEY_DIGITS = 15  # what a double holds exactly; DuckDB reads every JSON number as one
# four of these digits may follow the point; sums have room for three more (DECIMAL(18, 4) in the warehouse)
MONEY_LIMIT = 10**11
# 30.299999999999997 is how a sender's double writes 30.3: what is this near to a number of four decimals is that number
# (in the warehouse too, where DECIMAL(18, 4) rounds to it)
MONEY_PLACES = Decimal("0.0001")
MONEY_NOISE = Decimal("1e-9")
_EXACT_DOUBLE = 2**53
# Beyond these a number is nothing that a platform sends, and costs more than it has bytes to read: Decimal raises an
# error for an exponent of 19 digits, int for 4,301 digits. A double ends at 1e308.
NUMBER_LENGTH = 400
NUMBER_EXPONENT = 400

_WHOLE_TEXT = re.compile(r"-?[0-9]{1,19}")
_MONEY_TEXT = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)

# Digits and points become "0", everything else a blank: a number of 16 digits or more then shows as a run of 16 zeros.
DIGITS_ONLY = bytes(ord("0") if chr(byte) in "0123456789." else ord(" ") for byte in range(256))
LONG_NUMBER = b"0" * (MONEY_DIGITS + 1)
_CUT_LITERAL = re.compile(r"\s*+(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-)?\s*+\Z")


class InvalidDocument(ValueError):
    """A document that must not be loaded; ``reason`` says why briefly and quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Shape:
    """What is known of one kind of object: which of its fields must be what, if they are there at all.

    ``keys`` must be there and be whole numbers; ``ids``, ``money``, ``quantities`` and ``objects`` may also be absent,
    null or empty text, ``lists`` (whose items are objects) absent or null. ``required`` names the objects that must be
    there. Fields that are not named may be anything: an enum, a seat or a name of a new kind is no reason to refuse.
    """

    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    objects: Mapping[str, "Shape"] = dataclasses.field(default_factory=dict)
    lists: Mapping[str, "Shape"] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()

    @functools.cached_property
    def passes(self) -> Callable[[Any], bool]:
        """The common case of ``guard``: see ``compiled``."""
        return compiled(self)


def parse(raw: bytes) -> Any:
    """Strict JSON: one document, UTF-8, no byte order mark, blanks around it allowed.

    Numbers of more than 15 digits come as int or Decimal, so that nothing is lost before ``guard`` has seen them.
    Raises InvalidDocument: not UTF-8, not JSON, truncated, repeated key, number is not finite or too long, lone
    surrogate.
    """
    try:
        document = orjson.loads(raw)
    except ValueError:
        return _parse_strictly(raw)
    if is_suspect(raw, document):
        return _parse_strictly(raw)
    return document


def attempt(raw: bytes) -> Any:
    """As ``parse`` for bytes that may be no whole document: None where they are none; returns
    InvalidDocument instead of raising it.

    (``null`` is None too, which is as good as nothing.)
    """
    try:
        document = orjson.loads(raw)
    except ValueError:
        return None
    if is_suspect(raw, document):
        return outcome(_parse_strictly, raw)
    return document


def outcome(read: Callable[[Any], Any], given: Any) -> Any:
    """What ``read`` makes of it; returns InvalidDocument instead of raising it."""
    try:
        return read(given)
    except InvalidDocument as refused:
        return refused


def is_suspect(raw: bytes, document: Any) -> bool:
    """Whether ``document``, which orjson made of ``raw``, may have lost a repeated key or a digit.

    No false all-clear: a dropped member takes its colon with it, so the raw text has more colons than what is left of
    it, unless an escaped colon evens the count out; and without a run of 16 digits and points no number is that long.
    """
    if LONG_NUMBER in raw.translate(DIGITS_ONLY):
        return True
    try:
        written = orjson.dumps(document)
    except TypeError:  # nested deeper than it writes
        return True
    if written == raw:
        return False
    return written.count(b":") != raw.count(b":") or (b"\\" in raw and b"\\u003" in raw)


def dumps(document: Any) -> bytes:
    """Compact UTF-8 JSON of what ``parse`` gave, every digit kept."""
    try:
        return orjson.dumps(document, default=_fragment)
    except TypeError:
        raise InvalidDocument("not JSON: nested too deeply") from None


def guard(document: Any, shape: Shape, path: str = "") -> None:
    """Raises InvalidDocument unless every field that ``shape`` names is what it says."""
    if type(document) is not dict:
        raise InvalidDocument(f"not an object: {path.rstrip('.') or 'the record'}")
    get = document.get
    for name in shape.keys:
        if type(value := get(name)) is not int or not -_EXACT_DOUBLE < value < _EXACT_DOUBLE:
            if value is None or value == "":
                raise InvalidDocument(f"id is missing: {path}{name}")
            _whole_number(value, path + name)
    for name in shape.ids:
        if type(value := get(name)) is not int or not -_EXACT_DOUBLE < value < _EXACT_DOUBLE:
            _whole_number(value, path + name)
    for name in shape.money:
        if type(value := get(name)) is not int or not -MONEY_LIMIT < value < MONEY_LIMIT:
            _exact(value, path + name, "money")
    for name in shape.quantities:
        if type(value := get(name)) is not int or not -MONEY_LIMIT < value < MONEY_LIMIT:
            _exact(value, path + name, "quantity")
    for name, inner in shape.objects.items():
        value = get(name)
        if value is not None and value != "":
            guard(value, inner, f"{path}{name}.")
        elif name in shape.required:
            raise InvalidDocument(f"not an object: {path}{name}")
    for name, inner in shape.lists.items():
        if (value := get(name)) is not None:
            if type(value) is not list:
                raise InvalidDocument(f"not a list: {path}{name}")
            for index, item in enumerate(value):
                guard(item, inner, f"{path}{name}[{index}].")


def compiled(shape: Shape) -> Callable[[Any], bool]:
    """The common case of ``guard``, written out as one flat function, which takes a third of the time.

    It says True only of documents from ``parse`` that ``guard`` lets pass; where it says False, ``guard`` must look.
    """
    scope: dict[str, Any] = {"NUMBERS": frozenset((int, float))}
    exec(
        "\n".join(("def passes(x):", " if type(x) is not dict: return False", *_checks(shape, "x", 1), " return True")),
        scope,
    )
    return scope["passes"]


def _checks(shape: Shape, name: str, depth: int) -> Iterator[str]:
    pad, value, inner, item = " " * depth, f"{name}v", f"{name}o", f"{name}i"
    whole = f"type({value}) is int and {-WHOLE_NUMBER_LIMIT} < {value} < {WHOLE_NUMBER_LIMIT}"
    exact = f"type({value}) in NUMBERS and {-MONEY_LIMIT} < {value} < {MONEY_LIMIT}"
    yield f"{pad}{name}get = {name}.get"
    for field in shape.keys:
        yield f"{pad}{value} = {name}get({field!r})"
        yield f"{pad}if not ({whole}): return False"
    for field in shape.ids:
        yield f"{pad}{value} = {name}get({field!r})"
        yield f"{pad}if {value} is not None and not ({whole}): return False"
    for field in (*shape.money, *shape.quantities):
        yield f"{pad}{value} = {name}get({field!r})"
        yield f"{pad}if {value} is not None and not ({exact}): return False"
    for field, deeper in shape.objects.items():
        yield f"{pad}{inner} = {name}get({field!r})"
        yield f"{pad}if type({inner}) is dict:"
        yield from _checks(deeper, inner, depth + 1)
        yield f"{pad}elif {field in shape.required} or {inner} is not None: return False"
    for field, deeper in shape.lists.items():
        yield f"{pad}{inner} = {name}get({field!r})"
        yield f"{pad}if type({inner}) is list:"
        yield f"{pad} for {item} in {inner}:"
        yield f"{pad}  if type({item}) is not dict: return False"
        yield from _checks(deeper, item, depth + 2)
        yield f"{pad}elif {inner} is not None: return False"


def whole_number(value: Any) -> int | None:
    """An id as an int, whether it came as a number or as digits; None when there is none. Raises InvalidDocument."""
    _whole_number(value, "")
    return None if value is None or value == "" else int(value)


def _whole_number(value: Any, name: str) -> None:
    kind = type(value)
    if value is None or value == "":
        return
    if kind is int and -WHOLE_NUMBER_LIMIT < value < WHOLE_NUMBER_LIMIT:
        return
    if kind is float and value.is_integer() and abs(value) < _EXACT_DOUBLE:
        return
    if kind is str and _WHOLE_TEXT.fullmatch(value) and abs(int(value)) < WHOLE_NUMBER_LIMIT:
        return
    raise InvalidDocument(f"id is not a whole number within 63 bits: {name}".rstrip(": "))


def _exact(value: Any, name: str, what: str) -> None:
    kind = type(value)
    if value is None or value == "":
        return
    if kind is float and -MONEY_LIMIT < value < MONEY_LIMIT:
        return  # parse() gives a float only where 15 digits or fewer were written
    if kind in (int, Decimal) or (kind is str and len(value) < 400 and _MONEY_TEXT.fullmatch(value)):
        number = Decimal(value)
        digits = number.as_tuple().digits
        significant = len("".join(map(str, digits)).strip("0"))
        if abs(number) < MONEY_LIMIT and (significant <= MONEY_DIGITS or _is_noisy(number)):
            return
        if significant <= MONEY_DIGITS:
            raise InvalidDocument(f"{what} does not fit 11 digits before the point: {name}")
    elif kind is not float:
        raise InvalidDocument(f"{what} is not a number: {name}")
    elif abs(value) >= MONEY_LIMIT:
        raise InvalidDocument(f"{what} does not fit 11 digits before the point: {name}")
    raise InvalidDocument(f"{what} is not exact within 15 digits: {name}")


def _is_noisy(number: Decimal) -> bool:
    return abs(number - number.quantize(MONEY_PLACES)) < MONEY_NOISE


def _parse_strictly(raw: bytes) -> Any:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8 at byte {error.start}") from None
    if not text.strip():
        raise InvalidDocument("empty")
    try:
        document = json.loads(
            text, object_pairs_hook=_pairs, parse_float=_number, parse_int=_number, parse_constant=_not_finite
        )
    except json.JSONDecodeError as error:
        raise InvalidDocument(_what_is_wrong(error)) from None
    except RecursionError:
        raise InvalidDocument("not JSON: nested too deeply") from None
    _no_lone_surrogate(raw, document)
    return document


def _what_is_wrong(error: json.JSONDecodeError) -> str:
    """The parser's own message quotes nothing of the document."""
    cut_in_escape = "escape" in error.msg and len(error.doc) - error.pos < 8
    if cut_in_escape or error.msg.startswith("Unterminated string") or _CUT_LITERAL.match(error.doc, error.pos):
        return "truncated"
    return f"not JSON: {error.msg[0].lower()}{error.msg[1:]} (line {error.lineno}, column {error.colno})"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen and not _same(seen[key], value):
                raise InvalidDocument(f"repeated key with different values{_named(key)}")
            seen[key] = value
    return members


def _named(key: str) -> str:
    """A key, for a reason, if it looks like a field name of the platform and not like personal data."""
    return f": {key}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,40}", key) else ""


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three things here."""
    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)


def _number(token: str) -> int | float | Decimal:
    if len(token) <= MONEY_DIGITS:
        return float(token) if any(c in token for c in ".eE") else int(token)
    if not any(c in token for c in ".eE") and len(token) <= 20:
        return int(token)
    if len(token) > NUMBER_LENGTH or abs(int(token.lower().partition("e")[2] or 0)) > NUMBER_EXPONENT:
        raise InvalidDocument("number is too long")
    number = Decimal(token)
    if float(number) in (float("inf"), float("-inf")):
        raise InvalidDocument("number is not finite")
    return number


def _not_finite(_: str) -> Any:
    raise InvalidDocument("number is not finite")


def _no_lone_surrogate(raw: bytes, document: Any) -> None:
    """orjson takes neither a lone surrogate nor 1e999: what it refuses though Python has read it is one of the two."""
    try:
        orjson.loads(raw)
    except ValueError as error:
        if "surrogate" in str(error):
            raise InvalidDocument("lone surrogate") from None
        if "infinity" in str(error):
            raise InvalidDocument("number is not finite") from None
        if "depth" in str(error):
            raise InvalidDocument("not JSON: nested too deeply") from None
        raise InvalidDocument(f"not JSON: {error.__class__.__name__}") from None


def _fragment(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError
