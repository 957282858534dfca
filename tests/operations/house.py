"""Venues that go on selling, and everything that `boxoffice run` needs to follow them: what these tests share."""

import os
import subprocess
import sys
from pathlib import Path

from boxoffice.settings import ROOT, BoxOffice, Settings, Site
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_webhooks
from sandbox.venue import Venue

HOUR = 3600
# What every run reads whatever the hour, and how far back. With less, what is read again and when would hang on the
# clock, and so would the moment at which a refund is first seen.
LISTS = ("orders", "events", "issued_tickets", "vouchers")
FAR_BACK = 10 * 365 * 24 * HOUR


class House:
    """Venues with an account on each platform: their API (start it with ``with house.api``), their buffers, and data
    folders below ``folder``. ``as_before``: what they sell is the same as in release 0.1.0."""

    def __init__(
        self, folder: Path, seed: int, names: tuple[str, ...] = ("north",), orders: int = 60, *, as_before: bool = False
    ) -> None:
        zones = ("Europe/London", "America/Los_Angeles")
        self.folder = folder
        self.venues = [
            Venue(
                seed * 10 + number,
                orders=orders,
                days=20,
                account=f"sandbox_{name}",
                time_zone=zones[number],
                sells_after_shows=as_before,
            )
            for number, name in enumerate(names)
        ]
        self.api = TicketTailorApi({f"sk_{venue.seed}_secret": venue for venue in self.venues})
        self.now = self.venues[0].end

    def buffer(self, venue: Venue) -> Path:
        return self.folder / "buffer" / venue.account

    def settings(self, data_dir: Path | None = None) -> Settings:
        return Settings(
            data_dir=data_dir or self.folder / "data",
            sites=tuple(Site(each.account, str(self.buffer(each)), each.time_zone) for each in self.venues),
            box_offices=tuple(
                BoxOffice(
                    name=each.account,
                    api_key=f"sk_{each.seed}_secret",
                    base_url=self.api.url,
                    time_zone=each.time_zone,
                    lists=LISTS,
                    reread_seconds=FAR_BACK,
                )
                for each in self.venues
            ),
        )

    def open_doors(self) -> None:
        """All that the venues have sold so far."""
        self._sell(None)

    def go_on(self, hours: int) -> None:
        """So many hours pass in the venues."""
        since, self.now = self.now, self.now + hours * HOUR
        self._sell(since)

    def _sell(self, since: int | None) -> None:
        self.api.now = self.now
        for venue in self.venues:
            write_webhooks(venue, self.buffer(venue), since=since, until=self.now)

    def environment(self, settings: Settings) -> dict[str, str]:
        """The same settings as a job would have them, and nothing else of ours."""
        told = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "BOXOFFICE_DATA_DIR": str(settings.data_dir)}
        for site in settings.sites:
            table = f"TICKETOR__SITES__{site.name.upper()}__"
            told |= {f"{table}BUFFER": site.buffer, f"{table}TIME_ZONE": site.time_zone or ""}
        for office in settings.box_offices:
            table = f"TICKET_TAILOR__BOX_OFFICES__{office.name.upper()}__"
            told |= {
                f"{table}API_KEY": office.api_key,
                f"{table}BASE_URL": office.base_url,
                f"{table}TIME_ZONE": office.time_zone or "",
                f"{table}LISTS": ",".join(office.lists or ()),
                f"{table}REREAD_SECONDS": str(office.reread_seconds),
            }
        return told

    def boxoffice(
        self, settings: Settings, *arguments: str, environment: dict[str, str] | None = None, **more: object
    ) -> subprocess.CompletedProcess[str]:
        """The command line, as a process of its own, with more in its ``environment`` if need be."""
        return subprocess.run(
            [sys.executable, "-m", "boxoffice.cli", *arguments],
            cwd=ROOT,
            env=self.environment(settings) | (environment or {}),
            capture_output=True,
            text=True,
            check=False,
            **more,
        )
