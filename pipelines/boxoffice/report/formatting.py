"""Amounts, days and names as text."""

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal

from boxoffice.warehouse.currencies import NO_CURRENCY, decimals

_MINUS = "−"
_PLATFORMS = {"ticketor": "Ticketor", "ticket_tailor": "Ticket Tailor"}


def amount(value: Decimal | int | None, currency: str | None, *, whole: bool = False, sign: bool = False) -> str:
    """An amount without its currency: ``1,234.50``; an en dash where it is not known (None).

    ``whole`` leaves the decimals out, ``sign`` writes a plus as well. More decimals than the currency has are kept:
    rounding them away would hide what does not add up.
    """
    if value is None:
        return "–"
    places = 0 if whole else decimals(currency)
    value = Decimal(value)
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    if not whole and rounded != value:
        rounded = value.normalize()
    text = f"{abs(rounded):,f}"
    if rounded < 0:
        return _MINUS + text
    return f"+{text}" if sign and rounded > 0 else text


def plain(value: Decimal | None, currency: str | None) -> Decimal | None:
    """An amount with the currency's decimals, for a file; with more where it has more that are not 0."""
    if value is None:
        return None
    rounded = value.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_EVEN)
    return rounded if rounded == value else value.normalize()


def money(value: Decimal | None, currency: str | None) -> str:
    """An amount with its currency: ``1,234.50 GBP``."""
    if value is None:
        return "not known"
    return f"{amount(value, currency)} {currency or '(no currency)'}"


def currency_name(currency: str) -> str:
    """The code of a currency, or ``no currency``."""
    return "no currency" if currency == NO_CURRENCY else currency


def average(value: Decimal | float | None, currency: str | None) -> str:
    """A mean amount, which has more decimals than money has: ``19.56``; an en dash where there is none."""
    if value is None:
        return "–"
    return amount(Decimal(value).quantize(Decimal(1).scaleb(-decimals(currency))), currency)


def count(value: int | None) -> str:
    """A whole number with thousands apart; an en dash where it is not known."""
    return "–" if value is None else f"{value:,}".replace("-", _MINUS)


def percent(share: Decimal | float | None) -> str:
    """A share as a percentage, ``12 %``; one decimal below ten."""
    if share is None:
        return "–"
    value = float(share) * 100
    text = f"{abs(value):.0f}" if abs(value) >= 10 or value == 0 else f"{abs(value):.1f}"
    return f"{_MINUS if value < 0 else ''}{text} %"


def change(now: Decimal | int, before: Decimal | int | None) -> str:
    """By how much something grew, ``+12 %``; empty where there is nothing to compare with."""
    if not before or before < 0:
        return ""
    value = float(now - before) / float(before) * 100
    if value >= 1000:
        return f"× {float(now) / float(before):,.0f}"
    return f"{'+' if value >= 0.5 else _MINUS if value <= -0.5 else '±'}{abs(value):.0f} %"


def day(value: dt.date | None, *, year: bool = True, weekday: bool = False) -> str:
    """A calendar day: ``7 Nov 2026``."""
    if value is None:
        return "no date"
    text = f"{value.day} {value:%b %Y}" if year else f"{value.day} {value:%b}"
    return f"{value:%a} {text}" if weekday else text


def moment(value: dt.datetime | None, zone: dt.tzinfo | None = None) -> str:
    """A point in time, ``7 Nov 2026, 19:30``; on the clock of ``zone`` where one is given, else in its own."""
    if value is None:
        return "time not known"
    local = value.astimezone(zone) if zone else value
    return f"{day(local)}, {local:%H:%M}"


def span(first: dt.date, last: dt.date) -> str:
    """Days from ``first`` to ``last``, both included: ``9–15 Nov 2026``, ``30 Nov – 6 Dec 2026``."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    return f"{day(first, year=first.year != last.year)} – {day(last)}"


def platform(name: str) -> str:
    """The platform's name as its owner writes it."""
    return _PLATFORMS.get(name, name)


def event_name(name: str | None, limit: int = 60) -> str:
    """An event's name; what is longer than ``limit`` is cut."""
    text = (name or "").strip() or "Event without a name"
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plural(how_many: int, one: str, many: str | None = None) -> str:
    """``1 order``, ``2 orders``."""
    return f"{count(how_many)} {one if how_many == 1 else many or one + 's'}"
