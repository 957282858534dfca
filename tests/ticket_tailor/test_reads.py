"""What is read and when: a run with nothing new costs little, refunds are seen when promised, no claim is empty."""

import collections
import datetime as dt

import pytest

from pipelines.errors import ConfigProblem, Problem
from pipelines.register import TicketTailorReads
from pipelines.sandbox.ticket_tailor_api import TicketTailorApi
from pipelines.sandbox.venue import Venue
from pipelines.settings import BoxOffice
from pipelines.ticket_tailor.faults import KeyRefused
from pipelines.ticket_tailor.lists import LISTS
from pipelines.ticket_tailor.reads import due
from pipelines.ticket_tailor.spans import OPEN, union
from tests.ticket_tailor.loads import DAY, HOUR, make_client, truth
from tests.ticket_tailor.scripted import Ledger, Reply, Scripted, order, page

MINUTE = 60
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = int(NOW.timestamp())


def asked_for(api, since: int = 0) -> collections.Counter:
    return collections.Counter(request.path for request in list(api.requests)[since:])


# what a run costs


def test_a_run_with_nothing_new_asks_for_one_page_a_list(quick):
    with TicketTailorApi(Venue(seed=1, orders=300, days=200)) as api:
        quick.load(api)
        before = api.count()
        assert quick.load(api, now=api.now + 5 * MINUTE).plan.is_empty
        events = -(-len(truth(api, "events")) // 100)
        assert events > 1
        assert asked_for(api, before) == {"/v1/orders": 1, "/v1/issued_tickets": 1, "/v1/events": events}


def test_what_the_look_has_read_is_not_read_again(quick):
    with TicketTailorApi(Venue(seed=1, orders=2000, late=False)) as api:
        quick.load(api)
        api.now += HOUR // 2
        before = api.count()
        outcome = quick.load(api)
        assert outcome.rows["orders"] >= 1
        asked = asked_for(api, before)
        assert (asked["/v1/orders"], asked["/v1/issued_tickets"]) == (1, 1)
        assert quick.newest("orders") == truth(api, "orders")


def test_the_other_lists_are_read_once_an_hour(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        times = []
        for _ in range(0, 3 * HOUR, 15 * MINUTE):
            before = api.count()
            quick.load(api)
            times.append(asked_for(api, before)["/v1/products"])
            api.now += 15 * MINUTE
        assert times == [1, 0, 0, 0] * 3


def test_a_week_is_read_again_once_an_hour_however_often_it_runs(quick):
    """A new order comes before every run: what that moves must not let pieces of the week fall due one by one."""
    with Ledger(*(order(number, SECOND - number * 600) for number in range(1500))) as ledger:
        quick.load(ledger)
        kinds = []
        for number in range(1, 25):
            now = SECOND + number * 600
            ledger.orders.append(order(-number, now - 1))
            outcome = quick.load(ledger, now=now)
            assert outcome.rows == {"orders": 1}
            kinds += [read.kind for read in outcome.plan.reads if read.list.name == "orders"]
        assert collections.Counter(kinds) == {"recent": 20, "week": 4}


def test_an_empty_box_office_is_cheap_too(quick):
    with Scripted(lambda _asked: page()) as server:
        server.now = SECOND
        quick.load(server)
        idle = quick.load(server, now=SECOND + 10 * MINUTE)
        assert idle.plan.is_empty and idle.requests == 3


# refunds


def test_refunds_are_seen_when_promised(quick):
    """Of orders two hours, five days, two months and a year old: by the next run, within the hour, within the day, and
    by --full."""
    ages = (2 * HOUR - 5, 5 * DAY, 60 * DAY, 365 * DAY)
    old = [order(number, SECOND - age, refund_amount=0) for number, age in enumerate(ages)]
    with Ledger(*old, order(9, SECOND)) as ledger:

        def seen(after: int, **reading) -> list[int]:
            quick.load(ledger, now=SECOND + after, **reading)
            return [quick.newest("orders")[each["id"]]["refund_amount"] for each in old]

        assert seen(0) == [0, 0, 0, 0]
        for each in old:
            ledger.orders[ledger.orders.index(each)] = {**each, "refund_amount": 77}
        assert seen(5 * MINUTE) == [77, 0, 0, 0]
        assert seen(50 * MINUTE) == [77, 0, 0, 0]
        assert seen(HOUR) == [77, 77, 0, 0]
        assert seen(21 * HOUR) == [77, 77, 0, 0]
        assert seen(DAY) == [77, 77, 77, 0]
        assert seen(3 * DAY) == [77, 77, 77, 0]
        assert seen(3 * DAY + HOUR, full=True) == [77, 77, 77, 77]
        assert quick.doubled("orders") == []


def test_a_refund_is_a_version_of_its_own_and_so_is_its_taking_back(quick):
    with Ledger() as ledger:
        for number, refund in enumerate((0, 0, 5, 5, 0)):
            ledger.orders = [order(1, SECOND, refund_amount=refund)]
            quick.load(ledger, now=SECOND + number * MINUTE)
    versions = quick.query("select document->>'refund_amount' from raw_ticket_tailor.orders order by fetched_at")
    assert versions == [("0",), ("5",), ("0",)]


# coverage


def test_an_order_of_the_same_second_that_comes_later_is_not_lost(quick):
    with Ledger(order(2, SECOND)) as ledger:
        quick.load(ledger)
        ledger.orders.append(order(1, SECOND))
        quick.load(ledger)
        assert set(quick.newest("orders")) == {"or_1", "or_2"}


@pytest.mark.parametrize("skew", [-3 * HOUR, 3 * HOUR, 40 * DAY])
def test_a_clock_that_is_wrong_loses_no_order(quick, skew):
    with Ledger(order(0, SECOND)) as ledger:
        for number in range(1, 5):
            quick.load(ledger, now=SECOND + number * HOUR + skew)
            assert len(quick.newest("orders")) == number
            ledger.orders.append(order(number, SECOND + number * HOUR))


@pytest.mark.parametrize("ahead", [3 * HOUR, 40 * DAY])
def test_a_clock_that_is_set_back_hides_no_change(quick, ahead):
    """Loads by a clock that was ahead hold versions and spans from the future: changes since are seen when promised,
    and each comes after the one before."""
    with Ledger(order(1, SECOND - 5 * DAY, refund_amount=0), order(2, SECOND, refund_amount=0)) as ledger:

        def refunded(amount: int, at: int) -> list[int]:
            ledger.orders = [{**each, "refund_amount": amount} for each in ledger.orders]
            quick.load(ledger, now=SECOND + at)
            return [quick.newest("orders")[each["id"]]["refund_amount"] for each in ledger.orders]

        assert refunded(1, ahead) == [1, 1]
        assert refunded(2, 0) == [2, 2]  # a week was read "in the future": read again at once
        assert refunded(3, 5 * MINUTE) == [2, 3]
        assert refunded(4, HOUR) == [4, 4]
        assert refunded(4, ahead + HOUR) == [4, 4]
        versions = quick.query(
            "select document->>'refund_amount' from raw_ticket_tailor.orders where id = 'or_2' order by fetched_at"
        )
        assert versions == [("1",), ("2",), ("3",), ("4",)]
        assert quick.doubled("orders") == []


def test_an_order_from_the_future_holds_nothing_up(quick):
    with Ledger(order(9, SECOND + 9000 * DAY), order(1, SECOND - 60)) as ledger:
        quick.load(ledger)
        ledger.orders.append(order(2, SECOND + 60))
        quick.load(ledger, now=SECOND + 120)
        assert set(quick.newest("orders")) == {"or_9", "or_1", "or_2"}


def test_coverage_counts_only_when_its_load_is_complete(quick):
    with TicketTailorApi(Venue(seed=1)) as api:
        quick.load(api)
        quick.change("update raw_ticket_tailor._dlt_loads set status = 1")
        again = quick.load(api)
        assert again.rows["orders"] == 60


def test_a_hole_in_the_coverage_is_read(quick):
    with TicketTailorApi(Venue(seed=1, orders=500)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("orders",))
        quick.load(api, office)
        (start, end) = (api.now - 60 * DAY, api.now - 50 * DAY)
        quick.change("update raw_ticket_tailor.coverage set created_to = ?", start)
        quick.change(
            "insert into raw_ticket_tailor.coverage select 'x', box_office, list, kind, ?, ?, read_at, _dlt_load_id "
            "from raw_ticket_tailor.coverage",
            end,
            api.now - DAY,
        )
        before = api.count()
        quick.load(api, office, now=api.now + 5 * MINUTE)
        asked = [(one.params.get("created_at.gte"), one.params.get("created_at.lt")) for one in api.requests]
        assert (str(start), str(end)) in asked[before:]


def reads_of(**spans) -> TicketTailorReads:
    found = {("orders", age.replace("_", " ")): span for age, span in spans.items()}
    return TicketTailorReads(found, {}, set())


ORDERS = BoxOffice("main", "k", "http://127.0.0.1:1", lists=("orders",))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ({}, [("window", 0, OPEN)]),
        ({"ever": [(0, SECOND)], "week": [(0, SECOND)], "quarter": [(0, SECOND)]}, [("recent", SECOND - 7200, OPEN)]),
        ({"ever": [(0, SECOND)], "quarter": [(0, SECOND)]}, [("week", SECOND - 7 * DAY, OPEN)]),
        ({"ever": [(0, SECOND)]}, [("quarter", SECOND - 90 * DAY, OPEN)]),
        (
            {
                "ever": [(0, SECOND)],
                "week": [(SECOND - 7 * DAY, SECOND)],
                "quarter": [(SECOND - 7 * DAY, SECOND)],
                "quarter_spared": [(SECOND - 60 * DAY, SECOND)],
            },
            [("recent", SECOND - 7200, OPEN), ("quarter", SECOND - 90 * DAY, SECOND - 60 * DAY)],
        ),
        (
            {"ever": [(500, 600), (SECOND - 9 * DAY, SECOND)], "week": [(0, SECOND)], "quarter": [(0, SECOND)]},
            [("recent", SECOND - 7200, OPEN), ("window", 600, SECOND - 9 * DAY), ("window", 0, 500)],
        ),
    ],
)
def test_what_is_due(spans, expected):
    found = [(read.kind, read.start, read.end) for read in due(ORDERS, reads_of(**spans), NOW)]
    assert found == expected


