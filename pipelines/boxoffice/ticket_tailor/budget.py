"""How many requests a key has left, shared by everything in this process that uses the key."""

import hashlib
import math
import threading
import time
from collections.abc import Callable, Mapping

# What the platform documents, until its headers say otherwise: 5,000 requests in 30 minutes.
DOCUMENTED_LIMIT = 5000
DOCUMENTED_SECONDS = 1800.0

# A reset in seconds never comes near this; an epoch time is always above it.
EPOCH = 1_000_000_000


class Budget:
    """Requests left in the platform's window, and the pause it asked for.

    ``take`` is called before every request and gives the seconds to wait first, 0 when the request may go. Times are
    seconds of ``monotonic``. One part in fifty is left to whatever else uses the key.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._limit = DOCUMENTED_LIMIT
        self._told_limit: int | None = None
        self._left = DOCUMENTED_LIMIT
        self._resets_at = monotonic() + DOCUMENTED_SECONDS
        self._paused_until = -math.inf
        self._waited_until = -math.inf

    def take(self) -> float:
        """0 and one request fewer left, or the seconds to wait before asking again."""
        with self._lock:
            now = self._monotonic()
            if now < self._paused_until:
                return self._paused_until - now
            if now >= self._resets_at:
                self._left, self._resets_at = self._limit, now + DOCUMENTED_SECONDS
            if self._left <= self._limit // 50:
                return self._resets_at - now
            self._left -= 1
            return 0.0

    def learn(self, headers: Mapping[str, str], epoch_now: float) -> None:
        """Takes over what an answer's headers say.

        The reset was seen in seconds from now; an epoch time is understood too. Requests under way are in ``left``
        already, so that within one window only a lower figure is believed.
        """
        limit = _number(headers.get("X-Rate-Limit-Limit"))
        left = _number(headers.get("X-Rate-Limit-Remaining"))
        reset = _number(headers.get("X-Rate-Limit-Reset"))
        with self._lock:
            if limit and left is not None and int(limit) != self._told_limit:
                # the first answer, or the platform has changed its limit: what was assumed no longer holds
                self._limit = self._told_limit = int(limit)
                self._left = int(left)
            if reset is not None:
                # never later than a whole window from now: what says so is no Ticket Tailor
                seconds = min(reset - epoch_now if reset > EPOCH else reset, DOCUMENTED_SECONDS)
                resets_at = self._monotonic() + max(seconds, 0.0)
                if left is not None and resets_at > self._resets_at + 5:
                    self._left = int(left)
                self._resets_at = resets_at
            if left is not None:
                self._left = min(self._left, int(left))

    def seconds_for(self, requests: float) -> float:
        """How long so many requests take at the least, with what is left and the windows after this one."""
        with self._lock:
            beyond = requests - self._left
            if beyond <= 0:
                return 0.0
            first = max(self._resets_at - self._monotonic(), 0.0)
            return first + beyond // max(self._limit, 1) * DOCUMENTED_SECONDS

    def is_first_to_wait(self, seconds: float) -> bool:
        """Whether no one has said yet that there is a wait until then: twelve threads wait, one says so."""
        with self._lock:
            until = self._monotonic() + seconds
            first = until > self._waited_until + 5
            self._waited_until = max(self._waited_until, until)
            return first

    def pause(self, seconds: float) -> None:
        """No thread asks again before this has passed: the platform said so to one of us."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + seconds)


_budgets: dict[bytes, Budget] = {}
_budgets_lock = threading.Lock()


def budget_of(base_url: str, api_key: str) -> Budget:
    """The one budget of a key at an address; box offices that share a key share it."""
    name = hashlib.blake2b(f"{base_url}\x1f{api_key}".encode()).digest()
    with _budgets_lock:
        return _budgets.setdefault(name, Budget())


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) and number >= 0 else None
