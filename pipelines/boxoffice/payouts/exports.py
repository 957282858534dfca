"""The bytes of one export to rows: pure functions, no database.

Four exports are known, each by its columns: Stripe's itemized reports (balance and payout reconciliation), its balance
history, its payments, and PayPal's activity in English or German. Sources: Stripe's report reference
(docs.stripe.com/reports/report-types); the headers of downloaded files for the others, which are documented nowhere.

A row that cannot be trusted is refused with a reason, and kept. What decides about a whole file, such as the order of
day and month, is decided by all of its rows.
"""

import csv
import dataclasses
import datetime as dt
import hashlib
import io
import json
import re
import zoneinfo
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from boxoffice.errors import ConfigProblem

DayOrder = Literal["dmy", "mdy"]


@dataclasses.dataclass(frozen=True)
class Row:
    """One movement of a processor's balance, or a row that was refused with a ``reason``.

    Amounts are decimal text in major units of ``currency``: ``fee`` is positive where the venue pays it, so
    net = gross - fee. ``charged_amount`` is what the buyer saw, in ``charged_currency``. ``reference`` is the charge
    that a refund is of too. ``created_at`` is UTC, ``payout_on`` a date as text. ``kind`` is charge, refund, payout,
    other, or no_money: an attempt, or something pending. What an export does not say is None.
    """

    processor: str
    report: str
    file: str
    position: int
    document: str
    transaction_id: str | None = None
    kind: str | None = None
    type: str | None = None
    reference: str | None = None
    created_at: dt.datetime | None = None
    gross: str | None = None
    fee: str | None = None
    net: str | None = None
    currency: str | None = None
    charged_amount: str | None = None
    charged_currency: str | None = None
    payout_id: str | None = None
    payout_on: str | None = None
    reason: str | None = None

    @property
    def row_id(self) -> str:
        """Its transaction, in an export of this kind; of what has none that counts, what it says."""
        is_movement = self.reason is None and self.kind != "no_money"
        parts = ("", self.transaction_id) if is_movement else (self.reason or self.kind, self.document)
        return _hash(self.processor, self.report, *parts)

    @property
    def content(self) -> str:
        """A hash of all that it says, wherever it is."""
        said = dataclasses.asdict(self)
        return _hash(*(value for name, value in said.items() if name not in ("file", "position")))

    @property
    def says(self) -> int:
        """How many of the facts it knows."""
        return sum(getattr(self, fact) is not None for fact in _FACTS)


@dataclasses.dataclass(frozen=True)
class _Report:
    """An export: its columns by what they are called in it, each with the names it may have, in order of preference."""

    name: str
    processor: str
    title: str
    columns: dict[str, tuple[str, ...]]
    needed: tuple[str, ...]
    comma: bool = False  # how decimals are written where no amount shows it


_REPORTS = (
    _Report(
        "stripe_itemized",
        "stripe",
        "Stripe's itemized report",
        {
            "transaction_id": ("balance_transaction_id",),
            "type": ("reporting_category",),
            "source": ("source_id",),
            "charge": ("charge_id",),
            "created": ("created_utc", "created"),
            "gross": ("gross",),
            "fee": ("fee",),
            "net": ("net",),
            "currency": ("currency",),
            "charged_amount": ("customer_facing_amount",),
            "charged_currency": ("customer_facing_currency",),
            "payout_id": ("automatic_payout_id",),
            "payout_at": ("automatic_payout_effective_at_utc", "automatic_payout_effective_at"),
            "is_live": ("livemode",),
        },
        ("transaction_id", "type", "created", "gross", "fee", "net", "currency"),
    ),
    _Report(
        "stripe_balance",
        "stripe",
        "Stripe's balance history",
        {
            "transaction_id": ("id",),
            "type": ("type",),
            "source": ("source",),
            "created": ("created (utc)",),
            "gross": ("amount",),
            "fee": ("fee",),
            "net": ("net",),
            "currency": ("currency",),
            "charged_amount": ("customer facing amount",),
            "charged_currency": ("customer facing currency",),
            "payout_id": ("transfer",),
            "payout_at": ("transfer date (utc)",),
        },
        ("transaction_id", "type", "source", "created", "gross", "fee", "net", "currency"),
    ),
    _Report(
        "stripe_payments",
        "stripe",
        "Stripe's payments",
        {
            "transaction_id": ("id",),
            "type": ("status",),
            "created": ("created date (utc)", "created (utc)"),
            "charged_amount": ("amount",),
            "charged_currency": ("currency",),
            "refunded_charged": ("amount refunded",),
            "refunded_at": ("refunded date (utc)",),
            "gross": ("converted amount",),
            "refunded": ("converted amount refunded",),
            "currency": ("converted currency",),
            "fee": ("fee",),
            "fee_tax": ("taxes on fee",),
            "captured": ("captured",),
            "mode": ("mode",),
            "payout_id": ("transfer",),
            "payout_at": ("transfer date (utc)",),
        },
        ("transaction_id", "type", "created", "charged_amount", "charged_currency", "refunded_charged", "fee"),
    ),
    _Report(
        "paypal_activity",
        "paypal",
        "PayPal's activity",
        {
            "date": ("date",),
            "time": ("time",),
            "zone": ("timezone", "time zone"),
            "type": ("type", "description"),
            "status": ("status",),
            "currency": ("currency",),
            "gross": ("gross",),
            "fee": ("fee",),
            "net": ("net",),
            "transaction_id": ("transaction id",),
            "reference": ("reference txn id",),
            "impact": ("balance impact",),
        },
        ("date", "time", "zone", "type", "currency", "gross", "fee", "net", "transaction_id"),
    ),
    _Report(
        "paypal_activity",
        "paypal",
        "PayPal's activity, in German",
        {
            "date": ("datum",),
            "time": ("uhrzeit",),
            "zone": ("zeitzone",),
            "type": ("typ", "beschreibung"),
            "status": ("status",),
            "currency": ("währung",),
            "gross": ("brutto",),
            "fee": ("gebühr", "entgelt"),
            "net": ("netto",),
            "transaction_id": ("transaktionscode",),
            "reference": ("zugehöriger transaktionscode",),
            "impact": ("auswirkung auf guthaben",),
        },
        ("date", "time", "zone", "type", "currency", "gross", "fee", "net", "transaction_id"),
        comma=True,
    ),
)
KNOWN = "Stripe's itemized reports, balance history and payments, and PayPal's activity in English or German"

