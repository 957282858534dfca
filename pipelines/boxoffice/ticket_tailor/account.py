"""One Ticket Tailor box office: whether it has anything to load, and the load itself."""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from boxoffice.errors import Problem
from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded, Look, Reading, seldom_collecting, set_right
from boxoffice.settings import BoxOffice, Settings
from boxoffice.terminal import now_and_then
from boxoffice.ticket_tailor import buffer

if TYPE_CHECKING:
    from dlt import Pipeline

    from boxoffice.raw import planning as raw_planning
    from boxoffice.ticket_tailor import planning

Echo = Callable[[str], None]


class TicketTailorAccount:
    """One Ticket Tailor box office."""

    platform = "ticket_tailor"

    def __init__(self, settings: Settings, office: BoxOffice) -> None:
        self.settings, self.office = settings, office
        self.name, self.time_zone = office.name, office.time_zone
        self._plan: planning.Plan | None = None

    def look(self, options: Reading, echo: Echo = lambda _line: None) -> Look:
        """What is due; the load does not read again what the look has read. ``echo`` is called for long waits."""
        with self._twin_explained():
            self._plan = self._planned(options, echo)
        due = not self._plan.is_empty or contents.is_ahead(
            self.settings.warehouse, self.platform, self.name, dt.datetime.now(dt.UTC)
        )
        look = Look(due=due, requests=self._plan.requests, messages=self._plan.messages)
        if self.office.buffer:
            try:
                webhooks = self._webhooks(options)
            except Problem:
                if not due:  # otherwise the load says so, once it has read the lists
                    raise
            else:
                look = dataclasses.replace(
                    look,
                    due=due or not webhooks.is_empty,
                    waiting=webhooks.young,
                    messages=look.messages + webhooks.messages + webhooks.waiting,
                    newest_webhook=buffer.newest(self.settings.warehouse, self.name),
                )
        return look

    @seldom_collecting()
    def load(self, options: Reading, loaded: Loaded, echo: Echo) -> None:
        made = pipeline.open_pipeline(self.settings, self.platform, self.name, loaded)
        from boxoffice.ticket_tailor import corrections, coverage, source

        loaded.set_right = set_right(self.settings, self.platform, self.name, corrections.set_right)
        unreadable = self._load_webhooks(made, options, loaded) if self.office.buffer else None
        # what the look has read came before what was dated back
        with self._twin_explained():
            plan = self._plan if self._plan and not loaded.set_right else self._planned(options, echo)
        progress = now_and_then(echo)
        try:
            with self._twin_explained():
                for package in plan.packages(lambda line: progress(f"ticket_tailor {self.name}: {line}")):
                    rows = sum(map(len, package.rows.values()))
                    data = source.ticket_tailor_source(self.office, package)
                    loaded.add(pipeline.load_package(self.settings, made, data, rows))
                    loaded.refused += len(package.refused)
            if plan.held.rows > coverage.COVERAGE_KEPT:
                with pipeline.open_warehouse(self.settings) as db:
                    coverage.join_coverage(db, self.name, plan.asked_since)
        finally:
            loaded.requests = plan.requests
            loaded.messages += plan.messages
        if unreadable:
            raise unreadable

    def _load_webhooks(self, made: "Pipeline", options: Reading, loaded: Loaded) -> Problem | None:
        """Loads what is new in the buffer. Returns what kept some of it from being read: the lists are read all the
        same, since they hold everything."""
        from boxoffice.ticket_tailor import source

        try:
            plan = self._webhooks(options)
        except Problem as problem:
            return problem
        for package in plan.packages():
            rows = 0
            if package.records is not None:  # it is gone once it is loaded
                rows = len(package.records)
                loaded.refused += sum(each != "loaded" for each in package.records["outcome"].to_pylist())
            loaded.add(pipeline.load_package(self.settings, made, source.webhooks_source(self.office, package), rows))
        loaded.waiting += plan.young
        loaded.messages += plan.messages + plan.waiting
        loaded.newest_webhook = buffer.newest(self.settings.warehouse, self.name)
        return plan.unreadable_problem

    def _webhooks(self, options: Reading) -> "raw_planning.Plan":
        return buffer.plan(self.office, self.settings.warehouse, sweep=options.sweep)

    @contextlib.contextmanager
    def _twin_explained(self) -> Iterator[None]:
        """Raises two names of one box office as a Problem that says what to do, which depends on what is configured."""
        from boxoffice.ticket_tailor.errors import SameBoxOffice

        try:
            yield
        except SameBoxOffice as same:
            message = f"{same} Nothing of {self.name} was loaded, so nothing counts twice.\n"
            if same.other in {office.name for office in self.settings.box_offices}:
                message += (
                    f"Both are configured, with two keys of one box office: remove {self.name} from the settings."
                )
            else:
                message += (
                    f"{same.other} is not configured any more. If it was renamed: "
                    f"boxoffice rename-account ticket-tailor {same.other} {self.name}"
                )
            raise Problem(message) from None

    def _planned(self, options: Reading, echo: Echo) -> "planning.Plan":
        from boxoffice.ticket_tailor import api, planning

        def named(line: str) -> None:
            echo(f"ticket_tailor {self.name}: {line}")

        return planning.look(
            self.office,
            api.Client(self.office.base_url, self.office.api_key, clock=options.clock, echo=named),
            self.settings.warehouse,
            options.clock(),
            full=options.full,
            span=options.span,
            limit=options.limit,
        )
