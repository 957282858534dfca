"""Acknowledged means kept: killed, without power, on disks that are full, read-only or broken."""

import collections
import concurrent.futures
import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from boxoffice.errors import Problem
from boxoffice.receiver import buffer as buffers
from boxoffice.receiver.buffer import Buffer, Delivery
from boxoffice.settings import ROOT
from tests.operations.disk import Disk, small_disk
from tests.receiver.running import Running, Senders, eventually, numbers
from tests.ticketor.conftest import Venue

NO_FSYNC = "import os; os.fsync = lambda file: None"
# while the file is there, the disk answers every fsync with an error
BROKEN = """
import errno, os
from pathlib import Path
sync, synced = os.fsync, []
def fsync(file):
    if Path({flag!r}).exists():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    sync(file)
os.fsync = fsync
"""
SMALL_RESERVE = "from boxoffice.receiver import buffer; buffer.RESERVE, buffer.RESERVE_FOR_REFUSALS = 2**20, 2**16"


def delivery(number: int = 1, at: dt.datetime | None = None) -> Delivery:
    return Delivery(at or dt.datetime.now(dt.UTC), number, None, None, b'{"Id":%d}' % number, "")


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.house)])
def test_killed_under_load(tmp_path: Path, times: int) -> None:
    """Every acknowledged delivery is in raw; a file that was not finished is not read."""
    running, acknowledged, first = Running(tmp_path), set[int](), 1
    for number in range(times):
        running.start()
        with Senders(running, first=first) as senders:
            assert eventually(lambda senders=senders: len(senders.acknowledged) > 100)
            time.sleep(0.01 * number)
            running.stop(signal.SIGKILL)
        acknowledged |= senders.acknowledged
        first = senders.next
    venue = Venue(tmp_path)
    (tmp_path / "buffer").symlink_to(running.site)
    venue.load_without_dlt()
    counts = collections.Counter(row["payload_id"] for row in venue.rows() if row["outcome"] == "loaded")
    assert acknowledged
    assert acknowledged <= counts.keys()
    assert set(counts.values()) == {1}


@pytest.mark.skipif(not Disk.available(), reason="needs Linux, root and mkfs.ext4")
@pytest.mark.parametrize(("times", "fsync"), [(2, True), (1, False), pytest.param(20, True, marks=pytest.mark.house)])
def test_power_is_lost_under_load(tmp_path: Path, times: int, fsync: bool) -> None:
    """What was acknowledged is on the disk. Without fsync it is not, which shows that this test could see it."""
    acknowledged, first = set[int](), 1
    with Disk(tmp_path / "disk", 96 * 2**20) as disk:
        running = Running(disk.root, prelude=SMALL_RESERVE + "\n" + ("" if fsync else NO_FSYNC))
        for _ in range(times):
            running.start()
            with Senders(running, first=first) as senders:
                assert eventually(lambda senders=senders: len(senders.acknowledged) > 100)
                before = set(senders.acknowledged)
                disk.lose_power()
                running.stop(signal.SIGKILL)
            acknowledged |= before
            first = senders.next
            kept = set(numbers(running.kept()))
            assert (acknowledged <= kept) is fsync, f"{len(acknowledged - kept)} of {len(acknowledged)} are lost"


