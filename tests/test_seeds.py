"""A seed that people edit: an error in it is reported with its file and line, and nothing is run."""

import csv
import shutil
from pathlib import Path

import pytest

from boxoffice.errors import ConfigProblem
from boxoffice.run import run
from boxoffice.settings import ROOT, Settings, Site
from boxoffice.warehouse import seeds

HEADER = "account_pattern,voucher_type,voucher_id,kind\n"


@pytest.fixture
def seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(seeds, "DBT_PROJECT", tmp_path)
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    return tmp_path / "seeds" / "voucher_kinds.csv"


def test_the_defaults_are_read(seed: Path) -> None:
    seed.write_bytes((ROOT / "seeds" / "voucher_kinds.csv").read_bytes())
    seeds.check()
    # as a spreadsheet saves it
    seed.write_bytes(b"\xef\xbb\xbf" + seed.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    seeds.check()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("pattern,type,id,kind\n", "line 1: the first line should be account_pattern,"),
        (HEADER + "%,PROMO,,discount\n%,GIFT,,voucher\n", "line 3: kind is 'voucher', and should be discount or"),
        (HEADER + "%,PROMO,discount\n", "line 2: 3 values, and should be 4"),
        (HEADER + "%;PROMO;;discount\n", "line 2: 1 values, and should be 4"),
        (HEADER + "%,,vo_1,discount\n", "line 2: voucher_type is empty. % matches any."),
        (HEADER + "%, PROMO,,discount\n", "line 2: a value begins or ends with a blank"),
        (
            HEADER + "%,PROMO,,discount\n\n%,PROMO,,stored_value\n",
            "line 4: line 2 is for the same account",
        ),
        (HEADER + '%,"PROMO,,discount\n', "cannot be read: unexpected end of data"),
    ],
)
def test_an_error_has_its_line(seed: Path, text: str, says: str) -> None:
    seed.write_text(text)
    with pytest.raises(ConfigProblem) as told:
        seeds.check()
    assert str(seed) in str(told.value) and says in str(told.value) and "Nothing was run." in str(told.value)


CHART = "posting,platform,account_pattern,method_pattern,code,name,tax_code,recognised\n"
OPENING = "platform,account,posting,currency,amount,on\n"
RATES = "platform,account_pattern,line_kind,production,valid_from,rate,basis,tax_code\n"
SHOWS = "platform,account,event_id,show,production,season,capacity,performed_on,called_off,promoter,target\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("chart_of_accounts", CHART + "income,%,%,%,4000,Tickets,,sale\n", "line 2: posting is 'income', and should"),
        ("chart_of_accounts", CHART + "tips,%,%,%,24\t00,Tips,,\n", "line 2: a value holds a tab"),
        ("chart_of_accounts", CHART + "tips,%,%,%,,Tips,,\n", "line 2: code is empty"),
        (
            "chart_of_accounts",
            CHART + "tips,%,%,cash,2400,Tips,,\n",
            "line 2: method_pattern is 'cash', and should be %",
        ),
        ("chart_of_accounts", CHART + "tickets,%,%,%,4000,Tickets,,\n", "line 2: recognised is '', and should be perf"),
        ("chart_of_accounts", CHART + 2 * "tips,%,%,%,2400,Tips,,\n", "line 3: line 2 is for the same posting, pl"),
        ("opening_balances", OPENING + 'ticketor,a,tips,GBP,"1,000.00",2026-04-01\n', "line 2: amount is '1,000.00'"),
        ("opening_balances", OPENING + "ticketor,a,tips,gbp,1,2026-04-01\n", "line 2: currency is 'gbp'"),
        ("opening_balances", OPENING + "ticketor,a,tips,GBP,1,2026-13-01\n", "line 2: on is '2026-13-01'"),
        ("opening_balances", OPENING + "ticketor,a,tips,GBP,1,2026-04-02\n", "line 2: on is '2026-04-02'"),
        ("opening_balances", OPENING + "ticketor,a,clearing,GBP,1,2026-04-01\n", "line 2: posting is 'clearing'"),
        ("opening_balances", OPENING + "ticketor,a,tickets,GBP,1,2026-04-01\n", "line 2: posting is 'tickets'"),
        ("tax_rates", RATES + "%,%,%,%,2026-04-01,120,inclusive,\n", "line 2: rate is '120', and should be per cent"),
        ("tax_rates", RATES + "%,%,tax,%,2026-04-01,20,inclusive,\n", "line 2: line_kind is 'tax'"),
        ("shows", SHOWS + "ticketor,a,1,,,,,1 June,,,\n", "line 2: performed_on is '1 June'"),
        ("shows", SHOWS + "ticketor,a,1,,,,,,yes,,\n", "line 2: called_off is 'yes', and should be empty or true"),
        ("shows", SHOWS + "ticketor,a,1,,,,,,,,250.5\n", "line 2: target is '250.5', and should be a number of"),
        ("shows", SHOWS[:-33] + "\n", "line 1: the first line should be platform,account,event_id,show,"),
    ],
)
def test_an_error_in_another_seed_has_its_line(seed: Path, name: str, text: str, says: str) -> None:
    path = seed.with_name(f"{name}.csv")
    path.write_text(text)
    with pytest.raises(ConfigProblem) as told:
        seeds.check()
    assert f"{path}, line" in str(told.value) and says in str(told.value)


def test_the_default_chart_has_every_posting() -> None:
    with (ROOT / "seeds" / "chart_of_accounts.csv").open() as file:
        assert {row["posting"] for row in csv.DictReader(file)} == set(seeds.POSTINGS)


def test_nothing_is_run(seed: Path, tmp_path: Path) -> None:
    seed.write_text(HEADER + "%,PROMO,,free\n")
    (tmp_path / "buffer").mkdir()
    settings = Settings(tmp_path / "data", sites=(Site("arena", str(tmp_path / "buffer")),))
    with pytest.raises(ConfigProblem, match="line 2: kind is 'free'") as told:
        run.run(settings, echo=lambda _line: None)
    assert told.value.exit_code == 2
    assert not (tmp_path / "data").exists()
