"""A key or a folder that is wrong on the very first run: said at once, and nothing is made of nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.run import run_log
from boxoffice.settings import Settings
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_webhooks
from sandbox.venue import Venue

VENUE = Venue(1, orders=20)
NOTHING = "nothing was built or published"


def boxoffice(folder: Path, verb: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", verb],
        env={"PATH": os.environ["PATH"], "BOXOFFICE_DATA_DIR": str(folder / "data")} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def api() -> TicketTailorApi:
    with TicketTailorApi(VENUE) as api:
        yield api


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(["key"], marks=pytest.mark.house),
        pytest.param(["folder"], marks=pytest.mark.house),
        ["key", "folder"],
    ],
    ids=" and ".join,
)
def test_nothing_is_built_where_every_account_fails(tmp_path: Path, api: TicketTailorApi, wrong: list[str]) -> None:
    variables = {}
    if "key" in wrong:
        variables |= {"TICKET_TAILOR_API_KEY": "sk_wrong", "TICKET_TAILOR_BASE_URL": api.url}
    if "folder" in wrong:
        variables["TICKETOR_BUFFER"] = str(tmp_path / "bufer")
    settings = Settings(tmp_path / "data")
    for _ in range(2):
        ran = boxoffice(tmp_path, "run", **variables)
        assert ran.returncode == 1
        assert ("refuses the API key" in ran.stderr) == ("key" in wrong)
        assert (f"there is no folder {tmp_path / 'bufer'}" in ran.stderr) == ("folder" in wrong)
        assert len(re.findall(r"^[\d:]+  \w+ main: ", ran.stderr, re.M)) == len(wrong), "each failure is said once"
        assert NOTHING in ran.stderr
        # neither dlt nor dbt has been called
        assert {path.name for path in settings.data_dir.iterdir()} <= {"lock", "logs", "runs.jsonl", "reserve"}
    told = boxoffice(tmp_path, "status", **variables)
    assert told.returncode == 1
    assert told.stdout.count("The last run failed for ") == len(wrong)

    # a load makes raw's tables; as long as they are empty nothing is made of them
    assert boxoffice(tmp_path, "load", **variables).returncode == 1
    assert settings.warehouse.exists()
    ran = boxoffice(tmp_path, "run", **variables)
    assert (ran.returncode, NOTHING in ran.stderr, settings.published.exists()) == (1, True, False)


@pytest.mark.house
def test_an_account_that_fails_is_said_before_the_others_are_loaded_and_built(
    tmp_path: Path, api: TicketTailorApi
) -> None:
    """And a blank behind a key that was pasted is no part of it."""
    write_webhooks(VENUE, tmp_path / "buffer")
    variables = {"TICKETOR_BUFFER": str(tmp_path / "buffer"), "TICKET_TAILOR_BASE_URL": api.url}
    ran = boxoffice(tmp_path, "run", TICKET_TAILOR_API_KEY="sk_wrong", **variables)
    settings = Settings(tmp_path / "data")
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    said = [number for number, line in enumerate(lines) if "refuses the API key" in line]
    [building] = [number for number, line in enumerate(lines) if "building and testing" in line]
    assert said[0] < building < said[-1]
    assert settings.published.exists()
    assert run_log.last_runs(settings, 1)[0]["outcome"] == "failed"

    ran = boxoffice(tmp_path, "load", TICKET_TAILOR_API_KEY=f"{api.key} \n", **variables)
    assert ran.returncode == 0, ran.stderr
