"""Webhooks that come, come twice, late, in any order or never: in the end the marts are those of reading alone."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.run import accounts
from boxoffice.settings import BoxOffice, Settings
from boxoffice.warehouse import build
from sandbox import ticket_tailor_webhooks as webhooks
from sandbox.tailor import Tailor
from sandbox.tailor_order import FIRST_ORDER
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Change, Venue
from tests.models_ticket_tailor import raw
from tests.ticket_tailor.loads import DAY, Warehouse

LISTS = ("orders", "issued_tickets", "events")
# Moments of a read, from the venue's end; the last one reads everything.
READS = (-2 * DAY, 0, 4 * DAY)
FIRST_WEBHOOK = -3 * DAY
MODES: dict[str, dict[str, float]] = {
    "after all reads": {"doubled": 0.2},
    "half of them, twice and late": {"lost": 0.5, "doubled": 0.5, "late": 0.5},
    "as they should": {},
    "never": {"lost": 1.0},
}
VANISHED = 7

# What webhooks may change: when something was seen first or last, and how many movements a refund is made of. All else
# has to be equal, row by row. What the marts take from here is proved by each build (tests/data/proofs/facts.sql).
TABLES = ("orders", "tickets", "product_sales", "events", "products", "people")
FRESHNESS = ("account", "first_seen_at", "last_seen_at", "last_heard_at")
# Of what is given back the sums by order are equal, of all else the rows.
MONEY = {
    "order_lines": "line_kind in ('refund', 'credited')",
    "payments": "kind in ('refund', 'credit_issued')",
}


@dataclasses.dataclass
class World:
    """One box office under two names: one is only read, the other also has webhooks."""

    venue: Venue
    mode: str
    alone: str
    hooked: str


def make(folder: Path, count: int, *, marts: bool) -> tuple[Settings, list[World]]:
    """Lets ``count`` box offices live on while they are read, in one warehouse, and builds it: ``marts`` and proofs, or
    what the marts are made of."""
    worlds: list[World] = []
    offices: list[BoxOffice] = []
    settings = Settings(folder / "data")
    warehouse = Warehouse(settings, through_dlt=False)
    for seed in range(count):
        mode = list(MODES)[seed % len(MODES)]
        world = World(_venue(seed), mode, f"alone_{seed}", f"hooked_{seed}")
        worlds.append(world)
        offices += _live(world, warehouse, folder / "buffers" / world.hooked)
    settings = dataclasses.replace(settings, box_offices=tuple(offices))
    if not marts:
        (settings.data_dir / "person.key").write_text("the same in every test")
        raw.build(settings.data_dir, folder / "target")
        return settings, worlds
    accounts.load_settings_table(settings)
    accounts.make_missing_tables(settings)
    build.transform(settings, lambda _line: None)
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        assert db.execute("select count(*) from intermediate.set_aside").fetchall() == [(0,)]
    return settings, worlds


def _venue(seed: int) -> Venue:
    """A venue in whose last days much is given back and cancelled, some of it within seconds of a read."""
    chance, venue = random.Random(seed), Venue(seed, orders=30, days=30)
    extra: dict[int, tuple[Change, ...]] = {}
    for _ in range(12):
        at = sorted(venue.end + chance.randrange(FIRST_WEBHOOK, READS[-1]) for _ in range(3))
        at[1] = venue.end + chance.choice(READS[:-1]) + chance.randrange(-7, 8)
        amounts = sorted(chance.randrange(1, 400) for _ in at)
        changes = [Change(moment, "refund", amount) for moment, amount in zip(sorted(at), amounts, strict=True)]
        if chance.random() < 0.3:
            changes.append(Change(venue.end + chance.randrange(READS[0], READS[-1]), "cancel"))
        extra[chance.randrange(venue.orders)] = tuple(sorted(changes, key=lambda change: change.at))
    return dataclasses.replace(venue, extra=extra)


def _live(world: World, warehouse: Warehouse, folder: Path) -> list[BoxOffice]:
    """Reads both names of the box office at the same moments, and loads what has come of webhooks before each."""
    venue, chance = world.venue, random.Random(world.venue.seed)
    sent = webhooks.webhooks(venue, venue.end + FIRST_WEBHOOK, venue.end + READS[-1])
    # what has vanished sends nothing
    gone, vanished_at = f'"or_{FIRST_ORDER + VANISHED}"'.encode(), venue.end + READS[-2]
    sent = (one for one in sent if one.at <= vanished_at or gone not in one.body)
    waiting = webhooks.deliveries(sent, chance, **MODES[world.mode])
    folder.mkdir(parents=True)
    with TicketTailorApi(venue) as api:
        secrets = ("an older one", webhooks.SECRET)
        alone = BoxOffice(world.alone, api.key, api.url)
        hooked = BoxOffice(world.hooked, api.key, api.url, buffer=str(folder), settle_seconds=0, webhook_secret=secrets)
        for at in READS:
            api.now = venue.end + at
            come = [each for each in waiting if each.at <= api.now and world.mode != "after all reads"]
            waiting = [each for each in waiting if each not in come]
            if "late" in MODES[world.mode]:
                chance.shuffle(come)
            webhooks.write(come, folder, together=chance.choice((1, 5, 40)))
            if come:
                warehouse.load_webhooks(hooked)
            for office in (alone, hooked):
                warehouse.load(api, office, full=at == READS[-1])
            if at == READS[-2]:
                api.hide(f"or_{FIRST_ORDER + VANISHED}")
        webhooks.write(waiting[::-1], folder)
        warehouse.load_webhooks(hooked)
    return [alone, hooked]


@pytest.fixture(scope="module", params=[pytest.param(2, id="2"), pytest.param(50, id="50", marks=pytest.mark.house)])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[World]]:
    with pytest.MonkeyPatch.context() as blind:
        # the same ids under two names, which is refused otherwise
        blind.setattr("boxoffice.ticket_tailor.state.elsewhere", lambda *_: {})
        return make(tmp_path_factory.mktemp("worlds"), request.param, marts=request.param > 2)


@pytest.fixture(scope="module")
def worlds(made: tuple[Settings, list[World]]) -> list[World]:
    return made[1]


@pytest.fixture(scope="module")
def db(made: tuple[Settings, list[World]]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(made[0].warehouse), read_only=True) as opened:
        opened.execute("set schema = 'intermediate'; set TimeZone = 'UTC'")
        yield opened


def rows(db: duckdb.DuckDBPyConnection, table: str, account: str, condition: str = "true") -> list[tuple[Any, ...]]:
    columns = f"columns(c -> c not in {FRESHNESS} and not ends_with(c, '_key'))"
    query = f"select {columns} from int_ticket_tailor__{table} where account = ? and {condition} order by all"
    return db.execute(query, [account]).fetchall()


def test_all_but_the_moments_is_equal(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    for world in worlds:
        for table in TABLES:
            assert rows(db, table, world.hooked) == rows(db, table, world.alone), (table, world.mode)
        for table, given_back in MONEY.items():
            condition = f"not ({given_back})"
            assert rows(db, table, world.hooked, condition) == rows(db, table, world.alone, condition), world.mode
    assert all(len(rows(db, "orders", world.hooked)) >= 30 for world in worlds)


def test_what_was_given_back_is_equal_order_by_order(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    for world in worlds:
        for table, given_back in MONEY.items():
            sums = [
                db.execute(
                    f"select order_id, currency, sum(amount) from int_ticket_tailor__{table} "
                    f"where account = ? and {given_back} group by all having sum(amount) <> 0 order by all",
                    [account],
                ).fetchall()
                for account in (world.hooked, world.alone)
            ]
            assert sums[0] == sums[1], (table, world.mode)
            assert len(sums[0]) > 5


def test_refunds_are_dated_to_the_second(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    """Those of the time in which webhooks came; within 5 s of a read that read counts."""
    looked_at = 0
    for world in worlds:
        reads = [world.venue.end + at for at in READS]
        dated = set(
            db.execute(
                "select order_id, epoch(paid_at) from int_ticket_tailor__payments "
                "where account = ? and kind = 'refund'",
                [world.hooked],
            ).fetchall()
        )
        for order in Tailor(world.venue).orders(reads[-1]) if "lost" not in MODES[world.mode] else ():
            # what went back as credit is no money
            if order.index == VANISHED or any(change.what == "credit" for change in order.changes):
                continue
            refunded = 0
            for change in (change for change in order.changes if change.what == "refund"):
                is_near = any(abs(read - change.at) <= 5 for read in reads)
                is_in_time = max(reads[0], order.listed) < change.at <= reads[-1]
                if change.amount != refunded and is_in_time and not is_near:
                    assert (order.id, change.at) in dated, (order.id, change)
                    looked_at += 1
                refunded = change.amount
    assert looked_at > 5


def test_no_refund_is_dated_later_than_without(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    last = (
        "select order_id, max(paid_at) from int_ticket_tailor__payments "
        "where account = ? and kind = 'refund' group by order_id"
    )
    for world in worlds:
        hooked, alone = (dict(db.execute(last, [account]).fetchall()) for account in (world.hooked, world.alone))
        assert {order for order in alone if hooked[order] > alone[order]} == set(), world.mode


def test_without_any_webhook_nothing_differs(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    for world in worlds:
        if world.mode == "never":
            for table in (*TABLES, *MONEY, "order_changes"):
                assert rows(db, table, world.hooked) == rows(db, table, world.alone), table


def test_what_vanished_is_missing_whatever_webhooks_say(db: duckdb.DuckDBPyConnection, worlds: list[World]) -> None:
    missing = "select account, missing_since is not null from int_ticket_tailor__order_heads where order_id = ?"
    found = dict(db.execute(missing, [f"or_{FIRST_ORDER + VANISHED}"]).fetchall())
    assert found == {account: True for world in worlds for account in (world.hooked, world.alone)}
