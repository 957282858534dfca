"""Raw: the only place that makes dlt pipelines.

One pipeline per account, so that a package that cannot be loaded holds up one account and no other. What dlt must be
told stands in ``DLT_SETTINGS``, each with its reason; it is set before dlt is imported, since dlt reads it then.
"""

import contextlib
import dataclasses
import datetime as dt
import gc
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from boxoffice.errors import Problem
from boxoffice.raw import lookups
from boxoffice.settings import ROOT, BoxOffice, Settings, Site
from boxoffice.terminal import left, now_and_then
from boxoffice.warehouse.publish import STORAGE_VERSION

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource

    from boxoffice.ticket_tailor import planning as ticket_tailor_planning
    from boxoffice.ticketor import planning as ticketor_planning

Echo = Callable[[str], None]

DLT_SETTINGS = {
    # staging reads by load id; on Arrow tables it cannot be switched on later
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    # what is left behind otherwise is people's data, twice
    "LOAD__TRUNCATE_STAGING_DATASET": "true",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    # a file that is read once, a second later: measured, a twentieth of a load's time
    "DATA_WRITER__COMPRESSION": "none",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}

# A package of so many rows is worth settings of its own. Measured at 100,000 records: 15 % less time, 40 % less memory;
# a small one would be slower with them.
BULK_ROWS = 5_000
BULK_SETTINGS = "set global max_vacuum_tasks = 0; set global threads = 1"
# Documents then take a third of the place or less and two thirds of the time to write, and are read as fast. A file of
# an older storage version cannot hold it: there they would stay as long as they are.
BULK_COMPRESSION = "set global force_compression = 'zstd'"
_STORAGE_VERSIONS = "select tags['storage_version'] from duckdb_databases() where not internal"
NEW_FILE = {"storage_compatibility_version": STORAGE_VERSION}

# rows of these tables are bookkeeping: a load that brought nothing else brought nothing new
BOOKKEEPING = {"coverage", "folders"}


@dataclasses.dataclass
class Loaded:
    """What one account's load did. ``rows`` counts new rows by raw table; ``told`` is what a person should know.

    ``refused`` counts the records among them that were not let in, ``waiting`` the files that are too young to be read.
    ``finished_earlier``: a package that an earlier run had left was loaded first; its rows are not counted.
    ``set_right``: what raw held from the future was dated back.
    """

    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    refused: int = 0
    waiting: int = 0
    told: list[str] = dataclasses.field(default_factory=list)
    requests: int = 0
    finished_earlier: bool = False
    set_right: bool = False

    @property
    def news(self) -> dict[str, int]:
        """The rows a person asks for: without dlt's and our own bookkeeping."""
        news = {table: count for table, count in self.rows.items() if count and table not in BOOKKEEPING}
        return dict(sorted(news.items(), key=lambda each: -each[1]))

    def add(self, row_counts: dict[str, int]) -> None:
        for table, count in row_counts.items():
            if not table.startswith("_dlt"):
                self.rows[table] = self.rows.get(table, 0) + count


@dataclasses.dataclass(frozen=True)
class Reading:
    """What to read. ``sweep``: list every folder; ``full``: everything again; ``span``: created_at in unix seconds."""

    sweep: bool = False
    full: bool = False
    span: tuple[int, int] | None = None
    limit: int | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """Whether an account has anything to load, what that cost, what has to wait, and what a person should know."""

    due: bool
    requests: int = 0
    waiting: int = 0
    told: list[str] = dataclasses.field(default_factory=list)


def accounts(settings: Settings) -> "list[TicketorAccount | TicketTailorAccount]":
    """Every configured account."""
    return [
        *(TicketorAccount(settings, site) for site in settings.sites),
        *(TicketTailorAccount(settings, office) for office in settings.box_offices),
    ]


def pipeline(settings: Settings, platform: str, account: str, loaded: Loaded) -> "dlt.Pipeline":
    """The dlt pipeline of one account, with what an earlier run left unloaded finished first (told in ``loaded``).

    ``run()`` with a package pending loads the package and silently leaves out what it was called for: hence first.
    A package that cannot be loaded (a disk that was full, power that was lost) would hold up the account for ever. It
    is dropped with dlt's own folder, which dlt makes again from the warehouse: what to read is decided by what raw
    holds, so it is read once more.
    """
    os.environ.update(DLT_SETTINGS | {"DLT_DATA_DIR": str(settings.dlt_dir), "DLT_PROJECT_DIR": str(ROOT)})
    import dlt
    import pyarrow as pa

    # gives memory back at once, which Arrow's own pool keeps: measured, 250 MB less for a package of 60 MB
    pa.set_memory_pool(pa.system_memory_pool())

    def make() -> "dlt.Pipeline":
        return dlt.pipeline(
            pipeline_name=f"{platform}_{account}",
            pipelines_dir=str(settings.dlt_dir / "pipelines"),
            destination=dlt.destinations.duckdb(str(settings.warehouse)),
            dataset_name=f"raw_{platform}",
        )

    try:
        made = make()
        if made.has_pending_data:
            land(settings, made, None)
            loaded.finished_earlier = True
    except Exception:
        require_writable(settings)
        shutil.rmtree(settings.dlt_dir / "pipelines" / f"{platform}_{account}", ignore_errors=True)
        loaded.told.append("what an earlier run had left could not be loaded: dropped, and read again")
        made = make()
    return made


