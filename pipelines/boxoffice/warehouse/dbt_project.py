"""The dbt project: the only place that calls dbt, in this process, and the project as dbt has parsed it.

Reading the project takes dbt as long as building little, also where it has read it before. So the parsed project is
kept in a file beside dbt's own, for as long as no file of the program has changed.
"""

import contextlib
import dataclasses
import gc
import hashlib
import importlib.util
import logging
import os
import pickle
import sysconfig
from pathlib import Path
from typing import Any

from boxoffice import atomic_file
from boxoffice.settings import DBT_PROJECT, PACKAGE, Settings
from boxoffice.warehouse import shortcuts, templates

# of this process: the text that it was parsed from, and dbt's manifest
_parsed: tuple[str, Any] | None = None


def call(settings: Settings, verb: str, *words: str, **runner: Any) -> Any:
    """What dbt's own runner returns; nothing is printed, the log is in the data folder."""
    shortcuts.before_import()
    from dbt.cli.main import dbtRunner

    # read by profiles.yml and the macros; set here so that a working directory elsewhere makes no second warehouse
    os.environ["BOXOFFICE_DATA_DIR"] = str(settings.data_dir)
    os.environ["BOXOFFICE_MEMORY_LIMIT"] = settings.memory_limit or memory_limit()
    for stray in ("DBT_PROFILES_DIR", "DBT_PROJECT_DIR", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        os.environ.pop(stray, None)
    # a log that cannot be written (a full disk) is no reason to spill tracebacks on the terminal
    logging.raiseExceptions = False
    here = Path.cwd()
    # ready_to_build reads the models' text by relative paths
    os.chdir(DBT_PROJECT)
    # what dbt makes lives until it ends: looking through it for what does not is a twentieth of a small build
    gc.disable()
    try:
        with (
            templates.kept(templates_file(settings), text_of_program()),
            shortcuts.taken(known=runner.get("manifest") is not None),
        ):
            return dbtRunner(**runner).invoke(
                [
                    "--quiet",
                    "--no-use-colors",
                    # the file log is enough; each further line costs, and so do 3 MB of manifest
                    "--log-level=none",
                    "--log-level-file=info",
                    "--no-write-json",
                    f"--log-path={settings.logs}",
                    verb,
                    f"--project-dir={DBT_PROJECT}",
                    f"--profiles-dir={DBT_PROJECT}",
                    f"--target-path={_target(settings)}",
                    *words,
                ]
            )
    finally:
        gc.enable()
        os.chdir(here)
        let_go()


def keep_parsed(settings: Settings) -> None:
    """The next build of this process, or of one forked from it, takes the project as it is now."""
    global _parsed
    text = text_of_program()
    if manifest := _from_file(settings, text) or _parse(settings, text):
        _parsed = text, manifest


def warm_up(settings: Settings) -> None:
    """Lets dbt do now what it does in its first call alone, with the project that was kept."""
    if _parsed:
        call(settings, "parse", manifest=_parsed[1])


def is_parsed() -> bool:
    return _parsed is not None


def take_parsed(settings: Settings) -> Any:
    """For one build, as dbt leaves in it what is true of that build alone. None if dbt cannot parse the project, which
    the build then says."""
    global _parsed
    text = text_of_program()
    (known, manifest), _parsed = _parsed or (None, None), None
    return manifest if known == text else _from_file(settings, text) or _parse(settings, text)


def compile_macros() -> None:
    """Of the parsed project, as dbt does and keeps them when they are called first."""
    from dbt_common.clients.jinja import template_cache

    for macro in _parsed[1].macros.values() if _parsed else []:
        template_cache.get_node_template(macro)


def text_of_program() -> str:
    """A hash over which files the dbt project, this package and what is installed beside it are made of, when each was
    changed, and the version of Python's bytecode."""
    text = hashlib.blake2b(importlib.util.MAGIC_NUMBER, digest_size=16)
    paths = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml", Path(sysconfig.get_path("purelib"))]
    for folder in ("models", "macros", "seeds", "tests/data"):
        paths += sorted((DBT_PROJECT / folder).rglob("*.*"))
    paths += sorted(PACKAGE.rglob("*.py"))
    for path in paths:
        if path.exists():
            stat = path.stat()
            text.update(f"{path} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return text.hexdigest()


def parsed_file(settings: Settings) -> Path:
    return _target(settings) / "project.pickle"


def templates_file(settings: Settings) -> Path:
    return _target(settings) / "templates.marshal"


def memory_limit() -> str:
    """6 GB, or what DuckDB takes by itself where that is less: four fifths of the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5
    return f"{min(machine, 6 * 10**9) // 10**6}MB"


def let_go() -> None:
    """dbt-duckdb keeps its connection for the process's life; publish needs to open the file another way."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if environment := DuckDBConnectionManager._ENV:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


def _target(settings: Settings) -> Path:
    return settings.data_dir / "dbt"


def _from_file(settings: Settings, text: str) -> Any:
    # it may be absent, cut short, or of classes that dbt no longer has; pickle runs what it reads, so who wrote it is
    # looked at before
    with contextlib.suppress(Exception), parsed_file(settings).open("rb") as file:
        if file.readline() == f"{text}\n".encode():
            shortcuts.before_import()
            from dbt.contracts.graph.manifest import Manifest

            return Manifest(**pickle.load(file))
    return None


def _parse(settings: Settings, text: str) -> Any:
    result = call(settings, "parse")
    if not result.success:
        return None
    # what dbt has made of these, it makes again; a pickled manifest confuses them (Manifest.__reduce_ex__ of 1.11)
    fields = [field.name for field in dataclasses.fields(result.result) if not field.name.startswith("_")]
    with atomic_file.whole(parsed_file(settings), 0o600) as file:
        file.write(f"{text}\n".encode())
        pickle.dump({name: getattr(result.result, name) for name in fields}, file)
    return result.result
