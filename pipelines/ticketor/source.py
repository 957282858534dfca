"""The dlt source: one package of a site's buffer as Arrow tables.

**When is a refusal open?** A row of ``raw_ticketor.records`` with outcome ``refused`` or ``empty file`` is open unless

1. its file has been read since, and this record is no longer in it: the row's (file_size, file_mtime_ns) is not that of
   the file's newest reading. The newest reading of a (site, file) is the (file_size, file_mtime_ns) of the rows with
   its greatest ``_dlt_load_id``. Whenever a file is read again, every record that is still refused in it is written
   again with the new size and time (same ``record_id``, so in place); loaded records may be left as they are, with
   the exception of one at least. Hence: open only if equal to the newest reading;
2. or the record was cut short and has been sent again whole, in whatever file: ``raw`` is a prefix of the document of a
   record of the same site with outcome ``loaded`` (only for a reason that is ``truncated``, and ``raw`` of 20 bytes or
   more, so that a stray brace closes nothing): ``starts_with(document, decode(raw))``, and received not earlier;
3. or its reason is ``no records``: a file that holds an empty list is complete, and nothing to worry about.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dlt
import pyarrow as pa

from pipelines.settings import Site
from pipelines.ticketor import tables
from pipelines.ticketor.buffer import Package

MERGE = {"disposition": "merge", "strategy": "delete-insert"}  # no other survives a kill without doubles


@dlt.source(name="ticketor")
def ticketor_source(site: Site, package: Package) -> Any:
    """The records of a package and the folders it lets us remember; both tables always, if only empty."""
    return (
        dlt.resource(_records(package), name="records", primary_key="record_id", write_disposition=MERGE),
        dlt.resource(_folders(site, package), name="folders", primary_key="folder_id", write_disposition=MERGE),
    )


def _records(package: Package) -> Iterator[pa.Table]:
    yield tables.RECORDS.empty_table() if package.records is None else package.records


def _folders(site: Site, package: Package) -> Iterator[pa.Table]:
    yield tables.folders_table(site.name, package.folders, dt.datetime.now(dt.UTC))
