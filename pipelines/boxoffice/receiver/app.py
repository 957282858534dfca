"""Answers requests: an ASGI application.

The token is checked before anything else. Without a valid one a request gets the same 404 whatever is wrong with it,
touches no disk and is not logged; with one, every POST is kept or its refusal is counted.
"""

import asyncio
import base64
import binascii
import contextlib
import datetime as dt
import hashlib
import itertools
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import orjson

from boxoffice.receiver.accounts import Account, digest
from boxoffice.receiver.buffer import Delivery
from boxoffice.receiver.writer import Writer
from boxoffice.settings import Receiver
from boxoffice.ticket_tailor.signature import signed_at

# Seconds for a whole body.
BODY_SECONDS = 20.0
# Bodies larger than this are received and kept a few at a time, so that memory stays bounded.
LARGE, LARGE_AT_ONCE = 256 * 2**10, 4
# Bodies up to this size are kept even where the disk is low.
SMALL = 64 * 2**10
# A burst may be so many seconds' worth of deliveries.
BURST = 10
AHEAD = dt.timedelta(minutes=5)  # two clocks never agree exactly
LONGEST_HEADER = 200  # characters kept of one

_PATH = re.compile(r"/(ticketor|ticket-tailor|health)(?:/([A-Za-z0-9_-]{43}))?(?:/([a-z-]{0,40}))?")
_NO_DELIVERY = ("GET", "HEAD", "OPTIONS")  # from a browser that opens the address

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Answer(NamedTuple):
    """A status and a body; ``headers`` beside those that every answer has."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refused(Exception):
    """A delivery with a valid token that is not kept: the status, why, and how many bytes of it came."""

    def __init__(self, status: int, reason: str, size: int = 0) -> None:
        super().__init__(status, reason, size)


NOT_FOUND = Answer(404)
NOT_ALLOWED = Answer(405, headers=((b"allow", b"POST"),))
CLOSE = ((b"connection", b"close"),)
LATER = (*CLOSE, (b"retry-after", b"60"))


class App:
    """Answers requests for the accounts, by the SHA-256 of their tokens."""

    def __init__(self, accounts: dict[str, Account], writer: Writer, limits: Receiver) -> None:
        self.accounts, self.writer, self.limits = accounts, writer, limits
        self._sequence = itertools.count(1)
        self._rates = {account: _Rate(limits) for account in accounts.values()}
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except Exception:
            self.writer.echo(traceback.format_exc())
            answer = Answer(500, headers=CLOSE)
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> Answer:
        path = _PATH.fullmatch(scope["path"])
        if path is None:
            return NOT_FOUND
        platform, token, hint = path.groups()
        headers = _Headers(scope["headers"])
        token = token or _password(headers.one(b"authorization"))
        account = self.accounts.get(digest(token)) if token else None
        if platform == "health":
            return self._health(account) if hint is None and (account or not token) else NOT_FOUND
        if account is None or account.platform != platform.replace("-", "_"):
            return NOT_FOUND
        method = scope["method"]
        if method in _NO_DELIVERY:
            return NOT_ALLOWED
        try:
            if method != "POST":
                raise Refused(405, "the method is not POST")
            async with contextlib.AsyncExitStack() as held:
                await self._take(account, hint or None, headers, receive, held)
        except Refused as refused:
            status, reason, size = refused.args
            self.writer.refuse(account, status, reason, size)
            return Answer(status, headers=LATER if status in (429, 503) else CLOSE)
        return Answer(200)

    async def _take(
        self,
        account: Account,
        hint: str | None,
        headers: "_Headers",
        receive: Receive,
        held: contextlib.AsyncExitStack,
    ) -> None:
        """Keeps the delivery; a large one's place is ``held`` until then. Raises Refused."""
        if (headers.one(b"content-encoding") or "identity").lower() != "identity":
            raise Refused(415, "the body is encoded (Content-Encoding); only a plain one is taken")
        length = headers.one(b"content-length") or ""
        announced = int(length) if length.isdecimal() else 0
        if announced > self.limits.largest_body:
            raise Refused(413, f"the body is larger than {self.limits.largest_body:,} bytes", announced)
        rate = self._rates[account]
        if not rate.allows_one():
            raise Refused(429, f"more than {self.limits.per_second} deliveries a second", announced)
        body = await self._body(receive, held)
        now = dt.datetime.now(dt.UTC)
        if not rate.allows_bytes(len(body), now.date()):
            raise Refused(429, f"more than {self.limits.per_day:,} bytes in a day", len(body))
        signature = None
        if account.platform == "ticket_tailor":
            signature = headers.one(b"tickettailor-webhook-signature") or ""
            _verify(account, signature, body, now)
        if len(body) > SMALL and self._is_low(account):
            raise Refused(503, f"the disk is nearly full; only bodies up to {SMALL:,} bytes are kept", len(body))
        content_type = headers.one(b"content-type")
        delivery = Delivery(
            now,
            next(self._sequence),
            hint,
            content_type[:LONGEST_HEADER] if content_type is not None else None,
            body,
            hashlib.sha256(body).hexdigest(),
            signature,
        )
        if not await self.writer.keep(account, delivery):
            raise Refused(503, "it could not be written to the disk", len(body))

    async def _body(self, receive: Receive, held: contextlib.AsyncExitStack) -> bytes:
        """The whole body. Raises Refused for one that is too large, too slow, or breaks off."""
        pieces: list[bytes] = []
        size, is_large = 0, False
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the sender broke off before the end of the body", size)
                    piece = message.get("body", b"")
                    size += len(piece)
                    if size > self.limits.largest_body:
                        raise Refused(413, f"the body is larger than {self.limits.largest_body:,} bytes", size)
                    if size > LARGE and not is_large:
                        await held.enter_async_context(self._large)
                        is_large = True
                    pieces.append(piece)
                    if not message.get("more_body"):
                        return b"".join(pieces)
        except TimeoutError:
            raise Refused(408, f"the body did not come within {BODY_SECONDS:.0f} s", size) from None

    def _is_low(self, account: Account) -> bool:
        try:
            return self.writer.buffers[account].is_low()
        except OSError:
            return True

    def _health(self, account: Account | None) -> Answer:
        """Whether deliveries can be kept. Details need a token: behind a proxy of the same
        machine every sender has its loopback address."""
        status = 200 if self.writer.is_well else 503
        if account is None:
            return Answer(status)
        committed_at = self.writer.committed_at.get(account)
        try:
            free = self.writer.buffers[account].free()
        except OSError:
            free = None
        known = {
            "account": str(account),
            "last_commit_at": f"{committed_at:%Y-%m-%dT%H:%M:%SZ}" if committed_at else None,
            "failed_commits_in_a_row": self.writer.failures[account],
            "free_bytes": free,
        }
        return Answer(status, orjson.dumps(known), ((b"content-type", b"application/json"),))


