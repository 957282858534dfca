"""Documents out of the bytes of a buffer file, whatever wrote them; no record's fault is its neighbour's.

One object, compact or indented; JSON Lines with any line end; lists; objects back to back; several indented documents;
form bodies; any mixture. Each document comes as the very bytes of the file.

What holds the cuts together: a bare line feed never occurs inside a JSON string (U+2028 and U+0085 may, so only line
feeds part lines), and a piece that parses whole as one document is one. Everything cheaper is only a guess where to
try. What does not parse becomes one refused piece, as short as can be justified.

Reading is linear in the bytes, whatever they are. A guess that finds a document costs no more than the document; those
that find nothing are counted, and where broken text has had as many as its length allows, it is cut at line ends and
between objects alone until some more of the file has been read.
"""

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument

Piece = tuple[bytes, Any]  # the bytes, and what they hold: a document, or an InvalidDocument
Pieces = Generator[Piece, None, int]  # returns where it stopped

LONGEST = 16 * 2**20  # bytes: what is longer and still no document is cut there
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_BLANKS = b" \t\r\n"
_NO_BLANK = re.compile(rb"[^ \t\r\n]")
_BETWEEN = re.compile(rb"[ \t\r\n,]*+")
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_BOUNDARY = re.compile(rb"\}\s*(?=\{)")  # where two objects meet; may also occur in a string
_SURE_BOUNDARY = re.compile(rb"\}\s*(?=\{\s*" + _STRING + rb"\s*:)", re.DOTALL)  # bare quotes: not in a string
_AT_MARGIN = re.compile(rb"\n(?=[{\[])")
# a string that is not closed in its line is one up to there: its quotes are looked at once
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"?|[{}\[\]]')
_MEMBER_START = re.compile(rb"\s*\{\s*" + _STRING + rb"\s*:", re.DOTALL)
_OBJECT_START = re.compile(rb'\{\s*"')
_SEPARATOR = re.compile(rb"\s*(?:,\s*)?")
_FIELD = rb"[A-Za-z_][\w.%+\[\]-]*=[^\s&=]*"
_FORM = re.compile(_FIELD + rb"(?:&" + _FIELD + rb")++|(?:payload|body|data|message)=[^\s&=]+", re.IGNORECASE)
_NESTED_LIST = re.compile(rb'"(?:Tickets|Products|Payments)"\s*:')
_NESTED_KINDS = ("ticket", "product", "payment")
_ID = re.compile(rb'"Id"\s*:\s*"?(\d+)')
_NAME_IN_OBJECT = re.compile(r"[ \t\r\n,{]*+")
_COLON = re.compile(r"[ \t\r\n]*+:[ \t\r\n]*+")
_BOUNDARY_TRIES = 4

# Bytes that guesses which find nothing may look at: so many for each byte of the file that has been read, and so many
# more. In six layouts, with every second record truncated, it took 8 at most.
_LOOKS = 16
_FIRST_LOOKS = 2**18
_A_LOOK = 512  # what a broken piece costs, however short it is, in bytes that could be read meanwhile
_HOPELESS = 2**16  # bytes of lines that are cut off together
_DEEPEST = 1024  # brackets within brackets: what orjson reads
_LONGEST_LOOK = 2**18  # for a whole record in the midst of broken text
_QUICKLY = 16  # orjson or a regular expression goes through bytes so much faster than Python's decoder

# numbers stay text: of some hundred digits they are no int
_decoder = json.JSONDecoder(parse_int=str, parse_float=str)


class Form(dict[str, str]):
    """Stands for a form body, whose fields are still in the bytes."""


def documents(chunks: Iterable[bytes], kind_of: Callable[[Any], str | None], longest: int = LONGEST) -> Iterator[Piece]:
    """The documents in a stream of bytes, in order. Raises what ``chunks`` raises, and nothing else.

    ``kind_of`` names what a document is if it can be alone in the buffer, and is None otherwise: what is whole in
    the midst of broken text is taken for a record only when it is one. No more than ``longest`` bytes and a chunk are
    held.
    """
    splitter = _Splitter(kind_of, longest)
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
    splitter = _Splitter(kind_of, len(piece))
    splitter.in_list = splitter.wrapped = True
    yield from splitter.list_elements(piece, start + 1, at_end=True)


