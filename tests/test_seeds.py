"""A seed that people edit: an error in it is reported with its file and line, and nothing is run."""

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
    (tmp_path / "seeds").mkdir()
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
        (HEADER + "%,,vo_1,discount\n", "line 2: account_pattern or voucher_type is empty"),
        (HEADER + "%, PROMO,,discount\n", "line 2: a value begins or ends with a blank"),
        (HEADER + "%,PROMO,,discount\n\n%,PROMO,,stored_value\n", "line 4: line 2 is for the same vouchers"),
        (HEADER + '%,"PROMO,,discount\n', "cannot be read: unexpected end of data"),
    ],
)
def test_an_error_has_its_line(seed: Path, text: str, says: str) -> None:
    seed.write_text(text)
    with pytest.raises(ConfigProblem) as told:
        seeds.check()
    assert str(seed) in str(told.value) and says in str(told.value) and "Nothing was run." in str(told.value)


def test_nothing_is_run(seed: Path, tmp_path: Path) -> None:
    seed.write_text(HEADER + "%,PROMO,,free\n")
    (tmp_path / "buffer").mkdir()
    settings = Settings(tmp_path / "data", sites=(Site("arena", str(tmp_path / "buffer")),))
    with pytest.raises(ConfigProblem, match="line 2: kind is 'free'") as told:
        run.run(settings, echo=lambda _line: None)
    assert told.value.exit_code == 2
    assert not (tmp_path / "data").exists()
