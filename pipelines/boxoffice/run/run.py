"""One run: lock, look, load each account, transform, publish, record.

A run that finds nothing new ends after the look, and has imported neither dlt nor dbt.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import stat
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from boxoffice import redaction
from boxoffice.errors import Busy, ConfigProblem, Problem
from boxoffice.raw import closes, contents, pipeline
from boxoffice.raw.account import NOTES, Loaded, Reading
from boxoffice.run import accounts, alerts, cleanup, disk, interruption, lock, marker, run_log
from boxoffice.run.accounts import Account
from boxoffice.settings import Settings
from boxoffice.ticket_tailor.endpoints import OF_NO_ORDER
from boxoffice.warehouse import build, build_process, publish, query, seeds

Echo = Callable[[str], None]

SWEEP_EVERY = dt.timedelta(days=1)
TABLES_SHOWN = 3  # of what an account's load brought
NOTHING_TO_BUILD = "no account could be read, and nothing has been loaded before: nothing was built or published"


@functools.cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("duckdb", "dlt", "dbt-core", "dbt-duckdb")}


@dataclasses.dataclass
class AccountResult:
    """What a run did for one account.

    ``news`` counts new raw rows by table, ``refused`` those not let in, ``waiting`` the files too young to be read;
    ``error`` and ``messages`` are for the user. ``newest_webhook``: when a box office's newest one was received (UTC).
    """

    platform: str
    account: str
    news: dict[str, int] = dataclasses.field(default_factory=dict)
    refused: int = 0
    waiting: int = 0
    requests: int = 0
    seconds: float = 0.0
    messages: list[str] = dataclasses.field(default_factory=list)
    error: str | None = None
    newest_webhook: dt.datetime | None = None

    @property
    def news_text(self) -> str:
        """The largest numbers, and how many rows the other tables have together: `runs.jsonl` has each."""
        counts = [f"{count:,} {table}" for table, count in self.news.items()]
        if len(counts) > TABLES_SHOWN + 1:
            rest = list(self.news.values())[TABLES_SHOWN:]
            counts[TABLES_SHOWN:] = [f"{sum(rest):,} in {len(rest)} other tables"]
        return ", ".join(counts) or "nothing new"


@dataclasses.dataclass
class RunResult:
    """One line of runs.jsonl. ``outcome`` is idle, done, failed or interrupted; or due, which is not written down.
    Times are UTC.

    ``set_aside`` is a sentence on the orders that the published tables lack. ``on_failure`` is why the user's own
    command or address could not be reached, if that was tried.
    """

    verb: str
    started_at: dt.datetime
    ended_at: dt.datetime | None = None
    outcome: str = "failed"
    accounts: list[AccountResult] = dataclasses.field(default_factory=list)
    models_built: int = 0
    tests_passed: int = 0
    warned: list[str] = dataclasses.field(default_factory=list)
    published: bool = False
    set_aside: str | None = None
    error: str | None = None
    on_failure: str | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    boxoffice: str = version("boxoffice")
    versions: dict[str, str] = dataclasses.field(default_factory=_versions)

    @property
    def exit_code(self) -> int:
        return 1 if self.outcome == "failed" else 0

    @contextlib.contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(self.seconds.get(step, 0) + time.monotonic() - start, 3)


def run(settings: Settings, *, echo: Echo, only_look: bool = False, **reading: Any) -> RunResult:
    """Everything: load what is new, build and test the marts, publish.

    ``reading`` are the options of Reading: full, span, limit, clock. With ``only_look`` a run that has anything to do
    leaves it and says so by its outcome, due. Raises ConfigProblem (nothing was run) and
    Busy (another run is under way); what goes wrong in one account, the build or publishing is in the result.
    """
    with _recorded(settings, "run", echo) as result:
        _refuse_a_missing_warehouse(settings)
        marked = marker.read(settings)
        options = Reading(sweep=_sweep_due(marked, result.started_at), **reading)
        due, settled = accounts.configured(settings), False
        if not settings.warehouse.exists() and not only_look:
            # the first run of all: what is wrong with an account is known before dlt is imported
            with result.timed("look"):
                due = [account for account in due if _is_due(settings, account, options, result, echo)]
            if all(account.error for account in result.accounts) and not due:
                echo(NOTHING_TO_BUILD)
                _judge(result)
                return result
        elif marked and not options.full:
            # opened once: what a look asks costs less than opening the file for it
            with result.timed("look"), contents.reading(settings.warehouse):
                due = [account for account in due if _is_due(settings, account, options, result, echo)]
                settled = not due and not accounts.settings_changed(settings)
        unbuilt, result.set_aside = set(marked.get("unbuilt", [])), marked.get("set_aside")
        if only_look and not settled:
            result.outcome = "due"
            return result
        if not settled:
            marker.remove(settings)
            with build_process.beside(settings, echo) as transform:
                changed, touched = _load(settings, result, due, options, echo)
                unbuilt |= touched
                if not settings.published.exists() and _nothing_is_held(settings, result):
                    echo(NOTHING_TO_BUILD)
                    _judge(result)
                    return result
                if changed or not marked:
                    # with the marker true, all else is built: what depends on nothing that changed stays as it is
                    _build(settings, result, echo, unbuilt if marked else None, transform)
                    unbuilt = set()
        if (not settled or options.sweep) and not result.error:
            swept_all = options.sweep and not any(account.error for account in result.accounts)
            swept_at = result.started_at.isoformat() if swept_all else marked.get("swept_at")
            marker.write(settings, swept_at=swept_at, unbuilt=sorted(unbuilt), set_aside=result.set_aside)
        if settings.published.exists() and stat.S_IMODE(settings.published.stat().st_mode) != settings.published_mode:
            settings.published.chmod(settings.published_mode)
        _judge(result)
    return result


def load_only(settings: Settings, *, echo: Echo, **reading: Any) -> RunResult:
    """Raw only: the marts stay as they are until the next transform or run."""
    with _recorded(settings, "load", echo) as result:
        _refuse_a_missing_warehouse(settings)
        marker.remove(settings)
        _load(settings, result, accounts.configured(settings), Reading(sweep=True, **reading), echo)
        _judge(result)
    return result


def transform_only(settings: Settings, *, echo: Echo) -> RunResult:
    """Builds, tests and publishes from what raw holds; asks no platform."""
    if not settings.warehouse.exists():
        raise ConfigProblem(
            f"{settings.warehouse} does not exist: there is nothing to transform yet. First: boxoffice run"
        )
    with _recorded(settings, "transform", echo) as result:
        marker.remove(settings)
        closes.make_tables(settings)
        _build(settings, result, echo)
        _judge(result)
    return result


def add_close(
    settings: Settings, verb: str, decide: Callable[[], tuple[closes.Close, str]], *, echo: Echo
) -> RunResult:
    """Adds what ``decide`` returns, a close and a subquery of the published file with its rows, to raw; then builds and
    publishes what depends on it. What ``decide`` raises has changed nothing, and does not count as a failed run."""
    with _recorded(settings, verb, echo) as result:
        result.outcome = "due"
        if not (marked := marker.read(settings)):
            raise Problem("The tables are not those of the last run. Nothing was closed. First: boxoffice run")
        close, rows = decide()
        result.outcome = "failed"
        disk.require_room(settings)
        marker.remove(settings)
        with result.timed("load"), query.open_published(settings) as db:
            closes.add(settings, close, db, rows)
        _build(settings, result, echo, {"closes"})
        if not result.error:
            del marked["files"]
            marker.write(settings, **marked)
        _judge(result)
    return result


def rebuild(
    settings: Settings,
    verb: str,
    prepare: Callable[[RunResult], contextlib.AbstractContextManager[bool]],
    *,
    echo: Echo,
) -> RunResult:
    """Builds everything again, under one lock.

    ``prepare`` puts a warehouse in place and says whether it lacks anything, which is then read from the beginning; the
    marts are built and published in any case but that some of it was not read.
    """
    with _recorded(settings, verb, echo) as result, prepare(result) as lacks:
        if lacks:
            _load(settings, result, accounts.configured(settings), Reading(sweep=True, full=True), echo)
        _build(settings, result, echo)
        _judge(result)
    return result


def load_beside(settings: Settings, dataset: str, land: Callable[[RunResult], bool], *, echo: Echo) -> RunResult:
    """Loads what is of no account into a dataset of its own, then builds and publishes what depends on it alone.

    ``land`` adds to the result, and returns whether raw has changed. After a kill the next run builds everything.
    """
    with _recorded(settings, dataset, echo) as result:
        disk.require_room(settings)
        marked = marker.read(settings)
        result.set_aside = marked.get("set_aside")
        marker.remove(settings)
        with result.timed("load"):
            pipeline.require_writable(settings)
            has_changed = land(result)
        if has_changed or not marked:
            _build(settings, result, echo, {dataset, *marked.get("unbuilt", [])} if marked else None)
            marked = marked | {"unbuilt": [], "set_aside": result.set_aside} if marked else {}
        if marked and not result.error:
            del marked["files"]
            marker.write(settings, **marked)
        _judge(result)
    return result


@contextlib.contextmanager
def _recorded(settings: Settings, verb: str, echo: Echo) -> Iterator[RunResult]:
    """The lock around a run and its line in runs.jsonl, whatever becomes of it."""
    with contextlib.ExitStack() as held:
        try:
            if verb in ("run", "load"):
                settings.require_accounts()
            if verb != "load":
                seeds.check()
            _refuse_mixing_with_the_sandbox(settings)
            lock.make_data_dir(settings, echo)
            held.enter_context(lock.privately())
            held.enter_context(lock.lock(settings))
        except Problem as problem:
            refused(settings, verb, problem)
            raise
        held.enter_context(interruption.noticed())
        result = RunResult(verb, started_at=dt.datetime.now(dt.UTC))
        try:
            try:
                yield result
            finally:
                interruption.check()
        except KeyboardInterrupt:
            result.outcome, result.error = "interrupted", None
            raise
        except Exception as error:
            result.error = _message(settings, result, error)
            if disk.is_full(error):
                raise disk.problem(settings) from None
            if isinstance(error, Problem):
                raise
            raise Problem(f"{result.error}\nDetails: {settings.logs / 'errors.log'}") from error
        except BaseException as stopped:
            result.error = type(stopped).__name__
            raise
        finally:
            # a clock that is set meanwhile makes no run of negative length
            result.ended_at = max(dt.datetime.now(dt.UTC), result.started_at)
            if result.outcome != "due":
                try:
                    _alarm(settings, result)
                finally:
                    with interruption.held_back():
                        _write_down(settings, result)


def refused(settings: Settings, verb: str, problem: Problem) -> None:
    """Reports to the user's command or address why nothing was run; of another run under way only if that one hangs."""
    if isinstance(problem, Busy) and not problem.hangs:
        return
    now = dt.datetime.now(dt.UTC)
    result = RunResult(verb, started_at=now, ended_at=now, error=str(problem))
    _alarm(settings, result)
    if result.on_failure:
        problem.args = (f"{problem}\n{result.on_failure}",)


