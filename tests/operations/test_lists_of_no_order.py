"""Waiting lists, holds, memberships and vouchers: published as the lists show them, built only when one has news."""

import duckdb
import pytest

from boxoffice.run import run
from boxoffice.settings import Settings
from sandbox.tailor_programme import Programme
from tests.dbt import dbt
from tests.operations.house import House
from tests.worlds import Worlds

MARTS = {"fct_waitlist_signups", "fct_holds", "fct_memberships", "dim_vouchers"}


def test_what_the_lists_show_is_published(worlds: Worlds) -> None:
    with worlds.open() as db:
        for venue in worlds.venues:
            lists = Programme(venue)
            waiting = [one for series in lists.series(worlds.looks[-1].now) for one in lists.waitlist(series["id"])]
            found = db.execute(
                "select waitlist_signup_id, epoch(signed_up_at)::bigint, events.event_id, people.email "
                "from fct_waitlist_signups as waiting left join dim_events as events using (event_key) "
                "left join (select distinct person_key, lower(trim(email)) as email from dim_customers) as people "
                "using (person_key) "
                "where waiting.account = $1 order by all",
                [venue.account],
            ).fetchall()
            shown = sorted(
                (one["id"], one["created_at"]["unix"], one["event_id"], one["email"].lower()) for one in waiting
            )
            assert [row[:3] for row in found] == [row[:3] for row in shown]
            bought = [(row, one) for row, one in zip(found, shown, strict=True) if row[3]]
            assert all(row[3] == one[3] for row, one in bought)
            held = "select hold_id, tickets_on_hold from fct_holds where account = $1 order by all"
            assert db.execute(held, [venue.account]).fetchall() == sorted(
                (one["id"], one["total_on_hold"]) for one in lists.holds
            )
            members = (
                "select membership_id, membership_type, epoch(valid_to)::bigint, is_valid from fct_memberships "
                "where account = $1 order by all"
            )
            assert db.execute(members, [venue.account]).fetchall() == sorted(
                (one["id"], lists.membership_types[0]["name"], one["valid_to"]["unix"], True)
                for one in lists.issued_memberships
            )
            vouchers = (
                "select voucher_id, code_value * 100, codes, codes_used from dim_vouchers "
                "where account = $1 order by all"
            )
            assert db.execute(vouchers, [venue.account]).fetchall() == sorted(
                (one["id"], one["value"], one["total_codes"], 0) for one in lists.vouchers
            )


def test_no_sale_is_upstream_of_them(house: House) -> None:
    selected = ("source:raw_ticketor+", "source:raw_ticket_tailor+")
    listed = dbt(
        house.settings().data_dir, house.folder / "target", "ls", "--resource-type", "model", "--output", "name",
        "--select", *selected,
    )  # fmt: skip
    names = set(listed.split())
    assert "fct_orders" in names and not names & MARTS


@pytest.mark.house
def test_they_are_built_when_a_list_has_news(house: House) -> None:
    def go_on(settings: Settings) -> run.RunResult:
        house.go_on(24)
        result = run.run(settings, echo=lambda _line: None, full=True)
        assert result.outcome == "done", result
        return result

    settings, [venue] = house.settings(), house.venues
    sold = go_on(settings)
    [lists] = house.api.lists.values()
    lists.programme.vouchers.insert(0, lists.programme.vouchers[0] | {"id": "vo_9001", "name": "Another"})
    listed = go_on(settings)
    assert listed.models_built - sold.models_built == 2 * len(MARTS)
    with duckdb.connect(str(settings.published), read_only=True) as db:
        assert ("Another",) in db.execute("select voucher_name from marts.dim_vouchers").fetchall(), venue.account
