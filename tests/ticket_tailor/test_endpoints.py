"""Lists and box offices: what is listed whole, may not be read, fails, or is refused; one does not harm another."""

import datetime as dt

import orjson
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.errors import KeyRefused
from boxoffice.ticket_tailor.intervals import union
from sandbox.ticket_tailor_api import Answer, TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import DAY, HOUR, asked_for, make_client, truth
from tests.ticket_tailor.scripted import Ledger, Reply, Scripted, order, page

MINUTE = 60
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = int(NOW.timestamp())


# whole lists


def test_what_is_no_longer_listed_is_marked_and_what_comes_back_is_not(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        product, event = min(truth(api, "products")), max(truth(api, "events"))
        api.hide(product)
        api.hide(event)
        api.now += HOUR
        quick.load(api)
        assert quick.missing("products") == {product} and quick.missing("events") == {event}
        rows = quick.query("select count(*), count(distinct id) from raw_ticket_tailor.products")
        assert rows == [(len(truth(api, "products")) + 1,) * 2], "marked in place, nothing removed"
        api.lists[api.key].hidden.clear()
        api.now += HOUR
        quick.load(api)
        assert quick.missing("products") == quick.missing("events") == set()
        assert quick.doubled("products") == []


def test_events_keep_the_latest_version_only(quick):
    with TicketTailorApi(Venue(seed=1, orders=300)) as api:
        quick.load(api)
        before = quick.newest("events")
        api.now += 10 * DAY
        quick.load(api)
        assert quick.newest("events") == truth(api, "events") != before
        assert quick.query("select count(*) - count(distinct id) from raw_ticket_tailor.events") == [(0,)]


def test_children_come_with_all_their_parents(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        for name, parents, child in (
            ("voucher_codes", "vouchers", "codes"),
            ("waitlist_signups", "event_series", "waitlist_signups"),
        ):
            expected = {}
            for parent in truth(api, parents):
                expected |= truth(api, f"{parents}/{parent}/{child}")
            assert quick.newest(name) == expected and expected


def test_a_list_that_may_not_be_read_is_told_once_and_stops_no_other(quick):
    with TicketTailorApi(Venue(seed=1), forbidden=("holds", "codes")) as api:
        first = quick.load(api)
        assert sorted(line.split(" is left out")[0] for line in first.plan.messages) == [
            "the list holds",
            "the list voucher_codes",
        ]
        assert set(quick.newest("orders")) == set(truth(api, "orders"))
        assert quick.load(api, now=api.now + 5 * MINUTE).plan.is_empty
        before = api.count()
        later = quick.load(api, now=api.now + HOUR)
        assert asked_for(api, before)["/v1/holds"] == 1 and later.plan.messages == []
        api.forbidden = ()
        quick.load(api, now=api.now + 2 * HOUR)
        assert set(quick.newest("holds")) == set(truth(api, "holds"))


JSON, HTML = Reply({"message": "No such resource"}, 404), Reply(b"<html>gone</html>", 404)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("orders", JSON),
        ("check_ins", HTML),
        *(
            pytest.param(name, answer, marks=pytest.mark.house)
            for name in ("orders", "events", "products", "check_ins", "vouchers")
            for answer in (JSON, HTML)
            if (name, answer) not in (("orders", JSON), ("check_ins", HTML))
        ),
    ],
)
def test_a_list_that_was_read_before_and_is_refused_fails_every_run_until_it_is_read(quick, name, answer):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        sound, path = api.answer, ENDPOINTS[name].path

        def answered(method, target, authorization):
            found, fault = sound(method, target, authorization)
            if target.partition("?")[0] == path:
                body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
                return Answer(answer.status, body, content_type="text/html"), None
            return found, fault

        api.answer = answered
        orders = len(quick.newest("orders"))
        api.now += HOUR
        for minutes in (0, 5, 10):
            before = api.count()
            with pytest.raises(Problem, match=rf"does not let the lists? {name}.* be read(.|\n)*base_url") as told:
                quick.load(api, now=api.now + minutes * MINUTE)
            assert not isinstance(told.value, KeyRefused) and "status 404" in str(told.value)
            assert asked_for(api, before)["/v1/issued_tickets"] >= 1, "the others go on"
        assert len(quick.newest("orders")) >= orders
        api.answer = sound
        api.now += 15 * MINUTE
        before = api.count()
        quick.load(api)
        assert asked_for(api, before)[path] >= 1
        assert quick.newest(name) == truth(api, name)
        quick.load(api, now=api.now + 5 * MINUTE)


