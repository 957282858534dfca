"""Orders rendered beforehand and served from memory: what is measured is the client, not the making up of orders.

    python -m benchmarks.tape --orders 100000

prints its address and serves until it is ended. Filters and cursors as in the sandbox, whose orders these are: each is
one of a few thousand, with an id and a time of its own.
"""

import argparse
import bisect
import http.server
import time
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.tailor_lists import Lists
from sandbox.venue import Venue

KEY = "sk_1_1_dGFwZQ"
FIRST = 70_000_000
MODELS = 2000
DAYS = 365
LIMIT = 1_000_000


class Tape:
    """``orders`` orders evenly over a year, newest first like the platform's."""

    def __init__(self, orders: int) -> None:
        venue = Venue(seed=1, orders=MODELS)
        lists, models, more = Lists(venue), [], True
        while more:
            cursor = {"starting_after": models[-1]["id"]} if models else {}
            page = lists.page("orders", {"limit": "100", **cursor}, venue.end)
            models += orjson.loads(orjson.dumps(page.data))
            more = page.more
        # "id" and "created_at" of the order itself stand before those of what is in it
        self.pieces = []
        for model in models:
            text = orjson.dumps({"id": "", "created_at": 0} | {key: model[key] for key in model if key != "object"})
            head, _, tail = text.partition(f'"id":"{model["id"]}","created_at":{model["created_at"]}'.encode())
            self.pieces.append((head, tail))
        self.created = [venue.end - DAYS * 86400 + index * DAYS * 86400 // orders for index in range(orders)]

    def page(self, params: dict[str, str]) -> bytes:
        """One page of /v1/orders: created_at.gte, created_at.lt, starting_after, limit."""
        low = bisect.bisect_left(self.created, int(params.get("created_at.gte", 0)))
        high = bisect.bisect_left(self.created, int(params.get("created_at.lt", 1 << 40)))
        if cursor := params.get("starting_after"):
            high = min(high, int(cursor.removeprefix("or_")) - FIRST)
        end = max(high - int(params.get("limit", 10)), low)
        rows = b",".join(self._order(index) for index in range(high - 1, end - 1, -1))
        after = b'"/v1/orders?starting_after=or_%d"' % (FIRST + end) if end > low else b"null"
        return b'{"data":[' + rows + b'],"links":{"next":' + after + b',"previous":null}}'

    def _order(self, index: int) -> bytes:
        head, tail = self.pieces[index % len(self.pieces)]
        return b'%s"id":"or_%d","created_at":%d%s' % (head, FIRST + index, self.created[index], tail)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    tape: Tape
    latency = 0.0
    asked = 0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.latency:
            time.sleep(self.latency)
        if parts.path == "/v1/orders":
            body = self.tape.page(dict(parse_qsl(parts.query)))
            Handler.asked += 1
        elif parts.path == "/asked":
            body = b"%d" % self.asked
        else:
            body = b'{"data":[],"links":{"next":null,"previous":null}}'
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        head += f"X-Rate-Limit-Limit: {LIMIT}\r\nX-Rate-Limit-Remaining: {LIMIT}\r\nX-Rate-Limit-Reset: 1800\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed but the address."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    Handler.tape, Handler.latency = Tape(options.orders), options.latency
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
