"""How many decimals an amount of a currency is written with, in Python and in SQL."""

import ast
import functools
import re

import duckdb

from boxoffice.settings import DBT_PROJECT

NO_CURRENCY = "XXX"  # ISO 4217's code for an amount without one, as the marts have it


@functools.cache
def _decimals() -> dict[str, int]:
    """The list that the models use."""
    macro = (DBT_PROJECT / "macros" / "currencies.sql").read_text()
    listed = ast.literal_eval(re.search(r"return\((\{.*?\})\)", macro, re.DOTALL)[1])
    return {code: places for places, codes in listed.items() for code in codes}


def decimals(currency: str | None) -> int:
    """How many decimals the currency is written with: 2, 0 for yen, 3 for dinars."""
    return _decimals().get(currency or "", 2)


def scale_of_amounts(answer: duckdb.DuckDBPyRelation) -> dict[str, int]:
    """The columns of an answer that hold amounts as the marts do, with at least four decimals, and how many; none where
    no column ``currency`` says what they are amounts of."""
    kinds = dict(zip(answer.columns, answer.types, strict=True))
    if str(kinds.get("currency")) != "VARCHAR":
        return {}
    scales = {name: dict(kind.children)["scale"] for name, kind in kinds.items() if kind.id == "decimal"}
    return {name: scale for name, scale in scales.items() if scale >= 4}


def own_places(scale: int) -> str:
    """SQL: the decimals of the currency in the column ``currency``, all of ``scale`` where that is not known."""
    by_currency = " ".join(f"when '{code}' then {places}" for code, places in _decimals().items())
    return f"case when currency is null then {scale} else case currency {by_currency} else 2 end end"


def places(amount: str, scale: int) -> str:
    """SQL: the decimals to write an amount with. Its currency's, more where the amount has more: nothing is rounded."""
    text = f"cast({amount} as varchar)"
    return f"least({scale}, greatest({own_places(scale)}, {scale} - length({text}) + length(rtrim({text}, '0'))))"


def amount_as_text(amount: str, scale: int) -> str:
    """SQL: an amount beside a column ``currency``, written with its ``places``."""
    text = f"cast({amount} as varchar)"
    return f"rtrim(left({text}, length({text}) - {scale} + {places(amount, scale)}), '.')"
