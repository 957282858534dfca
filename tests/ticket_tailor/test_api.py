"""The client against real HTTP on loopback: pages, faults, limits, and where the key goes."""

import base64
import email.utils
import re
import subprocess
import traceback

import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.ticket_tailor import api as clients
from boxoffice.ticket_tailor.api import Client
from boxoffice.ticket_tailor.budget import Budget, budget_of
from boxoffice.ticket_tailor.errors import KeyRefused, Offline, RequestRefused
from sandbox.faults import KINDS, Faults
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import Clock, make_client, truth
from tests.ticket_tailor.scripted import KEY, Reply, Scripted, page

VENUE = Venue(seed=3, orders=250)


def ids_of(client: Client, path: str, params: dict | None = None) -> list[str]:
    return [document.id for one in client.pages(path, params) for document in one.documents]


def scripted_client(server: Scripted, clock: Clock | None = None, **options) -> Client:
    clock = clock or Clock(1_700_000_000)
    budget = options.pop("budget", None) or Budget(clock.monotonic)
    return Client(server.url, KEY, clock=clock, sleep=clock.sleep, budget=budget, **options)


# pages


def test_every_page_carries_our_filters_and_the_cursor():
    with TicketTailorApi(VENUE) as api:
        start = VENUE.end - 60 * 86400
        found = ids_of(make_client(api), "/v1/orders", {"created_at.gte": start})
        expected = {key for key, order in truth(api, "orders").items() if order["created_at"] >= start}
        assert len(found) == len(set(found)) and set(found) == expected
        assert [request.params.get("limit") for request in api.requests] == ["100"] * len(api.requests)
        assert {request.params["created_at.gte"] for request in api.requests} == {str(start)}
        assert [request.params.get("starting_after") for request in api.requests] == [
            None,
            *found[99:-1:100],
        ]


def test_pages_that_repeat_rows_lose_none():
    with TicketTailorApi(VENUE, overlap=7) as api:
        assert set(ids_of(make_client(api), "/v1/orders")) == set(truth(api, "orders"))


@pytest.mark.parametrize("unknown_cursor", ["404", "empty"])
@pytest.mark.parametrize("gone", [1, 2, 40])
def test_a_cursor_that_was_deleted_meanwhile_loses_nothing(unknown_cursor, gone):
    """``gone`` orders, the cursor's own and the ones above it, vanish between the first page and the second."""
    with TicketTailorApi(VENUE, unknown_cursor=unknown_cursor) as api:
        found: list[str] = []
        for number, one in enumerate(make_client(api).pages("/v1/orders")):
            found += one.ids
            if number == 0:
                for key in found[-gone:]:
                    api.hide(key)
        assert set(found) >= set(truth(api, "orders"))


def test_an_end_that_was_announced_as_more_is_believed_when_nothing_follows():
    def answer(asked):
        if asked.params.get("starting_after") == "a2":
            return page()
        return (
            page({"id": "a2"}, after="a2")
            if "starting_after" in asked.params
            else page({"id": "a1"}, {"id": "a2"}, after="a2")
        )

    with Scripted(answer) as server:
        assert ids_of(scripted_client(server), "/v1/orders") == ["a1", "a2"]


def test_a_page_that_repeats_for_ever_is_an_error_and_not_an_end():
    with TicketTailorApi(VENUE, repeat_for_ever=("orders",)) as api:
        with pytest.raises(Problem, match="does not continue after 100 objects"):
            ids_of(make_client(api), "/v1/orders")
        assert api.count() < 12


def test_a_page_without_an_id_to_go_on_from_is_an_error():
    with Scripted(lambda _asked: page({"name": "no id"}, after="x")) as server:
        pages = scripted_client(server).pages("/v1/orders")
        assert next(pages).misread[0].reason == "id is missing: id"
        with pytest.raises(Problem, match="no id to go on from"):
            next(pages)


