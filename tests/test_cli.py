"""The command as a user meets it: what it says, what it keeps, its exit codes; never a traceback."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from boxoffice.run import lock
from boxoffice.settings import Settings
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor_webhooks import write_broken, write_webhooks
from sandbox.venue import Venue
from tests.worlds import Worlds

VENUE = Venue(1, orders=20)


def boxoffice(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "BOXOFFICE_DATA_DIR": str(folder / "data")}
    ran = subprocess.run(
        [sys.executable, "-m", "boxoffice.cli", *arguments],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in ran.stderr
    return ran


def held(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(folder / "data" / "warehouse.duckdb"), read_only=True) as db:
        return db.execute(query).fetchall()


def test_nothing_configured_says_what_to_set(tmp_path: Path) -> None:
    ran = boxoffice(tmp_path, "run")
    assert ran.returncode == 2
    assert "TICKETOR_BUFFER" in ran.stderr
    assert "TICKET_TAILOR_API_KEY" in ran.stderr
    assert not (tmp_path / "data").exists()


def test_a_wrong_key_stops_its_account_and_no_other(tmp_path: Path) -> None:
    write_webhooks(VENUE, tmp_path / "buffer")
    with TicketTailorApi(VENUE) as api:
        ran = boxoffice(
            tmp_path,
            "load",
            TICKETOR_BUFFER=str(tmp_path / "buffer"),
            TICKET_TAILOR_API_KEY="sk_wrong",
            TICKET_TAILOR_BASE_URL=api.url,
        )
    assert ran.returncode == 1
    assert "key" in ran.stderr
    assert "sk_wrong" not in ran.stderr
    [(records,)] = held(tmp_path, "select count(*) from raw_ticketor.records where outcome = 'loaded'")
    assert records > 20
    assert held(tmp_path, "select count(*) from raw_ticket_tailor.orders") == [(0,)], "the table exists, and is empty"


def test_a_buffer_that_is_not_there_and_a_broken_file_among_good_ones(tmp_path: Path) -> None:
    with TicketTailorApi(VENUE) as api:
        variables = {"TICKET_TAILOR_API_KEY": api.key, "TICKET_TAILOR_BASE_URL": api.url}
        ran = boxoffice(tmp_path, "load", TICKETOR_BUFFER=str(tmp_path / "buffer"), **variables)
        assert ran.returncode == 1
        assert str(tmp_path / "buffer") in ran.stderr
        assert held(tmp_path, "select count(*) from raw_ticket_tailor.orders") == [(20,)]

        written = write_webhooks(VENUE, tmp_path / "buffer")
        broken = write_broken(VENUE, tmp_path / "buffer")
        ran = boxoffice(tmp_path, "load", TICKETOR_BUFFER=str(tmp_path / "buffer"), **variables)
    assert ran.returncode == 0, ran.stderr
    outcomes = dict(held(tmp_path, "select outcome = 'loaded', count(*) from raw_ticketor.records group by all"))
    assert outcomes[True] == written
    assert outcomes[False] >= 1
    assert broken


def test_asking_before_anything_was_published(tmp_path: Path) -> None:
    for arguments in (["sql", "select 1"], ["status"], ["transform"]):
        ran = boxoffice(tmp_path, *arguments)
        assert ran.returncode in (1, 2)
        assert "boxoffice run" in ran.stderr + ran.stdout


def test_real_accounts_are_not_mixed_into_the_demo(tmp_path: Path) -> None:
    (tmp_path / "data" / "sandbox").mkdir(parents=True)
    (tmp_path / "data" / "sandbox" / "state.json").write_text("{}")
    ran = boxoffice(tmp_path, "run", TICKET_TAILOR_API_KEY="sk_real")
    assert ran.returncode == 2
    assert "made-up" in ran.stderr


def test_an_unknown_verb_or_option(tmp_path: Path) -> None:
    assert boxoffice(tmp_path, "runn").returncode == 2
    assert boxoffice(tmp_path, "run", "--every", "soon").returncode == 2
    assert boxoffice(tmp_path, "run", "--every", "99999999999d").returncode == 2
    assert boxoffice(tmp_path, "run", "--since", "soon", TICKET_TAILOR_API_KEY="k").returncode == 2


def test_a_damaged_file_is_told_in_words(tmp_path: Path, worlds: Worlds) -> None:
    published = tmp_path / "data" / "boxoffice.duckdb"
    published.parent.mkdir()
    whole = worlds.settings.published.read_bytes()
    for damaged in (b"no database", whole[: 2**14] + bytes(len(whole) - 2**15) + whole[-(2**14) :]):
        published.write_bytes(damaged)
        for arguments in (["sql", "from fct_tickets"], ["status"]):
            ran = boxoffice(tmp_path, *arguments)
            assert ran.returncode == 1
            assert "boxoffice transform" in ran.stderr


def test_errors_are_json_too_where_that_is_asked_for(tmp_path: Path) -> None:
    def told(*arguments: str, **variables: str) -> tuple[int, list[str]]:
        ran = boxoffice(tmp_path, *arguments, **variables)
        return ran.returncode, [json.loads(line)["message"] for line in ran.stderr.splitlines()]

    settings = Settings(tmp_path / "data")
    lock.make_data_dir(settings, print)
    with lock.lock(settings):
        for arguments in (["--log-format", "json", "run"], ["run", "--log-format", "json"]):
            code, [message] = told(*arguments, TICKETOR_BUFFER=str(tmp_path / "buffer"))
            assert (code, "Another run" in message) == (75, True)
    code, [message] = told("load", "--log-format", "json")
    assert (code, "TICKETOR_BUFFER" in message) == (2, True)
    code, [message] = told("--log-format", "json", "restore", __file__)
    assert code == 1


@pytest.fixture
def published(worlds: Worlds, tmp_path: Path) -> Path:
    """A folder whose data folder is that of the worlds."""
    (tmp_path / "data").symlink_to(worlds.settings.data_dir)
    return tmp_path


QUERY = (
    "select platform, count(*) as orders, sum(total_amount) as total from fct_orders where currency = 'KWD' group by 1"
)


def test_sql_as_csv_and_json_exactly(published: Path, worlds: Worlds) -> None:
    with worlds.open() as db:
        expected = {platform: (orders, str(total)) for platform, orders, total in db.execute(QUERY).fetchall()}
    as_csv = boxoffice(published, "sql", "--format", "csv", QUERY)
    told = {row["platform"]: (int(row["orders"]), row["total"]) for row in csv.DictReader(io.StringIO(as_csv.stdout))}
    assert told == expected
    as_json = boxoffice(published, "sql", "--format", "json", QUERY)
    told = {row["platform"]: row["orders"] for row in json.loads(as_json.stdout)}
    assert told == {platform: orders for platform, (orders, _) in expected.items()}


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "＋1",
    "－1",
    "＠1",
    " =1",
    "\xa0\u200b =1",
    "\x1b=1",
]
TEXTS = ["plain", "a;=1+1", 'say "no"', "a=1", "", "日本＝"]


def test_sql_as_csv_is_safe_in_a_spreadsheet(published: Path) -> None:
    """Text is text, numbers stay numbers, and names of columns are text too; --raw is the data as they are."""
    given = [*FORMULAS, *TEXTS]
    values = ", ".join(f"({number}, '{text}')" for number, text in enumerate(given))
    query = (
        f'select -id as id, text, text as text, [text] as "=list", null as none from (values {values}) as t(id, text)'
    )
    header, *rows = csv.reader(io.StringIO(boxoffice(published, "sql", "--format", "csv", query).stdout, newline=""))
    assert header == ["id", "text", "text_1", "'=list", "none"]
    assert [row[1] for row in rows] == [*("'" + text.replace("\r", "\n") for text in FORMULAS), *TEXTS]
    assert [row[0] for row in rows] == [str(-number) for number in range(len(given))]
    written = boxoffice(published, "sql", "--format", "csv", f"{query} where text = 'a;=1+1'").stdout
    assert written.splitlines()[1] == '-15,"a;=1+1","a;=1+1","[\'a;=1+1\']",'
    raw = boxoffice(published, "sql", "--format", "csv", "--raw", query).stdout
    assert [row[1] for row in csv.reader(io.StringIO(raw, newline=""))][1:] == [
        text.replace("\r", "\n") for text in given
    ]


def test_sql_reaches_no_file_unless_it_may(published: Path) -> None:
    secret, target = published / "secret", published / "target.csv"
    secret.write_text("a secret")
    for form, query in (
        ("table", f"from read_text('{secret}')"),
        ("csv", f"from read_text('{secret}')"),
        ("json", f"from '{secret}'"),
        ("csv", f"copy (select 1) to '{target}'"),
        ("table", f"attach '{published / 'other.duckdb'}'"),
        ("csv", "from read_csv('http://127.0.0.1:9/x.csv')"),
        ("json", "from settings"),
        ("csv", "set enable_external_access = true"),
    ):
        refused = boxoffice(published, "sql", "--format", form, query)
        assert refused.returncode == 1, query
        assert "a secret" not in refused.stdout + refused.stderr
    assert "--files" in boxoffice(published, "sql", f"from read_text('{secret}')").stderr
    assert sorted(path.name for path in published.iterdir()) == ["data", "secret"]
    assert "a secret" in boxoffice(published, "sql", "--files", f"from read_text('{secret}')").stdout
    assert boxoffice(published, "sql", "--files", f"copy (select 1) to '{target}'").returncode == 0
    assert target.exists()


def test_sql_shows_amounts_with_the_decimals_of_their_currency(published: Path) -> None:
    """Never rounded, and exact wherever a program reads them."""
    amounts = "(values ('GBP', 467.36, 0.5), ('GBP', 1.505, 0.1234)) as given (currency, paid, share)"
    others = "(values ('JPY', -2700, 0.5), ('KWD', 1.5, 0.25), (null, 3, 0.125)) as given (currency, paid, share)"
    paid = "currency, cast(paid as decimal(18, 4)) as paid, cast(share as decimal(18, 4)) as share"

    def cells(query: str) -> list[list[str]]:
        lines = boxoffice(published, "sql", query).stdout.splitlines()
        return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]

    assert cells(f"select {paid} from {amounts}")[2:] == [["GBP", "467.360", "0.5000"], ["GBP", "1.505", "0.1234"]]
    mixed = f"select {paid} from {amounts} where paid > 2 union all select {paid} from {others}"
    assert [row[1] for row in cells(mixed)[2:]] == ["467.36", "-2700", "1.500", "3.0000"]
    assert cells(f"select {paid} from {amounts} where false")[2:] == []
    exact = boxoffice(published, "sql", "--format", "csv", f"select {paid} from {others}").stdout
    assert exact.splitlines()[1] == '"JPY",-2700.0000,0.5000'


def test_sql_writes_files_whole_or_not_at_all(published: Path, worlds: Worlds) -> None:
    with worlds.open() as db:
        expected = db.execute(f"{QUERY} order by all").fetchall()
    out = published / "out"
    out.mkdir()
    parquet, book = out / "it's.parquet", out / "book.xlsx"
    assert boxoffice(published, "sql", "--format", "parquet", "--out", str(parquet), QUERY).returncode == 0
    assert sorted(duckdb.read_parquet(str(parquet)).fetchall()) == expected
    number = 12345678901234567
    query = f"select '=1+1' as text, 1.25 as amount, {number} as long_id, false as is_paid, date '1890-01-01' as day"
    assert boxoffice(published, "sql", "--format", "xlsx", "--out", str(book), query).returncode == 0
    _, row = openpyxl.load_workbook(book).active.iter_rows()
    assert [cell.value for cell in row] == ["=1+1", 1.25, str(number), False, "1890-01-01"]
    assert row[0].data_type == "s", "text that no spreadsheet runs"

    before = book.read_bytes()
    for form, asked, code in (
        ("xlsx", "select repeat('x', 40000) as text", 1),
        ("parquet", "select error('in the middle') from range(10)", 1),
        ("csv", f"from read_csv('{published / 'data' / 'person.key'}')", 1),
        ("table", "select 1", 2),
    ):
        ran = boxoffice(published, "sql", "--format", form, "--out", str(book), asked)
        assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert boxoffice(published, "sql", "--format", "parquet", "select 1").returncode == 2
    assert "replaced" in boxoffice(published, "sql", "--format", "csv", "--out", "/dev/null", "select 1").stderr
    assert book.read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == ["book.xlsx", "it's.parquet"]


def test_sql_goes_to_wherever_output_goes(published: Path) -> None:
    """Appended to a file, through a socket (the journal's), through a pipe that may not be opened once more."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(published), "BOXOFFICE_DATA_DIR": str(published / "data")}

    ordered = f"{QUERY} order by all"

    def ask(stdout: Any, form: str, query: str = ordered) -> tuple[int, str]:
        command = [sys.executable, "-m", "boxoffice.cli", "sql", "--format", form, query]
        ran = subprocess.run(command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
        return ran.returncode, ran.stderr

    for form in ("csv", "json", "table"):
        expected = boxoffice(published, "sql", "--format", form, ordered).stdout
        assert "ticketor" in expected

        kept = published / "kept"
        kept.write_text("kept\n")
        for times in (1, 2):
            with kept.open("a") as file:
                assert ask(file, form) == (0, "")
            assert kept.read_text() == "kept\n" + expected * times

        one, other = socket.socketpair()
        with one, other:
            assert ask(one, form) == (0, "")
            one.close()
            with other.makefile("r") as received:
                assert received.read() == expected

    # more than a pipe holds, to one who stops listening, and to a disk that is full
    many = "from range(1000000)"
    for form in ("csv", "json"):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            assert ask(pipe, form, many) == (1, "")
        if Path("/dev/full").exists():
            with Path("/dev/full").open("w") as full:
                code, told = ask(full, form, many)
            assert (code, "No space left" in told, len(told.splitlines())) == (1, True, 1), told
    assert boxoffice(published, "sql", "--format", "csv", many).stdout.count("\n") == 1_000_001


def test_sql_cannot_write_and_tells_what_is_wrong(published: Path) -> None:
    ran = boxoffice(published, "sql", "delete from fct_orders")
    assert ran.returncode == 1
    assert "read-only" in ran.stderr
    assert boxoffice(published, "sql", " ").returncode == 2
    ran = boxoffice(published, "sql", "select nothing from nowhere")
    assert ran.returncode == 1
    assert "nowhere" in ran.stderr
    for query, told in (("select 1; select 2", "2 statements"), (" ; ", "query is empty"), ("", "query is empty")):
        ran = boxoffice(published, "sql", query)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert told in ran.stderr
    assert (
        boxoffice(published, "sql", "--format", "csv", "set TimeZone = 'Asia/Tokyo'; select 2 as n").stdout == "n\n2\n"
    )


def test_status_tells_runs_accounts_and_freshness(published: Path, worlds: Worlds) -> None:
    ran = boxoffice(published, "status")
    assert ran.returncode in (0, 1)
    for venue in worlds.venues:
        assert venue.account in ran.stdout
    assert "done" in ran.stdout
