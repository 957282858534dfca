"""Documents out of the bytes of a buffer file, whatever wrote them; no record's fault is its neighbour's.

One object, compact or indented; JSON Lines with any line end; lists; objects back to back; several indented documents;
form bodies; any mixture. Each document comes as the very bytes that stand in the file.

What holds the cuts together: a bare line feed never stands inside a JSON string (U+2028 and U+0085 may, so only line
feeds part lines), and a piece that parses whole as one document is one. Everything cheaper is only a guess where to
try. What does not parse becomes one refused piece, as short as can be justified.
"""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument

Piece = tuple[bytes, Any]  # the bytes, and what they hold: a document, or an InvalidDocument
Pieces = Generator[Piece, None, int]  # returns where it stopped

MAX_RECORD = 64 * 2**20  # bytes; far more than any webhook: what is longer is cut there, and refused
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_BLANKS = b" \t\r\n"
_BOUNDARY = re.compile(rb"\}\s*(?=\{)")  # where two objects meet; may also stand in a string
_SURE_BOUNDARY = re.compile(rb'\}\s*(?=\{\s*"(?:[^"\\]|\\.)*"\s*:)')  # bare quotes: cannot stand in a string
_AT_MARGIN = re.compile(rb"\n(?=[{\[])")
_TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[{}\[\]]')
_MEMBER_START = re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')
_OBJECT_START = re.compile(rb'\{\s*"')
_SEPARATOR = re.compile(rb"\s*(?:,\s*)?")
_FIELD = rb"[A-Za-z_][\w.%+\[\]-]*=[^\s&=]*"
_FORM = re.compile(_FIELD + rb"(?:&" + _FIELD + rb")+|(?:payload|body|data|message)=[^\s&=]+", re.IGNORECASE)
_NESTED_LIST = re.compile(rb'"(?:Tickets|Products|Payments)"\s*:')
_NESTED_KINDS = ("ticket", "product", "payment")
_ID = re.compile(rb'"Id"\s*:\s*"?(\d+)')
_BOUNDARY_TRIES = 4
_SALVAGE_TRIES = 2_000

_decoder = json.JSONDecoder()


class Form(dict[str, str]):
    """Stands for a form body, whose fields are still in the bytes."""


def documents(chunks: Iterable[bytes], kind_of: Callable[[Any], str | None]) -> Iterator[Piece]:
    """The documents in a stream of bytes, in order.

    ``kind_of`` names what a document is if it can stand alone in the buffer, and is None otherwise: what is whole in
    the midst of broken text is taken for a record only when it is one.
    """
    splitter = _Splitter(kind_of)
    rest = b""
    first = True
    for chunk, at_end in _with_end(chunks):
        data = rest + chunk if rest else chunk
        if first:
            first = False
            if data.startswith(UTF_16_MARKS):
                yield data, InvalidDocument("not UTF-8: it looks like UTF-16")
                return
            data = data.removeprefix(BYTE_ORDER_MARK)
        stopped = yield from splitter.window(data, at_end)
        rest = data[stopped:]


def elements(piece: bytes, start: int, kind_of: Callable[[Any], str | None]) -> Iterator[Piece]:
    """The elements of the list that opens at ``start``, one by one, even if it is broken or never closes."""
    splitter = _Splitter(kind_of)
    splitter.in_list = splitter.wrapped = True
    yield from splitter.list_elements(piece, start + 1, at_end=True)


