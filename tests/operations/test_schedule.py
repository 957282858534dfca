"""What `boxoffice schedule` prints, read by those it is meant for; the page for orchestrators, run as it stands."""

import contextlib
import dataclasses
import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.cli import main, runs
from boxoffice.errors import ConfigProblem
from boxoffice.run import lock, marker, resident, run_log, schedule
from boxoffice.run.run import RunResult
from boxoffice.settings import ROOT, Settings
from boxoffice.warehouse import build, dbt_project
from tests.operations.house import House

EVERY = [1, 15, 30, 60, 120, 720]
PAGE = (ROOT / "docs" / "orchestrators.md").read_text()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data of the house")


def called(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_the_line_for_cron_runs_as_cron_runs_it(settings: Settings, tmp_path: Path) -> None:
    """sh, next to no environment, in the home folder; before the first run there is no folder for the log."""
    [line] = [line for line in schedule.cron(settings).splitlines() if not line.startswith("#")]
    clock, command = line.split("  ", 1)
    assert len(clock.split()) == 5
    ran = called(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TICKETOR_BUFFER": str(tmp_path / "no such folder")},
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
    assert "no such folder" in (settings.logs / "cron.log").read_text()
    assert settings.runs_file.exists()
    for private in (settings.data_dir, settings.logs, settings.logs / "cron.log"):
        assert private.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("minutes", EVERY)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (Debian: package systemd)")
def test_systemd_accepts_service_and_timer(settings: Settings, minutes: int, tmp_path: Path) -> None:
    printed = schedule.systemd(settings, minutes)
    units = re.split(r"^# ~/\.config/systemd/user/(\S+)\n", printed, flags=re.MULTILINE)[1:]
    files = []
    for name, text in zip(units[::2], units[1::2], strict=True):
        files.append(tmp_path / name)
        files[-1].write_text(text)
    assert [path.name for path in files] == ["boxoffice.service", "boxoffice.timer"]
    verified = called(["systemd-analyze", "verify", "--man=no", *map(str, files)])
    assert verified.returncode == 0, verified.stderr
    assert not [line for line in verified.stderr.splitlines() if "boxoffice" in line]


@pytest.mark.parametrize("minutes", EVERY)
def test_github_accepts_the_workflow(settings: Settings, minutes: int, tmp_path: Path) -> None:
    workflow = tmp_path / "boxoffice.yml"
    workflow.write_text(schedule.github_actions(settings, minutes))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    checked = called([*command, str(workflow)])
    assert checked.returncode == 0, checked.stdout
    workflow.write_text(workflow.read_text().replace("runs-on", "run-on"))
    assert called([*command, str(workflow)]).returncode == 1


def test_the_report_by_mail_is_tried_until_it_is_sent(settings: Settings, tmp_path: Path) -> None:
    [_, line] = [line for line in schedule.cron(settings, report="weekly").splitlines() if not line.startswith("#")]
    clock, command = line.split("  ", 1)
    assert clock == "7 7-22 * * *"
    ran = called(["/bin/sh", "-c", command], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
    assert "No mail server is set" in (settings.logs / "cron.log").read_text()

    workflow = tmp_path / "boxoffice.yml"
    workflow.write_text(schedule.github_actions(settings, report="weekly"))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow)]
    assert called(command).returncode == 0
    assert "boxoffice report --mail --weekly" in workflow.read_text()

    printed = schedule.systemd(settings, report="weekly")
    units = re.split(r"^# ~/\.config/systemd/user/(\S+)\n", printed, flags=re.MULTILINE)[1:]
    assert units[4::2] == ["boxoffice-report.service", "boxoffice-report.timer"]
    if shutil.which("systemd-analyze"):
        for name, text in zip(units[::2], units[1::2], strict=True):
            (tmp_path / name).write_text(text)
        files = [str(tmp_path / name) for name in units[::2]]
        verified = called(["systemd-analyze", "verify", "--man=no", *files])
        assert verified.returncode == 0 and "boxoffice" not in verified.stderr, verified.stderr


@pytest.mark.parametrize("form", schedule.FORMS)
@pytest.mark.parametrize("minutes", [45, 90, 7, 660])
def test_what_no_clock_can_say_is_refused(form: str, minutes: int, settings: Settings) -> None:
    with pytest.raises(ConfigProblem, match=f"Every {minutes} minutes"):
        schedule.FORMS[form](settings, minutes)


def until(seen: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not seen():
        assert process.poll() is None
        time.sleep(0.1)


def test_every_looks_itself_and_works_in_a_child_which_ends_with_it(house: House) -> None:
    settings = house.settings()
    settings.person_key_file.write_text("")  # no build is needed to see it: this one fails at once
    marker.write(settings, swept_at=dt.datetime.now(dt.UTC).isoformat(), unbuilt=[])
    working, runs = house.folder / "working", settings.runs_file.read_text().count("\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "boxoffice.cli", "run", "--every", "1s"],
        cwd=ROOT,
        env=house.environment(settings)
        | {f"TICKETOR__SITES__{settings.sites[0].name.upper()}__QUIET_AFTER": "36500d"}
        | {"BOXOFFICE__ON_FAILURE": f"echo $$ > {working}; exec sleep 600"},
    )
    try:
        until(lambda: settings.runs_file.read_text().count("\n") > runs, process)
        assert run_log.last_runs(settings, 1)[0]["outcome"] == "idle"
        house.go_on(24)
        until(lambda: working.exists() and working.read_text() != "", process)
        child = int((settings.data_dir / "lock").read_text())
        assert child != process.pid
        if Path("/proc/self/cmdline").exists():  # forked: another call has arguments of its own
            assert Path(f"/proc/{child}/cmdline").read_bytes() == Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM
        with lock.lock(settings), duckdb.connect(str(settings.warehouse), read_only=True) as db:
            [(loads,)] = db.execute("select count(distinct _dlt_load_id) from raw_ticketor.records").fetchall()
        assert loads == 2
    finally:
        process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(working.read_text()), signal.SIGKILL)


def child(kind: str, code: str) -> subprocess.Popen[bytes] | resident.Forked:
    if kind == "forked":
        return resident.Forked(lambda: exec(code))
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.parametrize("kind", ["forked", "called"])
def test_a_child_that_is_killed_is_told_and_one_that_hangs_is_not_waited_for(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    runs._wait_for(child(kind, "import os; os.kill(os.getpid(), 9)"), print)
    assert "ended by signal 9" in capfd.readouterr().out
    assert child(kind, "import sys; sys.exit(75)").wait() == 75

    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(lock, "HANGS_AFTER", dt.timedelta(seconds=0.1))
    runs._wait_for(child(kind, code), print)
    while not pid.exists() or not pid.read_text():
        time.sleep(0.1)
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_another_text_of_the_program_is_noticed_and_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_project, "DBT_PROJECT", tmp_path)
    model = tmp_path / "models" / "marts" / "one.sql"
    model.parent.mkdir(parents=True)
    model.write_text("select 1 as one")
    texts = [dbt_project.text_of_program()]
    assert dbt_project.text_of_program() == texts[0]
    model.write_text("select 2 as one")
    texts.append(dbt_project.text_of_program())
    model.with_name("two.yml").write_text("version: 2")
    texts.append(dbt_project.text_of_program())
    assert len(set(texts)) == 3

    seen = tmp_path / "seen"
    monkeypatch.setattr(
        sys, "orig_argv", ["python", "-c", f"import os; open({str(seen)!r}, 'w').write(str(os.getpid()))"]
    )
    child = resident.Forked(resident.begin_again)
    assert child.wait() == 0
    assert int(seen.read_text()) == child.pid


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_verbs_on_the_page_for_orchestrators_exist() -> None:
    verbs = re.findall(r"boxoffice (\w+)", "\n".join(blocks("sh") + blocks("python")))
    verbs += re.findall(r'boxoffice\("(\w+)"\)', PAGE)
    assert len(verbs) >= 6
    assert set(verbs) <= set(main.commands)
    for block in blocks("python"):
        compile(block, "orchestrators.md", "exec")


def test_what_runs_did_can_be_asked_though_a_kill_cut_a_line_short(house: House) -> None:
    settings = house.settings()
    with settings.runs_file.open("a") as runs:
        runs.write('{"verb": "run", "started_at": "2026-')
    failed = RunResult("load", dt.datetime.now(dt.UTC), dt.datetime.now(dt.UTC), error="a wrong key")
    run_log.record(settings, dataclasses.asdict(failed))
    [query] = re.findall(r'^boxoffice sql --files "(.*?)"$', "\n".join(blocks("sh")), flags=re.MULTILINE | re.DOTALL)
    query = query.replace("data/", f"{settings.data_dir}/")
    asked = house.boxoffice(settings, "sql", "--files", "--format", "json", query)
    [told] = json.loads(asked.stdout)
    assert (told["verb"], told["error"]) == ("load", "a wrong key")
    assert told["versions"]["duckdb"] == duckdb.__version__
    assert "+00" in told["started_at"]


@pytest.mark.parametrize(
    ("load", "transform", "called", "fails"),
    [
        (0, 0, "load transform", False),
        (1, 0, "load transform", True),
        (0, 1, "load transform", True),
        (75, 0, "load", False),
        (2, 0, "load", True),
    ],
)
def test_the_job_for_dagster_does_what_the_table_says(
    load: int, transform: int, called: str, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failure(Exception):
        def __init__(self, words: str, allow_retries: bool = True) -> None: ...

    dagster = types.SimpleNamespace(Failure=Failure, Out=lambda *_, **__: None, Output=lambda value: value)
    dagster.op = lambda *function, **_: function[0] if function else lambda function: function
    dagster.job = dagster.ScheduleDefinition = lambda *_, **__: None
    monkeypatch.setitem(sys.modules, "dagster", dagster)
    program = tmp_path / ".venv" / "bin" / "boxoffice"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $1 >> calls\n[ $1 = load ] && exit {load}\nexit {transform}\n")
    program.chmod(0o700)
    [sample] = [block for block in blocks("python") if "dagster" in block]
    names: dict[str, Any] = {}
    exec(compile(sample.replace("/srv/boxoffice", str(tmp_path)), "orchestrators.md", "exec"), names)
    with pytest.raises(Failure) if fails else contextlib.nullcontext():
        for loaded in names["load"]():
            names["transform"](loaded)
    assert (tmp_path / "calls").read_text().split() == called.split()


def test_the_calls_on_the_page_for_orchestrators_do_what_it_says(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in house.environment(house.settings()).items():
        monkeypatch.setenv(name, value)
    house.go_on(24)
    # what the calls do, and not what a build does
    monkeypatch.setattr(build, "transform", lambda *_, **_named: build.Built())
    before = house.settings().published.stat().st_mtime_ns
    [ours] = [block for block in blocks("python") if "load_only" in block]
    exec(compile(ours, "orchestrators.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "done done True"
    middle = house.settings().published.stat().st_mtime_ns
    [theirs] = [block for block in blocks("python") if "publish.publish" in block]
    exec(compile(theirs, "orchestrators.md", "exec"), {})
    assert before < middle < house.settings().published.stat().st_mtime_ns