def test_what_is_synced_and_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no loss of power on this file system would show it: folders that are new, however they came."""
    synced: list[str] = []

    def fsync(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        synced.append("part" if path.suffix == ".part" else str(path.relative_to(tmp_path)))

    monkeypatch.setattr(os, "fsync", fsync)
    buffer = Buffer(tmp_path / "hooks" / "arena", 2**60)
    assert synced == ["hooks", ".", "part"]  # the probe
    day = f"hooks/arena/{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    for expected in (["hooks/arena", "part", day], ["part", day]):
        synced.clear()
        buffer.write([delivery()])
        assert synced == expected
    shutil.rmtree(tmp_path / day)
    for another in (buffer, Buffer(tmp_path / "hooks" / "arena", 2**60)):
        synced.clear()
        another.write([delivery()])
        assert synced == ["hooks/arena", "part", day]


def test_what_is_under_way_is_finished_after_sigterm(tmp_path: Path) -> None:
    slow = "import os, time; sync = os.fsync; os.fsync = lambda file: (time.sleep(0.5), sync(file))"
    with Running(tmp_path, slow) as running:
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(running.post(b'{"Id":1}')))
        thread.start()
        assert eventually(lambda: list(running.site.glob("2*/.*.part")))
        assert not running.kept()  # a loader sees nothing of it yet
        started = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - started < 5
        thread.join()
        assert statuses == [200]
        assert numbers(running.kept()) == [1]
    assert "on the disk" in running.log[-1]


def test_a_connection_that_was_taken_before_sigterm_sends_its_request_after_it(tmp_path: Path) -> None:
    prelude = "from boxoffice.receiver import server; server.LAST_REQUESTS = 2"
    with Running(tmp_path, prelude) as running, socket.create_connection(("127.0.0.1", running.port)) as connection:
        running.post(b'{"Id":1}')  # by now that one is accepted
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(b"POST /ticketor/%s HTTP/1.1\r\nContent-Length: 8\r\n\r\n" % running.token.encode())
        connection.sendall(b'{"Id":2}')
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            running.post(b'{"Id":3}')
    assert numbers(running.kept()) == [1, 2]


def test_an_fsync_that_fails_fails_its_commit_alone(tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    often = "from boxoffice.receiver import writer; writer.LOOKS_EVERY = 0.2\n"
    with Running(tmp_path, often + BROKEN.format(flag=str(flag))) as running:
        assert running.post(b'{"Id":1}') == 200
        flag.touch()
        assert running.post(b'{"Id":2}') == 503
        assert running.ask("GET", "/health").status == 200
        assert [running.post(b'{"Id":3}') for _ in range(2)] == [503, 503]
        assert running.ask("GET", "/health").status == 503
        flag.unlink()
        assert eventually(lambda: running.ask("GET", "/health").status == 200)  # it tries by itself
        assert running.post(b'{"Id":4}') == 200
        assert running.ask("GET", "/health").status == 200
        assert numbers(running.kept()) == [1, 4]
        assert not list(running.site.rglob("*.part"))
        # those that could not be recorded then are recorded now
        assert eventually(lambda: sum(count for status, count in running.refusals() if status == 503) == 3)
    assert any("Input/output error" in line for line in running.log)


def test_a_full_disk(tmp_path: Path) -> None:
    """The reserve keeps what comes at first; then each is refused, and that is recorded; then all is well again."""
    with small_disk("24m") as disk, Running(disk, SMALL_RESERVE, RECEIVER__MIN_FREE="1MB") as running:
        reserve = running.site / ".reserve"
        assert reserve.stat().st_size == 2**20
        assert running.post(b"x" * 100_000) == 200
        ballast = disk / "ballast"
        fill(ballast)
        assert running.post(b"x" * 100_000) == 503  # low: only small ones
        assert eventually(lambda: running.refusals() == [(503, 1)])  # for which the reserve gives a part
        fill(ballast)
        assert running.post(b"x" * 10_000) == 200
        assert reserve.stat().st_size == 2**16
        fill(ballast)
        assert running.post(b"x" * 10_000) == 503
        assert eventually(lambda: {503, 507} == {status for status, _ in running.refusals()})
        assert sum(count for _, count in running.refusals()) == 2
        ballast.unlink()
        assert running.post(b"x" * 100_000) == 200
        assert len(running.kept()) == 3


def fill(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file:
        for size in (2**16, 2**12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass


def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    with small_disk("24m") as disk, Running(disk, SMALL_RESERVE) as running:
        assert running.post(b'{"Id":1}') == 200
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert [running.post(b'{"Id":2}') for _ in range(3)] == [503] * 3
        assert running.ask("GET", "/health").status == 503
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert running.post(b'{"Id":3}') == 200
        assert numbers(running.kept()) == [1, 3]
        assert eventually(lambda: sum(count for _, count in running.refusals()) == 3)


def test_a_folder_that_is_removed_or_replaced(tmp_path: Path) -> None:
    with Running(tmp_path) as running:
        assert running.post(b'{"Id":1}') == 200
        [day] = running.site.glob("2*")
        shutil.rmtree(day)
        assert running.post(b'{"Id":2}') == 200
        # a link in its place is not followed
        elsewhere = tmp_path / "elsewhere"
        shutil.rmtree(day)
        elsewhere.mkdir()
        day.symlink_to(elsewhere)
        assert running.post(b'{"Id":3}') == 503
        assert not list(elsewhere.iterdir())
        day.unlink()
        # without the buffer itself, as when its disk is not mounted, nothing is written elsewhere
        running.site.rename(tmp_path / "away")
        assert running.post(b'{"Id":4}') == 503
        assert not running.site.exists()
        (tmp_path / "away").rename(running.site)
        assert running.post(b'{"Id":5}') == 200
        assert numbers(running.kept()) == [5]


def test_the_clock_goes_back_and_the_day_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each commit is a file of its own all the same, in the folder of its own time."""
    midnight = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
    times = [midnight - dt.timedelta(microseconds=1), midnight, midnight, midnight - dt.timedelta(hours=1)]

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return times.pop(0)

    monkeypatch.setattr(buffers.dt, "datetime", Clock)
    buffer = Buffer(tmp_path, 0)
    before = midnight - dt.timedelta(seconds=1)
    for number in range(4):
        buffer.write([delivery(number, before), delivery(number + 10, midnight)])
    files = sorted(path.relative_to(tmp_path).parts for path in tmp_path.glob("2*/*"))
    assert [day for day, _ in files] == ["2026-11-27"] * 2 + ["2026-11-28"] * 2
    assert len(b"".join(path.read_bytes() for path in tmp_path.glob("2*/*")).splitlines()) == 8


