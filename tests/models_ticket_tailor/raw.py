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
    """A document of a list as we read it at a moment (ISO text, UTC)."""

    list: str
    document: Json
    at: str


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
            for name, document, at in load:
                _land(db, name, document, at, f"{number}.0")


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