class _Splitter:
    def __init__(self, kind_of: Callable[[Any], str | None], longest: int) -> None:
        self.kind_of, self.longest = kind_of, longest
        self.in_list = False
        self.wrapped = False  # the list is within a wrapper
        self.by_line = False  # some line was a record: then a broken line costs that line
        self.passed = 0  # bytes of the windows before this one
        self.looked = 0  # bytes looked at in vain
        self.place = 0  # where the piece begins that is read
        self._begin_window()

    def _begin_window(self) -> None:
        """What is known of a window, as positions in it, so that it is found out once."""
        self.lines_tried = 0  # no line before this one is a record
        self.margin = -1  # the next line that begins with a bracket
        self.object_start: int | None = -1  # the next object with a member, or what may look like one

    def window(self, data: bytes, at_end: bool) -> Pieces:
        """The pieces of a stretch of bytes. What lies beyond where it stops waits for the bytes that follow."""
        self._begin_window()
        position = 0
        while True:
            try:
                position = yield from self._pieces(data, position, at_end)
            except MemoryError:
                raise
            except Exception as error:  # a defect of ours costs one line, and none of the others
                line_end = data.find(b"\n", self.place)
                position = line_end if line_end >= 0 else len(data)
                yield data[self.place : position], could_not_be_read(error)
            else:
                self.passed += position
                return position

    def _pieces(self, data: bytes, position: int, at_end: bool) -> Pieces:
        while True:
            if self.in_list:
                position = yield from self.list_elements(data, position, at_end)
                if self.in_list:
                    return position
            position = yield from self._plain(data, position, at_end)
            if not self.in_list:
                return position

    def _may_look(self, position: int) -> bool:
        return self.looked < _FIRST_LOOKS + _LOOKS * (self.passed + position)

    def _safe_end(self, data: bytes, start: int) -> int:
        """How far whole documents are likely to reach in bytes that more will follow."""
        end = data.rfind(b"\n{", start) + 1
        if not end:
            matches = list(_SURE_BOUNDARY.finditer(data, max(start, len(data) - 2**20)))
            end = matches[-1].end() if matches else start
        return len(data) if end == start and len(data) - start > self.longest else end

    def _plain(self, data: bytes, position: int, at_end: bool) -> Pieces:
        position = _skip_blanks(data, position, len(data))
        end = len(data) if at_end else self._safe_end(data, position)
        line_tried = line_end = form_tried = -1
        while True:
            position = _skip_blanks(data, position, end)
            if position >= end:
                position = _skip_blanks(data, position, len(data))
                if not at_end and data[position : position + 1] == b"[":
                    self.in_list = True
                    return position + 1
                return position
            self.place = position
            if line_end <= position:
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
                stopped = yield from self._by_boundary(data, position, end, line_end)
                if stopped is None:
                    reach = end if self._may_look(position) else line_end
                    stopped = yield from self._by_extent(data, position, reach, line_end)
            if stopped is None:
                if not at_end and len(data) - position < self.longest:
                    return position  # perhaps it is only cut off by the window
                if line_end > form_tried and _FORM.fullmatch(line := data[position:line_end].rstrip(_BLANKS)):
                    yield line, Form()
                    stopped = line_end
                else:
                    stopped = yield from self._broken(data, position, end, line_end)
                form_tried = line_end
            position = stopped

    def _by_boundary(self, data: bytes, position: int, end: int, line_end: int) -> Generator[Piece, None, int | None]:
        """A document that reaches to a place where two objects meet, or to the end."""
        may_look = self._may_look(position)
        most, reach = (_BOUNDARY_TRIES, end) if may_look else (1, line_end)
        for tries, match in enumerate(_BOUNDARY.finditer(data, position, reach)):
            if tries == most:
                return None
            piece = data[position : match.start() + 1]
            if (document := validation.attempt(piece)) is not None:
                yield piece, document
                return match.end()
            self.looked += len(piece) // _QUICKLY
        if may_look:
            piece = data[position:end].rstrip(_BLANKS)
            if (document := validation.attempt(piece)) is not None:
                yield piece, document
                return end
            self.looked += len(piece) // _QUICKLY
        return None

    def _by_extent(self, data: bytes, position: int, end: int, line_end: int) -> Generator[Piece, None, int | None]:
        """A document as far as a lenient parser reads it, when what follows can follow a document."""
        piece, looked = _look(data, position, end)
        if piece is None:
            self.looked += looked
            return None
        beyond = position + len(piece)
        separator = _SEPARATOR.match(data, beyond, end).end()  # type: ignore[union-attr]
        follower = data[separator : min(separator + 1, end)]
        if follower not in (b"", b"{", b"[") and (follower in b'"}],:' or b"\n" not in data[beyond:separator]):
            self.looked += len(piece)
            return None
        document = judge(piece)
        if line_end < beyond and self.kind_of(document) is None:
            # lines that make no record together: if one of them is one, then the first line is what is broken
            for line in data[line_end + 1 : beyond].split(b"\n"):
                if line[:1] == b"{" and self.kind_of(validation.attempt(line.rstrip(_BLANKS))):
                    self.looked += 2 * len(piece)
                    return None
        yield piece, document
        return separator

    def _broken(self, data: bytes, position: int, end: int, line_end: int) -> Pieces:
        """One refused piece, up to the line's end, the next document, or a whole record in its midst."""
        self.by_line = self.by_line or self._a_line_is_a_record(data, line_end, end)
        is_bracket = data[position] in b"{[" and _skip_blanks(data, position + 1, line_end) == line_end
        if self.by_line and not is_bracket:
            stop = line_end
        else:
            if self.margin <= position:
                margin = _AT_MARGIN.search(data, position, end)
                self.margin = margin.start() if margin else end
            stop = min(self.margin, end)
        if self._may_look(position):
            self.looked += _A_LOOK
            stop = self._salvage(data, position, stop, b"{\n" if self.by_line else b"{") or stop
            balanced = self._balanced(data, position, stop) if data[position] == 123 else None
            if balanced and _MEMBER_START.match(data, balanced, end):
                stop = balanced
        elif boundary := _SURE_BOUNDARY.search(data, position, stop):
            stop = boundary.start() + 1
        else:
            stop = self._hopeless(data, stop, end)
        piece = data[position:stop].rstrip(_BLANKS)
        yield piece, judge(piece)
        return stop

    def _hopeless(self, data: bytes, line_end: int, end: int) -> int:
        """Where the lines end that follow and are no documents either."""
        most = line_end + _HOPELESS
        while line_end < min(end, most):
            next_end = data.find(b"\n", line_end + 1, end)
            next_end = end if next_end < 0 else next_end
            line = data[line_end + 1 : next_end].strip(_BLANKS + b",")
            if line[:1] in (b"{", b"[") and line[-1:] in (b"}", b"]") and validation.attempt(line) is not None:
                break
            line_end = next_end
        return line_end

    def _a_line_is_a_record(self, data: bytes, position: int, end: int) -> bool:
        """Whether a line of the next megabyte is; that megabyte is asked about once."""
        if position < self.lines_tried:
            return False
        self.lines_tried = min(end, position + 2**20)
        for line in data[position : self.lines_tried].split(b"\n"):
            if line[:1] == b"{" and line.rstrip(_BLANKS)[-1:] == b"}" and self.kind_of(validation.attempt(line)):
                return True
        return False

    def _salvage(self, data: bytes, position: int, stop: int, followers: bytes) -> int | None:
        """Where, after broken text, a whole record begins that is no part of the broken one."""
        broken_id = _ID.search(data, position, stop)
        nested = False
        seen = position
        for match in _OBJECT_START.finditer(data, position + 1, stop):
            if not self._may_look(position):
                return None
            start = match.start()
            nested = nested or _NESTED_LIST.search(data, seen, start) is not None
            seen = max(position, start - 20)
            piece, looked = _look(data, start, min(len(data), start + _LONGEST_LOOK))
            if piece is None:
                self.looked += looked
                continue
            self.looked += len(piece)
            follower = _next_byte(data, start + len(piece), len(data))
            if follower and follower not in followers and (start + len(piece) != stop or not self.by_line):
                continue
            document = judge(piece)
            kind = self.kind_of(document)
            if kind is None:
                continue
            if nested and kind in _NESTED_KINDS and _before(data, position, start) in (b"[", b","):
                parent = str(document.get("InvoiceId", "")).encode()
                if not parent or broken_id is None or broken_id[1] == parent:
                    continue  # an item of the broken invoice
            return start
        self.looked += (stop - position) // _QUICKLY
        return None

    def _balanced(self, data: bytes, position: int, end: int) -> int | None:
        """Where the brackets that open here are all closed again, each by its own kind; None if they are not."""
        place, stopped, awaited = None, end, bytearray()
        for match in _TOKEN.finditer(data, position, end):
            token = data[match.start()]
            if token in b"{[" and len(awaited) < _DEEPEST:
                awaited.append(token + 2)  # } and ]
            elif token != 34:
                stopped = match.end()
                if not awaited or awaited.pop() != token:
                    break
                if not awaited:
                    place = stopped
                    break
        self.looked += stopped - position
        return place

    def list_elements(self, data: bytes, position: int, at_end: bool) -> Pieces:
        """The elements of a list until it ends; stops where more bytes are needed to decide."""
        end = len(data)
        while True:
            position = _BETWEEN.match(data, position).end()  # type: ignore[union-attr]
            if position >= end:
                self.in_list = not at_end
                return position
            self.place = position
            if data[position] == 93 and self._list_ends(data, position + 1):
                self.in_list = False
                return position + 1
            may_look, reach = self._may_look(position), end
            if not may_look and (line_end := data.find(b"\n", position)) >= 0:
                reach = line_end
            piece, looked = _look(data, position, reach)
            follower = _next_byte(data, position + len(piece), end) if piece else b""
            if not at_end and not follower and reach == end and end - position < self.longest:
                return position
            if piece and follower in b",]{[":
                document = judge(piece)
                if type(document) is list:
                    yield from members(piece, document)
                else:
                    yield piece, document
                position += len(piece)
                continue
            self.looked += looked or len(piece or b"")
            stop = reach
            if not may_look:
                stop = self._hopeless(data, stop, end)
            else:
                self.looked += _A_LOOK
                stop = self._salvage(data, position, stop, b",]{") or stop
                balanced = self._balanced(data, position, stop) if data[position] in b"{[" else None
                if balanced and _next_byte(data, balanced, end) in b",]{":
                    stop = balanced
            broken = data[position:stop].rstrip(_BLANKS + b",]")
            yield broken, judge(broken)
            position = stop

    def _list_ends(self, data: bytes, position: int) -> bool:
        """Whether a bracket closes the list that is read, and not one within a broken element of it."""
        if _next_byte(data, position, len(data)) in (b"", b"{", b"["):
            return True
        if self.object_start is not None and self.object_start < position:
            match = _OBJECT_START.search(data, position)
            self.object_start = match.start() if match else None
        return self.wrapped and self.object_start is None


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
        position = _BETWEEN.match(piece, position).end()  # type: ignore[union-attr]
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


