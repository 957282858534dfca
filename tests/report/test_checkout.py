"""What is made of sales in a checkout, which may be public, is never offered to git."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from boxoffice.cli import main
from boxoffice.settings import ROOT, Settings
from boxoffice.warehouse.query import open_published
from tests.report.test_export import MONTH

VERBS = [
    ["report"],
    ["export", "--month", MONTH],
    ["export", "--month", MONTH, "--format", "csv", "--out", "april"],
    ["backup", "boxoffice.tar.gz"],
    ["schedule", "cron"],
]
# as in README.md and the verbs' help
REDIRECTED = ["payments.csv", "chart.png", "orders.json", "orders.jsonl", "sales.parquet", "data/boxoffice.duckdb"]
OURS = ["seeds/shows.csv", "seeds/new.csv", "docs/new.png", "tests/fixtures/ticketor/new.json", "pyproject.toml"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-m", "All")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_nothing_made_of_sales_is_new_to_git(demo: Settings, checkout: Path) -> None:
    with open_published(demo) as db:
        [event] = db.execute("select min(event_key) from dim_events").fetchone()
    for verb in [*VERBS, ["settle", event], ["settle", event, "--format", "csv"]]:
        with contextlib.chdir(checkout):
            ran = CliRunner().invoke(main, verb, env={"BOXOFFICE_DATA_DIR": str(demo.data_dir)})
        assert ran.exit_code == 0, ran.output
    assert len(list(checkout.rglob("boxoffice*"))) > 8 and len(list(checkout.glob("settlement-*"))) == 2
    for name in REDIRECTED:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text("sales")
    assert git(checkout, "status", "--porcelain") == ""

    for name in OURS:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("ours")
    found = git(checkout, "status", "--porcelain", "--untracked-files=all")
    assert found.split()[1::2] == sorted(OURS)
