"""What is published in proportion to the change is what a whole copy would be, whatever came between."""

import datetime as dt
import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse import publish as publishing
from boxoffice.warehouse.publish import CopyAhead, Published, publish
from tests.compare import differences
from tests.test_touched import ask, change, dbt, ticket_tailor, ticketor
from tests.worlds import Worlds

TABLES = ("dim_customers", "fct_orders", "fct_order_lines", "fct_tickets", "fct_payments")
NOW = dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def settings(worlds: Worlds, tmp_path: Path) -> Settings:
    """A data folder as a run left it: built and published, once more since a copy is another file."""
    made = Settings(data_dir=tmp_path)
    for path in (worlds.settings.warehouse, worlds.settings.person_key_file, worlds.settings.published):
        shutil.copyfile(path, tmp_path / path.name)
    assert publish(made, NOW).not_ours
    return made


def published(settings: Settings, whole: Path | None = None, *, ahead: CopyAhead | None = None) -> Published:
    """Publishes, and compares with ``whole``, by default a whole copy that is made for it."""
    done = publish(settings, NOW, ahead)
    assert list(differences(whole or whole_copy(settings), settings.published)) == []
    assert ask(settings.data_dir, "from intermediate.unpublished_orders") == []
    return done


def whole_copy(settings: Settings) -> Path:
    whole = Settings(data_dir=settings.data_dir / "whole")
    shutil.rmtree(whole.data_dir, ignore_errors=True)
    whole.data_dir.mkdir()
    shutil.copyfile(settings.warehouse, whole.warehouse)
    change(whole.data_dir, "drop table intermediate.published")
    assert not publish(whole, NOW).in_proportion
    return whole.published


def sale(rng: random.Random, platform: str) -> str:
    """A new version of an order, or of a part of one, with another total or buyer."""
    number = rng.randrange(10**9)
    if platform == "ticketor":
        webhook = rng.choice(["invoice", "ticket", "payment", "product_sale"])
        return ticketor(
            f"webhook = '{webhook}' and hash(record_id) % 7 = {number % 7}",
            f"json_merge_patch(document, json_object('Total', {number % 90}, 'BuyPrice', {number % 50}))",
            webhook,
        ).replace("'9999999999.1'", f"'9999{number}.1'")
    table, news = rng.choice(
        [
            ("orders", f"'buyer_details', json_object('email', 'buyer.{number}@example.org')"),
            ("issued_tickets", "'status', 'voided'"),
        ]
    )
    return ticket_tailor(
        table, f"hash(version_id) % 7 = {number % 7}", f"json_merge_patch(document, json_object({news}))"
    ).replace("'9999999999.1'", f"'9999{number}.1'")


BUILDS = {
    "all": ["build"],
    "ticketor": ["build", "--select", "source:raw_ticketor+"],
    "ticket_tailor": ["build", "--select", "source:raw_ticket_tailor+"],
    # as far as a build that was killed came
    "killed early": ["build", "--exclude", "marts"],
    "killed late": ["build", "--exclude", "fct_tickets+", "rpt_reconciliation", "test_type:data"],
    "by hand": ["build", "--exclude", "test_type:data", "--select", "fct_orders", "fct_tickets", "dim_customers"],
}


