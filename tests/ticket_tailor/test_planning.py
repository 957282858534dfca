"""What is read and when: a run with nothing new costs little, refunds are seen when promised, no claim is empty."""

import collections
import datetime as dt

import pytest

from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.intervals import OPEN
from boxoffice.ticket_tailor.planning import due
from boxoffice.ticket_tailor.state import Reads
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import DAY, HOUR, asked_for, truth
from tests.ticket_tailor.scripted import Ledger, Scripted, order, page

MINUTE = 60
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND = int(NOW.timestamp())


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
        for _ in range(0, 2 * HOUR, 15 * MINUTE):
            before = api.count()
            quick.load(api)
            times.append(asked_for(api, before)["/v1/products"])
            api.now += 15 * MINUTE
        assert times == [1, 0, 0, 0] * 2


def test_a_week_is_read_again_once_an_hour_however_often_it_runs(quick):
    """A new order comes before every run: what that moves must not let pieces of the week fall due one by one."""
    with Ledger(*(order(number, SECOND - number * 600) for number in range(1100))) as ledger:
        quick.load(ledger)
        kinds = []
        for number in range(1, 13):
            now = SECOND + number * 600
            ledger.orders.append(order(-number, now - 1))
            outcome = quick.load(ledger, now=now)
            assert outcome.rows == {"orders": 1}
            kinds += [read.kind for read in outcome.plan.reads if read.list.name == "orders"]
        assert collections.Counter(kinds) == {"recent": 10, "week": 2}


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


def reads_of(**spans) -> Reads:
    found = {("orders", age.replace("_", " ")): span for age, span in spans.items()}
    return Reads(found, {}, set())


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
    from boxoffice.settings import Settings
    from tests.ticket_tailor.loads import Warehouse

    with TicketTailorApi(Venue(seed=7, orders=300, days=200)) as api:
        quick.load(api)
        gone = sorted(truth(api, "orders"))[40]
        api.hide(gone)
        api.now += 20 * DAY
        quick.load(api, full=True)
        fresh = Warehouse(Settings(tmp_path / "fresh"), through_dlt=False)
        fresh.load(api)
        assert {name: quick.newest(name) for name in ENDPOINTS} == {name: fresh.newest(name) for name in ENDPOINTS}
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
        assert first.plan.messages == ["orders: 10 came, as many as asked for; what is left comes with the next run"]
        quick.load(api, office)
        assert quick.newest("orders") == truth(api, "orders")
