"""What anyone may send or put into a buffer: it costs itself alone, a bounded time and a bounded memory."""

import gc
import gzip
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxoffice.raw import file_store
from boxoffice.raw.file_store import NotYet
from boxoffice.raw.validation import InvalidDocument
from boxoffice.settings import Site
from boxoffice.ticketor import archive_format, buffer, envelopes
from boxoffice.ticketor.records import KEPT_BYTES
from tests.ticketor import deliveries as d
from tests.ticketor.conftest import Venue

MB = 2**20
FIRST, LAST = (d.compact(d.invoice(random.Random(n), n) | {"Notes": ""}).encode() for n in (1, 2))
USER = d.compact(d.user(random.Random(5), 5) | {"FirstName": "", "LastName": ""}).encode()


def many(piece: bytes, size: int = MB // 2) -> bytes:
    return piece * (size // len(piece))


def nested_bodies() -> bytes:
    """Nine hundred members of one name around a long text, before the wrapper's own."""
    inner = b'{"body":' * 900 + b'"' + b"x" * MB + b'"' + b"}" * 900
    return b'{"q":' + inner + b',"body":' + USER + b"}"


# Each took longer than ten seconds for 128 kB, or came near to it, when every guess looked at all that follows.
SLOW: dict[str, bytes] = {
    "quotes that are not closed": b'{"a' + many(b'\\"', MB // 8),
    "objects that open in each line": many(b'{"a":\n'),
    "broken lines": many(b"{x}\n"),
    "indented objects that are not closed": many(b'{\n "Id": 1,\n "x": {\n'),
    "truncated objects between whole ones": many(USER[:30] + USER),
    "truncated elements of a list": b"[" + many(USER[:30] + b"," + USER + b","),
    "broken elements in lines": b"[\n" + many(b'{"Id":1,"a"},\n'),
    "objects that open in a wrapped text": b'{"body":"' + many(b'{\\"a\\":') + b'"}',
    "brackets that close a wrapped list": b'{"requests":[' + many(b"],"),
    "wrappers in wrappers": nested_bodies(),
    "lists in lists": many(b'[{"a":'),
    "many objects in a line": many(b"{}", MB // 8),
    "blanks": many(b" ", 8 * MB),
    "form fields": many(b"a=1&") + b"{",
}


@pytest.mark.parametrize("name", SLOW)
def test_any_text_is_read_in_a_bounded_time_and_harms_no_other_line(tmp_path: Path, name: str) -> None:
    content = FIRST + b"\n" + SLOW[name] + b"\n" + LAST + b"\n"
    began = time.process_time()
    found = d.read(tmp_path, {"file": content})
    assert time.process_time() - began < 3
    loaded = [row["document"].encode() for row in found if row["outcome"] == "loaded"]
    assert loaded[0] == FIRST
    if name not in ("truncated elements of a list", "brackets that close a wrapped list", "lists in lists"):
        assert loaded[-1] == LAST  # a list that does not end takes what follows for its elements
    assert len(found) - len(loaded) <= 1_001


def test_a_gzip_file_of_many_members_is_read_in_a_bounded_time(tmp_path: Path) -> None:
    began = time.process_time()
    found = d.read(tmp_path, {"file": many(gzip.compress(b""), MB) + gzip.compress(USER)})
    assert time.process_time() - began < 3
    assert [row["outcome"] for row in found] == ["loaded"]


@pytest.mark.parametrize(
    "number", [b"1e1000000000000000000", b"9" * 4301, b"0." + b"1" * 500, b"1.0000000000000001e-401"]
)
@pytest.mark.parametrize("around", ["lines", "list", "together", "wrapper"])
def test_a_number_that_is_too_long_costs_its_record_alone(venue: Venue, number: bytes, around: str) -> None:
    poison = b'{"Id":3,"InvoiceType":"Sale","Amount":{"Total":' + number + b"}}"
    records = [FIRST, poison, LAST]
    content = {
        "lines": b"\n".join(records),
        "list": b"[" + b", ".join(records) + b"]",
        "together": b"".join(records),
        "wrapper": b'{"requests": [' + b",".join(b'{"body": ' + each + b"}" for each in records) + b"]}",
    }[around]
    found = d.read(venue.files, {"file": content})
    assert [row["outcome"] for row in found] == ["loaded", "refused", "loaded"], found
    assert d.documents(found) == [json.loads(FIRST), json.loads(LAST)]
    assert found[1]["reason"] in ("number is too long", "number is not finite")
    if around == "lines" and number == b"9" * 4301:
        assert venue.load().refused == 1
        assert venue.plan(sweep=True).is_empty


def test_what_no_one_foresaw_costs_its_record_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join([FIRST, b'{"body": "Q", "timestamp": 1}', b"{broken", LAST])

    def fail(*_: object) -> None:
        raise KeyError("a defect of ours")

    monkeypatch.setattr(envelopes, "_received_at", fail)
    found = d.read(tmp_path, {"file": content})
    assert [row["outcome"] for row in found] == ["loaded", "refused", "refused", "loaded"]
    assert found[1]["reason"] == "could not be read: KeyError"
    monkeypatch.setattr("boxoffice.ticketor.splitter._Splitter._broken", fail)
    found = d.read(tmp_path, {"file": content})
    assert [row["reason"] for row in found] == [None, *["could not be read: KeyError"] * 2, None]


def test_a_refused_record_is_not_kept_alive(tmp_path: Path) -> None:
    def alive() -> int:
        return sum(isinstance(each, (InvalidDocument, json.JSONDecodeError)) for each in gc.get_objects())

    gc.collect()
    before = alive()  # what earlier tests of this process keep
    gc.disable()
    try:
        d.read(tmp_path, {"file": many(USER[:40] + b"\n", 4_000) + many(b'{"body": "{"}\n', 1_000) + b"[1, {]"})
        assert alive() <= before
    finally:
        gc.enable()


def test_an_element_that_is_nested_deeply_keeps_its_bytes(tmp_path: Path) -> None:
    """Also where it is one level too deep for one parser and not for the other."""
    deep = [b'{ "Id": 7, "SignupDate": ' + b"[" * depth + b"]" * depth + b"}" for depth in range(880, 1_030)]
    found = d.read(tmp_path, {f"{n:03}": b"[ " + each + b" , " + USER + b"]" for n, each in enumerate(deep)})
    kept = [row["document"] or row["raw"].decode() for row in found]
    assert kept == [text for each in deep for text in (each.decode(), USER.decode())]


# bounds


def test_refused_records_beyond_a_bound_are_counted(venue: Venue) -> None:
    content = b"{}\n" * 30 + USER + b"\n" + b"{}\n" * 20
    found = d.read(venue.files, {"file": content}, max_refused=10)
    assert [row["outcome"] for row in found] == ["refused"] * 10 + ["loaded", "refused"]
    assert found[-1]["reason"] == "and 40 more of this file; max_refused is 10"
    everything = d.rows(venue.files)
    loaded = [(row["position"], row["record_id"]) for row in [*found, *everything] if row["outcome"] == "loaded"]
    assert loaded[0] == loaded[1] and loaded[0][0] == 30, "the bound changes no other record"


def test_a_record_that_is_too_long_is_refused(tmp_path: Path) -> None:
    long = USER[:-1] + b',"Notes":"' + b"x" * MB + b'"}'
    found = d.read(tmp_path, {"file": b"\n".join([FIRST, long, LAST]), "alone": long}, max_record_mb=1)
    assert [row["outcome"] for row in found] == ["refused", "loaded", "refused", "loaded"]
    assert {row["reason"] for row in found if row["outcome"] == "refused"} == {
        f"longer than 1 MB, which is max_record_mb (of {len(long)} bytes the first {KEPT_BYTES} are kept)"
    }


def test_a_record_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "WHOLE", MB)
    endless = b'{"Id": 3, "Notes": "' + b"x" * (6 * MB)
    found = d.read(tmp_path, {"file": FIRST + b"\n" + endless + b"\n" + LAST}, max_record_mb=2)
    assert d.documents(found) == [json.loads(FIRST), json.loads(LAST)]
    assert 2 <= len(found) - 2 <= 4 and {len(row["raw"]) for row in found if row["raw"]} <= {
        KEPT_BYTES,
        *range(KEPT_BYTES),
    }


def test_a_file_that_is_too_large_is_refused_once(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    large = venue.put("large.json", USER)
    with large.open("r+b") as file:
        file.truncate(10 * 2**30)
    os.utime(large, (d.OLD, d.OLD))
    venue.put("small.json", USER)
    monkeypatch.setattr(file_store.os, "pread", None)  # nothing of a large file is read
    assert venue.load().refused == 1
    refused, loaded = venue.rows()
    assert refused["reason"] == "file is larger than 256 MB and was not read: raise max_file_mb, then touch the file"
    assert loaded["outcome"] == "loaded"
    assert venue.plan(sweep=True).is_empty


def test_a_gzip_file_that_unfolds_too_far_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * (40 * MB))
    assert len(bomb) < 50_000
    began = time.process_time()
    found = d.read(tmp_path, {"bomb": bomb, "many": gzip.compress(many(USER + b"\n", 3 * MB))})
    assert time.process_time() - began < 3
    assert [row["outcome"] for row in found[:2]] == ["refused", "loaded"]
    assert found[0]["reason"] == "gzip file unfolds too far: to more than 16 MB (max_inflated_mb, max_inflation)"
    assert len(found) == 1 + 3 * MB // (len(USER) + 1)


# links, and what is put in a file's place


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    d.put(place, "secret.json", USER)
    return place


def links_to(outside: Path, venue: Venue) -> None:
    venue.put("day/good.json", FIRST)
    (venue.files / "day" / "link.json").symlink_to(outside / "secret.json")
    (venue.files / "folder").symlink_to(outside)


def test_links_are_not_followed_and_every_run_says_so(venue: Venue, outside: Path) -> None:
    links_to(outside, venue)
    for _ in range(2):
        assert venue.load().messages == [
            "2 links are not followed: what lies outside the buffer is not read. Move the files into it, or set "
            "follow_links for this site, which reads what belongs to this user or to root."
        ]
    assert [row["file"] for row in venue.rows()] == ["day/good.json"]
    assert venue.plan().is_empty


def test_links_are_followed_where_that_is_set_to_what_is_ours(
    venue: Venue, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links_to(outside, venue)
    site = Site("arena", str(venue.files), settle_seconds=0, follow_links=True)

    def files() -> tuple[list[str], list[str]]:
        plan = buffer.plan(site, venue.settings.warehouse)
        read = dict(plan.store.read(plan.new, time.time_ns))
        return sorted(path for path, content in read.items() if not isinstance(content, Exception)), plan.messages

    assert files() == (["day/good.json", "day/link.json", "folder/secret.json"], [])
    monkeypatch.setattr(file_store, "_is_ours", lambda _found: False)
    found, told = files()
    assert found == ["day/good.json"] and told[0].startswith("2 links are not followed")


@pytest.mark.parametrize("place", ["link", "fifo", "folder", "linked folder"])
def test_what_takes_a_files_place_after_it_was_listed_is_not_read(venue: Venue, outside: Path, place: str) -> None:
    path = venue.put("day/secret.json", FIRST)
    plan = venue.plan()
    path.unlink()
    if place == "link":
        path.symlink_to(outside / "secret.json")
    elif place == "fifo":
        os.mkfifo(path)  # to open it would wait for a writer
    elif place == "folder":
        path.mkdir()
    else:
        path.parent.rmdir()
        path.parent.symlink_to(outside)
    ((_, content),) = plan.store.read(plan.new, time.time_ns)
    assert isinstance(content, NotYet)


@pytest.mark.parametrize(
    "change",
    [
        lambda member: member | {"file": "../../outside/secret.json"},
        lambda member: member | {"file": "/etc/passwd"},
        lambda member: member | {"size": 3},
        lambda member: member | {"mtime_ns": 2**63},
        lambda member: member | {"text": 3},
        lambda member: [member],
        lambda member: {},
    ],
)
def test_an_archive_that_no_archiving_wrote_is_damaged(venue: Venue, change: Callable[[dict[str, Any]], Any]) -> None:
    member = {"file": "a.json", "size": len(USER), "mtime_ns": 1, "text": USER.decode()}
    archive = venue.files / archive_format.FOLDER / "2026-11-01.jsonl.gz"
    archive.parent.mkdir()
    archive.write_bytes(gzip.compress(json.dumps(member).encode() + b"\n" + json.dumps(change(member)).encode()))
    plan = venue.plan()
    assert plan.new.paths == ["a.json"] and "an archive is damaged" in plan.messages[0]


def test_an_archive_is_no_link(venue: Venue, outside: Path) -> None:
    member = {"file": "a.json", "size": len(USER), "mtime_ns": 1, "text": USER.decode()}
    (outside / "2026-11-01.jsonl.gz").write_bytes(gzip.compress(json.dumps(member).encode()))
    (venue.files / archive_format.FOLDER).symlink_to(outside)
    assert not venue.plan().new.paths
    (venue.files / archive_format.FOLDER).unlink()
    (venue.files / archive_format.FOLDER).mkdir()
    (venue.files / archive_format.FOLDER / "2026-11-01.jsonl.gz").symlink_to(outside / "2026-11-01.jsonl.gz")
    assert not venue.plan().new.paths
