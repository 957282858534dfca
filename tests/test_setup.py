"""The first quarter of an hour: `boxoffice init` at a terminal and without one, `boxoffice check`."""

import datetime as dt
import os
import pty
import select
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest

from boxoffice.run import check
from boxoffice.settings import ROOT
from boxoffice.ticket_tailor.api import Answer
from boxoffice.ticket_tailor.errors import WHERE_KEYS_ARE
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_webhooks
from sandbox.venue import Venue

VENUE = Venue(1, orders=20)
KEY = "sk_1_2_secret"
# settings are written below the folder that it is called in, as by an installed one
CALL = "import pathlib; from boxoffice.cli import main, setup; setup.ROOT = pathlib.Path.cwd(); main()"
PYTHON = [sys.executable, "-c", CALL]


@pytest.fixture(scope="module")
def api() -> Iterator[TicketTailorApi]:
    with TicketTailorApi(VENUE, key=KEY) as api:
        yield api


def environment(folder: Path, api: TicketTailorApi, **more: str) -> dict[str, str]:
    known = {"PATH": os.environ["PATH"], "BOXOFFICE_DATA_DIR": str(folder / "data"), "TERM": "xterm"}
    return known | {"TICKET_TAILOR_BASE_URL": api.url} | more


def at_a_terminal(
    folder: Path, environ: dict[str, str], answers: list[tuple[str, str]], *arguments: str
) -> tuple[int, str]:
    """The exit code and what was seen, with each answer typed once its question is there."""
    process, terminal = pty.fork()
    if not process:
        os.chdir(folder)
        os.execve(sys.executable, [*PYTHON, *arguments], environ)
    seen, looked, until = "", 0, time.monotonic() + 60
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:
            break
        if not read:
            break
        seen += read.decode()
        if answers and (place := seen.find(answers[0][0], looked)) >= 0:
            looked = place + 1
            os.write(terminal, f"{answers.pop(0)[1]}\n".encode())
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert not answers, seen
    return os.waitstatus_to_exitcode(status), seen


def boxoffice(
    folder: Path, environ: dict[str, str], *arguments: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYTHON, *arguments], cwd=folder, env=environ, input=given, capture_output=True, text=True, check=False
    )


def test_at_a_terminal_it_asks_tries_and_writes(tmp_path: Path, api: TicketTailorApi) -> None:
    webhooks = tmp_path / "webhooks"
    answers = [
        ("API key (Enter", "sk_wrong"),
        ("API key (Enter", f"  {KEY} "),
        ("Folder", str(webhooks)),
        ("Make it?", "y"),
        ("Time zone", "Londen"),
        ("Time zone", "Europe/London"),
    ]
    code, seen = at_a_terminal(tmp_path, environment(tmp_path, api), answers, "init")
    assert code == 0, seen
    assert WHERE_KEYS_ARE in seen
    assert "refuses the API key" in seen
    assert "the key reads all 11 lists" in seen
    assert "'Londen' is not a time zone" in seen
    assert "boxoffice run" in seen
    assert KEY not in seen
    secrets, config = tmp_path / ".dlt" / "secrets.toml", tmp_path / ".dlt" / "config.toml"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert tomllib.loads(secrets.read_text()) == {"ticket_tailor": {"box_offices": {"main": {"api_key": KEY}}}}
    assert tomllib.loads(config.read_text()) == {
        "boxoffice": {"time_zone": "Europe/London"},
        "ticketor": {"sites": {"main": {"buffer": str(webhooks)}}},
    }

    # again, with another folder: nothing is replaced unless that is wanted, and all else stays as it is
    config.write_text(f"# ours\n{config.read_text()}")
    (tmp_path / "other").mkdir()
    answers = [("API key (Enter", KEY), ("Folder", str(tmp_path / "other")), ("Time zone", ""), ("Replace it?", "n")]
    before = secrets.read_bytes(), config.read_bytes()
    code, seen = at_a_terminal(tmp_path, environment(tmp_path, api), answers, "init")
    assert (code, secrets.read_bytes(), config.read_bytes()) == (0, *before), seen
    answers = [("API key (Enter", ""), ("Folder", str(tmp_path / "other")), ("Time zone", ""), ("Replace it?", "y")]
    code, seen = at_a_terminal(tmp_path, environment(tmp_path, api), answers, "init")
    assert config.read_text() == before[1].decode().replace(str(webhooks), str(tmp_path / "other")), seen


