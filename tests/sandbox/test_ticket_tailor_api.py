"""The API on loopback keeps the real one's rules, over real HTTP."""

import base64
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import requests

from sandbox.catalogue import DAY
from sandbox.tailor import Tailor
from sandbox.venue import Change, Venue

Serve = Callable[..., Any]
LISTS = [
    *("orders", "events", "event_series", "issued_tickets", "check_ins", "products", "discounts", "vouchers"),
    *("holds", "membership_types", "issued_memberships", "vouchers/vo_4001/codes"),
    *("event_series/es_300002/waitlist_signups", "event_series/es_300002/events"),
]
ORDER_KEYS = {
    *("object", "id", "created_at", "status", "status_message", "buyer_details", "currency", "event_summary"),
    *("line_items", "issued_tickets", "payment_method", "marketing_opt_in", "meta_data", "notes", "referral_tag"),
    *("refund_amount", "refunded_voucher_id", "credited_out_amount", "sold_products", "subtotal", "tax"),
    *("tax_treatment", "total", "total_paid", "txn_id"),
}


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colon", [":", ""])
def test_key_as_basic_user_with_and_without_the_colon(serve: Serve, colon: str) -> None:
    api = serve().api
    header = {"Authorization": "Basic " + base64.b64encode(f"{api.key}{colon}".encode()).decode()}
    assert requests.get(api.url + "/v1/ping", headers=header, timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Basic " + base64.b64encode(b"sk_wrong:").decode(), 403),
        ("Basic ???", 401),
        ("Bearer sk_1", 401),
        ("", 401),
    ],
)
def test_bad_key_is_403_and_a_malformed_header_401(serve: Serve, header: str, status: int) -> None:
    response = requests.get(serve().api.url + "/v1/orders", headers={"Authorization": header}, timeout=5)
    assert response.status_code == status
    assert set(response.json()) == {"status", "error_code", "message", "errors"}


def test_each_key_is_a_box_office_of_its_own(serve: Serve) -> None:
    client = serve({"sk_a": Venue(1), "sk_b": Venue(2)})
    first = client.walk("/v1/orders")
    client.session.auth = ("sk_b", "")
    second = client.walk("/v1/orders")
    assert {one["id"] for one in first} & {one["id"] for one in second}, "ids are unique per box office only"
    assert first != second


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_every_list_has_the_envelope_and_can_be_walked(serve: Serve, name: str) -> None:
    client = serve()
    page = client.get(f"/v1/{name}", limit=100).json()
    assert set(page) == {"data", "links"} and set(page["links"]) == {"next", "previous"}
    whole = client.walk(f"/v1/{name}")
    assert whole and client.walk(f"/v1/{name}", limit=1) == whole
    assert len({one["id"] for one in whole}) == len(whole)


@pytest.mark.parametrize("name", ["orders", "issued_tickets", "events"])
def test_newest_first(serve: Serve, name: str) -> None:
    created = [one["created_at"] for one in serve().walk(f"/v1/{name}")]
    assert created == sorted(created, reverse=True)


def test_event_series_come_oldest_first(serve: Serve) -> None:
    created = [one["created_at"] for one in serve().walk("/v1/event_series")]
    assert len(created) > 1 and created == sorted(created)


def test_limit_is_ten_unless_asked_for_and_at_most_a_hundred(serve: Serve) -> None:
    client = serve()
    assert len(client.rows("/v1/orders")) == 10
    assert len(client.rows("/v1/issued_tickets", limit=100)) == 100
    for limit in ("101", "0", "-1", "ten"):
        response = client.get("/v1/orders", limit=limit)
        assert response.status_code == 400 and response.json()["error_code"] == "VALIDATION_ERROR"


def test_next_link_is_relative_and_carries_the_cursor_alone(serve: Serve) -> None:
    page = serve().get("/v1/orders", limit=5, created_at__gte=0, status="completed").json()
    assert page["links"]["next"] == f"/v1/orders?starting_after={page['data'][-1]['id']}"
    assert page["links"]["previous"] is None


