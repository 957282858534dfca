"""dlt's DuckDB destination, whose merge removes duplicates of a key without holding whole rows."""

from collections.abc import Sequence
from typing import Any

from dlt.common.destination.capabilities import DestinationCapabilitiesContext
from dlt.common.destination.client import FollowupJobRequest, PreparedTableSchema
from dlt.common.normalizers.naming import NamingConvention
from dlt.destinations import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.sql_jobs import SqlMergeFollowupJob


class _Merge(SqlMergeFollowupJob):
    @classmethod
    def gen_select_from_dedup_sql(
        cls, table_name: str, primary_keys: Sequence[str], columns: Sequence[str], *rest: Any, **options: Any
    ) -> str:
        """One row of staging for each key: a kill may leave a file there twice.

        dlt numbers the rows of each key in a window, which holds all of them, documents included: twice the memory of
        a load, and a third more time for the merge.
        """
        keys = ", ".join(primary_keys)
        return (
            f"SELECT {', '.join(columns)} FROM {table_name} "
            f"WHERE rowid NOT IN (SELECT rowid FROM {table_name} QUALIFY row_number() OVER (PARTITION BY {keys}) > 1)"
        )


class _Client(DuckDbClient):
    def _create_merge_followup_jobs(self, table_chain: Sequence[PreparedTableSchema]) -> list[FollowupJobRequest]:
        return [_Merge.from_table_chain(table_chain, self.sql_client)]


class Warehouse(duckdb):
    """The destination; by the name that dlt's folder and raw know from earlier releases."""

    @property
    def destination_type(self) -> str:
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[DuckDbClient]:
        return _Client

    def capabilities(
        self, config: DuckDbClientConfiguration | None = None, naming: NamingConvention | None = None
    ) -> DestinationCapabilitiesContext:
        # dlt would resolve a configuration a dozen times in a load, and DuckDB's capabilities depend on none
        return super().capabilities(self.spec() if config is None else config, naming)
