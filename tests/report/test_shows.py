"""`boxoffice shows suggest`: the venue sells some performances on both platforms, under names that are not the same."""

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from boxoffice.report.shows import likeness
from boxoffice.settings import ROOT
from tests.worlds import Worlds


@pytest.fixture
def folder(worlds: Worlds, tmp_path: Path) -> Path:
    shutil.copyfile(worlds.settings.published, tmp_path / "boxoffice.duckdb")
    (tmp_path / "boxoffice.duckdb").chmod(0o600)
    return tmp_path


def suggested(folder: Path) -> tuple[list[list[str]], str]:
    """The rows on standard output, and what is said beside them."""
    seed = (ROOT / "seeds" / "shows.csv").read_bytes()
    ran = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "shows", "suggest"],
        env=os.environ | {"BOXOFFICE_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "seeds" / "shows.csv").read_bytes() == seed
    return list(csv.reader(io.StringIO(ran.stdout))), ran.stderr


def test_what_starts_together_and_is_called_alike(folder: Path, worlds: Worlds) -> None:
    rows, why = suggested(folder)
    header = next(csv.reader((ROOT / "seeds" / "shows.csv").open()))
    assert rows and all(len(row) == len(header) for row in rows)
    by_show: dict[str, list[list[str]]] = {}
    for row in rows:
        by_show.setdefault(row[3], []).append(row)
    with worlds.open() as db:
        for show, pair in by_show.items():
            assert len(pair) == 2 and {row[0] for row in pair} == {"ticketor", "ticket_tailor"}, show
            found = [
                db.execute(
                    "select starts_at, event_name from dim_events where platform = ? and account = ? and event_id = ?",
                    row[:3],
                ).fetchone()
                for row in pair
            ]
            assert len({starts_at for starts_at, _ in found}) == 1
            shortest = min((name for _, name in found), key=len)
            assert show.startswith(shortest) and all(name.startswith(shortest) for _, name in found)
        [(together,)] = db.execute(
            """
            select count(distinct one.event_key)
            from dim_events as one join dim_events as other using (starts_at)
            where one.platform = 'ticketor' and other.platform = 'ticket_tailor'
                and starts_with(one.event_name, other.event_name)
            """
        ).fetchall()
    # each event once, and as many as there are
    assert len(rows) == 2 * len({tuple(row[:3]) for row in rows if row[0] == "ticketor"}) <= 2 * together
    assert why.strip().endswith(f"{len(rows) // 2} shows suggested") and "the same start" in why


def test_what_people_have_said_already_is_not_proposed_again(folder: Path) -> None:
    rows, _ = suggested(folder)
    one, other = rows[:2]
    told = "update marts.dim_events set show_key = 'one', show_name = ? where (platform, account, event_id) = (?, ?, ?)"
    with duckdb.connect(str(folder / "boxoffice.duckdb")) as db:
        db.execute(told, ["Ours", *one[:3]])
    again, _ = suggested(folder)
    assert one not in again and [*other[:3], "Ours", *[""] * 7] in again and len(again) == len(rows) - 1
    with duckdb.connect(str(folder / "boxoffice.duckdb")) as db:
        db.execute(told, ["Ours", *other[:3]])
    assert [row[:3] for row in suggested(folder)[0]] == [row[:3] for row in rows[2:]]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Café Solaire - Thursday March 20, 2025 at 08:00 PM", "Café  solaire", True),
        ("Hamlet", "Hamlet: the opening night", True),
        ("Hamlet", "Macbeth", False),
        ("The Glass Gardener", "The Lantern Parade", False),
    ],
)
def test_likeness(one: str, other: str, alike: bool) -> None:
    assert (likeness(one, other) >= 0.8) == (likeness(other, one) >= 0.8) == alike
