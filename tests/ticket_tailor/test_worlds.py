"""Worlds that live on while they are read, with faults in a fifth of the answers: nothing is lost, nothing doubled."""

import random

import pytest

from pipelines.sandbox.faults import Faults
from pipelines.sandbox.ticket_tailor_api import TicketTailorApi
from pipelines.sandbox.venue import Change, Venue
from pipelines.ticket_tailor.lists import LISTS
from tests.ticket_tailor.loads import DAY, truth

PATHS = {"voucher_codes": None, "waitlist_signups": None}


@pytest.mark.parametrize("seed", range(50))
def test_after_a_clean_run_raw_holds_what_the_box_office_holds(warehouse, seed):
    chance = random.Random(seed)
    orders, days = chance.choice((60, 90, 250)), chance.choice((20, 60, 80))
    venue = Venue(seed, orders=orders, days=days)
    extra = {
        chance.randrange(orders): (Change(venue.end + chance.randrange(2 * DAY), "refund", chance.randrange(1, 500)),)
        for _ in range(10)
    }
    venue = Venue(seed, orders=orders, days=days, extra=extra)
    faults = Faults(0.2, seed=seed, in_a_row=3)
    with TicketTailorApi(
        venue,
        faults=faults,
        tick=chance.choice((1, 60, 900)),
        overlap=chance.choice((0, 0, 3)),
        unknown_cursor=chance.choice(("404", "empty")),
    ) as api:
        warehouse.load(api)
        api.now += chance.choice((60, 3600, DAY))
        warehouse.load(api)
        api.now = max(api.now, venue.end) + 4 * DAY  # everything that is listed late is listed now
        api.faults, api.tick, api.overlap = None, 0, 0
        clean = warehouse.load(api)
        assert not clean.plan.told
        for name in LISTS:
            if "{parent}" not in LISTS[name].path:
                assert warehouse.newest(name) == truth(api, name), name
            assert warehouse.doubled(name) == [], name