@pytest.mark.parametrize(
    ("rounds", "seed"),
    [
        # a build that is killed, and one that goes on
        pytest.param(1, 16, id="1"),
        pytest.param(4, 1, id="4", marks=pytest.mark.house),
    ],
)
def test_any_sequence_of_builds(settings: Settings, rounds: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # one buyer's new address touches a quarter of so small a venue
    monkeypatch.setattr(publishing, "LARGEST_PART", 1)
    rng = random.Random(seed)
    ways = set()
    for _ in range(rounds):
        for build in rng.sample(sorted(BUILDS), rng.randint(1, 2)):
            change(settings.data_dir, *(sale(rng, rng.choice(["ticketor", "ticket_tailor"])) for _ in range(3)))
            dbt(settings.data_dir, *BUILDS[build])
        ways.add(published(settings).in_proportion)
    assert ways == {True}


@pytest.mark.house
def test_what_is_built_from_nothing_is_copied_whole(settings: Settings) -> None:
    dbt(settings.data_dir, "build", "--full-refresh", "--select", "fct_payments")
    assert not published(settings).in_proportion
    assert published(settings).in_proportion


def test_a_file_that_is_not_the_last_one_is_copied_whole(settings: Settings) -> None:
    older = settings.data_dir / "older.duckdb"
    shutil.copyfile(settings.published, older)

    def edit() -> None:
        before = settings.published.stat()
        settings.published.chmod(0o644)
        with duckdb.connect(str(settings.published)) as db:
            db.execute("update marts.fct_orders set total_amount = 0")
        os.utime(settings.published, ns=(before.st_atime_ns, before.st_mtime_ns))

    def overwrite_bytes() -> None:
        before = settings.published.stat()
        settings.published.chmod(0o644)
        with settings.published.open("r+b") as file:
            file.seek(before.st_size // 2)
            file.write(bytes(64))
        os.utime(settings.published, ns=(before.st_atime_ns, before.st_mtime_ns))

    def kill_before_the_note() -> None:
        change(settings.data_dir, "update intermediate.published set stamp = ''")

    whole = whole_copy(settings)
    for happens in (
        edit,
        overwrite_bytes,
        lambda: older.replace(settings.published),
        settings.published.unlink,
        kill_before_the_note,
    ):
        happens()
        done = published(settings, whole)
        assert (done.in_proportion, done.not_ours) == (False, True)
    assert published(settings, whole).in_proportion


def test_a_copy_begun_ahead_is_taken_while_it_is_of_the_last_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "AHEAD_FROM", 0)
    fresh = settings.data_dir / ".boxoffice.duckdb.new"

    def copied() -> CopyAhead:
        with CopyAhead(settings) as ahead:
            change(settings.data_dir, "update marts.dim_events set event_name = event_name || '!'")
        assert ahead.stamp() == publishing._stamp(settings.published)
        return ahead

    ahead, copy = copied(), fresh.stat().st_ino
    assert published(settings, ahead=ahead).in_proportion
    assert settings.published.stat().st_ino == copy

    ahead = copied()
    publish(settings, NOW)
    assert published(settings, ahead=ahead).in_proportion

    ahead = copied()
    settings.published.chmod(0o644)
    with duckdb.connect(str(settings.published)) as db:
        db.execute("update marts.fct_orders set total_amount = 0")
    done = published(settings, ahead=ahead)
    assert (done.in_proportion, done.not_ours) == (False, True)

    with pytest.raises(Problem), CopyAhead(settings) as ahead:
        raise Problem("The build failed.")
    assert not fresh.exists()
    assert published(settings, ahead=ahead).in_proportion

    monkeypatch.setattr(publishing, "ROOM_FOR", 2**40)
    with CopyAhead(settings) as ahead:
        pass
    assert ahead.stamp() is None


def test_a_table_more_or_described_otherwise(settings: Settings) -> None:
    change(settings.data_dir, "comment on column marts.dim_events.event_name is 'Another'")
    assert not publish(settings, NOW).in_proportion
    change(settings.data_dir, "create table marts.more as select 1 as one")
    assert not publish(settings, NOW).in_proportion
    change(settings.data_dir, "create or replace view marts.rpt_month_balances as select 1 as one")
    assert not published(settings).in_proportion


def test_a_change_that_nothing_notes_is_noticed_by_the_number_of_rows(settings: Settings) -> None:
    change(
        settings.data_dir,
        "delete from marts.fct_payments where rowid = 0",
        "insert into intermediate.unpublished_marts values ('fct_payments', 'platform, account, order_id', null)",
    )
    assert not published(settings).in_proportion


def test_the_file_does_not_grow_without_bound(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = settings.published.stat().st_size
    monkeypatch.setattr(publishing, "GROWS_TO", 1)
    monkeypatch.setattr(publishing, "SLACK", 0)
    ways = []
    for day in range(6):
        change(settings.data_dir, *(f"update marts.{name} set account = account || '{day}'" for name in TABLES))
        ways.append(publish(settings, NOW).in_proportion)
        assert settings.published.stat().st_size < 3 * whole
    assert True in ways and False in ways
