"""Which bytes validation accepts, and which it refuses and why."""

import copy
import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from boxoffice.raw import validation
from boxoffice.raw.validation import InvalidDocument
from boxoffice.ticketor import webhooks
from tests.ticketor import deliveries as d


def reason(raw: bytes) -> str:
    with pytest.raises(InvalidDocument) as refused:
        validation.parse(raw)
    return refused.value.reason


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8 at byte 7"),
        (b'{"a": NaN}', "number is not finite"),
        (b'{"a": [-Infinity]}', "number is not finite"),
        (b'{"a": 1e999}', "number is not finite"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"a\\udc00": 1}', "lone surrogate"),
        (b'{"a": 1, "a": 2}', "repeated key with different values: a"),
        (b'{"x": [{"a": 1, "a": true}]}', "repeated key with different values: a"),
        (b'{"a": 1, "a": 1.0}', "repeated key with different values: a"),
        (b'{"a": 1, "\\u0061": 2, "b": "\\u003a"}', "repeated key with different values: a"),
        (b'{"a": {"b": ":"}, "a": "\\u003a\\u003a\\u003a"}', "repeated key with different values: a"),
        (b'{"a": 1', "truncated"),
        (b'{"a": "text', "truncated"),
        (b'{"a": "\\u00', "truncated"),
        (b'{"a": tr', "truncated"),
        (b'{"a": -', "truncated"),
        (b'{"a":', "truncated"),
        (b"{", "truncated"),
        (b"", "empty"),
        (b"<html>", "not JSON: expecting value (line 1, column 1)"),
        (b'{"a": 1,}', "not JSON: expecting property name enclosed in double quotes (line 1, column 9)"),
        (b'{"a": 01}', "not JSON: expecting ',' delimiter (line 1, column 8)"),
        (b'{"a": "line\nfeed"}', "not JSON: invalid control character at (line 1, column 12)"),
        (b'{"a": 1} {"a": 1}', "not JSON: extra data (line 1, column 10)"),
        (b"[" * 5000 + b"]" * 5000, "not JSON: nested too deeply"),
        (b"\xef\xbb\xbf{}", "not JSON: unexpected UTF-8 BOM (decode using utf-8-sig) (line 1, column 1)"),
    ],
)
def test_refused_documents(raw: bytes, told: str) -> None:
    assert reason(raw) == told


def test_a_reason_quotes_nothing() -> None:
    secret = "Ada.Lovelace@example.org"
    for raw in (f'{{"{secret}": 1, "{secret}": 2}}', f'{{"a": "{secret}', f'{{"a": {secret}}}', f'{{"{secret}" 1}}'):
        assert secret not in reason(raw.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 1}',  # repeated, but the same
        b'{"Notes": "a\\u003ab: {\\"a\\":1,\\"a\\":2}"}',
        '{"a": "\u2028\u0085\U0001f600 \\ud83d\\ude00"}'.encode(),
        b' \n{"a": []}\r\n',
        b'{"a": 0.30000000000000004, "b": 123456789012345678901234567890}',
        b"[" * 600 + b"]" * 600,
    ],
)
def test_harmless_oddities_pass(raw: bytes) -> None:
    assert validation.parse(raw) == json.loads(raw, parse_float=Decimal if b"0000004" in raw else float)


def test_long_numbers_keep_their_digits() -> None:
    document = validation.parse(b'{"a": 12345678901234.5678, "b": 9223372036854775808, "c": 1.5}')
    assert document == {"a": Decimal("12345678901234.5678"), "b": 2**63, "c": 1.5}
    assert validation.dumps(document) == b'{"a":12345678901234.5678,"b":9223372036854775808,"c":1.5}'


KEYS = st.sampled_from(["a", "b", "Id", ":", "\\u003a", "\\u0061", 'q\\"', "é"])
TEXTS = st.sampled_from(
    ['""', '":"', '"\\u003a"', '"a:b\\"c\\":1"', "1", "1.0", "true", "null", "0.1234567890123456789"]
)
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(
            lambda members: "{" + ", ".join(f'"{key}" :{value}' for key, value in members) + "}"
        ),
    ),
    max_leaves=12,
)


