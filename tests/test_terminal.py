"""What a person sees: tables that fit and are whole in a pipe, colour on a terminal only, how long it still takes."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from dbt.events import types
from rich.console import Console

from boxoffice import terminal
from boxoffice.run.run import AccountResult
from boxoffice.warehouse import build
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_broken, write_webhooks
from sandbox.venue import Venue
from tests.test_cli import boxoffice
from tests.worlds import Worlds

ROWS = [("ticket_tailor sandbox_hall", "1,234", "a reason that is rather long and may well take several lines of it")]


def drawn(width: int) -> list[str]:
    out = Console(file=StringIO(), width=width)
    terminal.table(out, "Title", ["account", ">records", "why…"], ROWS)
    return out.file.getvalue().splitlines()


def on_a_terminal(width: int, *arguments: str, data: Path, **variables: str) -> str:
    """What the command prints on a terminal so many characters wide."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, width))
    environ = {"PATH": os.environ["PATH"], "HOME": str(data), "BOXOFFICE_DATA_DIR": str(data), "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", "boxoffice.cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ | variables,
    ):
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    return shown.decode()


def test_names_and_numbers_are_never_folded_while_there_is_room() -> None:
    for width in (60, 80, 200, 10_000):
        lines = drawn(width)
        assert all(len(line) <= width for line in lines)
        row = next(line for line in lines if line.startswith("ticket_tailor"))
        assert row.startswith("ticket_tailor sandbox_hall ") and " 1,234 a" in re.sub(" +", " ", row)
        assert lines == [line.rstrip() for line in lines]
    assert len(drawn(200)) == len(drawn(10_000)) == 4
    assert len(drawn(60)) > 4


def test_a_rule_in_a_file_is_short_and_what_a_load_brought_too() -> None:
    out = Console(file=StringIO(), width=10_000)
    terminal.table(out, "", ["account", "new…"], [["arena", "x" * 300]])
    _, rule, row = out.file.getvalue().splitlines()
    assert rule == "─" * 100 and row.endswith("x" * 300)
    news = {"issued_tickets": 5265, "orders": 1999, "check_ins": 943, "events": 348, "holds": 3}
    assert AccountResult("ticket_tailor", "hall", news).news_text == (
        "5,265 issued_tickets, 1,999 orders, 943 check_ins, 351 in 2 other tables"
    )
    assert AccountResult("ticketor", "hall", {"a": 2, "b": 1}).news_text == "2 a, 1 b"


def test_status_is_coloured_on_a_terminal_and_whole_in_a_pipe(worlds: Worlds, tmp_path: Path) -> None:
    reason = "a reason as long as a sentence, which says what was wrong with what came, and where in it"
    for path in (worlds.settings.published, worlds.settings.runs_file):
        shutil.copyfile(path, tmp_path / path.name)
    with duckdb.connect(str(tmp_path / worlds.settings.published.name)) as db:
        db.execute(
            "insert into marts.refused_records by name select 'key' as refused_record_key, 'ticketor' as platform, "
            "'arena' as account, 'file' as file, ? as reason, now() as refused_at, current_date as refused_on",
            [reason],
        )
    shown = on_a_terminal(80, "status", data=tmp_path)
    assert "\x1b[1m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    for table in ("Last runs", "Accounts"):
        assert table in plain
    for venue in worlds.venues:
        assert re.search(rf"ticket(or|_tailor) {venue.account} ", plain)
    piped = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", "status"],
        env={"PATH": os.environ["PATH"], "BOXOFFICE_DATA_DIR": str(tmp_path), "COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "\x1b" not in piped
    assert re.search(rf"^ *1 +1 +\d{{4}}-\d\d-\d\d \d\d:\d\d +ticketor arena +{re.escape(reason)}$", piped, re.M)


HOSTILE = "a\x1b]0;PWN\x07b\x1b[35mc\x9b2Jd\u202ee\x7ff\bg\rh"
SHOWN = r"a\u001b]0;PWN\u0007b\u001b[35mc\u009b2Jd\u202ee\u007ff\u0008g\u000dh"


def test_nothing_from_outside_reaches_the_terminal_as_a_command(worlds: Worlds, tmp_path: Path) -> None:
    """Every verb that prints what a platform, a file's name or a setting says."""
    for path in (worlds.settings.published, worlds.settings.runs_file):
        shutil.copyfile(path, tmp_path / path.name)
    with duckdb.connect(str(tmp_path / worlds.settings.published.name)) as db:
        db.execute("use boxoffice.marts")
        [(key,)] = db.execute(
            "select order_key from fct_orders where tickets_count > 0 and platform = 'ticketor' limit 1"
        ).fetchall()
        for table, columns in {
            "fct_orders": ["promotion_code", "order_type"],
            "fct_tickets": ["ticket_type", "section"],
            "dim_events": ["event_name"],
            "fct_payments": ["method"],
        }.items():
            db.execute(f"update {table} set {', '.join(f'{column} = $1' for column in columns)}", [HOSTILE])
        db.execute(
            "insert into refused_records by name select 'key' as refused_record_key, 'ticketor' as platform, "
            "'arena' as account, $1 as file, $1 as reason, now() as refused_at, current_date as refused_on",
            [HOSTILE],
        )
    buffer = tmp_path / HOSTILE
    for arguments in (
        ["explain", key],
        ["explain", HOSTILE],
        ["settle", HOSTILE],
        ["status"],
        ["shows", "suggest"],
        ["report", "--out", str(tmp_path / "none" / HOSTILE / "x.html")],
        ["restore", HOSTILE],
        *(
            ["sql", "--format", form, "from refused_records where account = 'arena'"]
            for form in ("table", "csv", "json")
        ),
        ["sql", f"from '{HOSTILE}'"],
        ["load"],
        ["load", "--log-format", "json"],
    ):
        data = tmp_path / "new" if "load" in arguments else tmp_path
        printed = on_a_terminal(200, *arguments, data=data, TICKETOR_BUFFER=str(buffer))
        ours = re.sub(r"\x1b\[(?!35m)[0-9;]*m", "", printed).replace("\r\n", "\n")
        assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]", ours), (arguments, ours)
        if arguments in (["explain", key], ["settle", HOSTILE], ["status"], ["load"]):
            assert SHOWN in ours, (arguments, ours)
    assert json.loads(f'"{terminal.shown(HOSTILE)}"') == HOSTILE, "what is JSON means the same"


