import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.ticket_tailor.loads import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(Settings(tmp_path / "data"))


@pytest.fixture
def warehouses(tmp_path: Path) -> Callable[[str], Warehouse]:
    return lambda name: Warehouse(Settings(tmp_path / name))


@pytest.fixture(autouse=True)
def _kept_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """load.pipeline tells dlt by the environment where to keep its files."""
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)
