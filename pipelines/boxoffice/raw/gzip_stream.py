"""Gzip as buffers have it: told by its first bytes whatever the file is called, with many members, or cut short."""

import zlib
from collections.abc import Iterable, Iterator

MAGIC = b"\x1f\x8b"
PIECE = 8 * 2**20

WHOLE, CUT, DAMAGED, FOLLOWED = "whole", "cut short", "damaged", "followed by something else"


def condition(chunks: Iterable[bytes]) -> str:
    """How a gzip file ends, by its checksums: what stands before a cut can be trusted, a damaged file cannot."""
    inflating = Inflating(chunks)
    for _ in inflating.pieces():
        pass
    return inflating.condition


class Inflating:
    """What is in a gzip file, a piece at a time; ``condition`` tells how it ended."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = chunks
        self.condition = WHOLE

    def pieces(self) -> Iterator[bytes]:
        """The inflated bytes, several small members together in one piece."""
        ready: list[bytes] = []
        size = 0
        for piece in self._inflated():
            ready.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield b"".join(ready)
                ready, size = [], 0
        yield b"".join(ready)

    def _inflated(self) -> Iterator[bytes]:
        member = zlib.decompressobj(31)
        begun = False
        data = b""
        for chunk in self.chunks:
            data += chunk
            while data:
                if not begun:
                    data = data.lstrip(b"\0")  # padding between members, as gzip itself allows
                    if len(data) < 2:
                        break
                    if not data.startswith(MAGIC):
                        self.condition = FOLLOWED
                        return
                    member, begun = zlib.decompressobj(31), True
                try:
                    yield member.decompress(data, PIECE)
                except zlib.error:
                    self.condition = DAMAGED
                    return
                data = member.unused_data if member.eof else member.unconsumed_tail
                begun = not member.eof
        if begun or data:
            self.condition = CUT
