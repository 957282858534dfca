"""Decimals of currencies: SQL and Python say what ISO 4217 says, of those in use and those that ended lately."""

from pathlib import Path

import duckdb

from boxoffice.warehouse import currencies
from tests.dbt import dbt

OF_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
COP COU CRC CUC CUP CVE CZK DKK DOP DZD EEK EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR
ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN
MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD
SSP STD STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VEF VES WST XAD XCD XCG YER ZAR ZMK ZMW
ZWG ZWL
"""
OTHERS = {
    0: "BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
ISO = {code: places for places, codes in {**OTHERS, 2: OF_TWO}.items() for code in codes.split()}


def in_sql(folder: Path, expression: str) -> dict[str, object]:
    """What an expression with our macros is for every currency."""
    listed = ", ".join(f"('{code}')" for code in ISO)
    query = f"select code, {expression} from (values {listed}) as listed (code)"
    dbt(folder, folder / "target", "compile", "--no-introspect", "--inline", query)
    [compiled] = (folder / "target" / "compiled").rglob("inline_query")
    return {code: tuple(rest) for code, *rest in duckdb.sql(compiled.read_text()).fetchall()}


def test_sql_and_python_agree_on_every_currency(tmp_path: Path) -> None:
    found = in_sql(
        tmp_path,
        "{{ minor_units('code') }}, {{ tt_multiplier('code') }}, "
        "{{ in_currency('cast(1.5 as decimal(18, 4))', 'code') }}, "
        "{{ in_currency('cast(3 as decimal(18, 4))', 'code') }}",
    )
    assert {code: currencies.decimals(code) for code in ISO} == ISO
    assert {code: places for code, (places, *_) in found.items()} == ISO
    assert {code: multiplier for code, (_, multiplier, *_) in found.items()} == {
        code: 10**places for code, places in ISO.items()
    }
    as_text = {places: [f"{3:.{places}f}", f"{1.5:.{places or 3}f}"] for places in (0, 2, 3, 4)}
    for code, (*_, one_and_a_half, three) in found.items():
        assert [three, one_and_a_half] == [f"{text} {code}" for text in as_text[ISO[code]]]
