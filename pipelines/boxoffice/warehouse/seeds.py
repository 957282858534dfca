"""Seeds that people edit, read before dbt is: an error is reported with the file and the line it is on."""

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from boxoffice.errors import ConfigProblem
from boxoffice.settings import DBT_PROJECT

PLATFORMS = ("ticketor", "ticket_tailor")
VOUCHER_KINDS = ("discount", "stored_value")
# what the journal posts to (models/marts/fct_journal.sql)
ASSETS_AND_DEBTS = (
    "receivable", "receivable_unknown", "clearing", "unearned", "output_tax", "stored_value", "tips",
    "platform_fees_owed",
)  # fmt: skip
INCOME = (
    "tickets", "discounts", "products", "memberships", "buyer_fees", "delivery", "donations", "unexplained",
)  # fmt: skip
POSTINGS = (
    *ASSETS_AND_DEBTS, *INCOME, "opening", "platform_fees", "protection_fees", "ad_fees", "processing_fees",
    "delivery_fees", "no_order", "other_currency",
)  # fmt: skip
# what tax may be inside of; the kinds of fct_order_lines but those that give back, and tax itself
LINE_KINDS = (
    "ticket", "product", "membership", "buyer_fee", "delivery", "discount", "donation", "tip", "gift_card",
)  # fmt: skip
RECOGNISED = ("performance", "sale")


class _Seed(NamedTuple):
    """``key`` are the columns of which two rows may not have the same values; ``wrong`` says what is wrong in a row."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    wrong: Callable[[dict[str, str]], str | None]


def _wrong_voucher(row: dict[str, str]) -> str | None:
    return _empty(row, "account_pattern", "voucher_type") or _not_one_of(row, "kind", VOUCHER_KINDS)


def _wrong_account(row: dict[str, str]) -> str | None:
    return (
        _empty(row, "platform", "account_pattern", "method_pattern", "code", "name")
        or _not_one_of(row, "posting", POSTINGS)
        or _not_one_of(row, "platform", (*PLATFORMS, "%"))
        or (row["posting"] != "clearing" and _not_one_of(row, "method_pattern", ("%",)))
        or _not_one_of(row, "recognised", RECOGNISED if row["posting"] in INCOME else ("sale", ""))
    )


def _wrong_opening(row: dict[str, str]) -> str | None:
    return (
        _not_one_of(row, "platform", PLATFORMS)
        or _empty(row, "account")
        # one of clearing would have to say of which method
        or _not_one_of(row, "posting", [posting for posting in ASSETS_AND_DEBTS if posting != "clearing"])
        or _unlike(row, "currency", "[A-Z]{3}", "a code of three capital letters, such as GBP")
        or _unlike(row, "amount", r"-?\d{1,14}(\.\d{1,4})?", "a number such as 1000.00 or -25.50")
        or _unlike(row, "on", r"\d{4}-(0[1-9]|1[0-2])-01", "the first day of a month, such as 2026-04-01")
    )


def _wrong_show(row: dict[str, str]) -> str | None:
    return (
        (row["performed_on"] and _no_day(row, "performed_on"))
        or _not_one_of(row, "called_off", ("", "true", "false"))
        or _unlike(row, "target", r"([1-9]\d{0,8})?", "a number of tickets such as 250, or empty")
    )


def _wrong_rate(row: dict[str, str]) -> str | None:
    return (
        _not_one_of(row, "platform", (*PLATFORMS, "%"))
        or _empty(row, "account_pattern", "production")
        or _not_one_of(row, "line_kind", (*LINE_KINDS, "%"))
        or _no_day(row, "valid_from")
        or _unlike(row, "rate", r"\d{1,2}(\.\d{1,4})?", "per cent, such as 20 or 5.5")
        or _not_one_of(row, "basis", ("inclusive", "exclusive"))
    )


_SEEDS = {
    "voucher_kinds": _Seed(
        ("account_pattern", "voucher_type", "voucher_id", "kind"),
        ("account_pattern", "voucher_type", "voucher_id"),
        _wrong_voucher,
    ),
    "chart_of_accounts": _Seed(
        ("posting", "platform", "account_pattern", "method_pattern", "code", "name", "tax_code", "recognised"),
        ("posting", "platform", "account_pattern", "method_pattern"),
        _wrong_account,
    ),
    "opening_balances": _Seed(
        ("platform", "account", "posting", "currency", "amount", "on"),
        ("platform", "account", "posting", "currency"),
        _wrong_opening,
    ),
    "tax_rates": _Seed(
        ("platform", "account_pattern", "line_kind", "production", "valid_from", "rate", "basis", "tax_code"),
        ("platform", "account_pattern", "line_kind", "production", "valid_from"),
        _wrong_rate,
    ),
    "shows": _Seed(
        (
            "platform", "account", "event_id", "show", "production", "season", "capacity", "performed_on", "called_off",
            "promoter", "target",
        ),
        (),
        _wrong_show,
    ),
}  # fmt: skip


def check() -> None:
    """Raises ConfigProblem, with file and line, for the first row of a seed that is invalid."""
    for name, seed in _SEEDS.items():
        _check(DBT_PROJECT / "seeds" / f"{name}.csv", seed)


def _check(path: Path, seed: _Seed) -> None:
    header, lines, seen = ",".join(seed.columns), 0, {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for lines, values in enumerate(reader, 1):
                if lines == 1:
                    wrong = None if values == list(seed.columns) else f"the first line should be {header}."
                else:
                    wrong = values and _wrong(seed, values, seen, reader.line_num)
                if wrong:
                    raise ConfigProblem(f"{path}, line {reader.line_num}: {wrong} Nothing was run.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigProblem(f"{path} cannot be read: {error}. Nothing was run.") from None
    if not lines:
        raise ConfigProblem(f"{path} is empty. Its first line is {header}. Nothing was run.")


def _wrong(seed: _Seed, values: list[str], seen: dict[tuple[str, ...], int], line: int) -> str | None:
    if len(values) != len(seed.columns):
        return f"{len(values)} values, and should be {len(seed.columns)}: {','.join(seed.columns)}."
    if any(value != value.strip() for value in values):
        return "a value begins or ends with a blank."
    if not all(value.isprintable() for value in values):
        return "a value holds a tab, a line end or another character that is not printed."
    row = dict(zip(seed.columns, values, strict=True))
    if wrong := seed.wrong(row):
        return wrong
    key = tuple(row[column] for column in seed.key)
    if key and seen.setdefault(key, line) != line:
        return f"line {seen[key]} is for the same {', '.join(seed.key)}."
    return None


def _empty(row: dict[str, str], *columns: str) -> str | None:
    if missing := [column for column in columns if not row[column]]:
        return f"{missing[0]} is empty.{' % matches any.' if 'account_pattern' in row else ''}"
    return None


def _not_one_of(row: dict[str, str], column: str, values: Iterable[str]) -> str | None:
    if row[column] in values:
        return None
    return f"{column} is {row[column]!r}, and should be {' or '.join(value or 'empty' for value in values)}."


def _unlike(row: dict[str, str], column: str, pattern: str, example: str) -> str | None:
    if re.fullmatch(pattern, row[column], re.ASCII):
        return None
    return f"{column} is {row[column]!r}, and should be {example}."


def _no_day(row: dict[str, str], column: str) -> str | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", row[column], re.ASCII):
        try:
            dt.date.fromisoformat(row[column])
        except ValueError:
            pass
        else:
            return None
    return f"{column} is {row[column]!r}, and should be a day such as 2026-10-31."
