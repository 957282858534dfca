"""A server on loopback that answers every request as one that means harm, or is broken, might."""

import contextlib
import gzip
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECE = b" " * 2**20
SIZE = 5 * 2**10  # pieces: 5 GB
PAUSE = 0.05  # seconds: far below any timeout of silence


def bomb() -> bytes:
    """A gigabyte of blanks, as gzip: a megabyte."""
    return gzip.compress(PIECE, 9) * 2**10


def chunked(pieces: Iterable[bytes]) -> Iterable[bytes]:
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)


def slowly(text: bytes) -> Iterable[bytes]:
    for byte in itertools.chain(text, itertools.repeat(ord(" "))):
        time.sleep(PAUSE)
        yield bytes((byte,))


# Each gives what is sent, headers included, after the request has come in.
ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "a body of 5 GB": lambda: [OK + b"\r\n", *itertools.repeat(PIECE, SIZE)],
    "5 GB in chunks": lambda: itertools.chain(
        [OK + b"Transfer-Encoding: chunked\r\n\r\n"], chunked(itertools.repeat(PIECE, SIZE))
    ),
    "a gzip bomb": lambda: [OK + b"Content-Encoding: gzip\r\n\r\n", bomb()],
    "a gzip bomb in chunks": lambda: [
        OK + b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n",
        *chunked([bomb()]),
    ],
    "a gzip bomb in a gzip bomb": lambda: [OK + b"Content-Encoding: gzip, gzip\r\n\r\n", gzip.compress(bomb())],
    "a body byte by byte": lambda: slowly_after(OK + b'\r\n{"data":['),
    "a body byte by byte of a known length": lambda: slowly_after(OK + b"Content-Length: 100000\r\n\r\n"),
    "headers byte by byte": lambda: slowly(b"HTTP/1.1 200 OK\r\nX: "),
    "headers that do not end": lambda: slowly_after(OK + b"X: "),
    "answers that announce another": lambda: itertools.chain.from_iterable(
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"") for _ in iter(lambda: time.sleep(PAUSE), 1)
    ),
}
TOO_LONG = [name for name in ANSWERS if "GB" in name or "bomb" in name]
TOO_SLOW = [name for name in ANSWERS if name not in TOO_LONG]


def slowly_after(start: bytes) -> Iterable[bytes]:
    return itertools.chain([start], slowly(b""))


class Misbehaving:
    """Answers as ``ANSWERS`` has it. ``context`` makes it one over TLS."""

    def __init__(self, answer: str, context: ssl.SSLContext | None = None) -> None:
        self.answer, self.context = ANSWERS[answer], context
        self.asked = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' * bool(context)}://127.0.0.1:{self._server.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self._server.accept()[0],), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_sockets:
            line = open_sockets.enter_context(connection)
            if self.context:
                line = open_sockets.enter_context(self.context.wrap_socket(connection, server_side=True))
            line.recv(2**16)
            self.asked += 1
            for piece in self.answer():
                line.sendall(piece)

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