def _is_due(settings: Settings, account: Account, options: Reading, result: RunResult, echo: Echo) -> bool:
    """Whether there is anything to load. An account that cannot even be looked at is reported here and not loaded."""
    try:
        look = account.look(options, echo)
    except Exception as error:
        interruption.check()
        message = _message(settings, result, error)
        echo(f"{account.platform} {account.name}: {message}")
        result.accounts.append(AccountResult(account.platform, account.name, error=message))
        return False
    if not look.due:
        seen = {"requests": look.requests, "waiting": look.waiting, "messages": look.messages}
        seen["newest_webhook"] = look.newest_webhook
        result.accounts.append(AccountResult(account.platform, account.name, **seen))
    return look.due


def _load(
    settings: Settings, result: RunResult, due: list[Account], options: Reading, echo: Echo
) -> tuple[set[str], set[str]]:
    """Loads what is due, each account on its own.

    Returns the platforms of which raw holds news that call for a build (``boxoffice`` is our own settings,
    ``ticket_tailor_lists`` what no order depends on), and those of which it holds anything new at all, if only that a
    list was read.
    """
    changed, touched = set(), set()
    disk.require_room(settings)
    with result.timed("load"):
        pipeline.require_writable(settings)
        if accounts.load_settings_table(settings):
            changed.add("boxoffice")
        for account in due:
            done = AccountResult(account.platform, account.name)
            result.accounts.append(done)
            loaded, started = Loaded(), time.monotonic()
            try:
                account.load(options, loaded, echo)
            except Exception as error:  # whatever it is, the other accounts are loaded
                interruption.check()
                if disk.is_full(error):
                    raise
                done.error = _message(settings, result, error)
                echo(f"{account.platform} {account.name}: {done.error}")
            finally:
                done.news, done.refused = loaded.news, loaded.refused
                done.requests, done.waiting, done.messages = loaded.requests, loaded.waiting, loaded.messages
                done.newest_webhook = loaded.newest_webhook
                done.seconds = round(time.monotonic() - started, 3)
            interruption.check()
            if loaded.news or loaded.finished_earlier or loaded.set_right:
                changed.add(account.platform)
            lists_changed = OF_NO_ORDER & loaded.news.keys() or loaded.finished_earlier or loaded.set_right
            if account.platform == "ticket_tailor" and lists_changed:
                changed.add("ticket_tailor_lists")
            if any(loaded.rows.values()):
                touched.add(account.platform)
        accounts.make_missing_tables(settings)
    if not (options.span or options.limit or any(account.error for account in result.accounts)):
        settings.rebuilding.unlink(missing_ok=True)
    return changed, touched | changed


