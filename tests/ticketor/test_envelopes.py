"""Payloads inside what receivers and Zapier make of them, and the time of receipt."""

import base64
import datetime as dt
import hashlib
import json
import random
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.ticketor import deliveries as d

TICKET = d.ticket(random.Random(1), 77)


def flatten(payload: dict[str, Any], path: str = "") -> dict[str, Any]:
    """As Zapier does it."""
    flat: dict[str, Any] = {}
    for key, value in payload.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{path}{key}__")
        else:
            flat[path + key] = value
    return flat


@pytest.mark.parametrize(
    ("wrapper", "received_at"),
    [
        ({"received_at": "2024-05-01T10:00:00.1234567Z"}, "2024-05-01T10:00:00.123456+00:00"),
        ({"received_at": "2024-05-01T10:00:00-07:00"}, "2024-05-01T17:00:00+00:00"),
        ({"received_at": "2024-05-01 10:00:00"}, "2024-05-01T10:00:00+00:00"),
        ({"receivedAt": 1714557600}, "2024-05-01T10:00:00+00:00"),
        ({"timestamp": "1714557600123"}, "2024-05-01T10:00:00.123000+00:00"),
        (
            {"requestContext": {"timeEpoch": 1714557600123}, "received_at": "2030-01-01"},
            "2024-05-01T10:00:00.123000+00:00",
        ),
    ],
)
def test_the_envelope_says_when(tmp_path: Path, wrapper: dict[str, Any], received_at: str) -> None:
    (row,) = d.read(tmp_path, {"20200101T000000Z.json": d.compact(wrapper | {"body": TICKET}).encode()})
    assert (row["received_at"].isoformat(), row["received_at_basis"]) == (received_at, "envelope")


@pytest.mark.parametrize("nonsense", ["0001-01-01T00:00:00", "yesterday", -5, True, {}, None, 10**30, "9" * 400])
def test_a_time_that_is_none_is_left_out(tmp_path: Path, nonsense: Any) -> None:
    (row,) = d.read(tmp_path, {"a": d.compact({"received_at": nonsense, "body": TICKET}).encode()})
    assert (row["received_at"].timestamp(), row["received_at_basis"]) == (d.OLD, "file time")


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("2023-11-03T22-11-58-995Z.json", "2023-11-03T22:11:58.995"),
        ("20231103T221158Z-abc.json", "2023-11-03T22:11:58"),
        ("20231103221158995.json", "2023-11-03T22:11:58.995"),
        ("stream-1-2023-11-03-22-11-58-9f3c1a22-uuid", "2023-11-03T22:11:58"),
        ("invoice_2023-11-03_22-11-58.123456.json.gz", "2023-11-03T22:11:58.123456"),
        ("1699049518995-7.json", "2023-11-03T22:11:58.995"),
        ("1699049518.json", "2023-11-03T22:11:58"),
        ("1699049518995129700.json", "2023-11-03T22:11:58.995129"),
        ("2023-13-03T22-11-58Z.json", None),
        ("26657.json", None),
        ("9971217295658.json", None),
        ("2023-11-03.jsonl", None),
    ],
)
def test_the_name_of_a_file_may_say_when(tmp_path: Path, name: str, moment: str | None) -> None:
    (row,) = d.read(tmp_path, {name: d.compact(TICKET).encode()})
    own = dt.datetime.fromtimestamp(d.OLD, dt.UTC)
    expected = dt.datetime.fromisoformat(moment + "+00:00") if moment else own
    assert (row["received_at"], row["received_at_basis"]) == (expected, "file name" if moment else "file time")


def at(moment: float, form: str = "%Y%m%dT%H%M%SZ") -> str:
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):{form}}"


YEAR = 365 * 86_400


