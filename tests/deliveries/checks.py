"""What must hold of published tables, whatever was delivered: asked in SQL, told by sequence."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.compare import same_rows
from tests.deliveries import ticket_tailor, ticketor
from tests.deliveries.sequences import Sequence, numbers_in

# Of a whole account or day; what they are sums of is compared row by row.
SUMS = ("rpt_daily_sales", "rpt_daily_event_sales", "rpt_sales_curve", "rpt_event_sales", "rpt_event_totals")
# When we wrote the settings down, read a list, or built: of our own clock.
CLOCK = {"dim_accounts": ("configured_at", "time_zone_proposed")}


class Finding(NamedTuple):
    """Something that must not be. ``number``: the sequence that did it, None where nothing says which."""

    number: int | None
    kind: str
    text: str


def connect(**files: Path) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    for name, path in files.items():
        db.execute(f"attach '{path}' as {name} (read_only)")
    return db


class Owners:
    """Which sequence a row belongs to: by any id in it, else by a key whose id another table names."""

    def __init__(self, db: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
        self.of_key: dict[str, int] = {}
        for name in names:
            tables = db.execute(
                "select schema_name, table_name, list(column_name) from duckdb_columns() where database_name = ? "
                "and (column_name like '%\\_key' escape '\\' or column_name like '%\\_id' escape '\\') "
                "and schema_name not like 'raw%' group by all",
                [name],
            ).fetchall()
            for schema, table, columns in tables:
                ids = [column for column in columns if column.endswith("_id")]
                keys = [column for column in columns if column.endswith("_key") and column != "person_key"]
                if not ids or not keys:
                    continue
                for row in db.execute(
                    f"select {', '.join(f'{key}::varchar' for key in keys)}, concat_ws(' ', {', '.join(ids)}) "
                    f'from {name}."{schema}"."{table}"'
                ).fetchall():
                    if len(found := numbers_in(row[-1])) == 1:
                        self.of_key.update(dict.fromkeys((key for key in row[:-1] if key), found.pop()))

    def of(self, row: Iterable[Any]) -> int | None:
        values = [value for value in row if value is not None]
        found: set[int] = set()
        for value in values:
            if isinstance(value, str | int) and not isinstance(value, bool):
                found |= numbers_in(str(value))
            elif isinstance(value, list | dict):
                found |= numbers_in(repr(value))
        if not found:
            found = {self.of_key[value] for value in values if isinstance(value, str) and value in self.of_key}
        return min(found) if found else None


def _columns(db: duckdb.DuckDBPyConnection, name: str) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = defaultdict(list)
    for table, column in db.execute(
        "select table_name, column_name from duckdb_columns() where database_name = ? and schema_name = 'marts' "
        "order by table_name, column_index",
        [name],
    ).fetchall():
        tables[table].append(column)
    return tables


def differences(one: Path, other: Path, kind: str, platform: str | None = None) -> list[Finding]:
    """How two published files differ, told by table, column and sequence."""
    with connect(one=one, other=other) as db:
        tables, others = _columns(db, "one"), _columns(db, "other")
        if tables.keys() != others.keys():
            return [Finding(None, f"{kind}: tables", str(tables.keys() ^ others.keys()))]
        found: dict[tuple[int | None, str], str] = {}
        owners: Owners | None = None
        for table in sorted(tables):
            columns = [column for column in tables[table] if column not in CLOCK.get(table, ())]
            if table in ("run_info", "dim_dates") or (platform and "platform" not in columns):
                continue
            where = f" where platform = '{platform}'" if platform else ""
            names = ", ".join(f'"{column}"' for column in columns)
            sides = [f'select {names} from {side}.marts."{table}"{where}' for side in ("one", "other")]
            if same_rows(db, *sides):
                continue
            rows = {
                side: db.execute(f"from (({left}) except all ({right})) order by all limit 3000").fetchall()
                for side, left, right in (("one", *sides), ("other", *reversed(sides)))
            }
            owners = owners or Owners(db, ("one", "other"))
            for number, what, text in _paired(columns, rows, owners):
                found.setdefault((number, f"{kind}: {table} {what}"), text)
    told = [Finding(number, what, text) for (number, what), text in found.items()]
    sure = [each for each in told if each.number is not None]
    return sure or told


def _paired(
    columns: list[str], rows: dict[str, list[tuple[Any, ...]]], owners: Owners
) -> Iterator[tuple[int | None, str, str]]:
    by_key: dict[Any, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for side, found in rows.items():
        for row in found:
            by_key[row[0]][side] = row
    for sides in by_key.values():
        pair = [sides.get("one"), sides.get("other")]
        row = pair[0] or pair[1]
        if None in pair:
            where = "the first" if pair[0] else "the second"
            values = dict(zip(columns, row, strict=True))
            kind = next((f" ({values[name]})" for name in ("line_kind", "identity", "what") if name in values), "")
            yield owners.of(row), f"only in {where}{kind}", str(values)
            continue
        differing = [name for name, left, right in zip(columns, *pair, strict=True) if left != right]
        values = {name: (left, right) for name, left, right in zip(columns, *pair, strict=True) if left != right}
        ids = {name: value for name, value in zip(columns, row, strict=True) if name.endswith("_id")}
        yield owners.of(row), ", ".join(differing), f"{ids} {values}"


LINES_ADD_UP = """
with lines as (
    select order_key, currency, sum(amount) as everything,
        coalesce(sum(amount) filter (line_kind not in ('refund', 'credited')), 0) as charged
    from fct_order_lines group by all
)
select orders.platform, orders.order_id, orders.order_type, total_amount, charged, everything
from fct_orders as orders
left join lines on orders.order_key = lines.order_key and orders.currency is not distinct from lines.currency
where total_amount is not null and coalesce(charged, 0) <> total_amount and coalesce(everything, 0) <> total_amount
"""

ONCE = {
    "a payment twice": """select account, payment_id, count(*), any_value(order_id) from fct_payments
        where platform = 'ticketor' and payment_id <> '0' and payment_id not like '%:%'
        group by all having count(*) > 1""",
    "a product sale twice": """select account, product_sale_id, count(*) from fct_product_sales
        where platform = 'ticketor' group by all having count(*) > 1""",
    "a ticket twice": """select account, order_id, ticket_id, count(*) from fct_tickets
        where platform = 'ticketor' group by all having count(*) > 1""",
    "a Ticket Tailor ticket twice": """select account, ticket_id, count(*) from fct_tickets
        where platform = 'ticket_tailor' group by all having count(*) > 1""",
    "an order twice": "select platform, account, order_id, count(*) from fct_orders group by all having count(*) > 1",
    "an order without platform, account or id": """select * from fct_orders
        where platform is null or account is null or order_id is null""",
    "a date no reader can hold": """
        select 'dim_events', event_id, starts_at from dim_events
            where not starts_at between '0002-01-01' and '9999-12-30'
        union all select 'fct_orders', order_id, ordered_at from fct_orders
            where not ordered_at between '0002-01-01' and '9999-12-30'
        union all select 'fct_payments', payment_id, paid_at from fct_payments
            where not paid_at between '0002-01-01' and '9999-12-30'
        union all select 'fct_tickets', ticket_id, sold_at from fct_tickets
            where not sold_at between '0002-01-01' and '9999-12-30'""",
    "a change dated before its order was seen": """select changes.order_id, changes.what
        from fct_order_changes as changes join fct_orders using (order_key)
        where changes.platform = 'ticket_tailor' and changes.first_seen_at < fct_orders.first_seen_at""",
}

REPORTS = {
    "rpt_daily_sales gross_sales": (
        "select platform, account, currency, sum(gross_sales) from rpt_daily_sales group by all",
        """select platform, account, coalesce(currency, 'XXX'), sum(amount) from fct_order_lines
        where line_kind in ('ticket', 'product', 'membership') and booked_on is not null group by all""",
    ),
    "rpt_daily_sales receipts": (
        "select platform, account, currency, sum(receipts) from rpt_daily_sales group by all",
        "select platform, account, coalesce(currency, 'XXX'), sum(amount) from fct_payments group by all",
    ),
    **{
        f"rpt_daily_sales {name}": (
            f"select platform, account, currency, sum({name}) from rpt_daily_sales group by all",
            f"""select platform, account, coalesce(currency, 'XXX'), -sum(amount) from fct_order_lines
            where line_kind = '{kind}' and booked_on is not null group by all""",
        )
        for name, kind in (("refunds", "refund"), ("credited", "credited"))
    },
    **{
        f"rpt_event_sales {name}": (
            f"select platform, account, currency, sum({name}) from rpt_event_sales group by all",
            f"select platform, account, currency, sum({name}) from rpt_daily_sales group by all",
        )
        for name in (
            "gross_sales",
            "refunds",
            "credited",
            "net_sales",
            "receipts",
            "charged_total",
            "buyer_fees",
            "unexplained",
        )
    },
}


def invariants(published: Path, sequences: list[Sequence], where: str) -> list[Finding]:
    """What must hold of one published file by itself."""
    found: list[Finding] = []
    with connect(file=published) as db:
        db.execute("use file.marts")
        owners = Owners(db, ("file",))

        def told(kind: str, rows: list[tuple[Any, ...]]) -> None:
            found.extend(Finding(owners.of(row), f"{where}: {kind}", str(row)) for row in rows)

        if db.execute("select 1 from duckdb_tables() where table_name = 'orders_set_aside'").fetchall():
            columns = [row[0] for row in db.execute("describe orders_set_aside").fetchall()]
            proof = columns.index("proof") if "proof" in columns else -1
            for row in db.execute("from orders_set_aside").fetchall():
                told(f"set aside: {row[proof] if proof >= 0 else ''}", [row])
        told("lines do not make the order", db.execute(LINES_ADD_UP).fetchall())
        for kind, query in ONCE.items():
            told(kind, db.execute(query).fetchall())
        for kind, queries in REPORTS.items():
            left, right = (
                {row[:3]: row[3] or 0 for row in db.execute(query).fetchall() if row[3]} for query in queries
            )
            for key in sorted(left.keys() | right.keys()):
                if left.get(key, 0) != right.get(key, 0):
                    text = f"{key}: {left.get(key, 0)} and {right.get(key, 0)}"
                    found.append(Finding(None, f"{where}: {kind}", text))
        found += _present(db, sequences, where)
        found += _plain_ticketor(db, sequences, where)
        found += _plain_ticket_tailor(db, sequences, where)
    return found


def _present(db: duckdb.DuckDBPyConnection, sequences: list[Sequence], where: str) -> Iterator[Finding]:
    """Every item of a record that was let in has its row."""
    names = {
        "fct_orders": "order_id",
        "fct_tickets": "ticket_id",
        "fct_product_sales": "product_sale_id",
        "fct_payments": "payment_id",
    }
    held = {
        table: {row[0] for row in db.execute(f"select {column} from {table} where platform = 'ticketor'").fetchall()}
        for table, column in names.items()
    }
    for sequence in sequences:
        if sequence["platform"] == "ticketor":
            for table, key in sorted(ticketor.item_keys(sequence)):
                if key not in held[table]:
                    yield Finding(sequence["number"], f"{where}: missing in {table}", key)


def _plain_ticketor(db: duckdb.DuckDBPyConnection, sequences: list[Sequence], where: str) -> Iterator[Finding]:
    orders = {
        int(row[0]): row[1:]
        for row in db.execute(
            "select order_id, total_amount, currency from fct_orders where platform = 'ticketor'"
        ).fetchall()
    }
    tickets = {
        (int(row[0]), int(row[1])): row[2]
        for row in db.execute(
            "select order_id, ticket_id, price_paid from fct_tickets where platform = 'ticketor'"
        ).fetchall()
    }
    products = {
        int(row[0]): row[1:]
        for row in db.execute(
            "select product_sale_id, order_id, quantity, unit_price, returned_quantity from fct_product_sales "
            "where platform = 'ticketor'"
        ).fetchall()
    }
    payments = {
        int(row[0]): row[1:]
        for row in db.execute(
            "select payment_id, order_id, amount, currency from fct_payments where platform = 'ticketor' "
            "and payment_id not like '%:%'"
        ).fetchall()
    }
    paid = {
        int(row[0]): row[1]
        for row in db.execute("select order_id, paid_amount from fct_orders where platform = 'ticketor'").fetchall()
    }
    tables = {"orders": orders, "tickets": tickets, "products": products, "payments": payments, "paid": paid}
    for sequence in sequences:
        if not sequence["plain"] or sequence["platform"] != "ticketor":
            continue
        for name, rows in ticketor.expected(sequence).items():
            for key, right in rows.items():
                got = tables[name].get(key)
                if _alike(got) != _alike(right):
                    text = f"{name} {key}: {_alike(got)}, and should be {_alike(right)}"
                    yield Finding(sequence["number"], f"{where}: plain {name}", text)


def _plain_ticket_tailor(db: duckdb.DuckDBPyConnection, sequences: list[Sequence], where: str) -> Iterator[Finding]:
    held = {
        row[0]: row[1:]
        for row in db.execute(
            """select orders.order_id, orders.currency, orders.total_amount,
                coalesce((select sum(amount) from fct_payments where fct_payments.order_key = orders.order_key), 0)
            from fct_orders as orders where platform = 'ticket_tailor'"""
        ).fetchall()
    }
    for sequence in sequences:
        if sequence["plain"] and sequence["platform"] == "ticket_tailor":
            for key, right in ticket_tailor.expected(sequence).items():
                if _alike(held.get(key)) != _alike(right):
                    text = f"{key}: {_alike(held.get(key))}, and should be {_alike(right)}"
                    yield Finding(sequence["number"], f"{where}: plain order", text)


def _alike(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_alike(each) for each in value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(Decimal(str(value)).quantize(Decimal("0.0001")))
    if isinstance(value, str) and value.isdigit():
        return str(Decimal(value).quantize(Decimal("0.0001")))
    return value


def current_state(one: Path, other: Path, sequences: list[Sequence], kind: str) -> list[Finding]:
    """Of Ticket Tailor, what must not hang on how often we looked: the newest state of what is listed at the end."""
    listed_orders, listed_tickets = set(), set()
    for sequence in sequences:
        if sequence["platform"] == "ticket_tailor":
            state = sequence["states"][-1]
            listed_orders |= {each["id"] for each in state["orders"]}
            listed_tickets |= {each["id"] for each in state["issued_tickets"]}
    asked = {
        "fct_orders": ("order_id", listed_orders, ("currency", "total_as_given", "ordered_at", "event_key")),
        "fct_tickets": ("ticket_id", listed_tickets, ("order_id", "event_id", "ticket_type", "list_price", "seat")),
    }
    found = []
    with connect(one=one, other=other) as db:
        for table, (key, listed, columns) in asked.items():
            rows = [
                {
                    row[0]: row[1:]
                    for row in db.execute(
                        f"select {key}, {', '.join(columns)} from {side}.marts.{table} where platform = 'ticket_tailor'"
                    ).fetchall()
                }
                for side in ("one", "other")
            ]
            for each in sorted(listed):
                if rows[0].get(each) == rows[1].get(each):
                    continue
                left, right = rows[0].get(each), rows[1].get(each)
                if left is None or right is None:
                    what = "missing"
                else:
                    what = ", ".join(name for name, a, b in zip(columns, left, right, strict=True) if a != b)
                found.append(Finding(min(numbers_in(each)), f"{kind}: {table} {what}", f"{each}: {left} and {right}"))
    return found


def written_is_read(
    warehouse: Path, files: dict[tuple[str, str], tuple[int, ticketor.File]], where: str
) -> list[Finding]:
    """Records written = loaded + refused, file by file; and what can be read was let in."""
    with connect(file=warehouse) as db:
        held = {
            (site, file): counts
            for site, file, *counts in db.execute(
                "select site, file, count(*), count(*) filter (outcome = 'loaded'), "
                "list(distinct reason) filter (reason is not null) from file.raw_ticketor.records group by all"
            ).fetchall()
        }
    found = []
    for key, (number, file) in files.items():
        records, loaded, reasons = held.get(key, (0, 0, None))
        if records != file.records:
            found.append(Finding(number, f"{where}: records", f"{key[1]}: {file.records} written, {records} in raw"))
        elif loaded < file.must:
            text = f"{key[1]}: {file.must} can be read, {loaded} were let in: {reasons}"
            found.append(Finding(number, f"{where}: good records refused", text))
    return found