def test_two_receivers_share_a_buffer(tmp_path: Path) -> None:
    one, other = Running(tmp_path).start(), Running(tmp_path).start()
    with Senders(one) as first, Senders(other, first=100_000) as second:
        assert eventually(lambda: min(len(first.acknowledged), len(second.acknowledged)) > 50)
        assert (one.stop(), other.stop()) == (0, 0)
    kept = collections.Counter(numbers(one.kept()))
    assert first.acknowledged | second.acknowledged <= kept.keys()
    assert set(kept.values()) == {1}


def test_a_buffer_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match=r"cannot be written.*Nothing was started"):
        Buffer(tmp_path / "file" / "arena", 0)


@pytest.mark.skipif(not Path("/proc/self/fd").exists() or os.getuid() != 0, reason="needs Linux and root")
def test_another_user_of_the_group_reads_the_buffer(tmp_path: Path) -> None:
    with Running(tmp_path) as running:
        shutil.chown(running.site, group=12345)
        running.site.chmod(0o2750)
        assert running.post(b'{"Id":1}') == 200
        [file] = running.site.glob("2*/*.jsonl")
        for folder in (tmp_path, *tmp_path.parents):  # pytest's own, which it makes for one user
            if folder.stat().st_mode & 0o777 == 0o700:
                folder.chmod(0o711)

        def read(group: int) -> int:
            return subprocess.run(
                ["cat", file], user=23456, group=group, extra_groups=[], capture_output=True
            ).returncode

        assert (read(12345), read(12346)) == (0, 1)


def test_a_socket_that_systemd_opened(tmp_path: Path) -> None:
    """A restart refuses no one: who connects meanwhile waits in the socket."""
    running = Running(tmp_path)
    listening = subprocess.Popen(
        [sys.executable, "-c", ACTIVATOR, *running.command], cwd=ROOT, env=running.environment,
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        running.port = int(listening.stdout.readline())
        assert running.post(b'{"Id":1}') == 200  # it waited for the process to start
        with concurrent.futures.ThreadPoolExecutor(8) as senders:
            statuses = senders.map(lambda number: running.post(b'{"Id":%d}' % number), range(2, 402))
            time.sleep(0.1)
            listening.stdin.write("restart\n")
            listening.stdin.flush()
            assert set(statuses) == {200}
    finally:
        listening.communicate("stop\n", timeout=20)
    assert sorted(numbers(running.kept())) == list(range(1, 402))


# what systemd does: opens the socket, passes it on as file 3, and keeps it while the service is started again
ACTIVATOR = """
import os, signal, socket, sys
listening = socket.create_server(("127.0.0.1", 0), backlog=100)
print(listening.getsockname()[1], flush=True)
def start():
    pid = os.fork()
    if not pid:
        os.dup2(listening.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
        os.execv(sys.argv[1], sys.argv[1:])
    return pid
pid = start()
for line in sys.stdin:
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    if line == "stop\\n":
        break
    pid = start()
"""
