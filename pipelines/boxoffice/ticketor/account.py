"""One Ticketor site: whether it has anything to load, and the load itself."""

import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from boxoffice.errors import Problem
from boxoffice.raw import contents, pipeline
from boxoffice.raw.account import Loaded, Look, Reading, seldom_collecting, set_right
from boxoffice.settings import Settings, Site
from boxoffice.terminal import left, now_and_then

if TYPE_CHECKING:
    from boxoffice.raw.planning import Plan

Echo = Callable[[str], None]


class TicketorAccount:
    """One Ticketor site."""

    platform = "ticketor"

    def __init__(self, settings: Settings, site: Site) -> None:
        self.settings, self.site = settings, site
        self.name, self.time_zone = site.name, site.time_zone

    def look(self, options: Reading, _echo: Echo = lambda _line: None) -> Look:
        plan = self._planned(options)
        is_ahead = contents.is_ahead(self.settings.warehouse, self.platform, self.name, dt.datetime.now(dt.UTC))
        return Look(due=is_ahead or not plan.is_empty, waiting=plan.young, messages=plan.messages + plan.waiting)

    @seldom_collecting()
    def load(self, options: Reading, loaded: Loaded, echo: Echo) -> None:
        made = pipeline.open_pipeline(self.settings, self.platform, self.name, loaded)
        from boxoffice.ticketor import corrections, source

        loaded.set_right = set_right(self.settings, self.platform, self.name, corrections.set_right)
        plan = self._planned(options)
        loaded.messages += plan.messages
        progress = now_and_then(echo)
        files, started = 0, time.monotonic()
        for package in plan.packages():
            rows, refused = 0, 0
            if package.records is not None:  # it is gone once it is loaded
                rows, outcomes = len(package.records), package.records["outcome"].to_pylist()
                refused = sum(outcome != "loaded" for outcome in outcomes)
                files += len(package.records["file"].unique())
            loaded.add(pipeline.load_package(self.settings, made, source.ticketor_source(self.site, package), rows))
            loaded.refused += refused
            progress(
                f"ticketor {self.name}: {loaded.rows.get('records', 0):,} records from {files:,} of {len(plan.new):,} "
                f"files{left(files, len(plan.new), time.monotonic() - started)}"
            )
        loaded.waiting = plan.young
        loaded.messages += plan.waiting
        if problem := plan.unreadable_problem:
            raise problem

    def _planned(self, options: Reading) -> "Plan":
        from boxoffice.ticketor import buffer

        with contents.reading(self.settings.warehouse):  # opened once for all that a plan asks
            plan = buffer.plan(self.site, self.settings.warehouse, sweep=options.sweep)
            twin = plan.twin(configured={site.name for site in self.settings.sites})
        if twin:
            raise Problem(
                f"Ticketor site {self.name} has the files that raw holds as those of {twin}, which is not configured "
                f"any more. Nothing of {self.name} was loaded, so nothing counts twice.\n"
                f"If {twin} was renamed: boxoffice rename-account ticketor {twin} {self.name}"
            )
        return plan
