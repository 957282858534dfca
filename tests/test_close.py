"""A month that is closed never changes: what is heard of it later is posted in the first open month, with its cause."""

import contextlib
import datetime as dt
import gzip
import hashlib
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.month import close as month
from boxoffice.raw import closes, pipeline
from boxoffice.run import backup, marker, run
from boxoffice.run import disk as disk_room
from boxoffice.settings import ROOT, BoxOffice, Settings, Site
from boxoffice.warehouse import dbt_project, seeds
from tests.dbt import dbt
from tests.operations.disk import fill, small_disk
from tests.test_cases import Json, details, line, order, payment, product, put_file, ticket, user
from tests.ticket_tailor.scripted import Asked, Scripted, page

JANUARY = "2026-01"
NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)


def at(day: str) -> int:
    """Noon of a day, in unix seconds."""
    return int(dt.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())


def sale(
    number: int, day: str, price: int, *items: Json, paid: bool = True, fee: int = 1, event: Json | None = None
) -> Json:
    """A Ticketor invoice of one ticket, with its payment."""
    where = {"EventId": 5, "EventName": "Show", "EventDate": "2026-01-20T19:00:00Z"} | (event or {})
    sold = ticket(number * 10, number, price, Event=where)
    money = [payment(number * 10, number, price, f"{day}T12:00:00Z")] if paid else []
    return details(number, price, sold, *money, *items, Date=f"{day}T12:00:00Z", PlatformFee={"Fee": fee})


MOVED = {"EventId": 6, "EventName": "Moved", "EventDate": "2026-01-28T19:00:00Z"}
LATER_SHOW = {"EventId": 7, "EventName": "Later", "EventDate": "2026-03-20T19:00:00Z"}
RETURN = {"InvoiceType": "Return", "RelatedInvoiceId": 3, "Date": "2026-01-22T12:00:00Z"}

BEFORE = {
    "2026-01-05": sale(1, "2026-01-05", 10),
    "2026-01-06": sale(2, "2026-01-06", 48, paid=False),
    "2026-01-07": sale(3, "2026-01-07", 38),
    "2026-01-08": sale(5, "2026-01-08", 20, event=MOVED),
    "2026-01-10": details(8, 5, product(80, 8), payment(80, 8, 5, "2026-01-10T12:00:00Z"), Date="2026-01-10T12:00:00Z"),
    "2026-01-22": details(4, 38, **RETURN),
    "2026-01-31": sale(9, "2026-01-31", 12, event=LATER_SHOW),
    "2026-02-02": user(77, "someone@example.org"),
    "2026-02-03": sale(6, "2026-02-03", 15, event=LATER_SHOW),
}
# what is heard of January once it is closed
LATER = {
    "2026-02-10": payment(20, 2, 48, "2026-02-10T12:00:00Z"),
    "2026-02-11": sale(7, "2026-01-15", 31),
    "2026-02-12": sale(1, "2026-01-05", 10, fee=6),
    "2026-02-13": details(4, 38, payment(40, 4, -38, "2026-02-13T12:00:00Z"), **RETURN),
    "2026-02-14": ticket(50, 5, 20, Event=MOVED | {"EventDate": "2026-03-28T19:00:00Z"}),
}
ORDERS = [order(1, line(1, "ticket", "tt_1", 1000), created_at=at("2026-01-09"))]
LISTED_LATE = order(2, line(2, "ticket", "tt_1", 3700), created_at=at("2026-01-30"))