def member(piece: bytes, key: str) -> bytes | None:
    """The bytes of an object's member as the object has them; None where they cannot be found."""
    text = piece.decode("utf-8", "surrogateescape")
    found, place = None, 0
    try:
        while text[place := _NAME_IN_OBJECT.match(text, place).end()] != "}":  # type: ignore[union-attr]
            name, place = _decoder.raw_decode(text, place)
            start = _COLON.match(text, place).end()  # type: ignore[union-attr]
            _, place = _decoder.raw_decode(text, start)
            if name == key:
                found = text[start:place]
    except (ValueError, IndexError, AttributeError, RecursionError):
        return None
    return found.encode("utf-8", "surrogateescape") if found else None


def judge(piece: bytes) -> Any:
    """What a piece holds: a document, or an InvalidDocument."""
    return validation.outcome(validation.parse, piece)


def could_not_be_read(error: Exception) -> InvalidDocument:
    """What is left to say where reading a record raised something that no one foresaw."""
    return InvalidDocument(f"could not be read: {type(error).__name__}")


def _skip_blanks(data: bytes, position: int, end: int) -> int:
    """The place of the first byte that is no blank, or the end."""
    if position >= end or data[position] not in _BLANKS:
        return position
    match = _NO_BLANK.search(data, position, end)
    return match.start() if match else end


