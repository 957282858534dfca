"""Orders that a proof names: kept out of the marts until a build in which the proof holds.

A proof (``tests/data/proofs``) fails only if our own models are wrong. It names the orders that break it, so the
rest can be built, proved and published without them. The table ``intermediate.set_aside`` lists these orders, and
the models leave out their documents (``macros/touched.sql``).
"""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from boxoffice.errors import Problem
from boxoffice.settings import Settings

TABLE = "intermediate.set_aside"
BROKEN_PROOFS = "intermediate.broken_proofs"
SHOWN = 3  # orders, in a sentence


class Order(NamedTuple):
    """An order that a proof names.

    ``order_id`` is '' for items of Ticketor that name no invoice, and the ticket's id for a Ticket Tailor ticket in no
    order.
    """

    platform: str
    account: str
    order_id: str
    proof: str
    explanation: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self[:3]


class NamesNone(Problem):
    """A proof failed and names no order."""


def release(settings: Settings, platforms: Iterable[str]) -> set[tuple[str, str, str]]:
    """Lets the next build look again at the orders of these platforms. Returns their keys."""
    if not settings.warehouse.exists():
        return set()
    with duckdb.connect(str(settings.warehouse)) as db:
        if not is_there(db):
            return set()
        chosen = list(platforms)
        db.execute(f"update {TABLE} set is_in_force = false where list_contains(?, platform)", [chosen])
        return set(
            db.execute(
                f"select distinct platform, account, order_id from {TABLE} where list_contains(?, platform)", [chosen]
            ).fetchall()
        )


def take_named(settings: Settings) -> list[Order]:
    """The orders that the failed proofs of the last build name: one row each. The table that has them is dropped.

    Raises NamesNone if some of them name none, with the first row of each of these proofs.
    """
    orders: dict[tuple[str, str, str], Order] = {}
    nameless: dict[str, str] = {}
    with duckdb.connect(str(settings.warehouse)) as db:
        for row in db.execute(
            # of what names no order, one row a proof
            "select distinct on (platform, account, order_id, if(order_id is null, proof, null)) "
            f"platform, account, order_id, proof, explanation from {BROKEN_PROOFS} order by all"
        ).fetchall():
            order = Order(*row)
            if None in order.key:
                nameless.setdefault(order.proof, f"proof: {order.proof}: {order.explanation}")
            else:
                orders.setdefault(order.key, order)
        db.execute(f"drop table {BROKEN_PROOFS}")
    if nameless:
        raise NamesNone("; ".join(nameless.values()))
    return list(orders.values())


def put(settings: Settings, orders: Iterable[Order]) -> None:
    """Leaves these out of the next build, beside those that are left out already."""
    with duckdb.connect(str(settings.warehouse)) as db:
        db.execute("begin")
        for order in orders:
            db.execute(f"delete from {TABLE} where (platform, account, order_id) = (?, ?, ?)", list(order.key))
            db.execute(f"insert into {TABLE} values (?, ?, ?, ?, ?, true)", list(order))
        db.execute("commit")


def refuse_too_many(settings: Settings, missing: int = 0) -> None:
    """Raises Problem where more orders are ``missing``, or left out by the last build, than may be."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        if not missing:
            [(missing,)] = db.execute(f"select count(*) from {TABLE} where is_in_force").fetchall()
        if not missing:
            return
        allowed = settings.set_aside_at_most
        if allowed is None:
            [(orders,)] = db.execute(
                "select (select count(distinct (account, invoice_id)) from staging.stg_ticketor__invoices)"
                " + (select count(distinct (account, order_id)) from staging.stg_ticket_tailor__orders)"
            ).fetchall()
            allowed = max(50, orders // 100)
    if missing > allowed:
        raise Problem(
            f"{missing:,} orders break a proof or are linked to one that does, and at most {allowed:,} may be missing "
            "from what is published (the setting set_aside_at_most): nothing was published, and what was published "
            f"before stays as it is. Those that were left out, and why: the table {TABLE} of {settings.warehouse}."
        )


def in_words(db: duckdb.DuckDBPyConnection) -> str | None:
    """A sentence on the orders that the published tables lack; None where they lack none."""
    if not (found := _published(db)):
        return None
    shown = ", ".join(f"{order.platform} {order.account} {order.order_id or '(no invoice)'}" for order in found[:SHOWN])
    return (
        f"{len(found):,} {'order is' if len(found) == 1 else 'orders are'} set aside and missing from every table: "
        f"{shown}{', …' if len(found) > SHOWN else ''} ({found[0].proof}). All of them, and why: "
        'boxoffice sql "from orders_set_aside"'
    )


def reason(db: duckdb.DuckDBPyConnection, wanted: str) -> str | None:
    """Why an order is missing from the published tables; None where it is not set aside.

    ``wanted`` is its id, or ``platform/account/id``.
    """
    for order in _published(db):
        if wanted in (order.order_id, "/".join(order.key)):
            return f"{order.proof}: {order.explanation}."
    return None


def _published(db: duckdb.DuckDBPyConnection) -> list[Order]:
    """Those that a proof names first, then those that are linked to them."""
    try:
        found = db.execute(
            "select platform, account, order_id, proof, explanation from marts.orders_set_aside "
            "order by proof = 'linked', platform, account, order_id"
        )
    except duckdb.CatalogException:  # published by an earlier release
        return []
    return [Order(*row) for row in found.fetchall()]


def is_there(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether a build has made the table: an earlier release had none."""
    [(found,)] = db.execute(
        "select count(*) from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name || '.' || table_name = ?",
        [TABLE],
    ).fetchall()
    return bool(found)