@given(VALUES)
@example('{"a" :":", "a" :"\\u003a\\u003a"}')
@settings(max_examples=400, deadline=None)
def test_the_fast_way_never_lets_through_what_the_strict_way_would_refuse(text: str) -> None:
    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, str] = {}
        for key, value in members:
            written = json.dumps(value, sort_keys=True)
            if seen.setdefault(key, written) != written:
                raise KeyError(key)
        return dict(members)

    try:
        expected: Any = json.loads(text, object_pairs_hook=pairs, parse_float=str)
    except KeyError:
        assert reason(text.encode()).startswith("repeated key")
    else:
        assert json.loads(validation.dumps(validation.parse(text.encode())), parse_float=str) == expected


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "id is missing: Id"),
        ("", "id is missing: Id"),
        (True, "id is not a whole number within 63 bits: Id"),
        (1.5, "id is not a whole number within 63 bits: Id"),
        (2**63, "id is not a whole number within 63 bits: Id"),
        (-(2**63), "id is not a whole number within 63 bits: Id"),
        ("9223372036854775808", "id is not a whole number within 63 bits: Id"),
        ("12 ", "id is not a whole number within 63 bits: Id"),
        ("١٢", "id is not a whole number within 63 bits: Id"),
        ([1], "id is not a whole number within 63 bits: Id"),
    ],
)
def test_ids_that_are_none(value: Any, told: str) -> None:
    with pytest.raises(InvalidDocument, match=told):
        validation.guard({"Id": value}, validation.Shape(keys=("Id",)))


@pytest.mark.parametrize("value", [0, -3, 2**53 + 1, 2**63 - 1, "0012", "9223372036854775807", 26657.0])
def test_ids(value: Any) -> None:
    validation.guard({"Id": value}, validation.Shape(keys=("Id",)))
    assert validation.whole_number(value) == int(value)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("12345678901234.56", "money is not exact within 15 digits: Total"),
        ("0.30000000100000001", "money is not exact within 15 digits: Total"),
        ("30.299999998999997", "money is not exact within 15 digits: Total"),
        ("0.12345000000000001", "money is not exact within 15 digits: Total"),
        ('"30.299999998999997"', "money is not exact within 15 digits: Total"),
        ("123456789012345.00000000001", "money is not exact within 15 digits: Total"),
        ('"12345678901234.56"', "money is not exact within 15 digits: Total"),
        ("100000000000", "money does not fit 11 digits before the point: Total"),
        ("1e11", "money does not fit 11 digits before the point: Total"),
        ("-1e300", "money does not fit 11 digits before the point: Total"),
        ("true", "money is not a number: Total"),
        ("[]", "money is not a number: Total"),
        ('"12,50"', "money is not a number: Total"),
        ('"1_000"', "money is not a number: Total"),
        ('"NaN"', "money is not a number: Total"),
        ('"١٢"', "money is not a number: Total"),
    ],
)
def test_money_that_would_be_another_number(written: str, told: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        validation.guard(validation.parse(f'{{"Total": {written}}}'.encode()), validation.Shape(money=("Total",)))
    assert refused.value.reason == told


@pytest.mark.parametrize(
    "written",
    [
        *("1", "-23.75", "99999999999", "99999999999.9999", "0.123456789012345", "1e10", "1.50000000000000000000"),
        *('"23.75"', '""', "null", '" +.5 "', '"1E3"', "0.0000000000000000", "123456789.012345000000"),
        # as a sender's double writes 30.3, 0.3, 1 and -0.0001
        *("30.299999999999997", "0.30000000000000004", "1.00000000000000001", '"-0.00010000000000000000021"'),
    ],
)
def test_money(written: str) -> None:
    validation.guard(validation.parse(f'{{"Total": {written}}}'.encode()), validation.Shape(money=("Total",)))


@given(st.integers(0, 10**6), st.data())
@settings(max_examples=300, deadline=None)
def test_the_flat_check_agrees_with_the_guard(seed: int, data: st.DataObject) -> None:
    rng = random.Random(seed)
    webhook = data.draw(st.sampled_from(list(d.MAKERS)))
    document = copy.deepcopy(d.MAKERS[webhook](rng, seed))
    place = data.draw(
        st.sampled_from(
            [document]
            + [value for value in document.values() if isinstance(value, dict)]
            + [member for value in document.values() if isinstance(value, list) for member in value]
        )
    )
    odd = [None, True, "", "7", 1.5, 2.0, -1, 10**11, 10**15, 2**63, [], [1], {}, "x", 1e300]
    place[data.draw(st.sampled_from(list(place)))] = data.draw(st.sampled_from(odd))
    document = validation.parse(json.dumps(document).encode())
    shape = webhooks.SHAPES[webhook]
    if validation.compiled(shape)(document):
        validation.guard(document, shape)  # raises nothing


@pytest.mark.parametrize("webhook", d.MAKERS)
def test_the_flat_check_is_enough_for_ordinary_payloads(webhook: str) -> None:
    assert all(validation.compiled(webhooks.SHAPES[webhook])(d.MAKERS[webhook](random.Random(n), n)) for n in range(20))
