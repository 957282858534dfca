"""Worlds that live on while they are read, with faults in a fifth of the answers: nothing is lost, nothing doubled."""

import random

import pytest

from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from sandbox.faults import Faults
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Change, Venue
from tests.ticket_tailor.loads import DAY, HOUR, truth

WORLDS, SAMPLE = 50, 10
THROUGH_DLT = 2


def make_world(seed: int) -> tuple[TicketTailorApi, random.Random]:
    """A venue with refunds of its own, behind an API with faults and habits of its own."""
    chance = random.Random(seed)
    orders, days = chance.choice((60, 90, 250)), chance.choice((20, 60, 80))
    end = Venue(seed).end
    extra = {
        chance.randrange(orders): (Change(end + chance.randrange(2 * DAY), "refund", chance.randrange(1, 500)),)
        for _ in range(10)
    }
    api = TicketTailorApi(
        Venue(seed, orders=orders, days=days, extra=extra),
        faults=Faults(0.2, seed=seed, in_a_row=3),
        tick=chance.choice((1, 60, 900)),
        overlap=chance.choice((0, 0, 3)),
        unknown_cursor=chance.choice(("404", "empty")),
    )
    return api, chance


SEEDS = [*range(SAMPLE), *(pytest.param(seed, marks=pytest.mark.house) for seed in range(SAMPLE, WORLDS))]


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_clean_run_raw_holds_what_the_box_office_holds(warehouse, seed):
    warehouse.through_dlt = seed < THROUGH_DLT
    api, chance = make_world(seed)
    with api:
        warehouse.load(api)
        api.now += chance.choice((60, HOUR, DAY))
        warehouse.load(api)
        # four days on everything that is listed late is listed, and everything that is read once a day is due
        api.now += 4 * DAY
        api.faults, api.tick, api.overlap = None, 0, 0
        clean = warehouse.load(api)
        assert clean.plan.messages == []
        for name, each in ENDPOINTS.items():
            if each.parent is None:
                assert warehouse.newest(name) == truth(api, name), name
            assert warehouse.doubled(name) == [], name
        assert warehouse.load(api).plan.is_empty
