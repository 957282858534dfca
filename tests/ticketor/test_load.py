"""Through dlt into a DuckDB file: in any order, in any number of runs, killed anywhere, raw holds the same."""

import itertools
import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxoffice.raw import pipeline, planning
from boxoffice.ticketor.tables import RECORDS
from tests.ticketor import deliveries as d
from tests.ticketor.conftest import Venue

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_are_as_promised(venue: Venue) -> None:
    venue.put("a.json", d.user(random.Random(1), 1))
    venue.load()
    columns = venue.query(
        "select table_name, column_name, data_type, is_nullable from information_schema.columns "
        "where table_schema = 'raw_ticketor' and table_name in ('records', 'folders') "
        "order by table_name, ordinal_position"
    )
    made = {(c["table_name"], c["column_name"]): (c["data_type"], c["is_nullable"]) for c in columns}
    text, number, moment = "VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE"
    assert [name for table, name in made if table == "records"] == [*RECORDS.names, "_dlt_load_id"]
    assert made == {
        ("folders", "folder_id"): (text, "NO"),
        ("folders", "site"): (text, "NO"),
        ("folders", "folder"): (text, "NO"),
        ("folders", "mtime_ns"): (number, "NO"),
        ("folders", "listed_at"): (moment, "NO"),
        ("folders", "_dlt_load_id"): (text, "NO"),
        ("records", "record_id"): (text, "NO"),
        ("records", "site"): (text, "NO"),
        ("records", "outcome"): (text, "NO"),
        ("records", "reason"): (text, "YES"),
        ("records", "webhook"): (text, "YES"),
        ("records", "payload_id"): (number, "YES"),
        ("records", "document"): (text, "YES"),
        ("records", "raw"): ("BLOB", "YES"),
        ("records", "received_at"): (moment, "NO"),
        ("records", "received_at_basis"): (text, "NO"),
        ("records", "file"): (text, "NO"),
        ("records", "position"): (number, "NO"),
        ("records", "file_size"): (number, "NO"),
        ("records", "file_mtime_ns"): (number, "NO"),
        ("records", "_dlt_load_id"): (text, "NO"),
    }


def test_every_oddity_survives_the_way_into_the_warehouse(venue: Venue) -> None:
    payload = d.user(random.Random(1), 2**63 - 1) | {
        "FirstName": "\u2028\u0085\U0001f600\ufeff\x7f",
        "LastName": "\\",
        "Odd": [1e-300, 123456789012345678901234567890, "\x00", {"": {}}],
    }
    venue.put("good", payload)
    venue.put("bad", b"\x00\xff\x1f\x8b {")
    venue.load()
    bad, good = venue.rows()
    assert json.loads(good["document"]) == payload and good["payload_id"] == 2**63 - 1
    assert bad["raw"] == b"\x00\xff\x1f\x8b {" and bad["document"] is None


