"""Raw corrected in place: accounts that are one, an account's new name, times from a clock that was ahead."""

import dataclasses
import datetime as dt
import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw.account import Loaded, Reading
from boxoffice.run import accounts, rename
from boxoffice.run.accounts import TicketorAccount, TicketTailorAccount
from boxoffice.settings import BoxOffice, Settings, Site
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticketor import deliveries as d

ORDERS = "raw_ticket_tailor.orders"


@dataclasses.dataclass
class Raw:
    """A data folder of loads and no builds. ``echoed`` is what a person was told."""

    folder: Path
    echoed: list[str] = dataclasses.field(default_factory=list)

    def settings(self, *accounts: Site | BoxOffice) -> Settings:
        return Settings(
            self.folder / "data",
            sites=tuple(each for each in accounts if isinstance(each, Site)),
            box_offices=tuple(each for each in accounts if isinstance(each, BoxOffice)),
        )

    def load(self, settings: Settings, **reading: Any) -> dict[str, str | Loaded]:
        """As a run loads its accounts: what each brought, or why it failed."""
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        came: dict[str, str | Loaded] = {}
        for account in accounts.configured(settings):
            came[account.name] = loaded = Loaded()
            try:
                account.load(Reading(sweep=True, **reading), loaded, self.echoed.append)
            except Problem as problem:
                came[account.name] = str(problem)
        return came

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "data" / "warehouse.duckdb"), read_only=True) as db:
            db.execute("set TimeZone = 'UTC'")
            return db.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        with duckdb.connect(str(self.folder / "data" / "warehouse.duckdb")) as db:
            db.execute(sql)

    def doubled(self) -> list[tuple[Any, ...]]:
        there = self.query("select schema_name from duckdb_tables()")
        found = []
        for table, columns in (("raw_ticketor.records", "file, position, document"), (ORDERS, "id, document_hash")):
            if (table.partition(".")[0],) in there:
                found += self.query(f"select {columns} from {table} group by all having count(*) > 1")
        return found


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A buffer in which one file is refused."""
    folder = tmp_path / "buffer"
    for number, payload in enumerate(d.payloads(12)):
        d.put(folder, f"{number % 3}/{number}.json", d.compact(payload).encode(), d.OLD + number)
    d.put(folder, "log.jsonl", d.LAYOUTS["lines"](d.payloads(4, first=50)) + b'{"Id": 9')
    return folder


def copied(files: Path, to: Path, mtime: float | None) -> Path:
    """The buffer somewhere else; with ``mtime`` as a copy that keeps no times."""
    shutil.copytree(files, to)
    for path in to.rglob("*.json*"):
        if mtime:
            d.put(to, str(path.relative_to(to)), path.read_bytes(), mtime)
    return to


@pytest.mark.parametrize("moved", ["same folder", "copied", "copied without times"])
def test_a_site_under_a_new_name_is_not_loaded_twice(raw: Raw, files: Path, moved: str) -> None:
    raw.load(raw.settings(Site("main", str(files))))
    before = raw.query("from raw_ticketor.records order by all")
    place = files
    if moved != "same folder":
        place = copied(files, raw.folder / "elsewhere", d.OLD + 99 if moved == "copied without times" else None)
    renamed = raw.settings(Site("arena", str(place)))
    for _ in range(2):
        told = raw.load(renamed)["arena"]
        assert "arena has the files that raw holds as those of main" in told
        assert told.endswith("boxoffice rename-account ticketor main arena")
        with pytest.raises(Problem, match="rename-account ticketor main arena"):
            TicketorAccount(renamed, renamed.sites[0]).look(Reading())
    assert raw.query("from raw_ticketor.records order by all") == before

    rename.rename_account(renamed, "ticketor", "main", "arena", echo=raw.echoed.append)
    assert raw.query("select distinct site from raw_ticketor.records") == [("arena",)]
    loaded = raw.load(renamed)["arena"]
    if moved != "copied without times":
        assert loaded.news == {} and raw.doubled() == []
        return
    assert raw.query("select count(*), count(distinct record_id) from raw_ticketor.records") == [(17, 17)]


def test_records_keep_what_they_are_under_a_new_name(raw: Raw, files: Path, tmp_path: Path) -> None:
    """All that makes a record known, so that a file that grows brings what is new in it and nothing else."""
    settings = raw.settings(Site("arena", str(files)))
    raw.load(raw.settings(Site("main", str(files))))
    rename.rename_account(settings, "ticketor", "main", "arena", echo=raw.echoed.append)
    fresh = Raw(tmp_path / "fresh")
    fresh.load(fresh.settings(*settings.sites))
    query = "select * exclude (_dlt_load_id) from raw_ticketor.records order by all"
    assert raw.query(query) == fresh.query(query)
    d.put(files, "log.jsonl", d.LAYOUTS["lines"](d.payloads(6, first=50)), d.OLD + 50)
    for each in (raw, fresh):
        each.load(each.settings(*settings.sites))
    columns = "select record_id, file, position, document, received_at from raw_ticketor.records order by all"
    assert raw.query(columns) == fresh.query(columns) and raw.doubled() == []


def test_two_sites_that_are_two_are_two(raw: Raw, files: Path, tmp_path: Path) -> None:
    """Each has a payload of its own in the same place; and one that is not configured any more holds no other up."""
    for number, payload in enumerate(d.payloads(20, seed=3)):
        d.put(tmp_path / "club", f"{number % 3}/{number}.json", d.compact(payload).encode(), d.OLD + number)
    both = raw.load(raw.settings(Site("arena", str(files)), Site("club", str(tmp_path / "club"))))
    assert all(isinstance(each, Loaded) for each in both.values())
    d.put(tmp_path / "barn", "0/0.json", d.compact(d.user(random.Random(1), 1)).encode())
    assert isinstance(raw.load(raw.settings(Site("barn", str(tmp_path / "barn"))))["barn"], Loaded)


def test_a_box_office_under_a_new_name_is_not_loaded_twice(raw: Raw) -> None:
    with TicketTailorApi(Venue(seed=1)) as api:
        raw.load(raw.settings(BoxOffice("main", api.key, api.url)))
        tables = ("orders", "issued_tickets", "events", "products", "coverage")
        before = {name: raw.query(f"from raw_ticket_tailor.{name} order by all") for name in tables}
        renamed = raw.settings(BoxOffice("studio", api.key, api.url))
        for _ in range(2):
            told = raw.load(renamed)["studio"]
            assert told.startswith("Box office studio is the one that raw holds as main:")
            assert told.endswith("boxoffice rename-account ticket-tailor main studio")
        assert {name: raw.query(f"from raw_ticket_tailor.{name} order by all") for name in tables} == before

        rename.rename_account(renamed, "ticket_tailor", "main", "studio", echo=raw.echoed.append)
        assert raw.load(renamed)["studio"].news == {}
        api.now += 86_400
        assert raw.load(renamed)["studio"].news["orders"] > 0
        assert raw.load(renamed, full=True)["studio"].news == {}
    assert raw.query("select distinct box_office from raw_ticket_tailor.orders") == [("studio",)]
    assert raw.query("select count(*) - count(distinct id) from raw_ticket_tailor.events") == [(0,)]
    assert raw.doubled() == []


def test_two_keys_of_one_box_office_are_one(raw: Raw) -> None:
    venue = Venue(seed=1)
    with TicketTailorApi({"sk_1": venue, "sk_2": venue}) as api:
        both = raw.settings(BoxOffice("one", "sk_1", api.url), BoxOffice("two", "sk_2", api.url))
        for _ in range(2):
            came = raw.load(both)
            assert isinstance(came["one"], Loaded)
            assert came["two"].startswith("Box office two is the one that raw holds as one:")
            assert came["two"].endswith(
                "Both are configured, with two keys of one box office: remove two from the settings."
            )
            api.now += 86_400
        assert raw.query("select distinct box_office from raw_ticket_tailor.orders") == [("one",)]


def test_what_was_loaded_twice_before_is_one_after_renaming(
    raw: Raw, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warehouse of a version that did not look."""
    venue = Venue(seed=1)
    with TicketTailorApi({"sk_1": venue, "sk_2": venue}) as api:
        one, two = BoxOffice("one", "sk_1", api.url), BoxOffice("two", "sk_2", api.url)
        with monkeypatch.context() as blind:
            blind.setattr("boxoffice.ticket_tailor.state.elsewhere", lambda *_: {})
            blind.setattr("boxoffice.raw.file_state.HeldFiles.elsewhere", lambda *_: {})
            raw.load(raw.settings(one, two, Site("main", str(files)), Site("arena", str(files))))
        assert len(raw.doubled()) > 60
        kept = raw.settings(one, Site("arena", str(files)))
        rename.rename_account(kept, "ticket_tailor", "two", "one", echo=raw.echoed.append)
        rename.rename_account(kept, "ticketor", "main", "arena", echo=raw.echoed.append)
        assert raw.doubled() == []
        assert raw.query("select count(*) - count(distinct id) from raw_ticket_tailor.events") == [(0,)]
        assert [each.news for each in raw.load(kept, full=True).values()] == [{}, {}]


