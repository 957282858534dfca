"""Raw to marts: builds and proves the models, after dlt has let go of the warehouse."""

import dataclasses
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from boxoffice.atomic_file import put_in_place
from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.terminal import left, now_and_then
from boxoffice.warehouse import dbt_project, set_aside

Echo = Callable[[str], None]

REPORT_EVERY = 5.0  # seconds
PLATFORMS = ("ticketor", "ticket_tailor")
# what holds rows: a view is made again only where the project's text has changed, and then everything is built
HOLDING = ("touched", "upserted", "whole")
# dbt's events of what has been built
RESULTS = ("LogModelResult", "LogSeedResult", "LogTestResult")
# each layer may name other orders, and every attempt names more of them
MOST_ATTEMPTS = 8


@dataclasses.dataclass
class Built:
    """What a build did; ``warned`` are the names of findings that a person may want to look at."""

    models: int = 0
    tests: int = 0
    warned: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Attempt(Built):
    """One call of dbt. ``failed`` says what went wrong; so many ``proofs`` did not hold."""

    failed: list[str] = dataclasses.field(default_factory=list)
    proofs: int = 0


def transform(settings: Settings, echo: Echo, changed: set[str] | None = None, *, start_over: bool = False) -> Built:
    """Builds and proves every model, or with ``changed`` those made of the sources ``raw_…`` of these names.

    Orders that a proof names are set aside, and the rest is built and proved without them. ``start_over`` makes all
    tables from nothing, whatever they hold. Raises Problem with what failed where no order is named, or too many are;
    marts already published stay as they are.
    """
    make_person_key(settings.person_key_file)
    # other settings touch everything
    apart = changed if changed and "boxoffice" not in changed else None

    known = set_aside.release(settings, apart or PLATFORMS)
    aside: dict[tuple[str, str, str], set_aside.Order] = {}
    for _ in range(MOST_ATTEMPTS):
        attempt = _build(settings, echo, apart, start_over)
        if not attempt.failed:
            set_aside.refuse_too_many(settings)
            return attempt
        try:
            news = {order.key: order for order in set_aside.take_named(settings)} if attempt.proofs else {}
        except set_aside.NamesNone as error:
            attempt.failed.append(str(error))
            news = {}
        if not news.keys() - aside.keys():
            break
        if news.keys() <= known or start_over:
            aside |= news
            set_aside.refuse_too_many(settings, len(aside))
            set_aside.put(settings, news.values())
            echo(f"{len(aside):,} orders break a proof: building the rest without them")
        else:
            # what grew may be wrong where what is built from nothing is right: only that says which orders break it
            start_over = True
            echo(f"{len(news):,} orders break a proof: building everything from raw")
    failures = "\n".join(f"  {line}" for line in attempt.failed[:10])
    raise Problem(
        f"dbt could not build the marts: {len(attempt.failed)} failed.\n{failures}\n"
        "Raw holds all that was loaded; what was published before stays as it is. "
        f"Details: {settings.logs / 'dbt.log'}; `dbt build --full-refresh` repeats it."
    )


def _build(settings: Settings, echo: Echo, apart: set[str] | None, start_over: bool) -> _Attempt:
    attempt = _Attempt()
    result = dbt_project.call(
        settings,
        "build",
        # they test the models' text, not the data: `make test` and a bare `dbt build` run them
        "--exclude-resource-type=unit_test",
        # they build nothing
        "--exclude-resource-type=exposure",
        *(["--full-refresh"] if start_over else []),
        *(["--select", *_downstream(apart)] if apart else []),
        callbacks=[Progress(echo)],
        manifest=dbt_project.take_parsed(settings),
    )

    for outcome in getattr(result.result, "results", None) or []:
        node, status = outcome.node, str(outcome.status)
        attempt.tests += node.resource_type == "test"
        attempt.models += node.resource_type == "model" and status == "success"
        if status == "warn":
            attempt.warned.append(node.name)
        elif status in ("error", "fail", "runtime error"):
            attempt.failed.append(
                f"{node.resource_type} {node.name}: {' '.join(str(outcome.message or '').split())[:400]}"
            )
            attempt.proofs += status == "fail" and "proofs" in node.fqn
    if not result.success and not attempt.failed:
        attempt.failed.append(str(result.exception))
    return attempt


def _downstream(platforms: set[str]) -> Iterator[str]:
    for platform in sorted(platforms):
        for materialized in HOLDING:
            yield f"source:raw_{platform}+,config.materialized:{materialized}"


class Progress:
    """Reports what our macros log for a person, and how far dbt is, every few seconds."""

    def __init__(self, echo: Echo) -> None:
        self.echo = self.report = echo
        self.done, self.total, self.started = 0, 0, 0.0

    def __call__(self, event: Any) -> None:
        if event.info.name == "ConcurrencyLine":
            self.total, self.started = event.data.node_count, time.monotonic()
            self.report = now_and_then(self.echo, REPORT_EVERY)
        elif event.info.name in RESULTS:
            self.done += 1
            taken = time.monotonic() - self.started
            self.report(f"{self.done} of {self.total} models and tests{left(self.done, self.total, taken)}")
        elif event.info.name == "JinjaLogInfo":
            self.echo(event.data.msg)


def make_person_key(path: Path) -> None:
    """The secret behind person_key, made once: losing it changes every person_key, nothing else."""
    if path.exists():
        if not path.read_text().strip():
            raise Problem(
                f"{path} is empty: it is the secret behind every person_key. Put it back from a backup; or remove it, "
                "and a new one is made with which every person_key changes."
            )
        return
    fresh = path.with_name(f".{path.name}.new")
    with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(secrets.token_hex(32))
    # in one move: a kill must not leave a secret of no length, which every later run would take for the secret
    put_in_place(fresh, path)
