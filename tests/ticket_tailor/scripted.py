"""A server that answers what a test says: for answers that no sound API would give."""

import http.server
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import orjson

KEY = "sk_9_9_c2NyaXB0ZWQ"


class Asked(NamedTuple):
    """A request as it came in. ``number`` counts from 1."""

    number: int
    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer; ``body`` is sent as it is when it is bytes, otherwise as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


def page(*objects: Any, after: str | None = None) -> dict[str, Any]:
    return {"data": list(objects), "links": {"next": after and f"/v1/x?starting_after={after}", "previous": None}}


class Scripted:
    """Answers every request with ``answer(asked)``; ``asked`` keeps what came in."""

    key = KEY
    now = 1_767_225_600

    def __init__(self, answer: Callable[[Asked], Reply | Any]) -> None:
        self.asked: list[Asked] = []
        script = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                asked = Asked(
                    len(script.asked) + 1,
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    dict(self.headers),
                    body,
                )
                script.asked.append(asked)
                reply = answer(asked)
                reply = reply if isinstance(reply, Reply) else Reply(reply)
                sent = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
                self.send_response(reply.status)
                for name, value in {
                    "Content-Type": reply.content_type,
                    "Content-Length": str(len(sent)),
                    **reply.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, path: str | None = None) -> int:
        return sum(path is None or one.path == path for one in self.asked)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


OPEN = 1 << 40


def order(number: int | str, created_at: int, **more: Any) -> dict[str, Any]:
    return {"id": f"or_{number}", "created_at": created_at, **more}


class Ledger(Scripted):
    """Orders and events that a test changes as it goes; the list at the path ``broken`` answers ``refusal``, all other
    lists are empty.

    Listed newest first, or as they stand when they are not ``sorted``.
    """

    def __init__(self, *orders: dict[str, Any], now: int = 1_767_225_600, sorted: bool = True) -> None:
        self.orders, self.now, self.sorted = list(orders), now, sorted
        self.events: list[dict[str, Any]] = []
        self.broken: str | None = None
        self.refusal = Reply(status=500)
        super().__init__(self._answer)

    def _answer(self, asked: Asked) -> Reply | dict[str, Any]:
        if asked.path == self.broken:
            return self.refusal
        if asked.path == "/v1/events":
            return page(*self.events)
        return self._listed(asked.params) if asked.path == "/v1/orders" else page()

    def _listed(self, params: dict[str, str]) -> dict[str, Any]:
        first, last = int(params.get("created_at.gte", 0)), int(params.get("created_at.lt", OPEN))
        found = [each for each in self.orders if first <= each["created_at"] < last]
        if self.sorted:
            found.sort(key=lambda each: (-each["created_at"], each["id"]))
        ids = [each["id"] for each in found]
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        shown = found[start : start + int(params["limit"])]
        return page(*shown, after=shown[-1]["id"] if shown and shown[-1] is not found[-1] else None)