def test_what_cannot_be_renamed(raw: Raw, files: Path) -> None:
    settings = raw.settings(Site("main", str(files)))
    with pytest.raises(ConfigProblem, match="nothing to rename yet"):
        rename.rename_account(settings, "ticketor", "old", "arena", echo=raw.echoed.append)
    raw.load(settings)
    for old, new, told in (
        ("main", "arena", "still configured"),
        ("other", "arena", r"holds no ticketor other.*It holds: main\."),
        ("other", "A b", "an account's name may contain only"),
    ):
        with pytest.raises(ConfigProblem, match=told):
            rename.rename_account(settings, "ticketor", old, new, echo=raw.echoed.append)
    assert raw.query("select distinct site from raw_ticketor.records") == [("main",)]


AHEAD = "interval 2 days"
MOMENTS = {"records": "received_at", "coverage": "read_at"}


def ahead(raw: Raw, schema: str, tables: tuple[str, ...]) -> None:
    """As if the clock had been two days ahead in every load so far."""
    later = "(try_cast({0} as double) + 172800)::decimal(20, 6)::varchar"
    raw.change(f"update {schema}._dlt_loads set load_id = {later.format('load_id')}")
    for table in tables:
        moment = MOMENTS.get(table, "fetched_at")
        more = f", missing_since = missing_since + {AHEAD}" if moment == "fetched_at" and table != "refused" else ""
        raw.change(
            f"update {schema}.{table} set {moment} = {moment} + {AHEAD}, "
            f"_dlt_load_id = {later.format('_dlt_load_id')} {more}"
        )


