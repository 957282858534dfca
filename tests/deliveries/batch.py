"""Many sequences in one warehouse: delivered over rounds, in another order, and built anew; and what came of it."""

import contextlib
import dataclasses
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
from click.testing import CliRunner

from boxoffice.cli import main
from boxoffice.run import run
from boxoffice.settings import BoxOffice, Settings, Site
from boxoffice.warehouse import set_aside
from tests.deliveries import box_offices, checks, ticket_tailor, ticketor
from tests.deliveries.checks import Finding
from tests.deliveries.sequences import ROUNDS, Sequence, numbers_in

ZONES = {
    "kathmandu": "Asia/Kathmandu",
    "newyork": "America/New_York",
    "london": "Europe/London",
    "nowhere": None,
}
FEW = 500  # sequences: they need fewer accounts, each of which takes its time
OTHER_ROUNDS = 2
_FAILED = re.compile(r"^\s*(test|model|seed|snapshot) (\w+): (.*)$", re.MULTILINE)


class Batch:
    """One batch of sequences and the folders it is tried in. ``findings`` fill as it goes on."""

    def __init__(
        self,
        folder: Path,
        sequences: list[Sequence],
        say: Callable[[str], None] = lambda _line: None,
        left_out: frozenset[str] = frozenset(),
        full: bool = True,
        builds_each: bool = True,
    ):
        """``full``: whether the run in the middle reads all of Ticket Tailor, too, and not only what is due.
        ``builds_each``: whether it builds what it loads, too, and does not leave that to the last one."""
        self.folder, self.sequences, self.say, self.left_out = folder, sequences, say, left_out
        self.full, self.builds_each = full, builds_each
        self.findings: list[Finding] = []
        self.files: dict[tuple[str, str], tuple[int, ticketor.File]] = {}
        self.zones = dict(list(ZONES.items())[: 2 if len(sequences) < FEW else len(ZONES)])
        self.account = {
            # two neighbours are of two platforms
            each["number"]: tuple(self.zones)[index // 2 % len(self.zones)]
            for index, each in enumerate(sequences)
        }
        self.has = {each["platform"] for each in sequences}

    def try_all(self, parts: tuple[str, ...] = ("grown", "other", "rebuilt")) -> list[Finding]:
        """Everything, as far as the builds go."""
        with box_offices.BoxOffices() as api:
            self.api = api
            grown = self._grown()
            if grown and "rebuilt" in parts:
                self._rebuilt(grown)
            if grown and "other" in parts:
                self._other(grown)
        # what is set aside is missing everywhere: one finding says so
        aside = {each.number for each in self.findings if ": proof " in each.kind or ": set aside" in each.kind}
        self.findings = [
            each
            for each in self.findings
            if each.number not in aside or ": proof " in each.kind or ": set aside" in each.kind
        ]
        return self.findings

    def published(self, name: str) -> Path:
        """The tables of ``grown``, ``other`` or ``rebuilt``."""
        return self._data(name) / "boxoffice.duckdb"

    def warehouse(self, name: str) -> Path:
        return self._data(name) / "warehouse.duckdb"

    def _data(self, name: str) -> Path:
        return self.folder / name / "data"

    def _settings(self, name: str) -> Settings:
        folder = self.folder / name
        sites, offices = [], []
        for account, zone in self.zones.items():
            if "ticketor" in self.has:
                buffer = folder / "buffer" / account
                buffer.mkdir(parents=True, exist_ok=True)
                sites.append(Site(account, str(buffer), time_zone=zone, settle_seconds=0.0))
            if "ticket_tailor" in self.has:
                offices.append(BoxOffice(account, f"sk_{account}", base_url=self.api.url, time_zone=zone))
        data = self._data(name)
        data.mkdir(parents=True, exist_ok=True)
        (data / "person.key").write_text("5" * 64)
        # however many are set aside, all of them are to be seen
        return Settings(data_dir=data, sites=tuple(sites), box_offices=tuple(offices), set_aside_at_most=10**6)

    def _deliver(self, settings: Settings, due: Callable[[dict[str, Any]], bool]) -> None:
        buffers = {site.name: Path(site.buffer) for site in settings.sites}
        for sequence in self.sequences:
            if sequence["platform"] == "ticketor":
                account = self.account[sequence["number"]]
                for file, content in ticketor.files(sequence):
                    if due(file):
                        ticketor.write(buffers[account], content)
                        self.files[account, content.path] = sequence["number"], content

    def _show(self, settings: Settings, number: int) -> None:
        shown: dict[str, dict[str, list[Any]]] = defaultdict(lambda: {name: [] for name in ticket_tailor.LISTS})
        for office in settings.box_offices:
            shown[office.name]
        for sequence in self.sequences:
            if sequence["platform"] == "ticket_tailor":
                for name, objects in sequence["states"][number].items():
                    shown[self.account[sequence["number"]]][name] += objects
        for account, lists in shown.items():
            self.api.show(f"sk_{account}", lists)

    def _run(self, settings: Settings, where: str, full: bool = True) -> bool:
        """A run; whether it published everything."""
        self.say(f"{where}: run")
        try:
            with _without_tests(self.left_out), self._proofs(where):
                result = run.run(settings, echo=lambda _line: None, full=full)
        except Exception as error:
            self.findings.append(Finding(None, f"{where}: {type(error).__name__}", str(error)))
            return False
        return self._judge(settings, result, where)

    @contextlib.contextmanager
    def _proofs(self, where: str) -> Iterator[None]:
        """Sees every proof that fails, also one that holds once everything is built from nothing."""
        take_named = set_aside.take_named

        def watched(settings: Settings) -> list[set_aside.Order]:
            orders = take_named(settings)
            for order in orders:
                numbers = numbers_in(order.order_id) or {None}
                text = f"{order.account} {order.order_id}: {order.explanation}"
                self.findings.append(Finding(min(numbers), f"{where}: proof {order.proof}", text))
            return orders

        with mock.patch.object(set_aside, "take_named", watched):
            yield

    def _judge(self, settings: Settings, result: run.RunResult, where: str) -> bool:
        self.findings += _account_errors(result, where)
        if result.published and not result.error:
            return True
        if not result.error:
            # nothing new in this round
            return settings.published.exists()
        self.findings += failed(settings, result.error, where)
        return result.published

    def _grown(self) -> Settings | None:
        settings = self._settings("grown")
        for number in range(ROUNDS):
            self._deliver(settings, lambda file, now=number: file["round"] == now)
            self._show(settings, number)
            if number == 1 and not self.builds_each:
                loaded = run.load_only(settings, echo=lambda _line: None, full=self.full)
                self.findings += _account_errors(loaded, "load 2")
            elif not self._run(settings, f"run {number + 1}", full=self.full or number != 1):
                return None
        self.findings += checks.written_is_read(settings.warehouse, self.files, "raw") if self.files else []
        self.findings += checks.invariants(settings.published, self.sequences, "grown")
        self.findings += self._shown(settings)
        return settings

    def _shown(self, settings: Settings) -> Iterator[Finding]:
        """What draws, tells and exports the tables holds whatever stands in them."""
        with duckdb.connect(str(settings.published), read_only=True) as db:
            orders = db.execute("select order_id from marts.fct_orders order by order_key limit 2").fetchall()
            months = db.execute(
                "select strftime(max(sales_on), '%Y-%m') from marts.rpt_daily_sales having max(sales_on) is not null"
            ).fetchall()
        shown = settings.data_dir / "shown"
        shown.mkdir(exist_ok=True)
        for verb in (
            ["report", "--out", str(shown / "report.html")],
            *(["export", "--month", month, "--out", str(shown)] for (month,) in months),
            ["sql", "--format", "csv", "from rpt_reconciliation"],
            *(["explain", order] for (order,) in orders),
        ):
            ran = CliRunner().invoke(main, verb, env={"BOXOFFICE_DATA_DIR": str(settings.data_dir)})
            if ran.exit_code:
                told = f"{verb}: {ran.exit_code}: {ran.output[-800:]} {ran.exception!r}"
                yield Finding(None, f"grown: boxoffice {verb[0]}", told)

    def _other(self, grown: Settings) -> None:
        """The same deliveries in another order and number of runs; of Ticket Tailor only the last state."""
        settings = self._settings("other")
        rounds = 1 if len(self.sequences) < FEW else OTHER_ROUNDS
        for number in range(rounds):
            self._deliver(settings, lambda file, now=number: min(file["other_round"], rounds - 1) == now)
            self._show(settings, ROUNDS - 1)
            if not self._run(settings, f"other run {number + 1}"):
                return
        if "ticketor" in self.has:
            found = checks.differences(grown.published, settings.published, "order of arrival", "ticketor")
            self.findings += found
        if "ticket_tailor" in self.has:
            found = checks.current_state(grown.published, settings.published, self.sequences, "current state")
            self.findings += found
        self.findings += checks.invariants(settings.published, self.sequences, "other")

    def _rebuilt(self, grown: Settings) -> None:
        """From the same raw in one build, in a folder of its own."""
        settings = dataclasses.replace(grown, data_dir=self._data("rebuilt"))
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(grown.person_key_file, settings.person_key_file)
        with duckdb.connect(str(settings.warehouse)) as db:
            db.execute(f"attach '{grown.warehouse}' as old (read_only)")
            for schema, table in db.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'old' "
                "and schema_name like 'raw%'"
            ).fetchall():
                db.execute(f'create schema if not exists "{schema}"')
                db.execute(f'create table "{schema}"."{table}" as from old."{schema}"."{table}"')
        self.say("rebuild")
        try:
            with _without_tests(self.left_out), self._proofs("rebuild"):
                result = run.transform_only(settings, echo=lambda _line: None)
        except Exception as error:
            self.findings.append(Finding(None, f"rebuild: {type(error).__name__}", str(error)))
            return
        if self._judge(settings, result, "rebuild"):
            self.findings += checks.differences(grown.published, settings.published, "grown and rebuilt")


