"""A house that has been built once: each test gets it as it was then, in the same place."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxoffice.run import marker, run
from tests import once
from tests.operations.house import House


def build(folder: Path) -> None:
    house = House(folder, seed=3)
    with house.api:
        house.open_doors()
        assert run.run(house.settings(), echo=lambda _line: None).outcome == "done"


@pytest.fixture(scope="session")
def first_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A venue after its first run; a copy of all its files stands beside it."""
    built = once.made("house", build)
    house = House(tmp_path_factory.mktemp("house"), seed=3)
    for name in ("data", "buffer"):
        shutil.copytree(built / name, house.folder / f"first_{name}")
        (house.folder / name).mkdir()
    once.parsed(house.folder / "first_data")
    with house.api:
        yield house


@pytest.fixture
def house(first_house: House) -> House:
    """The house as its first run left it: everything built and published, nothing new."""
    for name in ("data", "buffer"):
        shutil.rmtree(first_house.folder / name)
        shutil.copytree(first_house.folder / f"first_{name}", first_house.folder / name)
    first_house.api.now = first_house.now = first_house.venues[0].end
    # the marker names files by their inodes, which a copy changes
    marker.write(first_house.settings(), swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
    return first_house


@pytest.fixture
def copy_of_first(first_house: House) -> Path:
    """What the first run published, and nobody touched since."""
    return first_house.folder / "first_data" / "boxoffice.duckdb"
