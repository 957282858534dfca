"""What one sequence is: everything that one small account said over several rounds, with ids that no other one has."""

import re
from typing import Any

Json = Any
Sequence = dict[str, Any]

FIRST, STEP = 10_000_000, 1_000  # sequence n has the ids from FIRST + n * STEP
BEYOND_DOUBLES = 8_000_000_000_000_000_000  # or from here: more digits than a double holds
ROUNDS = 3

_DIGITS = re.compile(r"\d{8,19}")
_ALONE = re.compile(r"(?<![0-9A-Za-z])(?:\d{8,10}|\d{19})(?![0-9A-Za-z])")  # not within a hash


def base_of(number: int, huge: bool = False) -> int:
    return (BEYOND_DOUBLES if huge else FIRST) + number * STEP


def numbers_in(text: str) -> set[int]:
    """The sequences whose ids stand anywhere in a text."""
    found = {int(digits) for digits in _ALONE.findall(text)}
    return {
        (number - first) // STEP
        for number in found
        for first in (FIRST, BEYOND_DOUBLES)
        if first <= number < first + 4 * 10**8
    }


def rebased(value: Json, old: int, new: int) -> Json:
    """The same with the ids of another sequence, whichever way they are written."""
    if isinstance(value, dict):
        return {key: rebased(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [rebased(inner, old, new) for inner in value]
    if isinstance(value, str):
        return _DIGITS.sub(lambda match: str(_moved(int(match[0]), old, new)), value)
    if type(value) is int:
        return _moved(value, old, new) if value >= 0 else -_moved(-value, old, new)
    return value


def renumbered(sequence: Sequence, number: int) -> Sequence:
    """The same sequence under another number."""
    huge = sequence.get("huge", False)
    moved = rebased(sequence, base_of(sequence["number"], huge), base_of(number, huge))
    return {**moved, "number": number}


def _moved(number: int, old: int, new: int) -> int:
    return number - old + new if old <= number < old + STEP else number