def test_without_a_terminal_it_has_options(tmp_path: Path, api: TicketTailorApi) -> None:
    environ = environment(tmp_path, api)
    nothing = boxoffice(tmp_path, environ, "init")
    assert (nothing.returncode, "give --api-key, --buffer or both" in nothing.stderr) == (2, True)
    wrong = boxoffice(tmp_path, environ, "init", "--api-key", "-", given="sk_wrong\n")
    assert (wrong.returncode, "Nothing was written" in wrong.stderr) == (1, True)
    assert not (tmp_path / ".dlt").exists()
    options = ("--time-zone", "Europe/London", "--name", "studio")
    done = boxoffice(tmp_path, environ, "init", "--api-key", "-", *options, given=f"{KEY}\n")
    assert done.returncode == 0, done.stderr
    other = boxoffice(tmp_path, environ, "init", "--buffer", str(tmp_path), "--time-zone", "UTC")
    assert "boxoffice.time_zone is set to something else, and was left as it is" in other.stderr
    secrets = tomllib.loads((tmp_path / ".dlt" / "secrets.toml").read_text())
    assert secrets["ticket_tailor"]["box_offices"] == {"studio": {"api_key": KEY}}


def test_check_tells_what_is_wrong_and_changes_nothing(tmp_path: Path, api: TicketTailorApi) -> None:
    webhooks = tmp_path / "webhooks"
    webhooks.mkdir()
    environ = environment(tmp_path, api, TICKET_TAILOR_API_KEY=KEY, TICKETOR_BUFFER=str(webhooks))
    empty = boxoffice(tmp_path, environ, "check")
    assert (empty.returncode, "no webhook has arrived yet" in empty.stdout) == (1, True)
    write_webhooks(VENUE, webhooks)
    well = boxoffice(tmp_path, environ, "check")
    assert well.returncode == 0, well.stdout
    assert "ok    ticket_tailor main: Reached; the key reads all 11 lists. Its newest order is or_" in well.stdout
    assert not (tmp_path / "data").exists()
    for path in webhooks.rglob("*"):
        if path.is_file() and b"SignupDate" in path.read_bytes():
            path.unlink()
    wrong = boxoffice(tmp_path, environ | {"TICKET_TAILOR_API_KEY": "sk_wrong"}, "check")
    assert wrong.returncode == 1
    assert "wrong ticket_tailor main: Ticket Tailor refuses the API key" in wrong.stdout
    assert "wrong ticketor main: No webhook 'New User' has arrived" in wrong.stdout
    began = time.monotonic()
    gone = boxoffice(tmp_path, environ | {"TICKET_TAILOR_BASE_URL": "http://127.0.0.1:9"}, "check")
    assert "could not be reached" in gone.stdout
    assert time.monotonic() - began < 8


def test_a_clock_that_is_wrong_is_said() -> None:
    now = dt.datetime.now(dt.UTC)
    for hours, said in ((0, []), (-2, ["2.0 hours ahead of"]), (3, ["3.0 hours behind"])):
        answer = Answer(200, {"Date": format_datetime(now + dt.timedelta(hours=hours))}, None)
        found = list(check._clock("ticket_tailor main", answer))
        assert [words in finding.text and not finding.well for finding, words in zip(found, said, strict=True)] == [
            True
        ] * len(said)
    assert list(check._clock("ticket_tailor main", Answer(200, {}, None))) == []


def test_one_menu_path_for_the_key() -> None:
    for page in ("README.md", ".dlt/example.secrets.toml", "pipelines/boxoffice/cli/setup.py"):
        text = " ".join((ROOT / page).read_text().split())
        assert WHERE_KEYS_ARE in text, page
        assert "Manage Billing" not in text


def test_what_cannot_be_is_said_at_once(tmp_path: Path, api: TicketTailorApi) -> None:
    environ = environment(tmp_path, api)
    file = tmp_path / "a-file"
    file.touch(mode=0o644)
    not_there = boxoffice(tmp_path, environ | {"BOXOFFICE_DATA_DIR": str(file), "TICKET_TAILOR_API_KEY": KEY}, "run")
    assert not_there.returncode == 1
    assert f"{file} cannot be written: Not a directory" in not_there.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o644, "it was taken for a folder of ours"
    for arguments, code, message in (
        (["orders", "or_1"], 2, "No box office is configured. Set TICKET_TAILOR_API_KEY, or call: boxoffice init"),
        (["report", "--out", "nowhere/report.html"], 1, f"there is no folder {tmp_path / 'nowhere'}"),
        (["backup", "nowhere/b.tar.gz"], 1, f"there is no folder {tmp_path / 'nowhere'}"),
    ):
        called = boxoffice(tmp_path, environ, *arguments)
        assert (called.returncode, called.stdout) == (code, "")
        assert message in called.stderr