class _Splitter:
    def __init__(self, kind_of: Callable[[Any], str | None]) -> None:
        self.kind_of = kind_of
        self.in_list = False
        self.wrapped = False  # the list stands within a wrapper
        self.by_line = False  # some line was a record: then a broken line costs that line

    def window(self, data: bytes, at_end: bool) -> Pieces:
        """The pieces of a stretch of bytes. What lies beyond where it stops waits for the bytes that follow."""
        position = 0
        while True:
            if self.in_list:
                position = yield from self.list_elements(data, position, at_end)
                if self.in_list:
                    return position
            position = yield from self._plain(data, position, at_end)
            if not self.in_list:
                return position

    def _safe_end(self, data: bytes, start: int) -> int:
        """How far whole documents are likely to reach in bytes that more will follow."""
        end = data.rfind(b"\n{", start) + 1
        if not end:
            matches = list(_SURE_BOUNDARY.finditer(data, max(start, len(data) - 2**20)))
            end = matches[-1].end() if matches else start
        return len(data) if end == start and len(data) - start > MAX_RECORD else end

    def _plain(self, data: bytes, position: int, at_end: bool) -> Pieces:
        end = len(data) if at_end else self._safe_end(data, position)
        line_tried = -1
        while True:
            while position < end and data[position] in _BLANKS:
                position += 1
            if position >= end:
                if not at_end and _next_byte(data, position, len(data)) == b"[":
                    self.in_list = True
                    return data.index(b"[", position) + 1
                return position
            line_end = data.find(b"\n", position, end)
            if line_end < 0:
                line_end = end
            opening = data[position]
            if opening in b"{[" and line_end > line_tried:
                line = data[position:line_end].rstrip(_BLANKS)
                if line[-1] in b"}]":
                    document = validation.attempt(line)
                    if type(document) is dict or (opening == 123 and document is not None):
                        self.by_line = True
                        yield line, document
                        position = line_end + 1
                        continue
                    if type(document) is list:
                        yield from members(line, document)
                        position = line_end + 1
                        continue
                line_tried = line_end
            if opening == 91:
                self.in_list = True
                return position + 1
            stopped = None
            if opening == 123:
                stopped = yield from self._by_boundary(data, position, end)
                if stopped is None:
                    stopped = yield from self._by_extent(data, position, end, line_end)
            if stopped is None:
                if not at_end and len(data) - position < MAX_RECORD:
                    return position  # perhaps it is only cut off by the window
                stopped = yield from self._broken(data, position, end, line_end)
            position = stopped

    def _by_boundary(self, data: bytes, position: int, end: int) -> Generator[Piece, None, int | None]:
        """A document that reaches to a place where two objects meet, or to the end."""
        for tries, match in enumerate(_BOUNDARY.finditer(data, position, end)):
            if tries == _BOUNDARY_TRIES:
                return None
            piece = data[position : match.start() + 1]
            if (document := validation.attempt(piece)) is not None:
                yield piece, document
                return match.end()
        piece = data[position:end].rstrip(_BLANKS)
        if (document := validation.attempt(piece)) is not None:
            yield piece, document
            return end
        return None

    def _by_extent(self, data: bytes, position: int, end: int, line_end: int) -> Generator[Piece, None, int | None]:
        """A document as far as a lenient parser reads it, when what follows can follow a document."""
        piece = extent(data, position, end)
        if piece is None:
            return None
        beyond = position + len(piece)
        separator = _SEPARATOR.match(data, beyond, end).end()  # type: ignore[union-attr]
        follower = data[separator : min(separator + 1, end)]
        if follower not in (b"", b"{", b"[") and (follower in b'"}],:' or b"\n" not in data[beyond:separator]):
            return None
        document = _judge(piece)
        if line_end < beyond and self.kind_of(document) is None:
            # lines that make no record together: if one of them is one, then the first line is what is broken
            for line in data[line_end + 1 : beyond].split(b"\n"):
                if line[:1] == b"{" and self.kind_of(validation.attempt(line.rstrip(_BLANKS))):
                    return None
        yield piece, document
        return separator

    def _broken(self, data: bytes, position: int, end: int, line_end: int) -> Pieces:
        """One refused piece, up to the line's end, the next document, or a whole record in its midst."""
        line = data[position:line_end].rstrip(_BLANKS)
        if _FORM.fullmatch(line):
            yield line, Form()
            return line_end
        self.by_line = self.by_line or self._a_line_is_a_record(data, line_end, end)
        if self.by_line and line not in (b"{", b"["):
            stop = line_end
        else:
            margin = _AT_MARGIN.search(data, position, end)
            stop = margin.start() if margin else end
        balanced = _balanced(data, position, stop) if data[position] == 123 else None
        if balanced and _MEMBER_START.match(data, balanced, stop):
            stop = balanced
        stop = self._salvage(data, position, stop, b"{\n" if self.by_line else b"{") or stop
        piece = data[position:stop].rstrip(_BLANKS)
        yield piece, _judge(piece)
        return stop

    def _a_line_is_a_record(self, data: bytes, position: int, end: int) -> bool:
        for line in data[position : min(end, position + 2**20)].split(b"\n"):
            if line[:1] == b"{" and line.rstrip(_BLANKS)[-1:] == b"}" and self.kind_of(validation.attempt(line)):
                return True
        return False

    def _salvage(self, data: bytes, position: int, stop: int, followers: bytes) -> int | None:
        """Where, after broken text, a whole record stands that is no part of the broken one."""
        broken_id = _ID.search(data, position, stop)
        nested = False
        seen = position
        for tries, match in enumerate(_OBJECT_START.finditer(data, position + 1, stop)):
            if tries == _SALVAGE_TRIES:
                return None
            start = match.start()
            nested = nested or _NESTED_LIST.search(data, seen, start) is not None
            seen = max(position, start - 20)
            piece = extent(data, start, min(len(data), start + 2**18))
            if piece is None:
                continue
            follower = _next_byte(data, start + len(piece), len(data))
            if follower and follower not in followers and (start + len(piece) != stop or not self.by_line):
                continue
            document = _judge(piece)
            kind = self.kind_of(document)
            if kind is None:
                continue
            if nested and kind in _NESTED_KINDS and _before(data, position, start) in (b"[", b","):
                parent = str(document.get("InvoiceId", "")).encode()
                if not parent or broken_id is None or broken_id[1] == parent:
                    continue  # an item of the broken invoice
            return start
        return None

    def list_elements(self, data: bytes, position: int, at_end: bool) -> Pieces:
        """The elements of a list until it ends; stops where more bytes are needed to tell."""
        end = len(data)
        while True:
            while position < end and data[position] in b" \t\r\n,":
                position += 1
            if position >= end:
                self.in_list = not at_end
                return position
            if data[position] == 93 and self._list_ends(data, position + 1):
                self.in_list = False
                return position + 1
            piece = extent(data, position, end)
            follower = _next_byte(data, position + len(piece), end) if piece else b""
            if not at_end and not follower and end - position < MAX_RECORD:
                return position
            if piece and follower in b",]{[":
                document = _judge(piece)
                if type(document) is list:
                    yield from members(piece, document)
                else:
                    yield piece, document
                position += len(piece)
                continue
            stop = _balanced(data, position, end) if data[position] in b"{[" else None
            if not stop or _next_byte(data, stop, end) not in b",]{":
                stop = end
            stop = self._salvage(data, position, stop, b",]{") or stop
            broken = data[position:stop].rstrip(_BLANKS + b",]")
            yield broken, _judge(broken)
            position = stop

    def _list_ends(self, data: bytes, position: int) -> bool:
        """Whether a bracket closes the list that is read, and not one within a broken element of it."""
        follower = _next_byte(data, position, len(data))
        return follower in (b"", b"{", b"[") or (self.wrapped and not _OBJECT_START.search(data, position))


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk, and whether it is the last."""
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield held, False
        held = chunk
    yield held or b"", True


def members(piece: bytes, members: list[Any]) -> Iterator[Piece]:
    """The members of a list that has been parsed, each with its own bytes."""
    position = 1
    for member in members:
        while piece[position] in b" \t\r\n,":
            position += 1
        written = _value_bytes(piece, position, member)
        yield written, member
        position += len(written)


def _value_bytes(piece: bytes, position: int, member: Any) -> bytes:
    try:
        written = validation.dumps(member)
        if piece.startswith(written, position) and type(member) in (dict, list, str):
            return written
    except InvalidDocument:
        pass
    return extent(piece, position, len(piece)) or b""


def _judge(piece: bytes) -> Any:
    try:
        return validation.parse(piece)
    except InvalidDocument as refused:
        return refused


def _next_byte(data: bytes, position: int, end: int) -> bytes:
    """The first byte that is no blank, or b"" at the end."""
    while position < end and data[position] in _BLANKS:
        position += 1
    return data[position : position + 1] if position < end else b""


def _before(data: bytes, begin: int, position: int) -> bytes:
    """The last byte before a position that is no blank."""
    return data[max(begin, position - 64) : position].rstrip(_BLANKS)[-1:]


def extent(data: bytes, position: int, end: int) -> bytes | None:
    """The bytes of the JSON value that starts here, or None. Reads leniently: NaN, repeated keys, bad UTF-8 pass."""
    size = 2**13
    while True:
        stop = min(position + size, end)
        text = data[position:stop].decode("utf-8", "surrogateescape")
        try:
            _, length = _decoder.raw_decode(text)
        except json.JSONDecodeError as error:
            sure = error.pos < len(text) - 16 and not error.msg.startswith("Unterminated")
            if sure or stop == end:
                return None
        except RecursionError:
            return None
        else:
            if length < len(text) or stop == end:
                return text[:length].encode("utf-8", "surrogateescape")
        size *= 8


def _balanced(data: bytes, position: int, end: int) -> int | None:
    """Where the brackets that open here are all closed again, each by its own kind; None if they are not."""
    awaited: list[bytes] = []
    for match in _TOKEN.finditer(data, position, end):
        token = match.group()
        if token == b"{":
            awaited.append(b"}")
        elif token == b"[":
            awaited.append(b"]")
        elif token in (b"}", b"]"):
            if awaited.pop() != token:
                return None
            if not awaited:
                return match.end()
    return None
