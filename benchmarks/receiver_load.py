"""What it costs to keep webhooks before they are acknowledged, and how soon a sale is published.

    python -m benchmarks.receiver_load                        # about 5 minutes
    python -m benchmarks.receiver_load --seconds 2 --turns 1 --deliveries 20000 --sales 0

answering: the receiver as it is, but for writing: token, headers, body and hash, then 200 at once.
keeping: every delivery in a file, synced, before its 200. Both take turns, 64 connections and 3 kB a delivery.
a sale: with `run --every 1h` beside the receiver, from posting an invoice until a query of the published file finds it.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.runs import ROOT, Venue
from benchmarks.ticketor_load import invoice

CONNECTIONS, BODY = 64, b"{" + b'"a":1,' * 500 + b'"b":2}'
WITHOUT_WRITING = """
from boxoffice.receiver.writer import Writer
async def keep(self, account, delivery): return True
Writer.keep = keep
"""


class Receiver:
    """A process of its own; ``token`` is that of its one site."""

    def __init__(self, buffer: Path, data: Path, prelude: str = "") -> None:
        self.token = secrets.token_urlsafe(32)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TICKET")} | {
            "BOXOFFICE_DATA_DIR": str(data),
            "TICKETOR_BUFFER": str(buffer),
            "TICKETOR__SITES__MAIN__TOKEN_SHA256": hashlib.sha256(self.token.encode()).hexdigest(),
            "RECEIVER__PER_SECOND": "1000000",
            "RECEIVER__PER_DAY": "1TB",
        }
        code = f"{prelude}\nfrom boxoffice.cli import main\nmain(prog_name='boxoffice')"
        command = [sys.executable, "-c", code, "receive", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        found = re.search(r"http://127.0.0.1:(\d+)", self.process.stderr.readline())
        assert found
        self.port = int(found[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def megabytes(self) -> float:
        """What the process holds in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Sender(asyncio.Protocol):
    """Sends a delivery, waits for its 200, sends the next; all append to ``took`` what each one took, in seconds."""

    def __init__(self, request: bytes, took: list[float], is_enough: "Enough") -> None:
        self.request, self.took, self.is_enough = request, took, is_enough

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200"), data
        self.took.append(time.perf_counter() - self.at)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_enough.open -= 1

    def _send(self) -> None:
        if self.is_enough(len(self.took)):
            self.transport.close()
            return
        self.at = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]


class Enough:
    """After so many seconds, or so many deliveries."""

    def __init__(self, seconds: float, count: int) -> None:
        self.until, self.count, self.open = time.monotonic() + seconds, count, CONNECTIONS

    def __call__(self, sent: int) -> bool:
        return sent >= self.count or time.monotonic() > self.until


def send(receiver: Receiver, seconds: float = 600.0, count: int = 10**9) -> tuple[float, float]:
    """Deliveries acknowledged a second, and the 99th percentile of what one took, in milliseconds."""
    head = f"POST /ticketor/{receiver.token}/invoice HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n"
    took: list[float] = []
    is_enough = Enough(seconds, count)

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            await loop.create_connection(
                lambda: Sender(head.encode() + BODY, took, is_enough), "127.0.0.1", receiver.port
            )
        while is_enough.open:
            await asyncio.sleep(0.01)

    started = time.perf_counter()
    asyncio.run(all_of_them())
    return len(took) / (time.perf_counter() - started), sorted(took)[len(took) * 99 // 100] * 1000


@contextlib.contextmanager
def receiver(prelude: str = "") -> Iterator[Receiver]:
    with tempfile.TemporaryDirectory(prefix="receiver-bench-") as folder:
        started = Receiver(Path(folder) / "buffer", Path(folder) / "data", prelude)
        try:
            yield started
        finally:
            started.stop()


def row(what: str, figure: str, ratio: str = "", goal: str = "") -> None:
    print(f"| {what} | {figure} | {ratio} | {goal} |", flush=True)


def rates(seconds: float, turns: int) -> None:
    """Both contenders in turns; the ratio is the median of the turns' own."""
    answering, keeping = [], []
    with receiver(WITHOUT_WRITING) as floor, receiver() as ours:
        for one in (floor, ours):
            send(one, seconds=1)
        for _ in range(turns):
            answering.append(send(floor, seconds))
            keeping.append(send(ours, seconds))
    ratio = statistics.median(ours[0] / floor[0] for ours, floor in zip(keeping, answering, strict=True))
    for what, found, told, goal in (
        ("answering without writing", answering, "", ""),
        ("keeping", keeping, f"{ratio:.2f} of answering", "at least 0.4; 99 % within 25 ms"),
    ):
        rate, slow = (statistics.median(each) for each in zip(*found, strict=True))
        row(what, f"{rate:,.0f} a second, 99 % within {slow:.0f} ms", told, goal)


def memory(deliveries: int) -> None:
    with receiver() as ours:
        send(ours, count=deliveries // 10)
        before = ours.megabytes()
        send(ours, count=deliveries - deliveries // 10)
        row(
            f"memory after {deliveries // 10:,} and {deliveries:,} deliveries",
            f"{before:.0f} MB, {ours.megabytes():.0f} MB",
            f"{ours.megabytes() / before:.2f}",
            "about 1",
        )


def freshness(invoices: int, sales: int) -> None:
    """Sales one after the other, each when the last one has been published and the receiver has rested."""
    with tempfile.TemporaryDirectory(prefix="receiver-bench-") as folder:
        venue = Venue(Path(folder))
        venue.sell(invoices)
        venue.run("done")
        running = Receiver(venue.buffer, venue.data)
        every = [sys.executable, "-m", "boxoffice.cli", "run", "--every", "1h"]
        process = subprocess.Popen(
            every, cwd=ROOT, env=venue.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        rng, took = random.Random(2), []
        try:
            for number in range(sales + 1):
                time.sleep(30)
                order = invoices + number + 1
                body = json.dumps(invoice(order, rng)).encode()
                started = time.perf_counter()
                address = f"http://127.0.0.1:{running.port}/ticketor/{running.token}"
                urllib.request.urlopen(urllib.request.Request(address, body, method="POST")).close()
                while not published(venue.data, order):
                    time.sleep(0.05)
                took.append(time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait()
            running.stop()
    # the first one finds nothing imported and nothing parsed
    row(
        f"a sale, from webhook to published row, {invoices:,} invoices",
        f"{statistics.median(took[1:]):.1f} s; the first {took[0]:.1f} s",
    )


def published(data: Path, order: int) -> bool:
    with duckdb.connect(str(data / "boxoffice.duckdb"), read_only=True) as db:
        return bool(db.execute("select 1 from marts.fct_orders where order_id = ?", [str(order)]).fetchone())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--deliveries", type=int, default=200_000)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--sales", type=int, default=3)
    options = parser.parse_args()
    print("| what | measured | ratio | goal |\n|---|---|---|---|", flush=True)
    rates(options.seconds, options.turns)
    memory(options.deliveries)
    if options.sales:
        freshness(options.invoices, options.sales)


if __name__ == "__main__":
    main()
