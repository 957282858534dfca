"""What a person asks at the terminal."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from boxoffice.errors import ConfigProblem
from boxoffice.ticket_tailor import queries
from boxoffice.ticket_tailor.errors import KeyRefused, RequestRefused
from boxoffice.ticket_tailor.intervals import OPEN
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import make_client, truth
from tests.ticket_tailor.scripted import Reply, Scripted

VENUE = Venue(seed=3, orders=250, days=60)


@pytest.fixture(scope="module")
def api():
    with TicketTailorApi(VENUE) as started:
        yield started


def by_time(api) -> list[int]:
    return sorted((order["created_at"] for order in truth(api, "orders").values()), reverse=True)


def test_orders_are_listed_newest_first_up_to_the_limit(api):
    before = api.count()
    found = list(queries.list_orders(make_client(api), limit=30))
    assert [order["created_at"] for order in found] == by_time(api)[:30]
    assert found == [truth(api, "orders")[order["id"]] for order in found]
    assert api.count() == before + 1
    assert len(list(queries.list_orders(make_client(api), limit=130))) == 130
    assert len(list(queries.list_orders(make_client(api)))) == len(by_time(api))
    assert list(queries.list_orders(make_client(api), limit=0)) == []


@pytest.mark.parametrize(
    ("option", "keeps"),
    [
        ("created_at", lambda created, at: created == at),
        ("after", lambda created, at: created > at),
        ("on_or_after", lambda created, at: created >= at),
        ("before", lambda created, at: created < at),
        ("on_or_before", lambda created, at: created <= at),
    ],
)
def test_orders_created_then(api, option, keeps):
    at = by_time(api)[100]
    expected = [created for created in by_time(api) if keeps(created, at)]
    for written in (str(at), dt.datetime.fromtimestamp(at, dt.UTC).isoformat()):
        found = queries.list_orders(make_client(api), **{option: written})
        assert [order["created_at"] for order in found] == expected and expected


@pytest.mark.parametrize(
    ("option", "first_day", "last_day"),
    [
        ("created_at", 0, 0),
        ("after", 1, 99),
        ("on_or_after", 0, 99),
        ("before", -99, -1),
        ("on_or_before", -99, 0),
    ],
)
def test_a_date_is_its_whole_day_where_the_box_office_is(api, option, first_day, last_day):
    zone = ZoneInfo("Pacific/Auckland")
    day = dt.datetime.fromtimestamp(by_time(api)[100], zone).date()
    found = queries.list_orders(make_client(api), zone=zone, **{option: day.isoformat()})
    distances = {(dt.datetime.fromtimestamp(order["created_at"], zone).date() - day).days for order in found}
    expected = {(dt.datetime.fromtimestamp(created, zone).date() - day).days for created in by_time(api)}
    assert distances == {distance for distance in expected if first_day <= distance <= last_day} != set()


def test_moments_can_be_put_together(api):
    first, last = by_time(api)[150], by_time(api)[50]
    found = queries.list_orders(make_client(api), after=str(first), on_or_before=str(last), limit=500)
    assert [order["created_at"] for order in found] == [each for each in by_time(api) if first < each <= last]


def test_events_and_one_of_either(api):
    client = make_client(api)
    assert [event["id"] for event in queries.list_events(client, limit=5)] == list(truth(api, "events"))[:5]
    key = min(truth(api, "orders"))
    assert queries.get_order(client, key) == truth(api, "orders")[key]
    key = min(truth(api, "events"))
    assert queries.get_event(client, key) == truth(api, "events")[key]
    with pytest.raises(RequestRefused, match="404"):
        queries.get_order(client, "or_1")
    with pytest.raises(ConfigProblem, match="is not an id"):
        queries.get_event(client, "../box_office")


def test_what_cannot_be_read_is_said():
    body = b'{"data":[{"id":"or_1","a":1,"a":2},{"id":"or_2"}]}'
    heard = []
    with Scripted(lambda _asked: Reply(body)) as server:
        server.now = 0
        found = list(queries.list_orders(make_client(server, echo=heard.append)))
    assert found == [{"id": "or_2"}]
    assert heard == ["or_1 is left out: repeated key with different values: a"]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("1786645307", "UTC", (1786645307, 1786645308)),
        ("2026-08-13T18:21:47Z", "Asia/Tokyo", (1786645307, 1786645308)),
        ("2026-08-14T03:21:47", "Asia/Tokyo", (1786645307, 1786645308)),
        ("2026-08-13", "UTC", (1786579200, 1786665600)),
        ("2026-03-29", "Europe/London", (1774742400, 1774825200)),
    ],
)
def test_moments(text, zone, expected):
    assert queries.moment(text, ZoneInfo(zone)) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "1786645307000", "-5", ""])
def test_no_moments(text):
    with pytest.raises(ConfigProblem, match="is not a time"):
        queries.moment(text)


def test_spans():
    assert queries.span(None, None) is None
    assert queries.span("2026-08-13", None) == (1786579200, OPEN)
    assert queries.span(None, "2026-08-13") == (0, 1786579200)
    assert queries.span("2026-08-13", "2026-08-14") == (1786579200, 1786665600)
    with pytest.raises(ConfigProblem, match="There is nothing between"):
        queries.span("2026-08-14", "2026-08-14")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "ask",
    [
        lambda client: list(queries.list_orders(client)),
        lambda client: list(queries.list_events(client)),
        lambda client: queries.get_order(client, "or_1"),
        lambda client: queries.get_event(client, "ev_1"),
        lambda client: client.call("GET", "/v1/events"),
        lambda client: client.call("POST", "/v1/holds", body={"quantity": 1}),
    ],
)
def test_a_refused_key_is_told_with_advice(ask, status):
    refusing = Scripted(lambda _asked: Reply({"message": "no"}, status=status))
    with refusing as server, pytest.raises(KeyRefused, match="TICKET_TAILOR_API_KEY"):
        ask(make_client(server))


def test_a_refused_call_with_a_good_key_is_answered():
    """The key may not do this, but it is a key."""

    def answer(asked):
        return Reply({"message": "no"}, status=403) if asked.path == "/v1/holds" else {"ping": "pong"}

    with Scripted(answer) as server:
        assert make_client(server).call("POST", "/v1/holds").status == 403