def test_an_unfinished_quarter_goes_on_where_it_stopped(quick):
    """A re-read of 90 days that was stopped: what it had covered within the hour is not read again."""
    with TicketTailorApi(Venue(seed=1, orders=400, days=120)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("orders",))
        quick.load(api, office)
        now = api.now + DAY
        quick.change(
            "insert into raw_ticket_tailor.coverage select 'x', box_office, list, 'quarter', ?, ?, to_timestamp(?), "
            "_dlt_load_id from raw_ticket_tailor.coverage",
            api.now - 80 * DAY,
            api.now - 20 * DAY,
            now - 10 * MINUTE,
        )
        before = api.count()
        quick.load(api, office, now=now)
        asked = [one.params for one in list(api.requests)[before:]]
        assert not any(
            int(one.get("created_at.gte", 0)) < api.now - 50 * DAY < int(one.get("created_at.lt", OPEN))
            for one in asked
        )


# --full, --since, --until, --limit


def test_full_equals_a_fresh_warehouse(quick, tmp_path):
    from pipelines.settings import Settings
    from tests.ticket_tailor.loads import Warehouse

    with TicketTailorApi(Venue(seed=7, orders=300, days=200)) as api:
        quick.load(api)
        gone = sorted(truth(api, "orders"))[40]
        api.hide(gone)
        api.now += 20 * DAY
        quick.load(api, full=True)
        fresh = Warehouse(Settings(tmp_path / "fresh"), through_dlt=False)
        fresh.load(api)
        assert {name: quick.newest(name) for name in LISTS} == {name: fresh.newest(name) for name in LISTS}
        assert quick.missing("orders") == {gone}


