"""Somebody types dbt between two runs."""

from pathlib import Path

import duckdb

from boxoffice.run import run
from tests.dbt import dbt
from tests.operations import same
from tests.operations.house import House


def test_a_build_by_hand_sends_the_next_run_down_the_whole_path(house: House, copy_of_first: Path) -> None:
    """Part of the models made anew by hand, two of them in a way that is not ours: the next run publishes what it would
    have published anyway, though nothing is new, and though something was loaded in between."""
    settings = house.settings()
    models = ("stg_ticketor__invoices", "fct_orders")
    dbt(settings.data_dir, house.folder / "target", "run", "--full-refresh", "--select", *models)
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute("delete from marts.fct_orders")
        db.execute("update marts.fct_tickets set seat = 'Z 99'")
    run.load_only(settings, echo=lambda _line: None)
    result = run.run(settings, echo=lambda _line: None)
    assert (result.outcome, result.published, result.error) == ("done", True, None)
    assert sum(sum(account.news.values()) for account in result.accounts) == 0
    assert same.marts(copy_of_first, settings.published) == []
    assert run.run(settings, echo=lambda _line: None).outcome == "idle"
