"""The suite's own shortcut: if it stops working nothing fails, every build just takes twice as long."""

import msgpack

from tests import once
from tests.operations.conftest import build
from tests.operations.house import House


def test_a_build_takes_the_project_as_it_was_parsed_for_the_suite() -> None:
    """dbt writes its own hash of the profile when it parses again."""
    house = House(once.made("house", build), seed=3)
    data_dir = house.settings().data_dir
    manifest = msgpack.unpackb(
        (data_dir / "dbt" / "partial_parse.msgpack").read_bytes(), strict_map_key=False, timestamp=3
    )
    assert manifest["state_check"]["profile_hash"]["checksum"] == once._profile_hash(data_dir)
