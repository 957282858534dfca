"""The wheel by itself: what `pip install` gives works in any folder, with no checkout beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.settings import ROOT
from sandbox.ticketor_webhooks import write_webhooks
from sandbox.venue import Venue


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files, to be found before the checkout; what it depends on is there already."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "wheel", *options, f"--wheel-dir={folder}", str(ROOT)], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "install", *options, f"--target={folder / 'site'}", str(wheel)], check=True)
    return folder / "site"


def test_it_holds_the_dbt_project_and_nothing_that_is_not_the_product(installed: Path) -> None:
    tracked = ["git", "ls-files", "models", "macros", "seeds", "tests/data", "dbt_project.yml", "profiles.yml"]
    project = subprocess.run(tracked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    folder = installed / "boxoffice" / "dbt"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(project)
    found = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert found == {"bin", "boxoffice"}


@pytest.mark.house
def test_it_runs_in_the_working_directory(installed: Path, tmp_path: Path) -> None:
    """Settings from its .dlt, data into its data; the package itself is left as it was."""
    here = tmp_path / "here"
    write_webhooks(Venue(1, orders=3), here / "webhooks")
    (here / ".dlt").mkdir()
    (here / ".dlt" / "config.toml").write_text(
        '[ticketor.sites.arena]\nbuffer = "webhooks"\nsettle_seconds = 0\nquiet_after = "36500d"\n'
    )
    before = _files(installed)

    def boxoffice(*words: str) -> str:
        ran = subprocess.run(
            [installed / "bin" / "boxoffice", *words],
            cwd=here,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "Load what is new" in boxoffice("--help")
    boxoffice("run")
    asked = boxoffice("sql", "--format", "csv", "select distinct account from fct_orders")
    assert asked.split() == ["account", "arena"]
    assert "All is well." in boxoffice("status")
    boxoffice("report")
    assert {path.name for path in here.iterdir()} == {".dlt", "boxoffice.html", "data", "webhooks"}
    assert _files(installed) == before


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}
