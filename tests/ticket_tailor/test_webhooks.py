"""Webhooks of a box office, from files to raw, and what reads make of them."""

import base64
import dataclasses
import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw.account import Loaded, Reading
from boxoffice.run import accounts
from boxoffice.settings import BoxOffice, Settings, load_settings
from boxoffice.ticket_tailor import buffer, pages, state
from boxoffice.ticket_tailor.account import TicketTailorAccount
from boxoffice.ticket_tailor.packages import TABLES
from sandbox import ticket_tailor_webhooks as sandbox
from sandbox.tailor_order import FIRST_ORDER
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import HOUR, Warehouse, truth

Json = dict[str, Any]
AT = 1_700_000_000
ORDER = {"object": "order", "id": "or_1", "created_at": AT, "total": 1000, "line_items": [], "url": "https://x/y"}


def webhook(payload: Json | None = None, at: int = AT, number: int = 1, event: str = "ORDER.UPDATED") -> bytes:
    """A body as the platform sends it."""
    return (
        json.dumps(
            {
                "id": f"wh_{number}",
                "created_at": f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S}",
                "event": event,
                "resource_url": "http://127.0.0.1:1/nobody-asks-for-it",
                "payload": payload or ORDER,
            }
        )
        .replace("/", r"\/")
        .encode()
    )


def line(body: bytes, /, **other: Any) -> bytes:
    """The envelope of a body, signed."""
    return orjson.dumps(sandbox.envelope(sandbox.Delivery(AT + 1, sandbox.Sent(AT, "", body))) | other) + b"\n"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read(folder: Path, *secrets: str, **bounds: int) -> list[Json]:
    """The rows that a buffer's files make, in the order of their places."""
    office = BoxOffice("hall", "sk", buffer=str(folder), settle_seconds=0, webhook_secret=secrets, **bounds)
    plan = buffer.plan(office, folder / "none.duckdb")
    rows = [row for package in plan.packages() for row in package.records.to_pylist()]
    assert plan.unreadable == []
    return sorted(rows, key=lambda row: (row["file"], row["position"]))


def test_a_webhook_has_the_document_that_its_list_shows(tmp_path: Path) -> None:
    put(tmp_path, "2023-11-14/1.jsonl", line(webhook()))
    [row] = read(tmp_path, sandbox.SECRET)
    [[listed], _, _] = pages.read_page(json.dumps({"data": [ORDER]}).encode(), 100)
    assert (row["list"], row["id"], row["created_at"]) == ("orders", "or_1", AT)
    assert (row["document"].encode(), row["document_hash"]) == (listed.text, listed.hash)
    assert (row["webhook_id"], row["event"], row["outcome"]) == ("wh_1", "ORDER.UPDATED", "loaded")
    assert row["sent_at"].timestamp() == AT
    assert (row["received_at"].timestamp(), row["received_at_basis"]) == (AT + 1, "envelope")


@pytest.mark.parametrize(
    "content",
    [
        line(webhook()),
        line(webhook()) * 2,
        line(webhook(), encoding="base64", body=base64.b64encode(webhook()).decode()),
        gzip.compress(line(webhook())),
        json.dumps(json.loads(line(webhook())), indent=2).encode(),
        b"\n\n" + line(webhook()).rstrip(b"\n"),
    ],
    ids=["a line", "twice", "base64", "gzip", "indented", "no end"],
)
def test_the_same_version_however_it_is_written(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / "one", "a.jsonl", line(webhook()))
    put(tmp_path / "other", "b.jsonl", content)
    [expected] = read(tmp_path / "one", sandbox.SECRET)
    found = read(tmp_path / "other", "another", sandbox.SECRET)
    assert {row["version_id"] for row in found} == {expected["version_id"]}