def _next_byte(data: bytes, position: int, end: int) -> bytes:
    """The first byte that is no blank, or b"" at the end."""
    position = _skip_blanks(data, position, end)
    return data[position : position + 1] if position < end else b""


def _before(data: bytes, begin: int, position: int) -> bytes:
    """The last byte before a position that is no blank."""
    return data[max(begin, position - 64) : position].rstrip(_BLANKS)[-1:]


def extent(data: bytes, position: int, end: int) -> bytes | None:
    """The bytes of the JSON value that starts here, or None. Reads leniently: NaN, repeated keys, bad UTF-8 pass."""
    return _look(data, position, end)[0]


def _look(data: bytes, position: int, end: int) -> tuple[bytes | None, int]:
    """As ``extent``; where that is None, also how many bytes it took to find out."""
    size = 2**13
    while True:
        stop = min(position + size, end)
        text = data[position:stop].decode("utf-8", "surrogateescape")
        try:
            _, length = _decoder.raw_decode(text)
        except json.JSONDecodeError as error:
            is_cut = error.msg.startswith("Unterminated")
            if stop == end or (error.pos < len(text) - 16 and not is_cut):
                return None, len(text) if is_cut else error.pos + len(text) // 64
        except RecursionError:
            return None, len(text)
        else:
            if length < len(text) or stop == end:
                return text[:length].encode("utf-8", "surrogateescape"), 0
        size *= 8
