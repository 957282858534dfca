"""What all tests share: made-up venues run through everything once, and the option for more of them."""

import pytest

from tests import worlds as made_up


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--worlds", type=int, default=6, help="how many made-up venues the marts are compared with")


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> made_up.Worlds:
    """One warehouse with every venue as two accounts, built once for all tests. Not to be written to."""
    return made_up.make(tmp_path_factory.mktemp("worlds"), pytestconfig.getoption("worlds"))
