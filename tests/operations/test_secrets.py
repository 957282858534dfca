"""Keys, passwords and hook addresses: searched for in everything that runs leave behind, print and start."""

import base64
import dataclasses
import datetime as dt
import gzip
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from boxoffice.run import run
from boxoffice.settings import ROOT, Settings
from boxoffice.warehouse import publish
from tests.operations.house import House

WRONG, PASSWORD, HOOK, COMMAND, AWS = (
    "sk_wr0ng_k3y",
    "pa55-of-the-site",
    "T0K3N-of-the-hook",
    "T0K3N-of-the-command",
    "aws-s3cr3t-acce55",
)
NOBODY = "http://127.0.0.1:9"  # discard: nothing listens there

# Things nobody foresaw, deep inside a load and with the key at hand.
CRASH_AT_OUR_SIDE = """
from boxoffice.ticket_tailor import packages
def package(self): raise RuntimeError("a defect of ours")
packages.Gathering.package = package
"""
CRASH_INSIDE_DLT = """
from boxoffice.ticket_tailor import source
make = source.ticket_tailor_source
def fail(item): raise RuntimeError("a defect of ours")
def broken(office, package):
    made = make(office, package)
    made.resources["orders"].add_map(fail)
    return made
source.ticket_tailor_source = broken
"""
ONE_TRY = """
from boxoffice.ticket_tailor import api
api.RETRIES = api.Retry(total=0)
"""


class Watched:
    """The command line as processes of their own: all they print, and the arguments of every process they start."""

    def __init__(self, house: House, environment: dict[str, str]) -> None:
        self.house, self.environment = house, environment
        self.printed: list[str] = []
        self.processes: set[bytes] = set()

    def boxoffice(self, settings: Settings, *arguments: str, defect: str = "", **environment: str) -> int:
        code = f"{defect}\nfrom boxoffice.cli import main\nmain(prog_name='boxoffice')"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=self.house.environment(settings) | self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while process.poll() is None:
            self._look_at(process.pid)
            time.sleep(0.02)
        self.printed.append(process.communicate()[0])
        return process.returncode

    def _look_at(self, pid: int) -> None:
        try:
            self.processes.add(Path(f"/proc/{pid}/cmdline").read_bytes())
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:  # not Linux, or gone meanwhile
            return
        for child in children:
            self._look_at(int(child))


def found(folder: Path, secret: str) -> list[str]:
    """Where below a folder a text stands: files as they are and unpacked, and every row of every table."""
    # as it is, and as HTTP sends it
    spellings = [secret.encode(), base64.b64encode(f"{secret}:".encode()).rstrip(b"="), secret.encode("utf-16-le")]
    places = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content += gzip.decompress(content)
        places += [str(path)] * any(spelling in content for spelling in spellings)
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as db:
                for schema, table in db.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                    query = f'select count(*) from "{schema}"."{table}" as t where contains(cast(t as varchar), ?)'
                    [(count,)] = db.execute(query, [secret]).fetchall()
                    places += [f"{path} {schema}.{table}"] * bool(count)
    return places


@pytest.mark.house
def test_no_secret_is_anywhere(house: House) -> None:
    settings = house.settings()
    [office], [site] = settings.box_offices, settings.sites
    wrong = dataclasses.replace(settings, box_offices=(dataclasses.replace(office, api_key=WRONG),))
    nowhere = dataclasses.replace(settings, box_offices=(dataclasses.replace(office, base_url=NOBODY),))
    seen = house.folder / "processes"
    table = f"TICKETOR__SITES__{site.name.upper()}__"
    access = {"HOST": house.api.url, "CLIENT_ID": "arena", "USER": "api", "PASSWORD": PASSWORD}
    access = {table + name: value for name, value in access.items()}
    watched = Watched(house, access)
    hook = {"BOXOFFICE__ON_FAILURE": f"{NOBODY}/{HOOK}"}
    # what `ps` shows while a run is under way; there may be no ps, or no /proc
    look = f"cat /proc/[0-9]*/cmdline > {seen} || ps -Aww -o args >> {seen}"
    looking = {"BOXOFFICE__ON_FAILURE": f"{look}; echo {COMMAND}; exit 3"}
    bucket = {
        "TICKETOR__SITES__BUCKET__BUFFER": "s3://webhooks/bucket",
        "AWS_ENDPOINT_URL": NOBODY,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": AWS,
        "AWS_MAX_ATTEMPTS": "1",
    }

    assert watched.boxoffice(wrong, "run", **looking) == 1
    house.go_on(24)
    assert watched.boxoffice(settings, "run", defect=CRASH_AT_OUR_SIDE, **hook) == 1
    assert watched.boxoffice(settings, "run", defect=CRASH_INSIDE_DLT, **hook) == 1
    assert watched.boxoffice(nowhere, "run", defect=ONE_TRY, **hook, **bucket) == 1
    assert watched.boxoffice(settings, "run", **hook) == 0
    assert watched.boxoffice(settings, "call", "ticketor", "GET", "webhooks") == 1
    assert watched.boxoffice(settings, "call", "ticketor", "GET", "webhooks", **{f"{table}HOST": NOBODY}) == 1
    assert watched.boxoffice(settings, "call", "ticket-tailor", "GET", "/v1/ping") in (0, 1)
    assert watched.boxoffice(wrong, "orders") == 1
    watched.boxoffice(settings, "status")

    printed, data = "\n".join(watched.printed), settings.data_dir
    for told in (
        "RuntimeError: a defect of ours",
        "dlt failed in its step",
        "could not be notified",
        "refuses",
        "did not answer",
    ):
        assert told in printed
    running = b"".join(watched.processes) + seen.read_bytes()
    for secret in (office.api_key, WRONG, PASSWORD, HOOK, COMMAND, AWS):
        assert found(data, secret) == []
        assert secret not in printed
        assert base64.b64encode(f"{secret}:".encode()).decode() not in printed
        assert secret.encode() not in running
    person_key = settings.person_key_file.read_text()
    assert found(data, person_key) == [str(settings.person_key_file)]
    assert person_key not in printed

    # the same search finds what does stand there
    assert {Path(place.split()[0]).suffix for place in found(data, site.name)} >= {".duckdb", ".jsonl", ".json"}
    assert str(settings.logs / "errors.log") in found(data, "a defect of ours")
    assert "raw_ticketor.records" in "".join(found(data, site.name))
    assert site.name in printed
    assert b"boxoffice" in running


def test_what_a_run_writes_is_for_its_owner_alone(copy_of_first: Path) -> None:
    """Whoever may pass through the folder, say because others shall read boxoffice.duckdb, reads nothing."""
    paths = [path for path in copy_of_first.parent.rglob("*") if path.is_file()]
    assert {path.name for path in paths} >= {"warehouse.duckdb", "boxoffice.duckdb", "runs.jsonl", "clean", "dbt.log"}
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("mode", [0o440, 0o444])
def test_the_mode_of_the_published_file_is_a_setting(house: House, mode: int) -> None:
    settings = dataclasses.replace(house.settings(), published_mode=mode)
    assert run.run(settings, echo=lambda _line: None).outcome == "idle"
    assert settings.published.stat().st_mode & 0o777 == mode
    publish.publish(settings, dt.datetime.now(dt.UTC))
    assert settings.published.stat().st_mode & 0o777 == mode