# faults


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_waited_out(kind, monkeypatch):
    monkeypatch.setattr(clients, "TIMEOUT", (5.0, 0.2))
    faults = Faults(rate=1, kinds=(kind,), in_a_row=2, hang_seconds=0.5)
    with TicketTailorApi(VENUE, faults=faults) as api:
        client = make_client(api)
        assert set(ids_of(client, "/v1/orders")) == set(truth(api, "orders"))
        assert api.count() == 3 * 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=500), "status 500"),
        (Reply(status=503, headers={"Retry-After": "3"}), "status 503"),
        (Reply(b"<html></html>", content_type="text/html"), "not JSON"),
        (Reply(page(), content_type="text/plain"), "not JSON"),
        (Reply(b'{"data": [{"id": "a'), "no whole JSON"),
        (Reply({"data": None}), 'no {"data": [...]}'),
        (Reply([]), 'no {"data": [...]}'),
        (Reply(status=204), "status 204"),
        (
            Reply(status=302, headers={"Location": "https://elsewhere.example/v1/orders"}),
            "redirect to elsewhere.example",
        ),
    ],
)
def test_a_fault_that_stays_is_told_without_the_key(reply, said):
    with Scripted(lambda _asked: reply) as server:
        with pytest.raises(Problem) as told:
            scripted_client(server).page("/v1/orders")
        assert said in str(told.value)
        shown = "".join(traceback.format_exception(told.value))
        assert KEY not in shown and base64.b64encode(f"{KEY}:".encode()).decode() not in shown
        assert server.count() == 7


@pytest.mark.parametrize(
    ("address", "why"),
    [(None, "nothing answers there"), ("https://api.tickettailor.invalid", "its name could not be looked up")],
)
def test_where_nothing_ever_answered_it_is_soon_given_up_and_waits_are_told(address, why):
    with Scripted(lambda _asked: page()) as server:
        url = address or server.url
    clock, heard = Clock(0), []
    client = Client(url, KEY, clock=clock, sleep=clock.sleep, budget=Budget(clock.monotonic), echo=heard.append)
    with pytest.raises(Offline, match=re.escape(why)):
        client.page("/v1/orders")
    assert 12 <= clock.now <= 20
    assert heard and all(why in line and "seconds" in line for line in heard)


def test_a_server_that_is_gone_after_it_had_answered_is_waited_for():
    with Scripted(lambda _asked: Reply(page(), headers={"Connection": "close"})) as server:
        clock = Clock(0)
        client = Client(server.url, KEY, clock=clock, sleep=clock.sleep, budget=Budget(clock.monotonic))
        client.page("/v1/orders")
    with pytest.raises(Problem, match="in 7 tries"):
        client.page("/v1/orders")


# limits


@pytest.mark.parametrize(
    ("retry_after", "waits"),
    [("1500", 1500), ("1860", 1860), (email.utils.formatdate(1_700_000_090, usegmt=True), 90), ("0", 1), ("soon", 1)],
)
def test_a_pause_is_waited_out_as_long_as_the_platform_says(retry_after, waits):
    def answer(asked):
        return Reply(status=429, headers={"Retry-After": retry_after}) if asked.number == 1 else page({"id": "a"})

    clock = Clock(1_700_000_000)
    with Scripted(answer) as server:
        assert scripted_client(server, clock).page("/v1/orders").ids == ["a"]
    assert sum(clock.slept) == pytest.approx(waits)


@pytest.mark.parametrize("retry_after", ["7200", "1800"])
def test_a_pause_that_is_too_long_or_never_ends_is_told(retry_after):
    with Scripted(lambda _asked: Reply(status=429, headers={"Retry-After": retry_after})) as server:
        with pytest.raises(Problem, match="longer than a run waits"):
            scripted_client(server).page("/v1/orders")
        assert server.count() <= 3


def test_an_overloaded_platform_is_left_alone_as_long_as_it_asks():
    clock = Clock(0)
    busy = Reply(status=503, headers={"Retry-After": "40"})
    with Scripted(lambda asked: busy if asked.number <= 2 else page()) as server:
        scripted_client(server, clock).page("/v1/orders")
    assert clock.slept == [40, 40]


def test_a_pause_holds_for_everybody_with_the_key():
    clock = Clock(0)
    budget = Budget(clock.monotonic)
    budget.pause(60)
    with Scripted(lambda _asked: page()) as server:
        scripted_client(server, clock, budget=budget).page("/v1/orders")
    assert clock.slept == [60]


