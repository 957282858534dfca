"""Ticket Tailor over HTTP: auth, pages, limits, retries. Knows no table and imports no dlt.

Facts of the platform (its API documentation, and what others measured on live accounts): HTTP Basic with the key as
user and no password; one key is one box office; lists answer ``{"data": [...], "links": {"next": ...}}``, 100 objects
a page at most, ``starting_after`` an id; an invalid key is answered 403; 429 comes with ``Retry-After``.
"""

import datetime as dt
import email.utils
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
import requests
from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from boxoffice import redaction
from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw import answers
from boxoffice.raw.answers import Endless
from boxoffice.raw.validation import Shape
from boxoffice.ticket_tailor.budget import Budget, budget_of
from boxoffice.ticket_tailor.errors import (
    Fault,
    Offline,
    RequestRefused,
    describe,
    is_nobody_there,
    key_refused,
    minutes,
    too_long,
)
from boxoffice.ticket_tailor.pages import ANYTHING, Document, Misread, NotAPage, read_page

PAGE_SIZE = 100
TIMEOUT, IMPATIENT = (10.0, 60.0), (3.0, 5.0)

# Bytes, inflated: a page has a third of a megabyte, and `call` may ask for more.
LARGEST_PAGE, LARGEST_CALL = 32 * 2**20, 64 * 2**20
MESSAGE_LENGTH = 200

# Seven tries: with a fault in every fifth answer one request in 80,000 fails for good.
RETRIES = Retry(total=6, backoff_factor=0.5, backoff_max=30, backoff_jitter=0.5)

ONE_TRY = Retry(total=0)

# Seconds after which no one answers, when nothing has answered yet: the machine is offline, or the address is wrong.
OFFLINE = 12.0

# Seconds. A longer wait is reported.
TOLD_WAIT = 3.0

# The platform's window is 30 minutes long. What it asks for beyond that is reported, not waited for.
LONGEST_WAIT = 1860.0

# Answers of 429 to one request: with the pause that each asks for, the longest waits have half as many.
MOST_PAUSES = 200

# Which of the ids read last a list is asked to go on after, when it does not go on after the last one.
STEPS_BACK = (1, 2, 5, 15, 50, 100)

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """One page of a list: the documents that can be read, and the objects that cannot."""

    documents: list[Document]
    misread: list[Misread]
    has_more: bool
    fetched_at: dt.datetime

    @property
    def count(self) -> int:
        return len(self.documents) + len(self.misread)

    @property
    def ids(self) -> list[str]:
        return [document.id for document in self.documents] + [other.id for other in self.misread if other.id]