@pytest.mark.parametrize(
    ("name", "mtime", "believed"),
    [
        (at(d.OLD - 20 * YEAR), d.OLD, True),  # a copy has the time of its copying
        (str(d.OLD - YEAR), d.OLD, True),
        (str(d.OLD - 2 * YEAR), d.OLD, False),  # an order's number, as likely as not
        (str(d.OLD - 2 * YEAR), 0, True),  # some file systems know no time
        (at(d.OLD - 20 * YEAR), 0, True),
        (at(d.OLD + 60), d.OLD, True),
        (at(d.OLD + 3600), d.OLD, False),  # as people east of UTC write it
        (str(d.OLD + 3600), d.OLD, False),
    ],
)
def test_a_time_in_a_name_has_to_agree_with_the_file(tmp_path: Path, name: str, mtime: float, believed: bool) -> None:
    d.put(tmp_path, f"{name}.json", d.compact(TICKET).encode(), mtime)
    (row,) = d.rows(tmp_path)
    assert (row["received_at_basis"] == "file name") == believed
    assert believed or row["received_at"].timestamp() == pytest.approx(mtime)


def test_the_digits_of_a_hash_are_no_time(tmp_path: Path) -> None:
    mtime = int(time.time()) - 40 * 86_400
    for number in range(1500):
        d.put(tmp_path, f"{hashlib.sha256(str(number).encode()).hexdigest()}.json", d.compact(TICKET).encode(), mtime)
    assert {row["received_at"].timestamp() for row in d.rows(tmp_path)} == {mtime}


@pytest.mark.parametrize("ahead", [30, 2 * 86_400, 10**8])
def test_nothing_is_received_later_than_now(tmp_path: Path, ahead: float) -> None:
    """Whatever the receiver's clock said: in the envelope, in the file's name, of the file."""
    future = time.time() + ahead
    d.put(tmp_path, "envelope", d.compact({"received_at": at(future), "body": TICKET}).encode())
    d.put(tmp_path, f"{at(future)}.json", d.compact(TICKET).encode(), future)
    d.put(tmp_path, f"{at(future)}-of-unknown-age.json", d.compact(TICKET).encode(), 0)
    d.put(tmp_path, "own", d.compact(TICKET).encode(), future)
    found = {row["file"]: row["received_at"].timestamp() for row in d.rows(tmp_path)}
    assert found.pop("envelope") == d.OLD
    assert found.pop(f"{at(future)}-of-unknown-age.json") == 0
    assert all(time.time() - 60 < moment <= time.time() for moment in found.values())


def test_envelopes_within_envelopes(tmp_path: Path) -> None:
    inner = {"body": json.dumps(TICKET), "received_at": "2024-05-01T10:00:00Z"}
    outer = {"requests": [{"body": base64.b64encode(d.compact(inner).encode()).decode(), "body_encoding": "base64"}]}
    (row,) = d.read(tmp_path, {"a": json.dumps(outer).encode()})
    assert d.documents([row]) == [TICKET] and row["received_at_basis"] == "envelope"


def base64_of(document: Any) -> str:
    return base64.b64encode(d.compact(document).encode()).decode()


