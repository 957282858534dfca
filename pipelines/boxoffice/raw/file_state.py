"""What raw already holds of a buffer: which files have been read, and which records they made."""

import json
from array import array
from dataclasses import dataclass
from pathlib import Path

import orjson

from boxoffice.raw import contents

# Handed over as one text, as ids are; not through Arrow, whose threads would keep `run --every` from forking.
_LISTING = """
    listing as materialized (
        select
            unnest(range(len(lists.file))) as number,
            unnest(lists.file) as file,
            unnest(lists.size) as size,
            unnest(lists.mtime_ns) as mtime_ns
        from (
            select from_json($listing, '{"file": ["VARCHAR"], "size": ["BIGINT"], "mtime_ns": ["BIGINT"]}') as lists
        )
    )
"""


@dataclass(frozen=True)
class HeldFiles:
    """A platform's files in raw: the table of its ``records`` in ``schema``, the table ``folders`` beside it, and the
    ``column`` of both that names the account."""

    schema: str
    records: str
    column: str

    @property
    def _records(self) -> str:
        return f"{self.schema}.{self.records}"

    @property
    def _complete(self) -> str:
        return contents.complete(self.schema)

    def elsewhere(
        self, warehouse: Path, account: str, paths: list[str], sizes: "array[int]", mtimes_ns: "array[int]"
    ) -> dict[str, tuple[int, int]]:
        """Which other accounts raw holds these files of, where it holds none of this one: how many there are by path
        and size, and how many of these by their time too."""
        with contents.reading(warehouse) as db:
            any_of_this = f"select 1 from {self._records} where {self.column} = $account limit 1"
            if db is None or contents.ask(db, any_of_this, {"account": account}):
                return {}
            query = f"""
                with {_LISTING}
                select {self.column}, count(distinct file), count(distinct file) filter (file_mtime_ns = mtime_ns)
                from {self._records}
                inner join listing using (file)
                where position = 0 and file_size = size and size > 0 group by {self.column}
            """
            found = contents.ask(db, query, _listing(paths, sizes, mtimes_ns))
            return {name: (same, exactly) for name, same, exactly in found}

    def tables_exist(self, warehouse: Path) -> bool:
        """Whether a first load has made its tables."""
        return bool(contents.rows(warehouse, f"select count(*) from {self._records} where false"))

    def folders(self, warehouse: Path, account: str) -> dict[str, int]:
        """The folders that need no listing as long as their modification time (ns since 1970) is this."""
        query = f"""
            select folder, mtime_ns from {self.schema}.folders where {self.column} = $account and {self._complete}
        """
        return dict(contents.rows(warehouse, query, {"account": account}))

    def unread(
        self, warehouse: Path, account: str, paths: list[str], sizes: "array[int]", mtimes_ns: "array[int]"
    ) -> list[tuple[int, bool]]:
        """Which of these files raw has no whole reading of at this size and time: their numbers in the lists, and
        whether it has one at another. (A file's first record is written last, so it vouches for the whole file.)"""
        query = f"""
            with {_LISTING},
            held as (
                select file, file_size, file_mtime_ns from {self._records}
                where {self.column} = $account and position = 0 and {self._complete}
            )
            select listing.number, listing.file in (select held.file from held)
            from listing
            anti join held
                on listing.file = held.file and listing.size = held.file_size and listing.mtime_ns = held.file_mtime_ns
            order by listing.number
        """
        with contents.reading(warehouse) as db:
            if db is None:
                return [(number, False) for number in range(len(paths))]
            return db.execute(query, {"account": account} | _listing(paths, sizes, mtimes_ns)).fetchall()

    def recent(self, warehouse: Path, account: str, since_ns: int, limit: int) -> dict[str, set[tuple[int, int]]]:
        """Files that may be growing: the newest by modification time, and the newest of those with several records.

        For each the (size, modification time in ns) it was read at.
        """
        query = f"""
            with recent as (
                select file, position, file_size, file_mtime_ns from {self._records}
                where {self.column} = $account and position <= 1 and file_mtime_ns >= $since
                    and {self._complete}
            ),
            chosen as (
                (select file from recent where position = 0 order by file_mtime_ns desc limit $limit)
                union
                (select file from recent where position = 1 order by file_mtime_ns desc limit $limit)
            )
            select file, file_size, file_mtime_ns from recent where position = 0 and file in (select file from chosen)
        """
        readings: dict[str, set[tuple[int, int]]] = {}
        asked = {"account": account, "since": since_ns, "limit": limit}
        for file, size, mtime_ns in contents.rows(warehouse, query, asked):
            readings.setdefault(file, set()).add((size, mtime_ns))
        return readings

    def known(self, warehouse: Path, account: str, files: list[str]) -> dict[str, tuple[int, str]]:
        """The records raw holds of these files: record_id to (received_at in microseconds since 1970, its basis)."""
        if not files:
            return {}
        query = f"""
            select record_id, epoch_us(received_at), received_at_basis from {self._records}
            where {self.column} = $account and file in {contents.AMONG_IDS} and {self._complete}
        """
        rows = contents.rows(warehouse, query, {"account": account, "ids": json.dumps(files)})
        return {record_id: (moment, basis) for record_id, moment, basis in rows}


def _listing(paths: list[str], sizes: "array[int]", mtimes_ns: "array[int]") -> dict[str, str]:
    lists = {"file": paths, "size": sizes.tolist(), "mtime_ns": mtimes_ns.tolist()}
    return {"listing": orjson.dumps(lists).decode()}
