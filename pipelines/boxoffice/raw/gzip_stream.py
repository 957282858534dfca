"""Gzip in buffers: recognised by its first bytes whatever the file's name, with many members, or cut short."""

import re
import zlib
from collections.abc import Iterable, Iterator

MAGIC = b"\x1f\x8b"
PIECE = 8 * 2**20
# Bytes of a member given to zlib at once. It gives back what is beyond the member's end, so a small member gets few.
FEWEST, MOST = 2**9, 2**18

WHOLE, CUT, DAMAGED, FOLLOWED = "whole", "cut short", "damaged", "followed by something else"
UNFOLDS = "unfolds too far"

_PADDING = re.compile(rb"\0*+")  # between members, as gzip itself allows


def condition(chunks: Iterable[bytes], most: int) -> str:
    """How a gzip file ends, by its checksums: what comes before a cut can be trusted, a damaged file cannot.

    One that holds more than ``most`` bytes is not read to its end.
    """
    inflating = Inflating(chunks, most)
    for _ in inflating.pieces():
        pass
    return inflating.condition


class Inflating:
    """What is in a gzip file, a piece at a time; ``condition`` says how it ended."""

    def __init__(self, chunks: Iterable[bytes], most: int) -> None:
        self.chunks, self.most = chunks, most
        self.condition = WHOLE

    def pieces(self) -> Iterator[bytes]:
        """The inflated bytes, several small members together in one piece."""
        ready: list[bytes] = []
        size = 0
        for piece in self._inflated():
            self.most -= len(piece)
            if self.most < 0:
                self.condition = UNFOLDS
                return
            ready.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield b"".join(ready)
                ready, size = [], 0
        yield b"".join(ready)

    def _inflated(self) -> Iterator[bytes]:
        member: zlib._Decompress | None = None
        rest, step = b"", FEWEST
        for chunk in self.chunks:
            data, place = rest + chunk, 0
            while place < len(data):
                if member is None:
                    place = _PADDING.match(data, place).end()  # type: ignore[union-attr]
                    if len(data) - place < len(MAGIC):
                        break
                    if not data.startswith(MAGIC, place):
                        self.condition = FOLLOWED
                        return
                    member, step = zlib.decompressobj(31), FEWEST
                given = data[place : place + step]
                place, step = place + len(given), min(step * 2, MOST)
                try:
                    while given:
                        yield member.decompress(given, PIECE)
                        given = member.unconsumed_tail
                except zlib.error:
                    self.condition = DAMAGED
                    return
                if member.eof:
                    place -= len(member.unused_data)
                    member = None
            rest = data[place:]
        if member or rest:
            self.condition = CUT
