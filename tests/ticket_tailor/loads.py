"""A clock that only moves when told, and loads of the made-up venue into a warehouse of their own."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson

from pipelines import load
from pipelines.sandbox.ticket_tailor_api import TicketTailorApi
from pipelines.settings import BoxOffice, Settings
from pipelines.ticket_tailor import reads
from pipelines.ticket_tailor.budget import Budget
from pipelines.ticket_tailor.client import Client

DAY = 86400


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
    clock = clock or Clock(api.now)
    budget = options.pop("budget", None) or Budget(clock.monotonic)
    key = options.pop("api_key", api.key)
    return Client(api.url, key, clock=clock, sleep=clock.sleep, budget=budget, **options)


@dataclass
class Outcome:
    """What one load did."""

    plan: reads.Plan
    requests: int
    rows: dict[str, int] = field(default_factory=dict)
    packages: int = 0
    lines: list[str] = field(default_factory=list)


@dataclass
class Warehouse:
    """A warehouse and the loads into it, as load.py makes them but for the clock."""

    settings: Settings

    def load(
        self,
        api: TicketTailorApi,
        office: BoxOffice | None = None,
        *,
        now: float | None = None,
        client: Client | None = None,
        **reading: Any,
    ) -> Outcome:
        from pipelines.ticket_tailor.source import ticket_tailor_source

        office = office or BoxOffice("main", api.key, api.url)
        clock = Clock(api.now if now is None else now)
        client = client or make_client(api, clock, api_key=office.api_key)
        before = api.count()
        plan = reads.look(office, client, self.settings.warehouse, clock(), **reading)
        outcome = Outcome(plan, 0)
        try:
            if not plan.is_empty:
                made = load.pipeline(self.settings, "ticket_tailor", office.name, load.Loaded())
                for package in plan.packages(outcome.lines.append):
                    made.run(ticket_tailor_source(office, package), loader_file_format="parquet")
                    outcome.packages += 1
                    for name, rows in package.rows.items():
                        outcome.rows[name] = outcome.rows.get(name, 0) + len(rows)
        finally:
            outcome.requests = api.count() - before
        return outcome

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as db:
            return db.execute(sql, parameters).fetchall()

    def newest(self, name: str, office: str = "main") -> dict[str, Any]:
        """The newest version of everything that is listed: {id: document}."""
        rows = self.query(
            f"select id, arg_max(document, fetched_at), arg_max(missing_since is null, fetched_at) "
            f"from raw_ticket_tailor.{name} where box_office = ? group by id",
            office,
        )
        return {key: json.loads(document) for key, document, listed in rows if listed}

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
        page = lists.page(
            name, {"limit": "100"} | ({"starting_after": cursor} if cursor else {}), api.now if now is None else now
        )
        data = orjson.loads(orjson.dumps(page.data))
        found.update((one["id"], one) for one in data)
        if not page.more:
            return found
        cursor = data[-1]["id"]
