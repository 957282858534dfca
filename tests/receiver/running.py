"""`boxoffice receive` as a process of its own, and senders that remember what was acknowledged."""

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from boxoffice.settings import ROOT

SECRET = "5ecr3t-of-the-webhook"


class Running:
    """A receiver of one site and one box office, started by ``with``.

    ``prelude`` is Python that its process runs first, to shorten a wait or break something; ``settings`` are variables
    beside those that it needs.
    """

    def __init__(self, folder: Path, prelude: str = "", **settings: str) -> None:
        self.site, self.office = folder / "arena", folder / "studio"
        self.token, self.office_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.prelude = prelude
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "BOXOFFICE_DATA_DIR": str(folder / "data"),
            "TICKETOR__SITES__ARENA__BUFFER": str(self.site),
            "TICKETOR__SITES__ARENA__TOKEN_SHA256": hashlib.sha256(self.token.encode()).hexdigest(),
            "TICKET_TAILOR__BOX_OFFICES__STUDIO__BUFFER": str(self.office),
            "TICKET_TAILOR__BOX_OFFICES__STUDIO__TOKEN_SHA256": hashlib.sha256(self.office_token.encode()).hexdigest(),
            "TICKET_TAILOR__BOX_OFFICES__STUDIO__WEBHOOK_SECRET": f"an-older-one,{SECRET}",
            "RECEIVER__PER_SECOND": "100000",
            **settings,
        }
        self.log: list[str] = []

    @property
    def command(self) -> list[str]:
        code = f"{self.prelude}\nfrom boxoffice.cli import main\nmain(prog_name='boxoffice')"
        return [sys.executable, "-c", code, "receive", "--listen", "127.0.0.1:0"]

    def start(self, command: list[str] | None = None, **more: object) -> Self:
        self.process = subprocess.Popen(
            command or self.command, cwd=ROOT, env=self.environment, stderr=subprocess.PIPE, text=True, **more
        )
        assert self.process.stderr
        line = self.process.stderr.readline()
        found = re.search(r"http://127.0.0.1:(\d+)", line)
        assert found, line + self.process.stderr.read()
        self.port = int(found[1])
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self._reader.start()
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join()
        return code

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """The answer to one request, read whole."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.content = answer.read()  # type: ignore[attr-defined]
            return answer

    def post(self, body: bytes, hint: str = "", **headers: str) -> int:
        """The status of a webhook of the site."""
        path = f"/ticketor/{self.token}" + (f"/{hint}" if hint else "")
        return self.ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()}).status

    def talk(self, data: bytes, seconds: float = 10) -> tuple[bytes, float]:
        """What comes back until the receiver closes the connection, and after how long; raises TimeoutError."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(seconds)
            started, answer = time.monotonic(), b""
            connection.sendall(data)
            while piece := connection.recv(2**16):
                answer += piece
            return answer, time.monotonic() - started

    def kept(self, buffer: Path | None = None) -> list[dict[str, object]]:
        """The envelopes in a buffer, the site's by default."""
        files = sorted((buffer or self.site).glob("2*/[!.]*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def refusals(self, buffer: Path | None = None) -> list[tuple[int, int]]:
        """Status and count of what was refused."""
        file = (buffer or self.site) / ".refused-deliveries.jsonl"
        lines = map(json.loads, file.read_text().splitlines() if file.exists() else [])
        return [(line["status"], line["deliveries"]) for line in lines]


def eventually(what: object, seconds: float = 5) -> bool:
    """Whether a function becomes true in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if what():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


class Senders:
    """Many connections that send one webhook after the other until the receiver is gone; ``acknowledged`` are the
    numbers (Id) of those that it said it has kept."""

    def __init__(self, running: Running, connections: int = 32, first: int = 1) -> None:
        self.running, self.connections = running, connections
        self.next, self.acknowledged, self.refused = first, set[int](), 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    async def _all(self) -> None:
        await asyncio.gather(*(self._one() for _ in range(self.connections)))

    async def _one(self) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.running.port)
            while True:
                number, self.next = self.next, self.next + 1
                body = b'{"Id":%d,"SignupDate":"2026-11-03T22:11:58.995Z","Email":"a@b.example"}' % number
                writer.write(
                    b"POST /ticketor/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                    % (self.running.token.encode(), len(body), body)
                )
                answer = await reader.readuntil(b"\r\n\r\n")
                if answer.startswith(b"HTTP/1.1 200"):
                    self.acknowledged.add(number)
                else:
                    self.refused += 1
                    return


def numbers(envelopes: Iterable[dict[str, object]]) -> list[int]:
    """The Ids in envelopes."""
    return [json.loads(str(one["body"]))["Id"] for one in envelopes]
