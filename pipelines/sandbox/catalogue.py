"""What the venue puts on and whom it sells to: shows, performances, prices, products, people. All of it invented."""

import dataclasses
from functools import lru_cache

from sandbox.draw import scatter

HOUR = 3600
DAY = 86400
VENUE_NAME = "Quayside Hall"

# One title is one Ticket Tailor event series.
TITLES = (
    "The Lantern Parade",
    "Salt & Thunder",
    "A Clockwork Winter",
    "Moth Orchestra",
    "Tin Whistle Tales",
    "The Paper Sea",
    "Night Bus to Avalon",
    "Rosehip Quartet",
    "Giants of the Fen",
    "Café Solaire",
    "Seven Small Storms",
    "The Glass Gardener",
)
LEVELS = ("Stalls", "Circle", "Child", "Open rehearsal")
BUNDLE_NAME = "Family of four"
BUNDLE_LEVELS = (0, 0, 2, 2)

# Pound, yen and dinar: two, no and three decimals.
DIGITS = {"GBP": 2, "JPY": 0, "KWD": 3}
_PRICES = {"GBP": (2400, 1800, 950, 0), "JPY": (4500, 3300, 1250, 0), "KWD": (7250, 5500, 2125, 0)}
_STEP = {"GBP": 150, "JPY": 100, "KWD": 125}
# Performance n of every six: which platforms sell it, and in which currency.
_PATTERN = (
    (True, True, "GBP"),
    (False, True, "GBP"),
    (True, False, "GBP"),
    (True, True, "JPY"),
    (True, True, "GBP"),
    (True, True, "KWD"),
)
_START_HOURS = (14.5, 19.5, 13.0, 20.0, 15.25, 19.0)  # a matinee, an evening
WINDOW = 6  # an order is for one of the next six performances
SCANNED_PERCENT = 85  # of the tickets of an order whose tickets are scanned
CAPACITY = (180, 90, 60, 40)  # seats, one number for each of LEVELS


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One performance. Times are unix seconds UTC; prices are minor units of ``currency``, one for each of LEVELS.

    ``start`` is when it begins as first announced, ``given_at`` when the curtain rises; ``moved_start`` is what the
    platforms show from ``moved_at`` on. What was called off is sold and given no more from ``called_off_at`` on.
    """

    index: int
    series: int
    title: str
    start: int
    end: int
    created: int
    currency: str
    digits: int
    on_tailor: bool
    on_ticketor: bool
    prices: tuple[int, ...]
    moved_at: int | None
    moved_start: int
    given_at: int
    seats: tuple[int, ...] = CAPACITY
    called_off_at: int | None = None

    def start_at(self, now: int) -> int:
        """When it begins as announced at ``now``."""
        return self.moved_start if self.moved_at is not None and now >= self.moved_at else self.start

    @property
    def bundle_price(self) -> int:
        """A family of four pays for three and a bit: a price that four tickets cannot share evenly."""
        whole = sum(self.prices[level] for level in BUNDLE_LEVELS)
        return whole * 17 // 20 + (1 if whole * 17 // 20 % 2 == 0 else 0)


def platforms_and_currency(index: int) -> tuple[bool, bool, str]:
    """(sold on Ticket Tailor, sold on Ticketor, currency) of performance ``index``."""
    return _PATTERN[index % len(_PATTERN)]


def prices_of(series: int, currency: str) -> tuple[int, ...]:
    """The prices of a title, one for each of LEVELS."""
    return tuple(price + series // 3 * _STEP[currency] if price else 0 for price in _PRICES[currency])


def make_event(index: int, midnight: int) -> Event:
    """Performance ``index``, on the local day that begins at ``midnight`` (unix seconds): odd ones are evenings."""
    on_tailor, on_ticketor, currency = _PATTERN[index % len(_PATTERN)]
    series = index % len(TITLES)
    start = midnight + int(_START_HOURS[index % len(_START_HOURS)] * HOUR)
    moved = index % 8 == 4  # put off by half an hour
    return Event(
        index=index,
        series=series,
        title=TITLES[series],
        start=start,
        end=start + 2 * HOUR + 15 * 60,
        created=start - 120 * DAY,
        currency=currency,
        digits=DIGITS[currency],
        on_tailor=on_tailor,
        on_ticketor=on_ticketor,
        prices=prices_of(series, currency),
        moved_at=start - 9 * DAY if moved else None,
        moved_start=start + 1800,
        given_at=start + 1800,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Product:
    """Something sold beside tickets. ``prices`` are minor units by currency; ``kind`` as in the marts."""

    number: int
    name: str
    kind: str
    prices: dict[str, int]


# The same numbers serve both platforms; seeds/product_kinds.csv distinguishes donations, gift cards and memberships.
MUG = Product(10099, "Enamel mug", "merchandise", {"GBP": 899, "JPY": 1500, "KWD": 3333})
PROGRAMME = Product(10100, "Programme", "merchandise", {"GBP": 450, "JPY": 700, "KWD": 1250})
DONATION = Product(90001, "Roof appeal", "donation", {"GBP": 1000, "JPY": 2000, "KWD": 5000})
GIFT_CARD = Product(90002, "Gift card", "gift_card", {"GBP": 2500, "JPY": 5000, "KWD": 10000})
MEMBERSHIP = Product(90003, "Friend of the hall", "membership", {"GBP": 4000, "JPY": 7000, "KWD": 15000})
PRODUCTS = (MUG, PROGRAMME, DONATION, GIFT_CARD, MEMBERSHIP)

_FIRST = (
    "Ada", "Bram", "Chidi", "Dalia", "Esme", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Keiko", "Luca", "Maeve",
    "Nadia", "Otis", "Priya", "Quentin", "Rosa", "Søren", "Tamsin", "Uma", "Viktor", "Wren", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip
_LAST = (
    "Abbott", "Birdwhistle", "Castellan", "Dunmore", "Elderfield", "Fennimore", "Gladwell", "Hartigan", "Ibarra",
    "Jessop", "Kettleborough", "Lindqvist", "Marchetti", "Nightingale", "O'Hara", "Pemberton", "Quill", "Rackham",
    "Sable", "Thistlewood", "Underhill", "Van Dorn", "Wainwright", "Xiang", "Yarrow", "Zimmer",
)  # fmt: skip
_PLAIN = str.maketrans({"ø": "o", "ë": "e", "é": "e", "'": "", " ": ""})


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody who buys. ``number`` is the same person in every venue and on both platforms."""

    number: int
    first: str
    last: str
    email: str
    phone: str
    mailing: bool
    sms: bool

    def email_on_ticketor(self) -> str:
        """The same address as this person types it there: capitals come and go."""
        return self.email.title() if self.number % 3 == 0 else self.email


# as in an address: first.last
_FIRST_PLAIN = tuple(name.lower().translate(_PLAIN) for name in _FIRST)
_LAST_PLAIN = tuple(name.lower().translate(_PLAIN) for name in _LAST)


@lru_cache(maxsize=4096)
def person(number: int) -> Person:
    """The person with this number, the same in every venue."""
    bits = scatter(0, number)
    first, last = bits % len(_FIRST), (bits >> 16) % len(_LAST)
    domain = "com" if bits >> 32 & 1 else "org"
    return Person(
        number,
        _FIRST[first],
        _LAST[last],
        f"{_FIRST_PLAIN[first]}.{_LAST_PLAIN[last]}{number}@example.{domain}",
        f"07{bits % 10**9:09d}" if bits >> 33 & 3 else "",
        bool(bits >> 35 & 1),
        not bits >> 36 & 7,
    )
