"""Answers as CSV that a spreadsheet shows and does not run: names and notes in them come from outside."""

import unicodedata
from collections.abc import Sequence

import duckdb

from boxoffice.warehouse import currencies

# what a spreadsheet takes for a formula, after blanks and what is not seen; or joins to the cell or the line before
_STARTS = set("=+-@＝＋－＠")
_FORMULA = r"^(?:[\t\r\n]|[\p{Z}\p{C}]*[=+\-@＝＋－＠])"
_NO_TEXT = {
    *("boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "decimal", "float", "double"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "date", "time", "timestamp"),
    *("timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"),
}


def write_csv(
    db: duckdb.DuckDBPyConnection,
    answer: duckdb.DuckDBPyRelation,
    path: str,
    headers: Sequence[str] | None = None,
    options: str = "",
    in_currency: bool = False,
) -> None:
    """Writes the answer of a query to ``path``, with ``headers`` or the names of its columns.

    Text is in quotes, with ``'`` before what would be a formula; NULL is empty. ``in_currency`` writes amounts with the
    decimals of the currency beside them. ``options`` are further options of DuckDB's COPY. Raises duckdb.Error where
    the query or the writing fails.
    """
    scales = currencies.scale_of_amounts(answer) if in_currency else {}
    kinds = [str(kind.id) for kind in answer.types]
    [headers] = db.execute(
        f"select list_transform($1, lambda header: {_guarded('header')})", [list(headers or answer.columns)]
    ).fetchone()
    columns = []
    for place, (name, kind, header) in enumerate(zip(answer.columns, kinds, headers, strict=True), start=1):
        if name in scales:
            value = currencies.amount_as_text(f"#{place}", scales[name])
        else:
            value = f"#{place}" if kind in _NO_TEXT else _guarded(f"cast(#{place} as varchar)")
        columns.append(f"{value} as {_quoted(header)}")
    # as a view, where DuckDB has given each column a name of its own
    named = answer.project(", ".join(columns)).query("named", "from named")
    text = [_quoted(name) for name, kind in zip(named.columns, kinds, strict=True) if kind not in _NO_TEXT]
    quotes = f"force_quote ({', '.join(text)}), " if text else ""
    named.query("answer", f"copy (from answer) to '{path}' ({quotes}format csv, header, use_tmp_file false{options})")


def safe(text: str) -> str:
    """``text`` for a cell of CSV: with ``'`` before what would be a formula, as ``write_csv`` writes it."""
    seen = next((character for character in text if unicodedata.category(character)[0] not in "ZC"), "")
    return f"'{text}" if text.startswith(("\t", "\r", "\n")) or seen in _STARTS else text


def _guarded(text: str) -> str:
    return f"case when regexp_matches({text}, '{_FORMULA}') then '''' || {text} else {text} end"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
