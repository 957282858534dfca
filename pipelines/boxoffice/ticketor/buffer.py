"""What a site's buffer holds: files of webhooks, and what `boxoffice archive` has packed of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from boxoffice.raw import planning
from boxoffice.raw.file_state import HeldFiles
from boxoffice.raw.file_store import LocalFolder
from boxoffice.raw.planning import Known, Plan
from boxoffice.settings import FileBounds, Site
from boxoffice.ticketor.archive_format import WithArchive

if TYPE_CHECKING:
    from boxoffice.ticketor.records import FileReader
    from boxoffice.ticketor.tables import Rows


class TicketorFiles:
    owner = "Ticketor site"
    held = HeldFiles("raw_ticketor", "records", "site")

    def store(self, folder: LocalFolder) -> WithArchive:
        return WithArchive(folder)

    def rows(self, site: str) -> "Rows":
        from boxoffice.ticketor import tables

        return tables.Rows(site)

    def reader(
        self, rows: "Rows", path: str, size: int, mtime_ns: int, known: Known, bounds: FileBounds
    ) -> "FileReader":
        from boxoffice.ticketor import records

        return records.FileReader(rows, path, size, mtime_ns, known, bounds)


FILES = TicketorFiles()


def plan(site: Site, warehouse: Path, *, sweep: bool = False) -> Plan:
    """What is new in the site's buffer. Raises Problem when it is not there or cannot be listed."""
    return planning.plan(FILES, site, warehouse, sweep=sweep)
