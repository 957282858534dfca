"""Raw to marts: the only place that calls dbt, in this process, after dlt has let go of the warehouse."""

import dataclasses
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.durable import put_in_place
from pipelines.errors import Problem
from pipelines.settings import ROOT, Settings
from pipelines.terminal import left, now_and_then

Echo = Callable[[str], None]

TELL_EVERY = 5.0  # seconds


@dataclasses.dataclass
class Built:
    """What one build did; ``warned`` are the names of tests that found something a person may want to look at."""

    models: int = 0
    tests: int = 0
    warned: list[str] = dataclasses.field(default_factory=list)


def transform(settings: Settings, echo: Echo, changed: set[str] | None = None, *, start_over: bool = False) -> Built:
    """Builds and tests every model, or with ``changed`` those that hang on the raw data of these platforms.

    ``start_over`` makes all tables anew, whatever they hold. Raises Problem with what failed; marts already published
    stay as they are.
    """
    make_person_key(settings.person_key_file)
    # read by profiles.yml and the macros; set here so that a working directory elsewhere makes no second warehouse
    os.environ["BOXOFFICE_DATA_DIR"] = str(settings.data_dir)
    for stray in ("DBT_PROFILES_DIR", "DBT_PROJECT_DIR", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        os.environ.pop(stray, None)
    from dbt.cli.main import dbtRunner

    built, failed = Built(), []
    apart = changed and "boxoffice" not in changed

    progress = Progress(echo)

    # a log that cannot be written (a full disk) is no reason to spill tracebacks on the terminal
    logging.raiseExceptions = False
    here = Path.cwd()
    try:
        result = dbtRunner(callbacks=[progress]).invoke(
            [
                "--quiet",
                "--no-use-colors",
                # the file log tells the story; each line more that nobody reads costs, and so do 3 MB of manifest
                "--log-level=none",
                "--log-level-file=info",
                "--no-write-json",
                f"--log-path={settings.logs}",
                "build",
                # they test the models' text, not the data: `make test` and a bare `dbt build` run them
                "--exclude-resource-type=unit_test",
                f"--project-dir={ROOT}",
                f"--profiles-dir={ROOT}",
                f"--target-path={settings.data_dir / 'dbt'}",
                *(["--full-refresh"] if start_over else []),
                # other settings touch everything
                *(["--select", *(f"source:raw_{platform}+" for platform in sorted(changed))] if apart else []),
            ]
        )
    finally:
        os.chdir(here)
        _let_go()

    for node in getattr(result.result, "results", None) or []:
        kind, name, status = node.node.resource_type, node.node.name, str(node.status)
        built.tests += kind in ("test", "unit_test")
        built.models += kind == "model" and status == "success"
        if status == "warn":
            built.warned.append(name)
        elif status in ("error", "fail", "runtime error"):
            failed.append(f"{kind} {name}: {' '.join(str(node.message or '').split())[:400]}")
    if failed or not result.success:
        told = "\n".join(f"  {line}" for line in failed[:10]) or f"  {result.exception}"
        raise Problem(
            f"dbt could not build the marts: {len(failed) or 'every one'} failed.\n{told}\n"
            "Raw holds all that was loaded; what was published before stays as it is. "
            f"The whole story is in {settings.logs / 'dbt.log'}; `dbt build --full-refresh` repeats it."
        )
    return built


class Progress:
    """Tells how far dbt is, every few seconds."""

    def __init__(self, echo: Echo) -> None:
        self.echo = self.tell = echo
        self.done, self.total, self.started = 0, 0, 0.0

    def __call__(self, event: Any) -> None:
        if event.info.name == "ConcurrencyLine":
            self.total, self.started = event.data.node_count, time.monotonic()
            self.tell = now_and_then(self.echo, TELL_EVERY)
        elif event.info.name == "NodeFinished":
            self.done += 1
            taken = time.monotonic() - self.started
            self.tell(f"{self.done} of {self.total} models and tests{left(self.done, self.total, taken)}")


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


def _let_go() -> None:
    """dbt-duckdb keeps its connection for the process's life; publish needs to open the file another way."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if environment := DuckDBConnectionManager._ENV:
        environment.close()
    DuckDBConnectionManager.close_all_connections()
