"""The buffer of a box office: the files of its webhooks."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boxoffice.raw import contents, planning
from boxoffice.raw.file_state import HeldFiles
from boxoffice.raw.file_store import LocalFolder
from boxoffice.raw.planning import Known, Plan
from boxoffice.settings import BoxOffice, FileBounds

if TYPE_CHECKING:
    from boxoffice.ticket_tailor.webhook_rows import FileReader, Rows

HELD = HeldFiles("raw_ticket_tailor", "webhooks", "box_office")


@dataclass(frozen=True)
class TicketTailorFiles:
    """``secrets`` are those that webhooks must be signed with one of; without any, none is asked for."""

    secrets: tuple[str, ...]
    owner = "Ticket Tailor box office"
    held = HELD

    def store(self, folder: LocalFolder) -> LocalFolder:
        return folder

    def rows(self, box_office: str) -> "Rows":
        from boxoffice.ticket_tailor import webhook_rows

        return webhook_rows.Rows(box_office)

    def reader(
        self, rows: "Rows", path: str, size: int, mtime_ns: int, known: Known, bounds: FileBounds
    ) -> "FileReader":
        from boxoffice.ticket_tailor import webhook_rows

        return webhook_rows.FileReader(rows, self.secrets, path, size, mtime_ns, known, bounds)


def plan(office: BoxOffice, warehouse: Path, *, sweep: bool = False) -> Plan:
    """What is new in the box office's buffer. Raises Problem when it is not there or cannot be listed."""
    return planning.plan(TicketTailorFiles(office.webhook_secret), office, warehouse, sweep=sweep)


def newest(warehouse: Path, box_office: str) -> dt.datetime | None:
    """When the newest webhook that raw holds of the box office was received (UTC)."""
    query = f"""
        select max(received_at) from raw_ticket_tailor.webhooks
        where box_office = $box_office and outcome = 'loaded' and {contents.complete("raw_ticket_tailor")}
    """
    return next((at for (at,) in contents.rows(warehouse, query, {"box_office": box_office})), None)
