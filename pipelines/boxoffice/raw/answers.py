"""HTTP responses, limited in bytes and time whatever the server does. Used for both platforms' APIs.

A timeout of requests only limits silence: it restarts with every byte, and while headers arrive there is no response
yet that could be closed. So another thread shuts the socket itself down when the time is over.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError

from boxoffice.raw import gzip_stream

# Seconds that the answers to one request may take in all; 32 MB at half a megabit a second.
LONGEST = 600.0

_PIECE = 2**20  # in large pieces: with requests' own of 10 kB a page costs half a millisecond more
_GZIP, _PLAIN = ("gzip", "x-gzip"), ("", "identity")
_request = threading.local()  # .deadline of the request that this thread makes


class Endless(Exception):
    """A response that exceeds its limit of bytes or time."""


class Unreadable(requests.RequestException):
    """A response that violates HTTP, or has an encoding that was not requested."""


def session() -> requests.Session:
    """A session whose requests ``deadline`` can end. It takes gzip and no other encoding."""
    made = _Session()
    made.mount("https://", _Adapter())
    made.mount("http://", _Adapter())
    made.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "boxoffice"})
    return made


def read(response: requests.Response, most: int) -> bytes:
    """The body of a request that was made with ``stream``, inflated. Raises Endless for one of more than ``most``
    bytes, and what requests raises.

    urllib3 2.8 does not come to an end itself where a member of a gzip answer ends just where it stops to inflate.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    body = response.raw.stream(_PIECE, decode_content=False)
    inflating = gzip_stream.Inflating(body, most) if encoding in _GZIP else None
    if not inflating and encoding not in _PLAIN:
        raise Unreadable("an answer in an encoding that was not asked for")
    pieces, size = [], 0
    for piece in inflating.pieces() if inflating else body:
        size += len(piece)
        if size > most:
            break
        pieces.append(piece)
    if size > most or (inflating and inflating.condition == gzip_stream.UNFOLDS):
        response.close()
        raise Endless(f"an answer that does not end: it has more than {most >> 20} MB")
    if inflating and inflating.condition != gzip_stream.WHOLE:
        raise Unreadable(f"a gzip answer that is {inflating.condition}")
    return b"".join(pieces)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limits this thread's request in it, connection, headers and body, to so many seconds: raises Endless.

    Whatever the response, nothing else is raised but what requests raises.
    """
    with _Deadline(seconds) as limit:
        try:
            yield
        except Exception as error:
            if limit.passed:
                pass
            elif isinstance(error, HTTPError | ValueError) and not isinstance(error, requests.RequestException):
                if isinstance(error, ReadTimeoutError):
                    raise requests.Timeout from None
                raise Unreadable(f"an answer that cannot be read ({type(error).__name__})") from None
            else:
                raise
    if limit.passed:  # a body without a length seems whole when its connection is shut
        raise Endless("an answer that does not end: its time is over")


class _Deadline:
    """Holds a second descriptor of the socket: the first moves into TLS, and may be closed before the body ends."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._change = threading.Lock()
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        _request.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        _request.deadline = None
        self._timer.cancel()
        self.hold(None)

    def hold(self, used: socket.socket | None) -> None:
        """The socket that the request uses from now on."""
        with self._change:
            if self._socket:
                self._socket.close()
            self._socket = socket.socket(fileno=os.dup(used.fileno())) if used else None
            self._shut_socket()

    def _shut(self) -> None:
        with self._change:
            self.passed = True
            self._shut_socket()

    def _shut_socket(self) -> None:
        if self.passed and self._socket:
            with contextlib.suppress(OSError):  # the other side was faster
                self._socket.shutdown(socket.SHUT_RDWR)


class _Held:
    """A connection that registers its socket, new or reused, with the deadline of its request."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()  # type: ignore[misc]
        _hold(made)
        return made

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock:
            _hold(self.sock)
        super().request(*arguments, **options)  # type: ignore[misc]


def _hold(used: socket.socket) -> None:
    if limit := getattr(_request, "deadline", None):
        limit.hold(used)


class _HeldHttp(_Held, HTTPConnection):
    pass


class _HeldHttps(_Held, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HeldHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HeldHttps


class _Session(requests.Session):
    def resolve_redirects(self, *_: Any, **__: Any) -> Iterator[requests.Response]:
        """None: requests reads where a redirect leads even if it is not to follow it, and fails over what it says."""
        return iter(())


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager
