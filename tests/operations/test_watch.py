"""`run --every` is woken by what appears in a buffer."""

import contextlib
import datetime as dt
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from boxoffice.receiver.buffer import Buffer, Delivery
from boxoffice.run import watch as watches
from boxoffice.run.watch import Watch
from boxoffice.settings import ROOT, Settings, Site
from boxoffice.ticketor import buffer as buffers
from sandbox.ticketor import Ticketor
from sandbox.ticketor_webhooks import body
from tests.operations.house import HOUR, House
from tests.receiver.running import Running

TODAY = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
pytestmark = pytest.mark.skipif(not watches._IS_LINUX, reason="needs Linux")


def waited(watch: Watch, make: Callable[[], object], seconds: float = 3.0, rest: float = 0.0) -> float:
    """How long a pause lasts in which something is made after a fifth of a second."""
    timer = threading.Timer(0.2, make)
    started = time.monotonic()
    timer.start()
    watch.wait(seconds, rest)
    timer.join()
    return time.monotonic() - started


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "buffer").mkdir()
    sites = (Site("arena", str(tmp_path / "buffer")), Site("club", str(tmp_path / "gone")), Site("bucket", "s3://b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watches, "GATHER", 0.3)
        yield Settings(tmp_path / "data", sites=sites)


def test_a_pause_ends_when_a_file_appears(settings: Settings, tmp_path: Path) -> None:
    # in a process of its own, whose handler it stays
    buffer = Buffer(Path(settings.sites[0].buffer), 2**60)

    def receive() -> None:
        buffer.write([Delivery(dt.datetime.now(dt.UTC), 1, None, None, b"{}", "")])

    def check() -> None:
        # a thread of a library, which may get the signal as well
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        watch = Watch()
        watch.begin(settings)
        assert 0.4 < waited(watch, receive) < 2.5  # it makes the folder of the day
        watch.begin(settings)
        assert 0.4 < waited(watch, receive) < 2.5  # and this is in it
        assert 0.9 < waited(watch, receive, rest=0.7) < 2
        assert waited(watch, receive, seconds=0.6, rest=9) < 1
        receive()  # while a run is under way
        watch.begin(settings)
        assert 0.2 < waited(watch, lambda: None) < 2
        assert 0.9 < waited(watch, (tmp_path / "elsewhere").touch, seconds=1) < 2
        watch.begin(Settings(tmp_path))
        assert 0.9 < waited(watch, receive, seconds=1) < 2

    process = multiprocessing.get_context("fork").Process(target=check)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_what_the_receiver_wrote_need_not_settle(tmp_path: Path) -> None:
    buffer = tmp_path / "buffer"
    Buffer(buffer, 2**60).write([Delivery(dt.datetime.now(dt.UTC), 1, None, None, b'{"Id":1}', "")])
    (buffer / TODAY / "another.jsonl").write_text('{"Id":2}')
    plan = buffers.plan(Site("arena", str(buffer), settle_seconds=60), tmp_path / "warehouse.duckdb")
    [package] = plan.packages()
    assert len(plan.new) == len(package.records) == 1
    assert plan.young == 1


@pytest.mark.house
def test_a_sale_is_published_soon_after_its_webhook(house: House) -> None:
    """Receiver and `run --every 1h` side by side: the clock has no part in it."""
    settings = house.settings()
    [site], [venue] = settings.sites, house.venues
    table = f"TICKETOR__SITES__{site.name.upper()}__"
    running = Running(house.folder)
    token = running.environment["TICKETOR__SITES__ARENA__TOKEN_SHA256"]
    running.environment = house.environment(settings) | {f"{table}TOKEN_SHA256": token}
    deliveries = Ticketor(venue).deliveries(house.now, house.now + 96 * HOUR)
    sold = {one.story: one for one in deliveries if one.webhook == "invoice_with_details"}  # the last one of each sale
    every = [sys.executable, "-m", "boxoffice.cli", "run", "--every", "1h"]
    with running, contextlib.ExitStack() as ended:
        process = subprocess.Popen(every, cwd=ROOT, env=house.environment(settings))
        ended.callback(process.wait)
        ended.callback(process.terminate)
        for delivery in list(sold.values())[:2]:
            invoices, started = published(settings), time.monotonic()
            assert running.post(body(venue, delivery)) == 200
            while published(settings) == invoices:
                assert process.poll() is None
                assert time.monotonic() - started < 120
                time.sleep(0.1)


def published(settings: Settings) -> int:
    with duckdb.connect(str(settings.published), read_only=True) as db:
        [(count,)] = db.execute("select count(*) from marts.fct_orders where platform = 'ticketor'").fetchall()
    return count