@pytest.mark.parametrize("form", ["text", pytest.param("json", marks=pytest.mark.house)])
def test_a_runs_summary_tells_each_account(tmp_path: Path, form: str) -> None:
    venue = Venue(1, orders=20)
    written = write_webhooks(venue, tmp_path / "buffer")
    broken = len(write_broken(venue, tmp_path / "buffer"))
    with TicketTailorApi(venue) as api:
        ran = boxoffice(
            tmp_path,
            *("load", "--log-format", form),
            TICKETOR_BUFFER=str(tmp_path / "buffer"),
            TICKET_TAILOR_API_KEY="refused",  # at once, where an address that is none is tried again
            TICKET_TAILOR_BASE_URL=api.url,
        )
    assert ran.returncode == 1
    records = f"{written + broken} records"
    if form == "json":
        told = [json.loads(line)["message"] for line in ran.stderr.splitlines()]
        assert f"ticketor main: {records}" in told
        assert told[-1].startswith("failed in ")
    else:
        assert re.search(rf"^ticketor main +loaded +{broken} +\d+\.\d +{records}$", ran.stderr, re.M)
        assert re.search(r"^ticket_tailor main +failed +0 +\d+\.\d +nothing new$", ran.stderr, re.M)
        assert ran.stderr.splitlines()[-1].endswith("for details: boxoffice status")
    [run] = [json.loads(line) for line in (tmp_path / "data" / "runs.jsonl").read_text().splitlines()]
    assert [one["refused"] for one in run["accounts"]] == [broken, 0]


def test_a_build_tells_how_far_it_is_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = [100.0], []
    monkeypatch.setattr(build.time, "monotonic", lambda: clock[0])
    progress = build.Progress(told.append)

    def event(name: str, **data: int) -> None:
        progress(SimpleNamespace(info=SimpleNamespace(name=name), data=SimpleNamespace(**data)))

    clock[0] += 30  # dbt reads the project
    event("ConcurrencyLine", node_count=40)
    for _ in range(40):
        clock[0] += 1
        event("LogModelResult")
    assert told[0] == "5 of 40 models and tests, about 35 seconds left"
    assert len(told) == 8
    assert told[-1] == "40 of 40 models and tests"
    assert {getattr(types, name).__name__ for name in build.RESULTS} == {*build.RESULTS}


def test_what_is_left_is_told_once_there_is_a_pace() -> None:
    assert terminal.left(10, 100, 1.0) == ""
    assert terminal.left(0, 100, 60.0) == ""
    assert terminal.left(10, 100, 60.0) == ", about 9 minutes left"
    assert terminal.left(100, 100, 60.0) == ""
    assert [terminal.duration(seconds) for seconds in (3, 600, 7200, 900_000)] == [
        "3 seconds",
        "10 minutes",
        "2.0 hours",
        "10 days",
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_and_options(tmp_path: Path, shell: str) -> None:
    """bash by pressing Tab, so to speak; of the others only that there is a script."""
    command = tmp_path / "boxoffice"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m boxoffice.cli "$@"\n')
    command.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(*line: str) -> str:
        return subprocess.run(line, env=environ, capture_output=True, text=True, check=True).stdout

    script = run("boxoffice", "completion", shell)
    assert "_BOXOFFICE_COMPLETE" in script
    if shell == "bash":
        tab = (
            'eval "$(boxoffice completion bash)"; COMP_CWORD=%d; _boxoffice_completion boxoffice; echo ${COMPREPLY[*]}'
        )
        verbs = ["receive", "report", "restore", "rebuild", "rename-account"]
        assert run("bash", "-c", "COMP_WORDS=(boxoffice re); " + tab % 1).split() == verbs
        assert "--full" in run("bash", "-c", "COMP_WORDS=(boxoffice run --f); " + tab % 2).split()
