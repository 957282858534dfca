"""How far a long read has come, and how long it will take."""

import datetime as dt

from boxoffice.terminal import duration
from boxoffice.ticket_tailor.api import Client
from boxoffice.ticket_tailor.reading import Came, Cut, Done, Happening, Read


class Progress:
    """Adds up what happens; ``str`` says it in a line.

    Only reads that were cut into windows have a share done and an estimate: the windows hold about the same number of
    rows each. The estimate is by the pace so far, or by the platform's request limit where that is slower.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._began: dt.datetime | None = None
        self._rows: dict[str, int] = {}
        self._requests = 0
        self._left: set[Read] = set()
        self._done = 0

    def add(self, happening: Happening) -> None:
        if isinstance(happening, Came):
            name = happening.read.list.name
            self._rows[name] = self._rows.get(name, 0) + len(happening.page.documents)
        elif isinstance(happening, Cut):
            if self._began is None:
                self._began, self._requests = self._client.clock(), self._client.asked
            # the last one is the time before everything, and empty
            self._left.update(window for window in happening.windows if window.start > 0)
            self._left.discard(happening.read)
        elif isinstance(happening, Done) and happening.read in self._left:
            self._left.discard(happening.read)
            self._done += 1

    @property
    def share(self) -> float | None:
        """0 to 1; None when nothing was cut, so that it is not known."""
        return self._done / (self._done + len(self._left)) if self._began and self._done + len(self._left) else None

    @property
    def seconds_left(self) -> float | None:
        """None while it is not known."""
        if not self.share:
            return None
        beyond = (1 - self.share) / self.share
        elapsed = (self._client.clock() - self._began).total_seconds()
        requests = (self._client.asked - self._requests) * beyond
        return max(elapsed * beyond, self._client.budget.seconds_for(requests))

    def __str__(self) -> str:
        read = ", ".join(f"{count:,} {name}" for name, count in self._rows.items()) or "nothing"
        line = f"read {read}"
        if self.share is not None:
            line += f"; {self.share:.0%} of the history"
        if self.seconds_left is not None:
            line += f", about {duration(self.seconds_left)} left"
        return line