# what two rows of one transaction have to agree on, as far as both say it
_FACTS = (
    *("kind", "reference", "created_at", "gross", "fee", "net", "currency", "charged_amount", "charged_currency"),
    *("payout_id", "payout_on"),
)
_AMOUNTS = ("gross", "fee", "net", "charged_amount", "refunded", "refunded_charged", "fee_tax")
_MOMENTS = ("created", "refunded_at", "payout_at", "date")
# PayPal's abbreviations, as hours from UTC
_ZONES = {
    "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_NUMERIC_DATE = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d)")
_ISO_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d{1,2}:\d\d(?::\d\d)?)(?:\.\d+)?)?(?: ?(?:Z|UTC|\+00:?00))?", re.ASCII
)
_STRIPE_KINDS = {
    **dict.fromkeys(("charge", "payment"), "charge"),
    **dict.fromkeys(
        ("refund", "payment_refund", "refund_failure", "payment_failure_refund", "partial_capture_reversal"), "refund"
    ),
    **dict.fromkeys(("payout", "payout_reversal", "payout_cancel", "payout_failure"), "payout"),
}
# in order: the first that a type holds decides
_PAYPAL_KINDS = (
    (r"conversion|umrechnung|hold|einbehalt|reserve|authori[sz]ation|autorisierung", "other"),
    (r"withdraw|abbuchung|auszahlung", "payout"),
    (r"refund|rückzahlung|erstattung", "refund"),
    (r"reversal|chargeback|rückbuchung|dispute|konflikt|\bfee\b|gebühr|deposit|gutschrift auf", "other"),
)


class _Refused(ValueError):
    pass


def read(content: bytes, file: str, days: DayOrder | None = None) -> tuple[str, list[Row]]:
    """The rows of one export, and what it is called. Raises ConfigProblem for a file of which nothing can be known:
    no export that we know, or dates that can be read in two ways, for which there is ``days``."""
    header, lines = _table(content, file)
    report = next((one for one in _REPORTS if all(set(one.columns[need]) & set(header) for need in one.needed)), None)
    if report is None:
        raise ConfigProblem(
            f"{file} is not a known export ({KNOWN}). Its columns are: {', '.join(header)[:300]}\n"
            "Nothing was loaded. Which exports, and where to find them: docs/payouts.md"
        )
    places = {
        field: header.index(next(name for name in names if name in header))
        for field, names in report.columns.items()
        if set(names) & set(header)
    }
    texts = [
        {field: line[place].strip() for field, place in places.items()} if len(line) == len(header) else None
        for line in lines
    ]
    order = days or _day_order(file, [text for text in texts if text])
    comma = _has_comma(report, [text for text in texts if text])
    rows = []
    for position, (line, text) in enumerate(zip(lines, texts, strict=True), 1):
        known = dict(zip(header, line, strict=False)) | ({} if text else {"": line[len(header) :]})
        start = Row(report.processor, report.name, file, position, json.dumps(known, ensure_ascii=False))
        try:
            if text is None:
                raise _Refused(f"{len(line)} values under {len(header)} columns")
            rows += _rows(start, report, text, comma, order)
        except _Refused as refused:
            rows.append(dataclasses.replace(start, transaction_id=_id(text), reason=str(refused)))
    return report.title, rows


