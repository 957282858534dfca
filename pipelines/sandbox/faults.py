"""What can go wrong between a client and an API, by seeded chance: the same seed, the same faults."""

import dataclasses

from sandbox.draw import Draw

KINDS = (
    "429",
    "500",
    "502",
    "503",
    "504",
    "reset",  # the connection is reset before a byte of the answer
    "cut",  # the body ends before its announced length
    "hang",  # no answer for ``hang_seconds``, then the connection closes
    "not_data",  # 200, JSON, but no {"data": […]}
    "half_json",  # 200 and JSON that breaks off, with a length that fits
    "html",  # 200 and a web page
    "wrong_type",  # 200 and the right body, announced as text/html
)


@dataclasses.dataclass(frozen=True)
class Faults:
    """Which share of the answers goes wrong, and how.

    Args:
        rate: share of answers, 0 to 1.
        kinds: some of KINDS, each as likely as the others.
        in_a_row: never more than this many faults for one path one after the other, so that a client which tries
            again gets through in the end.
        retry_after: seconds in Retry-After of an injected 429.
        hang_seconds: how long ``hang`` keeps the client waiting.
    """

    rate: float = 0.2
    seed: int = 0
    kinds: tuple[str, ...] = tuple(kind for kind in KINDS if kind != "hang")
    in_a_row: int = 2
    retry_after: int = 0
    hang_seconds: float = 30.0

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - set(KINDS):
            raise ValueError(f"unknown faults: {', '.join(sorted(unknown))}")

    def draw(self, request_number: int) -> str | None:
        """The fault of the n-th request, or None."""
        draw = Draw("fault", self.seed, request_number)
        return draw.pick(self.kinds) if draw.below(1_000_000) < self.rate * 1_000_000 else None
