"""One Ticket Tailor box office: whether it has anything to load, and the load itself."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from boxoffice.errors import Problem
from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded, Look, Reading, seldom_collecting, set_right
from boxoffice.settings import BoxOffice, Settings
from boxoffice.terminal import now_and_then

if TYPE_CHECKING:
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
        """What is due; what the look has read is not asked for again by the load. ``echo`` hears of long waits."""
        with self._twin_in_words():
            self._plan = self._planned(options, echo)
        is_ahead = contents.is_ahead(self.settings.warehouse, self.platform, self.name, dt.datetime.now(dt.UTC))
        return Look(due=is_ahead or not self._plan.is_empty, requests=self._plan.requests, told=self._plan.told)

    @seldom_collecting()
    def load(self, options: Reading, loaded: Loaded, echo: Echo) -> None:
        made = pipeline.open_pipeline(self.settings, self.platform, self.name, loaded)
        from boxoffice.ticket_tailor import corrections, coverage, source

        loaded.set_right = set_right(self.settings, self.platform, self.name, corrections.set_right)
        # what the look has read came before what was dated back
        with self._twin_in_words():
            plan = self._plan if self._plan and not loaded.set_right else self._planned(options, echo)
        progress = now_and_then(echo)
        try:
            with self._twin_in_words():
                for package in plan.packages(lambda line: progress(f"ticket_tailor {self.name}: {line}")):
                    rows = sum(map(len, package.rows.values()))
                    data = source.ticket_tailor_source(self.office, package)
                    loaded.add(pipeline.load_package(self.settings, made, data, rows))
                    loaded.refused = loaded.rows.get("refused", 0)
            if plan.held.rows > coverage.COVERAGE_KEPT:
                with pipeline.open_warehouse(self.settings) as db:
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

    def _planned(self, options: Reading, echo: Echo) -> "planning.Plan":
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
