"""What a stranger's accounts may send, in any order and shape, is published whole: a short run of ``make fuzz``.

The sequences are drawn from the platforms' fact sheets alone; the examples beside them each broke something once.
"""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.deliveries import checks
from tests.deliveries.__main__ import draw, read
from tests.deliveries.batch import Batch
from tests.deliveries.sequences import Sequence, renumbered

EXAMPLES = sorted((Path(__file__).parent / "deliveries" / "examples").glob("*.md"))


@pytest.fixture(scope="module", params=[60, pytest.param(240, marks=pytest.mark.house)])
def batch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """All in one warehouse: grown over three loads and two builds, given in another order to a second one; many are
    built after each load, and rebuilt."""
    drawn: int = request.param
    sequences = [renumbered(read(path), number) for number, path in enumerate(EXAMPLES)]
    sequences += [draw("suite", number) for number in range(len(EXAMPLES), len(EXAMPLES) + drawn)]
    tried = Batch(tmp_path_factory.mktemp("deliveries"), sequences, builds_each=drawn > 100)
    tried.try_all(("grown", "other") if drawn < 100 else ("grown", "other", "rebuilt"))
    return tried


def test_drawn_sequences_break_nothing(batch: Batch) -> None:
    found = [each for each in batch.findings if each.number is None or each.number >= len(EXAMPLES)]
    assert not found


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[path.stem for path in EXAMPLES])
def test_what_broke_something_once_breaks_nothing(batch: Batch, number: int) -> None:
    assert not [each for each in batch.findings if each.number == number]
    assert batch.published("grown").exists() and batch.published("other").exists()


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("delete from fct_payments where platform = 'ticketor'", "plain payments"),
        ("update fct_payments set amount = 2 * amount where platform = 'ticket_tailor'", "plain order"),
        ("insert into fct_payments from fct_payments", "twice"),
        ("update fct_order_lines set amount = amount + 1 where amount <> 0", "lines do not make the order"),
        ("update rpt_daily_sales set receipts = receipts + 1", "rpt_daily_sales receipts"),
        ("delete from fct_tickets where platform = 'ticketor'", "missing in fct_tickets"),
    ],
)
def test_the_checks_see_what_is_damaged(batch: Batch, tmp_path: Path, damage: str, kind: str) -> None:
    damaged = tmp_path / "damaged.duckdb"
    with duckdb.connect() as db:
        db.execute(f"attach '{batch.published('grown')}' as good (read_only)")
        db.execute(f"attach '{damaged}' as file")
        db.execute("create schema file.marts")
        for (name,) in db.execute("select table_name from duckdb_tables() where database_name = 'good'").fetchall():
            db.execute(f'create table file.marts."{name}" as from good.marts."{name}"')
        db.execute("use file.marts")
        db.execute(damage)
    found = checks.invariants(damaged, batch.sequences, "damaged")
    assert any(kind in each.kind for each in found)


def test_a_file_that_was_not_read_is_seen(batch: Batch) -> None:
    site, path = next(iter(batch.files))
    found = checks.written_is_read(batch.warehouse("grown"), {(site, f"{path}.lost"): batch.files[site, path]}, "raw")
    assert [each.kind for each in found] == ["raw: records"]


def test_another_order_is_seen(batch: Batch, tmp_path: Path) -> None:
    changed = tmp_path / "changed.duckdb"
    shutil.copy(batch.published("grown"), changed)
    changed.chmod(0o644)
    with duckdb.connect(str(changed)) as db:
        db.execute(
            "update marts.fct_orders set total_amount = 1234 where order_id = "
            "(select min(order_id) from marts.fct_orders where platform = 'ticketor')"
        )
    found = checks.differences(batch.published("grown"), changed, "order of arrival", "ticketor")
    assert any("fct_orders total_amount" in each.kind and each.number is not None for each in found)


def test_a_seed_makes_the_same_sequences() -> None:
    def drawn(seed: str) -> list[Sequence]:
        return [draw(seed, number) for number in range(20)]

    assert drawn("one") == drawn("one")
    assert drawn("one") != drawn("other")