def test_a_clock_that_was_ahead_leaves_no_record_in_the_future(raw: Raw, files: Path) -> None:
    settings = raw.settings(Site("arena", str(files)))
    raw.load(settings)
    order = "select record_id from raw_ticketor.records order by received_at, file, position"
    raw.change("update raw_ticketor.records set received_at = now() + to_seconds(coalesce(payload_id, 99))")
    before = raw.query(order)
    ahead(raw, "raw_ticketor", ("records",))
    account = TicketorAccount(settings, settings.sites[0])
    assert account.look(Reading()).due
    assert raw.load(settings)["arena"].set_right
    now = dt.datetime.now(dt.UTC)
    assert raw.query("select max(received_at) from raw_ticketor.records")[0][0] <= now
    assert raw.query("select max(_dlt_load_id::double) from raw_ticketor.records")[0][0] <= now.timestamp()
    assert raw.query(order) == before
    assert not account.look(Reading()).due and not raw.load(settings)["arena"].set_right


def test_a_clock_that_was_ahead_leaves_no_version_in_the_future(raw: Raw) -> None:
    with TicketTailorApi(Venue(seed=1)) as api:
        settings = raw.settings(BoxOffice("main", api.key, api.url))
        raw.load(settings)
        gone = min(order for (order,) in raw.query("select id from raw_ticket_tailor.orders"))
        api.hide(gone)
        api.now += 86_400
        raw.load(settings, full=True)
        tables = (*ENDPOINTS, "refused", "coverage")
        query = "select id, document_hash, missing_since is null from raw_ticket_tailor.{} order by id, fetched_at"
        before = {name: raw.query(query.format(name)) for name in ENDPOINTS}
        ahead(raw, "raw_ticket_tailor", tables)
        account = TicketTailorAccount(settings, settings.box_offices[0])
        assert account.look(Reading()).due
        came = raw.load(settings)["main"]
        assert came.set_right and came.news == {}
        now = dt.datetime.now(dt.UTC)
        for name in tables:
            moment = MOMENTS.get(name, "fetched_at")
            latest, load_id = raw.query(
                f"select coalesce(max({moment}), now()), coalesce(max(_dlt_load_id::double), 0) "
                f"from raw_ticket_tailor.{name}"
            )[0]
            assert latest <= dt.datetime.now(dt.UTC) and load_id <= now.timestamp() + 60, name
        assert raw.query("select count(*) from raw_ticket_tailor.orders where missing_since > now()") == [(0,)]
        assert {name: raw.query(query.format(name)) for name in ENDPOINTS} == before
        # and what comes back or changes is one version more, or the same without its mark
        api.lists[api.key].hidden.clear()
        raw.load(settings, full=True)
        assert raw.doubled() == []
        assert not TicketTailorAccount(settings, settings.box_offices[0]).look(Reading()).due
