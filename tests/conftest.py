"""What all tests share: what is built once for all of them, and the option for more made-up venues."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxoffice.settings import Settings
from boxoffice.warehouse import build
from tests import once
from tests import worlds as made_up


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--worlds", type=int, default=6, help="how many made-up venues the marts are compared with")


@pytest.fixture(scope="session", autouse=True)
def _built_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the processes of the suite share what they build, the parsed project included."""
    mine = tmp_path_factory.getbasetemp()
    once.FOLDER = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    transform = build.transform

    def transform_what_is_parsed(settings: Settings, *arguments: object, **named: object) -> build.Built:
        memory_limit = settings.memory_limit or build._memory_limit()
        once.parsed(settings.data_dir / "dbt", settings.data_dir, memory_limit)
        return transform(settings, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "transform", transform_what_is_parsed)
        yield


@pytest.fixture(scope="session")
def worlds(pytestconfig: pytest.Config) -> made_up.Worlds:
    """One warehouse with every venue as two accounts, built once for all tests. Not to be written to."""

    def make(folder: Path) -> None:
        made = made_up.make(folder, pytestconfig.getoption("worlds"))
        (folder / "worlds.pickle").write_bytes(pickle.dumps(made))

    return pickle.loads((once.made("worlds", make) / "worlds.pickle").read_bytes())
