"""The dlt source: a package's rows as Arrow tables, with raw's keys, types and cursors."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa
from dlt.sources import DltResource, DltSource

from boxoffice.raw import planning
from boxoffice.raw.reading import folders_schema, folders_table
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.packages import TABLES, Package
from boxoffice.ticket_tailor.webhook_rows import WEBHOOKS

MERGE = {"disposition": "merge", "strategy": "delete-insert"}  # no other survives a kill without doubles
_TIME = pa.timestamp("us", tz="UTC")

_VERSIONS = pa.schema(
    [
        pa.field("version_id", pa.string(), nullable=False),
        pa.field("box_office", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("created_at", pa.int64()),
        pa.field("document", pa.string(), nullable=False),
        pa.field("document_hash", pa.string(), nullable=False),
        pa.field("fetched_at", _TIME, nullable=False),
        pa.field("missing_since", _TIME),
    ]
)
_REFUSED = pa.schema(
    [
        pa.field("refused_id", pa.string(), nullable=False),
        pa.field("box_office", pa.string(), nullable=False),
        pa.field("list", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.binary()),
        pa.field("fetched_at", _TIME, nullable=False),
    ]
)
_COVERAGE = pa.schema(
    [
        pa.field("coverage_id", pa.string(), nullable=False),
        pa.field("box_office", pa.string(), nullable=False),
        pa.field("list", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("created_from", pa.int64(), nullable=False),
        pa.field("created_to", pa.int64(), nullable=False),
        pa.field("read_at", _TIME, nullable=False),
    ]
)

# The lists with a cursor of their own. All others are read whole.
_CURSORS = {"orders", "issued_tickets", "events"}


def ticket_tailor_source(box_office: BoxOffice, package: Package) -> DltSource:
    """One package as a dlt source: a resource for each list of the API, for what was refused and for what was read.

    A resource without rows yields nothing, or an empty table where raw does not have the table yet. The package's rows
    are gone once they are read: they are most of the memory that a load takes.
    """
    assert package.box_office == box_office.name
    return dlt.source(_resources, name="ticket_tailor")(package)


def empty_source() -> DltSource:
    """All tables and no rows: for a warehouse without Ticket Tailor, so that the models find their sources."""
    return dlt.source(_resources, name="ticket_tailor")(Package("", missing_tables=set(TABLES)))


def webhooks_source(box_office: BoxOffice, package: planning.Package) -> DltSource:
    """Webhooks out of a box office's buffer, and the folders that they let us remember."""
    return dlt.source(_files, name="ticket_tailor")(box_office, package)


def _files(box_office: BoxOffice, package: planning.Package) -> Iterator[DltResource]:
    records, package.records = package.records, None
    if records is not None:
        yield dlt.resource([records], name="webhooks", primary_key="record_id", write_disposition=MERGE)
    if package.folders:
        folders = folders_table("box_office", box_office.name, package.folders, dt.datetime.now(dt.UTC))
        yield dlt.resource([folders], name="folders", primary_key="folder_id", write_disposition=MERGE)


def _resources(package: Package) -> Iterator[DltResource]:
    for name in ENDPOINTS:
        yield _resource(name, "version_id", package.rows, _VERSIONS, package)
    yield _resource("refused", "refused_id", {"refused": package.refused}, _REFUSED, package)
    yield _resource("coverage", "coverage_id", {"coverage": package.coverage}, _COVERAGE, package)
    yield _resource("webhooks", "record_id", {}, WEBHOOKS, package)
    yield _resource("folders", "folder_id", {}, folders_schema("box_office"), package)


def _resource(name: str, key: str, rows: dict[str, list[Any]], schema: pa.Schema, package: Package) -> DltResource:
    def tables() -> Iterator[pa.Table]:
        if rows.get(name) or name in package.missing_tables:
            yield _table(rows.pop(name, []), schema)

    if name in _CURSORS:
        # dlt silently drops rows further behind its maximum than the lag: the lag is what this read reaches back
        cursor = dlt.sources.incremental(
            "created_at", lag=package.reach.get(name, 0), on_cursor_value_missing="include"
        )

        def resource(created_at: Any = cursor) -> Iterator[pa.Table]:
            yield from tables()
    else:
        resource = tables

    return dlt.resource(
        resource,
        name=name,
        primary_key=key,
        write_disposition=MERGE,
    )


def _table(rows: list[Any], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [_array(column, field) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: Sequence[Any], field: pa.Field) -> pa.Array:
    if field.name == "document":  # known to be UTF-8, validation has read it: to look again takes three times as long
        return pa.array(column, pa.binary()).view(pa.string())
    return pa.array(column, field.type)
