"""`boxoffice settle`: each line is the ledger's, what is not known stays unknown, and no name can do harm."""

import csv
import html
import re
import unicodedata
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from boxoffice.cli import main
from boxoffice.errors import ConfigProblem
from boxoffice.report.settle import settle
from boxoffice.report.settlement import Line, Settlement, find
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published
from boxoffice.warehouse.spreadsheet import _guarded, safe
from tests.report.conftest import opened

BESIDE = ("Tax on top of prices, net of refunds", "Gift cards and vouchers sold")
UNEXPLAINED = "Not explained by the platform's own numbers"
SHOW = "The Paper Sea 2025-05-02"


def amounts(lines: list[Line]) -> dict[str, Decimal | None]:
    """What each line says of all events together; one that is left out is 0."""
    found = {line.what: line.together for line in lines}
    assert len(found) == len(lines)
    return found


def test_every_settlement_is_its_events_ledger(demo: Settings) -> None:
    """Of every sixth event, and of those that are owed for: nothing of the ledger is left out, and results are those of
    the reports."""
    zero, seen = Decimal(0), set()
    with open_published(demo) as db:
        wanted = db.execute(
            """
            select event_key, currency, gross_sales, -refunds_of_sales, -credited_of_sales, net_sales,
                (select sum(amount) from fct_order_lines as lines where lines.event_key = sales.event_key
                    and lines.currency = sales.currency and booked_on is not null) as ledger,
                (select sum(platform_fee_amount) from fct_orders as orders where orders.event_key = sales.event_key
                    and orders.currency = sales.currency and is_booked) as fees
            from rpt_event_sales as sales where gross_sales <> 0 and event_key is not null
            qualify row_number() over (order by event_key) % 6 = 0
                or event_key in (select event_key from fct_orders where is_booked and balance_due > 0)
            """
        ).fetchall()
        for key, currency, gross, refunded, credited, net, ledger, charged in wanted:
            settlement = Settlement(db, find(db, key), ())
            [section] = [one for one in settlement.sections() if one.currency == currency]
            lines, beside = amounts(section.lines), amounts(section.beside)
            seen |= {*lines, *beside}
            assert lines["Gross sales"] == gross
            assert (lines.get("Refunded", zero), lines.get("Given back as credit", zero)) == (refunded, credited)
            assert lines["Net sales"] == net
            before_fees = lines["Net due before the platforms' fees"]
            taxed = lines.get("Tax inside these prices", zero)
            if taxed is None:
                assert before_fees is None and any("tax is inside" in note for note in section.notes)
                assert lines["Net due"] is None
                continue
            assert before_fees - taxed + sum(beside.get(name, zero) for name in (*BESIDE, UNEXPLAINED)) == ledger
            assert lines["Net due"] == (None if charged is None else before_fees - charged)
            exchanged = beside.get("Exchanges for dearer or cheaper tickets, in Tickets above", zero)
            tickets = [row for row in section.tickets if row.event]
            assert sum(row.amount or zero for row in tickets) + exchanged == lines.get("Tickets", zero)
            for row in section.tickets[len(tickets) :]:
                assert (row.tickets, row.amount) == (
                    sum(one.tickets for one in tickets if one.amount is not None),
                    sum(one.amount or zero for one in tickets),
                )
            for row in tickets:
                if row.amount is not None and "comp" not in row.what:
                    assert row.price * row.tickets - row.discounts == row.amount
    expected = {"Refunded", "Given back as credit", "Tax inside these prices", "Payment processing", *BESIDE}
    assert expected | {"Donations, net of refunds", "Not paid by buyers yet"} <= seen


@pytest.fixture
def show(copy: Settings) -> Settings:
    """The demo where one event of each platform, and no other, is a show of the seed."""
    with opened(copy) as db:
        events = db.execute(
            "select event_key from rpt_event_sales where currency = 'GBP' and event_key is not null "
            "qualify row_number() over (partition by platform order by donations desc, gross_sales desc) = 1"
        ).fetchall()
        db.execute(
            "update dim_events set show_key = 'a_show', show_name = $1 where event_key in (select unnest($2))",
            [SHOW, [key for (key,) in events]],
        )
    return copy


def test_a_show_adds_up_both_platforms_and_one_event_does_not(show: Settings, tmp_path: Path) -> None:
    with open_published(show) as db:
        together = find(db, SHOW)
        assert {event.platform for event in together} == {"ticketor", "ticket_tailor"} and len(together) == 2
        assert find(db, "a_show") == together and find(db, together[0].event_key) == together[:1]
        whole = Settlement(db, together, ()).sections()[0]
        parts = [amounts(Settlement(db, [event], ()).sections()[0].lines) for event in together]
        shared = amounts(Settlement(db, together, ("fees", "donations")).sections()[0].lines)
    lines = amounts(whole.lines)
    for name in ("Gross sales", "Net sales", "Net due before the platforms' fees"):
        assert lines[name] == sum(part[name] for part in parts)
    # Ticket Tailor reports no fee: neither its net nor that of both is known
    fees = {line.what: line.amounts for line in whole.lines}["The platforms' fees"]
    assert sorted(fee is None for fee in fees) == [False, True]
    assert lines["Net due"] is None and None in {part["Net due"] for part in parts}
    donations = lines["Donations, net of refunds"]
    assert donations and shared["Net due"] == lines["Net due before the platforms' fees"] - donations
    assert not {"The platforms' fees", "Donations, net of refunds", "Net due before the platforms' fees"} & {*shared}
    text = settle(show, SHOW, "html", tmp_path / "all.html").read_text()
    assert "Together" in text and "not known" in text and "Net due before" in text
    text = settle(show, SHOW, "html", tmp_path / "shared.html", ("fees", "donations")).read_text()
    assert "Left out: the platforms&#39; fees, donations." in text
    assert "onation" not in text.replace("Left out: the platforms&#39; fees, donations.", "")


