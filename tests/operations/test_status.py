"""What `boxoffice status` wants a person for, and what it does not, or no more."""

import dataclasses
import datetime as dt
import re
from pathlib import Path

import duckdb
import pytest

from boxoffice.cli.show_status import show
from boxoffice.run import lock, run_log
from boxoffice.run.run import AccountResult, RunResult
from boxoffice.run.status import status
from boxoffice.settings import BoxOffice, Settings, Site
from tests.operations.house import House

NOW = dt.datetime.now(dt.UTC)


def test_a_load_that_failed_is_not_mended_by_a_transform(tmp_path: Path) -> None:
    settings = Settings(tmp_path)

    def wants(verb: str, outcome: str) -> list[str]:
        error = "a wrong key" if outcome == "failed" else None
        ran = RunResult(verb, NOW, NOW, outcome, error=error)
        run_log.record(settings, dataclasses.asdict(ran))
        return status(settings, 1, NOW).needs_attention

    assert wants("run", "failed") == ["The last run failed: a wrong key"]
    assert wants("run", "idle") == []
    assert wants("load", "failed") == ["The last load failed: a wrong key"]
    assert wants("transform", "done") == ["The last load failed: a wrong key"]
    assert wants("load", "idle") == []
    assert wants("load", "failed") == wants("transform", "idle") == ["The last load failed: a wrong key"]
    assert wants("run", "idle") == []


def recorded(settings: Settings, outcome: str, *accounts: AccountResult, verb: str = "run", error: str | None = None):
    lock.make_data_dir(settings, print)
    line = RunResult(verb, NOW, NOW, outcome, accounts=list(accounts), error=error)
    run_log.record(settings, dataclasses.asdict(line))


def shown(settings: Settings, capsys: pytest.CaptureFixture[str], now: dt.datetime = NOW) -> tuple[bool, str]:
    told = status(settings, 5, now)
    show(told, now)
    return told.well, capsys.readouterr().out


def test_the_newest_webhook_of_each_box_office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hall, studio = (BoxOffice(name, "sk", buffer=f"/srv/{name}") for name in ("hall", "studio"))
    settings = Settings(tmp_path / "data", box_offices=(hall, studio, BoxOffice("read_only", "sk")))
    received = NOW - dt.timedelta(minutes=5)
    recorded(settings, "done", AccountResult("ticket_tailor", "hall", newest_webhook=received))
    recorded(settings, "failed", AccountResult("ticket_tailor", "hall", error="there is no folder"))
    _, out = shown(settings, capsys)
    assert f"ticket_tailor hall: its newest webhook was received {received:%Y-%m-%d %H:%M} UTC (5 minutes ago)" in out
    assert "ticket_tailor studio: no webhook has been loaded from /srv/studio yet" in out
    assert "ticket_tailor read_only: " not in out


def test_an_interrupted_run_is_shown_and_neither_fails_nor_mends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(tmp_path / "data")
    recorded(settings, "interrupted")
    well, out = shown(settings, capsys)
    assert (well, "No run has ended yet. Next: boxoffice run" in out) == (False, True)
    recorded(settings, "done")
    assert shown(settings, capsys)[0]
    recorded(settings, "interrupted")
    well, out = shown(settings, capsys)
    assert (well, f"The last run was interrupted {NOW:%Y-%m-%d %H:%M} UTC" in out) == (True, True)
    recorded(settings, "failed", error="the disk is full")
    recorded(settings, "interrupted", verb="load")
    well, out = shown(settings, capsys)
    assert (well, "! The last run failed: the disk is full" in out, "The last load was inter" in out) == (
        False,
        True,
        True,
    )
    # nobody waits for the schedule because somebody tried something by hand
    assert any("schedule" in want for want in status(settings, 1, NOW + dt.timedelta(days=2)).needs_attention)


