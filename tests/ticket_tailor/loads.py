"""A clock that only moves when told, and loads of a made-up box office into a warehouse."""

import collections
import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded
from boxoffice.settings import BoxOffice, Settings
from boxoffice.ticket_tailor import buffer, corrections, planning
from boxoffice.ticket_tailor.api import Client
from boxoffice.ticket_tailor.budget import Budget
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.packages import Package
from boxoffice.ticket_tailor.webhook_rows import WEBHOOKS
from sandbox.ticket_tailor_api import TicketTailorApi

HOUR, DAY = 3600, 86400

VERSIONS = {
    "version_id": "varchar not null",
    "box_office": "varchar not null",
    "id": "varchar not null",
    "created_at": "bigint",
    "document": "varchar not null",
    "document_hash": "varchar not null",
    "fetched_at": "timestamptz not null",
    "missing_since": "timestamptz",
}
RAW = dict.fromkeys(ENDPOINTS, VERSIONS) | {
    "refused": {
        "refused_id": "varchar not null",
        "box_office": "varchar not null",
        "list": "varchar not null",
        "id": "varchar",
        "reason": "varchar not null",
        "raw": "blob",
        "fetched_at": "timestamptz not null",
    },
    "coverage": {
        "coverage_id": "varchar not null",
        "box_office": "varchar not null",
        "list": "varchar not null",
        "kind": "varchar not null",
        "created_from": "bigint not null",
        "created_to": "bigint not null",
        "read_at": "timestamptz not null",
    },
    "webhooks": {
        field.name: str({"int64": "bigint", "binary": "blob", "string": "varchar"}.get(str(field.type), "timestamptz"))
        + " not null" * (not field.nullable)
        for field in WEBHOOKS
    },
    "folders": {
        "folder_id": "varchar not null",
        "box_office": "varchar not null",
        "folder": "varchar not null",
        "mtime_ns": "bigint not null",
        "listed_at": "timestamptz not null",
    },
}


class Clock:
    """Time as the client sees it: sleeping moves it on at once."""

    def __init__(self, now: float) -> None:
        self.now = float(now)
        self.slept: list[float] = []

    def __call__(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.now, dt.UTC)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def make_client(api: TicketTailorApi, clock: Clock | None = None, **options: Any) -> Client:
    """A client of the made-up API whose time is the venue's, and whose waits take none."""
    clock = clock or Clock(api.now)
    budget = options.pop("budget", None) or Budget(clock.monotonic)
    return Client(api.url, options.pop("api_key", api.key), clock=clock, sleep=clock.sleep, budget=budget, **options)


