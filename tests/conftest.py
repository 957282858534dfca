"""What all tests share: made-up venues run through everything once, and the option for more of them."""

import pytest

from tests import worlds as made_up


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--worlds", type=int, default=6, help="how many made-up venues the marts are compared with")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long to make is made once: the tests that share it go to one worker, the others file by file."""
    for item in items:
        shared = [name for name in ("worlds", "demo", "first_house") if name in getattr(item, "fixturenames", ())]
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else str(item.path)))


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> made_up.Worlds:
    """One warehouse with every venue as two accounts, built once for all tests. Not to be written to."""
    return made_up.make(tmp_path_factory.mktemp("worlds"), pytestconfig.getoption("worlds"))
