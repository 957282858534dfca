"""Amounts, days and names as people read them."""

import datetime as dt
from decimal import Decimal

import pytest

from boxoffice.report import formatting


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234.5", "GBP", "1,234.50"),
        ("-0.5", "GBP", "−0.50"),
        ("1234", "JPY", "1,234"),
        ("1.5", "KWD", "1.500"),
        ("0.0000", "GBP", "0.00"),
        ("-0.0000", "GBP", "0.00"),
        ("1.2345", "GBP", "1.2345"),  # what does not add up must not be rounded away
        ("10000000", "XXX", "10,000,000.00"),
        ("1000.5000", "JPY", "1,000.5"),
    ],
)
def test_amount(value: str, currency: str, text: str) -> None:
    assert formatting.amount(Decimal(value), currency) == text


def test_what_is_not_known_is_no_number() -> None:
    assert formatting.amount(None, "GBP") == "–"
    assert formatting.money(None, "GBP") == "not known"
    assert formatting.count(None) == "–"
    assert formatting.percent(None) == "–"
    assert formatting.day(None) == "no date"
    assert formatting.money(Decimal(3), None) == "3.00 (no currency)"


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [(110, 100, "+10 %"), (90, 100, "−10 %"), (100, 100, "±0 %"), (5, 0, ""), (5, None, ""), (5000, 100, "× 50")],
)
def test_change(now: int, before: int | None, text: str) -> None:
    assert formatting.change(now, before) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Hamlet - Part 2", "Hamlet - Part 2"),
        ("Sunday - Monday", "Sunday - Monday"),
        ("  ", "Event without a name"),
        (None, "Event without a name"),
        ("x" * 80, "x" * 59 + "…"),
    ],
)
def test_event_name(name: str | None, text: str) -> None:
    assert formatting.event_name(name) == text


def test_spans_of_days() -> None:
    assert formatting.span(dt.date(2026, 11, 9), dt.date(2026, 11, 15)) == "9–15 Nov 2026"
    assert formatting.span(dt.date(2026, 11, 30), dt.date(2026, 12, 6)) == "30 Nov – 6 Dec 2026"
    assert formatting.span(dt.date(2026, 12, 28), dt.date(2027, 1, 3)) == "28 Dec 2026 – 3 Jan 2027"
