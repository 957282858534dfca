"""The root is the dbt project: what a dbt user types works there with no flags, unit tests included.

`make docs` and `dbt build` in this process, by test_docs.py and test_cases.py, are what `make test` has of it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.settings import ROOT
from tests import once
from tests.dbt import dbt
from tests.worlds import Worlds


@pytest.fixture(scope="module")
def environment(worlds: Worlds, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A data folder as a run left it, and a place for dbt's own files."""
    folder = tmp_path_factory.mktemp("dbt")
    for path in (worlds.settings.warehouse, worlds.settings.person_key_file):
        shutil.copyfile(path, folder / path.name)
    once.parsed_for_dbt(folder / "target", folder)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "BOXOFFICE_DATA_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        # of the profile that the project was parsed with
        "BOXOFFICE_MEMORY_LIMIT": os.environ["BOXOFFICE_MEMORY_LIMIT"],
    }


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(["build"], id="build", marks=pytest.mark.house),
        pytest.param(["docs", "generate"], id="docs-generate", marks=pytest.mark.house),
        pytest.param(["source", "freshness"], id="source-freshness", marks=pytest.mark.house),
    ],
)
def test_no_flags_needed(environment: dict[str, str], verb: list[str]) -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), *verb],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    if verb == ["build"]:
        assert "unit_test" in ran.stdout or "unit test" in ran.stdout


def test_no_test_parses_the_whole_project_again(worlds: Worlds, tmp_path: Path) -> None:
    """What once.parsed_for_dbt puts into a target folder is what dbt expects there: it says so where it is not."""
    assert "Unable to do partial parsing" not in dbt(tmp_path, tmp_path / "target", "parse")
    assert "Unable to do partial parsing" not in (worlds.settings.logs / "dbt.log").read_text()


def test_the_log_names_what_was_built(worlds: Worlds) -> None:
    log = (worlds.settings.logs / "dbt.log").read_text()
    assert len(re.findall(r"\[info \] \[Thread-.* (?:OK created|PASS) ", log)) > 100
    assert "[debug]" not in log


def test_where_there_is_no_warehouse_dbt_says_so_and_makes_none(tmp_path: Path) -> None:
    """With retries in profiles.yml it said so after ten minutes."""
    assert "nowhere/warehouse.duckdb" in dbt(tmp_path / "nowhere", tmp_path / "target", "build", well=False)
    assert not (tmp_path / "nowhere").exists()