SAID = "2024-05-01T10:00:00.123Z"
SAID_MS = 1714557600123
SNS = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:t", "Timestamp": SAID}
SQS = {"messageId": "m", "eventSource": "aws:sqs", "attributes": {"SentTimestamp": str(SAID_MS)}}
EVENT_BRIDGE = {
    "version": "0",
    "id": "e",
    "detail-type": "sale",
    "source": "venue",
    "time": SAID,
    "region": "eu-west-1",
}
CLOUD_EVENT = {"specversion": "1.0", "id": "c", "type": "sale", "source": "/venue", "time": SAID}
BUSES = {
    "SNS": SNS | {"Message": d.compact(TICKET)},
    "SNS to a function": {"Records": [{"EventSource": "aws:sns", "Sns": SNS | {"Message": d.compact(TICKET)}}]},
    "SQS": {"Records": [SQS | {"body": d.compact(TICKET)}]},
    "SNS in SQS": {"Records": [{"messageId": "m", "body": d.compact(SNS | {"Message": json.dumps(TICKET, indent=1)})}]},
    "EventBridge": EVENT_BRIDGE | {"detail": TICKET},
    "a request in EventBridge": EVENT_BRIDGE | {"detail": {"headers": {"a": "b"}, "body": d.compact(TICKET)}},
    "EventBridge in SNS in SQS": {
        "Records": [{"body": d.compact(SNS | {"Message": d.compact(EVENT_BRIDGE | {"detail": TICKET})})}]
    },
    "CloudEvents": CLOUD_EVENT | {"datacontenttype": "application/json", "data": TICKET},
    "CloudEvents, a batch": [CLOUD_EVENT | {"data": TICKET}],
    "CloudEvents, text": CLOUD_EVENT | {"data": d.compact(TICKET)},
    "CloudEvents, base64": CLOUD_EVENT | {"data": None, "data_base64": base64_of(TICKET)},
    "Event Grid": [{"id": "g", "eventType": "sale", "subject": "s", "eventTime": SAID, "data": TICKET}],
    "Pub/Sub": {"message": {"data": base64_of(TICKET), "messageId": "1", "publishTime": SAID}, "subscription": "s"},
    "Kinesis": {"Records": [{"kinesis": {"data": base64_of(TICKET), "approximateArrivalTimestamp": SAID_MS / 1000}}]},
    "Firehose": {"records": [{"recordId": "1", "data": base64_of(TICKET), "approximateArrivalTimestamp": SAID_MS}]},
    "API Gateway": {
        "requestContext": {"timeEpoch": SAID_MS, "time": "01/May/2024:10:00:00 +0000"},
        "headers": {"content-type": "application/json"},
        "body": base64_of(TICKET),
        "isBase64Encoded": True,
    },
    "a gateway that keeps the request apart": {"id": "evt", "time": SAID, "data": {"headers": {}, "body": TICKET}},
    "a log shipper": {"timestamp": SAID, "host": "h", "message": d.compact(TICKET)},
}


@pytest.mark.parametrize("bus", BUSES)
def test_what_queues_and_event_buses_put_around_it(tmp_path: Path, bus: str) -> None:
    (row,) = d.read(tmp_path, {"20200101T000000Z": d.compact(BUSES[bus]).encode()})
    assert row["reason"] is None and d.documents([row]) == [TICKET]
    assert (row["received_at"].isoformat(timespec="milliseconds"), row["received_at_basis"]) == (
        "2024-05-01T10:00:00.123+00:00",
        "envelope",
    )


def test_a_batch_of_a_queue_is_read_one_by_one(tmp_path: Path) -> None:
    items = d.payloads(4)
    bodies = [d.compact(SNS | {"Message": d.compact(item)}) for item in items]
    bodies[1] = bodies[1][:100]
    found = d.read(tmp_path, {"a": d.compact({"Records": [SQS | {"body": body} for body in bodies]}).encode()})
    assert d.documents(found) == [items[0], items[2], items[3]]
    assert [row["outcome"] for row in found].count("refused") == 1


@pytest.mark.parametrize(
    "said",
    [
        {"message": "Forbidden"},
        {"detail": "Not found."},
        {"data": 5},
        {"Records": None},
        {"message": "abcd"},
        {"data": {}},
    ],
)
def test_a_sentence_is_no_envelope(tmp_path: Path, said: dict[str, Any]) -> None:
    (row,) = d.read(tmp_path, {"a": d.compact(said).encode()})
    assert (row["outcome"], row["reason"]) == ("refused", "no known shape")


@pytest.mark.parametrize("field", ["payload", "body", "data"])
def test_a_form_field_may_hold_the_payload(tmp_path: Path, field: str) -> None:
    alone = urlencode({field: d.compact(TICKET)})
    bodies = [
        alone,
        urlencode({"token": "t", field: d.compact(TICKET), "timestamp": SAID}),
        d.compact({"headers": {}, "body": alone}),
        d.compact({"body": base64.b64encode(alone.encode()).decode(), "isBase64Encoded": True}),
    ]
    found = d.read(tmp_path, {"a": "\n".join(bodies).encode()})
    assert d.documents(found) == [TICKET] * len(bodies)
    assert found[1]["received_at"].isoformat(timespec="seconds") == "2024-05-01T10:00:00+00:00"


