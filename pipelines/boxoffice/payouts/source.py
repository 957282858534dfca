"""The dlt source: rows of exports as one Arrow table."""

import datetime as dt
from typing import Any

import dlt
import pyarrow as pa

from boxoffice.payouts.exports import Row

_TIME = pa.timestamp("us", tz="UTC")
_KEYS = ("row_id", "processor", "report", "file", "document", "content")
_TEXTS = (
    *("transaction_id", "kind", "type", "reference", "gross", "fee", "net", "currency"),
    *("charged_amount", "charged_currency", "payout_id", "payout_on", "reason"),
)
_TRANSACTIONS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _KEYS),
        pa.field("position", pa.int64(), nullable=False),
        *(pa.field(name, pa.string()) for name in _TEXTS),
        pa.field("created_at", _TIME),
        pa.field("loaded_at", _TIME, nullable=False),
    ]
)


@dlt.source(name="payouts")
def payouts_source(rows: list[Row], now: dt.datetime) -> Any:
    """Rows by ``row_id``: what comes again replaces what was there. ``now`` is when they are loaded (UTC)."""
    columns = {
        field.name: [now if field.name == "loaded_at" else getattr(row, field.name) for row in rows]
        for field in _TRANSACTIONS
    }
    yield dlt.resource(
        [pa.table(columns, schema=_TRANSACTIONS)],
        name="transactions",
        primary_key="row_id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
    )