@pytest.mark.parametrize("name", ["orders", "issued_tickets", "check_ins", "events"])
def test_ending_before_goes_back_up_and_wins_over_starting_after(serve: Serve, name: str) -> None:
    client = serve()
    whole = [one["id"] for one in client.walk(f"/v1/{name}")]
    middle = len(whole) // 2
    above = client.rows(f"/v1/{name}", limit=3, ending_before=whole[middle], starting_after=whole[0])
    assert [one["id"] for one in above] == whole[middle - 3 : middle]
    page = client.get(f"/v1/{name}", limit=3, starting_after=whole[middle]).json()
    assert [one["id"] for one in page["data"]] == whole[middle + 1 : middle + 4]
    assert page["links"]["previous"].endswith(f"?ending_before={whole[middle + 1]}")


def test_cursor_of_a_deleted_object(serve: Serve) -> None:
    client = serve()
    first = client.rows("/v1/orders", limit=5)
    client.api.hide(first[-1]["id"])
    assert client.get("/v1/orders", limit=5, starting_after=first[-1]["id"]).status_code == 404
    assert client.get(f"/v1/orders/{first[-1]['id']}").status_code == 404
    assert first[-1]["id"] not in {one["id"] for one in client.walk("/v1/orders")}
    client.api.unknown_cursor = "empty"
    page = client.get("/v1/orders", limit=5, starting_after=first[-1]["id"]).json()
    assert page == {"data": [], "links": {"next": None, "previous": None}}


# --- filters ----------------------------------------------------------------------------------------------------------

TESTS: dict[str, Callable[[int, int], bool]] = {
    "created_at": lambda one, limit: one == limit,
    "created_at__gt": lambda one, limit: one > limit,
    "created_at__gte": lambda one, limit: one >= limit,
    "created_at__lt": lambda one, limit: one < limit,
    "created_at__lte": lambda one, limit: one <= limit,
}


@pytest.mark.parametrize("name", ["orders", "issued_tickets"])
@pytest.mark.parametrize("comparison", TESTS)
def test_created_at_filters_on_orders_and_tickets(serve: Serve, name: str, comparison: str) -> None:
    client = serve()
    whole = client.walk(f"/v1/{name}")
    ties = [one["created_at"] for one, other in pairwise(whole) if one["created_at"] == other["created_at"]]
    for moment in (ties[0], whole[7]["created_at"], whole[7]["created_at"] + 1, whole[-1]["created_at"], 0):
        wanted = [one["id"] for one in whole if TESTS[comparison](one["created_at"], moment)]
        assert [one["id"] for one in client.walk(f"/v1/{name}", limit=7, **{comparison: moment})] == wanted


def test_filters_hold_together(serve: Serve) -> None:
    client = serve()
    whole = client.walk("/v1/orders")
    first, last = whole[40]["created_at"], whole[10]["created_at"]
    both = client.walk("/v1/orders", limit=4, created_at__gt=first, created_at__lte=last, status="completed")
    assert both == [one for one in whole if first < one["created_at"] <= last and one["status"] == "completed"]


@pytest.mark.parametrize("field", ["event_id", "email", "status"])
def test_other_filters_of_orders(serve: Serve, field: str) -> None:
    client = serve()
    whole = client.walk("/v1/orders")
    values: dict[str, Callable[[dict], Any]] = {
        "event_id": lambda one: (one["event_summary"] or {}).get("id"),
        "email": lambda one: one["buyer_details"]["email"],
        "status": lambda one: one["status"].replace("canceled", "cancelled"),
    }
    value = values[field](whole[30])
    assert client.walk("/v1/orders", limit=3, **{field: value}) == [one for one in whole if values[field](one) == value]


def test_tickets_by_order_and_status(serve: Serve) -> None:
    client = serve()
    whole = client.walk("/v1/issued_tickets")
    for field in ("order_id", "status", "event_id"):
        value = whole[20][field]
        found = client.walk("/v1/issued_tickets", **{field: value})
        assert found == [one for one in whole if one[field] == value]


