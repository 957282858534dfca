"""Ticket Tailor's API on loopback, over real HTTP: the rules of the real one, the orders of a made-up venue.

    with TicketTailorApi(Venue(seed=1)) as api:
        requests.get(api.url + "/v1/orders", auth=(api.key, ""))

Where the platform's behaviour is not documented the choice is: ``limit`` is 10 unless asked for; ``links.next`` carries
the cursor and nothing else; a cursor that names nothing is a 404; an unknown filter is ignored; ``X-Rate-Limit-Reset``
and ``Retry-After`` are seconds from now.
"""

import base64
import binascii
import math
import re
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.faults import Faults
from sandbox.tailor_lists import BadRequest, Lists, Page, UnknownCursor
from sandbox.venue import Venue

DEFAULT_KEY = "sk_1_1_c2FuZGJveA"
BUDGET, WINDOW_SECONDS = 5000, 1800
LISTS = (
    "orders",
    "events",
    "event_series",
    "issued_tickets",
    "check_ins",
    "products",
    "discounts",
    "vouchers",
    "holds",
    "membership_types",
    "issued_memberships",
)
CHILD_LISTS = ("vouchers/{id}/codes", "event_series/{id}/waitlist_signups", "event_series/{id}/events")


class Request(NamedTuple):
    """One request as it was answered. ``at`` is wall-clock time (unix seconds), ``fault`` what was made to go wrong."""

    method: str
    path: str
    params: dict[str, str]
    status: int
    key: str
    at: float
    fault: str | None


