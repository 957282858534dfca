"""A page's bytes: what comes through as it stands, and what is refused beside it."""

import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.pages import NotAPage, created_at, read_page

ORDER = ENDPOINTS["orders"].shape


def body_of(*objects: str | bytes, links: str = '{"next": null}') -> bytes:
    parts = [each if isinstance(each, bytes) else each.encode() for each in objects]
    return b'{"data": [' + b", ".join(parts) + b'], "links": ' + links.encode() + b"}"


@pytest.mark.parametrize(
    ("bad", "reason", "seen"),
    [
        ('{"id": "or_2", "total": 1, "total": 2}', "repeated key with different values: total", "or_2"),
        ('{"id": "or_2", "name": "\\ud800"}', "lone surrogate", "or_2"),
        ('{"id": "or_2", "total": NaN}', "number is not finite", "or_2"),
        (b'{"id": "or_2", "name": "\xff"}', "not UTF-8 at byte 24", "or_2"),
        ('{"id": "or_2", "total": 1234567890123456789}', "money is not exact within 15 digits: total", "or_2"),
        ('{"id": "or_2", "line_items": {}}', "not a list: line_items", "or_2"),
        ('{"id": "or_2", "line_items": [{"total": "a lot"}]}', "money is not a number: line_items[0].total", "or_2"),
        ('{"id": null}', "id is missing: id", None),
        ('"or_2"', "not an object: the record", None),
        ('{"id": "or_2", "x": ' + "[" * 300 + "]" * 300 + "}", "not JSON: nested too deeply", "or_2"),
    ],
)
def test_what_cannot_be_loaded_is_refused_and_what_is_beside_it_is_not(bad, reason, seen):
    documents, misread, more = read_page(body_of('{"id": "or_1"}', bad, '{"id": "or_3"}'), 100, ORDER)
    assert [document.id for document in documents] == ["or_1", "or_3"]
    assert [(each.id, each.reason) for each in misread] == [(seen, reason)]
    assert json.loads(misread[0].raw.decode(errors="replace")) is not None
    assert not more


def test_an_amount_with_too_many_digits_is_refused_on_the_fastest_way_too():
    body = orjson.dumps({"data": [{"id": "or_1", "total": 0.12345678901234568}], "links": {"next": None}})
    _, misread, _ = read_page(body, 100, ORDER)
    assert [each.reason for each in misread] == ["money is not exact within 15 digits: total"]


def test_the_noise_of_a_double_is_no_reason_to_refuse_and_stays_word_for_word():
    body = b'{"data":[{"id":"or_1","total":3029.9999999999995},{"id":"or_2","total":1}],"links":{"next":null}}'
    documents, misread, _ = read_page(body, 100, ORDER)
    assert not misread
    assert [document.text for document in documents] == [
        b'{"id":"or_1","total":3029.9999999999995}',
        b'{"id":"or_2","total":1}',
    ]


def test_the_bytes_of_what_was_refused_are_kept():
    bad = b'{"id" : "or_2","name":"\xff\\/"}'
    _, misread, _ = read_page(body_of(bad), 100, ORDER)
    assert misread[0].raw == bad


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"or_1","note":"caf\\u00e9 \\/ 20 \\u20ac","total":12}',
        '{ "id" : "or_1", "total" : 1.10 }',
        '{"id":"or_1","txn_id":"12345678901234567890"}',
        '{"id":"or_1","note":"a\\u003ab: 1"}',
        '{"id":"or_1","total":5,"total":5}',
    ],
)
def test_other_ways_of_writing_the_same_come_through(text):
    documents, misread, _ = read_page(body_of(text), 100, ORDER)
    assert misread == []
    assert json.loads(documents[0].text) == json.loads(text)


def test_a_long_number_keeps_its_digits():
    documents, _, _ = read_page(body_of('{"id":"or_1","latitude":51.123456789012345678}'), 100, ORDER)
    assert b"51.123456789012345678" in documents[0].text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b'{"data": {}}',
        b'{"message": "later"}',
        b'{"data": [{"id": "or_1"}',
        b'{"data": [{"id": "or_1"}], "links": {"ne',
        b'{"data": [{"id": "or_1", "x": NaN}',
        b'{"data": [{"x": NaN}]} {}',
    ],
)
def test_what_is_no_page_is_said_to_be_none(body):
    with pytest.raises(NotAPage):
        read_page(body, 100)


@pytest.mark.parametrize(
    ("links", "count", "more"),
    [
        ('{"next": "/v1/orders?starting_after=or_1"}', 1, True),
        ('{"next": null}', 100, False),
        ("null", 100, True),
        ("null", 99, False),
    ],
)
def test_links_say_whether_there_is_more(links, count, more):
    body = body_of(*(f'{{"id": "or_{number}"}}' for number in range(count)), links=links)
    assert read_page(body, 100)[2] is more


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1786645307, 1786645307),
        ("1786645307", 1786645307),
        (Decimal("1786645307.00000000"), 1786645307),
        ({"date": "2026-08-13", "unix": 1786645307, "timezone": "+01:00"}, 1786645307),
        ({"iso": "2026-08-13T19:21:47+01:00"}, 1786645307),
        ("2026-08-13T18:21:47Z", 1786645307),
        ("2026-08-13 18:21:47", 1786645307),
        (None, None),
        ({}, None),
        ("yesterday", None),
        (True, None),
        (10**30, None),
    ],
)
def test_created_at_in_all_its_encodings(value, expected):
    assert created_at({"created_at": value}) == expected


def test_created_at_may_be_absent():
    assert created_at({}) is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_everything_that_is_sound_comes_through_unchanged(values, indent, ascii_only):
    """However the page is laid out and escaped."""
    objects = [{"id": f"x_{number}", "value": value} for number, value in enumerate(values)]
    body = json.dumps({"data": objects, "links": None}, indent=indent, ensure_ascii=ascii_only).encode()
    documents, misread, _ = read_page(body, 100)
    assert misread == []
    assert [json.loads(document.text) for document in documents] == objects


@given(json_values, json_values)
def test_a_repeated_key_never_comes_through(one, other):
    """Whatever stands around it: the page is read fast only when nothing can have been dropped."""
    first, second = orjson.dumps(one).decode(), orjson.dumps(other).decode()
    body = body_of(f'{{"id": "a", "x": {first}, "x": {second}}}', '{"id": "b"}')
    documents, misread, _ = read_page(body, 100)
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert [document.id for document in documents] == (["a", "b"] if same else ["b"])
    assert len(misread) == (0 if same else 1)