def test_without_a_secret_a_bare_webhook_will_do(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", webhook() + b"\n" + line(webhook(number=2), signature=None))
    assert [row["outcome"] for row in read(tmp_path)] == ["loaded", "loaded"]
    assert [row["outcome"] for row in read(tmp_path, sandbox.SECRET)] == ["refused", "refused"]


FUTURE = int(dt.datetime.now(dt.UTC).timestamp()) + 3600
BAD: dict[str, tuple[bytes, str]] = {
    "cut": (line(webhook())[:200], "truncated"),
    "no JSON": (b"hello\n", "not JSON"),
    "no UTF-8": (b'{"body": "\xff"}\n', "not UTF-8"),
    "nothing known": (b'{"a": 1}\n', "the signature"),
    "another signature": (line(webhook(), signature=sandbox.signature(webhook(), AT, "else")), "the signature"),
    "no signature": (line(webhook(), signature=None), "the signature"),
    "another body": (line(webhook(), body=webhook(number=2).decode()), "sha256 is another"),
    "no base64": (line(webhook(), encoding="base64"), "not base64"),
    "an encoding": (line(webhook(), encoding="rot13"), "no known envelope"),
    "no event": (line(b'{"id": "wh_1", "payload": {}}'), "no event or no payload"),
    "no time": (line(webhook().replace(b'"2023-', b'"soon ')), "created_at is no time"),
    "the future": (line(webhook(at=FUTURE)), "in the future"),
    "no id": (line(webhook().replace(b'"wh_1"', b"null")), "id is missing"),
    "no object": (line(webhook([1])), "not an object"),  # type: ignore[arg-type]
    "an amount": (line(webhook({**ORDER, "total": "0.1234567890123456789"})), "money is not exact"),
    "a key twice": (line(webhook().replace(b'"total": 1000', b'"total": 1, "total": 2')), "repeated key"),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_refused_is_kept_and_harms_no_neighbour(tmp_path: Path, bad: str) -> None:
    content, reason = BAD[bad]
    neighbours = [line(webhook(number=number)) for number in (11, 12)]
    put(tmp_path, "a.jsonl", neighbours[0] + content.rstrip(b"\n") + b"\n" + neighbours[1])
    before, row, after = read(tmp_path, sandbox.SECRET)
    assert (before["webhook_id"], after["webhook_id"]) == ("wh_11", "wh_12")
    assert row["outcome"] == "refused" and reason in row["reason"]
    assert row["raw"] == content.strip() and row["document"] is None


def test_a_line_without_end_is_refused_with_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.raw.file_store.WHOLE", 1_000_000)
    put(tmp_path, "a.jsonl", line(webhook()) + b"x" * 9_000_000 + b"\n" + line(webhook(number=2)))
    first, long, last = read(tmp_path, max_record_mb=1)
    assert (first["webhook_id"], last["webhook_id"]) == ("wh_1", "wh_2")
    assert "longer than" in long["reason"] and len(long["raw"]) == 2**16


def test_of_many_refused_lines_the_number_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", b"{}\n" * 9 + line(webhook()))
    *refused, loaded, more = read(tmp_path, max_refused=4)
    assert [row["position"] for row in refused] == [0, 1, 2, 3]
    assert (loaded["webhook_id"], loaded["position"]) == ("wh_1", 9)
    assert more["reason"] == "and 5 more of this file; max_refused is 4"


def test_events_of_a_new_kind_are_kept_whole(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", line(webhook({"anything": True}, event="PARKING.SOLD")))
    [row] = read(tmp_path)
    assert (row["outcome"], row["list"], row["event"]) == ("loaded", None, "PARKING.SOLD")
    assert json.loads(row["document"])["payload"] == {"anything": True}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[TicketTailorApi, BoxOffice, Path]]:
    """A box office that stands still, with a buffer."""
    with TicketTailorApi(Venue(1, orders=20, days=20, late=False)) as api:
        folder = tmp_path / "buffer"
        folder.mkdir()
        yield api, BoxOffice("main", api.key, api.url, buffer=str(folder), settle_seconds=0), folder


def test_a_read_that_shows_what_was_before_a_webhook_is_a_version(
    quick: Warehouse, office: tuple[TicketTailorApi, BoxOffice, Path]
) -> None:
    api, hall, folder = office
    quick.load(api, hall)
    read_at = api.now
    document = truth(api, "orders")[f"or_{FIRST_ORDER + 2}"]
    put(folder, "a.jsonl", line(webhook(document | {"refund_amount": 7}, at=read_at + 60)))
    put(folder, "b.jsonl", line(webhook(document, at=read_at + 30, number=2)))
    assert quick.load_webhooks(hall) == 2
    # within 5 s of the webhook a read says nothing
    assert quick.load(api, hall, now=read_at + 64, full=True).rows.get("orders") is None
    assert quick.load(api, hall, now=read_at + 66, full=True).rows == {"orders": 1}
    assert quick.load(api, hall, now=read_at + 90, full=True).rows == {}
    assert quick.newest("orders")[document["id"]] == document


def test_what_only_webhooks_have_shown_and_no_read_lists_is_missing(
    quick: Warehouse, office: tuple[TicketTailorApi, BoxOffice, Path]
) -> None:
    api, hall, folder = office
    quick.load(api, hall)
    newest = max(order["created_at"] for order in truth(api, "orders").values())
    gone = ORDER | {"id": "or_gone", "created_at": newest - 1}
    put(folder, "a.jsonl", line(webhook(gone, at=api.now - 60)))
    put(
        folder,
        "b.jsonl",
        line(webhook({"id": "ev_gone", "created_at": api.now - HOUR}, api.now - 60, 2, "EVENT.CREATED")),
    )
    put(folder, "c.jsonl", line(webhook({"id": "ev_deleted"}, api.now - 60, 3, "EVENT.DELETED")))
    quick.load_webhooks(hall)
    assert quick.load(api, hall, full=True).rows == {"orders": 1, "events": 1}
    assert (quick.missing("orders"), quick.missing("events")) == ({"or_gone"}, {"ev_gone"})
    assert quick.load(api, hall, full=True).rows == {}


def test_a_file_that_grows_is_read_again(quick: Warehouse, office: tuple[TicketTailorApi, BoxOffice, Path]) -> None:
    api, hall, folder = office
    quick.load(api, hall)
    whole = line(webhook()) + line(webhook(number=2))
    put(folder, "a.jsonl", whole[:-100])
    assert quick.load_webhooks(hall) == 2
    assert quick.load_webhooks(hall) == 0
    put(folder, "a.jsonl", whole)
    quick.load_webhooks(hall)
    rows = quick.query("select position, outcome, file_size from raw_ticket_tailor.webhooks order by all")
    # what was cut stays as a record of what the file held then
    size = len(whole)
    assert rows == [(0, "loaded", size), (1, "loaded", size), (1, "refused", size - 100)]


def test_a_run_loads_webhooks_and_reads_no_more_than_it_would(
    tmp_path: Path, office: tuple[TicketTailorApi, BoxOffice, Path]
) -> None:
    api, hall, folder = office
    settings = Settings(tmp_path / "data", box_offices=(hall,))
    settings.data_dir.mkdir()
    put(folder, "2025-12-31/first.jsonl", line(webhook(number=9)))
    # a key that is refused keeps no webhook from being loaded, and all tables are there for the models
    loaded = Loaded()
    with pytest.raises(Problem, match="key"):
        TicketTailorAccount(settings, dataclasses.replace(hall, api_key="sk_else")).load(Reading(), loaded, print)
    assert loaded.news == {"webhooks": 1}
    accounts.make_missing_tables(settings)
    assert state.tables(settings.warehouse).issuperset(TABLES)

    account = TicketTailorAccount(settings, hall)
    account.load(Reading(), Loaded(), print)
    before = api.count()
    assert not account.look(Reading(sweep=True)).due
    idle = api.count() - before

    put(folder, "2026-01-01/a.jsonl", line(webhook()) + line(webhook(number=2), sha256="0"))
    before = api.count()
    assert account.look(Reading()).due
    loaded = Loaded()
    account.load(Reading(), loaded, print)
    assert api.count() - before == idle
    assert (loaded.news, loaded.refused) == ({"webhooks": 2}, 1)
    assert loaded.newest_webhook == dt.datetime.fromtimestamp(AT + 1, dt.UTC)
    look = account.look(Reading(sweep=True))
    assert (look.due, look.newest_webhook) == (False, loaded.newest_webhook)

    # webhooks that cannot be read keep no list from being read, and are an error all the same
    lost = TicketTailorAccount(settings, dataclasses.replace(hall, buffer=str(tmp_path / "nowhere")))
    with pytest.raises(Problem, match="Ticket Tailor box office main: there is no folder"):
        lost.look(Reading())
    lost, loaded = TicketTailorAccount(settings, lost.office), Loaded()
    with pytest.raises(Problem, match="there is no folder"):
        lost.load(Reading(full=True), loaded, print)
    assert loaded.rows["coverage"] > 0
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        kept = "select outcome, sha256(raw) from raw_ticket_tailor.webhooks where outcome = 'refused'"
        assert db.execute(kept).fetchall() == [
            ("refused", hashlib.sha256(line(webhook(number=2), sha256="0").strip()).hexdigest())
        ]


def test_settings(tmp_path: Path) -> None:
    office = {"TICKET_TAILOR__BOX_OFFICES__HALL__API_KEY": "sk", "TICKET_TAILOR__BOX_OFFICES__HALL__BUFFER": "hooks"}
    secrets = "TICKET_TAILOR__BOX_OFFICES__HALL__WEBHOOK_SECRET"
    [hall] = load_settings({**office, secrets: "new, old"}, tmp_path).box_offices
    assert (hall.buffer, hall.webhook_secret) == (str(tmp_path / "hooks"), ("new", "old"))
    assert "new" not in repr(hall)
    with pytest.raises(ConfigProblem, match="one of them is empty"):
        load_settings({**office, secrets: "new,"}, tmp_path)
    with pytest.raises(ConfigProblem, match=r"is inside the folder of \[ticket_tailor.box_offices.hall\]"):
        load_settings({**office, "TICKETOR_BUFFER": str(tmp_path / "hooks" / "inner")}, tmp_path)
