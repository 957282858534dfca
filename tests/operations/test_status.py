"""What `boxoffice status` wants a person for, and what it does not, or no more."""

import dataclasses
import datetime as dt
from pathlib import Path

import duckdb
import pytest

from pipelines import bookkeeping
from pipelines.run import RunResult
from pipelines.settings import Settings
from pipelines.status import show, status
from tests.operations.house import House

NOW = dt.datetime.now(dt.UTC)


def test_a_load_that_failed_is_not_mended_by_a_transform(tmp_path: Path) -> None:
    settings = Settings(tmp_path)

    def wants(verb: str, outcome: str) -> list[str]:
        error = "a wrong key" if outcome == "failed" else None
        ran = RunResult(verb, NOW, NOW, outcome, error=error)
        bookkeeping.record(settings, dataclasses.asdict(ran))
        return status(settings, 1, NOW).wants

    assert wants("run", "failed") == ["The last run failed: a wrong key"]
    assert wants("run", "idle") == []
    assert wants("load", "failed") == ["The last load failed: a wrong key"]
    assert wants("transform", "done") == ["The last load failed: a wrong key"]
    assert wants("load", "idle") == []
    assert wants("load", "failed") == wants("transform", "idle") == ["The last load failed: a wrong key"]
    assert wants("run", "idle") == []


def test_nobody_waits_for_an_account_that_is_configured_no_more(house: House) -> None:
    settings = house.settings()
    months_later = NOW + dt.timedelta(days=200)

    def silent(settings: Settings) -> set[str]:
        wants = status(settings, 1, months_later).wants
        return {want.split()[0] for want in wants if "has told nothing" in want}

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
        assert sum("were refused" in want for want in told.wants) == wanted
        show(told)
        assert "no sense" in capsys.readouterr().out