def _nothing_is_held(settings: Settings, result: RunResult) -> bool:
    """Whether every account failed and raw has no record of any."""
    if not all(account.error for account in result.accounts):
        return False
    with pipeline.open_warehouse(settings, read_only=True) as db:
        tables = db.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name <> 'raw_boxoffice' "
            "and schema_name like 'raw%' and not starts_with(table_name, '_dlt')"
        ).fetchall()
        return not any(
            db.execute(f'from {schema}."{table}" limit 1').fetchone() for schema, table in tables if table not in NOTES
        )


def _build(
    settings: Settings,
    result: RunResult,
    echo: Echo,
    changed: set[str] | None = None,
    transform: build_process.Transform | None = None,
) -> None:
    """Builds, tests and publishes: everything, or what is downstream of the platforms that ``changed``."""
    transform = transform or functools.partial(build.transform, settings, echo)
    if settings.rebuilding.exists():
        result.error = (
            "Nothing was built or published: raw was rebuilt, and not all that it lacks has been read again. "
            f"{settings.published.name} stays as it is until a run has read all configured accounts: boxoffice run"
        )
        return
    try:
        disk.require_room(settings)
        if changed is None or "closes" in changed:
            closes.require_whole(settings)
            for line in closes.write_files(settings):
                echo(line)
        with publish.CopyAhead(settings) if changed else contextlib.nullcontext() as ahead, result.timed("transform"):
            echo("building and testing the marts")
            built = transform(changed, start_over=marker.was_changed_outside(settings))
        marker.forget(settings)
        result.models_built, result.tests_passed, result.warned = built.models, built.tests, built.warned
        with result.timed("publish"):
            echo("publishing")
            published = publish.publish(settings, dt.datetime.now(dt.UTC), ahead)
        result.published, result.set_aside = True, published.missing
        if published.not_ours:
            echo(
                f"{settings.published.name} is not the file that was published last (changed, moved or restored, or "
                "the run that put it there was killed): all of it is new"
            )
        echo(f"published {published.tables} tables in {settings.published}")
        if changed is None or changed & {"boxoffice", "closes"}:
            with query.open_published(settings) as db:
                if sentence := closes.moved_by_rules(db):
                    echo(sentence)
    except Exception as error:
        result.error = _message(settings, result, error)