def test_a_list_left_out_of_the_settings_is_asked_for_no_more(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        api.forbidden = ("products",)
        with pytest.raises(Problem, match=r"lists` in \[ticket_tailor\.box_offices\.main\]"):
            quick.load(api, now=api.now + HOUR)
        quick.load(api, BoxOffice("main", api.key, api.url, lists=("orders", "events")), now=api.now + HOUR)


def test_an_address_where_nothing_is_fails_from_the_first_run(quick):
    with Scripted(lambda _asked: Reply(b"<html>not here</html>", 404, content_type="text/html")) as server:
        server.now = SECOND
        for minutes in (0, 5):
            with pytest.raises(Problem, match=r"the lists (orders|events|issued_tickets), (.|\n)*Check base_url"):
                quick.load(server, now=SECOND + minutes * MINUTE)


def test_what_a_full_read_no_longer_lists_is_counted(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        for order in sorted(truth(api, "orders"))[:2]:
            api.hide(order)
        assert quick.load(api, full=True).plan.messages == [
            "no longer listed by Ticket Tailor, kept and marked missing_since: 2 orders"
        ]
        assert quick.load(api, full=True).plan.messages == []


def test_a_list_that_fails_stops_no_other_and_is_not_claimed(quick):
    with TicketTailorApi(Venue(seed=1, orders=150), repeat_for_ever=("event_series",)) as api:
        with pytest.raises(Problem, match="/v1/event_series does not continue"):
            quick.load(api)
        assert set(quick.newest("orders")) == set(truth(api, "orders"))
        covered = {name for (name,) in quick.query("select distinct list from raw_ticket_tailor.coverage")}
        assert covered == set(ENDPOINTS) - {"event_series", "waitlist_signups"}
        api.repeat_for_ever = ()
        before = api.count()
        quick.load(api, now=api.now + 5 * MINUTE)
        assert asked_for(api, before)["/v1/event_series"] >= 1 and asked_for(api, before)["/v1/products"] == 0


@pytest.mark.parametrize("reading", [{}, {"limit": 1000}])
def test_a_list_that_fails_while_looking_stops_no_other(quick, reading):
    """Nothing but what every run reads is due, and the first of it cannot be had: the rest still comes."""
    with Ledger(order(1, SECOND)) as ledger:
        quick.load(ledger)
        ledger.orders.append(order(2, SECOND + 10))
        ledger.events.append({"id": "ev_1", "created_at": SECOND})
        ledger.broken = "/v1/orders"
        with pytest.raises(Problem, match="did not answer GET /v1/orders"):
            quick.load(ledger, now=SECOND + MINUTE, **reading)
        assert set(quick.newest("events")) == {"ev_1"} and set(quick.newest("orders")) == {"or_1"}
        ledger.broken = None
        quick.load(ledger, now=SECOND + 2 * MINUTE)
        assert set(quick.newest("orders")) == {"or_1", "or_2"}


def test_a_key_that_is_refused_stops_the_box_office_at_once_and_no_other(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        with pytest.raises(KeyRefused, match="TICKET_TAILOR_API_KEY") as told:
            quick.load(api, BoxOffice("other", "sk_0_0_wrong", api.url))
        assert "sk_0_0_wrong" not in str(told.value)
        assert api.count() == 2
        quick.load(api)
        assert set(quick.newest("orders")) == set(truth(api, "orders"))


def test_a_key_that_is_taken_away_meanwhile_keeps_what_was_read(quick):
    with TicketTailorApi(Venue(seed=1, orders=150)) as api:
        client = make_client(api)
        sound = api.answer

        def answer(method, target, authorization):
            return sound(method, target, authorization if api.count() < 4 else None)

        api.answer = answer
        with pytest.raises(KeyRefused):
            quick.load(api, client=client)
        assert len(quick.newest("orders")) >= 100
        api.answer = sound
        quick.load(api)
        assert quick.newest("orders") == truth(api, "orders") and quick.doubled("orders") == []


def test_box_offices_do_not_mix(quick):
    venues = {"sk_1": Venue(seed=1), "sk_2": Venue(seed=2)}
    with TicketTailorApi(venues) as api:
        for name, key in (("one", "sk_1"), ("two", "sk_2")):
            quick.load(api, BoxOffice(name, key, api.url))
        for name, key in (("one", "sk_1"), ("two", "sk_2")):
            assert quick.newest("orders", name) == truth(api, "orders", key=key)


def test_only_the_lists_of_the_settings_are_read(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api, BoxOffice("main", api.key, api.url, lists=("events", "products")))
        assert set(asked_for(api)) == {"/v1/events", "/v1/products"}
        with pytest.raises(ConfigProblem, match="has no list tickets"):
            quick.load(api, BoxOffice("main", api.key, api.url, lists=("tickets",)))


# refused objects


def test_what_the_door_refuses_is_kept_once_and_the_rest_loads(quick):
    good, bad = b'{"id":"or_1","created_at":1700000000}', b'{"id":"or_2","total":1,"total":2}'
    body = b'{"data":[' + bad + b"," + good + b'],"links":{"next":null}}'
    with Scripted(lambda asked: Reply(body) if asked.path == "/v1/orders" else page()) as server:
        server.now = SECOND
        quick.load(server)
        assert set(quick.newest("orders")) == {"or_1"}
        kept = "select box_office, list, id, reason, raw from raw_ticket_tailor.refused"
        expected = [("main", "orders", "or_2", "repeated key with different values: total", bad)]
        assert quick.query(kept) == expected
        assert quick.load(server, now=SECOND + MINUTE).plan.is_empty
        quick.load(server, now=SECOND + HOUR)
        assert quick.query(kept) == expected


def test_nothing_is_said_to_be_missing_when_an_id_cannot_be_seen(quick):
    shown = [b'{"id":"pr_1"}', b'{"id":"pr_2"}']

    def answer(asked):
        return Reply(b'{"data":[' + b",".join(shown) + b"]}") if asked.path == "/v1/products" else page()

    with Scripted(answer) as server:
        server.now = SECOND
        quick.load(server)
        shown[1] = b'{"id":null}'
        quick.load(server, now=SECOND + HOUR)
        assert quick.missing("products") == set()
        shown.pop()
        quick.load(server, now=SECOND + 2 * HOUR)
        assert quick.missing("products") == {"pr_2"}


def test_spans_of_the_register_are_joined(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        rows = [(0, 50), (40, 90), (90, 95), (10, 20), (96, 99)]
        for number, (start, end) in enumerate(rows):
            quick.change(
                "insert into raw_ticket_tailor.coverage select ?, box_office, 'x', kind, ?, ?, read_at, _dlt_load_id "
                "from raw_ticket_tailor.coverage limit 1",
                f"x{number}",
                start,
                end,
            )
        from boxoffice.ticket_tailor import state

        ages = {"ever": (NOW - dt.timedelta(days=36500), NOW + dt.timedelta(days=36500))}
        found = state.reads(quick.settings.warehouse, "main", ages).spans["x", "ever"]
        assert found == union(rows) == [(0, 95), (96, 99)]
