"""A site with a buffer and a warehouse of its own, loaded as a run loads it."""

import dataclasses
import itertools
import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.raw.account import Loaded, Reading
from boxoffice.raw.planning import Plan
from boxoffice.raw.reading import folders_table
from boxoffice.settings import Settings, Site
from boxoffice.ticketor import buffer, tables
from boxoffice.ticketor.account import TicketorAccount
from tests.ticketor import deliveries as d


@dataclasses.dataclass
class Venue:
    """One site. ``load`` is what a run does for it; ``rows`` is what raw holds."""

    folder: Path
    settle_seconds: float = 0.0
    told: list[str] = dataclasses.field(default_factory=list)

    @property
    def files(self) -> Path:
        return self.folder / "buffer"

    @property
    def site(self) -> Site:
        return Site("arena", str(self.files), settle_seconds=self.settle_seconds)

    @property
    def settings(self) -> Settings:
        return Settings(self.folder / "data", sites=(self.site,))

    def put(self, name: str, content: bytes | dict[str, Any], mtime: float = d.OLD) -> Path:
        return d.put(self.files, name, content if isinstance(content, bytes) else d.compact(content).encode(), mtime)

    def plan(self, *, sweep: bool = False) -> Plan:
        return buffer.plan(self.site, self.settings.warehouse, sweep=sweep)

    def load(self, *, sweep: bool = False) -> Loaded:
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        loaded = Loaded()
        TicketorAccount(self.settings, self.site).load(Reading(sweep=sweep), loaded, self.told.append)
        return loaded

    def load_without_dlt(self, most: int | None = None) -> None:
        """As ``load`` with dlt's merge done by hand, for tests that need many loads; ``most`` packages of it."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        for number, package in enumerate(itertools.islice(self.plan().packages(), most)):
            load_id = f"{time.time():.6f}"
            folders = folders_table("site", "arena", package.folders or {}, d.NOW)
            found = {"records": package.records, "folders": folders}
            with duckdb.connect(str(self.settings.warehouse)) as db:
                db.begin()
                db.execute("create schema if not exists raw_ticketor")
                db.execute("create table if not exists raw_ticketor._dlt_loads (load_id varchar, status bigint)")
                for name, table in found.items():
                    rows = table if table is not None else tables.RECORDS.empty_table()
                    db.register("rows", rows)
                    made = f"select *, '{load_id}' as _dlt_load_id from rows"
                    db.execute(f"create table if not exists raw_ticketor.{name} as from ({made}) where false")
                    key = rows.column_names[0]
                    db.execute(f"delete from raw_ticketor.{name} where {key} in (select {key} from rows)")
                    db.execute(f"insert into raw_ticketor.{name} {made}")
                db.execute("insert into raw_ticketor._dlt_loads values (?, 0)", [load_id])
                db.commit()
            assert number < 100

    def query(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as db:
            db.execute("set TimeZone = 'UTC'")
            found = db.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def rows(self) -> list[dict[str, Any]]:
        return self.query("select * from raw_ticketor.records order by site, file, position, record_id")

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(row["document"]) for row in self.rows() if row["outcome"] == "loaded"]


@pytest.fixture
def venue(tmp_path: Path) -> Venue:
    made = Venue(tmp_path)
    made.files.mkdir()
    return made
