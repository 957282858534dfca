"""Killed anywhere: a short form of ``python -m tests.torture``, which has many more kills and a reader that stays."""

import datetime as dt
import signal
from pathlib import Path

import duckdb
import pytest

from boxoffice.run import marker
from tests import once
from tests.operations import same
from tests.operations.conftest import build
from tests.operations.disk import Disk
from tests.torture import Kill, Torture

# of the time that the step took last, until one meets it: publishing little news takes less than what came first
PARTS = {"load": (0.6, 0.4, 0.2), "transform": (0.3, 0.2, 0.1), "publish": (0.1, 0.05, 0.02)}

# `boxoffice run`, killed when half of the published file is copied beside its build
KILLED_WHILE_IT_COPIES = """
import os, signal
from boxoffice.warehouse import publish
def copy_a_half(source, target, _is_needed):
    target.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    os.kill(os.getpid(), signal.SIGKILL)
publish.AHEAD_FROM, publish._copy_file = 0, copy_a_half
from boxoffice.cli import main
main(prog_name="boxoffice")
"""


@pytest.mark.parametrize("power_loss", [False, pytest.param(True, marks=pytest.mark.house)])
def test_killed_anywhere(tmp_path: Path, power_loss: bool) -> None:
    if power_loss and not Disk.available():
        pytest.skip("needs Linux, root and mkfs.ext4")
    torture = Torture(tmp_path, seed=3, names=("north",), power_loss=power_loss)
    with torture.open():
        torture.begin(once.made("house", build))
        once.parsed(torture.settings.data_dir)
        # the marker names files by their inodes, which a copy changes
        marker.write(torture.settings, swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
        with torture.reader() as read:
            torture.go_on()
            copying = torture.run(program=("-c", KILLED_WHILE_IT_COPIES))
            assert (copying.code, copying.step) == (-signal.SIGKILL, "transform")
            left = torture.settings.data_dir / ".boxoffice.duckdb.new"
            assert power_loss or 0 < left.stat().st_size < torture.settings.published.stat().st_size
            # that was no kill while it builds
            torture.kills.clear()
            torture.go_on()
            for step, parts in PARTS.items():
                for part in parts:
                    if not torture.kills[step]:
                        torture.suffer(Kill(step, part))
            assert torture.differences() == []
            assert not left.exists()
    assert read["wrong"] == []
    assert power_loss or read["looks"] > 10
    assert all(torture.kills[step] for step in PARTS), torture.kills


def test_the_comparison_finds_a_difference(tmp_path: Path, copy_of_first: Path) -> None:
    """The torture's own judge: one cent, one row and one table are found."""
    changed = tmp_path / "boxoffice.duckdb"

    def differences(statement: str) -> list[str]:
        changed.unlink(missing_ok=True)
        changed.write_bytes(copy_of_first.read_bytes())
        with duckdb.connect(str(changed)) as db:
            db.execute(statement)
        return [line.split(":")[0] for line in same.marts(copy_of_first, changed)]

    assert differences("select 1") == []
    assert differences("update marts.fct_payments set amount = amount + 0.01") == ["fct_payments"] * 2
    assert differences(
        "delete from marts.dim_customers where customer_key = (select min(customer_key) from marts.dim_customers)"
    ) == ["dim_customers"]
    assert differences("drop table marts.rpt_reconciliation") == ["tables"]