class _Headers:
    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._headers = headers

    def one(self, name: bytes) -> str | None:
        """A header's text; of several with the name all, as HTTP joins them."""
        found = [value.decode("latin-1") for key, value in self._headers if key == name]
        return ", ".join(found) if found else None


class _Rate:
    """How much of its limits one account has used: deliveries as a bucket that fills up again, bytes by UTC day."""

    def __init__(self, limits: Receiver) -> None:
        self._per_second, self._per_day = limits.per_second, limits.per_day
        self._left, self._at = float(limits.per_second * BURST), time.monotonic()
        self._day, self._bytes = dt.date.min, 0

    def allows_one(self) -> bool:
        now = time.monotonic()
        self._left = min(self._per_second * BURST, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def allows_bytes(self, size: int, day: dt.date) -> bool:
        if day != self._day:
            self._day, self._bytes = day, 0
        if self._bytes + size > self._per_day:
            return False
        self._bytes += size
        return True


def _verify(account: Account, signature: str, body: bytes, now: dt.datetime) -> None:
    """Raises Refused for a body that Ticket Tailor has not signed, or whose time of signing is not acceptable."""
    at = signed_at(signature, body, account.secrets)
    if at is None:
        raise Refused(401, "its signature is missing or not by any webhook_secret of the settings", len(body))
    if at - now > AHEAD:
        raise Refused(401, "it was signed in the future", len(body))
    if account.max_age and now - at > account.max_age:
        raise Refused(401, "it was signed longer ago than webhook_max_age", len(body))


def _password(authorization: str | None) -> str:
    """The password of Basic authentication: where an address is `https://any:TOKEN@host/ticketor`."""
    kind, _, coded = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