def _message(settings: Settings, result: RunResult, error: BaseException) -> str:
    """The message of a failure; one that was not foreseen goes to errors.log with its traceback."""
    if isinstance(error, Problem) and not disk.is_full(error):
        return redaction.without(str(error), settings.secrets)
    with contextlib.suppress(OSError), (settings.logs / "errors.log").open("a") as log:
        where = redaction.without("".join(traceback.format_exception(error)), settings.secrets)
        log.write(f"{result.started_at} {where}\n")
    if disk.is_full(error):
        return str(disk.problem(settings))
    return redaction.without(f"{type(error).__name__}: {error}", settings.secrets)


def _alarm(settings: Settings, result: RunResult) -> None:
    """Calls the user's command or address; whatever comes of that, the run is what it was."""
    if not settings.on_failure or result.outcome == "interrupted":  # who stopped it knows
        return
    try:
        alerts.tell(settings, dataclasses.asdict(result))
    except Exception as error:
        result.on_failure = _message(settings, result, error)


def _write_down(settings: Settings, result: RunResult) -> None:
    try:
        run_log.record(settings, dataclasses.asdict(result))
        if result.outcome != "idle":
            cleanup.tidy(settings)
    except OSError as error:
        result.error = result.error or f"The run could not be written down in {settings.runs_file}: {error.strerror}."
        _judge(result)


