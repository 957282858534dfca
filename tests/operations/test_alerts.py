"""on_failure: a command or an address of the user's, told once when something goes wrong and once when it is mended."""

import dataclasses
import datetime as dt
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller

from boxoffice.errors import Busy, Problem
from boxoffice.receiver import refusals
from boxoffice.run import alerts, lock, marker, run
from boxoffice.run.run import RunResult
from boxoffice.run.status import status
from boxoffice.settings import ROOT, Settings
from tests.operations.house import House

SECRET = "T0K3N-of-the-hook"


class Hook:
    """A webhook address: keeps the bodies it was sent, answers ``status`` after ``delay`` seconds."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status, self.delay = 204, 0.0
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.delay:
                    # one byte at a time, so that no single read is ever late
                    for byte in b"HTTP/1.1 " * 20:
                        time.sleep(hook.delay)
                        self.wfile.write(bytes([byte]))
                    return
                if hook.status < 300:
                    hook.bodies.append(json.loads(body))
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/{SECRET}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever, daemon=True)
    thread.start()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def settings_of(house: House, on_failure: str = "", **site_settings: Any) -> Settings:
    """The house's settings; its webhooks are from long ago, and nobody minds unless a test says so."""
    settings = house.settings()
    [site] = settings.sites
    site = dataclasses.replace(site, **{"quiet_after": dt.timedelta(days=36500)} | site_settings)
    return dataclasses.replace(settings, on_failure=on_failure, sites=(site,))


def with_key(settings: Settings, key: str) -> Settings:
    [office] = settings.box_offices
    return dataclasses.replace(settings, box_offices=(dataclasses.replace(office, api_key=key),))


def ran(settings: Settings) -> RunResult:
    return run.run(settings, echo=lambda _line: None)