class Venue:
    """A site and a box office in one folder; ``orders`` is what the box office's list has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders, self.zone = list(ORDERS), "UTC"
        (folder / "buffer").mkdir(parents=True, exist_ok=True)
        self.api = Scripted(self._answer)

    @property
    def settings(self) -> Settings:
        site = Site("arena", str(self.folder / "buffer"), self.zone, settle_seconds=0)
        return Settings(self.folder / "data", (site,), (BoxOffice("studio", "sk_1", self.api.url, self.zone),))

    def _answer(self, asked: Asked) -> Json:
        found = self.orders if asked.path.endswith("/orders") else []
        first, last = int(asked.params.get("created_at.gte", 0)), int(asked.params.get("created_at.lt", 1 << 62))
        return page(*(one for one in found if first <= one["created_at"] < last))

    def receive(self, files: dict[str, Json]) -> None:
        for day, payload in files.items():
            put_file(self.folder / "buffer" / f"{day}.json", payload, at(day))

    def run(self) -> run.RunResult:
        result = run.run(self.settings, echo=quiet)
        assert (result.exit_code, result.error) == (0, None)
        return result

    def close(self, name: str = JANUARY, now: dt.datetime = NOW) -> month.Closed:
        closed = month.close(self.settings, name, echo=quiet, now=now)
        assert closed.close, closed.result
        return closed

    def close_and_be_killed(self, after: float = 0.0, *, while_it_loads_for: float = 0.0) -> int:
        """A close in a process that is killed after so many seconds, or so long after it began to load what it froze;
        returns how it ended."""
        if child := os.fork():
            if after:
                time.sleep(after)
                os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            if while_it_loads_for:
                load = pipeline.load_package

                def load_and_be_killed(*arguments: Any) -> None:
                    threading.Timer(while_it_loads_for, os.kill, (os.getpid(), signal.SIGKILL)).start()
                    load(*arguments)
                    time.sleep(60)

                pipeline.load_package = load_and_be_killed
            self.close()
            os._exit(0)
        finally:
            os._exit(1)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.published), read_only=True) as db:
            db.execute("set schema = 'marts'")
            db.execute("set TimeZone = 'UTC'")
            return db.execute(query).fetchall()

    def journal(self, where: str = "true") -> list[tuple[Any, ...]]:
        return self.ask(f"from fct_journal where {where} order by all")

    def sums(self) -> list[tuple[Any, ...]]:
        """The journal whatever its state: what each order and event is in it, by the days that it belongs to."""
        return self.ask(
            "select origin_on, platform, account, currency, posting, code, order_id, event_key, rule, sum(amount) "
            "from fct_journal group by all having sum(amount) <> 0 order by all"
        )

    def file(self, name: str = JANUARY) -> bytes:
        return closes.file_of(self.settings, name).read_bytes()


def quiet(_line: str) -> None:
    pass


def copied(venue: Venue, folder: Path) -> Venue:
    """The same venue in another place, as its last run left it."""
    shutil.copytree(venue.folder, folder, dirs_exist_ok=True)
    other = Venue(folder)
    other.orders, other.api = venue.orders, venue.api
    # the marker names files by their inodes, which a copy changes
    marker.write(other.settings, swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
    return other


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """January is closed, and nothing has been heard of it since. What was published before is beside it."""
    made = Venue(tmp_path_factory.mktemp("venue"))
    with made.api:
        made.receive(BEFORE)
        made.run()
        shutil.copyfile(made.settings.published, made.folder / "before.duckdb")
        # killed while it loads, twice: nothing is closed, and what is left is in no one's way
        for seconds in (0.05, 0.3):
            assert made.close_and_be_killed(while_it_loads_for=seconds) == -signal.SIGKILL
            assert closes.held(made.settings) == [] and made.ask("from rpt_closes") == []
            marker.write(made.settings, swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
        made.close()
        yield made


@pytest.fixture(scope="module")
def later(venue: Venue, tmp_path_factory: pytest.TempPathFactory) -> Venue:
    """The same venue once all kinds of later news of January have come, in one run."""
    made = copied(venue, tmp_path_factory.mktemp("later"))
    made.receive(LATER)
    made.orders.append(LISTED_LATE)
    made.run()
    made.orders.remove(LISTED_LATE)
    return made


CLOSED = "state = 'closed'"


def test_what_was_closed_is_what_was_open(venue: Venue) -> None:
    with duckdb.connect(str(venue.folder / "before.duckdb"), read_only=True) as db:
        before = db.execute("select * exclude (journal_key, state, closed_month) from marts.fct_journal").fetchall()
    now = venue.ask("select * exclude (journal_key, state, closed_month) from fct_journal")
    assert sorted(map(str, now)) == sorted(map(str, before))
    assert venue.ask("select distinct state, closed_month, posted_on <= '2026-01-31' from fct_journal order by 1") == [
        ("closed", dt.date(2026, 1, 1), True),
        ("open", None, False),
    ]
    [(rows, sha256)] = venue.ask("select rows, sha256 from rpt_closes where is_in_force")
    text = gzip.decompress(venue.file())
    assert hashlib.sha256(text).hexdigest() == sha256
    assert text.count(b"\n") == rows + 1 == len(venue.journal(CLOSED)) + 1


# By order, or by event of those that only a release names: why, and what its sentence has to say.
CAUSES = {
    ("2", None): ("news", "booked false → true"),
    ("7", None): ("late", "First received on 2026-02-11"),
    ("1", None): ("news", "fee 1.0000 → 6.0000"),
    ("4", None): ("news", "on 2026-02-13"),
    ("or_2", None): ("late", "First received on "),
    (None, "5"): ("late", "follows from later news of its orders"),
}


def test_later_news_changes_no_closed_month_and_is_explained(venue: Venue, later: Venue) -> None:
    assert later.journal(CLOSED) == venue.journal(CLOSED)
    assert later.file() == venue.file()
    found = {
        (order_id, None if order_id else event_id): (why, sentence)
        for order_id, event_id, why, sentence in later.ask(
            "select distinct order_id, event_id, why, in_words from rpt_adjustments "
            "left join dim_events using (event_key)"
        )
    }
    assert found.keys() == CAUSES.keys()
    for key, (why, part) in CAUSES.items():
        assert found[key][0] == why and part in found[key][1], (key, found[key])
    assert later.ask("select distinct posted_on, origin_month from rpt_adjustments") == [
        (dt.date(2026, 2, 1), dt.date(2026, 1, 1))
    ]
    # it was given, by what was known when the month was closed: another date moves nothing, and is listed
    with duckdb.connect(str(later.settings.published), read_only=True) as db:
        db.execute("set schema = 'marts'")
        assert [event_id for _, event_id, *_ in month.moved_events(db)] == ["6"]
    # what is late of a closed month is not in the first open one twice
    assert later.ask("select sum(amount) from fct_journal where posting = 'clearing' and order_id = '2'") == [(48,)]
    for states in ("posted_on, platform, account, currency, state", "order_id, event_key, origin_on, state, currency"):
        assert (
            later.ask(f"from (select sum(amount) as amount from fct_journal group by {states}) where amount <> 0") == []
        )


@pytest.mark.house
def test_the_next_close_takes_the_adjustments_and_reopening_gives_them_back(
    venue: Venue, later: Venue, tmp_path: Path
) -> None:
    next_month = copied(later, tmp_path)
    adjusted, sums = later.ask("from rpt_adjustments order by all"), later.sums()
    next_month.receive({"2026-03-01": user(78, "another@example.org")})
    next_month.close("2026-02", dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
    assert next_month.ask("from rpt_adjustments") == []
    assert next_month.file() == venue.file()
    assert next_month.journal("closed_month = '2026-01-01'") == venue.journal(CLOSED)
    assert next_month.ask(
        "select distinct posted_on from fct_journal where origin_on < '2026-02-01' and state = 'closed' "
        "and closed_month = '2026-02-01'"
    ) == [(dt.date(2026, 2, 1),)]
    assert next_month.sums() == sums

    month.reopen(next_month.settings, "2026-02", "a bill was late", echo=quiet)
    assert next_month.ask("from rpt_adjustments order by all") == adjusted
    assert not closes.file_of(next_month.settings, "2026-02").exists()
    month.reopen(next_month.settings, JANUARY, "VAT rate wrong", echo=quiet)
    assert next_month.ask("select distinct state from fct_journal") == [("open",)]
    # the three states together were what the journal is without closes, but for the performance that was moved
    natural = [row for row in next_month.sums() if row[8] != "release"]
    assert natural == [row for row in sums if row[8] != "release"]
    assert [row[:3] for row in next_month.ask("select month, action, because from rpt_closes order by number")] == [
        (dt.date(2026, 1, 1), "closed", None),
        (dt.date(2026, 2, 1), "closed", None),
        (dt.date(2026, 2, 1), "reopened", "a bill was late"),
        (dt.date(2026, 1, 1), "reopened", "VAT rate wrong"),
    ]


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.house) for seed in range(20)])
def test_killed_while_it_closes(venue: Venue, tmp_path: Path, seed: int) -> None:
    """At any moment: afterwards the month is closed as it would have been, or not at all."""
    made = Venue(tmp_path)
    made.api = venue.api
    made.receive(BEFORE)
    made.run()
    made.close_and_be_killed(after=random.Random(seed).uniform(0.5, 9))
    made.run()
    states = [close.month for close in closes.in_force(closes.held(made.settings))]
    assert states == [
        month for (month,) in made.ask("select strftime(month, '%Y-%m') from rpt_closes where is_in_force")
    ]
    assert [path.name for path in closes.folder(made.settings).glob("*.gz")] == [f"{one}.csv.gz" for one in states]
    if not states:
        assert made.ask("select distinct state from fct_journal") == [("open",)]
        made.close()
    assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()


@pytest.mark.house
def test_a_full_disk_closes_nothing(venue: Venue) -> None:
    """Whatever room is left: the month is closed as it would have been, or not at all, and the next close does it."""
    with small_disk("200M") as disk:
        made = Venue(disk / "venue")
        made.api = venue.api
        made.receive(BEFORE)
        made.run()
        fill(disk)
        for room in (2**15, 2**20, 2**23):
            os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - room)
            with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Problem):
                patch.setattr(disk_room, "ROOM", 0)
                month.close(made.settings, JANUARY, echo=quiet, now=NOW)
            if closes.in_force(closes.held(made.settings)):
                break
            fill(disk)
        (disk / "ballast").unlink()
        made.run()
        if not closes.in_force(closes.held(made.settings)):
            made.close()
        assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()


def edited(venue: Venue, statement: str) -> None:
    """A statement on the warehouse, by hand."""
    with duckdb.connect(str(venue.settings.warehouse)) as db:
        db.execute(statement)


BREAK = "update raw_closes.lines set amount = '9999.0000' where order_id = '1' and posting = 'clearing'"


def test_a_broken_seal(venue: Venue, tmp_path: Path) -> None:
    """A file that was edited is written again from raw; a raw that was edited stops every run until it is rebuilt."""
    made = copied(venue, tmp_path)
    path = closes.file_of(made.settings, JANUARY)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"10.0000", b"99.0000")))
    (told,) = closes.write_files(made.settings)
    assert "is not what was sealed" in told and made.file() == venue.file()
    assert len(list(path.parent.glob("*.damaged-*"))) == 1

    edited(made, BREAK)
    with pytest.raises(Problem, match="The seal of 2026-01 is broken"):
        closes.require_whole(made.settings)
    result = run.run(made.settings, echo=quiet)
    assert result.exit_code == 1 and "The seal of 2026-01 is broken" in result.error
    assert made.journal(CLOSED) == venue.journal(CLOSED)


@pytest.mark.house
@pytest.mark.parametrize("left", ["file", "published", "nothing"])
def test_rebuilt_from_what_is_left(venue: Venue, tmp_path: Path, left: str) -> None:
    made = copied(venue, tmp_path)
    edited(made, BREAK if left == "file" else "drop schema raw_closes cascade")
    if left != "file":
        shutil.rmtree(closes.folder(made.settings))
    if left == "nothing":
        made.settings.published.unlink()
    rebuilt = backup.rebuild(made.settings, echo=quiet)
    assert rebuilt.result.outcome == "done"
    told = "\n".join(rebuilt.messages)
    if left == "nothing":  # nothing says that a month was ever closed
        assert made.ask("select distinct state from fct_journal") == [("open",)]
        return
    assert "2026-01, which was closed, was restored from" in told
    assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()


@pytest.mark.house
def test_what_no_copy_is_left_of_is_open_again(venue: Venue, tmp_path: Path) -> None:
    made = copied(venue, tmp_path)
    edited(made, BREAK)
    closes.file_of(made.settings, JANUARY).write_bytes(b"not even gzip")
    made.settings.published.unlink()
    rebuilt = backup.rebuild(made.settings, echo=quiet)
    assert "2026-01 is open again" in "\n".join(rebuilt.messages)
    assert made.ask("select action, because from rpt_closes order by number")[1][0] == "reopened"
    assert made.ask("select distinct state from fct_journal") == [("open",)]
    made.close()
    assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()


@pytest.mark.house
def test_a_backup_put_back_has_what_was_closed(venue: Venue, later: Venue, tmp_path: Path) -> None:
    kept = tmp_path / "kept.tar.gz"
    manifest = backup.backup(later.settings, kept, echo=quiet)
    assert manifest["rows"]["raw_closes.lines"] == len(venue.journal(CLOSED))
    other = Venue(tmp_path)
    other.api = later.api
    restored = backup.restore(other.settings, kept, echo=quiet)
    assert (restored.result.outcome, restored.messages) == ("done", [])
    assert other.journal() == later.journal() and other.file() == venue.file()

    # closed since the backup was made: put back from data/closes, and said
    made = copied(later, tmp_path / "later")
    made.receive({"2026-03-01": user(78, "another@example.org")})
    made.close("2026-02", dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
    february = made.journal("closed_month = '2026-02-01'")
    restored = backup.restore(made.settings, kept, echo=quiet, replace=True)
    assert "2026-02, which was closed, was restored from" in "\n".join(restored.messages)
    assert made.journal("closed_month = '2026-02-01'") == february and february


@pytest.mark.house
def test_other_rules_change_no_closed_month(
    venue: Venue, later: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another time zone, an edited seed, a build of everything from nothing."""
    made = copied(later, tmp_path)
    made.zone = "Pacific/Auckland"  # where noon of 31 January in UTC is February
    told: list[str] = []
    assert run.run(made.settings, echo=told.append).outcome == "done"
    assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()
    assert any("closed months would have other postings now" in line for line in told), told

    made.zone = "UTC"
    made.run()
    assert made.journal() == later.journal()

    project = tmp_path / "project"
    for name in ("models", "macros", "seeds", "tests/data"):
        shutil.copytree(ROOT / name, project / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(ROOT / name, project / name)
    with (project / "seeds" / "product_kinds.csv").open("a") as file:
        file.write("ticketor,arena,7,donation\n")
    with monkeypatch.context() as patch:
        for module in (dbt_project, marker, seeds):
            patch.setattr(module, "DBT_PROJECT", project)
        made.run()
    assert made.journal(CLOSED) == venue.journal(CLOSED) and made.file() == venue.file()
    assert made.ask("select posting, amount, why from rpt_adjustments where order_id = '8' order by 1") == [
        ("donations", -5, "rules"),
        ("products", 5, "rules"),
    ]

    dbt(made.settings.data_dir, tmp_path / "target", "build", "--full-refresh", "--exclude-resource-type", "unit_test")
    made.run()
    assert made.journal() == later.journal() and made.file() == venue.file()


REFUSED = {
    "2026-13": "is not a month",
    "2026-01": "is already closed",
    "2025-12": "is part of what was frozen with 2026-01",
    "2026-03": "the next is 2026-02",
    "2026-02": "is not over: for ticket_tailor studio it ends 2026-03-01 00:00 UTC",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_closed_is_refused(venue: Venue, name: str) -> None:
    for call in (month.check, month.close):
        with pytest.raises(ConfigProblem) as refused:
            call(venue.settings, name, now=NOW, **({} if call is month.check else {"echo": quiet}))
        assert REFUSED[name] in str(refused.value) and refused.value.exit_code == 2
    with pytest.raises(ConfigProblem, match="the newest closed month is 2026-01"):
        month.reopen(venue.settings, "2025-12", "no reason", echo=quiet)
    with pytest.raises(ConfigProblem, match="Give the reason"):
        month.reopen(venue.settings, JANUARY, " ", echo=quiet)


def test_what_is_in_the_way(venue: Venue, tmp_path: Path) -> None:
    """By the published tables, one thing each: changed there, since a check reads nothing else."""
    made = copied(venue, tmp_path)
    then = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    made.settings.published.chmod(0o600)

    def check(statement: str, **options: Any) -> month.Checked:
        shutil.copyfile(venue.settings.published, made.settings.published)
        with duckdb.connect(str(made.settings.published)) as db:
            db.execute("set schema = 'marts'")
            db.execute(statement)
        return month.check(made.settings, "2026-02", now=then, **options)

    heard = "update dim_accounts set last_record_at = '2026-03-01 08:00:00+00'"
    assert check(heard).stops == []
    (silent,) = check("select 1").stops
    assert "ticketor arena has sent nothing since 2026-02-03 12:00 UTC" in silent
    expected = check("select 1", silent=["arena"])
    assert expected.stops == [] and "Expected (--silent)" in expected.accepted[0]
    with pytest.raises(ConfigProblem, match="no account has this name"):
        check("select 1", silent=["arean"])
    (unbalanced,) = check(
        f"{heard}; update fct_journal set amount = 16 where amount = 15 and posting = 'clearing'"
    ).stops
    assert "does not balance on 2026-02-03: 1.0000 USD" in unbalanced
    (without,) = check(
        f"{heard}; update fct_journal set code = null where state = 'open' and posting = 'clearing'"
    ).stops
    assert "clearing of ticketor arena has no account code" in without
    belongs_nowhere = (
        f"{heard}; update fct_journal set posting = 'no_order' where posting = 'clearing' and order_id = '6'"
    )
    (nowhere,) = check(belongs_nowhere).stops
    assert "15.00 USD was paid for orders that have not come" in nowhere
    accepted = check(belongs_nowhere, accept=True)
    assert (accepted.stops, accepted.accepted) == ([], [nowhere])
    checked = check(heard)
    assert checked.rows == len(venue.journal("state = 'open' and posted_on < '2026-03-01'"))
    for row in checked.balances:
        assert row.before + row.moved == row.after
    assert sum(row.after for row in checked.balances if row.currency == "USD") == 0
