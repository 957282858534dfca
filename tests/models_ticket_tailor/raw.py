"""Rows of raw_ticket_tailor as the source would have landed them, without API and dlt; and dbt over them."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from tests.dbt import dbt

Json = dict[str, Any]
BOX_OFFICE = "hall"


class Seen(NamedTuple):
    """A document of a list as we read it at a moment (ISO text, UTC), or as a ``webhook`` of that id brought it.

    ``reason``: why that was refused. ``place``: its file, the position in it, and the size of the file.
    """

    list: str
    document: Json
    at: str
    webhook: str | None = None
    event: str = "OBJECT.UPDATED"
    reason: str | None = None
    place: tuple[str, int, int] | None = None


def make(data_dir: Path, loads: list[list[Seen]]) -> None:
    """A warehouse that holds raw and nothing else, or more of it: each list of documents is one load."""
    data_dir.mkdir(exist_ok=True)
    (data_dir / "person.key").write_text("the same in every test")
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute("create schema if not exists raw_ticket_tailor")
        for name in ENDPOINTS:
            db.execute(
                f"create table if not exists raw_ticket_tailor.{name} (version_id varchar not null, "
                "box_office varchar not null, id varchar not null, created_at bigint, document varchar not null, "
                "document_hash varchar not null, fetched_at timestamptz not null, missing_since timestamptz, "
                "_dlt_load_id varchar)"
            )
        db.execute(
            "create table if not exists raw_ticket_tailor.refused (refused_id varchar not null, "
            "box_office varchar not null, list varchar not null, id varchar, reason varchar not null, raw blob, "
            "fetched_at timestamptz not null, _dlt_load_id varchar)"
        )
        db.execute(
            "create table if not exists raw_ticket_tailor.coverage (coverage_id varchar not null, "
            "box_office varchar not null, list varchar not null, kind varchar not null, created_from bigint not null, "
            "created_to bigint not null, read_at timestamptz not null, _dlt_load_id varchar)"
        )
        [(held,)] = db.execute("select count(distinct _dlt_load_id) from raw_ticket_tailor.orders").fetchall()
        for number, load in enumerate(loads, start=held + 1):
            for place, seen in enumerate(load):
                if seen.webhook:
                    _land_webhook(db, seen, place, f"{number}.0")
                else:
                    _land(db, seen.list, seen.document, seen.at, f"{number}.0")


def _land(db: duckdb.DuckDBPyConnection, name: str, document: Json, at: str, load: str) -> None:
    text = json.dumps(document)
    digest = hashlib.sha256(text.encode()).hexdigest()
    parts = (name, document["id"]) if name == "events" else (name, document["id"], digest, at)
    version = hashlib.sha256("|".join(parts).encode()).hexdigest()
    created = document.get("created_at")
    db.execute(f"delete from raw_ticket_tailor.{name} where version_id = ?", [version])
    db.execute(
        f"insert into raw_ticket_tailor.{name} values (?, ?, ?, ?, ?, ?, ?, null, ?)",
        [version, BOX_OFFICE, document["id"], created, text, digest, at, load],
    )


def _land_webhook(db: duckdb.DuckDBPyConnection, seen: Seen, place: int, load: str) -> None:
    text = json.dumps(seen.document)
    digest = hashlib.sha256(text.encode()).hexdigest()
    columns = {
        "record_id": f"{seen.webhook} {seen.at}",
        "box_office": BOX_OFFICE,
        "outcome": "refused" if seen.reason else "loaded",
        "reason": seen.reason,
        "webhook_id": seen.webhook,
        "event": seen.event,
        "list": seen.list,
        "id": seen.document["id"],
        "version_id": hashlib.sha256(f"{seen.webhook}|{digest}".encode()).hexdigest(),
        "created_at": seen.document.get("created_at"),
        "document": text,
        "document_hash": digest,
        "sent_at": seen.at,
        "received_at": seen.at,
        "_dlt_load_id": load,
    }
    columns |= zip(("file", "position", "file_size"), seen.place or (load, place, 0), strict=True)
    columns["file_mtime_ns"] = columns["file_size"]
    # an earlier release has no such table
    whole_numbers = ("created_at", "position", "file_size", "file_mtime_ns")
    moments = ("sent_at", "received_at")
    kinds = dict.fromkeys(columns, "varchar")
    kinds |= dict.fromkeys(whole_numbers, "bigint") | dict.fromkeys(moments, "timestamptz")
    declared = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    db.execute(f"create table if not exists raw_ticket_tailor.webhooks ({declared})")
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    db.execute(f"insert into raw_ticket_tailor.webhooks ({names}) values ({marks})", list(columns.values()))


def build(data_dir: Path, target: Path, *flags: str) -> None:
    """The models of Ticket Tailor up to the unified shape, and the seed that they read; no test of them."""
    which = ("staging.ticket_tailor", "intermediate.ticket_tailor", "voucher_kinds")
    dbt(data_dir, target, "build", "--resource-type", "model", "seed", "--select", *which, *flags)


def tables(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every staging and intermediate table, rows sorted, without the names of the loads; not what notes a build."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        names = db.execute(
            "select distinct schema_name || '.' || table_name from duckdb_columns() where not internal "
            "and schema_name in ('staging', 'intermediate') "
            "and table_name not in ('built', 'int_ticket_tailor__touched')"
        ).fetchall()
        return {
            name: db.execute(
                f"select columns(c -> c not in ('_dlt_load_id', '_shape')) from {name} order by all"
            ).fetchall()
            for (name,) in names
        }