def test_events_have_no_created_at_filter_but_start_at(serve: Serve) -> None:
    client = serve()
    whole = client.walk("/v1/events")
    assert client.walk("/v1/events", created_at__gte=2_000_000_000) == whole, "an unknown filter is ignored"
    start = whole[5]["start"]["unix"]
    later = [one for one in whole if one["start"]["unix"] >= start]
    assert client.walk("/v1/events", start_at__gte=start) == later
    assert 0 < len(later) < len(whole)


def test_a_filter_that_is_no_number_is_a_validation_error(serve: Serve) -> None:
    assert serve().get("/v1/orders", created_at__gte="yesterday").status_code == 400


# --- objects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders", "issued_tickets", "check_ins", "events", "event_series", "products"])
def test_one_object_is_what_the_list_shows(serve: Serve, name: str) -> None:
    client = serve()
    for one in client.walk(f"/v1/{name}")[:5]:
        assert client.get(f"/v1/{name}/{one['id']}").json() == one
    assert client.get(f"/v1/{name}/xx_1").status_code == 404


def test_an_order_has_the_keys_of_the_captures_and_its_tickets_are_those_of_the_list(serve: Serve) -> None:
    client = serve()
    tickets = {one["id"]: one for one in client.walk("/v1/issued_tickets")}
    inside = set()
    for order in client.walk("/v1/orders"):
        assert set(order) == ORDER_KEYS or "total_paid" not in order
        for ticket in order["issued_tickets"]:
            assert ticket == tickets[ticket["id"]]
            assert ticket["order_id"] == order["id"] and 6 <= ticket["created_at"] - order["created_at"] <= 14
            inside.add(ticket["id"])
    assert {one["id"] for one in tickets.values() if one["order_id"] is None} == set(tickets) - inside
    assert set(tickets) != inside


def test_created_at_comes_in_its_encodings(serve: Serve) -> None:
    client = serve()
    assert isinstance(client.rows("/v1/orders")[0]["created_at"], int)
    assert set(client.rows("/v1/products")[0]["created_at"]) >= {"date", "formatted", "iso", "time", "timezone", "unix"}
    assert "created_at" not in client.rows("/v1/discounts")[0]
    assert "created_at" not in client.rows("/v1/vouchers")[0]


def test_events_count_their_own_sales(serve: Serve) -> None:
    client = serve()
    orders = [one for one in client.walk("/v1/orders") if one["event_summary"]]
    tickets = client.walk("/v1/issued_tickets", status="valid")
    for event in client.walk("/v1/events"):
        mine = [one for one in orders if one["event_summary"]["id"] == event["id"]]
        assert event["revenue"] == sum(one["total"] for one in mine if one["status"] == "completed")
        assert event["total_orders"] == sum(one["status"] in ("completed", "pending") for one in mine)
        assert event["total_issued_tickets"] == sum(one["event_id"] == event["id"] for one in tickets)


def test_an_event_vanishes_and_another_is_put_off(serve: Serve) -> None:
    venue = Venue(1)
    client = serve(venue, now=venue.opens + 20 * DAY)
    before = {one["id"]: one for one in client.walk("/v1/events")}
    client.api.now = venue.end
    after = {one["id"]: one for one in client.walk("/v1/events")}
    assert set(before) - set(after) == {"ev_5999999"}
    assert any(after[one]["start"] != before[one]["start"] for one in before if one in after)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_rate_headers_count_down_and_the_budget_ends_in_429(serve: Serve) -> None:
    client = serve(budget=3, window_seconds=1800)
    left = [int(client.get("/v1/ping").headers["X-Rate-Limit-Remaining"]) for _ in range(3)]
    assert left == [2, 1, 0]
    refused = client.get("/v1/orders")
    assert refused.status_code == 429
    assert 1790 < int(refused.headers["Retry-After"]) <= 1800
    assert refused.headers["X-Rate-Limit-Limit"] == "3"
    assert 1790 < int(refused.headers["X-Rate-Limit-Reset"]) <= 1800


def test_budgets_are_per_key_and_come_back(serve: Serve) -> None:
    client = serve({"sk_a": Venue(1), "sk_b": Venue(2)}, budget=1)
    assert [client.get("/v1/ping").status_code for _ in range(2)] == [200, 429]
    client.session.auth = ("sk_b", "")
    assert [client.get("/v1/ping").status_code for _ in range(2)] == [200, 429]
    client.api.window_seconds = 0
    assert client.get("/v1/ping").status_code == 200, "a new window"