def _judge(result: RunResult) -> None:
    failed = result.error or result.set_aside or any(account.error for account in result.accounts)
    busy = result.published or any(account.news for account in result.accounts)
    result.outcome = "failed" if failed else "done" if busy else "idle"


def _sweep_due(marked: dict[str, Any], now: dt.datetime) -> bool:
    """Once a day every folder is listed, whatever its modification time says; also after anything unusual."""
    swept_at = marked.get("swept_at")
    return not swept_at or abs(now - dt.datetime.fromisoformat(swept_at)) >= SWEEP_EVERY


def _refuse_mixing_with_the_sandbox(settings: Settings) -> None:
    sandbox = settings.data_dir / "sandbox"
    if not (sandbox / "state.json").exists():
        return
    real = [f"ticketor {site.name}" for site in settings.sites if not site.buffer.startswith(str(sandbox))]
    real += [
        f"ticket_tailor {office.name}"
        for office in settings.box_offices
        if urlsplit(office.base_url).hostname != "127.0.0.1"
    ]
    if real:
        raise ConfigProblem(
            f"{settings.data_dir} holds the demo's made-up sales, and {', '.join(real)} in your settings "
            f"{'are real accounts' if len(real) > 1 else 'is a real account'}: they are never mixed. Nothing was run.\n"
            f"Remove {settings.data_dir}, or set BOXOFFICE_DATA_DIR to another folder."
        )


def _refuse_a_missing_warehouse(settings: Settings) -> None:
    """Where something was published there was a warehouse: without it, only what platforms still show would be."""
    if settings.published.exists() and not settings.warehouse.exists():
        raise Problem(
            f"{settings.warehouse} is gone. Nothing was run, and {settings.published.name} stays as it is.\n"
            "With a backup: boxoffice restore FILE. Without one: boxoffice rebuild, which reads what can still be read "
            f"and says what is missing. To start from nothing: remove {settings.published}."
        )