def test_a_span_loads_what_was_created_in_it_and_the_rest_comes_later(quick):
    with TicketTailorApi(Venue(seed=1, orders=300)) as api:
        start, end = api.now - 30 * DAY, api.now - 20 * DAY
        quick.load(api, span=(start, end))
        for name in ("orders", "issued_tickets", "events"):
            wanted = {key for key, one in truth(api, name).items() if start <= one["created_at"] < end}
            assert set(quick.newest(name)) == wanted and wanted
        assert quick.newest("products") == {}
        before = api.count()
        quick.load(api)
        assert quick.newest("orders") == truth(api, "orders")
        assert quick.newest("events") == truth(api, "events")
        asked = {
            (one.params.get("created_at.gte"), one.params.get("created_at.lt")) for one in list(api.requests)[before:]
        }
        assert (None, str(start)) in asked, "what the span had covered is not read again"


def test_a_limit_bounds_a_run_and_loses_nothing(quick):
    with TicketTailorApi(Venue(seed=6, orders=80)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("orders", "issued_tickets"))
        runs = 0
        while True:
            runs += 1
            outcome = quick.load(api, office, limit=25)
            assert outcome.rows.get("orders", 0) <= 25 and outcome.rows.get("issued_tickets", 0) <= 25
            if outcome.plan.is_empty:
                break
            assert runs < 60
        assert quick.newest("orders") == truth(api, "orders")
        assert quick.newest("issued_tickets") == truth(api, "issued_tickets")
        assert quick.doubled("orders") == []


