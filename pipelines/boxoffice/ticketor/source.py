"""The dlt source: one package of a site's buffer as Arrow tables.

**When is a refusal open?** A row of ``raw_ticketor.records`` with outcome ``refused`` or ``empty file`` is open unless

1. its file has been read since, and the record is no longer in it. A file is read again when its size or time changed;
   every record that is still refused in it is then written again under the new ``file_size`` and ``file_mtime_ns`` (the
   same ``record_id``, so in place, with the new ``_dlt_load_id``), and the file's first record (``position`` 0) is
   always written again, last. Records that were loaded before are left as they are. So the newest reading of a file is
   the (file_size, file_mtime_ns) of its row at position 0 with the greatest ``_dlt_load_id``, and a refusal whose
   (file_size, file_mtime_ns) is not that one is closed;
2. or it has been delivered whole, in whatever file: a row of the same site with outcome ``loaded``, the same
   ``payload_id`` and the same ``webhook``, received later. On refused rows these two are filled as far as what is
   left shows them; a refusal that seems to be an ``invoice`` is also closed by an ``invoice_with_details``. One that is
   ``truncated`` is closed whenever ``raw`` is a prefix of such a document, received later or not;
3. or its reason is ``no records``: a file that holds an empty list is complete, and nothing to worry about.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dlt
import pyarrow as pa

from boxoffice.raw.planning import Package
from boxoffice.raw.reading import folders_table
from boxoffice.settings import Site
from boxoffice.ticketor import tables

MERGE = {"disposition": "merge", "strategy": "delete-insert"}  # no other survives a kill without doubles


@dlt.source(name="ticketor")
def ticketor_source(site: Site, package: Package) -> Any:
    """The records of a package and the folders it lets us remember; both tables at the first, if only empty."""
    yield dlt.resource(_records, name="records", primary_key="record_id", write_disposition=MERGE)(package)
    if package.folders is not None:
        folders = folders_table("site", site.name, package.folders, dt.datetime.now(dt.UTC))
        yield dlt.resource([folders], name="folders", primary_key="folder_id", write_disposition=MERGE)


def _records(package: Package) -> Iterator[pa.Table]:
    """Lets go of the rows as soon as dlt has written them down: they are most of the memory that a load takes."""
    records, package.records = package.records, None
    if not records:
        yield tables.RECORDS.empty_table()
        return
    for batch in records.to_batches():
        yield pa.Table.from_batches([batch])