class Unreadable(Problem):
    """A warehouse that cannot be opened although nobody holds it."""


def require_writable(settings: Settings) -> None:
    """Raises Problem, naming who holds it, when the warehouse cannot be written."""
    opened(settings).close()


def opened(settings: Settings, patience: float = 5.0, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The warehouse. Raises Problem, naming who holds it, after so many seconds of waiting, and Unreadable when it is
    held by nobody and cannot be opened."""
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


def land(settings: Settings, made: "dlt.Pipeline", source: "DltSource | None", rows: int = 0) -> dict[str, int]:
    """One package, of about so many rows, into raw.

    Returns the rows by table. Raises Problem in words for what dlt reports as a failed step.
    """
    from dlt.pipeline.exceptions import PipelineStepFailed

    try:
        # dlt opens the warehouse a dozen times: each time it was the last to close it, it would be written out whole
        with opened(settings) as held_open:
            if rows >= BULK_ROWS:
                held_open.execute(BULK_SETTINGS)
                if (f"{STORAGE_VERSION}+",) in held_open.execute(_STORAGE_VERSIONS).fetchall():
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


def settings_changed(settings: Settings) -> dict[tuple[str, str], str | None]:
    """The accounts whose settings raw does not hold as they are: (platform, account) and its time zone."""
    held = lookups.accounts(settings.warehouse)
    wanted = {(account.platform, account.name): account.time_zone for account in accounts(settings)}
    return {key: zone for key, zone in wanted.items() if key not in held or held[key] != zone}


def load_settings_table(settings: Settings) -> bool:
    """Raw's copy of what the settings say of accounts, which the models read. Returns whether anything changed."""
    changed = settings_changed(settings)
    if not changed:
        return False
    import pyarrow as pa

    now = dt.datetime.now(dt.UTC)
    table = pa.Table.from_pylist(
        [
            {
                "account_id": hashlib.blake2b("\x1f".join(key).encode(), digest_size=16).hexdigest(),
                "platform": key[0],
                "account": key[1],
                "time_zone": zone,
                "configured_at": now,
            }
            for key, zone in changed.items()
        ],
        schema=pa.schema(
            [
                pa.field("account_id", pa.string(), nullable=False),
                pa.field("platform", pa.string(), nullable=False),
                pa.field("account", pa.string(), nullable=False),
                pa.field("time_zone", pa.string()),
                pa.field("configured_at", pa.timestamp("us", tz="UTC"), nullable=False),
            ]
        ),
    )
    made = pipeline(settings, "boxoffice", "settings", Loaded())
    import dlt

    @dlt.source(name="boxoffice")
    def accounts_source() -> Any:
        return dlt.resource(
            table,
            name="accounts",
            primary_key="account_id",
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        )

    land(settings, made, accounts_source())
    return True


def make_missing_tables(settings: Settings) -> None:
    """The models read the tables of both platforms: where one is not configured they exist and are empty."""
    if not lookups.ticketor_tables_exist(settings.warehouse):
        made = pipeline(settings, "ticketor", "no_site", Loaded())
        from boxoffice.ticketor import planning, source

        land(settings, made, source.ticketor_source(Site("no_site", buffer=""), planning.Package()))
    if not lookups.ticket_tailor_tables(settings.warehouse):
        made = pipeline(settings, "ticket_tailor", "no_box_office", Loaded())
        from boxoffice.ticket_tailor import source as box_office

        land(settings, made, box_office.empty_source())


def set_right(settings: Settings, platform: str, account: str) -> bool:
    """Dates back what raw holds of an account from the future; returns whether there was anything."""
    now = dt.datetime.now(dt.UTC)
    if not lookups.is_ahead(settings.warehouse, platform, account, now):
        return False
    from boxoffice.raw import corrections

    with opened(settings) as db:
        corrections.set_right(db, platform, account, now)
    return True


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    """What is parsed has no cycles: to look for them after every 700 objects takes a tenth of a load's time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class TicketorAccount:
    """One Ticketor site."""

    platform = "ticketor"

    def __init__(self, settings: Settings, site: Site) -> None:
        self.settings, self.site = settings, site
        self.name, self.time_zone = site.name, site.time_zone

    def look(self, options: Reading, _echo: Echo = lambda _line: None) -> Look:
        plan = self._planned(options)
        is_ahead = lookups.is_ahead(self.settings.warehouse, self.platform, self.name, dt.datetime.now(dt.UTC))
        return Look(due=is_ahead or not plan.is_empty, waiting=plan.young, told=plan.told + plan.waiting)

    @_seldom_collecting()
    def load(self, options: Reading, loaded: Loaded, echo: Echo) -> None:
        made = pipeline(self.settings, self.platform, self.name, loaded)
        loaded.set_right = set_right(self.settings, self.platform, self.name)
        from boxoffice.ticketor import source

        plan = self._planned(options)
        loaded.told += plan.told
        progress = now_and_then(echo)
        files, started = 0, time.monotonic()
        for package in plan.packages():
            rows, refused = 0, 0
            if package.records is not None:  # it is gone once it is loaded
                rows, outcomes = len(package.records), package.records["outcome"].to_pylist()
                refused = sum(outcome != "loaded" for outcome in outcomes)
                files += len(package.records["file"].unique())
            loaded.add(land(self.settings, made, source.ticketor_source(self.site, package), rows))
            loaded.refused += refused
            progress(
                f"ticketor {self.name}: {loaded.rows.get('records', 0):,} records from {files:,} of {len(plan.new):,} "
                f"files{left(files, len(plan.new), time.monotonic() - started)}"
            )
        loaded.waiting = plan.young
        loaded.told += plan.waiting
        if plan.unreadable:
            raise Problem(
                f"{len(plan.unreadable)} files or folders could not be read, for example {plan.unreadable[0]}. "
                "All others are loaded; these are tried again by every run."
            )

    def _planned(self, options: Reading) -> "ticketor_planning.Plan":
        from boxoffice.ticketor import planning

        plan = planning.plan(self.site, self.settings.warehouse, sweep=options.sweep)
        if twin := plan.twin(configured={site.name for site in self.settings.sites}):
            raise Problem(
                f"Ticketor site {self.name} has the files that raw holds as those of {twin}, which is not configured "
                f"any more. Nothing of {self.name} was loaded, so nothing counts twice.\n"
                f"If {twin} has got a new name: boxoffice rename-account ticketor {twin} {self.name}"
            )
        return plan


class TicketTailorAccount:
    """One Ticket Tailor box office."""

    platform = "ticket_tailor"

    def __init__(self, settings: Settings, office: BoxOffice) -> None:
        self.settings, self.office = settings, office
        self.name, self.time_zone = office.name, office.time_zone
        self._plan: ticket_tailor_planning.Plan | None = None

    def look(self, options: Reading, echo: Echo = lambda _line: None) -> Look:
        """What is due; what the look has read is not asked for again by the load. ``echo`` hears of long waits."""
        with self._twin_in_words():
            self._plan = self._planned(options, echo)
        is_ahead = lookups.is_ahead(self.settings.warehouse, self.platform, self.name, dt.datetime.now(dt.UTC))
        return Look(due=is_ahead or not self._plan.is_empty, requests=self._plan.requests, told=self._plan.told)

    @_seldom_collecting()
    def load(self, options: Reading, loaded: Loaded, echo: Echo) -> None:
        made = pipeline(self.settings, self.platform, self.name, loaded)
        loaded.set_right = set_right(self.settings, self.platform, self.name)
        from boxoffice.ticket_tailor import coverage, source

        # what the look has read came before what was dated back
        with self._twin_in_words():
            plan = self._plan if self._plan and not loaded.set_right else self._planned(options, echo)
        progress = now_and_then(echo)
        try:
            with self._twin_in_words():
                for package in plan.packages(lambda line: progress(f"ticket_tailor {self.name}: {line}")):
                    rows = sum(map(len, package.rows.values()))
                    loaded.add(land(self.settings, made, source.ticket_tailor_source(self.office, package), rows))
                    loaded.refused = loaded.rows.get("refused", 0)
            if plan.held.rows > coverage.COVERAGE_KEPT:
                with opened(self.settings) as db:
                    coverage.join_coverage(db, self.name, plan.asked_since)
        finally:
            loaded.requests = plan.requests
            loaded.told += plan.told

    @contextlib.contextmanager
    def _twin_in_words(self) -> Iterator[None]:
        """Two names of one box office, told with what to do: it depends on whether both are configured."""
        from boxoffice.ticket_tailor.errors import SameBoxOffice

        try:
            yield
        except SameBoxOffice as same:
            told = f"{same} Nothing of {self.name} was loaded, so nothing counts twice.\n"
            if same.other in {office.name for office in self.settings.box_offices}:
                told += f"Both are configured, with two keys of one box office: remove {self.name} from the settings."
            else:
                told += (
                    f"{same.other} is not configured any more. If it has got a new name: "
                    f"boxoffice rename-account ticket-tailor {same.other} {self.name}"
                )
            raise Problem(told) from None

    def _planned(self, options: Reading, echo: Echo) -> "ticket_tailor_planning.Plan":
        from boxoffice.ticket_tailor import api, planning

        def told(line: str) -> None:
            echo(f"ticket_tailor {self.name}: {line}")

        return planning.look(
            self.office,
            api.Client(self.office.base_url, self.office.api_key, told=told),
            self.settings.warehouse,
            dt.datetime.now(dt.UTC),
            full=options.full,
            span=options.span,
            limit=options.limit,
        )
