"""What all tests share: what is built once for all of them, and the option for more made-up venues."""

import gc
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from boxoffice.settings import Settings
from boxoffice.warehouse import build, dbt_project
from tests import once
from tests import worlds as made_up

if TYPE_CHECKING:
    from tests.test_cases import House


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--worlds", type=int, default=4, help="how many made-up venues the marts are compared with")


# The longest first, so that no process ends long after the others; and while the project is parsed for the first of
# them, those that need no dbt.
FIRST = ("tests/test_cases.py", "tests/receiver", "tests/test_touched.py", "tests/test_deliveries.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((at for at, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))


@pytest.fixture(scope="session", autouse=True)
def _built_once(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the processes of the suite share what they build, the parsed project included."""
    # with dlt and dbt in the process each look for what can be let go takes long, and finds little
    gc.set_threshold(10_000, 10, 10)
    mine = tmp_path_factory.getbasetemp()
    once.FOLDER = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine
    transform = build.transform

    def transform_what_is_parsed(settings: Settings, *arguments: object, **named: object) -> build.Built:
        once.parsed(settings.data_dir)
        return transform(settings, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        # as a run sets it: dbt parses everything again where its profile differs
        patch.setenv("BOXOFFICE_MEMORY_LIMIT", dbt_project.memory_limit())
        patch.setattr(build, "transform", transform_what_is_parsed)
        # what `make test` alone asks for: the house tier, and what runs as a process, keep DuckDB's own number
        if pytestconfig.getoption("markexpr") == "not house":
            patch.setattr(duckdb, "connect", _with_one_thread(duckdb.connect))
        yield


def _with_one_thread(
    connect: Callable[..., duckdb.DuckDBPyConnection],
) -> Callable[..., duckdb.DuckDBPyConnection]:
    """To hand a few rows from thread to thread costs more than to work on them: a tenth of a build."""

    def connect_with_one_thread(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        db = connect(*arguments, **named)
        db.execute("set threads = 1")
        return db

    return connect_with_one_thread


@pytest.fixture(scope="session")
def cases() -> "House":
    """The accounts of test_cases.py after their runs. Not to be written to."""
    from tests.test_cases import House

    def play(folder: Path) -> None:
        made = House(folder)
        made.play()
        (folder / "cases.pickle").write_bytes(pickle.dumps(made))

    return pickle.loads((once.made("cases", play) / "cases.pickle").read_bytes())


@pytest.fixture(scope="session")
def worlds(pytestconfig: pytest.Config) -> made_up.Worlds:
    """One warehouse with every venue as two accounts, built once for all tests. Not to be written to."""

    def make(folder: Path) -> None:
        made = made_up.make(folder, pytestconfig.getoption("worlds"))
        (folder / "worlds.pickle").write_bytes(pickle.dumps(made))

    return pickle.loads((once.made("worlds", make) / "worlds.pickle").read_bytes())