def _account_errors(result: run.RunResult, where: str) -> Iterator[Finding]:
    for account in result.accounts:
        if account.error:
            yield Finding(None, f"{where}: account", f"{account.account}: {account.error}")


@contextlib.contextmanager
def _without_tests(names: frozenset[str]) -> Iterator[None]:
    """Leaves tests out whose failures are known, so that a search goes on behind them."""
    from dbt.cli.main import dbtRunner

    invoke = dbtRunner.invoke
    if names:
        extra = ["--exclude", *sorted(names)]
        dbtRunner.invoke = lambda self, args, **options: invoke(self, [*args, *extra], **options)
    try:
        yield
    finally:
        dbtRunner.invoke = invoke


def failed(settings: Settings, error: str, where: str) -> list[Finding]:
    """What a build that failed says, test by test, with the sequences its rows name."""
    found: list[Finding] = []
    with duckdb.connect(str(settings.warehouse), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        owners: checks.Owners | None = None
        for kind, name, message in _FAILED.findall(error):
            rows: list[tuple[Any, ...]] = []
            for path in (settings.data_dir / "dbt" / "compiled").rglob(f"{name}.sql"):
                try:
                    rows = db.execute(f"from ({path.read_text().rstrip().rstrip(';')}) limit 500").fetchall()
                except duckdb.Error as problem:
                    message += f" ({problem})"
            owners = owners or checks.Owners(db, ("warehouse",))
            told: dict[int | None, str] = {}
            for row in rows:
                told.setdefault(owners.of(row), str(row))
            for number, text in (told or {None: message}).items():
                found.append(Finding(number, f"{where}: {kind} {name}", f"{message[:200]} | {text}"))
    return found or [Finding(None, f"{where}: build", error)]


def summary(findings: list[Finding]) -> Iterator[str]:
    for kind, count in Counter(each.kind for each in findings).most_common():
        example = next(each for each in findings if each.kind == kind)
        yield f"{count:5} {kind} (sequence {example.number}): {example.text[:300]}"