def once(rows: list[Row]) -> list[Row]:
    """Each transaction once: of those that agree the one that says most; those that do not agree are all refused."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.row_id, []).append(row)
    kept: dict[str, Row] = {}
    for same in found.values():
        same.sort(key=lambda row: (-row.says, row.content, row.file, row.position))
        if any(len({getattr(row, fact) for row in same} - {None}) > 1 for fact in _FACTS):
            reason = "the transaction is there twice with different values"
            same = [
                Row(one.processor, one.report, one.file, one.position, one.document, one.transaction_id, reason=reason)
                for one in same
            ]
        else:
            del same[1:]
        kept |= {row.row_id: row for row in reversed(same)}
    return list(kept.values())


def _table(content: bytes, file: str) -> tuple[list[str], list[list[str]]]:
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if line]
    except csv.Error as error:
        raise ConfigProblem(
            f"{file} is not a complete CSV file: {error}. Nothing was loaded; download it again."
        ) from None
    lines = [line for line in lines if any(value.strip() for value in line)]
    if not lines:
        raise ConfigProblem(f"{file} is empty. Nothing was loaded; download it again.")
    return [" ".join(name.split()).casefold() for name in lines[0]], lines[1:]


def _rows(start: Row, report: _Report, text: dict[str, str], comma: bool, order: DayOrder) -> Iterator[Row]:
    if text.get("mode", "").casefold() == "test" or text.get("is_live", "").casefold() == "false":
        raise _Refused("test mode: no real money")
    if not _id(text):
        raise _Refused("no id")
    amounts = {field: _amount(text.get(field, ""), field, comma) for field in _AMOUNTS}
    paypal = report.processor == "paypal"
    currency, charged_currency = (text.get(field, "").upper() for field in ("currency", "charged_currency"))
    currency = currency or charged_currency
    if not re.fullmatch("[A-Z]{3}", currency, re.ASCII):
        raise _Refused("currency is no code of three letters")
    gross, fee = amounts["gross"], amounts["fee"]
    if report.name == "stripe_payments":
        gross = amounts["charged_amount"] if gross is None else gross
        fee = fee if fee is None else fee + (amounts["fee_tax"] or 0)
    elif paypal:
        fee = None if fee is None else -fee
    net = amounts["net"]
    if gross is None or (net is None and "net" in report.needed):
        raise _Refused(f"{'net' if gross is not None else 'gross'} is missing")
    if net is not None and fee is not None and net != gross - fee:
        raise _Refused("net is not gross less fee")
    created = _paypal_moment(text, order) if paypal else _moment(text["created"], order)
    if created is None:
        raise _Refused("created is missing")
    payout_at = _moment(text.get("payout_at", ""), order)
    charged = amounts["charged_amount"] if charged_currency else None
    row = dataclasses.replace(
        start,
        transaction_id=_id(text),
        kind=_paypal_kind(text, gross) if paypal else _STRIPE_KINDS.get(text["type"].casefold(), "other"),
        type=text["type"] or None,
        reference=_reference(text, paypal),
        created_at=created,
        gross=_written(gross),
        fee=_written(fee),
        net=_written(net),
        currency=currency,
        # whether an export writes that of a refund with a sign is documented nowhere
        charged_amount=_written(gross if charged is None else charged.copy_abs().copy_sign(gross)),
        charged_currency=currency if charged is None else charged_currency,
        payout_id=text.get("payout_id") or None,
        payout_on=payout_at and payout_at.date().isoformat(),
    )
    if report.name != "stripe_payments":
        yield row
        return
    moved = text["type"].casefold() in ("paid", "refunded", "partially refunded", "partial refund", "succeeded")
    moved = moved and text.get("captured", "true").casefold() != "false"
    yield dataclasses.replace(row, kind="charge" if moved else "no_money", reference=row.transaction_id)
    if moved and amounts["refunded_charged"]:
        given_back = amounts["refunded_charged"] if amounts["refunded"] is None else amounts["refunded"]
        yield dataclasses.replace(
            row,
            transaction_id=f"{row.transaction_id}:refund",
            kind="refund",
            reference=row.transaction_id,
            created_at=_moment(text.get("refunded_at", ""), order),
            gross=_written(-given_back),
            fee=None,
            charged_amount=_written(-amounts["refunded_charged"]),
            payout_id=None,
            payout_on=None,
        )


def _id(text: dict[str, str] | None) -> str | None:
    return (text or {}).get("transaction_id") or None


def _reference(text: dict[str, str], paypal: bool) -> str | None:
    """The charge: that of a refund too, where the export names it."""
    if paypal:
        # a refund names its payment; what names an agreement of a subscription is a payment itself
        reference = text.get("reference", "")
        return reference if reference and not re.match("[BI]-", reference) else _id(text)
    source = text.get("source", "")
    return text.get("charge") or (source if source.startswith(("ch_", "py_")) else None)


def _paypal_kind(text: dict[str, str], gross: Decimal) -> str:
    impact, status = text.get("impact", "").casefold(), text.get("status", "").casefold()
    if (impact and impact not in ("credit", "debit", "haben", "soll")) or (
        status and status not in ("completed", "abgeschlossen", "partially refunded", "refunded", "teilrückzahlung")
    ):
        return "no_money"
    kind = text["type"].casefold()
    found = next((one for pattern, one in _PAYPAL_KINDS if re.search(pattern, kind)), None)
    return found or ("charge" if gross > 0 else "other")


def _has_comma(report: _Report, texts: list[dict[str, str]]) -> bool:
    """Whether decimals are written with a comma: by the amounts in which the last mark cannot be of thousands."""
    votes = {",": 0, ".": 0}
    for text in texts:
        for field in _AMOUNTS:
            if found := re.search(r"([.,])(\d+)$", text.get(field, "")):
                marks = set(re.findall("[.,]", text[field]))
                votes[found[1]] += len(found[2]) != 3 or len(marks) == 2
    return votes[","] > votes["."] or (report.comma and votes["."] <= votes[","])


def _amount(text: str, field: str, comma: bool) -> Decimal | None:
    if not text:
        return None
    plain = re.sub(r"['\s\u00a0\u202f]", "", text)
    thousands, mark = (".", ",") if comma else (",", ".")
    whole, _, decimals = plain.partition(mark)
    grouped = re.fullmatch(rf"-?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole, re.ASCII)
    whole = whole.replace(thousands, "") if grouped else whole
    if not re.fullmatch(r"-?\d{1,14}", whole, re.ASCII) or not re.fullmatch(r"\d{0,4}", decimals, re.ASCII):
        raise _Refused(f"{field} is no amount")
    return Decimal(f"{whole}.{decimals or '0'}")


def _written(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize() + 0:f}"


def _day_order(file: str, texts: list[dict[str, str]]) -> DayOrder:
    first = second = ambiguous = False
    for text in texts:
        for field in _MOMENTS:
            if found := _NUMERIC_DATE.match(text.get(field, "")):
                first, second = first or int(found[1]) > 12, second or int(found[2]) > 12
                ambiguous = ambiguous or "/" in text[field]
    if ambiguous and first == second:
        raise ConfigProblem(
            f"The dates of {file} can be read as day/month and as month/day. Nothing was loaded. "
            "Which it is: --dates dmy or --dates mdy."
        )
    return "mdy" if second else "dmy"


def _moment(text: str, order: DayOrder) -> dt.datetime | None:
    """A time that the export says in UTC; of a date, its beginning."""
    if not text:
        return None
    if found := _ISO_MOMENT.fullmatch(text):
        day, clock = found[1], found[2] or "00:00"
    elif (date := _NUMERIC_DATE.match(text)) and re.fullmatch(r"(?: \d{1,2}:\d\d(?::\d\d)?)?", text[date.end() :]):
        day, clock = _iso_day(date, order), text[date.end() :].strip() or "00:00"
    else:
        raise _Refused("a time cannot be read")
    try:
        return dt.datetime.fromisoformat(f"{day}T{clock.zfill(5 if clock.count(':') == 1 else 8)}+00:00")
    except ValueError:
        raise _Refused("a time cannot be read") from None


def _paypal_moment(text: dict[str, str], order: DayOrder) -> dt.datetime | None:
    """PayPal's local time in the zone beside it."""
    local = _moment(f"{text['date']} {text['time']}".strip(), order)
    if local is None:
        return None
    zone = text["zone"]
    if zone.upper() in _ZONES:
        return local - dt.timedelta(hours=_ZONES[zone.upper()])
    if found := re.fullmatch(r"(?:GMT|UTC)([+-])(\d{1,2}):?(\d\d)?", zone):
        ahead = dt.timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return local - ahead if found[1] == "+" else local + ahead
    try:
        return local.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
        raise _Refused("the time zone is not known") from None


def _iso_day(date: re.Match[str], order: DayOrder) -> str:
    # with dots it is always the day first
    day, month = (date[2], date[1]) if order == "mdy" and "/" in date[0] else (date[1], date[2])
    return f"{date[3]}-{int(month):02}-{int(day):02}"


def _hash(*parts: object) -> str:
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()
