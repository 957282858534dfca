"""The shape of raw_ticketor.records, and rows on their way there: columns filled one record at a time.

Types are declared, so that the table does not depend on what came first; the key is not nullable, so that dlt can
merge.
"""

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

RECORDS = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("site", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("webhook", pa.string()),
        pa.field("payload_id", pa.int64()),
        pa.field("document", pa.string()),
        pa.field("raw", pa.binary()),
        pa.field("received_at", TIME, nullable=False),
        pa.field("received_at_basis", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("file_size", pa.int64(), nullable=False),
        pa.field("file_mtime_ns", pa.int64(), nullable=False),
    ]
)


class Rows:
    """Rows of ``records`` by column. ``size`` counts the bytes of their documents."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.size = 0
        self.record_id: list[str] = []
        self.outcome: list[str] = []
        self.reason: list[str | None] = []
        self.webhook: list[str | None] = []
        self.payload_id: list[int | None] = []
        self.document: list[bytes | None] = []
        self.raw: list[bytes | None] = []
        self.received_at: list[int] = []
        self.received_at_basis: list[str] = []
        self.file: list[str] = []
        self.position: list[int] = []
        self.file_size: list[int] = []
        self.file_mtime_ns: list[int] = []

    def __len__(self) -> int:
        return len(self.record_id)

    def table(self) -> pa.Table:
        """The rows as an Arrow table. Documents are known to be UTF-8: validation has read them."""
        return pa.table(
            [
                pa.array(self.record_id, pa.string()),
                pa.array([self.site], pa.string()).take(pa.array([0] * len(self), pa.int8())),
                pa.array(self.outcome, pa.string()),
                pa.array(self.reason, pa.string()),
                pa.array(self.webhook, pa.string()),
                pa.array(self.payload_id, pa.int64()),
                pa.array(self.document, pa.binary()).view(pa.string()),
                pa.array(self.raw, pa.binary()),
                pa.array(self.received_at, pa.int64()).view(TIME),
                pa.array(self.received_at_basis, pa.string()),
                pa.array(self.file, pa.string()),
                pa.array(self.position, pa.int64()),
                pa.array(self.file_size, pa.int64()),
                pa.array(self.file_mtime_ns, pa.int64()),
            ],
            schema=RECORDS,
        )
