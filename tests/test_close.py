"""A month that is closed never changes: what is heard of it later is posted in the first open month, with its cause."""

import datetime as dt
import gzip
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.month import close as month
from boxoffice.raw import closes
from boxoffice.run import marker, run
from boxoffice.settings import BoxOffice, Settings, Site
from tests.test_cases import Json, details, line, order, payment, put_file, ticket, user
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
RETURN = {"InvoiceType": "Return", "RelatedInvoiceId": 3, "Date": "2026-01-22T12:00:00Z"}

BEFORE = {
    "2026-01-05": sale(1, "2026-01-05", 10),
    "2026-01-06": sale(2, "2026-01-06", 48, paid=False),
    "2026-01-07": sale(3, "2026-01-07", 38),
    "2026-01-08": sale(5, "2026-01-08", 20, event=MOVED),
    "2026-01-22": details(4, 38, **RETURN),
    "2026-02-02": user(77, "someone@example.org"),
    "2026-02-03": sale(6, "2026-02-03", 15, event={"EventId": 7, "EventDate": "2026-03-20T19:00:00Z"}),
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
        self.orders = list(ORDERS)
        (folder / "buffer").mkdir(exist_ok=True)
        self.api = Scripted(self._answer)

    @property
    def settings(self) -> Settings:
        site = Site("arena", str(self.folder / "buffer"), "UTC", settle_seconds=0)
        return Settings(self.folder / "data", (site,), (BoxOffice("studio", "sk_1", self.api.url, "UTC"),))

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
    (None, "5"): ("news", "follows from later news of its orders"),
}


def test_later_news_changes_no_closed_month_and_is_explained(venue: Venue, later: Venue) -> None:
    assert later.journal(CLOSED) == venue.journal(CLOSED)
    assert later.file() == venue.file()
    found = {
        (order_id, None if order_id else event_id): (why, sentence)
        for order_id, event_id, why, sentence in later.ask(
            "select distinct order_id, event_id, why, in_words from rpt_adjustments left join dim_events using (event_key)"
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
