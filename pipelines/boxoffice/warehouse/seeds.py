"""Seeds that people edit, read before dbt is: an error is reported with the file and the line it is on."""

import csv

from boxoffice.errors import ConfigProblem
from boxoffice.settings import DBT_PROJECT

VOUCHER_KINDS = ("discount", "stored_value")
_COLUMNS = ["account_pattern", "voucher_type", "voucher_id", "kind"]


def check() -> None:
    """Raises ConfigProblem, with file and line, for the first row of voucher_kinds.csv that decides nothing."""
    path = DBT_PROJECT / "seeds" / "voucher_kinds.csv"
    seen: dict[tuple[str, ...], int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if wrong := _wrong(row, seen) if seen else _wrong_header(row):
                    raise ConfigProblem(f"{path}, line {reader.line_num}: {wrong} Nothing was run.")
                seen[tuple(row[:3])] = reader.line_num
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigProblem(f"{path} cannot be read: {error}. Nothing was run.") from None
    if not seen:
        raise ConfigProblem(f"{path} is empty. Its first line is {','.join(_COLUMNS)}. Nothing was run.")


def _wrong_header(row: list[str]) -> str | None:
    return None if row == _COLUMNS else f"the first line should be {','.join(_COLUMNS)}."


def _wrong(row: list[str], seen: dict[tuple[str, ...], int]) -> str | None:
    if not row:
        return None
    if len(row) != len(_COLUMNS):
        return f"{len(row)} values, and should be {len(_COLUMNS)}: {','.join(_COLUMNS)}."
    pattern, voucher_type, _, kind = row
    if any(value != value.strip() for value in row):
        return "a value begins or ends with a blank."
    if not pattern or not voucher_type:
        return "account_pattern or voucher_type is empty. % matches any."
    if kind not in VOUCHER_KINDS:
        return f"kind is {kind!r}, and should be {' or '.join(VOUCHER_KINDS)}."
    if first := seen.get(tuple(row[:3])):
        return f"line {first} is for the same vouchers."
    return None