def test_each_account_has_a_line_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What loading says of an account, however it says it: a list that is refused or gone, accounts that are one, files
    that wait, orders that are listed no more."""
    settings = Settings(
        tmp_path / "data",
        sites=(Site("arena", "b"), Site("club", "c")),
        box_offices=(BoxOffice("studio", "k"), BoxOffice("hall", "l")),
    )
    well, out = shown(settings, capsys)
    assert re.findall(r"^\w+ (\w+) +never +never", out, re.M) == ["arena", "club", "studio", "hall"]
    recorded(
        settings,
        "failed",
        AccountResult("ticketor", "arena", messages=["6 files are younger than 5 s: left to the next run"]),
        AccountResult("ticketor", "club", news={"records": 3}),
        AccountResult("ticket_tailor", "studio", error="/v1/orders answers 404\nIt was read before."),
        AccountResult("ticket_tailor", "hall", error="the list orders is refused (status 403)"),
    )
    well, out = shown(settings, capsys)
    lines = out.splitlines()
    assert not well
    assert "! The last run failed for ticket_tailor studio: /v1/orders answers 404" in lines
    assert "  It was read before." in lines
    assert "! The last run failed for ticket_tailor hall: the list orders is refused (status 403)" in lines
    assert "- ticketor arena: 6 files are younger than 5 s: left to the next run" in lines
    # earlier versions wrote another key
    settings.runs_file.write_text(settings.runs_file.read_text().replace('"messages"', '"told"'))
    assert shown(settings, capsys) == (well, out)
    recorded(settings, "idle", AccountResult("ticketor", "arena"), AccountResult("ticket_tailor", "studio"))
    well, out = shown(settings, capsys)
    assert (well, "younger" in out) == (True, False)


def test_no_age_is_negative(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    settings = house.settings()
    settings.published.chmod(0o600)
    with duckdb.connect(str(settings.published)) as db:
        db.execute(
            "update marts.dim_accounts set last_record_at = $1::timestamptz "
            "+ case platform when 'ticketor' then interval 5 year else interval 3 minute end",
            [NOW],
        )
    told = status(settings, 5, NOW)
    [want] = [want for want in told.needs_attention if "dated" in want]
    assert want.startswith(f"ticketor {settings.sites[0].name}: its newest record is dated {NOW.year + 5}-")
    assert not any("has sent nothing" in want for want in told.needs_attention)
    # this machine's clock was ahead when the last run ended, and went back while it was under way
    ahead = NOW + dt.timedelta(days=2)
    run_log.record(settings, dataclasses.asdict(RunResult("run", ahead, ahead - dt.timedelta(hours=1), "idle")))
    well, out = shown(settings, capsys)
    assert not well
    assert "the clock of this machine was ahead then or is behind now" in out
    assert re.search(r"^ticketor .* 18\d\d days in the future", out, re.M)
    assert re.search(r"^ticket_tailor .* 0 seconds ago", out, re.M)
    assert not re.search(r"(^|\s)-\d", out)
    # as soon as that moment has come, silence is seen again
    assert not any("dated" in want for want in status(settings, 5, NOW + dt.timedelta(days=5 * 366)).needs_attention)


def test_nobody_waits_for_an_account_that_is_configured_no_more(house: House) -> None:
    settings = house.settings()
    months_later = NOW + dt.timedelta(days=200)

    def silent(settings: Settings) -> set[str]:
        wants = status(settings, 1, months_later).needs_attention
        return {want.split()[0] for want in wants if "has sent nothing" in want}

    assert silent(settings) == {"ticketor", "ticket_tailor"}
    assert silent(dataclasses.replace(settings, sites=())) == {"ticket_tailor"}


def test_a_refusal_wants_a_person_for_two_weeks(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    settings = house.settings()
    settings.published.chmod(0o600)
    with duckdb.connect(str(settings.published)) as db:
        db.execute(
            "insert into marts.refused_records by name select 'k' as refused_record_key, 'ticketor' as platform, "
            "'north' as account, 'f' as file, 'no sense' as reason, $1 as refused_at, $1::date as refused_on",
            [NOW],
        )
    for days, wanted in ((13, 1), (15, 0)):
        told = status(settings, 1, NOW + dt.timedelta(days=days))
        assert sum("were refused" in want for want in told.needs_attention) == wanted
        show(told)
        assert "no sense" in capsys.readouterr().out
