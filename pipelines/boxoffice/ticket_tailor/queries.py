"""What the commands orders and events ask of Ticket Tailor: all of them, or one. Parsed JSON, straight from the API.

Any other call is ``Client.call``.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

import orjson

from boxoffice.errors import ConfigProblem
from boxoffice.ticket_tailor.api import PAGE_SIZE, Client
from boxoffice.ticket_tailor.errors import RequestRefused
from boxoffice.ticket_tailor.intervals import OPEN, Interval


def list_orders(
    client: Client,
    *,
    created_at: str | None = None,
    after: str | None = None,
    on_or_after: str | None = None,
    before: str | None = None,
    on_or_before: str | None = None,
    limit: int | None = None,
    zone: dt.tzinfo = dt.UTC,
) -> Iterator[dict[str, Any]]:
    """Orders, newest first, at most ``limit``. The moments are as ``moment`` reads them: a date is a whole day.

    Raises ConfigProblem for a moment that is none, Problem when the platform cannot be read.
    """
    starts = [moment(text, zone)[0] for text in (created_at, on_or_after) if text]
    starts += [moment(after, zone)[1]] if after else []
    ends = [moment(text, zone)[1] for text in (created_at, on_or_before) if text]
    ends += [moment(before, zone)[0]] if before else []
    filters = {}
    if starts:
        filters["created_at.gte"] = max(starts)
    if ends:
        filters["created_at.lt"] = min(ends)
    return _listed(client, "/v1/orders", filters, limit)


def list_events(client: Client, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Events in the order in which the platform lists them, at most ``limit``."""
    return _listed(client, "/v1/events", {}, limit)


def get_order(client: Client, order_id: str) -> dict[str, Any]:
    """One order. Raises RequestRefused when there is none, KeyRefused."""
    with _key_checked(client):
        return client.get(f"/v1/orders/{_id(order_id)}")


def get_event(client: Client, event_id: str) -> dict[str, Any]:
    """One event. Raises RequestRefused when there is none, KeyRefused."""
    with _key_checked(client):
        return client.get(f"/v1/events/{_id(event_id)}")


@contextlib.contextmanager
def _key_checked(client: Client) -> Iterator[None]:
    """Says when a refusal is for the key."""
    try:
        yield
    except RequestRefused as refused:
        client.check_key(refused.status)
        raise


def moment(text: str, zone: dt.tzinfo = dt.UTC) -> Interval:
    """The seconds [first, last + 1) that are meant: a date is its whole day in ``zone``, anything finer a second.

    Unix seconds, or ISO 8601 (without an offset: in ``zone``). Raises ConfigProblem for anything else.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        second = int(text)
        if second > 99_999_999_999:
            raise ConfigProblem(f"{text} is not a time: unix time in seconds has 10 digits.")
        return second, second + 1
    try:
        if len(text) == 10:
            day = dt.date.fromisoformat(text)
            midnights = (dt.datetime.combine(each, dt.time(), zone) for each in (day, day + dt.timedelta(days=1)))
            first, last = (int(midnight.timestamp()) for midnight in midnights)
            return first, last
        point = dt.datetime.fromisoformat(text)
        second = int((point if point.tzinfo else point.replace(tzinfo=zone)).timestamp())
    except (ValueError, OverflowError):
        raise ConfigProblem(
            f"{text!r} is not a time. Give a date (2026-08-14), a time (2026-08-14T19:30, with Z or an offset if it is "
            "not local) or unix seconds."
        ) from None
    return second, second + 1


def span(since: str | None, until: str | None, zone: dt.tzinfo = dt.UTC) -> Interval | None:
    """The span of a load: created on or after ``since`` and before ``until``; None when neither is given.

    Raises ConfigProblem when it is no moment, or nothing lies between them.
    """
    if not since and not until:
        return None
    start, end = moment(since, zone)[0] if since else 0, moment(until, zone)[0] if until else OPEN
    if start >= end:
        raise ConfigProblem(f"There is nothing between {since} and {until}: --until is the first moment left out.")
    return start, end


def _listed(client: Client, path: str, filters: dict[str, int], limit: int | None) -> Iterator[dict[str, Any]]:
    left = limit if limit is not None else OPEN
    if left < 1:
        return
    with _key_checked(client):
        for page in client.pages(path, {**filters, "limit": min(left, PAGE_SIZE)}):
            for other in page.misread:
                client.echo(f"{other.id or 'an object without an id'} is left out: {other.reason}")
            for document in page.documents[:left]:
                yield orjson.loads(document.text)
            left -= len(page.documents)
            if left <= 0:
                return


def _id(text: str) -> str:
    if not text or not text.replace("_", "").isalnum() or not text.isascii():
        raise ConfigProblem(f"{text!r} is not an id: ids look like or_81117157 or ev_8865698.")
    return text
