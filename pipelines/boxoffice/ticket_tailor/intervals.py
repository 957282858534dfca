"""Half-open intervals [start, end) of unix seconds, as sorted lists without overlaps."""

from collections.abc import Iterable

Interval = tuple[int, int]
Intervals = list[Interval]

# Later than any second that a platform means: the end of a span that is open at the top.
OPEN = 1 << 40


def union(intervals: Iterable[Interval]) -> Intervals:
    """The same seconds, sorted, with what touches or overlaps made one. Empty intervals vanish."""
    joined: Intervals = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def minus(intervals: Iterable[Interval], taken: Iterable[Interval]) -> Intervals:
    """The seconds of ``intervals`` that are in none of ``taken``."""
    left: Intervals = []
    gone = union(taken)
    for start, end in union(intervals):
        for gone_start, gone_end in gone:
            if gone_end <= start or gone_start >= end:
                continue
            if start < gone_start:
                left.append((start, gone_start))
            start = max(start, gone_end)
        if start < end:
            left.append((start, end))
    return left