def test_the_budget_of_the_headers_is_kept():
    """Of 100 requests in 30 minutes two are left to others; the rest of 300 wait for the next windows."""
    clock, used = Clock(0), []

    def answer(_asked):
        window = clock.now // 1800
        used.append(window)
        left = 100 - used.count(window)
        headers = {"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": str(left)}
        return Reply(page(), headers=headers | {"X-Rate-Limit-Reset": str(1800 - clock.now % 1800)})

    heard = []
    with Scripted(answer) as server:
        one, other = (
            scripted_client(server, clock, budget=budget, echo=heard.append) for budget in [Budget(clock.monotonic)] * 2
        )
        for _ in range(150):
            one.page("/v1/orders")
            other.page("/v1/events")
    assert max(used.count(window) for window in set(used)) == 98
    assert clock.now < 4 * 1800
    assert "waiting 30 minutes" in heard[0]


def test_one_key_has_one_budget():
    assert budget_of("https://a.example", "k1") is budget_of("https://a.example", "k1")
    assert budget_of("https://a.example", "k1") is not budget_of("https://a.example", "k2")
    assert Client("https://a.example/v1/", "k1").budget is Client("https://a.example", "k1").budget


# the key


def test_the_key_is_sent_as_the_platform_wants_it():
    with Scripted(lambda _asked: page()) as server:
        scripted_client(server).page("/v1/orders")
    (asked,) = server.asked
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()


def test_the_key_is_in_no_repr():
    assert KEY not in repr(Client("https://api.tickettailor.com", KEY))


def test_a_redirect_carries_the_key_nowhere():
    with Scripted(lambda _asked: page()) as elsewhere:
        away = Reply(status=307, headers={"Location": elsewhere.url.replace("127.0.0.1", "localhost") + "/v1/orders"})
        with Scripted(lambda _asked: away) as server, pytest.raises(Problem, match="redirect"):
            scripted_client(server).page("/v1/orders")
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url",
    ["http://api.tickettailor.com", "ftp://127.0.0.1", "api.tickettailor.com", "https://user@api.tickettailor.com"],
)
def test_the_key_is_not_sent_in_the_open(url):
    with pytest.raises(ConfigProblem, match="base_url"):
        Client(url, KEY)


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path):
    import ssl

    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem"
    made = subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost"], cwd=tmp_path, capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs openssl to make a certificate")
    with Scripted(lambda _asked: page()) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        clock = Clock(0)
        client = Client(url, KEY, clock=clock, sleep=clock.sleep, budget=Budget(clock.monotonic))
        with pytest.raises(Problem, match="certificate could not be verified"):
            client.page("/v1/orders")
        assert server.asked == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_asked_for_once(status):
    error = KeyRefused if status == 401 else RequestRefused
    with Scripted(lambda _asked: Reply({"message": f"bad key {KEY}"}, status=status)) as server:
        with pytest.raises(error) as told:
            scripted_client(server).page("/v1/orders")
        assert server.count() == 1
        assert KEY not in str(told.value)


# any call


def test_any_call():
    def answer(asked):
        return Reply({"method": asked.method, "body": asked.body.decode(), "query": asked.params}, status=201)

    with Scripted(answer) as server:
        client = scripted_client(server)
        told = client.call("post", "/v1/holds", {"X-Mine": "1"}, {"a": "b"}, {"quantity": 2})
        assert (told.status, told.body) == (201, {"method": "POST", "body": "quantity=2", "query": {"a": "b"}})
        assert server.asked[0].headers["X-Mine"] == "1"
        assert client.call("GET", server.url + "/v1/events").status == 201
        with pytest.raises(ConfigProblem, match="relative to the API"):
            client.call("GET", "https://elsewhere.example/v1/events")
        assert server.count() == 2


def test_a_write_is_not_tried_again():
    with Scripted(lambda _asked: Reply(b"oops", status=500)) as server:
        answer = scripted_client(server).call("POST", "/v1/holds")
        assert (answer.status, answer.body) == (500, "oops")
        assert server.count() == 1


def test_a_refusal_is_an_answer_to_any_call():
    with Scripted(lambda _asked: Reply({"error_code": "NOT_FOUND"}, status=404)) as server:
        answer = scripted_client(server).call("GET", "/v1/nothing")
        assert (answer.status, answer.body) == (404, {"error_code": "NOT_FOUND"})
