"""Raw: the only place that makes dlt pipelines.

One pipeline per account, so that a package that cannot be loaded holds up one account and no other. What dlt must be
set to is in ``DLT_SETTINGS``, each with its reason; it is set before dlt is imported, since dlt reads it then.
"""

import os
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb

from boxoffice.errors import Problem
from boxoffice.settings import ROOT, Settings

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource

    from boxoffice.raw.account import Loaded

Echo = Callable[[str], None]

DLT_SETTINGS = {
    # staging reads by load id; on Arrow tables it cannot be switched on later
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    # otherwise a second copy of personal data would stay
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    # a file that is read once, a second later: measured, a twentieth of a load's time
    "DATA_WRITER__COMPRESSION": "none",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}
# numpy and pyarrow start a thread each where they are imported, unless these say otherwise: a process with threads must
# not fork
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}

# A package of so many rows gets settings of its own. Measured at 100,000 records: 15 % less time, 40 % less memory;
# a small one would be slower with them.
BULK_ROWS = 5_000
BULK_SETTINGS = "set global max_vacuum_tasks = 0; set global threads = 1"
# Documents then take a third of the place or less and two thirds of the time to write, and are read as fast.
BULK_COMPRESSION = "set global force_compression = 'zstd'"
# A file of an older storage version cannot hold it: there documents would stay as long as they are.
_HOLDS_ZSTD = (
    "select bool_or(tags['storage_version'] in ('v1.2.0+', 'v1.3.0+')) from duckdb_databases() where not internal"
)
# The oldest version that has DICT_FSST: all tables of a warehouse are written in three quarters of the time.
NEW_FILE = {"storage_compatibility_version": "v1.3.0"}


def configure_dlt(settings: Settings) -> None:
    """To be called before dlt or pyarrow is imported."""
    os.environ.update(
        DLT_SETTINGS | WITHOUT_THREADS | {"DLT_DATA_DIR": str(settings.dlt_dir), "DLT_PROJECT_DIR": str(ROOT)}
    )


def open_pipeline(settings: Settings, platform: str, account: str, loaded: "Loaded") -> "dlt.Pipeline":
    """The dlt pipeline of one account, with what an earlier run left unloaded finished first (reported in ``loaded``).

    ``run()`` with a package pending loads the package and silently leaves out what it was called for: hence first.
    A package that cannot be loaded (a disk that was full, power that was lost) would hold up the account for ever. It
    is dropped with dlt's own folder, which dlt makes again from the warehouse: what to read is decided by what raw
    holds, so it is read once more.
    """
    configure_dlt(settings)
    import dlt
    import pyarrow as pa

    from boxoffice.raw import destination

    # gives memory back at once, which Arrow's own pool keeps: measured, 250 MB less for a package of 60 MB
    pa.set_memory_pool(pa.system_memory_pool())

    def make() -> "dlt.Pipeline":
        return dlt.pipeline(
            pipeline_name=f"{platform}_{account}",
            pipelines_dir=str(settings.dlt_dir / "pipelines"),
            destination=destination.Warehouse(str(settings.warehouse)),
            dataset_name=f"raw_{platform}",
        )

    try:
        made = make()
        if made.has_pending_data:
            load_package(settings, made, None)
            loaded.finished_earlier = True
    except Exception:
        require_writable(settings)
        shutil.rmtree(settings.dlt_dir / "pipelines" / f"{platform}_{account}", ignore_errors=True)
        loaded.messages.append("what an earlier run had left could not be loaded: dropped, and read again")
        made = make()
    return made


class Unreadable(Problem):
    """A warehouse that cannot be opened although no process holds it."""


def require_writable(settings: Settings) -> None:
    """Raises Problem, naming who holds it, when the warehouse cannot be written."""
    open_warehouse(settings).close()


def open_warehouse(settings: Settings, patience: float = 5.0, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The warehouse. Raises Problem, naming who holds it, after so many seconds of waiting, and Unreadable when it is
    held by no process and cannot be opened."""
    until = time.monotonic() + patience
    while True:
        try:
            if not settings.warehouse.exists():  # dlt, which sets nothing, could not open it beside this setting
                duckdb.connect(str(settings.warehouse), config=NEW_FILE).close()
            return duckdb.connect(str(settings.warehouse), read_only=read_only)
        except duckdb.Error as error:
            holder = str(error).partition("Conflicting lock is held in ")[2].partition(". ")[0]
            if not holder:
                raise Unreadable(
                    f"The warehouse cannot be opened: {_first_lines(error)}\n"
                    "Nothing was changed. If the file is damaged: boxoffice rebuild."
                ) from None
            if time.monotonic() >= until:
                raise Problem(
                    f"The warehouse is held open by another process, {holder}: nothing was changed, nothing is lost. "
                    f"Close it there and run again. For reading there is {settings.published.name}, which a run never "
                    "waits for."
                ) from None
        time.sleep(0.5)


def load_package(settings: Settings, made: "dlt.Pipeline", source: "DltSource | None", rows: int = 0) -> dict[str, int]:
    """One package, of about so many rows, into raw.

    Returns the rows by table. Raises Problem with a sentence for what dlt reports as a failed step.
    """
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        # dlt opens the warehouse a dozen times: each time it was the last to close it, it would be written out whole
        with open_warehouse(settings) as held_open:
            if rows >= BULK_ROWS:
                held_open.execute(BULK_SETTINGS)
                if held_open.execute(_HOLDS_ZSTD).fetchall() == [(True,)]:
                    held_open.execute(BULK_COMPRESSION)
            if source is None:
                made.run()
            else:
                made.run(source, loader_file_format="parquet")
    except PipelineStepFailed as failed:
        cause: BaseException | None = failed
        while cause and not isinstance(cause, Problem):
            cause = cause.__cause__ or cause.__context__
        if cause:
            raise cause from None
        raise Problem(
            f"dlt failed in its step {failed.step}: {_first_lines(failed.exception)}\n"
            "What was loaded before stays; what was being loaded is kept and tried again by the next run."
        ) from failed
    info = made.last_trace.last_normalize_info
    return dict(info.row_counts) if info else {}


def _first_lines(error: BaseException, lines: int = 3) -> str:
    return "\n".join(str(error).strip().splitlines()[:lines])
