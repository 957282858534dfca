"""Gathers deliveries into commits: what arrives while one is written becomes the next."""

import asyncio
import concurrent.futures
import contextlib
import datetime as dt
from collections.abc import Callable, Iterable

from boxoffice.receiver.accounts import Account
from boxoffice.receiver.buffer import Buffer, Delivery
from boxoffice.receiver.refusals import Refusal

# Commits in a row that failed before the receiver reports that it is not well.
FAILURES = 3
# Seconds between two records of what was refused, and between two looks at disks and reserves.
RECORDS_EVERY, LOOKS_EVERY = 1.0, 60.0

RESERVE_TAKEN = "the disk is full: the reserve was given up to keep what came"

Waiting = dict[Account, list[tuple[Delivery, "asyncio.Future[bool]"]]]


class Writer:
    """One thread that writes, so that all of an account's deliveries share the wait for the disk. Made in a running
    event loop; all but the thread's own methods are called there."""

    def __init__(self, accounts: Iterable[Account], min_free: int, echo: Callable[[str], None]) -> None:
        self.echo = echo
        self.buffers = {account: Buffer(account.buffer, min_free) for account in accounts}
        self.failures = dict.fromkeys(self.buffers, 0)
        self.committed_at: dict[Account, dt.datetime] = {}
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._waiting: Waiting = {}
        self._refused: dict[tuple[Account, int, str], Refusal] = {}
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._stopping = False
        self._recorded, self._looked = 0.0, self._loop.time()

    @property
    def is_well(self) -> bool:
        return max(self.failures.values()) < FAILURES

    async def keep(self, account: Account, delivery: Delivery) -> bool:
        """Whether the delivery is on the disk, once that is known."""
        kept = self._loop.create_future()
        self._waiting.setdefault(account, []).append((delivery, kept))
        self._wake.set()
        return await kept

    def refuse(self, account: Account, status: int, reason: str, size: int) -> None:
        """Counts a delivery that was not kept; recorded within a second."""
        self._add(account, Refusal(_now(), status, reason, 1, size))
        self._wake.set()

    def _add(self, account: Account, refusal: Refusal) -> None:
        key = account, refusal.status, refusal.reason
        if before := self._refused.get(key):
            refusal = refusal._replace(
                at=min(before.at, refusal.at),
                deliveries=before.deliveries + refusal.deliveries,
                size=before.size + refusal.size,
            )
        self._refused[key] = refusal

    async def run(self) -> None:
        """Writes until stopped; by then nothing waits any more."""
        while not (self._stopping and not self._waiting):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECORDS_EVERY if self._refused else LOOKS_EVERY):
                    await self._wake.wait()
            if not self._stopping:
                self._wake.clear()
            waiting, self._waiting = self._waiting, {}
            if waiting:
                kept = await self._loop.run_in_executor(self._thread, self._commit, waiting)
                for account, deliveries in waiting.items():
                    for _, future in deliveries:
                        if not future.done():
                            future.set_result(kept[account])
            await self._look_after()
        await self._record_refused()
        self._thread.shutdown()

    def stop(self) -> None:
        """Lets ``run`` end when it has written what waits."""
        self._stopping = True
        self._wake.set()

    def _commit(self, waiting: Waiting) -> dict[Account, bool]:
        kept = {}
        for account, deliveries in waiting.items():
            try:
                took_reserve = self.buffers[account].write(delivery for delivery, _ in deliveries)
                kept[account], self.failures[account] = True, 0
                if took_reserve:
                    self._loop.call_soon_threadsafe(self._add, account, Refusal(_now(), 507, RESERVE_TAKEN, 0, 0))
                self.committed_at[account] = _now()
            except OSError as error:
                kept[account] = False
                self.failures[account] += 1
                self.echo(f"{account}: {len(deliveries)} deliveries were not kept: {error}")
        return kept

    async def _look_after(self) -> None:
        """Records what was refused, and looks at disks that failed and at reserves, each only so often."""
        now = self._loop.time()
        if self._refused and now - self._recorded >= RECORDS_EVERY:
            self._recorded = now
            await self._record_refused()
        if now - self._looked >= LOOKS_EVERY:
            self._looked = now
            await self._loop.run_in_executor(self._thread, self._look)

    async def _record_refused(self) -> None:
        """What cannot be recorded now is tried again, until the process ends."""
        refused, self._refused = self._refused, {}
        by_account: dict[Account, list[Refusal]] = {}
        for (account, _, _), refusal in refused.items():
            by_account.setdefault(account, []).append(refusal)
        for account, refusals in by_account.items():
            problem = await self._loop.run_in_executor(self._thread, self._record, account, refusals)
            for one in refusals:
                self.echo(f"{account}: {one.deliveries} deliveries, status {one.status}: {one.reason}{problem}")
                if problem:
                    self._add(account, one)

    def _record(self, account: Account, refusals: list[Refusal]) -> str:
        try:
            self.buffers[account].record(refusals)
        except OSError as error:
            return f"; that cannot be recorded: {error}"
        return ""

    def _look(self) -> None:
        for account, buffer in self.buffers.items():
            try:
                if self.failures[account]:
                    buffer.probe()
                    self.failures[account] = 0
                buffer.fill_reserve()
            except OSError as error:
                self.echo(f"{account}: {buffer.folder} cannot be written, or its reserve cannot be created: {error}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