def test_a_body_of_several_payloads(tmp_path: Path) -> None:
    items = d.payloads(5)
    bodies = [d.compact(items[:2]), "\n".join(map(d.compact, items[2:])), items]
    found = d.read(tmp_path, {"a": "\n".join(d.compact({"body": body}) for body in bodies).encode()})
    assert d.documents(found) == items + items
    assert [row["position"] for row in found] == list(range(10))
    assert len({row["record_id"] for row in found}) == 10


def test_one_bad_request_costs_one(tmp_path: Path) -> None:
    items = d.payloads(4)
    bad = d.compact(items[1])[:-1] + ',"Id":5}'
    for name, bodies in {
        "text": [json.dumps(bad if n == 1 else d.compact(item)) for n, item in enumerate(items)],
        "objects": [bad if n == 1 else d.compact(item) for n, item in enumerate(items)],
        "surrogate": ['{"Id":1,"Barcode":"\\ud800"}' if n == 1 else d.compact(item) for n, item in enumerate(items)],
    }.items():
        content = '{"exported_at": 1, "requests": [' + ", ".join(f'{{"body": {body}}}' for body in bodies) + "]}"
        found = d.read(tmp_path / name, {"export": content.encode()})
        assert [row["outcome"] for row in found] == ["loaded", "refused", "loaded", "loaded"], name
        assert d.documents(found) == [items[0], *items[2:]]


@pytest.mark.parametrize("content", ['{"body": null}', '{"payload": "", "eventType": "ping"}'])
def test_an_empty_envelope_is_told(tmp_path: Path, content: str) -> None:
    (row,) = d.read(tmp_path, {"a": content.encode()})
    assert row["reason"] == "no known shape: the envelope is empty"


@pytest.mark.parametrize("content", ["pong", '"pong"', "123", "null", '{"ok": true}', '{"body": "pong"}'])
def test_what_is_no_payload_is_refused(tmp_path: Path, content: str) -> None:
    (row,) = d.read(tmp_path, {"a": content.encode()})
    assert row["outcome"] == "refused"


@pytest.mark.parametrize("webhook", [name for name in d.MAKERS if name != "invoice_with_details"])
@pytest.mark.parametrize("form", [False, True])
def test_zapier_is_put_back(tmp_path: Path, webhook: str, form: bool) -> None:
    payload = d.MAKERS[webhook](random.Random(4), 5)
    flat = flatten(payload)
    if form:
        texts = {key: "" if value is None else str(value) for key, value in flat.items()}
        contents = [urlencode(texts), d.compact({"body": urlencode(texts)})]
        texts = {key: None if value == "" else value for key, value in texts.items()}
        expected = [json.loads(json.dumps(payload), parse_int=str, parse_float=str)]
    else:
        contents, expected = [d.compact(flat | {"id": "zap_1", "querystring__a": 1})], [payload]
    for number, content in enumerate(contents):
        found = d.read(tmp_path / str(number), {"a": content.encode()})
        assert [row["webhook"] for row in found] == [webhook], found[0]["reason"]
        assert {key: value for key, value in flatten(d.documents(found)[0]).items() if key in flat} == (
            texts if form else flatten(expected[0])
        )


@pytest.mark.parametrize(
    "flat",
    [
        {"Tickets": "1,2", "Amount__Total": 5},
        {"Tickets__Id": "1,2"},
        {"Tickets[]Id": "1,2", "Buyer__Id": 1},
        {"Tickets[]Id": "1"},
    ],
)
def test_a_flattened_list_cannot_be_put_back(tmp_path: Path, flat: dict[str, Any]) -> None:
    payload = {"Id": 5, "InvoiceType": "Sale", "Amount": {"Total": 5}, **flat}
    (row,) = d.read(tmp_path, {"a": d.compact(payload).encode()})
    assert row["outcome"] == "refused"
    assert row["reason"].startswith(("a list joined into text", "not a list: Tickets"))


def test_two_values_for_one_flattened_key(tmp_path: Path) -> None:
    payload = flatten(TICKET) | {"Event": {"EventId": 1}, "Event__EventId": 2}
    (row,) = d.read(tmp_path, {"a": d.compact(payload).encode()})
    assert row["reason"] == "two values for one key: Event"
