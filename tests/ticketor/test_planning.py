"""Which files are new: nothing is missed, nothing is read twice for nothing, nothing half written is read."""

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from boxoffice.errors import Problem
from boxoffice.raw import file_store, planning
from boxoffice.raw.account import Reading
from boxoffice.settings import Site
from boxoffice.ticketor import buffer
from boxoffice.ticketor.account import TicketorAccount
from tests.ticketor import deliveries as d
from tests.ticketor.conftest import Venue

LONG_AGO = time.time() - 1_000


def age(folder: Path, moment: float = LONG_AGO) -> None:
    """Makes every folder look as if nothing had happened in it since."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            os.utime(path, (moment, moment))


def names(plan: planning.Plan) -> list[str]:
    return sorted(plan.new.paths)


def test_a_loaded_file_is_not_new(venue: Venue) -> None:
    venue.put("2024/05/a.json", d.user(random.Random(1), 1))
    assert not venue.plan().is_empty
    venue.load()
    assert venue.plan().is_empty and venue.plan(sweep=True).is_empty
    assert venue.load().rows.get("records", 0) == 0


def test_an_empty_buffer_makes_the_tables_and_is_then_nothing_new(venue: Venue) -> None:
    assert not venue.plan().is_empty
    venue.load()
    assert venue.plan().is_empty
    assert venue.rows() == [] and venue.query("select count(*) as n from raw_ticketor.folders")


def test_no_time_of_a_file_hides_it(venue: Venue) -> None:
    venue.put("a.json", d.user(random.Random(1), 1), time.time() + 10**7)
    venue.load()
    for number, mtime in enumerate((0, 1_000_000_000, time.time() + 10**8, 253_402_300_799), start=2):
        venue.put(f"{number}.json", d.user(random.Random(1), number), mtime)
    assert names(venue.plan()) == ["2.json", "3.json", "4.json", "5.json"]
    venue.load()
    assert {row["payload_id"] for row in venue.rows()} == {1, 2, 3, 4, 5}
    assert venue.plan().is_empty


def test_unchanged_folders_are_not_listed_and_changed_ones_are(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 6):
        venue.put(f"2024/05/{day:02}/a.json", d.user(random.Random(day), day))
    age(venue.files)
    venue.load()
    listed: list[str] = []
    one = file_store.LocalFolder._list_one
    monkeypatch.setattr(
        file_store.LocalFolder,
        "_list_one",
        lambda self, folder, *rest: (listed.append(folder), one(self, folder, *rest))[1],
    )
    assert venue.plan().is_empty and listed == []
    venue.put("2024/05/03/b.json", d.user(random.Random(1), 9), mtime=5)
    assert names(venue.plan()) == ["2024/05/03/b.json"] and listed == ["2024/05/03"]
    listed.clear()
    venue.put("2024/06/01/c.json", d.user(random.Random(1), 10))
    assert names(venue.plan()) == ["2024/05/03/b.json", "2024/06/01/c.json"]
    assert set(listed) == {"2024", "2024/05/03", "2024/06", "2024/06/01"}


def test_a_folder_that_has_just_changed_is_listed_again(venue: Venue) -> None:
    venue.put("day/a.json", d.user(random.Random(1), 1))
    venue.load()  # the folder's time is now: a file may still land in it without moving it
    held = (venue.files / "day").stat().st_mtime_ns
    venue.put("day/b.json", d.user(random.Random(1), 2))
    os.utime(venue.files / "day", ns=(held, held))
    assert names(venue.plan()) == ["day/b.json"]


def test_unfinished_names_wait(venue: Venue) -> None:
    unfinished = ["a.json.part", "a.tmp", "a.crdownload", ".a.json", "_a.json", ".hidden/a.json", "_x/a.json"]
    paths = [venue.put(name, d.user(random.Random(1), number)) for number, name in enumerate(unfinished)]
    assert names(venue.plan()) == names(venue.plan(sweep=True)) == []
    for number, path in enumerate(paths):
        path.rename(venue.files / f"finished-{number}.json")
    assert len(names(venue.plan())) == len(unfinished)


def test_young_files_wait_until_they_have_settled(venue: Venue) -> None:
    venue.settle_seconds = 50
    venue.put("day/young.json", d.user(random.Random(1), 1), time.time() - 10)
    venue.put("day/settled.json", d.user(random.Random(1), 2), time.time() - 100)
    age(venue.files)
    loaded = venue.load()
    assert [row["file"] for row in venue.rows()] == ["day/settled.json"]
    left = ["1 file is younger than 50 s: left to the next run"]
    assert (loaded.waiting, loaded.messages) == (1, left)
    assert venue.plan().is_empty
    look = TicketorAccount(venue.settings, venue.site).look(Reading())
    assert (look.due, look.waiting, look.messages) == (False, 1, left)
    venue.settle_seconds = 5  # as if time had passed; the folder was not remembered for good
    assert names(venue.plan()) == ["day/young.json"]
    assert venue.load().messages == []


def test_a_file_that_has_just_grown_waits_too_and_is_counted(venue: Venue) -> None:
    items = d.payloads(2)
    venue.put("day/log.jsonl", d.LAYOUTS["lines"](items[:1]), time.time() - 100)
    age(venue.files)
    venue.load()
    venue.settle_seconds = 50
    venue.put("day/log.jsonl", d.LAYOUTS["lines"](items), time.time() - 10)
    age(venue.files)
    assert venue.plan().is_empty and venue.plan().young == 1


def test_a_file_that_grows_between_listing_and_reading_waits_and_is_counted(venue: Venue) -> None:
    venue.settle_seconds = 50
    venue.put("grows.json", d.user(random.Random(1), 1))
    venue.put("settled.json", d.user(random.Random(1), 2))
    plan = venue.plan()
    venue.put("grows.json", d.user(random.Random(1), 1), time.time() - 10)
    list(plan.packages())
    assert plan.waiting == ["1 file is younger than 50 s: left to the next run"] and plan.unreadable == []


def test_a_renamed_file_is_another_delivery_of_the_same(venue: Venue) -> None:
    path = venue.put("a.json", d.user(random.Random(1), 1))
    venue.load()
    path.rename(venue.files / "b.json")
    venue.load()
    assert [row["file"] for row in venue.rows()] == ["a.json", "b.json"]
    assert len({row["document"] for row in venue.rows()}) == 1


@pytest.mark.parametrize("by", ["rename", "in place"])
def test_a_rewritten_file_is_read_again_and_its_old_rows_stay(venue: Venue, by: str) -> None:
    now = time.time()
    venue.put("day/a.json", d.user(random.Random(1), 1), now - 60)
    age(venue.files)
    venue.load()
    if by == "rename":
        venue.put("day/a.json.part", d.user(random.Random(1), 2), now - 50).rename(venue.files / "day/a.json")
    else:
        venue.put("day/a.json", d.user(random.Random(1), 2), now - 30)
        age(venue.files)
    assert names(venue.plan()) == ["day/a.json"]
    venue.load()
    assert {item["Id"] for item in venue.documents()} == {1, 2}
    assert venue.plan().is_empty and venue.plan(sweep=True).is_empty


def test_a_sweep_finds_what_no_folder_tells(venue: Venue) -> None:
    venue.put("day/a.json", d.user(random.Random(1), 1), d.OLD)
    age(venue.files)
    venue.load()
    venue.put("day/a.json", d.user(random.Random(1), 2), d.OLD + 60)  # years ago: nobody expects it to grow
    age(venue.files)
    assert venue.plan().is_empty
    assert names(venue.plan(sweep=True)) == ["day/a.json"]


def test_a_growing_file_gives_what_is_new_and_keeps_what_was(venue: Venue) -> None:
    items = d.payloads(6)
    lines = [d.compact(item).encode() + b"\n" for item in items]
    now = time.time()
    venue.put("day/log.jsonl", b"".join(lines[:2]) + lines[2][:40], now - 500)
    age(venue.files)
    venue.load()
    before = {row["position"]: row for row in venue.rows()}
    assert [row["outcome"] for row in before.values()] == ["loaded", "loaded", "refused"]
    for count, moment in ((4, now - 400), (4, now - 300), (6, now - 200)):
        venue.put("day/log.jsonl", b"".join(lines[:count]), moment)
        age(venue.files)
        assert names(venue.plan()) == ["day/log.jsonl"]
        venue.load()
        assert venue.plan().is_empty
    assert venue.documents() == items
    rows = venue.rows()
    size = (venue.files / "day/log.jsonl").stat().st_size
    head = next(row for row in rows if row["position"] == 0)
    assert (head["file_size"], head["received_at"]) == (size, before[0]["received_at"])
    second = next(row for row in rows if row["position"] == 1)
    assert second == before[1], "a record that was loaded is not loaded again"
    (refused,) = [row for row in rows if row["outcome"] == "refused"]
    assert refused["file_size"] < head["file_size"] and refused["_dlt_load_id"] < head["_dlt_load_id"]
    late = [row["received_at"].timestamp() for row in rows if row["outcome"] == "loaded"]
    assert late == pytest.approx([now - 500] * 2 + [now - 400] * 2 + [now - 200] * 2)


def test_a_record_that_is_still_refused_is_written_again(venue: Venue) -> None:
    good = [d.compact(item).encode() for item in d.payloads(3)]
    now = time.time()
    venue.put("log", b"\n".join([good[0], b'{"bad', good[1]]), now - 500)
    venue.load()
    (before,) = [row for row in venue.rows() if row["outcome"] == "refused"]
    venue.put("log", b"\n".join([good[0], b'{"bad', good[1], good[2]]), now - 400)
    venue.load()
    (after,) = [row for row in venue.rows() if row["outcome"] == "refused"]
    assert after["record_id"] == before["record_id"] and after["received_at"] == before["received_at"]
    assert after["file_size"] == (venue.files / "log").stat().st_size > before["file_size"]


def test_an_empty_file_that_is_filled(venue: Venue) -> None:
    now = time.time()
    venue.put("a.json", b"", now - 500)
    venue.load()
    venue.put("a.json", d.user(random.Random(1), 1), now - 400)
    venue.load()
    assert [(row["outcome"], row["file_size"] > 0) for row in sorted(venue.rows(), key=lambda row: row["outcome"])] == [
        ("empty file", False),
        ("loaded", True),
    ]
    assert venue.plan().is_empty


def test_one_unreadable_file_stops_no_other_and_is_tried_again(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        venue.put(f"day/{number}.json", d.user(random.Random(1), number))
    age(venue.files)
    opened = os.open

    def deny(path: Any, *rest: Any, **options: Any) -> int:
        if path == "1.json":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)

    monkeypatch.setattr(file_store.os, "open", deny)
    with pytest.raises(Problem, match=r"day/1\.json: Permission denied"):
        venue.load()
    assert {item["Id"] for item in venue.documents()} == {0, 2}
    monkeypatch.undo()
    assert names(venue.plan()) == ["day/1.json"]
    venue.load()
    assert {item["Id"] for item in venue.documents()} == {0, 1, 2}


def test_a_folder_that_cannot_be_read_fails_every_run_until_it_can(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        venue.put(f"{number}/a.json", d.user(random.Random(1), number))
    age(venue.files)
    opened = os.open

    def deny(path: Any, *rest: Any, **options: Any) -> int:
        if path == "1":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest, **options)

    monkeypatch.setattr(file_store.os, "open", deny)
    for _ in range(2):
        with pytest.raises(Problem, match=r"A file or folder could not be read: 1: Permission denied"):
            venue.load()
        assert not venue.plan().is_empty
        assert {item["Id"] for item in venue.documents()} == {0, 2}
    monkeypatch.undo()
    venue.load()
    assert {item["Id"] for item in venue.documents()} == {0, 1, 2} and venue.plan().is_empty


def test_a_file_that_vanishes_between_listing_and_reading_is_no_error(venue: Venue) -> None:
    path = venue.put("a.json", d.user(random.Random(1), 1))
    venue.put("b.json", d.user(random.Random(1), 2))
    plan = venue.plan()
    path.unlink()
    (package,) = plan.packages()
    assert package.records is not None and package.records.num_rows == 1 and plan.unreadable == []


def test_a_buffer_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"Ticketor site arena: there is no folder .*nowhere\n(.|\n)*setting"):
        buffer.plan(Site("arena", str(tmp_path / "nowhere")), tmp_path / "none.duckdb")
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="Not a directory"):
        buffer.plan(Site("arena", str(tmp_path / "file")), tmp_path / "none.duckdb")


def test_odd_names_and_loops(venue: Venue) -> None:
    odd = ["Übung/ü.json", "two\nlines.json", "a b/c'd\".json", "deep/" * 20 + "x.json"]
    for number, name in enumerate(odd):
        venue.put(name, d.user(random.Random(1), number))
    raw = os.fsencode(venue.files) + b"/caf\xe9.json"
    with open(raw, "wb") as file:  # noqa: PTH123
        file.write(d.compact(d.user(random.Random(1), 99)).encode())
    os.utime(raw, (d.OLD, d.OLD))
    (venue.files / "loop").symlink_to(venue.files)
    (venue.files / "dangling.json").symlink_to(venue.files / "nothing")
    os.mkfifo(venue.files / "pipe")
    venue.load()
    assert {row["file"] for row in venue.rows()} == {*odd, "caf\\xe9.json"}
    assert {row["payload_id"] for row in venue.rows()} == {0, 1, 2, 3, 99}
    assert venue.plan().is_empty and venue.plan(sweep=True).is_empty


def test_a_plan_is_made_without_dlt() -> None:
    import subprocess
    import sys

    code = "import sys, boxoffice.ticketor.buffer; assert not {'dlt', 'pyarrow', 'dbt', 'fsspec'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