@dataclass(frozen=True)
class Answer:
    """The platform's answer to any call: ``body`` is parsed when it is JSON, text otherwise."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Client:
    """One box office's API. Safe to use from several threads.

    ``clock`` gives the time an answer came (UTC), ``sleep`` waits seconds; ``echo`` is called for every wait longer
    than a few seconds. A client that is not ``patient`` tries each request once, for seconds. The key is in no
    exception, repr or log.
    """

    base_url: str
    api_key: str = field(repr=False)
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    sleep: Callable[[float], Any] = time.sleep
    echo: Callable[[str], None] = lambda _line: None
    patient: bool = True
    budget: Budget | None = None
    asked: int = field(default=0, init=False)
    answered: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/").removesuffix("/v1")
        parts = urlsplit(self.base_url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise ConfigProblem(
                "Ticket Tailor's base_url should look like https://api.tickettailor.com (http only on this machine, "
                "since the key goes with every request). Nothing was sent."
            )
        self.budget = self.budget or budget_of(self.base_url, self.api_key)
        self._sessions = threading.local()
        self._count = threading.Lock()

    # lists

    def page(self, path: str, params: Mapping[str, Any] | None = None, shape: Shape = ANYTHING) -> Page:
        """One page of a list; ``shape`` says what its objects must be like to be read.

        Raises RequestRefused, KeyRefused, or Problem when it could not be had whole after all tries.
        """
        query = {"limit": PAGE_SIZE, **(params or {})}

        def read(response: requests.Response, content: bytes) -> Page:
            if "json" not in response.headers.get("Content-Type", "json").lower():
                raise Fault("an answer that is not JSON")
            try:
                documents, misread, has_more = read_page(content, int(query["limit"]), shape)
            except NotAPage as no_page:
                raise Fault(str(no_page)) from None
            return Page(documents, misread, has_more, self.clock())

        return self._ask("GET", path, read, params=query)

    def pages(self, path: str, params: Mapping[str, Any] | None = None, shape: Shape = ANYTHING) -> Iterator[Page]:
        """A list from its beginning to its end, with the same filters on every page.

        ``links.next`` is only trusted to say that there is more. Where the cursor's object is gone (the platform
        refuses it, or answers nothing although there was more) or a page brings nothing new, the read goes on from an
        earlier id. Raises Problem, rather than return a truncated list, if none of that reaches the end.
        """
        seen: set[str] = set()
        trail: list[str] = []
        cursor: str | None = None
        stuck, ended = 0, False
        while True:
            page = self._page_after(cursor, path, params or {}, shape)
            if page and (cursor is None or set(page.ids) - seen):
                yield page
                if not page.has_more:
                    return
                if not page.ids:
                    raise Problem(f"A page of {path} has no id to go on from. What was read before it is kept.")
                seen.update(page.ids)
                trail = (trail + ([document.id for document in page.documents] or page.ids))[-2 * PAGE_SIZE :]
                cursor, stuck, ended = trail[-1], 0, False
                continue
            if page and page.count:
                # nothing new: the end, if the list says so or an earlier id has led up to where nothing followed
                if not page.has_more or (ended and page.ids[-1:] == trail[-1:]):
                    return
            elif page:
                ended = True
            stuck += 1
            if stuck > len(STEPS_BACK):
                if ended:
                    return
                raise Problem(
                    f"{path} does not continue after {len(seen)} objects but repeats them. What was "
                    "read is kept; the next run reads the rest."
                )
            cursor = trail[-min(STEPS_BACK[stuck - 1], len(trail))]

    def _page_after(self, cursor: str | None, path: str, params: Mapping[str, Any], shape: Shape) -> Page | None:
        """The page after this id; None where the platform does not know the id any more."""
        try:
            return self.page(path, {**params, **({"starting_after": cursor} if cursor else {})}, shape)
        except RequestRefused as refused:
            if cursor and refused.status in (400, 404, 410, 422):
                return None
            raise

    # any call

    def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: str | bytes | Mapping[str, Any] | None = None,
    ) -> Answer:
        """Any call of the API, with the key added. Returns the answer whatever its status; raises KeyRefused if the key
        is refused.

        ``path`` is relative to the API (``/v1/events``). Only GET and HEAD are tried again after a fault: a write may
        have been done before its answer was lost. A mapping as ``body`` is sent as a form, as the API's writes want it.
        """
        method = method.upper()
        path = path.removeprefix(self.base_url)
        if urlsplit(path).netloc or "://" in path:
            raise ConfigProblem("The path is relative to the API, such as /v1/events: the key is sent nowhere else.")

        def read(response: requests.Response, content: bytes) -> Answer:
            try:
                parsed = json.loads(content) if content else None
                json.dumps(parsed, indent=2)  # what is nested too deeply for that is shown as it came
            except (ValueError, RecursionError):
                parsed = content.decode("utf-8", "replace")
            return Answer(response.status_code, dict(response.headers), parsed)

        answer = self._ask(
            method, path, read, params=query, headers=headers, data=body, any_status=True, most=LARGEST_CALL
        )
        if answer.status == 401:
            raise key_refused(401)
        self.check_key(answer.status)
        return answer

    def get(self, path: str) -> Any:
        """One object, parsed. Raises RequestRefused (404: there is none)."""

        def read(_response: requests.Response, content: bytes) -> Any:
            try:
                return orjson.loads(content)
            except ValueError:
                raise Fault("an answer that is not JSON") from None

        return self._ask("GET", path, read)

    def check_key(self, status: int) -> None:
        """Raises KeyRefused when an answer of this status is the key's fault: a wrong one is answered 403 everywhere,
        and one that has read something in this run is right."""
        if self.answered or status != 403:
            return
        try:
            self.get("/v1/ping")
        except RequestRefused as again:
            if again.status == 403:
                raise key_refused(403) from None

    # one request

    def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[requests.Response, bytes], T],
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        any_status: bool = False,
        most: int = LARGEST_PAGE,
    ) -> T:
        """The answer, read by ``read``; faults tried again, pauses waited out. Of ``most`` bytes, and all tries
        together of ``answers.LONGEST`` seconds."""
        retry, began = RETRIES if self.patient else ONE_TRY, self.clock()
        waited, pauses, spent = 0.0, 0, 0.0
        url = f"{self.base_url}/{path.lstrip('/')}"
        while True:
            self._take()
            asked_at = time.monotonic()
            try:
                with answers.deadline(answers.LONGEST - spent):
                    response = self._session().request(
                        method,
                        url,
                        params=params,
                        headers=headers,
                        data=data,
                        timeout=TIMEOUT if self.patient else IMPATIENT,
                        allow_redirects=False,
                        stream=True,
                    )
                    content = answers.read(response, most)
                with self._count:
                    self.asked += 1
                self.budget.learn(response.headers, self.clock().timestamp())
                if response.status_code == 429:
                    # not a failed try: everything with this key waits as long as the platform says; when it
                    # does not say, longer each time
                    wait = self._asked_wait(response) or min(2.0**pauses, 60.0)
                    waited, pauses = waited + wait, pauses + 1
                    spent += time.monotonic() - asked_at
                    if waited > 2 * LONGEST_WAIT or not self.patient:
                        raise too_long(waited)
                    if pauses > MOST_PAUSES:
                        raise Problem(
                            f"Ticket Tailor asked {pauses} times to wait before {method} {path}. What was read before "
                            "is kept; the next run goes on from there."
                        )
                    self.budget.pause(wait)
                    continue
                if not any_status:
                    self._judge(response, content, path)
                elif response.status_code >= 500 and method in ("GET", "HEAD"):
                    raise Fault(f"status {response.status_code}")
                answer = read(response, content)
                with self._count:
                    self.answered += response.status_code < 400
                return answer
            except (requests.RequestException, Fault, Endless) as fault:
                spent += time.monotonic() - asked_at
                if method not in ("GET", "HEAD"):
                    raise Problem(
                        f"{method} {path} failed: {describe(fault)}. It may have taken effect all the same."
                    ) from None
                offline = not self.asked and is_nobody_there(fault)
                if offline and (not self.patient or (self.clock() - began).total_seconds() >= OFFLINE):
                    raise Offline(
                        f"Ticket Tailor could not be reached at {self.base_url}: {describe(fault)}. Is this machine "
                        "online? Nothing was changed; the next run tries again."
                    ) from None
                try:
                    if spent >= answers.LONGEST:
                        raise Problem(
                            f"Ticket Tailor did not end its answer to {method} {path} in {minutes(spent)}. What was "
                            "read before is kept; the next run goes on from there."
                        ) from None
                    retry = retry.increment(method, url, error=fault)
                except MaxRetryError:
                    raise Problem(
                        f"Ticket Tailor did not answer {method} {path} in {RETRIES.total + 1} tries "
                        f"(last: {describe(fault)}). What was read before is kept; the next run goes on from there."
                        if self.patient
                        else f"Ticket Tailor did not answer {method} {path}: {describe(fault)}. Try again in a while."
                    ) from None
                self._wait(
                    max(retry.get_backoff_time(), getattr(fault, "wait", 0.0)), f"Ticket Tailor: {describe(fault)}"
                )

    def _take(self) -> None:
        while wait := self.budget.take():
            self._wait(wait, "Ticket Tailor's request limit is used up")

    def _wait(self, seconds: float, why: str) -> None:
        if seconds > TOLD_WAIT and self.budget.is_first_to_wait(seconds):
            self.echo(f"{why}, waiting {minutes(seconds)}")
        self.sleep(seconds)

    def _session(self) -> requests.Session:
        """One per thread: requests does not promise that a session can be shared."""
        session = getattr(self._sessions, "session", None)
        if session is None:
            session = answers.session()
            session.auth = (self.api_key, "")
            self._sessions.session = session
        return session

    def _judge(self, response: requests.Response, content: bytes, path: str) -> None:
        """Raises what a status other than 200 means."""
        status = response.status_code
        if status == 200:
            return
        if status >= 500 or status == 408:
            raise Fault(f"status {status}", self._asked_wait(response))
        if 300 <= status < 400:
            host = self._shown(_host(response.headers.get("Location", "")) or "the same host")
            raise Fault(f"a redirect to {host}, which is not followed because the key would go with it")
        if status == 401:
            raise key_refused(status)
        if 200 <= status < 300:
            raise Fault(f"status {status}")
        raise RequestRefused(status, f"Ticket Tailor refuses {path} with status {status}{self._message(content)}.")

    def _message(self, content: bytes) -> str:
        """What the platform says itself, when it says it in the documented way."""
        try:
            body = orjson.loads(content)
            said = body.get("message") or body.get("error_code") if isinstance(body, dict) else None
        except ValueError:
            said = None
        return f": {self._shown(said)}" if isinstance(said, str) else ""

    def _shown(self, said: str) -> str:
        """A text of the platform's in a message of ours: first what would hide the key in it goes, then the key, then
        what is too long."""
        # of more than this nothing is shown, wherever in it the key is
        printable = "".join(filter(str.isprintable, said[: 20 * MESSAGE_LENGTH]))
        return redaction.without(printable, (self.api_key,))[:MESSAGE_LENGTH]

    def _asked_wait(self, response: requests.Response) -> float:
        """Seconds that the platform asks to wait, 0 when it does not. Unit and form of Retry-After are not documented:
        seconds or a date. Raises Problem for more than a run waits."""
        asked = response.headers.get("Retry-After", "").strip()
        try:
            wait = float(asked)
        except ValueError:
            try:
                wait = email.utils.parsedate_to_datetime(asked).timestamp() - self.clock().timestamp()
            except (ValueError, OverflowError):
                return 0.0
        if not 0 < wait < float("inf"):
            return 0.0
        if wait > LONGEST_WAIT:
            raise too_long(wait)
        return wait


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