def test_requests_are_recorded(serve: Serve) -> None:
    client = serve()
    client.get("/v1/orders", limit=3, created_at__gte=5)
    client.get("/v1/nothing")
    one, other = client.api.requests
    assert (one.method, one.path, one.params) == ("GET", "/v1/orders", {"limit": "3", "created_at.gte": "5"})
    assert (one.status, one.key, other.status) == (200, client.api.key, 404)
    assert client.api.count("/v1/orders") == 1 and client.api.count() == 2


def test_a_list_may_be_forbidden_to_a_key(serve: Serve) -> None:
    client = serve(forbidden=("discounts",))
    assert client.get("/v1/discounts").status_code == 403
    assert client.get("/v1/orders").status_code == 200


def test_nothing_can_be_written(serve: Serve) -> None:
    client = serve()
    response = client.session.post(client.api.url + "/v1/orders", data={"status": "free"}, timeout=5)
    assert response.status_code == 405
    assert client.get("/v1/ping").status_code == 200, "the connection is still good"


# --- time -------------------------------------------------------------------------------------------------------------


def test_orders_are_shown_as_of_the_moment(serve: Serve) -> None:
    venue = Venue(1, late=False, extra={2: (Change(Venue(1).end - DAY, "refund", 7),)})
    client = serve(venue, now=venue.end - 2 * DAY)
    before = {one["id"]: one for one in client.walk("/v1/orders")}
    assert max(one["created_at"] for one in before.values()) <= venue.end - 2 * DAY
    assert before["or_10000002"]["refund_amount"] == 0
    client.api.now = venue.end
    after = {one["id"]: one for one in client.walk("/v1/orders")}
    assert set(before) <= set(after)
    assert after["or_10000002"]["refund_amount"] == 7
    assert after["or_10000002"]["created_at"] == before["or_10000002"]["created_at"]


def test_some_orders_are_listed_after_newer_ones(serve: Serve) -> None:
    venue = Venue(1, orders=500)
    late = next(one for one in range(200, 500) if venue.listing_delay(one))
    made = venue.created("tailor", late)
    client = serve(venue, now=made + 60)
    name = f"or_{10_000_000 + late}"
    assert name not in {one["id"] for one in client.rows("/v1/orders", limit=5)}
    assert client.get(f"/v1/orders/{name}").status_code == 404
    client.api.now = made + venue.listing_delay(late)
    found = client.walk("/v1/orders", created_at__gte=made, created_at__lte=made)
    assert name in {one["id"] for one in found}


def test_a_living_venue_changes_while_it_is_read(serve: Serve) -> None:
    venue = Venue(1, orders=2_000)
    client = serve(venue, now=venue.end - 20 * DAY, tick=12 * 3600)
    walked = [one["id"] for one in client.walk("/v1/orders")]
    assert len(walked) == len(set(walked)), "what is new lands before the first page"
    now = client.api.now
    assert now > venue.end - 20 * DAY
    listed = {order.id for order in Tailor(venue).orders(now)}
    assert listed - set(walked), "orders came in meanwhile"


def test_repeating_pages(serve: Serve) -> None:
    client = serve(overlap=1)
    walked = [one["id"] for one in client.walk("/v1/orders", limit=20)]
    assert len(set(walked)) == 60 and len(walked) == 62
    client = serve(repeat_for_ever=("orders",))
    first = client.get("/v1/orders").json()
    assert client.get("/v1/orders", starting_after=first["data"][-1]["id"]).json() == first
    assert first["links"]["next"]


def test_kept_answers_are_those_that_would_be_made(serve: Serve) -> None:
    venue = Venue(1)
    kept, fresh = serve(venue, cache_bytes=10_000_000), serve(venue)
    for _ in range(2):
        assert kept.walk("/v1/orders") == fresh.walk("/v1/orders")
    kept.api.now = fresh.api.now = venue.end - 30 * DAY
    assert kept.walk("/v1/orders") == fresh.walk("/v1/orders")