class Answer(NamedTuple):
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class TicketTailorApi:
    """The server; start it with ``with``, or ``start()`` and ``stop()``.

    Args:
        venues: one venue, reached with ``key``, or several by key (several box offices).
        now: the moment the venue is shown at (unix seconds; default: the first venue's ``end``); set ``api.now`` to
            move on.
        tick: seconds that pass in the venue with every request: it lives on while it is being read.
        budget, window_seconds: requests a key has in a window; beyond, 429 with Retry-After.
        retry_after: answer this many seconds instead of what is left of the window.
        latency: seconds before each answer.
        faults: what goes wrong, how often.
        forbidden: lists that this key may not read (403).
        repeat_for_ever: lists whose every page is the first one again, with a ``links.next``.
        overlap: rows of the page before that each page repeats.
        cache_bytes: keep so many bytes of answers while ``now`` does not move: what is asked again then costs next to
            nothing, as from a server far faster than this one.
        unknown_cursor: "404", or "empty" for an empty last page.
    """

    def __init__(
        self,
        venues: Venue | Mapping[str, Venue],
        *,
        key: str = DEFAULT_KEY,
        now: int | None = None,
        tick: int = 0,
        port: int = 0,
        budget: int = BUDGET,
        window_seconds: float = WINDOW_SECONDS,
        retry_after: int | None = None,
        latency: float = 0.0,
        faults: Faults | None = None,
        forbidden: tuple[str, ...] = (),
        repeat_for_ever: tuple[str, ...] = (),
        overlap: int = 0,
        unknown_cursor: str = "404",
        cache_bytes: int = 0,
    ) -> None:
        by_key = {key: venues} if isinstance(venues, Venue) else dict(venues)
        self.key = next(iter(by_key))
        self.lists = {one: Lists(venue) for one, venue in by_key.items()}
        self.now = now if now is not None else next(iter(by_key.values())).end
        self.tick = tick
        self.budget, self.window_seconds, self.retry_after = budget, window_seconds, retry_after
        self.latency, self.faults = latency, faults
        self.forbidden, self.repeat_for_ever, self.overlap = forbidden, repeat_for_ever, overlap
        self.unknown_cursor = unknown_cursor
        self._cache: dict[tuple[str, str, int], Answer] = {}
        self._cache_left = cache_bytes
        self.requests: deque[Request] = deque(maxlen=200_000)
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}
        self._asked = 0
        self._faults_in_a_row: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.api = self
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def count(self, path: str | None = None) -> int:
        """How many requests came in, for one path (``/v1/orders``) or for all."""
        return sum(path is None or one.path == path for one in list(self.requests))

    def hide(self, wanted: str, *, key: str | None = None) -> None:
        """Lets an object vanish, as if it had been deleted."""
        self.lists[key or self.key].hidden.add(wanted)
        self._cache.clear()

    # --- answering ---

    def answer(self, method: str, target: str, authorization: str | None) -> tuple[Answer, str | None]:
        """The answer to one request, and the fault to inject into it."""
        parts = urlsplit(target)
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            self._asked += 1
            self.now += self.tick
            number, now = self._asked, self.now
        fault = self._fault(number, parts.path)
        key, refusal = self._authorise(authorization)
        answer = refusal or self._spend(key)
        if answer is None and fault == "429":
            answer = _error(429, "TOO_MANY_REQUESTS", "Slow down", (("Retry-After", str(self.faults.retry_after)),))
        if answer is None and fault in ("500", "502", "503", "504"):
            answer = Answer(int(fault), b"<html><body>upstream trouble</body></html>", "text/html")
        if answer is None and method != "GET":
            answer = _error(405, "METHOD_NOT_ALLOWED", "The sandbox can only be read")
        if answer is None:
            answer = self._cached(key, target, parts.path, params, now)
        if fault == "not_data":
            answer = answer._replace(status=200, body=b'{"message":"please try again"}')
        elif fault == "half_json":
            answer = answer._replace(body=answer.body[: max(1, len(answer.body) // 2)])
        elif fault == "html":
            answer = Answer(200, b"<!doctype html><title>Maintenance</title>", "text/html")
        elif fault == "wrong_type":
            answer = answer._replace(content_type="text/html")
        self.requests.append(Request(method, parts.path, params, answer.status, key or "", time.time(), fault))
        return answer._replace(headers=answer.headers + self._rate_headers(key)), fault

    def _fault(self, number: int, path: str) -> str | None:
        if self.faults is None:
            return None
        fault = self.faults.draw(number)
        with self._lock:
            if fault and self._faults_in_a_row[path] >= self.faults.in_a_row:
                fault = None
            self._faults_in_a_row[path] = self._faults_in_a_row[path] + 1 if fault else 0
        return fault

    def _authorise(self, header: str | None) -> tuple[str | None, Answer | None]:
        """The key of the request: Basic, the key as user, with or without the colon."""
        try:
            scheme, _, encoded = (header or "").partition(" ")
            if scheme.lower() != "basic":
                raise ValueError
            key = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
        except (ValueError, binascii.Error, UnicodeDecodeError):
            return None, _error(401, "UNAUTHORIZED", "Send your API key as the user of HTTP Basic")
        if key not in self.lists:
            return None, _error(403, "FORBIDDEN", "This API key is not valid")
        return key, None

    def _spend(self, key: str) -> Answer | None:
        with self._lock:
            began, used = self._window(key)
            if used >= self.budget:
                wait = self.retry_after
                if wait is None:
                    wait = max(1, math.ceil(began + self.window_seconds - time.monotonic()))
                return _error(429, "TOO_MANY_REQUESTS", "Rate limit exceeded", (("Retry-After", str(wait)),))
            self._windows[key] = (began, used + 1)
        return None

    def _window(self, key: str) -> tuple[float, int]:
        began, used = self._windows.get(key, (time.monotonic(), 0))
        if time.monotonic() - began >= self.window_seconds:
            began, used = time.monotonic(), 0
        return began, used

    def _rate_headers(self, key: str | None) -> tuple[tuple[str, str], ...]:
        if key is None:
            return ()
        began, used = self._window(key)
        left = max(0, math.ceil(began + self.window_seconds - time.monotonic()))
        return (
            ("X-Rate-Limit-Limit", str(self.budget)),
            ("X-Rate-Limit-Remaining", str(max(0, self.budget - used))),
            ("X-Rate-Limit-Reset", str(left)),
        )

    def _cached(self, key: str, target: str, path: str, params: dict[str, str], now: int) -> Answer:
        answer = self._cache.get((key, target, now))
        if answer is None:
            answer = self._read(self.lists[key], path, params, now)
            if answer.status == 200 and len(answer.body) <= self._cache_left:
                self._cache_left -= len(answer.body)
                self._cache[key, target, now] = answer
        return answer

    def _read(self, lists: Lists, path: str, params: dict[str, str], now: int) -> Answer:
        match = re.fullmatch(r"/v1/(\w+)(?:/(\w+))?(?:/(\w+))?/?", path)
        if not match:
            return _error(404, "NOT_FOUND", "No such resource")
        name, wanted, child = match.groups()
        if name == "ping" and not wanted:
            return Answer(200, b'{"status":"ok"}')
        name_of_list = f"{name}/{wanted}/{child}" if child else name
        if name not in LISTS or (child and f"{name}/{{id}}/{child}" not in CHILD_LISTS):
            return _error(404, "NOT_FOUND", "No such resource")
        if name in self.forbidden or (child or "") in self.forbidden:
            return _error(403, "FORBIDDEN", "This account may not read this")
        try:
            if wanted and not child:
                found = lists.get(name, wanted, now)
                return _error(404, "NOT_FOUND", "No such object") if found is None else Answer(200, orjson.dumps(found))
            return self._list(lists, name_of_list, path, params, now)
        except BadRequest as error:
            return _error(400, "VALIDATION_ERROR", str(error))
        except UnknownCursor as error:
            if self.unknown_cursor == "empty":
                return Answer(200, b'{"data":[],"links":{"next":null,"previous":null}}')
            return _error(404, "NOT_FOUND", f"No such object: {error}")
        except KeyError:
            return _error(404, "NOT_FOUND", "No such resource")

    def _list(self, lists: Lists, name: str, path: str, params: dict[str, str], now: int) -> Answer:
        if name in self.repeat_for_ever:
            params = _without_cursor(params)
        page = lists.page(name, params, now)
        if self.overlap and params.get("starting_after") and page.ids:
            above = lists.page(name, {**_without_cursor(params), "ending_before": page.ids[0]}, now)
            repeated = slice(-self.overlap, None)
            page = Page(above.data[repeated] + page.data, above.ids[repeated] + page.ids, page.more, page.before)
        more = page.more or name in self.repeat_for_ever
        after = f"{path}?starting_after={page.ids[-1]}" if more and page.ids else None
        before = f"{path}?ending_before={page.ids[0]}" if page.before and page.ids else None
        return Answer(200, orjson.dumps({"data": page.data, "links": {"next": after, "previous": before}}))


def _without_cursor(params: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key not in ("starting_after", "ending_before")}


def _error(status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body = {"status": status, "error_code": code, "message": message, "errors": []}
    return Answer(status, orjson.dumps(body), headers=headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    api: TicketTailorApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def shutdown_request(self, request: Any) -> None:
        """Without the farewell of an orderly close where the connection is to be reset."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _AT_ONCE:
            self.close_request(request)
        else:
            super().shutdown_request(request)


_AT_ONCE = struct.pack("ii", 1, 0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded, not printed."""

    def _any(self) -> None:
        api = self.server.api
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        answer, fault = api.answer(self.command, self.path, self.headers.get("Authorization"))
        if api.latency:
            time.sleep(api.latency)
        if fault == "hang":
            api.closing.wait(api.faults.hang_seconds)
        if fault in ("hang", "reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.close_connection = True
            return
        head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", f"Date: {self.date_time_string()}"]
        head += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
        head += [f"{name}: {value}" for name, value in answer.headers]
        body = answer.body
        if fault == "cut":
            body = body[: len(body) // 2]
            head.append("Connection: close")
            self.close_connection = True
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any
