"""What all tests share: the option for more worlds."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--worlds", type=int, default=6, help="how many made-up venues the marts are compared with")
