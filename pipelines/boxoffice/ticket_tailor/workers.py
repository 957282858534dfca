"""Reads side by side: the platform answers one page of a cursor after the other, but many windows at once."""

import collections
import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from boxoffice.errors import Problem
from boxoffice.ticket_tailor.errors import KeyRefused
from boxoffice.ticket_tailor.reading import Cut, Failed, Happening, Read

# With a quarter of a second an answer, twelve bring nearly 50 pages a second: enough to spend any budget.
WORKERS = 12
# Pages that wait to be loaded, about a third of a megabyte each.
PAGES_WAITING = 160


class WorkerPool:
    """Threads that follow reads, in the order given, and the windows that they are cut into.

    A Problem in one list is reported and ends the reads of that list; the others go on. A key that is refused, or an
    error that was not foreseen, stops all at their next page; what they had brought is still yielded, then it is
    raised. Leaving the loop early stops the threads too.
    """

    def __init__(self, follow: Callable[[Read], Iterator[Happening]], workers: int = WORKERS) -> None:
        self._follow = follow
        self._workers = workers
        self._came: queue.Queue[Happening | None] = queue.Queue(PAGES_WAITING)
        self._waiting: collections.deque[Read] = collections.deque()
        self._failed: set[str] = set()
        self._busy = 0
        self._change = threading.Condition()
        self._stopped = False  # no new page is asked for
        self._alone = False  # no one takes what comes
        self._error: BaseException | None = None

    def happenings(self, reads: Iterable[Read], patience: float) -> Iterator[Happening | None]:
        """Everything that happens; None whenever nothing did for ``patience`` seconds."""
        self._waiting.extend(reads)
        if not self._waiting:
            return
        for number in range(self._workers):
            threading.Thread(target=self._work, name=f"ticket-tailor-{number}", daemon=True).start()
        try:
            while True:
                try:
                    happening = self._came.get(timeout=patience)
                except queue.Empty:
                    yield None
                    continue
                if happening is None:
                    break
                yield happening
        finally:
            self._alone = True
            self._stop()
        if self._error:
            raise self._error

    def _work(self) -> None:
        while (read := self._next()) is not None:
            try:
                self._read(read)
            except BaseException as error:
                self._error = self._error or error
                self._stop()
            with self._change:
                self._busy -= 1
                last = not self._busy and (self._stopped or not self._waiting)
                self._change.notify_all()
            if last:
                self._put(None)

    def _read(self, read: Read) -> None:
        name = read.list.name
        if name in self._failed:
            return
        try:
            for happening in self._follow(read):
                if isinstance(happening, Cut):
                    with self._change:
                        self._waiting.extend(happening.windows)
                        self._change.notify_all()
                self._put(happening)
                if self._stopped or name in self._failed:
                    return
        except KeyRefused:
            raise
        except Problem as problem:
            self._failed.add(name)
            self._put(Failed(read, problem))

    def _next(self) -> Read | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or not self._busy or self._stopped)
            if self._stopped or not self._waiting:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _stop(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def _put(self, happening: Happening | None) -> None:
        """Waits while too many pages wait to be loaded."""
        while not self._alone:
            with contextlib.suppress(queue.Full):
                self._came.put(happening, timeout=1)
                break
