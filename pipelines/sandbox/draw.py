"""Chance that can be asked again: draws that are a pure function of (stream, seed, index)."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_LOW = 1 << 40
_MASK = (1 << 64) - 1


def scatter(seed: int, index: int) -> int:
    """64 well-mixed bits for (seed, index), cheaper than a Draw (the finaliser of splitmix64, public domain)."""
    x = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


class Draw:
    """A sequence of draws; two with the same arguments give the same sequence, on every machine and Python."""

    __slots__ = ("_bits",)

    def __init__(self, stream: str, seed: int, index: int) -> None:
        digest = blake2b(f"{stream}:{seed}:{index}".encode(), digest_size=64).digest()
        self._bits = int.from_bytes(digest, "little")

    def below(self, end: int) -> int:
        """A whole number from 0 up to, not including, ``end``."""
        bits = self._bits
        if bits < _LOW:
            bits = int.from_bytes(blake2b(b"%x" % bits, digest_size=64).digest(), "little")
        self._bits, drawn = divmod(bits, end)
        return drawn

    def between(self, first: int, last: int) -> int:
        """A whole number from ``first`` to ``last``, both included."""
        return first + self.below(last - first + 1)

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]