def test_what_the_seed_and_the_closes_say_of_it(show: Settings, tmp_path: Path) -> None:
    def said() -> str:
        return html.unescape(settle(show, SHOW, "html", tmp_path / "page.html").read_text())

    assert "no month is closed yet, so all of it may still change." in said() and "called off" not in said()
    with opened(show) as db:
        db.execute(
            "update dim_events set promoter = 'A & Co', is_called_off = platform = 'ticketor', "
            "released_on = if(platform = 'ticketor', null, '2025-07-01') where show_key = 'a_show'"
        )
        db.execute("update fct_journal set closed_month = '2020-03-01'")
    text = said()
    assert "For A & Co" in text and text.count(" · called off · ") == 1 and text.count(" · given on 1 Jul 2025 · ") == 1
    assert "; months are closed until 31 Mar 2020, and what is later may still change." in text
    with opened(show) as db:
        db.execute("update fct_journal set closed_month = '2030-12-01'")
    assert "; months are closed until 31 Dec 2030." in said()


def test_csv_says_what_the_page_says(show: Settings, tmp_path: Path) -> None:
    page = settle(show, SHOW, "html", tmp_path / "page.html").read_text()
    with settle(show, SHOW, "csv", tmp_path / "page.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    cells = re.findall(r"<t[hd][^>]*>(?:<b>)?([^<]*)", page)
    shown = {html.unescape(cell).replace("−", "-").replace(",", "") for cell in cells}
    for row in table:
        assert set(row[1:5]) <= shown | {"", "Event"}, row
    assert next(row for row in table if row[:1] == ["Net due"])[-1] == "not known"
    assert settle(show, SHOW, "html", tmp_path / "again.html").read_text() == page


def test_currencies_keep_their_own_decimals(demo: Settings, tmp_path: Path) -> None:
    with open_published(demo) as db:
        for currency, number in (("JPY", r"-?\d+"), ("KWD", r"-?\d+\.\d{3}")):
            [key] = db.execute(
                "select event_key from rpt_event_sales where currency = $1 and gross_sales > 0 limit 1", [currency]
            ).fetchone()
            path = settle(demo, key, "csv", tmp_path / f"{currency}.csv")
            for row in csv.reader(path.open(encoding="utf-8-sig")):
                if row[:1] in (["Gross sales"], ["Net sales"]):
                    assert re.fullmatch(number, row[1]), row


def test_names_from_outside_stay_text(show: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = '=1+1/../<script>alert("1")</script>'
    with opened(show) as db:
        db.execute("update dim_events set show_name = $1, venue = $1 where show_key = 'a_show'", [evil])
        db.execute("update fct_tickets set ticket_type = $1", [evil])
    monkeypatch.chdir(tmp_path)
    path = settle(show, "a_show", "html")
    assert path.parent == Path() and re.fullmatch(r"settlement-[A-Za-z0-9-]+\.html", path.name)
    text = path.read_text()
    assert "<script" not in text and html.escape(evil, quote=False) in html.escape(html.unescape(text), quote=False)
    assert not re.findall(r'(?:href|src|action)="(?!#|data:,")[^"]*"', text)
    cells = [cell for row in csv.reader(settle(show, "a_show", "csv").open(encoding="utf-8-sig")) for cell in row]
    assert f"'{evil}" in cells and not [cell for cell in cells if cell.startswith("=")]


def test_python_and_sql_keep_the_same_text_from_a_spreadsheet() -> None:
    texts = ["", " ", "a", "=1", " =1", "\t", "\n", "a=1", "-5", "+5", "@x", "\u200b=1", "\u202e+1", "＝1", "\u00a0@"]
    texts += [
        f"{chr(code)}=1"
        for code in range(0x20, 0x3000)
        if unicodedata.category(chr(code)) in ("Zs", "Cc", "Cf", "Po", "Mn")
    ]
    with duckdb.connect() as db:
        [guarded] = db.execute(f"select list_transform($1, lambda t: {_guarded('t')})", [texts]).fetchone()
    assert [safe(text) for text in texts] == guarded


def test_an_event_that_is_not_there(demo: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(demo.data_dir))
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["settle", "lantern parade"])
    assert said.exit_code == 2 and said.output.count("boxoffice settle t") == 5
    assert CliRunner().invoke(main, ["settle", "x", "--without", "fees,tips"]).exit_code == 2
    assert not list(tmp_path.iterdir())
    with open_published(demo) as db:
        [event_id] = db.execute("select event_id from dim_events where platform = 'ticketor' limit 1").fetchone()
    done = CliRunner().invoke(main, ["settle", event_id, "--without", "buyer-fees"])
    assert (done.exit_code, done.output) == (0, f"settlement-{event_id}.html\n")


def test_an_id_that_two_accounts_use(copy: Settings) -> None:
    with opened(copy) as db:
        [event_id] = db.execute("select event_id from dim_events limit 1").fetchone()
        db.execute(
            "insert into dim_events by name select * replace ('another' as account, 'a key' as event_key, "
            "'a key' as show_key) from dim_events where event_id = $1",
            [event_id],
        )
        with pytest.raises(ConfigProblem, match="2 events have the id") as problem:
            find(db, event_id)
        [named] = find(db, re.search(r"settle (\S*another\S*)", str(problem.value))[1])
    assert named.account == "another"
