"""A long history: cut into windows, read side by side, kept window by window, gone on with after a kill."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from boxoffice.errors import Problem
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor import packages, reading
from boxoffice.ticket_tailor.intervals import OPEN
from sandbox.faults import Faults
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import make_client, truth
from tests.ticket_tailor.scripted import Ledger, order

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small_windows(monkeypatch):
    """Histories are long from five pages on, so that a test of them need not be."""
    monkeypatch.setattr(reading, "PAGES_BEFORE_CUTTING", 5)
    monkeypatch.setattr(reading, "PAGES_PER_WINDOW", 3)


def spans_of(requests) -> list[tuple[int, int]]:
    return [
        (int(one.params.get("created_at.gte", 0)), int(one.params.get("created_at.lt", OPEN)))
        for one in requests
        if one.path == "/v1/orders"
    ]


def orders_only(api) -> BoxOffice:
    return BoxOffice("main", api.key, api.url, lists=("orders",))


def test_a_short_history_is_not_cut(quick):
    with TicketTailorApi(Venue(seed=1, orders=950, days=300)) as api:
        quick.load(api, orders_only(api))
        assert api.count() == 10


@pytest.mark.parametrize(
    ("days", "late"),
    [
        (3, False),
        (40, True),
        *(pytest.param(*each, marks=pytest.mark.house) for each in ((3, True), (40, False), (700, False), (700, True))),
    ],
)
def test_a_long_history_is_read_in_windows_and_whole(quick, small_windows, days, late):
    with TicketTailorApi(Venue(seed=2, orders=3000, days=days, late=late)) as api:
        outcome = quick.load(api, orders_only(api))
        assert quick.newest("orders") == truth(api, "orders")
        assert quick.doubled("orders") == []
        assert len(set(spans_of(api.requests))) > 5
        # 30 pages if read in one go; what cutting costs is bounded
        assert api.count() < 2 * 30
        covered = outcome.packages[-1] and quick.query(
            "select min(created_from), max(created_to) from raw_ticket_tailor.coverage"
        )
        newest = max(order["created_at"] for order in truth(api, "orders").values())
        assert covered == [(0, newest + 1)]
        assert quick.load(api, orders_only(api)).plan.is_empty


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_list_that_is_not_sorted_by_its_filter_comes_to_an_end(quick, monkeypatch, seed):
    """Scans sent in late stand anywhere: the first pages may reach over all of a span, and no cut makes that less."""
    monkeypatch.setattr(reading, "PAGES_BEFORE_CUTTING", 1)
    with TicketTailorApi(Venue(seed=seed, orders=1500, days=30), budget=200) as api:
        quick.load(api, BoxOffice("main", api.key, api.url, lists=("check_ins",)))
        scans = truth(api, "check_ins")
        assert len(scans) > 500
        assert quick.newest("check_ins") == scans


def test_windows_are_read_side_by_side(quick, small_windows):
    """Four requests wait for each other: one page after the other would wait for ever."""
    together = threading.Barrier(4, timeout=20)
    with TicketTailorApi(Venue(seed=2, orders=3000, days=300)) as api:
        sound, lock, met = api.answer, threading.Lock(), [0]

        def answer(*request):
            with lock:
                met[0] += 1
                wait = 20 < met[0] <= 24
            if wait:
                together.wait()
            return sound(*request)

        api.answer = answer
        quick.load(api, orders_only(api))
        assert not together.broken and met[0] > 24
        assert quick.newest("orders") == truth(api, "orders")


def test_an_on_sale_morning_is_cut_again(quick, small_windows, monkeypatch):
    """Most orders of a year within one day: the window that holds them is cut once more."""
    monkeypatch.setattr(reading, "SHORTEST_CUT", 600)
    orders = [order(number, 1_700_000_000 + number * 30) for number in range(2700)]
    orders += [order(f"a{number}", 1_680_000_000 + number * 60_000) for number in range(330)]
    orders += [order(f"z{number}", 1_700_090_000 + number * 30_000) for number in range(700)]
    with Ledger(*orders, now=1_721_090_000) as ledger:
        quick.load(ledger, orders_only(ledger))
        assert set(quick.newest("orders")) == {each["id"] for each in orders}
        rush = [span for span in set(spans_of(ledger.asked)) if span[0] > 1_699_990_000 and span[1] < 1_700_090_000]
        assert len(rush) > 5


def test_a_list_in_no_order_is_read_whole(quick, small_windows):
    """Windows rest on the filters alone: what the list is sorted by may be anything."""
    orders = [order(number, 1_700_000_000 + number * 7919 % 3000 * 5000) for number in range(1500)]
    with Ledger(*orders, now=1_715_000_000, sorted=False) as ledger:
        quick.load(ledger, orders_only(ledger))
        assert set(quick.newest("orders")) == {each["id"] for each in orders}
        assert quick.load(ledger, orders_only(ledger)).plan.is_empty


def test_an_order_listed_a_little_below_its_place_is_not_lost(quick, small_windows):
    """The list comes newest first as far as it was read, and is cut there; one order further down is newer still."""
    orders = [order(number, 1_700_000_000 - number * 30) for number in range(3000)]
    orders.insert(520, order("late", orders[480]["created_at"]))
    with Ledger(*orders, now=1_700_000_000, sorted=False) as ledger:
        quick.load(ledger, orders_only(ledger))
        assert len(set(spans_of(ledger.asked))) > 3
        assert set(quick.newest("orders")) == {each["id"] for each in orders}


def test_what_is_done_when_the_platform_fails_is_kept_and_not_read_again(quick, small_windows, monkeypatch):
    monkeypatch.setattr(packages, "ROWS_PER_PACKAGE", 500)
    with TicketTailorApi(Venue(seed=2, orders=3000, days=300)) as api:
        sound = api.answer

        def answer(*request):
            if api.count() > 25:
                api.faults = Faults(rate=1, kinds=("500",), in_a_row=10**6)
            return sound(*request)

        api.answer = answer
        with pytest.raises(Problem, match="the next run goes on from there"):
            quick.load(api, orders_only(api))
        done = quick.query("select created_from, created_to from raw_ticket_tailor.coverage where kind = 'window'")
        assert done
        api.answer, api.faults = sound, None
        before = api.count()
        quick.load(api, orders_only(api))
        assert quick.newest("orders") == truth(api, "orders") and quick.doubled("orders") == []
        assert_not_read_again(list(api.requests)[before:], done)


def assert_not_read_again(requests, done):
    """No request reaches into a span that was done; the newest, which every run reads again, has no end."""
    for start, end in spans_of(requests):
        for done_start, done_end in done if end < OPEN else ():
            assert end <= done_start or start >= done_end, ((start, end), (done_start, done_end))


def test_progress_is_told_with_an_estimate(quick, small_windows, monkeypatch):
    monkeypatch.setattr(packages, "ROWS_PER_PACKAGE", 500)
    with TicketTailorApi(Venue(seed=2, orders=3000, days=300)) as api:
        client = make_client(api)
        sound = api.answer

        def answer(*request):
            client.clock.now += 2
            return sound(*request)

        api.answer = answer
        outcome = quick.load(api, orders_only(api), client=client)
        assert len(outcome.lines) >= 4
        assert any(" % of the history" in line.replace("%", " %") and "left" in line for line in outcome.lines)


KILLED = """
import sys
from pathlib import Path
from boxoffice.settings import BoxOffice, Settings
from boxoffice.ticket_tailor import packages, reading, workers
from tests.ticket_tailor.loads import Warehouse

