import os
from pathlib import Path

import pytest

from boxoffice.settings import Settings
from tests.ticket_tailor.loads import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Loaded through dlt, as in a run."""
    return Warehouse(Settings(tmp_path / "data"))


@pytest.fixture
def quick(tmp_path: Path) -> Warehouse:
    """Loaded without dlt, for the many loads that the tests of time need."""
    return Warehouse(Settings(tmp_path / "data"), through_dlt=False)


@pytest.fixture(autouse=True)
def _kept_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """load.pipeline tells dlt by the environment where to keep its files."""
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)