def test_packages_are_bounded_and_a_file_may_span_them(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.raw.reading.TABLE_RECORDS", 5)
    monkeypatch.setattr("boxoffice.raw.planning.PACKAGE_TABLES", 2)
    items = d.payloads(35)
    venue.put("a.jsonl", d.LAYOUTS["lines"](items[:25]))
    for number, item in enumerate(items[25:]):
        venue.put(f"b/{number}.json", item)
    plan = venue.plan()
    tables = [package.records for package in plan.packages()]
    assert [table.num_rows for table in tables if table is not None] == [10, 10, 10, 5]
    where = {number: set(table["position"].to_pylist()) for number, table in enumerate(tables) if table is not None}
    assert 0 not in where[0], "the first record of a file is written last"
    venue.load()
    assert d.as_set(venue.documents()) == d.as_set(items)
    assert venue.plan().is_empty


def test_many_records_are_compressed(venue: Venue) -> None:
    """A file of so many documents would be several times as large otherwise."""
    venue.put("a.jsonl", d.LAYOUTS["lines"](d.payloads(pipeline.BULK_ROWS)))
    venue.load()
    stored = venue.query(
        "select distinct compression from pragma_storage_info('raw_ticketor.records') "
        "where column_name = 'document' and segment_type = 'VARCHAR' and persistent"
    )
    assert stored == [{"compression": "ZSTD"}]


def test_a_file_whose_end_was_not_loaded_is_read_again(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.raw.reading.TABLE_RECORDS", 10)
    monkeypatch.setattr("boxoffice.raw.planning.PACKAGE_TABLES", 1)
    items = d.payloads(35)
    venue.put("a.jsonl", d.LAYOUTS["lines"](items))
    packages = planning.Plan.packages
    monkeypatch.setattr(planning.Plan, "packages", lambda plan: itertools.islice(packages(plan), 2))
    venue.load()
    assert 10 < len(venue.documents()) < 35
    monkeypatch.setattr(planning.Plan, "packages", packages)
    assert venue.plan().new.paths == ["a.jsonl"]
    venue.load()
    assert venue.documents() == items
    assert venue.plan().is_empty


@pytest.mark.parametrize("examples", [8, pytest.param(25, marks=pytest.mark.house)])
def test_shuffled_split_repeated_interrupted(tmp_path_factory: pytest.TempPathFactory, examples: int) -> None:
    @given(data=st.data(), seed=st.integers(0, 10**6))
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def held(data: st.DataObject, seed: int) -> None:
        what_is_held_does_not_depend_on_the_runs(tmp_path_factory, data, seed)

    held()


def what_is_held_does_not_depend_on_the_runs(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: int
) -> None:
    """However deliveries reach us, the same documents are held, and what is held does not depend on the runs."""
    venue = Venue(tmp_path_factory.mktemp("any"))
    rng = random.Random(seed)
    items = d.payloads(12, seed)
    deliveries = items + rng.sample(items, 4)
    rng.shuffle(deliveries)
    runs = data.draw(st.integers(1, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("boxoffice.raw.reading.TABLE_RECORDS", data.draw(st.sampled_from([3, 100])))
        patch.setattr("boxoffice.raw.planning.PACKAGE_TABLES", 2)
        for run in range(runs):
            part = deliveries[run::runs]
            while part:
                count = data.draw(st.integers(1, len(part)))
                layout = data.draw(st.sampled_from(list(d.LAYOUTS)))
                venue.put(f"{run % 2}/{run}-{len(part)}", d.LAYOUTS[layout](part[:count]), d.OLD + run)
                part = part[count:]
            venue.load_without_dlt(most=data.draw(st.sampled_from([None, 0, 1, 2])))
        venue.load_without_dlt()
        held = venue.documents()
        assert d.as_set(held) == d.as_set(items)
        assert len(held) == len(deliveries)
        assert venue.plan(sweep=True).is_empty
    # a fresh warehouse makes the same rows of the same files
    again = Venue(tmp_path_factory.mktemp("again"))
    venue.files.rename(again.files)
    again.load_without_dlt()

    def bare(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if key != "_dlt_load_id"}

    assert list(map(bare, again.rows())) == list(map(bare, venue.rows()))


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.ticketor.conftest import Venue
import dlt
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.load.load import Load

def die():
    os.kill(os.getpid(), signal.SIGKILL)

count = 0
place, at = {place!r}, {at}
if place == "query":
    query = DuckDbSqlClient.execute_query
    def counted(self, *rest, **options):
        global count
        count += 1
        if count == at:
            die()
        return query(self, *rest, **options)
    DuckDbSqlClient.execute_query = counted
elif place == "copied":  # dlt does not know yet that it was, and copies the file once more
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    copy = DuckDbCopyJob.run
    def copied(self):
        copy(self)
        if self.load_table_name == "records":
            die()
    DuckDbCopyJob.run = copied
elif place == "completion":
    def complete(self, *rest, **options):
        die()
    Load.complete_package = complete
from boxoffice.raw import planning, reading
# in one package, since what is read once more would replace what was doubled
reading.TABLE_RECORDS = 1000 if place == "copied" else 30
planning.PACKAGE_TABLES = 1
Venue(Path({folder!r})).load()
"""


@pytest.mark.parametrize(
    ("place", "at", "working_folder"),
    [
        ("copied", 0, "kept"),
        ("completion", 0, "lost"),
        pytest.param("query", 17, "kept", marks=pytest.mark.house),
        pytest.param("query", 12, "kept", marks=pytest.mark.house),
        pytest.param("query", 12, "lost", marks=pytest.mark.house),
        pytest.param("query", 17, "lost", marks=pytest.mark.house),
        pytest.param("completion", 0, "kept", marks=pytest.mark.house),
    ],
)
def test_killed_in_the_midst_of_a_load(venue: Venue, place: str, at: int, working_folder: str) -> None:
    items = d.payloads(70)
    venue.put("a.jsonl", d.LAYOUTS["lines"](items[:50]) + b'{"Id": 9')
    for number, item in enumerate(items[50:]):
        venue.put(f"b/{number}.json", item)
    code = KILLED.format(root=str(ROOT), place=place, at=at, folder=str(venue.folder))
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    if working_folder == "lost":
        venue.settings.dlt_dir.rename(venue.folder / "lost")
    venue.load()
    assert sorted(item["Id"] for item in venue.documents()) == sorted(item["Id"] for item in items)
    assert [row["outcome"] for row in venue.rows()].count("refused") == 1
    assert venue.query("select count(*) as n, count(distinct record_id) as ids from raw_ticketor.records") == [
        {"n": 71, "ids": 71}
    ]
    assert venue.plan(sweep=True).is_empty
