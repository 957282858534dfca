"""What is refused is reported by `status`; settings that make no sense are, before anything starts."""

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.cli.show_status import show
from boxoffice.errors import ConfigProblem
from boxoffice.receiver import refusals
from boxoffice.receiver.accounts import by_token, digest
from boxoffice.receiver.refusals import Refusal
from boxoffice.run.status import status
from boxoffice.settings import ROOT, BoxOffice, Receiver, Settings, Site, load_settings

NOW = dt.datetime.now(dt.UTC)
HASH = digest("a token")


def refuse(buffer: Path, age: dt.timedelta, status_code: int = 413, reason: str = "too large") -> None:
    buffer.mkdir(parents=True, exist_ok=True)
    refusals.append(buffer, refusals.lines([Refusal(NOW - age, status_code, reason, 3, 100)]))


def test_status_reports_what_was_refused_for_two_weeks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arena, studio = tmp_path / "arena", tmp_path / "studio"
    settings = Settings(
        tmp_path / "data",
        sites=(Site("arena", str(arena)), Site("bucket", "s3://hooks/arena")),
        box_offices=(BoxOffice("studio", "k", buffer=f"file://{studio}"), BoxOffice("annexe", "k")),
    )

    def wants() -> list[str]:
        return [line for line in status(settings, 1, NOW).needs_attention if "the receiver" in line]

    assert wants() == []
    refuse(arena, dt.timedelta(days=15))
    assert wants() == []
    refuse(arena, dt.timedelta(days=2))
    refuse(arena, dt.timedelta(hours=1), 503, "it could not be written to the disk")
    with (arena / refusals.FILE).open("a") as file:
        file.write('{"at":"2026')  # power was lost
    refuse(studio, dt.timedelta(hours=1), 401, "its signature is missing")
    one, other = wants()
    assert re.match(r"ticketor arena: the receiver did not keep 6 deliveries since", one)
    assert "(503: it could not be written to the disk)" in one
    assert str(arena / refusals.FILE) in one
    assert re.match(r"ticket_tailor studio: the receiver did not keep 3 .* \(401: its signature is missing\)", other)
    found = status(settings, 1, NOW)
    show(found, NOW)
    assert "did not keep 6 deliveries" in capsys.readouterr().out
    assert not found.well
    (arena / refusals.FILE).unlink()
    (arena / refusals.FILE).mkdir()  # whatever keeps it from being read
    assert wants()[0] == f"ticketor arena: the receiver's {arena / refusals.FILE}: Is a directory"


def test_settings_of_the_receiver(tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(
        f"""
        [receiver]
        listen = "[::1]:9000"
        largest_body = "1MB"
        per_day = "1.5GiB"
        [ticketor.sites.arena]
        buffer = "hooks"
        token_sha256 = ["{HASH}"]
        [ticket_tailor.box_offices.studio]
        buffer = "studio"
        token_sha256 = "{digest("another")}"
        webhook_secret = "one, other"
        webhook_max_age = "10m"
        [ticket_tailor.box_offices.annexe]
        """
    )
    settings = load_settings({"RECEIVER__PER_SECOND": "7"}, tmp_path, receiving=True)
    assert settings.receiver == Receiver("[::1]:9000", 10**6, 7, 3 * 2**29)
    accounts = by_token(settings)
    assert {str(account) for account in accounts.values()} == {"ticketor arena", "ticket_tailor studio"}
    assert accounts[HASH].buffer == tmp_path / "hooks"
    assert accounts[digest("another")].secrets == ("one", "other")
    assert "other" not in repr(settings.box_offices)
    with pytest.raises(ConfigProblem, match="has no api_key"):  # which every other verb needs
        load_settings({}, tmp_path)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "No account has a token_sha256"),
        ({"TICKETOR__SITES__A__TOKEN_SHA256": "a-token"}, "It is not the token itself"),
        ({"TICKETOR__SITES__A__TOKEN_SHA256": HASH, "TICKETOR__SITES__A__BUFFER": "s3://b"}, "should be a folder"),
        ({"TICKETOR__SITES__A__TOKEN_SHA256": HASH, "TICKETOR__SITES__B__TOKEN_SHA256": HASH}, "have the same token"),
        ({"TICKET_TAILOR__BOX_OFFICES__S__TOKEN_SHA256": HASH}, "has no buffer"),
        (
            {"TICKET_TAILOR__BOX_OFFICES__S__TOKEN_SHA256": HASH, "TICKET_TAILOR__BOX_OFFICES__S__BUFFER": "s"},
            "no webhook_secret",
        ),
        ({"RECEIVER__LISTN": "x"}, r"\[receiver\] does not know listn"),
        ({"RECEIVER__PER_DAY": "much"}, "is not a size"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    buffers = {"TICKETOR__SITES__A__BUFFER": "a", "TICKETOR__SITES__B__BUFFER": "b"}
    with pytest.raises(ConfigProblem, match=expected):
        by_token(load_settings(buffers | variables, tmp_path, receiving=True))


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "receive", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_token_is_printed_once_and_kept_nowhere(tmp_path: Path) -> None:
    found = call("--new-token", "ticket-tailor", "studio", BOXOFFICE_DATA_DIR=str(tmp_path / "data"))
    token = re.search(r"https://YOUR-HOST/ticket-tailor/([\w-]{43})\n", found.stdout)
    assert token
    assert f'token_sha256 = ["{digest(token[1])}"]' in found.stdout
    assert not list(tmp_path.iterdir())
    assert call("--new-token", "eventbrite", "x").returncode == 2
    assert call("--new-token", "ticketor", "../x").returncode == 2


def test_an_address_that_cannot_be_listened_at(tmp_path: Path) -> None:
    settings = {"TICKETOR_BUFFER": str(tmp_path), "TICKETOR__SITES__MAIN__TOKEN_SHA256": HASH}
    found = call("--listen", "192.0.2.1:1", **settings)
    assert (found.returncode, "Cannot listen on 192.0.2.1:1" in found.stderr) == (1, True)
    found = call("--listen", "8480", **settings)
    assert (found.returncode, "should be an address such as" in found.stderr) == (2, True)