@dataclass
class Outcome:
    """What one load did. ``rows`` counts the rows landed, by table."""

    plan: planning.Plan
    requests: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    packages: list[Package] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class Warehouse:
    """A warehouse and the loads into it, as raw/pipeline.py makes them, at whatever time the test says it is.

    ``through_dlt`` False lands packages as dlt does in the end (delete-insert by key, the load noted when it is
    complete), in a tenth of the time: for the tests of what is read and when.
    """

    settings: Settings
    through_dlt: bool = True

    def load(
        self,
        api: TicketTailorApi,
        office: BoxOffice | None = None,
        *,
        now: float | None = None,
        client: Client | None = None,
        each: Callable[[Package], None] = lambda _package: None,
        **reading: Any,
    ) -> Outcome:
        """Look, and load what is due. ``each`` is called with every package after it has been loaded."""
        office = office or BoxOffice("main", api.key, api.url)
        clock = Clock(api.now if now is None else now)
        client = client or make_client(api, clock, api_key=office.api_key)
        before = api.count()
        self.settings.data_dir.mkdir(exist_ok=True)
        # dlt's loads are named by the real clock
        if not self.through_dlt and contents.is_ahead(self.settings.warehouse, "ticket_tailor", office.name, clock()):
            with duckdb.connect(str(self.settings.warehouse)) as db:
                corrections.set_right(db, office.name, clock())
        with contents.reading(self.settings.warehouse):  # as in a run: opening it again costs little meanwhile
            plan = planning.look(office, client, self.settings.warehouse, clock(), **reading)
        outcome = Outcome(plan)
        self.last = outcome
        try:
            land = self._through_dlt(office) if self.through_dlt and not plan.is_empty else self._land
            for package in plan.packages(outcome.lines.append):
                for name, rows in package.rows.items():
                    outcome.rows[name] = outcome.rows.get(name, 0) + len(rows)
                land(package)
                each(package)
                outcome.packages.append(package)
        finally:
            outcome.requests = api.count() - before
        return outcome

    def _through_dlt(self, office: BoxOffice) -> Callable[[Package], Any]:
        made = pipeline.open_pipeline(self.settings, "ticket_tailor", office.name, Loaded())
        from boxoffice.ticket_tailor.source import ticket_tailor_source

        return lambda package: pipeline.load_package(self.settings, made, ticket_tailor_source(office, package))

    def load_webhooks(self, office: BoxOffice) -> int:
        """Lands what is new in the box office's buffer; returns how many rows that were. Folders are not remembered:
        files come faster here than their folders' times tell."""
        self.settings.data_dir.mkdir(exist_ok=True)
        tables = [package.records for package in buffer.plan(office, self.settings.warehouse).packages()]
        for table in tables:
            self._land(Package(office.name), table)
        return sum(table.num_rows for table in tables if table is not None)

    def _land(self, package: Package, webhooks: pa.Table | None = None) -> None:
        with duckdb.connect(str(self.settings.warehouse)) as db:
            db.execute("set TimeZone = 'UTC'")
            db.begin()
            db.execute("create schema if not exists raw_ticket_tailor; use raw_ticket_tailor")
            db.execute("create table if not exists _dlt_loads (load_id varchar, status bigint)")
            (load_id,) = db.execute("select count(*)::varchar from _dlt_loads").fetchone()
            for name, columns in RAW.items():
                declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                db.execute(f"create table if not exists {name} ({declared}, _dlt_load_id varchar)")
            if webhooks is not None:
                self._merge(db, "webhooks", webhooks.append_column("_dlt_load_id", pa.array([load_id] * len(webhooks))))
            for name, rows in {**package.rows, "refused": package.refused, "coverage": package.coverage}.items():
                if rows:
                    self._insert(db, name, rows, load_id)
            db.execute("insert into _dlt_loads values (?, 0)", [load_id])
            db.commit()

    def _insert(self, db: duckdb.DuckDBPyConnection, name: str, rows: list[Any], load_id: str) -> None:
        columns = dict(zip(RAW[name], map(list, zip(*rows, strict=True)), strict=True))
        if "document" in columns:
            columns["document"] = [text.decode() if isinstance(text, bytes) else text for text in columns["document"]]
        arrived = pa.table({**columns, "_dlt_load_id": [load_id] * len(rows)})
        self._merge(db, name, arrived)

    def _merge(self, db: duckdb.DuckDBPyConnection, name: str, arrived: pa.Table) -> None:
        key = next(iter(RAW[name]))
        db.register("arrived", arrived)
        db.execute(f"delete from {name} where {key} in (select {key} from arrived)")
        db.execute(f"insert into {name} by name from arrived")

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as db:
            return db.execute(sql, parameters).fetchall()

    def change(self, sql: str, *parameters: Any) -> None:
        with duckdb.connect(str(self.settings.warehouse)) as db:
            db.execute(sql, parameters)

    def newest(self, name: str, office: str = "main") -> dict[str, Any]:
        """The newest version of everything that is listed: {id: document}."""
        rows = self.query(
            f"select id, arg_max(document, fetched_at), arg_max(missing_since is null, fetched_at) "
            f"from raw_ticket_tailor.{name} where box_office = ? group by id",
            office,
        )
        return {key: json.loads(document) for key, document, listed in rows if listed}

    def missing(self, name: str) -> set[str]:
        """The ids whose newest version is marked missing."""
        rows = self.query(
            f"select id from raw_ticket_tailor.{name} group by id having arg_max(missing_since is not null, fetched_at)"
        )
        return {key for (key,) in rows}

    def doubled(self, name: str) -> list[tuple[Any, ...]]:
        """Versions that are no change of the one before."""
        return self.query(
            f"select box_office, id, count(*) from (select *, lag(document_hash) over "
            f"(partition by box_office, id order by fetched_at) as before from raw_ticket_tailor.{name}) "
            f"where document_hash = before group by all"
        )


def truth(api: TicketTailorApi, name: str, now: int | None = None, key: str | None = None) -> dict[str, Any]:
    """What a list of the venue holds, straight from the made-up box office and not over HTTP: {id: document}."""
    lists, found, cursor = api.lists[key or api.key], {}, None
    while True:
        params = {"limit": "100"} | ({"starting_after": cursor} if cursor else {})
        page = lists.page(name, params, api.now if now is None else now)
        data = orjson.loads(orjson.dumps(page.data))
        found.update((one["id"], one) for one in data)
        if not page.more:
            return found
        cursor = data[-1]["id"]


def asked_for(api, since: int = 0) -> collections.Counter:
    return collections.Counter(request.path for request in list(api.requests)[since:])
