"""Seeded worlds: made-up venues as accounts of one warehouse, run through everything, and their ledgers beside it."""

import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from boxoffice.run import run
from boxoffice.settings import BoxOffice, Settings, Site
from sandbox import ledger
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_webhooks
from sandbox.venue import TAILOR, TICKETOR, Venue

ZONES = ("Europe/London", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland", "UTC")
HOUR, DAY = 3600, 86_400
CALLED_OFF, MOVED = 22, 18  # performances on both platforms, in pounds
LATE = 26  # an order that nothing happens to


@dataclasses.dataclass
class Worlds:
    """The venues, the settings they are run with, and the moments they were looked at."""

    settings: Settings
    venues: list[Venue]
    looks: list[ledger.Look]

    def books(self) -> list[ledger.Books]:
        """The truth about every account."""
        return [
            books
            for venue in self.venues
            for books in (ledger.ticketor(venue, self.looks[-1].now), ledger.ticket_tailor(venue, self.looks))
        ]

    def open(self) -> duckdb.DuckDBPyConnection:
        """The published file, as a reader opens it."""
        db = duckdb.connect(str(self.settings.published), read_only=True)
        db.execute("set schema = 'marts'")
        db.execute("set TimeZone = 'UTC'")
        return db


def make(folder: Path, count: int, *, orders: int = 60, moments: tuple[int, ...] = (-9 * DAY, 0)) -> Worlds:
    """Runs ``count`` venues at each moment (seconds from the venues' end), reading everything each time."""
    venues = [
        Venue(seed, orders=orders, account=f"sandbox_{seed}", time_zone=ZONES[seed % len(ZONES)])
        for seed in range(count)
    ]
    venues = [eventful(venue) if venue.seed % 3 == 2 else venue for venue in venues]
    looks: list[ledger.Look] = []
    with TicketTailorApi({f"sk_{venue.seed}": venue for venue in venues}) as api:
        settings = Settings(
            data_dir=folder / "data",
            sites=tuple(
                Site(venue.account, str(folder / "buffers" / venue.account), venue.time_zone, settle_seconds=0)
                for venue in venues
            ),
            box_offices=tuple(
                BoxOffice(venue.account, f"sk_{venue.seed}", api.url, venue.time_zone) for venue in venues
            ),
        )
        for moment in moments:
            now = venues[0].end + moment
            api.now = now
            for venue, site in zip(venues, settings.sites, strict=True):
                write_webhooks(venue, site.buffer, since=looks[-1].now if looks else None, until=now)
            looks.append(ledger.Look(now, dt.datetime.now(dt.UTC)))
            result = run.run(settings, echo=lambda _line: None, full=True)
            assert result.outcome == "done", result
            # its people are nobody: what looks like one of them where none belongs is a leak
            assert "no_personal_data" not in result.warned
    return Worlds(settings, venues, looks)


def eventful(venue: Venue) -> Venue:
    """The venue with an event called off, one that is given another date once it is over, and a sale on each platform
    that is not heard of before the next month."""
    called_off, moved = venue.event(CALLED_OFF), venue.event(MOVED)
    return dataclasses.replace(
        venue,
        called_off={CALLED_OFF: called_off.start // HOUR * HOUR - DAY},
        moved={MOVED: (moved.start + 3 * DAY, moved.start + 30 * DAY)},
        listed_late={LATE: venue.created(TAILOR, LATE) + 31 * DAY},
        delivered_late={LATE: venue.created(TICKETOR, LATE) + 31 * DAY},
    )


def rows(db: duckdb.DuckDBPyConnection, query: str, account: ledger.Books) -> list[tuple[Any, ...]]:
    """The rows of one account."""
    return db.execute(query, [account.platform, account.account]).fetchall()


def cents(value: Decimal | None) -> Decimal | None:
    """Decimals that differ only in their places are equal, and are shown so."""
    return None if value is None else value.normalize() + 0