def test_what_a_limit_left_comes_with_the_next_run(quick):
    with TicketTailorApi(Venue(seed=6, orders=120)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("orders",))
        first = quick.load(api, office, limit=10)
        newest = sorted((order["created_at"] for order in truth(api, "orders").values()), reverse=True)[:10]
        assert sorted((order["created_at"] for order in quick.newest("orders").values()), reverse=True) == newest
        assert first.plan.told == ["orders: 10 came, as many as asked for; what is left comes with the next run"]
        quick.load(api, office)
        assert quick.newest("orders") == truth(api, "orders")


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
        assert sorted(line.split(" is left out")[0] for line in first.plan.told) == [
            "the list holds",
            "the list voucher_codes",
        ]
        assert set(quick.newest("orders")) == set(truth(api, "orders"))
        assert quick.load(api, now=api.now + 5 * MINUTE).plan.is_empty
        before = api.count()
        later = quick.load(api, now=api.now + HOUR)
        assert asked_for(api, before)["/v1/holds"] == 1 and later.plan.told == []
        api.forbidden = ()
        quick.load(api, now=api.now + 2 * HOUR)
        assert set(quick.newest("holds")) == set(truth(api, "holds"))


def test_a_list_that_fails_stops_no_other_and_is_not_claimed(quick):
    with TicketTailorApi(Venue(seed=1, orders=150), repeat_for_ever=("event_series",)) as api:
        with pytest.raises(Problem, match="/v1/event_series does not go on"):
            quick.load(api)
        assert set(quick.newest("orders")) == set(truth(api, "orders"))
        covered = {name for (name,) in quick.query("select distinct list from raw_ticket_tailor.coverage")}
        assert covered == set(LISTS) - {"event_series", "waitlist_signups"}
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
        from pipelines import register

        ages = {"ever": (NOW - dt.timedelta(days=36500), NOW + dt.timedelta(days=36500))}
        found = register.ticket_tailor_reads(quick.settings.warehouse, "main", ages).spans["x", "ever"]
        assert found == union(rows) == [(0, 95), (96, 99)]
