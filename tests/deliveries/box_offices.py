"""Ticket Tailor's API on loopback for many box offices: the envelope, pages and filters of the fact sheet."""

import base64
import http.server
import json
import re
import threading
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

Object = dict[str, Any]

_PATHS = {
    f"/v1/{name}": name
    for name in (
        *("orders", "events", "issued_tickets", "event_series", "check_ins", "products", "discounts", "vouchers"),
        *("holds", "membership_types", "issued_memberships"),
    )
}
_CHILDREN = {"codes": "voucher_codes", "waitlist_signups": "waitlist_signups"}
_CHILD_PATH = re.compile(r"/v1/(?:vouchers|event_series)/(\w+)/(codes|waitlist_signups)")
_FILTERED = {"orders": "created_at", "issued_tickets": "created_at", "check_ins": "check_in_at"}


class BoxOffices:
    """Serves ``lists`` by key: what each box office shows now."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, list[Object]]] = {}
        offices = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, answer = offices.answer(self.path, self.headers.get("Authorization") or "")
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Rate-Limit-Limit", "5000")
                self.send_header("X-Rate-Limit-Remaining", "4999")
                self.send_header("X-Rate-Limit-Reset", "1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def show(self, key: str, lists: dict[str, list[Object]]) -> None:
        """Newest first, as the platform says of its lists."""
        self.lists[key] = {
            name: sorted(objects, key=lambda each: (_unix(each, "created_at"), each["id"]), reverse=True)
            for name, objects in lists.items()
        }

    def answer(self, target: str, authorization: str) -> tuple[int, Any]:
        parts = urlsplit(target)
        given = base64.b64decode(authorization.removeprefix("Basic ") or b"").decode().partition(":")[0]
        if given not in self.lists:
            return 403, {"status": 403, "error_code": "FORBIDDEN", "message": "no such key", "errors": []}
        child = _CHILD_PATH.fullmatch(parts.path)
        if child:
            objects = [each for each in self.lists[given][_CHILDREN[child[2]]] if each.get("parent") == child[1]]
            name = _CHILDREN[child[2]]
        elif parts.path in _PATHS:
            name = _PATHS[parts.path]
            objects = self.lists[given][name]
        else:
            return 404, {"status": 404, "error_code": "NOT_FOUND", "message": "no such path", "errors": []}
        return self._page(name, parts.path, objects, dict(parse_qsl(parts.query)))

    def _page(self, name: str, path: str, objects: list[Object], params: dict[str, str]) -> tuple[int, Any]:
        if field := _FILTERED.get(name):
            for key, test in (
                (f"{field}.gte", lambda one, other: one >= other),
                (f"{field}.gt", lambda one, other: one > other),
                (f"{field}.lt", lambda one, other: one < other),
                (f"{field}.lte", lambda one, other: one <= other),
            ):
                if key in params:
                    objects = [each for each in objects if test(_unix(each, field), int(params[key]))]
        if after := params.get("starting_after"):
            ids = [each["id"] for each in objects]
            if after not in ids:
                return 404, {"status": 404, "error_code": "NOT_FOUND", "message": "no such object", "errors": []}
            objects = objects[ids.index(after) + 1 :]
        limit = min(int(params.get("limit", 100)), 100)
        page = objects[:limit]
        following = f"{path}?starting_after={page[-1]['id']}" if len(objects) > limit else None
        return 200, {"data": page, "links": {"next": following, "previous": None}}


def _unix(each: Object, field: str) -> int:
    """When an object was made, as the platform itself knows it, however it writes it."""
    value = each.get("known_at") or each.get(field)
    if isinstance(value, dict):
        value = value.get("unix")
    return int(value) if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()) else 0