reading.PAGES_BEFORE_CUTTING, reading.PAGES_PER_WINDOW = 5, 2
packages.ROWS_PER_PACKAGE, workers.PAGES_WAITING = 400, 2


class Api:
    url, key, now = sys.argv[2], sys.argv[3], int(sys.argv[4])
    count = staticmethod(lambda: 0)


office = BoxOffice("main", Api.key, Api.url, lists=("orders",))
Warehouse(Settings(Path(sys.argv[1]))).load(Api, office, each=lambda _package: print("loaded", flush=True))
"""


@pytest.mark.house
def test_a_backfill_killed_again_and_again_resumes(warehouse):
    """kill -9 in three runs, after the fifth package (some of what is read side by side is whole by then), at some
    request, after the next package: what had been done by then is never asked for again. The fourth run ends: all is
    whole and nothing doubled."""
    complete = "_dlt_load_id in (select load_id from raw_ticket_tailor._dlt_loads where status = 0)"
    windows = f"select created_from, created_to from raw_ticket_tailor.coverage where kind = 'window' and {complete}"
    with TicketTailorApi(Venue(seed=2, orders=4000, days=300)) as api:
        sound, until, victim = api.answer, 0, None

        def answer(*request):
            if until and api.count() >= until:
                victim.kill()
            return sound(*request)

        api.answer = answer
        done: list[tuple[int, int]] = []
        for packages_loaded, requests in ((5, 0), (0, 15), (1, 0), (0, 0)):
            before, until = api.count(), api.count() + requests if requests else 0
            victim = subprocess.Popen(
                [sys.executable, "-c", KILLED, str(warehouse.settings.data_dir), api.url, api.key, str(api.now)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
            )
            for _ in range(packages_loaded):
                assert victim.stdout.readline() == b"loaded\n"
            if packages_loaded:
                victim.kill()
            victim.communicate(timeout=120)
            assert victim.returncode == (-signal.SIGKILL if packages_loaded or requests else 0)
            assert_not_read_again(list(api.requests)[before:], done)
            kept, done = done, warehouse.query(windows)
            assert set(done) >= set(kept) and done, "what was done stays done"
        assert warehouse.newest("orders") == truth(api, "orders")
        assert warehouse.doubled("orders") == []
        assert warehouse.query("select count(*) - count(distinct version_id) from raw_ticket_tailor.orders") == [(0,)]