def test_told_once_when_it_fails_and_once_when_it_is_well(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    wrong = with_key(settings, "sk_of_nobody")
    assert ran(settings).outcome == "idle"
    assert hook.bodies == []

    assert [ran(wrong).outcome for _ in range(3)] == ["failed"] * 3
    [told] = hook.bodies
    [problem] = told["problems"]
    assert (told["well"], problem["what"], problem["platform"]) == (False, "failed", "ticket_tailor")
    assert problem["account"] == settings.box_offices[0].name
    assert problem["message"] in told["text"]
    assert told["run"]["verb"] == "run"
    assert "sk_of_nobody" not in json.dumps(told)

    assert [ran(settings).outcome for _ in range(2)] == ["idle", "idle"]
    assert [(body["well"], body["problems"]) for body in hook.bodies[1:]] == [(True, [])]


def test_a_build_that_fails_is_not_mended_by_a_load(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    settings.person_key_file.unlink()
    settings.person_key_file.mkdir()  # the models read the secret from it
    assert run.transform_only(settings, echo=lambda _line: None).outcome == "failed"
    assert run.load_only(settings, echo=lambda _line: None).outcome != "failed"
    assert [body["well"] for body in hook.bodies] == [False]
    assert "transform" in hook.bodies[0]["text"]


def test_a_file_nobody_can_read_does_not_silence_it(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    settings.published.unlink()
    settings.published.write_bytes(b"no database")
    assert run.load_only(with_key(settings, "sk_of_nobody"), echo=lambda _line: None).outcome == "failed"
    assert [body["well"] for body in hook.bodies] == [False]


def test_what_stops_a_run_before_it_begins_is_told_too(house: House, hook: Hook, tmp_path: Path) -> None:
    settings = house.settings()
    told = {"BOXOFFICE__ON_FAILURE": hook.url}
    no_zone = {"TICKETOR__SITES__ELSEWHERE__BUFFER": "b", "TICKETOR__SITES__ELSEWHERE__TIME_ZONE": "Mars"}
    for verb in ("run", "run", "status"):
        refused = house.boxoffice(settings, verb, environment=told | no_zone)
        assert (refused.returncode, "Mars" in refused.stderr) == (2, True)
    assert [(body["well"], "Mars" in body["text"]) for body in hook.bodies] == [(False, True)]
    nothing = {"BOXOFFICE_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-m", "boxoffice.cli", "run"], cwd=ROOT, env=nothing | told, check=False)
    assert "Nothing is configured" in hook.bodies[-1]["text"]

    (settings.data_dir / "lock").unlink(missing_ok=True)
    (settings.data_dir / "lock").mkdir()  # whoever runs the tests may write any file
    refused = house.boxoffice(settings, "load", environment=told)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    for text in (hook.bodies[-1]["text"], refused.stderr):
        assert f"{settings.data_dir / 'lock'} cannot be written" in text
    assert len(hook.bodies) == 3


def test_a_run_that_hangs_is_told_by_the_next(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    with lock.lock(settings):
        for hours, calls in ((5, 0), (7, 1), (8, 1)):
            since = time.time() - hours * 3600
            os.utime(settings.data_dir / "lock", (since, since))
            with pytest.raises(Busy):
                ran(settings)
            assert len(hook.bodies) == calls
    assert "7.0 hours" in hook.bodies[0]["text"]
    assert ran(settings).outcome == "idle"
    assert hook.bodies[-1]["well"] is True


def test_a_silence_is_told_once_by_runs_and_by_status(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    impatient = settings_of(house, hook.url, quiet_after=dt.timedelta(microseconds=1))
    assert [ran(impatient).outcome for _ in range(2)] == ["idle", "idle"]
    [told] = hook.bodies
    [problem] = told["problems"]
    assert (problem["what"], problem["platform"], problem["account"]) == ("quiet", "ticketor", settings.sites[0].name)
    assert problem["message"] in status(impatient, 1).needs_attention
    assert problem["message"] not in status(settings, 1).needs_attention

    ran(settings)
    assert [body["well"] for body in hook.bodies] == [False, True]


def test_a_record_dated_in_the_future_is_told_once_as_a_clock_that_is_wrong(house: House, hook: Hook) -> None:
    settings = settings_of(house, hook.url)
    settings.published.chmod(0o600)
    with duckdb.connect(str(settings.published)) as db:
        db.execute("update marts.dim_accounts set last_record_at = now() + interval 5 year where platform = 'ticketor'")
    settings.published.chmod(settings.published_mode)
    marker.write(settings, swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
    assert [ran(settings).outcome for _ in range(2)] == ["idle", "idle"]
    [told] = hook.bodies
    [problem] = told["problems"]
    assert (problem["what"], problem["platform"], problem["account"]) == ("ahead", "ticketor", settings.sites[0].name)
    # the minute may be another by now
    assert problem["message"].split(", and it is")[0] in "".join(status(settings, 1).needs_attention)


def test_an_account_that_has_never_told_anything_is_silent_since_it_was_set_up(house: House) -> None:
    settings = house.settings()
    settings.published.chmod(0o600)
    with duckdb.connect(str(settings.published)) as db:
        db.execute("update marts.dim_accounts set last_record_at = null")
    now = dt.datetime.now(dt.UTC)
    told = [status(settings, 1, now + dt.timedelta(days=days)).needs_attention for days in (13, 15)]
    assert [sum("nothing since it was set up" in want for want in wants) for wants in told] == [0, 2]


@pytest.mark.parametrize(
    ("answer", "told"),
    [(500, "it answered 500"), (302, "it answered 302"), (None, "ConnectionError"), (0, "no answer")],
)
def test_an_address_that_fails_is_told_and_called_again(
    house: House, hook: Hook, answer: int | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(house, hook.url)
    hook.status, hook.delay = answer or 204, 0.05 if answer == 0 else 0.0
    if answer is None:
        hook.server.socket.close()
    monkeypatch.setattr(alerts, "PATIENCE", 0.5)
    result = ran(with_key(settings, "sk_of_nobody"))
    assert [one.error is None for one in result.accounts] == [True, False]
    assert result.on_failure
    assert told in result.on_failure
    assert result.on_failure in status(settings, 1).needs_attention
    assert SECRET not in settings.runs_file.read_text()
    assert hook.bodies == []
    if answer:
        hook.status = 200
        ran(with_key(settings, "sk_of_nobody"))
        assert [body["well"] for body in hook.bodies] == [False]


def test_a_command_gets_it_on_standard_input(house: House, tmp_path: Path) -> None:
    settings = with_key(house.settings(), "sk_of_nobody")
    told = tmp_path / "told.json"
    command = {
        "BOXOFFICE__ON_FAILURE": f"cat > '{told}'; echo of-the-command",
        f"TICKETOR__SITES__{settings.sites[0].name.upper()}__QUIET_AFTER": "36500d",
    }
    for _ in range(2):
        failed = house.boxoffice(settings, "run", environment=command)
        assert failed.returncode == 1
        assert "of-the-command" not in failed.stdout + failed.stderr
    assert json.loads(told.read_text())["problems"][0]["account"] == settings.box_offices[0].name
    assert house.boxoffice(house.settings(), "run", environment=command).returncode == 0
    assert json.loads(told.read_text())["well"] is True


@pytest.mark.parametrize(
    ("command", "told", "sells"),
    [
        ("echo no such list; exit 3", "ended with code 3.", False),
        ("/no/such/thing", "code 127", False),
        ("sleep 600", "was stopped", False),
        pytest.param("sleep 600", "was stopped", True, marks=pytest.mark.house),
    ],
)
def test_a_command_that_fails_harms_no_run(
    house: House, command: str, told: str, sells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "PATIENCE", 0.5)
    if sells:
        house.go_on(24)
    settings = settings_of(house, command, quiet_after=dt.timedelta(microseconds=1))
    result = ran(settings)
    assert (result.outcome, result.published) == ("done" if sells else "idle", sells)
    assert told in str(result.on_failure)
    assert "no such" not in str(result.on_failure)
    assert not settings.told_file.exists()


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "PATIENCE", 0.5)
    child = tmp_path / "child"
    with pytest.raises(alerts.Problem, match="was stopped"):
        alerts._run(f"sleep 600 & echo $! > {child}; wait", "{}")
    time.sleep(0.1)
    state = Path(f"/proc/{child.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


class Inbox:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.taken.append(envelope.content.decode())
        return "250 OK"


def failed_run(error: str) -> dict[str, Any]:
    """A line of runs.jsonl."""
    now = dt.datetime.now(dt.UTC).isoformat()
    return {
        "verb": "run", "started_at": now, "ended_at": now, "outcome": "failed", "accounts": [], "error": error,
        "set_aside": None,
    }  # fmt: skip


def test_several_addresses_of_apprise(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A real ntfy request and a real mail; the token in an address is in nothing that is sent, raised or printed."""
    inbox, place = Inbox(), hook.url.split("/")[2]
    hook.status = 200
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mail = Controller(inbox, "127.0.0.1", port)
    mail.start()
    addresses = f"ntfy://{place}/{SECRET} mailto://127.0.0.1:{port}?from=box@example.org&to=anna@example.org"
    settings = Settings(tmp_path, on_failure=addresses)
    try:
        for _ in range(2):
            alerts.tell(settings, failed_run(f"no room for {SECRET}"))
    finally:
        mail.stop()
    [note], [message] = hook.bodies, inbox.taken
    assert (note["topic"], note["title"]) == (SECRET, "Boxoffice needs attention")
    # how a mail's lines are wrapped depends on the length of the folder's name
    for text in (note["message"], message.replace("=\r\n", "")):
        assert "The run failed: no room for" in text and SECRET not in text
    assert "To: anna@example.org" in message

    hook.status = 500
    for _ in range(2):  # no one has it: it is called again
        with pytest.raises(Problem, match="on_failure by ntfy, mailto was not sent") as failed:
            alerts.tell(settings, failed_run("") | {"error": None})
    assert SECRET not in str(failed.value)
    hook.status = 200
    with pytest.raises(Problem, match="on_failure by mailto was not sent"):
        alerts.tell(settings, failed_run("") | {"error": None})
    alerts.tell(settings, failed_run("") | {"error": None})  # one has it: that is enough
    assert [note["title"] for note in hook.bodies[1:]] == ["Boxoffice: all is well again"]
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(Problem, match="needs Apprise, which is not installed"):
        alerts.tell(settings, failed_run("once more"))
    assert capfd.readouterr() == ("", "")


def test_webhooks_that_the_receiver_refused_are_told_once(house: House) -> None:
    calls = house.folder / "refused_calls"
    settings = dataclasses.replace(house.settings(), on_failure=f"cat >> {calls}; echo >> {calls}")
    refused = refusals.Refusal(dt.datetime.now(dt.UTC), 413, "too large", 3, 100)
    for _ in range(2):
        refusals.append(Path(settings.sites[0].buffer), refusals.lines([refused]))
        run.run(settings, echo=lambda _line: None)
    [call] = [json.loads(line) for line in calls.read_text().splitlines() if line]
    [problem] = [one for one in call["problems"] if one["what"] == "not received"]
    assert problem["account"] == settings.sites[0].name
    assert "did not keep 3 deliveries" in call["text"]
